"""How much air and rain weaken a wave: ITU-R P.676-13 (gas) and P.838-3 (rain).

The coefficients of gas are the Recommendation's two tables of spectral lines, kept in
``sensors/tables``; they are summed line by line, which holds up to 1000 GHz and for any
weather. A sensor does that once, at build: ``air_over`` tabulates over height what
``sensors.paths.path_attenuation_db`` adds up along each path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from sim.core.tables import Floats
    from sim.world.environment import Environment

_TABLES = Path(__file__).parent / "tables"

#: Spacing of the table over height, and how many rows: up to 30 km, above which air is void.
HEIGHT_STEP_M = 250.0
_HEIGHTS = 121
#: Tilt of the electric field from the horizontal.
HORIZONTAL_RAD, VERTICAL_RAD = 0.0, 0.5 * np.pi

_LAPSE_K_PER_M = 6.5e-3  # up to the tropopause (ITU-R P.835-6, standard atmosphere)
_TROPOPAUSE_M = 11_000.0
_BAROMETRIC_EXPONENT = 5.2559  # g M / (R × lapse rate)
_DRY_AIR_K_PER_M = 0.0341632  # g M / R
_VAPOUR_SCALE_HEIGHT_M = 2000.0  # ITU-R P.835-6

# ITU-R P.838-3, tables 1 to 4: rows of a, b, c; then the slope and the constant.
_K_HORIZONTAL = (
    (
        (-5.33980, -0.10008, 1.13098),
        (-0.35351, 1.26970, 0.45400),
        (-0.23789, 0.86036, 0.15354),
        (-0.94158, 0.64552, 0.16817),
    ),
    -0.18961,
    0.71147,
)
_K_VERTICAL = (
    (
        (-3.80595, 0.56934, 0.81061),
        (-3.44965, -0.22911, 0.51059),
        (-0.39902, 0.73042, 0.11899),
        (0.50167, 1.07319, 0.27195),
    ),
    -0.16398,
    0.63297,
)
_ALPHA_HORIZONTAL = (
    (
        (-0.14318, 1.82442, -0.55187),
        (0.29591, 0.77564, 0.19822),
        (0.32177, 0.63773, 0.13164),
        (-5.37610, -0.96230, 1.47828),
        (16.1721, -3.29980, 3.43990),
    ),
    0.67849,
    -1.95537,
)
_ALPHA_VERTICAL = (
    (
        (-0.07771, 2.33840, -0.76284),
        (0.56727, 0.95545, 0.54039),
        (-0.20238, 1.14520, 0.26809),
        (-48.2991, 0.791669, 0.116226),
        (48.5833, 0.791459, 0.116479),
    ),
    -0.053739,
    0.83433,
)


@lru_cache(maxsize=2)
def _lines(name: str) -> Floats:
    """Return a table of lines, one row of coefficients per column of the file."""
    return np.loadtxt(_TABLES / name, delimiter=",", skiprows=2, ndmin=2).T


def gas_attenuation_db_per_km(
    frequency_hz: float,
    dry_pressure_hpa: ArrayLike,
    temperature_k: ArrayLike,
    vapour_g_per_m3: ArrayLike,
) -> tuple[Floats, Floats]:
    """Return the specific attenuation, one way, by oxygen and by water vapour (dB/km).

    ITU-R P.676-13, annex 1, equations 1 to 9. The first part has the dry continuum too.

    Parameters
    ----------
    frequency_hz : up to 1000 GHz
    dry_pressure_hpa : pressure of the air without its vapour
    temperature_k, vapour_g_per_m3 : any shapes that broadcast
    """
    dry, temperature, vapour = np.broadcast_arrays(
        *(np.asarray(a, float)[..., None] for a in (dry_pressure_hpa, temperature_k)),
        np.asarray(vapour_g_per_m3, float)[..., None],
    )
    frequency = frequency_hz / 1e9
    theta = 300.0 / temperature
    wet = vapour * temperature / 216.7  # partial pressure of the vapour, hPa
    pressure = dry + wet

    line, a1, a2, a3, a4, a5, a6 = _lines("oxygen_lines.csv")
    width = a3 * 1e-4 * (dry * theta ** (0.8 - a4) + 1.1 * wet * theta)
    width = np.sqrt(width**2 + 2.25e-6)  # Zeeman splitting
    interference = (a5 + a6 * theta) * 1e-4 * pressure * theta**0.8
    strength = a1 * 1e-7 * dry * theta**3 * np.exp(a2 * (1.0 - theta))
    oxygen = np.sum(strength * _shape(frequency, line, width, interference), -1)
    debye = 5.6e-4 * pressure * theta**0.8
    continuum = (
        frequency
        * dry
        * theta**2
        * (
            6.14e-5 / (debye * (1.0 + (frequency / debye) ** 2))
            + 1.4e-12 * dry * theta**1.5 / (1.0 + 1.9e-5 * frequency**1.5)
        )
    )
    oxygen += continuum[..., 0]

    line, b1, b2, b3, b4, b5, b6 = _lines("water_vapour_lines.csv")
    width = b3 * 1e-4 * (dry * theta**b4 + b5 * wet * theta**b6)
    width = 0.535 * width + np.sqrt(0.217 * width**2 + 2.1316e-12 * line**2 / theta)  # Doppler
    strength = b1 * 0.1 * wet * theta**3.5 * np.exp(b2 * (1.0 - theta))
    water = np.sum(strength * _shape(frequency, line, width, np.zeros(1)), -1)
    return 0.1820 * frequency * oxygen, 0.1820 * frequency * water


def _shape(frequency: float, line: Floats, width: Floats, interference: Floats) -> Floats:
    """Return the shape of spectral lines at a frequency (GHz)."""
    below, above = line - frequency, line + frequency
    shape: Floats = (
        frequency
        / line
        * (
            (width - interference * below) / (below**2 + width**2)
            + (width - interference * above) / (above**2 + width**2)
        )
    )
    return shape


def vapour_density_g_per_m3(
    temperature_c: float, humidity_pct: float, pressure_hpa: float
) -> float:
    """Return the density of water vapour (ITU-R P.453-14, equations 7 to 9, over water)."""
    t = temperature_c
    enhancement = 1.0 + 1e-4 * (7.2 + pressure_hpa * (0.0320 + 5.9e-6 * t * t))
    saturated_hpa = enhancement * 6.1121 * np.exp((18.678 - t / 234.5) * t / (t + 257.14))
    return float(216.7 * 0.01 * humidity_pct * saturated_hpa / (t + 273.15))


def rain_coefficients(
    frequency_hz: float, tilt_rad: float = HORIZONTAL_RAD, elevation_rad: float = 0.0
) -> tuple[float, float]:
    """Return k and α of γ = k R^α, in dB/km with R in mm/h (ITU-R P.838-3).

    Parameters
    ----------
    frequency_hz : 1 to 1000 GHz; below, the Recommendation's curves are continued
    tilt_rad : of the polarisation from the horizontal; π/4 for circular
    elevation_rad : of the path
    """
    k_h, k_v = (10.0 ** _curve(frequency_hz, *each) for each in (_K_HORIZONTAL, _K_VERTICAL))
    alpha_h, alpha_v = (
        _curve(frequency_hz, *each) for each in (_ALPHA_HORIZONTAL, _ALPHA_VERTICAL)
    )
    turn = float(np.cos(elevation_rad) ** 2 * np.cos(2.0 * tilt_rad))
    k = 0.5 * (k_h + k_v + (k_h - k_v) * turn)
    alpha = k_h * alpha_h + k_v * alpha_v + (k_h * alpha_h - k_v * alpha_v) * turn
    return k, alpha / (2.0 * k)


def _curve(
    frequency_hz: float, bells: tuple[tuple[float, ...], ...], slope: float, constant: float
) -> float:
    decades = np.log10(frequency_hz / 1e9)
    a, b, c = np.array(bells).T
    return float(np.sum(a * np.exp(-(((decades - b) / c) ** 2))) + slope * decades + constant)


def rain_attenuation_db_per_km(
    rain_mm_per_h: float,
    frequency_hz: float,
    tilt_rad: float = HORIZONTAL_RAD,
    elevation_rad: float = 0.0,
) -> float:
    """Return the specific attenuation by rain, one way (ITU-R P.838-3)."""
    if rain_mm_per_h <= 0.0:
        return 0.0
    k, alpha = rain_coefficients(frequency_hz, tilt_rad, elevation_rad)
    return float(k * rain_mm_per_h**alpha)


def rain_height_m(temperature_c: float) -> float:
    """Return how high above the ground rain reaches: 360 m over freezing level.

    ITU-R P.839-4 takes the freezing level from maps; here it follows from the temperature
    at the ground and the standard lapse rate.
    """
    return max(temperature_c, 0.0) / _LAPSE_K_PER_M + 360.0


@dataclass(frozen=True, slots=True, eq=False)
class Air:
    """What weakens a wave of one frequency, one way, over height above the ground.

    Attributes
    ----------
    gas_db_per_m : (H,) at heights 0, ``HEIGHT_STEP_M``, ...; none above the last
    rain_db_per_m : wherever it rains
    rain_top_m : up to where
    """

    gas_db_per_m: Floats
    rain_db_per_m: float
    rain_top_m: float


def air_over(
    environment: Environment, frequency_hz: float, tilt_rad: float = HORIZONTAL_RAD
) -> Air:
    """Return the air of a scenario as a wave meets it.

    Temperature falls by 6.5 K per km up to 11 km, pressure follows, vapour thins out by a
    factor e every 2 km (ITU-R P.835-6, with the scenario's weather at the ground). Rain is
    the same everywhere below ``rain_height_m``, as for a level path.
    """
    height_m = HEIGHT_STEP_M * np.arange(_HEIGHTS)
    ground_k = environment.temperature_c + 273.15
    temperature_k = ground_k - _LAPSE_K_PER_M * np.minimum(height_m, _TROPOPAUSE_M)
    above_m = np.maximum(height_m - _TROPOPAUSE_M, 0.0)
    pressure_hpa = (
        environment.pressure_hpa
        * (temperature_k / ground_k) ** _BAROMETRIC_EXPONENT
        * np.exp(-_DRY_AIR_K_PER_M * above_m / temperature_k)
    )
    vapour = vapour_density_g_per_m3(
        environment.temperature_c, environment.humidity_pct, environment.pressure_hpa
    ) * np.exp(-height_m / _VAPOUR_SCALE_HEIGHT_M)
    wet_hpa = vapour * temperature_k / 216.7
    oxygen, water = gas_attenuation_db_per_km(
        frequency_hz, pressure_hpa - wet_hpa, temperature_k, vapour
    )
    rain = rain_attenuation_db_per_km(environment.rain_mm_per_h, frequency_hz, tilt_rad)
    return Air((oxygen + water) / 1e3, rain / 1e3, rain_height_m(environment.temperature_c))
