"""Cameras: what they see by day and night, near and far, and where a cued one points."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import stage
from pydantic import TypeAdapter, ValidationError
from stage import Fakes, fakes

from sensors.abilities import Recognises, Remembers
from sensors.camera import Camera, Infrared
from sensors.camera_spec import CameraSpec, InfraredSpec
from sensors.optics import N50, task_probability
from sensors.presets import PRESETS_FOLDER
from sensors.registry import Sensor, SensorSpec
from sensors.scene import Cues, Scene
from sim.core.tables import AZIMUTH, ELEVATION, FALSE_ALARM, Floats, Measured, Plots, Visibility
from sim.world.frames import Frame
from sim.world.presets import read_presets
from sim.world.targets import CLASS_NAMES

FRAME = Frame.at(np.radians(50.0), np.radians(5.0), 0.0)
MAST_M = 10.0
DRONE = CLASS_NAMES.index("mini-drone")

#: At 2 km, 0.4 m are one cycle, and contrast plays no part.
STARING: dict[str, Any] = {
    "kind": "camera",
    "id": "eye",
    "update_s": 1.0,
    "azimuth_deg": 0.0,
    "sector_deg": 60.0,
    "elevation_min_deg": -5.0,
    "elevation_max_deg": 30.0,
    "range_max_km": 10.0,
    "ifov_urad": 100.0,
    "azimuth_sigma_min_deg": 0.02,
    "elevation_sigma_min_deg": 0.03,
    "confusion": 0.2,
    "target_contrast": 0.5,
    "contrast_threshold": 0.02,
    "contrast_full": 0.03,
    "sun_min_deg": -3.0,
}
CUED = {
    "cued_by": "picture",
    "sector_deg": 360.0,
    "field_of_view_deg": 2.0,
    "elevation_field_of_view_deg": 1.5,
    "slew_rate_deg_per_s": 30.0,
    "settle_s": 0.5,
    "dwell_s": 3.0,
}
THERMAL = {
    "kind": "infrared",
    "netd_k": 0.05,
    "contrast_full_k": 0.1,
    "wavelength_um": 10.0,
    "vapour_extinction_per_km": 0.02,
    "target_contrast": None,
    "contrast_threshold": None,
    "contrast_full": None,
    "sun_min_deg": None,
}


def camera(changes: dict[str, Any] | None = None, **environment: Any) -> Any:
    values = STARING | (changes or {})
    given = {key: value for key, value in values.items() if value is not None}
    spec = TypeAdapter(SensorSpec).validate_python(given)
    environment = {"visibility_km": 300.0} | environment
    return stage.build(spec, FRAME, [0.0, 0.0, MAST_M], index=3, **environment).for_run()


def standing(*place_m: Any, **kwargs: Any) -> Fakes:
    """Targets at rest, relative to the lens."""
    at = np.array(place_m, float).reshape(-1, 3) + np.array([0.0, 0.0, MAST_M])
    given = {"optical_size_m": 0.4, "target_class": DRONE} | kwargs
    return fakes(lambda t, k: at[k] + 0.0 * t[:, None], len(at), **given)


def cues_at(*place_m: Any, number: Any = None, velocity: Any = 0.0) -> Cues:
    at = np.array(place_m, float).reshape(-1, 3) + np.array([0.0, 0.0, MAST_M])
    numbers = np.arange(1, len(at) + 1) if number is None else np.array(number)
    speed = np.broadcast_to(np.array(velocity, float), at.shape)
    return Cues(numbers.astype(np.int32), at, speed, np.full(len(at), 50.0))


def watch(
    sensor: Any, targets: Fakes, times_s: Floats, seed: int = 0, cues: Cues | None = None
) -> Plots:
    rng = np.random.default_rng(seed)
    told = Cues.none() if cues is None else cues
    truths = [targets.truth(float(t)) for t in times_s]
    scenes = [Scene(targets, a, b, told) for a, b in pairwise(truths)]
    return Plots.concatenate([sensor.observe(scene, rng) for scene in scenes])


def test_both_kinds_are_sensors() -> None:
    for sensor, kind in ((camera(), Camera), (camera(THERMAL), Infrared)):
        as_sensor: Sensor = sensor
        assert isinstance(sensor, kind)
        assert isinstance(sensor, Remembers)
        assert isinstance(sensor, Recognises)
        assert as_sensor.measured == Measured.POLAR
        assert as_sensor.measures.tolist() == [False, True, True, False]
        assert as_sensor.clutter_density > 0


@pytest.mark.parametrize("changes", [{}, THERMAL], ids=["visible", "infrared"])
@pytest.mark.parametrize("range_m", [1500.0, 2000.0, 2600.0])
def test_detections_are_as_frequent_as_the_formula_says(
    changes: dict[str, Any], range_m: float
) -> None:
    sensor, targets = camera(changes), standing([0.0, range_m, 100.0])
    looks = 4000
    plots = watch(sensor, targets, np.array([0.0, looks]))
    distance_m = np.hypot(range_m, 100.0)
    expected = float(task_probability(0.4 / (2 * 100e-6 * distance_m), N50["detect"]))
    pd, code = sensor.visibility(targets, targets.truth(5.0))
    assert pd[0] == pytest.approx(expected, rel=1e-9)
    assert code[0] == (Visibility.VISIBLE if expected >= 0.5 else Visibility.WEAK_ECHO)
    error = np.sqrt(expected * (1 - expected) / looks)
    assert len(plots) / looks == pytest.approx(expected, abs=4 * error)


def test_angles_err_as_stated() -> None:
    sensor, targets = camera(), standing([300.0, 600.0, 250.0])
    plots = watch(sensor, targets, np.array([0.0, 3000.0]))
    east, north, up = targets.truth(0.0).position_enu_m[0] - [0.0, 0.0, MAST_M]
    exact = np.array([np.arctan2(east, north), np.arctan2(up, np.hypot(east, north))])
    angles, sigma = plots.measurement[:, [AZIMUTH, ELEVATION]], plots.sigma[:, [AZIMUTH, ELEVATION]]
    pixel = 100e-6 / np.sqrt(12.0)
    np.testing.assert_allclose(sigma[:, 1], np.hypot(np.radians(0.03), pixel))
    np.testing.assert_allclose(
        sigma[0, 0], np.hypot(np.radians(0.02), pixel / np.cos(exact[1])), rtol=1e-3
    )
    normal = (angles - exact) / sigma
    assert len(plots) > 2900
    np.testing.assert_allclose(normal.mean(axis=0), 0.0, atol=4 / np.sqrt(len(plots)))
    np.testing.assert_allclose(normal.std(axis=0), 1.0, atol=0.05)
    assert np.isnan(plots.measurement[:, [0, 3]]).all()
    assert np.isnan(plots.sigma[:, [0, 3]]).all()


def test_images_are_neither_missed_nor_taken_twice() -> None:
    sensor, targets = camera({"update_s": 0.7}), standing([0.0, 200.0, 50.0])
    whole = watch(sensor, targets, np.array([0.0, 70.0]))
    pieces = watch(sensor, targets, np.arange(0.0, 70.1, 0.35))
    np.testing.assert_allclose(whole.time_s, 0.7 * np.arange(1, 101))
    np.testing.assert_allclose(pieces.time_s, whole.time_s)


def test_same_seed_same_plots() -> None:
    changes = {"false_alarms_per_look": 2.0}
    one, other, third = (
        watch(camera(changes), standing([0.0, 1800.0, 100.0]), np.arange(0.0, 30.0), seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.measurement, other.measurement)
    assert not np.array_equal(one.measurement[:9], third.measurement[:9])


def test_false_alarms_are_as_many_as_stated_and_fill_the_image() -> None:
    sensor = camera({"false_alarms_per_look": 0.5, "azimuth_deg": 350.0})
    nobody = fakes(lambda t, k: np.zeros((t.size, 3)), 1, optical_size_m=0.0)
    plots = watch(sensor, nobody, np.array([0.0, 4000.0]))
    assert (plots.truth_id == FALSE_ALARM).all()
    assert (plots.seen_class == -1).all()
    assert len(plots) == pytest.approx(2000, abs=4 * np.sqrt(2000))
    aside = (plots.measurement[:, AZIMUTH] - np.radians(350) + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(aside).max() < np.radians(30)
    assert aside.std() == pytest.approx(np.radians(60) / np.sqrt(12), rel=0.05)
    area = np.radians(60) * np.radians(35)
    assert sensor.clutter_density == pytest.approx(0.5 / area)


def test_absent_targets_are_not_seen() -> None:
    targets = standing([0.0, 300.0, 50.0])
    targets.span_s = (10.0, 20.0)
    plots = watch(camera(), targets, np.arange(0.0, 40.0))
    assert set(plots.time_s) == set(np.arange(10.0, 21.0))


def test_every_reason_has_its_code() -> None:
    targets = standing(
        [0.0, 500.0, 50.0], [0.0, 20e3, 500.0], [500.0, 0.0, 50.0], [0.0, 100.0, 300.0],
        [0.0, 5000.0, 100.0],
    )  # fmt: skip
    names = ["VISIBLE", "BEYOND_RANGE", "OUTSIDE_AZIMUTH", "OUTSIDE_ELEVATION", "WEAK_ECHO"]
    pd, code = camera().visibility(targets, targets.truth(0.0))
    assert [Visibility(c).name for c in code] == names
    assert (pd[1:4] == 0).all()
    _, code = camera(light="night").visibility(targets, targets.truth(0.0))
    assert code[0] == Visibility.TOO_DARK


def test_night_blinds_the_camera_and_not_the_thermal_one() -> None:
    targets, times = standing([0.0, 500.0, 50.0]), np.arange(0.0, 20.0)
    assert len(watch(camera(light="night"), targets, times)) == 0
    assert len(watch(camera({"sun_min_deg": -7.0}, light="twilight"), targets, times)) > 10
    assert len(watch(camera(light="twilight"), targets, times)) == 0
    assert len(watch(camera(THERMAL, light="night"), targets, times)) > 10


def test_fog_rain_and_lack_of_contrast_hide_targets() -> None:
    targets = standing([0.0, 1000.0, 50.0])
    clear = camera().visibility(targets, targets.truth(0.0))[0][0]
    fog = camera(visibility_km=0.5).visibility(targets, targets.truth(0.0))[0][0]
    assert clear > 0.9
    assert fog < 0.01
    dry = camera(THERMAL).visibility(targets, targets.truth(0.0))[0][0]
    rain = camera(THERMAL, rain_mm_per_h=150).visibility(targets, targets.truth(0.0))[0][0]
    cold = standing([0.0, 1000.0, 50.0], infrared_contrast_k=0.04)
    assert dry > 0.9
    assert rain < dry
    assert camera(THERMAL).visibility(cold, cold.truth(0.0))[0][0] == 0.0


def test_a_class_is_told_from_near_and_as_often_wrong_as_stated() -> None:
    near, far = standing([0.0, 60.0, 10.0]), standing([0.0, 1000.0, 50.0])
    told = watch(camera(), near, np.array([0.0, 4000.0])).seen_class
    assert (told >= 0).all()
    wrong = told != DRONE
    assert wrong.mean() == pytest.approx(0.2, abs=4 * np.sqrt(0.16 / 4000))
    share = np.bincount(told[wrong], minlength=len(CLASS_NAMES)) / wrong.sum()
    assert share[np.arange(len(CLASS_NAMES)) != DRONE].min() > 0.03
    seen = watch(camera(), far, np.array([0.0, 2000.0]))
    cycles = 0.4 / (2 * 100e-6 * np.hypot(1000, 50))
    expected = task_probability(cycles, N50["recognise"]) / task_probability(cycles, N50["detect"])
    share = (seen.seen_class >= 0).mean()
    assert share == pytest.approx(float(expected), abs=4 * np.sqrt(expected / len(seen)))


def test_a_camera_that_classifies_nothing_tells_no_class() -> None:
    sensor = camera({"classifies": "none"})
    plots = watch(sensor, standing([0.0, 60.0, 10.0]), np.arange(0.0, 50.0))
    assert len(plots) > 40
    assert (plots.seen_class == -1).all()
    assert np.isnan(sensor.confusion)


# ---- pointed by cues ----


def test_without_a_cue_only_what_lies_ahead_is_seen() -> None:
    targets = standing([0.0, 500.0, 110.0], [500.0, 0.0, 100.0])  # ahead, 12° up; to the right
    sensor = camera(CUED)
    plots = watch(sensor, targets, np.arange(0.0, 20.0))
    assert set(plots.truth_id) == {0}
    _, code = sensor.visibility(targets, targets.truth(19.0))
    assert [Visibility(c).name for c in code] == ["VISIBLE", "NOT_LOOKED_AT"]


def test_it_turns_to_a_cue_and_that_takes_its_time() -> None:
    targets = standing([500.0, 0.0, 109.96])  # 90° away, as high as it points
    sensor = camera(CUED | {"update_s": 0.1})
    plots = watch(sensor, targets, np.arange(0.0, 12.0), cues=cues_at([500.0, 0.0, 109.96]))
    # 90° at 30° a second, and half a second to settle.
    assert plots.time_s.min() == pytest.approx(3.5, abs=0.11)
    _, code = sensor.visibility(targets, targets.truth(11.0))
    assert code[0] == Visibility.VISIBLE


@pytest.mark.parametrize(("error_deg", "seen"), [(0.9, True), (1.1, False)])
def test_a_cue_that_is_off_by_more_than_half_the_view_shows_nothing(
    error_deg: float, seen: bool
) -> None:
    targets = standing([0.0, 500.0, 50.0])
    aside = 500.0 * np.tan(np.radians(error_deg))
    plots = watch(camera(CUED), targets, np.arange(0.0, 20.0), cues=cues_at([aside, 500.0, 50.0]))
    assert (len(plots) > 0) == seen


def test_several_cues_get_their_turns() -> None:
    places = [[0.0, 500.0, 50.0], [500.0, 0.0, 50.0], [-500.0, 0.0, 50.0], [0.0, -500.0, 50.0]]
    sensor = camera(CUED)
    plots = watch(sensor, standing(*places), np.arange(0.0, 400.0), cues=cues_at(*places))
    looks = np.bincount(plots.truth_id, minlength=4)
    assert looks.min() > 30
    assert looks.max() - looks.min() <= 4
    # One at a time, and never while turning: a round takes four turns and four dwells.
    assert (np.diff(plots.time_s) > 0).all()
    assert len(plots) < 300
    assert set(sensor.gaze.looked_s) == {1, 2, 3, 4}


def test_tentative_tracks_are_followed_if_asked_only() -> None:
    place = [500.0, 0.0, 50.0]
    targets, cues = standing(place), cues_at(place, number=[-7])
    assert len(watch(camera(CUED), targets, np.arange(0.0, 20.0), cues=cues)) == 0
    eager = camera(CUED | {"cue_tentative": True})
    assert len(watch(eager, targets, np.arange(0.0, 20.0), cues=cues)) > 10


def test_a_moving_cue_is_followed_within_the_window() -> None:
    path = fakes(
        lambda t, k: np.column_stack([-300 + 30 * t, 800.0 + 0 * t, 90.0 + 0 * t]),
        1,
        optical_size_m=0.4,
    )
    rng, sensor, seen = np.random.default_rng(0), camera(CUED), []
    for start in range(0, 20, 4):  # a cue is four seconds old when the next one comes
        at = path.truth(float(start)).position_enu_m
        cue = Cues(np.array([1], np.int32), at, np.array([[30.0, 0.0, 0.0]]), np.array([10.0]))
        scene = Scene(path, path.truth(float(start)), path.truth(start + 4.0), cue)
        seen.append(sensor.observe(scene, rng))
    assert len(Plots.concatenate(seen)) >= 18


def test_runs_do_not_share_a_gaze() -> None:
    template = camera(CUED)
    one, other = template.for_run(), template.for_run()
    watch(one, standing([500.0, 0.0, 50.0]), np.arange(0.0, 9.0), cues=cues_at([500.0, 0.0, 50.0]))
    assert one.gaze.number == 1
    assert other.gaze.number == 0


# ---- specifications ----


@pytest.mark.parametrize("spec", [CameraSpec, InfraredSpec])
def test_presets_are_sourced_and_known(spec: Any) -> None:
    presets = read_presets(PRESETS_FOLDER / f"{spec.presets}.yaml")
    required = {k for k, f in spec.model_fields.items() if f.is_required()} - {"kind", "id"}
    for name, entries in presets.items():
        for key, preset in entries.items():
            assert key in spec.model_fields, key
            assert bool(preset.source) != bool(preset.assumption), key
        assert required <= set(entries)
        TypeAdapter(SensorSpec).validate_python({"kind": spec.presets, "id": "eye", "preset": name})


@pytest.mark.parametrize(
    ("kind", "preset", "half_km", "told_km"),
    [
        ("camera", "long-lens", 6.0, 2.1),
        ("camera", "panoramic", 0.87, 0.22),
        ("infrared", "cooled-medium-wave", 3.5, 0.87),
        ("infrared", "uncooled-long-wave", 0.36, 0.09),
    ],
)
def test_presets_reach_as_far_as_their_comments_say(
    kind: str, preset: str, half_km: float, told_km: float
) -> None:
    spec = TypeAdapter(SensorSpec).validate_python(
        {"kind": kind, "id": "eye", "preset": preset, "cued_by": "none"}
    )
    sensor = stage.build(spec, FRAME, [0.0, 0.0, MAST_M], visibility_km=20.0)
    ranges = np.arange(50.0, 10e3, 10.0)
    targets = standing(
        *([0.0, r, 0.05 * r] for r in ranges), optical_size_m=0.35, infrared_contrast_k=5.0
    )
    pd, _ = sensor.visibility(targets, targets.truth(0.0))
    assert ranges[pd >= 0.5].max() / 1e3 == pytest.approx(half_km, rel=0.05)
    told = task_probability(N50["recognise"], N50["detect"])
    assert ranges[pd >= told].max() / 1e3 == pytest.approx(told_km, rel=0.07)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cued_by": "picture"}, "needs field_of_view_deg"),
        ({"elevation_min_deg": 40.0}, "must be below"),
        ({"contrast_threshold": 0.5}, "must be below contrast_full"),
        ({"ifov_urad": 0.0}, "greater than 0"),
        ({"preset": "long-lense"}, "did you mean 'long-lens'"),
        ({"cued_by": "radar"}, "'picture' or 'none'"),
    ],
)
def test_nonsense_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        TypeAdapter(SensorSpec).validate_python(STARING | changes)
