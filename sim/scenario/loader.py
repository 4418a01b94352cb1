"""Scenario file in, checked specification out; every mistake with its line and column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from sim.scenario import source
from sim.scenario.errors import Problem, ScenarioError
from sim.scenario.explain import explain, node_at
from sim.scenario.files import file_findings
from sim.scenario.library import find
from sim.scenario.overrides import lay_over
from sim.scenario.references import conflicts
from sim.scenario.source import Finding, KeyPath, Mark, Node, lines_of
from sim.scenario.specs import Scenario

BYTES_MAX = 5_000_000

_EXCERPT_WIDTH = 90
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A scenario that passed all checks.

    Attributes
    ----------
    spec : what the file says, presets and defaults filled in
    path, folder : the file, and where its file references start
    text : the file's content
    """

    spec: Scenario
    path: Path
    folder: Path
    text: str


def load(name_or_path: str | Path, allow_outside: bool = False) -> LoadedScenario:
    """Load a scenario file, or a bundled scenario by name.

    Parameters
    ----------
    name_or_path
        Where to find it.
    allow_outside
        Whether the file may refer to files outside its own folder.

    Raises
    ------
    ScenarioError
        With all mistakes found.
    """
    path = find(name_or_path)
    name = str(path)
    text = _text(path, name)
    lines = lines_of(text)
    folder = path.absolute().parent
    root, findings = _document(text)
    spec = None
    if root is not None:
        spec, mistakes = _validated(root)
        findings += mistakes
    if root is not None and spec is not None:
        findings += _conflicts(spec, root)
        findings += file_findings(spec, root, folder, allow_outside)
    if spec is None or findings:
        raise ScenarioError(_problem(finding, name, lines) for finding in findings)
    return LoadedScenario(spec, path, folder, text)


def load_resolved(path: Path, settings: Sequence[str] = ()) -> Scenario:
    """Load the resolved scenario of a run folder, without the files that it refers to.

    Parameters
    ----------
    path : the file
    settings : of the tracker, to use instead, such as ``tracker.filter=imm``

    Raises
    ------
    ScenarioError
        With all mistakes found, those in a setting under its name.
    """
    name = str(path)
    if not path.exists():
        raise ScenarioError([_without_place(name, "no such file; a run folder holds one")])
    text = _text(path, name)
    lines = lines_of(text)
    root, findings = _document(text)
    spec = None
    if root is not None:
        findings += lay_over(root, settings, len(lines))
    if root is not None and not findings:
        spec, findings = _validated(root)
    if root is not None and spec is not None:
        findings += _conflicts(spec, root)
    if spec is None or findings:
        raise ScenarioError(_problem_or_setting(found, name, lines, settings) for found in findings)
    return spec


def problem_at(loaded: LoadedScenario, path: KeyPath, message: str) -> Problem:
    """Return a problem with a part of a loaded scenario, with the place in its file."""
    root, _ = source.read(loaded.text)
    assert root is not None  # it was loaded
    finding = Finding(node_at(root, path).mark, message)
    return _problem(finding, str(loaded.path), lines_of(loaded.text))


def dump_resolved(spec: Scenario) -> str:
    """Return a scenario as YAML with presets and defaults filled in.

    It loads to an equal scenario, as long as its file references lead to the same files.
    """
    return yaml.dump(_plain(spec), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        # Beside a preset, a default that was not asked for can contradict what it sets.
        only_given = "preset" in type(value).model_fields
        return {
            info.alias or key: _plain(getattr(value, key))
            for key, info in type(value).model_fields.items()
            if key in value.model_fields_set or not (only_given or getattr(value, key) is None)
        }
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return value


class _Dumper(yaml.SafeDumper):
    """Quotes what either version of YAML would take for something else than text."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_implicit_resolver("tag:airpicture,2025:number", source.NUMBER, list("-+.0123456789"))


def _text(path: Path, name: str) -> str:
    try:
        if path.is_dir():
            raise ScenarioError([_without_place(name, "is a folder; expected a scenario file")])
        if not path.is_file():
            raise ScenarioError([_without_place(name, "is no ordinary file")])
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ScenarioError([_without_place(name, f"cannot be read: {reason}")]) from None
    if len(content) > BYTES_MAX:
        raise ScenarioError([_without_place(name, f"is larger than {BYTES_MAX // 1_000_000} MB")])
    if content.startswith(_UTF16_MARKS):
        raise ScenarioError([_without_place(name, "is UTF-16 text", "save it as UTF-8")])
    try:
        return content.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8").removeprefix("\ufeff")
        lines = lines_of(content.decode("utf-8", errors="replace").removeprefix("\ufeff"))
        above = lines_of(before)
        mark = Mark(len(above) - 1, len(above[-1]))
        message = f"the byte 0x{content[error.start]:02x} is not UTF-8 text"
        finding = Finding(mark, message, "save the file as UTF-8")
        raise ScenarioError([_problem(finding, name, lines)]) from None


def _document(text: str) -> tuple[Node | None, list[Finding]]:
    root, findings = source.read(text)
    if root is None and not findings:
        hint = "`airpicture new` writes a scenario to start from"
        return None, [Finding(Mark(0, 0), "the file is empty", hint)]
    if root is not None and not isinstance(root.content, dict):
        return None, [Finding(root.mark, "expected keys (`schema: 1`, `name: …`) at the top")]
    return root, findings


def _validated(root: Node) -> tuple[Scenario | None, list[Finding]]:
    try:
        return Scenario.model_validate(root.plain()), explain([], root)
    except ValidationError as error:
        return None, explain(error.errors(include_url=False), root)


def _without_place(name: str, message: str, hint: str | None = None) -> Problem:
    return Problem(name, message, hint=hint)


def _problem(finding: Finding, name: str, lines: list[str]) -> Problem:
    mark = finding.mark
    return Problem(
        file=name,
        line=mark.line + 1,
        column=mark.column + 1,
        message=finding.message,
        hint=finding.hint,
        excerpt=_excerpt(mark, lines),
    )


def _problem_or_setting(
    finding: Finding, name: str, lines: list[str], settings: Sequence[str]
) -> Problem:
    line = finding.mark.line - len(lines)
    if line < 0:
        return _problem(finding, name, lines)
    return Problem(f"--set {settings[line]}", finding.message, hint=finding.hint)


def _excerpt(mark: Mark, lines: list[str]) -> str:
    """Return the line with its number, clipped around the culprit, and carets under it."""
    line = "".join(c if c.isprintable() else " " for c in lines[mark.line])
    first = max(0, min(mark.column - _EXCERPT_WIDTH // 3, len(line) - _EXCERPT_WIDTH))
    last = min(len(line), first + _EXCERPT_WIDTH)
    head, tail = "…" * (first > 0), "…" * (last < len(line))
    carets = "^" * max(1, min(mark.length, last - mark.column))
    indent = " " * (len(head) + mark.column - first)
    number = f"{mark.line + 1:>5} | "
    margin = " " * (len(number) - 2) + "| "
    return f"{number}{head}{line[first:last]}{tail}\n{margin}{indent}{carets}"


def _conflicts(spec: Scenario, root: Node) -> Iterator[Finding]:
    for conflict in conflicts(spec):
        message = conflict.message
        if conflict.first is not None:
            message += f", on line {node_at(root, conflict.first).mark.line + 1}"
        yield Finding(node_at(root, conflict.path).mark, message, conflict.hint)
