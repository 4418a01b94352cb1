"""What no single specification can check: ids, and references from one part to another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from sensors.registry import ids_of
from sim.scenario.along import sites_along, standing_sites
from sim.scenario.conflict import Conflict, unknown
from sim.scenario.defence_conflicts import defence_conflicts
from sim.scenario.errors import proposal
from sim.scenario.protecting import Corridor, Line
from sim.scenario.sites import Site
from sim.scenario.source import KeyPath
from sim.scenario.specs import Scenario
from sim.world.course import course_of, length_of
from sim.world.environment import Place


class _Named(Protocol):
    @property
    def id(self) -> str: ...


def conflicts(scenario: Scenario) -> list[Conflict]:
    """Return all contradictions inside a scenario, in no particular order."""
    return [
        *_doubled_ids(scenario),
        *_unknown_references(scenario),
        *_several_carriers(scenario),
        *_times(scenario),
        *_corridors(scenario),
        *_identification(scenario),
        *_lines(scenario),
        *_sites_along(scenario),
        *defence_conflicts(scenario),
        *_unknown_metrics(scenario),
    ]


#: What metrics.json holds at its top, as far as a criterion can bound it.
_METRICS = (
    "siap",
    "ospa",
    "ospa2",
    "gospa",
    "t_gospa",
    "switches",
    "consistency",
    "classification",
    "identification",
    "commonality",
    "rejected",
    "targets",
    "sensors",
    "protect",
    "defence",
    "sharing",
)


def _unknown_metrics(scenario: Scenario) -> Iterator[Conflict]:
    for index, criterion in enumerate(scenario.criteria):
        first = criterion.metric.partition(".")[0]
        if first not in _METRICS:
            hint = proposal(first, _METRICS)
            message = f"no metric begins with {first!r}"
            yield Conflict(("criteria", index, "metric"), message, hint)


def _doubled_ids(scenario: Scenario) -> Iterator[Conflict]:
    try:
        standing = list(standing_sites(scenario))
    except ValueError:  # told of by itself
        standing = list(enumerate(scenario.sites))
    sites: list[tuple[KeyPath, Site]] = [(("sites", i), site) for i, site in standing]
    sites += _candidates(scenario)
    sensors = [
        ((*path, "sensors", k, "id"), id_)
        for path, site in sites
        for k, sensor in enumerate(site.sensors)
        for id_ in ids_of(sensor)
    ]
    named: dict[str, list[tuple[KeyPath, str]]] = {
        "nation": _ids("nations", scenario.nations),
        "network": _ids("networks", scenario.networks),
        "site": [((*path, "id"), site.id) for path, site in sites],
        "sensor": sensors,
        "target": _ids("targets", scenario.targets),
        "emitter": _ids("emitters", scenario.emitters),
        "protected object": _ids("protect", scenario.protect),
    }
    settings = scenario.identification
    if settings is not None:
        under: KeyPath = ("picture", "identification")
        named["restricted area"] = _ids_under((*under, "restricted"), settings.restricted)
        named["corridor"] = [
            (("protect", i, "id"), way.id)
            for i, way in enumerate(scenario.protect)
            if isinstance(way, Corridor)
        ] + _ids_under((*under, "corridors"), settings.corridors)
    for what, places in named.items():
        first: dict[str, KeyPath] = {}
        told: set[KeyPath] = set()
        for path, name in places:
            if name in first and path not in told:
                told.add(path)  # an entry may stand for hundreds
                yield Conflict(path, f"`{name}` is already the id of a {what}", first=first[name])
            else:
                first[name] = path


def _candidates(scenario: Scenario) -> list[tuple[KeyPath, Site]]:
    return [
        (("coverage", "candidates", i), site) for i, site in enumerate(scenario.coverage.candidates)
    ]


def _ids(key: str, parts: Sequence[_Named]) -> list[tuple[KeyPath, str]]:
    return _ids_under((key,), parts)


def _ids_under(path: KeyPath, parts: Sequence[_Named]) -> list[tuple[KeyPath, str]]:
    return [((*path, i, "id"), part.id) for i, part in enumerate(parts)]


def _unknown_references(scenario: Scenario) -> Iterator[Conflict]:
    nations = [nation.id for nation in scenario.nations]
    networks = [network.id for network in scenario.networks]
    targets = [target.id for target in scenario.targets]
    lines = [thing.id for thing in scenario.protect if isinstance(thing, Line)]
    for i, site in enumerate(scenario.sites):
        if site.along is not None:
            line = ("sites", i, "along", "line")
            yield from unknown(line, site.along.line, "line", lines)
        yield from unknown(("sites", i, "aboard"), site.aboard, "target", targets)
    listed: list[tuple[KeyPath, Site]] = [
        (("sites", i), site) for i, site in enumerate(scenario.sites)
    ]
    for path, site in listed + _candidates(scenario):
        yield from unknown((*path, "nation"), site.nation, "nation", nations)
        yield from unknown((*path, "network"), site.network, "network", networks)
    sensors = [i for site in scenario.sites for sensor in site.sensors for i in ids_of(sensor)]
    for i, reference in enumerate(scenario.tracker.reference_sensors):
        yield from unknown(("tracker", "reference_sensors", i), reference, "sensor", sensors)
    for i, area in enumerate(scenario.protect):
        if isinstance(area, Corridor):
            for k, arrival in enumerate(area.arrivals):
                path = ("protect", i, "arrivals", k)
                yield from unknown(path, arrival, "target", targets)


def _several_carriers(scenario: Scenario) -> Iterator[Conflict]:
    count = {target.id: target.count for target in scenario.targets}
    for i, site in enumerate(scenario.sites):
        if site.aboard is not None and count.get(site.aboard, 1) > 1:
            yield Conflict(
                ("sites", i, "aboard"),
                f"`{site.aboard}` are {count[site.aboard]} targets, sensors are aboard one",
                "list the carrier as a target of its own",
            )


def _times(scenario: Scenario) -> Iterator[Conflict]:
    duration_s = scenario.time.duration_s
    for i, target in enumerate(scenario.targets):
        if target.start_s >= duration_s:
            yield Conflict(
                ("targets", i, "start_s"),
                f"the target starts at {target.start_s:g} s, when the scenario is over",
                f"the scenario lasts {duration_s:g} s",
            )


def _corridors(scenario: Scenario) -> Iterator[Conflict]:
    for i, corridor in enumerate(scenario.protect):
        if not isinstance(corridor, Corridor):
            continue
        for k in range(1, len(corridor.path)):
            here, before = corridor.path[k], corridor.path[k - 1]
            same_latitude = here.latitude_deg == before.latitude_deg
            if same_latitude and here.longitude_deg == before.longitude_deg:
                yield Conflict(
                    ("protect", i, "path", k),
                    "the corridor does not move on from the point before",
                    first=("protect", i, "path", k - 1),
                )


def _identification(scenario: Scenario) -> Iterator[Conflict]:
    settings = scenario.picture.identification
    if settings is None:
        return
    under: KeyPath = ("picture", "identification")
    for i, source in enumerate(settings.without):
        if source in settings.without[:i]:
            first = (*under, "without", settings.without.index(source))
            yield Conflict((*under, "without", i), f"`{source}` is left out already", first=first)
    for i, way in enumerate(settings.corridors):
        yield from _standing_still((*under, "corridors", i, "path"), way.path, "corridor")
    border = settings.border
    if border is None:
        return
    lines = [thing.id for thing in scenario.protect if isinstance(thing, Line)]
    yield from unknown((*under, "border", "line"), border.line, "line", lines)
    if border.path is not None:
        yield from _standing_still((*under, "border", "path"), border.path, "border")


def _standing_still(path: KeyPath, places: Sequence[Place], what: str) -> Iterator[Conflict]:
    for k in range(1, len(places)):
        if places[k] == places[k - 1]:
            message = f"the {what} does not move on from the place before"
            yield Conflict((*path, k), message, first=(*path, k - 1))


def _lines(scenario: Scenario) -> Iterator[Conflict]:
    cell_m = scenario.coverage.cell_m
    for i, line in enumerate(scenario.protect):
        if not isinstance(line, Line):
            continue
        length_m = length_of(line.vertices_deg)
        if length_m < 2 * cell_m:
            message = f"the line is {length_m:.0f} m long, shorter than two cells of {cell_m:g} m"
            yield Conflict(("protect", i, "path"), message, "coverage.cell_m sets their width")
            continue
        depth_m = 1e3 * line.depth_km
        folded_km = course_of(line.vertices_deg, line.threat_from, depth_m, cell_m).folded_km(
            depth_m
        )
        if folded_km is not None:
            yield Conflict(
                ("protect", i, "depth_km"),
                f"the line bends so sharply near its kilometre {folded_km:.1f} that a band "
                f"{line.depth_km:g} km deep folds over itself",
                "smooth the corner, or make the band less deep",
            )


def _sites_along(scenario: Scenario) -> Iterator[Conflict]:
    lines = {thing.id: thing for thing in scenario.protect if isinstance(thing, Line)}
    for i, site in enumerate(scenario.sites):
        if site.along is None or site.along.line not in lines:
            continue
        try:
            list(sites_along(site, site.along, lines[site.along.line], scenario.seed))
        except ValueError as error:
            yield Conflict(("sites", i, "along"), str(error))
