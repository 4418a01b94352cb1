"""The k-barrier degree: how many sensors must fail before a hole opens, and which.

The band is closed as long as a chain of touching covers joins its ends, so a hole opens as soon
as the failed sensors hit every chain. Where every cover is in one piece, the fewest that do are
a smallest vertex cut between the ends, as many as there are chains without a sensor in common
(Menger; Kumar, Lai and Arora, "Barrier coverage with wireless sensors", MobiCom 2005): a
maximum flow. Where terrain tears covers into pieces, one failure takes several vertices, and the
fewest are the least cut by colours: a mixed-integer programme, in which a potential rises by 1
from end to end, at failed sensors only. That is one row per contact of pieces instead of one per
chain, of which a long line has more than can be told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.core.tables import Bools
from sim.coverage.chains import FIRST, LAST, SensorCover, drop_needless, links_of, pieces_of
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
    owners = sensor[pieces]
    # With all pieces of a sensor as one there are more chains: those that hit them hit all.
    merged: dict[int, set[int]] = {}
    for piece in pieces:
        merged.setdefault(int(sensor[piece]), set()).update(
            touched if touched < 0 else int(sensor[touched]) for touched in links[piece]
        )
    cut = _smallest_cut(merged)
    if len(merged) == len(pieces) or len(cut) == 1:
        return len(cut), cut
    bound, found = _fewest_colours(links, pieces, owners, time_limit_s)
    best = cut if found is None or len(cut) < len(found) else found
    return min(max(bound, 1), len(best)), best


def _smallest_cut(links: dict[int, set[int]]) -> list[int]:
    """Return the fewest nodes whose loss parts ``FIRST`` from ``LAST``."""
    from scipy.sparse import coo_array  # scipy is slow to import
    from scipy.sparse.csgraph import breadth_first_order, maximum_flow

    # Every node is an entry and an exit, with room for one chain between them.
    place = {node: 2 * i for i, node in enumerate(links)}
    source, sink = 2 * len(links), 2 * len(links) + 1
    unlimited = len(links) + 1
    begins, stops, room = [], [], []
    for node, entry in place.items():
        edges = [(entry, entry + 1, 1)]
        for other in links[node]:
            if other == FIRST:
                edges.append((source, entry, unlimited))
            elif other == LAST:
                edges.append((entry + 1, sink, unlimited))
            else:
                edges.append((entry + 1, place[other], unlimited))
        for begin, stop, most in edges:
            begins.append(begin)
            stops.append(stop)
            room.append(most)
    capacity = coo_array(
        (np.array(room, np.int32), (begins, stops)), shape=(sink + 1, sink + 1)
    ).tocsr()
    left: Any = capacity - maximum_flow(capacity, source, sink).flow
    left.eliminate_zeros()
    reached = np.zeros(sink + 1, np.bool_)
    reached[breadth_first_order(left, source, return_predecessors=False)] = True
    return sorted(node for node, at in place.items() if reached[at] and not reached[at + 1])


def _fewest_colours(
    links: dict[int, set[int]], pieces: list[int], owners: Indices, time_limit_s: float
) -> tuple[int, list[int] | None]:
    """Return a bound from below, and the fewest sensors whose pieces part the ends, if found.

    Unknowns: the potential of every piece, 0 at the first end, and whether a sensor failed.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import coo_array

    sensors, colour = np.unique(owners, return_inverse=True)
    place = {piece: i for i, piece in enumerate(pieces)}
    failed = len(pieces) + colour
    size = len(pieces) + sensors.size
    steps = [(place[a], place[b]) for a in pieces for b in links[a] if b >= 0]
    begin, stop = np.array(steps, np.intp).reshape(-1, 2).T
    last = np.array([place[piece] for piece in links[LAST]], np.intp)

    def rows(*terms: tuple[float, Any]) -> Any:
        """Return a matrix whose rows add up factors at columns."""
        count = terms[0][1].size
        factors = np.repeat([factor for factor, _ in terms], count)
        at = np.concatenate([columns for _, columns in terms])
        return coo_array((factors, (np.tile(np.arange(count), len(terms)), at)), (count, size))

    constraints = [LinearConstraint(rows((1.0, last), (1.0, failed[last])).tocsr(), 1.0, np.inf)]
    if steps:
        rise = rows((1.0, stop), (-1.0, begin), (-1.0, failed[begin])).tocsr()
        constraints.append(LinearConstraint(rise, -np.inf, 0.0))
    most = np.ones(size)
    most[[place[piece] for piece in links[FIRST]]] = 0.0
    whole = np.zeros(size, np.int64)
    whole[len(pieces) :] = 1
    answer = milp(
        whole.astype(np.float64),
        integrality=whole,
        bounds=Bounds(0.0, most),
        constraints=constraints,
        options={"time_limit": time_limit_s, "mip_rel_gap": 0.0},
    )
    bound = answer.mip_dual_bound
    lower = math.ceil(bound - 1e-6) if bound is not None and math.isfinite(bound) else 0
    if answer.x is None:
        return lower, None
    failures = np.flatnonzero(answer.x[len(pieces) :] > 0.5)
    return lower, sensors[failures].tolist()
