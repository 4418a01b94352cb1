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

import numba
import numpy as np

from sim.core.gaussian import cholesky
from sim.core.imm import combine
from sim.core.jit import kernel
from sim.core.measurement import measure, unresolved
from sim.core.motion import predict_constant_velocity
from sim.core.tables import Bools, Bytes, Floats, Indices, Ints
from sim.tracking.policy import Models, SensorColumns
from sim.tracking.store import TrackColumns, drop_columns, load_models
from sim.tracking.watched_pairs import watched_pairs

#: Quiet checks in a row after which near tracks are one.
CHECKS = 4
#: Looks that gave both tracks plots of their own after which they are two for good.
TWO_TARGETS = 2
#: Seconds between two checks: the longest sensor period, within these bounds.
_INTERVAL_S = (1.0, 10.0)
#: Pairs handled by one thread at a time.
_PAIRS = 64


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
    older, younger = watched_pairs(tracks, count, now_s, merge_distance, sensors)
    if not older.size:
        return count, no_suspects()._replace(checked_s=now_s)
    close, apart_s = np.empty(older.size, np.bool_), np.empty(older.size)
    _compare(tracks, older, younger, now_s, merge_distance, models, sensors, close, apart_s)
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


@kernel(parallel=True)
def _compare(
    tracks: TrackColumns,
    older: Ints,
    younger: Ints,
    now_s: float,
    merge_distance: float,
    models: Models,
    sensors: SensorColumns,
    close: Bools,
    apart_s: Floats,
) -> None:
    """Tell which pairs are near, and when a look last gave both plots of their own.

    Two tracks with states x, y and covariances P, Q are near if
    (x − y)ᵀ (P + Q)⁻¹ (x − y) ≤ 6 · merge_distance², over position and velocity at ``now_s``:
    the root mean square over the six components, in sigmas. ``apart_s`` is −inf where there
    was no such look.
    """
    pairs, M = older.size, models.kind.size
    for block in numba.prange((pairs + _PAIRS - 1) // _PAIRS):
        x, y, P, Q = np.empty(6), np.empty(6), np.empty((6, 6)), np.empty((6, 6))
        model_x, model_P, weight = np.empty((M, 9)), np.empty((M, 9, 9)), np.empty(M)
        mine, its, H = np.empty(4), np.empty(4), np.empty((4, 6))
        for e in range(block * _PAIRS, min(pairs, (block + 1) * _PAIRS)):
            close[e], apart_s[e] = _compare_two(
                tracks, older[e], younger[e], now_s, merge_distance, models, sensors, weight,
                model_x, model_P, x, P, y, Q, mine, its, H,
            )  # fmt: skip


@kernel(leaf=True)
def _compare_two(
    tracks: TrackColumns,
    i: int,
    j: int,
    now_s: float,
    merge_distance: float,
    models: Models,
    sensors: SensorColumns,
    weight: Floats,
    model_x: Floats,
    model_P: Floats,
    x: Floats,
    P: Floats,
    y: Floats,
    Q: Floats,
    mine: Floats,
    its: Floats,
    H: Floats,
) -> tuple[bool, float]:
    _state(tracks, i, now_s, models, weight, model_x, model_P, x, P)
    _state(tracks, j, now_s, models, weight, model_x, model_P, y, Q)
    apart_s = _last_apart(tracks, i, j, x, y, sensors, mine, its, H)
    for a in range(6):
        x[a] -= y[a]
        for b in range(6):
            P[a, b] += Q[a, b]
    return _squared_length(x, P) <= 6.0 * merge_distance**2, apart_s


@kernel(leaf=True)
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
    load_models(
        tracks.mean, tracks.covariance, i, tracks.probability, i, models, weight, scratch_x,
        scratch_P,
    )  # fmt: skip
    combine(weight, scratch_x, scratch_P, x, P)
    predict_constant_velocity(x, P, max(now_s - tracks.time_s[i], 0.0), 0.0, 0.0)


@kernel(leaf=True)
def _squared_length(d: Floats, P: Floats) -> float:
    """dᵀ P⁻¹ d; both are overwritten; infinite where P is not positive definite."""
    if not cholesky(P, 6, P):
        return math.inf
    total = 0.0
    for a in range(6):
        for b in range(a):
            d[a] -= P[a, b] * d[b]
        d[a] /= P[a, a]
        total += d[a] * d[a]
    return total


@kernel(leaf=True)
def _last_apart(
    tracks: TrackColumns,
    i: int,
    j: int,
    x: Floats,
    y: Floats,
    sensors: SensorColumns,
    mine: Floats,
    its: Floats,
    H: Floats,
) -> float:
    """Time of the last look that gave both tracks plots of their own.

    Plots of the very same time may be one plot, which tracks share that their sensor does
    not resolve: of a rotating sensor they are.
    """
    last_s = -math.inf
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
            if unresolved(sensors.kind[s], mine, its, sensors.resolution[s]):
                continue
        last_s = max(last_s, max(here, there))
    return last_s
