"""Strobes of jammed radars: who makes one, how good it is, and that two of them give a fix."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import stage
from small_scenarios import world_of
from test_jamming import FRAME, PLACE, STARING, at, carried, jammer, resting, seen

from sensors.aboard import moved
from sensors.mount import Mount
from sensors.radar import Radar, RadarSpec
from sensors.scene import Scene
from sensors.strobe import Strobe
from sim.core.tables import Tracks, Visibility
from sim.engine.step import run
from sim.engine.world import World
from sim.world.attackers import GROUND, Attacker, Attackers


def both(**changes: Any) -> tuple[Radar, Strobe]:
    spec = RadarSpec.model_validate(STARING | {"strobes": True} | changes)
    radar, strobe = spec.build_all(Mount(4, "hill", PLACE), stage.surroundings(FRAME))
    assert isinstance(radar, Radar)
    assert isinstance(strobe, Strobe)
    return radar, strobe


def test_a_radar_reports_strobes_only_if_asked() -> None:
    radar, strobe = both()
    assert (radar.id, radar.index) == ("r", 4)
    assert (strobe.id, strobe.index, strobe.site) == ("r.strobe", 5, "hill")
    assert strobe.measures.tolist() == [False, True, True, False]
    assert both(dimensions=2, elevation_pattern="fan")[1].measures.tolist() == [
        False,
        True,
        False,
        False,
    ]
    silent = RadarSpec.model_validate(STARING).build_all(
        Mount(4, "hill", PLACE), stage.surroundings(FRAME)
    )
    assert [type(sensor) for sensor in silent] == [Radar]


@pytest.mark.parametrize("turning", [False, True])
def test_jammers_make_strobes_and_others_do_not(turning: bool) -> None:
    scan = {"update_s": None, "rate_rpm": 60} if turning else {}
    _, strobe = both(**scan)
    targets = resting([at(30, 60e3, 6e3), at(140, 90e3, 9e3), at(250, 50e3, 5e3)])
    ground = Attacker(jammer(), GROUND, at(200, 5e3, 10.0))
    targets.attackers = Attackers(noise=(carried(jammer(), 1), ground))
    plots = seen(targets, strobe, 20.0)
    looks = 20 if turning else 200
    assert (plots.truth_id == 1).sum() == looks
    assert (plots.truth_id == 0).sum() == 0
    assert (np.diff(plots.time_s) >= 0).all()
    assert (plots.sensor == 5).all()
    assert np.isnan(plots.measurement[:, [0, 3]]).all()
    on_ground = np.abs(plots.measurement[:, 1] - math.radians(200)) < math.radians(3)
    assert (on_ground & (plots.truth_id == -1)).sum() == looks
    assert strobe.visibility(targets, targets.truth(0.0))[1].tolist() == [  # type: ignore[arg-type]
        Visibility.SILENT,
        Visibility.VISIBLE,
        Visibility.SILENT,
    ]


def test_windows_neither_miss_nor_repeat_a_strobe() -> None:
    _, strobe = both(update_s=None, rate_rpm=37)
    targets = resting([at(140, 90e3, 9e3), at(10, 60e3, 9e3)])
    targets.attackers = Attackers(noise=(carried(jammer()), carried(jammer(), 1)))
    whole = seen(targets, strobe, 30.0)
    edges = np.linspace(0.0, 30.0, 83)
    rng = np.random.default_rng(1)
    pieces = [
        strobe.observe(Scene(targets, targets.truth(a), targets.truth(b)), rng)  # type: ignore[arg-type]
        for a, b in pairwise(edges)
    ]
    times = np.concatenate([p.time_s[p.truth_id >= 0] for p in pieces])
    np.testing.assert_allclose(np.sort(times), whole.time_s[whole.truth_id >= 0], atol=1e-6)


def test_the_threshold_decides() -> None:
    """At just under and just over the threshold of J/N."""
    targets = resting([at(140, 90e3, 9e3)])
    spec = jammer()
    targets.attackers = Attackers(noise=(carried(spec),))
    radar, _ = both()
    ratio = radar.receiver.noise_of(carried(spec), targets, np.zeros(1))[1][0]  # type: ignore[arg-type]
    ratio_db = 10 * math.log10(ratio)
    for off_db, expected in ((-0.1, 1), (0.1, 0)):
        _, strobe = both(strobe_threshold_db=ratio_db + off_db)
        assert bool((seen(targets, strobe, 1.0).truth_id == 0).any()) == bool(expected)


def test_a_weak_jammer_drowns_in_the_side_lobes_of_a_strong_one() -> None:
    targets = resting([at(140, 90e3, 9e3), at(20, 90e3, 9e3)])
    _, strobe = both()
    weak = carried(jammer(erp_dbw=5))
    targets.attackers = Attackers(noise=(weak,))
    assert (seen(targets, strobe, 1.0).truth_id == 0).any()
    targets.attackers = Attackers(noise=(weak, carried(jammer(erp_dbw=75), 1)))
    owners = seen(targets, strobe, 1.0).truth_id
    assert (owners == 1).any()
    assert not (owners == 0).any()


def test_jammers_within_a_beamwidth_are_one_strobe_between_them() -> None:
    _, strobe = both()
    targets = resting([at(140.0, 90e3, 9e3), at(141.0, 90e3, 9e3), at(150.0, 90e3, 9e3)])
    alike = tuple(carried(jammer(), row) for row in range(3))
    targets.attackers = Attackers(noise=alike)
    plots = seen(targets, strobe, 20.0)
    plots = plots.take(plots.truth_id >= 0)
    assert len(plots) == 400
    close = plots.take(plots.truth_id < 2)
    azimuth_deg = np.degrees(close.measurement[:, 1])
    sigma_deg = np.degrees(close.sigma[0, 1])
    assert abs(azimuth_deg.mean() - 140.5) < 5 * sigma_deg / math.sqrt(len(close)) + 1e-3
    # Either jammer may be meant: half of what is between them belongs to the error.
    lone = plots.take(plots.truth_id == 2)
    alone_deg = np.degrees(lone.sigma[0, 1])
    assert sigma_deg == pytest.approx(math.hypot(alone_deg, 0.5), rel=0.05)
    assert np.degrees(close.measurement[:, 1].std()) < 1.5 * alone_deg


@pytest.mark.slow
@pytest.mark.parametrize("erp_dbw", [-3, 30])
def test_errors_are_as_large_as_stated(erp_dbw: float) -> None:
    radar, strobe = both()
    targets = resting([at(140, 90e3, 9e3)])
    spec = jammer(erp_dbw=erp_dbw)
    targets.attackers = Attackers(noise=(carried(spec),))
    plots = seen(targets, strobe, 400.0)
    own = plots.take(plots.truth_id == 0)
    polar, ratio = radar.receiver.noise_of(carried(spec), targets, np.zeros(1))  # type: ignore[arg-type]
    stated = np.radians([2.5, 5.0]) / 1.6 / math.sqrt(2 * ratio[0])
    floor = np.radians([0.15, 0.25])
    np.testing.assert_allclose(own.sigma[:, 1:3], np.tile(np.maximum(stated, floor), (4000, 1)))
    assert (stated < floor).all() == (erp_dbw == 30)
    pull = (own.measurement - polar[0])[:, 1:3] / own.sigma[:, 1:3]
    assert (np.abs(pull.mean(axis=0)) < 5 / math.sqrt(4000)).all()
    assert (np.abs(pull.var(axis=0) - 1.0) < 5 * math.sqrt(2 / 4000)).all()


@pytest.mark.slow
def test_false_strobes_are_as_many_as_stated() -> None:
    _, strobe = both(update_s=0.01)
    targets = resting([at(140, 90e3, 9e3)])
    plots = seen(targets, strobe, 2000.0)
    span = 2 * math.pi * float(np.ptp(strobe.elevation_rad))
    expected = strobe.clutter_density * span * 200_000
    assert abs(len(plots) - expected) < 5 * math.sqrt(expected)
    assert (plots.truth_id == -1).all()


def test_strobes_move_with_their_radar() -> None:
    _, strobe = both()
    place = np.array([30e3, -20e3, 4e3])
    there = moved(strobe, place, stage.surroundings(FRAME))
    np.testing.assert_array_equal(there.origin_enu_m, place)
    targets = resting([at(140, 90e3, 9e3)])
    targets.attackers = Attackers(noise=(carried(jammer()),))
    east, north, _ = at(140, 90e3, 9e3) - place
    bearing = seen(targets, there, 1.0).measurement[0, 1]
    assert math.degrees(bearing) == pytest.approx(math.degrees(math.atan2(east, north)), abs=1.5)


def test_no_strobes_in_silence() -> None:
    _, strobe = both(emission_control=[[2, 4]])
    targets = resting([at(140, 90e3, 9e3)])
    targets.attackers = Attackers(noise=(carried(jammer()),))
    time_s = seen(targets, strobe, 6.0).time_s
    assert time_s.size == 40
    assert not ((time_s >= 2.0) & (time_s < 4.0)).any()
    assert strobe.visibility(targets, targets.truth(3.0))[0][0] == 0.0  # type: ignore[arg-type]


STAND_OFF = """\
schema: 1
name: stand-off
time: {start: 2025-06-01T12:00:00Z, duration_s: 90}
seed: 3
area: {latitude_deg: 52.0, longitude_deg: 5.0}
sites:
  - id: west
    position: {latitude_deg: 52.0, longitude_deg: 4.6, height_agl_m: 20}
    sensors:
      - {kind: radar, preset: mobile-multi-mission, id: first, strobes: true, pfa: 1.0e-9}
SECOND
targets:
  - id: jammer
    class: airliner
    affiliation: hostile
    jammer: {preset: stand-off-jammer}
    route:
      - {latitude_deg: 53.0, longitude_deg: 5.0, height_m: 10000, speed_mps: 200}
      - {latitude_deg: 53.0, longitude_deg: 7.0}
"""
SECOND = """\
  - id: east
    position: {latitude_deg: 52.0, longitude_deg: 5.6, height_agl_m: 20}
    sensors:
      - {kind: radar, preset: mobile-multi-mission, id: second, strobes: true, pfa: 1.0e-9,
         first_azimuth_deg: 20}
"""


def confirmed(world: World) -> list[tuple[Tracks, Any]]:
    return [
        (shot.tracks.take(shot.tracks.confirmed), shot.truth.position_enu_m[0])
        for shot in run(world)
    ]


@pytest.mark.slow
def test_two_jammed_radars_fix_a_stand_off_jammer_and_one_does_not(tmp_path: Path) -> None:
    text = STAND_OFF.replace("    jammer:", "    rcs_dbsm: -70\n    jammer:")
    two = world_of(tmp_path / "two", text.replace("SECOND\n", SECOND))
    assert [sensor.id for sensor in two.sensors] == [
        "first",
        "first.strobe",
        "second",
        "second.strobe",
    ]
    pictures = confirmed(two)
    late = pictures[30:]
    assert all(len(tracks) == 1 for tracks, _ in late)
    distance2 = []
    for tracks, truth in late:
        off = tracks.position_enu_m[0] - truth
        covariance = tracks.position_covariance_m2[0]
        distance2.append(float(off @ np.linalg.solve(covariance, off)))
        assert np.linalg.norm(off) < 5e3
    # Of three degrees of freedom; successive ones depend on each other.
    assert 0.2 < np.mean(distance2) < 9.0
    one = confirmed(world_of(tmp_path / "one", text.replace("SECOND\n", "")))
    assert all(len(tracks) == 0 for tracks, _ in one)
