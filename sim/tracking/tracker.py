"""The tracker's face: sound plots go to an engine cycle by cycle; the picture comes back."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import fields, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from sim.core.tables import Bools, Floats, Indices, Ints, Plots, Tracks
from sim.tracking.config import TrackerConfig
from sim.tracking.cycle import Cycle, cycle_of
from sim.tracking.estimates import Estimates
from sim.tracking.history import Booked, History, Taken
from sim.tracking.intake import Rejected, sift
from sim.tracking.policy import sensor_columns
from sim.tracking.registration import Biases, Registration, settings_of
from sim.tracking.renumbering import Numbers
from sim.tracking.sensor_models import Poses, SensorModels

#: A plot further ahead of the picture's new time than this has a broken time stamp.
_AHEAD_MAX_S = 3600.0
_NO_NUMBERS = np.empty(0, np.int32)


class Engine(Protocol):
    """Any engine: plots of one cycle in, tracks out."""

    def cycle(self, cycle: Cycle, end_s: float) -> None:
        """Take one cycle's plots, then confirm and drop as of ``end_s``."""

    def estimates(self, time_s: float, *, confirmed_only: bool = False) -> Estimates:
        """Return the tracks, extrapolated to ``time_s``."""

    @property
    def confirmed(self) -> int:
        """The highest air track number given so far."""

    #: Whether ``pairs`` is asked for.
    wants_pairs: bool

    @property
    def pairs(self) -> tuple[Ints, Ints, Floats]:
        """Plots of the last cycle that confirmed tracks took.

        Rows of the caller's table, numbers of the tracks, and their velocities (K, 3).
        """

    @property
    def booked(self) -> Booked:
        """Plots of the last cycle and the tracks that took them, if the engine keeps them."""

    def remember(self) -> Any:
        """Return a copy of the present."""

    def recall(self, memory: Any) -> None:
        """Go back to what ``remember`` returned."""


#: Rows of plots, and the numbers and velocities of the tracks that took them.
_Used = tuple[Ints, Ints, Floats]


class _Call(NamedTuple):
    """One call of ``Tracker.process`` that late plots may still change.

    ``measured`` are the same plots as ``plots``, before registration corrected them; ``used``
    tells, cycle by cycle, which of them confirmed tracks took; ``poses`` are those of the
    sensors that made them.
    """

    memory: Any
    before_s: float
    end_s: float
    plots: Plots
    measured: Plots
    used: list[_Used]
    booked: int
    poses: Poses | None


class Tracker:
    """Plots of several sensors in, one air picture out.

    Parameters
    ----------
    config : settings
    sensors : one row per sensor that ``Plots.sensor`` may name
    keep_plots : note which plots each track takes, for ``taken``; needs room for them
    keep_latest : keep for ``latest_taken`` which plots confirmed tracks took

    Raises
    ------
    ValueError
        If ``keep_plots`` is asked of ``association: mht``.

    Notes
    -----
    Time is cut into cycles of ``config.cycle_s``, or half the shortest sensor period if that
    is less: within a cycle every sensor's plots are paired with the tracks as they stood at
    its beginning, then each track is updated in order of time. A plot older than the last
    call's ``until_s`` is late. If it is late by less than ``config.lag_s``, the tracker goes
    back to before it and takes all plots since then again, so that the tracks are those that
    plots in order would have given; otherwise it is dropped and counted.
    """

    def __init__(
        self,
        config: TrackerConfig,
        sensors: SensorModels,
        *,
        keep_plots: bool = False,
        keep_latest: bool = False,
    ) -> None:
        self.config = config
        self._range_max_m = sensors.range_max_m
        self.sensors = sensors = sensors.movable()
        self._poses: Poses | None = None
        self.time_s = -math.inf
        self._rejected = np.zeros((len(sensors) + 1, len(fields(Rejected))), np.int64)
        self._columns = sensor_columns(config, sensors)
        shortest = float(sensors.period_s.min()) if len(sensors) else math.inf
        self._cycle_s = min(config.cycle_s, 0.5 * shortest)
        self._silence_s = shortest
        self._no_plots = cycle_of(Plots.empty(), np.empty(0, np.int32), self._columns)
        self._engine = _engine(config, sensors, keep_plots)
        self._engine.wants_pairs = config.registration or keep_latest
        self._history = History(sensors.resolution) if keep_plots else None
        self._keeps_latest = keep_latest
        self._latest: list[tuple[Plots, Ints]] = []
        self._registration = (
            Registration(sensors, settings_of(config, sensors)) if config.registration else None
        )
        self._calls: deque[_Call] = deque()
        self._numbers = Numbers()

    def move_sensors(self, poses: Poses) -> None:
        """Tell where moving sensors are, for the plots of all calls of ``process`` from now on.

        A plot that comes late by less than the lag is taken by the poses of its own time.
        """
        self._poses = poses
        self.sensors.place(poses, self._range_max_m)

    def process(self, plots: Plots, until_s: float | None = None) -> None:
        """Take plots into the picture.

        Parameters
        ----------
        plots : any number, of any sensors, in any order; ``truth_id`` is not read
        until_s : the picture's new time, by default the latest plot's; plots after it are
            taken too and move it on, those more than an hour after it are broken
        """
        latest_s = math.inf if until_s is None else until_s + _AHEAD_MAX_S
        measured = plots
        if self._registration is not None:
            rows, rejected = sift(plots, self.sensors, -math.inf, latest_s)
            self._rejected += rejected
            measured = plots.take(rows)
            plots = self._registration.correct(measured)
        oldest_s = self._calls[0].before_s if self._calls else self.time_s
        since_s = max(self.time_s - self.config.lag_s, oldest_s)
        rows, rejected = sift(plots, self.sensors, since_s, latest_s)
        self._rejected += rejected
        if self.config.lag_s > 0.0:
            plots, measured = plots.take(rows), measured.take(rows)
            late = self._late(plots)
            if late.any():
                self._take_again(plots.take(late), measured.take(late))
            plots, measured = plots.take(~late), measured.take(~late)
            rows = np.arange(len(plots), dtype=np.int32)
        end_s = self._end_s(plots, rows, until_s)
        if end_s == -math.inf:
            return
        if self.config.lag_s > 0.0:
            self._call(plots, measured, end_s)
            # What no late plot can change any more is learned from.
            while len(self._calls) > 1 and self._calls[0].end_s < self.time_s - self.config.lag_s:
                final, now = self._calls.popleft(), self._poses
                self._back_to(final.poses)
                self._learn(final.measured, final.used)
                self._back_to(now)
        else:
            self._learn(measured, self._advance(plots, rows, end_s))

    def picture(self, time_s: float | None = None) -> Tracks:
        """Return all tracks, extrapolated to ``time_s`` (default: the tracker's time)."""
        return self.states(time_s).as_tracks()

    def states(self, time_s: float | None = None) -> Estimates:
        """Return all tracks of ``picture`` with full states."""
        return self._estimates(time_s, confirmed_only=False)

    def estimates(self, time_s: float | None = None) -> Estimates:
        """Return the confirmed tracks with full states, as told to other trackers."""
        return self._estimates(time_s, confirmed_only=True)

    def biases(self) -> Biases | None:
        """Return what registration has found so far, None if it is off."""
        return None if self._registration is None else self._registration.biases()

    def taken(self) -> Taken:
        """Return all plots that tracks took so far, and the numbers of these tracks.

        Of a track that took plots in part (``jpda``, ``jipda``) those more probable than all
        else; not the first of a two-point start, nor those of a start by triangulation.

        Raises
        ------
        ValueError
            If the tracker was not asked to keep them.
        """
        if self._history is None:
            raise ValueError("the tracker keeps no plots; ask it to with keep_plots=True")
        taken = self._history.taken()
        if self.config.lag_s == 0.0:
            return taken
        seen = self._numbers.seen
        return replace(taken, number=seen(taken.number), now=seen(taken.now))

    def latest_taken(self) -> tuple[Plots, Ints]:
        """Return the plots that confirmed tracks took since the last call.

        Returns
        -------
        plots, number : the plots, and the track (K,) that took each; no plots unless the
            tracker keeps them. Under joint association a track that more likely than not
            had a plot is given its most probable one. Late plots are not told; with ``lag_s``, ask
            after each ``process``, before it may go back.
        """
        plots = Plots.concatenate([plots for plots, _ in self._latest])
        number = np.concatenate([_NO_NUMBERS, *(number for _, number in self._latest)])
        self._latest = []
        return plots, number if self.config.lag_s == 0.0 else self._numbers.of(number)

    @property
    def rejected(self) -> Rejected:
        """Plots that were dropped, and why."""
        return Rejected.of(self._rejected.sum(axis=0))

    @property
    def rejected_by_sensor(self) -> Indices:
        """(S + 1, 5) dropped plots by sensor and reason.

        Columns as the fields of ``Rejected``; the last row counts unknown sensors.
        """
        return self._rejected.copy()

    def _estimates(self, time_s: float | None, confirmed_only: bool) -> Estimates:
        found = self._engine.estimates(
            self.time_s if time_s is None else time_s, confirmed_only=confirmed_only
        )
        if self.config.lag_s == 0.0:
            return found
        return replace(found, number=self._numbers.of(found.number))

    def _end_s(self, plots: Plots, rows: Ints, until_s: float | None) -> float:
        latest_s = float(plots.time_s[rows].max()) if rows.size else -math.inf
        return max(self.time_s, latest_s, -math.inf if until_s is None else until_s)

    def _call(self, plots: Plots, measured: Plots, end_s: float) -> None:
        """Take all plots up to ``end_s``, and keep what it takes to do so again."""
        memory, before_s = self._engine.remember(), self.time_s
        booked = 0 if self._history is None else len(self._history)
        used = self._advance(plots, np.arange(len(plots), dtype=np.int32), end_s)
        call = _Call(memory, before_s, end_s, plots, measured, used, booked, self._poses)
        self._calls.append(call)

    def _back_to(self, poses: Poses | None) -> None:
        """Put the sensors where they were at another time, if they move."""
        if poses is not None and poses is not self._poses:
            self.move_sensors(poses)

    def _advance(self, plots: Plots, rows: Ints, end_s: float) -> list[_Used]:
        """Take the given rows, none of them late, cycle by cycle up to ``end_s``.

        Returns which of them confirmed tracks took, cycle by cycle, if registration wants it.
        """
        length_s = self._cycle_s
        pairs: list[_Used] = []
        if not rows.size:
            self._cycle(Plots.empty(), self._no_plots, end_s)
            self.time_s = end_s
            return pairs
        times_s = plots.time_s[rows]
        last = math.ceil(end_s / length_s - 1e-9)
        slot = np.ceil(times_s / length_s - 1e-9).astype(np.int64)
        # The first cycle begins where the last call ended, wherever that is.
        np.clip(slot, None, last, out=slot)
        if slot[0] == last and (slot == last).all():
            used = [last]
            parts = [rows]
        else:
            order = np.argsort(slot, kind="stable")
            used_array, first = np.unique(slot[order], return_index=True)
            used = used_array.tolist()
            parts = np.split(rows[order], first[1:])
        for k, part in zip(used, parts, strict=True):
            begin_s = (k - 1) * length_s
            if self.time_s > -math.inf and begin_s > self.time_s + self._silence_s:
                self._cycle(plots, self._no_plots, begin_s)  # tracks age in silence
            self.time_s = end_s if k == last else k * length_s
            self._cycle(plots, cycle_of(plots, part, self._columns), self.time_s)
            if self._keeps_latest:
                row, track, _ = self._engine.pairs
                self._latest.append((plots.take(row), track))
            if self._registration is not None:
                pairs.append(self._engine.pairs)
        if self.time_s < end_s:
            self._cycle(plots, self._no_plots, end_s)
            self.time_s = end_s
        return pairs

    def _learn(self, measured: Plots, used: list[_Used]) -> None:
        """Let registration learn from the plots that confirmed tracks took."""
        if self._registration is None:
            return
        for row, track, velocity in used:
            taken = measured.take(row)
            self._registration.learn(
                taken.time_s, taken.sensor, taken.measurement, taken.sigma, track, velocity
            )

    def _cycle(self, plots: Plots, cycle: Cycle, end_s: float) -> None:
        """Give the engine one cycle, of rows of ``plots``."""
        self._engine.cycle(cycle, end_s)
        if self._history is not None:
            self._history.add(plots, self._engine.booked)

    def _late(self, plots: Plots) -> Bools:
        """Tell which plots belong to the time of earlier calls."""
        if not self._calls:
            return np.zeros(len(plots), np.bool_)
        late: Bools = plots.time_s <= self.time_s
        return late

    def _take_again(self, late: Plots, measured: Plots) -> None:
        """Go back to before the oldest late plot, and take all plots since then in order."""
        now_s, now_poses = self.time_s, self._poses
        told, self._latest = self._latest, []
        before = self._engine.estimates(now_s, confirmed_only=True)
        redo = [call for call in self._calls if call.end_s >= late.time_s.min()]
        for _ in redo:
            self._calls.pop()
        self._engine.recall(redo[0].memory)
        if self._history is not None:
            self._history.cut(redo[0].booked)
        kept = self._engine.confirmed
        self.time_s = redo[0].before_s
        for call in redo:
            # A plot belongs to the call in whose time it was made.
            now = (late.time_s <= call.end_s) & (late.time_s >= call.before_s)
            plots = Plots.concatenate([call.plots, late.take(now)])
            both = Plots.concatenate([call.measured, measured.take(now)])
            late, measured = late.take(~now), measured.take(~now)
            self._back_to(call.poses)
            self._call(plots, both, call.end_s)
        self._back_to(now_poses)
        self._latest = told  # what is taken again was told when it came
        after = self._engine.estimates(now_s, confirmed_only=True)
        self._numbers.rematch(before, after, kept)


def _engine(config: TrackerConfig, sensors: SensorModels, keep_plots: bool) -> Engine:
    if config.engine == "filterpy":
        from sim.tracking.reference import ReferenceEngine

        return ReferenceEngine(config, sensors)
    if config.association == "mht":
        if keep_plots:
            raise ValueError("association mht keeps no plots: it may yet change its mind on them")
        from sim.tracking.mht import MhtEngine

        return MhtEngine(config, sensor_columns(config, sensors))
    from sim.tracking.compiled import CompiledEngine

    return CompiledEngine(config, sensor_columns(config, sensors), keep_plots)
