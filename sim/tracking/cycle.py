"""What both engines share: a cycle's plots, prepared, and the tracker's policy numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.core.tables import Bytes, Floats, Ints, Plots
from sim.tracking.config import TrackerConfig


@dataclass(frozen=True, slots=True)
class Cycle:
    """The sound plots of one cycle, ordered by sensor, time, azimuth and range.

    ``by_sensor`` holds each sensor with its slice of rows, in order.
    """

    time_s: Floats
    sensor: Ints
    measurement: Floats
    sigma: Floats
    reply: Bytes
    by_sensor: tuple[tuple[int, slice], ...]

    @classmethod
    def of(cls, plots: Plots) -> Cycle:
        """Order the plots canonically, so that the order of arrival cannot matter."""
        order = np.lexsort(
            (plots.measurement[:, 0], plots.measurement[:, 1], plots.time_s, plots.sensor)
        )
        sensor = plots.sensor[order]
        first = np.flatnonzero(np.diff(sensor, prepend=-1)).tolist()
        return cls(
            plots.time_s[order],
            sensor,
            np.ascontiguousarray(plots.measurement[order]),
            np.ascontiguousarray(plots.sigma[order]),
            plots.reply[order],
            tuple((int(sensor[a]), slice(a, b)) for a, b in pairwise([*first, len(plots)])),
        )


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
