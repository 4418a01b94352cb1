"""Heights between the nodes of a grid, for very many places at once."""

from __future__ import annotations

import math

import numba

from sim.core.jit import kernel
from sim.core.sweep import Floats32
from sim.core.tables import Floats


@kernel(leaf=True)
def height_at(
    heights_m: Floats32,
    lattice_row: Floats,
    lattice_column: Floats,
    v: float,
    u: float,
    outside_m: float,
) -> float:
    """Return the interpolated height at a place between the nodes of a lattice.

    Parameters
    ----------
    heights_m, lattice_row, lattice_column, outside_m : as in ``resample``
    v, u : row and column of the place in the lattice
    """
    a = min(max(int(v), 0), lattice_row.shape[0] - 2)
    b = min(max(int(u), 0), lattice_row.shape[1] - 2)
    v, u = v - a, u - b
    w00, w01 = (1.0 - v) * (1.0 - u), (1.0 - v) * u
    w10, w11 = v * (1.0 - u), v * u
    row = w00 * lattice_row[a, b] + w01 * lattice_row[a, b + 1]
    row += w10 * lattice_row[a + 1, b] + w11 * lattice_row[a + 1, b + 1]
    column = w00 * lattice_column[a, b] + w01 * lattice_column[a, b + 1]
    column += w10 * lattice_column[a + 1, b] + w11 * lattice_column[a + 1, b + 1]
    rows, columns = heights_m.shape
    if not (0.0 <= row <= rows - 1 and 0.0 <= column <= columns - 1):
        return outside_m
    i, j = min(int(row), rows - 2), min(int(column), columns - 2)
    y, x = row - i, column - j
    south = (1.0 - x) * heights_m[i, j] + x * heights_m[i, j + 1]
    north = (1.0 - x) * heights_m[i + 1, j] + x * heights_m[i + 1, j + 1]
    inside: float = (1.0 - y) * south + y * north
    return outside_m if math.isnan(inside) else inside


@kernel(parallel=True)
def resample(
    heights_m: Floats32,
    lattice_row: Floats,
    lattice_column: Floats,
    spacing: int,
    outside_m: float,
    out_m: Floats32,
) -> None:
    """Fill another grid with bilinearly interpolated heights.

    Parameters
    ----------
    heights_m : (R, C) to be interpolated
    lattice_row, lattice_column : (L, M) where in ``heights_m`` every ``spacing``-th cell of
        ``out_m`` lies; cells between are interpolated
    outside_m : height where ``heights_m`` says nothing
    out_m : output, within the lattice
    """
    for r in numba.prange(out_m.shape[0]):
        for c in range(out_m.shape[1]):
            v, u = r / spacing, c / spacing
            out_m[r, c] = height_at(heights_m, lattice_row, lattice_column, v, u, outside_m)
