"""Kalman kernels against the textbook form and against published steady states."""

from __future__ import annotations

import numpy as np
import pytest
from reference import kalman_update, transition, white_noise_acceleration

from sim.core.gaussian import (
    PACKED_ROW,
    cholesky,
    kalman_cycle,
    load_state,
    store_state,
    transform,
)
from sim.core.motion import predict_constant_velocity


def random_covariance(rng: np.random.Generator, scale: float = 100.0) -> np.ndarray:
    A = rng.normal(size=(6, 6)) * scale
    return A @ A.T + np.eye(6)


def packed(P: np.ndarray) -> np.ndarray:
    out = np.zeros((21, 1))
    store_state(np.zeros((6, 1)), 0, out, 0, 0, 6, np.zeros(6), P)
    return out[:, 0]


def unpacked(columns: np.ndarray) -> np.ndarray:
    x, P = np.empty(6), np.empty((6, 6))
    load_state(np.zeros((6, 1)), 0, columns, 0, 0, 6, x, P)
    return P


def test_packing_keeps_every_entry() -> None:
    P = random_covariance(np.random.default_rng(0))
    column = packed(P)
    np.testing.assert_array_equal(unpacked(column[:, None].copy()), P)
    assert sorted(np.unique(PACKED_ROW[:6, :6])) == list(range(21))


@pytest.mark.parametrize("n", [6, 7, 9])
def test_stored_states_of_stacked_models_come_back(n: int) -> None:
    rng = np.random.default_rng(5)
    A = rng.normal(size=(9, 9))
    x, P = rng.normal(size=9), A @ A.T
    rows = n * (n + 1) // 2
    mean, covariance = np.full((n + 6, 3), np.nan), np.full((rows + 21, 3), np.nan)
    store_state(mean, 6, covariance, 21, 1, n, x, P)
    assert np.isnan(mean[:6]).all()
    assert np.isnan(covariance[:21]).all()
    assert np.isfinite(covariance[21:, 1]).all()  # no row is left out or written behind
    assert np.isnan(covariance[:, [0, 2]]).all()
    for k in range(6, n):  # behind the six: the matrix rows, one after the other
        start = 21 + k * (k + 1) // 2
        np.testing.assert_array_equal(covariance[start : start + k + 1, 1], P[k, : k + 1])
    back, full = np.full(9, np.nan), np.full((9, 9), np.nan)
    load_state(mean, 6, covariance, 21, 1, n, back, full)
    np.testing.assert_array_equal(back[:n], x[:n])
    np.testing.assert_array_equal(full[:n, :n], P[:n, :n])
    assert np.isnan(full[n:]).all()


def test_cholesky_factor_and_its_refusal() -> None:
    P = random_covariance(np.random.default_rng(6))
    L = np.full((6, 6), np.nan)
    assert cholesky(P, 6, L)
    np.testing.assert_allclose(L, np.linalg.cholesky(P), rtol=1e-9)
    expected = P.copy()
    assert cholesky(P, 6, P)  # in its own place
    np.testing.assert_allclose(P @ P.T, expected, rtol=1e-9)
    assert not cholesky(np.diag([1.0, -1.0, 1.0]), 3, L)
    assert not cholesky(np.diag([1.0, np.nan, 1.0]), 3, L)


def test_transformed_covariance() -> None:
    rng = np.random.default_rng(7)
    P, F = random_covariance(rng), rng.normal(size=(6, 6))
    expected = F @ P @ F.T
    transform(P, F, 6, np.full((9, 9), np.nan))
    np.testing.assert_allclose(P, expected, rtol=1e-9, atol=1e-9 * expected.max())
    np.testing.assert_array_equal(P, P.T)


@pytest.mark.parametrize("dt", [0.0, 0.3, 12.0])
def test_prediction_equals_the_matrix_form(dt: float) -> None:
    rng = np.random.default_rng(1)
    x, P = rng.normal(size=6), random_covariance(rng)
    F, Q = transition(dt), white_noise_acceleration(dt, (3.0, 3.0, 0.5))
    expected_x, expected_P = F @ x, F @ P @ F.T + Q
    predict_constant_velocity(x, P, dt, 3.0, 0.5)
    np.testing.assert_allclose(x, expected_x, rtol=1e-13)
    np.testing.assert_allclose(P, expected_P, rtol=1e-12)


def test_kalman_cycle_equals_the_matrix_form_in_every_column() -> None:
    rng = np.random.default_rng(3)
    n, dt, q = 1500, 0.7, 2.0  # more than one block
    x = rng.normal(size=(n, 6)) * 100
    P = np.array([random_covariance(rng, 10.0) for _ in range(n)])
    R = np.array([random_covariance(rng, 5.0)[:3, :3] for _ in range(n)])
    z = rng.normal(size=(n, 3)) * 100
    mean, covariance = x.T.copy(), np.array([packed(p) for p in P]).T.copy()
    upper = np.triu_indices(3)
    kalman_cycle(mean, covariance, z.T.copy(), R[:, upper[0], upper[1]].T.copy(), dt, q)
    F, Q, H = transition(dt), white_noise_acceleration(dt, (q, q, q)), np.eye(3, 6)
    for i in range(0, n, 7):
        predicted_x, predicted_P = F @ x[i], F @ P[i] @ F.T + Q
        ex, eP, _ = kalman_update(predicted_x, predicted_P, z[i] - predicted_x[:3], H, R[i])
        np.testing.assert_allclose(mean[:, i], ex, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(covariance[:, i], packed(eP), rtol=1e-8, atol=1e-7)


def test_kalman_cycle_of_nothing_is_nothing() -> None:
    kalman_cycle(np.empty((6, 0)), np.empty((21, 0)), np.empty((3, 0)), np.empty((6, 0)), 1.0, 1.0)


@pytest.mark.parametrize(
    ("detection_probability", "position", "velocity", "cross"),
    [(1.0, 5.485276, 2.081564, 2.124788), (0.9, 6.688365, 2.231652, 2.448469)],
)
def test_steady_state_of_the_riccati_equation(
    detection_probability: float, position: float, velocity: float, cross: float
) -> None:
    """T 1 s, q 1, R 10 per axis; with missed detections the average of both outcomes."""
    P = np.eye(6) * 50.0
    updated = np.empty((21, 1))
    for _ in range(300):
        predicted = P.copy()
        predict_constant_velocity(np.zeros(6), predicted, 1.0, 1.0, 1.0)
        updated[:, 0] = packed(P)
        noise = np.array([[10.0], [0], [0], [10.0], [0], [10.0]])
        kalman_cycle(np.zeros((6, 1)), updated, np.zeros((3, 1)), noise, 1.0, 1.0)
        P = detection_probability * unpacked(updated) + (1.0 - detection_probability) * predicted
    np.testing.assert_allclose(np.diag(P)[:3], position, atol=1e-6)
    np.testing.assert_allclose(np.diag(P)[3:], velocity, atol=1e-6)
    np.testing.assert_allclose(np.diag(P, 3), cross, atol=1e-6)


def test_covariance_stays_positive_definite_over_many_updates() -> None:
    rng = np.random.default_rng(4)
    mean, covariance = np.zeros((6, 1)), packed(np.diag([1e10] * 3 + [1e5] * 3))[:, None].copy()
    noise = np.array([[1.0], [0], [0], [1e4], [0], [1e4]])
    for _ in range(20_000):
        kalman_cycle(mean, covariance, rng.normal(size=(3, 1)), noise, 1.0, 0.1)
    assert np.linalg.eigvalsh(unpacked(covariance)).min() > 0
