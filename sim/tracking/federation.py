"""Trackers of single sites: each has its own sensors, and speaks of them as everybody does."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.tables import Floats, Indices, Ints, Measured, Plots, Tracks
from sim.tracking.config import TrackerConfig
from sim.tracking.estimates import Estimates
from sim.tracking.intake import Rejected
from sim.tracking.registration import Biases
from sim.tracking.sensor_models import SensorModels
from sim.tracking.tracker import Tracker

_WORD = np.uint64(64)
#: A guessed height is not seen under a larger sine of elevation, ±14°.
_SINE_MAX = 0.25


class SiteTracker:
    """A tracker that knows some of a scenario's sensors, by the scenario's numbers.

    Parameters
    ----------
    config : settings
    sensors : all sensors of the scenario
    own : which of them are this site's
    keep_taken : as for ``Tracker``
    """

    def __init__(
        self,
        config: TrackerConfig,
        sensors: SensorModels,
        own: Ints,
        *,
        keep_taken: bool = False,
    ) -> None:
        self._own = own
        self._local = np.full(len(sensors), -1, np.int32)
        self._local[own] = np.arange(own.size)
        self._tracker = Tracker(
            config,
            SensorModels(*(getattr(sensors, f.name)[own] for f in fields(sensors))),
            keep_taken=keep_taken,
        )

    def process(self, plots: Plots, until_s: float) -> None:
        """Take this site's plots out of a table into its picture.

        Parameters
        ----------
        plots : of any of the scenario's sensors
        until_s : the picture's new time
        """
        local = self._local[plots.sensor]
        mine = local >= 0
        self._tracker.process(replace(plots.take(mine), sensor=local[mine]), until_s)

    def picture(self, time_s: float) -> Tracks:
        """Return all tracks, extrapolated to a time."""
        return self.states(time_s).as_tracks()

    def states(self, time_s: float) -> Estimates:
        """Return all tracks of ``picture`` with full states."""
        states = self._tracker.states(time_s)
        return replace(states, sensors=self._known_to_all(states.sensors))

    def estimates(self, time_s: float) -> Estimates:
        """Return the confirmed tracks, extrapolated to a time, as told to others.

        Of a track that no sensor measured the elevation of, only what was measured is told.
        """
        report = self._tracker.estimates(time_s)
        report = without_height(report, self._tracker.sensors, self._tracker.config)
        return replace(report, sensors=self._known_to_all(report.sensors))

    def biases(self) -> tuple[Ints, Biases] | None:
        """Return this site's sensors, by the scenario's numbers, and their estimated biases."""
        found = self._tracker.biases()
        return None if found is None else (self._own, found)

    def taken(self) -> tuple[Plots, Ints]:
        """Return the plots that confirmed tracks took since the last call, as ``Tracker``."""
        plots, number = self._tracker.taken()
        return replace(plots, sensor=self._own[plots.sensor]), number

    @property
    def rejected(self) -> Rejected:
        """Plots that were dropped, and why."""
        return self._tracker.rejected

    @property
    def rejected_by_sensor(self) -> Indices:
        """(S + 1, 5) of them by the scenario's sensors and reason, as ``Tracker``."""
        counts = np.zeros((self._local.size + 1, len(fields(Rejected))), np.int64)
        counts[np.append(self._own, -1)] = self._tracker.rejected_by_sensor
        return counts

    def _known_to_all(self, sensors: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Turn bits that stand for this site's sensors into those of the scenario's."""
        result = np.zeros_like(sensors)
        for local, number in enumerate(self._own.astype(np.uint64)):
            used = (sensors >> np.uint64(local) % _WORD) & np.uint64(1)
            result |= used << number % _WORD
        return result


def without_height(report: Estimates, sensors: SensorModels, config: TrackerConfig) -> Estimates:
    """Return a report in which heights that were never measured are the general guess again.

    Parameters
    ----------
    report : of a tracker with the given sensors and settings
    sensors : ``report.sensors`` has bit s set if sensor s updated a track
    config : says what to guess

    Returns
    -------
    Estimates
        Of tracks updated by polar sensors without elevation alone: at the same range and
        azimuth from the first of them, with the same rates, but at ``start_height_m`` without
        climb. Range bends around the sensor, which a covariance cannot say: the second-order
        terms of the height are added to it (Bar-Shalom, Li, Kirubarajan, Estimation with
        Applications to Tracking and Navigation, 10.3.2).

    Notes
    -----
    Linearised again and again, ranges make an extended Kalman filter believe in a height that
    it has never seen. Other sites would not recognise their own target in it.
    """
    if not len(sensors) or not len(report):
        return report
    flat = (sensors.kind == Measured.POLAR) & sensors.measures[:, :2].all(axis=1)
    flat &= ~sensors.measures[:, 2]
    bit = np.left_shift(np.uint64(1), np.arange(len(sensors), dtype=np.uint64) % _WORD)
    used = (report.sensors[:, None] & bit) != 0
    rows = np.flatnonzero(~(used & ~flat).any(axis=1))
    if not rows.size:
        return report
    s = used[rows].argmax(axis=1)
    R, origin = sensors.enu_R_sensor[s], sensors.origin_enu_m[s]
    turn = np.zeros((rows.size, 6, 6))
    turn[:, :3, :3] = turn[:, 3:, 3:] = R.transpose(0, 2, 1)
    place = report.mean[rows]
    place[:, :3] -= origin
    measured, A = _polar(np.einsum("kij,kj->ki", turn, place))
    A = A @ turn
    drop = np.square(measured[:, 0]) / (2.0 * MEAN_EARTH_RADIUS_M)
    limit = _SINE_MAX * measured[:, 0]
    height = np.clip(config.start_height_m - sensors.height_m[s] - drop, -limit, limit)
    sigma = np.minimum(config.start_height_sigma_m, limit)
    climb_sigma = config.start_climb_sigma_mps
    local, B, bend = _placed(measured, height, sigma, climb_sigma)
    spread = np.zeros((rows.size, 6, 6))
    spread[:, :4, :4] = A @ report.covariance[rows] @ A.transpose(0, 2, 1)
    spread[:, 4, 4] = sigma**2
    spread[:, 5, 5] = climb_sigma**2
    back = turn.transpose(0, 2, 1)
    mean, covariance = report.mean.copy(), report.covariance.copy()
    mean[rows] = np.einsum("kij,kj->ki", back, local)
    mean[rows, :3] += origin
    covariance[rows] = back @ (B @ spread @ B.transpose(0, 2, 1) + bend) @ turn
    return replace(report, mean=mean, covariance=covariance)


def _polar(local: Floats) -> tuple[Floats, Floats]:
    """Range, azimuth and their rates (K, 4) of states (K, 6), and the derivatives (K, 4, 6)."""
    e, n, u, ve, vn, vu = local.T
    level2 = np.maximum(e * e + n * n, 1.0)
    r = np.sqrt(level2 + u * u)
    rate = (e * ve + n * vn + u * vu) / r
    turning = (n * ve - e * vn) / level2
    A = np.zeros((r.size, 4, 6))
    A[:, 0, :3] = A[:, 2, 3:] = local[:, :3] / r[:, None]
    A[:, 1, :2] = A[:, 3, 3:5] = np.column_stack([n, -e]) / level2[:, None]
    A[:, 2, :3] = (local[:, 3:] - rate[:, None] * local[:, :3] / r[:, None]) / r[:, None]
    A[:, 3, 0] = (-vn - 2.0 * e * turning) / level2
    A[:, 3, 1] = (ve - 2.0 * n * turning) / level2
    return np.column_stack([r, np.arctan2(e, n), rate, turning]), A


def _placed(
    measured: Floats, height: Floats, sigma: Floats, climb_sigma: float
) -> tuple[Floats, Floats, Floats]:
    """Put what ``_polar`` returned at heights (K,), level.

    Returns
    -------
    states (K, 6), their derivatives (K, 6, 6) by range, azimuth, both rates, height and climb,
    and the covariance (K, 6, 6) that stands for the second-order terms of height and climb
    """
    r, azimuth, rate, turning = measured.T
    s, c = np.sin(azimuth), np.cos(azimuth)
    level = np.sqrt(r * r - height * height)
    opening = r * rate / level
    zero, one = np.zeros_like(r), np.ones_like(r)
    state = np.column_stack(
        [
            level * s,
            level * c,
            height,
            opening * s + level * turning * c,
            opening * c - level * turning * s,
            zero,
        ]
    )
    # Derivatives of ground range and of its rate by range, its rate, height and climb.
    level_r, level_h = r / level, -height / level
    opening_r = rate / level - opening * r / level**2
    opening_h = opening * height / level**2
    B = np.array(
        [
            [level_r * s, level * c, zero, zero, level_h * s, zero],
            [level_r * c, -level * s, zero, zero, level_h * c, zero],
            [zero, zero, zero, zero, one, zero],
            [
                opening_r * s + level_r * turning * c,
                state[:, 4],
                level_r * s,
                level * c,
                opening_h * s + level_h * turning * c,
                level_h * s,
            ],
            [
                opening_r * c - level_r * turning * s,
                -state[:, 3],
                level_r * c,
                -level * s,
                opening_h * c - level_h * turning * s,
                level_h * c,
            ],
            [zero, zero, zero, zero, zero, one],
        ]
    ).transpose(2, 0, 1)
    curve = 0.75 * sigma**4 * r**4 / level**6
    drift = (sigma * climb_sigma / level) ** 2 + 0.75 * (sigma**2 * opening / level**2) ** 2
    away = np.column_stack([s, c])
    outwards = away[:, :, None] * away[:, None, :]
    bend = np.zeros((r.size, 6, 6))
    bend[:, :2, :2] = curve[:, None, None] * outwards
    bend[:, 3:5, 3:5] = drift[:, None, None] * outwards
    return state, B, bend
