"""Cameras against published numbers: what an image shows, contrast through air, the sun."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import partial

from sensors.optics import (
    N50,
    absolute_humidity_gpm3,
    haze_extinction_per_km,
    rain_extinction_per_km,
    task_probability,
    visible_transmission,
)
from sim.verification.check import Check
from sim.world.sun import sun_elevation_rad, sun_place

_TTPF = (
    "Ratches et al., Night Vision Laboratory Static Performance Model for Thermal Viewing Systems, "
    "ECOM-7043, 1975"
)
_SPA = "Reda and Andreas, NREL/TP-560-34302, example: 2003-10-17 12:30:30 UTC-7, Colorado"
_MEEUS = "Meeus, Astronomical Algorithms, 2nd ed., example 25.a: 1992-10-13 0 h TD"


def _task(ratio: float) -> float:
    return float(task_probability(ratio * N50["recognise"], N50["recognise"]))


def _cycles_for_half(task: str) -> float:
    """Return the cycles at which half of all observers do a task, by bisection."""
    low, high = 0.1, 100.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if task_probability(middle, N50[task]) < 0.5 else (low, middle)
    return low


def _contrast_at_visibility() -> float:
    return float(visible_transmission(10e3, 10.0))


def _sun_in_colorado_deg() -> float:
    start = datetime(2003, 10, 17, 19, 30, 30, tzinfo=UTC)
    latitude, longitude = math.radians(39.742476), math.radians(-105.1786)
    return math.degrees(float(sun_elevation_rad(start, 0.0, latitude, longitude)))


def _sun_of_meeus_deg(coordinate: int) -> float:
    days = (datetime(1992, 10, 13, tzinfo=UTC) - datetime(2000, 1, 1, 12, tzinfo=UTC)).days + 0.5
    degrees = math.degrees(float(sun_place(days)[coordinate]))
    return degrees % 360.0 if coordinate == 0 else degrees


CHECKS: tuple[Check, ...] = (
    *(
        Check(f"TTPF at N/N50 = {ratio:g}", "", expected, partial(_task, ratio), 5e-5, _TTPF)
        for ratio, expected in ((0.5, 0.1077), (1.0, 0.5), (1.5, 0.8206), (2.0, 0.9449))
    ),
    *(
        Check(
            f"cycles to {task}, half of the time",
            "",
            n50,
            partial(_cycles_for_half, task),
            1e-6,
            f"Johnson, Image Intensifier Symposium, Fort Belvoir, 1958; {_TTPF}",
        )
        for task, n50 in (("detect", 1.0), ("orient", 1.4), ("recognise", 4.0), ("identify", 6.4))
    ),
    Check(
        "contrast left at the visibility",
        "",
        0.02,
        _contrast_at_visibility,
        5e-6,
        "Koschmieder, Theorie der horizontalen Sichtweite, 1924: the definition of visibility",
    ),
    Check(
        "haze at 0.55 um, visibility 20 km",
        "1/km",
        0.1956,
        partial(haze_extinction_per_km, 20.0, 0.55),
        5e-6,
        "3.912 / V (Kruse, McGlauchlin and McQuistan, Elements of Infrared Technology, 1962), "
        "by hand",
    ),
    Check(
        "rain of 1 mm/h",
        "1/km",
        0.24776,
        partial(rain_extinction_per_km, 1.0),
        5e-6,
        "1.076 dB/km over 4.3429 dB (Carbonneau, in Recommendation ITU-R P.1814), by hand",
    ),
    Check(
        "water vapour in saturated air at 20 °C",
        "g/m³",
        17.3,
        partial(absolute_humidity_gpm3, 20.0, 100.0),
        0.1,
        "Weast and Astle, CRC Handbook of Chemistry and Physics, 62nd ed., 1981: 17.3",
    ),
    Check("elevation of the sun", "deg", 39.872046, _sun_in_colorado_deg, 0.01, _SPA),
    Check(
        "right ascension of the sun", "deg", 198.38083, partial(_sun_of_meeus_deg, 0), 0.001, _MEEUS
    ),
    Check(
        "declination of the sun",
        "deg",
        -7.78507,
        partial(_sun_of_meeus_deg, 1),
        0.001,
        _MEEUS,
    ),
)
