"""What each further sensor buys.

Two curves, told apart. ``nested``: one order of purchase, each step keeps what the step
before bought; so a planner who buys year by year goes. ``free``: the best choice for each
step by itself, which may sell what a smaller choice had. Nested lies below free; the
difference is the price of buying one by one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from sim.coverage.covering import Covering, reduce
from sim.coverage.covering_exact import cover_exact
from sim.coverage.covering_greedy import cover_greedy, greedy_orders
from sim.coverage.placement import (
    Clock,
    Effort,
    Limits,
    Options,
    Placement,
    Progress,
    Purse,
    silent,
)
from sim.coverage.raising import Paths, Weakest, raise_exact, raise_greedy, raise_orders


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a curve.

    Attributes
    ----------
    limits : of this step
    placement : the choice
    gain : value above that of the step before
    gain_per_cost : that gain over what the step costs more; NaN where it costs no more
    """

    limits: Limits
    placement: Placement
    gain: float
    gain_per_cost: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Both curves, a step each for the same limits."""

    nested: tuple[Step, ...]
    free: tuple[Step, ...]


def by_count(most: int, budget: float = math.inf) -> list[Limits]:
    """Return steps of 1, 2 … ``most`` sensors."""
    return [Limits(budget, count) for count in range(1, most + 1)]


def by_budget(budgets: Iterable[float], most: int | None = None) -> list[Limits]:
    """Return steps of these budgets."""
    return [Limits(float(budget), most) for budget in budgets]


def cover_curve(
    problem: Covering,
    options: Options,
    steps: Sequence[Limits],
    effort: Effort | None = None,
    progress: Progress = silent,
) -> Curve:
    """Return what each further sensor, or further budget, covers.

    Parameters
    ----------
    problem, options : as for ``cover_exact``
    steps : limits, each as wide as the one before or wider
    effort : for all steps together; when half of its time is over, the greedy choice is taken
    progress : called by the solvers and, as "curve", after each step

    Raises
    ------
    ValueError
        If the problem does not fit the options, a step is narrower than the one before, or
        the first budget pays for no option.
    """
    _require_widening(steps, options)
    orders = greedy_orders(reduce(problem, options, steps[-1]), options, steps[-1])
    return _curve(
        options,
        steps,
        max(orders.values(), key=problem.value),
        problem.value,
        lambda limits, part: cover_exact(problem, options, limits, part, progress),
        lambda limits, part: cover_greedy(problem, options, limits, part, progress),
        effort or Effort(),
        progress,
    )


def raise_curve(
    weakest: Weakest,
    options: Options,
    steps: Sequence[Limits],
    effort: Effort | None = None,
    progress: Progress = silent,
) -> Curve:
    """Return how far each further sensor, or further budget, raises the weakest path.

    Parameters and errors are those of ``cover_curve``, with the oracle of ``raise_exact``.
    All steps share the paths found.
    """
    _require_widening(steps, options)
    effort = effort or Effort()
    paths = Paths(weakest, options)
    quarter = replace(effort, time_s=effort.time_s / 4.0)
    orders, _ = raise_orders(paths, options, steps[-1], quarter, progress)
    return _curve(
        options,
        steps,
        max(orders.values(), key=paths.ask),
        paths.ask,
        lambda limits, part: raise_exact(weakest, options, limits, part, progress, paths),
        lambda limits, part: raise_greedy(weakest, options, limits, part, progress, paths),
        effort,
        progress,
    )


def _require_widening(steps: Sequence[Limits], options: Options) -> None:
    if not steps:
        raise ValueError("a curve has one step or more")
    for before, after in pairwise(steps):
        most = [math.inf if step.most is None else step.most for step in (before, after)]
        if after.budget < before.budget or most[1] < most[0]:
            raise ValueError(f"{after} is narrower than the step before, {before}")
    steps[0].usable(options)


def _curve(
    options: Options,
    steps: Sequence[Limits],
    order: Sequence[int],
    value: Callable[[Iterable[int]], float],
    exact: Callable[[Limits, Effort], Placement],
    greedy: Callable[[Limits, Effort], Placement],
    effort: Effort,
    progress: Progress,
) -> Curve:
    clock = Clock(effort.time_s)
    free: list[Placement] = []
    nested: list[Placement] = []
    for index, limits in enumerate(steps):
        late = clock.left_s < 0.5 * effort.time_s
        part = replace(effort, time_s=max(clock.left_s / (len(steps) - index), 0.5))
        found = (greedy if late else exact)(limits, part)
        kept = _beginning(order, options, limits)
        nested.append(_placed(found, kept, value(kept), options, "one order of purchase"))
        rivals = [nested[-1]]
        if free:
            last = free[-1]
            rivals.append(_placed(found, last.chosen, last.value, options, last.method))
        for rival in rivals:
            if rival.value > found.value:
                found = rival
        free.append(found)
        progress("curve", index + 1, found.bound, found.value)
    # What more could not attain, less cannot: bounds of later steps hold for earlier ones.
    for index in range(len(steps) - 2, -1, -1):
        bound, source = free[index + 1].bound, free[index + 1].bound_by
        if bound < free[index].bound:
            free[index] = replace(free[index], bound=bound, bound_by=source)
            nested[index] = replace(nested[index], bound=bound, bound_by=source)
    return Curve(_steps(steps, nested), _steps(steps, free))


def _beginning(order: Sequence[int], options: Options, limits: Limits) -> list[int]:
    """Return as much of an order of purchase as the limits allow."""
    purse = Purse(options, limits)
    for option in order:
        if not purse.fits[option]:
            break
        purse.take(option)
    return purse.chosen


def _placed(
    found: Placement, chosen: Iterable[int], value: float, options: Options, method: str
) -> Placement:
    """Return another choice within the same limits, under the bound found for them."""
    index = np.array(list(chosen), np.int64)
    return replace(
        found,
        chosen=index,
        value=value,
        bound=max(found.bound, value),
        cost_low=float(options.cost_low[index].sum()),
        cost_high=float(options.cost_high[index].sum()),
        method=method,
        share=None,
        share_by="",
    )


def _steps(limits: Sequence[Limits], placements: Sequence[Placement]) -> tuple[Step, ...]:
    value, cost = placements[0].base_value, 0.0
    steps = []
    for limit, placement in zip(limits, placements, strict=True):
        gain, more = placement.value - value, placement.cost - cost
        steps.append(Step(limit, placement, gain, gain / more if more > 0.0 else math.nan))
        value, cost = placement.value, placement.cost
    return tuple(steps)
