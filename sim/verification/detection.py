"""Radar equation, detection, Doppler processing and accuracy against published numbers."""

from __future__ import annotations

from functools import partial

import numpy as np

from sensors.accuracy import measurement_sigma
from sensors.cfar import cfar_loss_db, cfar_multiplier
from sensors.detection import (
    SWERLING_CASES,
    albersheim_snr,
    detection_probability,
    radar_snr,
    required_snr,
)
from sensors.mti import (
    Doppler,
    Window,
    blind_speed_mps,
    filter_bank,
    improvement_factor,
    scan_spread_mps,
)
from sim.verification.check import Check

_EXACT = (
    "Marcum, and Swerling, IRE Trans. IT 6(2), 1960: from the definition, computed independently"
)
_ALBERSHEIM = "Albersheim, Proc. IEEE 69(7), 1981; computed independently"
_HARRIS = "Harris, Proc. IEEE 66(1), 1978, table 1"
_FINN = "N (Pfa^(−1/N) − 1) (Finn and Johnson, RCA Review 29, 1968), by hand"
_NITZBERG = (
    "SNR of ((Pd/Pfa)^(1/N) − 1)/(1 − Pd^(1/N)) (Nitzberg, IEEE Trans. AES 14(1), 1978) over "
    "ln Pfa/ln Pd − 1, by hand"
)

_REQUIRED_DB = (
    # Pd, pulses, Swerling 0 to 4, Albersheim
    (0.5, 1, (11.243, 12.772, 12.772, 11.954, 11.954), 11.232),
    (0.9, 1, (13.183, 21.144, 21.144, 17.296, 17.296), 13.115),
    (0.9, 10, (5.267, 13.500, 6.292, 9.601, 5.806), 4.990),
)

#: Cells, Pd, loss.
_CFAR_LOSS_DB = ((16, 0.5, 1.9957), (32, 0.9, 0.9707))


def _in_db(ratio: object) -> float:
    return float(10.0 * np.log10(np.asarray(ratio, float)))


def _required_db(pd: float, pulses: int, swerling: int) -> float:
    return _in_db(required_snr(pd, 1e-6, pulses, swerling))


def _albersheim_db(pd: float, pulses: int) -> float:
    return _in_db(albersheim_snr(pd, 1e-6, pulses))


def _radar(range_m: float, frequency_hz: float, pulse_width_s: float) -> float:
    """Return the SNR of 1 m² for 1 MW, gain 20 dB, 290 K."""
    snr = radar_snr(
        range_m,
        1.0,
        peak_power_w=1e6,
        pulse_width_s=pulse_width_s,
        gain=100.0,
        frequency_hz=frequency_hz,
        system_temperature_k=290.0,
    )
    return float(snr)


def _sigma(component: int) -> float:
    """Return the error of one component at 20 dB: cell of 150 m, 2°, 2°, 10 m/s."""
    cell = np.array([150.0, 2.0, 2.0, 10.0])
    return float(measurement_sigma(cell, np.array([100.0]), np.zeros(4))[0, component])


def _window_loss_db(window: Window) -> float:
    return -_in_db(Doppler.of(filter_bank(64, window), 3e9, [1e3]).signal.max())


CHECKS: tuple[Check, ...] = (
    Check(
        "radar equation: range for 6 dB, 10 GHz, 1 MW, 10 µs, 20 dB, 1 m², 290 K",
        "m",
        41_057.0,
        lambda: 41_057.0 * (_radar(41_057.0, 10e9, 10e-6) / 10**0.6) ** 0.25,
        2.0,
        "MathWorks, documentation of radareqrng",
    ),
    Check(
        "radar equation: SNR at 50 km, 1 GHz, 1 MW, 0.2 µs, 20 dB, 1 m², 290 K",
        "dB",
        5.5868,
        lambda: _in_db(_radar(50e3, 1e9, 0.2e-6)),
        5e-4,
        "MathWorks, documentation of radareqsnr",
    ),
    *(
        Check(
            f"required SNR, Pfa 1e-6, Pd {pd:g}, {pulses} pulses, Swerling {swerling}",
            "dB",
            exact_db[swerling],
            partial(_required_db, pd, pulses, swerling),
            5.1e-4,
            _EXACT,
        )
        for pd, pulses, exact_db, _ in _REQUIRED_DB
        for swerling in SWERLING_CASES
    ),
    *(
        Check(
            f"Albersheim, Pfa 1e-6, Pd {pd:g}, {pulses} pulses",
            "dB",
            albersheim_db,
            partial(_albersheim_db, pd, pulses),
            5.1e-4,
            _ALBERSHEIM,
        )
        for pd, pulses, _, albersheim_db in _REQUIRED_DB
    ),
    Check(
        "required SNR, Pfa 1e-6, Pd 0.9, steady, to the last digit printed",
        "dB",
        13.183490056794499,
        partial(_required_db, 0.9, 1, 0),
        1e-8,
        "Hostetter, sdr (Python package), documentation of sdr.min_snr",
    ),
    Check(
        "detection probability, Swerling 1, one pulse, 13 dB, Pfa 1e-6",
        "",
        0.5171776,
        lambda: float(detection_probability(10**1.3, 1e-6, 1, 1)),
        5e-6,
        "Pd = Pfa^(1/(1 + SNR)) (Swerling, IRE Trans. IT 6(2), 1960), by hand",
    ),
    *(
        Check(
            f"CA-CFAR: threshold over the mean of {cells} cells, Pfa 1e-6",
            "",
            multiplier,
            partial(cfar_multiplier, 1e-6, cells),
            5.1e-6,
            _FINN,
        )
        for cells, multiplier in ((16, 21.94198), (32, 17.27765))
    ),
    *(
        Check(
            f"CA-CFAR: loss of {cells} cells, Pfa 1e-6, Pd {pd:g}, Swerling 1",
            "dB",
            loss_db,
            partial(cfar_loss_db, 1e-6, cells, 1, pd),
            5.1e-5,
            _NITZBERG,
        )
        for cells, pd, loss_db in _CFAR_LOSS_DB
    ),
    Check(
        "CA-CFAR: loss of 64 cells against that of 32, in decibels",
        "",
        0.5,
        lambda: cfar_loss_db(1e-6, 64) / cfar_loss_db(1e-6, 32),
        0.01,
        "halved when the cells are doubled (Nitzberg, IEEE Trans. AES 14(1), 1978, pp. 44-47)",
    ),
    Check(
        "CA-CFAR: exact loss of 32 cells, Pfa 1e-6, against the universal curve",
        "dB",
        5.0 / 32.0 * 6.0,
        lambda: cfar_loss_db(1e-6, 32),
        0.05,
        "5/N (−log₁₀ Pfa) (Gregers-Hansen, Radar: Present and Future, IEE Conf. Publ. 105, 1973)",
    ),
    Check(
        "blind speed, 9.4 GHz, 5 kHz",
        "m/s",
        79.73,
        lambda: blind_speed_mps(9.4e9, 5e3),
        5e-3,
        "n λ PRF / 2 (Skolnik, Introduction to Radar Systems, 3rd ed., 2001, ch. 3), by hand",
    ),
    Check(
        "MTI improvement, 4 pulses, 300 MHz, 200 Hz, clutter of 2 m/s",
        "dB",
        55.3986,
        lambda: _in_db(improvement_factor(4, 300e6, 200.0, 2.0)),
        5e-5,
        "MathWorks, documentation of mtifactor",
    ),
    Check(
        "MTI improvement limited by scanning, 2 pulses, 20 hits",
        "dB",
        _in_db(20**2 / 1.39),
        lambda: _in_db(improvement_factor(2, 3e9, 1e3, scan_spread_mps(3e9, 0.02))),
        0.05,
        "n²/1.39 (Skolnik, Introduction to Radar Systems, 3rd ed., 2001, ch. 3)",
    ),
    Check(
        "Doppler bank, loss of a Hamming window",
        "dB",
        1.34,
        lambda: _window_loss_db("hamming"),
        0.03,
        _HARRIS,
    ),
    Check(
        "Doppler bank, loss of a Blackman window",
        "dB",
        2.37,
        lambda: _window_loss_db("blackman"),
        0.03,
        _HARRIS,
    ),
    Check(
        "error in range, cell 150 m, SNR 20 dB",
        "m",
        10.60660,
        partial(_sigma, 0),
        5e-6,
        "ΔR / √(2 SNR) (Skolnik, Introduction to Radar Systems, 3rd ed., 2001, ch. 6)",
    ),
    Check(
        "error in angle, beam 2°, SNR 20 dB",
        "°",
        0.08838835,
        partial(_sigma, 1),
        5e-9,
        "θ₃ / (1.6 √(2 SNR)) (Barton and Ward, Handbook of Radar Measurement, 1969, ch. 2)",
    ),
)
