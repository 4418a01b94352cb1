"""Which confirmed tracks are so near to each other that they may be one target."""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.core.jit import kernel, threads_in_use
from sim.core.neighbours import Bucket, empty_buckets, near, put_in_bucket
from sim.core.tables import Bools, Floats, Indices, Ints, Measured, TrackStatus
from sim.tracking.policy import SensorColumns
from sim.tracking.store import TrackColumns

#: Tracks farther apart than this are not watched, however uncertain they are.
_WATCHED_MAX_M = 3000.0
#: Sensors resolve targets this much farther apart than their resolution.
_RESOLVED = 1.5
_NEIGHBOURS_MAX = 500
#: Tracks handled by one thread at a time.
_BLOCK = 1024
_TENTATIVE = int(TrackStatus.TENTATIVE)
_POLAR = int(Measured.POLAR)


def watched_pairs(
    tracks: TrackColumns, count: int, now_s: float, merge_distance: float, sensors: SensorColumns
) -> tuple[Ints, Ints]:
    """Find the pairs that may be one target: near for their uncertainty, or unresolved.

    A track with more neighbours than can be looked through is not watched.

    Returns
    -------
    older, younger : (K,) columns
    """
    if not threads_in_use():
        return _pairs_of_few(tracks, count, now_s, merge_distance, sensors)
    place, reach, crowded = np.empty((count, 2)), np.empty(count), np.empty(count, np.bool_)
    _locate(tracks, now_s, merge_distance, sensors, place, reach)
    watched = reach[reach >= 0.0]
    if watched.size < 2:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    # As wide as an average search: most look into four squares.
    buckets = _fill(place, reach, watched.size, max(50.0, 2.0 * float(watched.mean())))
    _find_crowded(place, reach, buckets, crowded)
    return _neighbours(tracks.number, np.flatnonzero(crowded), place, reach, buckets)


@kernel()
def _pairs_of_few(
    tracks: TrackColumns, count: int, now_s: float, merge_distance: float, sensors: SensorColumns
) -> tuple[Ints, Ints]:
    """Do all in one kernel: without threads, calling several only costs."""
    place, reach = np.empty((count, 2)), np.empty(count)
    _locate_block(0, count, tracks, now_s, merge_distance, sensors, place, reach)
    confirmed = np.flatnonzero(reach >= 0.0)
    total = 0.0
    for i in confirmed:
        total += reach[i]
    buckets = _fill(place, reach, confirmed.size, max(50.0, 2.0 * total / max(confirmed.size, 1)))
    return _neighbours(tracks.number, confirmed, place, reach, buckets)


@kernel(parallel=True)
def _locate(
    tracks: TrackColumns,
    now_s: float,
    merge_distance: float,
    sensors: SensorColumns,
    place: Floats,
    reach: Floats,
) -> None:
    """Write places (N, 2) and how far from them others are watched (N,); −1 if tentative."""
    n = reach.size
    for block in numba.prange((n + _BLOCK - 1) // _BLOCK):
        _locate_block(
            block * _BLOCK, min(n, (block + 1) * _BLOCK), tracks, now_s, merge_distance, sensors,
            place, reach,
        )  # fmt: skip


@kernel(leaf=True)
def _locate_block(
    begin: int,
    end: int,
    tracks: TrackColumns,
    now_s: float,
    merge_distance: float,
    sensors: SensorColumns,
    place: Floats,
    reach: Floats,
) -> None:
    for i in range(begin, end):
        if tracks.status[i] == _TENTATIVE:
            reach[i] = -1.0
            continue
        dt = max(now_s - tracks.time_s[i], 0.0)
        for a in range(2):
            place[i, a] = tracks.mean[a, i] + dt * tracks.mean[a + 3, i]
        near_m = merge_distance * math.sqrt(12.0 * _variance(tracks.covariance, i, dt))
        blur_m = _blur(place[i], i, tracks, sensors)
        reach[i] = min(near_m + _RESOLVED * blur_m, _WATCHED_MAX_M)


@kernel()
def _fill(place: Floats, reach: Floats, watched: int, width: float) -> Bucket:
    buckets = empty_buckets(watched)
    buckets.width[0] = width
    for i in range(reach.size):
        if reach[i] >= 0.0:
            put_in_bucket(buckets, place[i, 0], place[i, 1], i)
    return buckets


@kernel(parallel=True)
def _find_crowded(place: Floats, reach: Floats, buckets: Bucket, crowded: Bools) -> None:
    """Tell which tracks have another one within reach, whose reach is no longer."""
    n = reach.size
    for block in numba.prange((n + _BLOCK - 1) // _BLOCK):
        found = np.empty(_NEIGHBOURS_MAX, np.int32)
        _find_crowded_block(
            block * _BLOCK, min(n, (block + 1) * _BLOCK), place, reach, buckets, found, crowded
        )


@kernel(leaf=True)
def _find_crowded_block(
    begin: int,
    end: int,
    place: Floats,
    reach: Floats,
    buckets: Bucket,
    found: Ints,
    crowded: Bools,
) -> None:
    for i in range(begin, end):
        crowded[i] = False
        if reach[i] < 0.0:
            continue
        for f in range(near(buckets, place[i, 0], place[i, 1], reach[i], found)):
            crowded[i] = crowded[i] or _is_watched(found[f], i, place, reach)


@kernel(inline=True)
def _is_watched(j: int, i: int, place: Floats, reach: Floats) -> bool:
    """Tell whether j is within reach of i; of two, the one that reaches farther watches."""
    east, north = place[i, 0] - place[j, 0], place[i, 1] - place[j, 1]
    farther = reach[i] > reach[j] or (reach[i] == reach[j] and i > j)
    return i != j and farther and east * east + north * north <= reach[i] * reach[i]


@kernel()
def _neighbours(
    number: Ints, crowded: Indices, place: Floats, reach: Floats, buckets: Bucket
) -> tuple[Ints, Ints]:
    """Find the pairs of which one is among ``crowded``."""
    older, younger = np.empty(64, np.int32), np.empty(64, np.int32)
    found = np.empty(_NEIGHBOURS_MAX, np.int32)
    seen_from = np.full(reach.size, -1, np.int32)
    pairs = 0
    for i in crowded:
        for f in range(near(buckets, place[i, 0], place[i, 1], reach[i], found)):
            j = found[f]
            if seen_from[j] == i or not _is_watched(j, i, place, reach):
                continue
            seen_from[j] = i
            if pairs == older.size:
                older, younger = _grown(older), _grown(younger)
            first = number[i] < number[j]
            older[pairs], younger[pairs] = (i, j) if first else (j, i)
            pairs += 1
    return older[:pairs], younger[:pairs]


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
    return float(east + north)


@kernel(inline=True)
def _blur(place: Floats, i: int, tracks: TrackColumns, sensors: SensorColumns) -> float:
    """Return how far from a place the sensors that see track i do not resolve another."""
    blur = 0.0
    for s in range(sensors.kind.size):
        if tracks.hit_s[s, i] > -math.inf and sensors.kind[s] == _POLAR:
            square = 0.0
            for a in range(2):
                square += (place[a] - sensors.origin_enu_m[s, a]) ** 2
            blur = max(blur, sensors.resolution[s, 0] ** 2 + square * sensors.resolution[s, 1] ** 2)
    return math.sqrt(blur)
