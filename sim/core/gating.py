"""Which plots may belong to which tracks: a sparse list, never a dense matrix.

The plots of one sensor are sorted into cells of range and azimuth. Every track looks
only into the cells that its gate's bounding box touches, and keeps the plots inside
the gate, each judged at the plot's own time.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from sim.core.gaussian import unpack
from sim.core.jit import kernel
from sim.core.measurement import innovation_distance, polar, wrap_angle
from sim.core.motion import predict_constant_velocity
from sim.core.tables import Floats, Ints

#: Tracks handled by one thread at a time.
BLOCK = 256


class Cells(NamedTuple):
    """Plots sorted into cells of range and azimuth.

    Attributes
    ----------
    start : first entry of each cell in ``order``; cells of one azimuth lie together
    order : plot indices, cell by cell
    range_cell_m, n_range, n_azimuth : the grid
    first_s, last_s : times of the first and the last plot
    range_sigma_m, azimuth_sigma_rad : the largest of all plots
    """

    start: Ints
    order: Ints
    range_cell_m: float
    n_range: int
    n_azimuth: int
    first_s: float
    last_s: float
    range_sigma_m: float
    azimuth_sigma_rad: float


@kernel()
def sort_into_cells(plot_time: Floats, measurement: Floats, sigma: Floats) -> Cells:
    """Sort one sensor's plots, one or more, into cells that hold about one each."""
    n = plot_time.size
    range_max, first_s, last_s = 1.0, plot_time[0], plot_time[0]
    range_sigma, azimuth_sigma = 0.0, 0.0
    for j in range(n):
        range_max = max(range_max, measurement[j, 0])
        first_s = min(first_s, plot_time[j])
        last_s = max(last_s, plot_time[j])
        range_sigma = max(range_sigma, sigma[j, 0])
        azimuth_sigma = max(azimuth_sigma, sigma[j, 1])
    n_azimuth = min(max(8, math.ceil(2.0 * math.sqrt(n))), 4096)
    n_range = min(max(4, math.ceil(0.5 * math.sqrt(n))), 4096)
    range_cell = range_max / n_range
    start = np.zeros(n_range * n_azimuth + 1, np.int32)
    cell = np.empty(n, np.int32)
    for j in range(n):
        k = min(int(measurement[j, 0] / range_cell), n_range - 1)
        a = min(int(measurement[j, 1] / (2.0 * math.pi) * n_azimuth), n_azimuth - 1)
        cell[j] = a * n_range + k
        start[cell[j] + 1] += 1
    for c in range(n_range * n_azimuth):
        start[c + 1] += start[c]
    order = np.empty(n, np.int32)
    fill = start[:-1].copy()
    for j in range(n):
        order[fill[cell[j]]] = j
        fill[cell[j]] += 1
    return Cells(
        start,
        order,
        range_cell,
        n_range,
        n_azimuth,
        first_s,
        last_s,
        range_sigma,
        azimuth_sigma,
    )


@kernel()
def _in_box(azimuth: float, range_m: float, box: Floats, i: int) -> bool:
    if abs(range_m - box[0, i]) > box[1, i]:
        return False
    return bool(abs(wrap_angle(azimuth - box[2, i])) <= box[3, i])


@kernel()
def _sum_h_p_h(H: Floats, P: Floats, S: Floats, PH: Floats) -> None:
    """S = H P Hᵀ for the (4, 6) polar Jacobian; PH (6, 4) is scratch."""
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
def _walk_cells(
    box: Floats,
    i: int,
    measurement: Floats,
    cells: Cells,
    found: Ints,
    offset: int,
    write: bool,
) -> int:
    """Count, and write if asked, the plots in one track's box."""
    low = box[0, i] - box[1, i]
    high = box[0, i] + box[1, i]
    if high < 0.0:
        return 0
    k_low = min(int(max(low, 0.0) / cells.range_cell_m), cells.n_range - 1)
    k_high = min(int(high / cells.range_cell_m), cells.n_range - 1)
    step = 2.0 * math.pi / cells.n_azimuth
    if 2.0 * box[3, i] >= 2.0 * math.pi - 2.0 * step:
        a_first, a_count = 0, cells.n_azimuth
    else:
        a_first = math.floor((box[2, i] - box[3, i]) / step)
        a_count = math.floor((box[2, i] + box[3, i]) / step) - a_first + 1
    count = 0
    for a in range(a_first, a_first + a_count):
        row = (a % cells.n_azimuth) * cells.n_range
        for e in range(cells.start[row + k_low], cells.start[row + k_high + 1]):
            j = cells.order[e]
            if _in_box(measurement[j, 1], measurement[j, 0], box, i):
                if write:
                    found[offset + count] = j
                count += 1
    return count


@kernel(parallel=True)
def _box_and_count(
    mean: Floats,
    covariance: Floats,
    track_time: Floats,
    n_tracks: int,
    q_horizontal: float,
    q_vertical: float,
    origin: Floats,
    enu_R_sensor: Floats,
    measurement: Floats,
    cells: Cells,
    gate: float,
    box: Floats,
    counts: Ints,
) -> None:
    """Bound every track's gate in range and azimuth, and count the plots in the bounds.

    ``box`` (4, N) is written: centre and half width of range, then of azimuth. The box
    of an ellipsoid dᵀS⁻¹d ≤ gate is ±√(gate·Sᵢᵢ); the way the target may move between
    the middle of the plots and their ends is added.
    """
    middle = 0.5 * (cells.first_s + cells.last_s)
    half = 0.5 * (cells.last_s - cells.first_s)
    range_variance = cells.range_sigma_m**2
    azimuth_variance = cells.azimuth_sigma_rad**2
    for block in numba.prange((n_tracks + BLOCK - 1) // BLOCK):
        x = np.empty(6)
        P = np.empty((6, 6))
        predicted = np.empty(4)
        H = np.empty((4, 6))
        S = np.empty((4, 4))
        PH = np.empty((6, 4))
        nothing = np.empty(0, np.int32)
        for i in range(block * BLOCK, min(n_tracks, (block + 1) * BLOCK)):
            for k in range(6):
                x[k] = mean[k, i]
            unpack(covariance, i, P)
            # Uncertainty as of the last plot, place as of the middle.
            predict_constant_velocity(
                x, P, max(cells.last_s - track_time[i], 0.0), q_horizontal, q_vertical
            )
            for k in range(3):
                x[k] += (middle - cells.last_s) * x[k + 3]
            polar(x, origin, enu_R_sensor, predicted, H)
            _sum_h_p_h(H, P, S, PH)
            speed = math.sqrt(x[3] * x[3] + x[4] * x[4] + x[5] * x[5])
            horizontal = predicted[0] * math.cos(predicted[2])
            box[0, i] = predicted[0]
            box[1, i] = math.sqrt(gate * (S[0, 0] + range_variance)) + half * speed
            box[2, i] = predicted[1]
            box[3, i] = math.sqrt(gate * (S[1, 1] + azimuth_variance)) + half * speed / max(
                horizontal - half * speed, 1.0
            )
            counts[i] = _walk_cells(box, i, measurement, cells, nothing, 0, False)


@kernel(parallel=True)
def _judge_candidates(
    mean: Floats,
    covariance: Floats,
    track_time: Floats,
    n_tracks: int,
    q_horizontal: float,
    q_vertical: float,
    origin: Floats,
    enu_R_sensor: Floats,
    plot_time: Floats,
    measurement: Floats,
    sigma: Floats,
    gates: Floats,
    box: Floats,
    cells: Cells,
    offset: Ints,
    plot: Ints,
    log_likelihood: Floats,
    kept: Ints,
) -> None:
    """Keep of every track's boxed plots those inside its gate, at the plot's own time."""
    for block in numba.prange((n_tracks + BLOCK - 1) // BLOCK):
        x = np.empty(6)
        P = np.empty((6, 6))
        predicted = np.empty(4)
        H = np.empty((4, 6))
        S = np.empty((4, 4))
        PH = np.empty((6, 4))
        innovation = np.empty(4)
        work = np.empty((4, 5))
        for i in range(block * BLOCK, min(n_tracks, (block + 1) * BLOCK)):
            first = offset[i]
            n_boxed = _walk_cells(box, i, measurement, cells, plot, first, True)
            count = 0
            judged_at = math.nan
            for e in range(first, first + n_boxed):
                j = plot[e]
                if plot_time[j] != judged_at:
                    judged_at = plot_time[j]
                    for k in range(6):
                        x[k] = mean[k, i]
                    unpack(covariance, i, P)
                    dt = max(judged_at - track_time[i], 0.0)
                    predict_constant_velocity(x, P, dt, q_horizontal, q_vertical)
                    polar(x, origin, enu_R_sensor, predicted, H)
                    _sum_h_p_h(H, P, S, PH)
                for a in range(4):
                    innovation[a] = measurement[j, a] - predicted[a]
                innovation[1] = wrap_angle(innovation[1])
                d2, log_det, m = innovation_distance(innovation, S, sigma[j], measurement[j], work)
                if d2 <= gates[m]:
                    plot[first + count] = j
                    log_likelihood[first + count] = -0.5 * (
                        d2 + log_det + m * math.log(2.0 * math.pi)
                    )
                    count += 1
            kept[i] = count


def gate_plots(
    mean: Floats,
    covariance: Floats,
    track_time: Floats,
    n_tracks: int,
    process_noise: tuple[float, float],
    origin_enu_m: Floats,
    enu_R_sensor: Floats,
    plot_time: Floats,
    measurement: Floats,
    sigma: Floats,
    gates: Floats,
) -> tuple[Ints, Ints, Floats]:
    """Find the plots of one sensor inside each track's gate.

    Parameters
    ----------
    mean, covariance : (6, C), (21, C) states, packed as in ``sim.core.gaussian``
    track_time : (C,) time of each state, s; the first ``n_tracks`` columns count
    process_noise : horizontal and vertical spectral density, m²/s³
    origin_enu_m, enu_R_sensor : the sensor's place and axes
    plot_time, measurement, sigma : (M,), (M, 4), (M, 4) as in ``Plots``; range and
        azimuth are measured, azimuth in [0, 2π)
    gates : (5,) threshold of the squared distance by number of measured components

    Returns
    -------
    start : (n_tracks + 1,) where each track's candidates begin
    plot : (K,) plot index of each candidate
    log_likelihood : (K,) ln N(innovation; 0, S) of each candidate
    """
    if n_tracks == 0 or plot_time.size == 0:
        return np.zeros(n_tracks + 1, np.int32), np.empty(0, np.int32), np.empty(0)
    cells = sort_into_cells(plot_time, measurement, sigma)
    states = (mean, covariance, track_time, n_tracks, *process_noise, origin_enu_m, enu_R_sensor)
    box = np.empty((4, n_tracks))
    counts = np.empty(n_tracks, np.int32)
    _box_and_count(*states, measurement, cells, gates[-1], box, counts)
    offset = np.zeros(n_tracks + 1, np.int32)
    np.cumsum(counts, out=offset[1:])
    plot = np.empty(offset[-1], np.int32)
    log_likelihood = np.empty(offset[-1])
    _judge_candidates(
        *states,
        plot_time,
        measurement,
        sigma,
        gates,
        box,
        cells,
        offset,
        plot,
        log_likelihood,
        counts,
    )
    kept = _close_gaps(offset, counts, plot, log_likelihood)
    return offset, plot[:kept], log_likelihood[:kept]


@kernel()
def _close_gaps(offset: Ints, kept: Ints, plot: Ints, log_likelihood: Floats) -> int:
    """Close the gaps that boxed but rejected plots left between the tracks, in place."""
    total = 0
    for i in range(kept.size):
        first = offset[i]
        offset[i] = total
        for e in range(first, first + kept[i]):
            plot[total] = plot[e]
            log_likelihood[total] = log_likelihood[e]
            total += 1
    offset[kept.size] = total
    return total
