"""Presets under the keys that a scenario gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sim.world.presets import read_presets

PRESETS_FOLDER = Path(__file__).with_name("presets")

#: What no preset can give.
_OWN_KEYS = ("kind", "id")


def with_preset(
    given: Any, spec: type[BaseModel], kind: str, replaced: Mapping[str, Iterable[str]]
) -> Any:
    """Return a sensor's keys with the values of its preset under the explicit ones.

    Parameters
    ----------
    given
        What the scenario says; returned as it is unless it is a mapping.
    spec
        The model that will check the result.
    kind
        Names the file of presets.
    replaced
        By explicit key: keys of the preset that lose their meaning with it.

    Raises
    ------
    ValueError
        If the preset is unknown, or neither preset nor all needed keys are given.
    """
    if not isinstance(given, dict):
        return given
    presets = read_presets(PRESETS_FOLDER / f"{kind}.yaml")
    name = given.get("preset")
    if name is None:
        needed = [key for key, field in spec.model_fields.items() if field.is_required()]
        missing = [key for key in needed if key not in given and key not in _OWN_KEYS]
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


def require_own_keys_only(schema: dict[str, Any]) -> None:
    """Trim a JSON schema: a preset may give all other keys, which no schema can know."""
    schema["required"] = list(_OWN_KEYS)
