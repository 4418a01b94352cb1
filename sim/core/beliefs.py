"""How probable it is that a plot belongs to a track, all tracks considered together.

Rows are tracks, columns are plots, and the candidates a sparse list. A joint event pairs
tracks and plots one to one; its odds are the product of the odds of its pairs. Wanted are
the marginals: the probability of each pair, and of each track having no plot. Clusters
that share no plot are independent: alone in its cluster, a track has a closed form; small
clusters are summed exactly, the others by loopy belief propagation.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.core.assignment import clusters
from sim.core.jit import kernel
from sim.core.joint_events import Cluster, fill_cluster, make_room, sum_joint_events
from sim.core.tables import Floats, Ints

#: Clusters handled by one thread at a time.
BLOCK = 1024
#: Transitions worth spending on an exact cluster: seven tracks that share seven plots.
EXACT_LIMIT = 1 << 13
#: Rounds of belief propagation, and the relative change of all messages that ends them sooner.
ROUNDS = 500
TOLERANCE = 1e-7


@kernel()
def _normalise(belief: Floats, begin: int, end: int) -> float:
    """Turn one row's odds into probabilities; return that of no plot."""
    total = 1.0
    for e in range(begin, end):
        total += belief[e]
    for e in range(begin, end):
        belief[e] /= total
    return 1.0 / total


@kernel()
def _propagate(
    cluster: Cluster,
    n_rows: int,
    n_columns: int,
    from_row: Floats,
    from_column: Floats,
    before: Floats,
) -> None:
    """Pass messages between rows and columns until they settle.

    The sums over all others are built from both ends: subtracting one's own share from
    the full sum would leave nothing but rounding where that share prevails.
    """
    row_start, _, column_start, column_edge, _, _, weight = cluster
    for e in range(row_start[n_rows]):
        from_column[e] = 1.0
    for _ in range(ROUNDS):
        for i in range(n_rows):
            others = 1.0
            for e in range(row_start[i], row_start[i + 1]):
                before[e] = others
                others += weight[e] * from_column[e]
            others = 0.0
            for e in range(row_start[i + 1] - 1, row_start[i] - 1, -1):
                from_row[e] = weight[e] / (before[e] + others)
                others += weight[e] * from_column[e]
        change = 0.0
        for j in range(n_columns):
            others = 1.0
            for a in range(column_start[j], column_start[j + 1]):
                before[a] = others
                others += from_row[column_edge[a]]
            others = 0.0
            for a in range(column_start[j + 1] - 1, column_start[j] - 1, -1):
                e = column_edge[a]
                message = 1.0 / (before[a] + others)
                others += from_row[e]
                change = max(change, abs(from_column[e] - message) / message)
                from_column[e] = message
        if change <= TOLERANCE:
            return


@kernel()
def _solve_clusters(
    begin: int,
    end: int,
    first: Ints,
    rows: Ints,
    start: Ints,
    column: Ints,
    weight: Floats,
    exact_limit: int,
    number: Ints,
    belief: Floats,
    missed: Floats,
) -> None:
    """Write the marginals of the clusters from ``begin`` to before ``end``."""
    largest = 0
    for c in range(begin, end):
        if first[c + 1] - first[c] == 1:
            i = rows[first[c]]
            for e in range(start[i], start[i + 1]):
                belief[e] = weight[e]
            missed[i] = _normalise(belief, start[i], start[i + 1])
        else:
            n_edges = 0
            for k in range(first[c], first[c + 1]):
                n_edges += start[rows[k] + 1] - start[rows[k]]
            largest = max(largest, n_edges)
    if largest == 0:
        return
    cluster, chain = make_room(largest, exact_limit)
    from_row, from_column, before = np.empty(largest), np.empty(largest), np.empty(largest)
    for c in range(begin, end):
        if first[c + 1] - first[c] == 1:
            continue
        members = rows[first[c] : first[c + 1]]
        n_rows, n_columns = fill_cluster(cluster, members, start, column, weight, number)
        log_total = sum_joint_events(cluster, n_rows, n_columns, chain, exact_limit)
        if np.isnan(log_total):
            _propagate(cluster, n_rows, n_columns, from_row, from_column, before)
        for k in range(n_rows):
            i = members[k]
            offset = cluster.row_start[k] - start[i]
            if np.isnan(log_total):
                for e in range(start[i], start[i + 1]):
                    belief[e] = weight[e] * from_column[e + offset]
                missed[i] = _normalise(belief, start[i], start[i + 1])
            else:
                paired = 0.0
                for e in range(start[i], start[i + 1]):
                    belief[e] = chain.pair[e + offset]
                    paired += belief[e]
                missed[i] = max(0.0, 1.0 - paired)


@kernel(parallel=True)
def marginals(
    start: Ints, column: Ints, weight: Floats, n_columns: int, exact_limit: int = EXACT_LIMIT
) -> tuple[Floats, Floats]:
    """Probability of every candidate pair, and of no plot for every row.

    Parameters
    ----------
    start, column : candidates in rows: row i has ``column[start[i]:start[i + 1]]``, no
        column twice
    weight : (K,) odds of each pair against its row having no plot, from 0 to 1e300: for
        JPDA Pd·N(ν; 0, S) / (β (1 − Pd·Pg)), with β the density of clutter
    n_columns : number of columns
    exact_limit : transitions that may be spent on summing one cluster exactly; zero leaves
        all clusters of several rows to belief propagation

    Returns
    -------
    belief : (K,) marginal probability of each pair
    missed : (rows,) marginal probability of no plot; with the row's beliefs it sums to one

    Notes
    -----
    JPDA: Y. Bar-Shalom, T. E. Fortmann and M. Scheffe, "Joint probabilistic data association
    for multiple targets in clutter", 1980. Belief propagation: J. Williams and R. Lau,
    "Approximate evaluation of marginal association probabilities with belief propagation",
    IEEE T-AES 50(4), 2014; it always converges, the slower the more surely targets are
    detected. Where ``ROUNDS`` run out first, the last messages stand: the rows still
    sum to one, the marginals are a little less accurate.

    Propagation is good where odds are moderate: within 0.01 in clutter that keeps them below
    about ten. Where two tracks surely have one of two plots each, it is too sure of the better
    way round: for odds 1000 and 800 it gives 0.98 and 0.02 in place of 0.61 and 0.39.

    Results are the same to the bit for any number of threads. The order of rows and columns
    matters by rounding only, save that near ``exact_limit`` it may decide which way a
    cluster is solved.
    """
    belief = np.empty(column.size)
    missed = np.empty(start.size - 1)
    for i in range(missed.size):
        missed[i] = 1.0
    first, rows = clusters(start, column, n_columns)
    n_clusters = first.size - 1
    number = np.empty(n_columns, np.int32)
    bounds = np.empty((n_clusters + BLOCK - 1) // BLOCK + 1, np.int64)
    for b in range(bounds.size):
        bounds[b] = min(n_clusters, b * BLOCK)
    for b in numba.prange(bounds.size - 1):
        _solve_clusters(
            bounds[b],
            bounds[b + 1],
            first,
            rows,
            start,
            column,
            weight,
            exact_limit,
            number,
            belief,
            missed,
        )
    return belief, missed


@kernel()
def existence_odds(start: Ints, ratio: Floats, existence: Floats, detection: Floats) -> Floats:
    """Odds of each pair when a track's target may not exist; the weights of ``marginals``.

    Parameters
    ----------
    start : where each row's candidates begin
    ratio : (K,) Pd·N(ν; 0, S) / β of each pair
    existence : (rows,) probability r that the row's target exists; 1 gives JPDA
    detection : (rows,) probability Pd·Pg of a plot inside the gate; r·Pd·Pg is below one

    Returns
    -------
    (K,) r·ratio / (1 − r·Pd·Pg)

    Notes
    -----
    D. Musicki and R. Evans, "Joint integrated probabilistic data association: JIPDA",
    IEEE T-AES 40(3), 2004.
    """
    odds = np.empty(ratio.size)
    for i in range(existence.size):
        scale = existence[i] / (1.0 - existence[i] * detection[i])
        for e in range(start[i], start[i + 1]):
            odds[e] = scale * ratio[e]
    return odds


@kernel()
def posterior_existence(
    start: Ints, belief: Floats, missed: Floats, existence: Floats, detection: Floats
) -> tuple[Floats, Floats, Floats]:
    """Existence after a scan, and the marginals given that the target exists.

    Parameters
    ----------
    start : where each row's candidates begin
    belief, missed : result of ``marginals`` for the odds of ``existence_odds``
    existence, detection : as given to ``existence_odds``

    Returns
    -------
    existence : (rows,) Σ belief + missed·r (1 − Pd·Pg) / (1 − r·Pd·Pg)
    belief, missed : (K,), (rows,) given existence, a row summing to one; a target that
        certainly does not exist has no plot

    Notes
    -----
    Musicki and Evans 2004, as above. One row alone is D. Musicki, R. Evans and S. Stankovic,
    "Integrated probabilistic data association", IEEE T-AC 39(6), 1994.
    """
    posterior = np.empty(existence.size)
    given = np.empty(belief.size)
    given_missed = np.empty(existence.size)
    for i in range(existence.size):
        r, detected = existence[i], detection[i]
        unseen = missed[i] * r * (1.0 - detected) / (1.0 - r * detected)
        total = unseen
        for e in range(start[i], start[i + 1]):
            total += belief[e]
        posterior[i] = total
        given_missed[i] = unseen / total if total > 0.0 else 1.0
        for e in range(start[i], start[i + 1]):
            given[e] = belief[e] / total if total > 0.0 else 0.0
    return posterior, given, given_missed
