"""How far a sensor sees over a round earth, with the bending of standard air.

Kernels of scalars: import this only where a sensor runs, it brings numba along.
"""

from __future__ import annotations

import math

from sensors.surface import EFFECTIVE_EARTH_FACTOR
from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.jit import kernel


@kernel()
def horizon_distance_m(height_m: float) -> float:
    """Return the ground distance to the radio horizon, d = √(2 k Re h).

    Parameters
    ----------
    height_m
        Height above the ground; below the ground counts as on it.
    """
    return math.sqrt(2.0 * EFFECTIVE_EARTH_FACTOR * MEAN_EARTH_RADIUS_M * max(height_m, 0.0))


@kernel()
def above_horizon(ground_distance_m: float, sensor_height_m: float, target_height_m: float) -> bool:
    """Tell whether the ray between two heights above smooth ground clears the earth.

    It does if the ground distance is at most the sum of both horizon distances.
    """
    reach_m = horizon_distance_m(sensor_height_m) + horizon_distance_m(target_height_m)
    return ground_distance_m <= reach_m
