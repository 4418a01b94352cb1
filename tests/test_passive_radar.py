"""Passive radar: geometry, energy, what it cannot see, how well it measures."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import stage
from pydantic import TypeAdapter, ValidationError
from scipy import stats
from stage import Fakes, fakes

from sensors.detection import BOLTZMANN_J_PER_K, SPEED_OF_LIGHT_MPS, detection_probability
from sensors.mount import Mount
from sensors.passive_radar import PassiveRadar
from sensors.passive_radar_spec import DIPOLE_GAIN, PassiveRadarSpec
from sensors.presets import PRESETS_FOLDER
from sensors.registry import Sensor, SensorSpec, build_sensors, ids_of
from sensors.scene import Scene
from sim.core.tables import FALSE_ALARM, Floats, Measured, Plots, Visibility
from sim.world.frames import Frame
from sim.world.presets import read_presets

FRAME = Frame.at(np.radians(51.0), np.radians(5.0), 0.0)
PRESETS = read_presets(PRESETS_FOLDER / "passive-radar.yaml")
TOWER = {
    "id": "tower",
    "position": {"latitude_deg": 51.0, "longitude_deg": 5.5, "height_agl_m": 250},
}
MAST = {"id": "mast", "position": {"latitude_deg": 51.3, "longitude_deg": 5.0, "height_agl_m": 150}}


def spec(**changes: Any) -> PassiveRadarSpec:
    given = {"kind": "passive-radar", "id": "pr", "preset": "dab", "illuminators": [TOWER]}
    return TypeAdapter(SensorSpec).validate_python(given | changes)


def built(**changes: Any) -> tuple[Sensor, ...]:
    mount = Mount(4, "hill", np.array([0.0, 0.0, 30.0]))
    return build_sensors(spec(**changes), mount, stage.surroundings(FRAME))


def one(**changes: Any) -> PassiveRadar:
    (sensor,) = built(**changes)
    assert isinstance(sensor, PassiveRadar)
    return sensor


def straight(position_m: Any, velocity_mps: Any, **given: Any) -> Fakes:
    start = np.atleast_2d(np.asarray(position_m, float))
    velocity = np.broadcast_to(np.asarray(velocity_mps, float), start.shape)
    return fakes(lambda t, k: start[k] + velocity[k] * t[:, None], len(start), **given)


def watch(sensor: Sensor, targets: Fakes, times_s: Floats, seed: int = 0) -> Plots:
    rng = np.random.default_rng(seed)
    truths = [targets.truth(float(t)) for t in times_s]
    return Plots.concatenate(
        [sensor.observe(Scene(targets, a, b), rng) for a, b in pairwise(truths)]
    )


def path_twin(sensor: PassiveRadar, position: Floats, velocity: Floats) -> Floats:
    """Path less the baseline, azimuth and rate by vectors."""
    to_receiver = position - sensor.origin_enu_m
    to_transmitter = position - sensor.other_enu_m
    ranges = [np.linalg.norm(v, axis=1) for v in (to_receiver, to_transmitter)]
    baseline = np.linalg.norm(sensor.other_enu_m - sensor.origin_enu_m)
    units = [v / r[:, None] for v, r in zip((to_receiver, to_transmitter), ranges, strict=True)]
    local = to_receiver @ sensor.enu_R_sensor
    return np.stack(
        [
            ranges[0] + ranges[1] - baseline,
            np.arctan2(local[:, 0], local[:, 1]) % (2 * np.pi),
            np.full(len(position), np.nan),
            np.einsum("ij,ij->i", velocity, units[0] + units[1]),
        ],
        axis=1,
    )


def test_every_illuminator_is_a_sensor() -> None:
    both = built(illuminators=[TOWER, MAST | {"erp_kw": 2, "frequency_mhz": 180}])
    assert [(s.id, s.index) for s in both] == [("pr.tower", 4), ("pr.mast", 5)]
    assert ids_of(spec(illuminators=[TOWER, MAST])) == ("pr.tower", "pr.mast")
    for sensor in both:
        assert sensor.measured == Measured.BISTATIC
        assert sensor.measures.tolist() == [True, True, False, True]
    assert np.linalg.norm(one().other_enu_m) == pytest.approx(35.1e3, rel=0.01)


@pytest.mark.parametrize("name", PRESETS)
def test_every_value_is_sourced_and_known(name: str) -> None:
    for key, preset in PRESETS[name].items():
        assert key in PassiveRadarSpec.model_fields, key
        assert bool(preset.source) != bool(preset.assumption), key
    required = {k for k, f in PassiveRadarSpec.model_fields.items() if f.is_required()}
    assert required - {"kind", "id", "illuminators"} <= set(PRESETS[name])
    assert one(preset=name).clutter_density > 0


def test_energy_is_that_of_the_bistatic_radar_equation() -> None:
    """Against the power of the link, step by step, and what is left of the direct signal."""
    sensor, dab = one(), spec()
    sensor = replace(
        sensor,
        array=replace(sensor.array, way=sensor.array.way.in_vacuum()),
        transmitter_way=sensor.transmitter_way.in_vacuum(),
    )
    position = np.array([[8e3, 21e3, 4e3]])
    targets = straight(position, [150.0, 60.0, 0.0], rcs_m2=3.0, swerling=1)
    pd, code = sensor.visibility(targets, targets.truth(0.0))
    wavelength = SPEED_OF_LIGHT_MPS / (dab.frequency_mhz * 1e6)
    r1 = np.linalg.norm(position - sensor.other_enu_m)
    r2 = np.linalg.norm(position - sensor.origin_enu_m)
    eirp = dab.erp_kw * 1e3 * DIPOLE_GAIN
    at_target = eirp / (4 * np.pi * r1**2)
    aperture = 10 ** (dab.gain_db / 10) * wavelength**2 / (4 * np.pi)
    received = at_target * 3.0 / (4 * np.pi * r2**2) * aperture / 10 ** (dab.losses_db / 10)
    direct = eirp * (wavelength / (4 * np.pi * sensor.baseline_m)) ** 2
    left = direct * (10 ** (-dab.direct_rejection_db / 10) + 10 ** (-dab.dynamic_range_db / 10))
    bandwidth = dab.bandwidth_khz * 1e3
    noise = BOLTZMANN_J_PER_K * dab.system_temperature_k * bandwidth + left
    snr = received * bandwidth * dab.integration_s / noise
    assert pd[0] == pytest.approx(float(detection_probability(snr, dab.pfa, 1, 1)), rel=1e-9)
    assert code[0] == Visibility.VISIBLE


def test_a_loud_direct_signal_hides_weak_echoes() -> None:
    targets = straight([[8e3, 21e3, 4e3]], [150.0, 60.0, 0.0], rcs_m2=0.3, swerling=1)
    good, bad = (
        one(direct_rejection_db=d).visibility(targets, targets.truth(0.0)) for d in (100.0, 40.0)
    )
    assert good[1][0] == Visibility.VISIBLE
    assert bad[1][0] == Visibility.WEAK_ECHO
    assert bad[0][0] < good[0][0]


def test_what_it_cannot_see() -> None:
    sensor = one()
    middle = 0.5 * (sensor.origin_enu_m + sensor.other_enu_m)
    places = np.array(
        [
            [8e3, 21e3, 4e3],
            middle + np.array([0.0, 300.0, 900.0]),  # on the baseline
            [8e3, 21e3, 4e3],
            [0.0, 130e3, 9e3],
            [-20e3, 60e3, -290.0],  # low over round ground
        ]
    )
    velocity = np.array([[200.0, 90.0, 0.0]] * 5)
    velocity[2] = 0.0
    targets = straight(places, velocity, rcs_m2=1e4)
    _, code = sensor.visibility(targets, targets.truth(0.0))
    assert code.tolist() == [
        Visibility.VISIBLE,
        Visibility.BLIND_RANGE,
        Visibility.TOO_SLOW,
        Visibility.BEYOND_RANGE,
        Visibility.BELOW_HORIZON,
    ]
    plots = watch(sensor, targets, np.arange(0.0, 10.1))
    assert set(plots.truth_id) - {FALSE_ALARM} == {0}


def test_bistatic_angle_by_vectors() -> None:
    sensor = one(bistatic_angle_max_deg=120.0)
    rng = np.random.default_rng(3)
    places = rng.uniform([-20e3, -30e3, 3e3], [55e3, 30e3, 8e3], (300, 3))
    velocity = 250.0 * np.array([np.sqrt(0.5), np.sqrt(0.5), 0.0])
    targets = straight(places, velocity, rcs_m2=1e8)
    _, code = sensor.visibility(targets, targets.truth(0.0))
    to = [places - sensor.origin_enu_m, places - sensor.other_enu_m]
    units = [v / np.linalg.norm(v, axis=1)[:, None] for v in to]
    angle = np.degrees(np.arccos(np.einsum("ij,ij->i", *units)))
    assert np.array_equal(code == Visibility.BLIND_RANGE, angle > 120.0)


@pytest.mark.slow
def test_errors_are_as_stated_and_detections_as_often() -> None:
    sensor = one(pfa=1e-5)
    rng = np.random.default_rng(1)
    size = 12
    places = np.stack(
        [np.linspace(-40e3, 30e3, size), rng.uniform(15e3, 40e3, size), np.full(size, 5e3)], axis=1
    )
    velocity = np.stack([np.full(size, 80.0), np.full(size, 120.0), np.zeros(size)], axis=1)
    targets = straight(places, velocity, rcs_m2=2.0, swerling=1)
    times = np.arange(0.0, 40.1, 0.5)
    plots = watch(sensor, targets, times)
    plots = plots.take(plots.truth_id != FALSE_ALARM)
    position, speed = targets.at(plots.time_s, plots.truth_id.astype(np.intp))
    error = plots.measurement - path_twin(sensor, position, speed)
    error[:, 1] = np.remainder(error[:, 1] + np.pi, 2 * np.pi) - np.pi
    for column in (0, 1, 3):
        assert stats.kstest(error[:, column] / plots.sigma[:, column], "norm").pvalue > 1e-3
    expected = sum(sensor.visibility(targets, targets.truth(float(t)))[0].sum() for t in times[1:])
    assert len(plots) == pytest.approx(expected, abs=4.5 * np.sqrt(expected))


@pytest.mark.slow
def test_false_alarms_have_the_stated_density() -> None:
    sensor = one(pfa=1e-3)
    nobody = straight(np.empty((0, 3)), 0.0)
    plots = watch(sensor, nobody, np.arange(0.0, 30.1, 0.25))
    inside = (plots.measurement[:, 0] > 5e3) & (plots.measurement[:, 0] < 150e3)
    inside &= (plots.measurement[:, 1] > 1.0) & (plots.measurement[:, 1] < 4.0)
    expected = 60 * sensor.clutter_density * 145e3 * 3.0 * 2 * sensor.range_rate_max_mps
    assert inside.sum() == pytest.approx(expected, abs=4.5 * np.sqrt(expected))
    assert np.all(plots.truth_id == FALSE_ALARM)
    assert np.all(np.diff(plots.time_s) >= 0)


def test_same_seed_same_plots_whatever_the_windows() -> None:
    targets = straight([[8e3, 21e3, 4e3]], [150.0, 60.0, 0.0], rcs_m2=100.0)
    sensor = one()
    first, second = (watch(sensor, targets, np.arange(0.0, 9.1), 5) for _ in range(2))
    assert first.measurement.tobytes() == second.measurement.tobytes()
    times = np.cumsum(np.random.default_rng(2).uniform(0.05, 0.4, 50))
    plots = watch(one(pfa=1e-12), targets, times)
    looks = np.arange(0.0, 30.0, sensor.period_s)
    due = looks[(looks > times[0]) & (looks <= times[-1])]
    assert plots.time_s == pytest.approx(due)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"preset": "fmm"}, "did you mean 'fm'"),
        ({"illuminators": []}, "at least 1"),
        ({"illuminators": [TOWER, TOWER]}, "two illuminators have the id 'tower'"),
        ({"integration_s": 2.0}, r"integration_s \(2\) must not be above update_s"),
    ],
)
def test_messages_of_broken_specifications(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        spec(**changes)


def test_an_illuminator_at_the_receiver_is_refused() -> None:
    here = {"id": "here", "position": {"latitude_deg": 51.0, "longitude_deg": 5.0}}
    with pytest.raises(ValueError, match="illuminator here stands 30 m from the receiver"):
        built(illuminators=[here])
