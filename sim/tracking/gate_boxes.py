"""Where the gates of tracks lie along a scan's cells, and which plots lie there."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from sim.core.cells import cell_of
from sim.core.gaussian import load_state
from sim.core.jit import kernel
from sim.core.measurement import measure, wrap_angle
from sim.core.motion import Motion, predict_constant_velocity
from sim.core.tables import Floats, Ints, TrackStatus
from sim.tracking.cycle import Cycle
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.sight import detection_probability, tells_sight
from sim.tracking.store import TrackColumns

#: Tracks handled by one thread at a time.
BLOCK = 256
#: A tentative track whose gate may hold more plots than this cannot be told from clutter.
_HOPELESS = 500
_DRIFT_NOISE_M2PS3 = 500.0
_CONSTANT_VELOCITY = int(Motion.CONSTANT_VELOCITY)
_COORDINATED_TURN = int(Motion.COORDINATED_TURN)
_TENTATIVE = int(TrackStatus.TENTATIVE)


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


@kernel(inline=True)
def drift(x: Floats, P: Floats, dt: float, m: int, models: Models) -> None:
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
def grid_of(g: int, cycle: Cycle, cartesian: bool) -> Grid:
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
def bound_gates(
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
    # A plot in the gate still counts, with the least probability that pairing knows.
    otherwise = 0.0 if sensors.listens[s] else policy.detection_probability
    sighted = tells_sight(s, sensors) and not sensors.listens[s]
    mean_row, covariance_row, n_models = models.mean_row, models.covariance_row, models.kind.size
    grid, axis, sigma_max = grid_of(g, cycle, cartesian), cycle.axes[g], cycle.sigma_max[g]
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
                drift(x, P, dt, m, models)
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
        counts[i] = walk(box, i, grid, cell_start, measurement, nothing, 0)
        if counts[i] > _HOPELESS and status[i] == _TENTATIVE:
            counts[i] = 0


@kernel(inline=True)
def walk(
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
