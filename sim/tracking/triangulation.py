"""Starts by triangulation: where the bearings of two sites cross, a target may be.

Free plots that measure azimuth, perhaps elevation, but no range start nothing alone. Those of
two sites in the same cycle start a tentative track at every crossing that both sites could
see. n and m plots make up to n × m crossings, most of them ghosts. A crossing that a third
site confirms has the better right to its plots; between two sites all are equal, and ghosts
live until they move as no target does. Where two scans make more than ``CROSSINGS_MAX``
crossings, truth cannot be told from ghosts, and these two start nothing in this cycle.
"""

from __future__ import annotations

import math

import numpy as np

from sim.core.cells import sort_rows
from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.jit import kernel
from sim.core.measurement import innovate, measure
from sim.core.motion import predict_constant_velocity
from sim.core.neighbours import empty_buckets
from sim.core.tables import Bools, Floats, Ints, Measured
from sim.core.update import extended_update
from sim.tracking.cycle import Cycle
from sim.tracking.life import book
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.sight import detection_probability
from sim.tracking.starts import begin_state, enter_newborns, explained, give_birth
from sim.tracking.store import TrackColumns

#: More crossings of two scans than this start nothing.
CROSSINGS_MAX = 400
#: Bearings that cross at less than this say little about the distance.
_CROSSING_MIN_SINE = math.sin(math.radians(5.0))
#: No optical or radio bearing reaches farther, where the sensor's model is silent.
_RANGE_MAX_M = 200e3
#: Sites nearer to each other are one.
_BASELINE_MIN_M = 10.0
_NEIGHBOURS_MAX = 1000
_POLAR = int(Measured.POLAR)


def can_triangulate(sensors: SensorColumns) -> bool:
    """Tell whether angle-only sensors stand at two places or more."""
    angle_only = (sensors.kind == _POLAR) & ~sensors.measures[:, 0] & sensors.measures[:, 1]
    places = sensors.origin_enu_m[angle_only]
    return len(places) > 1 and bool(np.ptp(places, axis=0).max() > _BASELINE_MIN_M)


@kernel()
def find_crossings(
    taken: Bools, cycle: Cycle, sensors: SensorColumns, policy: Policy
) -> tuple[Ints, Floats]:
    """Find where free bearings of different sites cross.

    Two lines of azimuth and elevation must pass each other within the gate; otherwise the
    vertical planes of the azimuths are crossed, at the elevation that was measured or at
    ``start_height_m``. A crossing must lie ahead of both sites and in the sight of both, and
    within 200 km of one that does not say how far it sees; the angle between the bearings
    must be 5° or more.

    Returns
    -------
    rows : (C, 3) the earlier and the later plot, and the number of the pair of scans
    place : (C, 3) crossing, scenario ENU, m
    """
    scans = cycle.scan_sensor.size
    blind = np.empty(scans, np.int64)
    n = 0
    for g in range(scans):
        s = cycle.scan_sensor[g]
        if sensors.kind[s] == _POLAR and sensors.measures[s, 1] and not sensors.measures[s, 0]:
            blind[n] = g
            n += 1
    room = n * (n - 1) // 2 * CROSSINGS_MAX
    rows, place = np.empty((room + 1, 3), np.int32), np.empty((room + 1, 3))
    x = np.zeros(6)
    lines = np.empty((2, 4, 3))
    total, pair = 0, 0
    for a in range(n):
        for b in range(a + 1, n):
            g, h = blind[a], blind[b]
            begin = total
            for j in range(cycle.scan_first[g], cycle.scan_first[g + 1]):
                if taken[j] or total - begin > CROSSINGS_MAX:
                    continue
                for k in range(cycle.scan_first[h], cycle.scan_first[h + 1]):
                    if taken[k] or total - begin > CROSSINGS_MAX:
                        continue
                    if not _cross(j, k, cycle, sensors, policy, lines, x):
                        continue
                    if total - begin < CROSSINGS_MAX:
                        first = j if cycle.time_s[j] <= cycle.time_s[k] else k
                        rows[total, 0], rows[total, 1], rows[total, 2] = first, j + k - first, pair
                        for c in range(3):
                            place[total, c] = x[c]
                    total += 1
            if total - begin > CROSSINGS_MAX:
                total = begin
            pair += 1
    return rows[:total], place[:total]


@kernel()
def _draw(j: int, cycle: Cycle, sensors: SensorColumns, line: Floats) -> None:
    """Write a bearing's direction, the ways it turns with azimuth and elevation, and up."""
    R = sensors.enu_R_sensor[cycle.sensor[j]]
    azimuth, elevation = cycle.measurement[j, 1], cycle.measurement[j, 2]
    if math.isnan(elevation):
        elevation = 0.0
    sin_a, cos_a = math.sin(azimuth), math.cos(azimuth)
    sin_e, cos_e = math.sin(elevation), math.cos(elevation)
    for c in range(3):
        line[0, c] = cos_e * (R[c, 0] * sin_a + R[c, 1] * cos_a) + sin_e * R[c, 2]
        line[1, c] = R[c, 0] * cos_a - R[c, 1] * sin_a
        line[2, c] = -sin_e * (R[c, 0] * sin_a + R[c, 1] * cos_a) + cos_e * R[c, 2]
        line[3, c] = R[c, 2]


@kernel()
def _cross(
    j: int,
    k: int,
    cycle: Cycle,
    sensors: SensorColumns,
    policy: Policy,
    lines: Floats,
    x: Floats,
) -> bool:
    """Write where plots j and k cross to ``x[:3]``; tell whether a target may be there."""
    if math.isnan(cycle.measurement[j, 2]):
        j, k = k, j
    r, s = cycle.sensor[j], cycle.sensor[k]
    here, there = sensors.origin_enu_m[r], sensors.origin_enu_m[s]
    _draw(j, cycle, sensors, lines[0])
    _draw(k, cycle, sensors, lines[1])
    look, its_look = lines[0, 0], lines[1, 0]
    baseline = _distance(here, there)
    if baseline < _BASELINE_MIN_M:
        return False
    if not math.isnan(cycle.measurement[k, 2]):
        cosine = _dot(look, its_look)
        square = 1.0 - cosine * cosine
        if square < _CROSSING_MIN_SINE**2:
            return False
        along, its_along = 0.0, 0.0
        for c in range(3):
            along += (there[c] - here[c]) * (look[c] - cosine * its_look[c]) / square
            its_along += (there[c] - here[c]) * (cosine * look[c] - its_look[c]) / square
        if along <= 0.0 or its_along <= 0.0:
            return False
        miss2 = 0.0
        for c in range(3):
            near = here[c] + along * look[c]
            far = there[c] + its_along * its_look[c]
            x[c] = 0.5 * (near + far)
            miss2 += (near - far) ** 2
        gap_s = cycle.time_s[j] - cycle.time_s[k]
        variance = (policy.start_speed_sigma_mps * gap_s) ** 2
        variance += _across(j, along, cycle, lines[0], its_look, square)
        variance += _across(k, its_along, cycle, lines[1], look, square)
        if miss2 > policy.gates[1] * variance:
            return False
    else:
        across = lines[1, 1]
        slope = _dot(across, look)
        if abs(slope) < _CROSSING_MIN_SINE:
            return False
        along = 0.0
        for c in range(3):
            along += across[c] * (there[c] - here[c]) / slope
        for c in range(3):
            x[c] = here[c] + along * look[c]
        if math.isnan(cycle.measurement[j, 2]):
            _lift(r, lines, sensors, policy, x)
        ahead, its_ahead = 0.0, 0.0
        for c in range(3):
            ahead += (x[c] - here[c]) * look[c]
            its_ahead += (x[c] - there[c]) * its_look[c]
        if ahead <= 0.0 or its_ahead <= 0.0:
            return False
    return _sees(r, x, sensors) and _sees(s, x, sensors)


@kernel()
def _across(
    j: int, along: float, cycle: Cycle, line: Floats, other: Floats, square: float
) -> float:
    """Variance of a line across both lines, at a distance along it."""
    look, sigma = line[0], cycle.sigma[j]
    normal = (
        look[1] * other[2] - look[2] * other[1],
        look[2] * other[0] - look[0] * other[2],
        look[0] * other[1] - look[1] * other[0],
    )
    by_azimuth, by_elevation = 0.0, 0.0
    for c in range(3):
        by_azimuth += normal[c] * line[1, c]
        by_elevation += normal[c] * line[2, c]
    by_azimuth *= sigma[1] * math.cos(cycle.measurement[j, 2])
    by_elevation *= sigma[2]
    variance: float = along * along * (by_azimuth**2 + by_elevation**2) / square
    return variance


@kernel()
def _lift(s: int, lines: Floats, sensors: SensorColumns, policy: Policy, x: Floats) -> None:
    """Move a crossing of two vertical planes along both to the height where tracks start."""
    first, second, up = lines[0, 1], lines[1, 1], lines[0, 3]
    way = (
        first[1] * second[2] - first[2] * second[1],
        first[2] * second[0] - first[0] * second[2],
        first[0] * second[1] - first[1] * second[0],
    )
    square, level, rise = 0.0, 0.0, 0.0
    for c in range(3):
        d = x[c] - sensors.origin_enu_m[s, c]
        square += d * d
        level += up[c] * d
        rise += up[c] * way[c]
    drop = (square - level * level) / (2.0 * MEAN_EARTH_RADIUS_M)
    lift = (policy.start_height_m - sensors.height_m[s] - drop - level) / rise
    for c in range(3):
        x[c] += lift * way[c]


@kernel()
def _sees(s: int, x: Floats, sensors: SensorColumns) -> bool:
    if sensors.range_max_m[s] == math.inf and _distance(sensors.origin_enu_m[s], x) > _RANGE_MAX_M:
        return False
    return bool(detection_probability(s, x, sensors, 1.0) > 0.0)


@kernel()
def _dot(a: Floats, b: Floats) -> float:
    total: float = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return total


@kernel()
def _distance(a: Floats, b: Floats) -> float:
    return math.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)


@kernel()
def start_at_crossings(
    tracks: TrackColumns,
    older: int,
    count: int,
    taken: Bools,
    rows: Ints,
    place: Floats,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
) -> int:
    """Start tracks at crossings; return the tracks after.

    The state starts as uncertain as the target is far away, and takes both plots, and the
    plots of further sites that fit. First come the crossings with most sites; their plots make
    no other crossing. Columns ``older`` … ``count`` − 1 were born in this cycle from ranges: a
    crossing within the gate of one of these, or of one that other sites' scans made, is of the
    same target.
    """
    crossings, scans = rows.shape[0], cycle.scan_sensor.size
    states, spreads = np.empty((crossings, 9)), np.empty((crossings, 9, 9))
    plots = np.full((crossings, scans), -1, np.int32)
    keys = np.zeros((crossings, 3))
    work = np.empty((40, 9))
    y, Q = np.empty(9), np.empty((9, 9))
    for c in range(crossings):
        _begin(rows[c], place[c], cycle, sensors, policy, states[c], spreads[c], work)
        sites, misfit = _support(
            rows[c], taken, cycle, sensors, policy, states[c], spreads[c], plots[c], y, Q, work
        )
        keys[c, 0], keys[c, 1], keys[c, 2] = -sites, misfit, c
    order = np.arange(crossings).astype(np.int32)
    sort_rows(order, 0, crossings, keys)
    buckets = empty_buckets(count - older + crossings + 1)
    found = np.empty(_NEIGHBOURS_MAX, np.int32)
    widest = enter_newborns(tracks, older, count, 0.0, buckets)
    used = np.zeros(taken.size, np.bool_)
    noise = np.empty(6)
    before, pair = count, -1
    for e in range(crossings):
        c = order[e]
        sites = -int(keys[c, 0])
        if sites == 2 and rows[c, 2] != pair:
            widest = enter_newborns(tracks, before, count, widest, buckets)
            before, pair = count, rows[c, 2]
        free = True
        for g in range(scans):
            free = free and (plots[c, g] < 0 or not used[plots[c, g]])
        if not free:
            continue
        x, P = states[c], spreads[c]
        row = 0
        for a in range(3):
            for b in range(a, 3):
                noise[row] = P[a, b]
                row += 1
        last = rows[c, 1]
        if buckets.entries[0] and explained(
            tracks, last, cycle, policy, x[:3], noise, widest, buckets, Q, found
        ):
            continue
        latest_s = -math.inf
        for g in range(scans):
            if plots[c, g] >= 0:
                latest_s = max(latest_s, cycle.time_s[plots[c, g]])
                used[plots[c, g]] = sites > 2
        predict_constant_velocity(x, P, latest_s - cycle.time_s[last], 0.0, 0.0)
        give_birth(tracks, count, latest_s, cycle.sensor[last], x, P, models, sensors, policy)
        for g in range(scans):
            if plots[c, g] >= 0:
                book(tracks, count, plots[c, g], cycle, sensors)
        tracks.last_plot_s[count] = latest_s
        count += 1
    return count


@kernel()
def _begin(
    row: Ints,
    place: Floats,
    cycle: Cycle,
    sensors: SensorColumns,
    policy: Policy,
    x: Floats,
    P: Floats,
    work: Floats,
) -> None:
    """Write the state that two crossing plots give, at the time of the later one."""
    j, k = row[0], row[1]
    s = cycle.sensor[k]
    far = max(
        _distance(sensors.origin_enu_m[cycle.sensor[j]], place),
        _distance(sensors.origin_enu_m[s], place),
    )
    noise = np.zeros(6)
    for diagonal in (0, 3, 5):
        noise[diagonal] = far * far
    if math.isnan(cycle.measurement[j, 2]) and math.isnan(cycle.measurement[k, 2]):
        noise[5] = policy.start_height_sigma_m**2
    begin_state(s, place, noise, sensors, policy, x, P)
    _take(j, cycle, sensors, x, P, work)
    predict_constant_velocity(x, P, cycle.time_s[k] - cycle.time_s[j], 0.0, 0.0)
    _take(k, cycle, sensors, x, P, work)


@kernel()
def _support(
    row: Ints,
    taken: Bools,
    cycle: Cycle,
    sensors: SensorColumns,
    policy: Policy,
    x: Floats,
    P: Floats,
    plots: Ints,
    y: Floats,
    Q: Floats,
    work: Floats,
) -> tuple[int, float]:
    """Let a state take the best fitting free plot of each further site.

    ``plots`` (G,) is written: the plot of each scan, −1 for none. Returns the number of sites,
    and how badly their plots fit (sum of squared distances; 0 for two sites).
    """
    sites, misfit = 2, 0.0
    predicted, innovation, H = np.empty(4), np.empty(4), np.empty((4, 6))
    for g in range(cycle.scan_sensor.size):
        s = cycle.scan_sensor[g]
        first, last = cycle.scan_first[g], cycle.scan_first[g + 1]
        own = False
        for p in range(2):
            if first <= row[p] < last:
                plots[g] = row[p]
                own = True
        if own or sensors.kind[s] != _POLAR or sensors.measures[s, 0]:
            continue
        nearest = math.inf
        for plot in range(first, last):
            if taken[plot]:
                continue
            for a in range(6):
                y[a] = x[a]
                for b in range(6):
                    Q[a, b] = P[a, b]
            predict_constant_velocity(y, Q, cycle.time_s[plot] - cycle.time_s[row[1]], 0.0, 0.0)
            measure(
                _POLAR, y, sensors.origin_enu_m[s], sensors.enu_R_sensor[s],
                sensors.other_enu_m[s], predicted, H,
            )  # fmt: skip
            innovate(_POLAR, cycle.measurement[plot], predicted, innovation)
            worst, total = 0.0, 0.0
            for a in range(1, 3):
                if math.isnan(cycle.measurement[plot, a]):
                    continue
                variance = cycle.sigma[plot, a] ** 2
                for b in range(6):
                    for c in range(6):
                        variance += H[a, b] * Q[b, c] * H[a, c]
                distance = innovation[a] * innovation[a] / variance
                worst = max(worst, distance)
                total += distance
            if worst <= policy.gates[1] and total < nearest:
                nearest = total
                plots[g] = plot
        if plots[g] < 0:
            continue
        sites += 1
        misfit += nearest
        gap_s = cycle.time_s[plots[g]] - cycle.time_s[row[1]]
        predict_constant_velocity(x, P, gap_s, 0.0, 0.0)
        _take(plots[g], cycle, sensors, x, P, work)
        predict_constant_velocity(x, P, -gap_s, 0.0, 0.0)
    return sites, misfit


@kernel()
def _take(j: int, cycle: Cycle, sensors: SensorColumns, x: Floats, P: Floats, work: Floats) -> None:
    s = cycle.sensor[j]
    extended_update(
        _POLAR,
        x,
        P,
        6,
        cycle.measurement[j],
        cycle.sigma[j],
        sensors.origin_enu_m[s],
        sensors.enu_R_sensor[s],
        sensors.other_enu_m[s],
        work,
    )
