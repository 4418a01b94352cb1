"""Identity switches, and the agreement of several pictures on track numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from metrics_histories import NO_TRACKS, target, together, track

from sim.metrics.commonality import commonality, compare_pictures
from sim.metrics.matching import match
from sim.metrics.switches import IdentitySwitches, identity_switches, of_matching

TIMES = np.arange(10.0)


def switches(*held: Sequence[int]) -> IdentitySwitches:
    """Judge targets held step by step under the given numbers, -1 for none."""
    numbers = np.array(held)
    thing, step = np.nonzero(numbers >= 0)
    order = np.random.default_rng(1).permutation(step.size)
    return identity_switches(step[order], thing[order], numbers[thing, step][order])


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ([[1, 1, 1, 1], [2, 2, 2, 2]], (0, 0, 0)),
        ([[1, 1, -1, 1], [2, 2, -1, -1]], (0, 0, 0)),  # a gap under the same number
        ([[1, 1, 3, 3], [2, 2, 2, 2]], (1, 0, 0)),
        ([[1, 2, 1, 2]], (3, 0, 0)),
        ([[1, 1, -1, -1], [-1, -1, 1, 1]], (0, 1, 0)),  # a track drifts to another target
        ([[1, 1, 2, 2], [2, 2, 1, 1]], (2, 2, 1)),
        ([[1, 2, 2, 1], [2, 1, 1, 2]], (4, 4, 2)),  # there and back
        ([[1, 1, -1, -1, 2], [2, 2, 2, 1, 1]], (2, 2, 1)),  # not at once, but meanwhile
        ([[1, 1, 2, 2, 2], [2, 3, 3, 3, 1]], (3, 2, 0)),  # no exchange: 3 came between
        ([[1, 2, 2, 2, 2], [2, -1, -1, -1, 1]], (2, 2, 1)),
        ([[1, 3, 3, -1], [-1, 1, 1, 3]], (2, 2, 0)),  # one follows the other
    ],
)
def test_switches(held: list[list[int]], expected: tuple[int, int, int]) -> None:
    found = switches(*held)
    assert (found.number_changes, found.track_transfers, found.swaps) == expected


def test_swap_seen_in_a_picture() -> None:
    truth = together(target(TIMES, 0, (0, 0, 0)), target(TIMES, 1, (80, 0, 0)))
    x = np.where(TIMES < 5, 0.0, 80.0)
    tracks = together(
        track(TIMES, 1, np.stack([x, 0 * x, 0 * x], axis=1)),
        track(TIMES, 2, np.stack([80 - x, 0 * x, 0 * x], axis=1)),
    )
    found = of_matching(truth, tracks, match(truth, tracks, 100.0))
    assert found.to_json() == {"number_changes": 2, "track_transfers": 2, "swaps": 1}


def test_no_switches_without_tracks() -> None:
    truth = target(TIMES, 0, (0, 0, 0))
    assert of_matching(truth, NO_TRACKS, match(truth, NO_TRACKS, 1.0)) == IdentitySwitches(0, 0, 0)


def test_commonality_by_hand() -> None:
    # Target steps: all agree; one differs; one site lacks it; one site alone; held by none.
    found = commonality(
        np.array([[7, 7, 7, 7, -1], [7, 7, 7, -1, -1], [7, 8, -1, -1, -1]], np.int32)
    )
    assert found.common_number == pytest.approx(2 / 3)
    assert found.common_pairs == pytest.approx((3 + 1 + 1) / (3 + 3 + 1))
    assert found.held_by_all == pytest.approx(2 / 4)
    assert found.held_by_all_under_one_number == pytest.approx(1 / 4)


def test_commonality_of_little() -> None:
    assert set(commonality(np.full((2, 3), -1, np.int32)).to_json().values()) == {None}
    alone = commonality(np.array([[4, -1]], np.int32))
    assert (alone.common_number, alone.held_by_all_under_one_number) == (None, 1.0)


def test_two_sites_with_their_own_numbers_for_one_target() -> None:
    truth = together(target(TIMES, 0, (0, 0, 0)), target(TIMES, 1, (900, 0, 0)))
    here = together(track(TIMES, 1, (5, 0, 0)), track(TIMES, 2, (900, 0, 0)))
    there = together(track(TIMES, 1, (0, 5, 0)), track(TIMES[5:], 3, (900, 0, 0)))
    found = compare_pictures(truth, [here, there], 100.0)
    assert found.common_number == pytest.approx(10 / 15)
    assert found.held_by_all == pytest.approx(15 / 20)
