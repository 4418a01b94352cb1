"""The compiled engine: tracks in columns, sparse gating, plots paired cluster by cluster."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.jit import threads_for
from sim.core.tables import Bools, Floats, Ints
from sim.tracking.bearings import Bearings, no_bearings, still_waiting, with_waiting
from sim.tracking.clutter import ClutterMap, copied_clutter, empty_clutter, learn, with_estimate
from sim.tracking.config import TrackerConfig
from sim.tracking.cycle import Cycle
from sim.tracking.duplicates import Suspects, check_interval_s, merge_duplicates, no_suspects
from sim.tracking.estimates import Estimates, existence_of
from sim.tracking.filtering import extrapolate, predict_tracks, update_tracks
from sim.tracking.gating import gate_scan
from sim.tracking.history import book_cycle, nothing_booked
from sim.tracking.life import (
    add_evidence,
    age_tracks,
    any_sight,
    book_turns,
    count_hidden,
    count_missed_looks,
)
from sim.tracking.multilateration import can_multilaterate, find_fixes, start_at_fixes
from sim.tracking.pairing import Pairs, pair_jointly, pair_nearest, share_unresolved
from sim.tracking.policy import SensorColumns, model_rows, policy_of
from sim.tracking.starts import start_tracks
from sim.tracking.store import TrackColumns, copied, drop_columns, empty_columns, with_room
from sim.tracking.triangulation import can_triangulate, find_crossings, start_at_crossings
from sim.tracking.turns import Turns, turns_of
from sim.tracking.two_point import Seeds, no_seeds, start_from_two

_FIRST_CAPACITY = 256


class Memory(NamedTuple):
    """All that an engine knows at one moment."""

    tracks: TrackColumns
    living: int
    born: int
    confirmed: int
    time_s: float
    seeds: Seeds
    suspects: Suspects
    clutter: ClutterMap
    bearings: Bearings


class CompiledEngine:
    """Tracks as columns of arrays, changed by kernels only; columns keep the order of birth."""

    def __init__(
        self, config: TrackerConfig, sensors: SensorColumns, keep_plots: bool = False
    ) -> None:
        self._config = config
        self._keeps = keep_plots
        self.booked = nothing_booked()
        self._sensors = sensors
        self._models = model_rows(config)
        self._policy = policy_of(config)
        self._tracks = empty_columns(
            _FIRST_CAPACITY,
            int(self._models.mean_row[-1]),
            int(self._models.covariance_row[-1]),
            self._models.kind.size,
            sensors.period_s.size,
        )
        self._resolves = bool((sensors.resolution > 0.0).any())
        self._sighted = any_sight(sensors)
        self._count = 0
        self._born = 0
        self._confirmed = 0
        self._time_s = -np.inf
        self._seeds = no_seeds()
        self._suspects = no_suspects()
        self._check_interval_s = check_interval_s(sensors)
        self._clutter = empty_clutter(sensors)
        self._bearings = no_bearings()
        self._multilaterates = can_multilaterate(sensors)
        self.wants_pairs = config.registration
        self.pairs = self._confirmed_pairs(None, None)

    def cycle(self, cycle: Cycle, end_s: float) -> None:
        """Take one cycle's plots, then confirm and drop as of ``end_s``."""
        plots = cycle.time_s.size
        self.booked = nothing_booked()
        estimated = self._config.clutter == "estimated"
        if estimated and plots:
            cycle = with_estimate(cycle, self._clutter, self._sensors)
        with threads_for(max(plots, self._count)):
            turns = None
            if plots:
                taken = np.zeros(plots, np.bool_)
                if self._count:
                    turns = self._associate_and_update(cycle, taken)
                self._start(cycle, taken, turns)
            if self.wants_pairs:
                self.pairs = self._confirmed_pairs(cycle, turns)
            if estimated:
                self._learn(cycle, turns, end_s)
            self._age(end_s)
            self._time_s = end_s
            self._merge()

    def _associate_and_update(self, cycle: Cycle, taken: Bools) -> Turns:
        """Associate scan by scan with the tracks as they stand, then update all."""
        tracks, count = self._tracks, self._count
        models, sensors, policy = self._models, self._sensors, self._policy
        predict_tracks(tracks, count, float(cycle.first_s.min()), models, policy)
        scans: list[Pairs] = []
        for g in range(cycle.scan_sensor.size):
            candidates = gate_scan(tracks, count, g, cycle, models, sensors, policy)
            if self._config.association == "gnn":
                pairs = pair_nearest(candidates, g, cycle, taken)
            else:
                known = tracks.score[:count] if self._config.association == "jipda" else None
                pairs = pair_jointly(candidates, g, cycle, known, taken)
            if self._resolves:
                pairs = share_unresolved(tracks, g, cycle, candidates, pairs, sensors)
            if policy.rule:
                add_evidence(tracks, count, g, cycle, candidates.start, pairs, sensors, policy)
            scans.append(pairs)
        turns = turns_of(scans, cycle)
        update_tracks(tracks, count, turns, cycle, models, sensors, policy)
        book_turns(tracks, turns, count, cycle, sensors)
        return turns

    def _confirmed_pairs(
        self, cycle: Cycle | None, turns: Turns | None
    ) -> tuple[Ints, Ints, Floats]:
        """Return the plots that confirmed tracks took, as ``Engine.pairs``."""
        if cycle is None or turns is None:
            return np.empty(0, np.int32), np.empty(0, np.int32), np.empty((0, 3))
        column = np.repeat(np.arange(turns.start.size - 1), np.diff(turns.start))
        sure = (turns.missed < 0.5) & (self._tracks.status[column] > 0)
        column = column[sure]
        velocity = np.ascontiguousarray(self._tracks.mean[3:6, column].T)
        return cycle.row[turns.heaviest[sure]], self._tracks.number[column], velocity

    def _start(self, cycle: Cycle, taken: Bools, turns: Turns | None) -> None:
        """Start tracks from the plots that no track took."""
        free = taken.size - int(np.count_nonzero(taken))
        older, unused = self._count, ~taken if self._keeps else taken
        if free:
            self._start_from_free(cycle, taken, free)
        if self._keeps:
            began = np.flatnonzero(taken & unused)
            self.booked = book_cycle(cycle, turns, began, self._tracks.number, older)

    def _start_from_free(self, cycle: Cycle, taken: Bools, free: int) -> None:
        """Start tracks, room for one per free plot."""
        older = self._count
        models, sensors, policy = self._models, self._sensors, self._policy
        self._tracks = with_room(self._tracks, older, older + free)
        if self._config.start == "two-point":
            self._count, self._seeds = start_from_two(
                self._tracks, older, taken, cycle, self._seeds,
                self._config.start_speed_max_mps, models, sensors, policy,
            )  # fmt: skip
        else:
            self._count = start_tracks(self._tracks, older, taken, cycle, models, sensors, policy)
        if can_triangulate(sensors):
            self._start_from_bearings(older, cycle, taken)
        if self._multilaterates:
            fixes = find_fixes(taken, cycle, sensors, policy)
            if len(fixes.place):
                self._tracks = with_room(self._tracks, self._count, self._count + len(fixes.place))
                self._count = start_at_fixes(
                    self._tracks, older, self._count, fixes, cycle, models, sensors, policy
                )
        new = self._count - older
        self._tracks.number[older : self._count] = -self._born - 1 - np.arange(new)
        self._born += new

    def _start_from_bearings(self, older: int, cycle: Cycle, taken: Bools) -> None:
        """Start tracks where free bearings cross each other, or those of earlier cycles."""
        models, sensors, policy = self._models, self._sensors, self._policy
        own = taken.size
        cycle = with_waiting(cycle, self._bearings, sensors)
        taken = np.concatenate([taken, np.zeros(cycle.time_s.size - own, np.bool_)])
        rows, place = find_crossings(taken, cycle, sensors, policy)
        new = (rows[:, :2] < own).any(axis=1)  # both waiting: they crossed in an earlier cycle
        rows, place = rows[new], place[new]
        if len(rows):
            self._tracks = with_room(self._tracks, self._count, self._count + len(rows))
            self._count = start_at_crossings(
                self._tracks, older, self._count, taken, rows, place, cycle, models, sensors, policy
            )
        free = ~taken
        free[rows[:, :2]] = False
        self._bearings = still_waiting(cycle, free, sensors)

    def _learn(self, cycle: Cycle, turns: Turns | None, end_s: float) -> None:
        """Count the false plots."""
        before_s = self._time_s
        if before_s == -np.inf:
            before_s = float(cycle.first_s.min(initial=end_s))
        learn(self._clutter, cycle, self._tracks, turns, end_s - before_s, self._sensors)

    def _age(self, end_s: float) -> None:
        """Confirm, coast and drop tracks as of ``end_s``."""
        tracks, before_s = self._tracks, self._time_s
        models, sensors, policy = self._models, self._sensors, self._policy
        if policy.rule:
            count_missed_looks(tracks, self._count, before_s, end_s, sensors, policy)
        if self._sighted:
            count_hidden(tracks, self._count, before_s, end_s, models, sensors)
        keep = np.empty(self._count, np.bool_)
        was = tracks.number[: self._count].copy() if self._keeps else None
        dropped, self._confirmed = age_tracks(
            tracks, self._count, self._confirmed, end_s, models, policy, keep
        )
        if was is not None:
            now = tracks.number[: self._count]
            self.booked = self.booked._replace(was=was[was != now], now=now[was != now])
        if dropped:
            self._count = drop_columns(tracks, self._count, keep)

    def _merge(self) -> None:
        """Merge duplicates, if a check is due."""
        distance = self._config.merge_distance
        due = self._time_s >= self._suspects.checked_s + self._check_interval_s
        if distance > 0.0 and due and np.count_nonzero(self._tracks.status[: self._count]) > 1:
            self._count, self._suspects = merge_duplicates(
                self._tracks, self._count, self._time_s, self._suspects, distance, self._models,
                self._sensors,
            )  # fmt: skip

    def estimates(self, time_s: float, *, confirmed_only: bool = False) -> Estimates:
        """Return the tracks, extrapolated to ``time_s``."""
        tracks, n = self._tracks, self._count
        with threads_for(n):
            mean, covariance = extrapolate(tracks, n, time_s, self._models, self._policy)
        rows = tracks.status[:n] > 0 if confirmed_only else slice(None)
        return Estimates(
            time_s=time_s,
            number=tracks.number[:n][rows].copy(),
            mean=mean[rows],
            covariance=covariance[rows],
            last_plot_s=tracks.last_plot_s[:n][rows].copy(),
            hits=tracks.hits[:n][rows].copy(),
            sensors=tracks.sensors[:n][rows].copy(),
            replies=np.ascontiguousarray(tracks.replies[:, :n].T[rows]),
            status=tracks.status[:n][rows].copy(),
            existence=existence_of(tracks.score[:n][rows], self._policy.rule),
        )

    @property
    def confirmed(self) -> int:
        """The highest air track number given so far."""
        return self._confirmed

    def remember(self) -> Memory:
        """Return a copy of the present."""
        return Memory(
            copied(self._tracks, slice(self._count)),
            self._count,
            self._born,
            self._confirmed,
            self._time_s,
            self._seeds,
            self._suspects,
            copied_clutter(self._clutter),
            self._bearings,
        )

    def recall(self, memory: Memory) -> None:
        """Go back to what ``remember`` returned."""
        tracks, self._count, self._born, self._confirmed, self._time_s = memory[:5]
        self._tracks = copied(tracks, slice(self._count))
        self._seeds, self._suspects = memory.seeds, memory.suspects
        self._clutter = copied_clutter(memory.clutter)
        self._bearings = memory.bearings
