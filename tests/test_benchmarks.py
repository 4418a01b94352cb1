"""The benchmarks at tiny sizes: that they measure what they say, not how fast it is."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from benchmarks import (
    hard_scenes,
    judge,
    quality,
    radar_scenes,
    sensors,
    suite,
    told,
    versus,
    wide_scenes,
)
from benchmarks.filterpy_loop import FilterpyLoop
from benchmarks.own import Airpicture, UnsupportedError, straight_settings, tracker
from sensors.presets import PRESETS_FOLDER
from sim.core.tables import FALSE_ALARM, Tracks
from sim.world.environment import Environment
from sim.world.frames import Frame
from sim.world.presets import read_presets
from sim.world.surroundings import Surroundings

FIELDS = {"settings", "rows", "aims", "skipped", "notes"}


def test_the_radar_scene_is_as_described() -> None:
    scene = radar_scenes.straight_flights(400, seed=1)
    speed = np.linalg.norm(scene.velocity_enu_mps[0], axis=1)
    assert speed.min() >= 100
    assert speed.max() <= 250
    start = np.linalg.norm(scene.position_enu_m[0], axis=1)
    assert start.min() >= 10e3
    assert start.max() <= 60e3
    assert len(scene.plots) == 30
    false = [int((plots.truth_id == FALSE_ALARM).sum()) for plots in scene.plots]
    assert set(false) == {20}
    seen = sum(len(plots) for plots in scene.plots) - sum(false)
    assert seen / (400 * 30) == pytest.approx(0.9, abs=0.01)
    plots = scene.plots[7]
    true = plots.truth_id != FALSE_ALARM
    error = plots.measurement[true, :3] - radar_scenes.polar(
        scene.position_enu_m[7, plots.truth_id[true]]
    )
    error[:, 1] = (error[:, 1] + np.pi) % (2 * np.pi) - np.pi
    assert error.std(axis=0) == pytest.approx([25.0, 1.5e-3, 1.5e-3], rel=0.15)


def test_a_hundred_sensors_watch_flights_over_the_ground(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensors, "NODES", 400)
    for theatre in sensors.THEATRES:
        assert sum(count for *_, count in theatre.mix) == sensors.SENSORS
        for kind, preset, _ in theatre.mix:
            assert preset in read_presets(PRESETS_FOLDER / f"{kind}.yaml")
    frame = Frame.at(np.radians(50.0), np.radians(10.0), 0.0)
    ground = sensors.hills(frame)
    around = Surroundings(frame, ground, Environment(), datetime(2025, 6, 1, tzinfo=UTC))
    targets = sensors.flights(around, 40, 400 * sensors.CELL_M)
    for time_s in (0.0, 300.0, 600.0):
        latitude, longitude, height_m = frame.to_geodetic(targets.truth(time_s).position_enu_m)
        below_m = ground.height_m(latitude, longitude)
        assert np.nanmin(height_m - below_m) > 60.0
    assert np.ptp(ground.heights_m) == pytest.approx(sensors.RELIEF_M, rel=0.5)


def test_converted_plots_have_the_spread_of_their_errors() -> None:
    rng = np.random.default_rng(1)
    exact = np.array([30e3, 2.0, 0.2])
    sigma = np.array([25.0, 1.5e-3, 3e-3])
    drawn = np.full((40_000, 4), np.nan)
    drawn[:, :3] = exact + sigma * rng.standard_normal((len(drawn), 3))
    ids = np.zeros(len(drawn), np.int32)
    plots = radar_scenes.plots_of(0.0, drawn, np.append(sigma, np.nan), ids)
    position, covariance = told.converted(plots)
    spread = np.cov(position.T)
    assert covariance.mean(axis=0) == pytest.approx(spread, rel=0.05, abs=0.02 * spread.max())


def test_scenes_come_from_their_seed() -> None:
    for make in (lambda s: radar_scenes.straight_flights(5, s), *hard_scenes.SCENES.values()):
        one, same, other = (make(seed).plots[4].measurement for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert one.shape != other.shape or not np.array_equal(one, other, equal_nan=True)


def test_the_wide_scene_has_a_target_per_square_kilometre_and_moves_them() -> None:
    scene = wide_scenes.WideScene.of(10_000, 1)
    before = scene.position_enu_m.copy()
    assert np.ptp(before[:, 0]) == pytest.approx(100e3, rel=0.01)
    plots = scene.scan()
    np.testing.assert_array_equal(scene.position_enu_m, before)
    false = plots.truth_id == FALSE_ALARM
    assert false.sum() == 1000
    assert (~false).sum() == pytest.approx(9000, abs=150)
    error = plots.measurement[~false, :3] - before[plots.truth_id[~false]]
    assert error.std(axis=0) == pytest.approx([50.0] * 3, rel=0.05)
    scene.scan()
    np.testing.assert_allclose(scene.position_enu_m, before + scene.velocity_enu_mps)


def test_ten_false_plots_lie_in_a_settled_gate_of_the_dense_scene() -> None:
    scene = hard_scenes.dense_clutter(1)
    assert all((plots.truth_id != FALSE_ALARM).all() for plots in scene.plots[:12])
    sigma = 1.3 * np.array(hard_scenes.Radar().sigma)
    inside = [
        (((plots.measurement[:, :3] - centre) / sigma) ** 2).sum(axis=1) < told.GATE
        for k, plots in enumerate(scene.plots[12:], 12)
        for centre in radar_scenes.polar(scene.position_enu_m[k])
    ]
    false = [plots.truth_id == FALSE_ALARM for plots in scene.plots[12:] for _ in range(2)]
    count = np.mean([(a & b).sum() for a, b in zip(inside, false, strict=True)])
    assert count == pytest.approx(10, rel=0.15)


def test_late_plots_keep_their_time_and_biased_ones_are_off() -> None:
    late = hard_scenes.late_plots(1)
    for k in (5, 40):
        from_second = late.plots[k].time_s[late.plots[k].sensor == 1]
        assert set(from_second) == {late.time_s[k] - 4.0}
    scene = hard_scenes.bias(1)
    plots = scene.plots[3]
    rows = (plots.truth_id != FALSE_ALARM) & (plots.sensor == 1)
    exact = radar_scenes.polar(
        scene.position_enu_m[3, plots.truth_id[rows]] - scene.sensors.origin_enu_m[1]
    )
    assert (plots.measurement[rows, 0] - exact[:, 0]).mean() == pytest.approx(150, abs=40)


def test_flights_turn_at_the_given_rate_and_keep_their_speed() -> None:
    turn = np.full((30, 1), 0.1)
    track = hard_scenes.flown(np.zeros((1, 3)), np.array([100.0]), np.zeros(1), turn, 1.0)
    t = np.arange(30.0)
    circle = 1000.0 * np.stack([1 - np.cos(0.1 * t), np.sin(0.1 * t)], axis=1)
    np.testing.assert_allclose(track[:, 0, :2], circle, atol=0.1)


def test_the_score_is_gospa_and_counts_what_is_missed_and_false() -> None:
    truth = [np.array([[0.0, 0, 0], [5000, 0, 0]])] * 2
    tracks = [np.array([[30.0, 40, 0]]), np.array([[30.0, 40, 0], [9e3, 0, 0], [5000, 0, 0]])]
    found = judge.score(truth, tracks, 500.0)
    half = 500.0**2 / 2
    assert found.gospa_m == pytest.approx(np.mean([(2500 + half) ** 0.5] * 2))
    assert (found.missed, found.false) == (0.5, 0.5)
    assert found.localisation_m == pytest.approx((5000 / 3) ** 0.5)


def picture(time_s: float, numbers: list[int], position_enu_m: list[list[float]]) -> Tracks:
    """Return confirmed tracks whose errors have a standard deviation of 10 m."""
    n = len(numbers)
    return Tracks(
        time_s=time_s,
        number=np.array(numbers, np.int32),
        position_enu_m=np.array(position_enu_m, float),
        velocity_enu_mps=np.zeros((n, 3)),
        position_covariance_m2=np.tile(100.0 * np.eye(3), (n, 1, 1)),
        status=np.ones(n, np.uint8),
        last_plot_s=np.zeros(n),
        hits=np.ones(n, np.int32),
        sensors=np.zeros(n, np.uint64),
        replies=np.zeros((n, 3), np.int32),
        identity=np.zeros(n, np.uint8),
    )


def test_switches_swaps_and_nees_are_counted() -> None:
    here, there = [0.0, 0.0, 0.0], [3000.0, 0.0, 0.0]
    truth = [np.array([here, there])] * 3
    off = [[10.0, 10.0, 10.0], there]
    # Track 3 takes over from 1, then 3 and 2 change places.
    pictures = [
        picture(0.0, [1, 2], off),
        picture(1.0, [3, 2], [here, there]),
        picture(2.0, [3, 2], [there, here]),
    ]
    found = judge.continuity(np.arange(3.0), truth, pictures, 500.0)
    assert found.switches == 3
    assert found.swaps == 2
    assert found.nees == pytest.approx(3.0 / 6)


def test_contestants_track_the_same_plots_alike() -> None:
    ours = versus.follow(lambda: Airpicture(**versus.TOLD), 8, 1)
    theirs = versus.follow(FilterpyLoop, 8, 1)
    assert ours.scans == theirs.scans == 30
    assert ours.scores[0].gospa_m == pytest.approx(theirs.scores[0].gospa_m, rel=0.05)
    assert ours.scores[0].false == 0


@pytest.mark.parametrize("name", [n for n, p in versus.PEERS.items() if p.judged])
def test_peers_track_well(name: str) -> None:
    peer = versus.PEERS[name]
    if reason := peer.missing():
        pytest.skip(reason)
    found = versus.follow(peer.start, 3, 1).scores[0]
    assert found.localisation_m < 80
    # Two scans pass before anybody can confirm.
    assert found.missed < 3 * 6 / 30
    assert found.false < 0.2


def test_an_impatient_run_is_cut_short_and_not_judged() -> None:
    found = versus.follow(FilterpyLoop, 5, 3, patience_s=1e-9)
    assert found.scans == versus.SETTLED + 1
    assert not found.scores
    assert "gospa_m" not in found.row("peer", 5)


def test_settings_that_the_tracker_refuses_are_an_error_with_its_reason() -> None:
    scene = wide_scenes.WideScene.of(4, 1)
    with pytest.raises(UnsupportedError, match="gnn"):
        tracker(scene.sensors(), straight_settings(association="nearest"))


@pytest.mark.slow
@pytest.mark.parametrize("name", suite.NAMES)
def test_every_benchmark_runs_and_keeps_to_the_schema(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib")
    few = {scene: hard_scenes.SCENES[scene] for scene in ("crossing", "late plots, taken in")}
    monkeypatch.setattr(quality, "SCENES", few)
    options = suite.Options(quick=True, sizes=(20, 60), seeds=1, patience_s=1.0)
    measured = json.loads(json.dumps(suite.run([name], options, tmp_path)))
    assert set(measured) == {"schema", "machine", "options", "benchmarks", "plots"}
    assert measured["schema"] == 1
    result = measured["benchmarks"][name]
    assert set(result) == FIELDS
    assert result["rows"]
    known = {column.key for column in suite.benchmark(name).COLUMNS} | {"phases"}
    for row in result["rows"]:
        assert set(row) <= known
    for row in result["skipped"]:
        assert set(row) == {"row", "reason"}
    assert measured["plots"]
    assert all(Path(path).stat().st_size > 1000 for path in measured["plots"])
