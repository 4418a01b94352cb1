"""Doppler filters against published values and the matrices of their definition."""

from __future__ import annotations

import numpy as np
import pytest

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
