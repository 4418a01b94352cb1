"""The cheapest paths over a grid whose eight moves from every cell have costs of their own."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.core.jit import kernel
from sim.core.tables import Bools, Floats, Ints
from sim.coverage.heap import SETTLED, UNSEEN, lower, take_cheapest
from sim.coverage.paths import START
from sim.coverage.stencil import Indices, stencil

Number = TypeVar("Number", np.float64, np.intp)

MOVES = stencil(8).moves


def beyond(values: NDArray[Number], move: int) -> NDArray[Number]:
    """Return, for every cell, the value where a move leads; any value off the grid."""
    return np.roll(values, tuple(-MOVES[move]), axis=(0, 1))


def settle(
    edge: Floats, cost: Floats, goals: Bools, ring: bool, *, sums: bool
) -> tuple[NDArray[np.int8], Floats, int]:
    """Return by what move cells were reached, at what cost, and the cheapest goal.

    The goal is row × columns + column, or -1 if none can be reached. ``edge`` (8, R, C) are the
    costs of moves from cells; ``cost`` (R, C) is finite where a path may start. A path costs the
    sum of its moves, or the greatest.
    """
    came_by = np.full(cost.shape, START, np.int8)
    heap, place = np.empty(cost.size, np.int32), np.full(cost.size, UNSEEN, np.int32)
    columns = cost.shape[1]
    goal = _spread(
        edge.reshape(len(edge), -1),
        MOVES,
        goals.ravel(),
        ring,
        sums,
        columns,
        heap,
        place,
        cost.ravel(),
        came_by.ravel(),
    )
    return came_by, cost, goal


@kernel(leaf=True)
def _spread(
    edge: Floats,
    moves: Indices,
    goals: Bools,
    ring: bool,
    sums: bool,
    columns: int,
    heap: Ints,
    place: Ints,
    cost: Floats,
    came_by: NDArray[np.int8],
) -> int:
    """Settle cells in the order of their cost until a goal is; return it."""
    size = 0
    rows = cost.size // columns
    for cell in range(cost.size):
        if cost[cell] < np.inf:
            size = lower(heap, place, size, cost, cell)
    while size > 0:
        cell = take_cheapest(heap, place, size, cost)
        size -= 1
        if goals[cell]:
            return cell
        row, column = cell // columns, cell % columns
        for move in range(moves.shape[0]):
            to_row, to_column = row + moves[move, 0], column + moves[move, 1]
            if ring:
                to_column = to_column % columns
            if to_row < 0 or to_row >= rows or to_column < 0 or to_column >= columns:
                continue
            other = to_row * columns + to_column
            if place[other] == SETTLED:
                continue
            step = edge[move, cell]
            reached = cost[cell] + step if sums else max(cost[cell], step)
            if reached < cost[other]:
                cost[other] = reached
                came_by[other] = move
                size = lower(heap, place, size, cost, other)
    return -1
