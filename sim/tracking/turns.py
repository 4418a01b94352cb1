"""The order in which each track takes its scans' pairs: that of time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Bools, Floats, Ints
from sim.tracking.cycle import Cycle
from sim.tracking.pairing import Pairs


class Turns(NamedTuple):
    """What each track takes in one cycle; one turn is the pairs of one scan.

    Attributes
    ----------
    start : (N + 1,) where each track's turns begin
    first, last : (T,) the turn's pairs in ``plot``, ``weight`` and ``shared``
    time_s, heaviest : (T,) of the most probable plot, and its row in the cycle
    missed : (T,) probability of no plot
    plot, weight, shared : (K,) as in ``Pairs``, of all scans
    """

    start: Ints
    first: Ints
    last: Ints
    time_s: Floats
    heaviest: Ints
    missed: Floats
    plot: Ints
    weight: Floats
    shared: Bools


def turns_of(scans: list[Pairs], cycle: Cycle) -> Turns:
    """Order the pairs of one or more scans, track by track, by time."""
    if len(scans) == 1:
        pairs = scans[0]
        start, missed, offset = pairs.start[None], pairs.missed[None], np.zeros(1, np.int32)
        return _order(start, missed, offset, pairs.plot, pairs.weight, pairs.shared, cycle.time_s)
    return _order(
        np.stack([pairs.start for pairs in scans]),
        np.stack([pairs.missed for pairs in scans]),
        np.cumsum([0, *(pairs.plot.size for pairs in scans[:-1])]),
        np.concatenate([pairs.plot for pairs in scans]),
        np.concatenate([pairs.weight for pairs in scans]),
        np.concatenate([pairs.shared for pairs in scans]),
        cycle.time_s,
    )


@kernel()
def _order(
    pair_start: Ints,
    missed: Floats,
    offset: Ints,
    plot: Ints,
    weight: Floats,
    shared: Bools,
    plot_time: Floats,
) -> Turns:
    scans, n = missed.shape
    total = 0
    for g in range(scans):
        for i in range(n):
            if pair_start[g, i + 1] > pair_start[g, i]:
                total += 1
    start, first, last = (
        np.empty(n + 1, np.int32),
        np.empty(total, np.int32),
        np.empty(total, np.int32),
    )
    time_s, heaviest, miss = np.empty(total), np.empty(total, np.int32), np.empty(total)
    t = 0
    for i in range(n):
        start[i] = t
        for g in range(scans):
            begin, end = offset[g] + pair_start[g, i], offset[g] + pair_start[g, i + 1]
            if begin == end:
                continue
            most = begin
            for b in range(begin + 1, end):
                if weight[b] > weight[most]:
                    most = b
            when_s = plot_time[plot[most]]
            at = t
            while at > start[i] and time_s[at - 1] > when_s:
                first[at], last[at], time_s[at] = first[at - 1], last[at - 1], time_s[at - 1]
                heaviest[at], miss[at] = heaviest[at - 1], miss[at - 1]
                at -= 1
            first[at], last[at], time_s[at] = begin, end, when_s
            heaviest[at], miss[at] = plot[most], missed[g, i]
            t += 1
    start[n] = t
    return Turns(start, first, last, time_s, heaviest, miss, plot, weight, shared)
