"""Radio links: loss, sensitivity, direction finders and networks that compare times."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import stage
from pydantic import TypeAdapter, ValidationError
from test_sound import flying

from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.emissions import emissions
from sensors.link import free_space_loss_db, two_ray_loss_db
from sensors.mount import Mount
from sensors.registry import SensorSpec
from sensors.scene import Scene
from sensors.time_difference import TimeDifference
from sim.core.tables import AZIMUTH, FALSE_ALARM, Measured, Plots, Visibility
from sim.world.frames import Frame

FRAME = Frame.at(0.9, 0.1, 0.0)
LINK: dict[str, Any] = {"rf_dbm": 19.0, "rf_hz": 2.4e9}


def spec_of(kind: str, **changes: Any) -> Any:
    preset = {"rf-direction-finder": "drone-link-finder", "time-difference": "drone-link-network"}
    return TypeAdapter(SensorSpec).validate_python(
        {"kind": kind, "id": "rf", "preset": preset[kind], **changes}
    )


def finder(**changes: Any) -> Any:
    return stage.build(spec_of("rf-direction-finder", **changes), FRAME, [0.0, 0.0, 10.0])


def network(**changes: Any) -> tuple[TimeDifference, ...]:
    receivers = []
    for place in ([3000.0, 0.0, 10.0], [0.0, 3000.0, 10.0], [-2000.0, -2000.0, 10.0]):
        latitude, longitude, height = FRAME.to_geodetic(np.array(place))
        receivers.append(
            {
                "latitude_deg": float(np.degrees(latitude)),
                "longitude_deg": float(np.degrees(longitude)),
                "height_m": float(height),
            }
        )
    spec = spec_of("time-difference", **({"receivers": receivers} | changes))
    made: tuple[TimeDifference, ...] = spec.build(
        Mount(4, "hill", np.array([0.0, 0.0, 10.0])), stage.surroundings(FRAME)
    )
    return made


def seen(sensor: Any, targets: stage.Fakes, start_s: float, end_s: float, seed: int = 1) -> Plots:
    scene = Scene(targets, targets.truth(start_s), targets.truth(end_s))  # type: ignore[arg-type]
    plots: Plots = sensor.observe(scene, np.random.default_rng(seed))
    return plots


# Loss -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("hz", "range_m"), [(2.4e9, 8.9e3), (5.8e9, 3.7e3)])
def test_published_ranges_are_those_of_free_space(hz: float, range_m: float) -> None:
    """19 dBm against −100 dBm leaves 119 dB of loss, with antennas of no gain."""
    assert free_space_loss_db(range_m, hz) == pytest.approx(119.0, abs=0.1)


def test_two_rays_lose_more_only_beyond_the_break_point() -> None:
    near, far = 500.0, 50e3
    break_m = 4.0 * np.pi * 2.0 * 10.0 / (SPEED_OF_LIGHT_MPS / 2.4e9)
    assert near < break_m < far
    assert two_ray_loss_db(near, 2.4e9, 10.0, 2.0) == free_space_loss_db(near, 2.4e9)
    # 40 log 50 km − 20 log (10 · 2) by hand.
    assert two_ray_loss_db(far, 2.4e9, 10.0, 2.0) == pytest.approx(187.96 - 26.02, abs=0.01)
    at = [float(f(break_m, 2.4e9, *h)) for f, h in
          ((two_ray_loss_db, (10.0, 2.0)), (free_space_loss_db, ()))]  # fmt: skip
    assert at[0] == pytest.approx(at[1], abs=1e-6)


# Direction finder -------------------------------------------------------------------------


def test_half_of_all_looks_notice_an_emission_at_the_sensitivity() -> None:
    sensor = finder(intercept_probability=1.0, two_ray=False)
    at_limit = SPEED_OF_LIGHT_MPS / 2.4e9 / (4.0 * np.pi) * 10.0 ** (119.0 / 20.0)
    target = flying([0.0, at_limit, 100.0], **LINK)
    pd, _ = sensor.visibility(target, target.truth(1.0))
    assert pd[0] == pytest.approx(0.5, abs=0.01)
    assert at_limit == pytest.approx(8.9e3, rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("range_m", [4e3, 8e3, 9.5e3])
def test_detection_rate_is_that_of_visibility(range_m: float) -> None:
    sensor, looks = finder(), 4000
    target = flying([range_m, 0.0, 200.0], **LINK)
    pd = float(sensor.visibility(target, target.truth(1.0))[0][0])
    found = int((seen(sensor, target, 0.0, looks).truth_id == 0).sum())
    assert found / looks == pytest.approx(pd, abs=4.0 * np.sqrt(pd * (1.0 - pd) / looks))


@pytest.mark.slow
def test_errors_and_false_alarms_are_as_stated() -> None:
    sensor, looks = finder(pfa=0.01), 8000
    target = flying([2e3, 0.0, 200.0], **LINK)
    plots = seen(sensor, target, 0.0, looks)
    true = plots.take(plots.truth_id == 0)
    off = (true.measurement[:, AZIMUTH] - 0.5 * np.pi) / true.sigma[:, AZIMUTH]
    assert off.std() == pytest.approx(1.0, abs=0.05)
    # Cross-range is R σ: 2.5° at 2 km are 87 m.
    assert 2e3 * true.sigma[:, AZIMUTH].min() == pytest.approx(87.3, abs=0.1)
    false = int((plots.truth_id == FALSE_ALARM).sum())
    expected = sensor.clutter_density * 2.0 * np.pi * looks
    assert false == pytest.approx(expected, abs=4.0 * np.sqrt(expected))


def test_a_silent_drone_is_not_there() -> None:
    sensor = finder(pfa=1e-12)
    silent = flying([0.0, 500.0, 100.0])
    assert len(seen(sensor, silent, 0.0, 100.0)) == 0
    pd, code = sensor.visibility(silent, silent.truth(1.0))
    assert (pd[0], code[0]) == (0.0, Visibility.SILENT)


def test_the_earth_hides_a_low_drone() -> None:
    sensor = finder(range_max_km=100.0)
    low = flying([0.0, 60e3, -270.0], rf_dbm=60.0, rf_hz=2.4e9)  # some 10 m above the ground
    assert sensor.visibility(low, low.truth(1.0))[1][0] == Visibility.BELOW_HORIZON


# Time differences -------------------------------------------------------------------------


def test_a_network_makes_a_sensor_of_each_further_receiver() -> None:
    pairs = network()
    assert [pair.id for pair in pairs] == ["rf/1", "rf/2", "rf/3"]
    assert [pair.index for pair in pairs] == [4, 5, 6]
    for pair, place in zip(pairs, ([3000.0, 0.0], [0.0, 3000.0], [-2000.0, -2000.0]), strict=True):
        assert pair.measured == Measured.TIME_DIFFERENCE
        np.testing.assert_allclose(pair.origin_enu_m, [0.0, 0.0, 10.0], atol=1e-6)
        np.testing.assert_allclose(pair.other_enu_m, [*place, 10.0], atol=1e-3)


def test_receivers_must_stand_apart() -> None:
    here = {"latitude_deg": float(np.degrees(0.9)), "longitude_deg": float(np.degrees(0.1))}
    with pytest.raises(ValueError, match=r"receivers\[0\] stands within 10 m of another"):
        network(receivers=[{**here, "height_m": 12.0}])
    with pytest.raises(ValidationError, match="receivers"):
        network(receivers=[])


def test_twenty_nanoseconds_are_six_metres() -> None:
    (pair, *_) = network(pfa=1e-12, intercept_probability=1.0, bandwidth_mhz=1000.0)
    target = flying([1500.0, 1500.0, 100.0], **LINK)
    plots = seen(pair, target, 0.0, 400.0)
    assert len(plots) > 380
    np.testing.assert_allclose(plots.sigma[:, 0], 20e-9, rtol=0.01)
    far = np.linalg.norm([-1500.0, 1500.0, 90.0])
    exact_s = (np.linalg.norm([1500.0, 1500.0, 90.0]) - far) / SPEED_OF_LIGHT_MPS
    off_m = SPEED_OF_LIGHT_MPS * (plots.measurement[:, 0] - exact_s)
    assert off_m.std() == pytest.approx(6.0, rel=0.15)
    assert np.isnan(plots.measurement[:, 1:]).all()


def test_all_pairs_tell_of_an_emission_at_one_time() -> None:
    target = flying([1500.0, 1500.0, 100.0], **LINK)
    one, two, _ = (
        seen(pair, target, 0.0, 60.0).time_s
        for pair in network(pfa=1e-12, intercept_probability=1.0)
    )
    np.testing.assert_array_equal(one, two)


def test_emissions_of_windows_neither_miss_nor_repeat() -> None:
    rows = np.array([0, 3, 7], np.int32)
    whole, target = emissions(rows, 0.0, 50.0, 0.7, 0.4)
    cuts = np.sort(np.random.default_rng(1).uniform(0.0, 50.0, 40))
    cuts = np.concatenate([[0.0], cuts, [50.0]])
    parts = [emissions(rows, a, b, 0.7, 0.4)[0] for a, b in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    for row in rows:
        gaps = np.diff(whole[target == row])
        assert 0.6 * 0.7 < gaps.min() < 0.7 < gaps.max() < 1.4 * 0.7


@pytest.mark.slow
def test_false_differences_are_as_dense_as_stated() -> None:
    (pair, *_) = network(pfa=0.05)
    nobody = flying([0.0, 0.0, 100.0])
    plots = seen(pair, nobody, 0.0, 10_000.0)
    expected = pair.clutter_density * 2.0 * pair.baseline_s * 10_000.0
    assert len(plots) == pytest.approx(expected, abs=4.0 * np.sqrt(expected))
    assert np.abs(plots.measurement[:, 0]).max() <= pair.baseline_s
