"""Maximal covering by branch and bound, for exposures added up to a threshold.

There the linear relaxation says little: it covers every demand in part. Searched instead is
the tree of choices, the most promising first. With S chosen and r more allowed, option i
can add at most

    Δ_i = Σ w_j min(a_ij / (1 − Σ_S a_j), 1)   over demands j that r options can still cover,

only those that it covers by itself if r = 1: a knapsack-cover inequality for each demand
(Wolsey 1975; Carr, Fleischer, Leung, Phillips 2000). What r options add is at most the sum
of the r largest Δ, one of a group, and the fractional knapsack of Δ under the budget left.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np

from sim.core.tables import Floats, Indices
from sim.coverage.covering import Reduced
from sim.coverage.placement import Clock, Limits, Options, Progress

_EPS = 1e-12


@dataclass(frozen=True, slots=True)
class Found:
    """The best choice, what it covers, and what no choice exceeds."""

    chosen: list[int]
    value: float
    bound: float


@dataclass(frozen=True, slots=True)
class _Node:
    """Options taken, those still open, what is covered, what that could become, and by which."""

    chosen: tuple[int, ...]
    open: Indices
    value: float
    bound: float
    branch: int


class _Search:
    def __init__(self, reduced: Reduced, options: Options, limits: Limits) -> None:
        self._reduced, self._limits = reduced, limits
        self._share, self._cost, self._group = reduced.share, options.cost, options.group

    def root(self) -> _Node:
        return self.node((), np.flatnonzero(np.diff(self._share.indptr) > 0))

    def children(self, node: _Node) -> tuple[_Node, _Node]:
        """Return the node with its branching option taken, and left out."""
        others = node.open[node.open != node.branch]
        apart = others[self._group[others] != self._group[node.branch]]
        return self.node((*node.chosen, node.branch), apart), self.node(node.chosen, others)

    def node(self, chosen: tuple[int, ...], open_: Indices) -> _Node:
        """Return the node, with options left out that no longer fit."""
        taken = np.array(chosen, np.int64)
        purse = self._limits.ceiling - float(self._cost[taken].sum())
        open_ = open_[self._cost[open_] <= purse]
        most = math.inf if self._limits.most is None else self._limits.most - taken.size
        cheapest = np.cumsum(np.sort(self._cost[open_]))
        count = int(min(np.searchsorted(cheapest, purse, side="right"), most))
        left = 1.0 - self._share[taken].sum(axis=0)
        left[left <= _EPS] = 0.0
        weight = self._reduced.weight
        value = self._reduced.base_value + float(weight[left == 0.0].sum())
        if not count or not open_.size:
            return _Node(chosen, open_[:0], value, value, -1)
        gain, ceiling = self._gains(open_, left, count)
        order = np.lexsort((open_, -gain / self._cost[open_]))
        more = min(
            ceiling,
            self._largest(gain, open_, count),
            _knapsack(gain[order], self._cost[open_[order]], purse),
        )
        return _Node(chosen, open_, value, value + more, int(open_[gain.argmax()]))

    def _gains(self, open_: Indices, left: Floats, count: int) -> tuple[Floats, float]:
        """Return Δ of the open options, and the weight that can still be covered."""
        rows = self._share[open_]
        need = left[rows.indices]
        part = np.flatnonzero(need > 0.0)
        share, demand, need = rows.data[part], rows.indices[part], need[part]
        if count == 1:
            credit = (share >= need - _EPS).astype(np.float64)
        else:
            credit = _credit(share / need, demand, left.size)
            largest, total = np.zeros(left.size), np.bincount(demand, share, left.size)
            np.maximum.at(largest, demand, share)
            able = (np.minimum(count * largest, total) >= left - 1e-9)[demand]
            credit[~able] = 0.0
        weight = self._reduced.weight
        row = np.repeat(np.arange(open_.size), np.diff(rows.indptr))[part]
        coverable = np.zeros(left.size, np.bool_)
        coverable[demand[credit > 0.0]] = True
        gain = np.bincount(row, weight[demand] * credit, open_.size).astype(np.float64)
        return gain, float(weight[coverable].sum())

    def _largest(self, gain: Floats, open_: Indices, count: int) -> float:
        """Return the sum of the largest gains, one of each group."""
        _, member = np.unique(self._group[open_], return_inverse=True)
        best = np.zeros(int(member.max()) + 1)
        np.maximum.at(best, member, gain)
        return float(np.sort(best)[-count:].sum())


def _credit(share: Floats, demand: Indices, demands: int) -> Floats:
    """Return what each contribution counts of its demand, by the better of two inequalities.

    Either its share, or, as it takes m that do not suffice alone, the m-th part for each of
    these: whichever counts less for a demand's contributions in the mean.
    """
    part = np.flatnonzero(share < 1.0 - 1e-9)
    largest = np.zeros(demands)
    np.maximum.at(largest, demand[part], share[part])
    least = np.ones(demands)
    some = largest > 0.0
    least[some] = 1.0 / np.ceil(1.0 / largest[some] - 1e-9)
    count = np.bincount(demand[part], minlength=demands)
    less = least * count < np.bincount(demand[part], share[part], demands)
    credit: Floats = np.minimum(share, 1.0)
    chosen = part[less[demand[part]]]
    credit[chosen] = least[demand[chosen]]
    return credit


def _knapsack(gain: Floats, cost: Floats, purse: float) -> float:
    """Return the most that parts of options, in falling order of gain per cost, add."""
    if not math.isfinite(purse):
        return math.inf
    spent = np.cumsum(cost)
    whole = int(np.searchsorted(spent, purse, side="right"))
    total = float(gain[:whole].sum())
    if whole < gain.size:
        before = float(spent[whole - 1]) if whole else 0.0
        total += float(gain[whole]) * (purse - before) / float(cost[whole])
    return total


def search(
    reduced: Reduced,
    options: Options,
    limits: Limits,
    start: Found,
    clock: Clock,
    until_left_s: float,
    nodes: int | None,
    progress: Progress,
) -> Found:
    """Return the best choice, from ``start`` on, until it is proven or the effort is spent.

    Parameters
    ----------
    start : a choice, what it covers, and a bound known
    clock, until_left_s : the search ends when no more time than that is left
    nodes : the most nodes to be opened
    """
    tree = _Search(reduced, options, limits)
    chosen, value = start.chosen, start.value
    root = tree.root()
    bound = min(start.bound, root.bound)
    heap = [(-root.bound, 0, root)]
    made = opened = 0
    slack = 1e-9 * max(value, float(reduced.weight.sum()))
    while heap and clock.left_s > until_left_s and (nodes is None or opened < nodes):
        bound = min(bound, max(-heap[0][0], value))
        if -heap[0][0] <= value + slack:
            break
        _, _, node = heapq.heappop(heap)
        opened += 1
        for child in tree.children(node):
            if child.value > value + slack:
                chosen, value = list(child.chosen), child.value
            if child.bound > value + slack and child.branch >= 0:
                made += 1
                heapq.heappush(heap, (-child.bound, made, child))
        if opened % 256 == 0:
            progress("search", opened, bound, value)
    if not heap or -heap[0][0] <= value + slack:
        bound = min(bound, value)
    return Found(chosen, value, max(bound, value))
