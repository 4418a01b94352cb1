"""Obvious twins of the tracker's parts, and plots of given flights for its tests."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from reference import numerical_jacobian, transition, white_noise_acceleration
from scipy.stats import norm
from twins_filters import apart, measured_of

from sim.core.gaussian import PACKED_ROW
from sim.core.motion import Motion
from sim.core.tables import Measured, Plots, Tracks
from sim.tracking import SensorModels, Tracker, TrackerConfig
from sim.tracking.cycle import Cycle
from sim.tracking.policy import Models, Policy
from sim.tracking.store import TrackColumns

Floats = NDArray[np.float64]
#: Borrowed within a cycle by models without white acceleration: horizontal, vertical.
BORROWED_NOISE_M2PS3 = np.array([500.0, 50.0])


def plots_of(
    models: SensorModels,
    s: int,
    time_s: float | Floats,
    states: Floats,
    sigma: Sequence[float],
    rng: np.random.Generator | None = None,
) -> Plots:
    """Return sensor s's plots of states (N, 6), with errors of its sigmas if ``rng`` is given."""
    kind = Measured(models.kind[s])
    sight = (models.origin_enu_m[s], models.enu_R_sensor[s], models.other_enu_m[s])
    n = len(states)
    z = np.array([measured_of(kind, x, *sight) for x in states]).reshape(n, 4)
    spread = np.where(models.measures[s], sigma, np.nan)
    if rng is not None:
        z += spread * rng.normal(size=z.shape)
    if kind in (Measured.POLAR, Measured.BISTATIC):
        z[:, 1] %= 2 * np.pi
    z[:, ~models.measures[s]] = np.nan
    return Plots(
        time_s=np.broadcast_to(np.asarray(time_s, float), (n,)).copy(),
        sensor=np.full(n, s, np.int32),
        measurement=z,
        sigma=np.tile(spread, (n, 1)),
        snr_db=np.full(n, 15.0),
        reply=np.zeros(n, np.uint8),
        truth_id=np.zeros(n, np.int32),
    )


def polar_plots(s: int, time_s: Floats, measurement: Floats, sigma: Sequence[float]) -> Plots:
    """Return plots of given measurements (N, 4)."""
    n = len(measurement)
    return Plots(
        time_s=time_s,
        sensor=np.full(n, s, np.int32),
        measurement=measurement,
        sigma=np.where(np.isnan(measurement), np.nan, np.asarray(sigma)),
        snr_db=np.full(n, 12.0),
        reply=np.zeros(n, np.uint8),
        truth_id=np.full(n, -1, np.int32),
    )


def moved_on(states: Floats, dt: float) -> Floats:
    """Return states (N, 6) that flew straight on."""
    return states @ transition(dt).T


def track_pictures(tracker: Tracker, plots: Plots, times_s: Sequence[float]) -> list[Tracks]:
    """Feed plots call by call, each up to its time, and return the picture after each."""
    pictures = []
    before_s = -math.inf
    for until_s in times_s:
        due = (plots.time_s > before_s) & (plots.time_s <= until_s)
        tracker.process(plots.take(due), until_s)
        pictures.append(tracker.picture())
        before_s = until_s
    return pictures


def tracked(
    config: TrackerConfig, models: SensorModels, plots: Plots, times_s: Sequence[float]
) -> list[Tracks]:
    """Return the pictures of a new tracker."""
    return track_pictures(Tracker(config, models), plots, times_s)


def full_state(tracks: TrackColumns, i: int, m: int, models: Models) -> tuple[Floats, Floats]:
    """Return position and velocity of model m in column i, and their covariance."""
    x = tracks.mean[models.mean_row[m] :, i][:6]
    rows = models.covariance_row[m] + PACKED_ROW[:6, :6]
    return x.copy(), tracks.covariance[rows, i]


def gated(
    tracks: TrackColumns,
    count: int,
    g: int,
    cycle: Cycle,
    models: Models,
    sensors: SensorModels,
    cartesian: bool,
    policy: Policy,
) -> dict[tuple[int, int], tuple[float, float]]:
    """Judge every track with every plot of scan g.

    Returns, for every pair inside a gate, how far inside (0 to 1 of the gate, of the nearest
    model) and the log-likelihood over the models; keys are column and row within the scan.
    """
    s = int(cycle.scan_sensor[g])
    kind = Measured(sensors.kind[s])
    sight = (sensors.origin_enu_m[s], sensors.enu_R_sensor[s], sensors.other_enu_m[s])
    step = np.array([0.5] * 3 + [0.1] * 3)
    first, last = cycle.scan_first[g], cycle.scan_first[g + 1]
    inside = {}
    for i in range(count):
        for time_s in np.unique(cycle.time_s[first:last]):
            dt = max(time_s - tracks.time_s[i], 0.0)
            predicted = []
            for m in range(models.kind.size):
                x, P = full_state(tracks, i, m, models)
                q = BORROWED_NOISE_M2PS3
                if models.kind[m] in (Motion.CONSTANT_VELOCITY, Motion.COORDINATED_TURN):
                    q = models.parameters[m, :2]
                F = transition(dt)
                x = F @ x
                P = F @ P @ F.T + white_noise_acceleration(dt, (q[0], q[0], q[1]))
                z = measured_of(kind, x, *sight)
                H = numerical_jacobian(
                    lambda y, z=z: apart(kind, measured_of(kind, y, *sight), z), x, step
                )
                predicted.append((x, P, z, H))
            for j in first + np.flatnonzero(cycle.time_s[first:last] == time_s):
                distances, logs = [], []
                measured = np.isfinite(cycle.measurement[j])
                if cartesian:
                    measured = np.array([True] * 3 + [False])
                for m, (x, P, z, H) in enumerate(predicted):
                    if cartesian:
                        e, n, u = cycle.noise[j, [0, 3, 5]]
                        en, eu, nu = cycle.noise[j, [1, 2, 4]]
                        R = np.array([[e, en, eu], [en, n, nu], [eu, nu, u]])
                        innovation = cycle.measurement[j, :3] - x[:3]
                        S = P[:3, :3] + R
                    else:
                        innovation = apart(kind, cycle.measurement[j], z)[measured]
                        H_m = H[measured]
                        S = H_m @ P @ H_m.T + np.diag(cycle.sigma[j, measured] ** 2)
                    d2 = innovation @ np.linalg.solve(S, innovation)
                    distances.append(d2)
                    value = -0.5 * (d2 + np.linalg.slogdet(2 * np.pi * S)[1])
                    if cartesian and np.isfinite(cycle.measurement[j, 3]):
                        rate_sigma = np.sqrt(H[3] @ P @ H[3] + cycle.sigma[j, 3] ** 2)
                        value += norm.logpdf(cycle.measurement[j, 3], z[3], rate_sigma)
                    logs.append(value + np.log(tracks.probability[m, i]))
                gate = policy.gates[measured.sum()]
                if min(distances) <= gate:
                    inside[i, int(j - first)] = (
                        float(min(distances) / gate),
                        float(np.logaddexp.reduce(logs)),
                    )
    return inside


def best_pairs(
    candidates: dict[tuple[int, int], float], n_tracks: int, n_plots: int
) -> tuple[float, dict[int, int]]:
    """Return the greatest sum of positive gains over one-to-one pairs, and who got which plot."""
    from scipy.optimize import linear_sum_assignment

    gain = np.zeros((n_tracks, n_plots + n_tracks))  # a plot of its own, none, for every track
    for (i, j), value in candidates.items():
        gain[i, j] = max(value, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    chosen = {
        int(i): int(j) for i, j in zip(rows, columns, strict=True) if j < n_plots and gain[i, j] > 0
    }
    return float(gain[rows, columns].sum()), chosen
