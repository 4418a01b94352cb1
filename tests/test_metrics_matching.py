"""Which track is on which target, over time."""

from __future__ import annotations

import numpy as np
import pytest
from metrics_histories import NO_TARGETS, NO_TRACKS, target, together, track

from sim.core.tables import TrackStatus
from sim.metrics.history import TrackHistory, TruthHistory, same_time_pairs
from sim.metrics.holding import number_of
from sim.metrics.matching import match

TIMES = np.arange(6.0)


def numbers(
    truth: TruthHistory, tracks: TrackHistory, index: int, cutoff: float = 100.0
) -> list[int]:
    """Track number that holds one target, step by step."""
    held = number_of(match(truth, tracks, cutoff), tracks)
    return [int(number) for number in held[truth.target == index]]


def test_rows_must_be_whole_and_sorted() -> None:
    with pytest.raises(ValueError, match="sorted"):
        target([1, 0], 0, (0, 0, 0))
    good = target([0, 1], 0, (0, 0, 0))
    with pytest.raises(ValueError, match="height_m has 1 rows, not 2"):
        TruthHistory(
            good.time_s,
            good.target,
            good.position_enu_m,
            good.velocity_enu_mps,
            good.height_m[:1],
            good.detectability,
            good.visibility,
            good.best_sensor,
        )


def test_only_confirmed_tracks_remain() -> None:
    statuses = [TrackStatus.TENTATIVE, TrackStatus.CONFIRMED, TrackStatus.COASTING]
    assert track([0, 1, 2], 1, (0, 0, 0), status=statuses).confirmed().time_s.tolist() == [1, 2]


def test_same_time_pairs() -> None:
    row, other = same_time_pairs(np.array([0.0, 1, 1, 3]), np.array([1.0, 1, 2, 3]))
    assert list(zip(row.tolist(), other.tolist(), strict=True)) == [
        (1, 0), (1, 1), (2, 0), (2, 1), (3, 3),
    ]  # fmt: skip


def test_cutoff() -> None:
    truth = target(TIMES, 0, (0, 0, 0))
    x = np.array([0, 50, 99, 100, 150, 20.0])
    tracks = track(TIMES, 7, np.stack([x, 0 * x, 0 * x], axis=1))
    assert numbers(truth, tracks, 0) == [7, 7, 7, -1, -1, 7]


def test_assignment_is_optimal_not_greedy() -> None:
    # The nearest pair is t1 with track 1; taking it would leave t0 alone.
    truth = together(target([0], 0, (0, 0, 0)), target([0], 1, (90, 0, 0)))
    tracks = together(track([0], 1, (60, 0, 0)), track([0], 2, (170, 0, 0)))
    assert (numbers(truth, tracks, 0), numbers(truth, tracks, 1)) == ([1], [2])


def test_old_pair_is_kept_through_noise() -> None:
    truth = target(TIMES, 0, (0, 0, 0))
    x = np.array([10, 10, 40, 40, 10, 10.0])
    tracks = together(
        track(TIMES, 1, np.stack([x, 0 * x, 0 * x], axis=1)), track(TIMES, 2, (20, 0, 0))
    )
    # Track 2 is nearer for a while, by less than the factor of loyalty.
    assert numbers(truth, tracks, 0) == [1] * 6


def test_swap_in_a_formation_shows() -> None:
    truth = together(target(TIMES, 0, (0, 0, 0)), target(TIMES, 1, (60, 0, 0)))
    first = np.where(TIMES < 3, 5.0, 65.0)
    second = np.where(TIMES < 3, 65.0, 5.0)
    zero = np.zeros(6)
    tracks = together(
        track(TIMES, 1, np.stack([first, zero, zero], axis=1)),
        track(TIMES, 2, np.stack([second, zero, zero], axis=1)),
    )
    assert numbers(truth, tracks, 0) == [1, 1, 1, 2, 2, 2]
    assert numbers(truth, tracks, 1) == [2, 2, 2, 1, 1, 1]


def test_common_bias_is_no_swap() -> None:
    # Both tracks lie 50 m off, so that each is nearer to the other target.
    truth = together(target(TIMES, 0, (0, 0, 0)), target(TIMES, 1, (60, 0, 0)))
    bias = np.where(TIMES < 3, 0.0, 50.0)
    zero = np.zeros(6)
    tracks = together(
        track(TIMES, 1, np.stack([bias, zero, zero], axis=1)),
        track(TIMES, 2, np.stack([60 + bias, zero, zero], axis=1)),
    )
    assert numbers(truth, tracks, 0) == [1] * 6


def test_extra_and_spurious_tracks() -> None:
    truth = together(target([0], 0, (0, 0, 0)), target([0], 1, (1000, 0, 0)))
    tracks = together(
        track([0], 1, (1, 0, 0)), track([0], 2, (30, 0, 0)), track([0], 3, (500, 0, 0))
    )
    matching = match(truth, tracks, 100.0)
    assert matching.track_row.tolist() == [0, -1]
    assert matching.truth_row.tolist() == [0, 0, -1]
    assert matching.tracked.tolist() == [True, False]
    assert matching.on_target.tolist() == [True, True, False]


def test_empty_histories() -> None:
    assert match(NO_TARGETS, NO_TRACKS, 100.0).tracked.size == 0
    assert match(target([0], 0, (0, 0, 0)), NO_TRACKS, 100.0).track_row.tolist() == [-1]
    assert match(NO_TARGETS, track([0], 1, (0, 0, 0)), 100.0).truth_row.tolist() == [-1]


def test_a_track_without_height_is_matched_on_the_ground() -> None:
    truth = target([0.0], 0, (0.0, 0.0, 400.0))
    unsure = track([0.0], 1, (300.0, 0.0, 3000.0), covariance=900.0**2 * np.eye(3))
    found = match(truth, unsure, 1000.0)
    assert found.track_row.tolist() == [0]
    error = found.position_error_m(truth, unsure, np.array([0]), np.array([0]))
    assert error.tolist() == [[300.0, 0.0, 0.0]]
    sure = track([0.0], 1, (300.0, 0.0, 3000.0), covariance=100.0**2 * np.eye(3))
    assert match(truth, sure, 1000.0).track_row.tolist() == [-1]
