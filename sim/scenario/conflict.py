"""A contradiction inside a scenario, and where it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sim.scenario.errors import proposal
from sim.scenario.source import KeyPath


@dataclass(frozen=True, slots=True)
class Conflict:
    """A contradiction inside a scenario.

    Attributes
    ----------
    path : keys and positions from the top to the culprit
    message, hint : what is wrong, and how to mend it
    first : path of the earlier value that the culprit contradicts
    """

    path: KeyPath
    message: str
    hint: str | None = None
    first: KeyPath | None = None


def unknown(path: KeyPath, name: str | None, what: str, known: list[str]) -> Iterator[Conflict]:
    """Yield a conflict if a name is given and not known."""
    if name is not None and name not in known:
        hint = proposal(name, known) or f"the scenario lists no {what}s"
        yield Conflict(path, f"no {what} has the id `{name}`", hint)
