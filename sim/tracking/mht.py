"""The engine of several hypotheses: track trees, scan by scan in order of time."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.jit import threads_for
from sim.core.tables import Bools, Floats, Ints, Measured, TrackStatus
from sim.tracking.clutter import (
    ClutterMap,
    copied_clutter,
    empty_clutter,
    learn_free,
    with_estimate,
)
from sim.tracking.config import TrackerConfig
from sim.tracking.cycle import Cycle
from sim.tracking.duplicates import Suspects, check_interval_s, merge_duplicates, no_suspects
from sim.tracking.estimates import Estimates, existence_of
from sim.tracking.filtering import extrapolate, predict_tracks, update_tracks
from sim.tracking.gating import gate_scan
from sim.tracking.history import Booked, nothing_booked
from sim.tracking.hypotheses import (
    LEAVES_MAX,
    LIMIT,
    MISS,
    NODES_MAX,
    NOTHING,
    SAME_LOOK,
    Leaves,
    columns_taken,
    compete,
    grow,
    judge_leaves,
    no_leaves,
    taken,
    tree_starts,
)
from sim.tracking.life import (
    EXISTENCE_MAX,
    any_sight,
    book_turns,
    count_hidden,
    count_missed_looks,
)
from sim.tracking.policy import SensorColumns, model_rows, policy_of
from sim.tracking.scans import in_order_of_time, one_plot_each
from sim.tracking.starts import start_tracks
from sim.tracking.store import with_room
from sim.tracking.unresolved import find_merged, none_merged

_CONFIRMED = int(TrackStatus.CONFIRMED)


class Memory(NamedTuple):
    """All that the engine knows at one moment."""

    leaves: Leaves
    trees: int
    plots: int
    confirmed: int
    time_s: float
    suspects: Suspects
    clutter: ClutterMap


class MhtEngine:
    """Track-oriented multiple hypotheses.

    Every plot begins a tree of track hypotheses; every scan extends each leaf by each plot in
    its gate and by none. Leaves that share a plot exclude each other. After each scan the
    ``hypotheses`` best global hypotheses of each cluster are found: leaves with no part in
    them are given up (k-best pruning), and an association ``scans_back`` branchings old is
    decided as the best of them says (N-scan pruning). That best one is the picture.

    Parameters
    ----------
    config, sensors : as ``CompiledEngine``

    Notes
    -----
    S. Blackman, "Multiple hypothesis tracking for multiple target tracking", IEEE A&E Systems
    Magazine 19(1), 2004, whose steps these are. A branching is a scan that had a plot for
    some leaf of the tree: scans that looked elsewhere do not shorten the window. A tree that
    is not in the best hypothesis when its oldest association falls due is given up.

    Raises
    ------
    ValueError
        If no sensor fixes a place with one plot: crossed bearings start no trees.
    """

    def __init__(self, config: TrackerConfig, sensors: SensorColumns) -> None:
        placing = np.isin(sensors.kind, (Measured.POLAR, Measured.BISTATIC))
        placing &= sensors.measures[:, :2].all(axis=1)
        placing |= sensors.kind == Measured.POSITION
        if placing.size and not placing.any():
            raise ValueError("association mht starts no tracks from bearings or time differences")
        self.wants_pairs = config.registration  # they are at hand anyway
        self._sensors = sensors
        self._models = model_rows(config)
        self._policy = policy_of(config)
        self._hypotheses = config.hypotheses
        self._limit = LIMIT
        self._resolves = bool((sensors.resolution > 0.0).any())
        self._estimated = config.clutter == "estimated"
        self._clutter = empty_clutter(sensors)
        self._merge_distance = config.merge_distance
        self._suspects = no_suspects()
        self._check_interval_s = check_interval_s(sensors)
        self._sighted = any_sight(sensors)
        # The odds that a plot is of a target that had no track, and not a false alarm.
        self._birth_score = math.log(config.start_existence / (1.0 - config.start_existence))
        self._evidence_max = self._policy.confirm_score
        if self._policy.rule == 2:
            self._evidence_max = math.log(EXISTENCE_MAX / (1.0 - EXISTENCE_MAX))
        self._leaves = no_leaves(self._models, sensors.period_s.size, config.scans_back)
        self._trees = 0
        self._plots = 0
        # Of the last cycle: rows of its plots as numbered, and plots numbered before.
        self._rows = np.empty(0, np.int32)
        self._earlier_plots = 0
        self._confirmed = 0
        self._time_s = -np.inf

    def cycle(self, cycle: Cycle, end_s: float) -> None:
        """Take one cycle's plots, then confirm and drop as of ``end_s``."""
        self._earlier_plots = self._plots
        places = [np.empty(0, np.int64)]
        if self._estimated and cycle.time_s.size:
            cycle = with_estimate(cycle, self._clutter, self._sensors)
        with threads_for(self._leaves.tree.size):
            if cycle.time_s.size:
                cycle = in_order_of_time(cycle)
                for g in np.lexsort((cycle.scan_sensor, cycle.first_s)).tolist():
                    self._take_scan(cycle, g)
                    places.append(np.arange(cycle.scan_first[g], cycle.scan_first[g + 1]))
            numbered = np.concatenate(places)
            if self._estimated:
                self._learn(cycle, numbered, end_s)
            self._age(end_s)
        self._rows = cycle.row[numbered]
        self._time_s = end_s
        self._merge()

    def _take_scan(self, cycle: Cycle, g: int) -> None:
        self._grow(cycle, g)
        self._plant(cycle, g)
        self._plots += int(cycle.scan_first[g + 1] - cycle.scan_first[g])
        self._prune()

    def _grow(self, cycle: Cycle, g: int) -> None:
        """Replace the leaves by their children."""
        leaves, sensors, policy = self._leaves, self._sensors, self._policy
        n = leaves.tree.size
        if not n:
            return
        tracks, s = leaves.tracks, cycle.scan_sensor[g]
        predict_tracks(tracks, n, float(cycle.first_s[g]), self._models, policy)
        candidates = gate_scan(tracks, n, g, cycle, self._models, sensors, policy)
        merged = none_merged(candidates)
        if self._resolves:
            merged = find_merged(tracks, leaves.tree, leaves.best, candidates, g, cycle, sensors)
        parent, plot, gain, branched, looked, second, shared = grow(
            tree_starts(leaves.tree),
            leaves.score,
            leaves.best,
            candidates,
            merged,
            tracks.looked_s,
            g,
            cycle,
            sensors,
            LEAVES_MAX,
            self._limit,
        )
        tracks = columns_taken(tracks, parent)
        np.minimum(tracks.score + gain, self._evidence_max, out=tracks.score)
        tracks.looked_s[s, looked] = np.maximum(tracks.looked_s[s, looked], cycle.first_s[g])
        turns = one_plot_each(plot, shared, cycle)
        update_tracks(tracks, parent.size, turns, cycle, self._models, sensors, policy)
        book_turns(tracks, turns, parent.size, cycle, sensors)
        path = leaves.path[parent]
        path[branched, :-1] = path[branched, 1:]
        number = self._plots + 1 + plot - cycle.scan_first[g]
        number = np.where(second, -1 - number, number)
        path[branched, -1] = np.where(plot < 0, MISS, number)[branched]
        self._leaves = Leaves(
            tracks, leaves.tree[parent], leaves.score[parent] + gain, path, leaves.best[parent]
        )

    def _plant(self, cycle: Cycle, g: int) -> None:
        """Begin a tree from every plot that fixes a place."""
        leaves, sensors = self._leaves, self._sensors
        s, older = cycle.scan_sensor[g], leaves.tree.size
        first, last = int(cycle.scan_first[g]), int(cycle.scan_first[g + 1])
        others = np.ones(cycle.time_s.size, np.bool_)
        others[first:last] = False
        tracks = with_room(leaves.tracks, older, older + last - first)
        count = start_tracks(tracks, older, others, cycle, self._models, sensors, self._policy)
        new = count - older
        if not new:
            return
        # All plots of a sensor fix a place, or none does.
        tree = self._trees + np.arange(new)
        tracks.number[older:count] = -1 - tree
        for other in range(sensors.period_s.size):
            if other != s:
                # So that another sensor's first plot is not taken for the same look.
                tracks.looked_s[other, older:count] -= SAME_LOOK * sensors.period_s[other]
        path = np.full((new, leaves.path.shape[1]), NOTHING, np.int64)
        path[:, -1] = self._plots + 1 + np.arange(new)
        self._leaves = Leaves(
            tracks,
            np.append(leaves.tree, tree),
            np.append(leaves.score, np.full(new, self._birth_score)),
            np.concatenate([leaves.path, path]),
            np.append(leaves.best, np.zeros(new, np.bool_)),
        )
        self._trees += new

    def _prune(self) -> None:
        """Let the leaves compete; decide what is due."""
        leaves = self._leaves
        n = leaves.tree.size
        if not n:
            return
        plots, item = np.unique(leaves.path, return_inverse=True)
        offset = int(np.searchsorted(plots, MISS, side="right"))
        item = item.reshape(leaves.path.shape) - offset
        np.maximum(item, -1, out=item)
        tree_start = tree_starts(leaves.tree)
        sure = leaves.tracks.status[:n] > 0
        best, alive = compete(
            tree_start,
            item.astype(np.int32),
            plots.size - offset,
            leaves.score,
            sure,
            self._hypotheses,
            self._limit,
            NODES_MAX,
        )
        alive &= decide(
            leaves.path, np.repeat(np.arange(tree_start.size - 1), np.diff(tree_start)), best
        )
        leaves = taken(leaves._replace(best=best), np.flatnonzero(alive))
        self._leaves = leaves
        self._rebase()

    def _rebase(self) -> None:
        """Score the leaves of confirmed trees against the best of their tree."""
        leaves = self._leaves
        n = leaves.tree.size
        if not n:
            return
        tree_start = tree_starts(leaves.tree)
        highest = np.maximum.reduceat(leaves.score, tree_start[:-1])
        highest[leaves.tracks.status[tree_start[:-1]] == 0] = 0.0
        leaves.score[:] -= np.repeat(highest, np.diff(tree_start))

    def _learn(self, cycle: Cycle, numbered: NDArray[np.int64], end_s: float) -> None:
        """Count the false plots: those that no confirmed track of the best hypothesis took."""
        before_s = self._time_s
        if before_s == -np.inf:
            before_s = float(cycle.first_s.min(initial=end_s))
        held = np.zeros(cycle.time_s.size)
        held[numbered[self._taken()[1]]] = 1.0
        learn_free(self._clutter, cycle, held, end_s - before_s, self._sensors)

    def _merge(self) -> None:
        """Give up the younger of two trees that follow one target, if a check is due."""
        leaves = self._leaves
        if not self._merge_distance > 0.0:
            return
        if self._time_s < self._suspects.checked_s + self._check_interval_s:
            return
        shown = np.flatnonzero(leaves.best & (leaves.tracks.status[: leaves.best.size] > 0))
        if shown.size < 2:
            return
        tracks = columns_taken(leaves.tracks, shown)
        before = tracks.number.copy()
        left, self._suspects = merge_duplicates(
            tracks, shown.size, self._time_s, self._suspects, self._merge_distance, self._models,
            self._sensors,
        )  # fmt: skip
        if left < shown.size:
            gone = np.setdiff1d(before, tracks.number[:left])
            stays = ~np.isin(leaves.tracks.number[: leaves.tree.size], gone)
            self._leaves = taken(leaves, np.flatnonzero(stays))

    def _age(self, end_s: float) -> None:
        """Confirm and drop as of ``end_s``."""
        leaves = self._leaves
        n = leaves.tree.size
        if not n:
            return
        tracks, before_s = leaves.tracks, self._time_s
        sensors, policy = self._sensors, self._policy
        known = tracks.score[:n].copy()
        # Missed looks weigh on the hypotheses; that targets leave weighs on all alike.
        looks_only = policy._replace(rule=1)
        count_missed_looks(tracks, n, before_s, end_s, sensors, looks_only)
        leaves.score[:] += tracks.score[:n] - known
        if policy.rule == 2:
            count_missed_looks(tracks, n, before_s, end_s, sensors, policy)
        if self._sighted:
            count_hidden(tracks, n, before_s, end_s, self._models, sensors)
        alive, ripe = judge_leaves(tracks, n, end_s, self._models, policy)
        confirmed = tracks.status[:n] > 0
        # A confirmed track ends with its leaf in the best hypothesis.
        alive &= ~np.isin(leaves.tree, leaves.tree[confirmed & leaves.best & ~alive])
        for tree in leaves.tree[ripe & leaves.best].tolist():
            self._confirmed += 1
            tracks.status[:n][leaves.tree == tree] = _CONFIRMED
            tracks.number[:n][leaves.tree == tree] = self._confirmed
        if not alive.all():
            self._leaves = taken(leaves, np.flatnonzero(alive))

    def estimates(self, time_s: float, *, confirmed_only: bool = False) -> Estimates:
        """Return the tracks of the best global hypothesis, extrapolated to ``time_s``."""
        leaves = self._leaves
        shown = leaves.best.copy()
        if confirmed_only:
            shown &= leaves.tracks.status[: shown.size] > 0
        tracks = columns_taken(leaves.tracks, np.flatnonzero(shown))
        n = tracks.time_s.size
        with threads_for(n):
            mean, covariance = extrapolate(tracks, n, time_s, self._models, self._policy)
        return Estimates(
            time_s=time_s,
            number=tracks.number,
            mean=mean,
            covariance=covariance,
            last_plot_s=tracks.last_plot_s,
            hits=tracks.hits,
            sensors=tracks.sensors,
            replies=np.ascontiguousarray(tracks.replies.T),
            status=tracks.status,
            existence=existence_of(tracks.score, self._policy.rule),
        )

    @property
    def confirmed(self) -> int:
        """The highest air track number given so far."""
        return self._confirmed

    @property
    def pairs(self) -> tuple[Ints, Ints, Floats]:
        """Plots of the last cycle that confirmed tracks took.

        Rows of the caller's table, numbers of the tracks, and their velocities (K, 3).
        """
        tracks = self._leaves.tracks
        leaf, plot = self._taken()
        velocity = np.ascontiguousarray(tracks.mean[3:6, leaf].T)
        return self._rows[plot], tracks.number[leaf], velocity

    def _taken(self) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Leaves of confirmed tracks in the best hypothesis, and which of the last cycle's plots,
        as numbered, they took."""
        leaves = self._leaves
        of_cycle = leaves.path - self._earlier_plots - 1
        of_cycle[~leaves.best | (leaves.tracks.status[: leaves.tree.size] == 0)] = -1
        leaf, place = np.nonzero(of_cycle >= 0)
        return leaf, of_cycle[leaf, place]

    @property
    def booked(self) -> Booked:
        """Nothing: a later scan may still move a plot to another track."""
        return nothing_booked()

    def remember(self) -> Memory:
        """Return a copy of the present."""
        every = np.arange(self._leaves.tree.size)
        return Memory(
            taken(self._leaves, every),
            self._trees,
            self._plots,
            self._confirmed,
            self._time_s,
            self._suspects,
            copied_clutter(self._clutter),
        )

    def recall(self, memory: Memory) -> None:
        """Go back to what ``remember`` returned."""
        leaves, self._trees, self._plots, self._confirmed, self._time_s = memory[:5]
        self._suspects, self._clutter = memory.suspects, copied_clutter(memory.clutter)
        self._leaves = taken(leaves, np.arange(leaves.tree.size))


def decide(path: NDArray[np.int64], tree: NDArray[np.intp], best: Bools) -> Bools:
    """Make the oldest association of every full path final: N-scan pruning.

    Parameters
    ----------
    path : (L, N + 1) as in ``Leaves``; what became final is set to ``NOTHING``
    tree : (L,) of each leaf, numbered from 0
    best : (L,) members of the best global hypothesis

    Returns
    -------
    (L,) leaves that agree: their tree's member of the best hypothesis has the same oldest
    association, and none of their plots now belongs to another tree for good
    """
    due = path[:, 0] != NOTHING
    if not due.any():
        return np.ones(best.size, np.bool_)
    decided = np.full(tree[-1] + 1, NOTHING, np.int64)
    decided[tree[best]] = path[best, 0]
    final = path[best & due, 0]
    agree: Bools = ~due | (path[:, 0] == decided[tree])
    agree &= ~np.isin(path[:, 1:], final[final > MISS]).any(axis=1)
    path[due, 0] = NOTHING
    return agree
