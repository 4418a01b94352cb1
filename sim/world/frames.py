"""The scenario's east-north-up frame; exact at any distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from numpy.typing import ArrayLike

from sim.core.geodesy import ecef_from_geodetic, ecef_R_local, geodetic_from_ecef
from sim.core.tables import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The scenario's east-north-up frame: a rigid rotation of WGS 84 ECEF.

    Attributes
    ----------
    latitude_rad, longitude_rad, height_m : the origin, height above the ellipsoid
    origin_ecef_m : (3,)
    enu_R_ecef : (3, 3) rotates ECEF axes into the frame
    """

    latitude_rad: float
    longitude_rad: float
    height_m: float
    origin_ecef_m: Floats
    enu_R_ecef: Floats

    @classmethod
    def at(cls, latitude_rad: float, longitude_rad: float, height_m: float) -> Self:
        """Return the frame with its origin at a place on or above the ellipsoid."""
        return cls(
            latitude_rad,
            longitude_rad,
            height_m,
            ecef_from_geodetic(latitude_rad, longitude_rad, height_m),
            ecef_R_local(latitude_rad, longitude_rad).T.copy(),
        )

    def from_ecef(self, position_ecef_m: Floats) -> Floats:
        """Return ENU positions (..., 3) of ECEF positions."""
        position: Floats = (position_ecef_m - self.origin_ecef_m) @ self.enu_R_ecef.T
        return position

    def to_ecef(self, position_enu_m: Floats) -> Floats:
        """Return ECEF positions (..., 3) of ENU positions."""
        position: Floats = position_enu_m @ self.enu_R_ecef + self.origin_ecef_m
        return position

    def from_geodetic(
        self, latitude_rad: ArrayLike, longitude_rad: ArrayLike, height_m: ArrayLike
    ) -> Floats:
        """Return ENU positions (..., 3) of geodetic positions."""
        return self.from_ecef(ecef_from_geodetic(latitude_rad, longitude_rad, height_m))

    def to_geodetic(self, position_enu_m: Floats) -> tuple[Floats, Floats, Floats]:
        """Return latitude (rad), longitude (rad) and ellipsoidal height (m)."""
        return geodetic_from_ecef(self.to_ecef(position_enu_m))

    def height_m_of(self, position_enu_m: Floats) -> Floats:
        """Return heights above the ellipsoid (m), shape (...)."""
        return self.to_geodetic(position_enu_m)[2]

    def local_axes(self, position_enu_m: Floats) -> Floats:
        """Return ``enu_R_local`` (..., 3, 3): columns are local east, north and up."""
        latitude, longitude, _ = self.to_geodetic(position_enu_m)
        axes: Floats = self.enu_R_ecef @ ecef_R_local(latitude, longitude)
        return axes
