"""Late plots, and going back: the present does not depend on how it was reached."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from test_tracker import STEP_S, assert_same, one_plot, pictures
from tracking_scenes import observed, targets, two_radars

from sim.core.tables import Plots, Tracks
from sim.tracking import SensorModels, Tracker, TrackerConfig

CONFIGS = {
    "gnn": TrackerConfig(),
    "imm-jipda": TrackerConfig(filter="imm", association="jipda"),
    "two-point": TrackerConfig(start="two-point", association="jpda"),
    "learned clutter": TrackerConfig(clutter="estimated", confirmation="score"),
    "mht": TrackerConfig(association="mht", scans_back=2, clutter="estimated"),
}


def rotating() -> SensorModels:
    return replace(two_radars(), rotates=np.array([True, True]))


def delivered(plots: Plots, delay_s: np.ndarray, duration_s: float) -> list[Plots]:
    """The plots of each call: those that came in since the one before."""
    calls = []
    for k in range(int(duration_s / STEP_S)):
        due = plots.time_s + delay_s
        calls.append(plots.take((due > k * STEP_S) & (due <= (k + 1) * STEP_S)))
    assert sum(map(len, calls)) == len(plots)
    return calls


def fed(tracker: Tracker, calls: list[Plots]) -> list[Tracks]:
    result = []
    for k, plots in enumerate(calls):
        tracker.process(plots, (k + 1) * STEP_S)
        result.append(tracker.picture())
    return result


def assert_same_states(a: Tracks, b: Tracks) -> None:
    """All but the numbers, to the bit."""
    assert len(a) == len(b) > 0
    for field in fields(Tracks):
        if field.name != "number":
            left, right = np.asarray(getattr(a, field.name)), np.asarray(getattr(b, field.name))
            assert left.tobytes() == right.tobytes(), field.name
    np.testing.assert_array_equal(a.confirmed, b.confirmed)


@pytest.mark.parametrize("name", CONFIGS)
def test_late_plots_give_what_plots_in_order_give(name: str) -> None:
    config, seeds = CONFIGS[name], range(4 if name == "gnn" else 2)
    for seed in seeds:
        rng = np.random.default_rng(seed)
        n, flown_s, lag_s = 6, 20.0, 3.0
        plots = observed(n=n, duration_s=flown_s, false_per_turn=4, seed=seed + 1)
        delay_s = np.where(
            rng.random(len(plots)) < 0.5, rng.uniform(0.0, lag_s - 0.6, len(plots)), 0
        )
        in_order = fed(
            Tracker(config, rotating()), delivered(plots, np.zeros(len(plots)), flown_s + lag_s)
        )
        late = Tracker(config.model_copy(update={"lag_s": lag_s}), rotating())
        shown = fed(late, delivered(plots, delay_s, flown_s + lag_s))
        assert late.rejected.total == 0
        assert shown[-1].confirmed.sum() >= n - 1
        assert_same_states(shown[-1], in_order[-1])


@pytest.mark.parametrize("seed", range(4))
def test_late_plots_change_no_number_that_was_shown(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, flown_s, lag_s = 8, 30.0, 3.0
    plots = observed(n=n, duration_s=flown_s, false_per_turn=0, pd=1.0, seed=seed + 1)
    tracker = Tracker(TrackerConfig(lag_s=lag_s), rotating())
    delay_s = rng.uniform(0.0, lag_s - 0.6, len(plots))
    position, velocity = targets(n, seed + 1)
    numbers: dict[int, list[int]] = {i: [] for i in range(n)}
    for tracks in fed(tracker, delivered(plots, delay_s, flown_s + lag_s)):
        shown = tracks.take(tracks.confirmed)
        assert len(np.unique(shown.number)) == len(shown)
        if not len(shown):
            continue
        apart = np.linalg.norm(
            shown.position_enu_m[None] - (position + velocity * tracks.time_s)[:, None], axis=2
        )
        for i in range(n):
            if apart[i].min() < 600.0:
                numbers[i].append(int(shown.number[apart[i].argmin()]))
    for own in numbers.values():
        assert len(own) > 20
        assert len(set(own)) == 1
    assert len({own[0] for own in numbers.values()}) == n


def test_plots_beyond_the_lag_are_late() -> None:
    tracker = Tracker(TrackerConfig(lag_s=4.0), two_radars())
    place = (12e3, 9e3, 3e3)
    for k in range(21):
        tracker.process(one_plot(0.5 * k, place) if k % 4 == 0 else Plots.empty(), 0.5 * k)
    before = tracker.picture()
    tracker.process(Plots.concatenate([one_plot(5.9, place), one_plot(1.0, place)]), 10.0)
    assert tracker.rejected.late == 2
    assert_same([tracker.picture()], [before])
    tracker.process(one_plot(6.5, (-20e3, 9e3, 3e3)), 10.0)
    assert tracker.rejected.late == 2
    assert len(tracker.picture()) == len(before) + 1


def test_a_late_plot_fills_its_gap() -> None:
    """A track that missed a look and the one that took it late are the same, at once."""
    place = (12e3, 9e3, 3e3)
    looks = [one_plot(2.0 * k, place) for k in range(5)]
    whole = Tracker(TrackerConfig(lag_s=5.0), two_radars())
    late = Tracker(TrackerConfig(lag_s=5.0), two_radars())
    for k, plot in enumerate(looks):
        whole.process(plot, 2.0 * k + 0.5)
        late.process(Plots.empty() if k == 3 else plot, 2.0 * k + 0.5)
    assert late.picture().hits.tolist() == [4]
    late.process(looks[3], 8.5)
    assert_same([late.picture()], [whole.picture()])


@pytest.mark.parametrize("name", CONFIGS)
def test_going_back_and_on_gives_the_identical_future(name: str) -> None:
    plots = observed(n=8, duration_s=30.0, false_per_turn=6, seed=5)
    first = plots.take(plots.time_s <= 12.0)
    rest = plots.take(plots.time_s > 12.0)
    tracker = Tracker(CONFIGS[name], rotating())
    engine = tracker._engine
    pictures(tracker, first, 12.0)
    memory = engine.remember()

    def future(table: Plots) -> list[Tracks]:
        result = []
        for k in range(24, 60):
            due = (table.time_s > k * STEP_S) & (table.time_s <= (k + 1) * STEP_S)
            tracker.process(table.take(due), (k + 1) * STEP_S)
            result.append(tracker.picture())
        return result

    expected = future(rest)
    assert expected[-1].confirmed.sum() >= 7
    for other in (rest, Plots.empty(), rest):
        engine.recall(memory)
        tracker.time_s = 12.0
        got = future(other)
        if len(other):
            assert_same(got, expected)
