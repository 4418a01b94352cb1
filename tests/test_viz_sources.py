"""Where snapshots come from: a live run and a recording."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from viz_fake import SETTING, FakeRecording, snapshot_at, steps

from sim.core.tables import Snapshot
from viz.sources import Live, Replay


def test_live_never_shows_the_future() -> None:
    live = Live(SETTING, steps())
    assert live.advance(0.4, math.inf) is None
    assert live.time_s == 0.4
    shown = live.advance(3.5, math.inf)
    assert shown is not None
    assert shown.time_s == 3.0
    assert live.time_s == 3.5
    assert live.advance(3.9, math.inf) is shown


def test_live_loses_no_plot_when_it_skips_steps() -> None:
    live = Live(SETTING, steps())
    shown = live.advance(7.0, math.inf)
    assert shown is not None
    assert shown.plots.time_s.tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5]
    shown = live.advance(9.2, math.inf)
    assert shown is not None
    assert shown.plots.time_s.tolist() == [7.5, 8.5]


def test_live_keeps_its_budget_and_then_lags(monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s = 100.0

    def slow() -> Iterator[Snapshot]:
        nonlocal clock_s
        for snapshot in steps():
            clock_s += 0.02
            yield snapshot

    monkeypatch.setattr("viz.sources.time.perf_counter", lambda: clock_s)
    live = Live(SETTING, slow())
    shown = live.advance(60.0, 0.05)
    assert shown is not None
    # 0.02 s each: the third step passes the budget of 0.05 s and is the last.
    assert shown.time_s == live.time_s == 3.0
    shown = live.advance(60.0, 0.05)
    assert shown is not None
    assert shown.time_s == live.time_s == 6.0


def test_live_makes_one_step_even_without_budget() -> None:
    live = Live(SETTING, steps())
    shown = live.advance(10.0, 0.0)
    assert shown is not None
    assert shown.time_s == 1.0


def test_live_ends_where_its_steps_end() -> None:
    live = Live(SETTING, iter([snapshot_at(1.0), snapshot_at(2.0)]))
    shown = live.advance(50.0, math.inf)
    assert shown is not None
    assert (shown.time_s, live.time_s, live.duration_s) == (2.0, 2.0, 2.0)


def test_live_cannot_seek() -> None:
    live = Live(SETTING, steps())
    assert not live.seekable
    with pytest.raises(ValueError, match="recording"):
        live.seek(3.0)


def test_replay_gives_the_plots_between_pictures() -> None:
    replay = Replay(FakeRecording())
    assert replay.advance(0.5, 0.0) is None
    shown = replay.advance(4.2, 0.0)
    assert shown is not None
    assert shown.time_s == 4.0
    assert shown.plots.time_s.tolist() == [0.5, 1.5, 2.5, 3.5]
    assert replay.advance(4.9, 0.0) is shown
    later = replay.advance(6.0, 0.0)
    assert later is not None
    assert later.plots.time_s.tolist() == [4.5, 5.5]


def test_replay_jumps_both_ways_and_stays_inside() -> None:
    replay = Replay(FakeRecording())
    replay.seek(50.0)
    shown = replay.advance(50.0, 0.0)
    assert shown is not None
    assert shown.time_s == 50.0
    assert shown.plots.time_s.min() >= 40.0
    replay.seek(10.0)
    shown = replay.advance(10.5, 0.0)
    assert shown is not None
    assert (shown.time_s, replay.time_s) == (10.0, 10.5)
    replay.advance(1e9, 0.0)
    assert replay.time_s == replay.duration_s == 60.0
    replay.seek(-5.0)
    assert replay.time_s == 0.0


def test_replay_of_nothing() -> None:
    recording = FakeRecording()
    recording.times_s = np.empty(0)
    replay = Replay(recording)
    assert replay.advance(10.0, 0.0) is None
    assert replay.time_s == 0.0
