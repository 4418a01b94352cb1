"""A scenario with some of its values changed: what a study varies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import yaml
from pydantic import ValidationError

from sim.scenario.errors import UserError, proposal
from sim.scenario.loader import dump_resolved
from sim.scenario.references import conflicts
from sim.scenario.specs import Scenario


@dataclass(frozen=True, slots=True)
class Variant:
    """A scenario with its name among others: the values by which it differs."""

    name: str
    spec: Scenario


def variants_of(spec: Scenario, varied: Sequence[str]) -> list[Variant]:
    """Return a scenario's variants for all combinations of values, in order.

    Parameters
    ----------
    varied : each ``path.to.key=value,value…``; entries of lists are named by their ``id``

    Raises
    ------
    UserError
        If a key does not exist or a value is none that it takes; names the setting.
    """
    keys, choices = [], []
    for setting in varied:
        key, equals, text = setting.partition("=")
        values = [value for value in _split(text) if value]
        if not equals or not key.strip() or not values:
            raise UserError(f"--vary {setting}: expected KEY=VALUE,VALUE…")
        if len(set(values)) < len(values):
            raise UserError(f"--vary {setting}: a value is given twice")
        keys.append(key.strip())
        choices.append(values)
    found = []
    for chosen in product(*choices):
        name = ", ".join(f"{k.rpartition('.')[2]}={v}" for k, v in zip(keys, chosen, strict=True))
        data = yaml.safe_load(dump_resolved(spec))
        for key, value in zip(keys, chosen, strict=True):
            _put(data, key, value)
        found.append(Variant(name, _checked(data, name)))
    return found


def _split(text: str) -> list[str]:
    """Split at commas that are not within brackets."""
    parts, depth, start = [], 0, 0
    for at, sign in enumerate(text):
        depth += (sign in "[{") - (sign in "]}")
        if sign == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()]


def _put(data: Any, key: str, value: str) -> None:
    where, names = data, key.split(".")
    for depth, name in enumerate(names[:-1]):
        told = ".".join(names[: depth + 1])
        if isinstance(where, list):
            ids = [str(entry.get("id")) for entry in where if isinstance(entry, dict)]
            if name not in ids:
                raise _unknown(key, told, name, ids)
            where = where[ids.index(name)]
        elif isinstance(where, dict):
            if name not in where:
                raise _unknown(key, told, name, list(where))
            where = where[name]
        else:
            raise UserError(f"--vary {key}: {told} is a single value")
    if not isinstance(where, dict):
        raise UserError(f"--vary {key}: name an entry of the list by its id, then a key of it")
    where[names[-1]] = yaml.safe_load(value)


def _unknown(key: str, told: str, name: str, known: list[str]) -> UserError:
    hint = proposal(name, known)
    return UserError(f"--vary {key}: the scenario has no {told}" + (f"; {hint}" if hint else ""))


def _checked(data: Any, name: str) -> Scenario:
    try:
        spec = Scenario.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise UserError(f"--vary {name}: {place}: {first['msg']}") from None
    for conflict in conflicts(spec):
        place = ".".join(str(step) for step in conflict.path)
        raise UserError(f"--vary {name}: {place}: {conflict.message}")
    return spec
