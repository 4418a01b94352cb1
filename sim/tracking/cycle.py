"""What both engines share: a cycle's plots, prepared, and the tracker's policy numbers."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sim.core.tables import Bytes, Floats, Ints, Plots
from sim.tracking.config import TrackerConfig


class Cycle(NamedTuple):
    """The sound plots of one cycle, ordered by sensor, time, azimuth and range."""

    time_s: Floats
    sensor: Ints
    measurement: Floats
    sigma: Floats
    reply: Bytes


def cycle_of(plots: Plots) -> Cycle:
    """Order plots canonically, so that the order of arrival cannot matter."""
    order = np.lexsort(
        (plots.measurement[:, 0], plots.measurement[:, 1], plots.time_s, plots.sensor)
    )
    return Cycle(
        plots.time_s[order],
        plots.sensor[order],
        np.ascontiguousarray(plots.measurement[order]),
        np.ascontiguousarray(plots.sigma[order]),
        plots.reply[order],
    )


def by_sensor(cycle: Cycle) -> list[tuple[int, slice]]:
    """Return each sensor of a cycle with its slice of rows, in order."""
    first = np.flatnonzero(np.diff(cycle.sensor, prepend=-1)).tolist()
    bounds = pairwise([*first, cycle.sensor.size])
    return [(int(cycle.sensor[a]), slice(a, b)) for a, b in bounds]


def gates(probability: float) -> Floats:
    """Return the squared distance that holds this share of true plots, for 0 … 4 components."""
    from scipy.special import gammaincinv

    result: Floats = np.zeros(5)
    result[1:] = 2.0 * gammaincinv(np.arange(1, 5) / 2.0, probability)
    return result


def pairing_gain(config: TrackerConfig, clutter_density: Floats) -> Floats:
    """Return per sensor what a pair gains beyond its likelihood: ln(Pd / ((1 − Pd) β))."""
    p = config.detection_probability
    gain: Floats = math.log(p / (1.0 - p)) - np.log(clutter_density)
    return gain
