"""filterpy on the radar scene: one KalmanFilter per track in a plain Python loop."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from filterpy.kalman import KalmanFilter
from scipy.optimize import linear_sum_assignment

from benchmarks import told
from sim.core.tables import Floats, Plots

#: Farther than this from the prediction, a plot is not worth a Mahalanobis distance.
_NEAR_M = 2500.0
_FORBIDDEN = 1e6


class FilterpyLoop:
    """A contestant; plots become positions, scipy solves the assignment."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._born = 0

    def scan(self, time_s: float, plots: Plots) -> None:
        position, covariance = told.converted(plots)
        n = len(position)
        cost = np.full((len(self._tracks), n + len(self._tracks)), _FORBIDDEN)
        for i, track in enumerate(self._tracks):
            track.kalman.predict()
            offset = position - track.kalman.x[:3, 0]
            near = np.flatnonzero((offset**2).sum(axis=1) < _NEAR_M**2)
            offset = offset[near]
            S = track.kalman.P[:3, :3] + covariance[near]
            distance = (offset * np.linalg.solve(S, offset[..., None])[..., 0]).sum(axis=1)
            inside = distance < told.GATE
            spread = np.linalg.slogdet(2 * np.pi * S[inside])[1]
            cost[i, near[inside]] = distance[inside] + spread
            cost[i, n + i] = told.MISS_COST
        taken = np.zeros(n, bool)
        for row, j in zip(*linear_sum_assignment(cost), strict=True):
            track = self._tracks[row]
            if j < n:
                track.kalman.update(position[j][:, None], R=covariance[j])
                taken[j] = True
            track.note(hit=bool(j < n))
        self._tracks = [track for track in self._tracks if not track.lost]
        for j in np.flatnonzero(~taken):
            self._tracks.append(_Track(self._born, position[j], covariance[j]))
            self._born += 1

    def confirmed(self) -> tuple[Any, Floats]:
        tracks = [track for track in self._tracks if track.confirmed]
        positions = np.array([track.kalman.x[:3, 0] for track in tracks]).reshape(-1, 3)
        return [track.number for track in tracks], positions


class _Track:
    def __init__(self, number: int, position: Floats, covariance: Floats) -> None:
        self.number = number
        self.kalman = KalmanFilter(dim_x=6, dim_z=3)
        self.kalman.F, self.kalman.Q = told.motion()
        self.kalman.H = np.eye(3, 6)
        self.kalman.x = np.append(position, np.zeros(3))[:, None]
        self.kalman.P = np.zeros((6, 6))
        self.kalman.P[:3, :3] = covariance
        self.kalman.P[3:, 3:] = told.START_VELOCITY_COVARIANCE
        self.confirmed = False
        self._recent: deque[bool] = deque([True], told.CONFIRM_LOOKS)
        self._misses = 0

    def note(self, *, hit: bool) -> None:
        self._recent.append(hit)
        self._misses = 0 if hit else self._misses + 1
        self.confirmed = self.confirmed or sum(self._recent) >= told.CONFIRM_HITS

    @property
    def lost(self) -> bool:
        if self.confirmed:
            return self._misses >= told.MISSES_MAX
        return self._recent.count(False) > told.CONFIRM_LOOKS - told.CONFIRM_HITS
