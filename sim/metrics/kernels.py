"""Loops over the steps of a run: distances between point sets, and who is on whom.

Both need the assignment with the least sum of costs min(d, c)^p, where an unpaired point
costs as much as a pair at the cutoff. It is the one with the largest sum of gains
c^p − d^p over pairs closer than c.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.core.assignment import assign
from sim.core.jit import kernel
from sim.core.tables import Bools, Floats, Ints

Rows = NDArray[np.intp]


@kernel()
def _distance(a: Floats, b: Floats) -> float:
    total = 0.0
    for k in range(a.size):
        total += (a[k] - b[k]) ** 2
    return np.sqrt(total)  # type: ignore[no-any-return]


@kernel()
def point_set_parts(
    truth: Floats,
    tracks: Floats,
    truth_start: Rows,
    track_start: Rows,
    cutoff: float,
    order: float,
    localisation: Floats,
    pairs: Rows,
) -> None:
    """Assign two point sets to each other at every step.

    Parameters
    ----------
    truth, tracks : (R, D), (Q, D) points of all steps
    truth_start, track_start : (K + 1,) first row of every step
    cutoff, order : c and p
    localisation : (K,) filled with the sum of d^p over assigned pairs with d < c
    pairs : (K,) filled with their number
    """
    for step in range(localisation.size):
        x = truth[truth_start[step] : truth_start[step + 1]]
        y = tracks[track_start[step] : track_start[step + 1]]
        start = np.zeros(x.shape[0] + 1, np.int32)
        column = np.empty(x.shape[0] * y.shape[0], np.int32)
        gain = np.empty(x.shape[0] * y.shape[0])
        count = 0
        for i in range(x.shape[0]):
            for j in range(y.shape[0]):
                distance = _distance(x[i], y[j])
                if distance < cutoff:
                    column[count] = j
                    gain[count] = cutoff**order - distance**order
                    count += 1
            start[i + 1] = count
        column_of = assign(start, column, gain, y.shape[0])
        total, near = 0.0, 0
        for i in range(x.shape[0]):
            if column_of[i] >= 0:
                total += _distance(x[i], y[column_of[i]]) ** order
                near += 1
        localisation[step] = total
        pairs[step] = near


@kernel()
def correspond(
    truth: Floats,
    target: Ints,
    truth_start: Rows,
    tracks: Floats,
    has_height: Bools,
    number: Ints,
    track_start: Rows,
    cutoff: float,
    loyalty: float,
    track_row: Rows,
    truth_row: Rows,
) -> None:
    """Pair targets and tracks step by step; see ``sim.metrics.matching``.

    Parameters
    ----------
    truth, tracks : (R, 3), (Q, 3) positions
    has_height : (Q,) whether a track's up component counts in distances
    target, number : (R,), (Q,)
    truth_start, track_start : (K + 1,)
    cutoff : only closer pairs can correspond
    loyalty : the distance of a pair that held before is divided by this
    track_row : (R,) filled with the row of the track that holds the target, -1 for none
    truth_row : (Q,) filled with the row of the target that the track is on, -1 for none
    """
    held = np.full(target.max() + 1 if target.size else 0, -1)
    for step in range(truth_start.size - 1):
        first_truth, first_track = truth_start[step], track_start[step]
        targets = truth_start[step + 1] - first_truth
        others = track_start[step + 1] - first_track
        start = np.zeros(targets + 1, np.int32)
        column = np.empty(targets * others, np.int32)
        gain = np.empty(targets * others)
        nearest = np.full(others, cutoff)
        count = 0
        track_row[first_truth : first_truth + targets] = -1
        truth_row[first_track : first_track + others] = -1
        for i in range(targets):
            for j in range(others):
                axes = 3 if has_height[first_track + j] else 2
                distance = _distance(truth[first_truth + i, :axes], tracks[first_track + j, :axes])
                if distance < cutoff:
                    if distance < nearest[j]:
                        nearest[j] = distance
                        truth_row[first_track + j] = first_truth + i
                    if held[target[first_truth + i]] == number[first_track + j]:
                        distance /= loyalty
                    column[count] = j
                    gain[count] = cutoff**2 - distance**2
                    count += 1
            start[i + 1] = count
        column_of = assign(start, column, gain, others)
        for i in range(targets):
            if column_of[i] >= 0:
                j = first_track + column_of[i]
                track_row[first_truth + i] = j
                truth_row[j] = first_truth + i
                held[target[first_truth + i]] = number[j]
