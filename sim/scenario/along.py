"""Sites along a line: one in the file, many on the ground."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from sim.scenario.protecting import Line
from sim.scenario.sites import Along, Site
from sim.scenario.specs import Scenario
from sim.world.chance import Chance
from sim.world.course import course_of, length_of
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
            for one in sites_along(site, site.along, lines[site.along.line], scenario.seed):
                yield entry, one
        else:
            raise ValueError(f"site {site.id}: there is no protected line {site.along.line!r}")


def sites_along(site: Site, along: Along, line: Line, seed: int) -> Iterator[Site]:
    """Return the single sites that one entry stands for.

    Raises
    ------
    ValueError
        If the line is shorter than a step, or ends before the sites do.
    """
    for number, place in enumerate(_places(along, line, seed, site.id), 1):
        yield _at(site, number, place)


def _places(along: Along, line: Line, seed: int, name: str) -> list[Position]:
    length_km = 1e-3 * length_of(line.vertices_deg)
    for key, limit_km in (("from_km", along.from_km), ("to_km", along.to_km)):
        if limit_km is not None and limit_km > length_km:
            raise ValueError(
                f"site {name}: {key} ({limit_km:g}) lies beyond the end of {line.id}, which is "
                f"{length_km:.1f} km long"
            )
    depth_m = 1e3 * line.depth_km
    course = course_of(line.vertices_deg, line.threat_from, depth_m, 1e3 * _STEP_KM)
    end_km = length_km if along.to_km is None else along.to_km
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
