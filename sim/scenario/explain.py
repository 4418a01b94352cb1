"""pydantic's complaints, put into plain words at a place in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic_core import ErrorDetails

from sim.scenario.errors import nearest, proposal
from sim.scenario.shape import Place, Shape
from sim.scenario.source import Finding, KeyPath, Node
from sim.scenario.words import expectation, json_type, mismatch

#: The key that tells the members of a union apart.
_TAG = "kind"


def explain(errors: Sequence[ErrorDetails], root: Node) -> list[Finding]:
    """Say in plain words what is wrong with a document, and where.

    A missing key and an unknown one that looks like it make one finding. A value that
    pydantic would convert in silence, such as a quoted number, is a mistake as well.

    Parameters
    ----------
    errors
        pydantic's errors about ``root.plain()``, if any.
    root
        The document.
    """
    report = _Report(root)
    for place in Shape().places(root):
        report.add_place(place)
    for error in errors:
        report.add_error(error)
    return report.findings()


class _Report:
    def __init__(self, root: Node) -> None:
        self._root = root
        self._known: dict[KeyPath, set[str]] = {}
        self._unknown: dict[KeyPath, list[str]] = {}
        self._missing: dict[KeyPath, list[str]] = {}
        self._loose: dict[int, Finding] = {}
        self._wrong: dict[int, list[Finding]] = {}
        self._reported: dict[int, KeyPath] = {}

    def add_place(self, place: Place) -> None:
        """Take note of unknown keys, and of a scalar that only conversion would make fit."""
        keys, expected = place.unknown_keys(), place.loose_type()
        if (not keys and expected is None) or self._is_repeated(place.node, place.path):
            return
        if keys:
            self._known[place.path], self._unknown[place.path] = place.keys(), keys
        if expected is not None:
            finding = _mismatch(place.path, place.node, json_type(expected))
            self._loose[id(place.node)] = finding

    def add_error(self, error: ErrorDetails) -> None:
        """Take note of one of pydantic's errors, unless it follows from another mistake."""
        path, rest = _locate(error["loc"], self._root)
        if error["type"] == "extra_forbidden" and not rest:
            path, rest = path[:-1], str(path[-1])
        node = node_at(self._root, path)
        # A rule about a whole mapping says little as long as one of its keys is misspelt.
        is_shadowed = error["type"] == "value_error" and path in self._unknown
        if id(node) in self._loose or is_shadowed or _is_echo(error, node):
            return
        if self._is_repeated(node, path):
            return
        if error["type"] == "missing" and rest:
            self._missing.setdefault(path, []).append(rest)
        elif error["type"] == "union_tag_not_found" and isinstance(node.content, dict):
            self._missing.setdefault(path, []).append(_TAG)
        elif error["type"] == "extra_forbidden" and rest in node.keys:
            self._unknown.setdefault(path, []).append(rest)
        else:
            self._wrong.setdefault(id(node), []).append(_wrong(error, path, node))

    def findings(self) -> list[Finding]:
        found = [*self._loose.values()]
        for path, keys in self._unknown.items():
            mapping, missing = node_at(self._root, path), self._missing.get(path, [])
            known = self._known.get(path, set())
            found += [_unknown_key(key, mapping, known, missing) for key in dict.fromkeys(keys)]
        for path, keys in self._missing.items():
            mapping = node_at(self._root, path)
            found += [_missing_key(key, path, mapping) for key in dict.fromkeys(keys)]
        found += [_one(alternatives) for alternatives in self._wrong.values()]
        return found

    def _is_repeated(self, node: Node, path: KeyPath) -> bool:
        """Tell whether a mistake stands once in the file, but is used by aliases as well."""
        return self._reported.setdefault(id(node), path) != path


def node_at(root: Node, path: KeyPath) -> Node:
    """Return the node at a path, or the nearest one above it that stands in the file."""
    node = root
    for step in path:
        child = node.child(step)
        if child is None:
            break
        node = child
    return node


def _locate(loc: tuple[str | int, ...], root: Node) -> tuple[KeyPath, str]:
    """Split pydantic's location into a path in the file and a key that is not in it.

    pydantic puts the names of union members between the keys; they match no child.
    """
    path: list[str | int] = []
    node = root
    rest = ""
    for step in loc:
        child = node.child(step)
        if child is None:
            rest = str(step)
        else:
            path.append(step)
            node, rest = child, ""
    return tuple(path), rest


def _is_echo(error: ErrorDetails, node: Node) -> bool:
    """Tell whether a list is too short only because its entries are wrong."""
    if error["type"] != "too_short" or not isinstance(node.content, list):
        return False
    return len(node.content) >= int(error["ctx"]["min_length"])


def _dotted(path: KeyPath) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def _unknown_key(key: str, mapping: Node, known: set[str], missing: list[str]) -> Finding:
    mark = mapping.keys[key]
    # A key that is lacking explains a misspelt one better than one that is merely allowed.
    head = key.partition(":")[0]
    match = head if head in known else nearest(key, missing)
    if match in missing:
        missing.remove(match)
    if match == head:
        return Finding(mark, f"unknown key `{key}`", f"put a space after the colon: `{head}: `")
    if match is not None:
        return Finding(mark, f"unknown key `{key}`", f"did you mean `{match}`?")
    hint = proposal(key, sorted(known - mapping.keys.keys())) or proposal(key, sorted(known))
    return Finding(mark, f"unknown key `{key}`", hint)


def _missing_key(key: str, path: KeyPath, mapping: Node) -> Finding:
    where = f" in `{_dotted(path)}`" if path else ""
    return Finding(mapping.mark, f"the key `{key}` is missing{where}")


def _one(alternatives: list[Finding]) -> Finding:
    """Join what several members of a union say about one value."""
    messages = list(dict.fromkeys(finding.message for finding in alternatives))
    first = alternatives[0]
    return Finding(first.mark, "; or ".join(messages), first.hint)


def _wrong(error: ErrorDetails, path: KeyPath, node: Node) -> Finding:
    expected = expectation(error["type"], error.get("ctx", {}))
    if expected is not None and error["type"] == "union_tag_invalid":
        return _mismatch((*path, _TAG), node.child(_TAG) or node, *expected)
    if expected is not None:
        return _mismatch(path, node, *expected)
    message, _, match = error["msg"].removeprefix("Value error, ").partition("; did you mean ")
    message = message.replace("Input should be", "expected")
    hint = f"did you mean {match}" if match else None
    culprit = _culprit(node, message)
    if culprit is not None:
        path, node = (*path, culprit), node_at(node, (culprit,))
    return Finding(node.mark, f"{_dotted(path) or 'the scenario'}: {message}", hint)


def _culprit(node: Node, message: str) -> str | None:
    """Find the key of a mapping that a message names first: its value is to blame."""
    words = re.findall(r"[A-Za-z_][A-Za-z0-9_]*", message)
    return next((word for word in words if node.child(word) is not None), None)


def _mismatch(path: KeyPath, node: Node, expected: str, known: Sequence[str] = ()) -> Finding:
    message, hint = mismatch(expected, node, list(known))
    return Finding(node.mark, f"{_dotted(path)}: {message}", hint)
