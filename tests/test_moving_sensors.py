"""Trackers whose sensors move: as if a new sensor stood at each place; whole runs of these."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from moving_scenarios import BEARINGS, TEXT
from small_scenarios import world_of

from sim.core.tables import AZIMUTH, Floats, Ints, Plots
from sim.engine.platforms import Platforms
from sim.engine.retracking import record_again
from sim.engine.session import record_run
from sim.engine.step import run
from sim.engine.world import World
from sim.record.recording import Recording
from sim.scenario.errors import ScenarioError
from sim.tracking import Poses, SensorModels, Tracker, TrackerConfig
from sim.tracking.registration import Registration, RegistrationSettings

STEPS = 40
PERIOD_S = 2.0


def path_enu_m() -> Floats:
    """Where the sensor is at the end of each step: 200 m/s, turning."""
    angle = 0.02 * np.arange(STEPS)
    return np.cumsum(400.0 * np.column_stack([np.cos(angle), np.sin(angle), 0 * angle]), axis=0)


def poses_at(step: int, sensor: int = 0) -> Poses:
    place = path_enu_m()[step : step + 1]
    one = np.array([sensor], np.int32)
    return Poses(one, np.ones(1, bool), place, np.eye(3)[None], np.zeros(1))


def standing_models() -> SensorModels:
    """One sensor for each step, where the moving one is then."""
    one = SensorModels.at_origin(period_s=PERIOD_S)
    return SensorModels(
        origin_enu_m=path_enu_m(),
        enu_R_sensor=np.tile(np.eye(3), (STEPS, 1, 1)),
        height_m=np.zeros(STEPS),
        period_s=np.full(STEPS, PERIOD_S),
        measures=np.repeat(one.measures, STEPS, axis=0),
        clutter_density=np.full(STEPS, one.clutter_density[0]),
    )


def plots_of(step: int, rng: np.random.Generator) -> Plots:
    """What is measured of three targets on straight lines in one step."""
    start = np.array([[30e3, 10e3, 5e3], [-20e3, 25e3, 3e3], [8e3, -30e3, 8e3]])
    velocity = np.array([[-150.0, 60.0, 0.0], [120.0, 20.0, 0.0], [0.0, 200.0, 0.0]])
    time_s = PERIOD_S * (step + 1) - np.array([1.5, 0.9, 0.2])
    east, north, up = (start + velocity * time_s[:, None] - path_enu_m()[step]).T
    distance = np.sqrt(east**2 + north**2 + up**2)
    exact = np.column_stack([distance, np.arctan2(east, north), np.arcsin(up / distance)])
    sigma = np.array([20.0, 0.002, 0.003])
    return Plots.of(time_s, 0, exact + sigma * rng.standard_normal(exact.shape), sigma)


def states(tracker: Tracker) -> tuple[Ints, Floats, Floats]:
    picture = tracker.picture()
    return picture.number, picture.position_enu_m, picture.position_covariance_m2


@pytest.mark.parametrize("engine", ["numba", "filterpy"])
def test_a_moving_sensor_is_a_new_one_at_every_place(engine: str) -> None:
    config = TrackerConfig.model_validate({"engine": engine})
    moving = Tracker(config, SensorModels.at_origin(period_s=PERIOD_S))
    standing = Tracker(config, standing_models())
    rng = np.random.default_rng(1)
    for step in range(STEPS):
        plots = plots_of(step, rng)
        moving.move_sensors(poses_at(step))
        moving.process(plots, PERIOD_S * (step + 1))
        there = replace(plots, sensor=np.full(len(plots), step, np.int32))
        standing.process(there, PERIOD_S * (step + 1))
    assert moving.picture().confirmed.sum() == 3
    for one, other in zip(states(moving), states(standing), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_late_plot_is_taken_where_its_sensor_was() -> None:
    """The second step's plots come three steps late, when the sensor is a kilometre on."""
    config = TrackerConfig(lag_s=10.0)
    in_order, late = (Tracker(config, SensorModels.at_origin(period_s=PERIOD_S)) for _ in range(2))
    rng = np.random.default_rng(2)
    kept = Plots.empty()
    for step in range(12):
        plots = plots_of(step, rng)
        for tracker in (in_order, late):
            tracker.move_sensors(poses_at(step))
        in_order.process(plots, PERIOD_S * (step + 1))
        if step == 5:
            plots, kept = Plots.empty(), plots
        if step == 8:
            plots = Plots.concatenate([kept, plots])
        late.process(plots, PERIOD_S * (step + 1))
    assert late.rejected.total == 0
    for one, other in zip(states(late), states(in_order), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)


def test_a_tracker_moves_its_own_sensors_only() -> None:
    shared = SensorModels.at_origin(period_s=PERIOD_S)
    one, other = Tracker(TrackerConfig(), shared), Tracker(TrackerConfig(), shared)
    off = replace(poses_at(7), on=np.zeros(1, bool))
    one.move_sensors(poses_at(7))
    one.move_sensors(off)
    np.testing.assert_array_equal(one.sensors.origin_enu_m[0], path_enu_m()[7])
    assert one.sensors.range_max_m[0] == 0.0
    for models in (shared, other.sensors):
        np.testing.assert_array_equal(models.origin_enu_m, np.zeros((1, 3)))
        assert models.range_max_m[0] == np.inf


def test_registration_remembers_where_a_waiting_plot_was_made() -> None:
    one = SensorModels.at_origin(period_s=PERIOD_S)
    both = SensorModels(
        np.zeros((2, 3)), np.tile(np.eye(3), (2, 1, 1)), np.zeros(2), np.full(2, PERIOD_S),
        np.repeat(one.measures, 2, axis=0), np.full(2, 1e-8),
    ).movable()  # fmt: skip
    registration = Registration(both, RegistrationSettings(references=(0,)))
    target, sigma = np.array([9e3, 40e3, 2e3]), np.array([[10.0, 1e-3, 1e-3, np.nan]])
    rng = np.random.default_rng(0)
    for step in range(30):
        time_s = 10.0 * step
        for sensor, gap_s in ((1, 0.0), (0, 0.5)):
            if sensor == 1:
                both.place(poses_at(step % STEPS, sensor=1), np.full(2, np.inf))
            east, north, up = target - both.origin_enu_m[sensor]
            distance = np.linalg.norm([east, north, up])
            polar = [distance, np.arctan2(east, north), np.arcsin(up / distance), np.nan]
            measured = np.array([polar]) + sigma * rng.standard_normal((1, 4))
            measured[0, AZIMUTH] += 0.005 * sensor
            registration.learn(
                np.array([time_s + gap_s]), np.array([sensor]), measured, sigma,
                np.array([1]), np.zeros((1, 3)),
            )  # fmt: skip
            # Before the partner's plot comes, the sensor is elsewhere.
            both.place(poses_at((step + 9) % STEPS, sensor=1), np.full(2, np.inf))
    biases = registration.biases()
    assert biases.pairs[1] == 30
    assert abs(biases.value[1, AZIMUTH] - 0.005) < 4 * biases.sigma[1, AZIMUTH] < 0.002


# ---- whole runs ----

LATE = TEXT.replace(
    "sites:", "networks: [{id: slow, latency_s: 1.7}, {id: quick, latency_s: 0.4}]\nsites:"
)
LATE = LATE.replace("    aboard: frigate", "    network: slow\n    aboard: frigate")
LATE = LATE.replace("    aboard: patrol-plane", "    network: quick\n    aboard: patrol-plane")
RUNS = {
    "centralised": TEXT,
    "late": LATE,
    "distributed": TEXT + "tracker: {architecture: distributed}\n",
    "stove-piped": TEXT + "tracker: {architecture: stove-piped}\n",
    "imm": TEXT + "tracker: {filter: imm, association: jipda}\n",
    "registered": TEXT + "tracker: {registration: true, reference_sensors: [ship-radar]}\n",
    "bearings": BEARINGS,
}


def nees(world: World, since_s: float, seeds: int = 2) -> Floats:
    """Squared errors of confirmed tracks' positions, by their covariances."""
    found = []
    for seed in range(seeds):
        for snapshot in run(world, world.start(seed)):
            if snapshot.time_s < since_s:
                continue
            tracks = snapshot.tracks.take(snapshot.tracks.confirmed)
            apart = tracks.position_enu_m[:, None] - snapshot.truth.position_enu_m[None]
            distance_m = np.linalg.norm(apart, axis=2)
            rows = np.arange(len(tracks))
            nearest = np.nanargmin(distance_m, axis=1)
            error = apart[rows, nearest]
            inverse = np.linalg.inv(tracks.position_covariance_m2)
            square = np.einsum("ki,kij,kj->k", error, inverse, error)
            found.append(square[distance_m[rows, nearest] < 5e3])  # the others are ghosts
    return np.concatenate(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_tracks_of_moving_sensors_are_as_good_as_they_claim(name: str, tmp_path: Path) -> None:
    """Three components: 3 on average for an exact filter, less for targets that do not turn."""
    squares = nees(world_of(tmp_path, RUNS[name]), since_s=40.0)
    assert squares.size >= 80
    assert 0.3 < squares.mean() < 4.0


@pytest.mark.slow
def test_a_tracker_that_is_not_told_of_the_motion_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Platforms, "poses", lambda self, sensors, places, noise_db: None)
    assert nees(world_of(tmp_path, TEXT), since_s=40.0, seeds=1).mean() > 20.0


def test_sensors_go_where_their_carriers_go_and_off_with_them(tmp_path: Path) -> None:
    early = TEXT.replace("54.10, longitude_deg: 5.00", "54.004, longitude_deg: 5.00")
    world = world_of(tmp_path, early)  # the frigate's path ends after half a minute
    ship, plane = 0, 1
    rows = [world.targets.ids.index(name) for name in ("frigate", "patrol-plane")]
    for snapshot in run(world):
        places, truth = snapshot.sensor_position_enu_m, snapshot.truth
        off = not truth.present[rows[ship]]
        assert np.isnan(places[ship, 0]) == off
        assert not (off and (snapshot.plots.sensor == ship).any())
        if not off:
            height = world.frame.height_m_of(places[ship])
            assert height - world.frame.height_m_of(truth.position_enu_m[rows[ship]]) == (
                pytest.approx(25.0, abs=1e-6)
            )
        np.testing.assert_allclose(places[plane], truth.position_enu_m[rows[plane]])
        for sensor, carrier in zip((ship, plane), rows, strict=True):
            own = snapshot.plots.truth_id[snapshot.plots.sensor == sensor]
            assert carrier not in own
    assert off


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("moving")
    world = world_of(where, LATE)
    return record_run(world, where / "run", lambda _: None).folder


def test_a_recording_tells_where_the_sensors_were(folder: Path) -> None:
    recording = Recording.open(folder)
    assert [sensor.carrier for sensor in recording.setting.sensors] == ["frigate", "patrol-plane"]
    for time_s in (1.0, 37.0, 90.0):
        snapshot = recording.snapshot(time_s)
        ids = [target.id for target in recording.setting.targets]
        plane = snapshot.truth.position_enu_m[ids.index("patrol-plane")]
        np.testing.assert_array_equal(snapshot.sensor_position_enu_m[1], plane)


def test_tracked_anew_the_same_comes_out(folder: Path, tmp_path: Path) -> None:
    """Without the carriers' truth: the recording tells where the sensors were."""
    recording = Recording.open(folder)
    world = world_of(tmp_path, LATE)
    record_again(recording, world.spec, tmp_path / "again", lambda _: None)
    again = Recording.open(tmp_path / "again")
    for name in ("tracks", "sensor_places"):
        one, other = recording.table(name), again.table(name)
        assert one.schema == other.schema
        for column, twin in zip(one.itercolumns(), other.itercolumns(), strict=True):
            np.testing.assert_array_equal(column.to_pylist(), twin.to_pylist())


def test_smoothing_knows_where_the_sensors_were(folder: Path, tmp_path: Path) -> None:
    recording = Recording.open(folder)
    world = world_of(tmp_path, LATE)
    again = record_again(recording, world.spec, tmp_path / "smooth", lambda _: None, smooth=True)
    assert again.filtered is not None
    assert again.smoothed_tracks >= 3
    judged = (again.filtered, again.outcome.metrics)
    before, after = (metrics["siap"]["position_accuracy_m"] for metrics in judged)
    assert after < before


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    world = world_of(tmp_path, LATE)
    other = record_run(world, tmp_path / "run", lambda _: None).folder
    for name in ("plots", "tracks", "sensor_places"):
        file = f"{name}.parquet"
        assert (folder / file).read_bytes() == (other / file).read_bytes(), name


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("aboard: frigate", "aboard: frigat", "no target has the id `frigat`"),
        (
            "    aboard: frigate",
            "    position: {latitude_deg: 54, longitude_deg: 5}\n    aboard: frigate",
            "exactly one of position, along and aboard",
        ),
        ("    aboard: frigate\n    mast_m: 25\n", "", "exactly one of position, along and aboard"),
        (
            "    aboard: frigate\n",
            "    position: {latitude_deg: 54, longitude_deg: 5}\n",
            "mast_m needs aboard",
        ),
        (
            "  - id: frigate\n",
            "  - id: frigate\n    count: 2\n    spread: {radius_m: 900}\n",
            "`frigate` are 2 targets",
        ),
    ],
)
def test_a_carrier_that_is_none_is_refused(old: str, new: str, words: str, tmp_path: Path) -> None:
    assert TEXT.count(old) == 1
    with pytest.raises(ScenarioError) as refused:
        world_of(tmp_path, TEXT.replace(old, new))
    assert any(words in problem.message for problem in refused.value.problems)
