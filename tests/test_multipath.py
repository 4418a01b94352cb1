"""Lobing against published values, exact geometry and textbook limits."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import i0e

from sensors.multipath import (
    bounce_distance_m,
    diffraction_loss_db,
    i0_scaled,
    interference,
    path_difference_m,
    propagation_factor,
    reflection,
    roughness_factor,
)
from sensors.surface import (
    EFFECTIVE_CURVATURE_PER_M,
    EFFECTIVE_EARTH_RADIUS_M,
    permittivity,
    roughness_m,
    sea_permittivity,
    soil_permittivity,
)
from sim.world.environment import Environment

WAVELENGTH_M = 299_792_458.0 / 3e9
MIRROR = complex(-1.0)


def factor_db(distance_m: float, wavelength_m: float = WAVELENGTH_M, **given: float) -> float:
    """One-way factor of a mast of 20 m and a target at 100 m over calm sea."""
    values = {"roughness_m": 0.0, "curvature": EFFECTIVE_CURVATURE_PER_M, "bounce": 1.0} | given
    factor = propagation_factor(
        distance_m,
        20.0,
        100.0,
        wavelength_m,
        sea_permittivity(299_792_458.0 / wavelength_m, 15.0),
        False,
        values["roughness_m"],
        values["curvature"],
        values["bounce"],
    )
    return 10.0 * math.log10(factor)


def test_last_maximum_and_null_over_flat_earth() -> None:
    """F = 2 |sin(2π h1 h2 / λR)|: 10 m, 100 m, 3 GHz: +6.02 dB at 40.03 km, null at 20.01 km."""
    top = interference(path_difference_m(40.03e3, 10.0, 100.0), WAVELENGTH_M, MIRROR)
    assert 10.0 * math.log10(top) == pytest.approx(6.0206, abs=1e-3)
    distance = np.linspace(15e3, 60e3, 45_001)
    factor = [
        interference(path_difference_m(d, 10.0, 100.0), WAVELENGTH_M, MIRROR) for d in distance
    ]
    assert distance[np.argmax(factor)] == pytest.approx(40.03e3, abs=10.0)
    near = distance < 30e3
    assert distance[near][np.argmin(np.array(factor)[near])] == pytest.approx(20.01e3, abs=10.0)


def test_lobes_are_the_sine_of_the_textbook() -> None:
    for distance in (25e3, 33e3, 70e3):
        found = interference(path_difference_m(distance, 10.0, 100.0), WAVELENGTH_M, MIRROR)
        sine = math.sin(2.0 * math.pi * 1000.0 / (WAVELENGTH_M * distance))
        assert found == pytest.approx(4.0 * sine**2, rel=1e-3)


def exact_bounce(distance: float, a: float, b: float) -> tuple[float, float]:
    """Bounce on a circle where both angles are equal, and how much longer the way is."""
    radius = EFFECTIVE_EARTH_RADIUS_M
    end_a = np.array([0.0, radius + a])
    turn = distance / radius
    end_b = (radius + b) * np.array([math.sin(turn), math.cos(turn)])

    def difference(at: float) -> float:
        up = np.array([math.sin(at / radius), math.cos(at / radius)])
        to_a, to_b = end_a - radius * up, end_b - radius * up
        return float(to_a @ up / np.linalg.norm(to_a) - to_b @ up / np.linalg.norm(to_b))

    at = float(brentq(difference, 1e-6 * distance, (1 - 1e-6) * distance, xtol=1e-9))
    point = radius * np.array([math.sin(at / radius), math.cos(at / radius)])
    ways = np.linalg.norm(end_a - point) + np.linalg.norm(end_b - point)
    return at, float(ways - np.linalg.norm(end_a - end_b))


@pytest.mark.parametrize(
    ("distance", "a", "b"),
    [
        (5e3, 20.0, 30.0),
        (30e3, 20.0, 100.0),
        (30e3, 100.0, 20.0),
        (55e3, 20.0, 150.0),
        (150e3, 30.0, 5000.0),
        (10e3, 15.0, 15.0),
    ],
)
def test_bounce_against_exact_geometry(distance: float, a: float, b: float) -> None:
    at, longer = exact_bounce(distance, a, b)
    found = bounce_distance_m(distance, a, b, EFFECTIVE_CURVATURE_PER_M)
    assert found == pytest.approx(at, rel=2e-3)
    half = 0.5 * EFFECTIVE_CURVATURE_PER_M
    clear = (a - half * found**2, b - half * (distance - found) ** 2)
    assert path_difference_m(distance, *clear) == pytest.approx(longer, rel=5e-3, abs=1e-4)


def test_bounce_over_flat_earth_divides_like_the_heights() -> None:
    assert bounce_distance_m(12e3, 10.0, 50.0, 0.0) == pytest.approx(2e3)
    assert bounce_distance_m(12e3, 0.0, 0.0, EFFECTIVE_CURVATURE_PER_M) == 6e3


def test_reflection_of_a_perfect_surface_and_at_grazing() -> None:
    assert reflection(complex(1e12), 0.3, False) == pytest.approx(-1.0, abs=1e-5)
    assert reflection(complex(1e12), 0.3, True) == pytest.approx(1.0, abs=1e-5)
    for vertical in (False, True):
        assert reflection(complex(15.0, -2.0), 1e-7, vertical) == pytest.approx(-1.0, abs=1e-5)


def test_reflection_at_normal_incidence_and_brewster() -> None:
    """(1 − n)/(1 + n) from above; nothing of the vertical at Brewster's angle, tan ψ = 1/n."""
    index = math.sqrt(15.0)
    normal = (1.0 - index) / (1.0 + index)
    assert reflection(complex(15.0), 0.5 * math.pi, False) == pytest.approx(normal)
    assert abs(reflection(complex(15.0), math.atan(1.0 / index), True)) < 1e-12


def test_reflection_keeps_the_passive_side_of_the_root() -> None:
    for grazing in np.radians([0.5, 5.0, 45.0]):
        for vertical in (False, True):
            assert abs(reflection(complex(70.0, -40.0), grazing, vertical)) < 1.0


def test_scaled_bessel_function() -> None:
    for x in (0.0, 0.3, 3.7, 3.8, 40.0, 1e4):
        assert i0_scaled(x) == pytest.approx(i0e(x), rel=5e-7)


def test_roughness_takes_the_mirror_away() -> None:
    assert roughness_factor(0.0, 0.1, 0.03) == 1.0
    gentle = roughness_factor(0.02, math.radians(1.0), 0.1)
    ament = math.exp(-8.0 * (math.pi * 0.02 * math.sin(math.radians(1.0)) / 0.1) ** 2)
    assert ament < gentle < 1.0
    assert roughness_factor(3.0, math.radians(2.0), 0.03) < 0.05


def test_rough_ground_shows_free_space() -> None:
    assert factor_db(5e3, roughness_m=30.0) == pytest.approx(0.0, abs=0.2)
    assert factor_db(5e3, bounce=0.0) == pytest.approx(0.0, abs=1e-9)


def test_flat_limit_of_the_whole_factor() -> None:
    """Zero curvature: one mirror image, Fresnel and all."""
    distance, eps = 8e3, sea_permittivity(3e9, 15.0)
    grazing = math.atan2(120.0, distance)
    longer = math.hypot(distance, 120.0) - math.hypot(distance, 80.0)
    echo = reflection(eps, grazing, False) * cmath.exp(-2j * math.pi * longer / WAVELENGTH_M)
    assert factor_db(distance, curvature=0.0) == pytest.approx(
        20.0 * math.log10(abs(1.0 + echo)), abs=1e-6
    )


@pytest.mark.parametrize("ghz", [1.3, 3.0, 9.4])
def test_no_jump_from_lobes_to_shadow(ghz: float) -> None:
    """From the last lobe over the horizon (59.7 km) and beyond, down without a step."""
    distance = np.arange(53e3, 75e3, 25.0)
    found = np.array([factor_db(d, 0.299792458 / ghz) for d in distance])
    assert np.all(np.diff(found) < 0.0)
    assert np.diff(found).min() > -0.1
    horizon = found[np.searchsorted(distance, 59.7e3)]
    assert -20.0 < horizon < -10.0


def diffraction_twin(km: float, heights_m: tuple[float, float], mhz: float) -> float:
    """ITU-R P.526-15, equations 13 to 18 as printed: km, MHz, metres; 4/3 earth; β = 1."""
    earth = 4.0 / 3.0 * 6371.0
    x = 2.188 * mhz ** (1 / 3) * earth ** (-2 / 3) * km
    level = 11.0 + 10.0 * math.log10(x) - 17.6 * x
    if x < 1.6:
        level = -20.0 * math.log10(x) - 5.6488 * x**1.425
    for height in heights_m:
        y = 9.575e-3 * mhz ** (2 / 3) * earth ** (-1 / 3) * height
        if y > 2.0:
            level += 17.6 * (y - 1.1) ** 0.5 - 5.0 * math.log10(y - 1.1) - 8.0
        else:
            level += 20.0 * math.log10(y + 0.1 * y**3)
    return -level


@pytest.mark.parametrize("km", [15.0, 80.0, 150.0])
@pytest.mark.parametrize("heights_m", [(20.0, 100.0), (5.0, 10.0)])
def test_diffraction_as_the_recommendation_prints_it(
    km: float, heights_m: tuple[float, float]
) -> None:
    found = diffraction_loss_db(km * 1e3, *heights_m, WAVELENGTH_M, EFFECTIVE_CURVATURE_PER_M)
    expected = diffraction_twin(km, heights_m, 299.792458 / WAVELENGTH_M)
    assert found == pytest.approx(expected, abs=0.03)


def test_targets_on_and_below_the_ground_are_dark_not_broken() -> None:
    eps = sea_permittivity(3e9, 15.0)
    for height in (0.0, -5.0):
        dark = propagation_factor(
            10e3, 20.0, height, WAVELENGTH_M, eps, False, 0.0, EFFECTIVE_CURVATURE_PER_M, 1.0
        )
        assert 0.0 <= dark < 1e-4


def test_permittivity_of_sea_and_soil() -> None:
    """Sea at X band near 52 − 36i (Barton; 60 λ σ in the imaginary part), loam near 10."""
    sea = sea_permittivity(9.4e9, 15.0)
    assert sea.real == pytest.approx(54.0, abs=4.0)
    assert -sea.imag == pytest.approx(38.0, abs=4.0)
    assert sea_permittivity(100e6, 15.0).imag == pytest.approx(-18.0 * 4.29 / 0.1, rel=0.01)
    assert soil_permittivity(3e9, 15.0, 0.5).real > soil_permittivity(3e9, 15.0, 0.07).real > 2.0
    assert permittivity(Environment(surface="sea"), 9.4e9) == sea
    assert permittivity(Environment(), 3e9) == soil_permittivity(3e9, 15.0)


def test_sea_grows_rougher_with_its_state_and_land_with_its_cover() -> None:
    heights = [roughness_m(Environment(surface="sea", sea_state=s)) for s in range(7)]
    assert heights == sorted(set(heights))
    flat, farm = (roughness_m(Environment(land_cover=c)) for c in ("flat", "farmland"))
    assert flat < farm < roughness_m(Environment(land_cover="wooded-hills"))
