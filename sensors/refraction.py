"""Sound that wind bends: the shadow against the wind, and how much of it gets there.

Beyond the ray that just grazes the ground no sound arrives directly. What creeps along the
ground dies away with distance; what turbulence scatters stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from sim.core.tables import Floats
    from sim.world.environment import Environment

#: Roughness of the ground by what covers it, m: Davenport and Wieringa's classes (WMO-No. 8,
#: part I, chapter 5): closed, closed, roughly open, open. Cities' centres are rougher still.
_ROUGHNESS_M = {"metropolitan": 1.0, "wooded-hills": 1.0, "farmland": 0.1, "flat": 0.03}
_SEA_ROUGHNESS_M = 0.0002
#: Wind is told as at this height.
_ANEMOMETER_M = 10.0
#: First zero of the Airy function, its sign off, times sin 60°: over soft ground.
_CREEPING = 2.338107 * np.sin(np.pi / 3.0)
_DB_PER_NEPER = 20.0 / np.log(10.0)


def roughness_length_m(environment: Environment) -> float:
    """Return the roughness length of what lies below."""
    if environment.surface == "sea":
        return _SEA_ROUGHNESS_M
    return _ROUGHNESS_M[environment.land_cover]


def shadow_reach_m(
    height_m: ArrayLike, headwind_mps: ArrayLike, speed_mps: float, rough_m: float
) -> Floats:
    """Return how far a ray that grazes the ground is from there when it is at a height.

    Sound that travels against a wind u(z) = u₁₀ ln(z/z₀) / ln(10 m/z₀) goes at c − u(z), and by
    Snell's law with the angle θ, cos θ = 1 − u(z)/c. To the first order in u/c
    x = ∫ dz / √(2 u(z)/c) = h √(2c/a) D(√ln(h/z₀)), a = u₁₀ / ln(10 m/z₀), D being Dawson's
    integral. A wind that grows by g per metre would give √(2 c h / g) (Ingard, J. Acoust. Soc.
    Am. 25, 1953).

    Parameters
    ----------
    height_m : above the ground
    headwind_mps : wind at 10 m against the way of the sound; infinitely far if there is none
    speed_mps : of sound
    rough_m : roughness length z₀ of the ground
    """
    from scipy.special import dawsn  # only where it runs

    height = np.maximum(np.asarray(height_m, float), rough_m)
    growth = np.maximum(headwind_mps, 0.0) / np.log(_ANEMOMETER_M / rough_m)
    with np.errstate(divide="ignore"):
        stretch = np.sqrt(2.0 * speed_mps / growth)
    # On the ground itself it is 0, whatever the wind.
    dawson = np.maximum(dawsn(np.sqrt(np.log(height / rough_m))), 1e-12)
    reach: Floats = height * stretch * dawson
    return reach


def creeping_db_per_m(frequency_hz: ArrayLike, radius_m: ArrayLike, speed_mps: float) -> Floats:
    """Return what sound loses that creeps along soft ground below rays of a radius.

    The residue series' first term, 2.338 sin 60° (k / (2 R²))^⅓ Np/m: Pierce, *Acoustics*,
    chapter 9; over hard ground it is 1.019 in place of 2.338.
    """
    wave_number = 2.0 * np.pi * np.asarray(frequency_hz, float) / speed_mps
    radius = np.asarray(radius_m, float)
    loss: Floats = _DB_PER_NEPER * _CREEPING * np.cbrt(0.5 * wave_number / radius**2)
    return loss


def shadow_db(
    across_m: Floats,
    source_m: Floats,
    receiver_m: float,
    headwind_mps: Floats,
    frequency_hz: Floats,
    *,
    speed_mps: float,
    rough_m: float,
    most_db: float,
) -> Floats:
    """Return what the shadow against the wind takes of sounds (K,), at most ``most_db``.

    The shadow begins where the rays that graze the ground from source and receiver meet. Beyond
    that edge the sound creeps; R is the radius of an even bend with the same edge.

    Parameters
    ----------
    across_m : (K,) from source to receiver over the ground
    source_m, receiver_m : heights above the ground
    headwind_mps, frequency_hz : (K,)
    speed_mps, rough_m : as in ``shadow_reach_m``
    most_db : what turbulence scatters into the deepest shadow is so much weaker
    """
    source_m, receiver_m = np.maximum(source_m, rough_m), max(receiver_m, rough_m)
    lost = np.zeros(across_m.size)
    edge_m = shadow_reach_m(source_m, headwind_mps, speed_mps, rough_m)
    edge_m += shadow_reach_m(receiver_m, headwind_mps, speed_mps, rough_m)
    dark = across_m > edge_m
    edge_m = edge_m[dark]
    radius_m = 0.5 * (edge_m / (np.sqrt(source_m[dark]) + np.sqrt(receiver_m))) ** 2
    rate = creeping_db_per_m(frequency_hz[dark], radius_m, speed_mps)
    lost[dark] = np.minimum(rate * (across_m[dark] - edge_m), most_db)
    return lost
