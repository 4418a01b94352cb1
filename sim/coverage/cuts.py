"""The fewest nodes, or colours of nodes, whose loss parts the two ends of a graph.

For colours, a potential rises from 0 at one end to 1 at the other, at lost colours only. That is
one row per edge of the graph instead of one per chain between its ends, of which a long line has
more than can be told. Chains without a colour in common bound the number from below, and so does
the relaxation, in which colours are lost in part; a level between 0 and 1 at which the fewest
colours rise bounds it from above. Only where the bounds do not meet, the mixed-integer programme
is solved.
"""

from __future__ import annotations

import math
import time
from collections import deque
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Floats
from sim.coverage.chains import FIRST, LAST
from sim.coverage.stencil import Indices

#: What a solver's number may lie above a whole one and still be it.
_TOLERANCE = 1e-6


def smallest_cut(links: dict[int, set[int]]) -> list[int]:
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


class _Programme(NamedTuple):
    """Minimise the sum of lost colours; unknowns are the nodes' potentials, then the colours.

    Attributes
    ----------
    nodes : how many there are
    colour : (V,) index of each node's colour among ``colours``
    colours : (K,) as they are called outside
    at_most : matrix and (E,) right side of what holds
    most : (V + K,) upper bounds; the lower ones are 0
    """

    nodes: int
    colour: NDArray[np.intp]
    colours: Indices
    at_most: tuple[Any, Floats]
    most: Floats


def _programme(links: dict[int, set[int]], colour_of: Indices) -> _Programme:
    from scipy.sparse import coo_array, vstack

    nodes = [node for node in links if node >= 0]
    colours, colour = np.unique(colour_of[nodes], return_inverse=True)
    place = {node: i for i, node in enumerate(nodes)}
    lost = len(nodes) + colour
    size = len(nodes) + colours.size
    edges = [(place[a], place[b]) for a in nodes for b in links[a] if b >= 0]
    begin, stop = np.array(edges, np.intp).reshape(-1, 2).T
    last = np.array([place[node] for node in links[LAST]], np.intp)

    def rows(*terms: tuple[float, NDArray[np.intp]]) -> Any:
        """Return a matrix whose rows add up factors at columns."""
        count = terms[0][1].size
        factors = np.repeat([factor for factor, _ in terms], count)
        columns = np.concatenate([columns for _, columns in terms])
        return coo_array((factors, (np.tile(np.arange(count), len(terms)), columns)), (count, size))

    most = np.ones(size)
    most[[place[node] for node in links[FIRST]]] = 0.0
    top = rows((-1.0, last), (-1.0, lost[last]))
    rise = rows((1.0, stop), (-1.0, begin), (-1.0, lost[begin]))
    right = np.concatenate([np.full(last.size, -1.0), np.zeros(begin.size)])
    return _Programme(len(nodes), colour, colours, (vstack([top, rise]).tocsr(), right), most)


def fewest_colours(
    links: dict[int, set[int]], colour_of: Indices, known: list[int], time_limit_s: float
) -> tuple[int, list[int]]:
    """Return a bound from below, and the fewest colours found whose nodes part the ends.

    ``known`` are colours that do.
    """
    of_nodes = {int(colour_of[node]) for node in smallest_cut(links)}
    best = min(known, sorted(of_nodes), key=len)
    lower = _chains_apart(links, colour_of)
    if lower == len(best):
        return lower, best
    begun = time.monotonic()
    programme = _programme(links, colour_of)
    relaxed = _solve(programme, time_limit_s, whole=False)
    if relaxed.status != 0:
        return lower, best
    lower = max(lower, math.ceil(relaxed.fun - _TOLERANCE))
    best = min(best, _rounded(programme, relaxed.x), key=len)
    left_s = time_limit_s - (time.monotonic() - begun)
    if len(best) == lower or left_s <= 0.0:
        return lower, best
    answer = _solve(programme, left_s, whole=True)
    if answer.mip_dual_bound is not None and math.isfinite(answer.mip_dual_bound):
        lower = max(lower, math.ceil(answer.mip_dual_bound - _TOLERANCE))
    if answer.x is not None:
        best = min(best, _rounded(programme, answer.x), key=len)
    return min(lower, len(best)), best


def _chains_apart(links: dict[int, set[int]], colour_of: Indices) -> int:
    """Return how many chains without a colour in common are found, the shortest first.

    Each needs a loss of its own.
    """
    used: set[int] = set()
    count = 0
    while chain := _shortest_chain(links, colour_of, used):
        used |= {int(colour_of[node]) for node in chain}
        count += 1
    return count


def _shortest_chain(links: dict[int, set[int]], colour_of: Indices, without: set[int]) -> list[int]:
    """Return the nodes of a shortest chain between the ends, none if there is none."""
    came_from = {FIRST: FIRST}
    waiting = deque([FIRST])
    while waiting:
        node = waiting.popleft()
        if node == LAST:
            chain = []
            while (node := came_from[node]) != FIRST:
                chain.append(node)
            return chain
        for other in links[node] - came_from.keys():
            if other == LAST or int(colour_of[other]) not in without:
                came_from[other] = node
                waiting.append(other)
    return []


def _solve(programme: _Programme, time_limit_s: float, *, whole: bool) -> Any:
    """Return scipy's answer, with colours lost in part unless they must be ``whole``.

    Where colours are whole, potentials of 0 and 1 are enough. They are held to them: with a part
    of the unknowns free, HiGHS now and then prints a line to stdout.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    matrix, right = programme.at_most
    lost = np.arange(programme.most.size) >= programme.nodes
    return milp(
        lost.astype(np.float64),
        integrality=np.full(lost.size, int(whole)),
        bounds=Bounds(0.0, programme.most),
        constraints=LinearConstraint(matrix, -np.inf, right),
        options={"time_limit": time_limit_s, "mip_rel_gap": 0.0},
    )


def _rounded(programme: _Programme, unknowns: Floats) -> list[int]:
    """Return the colours that rise at the level between 0 and 1 where the fewest do.

    Every chain has to rise through every level, so those colours part the ends.
    """
    low = unknowns[: programme.nodes]
    high = low + unknowns[programme.nodes :][programme.colour]
    ends = np.unique(np.concatenate([low, high]).clip(0.0, 1.0))
    # Between ends that a solver's tolerance cannot have moved past each other.
    wide = np.diff(ends) > 2.0 * _TOLERANCE
    levels = (0.5 * (ends[1:] + ends[:-1]))[wide]
    rising = [programme.colour[(low <= level) & (level < high)] for level in levels]
    fewest: list[int] = programme.colours[min(map(np.unique, rising), key=len)].tolist()
    return fewest
