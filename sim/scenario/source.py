"""YAML text to plain data that remembers where every value and key stands.

Works on the parser's events, never on constructed objects. Plain scalars follow the
core schema of YAML 1.2, so ``NO`` is a text, ``1e6`` a number and ``12:30`` a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from sim.scenario.errors import nearest

DEPTH_MAX = 40
NODES_MAX = 200_000

KeyPath = tuple[str | int, ...]

_PARSER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
#: What a plain scalar must match to be a number.
NUMBER = re.compile(rf"^(?:{_INTEGER.pattern}|{_FLOAT.pattern})$")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONSTANTS: dict[str, bool | None] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_CONSTANTS |= dict.fromkeys(("true", "True", "TRUE"), True)
_CONSTANTS |= dict.fromkeys(("false", "False", "FALSE"), False)
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of one line; line and column count from 0."""

    line: int
    column: int
    length: int = 1


@dataclass(frozen=True, slots=True)
class Finding:
    """A mistake at a place in the text."""

    mark: Mark
    message: str
    hint: str | None = None


class BrokenError(Exception):
    """The text cannot be read any further."""

    def __init__(self, mark: Mark, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.finding = Finding(mark, message, hint)


@dataclass(slots=True)
class Node:
    """A value with its place.

    Attributes
    ----------
    mark : where it stands
    content : a scalar, or child nodes by position or by key
    keys : where each key of a mapping stands
    quoted : whether a scalar was written in quotes
    size, height : number of nodes and levels, with aliases expanded
    """

    mark: Mark
    content: str | int | float | bool | list[Node] | dict[str, Node] | None
    keys: dict[str, Mark] = field(default_factory=dict)
    quoted: bool = False
    size: int = 1
    height: int = 1

    def plain(self) -> Any:
        """Return the value as scalars, lists and dictionaries."""
        if isinstance(self.content, dict):
            return {key: node.plain() for key, node in self.content.items()}
        if isinstance(self.content, list):
            return [node.plain() for node in self.content]
        return self.content

    def child(self, step: str | int) -> Node | None:
        """Return the child at a key or position, ``None`` if there is none."""
        if isinstance(self.content, dict) and isinstance(step, str):
            return self.content.get(step)
        if isinstance(self.content, list) and isinstance(step, int):
            return self.content[step] if 0 <= step < len(self.content) else None
        return None


def lines_of(text: str) -> list[str]:
    """Split a text where YAML sees line breaks."""
    return _LINE_BREAK.split(text)


def read(text: str) -> tuple[Node | None, list[Finding]]:
    """Read one YAML document.

    Returns
    -------
    node, findings
        The top of the document, ``None`` if the text is empty or cannot be read, and
        the mistakes found: one of syntax, or any number of doubled keys.
    """
    composer = _Composer()
    try:
        return composer.document(text), composer.findings
    except BrokenError as broken:
        return None, [broken.finding]
    except yaml.MarkedYAMLError as error:
        return None, [_syntax(error, composer.open_brackets, lines_of(text))]
    except yaml.reader.ReaderError as error:
        line = lines_of(text[: error.position])
        mark = Mark(len(line) - 1, len(line[-1]))
        code = ord(text[error.position])
        return None, [Finding(mark, f"the control character U+{code:04X} is not text")]


class _Composer:
    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.open_brackets: list[Mark] = []
        self._anchors: dict[str, Node] = {}
        self._open_anchors: set[str] = set()
        self._size = 0
        self._events: Iterator[Any] = iter(())

    def document(self, text: str) -> Node | None:
        self._events = yaml.parse(text, Loader=_PARSER)
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        node = self._node(next(self._events), 1)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise BrokenError(_mark(after), "a second document starts here", "one scenario a file")
        return node

    def _node(self, event: Any, depth: int) -> Node:
        mark = _mark(event)
        if depth > DEPTH_MAX:
            raise BrokenError(mark, f"nested more than {DEPTH_MAX} levels deep")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, mark, depth)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise BrokenError(mark, f"the tag {tag} has no meaning here", "write the plain value")
        self._count(1, mark)
        if event.anchor:
            self._open_anchors.add(event.anchor)
        in_brackets = isinstance(event, yaml.CollectionStartEvent) and event.flow_style
        if in_brackets:
            self.open_brackets.append(mark)
        if isinstance(event, yaml.ScalarEvent):
            quoted = bool(event.style)
            node = Node(mark, event.value if quoted else _resolve(event.value), quoted=quoted)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(mark, depth)
        else:
            node = self._mapping(mark, depth)
        if in_brackets:
            self.open_brackets.pop()
        if event.anchor:
            self._open_anchors.discard(event.anchor)
            self._anchors[event.anchor] = node
        return node

    def _sequence(self, mark: Mark, depth: int) -> Node:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, depth + 1))
        return Node(_until(mark, event), items, size=_size(items), height=_height(items))

    def _mapping(self, mark: Mark, depth: int) -> Node:
        entries: dict[str, Node] = {}
        keys: dict[str, Mark] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key_mark = _mark(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise BrokenError(key_mark, "a key must be plain text")
            value = self._node(next(self._events), depth + 1)
            if event.value == "<<" and not event.style:
                merged.extend(self._sources(value))
            elif event.value in keys:
                first = keys[event.value].line + 1
                self.findings.append(
                    Finding(key_mark, f"the key `{event.value}` is already on line {first}")
                )
            else:
                entries[event.value], keys[event.value] = value, key_mark
        children = [*entries.values(), *merged]
        node = Node(_until(mark, event), entries, keys, False, _size(children), _height(children))
        for source in merged:
            assert isinstance(source.content, dict)
            for key in source.content.keys() - entries.keys():
                entries[key], keys[key] = source.content[key], source.keys[key]
        return node

    def _sources(self, value: Node) -> list[Node]:
        nodes = value.content if isinstance(value.content, list) else [value]
        for node in nodes:
            if not isinstance(node.content, dict):
                raise BrokenError(node.mark, "`<<` merges mappings only")
        return nodes

    def _alias(self, event: Any, mark: Mark, depth: int) -> Node:
        if event.anchor in self._open_anchors:
            raise BrokenError(mark, f"*{event.anchor} contains itself")
        node = self._anchors.get(event.anchor)
        if node is None:
            match = nearest(event.anchor, self._anchors)
            raise BrokenError(
                mark,
                f"*{event.anchor} refers to no anchor above",
                f"did you mean `*{match}`?" if match else f"&{event.anchor} must come before it",
            )
        if depth + node.height - 1 > DEPTH_MAX:
            raise BrokenError(mark, f"nested more than {DEPTH_MAX} levels deep")
        self._count(node.size, mark)
        return node

    def _count(self, size: int, mark: Mark) -> None:
        self._size += size
        if self._size > NODES_MAX:
            raise BrokenError(mark, f"more than {NODES_MAX} values, aliases expanded")


def _size(children: list[Node]) -> int:
    return 1 + sum(child.size for child in children)


def _height(children: list[Node]) -> int:
    return 1 + max((child.height for child in children), default=0)


def _resolve(text: str) -> str | int | float | bool | None:
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        # Base 0 would refuse the leading zeros that YAML allows.
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


def _mark(event: Any) -> Mark:
    start, end = event.start_mark, event.end_mark
    if isinstance(event, yaml.AliasEvent | yaml.ScalarEvent) and end.line == start.line:
        return Mark(start.line, start.column, max(1, end.column - start.column))
    return Mark(start.line, start.column)


def _until(mark: Mark, end: Any) -> Mark:
    """Stretch the mark of a collection to its closing bracket on the same line."""
    if end.end_mark.line == mark.line and end.end_mark.column > mark.column:
        return Mark(mark.line, mark.column, end.end_mark.column - mark.column)
    return mark


def _syntax(error: yaml.MarkedYAMLError, brackets: list[Mark], lines: list[str]) -> Finding:
    """Put a parser's complaint into plain words, at the place the user has to look at."""
    context, problem = error.context or "", error.problem or "broken YAML"
    at = _error_mark(error.problem_mark or error.context_mark, lines)
    opened = _error_mark(error.context_mark or error.problem_mark, lines)
    found = _character(at, lines)
    if "maximum nesting depth" in problem:  # libyaml's own bound came first
        return Finding(at, f"nested more than {DEPTH_MAX} levels deep")
    if "quoted scalar" in context and "unexpected" in problem:
        return Finding(opened, "this quote is never closed")
    if "flow" in context and "expected" in problem and brackets:
        bracket = _character(brackets[-1], lines)
        closing = "]" if bracket == "[" else "}"
        if found and at.line == brackets[-1].line:
            return Finding(at, f"expected `,` or `{closing}`")
        before = f"before line {at.line + 1}" if found else "before the end of the file"
        message = f"this `{bracket}` is not closed {before}"
        return Finding(brackets[-1], message, f"add `{closing}`, or the `,` that is missing")
    if found == "\t":
        return Finding(at, "a tab where spaces are expected", "indent with spaces")
    if "cannot start any token" in problem:
        return Finding(at, f"a value cannot begin with `{found}`", "put the text in quotes")
    if "mapping values are not allowed" in problem:
        return Finding(
            at,
            "this `:` comes where no key can stand",
            "check the indentation of this line, or put a text that contains `: ` in quotes",
        )
    if "could not find expected ':'" in problem:
        return Finding(opened, "expected `key: value`", "add the `:`, or check the indentation")
    if "expected node content" in problem or "expected the node content" in problem:
        what = f"`{found}`" if found else "the end of the file"
        return Finding(at, f"expected a value, found {what}")
    if "block" in context or "<document start>" in problem:
        return Finding(
            at,
            "this does not continue what stands above it",
            "check the indentation and the brackets of this line and the one before it",
        )
    return Finding(at, problem)


def _error_mark(mark: Any, lines: list[str]) -> Mark:
    """Return the parser's mark, moved to the last text if it lies behind the end."""
    line, column = mark.line, mark.column
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    return Mark(line, column)


def _character(mark: Mark, lines: list[str]) -> str:
    return lines[mark.line][mark.column : mark.column + 1]
