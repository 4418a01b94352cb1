"""Where a scenario plays: its frame, its ground, its weather and its clock."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Floats
from sim.world.environment import Environment
from sim.world.frames import Frame
from sim.world.spec import Position


class Ground(Protocol):
    """The height of the ground."""

    def height_m(self, latitude_rad: ArrayLike, longitude_rad: ArrayLike) -> Floats:
        """Return heights above the ellipsoid (m), of the broadcast shape; NaN if unknown."""


@dataclass(frozen=True, slots=True)
class FlatGround:
    """The ellipsoid, lifted."""

    level_m: float

    def height_m(self, latitude_rad: ArrayLike, longitude_rad: ArrayLike) -> Floats:
        """Return the one height that it has."""
        shape = np.broadcast_shapes(np.shape(latitude_rad), np.shape(longitude_rad))
        return np.full(shape, self.level_m)


def height_above_ellipsoid_m(position: Position, ground: Ground) -> float:
    """Return the height of a place that a scenario names.

    Raises
    ------
    ValueError
        If it is told above ground, and the ground there is unknown.
    """
    if position.height_m is not None:
        return position.height_m
    latitude_rad, longitude_rad = (
        math.radians(position.latitude_deg),
        math.radians(position.longitude_deg),
    )
    ground_m = float(ground.height_m(latitude_rad, longitude_rad))
    if math.isnan(ground_m):
        raise ValueError(
            f"the place {position.latitude_deg:g} north, {position.longitude_deg:g} east lies "
            "beyond the terrain"
        )
    return position.height_above_ellipsoid_m(ground_m)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What lies about all sensors and targets, and does not change during a run.

    Attributes
    ----------
    frame : the scenario's east-north-up frame
    ground : height of the ground
    environment : weather, light, ground cover
    start : time zero
    """

    frame: Frame
    ground: Ground
    environment: Environment
    start: datetime

    def ground_m(self, position_enu_m: Floats) -> Floats:
        """Return the height above the ellipsoid of the ground below positions (..., 3)."""
        latitude_rad, longitude_rad, _ = self.frame.to_geodetic(position_enu_m)
        return self.ground.height_m(latitude_rad, longitude_rad)
