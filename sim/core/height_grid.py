"""Heights between the nodes of a grid, for very many places at once."""

from __future__ import annotations

import numba

from sim.core.jit import kernel
from sim.core.sweep import Floats32
from sim.core.tables import Floats


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
    rows, columns = heights_m.shape
    for r in numba.prange(out_m.shape[0]):
        a = min(r // spacing, lattice_row.shape[0] - 2)
        v = r / spacing - a
        for c in range(out_m.shape[1]):
            b = min(c // spacing, lattice_row.shape[1] - 2)
            u = c / spacing - b
            w00, w01 = (1.0 - v) * (1.0 - u), (1.0 - v) * u
            w10, w11 = v * (1.0 - u), v * u
            row = w00 * lattice_row[a, b] + w01 * lattice_row[a, b + 1]
            row += w10 * lattice_row[a + 1, b] + w11 * lattice_row[a + 1, b + 1]
            column = w00 * lattice_column[a, b] + w01 * lattice_column[a, b + 1]
            column += w10 * lattice_column[a + 1, b] + w11 * lattice_column[a + 1, b + 1]
            height = outside_m
            if 0.0 <= row <= rows - 1 and 0.0 <= column <= columns - 1:
                i, j = min(int(row), rows - 2), min(int(column), columns - 2)
                y, x = row - i, column - j
                south = (1.0 - x) * heights_m[i, j] + x * heights_m[i, j + 1]
                north = (1.0 - x) * heights_m[i + 1, j] + x * heights_m[i + 1, j + 1]
                inside = (1.0 - y) * south + y * north
                if inside == inside:  # not NaN
                    height = inside
            out_m[r, c] = height
