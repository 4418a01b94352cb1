"""Kernels of single dwells: how likely an echo is detected, and how strong it comes out."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Bytes, Floats


@kernel(leaf=True)
def pd_of_dwell(
    snr: float,
    swerling: int,
    pulses: int,
    threshold: float,
    shape: Floats,
    series: Floats,
    miss: Floats,
) -> float:
    """Return the detection probability of one echo.

    Parameters
    ----------
    snr : mean SNR per pulse, linear
    swerling : its fluctuation
    pulses : pulses integrated non-coherently
    threshold, shape, series, miss : from ``sensors.detection.detector``
    """
    if pulses == 1 and swerling in (1, 2):
        return math.exp(-threshold / (1.0 + snr))
    if pulses == 1 and swerling in (3, 4):
        half = 1.0 + 0.5 * snr
        return (1.0 + 0.5 * snr * threshold / (half * half)) * math.exp(-threshold / half)
    energy = max(pulses * snr, 1e-300)  # keeps the logarithm finite at no signal
    if swerling == 0:
        step, log_none = energy, -energy
        least, reach = energy, 15.0
    else:
        scale = energy / shape[swerling]
        step, log_none = scale / (1.0 + scale), -shape[swerling] * math.log1p(scale)
        least, reach = energy * (1.0 + scale), 40.0 * (1.0 + scale)
    # Counts further than this from their mean have no weight that shows.
    margin = 9.0 * math.sqrt(least)
    terms = miss.size
    if energy + margin + reach < terms:
        terms = int(energy + margin + reach) + 1
    first = 0
    if log_none > -600.0:
        weight = math.exp(log_none)
    else:  # would underflow: begin where the counts are
        if energy - margin >= terms:
            return 1.0
        first = max(int(energy - margin), 0)
        weight = math.exp(log_none + first * math.log(step) + series[0, swerling, first])
    missed = _sum_of_four(
        weight, step, first, terms, series[1, swerling], series[2, swerling], miss
    )
    return min(max(1.0 - missed, 0.0), 1.0)


@kernel(leaf=True, fastmath=True)
def _sum_of_four(
    weight: float,
    step: float,
    first: int,
    terms: int,
    ratio: Floats,
    ratio_of_four: Floats,
    miss: Floats,
) -> float:
    """Sum weight(m) miss(m) from ``first`` to ``terms``, in four chains side by side.

    weight(m + 1) = weight(m) · step · ratio(m); ``ratio_of_four`` spans four counts at once,
    so that no chain waits for its neighbour.
    """
    step_of_four = step * step * step * step
    one = weight
    two = one * (step * ratio[first])
    three = two * (step * ratio[first + 1])
    four = three * (step * ratio[first + 2])
    sum_one, sum_two, sum_three, sum_four = 0.0, 0.0, 0.0, 0.0
    growth, missed = ratio_of_four[first:], miss[first:terms]
    whole = missed.size // 4
    for block in range(whole):
        m = 4 * block
        sum_one += one * missed[m]
        sum_two += two * missed[m + 1]
        sum_three += three * missed[m + 2]
        sum_four += four * missed[m + 3]
        one *= step_of_four * growth[m]
        two *= step_of_four * growth[m + 1]
        three *= step_of_four * growth[m + 2]
        four *= step_of_four * growth[m + 3]
    m, rest = 4 * whole, missed.size - 4 * whole
    if rest > 0:
        sum_one += one * missed[m]
    if rest > 1:
        sum_two += two * missed[m + 1]
    if rest > 2:
        sum_three += three * missed[m + 2]
    return (sum_one + sum_two) + (sum_three + sum_four)


@kernel()
def pd_of_dwells(
    snr: Floats,
    swerling: Bytes,
    pulses: int,
    threshold: float,
    shape: Floats,
    series: Floats,
    miss: Floats,
) -> Floats:
    """Return ``pd_of_dwell`` of echoes (N,)."""
    pd = np.empty(snr.size)
    for row in range(snr.size):
        pd[row] = pd_of_dwell(snr[row], swerling[row], pulses, threshold, shape, series, miss)
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
