"""Tracks over the ground: great circles and turns, joined without corners.

Places are ellipsoid normals (n-vectors) on the unit sphere, so great circles and small
circles are simple and the poles are places like any other. A piece has constant geodesic
curvature (0 on a great circle). With n the place, t the direction and l = n × t the left,
n' = t, t' = κ l - n, l' = -κ t along the unit sphere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_AXIS_M, mean_radius_m
from sim.core.tables import Floats

# Longest stretch of the table of true distance, on the unit sphere and in angle turned.
_STRETCH_RAD = 0.01
_STRETCH_TURN_RAD = 0.2


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """A place and a direction on the unit sphere: (3,) unit vectors, at right angles."""

    place: Floats
    direction: Floats

    @property
    def left(self) -> Floats:
        """(3,) unit vector to the left."""
        left: Floats = np.cross(self.place, self.direction)
        return left

    def ahead(self, angle_rad: float, curvature: float = 0.0) -> Pose:
        """Return the pose farther along a line of constant curvature."""
        place, direction = advance(self.place, self.direction, curvature, np.asarray(angle_rad))
        return Pose(place, direction)


def advance(
    place: Floats, direction: Floats, curvature: Floats | float, angle_rad: Floats
) -> tuple[Floats, Floats]:
    """Return place and direction (..., 3) after an angle along lines of constant curvature."""
    rate = np.sqrt(1 + np.square(curvature))
    turned = rate * angle_rad
    sine, cosine = np.sin(turned), np.cos(turned)
    inward = (np.asarray(curvature)[..., None] * np.cross(place, direction) - place) / rate[
        ..., None
    ]
    there = (
        place
        + direction * (sine / rate)[..., None]
        + inward * (2 * np.sin(turned / 2) ** 2 / rate)[..., None]
    )
    return there, direction * cosine[..., None] + inward * sine[..., None]


def pose_towards(place: Floats, goal: Floats) -> tuple[Pose, float]:
    """Return the pose at a place that looks along the great circle to a goal, and the angle."""
    across = np.cross(place, goal)
    size = float(np.linalg.norm(across))
    direction = np.cross(across / size, place)
    return Pose(place, direction), float(np.arctan2(size, place @ goal))


def earth_radius_m(place: Floats) -> float:
    """Return the ellipsoid's mean radius of curvature at a place (m)."""
    return mean_radius_m(float(np.arcsin(np.clip(place[2], -1, 1))))


def direction_of(place: Floats, course_rad: float) -> Floats:
    """Return the unit vector along a course (clockwise from north)."""
    east = np.array([-place[1], place[0], 0.0])
    size = np.linalg.norm(east)
    east = east / size if size > 0 else np.array([0.0, 1.0, 0.0])
    direction: Floats = np.sin(course_rad) * east + np.cos(course_rad) * np.cross(place, east)
    return direction


def angle_between(a: Floats, b: Floats) -> float:
    """Return the angle between two places (rad)."""
    return float(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b))


def turn_into(pose: Pose, direction: Floats) -> float:
    """Return the angle to turn left into a direction at the same place."""
    return float(np.arctan2(direction @ pose.left, direction @ pose.direction))


def central_angle(pose: Pose, side: float, radius: float, goal: Floats) -> float:
    """Return the direction of a goal, seen from the centre of the turn that begins at a
    pose: angle from there in the sense of the turn (side 1 is left, -1 right)."""
    centre = np.cos(radius) * pose.place + side * np.sin(radius) * pose.left
    # Differences first: a drone's turn is a millionth of the unit sphere.
    outward = np.sin(radius) * pose.place - side * np.cos(radius) * pose.left
    seen = goal - centre
    return float(np.arctan2(seen @ pose.direction, seen @ outward))


@dataclass(frozen=True, slots=True, eq=False)
class GroundPath:
    """A chain of P pieces over the ground, and its true length.

    Attributes
    ----------
    place, direction : (P, 3) start of each piece
    curvature : (P,) geodesic curvature on the unit sphere, positive to the left
    start_rad : (P + 1,) where each piece begins, as angle along the unit sphere
    turned_rad : (P,) how far the direction has turned left until each piece
    table_rad, table_m : (S, 2) begin and end of each stretch, along sphere and ground
    table_metric_m : (S, 2) metres per radian there
    first_stretch : (P + 1,) where each piece's stretches begin
    """

    place: Floats
    direction: Floats
    curvature: Floats
    start_rad: Floats
    turned_rad: Floats
    table_rad: Floats
    table_m: Floats
    table_metric_m: Floats
    first_stretch: np.ndarray[tuple[int], np.dtype[np.intp]]

    @property
    def piece_start_m(self) -> Floats:
        """(P + 1,) where each piece begins, in true distance."""
        return np.append(self.table_m[self.first_stretch[:-1], 0], self.table_m[-1, 1])

    def angle_at(self, distance_m: Floats) -> tuple[Floats, Floats]:
        """Return the angle along the sphere (rad) at true distances, and its slope (rad/m)."""
        stretch = np.searchsorted(self.table_m[:, 0], distance_m, side="right") - 1
        stretch = np.clip(stretch, 0, len(self.table_m) - 1)
        width = self.table_m[stretch, 1] - self.table_m[stretch, 0]
        width = np.where(width > 0, width, 1.0)
        u = np.clip((distance_m - self.table_m[stretch, 0]) / width, 0, 1)
        low, high = self.table_rad[stretch].T
        slope_0, slope_1 = width / self.table_metric_m[stretch].T
        square = 3 * (high - low) - 2 * slope_0 - slope_1
        cube = slope_0 + slope_1 - 2 * (high - low)
        angle = low + u * (slope_0 + u * (square + u * cube))
        slope = (slope_0 + u * (2 * square + 3 * u * cube)) / width
        return angle, slope

    def at(self, angle_rad: Floats) -> tuple[Floats, Floats, Floats]:
        """Return place and direction (K, 3), and angle turned left (K,)."""
        piece = np.searchsorted(self.start_rad[:-1], angle_rad, side="right") - 1
        piece = np.clip(piece, 0, self.curvature.size - 1)
        along = angle_rad - self.start_rad[piece]
        curvature = self.curvature[piece]
        place, direction = advance(self.place[piece], self.direction[piece], curvature, along)
        return place, direction, self.turned_rad[piece] + curvature * along


def measure(
    poses: list[Pose],
    curvature: Floats,
    length_rad: Floats,
    turned_rad: Floats,
    height_m: float,
) -> GroundPath:
    """Return the chain of pieces with its table of true distance.

    Parameters
    ----------
    poses, curvature, length_rad, turned_rad
        P pieces: start, curvature, length on the unit sphere, angle turned before.
    height_m
        Typical height of the path above the ellipsoid, at which distance is measured.
    """
    place = np.array([pose.place for pose in poses])
    direction = np.array([pose.direction for pose in poses])
    start_rad = np.concatenate([[0.0], np.cumsum(length_rad)])
    turn = np.abs(curvature) * length_rad
    counts = np.ceil(np.maximum(length_rad / _STRETCH_RAD, turn / _STRETCH_TURN_RAD))
    counts = np.maximum(counts, 1).astype(np.intp)
    first = np.concatenate([[0], np.cumsum(counts)])
    piece = np.repeat(np.arange(counts.size), counts)
    share = (np.arange(first[-1]) - first[piece])[:, None] + np.array([0.0, 0.5, 1.0])
    along = share * (length_rad / counts)[piece][:, None]
    there, heading = advance(
        place[piece][:, None], direction[piece][:, None], curvature[piece][:, None], along
    )
    metric_m = np.linalg.norm(ground_velocity(there, heading, height_m), axis=-1)
    width_rad = (length_rad / counts)[piece]
    stretch_m = width_rad * (metric_m @ np.array([1, 4, 1])) / 6  # Simpson's rule
    end_m = np.cumsum(stretch_m)
    begin_rad = start_rad[piece] + along[:, 0]
    return GroundPath(
        place,
        direction,
        curvature,
        start_rad,
        turned_rad,
        np.stack([begin_rad, begin_rad + width_rad], -1),
        np.stack([np.concatenate([[0.0], end_m[:-1]]), end_m], -1),
        metric_m[:, ::2],
        first,
    )


def ground_velocity(place: Floats, direction: Floats, height_m: Floats | float) -> Floats:
    """Return the ECEF derivative (m/rad) of a level path at ellipsoidal height (..., 3)."""
    z, slope_z = place[..., 2], direction[..., 2]
    root = np.sqrt(1 - ECCENTRICITY_SQUARED * z * z)
    normal_m = SEMI_MAJOR_AXIS_M / root
    growth_m = normal_m * ECCENTRICITY_SQUARED * z * slope_z / root**2
    velocity: Floats = (normal_m + height_m)[..., None] * direction + growth_m[..., None] * place
    velocity[..., 2] -= ECCENTRICITY_SQUARED * (normal_m * slope_z + growth_m * z)
    return velocity
