"""Whom deception takes the picture away from: for the judgement alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from sensors.abilities import Misleads

if TYPE_CHECKING:
    from sensors.registry import Sensor
    from sim.core.tables import Bools, Truth
    from sim.world.truth import Targets


def misled(sensors: Iterable[Sensor], targets: Targets, truth: Truth) -> Bools:
    """Return (N,) whether any sensor's plots lead astray from each target now.

    A track of such a target may follow its false reports, or the echo that pulls its range
    off, and be as wrong as the deceiver pleases: no error that a sensor states covers it.
    """
    found = np.zeros(len(truth), np.bool_)
    for sensor in sensors:
        if isinstance(sensor, Misleads):
            found |= sensor.misled(targets, truth)
    return found
