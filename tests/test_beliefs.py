"""Association probabilities against the sum over all joint events written out."""

from __future__ import annotations

from itertools import pairwise

import numba
import numpy as np
import pytest
import twins_beliefs as twins
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sim.core.assignment import clusters
from sim.core.beliefs import EXACT_LIMIT, existence_odds, marginals, posterior_existence
from sim.core.jit import threads_for
from sim.core.joint_events import count_joint_events

Floats = NDArray[np.float64]
Scene = tuple[NDArray[np.int32], NDArray[np.int32], Floats, int]


def sparse(weight: Floats, allowed: NDArray[np.bool_]) -> Scene:
    start = np.concatenate([[0], np.cumsum(allowed.sum(axis=1))]).astype(np.int32)
    rows, columns = np.nonzero(allowed)
    return start, columns.astype(np.int32), weight[rows, columns], weight.shape[1]


def dense(
    weight: Floats, allowed: NDArray[np.bool_], limit: int = EXACT_LIMIT
) -> tuple[Floats, Floats]:
    belief, missed = marginals(*sparse(weight, allowed), limit)
    full = np.zeros(weight.shape)
    full[allowed] = belief
    return full, missed


def radar_scene(
    n: int, seed: int, *, per_km2: float = 1.0, pd: float = 0.9, false_per_target: float = 0.1
) -> Scene:
    """Tracks of targets up to 10 km high and their plots: 50 m noise, 80 m prediction."""
    rng = np.random.default_rng(seed)
    side = 1000.0 * np.sqrt(n / per_km2)
    box = np.array([side, side, 10_000.0])
    track = rng.uniform(0.0, 1.0, (n, 3)) * box
    variance, gate = 50.0**2 + 80.0**2, 16.0
    seen = track[rng.random(n) < pd]
    n_false = round(false_per_target * n)
    plot = np.concatenate(
        [
            seen + rng.normal(0.0, np.sqrt(variance), seen.shape),
            rng.uniform(0.0, 1.0, (n_false, 3)) * box,
        ]
    )
    near = cKDTree(plot).query_ball_point(track, np.sqrt(gate * variance))
    start = np.concatenate([[0], np.cumsum([len(p) for p in near])]).astype(np.int32)
    column = np.concatenate([np.array(sorted(p), np.int32) for p in near])
    row = np.repeat(np.arange(n), np.diff(start))
    distance = ((track[row] - plot[column]) ** 2).sum(axis=1) / variance
    clutter = n_false / box.prod()
    likelihood = np.exp(-0.5 * distance) / (2.0 * np.pi * variance) ** 1.5
    return start, column, pd * likelihood / (clutter * (1.0 - pd * 0.9989)), len(plot)


def row_sums(scene: Scene, belief: Floats, missed: Floats) -> Floats:
    row = np.repeat(np.arange(missed.size), np.diff(scene[0]))
    return np.asarray(missed + np.bincount(row, belief, missed.size))


@pytest.mark.parametrize("seed", range(20))
def test_exact_as_written_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(15):
        shape = rng.integers(1, 6, 2)
        allowed = rng.random(shape) < rng.uniform(0.3, 1.0)
        weight = np.exp(rng.normal(0.0, rng.uniform(0.1, 8.0), shape))
        belief, missed = dense(weight, allowed)
        expected, expected_missed = twins.marginals(np.where(allowed, weight, 0.0))
        np.testing.assert_allclose(belief, expected, rtol=0.0, atol=1e-12)
        np.testing.assert_allclose(missed, expected_missed, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 9), (7, 3), (1, 6), (6, 1)])
def test_exact_from_the_smaller_side(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    weight, allowed = np.exp(rng.normal(0.0, 2.0, shape)), np.ones(shape, np.bool_)
    belief, missed = dense(weight, allowed)
    expected, expected_missed = twins.marginals(weight)
    np.testing.assert_allclose(belief, expected, rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(missed, expected_missed, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("decades", [30.0, 300.0])
def test_weights_over_many_decades(decades: float) -> None:
    rng = np.random.default_rng(2)
    for _ in range(40):
        shape = rng.integers(1, 5, 2)
        weight = 10.0 ** rng.uniform(-decades, decades, shape)
        allowed = np.ones(shape, np.bool_)
        expected, expected_missed = twins.marginals(weight)
        belief, missed = dense(weight, allowed)
        np.testing.assert_allclose(belief, expected, rtol=0.0, atol=1e-10)
        np.testing.assert_allclose(missed, expected_missed, rtol=0.0, atol=1e-10)


def test_many_tracks_that_all_want_one_plot() -> None:
    # Scaled per row only, the odds of every event would vanish: 1e300 to the 19th power.
    belief, missed = dense(np.full((20, 1), 1e300), np.ones((20, 1), np.bool_))
    np.testing.assert_allclose(belief, 1 / 20, rtol=1e-12)
    np.testing.assert_allclose(missed, 19 / 20, rtol=1e-12)
    # Alike, one plot each: all are taken.
    belief, missed = dense(np.full((5, 5), 1e300), np.ones((5, 5), np.bool_))
    np.testing.assert_allclose(belief, 1 / 5, rtol=1e-12)
    np.testing.assert_allclose(missed, 0.0, atol=1e-12)


def test_propagation_survives_extreme_weights() -> None:
    rng = np.random.default_rng(3)
    weight = 10.0 ** rng.uniform(-300.0, 300.0, (12, 9))
    belief, missed = dense(weight, np.ones(weight.shape, np.bool_), limit=0)
    assert np.isfinite(belief).all()
    np.testing.assert_allclose(belief.sum(axis=1) + missed, 1.0, atol=1e-12)
    # Each share matters however small beside the others': the tree makes this exact.
    weight = np.array([[1e300], [1e100], [3.0]])
    belief, missed = dense(weight, np.ones(weight.shape, np.bool_), limit=0)
    np.testing.assert_allclose(belief[:, 0], [1.0, 1e-200, 3e-300], rtol=1e-6)


def test_propagation_is_exact_on_a_tree() -> None:
    # A chain of tracks, each sharing one plot with the next: no loops.
    rng = np.random.default_rng(4)
    allowed = np.eye(6, 7, dtype=np.bool_) | np.eye(6, 7, 1, dtype=np.bool_)
    weight = np.exp(rng.normal(1.0, 2.0, allowed.shape))
    belief, missed = dense(weight, allowed, limit=0)
    expected, expected_missed = twins.marginals(np.where(allowed, weight, 0.0))
    np.testing.assert_allclose(belief, expected, atol=1e-6)
    np.testing.assert_allclose(missed, expected_missed, atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_propagation_as_its_twin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = rng.integers(2, 6, 2)
    weight, allowed = np.exp(rng.normal(0.0, 1.5, shape)), rng.random(shape) < 0.8
    belief, missed = dense(weight, allowed, limit=0)
    expected, expected_missed = twins.propagated(np.where(allowed, weight, 0.0), 200)
    np.testing.assert_allclose(belief, expected, atol=1e-6)
    np.testing.assert_allclose(missed, expected_missed, atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_propagation_close_to_exact_in_clutter(seed: int) -> None:
    scene = radar_scene(500, seed, per_km2=10.0, pd=0.5, false_per_target=30.0)
    exact, exact_missed = marginals(*scene, 1 << 16)
    near, near_missed = marginals(*scene, 0)
    assert np.abs(near - exact).max() > 1e-4, "nothing was summed exactly"
    np.testing.assert_allclose(near, exact, rtol=0.0, atol=0.02)
    np.testing.assert_allclose(near_missed, exact_missed, rtol=0.0, atol=0.02)


def test_two_sure_tracks_need_the_exact_sum() -> None:
    # Either way round is likely: 1000² against 800². Propagation is far too sure.
    weight, allowed = np.array([[1000.0, 800.0], [800.0, 1000.0]]), np.ones((2, 2), np.bool_)
    assert dense(weight, allowed)[0][0, 0] == pytest.approx(1 / (1 + 0.8**2), abs=2e-3)
    assert dense(weight, allowed, limit=0)[0][0, 0] > 0.95


def test_swarm_beyond_exact_summing() -> None:
    rng = np.random.default_rng(5)
    n = 40 if numba.config.DISABLE_JIT else 200  # type: ignore[attr-defined]
    track = rng.uniform(0.0, 300.0, (n, 3))
    plot = track + rng.normal(0.0, 30.0, track.shape)
    distance = ((track[:, None] - plot) ** 2).sum(axis=2) / 30.0**2
    weight = 1e3 * np.exp(-0.5 * distance)
    belief, missed = dense(weight, np.ones(weight.shape, np.bool_))
    np.testing.assert_allclose(belief.sum(axis=1) + missed, 1.0, atol=1e-12)
    # Settled messages agree on both ends: no plot is given away more than once.
    assert belief.sum(axis=0).max() <= 1.0 + 1e-4
    assert missed.mean() < 0.1


@pytest.mark.parametrize("limit", [EXACT_LIMIT, 0])
def test_order_of_rows_and_columns_does_not_matter(limit: int) -> None:
    rng = np.random.default_rng(6)
    allowed = rng.random((40, 40)) < 0.04
    weight = np.exp(rng.normal(1.0, 2.0, allowed.shape))
    belief, missed = dense(weight, allowed, limit)
    p, q = rng.permutation(40), rng.permutation(40)
    shuffled, shuffled_missed = dense(weight[np.ix_(p, q)], allowed[np.ix_(p, q)], limit)
    np.testing.assert_allclose(shuffled, belief[np.ix_(p, q)], rtol=0.0, atol=1e-6)
    np.testing.assert_allclose(shuffled_missed, missed[p], rtol=0.0, atol=1e-6)


@pytest.mark.parametrize("limit", [EXACT_LIMIT, 40])
def test_same_bits_on_any_number_of_threads(limit: int) -> None:
    # More clusters than one block holds; with the low limit some are left to propagation.
    scene = radar_scene(3000, 7, per_km2=15.0)
    first, _ = clusters(scene[0], scene[1], scene[3])
    assert first.size - 1 > 1024
    results = []
    before = numba.get_num_threads()
    try:
        for threads in {1, before}:
            numba.set_num_threads(threads)
            results.append(marginals(*scene, limit))
    finally:
        numba.set_num_threads(before)
    with threads_for(1):
        results.append(marginals(*scene, limit))
    for (belief, missed), (other, other_missed) in pairwise(results):
        assert belief.tobytes() == other.tobytes()
        assert missed.tobytes() == other_missed.tobytes()
    np.testing.assert_allclose(row_sums(scene, *results[0]), 1.0, atol=1e-12)


def test_nothing_to_associate() -> None:
    none, no_weight = np.empty(0, np.int32), np.empty(0)
    belief, missed = marginals(np.zeros(1, np.int32), none, no_weight, 0, EXACT_LIMIT)
    assert belief.size == missed.size == 0
    belief, missed = marginals(np.zeros(4, np.int32), none, no_weight, 5, EXACT_LIMIT)
    assert belief.size == 0
    assert missed.tolist() == [1.0, 1.0, 1.0]


def test_rows_without_candidates_between_others() -> None:
    allowed = np.array([[0, 0, 0], [1, 1, 0], [0, 0, 0], [0, 1, 0]], np.bool_)
    weight = np.array([[9.0, 9, 9], [2, 3, 9], [9, 9, 9], [9, 5, 9]])
    belief, missed = dense(weight, allowed)
    assert missed[[0, 2]].tolist() == [1.0, 1.0]
    # 1 + 2 + 3 events without row 3; with it in column 1: 5·(1 + 2).
    assert missed[3] == pytest.approx(6 / 21)
    assert belief[1, 0] == pytest.approx((2 + 2 * 5) / 21)


@pytest.mark.parametrize("limit", [EXACT_LIMIT, 0])
def test_pairs_without_weight_get_nothing(limit: int) -> None:
    weight = np.array([[0.0, 2.0], [0.0, 3.0]])
    belief, missed = dense(weight, np.ones((2, 2), np.bool_), limit)
    np.testing.assert_allclose(belief, [[0, 2 / 6], [0, 3 / 6]], atol=1e-6)
    np.testing.assert_allclose(missed, [4 / 6, 3 / 6], atol=1e-6)


def test_published_number_of_joint_events() -> None:
    # Rows are measurements; the first column, clutter, is what no pair means here.
    validation = np.array(
        [
            [1, 1, 1, 1, 1, 0, 1],
            [1, 0, 1, 1, 0, 0, 0],
            [1, 0, 0, 0, 1, 1, 0],
            [1, 1, 1, 1, 0, 0, 0],
            [1, 1, 1, 1, 1, 1, 1],
        ],
        np.bool_,
    )
    for allowed in (validation[:, 1:], validation[:, 1:].T):
        start, column, _, n_columns = sparse(np.ones(allowed.shape), allowed)
        assert count_joint_events(start, column, n_columns) == 574


def test_number_of_joint_events_as_written_out() -> None:
    rng = np.random.default_rng(8)
    for _ in range(30):
        allowed = rng.random(rng.integers(1, 6, 2)) < 0.5
        start, column, _, n_columns = sparse(np.ones(allowed.shape), allowed)
        expected = sum(1 for _ in twins.joint_events(allowed))
        assert count_joint_events(start, column, n_columns) == expected
    none = np.empty(0, np.int32)
    assert count_joint_events(np.zeros(1, np.int32), none, 0) == 1
    everything = np.ones((30, 30), np.bool_)
    start, column, _, n_columns = sparse(np.ones(everything.shape), everything)
    assert np.isnan(count_joint_events(start, column, n_columns))


@pytest.mark.parametrize("seed", range(10))
def test_existence_as_written_out(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 5, 2)
    allowed = rng.random((n, m)) < 0.7
    ratio = np.exp(rng.normal(0.0, 2.0, (n, m)))
    existence, detection = rng.uniform(0.01, 0.99, n), rng.uniform(0.1, 0.99, n)
    start, column, flat, _ = sparse(ratio, allowed)
    odds = existence_odds(start, flat, existence, detection)
    belief, missed = marginals(start, column, odds, int(m), EXACT_LIMIT)
    posterior, given, given_missed = posterior_existence(
        start, belief, missed, existence, detection
    )
    expected = twins.with_existence(np.where(allowed, ratio, 0.0), existence, detection)
    np.testing.assert_allclose(posterior, expected[0], rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(given, expected[1][allowed], rtol=0.0, atol=1e-12)
    np.testing.assert_allclose(given_missed, expected[2], rtol=0.0, atol=1e-12)


def test_one_track_alone_is_ipda() -> None:
    # Musicki, Evans, Stankovic 1994: r' = (1 − δ) r / (1 − δ r), δ = Pd·Pg − Σ Pd·Λ/β.
    r, pd_pg, ratio = 0.3, 0.81, np.array([0.4, 2.5, 0.05])
    start, column = np.array([0, 3], np.int32), np.arange(3, dtype=np.int32)
    existence, detection = np.array([r]), np.array([pd_pg])
    odds = existence_odds(start, ratio, existence, detection)
    belief, missed = marginals(start, column, odds, 3, EXACT_LIMIT)
    posterior, given, given_missed = posterior_existence(
        start, belief, missed, existence, detection
    )
    delta = pd_pg - ratio.sum()
    assert posterior[0] == pytest.approx((1 - delta) * r / (1 - delta * r), rel=1e-12)
    np.testing.assert_allclose(given, ratio / (1 - delta), rtol=1e-12)
    assert given_missed[0] == pytest.approx((1 - pd_pg) / (1 - delta), rel=1e-12)


def test_what_surely_does_not_exist_has_no_plot() -> None:
    start, ratio = np.array([0, 1], np.int32), np.array([5.0])
    existence, detection = np.array([0.0]), np.array([0.9])
    odds = existence_odds(start, ratio, existence, detection)
    belief, missed = marginals(start, np.zeros(1, np.int32), odds, 1, EXACT_LIMIT)
    posterior, given, given_missed = posterior_existence(
        start, belief, missed, existence, detection
    )
    assert (posterior[0], given[0], given_missed[0]) == (0.0, 0.0, 1.0)
