"""Where snapshots come from: a run that goes on while one looks, or a recording."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np

from sim.core.tables import Floats, Plots, Snapshot
from sim.record.setting import Setting
from viz.memory import AFTERGLOW_S


class Source(Protocol):
    """What a viewer looks at.

    Attributes
    ----------
    setting : the stage of the run
    duration_s : where the run ends
    time_s : up to when the picture is known; what is shown never runs ahead of it
    seekable : whether ``seek`` works
    """

    @property
    def setting(self) -> Setting: ...
    @property
    def duration_s(self) -> float: ...
    @property
    def time_s(self) -> float: ...
    @property
    def seekable(self) -> bool: ...

    def advance(self, to_s: float, budget_s: float) -> Snapshot | None:
        """Go on towards ``to_s``, spending about ``budget_s`` of real time at most.

        Returns the latest snapshot at or before ``to_s``, None while there is none. Its
        plots are all those since the snapshot returned before, so that skipped steps
        lose none; the same object means that nothing is new.
        """
        ...

    def seek(self, time_s: float) -> None:
        """Jump: the next ``advance`` starts from ``time_s``."""
        ...


class Live:
    """A run computed as one looks: pulls step after step, cannot go back."""

    seekable = False

    def __init__(self, setting: Setting, steps: Iterator[Snapshot]) -> None:
        self.setting = setting
        self.duration_s = setting.duration_s
        self.time_s = 0.0
        self._steps = steps
        self._shown: Snapshot | None = None
        self._ahead: Snapshot | None = None
        self._over = False

    def advance(self, to_s: float, budget_s: float) -> Snapshot | None:
        """See ``Source.advance``; at least one step is made, if any is needed."""
        stop = time.perf_counter() + budget_s
        fresh: list[Snapshot] = []
        while True:
            if self._ahead is None and not self._over:
                self._ahead = next(self._steps, None)
                self._over = self._ahead is None
            if self._ahead is None or self._ahead.time_s > to_s:
                break
            fresh.append(self._ahead)
            self._ahead = None
            if time.perf_counter() >= stop:
                break
        if fresh:
            latest = fresh[-1]
            recent = [s.plots for s in fresh if s.time_s > latest.time_s - AFTERGLOW_S]
            self._shown = replace(latest, plots=Plots.concatenate(recent))
        known_s = self._shown.time_s if self._shown is not None else 0.0
        if self._over:
            self.duration_s = known_s
        self.time_s = max(to_s, known_s) if self._ahead is not None else known_s
        return self._shown

    def seek(self, time_s: float) -> None:
        """Refuse: what has been computed is not kept.

        Raises
        ------
        ValueError
            Always.
        """
        raise ValueError("a live run cannot jump in time: view its recording")


class Recorded(Protocol):
    """What ``Replay`` needs of a recording."""

    @property
    def setting(self) -> Setting: ...
    @property
    def times_s(self) -> Floats: ...

    def snapshot(self, time_s: float) -> Snapshot: ...
    def plots_between(self, start_s: float, end_s: float) -> Plots: ...


class Replay:
    """A recording: any time at once."""

    seekable = True

    def __init__(self, recording: Recorded) -> None:
        self.setting = recording.setting
        self._recording = recording
        self._times_s = recording.times_s
        self.duration_s = float(self._times_s[-1]) if self._times_s.size else 0.0
        self.time_s = 0.0
        self._row = -1
        self._shown: Snapshot | None = None

    def advance(self, to_s: float, budget_s: float) -> Snapshot | None:
        """See ``Source.advance``; a recording is read at once, whatever the budget."""
        self.time_s = min(max(to_s, 0.0), self.duration_s)
        row = int(np.searchsorted(self._times_s, self.time_s, side="right")) - 1
        if row == self._row or row < 0:
            return self._shown
        latest = self._recording.snapshot(float(self._times_s[row]))
        since_s = latest.time_s - AFTERGLOW_S
        if self._shown is not None:
            since_s = max(since_s, self._shown.time_s)
        plots = self._recording.plots_between(since_s, latest.time_s)
        self._row, self._shown = row, replace(latest, plots=plots)
        return self._shown

    def seek(self, time_s: float) -> None:
        """See ``Source.seek``."""
        self.time_s = min(max(time_s, 0.0), self.duration_s)
        self._row, self._shown = -1, None
