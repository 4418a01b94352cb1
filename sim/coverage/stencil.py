"""Straight moves between cells of a band, what they integrate, and how far they err.

A path over a grid flies in the directions of its moves only. Between two neighbouring ones
it zigzags: where the rate is the same all around, a path in the worst direction, half-way
between them, is longer than the straight line by 1 / cos(half the angle between the two).
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Floats

Indices = NDArray[np.int64]

#: Moves of an eighth of the circle, by the number of all moves; the rest by mirroring.
_OCTANT = {
    8: ((1, 0), (1, 1)),
    16: ((1, 0), (2, 1), (1, 1)),
    32: ((1, 0), (3, 1), (2, 1), (3, 2), (1, 1)),
}


class Stencil(NamedTuple):
    """The moves from a cell, and the cells whose values each of them integrates.

    Attributes
    ----------
    moves : (M, 2) rows and columns to go, in the order of their angle
    first : (M + 1,) where the samples of each move begin
    offset : (S, 2) rows and columns from the cell where the move begins
    weight : (S,) of a sample; those of a move sum to 1
    """

    moves: Indices
    first: Indices
    offset: Indices
    weight: Floats

    @property
    def reach(self) -> int:
        """Return how many rows or columns the longest move goes."""
        return int(np.abs(self.moves).max())


def stencil(neighbours: int) -> Stencil:
    """Return the stencil of 8, 16 or 32 moves.

    Raises
    ------
    ValueError
        If there is no stencil of so many moves.
    """
    if neighbours not in _OCTANT:
        raise ValueError(f"neighbours must be 8, 16 or 32, found {neighbours}")
    octant = _OCTANT[neighbours]
    moves = {(s * r, t * c) for p, q in octant for r, c in ((p, q), (q, p)) for s, t in _SIGNS}
    ordered = sorted(moves, key=lambda move: float(np.arctan2(*move)))
    samples = [_samples(*move) for move in ordered]
    return Stencil(
        moves=np.array(ordered, np.int64),
        first=np.cumsum([0, *map(len, samples)]).astype(np.int64),
        offset=np.array([cell for each in samples for cell in each], np.int64),
        weight=np.array([float(w) for each in samples for w in each.values()]),
    )


_SIGNS = ((1, 1), (1, -1), (-1, 1), (-1, -1))


def _samples(rows: int, columns: int) -> dict[tuple[int, int], Fraction]:
    """Return the weights of cells in the mean, along a move, of what is bilinear between them.

    Between two lines of the grid it is a square function of the way: Simpson's rule is exact.
    """
    steps = (abs(rows), abs(columns))
    crossed = sorted({Fraction(k, n) for n in steps if n for k in range(n + 1)})
    weights: dict[tuple[int, int], Fraction] = {}
    for begin, end in pairwise(crossed):
        middle = (begin + end) / 2
        corner = (rows * middle) // 1, (columns * middle) // 1
        for at, simpson in ((begin, 1), (middle, 4), (end, 1)):
            r, c = rows * at - corner[0], columns * at - corner[1]
            for down, across, share in (
                (0, 0, (1 - r) * (1 - c)),
                (0, 1, (1 - r) * c),
                (1, 0, r * (1 - c)),
                (1, 1, r * c),
            ):
                cell = (int(corner[0]) + down, int(corner[1]) + across)
                part = share * simpson * (end - begin) / 6
                weights[cell] = weights.get(cell, Fraction(0)) + part
    return {cell: weight for cell, weight in weights.items() if weight}


def metrication_ratio(neighbours: int, *, row_m: float = 1.0, column_m: float = 1.0) -> float:
    """Return how much longer than a straight line a path of moves can be, at worst.

    Parameters
    ----------
    neighbours
        8, 16 or 32 moves.
    row_m, column_m
        Distance between rows and between columns of a rectangular grid.
    """
    rows, columns = np.meshgrid(np.arange(2) * row_m, np.arange(2) * column_m, indexing="ij")
    return band_metrication_ratio(rows, columns, neighbours)


def band_metrication_ratio(east_m: Floats, north_m: Floats, neighbours: int) -> float:
    """Return the metrication ratio of a band (R, C) that may bend: that of its worst cell.

    It is infinite where the band folds flat.
    """
    moves = stencil(neighbours).moves
    down = np.gradient(east_m, axis=0), np.gradient(north_m, axis=0)
    across = np.gradient(east_m, axis=1), np.gradient(north_m, axis=1)
    smallest = 1.0
    for a, b in pairwise(moves[: len(moves) // 2 + 1]):
        # Moves come in opposite pairs: half a turn has all angles between neighbours.
        ae, an = (a[0] * d + a[1] * c for d, c in zip(down, across, strict=True))
        be, bn = (b[0] * d + b[1] * c for d, c in zip(down, across, strict=True))
        length_squared = (ae * ae + an * an) * (be * be + bn * bn)
        if not (length_squared > 0.0).all():
            return float("inf")
        smallest = min(smallest, float(((ae * be + an * bn) / np.sqrt(length_squared)).min()))
    # 1 / cos(angle / 2), from the cosine of the angle.
    return float("inf") if smallest <= -1.0 else float(np.sqrt(2.0 / (1.0 + smallest)))
