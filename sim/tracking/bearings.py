"""Free bearings of turning sensors wait for those of other sites, which look there later."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.tables import Bools, Bytes, Floats, Ints, Measured
from sim.tracking.cycle import Cycle
from sim.tracking.policy import SensorColumns

#: A bearing waits this share of its sensor's period: until shortly before the next one.
_WAITING = 0.9


class Bearings(NamedTuple):
    """Free bearings of earlier cycles; the columns that ``Cycle`` has of plots."""

    time_s: Floats
    sensor: Ints
    measurement: Floats
    sigma: Floats
    reply: Bytes
    noise: Floats
    log_clutter: Floats
    row: Ints


def no_bearings() -> Bearings:
    """Return a table without rows."""
    none, rows = np.empty(0), np.empty(0, np.int32)
    wide = np.empty((0, 4))
    return Bearings(none, rows, wide, wide, np.empty(0, np.uint8), np.empty((0, 6)), none, rows)


def with_waiting(cycle: Cycle, waiting: Bearings, sensors: SensorColumns) -> Cycle:
    """Return a cycle with waiting bearings behind its plots, one scan for each sensor.

    For starts by triangulation alone: the new scans have no cells.
    """
    until_s = waiting.time_s + _WAITING * sensors.period_s[waiting.sensor]
    fresh = np.flatnonzero(until_s > cycle.first_s.min())
    order = fresh[np.argsort(waiting.sensor[fresh], kind="stable")]
    sensor, count = np.unique(waiting.sensor[fresh], return_counts=True)
    scans = sensor.size
    plots = {
        name: np.concatenate([getattr(cycle, name), getattr(waiting, name)[order]])
        for name in Bearings._fields
    }
    cells = {
        name: np.concatenate(
            [
                getattr(cycle, name),
                np.zeros((scans, *getattr(cycle, name).shape[1:]), getattr(cycle, name).dtype),
            ]
        )
        for name in ("axes", "bins", "low", "width", "first_s", "last_s", "sigma_max", "cell_first")
    }
    first = cycle.scan_first[-1] + np.cumsum(count)
    return cycle._replace(
        **plots,
        **cells,
        scan_sensor=np.concatenate([cycle.scan_sensor, sensor.astype(np.int64)]),
        scan_first=np.concatenate([cycle.scan_first, first.astype(np.int32)]),
    )


def still_waiting(cycle: Cycle, free: Bools, sensors: SensorColumns) -> Bearings:
    """Return the bearings that go on waiting.

    Parameters
    ----------
    cycle : with those that waited behind its own plots
    free : (K,) of all of them, those that nobody took and that crossed no other
    """
    s = cycle.sensor
    turning = (sensors.kind[s] == Measured.POLAR) & sensors.rotates[s]
    kept = free & turning & sensors.measures[s, 1] & ~sensors.measures[s, 0]
    return Bearings(*(getattr(cycle, name)[kept] for name in Bearings._fields))
