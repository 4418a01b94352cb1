"""The polar measurement, its Jacobian and its inverse."""

from __future__ import annotations

import numpy as np
import pytest
from reference import numerical_jacobian, polar

from sim.core import measurement
from sim.core.measurement import innovation_distance, polar_to_position, wrap_angle


def random_rotation(rng: np.random.Generator) -> np.ndarray:
    Q, R = np.linalg.qr(rng.normal(size=(3, 3)))
    Q = Q * np.sign(np.diag(R))
    return Q if np.linalg.det(Q) > 0 else -Q


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_polar_and_its_jacobian(rng: np.random.Generator) -> None:
    for _ in range(50):
        x = np.concatenate([rng.normal(size=3) * 3e4, rng.normal(size=3) * 200])
        origin, axes = rng.normal(size=3) * 1e3, random_rotation(rng)
        predicted, H = np.empty(4), np.empty((4, 6))
        measurement.polar(x, origin, axes, predicted, H)
        np.testing.assert_allclose(predicted, polar(x, origin, axes), rtol=1e-12, atol=1e-12)
        numerical = numerical_jacobian(
            lambda s, o=origin, a=axes: polar(s, o, a), x, np.array([0.5] * 3 + [0.1] * 3)
        )
        np.testing.assert_allclose(H, numerical, rtol=2e-5, atol=1e-9)


def test_straight_overhead_stays_finite() -> None:
    predicted, H = np.empty(4), np.empty((4, 6))
    measurement.polar(np.array([0, 0, 5e3, 0, 0, 0.0]), np.zeros(3), np.eye(3), predicted, H)
    assert np.isfinite(predicted).all()
    assert np.isfinite(H).all()
    assert predicted[2] == pytest.approx(np.pi / 2, abs=1e-6)


def test_position_of_a_plot_inverts_the_measurement(rng: np.random.Generator) -> None:
    origin, axes = np.array([100.0, -50.0, 30.0]), random_rotation(rng)
    x = np.array([2e4, -1.5e4, 4e3, 0.0, 0.0, 0.0])
    r, azimuth, elevation, _ = polar(x, origin, axes)
    sigma = np.array([30.0, 0.004, 0.006])
    position, noise = np.empty(3), np.empty(6)
    polar_to_position(r, azimuth, elevation, sigma, origin, axes, position, noise)
    np.testing.assert_allclose(position, x[:3], rtol=1e-12)
    J = np.linalg.inv(
        numerical_jacobian(
            lambda p: polar(np.append(p, [0, 0, 0]), origin, axes)[:3], x[:3], np.full(3, 0.5)
        )
    )
    covariance = (J @ np.diag(sigma**2) @ J.T)[np.triu_indices(3)]
    np.testing.assert_allclose(noise, covariance, rtol=1e-5, atol=1e-3)


@pytest.mark.parametrize("missing", [(), (2,), (3,), (2, 3)])
def test_distance_and_determinant_over_measured_components(
    missing: tuple[int, ...], rng: np.random.Generator
) -> None:
    A = rng.normal(size=(4, 4))
    S, sigma, innovation = A @ A.T, rng.uniform(0.5, 2, 4), rng.normal(size=4)
    measured = np.zeros(4)
    measured[list(missing)] = np.nan
    d2, log_det, m = innovation_distance(innovation, S, sigma, measured, np.empty((4, 5)))
    kept = [k for k in range(4) if k not in missing]
    total = (S + np.diag(sigma**2))[np.ix_(kept, kept)]
    assert m == len(kept)
    assert d2 == pytest.approx(innovation[kept] @ np.linalg.solve(total, innovation[kept]))
    assert log_det == pytest.approx(np.linalg.slogdet(total)[1])


@pytest.mark.parametrize("angle", [-10.0, -np.pi, -1.0, 0.0, 3.2, 100.0])
def test_wrapped_angles(angle: float) -> None:
    wrapped = wrap_angle(angle)
    assert -np.pi <= wrapped < np.pi
    assert np.cos(wrapped) == pytest.approx(np.cos(angle))
    assert np.sin(wrapped) == pytest.approx(np.sin(angle), abs=1e-12)
