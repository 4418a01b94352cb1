"""Motion models: how a state moves between plots."""

from __future__ import annotations

from sim.core.jit import kernel
from sim.core.tables import Floats


@kernel()
def predict_constant_velocity(
    x: Floats, P: Floats, dt: float, q_horizontal: float, q_vertical: float
) -> None:
    """Move a full state by dt under nearly constant velocity, in place.

    Parameters
    ----------
    x, P : (6,) mean and (6, 6) covariance, changed in place
    dt : s, not negative
    q_horizontal, q_vertical : spectral density of the white-noise acceleration along
        east and north, and along up, m²/s³

    Notes
    -----
    Continuous white-noise acceleration: Bar-Shalom, Li, Kirubarajan, Estimation with
    Applications to Tracking and Navigation, 6.2.2.
    """
    for i in range(3):
        x[i] += dt * x[i + 3]
    for i in range(3):
        for j in range(6):
            P[i, j] += dt * P[i + 3, j]
    for i in range(6):
        for j in range(3):
            P[i, j] += dt * P[i, j + 3]
    for i in range(3):
        q = q_vertical if i == 2 else q_horizontal
        P[i, i] += q * dt * dt * dt / 3.0
        P[i, i + 3] += q * dt * dt / 2.0
        P[i + 3, i] += q * dt * dt / 2.0
        P[i + 3, i + 3] += q * dt
