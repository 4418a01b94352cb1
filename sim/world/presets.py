"""Reading of preset files: named sets of values, each with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

Presets = Mapping[str, Mapping[str, "Preset"]]

_ENTRY_KEYS = {"value", "source", "assumption", "sweep"}

#: libyaml's reader where PyYAML has it: ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Preset:
    """One value and its provenance: a public source, or an assumption to be swept.

    Attributes
    ----------
    value : in the unit that its key names
    source : the public source, ``None`` for an assumption
    assumption : why this value was assumed, ``None`` for a sourced value
    sweep : lowest and highest value that a study should try
    """

    value: Any
    source: str | None = None
    assumption: str | None = None
    sweep: tuple[float, float] | None = None


@cache
def read_presets(path: Path) -> Presets:
    """Read a preset file.

    The file maps a preset's name to its keys, and each key to
    ``{value: …, source: "…"}`` or ``{value: …, assumption: "…", sweep: [lo, hi]}``.

    Parameters
    ----------
    path
        A YAML file; its content is read once and kept.

    Returns
    -------
    mapping
        Preset by key by name, in the file's order.

    Raises
    ------
    ValueError
        If an entry does not say where its value comes from; names file and key.
    """
    content = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected a mapping of presets by name")
    presets: dict[str, Mapping[str, Preset]] = {}
    for name, entries in content.items():
        if not isinstance(entries, dict):
            raise ValueError(f"{path}: {name}: expected a mapping of values by key")
        presets[str(name)] = MappingProxyType(
            {str(key): _preset(f"{path}: {name}.{key}", entry) for key, entry in entries.items()}
        )
    return MappingProxyType(presets)


def _preset(where: str, entry: object) -> Preset:
    if not isinstance(entry, dict) or "value" not in entry:
        raise ValueError(f"{where}: expected {{value: …, source: …}} or value with assumption")
    unknown = sorted(set(entry) - _ENTRY_KEYS)
    if unknown:
        raise ValueError(f"{where}: unknown key {unknown[0]!r}")
    if ("source" in entry) == ("assumption" in entry):
        raise ValueError(f"{where}: give exactly one of source and assumption")
    for key in ("source", "assumption"):
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            raise ValueError(f"{where}: {key} must say something")
    value, sweep = entry["value"], entry.get("sweep")
    if sweep is None:
        if "assumption" in entry and _is_number(value):
            raise ValueError(f"{where}: a numeric assumption needs sweep: [lowest, highest]")
        return Preset(value, entry.get("source"), entry.get("assumption"))
    if not (
        isinstance(sweep, list)
        and len(sweep) == 2
        and all(map(_is_number, sweep))
        and sweep[0] < sweep[1]
    ):
        raise ValueError(f"{where}: sweep must be [lowest, highest]")
    if _is_number(value) and not sweep[0] <= value <= sweep[1]:
        raise ValueError(f"{where}: value {value} lies outside its sweep {sweep}")
    return Preset(
        value, entry.get("source"), entry.get("assumption"), (float(sweep[0]), float(sweep[1]))
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
