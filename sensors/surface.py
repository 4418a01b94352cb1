"""What lies below the beams: how land and sea reflect a wave, and how rough they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sim.core.geodesy import MEAN_EARTH_RADIUS_M

if TYPE_CHECKING:
    from sim.world.environment import Environment, LandCover

#: Standard refraction lets a ray run straight over an earth 4/3 as large
#: (Schelleng, Burrows and Ferrell, Proc. IRE 21(3), 1933).
EFFECTIVE_EARTH_FACTOR = 4.0 / 3.0
EFFECTIVE_EARTH_RADIUS_M = EFFECTIVE_EARTH_FACTOR * MEAN_EARTH_RADIUS_M
EFFECTIVE_CURVATURE_PER_M = 1.0 / EFFECTIVE_EARTH_RADIUS_M

#: Standard deviation of the surface height, m: Barton, Radar Equations for Modern Radar
#: (2013), chapter 8; "metropolitan" as his urban land.
LAND_ROUGHNESS_M: dict[LandCover, float] = {
    "metropolitan": 10.0,
    "wooded-hills": 10.0,
    "farmland": 3.0,
    "flat": 1.0,
}
#: The same for sea states 0 to 6: a quarter of the significant wave height in the middle of
#: the state's span (WMO code table 3700).
SEA_ROUGHNESS_M = (0.0, 0.0125, 0.075, 0.22, 0.47, 0.81, 1.25)

_SALINITY_G_PER_KG = 35.0
# Silty loam (ITU-R P.527-6, figure 14): shares of sand and clay, densities of the solid
# matter and of the soil. Assumption: one fifth of the volume is water; sweep 0.07 to 0.5.
_SAND_PCT, _CLAY_PCT, _SOLID, _BULK, _WATER = 30.63, 13.48, 2.59, 1.575, 0.2


def roughness_m(environment: Environment) -> float:
    """Return the standard deviation of the surface height."""
    if environment.surface == "sea":
        return SEA_ROUGHNESS_M[environment.sea_state]
    return LAND_ROUGHNESS_M[environment.land_cover]


def permittivity(environment: Environment, frequency_hz: float) -> complex:
    """Return the complex relative permittivity ε′ − iε″ of what lies below (ITU-R P.527-6).

    Sea of 35 g/kg, or silty loam with one fifth of water, as warm as the air but not frozen.
    """
    if environment.surface == "sea":
        return sea_permittivity(frequency_hz, environment.temperature_c)
    return soil_permittivity(frequency_hz, environment.temperature_c)


def _water(celsius: float) -> tuple[float, float, float, float, float]:
    """Return three permittivities and two relaxation frequencies (GHz) of pure water."""
    theta = 300.0 / (celsius + 273.15) - 1.0
    static = 77.66 + 103.3 * theta
    first = 20.20 - 146.4 * theta + 316.0 * theta**2
    return static, 0.0671 * static, 3.52 - 7.52 * theta, first, 39.8 * first


def _debye(
    ghz: float, static: float, middle: float, optical: float, first: float, second: float
) -> complex:
    """Return the sum of two relaxations."""
    return (
        (static - middle) / (1.0 + 1j * ghz / first)
        + (middle - optical) / (1.0 + 1j * ghz / second)
        + optical
    )


def sea_permittivity(
    frequency_hz: float, temperature_c: float, salinity_g_per_kg: float = _SALINITY_G_PER_KG
) -> complex:
    """Return the permittivity of sea water (ITU-R P.527-6, equations 14 to 27)."""
    t, s, ghz = min(max(temperature_c, 0.0), 30.0), salinity_g_per_kg, frequency_hz / 1e9
    static, middle, optical, first, second = _water(t)
    warming = 2.3232e-3 - 7.9208e-5 * t + 3.6764e-6 * t**2 + 3.5594e-7 * t**3 + 8.9795e-9 * t**4
    conductivity = (
        (2.903602 + 8.607e-2 * t + 4.738817e-4 * t**2 - 2.991e-6 * t**3 + 4.3047e-9 * t**4)
        * (s * (37.5109 + 5.45216 * s + 1.4409e-2 * s**2) / (1004.75 + 182.283 * s + s**2))
        * (
            1.0
            + (6.9431 + 3.2841 * s - 9.9486e-2 * s**2)
            / (84.850 + 69.024 * s + s**2)
            * (t - 15.0)
            / (49.843 - 0.2276 * s + 1.98e-3 * s**2 + t)
        )
    )
    relaxed = _debye(
        ghz,
        static * math.exp(-3.33330e-3 * s + 4.74868e-6 * s**2),
        middle * math.exp(-6.28908e-3 * s + 1.76032e-4 * s**2 - 9.22144e-5 * t * s),
        optical * (1.0 + s * (-2.04265e-3 + 1.57883e-4 * t)),
        first * (1.0 + s * warming),
        second * (1.0 + s * (-1.99723e-2 + 1.81176e-4 * t)),
    )
    return relaxed - 18j * conductivity / ghz


def soil_permittivity(
    frequency_hz: float, temperature_c: float, water_share: float = _WATER
) -> complex:
    """Return the permittivity of silty loam (ITU-R P.527-6, equations 58 to 70)."""
    ghz = frequency_hz / 1e9
    low = 0.0467 + 0.2204 * _BULK - 0.004111 * _SAND_PCT - 0.006614 * _CLAY_PCT
    high = -1.645 + 1.939 * _BULK - 0.0225622 * _SAND_PCT + 0.01594 * _CLAY_PCT
    step = (low - high) / (1.0 + (ghz / 1.35) ** 2)
    bound = 18.0 * (_SOLID - _BULK) / (ghz * _SOLID * water_share)
    water = _debye(ghz, *_water(max(temperature_c, 0.0)))
    real = water.real + bound * ghz / 1.35 * step
    imaginary = -water.imag + bound * (high + step)
    real_power = 1.2748 - 0.00519 * _SAND_PCT - 0.00152 * _CLAY_PCT
    imaginary_power = 1.33797 - 0.00603 * _SAND_PCT - 0.00166 * _CLAY_PCT
    solid = (1.01 + 0.44 * _SOLID) ** 2 - 0.062
    mixed = (
        1.0
        + _BULK / _SOLID * (solid**0.65 - 1.0)
        + water_share**real_power * real**0.65
        - water_share
    )
    return complex(
        mixed ** (1.0 / 0.65),
        -((water_share**imaginary_power * imaginary**0.65) ** (1.0 / 0.65)),
    )
