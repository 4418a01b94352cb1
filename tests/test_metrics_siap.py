"""SIAP attributes on hand-made pictures with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from metrics_histories import NO_TARGETS, NO_TRACKS, facts, target, together, track

from sim.core.tables import Affiliation, Identity
from sim.metrics.facts import Facts
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.holding import holding, runs_where, since_s
from sim.metrics.matching import match
from sim.metrics.siap import Siap, siap

TIMES = np.arange(10.0)
FRIENDS = facts(*[Affiliation.FRIEND] * 3)


def judged(
    truth: TruthHistory,
    tracks: TrackHistory,
    about: Facts = FRIENDS,
    dt: float = 1.0,
    grace: float = 0.0,
) -> Siap:
    return siap(truth, tracks, match(truth, tracks, 100.0), about, dt, grace)


def test_perfect_picture() -> None:
    truth = target(TIMES, 0, (0, 0, 0), velocity=(100, 0, 0))
    tracks = track(TIMES, 1, (0, 0, 0), velocity=(100, 0, 0), identity=Identity.FRIEND)
    assert judged(truth, tracks) == Siap(
        completeness=1.0,
        completeness_in_coverage=1.0,
        completeness_in_coverage_after_grace=1.0,
        initiation_grace_s=0.0,
        ambiguity=1.0,
        spuriousness=0.0,
        position_accuracy_m=0.0,
        velocity_accuracy_mps=0.0,
        number_changes_per_s=0.0,
        number_changes_per_h=0.0,
        longest_segment=1.0,
        identity_completeness=1.0,
        identity_correctness=1.0,
        identity_ambiguity=0.0,
    )


def test_completeness_counts_target_time() -> None:
    # 4 of 10 rows of one, none of 5 rows of the other.
    truth = together(target(TIMES, 0, (0, 0, 0)), target(TIMES[:5], 1, (900, 0, 0)))
    assert judged(truth, track(TIMES[3:7], 1, (0, 0, 0))).completeness == pytest.approx(4 / 15)


def test_completeness_in_coverage() -> None:
    pd = [0.1, 0.5, 0.9, 0.9, 0.9, np.nan, 0.2, 0.9, 0.9, 0.9]
    truth = target(TIMES, 0, (0, 0, 0), pd=pd)
    tracks = track([3, 4, 5, 6, 9], 1, (0, 0, 0))
    result = judged(truth, tracks, grace=2.0)
    # Covered: 1-4 and 7-9, of which 3, 4 and 9 are held. Covered for 2 s: 3, 4 and 9.
    assert result.completeness_in_coverage == pytest.approx(3 / 7)
    assert result.completeness_in_coverage_after_grace == 1.0
    assert result.initiation_grace_s == 2.0
    assert judged(truth, tracks).completeness_in_coverage_after_grace == pytest.approx(3 / 7)


def test_ambiguity_spuriousness_and_accuracy() -> None:
    truth = target(TIMES, 0, (0, 0, 0), velocity=(10, 0, 0))
    tracks = together(
        track(TIMES, 1, (3, 4, 0), velocity=(10, 6, 8)),
        track(TIMES[:5], 2, (0, 0, 50), velocity=(10, 0, 0)),
        track(TIMES[:2], 3, (5000, 0, 0)),
    )
    result = judged(truth, tracks)
    assert result.ambiguity == pytest.approx(15 / 10)
    assert result.spuriousness == pytest.approx(2 / 17)
    # Extra tracks count in the accuracy, spurious ones do not.
    assert result.position_accuracy_m == pytest.approx((10 * 5 + 5 * 50) / 15)
    assert result.velocity_accuracy_mps == pytest.approx(10 * 10 / 15)


def test_number_changes_and_longest_segment() -> None:
    times = np.arange(20.0) * 2
    truth = together(target(times, 0, (0, 0, 0)), target(times[:10], 1, (900, 0, 0)))
    tracks = together(
        track(times[0:4], 1, (0, 0, 0)),
        track(times[6:12], 1, (0, 0, 0)),  # gap bridged under the old number: no change
        track(times[12:20], 2, (0, 0, 0)),
        track(times[0:10], 3, (900, 0, 0)),
    )
    result = judged(truth, tracks, dt=2.0)
    assert result.number_changes_per_s == pytest.approx(1 / (2 * 18 + 2 * 10))
    assert result.number_changes_per_h == pytest.approx(3600 / 56)
    assert result.longest_segment == pytest.approx((16 + 20) / (40 + 20))


def test_change_there_and_back_counts_twice() -> None:
    truth = target(TIMES, 0, (0, 0, 0))
    tracks = together(
        track(TIMES[:3], 1, (0, 0, 0)),
        track(TIMES[3:6], 2, (0, 0, 0)),
        track(TIMES[6:], 1, (0, 0, 0)),
    )
    held = holding(truth, tracks, match(truth, tracks, 100.0), 3, 1.0)
    assert held.number_changes.tolist() == [2, 0, 0]
    assert held.track_numbers.tolist() == [2, 0, 0]
    assert held.longest_segment_s.tolist() == [4.0, 0, 0]
    assert held.tracked_s.tolist() == held.present_s.tolist() == [10.0, 0, 0]


def test_swap_counts_on_both_targets() -> None:
    truth = together(target(TIMES, 0, (0, 0, 0)), target(TIMES, 1, (80, 0, 0)))
    x = np.where(TIMES < 5, 0.0, 80.0)
    tracks = together(
        track(TIMES, 1, np.stack([x, 0 * x, 0 * x], axis=1)),
        track(TIMES, 2, np.stack([80 - x, 0 * x, 0 * x], axis=1)),
    )
    result = judged(truth, tracks)
    assert result.completeness == 1.0
    assert result.number_changes_per_s == pytest.approx(2 / 20)
    assert result.longest_segment == 0.5


@pytest.mark.parametrize(
    ("affiliation", "right"),
    [
        (Affiliation.FRIEND, {Identity.FRIEND, Identity.ASSUMED_FRIEND}),
        (Affiliation.NEUTRAL, {Identity.NEUTRAL}),
        (Affiliation.UNKNOWN, {Identity.UNKNOWN, Identity.SUSPECT}),
        (Affiliation.HOSTILE, {Identity.UNKNOWN, Identity.SUSPECT, Identity.HOSTILE}),
    ],
)
def test_identity(affiliation: Affiliation, right: set[Identity]) -> None:
    truth = target(TIMES[:7], 0, (0, 0, 0))
    tracks = track(TIMES[:7], 1, (0, 0, 0), identity=list(Identity))
    result = judged(truth, tracks, facts(affiliation))
    assert result.identity_completeness == 6 / 7  # all but PENDING
    assert result.identity_correctness == len(right) / 7
    for identity in Identity:
        tracks = track(TIMES[:4], 1, (0, 0, 0), identity=identity)
        found = judged(target(TIMES[:4], 0, (0, 0, 0)), tracks, facts(affiliation))
        assert found.identity_correctness == float(identity in right)


@pytest.mark.parametrize(
    ("one", "other", "contradict"),
    [
        (Identity.FRIEND, Identity.ASSUMED_FRIEND, False),
        (Identity.SUSPECT, Identity.HOSTILE, False),
        (Identity.SUSPECT, Identity.FRIEND, True),
        (Identity.UNKNOWN, Identity.SUSPECT, True),
        (Identity.PENDING, Identity.HOSTILE, False),
    ],
)
def test_who_contradicts_whom(one: Identity, other: Identity, contradict: bool) -> None:
    tracks = together(
        track(TIMES, 1, (0, 0, 0), identity=one), track(TIMES, 2, (5, 0, 0), identity=other)
    )
    found = judged(target(TIMES, 0, (0, 0, 0)), tracks)
    assert found.identity_ambiguity == float(contradict)


def test_nothing_to_divide_by_is_none() -> None:
    result = judged(NO_TARGETS, NO_TRACKS).to_json()
    assert {key for key, value in result.items() if value is not None} == {"initiation_grace_s"}
    lonely = judged(NO_TARGETS, track([0], 1, (0, 0, 0)))
    assert (lonely.completeness, lonely.spuriousness) == (None, 1.0)


def test_runs_break_at_time_jumps_and_targets() -> None:
    truth = together(target([0, 1, 2, 5, 6], 0, (0, 0, 0)), target([0, 1, 2], 1, (9, 0, 0)))
    runs = runs_where(truth, np.ones(len(truth), bool), 1.0)
    assert [truth.time_s[runs.first_row[k]] for k in range(len(runs))] == [0, 5, 0]
    assert runs.length.tolist() == [3, 2, 3]
    since = since_s(truth, truth.time_s != 1, 1.0)
    assert since[truth.target == 0] == pytest.approx([0, np.nan, 2, 5, 5], nan_ok=True)


def test_identity_ambiguity_is_a_contradiction_between_tracks_on_one_target() -> None:
    truth = together(target(TIMES, 0, (0, 0, 0)), target(TIMES, 1, (5000, 0, 0)))
    tracks = together(
        track(TIMES, 1, (0, 0, 0), identity=Identity.FRIEND),
        track(TIMES[:4], 2, (20, 0, 0), identity=Identity.UNKNOWN),  # contradicts
        track(TIMES[4:], 3, (20, 0, 0), identity=Identity.PENDING),  # says nothing
        track(TIMES, 4, (5000, 0, 0), identity=Identity.FRIEND),
        track(TIMES, 5, (5020, 0, 0), identity=Identity.FRIEND),  # agrees
        track(TIMES, 6, (9000, 0, 0), identity=Identity.UNKNOWN),  # on no target
    )
    assert judged(truth, tracks).identity_ambiguity == pytest.approx(4 / 20)
