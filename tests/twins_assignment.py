"""Obvious twins of weapon–target assignment: what plans gain, all plans, the greedy rule."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from itertools import product

import numpy as np

from sim.core.tables import Floats, Indices
from sim.defence.assignment import Problem


def gained(problem: Problem, x: Indices) -> float:
    total = 0.0
    weapons, targets = problem.kill_probability.shape
    for t in range(targets):
        survives = 1.0
        for w in range(weapons):
            survives *= (1.0 - problem.kill_probability[w, t]) ** int(x[w, t])
            total -= problem.cost[w] * x[w, t]
        total += problem.value[t] * (1.0 - survives)
    return float(total)


def columns(problem: Problem, t: int, spare: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Every set of shots that may be fired at a target."""
    allowed = problem.kill_probability[:, t] > 0.0
    counts = [range(c + 1) if allowed[w] else range(1) for w, c in enumerate(spare)]
    for x in product(*counts):
        if problem.least[t] <= sum(x) <= problem.most[t]:
            yield x


def optimum(problem: Problem) -> float:
    """The best of all plans, target after target; −∞ if limits allow none."""
    targets = problem.value.size

    @cache
    def best(t: int, spare: tuple[int, ...]) -> float:
        if t == targets:
            return 0.0
        found = -math.inf
        for x in columns(problem, t, spare):
            survives = np.prod((1.0 - problem.kill_probability[:, t]) ** np.array(x))
            here = problem.value[t] * (1.0 - survives) - problem.cost @ np.array(x)
            left = tuple(a - b for a, b in zip(spare, x, strict=True))
            found = max(found, float(here) + best(t + 1, left))
        return found

    return best(0, tuple(int(c) for c in problem.shots))


def greedy(problem: Problem) -> Indices:
    """One shot after the other, always the one that adds most."""
    x = np.zeros(problem.kill_probability.shape, np.int64)
    while True:
        now, best, at = gained(problem, x), 1e-12, None
        for w, t in np.argwhere(problem.kill_probability > 0.0):
            y = x.copy()
            y[w, t] += 1
            if y[w].sum() <= problem.shots[w] and y[:, t].sum() <= problem.most[t]:
                adds = gained(problem, y) - now
                if adds > best:
                    best, at = adds, y
        if at is None:
            return x
        x = at


def best_worth(problem: Problem, t: int, price: Floats) -> float:
    """g of a target: the most that any set of shots is worth at the prices."""
    worth = 0.0
    for x in columns(problem, t, tuple(int(c) for c in problem.shots)):
        survives = np.prod((1.0 - problem.kill_probability[:, t]) ** np.array(x))
        paid = (price + problem.cost) @ np.array(x)
        worth = max(worth, float(problem.value[t] * (1.0 - survives) - paid))
    return worth
