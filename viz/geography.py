"""Latitude, longitude and height of what is drawn, exact on WGS 84.

The map is the scenario's own east-north plane, tangent to the ellipsoid at the
origin. Everything here converts through ECEF, so labels stay true far from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Floats

#: WGS 84 (NIMA TR8350.2): semi-major axis, flattening.
SEMI_MAJOR_M = 6378137.0
FLATTENING = 1.0 / 298.257223563
ECCENTRICITY_SQUARED = FLATTENING * (2.0 - FLATTENING)


def ecef_from_geodetic(
    latitude_rad: ArrayLike, longitude_rad: ArrayLike, height_m: ArrayLike
) -> Floats:
    """Return ECEF (..., 3) in metres."""
    latitude, longitude, height = np.broadcast_arrays(latitude_rad, longitude_rad, height_m)
    prime_m = SEMI_MAJOR_M / np.sqrt(1.0 - ECCENTRICITY_SQUARED * np.sin(latitude) ** 2)
    across = (prime_m + height) * np.cos(latitude)
    return np.stack(
        [
            across * np.cos(longitude),
            across * np.sin(longitude),
            (prime_m * (1.0 - ECCENTRICITY_SQUARED) + height) * np.sin(latitude),
        ],
        axis=-1,
    )


def geodetic_from_ecef(position_ecef_m: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Return latitude (rad), longitude (rad), height (m); Bowring's method, iterated twice.

    B. R. Bowring, "Transformation from spatial to geographical coordinates",
    Survey Review 23 (1976); below a millimetre wherever anything flies.
    """
    x, y, z = np.moveaxis(np.asarray(position_ecef_m, dtype=np.float64), -1, 0)
    axis_ratio = 1.0 - FLATTENING
    semi_minor_m = SEMI_MAJOR_M * axis_ratio
    second = ECCENTRICITY_SQUARED / (1.0 - ECCENTRICITY_SQUARED)
    across = np.hypot(x, y)
    reduced = np.arctan2(z, across * axis_ratio)
    latitude = reduced
    for _ in range(2):
        latitude = np.arctan2(
            z + second * semi_minor_m * np.sin(reduced) ** 3,
            across - ECCENTRICITY_SQUARED * SEMI_MAJOR_M * np.cos(reduced) ** 3,
        )
        reduced = np.arctan2(axis_ratio * np.sin(latitude), np.cos(latitude))
    sine = np.sin(latitude)
    root = np.sqrt(1.0 - ECCENTRICITY_SQUARED * sine**2)
    height = across * np.cos(latitude) + z * sine - SEMI_MAJOR_M * root
    return latitude, np.arctan2(y, x), height


def ecef_R_local(latitude_rad: ArrayLike, longitude_rad: ArrayLike) -> Floats:
    """Return (..., 3, 3) whose columns are local east, north and up in ECEF."""
    latitude, longitude = np.broadcast_arrays(latitude_rad, longitude_rad)
    sin_lat, cos_lat = np.sin(latitude), np.cos(latitude)
    sin_lon, cos_lon = np.sin(longitude), np.cos(longitude)
    east = np.stack([-sin_lon, cos_lon, np.zeros_like(sin_lon)], axis=-1)
    north = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], axis=-1)
    up = np.stack([cos_lat * cos_lon, cos_lat * sin_lon, sin_lat], axis=-1)
    return np.stack([east, north, up], axis=-1)


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
        squared = np.minimum(np.sum(plane**2, axis=-1), (0.9 * SEMI_MAJOR_M) ** 2)
        drop = np.sqrt(SEMI_MAJOR_M**2 - squared) - SEMI_MAJOR_M
        latitude, longitude, _ = self.to_geodetic(np.concatenate([plane, drop[..., None]], axis=-1))
        return latitude, longitude


def degrees_minutes(angle_deg: float, positive: str, negative: str) -> str:
    """Return an angle as operators write it: ``50°14.58'N``."""
    hundredths = round(abs(angle_deg) * 6000)
    degrees, rest = divmod(hundredths, 6000)
    letter = positive if angle_deg >= 0 else negative
    return f"{degrees}°{rest / 100:05.2f}'{letter}"
