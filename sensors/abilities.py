"""What some kinds of sensors can do beside what all can."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from typing import Self

    from sensors.account import Account
    from sim.core.tables import Bools, Floats, Ints, Truth
    from sim.world.surroundings import Surroundings
    from sim.world.truth import Targets


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
class FollowsCues(Protocol):
    """A sensor that may look where the picture holds targets to be."""

    @property
    def follows_cues(self) -> bool:
        """Whether it does."""


@runtime_checkable
class Jammable(Protocol):
    """A sensor that jamming or its own silence blinds, and that knows it."""

    @property
    def silent_s(self) -> tuple[tuple[float, float], ...]:
        """Windows in which it does not look."""

    def noise_db(self, targets: Targets, time_s: float, azimuth_rad: Floats) -> Floats:
        """Return by how much (A,) its noise is up at the azimuths (A,); infinite while silent."""


@runtime_checkable
class Misleads(Protocol):
    """A sensor whose plots may lead tracks astray."""

    def misled(self, targets: Targets, truth: Truth) -> Bools:
        """Return (N,) from which targets its plots lead astray now."""


@runtime_checkable
class Detects(Protocol):
    """A sensor that can leave out why a target is not seen, which takes most of the time."""

    def detection(self, targets: Targets, truth: Truth) -> Floats:
        """Return the single-look detection probability (N,), as ``Sensor.visibility``."""


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


@runtime_checkable
class ExpectsEchoes(Protocol):
    """A sensor that knows how strong an echo comes back from a place."""

    def expected_snr(
        self,
        range_m: Floats,
        azimuth_rad: Floats,
        height_m: Floats,
        range_rate_mps: Floats,
        noise: Floats,
        kind: Ints,
        rotor_rcs: Floats,
        rotor_tip_mps: Floats,
    ) -> Floats:
        """Return the SNR (K,) of dwells on targets of 1 m², 0 where none would come back.

        Parameters
        ----------
        range_m, azimuth_rad, range_rate_mps : (K,) as the sensor measures them
        height_m : (K,) above the ellipsoid
        noise : (K,) factor by which jamming raises the noise there
        kind : (K,) which of the rotors
        rotor_rcs, rotor_tip_mps : (R,) as in ``Signatures``
        """
