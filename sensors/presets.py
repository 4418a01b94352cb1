"""Presets under the keys that a scenario gives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sim.world.presets import trim_required, with_values_of_preset

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
    path = PRESETS_FOLDER / f"{kind}.yaml"
    return with_values_of_preset(given, spec, path, kind, _OWN_KEYS, replaced)


def require_own_keys_only(schema: dict[str, Any]) -> None:
    """Trim a JSON schema: a preset may give all other keys, which no schema can know."""
    trim_required(schema, _OWN_KEYS)
