"""The readable engine's plots without elevation: height learns only what is truly told of it.

As ``sim.core.unseen_height``, which says why and after whom.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from filterpy.kalman import ExtendedKalmanFilter

from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.tables import Floats

# A height guessed close by would be steep, where few targets fly.
_ELEVATION_MAX_RAD = 0.25


def guess(
    range_m: float, sensor_height_m: float, height_m: float, sigma_m: float
) -> tuple[float, float]:
    """Return the height assumed above a sensor's plane, and its standard deviation."""
    limit = math.sin(_ELEVATION_MAX_RAD) * range_m
    height = height_m - sensor_height_m - range_m**2 / (2.0 * MEAN_EARTH_RADIUS_M)
    return float(np.clip(height, -limit, limit)), min(sigma_m, _ELEVATION_MAX_RAD * range_m)


def update_without_height(
    kalman: ExtendedKalmanFilter,
    origin: Floats,
    up: Floats,
    height: tuple[float, float],
    climb_sigma: float,
    update: Callable[[], None],
) -> None:
    """Let ``update`` change a filter by a polar plot with range and without elevation.

    Parameters
    ----------
    kalman : state (6,) of position and velocity
    origin, up : (3,) the sensor's place and its vertical
    height, climb_sigma : what ``guess`` says, and the standard deviation of climb about
        level flight over the round earth
    """
    vertical = np.zeros((2, 6))
    vertical[0, :3] = vertical[1, 3:] = up
    _hold(kalman, vertical[0], float(up @ origin) + height[0], height[1])
    level = np.eye(3) - np.outer(up, up)
    round_earth = -float((kalman.x[:3] - origin) @ level @ kalman.x[3:]) / MEAN_EARTH_RADIUS_M
    _hold(kalman, vertical[1], round_earth, climb_sigma)
    before, P = kalman.x.copy(), kalman.P.copy()
    line = before[:3] - origin
    here = float(np.linalg.norm(line))
    with_height = P[:3, :3] @ up / math.sqrt(up @ P[:3, :3] @ up)
    above, below = (float(np.linalg.norm(line + sign * with_height)) for sign in (1.0, -1.0))
    slope, bend = 0.5 * (above - below), above + below - 2.0 * here
    update()
    share = bend**2 / (slope**2 + bend**2)
    back = share * vertical.T @ vertical
    kalman.x = kalman.x + back @ (before - kalman.x)
    kalman.P = kalman.P + back @ (P - kalman.P) @ back
    toward = np.append(line / here, np.zeros(3))
    lacking = 0.75 * bend**2 - toward @ kalman.P @ toward
    kalman.P = kalman.P + max(lacking, 0.0) * np.outer(toward, toward)


def _hold(kalman: ExtendedKalmanFilter, h: Floats, expected: float, sigma: float) -> None:
    """Let h·x be no less certain than expected ± sigma."""
    variance = float(h @ kalman.P @ h)
    if variance > sigma**2 * (1.0 + 1e-9):
        gain = kalman.P @ h / variance * (1.0 - sigma**2 / variance)
        kalman.x = kalman.x + gain * (expected - h @ kalman.x)
        kalman.P = kalman.P - np.outer(gain, h @ kalman.P)
