"""Who attacks sensors, receivers and links in a run, and from where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from sim.core.tables import Floats, Ints
from sim.world.electronic_attack import (
    Deception,
    GnssAttack,
    GroundEmitter,
    NoiseJammer,
)
from sim.world.spec import Position
from sim.world.targets import TargetSpec

#: Carrier of what stands on the ground.
GROUND = -1

Kind = TypeVar("Kind")


class Paths(Protocol):
    """Where targets are, as ``sim.world.truth.Targets``."""

    def at(self, time_s: Floats, target: Ints) -> tuple[Floats, Floats]:
        """Return positions and velocities (K, 3) of pairs of time and target."""


@dataclass(frozen=True, slots=True, eq=False)
class Attacker(Generic[Kind]):
    """One transmitter.

    Attributes
    ----------
    spec : what it does
    carrier : row of the target that carries it, or ``GROUND``
    position_enu_m : (3,) of one on the ground, NaN of a carried one
    """

    spec: Kind
    carrier: int
    position_enu_m: Floats

    def at(self, targets: Paths, time_s: Floats) -> tuple[Floats, Floats]:
        """Return positions and velocities (K, 3) at times (K,), NaN while absent."""
        if self.carrier != GROUND:
            return targets.at(time_s, np.full(time_s.size, self.carrier, np.int32))
        return np.tile(self.position_enu_m, (time_s.size, 1)), np.zeros((time_s.size, 3))


@dataclass(frozen=True, slots=True, eq=False)
class Attackers:
    """All electronic attack of a scenario, one entry for each single transmitter."""

    noise: tuple[Attacker[NoiseJammer], ...] = ()
    deception: tuple[Attacker[Deception], ...] = ()
    gnss: tuple[Attacker[GnssAttack], ...] = ()


def build_attackers(
    owners: Sequence[TargetSpec],
    emitters: Sequence[GroundEmitter],
    place: Callable[[Position], Floats],
) -> Attackers:
    """Return who attacks.

    Parameters
    ----------
    owners : specification of every single target, in order of their rows
    emitters : those on the ground
    place : gives a position (3,) in the scenario's frame
    """
    nowhere = np.full(3, np.nan)

    def carried(key: str) -> Iterator[Attacker[Any]]:
        for row, owner in enumerate(owners):
            spec = getattr(owner, key)
            if spec is not None:
                yield Attacker(spec, row, nowhere)

    def grounded(key: str) -> Iterator[Attacker[Any]]:
        for emitter in emitters:
            spec = getattr(emitter, key)
            if spec is not None:
                yield Attacker(spec, GROUND, place(emitter.position))

    return Attackers(
        noise=(*carried("jammer"), *grounded("jammer")),
        deception=tuple(carried("deception")),
        gnss=(*carried("gnss"), *grounded("gnss")),
    )
