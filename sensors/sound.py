"""Sound in the open air: how fast, how weakened, and against what noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from sim.core.tables import Floats

_ZERO_C_K = 273.15
_REFERENCE_K = 293.15
_TRIPLE_POINT_K = 273.16
_REFERENCE_HPA = 1013.25


def speed_of_sound_mps(temperature_c: float) -> float:
    """Return 343.2 √(T / 293.15 K) m/s (ISO 9613-1)."""
    return float(343.2 * np.sqrt((temperature_c + _ZERO_C_K) / _REFERENCE_K))


def absorption_db_per_m(
    frequency_hz: ArrayLike,
    temperature_c: float = 15.0,
    humidity_pct: float = 60.0,
    pressure_hpa: float = _REFERENCE_HPA,
) -> Floats:
    """Return what air takes from a pure tone, by ISO 9613-1:1993, equations 3 to 5.

    Classical absorption and the relaxation of oxygen and nitrogen, whose frequencies depend
    on how much water vapour there is.
    """
    f = np.asarray(frequency_hz, float)
    kelvin, pressure = temperature_c + _ZERO_C_K, pressure_hpa / _REFERENCE_HPA
    warm = kelvin / _REFERENCE_K
    saturation = 10.0 ** (-6.8346 * (_TRIPLE_POINT_K / kelvin) ** 1.261 + 4.6151)
    vapour = humidity_pct * saturation / pressure
    oxygen_hz = pressure * (24.0 + 4.04e4 * vapour * (0.02 + vapour) / (0.391 + vapour))
    nitrogen_hz = (
        pressure
        * warm**-0.5
        * (9.0 + 280.0 * vapour * np.exp(-4.170 * (warm ** (-1.0 / 3.0) - 1.0)))
    )
    relaxing = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen_hz + f**2 / oxygen_hz)
    relaxing = relaxing + 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen_hz + f**2 / nitrogen_hz)
    classical = 1.84e-11 * warm**0.5 / pressure
    absorption: Floats = 8.686 * f**2 * (classical + warm**-2.5 * relaxing)
    return absorption


def a_weighting_db(frequency_hz: ArrayLike) -> Floats:
    """Return the A-weighting of IEC 61672-1, which is 0 dB at 1 kHz."""
    f2 = np.asarray(frequency_hz, float) ** 2
    response = (
        12194.0**2
        * f2**2
        / ((f2 + 20.6**2) * np.sqrt((f2 + 107.7**2) * (f2 + 737.9**2)) * (f2 + 12194.0**2))
    )
    weighting: Floats = 20.0 * np.log10(response) + 2.0
    return weighting


def wind_noise_dba(frequency_hz: ArrayLike, wind_mps: float, windscreen_m: float) -> Floats:
    """Return what wind makes a screened microphone hear in a third of an octave, A-weighted.

    L = 40 log₁₀ V − 23 log₁₀(f D / V) + 15 dB for a screen of diameter D: Strasberg, J. Acoust.
    Soc. Am. 83, 1988, from measurements with 0.1 < f D / V < 5; −∞ in still air.
    """
    f = np.asarray(frequency_hz, float)
    if wind_mps <= 0.0:
        return np.full(f.shape, -np.inf)
    level = 40.0 * np.log10(wind_mps) - 23.0 * np.log10(f * windscreen_m / wind_mps) + 15.0
    noise: Floats = level + a_weighting_db(f)
    return noise
