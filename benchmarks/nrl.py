"""nrl-tracker on the radar scene: its multi-target tracker, GNN over positions."""

from __future__ import annotations

from typing import Any

import numpy as np
from pytcl.trackers.multi_target import MultiTargetTracker

from benchmarks import told
from benchmarks.radar_scenes import PERIOD_S, RANGE_M, SIGMA_ANGLE_RAD
from sim.core.tables import Floats, Plots

#: It starts every track with one covariance: that of a plot three quarters of the way out.
_START_SIGMA_M = SIGMA_ANGLE_RAD * (0.25 * RANGE_M[0] + 0.75 * RANGE_M[1])


class NrlTracker:
    """A contestant; plots become positions, each with its own covariance."""

    def __init__(self) -> None:
        start = np.zeros((6, 6))
        start[:3, :3] = _START_SIGMA_M**2 * np.eye(3)
        start[3:, 3:] = told.START_VELOCITY_COVARIANCE
        F, noise = told.motion()
        self._tracker = MultiTargetTracker(
            state_dim=6,
            meas_dim=3,
            F=F,
            H=np.eye(3, 6),
            Q=noise,
            R=_START_SIGMA_M**2 * np.eye(3),
            gate_probability=told.GATE_PROBABILITY,
            confirm_hits=told.CONFIRM_HITS,
            confirm_window=told.CONFIRM_LOOKS,
            max_misses=told.MISSES_MAX,
            init_covariance=start,
        )

    def scan(self, time_s: float, plots: Plots) -> None:
        position, covariance = told.converted(plots)
        self._tracker.process(list(position), PERIOD_S, list(covariance))

    def confirmed(self) -> tuple[Any, Floats]:
        tracks = self._tracker.confirmed_tracks
        positions = np.array([track.state[:3] for track in tracks]).reshape(-1, 3)
        return [track.id for track in tracks], positions
