"""The compiled engine: structure of arrays, sparse gating, optimal sparse assignment."""

from __future__ import annotations

import numpy as np

from sim.core.jit import threads_for
from sim.core.tables import Identity, Tracks
from sim.tracking.config import TrackerConfig
from sim.tracking.cycle import Cycle, gates, pairing_gain
from sim.tracking.cycling import take_cycle
from sim.tracking.kernels import Policy, SensorColumns, extrapolate
from sim.tracking.sensor_models import SensorModels
from sim.tracking.store import empty_columns, with_room

_FIRST_CAPACITY = 256


class CompiledEngine:
    """Tracks as columns of arrays, changed by kernels only; columns keep the order of birth."""

    def __init__(self, config: TrackerConfig, sensors: SensorModels) -> None:
        self._sensors = SensorColumns(
            sensors.origin_enu_m,
            sensors.enu_R_sensor,
            sensors.height_m,
            sensors.period_s,
            pairing_gain(config, sensors.clutter_density),
        )
        self._policy = Policy(
            q_horizontal=config.process_noise_m2ps3,
            q_vertical=config.vertical_process_noise_m2ps3,
            gates=gates(config.gate_probability),
            start_height_m=config.start_height_m,
            start_height_sigma_m=config.start_height_sigma_m,
            start_speed_sigma_mps=config.start_speed_sigma_mps,
            start_climb_sigma_mps=config.start_climb_sigma_mps,
            confirm_hits=config.confirm_hits,
            confirm_looks=config.confirm_looks,
            coast_max_s=config.coast_max_s,
            position_variance_max_m2=config.position_sigma_max_m**2,
        )
        self._tracks = empty_columns(_FIRST_CAPACITY)
        self._count = 0
        self._born = 0
        self._confirmed = 0

    def cycle(self, cycle: Cycle, end_s: float) -> None:
        """Take one cycle's plots, then confirm and drop as of ``end_s``."""
        self._tracks = with_room(self._tracks, self._count + cycle.time_s.size)
        with threads_for(self._count):
            self._count, self._born, self._confirmed = take_cycle(
                self._tracks,
                self._count,
                self._born,
                self._confirmed,
                cycle,
                end_s,
                self._sensors,
                self._policy,
            )

    def picture(self, time_s: float) -> Tracks:
        """Return all tracks, extrapolated to ``time_s``."""
        tracks, n = self._tracks, self._count
        position = np.empty((n, 3))
        velocity = np.empty((n, 3))
        covariance = np.empty((n, 3, 3))
        policy = self._policy
        extrapolate(
            tracks, time_s, policy.q_horizontal, policy.q_vertical, position, velocity, covariance
        )
        return Tracks(
            time_s=time_s,
            number=tracks.number[:n].copy(),
            position_enu_m=position,
            velocity_enu_mps=velocity,
            position_covariance_m2=covariance,
            status=tracks.status[:n].copy(),
            last_plot_s=tracks.last_plot_s[:n].copy(),
            hits=tracks.hits[:n].copy(),
            sensors=tracks.sensors[:n].copy(),
            replies=tracks.replies[:, :n].T.copy(),
            identity=np.full(n, Identity.PENDING, np.uint8),
        )
