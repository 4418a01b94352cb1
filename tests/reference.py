"""Obvious twins of the kernels: numpy, slow, readable."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def transition(dt: float) -> Floats:
    """F of nearly constant velocity."""
    F = np.eye(6)
    F[:3, 3:] = dt * np.eye(3)
    return F


def white_noise_acceleration(dt: float, q: tuple[float, float, float]) -> Floats:
    """Q of continuous white-noise acceleration with one density per axis."""
    D = np.diag(q)
    return np.block([[D * dt**3 / 3, D * dt**2 / 2], [D * dt**2 / 2, D * dt]])


def kalman_update(
    x: Floats, P: Floats, innovation: Floats, H: Floats, R: Floats
) -> tuple[Floats, Floats, Floats]:
    """Joseph-form update; returns x, P and the innovation covariance."""
    S = H @ P @ H.T + R
    K = P @ H.T @ np.linalg.inv(S)
    IKH = np.eye(x.size) - K @ H
    return x + K @ innovation, IKH @ P @ IKH.T + K @ R @ K.T, S


def polar(x: Floats, origin: Floats, enu_R_sensor: Floats) -> Floats:
    """Range, azimuth, elevation, range rate of a state seen from a sensor."""
    e, n, u = enu_R_sensor.T @ (x[:3] - origin)
    r = np.sqrt(e * e + n * n + u * u)
    return np.array(
        [
            r,
            np.arctan2(e, n),
            np.arctan2(u, np.hypot(e, n)),
            (x[:3] - origin) @ x[3:] / r,
        ]
    )


def numerical_jacobian(function, x: Floats, step: Floats) -> Floats:  # type: ignore[no-untyped-def]
    """Central differences."""
    columns = []
    for k in range(x.size):
        h = np.zeros(x.size)
        h[k] = step[k]
        columns.append((function(x + h) - function(x - h)) / (2 * step[k]))
    return np.stack(columns, axis=1)


def best_assignment(gain: Floats) -> float:
    """Highest sum of gains over one-to-one pairs, by trying all; −inf forbids a pair."""
    rows, columns = gain.shape
    padded = np.hstack([gain, np.zeros((rows, rows))])  # a dummy column per row
    best = -np.inf
    for choice in permutations(range(columns + rows), rows):
        best = max(best, sum(padded[i, j] for i, j in enumerate(choice)))
    return float(best)
