"""Maximal covering, one option after the other.

The gain taken is that of the covered weight where it is submodular, and otherwise of

    h(S) = Σ w min(1, Σ a_i),

the weight covered in part, which is submodular and never below the covered weight. Each
order is made by gain per cost and by gain, the best is kept. Options whose gain was large
before are looked at first and the others only if need be: a gain never grows (Minoux,
*Accelerated greedy algorithms*, 1978).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable

import numpy as np

from sim.core.programme import relaxed_bound
from sim.core.tables import Floats
from sim.coverage.covering import Covering, Reduced, reduce
from sim.coverage.covering_programme import relaxation_bound
from sim.coverage.placement import (
    Clock,
    Effort,
    Limits,
    Options,
    Placement,
    Progress,
    Purse,
    closed,
    silent,
)

_EPS = 1e-12


class _Shares:
    """How far each demand is covered as options are added."""

    def __init__(self, reduced: Reduced) -> None:
        self._share, self._weight = reduced.share, reduced.weight
        self._row = np.repeat(np.arange(self._share.shape[0]), np.diff(self._share.indptr))
        self.left = np.ones(reduced.weight.size)

    def gain(self, option: int) -> float:
        """Return what an option adds to the weight covered in part."""
        part = slice(self._share.indptr[option], self._share.indptr[option + 1])
        demand = self._share.indices[part]
        return float(self._weight[demand] @ np.minimum(self._share.data[part], self.left[demand]))

    def gains(self) -> tuple[Floats, Floats]:
        """Return what each option (N,) adds to the weight covered, and covered in part."""
        share, weight = self._share.data, self._weight[self._share.indices]
        left = self.left[self._share.indices]
        count = self._share.shape[0]
        whole = np.where((left > 0.0) & (share >= left - _EPS), weight, 0.0)
        in_part = weight * np.minimum(share, left)
        return (
            np.bincount(self._row, whole, count).astype(np.float64),
            np.bincount(self._row, in_part, count).astype(np.float64),
        )

    def add(self, option: int) -> None:
        """Add an option."""
        part = slice(self._share.indptr[option], self._share.indptr[option + 1])
        demand = self._share.indices[part]
        left = np.maximum(self.left[demand] - self._share.data[part], 0.0)
        self.left[demand] = np.where(left <= _EPS, 0.0, left)


def lazy_order(reduced: Reduced, options: Options, limits: Limits, by_cost: bool) -> list[int]:
    """Return options in order of their gain, or gain per cost, in weight covered in part."""
    state, purse = _Shares(reduced), Purse(options, limits)
    price = options.cost if by_cost else np.ones(len(options))
    heap = [(-float(gain) / price[i], i) for i, gain in enumerate(state.gains()[1]) if gain > 0.0]
    heapq.heapify(heap)
    fits = purse.fits
    while heap:
        _, option = heapq.heappop(heap)
        if not fits[option]:
            continue
        gain = -state.gain(option) / price[option]
        if heap and (gain, option) > heap[0]:
            if gain < 0.0:
                heapq.heappush(heap, (gain, option))
            continue
        if gain >= 0.0:
            break
        purse.take(option)
        state.add(option)
        fits = purse.fits
    return purse.chosen


def threshold_order(reduced: Reduced, options: Options, limits: Limits, by_cost: bool) -> list[int]:
    """Return options in order of their gain, or gain per cost, in weight covered.

    Such gains may grow, so all are looked at each time; equal ones are told apart by the
    weight covered in part.
    """
    state, purse = _Shares(reduced), Purse(options, limits)
    price = options.cost if by_cost else np.ones(len(options))
    while True:
        whole, part = state.gains()
        able = np.flatnonzero(purse.fits & (part > 0.0))
        if not able.size:
            return purse.chosen
        best = np.lexsort((able, -part[able] / price[able], -whole[able] / price[able]))[0]
        purse.take(int(able[best]))
        state.add(int(able[best]))


def online_bound(
    reduced: Reduced, options: Options, limits: Limits, chosen: Iterable[int], time_s: float
) -> float:
    """Return a bound of the weight covered by any choice, from the gains left after one.

    Leskovec et al., *Cost-effective outbreak detection in networks*, KDD 2007: no choice
    exceeds h(S) plus the best that the gains left could add within the limits, in parts.
    """
    state = _Shares(reduced)
    for option in chosen:
        state.add(option)
    gains = state.gains()[1]
    columns = np.flatnonzero(gains > 0.0)
    covered = reduced.base_value + float(reduced.weight @ (1.0 - state.left))
    if not columns.size:
        return covered
    rows, upper = limits.rows(options, columns)
    return covered + relaxed_bound(gains[columns], rows, upper, np.ones(columns.size), time_s)


def guarantee(reduced: Reduced, options: Options, limits: Limits) -> tuple[float | None, str]:
    """Return the share of the best gain that the best greedy order attains, and its source."""
    if not reduced.submodular:
        return None, "none: with exposures added up to a threshold, gains may grow (not submodular)"
    cost = options.cost[limits.usable(options)]
    even = bool(np.ptp(cost) <= 1e-12 * cost.max())
    by_count = even or cost.sum() <= limits.ceiling
    grouped = np.unique(options.group).size < len(options)
    if by_count and not grouped:
        return 1.0 - math.exp(-1.0), "1 − 1/e: Nemhauser, Wolsey, Fisher 1978"
    if by_count:
        return 0.5, "1/2: Fisher, Nemhauser, Wolsey 1978, for a matroid"
    if not grouped and (limits.most is None or limits.most >= cost.size):
        return 0.5 * (1.0 - math.exp(-1.0)), "½ (1 − 1/e): Khuller, Moss, Naor 1999"
    return None, "none known to hold for a budget with groups or a number of sensors besides"


def greedy_orders(reduced: Reduced, options: Options, limits: Limits) -> dict[str, list[int]]:
    """Return options in the order of choice, by the name of the rule."""
    rules = [(lazy_order, "" if reduced.submodular else " in part")]
    if not reduced.submodular:
        rules.append((threshold_order, ""))
    return {
        f"greedy by gain{of}{per}": rule(reduced, options, limits, bool(per))
        for rule, of in rules
        for per in ("", " per cost")
    }


def cover_greedy(
    problem: Covering,
    options: Options,
    limits: Limits,
    effort: Effort | None = None,
    progress: Progress = silent,
) -> Placement:
    """Return the best of the greedy orders and of the best single option, with its bound.

    The bound is the online bound, the least of those of the order's beginnings, or where
    gains may grow that of the linear relaxation if it is lower and there is time for it.

    Raises
    ------
    ValueError
        If the problem does not fit the options or the budget pays for none.
    """
    clock = Clock((effort or Effort()).time_s)
    reduced = reduce(problem, options, limits)
    orders = greedy_orders(reduced, options, limits)
    whole = np.where(limits.usable(options), _Shares(reduced).gains()[0], -1.0)
    if whole.max() > 0.0:
        orders["best single option"] = [int(whole.argmax())]
    values = {name: problem.value(order) for name, order in orders.items()}
    method = max(values, key=lambda name: values[name])
    value = values[method]
    longest = max(orders.values(), key=len)
    bound, bound_by = math.inf, "online bound"
    for count in range(len(longest) + 1):
        if count and not clock.left_s:
            break
        least = max(clock.left_s, 1.0)
        bound = min(bound, online_bound(reduced, options, limits, longest[:count], least))
        progress("bound", count, bound, value)
    if not reduced.submodular and clock.left_s:
        relaxed = relaxation_bound(reduced, options, limits, clock.left_s)
        progress("relaxation", 1, relaxed, value)
        if relaxed < bound:
            bound, bound_by = relaxed, "linear relaxation"
    chosen = orders[method] if reduced.submodular else problem.trim(orders[method])
    index = np.array(chosen, np.int64)
    share, share_by = guarantee(reduced, options, limits)
    return Placement(
        index,
        value,
        reduced.base_value,
        closed(bound, value),
        float(options.cost_low[index].sum()),
        float(options.cost_high[index].sum()),
        method,
        bound_by,
        share,
        share_by,
    )
