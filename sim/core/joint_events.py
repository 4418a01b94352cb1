"""Exact marginals of one-to-one association, cluster by cluster.

A joint event pairs some rows with some columns, each at most once; its odds are the
product of the odds of its pairs. The events of a cluster are summed stage by stage.
A stage is a row (or a column: the problem looks the same from both sides), and all that
later stages need to know is which of the items still wanted are already taken. That set
is the state of a Markov chain: a backward sweep in logarithms finds its transition
probabilities, a forward sweep the probability of each pair. Working with logarithms and
with probabilities, nothing that matters can overflow or vanish.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.assignment import clusters
from sim.core.jit import kernel
from sim.core.tables import Floats, Ints

#: Finding an order of stages looks at every candidate once per stage; beyond this, give up.
_ORDER_LIMIT = 1 << 17
#: Transitions that counting may spend on one cluster.
_COUNT_LIMIT = 1 << 20


class Cluster(NamedTuple):
    """One cluster in numbers of its own; room for the largest, filled anew for each.

    Attributes
    ----------
    row_start, row_edge : the edges (candidates) of each row
    column_start, column_edge : the edges of each column
    edge_row, edge_column : both ends of each edge
    weight : odds of each edge
    """

    row_start: Ints
    row_edge: Ints
    column_start: Ints
    column_edge: Ints
    edge_row: Ints
    edge_column: Ints
    weight: Floats


class Chain(NamedTuple):
    """The stages of one cluster in order, and room to sum them.

    Attributes
    ----------
    order : (n,) stages
    taken : (n + 1,) bits in use before each stage
    bit : the bit of each item, zero if only one stage wants it
    left : how many stages still want each item
    first : where the transitions of each stage begin in ``probability``
    probability : of each option in each state of each stage
    here, there : a value per state, of two neighbouring stages
    log_weight, pair : log of the odds and marginal probability of each edge
    """

    order: Ints
    taken: NDArray[np.int64]
    bit: NDArray[np.int64]
    left: Ints
    first: Ints
    probability: Floats
    here: Floats
    there: Floats
    log_weight: Floats
    pair: Floats


@kernel()
def make_room(n_edges: int, limit: int) -> tuple[Cluster, Chain]:
    """Allocate for clusters of up to ``n_edges`` candidates and ``limit`` transitions."""
    cluster = Cluster(
        np.empty(n_edges + 1, np.int32),
        np.empty(n_edges, np.int32),
        np.empty(n_edges + 1, np.int32),
        np.empty(n_edges, np.int32),
        np.empty(n_edges, np.int32),
        np.empty(n_edges, np.int32),
        np.empty(n_edges),
    )
    chain = Chain(
        np.empty(n_edges, np.int32),
        np.empty(n_edges + 1, np.int64),
        np.empty(n_edges, np.int64),
        np.empty(n_edges, np.int32),
        np.empty(n_edges, np.int32),
        np.empty(limit),
        np.empty(limit),
        np.empty(limit),
        np.empty(n_edges),
        np.empty(n_edges),
    )
    return cluster, chain


@kernel()
def fill_cluster(
    cluster: Cluster, members: Ints, start: Ints, column: Ints, weight: Floats, number: Ints
) -> tuple[int, int]:
    """Copy one cluster out of the sparse list.

    Parameters
    ----------
    members : the rows of the cluster
    start, column, weight : all candidates
    number : (columns,) scratch; only the cluster's own columns are touched

    Returns
    -------
    numbers of its rows and of its columns
    """
    row_start, row_edge, column_start, column_edge, edge_row, edge_column, own_weight = cluster
    count = 0
    for i in range(members.size):
        for e in range(start[members[i]], start[members[i] + 1]):
            number[column[e]] = -1
    n_columns = 0
    for i in range(members.size):
        row_start[i] = count
        for e in range(start[members[i]], start[members[i] + 1]):
            j = column[e]
            if number[j] < 0:
                number[j] = n_columns
                column_start[n_columns] = 0
                n_columns += 1
            j = number[j]
            column_start[j] += 1
            row_edge[count] = count
            edge_row[count] = i
            edge_column[count] = j
            own_weight[count] = weight[e]
            count += 1
    row_start[members.size] = count
    total = 0
    for j in range(n_columns):
        total += column_start[j]
        column_start[j] = total
    column_start[n_columns] = total
    for e in range(count - 1, -1, -1):
        j = edge_column[e]
        column_start[j] -= 1
        column_edge[column_start[j]] = e
    return members.size, n_columns


@kernel()
def _states(taken: int) -> int:
    """Return how many numbers the bits of ``taken`` span."""
    n = 1
    while n <= taken:
        n *= 2
    return n


@kernel()
def _shared(n: int, start: Ints) -> int:
    """Return how many of ``n`` rows or columns have more than one edge."""
    count = 0
    for i in range(n):
        count += start[i + 1] - start[i] > 1
    return count


@kernel()
def _order_stages(
    chain: Chain, n_stages: int, n_items: int, start: Ints, edge: Ints, item: Ints, limit: int
) -> bool:
    """Order the stages so that few items are open at a time.

    Parameters
    ----------
    start, edge : the edges of each stage
    item : the item at the far end of each edge
    limit : most transitions worth summing

    Returns
    -------
    whether the transitions stay within the limit
    """
    order, taken_before, bit, left, first, _, _, _, _, _ = chain
    n_edges = start[n_stages]
    if n_edges + n_stages > limit or n_edges * n_stages > _ORDER_LIMIT:
        return False
    for i in range(n_items):
        bit[i] = 0
        left[i] = 0
    for e in range(n_edges):
        left[item[e]] += 1
    for i in range(n_items):
        if left[i] == 1:
            left[i] = 0
    for t in range(n_stages):
        order[t] = t
    taken = 0
    cost = 0
    taken_before[0] = 0
    for t in range(n_stages):
        pick = t
        least = n_edges + 1
        for u in range(t, n_stages):
            s = order[u]
            growth = 0
            for a in range(start[s], start[s + 1]):
                i = item[edge[a]]
                if left[i] > 0:
                    if bit[i] == 0:
                        growth += 1
                    if left[i] == 1:
                        growth -= 1
            if growth < least:
                least = growth
                pick = u
        s = order[pick]
        order[pick] = order[t]
        order[t] = s
        first[t] = cost
        cost += _states(taken) * (start[s + 1] - start[s] + 1)
        if cost > limit:
            return False
        closing = 0
        for a in range(start[s], start[s + 1]):
            i = item[edge[a]]
            if left[i] > 0:
                if bit[i] == 0:
                    lowest_free = ~taken & (taken + 1)
                    if lowest_free > limit:
                        return False
                    bit[i] = lowest_free
                    taken |= lowest_free
                left[i] -= 1
                if left[i] == 0:
                    closing |= bit[i]
        taken &= ~closing
        taken_before[t + 1] = taken
    return True


@kernel()
def _sum_stages(
    chain: Chain, n_stages: int, start: Ints, edge: Ints, item: Ints, weight: Floats
) -> float:
    """Sum all joint events of a cluster in order; see ``sum_joint_events``."""
    order, taken_before, bit, _, first, probability, here, there, log_weight, pair = chain
    for e in range(start[n_stages]):
        pair[e] = 0.0
        log_weight[e] = math.log(weight[e]) if weight[e] > 0.0 else -np.inf

    # Backward: here[state] = log of the summed odds of all that may still follow.
    there[0] = 0.0
    for t in range(n_stages - 1, -1, -1):
        s = order[t]
        taken, keep = taken_before[t], taken_before[t + 1]
        n_options = start[s + 1] - start[s]
        for state in range(_states(taken)):
            if state & ~taken:
                continue
            base = first[t] + state * (n_options + 1)
            highest = there[state & keep]
            probability[base + n_options] = highest
            for o in range(n_options):
                e = edge[start[s] + o]
                value = -np.inf
                wanted = bit[item[e]]
                if not state & wanted:
                    value = log_weight[e] + there[(state | wanted) & keep]
                probability[base + o] = value
                highest = max(highest, value)
            summed = 0.0
            for o in range(n_options + 1):
                odds = math.exp(probability[base + o] - highest)
                probability[base + o] = odds
                summed += odds
            for o in range(n_options + 1):
                probability[base + o] /= summed
            here[state] = highest + math.log(summed)
        here, there = there, here
    log_total: float = there[0]

    # Forward: there[state] = probability of arriving in it.
    there[0] = 1.0
    for t in range(n_stages):
        s = order[t]
        taken, keep = taken_before[t], taken_before[t + 1]
        n_options = start[s + 1] - start[s]
        for state in range(_states(keep)):
            here[state] = 0.0
        for state in range(_states(taken)):
            if state & ~taken or there[state] == 0.0:
                continue
            base = first[t] + state * (n_options + 1)
            here[state & keep] += there[state] * probability[base + n_options]
            for o in range(n_options):
                e = edge[start[s] + o]
                passing = there[state] * probability[base + o]
                pair[e] += passing
                here[(state | bit[item[e]]) & keep] += passing
        here, there = there, here
    return log_total


@kernel()
def sum_joint_events(
    cluster: Cluster, n_rows: int, n_columns: int, chain: Chain, limit: int
) -> float:
    """Leave the marginal probability of each edge in ``chain.pair``.

    Parameters
    ----------
    cluster, n_rows, n_columns : as filled by ``fill_cluster``
    limit : most transitions worth summing; ``chain`` has room for so many

    Returns
    -------
    logarithm of the summed odds of all joint events, the one without pairs counting one;
    NaN, and nothing summed, beyond the limit
    """
    row_start, row_edge, column_start, column_edge, edge_row, edge_column, weight = cluster
    # The smaller side makes for fewer states.
    if _shared(n_columns, column_start) <= _shared(n_rows, row_start):
        n_stages, n_items = n_rows, n_columns
        start, edge, item = row_start, row_edge, edge_column
    else:
        n_stages, n_items = n_columns, n_rows
        start, edge, item = column_start, column_edge, edge_row
    if not _order_stages(chain, n_stages, n_items, start, edge, item, limit):
        return np.nan
    return _sum_stages(chain, n_stages, start, edge, item, weight)


@kernel()
def count_joint_events(start: Ints, column: Ints, n_columns: int) -> float:
    """Count the feasible joint events, the one without any pair included.

    Parameters
    ----------
    start, column : candidates in rows, as in ``clusters``
    n_columns : number of columns

    Returns
    -------
    the count: exact up to 1e11, then to twelve digits; NaN where a cluster is too entangled

    Notes
    -----
    Y. Bar-Shalom, T. E. Fortmann and M. Scheffe, "Joint probabilistic data association for
    multiple targets in clutter", 1980, call the candidates the validation matrix.
    """
    first, rows = clusters(start, column, n_columns)
    number = np.empty(n_columns, np.int32)
    n_edges = start[start.size - 1] - start[0]
    cluster, chain = make_room(n_edges, _COUNT_LIMIT)
    odds = np.ones(column.size)
    events = 1.0
    for c in range(first.size - 1):
        n_rows, n_own = fill_cluster(
            cluster, rows[first[c] : first[c + 1]], start, column, odds, number
        )
        log_events = sum_joint_events(cluster, n_rows, n_own, chain, _COUNT_LIMIT)
        if log_events < 25.0:
            events *= math.floor(math.exp(log_events) + 0.5)
        else:
            events *= math.exp(log_events)
    return events
