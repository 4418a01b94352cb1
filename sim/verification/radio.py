"""Radio links, time differences and reported positions against published numbers."""

from __future__ import annotations

import math
from functools import partial

import numpy as np

from sensors.cooperative import CIRCLE_95, NACP_BOUNDS_M
from sensors.detection import SPEED_OF_LIGHT_MPS
from sensors.link import Receiver, free_space_loss_db
from sim.verification.check import Check

_LINKS = "RF detection literature: 19 dBm emitter, -100 dBm sensitivity"
_NACP = "RTCA DO-260B: 95 % horizontal bound"


def _reach_km(frequency_hz: float) -> float:
    """Range at which a receiver of −100 dBm notices half of 19 dBm emissions, by bisection."""
    receiver = Receiver(-100.0, 0.0, 1e-3, 1, two_ray=False)
    low, high = 0.1, 100.0
    for _ in range(60):
        middle = math.sqrt(low * high)
        snr = receiver.snr(19.0, frequency_hz, np.array([middle * 1e3]), 10.0, np.array([100.0]))
        low, high = (middle, high) if float(receiver.pd(snr)[0]) > 0.5 else (low, middle)
    return low


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
        "ITU-R P.525: 32.4 + 20 log f (MHz) + 20 log d (km)",
    ),
    Check(
        "way of a time difference of 20 ns",
        "m",
        6.0,
        lambda: 20e-9 * SPEED_OF_LIGHT_MPS,
        0.01,
        "definition",
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
