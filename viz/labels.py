"""Where labels go: greedily beside their track, never over each other or over a symbol."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Bools, Floats
from viz.camera import Rect

#: Side of a cell of the occupancy grid.
_CELL_PX = 4
#: The eight places around a symbol, in order of preference: to the right and below.
SIDES = np.array(
    [(1, -1), (1, 1), (-1, -1), (-1, 1), (1, 0), (-1, 0), (0, -1), (0, 1)], dtype=np.float64
)
#: More labels than this nobody reads; the rest appear on zooming in.
MOST_LABELS = 300


class Occupancy:
    """Which parts of the map are taken."""

    def __init__(self, view: Rect) -> None:
        self._view = view
        rows, columns = int(view.height // _CELL_PX) + 1, int(view.width // _CELL_PX) + 1
        self._taken: Bools = np.zeros((rows, columns), np.bool_)
        self._avoided: Bools = np.zeros((rows, columns), np.bool_)

    def take(self, rect: Rect) -> None:
        """Mark a rectangle as taken."""
        left, top = rect.left - self._view.left, rect.top - self._view.top
        cells = (int(edge // _CELL_PX) + 1 for edge in (left + rect.width, top + rect.height))
        right, bottom = (max(cell, 0) for cell in cells)
        left, top = (max(int(edge // _CELL_PX), 0) for edge in (left, top))
        self._taken[top:bottom, left:right] = True

    def take_around(self, points_px: Floats, reach_px: float) -> None:
        """Mark squares around points (N, 2) as taken."""
        reach = int(reach_px // _CELL_PX)
        offset_px = np.arange(-reach, reach + 1) * float(_CELL_PX)
        square = np.stack(np.meshgrid(offset_px, offset_px), axis=-1).reshape(-1, 1, 2)
        self._mark(self._taken, (points_px + square).reshape(-1, 2))

    def avoid(self, points_px: Floats) -> None:
        """Mark points (N, 2) that labels should keep off if they can."""
        self._mark(self._avoided, points_px)

    def _mark(self, grid: Bools, points_px: Floats) -> None:
        points_px = points_px[self._view.near(points_px)]
        cell = (points_px - [self._view.left, self._view.top]) // _CELL_PX
        x, y = cell.astype(np.intp).T
        grid[y, x] = True

    def _cells(self, rects_px: Floats) -> NDArray[np.intp]:
        """Return left, top, right, bottom cells (..., 4), last included, of rectangles (..., 4)."""
        rows, columns = self._taken.shape
        corner = rects_px[..., :2] - [self._view.left, self._view.top]
        edges = np.concatenate([corner, corner + rects_px[..., 2:]], axis=-1) // _CELL_PX
        cells: NDArray[np.intp] = np.clip(edges, 0, [columns - 1, rows - 1] * 2).astype(np.intp)
        return cells

    def place(
        self, anchors_px: Floats, sizes_px: Floats, gaps_px: Floats, preferred: NDArray[np.intp]
    ) -> list[tuple[int, int, Rect]]:
        """Give each anchor (N, 2), most important first, a label's place beside it.

        What is taken already is compared with all places at once, in a table of sums;
        only labels among themselves need to take turns.

        Parameters
        ----------
        anchors_px, sizes_px, gaps_px
            Anchors (N, 2), sizes of the labels (N, 2), distances between them (N,).
        preferred
            The side (N,) each label had last, -1 for none: tried first, so that labels
            keep still.

        Returns
        -------
        list of (row, side, rectangle)
            The labels that found a place; it is taken now.
        """
        shift = SIDES * np.where(SIDES[:, :1] != 0, [1.0, 0.5], 1.0)
        corner = anchors_px[:, None] + shift * gaps_px[:, None, None]
        corner -= sizes_px[:, None] * (1.0 - SIDES) / 2.0
        rects = np.concatenate([corner, np.broadcast_to(sizes_px[:, None], corner.shape)], axis=-1)
        cells = self._cells(rects)
        free = self._inside(rects) & ~_touched(self._taken, cells)
        rank = np.tile(np.arange(len(SIDES)), (len(anchors_px), 1))
        remembered = np.flatnonzero(preferred >= 0)
        rank[remembered, preferred[remembered]] = -1
        rank += 2 * len(SIDES) * _touched(self._avoided, cells)
        order = np.argsort(rank, axis=1)
        placed: list[tuple[int, int, Rect]] = []
        labels = np.zeros_like(self._taken)
        for row in np.flatnonzero(free.any(axis=1)).tolist():
            for side in order[row].tolist():
                if not free[row, side]:
                    continue
                left, top, right, bottom = cells[row, side].tolist()
                area = labels[top : bottom + 1, left : right + 1]
                if not area.any():
                    area[:] = True
                    placed.append((row, side, Rect(*rects[row, side].tolist())))
                    break
            if len(placed) == MOST_LABELS:
                break
        self._taken |= labels
        return placed

    def _inside(self, rects_px: Floats) -> Bools:
        view = self._view
        inside: Bools = (
            (rects_px[..., 0] >= view.left)
            & (rects_px[..., 1] >= view.top)
            & (rects_px[..., 0] + rects_px[..., 2] <= view.right)
            & (rects_px[..., 1] + rects_px[..., 3] <= view.bottom)
        )
        return inside


def _touched(grid: Bools, cells: NDArray[np.intp]) -> Bools:
    """Return whether any cell of a rectangle (..., 4) is set, by a table of sums."""
    sums = np.zeros(np.add(grid.shape, 1), np.int32)
    np.cumsum(grid, axis=0, dtype=np.int32, out=sums[1:, 1:])
    np.cumsum(sums[1:, 1:], axis=1, out=sums[1:, 1:])
    left, top, right, bottom = np.moveaxis(cells, -1, 0)
    inner = sums[bottom + 1, right + 1] - sums[top, right + 1]
    touched: Bools = inner - sums[bottom + 1, left] + sums[top, left] > 0
    return touched
