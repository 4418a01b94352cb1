"""Kernels of line of sight: a target against the smooth earth, and against relief.

Relief is told in one of two ways. A map holds, for squares of ``cell_m`` around the sensor in
its middle, rows northwards, the lowest height at which a target is seen: for sensors that
stay. Or the ground itself is walked along, from the target to the sensor: for those that
move, whose map would be of use once. Heights here are all above one level, but for those of
the ground itself.
"""

from __future__ import annotations

import math

from sensors.obstacles import Obstacles
from sensors.propagation import above_horizon
from sim.core.height_grid import height_at
from sim.core.jit import kernel
from sim.core.sweep import DROP_PER_M2, Floats32
from sim.core.tables import Bytes, Floats, Visibility

_ABSENT = int(Visibility.ABSENT)
_VISIBLE = int(Visibility.VISIBLE)
_BELOW_HORIZON = int(Visibility.BELOW_HORIZON)
_MASKED = int(Visibility.MASKED)
#: Steps along a ray, of a cell: finer ones change nothing that a grid can tell.
_STEP = 0.5


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
def blocked(
    obstacles: Obstacles,
    height_m: float,
    eastness: float,
    northness: float,
    distance_m: float,
    target_height_m: float,
) -> bool:
    """Return whether the ground rises above the straight ray from a target to the sensor.

    Over an earth enlarged by refraction, as the map. The cell of the target and that of the
    sensor do not count, nor does ground that is not known.

    Parameters
    ----------
    height_m : the sensor
    eastness, northness, distance_m : to the target
    """
    step_m = _STEP * obstacles.cell_m
    slope = (target_height_m - height_m) / distance_m - DROP_PER_M2 * distance_m
    middle = obstacles.lattice_row.shape[0] // 2
    highest_m = obstacles.highest_m - obstacles.level_m
    along_m = distance_m - 2.0 * step_m
    while along_m >= 2.0 * step_m:
        ray_m = height_m + along_m * (slope + DROP_PER_M2 * along_m)
        if ray_m > highest_m and slope + 2.0 * DROP_PER_M2 * along_m < 0.0:
            return False  # from here to the sensor it only climbs
        v = middle + northness * along_m / obstacles.spacing_m
        u = middle + eastness * along_m / obstacles.spacing_m
        ground_m = obstacles.outside_m
        if 0.0 <= v <= 2.0 * middle and 0.0 <= u <= 2.0 * middle:
            ground_m = height_at(
                obstacles.heights_m,
                obstacles.lattice_row,
                obstacles.lattice_column,
                v,
                u,
                obstacles.outside_m,
            )
        if ground_m - obstacles.level_m > ray_m:
            return True
        along_m -= step_m
    return False


@kernel()
def hidden(
    obstacles: Obstacles,
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
    if across_m > 0.0:
        east, north = east_m / across_m, north_m / across_m
        if obstacles.heights_m.size > 0:
            if blocked(obstacles, height_m, east, north, distance_m, target_height_m):
                return _MASKED
        elif obstacles.lowest_m.size > 0:
            lowest = lowest_there(
                obstacles.lowest_m, obstacles.cell_m, height_m, east, north, distance_m
            )
            if target_height_m < lowest:
                return _MASKED
    return _VISIBLE


@kernel()
def hidden_all(
    position_enu_m: Floats,
    origin_enu_m: Floats,
    enu_R_sensor: Floats,
    obstacles: Obstacles,
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
        code[row] = hidden(obstacles, height_m, east, north, up, curvature_per_m)


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


@kernel()
def lowest_within(
    lowest_m: Floats32,
    cell_m: float,
    height_m: float,
    radius_m: float,
    direction: Floats,
    part_m: float,
    steps: int,
    out_rad: Floats,
) -> None:
    """Set the lowest elevation seen (A, D) anywhere in sectors and parts of the range.

    Ends of sectors and parts are asked, and places between them half a cell apart across, as
    far as there are rays. Ends belong to both neighbours.

    Parameters
    ----------
    lowest_m, cell_m, height_m : the map and the sensor
    radius_m : of the sphere below it
    direction : (A · 4, 2) eastness and northness of rays, evenly spaced from the north
    part_m, steps : length of a part, and into how many it is divided
    """
    sectors, parts = out_rad.shape
    rays = direction.shape[0]
    out_rad[:] = math.inf
    for k in range(parts * steps + 1):
        distance = part_m * k / steps
        sine, cosine = math.sin(distance / radius_m), math.cos(distance / radius_m)
        half_cells = 2.0 * (2.0 * math.pi * distance / sectors) / cell_m
        stride = 4 if half_cells <= 1.0 else 2 if half_cells <= 2.0 else 1
        last = k // steps
        first = last - 1 if k % steps == 0 and k > 0 else last
        first_m = lowest_there(
            lowest_m, cell_m, height_m, direction[0, 0], direction[0, 1], distance
        )
        for sector in range(sectors):
            # At one distance the elevation rises with the height: the lowest tells it.
            least_m = first_m
            for ray in range(4 * sector + stride, 4 * sector + 5, stride):
                east, north = direction[ray % rays, 0], direction[ray % rays, 1]
                first_m = lowest_there(lowest_m, cell_m, height_m, east, north, distance)
                least_m = min(least_m, first_m)
            from_centre_m = radius_m + least_m
            up_m = from_centre_m * cosine - radius_m - height_m
            elevation = math.atan2(up_m, from_centre_m * sine)
            for part in range(first, min(last + 1, parts)):
                out_rad[sector, part] = min(out_rad[sector, part], elevation)
