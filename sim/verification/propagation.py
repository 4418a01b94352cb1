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
    KNOT_MPS,
    LAND_GAMMA_DB,
    cell_area_m2,
    grazing_angle_rad,
    land_reflectivity,
    land_spread_mps,
    rain_reflectivity_per_m,
    rain_spread_mps,
    sea_reflectivity,
    sea_spread_mps,
    surface_spread_mps,
)
from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.multipath import interference, path_difference_m
from sensors.propagation import horizon_distance_m
from sim.verification.check import Check
from sim.world.environment import Environment, LandCover

_GAS = "ITU-R P.676-13, computed independently; 1013.25 hPa of dry air, 288.15 K, 7.5 g/m³"
_GAS_EXAMPLE = "ITU-R study group 3, validation examples of P.676-13"
_RAIN = "ITU-R P.838-3, computed independently; horizontal polarisation, level path"
_RAIN_EXAMPLE = "ITU-R study group 3, validation examples of P.838-3"
_HORIZON = (
    "d = √(2 k Re h), k = 4/3, Re = 6371 km (Schelleng, Burrows and Ferrell, "
    "Proc. IRE 21(3), 1933), by hand"
)
_GAMMA = "σ⁰ = γ sin ψ (Barton, Radar Equations for Modern Radar, 2013)"
_LOBING = (
    "F = 2 |sin(2π h1 h2 / λR)| (Skolnik, Introduction to Radar Systems, 3rd ed., 2001, ch. 8)"
)
_NRL = "Gregers-Hansen and Mital, NRL/MR/5310-12-9346 (2012), computed independently"
_SPREADS = (
    "Barton, Radar System Analysis, 1964; reprinted in Skolnik, Radar Handbook, 2nd ed., 1990, "
    "table 15.1"
)
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


def _land_spread(knots: float) -> float:
    return surface_spread_mps(Environment(wind_mps=knots * KNOT_MPS))


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
        f"{_GAMMA}; computed independently",
    ),
    *(
        Check(
            f"land clutter, {cover}, grazing 30°, 10 GHz",
            "dB",
            expected_db,
            partial(_land_db, cover),
            0.005,
            f"{_GAMMA}, γ of 0, −10, −15, −20 dB",
        )
        for cover, expected_db in _LAND_DB
    ),
    Check(
        "land clutter, farmland, grazing 30°, 3 GHz",
        "dB",
        -20.625,
        lambda: _in_db(land_reflectivity(math.radians(30.0), LAND_GAMMA_DB["farmland"], 3e9)),
        0.005,
        f"{_GAMMA} and 5 log₁₀(f / 10 GHz), by hand",
    ),
    Check(
        "rain clutter, 10 mm/h, 9.4 GHz",
        "dB/m",
        -56.62,
        lambda: float(10.0 * np.log10(rain_reflectivity_per_m(10.0, 9.4e9))),
        0.1,
        "7e-12 f⁴ r^1.6 m²/m³, f in GHz (Skolnik, Introduction to Radar Systems, 3rd ed., 2001, "
        "ch. 7), by hand",
    ),
    *(
        Check(
            f"spread of the speeds of wooded hills, wind of {knots:g} knots",
            "m/s",
            spread,
            partial(_land_spread, knots),
            1e-9,
            _SPREADS,
        )
        for knots, spread in ((0.0, 0.017), (10.0, 0.04), (25.0, 0.12), (40.0, 0.32))
    ),
    Check(
        "spread of the speeds of trees in a gale of 60 mph",
        "m/s",
        0.325,
        lambda: land_spread_mps(60.0 * 0.44704),
        0.01,
        "√2 / β, 1/β = 0.1048 (log₁₀ w + 0.4147), w in mph, by hand: Billingsley, Low-Angle Radar "
        "Land Clutter, 2002, chapter 6",
    ),
    *(
        Check(
            f"spread of the sea's speeds, wind of {knots:g} knots",
            "m/s",
            spread,
            lambda knots=knots: sea_spread_mps(knots * KNOT_MPS),  # type: ignore[misc]
            tolerance,
            _SPREADS,
        )
        for knots, spread, tolerance in ((8.0, 0.46, 0.01), (20.0, 1.1, 0.05))
    ),
    Check(
        "spread of the sea's speeds, state 3",
        "m/s",
        0.837,
        lambda: surface_spread_mps(Environment(surface="sea", sea_state=3)),
        0.0005,
        "0.11 of 3.16 s^0.8 m/s (Horst, Dyer and Tuley, IEE Conf. Publ. 169, 1978), by hand",
    ),
    Check(
        "spread of rain's speeds, 20 km, beam of 30 mrad",
        "m/s",
        1.2322,
        lambda: float(rain_spread_mps(20e3, 0.03)),
        5e-5,
        "1 m/s and 0.3 k R φ, k 4 m/s per km (Nathanson, Radar Design Principles, 2nd ed., "
        "1991, 6.6), by hand",
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
