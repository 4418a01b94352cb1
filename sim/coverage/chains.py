"""Chains of sensors across a band: which pieces of their covers touch.

A sensor's cover falls into pieces behind terrain. Two pieces touch where they share a cell or
have cells with a corner in common. A chain of touching pieces from the first column to the last
closes the band to all paths over its cells' sides: on a grid, either such a chain or such a path
exists, never both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Bools
from sim.coverage.stencil import Indices

#: The two ends of the band, as nodes of the graph of pieces.
FIRST, LAST = -1, -2


class SensorCover(NamedTuple):
    """The cells that a sensor covers: a window of the band's grid.

    Attributes
    ----------
    row, column : where the window begins on the grid
    mask : (H, W) cells of the window that are covered
    """

    row: int
    column: int
    mask: Bools


class Pieces(NamedTuple):
    """Connected pieces of covers.

    Attributes
    ----------
    sensor : (P,) whose
    first : (P + 1,) where the cells of each begin
    cell : (E,) cells, by piece; row × columns + column
    """

    sensor: Indices
    first: Indices
    cell: Indices


def pieces_of(covers: Sequence[SensorCover], shape: tuple[int, int]) -> Pieces:
    """Return the pieces of all covers.

    Raises
    ------
    ValueError
        If a cover is not a window of the grid.
    """
    from scipy.ndimage import label  # scipy is slow to import

    sensors, sizes, cells = [], [], [np.empty(0, np.int64)]
    for sensor, (row, column, covered) in enumerate(covers):
        mask = np.asarray(covered, np.bool_)
        if mask.ndim != 2 or not (
            0 <= row <= shape[0] - mask.shape[0] and 0 <= column <= shape[1] - mask.shape[1]
        ):
            raise ValueError(
                f"cover {sensor}, {mask.shape} cells from row {row} and column {column}, "
                f"is not a window of the grid {shape}"
            )
        labels, count = label(mask, np.ones((3, 3)))
        r, c = np.nonzero(labels)
        piece = labels[r, c]
        order = np.argsort(piece, kind="stable")
        cells.append(((r + row) * shape[1] + c + column)[order])
        sizes += np.bincount(piece, minlength=count + 1)[1:].tolist()
        sensors += [sensor] * count
    return Pieces(
        np.array(sensors, np.int64),
        np.cumsum([0, *sizes]).astype(np.int64),
        np.concatenate(cells).astype(np.int64),
    )


def links_of(pieces: Pieces, shape: tuple[int, int]) -> dict[int, set[int]]:
    """Return, for every piece and both ends of the band, the pieces and ends it touches."""
    count = pieces.sensor.size
    owner = np.repeat(np.arange(count), np.diff(pieces.first))
    order = np.argsort(pieces.cell, kind="stable")
    cell_first = np.searchsorted(pieces.cell[order], np.arange(shape[0] * shape[1] + 1))
    arguments = (pieces.first, pieces.cell, cell_first.astype(np.int64), owner[order], *shape)
    stamp, nothing = np.empty(count, np.int64), np.empty(0, np.int64)
    other = np.empty(_touching(*arguments, stamp, nothing, nothing), np.int64)
    ends = np.empty(count, np.int64)
    _touching(*arguments, stamp, other, ends)
    links = {
        piece: set(touched.tolist())
        for piece, touched in enumerate(np.split(other, ends[:-1]) if count else [])
    }
    links[FIRST], links[LAST] = set(), set()
    for end, column in ((FIRST, 0), (LAST, shape[1] - 1)):
        for piece in np.unique(owner[pieces.cell % shape[1] == column]).tolist():
            links[piece].add(end)
            links[end].add(piece)
    return links


@kernel(leaf=True)
def _touching(
    first: Indices,
    cell: Indices,
    cell_first: Indices,
    cell_piece: Indices,
    rows: int,
    columns: int,
    stamp: Indices,
    other: Indices,
    ends: Indices,
) -> int:
    """Count the pieces that pieces touch; write them where there is room, and where they end."""
    found = 0
    stamp[:] = -1
    for piece in range(first.size - 1):
        stamp[piece] = piece
        for i in range(first[piece], first[piece + 1]):
            row, column = cell[i] // columns, cell[i] % columns
            for r in range(max(row - 1, 0), min(row + 2, rows)):
                # Cells of a row lie side by side, and so do the pieces in them.
                left = r * columns + max(column - 1, 0)
                right = r * columns + min(column + 1, columns - 1)
                for j in range(cell_first[left], cell_first[right + 1]):
                    touched = cell_piece[j]
                    if stamp[touched] != piece:
                        stamp[touched] = piece
                        if found < other.size:
                            other[found] = touched
                        found += 1
        if piece < ends.size:
            ends[piece] = found
    return found


def drop_needless(links: dict[int, set[int]], sensor: Indices) -> dict[int, set[int]]:
    """Return the graph without pieces that no chain of fewest sensors needs.

    A piece is needless if all that it touches touch each other, as a chain can leave it out; if
    another piece of the same sensor touches all that it touches, as a chain can take that one;
    or if it is cut off from either end of the band.
    """
    links = {piece: set(touched) for piece, touched in links.items()}
    of_sensor: dict[int, set[int]] = {}
    for piece in _both_reach(links):
        of_sensor.setdefault(int(sensor[piece]), set()).add(piece)
    kept = set().union(*of_sensor.values())
    for piece in links.keys() - kept - {FIRST, LAST}:
        _drop(links, piece)
    waiting = set(kept)
    while waiting:
        piece = waiting.pop()
        siblings = of_sensor[int(sensor[piece])]
        touched = links[piece]
        if all(touched <= links[a] | {a} for a in touched) or any(
            touched <= links[sibling] for sibling in siblings - {piece}
        ):
            siblings.remove(piece)
            _drop(links, piece)
            waiting |= touched - {FIRST, LAST}
    return links


def _drop(links: dict[int, set[int]], piece: int) -> None:
    for touched in links.pop(piece):
        if touched in links:
            links[touched].discard(piece)


def _both_reach(links: dict[int, set[int]]) -> set[int]:
    """Return the pieces that chains join to both ends of the band."""
    joined = []
    for end in (FIRST, LAST):
        seen, waiting = {end}, [end]
        while waiting:
            new = links[waiting.pop()] - seen
            seen |= new
            # A chain goes no further where it has come to an end of the band.
            waiting += new - {FIRST, LAST}
        joined.append(seen)
    return (joined[0] & joined[1]) - {FIRST, LAST}
