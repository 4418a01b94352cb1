"""What tracker and picture are told about the sensors: where they stand, what they could see."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sensors.registry import Sensor
from sim.core.tables import ELEVATION, Floats
from sim.picture.looks import EchoFacts
from sim.tracking import SensorModels
from sim.world.frames import Frame

#: No tracker knows what it will meet: it expects echoes as of a small aircraft.
EXPECTED_RCS_M2 = 1.0
_SECTORS = 360


def sensor_models(sensors: Sequence[Sensor], frame: Frame) -> SensorModels:
    """Return the sensors as the tracker knows them.

    Detection is that of a target of ``EXPECTED_RCS_M2``. Azimuths outside a sensor's sector,
    to the degree, are told as masked up to the zenith.
    """
    elevation_rad = np.array([sensor.elevation_rad for sensor in sensors])
    return SensorModels(
        origin_enu_m=np.array([sensor.origin_enu_m for sensor in sensors]),
        enu_R_sensor=np.array([sensor.enu_R_sensor for sensor in sensors]),
        height_m=np.array([float(frame.height_m_of(sensor.origin_enu_m)) for sensor in sensors]),
        period_s=np.array([sensor.period_s for sensor in sensors]),
        measures=np.array([sensor.measures for sensor in sensors]),
        clutter_density=np.array([sensor.clutter_density for sensor in sensors]),
        kind=np.array([sensor.measured for sensor in sensors], np.uint8),
        other_enu_m=np.array([sensor.other_enu_m for sensor in sensors]),
        rotates=np.array([sensor.rotates for sensor in sensors]),
        resolution=np.nan_to_num(np.array([sensor.resolution for sensor in sensors]), nan=0.0),
        range_min_m=np.array([sensor.range_min_m for sensor in sensors]),
        range_max_m=np.array([sensor.range_max_m for sensor in sensors]),
        elevation_min_rad=elevation_rad[:, 0],
        elevation_max_rad=elevation_rad[:, 1],
        snr_range_m=np.array([sensor.snr_range_m(EXPECTED_RCS_M2) for sensor in sensors]),
        false_alarm_probability=np.array([sensor.false_alarm_probability for sensor in sensors]),
        horizon=np.array([sensor.horizon for sensor in sensors]),
        ground_m=np.full(len(sensors), frame.height_m),
        mask_rad=_mask_rad(sensors),
        listens=np.array([sensor.listens for sensor in sensors]),
        id=np.array([sensor.id for sensor in sensors], np.str_),
    )


def echo_facts(sensors: Sequence[Sensor]) -> EchoFacts:
    """Return the sensors as who classifies their plots knows them."""
    return EchoFacts(
        snr_reference_db=np.array([sensor.snr_reference_db for sensor in sensors]),
        snr_least_db=np.array([sensor.snr_least_db for sensor in sensors]),
        interrogates=np.array([sensor.interrogates for sensor in sensors]),
        measures_height=np.array([bool(sensor.measures[ELEVATION]) for sensor in sensors]),
    )


def _mask_rad(sensors: Sequence[Sensor]) -> Floats:
    """(S, A) lowest visible elevation by azimuth; a single sector if all look all round."""
    if all(sensor.sector_rad[1] >= np.pi for sensor in sensors):
        return np.full((len(sensors), 1), -0.5 * np.pi)
    azimuth_rad = 2.0 * np.pi * (np.arange(_SECTORS) + 0.5) / _SECTORS
    middle_rad, half_rad = np.array([sensor.sector_rad for sensor in sensors]).T[:, :, None]
    off_rad = np.abs((azimuth_rad - middle_rad + np.pi) % (2.0 * np.pi) - np.pi)
    return np.where(off_rad <= half_rad, -0.5 * np.pi, 0.5 * np.pi)
