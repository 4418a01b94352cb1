"""The probability that a target is there: from the tracker to the fused picture."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from test_fusion import SETTINGS, estimates
from tracking_scenes import observed, two_radars

from sim.core.tables import Plots, Tracks
from sim.tracking import Tracker, TrackerConfig
from sim.tracking.estimates import existence_of
from sim.tracking.fusion import TrackFusion, side_by_side


def pictures(config: TrackerConfig) -> list[Tracks]:
    tracker, plots = Tracker(config, two_radars()), observed(false_per_turn=30)
    found = []
    for k in range(40):
        tracker.process(plots.take((plots.time_s > k) & (plots.time_s <= k + 1)), k + 1.0)
        found.append(tracker.picture())
    return found


def test_log_odds_as_probability() -> None:
    score = np.array([0.0, math.log(3.0), -math.log(3.0), 2000.0, -2000.0])
    np.testing.assert_allclose(existence_of(score, 1), [0.5, 0.75, 0.25, 1.0, 0.0], atol=1e-15)
    assert np.isnan(existence_of(score, 0)).all()


@pytest.mark.parametrize("association", ["jipda", "gnn", "mht"])
def test_existence_is_that_by_which_tracks_are_judged(association: str) -> None:
    config = TrackerConfig(association=association, confirmation="existence")
    shown = pictures(config)
    known: set[int] = set()
    new = 0
    for picture in shown:
        tentative = ~picture.confirmed
        if association != "mht":  # there leaves are judged, and the best of a tree is shown
            assert (picture.existence[tentative] < config.confirm_existence).all()
            assert (picture.existence > config.drop_existence).all()
        assert ((picture.existence >= 0.0) & (picture.existence <= 0.9999 + 1e-12)).all()
        for number, existence in zip(
            picture.number[~tentative].tolist(), picture.existence[~tentative], strict=True
        ):
            if number not in known:
                known.add(number)
                new += 1
                assert existence >= config.confirm_existence - 1e-12
    assert new >= 10


def test_a_track_that_is_not_seen_fades() -> None:
    """Looks of both radars go by: each leaves (1 − Pd), and targets leave with their lifetime."""
    config = TrackerConfig(confirmation="existence", coast_max_s=300.0)
    tracker = Tracker(config, two_radars())
    plots = observed(n=1, false_per_turn=0)
    for k in range(40):
        tracker.process(plots.take((plots.time_s > k) & (plots.time_s <= k + 1)), k + 1.0)
    before = float(tracker.picture().existence[0])
    tracker.process(Plots.empty(), 44.0)
    after = float(tracker.picture().existence[0])
    assert before > 0.99
    odds = after / (1.0 - after) / (before / (1.0 - before))
    looks = math.log(odds) / math.log(1.0 - config.detection_probability)
    assert looks == pytest.approx(round(looks), abs=0.05)
    assert 1 <= round(looks) <= 3


def test_by_score_the_odds_start_even() -> None:
    tracker = Tracker(TrackerConfig(confirmation="score"), two_radars())
    tracker.process(Plots.of(1.0, 0, [[10e3, 0.1, 0.1, 0.0]], 0.01), 1.0)
    assert tracker.picture().existence.tolist() == [0.5]


@pytest.mark.parametrize("engine", ["numba", "filterpy"])
def test_m_of_n_knows_none(engine: str) -> None:
    picture = pictures(TrackerConfig(engine=engine, merge_distance=0.0))[-1]
    assert len(picture) > 15
    assert np.isnan(picture.existence).all()


def test_a_fused_track_is_as_sure_as_its_surest_site() -> None:
    fusion = TrackFusion(2, SETTINGS)
    places = [[0.0, 0.0, 5e3], [50e3, 0.0, 5e3]]
    one = replace(estimates(0.0, places, [1, 2]), existence=np.array([0.99, np.nan]))
    other = replace(estimates(0.0, places[:1], [7]), existence=np.array([0.999]))
    fusion.receive(0, one)
    fusion.receive(1, other)
    np.testing.assert_array_equal(fusion.picture().existence, [0.999, np.nan])
    fusion.receive(1, replace(other.take(np.array([], np.intp)), time_s=1.0))
    np.testing.assert_array_equal(fusion.picture().existence, [0.99, np.nan])
    assert fusion.system_numbers(0, np.array([2, 1, 9], np.int32)).tolist() == [2, 1, 0]
    assert fusion.system_numbers(1, np.array([7], np.int32)).tolist() == [0], "no longer held"
    assert fusion.system_numbers(0, np.empty(0, np.int32)).tolist() == []


def test_pictures_side_by_side_keep_it() -> None:
    one = replace(estimates(0.0, [[0.0, 0.0, 0.0]], [4]), existence=np.array([0.3]))
    other = replace(estimates(0.0, [[1.0, 0.0, 0.0]], [2]), existence=np.array([0.6]))
    both = side_by_side([one, other])
    assert both.number.tolist() == [5, 8]
    assert both.existence.tolist() == [0.6, 0.3]
    assert side_by_side([one.as_tracks(), other.as_tracks()]).existence.tolist() == [0.6, 0.3]


def test_columns_that_may_be_left_out_are_filled_or_refused() -> None:
    told = estimates(0.0, [[0.0, 0.0, 0.0]], [4])
    assert np.isnan(told.existence).tolist() == [True]
    tracks = told.as_tracks()
    assert tracks.target_class.tolist() == [-1]
    with pytest.raises(ValueError, match="existence has 2 rows, not 1"):
        replace(told, existence=np.zeros(2))
