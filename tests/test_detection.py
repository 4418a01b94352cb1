"""Radar equation and detection probability against published numbers and slow twins."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from sensors.accuracy import measurement_sigma
from sensors.detection import (
    SWERLING_CASES,
    albersheim_snr,
    detection_probability,
    detection_threshold,
    draw_echo_power,
    draw_noise_power_over_threshold,
    radar_snr,
    required_snr,
)


def in_db(ratio: float) -> float:
    return 10.0 * np.log10(ratio)


def test_radar_equation_snr_of_radareqsnr() -> None:
    """MathWorks, documentation of radareqsnr: 5.5868 dB, printed to 4 decimals."""
    snr = radar_snr(
        50e3,
        1.0,
        peak_power_w=1e6,
        pulse_width_s=0.2e-6,
        gain=100.0,
        frequency_hz=1e9,
        system_temperature_k=290.0,
    )
    assert in_db(float(snr)) == pytest.approx(5.5868, abs=5e-4)


def test_radar_equation_range_of_radareqrng() -> None:
    """MathWorks, documentation of radareqrng: 6 dB at 41 057 m, printed to the metre."""
    snr = radar_snr(
        41_057.0,
        1.0,
        peak_power_w=1e6,
        pulse_width_s=10e-6,
        gain=100.0,
        frequency_hz=10e9,
        system_temperature_k=290.0,
    )
    range_m = 41_057.0 * (float(snr) / 10**0.6) ** 0.25
    assert range_m == pytest.approx(41_057.0, abs=2.0)


def test_losses_and_processing_gain_scale_the_snr() -> None:
    common = {
        "peak_power_w": 1e4,
        "pulse_width_s": 1e-5,
        "gain": 1e3,
        "frequency_hz": 3e9,
        "system_temperature_k": 500.0,
    }
    plain = radar_snr([1e4, 2e4], [1.0, 16.0], **common)
    assert plain[0] == pytest.approx(plain[1])
    assert radar_snr(1e4, 1.0, **common, losses=4.0) == pytest.approx(plain[0] / 4)
    assert radar_snr(1e4, 1.0, **common, processing_gain=8.0) == pytest.approx(plain[0] * 8)


REQUIRED_SNR_DB = [
    # pd, pulses, SW0, SW1, SW2, SW3, SW4, Albersheim; pfa 1e-6; computed from the definition
    (0.5, 1, (11.243, 12.772, 12.772, 11.954, 11.954), 11.232),
    (0.9, 1, (13.183, 21.144, 21.144, 17.296, 17.296), 13.115),
    (0.9, 10, (5.267, 13.500, 6.292, 9.601, 5.806), 4.990),
]


@pytest.mark.parametrize(("pd", "pulses", "exact_db", "albersheim_db"), REQUIRED_SNR_DB)
def test_required_snr(
    pd: float, pulses: int, exact_db: tuple[float, ...], albersheim_db: float
) -> None:
    """Within half of the last printed digit, 0.0005 dB."""
    for swerling, expected in zip(SWERLING_CASES, exact_db, strict=True):
        found = in_db(required_snr(pd, 1e-6, pulses, swerling))
        assert found == pytest.approx(expected, abs=5.01e-4), swerling
    assert in_db(albersheim_snr(pd, 1e-6, pulses)) == pytest.approx(albersheim_db, abs=5.01e-4)


def test_required_snr_of_sdr_package() -> None:
    """The documentation of sdr.min_snr(0.9, 1e-6) prints 13.183490056794499 dB."""
    assert in_db(required_snr(0.9, 1e-6)) == pytest.approx(13.183490056794499, abs=1e-8)


@pytest.mark.parametrize("pd", [1e-6, 1.0])
def test_required_snr_refuses_what_no_signal_gives(pd: float) -> None:
    with pytest.raises(ValueError, match="pfa < pd < 1"):
        required_snr(pd, 1e-6)


@pytest.mark.parametrize("pulses", [1, 7, 120])
def test_threshold_holds_the_false_alarm_probability(pulses: int) -> None:
    for pfa in (1e-3, 1e-6, 1e-9):
        threshold = detection_threshold(pfa, pulses)
        assert stats.gamma.sf(threshold, pulses) == pytest.approx(pfa, rel=1e-9)


def pd_twin(snr: float, pfa: float, pulses: int, swerling: int) -> float:
    """Marcum's Q averaged over 4000 equally likely signal energies; good to 2e-5."""
    threshold = stats.gamma.isf(pfa, pulses)
    energy = np.array([pulses * snr])
    if swerling != 0:
        shape = {1: 1, 2: pulses, 3: 2, 4: 2 * pulses}[swerling]
        chance = (np.arange(4000) + 0.5) / 4000
        energy = stats.gamma.ppf(chance, shape, scale=pulses * snr / shape)
    return float(np.mean(stats.ncx2.sf(2.0 * threshold, 2 * pulses, 2.0 * energy)))


@pytest.mark.parametrize("swerling", SWERLING_CASES)
@pytest.mark.parametrize("pulses", [1, 3, 16])
def test_pd_against_averaged_marcum(pulses: int, swerling: int) -> None:
    for snr_db in (-6.0, 4.0, 9.0, 17.0):
        snr = 10 ** (snr_db / 10)
        found = float(detection_probability(snr, 1e-4, pulses, swerling))
        assert found == pytest.approx(pd_twin(snr, 1e-4, pulses, swerling), abs=2e-5)


@pytest.mark.parametrize("swerling", SWERLING_CASES)
@pytest.mark.parametrize("pulses", [1, 4, 30])
def test_pd_against_the_series_of_its_definition(pulses: int, swerling: int) -> None:
    """A count m of chance p(m), times the miss probability of a gamma with shape n + m."""
    m = np.arange(400)
    snr = 10.0 ** np.linspace(-3, 5, 60)
    missed = stats.gamma.cdf(detection_threshold(1e-6, pulses), pulses + m)
    energy = pulses * snr[:, np.newaxis]
    if swerling == 0:
        chance = stats.poisson.pmf(m, energy)
    else:
        shape = {1: 1, 2: pulses, 3: 2, 4: 2 * pulses}[swerling]
        chance = stats.nbinom.pmf(m, shape, shape / (shape + energy))
    found = detection_probability(snr, 1e-6, pulses, swerling)
    assert found == pytest.approx(1.0 - chance @ missed, rel=0.0, abs=1e-12)


@pytest.mark.parametrize("pfa", [1e-3, 1e-6, 1e-12])
@pytest.mark.parametrize("pulses", [1, 2, 10, 100, 2000])
def test_pd_against_closed_forms_of_scipy(pulses: int, pfa: float) -> None:
    """To 1e-10 over 60 dB: Marcum's Q, and gamma tails for Swerling 1, 2 and 4."""
    threshold = detection_threshold(pfa, pulses)
    snr = 10.0 ** np.linspace(-3.5, 2.5, 121) / np.sqrt(pulses)
    total = pulses * snr
    steady = stats.ncx2.sf(2.0 * threshold, 2 * pulses, 2.0 * total)
    slow = np.exp(-threshold / (1.0 + total))
    if pulses > 1:
        power = (pulses - 1) * np.log1p(1.0 / total) - threshold / (1.0 + total)
        tail = special.gammainc(pulses - 1, threshold * total / (1.0 + total))
        slow = special.gammaincc(pulses - 1, threshold) + np.exp(np.minimum(power, 600.0)) * tail
        slow[power > 600.0] = np.nan  # the closed form overflows
    fast = special.gammaincc(pulses, threshold / (1.0 + snr))
    # A pulse of Swerling 4 is gamma distributed with shape one or two: count the twos.
    twos, scale = np.arange(pulses + 1), 1.0 + 0.5 * snr[:, np.newaxis]
    chance = stats.binom.pmf(twos, pulses, 1.0 - 1.0 / scale)
    dominant = np.sum(chance * special.gammaincc(pulses + twos, threshold / scale), 1)
    for swerling, expected in ((0, steady), (1, slow), (2, fast), (4, dominant)):
        found = detection_probability(snr, pfa, pulses, swerling)
        known = ~np.isnan(expected)
        assert np.count_nonzero(known) > 60
        assert found[known] == pytest.approx(expected[known], rel=0.0, abs=1e-10), swerling


@pytest.mark.parametrize("swerling", SWERLING_CASES)
@pytest.mark.parametrize("pulses", [1, 10])
def test_pd_runs_from_pfa_to_one(pulses: int, swerling: int) -> None:
    snr = np.concatenate([[0.0], 10.0 ** np.linspace(-5, 12, 200)])
    pd = detection_probability(snr, 1e-6, pulses, swerling)
    assert pd[0] == pytest.approx(1e-6, rel=1e-6)
    assert np.all(np.diff(pd) >= -1e-14)
    assert pd[-1] == pytest.approx(1.0, abs=1e-9)


def test_swerling_one_single_pulse_closed_form() -> None:
    snr = np.array([0.3, 3.0, 30.0])
    assert detection_probability(snr, 1e-6, 1, 1) == pytest.approx((1e-6) ** (1 / (1 + snr)))


def test_cases_are_taken_row_by_row() -> None:
    snr = np.array([3.0, 8.0, 8.0, 20.0])
    case = np.array([0, 1, 3, 4], np.uint8)
    together = detection_probability(snr, 1e-5, 4, case)
    apart = [float(detection_probability(s, 1e-5, 4, c)) for s, c in zip(snr, case, strict=True)]
    assert together == pytest.approx(apart, rel=1e-12)
    assert detection_probability(np.empty(0), 1e-6, 3, np.empty(0, int)).shape == (0,)


@pytest.mark.slow
@pytest.mark.parametrize("swerling", SWERLING_CASES)
@pytest.mark.parametrize("pulses", [1, 12])
def test_drawn_power_crosses_the_threshold_with_pd(pulses: int, swerling: int) -> None:
    rng = np.random.default_rng(1)
    draws = 200_000
    for pd in (0.1, 0.5, 0.95):
        snr = required_snr(pd, 1e-4, pulses, swerling)
        power = draw_echo_power(
            np.full(draws, snr), pulses, np.full(draws, swerling, np.uint8), rng
        )
        rate = np.mean(power > detection_threshold(1e-4, pulses))
        assert rate == pytest.approx(pd, abs=4.5 * np.sqrt(pd * (1 - pd) / draws))


@pytest.mark.parametrize("pulses", [1, 6])
def test_false_alarm_power_is_the_tail_of_noise(pulses: int) -> None:
    rng = np.random.default_rng(2)
    pfa = 0.02
    found = draw_noise_power_over_threshold(4000, pfa, pulses, rng)
    assert found.min() > detection_threshold(pfa, pulses)
    noise = rng.gamma(pulses, 1.0, 400_000)
    expected = noise[noise > detection_threshold(pfa, pulses)]
    assert stats.ks_2samp(found, expected).pvalue > 1e-3


def test_accuracy_formulas() -> None:
    """σ_angle = θ3/(1.6 √(2 SNR)), σ_range = ΔR/√(2 SNR), never below the floor."""
    resolution = np.array([40.0, 0.032, np.nan, 8.0])
    floor = np.array([1.0, 1e-4, 1e-4, 0.5])
    sigma = measurement_sigma(resolution, np.array([8.0, 50.0, 1e9]), floor)
    expected = [[10.0, 0.005, np.nan, 2.0], [4.0, 0.002, np.nan, 0.8], [1.0, 1e-4, np.nan, 0.5]]
    assert sigma == pytest.approx(np.array(expected), nan_ok=True)
