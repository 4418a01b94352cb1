"""Clutter learned from the plots: how many false alarms each part of a sensor's sight gives.

Plots that no confirmed track took are counted, sector by sector of range and azimuth; old
looks fade. The expected number n per look is a gamma-distributed belief: after ``m`` plots in
``L`` looks of a cell whose prior mean is ``n₀``,

    n = (m + k) / (L + k / n₀)

with the shape k = ``PRIOR_PLOTS`` (Gelman and others, Bayesian Data Analysis, 2013, 2.6). The
prior of a cell is its sensor's mean over all cells, and the prior of that mean is the density
that the sensor's model assumes. What is measured beside range and azimuth is taken to be
spread evenly over √12 of its standard deviation, as it is if it is uniform.

Reported positions have no such cells, and keep the density assumed of them.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats, Measured, TrackStatus
from sim.tracking.cycle import Cycle
from sim.tracking.policy import SensorColumns
from sim.tracking.store import TrackColumns
from sim.tracking.turns import Turns

#: Sectors of azimuth, and bins of range.
SECTORS, RANGES = 16, 8
#: Looks after which a plot counts 1/e.
MEMORY_LOOKS = 40.0
#: The prior counts as much as so many plots.
PRIOR_PLOTS = 3.0
#: Plots without which nothing is known of a sensor's clutter.
_FIRST_PLOTS = 10.0
#: Where a sensor does not say how far it sees, its bins double from this range on.
_NEAREST_BIN_M = 8e3
_TENTATIVE = int(TrackStatus.TENTATIVE)
_POLAR = int(Measured.POLAR)
_POSITION = int(Measured.POSITION)
_TIME_DIFFERENCE = int(Measured.TIME_DIFFERENCE)


class ClutterMap(NamedTuple):
    """What was counted, one row per sensor; changed in place.

    Attributes
    ----------
    plots : (S, SECTORS · RANGES) false plots, faded
    looks : (S,) looks, faded alike
    moments : (S, 4, 3) number, sum and sum of squares of each component of these plots, faded
    reach_m : (S,) longest range measured
    """

    plots: Floats
    looks: Floats
    moments: Floats
    reach_m: Floats


def empty_clutter(sensors: SensorColumns) -> ClutterMap:
    """Return what is known before the first plot."""
    n = sensors.period_s.size
    return ClutterMap(
        np.zeros((n, SECTORS * RANGES)), np.zeros(n), np.zeros((n, 4, 3)), np.zeros(n)
    )


def copied_clutter(clutter: ClutterMap) -> ClutterMap:
    """Return a copy."""
    return ClutterMap(*(array.copy() for array in clutter))


def with_estimate(cycle: Cycle, clutter: ClutterMap, sensors: SensorColumns) -> Cycle:
    """Return the cycle with the clutter density learned so far."""
    return cycle._replace(log_clutter=_estimate(cycle, clutter, sensors))


def learn(
    clutter: ClutterMap,
    cycle: Cycle,
    tracks: TrackColumns,
    turns: Turns | None,
    elapsed_s: float,
    sensors: SensorColumns,
) -> None:
    """Count one cycle's plots, less those that confirmed tracks took; ``turns`` None for none."""
    held = np.zeros(cycle.time_s.size)
    if turns is not None:
        _hold(tracks, turns, held)
    learn_free(clutter, cycle, held, elapsed_s, sensors)


@kernel()
def _hold(tracks: TrackColumns, turns: Turns, held: Floats) -> None:
    """Add up the weights with which confirmed tracks took each plot."""
    for i in range(turns.start.size - 1):
        if tracks.status[i] == _TENTATIVE:
            continue
        for t in range(turns.start[i], turns.start[i + 1]):
            for b in range(turns.first[t], turns.last[t]):
                held[turns.plot[b]] += turns.weight[b]


@kernel()
def learn_free(
    clutter: ClutterMap, cycle: Cycle, held: Floats, elapsed_s: float, sensors: SensorColumns
) -> None:
    """Count one cycle's plots, less the share ``held`` (K,) in which each is a target's."""
    for s in range(sensors.period_s.size):
        faded = math.exp(-elapsed_s / (sensors.period_s[s] * MEMORY_LOOKS))
        clutter.looks[s] = faded * clutter.looks[s] + (1.0 - faded) * MEMORY_LOOKS
        for c in range(SECTORS * RANGES):
            clutter.plots[s, c] *= faded
        for a in range(4):
            for power in range(3):
                clutter.moments[s, a, power] *= faded
    z = np.empty(4)
    for j in range(held.size):
        s = cycle.sensor[j]
        false = max(1.0 - held[j], 0.0)
        if sensors.kind[s] == _POSITION:
            continue
        _measured(j, cycle, sensors, z)
        if _has_range(s, sensors):
            clutter.reach_m[s] = max(clutter.reach_m[s], z[0])
        if false == 0.0:
            continue
        clutter.plots[s, _cell(s, z, sensors)] += false
        for a in range(4):
            if math.isfinite(z[a]):
                clutter.moments[s, a, 0] += false
                clutter.moments[s, a, 1] += false * z[a]
                clutter.moments[s, a, 2] += false * z[a] * z[a]


@kernel()
def _measured(j: int, cycle: Cycle, sensors: SensorColumns, z: Floats) -> None:
    """Write plot j as it was measured, also where the filter takes it as a position."""
    s = cycle.sensor[j]
    for a in range(4):
        z[a] = cycle.measurement[j, a]
    if not sensors.cartesian[s]:
        return
    R = sensors.enu_R_sensor[s]
    east, north, up = 0.0, 0.0, 0.0
    for c in range(3):
        d = cycle.measurement[j, c] - sensors.origin_enu_m[s, c]
        east += R[c, 0] * d
        north += R[c, 1] * d
        up += R[c, 2] * d
    ground = math.sqrt(east * east + north * north)
    z[0] = math.sqrt(ground * ground + up * up)
    z[1] = math.atan2(east, north)
    z[2] = math.atan2(up, ground)


@kernel()
def _has_range(s: int, sensors: SensorColumns) -> bool:
    return bool(sensors.measures[s, 0] and sensors.kind[s] != _TIME_DIFFERENCE)


@kernel()
def _edge(s: int, place: int, clutter_reach_m: float, sensors: SensorColumns) -> float:
    """Where range bin ``place`` begins: even steps to a known limit, else doubling ones."""
    low: float = sensors.range_min_m[s]
    high: float = sensors.range_max_m[s]
    if sensors.kind[s] == _POLAR and high < math.inf:
        return low + (high - low) * place / RANGES
    if place == 0:
        return min(low, clutter_reach_m)
    if place == RANGES:
        return clutter_reach_m
    return min(max(low, _NEAREST_BIN_M * math.pow(2.0, place - 1)), clutter_reach_m)


@kernel()
def _cell(s: int, z: Floats, sensors: SensorColumns) -> int:
    """Number of the cell of a measurement."""
    place, sector = 0, 0
    if _has_range(s, sensors):
        while place < RANGES - 1 and z[0] >= _edge(s, place + 1, math.inf, sensors):
            place += 1
    if sensors.measures[s, 1] and sensors.kind[s] != _TIME_DIFFERENCE:
        turn = z[1] / (2.0 * math.pi)
        sector = min(int((turn - math.floor(turn)) * SECTORS), SECTORS - 1)
    return place * SECTORS + sector


@kernel()
def _estimate(cycle: Cycle, clutter: ClutterMap, sensors: SensorColumns) -> Floats:
    """Return the logarithm of the clutter density at each plot, in its measurement's units."""
    result = cycle.log_clutter.copy()
    z = np.empty(4)
    for g in range(cycle.scan_sensor.size):
        s = cycle.scan_sensor[g]
        if sensors.kind[s] == _POSITION:
            continue
        spread, enough = _spread(s, clutter, sensors)
        if not enough:
            continue
        ranged = _has_range(s, sensors)
        angled = sensors.measures[s, 1] and sensors.kind[s] != _TIME_DIFFERENCE
        width = 2.0 * math.pi / SECTORS if angled else 1.0
        reach = clutter.reach_m[s]
        assumed = math.exp(sensors.log_clutter[s]) * spread
        area, plots = 0.0, 0.0
        for c in range(SECTORS * RANGES):
            area += _area(s, c, ranged, angled, width, reach, sensors)
            plots += clutter.plots[s, c]
        mean = _belief(plots, clutter.looks[s], assumed * area) / area
        for j in range(cycle.scan_first[g], cycle.scan_first[g + 1]):
            _measured(j, cycle, sensors, z)
            c = _cell(s, z, sensors)
            own = _area(s, c, ranged, angled, width, reach, sensors)
            density = mean
            if own > 0.0:
                density = _belief(clutter.plots[s, c], clutter.looks[s], mean * own) / own
            result[j] += math.log(density / assumed)
    return result


@kernel()
def _belief(plots: float, looks: float, prior: float) -> float:
    """Expected number per look, from plots in looks and a prior mean."""
    return (plots + PRIOR_PLOTS) / (looks + PRIOR_PLOTS / prior)


@kernel()
def _area(
    s: int,
    c: int,
    ranged: bool,
    angled: bool,
    width: float,
    reach: float,
    sensors: SensorColumns,
) -> float:
    """Size of a cell: range · azimuth, as far as measured; 0 for cells that are not used."""
    place, sector = c // SECTORS, c % SECTORS
    if (place > 0 and not ranged) or (sector > 0 and not angled):
        return 0.0
    if not ranged:
        return width
    depth = _edge(s, place + 1, reach, sensors) - _edge(s, place, reach, sensors)
    return width * max(depth, 0.0)


@kernel()
def _spread(s: int, clutter: ClutterMap, sensors: SensorColumns) -> tuple[float, bool]:
    """Extent of all that is measured beside the cells; False if too little is known of it."""
    product = 1.0
    enough = False
    for a in range(4):
        number = clutter.moments[s, a, 0]
        if not sensors.measures[s, a]:
            continue
        enough = number >= _FIRST_PLOTS
        if not enough:
            return 1.0, False
        if a < 2 and sensors.kind[s] != _TIME_DIFFERENCE:
            continue
        mean = clutter.moments[s, a, 1] / number
        variance = clutter.moments[s, a, 2] / number - mean * mean
        if not variance > 0.0:
            return 1.0, False
        product *= math.sqrt(12.0 * variance)
    return product, enough
