"""Ballistic arcs: Kepler's orbits between two points.

The earth is a point mass and does not rotate; drag and the boost phase are left out.
Formulas: Bate, Mueller and White, Fundamentals of Astrodynamics (1971), chapters 4 and 5
(Gauss' problem, p iteration).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sim.core.tables import Floats

#: Gravitational parameter of the earth (m³/s², WGS 84).
EARTH_MU = 3.986004418e14

_BISECTIONS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Arc:
    """An ellipse around the earth's centre, from launch to impact.

    Attributes
    ----------
    semi_major_axis_m, eccentricity : the ellipse
    perigee, along : (3,) unit vectors in the orbit's plane, towards perigee and 90° on
    launch_anomaly_rad : mean anomaly at launch
    duration_s : from launch to impact
    """

    semi_major_axis_m: float
    eccentricity: float
    perigee: Floats
    along: Floats
    launch_anomaly_rad: float
    duration_s: float

    @property
    def apogee_radius_m(self) -> float:
        """Greatest distance from the earth's centre on the whole ellipse (m)."""
        return self.semi_major_axis_m * (1 + self.eccentricity)

    def at(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Return ECEF positions (m) and velocities (m/s), (K, 3), at times after launch."""
        a, e = self.semi_major_axis_m, self.eccentricity
        rate = np.sqrt(EARTH_MU / a**3)
        mean = self.launch_anomaly_rad + rate * np.asarray(time_s, float)
        anomaly = mean + e * np.sin(mean)
        for _ in range(20):
            step = (anomaly - e * np.sin(anomaly) - mean) / (1 - e * np.cos(anomaly))
            anomaly = anomaly - step
            if np.all(np.abs(step) < 1e-14):
                break
        cosine, sine = np.cos(anomaly), np.sin(anomaly)
        flat = np.sqrt(1 - e * e)
        anomaly_rate = rate / (1 - e * cosine)
        position = a * ((cosine - e)[:, None] * self.perigee + (flat * sine)[:, None] * self.along)
        velocity = a * (
            (-sine * anomaly_rate)[:, None] * self.perigee
            + (flat * cosine * anomaly_rate)[:, None] * self.along
        )
        return position, velocity


def arc_between(
    launch_ecef_m: Floats,
    impact_ecef_m: Floats,
    *,
    apogee_m: float | None = None,
    flight_time_s: float | None = None,
) -> Arc:
    """Return the arc from launch to impact.

    Parameters
    ----------
    launch_ecef_m, impact_ecef_m
        (3,) positions, taken as inertial.
    apogee_m
        Greatest height above a sphere through the launch point.
    flight_time_s
        Instead of the apogee. Without both, the arc of least launch speed.

    Raises
    ------
    ValueError
        If there is no such ellipse.
    """
    r1, r2 = float(np.linalg.norm(launch_ecef_m)), float(np.linalg.norm(impact_ecef_m))
    cosine = float(launch_ecef_m @ impact_ecef_m) / (r1 * r2)
    chord = float(np.linalg.norm(impact_ecef_m - launch_ecef_m))
    if chord < 1000.0 or cosine < -0.99999:
        raise ValueError("launch and impact must lie at least 1 km apart and not be antipodal")
    one_minus = 0.5 * (chord**2 - (r1 - r2) ** 2) / (r1 * r2)
    product = r1 * r2 * one_minus
    if product < 1.0:
        raise ValueError("launch and impact must not lie above each other")
    root = np.sqrt(2 * r1 * r2 * (1 + cosine))
    lowest, highest = product / (r1 + r2 + root), product / (r1 + r2 - root)

    def arc(parameter_m: float) -> Arc:
        return _arc(launch_ecef_m, impact_ecef_m, parameter_m, one_minus)

    if flight_time_s is not None:
        parameter_m = _falling_root(
            lambda p: arc(p).duration_s - flight_time_s,
            (lowest, highest),
            f"flight time {flight_time_s:g} s",
        )
    elif apogee_m is not None:
        if r1 + apogee_m <= max(r1, r2):
            raise ValueError("the apogee must lie above launch and impact")
        parameter_m = _falling_root(
            lambda p: _highest(arc(p), r1, r2) - r1 - apogee_m,
            (lowest, highest),
            f"apogee {apogee_m / 1000:g} km",
        )
    else:
        parameter_m = product / chord  # least energy
    return arc(parameter_m)


def _arc(launch: Floats, impact: Floats, parameter_m: float, one_minus: float) -> Arc:
    """Return the orbit of a given semi-latus rectum through both points, the short way."""
    r1, r2 = np.linalg.norm(launch), np.linalg.norm(impact)
    sine = np.linalg.norm(np.cross(launch, impact)) / (r1 * r2)
    f = 1 - r2 * one_minus / parameter_m
    g = r1 * r2 * sine / np.sqrt(EARTH_MU * parameter_m)
    velocity = (impact - f * launch) / g
    a = 1 / (2 / r1 - velocity @ velocity / EARTH_MU)
    normal = np.cross(launch, velocity)
    eccentricity_vector = np.cross(velocity, normal) / EARTH_MU - launch / r1
    e = float(np.linalg.norm(eccentricity_vector))
    perigee = eccentricity_vector / e
    along = np.cross(normal / np.linalg.norm(normal), perigee)

    def mean_anomaly(position: Floats) -> float:
        anomaly = np.arctan2(
            position @ along / (a * np.sqrt(1 - e * e)), position @ perigee / a + e
        )
        return float(anomaly - e * np.sin(anomaly))

    start = mean_anomaly(launch)
    rate = np.sqrt(EARTH_MU / a**3)
    duration_s = float(np.mod(mean_anomaly(impact) - start, 2 * np.pi) / rate)
    return Arc(float(a), e, perigee, along, start, duration_s)


def _highest(arc: Arc, r1: float, r2: float) -> float:
    """Return the greatest distance from the earth's centre between launch and impact."""
    launch = np.mod(arc.launch_anomaly_rad, 2 * np.pi)
    rate = np.sqrt(EARTH_MU / arc.semi_major_axis_m**3)
    if launch <= np.pi <= launch + rate * arc.duration_s:
        return arc.apogee_radius_m
    return max(r1, r2)


def _falling_root(
    excess: Callable[[float], float], limits: tuple[float, float], what: str
) -> float:
    """Return the root of a falling function between two parabolas, by bisection."""
    margin = 1e-6 * (limits[1] - limits[0])
    low, high = limits[0] + margin, limits[1] - margin
    if excess(low) < 0 or excess(high) > 0:
        raise ValueError(f"no ballistic arc from launch to impact has {what}")
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        if excess(middle) > 0:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)
