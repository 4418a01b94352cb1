"""Terrain following: the lowest smooth path over a floor that a target can fly."""

from __future__ import annotations

import numpy as np

from sim.core.tables import Floats


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
