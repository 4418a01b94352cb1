"""Plots that may be of two targets, which their sensor cannot tell apart, for track hypotheses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.gaussian import load_state
from sim.core.jit import kernel
from sim.core.measurement import measure, unresolved
from sim.core.tables import Bools, Indices, Measured
from sim.tracking.cycle import Cycle
from sim.tracking.gating import Candidates
from sim.tracking.policy import SensorColumns
from sim.tracking.store import TrackColumns

_POLAR = int(Measured.POLAR)


class Merged(NamedTuple):
    """Of each candidate, whether its plot may be of two targets.

    Attributes
    ----------
    possible : (K,) a confirmed track of another target is near enough, and could have the plot
    only : (K,) and neither of the two tracks has another candidate
    """

    possible: Bools
    only: Bools


def none_merged(candidates: Candidates) -> Merged:
    """Return that no plot is of two."""
    nothing = np.zeros(candidates.plot.size, np.bool_)
    return Merged(nothing, nothing)


@kernel()
def find_merged(
    tracks: TrackColumns,
    tree: Indices,
    best: Bools,
    candidates: Candidates,
    g: int,
    cycle: Cycle,
    sensors: SensorColumns,
) -> Merged:
    """Find the candidates of confirmed leaves whose plot may be of a second target.

    That is one of another confirmed tree, by its leaf in the best hypothesis, that has the same
    candidate and lies within the sensor's resolution in every component that has one. Only
    polar sensors that state a resolution merge plots.
    """
    s = cycle.scan_sensor[g]
    limit, origin, axes = sensors.resolution[s], sensors.origin_enu_m[s], sensors.enu_R_sensor[s]
    start, plot, status = candidates.start, candidates.plot, tracks.status
    possible, only = np.zeros(plot.size, np.bool_), np.zeros(plot.size, np.bool_)
    if not (limit > 0.0).any() or sensors.kind[s] != _POLAR:
        return Merged(possible, only)
    # Lists of the leaves in the best hypothesis that have each plot for a candidate.
    latest = np.full(cycle.scan_first[g + 1] - cycle.scan_first[g], -1, np.int64)
    before, leaf = np.empty(plot.size, np.int64), np.empty(plot.size, np.int64)
    for k in range(tree.size):
        if best[k] and status[k] > 0:
            for e in range(start[k], start[k + 1]):
                before[e], leaf[e] = latest[plot[e]], k
                latest[plot[e]] = e
    mine, its = np.empty(4), np.empty(4)
    x, P, H = np.empty(9), np.empty((9, 9)), np.empty((4, 6))
    for i in range(tree.size):
        if status[i] == 0 or start[i + 1] == start[i]:
            continue
        load_state(tracks.mean, 0, tracks.covariance, 0, i, 6, x, P)
        measure(_POLAR, x, origin, axes, origin, mine, H)
        for e in range(start[i], start[i + 1]):
            other = latest[plot[e]]
            while other >= 0:
                k = leaf[other]
                other = before[other]
                if tree[k] == tree[i]:
                    continue
                load_state(tracks.mean, 0, tracks.covariance, 0, k, 6, x, P)
                measure(_POLAR, x, origin, axes, origin, its, H)
                if unresolved(_POLAR, mine, its, limit):
                    possible[e] = True
                    alone = start[i + 1] - start[i] == 1 and start[k + 1] - start[k] == 1
                    only[e] = only[e] or alone
    return Merged(possible, only)
