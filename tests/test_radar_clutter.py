"""Clutter against published values."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.clutter import (
    LAND_GAMMA_DB,
    cell_area_m2,
    cell_rcs_m2,
    grazing_angle_rad,
    land_reflectivity,
    land_spread_mps,
    rain_clutter_rcs_m2,
    rain_reflectivity_per_m,
    rain_spread_mps,
    sea_reflectivity,
    sea_spread_mps,
    surface_clutter_rcs_m2,
    surface_spread_mps,
    wind_of_sea_mps,
    wind_radial_mps,
)
from sensors.surface import EFFECTIVE_EARTH_RADIUS_M
from sim.world.environment import Environment


def in_db(ratio: object) -> float:
    return float(10.0 * np.log10(np.asarray(ratio)))


def test_land_cell_over_flat_ground() -> None:
    """γ −15 dB, 20 m, 10 km, 2 degrees, 150 m: +5.2 dBsm."""
    grazing = grazing_angle_rad(10e3, 20.0, curvature_per_m=0.0)
    sigma0 = land_reflectivity(grazing, LAND_GAMMA_DB["farmland"], 10e9)
    area = cell_area_m2(10e3, grazing, np.radians(2.0), 150.0)
    assert in_db(sigma0 * area) == pytest.approx(5.2, abs=0.05)


def test_urban_land_of_landreflectivity() -> None:
    """MathWorks, documentation of landreflectivity: urban (γ −5 dB), 20 degrees: 0.1082."""
    assert land_reflectivity(np.radians(20.0), -5.0, 10e9) == pytest.approx(0.1082, abs=5e-5)


def test_land_clutter_grows_with_the_root_of_frequency() -> None:
    low, high = (land_reflectivity(0.1, -10.0, f) for f in (1e9, 10e9))
    assert high / low == pytest.approx(10**0.5)


@pytest.mark.parametrize(("vertical", "db"), [(False, -43.75), (True, -41.58)])
def test_sea_at_x_band(vertical: bool, db: float) -> None:
    """9.4 GHz, sea state 3, 1 degree; computed independently from the report."""
    assert in_db(sea_reflectivity(np.radians(1.0), 3, 9.4e9, vertical)) == pytest.approx(
        db, abs=0.005
    )


def test_sea_of_seareflectivity() -> None:
    """MathWorks, documentation of seareflectivity: sea state 2, 10 degrees, 30 GHz."""
    assert sea_reflectivity(np.radians(10.0), 2, 30e9) == pytest.approx(2.1555e-4, abs=5e-9)


def test_sea_grows_with_state_and_angle_and_is_darker_in_horizontal_at_low_angles() -> None:
    states = [sea_reflectivity(np.radians(1.0), s, 9.4e9) for s in range(7)]
    assert np.all(np.diff(np.array(states)) > 0.0)
    angles = sea_reflectivity(np.radians([0.01, 0.1, 1.0, 10.0, 60.0, 80.0]), 3, 9.4e9)
    assert np.all(np.diff(angles) >= 0.0)
    assert angles[-1] == pytest.approx(angles[-2])
    assert sea_reflectivity(np.radians(0.3), 3, 3e9, True) > sea_reflectivity(
        np.radians(0.3), 3, 3e9
    )


def test_grazing_angle_is_that_of_the_triangle() -> None:
    """Law of cosines from the centre of the earth; zero at and beyond the horizon."""
    radius, height, slant = EFFECTIVE_EARTH_RADIUS_M, 20.0, 9e3
    below = (radius**2 + slant**2 - (radius + height) ** 2) / (2 * radius * slant)
    assert grazing_angle_rad(slant, height) == pytest.approx(np.arccos(below) - np.pi / 2, rel=1e-4)
    horizon = np.sqrt(2 * radius * height)
    assert grazing_angle_rad([horizon * 1.001, 1e6], height) == pytest.approx([0.0, 0.0])
    assert grazing_angle_rad(20.0, 20.0) == pytest.approx(np.pi / 2, abs=1e-2)


@pytest.mark.parametrize("surface", ["land", "sea"])
def test_no_clutter_beyond_the_horizon_or_from_what_is_not_met(surface: str) -> None:
    world = Environment(surface=surface)
    rcs = surface_clutter_rcs_m2(world, [5e3, 18e3, 18.5e3, 40e3], 20.0, 3e9, 0.03, 100.0)
    assert np.all(rcs[:2] > 0.0)
    assert np.all(rcs[2:] == 0.0)
    unlit = cell_rcs_m2(world, 5e3, np.array([0.01, 0.0]), 3e9, 0.03, 100.0)
    assert unlit[0] > 0.0
    assert unlit[1] == 0.0


def test_surface_clutter_is_reflectivity_times_area() -> None:
    grazing = grazing_angle_rad(5e3, 20.0)
    area = cell_area_m2(5e3, grazing, 0.03, 100.0)
    land, sea = Environment(land_cover="flat"), Environment(surface="sea", sea_state=4)
    found = [surface_clutter_rcs_m2(w, 5e3, 20.0, 5e9, 0.03, 100.0, True) for w in (land, sea)]
    assert found[0] == pytest.approx(land_reflectivity(grazing, -20.0, 5e9) * area)
    assert found[1] == pytest.approx(sea_reflectivity(grazing, 4, 5e9, True) * area)


def test_rain_scatters_like_small_drops() -> None:
    wavelength = 299_792_458.0 / 9.4e9
    expected = np.pi**5 * 0.93 * 200e-18 * 4.0**1.6 / wavelength**4
    assert rain_reflectivity_per_m(4.0, 9.4e9) == pytest.approx(expected)
    assert rain_reflectivity_per_m(0.0, 9.4e9) == 0.0


def test_rain_cell() -> None:
    eta = rain_reflectivity_per_m(2.0, 3e9)
    cell = rain_clutter_rcs_m2(2.0, [10e3, 20e3], 3e9, 0.03, 0.05, 150.0, filled=[1.0, 0.5])
    volume = np.pi / 4 * 10e3 * 0.03 * 10e3 * 0.05 * 150.0
    assert cell == pytest.approx(eta * volume * np.array([1.0, 2.0]))


def test_spreads_of_the_tables() -> None:
    """Barton 1964: woods 0.017 calm to 0.32 m/s at 40 knots; sea 0.46 to 1.1 at 8 to 20."""
    knot = 1852.0 / 3600.0
    for knots, spread in ((0, 0.017), (10, 0.04), (25, 0.12), (40, 0.32), (60, 0.32)):
        assert land_spread_mps(knots * knot) == pytest.approx(spread)
    assert land_spread_mps(17.5 * knot) == pytest.approx((0.04 * 0.12) ** 0.5)
    assert sea_spread_mps(8 * knot) == pytest.approx(0.46, abs=0.01)
    assert sea_spread_mps(20 * knot) == pytest.approx(1.1, abs=0.05)
    assert surface_spread_mps(Environment(wind_mps=5.0)) == land_spread_mps(5.0)
    raised = sea_spread_mps(wind_of_sea_mps(4))
    assert surface_spread_mps(Environment(surface="sea", sea_state=4)) == raised


def test_rain_spreads_with_range_until_shear_is_full() -> None:
    assert rain_spread_mps(0.0, 0.05) == pytest.approx(1.0)
    assert rain_spread_mps(50e3, 0.05) == pytest.approx(np.hypot(1.0, 3.0))
    assert rain_spread_mps(1e6, 0.05) == pytest.approx(np.hypot(1.0, 6.0))


def test_wind_from_the_north_nears_who_looks_north() -> None:
    world = Environment(wind_mps=8.0, wind_from_deg=0.0)
    assert wind_radial_mps(world, [0.0, np.pi, np.pi / 2]) == pytest.approx([-8.0, 8.0, 0.0])
