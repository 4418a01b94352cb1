"""Assignment as a mixed-integer programme, by outer linearisation.

With s_t = Σ_w a_wt x_wt, a = −ln(1 − p), the value destroyed V (1 − e^−s) is concave in s, and
no tangent lies below it:

    max Σ y_t − Σ k_w x_wt,   y_t ≤ V_t (1 − e^−σ + e^−σ (s_t − σ))   for all σ in a list,

gains no less than the best plan (M. A. Duran, I. E. Grossmann, "An outer-approximation
algorithm for a class of mixed-integer nonlinear programs", Mathematical Programming 36, 1986).
Tangents are added where a solution lies above the curve, first without integers, which costs
little, and then with them.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.core.programme import maximise, relax
from sim.core.tables import Bools, Floats, Indices
from sim.defence.assignment_problem import Problem

_ROUNDS = 60
#: Exponents of the first tangents.
_FIRST = (0.0, 0.5, 1.0, 2.0, 3.5, 6.0)


@dataclass(frozen=True, slots=True)
class Programmed:
    """What the programme found.

    Attributes
    ----------
    shots : (W, T), whole ones for the mixed-integer programme; None if there was no time
    bound : no plan gains more; all value if there was no time for better
    """

    shots: Floats | None
    bound: float


def dual_bound(problem: Problem, price: Floats, at_most: Floats, at_least: Floats) -> float:
    """Return what no plan exceeds, whole or in parts, by prices of all limits.

    Parameters
    ----------
    price : (W,) λ of the weapons' shots
    at_most, at_least : (T,) κ and μ of the targets' limits

    Notes
    -----
    D = Σ λ c + Σ κ m − Σ μ l + Σ g_t(r_t), r_t = min_w (λ_w + k_w + κ_t − μ_t) / a_wt, for any
    prices of 0 or more; a μ that would make a shot pay by itself is lowered until none does.
    """
    a = problem.exponent
    allowed = a > 0.0
    paid = np.where(allowed, (price + problem.cost)[:, None] + at_most, np.inf)
    at_least = np.minimum(at_least, np.min(paid, axis=0, initial=np.inf))
    at_least = np.where(np.isfinite(at_least), at_least, 0.0)
    ratio = np.min(
        np.divide(paid - at_least, a, out=np.full(a.shape, np.inf), where=allowed),
        axis=0,
        initial=np.inf,
    )
    worth = ratio < problem.value
    V, r = problem.value[worth], ratio[worth]
    priced = r > 0.0
    g = V - r
    g[priced] -= r[priced] * np.log(V[priced] / r[priced])
    limits = price @ problem.shots + at_most @ problem.most - at_least @ problem.least
    return float(limits + g.sum())


@dataclass(slots=True)
class _Linear:
    """The programme with the tangents so far."""

    problem: Problem
    weapon: Indices = field(init=False)
    target: Indices = field(init=False)
    tangents: list[tuple[Indices, Floats]] = field(default_factory=list)

    def __post_init__(self) -> None:
        usable = (self.problem.kill_probability > 0.0) & (self.problem.shots > 0)[:, None]
        self.weapon, self.target = np.nonzero(usable & (self.problem.most > 0))
        every = np.arange(self.problem.value.size)
        for at in _FIRST:
            self.tangents.append((every, np.full(every.size, at)))

    @property
    def gain(self) -> Floats:
        targets = self.problem.value.size
        return np.concatenate([-self.problem.cost[self.weapon], np.ones(targets)])

    @property
    def most(self) -> Floats:
        p = self.problem
        each = np.minimum(p.shots[self.weapon], p.most[self.target])
        return np.concatenate([each.astype(np.float64), p.value])

    def rows(self) -> tuple[Any, Floats]:
        """Return A (R, n + T) and b: weapons, targets at most, targets at least, tangents."""
        from scipy.sparse import block_array, csr_array  # slow to import

        p, n = self.problem, self.weapon.size
        weapons, targets = p.kill_probability.shape
        pair = np.arange(n)
        by_weapon = csr_array((np.ones(n), (self.weapon, pair)), shape=(weapons, n))
        by_target = csr_array((np.ones(n), (self.target, pair)), shape=(targets, n))
        hit = csr_array(
            (p.exponent[self.weapon, self.target], (self.target, pair)), shape=(targets, n)
        )
        which = np.concatenate([t for t, _ in self.tangents])
        at = np.concatenate([s for _, s in self.tangents])
        slope = p.value[which] * np.exp(-at)
        height = p.value[which] * -np.expm1(-at) - slope * at
        count = np.arange(which.size)
        y = csr_array((np.ones(which.size), (count, which)), shape=(which.size, targets))
        steep = csr_array((slope, (count, which)), shape=(which.size, targets))
        A = block_array(
            [
                [by_weapon, csr_array((weapons, targets))],
                [by_target, csr_array((targets, targets))],
                [-by_target, csr_array((targets, targets))],
                [-(steep @ hit), y],
            ],
            format="csc",
        )
        limits = np.concatenate([p.shots, p.most, -p.least]).astype(np.float64)
        return A, np.concatenate([limits, height])

    def shots(self, values: Floats) -> Floats:
        """Return the shots (W, T) of a solution."""
        x = np.zeros(self.problem.kill_probability.shape)
        x[self.weapon, self.target] = values[: self.weapon.size]
        return x

    def cut(self, values: Floats, accuracy: float) -> bool:
        """Add tangents where a solution lies above the curve; return whether it does."""
        p = self.problem
        s = (p.exponent * self.shots(values)).sum(axis=0)
        over = values[self.weapon.size :] - p.value * -np.expm1(-s)
        high: Bools = over > accuracy / max(1, p.value.size)
        if high.any():
            self.tangents.append((np.flatnonzero(high), s[high]))
        return bool(high.any())


def _in_parts(programme: _Linear, share: float, end: float) -> Programmed:
    """Add tangents until the programme without integers is as exact as wanted."""
    p = programme.problem
    weapons, targets = p.kill_probability.shape
    best, shots = float(p.value.sum()), None
    for _ in range(_ROUNDS):
        rows, upper = programme.rows()
        left_s = max(end - time.monotonic(), 0.01)
        found = relax(programme.gain, rows, upper, programme.most, left_s)
        if found is None:
            break
        price = found.price[:weapons]
        at_most, at_least = found.price[weapons : weapons + 2 * targets].reshape(2, targets)
        best = min(best, found.bound, dual_bound(p, price, at_most, at_least))
        shots = programme.shots(found.values)
        if not programme.cut(found.values, share * float(p.value.sum())):
            break
    return Programmed(shots, best)


def parts_programme(problem: Problem, share: float = 1e-9, seconds: float = 60.0) -> Programmed:
    """Return the best shots in parts and their bound, within a share of all value.

    All limits are heeded. The bound is counted from prices by weak duality.

    Raises
    ------
    ValueError
        If no plan keeps to the limits.
    """
    _feasible(problem)
    programme = _Linear(problem)
    if not programme.weapon.size:
        return Programmed(np.zeros(problem.kill_probability.shape), 0.0)
    return _in_parts(programme, share, time.monotonic() + seconds)


def whole_programme(problem: Problem, share: float = 1e-6, seconds: float = 60.0) -> Programmed:
    """Return the best plan by HiGHS and a bound, until they differ by a share of the value.

    The bound is HiGHS's word, or that for shots in parts if it is less.

    Raises
    ------
    ValueError
        If no plan keeps to the limits.
    """
    _feasible(problem)
    end = time.monotonic() + seconds
    programme = _Linear(problem)
    if not programme.weapon.size:
        return Programmed(np.zeros(problem.kill_probability.shape), 0.0)
    bound = _in_parts(programme, 1e-4, time.monotonic() + 0.5 * seconds).bound
    whole = np.concatenate([np.ones(programme.weapon.size, bool), np.zeros(problem.value.size)])
    best, gained = None, -math.inf
    for _ in range(_ROUNDS):
        rows, upper = programme.rows()
        left_s = max(end - time.monotonic(), 0.01)
        found = maximise(
            programme.gain,
            rows,
            upper,
            whole.astype(bool),
            programme.most,
            left_s,
            gap=0.1 * share,
        )
        bound = min(bound, found.bound)
        if found.values is None:
            break
        shots = np.rint(programme.shots(found.values))
        if problem.allows(shots) and problem.gained(shots) > gained:
            best, gained = shots, problem.gained(shots)
        if bound - gained <= share * float(problem.value.sum()) or time.monotonic() >= end:
            break
        if not programme.cut(found.values, 0.1 * share * float(problem.value.sum())):
            break
    return Programmed(best, bound)


def _feasible(problem: Problem) -> None:
    """Raise ValueError if the weapons cannot meet all ``least`` together."""
    if not problem.least.any():
        return
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_flow

    weapons, targets = problem.kill_probability.shape
    count = weapons + targets + 2
    w, t = np.nonzero(problem.kill_probability > 0.0)
    ends = np.concatenate(
        [
            np.stack([np.full(weapons, count - 2), np.arange(weapons)]),
            np.stack([w, weapons + t]),
            np.stack([weapons + np.arange(targets), np.full(targets, count - 1)]),
        ],
        axis=1,
    )
    capacity = np.concatenate([problem.shots, problem.shots[w], problem.least])
    graph = csr_array((capacity.astype(np.int32), (ends[0], ends[1])), shape=(count, count))
    if maximum_flow(graph, count - 2, count - 1).flow_value < problem.least.sum():
        raise ValueError("least: the weapons cannot fire so many shots at all these targets")
