"""Which plots a track took: every hit, once, under the number that the track got."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from test_tracker import assert_same, pictures
from test_tracker_late import delivered, fed, rotating
from tracking_scenes import observed, two_radars

from sim.core.tables import Plots
from sim.tracking import SensorModels, Tracker, TrackerConfig
from sim.tracking.cycle import Cycle
from sim.tracking.history import Booked, History, Taken, book_cycle, nothing_booked
from sim.tracking.turns import Turns

PLAIN = TrackerConfig(merge_distance=0)
FLOWN_S = 24.0

Key = tuple[float, ...]


def keys(plots: Plots) -> list[Key]:
    """One key per plot, by which it is known again."""
    columns = np.column_stack([plots.time_s, plots.sensor, plots.measurement[:, :2]])
    return [tuple(row) for row in columns.tolist()]


def plots_like(some: Plots, plots: Plots) -> Plots:
    """The plot of a table that is nearest in time to each of some, of the same sensor."""
    apart_s = np.abs(some.time_s[:, None] - plots.time_s)
    apart_s[some.sensor[:, None] != plots.sensor] = np.inf
    apart_m = np.abs(some.measurement[:, :1] - plots.measurement[:, 0])
    return plots.take((apart_s + 1e-3 * apart_m).argmin(axis=1))


def by_track(taken: Taken) -> dict[int, set[Key]]:
    """The plots of each confirmed track."""
    result: dict[int, set[Key]] = {}
    for key, number in zip(keys(taken.plots), taken.number.tolist(), strict=True):
        if number > 0:
            result.setdefault(number, set()).add(key)
    return result


def tracked(config: TrackerConfig, plots: Plots, models: SensorModels | None = None) -> Tracker:
    tracker = Tracker(config, models or two_radars(), keep_plots=True)
    pictures(tracker, plots, FLOWN_S)
    return tracker


@pytest.mark.parametrize("engine", ["numba", "filterpy"])
def test_what_a_track_took_are_its_hits(engine: str) -> None:
    plots = observed(n=10, duration_s=FLOWN_S)
    config = TrackerConfig(engine=engine, merge_distance=0)
    tracker = tracked(config, plots)
    taken, last = tracker.taken(), tracker.picture()
    assert last.confirmed.sum() >= 9
    for number, hits in zip(last.number.tolist(), last.hits.tolist(), strict=True):
        assert (taken.number == number).sum() == hits
    # All of them are plots of the table, none is there twice.
    assert len(set(keys(taken.plots))) == len(taken)
    assert set(keys(taken.plots)) <= set(keys(plots))
    assert (taken.plots.truth_id == -1).all()


def test_a_track_has_its_first_plots_under_the_number_that_it_got_later() -> None:
    plots = observed(n=10, duration_s=FLOWN_S, false_per_turn=0, pd=1.0)
    tracker = Tracker(PLAIN, two_radars(), keep_plots=True)
    shown = pictures(tracker, plots, FLOWN_S)
    taken = tracker.taken()
    truth = dict(zip(keys(plots), plots.truth_id.tolist(), strict=True))
    tracks = by_track(taken)
    assert len(tracks) == 10
    for number, own in tracks.items():
        assert len({truth[key] for key in own}) == 1
        confirmed_s = min(t.time_s for t in shown if number in t.number)
        assert sum(key[0] <= confirmed_s for key in own) >= 3
    for before, after in pairwise(shown):
        tentative = before.number[~before.confirmed]
        given = taken.number_of(tentative)
        # A tentative track's place is where the track of its later number is.
        still = np.isin(given, after.number[after.confirmed])
        for old, new in zip(tentative[still], given[still], strict=True):
            here = before.position_enu_m[before.number == old][0]
            there = after.position_enu_m[after.number == new][0]
            assert np.linalg.norm(there - here) < 3e3


def test_both_engines_book_the_same() -> None:
    plots = observed(n=10, duration_s=FLOWN_S)
    compiled = tracked(PLAIN, plots).taken()
    readable = tracked(TrackerConfig(engine="filterpy"), plots).taken()
    assert by_track(compiled) == by_track(readable) != {}
    assert len(compiled) == len(readable)
    np.testing.assert_array_equal(compiled.was, readable.was)
    np.testing.assert_array_equal(compiled.now, readable.now)


@pytest.mark.parametrize(
    "config",
    [
        PLAIN,
        TrackerConfig(filter="imm", association="jipda"),
        TrackerConfig(start="two-point", association="jpda"),
    ],
)
def test_keeping_plots_changes_no_track(config: TrackerConfig) -> None:
    plots = observed(n=8, duration_s=FLOWN_S)
    kept = Tracker(config, two_radars(), keep_plots=True)
    shown = pictures(kept, plots, FLOWN_S)
    assert_same(shown, pictures(Tracker(config, two_radars()), plots, FLOWN_S))
    taken, last = kept.taken(), shown[-1]
    for number, hits in zip(last.number[last.confirmed], last.hits[last.confirmed], strict=True):
        assert 0 < (taken.number == number).sum() <= hits


def test_late_plots_are_booked_as_in_order() -> None:
    n, lag_s = 6, 3.0
    plots = observed(n=n, duration_s=FLOWN_S, false_per_turn=4, seed=3)
    rng = np.random.default_rng(3)
    delay_s = np.where(rng.random(len(plots)) < 0.5, rng.uniform(0.0, lag_s - 0.6, len(plots)), 0)
    in_order = Tracker(PLAIN, rotating(), keep_plots=True)
    fed(in_order, delivered(plots, np.zeros(len(plots)), FLOWN_S + lag_s))
    late = Tracker(PLAIN.model_copy(update={"lag_s": lag_s}), rotating(), keep_plots=True)
    last = fed(late, delivered(plots, delay_s, FLOWN_S + lag_s))[-1]
    found, expected = by_track(late.taken()), by_track(in_order.taken())
    confirmed = last.confirmed
    assert confirmed.sum() >= n - 1
    for number, hits in zip(last.number[confirmed], last.hits[confirmed], strict=True):
        assert len(found[number]) == hits
        assert found[number] in expected.values()


def test_registered_plots_are_kept_as_corrected() -> None:
    plots = observed(n=8, duration_s=FLOWN_S)
    config = PLAIN.model_copy(update={"registration": True})
    tracker = tracked(config, plots)
    taken, last = tracker.taken(), tracker.picture()
    for number, hits in zip(last.number.tolist(), last.hits.tolist(), strict=True):
        assert (taken.number == number).sum() == hits
    corrected = taken.plots.measurement - plots_like(taken.plots, plots).measurement
    assert 0.0 < np.nanmax(np.abs(corrected[:, 0])) < 300.0


def turns(first: list[int], last: list[int], start: list[int], weight: list[float]) -> Turns:
    """Turns of plots 0, 1, 2 … in this order."""
    plot = np.arange(len(weight), dtype=np.int32)
    heaviest = [f + int(np.argmax(weight[f:l])) for f, l in zip(first, last, strict=True)]
    return Turns(
        start=np.array(start, np.int32),
        first=np.array(first, np.int32),
        last=np.array(last, np.int32),
        time_s=np.zeros(len(first)),
        heaviest=np.array(heaviest, np.int32),
        missed=np.zeros(len(first)),
        plot=plot,
        weight=np.array(weight),
        shared=plot == 3,
    )


def cycle_of_rows(row: list[int]) -> Cycle:
    fields = dict.fromkeys(Cycle._fields, np.empty(0))
    return Cycle(**fields | {"row": np.array(row, np.int32)})  # type: ignore[arg-type]


def test_of_plots_taken_in_part_the_one_above_all_else_counts() -> None:
    # Track 0: two turns, the later in the list of pairs first; track 1: none; track 2: one.
    some = turns([2, 0, 4], [4, 2, 5], [0, 2, 2, 3], [0.4, 0.5, 0.2, 0.7, 0.9])
    rows = [50, 40, 30, 20, 10, 60, 70]
    began = np.array([5, 6])
    booked = book_cycle(cycle_of_rows(rows), some, began, np.array([7, 8, -9, -10, -11]), 3)
    assert booked.row.tolist() == [20, 10, 60, 70]
    assert booked.number.tolist() == [7, -9, -10, -11]
    assert booked.shared.tolist() == [True, False, False, False]
    newborn = book_cycle(cycle_of_rows(rows), None, began, np.array([-10, -11]), 0)
    assert newborn.row.tolist() == [60, 70]


def test_plots_of_two_targets_are_less_certain() -> None:
    history = History(np.array([[80.0, 0.0, 0.0, 0.0]]))
    plots = Plots.of([1.0, 2.0], 0, [20e3, 0.1, np.nan], [30.0, 0.01, np.nan])
    both = np.array([-1, -2], np.int32)
    history.add(
        plots, nothing_booked()._replace(row=np.array([0, 0]), number=both, shared=both < 0)
    )
    history.add(plots, Booked(np.array([1]), both[:1], both[:1] > 0, both[::-1], np.array([5, 6])))
    taken = history.taken()
    np.testing.assert_allclose(taken.plots.sigma[:, 0], [50.0, 50.0, 30.0])
    np.testing.assert_allclose(taken.plots.sigma[:, 1], 0.01)
    assert np.isnan(taken.plots.sigma[:, 2]).all()
    assert taken.number.tolist() == [6, 5, 6]
    assert taken.number_of(np.array([-3, -2, -1, 4], np.int32)).tolist() == [-3, 5, 6, 4]
    history.cut(1)
    assert len(history) == 1
    assert history.taken().number.tolist() == [-1, -2]
    history.cut(0)
    assert len(history.taken()) == 0


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(ValueError, match="keep_plots=True"):
        Tracker(PLAIN, two_radars()).taken()
    with pytest.raises(ValueError, match="association mht keeps no plots"):
        Tracker(TrackerConfig(association="mht"), two_radars(), keep_plots=True)


def test_nothing_yet() -> None:
    tracker = Tracker(PLAIN, two_radars(), keep_plots=True)
    assert len(tracker.taken()) == 0
    tracker.process(Plots.empty(), 5.0)
    assert len(tracker.taken()) == 0
    assert tracker.taken().number_of(np.array([-1, 2], np.int32)).tolist() == [-1, 2]
