"""Lines: who came through the band, held in time or not, and where each lies beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from metrics_histories import NO_TRACKS, facts, target, together, track

from sim.core.geodesy import mean_radius_m
from sim.core.tables import Affiliation, Floats
from sim.metrics.episodes import Scene
from sim.metrics.facts import Line
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.holding import since_s
from sim.metrics.line import beside, judge_line
from sim.metrics.matching import match
from sim.world.course import course_of, cross_sections, length_of
from sim.world.frames import Frame

H, U, N = Affiliation.HOSTILE, Affiliation.UNKNOWN, Affiliation.NEUTRAL
TIMES = np.arange(300.0)
#: 40 km eastwards, the inner edge 8 km to the north.
EAST_M = np.linspace(0.0, 40e3, 21)
BORDER = Line(
    id="border",
    outer_enu_m=np.stack([EAST_M, 0 * EAST_M, 0 * EAST_M], -1),
    inner_enu_m=np.stack([EAST_M, 0 * EAST_M + 8e3, 0 * EAST_M], -1),
    depth_m=8e3,
)


def northwards(east_m: float, from_m: float = -1000.0, times: Floats = TIMES) -> Floats:
    """50 m/s northwards, 100 m up."""
    return np.stack([0 * times + east_m, from_m + 50 * times, 0 * times + 100], axis=1)


def judged(truth: TruthHistory, tracks: TrackHistory, *sides: Affiliation) -> dict[str, Any]:
    matching = match(truth, tracks, 400.0)
    held = since_s(truth, matching.tracked, 1.0)
    return judge_line(Scene(truth, tracks, matching, facts(*sides), held, 1.0), BORDER)


def test_a_crossing_held_before_it_is_through() -> None:
    way = northwards(12_345.0)
    tracks = track(TIMES[100:], 7, way[100:])
    told = judged(target(TIMES, 0, way), tracks, H)
    (visit,) = told["visits"]
    assert (visit["target"], visit["from_edge"], visit["to_edge"]) == ("t0", "outer", "inner")
    # 1 km before the edge at 50 m/s, then 8 km.
    assert (visit["enter_s"], visit["leave_s"]) == (20.0, 180.0)
    assert visit["enter_km"] == visit["leave_km"] == pytest.approx(12.345)
    assert visit["tracked"] is True
    assert visit["tracked_share"] == pytest.approx(0.5)
    assert visit["confirmed_s"] == 100.0
    assert visit["confirmed_depth_m"] == pytest.approx(4000.0)
    assert visit["warning_s"] == 80.0
    assert (told["crossings"], told["crossings_tracked"], told["crossings_missed"]) == (1, 1.0, [])
    assert told["warning_min_s"] == told["warning_median_s"] == 80.0


def test_held_before_the_line_and_lost_inside_it_counts_from_outside() -> None:
    way = northwards(5000.0)
    told = judged(target(TIMES, 0, way), track(TIMES[10:60], 7, way[10:60]), U)
    (visit,) = told["visits"]
    assert visit["confirmed_depth_m"] == pytest.approx(-500.0)
    assert visit["warning_s"] == 170.0


@pytest.mark.parametrize(("first", "last"), [(0, 15), (185, 300)])
def test_a_track_outside_the_band_alone_is_no_track(first: int, last: int) -> None:
    way = northwards(5000.0)
    told = judged(target(TIMES, 0, way), track(TIMES[first:last], 7, way[first:last]), H)
    assert told["crossings_missed"] == ["t0"]
    assert told["crossings_tracked"] == 0.0
    assert told["warning_min_s"] is told["warning_median_s"] is None
    (visit,) = told["visits"]
    assert visit["confirmed_s"] is visit["warning_s"] is visit["confirmed_depth_m"] is None


def test_several_crossings_are_counted_and_neutral_traffic_is_not() -> None:
    ways = [northwards(x) for x in (5e3, 15e3, 25e3, 35e3)]
    truth = together(*(target(TIMES, k, way) for k, way in enumerate(ways)))
    tracks = together(track(TIMES[30:], 1, ways[0][30:]), track(TIMES[130:], 2, ways[1][130:]))
    told = judged(truth, tracks, H, U, H, N)
    assert told["crossings"] == 3
    assert told["crossings_tracked"] == pytest.approx(2 / 3)
    assert told["crossings_missed"] == ["t2"]
    assert (told["warning_min_s"], told["warning_median_s"]) == (50.0, 100.0)


def turned(way: Floats) -> Floats:
    """The first 100 s, and the same way back."""
    return np.concatenate([way[:100], way[99::-1], np.full((100, 3), (0.0, -9e3, 100.0))])


@pytest.mark.parametrize(
    ("way", "edges"),
    [
        (turned(northwards(5e3)), ("outer", "outer")),
        (northwards(5e3, 3000.0), (None, "inner")),  # begins inside
        (northwards(5e3)[:120], ("outer", None)),  # ends inside
        (northwards(5e3)[::-1], ("inner", "outer")),  # on its way out
        (np.stack([45e3 - 200 * TIMES, 0 * TIMES + 4e3, 0 * TIMES], 1)[:100], ("end", None)),
    ],
)
def test_whoever_does_not_come_all_the_way_through_is_no_crossing(way: Floats, edges: Any) -> None:
    told = judged(target(TIMES[: len(way)], 0, way), NO_TRACKS, H)
    (visit,) = told["visits"]
    assert (visit["from_edge"], visit["to_edge"]) == edges
    assert told["crossings"] == 0
    assert told["crossings_tracked"] is None


def test_who_stays_away_is_not_told_of() -> None:
    told = judged(target(TIMES, 0, (5e3, -3e3, 100.0)), NO_TRACKS, H)
    assert told["visits"] == []
    assert judged(target([], 0, (0, 0, 0)), NO_TRACKS)["visits"] == []


def test_edges_need_as_many_points() -> None:
    with pytest.raises(ValueError, match="both edges"):
        Line("b", np.zeros((3, 3)), np.zeros((2, 3)), 1.0)


#: Some 130 km that bend to and fro by 20 degrees.
BENT = [(53.0, 22.0), (53.05, 22.6), (52.98, 23.2), (53.03, 23.9)]


@pytest.mark.parametrize("threat_from", ["left", "right"])
def test_places_are_found_where_the_band_has_them(threat_from: Any) -> None:
    frame = Frame.at(np.radians(53.0), np.radians(23.0), 100.0)
    outer, inner = (
        frame.from_geodetic(*edge.T, 100.0) for edge in cross_sections(BENT, threat_from, 20e3)
    )
    line = Line("bent", outer, inner, 20e3)
    np.testing.assert_allclose(np.linalg.norm(inner - outer, axis=1), 20e3, rtol=2e-3)
    course = course_of(BENT, threat_from, 20e3, 50.0)
    rng = np.random.default_rng(1)
    along_m = rng.uniform(0.0, course.length_m, 500)
    inside_m = rng.uniform(-3e3, 23e3, 500)
    place = frame.from_geodetic(*course.beside(along_m, inside_m), 250.0)
    depth_m, found_m = beside(line, place)
    np.testing.assert_allclose(depth_m, inside_m, atol=50.0)
    np.testing.assert_allclose(found_m, along_m, atol=300.0)
    # More than are placed at once.
    many = np.tile(place, (5, 1))
    np.testing.assert_array_equal(beside(line, many)[0], np.tile(depth_m, 5))


def test_cross_sections_reach_from_end_to_end() -> None:
    outer, inner = cross_sections(BENT, "right", 20e3)
    np.testing.assert_allclose(np.degrees(outer[[0, -1]]), [BENT[0], BENT[-1]], atol=2e-4)
    assert (inner[:, 0] > outer[:, 0]).all(), "intruders come from the south"
    place = np.radians(BENT)
    half = 0.5 * np.diff(place, axis=0)
    chord = np.sin(half[:, 0]) ** 2
    chord += np.cos(place[1:, 0]) * np.cos(place[:-1, 0]) * np.sin(half[:, 1]) ** 2
    haversine_m = 2.0 * mean_radius_m(place[:, 0].mean()) * np.arcsin(np.sqrt(chord)).sum()
    assert length_of(BENT) == pytest.approx(haversine_m, rel=1e-6)
    short, _ = cross_sections(BENT[:2], "left", 200e3)
    assert len(short) > 8


def test_a_band_that_folds_is_told() -> None:
    sharp = [(53.0, 22.0), (53.0, 22.3), (53.1, 22.0)]
    folded_km = course_of(sharp, "right", 20e3, 200.0).folded_km(20e3)
    assert folded_km == pytest.approx(20.0, abs=10.0)
    assert course_of(BENT, "right", 20e3, 200.0).folded_km(20e3) is None
