"""When a radar's beam passes over turbines and vehicles, and what they echo then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sensors.scanning import Looks
from sim.core.tables import Truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.discretes import Discretes
    from sensors.scanning import Scan
    from sim.core.tables import Floats


class GroundEchoes(NamedTuple):
    """What turbines and vehicles send back.

    Attributes
    ----------
    looks : (K,) where; ``target`` is the row in ``Discretes``, velocities point along the
        beam and give the range rate alone
    rcs_m2 : (K,) mean radar cross section
    look : (K,) row of the look that brought it
    """

    looks: Looks
    rcs_m2: Floats
    look: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Things:
    """Turbines and vehicles as a scan takes targets."""

    discretes: Discretes

    def truth(self, time_s: float) -> Truth:
        position, velocity = self.discretes.at(time_s)
        return Truth(time_s, position, velocity, np.ones(len(self.discretes), bool))

    def at(self, time_s: Floats, target: NDArray[np.integer[Any]]) -> tuple[Floats, Floats]:
        """Return positions and velocities (K, 3) of pairs of time and row."""
        position, velocity = np.empty((time_s.size, 3)), np.empty((time_s.size, 3))
        for rows in _single(target):
            moments = np.zeros(len(self.discretes))
            moments[target[rows]] = time_s[rows]
            everywhere = self.discretes.at(moments)
            position[rows], velocity[rows] = (a[target[rows]] for a in everywhere)
        return position, velocity


def looks_at_ground(
    discretes: Discretes,
    scan: Scan,
    start_s: float,
    end_s: float,
    origin_enu_m: Floats,
    enu_R_sensor: Floats,
    reach: Floats,
    rng: np.random.Generator,
) -> GroundEchoes:
    """Return what looks at turbines and vehicles in (start, end] bring."""
    things: Any = Things(discretes)
    start, end = things.truth(start_s), things.truth(end_s)
    looks = scan.looks(things, start, end, origin_enu_m, enu_R_sensor, reach)
    return echoes_of(discretes, looks, origin_enu_m, rng)


def echoes_of(
    discretes: Discretes, looks: Looks, origin_enu_m: Floats, rng: np.random.Generator
) -> GroundEchoes:
    """Return what looks (K,) at turbines and vehicles bring; ``target`` is the row of each."""
    parts = []
    for rows in _single(looks.target):
        time_s, look = np.zeros(len(discretes)), np.full(len(discretes), -1)
        time_s[looks.target[rows]], look[looks.target[rows]] = looks.time_s[rows], rows
        echoes = discretes.echoes(time_s, origin_enu_m, rng)
        here = look[echoes.source] >= 0
        source, position = echoes.source[here], echoes.position_enu_m[here]
        away = position - origin_enu_m
        away /= np.maximum(np.linalg.norm(away, axis=1), 1.0)[:, None]
        velocity = echoes.range_rate_mps[here, None] * away
        row = look[source]
        part = Looks(time_s[source], source, looks.due[row], position, velocity)
        parts.append(GroundEchoes(part, echoes.rcs_m2[here], row))
    if not parts:
        return GroundEchoes(Looks.none(), np.empty(0), np.empty(0, np.intp))
    return GroundEchoes(
        Looks.concatenate([part.looks for part in parts]),
        np.concatenate([part.rcs_m2 for part in parts]),
        np.concatenate([part.look for part in parts]),
    )


def _single(target: NDArray[np.integer[Any]]) -> list[NDArray[np.intp]]:
    """Return rows cut into groups in which no target comes twice."""
    order = np.argsort(target, kind="stable")
    ordered = target[order]
    first = np.searchsorted(ordered, ordered, "left")
    turn = np.arange(order.size) - first
    return [order[turn == k] for k in range(int(turn.max(initial=-1)) + 1)]
