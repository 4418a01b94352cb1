"""Closed approximations of the required SNR, to check the exact numbers against."""

from __future__ import annotations

import math

import numpy as np


def shnidman_snr(pd: float, pfa: float, pulses: int = 1, swerling: int = 0) -> float:
    """Return Shnidman's approximation of the SNR per pulse (linear), Swerling 0 to 4.

    Shnidman, IEEE Trans. AES 38(3), 2002, as in Richards, Fundamentals of Radar Signal
    Processing, section 6.3. For pd 0.1 to 0.99, pfa 1e-9 to 1e-3 and up to 100 pulses;
    against the exact number within 0.4 dB for steady targets and mostly 0.5 dB, at the ends
    of the range 1.1 dB, for others.
    """
    degrees = (np.inf, 1.0, pulses, 2.0, 2.0 * pulses)[swerling]
    alpha = 0.0 if pulses < 40 else 0.25
    eta = math.sqrt(-0.8 * math.log(4.0 * pfa * (1.0 - pfa)))
    eta += math.copysign(math.sqrt(-0.8 * math.log(4.0 * pd * (1.0 - pd))), pd - 0.5)
    steady = eta * (eta + 2.0 * math.sqrt(0.5 * pulses + alpha - 0.25))
    extra_db = (((17.7006 * pd - 18.4496) * pd + 14.5339) * pd - 3.525) / degrees
    if pd > 0.872:
        tail = math.exp(27.31 * pd - 25.14)
        tail += (pd - 0.8) * (0.7 * math.log(1e-5 / pfa) + (2.0 * pulses - 20.0) / 80.0)
        extra_db += tail / degrees
    return float(10.0 ** (0.1 * extra_db) * steady / pulses)
