"""Sites along a line: one in the file, many on the ground."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sim.scenario.protecting import Line
from sim.scenario.sites import Along, Site
from sim.scenario.specs import Scenario
from sim.world.chance import Chance
from sim.world.course import course_of
from sim.world.spec import Position

#: Steps of a line on which sites are placed, km.
_STEP_KM = 0.05
#: More sites than these of one entry are a mistake.
_SITES_MAX = 20_000


def standing_sites(scenario: Scenario) -> Iterator[tuple[int, Site]]:
    """Return every single site with its entry's number in the file, in order.

    Raises
    ------
    ValueError
        If a site lies along a line that there is not, or that is shorter than a step.
    """
    lines = {thing.id: thing for thing in scenario.protect if isinstance(thing, Line)}
    for entry, site in enumerate(scenario.sites):
        if site.along is None:
            yield entry, site
        elif site.along.line in lines:
            places = _places(site.along, lines[site.along.line], scenario.seed, site.id)
            for number, place in enumerate(places, 1):
                yield entry, _at(site, number, place)
        else:
            raise ValueError(f"site {site.id}: there is no protected line {site.along.line!r}")


def _places(along: Along, line: Line, seed: int, name: str) -> list[Position]:
    vertices = [(place.latitude_deg, place.longitude_deg) for place in line.path]
    course = course_of(vertices, line.threat_from, 1e3 * line.depth_km, 1e3 * _STEP_KM)
    end_km = 1e-3 * course.length_m if along.to_km is None else along.to_km
    count = int((end_km - along.from_km) / along.every_km + 1e-9) + 1
    if count > _SITES_MAX:
        raise ValueError(f"site {name}: every_km makes {count} sites, more than {_SITES_MAX}")
    off_km = Chance(seed).generator(f"site/{name}").uniform(-1.0, 1.0, (count, 2))
    off_km *= along.jitter_km
    at_km = along.from_km + along.every_km * np.arange(count) + off_km[:, 0]
    latitude, longitude = course.beside(1e3 * at_km, 1e3 * (along.inside_km + off_km[:, 1]))
    return [
        Position(
            latitude_deg=math.degrees(a),
            longitude_deg=math.degrees(b),
            height_agl_m=along.height_agl_m,
        )
        for a, b in zip(latitude.tolist(), longitude.tolist(), strict=True)
    ]


def _at(site: Site, number: int, place: Position) -> Site:
    sensors = tuple(
        sensor.model_copy(update={"id": f"{sensor.id}-{number}"}) for sensor in site.sensors
    )
    changed = {"id": f"{site.id}-{number}", "position": place, "along": None, "sensors": sensors}
    return site.model_copy(update=changed)
