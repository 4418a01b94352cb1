"""Files that a scenario refers to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from sim.scenario.errors import nearest
from sim.scenario.explain import node_at
from sim.scenario.source import Finding, KeyPath, Node
from sim.scenario.specs import Scenario
from sim.world.spec import FileReference


def file_findings(
    spec: Scenario, root: Node, folder: Path, allow_outside: bool
) -> Iterator[Finding]:
    """Find references to files that are missing, unreadable, or outside the scenario's folder."""
    for path, name in _references(spec, ()):
        mark = node_at(root, path).mark
        target = folder / name
        real = _resolved(target)
        if real is None:
            yield Finding(mark, f"there is no file `{name}`: no file can have this name")
        elif not allow_outside and not real.is_relative_to(folder.resolve()):
            hint = "move the file below the scenario, or pass --allow-outside"
            yield Finding(mark, f"`{name}` lies outside the scenario's folder", hint)
        elif not real.exists():
            match = nearest(target.name, _names(target.parent))
            proposed = f"did you mean `{Path(name).with_name(match)}`?" if match else None
            yield Finding(mark, f"there is no file `{name}` beside the scenario", proposed)
        elif not real.is_file():
            yield Finding(mark, f"`{name}` is no file")
        elif not os.access(real, os.R_OK):
            yield Finding(mark, f"`{name}` may not be read")


def _resolved(path: Path) -> Path | None:
    """Follow symbolic links; ``None`` if the name is too long, or loops, or holds a zero byte."""
    try:
        real = path.resolve()
        real.exists()
    except (OSError, ValueError, RuntimeError):
        return None
    return real


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for entry in folder.iterdir()]
    except OSError:
        return []


def _references(value: object, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """Find every file reference in a specification."""
    if isinstance(value, BaseModel):
        for key, info in type(value).model_fields.items():
            below = getattr(value, key)
            here = (*path, info.alias or key)
            if isinstance(below, str):
                if _is_reference([info.annotation, *info.metadata]):
                    yield here, below
            elif _is_text(below) and _is_reference([info.annotation, *info.metadata]):
                yield from (((*here, i), name) for i, name in enumerate(below))
            else:
                yield from _references(below, here)
    elif isinstance(value, tuple | list):
        for i, item in enumerate(value):
            yield from _references(item, (*path, i))


def _is_text(value: object) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) for item in value)


def _is_reference(annotations: list[Any]) -> bool:
    return any(
        isinstance(annotation, FileReference)
        or _is_reference([*get_args(annotation), *getattr(annotation, "__metadata__", ())])
        for annotation in annotations
    )
