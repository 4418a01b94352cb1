"""What a radar notices of its own trouble: noise of jammers by azimuth, and its own silence.

Told to tracker and picture as an operator would know it: a radar watches its noise, strobe or
no strobe. Who jams, and from where, is not told.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sensors.abilities import Jammable
from sensors.registry import Sensor
from sim.core.tables import Floats, Ints
from sim.world.truth import Targets

SECTORS = 360
NO_NOISE = np.empty((0, SECTORS))
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
