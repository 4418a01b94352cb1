"""Which plots may belong to which tracks: a sparse list, never a dense matrix.

Every track looks only into the cells that the bounding box of its gate touches, and keeps
the plots inside the gate, each judged at the plot's own time and by every motion model.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from sim.core.cells import cell_of
from sim.core.gaussian import load_state
from sim.core.jit import kernel
from sim.core.measurement import innovate, innovation_distance, measure, wrap_angle
from sim.core.motion import Motion, predict_constant_velocity
from sim.core.tables import Floats, Ints, Measured, TrackStatus
from sim.core.update import position_distance
from sim.tracking.cycle import Cycle
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.sight import detection_probability, tells_sight
from sim.tracking.store import TrackColumns

#: Tracks handled by one thread at a time.
BLOCK = 256
#: A tentative track whose gate may hold more plots than this cannot be told from clutter.
_HOPELESS = 500
_CONSTANT_VELOCITY = int(Motion.CONSTANT_VELOCITY)
_COORDINATED_TURN = int(Motion.COORDINATED_TURN)
_DRIFT_NOISE_M2PS3 = 500.0
_TENTATIVE = int(TrackStatus.TENTATIVE)
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


class Grid(NamedTuple):
    """The cells of one scan: by which components, how many, where they begin and how large."""

    a: int
    b: int
    bins_a: int
    bins_b: int
    low_a: float
    low_b: float
    width_a: float
    width_b: float
    cyclic: bool


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
    _bound(tracks, count, g, cycle, models, sensors, policy, box, counts, detection)
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


@kernel(inline=True)
def _drift(x: Floats, P: Floats, dt: float, m: int, models: Models) -> None:
    """Move position and velocity on within a cycle, going straight on.

    Within so short a time the models differ by the noise they allow; those whose noise is
    not a white acceleration borrow a generous one.
    """
    q = _DRIFT_NOISE_M2PS3
    q_up = 0.1 * _DRIFT_NOISE_M2PS3
    if models.kind[m] == _CONSTANT_VELOCITY or models.kind[m] == _COORDINATED_TURN:
        q, q_up = models.parameters[m, 0], models.parameters[m, 1]
    predict_constant_velocity(x, P, dt, q, q_up)


@kernel(leaf=True)
def _variance_along(H: Floats, a: int, P: Floats) -> float:
    """H P Hᵀ of one row of the Jacobian."""
    total = 0.0
    for i in range(6):
        if H[a, i] == 0.0:
            continue
        for j in range(6):
            total += H[a, i] * P[i, j] * H[a, j]
    return total


@kernel(inline=True)
def _grid(g: int, cycle: Cycle, cartesian: bool) -> Grid:
    axes, bins, low, width = cycle.axes, cycle.bins, cycle.low, cycle.width
    return Grid(
        axes[g, 0],
        axes[g, 1],
        bins[g, 0],
        bins[g, 1],
        low[g, 0],
        low[g, 1],
        width[g, 0],
        width[g, 1],
        axes[g, 1] >= 0 and not cartesian,
    )


@kernel(parallel=True)
def _bound(
    tracks: TrackColumns,
    count: int,
    g: int,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
    box: Floats,
    counts: Ints,
    detection: Floats,
) -> None:
    """Bound every track's gate along the scan's axes, and count the plots in the bounds.

    ``box`` (4, N) is written: centre and half width along the first axis, then along the
    second. The box of an ellipsoid dᵀS⁻¹d ≤ gate is ±√(gate·Sᵢᵢ); the way the target may
    move between the middle of the scan and its ends is added, and the models' boxes are united.
    """
    for block in numba.prange((count + BLOCK - 1) // BLOCK):
        x = np.zeros(9)
        P = np.empty((9, 9))
        predicted = np.empty(4)
        H = np.empty((4, 6))
        nothing = np.empty(0, np.int32)
        _bound_block(
            block * BLOCK, min(count, (block + 1) * BLOCK), tracks, g, cycle, models, sensors,
            policy, box, counts, detection, x, P, predicted, H, nothing,
        )  # fmt: skip


@kernel(leaf=True)
def _bound_block(
    begin: int,
    end: int,
    tracks: TrackColumns,
    g: int,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
    box: Floats,
    counts: Ints,
    detection: Floats,
    x: Floats,
    P: Floats,
    predicted: Floats,
    H: Floats,
    nothing: Ints,
) -> None:
    s = cycle.scan_sensor[g]
    cartesian, kind = sensors.cartesian[s], sensors.kind[s]
    origin, axes = sensors.origin_enu_m[s], sensors.enu_R_sensor[s]
    other = sensors.other_enu_m[s]
    first_s, last_s = cycle.first_s[g], cycle.last_s[g]
    half_s = 0.5 * (last_s - first_s)
    gate = policy.gates[4]
    mean, covariance, time_s, status = tracks.mean, tracks.covariance, tracks.time_s, tracks.status
    otherwise = policy.detection_probability
    sighted = tells_sight(s, sensors)
    mean_row, covariance_row, n_models = models.mean_row, models.covariance_row, models.kind.size
    grid, axis, sigma_max = _grid(g, cycle, cartesian), cycle.axes[g], cycle.sigma_max[g]
    first_row, first_cell = cycle.scan_first[g], cycle.cell_first[g]
    cell_start, measurement = cycle.cell_start[first_cell:], cycle.measurement[first_row:]
    for i in range(begin, end):
        dt = max(last_s - time_s[i], 0.0)
        for m in range(n_models):
            # A place at the only time of the scan needs no velocity.
            n = 3 if cartesian and not (dt > 0.0 or half_s > 0.0) else 6
            load_state(mean, mean_row[m], covariance, covariance_row[m], i, n, x, P)
            if dt > 0.0:
                # Uncertainty as of the last plot, place as of the middle.
                _drift(x, P, dt, m, models)
                for k in range(3):
                    x[k] -= half_s * x[k + 3]
            if m == 0:
                detection[i] = otherwise
                if sighted:
                    detection[i] = detection_probability(s, x, sensors, otherwise)
            speed = math.sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
            if not cartesian:
                measure(kind, x, origin, axes, other, predicted, H)
            for b in range(2):
                a = axis[b]
                if a < 0:
                    continue
                if cartesian:
                    centre, variance, reach = x[a], P[a, a], half_s * abs(x[a + 3])
                else:
                    centre, variance = predicted[a], _variance_along(H, a, P)
                    slope = math.sqrt(H[a, 0] ** 2 + H[a, 1] ** 2 + H[a, 2] ** 2)
                    reach = half_s * speed * slope
                    if a == 1 and reach > 0.3:
                        reach = math.pi
                sigma = sigma_max[b]
                half = math.sqrt(gate * (variance + sigma * sigma)) + reach
                if m == 0:
                    box[2 * b, i] = centre
                    box[2 * b + 1, i] = half
                else:
                    apart = centre - box[2 * b, i]
                    if a == 1 and not cartesian:
                        apart = wrap_angle(apart)
                    low = min(-box[2 * b + 1, i], apart - half)
                    high = max(box[2 * b + 1, i], apart + half)
                    box[2 * b, i] += 0.5 * (low + high)
                    box[2 * b + 1, i] = 0.5 * (high - low)
        counts[i] = _walk(box, i, grid, cell_start, measurement, nothing, 0)
        if counts[i] > _HOPELESS and status[i] == _TENTATIVE:
            counts[i] = 0


@kernel(inline=True)
def _walk(
    box: Floats,
    i: int,
    grid: Grid,
    cell_start: Ints,
    measurement: Floats,
    found: Ints,
    at: int,
) -> int:
    """Count the plots in one track's box, and write them if there is room at all."""
    bins_a, bins_b = grid.bins_a, grid.bins_b
    a, b = grid.a, grid.b
    a_first, a_last, b_first, b_count = 0, bins_a - 1, 0, bins_b
    if a >= 0:
        a_first = cell_of(box[0, i] - box[1, i], grid.low_a, grid.width_a, bins_a)
        a_last = cell_of(box[0, i] + box[1, i], grid.low_a, grid.width_a, bins_a)
    if grid.cyclic:
        step = grid.width_b
        if 2.0 * box[3, i] < 2.0 * math.pi - 2.0 * step:
            b_first = math.floor((box[2, i] - box[3, i]) / step)
            b_count = math.floor((box[2, i] + box[3, i]) / step) - b_first + 1
    elif b >= 0:
        b_first = cell_of(box[2, i] - box[3, i], grid.low_b, grid.width_b, bins_b)
        b_count = cell_of(box[2, i] + box[3, i], grid.low_b, grid.width_b, bins_b) - b_first + 1
    count = 0
    for place in range(b_first, b_first + b_count):
        row = (place % bins_b) * bins_a
        for e in range(cell_start[row + a_first], cell_start[row + a_last + 1]):
            inside = a < 0 or abs(measurement[e, a] - box[0, i]) <= box[1, i]
            if inside and b >= 0:
                apart = measurement[e, b] - box[2, i]
                if grid.cyclic:
                    apart = wrap_angle(apart)
                inside = abs(apart) <= box[3, i]
            if inside:
                if found.size:
                    found[at + count] = e
                count += 1
    return count


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
    cell_start, grid = cycle.cell_start[first_cell:], _grid(g, cycle, cartesian)
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
        n_boxed = _walk(box, i, grid, cell_start, measurement, plot, first)
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
                        _drift(x[m], P[m], dt, m, models)
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
