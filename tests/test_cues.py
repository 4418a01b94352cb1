"""Cues hold what the picture holds, and a recognised target becomes a classified track."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_scenarios import world_of

from sim.core.tables import FALSE_ALARM, Snapshot, Tracks
from sim.engine.cues import cues_of
from sim.engine.step import run, step
from sim.engine.world import World
from sim.picture.class_models import generic_models, seen_log_likelihood
from sim.picture.classification import Classifier
from sim.world.targets import CLASS_NAMES

#: A drone and a bird near a drone radar, and a drone behind its back, where only the camera
#: could see it.
TEXT = """\
schema: 1
name: cued
time: {start: 2025-06-01T12:00:00Z, duration_s: 60}
seed: 3
area: {latitude_deg: 52.0, longitude_deg: 5.0, height_m: 0}
sites:
  - id: hill
    position: {latitude_deg: 52.0, longitude_deg: 5.0, height_agl_m: 15}
    sensors:
      - {kind: radar, preset: drone-radar, id: radar, update_s: 1, azimuth_deg: 0, sector_deg: 180}
      - {kind: camera, preset: long-lens, id: camera}
targets:
  - id: drone
    class: mini-drone
    route:
      - {latitude_deg: 52.011, longitude_deg: 5.000, height_m: 120, speed_mps: 12}
      - {latitude_deg: 52.011, longitude_deg: 5.020, height_m: 120}
  - id: gull
    class: bird
    rcs_dbsm: -13
    route:
      - {latitude_deg: 52.008, longitude_deg: 4.980, height_m: 110, speed_mps: 12}
      - {latitude_deg: 52.008, longitude_deg: 5.000, height_m: 110}
  - id: behind
    class: mini-drone
    route:
      - {latitude_deg: 51.991, longitude_deg: 5.000, height_m: 120, speed_mps: 12}
      - {latitude_deg: 51.991, longitude_deg: 5.020, height_m: 120}
tracker: {start_height_m: 100, start_height_sigma_m: 200, start_speed_sigma_mps: 20}
"""
RADAR, CAMERA = 0, 1
DRONE, GULL, BEHIND = range(3)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return world_of(tmp_path_factory.mktemp("cued"), TEXT)


@pytest.fixture(scope="module")
def snapshots(world: World) -> list[Snapshot]:
    return list(run(world))


def track_of(snapshot: Snapshot, target: int) -> Tracks:
    tracks = snapshot.tracks.take(snapshot.tracks.confirmed)
    apart = tracks.position_enu_m - snapshot.truth.position_enu_m[target]
    return tracks.take(np.linalg.norm(apart, axis=1) < 150.0)


def test_cues_are_the_pictures_tracks() -> None:
    tracks = Tracks.empty(4.0)
    tracks = replace(
        tracks,
        number=np.array([3, -5], np.int32),
        position_enu_m=np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        velocity_enu_mps=np.array([[7.0, 8.0, 9.0], [0.0, 0.0, 0.0]]),
        position_covariance_m2=np.array([np.diag([9.0, 16.0, 2.0]), np.eye(3)]),
        **{
            name: np.zeros(2, getattr(tracks, name).dtype)
            for name in ("status", "last_plot_s", "hits", "sensors", "identity", "existence")
        },
        replies=np.zeros((2, 3), np.int32),
        target_class=np.zeros(2, np.int32),
        class_probability=np.zeros(2),
    )
    cues = cues_of(tracks)
    assert cues.number.tolist() == [3, -5]
    np.testing.assert_array_equal(cues.position_enu_m, tracks.position_enu_m)
    np.testing.assert_array_equal(cues.velocity_enu_mps, tracks.velocity_enu_mps)
    np.testing.assert_allclose(cues.position_sigma_m, [3.0, 1.0])
    assert len(cues_of(Tracks.empty())) == 0


def test_a_step_is_cued_by_the_picture_of_the_one_before(world: World) -> None:
    state = world.start()
    assert len(state.cues) == 0
    for _ in range(12):
        snapshot = step(world, state)
        np.testing.assert_array_equal(state.cues.number, snapshot.tracks.number)
        np.testing.assert_array_equal(state.cues.position_enu_m, snapshot.tracks.position_enu_m)
    assert len(state.cues) > 0


def test_the_camera_follows_the_picture_and_nothing_else(snapshots: list[Snapshot]) -> None:
    """It sees what is tracked, once it is tracked, and never what no sensor told of."""
    first_track_s = next(s.time_s for s in snapshots if s.tracks.confirmed.any())
    seen: dict[int, float] = {}
    for snapshot in snapshots:
        plots = snapshot.plots.take(snapshot.plots.sensor == CAMERA)
        for target in plots.truth_id.tolist():
            seen.setdefault(target, snapshot.time_s)
    seen.pop(FALSE_ALARM, None)
    assert set(seen) == {DRONE, GULL}
    assert min(seen.values()) > first_track_s


def test_cues_do_not_know_whose_plots_are_whose(
    world: World, snapshots: list[Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truth ids are mixed up before the picture gets the plots: the camera does the same."""
    state = world.start()
    take = type(state.picture).take

    def mixed(self, plots, *rest):  # type: ignore[no-untyped-def]
        take(self, [replace(p, truth_id=np.roll(p.truth_id, 1)) for p in plots], *rest)

    monkeypatch.setattr(type(state.picture), "take", mixed)
    for one, other in zip(run(world, state), snapshots, strict=True):
        np.testing.assert_array_equal(one.plots.measurement, other.plots.measurement)


def test_same_seed_same_gaze(world: World, snapshots: list[Snapshot]) -> None:
    for one, other in zip(run(world), snapshots, strict=True):
        np.testing.assert_array_equal(one.plots.measurement, other.plots.measurement)
        np.testing.assert_array_equal(one.plots.seen_class, other.plots.seen_class)


def test_what_is_recognised_becomes_classified(snapshots: list[Snapshot], tmp_path: Path) -> None:
    names = generic_models().names
    last = snapshots[-1]
    for target, name in ((DRONE, "mini-drone"), (GULL, "bird")):
        track = track_of(last, target)
        assert len(track) == 1
        assert names[track.target_class[0]] == name
        assert track.class_probability[0] > 0.95
    unseeing = TEXT.replace("id: camera}", "id: camera, classifies: none}")
    *_, without = run(world_of(tmp_path, unseeing))
    told = [track_of(without, target) for target in (DRONE, GULL)]
    right = [t.class_probability[0] if names[t.target_class[0]] == n else 0.0
             for t, n in zip(told, ("mini-drone", "bird"), strict=True)]  # fmt: skip
    assert min(right) < 0.9


# ---- the classifier ----


def seen(name: str, confusion: float = 0.1) -> np.ndarray:
    index = np.array([CLASS_NAMES.index(name)], np.int32)
    return np.exp(seen_log_likelihood(index, np.array([confusion]), generic_models().names))[0]


def test_likelihoods_of_words_add_up_to_one() -> None:
    every = np.arange(len(CLASS_NAMES), dtype=np.int32)
    log = seen_log_likelihood(every, np.full(every.size, 0.2), generic_models().names)
    np.testing.assert_allclose(np.exp(log).sum(axis=0), 1.0)


def test_one_look_weighs_as_its_confusion_says() -> None:
    names = generic_models().names
    weights = seen("helicopter", 0.1)
    right = names.index("helicopter")
    assert weights[right] == pytest.approx(0.9)
    wrong = np.delete(weights, [right, names.index("other")])
    np.testing.assert_allclose(wrong[:1], 0.1 / (len(CLASS_NAMES) - 1), rtol=1e-9)
    # A flock is a bird, and what no class describes is most often something else.
    assert seen("bird-flock").argmax() == names.index("bird")
    few = ("airliner", "other")
    balloon = np.array([CLASS_NAMES.index("balloon")], np.int32)
    assert seen_log_likelihood(balloon, np.array([0.1]), few)[0].argmax() == 1


def test_the_classifier_believes_what_is_seen_again_and_again() -> None:
    classifier = Classifier()
    number = np.array([4, 9], np.int32)
    classifier.observe(number, 0.0)
    before = classifier.probabilities(number)
    drone = np.full(3, CLASS_NAMES.index("mini-drone"), np.int32)
    classifier.recognise(np.array([9, 9, 77], np.int32), drone, np.full(3, 0.2))
    after = classifier.probabilities(number)
    np.testing.assert_array_equal(after[0], before[0])
    index = classifier.models.names.index("mini-drone")
    weights = seen("mini-drone", 0.2) ** 2 * before[1]
    assert after[1, index] == pytest.approx(weights[index] / weights.sum())
    assert after[1, index] > 0.9
