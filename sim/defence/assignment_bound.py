"""What no plan can gain more than: Lagrangian duality, target by target.

With a price λ_w ≥ 0 on the shots of each weapon, targets no longer share anything, and for
any prices

    D(λ) = Σ_w λ_w c_w + Σ_t g_t(λ),   g_t = max_x V_t (1 − Π (1 − p_wt)^x_w) − Σ (λ_w + k_w) x_w

is no less than what any plan gains (H. Everett, "Generalized Lagrange multiplier method",
Operations Research 11, 1963). For shots in parts g_t has a closed form: only the weapon of the
least price per exponent, r = min_w (λ_w + k_w) / a_wt, is used, and

    g_t = V − r − r ln(V / r) if r < V, else 0.

For whole shots g_t is found by a search of the sets of shots whose bound is the same with
each weapon's shots limited. The best prices for shots in parts are those of the best such
plan, found by filling weapon after weapon, each exactly ("water filling"); from there
subgradient steps of B. T. Polyak's length (USSR Computational Mathematics 9, 1969) lower the
bound for whole shots.
"""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats, Indices
from sim.defence.assignment_problem import Problem
from sim.defence.assignment_search import drop_excess, gain_of, improve

#: Of a target's value: how closely the search for the best set of shots looks.
TOLERANCE = 1e-5
#: Sets looked at per target and prices; beyond, the bound for shots in parts is taken.
SETS = 3000
SWEEPS = 400
#: Steps from one local search to the next, and its rounds.
EVERY, ROUNDS = 3, 20


@kernel()
def in_parts(value: float, ratio: float) -> float:
    """Return g of a target for shots in parts, at the least price per exponent."""
    if ratio >= value:
        return 0.0
    if ratio <= 0.0:
        return value
    return value - ratio - ratio * math.log(value / ratio)


@kernel()
def least_ratio(exponent: Floats, price: Floats, t: int) -> float:
    """Return the least price per exponent of any weapon allowed against target t."""
    ratio = np.inf
    for w in range(price.size):
        if exponent[w, t] > 0.0:
            ratio = min(ratio, price[w] / exponent[w, t])
    return ratio


@kernel()
def fill_in_parts(
    exponent: Floats,
    value: Floats,
    shots: Indices,
    cost: Floats,
    x: Floats,
    price: Floats,
    sweeps: int,
    accuracy: float,
) -> float:
    """Fill x (W, T) with shots in parts, set the weapons' prices, return the bound of these.

    In turns each weapon's shots are shared out best for what the others leave: it fires where
    U a is highest until that has come down to one level ν everywhere. With ln ν for unknown the
    shots are convex and piecewise linear, so Newton's steps from below end exactly. Concave
    and without shared limits, this ends at the optimum; it stops when plan and bound differ by
    ``accuracy``.
    """
    weapons, targets = exponent.shape
    hit = np.zeros(targets)
    for t in range(targets):
        for w in range(weapons):
            hit[t] += exponent[w, t] * x[w, t]
    level = np.empty(targets)
    bound = np.inf
    for _ in range(sweeps):
        for w in range(weapons):
            lowest, count = np.inf, 0
            for t in range(targets):
                level[t] = -np.inf
                if exponent[w, t] > 0.0 and value[t] > 0.0 and shots[w] > 0:
                    others = hit[t] - exponent[w, t] * x[w, t]
                    level[t] = math.log(value[t] * exponent[w, t]) - others
                    lowest = min(lowest, level[t] - shots[w] * exponent[w, t])
                    count += 1
            price[w] = 0.0
            if count == 0:
                continue
            log_level = lowest
            if cost[w] > 0.0:
                log_level = max(log_level, math.log(cost[w]))
            for _ in range(100):
                over, slope = -float(shots[w]), 0.0
                for t in range(targets):
                    if level[t] > log_level:
                        over += (level[t] - log_level) / exponent[w, t]
                        slope += 1.0 / exponent[w, t]
                if over <= 1e-13 * shots[w]:
                    break
                log_level += over / slope
            price[w] = max(math.exp(log_level) - cost[w], 0.0)
            for t in range(targets):
                if exponent[w, t] > 0.0:
                    new = max(level[t] - log_level, 0.0) / exponent[w, t]
                    hit[t] += exponent[w, t] * (new - x[w, t])
                    x[w, t] = new
        # Prices that the whole plan supports: the most that a shot more of each would add.
        gained = 0.0
        for t in range(targets):
            hit[t] = 0.0
            for w in range(weapons):
                hit[t] += exponent[w, t] * x[w, t]
                gained -= cost[w] * x[w, t]
            gained -= value[t] * math.expm1(-hit[t])
        total = 0.0
        for w in range(weapons):
            price[w] = 0.0
            for t in range(targets):
                adds = value[t] * math.exp(-hit[t]) * exponent[w, t] - cost[w]
                price[w] = max(price[w], adds)
            total += price[w] * shots[w]
        for t in range(targets):
            total += in_parts(value[t], least_ratio(exponent, price + cost, t))
        bound = min(bound, total)
        if total - gained <= accuracy:
            break
    return bound


@kernel()
def could_add(
    left: float,
    first: int,
    count: int,
    ratio: Floats,
    price: Floats,
    remains: Floats,
    limit: Indices,
) -> float:
    """Return what shots in parts of the items from ``first`` on add, each within its limit."""
    added = 0.0
    for j in range(first, count):
        if ratio[j] >= left:
            break
        after = left * remains[j]
        if after < ratio[j]:
            # The item is not used up: down to where a shot more would not pay.
            added += left - ratio[j]
            if ratio[j] > 0.0:
                added -= ratio[j] * math.log(left / ratio[j])
            break
        added += left - after - price[j] * limit[j]
        left = after
    return added


@kernel()
def items_of(
    kill: Floats,
    exponent: Floats,
    price: Floats,
    extra: float,
    shots: Indices,
    most: int,
    t: int,
    most_worth: float,
) -> tuple[Indices, Floats, Floats, Floats, Indices]:
    """Return the weapons whose first shot at a target of value ``most_worth`` pays.

    By rising price with ``extra`` per exponent: their names, that ratio, that price, what
    survives all their shots, and how many these are.
    """
    usable = (shots > 0) & (kill[:, t] > 0.0) & (most_worth * kill[:, t] > price) & (most > 0)
    name = np.flatnonzero(usable)
    name = name[np.argsort((price[name] + extra) / exponent[:, t][name])]
    a, paid = exponent[:, t][name], price[name] + extra
    limit = np.minimum(shots[name], most)
    return name, paid / a, paid, np.exp(-a * limit), limit


@kernel()
def price_of_limit(
    kill: Floats, exponent: Floats, value: float, price: Floats, shots: Indices, most: int, t: int
) -> float:
    """Return about the best price κ of the limit of shots at target t; 0 if it does not bind.

    That at which shots in parts by the weapon of least price per exponent are as many as the
    limit. Any κ bounds, as κ more is paid for each shot and no more than ``most`` κ is given back.
    """
    low, high = 0.0, value
    for step in range(20):
        extra = 0.0 if step == 0 else 0.5 * (low + high)
        ratio, its = np.inf, 1.0
        for w in range(price.size):
            if shots[w] > 0 and kill[w, t] > 0.0:
                r = (price[w] + extra) / exponent[w, t]
                if r < ratio:
                    ratio, its = r, exponent[w, t]
        many = ratio < value and (ratio <= 0.0 or math.log(value / ratio) > most * its)
        if step == 0 and not many:
            return 0.0
        if many:
            low = extra
        else:
            high = extra
    return low


@kernel()
def best_set(
    kill: Floats,
    exponent: Floats,
    value: float,
    price: Floats,
    shots: Indices,
    most: int,
    t: int,
    sets: int,
    tolerance: float,
    chosen: Indices,
) -> float:
    """Return a bound on g of target t for whole shots; ``chosen`` (W,) gets the best found.

    Sets are looked at depth first, items in order of price per exponent, with a price for the
    target's limit of shots if that binds; none is looked into that cannot be better by more
    than ``tolerance``, which is added to the bound.
    """
    chosen[:] = 0
    extra = price_of_limit(kill, exponent, value, price, shots, most, t)
    name, ratio, item_price, remains, limit = items_of(
        kill, exponent, price, extra, shots, most, t, value
    )
    count, deepest = name.size, min(most, limit.sum(), sets + 1)
    left, paid = np.empty(deepest + 1), np.empty(deepest + 1)
    after, run = np.empty(deepest + 1, np.int64), np.zeros(deepest + 1, np.int64)
    item = np.full(deepest + 1, -1, np.int64)
    found = np.empty(deepest, np.int64)
    found_size, best = 0, 0.0
    left[0], paid[0], after[0] = value, 0.0, 0
    looked, depth = 0, 0
    root = extra * most + could_add(value, 0, count, ratio, item_price, remains, limit)
    while depth >= 0:
        j = after[depth]
        reached = value - left[depth] - paid[depth]
        if depth == deepest or j >= count or looked > sets:
            depth -= 1
            continue
        more = could_add(left[depth], j, count, ratio, item_price, remains, limit)
        more += extra * (most - depth)
        if reached + more <= best + tolerance:
            depth -= 1
            continue
        after[depth] = j + 1
        adds = left[depth] * kill[name[j], t] - price[name[j]]
        if adds <= 0.0:
            continue
        looked += 1
        repeated = run[depth] + 1 if item[depth] == j else 1
        depth += 1
        left[depth] = left[depth - 1] * (1.0 - kill[name[j], t])
        paid[depth] = paid[depth - 1] + price[name[j]]
        item[depth], run[depth] = j, repeated
        after[depth] = j if repeated < limit[j] else j + 1
        if reached + adds > best:
            best, found_size = reached + adds, depth
            for d in range(depth):
                found[d] = item[d + 1]
    for d in range(found_size):
        chosen[name[found[d]]] += 1
    return root if looked > sets else min(root, best + tolerance)


@kernel()
def whole_bound(
    kill: Floats,
    exponent: Floats,
    value: Floats,
    shots: Indices,
    cost: Floats,
    most: Indices,
    price: Floats,
    sets: int,
    tolerance: float,
    chosen: Indices,
    share: Floats,
) -> float:
    """Return D(λ) for whole shots; ``chosen`` (T, W) gets the sets, ``share`` (T,) the g_t."""
    total = 0.0
    paid = price + cost
    for t in range(value.size):
        share[t] = best_set(
            kill, exponent, value[t], paid, shots, most[t], t, sets, tolerance * value[t], chosen[t]
        )
        total += share[t]
    for w in range(price.size):
        total += price[w] * shots[w]
    return total


@kernel()
def approach(
    kill: Floats,
    exponent: Floats,
    value: Floats,
    shots: Indices,
    cost: Floats,
    most: Indices,
    price: Floats,
    x: Indices,
    steps: int,
    sets: int,
    tolerance: float,
    every: int,
    least_gain: float,
) -> float:
    """Lower the bound for whole shots by subgradient steps, and better the plan x on the way.

    ``price`` gets the best prices. A step's length is Polyak's with what x gains for its aim,
    halved whenever five steps have not lowered the bound. After ``every`` steps the targets'
    sets, with shots that weapons do not have taken off, are the start of a local search.
    """
    weapons, targets = kill.shape
    chosen, share = np.empty((targets, weapons), np.int64), np.empty(targets)
    at, direction = price.copy(), np.zeros(weapons)
    best, length, idle = np.inf, 1.0, 0
    reached = gain_of(kill, value, cost, x)
    for step in range(steps):
        bound = whole_bound(
            kill, exponent, value, shots, cost, most, at, sets, tolerance, chosen, share
        )
        idle += 1
        if bound < best:
            if best - bound > 1e-3 * (best - reached):
                idle = 0
            best = bound
            price[:] = at
        if idle >= 5:
            length, idle = 0.5 * length, 0
            at[:] = price
        over = bound - reached
        norm = 0.0
        for w in range(weapons):
            slope = float(shots[w])
            for t in range(targets):
                slope -= chosen[t, w]
            if slope > 0.0 and at[w] <= 0.0:
                slope = 0.0
            direction[w] = slope
            norm += slope * slope
        if step % every == 0:
            other = chosen.T.copy()
            drop_excess(kill, value, shots, cost, other)
            improve(kill, value, shots, cost, most, other, ROUNDS, least_gain)
            gained = gain_of(kill, value, cost, other)
            if gained > reached:
                reached = gained
                x[:] = other
        if norm == 0.0 or best - reached <= least_gain:
            break
        for w in range(weapons):
            at[w] = max(at[w] - length * over / norm * direction[w], 0.0)
    return best


def bound_in_parts(
    problem: Problem, share: float = 1e-6, sweeps: int = SWEEPS
) -> tuple[float, Floats]:
    """Return the bound for shots in parts, within a share of it or after so many sweeps.

    Targets' limits of shots are not heeded, but for 0. The second array are its prices (W,).
    """
    p = problem
    value = np.where(p.most > 0, p.value, 0.0)
    price = np.zeros(p.shots.size)
    x = np.zeros(p.kill_probability.shape)
    accuracy = share * float(value.sum())
    bound = fill_in_parts(p.exponent, value, p.shots, p.cost, x, price, sweeps, accuracy)
    return bound, price


def bound_in_whole(
    problem: Problem,
    price: Floats,
    plan: Indices,
    steps: int,
    *,
    sets: int = SETS,
    every: int = EVERY,
) -> tuple[float, Floats, Indices]:
    """Return the bound for whole shots, its prices and the best plan after so many steps.

    Parameters
    ----------
    price : (W,) to start from
    plan : (W, T) shots to better
    sets : looked at per target and step
    every : so many steps a new plan is tried
    """
    p, best, x = problem, price.copy(), plan.copy()
    bound = approach(
        p.kill_probability,
        p.exponent,
        p.value,
        p.shots,
        p.cost,
        p.most,
        best,
        x,
        steps,
        sets,
        TOLERANCE,
        every,
        p.slack,
    )
    return bound, best, x
