"""Cells along a line and about a place."""

from __future__ import annotations

import numpy as np
import pytest
from coverage_scenarios import stage_of

from sim.core.tables import Floats
from sim.coverage.grid import band, part_of, square
from sim.coverage.stage import Stage
from sim.world.course import course_of

STRAIGHT = [(53.0, 22.0), (53.0, 22.2)]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return stage_of(tmp_path_factory.mktemp("grid"))


def apart_m(places: Floats) -> Floats:
    return np.linalg.norm(places, axis=-1)


@pytest.mark.parametrize(("side", "north"), [("left", -1.0), ("right", 1.0)])
def test_rows_lead_away_from_the_threat(stage: Stage, side: str, north: float) -> None:
    course = course_of(STRAIGHT, side, 5e3, 250.0)  # type: ignore[arg-type]
    grid = band(stage.surroundings, course, 5e3, 0, len(course))
    assert grid.shape == (20, len(course))
    inwards = np.diff(np.degrees(grid.latitude_rad), axis=0)
    assert (north * inwards > 0).all()
    ahead = np.stack([np.sin(grid.inward_rad), np.cos(grid.inward_rad)], -1)[:-1]
    step = np.diff(grid.plane_m, axis=0)
    np.testing.assert_allclose((ahead * step).sum(-1), 250.0, rtol=5e-3)


def test_cells_are_as_wide_as_told(stage: Stage) -> None:
    course = course_of([(53.0, 22.0), (53.03, 22.1), (53.0, 22.2)], "right", 4e3, 200.0)
    grid = band(stage.surroundings, course, 4e3, 0, len(course))
    assert apart_m(np.diff(grid.plane_m, axis=0)) == pytest.approx(200.0, rel=5e-3)
    assert apart_m(np.diff(grid.plane_m[0], axis=0)) == pytest.approx(200.0, rel=0.05)
    assert len(course) * 0.2 == pytest.approx(
        2 * np.hypot(0.03 * 111.3, 0.1 * 111.3 * np.cos(np.radians(53))), abs=0.2
    )


def test_course_keeps_to_great_circles() -> None:
    course = course_of([(50.0, 10.0), (60.0, 40.0)], "left", 1e3, 5e3)
    ends = np.radians([[50.0, 10.0], [60.0, 40.0]])
    unit = [[np.cos(a) * np.cos(b), np.cos(a) * np.sin(b), np.sin(a)] for a, b in ends]
    normal = np.cross(*unit)
    lat, lon = course.latitude_rad, course.longitude_rad
    places = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    assert np.abs(places @ normal).max() < 1e-12


def test_folded_band_says_where(stage: Stage) -> None:
    course = course_of([(53.0, 22.0), (53.05, 22.05), (53.0, 22.1)], "left", 9e3, 250.0)
    with pytest.raises(ValueError, match=r"kilometre .* fold over itself"):
        band(stage.surroundings, course, 9e3, 0, len(course))


def test_beyond_the_terrain_says_where(stage: Stage) -> None:
    course = course_of([(53.0, 22.0), (53.0, 23.5)], "right", 5e3, 500.0)
    with pytest.raises(ValueError, match=r"unknown in \d+ of \d+ cells.*beyond the terrain"):
        band(stage.surroundings, course, 5e3, 0, len(course))


def test_line_too_short() -> None:
    with pytest.raises(ValueError, match="shorter than two cells"):
        course_of([(53.0, 22.0), (53.0, 22.001)], "left", 1e3, 200.0)


def test_square_heads_for_its_middle(stage: Stage) -> None:
    grid = square(stage.surroundings, 53.0, 22.1, 4e3, 500.0)
    assert grid.shape == (9, 9)
    assert np.degrees(grid.latitude_rad[4, 4]) == pytest.approx(53.0)
    to_middle = -grid.plane_m / np.maximum(apart_m(grid.plane_m), 1.0)[..., None]
    ahead = np.stack([np.sin(grid.inward_rad), np.cos(grid.inward_rad)], -1)
    off = np.abs(ahead - to_middle).max(axis=-1)
    off[4, 4] = 0.0
    assert off.max() < 2e-3
    assert (np.diff(grid.latitude_rad, axis=0) > 0).all()


def test_part_is_those_columns(stage: Stage) -> None:
    course = course_of(STRAIGHT, "left", 3e3, 500.0)
    whole = band(stage.surroundings, course, 3e3, 0, len(course))
    alone = band(stage.surroundings, course, 3e3, 5, 9)
    part = part_of(whole, 5, 9)
    np.testing.assert_array_equal(part.ground_enu_m, alone.ground_enu_m)
    np.testing.assert_array_equal(part.along_km, alone.along_km)
    np.testing.assert_allclose(part.along_km, whole.along_km[5:9])
