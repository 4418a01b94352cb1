"""How well a pulse radar measures, from its resolution and the SNR of a dwell."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import FALSE_ALARM, Bytes, Floats, Ints, Reply

#: Slope of the monopulse difference pattern at boresight, per beamwidth.
MONOPULSE_SLOPE = 1.6
_SLOPES = (1.0, MONOPULSE_SLOPE, MONOPULSE_SLOPE, 1.0)
_NO_REPLY = int(Reply.NONE)


@kernel()
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
    sigma = np.full((dwell_snr.size, 4), math.nan)
    for row in range(dwell_snr.size):
        for k in range(4):
            if not math.isnan(resolution[k]):
                error = resolution[k] / _SLOPES[k] / math.sqrt(2.0 * dwell_snr[row])
                sigma[row, k] = max(error, floor[k])
    return sigma


@kernel()
def measure(
    polar: Floats,
    dwell_snr: Floats,
    truth_id: Ints,
    noise: Floats,
    resolution: Floats,
    floor: Floats,
    reply: Bytes,
) -> tuple[Floats, Floats, Bytes]:
    """Return what is measured of detections (K,): place (K, 4), its sigma (K, 4) and reply (K,).

    Parameters
    ----------
    polar, dwell_snr, truth_id : exactly where (K, 4), how strong, of what
    noise : (K, 4) standard normal; false alarms stay where they are
    resolution, floor : as in ``measurement_sigma``
    reply : (N,) what an interrogation of each target brings; empty without interrogation
    """
    sigma = measurement_sigma(resolution, dwell_snr, floor)
    measured = np.full(sigma.shape, math.nan)
    replied = np.full(truth_id.size, _NO_REPLY, np.uint8)
    for row in range(truth_id.size):
        real = truth_id[row] != FALSE_ALARM
        if real and reply.size > 0:
            replied[row] = reply[truth_id[row]]
        for k in range(4):
            if not math.isnan(resolution[k]):
                error = sigma[row, k] * noise[row, k] if real else 0.0
                measured[row, k] = polar[row, k] + error
        measured[row, 0] = abs(measured[row, 0])
        measured[row, 1] %= 2.0 * math.pi
        if abs(measured[row, 2]) > 0.5 * math.pi:
            measured[row, 2] = math.copysign(0.5 * math.pi, measured[row, 2])
    return measured, sigma, replied
