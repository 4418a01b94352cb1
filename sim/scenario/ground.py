"""Whether the terrain can be used and fits the scenario, told with the place in the file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from sim.scenario.along import standing_sites
from sim.scenario.errors import ScenarioError
from sim.scenario.loader import LoadedScenario, problem_at
from sim.scenario.protecting import Corridor, Line
from sim.scenario.source import KeyPath
from sim.scenario.specs import Scenario
from sim.world.course import cross_sections
from sim.world.environment import Place
from sim.world.frames import Frame
from sim.world.relief import Relief, TerrainError
from sim.world.spec import Position
from sim.world.surroundings import Ground, height_above_ellipsoid_m
from sim.world.terrain import FlatTerrain, FractalTerrain, build_ground

_TERRAIN: KeyPath = ("area", "terrain")


def check_ground(loaded: LoadedScenario) -> tuple[Frame, Ground]:
    """Build a scenario's frame and ground.

    Raises
    ------
    ScenarioError
        Naming terrain that cannot be used, or every place that lies beyond or below it.
    """
    area = loaded.spec.area
    latitude_rad, longitude_rad = math.radians(area.latitude_deg), math.radians(area.longitude_deg)
    frame = Frame.at(latitude_rad, longitude_rad, area.height_m)
    try:
        ground = build_ground(
            area.terrain, latitude_rad, longitude_rad, area.height_m, loaded.folder
        )
    except TerrainError as error:
        where, message = _TERRAIN, str(error)
        terrain = area.terrain
        if error.file is not None and not isinstance(terrain, FlatTerrain | FractalTerrain):
            where = (*_TERRAIN, "files", error.file)
            message = f"`{terrain.files[error.file]}`: {message}"
        raise ScenarioError([problem_at(loaded, where, message)]) from None
    if isinstance(ground, Relief):
        problems = [
            problem_at(loaded, path, message) for path, message in _misplaced(loaded.spec, ground)
        ]
        if problems:
            raise ScenarioError(problems)
    return frame, ground


def _misplaced(spec: Scenario, relief: Relief) -> Iterator[tuple[KeyPath, str]]:
    """Find places that lie beyond the terrain, and sensors inside it."""
    covers = f"beyond the terrain, which covers {relief.extent()}"
    origin = Position(latitude_deg=spec.area.latitude_deg, longitude_deg=spec.area.longitude_deg)
    if math.isnan(_above_m(origin, relief)):
        yield _TERRAIN, f"the area's origin lies {covers}"
    for i, site in standing_sites(spec):
        if site.position is None:
            continue  # it is carried
        above_m = _above_m(site.position, relief)
        path: KeyPath = ("sites", i, "along" if spec.sites[i].along else "position")
        if math.isnan(above_m):
            yield path, f"site {site.id} lies {covers}"
        elif above_m < 0.0:
            yield path, f"site {site.id} lies {-above_m:.1f} m below the ground"
    for i, thing in enumerate(spec.protect):
        long = isinstance(thing, Corridor | Line)
        places: Sequence[Position | Place] = (
            thing.path if isinstance(thing, Corridor | Line) else (thing.position,)
        )
        outside = [k for k, place in enumerate(places) if math.isnan(_above_m(place, relief))]
        for k in outside:
            path = ("protect", i, "path", k) if long else ("protect", i, "position")
            yield path, f"{thing.id} lies {covers}"
        if isinstance(thing, Line) and not outside:
            _, inner = cross_sections(thing.vertices_deg, thing.threat_from, 1e3 * thing.depth_km)
            unknown = np.isnan(relief.height_m(*inner.T))
            if unknown.any():
                north, east = np.degrees(inner[unknown.argmax()])
                where = f"at {north:.3f} north, {east:.3f} east"
                yield ("protect", i, "depth_km"), f"the band's inner edge lies {where}, {covers}"


def _above_m(position: Position | Place, relief: Relief) -> float:
    """Return the height of a place above the ground; NaN beyond the terrain."""
    ground_m = float(
        relief.height_m(math.radians(position.latitude_deg), math.radians(position.longitude_deg))
    )
    if math.isnan(ground_m) or isinstance(position, Place):
        return ground_m - ground_m
    return height_above_ellipsoid_m(position, relief) - ground_m
