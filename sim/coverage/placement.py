"""What can be bought, within what limits, and what a placement is.

The words that all solvers share. Options are sites, each with a kind of sensor; options of
one group exclude each other (one mast carries one of them). Costs are ranges: a choice is
made at their midpoints and told with its least and its highest cost.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Bools, Floats, Indices

#: A budget may be overdrawn by this share, which is rounding.
_ROUNDING = 1e-9
#: Scale of the budget's row: the solver keeps rows to a millionth, so the budget to 1e-9.
_BUDGET_SCALE = 1e3

#: Called with phase, steps done, bound (an infinite one is not known yet) and best value.
Progress = Callable[[str, int, float, float], None]


def silent(phase: str, done: int, bound: float, value: float) -> None:
    """Report nothing."""


def checked(name: str, values: ArrayLike, shape: tuple[int, ...]) -> Floats:
    """Return values as an array of that shape, none of them negative or NaN.

    Raises
    ------
    ValueError
        If they are not.
    """
    array = np.array(values, np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
    bad = np.argwhere(~(array >= 0.0))
    if bad.size:
        place = tuple(int(index) for index in bad[0])
        raise ValueError(f"{name}{list(place)} is {array[place]}, expected 0 or more")
    return array


@dataclass(frozen=True, slots=True)
class Options:
    """What may be bought: N sites with a kind of sensor each.

    Attributes
    ----------
    cost_low, cost_high : (N,) least and highest cost of each, above 0
    group : (N,) at most one option of each group is chosen

    Raises
    ------
    ValueError
        If a cost is not above 0 and finite, a range is upside down, or shapes differ.
    """

    cost_low: Floats
    cost_high: Floats
    group: Indices

    def __post_init__(self) -> None:
        if self.cost_low.ndim != 1 or not self.cost_low.size:
            raise ValueError("expected one option or more, in a row")
        for name in ("cost_low", "cost_high"):
            cost = checked(name, getattr(self, name), self.cost_low.shape)
            bad = np.flatnonzero((cost <= 0.0) | np.isinf(cost))
            if bad.size:
                raise ValueError(f"{name}[{bad[0]}] is {cost[bad[0]]}, expected a cost above 0")
        over = np.flatnonzero(self.cost_low > self.cost_high)
        if over.size:
            low, high = self.cost_low[over[0]], self.cost_high[over[0]]
            raise ValueError(f"cost of option {over[0]} is {low} to {high}, low above high")
        if self.group.shape != self.cost_low.shape:
            raise ValueError(f"group has shape {self.group.shape}, expected {self.cost_low.shape}")

    @classmethod
    def of(
        cls, cost: ArrayLike, cost_high: ArrayLike | None = None, group: ArrayLike | None = None
    ) -> Self:
        """Return options of these costs, or from these to higher ones; ungrouped by default."""
        low = np.array(cost, np.float64)
        return cls(
            low,
            low.copy() if cost_high is None else np.array(cost_high, np.float64),
            np.arange(low.size) if group is None else np.array(group, np.int64),
        )

    def __len__(self) -> int:
        return int(self.cost_low.size)

    @property
    def cost(self) -> Floats:
        """(N,) midpoints."""
        middle: Floats = 0.5 * (self.cost_low + self.cost_high)
        return middle


@dataclass(frozen=True, slots=True)
class Limits:
    """What may be spent in sum, and on how many sensors.

    Raises
    ------
    ValueError
        If the budget is not above 0 or fewer than one sensor may be chosen.
    """

    budget: float = math.inf
    most: int | None = None

    def __post_init__(self) -> None:
        if not self.budget > 0.0:
            raise ValueError(f"budget is {self.budget}, expected a sum above 0")
        if self.most is not None and self.most < 1:
            raise ValueError(f"at most {self.most} sensors, expected 1 or more")

    @property
    def ceiling(self) -> float:
        """Budget, and what rounding adds to it."""
        return self.budget * (1.0 + _ROUNDING)

    def usable(self, options: Options) -> Bools:
        """Return which options (N,) the budget pays for.

        Raises
        ------
        ValueError
            If it pays for none.
        """
        affordable: Bools = options.cost <= self.ceiling
        if not affordable.any():
            cheapest = options.cost.min()
            raise ValueError(f"budget {self.budget:g} is below the cheapest option, {cheapest:g}")
        return affordable

    def count(self, options: Options) -> int:
        """Return the largest number of options that could be chosen."""
        costs = np.sort(options.cost[self.usable(options)])
        paid = int(np.searchsorted(np.cumsum(costs), self.ceiling, side="right"))
        groups = np.unique(options.group).size
        return min(paid, groups, len(options) if self.most is None else self.most)

    def hold(self, options: Options, chosen: Iterable[int]) -> bool:
        """Return whether a choice keeps to them."""
        index = np.array(list(chosen), np.int64)
        return bool(
            options.cost[index].sum() <= self.ceiling * (1.0 + 2.0 * _ROUNDING)
            and (self.most is None or index.size <= self.most)
            and np.unique(options.group[index]).size == index.size
        )

    def rows(self, options: Options, columns: Indices) -> tuple[Any, Floats]:
        """Return A (R, C) sparse and b (R,) of the limits A y ≤ b on the options ``columns``."""
        from scipy.sparse import csr_array, vstack  # slow to import

        blocks, upper = [csr_array((0, columns.size))], []
        if math.isfinite(self.budget):
            scale = _BUDGET_SCALE / self.ceiling
            blocks.append(csr_array(scale * options.cost[columns][None, :]))
            upper.append(_BUDGET_SCALE)
        if self.most is not None:
            blocks.append(csr_array(np.ones((1, columns.size))))
            upper.append(float(self.most))
        _, member, size = np.unique(options.group[columns], return_inverse=True, return_counts=True)
        places = (member, np.arange(columns.size))
        grouped = csr_array((np.ones(columns.size), places), shape=(size.size, columns.size))
        blocks.append(grouped[np.flatnonzero(size > 1)])
        upper.extend([1.0] * int((size > 1).sum()))
        return vstack(blocks, format="csr"), np.array(upper)


class Purse:
    """What is left of the limits as options are chosen one by one."""

    def __init__(self, options: Options, limits: Limits) -> None:
        self._options, self._limits = options, limits
        self._cost = options.cost
        self._spent = 0.0
        self.chosen: list[int] = []
        self._free = np.ones(len(options), np.bool_)

    @property
    def fits(self) -> Bools:
        """(N,) which options may still be chosen; what does not fit once never fits again."""
        if self._limits.most is not None and len(self.chosen) >= self._limits.most:
            return np.zeros(self._free.size, np.bool_)
        mask: Bools = self._free & (self._spent + self._cost <= self._limits.ceiling)
        return mask

    def take(self, option: int) -> None:
        """Choose an option."""
        self.chosen.append(option)
        self._spent += float(self._cost[option])
        self._free &= self._options.group != self._options.group[option]


@dataclass(frozen=True, slots=True)
class Effort:
    """How long a solver may try.

    A choice limited by time may differ from run to run; one limited by ``nodes`` and
    ``rounds`` does not.

    Attributes
    ----------
    time_s : for the whole call
    nodes : branch-and-bound nodes of each mixed-integer programme, None for any number
    rounds : paths generated one after another
    """

    time_s: float = 60.0
    nodes: int | None = None
    rounds: int = 200

    def __post_init__(self) -> None:
        if not self.time_s > 0.0 or self.rounds < 1 or (self.nodes is not None and self.nodes < 1):
            raise ValueError(f"expected time, nodes and rounds above 0, found {self}")


class Clock:
    """Time left of an effort, counted from its making."""

    def __init__(self, time_s: float) -> None:
        self._end = time.monotonic() + time_s

    @property
    def left_s(self) -> float:
        """Seconds left, 0 when over."""
        return max(self._end - time.monotonic(), 0.0)


@dataclass(frozen=True, slots=True)
class Placement:
    """A choice of options, what it attains, and what no choice can exceed.

    Attributes
    ----------
    chosen : options, in the order of choice if chosen one by one, else ascending
    value : what the choice attains, counted from the data
    base_value : the same without any option
    bound : no choice within the limits attains more
    cost_low, cost_high : of the choice in sum
    method : how the choice was found
    bound_by : where the bound comes from
    share : a choice found so gains at least this share of the best gain, whatever the data;
        None where no such share is known
    share_by : source of the share, or why there is none
    stopped : whether time, nodes or rounds ran out
    """

    chosen: Indices
    value: float
    base_value: float
    bound: float
    cost_low: float
    cost_high: float
    method: str
    bound_by: str
    share: float | None = None
    share_by: str = ""
    stopped: bool = False

    @property
    def cost(self) -> float:
        """Midpoint of the cost."""
        return 0.5 * (self.cost_low + self.cost_high)

    @property
    def a_priori_bound(self) -> float:
        """What no choice exceeds by the share alone, infinite without one."""
        if self.share is None:
            return math.inf
        return self.base_value + (self.value - self.base_value) / self.share

    @property
    def gap(self) -> float:
        """How much better another choice could be at most."""
        return self.bound - self.value

    @property
    def proven(self) -> bool:
        """Whether no choice is better, within a millionth."""
        return self.gap <= 1e-6 * max(self.value, 1e-9)


def closed(bound: float, value: float) -> float:
    """Return a bound with the solver's rounding taken off.

    Raises
    ------
    RuntimeError
        If a choice attains more than the bound that was to exceed all: the solver erred.
    """
    if value > bound + 1e-5 * max(value, 1e-9):
        raise RuntimeError(f"a choice attains {value!r}, above the solver's bound {bound!r}")
    return max(bound, value)
