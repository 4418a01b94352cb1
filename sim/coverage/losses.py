"""What is left of a crossing when sensors fail, and where a line has gaps.

Exposures add up over sensors, so the worst loss of n sensors is that of the n that contribute
most: exact for a crossing that is given. A path chosen anew after the loss may be weaker still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.core.tables import Floats
from sim.coverage.stencil import Indices


@dataclass(frozen=True)
class WorstLosses:
    """What is left of every crossing after the worst loss of n sensors.

    Attributes
    ----------
    exposure : (N + 1, X) after the loss of 0, 1, … N sensors, of every crossing
    sensors : (X, N) which are lost, that which contributes most first; -1 where none is left
    """

    exposure: Floats
    sensors: Indices

    def worst_crossing(self, losses: int) -> int:
        """Return the crossing with the least exposure after so many losses."""
        return int(self.exposure[losses].argmin())


@dataclass(frozen=True)
class Gaps:
    """Stretches of a line.

    Attributes
    ----------
    start_km, end_km : (G,) along the line
    """

    start_km: Floats
    end_km: Floats

    @property
    def longest(self) -> int | None:
        """Return which is the longest, if there are any."""
        return int((self.end_km - self.start_km).argmax()) if self.start_km.size else None

    @property
    def longest_km(self) -> float:
        """Return the length of the longest, 0 if there are none."""
        return float((self.end_km - self.start_km).max(initial=0.0))


def worst_losses(contributions: Any, losses: int = 3) -> WorstLosses:
    """Return what is left of crossings after the worst loss of 0, 1, … ``losses`` sensors.

    Parameters
    ----------
    contributions
        (X, S) scipy sparse array: the exposure of crossing x to sensor s.

    Raises
    ------
    ValueError
        If a contribution is negative or not finite, there are no crossings, or ``losses`` < 0.
    """
    crossings, _ = contributions.shape
    if not crossings:
        raise ValueError("there are no crossings")
    if losses < 0:
        raise ValueError(f"losses must not be negative, found {losses}")
    table = contributions.tocsr(copy=True)
    table.sum_duplicates()
    wrong = ~(np.isfinite(table.data) & (table.data >= 0))
    if wrong.any():
        raise ValueError(
            f"a contribution must be finite and not negative, found {table.data[wrong][0]}"
        )
    table.eliminate_zeros()
    crossing = np.repeat(np.arange(crossings), np.diff(table.indptr))
    # Of equal contributions the first sensor is taken: the answer is always the same.
    order = np.lexsort((table.indices, -table.data, crossing))
    sensor, part = table.indices[order], table.data[order].astype(np.float64)
    rank = np.arange(part.size) - table.indptr[:-1][crossing]
    sensors = np.full((crossings, losses), -1, np.int64)
    lost = rank < losses
    sensors[crossing[lost], rank[lost]] = sensor[lost]
    # Sums of what is left, not the whole less what is lost: they cannot fall below zero.
    exposure = np.zeros((losses + 1, crossings))
    for n in range(losses + 1):
        exposure[n] = np.bincount(crossing[rank >= n], part[rank >= n], minlength=crossings)
    return WorstLosses(exposure, sensors)


def gaps_below(value: Floats, edges_km: Floats, threshold: float) -> Gaps:
    """Return the stretches of a line where a value stays below a threshold.

    Parameters
    ----------
    value
        (C,) of each cell along the line.
    edges_km
        (C + 1,) where the cells begin and end.

    Raises
    ------
    ValueError
        If shapes do not agree, the line is empty, a value is NaN or the edges do not rise.
    """
    value, edges_km = np.asarray(value, np.float64), np.asarray(edges_km, np.float64)
    if value.ndim != 1 or not value.size or edges_km.shape != (value.size + 1,):
        raise ValueError(
            f"a line of C cells has C + 1 edges, found {value.shape} cells, {edges_km.shape} edges"
        )
    if np.isnan(value).any():
        raise ValueError(f"the value of cell {int(np.isnan(value).argmax())} is not a number")
    if not (np.diff(edges_km) > 0).all():
        raise ValueError("the edges of cells must rise along the line")
    below = np.concatenate([[False], value < threshold, [False]])
    change = np.flatnonzero(below[1:] != below[:-1])
    return Gaps(edges_km[change[::2]], edges_km[change[1::2]])
