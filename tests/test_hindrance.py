"""What trackers are told of jammed and silent radars, and what they make of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_scenarios import TEXT, changed, world_of
from test_jamming import NOWHERE, at, jammer, radar, resting

from sim.core.tables import Floats, Plots
from sim.engine.hindrance import NO_NOISE, SECTORS, NoiseHeard, hindered, noise_db
from sim.engine.retracking import record_again
from sim.engine.session import record_run
from sim.record.recording import Recording
from sim.tracking import Poses, SensorModels, Tracker, TrackerConfig
from sim.tracking.policy import sensor_columns
from sim.tracking.sight import detection_probability
from sim.world.attackers import Attacker, Attackers

RANGE_M = 50e3


def models(sectors: int = 1, pfa: float = 1e-6) -> SensorModels:
    """A radar that sees its target at ``RANGE_M`` in nearly every look."""
    return replace(
        SensorModels.at_origin(period_s=2.0),
        snr_range_m=np.array([6 * RANGE_M]),
        false_alarm_probability=np.array([pfa]),
        noise=np.ones((1, sectors)),
    )


def pd(sensors: SensorModels, place: Floats) -> float:
    columns = sensor_columns(TrackerConfig(), sensors)
    return float(detection_probability(0, place, columns, 0.9))


def test_noise_lowers_detection_where_it_comes_from() -> None:
    sensors = models(4)
    sensors.noise[0] = [1.0, 100.0, np.inf, 1e9]
    for turn, noise in zip((45.0, 135.0, 225.0, 315.0), sensors.noise[0], strict=True):
        place = RANGE_M * np.array([np.sin(np.radians(turn)), np.cos(np.radians(turn)), 0.0])
        snr = 6.0**4 / noise
        expected = 0.0 if np.isinf(noise) else 1e-6 ** (1.0 / (1.0 + snr))
        assert pd(sensors, place) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("sectors", [1, SECTORS])
@pytest.mark.parametrize("association", ["jipda", "gnn"])
def test_a_track_outlives_the_silence_that_its_radar_admits(association: str, sectors: int) -> None:
    config = TrackerConfig.model_validate({"association": association, "coast_max_s": 10})
    told, untold = (Tracker(config, models(sectors)) for _ in range(2))
    rng = np.random.default_rng(3)
    sigma = np.array([20.0, 0.002, 0.003])
    for step in range(50):
        time_s = 2.0 * (step + 1)
        plots = Plots.empty()
        if step < 25:
            exact = np.array([[RANGE_M - 100.0 * time_s, 1.0, 0.1]])
            noisy = exact + sigma * rng.standard_normal((1, 3))
            plots = Plots.of(np.array([time_s - 0.5]), 0, noisy, sigma)
        loud = np.full((1, sectors), 0.0 if step < 25 else np.inf)
        one = np.zeros(1, np.int32)
        pose = Poses(one, np.ones(1, bool), np.zeros((1, 3)), np.eye(3)[None], np.zeros(1), loud)
        told.move_sensors(pose)
        for tracker in (told, untold):
            tracker.process(plots, time_s)
        if step == 24:
            assert told.picture().confirmed.sum() == untold.picture().confirmed.sum() == 1
    assert untold.picture().confirmed.sum() == 0
    assert told.picture().confirmed.sum() == 1


def test_a_radar_knows_its_noise_by_azimuth() -> None:
    own = radar(emission_control=[[100, 200]])
    targets = resting([at(60.0, 120e3, 9e3), at(200.0, 90e3, 6e3)])
    targets.attackers = Attackers(noise=(Attacker(jammer(), 0, NOWHERE),))
    azimuth = np.radians(np.arange(SECTORS) + 0.5)
    found = own.noise_db(targets, 0.0, azimuth)  # type: ignore[arg-type]
    polar, _ = own.receiver.polar(targets.truth(0.0).position_enu_m, np.zeros((2, 3)))
    # Looks at places at the jammer's elevation, one for each azimuth.
    level = np.stack([np.sin(azimuth), np.cos(azimuth), 0 * azimuth], axis=1)
    local = 40e3 * (np.cos(polar[0, 2]) * level + np.sin(polar[0, 2]) * np.array([0, 0, 1.0]))
    places = own.origin_enu_m + local @ own.enu_R_sensor.T
    factor = own.receiver.noise_factor(
        targets,  # type: ignore[arg-type]
        np.zeros(SECTORS),
        places,
        np.zeros((SECTORS, 3)),
    )
    np.testing.assert_allclose(found, 10 * np.log10(factor), atol=0.1)
    assert np.degrees(azimuth[found.argmax()]) == pytest.approx(60.0, abs=1.0)
    assert found.max() > found.min() + 20.0
    told = noise_db([own], np.zeros(1, np.int32), targets, 0.0)  # type: ignore[arg-type]
    np.testing.assert_allclose(told[0], found, atol=0.051)
    silent = noise_db([own], np.zeros(1, np.int32), targets, 150.0)  # type: ignore[arg-type]
    assert np.isposinf(silent).all()


def test_only_those_that_something_hinders_are_asked() -> None:
    targets = resting([at(60.0, 120e3, 9e3)])
    free, quiet = radar(), radar(emission_control=[[1, 2]])
    assert hindered([free, quiet], targets).tolist() == [1]  # type: ignore[arg-type]
    assert noise_db([free], np.empty(0, np.int32), targets, 0.0) is NO_NOISE  # type: ignore[arg-type]
    targets.attackers = Attackers(noise=(Attacker(jammer(), 0, NOWHERE),))
    assert hindered([free, quiet], targets).tolist() == [0, 1]  # type: ignore[arg-type]


JAMMED = changed(
    ("  - id: pair\n", "  - id: pair\n    jammer: {preset: self-screening-jammer}\n"),
    ("id: mobile}", "id: mobile, strobes: true, emission_control: [[20, 32]]}"),
    text=TEXT,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("jammed")
    return record_run(world_of(where, JAMMED), where / "run", lambda _: None).folder


def test_a_recording_tells_what_noise_there_was(folder: Path) -> None:
    recording = Recording.open(folder)
    assert recording.hindered.tolist() == [0, 2]
    noise = recording.snapshot(10.0).sensor_noise_db
    assert noise.shape == (3, SECTORS)
    assert 0.0 < noise[0].max() < np.inf
    assert not noise[1].any()
    assert 0.0 < noise[2].max() < np.inf
    silent = recording.snapshot(25.0).sensor_noise_db
    assert np.isposinf(silent).all(axis=1).tolist() == [True, False, False]
    assert np.isfinite(recording.snapshot(40.0).sensor_noise_db).all()


def test_tracked_anew_the_same_comes_out_without_knowing_who_jams(
    folder: Path, tmp_path: Path
) -> None:
    recording, world = Recording.open(folder), world_of(tmp_path, JAMMED)
    record_again(recording, world.spec, tmp_path / "again", lambda _: None)
    for name in ("tracks", "sensor_noise"):
        file = f"{name}.parquet"
        assert (folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes(), name


def test_noise_is_read_where_and_when_a_plot_was_made() -> None:
    noise = NoiseHeard(keep_s=10.0)
    for end_s, quarter_db in ((1.0, 20.0), (2.0, np.inf), (30.0, 7.0), (31.0, 0.0)):
        told = Poses(
            sensor=np.array([1], np.int32),
            on=np.ones(1, np.bool_),
            origin_enu_m=np.zeros((1, 3)),
            enu_R_sensor=np.eye(3)[None],
            height_m=np.zeros(1),
            noise_db=np.array([[0.0, quarter_db, 3.0, 0.0]]),
        )
        noise.hear(told, end_s)
        if end_s == 2.0:
            heard = noise.at(plots_of((0.5, 1, 100.0), (0.5, 0, 100.0), (0.5, 1, 200.0)))
            np.testing.assert_allclose(heard, [20.0, 0.0, 3.0])
            # What falls silent has made its plots before.
            np.testing.assert_allclose(noise.at(plots_of((2.0, 1, 100.0))), [0.0])
    # The step's noise, its end included; what is too old is forgotten.
    late = noise.at(plots_of((30.0, 1, 100.0), (30.5, 1, 100.0), (1.0, 1, 100.0)))
    np.testing.assert_allclose(late, [7.0, 0.0, 7.0])
    noise.hear(None, 32.0)
    assert NoiseHeard(1.0).at(plots_of((1.0, 0, 0.0))).tolist() == [0.0]


def plots_of(*rows: tuple[float, int, float]) -> Plots:
    """Return plots of given times, sensors and azimuths in degrees."""
    return Plots.concatenate(
        [
            Plots.of(time_s, sensor, [[1e4, np.radians(turn), 0.1]], [10.0, 0.01, 0.01])
            for time_s, sensor, turn in rows
        ]
    )
