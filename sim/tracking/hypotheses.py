"""Track hypotheses: leaves of track trees, how they grow, compete and die."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.assignment import clusters
from sim.core.jit import kernel
from sim.core.kbest import best_choices
from sim.core.tables import Bools, Floats, Ints, TrackStatus
from sim.tracking.cycle import Cycle
from sim.tracking.gating import Candidates
from sim.tracking.life import NEXT_LOOK, coast, confirm, is_placed
from sim.tracking.pairing import LEAST_DETECTION, MOST_DETECTION
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.store import TrackColumns, empty_columns
from sim.tracking.unresolved import Merged

#: In a path: no association so far back, and no plot.
NOTHING, MISS = -1, 0
#: Hypotheses less likely than the best by this ratio (logarithm) are given up.
LIMIT = 10.0
#: Leaves of one tree, and steps of the search for the best global hypotheses of a cluster.
LEAVES_MAX = 32
NODES_MAX = 20_000
#: A confirmed track is in every global hypothesis: it ends by coasting, not for lack of score.
_SURE = 50.0
#: Within this share of a period, a sensor's plots belong to one look.
SAME_LOOK = 0.25
_TENTATIVE = int(TrackStatus.TENTATIVE)


class Leaves(NamedTuple):
    """Track hypotheses, those of one tree side by side, trees in order of birth.

    Attributes
    ----------
    tracks : one column per leaf, perhaps with room behind
    tree : (L,) number of the tree
    score : (L,) log-likelihood ratio against all its plots being false alarms; of a confirmed
        tree, against the tree's best leaf
    path : (L, N + 1) the latest associations that are not final, the latest last: number of
        the plot, ``MISS`` or ``NOTHING``; −1 less the number of a plot that is another tree's,
        whose target merged with this one
    best : (L,) member of the best global hypothesis
    """

    tracks: TrackColumns
    tree: NDArray[np.int64]
    score: Floats
    path: NDArray[np.int64]
    best: Bools


def no_leaves(models: Models, sensors: int, scans_back: int) -> Leaves:
    """Return an empty table."""
    return Leaves(
        empty_columns(
            0,
            int(models.mean_row[-1]),
            int(models.covariance_row[-1]),
            models.kind.size,
            sensors,
        ),
        np.empty(0, np.int64),
        np.empty(0),
        np.empty((0, scans_back + 1), np.int64),
        np.empty(0, np.bool_),
    )


def taken(leaves: Leaves, rows: NDArray[np.intp] | Ints) -> Leaves:
    """Return the given leaves, copied."""
    return Leaves(
        columns_taken(leaves.tracks, rows),
        leaves.tree[rows],
        leaves.score[rows],
        leaves.path[rows],
        leaves.best[rows],
    )


def columns_taken(columns: TrackColumns, rows: NDArray[np.intp] | Ints) -> TrackColumns:
    """Return the given columns, copied."""
    arrays: list[Any] = [np.take(array, rows, axis=-1) for array in columns]
    return TrackColumns(*arrays)


def tree_starts(tree: NDArray[np.int64]) -> Ints:
    """Return (T + 1,) where each tree's leaves begin."""
    return np.append(np.flatnonzero(np.diff(tree, prepend=-1)), tree.size).astype(np.int32)


class Children(NamedTuple):
    """What the leaves become by one scan, leaf by leaf.

    Attributes
    ----------
    parent : (C,) leaf
    plot : (C,) row in the cycle, −1 for none
    gain : (C,) what the scan adds to the score
    branched : (C,) the scan had plots for some leaf of the tree
    looked : (C,) no plot, and counted as a look
    second : (C,) the plot is another tree's, whose target merged with this one
    shared : (C,) the plot is taken as one of two targets
    """

    parent: Ints
    plot: Ints
    gain: Floats
    branched: Bools
    looked: Bools
    second: Bools
    shared: Bools


@kernel()
def grow(
    tree_start: Ints,
    score: Floats,
    best: Bools,
    candidates: Candidates,
    merged: Merged,
    looked_s: Floats,
    g: int,
    cycle: Cycle,
    sensors: SensorColumns,
    leaves_max: int,
    limit: float,
) -> Children:
    """Extend every leaf by each of its candidates in scan g and by a miss.

    A plot that may be of two targets also extends a leaf beside another tree's that takes it:
    the target was detected, with Pd, and the other tree explains the plot.

    A plot gains ln(Pd · N(ν; 0, S) / β), a miss ln(1 − Pd): Y. Bar-Shalom, S. Blackman and
    R. Fitzgerald, "Dimensionless score function for multiple hypothesis tracking", IEEE
    T-AES 43(1), 2007. A rotating sensor looked at a tree if it had plots for one of its leaves;
    a miss is counted once a look, and taken back if the look brings a plot after all.
    Of a tree's children, the ``leaves_max`` best within ``limit`` of the best are kept, and all
    of its leaf in the best global hypothesis, so that it can go on whatever others take.
    """
    s = cycle.scan_sensor[g]
    first, look_s = cycle.scan_first[g], cycle.first_s[g]
    same_s = SAME_LOOK * sensors.period_s[s]
    next_s = NEXT_LOOK * sensors.period_s[s]
    most = score.size + 2 * candidates.plot.size
    parent, plot = np.empty(most, np.int32), np.empty(most, np.int32)
    gain = np.empty(most)
    branched, looked = np.empty(most, np.bool_), np.empty(most, np.bool_)
    second, shared = np.zeros(most, np.bool_), np.zeros(most, np.bool_)
    top = np.empty(leaves_max)
    count = 0
    for t in range(tree_start.size - 1):
        begin, end = tree_start[t], tree_start[t + 1]
        has_plots = candidates.start[end] > candidates.start[begin]
        begun = count
        held = 0
        for i in range(begin, end):
            p = min(candidates.detection[i], MOST_DETECTION)
            miss = math.log(1.0 - p)
            p = max(p, LEAST_DETECTION)
            for e in range(candidates.start[i] - 1, candidates.start[i + 1]):
                parent[count] = i
                branched[count] = has_plots
                looked[count] = False
                if e < candidates.start[i]:
                    shared[count], second[count] = False, False
                    plot[count] = -1
                    gain[count] = 0.0
                    if has_plots:
                        looked[count] = look_s - looked_s[s, i] >= same_s
                    elif not sensors.rotates[s]:
                        looked[count] = look_s - looked_s[s, i] >= next_s
                    if looked[count]:
                        gain[count] = miss
                else:
                    j = first + candidates.plot[e]
                    plot[count] = j
                    again = miss if cycle.time_s[j] - looked_s[s, i] < same_s else 0.0
                    gain[count] = math.log(p) + candidates.log_likelihood[e] - cycle.log_clutter[j]
                    gain[count] -= again
                    shared[count], second[count] = merged.only[e], False
                    if merged.possible[e]:
                        held = _hold(top, held, score[i] + gain[count])
                        count += 1
                        parent[count], plot[count], branched[count] = i, j, has_plots
                        looked[count], second[count], shared[count] = False, True, True
                        gain[count] = math.log(p) - again
                held = _hold(top, held, score[i] + gain[count])
                count += 1
        least = max(top[held - 1], top[0] - limit)
        kept, n = 0, begun
        for c in range(begun, count):
            good = score[parent[c]] + gain[c] >= least and kept < leaves_max
            if good or best[parent[c]]:
                parent[n], plot[n], gain[n] = parent[c], plot[c], gain[c]
                branched[n], looked[n] = branched[c], looked[c]
                second[n], shared[n] = second[c], shared[c]
                kept += 1
                n += 1
        count = n
    return Children(
        parent[:count], plot[:count], gain[:count], branched[:count], looked[:count],
        second[:count], shared[:count],
    )  # fmt: skip


@kernel()
def _hold(top: Floats, held: int, value: float) -> int:
    """Put a value into a short descending list of the greatest."""
    if held == top.size and value <= top[held - 1]:
        return held
    n = min(held, top.size - 1)
    while n > 0 and top[n - 1] < value:
        top[n] = top[n - 1]
        n -= 1
    top[n] = value
    return min(held + 1, top.size)


@kernel()
def compete(
    tree_start: Ints,
    item: Ints,
    n_items: int,
    score: Floats,
    sure: Bools,
    k: int,
    limit: float,
    nodes_max: int,
) -> tuple[Bools, Bools]:
    """Find each cluster's k best global hypotheses; tell which leaves have a part in them.

    Parameters
    ----------
    tree_start : (T + 1,) where each tree's leaves begin
    item : (L, N + 1) plots of each leaf, numbered from 0, −1 for none
    n_items : number of plots
    score, sure : (L,) log-likelihood ratio, and whether the target is known to exist
    k, limit, nodes_max : as in ``best_choices``

    Returns
    -------
    best : (L,) member of the best hypothesis
    alive : (L,) one of the k hypotheses holds the leaf, or could take it in addition and stay
        within the limit: so a young track is kept that is not yet worth believing
    """
    n = score.size
    best, alive = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    first, rows = _clusters_of_trees(tree_start, item, n_items)
    number = np.full(n_items, -1, np.int32)
    used = np.full(n_items, -1, np.int32)
    stamp = 0
    leaf = np.empty(n, np.int32)
    weight = np.empty(n)
    local = np.empty(item.shape, np.int32)
    for c in range(first.size - 1):
        # Only what is worth believing takes part in the search.
        group_start = np.zeros(first[c + 1] - first[c] + 1, np.int32)
        group = np.full(first[c + 1] - first[c], -1, np.int32)
        groups, options, items = 0, 0, 0
        for m in range(first[c], first[c + 1]):
            t = rows[m]
            before = options
            for i in range(tree_start[t], tree_start[t + 1]):
                value = score[i] + (_SURE if sure[i] else 0.0)
                if value <= 0.0:
                    continue
                leaf[options], weight[options] = i, value
                for d in range(item.shape[1]):
                    j = item[i, d]
                    local[options, d] = -1
                    if j >= 0:
                        if number[j] < 0:
                            number[j] = items
                            items += 1
                        local[options, d] = number[j]
                options += 1
            if options > before:
                group[m - first[c]] = groups
                groups += 1
                group_start[groups] = options
        chosen, total, _ = best_choices(
            group_start[: groups + 1], local[:options], weight[:options], items, k, limit, nodes_max
        )
        for h in range(total.size):
            stamp += 1
            for a in range(groups):
                if chosen[h, a] >= 0:
                    i = leaf[chosen[h, a]]
                    alive[i] = True
                    best[i] = best[i] or h == 0
                    for d in range(item.shape[1]):
                        if item[i, d] >= 0:
                            used[item[i, d]] = stamp
            slack = total[h] - total[0] + limit
            for m in range(first[c], first[c + 1]):
                t = rows[m]
                a = group[m - first[c]]
                if a >= 0 and chosen[h, a] >= 0:
                    continue
                for i in range(tree_start[t], tree_start[t + 1]):
                    if alive[i] or score[i] + slack < 0.0:
                        continue
                    fits = True
                    for d in range(item.shape[1]):
                        fits = fits and (item[i, d] < 0 or used[item[i, d]] != stamp)
                    alive[i] = fits
    return best, alive


@kernel()
def _clusters_of_trees(tree_start: Ints, item: Ints, n_items: int) -> tuple[Ints, Ints]:
    """Clusters of trees that share plots, as ``assignment.clusters``; none is left out."""
    trees, width = tree_start.size - 1, item.shape[1]
    start = np.zeros(trees + 1, np.int32)
    column = np.empty(item.size + trees, np.int32)
    n = 0
    for t in range(trees):
        # An item of its own puts also a tree without plots into a cluster.
        column[n] = n_items + t
        n += 1
        for i in range(tree_start[t], tree_start[t + 1]):
            for d in range(width):
                if item[i, d] >= 0:
                    column[n] = item[i, d]
                    n += 1
        start[t + 1] = n
    return clusters(start, column[:n], n_items + trees)


@kernel()
def judge_leaves(
    tracks: TrackColumns, count: int, now_s: float, models: Models, policy: Policy
) -> tuple[Bools, Bools]:
    """Tell which leaves live on and which tentative ones are worth confirming.

    The rules are those of ``sim.tracking.life.age_tracks``, leaf by leaf.
    """
    alive, ripe = np.empty(count, np.bool_), np.zeros(count, np.bool_)
    status, score = tracks.status, tracks.score
    for i in range(count):
        if status[i] == _TENTATIVE:
            alive[i] = confirm(
                i, now_s, status, tracks.history, tracks.look, score, tracks.birth_s,
                tracks.birth_period_s, policy,
            )  # fmt: skip
            ripe[i] = status[i] != _TENTATIVE
            status[i] = _TENTATIVE
        else:
            alive[i] = coast(
                i, now_s, status, score, tracks.last_plot_s, tracks.last_period_s, tracks.hidden_s,
                policy,
            ) and is_placed(
                i, now_s, tracks.time_s, tracks.probability, tracks.covariance,
                models.covariance_row, models.kind, models.parameters,
                policy.position_variance_max_m2,
            )  # fmt: skip
    return alive, ripe
