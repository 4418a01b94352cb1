"""The plots of one cycle, as both engines take them: sound, scan by scan, in cells."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from sim.core.cells import cell_of, fill_cells, sort_rows, spread
from sim.core.jit import kernel, threads_for
from sim.core.measurement import polar_to_position
from sim.core.tables import Bools, Bytes, Floats, Indices, Ints, Measured, Plots
from sim.tracking.policy import SensorColumns

#: Plots handled by one thread at a time.
_BLOCK = 4096
_POLAR = int(Measured.POLAR)
_POSITION = int(Measured.POSITION)
_BISTATIC = int(Measured.BISTATIC)
#: A position without height may be anywhere up to the stars.
_NO_HEIGHT_SIGMA_M = 1e5


class Cycle(NamedTuple):
    """Plots by scan (all of one sensor), inside a scan by cell, inside a cell by value.

    Attributes
    ----------
    time_s, sensor, reply : (K,) as in ``Plots``
    measurement, sigma : (K, 4) as in ``Plots``; of a Cartesian sensor the first three
        components are the position in the scenario's frame
    noise : (K, 6) covariance of that position, upper triangle; zero for other sensors
    log_clutter : (K,) logarithm of the clutter density in the units of the measurement
    row : (K,) of the caller's table
    scan_sensor, scan_first : (G,), (G + 1,) each scan's sensor and rows
    axes : (G, 2) components that span the scan's cells, −1 for none; the second one is cyclic
        if it is an azimuth
    bins, low, width : (G, 2) number, beginning and size of the cells along each axis
    first_s, last_s : (G,) times of each scan's first and last plot
    sigma_max : (G, 2) largest standard deviation along each axis
    cell_first : (G + 1,) where each scan's cells begin in ``cell_start``
    cell_start : first row of each cell, counted from the scan's first row
    """

    time_s: Floats
    sensor: Ints
    measurement: Floats
    sigma: Floats
    reply: Bytes
    noise: Floats
    log_clutter: Floats
    row: Ints
    scan_sensor: Indices
    scan_first: Ints
    axes: Ints
    bins: Ints
    low: Floats
    width: Floats
    first_s: Floats
    last_s: Floats
    sigma_max: Floats
    cell_first: Ints
    cell_start: Ints


class Unsorted(NamedTuple):
    """Plots on their way into a cycle, by sensor but in no order among themselves.

    Attributes
    ----------
    order : (K,) where the plots of the cycle are in these columns
    by_sensor : (K,) row of the caller's table
    keys : (K, 10) time, measurement and what else tells one plot from another
    noise, log_clutter : as in ``Cycle``
    """

    order: Ints
    by_sensor: Ints
    keys: Floats
    noise: Floats
    log_clutter: Floats


def cycle_of(plots: Plots, rows: Ints, sensors: SensorColumns) -> Cycle:
    """Arrange the given rows of a table so that their order of arrival cannot matter."""
    columns = (plots.time_s, plots.sensor, plots.measurement, plots.sigma, plots.reply)
    cycle, unsorted = _arrange(rows, *columns, sensors)
    with threads_for(rows.size):
        _copy_in_order(unsorted, plots.sensor, plots.sigma, plots.reply, sensors.measures, cycle)
    return cycle


def by_scan(cycle: Cycle) -> list[tuple[int, slice]]:
    """Return each scan's sensor and slice of rows, in order."""
    first = cycle.scan_first.tolist()
    return [
        (sensor, slice(first[g], first[g + 1]))
        for g, sensor in enumerate(cycle.scan_sensor.tolist())
    ]


@kernel()
def _arrange(
    rows: Ints,
    time_s: Floats,
    sensor: Ints,
    measurement: Floats,
    sigma: Floats,
    reply: Bytes,
    sensors: SensorColumns,
) -> tuple[Cycle, Unsorted]:
    """Find the order of the plots; the cycle's columns of plots are left to be written."""
    n, n_sensors = rows.size, sensors.period_s.size
    of_sensor = np.zeros(n_sensors + 1, np.int32)
    for k in range(n):
        of_sensor[sensor[rows[k]] + 1] += 1
    n_scans = 0
    for s in range(n_sensors):
        if of_sensor[s + 1] > 0:
            n_scans += 1
        of_sensor[s + 1] += of_sensor[s]
    scan_sensor = np.empty(n_scans, np.int64)
    scan_first = np.empty(n_scans + 1, np.int32)
    g = 0
    for s in range(n_sensors):
        if of_sensor[s + 1] > of_sensor[s]:
            scan_sensor[g] = s
            scan_first[g] = of_sensor[s]
            g += 1
    scan_first[n_scans] = n
    by_sensor = np.empty(n, np.int32)
    for k in range(n):
        s = sensor[rows[k]]
        by_sensor[of_sensor[s]] = rows[k]
        of_sensor[s] += 1

    keys = np.empty((n, 10))
    noise = np.zeros((n, 6))
    square = np.empty((3, 3))
    log_clutter = np.empty(n)
    for k in range(n):
        _take_in(
            by_sensor[k], k, time_s, sensor, measurement, sigma, reply, sensors, keys, noise, square
        )
        s = sensor[by_sensor[k]]
        log_clutter[k] = sensors.log_clutter[s]
        if sensors.cartesian[s] and sensors.kind[s] == _POLAR:
            # From a density in range, azimuth and elevation to one in space.
            m = measurement[by_sensor[k]]
            log_clutter[k] -= 2.0 * math.log(m[0]) + math.log(max(math.cos(m[2]), 1e-3))
        elif sensors.cartesian[s] and not sensors.measures[s, 2]:
            # From a density in the plane to one in space, over all heights that may be.
            log_clutter[k] -= math.log(_NO_HEIGHT_SIGMA_M * math.sqrt(2.0 * math.pi))

    axes = np.full((n_scans, 2), -1, np.int32)
    bins = np.ones((n_scans, 2), np.int32)
    low = np.zeros((n_scans, 2))
    width = np.ones((n_scans, 2))
    cell_first = np.zeros(n_scans + 1, np.int32)
    scratch = np.empty(n)
    for g in range(n_scans):
        _choose_grid(g, scan_sensor, scan_first, sensors, keys, axes, bins, low, width, scratch)
        cell_first[g + 1] = cell_first[g] + bins[g, 0] * bins[g, 1] + 1
    cell_start = np.empty(cell_first[n_scans], np.int32)
    order = np.empty(n, np.int32)
    cell = np.empty(n, np.int32)
    for g in range(n_scans):
        first, last = scan_first[g], scan_first[g + 1]
        for k in range(first, last):
            cell[k] = 0
            for a in range(1, -1, -1):
                place = 0
                if axes[g, a] >= 0:
                    place = cell_of(keys[k, 1 + axes[g, a]], low[g, a], width[g, a], bins[g, a])
                cell[k] = cell[k] * bins[g, a] + place
        start = cell_start[cell_first[g] : cell_first[g + 1]]
        fill_cells(cell[first:last], start.size - 1, start, order[first:last])
        for k in range(first, last):
            order[k] += first
        for c in range(start.size - 1):
            if start[c + 1] - start[c] > 1:
                sort_rows(order, first + start[c], first + start[c + 1], keys)

    sorted_ = Cycle(
        np.empty(n),
        np.empty(n, np.int32),
        np.empty((n, 4)),
        np.empty((n, 4)),
        np.empty(n, np.uint8),
        np.empty((n, 6)),
        np.empty(n),
        np.empty(n, np.int32),
        scan_sensor,
        scan_first,
        axes,
        bins,
        low,
        width,
        np.empty(n_scans),
        np.empty(n_scans),
        np.zeros((n_scans, 2)),
        cell_first,
        cell_start,
    )
    for g in range(n_scans):
        s = scan_sensor[g]
        first_s, last_s = np.inf, -np.inf
        for k in range(scan_first[g], scan_first[g + 1]):
            first_s = min(first_s, keys[k, 0])
            last_s = max(last_s, keys[k, 0])
            for a in range(2):
                component = axes[g, a]
                if component < 0:
                    continue
                if sensors.cartesian[s]:
                    variance = noise[k, 0 if component == 0 else 3]
                else:
                    variance = sigma[by_sensor[k], component] ** 2
                sorted_.sigma_max[g, a] = max(sorted_.sigma_max[g, a], variance)
        for a in range(2):
            sorted_.sigma_max[g, a] = math.sqrt(sorted_.sigma_max[g, a])
        sorted_.first_s[g] = first_s
        sorted_.last_s[g] = last_s
    return sorted_, Unsorted(order, by_sensor, keys, noise, log_clutter)


@kernel(parallel=True)
def _copy_in_order(
    unsorted: Unsorted, sensor: Ints, sigma: Floats, reply: Bytes, measures: Bools, cycle: Cycle
) -> None:
    """Write the plots' columns of a cycle."""
    n = unsorted.order.size
    time_out, sensor_out, reply_out, row_out = cycle.time_s, cycle.sensor, cycle.reply, cycle.row
    measurement_out, sigma_out = cycle.measurement, cycle.sigma
    noise_out, log_clutter_out = cycle.noise, cycle.log_clutter
    order, by_sensor, keys = unsorted.order, unsorted.by_sensor, unsorted.keys
    noise, log_clutter = unsorted.noise, unsorted.log_clutter
    for block in numba.prange((n + _BLOCK - 1) // _BLOCK):
        for k in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
            i = order[k]
            j = by_sensor[i]
            time_out[k] = keys[i, 0]
            sensor_out[k] = sensor[j]
            reply_out[k] = reply[j]
            log_clutter_out[k] = log_clutter[i]
            row_out[k] = j
            for a in range(4):
                measurement_out[k, a] = keys[i, 1 + a]
                sigma_out[k, a] = sigma[j, a] if measures[sensor[j], a] else np.nan
            for a in range(6):
                noise_out[k, a] = noise[i, a]


@kernel(inline=True)
def _take_in(
    j: int,
    k: int,
    time_s: Floats,
    sensor: Ints,
    measurement: Floats,
    sigma: Floats,
    reply: Bytes,
    sensors: SensorColumns,
    keys: Floats,
    noise: Floats,
    square: Floats,
) -> None:
    """Write plot j's time, measurement and the rest that tells it from others to ``keys[k]``."""
    s = sensor[j]
    keys[k, 0] = time_s[j]
    for a in range(4):
        keys[k, 1 + a] = measurement[j, a] if sensors.measures[s, a] else np.nan
    kind = sensors.kind[s]
    if kind in (_POLAR, _BISTATIC):
        turn = 2.0 * math.pi
        keys[k, 2] -= turn * math.floor(keys[k, 2] / turn)
    if sensors.cartesian[s]:
        if kind == _POLAR:
            polar_to_position(
                measurement[j, 0],
                measurement[j, 1],
                measurement[j, 2],
                sigma[j],
                sensors.origin_enu_m[s],
                sensors.enu_R_sensor[s],
                keys[k, 1:4],
                square,
            )
            row = 0
            for a in range(3):
                for b in range(a, 3):
                    noise[k, row] = square[a, b]
                    row += 1
        else:
            _rotate(j, measurement, sigma, sensors, s, keys[k, 1:4], noise[k])
    for a in range(4):
        keys[k, 5 + a] = sigma[j, a] if sensors.measures[s, a] else np.nan
    keys[k, 9] = reply[j]


@kernel(inline=True)
def _rotate(
    j: int,
    measurement: Floats,
    sigma: Floats,
    sensors: SensorColumns,
    s: int,
    position: Floats,
    noise: Floats,
) -> None:
    """Write a reported position and its covariance in the scenario's frame."""
    R = sensors.enu_R_sensor[s]
    has_height = sensors.measures[s, 2]
    up = measurement[j, 2] if has_height else 0.0
    sigma_up = sigma[j, 2] if has_height else _NO_HEIGHT_SIGMA_M
    east, north = measurement[j, 0], measurement[j, 1]
    row = 0
    for a in range(3):
        position[a] = sensors.origin_enu_m[s, a] + R[a, 0] * east + R[a, 1] * north + R[a, 2] * up
        for b in range(a, 3):
            noise[row] = (
                R[a, 0] * R[b, 0] * sigma[j, 0] ** 2
                + R[a, 1] * R[b, 1] * sigma[j, 1] ** 2
                + R[a, 2] * R[b, 2] * sigma_up**2
            )
            row += 1


@kernel()
def _choose_grid(
    g: int,
    scan_sensor: Indices,
    scan_first: Ints,
    sensors: SensorColumns,
    keys: Floats,
    axes: Ints,
    bins: Ints,
    low: Floats,
    width: Floats,
    scratch: Floats,
) -> None:
    """Choose which components span a scan's cells, and cells that hold about one plot each."""
    s = scan_sensor[g]
    kind = sensors.kind[s]
    n = scan_first[g + 1] - scan_first[g]
    root = math.sqrt(n)
    if sensors.cartesian[s]:
        axes[g, 0], axes[g, 1] = 0, 1
        wanted = (1.0, 1.0)
    elif kind in (_POLAR, _BISTATIC):
        if sensors.measures[s, 0]:
            axes[g, 0] = 0
        elif sensors.measures[s, 2]:
            axes[g, 0] = 2
        if sensors.measures[s, 1]:
            axes[g, 1] = 1
        # Azimuth is measured more sharply than range is spread.
        wanted = (0.5, 2.0)
    else:
        axes[g, 0] = 0
        wanted = (1.0, 1.0)
    if axes[g, 0] < 0 or axes[g, 1] < 0:
        wanted = (root, root)
    for a in range(2):
        if axes[g, a] < 0:
            continue
        bins[g, a] = min(max(1, math.ceil(wanted[a] * root)), 4096)
        if a == 1 and not sensors.cartesian[s]:
            width[g, a] = 2.0 * math.pi / bins[g, a]
            continue
        first, last = scan_first[g], scan_first[g + 1]
        lowest, highest = spread(keys[first:last, 1 + axes[g, a]], scratch)
        low[g, a] = lowest
        width[g, a] = (highest - lowest) / bins[g, a]
        if not width[g, a] > 0.0:
            bins[g, a] = 1
            width[g, a] = 1.0
