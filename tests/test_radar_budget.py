"""What stands against a radar's echo: ground, rain, air, blind zones, filters, patterns."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import stage
from pydantic import TypeAdapter, ValidationError
from stage import Fakes, fakes

from sensors.attenuation import air_over
from sensors.cfar import cfar_loss_db
from sensors.clutter import surface_clutter_rcs_m2, surface_spread_mps
from sensors.detection import SPEED_OF_LIGHT_MPS, required_snr
from sensors.echoes import aspect_factor, heard_share, rotor_share, strengths
from sensors.filters import Filters, power_left
from sensors.kernels import locate
from sensors.mti import blind_speed_mps, canceller, improvement_factor
from sensors.multipath import propagation_factor
from sensors.paths import path_attenuation_db
from sensors.radar import Radar
from sensors.radar_spec import RadarSpec
from sensors.registry import SensorSpec
from sensors.scene import Scene
from sensors.surface import EFFECTIVE_CURVATURE_PER_M, permittivity, roughness_m
from sim.core.tables import FALSE_ALARM, Floats, Plots, Visibility
from sim.world.environment import Environment
from sim.world.frames import Frame

FRAME = Frame.at(np.radians(50.0), np.radians(5.0), 0.0)
MAST_M = 15.0

# A medium-rate X-band radar of the tests' own.
VALUES: dict[str, Any] = {
    "kind": "radar",
    "id": "test",
    "rate_rpm": 30.0,
    "frequency_ghz": 9.4,
    "peak_power_kw": 10.0,
    "pulse_width_us": 2.0,
    "gain_db": 34.0,
    "system_temperature_k": 600.0,
    "losses_db": 6.0,
    "processing_gain_db": 10.0,
    "pulses": 1,
    "pfa": 1e-6,
    "dimensions": 3,
    "range_min_km": 0.2,
    "range_max_km": 60.0,
    "elevation_min_deg": -5.0,
    "elevation_max_deg": 60.0,
    "beamwidth_deg": 2.0,
    "elevation_beamwidth_deg": 4.0,
    "range_resolution_m": 100.0,
    "range_sigma_min_m": 5.0,
    "azimuth_sigma_min_deg": 0.05,
    "elevation_sigma_min_deg": 0.08,
    "prf_hz": [5000.0, 5700.0, 6500.0],
    "mti": "doppler-bank",
    "coherent_pulses": 16,
}


def radar(environment: dict[str, Any] | None = None, **changes: Any) -> Radar:
    given = {key: value for key, value in (VALUES | changes).items() if value is not None}
    spec = TypeAdapter(SensorSpec).validate_python(given)
    built: Radar = stage.build(spec, FRAME, [0.0, 0.0, MAST_M], **(environment or {}))
    return built


def over_ground(range_m: Any, height_m: Any, speed_mps: Any = -200.0, **given: Any) -> Fakes:
    """Targets north of the radar, at heights above round ground, that open at a speed."""
    ranges, heights = np.broadcast_arrays(np.atleast_1d(range_m), height_m)
    place = FRAME.from_geodetic(np.radians(50.0) + ranges / 6.391e6, np.radians(5.0), heights)
    away = place - np.array([0.0, 0.0, MAST_M])
    away /= np.linalg.norm(away, axis=1)[:, None]
    velocity = away * np.broadcast_to(speed_mps, ranges.shape)[:, None]
    return fakes(lambda t, k: place[k] + velocity[k] * t[:, None], len(place), **given)


def seen(sensor: Radar, targets: Fakes) -> tuple[Floats, list[Visibility]]:
    pd, code = sensor.visibility(targets, targets.truth(0.0))  # type: ignore[arg-type]
    return pd, [Visibility(c) for c in code]


def strength(sensor: Radar, targets: Fakes) -> tuple[Floats, Floats]:
    """Polar places and the columns of ``strengths``."""
    truth, marks = targets.truth(0.0), targets.signatures
    polar, code = np.empty((len(truth), 4)), np.empty(len(truth), np.uint8)
    locate(truth.position_enu_m, truth.velocity_enu_mps, *sensor._reach(), polar, code)
    found = strengths(
        polar,
        truth.velocity_enu_mps,
        np.arange(len(truth), dtype=np.int32),
        marks.rcs_m2,
        np.ones(len(truth)),
        code,
        marks.rcs_aspect,
        marks.rotor_rcs,
        marks.rotor_tip_mps,
        sensor.snr_of_unit_echo,
        sensor.budget,
    )
    return polar, found


# --- the target ------------------------------------------------------------------------------


def test_aspect_is_the_angle_between_velocity_and_line_of_sight() -> None:
    table = np.array([[1.0, 3.0, 5.0, 9.0, 17.0]])
    closing = [-100.0, -100.0 * np.sqrt(0.5), 0.0, 100.0 * np.sqrt(0.5), 100.0]
    found = [aspect_factor(table, 0, 100.0, rate) for rate in closing]
    assert found == pytest.approx([1.0, 3.0, 5.0, 9.0, 17.0])
    between = -100.0 * np.cos(np.radians(60.0))
    assert aspect_factor(table, 0, 100.0, between) == pytest.approx(3.0 + 2.0 / 3.0)
    assert aspect_factor(table, 0, 0.5, -0.5) == 1.0  # it hovers
    assert aspect_factor(table, 0, np.nan, 0.0) == 1.0


def test_aspect_counts_in_observation_and_visibility() -> None:
    """The same flight towards the radar and from it, weak nose and strong tail."""
    both = over_ground([30e3, 30e3], 2000.0, [-200.0, 200.0], rcs_aspect=[0.01, 1, 1, 1, 4.0])
    _, found = strength(radar(), both)
    assert found[1, 4] / found[0, 4] == pytest.approx(400.0, rel=1e-6)


# --- everything together, against a plain twin ------------------------------------------------


def twin(sensor: Radar, polar: Floats, environment: Environment) -> Floats:
    """Signal against noise and ground, for an echo far from standing still, rate by rate."""
    spec = sensor.spec
    frequency = spec.frequency_ghz * 1e9
    wavelength = SPEED_OF_LIGHT_MPS / frequency
    antenna, air = spec.antenna(), air_over(environment, frequency)
    filters = Filters.of(spec, wavelength, sensor.period_s)
    left = filters.left(surface_spread_mps(environment))
    phases = np.linspace(0.0, 1.0, left.shape[1])
    out = np.zeros(len(polar))
    for row, (range_m, _, elevation, rate) in enumerate(polar):
        effective = 1.0 / sensor.sight.curvature_per_m[1]
        up = range_m * np.sin(elevation) + sensor.height_m
        across = range_m * np.cos(elevation)
        height = np.hypot(across, effective + up) - effective
        distance = effective * np.arctan2(across, effective + up)
        loss = path_attenuation_db(
            range_m,
            sensor.height_m,
            height,
            air.gas_db_per_m,
            float(air.rain_db_per_m),
            float(air.rain_top_m),
        )
        bounce = 10 ** (0.05 * float(antenna.relative_db(0.0, -2.0 * elevation)))
        lobes = propagation_factor(
            distance,
            sensor.height_m,
            height,
            wavelength,
            complex(permittivity(environment, frequency)),
            spec.polarisation == "vertical",
            float(roughness_m(environment)),
            EFFECTIVE_CURVATURE_PER_M,
            bounce,
        )
        scan = 10 ** (-0.2 * float(antenna.scan_loss_db(0.0, elevation)))
        signal = sensor.snr_of_unit_echo / range_m**4 * lobes**2 * 10 ** (-0.2 * loss) * scan
        down = 10 ** (0.2 * float(antenna.relative_db(0.0, -elevation))) * scan
        for k, prf in enumerate(spec.prf_hz or ()):
            span = 0.5 * SPEED_OF_LIGHT_MPS / prf
            clutter = 0.0
            for fold in range(int(np.ceil(sensor.range_max_m / span))):
                there = max(range_m % span + fold * span, 50.0)
                area = surface_clutter_rcs_m2(
                    environment,
                    there,
                    sensor.height_m,
                    frequency,
                    antenna.beamwidth_rad / np.sqrt(2.0),
                    spec.range_resolution_m,
                )
                gas = 2.0 * there * (air.gas_db_per_m[0] + air.rain_db_per_m)
                clutter += float(area) / there**4 * 10 ** (-0.1 * gas)
            clutter *= sensor.snr_of_unit_echo * down
            phase = (2.0 * rate / (wavelength * prf)) % 1.0
            still = clutter * np.interp(phase, phases, left[k])
            pulse = 0.5 * SPEED_OF_LIGHT_MPS * spec.pulse_width_us * 1e-6
            heard = min(1.0, (span - range_m % span) / pulse)
            if range_m >= span:
                heard = min(heard, range_m % span / pulse)
            out[row] += signal * heard**2 / (1.0 + still) / len(spec.prf_hz or ())
    return out


@pytest.mark.parametrize(
    "weather",
    [
        {"land_cover": "flat"},
        {"land_cover": "metropolitan", "wind_mps": 15.0},
        {"surface": "sea", "sea_state": 4},
    ],
)
def test_strengths_against_a_plain_twin(weather: dict[str, Any]) -> None:
    sensor = radar(weather, scan_exponent=1.3, stability_db=40.0)
    rng = np.random.default_rng(2)
    ranges, heights = rng.uniform(1.5e3, 55e3, 60), 10 ** rng.uniform(1.6, 3.8, 60)
    targets = over_ground(ranges, heights, 37.0)
    polar, found = strength(sensor, targets)
    shown = found[:, 0] > 0.0
    assert shown.sum() > 30
    expected = twin(sensor, polar[shown], Environment(**weather))
    # The tables over folded range and elevation are read between their rows.
    assert found[shown, 0] == pytest.approx(expected, rel=0.05)


def test_clear_weather_far_from_the_ground_is_the_radar_equation() -> None:
    sensor = radar(prf_hz=[2000.0]).in_free_space()
    polar, found = strength(sensor, over_ground([5e3, 20e3, 50e3], 3000.0))
    assert found[:, 0] == pytest.approx(sensor.snr_of_unit_echo / polar[:, 0] ** 4)


# --- pulse rates -----------------------------------------------------------------------------


def test_heard_share_of_a_pulse() -> None:
    """A pulse of 300 m among 30 km: all near, none as it comes back, half at the edges."""
    shares = [heard_share(u, 0, 30e3, 300.0) for u in (10.0, 15e3, 29_850.0, 29_999.0)]
    assert shares == pytest.approx([1.0, 1.0, 0.5, 1 / 300])
    assert [heard_share(u, 1, 30e3, 300.0) for u in (0.0, 150.0, 300.0)] == [0.0, 0.5, 1.0]
    assert heard_share(5.0, 3, 30e3, 0.0) == 1.0


def test_one_of_two_pulse_rates_does_not_tell_the_range() -> None:
    """Around 30 km, where 5 kHz transmits, three rates still see; of two only one is left."""
    place = [29.97e3, 45e3]
    three, two = radar(), radar(prf_hz=[5000.0, 5700.0])
    for sensor, expected in (
        (three, [Visibility.VISIBLE, Visibility.VISIBLE]),
        (two, [Visibility.BLIND_RANGE, Visibility.VISIBLE]),
    ):
        targets = over_ground(place, 2500.0, 37.0, rcs_m2=100.0, swerling=1)
        pd, code = seen(sensor, targets)
        assert code == expected
        assert (pd[0] > 0.5) == (expected[0] == Visibility.VISIBLE)


def test_blind_speeds_of_a_canceller_and_how_stagger_fills_them() -> None:
    one = radar(prf_hz=[2000.0], mti="canceller-3").in_clear_air()
    staggered = radar(prf_hz=[2000.0, 2700.0], mti="canceller-3").in_clear_air()
    for sensor in (one, staggered):  # clear air has no filters: put them back
        wavelength = SPEED_OF_LIGHT_MPS / 9.4e9
        response = Filters.of(sensor.spec, wavelength, sensor.period_s).response()
        object.__setattr__(sensor, "budget", sensor.budget._replace(response=response))
    blind = blind_speed_mps(9.4e9, 2000.0)
    assert blind == pytest.approx(31.9, abs=0.05)
    speeds = np.array([0.0, blind, 2.0 * blind, 0.5 * blind])
    targets = over_ground(np.full(4, 20e3), 2000.0, speeds)
    alone, both = (strength(s, targets)[1] for s in (one, staggered))
    assert np.all(alone[:3, 0] < 1e-6 * alone[3, 0])
    assert both[0, 0] < 1e-6 * both[3, 0]
    assert np.all(both[1:3, 0] > 0.05 * both[3, 0])
    # Half-way between, a double canceller gives 16/6 of the mean.
    assert alone[3, 0] / alone[3, 4] == pytest.approx(16 / 6, rel=1e-3)


# --- filters ---------------------------------------------------------------------------------


def test_what_cancellers_leave_is_one_over_the_improvement_factor() -> None:
    for pulses in (2, 3, 4):
        weights = canceller(pulses)[0].real
        spread = 2.0 * 0.5 / (SPEED_OF_LIGHT_MPS / 3e9 * 1000.0)  # 0.5 m/s in cycles
        left = power_left(weights, np.zeros(1), spread)[0]
        assert 1.0 / left == pytest.approx(improvement_factor(pulses, 3e9, 1000.0, 0.5), rel=1e-9)


def test_power_left_is_the_mean_over_a_drawn_spectrum() -> None:
    rng = np.random.default_rng(0)
    weights = np.array([1.0, -2.0, 1.0])
    phase = 0.1 + 0.02 * rng.standard_normal(200_000)
    response = np.abs(np.exp(2j * np.pi * np.outer(phase, np.arange(3))) @ weights) ** 2
    expected = response.mean() / np.sum(weights**2)
    assert power_left(weights, np.array([0.1]), 0.02)[0] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("pulses", [8, 16, 64, 200])
def test_a_filter_of_a_bank(pulses: int) -> None:
    """One right on clutter keeps it; one beyond the main lobe leaves the window's side lobes."""
    sensor = radar(coherent_pulses=pulses, prf_hz=[2000.0], stability_db=120.0)
    wavelength = SPEED_OF_LIGHT_MPS / 9.4e9
    filters = replace(Filters.of(sensor.spec, wavelength, sensor.period_s), scan_hz=0.0)
    left = filters.left(0.0)[0]
    phase = np.linspace(0.0, 1.0, left.size)
    assert left[0] == left[-1] == pytest.approx(1.0)
    level_db = 41.0 if pulses < 16 else 58.0
    beyond = np.minimum(phase, 1 - phase) > (2.1 if pulses < 16 else 3.1) / pulses
    assert 10 * np.log10(left[beyond].max()) < -level_db + 1.0
    response = filters.response()[0]
    assert (response[0], response[response.size // 2]) == (0.0, 1.0)
    kept = replace(filters, clutter_map=True).response()[0]
    assert kept.min() == 1.0


def test_a_hovering_drone_vanishes_and_its_rotor_saves_it() -> None:
    sensor = radar(prf_hz=[2000.0, 2300.0])
    ranges = np.array([1e3, 2e3, 4e3])
    still: dict[str, Any] = {"rcs_m2": 0.05, "swerling": 1}
    pd, code = seen(sensor, over_ground(ranges, 120.0, 0.0, **still))
    assert code == [Visibility.TOO_SLOW] * 3
    assert np.all(pd < 1e-3)
    pd, code = seen(sensor, over_ground(ranges, 120.0, -12.0, **still))
    assert code == [Visibility.VISIBLE] * 3
    turning = over_ground(ranges, 120.0, 0.0, rotor_rcs=0.1, rotor_tip_mps=130.0, **still)
    pd, code = seen(sensor, turning)
    assert code[0] == Visibility.VISIBLE
    assert np.all(np.diff(pd) < 0.0)
    # Wings that beat slowly do not leave the filters about standing still.
    bird = over_ground(ranges, 120.0, 0.0, rotor_rcs=0.1, rotor_tip_mps=2.0, **still)
    assert seen(sensor, bird)[1][0] == Visibility.TOO_SLOW


def test_rotor_share() -> None:
    assert rotor_share(100.0, 2.0, 1 / 400.0, True) == pytest.approx(1 / np.sqrt(100.0))
    assert rotor_share(300.0, 2.0, 1 / 400.0, True) == pytest.approx(1 / np.sqrt(200.0))
    assert rotor_share(5.0, 2.0, 1 / 400.0, True) == 0.0
    assert rotor_share(100.0, np.inf, 1 / 400.0, False) == 1.0
    assert rotor_share(99.0, np.inf, 1 / 400.0, False) == 0.0


# --- clutter and weather ------------------------------------------------------------------------


def test_strong_ground_hides_what_weak_ground_does_not() -> None:
    """No filters: a boat's worth of echo among houses, on flat fields, beyond the horizon."""
    given: dict[str, Any] = {"mti": "none", "prf_hz": [2000.0]}
    places = [3e3, 3.5e3, 30e3], [60.0, 60.0, 300.0], [-8.0, 0.0, -8.0]
    targets = over_ground(*places, rcs_m2=100.0, swerling=1)
    _, houses = seen(radar({"land_cover": "metropolitan"}, **given), targets)
    _, fields = seen(radar({"land_cover": "flat"}, **given), targets)
    assert houses == [Visibility.IN_CLUTTER, Visibility.IN_CLUTTER, Visibility.VISIBLE]
    assert fields == [Visibility.VISIBLE] * 3


def test_rain_costs_by_attenuation_and_by_its_own_echo() -> None:
    """Rain drifts north with 20 m/s of wind from the south: it hides what moves with it."""
    targets = over_ground([20e3, 20e3], 1000.0, [20.0, -40.0], rcs_m2=0.3, swerling=1)
    dry = strength(radar(), targets)[1]
    wet = strength(
        radar({"rain_mm_per_h": 10.0, "wind_mps": 20.0, "wind_from_deg": 180.0}), targets
    )[1]
    loss_db = 10 * np.log10(dry[:, 4] / wet[:, 4])
    assert loss_db == pytest.approx([6.3, 6.3], abs=1.5)  # 0.17 dB/km over 2 x 20 km
    with_it, against_it = dry[:, 0] / wet[:, 0]
    assert with_it > 20.0 * against_it


def test_sea_clutter_rises_with_the_sea() -> None:
    targets = over_ground([4e3], 15.0, -8.0, swerling=1)
    found = [
        strength(radar({"surface": "sea", "sea_state": s}, mti="none", prf_hz=[2000.0]), targets)[1]
        for s in (1, 3, 5)
    ]
    ratio = [float(f[0, 0] / f[0, 4]) for f in found]
    assert ratio[0] > 3 * ratio[1] > 9 * ratio[2]


def test_threshold_from_neighbours_costs_what_it_should() -> None:
    known, averaged = radar(), radar(cfar_cells=16)
    loss_db = 10 * np.log10(known.snr_of_unit_echo / averaged.snr_of_unit_echo)
    assert loss_db == pytest.approx(cfar_loss_db(1e-6, 16))
    assert 1.5 < loss_db < 2.5


def test_a_cosecant_squared_beam_sees_near_and_high() -> None:
    given: dict[str, Any] = {
        "dimensions": 2,
        "elevation_min_deg": 0.0,
        "prf_hz": [2000.0],
        "elevation_sigma_min_deg": None,
    }
    beam = radar(elevation_pattern="cosecant-squared", **given).in_clear_air()
    ranges = np.array([10e3, 20e3, 30e3])
    polar, found = strength(beam, over_ground(ranges, 5000.0))
    # Equal echoes but for the air: R⁴ against csc⁴, less than a decibel apart.
    assert np.all(polar[:, 2] > np.radians(4.5))
    assert np.ptp(10 * np.log10(found[:, 4])) < 1.5


def test_the_tracker_is_told_a_range_that_counts_the_air() -> None:
    """At the range of even chances, the pulse in a vacuum and the radar in clear air agree."""
    sensor = radar(pulses=3).in_clear_air()
    even = required_snr(0.5, 1e-6, swerling=1)
    range_m = np.array([sensor.snr_range_m(0.02) / even**0.25])
    place = range_m[:, None] * [0.0, np.cos(np.radians(2.0)), np.sin(np.radians(2.0))]
    place += np.array([0.0, 0.0, MAST_M])
    targets = fakes(lambda t, k: place[k].copy(), 1, rcs_m2=0.02, swerling=1)
    assert seen(sensor, targets)[0][0] == pytest.approx(0.5, abs=0.003)
    assert sensor.snr_range_m(0.02) < 0.995 * sensor.in_free_space().snr_range_m(0.02)


def test_moving_up_moves_the_clutter_horizon() -> None:
    low = radar(prf_hz=[2000.0])
    surroundings = stage.surroundings(FRAME)
    high = low.moved_to(np.array([0.0, 0.0, 800.0]), surroundings)
    assert high.height_m == pytest.approx(800.0)
    assert high.receiver.sight.height_m == pytest.approx(800.0)
    assert (high.budget.surface > 0).sum() > 1.5 * (low.budget.surface > 0).sum()
    near = low.moved_to(np.array([500.0, 0.0, MAST_M]), surroundings)
    assert near.budget.surface is low.budget.surface


# --- observation --------------------------------------------------------------------------------


def watch(sensor: Radar, targets: Fakes, times_s: Floats, seed: int = 0) -> Plots:
    rng = np.random.default_rng(seed)
    truths = [targets.truth(float(t)) for t in times_s]
    return Plots.concatenate(
        [sensor.observe(Scene(targets, a, b), rng) for a, b in pairwise(truths)]  # type: ignore[arg-type]
    )


@pytest.mark.slow
def test_detection_rate_in_clutter_is_pd() -> None:
    sensor = radar({"land_cover": "metropolitan"}, rate_rpm=None, update_s=1.0, range_max_km=25.0)
    rng = np.random.default_rng(3)
    size = 40
    ranges, heights = rng.uniform(3e3, 20e3, size), rng.uniform(100.0, 600.0, size)
    azimuth = np.arange(size) * 2 * np.pi / size

    def path(t: Floats, k: Any) -> Floats:
        """At 25 m/s away from the radar, and at the same place, at every whole second."""
        out = ranges[k] + 25.0 * np.sin(2 * np.pi * t) / (2 * np.pi)
        return np.stack([out * np.sin(azimuth[k]), out * np.cos(azimuth[k]), heights[k]], 1)

    targets = fakes(path, size, rcs_m2=0.05, swerling=1)
    pd, _ = seen(sensor, targets)
    plots = watch(sensor, targets, np.arange(0.0, 300.1))
    rate = (plots.truth_id != FALSE_ALARM).sum() / 300
    assert 5 < pd.sum() < 38
    assert rate == pytest.approx(pd.sum(), abs=4.5 * np.sqrt((pd * (1 - pd)).sum() / 300))


def test_what_is_out_of_reach_is_left_out_without_a_trace() -> None:
    sensor = radar(pfa=1e-4, range_max_km=40.0)
    rng = np.random.default_rng(4)
    ranges, heights = rng.uniform(1e3, 90e3, 400), 10 ** rng.uniform(0.5, 3.5, 400)
    targets = over_ground(ranges, heights, rng.uniform(-300, 300, 400), rcs_m2=10.0)
    turn = rng.uniform(0, 2 * np.pi, 400)
    north = targets.path(np.zeros(400), np.arange(400))
    spun = np.stack([north[:, 1] * np.sin(turn), north[:, 1] * np.cos(turn), north[:, 2]], 1)
    around = fakes(lambda t, k: spun[k] + t[:, None] * [40.0, -90.0, 0.0], 400, rcs_m2=10.0)
    looks = [
        sensor.scan.looks(around, a, b, sensor.origin_enu_m, sensor.enu_R_sensor, reach)  # type: ignore[arg-type]
        for a, b in pairwise([around.truth(t) for t in (0.0, 1.0, 2.0)])
        for reach in (np.array([40e3, MAST_M]), np.array([np.inf, np.inf]))
    ]
    for near, every in ((looks[0], looks[1]), (looks[2], looks[3])):
        assert 20 < len(near) < len(every)
        polar, code = np.empty((len(every), 4)), np.empty(len(every), np.uint8)
        locate(every.position_enu_m, every.velocity_enu_mps, *sensor._reach(), polar, code)
        assert set(every.target[code == Visibility.VISIBLE]) <= set(near.target)


def test_turbines_and_vehicles_make_false_plots() -> None:
    farm = {"id": "farm", "latitude_deg": 50.06, "longitude_deg": 5.0, "turbines": 9}
    road = {
        "id": "road",
        "path": [
            {"latitude_deg": 49.95, "longitude_deg": 5.0},
            {"latitude_deg": 49.98, "longitude_deg": 5.0},
        ],
        "vehicles_per_km": 2.0,
    }
    nobody = fakes(lambda t, k: np.empty((t.size, 3)), 0)
    times = np.arange(0.0, 60.1)
    for environment, low, high in (
        ({}, 0, 0),
        ({"wind_farms": [farm], "wind_from_deg": 90.0}, 3, 9 * 40),
        ({"roads": [road]}, 30, 300),
    ):
        plots = watch(radar(environment, pfa=1e-12), nobody, times)
        assert low <= len(plots) <= high
        assert np.all(plots.truth_id == FALSE_ALARM)
        if "wind_farms" in environment:
            north = np.abs(np.sin(plots.measurement[:, 1])) < 0.25
            assert np.all(north & (np.abs(plots.measurement[:, 0] - 6.7e3) < 2e3))


BROKEN = [
    ({"prf_hz": [5000.0]}, r"range_max_km \(60\) is beyond the 29.98 km"),
    ({"prf_hz": [0.0]}, "prf_hz"),
    ({"prf_hz": [300e3]}, "leaves no time to listen"),
    ({"prf_hz": []}, "at least 1 item"),
    ({"prf_hz": None, "mti": "canceller-2"}, "needs prf_hz"),
    ({"elevation_pattern": "pencil", "dimensions": 2}, "needs dimensions 3"),
    (
        {"elevation_pattern": "cosecant-squared", "dimensions": 2, "elevation_beamwidth_deg": None},
        "needs elevation_beamwidth_deg",
    ),
    ({"mti": "mtd"}, "mti"),
]


@pytest.mark.parametrize(("changes", "message"), BROKEN)
def test_messages_of_broken_specifications(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        radar(**changes)


def test_filters_by_default() -> None:
    given = {k: v for k, v in VALUES.items() if k not in ("mti", "prf_hz", "coherent_pulses")}
    assert RadarSpec.model_validate(given).filters == "none"
    measured = given | {"range_rate_resolution_mps": 5.0, "range_rate_max_mps": 500.0}
    assert RadarSpec.model_validate(measured).filters == "doppler-bank"
