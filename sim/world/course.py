"""Lines over the ground: great circles cut into steps, and places beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.core.geodesy import mean_radius_m
from sim.core.tables import Floats

#: Directions along a line are averaged over this much of it on either side, in depths.
_SMOOTHED = 0.5
#: Cross-sections of a band: so many to a depth of it, and at least so many in all.
_TO_A_DEPTH, _SECTIONS_MIN = 40, 8


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A line in steps of one length, and where inwards is.

    Attributes
    ----------
    latitude_rad, longitude_rad : (C,) middles of the steps
    inward_rad : (C,) from true north
    step_m : their length
    radius_m : of the sphere that all lengths are measured on
    """

    latitude_rad: Floats
    longitude_rad: Floats
    inward_rad: Floats
    step_m: float
    radius_m: float

    def __len__(self) -> int:
        return int(self.latitude_rad.size)

    def inside(self, depth_m: float) -> tuple[Floats, Floats]:
        """Return latitude and longitude (C,) of the places that far inwards of every step."""
        return ahead(
            self.latitude_rad, self.longitude_rad, self.inward_rad,
            np.full(len(self), depth_m), self.radius_m,
        )  # fmt: skip

    def folded_km(self, depth_m: float) -> float | None:
        """Return near which kilometre a band so deep folds over itself; None if nowhere."""
        edges = [(self.latitude_rad, self.longitude_rad), self.inside(depth_m)]
        (north, east), (north_in, east_in) = (
            (np.diff(latitude), np.diff(np.unwrap(longitude)) * np.cos(latitude[1:]))
            for latitude, longitude in edges
        )
        folded = north * north_in + east * east_in <= 0.0
        return 1e-3 * self.step_m * float(np.argmax(folded) + 1) if folded.any() else None

    def beside(self, along_m: Floats, inside_m: Floats) -> tuple[Floats, Floats]:
        """Return latitude and longitude (K,) of places along the line and inside it."""
        step = np.clip((along_m / self.step_m).astype(np.intp), 0, len(self) - 1)
        latitude, longitude = self.latitude_rad[step], self.longitude_rad[step]
        return ahead(latitude, longitude, self.inward_rad[step], inside_m, self.radius_m)

    @property
    def length_m(self) -> float:
        """Of the whole line."""
        return self.step_m * len(self)


def course_of(
    vertices_deg: Sequence[tuple[float, float]],
    threat_from: Literal["left", "right"],
    depth_m: float,
    cell_m: float,
) -> Course:
    """Return the steps of a line of great-circle segments.

    Parameters
    ----------
    vertices_deg : latitude and longitude
    threat_from : on which side of the line, along it, intruders come
    depth_m : of the band; corners are rounded over half of it on either side
    cell_m : length of a step

    Raises
    ------
    ValueError
        If the line is shorter than two steps.
    """
    unit, angle, radius_m = _arcs(vertices_deg)
    ends_m = np.concatenate([[0.0], np.cumsum(angle * radius_m)])
    steps = int(ends_m[-1] // cell_m)
    if steps < 2:
        raise ValueError(f"it is {ends_m[-1]:.0f} m long, shorter than two cells of {cell_m:g} m")
    middle_m = middles(steps) * cell_m
    segment = np.clip(np.searchsorted(ends_m, middle_m, side="right") - 1, 0, angle.size - 1)
    part = (middle_m - ends_m[segment]) / radius_m
    whole = np.maximum(angle[segment], 1e-12)
    place = (
        unit[segment] * (np.sin(whole - part) / np.sin(whole))[:, None]
        + unit[segment + 1] * (np.sin(part) / np.sin(whole))[:, None]
    )
    latitude, longitude = (
        np.arcsin(np.clip(place[:, 2], -1, 1)),
        np.arctan2(place[:, 1], place[:, 0]),
    )
    next_ = unit[segment + 1]
    ahead_lat, ahead_lon = (
        np.arcsin(np.clip(next_[:, 2], -1, 1)),
        np.arctan2(next_[:, 1], next_[:, 0]),
    )
    along_rad = np.arctan2(
        np.sin(ahead_lon - longitude) * np.cos(ahead_lat),
        np.cos(latitude) * np.sin(ahead_lat)
        - np.sin(latitude) * np.cos(ahead_lat) * np.cos(ahead_lon - longitude),
    )
    along_rad = _smooth(along_rad, max(1, round(_SMOOTHED * depth_m / cell_m)))
    turn = 0.5 * np.pi if threat_from == "left" else -0.5 * np.pi
    return Course(latitude, longitude, (along_rad + turn) % (2 * np.pi), cell_m, radius_m)


def length_of(vertices_deg: Sequence[tuple[float, float]]) -> float:
    """Return the length (m) of a line of great-circle segments."""
    _, angle, radius_m = _arcs(vertices_deg)
    return float(angle.sum() * radius_m)


def cross_sections(
    vertices_deg: Sequence[tuple[float, float]],
    threat_from: Literal["left", "right"],
    depth_m: float,
) -> tuple[Floats, Floats]:
    """Return latitude and longitude (rad) of a band's outer and inner edge, (C, 2) each.

    Points with the same number make a cross-section; the first and the last lie at the line's
    ends. Parameters are those of ``course_of``.
    """
    length_m = length_of(vertices_deg)
    steps = max(_SECTIONS_MIN, math.ceil(_TO_A_DEPTH * length_m / depth_m))
    # A whole number of steps, whatever way the division rounds.
    course = course_of(vertices_deg, threat_from, depth_m, length_m / steps * (1.0 - 1e-12))
    outer = np.stack([course.latitude_rad, np.unwrap(course.longitude_rad)], -1)
    half = 0.5 * (outer[1] - outer[0]), 0.5 * (outer[-1] - outer[-2])
    outer = np.concatenate([outer[:1] - half[0], outer, outer[-1:] + half[1]])
    inward = np.concatenate([course.inward_rad[:1], course.inward_rad, course.inward_rad[-1:]])
    way_m = np.full(inward.size, depth_m)
    inner = np.stack(ahead(outer[:, 0], outer[:, 1], inward, way_m, course.radius_m), -1)
    return outer, inner


def middles(count: int) -> Floats:
    """Return the middles of so many steps of length 1."""
    return np.arange(0.5, count, 1.0)


def _arcs(vertices_deg: Sequence[tuple[float, float]]) -> tuple[Floats, Floats, float]:
    """Return unit vectors (K, 3), the angles (K − 1,) between them and the radius of the sphere."""
    unit = _unit(np.radians(np.asarray(vertices_deg, float)))
    # Better than the arc cosine, which small angles lose digits to.
    angle = 2.0 * np.arcsin(np.clip(0.5 * np.linalg.norm(np.diff(unit, axis=0), axis=1), 0, 1))
    radius_m = mean_radius_m(math.radians(float(np.mean([v[0] for v in vertices_deg]))))
    return unit, angle, radius_m


def _unit(place_rad: Floats) -> Floats:
    """Return unit vectors (K, 3) of latitudes and longitudes (K, 2)."""
    latitude, longitude = place_rad[:, 0], place_rad[:, 1]
    return np.stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ],
        -1,
    )


def _smooth(angle_rad: Floats, half: int) -> Floats:
    """Return the mean direction over ``half`` steps on either side, fewer at the ends."""
    out = np.empty_like(angle_rad)
    east = np.concatenate([[0.0], np.cumsum(np.sin(angle_rad))])
    north = np.concatenate([[0.0], np.cumsum(np.cos(angle_rad))])
    step = np.arange(angle_rad.size)
    reach = np.minimum(np.minimum(step, angle_rad.size - 1 - step), half)
    low, high = step - reach, step + reach + 1
    out[:] = np.arctan2(east[high] - east[low], north[high] - north[low])
    return out


def ahead(
    latitude_rad: Floats, longitude_rad: Floats, course_rad: Floats, way_m: Floats, radius_m: float
) -> tuple[Floats, Floats]:
    """Return where great circles of a sphere lead."""
    angle = way_m / radius_m
    latitude = np.arcsin(
        np.sin(latitude_rad) * np.cos(angle)
        + np.cos(latitude_rad) * np.sin(angle) * np.cos(course_rad)
    )
    longitude = longitude_rad + np.arctan2(
        np.sin(course_rad) * np.sin(angle) * np.cos(latitude_rad),
        np.cos(angle) - np.sin(latitude_rad) * np.sin(latitude),
    )
    return latitude, longitude
