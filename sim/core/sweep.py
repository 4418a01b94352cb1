"""Line of sight over a grid of heights: a horizon sweep, for all target heights at once.

Rays run from the sensor to every cell of the grid's border. They step from one line of the
grid to the next across their main direction, and each keeps the steepest slope met so far.
What a cell's own ray would have met is interpolated between its two neighbouring rays, which
are never more than a cell apart: cost grows with the number of cells, not with its 3/2 power.

Slopes are those over an earth enlarged by refraction: a height h at the distance d counts as
h - d² / (2 k Rₑ), which makes rays straight.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.jit import kernel

Floats32 = NDArray[np.float32]

#: Drop of the enlarged earth (k = 4/3) below a tangent, over the square of the distance.
DROP_PER_M2 = 3.0 / (8.0 * MEAN_EARTH_RADIUS_M)

#: Rays that one thread works on at a time; fixed, so that results do not depend on threads.
_RAYS = 128
#: Slope before anything was met.
_STRAIGHT_DOWN = -1e9


def lowest_visible(
    ground_m: Floats32, row: int, column: int, *, cell_m: float, eye_m: float
) -> Floats32:
    """Return the lowest height at which a target is seen, for every cell of a grid.

    A target is seen if no ground between it and the sensor, the target's own cell excepted,
    rises above the ray. Where the ground itself is in full sight, the height returned lies
    below it.

    Parameters
    ----------
    ground_m
        (R, C) heights at the cells' centres; NaN where unknown, which hides nothing.
    row, column
        Where the sensor stands.
    cell_m
        Distance between neighbouring cells, in both directions.
    eye_m
        Height of the sensor, as ``ground_m``.

    Returns
    -------
    (R, C) heights, as ``ground_m``; the ground's own in the sensor's cell and those around it.

    Raises
    ------
    ValueError
        If the grid is smaller than 2 × 2, or the sensor is not on it.
    """
    rows, columns = ground_m.shape
    if min(rows, columns) < 2:
        raise ValueError(f"a grid needs 2 × 2 cells or more, found {rows} × {columns}")
    if not (0 <= row < rows and 0 <= column < columns):
        raise ValueError(f"the sensor at {row}, {column} is not on the grid {rows} × {columns}")
    lowest_m = np.empty_like(ground_m)
    _sweep(ground_m, row, column, float(cell_m), float(eye_m), DROP_PER_M2, lowest_m)
    return lowest_m


@kernel(parallel=True)
def _sweep(
    ground_m: Floats32,
    row: int,
    column: int,
    cell_m: float,
    eye_m: float,
    drop_per_m2: float,
    lowest_m: Floats32,
) -> None:
    """Fill ``lowest_m``. Four sides of the grid, each in blocks of rays: east, west, north, south.

    Along a side, line i of the grid lies i cells ahead; ray k of -n … n goes to cell k of the
    last line, n. The slope kept is per cell ahead instead of per metre.
    """
    rows, columns = ground_m.shape
    depth = np.array([columns - 1 - column, column, rows - 1 - row, row])
    first_block = np.zeros(5, np.int64)
    for side in range(4):
        first_block[side + 1] = first_block[side] + (2 * depth[side] + _RAYS - 1) // _RAYS
    drop = drop_per_m2 * cell_m * cell_m
    lowest_m[row, column] = ground_m[row, column]
    for block in numba.prange(first_block[4]):
        side = 0
        while block >= first_block[side + 1]:
            side += 1
        n = depth[side]
        first = (block - first_block[side]) * _RAYS - n
        last = min(first + _RAYS, n)
        lengthwise = side < 2
        sign = 1 if side % 2 == 0 else -1
        middle = row if lengthwise else column
        width = rows if lengthwise else columns
        slope = np.full(last - first + 1, _STRAIGHT_DOWN)
        for i in range(1, n + 1):
            if lengthwise:
                ground, lowest = ground_m[:, column + sign * i], lowest_m[:, column + sign * i]
            else:
                ground, lowest = ground_m[row + sign * i, :], lowest_m[row + sign * i, :]

            # The cells that lie between this block's rays; corners belong to east and west.
            begin = math.ceil(first * i / n)
            end = math.ceil(last * i / n) if last < n else i + 1
            if not lengthwise:
                begin, end = max(begin, 1 - i), min(end, i)
            begin, end = max(begin, -middle), min(end, width - middle)
            if i == 1:
                for j in range(begin, end):
                    lowest[middle + j] = ground[middle + j]
            else:
                for j in range(begin, end):
                    between = j * n / i - first
                    k = min(int(between), slope.size - 2)
                    steepest = slope[k] + (between - k) * (slope[k + 1] - slope[k])
                    lowest[middle + j] = eye_m + i * steepest + drop * (i * i + j * j)

            # The rays cross the line, and may meet a steeper slope.
            for k in range(slope.size):
                across = (first + k) / n
                place = middle + i * across
                if place < 0.0 or place > width - 1:
                    continue
                cell = min(int(place), width - 2)
                height = ground[cell] + (place - cell) * (ground[cell + 1] - ground[cell])
                met = (height - eye_m) / i - drop * i * (1.0 + across * across)
                if met > slope[k]:
                    slope[k] = met
