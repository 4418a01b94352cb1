"""Could this sensor see a target there? The tracker's own guess at detection."""

from __future__ import annotations

import math

import numpy as np

from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.jit import kernel
from sim.core.tables import Floats, Ints, Measured
from sim.tracking.policy import SensorColumns

_POSITION = int(Measured.POSITION)
_TIME_DIFFERENCE = int(Measured.TIME_DIFFERENCE)
_UPRIGHT_RAD = 1.5707
_REFRACTED_RADIUS_M = 4.0 / 3.0 * MEAN_EARTH_RADIUS_M


@kernel(leaf=True)
def tells_sight(s: int, sensors: SensorColumns) -> bool:
    """Tell whether sensor s says anything of where it sees nothing."""
    if sensors.kind[s] == _POSITION or sensors.kind[s] == _TIME_DIFFERENCE:
        return False
    if sensors.horizon[s] or sensors.range_max_m[s] < math.inf or sensors.range_min_m[s] > 0.0:
        return True
    masks = sensors.mask_rad.shape[1] * sensors.mask_rad.shape[2]
    if not math.isnan(sensors.snr_range_m[s]) or masks > 1 or sensors.noise.shape[1] > 1:
        return True
    if sensors.noise[s, 0] != 1.0:
        return True
    low, high = sensors.elevation_min_rad[s], sensors.elevation_max_rad[s]
    limited = low > -_UPRIGHT_RAD or high < _UPRIGHT_RAD
    return bool(limited or sensors.mask_rad[s, 0, 0] > -_UPRIGHT_RAD)


@kernel(leaf=True)
def is_under_ground(x: Floats, sensors: SensorColumns) -> bool:
    """Tell whether a place lies below the ground about every sensor."""
    for s in range(sensors.period_s.size):
        east = x[0] - sensors.origin_enu_m[s, 0]
        north = x[1] - sensors.origin_enu_m[s, 1]
        drop = (east * east + north * north) / (2.0 * MEAN_EARTH_RADIUS_M)
        height = sensors.height_m[s] + x[2] - sensors.origin_enu_m[s, 2] + drop
        if height > sensors.ground_m[s]:
            return False
    return True


@kernel(leaf=True)
def detection_probability(s: int, x: Floats, sensors: SensorColumns, otherwise: float) -> float:
    """Return the probability that one look of sensor s detects a target at x[:3].

    Zero out of range, out of the elevations covered, behind the mask, below the 4/3 earth
    horizon and while the sensor is silent; else, a Swerling 1 target at one look,
    Pfa^(1 / (1 + SNR)) with SNR = (snr_range_m / range)⁴ / noise, or ``otherwise`` where the
    sensor does not say.
    """
    if sensors.kind[s] == _POSITION or sensors.kind[s] == _TIME_DIFFERENCE:
        return otherwise
    R = sensors.enu_R_sensor[s]
    d0 = x[0] - sensors.origin_enu_m[s, 0]
    d1 = x[1] - sensors.origin_enu_m[s, 1]
    d2 = x[2] - sensors.origin_enu_m[s, 2]
    east = R[0, 0] * d0 + R[1, 0] * d1 + R[2, 0] * d2
    north = R[0, 1] * d0 + R[1, 1] * d1 + R[2, 1] * d2
    up = R[0, 2] * d0 + R[1, 2] * d1 + R[2, 2] * d2
    ground = math.sqrt(east * east + north * north)
    range_m = math.sqrt(ground * ground + up * up)
    if range_m < sensors.range_min_m[s] or range_m > sensors.range_max_m[s]:
        return 0.0
    elevation = math.atan2(up, ground)
    if elevation < sensors.elevation_min_rad[s] or elevation > sensors.elevation_max_rad[s]:
        return 0.0
    sectors, parts = sensors.mask_rad.shape[1], sensors.mask_rad.shape[2]
    noise = sensors.noise[s, 0]
    turn = 0.0
    if sectors > 1 or sensors.noise.shape[1] > 1:
        turn = math.atan2(east, north) / (2.0 * math.pi)
        turn -= math.floor(turn)
    if sensors.noise.shape[1] > 1:
        looked = int(turn * sensors.noise.shape[1])
        noise = sensors.noise[s, min(looked, sensors.noise.shape[1] - 1)]
    if noise == math.inf:
        return 0.0
    if sectors > 1 or parts > 1 or sensors.mask_rad[s, 0, 0] > -1.5:
        sector = int(turn * sectors)
        part = int(range_m / sensors.range_max_m[s] * parts)
        if elevation < sensors.mask_rad[s, min(sector, sectors - 1), min(part, parts - 1)]:
            return 0.0
    if sensors.horizon[s]:
        mast = sensors.height_m[s] - sensors.ground_m[s]
        height = mast + up + ground * ground / (2.0 * MEAN_EARTH_RADIUS_M)
        reach = math.sqrt(2.0 * _REFRACTED_RADIUS_M * max(mast, 0.0))
        reach += math.sqrt(2.0 * _REFRACTED_RADIUS_M * max(height, 0.0))
        if range_m > reach:
            return 0.0
    scale = sensors.snr_range_m[s]
    if math.isnan(scale):
        return otherwise
    snr = (scale / max(range_m, 1.0)) ** 4 / noise
    detected: float = sensors.false_alarm_probability[s] ** (1.0 / (1.0 + snr))
    return detected


@kernel()
def surest_look(position_enu_m: Floats, sensors: SensorColumns, least: float) -> Ints:
    """Return the sensor (K,) that most probably detects a target at each place (K, 3).

    Of those whose silence counts; −1 where none does so with ``least`` probability or more.
    """
    surest = np.full(position_enu_m.shape[0], -1, np.int32)
    for k in range(surest.size):
        highest = least
        for s in range(sensors.period_s.size):
            if sensors.listens[s]:
                continue
            pd = detection_probability(s, position_enu_m[k], sensors, 0.0)
            if pd >= highest:
                highest, surest[k] = pd, s
    return surest
