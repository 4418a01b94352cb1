"""Camera, geography and cutting: pure geometry of the viewer."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pymap3d
import pytest
from viz_fake import SETTING

from viz.backdrop import ring_step_m, step_of
from viz.camera import CLOSEST, FARTHEST, Camera, Rect
from viz.geography import Geography, degrees_minutes
from viz.shapes import circle_px, clipped, dashed, dashes, runs, stadium

VIEW = Rect(10.0, 30.0, 800.0, 600.0)
CAMERA = Camera(1000.0, -2000.0, 25.0, VIEW)
HERE = Geography.at(
    SETTING.origin_latitude_rad, SETTING.origin_longitude_rad, SETTING.origin_height_m
)


def test_north_is_up_and_scale_holds() -> None:
    middle = CAMERA.to_screen([1000.0, -2000.0, 500.0])
    assert middle.tolist() == [410.0, 330.0]
    assert CAMERA.to_screen([1000.0, -2000.0 + 250.0]).tolist() == [410.0, 320.0]
    assert CAMERA.to_screen([1000.0 + 250.0, -2000.0]).tolist() == [420.0, 330.0]


def test_to_world_undoes_to_screen() -> None:
    world = np.random.default_rng(1).uniform(-1e5, 1e5, (50, 2))
    np.testing.assert_allclose(CAMERA.to_world(CAMERA.to_screen(world)), world, atol=1e-6)


@pytest.mark.parametrize("factor", [0.01, 0.8, 1.25, 40.0, 1e6])
def test_zoom_keeps_the_place_under_the_cursor(factor: float) -> None:
    cursor = (700.0, 111.0)
    closer = CAMERA.zoomed(factor, cursor)
    np.testing.assert_allclose(closer.to_world(cursor), CAMERA.to_world(cursor), atol=1e-6)
    assert closer.scale_m_per_px == pytest.approx(
        min(max(25.0 / factor, CLOSEST), FARTHEST), rel=1e-12
    )


def test_pan_moves_the_map_with_the_hand() -> None:
    place = CAMERA.to_world((100.0, 100.0))
    np.testing.assert_allclose(CAMERA.panned(30.0, -12.0).to_screen(place), [130.0, 88.0])


def test_fit_shows_all_with_a_margin_and_no_smaller_than_needed() -> None:
    corners = np.array([[-3e4, 0.0], [5e4, 1e4], [0.0, -2e4]])
    pixels = Camera.fitting(corners, VIEW, margin=0.05).to_screen(corners)
    assert VIEW.near(pixels, -0.04 * 600).all()
    assert np.ptp(pixels[:, 0]) == pytest.approx(0.9 * 800)


def test_fit_of_one_point_or_none_still_works() -> None:
    assert Camera.fitting([[5.0, 6.0]], VIEW).to_screen([5.0, 6.0]).tolist() == [410.0, 330.0]
    assert np.isfinite(Camera.fitting(np.empty((0, 2)), VIEW).scale_m_per_px)


def test_resizing_keeps_the_middle() -> None:
    resized = CAMERA.resized(Rect(0.0, 0.0, 200.0, 150.0))
    assert resized.to_screen([1000.0, -2000.0]).tolist() == [100.0, 75.0]


def test_rectangles_meet_and_lie_within() -> None:
    one = Rect(10, 10, 20, 10)
    assert one.meets(Rect(29, 19, 5, 5))
    assert not one.meets(Rect(30, 10, 5, 5))
    assert not one.meets(Rect(10, 20, 5, 5))
    assert Rect(10, 10, 5, 10).within(one)
    assert not Rect(9, 10, 5, 5).within(one)
    assert not Rect(26, 10, 5, 5).within(one)


def test_geography_agrees_with_pymap3d() -> None:
    rng = np.random.default_rng(2)
    enu = rng.uniform(-4e5, 4e5, (200, 3)) * [1.0, 1.0, 0.03]
    latitude, longitude, height = HERE.to_geodetic(enu)
    expected = pymap3d.enu2geodetic(*enu.T, 50.243, 4.646, 280.0)
    np.testing.assert_allclose(np.degrees(latitude), expected[0], atol=1e-9)
    np.testing.assert_allclose(np.degrees(longitude), expected[1], atol=1e-9)
    np.testing.assert_allclose(height, expected[2], atol=1e-3)
    np.testing.assert_allclose(HERE.from_geodetic(latitude, longitude, height), enu, atol=1e-3)


def test_local_axes_point_up_and_north_there() -> None:
    place = HERE.from_geodetic(math.radians(51.5), math.radians(7.0), 100.0)
    axes = HERE.enu_R_local(place)
    above = HERE.from_geodetic(math.radians(51.5), math.radians(7.0), 1100.0)
    np.testing.assert_allclose(axes[:, 2], (above - place) / 1000.0, atol=1e-9)
    norther = HERE.from_geodetic(math.radians(51.5 + 1e-5), math.radians(7.0), 100.0)
    step = norther - place
    np.testing.assert_allclose(axes[:, 1], step / np.linalg.norm(step), atol=1e-6)
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)


def test_places_on_the_ground_have_true_labels() -> None:
    place = HERE.from_geodetic(math.radians(49.0), math.radians(7.5), 0.0)
    latitude, longitude = HERE.on_ground(place[:2])
    assert math.degrees(latitude) == pytest.approx(49.0, abs=0.003)
    assert math.degrees(longitude) == pytest.approx(7.5, abs=0.003)


@pytest.mark.parametrize(
    ("angle_deg", "text"),
    [(50.243, "50°14.58'N"), (-0.5, "0°30.00'S"), (10.99999999, "11°00.00'N")],
)
def test_degrees_and_minutes(angle_deg: float, text: str) -> None:
    assert degrees_minutes(angle_deg, "N", "S") == text


def test_steps_are_round() -> None:
    assert [step_of(x) for x in (0.9, 1.0, 1.01, 2.5, 70.0, 12_345.0)] == [1, 1, 2, 5, 100, 20_000]


def test_rings_stay_apart_on_the_screen_and_few() -> None:
    for scale in (0.5, 3.0, 40.0, 700.0):
        step_m = ring_step_m(400e3, scale)
        assert step_m / scale >= 75.0
        assert 400e3 / step_m <= 12.0


def test_circle_stays_on_its_radius_and_is_cut_to_the_view() -> None:
    centre = np.array([-2000.0, 300.0])
    arcs = circle_px(centre, 2400.0, VIEW)
    assert arcs
    points = np.concatenate(arcs)
    np.testing.assert_allclose(np.hypot(*(points - centre).T), 2400.0, rtol=1e-9)
    middles = np.concatenate([(arc[1:] + arc[:-1]) / 2 for arc in arcs])
    assert np.all(2400.0 - np.hypot(*(middles - centre).T) < 0.26)
    assert VIEW.near(points, 120.0).all()
    assert circle_px(centre, 100.0, VIEW) == []
    assert circle_px(np.array([400.0, 300.0]), 1e6, VIEW) == []


def test_runs_keep_what_may_be_seen() -> None:
    line = np.array([[-500.0, 100], [-100, 100], [100, 100], [200, 100], [5000, 100], [6000, 100]])
    (piece,) = runs(line, VIEW)
    assert piece[:, 0].tolist() == [-100.0, 100.0, 200.0, 5000.0]


def test_clipping_a_square_that_sticks_out() -> None:
    square = np.array([[-100.0, 100], [110, 100], [110, 200], [-100, 200]])
    area = clipped(square, VIEW)
    assert sorted(map(tuple, area.tolist())) == [(10, 100), (10, 200), (110, 100), (110, 200)]
    assert len(clipped(square - [5000.0, 0.0], VIEW)) == 0


def test_clipping_keeps_a_polygon_around_the_view() -> None:
    huge = np.array([[-1e6, -1e6], [1e6, -1e6], [1e6, 1e6], [-1e6, 1e6]])
    area = clipped(huge, VIEW)
    np.testing.assert_allclose(np.ptp(area, axis=0), [800.0, 600.0])


@pytest.mark.parametrize(
    "path",
    [
        [(0.0, 0.0), (10.0, 0.0)],
        [(0.0, 0.0), (10.0, 2.0), (20.0, -3.0)],
        [(0.0, 0.0), (0.0, 30.0), (30.0, 30.0), (30.0, 60.0)],
    ],
)
def test_corridor_outline_lies_at_its_half_width(path: list[tuple[float, float]]) -> None:
    corners = np.array(path)
    outline = stadium(corners, 2.0)
    distance = np.full(len(outline), np.inf)
    for a, b in pairwise(corners):
        share = np.clip((outline - a) @ (b - a) / np.sum((b - a) ** 2), 0.0, 1.0)
        nearest = a + share[:, None] * (b - a)
        distance = np.minimum(distance, np.hypot(*(outline - nearest).T))
    np.testing.assert_allclose(distance, 2.0, atol=1e-9)
    x, y = np.concatenate([outline, outline[:1]]).T
    area = 0.5 * abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
    length = np.hypot(*np.diff(corners, axis=0).T).sum()
    # Two long sides and two half discs; a bend adds or takes little.
    assert area == pytest.approx(4.0 * length + math.pi * 4.0, rel=0.03)


def test_dashes_cover_their_share_of_a_line() -> None:
    line = np.array([[0.0, 0.0], [0.0, 110.0]])
    for pieces in (dashes(line, 6.0, 5.0), dashed(line[None], 6.0, 5.0)):
        assert pieces.shape == (10, 2, 2)
        np.testing.assert_allclose(np.hypot(*(pieces[:, 1] - pieces[:, 0]).T), 6.0)
        np.testing.assert_allclose(pieces[:, 0, 1], np.arange(10) * 11.0)
