"""What registration found in a run, in words and units for people."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sim.engine.pictures import Picture

_COMPONENTS = ("range", "azimuth", "elevation", "clock")
_UNITS = ("m", "deg", "deg", "s")


def registration_report(picture: Picture, sensor_ids: list[str]) -> dict[str, Any]:
    """Return each sensor's estimated biases (measured minus true) with their uncertainty.

    Returns
    -------
    dict
        By sensor: ``range_bias_m``, ``range_sigma_m`` and so on for azimuth and elevation in
        degrees and the clock in seconds, where the sensor has such a bias, and ``pairs``, how
        many pairs of plots told of it. Empty without registration.
    """
    report: dict[str, Any] = {}
    for sensors, biases in picture.biases():
        for row, sensor in enumerate(sensors.tolist()):
            facts: dict[str, Any] = {}
            for k, (component, unit) in enumerate(zip(_COMPONENTS, _UNITS, strict=True)):
                value, sigma = biases.value[row, k], biases.sigma[row, k]
                if math.isnan(value):
                    continue
                scale = float(np.degrees(1.0)) if unit == "deg" else 1.0
                facts[f"{component}_bias_{unit}"] = float(value) * scale
                facts[f"{component}_sigma_{unit}"] = float(sigma) * scale
            report[sensor_ids[sensor]] = facts | {"pairs": int(biases.pairs[row])}
    return report
