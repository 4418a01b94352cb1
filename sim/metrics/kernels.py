"""Loops over the steps of a run: which points are near, how far two sets are, who is on whom.

The latter two need the assignment with the least sum of costs min(d, c)^p, where an
unpaired point costs as much as a pair at the cutoff. It is the one with the largest sum of
gains c^p − d^p over pairs closer than c. Those pairs are found by a sweep along one axis, in
which the second set is sorted, so that no step looks at all pairs.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from sim.core.assignment import assign
from sim.core.jit import kernel
from sim.core.neighbours import empty_buckets, near, put_in_bucket
from sim.core.tables import Floats, Ints

Rows = NDArray[np.intp]
Number = TypeVar("Number", bound=np.generic)
#: From so many points on they are sought in buckets of the plane.
_BUCKETS_FROM = 4000


@kernel()
def _longer(values: NDArray[Number], count: int) -> NDArray[Number]:
    longer = np.empty(2 * values.size, values.dtype)
    for k in range(count):
        longer[k] = values[k]
    return longer


@kernel()
def near_points(
    x: Floats,
    x_first: int,
    x_last: int,
    y: Floats,
    y_first: int,
    y_last: int,
    order: Rows,
    axes: Rows,
    axis: int,
    cutoff: float,
    start: Ints,
    column: Ints,
    distance: Floats,
) -> tuple[Ints, Floats]:
    """List the pairs of one step that are closer than the cutoff.

    Parameters
    ----------
    x, y : (R, D), (Q, D) points of all steps; those of this step lie in the given rows
    order : (Q,) rows of y, step by step, sorted by their coordinate ``axis``, NaN last
    axes : (Q,) how many coordinates of y count in distances
    start : (x_last - x_first + 1,) filled: pairs of point i are ``start[i]:start[i + 1]``
    column, distance : buffers for the pairs

    Returns
    -------
    column : of each pair, the row of y less ``y_first``; the buffer or a longer one
    distance : of each pair, likewise
    """
    count, n = 0, y_last - y_first
    start[0] = 0
    # A sweep along one axis takes time with the power 1.5 of the points, buckets one by one.
    many = n > _BUCKETS_FROM and x.shape[1] > 1
    buckets = empty_buckets(n if many else 0)
    buckets.width[0] = cutoff
    found = np.empty((9 if many else 1) * n, np.int32)  # nine squares may share one slot
    seen_from = np.full(n if many else 0, -1)
    for j in range(y_first, y_last if many else y_first):
        if np.isfinite(y[j, 0] + y[j, 1]):
            put_in_bucket(buckets, y[j, 0], y[j, 1], j)
    for i in range(x_first, x_last):
        if not many:
            candidates = _sweep(x[i, axis], y, y_first, y_last, order, axis, cutoff, found)
        elif np.isfinite(x[i, 0] + x[i, 1]):
            candidates = near(buckets, x[i, 0], x[i, 1], cutoff, found)
        else:
            candidates = 0
        for f in range(candidates):
            j = found[f]
            if many:
                if seen_from[j - y_first] == i:
                    continue
                seen_from[j - y_first] = i
            square = 0.0
            for k in range(axes[j]):
                square += (x[i, k] - y[j, k]) ** 2
            apart = np.sqrt(square)
            if apart < cutoff:
                if count == column.size:
                    column = _longer(column, count)
                    distance = _longer(distance, count)
                column[count] = j - y_first
                distance[count] = apart
                count += 1
        start[i - x_first + 1] = count
    return column, distance


@kernel(leaf=True)
def _sweep(
    place: float,
    y: Floats,
    y_first: int,
    y_last: int,
    order: Rows,
    axis: int,
    cutoff: float,
    found: Ints,
) -> int:
    """Write the rows of y whose coordinate ``axis`` is within the cutoff; return their number."""
    low, high = y_first, y_last
    while low < high:
        middle = (low + high) // 2
        if y[order[middle], axis] < place - cutoff:
            low = middle + 1
        else:
            high = middle
    n = 0
    while low < y_last and y[order[low], axis] <= place + cutoff:
        found[n] = order[low]
        low += 1
        n += 1
    return n


@kernel()
def point_set_parts(
    truth: Floats,
    tracks: Floats,
    truth_start: Rows,
    track_start: Rows,
    order: Rows,
    axes: Rows,
    axis: int,
    cutoff: float,
    power: float,
    localisation: Floats,
    pairs: Rows,
) -> None:
    """Assign two point sets to each other at every step.

    Parameters
    ----------
    truth, tracks : (R, D), (Q, D) points of all steps
    truth_start, track_start : (K + 1,) first row of every step
    order, axes, axis : see ``near_points``
    cutoff, power : c and p
    localisation : (K,) filled with the sum of d^p over assigned pairs with d < c
    pairs : (K,) filled with their number
    """
    column = np.empty(1024, np.int32)
    distance = np.empty(1024)
    for step in range(localisation.size):
        first, last = truth_start[step], truth_start[step + 1]
        others = track_start[step + 1] - track_start[step]
        start = np.zeros(last - first + 1, np.int32)
        column, distance = near_points(
            truth, first, last, tracks, track_start[step], track_start[step + 1],
            order, axes, axis, cutoff, start, column, distance,
        )  # fmt: skip
        gain = np.empty(start[-1])
        for e in range(gain.size):
            gain[e] = cutoff**power - distance[e] ** power
        column_of = assign(start, column, gain, others)
        total, near = 0.0, 0
        for i in range(last - first):
            for e in range(start[i], start[i + 1]):
                if column[e] == column_of[i]:
                    total += distance[e] ** power
                    near += 1
        localisation[step] = total
        pairs[step] = near


@kernel()
def correspond(
    truth: Floats,
    target: Ints,
    truth_start: Rows,
    tracks: Floats,
    number: Ints,
    track_start: Rows,
    order: Rows,
    axes: Rows,
    axis: int,
    cutoff: float,
    loyalty: float,
    track_row: Rows,
    truth_row: Rows,
) -> None:
    """Pair targets and tracks step by step; see ``sim.metrics.matching``.

    Parameters
    ----------
    truth, tracks : (R, 3), (Q, 3) positions
    target, number : (R,), (Q,)
    truth_start, track_start : (K + 1,)
    order, axes, axis : see ``near_points``; 2 axes of a track whose up component is not known
    cutoff : only closer pairs can correspond
    loyalty : the distance of a pair that held before is divided by this
    track_row : (R,) filled with the row of the track that holds the target, -1 for none
    truth_row : (Q,) filled with the row of the target that the track is on, -1 for none
    """
    held = np.full(target.max() + 1 if target.size else 0, -1)
    column = np.empty(1024, np.int32)
    distance = np.empty(1024)
    for step in range(truth_start.size - 1):
        first_truth, last_truth = truth_start[step], truth_start[step + 1]
        first_track, last_track = track_start[step], track_start[step + 1]
        start = np.zeros(last_truth - first_truth + 1, np.int32)
        column, distance = near_points(
            truth, first_truth, last_truth, tracks, first_track, last_track,
            order, axes, axis, cutoff, start, column, distance,
        )  # fmt: skip
        gain = np.empty(start[-1])
        nearest = np.full(last_track - first_track, cutoff)
        for i in range(first_truth, last_truth):
            track_row[i] = -1
        for j in range(first_track, last_track):
            truth_row[j] = -1
        for i in range(last_truth - first_truth):
            for e in range(start[i], start[i + 1]):
                j, apart = column[e], distance[e]
                if apart < nearest[j]:
                    nearest[j] = apart
                    truth_row[first_track + j] = first_truth + i
                if held[target[first_truth + i]] == number[first_track + j]:
                    apart /= loyalty
                gain[e] = cutoff**2 - apart**2
        column_of = assign(start, column, gain, last_track - first_track)
        for i in range(last_truth - first_truth):
            if column_of[i] >= 0:
                j = first_track + column_of[i]
                track_row[first_truth + i] = j
                truth_row[j] = first_truth + i
                held[target[first_truth + i]] = number[j]
