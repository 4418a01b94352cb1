"""Gas and rain against the ITU's published examples, and paths against plain sums."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.attenuation import (
    HEIGHT_STEP_M,
    VERTICAL_RAD,
    Air,
    air_over,
    gas_attenuation_db_per_km,
    rain_attenuation_db_per_km,
    rain_coefficients,
    rain_height_m,
    vapour_density_g_per_m3,
)
from sensors.paths import path_attenuation_db, share_below
from sensors.surface import EFFECTIVE_EARTH_RADIUS_M
from sim.world.environment import Environment

ITU_GAS = [
    # GHz, oxygen, water vapour in dB/km at 1013.25 hPa of dry air, 288.15 K, 7.5 g/m³
    (12.0, 0.00869826406877357, 0.00953538822024593),
    (20.0, 0.0118835504778076, 0.0970473048151117),
    (60.0, 14.6234747964861, 0.154841841),
    (90.0, 0.0388697110724235, 0.341973394),
    (130.0, 0.0415090835995228, 0.751844704),
]


@pytest.mark.parametrize(("ghz", "oxygen", "vapour"), ITU_GAS)
def test_gas_of_the_validation_examples(ghz: float, oxygen: float, vapour: float) -> None:
    """ITU-R study group 3, validation examples of P.676-13."""
    found = gas_attenuation_db_per_km(ghz * 1e9, 1013.25, 288.15, 7.5)
    assert found[0] == pytest.approx(oxygen, rel=1e-8)
    assert found[1] == pytest.approx(vapour, rel=1e-8)


@pytest.mark.parametrize(
    ("ghz", "total"), [(3.0, 0.007539), (5.6, 0.009145), (9.4, 0.013258), (16.7, 0.041196)]
)
def test_gas_at_radar_bands(ghz: float, total: float) -> None:
    """Computed independently from P.676-13; 1013.25 hPa is the pressure of the dry air."""
    found = sum(gas_attenuation_db_per_km(ghz * 1e9, 1013.25, 288.15, 7.5))
    assert found == pytest.approx(total, abs=6e-7)


def test_gas_takes_arrays_and_dry_air_has_no_vapour_line() -> None:
    oxygen, water = gas_attenuation_db_per_km(22.235e9, [1000.0, 500.0], [290.0, 250.0], 0.0)
    assert oxygen.shape == water.shape == (2,)
    assert oxygen[0] > oxygen[1] > 0.0
    assert np.all(water == 0.0)


@pytest.mark.parametrize(
    ("ghz", "db"), [(3.0, 0.00423), (5.6, 0.0414), (9.4, 0.331), (16.7, 1.238)]
)
def test_rain_of_sixteen_millimetres(ghz: float, db: float) -> None:
    """Horizontal polarisation, level path; printed to three digits."""
    assert rain_attenuation_db_per_km(16.0, ghz * 1e9) == pytest.approx(db, rel=2e-3)


ITU_RAIN = [
    # elevation, GHz, mm/h, tilt, k, alpha, dB/km
    (31.07699124, 14.25, 26.48052, 0.0, 0.03975488, 1.12418043, 1.58130839),
    (46.35969261, 29.0, 27.13586832, 0.0, 0.21978097, 0.9484851, 5.03135479),
    (48.24117054, 14.25, 63.62668149, 90.0, 0.04226474, 1.07871664, 3.72901264),
    (85.80459566, 29.0, 99.13558978, 90.0, 0.21737148, 0.93950825, 16.3183686),
]


@pytest.mark.parametrize("row", ITU_RAIN)
def test_rain_of_the_validation_examples(row: tuple[float, ...]) -> None:
    """ITU-R study group 3, validation examples of P.838-3."""
    elevation, ghz, rate, tilt, k, alpha, db = row
    angles = (np.radians(tilt), np.radians(elevation))
    assert rain_coefficients(ghz * 1e9, *angles) == pytest.approx((k, alpha), rel=1e-6)
    assert rain_attenuation_db_per_km(rate, ghz * 1e9, *angles) == pytest.approx(db, rel=1e-6)


def test_rain_prefers_flat_drops_and_dry_weather_takes_nothing() -> None:
    level = rain_attenuation_db_per_km(10.0, 1e10)
    assert rain_attenuation_db_per_km(10.0, 1e10, VERTICAL_RAD) < level
    assert rain_attenuation_db_per_km(0.0, 1e10) == 0.0
    assert rain_height_m(15.0) == pytest.approx(15.0 / 0.0065 + 360.0)
    assert rain_height_m(-10.0) == 360.0


def test_vapour_at_saturation() -> None:
    """Saturated air at 20 °C holds 17.3 g/m³ (any psychrometric table); at 100 %, wet air."""
    assert vapour_density_g_per_m3(20.0, 100.0, 1013.25) == pytest.approx(17.3, abs=0.1)
    assert vapour_density_g_per_m3(20.0, 0.0, 1013.25) == 0.0


def test_air_is_that_of_the_ground_and_thins_out() -> None:
    weather = Environment(temperature_c=15.0, humidity_pct=59.0, rain_mm_per_h=16.0)
    air = air_over(weather, 9.4e9)
    vapour = vapour_density_g_per_m3(15.0, 59.0, 1013.25)
    dry = 1013.25 - vapour * 288.15 / 216.7
    at_ground = sum(gas_attenuation_db_per_km(9.4e9, dry, 288.15, vapour))
    assert air.gas_db_per_m[0] * 1e3 == pytest.approx(at_ground)
    assert np.all(np.diff(air.gas_db_per_m) < 0.0)
    assert air.rain_db_per_m * 1e3 == pytest.approx(0.331, abs=1e-3)


def test_zenith_attenuation_is_near_its_equivalent_heights() -> None:
    """ITU-R P.676: at 10 GHz about 5 to 6 km of oxygen and 1.6 to 2.1 km of vapour."""
    weather = Environment(temperature_c=15.0, humidity_pct=59.0)
    air = air_over(weather, 10e9)
    zenith = path_attenuation_db(30_000.0, 0.0, 30_000.0, air.gas_db_per_m, 0.0, 0.0)
    oxygen, water = gas_attenuation_db_per_km(10e9, 1003.0, 288.15, 7.5)
    assert 5.0 * oxygen + 1.6 * water < zenith < 6.0 * oxygen + 2.1 * water


def path_twin(range_m: float, a: float, b: float, air: Air) -> float:
    """Thirty thousand short pieces."""
    t = (np.arange(30_000) + 0.5) / 30_000
    ground_square = max(range_m**2 - (b - a) ** 2, 0.0)
    height = a + (b - a) * t - ground_square * t * (1 - t) / (2 * EFFECTIVE_EARTH_RADIUS_M)
    table = HEIGHT_STEP_M * np.arange(air.gas_db_per_m.size)
    gas = np.interp(np.maximum(height, 0.0), table, air.gas_db_per_m, right=0.0)
    rain = np.where(height < air.rain_top_m, air.rain_db_per_m, 0.0)
    return float(np.mean(gas + rain) * range_m)


@pytest.mark.parametrize(
    ("range_m", "a", "b"),
    [
        (1e3, 10.0, 50.0),
        (40e3, 20.0, 100.0),
        (200e3, 20.0, 10_000.0),
        (470e3, 500.0, 12_000.0),
        (15e3, 3000.0, 3000.0),
        (12e3, 0.0, 12_000.0),
        (350e3, 9000.0, 9000.0),
        (900e3, 150_000.0, 20.0),
        (150e3, 0.0, 150_000.0),
        (90e3, 35_000.0, 90_000.0),
    ],
)
def test_path_is_the_sum_of_its_pieces(range_m: float, a: float, b: float) -> None:
    air = air_over(Environment(rain_mm_per_h=5.0), 9.4e9)
    found = path_attenuation_db(range_m, a, b, air.gas_db_per_m, air.rain_db_per_m, air.rain_top_m)
    assert found == pytest.approx(path_twin(range_m, a, b, air), rel=3e-3, abs=1e-6)


def test_a_level_path_at_the_ground_is_range_times_rate() -> None:
    air = Air(np.full(121, 2e-5), 3e-4, 1e4)
    assert path_attenuation_db(5e3, 0.0, 0.0, air.gas_db_per_m, 3e-4, 1e4) == pytest.approx(1.6)


def test_share_below_a_level() -> None:
    assert share_below(500.0, 0.0, 1000.0, 0.0) == 0.5
    assert share_below(500.0, 1000.0, 0.0, 0.0) == 0.5
    assert share_below(500.0, 100.0, 400.0, 0.0) == 1.0
    assert share_below(500.0, 600.0, 700.0, 0.0) == 0.0
    assert share_below(500.0, 600.0, 600.0, 800.0) == pytest.approx(np.sqrt(0.5))
    assert share_below(500.0, 600.0, 600.0, 100.0) == 0.0
    assert share_below(500.0, 500.0, 500.0, 0.0) == 1.0
