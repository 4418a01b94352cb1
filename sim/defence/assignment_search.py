"""Plans found quickly: greedy by marginal return, local search, and one shot a target.

What a shot of weapon w adds at target t is U p − k, where U = V Π (1 − p)^x is the value
that survives there so far. It only falls as shots are added (submodular), so a target's best
weapon as noted earlier is an upper bound, and is looked for anew only when the target is next
in line and the note is out of date.

Without costs the greedy plan gains at least half of the optimum: the weapons' shots are a
partition matroid (M. L. Fisher, G. L. Nemhauser, L. A. Wolsey, "An analysis of approximations
for maximizing submodular set functions II", Mathematical Programming Study 8, 1978). Limits
on targets' shots are a second one: then it gains at least a third.
"""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats, Indices
from sim.defence.assignment_problem import Problem


@kernel()
def surviving_value(kill: Floats, value: float, x: Indices, t: int) -> float:
    """Return the value of target t that survives its shots."""
    left = value
    for w in range(x.shape[0]):
        if x[w, t] > 0:
            left *= (1.0 - kill[w, t]) ** x[w, t]
    return left


@kernel()
def add_greedily(
    kill: Floats, value: Floats, shots: Indices, cost: Floats, most: Indices, x: Indices
) -> None:
    """Add to x, shot by shot, what gains most, until no shot gains anything."""
    weapons, targets = x.shape
    left, room = np.empty(targets), np.empty(targets, np.int64)
    spare = shots.copy()
    for t in range(targets):
        left[t] = surviving_value(kill, value[t], x, t)
        room[t] = most[t]
        for w in range(weapons):
            room[t] -= x[w, t]
            spare[w] -= x[w, t]
    best = np.full(targets, -1)
    gain = np.full(targets, np.inf)
    fresh = np.zeros(targets, np.bool_)
    while True:
        t = -1
        for k in range(targets):
            if room[k] > 0 and gain[k] > 0.0 and (t < 0 or gain[k] > gain[t]):
                t = k
        if t < 0:
            return
        if not fresh[t] or spare[best[t]] == 0:
            gain[t], fresh[t] = 0.0, True
            for w in range(weapons):
                adds = left[t] * kill[w, t] - cost[w]
                if spare[w] > 0 and kill[w, t] > 0.0 and adds > gain[t]:
                    gain[t], best[t] = adds, w
            continue
        w = best[t]
        x[w, t] += 1
        spare[w] -= 1
        room[t] -= 1
        left[t] *= 1.0 - kill[w, t]
        fresh[t] = False


@kernel()
def drop_excess(kill: Floats, value: Floats, shots: Indices, cost: Floats, x: Indices) -> None:
    """Take from x the shots that weapons do not have, those first that add least."""
    weapons, targets = x.shape
    left = np.empty(targets)
    for t in range(targets):
        left[t] = surviving_value(kill, value[t], x, t)
    for w in range(weapons):
        excess = x[w].sum() - shots[w]
        while excess > 0:
            worst, least = -1, np.inf
            for t in range(targets):
                if x[w, t] > 0:
                    adds = left[t] / (1.0 - kill[w, t]) * kill[w, t]
                    if adds < least:
                        worst, least = t, adds
            x[w, worst] -= 1
            left[worst] /= 1.0 - kill[w, worst]
            excess -= 1


@kernel()
def gain_of(kill: Floats, value: Floats, cost: Floats, x: Indices) -> float:
    """Return what shots gain: value destroyed less cost."""
    gained = 0.0
    for t in range(value.size):
        gained += value[t] - surviving_value(kill, value[t], x, t)
        for w in range(cost.size):
            gained -= cost[w] * x[w, t]
    return gained


@kernel()
def improve(
    kill: Floats,
    value: Floats,
    shots: Indices,
    cost: Floats,
    most: Indices,
    x: Indices,
    rounds: int,
    least_gain: float,
) -> int:
    """Better x by single moves until none gains more than ``least_gain``; return the rounds.

    A shot is dropped, shifted to another target, handed to a weapon with shots to spare, or
    two shots swap their targets; between rounds, spare shots are added greedily.
    """
    weapons, targets = x.shape
    left, room = np.empty(targets), np.empty(targets, np.int64)
    spare = np.empty(weapons, np.int64)
    cell_w, cell_t = np.empty(x.size, np.int64), np.empty(x.size, np.int64)
    for done in range(rounds):
        add_greedily(kill, value, shots, cost, most, x)
        cells = 0
        for w in range(weapons):
            spare[w] = shots[w]
            for t in range(targets):
                spare[w] -= x[w, t]
        for t in range(targets):
            left[t] = surviving_value(kill, value[t], x, t)
            room[t] = most[t]
            for w in range(weapons):
                room[t] -= x[w, t]
                if x[w, t] > 0:
                    cell_w[cells], cell_t[cells] = w, t
                    cells += 1
        moved = False
        for i in range(cells):
            w, t = cell_w[i], cell_t[i]
            if x[w, t] == 0:
                continue
            # What the target's value would be without this shot, and what the shot adds.
            bare = left[t] / (1.0 - kill[w, t])
            adds = bare * kill[w, t] - cost[w]
            best, to_t, to_w, swap = max(0.0, -adds), -1, -1, -1
            for k in range(targets):
                if k != t and room[k] > 0 and kill[w, k] > 0.0:
                    gain = left[k] * kill[w, k] - cost[w] - adds
                    if gain > best:
                        best, to_t = gain, k
            for v in range(weapons):
                if spare[v] > 0 and kill[v, t] > 0.0:
                    gain = bare * kill[v, t] - cost[v] - adds
                    if gain > best:
                        best, to_t, to_w = gain, -1, v
            for j in range(cells):
                v, k = cell_w[j], cell_t[j]
                if v == w or k == t or x[v, k] == 0 or kill[w, k] == 0.0 or kill[v, t] == 0.0:
                    continue
                other = left[k] / (1.0 - kill[v, k])
                gain = bare * (kill[v, t] - kill[w, t]) + other * (kill[w, k] - kill[v, k])
                if gain > best:
                    best, to_t, to_w, swap = gain, -1, -1, j
            if best <= least_gain:
                continue
            moved = True
            x[w, t] -= 1
            if swap >= 0:
                v, k = cell_w[swap], cell_t[swap]
                x[v, k] -= 1
                x[w, k] += 1
                x[v, t] += 1
                left[k] = surviving_value(kill, value[k], x, k)
            elif to_w >= 0:
                x[to_w, t] += 1
                spare[w] += 1
                spare[to_w] -= 1
            elif to_t >= 0:
                x[w, to_t] += 1
                room[t] += 1
                room[to_t] -= 1
                left[to_t] = surviving_value(kill, value[to_t], x, to_t)
            else:
                room[t] += 1
                spare[w] += 1
            left[t] = surviving_value(kill, value[t], x, t)
        if not moved:
            return done + 1
    return rounds


def greedy(problem: Problem) -> Indices:
    """Return the greedy plan's shots (W, T)."""
    x = np.zeros(problem.kill_probability.shape, np.int64)
    p = problem
    add_greedily(p.kill_probability, p.value, p.shots, p.cost, p.most, x)
    return x


def local_search(problem: Problem, start: Indices | None = None, rounds: int = 100) -> Indices:
    """Return shots (W, T) that no single move betters, from ``start`` or none on."""
    p = problem
    x = np.zeros(p.kill_probability.shape, np.int64) if start is None else start.copy()
    improve(p.kill_probability, p.value, p.shots, p.cost, p.most, x, rounds, p.slack)
    return x


def one_each(problem: Problem) -> Indices:
    """Return the best shots (W, T) with no more than one at a target: linear assignment.

    A weapon with several shots counts as several weapons. By scipy's shortest augmenting
    paths (D. F. Crouse, IEEE Transactions on Aerospace and Electronic Systems 52, 2016).
    """
    from scipy.optimize import linear_sum_assignment  # slow to import

    targets = np.flatnonzero(problem.most > 0)
    weapon = np.repeat(np.arange(problem.shots.size), np.minimum(problem.shots, targets.size))
    p = problem.kill_probability[:, targets]
    gain = np.where(p > 0.0, problem.value[targets] * p - problem.cost[:, None], 0.0)
    gain = np.maximum(gain, 0.0)[weapon]
    rows, columns = linear_sum_assignment(gain, maximize=True)
    used = gain[rows, columns] > 0.0
    x = np.zeros(problem.kill_probability.shape, np.int64)
    x[weapon[rows[used]], targets[columns[used]]] = 1
    return x
