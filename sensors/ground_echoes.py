"""When a radar's beam passes over turbines and vehicles, and what they echo then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sensors.scanning import Looks
from sim.core.tables import Truth

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sensors.discretes import Discretes
    from sensors.scanning import Scan
    from sim.core.tables import Floats


@dataclass(frozen=True, slots=True)
class _Things:
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
) -> tuple[Looks, Floats]:
    """Return looks (K,) at turbines and vehicles in (start, end], and their cross sections.

    ``target`` is the row in ``discretes``; velocities point along the beam and give the
    range rate alone.
    """
    things: Any = _Things(discretes)
    start, end = things.truth(start_s), things.truth(end_s)
    looks = scan.looks(things, start, end, origin_enu_m, enu_R_sensor, reach)
    parts, rcs_m2 = [], []
    for rows in _single(looks.target):
        time_s, due = np.full(len(discretes), start_s), np.zeros(len(discretes), bool)
        looked = np.zeros(len(discretes), bool)
        time_s[looks.target[rows]], due[looks.target[rows]] = looks.time_s[rows], looks.due[rows]
        looked[looks.target[rows]] = True
        echoes = discretes.echoes(time_s, origin_enu_m, rng)
        here = looked[echoes.source]
        source, position = echoes.source[here], echoes.position_enu_m[here]
        away = position - origin_enu_m
        away /= np.maximum(np.linalg.norm(away, axis=1), 1.0)[:, None]
        velocity = echoes.range_rate_mps[here, None] * away
        parts.append(Looks(time_s[source], source, due[source], position, velocity))
        rcs_m2.append(echoes.rcs_m2[here])
    if not parts:
        return Looks.none(), np.empty(0)
    return Looks.concatenate(parts), np.concatenate(rcs_m2)


def _single(target: NDArray[np.integer[Any]]) -> list[NDArray[np.intp]]:
    """Return rows cut into groups in which no target comes twice."""
    order = np.argsort(target, kind="stable")
    ordered = target[order]
    first = np.searchsorted(ordered, ordered, "left")
    turn = np.arange(order.size) - first
    return [order[turn == k] for k in range(int(turn.max(initial=-1)) + 1)]
