"""The weakest crossing: by hand, against Bellman and Ford, and how far stencils err."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from twins_line import arrivals

from sim.coverage.paths import Crossing, weakest_crossing
from sim.coverage.stencil import band_metrication_ratio, metrication_ratio, stencil

#: From a corner of the square around a sensor to the other, past it at the distance 1.
CORNER_TO_CORNER = 2 * math.asinh(1) + math.pi / 2


def grid(rows: int, columns: int, cell_m: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return a straight band seen from the north: row 0 lies northmost."""
    east, south = np.meshgrid(cell_m * np.arange(columns), cell_m * np.arange(rows))
    return east, -south


def bent(rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a band around a circle of 20 columns."""
    radius = 10.0 + np.arange(rows)[::-1, None]
    turn = np.arange(columns) * 2 * math.pi / 20
    return radius * np.sin(turn), radius * np.cos(turn)


def crossing(rate: Any, **changed: Any) -> Crossing:
    rate = np.asarray(rate, float)
    east, north = grid(*rate.shape[1:])
    return weakest_crossing(rate, east, north, **{"speed_mps": 1.0} | changed)


@pytest.mark.parametrize(("neighbours", "within"), [(8, 0.02), (16, 0.005), (32, 0.0015)])
def test_the_least_exposed_way_around_a_sensor(neighbours: int, within: float) -> None:
    axis = np.linspace(-1, 1, 201)
    east, north = np.meshgrid(axis, axis)
    start, goal = np.zeros((2, 201, 201), bool)
    start[0, -1] = goal[-1, 0] = True
    rate = 1 / np.maximum(np.hypot(east, north), 1e-6)[None]
    found = weakest_crossing(
        rate, east, north, speed_mps=1.0, neighbours=neighbours, starts=start, goals=goal
    )
    assert pytest.approx(3.333544, abs=1e-6) == CORNER_TO_CORNER
    # Straight on along the sides, and as far from the sensor as a circle around it.
    assert CORNER_TO_CORNER < found.exposure < CORNER_TO_CORNER * (1 + within)
    assert found.exposure_floor < CORNER_TO_CORNER
    assert found.path_to(0).tolist() == found.cells.tolist()
    assert found.cells[[0, -1]].tolist() == [[0, 200], [200, 0]]
    distance = np.hypot(*(axis[found.cells].T))
    assert distance.min() > 0.97


@pytest.mark.parametrize("neighbours", [8, 16, 32])
@pytest.mark.parametrize("headings", [1, 3])
@pytest.mark.parametrize("band", [grid, bent])
def test_every_exit_as_by_bellman_and_ford(neighbours: int, headings: int, band: Any) -> None:
    east, north = band(5, 6)
    rate = np.random.default_rng(headings).exponential(0.1, (headings, 5, 6)).astype(np.float32)
    found = weakest_crossing(rate, east, north, speed_mps=2.0, neighbours=neighbours)
    wanted = arrivals(rate.astype(float), east, north, 2.0, neighbours)
    np.testing.assert_allclose(found.arrival_exposure, wanted, rtol=1e-4)
    assert found.exposure == found.arrival_exposure.min()
    assert found.probability == pytest.approx(1 - math.exp(-found.exposure))
    for column in range(6):
        path = found.path_to(column)
        assert path[0, 0] == 0
        assert path[-1].tolist() == [4, column]


@pytest.mark.parametrize("neighbours", [8, 16, 32])
def test_moves_are_coprime_and_what_they_meet_is_a_mean(neighbours: int) -> None:
    made = stencil(neighbours)
    assert len({tuple(move) for move in made.moves.tolist()}) == neighbours
    assert (np.gcd(*made.moves.T) == 1).all()
    sums = np.add.reduceat(made.weight, made.first[:-1])
    np.testing.assert_allclose(sums, 1.0)
    # The mean of a plane along a move is its value half-way.
    means = np.add.reduceat(made.weight[:, None] * made.offset, made.first[:-1])
    np.testing.assert_allclose(means, made.moves / 2)


def test_a_narrow_peak_between_the_ends_of_a_move_is_met() -> None:
    rate = np.zeros((1, 3, 5))
    rate[0, 1] = 1.0
    # A move over two rows does not jump the wall.
    assert crossing(rate).exposure == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize(
    ("neighbours", "angle"),
    [(8, 45.0), (16, math.degrees(math.atan(1 / 2))), (32, math.degrees(math.atan(1 / 3)))],
)
def test_metrication_in_closed_form_and_as_found(neighbours: int, angle: float) -> None:
    stated = metrication_ratio(neighbours)
    assert stated == pytest.approx(1 / math.cos(math.radians(angle / 2)))
    start = np.zeros((61, 121), bool)
    start[0, 60] = True
    found = crossing(np.ones((1, 61, 121)), neighbours=neighbours, starts=start)
    straight = np.hypot(60, np.arange(121) - 60)
    ratio = found.arrival_exposure / straight
    assert found.metrication_ratio == stated
    assert ratio.max() <= stated + 1e-6
    assert ratio.max() == pytest.approx(stated, abs=1e-3)


def test_metrication_as_documented() -> None:
    page = Path(__file__).resolve().parents[1] / "docs" / "coverage" / "line.md"
    rows = re.findall(r"^\| (\d+) \|.*\| (\d\.\d+) \| (\d\.\d+) \|$", page.read_text(), flags=re.M)
    assert [int(neighbours) for neighbours, _, _ in rows] == [8, 16, 32]
    for neighbours, square, oblong in rows:
        assert f"{metrication_ratio(int(neighbours)):.4f}" == square
        assert f"{metrication_ratio(int(neighbours), row_m=1, column_m=2):.4f}" == oblong


def test_metrication_of_cells_that_are_not_square() -> None:
    assert metrication_ratio(32, row_m=200, column_m=200) == metrication_ratio(32)
    assert metrication_ratio(8, row_m=1, column_m=2) == pytest.approx(
        1 / math.cos(0.5 * math.atan(2))
    )
    assert metrication_ratio(8, row_m=2, column_m=1) == metrication_ratio(8, row_m=1, column_m=2)
    assert band_metrication_ratio(*bent(4, 6), 8) > metrication_ratio(8)
    assert band_metrication_ratio(np.zeros((2, 2)), np.zeros((2, 2)), 8) == math.inf


def test_the_heading_decides_what_is_met() -> None:
    # Seen only on the way north: a path southwards is not, one northwards is.
    rate = np.zeros((4, 4, 3))
    rate[0] = 1.0
    assert crossing(rate).exposure == pytest.approx(0.0, abs=1e-9)
    assert crossing(rate[[2, 3, 0, 1]]).exposure > 1.0
    # Half-way between two headings, half of both.
    diagonal = np.zeros((8, 2, 2))
    diagonal[3] = 1.0
    start, goal = np.array([[1, 0], [0, 0]], bool), np.array([[0, 0], [0, 1]], bool)
    south_east = crossing(diagonal, starts=start, goals=goal, neighbours=8)
    # East, then south, is unseen; the diagonal costs √2.
    assert south_east.exposure == pytest.approx(0.0, abs=1e-9)
    both = np.zeros((4, 2, 2))
    both[1], both[2] = 1.0, 3.0
    straight = crossing(both, starts=start, goals=goal, neighbours=8)
    assert straight.exposure == pytest.approx(2 * math.sqrt(2))


def test_slow_targets_are_exposed_longer() -> None:
    rate = np.full((1, 4, 4), 0.1)
    assert crossing(rate, speed_mps=0.5).exposure == pytest.approx(2 * crossing(rate).exposure)


def test_of_equal_paths_the_shortest() -> None:
    found = crossing(np.zeros((1, 30, 9)))
    assert found.exposure < 1e-9
    assert len(set(found.cells[:, 1])) == 1


def test_what_lies_beyond_the_ends() -> None:
    rate = np.ones((1, 7, 12))
    rate[:, 3] = 9.0
    rate[:, 3, 11] = 0.0
    closed, around, ring = (crossing(rate, ends=e) for e in ("closed", "open", "ring"))
    assert around.exposure == 0.0
    assert around.arrival_exposure[2] == pytest.approx(2.0)
    # On the ring, columns 11 and 0 are side by side where the cells say so.
    assert ring.exposure <= closed.exposure
    east, north = bent(4, 20)
    rate = np.ones((1, 4, 20))
    rate[:, 1:3, 3:18] = 50.0
    on_ring = weakest_crossing(rate, east, north, speed_mps=1.0, ends="ring")
    turned = weakest_crossing(
        np.roll(rate, 10, 2), np.roll(east, 10, 1), np.roll(north, 10, 1), speed_mps=1.0
    )
    assert on_ring.exposure == pytest.approx(turned.exposure)
    shifted = weakest_crossing(
        np.roll(rate, 5, 2), np.roll(east, 5, 1), np.roll(north, 5, 1), speed_mps=1.0, ends="ring"
    )
    np.testing.assert_allclose(
        shifted.arrival_exposure, np.roll(on_ring.arrival_exposure, 5), rtol=1e-12
    )


@settings(max_examples=30, deadline=None)
@given(
    arrays(np.float32, (2, 4, 5), elements=st.floats(0, 10, width=32)),
    arrays(np.float32, (2, 4, 5), elements=st.floats(0, 10, width=32)),
)
def test_more_rate_never_lowers_the_exposure(rate: np.ndarray, more: np.ndarray) -> None:
    before, after = crossing(rate), crossing(rate + more)
    assert (after.arrival_exposure >= before.arrival_exposure).all()


@settings(max_examples=30, deadline=None)
@given(arrays(np.float32, (3, 4, 5), elements=st.floats(0, 10, width=32)))
def test_more_moves_never_raise_the_exposure(rate: np.ndarray) -> None:
    few, some, many = (crossing(rate, neighbours=n).exposure for n in (8, 16, 32))
    assert many <= some <= few


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rate": np.full((1, 3, 4), np.nan)}, "found nan at heading 0, row 0, column 0"),
        ({"rate": -np.ones((1, 3, 4))}, "not negative, found -1.0"),
        ({"rate": np.full((1, 3, 4), np.inf)}, "must be finite"),
        ({"rate": np.ones((3, 4))}, r"\(headings, 3, 4\), found \(3, 4\)"),
        ({"rate": np.ones((0, 3, 4))}, r"found \(0, 3, 4\)"),
        ({"band": (1, 4)}, "2 × 2 cells or more, found 1 × 4"),
        ({"band": (0, 0)}, "2 × 2 cells or more"),
        ({"speed_mps": 0.0}, "speed 0.0 m/s must be positive"),
        ({"speed_mps": math.nan}, "must be positive"),
        ({"neighbours": 4}, "neighbours must be 8, 16 or 32, found 4"),
        ({"ends": "shut"}, "ends must be one of closed, open, ring, found 'shut'"),
        ({"ends": "ring"}, "more than 6 columns, found 4"),
        ({"starts": np.zeros((3, 4), bool)}, "no cell is a start"),
        ({"goals": np.ones((4, 3), bool)}, r"goals must be of the shape 3 × 4"),
    ],
)
def test_what_cannot_be_crossed_is_said(changed: dict[str, Any], message: str) -> None:
    east, north = grid(*changed.pop("band", (3, 4)))
    rate = changed.pop("rate", np.ones((1, *east.shape)))
    with pytest.raises(ValueError, match=message):
        weakest_crossing(rate, east, north, **{"speed_mps": 1.0} | changed)


def test_a_column_without_exit_and_centres_that_are_unknown() -> None:
    goal = np.zeros((3, 4), bool)
    goal[2, 1] = True
    found = crossing(np.ones((1, 3, 4)), goals=goal)
    assert np.isinf(found.arrival_exposure).tolist() == [True, False, True, True]
    with pytest.raises(ValueError, match="column 2 has no exit"):
        found.path_to(2)
    east, north = grid(3, 4)
    with pytest.raises(ValueError, match="centres must be finite"):
        weakest_crossing(np.ones((1, 3, 4)), east * np.nan, north, speed_mps=1.0)
    with pytest.raises(ValueError, match="of one shape"):
        weakest_crossing(np.ones((1, 3, 4)), east, north[:2], speed_mps=1.0)
