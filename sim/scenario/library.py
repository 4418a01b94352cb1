"""The scenarios that come with the project."""

from __future__ import annotations

import re
from pathlib import Path

import sim
from sim.scenario.errors import Problem, ScenarioError, nearest
from sim.scenario.source import read

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


def folder() -> Path:
    """Return the folder of bundled scenarios: in the installation, else in the checkout."""
    package = Path(sim.__file__).parent
    installed = package / "_scenarios"
    return installed if installed.is_dir() else package.parent / "scenarios"


def bundled() -> list[tuple[str, str, Path]]:
    """Return name, title and path of every bundled scenario, by name."""
    return [(path.stem, _title(path), path) for path in sorted(folder().glob("*.yaml"))]


def find(name_or_path: str | Path) -> Path:
    """Return the path of a scenario file, given the path or a bundled scenario's name.

    Raises
    ------
    ScenarioError
        If there is neither; proposes the nearest name or neighbouring file.
    """
    path = Path(name_or_path)
    if _exists(path):
        return path
    stored = {file.stem: file for file in folder().glob("*.yaml")}
    if str(name_or_path) in stored:
        return stored[str(name_or_path)]
    beside = {file.name: str(file) for file in _scenario_files(path.parent)}
    match = nearest(path.name, beside)
    proposed = beside[match] if match else nearest(path.stem, stored)
    hint = f"did you mean {proposed}?" if proposed else "bundled: " + ", ".join(sorted(stored))
    problem = Problem(str(name_or_path), "no such file or bundled scenario", hint=hint)
    raise ScenarioError([problem])


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def _scenario_files(place: Path) -> list[Path]:
    try:
        return [path for path in place.iterdir() if path.suffix in (".yaml", ".yml")]
    except OSError:
        return []


def _title(path: Path) -> str:
    """Read the title alone: the rest need not be right."""
    node, _ = read(path.read_text(encoding="utf-8-sig"))
    title = node.child("title") if node else None
    return " ".join(str(title.content).split()) if title else ""


def starter_text(name: str) -> str:
    """Return a small commented scenario; it takes the name if that can be one."""
    text = Path(__file__).with_name("starter.yaml").read_text(encoding="utf-8")
    return text.replace("name: starter\n", f"name: {name}\n") if _IDENTIFIER.match(name) else text
