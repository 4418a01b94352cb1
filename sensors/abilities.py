"""What some kinds of sensors can do beside what all can: move, remember, account, recognise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from typing import Self

    from sensors.account import Account
    from sim.core.tables import Floats
    from sim.world.surroundings import Surroundings


@runtime_checkable
class Moves(Protocol):
    """A sensor that knows best what changes with its place."""

    def moved_to(self, position_enu_m: Floats, surroundings: Surroundings) -> Self:
        """Return the sensor at another place (3,)."""


@runtime_checkable
class Remembers(Protocol):
    """A sensor that keeps something from one window to the next."""

    def for_run(self) -> Self:
        """Return the sensor with a memory of its own, empty as at a run's start.

        Copies that ``moved_to`` makes share it.
        """


@runtime_checkable
class Accounts(Protocol):
    """A sensor that shares its time among tasks, and keeps account of it."""

    @property
    def account(self) -> Account:
        """Of the last window that it observed."""


@runtime_checkable
class Recognises(Protocol):
    """A sensor whose plots tell what a target looks like (``Plots.seen_class``)."""

    @property
    def confusion(self) -> float:
        """Probability that what it tells is wrong, all wrong classes being as likely."""
