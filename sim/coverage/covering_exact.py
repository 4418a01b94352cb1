"""Maximal covering exactly, or as near as time allows, with the certified gap.

The tree of choices is searched first, then the mixed-integer programme has the time that is
left; the lesser bound counts. Where the covered weight is submodular the programme is soon
solved and the search is brief. Where exposures add up to a threshold the programme's
relaxation is weak and the search has most of the time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.core.programme import maximise
from sim.coverage.covering import Covering, Reduced, reduce
from sim.coverage.covering_greedy import cover_greedy
from sim.coverage.covering_programme import CoverProgramme
from sim.coverage.covering_search import Found, search
from sim.coverage.placement import (
    Clock,
    Effort,
    Limits,
    Options,
    Placement,
    Progress,
    closed,
    silent,
)

#: Shares of the time for the greedy choice's bound, and for the programme after the search.
_GREEDY_SHARE = 0.1
_PROGRAMME_SHARE = 0.2
#: Nodes of a brief search.
_BRIEF_NODES = 300


def cover_exact(
    problem: Covering,
    options: Options,
    limits: Limits,
    effort: Effort | None = None,
    progress: Progress = silent,
) -> Placement:
    """Return the choice that covers most, with the certified gap.

    The value is counted from the data, not taken from the solver. When time or nodes run
    out, the best choice and the least bound so far are returned.

    Raises
    ------
    ValueError
        If the problem does not fit the options or the budget pays for none.
    RuntimeError
        If the solver fails or contradicts the data.
    """
    effort = effort or Effort()
    clock = Clock(effort.time_s)
    reduced = reduce(problem, options, limits)
    quick = replace(effort, time_s=_GREEDY_SHARE * effort.time_s)
    best = replace(cover_greedy(problem, options, limits, quick, progress), share=None, share_by="")
    if not best.proven:
        best = _searched(best, problem, reduced, options, limits, effort, clock, progress)
    if not best.proven:
        best = _programmed(best, problem, reduced, options, limits, effort, clock)
    best = replace(best, bound=closed(best.bound, best.value), stopped=not best.proven)
    progress("exact", 1, best.bound, best.value)
    return best


def _searched(
    best: Placement,
    problem: Covering,
    reduced: Reduced,
    options: Options,
    limits: Limits,
    effort: Effort,
    clock: Clock,
    progress: Progress,
) -> Placement:
    """Return what the search of the tree of choices makes of a placement."""
    start = Found(best.chosen.tolist(), best.value, best.bound)
    until_left_s = _PROGRAMME_SHARE * effort.time_s
    nodes = effort.nodes
    if reduced.submodular:
        nodes = min(nodes or _BRIEF_NODES, _BRIEF_NODES)
    found = search(reduced, options, limits, start, clock, until_left_s, nodes, progress)
    if found.bound < best.bound:
        best = replace(best, bound=found.bound, bound_by="search")
    return _better(best, problem, options, limits, found.chosen, "search")


def _programmed(
    best: Placement,
    problem: Covering,
    reduced: Reduced,
    options: Options,
    limits: Limits,
    effort: Effort,
    clock: Clock,
) -> Placement:
    """Return what the mixed-integer programme makes of a placement."""
    programme = CoverProgramme(reduced, options, limits)
    solved = maximise(
        programme.gain,
        programme.rows,
        programme.upper,
        programme.whole,
        np.ones(programme.gain.size),
        max(clock.left_s, 0.1),
        effort.nodes,
    )
    bound = reduced.base_value + programme.scale * solved.bound
    if bound < best.bound:
        best = replace(best, bound=bound, bound_by="mixed-integer programme")
    if solved.values is None:
        return best
    taken = programme.columns[solved.values[: programme.columns.size] > 0.5]
    return _better(best, problem, options, limits, taken.tolist(), "mixed-integer programme")


def _better(
    best: Placement,
    problem: Covering,
    options: Options,
    limits: Limits,
    chosen: list[int],
    method: str,
) -> Placement:
    """Return the better of a placement and another choice, counted from the data."""
    value = problem.value(chosen)
    if value <= best.value or not limits.hold(options, chosen):
        return best
    index = np.sort(np.array(problem.trim(chosen), np.int64))
    return replace(
        best,
        chosen=index,
        value=value,
        cost_low=float(options.cost_low[index].sum()),
        cost_high=float(options.cost_high[index].sum()),
        method=method,
    )
