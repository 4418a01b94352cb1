"""Deception: false targets and range-gate pull-off, as radars and trackers see them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import stage
from numpy.typing import NDArray
from test_jamming import NOWHERE, PLACE, at, radar, resting, seen

from sensors.deception import equivalent_rcs_m2, offsets_m
from sensors.misleading import misled
from sim.core.tables import Floats, Plots
from sim.world.attackers import Attacker, Attackers
from sim.world.electronic_attack import FalseTargets, RangeGatePullOff

SMALL = 1e-6


def false_targets(**changes: Any) -> FalseTargets:
    values = {"kind": "false-targets", "erp_dbw": 0, "frequency_ghz": [2, 18], "spacing_m": 2000}
    return FalseTargets.model_validate(values | changes)


def pull_off(**changes: Any) -> RangeGatePullOff:
    values = {
        "kind": "range-gate-pull-off",
        "erp_dbw": 10,
        "frequency_ghz": [2, 18],
        "rate_mps": 200,
        "dwell_s": 2,
        "pull_s": 6,
        "hold_s": 2,
    }
    return RangeGatePullOff.model_validate(values | changes)


def deceived(targets: stage.Fakes, spec: Any, duration_s: float, **changes: Any) -> Plots:
    targets.attackers = Attackers(deception=(Attacker(spec, 0, NOWHERE),))
    return seen(targets, radar(pfa=1e-12, **changes), duration_s)  # type: ignore[no-any-return]


def approaching(speed_mps: float, **given: Any) -> stage.Fakes:
    def path(time_s: Floats, row: NDArray[np.intp]) -> Floats:
        start = at(60.0, 80e3, 8e3)
        level = start / np.linalg.norm(start)
        return start - speed_mps * time_s[:, None] * level

    return stage.fakes(path, 1, **given)


def test_a_pull_off_misleads_while_it_is_on_and_false_targets_never_do() -> None:
    targets, own = resting([at(0.0, 30e3, 5e3), at(90.0, 30e3, 5e3)]), radar()
    on = pull_off(active_s=[[5, 40]])
    targets.attackers = Attackers(deception=(Attacker(on, 1, NOWHERE),))
    for time_s, there in ((4.0, False), (5.0, True), (41.0, False)):
        assert misled([own], targets, targets.truth(time_s)).tolist() == [False, there]
    deaf = pull_off(frequency_ghz=[17, 18])
    for spec in (deaf, false_targets()):
        targets.attackers = Attackers(deception=(Attacker(spec, 1, NOWHERE),))
        assert not misled([own], targets, targets.truth(10.0)).any()


def test_a_repeater_is_as_strong_as_its_equivalent_echo() -> None:
    """Twin: power densities at the radar, one way and there and back."""
    peak_w, gain, erp_w, carrier_m, false_m = 60e3, 10**3.4, 3.0, 50e3, 58e3
    rcs = float(
        equivalent_rcs_m2(erp_w, 2.0, peak_w * gain, np.array([carrier_m]), np.array([false_m]))[0]
    )
    there = peak_w * gain / (4 * math.pi * false_m**2)
    echo = there * rcs / (4 * math.pi * false_m**2)
    repeated = erp_w / 2.0 / (4 * math.pi * carrier_m**2)
    assert echo == pytest.approx(repeated, rel=1e-12)


def test_false_targets_stand_in_a_row_and_move_as_their_carrier() -> None:
    targets = approaching(250.0)
    plots = deceived(targets, false_targets(count=3), 10.0)
    own, false = plots.take(plots.truth_id == 0), plots.take(plots.truth_id == -1)
    assert len(own) == 100
    assert len(false) == 300
    for k, time_s in enumerate(np.unique(false.time_s)):
        here = false.take(false.time_s == time_s)
        real = own.take(own.time_s == time_s)
        gap_m = np.sort(here.measurement[:, 0]) - real.measurement[0, 0]
        np.testing.assert_allclose(gap_m, [2000, 4000, 6000], atol=250, err_msg=str(k))
        # They move as they seem to: coherent to a tracker that checks the range rate.
        assert (np.abs(here.measurement[:, 3] + 250.0) < 6 * here.sigma[:, 3]).all()
        bearing = here.measurement[:, 1] - real.measurement[0, 1]
        assert (np.abs(bearing) < 8 * here.sigma[:, 1]).all()


def test_faster_closing_false_targets_show_it_in_place_and_range_rate() -> None:
    spec = false_targets(spacing_m=9000, closing_mps=300.0)
    plots = deceived(approaching(200.0), spec, 10.0)
    false = plots.take(plots.truth_id == -1)
    slope = np.polyfit(false.time_s, false.measurement[:, 0], 1)[0]
    assert slope == pytest.approx(-500.0, abs=5.0)
    assert false.measurement[:, 3].mean() == pytest.approx(-500.0, abs=1.0)


def test_a_false_echo_is_as_strong_as_the_link_budget_says() -> None:
    sensor = radar(pfa=1e-12).in_free_space()
    spec = sensor.spec
    targets = resting([at(60.0, 80e3, 8e3)], rcs_m2=SMALL)
    repeater = false_targets(erp_dbw=-20, polarisation_loss_db=3)
    targets.attackers = Attackers(deception=(Attacker(repeater, 0, NOWHERE),))
    plots = seen(targets, sensor, 40.0)
    false = plots.take(plots.truth_id == -1)
    range_m = float(np.linalg.norm(at(60.0, 80e3, 8e3) - PLACE))
    wavelength_m = 299_792_458.0 / (spec.frequency_ghz * 1e9)
    gain, power_w = 10 ** (spec.gain_db / 10), spec.peak_power_kw * 1e3
    received_w = 10**-2.3 * gain * (wavelength_m / (4 * math.pi * range_m)) ** 2
    # What the receiver makes of a watt, out of the radar equation: tau Gp / (k Ts L).
    echo_w = power_w * gain**2 * wavelength_m**2 / (4 * math.pi) ** 3
    snr = received_w * sensor.snr_of_unit_echo / echo_w
    drawn = 10 ** (false.snr_db / 10)
    assert drawn.size == 400
    assert drawn.mean() == pytest.approx(snr, rel=5 * math.sqrt(2 / snr / drawn.size))


def test_pull_off_dwells_walks_holds_and_begins_anew() -> None:
    time_s = np.array([0.0, 1.9, 2.0, 5.0, 8.0, 9.9, 10.0, 13.0])
    offset, rate = offsets_m(pull_off(), time_s)
    np.testing.assert_allclose(offset[0], [0, 0, 0, 600, 1200, 1200, 0, 200])
    np.testing.assert_allclose(rate[0], [0, 0, 0, 200, 0, 0, 0, 200])
    later, _ = offsets_m(pull_off(active_s=[[3, 40]]), time_s + 3.0)
    np.testing.assert_allclose(later, offset)


def test_pull_off_takes_the_echo_along_and_then_leaves_it() -> None:
    targets = resting([at(60.0, 80e3, 8e3)])
    true_m = float(np.linalg.norm(at(60.0, 80e3, 8e3) - PLACE))
    plots = deceived(
        targets, pull_off(), 10.0, range_rate_resolution_mps=None, range_rate_max_mps=None
    )
    off_m = plots.measurement[:, 0] - true_m
    # Within a cell of 150 m the stronger echo carries the plot; nobody's is all that is seen.
    together = (plots.time_s > 2.0) & (plots.time_s < 2.7)
    assert (plots.truth_id[together] == -1).all()
    np.testing.assert_allclose(off_m[together], 200 * (plots.time_s[together] - 2.0), atol=120)
    apart = (plots.time_s > 3.0) & (plots.time_s <= 8.0)
    real = apart & (plots.truth_id == 0)
    assert real.sum() == 50
    np.testing.assert_allclose(off_m[real], 0.0, atol=120)
    false = apart & (plots.truth_id == -1)
    np.testing.assert_allclose(off_m[false], 200 * (plots.time_s[false] - 2.0), atol=120)


def test_there_is_no_false_echo_behind_the_radars_back_nor_of_an_absent_carrier() -> None:
    targets = resting([at(60.0, 3e3, 1e3)])
    plots = deceived(targets, false_targets(spacing_m=-2000, count=4), 3.0, range_min_km=0.1)
    assert (plots.measurement[:, 0] > 0).all()
    assert (plots.truth_id == -1).sum() == 30
    targets.span_s = (100.0, 200.0)
    assert len(deceived(targets, false_targets(), 3.0)) == 0


def test_another_band_hears_no_repeater() -> None:
    targets = resting([at(60.0, 80e3, 8e3)])
    plots = deceived(targets, false_targets(frequency_ghz=[8, 12]), 3.0)
    assert (plots.truth_id == 0).all()
    assert len(plots) == 30
