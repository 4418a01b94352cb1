"""The k heaviest choices of one option per group, no two of which share an item.

In tracking a group is a track tree, its options are the tree's leaves and the items are
plots: a choice is a global hypothesis. Prices of the items turn the conflicts into costs
(Lagrangian relaxation), so that the sum of what each group could have at best is a sharp
bound; a depth-first search then keeps every choice that the bound cannot exclude.
"""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Bools, Floats, Ints

#: Rounds of price finding; the search is exact with any prices, good ones make it short.
_ROUNDS = 100
_TOLERANCE = 1e-9


@kernel()
def best_choices(
    group_start: Ints,
    item: Ints,
    weight: Floats,
    n_items: int,
    k: int,
    limit: float,
    most_nodes: int,
) -> tuple[Ints, Floats, bool]:
    """Find the k heaviest choices of at most one option per group, no item used twice.

    Parameters
    ----------
    group_start : (G + 1,) group g has the options ``group_start[g]`` to before
        ``group_start[g + 1]``
    item : (L, D) items that each option uses, −1 for none
    weight : (L,) of each option; one that is not positive is never chosen
    n_items : number of items
    k : choices wanted
    limit : choices lighter than the best by more are not wanted
    most_nodes : the search ends after so many steps with what it has found

    Returns
    -------
    chosen : (K, G) option of each group, −1 for none; the heaviest choice first
    total : (K,) their weights
    complete : whether the search came to its end; the choices are then the heaviest there are

    Notes
    -----
    Prices by the subgradient method of M. Held, P. Wolfe and H. Crowder, "Validation of
    subgradient optimization", Mathematical Programming 6, 1974. For multiple hypotheses:
    A. Poore and A. Robertson, "A new Lagrangian relaxation based algorithm for a class of
    multidimensional assignment problems", Computational Optimization and Applications 8, 1997.
    """
    groups = group_start.size - 1
    price = np.zeros(n_items)
    greedy = np.full(groups, -1, np.int32)
    lower = _find_prices(group_start, item, weight, price, greedy)
    reduced = np.empty(weight.size)
    for e in range(weight.size):
        reduced[e] = weight[e]
        for d in range(item.shape[1]):
            if item[e, d] >= 0:
                reduced[e] -= price[item[e, d]]
    order = _by_weight(group_start, weight)
    bound = 0.0
    for p in range(n_items):
        bound += price[p]
    option = np.empty(weight.size + groups, np.int32)
    loss = np.empty(weight.size + groups)
    first = np.empty(groups + 1, np.int32)
    first[0] = 0
    for level in range(groups):
        bound += _list_options(
            order[level], level, group_start, weight, reduced, first, option, loss
        )
    # An item that ends unused was priced in vain: known once the last group that wants it chose.
    closing = np.full(n_items, -1, np.int32)
    for level in range(groups):
        for a in range(first[level], first[level + 1]):
            if option[a] >= 0:
                for d in range(item.shape[1]):
                    if item[option[a], d] >= 0:
                        closing[item[option[a], d]] = level
    closes_start = np.zeros(groups + 1, np.int32)
    for p in range(n_items):
        if closing[p] >= 0:
            closes_start[closing[p] + 1] += 1
        else:
            bound -= price[p]
    for level in range(groups):
        closes_start[level + 1] += closes_start[level]
    closes = np.empty(closes_start[groups], np.int32)
    fill = closes_start.copy()
    for p in range(n_items):
        if closing[p] >= 0:
            closes[fill[closing[p]]] = p
            fill[closing[p]] += 1

    chosen = np.full((k, groups), -1, np.int32)
    total = np.full(k, -np.inf)
    found, worst = 0, 0
    threshold = lower - limit
    used = np.zeros(n_items, np.bool_)
    at = np.empty(groups + 1, np.int32)
    lost = np.zeros(groups + 1)
    picked = np.full(groups, -1, np.int32)
    level = 0
    at[0] = 0
    nodes = 0
    complete = True
    while level >= 0:
        if level == groups:
            value = bound - lost[level]
            if found < k or value > total[worst]:
                place = found if found < k else worst
                found = min(found + 1, k)
                total[place] = value
                for n in range(groups):
                    chosen[place, order[n]] = picked[n]
                lower = max(lower, value)
                threshold = lower - limit
                if found == k:
                    worst = 0
                    for h in range(1, k):
                        if total[h] < total[worst]:
                            worst = h
                    threshold = max(threshold, total[worst])
            level -= 1
            continue
        if picked[level] >= 0:
            _mark(item, picked[level], used, False)
            picked[level] = -1
        if at[level] == first[level + 1]:
            level -= 1
            continue
        a = at[level]
        at[level] += 1
        nodes += 1
        if nodes > most_nodes:
            complete = False
            break
        here = lost[level] + loss[a]
        if bound - here < threshold - _TOLERANCE:
            at[level] = first[level + 1]
            continue
        e = option[a]
        if e >= 0:
            if _clashes(item, e, used):
                continue
            _mark(item, e, used, True)
            picked[level] = e
        for c in range(closes_start[level], closes_start[level + 1]):
            if not used[closes[c]]:
                here += price[closes[c]]
        if bound - here < threshold - _TOLERANCE:
            continue
        lost[level + 1] = here
        level += 1
        if level < groups:
            at[level] = first[level]
    if found == 0:  # cut short before the first
        found, total[0] = 1, lower
        for g in range(groups):
            chosen[0, g] = greedy[g]
    return _sorted(chosen, total, found, limit, complete)


@kernel()
def _clashes(item: Ints, e: int, used: Bools) -> bool:
    clashes = False
    for d in range(item.shape[1]):
        clashes = clashes or (item[e, d] >= 0 and used[item[e, d]])
    return clashes


@kernel()
def _mark(item: Ints, e: int, used: Bools, value: bool) -> None:
    for d in range(item.shape[1]):
        if item[e, d] >= 0:
            used[item[e, d]] = value


@kernel()
def _find_prices(
    group_start: Ints, item: Ints, weight: Floats, price: Floats, greedy: Ints
) -> float:
    """Write prices that make the bound low, and the best choice met; return its weight."""
    groups, n_items = group_start.size - 1, price.size
    trial = np.zeros(n_items)
    usage = np.empty(n_items)
    used = np.empty(n_items, np.bool_)
    choice = np.empty(groups, np.int32)
    lower, upper = 0.0, np.inf
    scale = 1.0
    idle = 0
    for _ in range(_ROUNDS):
        bound = 0.0
        for p in range(n_items):
            bound += trial[p]
            usage[p] = 1.0
            used[p] = False
        feasible = 0.0
        for g in range(groups):
            best, value = -1, 0.0
            for e in range(group_start[g], group_start[g + 1]):
                here = weight[e]
                for d in range(item.shape[1]):
                    if item[e, d] >= 0:
                        here -= trial[item[e, d]]
                if weight[e] > 0.0 and here > value:
                    best, value = e, here
            choice[g] = -1
            bound += value
            if best >= 0:
                for d in range(item.shape[1]):
                    if item[best, d] >= 0:
                        usage[item[best, d]] -= 1.0
                if not _clashes(item, best, used):
                    _mark(item, best, used, True)
                    feasible += weight[best]
                    choice[g] = best
        if feasible > lower:
            lower = feasible
            for g in range(groups):
                greedy[g] = choice[g]
        if bound < upper - _TOLERANCE:
            upper = bound
            idle = 0
            for p in range(n_items):
                price[p] = trial[p]
        else:
            idle += 1
            if idle == 5:
                scale *= 0.5
                idle = 0
        norm = 0.0
        for p in range(n_items):
            if usage[p] < 0.0 or trial[p] > 0.0:
                norm += usage[p] * usage[p]
        if norm == 0.0 or upper - lower <= _TOLERANCE:
            break
        step = scale * max(bound - lower, 1e-6) / norm
        for p in range(n_items):
            trial[p] = max(0.0, trial[p] - step * usage[p])
    return lower


@kernel()
def _by_weight(group_start: Ints, weight: Floats) -> Ints:
    """Groups by their heaviest option, the heaviest group first."""
    groups = group_start.size - 1
    heaviest = np.zeros(groups)
    order = np.empty(groups, np.int32)
    for g in range(groups):
        for e in range(group_start[g], group_start[g + 1]):
            heaviest[g] = max(heaviest[g], weight[e])
        n = g
        while n > 0 and heaviest[order[n - 1]] < heaviest[g]:
            order[n] = order[n - 1]
            n -= 1
        order[n] = g
    return order


@kernel()
def _list_options(
    g: int,
    level: int,
    group_start: Ints,
    weight: Floats,
    reduced: Floats,
    first: Ints,
    option: Ints,
    loss: Floats,
) -> float:
    """List a group's options, the least loss against its best first; return that best."""
    best = 0.0
    for e in range(group_start[g], group_start[g + 1]):
        if weight[e] > 0.0:
            best = max(best, reduced[e])
    end = first[level]
    for e in range(group_start[g] - 1, group_start[g + 1]):
        none = e < group_start[g]
        if not none and weight[e] <= 0.0:
            continue
        here = best if none else best - reduced[e]
        n = end
        while n > first[level] and loss[n - 1] > here:
            option[n] = option[n - 1]
            loss[n] = loss[n - 1]
            n -= 1
        option[n] = -1 if none else e
        loss[n] = here
        end += 1
    first[level + 1] = end
    return best


@kernel()
def _sorted(
    chosen: Ints, total: Floats, found: int, limit: float, complete: bool
) -> tuple[Ints, Floats, bool]:
    """Order the choices by weight and leave out those beyond the limit."""
    rank = np.empty(found, np.int32)
    for h in range(found):
        n = h
        while n > 0 and total[rank[n - 1]] < total[h]:
            rank[n] = rank[n - 1]
            n -= 1
        rank[n] = h
    kept = 0
    while kept < found and total[rank[kept]] >= total[rank[0]] - limit - _TOLERANCE:
        kept += 1
    result = np.empty((kept, chosen.shape[1]), np.int32)
    weight = np.empty(kept)
    for h in range(kept):
        weight[h] = total[rank[h]]
        for g in range(chosen.shape[1]):
            result[h, g] = chosen[rank[h], g]
    return result, weight, complete
