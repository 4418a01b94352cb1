"""What is recorded of a defence, judged, played back, drawn and summed up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from defence_scenes import effector, north, scene, world_of

from sim.cli.defence_summary import sentences
from sim.core.shots import ShotResult
from sim.engine.session import record_run
from sim.engine.step import run
from sim.engine.world import World
from sim.metrics.defence import REASONS
from sim.record.recording import Recording
from viz.camera import Rect
from viz.memory import Memory
from viz.primitives import Marks, Segments, Text
from viz.scene import Stage, build, everything
from viz.view import View


def fought(tmp_path: Path, **changed: Any) -> tuple[World, Path, dict[str, Any]]:
    one = effector(
        channels=2,
        magazine=3,
        speed_mps=300.0,
        assessment_s=3.0,
        range_max_km=8.0,
        cost_keur=10.0,
        kill_probability={"other": 0.6},
    )
    data = scene(one, count=8, spread_m=300.0, duration_s=330.0, **changed)
    data["targets"].append(
        {
            "id": "passer-by",
            "class": "airliner",
            "affiliation": "neutral",
            "route": [north(30.0, 9000.0) | {"speed_mps": 220.0}, north(-30.0, 9000.0)],
        }
    )
    world = world_of(data, tmp_path)
    outcome = record_run(world, tmp_path / "run", lambda _: None)
    return world, outcome.folder, outcome.metrics


@pytest.fixture(scope="module")
def battle(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path, dict[str, Any]]:
    return fought(tmp_path_factory.mktemp("battle"))


def test_the_sums_of_what_came_of_it_are_right(battle: tuple[World, Path, dict[str, Any]]) -> None:
    _, folder, metrics = battle
    found = metrics["defence"]
    assert found["threats_came"] == 8
    parts = ("killed", "leakers", "passed", "flying")
    assert sum(found[name] for name in parts) == 8
    assert 1 <= found["shots"] <= 3
    assert found["leakers"] >= 5  # three rounds for eight
    assert found["cost_keur"] == 10.0 * found["shots"]
    assert sum(layer["shots"] for layer in found["layers"]) == found["shots"]
    assert sum(found["why_leaked"].values()) == found["leakers"]
    assert set(found["why_leaked"]) <= set(REASONS)
    assert found["value_lost"] == sum(thing["value_lost"] for thing in found["protected"])
    assert found["value_lost"] > 0.0
    (one,) = found["effectors"]
    assert one["left"] == 3 - found["shots"]
    assert (one["empty_s"] is not None) == (one["left"] == 0)
    events = Recording.open(folder).table("events").to_pylist()
    fired = [event for event in events if event["event"] == "shot-fired"]
    assert len(fired) == found["shots"]
    ordered = [event for event in events if event["event"] == "shot-ordered"]
    assert len(ordered) >= len(fired)
    assert all("kills with 0.60" in event["detail"] for event in ordered)
    killed = [event["target"] for event in events if event["event"] == "shot-killed"]
    dead = [threat["id"] for threat in found["threats"] if threat["outcome"] == "killed"]
    assert sorted(killed) == sorted(dead)


def test_a_time_line_runs_forwards(battle: tuple[World, Path, dict[str, Any]]) -> None:
    for threat in battle[2]["defence"]["threats"]:
        steps = [
            threat[name]
            for name in ("tracked_s", "assigned_s", "fired_s", "intercepted_s", "assessed_s")
        ]
        known = [at_s for at_s in steps if at_s is not None]
        assert known == sorted(known)
        if threat["intercepted_s"] is not None:
            assert threat["assessed_s"] >= threat["intercepted_s"] + 3.0


def test_no_stock_is_the_reason_when_the_magazine_is_empty(
    battle: tuple[World, Path, dict[str, Any]],
) -> None:
    why = battle[2]["defence"]["why_leaked"]
    assert "no stock left" in why


def test_the_summary_says_it_in_sentences(battle: tuple[World, Path, dict[str, Any]]) -> None:
    lines = sentences(battle[2]["defence"])
    assert lines[0].startswith("8 threats came: ")
    assert any(line.startswith("why they leaked: ") for line in lines)
    assert any("into base at" in line for line in lines)
    assert any(line.startswith("ran empty: e at ") for line in lines)


def test_a_recording_tells_what_was_under_way(
    battle: tuple[World, Path, dict[str, Any]],
) -> None:
    world, folder, _ = battle
    recording = Recording.open(folder)
    for snapshot in run(world):
        played = recording.snapshot(snapshot.time_s).defence
        live = snapshot.defence
        flying = live.under_way.take(np.isnan(live.under_way.free_s))
        assert sorted(played.under_way.number.tolist()) == sorted(flying.number.tolist())
        np.testing.assert_array_equal(played.rounds, live.rounds)
        np.testing.assert_array_equal(played.busy, live.busy)
        assert sorted(played.effects.shots.number) == sorted(live.effects.shots.number)
        told = dict(zip(played.track.tolist(), played.why.tolist(), strict=True))
        for track, why in zip(live.track.tolist(), live.why.tolist(), strict=True):
            assert told[track] == why


def test_an_older_recording_has_no_defence(tmp_path: Path) -> None:
    data = scene(effector(), duration_s=5.0)
    del data["defence"]
    world = world_of(data, tmp_path)
    folder = record_run(world, tmp_path / "run", lambda _: None).folder
    assert not (folder / "shots.parquet").exists()
    assert not len(Recording.open(folder).snapshot(3.0).defence.under_way)


def test_shots_are_drawn_from_their_effector_to_where_they_are(
    battle: tuple[World, Path, dict[str, Any]],
) -> None:
    world, _, _ = battle
    snapshots = list(run(world))
    flying = next(s for s in snapshots if (s.defence.under_way.phase == 1).any())
    stage = Stage.of(world.setting)
    camera = everything(world.setting, flying, Rect(0, 0, 900, 700))
    view = View((900, 700), camera, time_s=flying.time_s, panel=False)
    memory = Memory.empty().after(flying, stage.places)
    shapes = build(stage, flying, memory, view).primitives
    shots = flying.defence.under_way.take(flying.defence.under_way.phase == 1)
    start = camera.to_screen(shots.start_enu_m)
    now = camera.to_screen(shots.position_enu_m(flying.time_s))
    trails = [shape for shape in shapes if isinstance(shape, Segments) and not shape.dashed]
    assert any(
        shape.points_px.shape == (len(shots), 2, 2)
        and np.allclose(shape.points_px[:, 0], start)
        and np.allclose(shape.points_px[:, 1], now)
        for shape in trails
    )
    assert any(isinstance(shape, Marks) and shape.shape == "effector" for shape in shapes)
    assert any(isinstance(shape, Text) and shape.text == "e 3" for shape in shapes) or any(
        isinstance(shape, Text) and shape.text.startswith("e ") for shape in shapes
    )
    off = View((900, 700), camera, time_s=flying.time_s, panel=False, defence=False)
    shapes = build(stage, flying, memory, off).primitives
    assert not any(isinstance(shape, Marks) and shape.shape == "effector" for shape in shapes)


def test_kills_stay_on_the_screen_for_a_while(
    battle: tuple[World, Path, dict[str, Any]],
) -> None:
    world, _, _ = battle
    stage, memory = Stage.of(world.setting), Memory.empty()
    seen_s: list[float] = []
    killed_s = None
    for snapshot in run(world):
        memory = memory.after(snapshot, stage.places)
        if (snapshot.defence.effects.result == ShotResult.KILL).any() and killed_s is None:
            killed_s = snapshot.time_s
        if killed_s is not None and (memory.effect_result == ShotResult.KILL).any():
            seen_s.append(snapshot.time_s)
    assert killed_s is not None
    assert seen_s[0] == killed_s
    assert seen_s[8] == killed_s + 8.0
