"""Which of a scenario's candidate sites to build: the network as a problem of placement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sim.core.tables import Bools, Floats, Indices
from sim.coverage.confirmation import ConfirmationTable
from sim.coverage.costs import Range, cost_of_site
from sim.coverage.covering import Covering, threshold
from sim.coverage.covering_exact import cover_exact
from sim.coverage.exchange import (
    NOTHING,
    Remembered,
    Value,
    improved,
    order_of_purchase,
    useful_order,
    without_idle,
)
from sim.coverage.fusing import Floats32
from sim.coverage.grid import Grid
from sim.coverage.line import Confirming
from sim.coverage.marginal import Curve, by_count, cover_curve, raise_curve
from sim.coverage.network import Progress as Building
from sim.coverage.network import silent as unseen
from sim.coverage.placement import Effort, Limits, Options, Placement, Progress, silent
from sim.coverage.raising import raise_exact
from sim.coverage.stage import Stage
from sim.coverage.together import Together, Worth, covered_share, way_in, worth_of
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
    together : computes what a choice sees
    """

    sites: tuple[Candidate, ...]
    options: Options
    before: Volume
    more_per_s: Floats
    together: Together

    def names(self, chosen: Sequence[int]) -> list[str]:
        """Return the ids of a choice."""
        return [self.sites[int(i)].id for i in chosen]

    def seen_with(self, chosen: Iterable[int]) -> Volume:
        """Return what stands and a choice see together."""
        return self.together.volume(self.names(sorted(chosen)))

    def cost_keur(self, chosen: Iterable[int]) -> Range:
        """Return lowest and highest cost of a choice."""
        index = np.array(sorted(chosen), np.int64)
        low, high = self.options.cost_low[index].sum(), self.options.cost_high[index].sum()
        return float(low), float(high)


@dataclass(frozen=True, slots=True)
class Bought:
    """One line of what further sites buy.

    Attributes
    ----------
    chosen : all sites so far, as ``Candidates.sites`` numbers them
    worth : with them, computed anew with all sensors
    cost_keur : of all of them, lowest and highest
    """

    chosen: tuple[int, ...]
    worth: Worth
    cost_keur: Range


@dataclass(frozen=True, slots=True)
class Plan:
    """A choice of candidate sites.

    Attributes
    ----------
    objective : what was asked for
    promised : the solver's choice, its value and what no choice exceeds, both counting what
        each site adds by itself
    before, after : the network that stands, and that with the choice, computed anew
    one_by_one : the choice, in the order of what each site then buys for its cost
    each_anew : the choice for each number of sites by itself, the last the one proposed
    """

    objective: Literal["cover", "weakest"]
    promised: Placement
    before: Worth
    after: Bought
    one_by_one: tuple[Bought, ...]
    each_anew: tuple[Bought, ...]


def candidates_of(
    stage: Stage, grid: Grid, condition: Condition, headings: int = 1, progress: Building = unseen
) -> Candidates:
    """Return what the scenario's candidate sites would add.

    Sensors that give directions only add what they see together with those that stand: pairs
    among candidates are counted when a choice is computed anew, not by the solver.

    Raises
    ------
    ValueError
        If there are no candidate sites.
    """
    sites = stage.spec.coverage.candidates
    if not sites:
        raise ValueError("there are no candidate sites: give coverage.candidates")
    together = Together(stage, grid, condition, headings, progress)
    before = together.volume([])
    more = np.zeros((len(sites), *before.inward_per_s.shape))
    for row, site in enumerate(sites):
        more[row] = together.volume([site.id]).inward_per_s - before.inward_per_s
    costs = np.array([cost_of_site(site) for site in sites])
    places = [site.place or site.id for site in sites]
    group = np.unique(places, return_inverse=True)[1]
    options = Options.of(costs[:, 0], costs[:, 1], group)
    return Candidates(sites, options, before, np.maximum(more, 0.0), together)


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
    effort = effort or Effort()
    half = replace(effort, time_s=0.5 * effort.time_s)
    problem = covering_of(found, within_s, required, rule)
    promised = cover_exact(problem, found.options, limits, half, progress)
    steps = by_count(max(1, limits.count(found.options)), limits.budget)
    curve = cover_curve(problem, found.options, steps, half, progress)
    share = 1.0 / problem.weight.size
    scaled = replace(
        promised,
        value=promised.value * share,
        base_value=promised.base_value * share,
        bound=promised.bound * share,
    )

    def value(chosen: tuple[int, ...]) -> float:
        return covered_share(found.seen_with(chosen), within_s, required, rule)

    return _plan("cover", stage, found, limits, rule, scaled, curve, value, half, progress)


def plan_weakest(
    stage: Stage,
    found: Candidates,
    limits: Limits,
    rule: Confirming,
    effort: Effort | None = None,
    progress: Progress = silent,
) -> Plan:
    """Return the choice that raises the weakest way through most, over all heights and classes.

    Raises
    ------
    ValueError
        If the budget pays for no candidate.
    """
    settings = stage.spec.coverage
    effort = effort or Effort()
    half = replace(effort, time_s=0.5 * effort.time_s)
    oracle = _Oracle(found)
    promised = raise_exact(oracle, found.options, limits, half, progress)
    steps = by_count(max(1, limits.count(found.options)), limits.budget)
    curve = raise_curve(oracle, found.options, steps, half, progress)

    def value(chosen: tuple[int, ...]) -> float:
        seen = found.seen_with(chosen)
        return worth_of(seen, settings.track_within_s, settings.required, rule).exposure

    return _plan("weakest", stage, found, limits, rule, promised, curve, value, half, progress)


def _plan(
    objective: Literal["cover", "weakest"],
    stage: Stage,
    found: Candidates,
    limits: Limits,
    rule: Confirming,
    promised: Placement,
    curve: Curve,
    value: Value,
    effort: Effort,
    progress: Progress,
) -> Plan:
    """Return what a solver's choice and curve come to when all sensors are counted together."""
    settings = stage.spec.coverage
    known = Remembered(value)

    def bought(chosen: Sequence[int]) -> Bought:
        worth = worth_of(found.seen_with(chosen), settings.track_within_s, settings.required, rule)
        return Bought(tuple(int(i) for i in chosen), worth, found.cost_keur(chosen))

    def note(tried: int, best: float) -> None:
        progress("together", tried, promised.bound, best)

    solved = useful_order([int(i) for i in curve.nested[-1].placement.chosen], known)
    free = [[int(i) for i in step.placement.chosen] for step in curve.free]
    free = [without_idle(chosen, found.options, known) for chosen in free]
    start = max([[int(i) for i in promised.chosen], solved, *free], key=known)
    proposed = improved(start, found.options, limits, known, effort.time_s, note)
    one_by_one = order_of_purchase(proposed, found.options, known)
    orders = (solved, one_by_one)
    rivals = [*free, *(order[: n + 1] for order in orders for n in range(len(order)))]
    anew: list[Sequence[int]] = []
    for count in range(1, len(proposed)):
        few = [chosen for chosen in rivals if len(chosen) == count]
        best = max(few, key=known, default=[])
        if known(best) > known(anew[-1] if anew else []) + NOTHING:
            anew.append(best)
    if proposed:
        anew.append(proposed)
    return Plan(
        objective,
        promised,
        bought([]).worth,
        bought(proposed),
        tuple(bought(one_by_one[: n + 1]) for n in range(len(one_by_one))),
        tuple(bought(chosen) for chosen in anew),
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
            way = way_in(volume, rate.astype(np.float32), speed_mps)
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
