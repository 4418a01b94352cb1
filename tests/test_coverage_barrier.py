"""The k-barrier degree against the loss of all subsets, and what it rests on."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins_line import degree, is_chained, is_open, union

from sim.coverage import cuts
from sim.coverage.barrier import BarrierDegree, barrier_degree, open_path
from sim.coverage.chains import SensorCover


def require_hole(found: BarrierDegree, covers: list[SensorCover], shape: tuple[int, int]) -> None:
    """Require that the hole leads over the sides of cells that nobody left covers."""
    covered = union(covers, shape, tuple(found.failing.tolist()))
    assert found.hole[0, 0] == 0
    assert found.hole[-1, 0] == shape[0] - 1
    assert not covered[tuple(found.hole.T)].any()
    assert (np.abs(np.diff(found.hole, axis=0)).sum(axis=1) == 1).all()


@st.composite
def lines(draw: st.DrawFn, most: int = 6) -> tuple[list[SensorCover], tuple[int, int]]:
    shape = draw(st.integers(1, 5)), draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    density = draw(st.sampled_from([0.5, 0.7, 0.9, 1.0]))
    covers = []
    for _ in range(draw(st.integers(0, most))):
        size = rng.integers(1, np.array(shape) + 1)
        row, column = rng.integers(0, np.array(shape) - size + 1)
        covers.append(SensorCover(int(row), int(column), rng.random(tuple(size)) < density))
    return covers, shape


@pytest.mark.parametrize("shape", [(1, 5), (2, 5), (3, 4), (4, 3), (5, 2)])
def test_either_a_chain_or_an_open_path(shape: tuple[int, int]) -> None:
    """On all grids of a size: what the whole method rests on."""
    for cells in itertools.product([False, True], repeat=shape[0] * shape[1]):
        covered = np.array(cells).reshape(shape)
        assert is_open(covered) != is_chained(covered)
        assert (open_path(covered) is not None) == is_open(covered)


@settings(max_examples=300, deadline=None)
@given(lines())
def test_as_by_losing_all_subsets(line: tuple[list[SensorCover], tuple[int, int]]) -> None:
    covers, shape = line
    found = barrier_degree(covers, shape)
    assert found.exact
    assert found.upper == found.failing.size == degree(covers, shape)
    require_hole(found, covers, shape)


def torn(seed: int) -> tuple[list[SensorCover], tuple[int, int]]:
    """Return covers in so many pieces that neither flow nor a level is the answer."""
    rng = np.random.default_rng(seed)
    return [SensorCover(0, 0, rng.random((8, 10)) < 0.2) for _ in range(8)], (8, 10)


def test_covers_torn_to_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """As by losing all subsets, where bounds do not meet and only the programme tells."""
    solved = []
    solve = cuts._solve
    monkeypatch.setattr(
        cuts, "_solve", lambda *a, whole: solved.append(whole) or solve(*a, whole=whole)
    )
    for seed in range(15):
        covers, shape = torn(seed)
        found = barrier_degree(covers, shape)
        assert found.exact
        assert found.upper == degree(covers, shape)
        require_hole(found, covers, shape)
    assert sum(solved) >= 5
    assert solved.count(False) >= 10


@settings(max_examples=60, deadline=None)
@given(lines(), st.integers(0, 2**32))
def test_a_sensor_more_never_lowers_the_degree(
    line: tuple[list[SensorCover], tuple[int, int]], seed: int
) -> None:
    covers, shape = line
    more = SensorCover(0, 0, np.random.default_rng(seed).random(shape) < 0.5)
    assert barrier_degree([*covers, more], shape).upper >= barrier_degree(covers, shape).upper


def test_rows_of_sensors_side_by_side() -> None:
    """As many as there are rows, and in the stretch where one of them is missing one less."""
    block = np.ones((4, 10), bool)
    covers = [SensorCover(4 * row, column, block) for row in range(3) for column in range(0, 91, 9)]
    shape = (12, 100)
    assert barrier_degree(covers, shape).upper == 3
    without = [cover for cover in covers if (cover.row, cover.column) != (4, 45)]
    found = barrier_degree(without, shape)
    assert (found.lower, found.upper) == (2, 2)
    failing = [without[i] for i in found.failing]
    assert all(45 <= column < 55 or 36 <= column < 45 for column in found.hole[5:7, 1])
    assert {cover.row for cover in failing} == {0, 8}


def test_one_failure_takes_all_pieces_of_a_sensor() -> None:
    """Two pieces in two chains: the merged graph and the graph of pieces both say two."""
    torn = np.zeros((5, 3), bool)
    torn[0] = torn[4] = True
    left, right = np.zeros((5, 4), bool), np.zeros((5, 4), bool)
    left[0] = left[4] = right[0] = right[4] = True
    covers = [SensorCover(0, 0, left), SensorCover(0, 3, torn), SensorCover(0, 5, right)]
    assert barrier_degree(covers, (5, 9)).upper == 1
    # A second sensor over either piece: one failure is not enough.
    second = SensorCover(0, 2, np.ones((1, 5), bool))
    assert barrier_degree([*covers, second], (5, 9)).upper == 1
    first = SensorCover(0, 0, np.ones((1, 9), bool))
    found = barrier_degree([*covers, first], (5, 9))
    assert found.upper == 2
    assert 3 in found.failing


def test_a_hole_that_is_open_today() -> None:
    covers = [SensorCover(0, 0, np.ones((3, 4), bool)), SensorCover(0, 5, np.ones((3, 4), bool))]
    found = barrier_degree(covers, (3, 9))
    assert (found.lower, found.upper, found.failing.size) == (0, 0, 0)
    assert found.hole.tolist() == [[0, 4], [1, 4], [2, 4]]
    assert barrier_degree([], (3, 9)).upper == 0
    assert barrier_degree([SensorCover(1, 2, np.empty((0, 0), bool))], (3, 9)).upper == 0


def test_nobody_slips_through_a_corner() -> None:
    stairs = [SensorCover(i, i, np.ones((1, 1), bool)) for i in range(3)]
    assert barrier_degree(stairs, (3, 3)).upper == 1


def test_bounds_when_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuts, "_solve", lambda *_, **__: SimpleNamespace(status=1))
    lower = upper = wanted = 0
    for seed in range(10):
        covers, shape = torn(seed)
        found = barrier_degree(covers, shape)
        assert found.lower <= degree(covers, shape) <= found.upper
        require_hole(found, covers, shape)
        lower, upper = lower + found.lower, upper + found.upper
        wanted += degree(covers, shape)
    assert lower < wanted < upper


def test_what_is_no_window_of_the_band_is_said() -> None:
    with pytest.raises(ValueError, match=r"cover 0, \(2, 3\) cells from row 2 and column 0"):
        barrier_degree([SensorCover(2, 0, np.ones((2, 3), bool))], (3, 9))
    with pytest.raises(ValueError, match="not a window"):
        barrier_degree([SensorCover(0, 0, np.ones(3, bool))], (3, 9))
    with pytest.raises(ValueError, match="a band needs cells, found 0 × 9"):
        barrier_degree([], (0, 9))
