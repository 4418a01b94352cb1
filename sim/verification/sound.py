"""Sound in the open air against printed tables."""

from __future__ import annotations

from sensors.refraction import creeping_db_per_m, shadow_reach_m
from sensors.sound import a_weighting_db, absorption_db_per_m, speed_of_sound_mps
from sim.verification.check import Check

_ISO_9613_2 = "ISO 9613-2:1996, table 2"


def _absorption(frequency_hz: float, temperature_c: float, humidity_pct: float) -> float:
    return 1e3 * float(absorption_db_per_m(frequency_hz, temperature_c, humidity_pct))


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
        "IEC 61672-1, table 3",
    ),
    Check(
        "speed of sound at 20 °C",
        "m/s",
        343.0,
        lambda: speed_of_sound_mps(20.0),
        0.5,
        "textbook value of dry air",
    ),
    Check(
        "age of a sound over 3 km at 20 °C",
        "s",
        8.7,
        lambda: 3000.0 / speed_of_sound_mps(20.0),
        0.05,
        "3 km over 343 m/s",
    ),
    Check(
        "grazing ray at 100 m against 5 m/s of wind, farmland",
        "m",
        516.5,
        lambda: float(shadow_reach_m(100.0, 5.0, 340.0, 0.1)),
        10.0,
        "Snell's law through the logarithmic wind, integrated exactly",
    ),
    Check(
        "500 Hz creeping below rays of 2 km radius",
        "dB/m",
        0.18429,
        lambda: float(creeping_db_per_m(500.0, 2000.0, 340.0)),
        0.001,
        "first mode over soft ground in a linear profile: Airy function",
    ),
)
