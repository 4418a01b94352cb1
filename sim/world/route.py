"""Routes: waypoints, holds, hovers and circles become a path that can be flown.

- Legs are great circles; their length is measured on the ellipsoid at the path's height.
- A waypoint is turned by on the inside, on an arc that touches both legs, of radius
  speed / turn rate. Where the legs are too short for two neighbouring arcs, both shrink by
  the same factor and the target slows down to keep its turn rate; a target that cannot
  hover slows to half its speed at most, and a turn that needs more is an error. One that
  can hover stops in the corner and turns on the spot instead.
- A hold, hover, circle or the end is reached exactly; after it the target turns until it
  looks at the next waypoint.
- ``speed_mps`` holds from its waypoint on: lower speeds are reached on arrival, higher
  ones are built up afterwards.
- Heights change linearly along the ground with corners rounded to parabolas. A leg too
  steep for the climb rate is an error; a target that can hover slows down for it.
- Where it follows the terrain, a target flies as low as its height above ground, its climb
  rate and its vertical acceleration at its highest speed allow, and never lower.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sim.core.geodesy import MEAN_EARTH_RADIUS_M as EARTH_M
from sim.core.geodesy import up_ecef
from sim.core.tables import Floats
from sim.world.corners import ALIGNED_RAD, Corner, Limits, cut_corners
from sim.world.flight import Flight
from sim.world.following import Mark, follow, followed_legs
from sim.world.groundpath import (
    Pose,
    advance,
    angle_between,
    central_angle,
    direction_of,
    earth_radius_m,
    measure,
    pose_towards,
)
from sim.world.path import SAME_PLACE_RAD, GrowingPath
from sim.world.profile import HeightProfile, Stop, plan_speed
from sim.world.spec import Position
from sim.world.surroundings import Ground, height_above_ellipsoid_m
from sim.world.targets import Circle, Hold, Hover, RouteEntry, Waypoint

_NEARLY_ANTIPODAL_RAD = 3.1


def plan_route(
    route: Sequence[RouteEntry],
    limits: Limits,
    *,
    start_s: float,
    ground: Ground,
    rest_at_end: bool,
) -> Flight:
    """Turn a route into a flight.

    Parameters
    ----------
    route
        Entries, beginning with a waypoint.
    limits
        How the target may move.
    start_s
        When the first waypoint is left.
    ground
        The height of the ground.
    rest_at_end
        Slow down to rest at the end.

    Raises
    ------
    ValueError
        If the route cannot be flown; names the entry.
    """
    first = route[0]
    if not isinstance(first, Waypoint):
        raise ValueError("a route begins with a waypoint")
    if first.height_m is None and first.height_agl_m is None:
        raise ValueError("route entry 1: the first waypoint needs height_m or height_agl_m")
    planner = _Planner(limits, ground, first)
    for number, entry in enumerate(route[1:], start=2):
        planner.add(f"route entry {number} ({entry.kind})", entry)
    return planner.finish(start_s, rest_at_end)


class _Planner(GrowingPath):
    """Grows a path entry by entry; waypoints wait until the next fixed place is known."""

    def __init__(self, limits: Limits, ground: Ground, first: Waypoint) -> None:
        height_m = height_above_ellipsoid_m(first, ground)
        super().__init__(limits, _place(first), height_m, first.speed_mps or limits.speed_mps)
        self.ground = ground
        self.planned_height_m = self.height_m
        self.height_nodes: list[tuple[float, float]] = [(0.0, self.height_m)]
        self.waiting: list[Corner] = []
        self.follow_agl_m = first.height_agl_m if first.follow_terrain else None
        self.marks = [Mark(0.0, self.follow_agl_m, 0.0)]

    # --- entries -------------------------------------------------------------------

    def add(self, name: str, entry: RouteEntry) -> None:
        """Add the next entry of the route."""
        match entry:
            case Waypoint():
                self._add_waypoint(name, entry)
            case Hold():
                self._add_hold(name, entry)
            case Hover():
                self._fly_waiting(ends_at_rest=True)
                self.rest(name, entry.duration_s)
            case Circle():
                self._add_circle(entry)

    def _add_waypoint(self, name: str, entry: Waypoint) -> None:
        place, height_m = _place(entry), self._height(entry)
        before = self.waiting[-1].place if self.waiting else self.place
        if angle_between(before, place) > SAME_PLACE_RAD:
            corner = Corner(name, place, height_m, entry.speed_mps, self.follow_agl_m)
            self.waiting.append(corner)
            return
        self._fly_waiting(ends_at_rest=True)
        climb_m = height_m - self.height_m
        if abs(climb_m) < 0.01:
            raise ValueError(f"{name}: the same place as the entry before")
        limits = self.limits
        self.rest(
            name,
            # The climb's speed rises and falls smoothly; its peak is 1.5 times the mean.
            max(
                1.5 * abs(climb_m) / limits.climb_rate_mps,
                np.sqrt(6 * abs(climb_m) / limits.acceleration_mps2),
            ),
            climb_m,
        )
        self.marks.append(Mark(self.length_rad, self.follow_agl_m, self.climbed_m))
        self.speed_mps = entry.speed_mps or self.speed_mps

    def _add_hold(self, name: str, entry: Hold) -> None:
        fix, height_m = _place(entry), self._height(entry)
        speed_mps = entry.speed_mps or self._speed_after_waiting()
        radius_m = earth_radius_m(fix)
        leg_rad = speed_mps * entry.leg_s / radius_m
        before = self.waiting[-1].place if self.waiting else self.place
        there = angle_between(before, fix) <= SAME_PLACE_RAD
        if there and self.waiting:
            self.waiting.pop()  # the waypoint before is the fix itself
            there = False
        if entry.inbound_course_deg is not None:
            there = False
            course = np.radians(entry.inbound_course_deg)
            inbound = Pose(fix, direction_of(fix, course))
            self.waiting.append(Corner(name, inbound.ahead(-leg_rad).place, None, None))
        if not there:
            self.waiting.append(Corner(name, fix, height_m, speed_mps, self.follow_agl_m))
        self._fly_waiting()
        self.speed_mps = speed_mps
        side = -1.0 if entry.direction == "right" else 1.0
        turn_rad = self.limits.turn_radius_rad(fix, speed_mps)
        for _ in range(2 * entry.turns):
            self.arc(side / np.tan(turn_rad), np.pi * np.sin(turn_rad), speed_mps)
            self.arc(0.0, leg_rad, speed_mps)
        self.height_nodes.append((self.length_rad, self.height_m - self.climbed_m))

    def _add_circle(self, entry: Circle) -> None:
        speed_mps = min(self._speed_after_waiting(), entry.radius_m * self.turn_rate)
        self._fly_waiting()
        if self.direction is None:
            self.direction = direction_of(self.place, 0.0)
        radius_m = earth_radius_m(self.place)
        turn_rad = np.arctan(entry.radius_m / radius_m)
        side = -1.0 if entry.direction == "right" else 1.0
        if entry.turns is not None:
            length_rad = 2 * np.pi * entry.turns * np.sin(turn_rad)
        else:
            length_rad = speed_mps * (entry.duration_s or 0.0) / radius_m
        self.arc(side / np.tan(turn_rad), length_rad, speed_mps)
        self.height_nodes.append((self.length_rad, self.height_m - self.climbed_m))

    def finish(self, start_s: float, rest_at_end: bool) -> Flight:
        """Return the flight along all entries."""
        self._fly_waiting()
        if not self.pieces:
            if not self.stops and not rest_at_end:
                raise ValueError("a route of one waypoint needs a hover, or at_end: stay")
            if not self.stops:
                self.stops[0] = Stop(1.0)
            self.arc(0.0, 0.0, self.speed_mps)
        limits = self.limits
        node_rad, node_m = self._height_nodes()
        profile = HeightProfile.through(
            node_rad,
            node_m,
            self.slope_rates(node_rad, node_m),
            np.isin(node_rad, self.start_rad()[list(self.stops)]),
            limits.acceleration_mps2,
        )
        self.split_pieces(profile.bounds_rad())
        start_rad = self.start_rad()
        # Inside a piece the slope rises or falls steadily, so its ends are the extremes.
        inset = 1e-6 * np.diff(start_rad)
        steepest = np.maximum(
            np.abs(profile.at(start_rad[:-1] + inset)[1]),
            np.abs(profile.at(start_rad[1:] - inset)[1]),
        )
        speed_max_mps = np.minimum(
            [piece.speed_max_mps for piece in self.pieces],
            limits.climb_rate_mps * EARTH_M / np.maximum(steepest, 1e-9),
        )
        ground = measure(
            [piece.pose for piece in self.pieces],
            np.array([piece.curvature for piece in self.pieces]),
            np.array([piece.length_rad for piece in self.pieces]),
            np.array([piece.turned_rad for piece in self.pieces]),
            float(np.mean(node_m)),
        )
        timeline = plan_speed(
            start_s,
            np.diff(ground.piece_start_m),
            speed_max_mps,
            0.0 if rest_at_end else self.speed_mps,
            self.stops,
            limits.acceleration_mps2,
        )
        return Flight(ground, profile, timeline)

    def _height_nodes(self) -> tuple[Floats, Floats]:
        """Return angles along the path and heights there, between which heights are even."""
        node_rad, node_m = np.array(_distinct(self.height_nodes)).T
        legs = followed_legs([*self.marks, replace(self.marks[-1], at_rad=self.length_rad)])
        if not legs:
            return node_rad, node_m
        for k in range(node_rad.size - 1):
            if not any(a.at_rad < node_rad[k + 1] and b.at_rad > node_rad[k] for a, b in legs):
                self.slope_rates(node_rad[k : k + 2], node_m[k : k + 2])
        limits = self.limits
        speed_mps = max(piece.speed_max_mps for piece in self.pieces)
        return follow(
            node_rad,
            node_m,
            legs,
            self._ground_m,
            self.length_rad,
            slope_max=limits.climb_rate_mps / speed_mps,
            curvature_max_per_m=limits.acceleration_mps2 / speed_mps**2,
        )

    def _ground_m(self, along_rad: Floats) -> Floats:
        """Return the height of the ground below the path."""
        start_rad = self.start_rad()
        piece = np.searchsorted(start_rad[:-1], along_rad, side="right") - 1
        place, _ = advance(
            np.array([piece.pose.place for piece in self.pieces])[piece],
            np.array([piece.pose.direction for piece in self.pieces])[piece],
            np.array([piece.curvature for piece in self.pieces])[piece],
            along_rad - start_rad[piece],
        )
        ground_m = self.ground.height_m(
            np.arcsin(np.clip(place[:, 2], -1, 1)), np.arctan2(place[:, 1], place[:, 0])
        )
        if np.isnan(ground_m).any():
            raise ValueError("it leaves the terrain that it is to follow")
        return ground_m

    # --- flying --------------------------------------------------------------------

    def _height(self, entry: Position) -> float:
        """Return an entry's height; without one, that of the entry before."""
        if entry.height_m is not None or entry.height_agl_m is not None:
            follows = isinstance(entry, Waypoint) and entry.follow_terrain
            self.follow_agl_m = entry.height_agl_m if follows else None
            self.planned_height_m = height_above_ellipsoid_m(entry, self.ground)
        elif self.follow_agl_m is not None:
            above = entry.model_copy(update={"height_agl_m": self.follow_agl_m})
            self.planned_height_m = height_above_ellipsoid_m(above, self.ground)
        return self.planned_height_m

    def _speed_after_waiting(self) -> float:
        speeds = [corner.speed_mps for corner in self.waiting if corner.speed_mps]
        return speeds[-1] if speeds else self.speed_mps

    def _fly_waiting(self, ends_at_rest: bool = False) -> None:
        """Fly to the last waiting place, past those before it."""
        corners, self.waiting = self.waiting, []
        if not corners:
            return
        self.turn_towards(corners[0])
        places = [self.place, *(corner.place for corner in corners)]
        legs = []
        for corner, place, goal in zip(corners, places[:-1], places[1:], strict=True):
            pose, angle = pose_towards(place, goal) if angle_between(place, goal) else (None, 0.0)
            if pose is None or angle < SAME_PLACE_RAD:
                raise ValueError(f"{corner.name}: the same place as the entry before")
            if angle > _NEARLY_ANTIPODAL_RAD:
                raise ValueError(f"{corner.name}: too far, nearly on the other side of the earth")
            legs.append((pose, angle))
        speeds = [self.speed_mps]
        speeds += [corner.speed_mps or 0.0 for corner in corners]
        for k in range(1, len(speeds)):
            speeds[k] = speeds[k] or speeds[k - 1]
        turns, cuts = cut_corners(corners, legs, speeds, self.limits)
        for k, (corner, (pose, angle)) in enumerate(zip(corners, legs, strict=True)):
            before, after = (cuts[k - 1] if k else 0.0), cuts[k]
            self.move_to(pose.ahead(before))
            self.arc(0.0, angle - before - after, speeds[k])
            self.speed_mps = speeds[k + 1]
            if k == len(corners) - 1:
                self.move_to(Pose(corner.place, pose.ahead(angle).direction))
                self._pass_height(corner, self.length_rad)
            elif after == 0.0:
                self._pass_height(corner, self.length_rad)
                if abs(turns[k]) > ALIGNED_RAD:
                    self.turn_on_the_spot(legs[k + 1][0])
            else:
                radius = np.arctan(np.sin(after) / np.tan(abs(turns[k]) / 2))
                pose_out = legs[k + 1][0].ahead(after)
                pose_in = legs[k][0].ahead(angle - after)
                turned = central_angle(pose_in, np.sign(turns[k]), radius, pose_out.place)
                length = np.sin(radius) * turned
                self._pass_height(corner, self.length_rad + length / 2)
                limit_mps = radius * earth_radius_m(corner.place) * self.turn_rate
                speed_mps = min(speeds[k], speeds[k + 1], float(limit_mps))
                self.arc(np.sign(turns[k]) / np.tan(radius), float(length), speed_mps)
        self.at_rest = ends_at_rest

    def _pass_height(self, corner: Corner, at_rad: float) -> None:
        if corner.height_m is not None:
            self.height_m = corner.height_m
            self.height_nodes.append((at_rad, corner.height_m - self.climbed_m))
            self.marks.append(Mark(at_rad, corner.follow_agl_m, self.climbed_m))


def _place(position: Position) -> Floats:
    return up_ecef(np.radians(position.latitude_deg), np.radians(position.longitude_deg))


def _distinct(nodes: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Drop nodes at the angle of the one before; with it, all that are level anyway stay."""
    kept = nodes[:1]
    for node in nodes[1:]:
        if node[0] - kept[-1][0] > 1e-12:
            kept.append(node)
    return kept
