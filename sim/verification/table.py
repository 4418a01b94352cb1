"""All checks by topic, and what became of them."""

from __future__ import annotations

import math
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

import sim.verification
from sim.verification.check import Check

_NO_TOPICS = ("check", "setting", "table")


@dataclass(frozen=True, slots=True)
class Checked:
    """One check that was made.

    Attributes
    ----------
    topic : the module that holds the check
    check : what was compared
    computed : what this program finds
    """

    topic: str
    check: Check
    computed: float

    @property
    def difference(self) -> float:
        """Computed less expected."""
        return self.computed - self.check.expected

    @property
    def passed(self) -> bool:
        """Whether the difference is within the tolerance; a NaN never is."""
        # Half an ulp of the sum decides nothing.
        slack = 4.0 * math.ulp(max(abs(self.check.expected), self.check.tolerance))
        return abs(self.difference) <= self.check.tolerance + slack


def topics() -> tuple[str, ...]:
    """Return the names of all topics: each is a module of this package."""
    found = (module.name for module in pkgutil.iter_modules(sim.verification.__path__))
    return tuple(name for name in found if name not in _NO_TOPICS)


def checks_of(topic: str) -> tuple[Check, ...]:
    """Return the checks of a topic."""
    checks: tuple[Check, ...] = import_module(f"sim.verification.{topic}").CHECKS
    return checks


def verify(chosen: tuple[str, ...], begin: Callable[[str], None]) -> Iterator[Checked]:
    """Make all checks of some topics; ``begin`` is told each topic before its first check."""
    for topic in chosen:
        begin(topic)
        for check in checks_of(topic):
            yield Checked(topic, check, float(check.compute()))
