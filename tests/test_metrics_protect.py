"""Corridors and points: held all the way in, who came too close, alerts right and false."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from metrics_histories import NO_TRACKS, facts, target, together, track

from sim.core.tables import Affiliation, Floats, Identity
from sim.metrics.corridor import along_path, judge_corridor
from sim.metrics.episodes import Scene
from sim.metrics.facts import Corridor, Facts, Point
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.holding import since_s
from sim.metrics.matching import match
from sim.metrics.point import judge_point

F, N, U, H = Affiliation.FRIEND, Affiliation.NEUTRAL, Affiliation.UNKNOWN, Affiliation.HOSTILE
TIMES = np.arange(200.0)
#: From 10 km east to the origin, 2 km wide to each side.
CORRIDOR = Corridor(
    id="approach",
    path_enu_m=np.array([[10_000.0, 0, 800], [4_000, 0, 300], [0, 0, 0]]),
    half_width_m=2000.0,
    arrivals=(0,),
    separation_horizontal_m=950.0,
    separation_vertical_m=300.0,
)
BASE = Point(
    id="base", position_enu_m=np.array([0.0, 0, 0]), radius_m=1000.0, ceiling_height_m=500.0
)


def scene(truth: TruthHistory, tracks: TrackHistory, about: Facts) -> Scene:
    matching = match(truth, tracks, 400.0)
    return Scene(truth, tracks, matching, about, since_s(truth, matching.tracked, 1.0), 1.0)


def corridor(truth: TruthHistory, tracks: TrackHistory, *sides: Affiliation) -> dict[str, Any]:
    return judge_corridor(scene(truth, tracks, facts(*sides)), CORRIDOR)


def inbound(times: Floats = TIMES) -> Floats:
    """15 km east at t = 0, then west at 100 m/s, 500 m up: inside from 30.. to 149 s."""
    x = 15_000 - 100 * times
    return np.stack([x, 0 * times, 500 + 0 * times], axis=1)


def beside(y_m: float) -> Floats:
    """The same way, to the north of it."""
    path: Floats = inbound() + np.array([0.0, y_m, 0.0])
    return path


ARRIVAL = target(TIMES[:151], 0, inbound(TIMES[:151]))


def own(begin: int = 0, end: int = 151, number: int = 1, identity: Any = Identity.FRIEND) -> Any:
    return track(TIMES[begin:end], number, inbound(TIMES[begin:end]), identity=identity)


def test_along_path() -> None:
    path = np.array([[0.0, 0, 0], [100, 0, 50], [100, 50, 0]])
    places = np.array([[-30.0, 40, 9], [50, -7, 0], [110, 10, 0], [100, 80, 0]])
    offset_m, remaining_m = along_path(path, places)
    assert offset_m == pytest.approx([50, 7, 10, 30])
    assert remaining_m == pytest.approx([150, 100, 40, 0])


def test_a_path_needs_two_points() -> None:
    with pytest.raises(ValueError, match="two points"):
        Corridor("c", np.zeros((1, 3)), 1.0, (), 1.0, 1.0)


def test_held_all_the_way_in() -> None:
    told = corridor(ARRIVAL, own(10), F)
    assert told["under_track_all_the_way"] is True
    (aircraft,) = told["aircraft"]
    # It enters 2 km before the path's start and leaves when it is over the end.
    assert (aircraft["enter_s"], aircraft["leave_s"], aircraft["inside_s"]) == (30, 150, 120)
    assert (aircraft["tracked_share"], aircraft["longest_gap_s"]) == (1.0, 0.0)
    assert aircraft["track_begin_s"] == 10.0
    assert aircraft["track_begin_range_m"] == pytest.approx(np.hypot(14_000, 500))
    assert aircraft["track_begin_path_range_m"] == pytest.approx(14_000)


def test_gaps_inside_and_the_hold_that_counts() -> None:
    # A first hold ends before the corridor; the second breaks for 7 s inside it.
    tracks = together(own(0, 20), own(50, 80), own(87, 151, 2))
    told = corridor(ARRIVAL, tracks, F)
    (aircraft,) = told["aircraft"]
    assert told["under_track_all_the_way"] is False
    assert told["not_under_track_all_the_way"] == ["t0"]
    assert aircraft["tracked_share"] == pytest.approx(93 / 120)
    assert aircraft["longest_gap_s"] == 20.0
    assert aircraft["track_begin_s"] == 50.0
    assert aircraft["track_begin_path_range_m"] == pytest.approx(10_000)


def test_no_track_and_no_entry() -> None:
    (aircraft,) = corridor(ARRIVAL, NO_TRACKS, F)["aircraft"]
    assert (aircraft["tracked_share"], aircraft["track_begin_s"]) == (0.0, None)
    elsewhere = target(TIMES, 0, (5000, 3000, 500))
    told = corridor(elsewhere, NO_TRACKS, F)
    assert told["aircraft"] == [{"id": "t0", "entered": False}]
    assert told["under_track_all_the_way"] is None


#: Over the corridor, 5 km before its end: the arrival passes below at 100 s.
HOVER = (5000.0, 0.0, 600.0)


def test_infringement_with_warning_and_alert() -> None:
    truth = together(ARRIVAL, target(TIMES, 1, HOVER))
    tracks = together(own(), track(TIMES[40:], 2, HOVER, identity=Identity.UNKNOWN))
    told = corridor(truth, tracks, F, U)
    (infringement,) = told["infringements"]
    assert (infringement["subject"], infringement["intruder"]) == ("t0", "t1")
    assert (infringement["begin_s"], infringement["end_s"]) == (91, 109)
    assert infringement["closest_s"] == 100
    assert infringement["closest_horizontal_m"] == pytest.approx(0, abs=1e-3)
    assert infringement["closest_vertical_m"] == pytest.approx(100)
    assert infringement["warning_s"] == told["warning_min_s"] == 51
    assert infringement["alerted"] is True
    assert (told["missed_alerts"], told["false_alerts"]) == (0, 0)
    (alert,) = told["alerts"]
    assert (alert["track"], alert["subject_track"], alert["verdict"]) == (2, 1, "right")
    assert (alert["begin_s"], alert["end_s"], alert["on_targets"]) == (91, 109, ["t1"])
    assert (told["kept_by_truth"], told["kept_by_picture"]) == (False, False)


@pytest.mark.parametrize(
    ("place", "infringes"),
    [
        ((5000, 949, 799), True),
        ((5000, 951, 600), False),  # horizontally apart
        ((5000, 0, 800), False),  # vertically apart
        ((5000, 0, 200), False),
    ],
)
def test_both_separations_must_be_undercut(place: Any, infringes: bool) -> None:
    truth = together(ARRIVAL, target(TIMES, 1, place))
    assert bool(corridor(truth, own(), F, H)["infringements"]) is infringes


def test_horizontal_distance_knows_the_tilt_of_the_vertical() -> None:
    # Same height above the ellipsoid, yet 600 m apart in z: all of it is horizontal there.
    truth = together(ARRIVAL, target(TIMES, 1, (5000, 0, 1100)))
    truth.height_m[truth.target == 1] = 500.0
    (infringement,) = corridor(truth, own(), F, U)["infringements"]
    assert infringement["closest_horizontal_m"] == pytest.approx(600)
    assert infringement["closest_vertical_m"] == 0


def test_only_while_the_arrival_is_inside() -> None:
    truth = together(ARRIVAL, target(TIMES, 1, (14_000, 0, 500)))
    assert corridor(truth, own(), F, U)["kept_by_truth"] is True


def test_friends_and_other_arrivals_do_not_infringe() -> None:
    wingman = target(TIMES[:151], 1, beside(50.0)[:151])
    truth = together(ARRIVAL, wingman)
    told = judge_corridor(scene(truth, own(), facts(F, F)), CORRIDOR)
    assert told["kept_by_truth"] is True
    both = replace(CORRIDOR, arrivals=(0, 1))
    told = judge_corridor(scene(truth, own(), facts(F, U)), both)
    assert told["kept_by_truth"] is True
    assert [a["tracked_share"] for a in told["aircraft"]] == [1.0, 0.0]


def test_neutral_ones_are_listed_apart() -> None:
    truth = together(ARRIVAL, target(TIMES, 1, HOVER))
    tracks = together(own(), track(TIMES, 2, HOVER, identity=Identity.UNKNOWN))
    told = corridor(truth, tracks, F, N)
    assert told["infringements"] == []
    assert [e["intruder"] for e in told["neutral_approaches"]] == ["t1"]
    assert (told["false_alerts"], told["alerts_on_neutral"]) == (0, 1)
    known = together(own(), track(TIMES, 2, HOVER, identity=Identity.NEUTRAL))
    assert corridor(truth, known, F, N)["alerts"] == []


@pytest.mark.parametrize(
    ("identity", "alerts"),
    [
        (Identity.ASSUMED_FRIEND, 0),
        (Identity.UNKNOWN, 1),
        (Identity.SUSPECT, 1),
        (Identity.HOSTILE, 1),
    ],
)
def test_whoever_is_not_held_friendly_raises_an_alert(identity: Identity, alerts: int) -> None:
    truth = together(ARRIVAL, target(TIMES, 1, HOVER))
    tracks = together(
        own(identity=Identity.ASSUMED_FRIEND), track(TIMES, 2, HOVER, identity=identity)
    )
    told = corridor(truth, tracks, F, U)
    assert len(told["alerts"]) == alerts
    because = {} if alerts else {"held as assumed friend": 1.0}
    assert told["infringements"][0]["missed_because"] == because


def test_missed_because_the_intruder_has_no_track() -> None:
    truth = together(ARRIVAL, target(TIMES, 1, HOVER))
    told = corridor(truth, own(), F, U)
    assert (told["missed_alerts"], told["false_alerts"]) == (1, 0)
    assert told["infringements"][0]["warning_s"] is None
    assert told["infringements"][0]["missed_because"] == {"not under track": 1.0}
    assert told["warning_min_s"] is None


def test_missed_because_the_arrival_is_not_identified() -> None:
    truth = together(ARRIVAL, target(TIMES, 1, HOVER))
    tracks = together(own(identity=Identity.PENDING), track(TIMES, 2, HOVER))
    told = corridor(truth, tracks, F, U)
    assert told["missed_alerts"] == 1
    assert told["infringements"][0]["missed_because"] == {"arrival not held as friend": 1.0}


def test_missed_because_it_was_held_as_a_friend_and_then_lost() -> None:
    tracks = track(TIMES[:81], 3, drone()[:81], identity=Identity.FRIEND)
    told = point(target(TIMES, 0, drone()), tracks, H)
    assert told["missed_alerts"] == 1
    assert list(told["infringements"][0]["missed_because"]) == ["not under track", "held as friend"]
    assert told["infringements"][0]["missed_because"]["held as friend"] == pytest.approx(30 / 149)


def test_an_alert_on_something_else_does_not_answer() -> None:
    truth = together(ARRIVAL, target(TIMES, 1, HOVER))
    tracks = together(own(), track(TIMES, 2, (5000, -800, 500)))  # spurious, same time
    told = corridor(truth, tracks, F, U)
    assert (told["missed_alerts"], told["false_alerts"]) == (1, 1)
    assert told["alerts"][0]["on_targets"] == []


def test_a_second_unidentified_track_on_the_arrival_is_a_false_alert() -> None:
    tracks = together(own(), own(60, 90, 2, Identity.PENDING))
    told = corridor(ARRIVAL, tracks, F)
    assert told["false_alerts"] == 1
    assert told["alerts"][0]["on_targets"] == ["t0"]


def test_late_track_is_a_negative_warning() -> None:
    truth = together(ARRIVAL, target(TIMES, 1, HOVER))
    tracks = together(own(), track(TIMES[95:], 2, HOVER))
    assert corridor(truth, tracks, F, U)["infringements"][0]["warning_s"] == -4


@pytest.mark.parametrize(("pause", "episodes"), [(9, 1), (10, 2)])
def test_episodes_merge_when_less_than_ten_seconds_apart(pause: int, episodes: int) -> None:
    y = np.where(np.isin(TIMES, np.arange(96, 95 + pause)), 5000.0, 0.0)
    path = inbound() + np.stack([0 * y, y, 0 * y], axis=1)
    truth = together(ARRIVAL, target(TIMES[50:140], 1, path[50:140]))
    assert len(corridor(truth, own(), F, U)["infringements"]) == episodes


@pytest.mark.parametrize(("late", "missed"), [(5, 0), (6, 1)])
def test_tolerance_of_alerts(late: int, missed: int) -> None:
    # It flies along until 100 s, then moves off; its track comes late and lies between.
    path = inbound()
    path[TIMES > 100, 1] = 1200.0
    truth = together(ARRIVAL, target(TIMES, 1, path))
    begin = 100 + late
    tracks = together(own(), track(TIMES[begin:], 2, beside(850.0)[begin:]))
    told = corridor(truth, tracks, F, U)
    assert told["infringements"][0]["end_s"] == 100
    assert (told["alerts"][0]["begin_s"], told["alerts"][0]["on_targets"]) == (begin, ["t1"])
    assert (told["missed_alerts"], told["false_alerts"]) == (missed, missed)


def point(truth: TruthHistory, tracks: TrackHistory, *sides: Affiliation) -> dict[str, Any]:
    return judge_point(scene(truth, tracks, facts(*sides)), BASE)


def drone(height: float = 100.0) -> Floats:
    """From 1500 m north to 500 m south at 10 m/s: inside from 51 s to 199 s."""
    y = 1500 - 10 * TIMES
    return np.stack([0 * y, y, height + 0 * y], axis=1)


def test_point_infringed_and_alerted() -> None:
    truth = target(TIMES, 0, drone())
    told = point(truth, track(TIMES[20:], 5, drone()[20:]), H)
    (infringement,) = told["infringements"]
    assert (infringement["begin_s"], infringement["end_s"]) == (51, 199)
    assert (infringement["closest_s"], infringement["closest_horizontal_m"]) == (150, 0)
    assert infringement["closest_vertical_m"] == 100
    assert infringement["warning_s"] == 31
    assert infringement["missed_because"] == {}
    assert "subject" not in infringement
    assert told["alerts"][0]["track"] == 5
    assert (told["missed_alerts"], told["false_alerts"]) == (0, 0)


def test_point_above_the_ceiling_or_friendly() -> None:
    assert point(target(TIMES, 0, drone(500.0)), NO_TRACKS, H)["kept_by_truth"] is True
    assert point(target(TIMES, 0, drone()), NO_TRACKS, F)["kept_by_truth"] is True


def test_point_missed_false_and_neutral() -> None:
    truth = together(target(TIMES, 0, drone()), target(TIMES, 1, (500, 0, 100)))
    tracks = together(
        track(TIMES, 1, (500, 0, 100), identity=Identity.UNKNOWN),
        track(TIMES[:50], 2, (0, -600, 100), identity=Identity.PENDING),
        track(TIMES, 3, drone(), identity=Identity.NEUTRAL),  # taken for a civil aircraft
    )
    told = point(truth, tracks, U, N)
    assert told["missed_alerts"] == 1
    assert told["infringements"][0]["missed_because"] == {"held as neutral": 1.0}
    assert [a["verdict"] for a in told["alerts"]] == ["neutral", "false"]
    assert told["warning_min_s"] == 51
