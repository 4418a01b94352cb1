"""What every tracker of the radar scene is told, and its plots as positions."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from benchmarks.radar_scenes import CLUTTER_PER_M3, PD, PERIOD_S
from sim.core.tables import Floats, Plots

#: White-noise acceleration, m²/s³: straight flights, with some margin.
Q_HORIZONTAL, Q_VERTICAL = 1.0, 0.1
START_SPEED_SIGMA_MPS, START_CLIMB_SIGMA_MPS = 150.0, 5.0
START_VELOCITY_COVARIANCE = np.diag([START_SPEED_SIGMA_MPS] * 2 + [START_CLIMB_SIGMA_MPS]) ** 2
#: χ² with three degrees of freedom at the gate probability.
GATE_PROBABILITY, GATE = 0.9995, 17.730
#: A track is confirmed by 3 plots of 5 scans and dropped after 5 scans without one.
CONFIRM_HITS, CONFIRM_LOOKS, MISSES_MAX = 3, 5, 5
#: What leaving a track without a plot costs beside −2 ln of a plot's likelihood.
MISS_COST = 2 * np.log(PD / ((1 - PD) * CLUTTER_PER_M3))


class Contestant(Protocol):
    """A tracker of the radar scene."""

    def scan(self, time_s: float, plots: Plots) -> None:
        """Take all plots of one scan."""

    def confirmed(self) -> tuple[Any, Floats]:
        """Return the identifiers and positions (N, 3) of confirmed tracks, as of the scan."""


def converted(plots: Plots) -> tuple[Floats, Floats]:
    """Return the positions (N, 3) of polar plots and their covariances, to first order."""
    r, azimuth, elevation = plots.measurement[:, :3].T
    sa, ca, se, ce = np.sin(azimuth), np.cos(azimuth), np.sin(elevation), np.cos(elevation)
    radial = np.column_stack([ce * sa, ce * ca, se])
    across = np.column_stack([ca, -sa, np.zeros_like(sa)])
    upward = np.column_stack([-se * sa, -se * ca, ce])
    sigma = plots.sigma
    spread = np.stack([sigma[:, 0], r * ce * sigma[:, 1], r * sigma[:, 2]], axis=1)
    scaled = np.stack([radial, across, upward], axis=2) * spread[:, None, :]
    return r[:, None] * radial, scaled @ scaled.transpose(0, 2, 1)


def motion() -> tuple[Floats, Floats]:
    """Return transition and noise of a scan's time; the state is e, n, u and their rates."""
    eye, q, dt = np.eye(3), np.diag([Q_HORIZONTAL, Q_HORIZONTAL, Q_VERTICAL]), PERIOD_S
    F = np.block([[eye, dt * eye], [0 * eye, eye]])
    noise = np.block([[q * dt**3 / 3, q * dt**2 / 2], [q * dt**2 / 2, q * dt]])
    return F, noise
