"""Relief as a mirror: planes that fit the ground along rays, as a bounce there would meet them.

A wave that bounces at a distance x is reflected by ground some x long (the first Fresnel zone
of a low antenna): the plane is fitted over half to one and a half times x. What is left between
ground and plane is roughness, added to that of the surface; what of it the antenna does not see
does not mirror. ``docs/propagation.md`` holds the formulas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from sensors.profiles import Profiles

if TYPE_CHECKING:
    from sensors.sight import Sight
    from sim.core.tables import Floats
    from sim.world.relief import Floats32

#: Columns over distance; they go by the root.
COLUMNS = 128
_known: WeakKeyDictionary[Sight, Floats32] = WeakKeyDictionary()


def facets_of(sight: Sight) -> Floats32:
    """Return planes (5, A, D) by azimuth and distance of a sight that has a map.

    Height of the plane above the level; its slope, rising outwards; deviation of the ground
    from it; share of it that is in sight; highest ground of the column.
    """
    found = _known.get(sight)
    if found is None:
        profiles = Profiles.of(sight)
        found = _known[sight] = fitted(profiles, sight.map_reach_m)
    return found


def fitted(profiles: Profiles, reach_m: float) -> Floats32:
    """Return ``facets_of`` profiles whose columns reach so far."""
    distance_m, known = profiles.distance_m, ~np.isnan(profiles.ground_m)
    height_m = np.where(known, profiles.ground_m, 0.0)
    step_m = distance_m[0]
    centre_m = reach_m * (np.arange(COLUMNS) / (COLUMNS - 1.0)) ** 2
    first = np.searchsorted(distance_m, np.minimum(0.5 * centre_m, centre_m - 1.5 * step_m))
    last = np.searchsorted(distance_m, np.maximum(1.5 * centre_m, centre_m + 1.5 * step_m))
    last = np.minimum(np.maximum(last, first + 3), distance_m.size)
    first = np.minimum(first, last - 3)

    def summed(values: Floats) -> Floats:
        total = np.zeros((len(values), distance_m.size + 1))
        np.cumsum(values, axis=1, out=total[:, 1:])
        return total[:, last] - total[:, first]

    count = np.maximum(summed(known.astype(float)), 1.0)
    x, x2 = summed(known * distance_m) / count, summed(known * distance_m**2) / count
    h, h2 = summed(height_m) / count, summed(height_m**2) / count
    xh = summed(height_m * distance_m) / count
    spread = np.maximum(x2 - x * x, 1e-6)
    slope = (xh - x * h) / spread
    rest = np.maximum(h2 - h * h - slope * slope * spread, 0.0)
    lit = summed((profiles.seen & known).astype(float)) / (last - first)
    planes = np.stack([h + slope * (centre_m - x), slope, np.sqrt(rest), lit, np.zeros_like(h)])
    edge = np.searchsorted(distance_m, centre_m)
    highest = np.where(known, profiles.ground_m, -np.inf)
    for column in range(COLUMNS):
        begin = min(edge[column], distance_m.size - 1)
        end = edge[column + 1] if column + 1 < COLUMNS else distance_m.size
        planes[4, :, column] = highest[:, begin : max(end, begin + 1)].max(axis=1)
    return planes.astype(np.float32)
