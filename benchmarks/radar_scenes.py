"""The scene of `versus` and `tracker`: one 3-D radar amid straight flights and false alarms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.tables import FALSE_ALARM, Floats, Ints, Plots
from sim.tracking import SensorModels

PERIOD_S = 2.0
SCANS = 30
PD = 0.9
FALSE_PER_SCAN = 20
SIGMA_RANGE_M, SIGMA_ANGLE_RAD = 25.0, 1.5e-3
RANGE_M = (10e3, 60e3)
ELEVATION_RAD = (0.0, np.radians(30.0))
HEIGHT_M = (1e3, 8e3)
SPEED_MPS = (100.0, 250.0)
#: False alarms of a scan in a unit of range times azimuth times elevation.
CLUTTER_DENSITY = FALSE_PER_SCAN / (
    (RANGE_M[1] - RANGE_M[0]) * 2 * np.pi * (ELEVATION_RAD[1] - ELEVATION_RAD[0])
)
#: The same in a cubic metre, on average over the volume.
CLUTTER_PER_M3 = FALSE_PER_SCAN / (
    2 * np.pi * (RANGE_M[1] ** 3 - RANGE_M[0] ** 3) / 3 * np.sin(ELEVATION_RAD[1])
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Plots and truth, scan by scan.

    Attributes
    ----------
    sensors : what the tracker knows of the sensors
    time_s : (K,) of every scan
    plots : K tables, all plots of one scan
    position_enu_m, velocity_enu_mps : (K, N, 3) truth; NaN where a target is not there
    """

    sensors: SensorModels
    time_s: Floats
    plots: list[Plots]
    position_enu_m: Floats
    velocity_enu_mps: Floats


def sensors() -> SensorModels:
    """Return what a tracker is told of the radar."""
    return SensorModels.at_origin(period_s=PERIOD_S, clutter_density=CLUTTER_DENSITY)


def plots_of(time_s: float, measurement: Floats, sigma: Floats, truth_id: Ints) -> Plots:
    """Return one scan of one sensor as a table; ``sigma`` (4,) is that of every plot."""
    n = len(measurement)
    return Plots(
        time_s=np.full(n, time_s),
        sensor=np.zeros(n, np.int32),
        measurement=measurement,
        sigma=np.tile(sigma, (n, 1)),
        snr_db=np.full(n, 15.0),
        reply=np.zeros(n, np.uint8),
        truth_id=truth_id,
    )


def polar(position_enu_m: Floats) -> Floats:
    """Return range, azimuth and elevation (N, 3) seen from the origin."""
    east, north, up = position_enu_m.T
    ground = np.hypot(east, north)
    return np.column_stack(
        [np.hypot(ground, up), np.arctan2(east, north) % (2 * np.pi), np.arctan2(up, ground)]
    )


def straight_flights(targets: int, seed: int, scans: int = SCANS) -> Scene:
    """Level flights at constant velocity, all looks of a scan at one instant."""
    rng = np.random.default_rng(seed)
    height = rng.uniform(*HEIGHT_M, targets)
    ground = np.sqrt(rng.uniform(*RANGE_M, targets) ** 2 - height**2)
    azimuth = rng.uniform(0, 2 * np.pi, targets)
    heading = rng.uniform(0, 2 * np.pi, targets)
    speed = rng.uniform(*SPEED_MPS, targets)
    start = np.column_stack([ground * np.sin(azimuth), ground * np.cos(azimuth), height])
    velocity = np.column_stack(
        [speed * np.sin(heading), speed * np.cos(heading), np.zeros(targets)]
    )
    time_s: Floats = PERIOD_S * np.arange(scans, dtype=np.float64)
    position = start + time_s[:, None, None] * velocity
    sigma = np.array([SIGMA_RANGE_M, SIGMA_ANGLE_RAD, SIGMA_ANGLE_RAD, np.nan])
    plots = []
    for k in range(scans):
        seen = np.flatnonzero(rng.random(targets) < PD)
        false = np.column_stack(
            [
                rng.uniform(*RANGE_M, FALSE_PER_SCAN),
                rng.uniform(0, 2 * np.pi, FALSE_PER_SCAN),
                rng.uniform(*ELEVATION_RAD, FALSE_PER_SCAN),
            ]
        )
        true = polar(position[k, seen]) + sigma[:3] * rng.standard_normal((seen.size, 3))
        measured = np.full((seen.size + FALSE_PER_SCAN, 4), np.nan)
        measured[:, :3] = np.concatenate([true, false])
        measured[:, 1] %= 2 * np.pi
        truth_id = np.append(seen, np.full(FALSE_PER_SCAN, FALSE_ALARM)).astype(np.int32)
        mixed = rng.permutation(len(measured))
        plots.append(plots_of(time_s[k], measured[mixed], sigma, truth_id[mixed]))
    return Scene(
        sensors=sensors(),
        time_s=time_s,
        plots=plots,
        position_enu_m=position,
        velocity_enu_mps=np.broadcast_to(velocity, position.shape),
    )
