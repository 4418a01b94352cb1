"""Kernels of what becomes of a wave on its way: air, and lobes over smooth ground and relief."""

from __future__ import annotations

import math

import numpy as np

from sensors.multipath import bounce_distance_m, propagation_factor, two_waves
from sensors.paths import path_attenuation_db
from sensors.surface import EFFECTIVE_EARTH_RADIUS_M
from sensors.way import Way
from sim.core.jit import kernel
from sim.core.tables import Floats

_CURVATURE_PER_M = 1.0 / EFFECTIVE_EARTH_RADIUS_M
#: Weaker than this, the bounced wave is left out.
_FAINT = 1e-3
#: The search for the place of the bounce: steps, and the share of its distance that it may miss.
_STEPS, _CLOSE = 12, 0.02


@kernel(leaf=True)
def facet(way: Way, part: int, ray: int, distance_m: float) -> float:
    """Return the value of one of the five tables of ``way.facets``, between its columns."""
    columns = way.facets.shape[2]
    place = math.sqrt(distance_m / way.facets_reach_m) * (columns - 1)
    low = min(max(int(place), 0), columns - 2)
    share = min(place - low, 1.0)
    value: float = (1.0 - share) * way.facets[part, ray, low] + share * way.facets[
        part, ray, low + 1
    ]
    return value


@kernel(leaf=True)
def overlooked(
    way: Way, ray: int, near_m: float, bounce_m: float, distance_m: float, height_m: float
) -> bool:
    """Tell whether no ground stands between where the wave bounces and the target.

    Of the ground that mirrors itself, up to one and a half times the distance of the bounce,
    the roughness tells.

    Parameters
    ----------
    ray : of the facets
    near_m, bounce_m : distance and height of the bounce
    distance_m, height_m : of the target
    """
    columns = way.facets.shape[2]
    scale = (columns - 1) / math.sqrt(way.facets_reach_m)
    column = int(math.sqrt(1.5 * near_m) * scale) + 1
    while column < columns:
        along_m = (column / scale) ** 2
        if along_m >= distance_m:
            break
        share = (along_m - near_m) / (distance_m - near_m)
        sag_m = 0.5 * _CURVATURE_PER_M * (along_m - near_m) * (distance_m - along_m)
        if way.facets[4, ray, column] > bounce_m + share * (height_m - bounce_m) - sag_m:
            return False
        column += 1
    return True


@kernel(leaf=True)
def lobes_over_relief(
    way: Way, azimuth: float, distance_m: float, height_m: float, bounce_gain: float
) -> float:
    """Return the power at a target against free space, F² (one way), over relief.

    The wave bounces where, over the plane that fits the ground there, angles are equal
    (Recommendation ITU-R P.530, reflection from inclined areas: heights count from the plane).
    Where no such place is found, in sight of both ends, only the direct wave arrives.

    Parameters
    ----------
    azimuth, distance_m, height_m : of the target, along the ground and above the level
    bounce_gain : as in ``propagation_factor``
    """
    rays = way.facets.shape[1]
    ray = min(int(azimuth / (2.0 * math.pi) * rays), rays - 1)
    base_m = facet(way, 0, ray, 0.0)
    near_m = bounce_distance_m(
        distance_m, max(way.height_m - base_m, 0.1), max(height_m - base_m, 0.1), _CURVATURE_PER_M
    )
    for _ in range(_STEPS):
        if near_m <= 0.0 or near_m >= min(distance_m, way.facets_reach_m):
            return 1.0
        plane_m, slope = facet(way, 0, ray, near_m), facet(way, 1, ray, near_m)
        own_m = way.height_m - (plane_m - slope * near_m)
        other_m = height_m - (plane_m + slope * (distance_m - near_m))
        if own_m <= 0.0 or other_m <= 0.0:
            return 1.0
        found_m = bounce_distance_m(distance_m, own_m, other_m, _CURVATURE_PER_M)
        if abs(found_m - near_m) <= _CLOSE * near_m:
            lit = facet(way, 3, ray, near_m)
            if lit <= 0.0 or not overlooked(way, ray, near_m, plane_m, distance_m, height_m):
                return 1.0
            deviation_m = facet(way, 2, ray, near_m)
            return two_waves(
                distance_m,
                found_m,
                own_m,
                other_m,
                way.wavelength_m,
                way.permittivity,
                way.vertical,
                math.sqrt(way.roughness_m * way.roughness_m + deviation_m * deviation_m),
                _CURVATURE_PER_M,
                bounce_gain * lit,
            )
        near_m = 0.5 * (near_m + found_m)
    return 1.0


@kernel(leaf=True)
def way_factor(
    way: Way, range_m: float, azimuth: float, elevation: float, bounce_gain: float
) -> float:
    """Return the power that arrives against that in a vacuum, one way.

    Parameters
    ----------
    range_m, azimuth, elevation : of the target from the antenna
    bounce_gain : gain of the antenna towards the bounce against the direct way, in voltage
    """
    north = math.cos(azimuth)
    curvature = way.curvature_per_m
    bend = curvature[0] + (curvature[1] - curvature[0]) * north * north
    across_m, up_m = range_m * math.cos(elevation), range_m * math.sin(elevation)
    from_centre_m = 1.0 / bend + way.height_m + up_m
    target_m = math.hypot(across_m, from_centre_m) - 1.0 / bend
    factor = 1.0
    if way.gas_db_per_m.size > 2:
        loss_db = path_attenuation_db(
            range_m, way.height_m, target_m, way.gas_db_per_m, way.rain_db_per_m, way.rain_top_m
        )
        factor = math.pow(10.0, -0.1 * loss_db)
    if not way.bounces:
        return factor
    ground_m = math.atan2(across_m, from_centre_m) / bend
    if way.facets.size > 0:
        if bounce_gain > _FAINT:
            factor *= lobes_over_relief(way, azimuth, ground_m, target_m, bounce_gain)
    elif bounce_gain > _FAINT or ground_m * ground_m > EFFECTIVE_EARTH_RADIUS_M * target_m:
        factor *= propagation_factor(
            ground_m,
            way.height_m,
            max(target_m, 0.1),
            way.wavelength_m,
            way.permittivity,
            way.vertical,
            way.roughness_m,
            _CURVATURE_PER_M,
            bounce_gain,
        )
    return factor


@kernel()
def way_factors(way: Way, polar: Floats, bounce_gain: Floats) -> Floats:
    """Return ``way_factor`` (K,) of polar places (K, 4); 0 where they are NaN."""
    factor = np.zeros(bounce_gain.size)
    for row in range(factor.size):
        if not math.isnan(polar[row, 0]):
            factor[row] = way_factor(
                way, polar[row, 0], polar[row, 1], polar[row, 2], bounce_gain[row]
            )
    return factor
