"""What a coverage computation leaves in its folder, and what it comes to in a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from sim.coverage.analysis import LineCoverage, approaches_of, rule_of
from sim.coverage.approaches import LEVELS, Approaches
from sim.coverage.confirmation import ConfirmationTable
from sim.coverage.costs import in_words as costs_in_words
from sim.coverage.exports import Outline, outline, write_geojson, write_geotiff, write_kml
from sim.coverage.fusing import Floats32
from sim.coverage.landmarks import Landmarks
from sim.coverage.maps import Map
from sim.coverage.page import Section, Table, write_page
from sim.coverage.polar import save_polar
from sim.coverage.stage import Stage
from sim.coverage.store import lowest_covered_m, save_volume
from sim.coverage.volume import Volume
from sim.coverage.weak_places import in_words
from sim.scenario.coverage_spec import Condition


@dataclass(frozen=True, slots=True)
class Share:
    """How much is covered: one condition, part, class and height.

    Attributes
    ----------
    share : of the cells, tracked as required in time
    """

    condition: str
    target_class: str
    height_agl_m: float
    share: float


class Folder:
    """Writes every volume as it comes, and at the end the page.

    Parameters
    ----------
    path : exists
    stage : the scenario
    geotiff : whether rasters are written, too
    """

    def __init__(self, path: Path, stage: Stage, *, geotiff: bool = False) -> None:
        self._path, self._stage, self._geotiff = path, stage, geotiff
        self._covered: dict[tuple[str, str, float], tuple[float, int]] = {}
        self._pictures: dict[str, list[tuple[Path, str]]] = {}
        self._outlines: list[Outline] = []
        self.approaches: list[Approaches] = []
        self._parts: dict[str, int] = {}

    def keep(self, volume: Volume, condition: Condition) -> None:
        """Write a volume, its maps and outlines."""
        settings = self._stage.spec.coverage
        part = self._parts[condition.id] = self._parts.get(condition.id, 0) + 1
        stem = f"{condition.id}-{part}" if part > 1 else condition.id
        rule = rule_of(self._stage.spec.tracker)
        most = int(settings.track_within_s / float(volume.look_s.min())) + 1
        table = ConfirmationTable(rule.hits, rule.looks, most)
        tracked = volume.tracked(settings.track_within_s, table)
        attrs = {
            "scenario": self._stage.spec.name,
            "condition": condition.id,
            "track_within_s": settings.track_within_s,
            "required": settings.required,
        }
        flown = approaches_of(self._stage, volume, condition)
        save_volume(self._path / f"{stem}.npz", volume, tracked, attrs, flown)
        if flown is not None:
            self.approaches.append(flown)
            save_polar(self._path / f"{stem}-warning.png", flown)
        lowest = lowest_covered_m(volume, tracked, settings.required)
        for h, k in product(range(len(volume.heights_agl_m)), range(len(volume.classes))):
            self._count(volume, tracked, condition, h, k)
        self._draw(volume, tracked, lowest, condition, stem)
        if self._geotiff:
            bands = [
                (f"{name} {height:g} m tracked", tracked[h, k])
                for k, name in enumerate(volume.classes)
                for h, height in enumerate(volume.heights_agl_m)
            ]
            bands += [(f"{name} lowest m", lowest[k]) for k, name in enumerate(volume.classes)]
            write_geotiff(self._path / f"{stem}.tif", volume.grid, bands)

    def _count(
        self, volume: Volume, tracked: Floats32, condition: Condition, h: int, k: int
    ) -> None:
        key = condition.id, volume.classes[k], float(volume.heights_agl_m[h])
        good, cells = self._covered.get(key, (0.0, 0))
        enough = float((tracked[h, k] >= self._stage.spec.coverage.required).sum())
        self._covered[key] = good + enough, cells + tracked[h, k].size

    def _draw(
        self,
        volume: Volume,
        tracked: Floats32,
        lowest: Any,
        condition: Condition,
        stem: str,
    ) -> None:
        settings, grid = self._stage.spec.coverage, volume.grid
        marks = Landmarks.of(self._stage, grid)
        shown = self._pictures.setdefault(condition.id, [])
        within = f"confirmed track within {settings.track_within_s:g} s"
        for k, name in enumerate(volume.classes):
            for h, height in enumerate(volume.heights_agl_m):
                title = f"{name} at {height:g} m above ground: probability of a {within}"
                path = self._path / f"{stem}-{name}-{height:g}m.png"
                Map(f"{title} ({condition.id})", "", grid, tracked[h, k], 0, 1, marks).save(path)
                properties = {
                    "condition": condition.id,
                    "class": name,
                    "height_agl_m": float(height),
                    "within_s": settings.track_within_s,
                }
                for level in (settings.required, 0.5):
                    words = f"{name}, {height:g} m, {condition.id}: {within}, {level:.0%} or more"
                    self._outlines.append(outline(words, grid, tracked[h, k], level, properties))
            heights = volume.heights_agl_m
            title = f"{name}: lowest height above ground covered ({condition.id})"
            path = self._path / f"{stem}-{name}-lowest.png"
            Map(title, "m", grid, lowest[k], 0.0, heights[-1], marks, heights).save(path)
            shown.append((path, title))

    def shares(self) -> list[Share]:
        """Return how much is covered."""
        return [
            Share(condition, name, height, good / cells)
            for (condition, name, height), (good, cells) in self._covered.items()
        ]

    def finish(self, lines: Sequence[LineCoverage]) -> Path:
        """Write outlines and the page; return the page."""
        spec = self._stage.spec
        write_geojson(self._path / "coverage.geojson", self._outlines)
        write_kml(self._path / "coverage.kml", spec.title or spec.name, self._outlines)
        sections = [
            Section(
                f"Condition {condition.id}",
                tables=(share_table(self.shares(), condition.id),),
                pictures=tuple(self._pictures[condition.id]),
            )
            for condition in spec.coverage.conditions
        ]
        sections += [self._warned(flown) for flown in self.approaches]
        sections += [line_section(line) for line in lines]
        page = self._path / "coverage.html"
        subtitle = (
            f"covered: a confirmed track within {spec.coverage.track_within_s:g} s with "
            f"{spec.coverage.required:.0%} or more; all values are generic and parametric"
        )
        write_page(page, f"Coverage: {spec.title or spec.name}", subtitle, sections)
        return page

    def _warned(self, flown: Approaches) -> Section:
        title = f"Warning before {flown.point or 'the middle'}, {flown.condition}"
        picture = self._path / f"{flown.condition}-warning.png"
        return Section(title, tables=(warning_table(flown),), pictures=((picture, title),))


def warning_table(flown: Approaches) -> Table:
    """Return the time left, a row each height and class: over all directions, and the worst."""
    sure, half = f"{LEVELS[1]:.0%}", f"{LEVELS[0]:.0%}"
    heads = (
        "height", "class", "tracked, mean", "tracked, worst", "from",
        f"left with {half}: median way", f"with {sure}: median way", "worst way",
        f"ways below {sure}",
    )  # fmt: skip
    rows = []
    for h, k in product(range(len(flown.heights_agl_m)), range(len(flown.classes))):
        tracked, left_s = flown.tracked[h, k], flown.left_s[:, h, k]
        worst = int(tracked.argmin())
        lost = int(np.isnan(left_s[1]).sum())
        rows.append(
            (
                f"{flown.heights_agl_m[h]:g} m",
                flown.classes[k],
                f"{tracked.mean():.1%}",
                f"{tracked[worst]:.1%}",
                f"{flown.azimuth_deg[worst]:03.0f}°",
                _seconds(np.median(np.nan_to_num(left_s[0]))),
                _seconds(np.median(np.nan_to_num(left_s[1]))),
                _seconds(np.nan_to_num(left_s[1]).min()),
                f"{lost} of {left_s.shape[1]}" if lost else "",
            )
        )
    caption = (
        f"straight in from {flown.from_m / 1e3:g} km, time to "
        f"{flown.point or 'the middle'} ({flown.radius_m / 1e3:g} km), {flown.condition}"
    )
    return Table(caption, heads, tuple(rows))


def _seconds(value_s: float) -> str:
    return f"{value_s:.0f} s" if value_s > 0.0 else "none"


def share_table(shares: Sequence[Share], condition: str) -> Table:
    """Return the share of cells covered, a row each height, a column each class."""
    mine = [one for one in shares if one.condition == condition]
    classes = list(dict.fromkeys(one.target_class for one in mine))
    heights = sorted({one.height_agl_m for one in mine})
    of = {(one.target_class, one.height_agl_m): one.share for one in mine}
    rows = tuple(
        (f"{height:g} m", *(f"{of[name, height]:.1%}" for name in classes)) for height in heights
    )
    return Table("share of cells covered", ("above ground", *classes), rows)


def line_table(line: LineCoverage) -> Table:
    """Return what a line lets through, a row each height and class."""
    heads = (
        "height", "class", "km covered", "longest gap km", "weakest way tracked", "cued buys km",
        "after a loss", "barrier", "warning s", "k€ per covered km",
    )  # fmt: skip
    rows = []
    total_km = float(line.along_km[-1] + line.along_km[0])
    for h, k in product(range(len(line.heights_agl_m)), range(len(line.classes))):
        flown, barrier = line.straight, line.barriers[h, k]
        required = line.required
        uncued = float((flown.uncued[h, k] >= required).mean()) * total_km
        lost = float((flown.after_loss[0, h, k] >= required).mean()) * total_km
        warned = flown.warning_s[h, k]
        warning = f"{np.nanmedian(warned):.0f}" if np.isfinite(warned).any() else "none"
        low, high = line.cost_per_km_keur(h, k)
        degree = (
            f"{barrier.at_least}" if barrier.at_least == barrier.at_most
            else f"{barrier.at_least} to {barrier.at_most}"
        )  # fmt: skip
        rows.append(
            (
                f"{line.heights_agl_m[h]:g} m",
                line.classes[k],
                f"{line.covered_km[h, k]:.0f}",
                f"{line.gaps_km[h, k].longest_km:.1f}",
                f"{line.weakest[h, k].tracked:.0%}",
                f"{line.covered_km[h, k] - uncued:.0f}",
                f"{lost:.0f} km",
                degree,
                warning,
                "none" if math.isinf(low) else f"{low:.3g} to {high:.3g}",
            )
        )
    return Table(f"{total_km:.0f} km of line {line.line}, {line.condition}", heads, tuple(rows))


def line_section(line: LineCoverage) -> Section:
    """Return what the page says of a line."""
    sentences = [
        f"{n}. {in_words(place, line.required)}" for n, place in enumerate(line.weak_places, 1)
    ]
    sentences.append(
        f"All sensors that stand there cost {costs_in_words(line.cost_keur)}. On the way through "
        f"one can stay {line.breach_m / 1e3:.1f} km away from every sensor."
    )
    heading = f"Line {line.line}, {line.condition}: the weakest places"
    return Section(heading, tuple(sentences), (line_table(line),))
