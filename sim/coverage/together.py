"""What stands and a choice of candidate sites see together: looks are computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.coverage.confirmation import ConfirmationTable
from sim.coverage.fusing import Floats32
from sim.coverage.grid import Grid
from sim.coverage.line import Confirming
from sim.coverage.network import Look, Network, Progress, by_site, silent
from sim.coverage.paths import Crossing, weakest_crossing
from sim.coverage.stage import Stage
from sim.coverage.volume import SensorLooks, Volume
from sim.coverage.weakest import tracked_on
from sim.scenario.coverage_spec import Condition


class Together:
    """The network that stands, and looks of every candidate site to add to it.

    Sensors that have to be pointed are pointed by all that are there: a radar bought makes a
    camera that stands more useful.

    Parameters
    ----------
    stage, grid, condition, headings : what, where and in which weather, as for ``compute``
    progress : told of candidate sites
    """

    def __init__(
        self,
        stage: Stage,
        grid: Grid,
        condition: Condition,
        headings: int = 1,
        progress: Progress = silent,
    ) -> None:
        settings = stage.spec.coverage
        look = Look.on(stage, grid, condition, settings.heights_agl_m, settings.classes, headings)
        standing = [one for one in stage.sensors if not one.candidate]
        sites = settings.candidates
        steps = len(standing) + len(sites)
        self._network = Network(look, [one.id for one in standing])
        self._pointed: list[list[SensorLooks]] = []
        done = 0
        for cued in (False, True):
            for site in by_site([one for one in standing if one.cued == cued]):
                seen = look.of_site(site)
                if cued:
                    self._pointed.append(seen)
                else:
                    self._network.add(seen, cued=False)
                done += len(site)
                progress(done, steps, site[0].site)
        self._bought: dict[str, dict[bool, list[SensorLooks]]] = {}
        for row, candidate in enumerate(sites, 1):
            sensors = [one for one in stage.sensors if one.candidate and one.site == candidate.id]
            self._bought[candidate.id] = {
                cued: look.of_site([one for one in sensors if one.cued == cued])
                for cued in (False, True)
            }
            progress(done + row, steps, candidate.id)

    def volume(self, sites: Sequence[str]) -> Volume:
        """Return what is seen with these candidate sites built."""
        network = self._network.copy()
        bought = [self._bought[name] for name in sites]
        for seen in bought:
            network.add(seen[False], cued=False)
        network.point_by_what_was_seen()
        for pointed in [*self._pointed, *(seen[True] for seen in bought)]:
            network.add(pointed, cued=True)
        return network.volume()


@dataclass(frozen=True, slots=True)
class Worth:
    """What a network is worth.

    Attributes
    ----------
    covered : share of all cells, heights and classes
    exposure : of the weakest way in, over all heights and classes
    tracked : probability of a confirmed track on that way
    height_agl_m, target_class : of what comes that way
    """

    covered: float
    exposure: float
    tracked: float
    height_agl_m: float
    target_class: str

    @property
    def seen(self) -> float:
        """Probability that a target on the weakest way is placed at all."""
        return float(-np.expm1(-self.exposure))


def covered_share(volume: Volume, within_s: float, required: float, rule: Confirming) -> float:
    """Return the share of cells, heights and classes where a track is confirmed in time."""
    most = int(within_s / float(volume.look_s.min())) + 1
    table = ConfirmationTable(rule.hits, rule.looks, most)
    return float((volume.tracked(within_s, table) >= required).mean())


def worth_of(volume: Volume, within_s: float, required: float, rule: Confirming) -> Worth:
    """Return what a network is worth."""
    covered = covered_share(volume, within_s, required, rule)
    best: Worth | None = None
    for h, k in np.ndindex(volume.inward_per_s.shape[:2]):
        rate = volume.inward_per_s[h, k]
        way = way_in(volume, rate, float(volume.speeds_mps[k]))
        if best is not None and way.exposure >= best.exposure:
            continue
        tracked, _ = tracked_on(volume, rate[None], way.cells, h, k, rule)
        best = Worth(
            covered,
            float(way.exposure),
            tracked,
            float(volume.heights_agl_m[h]),
            volume.classes[k],
        )
    if best is None:
        raise ValueError("no height and no class")
    return best


def way_in(volume: Volume, rate_per_s: Floats32, speed_mps: float) -> Crossing:
    """Return the weakest way in: across a band, or from a square's rim to its middle."""
    grid = volume.grid
    east_m, north_m = (np.ascontiguousarray(grid.plane_m[:, :, axis]) for axis in (0, 1))
    starts = goals = None
    if grid.kind == "square":
        starts = np.zeros(grid.shape, bool)
        starts[0], starts[-1], starts[:, 0], starts[:, -1] = True, True, True, True
        goals = np.zeros(grid.shape, bool)
        goals[tuple(size // 2 for size in grid.shape)] = True
    return weakest_crossing(
        rate_per_s[None], east_m, north_m, speed_mps=speed_mps, neighbours=16,
        starts=starts, goals=goals,
    )  # fmt: skip
