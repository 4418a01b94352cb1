"""Maximal breach and least peak, by hand and against all paths."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from twins_line import all_paths

from sim.coverage.breach import least_peak, maximal_breach

SHAPE = (3, 4)
PATHS = all_paths(SHAPE)


def grid(rows: int, columns: int, cell_m: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    east, south = np.meshgrid(cell_m * np.arange(columns), cell_m * np.arange(rows))
    return east, -south


@pytest.mark.parametrize("offset_m", [0.0, 50.0])
def test_between_sensors_of_a_row_half_their_distance(offset_m: float) -> None:
    """Also where the row of sensors lies between two rows of cells."""
    east, north = grid(41, 401, cell_m=100.0)
    along = np.arange(0.0, 40001.0, 2000.0)
    sensors = np.stack([along, np.full(along.size, -2000.0 - offset_m)], axis=1)
    found = maximal_breach(east, north, sensors)
    assert found.closest_m == pytest.approx(1000.0)
    # Straight across: of all such paths a shortest.
    assert len(found.cells) == 41
    assert len(set(found.cells[:, 1])) == 1
    assert found.cells[[0, -1], 0].tolist() == [0, 40]


def test_a_wider_gap_at_the_end_is_the_breach() -> None:
    east, north = grid(11, 101, cell_m=100.0)
    sensors = np.stack([np.arange(0.0, 8001.0, 1000.0), np.full(9, -500.0)], axis=1)
    found = maximal_breach(east, north, sensors)
    assert found.closest_m == pytest.approx(2000.0)
    assert found.cells[5, 1] == 100
    # Around a ring there is no end; from outside of an open one, no band to cross.
    assert maximal_breach(east, north, sensors, ends="open").closest_m > 2000.0


def test_around_a_ring() -> None:
    turn = np.arange(24) * math.pi / 12
    radius = np.array([[3.0], [2.0], [1.0]])
    east, north = radius * np.sin(turn), radius * np.cos(turn)
    # Sensors leave a gap of a third of the circle, where the columns begin and end.
    sensors = np.stack([east[1, 4:21:4], north[1, 4:21:4]], axis=1)
    found = maximal_breach(east, north, sensors, ends="ring")
    # 60 degrees from the next sensors; the inner edge, at half their radius, is nearest to them.
    assert found.cells[:, 1].tolist() == [0, 0, 0]
    assert found.closest_m == pytest.approx(math.sqrt(3))


def test_without_sensors() -> None:
    assert maximal_breach(*grid(3, 4), np.empty((0, 2))).closest_m == math.inf


def from_sensors(path: list[tuple[int, int]], sensors: np.ndarray) -> float:
    """Return the smallest distance of a path to sensors, in small steps."""
    corners = np.array(path, float)
    way = np.linspace(0, len(path) - 1, 40 * (len(path) - 1) + 1)
    rows, columns = (np.interp(way, np.arange(len(path)), corners[:, i]) for i in (0, 1))
    return float(np.hypot(columns[:, None] - sensors[:, 0], -rows[:, None] - sensors[:, 1]).min())


def test_breach_as_over_all_paths() -> None:
    rng = np.random.default_rng(3)
    for count in (1, 1, 1, 2, 2, 3, 3, 4):
        # Each in a column of its own: sensors are farther apart than cells.
        sensors = rng.uniform((-0.2, -2.0), (0.2, 0.0), (count, 2))
        sensors[:, 0] += rng.permutation(4)[:count]
        found = maximal_breach(*grid(*SHAPE), sensors)
        wanted = max(from_sensors(path, sensors) for path in PATHS)
        assert found.closest_m == pytest.approx(wanted, abs=1e-3)
        assert from_sensors(found.cells.tolist(), sensors) == pytest.approx(wanted, abs=1e-3)


@settings(max_examples=25, deadline=None)
@given(arrays(np.float32, (4, *SHAPE), elements=st.floats(0, 10, width=32)))
def test_least_peak_as_over_all_paths(rate: np.ndarray) -> None:
    def met(a: tuple[int, int], b: tuple[int, int]) -> float:
        turned = math.atan2(b[1] - a[1], a[0] - b[0]) / (math.pi / 2) % 4
        share = turned % 1
        heading = (1 - share) * rate[int(turned)] + share * rate[(int(turned) + 1) % 4]
        return float(max(heading[a], heading[b]))

    def peak(path: list[tuple[int, int]]) -> float:
        return max(met(a, b) for a, b in pairwise(path))

    found = least_peak(rate, *grid(*SHAPE))
    wanted = min(map(peak, PATHS))
    assert found.peak_rate_per_s == pytest.approx(wanted, rel=1e-6, abs=1e-9)
    assert peak([tuple(cell) for cell in found.cells.tolist()]) == pytest.approx(wanted, rel=1e-6)


def test_a_sensor_more_never_widens_the_breach() -> None:
    rng = np.random.default_rng(8)
    sensors = rng.uniform((0.0, -20.0), (50.0, 0.0), (12, 2))
    breach = [maximal_breach(*grid(21, 51), sensors[:n]).closest_m for n in range(13)]
    assert (np.diff(breach) <= 0).all()


def test_bad_sensors_are_said() -> None:
    with pytest.raises(ValueError, match=r"shape \(S, 2\), found \(2,\)"):
        maximal_breach(*grid(3, 4), np.zeros(2))
    with pytest.raises(ValueError, match="finite"):
        maximal_breach(*grid(3, 4), np.full((1, 2), np.nan))
    with pytest.raises(ValueError, match="2 × 2 cells or more"):
        maximal_breach(*grid(1, 4), np.zeros((1, 2)))
