"""The ground around a sensor along rays: how high it is, and what of it the sensor sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.sight_kernels import lowest_along

if TYPE_CHECKING:
    from sensors.sight import Sight
    from sim.core.tables import Bools, Floats

#: Rays of a turn.
RAYS = 720


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """Rays all round, one in the middle of every half degree.

    Attributes
    ----------
    azimuth_rad : (A,) of the rays
    distance_m : (R,) over the ground, evenly spaced
    ground_m : (A, R) above the sight's level; NaN where unknown
    seen : (A, R) whether the ground itself is in sight
    """

    azimuth_rad: Floats
    distance_m: Floats
    ground_m: Floats
    seen: Bools

    @classmethod
    def of(cls, sight: Sight) -> Profiles:
        """Return the profiles of a sight that has a map, cell by cell up to its edge."""
        azimuth_rad = 2.0 * np.pi * (np.arange(RAYS) + 0.5) / RAYS
        cells = sight.obstacles.lowest_m.shape[0] // 2
        distance_m = sight.cell_m * np.arange(1.0, cells + 1.0)
        ground_m, lowest_m = (np.empty((RAYS, cells)) for _ in range(2))
        for table, out_m in ((sight.ground_m, ground_m), (sight.obstacles.lowest_m, lowest_m)):
            lowest_along(table, sight.cell_m, sight.height_m, azimuth_rad, distance_m, out_m)
        with np.errstate(invalid="ignore"):
            seen = ground_m >= lowest_m
        return cls(azimuth_rad, distance_m, ground_m, seen)
