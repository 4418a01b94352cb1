"""Distance between two sets of trajectories that also counts switches: T-GOSPA.

García-Fernández, Rahmathullah and Svensson, A Metric on the Space of Finite Sets of
Trajectories for Evaluation of Multi-Target Tracking Algorithms, IEEE Transactions on
Signal Processing 68 (2020). At every step each target is on a track or on none, and no two
are on the same. A step costs what GOSPA with alpha = 2 costs under that assignment; between
steps a target that changes its track costs γ^p, one that gets or loses a track half of it.
An assignment may last through steps at which one of the two is absent. The metric is the
p-th root of the least sum over all sequences of assignments.

Written as a gain over assigning nothing: a target on a track closer than c gains c^p − d^p,
any beginning or end of a pair inside the run costs γ^p/2. Pairs that are never closer than
c need not be looked at. What remains is solved thus:

1. Every target by itself chooses its best sequence of tracks, where the tracks that several
   targets want at a step cost the price at which the assignment of that step alone is stable.
   Gains at those prices, plus all prices, bound what any permitted sequence can gain.
2. A price that nobody pays in the end is dropped, and those it kept away choose again.
3. Targets that still hold the same track at the same step choose together, over all
   assignments that their tracks permit.
4. When no conflict is left and every price is paid, the choice attains the bound: it is
   optimal. If choosing together would need too many assignments, those in conflict choose in
   turn, at the first prices, what others left; the bound is handed out beside the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from sim.core.tables import Bools, Floats
from sim.metrics.history import Rows
from sim.metrics.pair_gains import PairGains, States
from sim.metrics.sets import require_metric
from sim.metrics.trajectories import Trajectories

#: Assignments that targets choosing together may have at each step.
MAX_STATES = 2000
#: Steps times assignments, for each of which the best predecessor is kept.
_MAX_CHOICES = 20_000_000
#: How often those in conflict may choose again when all have been served.
_SECOND_THOUGHTS = 3


@dataclass(frozen=True, slots=True)
class TGospa:
    """T-GOSPA and its parts.

    Attributes
    ----------
    distance : p-th root of the sum of the parts; not below the metric
    lower_bound : not above the metric; equal to ``distance`` if that is exact
    exact : whether ``distance`` is the metric itself
    localisation, missed, false, switch : parts to the power p
    missed_targets, false_tracks : numbers behind the second and third, over all steps
    switches : number behind the last; half ones for tracks gained or lost
    """

    distance: float
    lower_bound: float
    exact: bool
    localisation: float
    missed: float
    false: float
    switch: float
    missed_targets: float
    false_tracks: float
    switches: float


@dataclass(slots=True)
class _Group:
    """Targets that choose together, and what they chose.

    ``pair``, ``begin`` and ``end`` (M,) are the unbroken runs of the pairs held, the end
    excluded; ``value`` is what they gain at the prices paid.
    """

    pairs: Rows
    states: States
    value: float = 0.0
    pair: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    begin: Rows = field(default_factory=lambda: np.empty(0, np.intp))
    end: Rows = field(default_factory=lambda: np.empty(0, np.intp))

    def choose(self, gain: Floats, penalty: float) -> None:
        """Find the best sequence at the gains (pairs, K)."""
        from sim.metrics.track_kernels import best_path  # numba is slow to import

        steps = gain.shape[1]
        path = np.empty(steps, np.int32)
        self.value = best_path(
            gain,
            self.states.sub_start,
            self.states.sub_state,
            self.states.sub_pair,
            penalty,
            np.empty((steps, len(self.states.member)), np.int32),
            path,
        )
        turn = np.flatnonzero(np.diff(path, prepend=-1))
        held = np.zeros((self.pairs.size, turn.size + 2), np.int8)
        held[:, 1:-1] = self.states.member[path[turn]].T
        change = np.diff(held, axis=1)
        times = np.append(turn, steps)
        row, begin = np.nonzero(change == 1)
        self.pair, self.begin = self.pairs[row], times[begin]
        self.end = times[np.nonzero(change == -1)[1]]


class _Search:
    """The groups on their way to a choice without conflicts."""

    def __init__(
        self, gains: PairGains, price: Floats, steps: int, penalty: float, max_states: int
    ) -> None:
        self.gains, self.steps, self.penalty = gains, steps, penalty
        self.limit = min(max_states, _MAX_CHOICES // max(steps, 1))
        self._spread_prices(price)
        bounds = np.flatnonzero(np.diff(gains.target, prepend=-1, append=-1))
        self.groups: dict[int, _Group] = {}
        for first, last in pairwise(bounds):
            self._add(int(gains.target[first]), np.arange(first, last))
        self.next_name = int(gains.target.max(initial=-1)) + 1
        self.refused: set[tuple[int, int]] = set()
        self.bound = np.inf

    def _spread_prices(self, price: Floats) -> None:
        """Keep prices as rows over all steps, for those tracks that have any."""
        gains = self.gains
        dear = np.flatnonzero(price > 0)
        track = np.repeat(gains.track, np.diff(gains.entry))[dear]
        self.dear_tracks, row = np.unique(track, return_inverse=True)
        self.price = np.zeros((self.dear_tracks.size, self.steps))
        self.price[row, gains.step[dear]] = price[dear]
        self.asked = self.price.copy()
        self.price_row = np.full(gains.track.max(initial=-1) + 1, -1)
        self.price_row[self.dear_tracks] = np.arange(self.dear_tracks.size)

    def _add(self, name: int, pairs: Rows) -> bool:
        """Let the targets of the pairs choose together; no if they have too many states."""
        gains = self.gains
        single = bool((gains.target[pairs] == gains.target[pairs[0]]).all())
        limit = pairs.size + 1 if single else self.limit
        states = States.of(gains.target[pairs], gains.track[pairs], limit)
        if states is None:
            return False
        self.groups[name] = _Group(pairs, states)
        self._choose(self.groups[name])
        return True

    def _choose(self, group: _Group) -> None:
        group.choose(self._net_gain(group, self.price), self.penalty)

    def _net_gain(self, group: _Group, price: Floats) -> Floats:
        gain = self.gains.table(group.pairs, self.steps)
        rows = self.price_row[self.gains.track[group.pairs]]
        gain[rows >= 0] -= price[rows[rows >= 0]]
        return gain

    def _drop_unpaid_prices(self) -> bool:
        """Drop the prices that nobody pays; return whether there were any."""
        unpaid = self.price > 0
        for group in self.groups.values():
            rows = self.price_row[self.gains.track[group.pair]]
            for row, begin, end in zip(rows, group.begin, group.end, strict=True):
                if row >= 0:
                    unpaid[row, begin:end] = False
        cheaper = self.dear_tracks[unpaid.any(axis=1)]
        if not cheaper.size:
            return False
        self.price[unpaid] = 0.0
        for group in self.groups.values():
            if np.isin(self.gains.track[group.pairs], cheaper).any():
                self._choose(group)
        return True

    def _conflicts(self) -> list[tuple[int, int]]:
        """Return the groups, two by two, that hold a track at the same step."""
        names = np.array(list(self.groups), np.intp)
        groups = self.groups.values()
        owner = np.repeat(names, [group.pair.size for group in groups])
        track = self.gains.track[np.concatenate([group.pair for group in groups])]
        begin = np.concatenate([group.begin for group in groups])
        end = np.concatenate([group.end for group in groups])
        order = np.lexsort((begin, track))
        found = []
        last, latest_end, holder = -1, 0, -1
        for at in order.tolist():
            if track[at] == last and begin[at] < latest_end:
                found.append((holder, int(owner[at])))
            if track[at] != last or end[at] > latest_end:
                last, latest_end, holder = int(track[at]), int(end[at]), int(owner[at])
        return found

    def _merge(self, conflicts: list[tuple[int, int]]) -> bool:
        """Let conflicting groups choose together; return whether any could."""
        became: dict[int, int] = {}
        merged = False
        for one, two in conflicts:
            while one in became:
                one = became[one]
            while two in became:
                two = became[two]
            if one == two or (one, two) in self.refused:
                continue
            pairs = np.union1d(self.groups[one].pairs, self.groups[two].pairs)
            if self._add(self.next_name, pairs):
                became[one] = became[two] = self.next_name
                del self.groups[one], self.groups[two]
                self.next_name += 1
                merged = True
            else:
                self.refused |= {(one, two), (two, one)}
        return merged

    def settle(self) -> bool:
        """Choose until nothing changes; return whether the choice is optimal."""
        while True:
            # Whatever the prices, no permitted choice gains more than all groups and prices.
            values = sum(group.value for group in self.groups.values())
            self.bound = min(self.bound, values + float(self.price.sum()))
            if self._drop_unpaid_prices():
                continue
            conflicts = self._conflicts()
            if not conflicts:
                return True
            if not self._merge(conflicts):
                return False

    def serve_in_turn(self) -> None:
        """Resolve what conflicts are left: the groups that gain most choose first.

        The first prices keep them off tracks that others need more; then each may choose
        again, without prices, among all that the others do not hold.
        """
        quarrelling = {name for pair in self._conflicts() for name in pair}
        taken: dict[int, Bools] = {}

        def mark(group: _Group, held: bool) -> None:
            for pair, begin, end in zip(group.pair, group.begin, group.end, strict=True):
                track = int(self.gains.track[pair])
                taken.setdefault(track, np.zeros(self.steps, np.bool_))[begin:end] = held

        def serve(group: _Group, price: Floats) -> None:
            gain = self._net_gain(group, price)
            for row, pair in enumerate(group.pairs):
                others = taken.get(int(self.gains.track[pair]))
                if others is not None:
                    gain[row, others] = -np.inf
            group.choose(gain, self.penalty)
            mark(group, True)

        for name in self.groups.keys() - quarrelling:
            mark(self.groups[name], True)
        waiting = [self.groups[name] for name in sorted(quarrelling)]
        waiting.sort(key=lambda group: -group.value)
        for group in waiting:
            serve(group, self.asked)
        for _ in range(_SECOND_THOUGHTS):
            for group in waiting:
                mark(group, False)
                serve(group, np.zeros_like(self.asked))


def t_gospa(
    x: Trajectories,
    y: Trajectories,
    cutoff: float,
    switch_penalty: float,
    order: float = 2.0,
    max_states: int = MAX_STATES,
) -> TGospa:
    """Return the T-GOSPA distance between targets x and tracks y over all their steps.

    Parameters
    ----------
    cutoff : c
    switch_penalty : γ, the cost of a target that changes its track
    order : p
    max_states : assignments that targets choosing together may have at each step

    Notes
    -----
    Memory grows with the number of (target, track, step) closer than the cutoff.

    Raises
    ------
    ValueError
        If steps differ, cutoff or penalty are not positive or the order is below 1.
    """
    require_metric(cutoff, order)
    if not switch_penalty > 0:
        raise ValueError(f"switch penalty {switch_penalty} must be positive")
    if not x.count or not y.count:
        return result(x, y, cutoff, order, switch_penalty, 0.0, 0, 0, None)
    gains, price = PairGains.of(x, y, cutoff, order)
    search = _Search(gains, price, x.steps, switch_penalty**order / 2, max_states)
    exact = not search.groups or search.settle()
    bound = None if exact else search.bound
    if not exact:
        search.serve_in_turn()
    gained, near, ends = 0.0, 0, 0
    for group in search.groups.values():
        for pair, begin, end in zip(group.pair, group.begin, group.end, strict=True):
            entries = slice(gains.entry[pair], gains.entry[pair + 1])
            first, last = np.searchsorted(gains.step[entries], (begin, end))
            gained += float(gains.gain[entries][first:last].sum())
            near += int(last - first)
            ends += int(begin > 0) + int(end < x.steps)
    return result(x, y, cutoff, order, switch_penalty, gained, near, ends, bound)


def result(
    x: Trajectories,
    y: Trajectories,
    cutoff: float,
    order: float,
    switch_penalty: float,
    gained: float,
    near: float,
    ends: float,
    gain_bound: float | None,
    exact: bool = True,
) -> TGospa:
    """Sum up: what near pairs gained, their number, and the beginnings and ends of pairs.

    ``gain_bound`` is what they could gain at most, None if it is what they gained.
    """
    penalty = cutoff**order
    targets, tracks = x.owner.size, y.owner.size
    localisation = max(near * penalty - gained, 0.0)
    missed = (targets - near) * penalty / 2
    false = (tracks - near) * penalty / 2
    switch = ends * switch_penalty**order / 2
    total = localisation + missed + false + switch
    least = total
    if gain_bound is not None:
        least = max((targets + tracks) * penalty / 2 - gain_bound, 0.0)
    return TGospa(
        distance=total ** (1 / order),
        lower_bound=min(least, total) ** (1 / order),
        exact=exact and gain_bound is None,
        localisation=localisation,
        missed=missed,
        false=false,
        switch=switch,
        missed_targets=targets - near,
        false_tracks=tracks - near,
        switches=ends / 2,
    )
