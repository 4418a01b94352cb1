"""Duplicates: two confirmed tracks of one target become one.

Two tracks are one to the eye while their states differ by less than ``merge_distance``
sigmas. Whether they are one target tell the plots: a sensor that gave both of them plots of
their own in the same look saw two. So pairs of neighbours are watched from a distance at
which any sensor resolves them, and merged after ``CHECKS`` checks in a row at which they
were near and no look told them apart, unless ``TWO_TARGETS`` looks did before.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.gaussian import cholesky, load_state
from sim.core.imm import combine
from sim.core.jit import kernel
from sim.core.measurement import measure, wrap_angle
from sim.core.motion import predict_constant_velocity
from sim.core.neighbours import empty_buckets, near, put_in_bucket
from sim.core.tables import Bools, Bytes, Floats, Indices, Ints, Measured, TrackStatus
from sim.tracking.policy import Models, SensorColumns
from sim.tracking.store import TrackColumns, drop_columns

#: Quiet checks in a row after which near tracks are one.
CHECKS = 4
#: Looks that gave both tracks plots of their own after which they are two for good.
TWO_TARGETS = 2
#: Seconds between two checks: the longest sensor period, within these bounds.
_INTERVAL_S = (1.0, 10.0)
#: Tracks farther apart than this are not watched, however uncertain they are.
_WATCHED_MAX_M = 3000.0
#: Sensors resolve targets this much farther apart than their resolution.
_RESOLVED = 1.5
_NEIGHBOURS_MAX = 500
_TENTATIVE = int(TrackStatus.TENTATIVE)
_POLAR = int(Measured.POLAR)


class Suspects(NamedTuple):
    """Pairs of confirmed tracks that are watched.

    Attributes
    ----------
    key : (K,) older number · 2³² + younger number, ascending
    quiet : (K,) checks in a row at which they were near and nothing told them apart
    apart : (K,) looks that gave both plots of their own, counted to ``TWO_TARGETS``
    checked_s : time of the last check
    """

    key: Indices
    quiet: Bytes
    apart: Bytes
    checked_s: float


def no_suspects() -> Suspects:
    """Return what is known before the first check."""
    return Suspects(np.empty(0, np.int64), np.empty(0, np.uint8), np.empty(0, np.uint8), -math.inf)


def check_interval_s(sensors: SensorColumns) -> float:
    """Return the time between two checks."""
    low, high = _INTERVAL_S
    return min(max(float(sensors.period_s.max(initial=low)), low), high)


def merge_duplicates(
    tracks: TrackColumns,
    count: int,
    now_s: float,
    suspects: Suspects,
    merge_distance: float,
    models: Models,
    sensors: SensorColumns,
) -> tuple[int, Suspects]:
    """Watch all pairs of neighbours, merge those that are one target.

    The older number stays, with the state that is surer of its place; plots and replies are
    added up.

    Returns
    -------
    count, suspects : tracks left, and what is known for the next check
    """
    older, younger, close, apart_s = _neighbours(
        tracks, count, now_s, merge_distance, models, sensors
    )
    if not older.size:
        return count, no_suspects()._replace(checked_s=now_s)
    number = tracks.number
    key = (number[older].astype(np.int64) << 32) + number[younger]
    order = np.argsort(key)
    key, older, younger = key[order], older[order], younger[order]
    close, apart_s = close[order], apart_s[order]
    at = np.searchsorted(suspects.key, key)
    known = np.zeros(key.size, np.bool_)
    inside = at < suspects.key.size
    known[inside] = suspects.key[at[inside]] == key[inside]
    quiet, apart = np.zeros(key.size, np.uint8), np.zeros(key.size, np.uint8)
    quiet[known], apart[known] = suspects.quiet[at[known]], suspects.apart[at[known]]
    fresh = apart_s > np.where(known, suspects.checked_s, -math.inf)
    apart = np.minimum(apart + fresh, TWO_TARGETS).astype(np.uint8)
    quiet = np.where(close & ~fresh, np.minimum(quiet + 1, CHECKS), 0).astype(np.uint8)
    same = (quiet == CHECKS) & (apart < TWO_TARGETS)
    if same.any():
        keep = np.ones(count, np.bool_)
        for i, j in zip(older[same].tolist(), younger[same].tolist(), strict=True):
            if keep[i] and keep[j]:
                _merge(tracks, i, j)
                keep[j] = False
        count = drop_columns(tracks, count, keep)
    return count, Suspects(key[~same], quiet[~same], apart[~same], now_s)


def _merge(tracks: TrackColumns, i: int, j: int) -> None:
    """Let column i be both."""
    if tracks.covariance[[0, 3], j].sum() < tracks.covariance[[0, 3], i].sum():
        for name in ("mean", "covariance", "probability", "time_s"):
            array = getattr(tracks, name)
            array[..., i] = array[..., j]
    if tracks.last_plot_s[j] > tracks.last_plot_s[i]:
        for name in ("last_plot_s", "last_period_s", "hidden_s", "status"):
            array = getattr(tracks, name)
            array[i] = array[j]
    tracks.score[i] = max(tracks.score[i], tracks.score[j])
    tracks.hit_s[:, i] = np.maximum(tracks.hit_s[:, i], tracks.hit_s[:, j])
    tracks.looked_s[:, i] = np.maximum(tracks.looked_s[:, i], tracks.looked_s[:, j])
    tracks.hits[i] += tracks.hits[j]
    tracks.replies[:, i] += tracks.replies[:, j]
    tracks.sensors[i] |= tracks.sensors[j]


@kernel()
def _neighbours(
    tracks: TrackColumns,
    count: int,
    now_s: float,
    merge_distance: float,
    models: Models,
    sensors: SensorColumns,
) -> tuple[Ints, Ints, Bools, Floats]:
    """Find the pairs of confirmed tracks that are watched.

    Two tracks with states x, y and covariances P, Q are near if
    (x − y)ᵀ (P + Q)⁻¹ (x − y) ≤ 6 · merge_distance², over position and velocity at ``now_s``:
    the root mean square over the six components, in sigmas. A track with more neighbours
    than can be looked through is not watched.

    Returns
    -------
    older, younger : (K,) columns
    close : (K,) they are near
    apart_s : (K,) last look that gave both plots of their own, −inf for none
    """
    status, number, time_s = tracks.status, tracks.number, tracks.time_s
    mean, covariance, hit_s = tracks.mean, tracks.covariance, tracks.hit_s
    kind, origin, resolution = sensors.kind, sensors.origin_enu_m, sensors.resolution
    confirmed = np.empty(count, np.int32)
    place, reach = np.empty((2, count)), np.empty(count)
    n, total = 0, 0.0
    for i in range(count):
        if status[i] == _TENTATIVE:
            continue
        dt = max(now_s - time_s[i], 0.0)
        for a in range(2):
            place[a, i] = mean[a, i] + dt * mean[a + 3, i]
        reach[i] = min(
            merge_distance * math.sqrt(12.0 * _variance(covariance, i, dt))
            + _RESOLVED * _blur(place[0, i], place[1, i], hit_s, i, kind, origin, resolution),
            _WATCHED_MAX_M,
        )
        total += reach[i]
        confirmed[n] = i
        n += 1
    buckets = empty_buckets(n)
    # As wide as an average search: most look into four squares.
    buckets.width[0] = max(50.0, 2.0 * total / max(n, 1))
    for c in range(n):
        i = confirmed[c]
        put_in_bucket(buckets, place[0, i], place[1, i], i)
    older, younger = np.empty(64, np.int32), np.empty(64, np.int32)
    found = np.empty(_NEIGHBOURS_MAX, np.int32)
    seen_from = np.full(count, -1, np.int32)
    pairs = 0
    for c in range(n):
        i = confirmed[c]
        for f in range(near(buckets, place[0, i], place[1, i], reach[i], found)):
            j = found[f]
            if j == i or seen_from[j] == i or reach[j] > reach[i]:
                continue
            if reach[j] == reach[i] and j > i:
                continue
            seen_from[j] = i
            if (place[0, i] - place[0, j]) ** 2 + (place[1, i] - place[1, j]) ** 2 > reach[i] ** 2:
                continue
            if pairs == older.size:
                older, younger = _grown(older), _grown(younger)
            first = number[i] < number[j]
            older[pairs], younger[pairs] = (i, j) if first else (j, i)
            pairs += 1
    close, apart_s = np.empty(pairs, np.bool_), np.empty(pairs)
    x, y, P, Q = np.empty(6), np.empty(6), np.empty((6, 6)), np.empty((6, 6))
    M = models.kind.size
    scratch_x, scratch_P, weight = np.empty((M, 9)), np.empty((M, 9, 9)), np.empty(M)
    for e in range(pairs):
        i, j = older[e], younger[e]
        _state(tracks, i, now_s, models, weight, scratch_x, scratch_P, x, P)
        _state(tracks, j, now_s, models, weight, scratch_x, scratch_P, y, Q)
        for a in range(6):
            for b in range(6):
                P[a, b] += Q[a, b]
        close[e] = _squared_distance(x, y, P) <= 6.0 * merge_distance**2
        apart_s[e] = _last_apart(tracks, i, j, x, y, sensors)
    return older[:pairs], younger[:pairs], close, apart_s


@kernel()
def _grown(columns: Ints) -> Ints:
    larger = np.empty(2 * columns.size, np.int32)
    for k in range(columns.size):
        larger[k] = columns[k]
    return larger


@kernel(inline=True)
def _variance(P: Floats, i: int, dt: float) -> float:
    """Bound a track's horizontal variance: no direction has more than the sum of both."""
    east = P[0, i] + dt * (2.0 * P[6, i] + dt * P[15, i])
    north = P[3, i] + dt * (2.0 * P[10, i] + dt * P[18, i])
    return east + north


@kernel(inline=True)
def _blur(
    x: float, y: float, hit_s: Floats, i: int, kind: Indices, origin: Floats, resolution: Floats
) -> float:
    """Return how far from a place the sensors that see track i do not resolve another."""
    blur = 0.0
    for s in range(hit_s.shape[0]):
        if hit_s[s, i] > -math.inf and kind[s] == _POLAR:
            east, north = x - origin[s, 0], y - origin[s, 1]
            square = east * east + north * north
            blur = max(blur, resolution[s, 0] ** 2 + square * resolution[s, 1] ** 2)
    return math.sqrt(blur)


@kernel()
def _state(
    tracks: TrackColumns,
    i: int,
    now_s: float,
    models: Models,
    weight: Floats,
    scratch_x: Floats,
    scratch_P: Floats,
    x: Floats,
    P: Floats,
) -> None:
    """Write a track's mean and covariance over all models, straight on to ``now_s``."""
    for m in range(models.kind.size):
        weight[m] = tracks.probability[m, i]
        load_state(
            tracks.mean, models.mean_row[m], tracks.covariance, models.covariance_row[m], i, 6,
            scratch_x[m], scratch_P[m],
        )  # fmt: skip
    combine(weight, scratch_x, scratch_P, x, P)
    predict_constant_velocity(x, P, max(now_s - tracks.time_s[i], 0.0), 0.0, 0.0)


@kernel()
def _squared_distance(x: Floats, y: Floats, P: Floats) -> float:
    """(x − y)ᵀ P⁻¹ (x − y); P is overwritten; infinite where it is not positive definite."""
    if not cholesky(P, 6, P):
        return math.inf
    white = np.empty(6)
    total = 0.0
    for a in range(6):
        white[a] = x[a] - y[a]
        for b in range(a):
            white[a] -= P[a, b] * white[b]
        white[a] /= P[a, a]
        total += white[a] * white[a]
    return total


@kernel()
def _last_apart(
    tracks: TrackColumns, i: int, j: int, x: Floats, y: Floats, sensors: SensorColumns
) -> float:
    """Time of the last look that gave both tracks plots of their own.

    Plots of the very same time may be one plot, which tracks share that their sensor does
    not resolve: of a rotating sensor they are.
    """
    last_s = -math.inf
    mine, its, H = np.empty(4), np.empty(4), np.empty((4, 6))
    for s in range(sensors.period_s.size):
        here, there = tracks.hit_s[s, i], tracks.hit_s[s, j]
        if min(here, there) == -math.inf or abs(here - there) >= 0.5 * sensors.period_s[s]:
            continue
        if here == there:
            if sensors.rotates[s]:
                continue
            origin, axes = sensors.origin_enu_m[s], sensors.enu_R_sensor[s]
            measure(sensors.kind[s], x, origin, axes, sensors.other_enu_m[s], mine, H)
            measure(sensors.kind[s], y, origin, axes, sensors.other_enu_m[s], its, H)
            limited, merged = False, True
            for a in range(4):
                limit = sensors.resolution[s, a]
                apart = mine[a] - its[a]
                if a == 1 and sensors.kind[s] == _POLAR:
                    apart = wrap_angle(apart)
                limited = limited or limit > 0.0
                merged = merged and (limit <= 0.0 or abs(apart) < limit)
            if limited and merged:
                continue
        last_s = max(last_s, max(here, there))
    return last_s
