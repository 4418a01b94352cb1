"""Turning by a waypoint on the inside: how far before it the turn must begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.core.geodesy import MEAN_EARTH_RADIUS_M as EARTH_M
from sim.core.tables import Floats
from sim.world.groundpath import Pose, earth_radius_m, turn_into

#: Smaller changes of direction are none.
ALIGNED_RAD = 1e-7

_SLOWEST_SHARE = 0.5
_SLOWEST_HOVERING_SHARE = 0.1
_NEARLY_HALF_TURN = 1.57


@dataclass(frozen=True, slots=True)
class Limits:
    """How a target may move."""

    speed_mps: float
    turn_rate_rad_per_s: float
    climb_rate_mps: float
    acceleration_mps2: float
    hovers: bool

    def turn_radius_rad(self, place: Floats, speed_mps: float) -> float:
        """Return the radius of a turn as an angle on the unit sphere."""
        return float(np.arctan(speed_mps / self.turn_rate_rad_per_s / earth_radius_m(place)))


@dataclass(frozen=True, slots=True, eq=False)
class Corner:
    """A place to be passed; ``None`` leaves height or speed as it is.

    ``follow_agl_m`` is how high above ground to follow the terrain from here on, if at all.
    """

    name: str
    place: Floats
    height_m: float | None
    speed_mps: float | None
    follow_agl_m: float | None = None


def cut_corners(
    corners: Sequence[Corner],
    legs: Sequence[tuple[Pose, float]],
    speeds_mps: Sequence[float],
    limits: Limits,
) -> tuple[list[float], list[float]]:
    """Fit arcs into the corners; two neighbours share the leg between them.

    Parameters
    ----------
    corners
        Places in order; the last is reached exactly.
    legs
        To each corner: start and length (rad).
    speeds_mps
        Before the first corner, and after each.
    limits
        How the target may move.

    Returns
    -------
    turns_rad, cuts_rad
        Per corner: angle to turn left, and how far before and after the corner the arc
        reaches; 0 where none is flown.

    Raises
    ------
    ValueError
        If a turn does not fit; names the corner.
    """
    turns, wanted = [0.0] * len(corners), [0.0] * len(corners)
    for k in range(len(corners) - 1):
        pose, angle = legs[k]
        turns[k] = turn_into(pose.ahead(angle), legs[k + 1][0].direction)
        if abs(turns[k]) >= ALIGNED_RAD:
            speed_mps = min(speeds_mps[k], speeds_mps[k + 1])
            radius = np.tan(limits.turn_radius_rad(corners[k].place, speed_mps))
            half = min(abs(turns[k]) / 2, _NEARLY_HALF_TURN)
            wanted[k] = float(np.arcsin(min(1.0, radius * np.tan(half))))
    cuts = list(wanted)
    for k in range(len(corners) - 1):
        for leg_rad, neighbour in ((legs[k][1], k - 1), (legs[k + 1][1], k + 1)):
            both = wanted[k] + (wanted[neighbour] if neighbour >= 0 else 0.0)
            if both > leg_rad:
                cuts[k] = min(cuts[k], 0.999 * wanted[k] * leg_rad / both)
        share = cuts[k] / wanted[k] if wanted[k] else 1.0
        if limits.hovers and share < _SLOWEST_HOVERING_SHARE:
            cuts[k] = 0.0
        elif not limits.hovers and share < _SLOWEST_SHARE:
            raise ValueError(
                f"{corners[k].name}: the turn of {np.degrees(abs(turns[k])):.0f}° does not "
                f"fit: it needs {wanted[k] * EARTH_M:.0f} m of the legs before and after, "
                f"and has {cuts[k] * EARTH_M:.0f} m; lengthen the legs, lower the speed or "
                "raise turn_rate_deg_per_s"
            )
    return turns, cuts
