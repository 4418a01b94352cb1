"""The radar model: when it looks, what it sees, how well it measures."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pymap3d.vincenty
import pytest
import stage
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from scipy import stats
from stage import Fakes, fakes

from sensors.detection import detection_probability, required_snr
from sensors.propagation import horizon_distance_m
from sensors.radar import Radar
from sensors.radar_spec import RadarSpec
from sensors.registry import Sensor, SensorSpec
from sensors.resolution import merge_echoes, shared_cells
from sensors.scanning import Rotation, Stare
from sensors.scene import Scene
from sim.core.tables import FALSE_ALARM, Floats, Plots, Visibility
from sim.world.frames import Frame

FRAME = Frame.at(np.radians(50.0), np.radians(5.0), 0.0)
MAST_M = 20.0

# A medium 3-D radar of the tests' own, near 23 dB on 1 m² at 20 km.
VALUES: dict[str, Any] = {
    "kind": "radar",
    "id": "test",
    "rate_rpm": 30.0,
    "frequency_ghz": 3.0,
    "peak_power_kw": 10.0,
    "pulse_width_us": 1.0,
    "gain_db": 34.0,
    "system_temperature_k": 600.0,
    "losses_db": 6.0,
    "processing_gain_db": 8.0,
    "pulses": 1,
    "pfa": 1e-6,
    "dimensions": 3,
    "range_min_km": 0.5,
    "range_max_km": 60.0,
    "elevation_min_deg": -2.0,
    "elevation_max_deg": 60.0,
    "beamwidth_deg": 2.0,
    "elevation_beamwidth_deg": 4.0,
    "range_resolution_m": 100.0,
    "range_rate_resolution_mps": 8.0,
    "range_rate_max_mps": 500.0,
    "range_sigma_min_m": 5.0,
    "azimuth_sigma_min_deg": 0.05,
    "elevation_sigma_min_deg": 0.08,
    "range_rate_sigma_min_mps": 0.3,
}
STARING = {"rate_rpm": None, "update_s": 1.0}


def radar(**changes: Any) -> Radar:
    given = {key: value for key, value in (VALUES | changes).items() if value is not None}
    spec = TypeAdapter(SensorSpec).validate_python(given)
    # The textbook's: what ground, air and clutter do is in test_radar_budget.py.
    return stage.build(spec, FRAME, [0.0, 0.0, MAST_M], index=3).in_free_space()


def straight(position_m: Any, velocity_mps: Any, **kwargs: Any) -> Fakes:
    """Straight flights; positions relative to the antenna."""
    start = np.atleast_2d(np.asarray(position_m, float)) + np.array([0.0, 0.0, MAST_M])
    velocity = np.broadcast_to(np.asarray(velocity_mps, float), start.shape)
    return fakes(lambda t, k: start[k] + velocity[k] * t[:, None], len(start), **kwargs)


def watch(sensor: Radar, targets: Fakes, times_s: Floats, seed: int = 0) -> Plots:
    rng = np.random.default_rng(seed)
    truths = [targets.truth(float(t)) for t in times_s]
    scenes = [Scene(targets, a, b) for a, b in pairwise(truths)]
    return Plots.concatenate([sensor.observe(scene, rng) for scene in scenes])


def echoes(plots: Plots) -> Plots:
    return plots.take(plots.truth_id != FALSE_ALARM)


# --- when a turning beam passes a target -------------------------------------------------


def circling_and_passing(seed: int) -> Fakes:
    """Targets that hover, circle the radar both ways and fly past it."""
    rng = np.random.default_rng(seed)
    size = 24
    radius, phase = rng.uniform(1500, 4000, size), rng.uniform(0, 2 * np.pi, size)
    rate = rng.uniform(-0.45, 0.45, size)
    rate[:4] = 0.0
    drift = rng.uniform(-30, 30, (size, 2)) * (np.arange(size) >= 12)[:, None]

    def path(t: Floats, k: NDArray[np.intp]) -> Floats:
        angle = phase[k] + rate[k] * t
        east = radius[k] * np.sin(angle) + drift[k, 0] * (t - 30.0)
        north = radius[k] * np.cos(angle) + drift[k, 1] * (t - 30.0)
        return np.stack([east, north, np.full(t.shape, 500.0)], axis=1)

    return fakes(path, size)


def crossings_twin(scan: Rotation, targets: Fakes, row: int, times_s: Floats) -> Floats:
    """Times at which the unwrapped phase passes a whole turn upwards, on a dense grid."""
    position, _ = targets.at(times_s, np.full(times_s.size, row))
    azimuth = np.unwrap(np.arctan2(position[:, 0], position[:, 1]))
    phase = (scan.first_azimuth_rad + scan.rate_rad_per_s * times_s - azimuth) / (2 * np.pi)
    return times_s[1:][np.diff(np.floor(phase)) > 0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("longest_turns", [0.1, 0.9, 1.7])
def test_every_crossing_is_found_once(seed: int, longest_turns: float) -> None:
    scan = Rotation(2.0, 1.0, np.radians(2.0))
    targets = circling_and_passing(seed)
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.01, longest_turns * scan.period_s, 400))
    times = np.concatenate([[0.0], times[times < 60.0]])
    time_s, target = [], []
    for a, b in pairwise(times):
        looks = scan.looks(
            targets, targets.truth(float(a)), targets.truth(float(b)), np.zeros(3), np.eye(3)
        )
        due_s, due_target = looks.time_s[looks.due], looks.target[looks.due]
        assert np.all((due_s > a) & (due_s <= b))
        # The position belongs to the time, and lies in the beam.
        exact, _ = targets.at(due_s, due_target)
        assert np.allclose(looks.position_enu_m[looks.due], exact, atol=1e-3)
        beam = scan.first_azimuth_rad + scan.rate_rad_per_s * due_s
        off = np.arctan2(exact[:, 0], exact[:, 1]) - beam
        assert np.all(np.abs(np.sin(0.5 * off)) < 1e-5)
        time_s.append(due_s)
        target.append(due_target)
    found_s, found_target = np.concatenate(time_s), np.concatenate(target)
    dense = np.append(np.arange(0.0, times[-1], 2e-3), times[-1])
    for row in range(len(targets)):
        expected = crossings_twin(scan, targets, row, dense)
        assert found_s[found_target == row] == pytest.approx(expected, abs=2.1e-3)


def test_crossing_exactly_at_the_end_of_a_window() -> None:
    """Due east at a quarter turn a second: seen at 1, 5, 9 … whatever the beat."""
    scan = Rotation(4.0, 0.0, np.radians(2.0))
    targets = straight([[1000.0, 0.0, 0.0]], 0.0)
    for beat in (0.25, 0.5, 1.0, 0.1, 0.3):
        times = np.arange(0.0, 40.2, beat)
        found = np.concatenate(
            [
                (
                    looks := scan.looks(
                        targets, targets.truth(a), targets.truth(b), np.zeros(3), np.eye(3)
                    )
                ).time_s[looks.due]
                for a, b in pairwise(times)
            ]
        )
        assert found == pytest.approx(np.arange(1.0, times[-1] + 1e-9, 4.0), abs=1e-9)


def test_staring_looks_keep_their_beat() -> None:
    scan = Stare(0.7, np.array([0.0, np.pi / 2]))
    edges = np.sort(np.random.default_rng(1).uniform(0, 30, 60))
    found = np.concatenate([scan.look_times_s(a, b) for a, b in pairwise(edges)])
    expected = np.arange(0, 50) * 0.7
    assert found == pytest.approx(expected[(expected > edges[0]) & (expected <= edges[-1])])
    assert scan.look_times_s(0.0, 0.7).tolist() == [0.7]


def test_targets_come_and_go() -> None:
    targets = replace(straight([[5000.0, 5000.0, 500.0]], 0.0, rcs_m2=1e4), span_s=(10.0, 20.0))
    for sensor in (radar(pfa=1e-12), radar(pfa=1e-12, **STARING)):
        plots = watch(sensor, targets, np.arange(0.0, 31.0, 0.5))
        assert len(plots) in (5, 10, 11)
        assert plots.time_s.min() >= 10.0
        assert plots.time_s.max() <= 20.0


# --- what is visible -------------------------------------------------------------------


def codes(sensor: Radar, position_m: Any, **kwargs: Any) -> tuple[Floats, list[Visibility]]:
    targets = straight(position_m, 0.0, **kwargs)
    pd, code = sensor.visibility(targets, targets.truth(0.0))
    return pd, [Visibility(c) for c in code]


def test_reasons_of_geometry() -> None:
    sensor = radar(
        rate_rpm=None,
        update_s=1.0,
        azimuth_deg=350.0,
        sector_deg=40.0,
        blind_ranges_km=[[8.0, 9.0], [20.0, 21.0]],
    )
    places = [
        [0.0, 10e3, 500.0],
        [0.0, 70e3, 2000.0],
        [0.0, 8.5e3, 100.0],
        [0.0, 0.3e3, 10.0],
        [10e3, 0.0, 500.0],
        [-5e3, 9e3, 500.0],
        [0.0, 1e3, 5000.0],
        [0.0, 50e3, -195.0],  # 1 m above round ground
    ]
    pd, found = codes(sensor, places, rcs_m2=100.0)
    assert found == [
        Visibility.VISIBLE,
        Visibility.BEYOND_RANGE,
        Visibility.BLIND_RANGE,
        Visibility.BLIND_RANGE,
        Visibility.OUTSIDE_AZIMUTH,
        Visibility.VISIBLE,
        Visibility.OUTSIDE_ELEVATION,
        Visibility.BELOW_HORIZON,
    ]
    assert np.array_equal(pd > 0.0, np.array(found) >= Visibility.WEAK_ECHO)
    targets = straight(places, 0.0, rcs_m2=100.0)
    plots = watch(sensor, targets, np.arange(0.0, 30.5))
    assert set(echoes(plots).truth_id) == {0, 5}


def test_absent_and_weak() -> None:
    sensor = radar()
    targets = replace(straight([[0.0, 10e3, 500.0]], 0.0), span_s=(5.0, 6.0))
    pd, code = sensor.visibility(targets, targets.truth(0.0))
    assert (pd[0], code[0]) == (0.0, Visibility.ABSENT)
    pd, found = codes(sensor, [[0.0, 40e3, 2000.0]], rcs_m2=1e-3)
    assert found == [Visibility.WEAK_ECHO]
    assert 0.0 < pd[0] < 0.5


def test_horizon_counts_heights_above_ground() -> None:
    """A target 100 m high rises over the horizon at 59.7 km from a mast of 20 m."""
    sensor = radar(range_max_km=200.0)
    reach_m = float(horizon_distance_m(MAST_M) + horizon_distance_m(100.0))
    assert reach_m == pytest.approx(59.7e3, abs=60.0)
    latitude = np.radians(50.0) + np.array([0.995, 1.005]) * reach_m / 6_378_000.0
    place = FRAME.from_geodetic(latitude, np.radians(5.0), 100.0) - [0.0, 0.0, MAST_M]
    _, found = codes(sensor, place, rcs_m2=100.0)
    assert found == [Visibility.VISIBLE, Visibility.BELOW_HORIZON]


@pytest.mark.parametrize("bearing_deg", [0.0, 45.0, 90.0, 250.0])
def test_horizon_far_away_in_any_direction(bearing_deg: float) -> None:
    """Ground distance by the geodesic, height above the ellipsoid, both to a few metres."""
    geodesic = pymap3d.vincenty.vreckon(50.0, 5.0, 250e3, bearing_deg)
    beyond_m = 250e3 - horizon_distance_m(MAST_M)
    needed_m = beyond_m**2 / (2 * 4 / 3 * 6_371_000.0)
    height_m = needed_m + np.array([-10.0, 10.0])
    place = FRAME.from_geodetic(*(np.radians(x) for x in geodesic), height_m)
    _, found = codes(radar(range_max_km=400.0), place - [0.0, 0.0, MAST_M], rcs_m2=1e6)
    assert found == [Visibility.BELOW_HORIZON, Visibility.VISIBLE]


def test_visibility_gives_the_exact_pd() -> None:
    """At the range where the radar equation gives the required SNR."""
    for swerling in (0, 1, 3):
        sensor = radar(pulses=4)
        snr = required_snr(0.9, 1e-6, 4, swerling)
        range_m = (sensor.snr_of_unit_echo / snr) ** 0.25
        pd, _ = codes(sensor, [[0.0, np.sqrt(range_m**2 - 9e4), 300.0]], swerling=swerling)
        assert pd[0] == pytest.approx(0.9, abs=1e-9)


# --- detection and measurement -------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("scan", [{}, STARING], ids=["turning", "staring"])
@pytest.mark.parametrize(("swerling", "pulses"), [(0, 1), (1, 1), (1, 6), (3, 6)])
def test_detection_rate_is_pd(scan: dict[str, Any], swerling: int, pulses: int) -> None:
    sensor = radar(**scan, pulses=pulses, pfa=1e-5, range_max_km=90.0)
    snr = required_snr(0.6, 1e-5, pulses, swerling)
    range_m = (sensor.snr_of_unit_echo / snr) ** 0.25
    azimuth = np.linspace(0, 2 * np.pi, 40, endpoint=False)  # too far apart to merge
    place = np.stack([np.sin(azimuth), np.cos(azimuth), np.full(40, 0.05)], axis=1)
    targets = straight(place * range_m / np.sqrt(1.0025), 0.0, swerling=swerling)
    looks = 400
    plots = echoes(watch(sensor, targets, np.arange(0, looks + 0.1) * sensor.period_s))
    rate = len(plots) / (looks * 40)
    assert rate == pytest.approx(0.6, abs=4.5 * np.sqrt(0.24 / (looks * 40)))
    assert np.all(plots.snr_db > 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("scan", [{}, STARING], ids=["turning", "staring"])
def test_errors_are_as_stated(scan: dict[str, Any]) -> None:
    """Normalised errors are standard normal, and independent of each other."""
    sensor = radar(**scan)
    rng = np.random.default_rng(4)
    azimuth, size = rng.uniform(0, 2 * np.pi, 30), 30
    place = np.stack([np.sin(azimuth), np.cos(azimuth), np.full(size, 0.2)], axis=1)
    targets = straight(
        place * np.linspace(3e3, 24e3, size)[:, None], rng.uniform(-80, 80, (size, 3)), rcs_m2=2.0
    )
    plots = echoes(watch(sensor, targets, np.arange(0.0, 40.0, 0.5)))
    exact = truth_polar(sensor, targets, plots)
    error = plots.measurement - exact
    error[:, 1] = np.remainder(error[:, 1] + np.pi, 2 * np.pi) - np.pi
    normalised = error / plots.sigma
    count = len(normalised)
    assert count > 500
    for column in range(4):
        assert stats.kstest(normalised[:, column], "norm").pvalue > 1e-3, column
    nees = (normalised**2).sum()
    low, high = stats.chi2.ppf([5e-4, 1 - 5e-4], 4 * count)
    assert low < nees < high
    correlation = np.corrcoef(normalised.T)[np.triu_indices(4, 1)]
    assert np.all(np.abs(correlation) < 4.5 / np.sqrt(count))


def truth_polar(sensor: Radar, targets: Fakes, plots: Plots) -> Floats:
    """Range, azimuth, elevation and, by difference in time, range rate of the true targets."""

    def local(time_s: Floats) -> Floats:
        position, _ = targets.at(time_s, plots.truth_id.astype(np.intp))
        return (position - sensor.origin_enu_m) @ sensor.enu_R_sensor

    here = local(plots.time_s)
    range_m = np.linalg.norm(here, axis=1)
    ahead, behind = (np.linalg.norm(local(plots.time_s + dt), axis=1) for dt in (0.01, -0.01))
    return np.stack(
        [
            range_m,
            np.arctan2(here[:, 0], here[:, 1]) % (2 * np.pi),
            np.arcsin(here[:, 2] / range_m),
            (ahead - behind) / 0.02,
        ],
        axis=1,
    )


def test_sigma_follows_the_snr_of_the_dwell() -> None:
    sensor = radar(pulses=4)
    plots = watch(sensor, straight([[0.0, 9e3, 900.0]], 0.0, swerling=1), np.arange(0.0, 200.5))
    snr = 10 ** (echoes(plots).snr_db / 10)
    expected = np.stack(
        [
            np.maximum(100.0 / np.sqrt(2 * snr), 5.0),
            np.maximum(np.radians(2.0) / (1.6 * np.sqrt(2 * snr)), np.radians(0.05)),
            np.maximum(np.radians(4.0) / (1.6 * np.sqrt(2 * snr)), np.radians(0.08)),
            np.maximum(8.0 / np.sqrt(2 * snr), 0.3),
        ],
        axis=1,
    )
    assert echoes(plots).sigma == pytest.approx(expected)
    # A fluctuating echo is drawn anew each look: its mean is the radar equation's.
    assert np.ptp(echoes(plots).snr_db) > 10.0
    range_m = np.hypot(9e3, 900.0)
    assert snr.mean() == pytest.approx(4 * sensor.snr_of_unit_echo / range_m**4, rel=0.5)


def test_opening_is_positive_and_components_are_masked() -> None:
    outbound = straight([[0.0, 5e3, 500.0]], [0.0, 100.0, 0.0], rcs_m2=10.0)
    plots = watch(radar(), outbound, np.arange(0.0, 20.5))
    assert np.all(echoes(plots).measurement[:, 3] > 90.0)
    flat = radar(dimensions=2, range_rate_resolution_mps=None, range_rate_max_mps=None)
    assert flat.measures.tolist() == [True, True, False, False]
    plots = watch(flat, outbound, np.arange(0.0, 20.5))
    assert np.isnan(plots.measurement[:, 2:]).all()
    assert np.isnan(plots.sigma[:, 2:]).all()
    assert np.isfinite(plots.measurement[:, :2]).all()


def test_measurement_in_the_frame_of_the_sensor() -> None:
    """Far from the origin of the scenario, north and up are the sensor's own."""
    latitude, longitude = np.radians([48.0, 14.0])
    site = FRAME.from_geodetic(latitude, longitude, 50.0)
    spec = RadarSpec(**{**VALUES, "pfa": 1e-12, "first_azimuth_deg": 180.0})
    sensor = stage.build(spec, FRAME, site, ground_m=40.0).in_free_space()
    assert sensor.height_m == pytest.approx(10.0)
    place = FRAME.from_geodetic(latitude + 10e3 / 6_366_000.0, longitude, 1050.0)
    targets = fakes(lambda t, k: np.tile(place, (t.size, 1)), 1, rcs_m2=1e3)
    plots = watch(sensor, targets, np.arange(0.0, 10.5))
    assert plots.time_s == pytest.approx(np.arange(1.0, 11.0, 2.0), abs=0.01)
    north = np.abs(np.sin(plots.measurement[:, 1]))
    assert np.all(north < 0.005)
    assert plots.measurement[:, 2] == pytest.approx(np.full(5, np.arctan(0.1)), abs=0.006)


def test_replies_ride_on_echoes_of_an_interrogating_radar() -> None:
    places = [[0.0, 10e3, 900.0], [5e3, 5e3, 900.0]]
    targets = straight(places, 0.0, rcs_m2=100.0, reply=[2, 0])
    plots = watch(radar(interrogates=True, pfa=1e-3, range_max_km=20.0), targets, np.arange(9.0))
    assert set(plots.reply[plots.truth_id == 0]) == {2}
    assert set(plots.reply[plots.truth_id != 0]) == {0}
    assert (plots.truth_id == FALSE_ALARM).sum() > 10
    assert not watch(radar(), targets, np.arange(9.0)).reply.any()


# --- resolution ----------------------------------------------------------------------------


def groups_twin(polar: Floats, time_s: Floats, resolution: Floats, gap_s: float) -> list[int]:
    label = list(range(len(polar)))
    for _ in polar:
        for i in range(len(polar)):
            for j in range(len(polar)):
                apart = np.abs(polar[i] - polar[j])
                apart[1] = min(apart[1], 2 * np.pi - apart[1])
                same = all(a < r for a, r in zip(apart, resolution, strict=True) if not np.isnan(r))
                if same and abs(time_s[i] - time_s[j]) < gap_s:
                    label[i] = label[j] = min(label[i], label[j])
    return label


@pytest.mark.parametrize("seed", range(8))
def test_shared_cells_against_all_pairs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 25
    polar = rng.uniform([1000, 0, 0, -50], [2400, 2 * np.pi, 0.2, 50], (size, 4))
    resolution = np.array([150.0, 1.5, 0.15, [40.0, np.nan][seed % 2]])
    time_s = rng.uniform(0, 3, size)
    found, groups = shared_cells(polar, time_s, resolution, 2.0)
    assert found.tolist() == groups_twin(polar, time_s, resolution, 2.0)
    assert groups == len(set(found.tolist()))


def test_nothing_to_merge() -> None:
    resolution = np.array([10.0, 0.1, np.nan, np.nan])
    for size in (0, 1, 2):
        polar = np.zeros((size, 4))
        polar[:, 1] = np.arange(size)
        group, groups = shared_cells(polar, np.zeros(size), resolution, 1.0)
        assert group.tolist() == list(range(size))
        assert groups == size


def test_merged_echo_is_the_centroid_of_power() -> None:
    north = 2 * np.pi
    polar = np.array(
        [[1000.0, 0.01, 0.1, 5.0], [5000.0, 1.0, 0.2, 0.0], [1030.0, north - 0.02, 0.3, 9.0]]
    )
    group = np.array([0, 1, 0], np.int32)
    merged, power, strongest, spread = merge_echoes(polar, np.array([1.0, 7.0, 2.0]), group, 2)
    assert strongest.tolist() == [2, 1]
    assert power.tolist() == [3.0, 7.0]
    assert merged[1] == pytest.approx(polar[1])
    assert merged[0] == pytest.approx([1020.0, north - 0.01, 0.7 / 3, 23 / 3])
    # Two parts of one and two thirds of the power: √2/3 of what is between them.
    between = np.array([30.0, 0.03, 0.2, 4.0])
    np.testing.assert_allclose(spread, [np.sqrt(2) / 3 * between, np.zeros(4)], atol=1e-9)


def test_a_plot_of_several_states_the_error_of_being_any_of_them() -> None:
    """Two alike, 1° apart in one beam: which of them is the plot? One far off is itself."""
    sensor = radar(pfa=1e-12, **STARING)
    azimuth = np.radians([[100.0], [101.0], [160.0]])
    place = 10e3 * np.hstack([np.sin(azimuth), np.cos(azimuth), np.full((3, 1), 0.1)])
    plots = watch(sensor, straight(place, 0.0, rcs_m2=100.0), np.arange(0.0, 200.5))
    both, lone = (plots.take(keep) for keep in (plots.truth_id < 2, plots.truth_id == 2))
    assert len(both) == len(lone) == 200
    # Each is half a degree off, and so it says.
    sigma = np.hypot(lone.sigma[0, 1], np.radians(0.5))
    np.testing.assert_allclose(both.sigma[:, 1], sigma, rtol=0.05)
    for target in np.radians([100.0, 101.0]):
        off = (both.measurement[:, 1] - target) / both.sigma[:, 1]
        assert np.sqrt(np.mean(off**2)) == pytest.approx(1.0, abs=0.15)
    # They are at one range and height: nothing is added there.
    np.testing.assert_allclose(both.sigma[:, [0, 2]].max(axis=0), lone.sigma[0, [0, 2]], rtol=0.2)


def test_two_targets_in_one_cell_give_one_plot_a_turn_whatever_the_windows() -> None:
    """30 m and 1° apart: the boundary of a window between both must not split them."""
    azimuth = np.radians([[89.5], [90.5]])
    place = np.hstack([np.sin(azimuth), np.cos(azimuth), np.full((2, 1), 0.05)])
    targets = straight(place * [[10e3], [10.03e3]], 0.0, rcs_m2=100.0)
    targets.signatures.rcs_m2[0] = 300.0
    sensor = radar(pfa=1e-12)
    rng = np.random.default_rng(5)
    edges = np.concatenate([[0.0], np.cumsum(rng.uniform(0.001, 0.02, 3000))])
    plots = watch(sensor, targets, edges)
    assert len(plots) == int((edges[-1] - 0.5) / 2.0) + 1
    assert set(plots.truth_id) == {0}
    error = (plots.measurement[:, 0] - np.linalg.norm(place[0]) * 10_007.5) / plots.sigma[:, 0]
    assert abs(error.mean()) < 4.0 / np.sqrt(len(plots))
    apart = straight(place * [[10e3], [10.15e3]], 0.0, rcs_m2=100.0)
    assert len(watch(sensor, apart, edges)) == 2 * len(plots)


def test_merged_echoes_add_their_power() -> None:
    sensor = radar(pfa=1e-12, **STARING)
    two = straight([[0.0, 10e3, 900.0], [0.0, 10.0001e3, 900.0]], 0.0, rcs_m2=50.0)
    one = straight([[0.0, 10e3, 900.0]], 0.0, rcs_m2=100.0)
    times = np.arange(0.0, 200.5)
    mean = [np.mean(10 ** (watch(sensor, t, times).snr_db / 10)) for t in (two, one)]
    assert mean[0] == pytest.approx(mean[1], rel=0.02)


# --- false alarms ---------------------------------------------------------------------------


@pytest.fixture(params=["turning 3-D", "turning 2-D", "staring 3-D"])
def noisy(request: pytest.FixtureRequest) -> Radar:
    changes: dict[str, Any] = {"pfa": 2e-4, "range_max_km": 20.0}
    if request.param == "turning 2-D":
        changes |= {"dimensions": 2, "range_rate_resolution_mps": None, "range_rate_max_mps": None}
    if request.param == "staring 3-D":
        changes |= STARING | {"azimuth_deg": 300.0, "sector_deg": 150.0}
    return radar(**changes, blind_ranges_km=[[5.0, 6.0]])


@pytest.mark.slow
def test_false_alarms_have_the_stated_density(noisy: Radar) -> None:
    nobody = straight(np.empty((0, 3)), 0.0)
    looks = 60
    plots = watch(noisy, nobody, np.arange(0.0, looks * noisy.period_s + 0.01, 0.25))
    sector = 2 * noisy.scan.sector_rad[1]
    assert np.all(plots.truth_id == FALSE_ALARM)
    assert plots.measurement[:, 0].min() >= 500.0
    assert not np.any((plots.measurement[:, 0] >= 5e3) & (plots.measurement[:, 0] < 6e3))

    elevations = (np.radians(62.0), np.radians(10.0)) if noisy.measures[2] else (1.0, 1.0)
    rates = (1000.0, 200.0) if noisy.measures[3] else (1.0, 1.0)
    everywhere = (19.5e3 - 1e3) * sector * elevations[0] * rates[0]
    expected = looks * noisy.clutter_density * everywhere
    assert len(plots) == pytest.approx(expected, abs=4.5 * np.sqrt(expected))

    inside = (plots.measurement[:, 0] > 10e3) & (plots.measurement[:, 0] < 16e3)
    inside &= (plots.measurement[:, 1] > np.radians(250)) & (
        plots.measurement[:, 1] < np.radians(340)
    )
    if noisy.measures[2]:
        inside &= (plots.measurement[:, 2] > 0) & (plots.measurement[:, 2] < np.radians(10.0))
    if noisy.measures[3]:
        inside &= np.abs(plots.measurement[:, 3]) < 100.0
    expected = looks * noisy.clutter_density * 6e3 * np.pi / 2 * elevations[1] * rates[1]
    assert inside.sum() == pytest.approx(expected, abs=4.5 * np.sqrt(expected))


def test_false_alarms_lie_in_the_beam_and_just_above_the_threshold(noisy: Radar) -> None:
    nobody = straight(np.empty((0, 3)), 0.0)
    plots = watch(noisy, nobody, np.arange(0.0, 8.1, 0.5))
    beam = np.array([noisy.beam_azimuth_rad(t) for t in plots.time_s])
    if isinstance(noisy.scan, Rotation):
        off = plots.measurement[:, 1] - beam
        assert np.all(np.abs(np.sin(0.5 * off)) < 1e-9)
    else:
        assert np.isnan(beam).all()
        assert np.all(plots.time_s % 1.0 == 0.0)
        off = np.remainder(plots.measurement[:, 1] - np.radians(300) + np.pi, 2 * np.pi) - np.pi
        assert np.all(np.abs(off) <= np.radians(75) + 1e-12)
    # One pulse: threshold -ln(pfa), one off for noise, and an exponential excess of mean 1.
    excess = 10 ** (plots.snr_db / 10) + 1 + np.log(2e-4)
    assert excess.min() >= -1e-9
    assert excess.mean() == pytest.approx(1.0, abs=4.5 / np.sqrt(len(plots)))
    assert np.all(np.diff(plots.time_s) >= 0.0)


# --- the whole -------------------------------------------------------------------------------


def test_same_seed_same_plots() -> None:
    targets = circling_and_passing(1)
    times = np.arange(0.0, 20.1, 0.25)
    first, second, other = (watch(radar(pfa=1e-4), targets, times, seed) for seed in (7, 7, 8))
    for name in ("time_s", "measurement", "sigma", "snr_db", "reply", "truth_id", "sensor"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    assert first.measurement.tobytes() != other.measurement.tobytes()
    assert set(first.sensor) == {3}
    assert np.all((first.measurement[:, 1] >= 0) & (first.measurement[:, 1] < 2 * np.pi))


def test_radar_is_a_sensor() -> None:
    sensor: Sensor = radar(interrogates=True)
    assert (sensor.id, sensor.site, sensor.index) == ("test", "hill", 3)
    assert (sensor.period_s, sensor.range_max_m, sensor.interrogates) == (2.0, 60e3, True)
    assert sensor.beam_azimuth_rad(2.5) == pytest.approx(np.pi / 2)
    assert radar(**STARING, azimuth_deg=30.0).period_s == 1.0


def test_no_targets_and_an_empty_window() -> None:
    nobody = straight(np.empty((0, 3)), 0.0)
    for sensor in (radar(pfa=1e-12), radar(pfa=1e-12, **STARING)):
        assert len(watch(sensor, nobody, np.array([0.0, 5.0, 5.0]))) == 0
        pd, code = sensor.visibility(nobody, nobody.truth(0.0))
        assert pd.size == code.size == 0


def test_pd_falls_off_with_range_as_the_equation_says() -> None:
    sensor = radar()
    range_m = np.linspace(5e3, 55e3, 11)
    place = np.stack([np.zeros(11), np.sqrt(range_m**2 - 4e6), np.full(11, 2e3)], axis=1)
    pd, _ = codes(sensor, place, swerling=1)
    snr = sensor.snr_of_unit_echo / range_m**4
    assert pd == pytest.approx(detection_probability(snr, 1e-6, 1, 1), rel=1e-9)


BROKEN = [
    ({"range_min_km": 60.0}, r"range_min_km \(60\) must be below range_max_km \(60\)"),
    ({"elevation_min_deg": 70.0}, "elevation_min_deg .* must be below"),
    ({"update_s": 1.0}, "either rate_rpm"),
    ({"rate_rpm": None}, "either rate_rpm"),
    ({"sector_deg": 90.0}, "sector_deg has no meaning for a turning radar"),
    ({**STARING, "first_azimuth_deg": 9.0}, "first_azimuth_deg has no meaning for a staring"),
    ({"elevation_beamwidth_deg": None}, "needs elevation_beamwidth_deg"),
    ({"range_rate_max_mps": None}, "range_rate_resolution_mps and range_rate_max_mps"),
    ({"blind_ranges_km": [[5.0, 4.0]]}, r"\[5, 4\] must be \[from, to\]"),
    ({"gain_db": None, "pfa": None}, "or also gain_db, pfa"),
    ({"preset": "drone-rader"}, "did you mean 'drone-radar'"),
    ({"preset": 7}, "preset"),
    ({"kind": "rader"}, "radar"),
    ({"colour": "grey"}, "colour"),
]


@pytest.mark.parametrize(("changes", "message"), BROKEN)
def test_messages_of_broken_specifications(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        radar(**changes)


def test_the_weaker_of_two_in_one_cell_is_named_unresolved() -> None:
    place = np.array([[10e3, 0.0, 500.0], [10.03e3, 50.0, 500.0], [30e3, 0.0, 900.0]])
    targets = straight(place, 0.0, rcs_m2=100.0)
    targets.signatures.rcs_m2[0] = 300.0
    _, code = radar().visibility(targets, targets.truth(0.0))
    assert code.tolist() == [Visibility.VISIBLE, Visibility.UNRESOLVED, Visibility.VISIBLE]
