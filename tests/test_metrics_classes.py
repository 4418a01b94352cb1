"""Classes of tracks against the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from metrics_histories import NO_TRACKS, facts, plots, target, together, track

from sim.core.tables import Affiliation, TrackStatus
from sim.metrics.classes import Classification, class_is_right, classification
from sim.metrics.judge import judge
from sim.metrics.matching import match

TIMES = np.arange(10.0)
TRUTH = together(target(TIMES, 0, (0, 0, 0)), target(TIMES, 1, (5000, 0, 0)))
FACTS = replace(
    facts(Affiliation.UNKNOWN, Affiliation.UNKNOWN), right_class=np.array([2, 4], np.int32)
)
TRACKS = together(
    track(
        TIMES,
        1,
        (10, 0, 0),
        target_class=[-1, -1, 2, 2, 2, 4, 4, 2, 2, 2],
        class_probability=[np.nan, np.nan, *[0.5] * 8],
    ),
    track(TIMES[:6], 2, (5010, 0, 0), target_class=4, class_probability=0.75),
    # An extra track on the second target, a spurious one and a tentative one.
    track(TIMES[:2], 3, (5200, 0, 0), target_class=2, class_probability=1.0),
    track(TIMES, 4, (50e3, 0, 0), target_class=2, class_probability=1.0),
    track(TIMES, 5, (20, 0, 0), status=TrackStatus.TENTATIVE),
)


def test_shares_of_the_time_on_target() -> None:
    confirmed = TRACKS.confirmed()
    matching = match(TRUTH, confirmed, 500.0)
    found = classification(TRUTH, confirmed, matching, FACTS)
    assert found.correctness == pytest.approx((6 + 6 + 0) / (10 + 6 + 2))
    assert found.stated == pytest.approx((8 * 0.5 + 6 * 0.75 + 2 * 1.0) / (8 + 6 + 2))
    right = class_is_right(TRUTH, confirmed, matching, FACTS)
    assert [int(right[confirmed.number == n].sum()) for n in (1, 2, 3, 4)] == [6, 6, 0, 0]


def test_each_target_has_its_share() -> None:
    result = judge(TRUTH, TRACKS, plots([], 0, 0, 0.0), FACTS, (), 500.0, 1.0)
    assert result["classification"]["correctness"] == pytest.approx(12 / 18)
    assert [t["class_correctness"] for t in result["targets"]] == [pytest.approx(0.6), 1.0]


def test_nothing_told_is_nothing_judged() -> None:
    silent = replace(TRACKS, target_class=np.full(len(TRACKS), -1, np.int32))
    for tracks in (NO_TRACKS, silent):
        confirmed = tracks.confirmed()
        found = classification(TRUTH, confirmed, match(TRUTH, confirmed, 500.0), FACTS)
        assert found == Classification(None, None)
    plain = facts(Affiliation.UNKNOWN, Affiliation.UNKNOWN)
    result = judge(TRUTH, silent, plots([], 0, 0, 0.0), plain, (), 500.0, 1.0)
    assert [t["class_correctness"] for t in result["targets"]] == [None, None]
