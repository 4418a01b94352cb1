"""How strongly land, sea and rain send a radar's wave back, and how fast they seem to move.

Reflectivity of a surface is σ⁰, its radar cross section per area; that of rain is η, per
volume. Angles are grazing angles, between beam and surface. Functions take arrays over
range: a radar tabulates them at build.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.surface import EFFECTIVE_CURVATURE_PER_M

if TYPE_CHECKING:
    from sim.core.tables import Floats
    from sim.world.environment import Environment, LandCover

#: γ of σ⁰ = γ sin ψ at 10 GHz, in dB (Barton, Radar Equations for Modern Radar, 2013;
#: Skolnik, Introduction to Radar Systems, 3rd ed., chapter 7).
LAND_GAMMA_DB: dict[LandCover, float] = {
    "metropolitan": 0.0,
    "wooded-hills": -10.0,
    "farmland": -15.0,
    "flat": -20.0,
}

# Gregers-Hansen and Mital, NRL/MR/5310-12-9346 (2012), the coefficients of its appendix B:
# c1 to c5 for horizontal, then for vertical polarisation.
_SEA = (
    (-73.0, 20.781, 7.351, 25.65, 0.0054),
    (-50.796, 25.93, 0.7093, 21.588, 0.00211),
)
_SEA_GHZ = (0.5, 35.0)
_SEA_GRAZING_MAX_DEG = 60.0

KNOT_MPS = 1852.0 / 3600.0
#: Wind in knots, and the standard deviation of the radial speed of land in m/s: woods in a calm,
#: wooded hills in wind (Barton, Radar System Analysis, 1964; reprinted in Skolnik, Radar
#: Handbook, 2nd ed., 1990, table 15.1).
LAND_SPREAD_MPS_BY_KNOTS = ((0.0, 0.017), (10.0, 0.04), (25.0, 0.12), (40.0, 0.32))

_DIELECTRIC = 0.93  # |(ε − 1)/(ε + 2)|² of water
_WIND_SHEAR_PER_S = 4e-3  # Nathanson, Radar Design Principles, 2nd ed., section 6.6
_RAIN_TURBULENCE_MPS = 1.0  # the same


def grazing_angle_rad(
    range_m: ArrayLike, height_m: float, curvature_per_m: float = EFFECTIVE_CURVATURE_PER_M
) -> Floats:
    """Return the grazing angle of the ground at a slant range, 0 beyond the horizon.

    sin ψ = h/R + h²κ/2R − Rκ/2, exact on a sphere of curvature κ; 0 for flat ground.
    """
    slant_m = np.asarray(range_m, float)
    sine = (height_m + 0.5 * curvature_per_m * (height_m**2 - slant_m**2)) / slant_m
    angle: Floats = np.arcsin(np.clip(sine, 0.0, 1.0))
    return angle


def land_reflectivity(grazing_rad: ArrayLike, gamma_db: float, frequency_hz: float) -> Floats:
    """Return σ⁰ of land, γ sin ψ, with 5 dB more per decade of frequency.

    Parameters
    ----------
    gamma_db : at 10 GHz, from ``LAND_GAMMA_DB``
    """
    at_frequency_db = gamma_db + 5.0 * np.log10(frequency_hz / 1e10)
    sigma0: Floats = 10.0 ** (at_frequency_db / 10.0) * np.sin(grazing_rad)
    return sigma0


def sea_reflectivity(
    grazing_rad: ArrayLike, sea_state: int, frequency_hz: float, vertical: bool = False
) -> Floats:
    """Return σ⁰ of the sea, averaged over wind directions: the NRL model.

    Fitted to measurements from 0.1 to 60 degrees, 0.5 to 35 GHz and sea states 0 to 6, within
    2.6 dB on average. Steeper angles and other frequencies take the nearest of these; flatter
    angles continue the formula, whose σ⁰ then falls like the square of the angle.
    """
    c1, c2, c3, c4, c5 = _SEA[vertical]
    ghz = np.clip(frequency_hz / 1e9, *_SEA_GHZ)
    degrees = np.minimum(np.degrees(grazing_rad), _SEA_GRAZING_MAX_DEG)
    sine = np.maximum(np.sin(np.radians(degrees)), 1e-6)
    sigma0_db = (
        c1
        + c2 * np.log10(sine)
        + (27.5 + c3 * degrees) * np.log10(ghz) / (1.0 + 0.95 * degrees)
        + c4 * (1.0 + sea_state) ** (1.0 / (2.0 + 0.085 * degrees + 0.033 * sea_state))
        + c5 * degrees**2
    )
    sigma0: Floats = 10.0 ** (sigma0_db / 10.0)
    return sigma0


def cell_area_m2(
    range_m: ArrayLike, grazing_rad: ArrayLike, beamwidth_rad: float, cell_m: float
) -> Floats:
    """Return the area of ground in one cell: R θ by ΔR / cos ψ, not below the radar."""
    area: Floats = (
        np.asarray(range_m) * beamwidth_rad * cell_m / np.maximum(np.cos(grazing_rad), 0.1)
    )
    return area


def surface_clutter_rcs_m2(
    environment: Environment,
    range_m: ArrayLike,
    height_m: float,
    frequency_hz: float,
    beamwidth_rad: float,
    cell_m: float,
    vertical: bool = False,
) -> Floats:
    """Return the mean radar cross section of the ground in a cell, 0 beyond the horizon.

    Parameters
    ----------
    environment : says land or sea, and what kind
    range_m : slant range of the cell
    height_m : of the antenna above the ground
    beamwidth_rad, cell_m : width in azimuth at half power, and range resolution
    vertical : polarisation, of which the sea's echo depends
    """
    grazing_rad = grazing_angle_rad(range_m, height_m)
    return cell_rcs_m2(
        environment, range_m, grazing_rad, frequency_hz, beamwidth_rad, cell_m, vertical
    )


def cell_rcs_m2(
    environment: Environment,
    range_m: ArrayLike,
    grazing_rad: Floats,
    frequency_hz: float,
    beamwidth_rad: float,
    cell_m: float,
    vertical: bool = False,
) -> Floats:
    """Return the mean radar cross section of the ground in a cell that is met at an angle.

    None where the angle is not above 0; parameters as in ``surface_clutter_rcs_m2``.
    """
    if environment.surface == "sea":
        sigma0 = sea_reflectivity(grazing_rad, environment.sea_state, frequency_hz, vertical)
    else:
        gamma_db = LAND_GAMMA_DB[environment.land_cover]
        sigma0 = land_reflectivity(grazing_rad, gamma_db, frequency_hz)
    area_m2 = cell_area_m2(range_m, grazing_rad, beamwidth_rad, cell_m)
    return np.where(grazing_rad > 0.0, sigma0 * area_m2, 0.0)


def rain_reflectivity_per_m(rain_mm_per_h: float, frequency_hz: float) -> float:
    """Return η of rain in m²/m³: π⁵ |K|² Z / λ⁴ with Z = 200 R^1.6 mm⁶/m³.

    Marshall and Palmer (1948); drops small against the wavelength, so up to some 30 GHz.
    """
    wavelength_m = SPEED_OF_LIGHT_MPS / frequency_hz
    z = 200e-18 * max(rain_mm_per_h, 0.0) ** 1.6
    return float(np.pi**5 * _DIELECTRIC * z / wavelength_m**4)


def rain_clutter_rcs_m2(
    rain_mm_per_h: float,
    range_m: ArrayLike,
    frequency_hz: float,
    beamwidth_rad: float,
    elevation_beamwidth_rad: float,
    cell_m: float,
    filled: ArrayLike = 1.0,
) -> Floats:
    """Return the mean radar cross section of the rain in a cell.

    The cell is an elliptic cylinder, π/4 R² θ φ ΔR.

    Parameters
    ----------
    filled : share of the beam's height in which it rains
    """
    volume_m3 = 0.25 * np.pi * beamwidth_rad * elevation_beamwidth_rad * cell_m
    rcs: Floats = (
        rain_reflectivity_per_m(rain_mm_per_h, frequency_hz)
        * volume_m3
        * np.asarray(range_m, float) ** 2
        * np.asarray(filled)
    )
    return rcs


def land_spread_mps(wind_mps: float) -> float:
    """Return the standard deviation of the radial speed of what the wind moves on land.

    Exact at the published values for woods and wooded hills, and between them a straight line
    of its logarithm over the wind. Above the last it stays: Billingsley (Low-Angle Radar Land
    Clutter, 2002, chapter 6) finds √2/β = 0.33 m/s in a gale, β of 4.3 s/m.
    """
    knots, spread = zip(*LAND_SPREAD_MPS_BY_KNOTS, strict=True)
    return float(np.exp(np.interp(wind_mps / KNOT_MPS, knots, np.log(spread))))


def wind_of_sea_mps(sea_state: float) -> float:
    """Return the wind that raises a sea state s, 3.16 s^0.8 m/s (Horst, Dyer, Tuley, 1978).

    IEE Conference Publication 169, Antennas and Propagation 1978, part 2: the model of the
    Georgia Institute of Technology.
    """
    return 3.16 * math.pow(max(sea_state, 0.1), 0.8)


def sea_spread_mps(wind_mps: float) -> float:
    """Return the standard deviation of the radial speed of the sea's surface.

    0.11 of the wind: the published 0.46 to 1.1 m/s at 8 to 20 knots (Barton 1964, as for
    ``LAND_SPREAD_MPS_BY_KNOTS``).
    """
    return 0.11 * wind_mps


def surface_spread_mps(environment: Environment) -> float:
    """Return the standard deviation of the radial speed of what lies below the beams."""
    if environment.surface == "sea":
        return sea_spread_mps(wind_of_sea_mps(environment.sea_state))
    return land_spread_mps(environment.wind_mps)


def rain_spread_mps(range_m: ArrayLike, elevation_beamwidth_rad: float) -> Floats:
    """Return the standard deviation of the radial speed of rain in a cell.

    Turbulence of 1 m/s, and wind that changes by 4 m/s per km of height across the beam:
    0.3 k R φ, at most 6 m/s (Nathanson, Radar Design Principles, 2nd ed., section 6.6;
    Barton, Modern Radar System Analysis, 1988).
    """
    shear = 0.3 * _WIND_SHEAR_PER_S * elevation_beamwidth_rad * np.asarray(range_m, float)
    spread: Floats = np.hypot(_RAIN_TURBULENCE_MPS, np.minimum(shear, 6.0))
    return spread


def wind_radial_mps(environment: Environment, azimuth_rad: ArrayLike) -> Floats:
    """Return how fast the wind carries rain away from the radar."""
    from_rad = np.radians(environment.wind_from_deg)
    radial: Floats = -environment.wind_mps * np.cos(np.asarray(azimuth_rad) - from_rad)
    return radial
