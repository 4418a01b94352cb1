"""What is drawn where: every layer of a scene, without a screen."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pygame
import pytest
from viz_fake import IDENTITY, NUMBERS, POSITION, SETTING, STATUS, VELOCITY, plots_at, snapshot_at

from sim.core.tables import Floats, Identity, Snapshot, TrackStatus
from sim.record.setting import ProtectedFacts
from viz import style
from viz.backdrop import backdrop
from viz.bindings import BINDINGS, Action, bound, presses
from viz.camera import Camera, Rect
from viz.chrome import UNITS_NOTE, clock_text, utc_text
from viz.labels import Occupancy
from viz.memory import AFTERGLOW_S, TRAIL_DOTS, TRAIL_INTERVAL_S, Memory
from viz.picture import flight_level, knots, pick, shown
from viz.primitives import Glow, Marks, Polyline, Primitive, Segments, Text, extent, text_size_px
from viz.render import _typeface, symbol
from viz.scene import Stage, build, everything
from viz.view import Layout, View

STAGE = Stage.of(SETTING)
SIZE = (1200, 800)
VIEW = View(SIZE, everything(SETTING, snapshot_at(0.0), Layout.of(SIZE, panel=True).map))

Shape = TypeVar("Shape", bound=Primitive)


def of(kind: type[Shape], shapes: Iterable[Primitive]) -> list[Shape]:
    return [shape for shape in shapes if isinstance(shape, kind)]


def scene(view: View = VIEW, snapshot: Snapshot | None = None, memory: Memory | None = None):
    snapshot = snapshot_at(0.0) if snapshot is None else snapshot
    memory = Memory.empty() if memory is None else memory
    return build(STAGE, snapshot, memory, view)


def marks(shapes: Iterable[Primitive], shape: str) -> list[Marks]:
    """Marks on the map, without the legend in the panel."""
    inside = VIEW.layout.map
    return [m for m in of(Marks, shapes) if m.shape == shape and inside.near(m.points_px).all()]


def texts(shapes: Iterable[Primitive]) -> list[str]:
    return [t.text for t in of(Text, shapes)]


def boxes(shapes: list[Text]) -> Floats:
    rects = []
    for text in shapes:
        width, height = text_size_px(text.text, text.size_px)
        left = text.x_px - {"left": 0.0, "centre": 0.5, "right": 1.0}[text.anchor] * width
        rects.append((left, text.y_px, left + width, text.y_px + height))
    return np.array(rects)


@pytest.mark.parametrize(
    ("row", "shape"), [(0, "friend"), (1, "unknown"), (2, "neutral"), (3, "pending")]
)
def test_symbols_stand_at_their_tracks_in_the_shape_of_their_identity(row: int, shape: str) -> None:
    (mark,) = marks(scene().moving, shape)
    expected = VIEW.camera.to_screen(POSITION[row])
    assert np.abs(mark.points_px - expected).max() < 0.5
    assert mark.dashed == (STATUS[row] == TrackStatus.COASTING)
    assert mark.colour == style.IDENTITIES[int(IDENTITY[row])].colour


def test_every_identity_has_its_own_shape_and_colour() -> None:
    assert set(style.IDENTITIES) == set(Identity)
    assert len({look.shape for look in style.IDENTITIES.values()}) == len(Identity)
    assert len({look.colour for look in style.IDENTITIES.values()}) == len(Identity)


def test_tentative_tracks_are_small_unlabelled_and_without_leader() -> None:
    shapes = scene().moving
    (mark,) = marks(shapes, "tentative")
    assert np.abs(mark.points_px - VIEW.camera.to_screen(POSITION[4])).max() < 0.5
    assert mark.size_px < 10
    assert not any(text.startswith("0009") for text in texts(shapes))
    starts = np.concatenate([s.points_px[:, 0] for s in of(Segments, shapes)])
    assert np.abs(starts - mark.points_px).max(axis=1).min() > 1.0


def test_leaders_reach_one_minute_ahead_and_go_on_key() -> None:
    friend = style.IDENTITIES[Identity.FRIEND].colour
    (leader,) = [s for s in of(Segments, scene().moving) if s.colour == friend]
    expected = VIEW.camera.to_screen([POSITION[0], POSITION[0] + 60.0 * VELOCITY[0]])
    np.testing.assert_allclose(leader.points_px[0], expected, atol=1e-6)
    coasting = style.IDENTITIES[Identity.NEUTRAL].colour
    assert [s.dashed for s in of(Segments, scene().moving) if s.colour == coasting] == [True]
    without = scene(replace(VIEW, leaders=False)).moving
    assert not [s for s in of(Segments, without) if s.colour == friend]


def test_tracks_are_carried_on_to_the_moment_shown() -> None:
    late = scene(replace(VIEW, time_s=2.0)).moving
    (mark,) = marks(late, "friend")
    expected = VIEW.camera.to_screen(POSITION[0] + 2.0 * VELOCITY[0])
    np.testing.assert_allclose(mark.points_px[0], expected, atol=1e-6)
    (mark,) = marks(scene(replace(VIEW, time_s=500.0)).moving, "friend")
    expected = VIEW.camera.to_screen(POSITION[0] + 5.0 * VELOCITY[0])
    np.testing.assert_allclose(mark.points_px[0], expected, atol=1e-6)


def test_labels_give_number_height_and_speed() -> None:
    labels = texts(scene().moving)
    _, _, height_m = STAGE.geography.to_geodetic(POSITION[0])
    assert height_m == pytest.approx(3280 + (10e3**2 + 10e3**2) / (2 * 6.38e6), abs=2)
    assert "0001\nFL108↓ 389" in labels  # 3296 m; 200 m/s; descending at 10 m/s
    assert any(text.startswith("0005 coast\nFL305 447") for text in labels)
    assert not any("\n" in text for text in texts(scene(replace(VIEW, labels=False)).moving)[:4])


def test_units_of_labels() -> None:
    assert flight_level(0.3048 * 24_500) == "FL245"
    assert flight_level(122.0) == "FL004"
    assert knots(100.0) == 194


def test_truth_only_on_key_and_only_what_is_there() -> None:
    assert not marks(scene().moving, "cross")
    assert not any("lightning-1" in text for text in texts(scene().moving))
    shapes = scene(replace(VIEW, truth=True)).moving
    (crosses,) = marks(shapes, "cross")
    expected = VIEW.camera.to_screen(POSITION[:2] + np.array([50.0, -50.0, 0.0]))
    np.testing.assert_allclose(crosses.points_px, expected, atol=1e-6)
    assert {"lightning-1 fighter", "spotter mini-drone"} <= set(texts(shapes))
    assert not any("airliner" in text for text in texts(shapes))


def test_sensors_rings_and_protected_things_at_their_places() -> None:
    still = scene().still
    assert {"north", "stare", "approach", "base"} <= set(texts(still))
    places = np.concatenate([m.points_px for m in marks(still, "sensor")])
    expected = VIEW.camera.to_screen([s.position_enu_m for s in SETTING.sensors])
    np.testing.assert_allclose(places, expected)
    limits = [p for p in of(Polyline, still) if p.colour == style.RING_LIMIT]
    radii = [np.hypot(*(limits[-1].points_px - expected[1]).T) * VIEW.camera.scale_m_per_px]
    np.testing.assert_allclose(radii, 5000.0)
    assert "5 km" in texts(still)
    dashed = [p for p in of(Polyline, still) if p.colour == style.PROTECTED and p.dashed]
    around_base = np.hypot(*(dashed[-1].points_px - VIEW.camera.to_screen([0.0, 0.0])).T)
    np.testing.assert_allclose(around_base * VIEW.camera.scale_m_per_px, 4000.0)
    without = scene(replace(VIEW, rings=False)).still
    assert not [p for p in of(Polyline, without) if p.colour in (style.RING, style.RING_LIMIT)]


def test_scale_bar_is_as_long_as_it_says() -> None:
    still = scene().still
    (bar,) = [s for s in of(Segments, still) if s.colour == style.TEXT_DIM]
    (label,) = [t for t in of(Text, still) if t.colour == style.TEXT_DIM]
    value, unit = label.text.split()
    length_m = float(value) * {"km": 1000.0, "m": 1.0}[unit]
    length_px = bar.points_px[0, 1, 0] - bar.points_px[0, 0, 0]
    assert length_px * VIEW.camera.scale_m_per_px == pytest.approx(length_m)


def test_graticule_labels_name_the_line_they_stand_at() -> None:
    labels = [t for t in of(Text, scene().still) if t.colour == style.GRATICULE_TEXT]
    parallels = [t for t in labels if t.text.endswith("N")]
    meridians = [t for t in labels if t.text.endswith("E")]
    assert len(parallels) >= 2
    assert len(meridians) >= 2
    for label in meridians:
        degrees, minutes = label.text.rstrip("'E").split("°")
        at = VIEW.camera.to_world((label.x_px - 4, VIEW.layout.map.top))
        _, longitude = STAGE.geography.on_ground(at)
        value = float(degrees) + float(minutes or 0.0) / 60.0
        assert math.degrees(float(longitude)) == pytest.approx(value, abs=0.002)


def test_sweep_points_where_the_beam_looks_and_a_staring_sensor_has_none() -> None:
    snapshot = replace(snapshot_at(0.0), beam_azimuth_rad=np.array([math.radians(100), np.nan]))
    (glow,) = of(Glow, scene(snapshot=snapshot).moving)
    centre = VIEW.camera.to_screen(SETTING.sensors[0].position_enu_m)
    offsets = np.concatenate(glow.polygons_px) - centre
    offsets = offsets[np.hypot(*offsets.T) > 1.0]
    azimuth = np.degrees(np.arctan2(offsets[:, 0], -offsets[:, 1]))
    assert azimuth.max() == pytest.approx(100.0)
    assert azimuth.min() == pytest.approx(50.0)
    assert sum(glow.colours[0]) > sum(glow.colours[-1])
    later = scene(replace(VIEW, time_s=0.5), snapshot).moving  # an eighth of a turn on
    offsets = of(Glow, later)[0].polygons_px[0][1] - centre
    assert math.degrees(math.atan2(offsets[0], -offsets[1])) == pytest.approx(145.0)
    assert not of(Glow, scene(replace(VIEW, speed=100.0), snapshot).moving)


def test_plots_fade_and_false_alarms_look_the_same() -> None:
    plots = plots_at(
        np.array([9.9, 9.8, 1.0, -5.0]),
        [0, 0, 0, 0],
        [
            (10e3, math.radians(90), 0.0, np.nan),
            (12e3, math.radians(180), np.nan, np.nan),
            (10e3, math.radians(45), 0.0, np.nan),
            (10e3, 0.0, 0.0, np.nan),
        ],
    )
    plots = replace(plots, truth_id=np.array([-1, 0, 0, 0], np.int32))
    snapshot = replace(snapshot_at(10.0), plots=plots)
    memory = Memory.empty().after(snapshot, STAGE.places)
    view = replace(VIEW, time_s=10.0, trails=False)
    old, fresh = marks(scene(view, snapshot, memory).moving, "dot")
    assert len(fresh.points_px) == 2
    assert len(old.points_px) == 1
    assert sum(old.colour) < sum(fresh.colour)
    east_of_north = VIEW.camera.to_screen([10e3, 20e3])
    assert np.abs(fresh.points_px[0] - east_of_north).max() < 0.5
    assert not marks(scene(replace(view, plots=False), snapshot, memory).moving, "dot")


def test_plots_are_placed_in_the_sensors_own_horizon() -> None:
    # North at the sensor differs from north at the origin: 2 degrees of longitude apart.
    geography = STAGE.geography
    place = geography.from_geodetic(math.radians(50.2), math.radians(6.7), 0.0)
    target = geography.from_geodetic(math.radians(50.7), math.radians(6.7), 0.0)
    facts = replace(SETTING.sensors[0], position_enu_m=tuple(place.tolist()))
    places = Stage.of(replace(SETTING, sensors=(facts,))).places
    line = target - place
    elevation = math.asin(
        float(line @ geography.enu_R_local(place)[:, 2]) / float(np.linalg.norm(line))
    )
    measured = (float(np.linalg.norm(line)), 0.0, elevation, np.nan)
    (found,) = places.of_plots(plots_at(np.zeros(1), [0], [measured]))
    np.testing.assert_allclose(found, target, atol=1.0)


def test_a_bearing_without_range_is_a_line_from_the_sensor() -> None:
    plots = plots_at(np.array([9.9]), [1], [(np.nan, math.radians(270), np.nan, np.nan)])
    snapshot = replace(snapshot_at(10.0), plots=plots)
    memory = Memory.empty().after(snapshot, STAGE.places)
    shapes = scene(replace(VIEW, time_s=10.0, trails=False), snapshot, memory).moving
    assert not marks(shapes, "dot")
    (strobe,) = [s for s in of(Segments, shapes) if s.colour == style.STROBE]
    expected = VIEW.camera.to_screen([(-15e3, 0.0), (-20e3, 0.0)])
    np.testing.assert_allclose(strobe.points_px[0], expected, atol=0.5)


def test_memory_is_bounded_and_forgets_dropped_tracks() -> None:
    memory = Memory.empty()
    for k in range(1, 200):
        memory = memory.after(snapshot_at(float(k)), STAGE.places)
    assert len(memory.plot_time_s) <= AFTERGLOW_S + 1
    assert memory.trail_enu_m.shape == (len(NUMBERS), TRAIL_DOTS, 2)
    dots = memory.trails_of(np.array([7], np.int32))[0]
    expected = POSITION[3, :2] + np.outer(
        memory.sampled_s - TRAIL_INTERVAL_S * np.arange(TRAIL_DOTS), VELOCITY[3, :2]
    )
    np.testing.assert_allclose(dots, expected)
    snapshot = snapshot_at(205.0)
    snapshot = replace(snapshot, tracks=snapshot.tracks.take(np.array([0, 2])))
    memory = memory.after(snapshot, STAGE.places)
    assert memory.trail_number.tolist() == [1, 5]
    assert np.isnan(memory.trails_of(np.array([7], np.int32))).all()
    assert np.isfinite(memory.trails_of(np.array([5], np.int32))).all()


def test_a_click_selects_the_nearest_confirmed_track_or_none() -> None:
    now = shown(snapshot_at(0.0), VIEW)
    x, y = VIEW.camera.to_screen(POSITION[2]).tolist()
    assert pick(now, x + 6, y - 5) == 5
    assert pick(now, x + 60, y) is None
    assert pick(now, *VIEW.camera.to_screen(POSITION[4]).tolist()) is None


def test_panel_tells_about_the_selected_track() -> None:
    shapes = scene(replace(VIEW, selected=1, time_s=0.0)).moving
    panel = VIEW.layout.panel
    inside = [t.text for t in of(Text, shapes) if panel.contains(t.x_px - 1, t.y_px)]
    latitude, _, _ = STAGE.geography.to_geodetic(POSITION[0])
    minutes = (math.degrees(float(latitude)) - 50) * 60
    for wanted in (
        "Track 0001",
        "Friend",
        "confirmed",
        f"50°{minutes:05.2f}'N",
        "389 kt  200 m/s",
        "270°",
        "-10 m/s",
        "300 m",
        "0.5 s ago",
        "0 civil  9 military",
        "north, stare",
    ):
        assert wanted in inside, wanted
    assert marks(shapes, "selection")
    gone = scene(replace(VIEW, selected=4)).moving
    assert "Track 0004" in texts(gone)
    assert not marks(gone, "selection")


def test_panel_tells_what_the_selected_track_probably_is() -> None:
    plain = snapshot_at(0.0)
    told = np.array([1, -1, 0, 0, -1], np.int32)
    probability = np.array([0.934, np.nan, 0.9999, 0.5, np.nan])
    tracks = replace(plain.tracks, target_class=told, class_probability=probability)
    stage = Stage.of(replace(SETTING, classes=("airliner", "fighter")))
    for number, expected in ((1, "fighter  93%"), (2, None), (5, "airliner  over 99%")):
        view = replace(VIEW, selected=number)
        shapes = build(stage, replace(plain, tracks=tracks), Memory.empty(), view).primitives
        assert ("class" in texts(shapes)) is (expected is not None)
        assert expected is None or expected in texts(shapes)


def test_panel_lists_the_confirmed_tracks_as_far_as_there_is_room() -> None:
    def listed(view: View, snapshot: Snapshot) -> list[str]:
        panel = view.layout.panel
        shapes = of(Text, scene(view, snapshot).moving)
        found = [t.text for t in shapes if panel.contains(t.x_px, t.y_px)]
        return found[found.index("Tracks") + 1 :]

    snapshot = snapshot_at(0.0)
    rows = listed(VIEW, snapshot)
    assert rows[::2] == ["0001", "0002", "0005 coast", "0007"]
    assert rows[1] == "FL108↓ 389 kt"
    many = snapshot.tracks.take(np.zeros(80, np.intp))
    many = replace(many, number=np.arange(80, 0, -1, dtype=np.int32))
    rows = listed(VIEW, replace(snapshot, tracks=many))
    shown_numbers = [int(text) for text in rows[:-2:2]]
    assert shown_numbers == list(range(1, len(shown_numbers) + 1))
    assert 10 < len(shown_numbers) < 80
    assert rows[-2] == f"and {80 - len(shown_numbers)} more"


def test_selected_track_shows_its_two_sigma_ellipse() -> None:
    camera = VIEW.camera.zoomed(20.0, tuple(VIEW.camera.to_screen(POSITION[0]).tolist()))
    shapes = scene(replace(VIEW, camera=camera, selected=1)).moving
    (ellipse,) = of(Polyline, shapes)
    offset = (ellipse.points_px - camera.to_screen(POSITION[0])) * camera.scale_m_per_px
    assert np.abs(offset).max(axis=0) == pytest.approx([600.0, 200.0], rel=1e-3)


def test_status_bar_tells_time_speed_and_counts() -> None:
    view = replace(VIEW, time_s=42.9, speed=20.0, achieved=7.3)
    found = texts(scene(view).moving)
    for wanted in ("A made-up run", "14:00:42Z", "0:00:42 / 0:01:00", "4 tracks"):
        assert wanted in found, wanted
    assert "×20 (7.3 reached)" in found
    assert "×20" in texts(scene(replace(view, achieved=19.9)).moving)
    assert "PAUSED" in texts(scene(replace(view, paused=True)).moving)


def test_times_of_day() -> None:
    assert utc_text("2025-10-13T14:00:00Z", 3661.9) == "2025-10-13  15:01:01Z"
    assert utc_text("2025-10-13T23:59:59+02:00", 1.0) == "2025-10-13  22:00:00Z"
    assert utc_text("2025-10-13T14:00:00", 0.0) == "2025-10-13  14:00:00Z"
    assert clock_text(36_061.5) == "10:01:01"


def test_help_lists_every_binding_and_keys_are_unique() -> None:
    found = texts(scene(replace(VIEW, help=True)).moving)
    for binding in BINDINGS:
        assert binding.shown in found
        assert binding.help in found
        for key in binding.keys:
            assert bound("", key) == (binding.action, key)
    assert set(UNITS_NOTE.split("\n")) <= set(found)
    keys = [key for binding in BINDINGS for key in binding.keys]
    assert len(keys) == len(set(keys))
    assert bound("T", "t") == bound("t", "t")
    assert bound("ß", "minus") is None


def test_keys_written_one_after_the_other() -> None:
    assert presses("") == []
    assert presses("T+ left - page-up 5f") == [
        (Action.TRUTH, "t"),
        (Action.ZOOM_IN, "+"),
        (Action.PAN_LEFT, "left"),
        (Action.ZOOM_OUT, "-"),
        (Action.BACK, "page up"),
        (Action.SPEED, "5"),
        (Action.FIT, "f"),
    ]
    with pytest.raises(ValueError, match="'x' in 'fx'"):
        presses("t fx")


@pytest.mark.parametrize("factor", [0.2, 1.0, 3.0, 10.0])
def test_texts_of_the_map_never_overlap(factor: float) -> None:
    crowded = tuple(
        replace(sensor, id=f"s{k}", position_enu_m=(1e3 * k, 20e3, 0.0))
        for k, sensor in enumerate(SETTING.sensors * 3)
    )
    view = replace(VIEW, camera=VIEW.camera.zoomed(factor))
    still = backdrop(replace(SETTING, sensors=crowded), view)
    rects = [extent(text) for text in of(Text, still)]
    assert len(rects) > 6
    for k, rect in enumerate(rects):
        assert rect.within(view.layout.map)
        assert not any(rect.meets(other) for other in rects[:k])


def test_a_coasting_symbol_is_hollow_and_broken() -> None:
    held, coasting = (
        pygame.surfarray.array_alpha(symbol("neutral", 19, (120, 222, 130), dashed))
        for dashed in (False, True)
    )
    middle = held.shape[0] // 2
    assert held[middle, middle] > 200
    assert coasting[middle - 4 : middle + 5, middle - 4 : middle + 5].max() == 0
    top = coasting.max(axis=1, where=np.arange(held.shape[1]) < middle - 4, initial=0)
    inside = top[np.flatnonzero(top)[0] + 2 : np.flatnonzero(top)[-1] - 1]
    assert inside.max() > 200
    assert inside.min() < 80


@pytest.mark.parametrize("size", [(200, 150), (320, 200), (640, 400), (900, 500), (1600, 900)])
def test_everything_keeps_within_the_window(size: tuple[int, int]) -> None:
    layout = Layout.of(size, panel=True)
    camera = everything(SETTING, snapshot_at(0.0), layout.map)
    view = View(size, camera, help=True, selected=1, message="m" * 300)
    shapes = scene(view).moving
    assert layout.map.width * layout.map.height > 0.5 * size[0] * size[1]
    right, bottom = boxes(of(Text, shapes))[:, 2:].max(axis=0)
    left, top = boxes(of(Text, shapes))[:, :2].min(axis=0)
    assert right <= size[0] + 1
    assert left >= 0
    assert top >= -1
    assert bottom <= size[1] + 4


def test_labels_never_overlap_and_keep_their_side() -> None:
    rng = np.random.default_rng(4)
    count = 120
    snapshot = snapshot_at(0.0)
    tracks = snapshot.tracks.take(np.zeros(count, np.intp))
    position = np.column_stack([rng.uniform(-30e3, 30e3, (count, 2)), np.full(count, 4e3)])
    tracks = replace(
        tracks, number=np.arange(1, count + 1, dtype=np.int32), position_enu_m=position
    )
    snapshot = replace(snapshot, tracks=tracks)
    first = scene(snapshot=snapshot)
    labels = [t for t in of(Text, first.moving) if "\n" in t.text]
    assert len(labels) > 40
    assert len({t.text for t in labels}) == len(labels)
    rects = boxes(labels)
    apart = (
        (rects[:, None, 0] >= rects[None, :, 2])
        | (rects[:, None, 2] <= rects[None, :, 0])
        | (rects[:, None, 1] >= rects[None, :, 3])
        | (rects[:, None, 3] <= rects[None, :, 1])
    )
    assert (apart | np.eye(len(rects), dtype=bool)).all()
    pixels = VIEW.camera.to_screen(position)
    covered = (
        (pixels[:, None, 0] > rects[None, :, 0])
        & (pixels[:, None, 0] < rects[None, :, 2])
        & (pixels[:, None, 1] > rects[None, :, 1])
        & (pixels[:, None, 1] < rects[None, :, 3])
    )
    assert not covered.any()
    again = scene(replace(VIEW, label_sides=first.label_sides), snapshot)
    assert again.label_sides == first.label_sides


def test_a_remembered_side_comes_first() -> None:
    occupancy = Occupancy(Rect(0, 0, 400, 300))
    anchors, sizes, gaps = np.array([[200.0, 150.0]]), np.array([[50.0, 20.0]]), np.array([10.0])
    ((_, side, rect),) = occupancy.place(anchors, sizes, gaps, np.array([3]))
    assert side == 3
    assert (rect.right, rect.top) == (190.0, 155.0)
    # The place is taken now: the next label of the same anchor goes elsewhere.
    ((_, side, _),) = occupancy.place(anchors, sizes, gaps, np.array([3]))
    assert side != 3


def test_labels_stay_on_the_map() -> None:
    occupancy = Occupancy(Rect(0, 0, 400, 300))
    corner = np.array([[399.0, 1.0]])
    ((_, _, rect),) = occupancy.place(
        corner, np.array([[50.0, 20.0]]), np.array([10.0]), np.array([-1])
    )
    assert rect.right <= 400
    assert rect.top >= 0


def test_text_is_no_larger_than_the_scene_believes() -> None:
    pygame.font.init()
    font = pygame.Font(_typeface()[0], style.SMALL)
    samples = ["0042\nFL245↑ 447", "uncertainty (1σ)", "50°14.58'N", "40 civil  0 military"]
    samples += [binding.help for binding in BINDINGS] + ["2025-10-13  14:00:42Z", SETTING.title]
    for text in samples:
        real = max(font.size(line)[0] for line in text.split("\n"))
        believed = text_size_px(text, style.SMALL)[0]
        assert 0.97 * real <= believed <= 1.3 * real, (text, real, believed)


def test_an_empty_setting_and_picture_make_a_scene() -> None:
    bare = replace(SETTING, sensors=(), targets=(), protected=())
    from viz.session import nothing_yet

    snapshot = nothing_yet(bare)
    camera: Camera = everything(bare, snapshot, VIEW.layout.map)
    built = build(Stage.of(bare), snapshot, Memory.empty(), replace(VIEW, camera=camera))
    assert "0 tracks" in texts(built.moving)


@pytest.mark.parametrize("factor", [1e-9, 1e-3, 300.0, 1e9])
def test_any_zoom_makes_a_bounded_scene(factor: float) -> None:
    view = replace(VIEW, camera=VIEW.camera.zoomed(factor), truth=True, selected=1)
    primitives = scene(view).primitives
    assert len(primitives) < 600
    drawn = [p for p in primitives if isinstance(p, Polyline)]
    assert sum(len(p.points_px) for p in drawn) < 60_000


def test_a_carried_sensor_is_drawn_where_it_is_and_not_without_its_carrier() -> None:
    aboard = replace(SETTING.sensors[0], id="ship-radar", carrier="late")
    setting = replace(SETTING, sensors=(aboard, SETTING.sensors[1]))
    stage = Stage.of(setting)
    places = np.array([[6e3, -3e3, 0.0], SETTING.sensors[1].position_enu_m])
    there = replace(snapshot_at(10.0), sensor_position_enu_m=places)
    gone = replace(there, sensor_position_enu_m=np.array([[np.nan] * 3, places[1]]))
    for snapshot, drawn in ((there, 1), (gone, 0)):
        shown = build(stage, snapshot, Memory.empty(), replace(VIEW, time_s=10.0))
        (*_, at) = VIEW.camera.to_screen(places)[:1]
        mine = [m for m in marks(shown.moving, "sensor") if np.abs(m.points_px - at).max() < 0.5]
        assert len(mine) == drawn
        assert len(marks(shown.still, "sensor")) == 1
    np.testing.assert_array_equal(stage.places.at(there).origin_enu_m, places)
    kept = stage.places.at(gone).origin_enu_m
    np.testing.assert_array_equal(kept[0], aboard.position_enu_m)


def test_a_line_is_drawn_as_a_band_between_its_edges() -> None:
    outer = tuple((x, -12e3, 0.0) for x in (-16e3, -4e3, 8e3))
    inner = tuple((x + 1e3, -4e3, 0.0) for x in (-16e3, -4e3, 8e3))
    line = ProtectedFacts("border", "line", outer, 8e3, inner)
    setting = replace(SETTING, protected=(line,))
    still = backdrop(setting, VIEW)
    (outline,) = [p for p in of(Polyline, still) if p.colour == style.PROTECTED and p.dashed]
    round_it = [place[:2] for place in (*outer, *inner[::-1], outer[0])]
    np.testing.assert_allclose(outline.points_px, VIEW.camera.to_screen(round_it))
    (name,) = [t for t in of(Text, still) if t.text == "border"]
    assert VIEW.camera.to_world((name.x_px, name.y_px))[1] == pytest.approx(-8e3, abs=1e3)
    # The whole band is shown at first, and the panel tells how deep it is.
    whole = everything(replace(setting, sensors=()), snapshot_at(0.0), VIEW.layout.map)
    for corner in (outer[0], inner[-1]):
        assert VIEW.layout.map.contains(*whole.to_screen(corner[:2]))
    told = texts(build(Stage.of(setting), snapshot_at(0.0), Memory.empty(), VIEW).moving)
    assert "depth 8 km" in told


def test_many_sensors_are_counted_by_kind() -> None:
    many = tuple(replace(SETTING.sensors[0], id=f"r-{k}") for k in range(20))
    ears = tuple(replace(SETTING.sensors[0], id=f"e-{k}", kind="acoustic") for k in range(30))
    setting = replace(SETTING, sensors=many + ears)
    view = replace(VIEW, sweeps=False)
    shapes = build(Stage.of(setting), snapshot_at(0.0), Memory.empty(), view).moving
    told = texts(shapes)
    assert told[told.index("radar") + 1] == "20"
    assert told[told.index("acoustic") + 1] == "30"
    assert not any(text.startswith("r-1 ") for text in told)
    assert "base" in told, "what is protected still has room"
