"""Terrain following: the lowest smooth path over a floor that a target can fly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.core.geodesy import MEAN_EARTH_RADIUS_M as EARTH_M
from sim.core.tables import Floats

_STEP_M = 50.0
_EVEN_M = 1e-6


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on a path.

    Attributes
    ----------
    at_rad : angle along the path
    agl_m : how high above ground to fly from here on; ``None`` where terrain is not followed
    climbed_m : height gained on the spot before
    """

    at_rad: float
    agl_m: float | None
    climbed_m: float


def followed_legs(marks: Sequence[Mark]) -> list[tuple[Mark, Mark]]:
    """Return the legs, by their ends, along which a path follows the terrain."""
    return [
        (a, b)
        for a, b in pairwise(marks)
        if a.agl_m is not None is not b.agl_m and b.at_rad > a.at_rad
    ]


def follow(
    node_rad: Floats,
    node_m: Floats,
    legs: Sequence[tuple[Mark, Mark]],
    ground_m: Callable[[Floats], Floats],
    length_rad: float,
    *,
    slope_max: float,
    curvature_max_per_m: float,
) -> tuple[Floats, Floats]:
    """Return nodes (H,), (H,) of a path that follows the terrain along some of its legs.

    Parameters
    ----------
    node_rad, node_m
        Angles along the path and heights of the other legs, even between nodes.
    legs
        To be followed.
    ground_m
        Height of the ground by angle along the path.
    length_rad
        Of the path.
    slope_max, curvature_max_per_m
        As of ``lowest_path_m``.
    """
    count = max(3, int(np.ceil(length_rad * EARTH_M / _STEP_M)) + 1)
    along_rad = np.linspace(0.0, length_rad, count)
    floor_m = np.interp(along_rad, node_rad, node_m)
    for a, b in legs:
        assert a.agl_m is not None
        inside = (along_rad >= a.at_rad) & (along_rad <= b.at_rad)
        floor_m[inside] = ground_m(along_rad[inside]) + a.agl_m - a.climbed_m
    spacing_m = float(along_rad[1]) * EARTH_M
    path_m = lowest_path_m(floor_m, spacing_m, slope_max, curvature_max_per_m)
    bent = np.abs(np.diff(path_m, 2)) > _EVEN_M
    kept = np.concatenate([[True], bent, [True]])
    return along_rad[kept], path_m[kept]


def lowest_path_m(
    floor_m: Floats, spacing_m: float, slope_max: float, curvature_max_per_m: float
) -> Floats:
    """Return heights at or above a floor, within limits of slope and curvature.

    First the lowest path that never pushes over harder than allowed: the floor dilated by a
    dome, a parabola that goes on straight at the steepest slope. Then its valleys, which that
    leaves sharp, are rounded from above: closed by the parabola of the hardest pull-up
    (grey-scale morphology). Where the second step touches the first, neither limit suffers.

    Parameters
    ----------
    floor_m
        (K,) heights not to go below, evenly spaced along the path.
    spacing_m
        Between them.
    slope_max
        Climb or descent per metre flown.
    curvature_max_per_m
        Change of slope per metre flown: vertical acceleration over squared speed.
    """
    bend_m = slope_max / curvature_max_per_m  # where the dome's parabola gives way to the cone

    def dome(offset_m: float) -> float:
        inside = min(offset_m, bend_m)
        return 0.5 * curvature_max_per_m * inside**2 + slope_max * (offset_m - inside)

    def bowl(offset_m: float) -> float:
        return 0.5 * curvature_max_per_m * offset_m**2

    relief_m = float(np.ptp(floor_m))
    reach = int((relief_m / slope_max + bend_m) / spacing_m) + 1
    path = _dilated(floor_m, [dome(k * spacing_m) for k in range(min(reach, floor_m.size))])
    reach = int(2.0 * bend_m / spacing_m) + 2
    fall = [bowl(k * spacing_m) for k in range(min(reach, floor_m.size))]
    # A path that went on level beyond both ends keeps the closing from rising there.
    margin = len(fall)
    padded = np.pad(path, margin, mode="edge")
    return -_dilated(-_dilated(padded, fall), fall)[margin:-margin]


def _dilated(height_m: Floats, fall_m: list[float]) -> Floats:
    """Return the greatest of all heights, each less ``fall_m`` by its distance in places."""
    highest = height_m - fall_m[0]
    for k in range(1, len(fall_m)):
        np.maximum(highest[k:], height_m[:-k] - fall_m[k], out=highest[k:])
        np.maximum(highest[:-k], height_m[k:] - fall_m[k], out=highest[:-k])
    return highest
