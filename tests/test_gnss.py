"""Satellite navigation under attack."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import stage
from test_jamming import FRAME, NOWHERE, at, resting, seen

from sensors.cooperative import AdsBSpec
from sensors.gnss import (
    ANTENNA_DBI,
    CAPTURE_DB,
    SIGNAL_DBW,
    reach_m,
    reported_position,
    spoofed_position,
    tolerable_jam_to_signal_db,
)
from sensors.misleading import misled
from sim.core.tables import Floats, Visibility
from sim.world.attackers import GROUND, Attacker, Attackers
from sim.world.electronic_attack import GnssAttack

AROUND = stage.surroundings(FRAME)


def attack(**changes: Any) -> GnssAttack:
    return GnssAttack.model_validate({"kind": "jammer", "power_w": 10} | changes)


def believed(targets: stage.Fakes, time_s: float, *attackers: Attacker[GnssAttack]) -> Floats:
    targets.attackers = Attackers(gnss=attackers)
    n = len(targets)
    truth = targets.truth(time_s)
    rows = np.arange(n, dtype=np.int32)
    return reported_position(truth.position_enu_m, np.full(n, time_s), rows, targets, AROUND)  # type: ignore[arg-type]


@pytest.mark.parametrize("power_w", [0.1, 1.0, 10.0, 100.0])
def test_denied_within_the_reach_of_the_link_budget(power_w: float) -> None:
    radius_m = reach_m(power_w, tolerable_jam_to_signal_db())
    # Twin: decibels, added up by hand.
    loss_db = 20 * math.log10(4 * math.pi * radius_m * 1575.42e6 / 299_792_458.0)
    ratio_db = 10 * math.log10(power_w) - loss_db + ANTENNA_DBI - SIGNAL_DBW
    assert ratio_db == pytest.approx(tolerable_jam_to_signal_db(), abs=1e-9)
    base = np.array([0.0, 0.0, 5000.0])
    bearings = np.radians(np.arange(0.0, 360.0, 30.0))
    ways = np.stack([np.sin(bearings), np.cos(bearings), np.zeros(12)], axis=1)
    inner, outer = base + 0.999 * radius_m * ways, base + 1.001 * radius_m * ways
    targets = resting([*inner, *outer])
    denied = np.isnan(believed(targets, 0.0, Attacker(attack(power_w=power_w), GROUND, base))[:, 0])
    assert denied.tolist() == [True] * 12 + [False] * 12


def test_the_earth_shields_the_low() -> None:
    low, high = at(90.0, 60e3, -200.0), at(90.0, 60e3, 9000.0)
    targets = resting([low, high])
    strong = Attacker(attack(power_w=1000), GROUND, np.array([0.0, 0.0, 10.0]))
    np.testing.assert_array_equal(np.isnan(believed(targets, 0.0, strong)[:, 0]), [False, True])


def test_none_suffers_from_what_it_carries_nor_while_it_is_off() -> None:
    targets = resting([at(0.0, 1e3, 1e3), at(0.0, 3e3, 1e3)])
    own = Attacker(attack(active_s=[[0, 5]]), 0, NOWHERE)
    np.testing.assert_array_equal(np.isnan(believed(targets, 0.0, own)[:, 0]), [False, True])
    np.testing.assert_array_equal(np.isnan(believed(targets, 5.0, own)[:, 0]), [False, False])


def test_a_spoofer_leads_astray_smoothly() -> None:
    spec = attack(kind="spoofer", drift_mps=[3, -4, 1], active_s=[[10, 30]])
    true = np.tile([100.0, 200.0, 300.0], (5, 1))
    time_s = np.array([0.0, 10.0, 12.0, 29.0, 30.0])
    off = spoofed_position(true, time_s, spec) - true
    np.testing.assert_allclose(off, [[0, 0, 0], [0, 0, 0], [6, -8, 2], [57, -76, 19], [0, 0, 0]])
    jump = attack(kind="spoofer", offset_m=[1000, 0, -50])
    np.testing.assert_allclose(
        spoofed_position(true, time_s, jump) - true, np.tile([1000, 0, -50], (5, 1))
    )


def test_the_strongest_spoofer_leads_and_a_jammer_outdoes_it() -> None:
    targets = resting([at(0.0, 10e3, 5e3)])
    truth = targets.truth(0.0).position_enu_m
    weak = Attacker(attack(kind="spoofer", power_w=1, offset_m=[1, 0, 0]), GROUND, truth[0] + 2e3)
    strong = Attacker(attack(kind="spoofer", power_w=9, offset_m=[7, 0, 0]), GROUND, truth[0] + 2e3)
    far = Attacker(
        attack(kind="spoofer", power_w=1e-3, offset_m=[9, 0, 0]),
        GROUND,
        truth[0] + [0.0, 1.1 * reach_m(1e-3, CAPTURE_DB), 0.0],
    )
    for attackers in ((weak, strong, far), (far, strong, weak)):
        np.testing.assert_allclose(believed(targets, 0.0, *attackers) - truth, [[7, 0, 0]])
    np.testing.assert_allclose(believed(targets, 0.0, weak) - truth, [[1, 0, 0]])
    np.testing.assert_array_equal(believed(targets, 0.0, far), truth)
    noise = Attacker(attack(), GROUND, truth[0] + 2e3)
    assert np.isnan(believed(targets, 0.0, noise, strong)).all()


def test_no_attack_changes_nothing() -> None:
    targets = resting([at(0.0, 10e3, 5e3)])
    np.testing.assert_array_equal(believed(targets, 0.0), targets.truth(0.0).position_enu_m)


def test_reports_follow_what_navigation_says() -> None:
    """ADS-B of three: one denied, one led astray, one far from both."""
    spec = AdsBSpec.model_validate({"kind": "ads-b", "preset": "ground-receiver", "id": "a"})
    receiver = stage.build(spec, FRAME, (0.0, 0.0, 30.0))
    places = [at(0.0, 60e3, 5e3), at(120.0, 60e3, 5e3), at(240.0, 60e3, 5e3)]
    targets = resting(places, ads_b_nacp=9)
    denied = Attacker(attack(power_w=0.1), GROUND, places[0] + [0.0, 0.0, 500.0])
    spoofer = attack(kind="spoofer", power_w=1e-5, drift_mps=[0, 30, 0])
    led = Attacker(spoofer, GROUND, places[1] + [0.0, 0.0, 500.0])
    targets.attackers = Attackers(gnss=(denied, led))
    plots = seen(targets, receiver, 60.0)
    told = plots.measurement[:, :3] @ receiver.enu_R_sensor.T + receiver.origin_enu_m
    near = [np.linalg.norm(told - place, axis=1) < 5e3 for place in places]
    assert not near[0].any()
    assert (plots.truth_id[near[1]] == -1).all()
    assert (plots.truth_id[near[2]] == 2).all()
    off = told[near[1]] - places[1] - np.outer(plots.time_s[near[1]], [0, 30, 0])
    assert near[1].sum() > 40
    assert np.abs(off).max() < 6 * plots.sigma[near[1]][:, :3].max()
    code = receiver.visibility(targets, targets.truth(10.0))[1]
    assert [Visibility(c).name for c in code] == ["SILENT", "SILENT", "VISIBLE"]
    # Who is denied says nothing, who is led astray misleads, though not yet at the start.
    assert misled([receiver], targets, targets.truth(10.0)).tolist() == [False, True, False]
    assert not misled([receiver], targets, targets.truth(0.0)).any()
    targets.signatures = replace(targets.signatures, ads_b_nacp=np.array([9, 0, 9]))
    assert not misled([receiver], targets, targets.truth(10.0)).any()
