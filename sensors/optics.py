"""What an image shows: cycles on a target, contrast through the air, and what is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from sim.core.tables import Floats
    from sim.world.environment import Environment

#: Cycles across a target by which half of all observers do the task (Johnson, Analysis of image
#: forming systems, Image Intensifier Symposium, 1958).
N50 = {"detect": 1.0, "orient": 1.4, "recognise": 4.0, "identify": 6.4}

#: −ln 0.02: visibility is the range at which contrast falls to two hundredths
#: (Koschmieder, Theorie der horizontalen Sichtweite, 1924).
KOSCHMIEDER = 3.912
_KM = 1e3


def task_probability(cycles: ArrayLike, n50: float) -> Floats:
    """Return the probability of doing a task with so many cycles on the target.

    P = r^E / (1 + r^E), E = 2.7 + 0.7 r, r = N / N50: the target transfer probability function
    of Ratches et al., Night Vision Laboratory static performance model, 1975.
    """
    ratio = np.asarray(cycles, float) / n50
    exponent = 2.7 + 0.7 * ratio
    with np.errstate(over="ignore"):  # a target as large as the screen
        weight = ratio**exponent
    probability: Floats = 1.0 - 1.0 / (1.0 + weight)
    return probability


def cycles_on_target(size_m: ArrayLike, range_m: ArrayLike, ifov_rad: float) -> Floats:
    """Return how many cycles, of two pixels each, a target spans.

    Parameters
    ----------
    size_m : critical dimension of the target
    range_m : distance
    ifov_rad : what one pixel sees, its pitch over the focal length
    """
    cycles: Floats = np.asarray(size_m, float) / (2.0 * ifov_rad * np.asarray(range_m, float))
    return cycles


def resolved_share(contrast: ArrayLike, threshold: float, full: float) -> Floats:
    """Return what share of the cycles an image resolves at a contrast.

    The least contrast that shows a pattern grows exponentially with its frequency, from
    ``threshold`` at none to ``full`` at that of the pixels: the usual fit to curves of
    minimum resolvable contrast or temperature (Holst, Electro-Optical Imaging System
    Performance).
    """
    with np.errstate(divide="ignore"):
        above = np.log(np.asarray(contrast, float) / threshold) / np.log(full / threshold)
    share: Floats = np.clip(above, 0.0, 1.0)
    return share


def visible_transmission(range_m: ArrayLike, visibility_km: float) -> Floats:
    """Return the share of contrast that arrives: exp(−3.912 R / V), Koschmieder."""
    share: Floats = np.exp(-KOSCHMIEDER * np.asarray(range_m, float) / (_KM * visibility_km))
    return share


def absolute_humidity_gpm3(temperature_c: float, humidity_pct: float) -> float:
    """Return the water vapour in air (g/m³).

    Saturation pressure by Magnus' formula with the coefficients of the WMO guide to
    instruments (WMO-No. 8): 6.112 exp(17.62 t / (243.12 + t)) hPa.
    """
    saturated_hpa = 6.112 * np.exp(17.62 * temperature_c / (243.12 + temperature_c))
    return float(216.7 * humidity_pct / 100.0 * saturated_hpa / (temperature_c + 273.15))


def haze_extinction_per_km(visibility_km: float, wavelength_um: float) -> float:
    """Return the extinction by haze at a wavelength.

    3.912 / V · (λ / 0.55 µm)^−q with q = 1.6 above 50 km, 1.3 above 6 km and 0.585 V^⅓ below
    (Kruse, McGlauchlin and McQuistan, Elements of Infrared Technology, 1962).
    """
    if visibility_km > 50.0:
        q = 1.6
    elif visibility_km > 6.0:
        q = 1.3
    else:
        q = 0.585 * visibility_km ** (1.0 / 3.0)
    return float(KOSCHMIEDER / visibility_km * (wavelength_um / 0.55) ** -q)


def rain_extinction_per_km(rain_mm_per_h: float) -> float:
    """Return the extinction by rain, 1.076 R^0.67 dB/km (Carbonneau; in ITU-R P.1814)."""
    return float(1.076 * rain_mm_per_h**0.67 * np.log(10.0) / 10.0)


def infrared_transmission(
    range_m: ArrayLike, environment: Environment, vapour_extinction: float, wavelength_um: float
) -> Floats:
    """Return the share of a temperature difference that arrives.

    Parameters
    ----------
    range_m : distance
    environment : its humidity, temperature, rain and visibility count
    vapour_extinction : by water vapour, per km and g/m³
    wavelength_um : middle of the band
    """
    vapour = absolute_humidity_gpm3(environment.temperature_c, environment.humidity_pct)
    per_km = vapour_extinction * vapour + rain_extinction_per_km(environment.rain_mm_per_h)
    per_km += haze_extinction_per_km(environment.visibility_km, wavelength_um)
    share: Floats = np.exp(-per_km * np.asarray(range_m, float) / _KM)
    return share
