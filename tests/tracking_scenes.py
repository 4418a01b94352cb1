"""Plots of straight-flying targets seen by two radars, for tests of the tracker."""

from __future__ import annotations

import numpy as np
from reference import polar

from sim.core.tables import FALSE_ALARM, Plots
from sim.tracking import SensorModels

PERIODS_S = (2.0, 4.0)
SIGMA = np.array([[30.0, 0.005, 0.007, 1.0], [60.0, 0.004, np.nan, np.nan]])


def two_radars() -> SensorModels:
    """A 3-D radar with range rate and a slower 2-D radar 30 km away."""
    return SensorModels(
        origin_enu_m=np.array([[0.0, 0.0, 0.0], [30e3, 5e3, 20.0]]),
        enu_R_sensor=np.stack([np.eye(3)] * 2),
        height_m=np.array([10.0, 30.0]),
        period_s=np.array(PERIODS_S),
        measures=np.array([[True, True, True, True], [True, True, False, False]]),
        clutter_density=np.array([1e-7, 1e-6]),
    )


def targets(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions at t = 0 and velocities."""
    rng = np.random.default_rng(seed)
    position = rng.uniform(-40e3, 40e3, (n, 3))
    position[:, 2] = rng.uniform(500.0, 9000.0, n)
    velocity = rng.normal(0.0, 120.0, (n, 3))
    velocity[:, 2] = 0.0
    return position, velocity


def observed(
    n: int = 15, duration_s: float = 40.0, false_per_turn: int = 10, pd: float = 0.9, seed: int = 1
) -> Plots:
    """All plots of both radars, in no particular order."""
    rng = np.random.default_rng(seed)
    models = two_radars()
    position, velocity = targets(n, seed)
    rows: list[tuple[float, int, np.ndarray, int]] = []
    for s, period in enumerate(PERIODS_S):
        for turn in range(int(duration_s / period)):
            for i in range(n):
                # The beam comes by once a turn, at a phase of the target's own.
                t = (turn + (i + 0.5) / n) * period
                state = np.concatenate([position[i] + velocity[i] * t, velocity[i]])
                z = polar(state, models.origin_enu_m[s], models.enu_R_sensor[s])
                if rng.random() < pd:
                    rows.append((t, s, z + SIGMA[s] * rng.normal(size=4), i))
            for _ in range(false_per_turn):
                z = np.array(
                    [
                        rng.uniform(1e3, 60e3),
                        rng.uniform(0.0, 2 * np.pi),
                        rng.uniform(0.0, 0.5),
                        rng.normal(0.0, 100.0),
                    ]
                )
                rows.append(((turn + rng.random()) * period, s, z, FALSE_ALARM))
    order = rng.permutation(len(rows))
    rows = [rows[k] for k in order]
    sensor = np.array([row[1] for row in rows], np.int32)
    measured = np.array([row[2] for row in rows])
    measured[:, 1] %= 2 * np.pi
    measured[sensor == 1, 2:] = np.nan
    return Plots(
        time_s=np.array([row[0] for row in rows]),
        sensor=sensor,
        measurement=measured,
        sigma=SIGMA[sensor],
        snr_db=np.full(len(rows), 15.0),
        reply=np.zeros(len(rows), np.uint8),
        truth_id=np.array([row[3] for row in rows], np.int32),
    )
