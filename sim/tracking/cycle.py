"""The plots of one cycle, as both engines take them: sound, scan by scan, in cells."""

from __future__ import annotations

import math
from typing import NamedTuple

import numba
import numpy as np

from sim.core.cells import cell_of, fill_cells, sort_rows, spread
from sim.core.jit import kernel, threads_for
from sim.core.measurement import polar_to_position
from sim.core.tables import Bytes, Floats, Indices, Ints, Measured, Plots
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


class Converted(NamedTuple):
    """Plots as the filter takes them, by sensor but in no order among themselves.

    Attributes
    ----------
    row : (K,) of the caller's table
    keys : (K, 10) time, measurement and what else tells one plot from another
    noise, log_clutter : as in ``Cycle``
    """

    row: Ints
    keys: Floats
    noise: Floats
    log_clutter: Floats


def cycle_of(plots: Plots, rows: Ints, sensors: SensorColumns) -> Cycle:
    """Arrange the given rows of a table so that their order of arrival cannot matter."""
    n = rows.size
    row, scan_sensor, scan_first = _by_sensor(rows, plots.sensor, sensors.period_s.size)
    converted = Converted(row, np.empty((n, 10)), np.empty((n, 6)), np.empty(n))
    with threads_for(n):
        _convert(
            plots.time_s, plots.sensor, plots.measurement, plots.sigma, plots.reply, sensors,
            *converted,
        )  # fmt: skip
        cycle, order = _arrange(converted, scan_sensor, scan_first, sensors)
        _copy_in_order(order, *converted, plots.sensor, plots.reply, cycle)
    return cycle


def by_scan(cycle: Cycle) -> list[tuple[int, slice]]:
    """Return each scan's sensor and slice of rows, in order."""
    first = cycle.scan_first.tolist()
    return [
        (sensor, slice(first[g], first[g + 1]))
        for g, sensor in enumerate(cycle.scan_sensor.tolist())
    ]


@kernel()
def _by_sensor(rows: Ints, sensor: Ints, n_sensors: int) -> tuple[Ints, Indices, Ints]:
    """Group rows by sensor; return them, and each scan's sensor and first row."""
    n = rows.size
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
    row = np.empty(n, np.int32)
    for k in range(n):
        s = sensor[rows[k]]
        row[of_sensor[s]] = rows[k]
        of_sensor[s] += 1
    return row, scan_sensor, scan_first


@kernel(parallel=True)
def _convert(
    time_s: Floats,
    sensor: Ints,
    measurement: Floats,
    sigma: Floats,
    reply: Bytes,
    sensors: SensorColumns,
    row: Ints,
    keys: Floats,
    noise: Floats,
    log_clutter: Floats,
) -> None:
    """Write what ``Converted`` holds of each row's plot."""
    kinds, cartesians, measures = sensors.kind, sensors.cartesian, sensors.measures
    origins, rotations = sensors.origin_enu_m, sensors.enu_R_sensor
    densities = sensors.log_clutter
    n = row.size
    for block in numba.prange((n + _BLOCK - 1) // _BLOCK):
        position, spread = np.empty(3), np.empty(6)
        s = -1
        origin, R, measured = origins[0], rotations[0], measures[0]
        for k in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
            j = row[k]
            if sensor[j] != s:
                s = sensor[j]
                origin, R, measured = origins[s], rotations[s], measures[s]
            kind, cartesian = kinds[s], cartesians[s]
            keys[k, 0] = time_s[j]
            for a in range(4):
                keys[k, 1 + a] = measurement[j, a] if measured[a] else np.nan
                keys[k, 5 + a] = sigma[j, a] if measured[a] else np.nan
            keys[k, 9] = reply[j]
            if kind in (_POLAR, _BISTATIC):
                turn = 2.0 * math.pi
                keys[k, 2] -= turn * math.floor(keys[k, 2] / turn)
            log_clutter[k] = densities[s]
            if not cartesian:
                for a in range(6):
                    noise[k, a] = 0.0
                continue
            if kind == _POLAR:
                r, elevation = measurement[j, 0], measurement[j, 2]
                polar_to_position(
                    r, measurement[j, 1], elevation, sigma[j], origin, R, position, spread
                )
                # From a density in range, azimuth and elevation to one in space.
                log_clutter[k] -= math.log(r * r * max(math.cos(elevation), 1e-3))
            else:
                _rotate(j, measurement, sigma, origin, R, measured[2], position, spread)
                if not measured[2]:
                    # From a density in the plane to one in space, over all heights.
                    log_clutter[k] -= math.log(_NO_HEIGHT_SIGMA_M * math.sqrt(2.0 * math.pi))
            for a in range(3):
                keys[k, 1 + a] = position[a]
            for a in range(6):
                noise[k, a] = spread[a]


@kernel()
def _rotate(
    j: int,
    measurement: Floats,
    sigma: Floats,
    origin: Floats,
    R: Floats,
    has_height: bool,
    position: Floats,
    noise: Floats,
) -> None:
    """Write a reported position and its covariance in the scenario's frame."""
    up = measurement[j, 2] if has_height else 0.0
    sigma_up = sigma[j, 2] if has_height else _NO_HEIGHT_SIGMA_M
    east, north = measurement[j, 0], measurement[j, 1]
    row = 0
    for a in range(3):
        position[a] = origin[a] + R[a, 0] * east + R[a, 1] * north + R[a, 2] * up
        for b in range(a, 3):
            noise[row] = (
                R[a, 0] * R[b, 0] * sigma[j, 0] ** 2
                + R[a, 1] * R[b, 1] * sigma[j, 1] ** 2
                + R[a, 2] * R[b, 2] * sigma_up**2
            )
            row += 1


@kernel()
def _arrange(
    converted: Converted, scan_sensor: Indices, scan_first: Ints, sensors: SensorColumns
) -> tuple[Cycle, Ints]:
    """Find the order of the plots; the cycle's columns of plots are left to be written."""
    keys, noise = converted.keys, converted.noise
    n, n_scans = keys.shape[0], scan_sensor.size
    axes = np.full((n_scans, 2), -1, np.int32)
    bins = np.ones((n_scans, 2), np.int32)
    low = np.zeros((n_scans, 2))
    width = np.ones((n_scans, 2))
    first_s, last_s = np.empty(n_scans), np.empty(n_scans)
    sigma_max = np.zeros((n_scans, 2))
    cell_first = np.zeros(n_scans + 1, np.int32)
    scratch = np.empty(n)
    for g in range(n_scans):
        _choose_grid(g, scan_sensor, scan_first, sensors, keys, axes, bins, low, width, scratch)
        cell_first[g + 1] = cell_first[g] + bins[g, 0] * bins[g, 1] + 1
        first_s[g], last_s[g] = _bounds(keys, scan_first[g], scan_first[g + 1], 0)
    cell_start = np.empty(cell_first[n_scans], np.int32)
    order = np.empty(n, np.int32)
    cell = np.zeros(n, np.int32)
    for g in range(n_scans):
        first, last = scan_first[g], scan_first[g + 1]
        cartesian = sensors.cartesian[scan_sensor[g]]
        for a in range(1, -1, -1):
            component = axes[g, a]
            if component < 0:
                continue
            bins_a, low_a, width_a = bins[g, a], low[g, a], width[g, a]
            highest = 0.0
            for k in range(first, last):
                place = cell_of(keys[k, 1 + component], low_a, width_a, bins_a)
                cell[k] = cell[k] * bins_a + place
                if cartesian:
                    variance = noise[k, 0 if component == 0 else 3]
                else:
                    variance = keys[k, 5 + component] ** 2
                highest = max(highest, variance)
            sigma_max[g, a] = math.sqrt(highest)
        start = cell_start[cell_first[g] : cell_first[g + 1]]
        fill_cells(cell[first:last], start.size - 1, start, order[first:last])
        for k in range(first, last):
            order[k] += first
        for c in range(start.size - 1):
            if start[c + 1] - start[c] > 1:
                sort_rows(order, first + start[c], first + start[c + 1], keys)
    return Cycle(
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
        first_s,
        last_s,
        sigma_max,
        cell_first,
        cell_start,
    ), order


@kernel()
def _bounds(keys: Floats, first: int, last: int, column: int) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    for k in range(first, last):
        low = min(low, keys[k, column])
        high = max(high, keys[k, column])
    return low, high


@kernel(parallel=True)
def _copy_in_order(
    order: Ints,
    row: Ints,
    keys: Floats,
    noise: Floats,
    log_clutter: Floats,
    sensor: Ints,
    reply: Bytes,
    cycle: Cycle,
) -> None:
    """Write the plots' columns of a cycle."""
    n = order.size
    time_out, sensor_out, reply_out, row_out = cycle.time_s, cycle.sensor, cycle.reply, cycle.row
    measurement_out, sigma_out = cycle.measurement, cycle.sigma
    noise_out, log_clutter_out = cycle.noise, cycle.log_clutter
    for block in numba.prange((n + _BLOCK - 1) // _BLOCK):
        for k in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
            i = order[k]
            j = row[i]
            time_out[k] = keys[i, 0]
            sensor_out[k] = sensor[j]
            reply_out[k] = reply[j]
            log_clutter_out[k] = log_clutter[i]
            row_out[k] = j
            for a in range(4):
                measurement_out[k, a] = keys[i, 1 + a]
                sigma_out[k, a] = keys[i, 5 + a]
            for a in range(6):
                noise_out[k, a] = noise[i, a]


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
