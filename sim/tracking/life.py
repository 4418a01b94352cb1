"""Life of tracks: counting plots and looks, confirming, coasting, dropping."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.motion import Motion
from sim.core.tables import Bools, Bytes, Floats, Indices, Ints, TrackStatus
from sim.tracking.cycle import Cycle
from sim.tracking.pairing import Pairs
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.sight import detection_probability, is_under_ground
from sim.tracking.store import TrackColumns
from sim.tracking.turns import Turns

_CONSTANT_VELOCITY = int(Motion.CONSTANT_VELOCITY)
_TENTATIVE = int(TrackStatus.TENTATIVE)
_CONFIRMED = int(TrackStatus.CONFIRMED)
_COASTING = int(TrackStatus.COASTING)
#: A look without a plot is counted once its time is over by this share of a period.
_GRACE = 0.5
_GRACE_OF_ROTATING = 0.25
#: Scans of a sensor that does not rotate are looks of their own this share of a period apart.
NEXT_LOOK = 0.75
#: No track is surer than this: a few missed looks must be able to end it.
EXISTENCE_MAX = 0.9999
#: A target that no sensor detects with more probability than this is hidden.
_HIDDEN = 0.1


@kernel()
def add_evidence(
    tracks: TrackColumns,
    count: int,
    g: int,
    cycle: Cycle,
    candidate_start: Ints,
    pairs: Pairs,
    sensors: SensorColumns,
    policy: Policy,
) -> None:
    """Add what scan g says to the tracks' scores.

    It says something about a track with candidates, and about every track if the scan looked
    everywhere at once. Looks of a rotating sensor that brought nothing are counted by time.
    Where a look's plots come in several scans, it is counted once all the same.
    """
    s = cycle.scan_sensor[g]
    if policy.rule == 2:
        top = math.log(EXISTENCE_MAX / (1.0 - EXISTENCE_MAX))
    else:
        top = policy.confirm_score
    score, looked_s = tracks.score, tracks.looked_s
    gain, start, plot, plot_time = pairs.gain, pairs.start, pairs.plot, cycle.time_s
    rotates, last_s = sensors.rotates[s], cycle.last_s[g]
    next_s = NEXT_LOOK * sensors.period_s[s]
    for i in range(count):
        if candidate_start[i + 1] == candidate_start[i] and (
            rotates or last_s - looked_s[s, i] < next_s
        ):
            continue
        score[i] = min(score[i] + gain[i], top)
        looked = last_s
        if start[i + 1] > start[i]:
            looked = plot_time[plot[start[i]]]
        looked_s[s, i] = max(looked_s[s, i], looked)


@kernel()
def book_turns(
    tracks: TrackColumns, turns: Turns, count: int, cycle: Cycle, sensors: SensorColumns
) -> None:
    """Count for each track the plots that were more likely its own than not, in order of time."""
    start, missed, heaviest = turns.start, turns.missed, turns.heaviest
    for i in range(count):
        for t in range(start[i], start[i + 1]):
            if missed[t] < 0.5:
                book(tracks, i, heaviest[t], cycle, sensors)


@kernel(inline=True)
def book(tracks: TrackColumns, i: int, j: int, cycle: Cycle, sensors: SensorColumns) -> None:
    """Count plot j for track i."""
    s = cycle.sensor[j]
    time_s = cycle.time_s[j]
    now = math.floor((time_s - tracks.birth_s[i]) / tracks.birth_period_s[i] + 0.5)
    if now > tracks.look[i]:
        tracks.history[i] = (tracks.history[i] << min(now - tracks.look[i], 40)) & 0xFFFFFFFF
        tracks.look[i] = now
    tracks.history[i] |= 1
    tracks.last_plot_s[i] = time_s
    tracks.last_period_s[i] = sensors.period_s[s]
    tracks.hidden_s[i] = 0.0
    tracks.hit_s[s, i] = time_s
    tracks.looked_s[s, i] = time_s
    tracks.hits[i] += 1
    tracks.replies[cycle.reply[j], i] += 1
    tracks.sensors[i] |= np.uint64(1) << np.uint64(s % 64)


@kernel(inline=True)
def _bits(word: int) -> int:
    count = 0
    while word:
        word &= word - 1
        count += 1
    return count


def any_sight(sensors: SensorColumns) -> bool:
    """Tell whether any sensor whose silence counts says where it sees nothing."""
    looks = ~sensors.listens
    return bool(
        sensors.horizon[looks].any()
        or np.isfinite(sensors.range_max_m[looks]).any()
        or not np.isnan(sensors.snr_range_m[looks]).all()
        or (sensors.mask_rad[looks] > -0.5 * math.pi).any()
    )


@kernel()
def count_hidden(
    tracks: TrackColumns,
    count: int,
    before_s: float,
    now_s: float,
    models: Models,
    sensors: SensorColumns,
) -> None:
    """Count the time that silent confirmed tracks spend where no sensor could see them."""
    x = np.empty(9)
    for i in range(count):
        silent_s = now_s - tracks.last_plot_s[i]
        if tracks.status[i] == _TENTATIVE or silent_s <= 1.5 * tracks.last_period_s[i]:
            continue
        row = models.mean_row[_most_probable(tracks.probability, i)]
        dt = max(now_s - tracks.time_s[i], 0.0)
        for k in range(3):
            x[k + 3] = tracks.mean[row + 3 + k, i]
            x[k] = tracks.mean[row + k, i] + dt * x[k + 3]
        seen = False
        for s in range(sensors.period_s.size):
            if not sensors.listens[s]:
                seen = seen or detection_probability(s, x, sensors, 1.0) > _HIDDEN
        # What flew on into the ground is not hidden; it landed.
        if not seen and not is_under_ground(x, sensors):
            tracks.hidden_s[i] += now_s - max(before_s, tracks.last_plot_s[i])


@kernel()
def count_missed_looks(
    tracks: TrackColumns,
    count: int,
    before_s: float,
    now_s: float,
    sensors: SensorColumns,
    policy: Policy,
) -> None:
    """Lower the scores by every look that ought to have been and brought nothing.

    Looks of sensors that listen do not count: the target may be silent. With the existence
    rule, targets also leave: the probability decays with their lifetime.
    """
    x = np.empty(9)
    mean, score, looked_s, birth_s = tracks.mean, tracks.score, tracks.looked_s, tracks.birth_s
    period_s, rotates, listens = sensors.period_s, sensors.rotates, sensors.listens
    for i in range(count):
        for s in range(period_s.size):
            if listens[s]:
                continue
            period = period_s[s]
            grace = _GRACE_OF_ROTATING if rotates[s] else _GRACE
            due = (now_s - looked_s[s, i]) / period - grace
            if due < 1.0:
                continue
            looks = math.floor(due)
            looked_s[s, i] += looks * period
            for k in range(6):
                x[k] = mean[k, i]
            p = detection_probability(s, x, sensors, policy.detection_probability)
            score[i] += looks * math.log(1.0 - min(p, 0.999))
        if policy.rule == 2:
            lived_s = now_s - max(before_s, birth_s[i])
            existence = math.exp(-lived_s / policy.lifetime_s) / (1.0 + math.exp(-score[i]))
            score[i] = math.log(max(existence, 1e-12) / (1.0 - existence))


@kernel()
def age_tracks(
    tracks: TrackColumns,
    count: int,
    confirmed: int,
    now_s: float,
    models: Models,
    policy: Policy,
    keep: Bools,
) -> tuple[bool, int]:
    """Confirm and coast tracks as of ``now_s``, and mark in ``keep`` those not to be dropped.

    By M of N, a tentative track is confirmed by M hits in its last N looks, and dropped once
    M can no longer be reached in its first N. By score or existence, both happen where the
    score crosses its thresholds. A confirmed track coasts when 1.5 periods of its last sensor
    passed without a plot; it is dropped after ``coast_max_s`` in which a sensor should have
    seen it, or ``coast_hidden_max_s``, or when its place has become too uncertain.

    Returns
    -------
    dropped, confirmed : whether any is to be dropped, and tracks confirmed so far in the run
    """
    status, number = tracks.status, tracks.number
    history, look, score = tracks.history, tracks.look, tracks.score
    birth_s, birth_period_s = tracks.birth_s, tracks.birth_period_s
    last_plot_s, last_period_s, hidden_s = tracks.last_plot_s, tracks.last_period_s, tracks.hidden_s
    probability, covariance, time_s = tracks.probability, tracks.covariance, tracks.time_s
    first_row, kind, parameters = models.covariance_row, models.kind, models.parameters
    dropped = False
    for i in range(count):
        keep[i] = True
        if status[i] == _TENTATIVE:
            keep[i] = confirm(
                i, now_s, status, history, look, score, birth_s, birth_period_s, policy
            )
            if status[i] != _TENTATIVE:
                confirmed += 1
                number[i] = confirmed
        if keep[i] and status[i] != _TENTATIVE:
            keep[i] = coast(
                i, now_s, status, score, last_plot_s, last_period_s, hidden_s, policy
            ) and is_placed(
                i, now_s, time_s, probability, covariance, first_row, kind, parameters,
                policy.position_variance_max_m2,
            )  # fmt: skip
        dropped = dropped or not keep[i]
    return dropped, confirmed


@kernel(inline=True)
def confirm(
    i: int,
    now_s: float,
    status: Bytes,
    history: Indices,
    look: Ints,
    score: Floats,
    birth_s: Floats,
    birth_period_s: Floats,
    policy: Policy,
) -> bool:
    """Confirm a tentative track if it is due; tell whether it lives on."""
    lives = True
    if policy.rule == 0:
        mask = (1 << policy.confirm_looks) - 1
        if _bits(history[i] & mask) < policy.confirm_hits:
            looks = (now_s - birth_s[i]) / birth_period_s[i]
            misses = max(math.floor(looks - 0.5), look[i]) + 1 - _bits(history[i])
            lives = misses <= policy.confirm_looks - policy.confirm_hits
        else:
            status[i] = _CONFIRMED
    elif score[i] < policy.confirm_score:
        lives = score[i] > policy.drop_score
    else:
        status[i] = _CONFIRMED
    return lives


@kernel(inline=True)
def coast(
    i: int,
    now_s: float,
    status: Bytes,
    score: Floats,
    last_plot_s: Floats,
    last_period_s: Floats,
    hidden_s: Floats,
    policy: Policy,
) -> bool:
    """Set the status of a confirmed track; tell whether it was seen lately enough."""
    silent_s = now_s - last_plot_s[i]
    status[i] = _COASTING if silent_s > 1.5 * last_period_s[i] else _CONFIRMED
    return (
        silent_s - hidden_s[i] <= policy.coast_max_s
        and silent_s <= max(policy.coast_max_s, policy.coast_hidden_max_s)
        and (policy.rule != 2 or score[i] > policy.drop_score)
    )


@kernel(inline=True)
def is_placed(
    i: int,
    now_s: float,
    time_s: Floats,
    probability: Floats,
    P: Floats,
    first_row: Indices,
    kind: Indices,
    parameters: Floats,
    variance_max_m2: float,
) -> bool:
    """Tell whether a track's place is known well enough."""
    m = _most_probable(probability, i)
    first = first_row[m]
    dt = max(now_s - time_s[i], 0.0)
    growth = 0.0
    if kind[m] == _CONSTANT_VELOCITY:
        growth = parameters[m, 0] * dt * dt * dt / 3.0
    east = P[first, i] + dt * (2.0 * P[first + 6, i] + dt * P[first + 15, i])
    north = P[first + 3, i] + dt * (2.0 * P[first + 10, i] + dt * P[first + 18, i])
    return bool(max(east, north) + growth <= variance_max_m2)


@kernel(inline=True)
def _most_probable(probability: Floats, i: int) -> int:
    best = 0
    for m in range(1, probability.shape[0]):
        if probability[m, i] > probability[best, i]:
            best = m
    return best
