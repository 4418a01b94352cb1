"""Latitude, longitude and height of what is drawn, exact on WGS 84.

The map is the scenario's own east-north plane, tangent to the ellipsoid at the
origin. Everything here converts through ECEF, so labels stay true far from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from sim.core.geodesy import (
    SEMI_MAJOR_AXIS_M,
    ecef_from_geodetic,
    ecef_R_local,
    geodetic_from_ecef,
)
from sim.core.tables import Floats


@dataclass(frozen=True)
class Geography:
    """The scenario's frame, as far as a viewer needs it."""

    latitude_rad: float
    longitude_rad: float
    origin_ecef_m: Floats
    ecef_R_enu: Floats

    @classmethod
    def at(cls, latitude_rad: float, longitude_rad: float, height_m: float) -> Self:
        """Return the frame whose origin lies at the given place."""
        return cls(
            latitude_rad,
            longitude_rad,
            ecef_from_geodetic(latitude_rad, longitude_rad, height_m),
            ecef_R_local(latitude_rad, longitude_rad),
        )

    def to_geodetic(self, position_enu_m: ArrayLike) -> tuple[Floats, Floats, Floats]:
        """Return latitude (rad), longitude (rad) and height (m) of positions (..., 3)."""
        enu = np.asarray(position_enu_m, dtype=np.float64)
        return geodetic_from_ecef(self.origin_ecef_m + enu @ self.ecef_R_enu.T)

    def from_geodetic(
        self, latitude_rad: ArrayLike, longitude_rad: ArrayLike, height_m: ArrayLike = 0.0
    ) -> Floats:
        """Return positions (..., 3) in scenario east-north-up."""
        ecef = ecef_from_geodetic(latitude_rad, longitude_rad, height_m)
        enu: Floats = (ecef - self.origin_ecef_m) @ self.ecef_R_enu
        return enu

    def enu_R_local(self, position_enu_m: ArrayLike) -> Floats:
        """Return (..., 3, 3): local east, north, up at positions (..., 3) in scenario ENU."""
        latitude, longitude, _ = self.to_geodetic(position_enu_m)
        rotation: Floats = self.ecef_R_enu.T @ ecef_R_local(latitude, longitude)
        return rotation

    def on_ground(self, east_north_m: ArrayLike) -> tuple[Floats, Floats]:
        """Return latitude and longitude (rad) of map places (..., 2), put on the earth's surface.

        The surface's drop below the tangent plane is that of a sphere: labels only.
        """
        plane = np.asarray(east_north_m, dtype=np.float64)
        squared = np.minimum(np.sum(plane**2, axis=-1), (0.9 * SEMI_MAJOR_AXIS_M) ** 2)
        drop = np.sqrt(SEMI_MAJOR_AXIS_M**2 - squared) - SEMI_MAJOR_AXIS_M
        latitude, longitude, _ = self.to_geodetic(np.concatenate([plane, drop[..., None]], axis=-1))
        return latitude, longitude


def degrees_minutes(angle_deg: float, positive: str, negative: str) -> str:
    """Return an angle as operators write it: ``50°14.58'N``."""
    hundredths = round(abs(angle_deg) * 6000)
    degrees, rest = divmod(hundredths, 6000)
    letter = positive if angle_deg >= 0 else negative
    return f"{degrees}°{rest / 100:05.2f}'{letter}"
