"""Echoes that too few pulse rates see come at their folded place, and are tracked there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from stage import Fakes
from test_radar_budget import MAST_M, over_ground, radar

from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.folding import folded_range_m, folded_rate_mps
from sensors.radar import Radar
from sensors.scene import Scene
from sim.core.tables import FALSE_ALARM, RANGE, RANGE_RATE, Plots
from sim.tracking import SensorModels, Tracker, TrackerConfig

WAVELENGTH_M = SPEED_OF_LIGHT_MPS / 9.4e9
#: One slow pulse rate: 60 km fit, 74.95 km are told apart, what comes from farther folds.
ONE = {"prf_hz": [2000.0], "mti": "none", "pfa": 1e-12, "frequency_ghz": 3.0}
ONE_M = 0.5 * SPEED_OF_LIGHT_MPS / 2000.0


def plots(sensor: Radar, targets: Any, turns: int = 10) -> Plots:
    end_s = turns * sensor.period_s
    scene = Scene(targets, targets.truth(0.0), targets.truth(end_s))
    return sensor.observe(scene, np.random.default_rng(1))


def slant_m(target: Fakes, time_s: float = 0.0) -> float:
    return float(np.linalg.norm(target.truth(time_s).position_enu_m[0] - [0.0, 0.0, MAST_M]))


@pytest.mark.parametrize("span", [1000.0, 74_948.1, 29_979.2])
def test_folding_is_that_of_a_counter(span: float) -> None:
    """The obvious way: take spans off, or add them, until what is left fits."""
    for value in np.linspace(-3.4 * span, 3.4 * span, 57):
        left = abs(value)
        while left >= span:
            left -= span
        assert folded_range_m(abs(value), span) == pytest.approx(left, abs=1e-6 * span)
        rate = value
        while rate >= 0.5 * span:
            rate -= span
        while rate < -0.5 * span:
            rate += span
        assert folded_rate_mps(value, span) == pytest.approx(rate, abs=1e-6 * span)
    assert folded_rate_mps(123.0, np.inf) == 123.0


@pytest.mark.parametrize("range_m", [80e3, 110e3, 170e3])
def test_a_second_time_around_echo_comes_at_the_folded_range(range_m: float) -> None:
    far = over_ground(range_m, 9000.0, 0.0, rcs_m2=1e4)
    found = plots(radar(**ONE, ghosts=True), far)
    assert len(found) >= 9
    np.testing.assert_allclose(found.measurement[:, RANGE], slant_m(far) % ONE_M, atol=30.0)
    assert (found.truth_id == FALSE_ALARM).all()  # there is nobody at that place
    assert len(plots(radar(**ONE), far)) == 0


def test_what_would_fold_beyond_the_instrumented_range_is_not_shown() -> None:
    folds_to_65_km = over_ground(ONE_M + 65e3, 9000.0, 0.0, rcs_m2=1e5)
    assert len(plots(radar(**ONE, ghosts=True), folds_to_65_km)) == 0


def test_echoes_within_reach_are_as_they_were() -> None:
    near = over_ground([20e3, 40e3], 3000.0, -100.0, rcs_m2=10.0)
    plain, told = plots(radar(**ONE), near), plots(radar(**ONE, ghosts=True), near)
    np.testing.assert_array_equal(plain.measurement, told.measurement)
    np.testing.assert_array_equal(plain.truth_id, told.truth_id)


def test_one_pulse_rate_of_two_sees_it_folded_and_both_tell_where_it_is() -> None:
    """Just after a pulse of the first rate only the second hears it."""
    reach_m = 0.5 * SPEED_OF_LIGHT_MPS / np.array([5000.0, 5700.0])
    rates = {"prf_hz": [5000.0, 5700.0], "mti": "none", "pfa": 1e-12}
    for beyond_m, ghost in ((60.0, True), (5000.0, False)):
        ground_m = reach_m[0] + beyond_m
        ground_m += ground_m - slant_m(over_ground(ground_m, 2000.0))
        target = over_ground(ground_m, 2000.0, 0.0, rcs_m2=1e6)  # clutter is near, it is not
        assert slant_m(target) == pytest.approx(reach_m[0] + beyond_m, abs=20.0)
        found = plots(radar(**rates, ghosts=True), target)
        assert len(found) >= 9
        expected_m = slant_m(target) % reach_m[1] if ghost else slant_m(target)
        np.testing.assert_allclose(found.measurement[:, RANGE], expected_m, atol=30.0)
        assert (found.truth_id == (FALSE_ALARM if ghost else 0)).all()
        assert len(plots(radar(**rates), target)) == (0 if ghost else len(found))


def test_range_rates_beyond_what_is_told_apart_fold() -> None:
    doppler = {"range_rate_resolution_mps": 2.0, "range_rate_max_mps": 150.0, "pfa": 1e-12}
    fast = over_ground(15e3, 3000.0, [-200.0], rcs_m2=10.0)
    for ghosts, expected in ((True, 100.0), (False, -200.0)):
        found = plots(radar(**doppler, ghosts=ghosts), fast, turns=1)
        assert len(found) >= 1
        np.testing.assert_allclose(found.measurement[:, RANGE_RATE], expected, atol=3.0)
        assert (found.truth_id == 0).all()  # its place is right


def test_a_ghost_keeps_the_speed_that_one_pulse_rate_tells() -> None:
    doppler = {"range_rate_resolution_mps": 2.0, "range_rate_max_mps": 150.0}
    changes = {**ONE, **doppler, "mti": None, "frequency_ghz": 9.4}
    far = over_ground(110e3, 9000.0, -90.0, rcs_m2=1e4)
    found = plots(radar(**changes, ghosts=True), far, turns=1)
    span = 0.5 * WAVELENGTH_M * 2000.0  # 31.9 m/s
    assert len(found) >= 1
    np.testing.assert_allclose(found.measurement[:, RANGE_RATE], -90.0 + 3.0 * span, atol=2.5)


def test_the_tracker_follows_a_ghost() -> None:
    """A far airliner that passes is under track as something near, and slower across."""
    passing = over_ground(110e3, 9000.0, -50.0, rcs_m2=1e4)
    sensor = radar(**ONE, ghosts=True)
    models = SensorModels.at_origin(period_s=sensor.period_s, clutter_density=1e-9)
    tracker = Tracker(TrackerConfig(), models)
    tracker.process(plots(sensor, passing, turns=20).without_truth(), until_s=40.0)
    held = tracker.picture().position_enu_m[tracker.picture().confirmed]
    assert len(held) == 1
    assert np.linalg.norm(held[0]) == pytest.approx(slant_m(passing, 40.0) % ONE_M, abs=300.0)


def test_ghosts_need_pulse_rates() -> None:
    with pytest.raises(ValidationError, match="ghosts needs prf_hz"):
        radar(prf_hz=None, mti="none", ghosts=True)
