"""Where a sensor stands, and what it could see or hear from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from sensors.radar import ground_curvature_per_m
from sim.core.tables import Visibility

if TYPE_CHECKING:
    from sim.core.tables import Bools, Bytes, Floats
    from sim.world.surroundings import Surroundings

_NO_BLIND_RANGES = np.empty((0, 2))


@dataclass(frozen=True, slots=True, eq=False)
class Stand:
    """A place with its local axes and the ground about it.

    Attributes
    ----------
    origin_enu_m : (3,) in the scenario's frame
    enu_R_sensor : (3, 3) columns are its local east, north, up in the scenario's frame
    height_m : above ground
    curvature_per_m : (2,) of the ground below, eastwards and northwards
    """

    origin_enu_m: Floats
    enu_R_sensor: Floats
    height_m: float
    curvature_per_m: Floats

    @classmethod
    def at(cls, position_enu_m: Floats, surroundings: Surroundings) -> Self:
        """Return a place in the scenario's frame."""
        frame, position = surroundings.frame, np.array(position_enu_m, float)
        ground_m = float(surroundings.ground_m(position))
        latitude_rad, _, height_m = frame.to_geodetic(position)
        return cls(
            position,
            np.ascontiguousarray(frame.local_axes(position)),
            float(height_m) - ground_m,
            ground_curvature_per_m(float(latitude_rad), ground_m),
        )

    def locate(
        self,
        position_enu_m: Floats,
        velocity_enu_mps: Floats,
        range_limits_m: Floats,
        sector_rad: Floats,
        elevation_rad: Floats,
    ) -> tuple[Floats, Bytes]:
        """Return polar places (K, 4) and ``Visibility`` (K,) by geometry and relief alone."""
        from sensors.kernels import locate  # numba: only where it runs

        polar, code = np.empty((len(position_enu_m), 4)), np.empty(len(position_enu_m), np.uint8)
        locate(
            position_enu_m,
            velocity_enu_mps,
            self.origin_enu_m,
            self.enu_R_sensor,
            self.height_m,
            self.curvature_per_m,
            range_limits_m,
            _NO_BLIND_RANGES,
            sector_rad,
            elevation_rad,
            polar,
            code,
        )
        code[(code > Visibility.MASKED) & ~self._clear(position_enu_m)] = Visibility.MASKED
        return polar, code

    def target_height_m(self, polar: Floats) -> Floats:
        """Return heights above the ground's level at the sensor (K,) of polar places (K, 4)."""
        ground_m, up_m = polar[:, 0] * np.cos(polar[:, 2]), polar[:, 0] * np.sin(polar[:, 2])
        bend_per_m = float(self.curvature_per_m.mean())
        height: Floats = self.height_m + up_m + 0.5 * bend_per_m * ground_m**2
        return height

    def _clear(self, position_enu_m: Floats) -> Bools:
        """Tell (K,) to which places no relief bars the way: here all of them."""
        return np.ones(len(position_enu_m), np.bool_)
