"""Slow, obvious twins of the metrics: straight from the definitions, dense, no kernels."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
from scipy.optimize import linear_sum_assignment

from sim.core.tables import Floats
from sim.metrics.trajectories import Trajectories


def table(things: Trajectories) -> Floats:
    """Return (N, K, D) places, NaN where a thing is absent."""
    places = np.full((things.count, things.steps, things.position.shape[1]), np.nan)
    for step in range(things.steps):
        for row in range(things.start[step], things.start[step + 1]):
            places[things.owner[row], step] = things.position[row]
    return places


def present(places: Floats) -> Floats:
    """Return where (…, D) places are known."""
    return ~np.isnan(places).any(axis=-1)


def best_of_all(x: Floats, y: Floats, c: float, p: float, alpha: float) -> tuple[float, float]:
    """OSPA and GOSPA from their definitions: the best of all assignments."""
    if len(x) > len(y):
        x, y = y, x
    m, n = len(x), len(y)
    if n == 0:
        return 0.0, 0.0
    best = min(
        sum(min(float(np.linalg.norm(x[i] - y[j])), c) ** p for i, j in enumerate(chosen))
        for chosen in permutations(range(n), m)
    )
    return (
        ((best + c**p * (n - m)) / n) ** (1 / p),
        (best + c**p / alpha * (n - m)) ** (1 / p),
    )


def dense_sets(x: Floats, y: Floats, c: float) -> tuple[float, float]:
    """OSPA and GOSPA (p = 2, alpha = 2) by scipy's assignment over all pairs."""
    cost = np.minimum(np.linalg.norm(x[:, None] - y[None], axis=2), c) ** 2
    best = cost[linear_sum_assignment(cost)].sum()
    odd = abs(len(x) - len(y))
    larger = max(len(x), len(y))
    return (
        float(np.sqrt((best + odd * c**2) / larger)) if larger else 0.0,
        float(np.sqrt(best + odd * c**2 / 2)),
    )


def ospa2(x: Trajectories, y: Trajectories, c: float, p: float, q: float) -> float:
    """OSPA(2) with base distances of all pairs."""
    a, b = table(x), table(y)
    n, m = len(a), len(b)
    if not n and not m:
        return 0.0
    base = np.full((n, m), float(c))
    for i, j in product(range(n), range(m)):
        one, two = present(a[i]), present(b[j])
        apart = np.full(x.steps, float(c))
        apart[one & two] = np.minimum(np.linalg.norm(a[i] - b[j], axis=1)[one & two], c)
        base[i, j] = np.mean(apart[one | two] ** q) ** (1 / q)
    return of_base(base, c, p)


def of_base(base: Floats, c: float, p: float) -> float:
    """OSPA of two sets whose members are (n, m) apart."""
    n, m = base.shape
    rows, columns = linear_sum_assignment(base**p)
    total = (base[rows, columns] ** p).sum() + c**p * abs(n - m)
    return float((total / max(n, m)) ** (1 / p))


def t_gospa(x: Trajectories, y: Trajectories, c: float, p: float, switch: float) -> float:
    """T-GOSPA as the best of all sequences of assignment vectors, to the power p.

    Every state at every step is tried; dynamic programming only shares the past.
    """
    a, b = table(x), table(y)
    n, m = len(a), len(b)
    vectors = [
        chosen
        for chosen in product(range(-1, m), repeat=n)
        if len({j for j in chosen if j >= 0}) == sum(j >= 0 for j in chosen)
    ]

    def at(step: int, chosen: tuple[int, ...]) -> float:
        here, there = present(a[:, step]), present(b[:, step])
        cost, near = 0.0, 0
        for i, j in enumerate(chosen):
            if j >= 0 and here[i] and there[j]:
                apart = float(np.linalg.norm(a[i, step] - b[j, step]))
                if apart < c:
                    cost += apart**p
                    near += 1
        return cost + c**p / 2 * float(here.sum() + there.sum() - 2 * near)

    def change(old: tuple[int, ...], new: tuple[int, ...]) -> float:
        return switch**p * sum(
            0.0 if u == v else (1.0 if u >= 0 and v >= 0 else 0.5)
            for u, v in zip(old, new, strict=True)
        )

    best = [at(0, chosen) for chosen in vectors]
    for step in range(1, x.steps):
        best = [
            at(step, new)
            + min(cost + change(old, new) for cost, old in zip(best, vectors, strict=True))
            for new in vectors
        ]
    return min(best)
