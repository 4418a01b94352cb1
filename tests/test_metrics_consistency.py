"""NEES and its bounds against published numbers and honest, proud and humble covariances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from metrics_histories import NO_TARGETS, NO_TRACKS, target, together, track

from sim.core.tables import Floats
from sim.metrics.consistency import (
    Consistency,
    consistency,
    error_test,
    error_test_over_time,
    mean_bounds,
    nees,
)
from sim.metrics.matching import match


def test_published_bounds() -> None:
    assert mean_bounds(6, 100) == pytest.approx((5.340, 6.698), abs=5e-4)
    assert mean_bounds(3, 50) == pytest.approx((2.360, 3.716), abs=5e-4)


def test_nees_by_hand() -> None:
    covariance = np.array([[4.0, 0, 0], [0, 9, 0], [0, 0, 1]])
    assert nees(np.array([[2.0, 3, 3]]), covariance[None]) == pytest.approx([1 + 1 + 9])
    correlated = np.array([[2.0, 1], [1, 2]])
    expected = np.array([1.0, 3]) @ np.linalg.inv(correlated) @ np.array([1.0, 3])
    assert nees(np.array([[1.0, 3]]), correlated[None]) == pytest.approx([expected])


def test_covariances_that_are_none() -> None:
    covariances = np.stack(
        [np.eye(3), np.zeros((3, 3)), np.diag([-1.0, -1, 1]), np.full((3, 3), np.nan)]
    )
    assert np.isfinite(nees(np.ones((4, 3)), covariances)).tolist() == [True] + [False] * 3


def judged(spread: float) -> Consistency:
    """Judge 200 targets, 5 steps each, with errors of the given size for covariance 1."""
    rng = np.random.default_rng(3)
    places = [(1e4 * i, 0.0, 0.0) for i in range(200)]
    times = np.arange(5.0)
    truth = together(*[target(times, i, p) for i, p in enumerate(places)])
    tracks = together(
        *[
            track(times, i, p + spread * rng.standard_normal((5, 3)), covariance=np.eye(3))
            for i, p in enumerate(places)
        ]
    )
    return consistency(truth, tracks, match(truth, tracks, 1000.0))


def test_honest_filter_lies_within_bounds() -> None:
    honest = judged(1.0)
    assert (honest.pairs, honest.rows, honest.unusable_rows) == (200, 1000, 0)
    assert (honest.nees_low, honest.nees_high) == pytest.approx(mean_bounds(3, 200))
    assert honest.nees_low is not None
    assert honest.nees_low < (honest.nees_mean or 0) < (honest.nees_high or 0)
    assert honest.share_within_95 == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize("spread", [0.5, 2.0])
def test_dishonest_filter_does_not(spread: float) -> None:
    wrong = judged(spread)
    assert wrong.nees_mean == pytest.approx(3 * spread**2, rel=0.1)
    assert not (wrong.nees_low or 0) < (wrong.nees_mean or 0) < (wrong.nees_high or 0)
    assert (wrong.share_within_95 or 1) < 0.9


def test_extra_tracks_do_not_count() -> None:
    truth = target([0.0], 0, (0, 0, 0))
    tracks = together(
        track([0.0], 1, (1, 0, 0), covariance=np.eye(3)),
        track([0.0], 2, (50, 0, 0), covariance=np.eye(3)),
    )
    assert consistency(truth, tracks, match(truth, tracks, 100.0)).nees_mean == pytest.approx(1.0)


@pytest.mark.parametrize("known", [1.0, 25.0])
def test_a_groups_track_owes_its_scatter_too(known: float) -> None:
    """Tracks each on some member of a group, judged by the group's mean."""
    rng = np.random.default_rng(5)
    scatter = np.array([[400.0, 150, 0], [150, 900, 0], [0, 0, 25]])
    times, runs = np.zeros(1), 400
    member = rng.multivariate_normal(np.zeros(3), scatter, runs)
    error = np.sqrt(known) * rng.standard_normal((runs, 3))
    groups = together(*[target(times, i, (1e4 * i, 0, 0)) for i in range(runs)])
    tracks = together(
        *[
            track(times, i, (1e4 * i, 0, 0) + member[i] + error[i], covariance=known * np.eye(3))
            for i in range(runs)
        ]
    )
    pairs = match(groups, tracks, 1000.0)
    alone = consistency(groups, tracks, pairs).nees_mean or 0.0
    assert alone > 20.0
    groups = replace(groups, scatter_m2=np.tile(scatter, (runs, 1, 1)))
    judged = consistency(groups, tracks, pairs)
    assert judged.nees_low is not None
    assert judged.nees_high is not None
    assert judged.nees_low < (judged.nees_mean or 0.0) < judged.nees_high


def test_what_deception_does_counts_apart() -> None:
    times = np.arange(4.0)
    truth = together(target(times, 0, (0, 0, 0)), target(times, 1, (1e4, 0, 0)))
    truth = replace(truth, misled=(truth.target == 1) & (truth.time_s >= 2.0))
    errors = np.where(times < 2.0, 1.0, 100.0)[:, None] * [1.0, 0, 0]
    tracks = together(
        track(times, 1, (1, 1, 0), covariance=np.eye(3)),
        track(times, 2, errors + np.array([1e4, 0, 0]), covariance=np.eye(3)),
    )
    found = consistency(truth, tracks, match(truth, tracks, 1000.0))
    assert (found.rows, found.misled_rows) == (6, 2)
    assert found.nees_mean == pytest.approx((4 * 2 + 2 * 1) / 6)
    assert found.misled == pytest.approx(1e4)
    everyone = replace(truth, misled=np.ones(8, np.bool_))
    found = consistency(everyone, tracks, match(everyone, tracks, 1000.0))
    assert (found.nees_mean, found.rows, found.misled_rows) == (None, 0, 8)


def test_nothing_to_judge() -> None:
    matching = match(NO_TARGETS, NO_TRACKS, 100.0)
    assert consistency(NO_TARGETS, NO_TRACKS, matching).nees_mean is None


def drawn(runs: int, steps: int, dimensions: int, seed: int) -> tuple[Floats, Floats]:
    """Errors (runs, steps, d) drawn from the covariances that they are given with."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(runs, steps, dimensions, dimensions))
    error = root @ rng.standard_normal((runs, steps, dimensions, 1))
    return error[..., 0], root @ root.swapaxes(-1, -2)


def test_full_states_and_innovations_against_their_bounds() -> None:
    error, covariance = drawn(100, 1, 6, seed=2)
    honest = error_test(error[:, 0], covariance[:, 0])
    assert (honest.low, honest.high) == pytest.approx((5.340, 6.698), abs=5e-4)
    assert honest.within
    assert (honest.runs, honest.unusable) == (100, 0)
    by_hand = [e @ np.linalg.inv(P) @ e for e, P in zip(error[:, 0], covariance[:, 0], strict=True)]
    assert honest.mean == pytest.approx(np.mean(by_hand))
    proud = error_test(1.2 * error[:, 0], covariance[:, 0])
    assert proud.mean == pytest.approx(1.44 * honest.mean)
    assert not proud.within


def test_runs_set_the_bounds_where_rows_are_not_independent() -> None:
    error, covariance = drawn(50, 1, 3, seed=3)
    again = error_test(np.tile(error[:, 0], (4, 1)), np.tile(covariance[:, 0], (4, 1, 1)), runs=50)
    assert (again.low, again.high) == pytest.approx((2.360, 3.716), abs=5e-4)
    assert again.mean == pytest.approx(error_test(error[:, 0], covariance[:, 0]).mean)


def test_mean_over_runs_at_every_step() -> None:
    error, covariance = drawn(50, 40, 3, seed=4)
    mean, low, high = error_test_over_time(error, covariance)
    assert mean.shape == (40,)
    assert mean[7] == pytest.approx(error_test(error[:, 7], covariance[:, 7]).mean)
    assert ((mean >= low) & (mean <= high)).sum() >= 34


def test_unusable_errors_are_counted() -> None:
    some = error_test(np.ones((2, 3)), np.stack([np.eye(3), np.zeros((3, 3))]))
    assert (some.mean, some.runs, some.unusable) == (3.0, 1, 1)
    none = error_test(np.empty((0, 3)), np.empty((0, 3, 3)))
    assert np.isnan(none.mean)
    assert not none.within
