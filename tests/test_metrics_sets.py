"""OSPA and GOSPA against printed numbers, slow twins and the axioms of a metric."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_histories import NO_TRACKS, target, together, track
from twins_metrics import best_of_all, dense_sets

from sim.core.tables import Floats
from sim.metrics.sets import gospa, ospa, over_time, set_distances

X = np.array([[0, 0, 0], [100, 0, 0], [0, 200, 0], [1000, 1000, 0]], float)
Y = np.array([[10, 0, 0], [100, 30, 0], [5000, 0, 0]], float)
NOTHING = np.empty((0, 3))


def test_printed_example() -> None:
    assert ospa(X, Y, 500.0) == pytest.approx(353.906767, abs=1e-6)
    assert gospa(X, Y, 500.0).distance_m == pytest.approx(613.188389, abs=1e-6)


def test_parts_of_the_printed_example() -> None:
    starts = np.array([0, 4], np.intp), np.array([0, 3], np.intp)
    parts = set_distances(X, Y, *starts, 500.0)
    assert parts.localisation[0] == pytest.approx(10.0**2 + 30.0**2)
    assert (parts.missed_targets[0], parts.false_tracks[0]) == (2, 1)
    assert parts.missed[0] == 2 * 500.0**2 / 2
    assert parts.false[0] == 500.0**2 / 2


def test_empty_sets() -> None:
    assert ospa(NOTHING, NOTHING, 100.0) == gospa(NOTHING, NOTHING, 100.0).distance_m == 0.0
    assert ospa(X, NOTHING, 100.0) == ospa(NOTHING, X, 100.0) == 100.0
    assert gospa(X, NOTHING, 100.0).distance_m == pytest.approx(np.sqrt(4 * 100.0**2 / 2))


def test_refuses_senseless_parameters() -> None:
    with pytest.raises(ValueError, match="cutoff"):
        ospa(X, Y, 0.0)
    with pytest.raises(ValueError, match="order"):
        gospa(X, Y, 1.0, order=0.5)
    with pytest.raises(ValueError, match="alpha"):
        gospa(X, Y, 1.0, alpha=2.5)


points = st.lists(st.tuples(*[st.floats(-300, 300, allow_subnormal=False)] * 2), max_size=4).map(
    lambda rows: np.array(rows, float).reshape(-1, 2)
)
orders = st.sampled_from([1.0, 2.0, 3.0])


@settings(deadline=None)
@given(points, points, orders, st.sampled_from([0.5, 1.0, 2.0]))
def test_brute_force_twin(x: Floats, y: Floats, p: float, alpha: float) -> None:
    expected = best_of_all(x, y, 150.0, p, alpha)
    parts = gospa(x, y, 150.0, p, alpha)
    assert (ospa(x, y, 150.0, p), parts.distance_m) == pytest.approx(expected, abs=1e-3)
    total = parts.localisation + parts.missed + parts.false
    assert total == pytest.approx(parts.distance_m**p, abs=1e-6)
    assert len(x) - parts.missed_targets == len(y) - parts.false_tracks


def gospa_distance(x: Floats, y: Floats, cutoff: float, p: float) -> float:
    return gospa(x, y, cutoff, p).distance_m


@settings(deadline=None)
@given(points, points, points, orders)
def test_axioms(x: Floats, y: Floats, z: Floats, p: float) -> None:
    for metric in (ospa, gospa_distance):
        assert metric(x, x, 150.0, p) == pytest.approx(0.0, abs=1e-3)
        assert metric(x, y, 150.0, p) == pytest.approx(metric(y, x, 150.0, p), abs=1e-3)
        detour = metric(x, z, 150.0, p) + metric(z, y, 150.0, p)
        assert metric(x, y, 150.0, p) <= detour + 1e-3


@pytest.mark.parametrize("stretch", [(1, 1, 1), (0, 1, 1), (1, 0, 0)])
def test_larger_sets_against_all_pairs(stretch: tuple[int, int, int]) -> None:
    """Whichever axis the points spread along, and if they spread along none of the first two."""
    rng = np.random.default_rng(5)
    x, y = (rng.uniform(0, 1000, (n, 3)) * stretch for n in (40, 60))
    assert (ospa(x, y, 300.0), gospa(x, y, 300.0).distance_m) == pytest.approx(
        dense_sets(x, y, 300.0)
    )


def test_very_large_sets_by_each_half_alone() -> None:
    """So many that they are sought in buckets; each half few enough for the sweep."""
    rng = np.random.default_rng(3)
    n = 6000
    x = rng.uniform(0.0, 2e4, (n, 3)) * [1.0, 1.0, 0.1]
    y = (x + rng.normal(size=x.shape) * 100)[rng.permutation(n)[: n - 200]]
    y[:5, 0] = np.nan
    west, east = x[:, 0] < 1e4, x[:, 0] >= 1e4
    x[east, 0] += 1e4
    y[:, 0] += np.where(y[:, 0] >= 1e4, 1e4, 0.0)
    whole = set_distances(x, y, np.array([0, n]), np.array([0, len(y)]), 200.0)
    halves = [
        set_distances(a, b, np.array([0, len(a)]), np.array([0, len(b)]), 200.0)
        for a, b in ((x[west], y[y[:, 0] < 1.5e4]), (x[east], y[y[:, 0] >= 1.5e4]))
    ]
    assert whole.localisation[0] == pytest.approx(sum(h.localisation[0] for h in halves))
    missed = sum(h.missed_targets[0] for h in halves)
    assert 200 < whole.missed_targets[0] == missed
    assert whole.false_tracks[0] == 5 + sum(h.false_tracks[0] for h in halves)


def test_more_pairs_than_the_first_buffer_holds() -> None:
    rng = np.random.default_rng(6)
    x, y = rng.uniform(0, 10, (50, 3)), rng.uniform(0, 10, (70, 3))
    assert ospa(x, y, 300.0) == pytest.approx(dense_sets(x, y, 300.0)[0])


def test_unknown_places_are_far_from_everything() -> None:
    x = np.array([[0.0, 0, 0], [np.nan, 0, 0]])
    y = np.array([[np.nan, np.nan, np.nan], [3.0, 4, 0], [9000, 0, 0]])
    parts = gospa(x, y, 100.0)
    assert (parts.localisation, parts.missed_targets, parts.false_tracks) == (25.0, 1, 2)


def test_over_time_takes_each_step_by_itself() -> None:
    truth = together(target([0, 1, 2], 0, (0, 0, 0)), target([1, 2], 1, (500, 0, 0)))
    tracks = together(track([0, 1], 1, (30, 0, 0)), track([3], 2, (0, 0, 0)))
    distances = over_time(truth, tracks, 100.0)
    assert distances.missed_targets.tolist() == [0, 1, 2, 0]
    assert distances.false_tracks.tolist() == [0, 0, 0, 1]
    assert distances.ospa_m == pytest.approx([30, np.sqrt((900 + 1e4) / 2), 100, 100])
    assert distances.gospa_m == pytest.approx([30, np.sqrt(900 + 5e3), 100, np.sqrt(5e3)])


def test_no_tracks_at_all() -> None:
    distances = over_time(target([0, 1], 0, (0, 0, 0)), NO_TRACKS, 100.0)
    assert distances.ospa_m.tolist() == [100.0, 100.0]
