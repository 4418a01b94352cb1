"""Extended, cubature and position updates against their joint twins."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
import twins_filters as twins
from test_measurement import random_rotation

from sim.core.gaussian import cholesky
from sim.core.jit import kernel
from sim.core.measurement import polar, to_position
from sim.core.motion import DIMENSION, Motion, predict
from sim.core.tables import Measured
from sim.core.update import (
    cubature_update,
    extended_update,
    position_log_likelihood,
    position_update,
)

SIGMA = {
    Measured.POLAR: np.array([30.0, 0.003, 0.004, 2.0]),
    Measured.POSITION: np.array([20.0, 30.0, 40.0, 1.0]),
    Measured.BISTATIC: np.array([30.0, 0.01, 0.01, 2.0]),
    Measured.TIME_DIFFERENCE: np.array([2e-8, 1.0, 1.0, 1.0]),
}
SPREAD = np.array([300, 300, 200, 30, 30, 20, 3, 3, 3.0])
KEPT = {
    Measured.POLAR: [(0, 1, 2, 3), (0, 1, 2), (0, 1), (0, 1, 3), (1, 2), (1,), ()],
    Measured.POSITION: [(0, 1, 2), (0, 1)],
    Measured.BISTATIC: [(0, 1, 2, 3), (0, 1), (0, 3)],
    Measured.TIME_DIFFERENCE: [(0,)],
}
CASES = [(kind, kept) for kind, choices in KEPT.items() for kept in choices]
UPDATES = [(extended_update, twins.extended), (cubature_update, twins.cubature)]


def scratch() -> np.ndarray:
    return np.full((40, 9), np.nan)


def scene(
    rng: np.random.Generator, kind: Measured, kept: tuple[int, ...], n: int, scale: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, twins.Sight]:
    x = np.concatenate([rng.normal(size=3) * 3e4, rng.normal(size=3) * 200, rng.normal(size=3)])
    P = twins.random_spread(rng, SPREAD[:n] * scale)
    sight = rng.normal(size=3) * 1e3, random_rotation(rng), rng.normal(size=3) * 1e4
    truth = rng.multivariate_normal(x[:n], P)
    z = twins.measured_of(kind, truth, *sight) + SIGMA[kind] * rng.normal(size=4)
    z[[a for a in range(4) if a not in kept]] = np.nan
    return x[:n], P, z, sight


def scaled(P: np.ndarray, expected: np.ndarray, prior: np.ndarray) -> float:
    sigma = np.sqrt(np.diag(prior))
    return float(np.max(np.abs(P - expected) / np.outer(sigma, sigma)))


@pytest.mark.parametrize("n", [6, 7, 9])
@pytest.mark.parametrize(("kind", "kept"), CASES)
@pytest.mark.parametrize(("update", "twin"), UPDATES)
def test_updates_equal_the_joint_one(update, twin, kind, kept, n) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng([n, kind, len(kept)])
    for _ in range(5):
        x, P, z, sight = scene(rng, kind, kept, n)
        big_x, big_P = twins.padded(x, P)
        args = (n, z, SIGMA[kind], *sight, scratch())
        log_likelihood = update(int(kind), big_x, big_P, *args)
        new_x, new_P = big_x[:n], big_P[:n, :n]
        if not kept:
            assert log_likelihood == 0.0
            np.testing.assert_allclose(new_x, x, rtol=1e-15)
            np.testing.assert_allclose(new_P, P, rtol=1e-10, atol=1e-10)
            continue
        expected_x, expected_P, expected, _ = twin(kind, x, P, z, SIGMA[kind], sight)
        assert np.max(np.abs(new_x - expected_x) / np.sqrt(np.diag(P))) < 1e-6
        assert scaled(new_P, expected_P, P) < 1e-6
        assert log_likelihood == pytest.approx(expected, abs=1e-5)
        np.testing.assert_array_equal(new_P, new_P.T)


def test_an_azimuth_across_north_is_near() -> None:
    x, P = np.array([-1.0, 1e4, 0, 0, 0, 0]), np.eye(6) * 100.0
    z = np.array([np.nan, 1e-4, np.nan, np.nan])  # measured just east, believed just west
    for update, _ in UPDATES:
        big_x, big_P = twins.padded(x, P)
        z[1] = 1e-4 + 2 * np.pi
        update(0, big_x, big_P, 6, z, np.full(4, 1e-3), np.zeros(3), np.eye(3), x[:3], scratch())
        assert -1.0 < big_x[0] < 1.0


def test_cubature_sees_the_curvature_that_extended_does_not() -> None:
    """A long bearing banana: the mean of exact range over the spread is longer."""
    x = np.array([0.0, 1e4, 0, 0, 0, 0])
    P = np.diag([2e3**2, 1.0, 1.0, 1, 1, 1])
    z = np.array([np.hypot(1e4, 2e3), np.nan, np.nan, np.nan])  # the mean range, to 2nd order
    moved = {}
    for update, _ in UPDATES:
        big_x, big_P = twins.padded(x, P)
        sight = (np.zeros(3), np.eye(3), np.zeros(3))
        update(0, big_x, big_P, 6, z, np.full(4, 10.0), *sight, scratch())
        moved[update] = abs(big_x[1] - 1e4)
    assert moved[cubature_update] < 0.1 * moved[extended_update]


def test_cubature_of_a_broken_covariance_is_extended() -> None:
    rng = np.random.default_rng(8)
    x, P, z, sight = scene(rng, Measured.POLAR, (0, 1, 2), 6)
    P[5, 5] = -1.0
    results = []
    for update, _ in UPDATES:
        big_x, big_P = twins.padded(x, P)
        args = (6, z, SIGMA[Measured.POLAR], *sight, scratch())
        results.append((update(0, big_x, big_P, *args), big_x, big_P))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("n", [6, 7, 9])
def test_position_update_and_its_likelihood(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(10):
        x, P = rng.normal(size=n) * 100, twins.random_spread(rng, SPREAD[:n])
        R = twins.random_spread(rng, np.array([100.0, 20.0, 300.0]))
        position = x[:3] + rng.normal(size=3) * 200
        packed = R[np.triu_indices(3)]
        big_x, big_P = twins.padded(x, P)
        d2, before = position_log_likelihood(big_x, big_P, position, packed)
        log_likelihood = position_update(big_x, big_P, n, position, packed, scratch())
        expected_x, expected_P, expected, nis = twins.by_position(x, P, position, R)
        assert (d2, before) == pytest.approx((nis, expected), rel=1e-9)
        assert log_likelihood == pytest.approx(before, rel=1e-9)
        np.testing.assert_allclose(big_x[:n], expected_x, rtol=1e-9, atol=1e-9)
        assert scaled(big_P[:n, :n], expected_P, P) < 1e-10
        np.testing.assert_array_equal(big_P[:n, :n], big_P[:n, :n].T)


def test_a_position_without_a_distribution_is_refused() -> None:
    x, P = twins.padded(np.zeros(6), np.eye(6))
    before = P.copy()
    noise = np.array([1.0, 3.0, 0, 1.0, 0, 1.0])
    assert position_update(x, P, 6, np.ones(3), noise, scratch()) == -np.inf
    assert position_log_likelihood(x, P, np.ones(3), noise) == (np.inf, -np.inf)
    np.testing.assert_array_equal(P, before)


def test_converted_and_extended_updates_agree_far_off() -> None:
    rng = np.random.default_rng(9)
    for kind in (Measured.POLAR, Measured.POSITION):
        x, P, z, sight = scene(rng, kind, (0, 1, 2), 6, scale=0.3)
        position, noise = np.empty(3), np.empty(6)
        assert to_position(int(kind), z, SIGMA[kind], *sight[:2], position, noise)
        one_x, one_P = twins.padded(x, P)
        two_x, two_P = twins.padded(x, P)
        position_update(one_x, one_P, 6, position, noise, scratch())
        extended_update(int(kind), two_x, two_P, 6, z, SIGMA[kind], *sight, scratch())
        exact = kind == Measured.POSITION
        assert np.max(np.abs(one_x - two_x)[:3]) < (1e-7 if exact else 5.0)
        assert scaled(one_P[:6, :6], two_P[:6, :6], P) < (1e-9 if exact else 0.02)


@kernel()
def many_cycles(filter_, motion, parameters, n, x, P, gaps, z, sigma, position, noise, axes, work):  # type: ignore[no-untyped-def]
    """Predict and update over and over; returns how often P was not positive definite."""
    broken = 0
    here = np.zeros(3)
    factor = np.empty((9, 9))
    for k in range(gaps.size):
        predict(motion, parameters, x, P, gaps[k], work)
        if filter_ == 0:
            extended_update(0, x, P, n, z, sigma, here, axes, here, work)
        elif filter_ == 1:
            cubature_update(0, x, P, n, z, sigma, here, axes, here, work)
        else:
            position_update(x, P, n, position, noise, work)
        if k % 100 == 0 and not cholesky(P, n, factor):
            broken += 1
    return broken


def long_double_cycle(P, order, dt, q, H, variances):  # type: ignore[no-untyped-def]
    """Predict a chain of integrators and update one by one in Joseph's form."""
    n = 3 * order
    F, Q = np.eye(n, dtype=np.longdouble), np.zeros((n, n), np.longdouble)
    dt = np.longdouble(dt)
    integral = [dt**k / math.factorial(k) for k in range(order)]
    for a in range(order):
        for b in range(order):
            i, j = order - 1 - a, order - 1 - b
            power = i + j + 1
            value = q * dt**power / (power * math.factorial(i) * math.factorial(j))
            for axis in range(3):
                Q[3 * a + axis, 3 * b + axis] = value
                if b >= a:
                    F[3 * a + axis, 3 * b + axis] = integral[b - a]
    P = F @ P @ F.T + Q
    for h, r in zip(H, variances, strict=True):
        k = P @ h / (h @ P @ h + r)
        A = np.eye(n, dtype=np.longdouble) - np.outer(k, h)
        P = A @ P @ A.T + r * np.outer(k, k)
    return P


@pytest.mark.slow
@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="a million steps")
@pytest.mark.parametrize(("sigma", "q"), [(1e-3, 1e-6), (100.0, 1e3)])
@pytest.mark.parametrize("motion", [Motion.CONSTANT_VELOCITY, Motion.CONSTANT_ACCELERATION])
@pytest.mark.parametrize("filter_", [0, 1, 2], ids=["extended", "cubature", "position"])
def test_covariances_stay_positive_definite_over_a_million_steps(
    filter_: int, motion: Motion, sigma: float, q: float
) -> None:
    """Gaps of up to a minute between looks; the last steps again in long double.

    Not a millimetre with 10³ m²/s⁵: after a minute the prior's variance is 2·10¹⁶ of the
    measurement's, more than a double can tell apart.
    """
    n = DIMENSION[motion]
    steps = 10**6 if filter_ != 1 or n == 6 else 10**5  # nine dimensions by points are slow
    rng = np.random.default_rng(10)
    x = np.array([2e4, 1e4, 5e3, 0, 0, 0, 0, 0, 0.0])
    P = np.diag([1e8] * 3 + [1e4] * 3 + [100.0] * 3)
    position = x[:3].copy()
    axes = np.eye(3)
    z = twins.measured_of(Measured.POLAR, x, np.zeros(3), axes, np.zeros(3))
    z[3] = np.nan
    sigmas = np.array([sigma, 1e-3, 1e-3, 1.0])
    noise = np.array([sigma**2, 0, 0, sigma**2, 0, sigma**2])
    gaps = np.where(rng.random(steps) < 0.02, rng.uniform(10, 60, steps), rng.uniform(0.1, 4))
    args = (z, sigmas, position, noise, axes, scratch())
    parameters = np.array([q, q, 0.0, 0.0])
    assert many_cycles(filter_, int(motion), parameters, n, x, P, gaps[:-50], *args) == 0
    exact = P[:n, :n].astype(np.longdouble)
    assert many_cycles(filter_, int(motion), parameters, n, x, P, gaps[-50:], *args) == 0
    np.testing.assert_array_equal(P[:n, :n], P[:n, :n].T)
    assert np.isfinite(x[:n]).all()
    if filter_ == 1:
        return  # points thousands of kilometres apart see no line, and move the mean
    np.testing.assert_allclose(x[:3], position, atol=max(1.0, sigma))
    H, variances = np.eye(3, n), noise[[0, 3, 5]]
    if filter_ == 0:
        wide = np.empty((4, 6))
        polar(x, np.zeros(3), axes, np.empty(4), wide)
        H, variances = np.zeros((3, n)), sigmas[:3] ** 2
        H[:, :6] = wide[:3]
    for dt in gaps[-50:]:
        exact = long_double_cycle(exact, n // 3, dt, q, H, variances)
    expected = exact.astype(float)
    assert scaled(P[:n, :n], expected, expected) < 1e-3
