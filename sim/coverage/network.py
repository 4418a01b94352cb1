"""A network over a grid: what every sensor sees, taken together."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import copy
from dataclasses import dataclass, replace
from itertools import groupby, product
from typing import Any

import numpy as np

from sensors.sight import Sight
from sim.core.tables import Floats, Measured
from sim.coverage.fusing import Floats32, Fused, Inward, shown_by_a_look
from sim.coverage.grid import Grid
from sim.coverage.looks import Looks, cells_in_reach, look
from sim.coverage.probes import ProbeKind
from sim.coverage.stage import Placed, Stage, locates
from sim.coverage.volume import SensorLooks, Volume
from sim.scenario.coverage_spec import Condition
from sim.world.surroundings import Surroundings
from sim.world.targets import TargetClass

#: Told how many of how many sensors are done, and which site was last.
Progress = Callable[[int, int, str], None]


#: Places of a grid that are asked whether a sensor may see there are so far apart.
_APART_M = 5000.0


def silent(done: int, all_: int, site: str) -> None:
    """Tell nobody."""


def compute(
    stage: Stage,
    grid: Grid,
    condition: Condition,
    *,
    heights_agl_m: Sequence[float],
    classes: Sequence[TargetClass],
    headings: int,
    candidates: bool = False,
    keep_looks: bool = False,
    threads: int | None = None,
    progress: Progress = silent,
) -> Volume:
    """Return what the network sees.

    Sensors that are pointed at what the picture holds help where the others would have shown
    the target to it; by themselves they count for nothing.

    Parameters
    ----------
    stage, grid, condition : what, where and in which weather
    heights_agl_m, classes : of targets
    headings : D
    candidates : whether those of candidate sites count as if they stood there
    keep_looks : keep what each sensor sees by itself, inwards
    threads : at most; the result is the same for any number
    progress : see ``Progress``

    Raises
    ------
    ValueError
        If a sensor cannot stand where it is told to; names it.
    """
    chosen = [one for one in stage.sensors if candidates or not one.candidate]
    network = Network(
        Look.on(stage, grid, condition, heights_agl_m, classes, headings),
        [one.id for one in chosen],
        keep_looks=keep_looks,
    )
    network.add_all(chosen, threads or os.cpu_count() or 1, progress)
    return network.volume()


def by_site(sensors: Sequence[Placed]) -> list[list[Placed]]:
    """Return sensors site by site, as they follow each other."""
    return [list(group) for _, group in groupby(sensors, key=lambda one: one.site)]


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """At what sensors are made to look: the same for all of them.

    Attributes
    ----------
    grid, heights_agl_m, kinds, headings : where, how high, at what, flying in how many ways
    time_s, surroundings : when, and in which weather
    sights : see ``Stage``
    """

    grid: Grid
    heights_agl_m: tuple[float, ...]
    kinds: tuple[ProbeKind, ...]
    headings: int
    time_s: float
    surroundings: Surroundings
    sights: list[Sight] | None = None

    @classmethod
    def on(
        cls,
        stage: Stage,
        grid: Grid,
        condition: Condition,
        heights_agl_m: Sequence[float],
        classes: Sequence[TargetClass],
        headings: int,
    ) -> Look:
        """Return it for a stage."""
        return cls(
            grid,
            tuple(heights_agl_m),
            tuple(ProbeKind.of(name, stage.targets, condition) for name in classes),
            headings,
            stage.time_s,
            stage.under(condition),
            stage.sights,
        )

    @property
    def cases(self) -> list[tuple[int, int]]:
        """All pairs of height and class."""
        return list(product(range(len(self.heights_agl_m)), range(len(self.kinds))))

    def by_site(
        self, sites: Sequence[Sequence[Placed]], threads: int
    ) -> Iterator[list[SensorLooks]]:
        """Return what the sensors of each site see, in order; a few sites ahead at most."""
        if threads == 1:
            yield from map(self.of_site, sites)
            return
        with ThreadPoolExecutor(threads, thread_name_prefix="coverage") as pool:
            ahead: deque[Future[list[SensorLooks]]] = deque()
            for site in sites:
                ahead.append(pool.submit(self.of_site, site))
                if len(ahead) > 2 * threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def of_site(self, site: Sequence[Placed]) -> list[SensorLooks]:
        """Return what the sensors of one site see."""
        found = []
        places, off_m = _some(self.grid)
        for placed in site:
            if not placed.may_see(places, off_m):
                continue
            for sensor in placed.build(0, self.surroundings, self.sights):
                cell = cells_in_reach(self.grid, sensor)
                if not cell.size:
                    continue
                by = {
                    (h, k): look(
                        sensor,
                        self.grid,
                        cell,
                        self.heights_agl_m[h],
                        self.kinds[k],
                        self.headings,
                        self.time_s,
                    )
                    for h, k in self.cases
                }
                single = sensor.measured == Measured.TIME_DIFFERENCE
                line = f"{placed.site}/{sensor.id}" if single else placed.site
                found.append(
                    SensorLooks(placed.id, line, locates(sensor), placed.cued, sensor.period_s, by)
                )
        return found


def _some(grid: Grid) -> tuple[Floats, float]:
    """Return places (K, 3) of a grid, and how far a cell may lie from the nearest of them."""
    step = max(1, int(_APART_M / grid.cell_m))
    rows, columns = (np.unique(np.append(np.arange(0, n, step), n - 1)) for n in grid.shape)
    some: Floats = grid.ground_enu_m[np.ix_(rows, columns)].reshape(-1, 3)
    return some, 1.5 * step * grid.cell_m


class Network:
    """The sums over sensors while they are taken in: first those that look by themselves.

    Parameters
    ----------
    work : at what they look
    sensors : ids of all
    keep_looks : keep what each sees by itself
    """

    def __init__(self, work: Look, sensors: Sequence[str], *, keep_looks: bool = False):
        self._work = work
        self._number = {name: row for row, name in enumerate(dict.fromkeys(sensors))}
        self._keep = keep_looks
        self._kept: list[SensorLooks] = []
        cells = work.grid.ground_m.size
        self._fused = {case: Fused.nothing(work.headings + 1, cells) for case in work.cases}
        self._uncued: dict[tuple[int, int], Floats32] = {}
        self._alone: dict[tuple[int, int], Inward] = {}
        self._cue: dict[tuple[int, int], Floats32] = {}
        self._directions: dict[tuple[str, int, int], Looks] = {}

    def copy(self) -> Network:
        """Return a network of its own with the same sums."""
        other = copy(self)
        other._fused = {case: fused.copy() for case, fused in self._fused.items()}
        for name in ("_number", "_uncued", "_alone", "_cue"):
            setattr(other, name, dict(getattr(self, name)))
        other._directions = dict(self._directions)
        other._kept = list(self._kept)
        return other

    def add_all(
        self, sensors: Sequence[Placed], threads: int = 1, progress: Progress = silent
    ) -> None:
        """Take in sensors, those that have to be pointed last."""
        done = 0
        for cued in (False, True):
            sites = by_site([one for one in sensors if one.cued == cued])
            seen = self._work.by_site(sites, threads)
            for placed, one in zip(sites, seen, strict=True):
                self.add(one, cued)
                done += len(placed)
                progress(done, len(sensors), placed[0].site)
            if not cued:
                self.point_by_what_was_seen()

    def add(self, seen: Sequence[SensorLooks], cued: bool) -> None:
        """Take in the sensors of one site."""
        for one in seen:
            number = self._number.setdefault(one.sensor, len(self._number))
            if self._keep:
                inward = {case: Looks(got.cell, got.pd[-1:].copy()) for case, got in one.by.items()}
                self._kept.append(replace(one, by=inward))
            for case, got in one.by.items():
                pd = got.pd * self._cue[case][got.cell] if cued else got.pd
                if not got.cell.size:
                    continue
                fused = self._fused[case]
                if one.places:
                    fused.add_placing(got.cell, pd, one.period_s, number)
                    continue
                fused.count(got.cell, pd[-1], one.period_s, number)
                self._add_directions(one, case, Looks(got.cell, pd))

    def _add_directions(self, one: SensorLooks, case: tuple[int, int], got: Looks) -> None:
        """Count a site's directions once, however many of its sensors give one."""
        key = (one.line, *case)
        before = np.zeros(got.cell.size, np.float32)
        known = self._directions.get(key)
        if known is not None:
            at = np.minimum(np.searchsorted(known.cell, got.cell), known.cell.size - 1)
            before = np.where(known.cell[at] == got.cell, known.pd[0, at], np.float32(0.0))
        self._fused[case].add_directions(got.cell, got.pd[-1], before, one.period_s)
        self._directions[key] = _either(known, got)

    def point_by_what_was_seen(self) -> None:
        """Keep how probably one look of the others shows a target: it points cued sensors."""
        for case, fused in self._fused.items():
            self._alone[case] = fused.inward()
            rate = self._alone[case].rate_per_s()
            self._uncued[case] = rate
            self._cue[case] = shown_by_a_look(rate, fused.look_s())

    def volume(self) -> Volume:
        """Return the sums as arrays."""
        work, fused = self._work, self._fused
        grid = work.grid
        shape = (len(work.heights_agl_m), len(work.kinds), *grid.shape)

        def array(of: Callable[[tuple[int, int]], Any]) -> Any:
            return np.stack([of(case) for case in work.cases]).reshape(shape)

        return Volume(
            grid=grid,
            heights_agl_m=np.array(work.heights_agl_m),
            classes=tuple(kind.name for kind in work.kinds),
            speeds_mps=np.array([kind.speed_mps for kind in work.kinds]),
            sensors=tuple(self._number),
            inward_per_s=array(lambda case: fused[case].inward().rate_per_s()),
            uncued_per_s=array(lambda case: self._uncued[case]),
            look_s=array(lambda case: fused[case].look_s()),
            pd=array(lambda case: 1.0 - fused[case].miss),
            seen_by=array(lambda case: fused[case].seen_by),
            best=array(lambda case: fused[case].best),
            looks=tuple(self._kept),
            fused=fused,
            alone=self._alone,
        )


def _either(one: Looks | None, other: Looks) -> Looks:
    """Return what at least one of two sensors sees, headings left out."""
    if one is None:
        return Looks(other.cell, other.pd[-1:])
    cell = np.union1d(one.cell, other.cell)
    miss = np.ones((1, cell.size), np.float32)
    for part in (one, other):
        miss[0, np.searchsorted(cell, part.cell)] *= 1.0 - part.pd[-1]
    return Looks(cell, 1.0 - miss)
