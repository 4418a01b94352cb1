"""The compiled engine: structure of arrays, sparse gating, optimal sparse assignment."""

from __future__ import annotations

import numpy as np

from sim.core.assignment import assign
from sim.core.gating import gate_plots
from sim.core.jit import threads_for
from sim.core.tables import Bools, Identity, Ints, Tracks, TrackStatus
from sim.tracking.config import TrackerConfig
from sim.tracking.cycle import Cycle, gates, pairing_gain
from sim.tracking.kernels import (
    age_tracks,
    count_hits,
    extrapolate,
    start_tracks,
    update_tracks,
)
from sim.tracking.sensor_models import SensorModels
from sim.tracking.store import TrackStore


class CompiledEngine:
    """Tracks as columns of arrays, changed by kernels only."""

    def __init__(self, config: TrackerConfig, sensors: SensorModels) -> None:
        self._config = config
        self._sensors = sensors
        self._noise = (config.process_noise_m2ps3, config.vertical_process_noise_m2ps3)
        self._gates = gates(config.gate_probability)
        self._gain = pairing_gain(config, sensors.clutter_density)
        self._store = TrackStore()
        self._born = 0
        self._confirmed = 0

    def cycle(self, cycle: Cycle, end_s: float) -> None:
        """Take one cycle's plots, then confirm and drop as of ``end_s``."""
        if cycle.time_s.size:
            with threads_for(self._store.count):
                taken = self._update(cycle)
            self._start(cycle, taken)
        self._age(end_s)

    def _update(self, cycle: Cycle) -> Bools:
        """Associate sensor by sensor against the tracks as they stand, then update all."""
        store = self._store
        taken = np.zeros(cycle.time_s.size, np.bool_)
        if store.count == 0:
            return taken
        tracks: list[Ints] = []
        plots: list[Ints] = []
        for sensor, rows in cycle.by_sensor:
            start, plot, log_likelihood = gate_plots(
                store.mean,
                store.covariance,
                store.time_s,
                store.count,
                self._noise,
                self._sensors.origin_enu_m[sensor],
                self._sensors.enu_R_sensor[sensor],
                cycle.time_s[rows],
                cycle.measurement[rows],
                cycle.sigma[rows],
                self._gates,
            )
            if plot.size == 0:
                continue
            plot_of = assign(
                start, plot, log_likelihood + self._gain[sensor], rows.stop - rows.start
            )
            paired = np.flatnonzero(plot_of >= 0).astype(np.int32)
            tracks.append(paired)
            plots.append(plot_of[paired] + np.int32(rows.start))
        if not tracks:
            return taken
        track = np.concatenate(tracks)
        plot = np.concatenate(plots)
        taken[plot] = True
        order = np.lexsort((cycle.time_s[plot], track))
        track, plot = track[order], plot[order]
        first = np.flatnonzero(np.diff(track, prepend=np.int32(-1)))
        update_tracks(
            store.mean,
            store.covariance,
            store.time_s,
            track[first],
            np.append(first, track.size).astype(np.int32),
            plot,
            cycle.time_s,
            cycle.sensor,
            cycle.measurement,
            cycle.sigma,
            self._sensors.origin_enu_m,
            self._sensors.enu_R_sensor,
            *self._noise,
        )
        self._book(cycle, track, plot)
        return taken

    def _start(self, cycle: Cycle, taken: Bools) -> None:
        """Start tracks from the plots that no track took."""
        if taken.all():
            return
        config, sensors, store = self._config, self._sensors, self._store
        count_before = store.count
        for sensor, rows in cycle.by_sensor:
            free = (np.flatnonzero(~taken[rows]) + rows.start).astype(np.int32)
            if free.size == 0:
                continue
            store.reserve(store.count + free.size)
            started = np.empty(free.size, np.bool_)
            count = start_tracks(
                store.mean,
                store.covariance,
                store.time_s,
                store.count,
                store.count - count_before,
                free,
                cycle.time_s,
                cycle.measurement,
                cycle.sigma,
                sensors.origin_enu_m[sensor],
                sensors.enu_R_sensor[sensor],
                sensors.height_m[sensor],
                config.start_height_m,
                config.start_height_sigma_m,
                config.start_speed_sigma_mps,
                config.start_climb_sigma_mps,
                self._gates[3],
                started,
            )
            new = np.arange(store.count, count, dtype=np.int32)
            store.count = count
            self._born += new.size
            store.number[new] = np.arange(-self._born + new.size - 1, -self._born - 1, -1)
            store.status[new] = TrackStatus.TENTATIVE
            store.birth_s[new] = store.time_s[new]
            store.birth_period_s[new] = sensors.period_s[sensor]
            store.look[new] = 0
            store.history[new] = 0
            store.hits[new] = 0
            store.replies[:, new] = 0
            store.sensors[new] = 0
            self._book(cycle, new, free[started])

    def _book(self, cycle: Cycle, tracks: Ints, plots: Ints) -> None:
        store = self._store
        count_hits(
            tracks,
            plots,
            cycle.time_s,
            cycle.sensor,
            cycle.reply,
            self._sensors.period_s,
            store.birth_s,
            store.birth_period_s,
            store.look,
            store.history,
            store.last_plot_s,
            store.last_period_s,
            store.hits,
            store.replies,
            store.sensors,
        )

    def _age(self, end_s: float) -> None:
        config, store = self._config, self._store
        alive = np.empty(store.count, np.bool_)
        tentative = store.status[: store.count] == TrackStatus.TENTATIVE
        age_tracks(
            end_s,
            store.count,
            store.covariance,
            store.time_s,
            self._noise[0],
            store.birth_s,
            store.birth_period_s,
            store.look,
            store.history,
            store.last_plot_s,
            store.last_period_s,
            config.confirm_hits,
            config.confirm_looks,
            config.coast_max_s,
            config.position_sigma_max_m**2,
            store.status,
            alive,
        )
        tentative &= store.status[: store.count] != TrackStatus.TENTATIVE
        promoted = np.flatnonzero(tentative)
        store.number[promoted] = self._confirmed + 1 + np.arange(promoted.size)
        self._confirmed += promoted.size
        store.keep(alive)

    def picture(self, time_s: float) -> Tracks:
        """Return all tracks, extrapolated to ``time_s``."""
        store = self._store
        n = store.count
        position = np.empty((n, 3))
        velocity = np.empty((n, 3))
        covariance = np.empty((n, 3, 3))
        extrapolate(
            store.mean,
            store.covariance,
            store.time_s,
            time_s,
            *self._noise,
            position,
            velocity,
            covariance,
        )
        return Tracks(
            time_s=time_s,
            number=store.number[:n].copy(),
            position_enu_m=position,
            velocity_enu_mps=velocity,
            position_covariance_m2=covariance,
            status=store.status[:n].copy(),
            last_plot_s=store.last_plot_s[:n].copy(),
            hits=store.hits[:n].copy(),
            sensors=store.sensors[:n].copy(),
            replies=store.replies[:, :n].T.copy(),
            identity=np.full(n, Identity.PENDING, np.uint8),
        )
