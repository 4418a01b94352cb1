"""A path that grows: lines of constant curvature, stops, and turns between them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from sim.core.geodesy import MEAN_EARTH_RADIUS_M as EARTH_M
from sim.core.tables import Floats
from sim.world.corners import ALIGNED_RAD, Corner, Limits
from sim.world.groundpath import (
    Pose,
    angle_between,
    central_angle,
    direction_of,
    pose_towards,
    turn_into,
)
from sim.world.profile import Stop

SAME_PLACE_RAD = 1e-8  # 6 cm


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A line of constant curvature from a pose on, and how far the path had turned before."""

    pose: Pose
    curvature: float
    length_rad: float
    turned_rad: float
    speed_max_mps: float


class GrowingPath:
    """Where a path has come to, and the pieces and stops that it is made of so far.

    Attributes
    ----------
    limits : how the target may move
    place, direction, height_m, at_rest : where it is; no direction yet at the beginning
    speed_mps : of what comes next
    pieces, stops : flown; a stop is before the piece of its number
    length_rad, turned_rad, climbed_m : of all pieces; turned, and climbed in stops
    """

    def __init__(self, limits: Limits, place: Floats, height_m: float, speed_mps: float) -> None:
        self.limits = limits
        self.place = place
        self.direction: Floats | None = None
        self.height_m = height_m
        self.speed_mps = speed_mps
        self.at_rest = False
        self.pieces: list[Piece] = []
        self.stops: dict[int, Stop] = {}
        self.length_rad = 0.0
        self.turned_rad = 0.0
        self.climbed_m = 0.0

    def start_rad(self) -> Floats:
        """Return where each piece begins, and where the last one ends."""
        return np.append(0.0, np.cumsum([piece.length_rad for piece in self.pieces]))

    def split_pieces(self, bounds_rad: Floats) -> None:
        """Split the pieces where the slope begins or ends to change."""
        pieces: list[Piece] = []
        stops: dict[int, Stop] = {}
        start_rad = self.start_rad()
        for number, piece in enumerate(self.pieces):
            if number in self.stops:
                stops[len(pieces)] = self.stops[number]
            cuts = bounds_rad - start_rad[number]
            cuts = cuts[(cuts > SAME_PLACE_RAD) & (cuts < piece.length_rad - SAME_PLACE_RAD)]
            edges = [0.0, *np.unique(cuts), piece.length_rad]
            for low, high in pairwise(edges):
                pieces.append(
                    Piece(
                        piece.pose.ahead(low, piece.curvature),
                        piece.curvature,
                        float(high - low),
                        piece.turned_rad + piece.curvature * low,
                        piece.speed_max_mps,
                    )
                )
        if len(self.pieces) in self.stops:
            stops[len(pieces)] = self.stops[len(self.pieces)]
        self.pieces, self.stops = pieces, stops

    @property
    def turn_rate(self) -> float:
        """Return the fastest turn (rad/s)."""
        return self.limits.turn_rate_rad_per_s

    def arc(self, curvature: float, length_rad: float, speed_mps: float) -> None:
        """Fly on along a line of constant curvature."""
        direction = self.direction
        pose = Pose(self.place, direction_of(self.place, 0.0) if direction is None else direction)
        piece = Piece(pose, curvature, length_rad, self.turned_rad, speed_mps)
        self.pieces.append(piece)
        self.move_to(pose.ahead(length_rad, curvature))
        self.length_rad += length_rad
        self.turned_rad += curvature * length_rad
        self.at_rest = False

    def move_to(self, pose: Pose) -> None:
        """Go on from a pose that is at this place, or was flown to."""
        self.place, self.direction = pose.place, pose.direction

    def rest(self, name: str, duration_s: float, climb_m: float = 0.0) -> None:
        """Stay for a time, climbing or sinking if told."""
        if not self.limits.hovers:
            raise ValueError(f"{name}: a target of this class cannot stop in the air")
        node = len(self.pieces)
        if node in self.stops:  # two rests after each other: a piece of no length between
            self.arc(0.0, 0.0, self.speed_mps)
            node += 1
        self.stops[node] = Stop(duration_s, climb_m)
        self.climbed_m += climb_m
        self.height_m += climb_m
        self.at_rest = True

    def turn_on_the_spot(self, pose: Pose) -> None:
        """Stop, if not yet at rest, and look another way."""
        if self.direction is not None:
            turn_rad = turn_into(Pose(self.place, self.direction), pose.direction)
            node = len(self.pieces)
            stop = self.stops.get(node, Stop(0.0))
            duration_s = max(stop.duration_s, abs(turn_rad) / self.turn_rate)
            self.stops[node] = Stop(duration_s, stop.climb_m, turn_rad)
            self.turned_rad += turn_rad
        self.move_to(pose)

    def turn_towards(self, goal: Corner) -> None:
        """From a fixed place, turn until the next one lies ahead."""
        direct, angle = pose_towards(self.place, goal.place)
        if self.direction is None:
            self.move_to(direct)
            return
        pose = Pose(self.place, self.direction)
        turn = turn_into(pose, direct.direction)
        if abs(turn) < ALIGNED_RAD:
            self.move_to(direct)
            return
        if self.at_rest:
            self.turn_on_the_spot(direct)
            return
        side = 1.0 if turn > 0 else -1.0
        speed_mps = self.pieces[-1].speed_max_mps
        radius = self.limits.turn_radius_rad(self.place, speed_mps)
        centre = np.cos(radius) * pose.place + side * np.sin(radius) * pose.left
        to_centre = angle_between(centre, goal.place)
        if to_centre <= 1.02 * radius:
            if self.limits.hovers:
                self.turn_on_the_spot(direct)
                return
            raise ValueError(
                f"{goal.name}: {angle * EARTH_M:.0f} m away and off the course, it lies inside "
                f"the turning circle of radius {radius * EARTH_M:.0f} m"
            )
        seen = central_angle(pose, side, radius, goal.place)
        turned = (seen - np.arccos(np.tan(radius) / np.tan(to_centre))) % (2 * np.pi)
        if turned < 2 * np.pi - ALIGNED_RAD:
            self.arc(side / np.tan(radius), turned * np.sin(radius), speed_mps)
        self.move_to(pose_towards(self.place, goal.place)[0])

    def slope_rates(self, node_rad: Floats, node_m: Floats) -> Floats:
        """Return the highest angular rate along each slope (rad/s)."""
        start_rad = self.start_rad()
        speed_max_mps = np.array([piece.speed_max_mps for piece in self.pieces])
        rates = np.zeros(node_rad.size - 1)
        limit_mps = self.limits.climb_rate_mps
        for k in range(rates.size):
            pieces = (start_rad[1:] > node_rad[k]) & (start_rad[:-1] < node_rad[k + 1])
            slope = abs(node_m[k + 1] - node_m[k]) / (node_rad[k + 1] - node_rad[k]) / EARTH_M
            speed_mps = float(speed_max_mps[pieces].max())
            climb_mps = slope * speed_mps
            if climb_mps > 1.005 * limit_mps and not self.limits.hovers:
                raise ValueError(
                    f"from {node_m[k]:.0f} m to {node_m[k + 1]:.0f} m takes {climb_mps:.1f} m/s "
                    f"of climb or descent at {speed_mps:.0f} m/s, and climb_rate_mps is "
                    f"{limit_mps:g}"
                )
            rates[k] = min(speed_mps, limit_mps / slope if slope > 0 else np.inf) / EARTH_M
        return rates
