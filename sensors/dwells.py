"""Kernels of single dwells: how likely an echo is detected, and how strong it comes out."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Bytes, Floats


@kernel()
def pd_of_dwell(
    snr: float,
    swerling: int,
    pulses: int,
    threshold: float,
    shape: Floats,
    log_weight: Floats,
    miss: Floats,
) -> float:
    """Return the detection probability of one echo.

    Parameters
    ----------
    snr : mean SNR per pulse, linear
    swerling : its fluctuation
    pulses : pulses integrated non-coherently
    threshold, shape, log_weight, miss : from ``sensors.detection.detector``
    """
    if pulses == 1 and swerling in (1, 2):
        return math.exp(-threshold / (1.0 + snr))
    if pulses == 1 and swerling in (3, 4):
        half = 1.0 + 0.5 * snr
        return (1.0 + 0.5 * snr * threshold / (half * half)) * math.exp(-threshold / half)
    energy = max(pulses * snr, 1e-300)  # keeps log finite at no signal
    if swerling == 0:
        log_none, log_step = -energy, math.log(energy)
    else:
        scale = energy / shape[swerling]
        log_none, log_step = -shape[swerling] * math.log1p(scale), -math.log1p(1.0 / scale)
    missed = 0.0
    for m in range(miss.size):
        missed += math.exp(log_weight[swerling, m] + m * log_step + log_none) * miss[m]
    return min(max(1.0 - missed, 0.0), 1.0)


@kernel()
def pd_of_dwells(
    snr: Floats,
    swerling: Bytes,
    pulses: int,
    threshold: float,
    shape: Floats,
    log_weight: Floats,
    miss: Floats,
) -> Floats:
    """Return ``pd_of_dwell`` of echoes (N,)."""
    pd = np.empty(snr.size)
    for row in range(snr.size):
        pd[row] = pd_of_dwell(snr[row], swerling[row], pulses, threshold, shape, log_weight, miss)
    return pd


@kernel()
def echo_power(
    snr: Floats, pulses: int, swerling: Bytes, shape: Floats, fading: Floats, noise: Floats
) -> Floats:
    """Return the summed power (N,) of dwells whose signal sits in one pulse, noise of that one.

    Parameters
    ----------
    snr : (N,) mean SNR per pulse, linear
    pulses : pulses integrated non-coherently
    swerling : (N,) fluctuation
    shape : (N,) gamma shape of the signal energy
    fading : (N,) gamma variates of that shape
    noise : (2, N) standard normal variates
    """
    power = np.empty(snr.size)
    for row in range(snr.size):
        energy = pulses * snr[row]
        if swerling[row] != 0:
            energy *= fading[row] / shape[row]
        in_phase = noise[0, row] + math.sqrt(2.0 * energy)
        power[row] = 0.5 * (in_phase * in_phase + noise[1, row] * noise[1, row])
    return power
