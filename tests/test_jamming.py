"""Noise jamming: the link budget against plain twins, and what radars see through it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import stage
from numpy.typing import NDArray

from sensors.antenna import Antenna
from sensors.detection import detection_probability, required_snr
from sensors.jamming import (
    burn_through_range_m,
    jam_to_noise,
    self_screening_crossover_m,
    stand_off_crossover_m,
)
from sensors.radar import Radar, RadarSpec
from sensors.scene import Scene
from sim.core.tables import Floats, Visibility
from sim.verification.jamming import CHECKS
from sim.world.attackers import GROUND, Attacker, Attackers
from sim.world.electronic_attack import NoiseJammer
from sim.world.frames import Frame

FRAME = Frame.at(0.9, 0.1, 0.0)
PLACE = np.array([0.0, 0.0, 20.0])
NOWHERE = np.full(3, np.nan)

STARING: dict[str, Any] = {
    "kind": "radar",
    "id": "r",
    "preset": "mobile-multi-mission",
    "update_s": 0.1,
}


def radar(**changes: Any) -> Radar:
    spec = RadarSpec.model_validate(STARING | changes)
    return stage.build(spec, FRAME, PLACE).in_free_space()


def jammer(**changes: Any) -> NoiseJammer:
    values = {"erp_dbw": 30, "bandwidth_mhz": 20, "frequency_ghz": [2, 18]}
    return NoiseJammer.model_validate(values | changes)


def carried(spec: NoiseJammer, row: int = 0) -> Attacker[NoiseJammer]:
    return Attacker(spec, row, NOWHERE)


def at(azimuth_deg: float, range_m: float, height_m: float) -> Floats:
    azimuth = math.radians(azimuth_deg)
    return np.array([range_m * math.sin(azimuth), range_m * math.cos(azimuth), height_m])


def resting(places: list[Floats], **given: Any) -> stage.Fakes:
    """Targets that stay where they are."""
    points = np.array(places)

    def path(time_s: Floats, row: NDArray[np.intp]) -> Floats:
        return points[row].copy()

    return stage.fakes(path, len(places), **given)


def seen(targets: stage.Fakes, sensor: Any, duration_s: float, seed: int = 3) -> Any:
    scene = Scene(targets, targets.truth(0.0), targets.truth(duration_s))  # type: ignore[arg-type]
    return sensor.observe(scene, np.random.default_rng(seed))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_published_numbers(check: Any) -> None:
    assert abs(check.compute() - check.expected) <= check.tolerance


def decibels_of_the_link(spec: NoiseJammer, sensor: Radar, gain_db: float, range_m: float) -> float:
    """J/N in dB, added up by hand."""
    erp_dbw = 10 * math.log10(spec.erp_w) - spec.polarisation_loss_db
    wavelength_m = 299_792_458.0 / sensor.receiver.frequency_hz
    spread_db = 20 * math.log10(4 * math.pi * range_m / wavelength_m)
    noise_dbw = 10 * math.log10(
        1.380649e-23 * sensor.receiver.system_temperature_k * sensor.receiver.bandwidth_hz
    )
    taken = min(1.0, sensor.receiver.bandwidth_hz / spec.bandwidth_hz)
    return erp_dbw + gain_db - spread_db + 10 * math.log10(taken) - noise_dbw


@pytest.mark.parametrize("bandwidth_mhz", [0.2, 1.0, 400.0])
@pytest.mark.parametrize("off_deg", [0.0, 1.0, 3.0, 10.0, 120.0])
def test_the_receiver_hears_what_the_link_budget_says(bandwidth_mhz: float, off_deg: float) -> None:
    sensor = radar()
    spec = jammer(bandwidth_mhz=bandwidth_mhz, polarisation_loss_db=3, losses_db=1)
    targets = resting([at(40.0, 90e3, 9000.0), at(40.0 + off_deg, 60e3, 6000.0)])
    targets.attackers = Attackers(noise=(carried(spec),))
    truth = targets.truth(0.0)
    position, velocity = truth.position_enu_m, truth.velocity_enu_mps
    factor = sensor.receiver.noise_factor(targets, np.zeros(2), position, velocity)  # type: ignore[arg-type]
    polar, above = sensor.receiver.polar(position, velocity)
    assert above.all()
    for row in range(2):
        antenna = sensor.receiver.antenna
        gain_db = float(antenna.gain_db(polar[0, 1] - polar[row, 1], polar[0, 2] - polar[row, 2]))
        expected_db = decibels_of_the_link(spec, sensor, gain_db, polar[0, 0])
        assert 10 * math.log10(factor[row] - 1.0) == pytest.approx(expected_db, abs=1e-6)


def test_noise_adds_up_over_jammers_and_nothing_else_adds_any() -> None:
    sensor = radar()
    places = [at(10, 80e3, 9000.0), at(200, 50e3, 9000.0), at(90, 70e3, -300.0), at(300, 40e3, 5e3)]
    targets = resting(places)
    strong, weak = jammer(), jammer(erp_dbw=20)
    silent = {
        "another band": carried(jammer(frequency_ghz=[[8, 12], [14, 18]]), 1),
        "behind the horizon": carried(jammer(), 2),
        "off": carried(jammer(active_s=[[0, 5], [6, 9]]), 1),
    }
    truth = targets.truth(5.5)

    def factor(*attackers: Attacker[NoiseJammer]) -> Floats:
        targets.attackers = Attackers(noise=attackers)
        return sensor.receiver.noise_factor(
            targets,  # type: ignore[arg-type]
            np.full(4, 5.5),
            truth.position_enu_m,
            truth.velocity_enu_mps,
        )

    np.testing.assert_array_equal(factor(), np.ones(4))
    one, other = factor(carried(strong)), factor(carried(weak, 1))
    assert (one > 1.0).all()
    np.testing.assert_allclose(factor(carried(strong), carried(weak, 1)), one + other - 1.0)
    for why, attacker in silent.items():
        np.testing.assert_array_equal(factor(attacker), np.ones(4), why)
    ground = Attacker(strong, GROUND, np.array([3e3, 4e3, 10.0]))
    assert (factor(ground) > 10.0).all()


def test_windows_begin_with_their_start_and_end_before_their_end() -> None:
    sensor = radar()
    targets = resting([at(10, 80e3, 9000.0)])
    targets.attackers = Attackers(noise=(carried(jammer(active_s=[[1, 2], [4, 5]])),))
    time_s = np.array([0.999, 1.0, 1.999, 2.0, 3.0, 4.0, 5.0])
    position, velocity = targets.at(time_s, np.zeros(7, int))
    factor = sensor.receiver.noise_factor(targets, time_s, position, velocity)  # type: ignore[arg-type]
    assert ((factor > 1.0) == [False, True, True, False, False, True, False]).all()


def test_a_narrow_spot_inside_the_receiver_is_all_taken_in() -> None:
    wide = {"receive_gain": 100.0, "frequency_hz": 3e9, "system_temperature_k": 500.0}
    ratios = [
        jam_to_noise(50e3, erp_w=10.0, bandwidth_hz=width, receiver_bandwidth_hz=1e6, **wide).item()
        for width in (1e5, 1e6, 2e6, 4e6)
    ]
    assert ratios[0] == ratios[1] == pytest.approx(2 * ratios[2]) == pytest.approx(4 * ratios[3])


def test_crossover_is_where_echo_and_noise_are_equal() -> None:
    """Twin: received powers by the two textbook equations, at the crossover range."""
    gain, pt, rcs, br, bj, erp = 10**3.5, 50e3, 10.0, 667e3, 50e6, 200.0
    loss, jam_loss, wavelength = 10**0.001, 10**0.03, 0.05
    given: dict[str, Any] = {
        "peak_power_w": pt,
        "gain": gain,
        "rcs_m2": rcs,
        "receiver_bandwidth_hz": br,
        "losses": loss,
        "jammer_erp_w": erp,
        "jammer_bandwidth_hz": bj,
        "jammer_losses": jam_loss,
    }

    def echo_w(range_m: float) -> float:
        return pt * gain**2 * wavelength**2 * rcs / ((4 * math.pi) ** 3 * range_m**4 * loss)

    def noise_w(range_m: float, received_gain: float) -> float:
        through = erp * received_gain * wavelength**2 / ((4 * math.pi * range_m) ** 2 * jam_loss)
        return through * br / bj

    near = self_screening_crossover_m(**given)
    assert echo_w(near) == pytest.approx(noise_w(near, gain), rel=1e-12)
    side = 10**0.5
    far = stand_off_crossover_m(**given, jammer_range_m=120e3, gain_to_jammer=side)
    assert echo_w(far) == pytest.approx(noise_w(120e3, side), rel=1e-12)


@pytest.mark.parametrize("jam_db", [-300.0, 20.0, 60.0, 140.0])
def test_burn_through_solves_its_equation(jam_db: float) -> None:
    echo, needed, jam = 10**21.0, 10**1.3, 10 ** (jam_db / 10)
    range_m = burn_through_range_m(echo, needed, jam)
    assert echo / range_m**4 / (1 + jam / range_m**2) == pytest.approx(needed, rel=1e-9)


@pytest.mark.slow
def test_a_self_screening_target_burns_through_where_the_formula_says() -> None:
    """Half of all looks detect it at the burn-through range for half of all looks."""
    sensor = radar()
    spec = jammer(erp_dbw=10, bandwidth_mhz=50)
    at_1_m = jam_to_noise(
        1.0,
        erp_w=spec.erp_w,
        bandwidth_hz=spec.bandwidth_hz,
        receive_gain=10**3.4,
        frequency_hz=5.6e9,
        receiver_bandwidth_hz=sensor.receiver.bandwidth_hz,
        system_temperature_k=800.0,
    ).item()
    needed = required_snr(0.5, sensor.pfa, sensor.pulses, 1)
    range_m = burn_through_range_m(sensor.snr_of_unit_echo, needed, at_1_m)
    free_m = (sensor.snr_of_unit_echo / needed) ** 0.25
    assert range_m < 0.5 * free_m
    looks = 4000
    targets = resting([at(77.0, range_m, 2000.0)], swerling=1)
    targets.attackers = Attackers(noise=(carried(spec),))
    plots = seen(targets, sensor, looks * 0.1)
    found = int((plots.truth_id == 0).sum())
    assert abs(found - 0.5 * looks) < 5 * math.sqrt(0.25 * looks)


@pytest.mark.slow
@pytest.mark.parametrize("swerling", [0, 1, 3])
def test_jammed_looks_detect_as_often_as_the_closed_form_says(swerling: int) -> None:
    sensor = radar()
    targets = resting([at(30.0, 60e3, 6000.0), at(75.0, 120e3, 9000.0)], swerling=swerling)
    truth = targets.truth(0.0)
    range_m = float(np.linalg.norm(truth.position_enu_m[0] - PLACE))
    clear = sensor.snr_of_unit_echo / range_m**4
    # Loud enough, through the side lobes, that three looks of five detect.
    wanted = clear / required_snr(0.6, sensor.pfa, sensor.pulses, swerling) - 1.0
    azimuth_rad, elevation_rad = sensor.receiver.polar(
        truth.position_enu_m, truth.velocity_enu_mps
    )[0][:, 1:3].T
    side_db = float(
        sensor.receiver.antenna.gain_db(np.diff(azimuth_rad), np.diff(elevation_rad))[0]
    )
    far_m = float(np.linalg.norm(truth.position_enu_m[1] - PLACE))
    quiet_db = decibels_of_the_link(jammer(erp_dbw=0), sensor, side_db, far_m)
    loud = jammer(erp_dbw=10 * math.log10(wanted) - quiet_db)
    targets.attackers = Attackers(noise=(carried(loud, 1),))
    pd = float(detection_probability(clear / (1.0 + wanted), sensor.pfa, sensor.pulses, swerling))
    assert pd == pytest.approx(0.6)
    assert sensor.visibility(targets, truth)[0][0] == pytest.approx(pd, rel=1e-9)  # type: ignore[arg-type]
    looks = 3000
    plots = seen(targets, sensor, looks * 0.1)
    found = int((plots.truth_id == 0).sum())
    assert abs(found - pd * looks) < 5 * math.sqrt(pd * (1 - pd) * looks)
    # Errors follow what is left of the signal.
    own = plots.take(plots.truth_id == 0)
    azimuth = sensor.receiver.polar(truth.position_enu_m[:1], truth.velocity_enu_mps[:1])[0][0, 1]
    pull = (own.measurement[:, 1] - azimuth) / own.sigma[:, 1]
    assert abs(pull.mean()) < 5 / math.sqrt(found)
    assert abs(pull.var() - 1.0) < 5 * math.sqrt(2.0 / found)


def test_jamming_is_named_as_the_reason_only_where_it_is_the_reason() -> None:
    sensor = radar()
    places = [at(30, 60e3, 6e3), at(75, 120e3, 9e3), at(30, 300e3, 12e3), at(200, 5e3, 1e3)]
    targets = resting(places, rcs_m2=np.array([1.0, 1.0, 1e-4, 10.0]), swerling=1)
    truth = targets.truth(0.0)
    quiet = sensor.visibility(targets, truth)  # type: ignore[arg-type]
    names = ["VISIBLE", "VISIBLE", "WEAK_ECHO", "VISIBLE"]
    assert [Visibility(code).name for code in quiet[1]] == names
    targets.attackers = Attackers(noise=(carried(jammer(erp_dbw=65), 1),))
    pd, code = sensor.visibility(targets, truth)  # type: ignore[arg-type]
    names = ["JAMMED", "JAMMED", "WEAK_ECHO", "VISIBLE"]
    assert [Visibility(code).name for code in code] == names
    assert (pd <= quiet[0]).all()


@pytest.mark.slow
def test_false_alarms_stay_as_many_under_jamming() -> None:
    sensor = radar(pfa=1e-5)
    targets = resting([at(75.0, 120e3, 9000.0)])
    expected = sensor.false_alarms_per_look * 100
    for attackers in (Attackers(), Attackers(noise=(carried(jammer(erp_dbw=60)),))):
        targets.attackers = attackers
        plots = seen(targets, sensor, 10.0)
        alarms = int((plots.truth_id == -1).sum())
        assert abs(alarms - expected) < 5 * math.sqrt(expected)


def test_who_jams_another_band_changes_no_plot() -> None:
    sensor = radar()
    targets = resting([at(30.0, 60e3, 6000.0)])
    alone = seen(targets, sensor, 5.0)
    targets.attackers = Attackers(noise=(carried(jammer(frequency_ghz=[8, 12])),))
    beside = seen(targets, sensor, 5.0)
    np.testing.assert_array_equal(alone.measurement, beside.measurement)
    assert len(alone)


@pytest.mark.parametrize("way", ["turning", "staring"])
def test_a_silent_radar_neither_looks_nor_raises_alarms(way: str) -> None:
    turning = {"update_s": None, "rate_rpm": 60} if way == "turning" else {}
    sensor = radar(**turning, pfa=1e-5, emission_control=[[2, 4], [7, 8.5]], strobes=True)
    targets = resting([at(30.0, 20e3, 6000.0)])
    plots = seen(targets, sensor, 12.0)
    silent = [(2.0, 4.0), (7.0, 8.5)]
    for start, end in silent:
        assert not ((plots.time_s >= start) & (plots.time_s < end)).any()
    free = seen(targets, radar(**turning, pfa=1e-5), 12.0)
    kept = ~sum((free.time_s >= start) & (free.time_s < end) for start, end in silent).astype(bool)
    own, free_own = plots.truth_id == 0, (free.truth_id == 0) & kept
    np.testing.assert_allclose(plots.time_s[own], free.time_s[free_own], atol=1e-9)
    assert 0 < own.sum() < (free.truth_id == 0).sum()
    alarms, expected = int((~own).sum()), 8.5 / sensor.period_s * sensor.false_alarms_per_look
    assert abs(alarms - expected) < 5 * math.sqrt(expected)
    assert sensor.visibility(targets, targets.truth(3.0))[1][0] == Visibility.NOT_LOOKED_AT  # type: ignore[arg-type]
    assert sensor.visibility(targets, targets.truth(4.0))[1][0] == Visibility.VISIBLE  # type: ignore[arg-type]


def test_the_receivers_antenna_is_the_radars() -> None:
    """A jammer off the beam enters by the same pattern that the antenna tells."""
    sensor = radar()
    antenna = sensor.receiver.antenna
    assert isinstance(antenna, Antenna)
    assert antenna.gain_db(0.0, 0.0) == pytest.approx(34.0)
    assert antenna.gain_db(math.radians(1.25), 0.0) == pytest.approx(31.0, abs=0.01)
