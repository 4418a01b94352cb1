"""Which of a scenario's candidate sites to build: the network as a problem of placement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.core.tables import Bools, Floats, Indices
from sim.coverage.confirmation import ConfirmationTable
from sim.coverage.costs import cost_of_site
from sim.coverage.covering import Covering, threshold
from sim.coverage.covering_exact import cover_exact
from sim.coverage.fusing import Floats32
from sim.coverage.grid import Grid
from sim.coverage.line import Confirming
from sim.coverage.marginal import Curve, by_count, cover_curve, raise_curve
from sim.coverage.network import Look, Network
from sim.coverage.network import Progress as Building
from sim.coverage.network import silent as unseen
from sim.coverage.paths import Crossing, weakest_crossing
from sim.coverage.placement import Effort, Limits, Options, Placement, Progress, silent
from sim.coverage.raising import raise_exact
from sim.coverage.stage import Placed, Stage
from sim.coverage.volume import Volume
from sim.scenario.coverage_spec import Candidate, Condition

#: Steps of the search for the rate that is enough.
_HALVINGS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What may be bought, and what each would add to the network that stands.

    Attributes
    ----------
    sites : N candidate sites
    options : their costs, thousands of euros; those of one place exclude each other
    before : the network that stands
    more_per_s : (N, H, K, R, C) rate that each adds by itself
    """

    sites: tuple[Candidate, ...]
    options: Options
    before: Volume
    more_per_s: Floats

    def names(self, chosen: Sequence[int]) -> list[str]:
        """Return the ids of a choice."""
        return [self.sites[int(i)].id for i in chosen]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A choice of candidate sites.

    Attributes
    ----------
    placement : the choice, its value and what no choice exceeds
    curve : what each further sensor buys
    before, after : the value of the network that stands, and of the one with the choice,
        computed anew with all its sensors
    unit : of these values
    """

    placement: Placement
    curve: Curve
    before: float
    after: float
    unit: str


def candidates_of(
    stage: Stage, grid: Grid, condition: Condition, headings: int = 1, progress: Building = unseen
) -> Candidates:
    """Return what the scenario's candidate sites would add.

    Sensors that give directions only add what they see together with those that stand: pairs
    among candidates are counted when the choice is computed anew, not while choosing.

    Raises
    ------
    ValueError
        If there are no candidate sites.
    """
    sites = stage.spec.coverage.candidates
    if not sites:
        raise ValueError("there are no candidate sites: give coverage.candidates")
    settings = stage.spec.coverage
    look = Look.on(stage, grid, condition, settings.heights_agl_m, settings.classes, headings)
    standing = [one for one in stage.sensors if not one.candidate]
    network = Network(look, [one.id for one in standing])
    network.add_all(standing, progress=progress)
    before = network.volume()
    more = np.zeros((len(sites), *before.inward_per_s.shape))
    for row, site in enumerate(sites):
        more[row] = _with(network, stage, [site]).inward_per_s - before.inward_per_s
        progress(row + 1, len(sites), site.id)
    costs = np.array([cost_of_site(site) for site in sites])
    places = [site.place or site.id for site in sites]
    group = np.unique(places, return_inverse=True)[1]
    return Candidates(
        sites, Options.of(costs[:, 0], costs[:, 1], group), before, np.maximum(more, 0.0)
    )


def _with(network: Network, stage: Stage, sites: Sequence[Candidate]) -> Volume:
    """Return what a network sees together with candidate sites."""
    names = {site.id for site in sites}
    bought: list[Placed] = [one for one in stage.sensors if one.candidate and one.site in names]
    together = network.copy()
    together.add_all(bought)
    return together.volume()


def enough_per_s(
    look_s: Floats | Floats32, within_s: float, required: float, rule: Confirming
) -> Floats:
    """Return the rate at which a track is confirmed in time with the required probability.

    Parameters
    ----------
    look_s : period of looks, of any shape; infinite where even sure looks are too few
    """
    periods = np.unique(look_s)
    most = int(within_s / periods.min()) + 1
    table = ConfirmationTable(rule.hits, rule.looks, most)
    rates = np.empty(periods.size)
    for i, period_s in enumerate(periods):
        low, high = 0.0, 1.0
        if table(high, within_s / period_s) < required:
            rates[i] = np.inf
            continue
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            if table(middle, within_s / period_s) < required:
                low = middle
            else:
                high = middle
        rates[i] = -np.log1p(-min(high, 1.0 - 1e-9)) / period_s
    enough: Floats = rates[np.searchsorted(periods, look_s)]
    return enough


def covering_of(found: Candidates, within_s: float, required: float, rule: Confirming) -> Covering:
    """Return the problem of covering most cells, heights and classes, each of weight 1.

    A cell is covered where the rates of all that see it add up to what is enough.
    """
    from scipy.sparse import csr_array  # slow to import

    enough = enough_per_s(found.before.look_s, within_s, required, rule).ravel()
    possible = np.isfinite(enough)
    scale = np.where(possible, threshold(required) / np.where(possible, enough, 1.0), 0.0)
    return Covering.of(
        np.ones(enough.size),
        found.before.inward_per_s.ravel() * scale,
        csr_array(found.more_per_s.reshape(len(found.sites), -1) * scale),
        p_required=required,
    )


def plan_cover(
    stage: Stage,
    found: Candidates,
    condition: Condition,
    limits: Limits,
    rule: Confirming,
    effort: Effort | None = None,
    progress: Progress = silent,
) -> Plan:
    """Return the choice that covers most cells, heights and classes.

    Raises
    ------
    ValueError
        If the budget pays for no candidate.
    """
    settings = stage.spec.coverage
    within_s, required = settings.track_within_s, settings.required
    problem = covering_of(found, within_s, required, rule)
    chosen = cover_exact(problem, found.options, limits, effort, progress)
    steps = by_count(max(1, limits.count(found.options)), limits.budget)
    curve = cover_curve(problem, found.options, steps, effort, progress)
    share = 100.0 / problem.weight.size
    anew = _anew(stage, found, condition, chosen)
    table = ConfirmationTable(
        rule.hits, rule.looks, int(within_s / min(found.before.look_s.min(), anew.look_s.min())) + 1
    )
    return Plan(
        _scaled(chosen, share),
        curve,
        100.0 * float((found.before.tracked(within_s, table) >= required).mean()),
        100.0 * float((anew.tracked(within_s, table) >= required).mean()),
        "% of all cells, heights and classes",
    )


def plan_weakest(
    stage: Stage,
    found: Candidates,
    condition: Condition,
    limits: Limits,
    effort: Effort | None = None,
    progress: Progress = silent,
) -> Plan:
    """Return the choice that raises the weakest way through most, over all heights and classes.

    Raises
    ------
    ValueError
        If the budget pays for no candidate.
    """
    oracle = _Oracle(found)
    chosen = raise_exact(oracle, found.options, limits, effort, progress)
    steps = by_count(max(1, limits.count(found.options)), limits.budget)
    curve = raise_curve(oracle, found.options, steps, effort, progress)
    after = _anew(stage, found, condition, chosen)
    return Plan(
        chosen, curve, _weakest(found.before), _weakest(after), "exposure of the weakest way"
    )


def _anew(stage: Stage, found: Candidates, condition: Condition, chosen: Placement) -> Volume:
    """Return what stands and the choice see together."""
    settings, grid = stage.spec.coverage, found.before.grid
    look = Look.on(stage, grid, condition, settings.heights_agl_m, settings.classes, 1)
    names = set(found.names(chosen.chosen.tolist()))
    sensors = [one for one in stage.sensors if not one.candidate or one.site in names]
    network = Network(look, [one.id for one in sensors])
    network.add_all(sensors)
    return network.volume()


def _scaled(placement: Placement, factor: float) -> Placement:
    return replace(
        placement,
        value=placement.value * factor,
        base_value=placement.base_value * factor,
        bound=placement.bound * factor,
    )


class _Oracle:
    """The weakest way through with a choice of options: what all that see it contribute."""

    def __init__(self, found: Candidates) -> None:
        self._found = found

    def __call__(self, chosen: Bools) -> tuple[float, Floats]:
        """Return what stands contributes along that way, and each option (N,)."""
        volume, more = self._found.before, self._found.more_per_s
        weakest: tuple[float, float, Floats] | None = None
        for h, k in np.ndindex(volume.inward_per_s.shape[:2]):
            speed_mps = float(volume.speeds_mps[k])
            base = volume.inward_per_s[h, k].astype(float)
            rate = base + more[chosen, h, k].sum(axis=0)
            way = _way(volume, rate, speed_mps)
            exposure = way.exposure
            if weakest is None or exposure < weakest[0]:
                seconds = _seconds(volume.grid, way.cells, speed_mps)
                row, column = way.cells.T
                own = float(base[row, column] @ seconds)
                weakest = exposure, own, more[:, h, k, row, column] @ seconds
        if weakest is None:
            raise ValueError("no height and no class")
        return weakest[1], weakest[2]


def _seconds(grid: Grid, cells: Indices, speed_mps: float) -> Floats:
    """Return for how long (L,) a way stays in each of its cells: half of either step."""
    step = np.diff(grid.plane_m[cells[:, 0], cells[:, 1]], axis=0)
    half = 0.5 * np.hypot(step[:, 0], step[:, 1]) / speed_mps
    seconds: Floats = np.append(half, 0.0) + np.append(0.0, half)
    return seconds


def _way(volume: Volume, rate: Floats, speed_mps: float) -> Crossing:
    grid = volume.grid
    east_m, north_m = (np.ascontiguousarray(grid.plane_m[:, :, axis]) for axis in (0, 1))
    starts = goals = None
    if grid.kind == "square":  # from anywhere outside to the middle
        starts = np.zeros(grid.shape, bool)
        starts[0], starts[-1], starts[:, 0], starts[:, -1] = True, True, True, True
        goals = np.zeros(grid.shape, bool)
        goals[tuple(size // 2 for size in grid.shape)] = True
    return weakest_crossing(
        rate[None], east_m, north_m, speed_mps=speed_mps, neighbours=16, starts=starts, goals=goals
    )


def _weakest(volume: Volume) -> float:
    return min(
        float(_way(volume, volume.inward_per_s[h, k].astype(float), speed).exposure)
        for k, speed in enumerate(volume.speeds_mps.tolist())
        for h in range(len(volume.heights_agl_m))
    )
