"""What weapon–target assignment is given, and what a plan is.

    max  Σ_t V_t (1 − Π_w (1 − p_wt)^x_wt) − Σ_w k_w Σ_t x_wt,   Σ_t x_wt ≤ c_w,   x whole,

the static problem of A. S. Manne, "A target-assignment problem", Operations Research 6, 1958:
p the probability that one shot kills, V the value of a target, c and k a weapon's shots and
the cost of each. Kills are independent of each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Floats, Indices

#: Two values are equal within this share of all value at stake: rounding.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Problem:
    """Shots at hand, and targets.

    Attributes
    ----------
    kill_probability : (W, T) of one shot, from 0 (not allowed) to below 1
    value : (T,) of each target, times the probability that shots under way miss it
    shots : (W,) that each weapon can fire now
    cost : (W,) of a shot, in the units of value; a target is not worth shots that cost more
        than they gain
    most : (T,) shots at a target
    least : (T,) shots at a target, which only ``method="milp"`` heeds

    Raises
    ------
    ValueError
        If shapes differ, a number is out of range, or ``least`` exceeds ``most`` or what the
        weapons allowed against a target have.
    """

    kill_probability: Floats
    value: Floats
    shots: Indices
    cost: Floats
    most: Indices
    least: Indices

    @classmethod
    def of(
        cls,
        kill_probability: ArrayLike,
        value: ArrayLike,
        shots: ArrayLike,
        *,
        cost: ArrayLike | None = None,
        most: ArrayLike | None = None,
        least: ArrayLike | None = None,
    ) -> Self:
        """Return a problem of these; by default shots cost nothing and targets have no limits."""
        p = np.array(kill_probability, np.float64)
        if p.ndim != 2:
            raise ValueError(f"kill_probability has {p.ndim} dimensions, expected 2: (W, T)")
        weapons, targets = p.shape
        c = _whole("shots", shots, weapons)
        return cls(
            p,
            np.array(value, np.float64),
            c,
            np.zeros(weapons) if cost is None else np.array(cost, np.float64),
            np.full(targets, c.sum()) if most is None else _whole("most", most, targets),
            np.zeros(targets, np.int64) if least is None else _whole("least", least, targets),
        )

    def __post_init__(self) -> None:
        weapons, targets = self.kill_probability.shape
        for name, count in (
            ("value", targets),
            ("shots", weapons),
            ("cost", weapons),
            ("most", targets),
            ("least", targets),
        ):
            array = getattr(self, name)
            if array.shape != (count,):
                raise ValueError(f"{name} has shape {array.shape}, expected {(count,)}")
            _refuse(name, array, ~((array >= 0) & np.isfinite(array)), "0 or more")
        p = self.kill_probability
        _refuse("kill_probability", p, ~((p >= 0.0) & (p < 1.0)), "0 or more and below 1")
        over = np.flatnonzero(self.least > np.minimum(self.most, self.shots @ (p > 0.0)))
        if over.size:
            t = over[0]
            raise ValueError(f"least[{t}] is {self.least[t]}, more shots than the target may get")

    @property
    def exponent(self) -> Floats:
        """(W, T) −ln(1 − p): those of several shots add up."""
        a: Floats = -np.log1p(-self.kill_probability)
        return a

    @property
    def slack(self) -> float:
        """What differs by no more is equal."""
        return ROUNDING * max(float(self.value.sum()), 1e-300)

    def gained(self, shots: ArrayLike) -> float:
        """Return the expected value destroyed less the cost of shots (W, T), whole or not."""
        x = np.asarray(shots, np.float64)
        killed = -np.expm1(-(self.exponent * x).sum(axis=0))
        return float(self.value @ killed - self.cost @ x.sum(axis=1))

    def allows(self, shots: ArrayLike) -> bool:
        """Return whether shots (W, T) keep to all limits."""
        x = np.asarray(shots)
        at_target = x.sum(axis=0)
        return bool(
            (x >= 0).all()
            and (x[self.kill_probability == 0.0] == 0).all()
            and (x.sum(axis=1) <= self.shots).all()
            and (at_target <= self.most).all()
            and (at_target >= self.least).all()
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """Shots, what they gain, and what no plan can exceed.

    Attributes
    ----------
    shots : (W, T) of each weapon at each target
    gained : expected value destroyed, less cost
    bound : no plan gains more
    method : how the plan was found
    bound_by : where the bound comes from
    """

    shots: Indices
    gained: float
    bound: float
    method: str
    bound_by: str

    @property
    def gap(self) -> float:
        """How much more another plan could gain at most."""
        return self.bound - self.gained

    @property
    def relative_gap(self) -> float:
        """Gap over bound; 0 where nothing can be gained."""
        return self.gap / self.bound if self.bound > 0.0 else 0.0

    @property
    def proven(self) -> bool:
        """Whether no plan gains more, within a millionth."""
        return self.gap <= 1e-6 * self.bound


def plan_of(problem: Problem, shots: Indices, bound: float, method: str, bound_by: str) -> Plan:
    """Return a plan with what it gains counted from the data, and rounding taken off the bound.

    Raises
    ------
    RuntimeError
        If the shots break a limit or gain more than the bound: a solver erred.
    """
    if not problem.allows(shots):
        raise RuntimeError(f"{method} broke a limit of the problem")
    gained = problem.gained(shots)
    if gained > bound + 1e3 * problem.slack:
        raise RuntimeError(f"{method} gains {gained!r}, above the bound {bound!r} by {bound_by}")
    return Plan(shots, gained, max(bound, gained), method, bound_by)


def _whole(name: str, values: ArrayLike, count: int) -> Indices:
    """Return whole numbers as such, one for all or each its own."""
    array = np.array(values)
    if array.ndim == 0:
        array = np.full(count, array)
    whole = np.array(np.nan_to_num(array, nan=-1.0, posinf=-1.0, neginf=-1.0), np.int64)
    _refuse(name, array, whole != array, "a whole number")
    return whole


def _refuse(name: str, array: np.ndarray, wrong: np.ndarray, expected: str) -> None:
    """Name the first number that is wrong."""
    bad = np.argwhere(wrong)
    if bad.size:
        place = tuple(int(index) for index in bad[0])
        raise ValueError(f"{name}{list(place)} is {array[place]}, expected {expected}")
