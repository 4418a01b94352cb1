"""What tracker and picture are told about the sensors: where they stand, what they could see."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from sensors.abilities import ExpectsEchoes, Recognises
from sensors.registry import Sensor
from sensors.sight import Sight
from sim.core.tables import ELEVATION, Floats
from sim.picture.looks import EchoFacts
from sim.tracking import SensorModels
from sim.world.frames import Frame
from sim.world.relief import Relief
from sim.world.surroundings import Surroundings

#: No tracker knows what it will meet: it expects echoes as of a small aircraft.
EXPECTED_RCS_M2 = 1.0
_SECTORS = 360
#: Of the mask that relief makes: sectors, parts of the range.
_RELIEF_SECTORS, _RELIEF_PARTS = 720, 256


def sensor_models(
    sensors: Sequence[Sensor],
    surroundings: Surroundings,
    noise_sectors: int = 1,
    moving: Collection[int] = (),
) -> SensorModels:
    """Return the sensors as the tracker knows them.

    Detection is that of a target of ``EXPECTED_RCS_M2``. Azimuths outside a sensor's sector,
    to the degree, are told as masked up to the zenith. Relief is told by half a degree and a
    256th of the range, each with the lowest elevation that is seen anywhere in it: a track in
    sight must not count as hidden because a hill is near. Of ``moving`` sensors (rows) no
    relief is told: what hides a target now may not at the next look. Noise of jammers, and
    whether a sensor keeps silent, will be told as they come, in ``noise_sectors`` of azimuth.
    """
    frame, ground = surroundings.frame, surroundings.ground
    ground_m = ground.lowest_m if isinstance(ground, Relief) else frame.height_m
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
        ground_m=np.full(len(sensors), ground_m),
        mask_rad=_relief_mask_rad(sensors, surroundings, moving)
        if isinstance(ground, Relief)
        else _mask_rad(sensors, _SECTORS),
        noise=np.ones((len(sensors), noise_sectors)),
        listens=np.array([sensor.listens for sensor in sensors]),
        id=np.array([sensor.id for sensor in sensors], np.str_),
    )


def echo_facts(sensors: Sequence[Sensor], frame: Frame, moving: Collection[int] = ()) -> EchoFacts:
    """Return the sensors as who classifies their plots knows them.

    Of ``moving`` sensors (rows) no echo is foretold: it would be that of where they set out.
    """
    return EchoFacts(
        snr_reference_db=np.array([sensor.snr_reference_db for sensor in sensors]),
        snr_least_db=np.array([sensor.snr_least_db for sensor in sensors]),
        interrogates=np.array([sensor.interrogates for sensor in sensors]),
        measures_height=np.array([bool(sensor.measures[ELEVATION]) for sensor in sensors]),
        confusion=np.array(
            [s.confusion if isinstance(s, Recognises) else np.nan for s in sensors], float
        ),
        expects=tuple(
            s if isinstance(s, ExpectsEchoes) and row not in moving else None
            for row, s in enumerate(sensors)
        ),
        enu_R_sensor=np.array([sensor.enu_R_sensor for sensor in sensors]),
        height_m=np.array([float(frame.height_m_of(sensor.origin_enu_m)) for sensor in sensors]),
    )


def _mask_rad(sensors: Sequence[Sensor], sectors: int) -> Floats:
    """(S, A) lowest visible elevation by azimuth; a single sector if all look all round."""
    if all(sensor.sector_rad[1] >= np.pi for sensor in sensors):
        return np.full((len(sensors), 1), -0.5 * np.pi)
    azimuth_rad = 2.0 * np.pi * (np.arange(sectors) + 0.5) / sectors
    middle_rad, half_rad = np.array([sensor.sector_rad for sensor in sensors]).T[:, :, None]
    off_rad = np.abs((azimuth_rad - middle_rad + np.pi) % (2.0 * np.pi) - np.pi)
    return np.where(off_rad <= half_rad, -0.5 * np.pi, 0.5 * np.pi)


def _relief_mask_rad(
    sensors: Sequence[Sensor], surroundings: Surroundings, moving: Collection[int]
) -> Floats:
    """(S, A, D) the same with relief, by azimuth and range."""
    mask_rad = np.repeat(_mask_rad(sensors, _RELIEF_SECTORS)[:, :, None], _RELIEF_PARTS, axis=2)
    if mask_rad.shape[1] == 1:
        mask_rad = np.repeat(mask_rad, _RELIEF_SECTORS, axis=1)
    for row, (sensor, mask) in enumerate(zip(sensors, mask_rad, strict=True)):
        if row in moving or not sensor.horizon or not np.isfinite(sensor.range_max_m):
            continue
        sight = Sight.over(surroundings, sensor.origin_enu_m, sensor.range_max_m)
        part_m = sensor.range_max_m / _RELIEF_PARTS
        parts = min(_RELIEF_PARTS, int(sight.reach_m / part_m) + 1)
        lowest = sight.lowest_rad(_RELIEF_SECTORS, parts, part_m)
        np.maximum(mask[:, :parts], lowest, out=mask[:, :parts])
    return mask_rad
