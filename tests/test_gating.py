"""Sparse gating finds exactly the pairs that a dense search finds."""

from __future__ import annotations

import numpy as np
import pytest
from reference import numerical_jacobian, polar, transition, white_noise_acceleration
from tracking_scenes import SIGMA, observed, targets, two_radars

from sim.core.gating import gate_plots
from sim.core.gaussian import PACKED_ROW

GATES = np.array([0.0, 12.1, 15.2, 17.7, 20.0])
NOISE = (20.0, 4.0)


def tracks_of(n: int, seed: int, time_s: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    position, velocity = targets(n, seed)
    mean = np.vstack([(position + velocity * time_s).T, velocity.T])
    covariance = np.zeros((21, n))
    covariance[[0, 3, 5]] = np.random.default_rng(seed).uniform(50.0, 900.0, n) ** 2
    covariance[[15, 18, 20]] = 40.0**2
    return mean, covariance, np.full(n, time_s)


def dense_pairs(mean, covariance, times, plots, sensor):  # type: ignore[no-untyped-def]
    models = two_radars()
    origin, axes = models.origin_enu_m[sensor], models.enu_R_sensor[sensor]
    pairs = {}
    for i in range(mean.shape[1]):
        P0 = covariance[PACKED_ROW, i]
        for j in range(len(plots)):
            dt = plots.time_s[j] - times[i]
            F = transition(dt)
            Q = white_noise_acceleration(dt, (NOISE[0], NOISE[0], NOISE[1]))
            x, P = F @ mean[:, i], F @ P0 @ F.T + Q
            kept = ~np.isnan(plots.measurement[j])
            H = numerical_jacobian(
                lambda s: polar(s, origin, axes), x, np.array([0.5] * 3 + [0.1] * 3)
            )[kept]
            d = plots.measurement[j] - polar(x, origin, axes)
            d[1] = (d[1] + np.pi) % (2 * np.pi) - np.pi
            d = d[kept]
            S = H @ P @ H.T + np.diag(plots.sigma[j][kept] ** 2)
            d2 = d @ np.linalg.solve(S, d)
            if d2 <= GATES[kept.sum()]:
                log_det = np.linalg.slogdet(2 * np.pi * S)[1]
                pairs[i, j] = -0.5 * (d2 + log_det)
    return pairs


@pytest.mark.parametrize("sensor", [0, 1])
def test_equals_the_dense_search(sensor: int) -> None:
    plots = observed(n=25, duration_s=8.0, false_per_turn=30, seed=4)
    plots = plots.take((plots.sensor == sensor) & (plots.time_s > 4.0) & (plots.time_s < 6.0))
    assert len(plots) > 10
    mean, covariance, times = tracks_of(25, seed=4, time_s=4.0)
    models = two_radars()
    start, plot, log_likelihood = gate_plots(
        mean, covariance, times, 25, NOISE, models.origin_enu_m[sensor],
        models.enu_R_sensor[sensor], plots.time_s, plots.measurement, plots.sigma, GATES,
    )  # fmt: skip
    track = np.repeat(np.arange(25), np.diff(start))
    found = dict(zip(zip(track.tolist(), plot.tolist(), strict=True), log_likelihood, strict=True))
    expected = dense_pairs(mean, covariance, times, plots, sensor)
    assert len(expected) > 10
    assert found.keys() == expected.keys()
    for pair, value in expected.items():
        assert found[pair] == pytest.approx(value, abs=1e-4)


def test_a_track_over_the_sensor_sees_plots_all_round() -> None:
    mean = np.zeros((6, 1))
    mean[2] = 300.0
    covariance = np.zeros((21, 1))
    covariance[[0, 3, 5]] = 400.0**2
    covariance[[15, 18, 20]] = 10.0**2
    azimuth = np.linspace(0.05, 6.2, 12)
    measurement = np.column_stack(
        [np.full(12, 350.0), azimuth, np.full(12, 0.8), np.full(12, np.nan)]
    )
    start, plot, _ = gate_plots(
        mean, covariance, np.zeros(1), 1, NOISE, np.zeros(3), np.eye(3), np.full(12, 0.1),
        measurement, np.tile(SIGMA[0], (12, 1)), np.full(5, 1e9),
    )  # fmt: skip
    assert start.tolist() == [0, 12]
    assert sorted(plot.tolist()) == list(range(12))


def test_no_tracks_or_no_plots() -> None:
    models = two_radars()
    arguments = (NOISE, models.origin_enu_m[0], models.enu_R_sensor[0])
    none = gate_plots(
        np.empty((6, 4)), np.empty((21, 4)), np.empty(4), 0, *arguments,
        np.zeros(1), np.ones((1, 4)), np.ones((1, 4)), GATES,
    )  # fmt: skip
    assert none[0].tolist() == [0]
    mean, covariance, times = tracks_of(3, 1, 0.0)
    start, plot, _ = gate_plots(
        mean, covariance, times, 3, *arguments,
        np.empty(0), np.empty((0, 4)), np.empty((0, 4)), GATES,
    )  # fmt: skip
    assert start.tolist() == [0, 0, 0, 0]
    assert plot.size == 0
