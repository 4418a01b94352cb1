"""Noise on its way to a receiver: ridges, air, lobes; and what it does to passive radars."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import stage
from pydantic import TypeAdapter
from stage import Fakes, fakes

from sensors.detection import BOLTZMANN_J_PER_K, SPEED_OF_LIGHT_MPS
from sensors.mount import Mount
from sensors.passive_radar import PassiveRadar
from sensors.paths import path_attenuation_db
from sensors.radar import Radar, RadarSpec
from sensors.registry import SensorSpec, build_sensors
from sensors.scene import Scene
from sensors.way_kernels import way_factor
from sim.core.tables import FALSE_ALARM, Floats, Visibility
from sim.world.attackers import Attacker, Attackers
from sim.world.electronic_attack import NoiseJammer
from sim.world.frames import Frame
from sim.world.surroundings import Surroundings

FRAME = Frame.at(np.radians(50.0), np.radians(5.0), 0.0)
NOWHERE = np.full(3, np.nan)


def jammer(**changes: Any) -> NoiseJammer:
    values = {"erp_dbw": 30, "bandwidth_mhz": 20, "frequency_ghz": [[0.05, 0.7], [2, 18]]}
    return NoiseJammer.model_validate(values | changes)


def resting(places: Any, spec: NoiseJammer | None = None, **given: Any) -> Fakes:
    """Targets that stay where they are; the first carries the jammer."""
    points = np.atleast_2d(np.array(places, float))
    targets = fakes(lambda t, k: points[k].copy(), len(points), **given)
    if spec is not None:
        targets.attackers = Attackers(noise=(Attacker(spec, 0, NOWHERE),))
    return targets


def radar(surroundings: Surroundings | None = None, **changes: Any) -> Radar:
    spec = RadarSpec.model_validate(
        {"kind": "radar", "id": "r", "preset": "mobile-multi-mission", "update_s": 1} | changes
    )
    mount = Mount(0, "hill", np.array([0.0, 0.0, 20.0]))
    return spec.build(mount, surroundings or stage.surroundings(FRAME))


def noise(sensor: Radar, places: Any, spec: NoiseJammer) -> Floats:
    """J/N with the beam on the second of two targets, the first of which jams."""
    targets = resting(places, spec)
    truth = targets.truth(0.0)
    position, velocity = truth.position_enu_m, truth.velocity_enu_mps
    factor = sensor.receiver.noise_factor(targets, np.zeros(2), position, velocity)  # type: ignore[arg-type]
    return factor - 1.0


PLACES = [[50e3, 0.0, 9000.0], [0.0, 60e3, 5000.0]]


def test_noise_loses_to_air_once_an_echo_twice() -> None:
    wet = radar(stage.surroundings(FRAME, rain_mm_per_h=16.0), frequency_ghz=9.4)
    wet = replace(wet, receiver=replace(wet.receiver, way=wet.receiver.way.in_air()))
    none = wet.in_free_space()
    (_, side), (_, free) = noise(wet, PLACES, jammer()), noise(none, PLACES, jammer())
    way = wet.budget.way
    polar, _ = wet.sight.locate(np.array(PLACES), np.zeros((2, 3)))
    height_m = wet.sight.target_height_m(polar)[0]
    air = (way.gas_db_per_m, way.rain_db_per_m, way.rain_top_m)
    loss_db = path_attenuation_db(polar[0, 0], way.height_m, height_m, *air)
    assert 3.0 < loss_db < 30.0
    assert 10 * math.log10(side / free) == pytest.approx(-loss_db, abs=0.01)


@pytest.mark.parametrize("beam_on", [0, 1])
def test_noise_has_lobes_by_the_pattern_towards_bounce_and_jammer(beam_on: int) -> None:
    """Twin: the kernel of one way, the bounce's gain by the antenna as the beam points."""
    sensor = radar(stage.surroundings(FRAME, surface="sea", sea_state=0), frequency_ghz=3.0)
    antenna = sensor.receiver.antenna
    swings = []
    for height in np.linspace(100.0, 1500.0, 30):
        places = [[40e3, 0.0, height], [0.0, 60e3, 2000.0]]
        with_ground = noise(sensor, places, jammer())
        polar, _ = sensor.sight.locate(np.array(places), np.zeros((2, 3)))
        beam = polar[beam_on]
        across = polar[0, 1] - beam[1]
        toward = antenna.gain_db(across, polar[0, 2] - beam[2])
        bounced = antenna.gain_db(across, -abs(polar[0, 2]) - beam[2])
        gain = float(10 ** (0.05 * (bounced - toward)))
        expected = way_factor(sensor.budget.way, *polar[0, :3], gain)
        free = noise(sensor.in_free_space(), places, jammer())
        assert with_ground[beam_on] / free[beam_on] == pytest.approx(expected, rel=1e-9)
        swings.append(10 * math.log10(expected))
    assert np.ptp(swings) > 6.0


def test_a_ridge_and_the_horizon_stop_noise() -> None:
    def ridge(_: Floats, north_m: Floats) -> Floats:
        return np.where(np.abs(north_m - 8e3) < 500.0, 250.0, 0.0)

    ground = stage.relief(FRAME, ridge, 26e3)
    hilly = radar(replace(stage.surroundings(FRAME), ground=ground), range_max_km=25)
    smooth = radar(range_max_km=25)
    for north_m, height_m, behind in (
        (15e3, 150.0, True),
        (15e3, 900.0, False),
        (-15e3, 150.0, False),
    ):
        places = [[0.0, north_m, height_m], [20e3, 0.0, 5000.0]]
        assert noise(smooth, places, jammer())[1] > 0.0
        assert (noise(hilly, places, jammer())[1] == 0.0) == behind
    below = [[0.0, 90e3, -400.0], [20e3, 0.0, 5000.0]]
    assert noise(smooth, below, jammer())[1] == 0.0


# --- passive radar ------------------------------------------------------------------------------

TOWER = {
    "id": "tower",
    "position": {"latitude_deg": 50.0, "longitude_deg": 5.5, "height_agl_m": 250},
}


def passive(environment: dict[str, Any] | None = None, **changes: Any) -> PassiveRadar:
    given = {"kind": "passive-radar", "id": "p", "preset": "dab", "illuminators": [TOWER]}
    spec = TypeAdapter(SensorSpec).validate_python(given | changes)
    mount = Mount(0, "hill", np.array([0.0, 0.0, 30.0]))
    (sensor,) = build_sensors(spec, mount, stage.surroundings(FRAME, **(environment or {})))
    assert isinstance(sensor, PassiveRadar)
    return sensor


def test_both_legs_of_the_path_lose_to_gas_and_rain() -> None:
    given: dict[str, Any] = {"frequency_mhz": 2900}
    dry, wet = passive(**given), passive({"rain_mm_per_h": 100.0}, **given)
    place = np.array([[10e3, 30e3, 1500.0], [-20e3, -40e3, 8000.0]])
    velocity = np.full((2, 3), 80.0)
    for sensor in (dry, wet):
        polar, snr, code = sensor._echoes(place, velocity, np.ones(2))
        assert (code == Visibility.VISIBLE).all()
        way = sensor.array.way
        air = (way.gas_db_per_m, way.rain_db_per_m, way.rain_top_m)
        own, other = (
            end.locate(place, velocity)[0] for end in (sensor.receiver, sensor.transmitter)
        )
        for row in range(2):
            legs_db = [
                path_attenuation_db(p[row, 0], end.height_m, end.target_height_m(p)[row], *air)
                for p, end in ((own, sensor.receiver), (other, sensor.transmitter))
            ]
            assert all(leg > 0.1 for leg in legs_db)
            spread = (own[row, 0] * other[row, 0]) ** 2
            vacuum = sensor.snr_of_unit_echo / spread
            assert 10 * math.log10(snr[row] / vacuum) == pytest.approx(-sum(legs_db), abs=0.02)
        assert polar[0, 0] > 0.0
    assert wet.array.way.rain_db_per_m > 0.0 == dry.array.way.rain_db_per_m


def jammed_by(sensor: PassiveRadar, places: Any, spec: NoiseJammer) -> Floats:
    targets = resting(places, spec)
    truth = targets.truth(0.0)
    time_s = np.zeros(len(truth))
    return sensor._jammed(targets, time_s, truth.position_enu_m, truth.velocity_enu_mps)  # type: ignore[arg-type]


@pytest.mark.parametrize(("off_deg", "relative_db"), [(0.0, 0.0), (15.0, -3.0), (90.0, None)])
def test_noise_at_a_passive_radar_is_the_link_budget(off_deg: float, relative_db: Any) -> None:
    """By main lobe, at half power, and by the side lobes; against noise and direct signal."""
    sensor = passive(direct_rejection_db=40)
    assert sensor.noise > 2.0
    array = sensor.array
    sensor = replace(sensor, array=replace(array, way=array.way.in_vacuum()))
    bearing = math.radians(200.0 + off_deg)
    jam = np.array([60e3 * math.sin(bearing), 60e3 * math.cos(bearing), 6000.0])
    look = np.array([40e3 * math.sin(math.radians(200)), 40e3 * math.cos(math.radians(200)), 4e3])
    spec = jammer(bandwidth_mhz=10.0, polarisation_loss_db=3)
    raised = jammed_by(sensor, [jam, look], spec)[1]
    polar, _ = sensor.receiver.locate(np.array([jam, look]), np.zeros((2, 3)))
    range_km = polar[0, 0] / 1e3
    spread_db = 20 * math.log10(4 * math.pi * range_km * 1e3 * 222e6 / SPEED_OF_LIGHT_MPS)
    if relative_db is None:
        relative_db = max(-10.0 - 25.0 * math.log10(3.0 / math.sqrt(10.0 / 12.0)), -10.0 - 9.0)
    else:
        across = (polar[0, 1] - polar[1, 1]) / math.radians(30.0)
        relative_db = -12.0 * across**2
    power_dbw = 30 + 9 + relative_db - 3 - spread_db + 10 * math.log10(1.536 / 10)
    floor_w = BOLTZMANN_J_PER_K * 1500.0 * 1.536e6 * sensor.noise
    assert raised == pytest.approx(1 + 10 ** (power_dbw / 10) / floor_w, rel=0.01)


def test_only_who_covers_the_illuminator_jams_it() -> None:
    sensor = passive()
    places = [[30e3, 30e3, 5e3], [-20e3, 20e3, 4e3]]
    assert jammed_by(sensor, places, jammer(frequency_ghz=[0.2, 0.25]))[1] > 1.5
    assert jammed_by(sensor, places, jammer(frequency_ghz=[0.25, 0.4]))[1] == 1.0
    assert jammed_by(sensor, places, jammer(active_s=[[5, 9]]))[1] == 1.0
    hidden = [[30e3, 30e3, -600.0], [-20e3, 20e3, 4e3]]
    assert jammed_by(sensor, hidden, jammer())[1] == 1.0


@pytest.mark.slow
def test_a_jammed_passive_radar_detects_less_and_says_why() -> None:
    sensor = passive(pfa=1e-5)
    move = np.array([[-90.0, 60.0, 0.0], [80.0, 80.0, 0.0], [70.0, -60.0, 0.0]])
    start = np.array([[40e3, 40e3, 6e3], [-15e3, 12e3, 4e3], [-80e3, -50e3, 9e3]])
    rcs = np.array([10.0, 3.0, 1e-6])
    targets = fakes(lambda t, k: start[k] + move[k] * t[:, None], 3, rcs_m2=rcs, swerling=1)
    truth = targets.truth(0.0)
    pd, code = sensor.visibility(targets, truth)  # type: ignore[arg-type]
    names = ["VISIBLE", "VISIBLE", "WEAK_ECHO"]
    assert [Visibility(c).name for c in code] == names

    def plots() -> Any:
        scene = Scene(targets, truth, targets.truth(20.0))  # type: ignore[arg-type]
        return sensor.observe(scene, np.random.default_rng(2))

    quiet = plots()
    targets.attackers = Attackers(noise=(Attacker(jammer(erp_dbw=45), 0, NOWHERE),))
    jammed, code = sensor.visibility(targets, truth)  # type: ignore[arg-type]
    assert [Visibility(c).name for c in code] == ["JAMMED", "JAMMED", "WEAK_ECHO"]
    assert (jammed[:2] < pd[:2]).all()
    loud = plots()
    for row in (0, 1):
        expected = 40 * jammed[row]
        assert (quiet.truth_id == row).sum() > 30
        assert (loud.truth_id == row).sum() < expected + 5 * math.sqrt(expected + 1)
    alarms = [(p.truth_id == FALSE_ALARM).sum() for p in (quiet, loud)]
    assert abs(int(alarms[0]) - int(alarms[1])) < 5 * math.sqrt(2 * alarms[0] + 1)
