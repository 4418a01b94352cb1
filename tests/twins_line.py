"""What the algorithms of a line compute, by trying everything."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy.ndimage import label, map_coordinates

from sim.coverage.chains import SensorCover


def moves(neighbours: int) -> list[tuple[int, int]]:
    """All coprime moves of the reach that so many neighbours have, shortest first."""
    reach = {8: 1, 16: 2, 32: 3}[neighbours]
    span = range(-reach, reach + 1)
    return [(r, c) for r in span for c in span if math.gcd(r, c) == 1]


def cost_of(
    rate: np.ndarray, north_m: np.ndarray, east_m: np.ndarray, a: tuple, b: tuple, speed: float
) -> float:
    """Integrate the interpolated rate along a straight move, in many small steps."""
    east, north = east_m[b] - east_m[a], north_m[b] - north_m[a]
    turned = math.atan2(east, north) / (2 * math.pi) * len(rate) % len(rate)
    now = int(turned)
    share = turned - now
    field = (1 - share) * rate[now % len(rate)] + share * rate[(now + 1) % len(rate)]
    way = (np.arange(600) + 0.5) / 600
    rows, columns = (a[i] + way * (b[i] - a[i]) for i in (0, 1))
    met = map_coordinates(field, [rows, columns], order=1).mean()
    return float(met * math.hypot(east, north) / speed)


def arrivals(
    rate: np.ndarray, east_m: np.ndarray, north_m: np.ndarray, speed: float, neighbours: int
) -> np.ndarray:
    """Return the least exposure of every cell of the last row (Bellman and Ford)."""
    shape = east_m.shape
    cells = list(np.ndindex(*shape))
    edges = [
        (a, b, cost_of(rate, north_m, east_m, a, b, speed))
        for a in cells
        for r, c in moves(neighbours)
        if 0 <= (b := (a[0] + r, a[1] + c))[0] < shape[0] and 0 <= b[1] < shape[1]
    ]
    least = np.full(shape, np.inf)
    least[0] = 0.0
    for _ in cells:
        for a, b, cost in edges:
            least[b] = min(least[b], least[a] + cost)
    return least[-1]


def all_paths(shape: tuple[int, int]) -> list[list[tuple[int, int]]]:
    """Return all paths over eight moves that visit no cell twice and end when they crossed."""
    found, waiting = [], [[(0, c)] for c in range(shape[1])]
    while waiting:
        path = waiting.pop()
        row, column = path[-1]
        if row == shape[0] - 1:
            found.append(path)
            continue
        for r, c in moves(8):
            to = (row + r, column + c)
            if 0 <= to[0] < shape[0] and 0 <= to[1] < shape[1] and to not in path:
                waiting.append([*path, to])
    return found


def union(
    covers: Sequence[SensorCover], shape: tuple[int, int], lost: tuple[int, ...] = ()
) -> np.ndarray:
    covered = np.zeros(shape, bool)
    for i, (row, column, mask) in enumerate(covers):
        if i not in lost:
            covered[row : row + mask.shape[0], column : column + mask.shape[1]] |= mask
    return covered


def is_open(covered: np.ndarray) -> bool:
    """Tell whether uncovered cells join the first row and the last, side by side."""
    named, _ = label(~covered)
    return bool(set(named[0][named[0] > 0]) & set(named[-1][named[-1] > 0]))


def is_chained(covered: np.ndarray) -> bool:
    """Tell whether covered cells join the first column and the last, corners included."""
    named, _ = label(covered, np.ones((3, 3)))
    return bool(set(named[:, 0][named[:, 0] > 0]) & set(named[:, -1][named[:, -1] > 0]))


def degree(covers: Sequence[SensorCover], shape: tuple[int, int]) -> int:
    """Return the fewest sensors whose loss opens a hole, by losing all subsets."""
    for size in range(len(covers) + 1):
        for lost in itertools.combinations(range(len(covers)), size):
            if is_open(union(covers, shape, lost)):
                return size
    raise AssertionError
