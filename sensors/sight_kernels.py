"""Kernels of line of sight: a target against the smooth earth and a map of lowest heights.

The map holds, for squares of ``cell_m`` around the sensor in its middle, rows northwards, the
lowest height at which a target is seen; heights here are all above one level.
"""

from __future__ import annotations

import math

from sensors.propagation import above_horizon
from sim.core.jit import kernel
from sim.core.sweep import DROP_PER_M2, Floats32
from sim.core.tables import Bytes, Floats, Visibility

_ABSENT = int(Visibility.ABSENT)
_VISIBLE = int(Visibility.VISIBLE)
_BELOW_HORIZON = int(Visibility.BELOW_HORIZON)
_MASKED = int(Visibility.MASKED)


@kernel()
def lowest_there(
    lowest_m: Floats32,
    cell_m: float,
    height_m: float,
    eastness: float,
    northness: float,
    distance_m: float,
) -> float:
    """Return the lowest height seen in a direction at a ground distance.

    Bilinear inside the map. Beyond its edge the steepest ray that reached the edge goes on,
    over an earth enlarged by refraction, as if no ground rose above it there.

    Parameters
    ----------
    lowest_m : (N, N) the map, N odd
    height_m : the sensor
    eastness, northness : the direction, a unit vector
    """
    middle = lowest_m.shape[0] // 2
    ahead = max(abs(eastness), abs(northness)) * distance_m / cell_m
    inside_m = distance_m if ahead <= middle else distance_m * middle / ahead
    row = middle + northness * inside_m / cell_m
    column = middle + eastness * inside_m / cell_m
    i = min(max(int(row), 0), lowest_m.shape[0] - 2)
    j = min(max(int(column), 0), lowest_m.shape[1] - 2)
    y, x = row - i, column - j
    south = (1.0 - x) * lowest_m[i, j] + x * lowest_m[i, j + 1]
    north = (1.0 - x) * lowest_m[i + 1, j] + x * lowest_m[i + 1, j + 1]
    lowest: float = (1.0 - y) * south + y * north
    if inside_m < distance_m:
        slope = (lowest - height_m) / inside_m - DROP_PER_M2 * inside_m
        lowest = height_m + distance_m * (slope + DROP_PER_M2 * distance_m)
    return lowest


@kernel()
def hidden(
    lowest_m: Floats32,
    cell_m: float,
    height_m: float,
    east_m: float,
    north_m: float,
    up_m: float,
    curvature_per_m: Floats,
) -> int:
    """Return whether smooth earth or relief hides a target, as ``Visibility``.

    Its height and ground distance are those over the sphere that fits the ellipsoid at the
    sensor towards the target.

    Parameters
    ----------
    lowest_m : (N, N) the map; empty if the ground is flat
    cell_m : its cells
    height_m : the sensor above the level
    east_m, north_m, up_m : the target from the sensor, in its local axes
    curvature_per_m : (2,) of the level below the sensor, eastwards and northwards
    """
    across_m2 = east_m * east_m + north_m * north_m
    across_m = math.sqrt(across_m2)
    curvature = curvature_per_m[1]
    if across_m2 > 0.0:  # Euler: curvature of the ground in this direction
        eastness = east_m * east_m / across_m2
        curvature += (curvature_per_m[0] - curvature_per_m[1]) * eastness
    radius_m = 1.0 / curvature
    from_centre_m = radius_m + height_m + up_m
    target_height_m = math.sqrt(across_m2 + from_centre_m * from_centre_m) - radius_m
    distance_m = radius_m * math.atan2(across_m, from_centre_m)
    if not above_horizon(distance_m, height_m, target_height_m):
        return _BELOW_HORIZON
    if lowest_m.size > 0 and across_m > 0.0:
        east, north = east_m / across_m, north_m / across_m
        lowest = lowest_there(lowest_m, cell_m, height_m, east, north, distance_m)
        if target_height_m < lowest:
            return _MASKED
    return _VISIBLE


@kernel()
def hidden_all(
    position_enu_m: Floats,
    origin_enu_m: Floats,
    enu_R_sensor: Floats,
    lowest_m: Floats32,
    cell_m: float,
    height_m: float,
    curvature_per_m: Floats,
    code: Bytes,
) -> None:
    """Set ``Visibility`` (K,) of positions (K, 3) in the scenario's frame; absent if NaN."""
    R = enu_R_sensor
    for row in range(code.size):
        if math.isnan(position_enu_m[row, 0]):
            code[row] = _ABSENT
            continue
        d0 = position_enu_m[row, 0] - origin_enu_m[0]
        d1 = position_enu_m[row, 1] - origin_enu_m[1]
        d2 = position_enu_m[row, 2] - origin_enu_m[2]
        east = R[0, 0] * d0 + R[1, 0] * d1 + R[2, 0] * d2
        north = R[0, 1] * d0 + R[1, 1] * d1 + R[2, 1] * d2
        up = R[0, 2] * d0 + R[1, 2] * d1 + R[2, 2] * d2
        code[row] = hidden(lowest_m, cell_m, height_m, east, north, up, curvature_per_m)


@kernel()
def lowest_along(
    lowest_m: Floats32,
    cell_m: float,
    height_m: float,
    azimuth_rad: Floats,
    distance_m: Floats,
    out_m: Floats,
) -> None:
    """Set the lowest height seen (A, D) in directions (A,) at ground distances (D,)."""
    for a in range(azimuth_rad.size):
        east, north = math.sin(azimuth_rad[a]), math.cos(azimuth_rad[a])
        for d in range(distance_m.size):
            out_m[a, d] = lowest_there(lowest_m, cell_m, height_m, east, north, distance_m[d])
