"""OSPA(2) by hand, against its twin and the axioms; sets of trajectories and who meets whom."""

from __future__ import annotations

import numpy as np
import pytest
import twins_metrics as twins
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_trajectories import crowd, lines, small_sets

from sim.metrics.sets import set_distances
from sim.metrics.trajectories import Trajectories, near_pairs, ospa2, ospa2_over_time

NAN = np.nan
C = 50.0
NOTHING = lines(np.empty((0, 4)))


def cut(things: Trajectories, first: int, last: int) -> Trajectories:
    """Return the steps from the first to the last, excluded, by themselves."""
    rows = slice(things.start[first], things.start[last])
    step = np.repeat(np.arange(things.steps), np.diff(things.start))[rows] - first
    return Trajectories.of(step, things.owner[rows], things.position[rows], last - first)


def test_rows_in_any_order() -> None:
    things = Trajectories.of([2, 0, 2], [9, 9, -4], [[1.0], [2], [3]], 4)
    assert things.start.tolist() == [0, 1, 1, 3, 3]
    assert things.owner.tolist() == [1, 0, 1]
    assert things.position[:, 0].tolist() == [2, 3, 1]
    assert (things.count, things.steps) == (2, 4)


@pytest.mark.parametrize(
    ("step", "name", "match"),
    [([0, 0], [1, 1], "one place"), ([0, 9], [1, 1], "steps"), ([0], [1, 1], "one row each")],
)
def test_refuses_broken_rows(step: list[int], name: list[int], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Trajectories.of(step, name, np.zeros((2, 3)), 4)


def test_sets_of_different_lengths_cannot_be_compared() -> None:
    with pytest.raises(ValueError, match="steps"):
        ospa2(lines([[0.0, 0]]), lines([[0.0]]), C)


def test_ospa2_by_hand() -> None:
    truth = lines([[0, 0, 0, 0], [NAN, 1000, 1000, NAN]])
    tracks = lines([[NAN, 10, 10, 80]])
    # One pair: 50 (late), 10, 10 and 80 cut to 50; the other target has no track.
    base = (50 + 10 + 10 + 50) / 4
    assert ospa2(truth, tracks, C, 1.0) == pytest.approx((base + 50) / 2)
    assert ospa2(truth, tracks, C, 2.0) == pytest.approx(np.sqrt((base**2 + 50**2) / 2))
    base = np.sqrt((2500 + 100 + 100 + 2500) / 4)
    assert ospa2(truth, tracks, C, 1.0, 2.0) == pytest.approx((base + 50) / 2)


def test_ospa2_sees_a_swap_and_ospa_does_not() -> None:
    truth = lines([[0, 0, 0, 0], [40, 40, 40, 40]])
    swapped = lines([[0, 0, 40, 40], [40, 40, 0, 0]])
    each = set_distances(truth.position, swapped.position, truth.start, swapped.start, C)
    assert each.ospa_m.tolist() == [0, 0, 0, 0]
    assert ospa2(truth, swapped, C) == pytest.approx(20.0)


def test_ospa2_of_nothing() -> None:
    assert ospa2(NOTHING, NOTHING, C) == 0.0
    assert ospa2(NOTHING, lines([[0.0, 0, 0, 0]]), C) == ospa2(lines([[0.0] * 4]), NOTHING, C) == C


@settings(deadline=None)
@given(small_sets, small_sets, st.sampled_from([1.0, 2.0]), st.sampled_from([1.0, 2.0]))
def test_ospa2_twin(x: Trajectories, y: Trajectories, p: float, q: float) -> None:
    assert ospa2(x, y, C, p, q) == pytest.approx(twins.ospa2(x, y, C, p, q), abs=1e-5)


@settings(deadline=None)
@given(small_sets, small_sets, small_sets, st.sampled_from([1.0, 2.0]))
def test_ospa2_axioms(x: Trajectories, y: Trajectories, z: Trajectories, p: float) -> None:
    assert ospa2(x, x, C, p) == pytest.approx(0.0, abs=1e-5)
    assert ospa2(x, y, C, p) == pytest.approx(ospa2(y, x, C, p), abs=1e-5)
    assert ospa2(x, y, C, p) <= ospa2(x, z, C, p) + ospa2(z, y, C, p) + 1e-5


def test_a_window_is_the_metric_of_its_steps_alone() -> None:
    x, y = crowd(12, 60, 2e3, seed=1, untracked=0.2)
    sliding = ospa2_over_time(x, y, 1000.0, window=7)
    for step in (0, 3, 6, 7, 30, 59):
        first = max(step - 6, 0)
        alone = twins.ospa2(cut(x, first, step + 1), cut(y, first, step + 1), 1000.0, 2.0, 1.0)
        assert sliding[step] == pytest.approx(alone, abs=1e-6)


def test_near_pairs_against_all_pairs() -> None:
    x, y = crowd(15, 40, 8e3, seed=2)
    a, b = twins.table(x), twins.table(y)
    apart = np.linalg.norm(a[:, None] - b[None], axis=3)
    met = [np.flatnonzero((row < 900).any(axis=1)).tolist() for row in apart]
    start, other = near_pairs(x, y, 900.0)
    assert [other[start[i] : start[i + 1]].tolist() for i in range(x.count)] == met


@pytest.mark.slow
def test_a_thousand_targets_equal_the_dense_way() -> None:
    x, y = crowd(1000, 50, 1e5, seed=3)
    found = set_distances(x.position, y.position, x.start, y.start, 1000.0)
    for step in range(50):
        here, there = (
            things.position[things.start[step] : things.start[step + 1]] for things in (x, y)
        )
        assert (found.ospa_m[step], found.gospa_m[step]) == pytest.approx(
            twins.dense_sets(here, there, 1000.0)
        )
    dense = np.full((x.count, y.count), 1000.0)
    a, b = twins.table(x), twins.table(y)
    for i in range(x.count):
        apart = np.minimum(np.linalg.norm(a[i] - b, axis=2), 1000.0)
        apart[np.isnan(apart)] = 1000.0
        either = twins.present(a[i]) | twins.present(b)
        dense[i] = (apart * either).sum(axis=1) / either.sum(axis=1)
    assert ospa2(x, y, 1000.0) == pytest.approx(twins.of_base(dense, 1000.0, 2.0))
