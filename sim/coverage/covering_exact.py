"""Maximal covering exactly, or as near as time allows, with the certified gap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from sim.coverage.covering import Covering, reduce
from sim.coverage.covering_greedy import cover_greedy
from sim.coverage.covering_programme import CoverProgramme
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
from sim.coverage.programme import maximise


def cover_exact(
    problem: Covering,
    options: Options,
    limits: Limits,
    effort: Effort | None = None,
    progress: Progress = silent,
) -> Placement:
    """Return the choice that covers most, with the certified gap.

    The value is counted from the data, not taken from the solver. When time or nodes run
    out, the better of the solver's choice and the greedy one, with the best bound known.

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
    # At most a third of the time goes into the greedy choice's bound.
    start = cover_greedy(problem, options, limits, Effort(effort.time_s / 3.0), progress)
    if start.proven or not reduced.weight.size:
        return replace(start, share=None, share_by="")
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
    best = replace(start, share=None, share_by="", stopped=not solved.complete)
    if bound < start.bound:
        best = replace(best, bound=bound, bound_by="branch and bound")
    if solved.values is not None:
        taken = solved.values[: programme.columns.size] > 0.5
        chosen = np.array(problem.trim(programme.columns[taken].tolist()), np.int64)
        value = problem.value(chosen)
        if limits.hold(options, chosen) and value >= best.value:
            best = replace(
                best,
                chosen=chosen,
                value=value,
                cost_low=float(options.cost_low[chosen].sum()),
                cost_high=float(options.cost_high[chosen].sum()),
                method="mixed-integer programme",
            )
    best = replace(best, bound=closed(best.bound, best.value))
    progress("exact", 1, best.bound, best.value)
    return best
