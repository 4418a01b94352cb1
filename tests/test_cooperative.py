"""Reports of targets on themselves, honest, absent and spoofed; answers to interrogations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import stage
from pydantic import TypeAdapter, ValidationError
from test_rf import FRAME, seen
from test_sound import flying

from sensors.cooperative import CIRCLE_95, NACP_BOUNDS_M, report_sigma_m
from sensors.registry import SensorSpec
from sim.core.tables import FALSE_ALARM, Reply, Visibility
from sim.world.signatures import signatures_of
from sim.world.targets import TargetSpec

ROUTE = [{"latitude_deg": 52.0, "longitude_deg": 5.0, "height_m": 500.0}]


def built(kind: str, **changes: Any) -> Any:
    preset = "airport-monopulse" if kind == "secondary-radar" else "ground-receiver"
    spec = TypeAdapter(SensorSpec).validate_python(
        {"kind": kind, "id": "x", "preset": preset, **changes}
    )
    return stage.build(spec, FRAME, [0.0, 0.0, 20.0])


def target(target_class: str = "airliner", **keys: Any) -> TargetSpec:
    return TargetSpec.model_validate({"id": "t", "class": target_class, "route": ROUTE, **keys})


# Scenario keys ----------------------------------------------------------------------------


def test_what_targets_send_follows_class_and_keys() -> None:
    s = signatures_of(
        [
            target(),
            target(ads_b="absent"),
            target("one-way-attack-drone", ads_b={"spoofed": {"east_m": 3000, "up_m": -50}}),
            target("mini-drone"),
            target("mini-drone", radio="silent", remote_id="absent"),
            target("mini-drone", radio={"power_dbm": 27, "frequency_ghz": 5.8}),
            target("mini-drone", remote_id={"spoofed": {"north_m": 200}}),
            target(ghost=True),
        ]
    )
    assert s.ads_b_nacp.tolist() == [9, 0, 8, 0, 0, 0, 0, 9]
    np.testing.assert_array_equal(s.ads_b_offset_enu_m[2], [3000.0, 0.0, -50.0])
    assert s.remote_id.tolist() == [False, False, False, True, False, True, True, False]
    np.testing.assert_array_equal(s.remote_id_offset_enu_m[6], [0.0, 200.0, 0.0])
    assert s.rf_dbm[3:6].tolist() == [19.0, -np.inf, 27.0]
    assert s.rf_hz[[3, 5]].tolist() == pytest.approx([2.4e9, 5.8e9])
    assert s.ghost.tolist() == [False] * 7 + [True]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"ads_b": "false"}, "honest"),
        ({"ads_b": {"spoofed": {"east_km": 3}}}, "east_km"),
        ({"ghost": True, "ads_b": "absent"}, "a ghost exists in its reports alone"),
        ({"radio": {"power_dbm": 20}}, "radio: a airliner has none; give frequency_ghz too"),
        ({"radio": "loud"}, "silent"),
    ],
)
def test_mistakes_are_told(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        target(**keys)
    assert message in str(error.value)


# Accuracy ---------------------------------------------------------------------------------


def test_bounds_are_those_of_the_categories() -> None:
    """DO-260B: 95 % horizontal bounds of NACp 8 to 11."""
    assert [NACP_BOUNDS_M[k][0] for k in (8, 9, 10, 11)] == [92.6, 30.0, 10.0, 3.0]
    assert pytest.approx(2.4477, abs=1e-4) == CIRCLE_95


@pytest.mark.slow
def test_bounds_hold_95_percent_of_drawn_errors() -> None:
    sensor = built("ads-b", reception_probability=1.0)
    here = flying([20e3, 5e3, 3000.0], ads_b_nacp=9)
    plots = seen(sensor, here, 0.0, 8000.0)
    off = plots.measurement[:, :3] - np.array([20e3, 5e3, 2980.0])
    assert (np.hypot(off[:, 0], off[:, 1]) < 30.0).mean() == pytest.approx(0.95, abs=0.01)
    assert (np.abs(off[:, 2]) < 45.0).mean() == pytest.approx(0.95, abs=0.01)
    np.testing.assert_allclose((off / plots.sigma[:, :3]).std(axis=0), 1.0, atol=0.04)
    np.testing.assert_allclose(plots.sigma[0, :3], report_sigma_m(np.array([[30.0, 45.0]]))[0])


@pytest.mark.slow
@pytest.mark.parametrize("range_m", [100e3, 170e3, 200e3])
def test_reception_is_that_of_visibility(range_m: float) -> None:
    sensor, n = built("ads-b"), 4000
    there = flying([range_m, 0.0, 11e3], ads_b_nacp=8)
    pd = float(sensor.visibility(there, there.truth(0.0))[0][0])
    found = len(seen(sensor, there, 0.0, float(n)))
    assert found / n == pytest.approx(pd, abs=4.0 * np.sqrt(pd * (1 - pd) / n) + 1.0 / n)


# Honest, absent, spoofed ------------------------------------------------------------------


def test_who_tells_nothing_is_not_heard() -> None:
    for kind in ("ads-b", "remote-id"):
        sensor = built(kind)
        mute = flying([1000.0, 1000.0, 300.0])
        assert len(seen(sensor, mute, 0.0, 60.0)) == 0
        assert sensor.visibility(mute, mute.truth(1.0))[1][0] == Visibility.SILENT


def test_a_spoofed_report_is_of_no_target_and_claims_to_be_civil() -> None:
    sensor = built("ads-b", reception_probability=1.0)
    liar = flying([5e3, 0.0, 500.0], ads_b_nacp=8)
    liar.signatures.ads_b_offset_enu_m[:] = [3000.0, 0.0, 0.0]
    plots = seen(sensor, liar, 0.0, 30.0)
    assert len(plots) > 25
    assert (plots.truth_id == FALSE_ALARM).all()
    assert (plots.reply == Reply.CIVIL).all()
    assert plots.measurement[:, 0].mean() == pytest.approx(8e3, abs=40.0)
    # Its place is not known by this sensor.
    assert sensor.visibility(liar, liar.truth(1.0))[1][0] == Visibility.SILENT


def test_a_ghost_is_heard_and_nowhere() -> None:
    ghost = flying([5e3, 0.0, 500.0], ads_b_nacp=8)
    ghost.signatures.ghost[:] = True
    sensor = built("ads-b", reception_probability=1.0)
    plots = seen(sensor, ghost, 0.0, 30.0)
    assert len(plots) > 25
    assert (plots.truth_id == FALSE_ALARM).all()


def test_a_military_address_claims_nothing() -> None:
    friend = flying([5e3, 0.0, 500.0], ads_b_nacp=9, reply=Reply.MILITARY)
    assert (seen(built("ads-b"), friend, 0.0, 30.0).reply == Reply.NONE).all()


def test_two_receivers_hear_the_same_messages() -> None:
    there = flying([5e3, 0.0, 500.0], size=3, ads_b_nacp=9)
    one, other = (
        seen(built("ads-b", reception_probability=1.0), there, 0.0, 20.0, seed) for seed in (1, 2)
    )
    np.testing.assert_array_equal(one.time_s, other.time_s)
    assert (one.measurement[:, 0] != other.measurement[:, 0]).all()


# Secondary radar --------------------------------------------------------------------------


@pytest.mark.slow
def test_answers_come_as_often_and_as_exactly_as_stated() -> None:
    sensor = built("secondary-radar", false_replies_per_turn=1e-9)
    there = flying([30e3, 40e3, 3000.0], reply=Reply.MILITARY)
    turns = 3000
    plots = seen(sensor, there, 0.0, turns * sensor.period_s)
    assert len(plots) / turns == pytest.approx(0.97, abs=0.0125)
    assert (plots.reply == Reply.MILITARY).all()
    exact = [np.linalg.norm([30e3, 40e3, 2980.0]), np.arctan2(30e3, 40e3)]
    off = (plots.measurement[:, :2] - exact) / plots.sigma[:, :2]
    np.testing.assert_allclose(off.std(axis=0), 1.0, atol=0.06)
    assert np.isnan(plots.measurement[:, 2:]).all()


def test_no_transponder_no_answer_whatever_the_echo() -> None:
    mute = flying([10e3, 0.0, 3000.0], rcs_m2=1000.0)
    sensor = built("secondary-radar", false_replies_per_turn=1e-9)
    assert len(seen(sensor, mute, 0.0, 100.0)) == 0
    assert sensor.visibility(mute, mute.truth(1.0))[1][0] == Visibility.SILENT


@pytest.mark.slow
@pytest.mark.parametrize(("apart_m", "share"), [(1500.0, 0.97 * 0.2), (3500.0, 0.97)])
def test_answers_nearer_than_a_reply_is_long_garble(apart_m: float, share: float) -> None:
    """A reply of 20.3 µs is 3.04 km of range."""
    sensor = built("secondary-radar", degarbled=0.2, false_replies_per_turn=1e-9)
    pair = flying([[0.0, 40e3, 3e3], [0.0, 40e3 + apart_m, 3e3]], size=2, reply=Reply.CIVIL)
    turns = 1500
    found = len(seen(sensor, pair, 0.0, turns * sensor.period_s)) / (2 * turns)
    assert found == pytest.approx(share, abs=0.04)
    code = sensor.visibility(pair, pair.truth(1.0))[1]
    expected = Visibility.UNRESOLVED if apart_m < 3040.0 else Visibility.VISIBLE
    assert (code == expected).all()


@pytest.mark.slow
def test_false_replies_are_as_dense_as_stated() -> None:
    sensor = built("secondary-radar", false_replies_per_turn=2.0)
    nobody = flying([0.0, 1000.0, 100.0])
    plots = seen(sensor, nobody, 0.0, 4000.0)
    area = float(np.ptp(sensor.range_limits_m)) * 2.0 * np.pi
    expected = sensor.clutter_density * area * 1000.0
    assert len(plots) == pytest.approx(expected, abs=4.0 * np.sqrt(expected))
