"""The horizon sweep beside a ray to every cell, and against what can be worked out by hand."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from twins_sight import EARTH_M, lowest_by_rays

from benchmarks.terrain import exact_rays, intersection_over_union, real_relief
from sim.core.height_grid import resample
from sim.core.jit import threads_for
from sim.core.sweep import Floats32, lowest_visible
from sim.world.fractal import fractal_heights_m
from sim.world.relief import Relief


def test_over_flat_ground_the_earth_bulges() -> None:
    flat = np.zeros((3, 2001), np.float32)
    lowest = lowest_visible(flat, 1, 0, cell_m=50.0, eye_m=20.0)[1]
    distance = 50.0 * np.arange(2001)
    horizon = np.sqrt(2 * EARTH_M * 20.0)
    beyond = distance > horizon + 100.0
    np.testing.assert_allclose(
        lowest[beyond], (distance[beyond] - horizon) ** 2 / (2 * EARTH_M), atol=0.05
    )
    assert (lowest[distance < horizon] <= 0.0).all()


def test_behind_a_wall_the_ray_over_its_top_goes_on() -> None:
    ground = np.zeros((401, 401), np.float32)
    ground[:, 260] = 150.0
    lowest = lowest_visible(ground, 200, 200, cell_m=30.0, eye_m=50.0)
    for row, column in ((200, 400), (200, 300), (300, 350), (120, 280)):
        far = 30.0 * np.hypot(row - 200, column - 200)
        at = far * 60 / (column - 200)
        slope = (150.0 - at**2 / (2 * EARTH_M) - 50.0) / at
        wanted = 50.0 + slope * far + far**2 / (2 * EARTH_M)
        assert lowest[row, column] == pytest.approx(wanted, abs=0.01)
    assert (lowest[:, 201:258] <= 0.0).all()  # the wall slopes to the next cell
    assert (lowest[:, :200] <= 0.0).all()


@pytest.mark.parametrize(("row", "column"), [(30, 30), (0, 0), (60, 5), (10, 46)])
def test_rows_columns_and_diagonals_are_exact_and_all_else_is_near(row: int, column: int) -> None:
    ground = fractal_heights_m(3, (61, 61), 400.0, 0.3)[:, :47]
    column = min(column, 46)
    eye_m = float(ground[row, column]) + 10.0
    lowest = lowest_visible(ground, row, column, cell_m=30.0, eye_m=eye_m)
    exact = lowest_by_rays(ground, row, column, 30.0, eye_m)
    r, c = np.indices(ground.shape)
    straight = (r == row) | (c == column) | (abs(r - row) == abs(c - column))
    np.testing.assert_allclose(lowest[straight], exact[straight], atol=1e-3)
    assert np.median(np.abs(lowest - exact)) < 0.5
    for agl_m in (10.0, 30.0, 100.0):
        seen, wanted = ground + agl_m >= lowest, ground + agl_m >= exact
        assert intersection_over_union(seen, wanted) > 0.95


def test_the_compiled_reference_is_its_twin() -> None:
    ground = fractal_heights_m(5, (41, 41), 300.0, 0.4)
    found = np.empty_like(ground)
    exact_rays(ground, 7, 30, 30.0, 250.0, found)
    np.testing.assert_allclose(found, lowest_by_rays(ground, 7, 30, 30.0, 250.0), atol=1e-2)


@pytest.mark.slow
@pytest.mark.parametrize("relief", ["real", "fractal"])
def test_who_is_in_sight_agrees_with_exact_rays(relief: str) -> None:
    size = 2000 if relief == "real" else 1000
    ground = (
        real_relief(size) if relief == "real" else fractal_heights_m(1, (size, size), 800.0, 0.2)
    )
    if ground is None:
        pytest.skip("matplotlib, which brings the relief, is not installed")
    middle = size // 2
    eye_m = float(ground[middle, middle]) + 10.0
    lowest = lowest_visible(ground, middle, middle, cell_m=30.0, eye_m=eye_m)
    exact = np.empty_like(ground)
    exact_rays(ground, middle, middle, 30.0, eye_m, exact)
    for agl_m in (30.0, 100.0, 300.0):
        wanted = ground + agl_m >= exact
        assert 0.02 < wanted.mean() < 0.9
        assert intersection_over_union(ground + agl_m >= lowest, wanted) >= 0.99


def test_threads_change_nothing() -> None:
    ground = fractal_heights_m(2, (400, 400), 500.0, 0.3)
    most = numba.get_num_threads()
    found: list[Floats32] = []
    try:
        for count in (1, most):
            numba.set_num_threads(count)
            found.append(lowest_visible(ground, 180, 230, cell_m=30.0, eye_m=600.0))
    finally:
        numba.set_num_threads(most)
    with threads_for(0):
        found.append(lowest_visible(ground, 180, 230, cell_m=30.0, eye_m=600.0))
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_unknown_ground_hides_nothing() -> None:
    ground = np.zeros((21, 21), np.float32)
    ground[:, 14] = 500.0
    hole = ground.copy()
    hole[:, 13:16] = np.nan
    seen = lowest_visible(hole, 10, 5, cell_m=30.0, eye_m=10.0)
    assert (seen[:, 17:] < 1.0).all()
    assert (lowest_visible(ground, 10, 5, cell_m=30.0, eye_m=10.0)[:, 17:] > 500.0).all()


def test_a_sensor_off_the_grid_is_refused() -> None:
    grid = np.zeros((5, 5), np.float32)
    with pytest.raises(ValueError, match="not on the grid"):
        lowest_visible(grid, 5, 0, cell_m=30.0, eye_m=1.0)
    with pytest.raises(ValueError, match="2 × 2"):
        lowest_visible(grid[:1], 0, 0, cell_m=30.0, eye_m=1.0)


def test_resampling_is_what_the_relief_says_place_by_place() -> None:
    rng = np.random.default_rng(4)
    heights = rng.uniform(0.0, 100.0, (30, 40)).astype(np.float32)
    heights[3, 4] = np.nan
    relief = Relief(heights, 0.0, 0.0, (1e-5, 2e-5), outside_m=-7.0)
    spacing, out = 8, np.empty((33, 33), np.float32)
    i, j = np.meshgrid(np.arange(6), np.arange(6), indexing="ij")
    lattice_row, lattice_column = 5.3 * i - 0.7 * j, 7.9 * j + 0.2 * i - 2.0
    resample(heights, lattice_row, lattice_column, spacing, -7.0, out)
    r, c = np.indices(out.shape) / spacing
    row, column = 5.3 * r - 0.7 * c, 7.9 * c + 0.2 * r - 2.0
    wanted = relief.height_m(row * 1e-5, column * 2e-5)
    near = np.minimum(row % 1, column % 1) < 1e-4  # on an edge, rounding decides
    np.testing.assert_allclose(out[~near], wanted[~near], atol=0.02)
    assert (out == -7.0).any()
