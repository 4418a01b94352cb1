"""What a radar notices of its own trouble: noise of jammers by azimuth, and its own silence.

Told to tracker and picture as an operator would know it: a radar watches its noise, strobe or
no strobe. Who jams, and from where, is not told.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from sensors.abilities import Jammable
from sensors.registry import Sensor
from sim.core.tables import AZIMUTH, Floats, Ints, Plots
from sim.tracking import Poses
from sim.world.truth import Targets

SECTORS = 360
NO_NOISE = np.empty((0, SECTORS))
#: Times this close are the same.
_NOW_S = 1e-6
_MIDDLES_RAD = 2.0 * np.pi * (np.arange(SECTORS) + 0.5) / SECTORS


def hindered(sensors: Sequence[Sensor], targets: Targets) -> Ints:
    """Return the rows of the sensors that are silent or jammed at some time of a run."""
    jammers = bool(targets.attackers.noise)
    rows = [
        row
        for row, sensor in enumerate(sensors)
        if isinstance(sensor, Jammable) and (sensor.silent_s or jammers)
    ]
    return np.array(rows, np.int32)


def noise_db(sensors: Sequence[Sensor], rows: Ints, targets: Targets, time_s: float) -> Floats:
    """Return how far each sensor's noise is up now, by degree of azimuth, to a tenth of a dB.

    (S, ``SECTORS``), infinite of one that keeps silent; ``NO_NOISE`` if none is ever hindered.
    """
    if not rows.size:
        return NO_NOISE
    found = np.zeros((len(sensors), SECTORS))
    for row in rows.tolist():
        sensor = sensors[row]
        if isinstance(sensor, Jammable):
            found[row] = sensor.noise_db(targets, time_s, _MIDDLES_RAD)
    # As it is recorded, so that a recording tracked anew gives the same picture.
    told: Floats = np.round(found, 1).astype(np.float32).astype(np.float64)
    return told


class NoiseHeard:
    """The noise that sensors told of, step by step, for plots that are read later.

    Parameters
    ----------
    keep_s : how old a plot may be when it is read
    """

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._told: deque[tuple[float, Poses]] = deque()

    def hear(self, poses: Poses | None, time_s: float) -> None:
        """Take what was told in a step that ends at ``time_s``; None if nothing changes."""
        if poses is None:
            return
        self._told.append((time_s, poses))
        while self._told[0][0] < time_s - self._keep_s:
            self._told.popleft()

    def at(self, plots: Plots) -> Floats:
        """Return by how much the noise was up where and when plots (K,) were made, in dB."""
        found = np.zeros(len(plots))
        if not self._told or not len(plots):
            return found
        ends_s = np.array([end_s for end_s, _ in self._told])
        step = np.minimum(np.searchsorted(ends_s, plots.time_s - _NOW_S), ends_s.size - 1)
        for k in np.unique(step).tolist():
            poses = self._told[k][1]
            for row, sensor in enumerate(poses.sensor.tolist()):
                mine = np.flatnonzero((step == k) & (plots.sensor == sensor))
                noise = poses.noise_db[row]
                turn = np.nan_to_num(plots.measurement[mine, AZIMUTH]) / (2.0 * np.pi)
                found[mine] = noise[(turn * noise.size).astype(int) % noise.size]
        # A sensor that fell silent within the step made its plots before.
        return np.where(np.isfinite(found), found, 0.0)
