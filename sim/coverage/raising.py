"""Raise the weakest path: the least exposure Σ −ln(1 − Pd) of any crossing, made largest.

Paths are too many to list. An oracle finds the weakest one for a choice of options, by
Dijkstra's algorithm say, and what existing sensors and each option contribute along it.
Exposures add, so along that path the exposure of *any* choice y is base + Σ x_i y_i, and

    max t,   t ≤ base_p + Σ x_ip y_i   for every path p found so far

exceeds what any choice attains. Its solution is shown to the oracle, which finds a weaker
path or confirms it: constraint generation, after Kelley's cutting planes (1960) and Benders
(1962). The least exposure of many paths is not submodular, and no simple order comes within
a share of the best whatever the data (Krause, McMahan, Guestrin, Gupta, *Robust submodular
observation selection*, JMLR 9, 2008): the bound is always the programme's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from sim.core.programme import maximise, relaxed_bound
from sim.core.tables import Bools, Floats, Indices
from sim.coverage.placement import (
    Clock,
    Effort,
    Limits,
    Options,
    Placement,
    Progress,
    Purse,
    checked,
    closed,
    silent,
)

#: Returns exposure by existing sensors and by each option (N,) along the weakest path for
#: the chosen options (N,).
Weakest = Callable[[Bools], tuple[float, Floats]]

#: While few paths are known, choices this near to the best of the programme do.
_FIRST_GAP = 0.1

_NO_SHARE = "none: the least of many exposures is not submodular"


class Paths:
    """Paths found so far. One may serve many solvers, for paths do not depend on limits."""

    def __init__(self, weakest: Weakest, options: Options) -> None:
        self._weakest, self._count = weakest, len(options)
        self._base: list[float] = []
        self._by_option: list[Floats] = []
        self._known: set[bytes] = set()
        self._asked: dict[bytes, float] = {}

    def __len__(self) -> int:
        return len(self._base)

    def table(self) -> tuple[Floats, Floats]:
        """Return exposure by existing sensors (P,) and by each option (P, N)."""
        return np.array(self._base), np.array(self._by_option).reshape(-1, self._count)

    def mask(self, chosen: Iterable[int]) -> Bools:
        """Return a choice as a mask (N,)."""
        mask: Bools = np.zeros(self._count, np.bool_)
        mask[np.array(list(chosen), np.int64)] = True
        return mask

    def ask(self, chosen: Iterable[int]) -> float:
        """Return the exposure of the weakest path for a choice, and remember that path.

        Where the oracle finds less well than it did before, the weaker path of old counts.

        Raises
        ------
        ValueError
            If the oracle's exposures have another shape, or are negative, NaN or infinite.
        """
        mask = self.mask(chosen)
        if mask.tobytes() not in self._asked:
            base, by_option = self._weakest(mask)
            exposure = checked("exposure of the path by option", by_option, (self._count,))
            own = float(checked("exposure of the path", base, ()))
            if not (math.isfinite(own) and np.isfinite(exposure).all()):
                raise ValueError("a path's exposure is infinite, expected numbers: cap Pd below 1")
            key = np.append(exposure, own).tobytes()
            if key not in self._known:
                self._known.add(key)
                self._base.append(own)
                self._by_option.append(exposure)
            self._asked[mask.tobytes()] = own + float(exposure[mask].sum())
        return min(self._asked[mask.tobytes()], float(self.exposures(mask).min()))

    def exposures(self, mask: Bools) -> Floats:
        """Return the exposure (P,) of a choice along each path."""
        base, by_option = self.table()
        total: Floats = base + by_option[:, mask].sum(axis=1)
        return total


def _walk(
    paths: Paths, options: Options, limits: Limits, by_cost: bool, clock: Clock, report: Progress
) -> tuple[list[int], bool]:
    """Return options in order of gain, or of gain per cost, and whether time ran out.

    The paths known bound each option's gain; the most promising is shown to the oracle
    until it stays so. Where no single option raises the least exposure, because several
    paths are equally weak, that which raises the weakest one most is taken.
    """
    price = options.cost if by_cost else np.ones(len(options))
    purse = Purse(options, limits)
    value = paths.ask([])
    while True:
        able = np.flatnonzero(purse.fits)
        exact = np.zeros(len(options), np.bool_)
        while True:
            base, by_option = paths.table()
            now = base + by_option[:, purse.chosen].sum(axis=1)
            weakest = by_option[int(now.argmin())]
            able = able[weakest[able] > 0.0]
            if not able.size:
                return purse.chosen, False
            if not clock.left_s:
                return purse.chosen, True
            gain = (now[:, None] + by_option[:, able]).min(axis=0) - value
            order = np.lexsort((able, -weakest[able] / price[able], -gain / price[able]))
            best = int(able[order[0]])
            if exact[best]:
                break
            paths.ask([*purse.chosen, best])
            exact[best] = True
        purse.take(best)
        value = paths.ask(purse.chosen)
        report("greedy", len(purse.chosen), math.inf, value)


def raise_orders(
    paths: Paths, options: Options, limits: Limits, effort: Effort, progress: Progress = silent
) -> tuple[dict[str, list[int]], bool]:
    """Return options in the order of choice by the name of the rule, and whether time ran out."""
    clock = Clock(effort.time_s)
    rules = {"greedy by gain": False, "greedy by gain per cost": True}
    walks = {
        name: _walk(paths, options, limits, by_cost, clock, progress)
        for name, by_cost in rules.items()
    }
    late = any(stopped for _, stopped in walks.values())
    return {name: order for name, (order, _) in walks.items()}, late


def _trim(paths: Paths, chosen: list[int], clock: Clock) -> list[int]:
    """Return the choice without options, the last first, that add nothing to it."""
    value = paths.ask(chosen)
    for option in reversed(chosen):
        if not clock.left_s:
            break
        rest = [other for other in chosen if other != option]
        if paths.ask(rest) >= value:
            chosen = rest
    return chosen


class _Master:
    """The programme on paths known: y of the options that the budget pays for, then t."""

    def __init__(self, paths: Paths, options: Options, limits: Limits) -> None:
        from scipy.sparse import block_array, csr_array

        self.columns: Indices = np.flatnonzero(limits.usable(options))
        base, by_option = paths.table()
        able = by_option[:, self.columns]
        self.scale = float(max(base.max(), able.max(), 1e-300))
        limit, upper = limits.rows(options, self.columns)
        self.rows = block_array(
            [
                [limit, csr_array((limit.shape[0], 1))],
                [csr_array(-able / self.scale), csr_array(np.ones((base.size, 1)))],
            ],
            format="csc",
        )
        self.upper = np.concatenate([upper, base / self.scale])
        self.gain = np.append(np.zeros(self.columns.size), 1.0)
        self.most = np.append(
            np.ones(self.columns.size), float((base + able.sum(axis=1)).min()) / self.scale
        )

    def solve(self, time_s: float, nodes: int | None, gap: float) -> tuple[float, Indices | None]:
        """Return the bound and the choice, None if there was no time for any."""
        whole = np.append(np.ones(self.columns.size, np.bool_), False)
        solved = maximise(self.gain, self.rows, self.upper, whole, self.most, time_s, nodes, gap)
        if solved.values is None:
            return self.scale * solved.bound, None
        return self.scale * solved.bound, self.columns[solved.values[:-1] > 0.5]

    def relaxed(self, time_s: float) -> float:
        """Return the bound of the linear relaxation."""
        bound = relaxed_bound(self.gain, self.rows, self.upper, self.most, time_s)
        return self.scale * min(bound, float(self.most[-1]))


def raise_greedy(
    weakest: Weakest,
    options: Options,
    limits: Limits,
    effort: Effort | None = None,
    progress: Progress = silent,
    paths: Paths | None = None,
) -> Placement:
    """Return the better of the orders by gain and by gain per cost.

    Parameters
    ----------
    weakest : the oracle
    options, limits : what may be bought
    effort : time; the other limits are not used
    progress : called after each option taken
    paths : those known already, to be added to

    Raises
    ------
    ValueError
        If the budget pays for no option, or the oracle returns what is no exposure.
    """
    limits.usable(options)
    effort = effort or Effort()
    clock = Clock(effort.time_s)
    paths = Paths(weakest, options) if paths is None else paths
    base_value = paths.ask([])
    orders, stopped = raise_orders(paths, options, limits, effort, progress)
    method = max(orders, key=lambda name: paths.ask(orders[name]))
    chosen = _trim(paths, orders[method], clock)
    value = paths.ask(chosen)
    bound = _Master(paths, options, limits).relaxed(max(clock.left_s, 1.0))
    index = np.array(chosen, np.int64)
    return Placement(
        index,
        value,
        base_value,
        closed(bound, value),
        float(options.cost_low[index].sum()),
        float(options.cost_high[index].sum()),
        method,
        "linear relaxation on the paths found",
        None,
        _NO_SHARE,
        stopped,
    )


def raise_exact(
    weakest: Weakest,
    options: Options,
    limits: Limits,
    effort: Effort | None = None,
    progress: Progress = silent,
    paths: Paths | None = None,
) -> Placement:
    """Return the choice that raises the weakest path most, with the certified gap.

    Parameters and errors are those of ``raise_greedy``, whose choice is the start. When
    time, nodes or rounds run out, the best choice and the least bound so far are returned.
    The bound holds even if the oracle's paths are not the weakest; the value is as good as
    the oracle is.
    """
    effort = effort or Effort()
    clock = Clock(effort.time_s)
    paths = Paths(weakest, options) if paths is None else paths
    half = replace(effort, time_s=0.5 * effort.time_s)
    best = replace(raise_greedy(weakest, options, limits, half, progress, paths), stopped=False)
    gap = _FIRST_GAP
    for done in range(1, effort.rounds + 1):
        if best.proven or not clock.left_s:
            break
        known = len(paths)
        master = _Master(paths, options, limits)
        bound, chosen = master.solve(clock.left_s, effort.nodes, gap)
        if bound < best.bound:
            best = replace(best, bound=bound, bound_by="mixed-integer programme on the paths found")
        if chosen is not None and limits.hold(options, chosen):
            best = _better(best, paths, chosen, options)
        best = replace(best, bound=closed(best.bound, best.value))
        progress("paths", done, best.bound, best.value)
        if len(paths) == known:
            if not gap:
                break
            gap = gap / 4.0 if gap > 1e-3 else 0.0
    if not best.proven:
        return replace(best, stopped=True)
    chosen = np.array(_trim(paths, best.chosen.tolist(), clock), np.int64)
    return _with_choice(best, chosen, best.value, options)


def _better(best: Placement, paths: Paths, chosen: Indices, options: Options) -> Placement:
    """Return the better of a placement and another choice, counted by the oracle.

    Paths found since may be weaker for the old choice than the oracle said.
    """
    value, old = paths.ask(chosen), paths.ask(best.chosen)
    if value > old:
        return replace(_with_choice(best, chosen, value, options), method="constraint generation")
    return replace(best, value=old)


def _with_choice(best: Placement, chosen: Indices, value: float, options: Options) -> Placement:
    return replace(
        best,
        chosen=chosen,
        value=value,
        cost_low=float(options.cost_low[chosen].sum()),
        cost_high=float(options.cost_high[chosen].sum()),
    )
