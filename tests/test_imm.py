"""Interacting multiple models against numpy twins, single filters and filterpy."""

from __future__ import annotations

import numpy as np
import pytest
import twins_filters as twins
from filterpy.kalman import IMMEstimator, KalmanFilter
from reference import transition as ncv_transition
from reference import white_noise_acceleration
from scipy.linalg import expm

from sim.core.gaussian import kalman_cycle, load_state, store_state
from sim.core.imm import combine, imm_cycle, mix, reweigh, transition_over
from sim.core.motion import DIMENSION, Motion, predict
from sim.core.update import position_update

CV, CA, SINGER, TURN, FALL = Motion
SIGMA = np.array([50, 40, 60, 10, 12, 8, 0.5, 0.5, 0.5])
SETS = [(CV, CV), (CV, CA, TURN), (CA, SINGER), (CV, FALL, SINGER, CA), (TURN,)]


def generator(sojourn_s: np.ndarray) -> np.ndarray:
    rate = 1 / sojourn_s
    G = np.tile(rate[:, None] / (len(rate) - 1), (1, len(rate)))
    np.fill_diagonal(G, -rate)
    return G


@pytest.mark.parametrize("sojourn_s", [(30.0, 10.0), (60.0, 5.0, 20.0), (9.0, 8.0, 7.0, 50.0)])
def test_transition_over_any_time(sojourn_s: tuple[float, ...]) -> None:
    sojourn = np.array(sojourn_s)
    G, out = generator(sojourn), np.empty((len(sojourn),) * 2)
    for dt in (0.0, 0.01, 1.0, 40.0, 1e9):
        transition_over(sojourn, dt, out)
        np.testing.assert_allclose(out.sum(axis=1), 1.0, rtol=1e-9)
        assert (out >= 0).all()
        np.testing.assert_allclose(
            out, np.linalg.inv(np.eye(len(sojourn)) - G * dt), rtol=1e-6, atol=1e-6
        )
    stationary = sojourn / sojourn.sum()  # equal flows in and out
    np.testing.assert_allclose(out, np.tile(stationary, (len(sojourn), 1)), rtol=1e-6)
    transition_over(sojourn, 0.05, out)
    np.testing.assert_allclose(out, expm(G * 0.05), atol=2 * (0.05 / sojourn.min()) ** 2)


def test_transition_of_one_model() -> None:
    out = np.empty((1, 1))
    transition_over(np.array([np.inf]), 3.0, out)
    assert out[0, 0] == 1.0


def models(
    kinds: tuple[Motion, ...], rng: np.random.Generator
) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray, np.ndarray]:
    xs = [rng.normal(size=DIMENSION[k]) * SIGMA[: DIMENSION[k]] for k in kinds]
    Ps = [twins.random_spread(rng, SIGMA[: DIMENSION[k]]) for k in kinds]
    means, covariances = (np.array(a) for a in zip(*map(twins.padded, xs, Ps), strict=True))
    return xs, Ps, means, covariances


@pytest.mark.parametrize("kinds", SETS)
def test_mixing_of_models_of_any_dimension(kinds: tuple[Motion, ...]) -> None:
    rng = np.random.default_rng(1)
    m = len(kinds)
    xs, Ps, means, covariances = models(kinds, rng)
    probability, transition = rng.dirichlet(np.ones(m)), rng.dirichlet(np.ones(m), m)
    expected = twins.mixed(list(kinds), probability, transition, xs, Ps)
    codes = np.array(kinds, np.int32)
    mix(
        codes,
        probability,
        transition,
        means,
        covariances,
        np.empty((m + 1, 9)),
        np.empty((m, 9, 9)),
    )
    np.testing.assert_allclose(probability, expected[0], rtol=1e-12)
    for j, kind in enumerate(kinds):
        n = DIMENSION[kind]
        np.testing.assert_allclose(means[j, :n], expected[1][j], rtol=1e-9, atol=1e-9)
        P = covariances[j, :n, :n]
        np.testing.assert_allclose(P, expected[2][j], rtol=1e-8, atol=1e-8)
        np.testing.assert_array_equal(P, P.T)
        np.linalg.cholesky(P)


def test_mixing_does_not_pull_a_foreign_component_to_zero() -> None:
    kinds = np.array([CV, TURN], np.int32)
    means, covariances = np.zeros((2, 9)), np.array([np.eye(9)] * 2)
    means[1, 6], covariances[1, 6, 6] = 0.2, 0.01
    half = np.full((2, 2), 0.5)
    mix(kinds, half[0].copy(), half, means, covariances, np.empty((3, 9)), np.empty((2, 9, 9)))
    assert means[1, 6] == pytest.approx(0.2)
    assert covariances[1, 6, 6] == pytest.approx(0.01)


def test_a_model_that_nothing_leads_to_stays_as_it_is() -> None:
    kinds = np.array([CV, CV], np.int32)
    _, _, means, covariances = models((CV, CV), np.random.default_rng(2))
    probability = np.array([1.0, 0.0])
    before = means.copy()
    work = np.empty((3, 9)), np.empty((2, 9, 9))
    mix(kinds, probability, np.eye(2), means, covariances, *work)
    np.testing.assert_array_equal(means, before)
    np.testing.assert_array_equal(probability, [1.0, 0.0])


def test_probabilities_follow_the_likelihoods() -> None:
    prior, likelihood = np.array([0.5, 0.3, 0.2]), np.array([1e-3, 2e-2, 5e-4])
    probability = prior.copy()
    assert reweigh(probability, np.log(likelihood)) == pytest.approx(np.log(prior @ likelihood))
    np.testing.assert_allclose(probability, prior * likelihood / (prior @ likelihood))
    probability = prior.copy()
    assert reweigh(probability, np.log(likelihood) - 5000) < -4000  # no underflow
    np.testing.assert_allclose(probability, prior * likelihood / (prior @ likelihood))
    assert reweigh(probability, np.full(3, -np.inf)) == -np.inf
    assert probability.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("kinds", SETS)
def test_combination_matches_moments(kinds: tuple[Motion, ...]) -> None:
    rng = np.random.default_rng(3)
    xs, Ps, means, covariances = models(kinds, rng)
    probability = rng.dirichlet(np.ones(len(kinds)))
    x, P = np.empty(6), np.empty((6, 6))
    combine(probability, means, covariances, x, P)
    expected_x, expected_P = twins.matched(
        probability, [x[:6] for x in xs], [P[:6, :6] for P in Ps]
    )
    np.testing.assert_allclose(x, expected_x, rtol=1e-9)
    np.testing.assert_allclose(P, expected_P, rtol=1e-9, atol=1e-9)


def columns(m: int, n: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    mean, covariance = rng.normal(size=(m, 6, n)) * 20, np.empty((m, 21, n))
    for j in range(m):
        for i in range(n):
            P = twins.random_spread(rng, SIGMA[:6])
            store_state(mean[j], 0, covariance[j], 0, i, 6, mean[j, :, i].copy(), P)
    probability = rng.dirichlet(np.ones(m), n).T.copy()
    measured = rng.normal(size=(3, n)) * 100
    R = np.array([twins.random_spread(rng, np.array([30.0, 20.0, 50.0])) for _ in range(n)])
    upper = np.triu_indices(3)
    return mean, covariance, probability, measured, R[:, upper[0], upper[1]].T.copy()


@pytest.mark.parametrize("m", [2, 3])
def test_many_columns_are_as_one_track_at_a_time(m: int) -> None:
    rng = np.random.default_rng(m)
    n, dt, q = 1200, 1.5, np.array([0.5, 40.0, 5.0])[:m]  # more than one block, ragged end
    mean, covariance, probability, measured, noise = columns(m, n, rng)
    transition = np.empty((m, m))
    transition_over(np.array([60.0, 15.0, 30.0])[:m], dt, transition)
    new_mean, new_covariance, new_probability = (a.copy() for a in (mean, covariance, probability))
    imm_cycle(new_mean, new_covariance, new_probability, measured, noise, dt, q, transition)
    kinds, work = np.zeros(m, np.int32), np.empty((40, 9))
    for i in [*range(0, n, 97), n - 1]:
        means, covariances = np.empty((m, 9)), np.empty((m, 9, 9))
        for j in range(m):
            load_state(mean[j], 0, covariance[j], 0, i, 6, means[j], covariances[j])
        p, likelihood = probability[:, i].copy(), np.empty(m)
        scratch = np.empty((m + 1, 9)), np.empty((m, 9, 9))
        mix(kinds, p, transition, means, covariances, *scratch)
        for j in range(m):
            parameters = np.array([q[j], q[j], 0, 0])
            predict(0, parameters, means[j], covariances[j], dt, work)
            z, R = measured[:, i].copy(), noise[:, i].copy()
            likelihood[j] = position_update(means[j], covariances[j], 6, z, R, work)
        reweigh(p, likelihood)
        np.testing.assert_allclose(new_probability[:, i], p, rtol=1e-7)
        for j in range(m):
            x, P = np.empty(9), np.empty((9, 9))
            load_state(new_mean[j], 0, new_covariance[j], 0, i, 6, x, P)
            np.testing.assert_allclose(x[:6], means[j, :6], rtol=1e-7, atol=1e-7)
            np.testing.assert_allclose(
                P[:6, :6], covariances[j, :6, :6], rtol=1e-6, atol=1e-6 * P[:6, :6].max()
            )


def test_one_model_is_the_filter() -> None:
    rng = np.random.default_rng(4)
    mean, covariance, probability, measured, noise = columns(1, 300, rng)
    expected_mean, expected_covariance = mean[0].copy(), covariance[0].copy()
    kalman_cycle(expected_mean, expected_covariance, measured, noise, 0.7, 2.0)
    imm_cycle(mean, covariance, probability, measured, noise, 0.7, np.array([2.0]), np.ones((1, 1)))
    np.testing.assert_allclose(mean[0], expected_mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(covariance[0], expected_covariance, rtol=1e-10, atol=1e-9)
    np.testing.assert_allclose(probability, 1.0, rtol=1e-15)


def test_nothing_stays_nothing() -> None:
    empty = np.empty((2, 6, 0)), np.empty((2, 21, 0)), np.empty((2, 0))
    imm_cycle(*empty, np.empty((3, 0)), np.empty((6, 0)), 1.0, np.ones(2), np.full((2, 2), 0.5))


def test_twenty_cycles_as_filterpy() -> None:
    """IMMEstimator of filterpy, two six-state filters."""
    rng = np.random.default_rng(5)
    dt, q, R = 1.0, np.array([0.1, 50.0]), np.diag([400.0, 900.0, 2500.0])
    transition = np.array([[0.95, 0.05], [0.1, 0.9]])
    filters = []
    for density in q:
        f = KalmanFilter(6, 3)
        f.F, f.Q = ncv_transition(dt), white_noise_acceleration(dt, (density,) * 3)
        f.H, f.R, f.P = np.eye(3, 6), R, np.diag([1e4] * 3 + [400.0] * 3)
        filters.append(f)
    peer = IMMEstimator(filters, np.array([0.7, 0.3]), transition)
    mean, covariance = np.zeros((2, 6, 1)), np.zeros((2, 21, 1))
    covariance[:, [0, 3, 5], 0], covariance[:, [15, 18, 20], 0] = 1e4, 400.0
    probability = np.array([[0.7], [0.3]])
    noise = R[np.triu_indices(3)][:, None].copy()
    x = np.array([0.0, 0, 0, 20, -10, 5])
    for k in range(20):
        x = ncv_transition(dt) @ x
        x[3] += 30.0 if k == 12 else 0.0  # a manoeuvre
        z = x[:3] + rng.multivariate_normal(np.zeros(3), R)
        peer.predict()
        peer.update(z[:, None])
        imm_cycle(mean, covariance, probability, z[:, None].copy(), noise, dt, q, transition)
    np.testing.assert_allclose(probability[:, 0], peer.mu, rtol=1e-6)
    for j, f in enumerate(filters):
        np.testing.assert_allclose(mean[j, :, 0], f.x[:, 0], rtol=1e-7)
        P = np.empty((9, 9))
        load_state(mean[j], 0, covariance[j], 0, 0, 6, np.empty(9), P)
        np.testing.assert_allclose(P[:6, :6], f.P, rtol=1e-6, atol=1e-6)
