"""Motion models against numerical integration of the same equations."""

from __future__ import annotations

import numpy as np
import pytest
import twins_filters as twins

from sim.core.motion import (
    DIMENSION,
    Motion,
    initial_extra,
    predict,
    predict_constant_velocity,
    predict_cubature,
)

PARAMETERS = {
    Motion.CONSTANT_VELOCITY: np.array([3.0, 0.5, 0.0, 0.0]),
    Motion.CONSTANT_ACCELERATION: np.array([0.5, 0.2, 0.0, 0.0]),
    Motion.SINGER: np.array([5.0, 2.0, 15.0, 0.0]),
    Motion.COORDINATED_TURN: np.array([2.0, 1.0, 1e-4, 0.0]),
    Motion.BALLISTIC: np.array([2.0, 1.0, 1e-2, 0.0]),
}
STATES = {
    Motion.CONSTANT_VELOCITY: np.array([1e3, -2e3, 3e3, 200, -100, 5.0]),
    Motion.CONSTANT_ACCELERATION: np.array([1e3, -2e3, 3e3, 200, -100, 5, 3, -20, 1.0]),
    Motion.SINGER: np.array([1e3, -2e3, 3e3, 200, -100, 5, 3, -20, 1.0]),
    Motion.COORDINATED_TURN: np.array([1e3, -2e3, 3e3, 200, -100, 5, 0.12]),
    Motion.BALLISTIC: np.array([5e4, -2e4, 2.5e4, 1000, -400, -900, np.log(3e-4)]),
}
SIGMA = np.array([50, 40, 60, 10, 12, 8, 0.05, 0.05, 0.05])
LINEAR = (Motion.CONSTANT_VELOCITY, Motion.CONSTANT_ACCELERATION, Motion.SINGER)


def scaled_error(P: np.ndarray, expected: np.ndarray) -> float:
    """Largest error of a covariance in units of its standard deviations."""
    sigma = np.sqrt(np.diag(expected))
    return float(np.max(np.abs(P - expected) / np.outer(sigma, sigma)))


def run(kind: Motion, x: np.ndarray, P: np.ndarray, *dts: float) -> tuple[np.ndarray, np.ndarray]:
    big_x, big_P = twins.padded(x, P)
    for dt in dts:
        predict(int(kind), PARAMETERS[kind], big_x, big_P, dt, np.full((40, 9), np.nan))
    return big_x[: x.size], big_P[: x.size, : x.size]


@pytest.mark.parametrize("dt", [0.02, 1.0, 7.0])
@pytest.mark.parametrize("kind", list(Motion))
def test_prediction_solves_the_equations_of_motion(kind: Motion, dt: float) -> None:
    x = STATES[kind]
    P = twins.random_spread(np.random.default_rng(1), SIGMA[: x.size])
    for start in (P, 1e-12 * P):  # from nothing, what remains is the noise alone
        expected_x, expected_P = twins.predicted(kind, PARAMETERS[kind], x, start, dt)
        new_x, new_P = run(kind, x, start, dt)
        # The drift of the drag enters each second by its mean effect.
        rough = 2e-2 if kind == Motion.BALLISTIC else 1e-5
        np.testing.assert_allclose(new_x, expected_x, rtol=1e-9, atol=1e-4)
        assert scaled_error(new_P, expected_P) < (0.2 * rough if start is P else rough)
        np.testing.assert_array_equal(new_P, new_P.T)


@pytest.mark.parametrize("kind", list(Motion))
def test_two_steps_are_one(kind: Motion) -> None:
    x = STATES[kind]
    P = twins.random_spread(np.random.default_rng(2), SIGMA[: x.size])
    once_x, once_P = run(kind, x, P, 3.0)
    twice_x, twice_P = run(kind, x, P, 1.3, 1.7)
    close = 3e-3 if kind == Motion.BALLISTIC else 1e-9
    np.testing.assert_allclose(twice_x, once_x, rtol=1e-8)
    assert scaled_error(twice_P, once_P) < close


@pytest.mark.parametrize("kind", list(Motion))
def test_no_time_changes_nothing(kind: Motion) -> None:
    x = STATES[kind]
    P = twins.random_spread(np.random.default_rng(3), SIGMA[: x.size])
    new_x, new_P = run(kind, x, P, 0.0)
    np.testing.assert_allclose(new_x, x, rtol=1e-15)
    np.testing.assert_allclose(new_P, P, rtol=1e-13)


@pytest.mark.parametrize("rate", [0.0, 1e-12, 1e-7, 1e-5, 1.99e-2, 2.01e-2, -0.3, 3.0])
def test_turns_of_any_rate(rate: float) -> None:
    """The closed forms and their series for straight flight meet without a step."""
    kind = Motion.COORDINATED_TURN
    x = STATES[kind].copy()
    x[6] = rate
    P = twins.random_spread(np.random.default_rng(4), SIGMA[:7])
    expected_x, expected_P = twins.predicted(kind, PARAMETERS[kind], x, P, 1.0)
    new_x, new_P = run(kind, x, P, 1.0)
    np.testing.assert_allclose(new_x, expected_x, rtol=1e-9)
    assert scaled_error(new_P, expected_P) < 1e-6


def test_a_positive_rate_turns_right() -> None:
    x = np.array([0, 0, 0, 0, 100.0, 0, np.radians(9.0)])  # northbound, 90° in ten seconds
    new_x, _ = run(Motion.COORDINATED_TURN, x, np.eye(7), 10.0)
    np.testing.assert_allclose(new_x[3:5], [100.0, 0.0], atol=1e-9)
    radius = 100.0 / np.radians(9.0)
    np.testing.assert_allclose(new_x[:2], [radius, radius], rtol=1e-12)


@pytest.mark.parametrize("dt", [1e-3, 0.5, 0.999, 1.001, 30.0])
def test_singer_noise_for_short_and_long_steps(dt: float) -> None:
    """Series and closed form, at steps of 10⁻³ to 30 time constants."""
    kind, parameters = Motion.SINGER, np.array([5.0, 2.0, 1.0, 0.0])
    x, P = twins.padded(np.zeros(9), np.zeros((9, 9)))
    predict(int(kind), parameters, x, P, dt, np.empty((40, 9)))
    _, expected = twins.predicted(kind, parameters, np.zeros(9), np.zeros((9, 9)), dt)
    if dt < 0.01:  # as white jerk; the integrator's absolute error is too large here
        for i, s in enumerate((5.0, 5.0, 2.0)):
            assert P[i, i] == pytest.approx(2 * s * s * dt**5 / 20, rel=2e-3)
            assert P[i, i + 6] == pytest.approx(2 * s * s * dt**3 / 6, rel=2e-3)
    else:
        assert scaled_error(P, expected) < 1e-7


def test_free_fall_without_air_conserves_energy() -> None:
    x = np.array([0.0, 0.0, 1e5, 1500.0, 0.0, 800.0, -40.0])
    new_x, _ = run(Motion.BALLISTIC, x, np.eye(7), 60.0)

    def energy(s: np.ndarray) -> float:
        r = np.hypot(np.hypot(s[0], s[1]), s[2] + twins.EARTH_RADIUS_M)
        return float(0.5 * s[3:6] @ s[3:6] - twins.EARTH_MU / r)

    assert energy(new_x) == pytest.approx(energy(x), rel=1e-11)
    assert not np.allclose(new_x, x)


@pytest.mark.parametrize("kind", list(Motion))
def test_prediction_by_points(kind: Motion) -> None:
    x, dt = STATES[kind], 2.0
    P = twins.random_spread(np.random.default_rng(5), SIGMA[: x.size])
    big_x, big_P = twins.padded(x, P)
    predict_cubature(int(kind), PARAMETERS[kind], big_x, big_P, dt, np.full((40, 9), np.nan))
    new_x, new_P = big_x[: x.size], big_P[: x.size, : x.size]
    linear_x, linear_P = run(kind, x, P, dt)
    if kind in LINEAR:
        np.testing.assert_array_equal(new_x, linear_x)
        np.testing.assert_array_equal(new_P, linear_P)
        return
    expected_x, expected_P = twins.predicted_by_points(kind, PARAMETERS[kind], x, P, dt)
    np.testing.assert_allclose(new_x, expected_x, rtol=1e-9, atol=1e-4)
    assert scaled_error(new_P, expected_P) < (3e-3 if kind == Motion.BALLISTIC else 1e-6)
    if kind == Motion.COORDINATED_TURN:  # the points do see the curvature
        assert scaled_error(linear_P, expected_P) > 3e-3


def test_prediction_by_points_of_a_broken_covariance_is_linear() -> None:
    kind = Motion.COORDINATED_TURN
    x, P = STATES[kind], np.diag([1.0, 1, 1, 1, 1, 1, -1e-9])
    big_x, big_P = twins.padded(x, P)
    predict_cubature(int(kind), PARAMETERS[kind], big_x, big_P, 1.0, np.full((40, 9), np.nan))
    expected_x, expected_P = run(kind, x, P, 1.0)
    np.testing.assert_array_equal(big_x[:7], expected_x)
    np.testing.assert_array_equal(big_P[:7, :7], expected_P)


@pytest.mark.parametrize("kind", list(Motion))
def test_newborn_components(kind: Motion) -> None:
    x, P = np.full(9, 7.0), np.full((9, 9), 7.0)
    initial_extra(int(kind), PARAMETERS[kind], x, P)
    n = DIMENSION[kind]
    np.testing.assert_array_equal(x[:6], 7.0)
    np.testing.assert_array_equal(P[:6, :6], 7.0)
    np.testing.assert_array_equal(P[6:n, :6], 0.0)
    np.testing.assert_array_equal(P[:6, 6:n], 0.0)
    expected = {
        Motion.CONSTANT_VELOCITY: [],
        Motion.CONSTANT_ACCELERATION: [100.0, 100.0, 100.0],
        Motion.SINGER: [25.0, 25.0, 4.0],
        Motion.COORDINATED_TURN: [0.01],
        Motion.BALLISTIC: [1.0],
    }[kind]
    np.testing.assert_allclose(P[6:n, 6:n], np.diag(expected).reshape(n - 6, n - 6))
    np.testing.assert_allclose(x[6:n], np.log(2e-4) if kind == Motion.BALLISTIC else 0.0)


def test_constant_velocity_by_either_name() -> None:
    x = STATES[Motion.CONSTANT_VELOCITY]
    P = twins.random_spread(np.random.default_rng(6), SIGMA[:6])
    expected_x, expected_P = run(Motion.CONSTANT_VELOCITY, x, P, 2.0)
    x = x.copy()
    predict_constant_velocity(x, P, 2.0, 3.0, 0.5)
    np.testing.assert_array_equal(x, expected_x)
    np.testing.assert_array_equal(P, expected_P)
