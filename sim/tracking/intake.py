"""Which plots are sound: broken ones are counted and dropped before they can do harm."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Bools, Bytes, Floats, Ints, Measured, Plots
from sim.tracking.sensor_models import SensorModels

_SOUND, _NOT_FINITE, _OUT_OF_RANGE, _BAD_SIGMA, _UNKNOWN_SENSOR, _LATE = range(6)
_POLAR = int(Measured.POLAR)
_POSITION = int(Measured.POSITION)
_BISTATIC = int(Measured.BISTATIC)
_RANGE_LIMIT_M = 1e8
_SPEED_LIMIT_MPS = 1e5
_DELAY_LIMIT_S = 1.0
_TIME_LIMIT_S = 1e12
_REPLIES = 3
#: Standard deviations from here on say nothing, or hide a mistake in the units.
_SIGMA_LIMITS = (1e7, math.pi, math.pi, 1e5)


@dataclass(frozen=True, slots=True)
class Rejected:
    """How many plots were dropped, and why.

    Attributes
    ----------
    not_finite : a time, measured component or standard deviation is NaN or infinite
    out_of_range : a component is impossible, such as a negative range, or the time is more
        than an hour after the picture's new one
    bad_sigma : a standard deviation is not positive, or absurdly large
    unknown_sensor : no such row in the sensors' table
    late : older than the tracker's time less its lag
    """

    not_finite: int = 0
    out_of_range: int = 0
    bad_sigma: int = 0
    unknown_sensor: int = 0
    late: int = 0

    @property
    def broken(self) -> int:
        """Plots that no tracker could use."""
        return self.total - self.late

    @property
    def total(self) -> int:
        """All dropped plots."""
        return sum(getattr(self, field.name) for field in fields(self))

    @classmethod
    def of(cls, counts: Ints) -> Rejected:
        """Return counts (5,) by name."""
        return cls(*counts.tolist())


def sift(
    plots: Plots, sensors: SensorModels, since_s: float, latest_s: float = math.inf
) -> tuple[Ints, Ints]:
    """Tell sound plots from others; those before ``since_s`` are late, after ``latest_s`` wrong.

    Returns
    -------
    rows : (K,) of the sound plots, in the order they came
    rejected : (S + 1, 5) dropped plots by sensor and reason: columns as the fields of
        ``Rejected``, the last row of unknown sensors
    """
    return _sift(
        plots.time_s,
        plots.sensor,
        plots.measurement,
        plots.sigma,
        plots.reply,
        sensors.measures,
        sensors.kind,
        since_s,
        min(latest_s, _TIME_LIMIT_S),
    )


@kernel()
def _sift(
    time_s: Floats,
    sensor: Ints,
    measurement: Floats,
    sigma: Floats,
    reply: Bytes,
    measures: Bools,
    kind: Bytes,
    since_s: float,
    latest_s: float,
) -> tuple[Ints, Ints]:
    rows = np.empty(time_s.size, np.int32)
    rejected = np.zeros((kind.size + 1, _LATE), np.int32)
    sound = 0
    for j in range(time_s.size):
        verdict = _verdict(
            j, time_s, sensor, measurement, sigma, reply, measures, kind, since_s, latest_s
        )
        if verdict == _SOUND:
            rows[sound] = j
            sound += 1
        else:
            s = sensor[j] if 0 <= sensor[j] < kind.size else kind.size
            rejected[s, verdict - 1] += 1
    return rows[:sound], rejected


@kernel(inline=True)
def _verdict(
    j: int,
    time_s: Floats,
    sensor: Ints,
    measurement: Floats,
    sigma: Floats,
    reply: Bytes,
    measures: Bools,
    kind: Bytes,
    since_s: float,
    latest_s: float,
) -> int:
    s = sensor[j]
    if s < 0 or s >= kind.size:
        return _UNKNOWN_SENSOR
    if not math.isfinite(time_s[j]):
        return _NOT_FINITE
    for a in range(4):
        if measures[s, a] and not math.isfinite(measurement[j, a] + sigma[j, a]):
            return _NOT_FINITE
    if reply[j] >= _REPLIES or time_s[j] > latest_s:
        return _OUT_OF_RANGE
    for a in range(4):
        if not measures[s, a]:
            continue
        size = abs(measurement[j, a])
        if kind[s] == _POSITION:
            limit, sigma_limit = _RANGE_LIMIT_M, _SIGMA_LIMITS[0]
        elif kind[s] == _POLAR or kind[s] == _BISTATIC:
            sigma_limit = _SIGMA_LIMITS[a]
            if a == 0:
                limit = _RANGE_LIMIT_M
                if measurement[j, 0] <= 0.0:
                    return _OUT_OF_RANGE
            elif a == 1:
                limit = 4.0 * math.pi
            elif a == 2:
                limit = 0.5 * math.pi
            else:
                limit = _SPEED_LIMIT_MPS
        else:
            limit, sigma_limit = _DELAY_LIMIT_S, _DELAY_LIMIT_S
        if size > limit:
            return _OUT_OF_RANGE
        if sigma[j, a] <= 0.0 or sigma[j, a] > sigma_limit:
            return _BAD_SIGMA
    if time_s[j] < since_s:
        return _LATE
    return _SOUND
