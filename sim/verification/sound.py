"""Sound in the open air against printed tables."""

from __future__ import annotations

from functools import partial

import numpy as np

from sensors.acoustic import arrivals
from sensors.refraction import creeping_db_per_m, shadow_reach_m
from sensors.sound import a_weighting_db, absorption_db_per_m, speed_of_sound_mps
from sim.verification.check import Check

_ISO_9613_2 = "ISO 9613-2:1996, table 2"


def _absorption(frequency_hz: float, temperature_c: float, humidity_pct: float) -> float:
    return 1e3 * float(absorption_db_per_m(frequency_hz, temperature_c, humidity_pct))


def _age_s(closing_mps: float) -> float:
    """Return how long ago a target that is 3 km away now made the sound that arrives now."""
    from sim.verification.setting import moving

    drone = moving("drone", np.array([0.0, 3000.0, 0.0]), np.array([0.0, -closing_mps, 0.0]))
    now_s, row = np.zeros(1), np.zeros(1, np.int32)
    return -float(arrivals(drone, now_s, row, np.zeros(3), speed_of_sound_mps(20.0))[0][0])


CHECKS: tuple[Check, ...] = (
    Check(
        "air absorption of 1 kHz, 10 °C, 70 %",
        "dB/km",
        3.7,
        lambda: _absorption(1000.0, 10.0, 70.0),
        0.05,
        _ISO_9613_2,
    ),
    Check(
        "air absorption of 1 kHz, 20 °C, 70 %",
        "dB/km",
        5.0,
        lambda: _absorption(1000.0, 20.0, 70.0),
        0.05,
        _ISO_9613_2,
    ),
    Check(
        "air absorption of 4 kHz, 15 °C, 20 %",
        "dB/km",
        88.8,
        lambda: _absorption(3981.07, 15.0, 20.0),
        0.5,
        _ISO_9613_2,
    ),
    Check(
        "air absorption of 125 Hz, 15 °C, 50 %",
        "dB/km",
        0.5,
        lambda: _absorption(125.89, 15.0, 50.0),
        0.05,
        _ISO_9613_2,
    ),
    Check(
        "A-weighting at 100 Hz",
        "dB",
        -19.1,
        lambda: float(a_weighting_db(100.0)),
        0.06,
        "IEC 61672-1:2013, table 3",
    ),
    *(
        Check(
            f"speed of sound at {celsius:g} °C",
            "m/s",
            expected,
            partial(speed_of_sound_mps, celsius),
            0.05,
            "ISO 9613-1:1993: 343.2 √(T / 293.15 K), by hand",
        )
        for celsius, expected in ((20.0, 343.2), (-10.0, 325.2))
    ),
    Check(
        "age of the sound of what stands 3 km away, 20 °C",
        "s",
        8.741,
        partial(_age_s, 0.0),
        5e-4,
        "3000 m over 343.2 m/s (ISO 9613-1:1993), by hand",
    ),
    Check(
        "age of the sound of what comes on at 50 m/s and is 3 km away now",
        "s",
        10.232,
        partial(_age_s, 50.0),
        5e-4,
        "R / (c − v), c 343.2 m/s (ISO 9613-1:1993), by hand",
    ),
    Check(
        "grazing ray at 100 m against 5 m/s of wind, farmland",
        "m",
        516.5,
        lambda: float(shadow_reach_m(100.0, 5.0, 340.0, 0.1)),
        10.0,
        "∫ c(z) dz / √(c(0)² − c(z)²), c(z) = 340 − 5 ln(z/0.1)/ln 100 m/s (Snell's law; "
        "Pierce, Acoustics, 1981, ch. 8), by quadrature apart from this program",
    ),
    Check(
        "500 Hz creeping below rays of 2 km radius",
        "dB/m",
        0.1845,
        lambda: float(creeping_db_per_m(500.0, 2000.0, 340.0)),
        0.0005,
        "√3/2 · 2.33811 (k/2R²)^⅓, first zero of Ai: soft ground (Pierce, Acoustics, 1981, ch. 9), "
        "by hand",
    ),
)
