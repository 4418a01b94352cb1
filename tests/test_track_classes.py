"""Classes of tracks in a picture: what is fed, by whom, and that it is weighed rightly."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import stage
from small_scenarios import changed, world_of
from test_architectures import border
from tracking_scenes import observed, two_radars

from sensors.radar import RadarSpec
from sim.core.tables import FALSE_ALARM, Plots, Reply, Snapshot, Tracks, TrackStatus
from sim.engine.pictures import DistributedPicture
from sim.engine.presenting import Presenter
from sim.engine.step import run, step
from sim.picture.class_models import CLIMB, SPEED, classified_as, feature_log_density
from sim.picture.classification import Classifier, generic_models, rcs_from_snr
from sim.picture.echoes import Echoes, echoes_of
from sim.picture.looks import EchoFacts, Looks
from sim.picture.track_classes import INTERVAL_S, TrackClasses, with_classes
from sim.tracking import Tracker, TrackerConfig
from sim.tracking.estimates import Estimates
from sim.tracking.intake import Rejected
from sim.world.frames import Frame
from sim.world.presets import read_presets
from sim.world.targets import TARGET_CLASSES

MODELS = generic_models()


# --- which plots a track took


def told(config: TrackerConfig, plots: Plots) -> list[tuple[Tracks, Plots, np.ndarray]]:
    tracker = Tracker(config, two_radars(), keep_latest=True)
    found = []
    for k in range(40):
        now = (plots.time_s > k) & (plots.time_s <= k + 1)
        tracker.process(plots.take(now), k + 1.0)
        found.append((tracker.picture(), *tracker.latest_taken()))
    return found


@pytest.mark.parametrize("engine", ["numba", "filterpy"])
def test_a_track_is_told_with_every_plot_that_it_counts(engine: str) -> None:
    config = TrackerConfig(engine=engine, merge_distance=0.0)
    pictures = told(config, observed())
    compared = 0
    for (before, *_), (now, plots, number) in pairwise(pictures):
        assert len(plots) == number.size
        hits = dict(zip(before.number.tolist(), before.hits.tolist(), strict=True))
        for k in np.flatnonzero(now.confirmed).tolist():
            own = int(now.number[k])
            if own in hits:
                assert (number == own).sum() == now.hits[k] - hits[own]
                compared += int(now.hits[k] - hits[own])
    assert compared > 200


@pytest.mark.parametrize("association", ["gnn", "jipda", "mht"])
def test_told_plots_are_of_the_tracks_target(association: str) -> None:
    """Of one track nearly all are of one target, and no plot is told twice."""
    plots = observed()
    plots = replace(plots, snr_db=np.arange(len(plots), dtype=float))  # a name for each
    by_track: dict[int, list[int]] = defaultdict(list)
    names: list[float] = []
    for _, taken, number in told(TrackerConfig(association=association), plots):
        assert (taken.truth_id == plots.truth_id[taken.snr_db.astype(int)]).all()
        names += taken.snr_db.tolist()
        for own, target in zip(number.tolist(), taken.truth_id.tolist(), strict=True):
            by_track[own].append(target)
        order = np.argsort(number, kind="stable")
        backwards = np.diff(taken.time_s[order]) < 0.0
        assert (np.diff(number[order])[backwards] > 0).all(), "in order of time for each track"
    assert len(names) == len(set(names)) > 120
    assert min(by_track) > 0
    right = sum(np.unique(targets, return_counts=True)[1].max() for targets in by_track.values())
    assert right > 0.97 * len(names)


def test_who_does_not_ask_is_not_told_and_nobody_is_disturbed() -> None:
    plots = observed()
    quiet = Tracker(TrackerConfig(), two_radars())
    for (picture, *_), k in zip(told(TrackerConfig(), plots), range(40), strict=True):
        quiet.process(plots.take((plots.time_s > k) & (plots.time_s <= k + 1)), k + 1.0)
        np.testing.assert_array_equal(quiet.picture().position_enu_m, picture.position_enu_m)
        assert len(quiet.latest_taken()[0]) == 0


@pytest.mark.parametrize("association", ["gnn", "mht"])
def test_plots_taken_again_are_told_once(association: str) -> None:
    plots = observed()
    config = TrackerConfig(association=association, lag_s=10.0)
    tracker = Tracker(config, two_radars(), keep_latest=True)
    plots = replace(plots, snr_db=np.arange(len(plots), dtype=float))
    arrival_s = plots.time_s + np.where(np.arange(len(plots)) % 10 == 0, 5.0, 0.0)
    names: list[float] = []
    numbers: set[int] = set()
    for k in range(45):
        tracker.process(plots.take((arrival_s > k) & (arrival_s <= k + 1)), k + 1.0)
        taken, number = tracker.latest_taken()
        names += taken.snr_db.tolist()
        numbers |= set(number.tolist())
        shown = tracker.picture()
        gone = set(number.tolist()) - set(shown.number[shown.confirmed].tolist())
        assert len(gone) <= 1
    assert len(names) == len(set(names)) > 120
    assert numbers <= set(range(1, 60))


# --- what they say


def radar(**more: object) -> object:
    frame = Frame.at(math.radians(52.0), math.radians(5.0), 0.0)
    spec = RadarSpec.model_validate({"kind": "radar", "id": "r"} | more)
    return stage.build(spec, frame)


@pytest.mark.parametrize("preset", ["mobile-multi-mission", "airport-surveillance"])
def test_a_radar_knows_its_echoes(preset: str) -> None:
    """A steady target of 10 m², looked at often: its cross-section on average, none missed."""
    watch = radar(preset=preset)
    snr = watch.snr_of_unit_echo * 10.0 / 20e3**4 * watch.pulses
    found = rcs_from_snr(10.0 * np.log10(snr), 20e3, watch.snr_reference_db)
    assert found == pytest.approx(10.0)
    rng = np.random.default_rng(1)
    alarms = watch._false_alarms(20_000, 0.0, 1.0, rng)
    weakest = 10.0 * np.log10(alarms.power.min() - watch.pulses)
    assert watch.snr_least_db == pytest.approx(weakest, abs=0.01)
    assert watch.snr_least_db <= weakest


ECHOES = EchoFacts(
    snr_reference_db=np.array([60.0, np.nan]),
    snr_least_db=np.array([12.0, np.nan]),
    interrogates=np.array([True, False]),
    measures_height=np.array([True, False]),
)


def test_looks_are_read_from_plots() -> None:
    plots = Plots.of(
        [1.0, 2.0, 3.0],
        [0, 0, 1],
        [[10e3, 0.1], [1e3, 0.1], [10e3, 0.1]],
        1.0,
        snr_db=[20.0, 60.0, 20.0],
        reply=[Reply.NONE, Reply.CIVIL, Reply.NONE],
    )
    looks = Looks.of(plots, np.array([4, 5, 6], np.int32), ECHOES)
    assert looks.snr_db.tolist() == [20.0, 60.0, 20.0]
    assert looks.sensor.tolist() == [0, 0, 1]
    assert looks.measurement[:, 0].tolist() == [10e3, 1e3, 10e3]
    assert looks.silent.tolist() == [True, False, False]
    kept = looks.renumbered(np.array([7, 0, 8], np.int32))
    assert kept.number.tolist() == [7, 8]
    assert len(Looks.concatenate([])) == 0
    assert Looks.concatenate([looks, kept]).number.tolist() == [4, 5, 6, 7, 8]


def test_what_is_seen_is_weighed_by_what_could_have_been_seen() -> None:
    """Over all looks that there can be, each class's probability sums up to one."""
    for least in (-35.0, -10.0, 15.0):
        over = np.geomspace(1e-9, 125.0, 4000)  # what is hardly ever seen barely shows
        classifier = Classifier()
        classifier.observe(
            np.arange(over.size),
            0.0,
            rcs_dbsm=least + over,
            rcs_least_dbsm=np.full(over.size, least),
        )
        density = np.exp(classifier._belief.evidence)
        np.testing.assert_allclose(np.trapezoid(density, over, axis=0), 1.0, atol=1e-3)


def test_without_a_limit_looks_count_as_they_are() -> None:
    one, other = Classifier(), Classifier()
    one.observe([1, 2], 0.0, rcs_dbsm=[-3.0, 7.0])
    other.observe([1, 2], 0.0, rcs_dbsm=[-3.0, 7.0], rcs_least_dbsm=[np.nan, -1e6])
    np.testing.assert_allclose(one.probabilities([1, 2]), other.probabilities([1, 2]))


def test_several_looks_at_once_are_taken_one_after_the_other() -> None:
    together, apart = Classifier(), Classifier()
    number, nothing = np.array([3, 8], np.int32), np.full((2, 5), np.nan)
    looks, least = np.array([1.0, -4.0, 6.0, 2.0]), np.full(4, np.nan)
    echoes = Echoes.plain(looks, least, len(MODELS))
    together.take_in(number, 0.0, nothing, np.zeros((2, 5)), np.array([1, 0, 1, 1]), echoes, None)
    for pair in ([-4.0, 1.0], [np.nan, 6.0], [np.nan, 2.0]):
        apart.observe(number, 0.0, rcs_dbsm=pair)
    np.testing.assert_allclose(together.probabilities(number), apart.probabilities(number))


def test_errors_widen_the_laws() -> None:
    """A law and an independent normal error: the law of their sum, by numerical integration."""
    error, value = 7.0, 12.0
    at, deviation = np.full((1, 5), 0.0), np.zeros((1, 5))
    at[0, CLIMB], deviation[0, CLIMB] = value, error
    found = np.exp(feature_log_density(at, MODELS, deviation)[0, CLIMB])
    true = np.arange(-300.0, 300.0, 0.05)
    exact = np.zeros((true.size, 5))
    exact[:, CLIMB] = true
    density = np.exp(feature_log_density(exact, MODELS)[:, CLIMB])
    weight = np.exp(-0.5 * ((value - true) / error) ** 2) / (error * math.sqrt(2.0 * math.pi))
    np.testing.assert_allclose(found, (weight[:, None] * density).sum(axis=0) * 0.05, rtol=1e-3)


def test_an_unsure_speed_tells_little() -> None:
    sure, unsure = Classifier(), Classifier()
    sure.observe([1], 0.0, speed_mps=[12.0])
    unsure.observe([1], 0.0, speed_mps=[12.0], speed_sigma_mps=[300.0])
    prior = Classifier().probabilities([1])
    far, near = (abs(c.probabilities([1]) - prior).max() for c in (sure, unsure))
    assert near < 0.2 * far
    ratio = feature_log_density(np.full((1, 5), 12.0), MODELS)[0, SPEED]
    assert np.ptp(ratio) > 1.0


def test_every_class_of_target_has_its_right_class() -> None:
    names = MODELS.names
    flown = read_presets(TARGET_CLASSES)
    right = {name: names[classified_as(name, names)] for name in flown}
    assert right.pop("bird-flock") == "bird"
    assert all(name == told for name, told in right.items())
    assert names[classified_as("submarine", names)] == "other"


# --- in a run


def twin(world: object, snapshots: list[Snapshot], took: list[tuple[Estimates, Looks]]) -> None:
    """Follow each track with a classifier of its own, and compare."""
    frame: Frame = world.frame  # type: ignore[attr-defined]
    seeing_height = sum(1 << s.index for s in world.sensors if s.measures[2])  # type: ignore[attr-defined]
    classifiers: dict[int, Classifier] = {}
    last_plot_s: dict[int, float] = {}
    silences: dict[int, int] = defaultdict(int)
    said: dict[int, np.ndarray] = {}
    due_s = -math.inf
    compared = 0
    for snapshot, (states, looks) in zip(snapshots, took, strict=True):
        if snapshot.time_s >= due_s:
            due_s = snapshot.time_s + INTERVAL_S
            said = {}
            for k in range(len(states)):
                number = int(states.number[k])
                if states.status[k] == TrackStatus.TENTATIVE:
                    continue
                place, velocity = states.mean[k, :3], states.mean[k, 3:]
                up = frame.local_axes(place)[:, 2]
                climb = float(velocity @ up)
                P = states.covariance[k]
                fresh = states.last_plot_s[k] > last_plot_s.get(number, -math.inf)
                last_plot_s[number] = float(states.last_plot_s[k])
                height = fresh and bool(int(states.sensors[k]) & seeing_height)
                own = np.flatnonzero(looks.number == number)
                silences[number] += int(looks.silent[own].sum())
                counts = [silences[number], *states.replies[k, 1:].tolist()]
                one = classifiers.setdefault(number, Classifier())
                one.observe(
                    [number],
                    snapshot.time_s,
                    speed_mps=[math.sqrt(velocity @ velocity - climb**2) if fresh else np.nan],
                    speed_sigma_mps=[math.sqrt((P[3, 3] + P[4, 4]) / 2)],
                    height_m=[float(frame.height_m_of(place)) - 40.0 if height else np.nan],
                    height_sigma_m=[math.sqrt(P[2, 2])],
                    climb_mps=[climb if height else np.nan],
                    climb_sigma_mps=[math.sqrt(P[5, 5])],
                    reply_counts=[counts],
                )
                for j in own:
                    if math.isnan(looks.snr_db[j]):
                        continue
                    ago_s = snapshot.time_s - looks.time_s[j]
                    echo = echoes_of(
                        looks.take(np.array([j])),
                        np.array([float(frame.height_m_of(place)) - ago_s * climb]),
                        np.array([math.sqrt(P[2, 2])]),
                        velocity[None],
                        np.array([math.sqrt((P[3, 3] + P[4, 4]) / 2)]),
                        MODELS,
                        world.echoes,  # type: ignore[attr-defined]
                    )
                    one.take_in(
                        np.array([number], np.int32),
                        snapshot.time_s,
                        np.full((1, 5), np.nan),
                        np.zeros((1, 5)),
                        np.array([0]),
                        echo,
                        np.array([counts], float),
                    )
                said[number] = one.probabilities([number])[0]
        for k, number in enumerate(snapshot.tracks.number.tolist()):
            found = snapshot.class_probabilities[k]
            if number not in said:
                assert np.isnan(found).all()
                assert snapshot.tracks.target_class[k] == -1
                assert math.isnan(snapshot.tracks.class_probability[k])
                continue
            np.testing.assert_allclose(found, said[number], rtol=1e-3, atol=1e-5)
            assert snapshot.tracks.target_class[k] == found.argmax()
            assert snapshot.tracks.class_probability[k] == found.max()
            compared += 1
    assert compared > 200


def watched(
    folder: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[object, list[Snapshot], list[tuple[Estimates, Looks]]]:
    """Run a scenario; note what the classification was given at each step."""
    world = world_of(folder, text)
    given: list[tuple[Estimates, Looks]] = []
    judge = TrackClasses.judge

    def spy(self: TrackClasses, states: Estimates, looks: object) -> np.ndarray:
        asked: list[Looks] = []

        def once() -> Looks:
            asked.append(looks())  # type: ignore[operator]
            return asked[0]

        found = judge(self, states, once)
        given.append((states, Looks.concatenate(asked)))
        return found

    monkeypatch.setattr(TrackClasses, "judge", spy)
    return world, list(run(world)), given


def test_a_run_classifies_as_one_classifier_per_track_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, snapshots, given = watched(tmp_path, changed(("seed: 7", "seed: 9")), monkeypatch)
    looks = Looks.concatenate([looks for _, looks in given])
    assert len(looks) > 150
    assert looks.silent.any()
    twin(world, snapshots, given)


@pytest.mark.parametrize("architecture", ["distributed", "stove-piped"])
def test_sites_report_their_looks_by_the_pictures_numbers(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = border(architecture, ("duration_s: 120", "duration_s: 60"))
    world, snapshots, given = watched(tmp_path, text, monkeypatch)
    looks = Looks.concatenate([looks for _, looks in given])
    shown = set().union(*(snapshot.tracks.number.tolist() for snapshot in snapshots))
    assert set(looks.number.tolist()) <= shown
    plots = sum(int((s.plots.truth_id != FALSE_ALARM).sum()) for s in snapshots)
    assert len(looks) > 0.6 * plots
    last = snapshots[-1].tracks
    assert (last.target_class[last.confirmed] >= 0).all()
    twin(world, snapshots, given)


def test_what_is_lost_with_a_report_is_not_told(tmp_path: Path) -> None:
    def looks_of(loss: str) -> int:
        world = world_of(
            tmp_path / loss,
            border("distributed", ("loss: 0}", f"loss: {loss}}}"), ("n_s: 120", "n_s: 40")),
        )
        state = world.start()
        assert isinstance(state.picture, DistributedPicture)
        silent = replace(world.setting, classes=())
        state.presenter = Presenter.of(replace(world, setting=silent))  # nobody else asks
        total = 0
        for _ in range(40):
            step(world, state)
            total += len(state.picture.looks())
        return total

    heard, some = looks_of("0"), looks_of("0.5")
    assert 0.3 * heard < some < 0.7 * heard


def test_classification_can_be_left_out(tmp_path: Path) -> None:
    text = changed(("tracker:", "picture: {classification: false}\ntracker:"))
    world = world_of(tmp_path, text)
    assert world.setting.classes == ()
    plain = world_of(tmp_path / "on")
    for off, on in zip(run(world), run(plain), strict=True):
        assert (off.tracks.target_class == -1).all()
        assert off.class_probabilities.shape == (len(off.tracks), 0)
        np.testing.assert_array_equal(off.tracks.position_enu_m, on.tracks.position_enu_m)
        if off.time_s == 20.0:
            break


def test_no_class_is_told_where_none_is_known() -> None:
    tracks = with_classes(
        replace(Tracks.empty(), number=np.array([1, 2], np.int32), **_rows(2)),
        np.array([[np.nan, np.nan], [0.2, 0.8]]),
    )
    assert tracks.target_class.tolist() == [-1, 1]
    np.testing.assert_array_equal(tracks.class_probability, [np.nan, 0.8])


def _rows(n: int) -> dict[str, np.ndarray]:
    none = Tracks.empty()
    return {
        name: np.zeros((n, *getattr(none, name).shape[1:]), getattr(none, name).dtype)
        for name in Tracks.__dataclass_fields__
        if name not in ("time_s", "number")
    }


def test_rejected_plots_are_counted_by_sensor() -> None:
    tracker = Tracker(TrackerConfig(), two_radars())
    good = [[10e3, 0.1, 0.1, 0.0]] * 5
    plots = Plots.of([1.0, 1.0, 1.0, np.nan, 1.0], [0, 1, 7, 1, -1], good, 0.01)
    plots.measurement[0, 0] = -5.0
    tracker.process(plots)
    counts = tracker.rejected_by_sensor
    assert tracker.rejected == Rejected(not_finite=1, out_of_range=1, unknown_sensor=2)
    assert counts.tolist() == [[0, 1, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 2, 0]]
