"""WGS 84, ECEF and ENU, against pymap3d and against themselves."""

from __future__ import annotations

import numpy as np
import pymap3d
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.core.geodesy import (
    ecef_from_geodetic,
    ecef_R_local,
    geodetic_from_ecef,
    mean_radius_m,
)
from sim.world.frames import Frame

LATITUDES = np.radians([-90, -89.9999999, -60, -1e-9, 0, 33, 50.243, 89.99, 90])
LONGITUDES = np.radians([-180, -179.9999999, -90, 0, 4.646, 135, 180])
HEIGHTS = np.array([-500.0, 0, 280, 10_000, 400_000, 2_000_000])
GRID = tuple(axis.ravel() for axis in np.meshgrid(LATITUDES, LONGITUDES, HEIGHTS))


def test_ecef_agrees_with_pymap3d() -> None:
    expected = np.stack(pymap3d.geodetic2ecef(*GRID, deg=False), -1)
    np.testing.assert_allclose(ecef_from_geodetic(*GRID), expected, rtol=0, atol=1e-7)


def test_geodetic_inverts_ecef_below_a_nanometre_scale() -> None:
    position = ecef_from_geodetic(*GRID)
    latitude, longitude, height = geodetic_from_ecef(position)
    np.testing.assert_allclose(height, GRID[2], rtol=0, atol=5e-9)
    np.testing.assert_allclose(latitude, GRID[0], rtol=0, atol=1e-15)
    again = ecef_from_geodetic(latitude, longitude, height)
    np.testing.assert_allclose(again, position, rtol=0, atol=5e-9)


@pytest.mark.parametrize("latitude_deg", [-90, -33, 0, 50.243, 90])
@pytest.mark.parametrize("longitude_deg", [-180, 4.646, 179.5])
def test_enu_agrees_with_pymap3d(latitude_deg: float, longitude_deg: float) -> None:
    origin = (np.radians(latitude_deg), np.radians(longitude_deg), 280.0)
    frame = Frame.at(*origin)
    expected = np.stack(pymap3d.geodetic2enu(*GRID, *origin, deg=False), -1)
    position = frame.from_geodetic(*GRID)
    np.testing.assert_allclose(position, expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(frame.height_m_of(position), GRID[2], rtol=0, atol=1e-8)
    np.testing.assert_allclose(
        frame.from_geodetic(*frame.to_geodetic(position)), position, rtol=0, atol=1e-8
    )


@given(
    latitude=st.floats(-np.pi / 2, np.pi / 2),
    longitude=st.floats(-np.pi, np.pi),
    height=st.floats(-500, 2e6),
)
def test_anywhere_round_trip(latitude: float, longitude: float, height: float) -> None:
    position = ecef_from_geodetic(latitude, longitude, height)
    again = ecef_from_geodetic(*geodetic_from_ecef(position))
    assert np.linalg.norm(again - position) < 5e-9


def test_geodetic_position_from_pymap3d_positions() -> None:
    x, y, z = pymap3d.geodetic2ecef(52.0, 5.0, 11_000.0)
    latitude, longitude, height = geodetic_from_ecef(np.array([x, y, z]))
    assert np.degrees(latitude) == pytest.approx(52.0, abs=1e-12)
    assert np.degrees(longitude) == pytest.approx(5.0, abs=1e-12)
    assert height == pytest.approx(11_000.0, abs=1e-8)


def test_local_axes_point_east_north_and_up() -> None:
    frame = Frame.at(0.9, 0.1, 100.0)
    place = (0.95, 0.3, 5000.0)
    axes = frame.local_axes(frame.from_geodetic(*place))
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-15)
    here = frame.from_geodetic(*place)
    step = 1e-6
    for column, moved in enumerate(
        [
            frame.from_geodetic(place[0], place[1] + step, place[2]),
            frame.from_geodetic(place[0] + step, place[1], place[2]),
            frame.from_geodetic(place[0], place[1], place[2] + 5.0),
        ]
    ):
        direction = (moved - here) / np.linalg.norm(moved - here)
        np.testing.assert_allclose(direction, axes[:, column], atol=1e-6)


def test_local_axes_at_the_origin_are_the_frame_itself() -> None:
    frame = Frame.at(-1.1, 3.1, 250.0)
    np.testing.assert_allclose(frame.local_axes(np.zeros(3)), np.eye(3), atol=1e-15)


def test_shapes_are_kept() -> None:
    frame = Frame.at(0.5, 0.5, 0.0)
    position = np.zeros((2, 3, 3))
    assert frame.local_axes(position).shape == (2, 3, 3, 3)
    assert frame.height_m_of(position).shape == (2, 3)
    assert frame.from_geodetic(np.zeros((4, 1)), np.zeros(5), 0.0).shape == (4, 5, 3)
    assert frame.to_geodetic(np.empty((0, 3)))[0].shape == (0,)


def test_absent_places_stay_nan() -> None:
    frame = Frame.at(0.5, 0.5, 0.0)
    assert np.isnan(frame.height_m_of(np.full((2, 3), np.nan))).all()


def test_rotation_is_proper_at_the_poles() -> None:
    for latitude in (-np.pi / 2, np.pi / 2):
        rotation = ecef_R_local(latitude, 0.3)
        assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-14)


def test_mean_radius_at_equator_and_pole() -> None:
    # a √(1 - e²) = b at the equator, a²/b at the poles
    assert mean_radius_m(0.0) == pytest.approx(6_356_752.314245, abs=1e-3)
    assert mean_radius_m(np.pi / 2) == pytest.approx(6_399_593.625758, abs=1e-3)
