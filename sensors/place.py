"""A place above the ground: its axes, its height, the curvature below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.core.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_AXIS_M

if TYPE_CHECKING:
    from sim.core.tables import Floats
    from sim.world.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Place:
    """Where an antenna is, as ``sensors.kernels.locate`` wants it.

    Attributes
    ----------
    origin_enu_m : (3,)
    enu_R_sensor : (3, 3) columns are local east, north, up
    height_m : above ground
    curvature_per_m : (2,) of the ground below it, eastwards and northwards
    """

    origin_enu_m: Floats
    enu_R_sensor: Floats
    height_m: float
    curvature_per_m: Floats

    @classmethod
    def at(cls, position_enu_m: Floats, surroundings: Surroundings) -> Place:
        """Return the place of a position (3,)."""
        position = np.array(position_enu_m, float)
        ground_height_m = float(surroundings.ground_m(position))
        latitude_rad, _, height_m = surroundings.frame.to_geodetic(position)
        return cls(
            position,
            np.ascontiguousarray(surroundings.frame.local_axes(position)),
            float(height_m) - ground_height_m,
            ground_curvature_per_m(float(latitude_rad), ground_height_m),
        )


def ground_curvature_per_m(latitude_rad: float, ground_height_m: float) -> Floats:
    """Return the curvature (2,) of the ground eastwards and northwards, from WGS 84."""
    squeeze = 1.0 - ECCENTRICITY_SQUARED * np.sin(latitude_rad) ** 2
    east_radius_m = SEMI_MAJOR_AXIS_M / np.sqrt(squeeze)
    north_radius_m = east_radius_m * (1.0 - ECCENTRICITY_SQUARED) / squeeze
    return 1.0 / (np.array([east_radius_m, north_radius_m]) + ground_height_m)
