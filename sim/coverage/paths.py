"""The weakest crossing of a band of sensors: the path of least exposure.

Exposure is the integral of the rate of detection over time; a crossing is detected with the
probability 1 − exp(−exposure). The path is found by Dijkstra's algorithm over the moves of a
stencil (Meguerdichian, Koushanfar, Qu and Potkonjak, "Exposure in wireless ad-hoc sensor
networks", MobiCom 2001); each move costs what it meets along its whole length, at the rate for
its own heading. So the path found can be flown and its exposure is true of the interpolated
rate: the least exposure of all paths is at most what was found.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from sim.core.jit import kernel
from sim.core.tables import Bools, Floats, Ints
from sim.coverage.heap import SETTLED, UNSEEN, lower, take_cheapest
from sim.coverage.stencil import Indices, band_metrication_ratio, stencil

Floats32 = NDArray[np.float32]
#: What lies beyond the first and the last column: nothing that can be flown, the outside (a
#: path may come in round the end), or each other (a line around a place).
Ends = Literal["closed", "open", "ring"]
Values = TypeVar("Values", Floats, Floats32)

#: Of paths with the same exposure, the shortest is wanted: each second adds so much.
_PER_SECOND = 1e-12
START = -1


@dataclass(frozen=True)
class Crossing:
    """The path through a band that is least exposed, and the least exposure of every exit.

    Attributes
    ----------
    cells : (L, 2) row and column of the path's cells, from the outside in
    exposure : of the path
    arrival_exposure : (C,) least exposure of a path that ends in the column; infinite where
        the column has no exit
    exit_row : (C,) row where that path ends
    metrication_ratio : how many times its length a straight way is over the stencil, at worst
    """

    cells: Indices
    exposure: float
    arrival_exposure: Floats
    exit_row: Indices
    metrication_ratio: float
    _came_by: NDArray[np.int8] = field(repr=False)
    _moves: Indices = field(repr=False)

    @property
    def probability(self) -> float:
        """Return the probability that the path is detected."""
        return -math.expm1(-self.exposure)

    @property
    def exposure_floor(self) -> float:
        """Return what no path's exposure falls below, but for the interpolation of the rate.

        It holds where the rate does not depend on the heading, and changes little over the
        longest move.
        """
        return self.exposure / self.metrication_ratio

    def path_to(self, column: int) -> Indices:
        """Return the cells (L, 2) of the least exposed path that ends in a column.

        Raises
        ------
        ValueError
            If the column has no exit.
        """
        if not (0 <= column < self.exit_row.size and np.isfinite(self.arrival_exposure[column])):
            raise ValueError(f"column {column} has no exit")
        return path_back(self._came_by, self._moves, int(self.exit_row[column]), column)


def path_back(came_by: NDArray[np.int8], moves: Indices, row: int, column: int) -> Indices:
    """Return the cells (L, 2) from a start to a cell, given by what move each was reached."""
    cells = [(row, column)]
    while (move := int(came_by[row, column])) != START:
        row, column = row - int(moves[move, 0]), (column - int(moves[move, 1])) % came_by.shape[1]
        cells.append((row, column))
    return np.array(cells[::-1], np.int64)


def weakest_crossing(
    rate_per_s: Floats | Floats32,
    east_m: Floats,
    north_m: Floats,
    *,
    speed_mps: float,
    neighbours: int = 32,
    ends: Ends = "closed",
    starts: Bools | None = None,
    goals: Bools | None = None,
) -> Crossing:
    """Return the least exposed path from the outside of a band to its inside.

    Parameters
    ----------
    rate_per_s
        (D, R, C) rate of detection at the cells' centres, of a target that flies on the
        heading 2πk/D clockwise from north; linear between headings, bilinear between cells.
    east_m, north_m
        (R, C) cells' centres; row 0 lies outside, row R − 1 is the edge defended.
    speed_mps
        Of the target.
    neighbours
        8, 16 or 32 moves from a cell.
    ends
        What lies beyond the first and the last column; see ``Ends``.
    starts, goals
        (R, C) cells where paths begin and end, instead of the first and the last row.

    Raises
    ------
    ValueError
        If shapes do not agree, the grid is smaller than 2 × 2, a value is not finite or
        negative, or there is no start or no goal.
    """
    east_m, north_m = check_band(east_m, north_m)
    rate = check_rate(rate_per_s, east_m.shape)
    if not (math.isfinite(speed_mps) and speed_mps > 0):
        raise ValueError(f"speed {speed_mps} m/s must be positive")
    shape = east_m.shape
    moves = stencil(neighbours)
    pad = ring_padding(shape, moves.reach, ends)
    rate = with_seam(rate, pad)
    padded_east, padded_north = with_seam(east_m, pad), with_seam(north_m, pad)
    edges = edges_of(shape, ends)
    starts, goals = _chosen(starts, edges[0], "start"), _chosen(goals, edges[1], "goal")
    width = shape[1] + 2 * pad
    cost = np.full(shape, np.inf)
    came_by = np.full(shape, START, np.int8)
    _spread(
        rate.reshape(len(rate), -1),
        padded_east.ravel(),
        padded_north.ravel(),
        float(speed_mps),
        moves.moves,
        moves.first,
        moves.offset @ np.array([width, 1]),
        moves.weight,
        starts.ravel(),
        goals.ravel(),
        int(goals.sum()),
        pad,
        shape[1],
        np.empty(cost.size, np.int32),
        np.full(cost.size, UNSEEN, np.int32),
        cost.ravel(),
        came_by.ravel(),
    )
    arrival = np.where(goals, cost, np.inf)
    exit_row = arrival.argmin(axis=0)
    arrival = arrival[exit_row, np.arange(shape[1])]
    best = int(arrival.argmin())
    return Crossing(
        cells=path_back(came_by, moves.moves, int(exit_row[best]), best),
        exposure=float(arrival[best]),
        arrival_exposure=arrival,
        exit_row=exit_row,
        metrication_ratio=band_metrication_ratio(east_m, north_m, neighbours),
        _came_by=came_by,
        _moves=moves.moves,
    )


def check_band(east_m: Floats, north_m: Floats) -> tuple[Floats, Floats]:
    """Return cells' centres as float64, or raise ValueError if they are not those of a band."""
    east_m, north_m = (np.ascontiguousarray(m, np.float64) for m in (east_m, north_m))
    if east_m.ndim != 2 or east_m.shape != north_m.shape:
        raise ValueError(
            f"east and north must be of one shape (rows, columns), "
            f"found {east_m.shape} and {north_m.shape}"
        )
    if min(east_m.shape) < 2:
        raise ValueError(f"a band needs 2 × 2 cells or more, found {_times(east_m.shape)}")
    if not (np.isfinite(east_m).all() and np.isfinite(north_m).all()):
        raise ValueError("cells' centres must be finite")
    return east_m, north_m


def check_rate(rate_per_s: Floats | Floats32, shape: tuple[int, ...]) -> Floats32:
    """Return a rate (D, R, C) as float32, or raise ValueError if it is not one of a band."""
    rate: Floats32 = np.ascontiguousarray(rate_per_s, np.float32)
    if rate.ndim != 3 or not len(rate) or rate.shape[1:] != shape:
        raise ValueError(
            f"the rate must be of the shape (headings, {shape[0]}, {shape[1]}), found {rate.shape}"
        )
    wrong = ~(np.isfinite(rate) & (rate >= 0))
    if wrong.any():
        heading, row, column = (int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"a rate must be finite and not negative, found {rate[heading, row, column]} "
            f"at heading {heading}, row {row}, column {column}"
        )
    return rate


def ring_padding(shape: tuple[int, ...], reach: int, ends: Ends) -> int:
    """Return how many columns to repeat beyond either end, for moves across the seam."""
    if ends not in get_args(Ends):
        raise ValueError(f"ends must be one of {', '.join(get_args(Ends))}, found {ends!r}")
    if ends != "ring":
        return 0
    if shape[1] <= 2 * reach:
        raise ValueError(f"a ring needs more than {2 * reach} columns, found {shape[1]}")
    return reach


def with_seam(values: Values, pad: int) -> Values:
    """Return values (…, C) with ``pad`` columns of the other end at either end."""
    if not pad:
        return values
    return np.concatenate([values[..., -pad:], values, values[..., :pad]], axis=-1)


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def edges_of(shape: tuple[int, ...], ends: Ends) -> tuple[Bools, Bools]:
    """Return the cells (R, C) where a path comes in, and those where it has crossed."""
    starts, goals = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    starts[0], goals[-1] = True, True
    if ends == "open":
        starts[:, [0, -1]] = True
    return starts, goals


def _chosen(cells: Bools | None, default: Bools, what: str) -> Bools:
    if cells is None:
        return default
    cells = np.ascontiguousarray(cells, np.bool_)
    if cells.shape != default.shape:
        raise ValueError(
            f"{what}s must be of the shape {_times(default.shape)}, found {cells.shape}"
        )
    if not cells.any():
        raise ValueError(f"no cell is a {what}")
    return cells


@kernel(leaf=True)
def _spread(
    rate: Floats32,
    east_m: Floats,
    north_m: Floats,
    speed_mps: float,
    moves: Indices,
    first: Indices,
    offset: Indices,
    weight: Floats,
    starts: Bools,
    goals: Bools,
    wanted: int,
    pad: int,
    columns: int,
    heap: Ints,
    place: Ints,
    cost: Floats,
    came_by: NDArray[np.int8],
) -> None:
    """Settle cells in the order of their exposure until all goals are.

    Cells count without padding; fields and offsets of samples count with it.
    """
    size = 0
    rows = cost.size // columns
    width = columns + 2 * pad
    headings = rate.shape[0]
    per_rad = headings / (2.0 * math.pi)
    for cell in range(cost.size):
        if starts[cell]:
            cost[cell] = 0.0
            size = lower(heap, place, size, cost, cell)
    while size > 0:
        cell = take_cheapest(heap, place, size, cost)
        size -= 1
        if goals[cell]:
            wanted -= 1
            if wanted == 0:
                return
        row, column = cell // columns, cell % columns
        here = row * width + column + pad
        for move in range(moves.shape[0]):
            to_row, to_column = row + moves[move, 0], column + moves[move, 1]
            if to_row < 0 or to_row >= rows:
                continue
            there = to_row * width + to_column + pad
            if to_column < 0 or to_column >= columns:
                if pad == 0:
                    continue
                to_column = to_column % columns
            other = to_row * columns + to_column
            if place[other] == SETTLED:
                continue
            east, north = east_m[there] - east_m[here], north_m[there] - north_m[here]
            now = after = 0
            share = 0.0
            if headings > 1:
                turned = math.atan2(east, north) * per_rad
                if turned < 0.0:
                    turned += headings
                now = int(turned)
                share = turned - now
                now %= headings
                after = (now + 1) % headings
            mean = further = 0.0
            for sample in range(first[move], first[move + 1]):
                at = here + offset[sample]
                mean += weight[sample] * rate[now, at]
                further += weight[sample] * rate[after, at]
            mean = (1.0 - share) * mean + share * further
            seconds = math.sqrt(east * east + north * north) / speed_mps
            reached = cost[cell] + seconds * (mean + _PER_SECOND)
            if reached < cost[other]:
                cost[other] = reached
                came_by[other] = move
                size = lower(heap, place, size, cost, other)
