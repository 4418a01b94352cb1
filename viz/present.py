"""The sensors where they are now: a carried one moves, and is off without its carrier."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.core.tables import Snapshot
from sim.record.setting import SensorFacts, Setting


def present(setting: Setting, snapshot: Snapshot) -> list[tuple[int, SensorFacts]]:
    """Return row and facts of the sensors that are on, each where it is."""
    places = snapshot.sensor_position_enu_m
    sensors = list(enumerate(setting.sensors))
    if not len(places):
        return sensors
    placed = []
    for row, sensor in sensors:
        if not np.isnan(places[row, 0]):
            east, north, up = places[row].tolist()
            placed.append((row, replace(sensor, position_enu_m=(east, north, up))))
    return placed
