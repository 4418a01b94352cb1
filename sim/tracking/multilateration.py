"""Starts by multilateration: where the time differences of one emission agree.

Pairs of receivers that share one, at either end, give their differences of one emission the
same time. Three free ones or more of a cycle start a track where they meet, if they meet at
one place only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.jit import kernel
from sim.core.measurement import SPEED_OF_LIGHT_MPS
from sim.core.neighbours import empty_buckets
from sim.core.tables import Bools, Floats, Ints, Measured
from sim.tracking.cycle import Cycle
from sim.tracking.life import book
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.starts import begin_state, enter_newborns, explained, give_birth
from sim.tracking.store import TrackColumns

_LEAST_DIFFERENCES = 3
_SAME_EMISSION_S = 1e-6
#: Searches begin at so many bearings, at these multiples of the longest baseline.
_BEARINGS = 8
_REACHES = (0.3, 1.0, 3.0)
_STEPS = 60
_SETTLED_M = 0.1
#: Beyond this, some direction is not told by the differences at all.
_CONDITION_MAX = 1e7
#: Solutions farther apart than this many sigmas are two.
_APART_SIGMAS = 6.0
_NEIGHBOURS_MAX = 1000


class Fixes(NamedTuple):
    """Places that time differences agree on.

    Attributes
    ----------
    place : (F, 3) scenario ENU
    noise : (F, 6) its covariance, upper triangle
    plots : (F, S) row in the cycle of each sensor's plot, −1 for none
    time_s : (F,) of the emission
    """

    place: Floats
    noise: Floats
    plots: Ints
    time_s: Floats


def can_multilaterate(sensors: SensorColumns) -> bool:
    """Tell whether enough pairs share a receiver."""
    pairs = sensors.kind == Measured.TIME_DIFFERENCE
    if not pairs.any():
        return False
    return any(
        np.unique(ends[pairs], axis=0, return_counts=True)[1].max() >= _LEAST_DIFFERENCES
        for ends in (sensors.origin_enu_m, sensors.other_enu_m)
    )


def find_fixes(taken: Bools, cycle: Cycle, sensors: SensorColumns, policy: Policy) -> Fixes:
    """Find the places where free time differences meet.

    Least squares with the guess of ``start_height_m``, by Gauss and Newton's steps, damped as
    Levenberg and Marquardt do, from several beginnings. A place counts if it explains the
    differences within the gate, is known within ``position_sigma_max_m``, and no other place
    explains them as well.
    """
    difference = sensors.kind[cycle.sensor] == Measured.TIME_DIFFERENCE
    free = np.flatnonzero(difference & ~taken)
    found: list[tuple[Floats, Floats, Ints, float]] = []
    if free.size >= _LEAST_DIFFERENCES:
        free = free[np.argsort(cycle.time_s[free], kind="stable")]
        gaps = np.flatnonzero(np.diff(cycle.time_s[free]) > _SAME_EMISSION_S) + 1
        for together in np.split(free, gaps):
            for rows in _sharing(together, cycle, sensors):
                used = cycle.sensor[rows]
                if rows.size < _LEAST_DIFFERENCES or np.unique(used).size < rows.size:
                    continue
                fix = _meet(rows, cycle, sensors, policy)
                if fix is not None:
                    plots = np.full(sensors.period_s.size, -1, np.int32)
                    plots[used] = rows
                    found.append((*fix, plots, float(cycle.time_s[rows[0]])))
    if not found:
        none = np.empty((0, 3))
        return Fixes(none, np.empty((0, 6)), np.empty((0, 0), np.int32), np.empty(0))
    places, noises, plots_of, times = zip(*found, strict=True)
    return Fixes(np.array(places), np.array(noises), np.array(plots_of), np.array(times))


def _sharing(
    together: NDArray[np.intp], cycle: Cycle, sensors: SensorColumns
) -> Iterator[NDArray[np.intp]]:
    """Yield the rows of each set of differences whose pairs share a receiver."""
    for ends in (sensors.origin_enu_m, sensors.other_enu_m):
        shared = ends[cycle.sensor[together]]
        for place in np.unique(shared, axis=0):
            yield together[(shared == place).all(axis=1)]


def _meet(
    rows: NDArray[np.intp], cycle: Cycle, sensors: SensorColumns, policy: Policy
) -> tuple[Floats, Floats] | None:
    """Return the one place, and its covariance (6,), that differences explain; else None."""
    used = cycle.sensor[rows]
    receivers, others = sensors.origin_enu_m[used], sensors.other_enu_m[used]
    up = sensors.enu_R_sensor[used[0]][:, 2]
    level = policy.start_height_m - sensors.height_m[used[0]]
    way_m = SPEED_OF_LIGHT_MPS * cycle.measurement[rows, 0]
    weight = 1.0 / np.append(SPEED_OF_LIGHT_MPS * cycle.sigma[rows, 0], policy.start_height_sigma_m)

    def residual(place: Floats) -> tuple[Floats, Floats]:
        to_receiver, to_other = place - receivers, place - others
        near = np.maximum(np.linalg.norm(to_receiver, axis=1), 1.0)
        far = np.maximum(np.linalg.norm(to_other, axis=1), 1.0)
        miss = np.append(near - far - way_m, up @ (place - receivers[0]) - level)
        slope = np.vstack([to_receiver / near[:, None] - to_other / far[:, None], up])
        return miss * weight, slope * weight[:, None]

    baseline_m = float(np.linalg.norm(receivers - others, axis=1).max())
    middle = np.unique(np.vstack([receivers, others]), axis=0).mean(axis=0)
    middle = middle + (level - up @ (middle - receivers[0])) * up
    bearing = 2.0 * np.pi * np.arange(_BEARINGS) / _BEARINGS
    ring = np.column_stack([np.sin(bearing), np.cos(bearing), np.zeros(_BEARINGS)])
    begins = [middle, *(middle + reach * baseline_m * way for reach in _REACHES for way in ring)]
    solutions = [found for begin in begins if (found := _descend(begin, residual)) is not None]
    if not solutions:
        return None
    cost = np.array([solution[0] for solution in solutions])
    best, place, spread = solutions[int(np.argmin(cost))]
    components = min(rows.size, policy.gates.size - 1)
    far = max(sensors.range_max_m[s] for s in used.tolist())
    if best > policy.gates[components] or np.linalg.norm(place - receivers[0]) > far:
        return None
    if max(spread[0, 0], spread[1, 1]) > policy.position_variance_max_m2:
        return None
    for value, other, _ in solutions:
        apart = other - place
        distance = float(apart @ np.linalg.solve(spread, apart))
        if value < best + policy.gates[1] and distance > _APART_SIGMAS**2:
            return None
    return place, spread[np.triu_indices(3)]


def _descend(
    place: Floats, residual: Callable[[Floats], tuple[Floats, Floats]]
) -> tuple[float, Floats, Floats] | None:
    """Return cost, place and covariance of the minimum below a place; None if there is none."""
    damping = 1e-3
    miss, slope = residual(place)
    for _ in range(_STEPS):
        normal = slope.T @ slope
        # Where the differences say nothing of a direction, the damping holds the step.
        scale = np.maximum(np.diag(normal), 1e-6 * np.trace(normal))
        step = np.linalg.solve(normal + damping * np.diag(scale), slope.T @ miss)
        tried, tried_slope = residual(place - step)
        if tried @ tried <= miss @ miss:
            place, miss, slope = place - step, tried, tried_slope
            damping = max(0.3 * damping, 1e-9)
            if np.linalg.norm(step) < _SETTLED_M:
                if np.linalg.cond(slope) > _CONDITION_MAX:
                    return None
                spread = np.asarray(np.linalg.inv(slope.T @ slope), float)
                return float(miss @ miss), place, spread
        else:
            damping *= 10.0
            if damping > 1e12:
                return None
    return None


def start_at_fixes(
    tracks: TrackColumns,
    older: int,
    count: int,
    fixes: Fixes,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
) -> int:
    """Start tracks at fixes, unless a track born in this cycle explains them.

    There is room behind column ``count``; columns ``older`` … ``count`` − 1 were born in this
    cycle. Returns the number of tracks after.
    """
    return _start(tracks, older, count, *fixes, cycle, models, sensors, policy)


@kernel()
def _start(
    tracks: TrackColumns,
    older: int,
    count: int,
    place: Floats,
    noise: Floats,
    plots: Ints,
    time_s: Floats,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
) -> int:
    fixes = place.shape[0]
    buckets = empty_buckets(count - older + fixes + 1)
    widest = enter_newborns(tracks, older, count, 0.0, buckets)
    x, P = np.empty(9), np.empty((9, 9))
    found = np.empty(_NEIGHBOURS_MAX, np.int32)
    for f in range(fixes):
        s, j = -1, -1
        for k in range(plots.shape[1]):
            if plots[f, k] >= 0:
                s, j = k, plots[f, k]
        if buckets.entries[0] and explained(
            tracks, j, cycle, policy, place[f], noise[f], widest, buckets, P, found
        ):
            continue
        begin_state(s, place[f], noise[f], sensors, policy, x, P)
        give_birth(tracks, count, time_s[f], s, x, P, models, sensors, policy)
        for k in range(plots.shape[1]):
            if plots[f, k] >= 0:
                book(tracks, count, plots[f, k], cycle, sensors)
        count += 1
    return count
