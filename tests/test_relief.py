"""Relief: heights between nodes, tiles joined into one, holes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import RegularGridInterpolator

from sim.core.geodesy import mean_radius_m
from sim.world.fractal import fractal_heights_m
from sim.world.relief import Relief, TerrainError, Tile, fill_holes, join_tiles
from sim.world.terrain import FractalTerrain, build_ground

STEP = 1.0 / 1200


def tile(heights: np.ndarray, south: float = 50.0, west: float = 5.0, step: float = STEP) -> Tile:
    return Tile(np.asarray(heights, np.float32), south, west, (step, step))


def test_heights_between_nodes_are_bilinear_and_unknown_beyond() -> None:
    rng = np.random.default_rng(1)
    heights = rng.uniform(0, 500, (20, 30)).astype(np.float32)
    relief = Relief.of(tile(heights), 45.0, None)
    exact = RegularGridInterpolator(
        (50.0 + STEP * np.arange(20), 5.0 + STEP * np.arange(30)),
        heights,
        bounds_error=False,
        fill_value=np.nan,
    )
    place = np.column_stack([rng.uniform(49.99, 50.02, 500), rng.uniform(4.99, 5.03, 500)])
    found = relief.height_m(*np.radians(place.T))
    np.testing.assert_allclose(found, exact(place) + 45.0, atol=0.01)
    assert 0 < np.isnan(found).sum() < 500
    corner = np.radians([50.0 + 19 * STEP, 5.0 + 29 * STEP])
    assert relief.height_m(*corner) == pytest.approx(heights[-1, -1] + 45.0)
    assert np.isnan(relief.height_m(np.nan, 0.1))


def test_ground_beyond_the_files_is_as_high_as_told() -> None:
    relief = Relief.of(tile(np.zeros((3, 3))), 40.0, 7.0)
    assert relief.height_m(0.0, 0.0) == 47.0
    assert (relief.lowest_m, relief.highest_m) == (40.0, 47.0)


def test_a_grid_may_cross_the_date_line() -> None:
    relief = Relief.of(tile(np.arange(25.0).reshape(5, 5), 10.0, 179.0, 0.5), 0.0, None)
    found = relief.height_m(np.radians(10.5), np.radians([179.5, -179.5, 180.0, -180.0, -178.0]))
    np.testing.assert_allclose(found, [6.0, 8.0, 7.0, 7.0, np.nan])


def test_tiles_that_share_an_edge_become_one() -> None:
    whole = fractal_heights_m(1, (9, 9), 100.0, 0.5)
    parts = [
        tile(whole[:5, :5], 50.0, 5.0),
        tile(whole[:5, 4:], 50.0, 5.0 + 4 * STEP),
        tile(whole[4:, 4:], 50.0 + 4 * STEP, 5.0 + 4 * STEP),
        tile(whole[4:, :5], 50.0 + 4 * STEP, 5.0),
    ]
    joined = join_tiles(parts)
    np.testing.assert_array_equal(joined.heights_m, whole)
    assert (joined.south_deg, joined.west_deg) == (50.0, 5.0)
    with pytest.raises(TerrainError, match=r"no file covers the ground around 50\.005 north"):
        join_tiles(parts[:3])
    holed = join_tiles(parts[:3], gaps_allowed=True).heights_m
    assert np.isnan(holed).sum() == 16


def test_a_coarser_tile_gets_nodes_between_that_change_nothing() -> None:
    fine = tile(np.zeros((5, 5)), 50.0, 5.0)
    wide = Tile(np.array([[0, 8], [4, 12]] * 2 + [[0, 8]], np.float32), 50.0, 5.0 + 4 * STEP,
                (STEP, 2 * STEP))  # fmt: skip
    joined = join_tiles([fine, wide])
    assert joined.heights_m.shape == (5, 7)
    np.testing.assert_array_equal(joined.heights_m[1, 4:], [4.0, 8.0, 12.0])


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (tile(np.zeros((5, 5)), 50.0, 5.0 + 4.4 * STEP), "lie between those of others"),
        (tile(np.zeros((5, 5)), 50.0, 5.0 + 4 * STEP, 1.3 * STEP), "at other distances"),
        (tile(np.full((5, 5), np.nan), 50.0, 5.0 + 4 * STEP), "holds no heights"),
        (tile(np.full((5, 5), -32767), 50.0, 5.0 + 4 * STEP), "ground at -32767 m"),
        (tile(np.zeros((5, 5)), 89.0, 170.0), "too many"),
    ],
)
def test_what_does_not_fit_is_named(second: Tile, message: str) -> None:
    with pytest.raises(TerrainError, match=message) as caught:
        join_tiles([tile(np.zeros((5, 5))), second])
    assert caught.value.file in (1, None)


def test_holes_are_an_error_unless_small_ones_may_be_filled() -> None:
    y, x = np.indices((12, 14))
    ramp = 3.0 * x - 2.0 * y + 100.0
    holed = ramp.copy()
    holed[4:7, 5:8] = np.nan
    holed[0, 0] = np.nan
    with pytest.raises(TerrainError, match=r"2 holes, the largest of 9 cells around 50\.0042"):
        join_tiles([tile(holed)])
    with pytest.raises(TerrainError, match="of 9 cells"):
        join_tiles([tile(holed)], fill_holes_max_cells=8)
    filled = join_tiles([tile(holed)], fill_holes_max_cells=9).heights_m
    np.testing.assert_allclose(filled[4:7, 5:8], ramp[4:7, 5:8], atol=1e-3)
    assert filled[0, 0] == pytest.approx(0.5 * (ramp[0, 1] + ramp[1, 0]))


def test_a_filled_hole_has_no_summit_of_its_own() -> None:
    heights = fractal_heights_m(8, (40, 40), 300.0, 0.5)
    hole = np.zeros(heights.shape, bool)
    hole[10:20, 15:30] = True
    filled = fill_holes(np.where(hole, np.nan, heights).astype(np.float32), hole)
    rim = heights[9:21, 14:31][~hole[9:21, 14:31]]
    assert rim.min() <= filled[hole].min() <= filled[hole].max() <= rim.max()
    np.testing.assert_array_equal(filled[~hole], heights[~hole])


def test_fractal_relief_is_as_high_and_as_rough_as_told() -> None:
    smooth, rough = (fractal_heights_m(1, (256, 256), 500.0, r) for r in (0.0, 1.0))
    for surface in (smooth, rough):
        assert (surface.min(), surface.max()) == (0.0, pytest.approx(500.0))
    np.testing.assert_array_equal(smooth, fractal_heights_m(1, (256, 256), 500.0, 0.0))
    assert not np.array_equal(smooth, fractal_heights_m(2, (256, 256), 500.0, 0.0))
    # The variogram of such a surface grows as distance to the power 2 H, H = 1 - roughness.
    middling = fractal_heights_m(1, (1024, 1024), 500.0, 0.5).astype(float)
    near, far = (np.mean((middling[:, k:] - middling[:, :-k]) ** 2) for k in (4, 32))
    assert np.log(far / near) / np.log(8) == pytest.approx(1.0, abs=0.2)


def test_a_square_surface_is_what_it_always_was() -> None:
    noise = np.random.default_rng(7).standard_normal((60, 60))
    k = np.hypot(np.fft.fftfreq(60)[:, None], np.fft.rfftfreq(60))
    k[0, 0] = np.inf
    plain = np.fft.irfft2(np.fft.rfft2(noise) * k ** (0.3 - 2.0), (60, 60))[:30, :30]
    plain -= plain.min()
    plain *= 120.0 / plain.max()
    np.testing.assert_array_equal(
        fractal_heights_m(7, (30, 30), 120.0, 0.3), plain.astype(np.float32)
    )


def test_a_strip_is_as_rough_along_as_across() -> None:
    strip = fractal_heights_m(4, (300, 2000), 500.0, 0.5).astype(float)
    assert strip.shape == (300, 2000)
    assert (strip.min(), strip.max()) == (0.0, pytest.approx(500.0))
    east = np.mean((strip[:, 4:] - strip[:, :-4]) ** 2)
    north = np.mean((strip[4:] - strip[:-4]) ** 2)
    assert east == pytest.approx(north, rel=0.1)


def test_a_strip_of_terrain_covers_what_it_says() -> None:
    wide = {"kind": "fractal", "size_km": 40, "cell_m": 100}
    long = FractalTerrain.model_validate(wide | {"size_north_km": 9})
    relief = build_ground(long, np.radians(53.0), np.radians(23.0), 10.0, Path())
    assert isinstance(relief, Relief)
    assert relief.heights_m.shape == long.shape == (91, 401)
    (south, west), *_, (north, east) = relief.corners_rad
    radius_m = mean_radius_m(np.radians(53.0))
    assert radius_m * (north - south) == pytest.approx(9000.0)
    assert radius_m * (east - west) * np.cos(np.radians(53.0)) == pytest.approx(40e3)
    assert relief.lowest_m == pytest.approx(10.0)
    square = FractalTerrain.model_validate(wide)
    assert square.shape == (401, 401)


def test_terrain_has_no_more_heights_than_memory_holds() -> None:
    text = {"kind": "fractal", "cell_m": 200}
    FractalTerrain.model_validate(text | {"size_km": 3000, "size_north_km": 100})
    with pytest.raises(ValueError, match=r"15,001 × 15,001 heights, more than"):
        FractalTerrain.model_validate(text | {"size_km": 3000})


def test_terrain_ends_before_the_pole() -> None:
    spec = FractalTerrain.model_validate({"kind": "fractal", "size_km": 50, "size_north_km": 3000})
    with pytest.raises(TerrainError, match="near a pole"):
        build_ground(spec, np.radians(78.0), 0.0, 0.0, Path())
