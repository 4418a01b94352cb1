"""How often targets change their track number, and tracks their target."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from sim.metrics.history import Rows, TrackHistory, TruthHistory
from sim.metrics.holding import number_of
from sim.metrics.matching import Matching


@dataclass(frozen=True, slots=True)
class IdentitySwitches:
    """Switches of a run.

    Attributes
    ----------
    number_changes : how often a target is held under another number than the last time it
        was held: the identity switches of CLEAR MOT (Bernardin and Stiefelhagen 2008)
    track_transfers : how often a track number is on another target than the last time
    swaps : how often two targets exchange their numbers: each changes from its own to the
        other's, and the times between the last hold under the old and the first under the
        new number have a moment in common
    """

    number_changes: int
    track_transfers: int
    swaps: int

    def to_json(self) -> dict[str, int]:
        """Return plain values."""
        return asdict(self)


def identity_switches(time_s: ArrayLike, target: ArrayLike, number: ArrayLike) -> IdentitySwitches:
    """Count switches in rows (R,) that say at which times a number is on a target.

    Rows may come in any order; at one time a target is held under one number at most, and a
    number holds one target at most.
    """
    at = np.asarray(time_s, np.float64)
    things, numbers = np.asarray(target), np.asarray(number)

    def changes(of: Rows, what: Rows) -> tuple[Rows, Rows]:
        """Return the rows before and after each change of ``what``, per ``of``."""
        order = np.lexsort((at, of))
        changed = (np.diff(of[order]) == 0) & (np.diff(what[order]) != 0)
        return order[:-1][changed], order[1:][changed]

    before, after = changes(things, numbers)
    transfers, _ = changes(numbers, things)
    waiting: dict[tuple[int, int], list[tuple[float, float, int]]] = defaultdict(list)
    swaps = 0
    for row in np.argsort(at[before], kind="stable"):
        old, new = int(numbers[before[row]]), int(numbers[after[row]])
        begin, end, thing = at[before[row]], at[after[row]], int(things[before[row]])
        partners = waiting[new, old]
        for index, (_, its_end, other) in enumerate(partners):
            if other != thing and its_end >= begin:
                del partners[index]
                swaps += 1
                break
        else:
            waiting[old, new].append((begin, end, thing))
    return IdentitySwitches(int(before.size), int(transfers.size), swaps)


def of_matching(
    truth: TruthHistory, confirmed: TrackHistory, matching: Matching
) -> IdentitySwitches:
    """Count the switches of a picture."""
    tracked = matching.tracked
    return identity_switches(
        truth.time_s[tracked], truth.target[tracked], number_of(matching, confirmed)[tracked]
    )
