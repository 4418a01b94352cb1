"""How well a pulse radar measures, from its resolution and the SNR of a dwell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sim.core.tables import Floats

#: Slope of the monopulse difference pattern at boresight, per beamwidth.
MONOPULSE_SLOPE = 1.6
_SLOPES = np.array([1.0, MONOPULSE_SLOPE, MONOPULSE_SLOPE, 1.0])


def measurement_sigma(resolution: Floats, dwell_snr: Floats, floor: Floats) -> Floats:
    """Return the standard deviations of range, azimuth, elevation and range rate.

    σ = Δ / √(2 SNR) for range and range rate, θ₃ / (1.6 √(2 SNR)) for monopulse angles
    (Skolnik, Introduction to Radar Systems, 3rd ed., chapter 6; Barton, Modern Radar System
    Analysis). The floor stands for what more signal does not cure: calibration,
    quantisation, glint.

    Parameters
    ----------
    resolution : (4,) cell in m, rad, rad, m/s; NaN for what is not measured
    dwell_snr : (K,) SNR of the whole dwell, linear
    floor : (4,) lowest values

    Returns
    -------
    (K, 4), NaN for what is not measured.
    """
    sigma: Floats = np.maximum(
        resolution / _SLOPES / np.sqrt(2.0 * dwell_snr)[:, np.newaxis], floor
    )
    return sigma
