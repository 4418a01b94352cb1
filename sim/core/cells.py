"""Points sorted into cells, in an order that does not depend on how they came."""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats, Ints


@kernel(leaf=True)
def kth_smallest(values: Floats, k: int) -> float:
    """Return the k-th smallest value (from 0); ``values`` are reordered (Hoare's select)."""
    low, high = 0, values.size - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            break
    chosen: float = values[k]
    return chosen


@kernel(leaf=True)
def _before(keys: Floats, a: int, b: int) -> bool:
    """Tell whether row a of ``keys`` comes before row b; NaN is equal to all."""
    for k in range(keys.shape[1]):
        if keys[a, k] < keys[b, k]:
            return True
        if keys[a, k] > keys[b, k]:
            return False
    return False


@kernel(leaf=True)
def _sink(order: Ints, first: int, root: int, size: int, keys: Floats) -> None:
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        if child + 1 < size and _before(keys, order[first + child], order[first + child + 1]):
            child += 1
        if not _before(keys, order[first + root], order[first + child]):
            return
        order[first + root], order[first + child] = order[first + child], order[first + root]
        root = child


@kernel(leaf=True)
def sort_rows(order: Ints, first: int, last: int, keys: Floats) -> None:
    """Sort ``order[first:last]`` by the rows of ``keys`` that it names, in place.

    Insertion for a few, heapsort for many: a cell may hold anything from one to all.
    """
    size = last - first
    if size <= 24:
        for a in range(first + 1, last):
            moved = order[a]
            b = a
            while b > first and _before(keys, moved, order[b - 1]):
                order[b] = order[b - 1]
                b -= 1
            order[b] = moved
        return
    for root in range(size // 2 - 1, -1, -1):
        _sink(order, first, root, size, keys)
    for end in range(size - 1, 0, -1):
        order[first], order[first + end] = order[first + end], order[first]
        _sink(order, first, 0, end, keys)


@kernel()
def spread(values: Floats, scratch: Floats) -> tuple[float, float]:
    """Return low and high between which all but a few outliers lie.

    The 5 % and 95 % quantiles, widened by an eighth of their distance: unlike a mean, they
    do not depend on the order of the values, and one far outlier does not move them.
    """
    n = values.size
    for i in range(n):
        scratch[i] = values[i]
    low = kth_smallest(scratch[:n], n // 20)
    high = kth_smallest(scratch[:n], n - 1 - n // 20)
    margin = 0.125 * (high - low)
    return low - margin, high + margin


@kernel(leaf=True)
def cell_of(value: float, low: float, width: float, bins: int) -> int:
    """Return the bin of a value; what lies outside is in the first or the last one."""
    place = (value - low) / width
    if place <= 0.0:
        return 0
    if place >= bins:
        return bins - 1
    return int(place)


@kernel()
def fill_cells(cell: Ints, n_cells: int, start: Ints, order: Ints) -> None:
    """Counting sort: ``start`` (n_cells + 1,) and ``order`` (n,) are written."""
    for c in range(n_cells + 1):
        start[c] = 0
    for i in range(cell.size):
        start[cell[i] + 1] += 1
    for c in range(n_cells):
        start[c + 1] += start[c]
    fill = np.empty(n_cells, np.int32)
    for c in range(n_cells):
        fill[c] = start[c]
    for i in range(cell.size):
        order[fill[cell[i]]] = i
        fill[cell[i]] += 1
