"""Targets: specifications, classes, groups, ballistic arcs, and the table they become."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

from sim.core.geodesy import ecef_from_geodetic
from sim.core.tables import Affiliation, Reply
from sim.world.ballistic import EARTH_MU, arc_between
from sim.world.frames import Frame
from sim.world.presets import read_presets
from sim.world.surroundings import FlatGround
from sim.world.targets import TargetClass, TargetSpec, target_classes
from sim.world.truth import Targets, build_targets

ROOT = Path(__file__).parents[1]
FRAME = Frame.at(np.radians(50.243), np.radians(4.646), 280.0)
EAST = [
    {"latitude_deg": 50.2, "longitude_deg": 4.0, "height_m": 3000},
    {"latitude_deg": 50.2, "longitude_deg": 5.0},
]
CORNER = [*EAST, {"latitude_deg": 50.9, "longitude_deg": 5.0}]


def spec(**keys: Any) -> TargetSpec:
    return TargetSpec.model_validate({"id": "t", "class": "fighter", "route": EAST} | keys)


def build(*specs: TargetSpec, seed: int = 1, duration_s: float = 2400.0) -> Targets:
    return build_targets(
        specs,
        FRAME,
        FlatGround(280.0),
        ROOT / "scenarios",
        lambda name: np.random.default_rng([seed, *name.encode()]),
        duration_s,
    )


# --- specifications ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"route": None}, "exactly one of route, recorded and ballistic"),
        ({"recorded": {"file": "a.csv"}}, "found route and recorded"),
        ({"count": 2}, "formation or spread"),
        (
            {"formation": {"kind": "trail", "spacing_m": 1}, "spread": {"radius_m": 1}},
            "formation or spread, not both",
        ),
        ({"route": [{"kind": "hover", "duration_s": 1}]}, "begins with a waypoint"),
        ({"route": [{"kind": "hovr", "duration_s": 1}]}, "'hovr' found"),
        ({"route": [*EAST, {"kind": "circle", "radius_m": 9}]}, "one of turns and duration_s"),
        ({"class": "zeppelin"}, "mini-drone"),
        ({"route": None, "recorded": {"file": "a"}, "at_end": "stay"}, "needs a route"),
        ({"route": None, "recorded": {"file": "a"}, "motion": {"speed_mps": 5}}, "no meaning"),
        ({"speed_mps": 5}, "Extra inputs"),
    ],
)
def test_contradictions_are_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        spec(**keys)


def test_the_class_list_is_the_list_of_presets() -> None:
    assert list(target_classes()) == list(get_args(TargetClass))
    keys = {frozenset(entries) for entries in target_classes().values()}
    assert len(keys) == 1
    for entries in target_classes().values():
        assert entries["swerling"].value in (0, 1, 3)
        assert entries["reply"].value in ("none", "civil", "military")
        assert isinstance(entries["hovers"].value, bool)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{value: 1}", "exactly one of source and assumption"),
        ("{value: 1, source: a, assumption: b, sweep: [0, 2]}", "exactly one"),
        ("{value: 1, assumption: guess}", "needs sweep"),
        ("{value: 1, assumption: guess, sweep: [2, 1]}", "lowest, highest"),
        ("{value: 5, assumption: guess, sweep: [1, 2]}", "outside its sweep"),
        ("{value: 1, source: ''}", "must say something"),
        ("{value: 1, source: a, unit: m}", "unknown key 'unit'"),
        ("1", "expected {value"),
    ],
)
def test_presets_without_provenance_are_refused(tmp_path: Path, entry: str, message: str) -> None:
    path = tmp_path / "presets.yaml"
    path.write_text(f"radar:\n  range_m: {entry}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message) as error:
        read_presets(path)
    assert f"{path}: radar.range_m" in str(error.value)


def test_presets_keep_their_provenance(tmp_path: Path) -> None:
    path = tmp_path / "presets.yaml"
    path.write_text("a: {x: {value: 2, assumption: why, sweep: [1, 3]}}", encoding="utf-8")
    preset = read_presets(path)["a"]["x"]
    assert (preset.value, preset.assumption, preset.sweep) == (2, "why", (1.0, 3.0))
    assert read_presets(path) is read_presets(path)


def test_specifications_load_nothing_heavy() -> None:
    code = (
        "import sys, sim.world.targets, sim.world.frames; "
        "print([m for m in ('numba', 'scipy', 'pygame', 'pyarrow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


# --- the table -----------------------------------------------------------------------


def test_rows_follow_the_scenario() -> None:
    targets = build(
        spec(id="pair", count=2, formation={"kind": "trail", "spacing_m": 2300}),
        spec(id="one", **{"class": "airliner"}, affiliation="neutral", rcs_dbsm=20),
        spec(id="quiet", affiliation="friend", reply="none"),
    )
    assert targets.ids == ("pair/1", "pair/2", "one", "quiet")
    assert targets.groups == ("pair", "pair", "one", "quiet")
    assert targets.classes == ("fighter", "fighter", "airliner", "fighter")
    unknown, neutral, friend = Affiliation.UNKNOWN, Affiliation.NEUTRAL, Affiliation.FRIEND
    assert targets.affiliation.tolist() == [unknown, unknown, neutral, friend]
    replies = [Reply.NONE, Reply.NONE, Reply.CIVIL, Reply.NONE]
    assert targets.signatures.reply.tolist() == replies
    assert targets.signatures.rcs_m2[2] == pytest.approx(100.0)
    assert targets.signatures.rcs_m2[0] == pytest.approx(10**0.5)
    assert targets.signatures.swerling.tolist() == [1, 1, 1, 1]
    assert len(targets) == len(targets.truth(0.0)) == 4


@pytest.mark.parametrize(
    ("affiliation", "usual"),
    [
        ("friend", Reply.MILITARY),
        ("neutral", Reply.MILITARY),
        ("unknown", Reply.NONE),
        ("hostile", Reply.NONE),
    ],
)
def test_only_ones_own_answer_military_modes_unless_told_so(affiliation: str, usual: Reply) -> None:
    targets = build(
        spec(id="usual", affiliation=affiliation),
        spec(id="deceives", affiliation=affiliation, reply="military"),
        spec(id="civil", affiliation=affiliation, **{"class": "airliner"}),
    )
    assert targets.signatures.reply.tolist() == [usual, Reply.MILITARY, Reply.CIVIL]


def test_no_targets() -> None:
    targets = build()
    assert len(targets) == len(targets.truth(0.0)) == 0


def test_errors_name_the_target() -> None:
    with pytest.raises(ValueError, match="target bad: route entry 2"):
        build(spec(id="bad", route=[EAST[0], EAST[0]]))
    with pytest.raises(ValueError, match=r"target lost: .*none\.csv"):
        build(spec(id="lost", route=None, recorded={"file": "none.csv"}))


def test_the_bundled_scenario_flies() -> None:
    path = ROOT / "scenarios" / "f35-arrival-florennes.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    targets = build(*(TargetSpec.model_validate(entry) for entry in document["targets"]))
    assert len(targets) == 25
    for time_s in (0.0, 1200.0, 2399.0):
        truth = targets.truth(time_s)
        assert truth.present.any()
        height_m = FRAME.height_m_of(truth.position_enu_m[truth.present])
        assert (height_m > -50).all()
        assert (height_m < 12_000).all()
        assert (np.linalg.norm(truth.velocity_enu_mps[truth.present], axis=1) < 260).all()


def test_targets_vanish_or_stay_at_the_end() -> None:
    targets = build(spec(id="gone"), spec(id="parked", at_end="stay"))
    assert targets.truth(0.0).present.all()
    assert not targets.truth(-0.1).present.any()
    late = targets.truth(2400.0)
    assert late.present.tolist() == [False, True]
    np.testing.assert_array_equal(late.velocity_enu_mps[1], 0.0)
    np.testing.assert_allclose(
        late.position_enu_m[1],
        FRAME.from_geodetic(np.radians(50.2), np.radians(5.0), 3000.0),
        atol=1e-3,
    )


def test_start_s_is_when_the_first_waypoint_is_left() -> None:
    targets = build(spec(start_s=100.0))
    first = FRAME.from_geodetic(np.radians(50.2), np.radians(4.0), 3000.0)
    assert not targets.truth(99.9).present[0]
    np.testing.assert_allclose(targets.truth(100.0).position_enu_m[0], first, atol=1e-6)


# --- groups --------------------------------------------------------------------------


def test_a_trail_follows_the_leaders_path_at_its_spacing() -> None:
    targets = build(spec(route=CORNER, count=3, formation={"kind": "trail", "spacing_m": 2300}))
    for time_s in (100.0, 310.0, 400.0):  # the corner is at about 310 s
        truth = targets.truth(time_s)
        for member in (1, 2):
            earlier = targets.truth(time_s - 10.0 * member)
            np.testing.assert_allclose(
                truth.position_enu_m[member], earlier.position_enu_m[0], atol=1e-6
            )
    apart = np.diff(targets.truth(200.0).position_enu_m, axis=0)
    np.testing.assert_allclose(np.linalg.norm(apart, axis=1), 2300, rtol=1e-3)


@pytest.mark.parametrize(
    ("kind", "places"),
    [
        ("line-abreast", [(0, 0), (500, 0), (-500, 0), (1000, 0)]),
        ("echelon", [(0, 0), (353.6, -353.6), (707.1, -707.1), (1060.7, -1060.7)]),
        ("wedge", [(0, 0), (353.6, -353.6), (-353.6, -353.6), (707.1, -707.1)]),
    ],
)
def test_formations_turn_with_the_path(kind: str, places: list[tuple[float, float]]) -> None:
    targets = build(
        spec(route=CORNER, count=4, formation={"kind": kind, "spacing_m": 500}, at_end="vanish")
    )
    for time_s in (50.0, 550.0):  # long before and long after the turn
        truth = targets.truth(time_s)
        leader = truth.position_enu_m[0]
        axes = FRAME.local_axes(leader)
        forward = axes.T @ truth.velocity_enu_mps[0]
        forward = forward[:2] / np.linalg.norm(forward[:2])
        seen = (truth.position_enu_m - leader) @ axes
        right = seen[:, 0] * forward[1] - seen[:, 1] * forward[0]
        ahead = seen[:, :2] @ forward
        np.testing.assert_allclose(np.stack([right, ahead], -1), places, atol=2.0)
        heights = FRAME.height_m_of(truth.position_enu_m)
        np.testing.assert_allclose(heights, 3000, atol=0.05)


def test_formation_members_fly_smoothly_through_turns() -> None:
    hold = {
        "kind": "hold",
        "latitude_deg": 50.2,
        "longitude_deg": 5.0,
        "speed_mps": 160,
    }
    targets = build(
        spec(
            route=[EAST[0], hold],
            count=5,
            formation={"kind": "wedge", "spacing_m": 1000},
        )
    )
    times = np.arange(1.0, 540.0, 0.05)
    for member in range(5):
        position, velocity = targets.at(times, np.full(times.size, member))
        central = (position[2:] - position[:-2]) / 0.1
        np.testing.assert_allclose(central, velocity[1:-1], atol=0.15)  # kinks of 1 g
        acceleration = np.linalg.norm(np.diff(velocity, axis=0), axis=1) / 0.05
        assert acceleration.max() < 25.0
        speed = np.linalg.norm(velocity, axis=1)
        assert speed.min() > 80.0
        assert speed.max() < 330.0


def test_a_swarm_fills_its_cylinder_and_is_reproducible() -> None:
    swarm = spec(count=400, spread={"radius_m": 300, "height_m": 40})
    targets = build(swarm)
    truth = targets.truth(30.0)
    place = FRAME.from_geodetic(np.radians(50.2), np.radians(4.0), 3000.0)
    axes = FRAME.local_axes(place)
    seen = truth.position_enu_m @ axes
    centre = seen.mean(0)
    radius_m = np.linalg.norm(seen[:, :2] - centre[:2], axis=1)
    assert 280 < radius_m.max() < 330
    assert np.mean(radius_m < 150) == pytest.approx(0.25, abs=0.07)  # uniform over the disc
    heights = FRAME.height_m_of(truth.position_enu_m)
    assert 2979 < heights.min() < 2983
    assert 3017 < heights.max() < 3021
    np.testing.assert_array_equal(build(swarm).truth(30.0).position_enu_m, truth.position_enu_m)
    other = build(swarm, seed=2).truth(30.0).position_enu_m
    assert np.abs(other - truth.position_enu_m).max() > 10
    alone = build(spec(id="other"), swarm).truth(30.0).position_enu_m[1:]
    np.testing.assert_array_equal(alone, truth.position_enu_m)
    fewer = build(spec(count=10, spread={"radius_m": 300, "height_m": 40}))
    np.testing.assert_allclose(
        fewer.truth(30.0).position_enu_m, truth.position_enu_m[:10], atol=5e-3
    )


def test_a_swarm_of_ten_thousand_builds() -> None:
    targets = build(spec(count=10_000, spread={"radius_m": 5000, "height_m": 500}))
    assert targets.truth(10.0).present.all()
    assert len(targets.trajectories.knots) < 500_000


# --- ballistic arcs ------------------------------------------------------------------

LAUNCH = ecef_from_geodetic(np.radians(50.0), np.radians(20.0), 100.0)
IMPACT = ecef_from_geodetic(np.radians(50.2), np.radians(25.0), 200.0)


@pytest.mark.parametrize(
    "shape", [{}, {"apogee_m": 60e3}, {"apogee_m": 150e3}, {"flight_time_s": 400.0}]
)
def test_an_arc_obeys_kepler(shape: dict[str, float]) -> None:
    arc = arc_between(LAUNCH, IMPACT, **shape)
    time_s = np.linspace(0, arc.duration_s, 4001)
    position, velocity = arc.at(time_s)
    np.testing.assert_allclose(position[[0, -1]], [LAUNCH, IMPACT], atol=1e-5)
    radius = np.linalg.norm(position, axis=1)
    energy = (velocity**2).sum(-1) / 2 - EARTH_MU / radius
    np.testing.assert_allclose(energy, energy[0], rtol=1e-12)
    momentum = np.cross(position, velocity)
    np.testing.assert_allclose(momentum, np.broadcast_to(momentum[0], momentum.shape), rtol=1e-9)
    step = time_s[1]
    pull = (velocity[2:] - velocity[:-2]) / (2 * step)
    gravity = -EARTH_MU * position / radius[:, None] ** 3
    np.testing.assert_allclose(pull, gravity[1:-1], atol=1e-5)
    np.testing.assert_allclose(
        (position[2:] - position[:-2]) / (2 * step), velocity[1:-1], atol=1e-3
    )
    if "apogee_m" in shape:
        assert radius.max() - np.linalg.norm(LAUNCH) == pytest.approx(shape["apogee_m"], abs=0.5)
    if "flight_time_s" in shape:
        assert arc.duration_s == pytest.approx(400.0, abs=1e-6)


def test_least_energy_is_least() -> None:
    def launch_speed(**shape: float) -> float:
        return float(np.linalg.norm(arc_between(LAUNCH, IMPACT, **shape).at(np.zeros(1))[1]))

    least = launch_speed()
    duration_s = arc_between(LAUNCH, IMPACT).duration_s
    for share in (0.9, 0.99, 1.01, 1.1):
        assert launch_speed(flight_time_s=share * duration_s) > least


def test_impossible_arcs_are_refused() -> None:
    with pytest.raises(ValueError, match="flight time 10 s"):
        arc_between(LAUNCH, IMPACT, flight_time_s=10.0)
    with pytest.raises(ValueError, match="above launch and impact"):
        arc_between(LAUNCH, IMPACT, apogee_m=5.0)
    with pytest.raises(ValueError, match="1 km apart"):
        arc_between(LAUNCH, LAUNCH)


def test_a_ballistic_target_flies_its_arc() -> None:
    ballistic = {
        "launch": {"latitude_deg": 50.0, "longitude_deg": 20.0, "height_m": 100},
        "impact": {"latitude_deg": 50.2, "longitude_deg": 25.0, "height_m": 200},
        "apogee_km": 60,
    }
    targets = build(
        spec(**{"class": "ballistic-missile"}, route=None, ballistic=ballistic, start_s=50)
    )
    arc = arc_between(LAUNCH, IMPACT, apogee_m=60e3)
    time_s = np.linspace(0, arc.duration_s, 501)[:-1]
    position, velocity = targets.at(50 + time_s, np.zeros(500, int))
    exact, exact_velocity = arc.at(time_s)
    np.testing.assert_allclose(FRAME.to_ecef(position), exact, atol=2e-3)
    np.testing.assert_allclose(velocity @ FRAME.enu_R_ecef, exact_velocity, atol=5e-3)
    assert not targets.truth(50 + arc.duration_s + 0.1).present[0]
    salvo = build(
        spec(
            route=None,
            ballistic=ballistic,
            count=3,
            formation={"kind": "trail", "spacing_m": 10_000},
        )
    )
    assert salvo.truth(0.0).present.tolist() == [True, False, False]
