"""Scans one after the other, and one plot of them for each track hypothesis."""

from __future__ import annotations

import math

import numpy as np

from sim.core.tables import Bools, Ints
from sim.tracking.cycle import Cycle
from sim.tracking.turns import Turns


def in_order_of_time(cycle: Cycle) -> Cycle:
    """Return the cycle cut into scans none of which begins before another ends.

    A leaf takes plots one after the other, so where beams of several sensors come by in turn
    their scans are cut where the sensor changes.
    """
    order = np.argsort(cycle.first_s, kind="stable")
    if (cycle.first_s[order][1:] >= cycle.last_s[order][:-1]).all():
        return cycle
    rows = np.lexsort((cycle.sensor, cycle.time_s))
    sensor, time_s = cycle.sensor[rows], cycle.time_s[rows]
    first = np.flatnonzero(np.diff(sensor, prepend=-1)).astype(np.int32)
    last = np.append(first[1:], np.int32(rows.size))
    scan_of = np.empty(int(cycle.scan_sensor.max()) + 1, np.intp)
    scan_of[cycle.scan_sensor] = np.arange(cycle.scan_sensor.size)
    old = scan_of[sensor[first]]
    scans = first.size
    one_cell = np.zeros(2 * scans, np.int32)
    one_cell[1::2] = last - first
    return Cycle(
        time_s=time_s,
        sensor=sensor,
        measurement=cycle.measurement[rows],
        sigma=cycle.sigma[rows],
        reply=cycle.reply[rows],
        noise=cycle.noise[rows],
        log_clutter=cycle.log_clutter[rows],
        row=cycle.row[rows],
        scan_sensor=sensor[first].astype(cycle.scan_sensor.dtype),
        scan_first=np.append(first, np.int32(rows.size)),
        axes=cycle.axes[old],
        bins=np.ones_like(cycle.bins[old]),
        low=np.zeros((scans, 2)),
        width=np.full((scans, 2), 2.0 * math.pi),
        first_s=time_s[first],
        last_s=time_s[last - 1],
        sigma_max=cycle.sigma_max[old],
        cell_first=np.arange(0, 2 * scans + 1, 2, dtype=np.int32),
        cell_start=one_cell,
    )


def one_plot_each(plot: Ints, shared: Bools, cycle: Cycle) -> Turns:
    """Return turns in which each track takes its plot (−1: none) for certain."""
    has_plot = plot >= 0
    rows = plot[has_plot]
    turn = np.arange(rows.size, dtype=np.int32)
    return Turns(
        start=np.append(0, np.cumsum(has_plot)).astype(np.int32),
        first=turn,
        last=turn + np.int32(1),
        time_s=cycle.time_s[rows],
        heaviest=rows,
        missed=np.zeros(rows.size),
        plot=rows,
        weight=np.ones(rows.size),
        shared=shared[has_plot],
    )
