"""The compiled engine: structure of arrays, sparse gating, optimal sparse assignment."""

from __future__ import annotations

import numpy as np

from sim.core.assignment import assign
from sim.core.gating import gate_plots
from sim.core.jit import threads_for
from sim.core.tables import Bools, Identity, Ints, Tracks
from sim.tracking.config import TrackerConfig
from sim.tracking.cycle import Cycle, by_sensor, gates, pairing_gain
from sim.tracking.kernels import extrapolate, start_tracks, update_tracks
from sim.tracking.life import age_tracks, book_pairs
from sim.tracking.policy import Policy, SensorColumns
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
        plots = cycle.time_s.size
        if plots:
            taken = np.zeros(plots, np.bool_)
            if self._count:
                with threads_for(self._count):
                    self._associate_and_update(cycle, taken)
            if not taken.all():
                self._start(cycle, taken)
        self._count, self._confirmed = age_tracks(
            self._tracks, self._count, self._confirmed, end_s, self._policy
        )

    def _associate_and_update(self, cycle: Cycle, taken: Bools) -> None:
        """Associate sensor by sensor against the tracks as they stand, then update all."""
        tracks, sensors, policy = self._tracks, self._sensors, self._policy
        paired: list[Ints] = []
        plots: list[Ints] = []
        for sensor, rows in by_sensor(cycle):
            start, plot, log_likelihood = gate_plots(
                tracks.mean,
                tracks.covariance,
                tracks.time_s,
                self._count,
                (policy.q_horizontal, policy.q_vertical),
                sensors.origin_enu_m[sensor],
                sensors.enu_R_sensor[sensor],
                cycle.time_s[rows],
                cycle.measurement[rows],
                cycle.sigma[rows],
                policy.gates,
            )
            if plot.size:
                gain = log_likelihood + sensors.gain[sensor]
                plot_of = assign(start, plot, gain, rows.stop - rows.start)
                columns = np.flatnonzero(plot_of >= 0).astype(np.int32)
                paired.append(columns)
                plots.append(plot_of[columns] + np.int32(rows.start))
        if not paired:
            return
        column, plot = np.concatenate(paired), np.concatenate(plots)
        taken[plot] = True
        order = np.lexsort((cycle.time_s[plot], column))
        column, plot = column[order], plot[order]
        first = np.flatnonzero(np.diff(column, prepend=np.int32(-1)))
        update_tracks(
            tracks,
            column[first],
            np.append(first, column.size).astype(np.int32),
            plot,
            cycle,
            sensors.origin_enu_m,
            sensors.enu_R_sensor,
            policy.q_horizontal,
            policy.q_vertical,
        )
        book_pairs(tracks, column, plot, cycle, sensors)

    def _start(self, cycle: Cycle, taken: Bools) -> None:
        """Start tracks from the plots that no track took."""
        self._tracks = with_room(self._tracks, self._count + cycle.time_s.size)
        older = self._count
        self._count = start_tracks(self._tracks, older, taken, cycle, self._sensors, self._policy)
        new = self._count - older
        self._tracks.number[older : self._count] = -self._born - 1 - np.arange(new)
        self._born += new

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
