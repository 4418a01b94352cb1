"""Radio links, bearings, time differences and reported positions against published numbers."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from sensors.cooperative import CIRCLE_95, NACP_BOUNDS_M
from sensors.link import Receiver, free_space_loss_db
from sim.verification.check import Check

_LINKS = "CRFS, What Distance Can You Detect Drones From, 2021: 19 dBm against −100 dBm, Friis"
_NACP = "RTCA DO-260B, 2009: 95 % horizontal bound of NACp"
_CROSS_RANGE = "R σ, σ in radians (Adamy, EW 101, 2001: error of location by angle), by hand"
_LOOKS_S = 20_000.0


def _reach_km(frequency_hz: float) -> float:
    """Range at which a receiver of −100 dBm notices half of 19 dBm emissions, by bisection."""
    receiver = Receiver(-100.0, 0.0, 1e-3, 1, two_ray=False)
    low, high = 0.1, 100.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        snr = receiver.snr(19.0, frequency_hz, np.array([middle * 1e3]), 10.0, np.array([100.0]))
        low, high = (middle, high) if float(receiver.pd(snr)[0]) > 0.5 else (low, middle)
    return low


def _cross_range_m(range_m: float, sigma_deg: float) -> float:
    """Root mean square of how far beside a drone due north bearings pass, of plots drawn."""
    from sim.verification.setting import plots_of, sensors_of

    # Narrow beams leave the floor as the only error.
    keys: dict[str, Any] = {"azimuth_sigma_min_deg": sigma_deg, "beamwidth_deg": 1.0}
    (finder,) = sensors_of("rf-direction-finder", "drone-link-finder", **keys)
    plots = plots_of(finder, "mini-drone", np.array([0.0, range_m, 100.0]), _LOOKS_S)
    azimuth = plots.measurement[:, 1]
    off_rad = np.arctan2(np.sin(azimuth), np.cos(azimuth))
    return float(range_m * np.sqrt(np.mean(off_rad**2)))


def _difference_m() -> float:
    """Deviation of the differences of way that a network of 20 ns clocks reports, as drawn."""
    from sim.verification.setting import plots_of, sensors_of

    other = {"latitude_deg": 52.0, "longitude_deg": 5.0437, "height_agl_m": 15.0}
    keys: dict[str, Any] = {"receivers": [other], "timing_sigma_ns": 20.0, "bandwidth_mhz": 1000.0}
    (pair,) = sensors_of("time-difference", "drone-link-network", **keys)
    plots = plots_of(pair, "mini-drone", np.array([1000.0, 2000.0, 100.0]), _LOOKS_S)
    return float(np.std(plots.measurement[:, 0])) * 299_792_458.0


def _bound_m(nacp: int) -> float:
    """Radius that holds 95 %: χ² of two degrees at 0.95 is 5.99146 (printed tables)."""
    return NACP_BOUNDS_M[nacp][0] / CIRCLE_95 * math.sqrt(5.99146)


CHECKS: tuple[Check, ...] = (
    Check("drone link noticed, 2.4 GHz", "km", 8.9, lambda: _reach_km(2.4e9), 0.05, _LINKS),
    Check("drone link noticed, 5.8 GHz", "km", 3.7, lambda: _reach_km(5.8e9), 0.05, _LINKS),
    Check(
        "free-space loss over 1 km at 1 GHz",
        "dB",
        92.45,
        lambda: float(free_space_loss_db(1e3, 1e9)),
        0.01,
        "Recommendation ITU-R P.525: 32.4 + 20 log f (MHz) + 20 log d (km)",
    ),
    *(
        Check(
            f"direction finder of {sigma_deg:g}°: error across at {range_m / 1e3:g} km",
            "m",
            expected_m,
            partial(_cross_range_m, range_m, sigma_deg),
            0.02 * expected_m,
            _CROSS_RANGE,
        )
        for range_m, sigma_deg, expected_m in (
            (2e3, 2.0, 69.81),
            (5e3, 2.0, 174.5),
            (5e3, 5.0, 436.3),
        )
    ),
    Check(
        "time difference of clocks of 20 ns, as a way",
        "m",
        5.996,
        _difference_m,
        0.1,
        "20 ns of light by hand; 16 000 plots drawn",
    ),
    *(
        Check(
            f"bound of NACp {nacp} from its standard deviation",
            "m",
            bound,
            partial(_bound_m, nacp),
            0.001 * bound,
            _NACP,
        )
        for nacp, bound in ((8, 92.6), (9, 30.0), (10, 10.0), (11, 3.0))
    ),
)
