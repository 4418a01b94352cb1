"""Two-point starts: a track begins once two free plots of successive looks fit together.

A free plot starts nothing by itself: it is kept as a seed. A free plot of the same sensor's
next look, no farther from the seed than a target can fly, starts the track.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.cells import sort_rows
from sim.core.jit import kernel
from sim.core.motion import initial_extra, predict
from sim.core.neighbours import empty_buckets, near, put_in_bucket
from sim.core.tables import Bools, Bytes, Floats, Ints
from sim.tracking.cycle import Cycle
from sim.tracking.life import book
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.starts import enter_newborns, explained, give_birth, locate, take_rate
from sim.tracking.store import TrackColumns

#: The next look comes so many periods later: a target moves on while the beam turns.
_NEXT_LOOK = (0.25, 1.75)
#: A plot looks at so many of its nearest seeds.
_SEEDS_PER_PLOT = 8
_NEIGHBOURS_MAX = 500
#: Where height is guessed, both plots share the guess: their own errors lie in the plane.
_GUESS_SIGMA_M = 1.0
_UPPER = ((0, 1, 2), (1, 3, 4), (2, 4, 5))


class Seeds(NamedTuple):
    """Plots that may be the first of two.

    Attributes
    ----------
    time_s, sensor, reply : (K,) as in ``Plots``
    position_enu_m : (K, 3)
    noise : (K, 6) its covariance without that of a guessed height, upper triangle
    """

    time_s: Floats
    sensor: Ints
    reply: Bytes
    position_enu_m: Floats
    noise: Floats


def no_seeds() -> Seeds:
    """Return an empty table."""
    return Seeds(
        np.empty(0),
        np.empty(0, np.int32),
        np.empty(0, np.uint8),
        np.empty((0, 3)),
        np.empty((0, 6)),
    )


def start_from_two(
    tracks: TrackColumns,
    count: int,
    taken: Bools,
    cycle: Cycle,
    seeds: Seeds,
    speed_max_mps: float,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
) -> tuple[int, Seeds]:
    """Start tracks from pairs of a seed and a free plot; keep the other free plots as seeds.

    ``taken`` (K,) marks the plots that are not free; new tracks lie behind column ``count``,
    where there is room. Pairs are made nearest first, each seed and each plot is used once.
    As with one-point starts, a plot within the gate of a track that another sensor's plot
    started in this cycle is explained by it: it starts nothing and is no seed.

    Returns
    -------
    count, seeds : tracks after, and the seeds for the next cycles
    """
    sharp = policy._replace(start_height_sigma_m=_GUESS_SIGMA_M)
    result: tuple[int, Seeds] = _start(
        tracks, count, taken, cycle, seeds, speed_max_mps, models, sensors, policy, sharp
    )
    return result


@kernel()
def _start(
    tracks: TrackColumns,
    count: int,
    taken: Bools,
    cycle: Cycle,
    seeds: Seeds,
    speed_max_mps: float,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
    sharp: Policy,
) -> tuple[int, Seeds]:
    plots, scans = taken.size, cycle.scan_sensor.size
    place, noise, full = np.empty((plots, 3)), np.empty((plots, 6)), np.empty((plots, 6))
    free = np.zeros(plots, np.bool_)
    for j in range(plots):
        if not taken[j] and locate(j, cycle, sensors, policy, place[j], full[j]):
            free[j] = locate(j, cycle, sensors, sharp, place[j], noise[j])
    used = np.zeros(seeds.time_s.size, np.bool_)
    seed_of = np.empty(plots, np.int32)
    buckets = empty_buckets(plots)
    found = np.empty(1000, np.int32)
    x, P, work = np.empty(9), np.empty((9, 9)), np.empty((40, 9))
    widest = 0.0
    for g in range(scans):
        s = cycle.scan_sensor[g]
        _match(g, cycle, free, place, noise, seeds, speed_max_mps, sensors, used, seed_of)
        before = count
        for j in range(cycle.scan_first[g], cycle.scan_first[g + 1]):
            if not free[j]:
                continue
            if buckets.entries[0] and explained(
                tracks, j, cycle, policy, place[j], full[j], widest, buckets, P, found
            ):
                free[j] = False
                continue
            k = seed_of[j]
            if k < 0:
                continue
            _difference(
                cycle.time_s[j] - seeds.time_s[k], s, place[j], noise[j], full[j],
                seeds.position_enu_m[k], seeds.noise[k], models, sensors, policy, x, P, work,
            )  # fmt: skip
            take_rate(j, cycle, sensors, x, P, work)
            give_birth(tracks, count, cycle.time_s[j], s, x, P, models, sensors, policy)
            tracks.birth_s[count] = seeds.time_s[k]
            tracks.history[count] = 1
            tracks.hits[count] = 1
            tracks.replies[seeds.reply[k], count] = 1
            book(tracks, count, j, cycle, sensors)
            free[j] = False
            count += 1
        if g + 1 < scans:
            widest = enter_newborns(tracks, before, count, widest, buckets)
    return count, _keep(cycle, free, place, noise, seeds, used, sensors)


@kernel()
def _match(
    g: int,
    cycle: Cycle,
    free: Bools,
    place: Floats,
    noise: Floats,
    seeds: Seeds,
    speed_max_mps: float,
    sensors: SensorColumns,
    used: Bools,
    seed_of: Ints,
) -> None:
    """Write the seed of each free plot of scan g to ``seed_of``, −1 for none; mark it used.

    Where a plot has more seeds in reach than can be looked through, the reach is halved.
    """
    s = cycle.scan_sensor[g]
    first, last = cycle.scan_first[g], cycle.scan_first[g + 1]
    earliest_s = _NEXT_LOOK[0] * sensors.period_s[s]
    latest_s = _NEXT_LOOK[1] * sensors.period_s[s]
    n_free, n_seeds, widest = 0, 0, 0.0
    for j in range(first, last):
        seed_of[j] = -1
        if free[j]:
            n_free += 1
    for k in range(used.size):
        if seeds.sensor[k] == s:
            n_seeds += 1
            widest = max(widest, seeds.noise[k, 0] + seeds.noise[k, 3] + seeds.noise[k, 5])
    if n_free == 0 or n_seeds == 0:
        return
    buckets = empty_buckets(n_seeds)
    buckets.width[0] = 0.5 * speed_max_mps * latest_s
    for k in range(used.size):
        if seeds.sensor[k] == s:
            put_in_bucket(buckets, seeds.position_enu_m[k, 0], seeds.position_enu_m[k, 1], k)
    found = np.empty(_NEIGHBOURS_MAX, np.int32)
    keys = np.empty((n_free * _SEEDS_PER_PLOT, 3))
    total = 0
    for j in range(first, last):
        if not free[j]:
            continue
        own = noise[j, 0] + noise[j, 3] + noise[j, 5]
        reach = speed_max_mps * latest_s + 3.0 * math.sqrt(own + widest)
        n = near(buckets, place[j, 0], place[j, 1], reach, found)
        while n < 0 and reach > 0.01 * buckets.width[0]:
            reach *= 0.5
            n = near(buckets, place[j, 0], place[j, 1], reach, found)
        begin = total
        for f in range(n):
            k = found[f]
            dt = cycle.time_s[j] - seeds.time_s[k]
            if dt < earliest_s or dt > latest_s:
                continue
            apart = _apart(
                place[j], noise[j], seeds.position_enu_m[k], seeds.noise[k], speed_max_mps * dt
            )
            if apart < math.inf:
                total = _insert(keys, begin, total, apart, j, k)
    order = np.arange(total).astype(np.int32)
    sort_rows(order, 0, total, keys)
    for e in range(total):
        j, k = int(keys[order[e], 1]), int(keys[order[e], 2])
        if seed_of[j] < 0 and not used[k]:
            seed_of[j] = k
            used[k] = True


@kernel()
def _apart(here: Floats, noise: Floats, there: Floats, its_noise: Floats, limit_m: float) -> float:
    """Distance of two plots; infinite if it exceeds the limit by more than 3 sigmas."""
    square, variance = 0.0, 0.0
    for a in range(3):
        d = here[a] - there[a]
        square += d * d
        for b in range(3):
            row = _UPPER[a][b]
            variance += d * (noise[row] + its_noise[row]) * (here[b] - there[b])
    distance = math.sqrt(square)
    if distance <= limit_m:
        return distance
    return distance if distance - limit_m <= 3.0 * math.sqrt(variance) / distance else math.inf


@kernel()
def _insert(keys: Floats, begin: int, end: int, apart: float, j: int, k: int) -> int:
    """Enter a pair among plot j's, nearest first, without doubles and only the nearest."""
    at = begin
    while at < end and (keys[at, 0] < apart or (keys[at, 0] == apart and keys[at, 2] < k)):
        at += 1
    if at < end and keys[at, 2] == k:
        return end
    if end - begin < _SEEDS_PER_PLOT:
        end += 1
    for e in range(end - 1, at, -1):
        for c in range(3):
            keys[e, c] = keys[e - 1, c]
    if at < end:
        keys[at, 0], keys[at, 1], keys[at, 2] = apart, j, k
    return end


@kernel()
def _difference(
    dt: float,
    s: int,
    place: Floats,
    noise: Floats,
    full: Floats,
    before: Floats,
    noise_before: Floats,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
    x: Floats,
    P: Floats,
    work: Floats,
) -> None:
    """Write the state (6,) and covariance of two-point differencing.

    Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation,
    2001, 5.5.3, for three axes: the second position z₂, and (z₂ − z₁) / dt; covariances R₂,
    R₂ / dt and (R₁ + R₂) / dt². The mean velocity over dt is not the last one: the difference
    (w_p / dt − w_v) of the process noise is added, averaged over the models. Without a
    measured height the vertical velocity is that of one-point starts.
    """
    stays = 0.0
    for m in range(models.kind.size):
        stays += models.sojourn_s[m]
    drift = np.zeros((3, 3))
    for m in range(models.kind.size):
        for a in range(6):
            x[a] = before[a] if a < 3 else (place[a - 3] - before[a - 3]) / dt
            for b in range(6):
                P[a, b] = 0.0
        initial_extra(models.kind[m], models.parameters[m], x, P)
        predict(models.kind[m], models.parameters[m], x, P, dt, work)
        share = models.sojourn_s[m] / stays
        for a in range(3):
            for b in range(3):
                crossed = (P[a, b + 3] + P[a + 3, b]) / dt
                drift[a, b] += share * (P[a, b] / (dt * dt) - crossed + P[a + 3, b + 3])
    up = sensors.enu_R_sensor[s, :, 2]
    climb = 0.0 if sensors.measures[s, 2] else policy.start_climb_sigma_mps**2
    for a in range(3):
        x[a] = place[a]
        x[a + 3] = (place[a] - before[a]) / dt
        for b in range(3):
            row = _UPPER[a][b]
            P[a, b] = full[row]
            P[a, b + 3] = noise[row] / dt
            P[a + 3, b] = noise[row] / dt
            P[a + 3, b + 3] = (noise[row] + noise_before[row]) / (dt * dt) + drift[a, b]
            P[a + 3, b + 3] += climb * up[a] * up[b]


@kernel()
def _keep(
    cycle: Cycle,
    free: Bools,
    place: Floats,
    noise: Floats,
    seeds: Seeds,
    used: Bools,
    sensors: SensorColumns,
) -> Seeds:
    """Return the old seeds that still have a next look, and the free plots behind them."""
    now_s = -math.inf
    for g in range(cycle.last_s.size):
        now_s = max(now_s, cycle.last_s[g])
    total = 0
    old = np.empty(used.size, np.int32)
    for k in range(used.size):
        life_s = _NEXT_LOOK[1] * sensors.period_s[seeds.sensor[k]]
        if not used[k] and now_s - seeds.time_s[k] <= life_s:
            old[total] = k
            total += 1
    kept = total
    for j in range(free.size):
        if free[j]:
            total += 1
    result = Seeds(
        np.empty(total),
        np.empty(total, np.int32),
        np.empty(total, np.uint8),
        np.empty((total, 3)),
        np.empty((total, 6)),
    )
    for n in range(kept):
        k = old[n]
        _write(result, n, seeds.time_s[k], seeds.sensor[k], seeds.reply[k])
        for a in range(6):
            result.noise[n, a] = seeds.noise[k, a]
            if a < 3:
                result.position_enu_m[n, a] = seeds.position_enu_m[k, a]
    n = kept
    for j in range(free.size):
        if free[j]:
            _write(result, n, cycle.time_s[j], cycle.sensor[j], cycle.reply[j])
            for a in range(6):
                result.noise[n, a] = noise[j, a]
                if a < 3:
                    result.position_enu_m[n, a] = place[j, a]
            n += 1
    return result


@kernel()
def _write(seeds: Seeds, n: int, time_s: float, sensor: int, reply: int) -> None:
    seeds.time_s[n] = time_s
    seeds.sensor[n] = sensor
    seeds.reply[n] = reply
