"""Reading of preset files: named sets of values, each with where it comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from pydantic import BaseModel

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
    choices : of a word, or a yes or no, that was assumed: what a study should try
    """

    value: Any
    source: str | None = None
    assumption: str | None = None
    sweep: tuple[float, float] | None = None
    choices: tuple[Any, ...] = ()


@cache
def read_presets(path: Path) -> Presets:
    """Read a preset file.

    The file maps a preset's name to its keys, and each key to
    ``{value: …, source: "…"}`` or ``{value: …, assumption: "…", sweep: [lo, hi]}``; the sweep of
    a word lists words, that of a yes or no is both, and what is absent (null) has none.

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


def with_values_of_preset(
    given: Any,
    spec: type[BaseModel],
    path: Path,
    kind: str,
    own_keys: Iterable[str],
    replaced: Mapping[str, Iterable[str]],
) -> Any:
    """Return the keys that a scenario gives, with the values of its preset under them.

    Parameters
    ----------
    given
        What the scenario says; returned as it is unless it is a mapping.
    spec
        The model that will check the result.
    path
        The file of presets.
    kind
        What a preset of this file is one of, for messages.
    own_keys
        What no preset can give.
    replaced
        By explicit key: keys of the preset that lose their meaning with it.

    Raises
    ------
    ValueError
        If the preset is unknown, or neither preset nor all needed keys are given.
    """
    if not isinstance(given, dict):
        return given
    presets = read_presets(path)
    name = given.get("preset")
    if name is None:
        needed = [key for key, field in spec.model_fields.items() if field.is_required()]
        missing = [key for key in needed if key not in given and key not in own_keys]
        if missing:
            raise ValueError(f"give a preset ({', '.join(presets)}), or also {', '.join(missing)}")
        return given
    if not isinstance(name, str):
        return given
    if name not in presets:
        near = get_close_matches(name, presets, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown {kind} preset {name!r}{hint} (known: {', '.join(presets)})")
    values = {key: preset.value for key, preset in presets[name].items()}
    for chosen, meaningless in replaced.items():
        if given.get(chosen) is not None:
            values = {key: value for key, value in values.items() if key not in meaningless}
    return values | given


def trim_required(schema: dict[str, Any], own_keys: Iterable[str]) -> None:
    """Trim a JSON schema: a preset may give all other keys, which no schema can know."""
    schema["required"] = list(own_keys)


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
    if "assumption" in entry and isinstance(value, str | bool):
        return Preset(value, None, entry["assumption"], choices=_choices(where, value, sweep))
    # A sweep of a list holds for each of its entries.
    numbers = [x for x in (value if isinstance(value, list) else [value]) if _is_number(x)]
    if sweep is None:
        if "assumption" in entry and numbers:
            raise ValueError(f"{where}: a numeric assumption needs sweep: [lowest, highest]")
        return Preset(value, entry.get("source"), entry.get("assumption"))
    if not (
        isinstance(sweep, list)
        and len(sweep) == 2
        and all(map(_is_number, sweep))
        and sweep[0] < sweep[1]
    ):
        raise ValueError(f"{where}: sweep must be [lowest, highest]")
    if any(not sweep[0] <= number <= sweep[1] for number in numbers):
        raise ValueError(f"{where}: value {value} lies outside its sweep {sweep}")
    return Preset(
        value, entry.get("source"), entry.get("assumption"), (float(sweep[0]), float(sweep[1]))
    )


def _choices(where: str, value: str | bool, sweep: object) -> tuple[Any, ...]:
    """Return what to try of a word, or of a yes or no."""
    if isinstance(value, bool) and sweep is None:
        return (False, True)
    if not (isinstance(sweep, list) and len(set(sweep)) == len(sweep) >= 2 and value in sweep):
        raise ValueError(f"{where}: an assumed word needs sweep: [{value}, another, …]")
    return tuple(sweep)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
