"""The readable engine: one filterpy filter per track, dense association, plain Python.

It shares no numerical code with the compiled engine; it is there to be read and to
check the other. Both give the same tracks.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from filterpy.kalman import ExtendedKalmanFilter
from scipy.optimize import linear_sum_assignment

from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.tables import (
    AZIMUTH,
    ELEVATION,
    RANGE,
    RANGE_RATE,
    Bools,
    Floats,
    Ints,
    TrackStatus,
)
from sim.tracking.config import TrackerConfig
from sim.tracking.cycle import Cycle, by_scan
from sim.tracking.estimates import Estimates
from sim.tracking.history import Booked, nothing_booked
from sim.tracking.policy import gates
from sim.tracking.reference_height import guess, update_without_height
from sim.tracking.sensor_models import SensorModels

_LEAST_DETECTION = 0.05
_IMPOSSIBLE = -1e12


@dataclass(eq=False)
class _Track:
    """One track: its filter and its life so far."""

    number: int
    filter: ExtendedKalmanFilter
    time_s: float
    birth_s: float
    birth_period_s: float
    status: TrackStatus = TrackStatus.TENTATIVE
    hit_looks: set[int] = field(default_factory=set)
    look: int = 0
    last_plot_s: float = 0.0
    last_period_s: float = 0.0
    hits: int = 0
    replies: list[int] = field(default_factory=lambda: [0, 0, 0])
    sensors: int = 0
    hit_s: dict[int, float] = field(default_factory=dict)
    hidden_s: float = 0.0


class ReferenceEngine:
    """Tracks as a list of objects, each with filterpy's extended Kalman filter."""

    def __init__(self, config: TrackerConfig, sensors: SensorModels) -> None:
        self._config = config
        self._sensors = sensors
        self._gates = gates(config.gate_probability)
        self._tracks: list[_Track] = []
        self._born = 0
        self._confirmed = 0
        self._time_s = -math.inf
        self.booked = nothing_booked()
        self._taken: list[tuple[int, int, bool]] = []
        self.wants_pairs = False
        self.pairs: tuple[Ints, Ints, Floats] = (
            np.empty(0, np.int32),
            np.empty(0, np.int32),
            np.empty((0, 3)),
        )

    def cycle(self, cycle: Cycle, end_s: float) -> None:
        """Take one cycle's plots, then confirm and drop as of ``end_s``."""
        pairs: list[tuple[_Track, int, bool]] = []
        self._taken = []
        for sensor, rows in by_scan(cycle):
            pairs += self._associate(cycle, sensor, rows)
        pairs.sort(key=lambda pair: float(cycle.time_s[pair[1]]))
        for track, plot, shared in pairs:
            self._update(track, cycle, plot, shared)
        taken = {plot for _, plot, _ in pairs}
        older = len(self._tracks)
        for sensor, rows in by_scan(cycle):
            newborn_elsewhere = self._tracks[older:]
            for plot in range(rows.start, rows.stop):
                if plot not in taken:
                    self._start(cycle, sensor, plot, newborn_elsewhere)
        if self.wants_pairs:
            sure = [(track, plot) for track, plot, _ in pairs if track.status > 0]
            self.pairs = (
                np.array([cycle.row[plot] for _, plot in sure], np.int32),
                np.array([track.number for track, _ in sure], np.int32),
                np.array([track.filter.x[3:] for track, _ in sure]).reshape(-1, 3),
            )
        row, number, both = np.array(self._taken, np.int32).reshape(-1, 3).T
        was = np.array([track.number for track in self._tracks], np.int32)
        lives = [self._lives(track, end_s) for track in self._tracks]
        now = np.array([track.number for track in self._tracks], np.int32)
        self.booked = Booked(row, number, both > 0, was[was != now], now[was != now])
        self._tracks = [track for track, kept in zip(self._tracks, lives, strict=True) if kept]
        self._time_s = end_s

    def _associate(self, cycle: Cycle, sensor: int, rows: slice) -> list[tuple[_Track, int, bool]]:
        """Pair one sensor's plots with the tracks, maximising the summed gain.

        The third of a pair tells that the plot may be of two targets.
        """
        n, m = len(self._tracks), rows.stop - rows.start
        gain = np.full((n, m + n), _IMPOSSIBLE)
        for i, track in enumerate(self._tracks):
            gain[i, m + i] = 0.0  # stay without a plot
            p = max(self._detection(track, cycle, sensor, rows), _LEAST_DETECTION)
            for j in range(m):
                log_likelihood = self._log_likelihood(track, cycle, sensor, rows.start + j)
                if log_likelihood is not None:
                    ratio = log_likelihood - math.log(self._sensors.clutter_density[sensor])
                    gain[i, j] = ratio + math.log(p / (1.0 - p))
        chosen_rows, chosen_columns = linear_sum_assignment(-gain)
        holder = {int(j): int(i) for i, j in zip(chosen_rows, chosen_columns, strict=True) if j < m}
        merged: dict[int, int] = {}
        for i in set(range(n)) - set(holder.values()):
            near = [
                j
                for j, k in holder.items()
                if gain[i, j] > _IMPOSSIBLE and self._unresolved(cycle, sensor, i, k)
            ]
            if near:
                merged[i] = max(near, key=lambda j: float(gain[i, j]))
        shared = set(merged.values())
        pairs = [(i, j) for j, i in holder.items()] + list(merged.items())
        return [(self._tracks[i], rows.start + j, j in shared) for i, j in pairs]

    def _unresolved(self, cycle: Cycle, sensor: int, one: int, other: int) -> bool:
        """Tell whether a sensor cannot tell two tracks' targets apart."""
        limit = self._sensors.resolution[sensor]
        places = []
        for track in (self._tracks[one], self._tracks[other]):
            F, _ = self._motion(max(float(cycle.first_s.min()) - track.time_s, 0.0))
            places.append(self._polar(F @ track.filter.x, sensor))
        apart = np.abs(_residual(*places))
        return bool((limit > 0.0).any() and (apart < limit)[limit > 0.0].all())

    def _log_likelihood(self, track: _Track, cycle: Cycle, sensor: int, plot: int) -> float | None:
        """Return ln N(innovation; 0, S) of a plot inside the gate, else None."""
        since_hit_s = cycle.time_s[plot] - track.hit_s.get(sensor, -math.inf)
        if since_hit_s < 0.25 * self._sensors.period_s[sensor]:
            return None  # the same look as that of its last plot
        F, Q = self._motion(cycle.time_s[plot] - track.time_s)
        x = F @ track.filter.x
        P = F @ track.filter.P @ F.T + Q
        measured = ~np.isnan(cycle.measurement[plot])
        H = self._jacobian(x, sensor)[measured]
        innovation = _residual(cycle.measurement[plot], self._polar(x, sensor))[measured]
        S = H @ P @ H.T + np.diag(cycle.sigma[plot][measured] ** 2)
        root = np.linalg.cholesky(S)
        white = np.linalg.solve(root, innovation)
        if white @ white > self._gates[white.size]:
            return None
        log_det = 2.0 * np.log(np.diag(root)).sum()
        return float(-0.5 * (white @ white + log_det + white.size * np.log(2.0 * np.pi)))

    def _update(self, track: _Track, cycle: Cycle, plot: int, shared: bool) -> None:
        time_s = float(cycle.time_s[plot])
        track.filter.F, track.filter.Q = self._motion(time_s - track.time_s)
        track.filter.predict()
        track.time_s = time_s
        components = ~np.isnan(cycle.measurement[plot])

        def update() -> None:
            self._apply(track.filter, cycle, plot, components, shared)

        if components[RANGE] and not components[ELEVATION]:
            sensor = int(cycle.sensor[plot])
            origin = self._sensors.origin_enu_m[sensor]
            update_without_height(
                track.filter,
                origin,
                self._sensors.enu_R_sensor[sensor][:, 2],
                self._guess(float(np.linalg.norm(track.filter.x[:3] - origin)), sensor),
                self._config.start_climb_sigma_mps,
                update,
            )
        else:
            update()
        self._book(track, cycle, plot, shared)

    def _guess(self, range_m: float, sensor: int) -> tuple[float, float]:
        """Return the height assumed above a sensor's plane, and its uncertainty."""
        config = self._config
        return guess(
            range_m,
            float(self._sensors.height_m[sensor]),
            config.start_height_m,
            config.start_height_sigma_m,
        )

    def _apply(
        self,
        kalman: ExtendedKalmanFilter,
        cycle: Cycle,
        plot: int,
        components: Bools,
        shared: bool = False,
    ) -> None:
        """Let filterpy update by the given components of a plot."""
        sensor = int(cycle.sensor[plot])
        variance = cycle.sigma[plot] ** 2
        if shared:
            variance = variance + 0.25 * self._sensors.resolution[sensor] ** 2

        def residual(measured: Floats, predicted: Floats) -> Floats:
            full = np.full(4, np.nan)
            full[components] = measured
            selected: Floats = _residual(full, predicted)[components]
            return selected

        kalman.update(
            cycle.measurement[plot][components],
            lambda x: self._jacobian(x, sensor)[components],
            lambda x: self._polar(x, sensor),
            R=np.diag(variance[components]),
            residual=residual,
        )

    def _start(self, cycle: Cycle, sensor: int, plot: int, newborn_elsewhere: list[_Track]) -> None:
        """Start a track from a plot, unless another sensor's newborn explains it."""
        config, sensors = self._config, self._sensors
        time_s = float(cycle.time_s[plot])
        position, C = self._located(cycle, sensor, plot)
        for track in newborn_elsewhere:
            spread = config.start_speed_sigma_mps * abs(time_s - track.time_s)
            total = track.filter.P[:3, :3] + C + spread**2 * np.eye(3)
            apart = position - track.filter.x[:3]
            if apart @ np.linalg.solve(total, apart) <= self._gates[3]:
                return
        kalman = ExtendedKalmanFilter(dim_x=6, dim_z=4)
        kalman.x = np.concatenate([position, np.zeros(3)])
        R = sensors.enu_R_sensor[sensor]
        speed, climb = config.start_speed_sigma_mps, config.start_climb_sigma_mps
        kalman.P = np.zeros((6, 6))
        kalman.P[:3, :3] = C
        kalman.P[3:, 3:] = R @ np.diag([speed**2, speed**2, climb**2]) @ R.T
        if not np.isnan(cycle.measurement[plot, RANGE_RATE]):
            self._apply(kalman, cycle, plot, np.array([False, False, False, True]))
        self._born += 1
        track = _Track(-self._born, kalman, time_s, time_s, float(sensors.period_s[sensor]))
        self._book(track, cycle, plot)
        self._tracks.append(track)

    def _located(self, cycle: Cycle, sensor: int, plot: int) -> tuple[Floats, Floats]:
        """Return a plot's position and its first-order covariance, scenario ENU."""
        sensors = self._sensors
        r, azimuth, elevation, _ = cycle.measurement[plot]
        sigma = cycle.sigma[plot][:3].copy()
        if math.isnan(elevation):
            height, height_sigma = self._guess(r, sensor)
            elevation = math.asin(height / r)
            sigma[ELEVATION] = height_sigma / r
        sa, ca = math.sin(azimuth), math.cos(azimuth)
        se, ce = math.sin(elevation), math.cos(elevation)
        local = r * np.array([ce * sa, ce * ca, se])
        J = np.array(
            [
                [ce * sa, r * ce * ca, -r * se * sa],
                [ce * ca, -r * ce * sa, -r * se * ca],
                [se, 0.0, r * ce],
            ]
        )
        R = sensors.enu_R_sensor[sensor]
        C = R @ J @ np.diag(sigma**2) @ J.T @ R.T
        return sensors.origin_enu_m[sensor] + R @ local, C

    def _book(self, track: _Track, cycle: Cycle, plot: int, shared: bool = False) -> None:
        self._taken.append((int(cycle.row[plot]), track.number, shared))
        sensor = int(cycle.sensor[plot])
        time_s = float(cycle.time_s[plot])
        look = math.floor((time_s - track.birth_s) / track.birth_period_s + 0.5)
        track.look = max(track.look, look)
        track.hit_looks.add(track.look)
        track.last_plot_s = time_s
        track.last_period_s = float(self._sensors.period_s[sensor])
        track.hits += 1
        track.hit_s[sensor] = time_s
        track.hidden_s = 0.0
        track.replies[int(cycle.reply[plot])] += 1
        track.sensors |= 1 << (sensor % 64)

    def _lives(self, track: _Track, now_s: float) -> bool:
        """Confirm or coast the track as of now; tell whether it is kept."""
        config = self._config
        if track.status == TrackStatus.TENTATIVE:
            m, n = config.confirm_hits, config.confirm_looks
            recent = [look for look in track.hit_looks if look > track.look - n]
            closed = math.floor((now_s - track.birth_s) / track.birth_period_s - 0.5)
            misses = max(closed, track.look) + 1 - len(track.hit_looks)
            if len(recent) < m:
                return misses <= n - m
            self._confirmed += 1
            track.number = self._confirmed
        silent = now_s - track.last_plot_s
        coasting = silent > 1.5 * track.last_period_s
        if coasting and self._hidden(track, now_s):
            track.hidden_s += now_s - max(self._time_s, track.last_plot_s)
        track.status = TrackStatus.COASTING if coasting else TrackStatus.CONFIRMED
        F, Q = self._motion(now_s - track.time_s)
        P = F @ track.filter.P @ F.T + Q
        uncertain = max(P[0, 0], P[1, 1]) > config.position_sigma_max_m**2
        seen_silent = silent - track.hidden_s
        longest = max(config.coast_max_s, config.coast_hidden_max_s)
        return seen_silent <= config.coast_max_s and silent <= longest and not uncertain

    def _hidden(self, track: _Track, now_s: float) -> bool:
        """Tell whether no sensor could see the track's target now."""
        F, _ = self._motion(now_s - track.time_s)
        x = F @ track.filter.x
        sensors = self._sensors
        apart = x[:3] - sensors.origin_enu_m
        drop = (apart[:, :2] ** 2).sum(axis=1) / (2.0 * MEAN_EARTH_RADIUS_M)
        if (sensors.height_m + apart[:, 2] + drop <= sensors.ground_m).all():
            return False  # it landed
        looking = np.flatnonzero(~sensors.listens).tolist()
        return bool(looking) and all(self._sight(x, s, 1.0) <= 0.1 for s in looking)

    def _detection(self, track: _Track, cycle: Cycle, sensor: int, rows: slice) -> float:
        """Return the probability that a scan's look detects the track, half-way through it."""
        if self._sensors.listens[sensor]:
            return 0.0
        first, last = cycle.time_s[rows].min(), cycle.time_s[rows].max()
        x = track.filter.x.copy()
        if last > track.time_s:
            x[:3] += (last - 0.5 * (last - first) - track.time_s) * x[3:]
        return min(self._sight(x, sensor, self._config.detection_probability), 0.9999)

    def _sight(self, x: Floats, s: int, otherwise: float) -> float:
        """Return the detection probability at a place, as the sensor's model has it."""
        models = self._sensors
        r, azimuth, elevation, _ = self._polar(x, s)
        if not models.range_min_m[s] <= r <= models.range_max_m[s]:
            return 0.0
        if not models.elevation_min_rad[s] <= elevation <= models.elevation_max_rad[s]:
            return 0.0
        sectors = models.mask_rad.shape[1]
        sector = int(azimuth / (2.0 * np.pi) % 1.0 * sectors)
        by_range = np.atleast_1d(models.mask_rad[s, min(sector, sectors - 1)])
        part = int(r / models.range_max_m[s] * by_range.size)
        if elevation < by_range[min(part, by_range.size - 1)]:
            return 0.0
        if models.horizon[s]:
            up, ground = r * math.sin(elevation), r * math.cos(elevation)
            mast = models.height_m[s] - models.ground_m[s]
            height = mast + up + ground**2 / (2.0 * MEAN_EARTH_RADIUS_M)
            radius = 4.0 / 3.0 * MEAN_EARTH_RADIUS_M
            heights = np.maximum([mast, height], 0.0)
            if r > np.sqrt(2.0 * radius * heights).sum():
                return 0.0
        if np.isnan(models.snr_range_m[s]):
            return otherwise
        snr = (models.snr_range_m[s] / max(r, 1.0)) ** 4
        return float(models.false_alarm_probability[s] ** (1.0 / (1.0 + snr)))

    @property
    def confirmed(self) -> int:
        """The highest air track number given so far."""
        return self._confirmed

    def remember(self) -> object:
        """Return a copy of the present."""
        return copy.deepcopy((self._tracks, self._born, self._confirmed, self._time_s))

    def recall(self, memory: Any) -> None:
        """Go back to what ``remember`` returned."""
        self._tracks, self._born, self._confirmed, self._time_s = copy.deepcopy(memory)

    def estimates(self, time_s: float, *, confirmed_only: bool = False) -> Estimates:
        """Return the tracks, extrapolated to ``time_s``."""
        tracks = [t for t in self._tracks if not confirmed_only or t.status > 0]
        if not tracks:
            return Estimates.empty(time_s)
        moved = [self._motion(max(time_s - track.time_s, 0.0)) for track in tracks]
        x = np.array([F @ t.filter.x for t, (F, _) in zip(tracks, moved, strict=True)])
        P = np.array([F @ t.filter.P @ F.T + Q for t, (F, Q) in zip(tracks, moved, strict=True)])
        return Estimates(
            time_s=time_s,
            number=np.array([t.number for t in tracks], np.int32),
            mean=x,
            covariance=P,
            last_plot_s=np.array([t.last_plot_s for t in tracks]),
            hits=np.array([t.hits for t in tracks], np.int32),
            sensors=np.array([t.sensors for t in tracks], np.uint64),
            replies=np.array([t.replies for t in tracks], np.int32),
            status=np.array([t.status for t in tracks], np.uint8),
        )

    def _motion(self, dt: float) -> tuple[Floats, Floats]:
        """Return F and Q of nearly constant velocity over dt."""
        config = self._config
        q = np.diag([config.process_noise_m2ps3] * 2 + [config.vertical_process_noise_m2ps3])
        F = np.eye(6)
        F[:3, 3:] = dt * np.eye(3)
        Q = np.block([[q * dt**3 / 3, q * dt**2 / 2], [q * dt**2 / 2, q * dt]])
        return F, Q

    def _polar(self, x: Floats, sensor: int) -> Floats:
        """Return range, azimuth, elevation and range rate of a state."""
        line = x[:3] - self._sensors.origin_enu_m[sensor]
        e, n, u = self._sensors.enu_R_sensor[sensor].T @ line
        r = math.sqrt(line @ line)
        return np.array([r, math.atan2(e, n), math.atan2(u, math.hypot(e, n)), line @ x[3:] / r])

    def _jacobian(self, x: Floats, sensor: int) -> Floats:
        """Return the (4, 6) derivatives of ``_polar``."""
        R = self._sensors.enu_R_sensor[sensor]
        line = x[:3] - self._sensors.origin_enu_m[sensor]
        e, n, u = R.T @ line
        r, horizontal = math.sqrt(line @ line), math.hypot(e, n)
        toward = line / r
        H = np.zeros((4, 6))
        H[RANGE, :3] = toward
        H[AZIMUTH, :3] = R @ np.array([n, -e, 0.0]) / horizontal**2
        H[ELEVATION, :3] = R @ np.array([-e * u, -n * u, horizontal**2]) / (horizontal * r**2)
        H[RANGE_RATE, :3] = (x[3:] - toward * (toward @ x[3:])) / r
        H[RANGE_RATE, 3:] = toward
        return H


def _residual(measured: Floats, predicted: Floats) -> Floats:
    difference: Floats = measured - predicted
    difference[AZIMUTH] = (difference[AZIMUTH] + np.pi) % (2.0 * np.pi) - np.pi
    return difference
