"""Scenario → what tracks are identified by on the ground."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from sim.core.tables import Floats
from sim.picture.grounds import Cylinders, Frontier, Grounds, Ways
from sim.scenario.identifying import Airway, Border, RestrictedArea
from sim.scenario.protecting import Corridor, Line, Point
from sim.scenario.specs import Scenario
from sim.world.environment import Place
from sim.world.frames import Frame
from sim.world.spec import Position
from sim.world.surroundings import Surroundings, height_above_ellipsoid_m


def enu_of(surroundings: Surroundings, position: Position) -> tuple[float, float, float]:
    """Return where a place of the scenario lies in its frame."""
    enu = surroundings.frame.from_geodetic(
        math.radians(position.latitude_deg),
        math.radians(position.longitude_deg),
        height_above_ellipsoid_m(position, surroundings.ground),
    )
    return float(enu[0]), float(enu[1]), float(enu[2])


def grounds_of(spec: Scenario, surroundings: Surroundings) -> Grounds:
    """Return areas, ways and border of a scenario; nothing where no evidence is weighed."""
    settings = spec.identification
    if settings is None:
        return Grounds()
    frame = surroundings.frame
    points = [thing for thing in spec.protect if isinstance(thing, Point)]
    ways: list[tuple[str, Floats, float, bool]] = [
        (
            way.id,
            np.array([enu_of(surroundings, place) for place in way.path])[:, :2],
            way.width_km,
            False,
        )
        for way in spec.protect
        if isinstance(way, Corridor)
    ]
    ways += [_airway(way, frame) for way in settings.corridors]
    lines = {thing.id: thing for thing in spec.protect if isinstance(thing, Line)}
    return Grounds(
        protected=_cylinders(points, surroundings),
        restricted=_cylinders(settings.restricted, surroundings),
        ways=_ways(ways),
        border=_frontier(settings.border, lines, frame),
    )


def _cylinders(things: Sequence[Point | RestrictedArea], surroundings: Surroundings) -> Cylinders:
    ground_m = [height_above_ellipsoid_m(one.position, surroundings.ground) for one in things]
    places = [enu_of(surroundings, one.position) for one in things]
    return Cylinders(
        ids=tuple(one.id for one in things),
        centre_m=np.array(places).reshape(-1, 3)[:, :2],
        radius_m=np.array([1e3 * one.radius_km for one in things]),
        top_m=np.array([m + one.ceiling_m for m, one in zip(ground_m, things, strict=True)]),
    )


def _airway(way: Airway, frame: Frame) -> tuple[str, Floats, float, bool]:
    return way.id, on_the_ground(way.path, frame), way.width_km, way.both_ways


def _ways(ways: Sequence[tuple[str, Floats, float, bool]]) -> Ways:
    if not ways:
        return Ways()
    legs = [np.diff(path, axis=0) for _, path, _, _ in ways]
    leg, count = np.concatenate(legs), [len(one) for one in legs]
    length_m = np.linalg.norm(leg, axis=1)
    return Ways(
        ids=tuple(id_ for id_, _, _, _ in ways),
        corridor=np.repeat(np.arange(len(ways), dtype=np.int32), count),
        start_m=np.concatenate([path[:-1] for _, path, _, _ in ways]),
        along=leg / length_m[:, None],
        length_m=length_m,
        half_width_m=np.repeat([500.0 * width_km for _, _, width_km, _ in ways], count),
        both_ways=np.repeat([both for _, _, _, both in ways], count),
    )


def _frontier(border: Border | None, lines: dict[str, Line], frame: Frame) -> Frontier:
    if border is None:
        return Frontier()
    if border.line is not None:
        line = lines[border.line]
        return Frontier(on_the_ground(line.path, frame), line.threat_from == "left")
    return Frontier(on_the_ground(border.path or (), frame), border.threat_from == "left")


def on_the_ground(path: Iterable[Place], frame: Frame) -> Floats:
    """Return east and north (V, 2) of places at the height of the frame's origin."""
    degrees = np.array([(place.latitude_deg, place.longitude_deg) for place in path]).reshape(-1, 2)
    latitude, longitude = np.radians(degrees).T
    return np.asarray(frame.from_geodetic(latitude, longitude, frame.height_m))[:, :2]
