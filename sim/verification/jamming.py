"""Electronic attack against published and independently computed numbers."""

from __future__ import annotations

from functools import partial

import numpy as np

from sensors.detection import radar_snr
from sensors.gnss import free_space_loss_db, tolerable_jam_to_signal_db
from sensors.jamming import (
    burn_through_range_m,
    jam_to_noise,
    self_screening_crossover_m,
    stand_off_crossover_m,
)
from sim.verification.check import Check
from sim.world.environment import Environment

_MAHAFZA = (
    "Mahafza, Radar Systems Analysis and Design Using MATLAB, 2000, functions ssj_req and soj_req"
)
_BURN_THROUGH = (
    "noise and jamming together, R⁴ + a R² = S/D (Schleher, Electronic Warfare in the Information "
    "Age, 1999, ch. 3), worked in decibels by hand"
)


def _ratio(decibels: float) -> float:
    return float(10.0 ** (decibels / 10.0))


def _self_screening_km() -> float:
    crossover_m = self_screening_crossover_m(
        peak_power_w=50e3,
        gain=_ratio(35.0),
        rcs_m2=10.0,
        receiver_bandwidth_hz=667e3,
        losses=_ratio(0.01),
        jammer_erp_w=20.0 * _ratio(10.0),
        jammer_bandwidth_hz=50e6,
        jammer_losses=_ratio(0.3),
    )
    return crossover_m / 1e3


def _stand_off_km() -> float:
    crossover_m = stand_off_crossover_m(
        peak_power_w=10e3,
        gain=_ratio(35.0),
        rcs_m2=10.0,
        receiver_bandwidth_hz=500e3,
        losses=_ratio(0.01),
        jammer_erp_w=1000.0 * _ratio(30.0),
        jammer_bandwidth_hz=500e3,
        jammer_range_m=22.2e3,
        gain_to_jammer=_ratio(10.0),
        jammer_losses=_ratio(0.3),
    )
    return crossover_m / 1e3


def _burn_through_km(erp_w: float) -> float:
    """Return where 13 dB are left of the echo of 10 m² that screens itself.

    50 kW, 1.5 µs, 35 dB, 5.6 GHz, noise figure 5 dB; the jammer's noise fills 50 MHz.
    """
    receiver = {
        "frequency_hz": 5.6e9,
        "system_temperature_k": 290.0 * _ratio(5.0),
    }
    echo = radar_snr(
        1.0,
        10.0,
        peak_power_w=50e3,
        pulse_width_s=1.5e-6,
        gain=_ratio(35.0),
        losses=_ratio(0.01),
        **receiver,
    )
    noise = jam_to_noise(
        1.0,
        erp_w=erp_w,
        bandwidth_hz=50e6,
        receive_gain=_ratio(35.0),
        receiver_bandwidth_hz=1.0 / 1.5e-6,
        losses=_ratio(0.3),
        **receiver,
    )
    return burn_through_range_m(float(echo), _ratio(13.0), float(noise)) / 1e3


def _noise_through_rain_db() -> float:
    """Return what 10 km of rain leave of a jammer's noise, gas aside."""
    from sensors.way import Way
    from sensors.way_kernels import way_factors

    wet = Environment(rain_mm_per_h=16.0)
    way = Way.over(wet, 9.4e9, vertical=False).in_air()
    way = way._replace(height_m=50.0, curvature_per_m=np.full(2, 1e-7), gas_db_per_m=np.zeros(3))
    return float(10.0 * np.log10(way_factors(way, np.array([[10e3, 0.0, 0.0]]), np.zeros(1))[0]))


def _passive_noise_db() -> float:
    """Return J/N of a jammer at a passive radar of DAB: 222 MHz, 9 dB, 1.536 MHz, 1500 K."""
    ratio = jam_to_noise(
        50e3,
        erp_w=1000.0,
        bandwidth_hz=10e6,
        receive_gain=_ratio(9.0),
        frequency_hz=222e6,
        receiver_bandwidth_hz=1.536e6,
        system_temperature_k=1500.0,
    )
    return float(10.0 * np.log10(ratio))


CHECKS: tuple[Check, ...] = (
    Check(
        "self-screening crossover, 50 kW 35 dB 10 m² against 20 W 10 dB over 50 MHz",
        "km",
        7.100,
        _self_screening_km,
        0.001,
        f"{_MAHAFZA}; computed independently",
    ),
    Check(
        "stand-off crossover, 10 kW 35 dB 10 m² against 1 kW 30 dB at 22.2 km, side lobe 10 dB",
        "km",
        1.431,
        _stand_off_km,
        0.001,
        f"{_MAHAFZA}; computed independently",
    ),
    *(
        Check(
            f"burn-through, 50 kW 35 dB 10 m², {what}",
            "km",
            expected_km,
            partial(_burn_through_km, erp_w),
            tolerance_km,
            _BURN_THROUGH,
        )
        for what, erp_w, expected_km, tolerance_km in (
            ("receiver noise alone", 0.0, 80.873, 5e-4),
            ("receiver noise and 50 mW over 50 MHz", 0.05, 68.984, 5e-4),
            ("200 W over 50 MHz, which drowns the noise", 200.0, 1.590, 5e-4),
        )
    ),
    Check(
        "noise of a jammer through 10 km of rain, 16 mm/h, 9.4 GHz, one way",
        "dB",
        -3.31,
        _noise_through_rain_db,
        5e-3,
        "10 km at 0.331 dB/km, ITU-R P.838-3; computed independently",
    ),
    Check(
        "noise at a passive radar, 222 MHz, 9 dB, 1500 K: 30 dBW over 10 MHz at 50 km",
        "dB",
        52.48,
        _passive_noise_db,
        5e-3,
        "Adamy, EW 101, 2001: ERP + G − 32.45 − 20 log₁₀ f(MHz) d(km), against kTB; by hand",
    ),
    Check(
        "free-space loss, GPS L1 at 10 km",
        "dB",
        116.4,
        lambda: float(free_space_loss_db(np.array(10e3), 1575.42e6)),
        0.05,
        "Recommendation ITU-R P.525: 32.4 + 20 log₁₀ f(MHz) + 20 log₁₀ d(km)",
    ),
    Check(
        "J/S that GPS C/A tracking bears, C/N₀ 44 down to 28 dB-Hz, noise matched to the code",
        "dB",
        33.75,
        lambda: tolerable_jam_to_signal_db(44.0, 28.0, 1.5),
        0.05,
        "Kaplan and Hegarty, Understanding GPS, 2nd ed., 2006, ch. 6; computed independently",
    ),
)
