"""The defence in runs: closed forms under a perfect picture, and what it may know."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from defence_scenes import effector, north, scene, world_of

from sim.core.shots import ShotResult, Shots
from sim.defence.closed_forms import erlang_b, no_leaker
from sim.defence.room import Room
from sim.engine.step import run
from sim.engine.world import World

Result = tuple[int, int, dict[int, int]]


def outcome(world: World) -> tuple[int, int, float]:
    """Return how many came, how many were killed, and how many shots were fired."""
    killed, fired = 0, 0
    for snapshot in run(world):
        killed += int((snapshot.defence.effects.result == ShotResult.KILL).sum())
        fired += len(snapshot.defence.launched)
    return len(world.targets), killed, fired


def assert_share(found: int, of: int, expected: float) -> None:
    """Assert that a count agrees with a probability within four standard errors."""
    error = math.sqrt(expected * (1.0 - expected) / of)
    assert abs(found / of - expected) < 4.0 * error


N = 1500
# Shots find the target they are meant for, and no other one beside it.
EXACT: dict[str, Any] = {"channels": 2 * N, "basket_m": 1.0}
WIDE: dict[str, Any] = {"count": N, "spread_m": 300.0, "duration_s": 260.0}


@pytest.mark.slow
def test_a_salvo_of_two_leaves_what_the_closed_form_says(tmp_path: Path) -> None:
    # One ring, judged too late for another shot: 1 − 0.3² of the raid is killed with two shots.
    one = effector(range_min_km=8.0, range_max_km=10.0, assessment_s=1000.0, **EXACT)
    plan = {"doctrine": "salvo", "shots_max": 2}
    came, killed, fired = outcome(world_of(scene(one, planner=plan, **WIDE), tmp_path))
    assert_share(killed, came, 0.91)
    assert fired == 2 * came


@pytest.mark.slow
def test_shoot_look_shoot_takes_the_shots_that_the_closed_form_says(tmp_path: Path) -> None:
    # Time for two shots: 2 km at 100 m/s are 20 s; a judgement takes 12.
    one = effector(range_min_km=8.0, range_max_km=10.0, assessment_s=12.0, **EXACT)
    plan = {"doctrine": "shoot-look-shoot", "shots_max": 1}
    came, killed, fired = outcome(world_of(scene(one, planner=plan, **WIDE), tmp_path))
    assert_share(killed, came, 0.91)
    # Mean 1.3 shots: one always, a second with 0.3.
    assert_share(fired - came, came, 0.3)


@pytest.mark.slow
def test_three_layers_leave_the_product_of_what_each_leaves(tmp_path: Path) -> None:
    layers = [
        effector(
            id=f"layer-{k}",
            range_min_km=20.0 - 6.0 * k - 1.0,
            range_max_km=20.0 - 6.0 * k,
            assessment_s=30.0,
            kill_probability={"other": p},
            **EXACT,
        )
        for k, p in enumerate((0.5, 0.6, 0.7))
    ]
    plan = {"doctrine": "salvo", "shots_max": 1}
    world = world_of(scene(*layers, planner=plan, **WIDE), tmp_path)
    gone = {row for snapshot in run(world) for row in snapshot.defence.effects.killed}
    assert_share(N - len(gone), N, 0.5 * 0.4 * 0.3)
    # Of raids of ten: none leaks with 0.94^10.
    stopped = sum(set(range(first, first + 10)) <= gone for first in range(0, N, 10))
    assert_share(stopped, N // 10, no_leaker(0.06, 10))


@pytest.mark.slow
def test_busy_channels_turn_away_what_erlang_s_formula_says(tmp_path: Path) -> None:
    """Threats that come at random, each in reach for a moment, against four channels."""
    came, channels, rate_per_s = 1200, 4, 0.2
    rng = np.random.default_rng(3)
    starts_s = np.cumsum(rng.exponential(1.0 / rate_per_s, came))
    one = effector(
        range_min_km=9.85, range_max_km=10.0, channels=channels, assessment_s=18.5, reaction_s=0.0
    )
    plan = {"interval_s": 0.5, "shots_max": 1, "doctrine": "salvo"}
    data = scene(one, planner=plan, duration_s=math.ceil(starts_s[-1]) + 40.0)
    data["record"] = {"interval_s": 0.5}
    data["tracker"] = {"cycle_s": 0.5}
    (flight,) = data["targets"]
    way = [north(11.0, 500.0) | {"speed_mps": 100.0}, north(9.0, 500.0)]
    data["targets"] = [
        flight | {"id": f"t{k}", "start_s": float(start), "route": way}
        for k, start in enumerate(starts_s)
    ]
    served, held_s, ordered_s = 0, 0.0, {}
    for snapshot in run(world_of(data, tmp_path)):
        for number in snapshot.defence.ordered.number.tolist():
            ordered_s[number] = snapshot.time_s
        for number in snapshot.defence.judged.number.tolist():
            held_s += snapshot.time_s - ordered_s[number]
            served += 1
    assert served > 700
    load = rate_per_s * held_s / served
    assert 3.5 < load < 4.5
    turned_away = came - len(ordered_s)
    # Not independent of each other: the error of the count is about doubled.
    expected = erlang_b(load, channels)
    error = 2.0 * math.sqrt(expected * (1.0 - expected) / came)
    assert abs(turned_away / came - expected) < 3.0 * error


def test_no_more_shots_than_channels_and_rounds(tmp_path: Path) -> None:
    one = effector(channels=3, magazine=7, speed_mps=500.0, assessment_s=2.0)
    world = world_of(scene(one, count=40, spread_m=200.0, duration_s=320.0), tmp_path)
    fired = 0
    for snapshot in run(world):
        assert snapshot.defence.busy[0] <= 3
        assert snapshot.defence.rounds[0] == 7 - fired - len(snapshot.defence.launched)
        fired += len(snapshot.defence.launched)
    assert fired == 7


def test_a_magazine_is_reloaded_when_it_is_empty(tmp_path: Path) -> None:
    one = effector(channels=10, magazine=2, reload_s=20.0, assessment_s=1.0)
    world = world_of(scene(one, count=10, spread_m=200.0, duration_s=320.0), tmp_path)
    times = [s.time_s for s in run(world) for _ in range(len(s.defence.launched))]
    assert len(times) > 2
    assert all(
        late - soon >= 20.0 - 1e-6 for soon, late in zip(times[1::2], times[2::2], strict=False)
    )


def test_what_is_killed_is_gone_and_nothing_else_changes(tmp_path: Path) -> None:
    one = effector(range_max_km=15.0, kill_probability={"other": 0.99})
    data = scene(one, count=5, spread_m=3000.0, duration_s=250.0)
    world, killed_s = world_of(data, tmp_path), {}
    peaceful = world.targets
    for snapshot in run(world):
        truth, free = snapshot.truth, peaceful.truth(snapshot.time_s)
        for row in range(5):
            gone = row in killed_s and snapshot.time_s > killed_s[row]
            assert truth.present[row] == (free.present[row] and not gone)
            if truth.present[row]:
                np.testing.assert_allclose(
                    truth.position_enu_m[row], free.position_enu_m[row], atol=1e-6
                )
        for row in snapshot.defence.effects.killed:
            killed_s[row] = snapshot.time_s
    assert killed_s


def test_the_same_chances_for_the_same_target(tmp_path: Path) -> None:
    """Another target more, and a shot more elsewhere, changes nothing for the others."""
    one = effector(range_max_km=15.0, channels=50, kill_probability={"other": 0.5})
    plan = {"doctrine": "shoot-look-shoot", "shots_max": 1}
    few = scene(one, planner=plan, count=4, spread_m=10.0, duration_s=250.0)
    more = scene(one, planner=plan, count=4, spread_m=10.0, duration_s=250.0)
    more["targets"].append(
        {
            "id": "another",
            "class": "one-way-attack-drone",
            "affiliation": "hostile",
            "route": [north(25.0, 800.0) | {"speed_mps": 120.0}, north(0.0, 800.0)],
        }
    )

    def results(world: World) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in range(4)]
        for snapshot in run(world):
            effects = snapshot.defence.effects
            for target, result in zip(
                effects.target.tolist(), effects.result.tolist(), strict=True
            ):
                if 0 <= target < 4:
                    found[target].append(result)
        return found

    assert results(world_of(few, tmp_path)) == results(world_of(more, tmp_path))


def orders(steps: list[Shots]) -> list[tuple[int, int, float]]:
    return [
        (int(e), int(t), float(launch))
        for shots in steps
        for e, t, launch in zip(shots.effector, shots.track, shots.launch_s, strict=True)
    ]


def test_the_defence_knows_nothing_but_its_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it was shown, shown again to another one without any truth, leads to the same orders."""
    one = effector(range_max_km=12.0, channels=4, speed_mps=400.0, assessment_s=3.0)
    data = scene(one, count=6, spread_m=500.0, duration_s=280.0, source="tracker", start_km=25.0)
    data["defence"]["escalation"] = [{"id": "war", "weapons": "free"}]
    world = world_of(data, tmp_path)
    shown: list[tuple[Any, ...]] = []
    original = Room.step

    def spy(self: Room, *seen: Any) -> Any:
        shown.append(seen)
        return original(self, *seen)

    monkeypatch.setattr(Room, "step", spy)
    first = [snapshot.defence.ordered for snapshot in run(world)]
    monkeypatch.setattr(Room, "step", original)
    assert world.defended is not None
    another = Room(world.defended.stage)
    second = [another.step(*seen).ordered for seen in shown]
    assert orders(first) == orders(second)
    assert orders(first)
    for _, _, views in shown:
        for view in views:
            assert {"truth_id", "truth"}.isdisjoint(vars_of(view.tracks))


def vars_of(table: Any) -> set[str]:
    return set(table.__dataclass_fields__)


def test_a_jammer_does_nothing_to_what_does_not_listen(tmp_path: Path) -> None:
    jammer = effector(
        kind="jammer", listens_only=True, dwell_s=2.0, kill_probability={"other": 0.9}
    )
    data = scene(jammer, count=3, spread_m=100.0, duration_s=320.0)
    results = [r for s in run(world_of(data, tmp_path)) for r in s.defence.effects.result.tolist()]
    assert ShotResult.DEAF in results  # a one-way attack drone has no link
    assert ShotResult.KILL not in results
    data["targets"][0]["radio"] = {"power_dbm": 20, "frequency_ghz": 2.4}
    results = [r for s in run(world_of(data, tmp_path)) for r in s.defence.effects.result.tolist()]
    assert ShotResult.KILL in results


def test_friends_are_not_engaged_and_neither_is_what_passes_far_off(tmp_path: Path) -> None:
    data = scene(effector(range_max_km=15.0), count=3, spread_m=100.0, duration_s=320.0)
    data["targets"][0]["affiliation"] = "friend"
    assert outcome(world_of(data, tmp_path))[2] == 0
    data["targets"][0]["affiliation"] = "neutral"
    assert outcome(world_of(data, tmp_path))[2] == 0


def test_a_shot_s_own_carrier_is_never_its_target(tmp_path: Path) -> None:
    """The second shot of a salvo finds its target dead, and nobody else near but the carrier."""
    data = scene(
        effector(
            aboard="carrier",
            position=None,
            basket_m=5000.0,
            range_max_km=4.0,
            height_min_m=-5e3,
            kill_probability={"other": 0.99},
        ),
        count=1,
        duration_s=320.0,
        planner={"doctrine": "salvo", "shots_max": 2},
    )
    del data["defence"]["effectors"][0]["position"]
    data["targets"].append(
        {
            "id": "carrier",
            "class": "fighter",
            "affiliation": "friend",
            "at_end": "stay",
            "route": [north(1.0, 2000.0) | {"speed_mps": 150.0}, north(3.0, 2000.0)],
        }
    )
    targets = [t for s in run(world_of(data, tmp_path)) for t in s.defence.effects.target.tolist()]
    assert targets
    assert set(targets) == {0, -1}


def test_what_is_held_back_is_for_what_is_worth_more(tmp_path: Path) -> None:
    one = effector(channels=20, magazine=10, assessment_s=3.0, kill_probability={"other": 0.1})
    plan = {"shots_max": 20, "doctrine": "salvo", "hold_back": 0.5, "keep_for_value": 10.0}
    data = scene(one, count=6, spread_m=100.0, duration_s=310.0, planner=plan)
    assert outcome(world_of(data, tmp_path))[2] == 5
    data["protect"][0]["value"] = 100.0  # a drone does 0.4 of it
    assert outcome(world_of(data, tmp_path))[2] == 10
