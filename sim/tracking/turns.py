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
    turns = Turns(
        np.empty(n + 1, np.int32),
        np.empty(total, np.int32),
        np.empty(total, np.int32),
        np.empty(total),
        np.empty(total, np.int32),
        np.empty(total),
        plot,
        weight,
        shared,
    )
    t = 0
    for i in range(n):
        turns.start[i] = t
        for g in range(scans):
            first = offset[g] + pair_start[g, i]
            last = offset[g] + pair_start[g, i + 1]
            if first == last:
                continue
            heaviest = first
            for b in range(first + 1, last):
                if weight[b] > weight[heaviest]:
                    heaviest = b
            time_s = plot_time[plot[heaviest]]
            at = t
            while at > turns.start[i] and turns.time_s[at - 1] > time_s:
                turns.first[at] = turns.first[at - 1]
                turns.last[at] = turns.last[at - 1]
                turns.time_s[at] = turns.time_s[at - 1]
                turns.heaviest[at] = turns.heaviest[at - 1]
                turns.missed[at] = turns.missed[at - 1]
                at -= 1
            turns.first[at] = first
            turns.last[at] = last
            turns.time_s[at] = time_s
            turns.heaviest[at] = plot[heaviest]
            turns.missed[at] = missed[g, i]
            t += 1
    turns.start[n] = t
    return turns
