"""Cells of a grid in the order of what it costs to reach them: a heap that lets costs fall.

A heap of four children a node: shallower than one of two, and a node's children share a line
of the cache. ``place`` (N,) tells where in the heap a cell is, ``UNSEEN`` before it was ever
in, ``SETTLED`` once it was taken out.
"""

from __future__ import annotations

from sim.core.jit import kernel
from sim.core.tables import Floats, Ints

UNSEEN, SETTLED = -1, -2


@kernel(leaf=True)
def _rise(heap: Ints, place: Ints, cost: Floats, at: int) -> None:
    cell = heap[at]
    while at > 0:
        parent = (at - 1) // 4
        above = heap[parent]
        if cost[above] <= cost[cell]:
            break
        heap[at] = above
        place[above] = at
        at = parent
    heap[at] = cell
    place[cell] = at


@kernel(leaf=True)
def lower(heap: Ints, place: Ints, size: int, cost: Floats, cell: int) -> int:
    """Put a cell whose cost fell where it belongs; return the new size of the heap."""
    at = place[cell]
    if at < 0:
        at = size
        size += 1
        heap[at] = cell
    _rise(heap, place, cost, at)
    return size


@kernel(leaf=True)
def take_cheapest(heap: Ints, place: Ints, size: int, cost: Floats) -> int:
    """Take the cheapest cell out of a heap of ``size`` cells, which is one less afterwards."""
    cheapest = heap[0]
    place[cheapest] = SETTLED
    last = heap[size - 1]
    at, size = 0, size - 1
    while True:
        first = 4 * at + 1
        if first >= size:
            break
        child = first
        for other in range(first + 1, min(first + 4, size)):
            if cost[heap[other]] < cost[heap[child]]:
                child = other
        if cost[heap[child]] >= cost[last]:
            break
        heap[at] = heap[child]
        place[heap[at]] = at
        at = child
    if size > 0:
        heap[at] = last
        place[last] = at
    return int(cheapest)
