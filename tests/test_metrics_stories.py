"""Per target and per sensor: when seen, held and lost, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from metrics_histories import NO_TARGETS, NO_TRACKS, facts, plots, target, together, track

from sim.core.tables import Affiliation, Identity, Plots, Visibility
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.matching import match
from sim.metrics.per_sensor import per_sensor
from sim.metrics.per_target import per_target

TIMES = np.arange(40.0)
ONE = facts(Affiliation.NEUTRAL, sensors=((0, 0, 0), (0, 1000, 0)))


def story(truth: TruthHistory, tracks: TrackHistory, seen: Plots | None = None) -> dict[str, Any]:
    matching = match(truth, tracks, 100.0)
    return per_target(truth, tracks, matching, seen or Plots.empty(), ONE, 1.0)[0]


def airliner(best_sensor: int = 0) -> TruthHistory:
    """Below the horizon for 10 s, a weak echo for 2 s, seen until 30 s, then out of range."""
    visibility = np.full(40, Visibility.VISIBLE)
    visibility[:10] = Visibility.BELOW_HORIZON
    visibility[10:12] = Visibility.WEAK_ECHO
    visibility[30:] = Visibility.BEYOND_RANGE
    pd = np.where(visibility == Visibility.VISIBLE, 0.9, 0.0)
    position = np.stack([10 * TIMES, 0 * TIMES, 0 * TIMES], axis=1)
    return target(TIMES, 0, position, (10, 0, 0), pd, visibility, best_sensor)


def held(begin: int, end: int, number: int, error: float = 3.0) -> TrackHistory:
    times = TIMES[begin:end]
    position = np.stack([10 * times, error + 0 * times, 0 * times], axis=1)
    return track(times, number, position, velocity=(10, 0, 4))


def test_held_under_one_number_as_long_as_it_could_be_seen() -> None:
    tracks = held(15, 33, 7)
    told = story(airliner(), tracks, plots([13.2, 12.6, 11.0], 0, [0, 0, -1], 20.0))
    assert told["first_visible_s"] == 12.0
    assert told["first_detection_s"] == 12.6
    assert told["first_track_s"] == 15.0
    assert told["range_at_first_track_m"] == pytest.approx(150.0)
    assert told["continuity"] == 1.0
    assert told["held_under_one_number"] is True
    assert (told["present_s"], told["visible_s"], told["tracked_s"]) == (40.0, 18.0, 18.0)
    assert told["longest_segment_s"] == 18.0
    assert told["longest_gap_s"] == 7.0
    assert told["position_rms_m"] == pytest.approx(3.0)
    assert told["velocity_rms_mps"] == pytest.approx(4.0)
    before, after = told["untracked"]
    assert before == {
        "when": "before first track",
        "begin_s": 0.0,
        "end_s": 15.0,
        "duration_s": 15.0,
        "reasons": pytest.approx(
            {"below horizon": 10 / 15, "visible": 3 / 15, "weak echo": 2 / 15}
        ),
    }
    assert list(before["reasons"]) == ["below horizon", "visible", "weak echo"]
    assert (after["when"], after["begin_s"], after["end_s"]) == ("after last track", 33.0, 40.0)
    assert after["reasons"] == {"beyond range": 1.0}


def test_lost_in_view_and_found_under_another_number() -> None:
    told = story(airliner(), together(held(12, 16, 7), held(22, 30, 8, error=4.0)))
    assert told["continuity"] == pytest.approx(12 / 18)
    assert told["held_under_one_number"] is False
    assert (told["track_numbers"], told["number_changes"]) == (2, 1)
    assert told["longest_segment_s"] == 8.0
    assert told["longest_gap_s"] == 10.0  # the 10 s after the last track, not the 6 s between
    assert told["position_rms_m"] == pytest.approx(np.sqrt((4 * 9 + 8 * 16) / 12))
    gap = told["untracked"][1]
    assert (gap["when"], gap["begin_s"], gap["end_s"]) == ("between tracks", 16.0, 22.0)
    assert gap["reasons"] == {"visible": 1.0}


def test_a_new_number_without_a_gap_is_not_one_number() -> None:
    told = story(airliner(), together(held(12, 20, 7), held(20, 30, 8)))
    assert (told["continuity"], told["held_under_one_number"]) == (1.0, False)


def test_a_hold_before_coverage_only_is_not_held() -> None:
    told = story(airliner(), held(2, 8, 7))
    assert (told["continuity"], told["held_under_one_number"]) == (0.0, False)


def test_short_gaps_are_not_listed() -> None:
    told = story(airliner(), together(held(0, 16, 7), held(19, 40, 7)))
    assert told["untracked"] == []
    assert told["longest_gap_s"] == 3.0


def test_never_tracked() -> None:
    told = story(airliner(), NO_TRACKS)
    for key in ("first_track_s", "range_at_first_track_m", "continuity", "position_rms_m"):
        assert told[key] is None
    assert told["held_under_one_number"] is None
    assert [gap["when"] for gap in told["untracked"]] == ["never tracked"]


def test_unevaluated_visibility_is_no_reason() -> None:
    visibility = [Visibility.ABSENT, Visibility.WEAK_ECHO] * 4
    truth = target(TIMES[:8], 0, (0, 0, 0), pd=[np.nan, 0.1] * 4, visibility=visibility)
    assert story(truth, NO_TRACKS)["untracked"][0]["reasons"] == {"weak echo": 1.0}


def test_range_is_from_the_best_sensor_else_the_nearest() -> None:
    tracks = held(0, 40, 1)
    assert story(airliner(1), tracks)["range_at_first_track_m"] == pytest.approx(1000.0)
    assert story(airliner(-1), tracks)["range_at_first_track_m"] == pytest.approx(0.0)


def test_absent_target() -> None:
    told = story(NO_TARGETS, NO_TRACKS)
    assert (told["id"], told["present_s"], told["untracked"]) == ("t0", 0.0, [])


def test_per_sensor() -> None:
    about = facts(*[Affiliation.FRIEND] * 3, sensors=((0, 0, 0), (9, 0, 0)))
    seen = plots(
        [0, 1, 2, 3, 4, 5], [0, 0, 0, 0, 1, 1], [2, 2, 0, -1, -1, -1], [10, 20, 30, 99, 5, 5]
    )
    tracks = together(
        track([0], 1, (0, 0, 0), sensors=0b01),
        track([1], 1, (0, 0, 0), sensors=0b11),
        track([1], 2, (0, 0, 0), sensors=0b01),
    )
    first, second = per_sensor(tracks, seen, about)
    assert first == {
        "id": "s0",
        "plots": 4,
        "false_alarms": 1,
        "detections": 3,
        "targets_seen": 2,
        "detections_per_target": {"t0": 1, "t2": 2},
        "snr_mean_db": 20.0,
        "track_share": 1.0,
    }
    assert (second["plots"], second["false_alarms"], second["snr_mean_db"]) == (2, 2, None)
    assert second["track_share"] == 0.5


def test_sensor_without_anything() -> None:
    (sensor,) = per_sensor(NO_TRACKS, Plots.empty(), facts(Affiliation.FRIEND))
    assert (sensor["plots"], sensor["track_share"]) == (0, None)


# --- what and whose it is, since when


def told_by(classes: list[int], identities: list[Identity]) -> dict[str, Any]:
    """The story of an airliner (class 2, a neutral) whose track tells one of each a second."""
    times = np.arange(float(len(classes)))
    where = np.stack([10 * times, 0 * times, 0 * times], axis=1)
    about = replace(ONE, right_class=np.array([2], np.int32))
    tracks = track(times, 1, where, identity=identities, target_class=classes)
    truth = target(times, 0, where)
    return per_target(
        truth, tracks, match(truth, tracks, 100.0), Plots.empty(), about, 1.0
    )[0]  # fmt: skip


def test_a_momentary_right_answer_is_not_held() -> None:
    right, other = Identity.NEUTRAL, Identity.UNKNOWN
    told = told_by([2, 4, *[2] * 10, 4, *[2] * 11, 4], [other, right, other, *[right] * 22])
    assert told["class_first_s"] == 0.0
    assert told["classified_s"] == 13.0, "ten rows span nine seconds only"
    assert told["class_correctness"] == pytest.approx(22 / 25)
    assert told["identity_first_s"] == 1.0
    assert told["identified_s"] == 3.0
    assert told["identity_correctness"] == pytest.approx(23 / 25)


def test_what_is_never_told_is_never_known() -> None:
    told = told_by([4] * 30, [Identity.FRIEND] * 30)
    assert told["class_first_s"] is told["classified_s"] is None
    assert told["identity_first_s"] is told["identified_s"] is None
    assert told["class_correctness"] == told["identity_correctness"] == 0.0


@pytest.mark.parametrize(
    ("side", "right"),
    [
        (Affiliation.FRIEND, Identity.FRIEND),
        (Affiliation.NEUTRAL, Identity.NEUTRAL),
        (Affiliation.UNKNOWN, Identity.UNKNOWN),
        (Affiliation.HOSTILE, Identity.UNKNOWN),
    ],
)
def test_the_right_identity_of_each_side(side: Affiliation, right: Identity) -> None:
    truth, about = airliner(), facts(side, sensors=((0, 0, 0),))
    for identity in (Identity.FRIEND, Identity.NEUTRAL, Identity.UNKNOWN):
        tracks = held(12, 33, 7)
        tracks.identity[:] = identity
        matching = match(truth, tracks, 100.0)
        told = per_target(truth, tracks, matching, Plots.empty(), about, 1.0)[0]
        assert told["identified_s"] == (12.0 if identity == right else None)
