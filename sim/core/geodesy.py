"""WGS 84: latitude, longitude and height to earth-centred (ECEF) coordinates and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Floats

SEMI_MAJOR_AXIS_M = 6_378_137.0
FLATTENING = 1 / 298.257223563
SEMI_MINOR_AXIS_M = SEMI_MAJOR_AXIS_M * (1 - FLATTENING)
#: Of the sphere that stands for the ellipsoid where metres do not matter.
MEAN_EARTH_RADIUS_M = 6_371_000.0
ECCENTRICITY_SQUARED = FLATTENING * (2 - FLATTENING)
_SECOND_ECCENTRICITY_SQUARED = ECCENTRICITY_SQUARED / (1 - ECCENTRICITY_SQUARED)

# Bowring's step gains four digits or more each time, from -500 m to far beyond 2000 km.
_BOWRING_STEPS = 3


def up_ecef(latitude_rad: ArrayLike, longitude_rad: ArrayLike) -> Floats:
    """Return the ellipsoid's outward normal (n-vector), shape (..., 3), in ECEF axes."""
    latitude, longitude = np.broadcast_arrays(latitude_rad, longitude_rad)
    cos_latitude = np.cos(latitude)
    return np.stack(
        [cos_latitude * np.cos(longitude), cos_latitude * np.sin(longitude), np.sin(latitude)], -1
    )


def ecef_R_local(latitude_rad: ArrayLike, longitude_rad: ArrayLike) -> Floats:
    """Return the rotation whose columns are local east, north and up, shape (..., 3, 3)."""
    latitude, longitude = np.broadcast_arrays(latitude_rad, longitude_rad)
    sin_longitude, cos_longitude = np.sin(longitude), np.cos(longitude)
    east = np.stack([-sin_longitude, cos_longitude, np.zeros_like(sin_longitude)], -1)
    up = up_ecef(latitude, longitude)
    return np.stack([east, np.cross(up, east), up], -1)


def ecef_from_up(up: Floats, height_m: ArrayLike) -> Floats:
    """Return ECEF positions (..., 3) from ellipsoid normals and ellipsoidal heights (m)."""
    prime_vertical_m = SEMI_MAJOR_AXIS_M / np.sqrt(1 - ECCENTRICITY_SQUARED * up[..., 2] ** 2)
    position: Floats = (prime_vertical_m + np.asarray(height_m))[..., None] * up
    position[..., 2] -= ECCENTRICITY_SQUARED * prime_vertical_m * up[..., 2]
    return position


def ecef_from_geodetic(
    latitude_rad: ArrayLike, longitude_rad: ArrayLike, height_m: ArrayLike
) -> Floats:
    """Return ECEF positions (m), shape (..., 3)."""
    latitude, longitude, height = np.broadcast_arrays(latitude_rad, longitude_rad, height_m)
    return ecef_from_up(up_ecef(latitude, longitude), height)


def geodetic_from_ecef(position_ecef_m: Floats) -> tuple[Floats, Floats, Floats]:
    """Return latitude (rad), longitude (rad) and ellipsoidal height (m) of ECEF positions.

    Bowring (1976), iterated on the parametric latitude; poles included.

    Parameters
    ----------
    position_ecef_m
        (..., 3); farther than 50 km from the earth's centre.
    """
    x, y, z = np.moveaxis(np.asarray(position_ecef_m, float), -1, 0)
    axis_distance_m = np.hypot(x, y)
    parametric = np.arctan2(z, axis_distance_m * (1 - FLATTENING))
    for _ in range(_BOWRING_STEPS):
        sin_latitude = (
            z + _SECOND_ECCENTRICITY_SQUARED * SEMI_MINOR_AXIS_M * np.sin(parametric) ** 3
        )
        cos_latitude = (
            axis_distance_m - ECCENTRICITY_SQUARED * SEMI_MAJOR_AXIS_M * np.cos(parametric) ** 3
        )
        parametric = np.arctan2((1 - FLATTENING) * sin_latitude, cos_latitude)
    latitude = np.arctan2(sin_latitude, cos_latitude)
    sine, cosine = np.sin(latitude), np.cos(latitude)
    height_m = (
        axis_distance_m * cosine
        + z * sine
        - SEMI_MAJOR_AXIS_M * np.sqrt(1 - ECCENTRICITY_SQUARED * sine**2)
    )
    return latitude, np.arctan2(y, x), height_m


def mean_radius_m(latitude_rad: float) -> float:
    """Return the Gaussian radius of curvature √(M N) of the ellipsoid at a latitude (m)."""
    sine = np.sin(latitude_rad)
    return float(SEMI_MINOR_AXIS_M / (1 - ECCENTRICITY_SQUARED * sine * sine))
