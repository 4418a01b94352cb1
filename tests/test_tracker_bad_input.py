"""Bad input: counted, reported, and nothing else lost."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from test_tracker import STEP_S, assert_same, one_plot
from test_tracker_late import rotating
from tracking_scenes import SIGMA, observed, targets

from sim.core.tables import FALSE_ALARM, Plots, Tracks
from sim.tracking import Rejected, SensorModels, Tracker, TrackerConfig

#: What is wrong, in which component, and how it is counted; sensor 0 is polar with all four.
BROKEN = [
    *(("time_s", None, value, "not_finite") for value in (math.nan, math.inf, -math.inf)),
    *(
        ("measurement", a, value, "not_finite")
        for a in range(4)
        for value in (math.nan, math.inf, -math.inf)
    ),
    *(("sigma", a, value, "not_finite") for a in range(4) for value in (math.nan, math.inf)),
    ("measurement", 0, -5000.0, "out_of_range"),
    ("measurement", 0, 0.0, "out_of_range"),
    ("measurement", 0, 1e12, "out_of_range"),
    ("measurement", 1, 1e6, "out_of_range"),
    ("measurement", 2, 1.6, "out_of_range"),
    ("measurement", 2, -1.6, "out_of_range"),
    ("measurement", 3, 1e9, "out_of_range"),
    ("reply", None, 3, "out_of_range"),
    *(("sigma", a, value, "bad_sigma") for a in range(4) for value in (0.0, -1.0, 1e9, 1e300)),
    *(("sensor", None, value, "unknown_sensor") for value in (-1, 2, 2**31 - 1, -(2**31))),
]


def broken_plots(time_s: float) -> tuple[Plots, Rejected]:
    """One plot of every kind of fault, at a place where a good one would start a track."""
    tables, counts = [], {field.name: 0 for field in fields(Rejected)}
    good = one_plot(time_s, (9e3, 9e3, 2e3))
    for column, component, value, counted in BROKEN:
        changed = getattr(good, column).copy()
        changed[0 if component is None else (0, component)] = value
        tables.append(replace(good, **{column: changed}))
        counts[counted] += 1
    return Plots.concatenate(tables), Rejected(**counts)


CONFIGS = [
    TrackerConfig(),
    TrackerConfig(filter="imm", association="jipda"),
    TrackerConfig(filter="kf", start="two-point", clutter="estimated"),
    TrackerConfig(lag_s=2.0),
    TrackerConfig(association="mht"),
]
NAMES = ["gnn", "imm-jipda", "kf-two-point", "lag", "mht"]


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
def test_broken_plots_in_every_call_change_no_other_track(config: TrackerConfig) -> None:
    plots = observed(n=8, duration_s=12.0)
    rng = np.random.default_rng(1)
    clean, dirty = Tracker(config, rotating()), Tracker(config, rotating())
    expected = Rejected()
    for k in range(24):
        due = plots.take((plots.time_s > k * STEP_S) & (plots.time_s <= (k + 1) * STEP_S))
        broken, counts = broken_plots((k + 0.5) * STEP_S)
        expected = Rejected(
            *(getattr(expected, f.name) + getattr(counts, f.name) for f in fields(Rejected))
        )
        mixed = Plots.concatenate([due, broken])
        clean.process(due, (k + 1) * STEP_S)
        dirty.process(mixed.take(rng.permutation(len(mixed))), (k + 1) * STEP_S)
        assert_same([dirty.picture()], [clean.picture()])
    assert clean.rejected == Rejected()
    assert dirty.rejected == expected
    assert expected.total == 24 * len(BROKEN) == dirty.rejected.broken
    assert clean.picture().confirmed.sum() >= 7


def test_old_plots_are_late_and_move_nothing() -> None:
    plots = observed(n=8, duration_s=12.0)
    clean, dirty = Tracker(TrackerConfig(), rotating()), Tracker(TrackerConfig(), rotating())
    late = 0
    for k in range(24):
        due = plots.take((plots.time_s > k * STEP_S) & (plots.time_s <= (k + 1) * STEP_S))
        old = plots.take(plots.time_s < k * STEP_S - 1e-9)
        for tracker, table in ((clean, due), (dirty, Plots.concatenate([old, due]))):
            tracker.process(table, (k + 1) * STEP_S)
        late += len(old)
        assert dirty.time_s == clean.time_s == (k + 1) * STEP_S
        assert_same([dirty.picture()], [clean.picture()])
    assert dirty.rejected == Rejected(late=late)
    dirty.process(Plots.empty(), 3.0)  # nor does the clock run backwards
    assert dirty.time_s == 12.0


@pytest.mark.parametrize("config", CONFIGS, ids=NAMES)
def test_empty_scans(config: TrackerConfig) -> None:
    tracker = Tracker(config, rotating())
    tracker.process(Plots.empty())
    assert len(tracker.picture(0.0)) == 0
    tracker.process(Plots.empty(), 5.0)
    assert len(tracker.picture()) == 0
    for k in range(12):
        tracker.process(one_plot(6.0 + k, (12e3, 9e3, 3e3)), 6.0 + k)
        tracker.process(Plots.empty(), 6.5 + k)
        tracker.process(Plots.empty())
    assert tracker.picture().confirmed.tolist() == [True]
    assert tracker.rejected == Rejected()


def test_nothing_but_broken_plots() -> None:
    tracker = Tracker(TrackerConfig(), rotating())
    broken, counts = broken_plots(1.0)
    tracker.process(broken)
    assert tracker.time_s == -math.inf  # a broken plot's time is not believed either
    tracker.process(broken, 2.0)
    assert tracker.rejected.total == 2 * counts.total
    assert len(tracker.picture()) == 0


@pytest.mark.slow
@pytest.mark.parametrize("association", ["gnn", "jipda"])
def test_a_million_false_plots_in_one_scan(association: str) -> None:
    """Tracks keep their numbers through it and after it, and memory stays in proportion."""
    resource = pytest.importorskip("resource")
    n, duration_s = 8, 24.0
    plots = observed(n=n, duration_s=duration_s, false_per_turn=4, pd=1.0, seed=3)
    position, velocity = targets(n, 3)
    rng = np.random.default_rng(1)
    false = 1_000_000
    burst = Plots(
        time_s=np.full(false, 12.25),
        sensor=np.zeros(false, np.int32),
        measurement=np.column_stack(
            [
                rng.uniform(1e3, 300e3, false),
                rng.uniform(0.0, 2 * np.pi, false),
                rng.uniform(-0.1, 1.3, false),
                rng.uniform(-500.0, 500.0, false),
            ]
        ),
        sigma=np.tile(SIGMA[0], (false, 1)),
        snr_db=np.full(false, 12.0),
        reply=np.zeros(false, np.uint8),
        truth_id=np.full(false, FALSE_ALARM, np.int32),
    )
    tracker = Tracker(TrackerConfig(association=association), rotating())

    def held(tracks: Tracks) -> list[int]:
        shown = tracks.take(tracks.confirmed)
        truth = position + velocity * tracks.time_s
        apart = np.linalg.norm(shown.position_enu_m[None] - truth[:, None], axis=2)
        assert apart.min(axis=1).max() < 1500.0
        return [int(number) for number in shown.number[apart.argmin(axis=1)]]

    before_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    numbers, before_s = None, 0.0
    # The crowd of new tracks makes every call slow: fewer of them behind it.
    for until_s in [*np.arange(0.5, 13.5, 0.5), *np.arange(15.0, 25.0, 1.5)]:
        due = plots.take((plots.time_s > before_s) & (plots.time_s <= until_s))
        if before_s == 12.0:
            numbers = held(tracker.picture())
            due = Plots.concatenate([due, burst])
        tracker.process(due, until_s)
        if numbers is not None:
            assert held(tracker.picture()) == numbers
        before_s = until_s
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before_bytes
    assert used < 4e9
    assert tracker.rejected == Rejected()
    # The crowd is gone, but for what happened to line up.
    assert len(tracker.picture()) < 2000


@pytest.mark.parametrize("time_s", [1e5, 1e6, 1e13, 1e300])
def test_a_time_far_ahead_is_broken_and_wipes_nothing(time_s: float) -> None:
    tracker = Tracker(TrackerConfig(), SensorModels.at_origin(period_s=1.0))
    sigma = [25.0, 0.003, 0.003, np.nan]
    for k in range(5):
        plots = Plots.of(
            np.array([float(k), time_s]), 0, np.array([[2e4, 0.5, 0.1], [2e4, 0.5, 0.1]]), sigma[:3]
        )
        tracker.process(plots, until_s=float(k))
    assert tracker.time_s == 4.0
    assert tracker.rejected.out_of_range == 5
    assert tracker.picture().confirmed.sum() == 1
