"""Whole runs: chance, what depends on what, and what the tracker may know."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import stage
from small_scenarios import (
    FURTHER_TARGET,
    THIRD_SITE,
    Run,
    changed,
    recorded,
    world_of,
)

import sim.engine.recorder
from sensors.radar import Radar, RadarSpec
from sensors.scene import Scene
from sim.core.tables import FALSE_ALARM, Plots, Snapshot, Tracks, Truth, Visibility
from sim.engine.build import build
from sim.engine.sensor_models import EXPECTED_RCS_M2, sensor_models
from sim.engine.session import new_run_folder, record_run
from sim.engine.step import run
from sim.engine.world import World
from sim.record.recording import Recording
from sim.record.writer import RunWriter
from sim.scenario.loader import load
from sim.tracking import Tracker, TrackerConfig
from sim.tracking.policy import sensor_columns
from sim.tracking.sight import detection_probability
from sim.world.attackers import Attackers
from sim.world.chance import Chance
from sim.world.frames import Frame

TABLES = ("truth", "plots", "tracks", "events")
FILES = (*(f"{name}.parquet" for name in TABLES), "metrics.json", "scenario.resolved.yaml")
SHORT = ("duration_s: 75", "duration_s: 30")


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded(tmp_path_factory.mktemp("first"))


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def plots_by_sensor(world: World) -> dict[str, Plots]:
    """All plots of a run, by the sensor's id, without its index."""
    plots = Plots.concatenate([snapshot.plots for snapshot in run(world)])
    return {
        sensor.id: replace(
            plots.take(plots.sensor == sensor.index),
            sensor=np.zeros((plots.sensor == sensor.index).sum(), np.int32),
        )
        for sensor in world.sensors
    }


def assert_same(one: Plots | Tracks, other: Plots | Tracks) -> None:
    for field in fields(one):
        np.testing.assert_array_equal(
            getattr(one, field.name), getattr(other, field.name), field.name
        )


def test_the_small_scenario_has_something_to_show(first: Run) -> None:
    last = first.snapshots[-1]
    assert first.outcome.complete
    assert first.outcome.simulated_s == last.time_s == 75.0
    assert last.tracks.confirmed.sum() >= 5
    assert sum(len(s.plots) for s in first.snapshots) > 300


def test_same_seed_same_bytes(first: Run, tmp_path: Path) -> None:
    assert contents(recorded(tmp_path).folder) == contents(first.folder)


def test_another_seed_gives_other_plots_of_the_same_flights(first: Run, tmp_path: Path) -> None:
    other = recorded(tmp_path, changed(("seed: 7", "seed: 8")))
    assert (other.folder / "plots.parquet").read_bytes() != contents(first.folder)["plots.parquet"]
    one, two = first.snapshots[-1].plots, other.snapshots[-1].plots
    assert len(one) != len(two) or (one.measurement != two.measurement).any()
    planned = [k for k, group in enumerate(first.world.targets.groups) if group != "visitor"]
    for a, b in zip(first.snapshots, other.snapshots, strict=True):
        np.testing.assert_array_equal(
            a.truth.position_enu_m[planned], b.truth.position_enu_m[planned]
        )


def test_a_world_can_be_run_again_and_under_another_index(first: Run) -> None:
    again = list(run(first.world))
    for a, b in zip(first.snapshots, again, strict=True):
        assert_same(a.plots, b.plots)
        assert_same(a.tracks, b.tracks)
    other = Plots.concatenate(
        [snapshot.plots for snapshot in run(first.world, first.world.start(1))]
    )
    one = Plots.concatenate([snapshot.plots for snapshot in again])
    assert not np.isin(one.measurement[:, 0], other.measurement[:, 0]).any()


def test_chance_goes_by_seed_run_and_name() -> None:
    def draw(seed: int, run_index: int, name: str) -> float:
        return float(Chance(seed, run_index).generator(name).random())

    keys = list(product((1, 2), (0, 1), ("sensor/a", "sensor/b", "link/a")))
    draws = [draw(*key) for key in keys]
    assert len(set(draws)) == len(keys)
    assert [draw(*key) for key in keys] == draws


PRESETS = (
    "long-range-3d",
    "mobile-multi-mission",
    "ship-radar",
    "airport-surveillance",
    "coastal-surveillance",
    "drone-radar",
)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_tracker_knows_how_well_a_radar_sees(preset: str) -> None:
    """Against the radar's own answer for the targets that the tracker expects."""
    frame = Frame.at(np.radians(52.0), np.radians(5.0), 0.0)
    given = {"kind": "radar", "id": "r", "preset": preset}
    radar = stage.build(RadarSpec.model_validate(given), frame).in_free_space()
    columns = sensor_columns(TrackerConfig(), sensor_models([radar], stage.surroundings(frame)))
    assert columns.rotates[0]
    chance = np.random.default_rng(1)
    n = 3000
    range_m = chance.uniform(0.0, 1.1, n) * radar.range_max_m
    azimuth, elevation = chance.uniform(0.0, 2.0 * np.pi, n), chance.uniform(-0.2, 1.5, n)
    elevation[: n // 2] *= 0.1
    level = range_m * np.cos(elevation)
    place = np.column_stack(
        [level * np.sin(azimuth), level * np.cos(azimuth), 20.0 + range_m * np.sin(elevation)]
    )
    there = Truth(0.0, place, np.zeros((n, 3)), np.ones(n, np.bool_))
    targets: Any = SimpleNamespace(
        signatures=stage.signatures(n, rcs_m2=EXPECTED_RCS_M2, swerling=1), attackers=Attackers()
    )
    exact, code = radar.visibility(targets, there)
    known = np.array([detection_probability(0, x, columns, math.nan) for x in place])
    hidden = code == Visibility.BELOW_HORIZON
    assert (known[hidden] > 0.0).sum() <= 0.1 * hidden.sum()
    assert (known[~hidden] > 0.0).sum() > 300
    np.testing.assert_allclose(
        known[~hidden], exact[~hidden], atol=0.06 if radar.pulses > 1 else 1e-9
    )


def test_the_tracker_knows_the_sector_of_a_staring_radar() -> None:
    frame = Frame.at(np.radians(52.0), np.radians(5.0), 0.0)
    given = {"kind": "radar", "preset": "drone-radar"}
    stare = {"id": "s", "update_s": 1.0, "azimuth_deg": 350.0, "sector_deg": 60.0}
    radars = [
        stage.build(RadarSpec.model_validate(given | how), frame, np.zeros(3), index=k)
        for k, how in enumerate((stare, {"id": "t"}))
    ]
    columns = sensor_columns(TrackerConfig(), sensor_models(radars, stage.surroundings(frame)))
    assert columns.rotates.tolist() == [False, True]
    for azimuth_deg in range(0, 360, 3):
        azimuth = math.radians(azimuth_deg + 0.5)
        place = 2000.0 * np.array([math.sin(azimuth), math.cos(azimuth), 0.1])
        inside = abs((azimuth_deg + 0.5 - 350.0 + 180.0) % 360.0 - 180.0) <= 30.0
        seen = [detection_probability(s, place, columns, math.nan) > 0.0 for s in (0, 1)]
        assert seen == [inside, True]


def test_the_tracker_knows_what_a_radar_measures_and_resolves(first: Run) -> None:
    models = first.world.models
    assert models.resolution[1, 2:].tolist() == [0.0, 0.0], "neither elevation nor range rate"
    np.testing.assert_array_equal(models.resolution > 0.0, models.measures)
    np.testing.assert_allclose(models.resolution[0, 0], 150.0)
    np.testing.assert_allclose(models.resolution[1, 1], np.radians(1.4))
    assert models.horizon.all()


CROWD = """\
  - id: crowd
    class: airliner
    count: 2600
    spread: {radius_m: 90000, height_m: 4000}
    route:
      - {latitude_deg: 52.00, longitude_deg: 5.00, height_m: 5000, speed_mps: 200}
      - {latitude_deg: 51.00, longitude_deg: 5.00, height_m: 5000}
"""


@pytest.mark.slow
def test_threads_and_processes_change_nothing(tmp_path: Path) -> None:
    """With so many tracks that the kernels do use all threads they are given."""
    path = tmp_path / "crowded.yaml"
    path.write_text(changed(("protect:\n", CROWD + "protect:\n"), ("s: 75", "s: 12")))
    program = (
        "import sys, numba\nfrom sim.cli import main\n"
        "assert numba.get_num_threads() == int(sys.argv.pop(1))\nmain()"
    )
    made = []
    for threads in (1, 2):
        out = tmp_path / str(threads)
        subprocess.run(
            [sys.executable, "-c", program, str(threads), "run", path, "--quiet", "--out", out],
            env=os.environ | {"NUMBA_NUM_THREADS": str(threads)},
            check=True,
            timeout=300,
        )
        made.append(contents(out))
    assert made[0] == made[1]
    time_s = pq.read_table(tmp_path / "1" / "tracks.parquet")["time_s"].to_numpy()
    assert np.count_nonzero(time_s == 12.0) > 2000


@pytest.mark.parametrize("before", ["  - id: hill\n", "  - id: airport\n", "targets:\n"])
def test_a_further_sensor_leaves_the_others_plots_alone(before: str, tmp_path: Path) -> None:
    expected = plots_by_sensor(world_of(tmp_path, changed(SHORT)))
    found = plots_by_sensor(world_of(tmp_path, changed(SHORT, (before, THIRD_SITE + before))))
    assert len(found.pop("third")) > 20
    assert found.keys() == expected.keys()
    for sensor, plots in expected.items():
        assert len(plots) > 20
        assert_same(plots, found[sensor])


@pytest.mark.parametrize("before", ["  - id: airliner\n", "  - id: visitor\n", "protect:\n"])
def test_a_further_target_leaves_the_others_truth_alone(before: str, tmp_path: Path) -> None:
    alone = world_of(tmp_path, changed(SHORT)).targets
    joined = world_of(tmp_path, changed(SHORT, (before, FURTHER_TARGET + before))).targets
    assert set(joined.ids) - set(alone.ids) == {"helicopter/1", "helicopter/2"}
    rows = [joined.ids.index(target) for target in alone.ids]
    for time_s in np.arange(0.0, 75.0, 2.5):
        expected, found = alone.truth(time_s), joined.truth(time_s)
        np.testing.assert_array_equal(expected.position_enu_m, found.position_enu_m[rows])
        np.testing.assert_array_equal(expected.velocity_enu_mps, found.velocity_enu_mps[rows])
        np.testing.assert_array_equal(expected.present, found.present[rows])


def altered(monkeypatch: pytest.MonkeyPatch, alter: Callable[[Plots], Plots]) -> None:
    """Change what every radar reports."""
    observe = Radar.observe
    monkeypatch.setattr(Radar, "observe", lambda *given: alter(observe(*given)))


def test_permuted_truth_changes_no_track(first: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(3)
    swaps = 0

    def permuted(plots: Plots) -> Plots:
        nonlocal swaps
        lie = chance.permutation(plots.truth_id)
        swaps += int((lie != plots.truth_id).sum())
        return replace(plots, truth_id=lie)

    altered(monkeypatch, permuted)
    for honest, lying in zip(first.snapshots, run(first.world), strict=True):
        assert_same(honest.tracks, lying.tracks)
    assert swaps > 100


def test_the_tracker_gets_every_plot_without_its_truth(
    first: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Plots] = []
    process = Tracker.process

    def spy(self: Tracker, plots: Plots, until_s: float | None = None) -> None:
        given.append(plots)
        process(self, plots, until_s)

    monkeypatch.setattr(Tracker, "process", spy)
    made = Plots.concatenate([snapshot.plots for snapshot in run(first.world)])
    received = Plots.concatenate(given)
    assert (made.truth_id != FALSE_ALARM).sum() > 200
    assert (received.truth_id == FALSE_ALARM).all()
    assert_same(made.without_truth(), received)


def test_broken_plots_are_counted_and_harm_nothing(
    first: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = 0

    def with_broken_one(plots: Plots) -> Plots:
        nonlocal added
        if len(plots) == 0:
            return plots
        added += 1
        one = plots.take(np.array([0]))
        return Plots.concatenate([plots, replace(one, measurement=one.measurement * np.nan)])

    altered(monkeypatch, with_broken_one)
    for honest, broken in zip(first.snapshots, run(first.world), strict=True):
        assert_same(honest.tracks, broken.tracks)
        assert broken.rejected == added
    assert honest.rejected == 0
    assert added > 50


def test_every_target_is_judged_at_its_best_sensor(first: Run) -> None:
    world = first.world
    for snapshot in first.snapshots[::10]:
        looks = [sensor.visibility(world.targets, snapshot.truth) for sensor in world.sensors]
        for target in range(len(world.targets)):
            pd = [float(look[0][target]) for look in looks]
            code = [int(look[1][target]) for look in looks]
            best = max(range(len(looks)), key=lambda s: (pd[s], code[s], -s))
            assert snapshot.detectability[target] == pd[best]
            assert snapshot.visibility[target] == code[best]
            if snapshot.truth.present[target]:
                assert snapshot.best_sensor[target] == best


@pytest.mark.parametrize(
    ("interval_s", "cycle_s", "step_s"),
    [(1.0, 1.0, 1.0), (2.5, 1.0, 2.5 / 3), (0.5, 1.0, 0.5), (10.0, 0.1, 0.1)],
)
def test_steps_divide_the_recording_interval(
    interval_s: float, cycle_s: float, step_s: float, tmp_path: Path
) -> None:
    text = changed(("tracker: {", f"record: {{interval_s: {interval_s}}}\ntracker: {{"))
    world = world_of(tmp_path, text.replace("tracker: {", f"tracker: {{cycle_s: {cycle_s}, "))
    assert world.step_s == pytest.approx(step_s, rel=1e-12)
    assert world.step_s * world.record_every == pytest.approx(interval_s, rel=1e-12)


@pytest.mark.parametrize(("duration_s", "steps"), [(0.4, 0), (1.5, 1), (2.5, 2), (3.9, 3), (4, 4)])
def test_a_run_never_passes_its_end(duration_s: float, steps: int, tmp_path: Path) -> None:
    world = world_of(tmp_path, changed(("duration_s: 75", f"duration_s: {duration_s}")))
    assert [s.time_s for s in run(world)] == [k + 1.0 for k in range(steps)]


def test_a_run_of_no_step_is_judged_too(tmp_path: Path) -> None:
    done = recorded(tmp_path, changed(("duration_s: 75", "duration_s: 0.4")))
    assert done.outcome.complete
    assert done.outcome.metrics["steps"] == 0
    assert not done.outcome.criteria_met


def test_ctrl_c_stops_in_good_order(tmp_path: Path) -> None:
    def interrupt(snapshot: Snapshot) -> None:
        if snapshot.time_s == 20.0:
            raise KeyboardInterrupt

    outcome = record_run(world_of(tmp_path), tmp_path / "run", interrupt)
    assert (outcome.complete, outcome.simulated_s) == (False, 20.0)
    assert outcome.metrics["steps"] == 20
    assert pq.read_table(outcome.folder / "truth.parquet")["time_s"].to_numpy().max() == 20.0


@pytest.mark.parametrize(("presses", "last_s"), [(1, 20.0), (2, 19.0)])
def test_the_first_ctrl_c_lets_the_step_end(
    presses: int, last_s: float, first: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raised in the middle of a step it could be lost; only a second one is."""
    observe = Radar.observe

    def pressing(self: Radar, scene: Scene, rng: Any) -> Plots:
        if scene.end.time_s == 20.0 and self.index == 0:
            for _ in range(presses):
                signal.raise_signal(signal.SIGINT)
        return observe(self, scene, rng)

    monkeypatch.setattr(Radar, "observe", pressing)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        outcome = record_run(first.world, tmp_path / "run", lambda _: None)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert (outcome.complete, outcome.simulated_s) == (False, last_s)
    found = Recording.open(tmp_path / "run")
    assert found.state == "stopped"
    assert found.times_s[-1] == last_s
    assert_same(found.plots, Plots.concatenate([s.plots for s in first.snapshots[: int(last_s)]]))


def test_a_run_may_have_a_thread_of_its_own(first: Run, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(record_run, first.world, tmp_path / "run", lambda _: None).result()
    assert outcome.complete
    assert contents(outcome.folder) == contents(first.folder)


def test_run_folders_do_not_clash(tmp_path: Path) -> None:
    taken = set()
    for _ in range(4):
        folder = new_run_folder(tmp_path / "runs", 5)
        assert folder.parent == tmp_path / "runs"
        assert folder.name.partition("-")[2].startswith("5")
        assert folder not in taken
        folder.mkdir(parents=True)
        taken.add(folder)


def test_a_missing_git_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert sim.engine.recorder._commit() is None


@pytest.mark.slow
def test_both_engines_agree_on_the_flagship_scenario(tmp_path: Path) -> None:
    loaded = load("f35-arrival-florennes")
    tables: list[pa.Table] = []
    for engine in ("numba", "filterpy"):
        spec = loaded.spec.model_copy(
            update={
                "tracker": loaded.spec.tracker.model_copy(
                    update={"engine": engine, "merge_distance": 0.0}
                ),
                "time": loaded.spec.time.model_copy(update={"duration_s": 90.0}),
            }
        )
        world = build(replace(loaded, spec=spec))
        writer = RunWriter(tmp_path / engine, world.setting, {}, spec.record.interval_s)
        for snapshot in run(world):
            writer.add(snapshot)
        writer.close(90.0, complete=True)
        tables.append(pq.read_table(tmp_path / engine / "tracks.parquet"))
    one, other = tables
    assert one.num_rows == other.num_rows > 1000
    for name in one.column_names:
        if pa.types.is_floating(one.schema.field(name).type):
            np.testing.assert_allclose(
                one[name].to_numpy(), other[name].to_numpy(), rtol=1e-8, atol=1e-8, err_msg=name
            )
        else:
            assert one[name].to_pylist() == other[name].to_pylist(), name
