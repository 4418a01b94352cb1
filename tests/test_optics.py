"""What an image shows, and how high the sun stands."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pytest
import stage

from sensors.optics import (
    N50,
    absolute_humidity_gpm3,
    cycles_on_target,
    haze_extinction_per_km,
    infrared_transmission,
    resolved_share,
    task_probability,
    visible_transmission,
)
from sim.verification.optics import CHECKS
from sim.world.environment import Environment
from sim.world.frames import Frame
from sim.world.sun import sun_elevation_rad, sunlight_rad


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_published_numbers(check) -> None:
    assert check.compute() == pytest.approx(check.expected, abs=check.tolerance)


def test_probability_rises_with_cycles_from_none_to_one() -> None:
    p = task_probability(np.array([0.0, 0.1, 1.0, 3.0, 1e6]), N50["detect"])
    assert p[0] == 0.0
    assert p[2] == 0.5
    assert p[-1] == 1.0
    assert (np.diff(p) >= 0).all()


def test_a_cycle_is_two_pixels() -> None:
    # 0.4 m at 1 km spans 400 µrad: ten pixels of 40 µrad.
    assert cycles_on_target(0.4, 1000.0, 40e-6) == pytest.approx(5.0)


def test_contrast_limits_what_is_resolved() -> None:
    share = resolved_share(np.array([0.0, 0.02, math.sqrt(0.02 * 0.3), 0.3, 5.0]), 0.02, 0.3)
    np.testing.assert_allclose(share, [0.0, 0.0, 0.5, 1.0, 1.0], atol=1e-12)


def test_visible_contrast_halves_where_it_should() -> None:
    half_m = math.log(2.0) / 3.912 * 10e3
    assert visible_transmission(half_m, 10.0) == pytest.approx(0.5)


def test_infrared_multiplies_vapour_haze_and_rain() -> None:
    wet = Environment(humidity_pct=80, temperature_c=20, rain_mm_per_h=5, visibility_km=10)
    per_km = 0.02 * 0.8 * absolute_humidity_gpm3(20.0, 100.0)
    per_km += 3.912 / 10.0 * (10.0 / 0.55) ** -1.3
    per_km += 1.076 * 5**0.67 / 4.342944819
    assert infrared_transmission(3000.0, wet, 0.02, 10.0) == pytest.approx(math.exp(-3 * per_km))


def test_haze_hides_less_at_long_waves_except_in_fog() -> None:
    ratio = [
        haze_extinction_per_km(v, 10.0) / haze_extinction_per_km(v, 0.55) for v in (60, 20, 0.1)
    ]
    assert ratio[0] < ratio[1] < 0.05
    assert ratio[2] > 0.4


def test_the_sun_culminates_at_noon_and_is_down_at_midnight() -> None:
    # Greenwich at the equinox: the highest point is the complement of the latitude.
    midnight = datetime(2025, 3, 20, 0, tzinfo=UTC)
    elevation = np.degrees(sun_elevation_rad(midnight, np.arange(0, 86_400, 60.0), 0.9, 0.0))
    assert elevation.max() == pytest.approx(90 - math.degrees(0.9), abs=0.25)
    assert abs(60.0 * elevation.argmax() - 43_200) < 600  # equation of time: seven minutes
    assert elevation[0] < -35


@pytest.mark.parametrize(
    ("light", "lowest_deg", "highest_deg"),
    [("sun", 50, 70), ("day", 20, 90), ("twilight", -6, -6), ("night", -90, -18)],
)
def test_light_is_the_suns_or_as_said(light: str, lowest_deg: float, highest_deg: float) -> None:
    frame = Frame.at(math.radians(52.0), 0.0, 0.0)
    around = stage.surroundings(frame, light=light)  # a noon in June
    found = math.degrees(sunlight_rad(around, np.zeros(3), 0.0))
    assert lowest_deg - 1e-9 <= found <= highest_deg + 1e-9
