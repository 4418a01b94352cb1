"""Which plot belongs to which track: optimal on a sparse list of candidates.

Maximise the sum of gains over one-to-one pairs, where leaving anything unpaired costs
nothing. The candidates fall apart into clusters that share no track and no plot; each
is solved by itself with shortest augmenting paths.
"""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats, Ints


@kernel()
def _root(parent: Ints, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel()
def clusters(start: Ints, column: Ints, n_columns: int) -> tuple[Ints, Ints]:
    """Split rows into groups that share no column.

    Parameters
    ----------
    start, column : candidates in rows: row i has ``column[start[i]:start[i + 1]]``
    n_columns : number of columns

    Returns
    -------
    first : (G + 1,) where each cluster begins in ``rows``
    rows : rows with candidates, cluster by cluster, ascending inside each
    """
    n_rows = start.size - 1
    parent = np.arange(n_rows).astype(np.int32)
    owner = np.full(n_columns, -1, np.int32)
    for i in range(n_rows):
        for e in range(start[i], start[i + 1]):
            j = column[e]
            if owner[j] < 0:
                owner[j] = i
            else:
                a = _root(parent, owner[j])
                b = _root(parent, i)
                if a < b:
                    parent[b] = a
                else:
                    parent[a] = b
    label = np.full(n_rows, -1, np.int32)
    size = np.zeros(n_rows + 1, np.int32)
    n_clusters = 0
    for i in range(n_rows):
        if start[i + 1] > start[i]:
            r = _root(parent, i)
            if label[r] < 0:
                label[r] = n_clusters
                n_clusters += 1
            label[i] = label[r]
            size[label[i] + 1] += 1
    first = np.cumsum(size[: n_clusters + 1]).astype(np.int32)
    rows = np.empty(first[n_clusters], np.int32)
    fill = first.copy()
    for i in range(n_rows):
        if start[i + 1] > start[i]:
            rows[fill[label[i]]] = i
            fill[label[i]] += 1
    return first, rows


@kernel()
def _augment(
    row: int,
    start: Ints,
    column: Ints,
    gain: Floats,
    row_of: Ints,
    column_of: Ints,
    u: Floats,
    v: Floats,
    shortest: Floats,
    previous: Ints,
    state: Ints,
    touched: Ints,
) -> None:
    """Pair one more row by the shortest augmenting path; costs are −gain.

    Every row may also end at a private dummy column of cost zero, which is how it stays
    unpaired. ``state`` of a column: 0 untouched, 1 reached, 2 settled.
    """
    n_touched = 0
    best_dummy = np.inf
    dummy_row = -1
    current = row
    reached = 0.0
    end = -1
    while True:
        through_dummy = reached - u[current]
        if through_dummy < best_dummy:
            best_dummy = through_dummy
            dummy_row = current
        for e in range(start[current], start[current + 1]):
            j = column[e]
            if state[j] == 2:
                continue
            length = reached - gain[e] - u[current] - v[j]
            if state[j] == 0:
                state[j] = 1
                touched[n_touched] = j
                n_touched += 1
                shortest[j] = length
                previous[j] = current
            elif length < shortest[j]:
                shortest[j] = length
                previous[j] = current
        nearest = np.inf
        pick = -1
        for k in range(n_touched):
            j = touched[k]
            if state[j] == 1 and shortest[j] < nearest:
                nearest = shortest[j]
                pick = j
        if best_dummy <= nearest:
            nearest = best_dummy
            break
        state[pick] = 2
        reached = nearest
        if row_of[pick] < 0:
            end = pick
            break
        current = row_of[pick]
    # Potentials keep every reduced cost non-negative.
    u[row] += nearest
    for k in range(n_touched):
        j = touched[k]
        if state[j] == 2 and j != end:
            u[row_of[j]] += nearest - shortest[j]
            v[j] -= nearest - shortest[j]
        state[j] = 0
    if end < 0:
        # The dummy's row gives up its column to the path that led there.
        end = column_of[dummy_row]
        column_of[dummy_row] = -1
        if end < 0:
            return
    while True:
        i = previous[end]
        row_of[end] = i
        end, column_of[i] = column_of[i], end
        if i == row:
            return


@kernel()
def assign(start: Ints, column: Ints, gain: Floats, n_columns: int) -> Ints:
    """Solve the sparse assignment exactly.

    Parameters
    ----------
    start, column : candidates in rows, as in ``clusters``
    gain : value of each candidate; those not above zero are never worth pairing
    n_columns : number of columns

    Returns
    -------
    (rows,) column of each row, −1 where it stays unpaired

    Notes
    -----
    Successive shortest paths with potentials (Jonker and Volgenant 1987), one cluster
    after the other; O(k³) in a cluster of k rows at worst.
    """
    n_rows = start.size - 1
    column_of = np.full(n_rows, -1, np.int32)
    row_of = np.full(n_columns, -1, np.int32)
    u = np.zeros(n_rows)
    v = np.zeros(n_columns)
    shortest = np.empty(n_columns)
    previous = np.empty(n_columns, np.int32)
    state = np.zeros(n_columns, np.int32)
    touched = np.empty(n_columns, np.int32)
    first, rows = clusters(start, column, n_columns)
    for c in range(first.size - 1):
        for k in range(first[c], first[c + 1]):
            i = rows[k]
            # A feasible start: no reduced cost of this row, dummy included, is negative.
            least = 0.0
            for e in range(start[i], start[i + 1]):
                least = min(least, -gain[e] - v[column[e]])
            u[i] = least
            _augment(
                i,
                start,
                column,
                gain,
                row_of,
                column_of,
                u,
                v,
                shortest,
                previous,
                state,
                touched,
            )
    return column_of
