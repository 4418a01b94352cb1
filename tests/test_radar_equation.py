"""Search and bistatic forms of the radar equation; radars against published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from sensors.detection import radar_snr
from sensors.radar_equation import effective_aperture_m2, search_snr, solid_angle_sr
from sim.verification.check import Check
from sim.verification.radar import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_published_numbers(check: Check) -> None:
    assert check.compute() == pytest.approx(check.expected, abs=check.tolerance)


def test_search_form_is_the_pulse_form_spread_over_all_beams() -> None:
    """A radar that fills a solid angle with beams of its own, Ω_b = λ² / A, one after the other."""
    gain, frequency_hz = 5000.0, 3e9
    aperture = effective_aperture_m2(gain, frequency_hz)
    beam_sr = 4.0 * np.pi / gain
    volume_sr = solid_angle_sr(np.radians(90.0), 0.0, np.radians(30.0))
    beams = volume_sr / beam_sr
    pulse_s, pulses_per_beam = 50e-6, 12.0
    peak_w, prf_hz = 20e3, 600.0
    dwell = pulses_per_beam * radar_snr(
        80e3,
        2.0,
        peak_power_w=peak_w,
        pulse_width_s=pulse_s,
        gain=gain,
        frequency_hz=frequency_hz,
        system_temperature_k=500.0,
        losses=4.0,
    )
    searched = search_snr(
        80e3,
        2.0,
        power_aperture_w_m2=peak_w * pulse_s * prf_hz * aperture,
        search_time_s=beams * pulses_per_beam / prf_hz,
        solid_angle_sr=volume_sr,
        system_temperature_k=500.0,
        losses=4.0,
    )
    assert searched == pytest.approx(dwell, rel=1e-12)
