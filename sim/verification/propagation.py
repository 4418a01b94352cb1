"""Gas, rain, horizon, lobing and clutter against published and independent numbers."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from sensors.attenuation import (
    VERTICAL_RAD,
    gas_attenuation_db_per_km,
    rain_attenuation_db_per_km,
)
from sensors.clutter import (
    LAND_GAMMA_DB,
    cell_area_m2,
    grazing_angle_rad,
    land_reflectivity,
    rain_reflectivity_per_m,
    rain_spread_mps,
    sea_reflectivity,
)
from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.multipath import interference, path_difference_m
from sensors.propagation import horizon_distance_m
from sim.verification.check import Check
from sim.world.environment import LandCover

_GAS = "ITU-R P.676-13, computed independently; 1013.25 hPa of dry air, 288.15 K, 7.5 g/m³"
_GAS_EXAMPLE = "ITU-R study group 3, validation examples of P.676-13"
_RAIN = "ITU-R P.838-3, computed independently; horizontal polarisation, level path"
_RAIN_EXAMPLE = "ITU-R study group 3, validation examples of P.838-3"
_HORIZON = "d = √(2 k Re h), k = 4/3, Re = 6371 km; computed independently"
_LOBING = "F = 2 |sin(2π h1 h2 / λR)| (Skolnik, Introduction to Radar Systems, chapter 8)"
_NRL = "Gregers-Hansen and Mital, NRL/MR/5310-12-9346 (2012), computed independently"
_WAVELENGTH_M = SPEED_OF_LIGHT_MPS / 3e9


def _in_db(ratio: object) -> float:
    return float(10.0 * np.log10(np.asarray(ratio, float)))


def _gas(ghz: float) -> float:
    return float(sum(gas_attenuation_db_per_km(ghz * 1e9, 1013.25, 288.15, 7.5)))


def _gas_part(ghz: float, part: int) -> float:
    return float(gas_attenuation_db_per_km(ghz * 1e9, 1013.25, 288.15, 7.5)[part])


_LAND_DB: tuple[tuple[LandCover, float], ...] = (
    ("metropolitan", -3.0103),
    ("wooded-hills", -13.0103),
    ("farmland", -18.0103),
    ("flat", -23.0103),
)


def _land_db(cover: LandCover) -> float:
    sigma0 = land_reflectivity(math.radians(30.0), LAND_GAMMA_DB[cover], 10e9)
    return float(10.0 * np.log10(sigma0))


def _rain(rate: float, ghz: float, tilt_rad: float, elevation_deg: float) -> float:
    return rain_attenuation_db_per_km(rate, ghz * 1e9, tilt_rad, math.radians(elevation_deg))


def _horizon_km(*heights_m: float) -> float:
    return sum(horizon_distance_m(height) for height in heights_m) / 1e3


def _lobe_km(sign: float) -> float:
    """Return where the last maximum or null of 10 m against 100 m at 3 GHz lies."""
    distance_m = np.linspace(15e3, 60e3, 22_501) if sign > 0.0 else np.linspace(15e3, 30e3, 7_501)
    longer = [path_difference_m(each, 10.0, 100.0) for each in distance_m]
    factor = [sign * interference(each, _WAVELENGTH_M, complex(-1.0)) for each in longer]
    return float(distance_m[int(np.argmax(factor))]) / 1e3


def _lobe_db() -> float:
    longer = path_difference_m(40.03e3, 10.0, 100.0)
    return _in_db(interference(longer, _WAVELENGTH_M, complex(-1.0)))


def _land_dbsm() -> float:
    grazing = grazing_angle_rad(10e3, 20.0, curvature_per_m=0.0)
    sigma0 = land_reflectivity(grazing, LAND_GAMMA_DB["farmland"], 10e9)
    return _in_db(sigma0 * cell_area_m2(10e3, grazing, math.radians(2.0), 150.0))


def _sea_db(vertical: bool) -> float:
    return _in_db(sea_reflectivity(math.radians(1.0), 3, 9.4e9, vertical))


CHECKS: tuple[Check, ...] = (
    *(
        Check(f"gas, {ghz:g} GHz, one way", "dB/km", db, partial(_gas, ghz), 6e-7, _GAS)
        for ghz, db in ((3.0, 0.007539), (5.6, 0.009145), (9.4, 0.013258), (16.7, 0.041196))
    ),
    *(
        Check(
            f"{name}, {ghz:g} GHz",
            "dB/km",
            db,
            partial(_gas_part, ghz, part),
            1e-8 * max(db, 1.0),
            _GAS_EXAMPLE,
        )
        for part, name, rows in (
            (0, "oxygen", ((12.0, 0.00869826407), (60.0, 14.6234747965), (90.0, 0.03886971107))),
            (
                1,
                "water vapour",
                ((12.0, 0.00953538822), (20.0, 0.09704730482), (90.0, 0.341973394)),
            ),
        )
        for ghz, db in rows
    ),
    *(
        Check(
            f"rain, 16 mm/h, {ghz:g} GHz, one way",
            "dB/km",
            db,
            partial(_rain, 16.0, ghz, 0.0, 0.0),
            tolerance,
            _RAIN,
        )
        for ghz, db, tolerance in (
            (3.0, 0.00423, 5e-6),
            (5.6, 0.0414, 5e-5),
            (9.4, 0.331, 5e-4),
            (16.7, 1.238, 5e-4),
        )
    ),
    *(
        Check(
            f"rain, {rate:.1f} mm/h, {ghz:g} GHz, {tilt}, {elevation:.1f}°",
            "dB/km",
            db,
            partial(_rain, rate, ghz, tilt_rad, elevation),
            2e-6,
            _RAIN_EXAMPLE,
        )
        for elevation, ghz, rate, tilt, tilt_rad, db in (
            (31.07699124, 14.25, 26.48052, "horizontal", 0.0, 1.58130839),
            (46.35969261, 29.0, 27.13586832, "horizontal", 0.0, 5.03135479),
            (48.24117054, 14.25, 63.62668149, "vertical", VERTICAL_RAD, 3.72901264),
            (85.80459566, 29.0, 99.13558978, "vertical", VERTICAL_RAD, 16.3183686),
        )
    ),
    Check("horizon of 30 m", "km", 22.576, partial(_horizon_km, 30.0), 5e-4, _HORIZON),
    *(
        Check(
            f"mast of 20 m against a target at {height:g} m",
            "km",
            reach,
            partial(_horizon_km, 20.0, height),
            0.06,
            _HORIZON,
        )
        for height, reach in ((50.0, 47.6), (100.0, 59.7), (300.0, 89.8))
    ),
    Check(
        "lobing, 10 m and 100 m, 3 GHz: last maximum",
        "km",
        40.03,
        lambda: _lobe_km(1.0),
        0.01,
        _LOBING,
    ),
    Check("lobing, the same: gain there", "dB", 6.02, _lobe_db, 5e-3, _LOBING),
    Check("lobing, the same: last null", "km", 20.01, lambda: _lobe_km(-1.0), 0.01, _LOBING),
    Check(
        "land clutter, γ −15 dB, antenna 20 m, 10 km, 2° by 150 m, flat earth",
        "dBsm",
        5.2,
        _land_dbsm,
        0.05,
        "σ⁰ = γ sin ψ (Barton, Radar Equations for Modern Radar); computed independently",
    ),
    *(
        Check(
            f"land clutter, {cover}, grazing 30°, 10 GHz",
            "dB",
            expected_db,
            partial(_land_db, cover),
            0.005,
            "σ⁰ = γ sin ψ, γ of 0, −10, −15, −20 dB (Barton, Radar Equations for Modern Radar)",
        )
        for cover, expected_db in _LAND_DB
    ),
    Check(
        "rain clutter, 10 mm/h, 9.4 GHz",
        "dB/m",
        -56.62,
        lambda: float(10.0 * np.log10(rain_reflectivity_per_m(10.0, 9.4e9))),
        0.1,
        "7e-12 f⁴ r^1.6 m²/m³, f in GHz (Skolnik, Introduction to Radar Systems, chapter 7)",
    ),
    Check(
        "spread of rain's speeds, 20 km, beam of 30 mrad",
        "m/s",
        1.2322,
        lambda: float(rain_spread_mps(20e3, 0.03)),
        5e-5,
        "Nathanson, Radar Design Principles: 1 m/s and 0.3 k R φ, k 4 m/s per km; by hand",
    ),
    Check(
        "land clutter, urban, grazing 20°, 10 GHz",
        "m²/m²",
        0.1082,
        lambda: float(land_reflectivity(math.radians(20.0), -5.0, 10e9)),
        5e-5,
        "MathWorks, documentation of landreflectivity",
    ),
    Check(
        "sea clutter, horizontal, 9.4 GHz, state 3, 1°",
        "dB",
        -43.75,
        lambda: _sea_db(False),
        5e-3,
        _NRL,
    ),
    Check(
        "sea clutter, vertical, 9.4 GHz, state 3, 1°",
        "dB",
        -41.58,
        lambda: _sea_db(True),
        5e-3,
        _NRL,
    ),
    Check(
        "sea clutter, horizontal, 30 GHz, state 2, 10°",
        "m²/m²",
        2.1555e-4,
        lambda: float(sea_reflectivity(math.radians(10.0), 2, 30e9)),
        5e-9,
        "MathWorks, documentation of seareflectivity",
    ),
)
