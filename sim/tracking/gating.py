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
from sim.core.tables import Floats, Ints, Measured
from sim.core.update import position_distance
from sim.tracking.cycle import Cycle
from sim.tracking.gate_boxes import BLOCK, bound_gates, drift, grid_of, walk
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.store import TrackColumns

_POLAR = int(Measured.POLAR)
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
    box = np.empty((4, count))
    counts = np.empty(count, np.int32)
    detection = np.empty(count)
    bound_gates(tracks, count, g, cycle, models, sensors, policy, box, counts, detection)
    start = np.zeros(count + 1, np.int32)
    total = _running_sum(counts, start)
    plot = np.empty(total, np.int32)
    log_likelihood = np.empty(total)
    if total:
        _judge(
            tracks, count, g, cycle, models, sensors, policy, box, start, plot, log_likelihood,
            counts,
        )  # fmt: skip
        kept = _close_gaps(start, counts, plot, log_likelihood)
        plot, log_likelihood = plot[:kept], log_likelihood[:kept]
    return Candidates(start, plot, log_likelihood, detection)


@kernel()
def _running_sum(counts: Ints, start: Ints) -> int:
    for i in range(counts.size):
        start[i + 1] = start[i] + counts[i]
    return int(start[counts.size])


@kernel(parallel=True)
def _judge(
    tracks: TrackColumns,
    count: int,
    g: int,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
    box: Floats,
    start: Ints,
    plot: Ints,
    log_likelihood: Floats,
    kept: Ints,
) -> None:
    """Keep of every track's boxed plots those inside its gate, at the plot's own time."""
    n_models = models.kind.size
    for block in numba.prange((count + BLOCK - 1) // BLOCK):
        x = np.empty((n_models, 9))
        P = np.empty((n_models, 9, 9))
        predicted = np.empty((n_models, 4))
        H = np.empty((4, 6))
        PH = np.empty((6, 4))
        S = np.empty((n_models, 4, 4))
        innovation = np.empty(4)
        work = np.empty((40, 9))
        _judge_block(
            block * BLOCK, min(count, (block + 1) * BLOCK), tracks, g, cycle, models, sensors,
            policy, box, start, plot, log_likelihood, kept, x, P, predicted, H, PH, S, innovation,
            work,
        )  # fmt: skip


@kernel(leaf=True)
def _judge_block(
    begin: int,
    end: int,
    tracks: TrackColumns,
    g: int,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
    box: Floats,
    start: Ints,
    plot: Ints,
    log_likelihood: Floats,
    kept: Ints,
    x: Floats,
    P: Floats,
    predicted: Floats,
    H: Floats,
    PH: Floats,
    S: Floats,
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
    first_row, first_cell = cycle.scan_first[g], cycle.cell_first[g]
    cell_start, grid = cycle.cell_start[first_cell:], grid_of(g, cycle, cartesian)
    mean, covariance, time_s = tracks.mean, tracks.covariance, tracks.time_s
    probability, hit_s = tracks.probability, tracks.hit_s[s]
    plot_time, measurement = cycle.time_s[first_row:], cycle.measurement[first_row:]
    noise, sigma = cycle.noise[first_row:], cycle.sigma[first_row:]
    gates = policy.gates
    mean_row, covariance_row, n_models = models.mean_row, models.covariance_row, models.kind.size
    for i in range(begin, end):
        if kept[i] == 0:
            continue
        first = start[i]
        n_boxed = walk(box, i, grid, cell_start, measurement, plot, first)
        held = 0
        judged_at = math.nan
        for e in range(first, first + n_boxed):
            j = plot[e]
            if plot_time[j] - hit_s[i] < again_s:
                continue  # the same look as that of its last plot
            if plot_time[j] != judged_at:
                judged_at = plot_time[j]
                dt = judged_at - time_s[i]
                for m in range(n_models):
                    n = 3 if cartesian and not (dt > 0.0 or rate) else 6
                    load_state(mean, mean_row[m], covariance, covariance_row[m], i, n, x[m], P[m])
                    if dt > 0.0:
                        drift(x[m], P[m], dt, m, models)
                    if rate or not cartesian:
                        measure(kind, x[m], origin, axes, other, predicted[m], H)
                        _sum_h_p_h(H, P[m], S[m], PH)
            here, one_sigma, one_noise = measurement[j], sigma[j], noise[j]
            nearest, total = math.inf, 0.0
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
                        value -= 0.5 * (apart * apart / variance + math.log(variance) + _LOG_TWO_PI)
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
                        total = total * math.exp(peak - value) + 1.0
                        peak = value
                    else:
                        total += math.exp(value - peak)
            if nearest <= gates[components]:
                plot[first + held] = j
                log_likelihood[first + held] = peak if n_models == 1 else peak + math.log(total)
                held += 1
        kept[i] = held


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


@kernel()
def _close_gaps(start: Ints, kept: Ints, plot: Ints, log_likelihood: Floats) -> int:
    """Close the gaps that boxed but rejected plots left between the tracks, in place."""
    total = 0
    for i in range(kept.size):
        first = start[i]
        start[i] = total
        for e in range(first, first + kept[i]):
            plot[total] = plot[e]
            log_likelihood[total] = log_likelihood[e]
            total += 1
    start[kept.size] = total
    return total
