"""Kernels of the looking sensors: where targets are, and when a turning beam meets them.

Positions and velocities come in the scenario's frame, (K, 3); ``enu_R_sensor`` has the
sensor's local east, north and up as columns.
"""

from __future__ import annotations

import math

import numpy as np

from sensors.obstacles import Obstacles
from sensors.sight_kernels import hidden
from sensors.surface import EFFECTIVE_EARTH_RADIUS_M
from sim.core.jit import kernel
from sim.core.tables import Bools, Bytes, Floats, Ints, Visibility

_TURN = 2.0 * math.pi
_ABSENT = int(Visibility.ABSENT)
_VISIBLE = int(Visibility.VISIBLE)
_BEYOND_RANGE = int(Visibility.BEYOND_RANGE)
_BLIND_RANGE = int(Visibility.BLIND_RANGE)
_OUTSIDE_AZIMUTH = int(Visibility.OUTSIDE_AZIMUTH)
_OUTSIDE_ELEVATION = int(Visibility.OUTSIDE_ELEVATION)


#: Nothing moves faster.
_FASTEST_MPS = 20e3
#: No ground of the ellipsoid curves more.
_LEAST_EARTH_RADIUS_M = 6.33e6
#: Of a horizon by the effective earth's radius, with a little to spare.
_SIGHT = 1.01 * math.sqrt(2.0 * EFFECTIVE_EARTH_RADIUS_M)


@kernel()
def _along(vector: Floats, axes: Floats, axis: int) -> float:
    """Return the component of a vector (3,) along a column of a rotation."""
    component: float = (
        vector[0] * axes[0, axis] + vector[1] * axes[1, axis] + vector[2] * axes[2, axis]
    )
    return component


@kernel(leaf=True)
def _azimuth_rad(positions: Floats, row: int, origin: Floats, axes: Floats) -> float:
    """Return the azimuth of one of several positions (N, 3)."""
    x, y = positions[row, 0] - origin[0], positions[row, 1] - origin[1]
    z = positions[row, 2] - origin[2]
    return math.atan2(
        x * axes[0, 0] + y * axes[1, 0] + z * axes[2, 0],
        x * axes[0, 1] + y * axes[1, 1] + z * axes[2, 1],
    )


@kernel(leaf=True)
def out_of_reach(
    starts: Floats,
    ends: Floats,
    row: int,
    origin: Floats,
    axes: Floats,
    reach: Floats,
    span_s: float,
) -> bool:
    """Tell whether a target stays beyond range or horizon for sure.

    Half as much again as its way in the window is allowed for, and a fiftieth of the height
    and 200 m, by which the ground below it may differ from a sphere.

    Parameters
    ----------
    starts, ends : (N, 3) of all targets
    reach : (2,) range of the sensor, and its height above ground, infinite without horizon
    span_s : length of the window
    """
    x, y = starts[row, 0] - origin[0], starts[row, 1] - origin[1]
    z = starts[row, 2] - origin[2]
    square = x * x + y * y + z * z
    limit_m = reach[0] + 1.5 * _FASTEST_MPS * span_s
    if square > limit_m * limit_m:  # the usual case: one end is enough
        return True
    dx, dy = ends[row, 0] - starts[row, 0], ends[row, 1] - starts[row, 1]
    dz = ends[row, 2] - starts[row, 2]
    way_m = 1.5 * math.sqrt(dx * dx + dy * dy + dz * dz)
    limit_m = reach[0] + way_m
    if square > limit_m * limit_m:
        return True
    if reach[1] == math.inf:
        return False
    # Height over a sphere, and how far one sees from there and from the sensor.
    up_m = x * axes[0, 2] + y * axes[1, 2] + z * axes[2, 2] + max(reach[1], 0.0)
    height_m = up_m + 0.5 * (square - up_m * up_m) / _LEAST_EARTH_RADIUS_M
    height_m = 1.02 * max(height_m, 0.0) + 200.0 + way_m
    seen_m = _SIGHT * (math.sqrt(height_m) + math.sqrt(max(reach[1], 0.0))) + way_m
    hidden: bool = square > seen_m * seen_m + up_m * up_m
    return hidden


@kernel()
def within_reach(
    start_enu_m: Floats,
    end_enu_m: Floats,
    start_present: Bools,
    end_present: Bools,
    origin_enu_m: Floats,
    enu_R_sensor: Floats,
    reach: Floats,
    span_s: float,
) -> Ints:
    """Return the rows of targets that may be seen in a window, for ``reach`` see above."""
    rows = np.empty(start_present.size, np.int32)
    count = 0
    for row in range(rows.size):
        if not (start_present[row] or end_present[row]):
            continue
        # Of one that comes or goes in the window the way is unknown.
        if (
            start_present[row]
            and end_present[row]
            and out_of_reach(start_enu_m, end_enu_m, row, origin_enu_m, enu_R_sensor, reach, span_s)
        ):
            continue
        rows[count] = row
        count += 1
    return rows[:count]


@kernel()
def find_crossings(
    start_position_enu_m: Floats,
    end_position_enu_m: Floats,
    present: Bools,
    origin_enu_m: Floats,
    enu_R_sensor: Floats,
    first_azimuth_rad: float,
    rate_rad_per_s: float,
    start_s: float,
    end_s: float,
    margin_turns: float,
    reach: Floats,
    time_s: Floats,
    target: Ints,
    due: Bools,
) -> int:
    """Find the targets over which a turning beam passes in (start, end].

    The phase of a target is how far the beam has turned past it, in turns. The beam passes
    whenever the phase grows over a whole number. Both ends of a window give the fraction of
    the phase from the geometry of that moment alone, so two neighbouring windows agree on
    it to the bit, and the number of passes is whole by construction.

    Passes up to ``margin_turns`` before and after the window are found too, but not
    ``due``; what is ``out_of_reach`` is left out. Times are interpolated; the last three
    arguments are output. Returns how many.
    """
    found = 0
    for row in range(present.size):
        if not present[row] or out_of_reach(
            start_position_enu_m,
            end_position_enu_m,
            row,
            origin_enu_m,
            enu_R_sensor,
            reach,
            end_s - start_s,
        ):
            continue
        first_azimuth = _azimuth_rad(start_position_enu_m, row, origin_enu_m, enu_R_sensor)
        last_azimuth = _azimuth_rad(end_position_enu_m, row, origin_enu_m, enu_R_sensor)
        turned = (first_azimuth_rad + rate_rad_per_s * start_s - first_azimuth) / _TURN
        first = turned - math.floor(turned)
        turned = (first_azimuth_rad + rate_rad_per_s * end_s - last_azimuth) / _TURN
        last = turned - math.floor(turned)
        drift = (last_azimuth - first_azimuth) / _TURN
        drift -= math.floor(drift + 0.5)
        growth = rate_rad_per_s * (end_s - start_s) / _TURN - drift
        if growth <= 0.0:  # the target outruns the beam
            continue
        passes = math.floor(growth - (last - first) + 0.5)
        lowest = 0 if first < margin_turns else 1
        highest = passes + 1 if last > 1.0 - margin_turns else passes
        for crossing in range(lowest, highest + 1):
            time_s[found] = start_s + (end_s - start_s) * (crossing - first) / growth
            target[found] = row
            due[found] = 1 <= crossing <= passes
            found += 1
    return found


@kernel()
def aim(
    position_enu_m: Floats,
    velocity_enu_mps: Floats,
    origin_enu_m: Floats,
    enu_R_sensor: Floats,
    first_azimuth_rad: float,
    rate_rad_per_s: float,
    start_s: float,
    end_s: float,
    due: Bools,
    time_s: Floats,
) -> float:
    """Move times (K,), and targets along with them, to when the beam meets these targets.

    A step of Newton's method. Returns the largest step.
    """
    after_s = np.nextafter(start_s, end_s)
    largest_s = 0.0
    for row in range(time_s.size):
        offset = position_enu_m[row] - origin_enu_m
        east, north = _along(offset, enu_R_sensor, 0), _along(offset, enu_R_sensor, 1)
        east_rate = _along(velocity_enu_mps[row], enu_R_sensor, 0)
        north_rate = _along(velocity_enu_mps[row], enu_R_sensor, 1)
        across_m2 = max(east * east + north * north, 1.0)
        azimuth_rate = (east_rate * north - north_rate * east) / across_m2
        ahead = math.atan2(east, north) - first_azimuth_rad - rate_rad_per_s * time_s[row]
        ahead -= _TURN * math.floor(ahead / _TURN + 0.5)
        # A target that circles as fast as the beam is overhead: keep the step bounded.
        step_s = ahead / max(rate_rad_per_s - azimuth_rate, 0.1 * rate_rad_per_s)
        time_s[row] += step_s
        for axis in range(3):
            position_enu_m[row, axis] += step_s * velocity_enu_mps[row, axis]
        if due[row]:  # decided exactly: rounding of the time must not undo it
            time_s[row] = min(max(time_s[row], after_s), end_s)
        largest_s = max(largest_s, abs(step_s))
    return largest_s


@kernel()
def locate(
    position_enu_m: Floats,
    velocity_enu_mps: Floats,
    origin_enu_m: Floats,
    enu_R_sensor: Floats,
    height_m: float,
    curvature_per_m: Floats,
    range_limits_m: Floats,
    blind_ranges_m: Floats,
    sector_rad: Floats,
    elevation_rad: Floats,
    obstacles: Obstacles,
    polar: Floats,
    reason: Bytes,
) -> None:
    """Set the exact polar place (K, 4) and, of geometry alone, the ``Visibility`` (K,).

    A position of NaN is an absent target.

    Parameters
    ----------
    height_m, curvature_per_m, obstacles : as in ``sensors.sight.Sight``
    range_limits_m : (2,) lowest and highest
    blind_ranges_m : (B, 2) from, to
    sector_rad : (2,) azimuth of the middle, and half the width
    elevation_rad : (2,) lowest and highest
    polar, reason : output
    """
    for row in range(reason.size):
        if math.isnan(position_enu_m[row, 0]):
            reason[row] = _ABSENT
            polar[row] = math.nan
            continue
        offset = position_enu_m[row] - origin_enu_m
        east, north = _along(offset, enu_R_sensor, 0), _along(offset, enu_R_sensor, 1)
        up = _along(offset, enu_R_sensor, 2)
        velocity = velocity_enu_mps[row]
        across_m2 = east * east + north * north
        across_m = math.sqrt(across_m2)
        range_m = max(math.sqrt(across_m2 + up * up), 1.0)
        azimuth = math.atan2(east, north) % _TURN
        elevation = math.atan2(up, across_m)
        polar[row, 0] = range_m
        polar[row, 1] = azimuth
        polar[row, 2] = elevation
        polar[row, 3] = (
            east * _along(velocity, enu_R_sensor, 0)
            + north * _along(velocity, enu_R_sensor, 1)
            + up * _along(velocity, enu_R_sensor, 2)
        ) / range_m

        off_centre = azimuth - sector_rad[0]
        off_centre -= _TURN * math.floor(off_centre / _TURN + 0.5)
        blind = range_m < range_limits_m[0]
        for band in range(blind_ranges_m.shape[0]):
            blind |= blind_ranges_m[band, 0] <= range_m < blind_ranges_m[band, 1]
        obstacle = hidden(obstacles, height_m, east, north, up, curvature_per_m)
        if obstacle != _VISIBLE:
            reason[row] = obstacle
        elif range_m > range_limits_m[1]:
            reason[row] = _BEYOND_RANGE
        elif blind:
            reason[row] = _BLIND_RANGE
        elif abs(off_centre) > sector_rad[1]:
            reason[row] = _OUTSIDE_AZIMUTH
        elif elevation < elevation_rad[0] or elevation > elevation_rad[1]:
            reason[row] = _OUTSIDE_ELEVATION
        else:
            reason[row] = _VISIBLE
