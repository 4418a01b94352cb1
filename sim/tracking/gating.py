"""Which plots may belong to which tracks: a sparse list, never a dense matrix.

Every track looks only into the cells that the bounding box of its gate touches, and keeps
the plots inside the gate, each judged at the plot's own time and by every motion model.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from sim.core.gaussian import load_state
from sim.core.jit import kernel
from sim.core.measurement import innovate, innovation_distance, measure
from sim.core.tables import Floats, Indices, Ints, Measured, TrackStatus
from sim.core.update import position_distance
from sim.tracking.cycle import Cycle
from sim.tracking.gate_boxes import drift, grid_of, in_box, span_of, widen_box
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.sight import detection_probability, tells_sight
from sim.tracking.store import TrackColumns

#: Tracks handled by one thread at a time, and candidates that they usually have at most.
_BLOCK = 256
_ROOM = 8 * _BLOCK
#: A tentative track whose gate may hold more plots than this cannot be told from clutter.
_HOPELESS = 500
_POLAR = int(Measured.POLAR)
_TENTATIVE = int(TrackStatus.TENTATIVE)
_LOG_TWO_PI = math.log(2.0 * math.pi)


class Candidates(NamedTuple):
    """The plots inside the gates of one scan, track by track.

    Attributes
    ----------
    start : (N + 1,) where each track's candidates begin
    plot : (K,) row in the cycle, less the scan's first row
    log_likelihood : (K,) ln N(innovation; 0, S), summed over the models
    detection : (N,) probability that this scan's sensor detects the track's target
    """

    start: Ints
    plot: Ints
    log_likelihood: Floats
    detection: Floats


def gate_scan(
    tracks: TrackColumns,
    count: int,
    g: int,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
) -> Candidates:
    """Find the plots of scan g inside the gates of the first ``count`` tracks."""
    blocks = (count + _BLOCK - 1) // _BLOCK
    found = _room(np.arange(blocks), np.full(blocks, _ROOM))
    kept, detection = np.zeros(count, np.int32), np.empty(count)
    needed = np.zeros(blocks, np.int64)
    scan = tracks, count, g, cycle, models, sensors, policy
    _gate_blocks(*scan, found, kept, detection, needed)
    start = np.zeros(count + 1, np.int32)
    total, crowded = _running_sum(kept, start, needed)
    plot, log_likelihood = np.empty(total, np.int32), np.empty(total)
    if total:
        _pack(found, needed, start, plot, log_likelihood)
    if crowded:
        more = np.flatnonzero(needed > _ROOM)
        found = _room(more, needed[more])
        _gate_blocks(*scan, found, kept, detection, needed)
        _pack(found, needed, start, plot, log_likelihood)
    return Candidates(start, plot, log_likelihood, detection)


class _Found(NamedTuple):
    """Candidates of some blocks of tracks, each block in a room of its own.

    Attributes
    ----------
    block : (B,) which blocks
    first : (B + 1,) where each one's room begins
    plot, log_likelihood : as in ``Candidates``, as far as the rooms are filled
    """

    block: Indices
    first: Indices
    plot: Ints
    log_likelihood: Floats


def _room(block: Indices, size: Indices) -> _Found:
    first = np.zeros(block.size + 1, np.int64)
    np.cumsum(size, out=first[1:])
    return _Found(block, first, np.empty(int(first[-1]), np.int32), np.empty(int(first[-1])))


@kernel()
def _running_sum(counts: Ints, start: Ints, needed: Indices) -> tuple[int, int]:
    """Sum up the candidates; tell how many blocks needed more than their room."""
    for i in range(counts.size):
        start[i + 1] = start[i] + counts[i]
    crowded = 0
    for size in needed:
        if size > _ROOM:
            crowded += 1
    return int(start[counts.size]), crowded


@kernel()
def _pack(found: _Found, needed: Indices, start: Ints, plot: Ints, log_likelihood: Floats) -> None:
    """Copy the candidates of the blocks that had room for all of them behind each other."""
    for k in range(found.block.size):
        size, first = needed[found.block[k]], found.first[k]
        if size <= found.first[k + 1] - first:
            to = start[found.block[k] * _BLOCK]
            plot[to : to + size] = found.plot[first : first + size]
            log_likelihood[to : to + size] = found.log_likelihood[first : first + size]


@kernel(parallel=True)
def _gate_blocks(
    tracks: TrackColumns,
    count: int,
    g: int,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
    found: _Found,
    kept: Ints,
    detection: Floats,
    needed: Indices,
) -> None:
    """Keep of every track's boxed plots those inside its gate, at the plot's own time.

    ``kept``, ``detection`` (N,) and ``needed`` (blocks,), the number of a block's candidates,
    are written. A block whose room is too small only counts.
    """
    n_models = models.kind.size
    for k in numba.prange(found.block.size):
        x = np.zeros((n_models, 9))
        P = np.empty((n_models, 9, 9))
        predicted = np.empty((n_models, 4))
        H = np.empty((4, 6))
        PH = np.empty((6, 4))
        S = np.empty((n_models, 4, 4))
        box, innovation = np.empty(4), np.empty(4)
        work = np.empty((40, 9))
        _gate_block(
            k, tracks, count, g, cycle, models, sensors, policy, found, kept, detection, needed,
            x, P, predicted, H, PH, S, box, innovation, work,
        )  # fmt: skip


@kernel(leaf=True)
def _gate_block(
    place: int,
    tracks: TrackColumns,
    count: int,
    g: int,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
    found: _Found,
    kept: Ints,
    detection: Floats,
    needed: Indices,
    x: Floats,
    P: Floats,
    predicted: Floats,
    H: Floats,
    PH: Floats,
    S: Floats,
    box: Floats,
    innovation: Floats,
    work: Floats,
) -> None:
    s = cycle.scan_sensor[g]
    cartesian, kind = sensors.cartesian[s], sensors.kind[s]
    origin, axes = sensors.origin_enu_m[s], sensors.enu_R_sensor[s]
    other = sensors.other_enu_m[s]
    # Beside a converted position, the range rate counts by itself.
    rate = cartesian and kind == _POLAR and sensors.measures[s, 3]
    again_s = 0.25 * sensors.period_s[s]
    first_s, last_s = cycle.first_s[g], cycle.last_s[g]
    half_s = 0.5 * (last_s - first_s)
    first_row, first_cell = cycle.scan_first[g], cycle.cell_first[g]
    cell_start, grid = cycle.cell_start[first_cell:], grid_of(g, cycle, cartesian)
    axis, sigma_max = cycle.axes[g], cycle.sigma_max[g]
    time_s, status = tracks.time_s, tracks.status
    probability, hit_s = tracks.probability, tracks.hit_s[s]
    plot_time, measurement = cycle.time_s[first_row:], cycle.measurement[first_row:]
    noise, sigma = cycle.noise[first_row:], cycle.sigma[first_row:]
    gates, n_models = policy.gates, models.kind.size
    # A plot in the gate still counts, with the least probability that pairing knows.
    otherwise = 0.0 if sensors.listens[s] else policy.detection_probability
    sighted = tells_sight(s, sensors) and not sensors.listens[s]
    plot, log_likelihood = found.plot, found.log_likelihood
    block, at, room = found.block[place], found.first[place], found.first[place + 1]
    total = 0
    for i in range(block * _BLOCK, min(count, (block + 1) * _BLOCK)):
        kept[i] = 0
        dt = max(last_s - time_s[i], 0.0)
        # A place at the only time of the scan needs no velocity.
        whole = not cartesian or rate or dt > 0.0 or half_s > 0.0
        for m in range(n_models):
            _place(tracks, i, m, dt, whole, models, x[m], P[m])
            if dt > 0.0:
                # Uncertainty as of the last plot, place as of the middle.
                for k in range(3):
                    x[m, k] -= half_s * x[m, k + 3]
            if m == 0:
                detection[i] = otherwise
                if sighted:
                    detection[i] = detection_probability(s, x[0], sensors, otherwise)
            widen_box(
                box, m, x[m], P[m], kind, cartesian, origin, axes, other, axis, sigma_max,
                gates[4], half_s, predicted[m], H,
            )  # fmt: skip
        # What bounded the gate is good for the plots too if all are of one time.
        judged_at = last_s if half_s == 0.0 and cartesian and not rate else math.nan
        span, boxed, held = span_of(box, grid), 0, 0
        for row in range(span.b_first, span.b_first + span.b_count):
            cells = (row % grid.bins_b) * grid.bins_a
            for j in range(cell_start[cells + span.a_first], cell_start[cells + span.a_last + 1]):
                if not in_box(measurement[j], box, grid):
                    continue
                boxed += 1
                if boxed > _HOPELESS and status[i] == _TENTATIVE:
                    break
                if plot_time[j] - hit_s[i] < again_s:
                    continue  # the same look as that of its last plot
                if plot_time[j] != judged_at:
                    judged_at = plot_time[j]
                    dt = judged_at - time_s[i]
                    whole = not cartesian or rate or dt > 0.0
                    for m in range(n_models):
                        _place(tracks, i, m, dt, whole, models, x[m], P[m])
                        if rate or not cartesian:
                            measure(kind, x[m], origin, axes, other, predicted[m], H)
                            _sum_h_p_h(H, P[m], S[m], PH)
                here, one_sigma, one_noise = measurement[j], sigma[j], noise[j]
                nearest, sum_ = math.inf, 0.0
                peak = -math.inf
                for m in range(n_models):
                    if cartesian:
                        d2, determinant = position_distance(x[m], P[m], here, one_noise)
                        components, value = 3, -math.inf
                        # No logarithm for a plot that is outside anyway.
                        if determinant > 0.0 and (n_models > 1 or d2 <= gates[3]):
                            value = -0.5 * (d2 + math.log(determinant) + 3.0 * _LOG_TWO_PI)
                        if rate:
                            variance = S[m, 3, 3] + one_sigma[3] ** 2
                            apart = here[3] - predicted[m, 3]
                            value -= 0.5 * (
                                apart * apart / variance + math.log(variance) + _LOG_TWO_PI
                            )
                    else:
                        innovate(kind, here, predicted[m], innovation)
                        d2, log_det, components = innovation_distance(
                            innovation, S[m], one_sigma, here, work
                        )
                        value = -0.5 * (d2 + log_det + components * _LOG_TWO_PI)
                    nearest = min(nearest, d2)
                    if n_models == 1:
                        peak = value
                    elif probability[m, i] > 0.0:
                        # Running log-sum-exp.
                        value += math.log(probability[m, i])
                        if value > peak:
                            sum_ = sum_ * math.exp(peak - value) + 1.0
                            peak = value
                        else:
                            sum_ += math.exp(value - peak)
                if nearest <= gates[components]:
                    if at + total + held < room:
                        plot[at + total + held] = j
                        log_likelihood[at + total + held] = (
                            peak if n_models == 1 else peak + math.log(sum_)
                        )
                    held += 1
        if boxed > _HOPELESS and status[i] == _TENTATIVE:
            continue
        kept[i] = held
        total += held
    needed[block] = total


@kernel(leaf=True)
def _place(
    tracks: TrackColumns, i: int, m: int, dt: float, whole: bool, models: Models, x: Floats,
    P: Floats,
) -> None:  # fmt: skip
    """Load a track's state by one model, or its place alone, as it is ``dt`` later."""
    load_state(
        tracks.mean, models.mean_row[m], tracks.covariance, models.covariance_row[m], i,
        6 if whole else 3, x, P,
    )  # fmt: skip
    if dt > 0.0:
        drift(x, P, dt, m, models)


@kernel(leaf=True)
def _sum_h_p_h(H: Floats, P: Floats, S: Floats, PH: Floats) -> None:
    """S = H P Hᵀ for a (4, 6) Jacobian; PH (6, 4) is scratch."""
    for i in range(6):
        for a in range(4):
            total = 0.0
            for j in range(6):
                total += P[i, j] * H[a, j]
            PH[i, a] = total
    for a in range(4):
        for b in range(a + 1):
            total = 0.0
            for i in range(6):
                total += H[a, i] * PH[i, b]
            S[a, b] = total
            S[b, a] = total
