"""What several sensors see together, cell by cell: kernels and the table they fill.

Every sensor adds its rate of detection −ln(1 − Pd) / period: independent looks. Those that
give a direction only place a target when two of different sites see it: the chance of at
least two, from P₀ = Π(1 − Pd) and P₁ = P₀ Σ Pd/(1 − Pd).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sim.core.jit import kernel
from sim.core.tables import Indices

Floats32 = NDArray[np.float32]
Shorts = NDArray[np.int16]
Counts = NDArray[np.uint8]

#: No look is surer than this: its logarithm must stay finite.
PD_MAX = 0.999999


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """Sums over sensors, for one height and class; D headings and N cells.

    Attributes
    ----------
    placed_rate : (D, N) of sensors that place a target, 1/s
    unseen : (N,) −ln P₀ of one look of each site that gives directions
    once : (N,) Σ Pd/(1 − Pd) of the same
    direction_weight, direction_period : (N,) Σ Pd and Σ Pd · period of the same
    seen_by : (N,) sensors with Pd of a half or more
    miss : (N,) Π(1 − Pd) of one look of every sensor
    pace, pace_period : (N,) most plots a second of any sensor that places, and its period
    best, best_rate : (N,) sensor with the highest rate, −1 for none
    """

    placed_rate: Floats32
    unseen: Floats32
    once: Floats32
    direction_weight: Floats32
    direction_period: Floats32
    seen_by: Counts
    miss: Floats32
    pace: Floats32
    pace_period: Floats32
    best: Shorts
    best_rate: Floats32

    @classmethod
    def nothing(cls, headings: int, cells: int) -> Self:
        """Return the table before any sensor."""
        blank = np.zeros((7, cells), np.float32)
        return cls(
            np.zeros((headings, cells), np.float32),
            blank[0],
            blank[1],
            blank[2],
            blank[3],
            np.zeros(cells, np.uint8),
            np.ones(cells, np.float32),
            blank[4],
            blank[5],
            np.full(cells, -1, np.int16),
            blank[6],
        )

    def copy(self) -> Self:
        """Return sums of their own."""
        return type(self)(*(getattr(self, one.name).copy() for one in fields(self)))

    def add_placing(self, cell: Indices, pd: Floats32, period_s: float, sensor: int) -> None:
        """Take in a sensor that places targets.

        Parameters
        ----------
        cell : (K,) where it may see something
        pd : (D, K) or (1, K) by heading; the last heading is the one inwards
        period_s : between its looks
        sensor : its number
        """
        _add_placing(cell, pd, period_s, self.placed_rate, self.pace, self.pace_period)
        self.count(cell, pd[-1], period_s, sensor)

    def add_directions(
        self, cell: Indices, pd: Floats32, before: Floats32, period_s: float
    ) -> None:
        """Take in a sensor that gives directions.

        Parameters
        ----------
        cell, pd : (K,)
        before : (K,) probability that others at its site gave one; a site counts once
        period_s : between its looks
        """
        _add_directions(
            cell,
            pd,
            before,
            period_s,
            self.unseen,
            self.once,
            self.direction_weight,
            self.direction_period,
        )

    def count(self, cell: Indices, pd: Floats32, period_s: float, sensor: int) -> None:
        """Count a sensor among those that see cells (K,)."""
        _count(cell, pd, period_s, sensor, self.seen_by, self.miss, self.best, self.best_rate)

    def rate_per_s(self) -> Floats32:
        """Return the rate (D, N) at which targets are placed, by one sensor or by two sites."""
        rate = self.placed_rate.copy()
        _add_pairs(self.unseen, self.once, self.direction_weight, self.direction_period, rate)
        return rate

    def inward(self) -> Inward:
        """Return a copy of what counts for targets that fly inwards, to take sensors out of."""
        return Inward(
            self.placed_rate[-1].copy(),
            self.unseen.copy(),
            self.once.copy(),
            self.direction_weight.copy(),
            self.direction_period.copy(),
        )

    def look_s(self) -> Floats32:
        """Return the period (N,) of what sees most there, by which a tracker counts looks."""
        pairs = np.zeros((1, self.miss.size), np.float32)
        _add_pairs(self.unseen, self.once, self.direction_weight, self.direction_period, pairs)
        placing = self.placed_rate[-1]
        period = np.where(self.pace_period > 0, self.pace_period, 1.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self.direction_period / self.direction_weight
        out: Floats32 = np.where(pairs[0] > placing, mean, period).astype(np.float32)
        return out


def shown_by_a_look(rate_per_s: Floats32, look_s: Floats32) -> Floats32:
    """Return how probably one look shows a target (N,): what points sensors that need it."""
    shown: Floats32 = (-np.expm1(-rate_per_s * look_s)).astype(np.float32)
    return shown


@dataclass(frozen=True, slots=True, eq=False)
class Inward:
    """The sums of ``Fused`` for one heading, from which sensors may be lost."""

    placed_rate: Floats32
    unseen: Floats32
    once: Floats32
    direction_weight: Floats32
    direction_period: Floats32

    def copy(self) -> Self:
        """Return sums of their own."""
        return type(self)(*(getattr(self, one.name).copy() for one in fields(self)))

    def lose_placing(self, cell: Indices, pd: Floats32, period_s: float) -> None:
        """Take out what a sensor that places targets sees in cells (K,)."""
        left = self.placed_rate[cell] + np.log1p(-np.minimum(pd, PD_MAX)) / period_s
        self.placed_rate[cell] = np.maximum(left, 0.0)

    def lose_directions(self, cell: Indices, pd: Floats32, period_s: float) -> None:
        """Take out what a sensor that gives directions sees in cells (K,)."""
        pd = np.minimum(pd, np.float32(PD_MAX))
        for sum_, part in (
            (self.unseen, -np.log1p(-pd)),
            (self.once, pd / (1.0 - pd)),
            (self.direction_weight, pd),
            (self.direction_period, pd * period_s),
        ):
            sum_[cell] = np.maximum(sum_[cell] - part, 0.0)

    def add_placing(self, cell: Indices, pd: Floats32, period_s: float) -> None:
        """Take in what a sensor that places targets sees in cells (K,)."""
        self.placed_rate[cell] -= np.log1p(-np.minimum(pd, PD_MAX)) / period_s

    def add_directions(
        self, cell: Indices, pd: Floats32, before: Floats32, period_s: float
    ) -> None:
        """Take in a sensor that gives directions, as ``Fused.add_directions``."""
        _add_directions(
            cell,
            pd,
            before,
            period_s,
            self.unseen,
            self.once,
            self.direction_weight,
            self.direction_period,
        )

    def rate_per_s(self) -> Floats32:
        """Return the rate (N,) at which targets are placed."""
        rate = self.placed_rate[None].copy()
        _add_pairs(self.unseen, self.once, self.direction_weight, self.direction_period, rate)
        one: Floats32 = rate[0]
        return one


@kernel(leaf=True)
def _rate(pd: float, period_s: float) -> float:
    return -math.log1p(-min(pd, PD_MAX)) / period_s


@kernel()
def _add_placing(
    cell: Indices,
    pd: Floats32,
    period_s: float,
    rate: Floats32,
    pace: Floats32,
    pace_period: Floats32,
) -> None:
    several = pd.shape[0] > 1
    for d in range(rate.shape[0]):
        row = d if several else 0
        for k in range(cell.size):
            rate[d, cell[k]] += _rate(pd[row, k], period_s)
    last = pd.shape[0] - 1
    for k in range(cell.size):
        plots_per_s = pd[last, k] / period_s
        if plots_per_s > pace[cell[k]]:
            pace[cell[k]], pace_period[cell[k]] = plots_per_s, period_s


@kernel()
def _add_directions(
    cell: Indices,
    pd: Floats32,
    before: Floats32,
    period_s: float,
    unseen: Floats32,
    once: Floats32,
    weight: Floats32,
    period: Floats32,
) -> None:
    for k in range(cell.size):
        p = min(pd[k], PD_MAX)
        unseen[cell[k]] -= math.log1p(-p)
        known = min(before[k], PD_MAX)
        either = min(1.0 - (1.0 - p) * (1.0 - known), PD_MAX)
        once[cell[k]] += either / (1.0 - either) - known / (1.0 - known)
        weight[cell[k]] += p
        period[cell[k]] += p * period_s


@kernel()
def _count(
    cell: Indices,
    pd: Floats32,
    period_s: float,
    sensor: int,
    seen_by: Counts,
    miss: Floats32,
    best: Shorts,
    best_rate: Floats32,
) -> None:
    for k in range(cell.size):
        i = cell[k]
        if pd[k] <= 0.0:
            continue
        rate = _rate(pd[k], period_s)
        miss[i] *= 1.0 - pd[k]
        if pd[k] >= 0.5 and seen_by[i] < 255:
            seen_by[i] += 1
        if rate > best_rate[i]:
            best[i], best_rate[i] = sensor, rate


@kernel()
def _add_pairs(
    unseen: Floats32, once: Floats32, weight: Floats32, period: Floats32, rate: Floats32
) -> None:
    for i in range(unseen.size):
        if weight[i] <= 0.0:
            continue
        two = 1.0 - math.exp(-unseen[i]) * (1.0 + once[i])
        if two <= 1e-6 or period[i] <= 0.0:  # rounding of what one site sees
            continue
        more = _rate(two, period[i] / weight[i])
        for d in range(rate.shape[0]):
            rate[d, i] += more
