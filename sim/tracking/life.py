"""Life of tracks: counting plots, confirming, coasting, dropping."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Ints, TrackStatus
from sim.tracking.cycle import Cycle
from sim.tracking.policy import Policy, SensorColumns
from sim.tracking.store import TrackColumns

_TENTATIVE = int(TrackStatus.TENTATIVE)
_CONFIRMED = int(TrackStatus.CONFIRMED)
_COASTING = int(TrackStatus.COASTING)


@kernel()
def book_pairs(
    tracks: TrackColumns, columns: Ints, plots: Ints, cycle: Cycle, sensors: SensorColumns
) -> None:
    """Count for each track ``columns[k]`` its plot ``plots[k]``, in order of time."""
    for k in range(columns.size):
        book(tracks, columns[k], plots[k], cycle, sensors)


@kernel()
def book(tracks: TrackColumns, i: int, j: int, cycle: Cycle, sensors: SensorColumns) -> None:
    """Count plot j for track i."""
    s = cycle.sensor[j]
    age = cycle.time_s[j] - tracks.birth_s[i]
    now = math.floor(age / tracks.birth_period_s[i] + 0.5)
    if now > tracks.look[i]:
        tracks.history[i] = (tracks.history[i] << min(now - tracks.look[i], 40)) & 0xFFFFFFFF
        tracks.look[i] = now
    tracks.history[i] |= 1
    tracks.last_plot_s[i] = cycle.time_s[j]
    tracks.last_period_s[i] = sensors.period_s[s]
    tracks.hits[i] += 1
    tracks.replies[cycle.reply[j], i] += 1
    tracks.sensors[i] |= np.uint64(1) << np.uint64(s % 64)


@kernel()
def _bits(word: int) -> int:
    count = 0
    while word:
        word &= word - 1
        count += 1
    return count


@kernel()
def age_tracks(
    tracks: TrackColumns, count: int, confirmed: int, now_s: float, policy: Policy
) -> tuple[int, int]:
    """Confirm, coast and drop tracks as of ``now_s``; close the gaps of the dropped.

    A tentative track is confirmed by M hits in its last N looks, and numbered; it is
    dropped once M can no longer be reached in its first N. A confirmed one coasts when 1.5
    periods of its last sensor passed without a plot, and is dropped after ``coast_max_s``
    or when its horizontal position has become too uncertain.

    Returns
    -------
    count, confirmed : tracks left, and tracks confirmed so far in the run
    """
    kept = 0
    for i in range(count):
        tentative = tracks.status[i] == _TENTATIVE
        alive = _age(tracks, i, now_s, policy)
        if tentative and tracks.status[i] != _TENTATIVE:
            confirmed += 1
            tracks.number[i] = confirmed
        if alive:
            if kept < i:
                _move(tracks, i, kept)
            kept += 1
    return kept, confirmed


@kernel()
def _age(tracks: TrackColumns, i: int, now_s: float, policy: Policy) -> bool:
    """Set one track's status as of now; tell whether it lives on."""
    if tracks.status[i] == _TENTATIVE:
        looks = (now_s - tracks.birth_s[i]) / tracks.birth_period_s[i]
        misses = max(math.floor(looks - 0.5), tracks.look[i]) + 1 - _bits(tracks.history[i])
        mask = (1 << policy.confirm_looks) - 1
        if _bits(tracks.history[i] & mask) < policy.confirm_hits:
            return bool(misses <= policy.confirm_looks - policy.confirm_hits)
    silent_s = now_s - tracks.last_plot_s[i]
    coasts = silent_s > 1.5 * tracks.last_period_s[i]
    tracks.status[i] = _COASTING if coasts else _CONFIRMED
    P = tracks.covariance
    dt = now_s - tracks.time_s[i]
    growth = policy.q_horizontal * dt * dt * dt / 3.0
    east = P[0, i] + dt * (2.0 * P[6, i] + dt * P[15, i])
    north = P[3, i] + dt * (2.0 * P[10, i] + dt * P[18, i])
    certain = max(east, north) + growth <= policy.position_variance_max_m2
    return bool(silent_s <= policy.coast_max_s and certain)


@kernel()
def _move(tracks: TrackColumns, i: int, to: int) -> None:
    for k in range(6):
        tracks.mean[k, to] = tracks.mean[k, i]
    for k in range(21):
        tracks.covariance[k, to] = tracks.covariance[k, i]
    for k in range(3):
        tracks.replies[k, to] = tracks.replies[k, i]
    tracks.time_s[to] = tracks.time_s[i]
    tracks.number[to] = tracks.number[i]
    tracks.status[to] = tracks.status[i]
    tracks.birth_s[to] = tracks.birth_s[i]
    tracks.birth_period_s[to] = tracks.birth_period_s[i]
    tracks.look[to] = tracks.look[i]
    tracks.history[to] = tracks.history[i]
    tracks.last_plot_s[to] = tracks.last_plot_s[i]
    tracks.last_period_s[to] = tracks.last_period_s[i]
    tracks.hits[to] = tracks.hits[i]
    tracks.sensors[to] = tracks.sensors[i]
