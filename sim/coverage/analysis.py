"""A scenario's coverage: every condition, a long line in parts, so that memory stays bounded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product

import numpy as np

from sim.core.tables import Floats
from sim.coverage.approaches import Approaches, approaches
from sim.coverage.costs import Range, cost_of_site, total
from sim.coverage.grid import Grid, band, square
from sim.coverage.line import Confirming, Straight, straight
from sim.coverage.losses import Gaps, gaps_below
from sim.coverage.network import Progress, compute, silent
from sim.coverage.stage import Stage
from sim.coverage.volume import Volume
from sim.coverage.weak_places import WeakPlace, columns_about, weak_place, weakest_columns
from sim.coverage.weakest import Barrier, Weakest, barrier, breach_m, weakest_way
from sim.scenario.along import standing_sites
from sim.scenario.coverage_spec import Condition
from sim.scenario.protecting import Line, Point
from sim.scenario.specs import Scenario
from sim.tracking.config import TrackerConfig
from sim.world.course import Course, course_of, middles

#: A longer line is computed in parts of this length, which overlap by the band's depth.
PART_KM = 500.0
#: Places named as the weakest.
WEAK_PLACES = 3
#: What confirmation by score or existence comes to in hits and looks.
_EVIDENCE = Confirming(3, 4)

#: Takes a part of the results; memory is bounded if it keeps none.
Keep = Callable[[Volume, Condition], None]


@dataclass(frozen=True, slots=True, eq=False)
class LineCoverage:
    """What a line's band lets through under one condition.

    Heights and classes are those of the scenario's ``coverage``; C places along the line.

    Attributes
    ----------
    line, condition : ids
    required : probability from which a crossing counts as tracked
    along_km, latitude_deg, longitude_deg : (C,) of the outer edge
    heights_agl_m, classes, sensors : axes and what ``straight.lost`` numbers
    straight : crossings straight inwards
    weakest : (height, class) → the weakest way in
    barriers : (height, class) → how many failures open a hole
    breach_m : how far from all sensors one can stay on the way through
    gaps_km : (height, class) → stretches where a crossing is not tracked as required
    covered_km : (H, K) length where it is
    cost_keur : of all sensors of the scenario that stand there
    weak_places : weakest first
    """

    line: str
    condition: str
    required: float
    along_km: Floats
    latitude_deg: Floats
    longitude_deg: Floats
    heights_agl_m: Floats
    classes: tuple[str, ...]
    sensors: tuple[str, ...]
    straight: Straight
    weakest: dict[tuple[int, int], Weakest]
    barriers: dict[tuple[int, int], Barrier]
    breach_m: float
    gaps_km: dict[tuple[int, int], Gaps]
    covered_km: Floats
    cost_keur: Range
    weak_places: tuple[WeakPlace, ...]

    def cost_per_km_keur(self, h: int, k: int) -> Range:
        """Return the cost of a covered kilometre, low and high; infinite where none is."""
        low, high = self.cost_keur
        km = float(self.covered_km[h, k])
        return (low / km, high / km) if km else (np.inf, np.inf)


def rule_of(config: TrackerConfig) -> Confirming:
    """Return by how many hits in how many looks a tracker confirms."""
    if config.confirmation_rule == "m-of-n":
        return Confirming(config.confirm_hits, config.confirm_looks)
    return _EVIDENCE


def lines_of(spec: Scenario) -> list[Line]:
    """Return the lines that a scenario protects."""
    return [thing for thing in spec.protect if isinstance(thing, Line)]


def square_of(stage: Stage) -> Grid:
    """Return the square that a scenario without a line is computed over.

    It lies about the first protected point, else about the area's origin.
    """
    spec = stage.spec
    points = [thing for thing in spec.protect if isinstance(thing, Point)]
    middle = points[0].position if points else spec.area
    side_m, cell_m = 1e3 * spec.coverage.side_km, spec.coverage.cell_m
    return square(stage.surroundings, middle.latitude_deg, middle.longitude_deg, side_m, cell_m)


def approaches_of(stage: Stage, volume: Volume, condition: Condition) -> Approaches | None:
    """Return straight approaches to the first protected point, or the square's middle.

    None over a band: there, crossings are flown.

    Raises
    ------
    ValueError
        If the point's radius is not inside the square.
    """
    if volume.grid.kind != "square":
        return None
    points = [thing for thing in stage.spec.protect if isinstance(thing, Point)]
    point, radius_m = (points[0].id, 1e3 * points[0].radius_km) if points else ("", 0.0)
    rule = rule_of(stage.spec.tracker)
    return approaches(volume, rule, point=point, condition=condition.id, radius_m=radius_m)


def grid_of(stage: Stage) -> Grid:
    """Return the band of a scenario's first line, whole, or its square.

    Raises
    ------
    ValueError
        If the band folds over itself or the ground is unknown somewhere.
    """
    lines = lines_of(stage.spec)
    if not lines:
        return square_of(stage)
    depth_m = 1e3 * lines[0].depth_km
    course = _course(stage, lines[0])
    return band(stage.surroundings, course, depth_m, 0, len(course))


def _course(stage: Stage, line: Line) -> Course:
    vertices = [(place.latitude_deg, place.longitude_deg) for place in line.path]
    cell_m = stage.spec.coverage.cell_m
    try:
        return course_of(vertices, line.threat_from, 1e3 * line.depth_km, cell_m)
    except ValueError as error:
        raise ValueError(f"line {line.id}: {error}") from error


def cover_square(stage: Stage, keep: Keep, progress: Progress = silent) -> None:
    """Compute the square under every condition.

    Raises
    ------
    ValueError
        If the ground is unknown somewhere, or a sensor cannot stand where it is told to.
    """
    settings, grid = stage.spec.coverage, square_of(stage)
    for condition in settings.conditions:
        keep(
            compute(
                stage,
                grid,
                condition,
                heights_agl_m=settings.heights_agl_m,
                classes=settings.classes,
                headings=1,
                progress=progress,
            ),
            condition,
        )


def cover_line(
    stage: Stage, line: Line, keep: Keep, progress: Progress = silent, threads: int = 2
) -> list[LineCoverage]:
    """Compute a line's band under every condition.

    Parameters
    ----------
    stage, line : the scenario, and which of its lines
    keep : takes every part's volume under every condition
    progress : told how far the part at hand is
    threads : at most

    Raises
    ------
    ValueError
        If the band folds over itself, the ground is unknown somewhere, or a sensor cannot stand
        where it is told to.
    """
    settings = stage.spec.coverage
    depth_m = 1e3 * line.depth_km
    course = _course(stage, line)
    parts: dict[str, list[_Part]] = {condition.id: [] for condition in settings.conditions}
    for first, last, own in _parts(course, depth_m):
        here = stage.keeping_sights()
        grid = band(stage.surroundings, course, depth_m, first, last)
        for condition in settings.conditions:
            volume = compute(
                here,
                grid,
                condition,
                heights_agl_m=settings.heights_agl_m,
                classes=settings.classes,
                headings=settings.headings,
                keep_looks=True,
                threads=threads,
                progress=progress,
            )
            parts[condition.id].append(_part(here, volume, condition, own, threads))
            keep(volume, condition)
            del volume  # the next one needs its room
    # Of a line in one part, the maps are still there.
    return [_joined(here, line, one, course, parts[one.id]) for one in settings.conditions]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What is kept of one part of a line once its volume is gone."""

    straight: Straight
    weakest: dict[tuple[int, int], Weakest]
    barriers: dict[tuple[int, int], Barrier]
    breach_m: float
    sensors: tuple[str, ...]


def _parts(course: Course, depth_m: float) -> Iterator[tuple[int, int, slice]]:
    """Return first and last column of each part, and which of its columns are its own."""
    columns, margin = len(course), round(depth_m / course.step_m)
    width = round(1e3 * PART_KM / course.step_m)
    if columns <= width + margin:
        yield 0, columns, slice(0, columns)
        return
    for begin in range(0, columns, width):
        end = min(begin + width, columns)
        first, last = max(0, begin - margin), min(columns, end + margin)
        yield first, last, slice(begin - first, end - first)


def _part(stage: Stage, volume: Volume, condition: Condition, own: slice, threads: int) -> _Part:
    settings, rule = stage.spec.coverage, rule_of(stage.spec.tracker)
    cases = list(product(range(len(settings.heights_agl_m)), range(len(settings.classes))))
    with ThreadPoolExecutor(threads, thread_name_prefix="line") as pool:
        ways = pool.map(lambda case: weakest_way(volume, case[0], case[1], rule), cases)
        flown = straight(volume, rule, settings.required, threads)
        weakest = {case: way.of_columns(own) for case, way in zip(cases, ways, strict=True)}
    barriers = {case: barrier(volume, *case) for case in cases}
    return _Part(flown.of_columns(own), weakest, barriers, breach_m(stage, volume), volume.sensors)


def _weak_places(
    stage: Stage, condition: Condition, course: Course, depth_m: float, flown: Straight
) -> Iterator[WeakPlace]:
    settings, columns = stage.spec.coverage, len(course)
    along_km = middles(columns) * course.step_m * 1e-3
    for column, weakness in weakest_columns(flown, along_km, depth_m * 1e-3, WEAK_PLACES):
        about = columns_about(column, course.step_m, columns)
        yield weak_place(
            stage,
            band(stage.surroundings, course, depth_m, *about),
            condition,
            flown,
            column,
            weakness,
            heights_agl_m=settings.heights_agl_m,
            classes=settings.classes,
            rule=rule_of(stage.spec.tracker),
            required=settings.required,
        )


def _joined(
    stage: Stage, line: Line, condition: Condition, course: Course, parts: Sequence[_Part]
) -> LineCoverage:
    settings = stage.spec.coverage
    flown = Straight.joined([part.straight for part in parts])
    edges_km: Floats = np.arange(0.0, len(course) + 0.5) * course.step_m * 1e-3
    along_km: Floats = 0.5 * (edges_km[1:] + edges_km[:-1])
    cases = parts[0].weakest.keys()
    depth_m = 1e3 * line.depth_km
    return LineCoverage(
        line=line.id,
        condition=condition.id,
        required=settings.required,
        along_km=along_km,
        latitude_deg=np.degrees(course.latitude_rad),
        longitude_deg=np.degrees(course.longitude_rad),
        heights_agl_m=np.array(settings.heights_agl_m),
        classes=settings.classes,
        sensors=parts[0].sensors,
        straight=flown,
        weakest={case: Weakest.of_parts([part.weakest[case] for part in parts]) for case in cases},
        barriers={
            case: min((part.barriers[case] for part in parts), key=lambda one: one.at_most)
            for case in cases
        },
        breach_m=max(part.breach_m for part in parts),
        gaps_km={
            case: gaps_below(flown.tracked[case], edges_km, settings.required) for case in cases
        },
        covered_km=(flown.tracked >= settings.required).sum(axis=2) * course.step_m * 1e-3,
        cost_keur=total(cost_of_site(site) for _, site in standing_sites(stage.spec)),
        weak_places=tuple(_weak_places(stage, condition, course, depth_m, flown)),
    )
