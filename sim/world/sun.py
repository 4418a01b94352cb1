"""How high the sun stands."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Floats
from sim.world.surroundings import Surroundings

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_DAY_S = 86_400.0
_CENTURY_DAYS = 36_525.0

#: Elevation of the sun (rad) where a scenario says in a word how light it is: high, at the end
#: of civil twilight, and far below the horizon.
SAID = {"day": np.radians(30.0), "twilight": np.radians(-6.0), "night": np.radians(-30.0)}


def sun_place(days: ArrayLike) -> tuple[Floats, Floats]:
    """Return the sun's apparent right ascension and declination (rad).

    Parameters
    ----------
    days
        Since 2000-01-01 12:00.

    Notes
    -----
    Meeus, Astronomical Algorithms, 2nd ed., chapter 25, low accuracy: good to 0.01°.
    """
    T = np.asarray(days, float) / _CENTURY_DAYS
    mean_longitude = 280.46646 + T * (36000.76983 + T * 0.0003032)
    anomaly = np.radians(357.52911 + T * (35999.05029 - T * 0.0001537))
    centre = (1.914602 - T * (0.004817 + T * 0.000014)) * np.sin(anomaly)
    centre += (0.019993 - T * 0.000101) * np.sin(2.0 * anomaly) + 0.000289 * np.sin(3.0 * anomaly)
    node = np.radians(125.04 - 1934.136 * T)
    longitude = np.radians(mean_longitude + centre - 0.00569 - 0.00478 * np.sin(node))
    obliquity = np.radians(23.439291 - 0.0130042 * T + 0.00256 * np.cos(node))
    ascension: Floats = np.arctan2(np.cos(obliquity) * np.sin(longitude), np.cos(longitude))
    declination: Floats = np.arcsin(np.sin(obliquity) * np.sin(longitude))
    return ascension, declination


def sun_elevation_rad(
    start: datetime, time_s: ArrayLike, latitude_rad: float, longitude_rad: float
) -> Floats:
    """Return the elevation of the sun's middle (rad), without refraction.

    Parameters
    ----------
    start
        Time zero, with its zone.
    time_s
        (...) seconds since then.
    latitude_rad, longitude_rad
        Place, north and east.

    Notes
    -----
    Sidereal time from Meeus, equation 12.4. Universal time stands for dynamical time, which
    moves the sun by less than 0.001°.
    """
    days = ((start - _J2000).total_seconds() + np.asarray(time_s, float)) / _DAY_S
    ascension, declination = sun_place(days)
    sidereal = np.radians((280.46061837 + 360.98564736629 * days) % 360.0)
    hour_angle = sidereal + longitude_rad - ascension
    sine = np.sin(latitude_rad) * np.sin(declination)
    sine += np.cos(latitude_rad) * np.cos(declination) * np.cos(hour_angle)
    elevation: Floats = np.arcsin(np.clip(sine, -1.0, 1.0))
    return elevation


def sunlight_rad(surroundings: Surroundings, position_enu_m: Floats, time_s: float) -> float:
    """Return the sun's elevation (rad) at a place (3,) and time, or what the scenario says."""
    said = surroundings.environment.light
    if said != "sun":
        return float(SAID[said])
    latitude_rad, longitude_rad, _ = surroundings.frame.to_geodetic(position_enu_m)
    found = sun_elevation_rad(surroundings.start, time_s, float(latitude_rad), float(longitude_rad))
    return float(found)
