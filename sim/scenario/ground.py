"""Whether the terrain can be used and fits the scenario, told with the place in the file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from sensors.discretes import turbines_rad, way_rad
from sensors.passive_radar_spec import PassiveRadarSpec
from sensors.time_difference import TimeDifferenceSpec
from sim.core.tables import Floats
from sim.scenario.along import standing_sites
from sim.scenario.errors import ScenarioError
from sim.scenario.loader import LoadedScenario, problem_at
from sim.scenario.protecting import Corridor, Line
from sim.scenario.sites import Site
from sim.scenario.source import KeyPath
from sim.scenario.specs import Scenario
from sim.world.course import cross_sections
from sim.world.environment import Environment, Place
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
    problems = [
        problem_at(loaded, path, message) for path, message in _misplaced(loaded.spec, ground)
    ]
    if problems:
        raise ScenarioError(problems)
    return frame, ground


def _misplaced(spec: Scenario, ground: Ground) -> Iterator[tuple[KeyPath, str]]:
    """Find what lies beyond the terrain, and what stands inside it."""
    beyond = "beyond the terrain"
    if isinstance(ground, Relief):
        beyond += f", which covers {ground.extent()}"
    origin = Position(latitude_deg=spec.area.latitude_deg, longitude_deg=spec.area.longitude_deg)
    if math.isnan(_above_m(origin, ground)):
        yield _TERRAIN, f"the area's origin lies {beyond}"
    for path, name, place in _standing(spec):
        above_m = _above_m(place, ground)
        if math.isnan(above_m):
            yield path, f"{name} lies {beyond}"
        elif above_m < 0.0:
            yield path, f"{name} lies {-above_m:.1f} m below the ground"
    for path, name, latitude_rad, longitude_rad in _spread_out(spec.environment):
        if np.isnan(ground.height_m(latitude_rad, longitude_rad)).any():
            yield path, f"{name} lies, in part or as a whole, {beyond}"
    for i, thing in enumerate(spec.protect):
        long = isinstance(thing, Corridor | Line)
        places: Sequence[Position | Place] = (
            thing.path if isinstance(thing, Corridor | Line) else (thing.position,)
        )
        outside = [k for k, place in enumerate(places) if math.isnan(_above_m(place, ground))]
        for k in outside:
            path = ("protect", i, "path", k) if long else ("protect", i, "position")
            yield path, f"{thing.id} lies {beyond}"
        if isinstance(thing, Line) and not outside:
            _, inner = cross_sections(thing.vertices_deg, thing.threat_from, 1e3 * thing.depth_km)
            unknown = np.isnan(ground.height_m(*inner.T))
            if unknown.any():
                north, east = np.degrees(inner[unknown.argmax()])
                where = f"at {north:.3f} north, {east:.3f} east"
                yield ("protect", i, "depth_km"), f"the band's inner edge lies {where}, {beyond}"


def _standing(spec: Scenario) -> Iterator[tuple[KeyPath, str, Position]]:
    """Yield all antennas, microphones and lenses that stand at a place of their own."""
    for i, site in standing_sites(spec):
        if site.position is not None:
            key = "along" if spec.sites[i].along else "position"
            yield ("sites", i, key), f"site {site.id}", site.position
        yield from _far_parts(("sites", i), site)
    for i, emitter in enumerate(spec.emitters):
        yield ("emitters", i, "position"), f"emitter {emitter.id}", emitter.position
    for i, effector in enumerate(spec.defence.effectors if spec.defence else ()):
        for k, place in enumerate(effector.positions):
            at: KeyPath = ("defence", "effectors", i, "positions", k)
            yield at, f"effector {effector.id}-{k + 1}", place
        if effector.position is not None:
            at = ("defence", "effectors", i, "position")
            yield at, f"effector {effector.id}", effector.position
    for i, network in enumerate(spec.networks):
        if network.radio is not None:
            path: KeyPath = ("networks", i, "radio", "receiver")
            yield path, f"the receiver of network {network.id}", network.radio.receiver


def _far_parts(at: KeyPath, site: Site) -> Iterator[tuple[KeyPath, str, Position]]:
    """Yield what belongs to a site's sensors and stands elsewhere."""
    for j, sensor in enumerate(site.sensors):
        if isinstance(sensor, PassiveRadarSpec):
            for k, illuminator in enumerate(sensor.illuminators):
                path: KeyPath = (*at, "sensors", j, "illuminators", k, "position")
                yield path, f"illuminator {illuminator.id} of {sensor.id}", illuminator.position
        elif isinstance(sensor, TimeDifferenceSpec):
            for k, receiver in enumerate(sensor.receivers):
                path = (*at, "sensors", j, "receivers", k)
                yield path, f"receiver {k + 1} of {sensor.id}", receiver


def _spread_out(environment: Environment) -> Iterator[tuple[KeyPath, str, Floats, Floats]]:
    """Yield the places of all that stands or drives on the ground, in radians."""
    for i, farm in enumerate(environment.wind_farms):
        yield ("environment", "wind_farms", i), f"wind farm {farm.id}", *turbines_rad(farm)
    for i, road in enumerate(environment.roads):
        yield ("environment", "roads", i), f"road {road.id}", *way_rad(road)


def _above_m(position: Position | Place, ground: Ground) -> float:
    """Return the height of a place above the ground; NaN beyond the terrain."""
    ground_m = float(
        ground.height_m(math.radians(position.latitude_deg), math.radians(position.longitude_deg))
    )
    if math.isnan(ground_m) or isinstance(position, Place):
        return ground_m - ground_m
    return height_above_ellipsoid_m(position, ground) - ground_m
