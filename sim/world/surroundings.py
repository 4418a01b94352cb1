"""Where a scenario plays: its frame, its ground, its weather and its clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Floats
from sim.world.environment import Environment
from sim.world.frames import Frame


class Ground(Protocol):
    """The height of the ground."""

    def height_m(self, latitude_rad: ArrayLike, longitude_rad: ArrayLike) -> Floats:
        """Return heights above the ellipsoid (m), of the broadcast shape."""


@dataclass(frozen=True, slots=True)
class FlatGround:
    """The ellipsoid, lifted."""

    level_m: float

    def height_m(self, latitude_rad: ArrayLike, longitude_rad: ArrayLike) -> Floats:
        """Return the one height that it has."""
        shape = np.broadcast_shapes(np.shape(latitude_rad), np.shape(longitude_rad))
        return np.full(shape, self.level_m)


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
