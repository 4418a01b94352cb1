"""The k-barrier degree: how many sensors must fail before a hole opens, and which.

The band is closed as long as a chain of touching covers joins its ends, so a hole opens as soon
as the failed sensors hit every chain. Where every cover is in one piece, the fewest that do are
a smallest vertex cut between the ends, as many as there are chains without a sensor in common
(Menger; Kumar, Lai and Arora, "Barrier coverage with wireless sensors", MobiCom 2005): a
maximum flow. Where terrain tears covers into pieces, one failure takes several vertices, and the
fewest are the least cut by colours: a mixed-integer programme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.core.tables import Bools
from sim.coverage.chains import SensorCover, drop_needless, links_of, pieces_of
from sim.coverage.cuts import fewest_colours, smallest_cut
from sim.coverage.lattice import MOVES, settle
from sim.coverage.paths import path_back
from sim.coverage.stencil import Indices

#: Moves over a side of a cell; through a corner between two covers nobody passes.
_OVER_SIDES = np.abs(MOVES).sum(axis=1) == 1


@dataclass(frozen=True)
class BarrierDegree:
    """How many sensors must fail before a hole opens through the band.

    Attributes
    ----------
    lower : fewer failures open no hole; 0 if one is open today
    upper : so many open one: those of ``failing``
    failing : (upper,) sensors, in the order of the covers
    hole : (L, 2) row and column of a path through the hole, from the outside in
    """

    lower: int
    upper: int
    failing: Indices
    hole: Indices

    @property
    def exact(self) -> bool:
        """Tell whether the degree is certain."""
        return self.lower == self.upper


def barrier_degree(
    covers: Sequence[SensorCover], shape: tuple[int, int], *, time_limit_s: float = 60.0
) -> BarrierDegree:
    """Return the smallest number of sensors whose failure opens a hole through a band.

    Parameters
    ----------
    covers
        What each sensor covers of the band's grid.
    shape
        Rows and columns of the grid; row 0 lies outside, the last is the edge defended.
    time_limit_s
        For the mixed-integer programme; when it is over, the degree lies between bounds.

    Raises
    ------
    ValueError
        If the grid is empty or a cover is not a window of it.
    """
    if min(shape) < 1:
        raise ValueError(f"a band needs cells, found {shape[0]} × {shape[1]}")
    pieces = pieces_of(covers, shape)
    links = drop_needless(links_of(pieces, shape), pieces.sensor)
    lower, failing = _fewest(links, pieces.sensor, time_limit_s)
    covered = np.zeros(shape, np.bool_)
    for sensor in set(range(len(covers))) - set(failing):
        row, column, mask = covers[sensor]
        covered[row : row + mask.shape[0], column : column + mask.shape[1]] |= mask
    hole = open_path(covered)
    if hole is None:
        raise AssertionError(f"without sensors {failing} no hole is open")
    return BarrierDegree(lower, len(failing), np.array(failing, np.int64), hole)


def open_path(covered: Bools) -> Indices | None:
    """Return the shortest path (L, 2) over sides of cells that are not covered, if there is one.

    It leads from the first row of ``covered`` (R, C) to the last.
    """
    open_ = ~covered
    cost = np.full((len(MOVES), *covered.shape), np.inf)
    cost[_OVER_SIDES] = np.where(open_, 1.0, np.inf)
    starts, goals = np.zeros_like(open_), np.zeros_like(open_)
    starts[0], goals[-1] = open_[0], open_[-1]
    # A covered cell may be reached, but neither left nor crossed: it is no goal.
    came_by, _, goal = settle(cost, np.where(starts, 0.0, np.inf), goals, ring=False, sums=True)
    return None if goal < 0 else path_back(came_by, MOVES, *divmod(goal, covered.shape[1]))


def _fewest(
    links: dict[int, set[int]], sensor: Indices, time_limit_s: float
) -> tuple[int, list[int]]:
    """Return a bound from below, and the fewest sensors found that hit all chains."""
    pieces = [piece for piece in links if piece >= 0]
    if not pieces:
        return 0, []
    # With all pieces of a sensor as one there are more chains: those that hit them hit all.
    merged: dict[int, set[int]] = {}
    for piece in pieces:
        merged.setdefault(int(sensor[piece]), set()).update(
            touched if touched < 0 else int(sensor[touched]) for touched in links[piece]
        )
    cut = smallest_cut(merged)
    if len(merged) == len(pieces) or len(cut) == 1:
        return len(cut), cut
    return fewest_colours(links, sensor, cut, time_limit_s)
