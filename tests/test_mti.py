"""Doppler filters against published values and the matrices of their definition."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.doppler import after_doppler, eclipsing, mean_over
from sensors.mti import (
    Doppler,
    blind_speed_mps,
    canceller,
    filter_bank,
    improvement_factor,
    scan_spread_mps,
    unambiguous_range_m,
)

LIGHT = 299_792_458.0
NONE = np.ones((1, 1), complex)


def in_db(ratio: float) -> float:
    return float(10.0 * np.log10(ratio))


def test_blind_speed_and_ambiguous_range() -> None:
    """9.4 GHz, 5 kHz: 79.73 m/s; 5 kHz sees 29.98 km."""
    assert blind_speed_mps(9.4e9, 5e3) == pytest.approx(79.73, abs=0.005)
    assert blind_speed_mps(9.4e9, 5e3, 3) == pytest.approx(3 * 79.73, abs=0.02)
    assert unambiguous_range_m(5e3) == pytest.approx(29_979.2, abs=0.1)


def test_improvement_of_mtifactor() -> None:
    """MathWorks, documentation of mtifactor: 4 pulses, 300 MHz, 200 Hz, 2 m/s: 55.3986 dB."""
    assert in_db(improvement_factor(4, 300e6, 200.0, 2.0)) == pytest.approx(55.3986, abs=5e-5)


@pytest.mark.parametrize(
    ("pulses", "closed_form"),
    [(2, lambda x: 2 / x**2), (3, lambda x: 2 / x**4), (4, lambda x: 4 / (3 * x**6))],
)
def test_improvement_against_narrow_clutter(pulses: int, closed_form: object) -> None:
    """Skolnik, chapter 3: 2 (fp/2πσ)², 2 (fp/2πσ)⁴; Barton: 4/3 (fp/2πσ)⁶."""
    spread = 0.05
    x = 2 * np.pi * (2 * spread * 3e9 / LIGHT) / 1000.0
    found = improvement_factor(pulses, 3e9, 1000.0, spread)
    assert in_db(found) == pytest.approx(in_db(closed_form(x)), abs=0.05)  # type: ignore[operator]


def test_scanning_limits_a_single_canceller_to_the_hits() -> None:
    """Skolnik, chapter 3: I = n²/1.39 for n hits between half-power points."""
    hits, prf = 20, 1000.0
    found = improvement_factor(2, 3e9, prf, scan_spread_mps(3e9, hits / prf))
    assert found == pytest.approx(hits**2 / 1.39, rel=0.01)


def test_moving_clutter_defeats_a_canceller() -> None:
    still, moving = (improvement_factor(3, 3e9, 1000.0, 0.5, mean) for mean in (0.0, 10.0))
    assert moving < 0.01 * still
    at_blind = improvement_factor(3, 3e9, 1000.0, 0.5, blind_speed_mps(3e9, 1000.0))
    assert at_blind == pytest.approx(still)


def direct(weights: np.ndarray, turn: float, turn_spread: float) -> np.ndarray:
    """w' R w / w' w of each filter, with the matrix written out."""
    k = np.arange(weights.shape[1])
    lag = k[:, None] - k
    matrix = np.exp(-0.5 * (turn_spread * lag) ** 2 + 1j * turn * lag)
    return np.array([np.real(w.conj() @ matrix @ w) / np.real(w.conj() @ w) for w in weights])


@pytest.mark.parametrize(
    "weights",
    [NONE, canceller(2), canceller(4), filter_bank(8), filter_bank(5, "blackman")],
    ids=["none", "single", "triple", "bank", "blackman"],
)
def test_tables_against_the_matrices(weights: np.ndarray) -> None:
    doppler = Doppler.of(weights, 9.4e9, [4e3, 5e3])
    gain = weights.shape[1] if len(weights) > 1 else 1
    for row, ambiguity in enumerate(doppler.ambiguity_mps):
        assert ambiguity == pytest.approx(blind_speed_mps(9.4e9, doppler.prf_hz[row]))
        for step in (0, 37, 200, 512):
            expected = direct(weights, 2 * np.pi * step / 512, 0.0) / gain
            assert doppler.signal[row, :, step] == pytest.approx(expected, abs=1e-12)
        turn_spread = 2 * np.pi * 0.8 / ambiguity
        moving = direct(weights, 2 * np.pi * 3.0 / ambiguity, turn_spread) / gain
        assert doppler.leakage(0.8, 3.0)[row] == pytest.approx(moving, abs=1e-12)
        still = direct(weights, 0.0, turn_spread) / gain
        over = doppler.leakage_over_speed(0.8)[row]
        assert over[:, 0] == pytest.approx(still, abs=1e-12)
        assert over[:, -1] == pytest.approx(still, abs=1e-12)
        assert doppler.summed[row, :, -1] == pytest.approx(1 / gain, abs=1e-9)


def test_a_uniform_bank_adds_all_pulses_in_phase() -> None:
    doppler = Doppler.of(filter_bank(16, "uniform"), 9.4e9, [5e3])
    for row in range(16):
        assert doppler.signal[0, row, 32 * row] == pytest.approx(1.0)
        assert np.argmax(doppler.signal[0, row, :-1]) == 32 * row
    assert doppler.response([0.0, 79.73 / 16, 79.73]) == pytest.approx([1.0, 1.0, 1.0], abs=1e-4)


@pytest.mark.parametrize(("window", "loss_db"), [("hamming", 1.34), ("blackman", 2.37)])
def test_windows_lose_what_harris_says(window: str, loss_db: float) -> None:
    """Harris, Proc. IEEE 66(1), 1978, table 1: processing loss 1.34 dB and 2.37 dB."""
    signal = Doppler.of(filter_bank(64, window), 3e9, [1e3]).signal  # type: ignore[arg-type]
    assert -in_db(signal.max()) == pytest.approx(loss_db, abs=0.03)


def test_stability_limits_the_improvement() -> None:
    doppler = Doppler.of(canceller(3), 3e9, [1e3], limit_db=50.0)
    assert -in_db(doppler.leakage(0.0)[0, 0]) == pytest.approx(50.0)


def test_staggered_frequencies_fill_blind_speeds() -> None:
    one = Doppler.of(canceller(3), 9.4e9, [5e3])
    two = Doppler.of(canceller(3), 9.4e9, [5e3, 6.5e3])
    assert one.response(79.73) < 1e-6
    assert two.response(79.73) > 0.1
    assert two.response(0.0) == 0.0


def test_least_detectable_speed_grows_with_clutter_and_shrinks_with_pulses() -> None:
    bank = Doppler.of(filter_bank(16), 9.4e9, [5e3])
    weak, strong = (bank.detectable_speed_mps(cnr, 0.1) for cnr in (1e2, 1e6))
    assert 0.0 < weak < strong < 15.0
    longer = Doppler.of(filter_bank(32), 9.4e9, [5e3]).detectable_speed_mps(1e6, 0.1)
    assert longer == pytest.approx(0.5 * strong, rel=0.2)
    assert Doppler.of(NONE, 9.4e9, [5e3]).detectable_speed_mps(1e3, 0.1) == np.inf
    assert Doppler.of(NONE, 9.4e9, [5e3]).detectable_speed_mps(0.0, 0.1) == 0.0


def test_eclipsing_takes_both_ends_of_an_interval() -> None:
    prf, pulse = 10e3, 10e-6
    for delay, share in ((0.0, 0.0), (5e-6, 0.25), (10e-6, 1.0), (60e-6, 1.0), (95e-6, 0.25)):
        for ambiguity in (0, 3):
            range_m = 0.5 * LIGHT * (delay + ambiguity / prf)
            assert eclipsing(range_m, pulse, prf) == pytest.approx(share, abs=1e-9)


def test_mean_over_speeds_is_the_mean_of_samples() -> None:
    doppler = Doppler.of(filter_bank(8), 9.4e9, [5e3])
    for first, last in ((-0.3, 0.2), (0.1, 4.6), (-3.1, -0.4)):
        at = np.mod(np.linspace(first, last, 20_001), 1.0) * 512
        expected = np.mean(np.interp(at, np.arange(513), doppler.signal[0, 2]))
        assert mean_over(doppler.summed, 0, 2, first, last) == pytest.approx(expected, rel=1e-3)


def stands_out(doppler: Doppler, rate: float, **given: float) -> float:
    values = {"snr": 1.0, "rotor": 0.0, "tip": 0.0, "cnr": 0.0, "rain": 0.0, "wind": 0.0} | given
    return after_doppler(
        values["snr"],
        values["rotor"],
        values["tip"],
        rate,
        10e3,
        values["cnr"],
        values["rain"],
        values["wind"],
        1e-6,
        bool(values.get("staggered", False)),
        doppler.ambiguity_mps,
        doppler.prf_hz,
        doppler.signal,
        doppler.summed,
        doppler.leakage(0.1),
        doppler.leakage_over_speed(1.0),
    )


def test_after_doppler_against_its_definition() -> None:
    doppler = Doppler.of(filter_bank(8), 9.4e9, [4e3, 5e3])
    rate, wind = 23.0, -7.0
    per_prf = []
    for row, ambiguity in enumerate(doppler.ambiguity_mps):
        weights, turn = doppler.weights, 2 * np.pi / ambiguity
        echo = direct(weights, turn * rate, 0.0) / 8
        left = 1.0 + 200.0 * direct(weights, 0.0, turn * 0.1) / 8
        left += 50.0 * direct(weights, turn * wind, turn * 1.0) / 8
        per_prf.append(30.0 * np.max(echo / left))
        assert row < 2
    given = {"snr": 30.0, "cnr": 200.0, "rain": 50.0, "wind": wind}
    assert stands_out(doppler, rate, **given) == pytest.approx(max(per_prf), rel=1e-3)
    staggered = stands_out(doppler, rate, staggered=1.0, **given)
    assert staggered == pytest.approx(np.mean(per_prf), rel=1e-3)


def test_no_processing_leaves_signal_over_noise_and_clutter() -> None:
    doppler = Doppler.of(NONE, 9.4e9, [5e3])
    assert stands_out(doppler, 12.0, snr=20.0, cnr=3.0, rain=1.0) == pytest.approx(4.0)


def test_rotors_save_a_hovering_drone() -> None:
    """Body in the notch; the blades' echo is spread over all filters, a share 1/N in each."""
    bank = Doppler.of(filter_bank(16), 9.4e9, [5e3], limit_db=70.0)
    hidden = stands_out(bank, 0.0, snr=1e3, cnr=1e6)
    saved = stands_out(bank, 0.0, snr=1e3, rotor=50.0, tip=130.0, cnr=1e6)
    assert hidden < 1.0
    assert saved - hidden == pytest.approx(50.0 / 16, rel=0.3)
    moving = stands_out(bank, 40.0, snr=1e3, cnr=1e6)
    assert moving > 100.0 * saved
