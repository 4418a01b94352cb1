"""Kernels of Doppler processing: how much of an echo stands out, look by look.

Tables come from ``sensors.mti.Doppler``.
"""

from __future__ import annotations

import math

from sim.core.jit import kernel
from sim.core.tables import Floats


@kernel(leaf=True)
def eclipsing(range_m: float, pulse_width_s: float, prf_hz: float) -> float:
    """Return the share of an echo's SNR that comes in while the radar does not transmit.

    The square of the share of the pulse that is received, by a filter matched to all of it.
    """
    turns = range_m * prf_hz / 149_896_229.0  # two-way delay in pulse intervals
    late_s = (turns - math.floor(turns)) / prf_hz
    open_s = min(late_s, 1.0 / prf_hz - late_s)
    share = min(open_s / pulse_width_s, 1.0)
    return share * share


@kernel(leaf=True)
def at_speed(table: Floats, prf: int, row: int, turns: float) -> float:
    """Return a table's value (P, F, S + 1) at a speed in ambiguities."""
    steps = table.shape[2] - 1
    place = (turns - math.floor(turns)) * steps
    low = min(int(place), steps - 1)
    part = place - low
    value: float = (1.0 - part) * table[prf, row, low] + part * table[prf, row, low + 1]
    return value


@kernel(leaf=True)
def mean_over(summed: Floats, prf: int, row: int, first: float, last: float) -> float:
    """Return the mean response between two speeds in ambiguities, first below last."""
    whole = summed[prf, row, summed.shape[2] - 1]
    high = math.floor(last) * whole + at_speed(summed, prf, row, last)
    low = math.floor(first) * whole + at_speed(summed, prf, row, first)
    mean: float = (high - low) / (last - first)
    return mean


@kernel(leaf=True)
def after_doppler(
    snr: float,
    rotor_snr: float,
    tip_mps: float,
    range_rate_mps: float,
    range_m: float,
    surface_cnr: float,
    rain_cnr: float,
    rain_rate_mps: float,
    pulse_width_s: float,
    staggered: bool,
    ambiguity_mps: Floats,
    prf_hz: Floats,
    signal: Floats,
    summed: Floats,
    surface_leak: Floats,
    rain_leak: Floats,
) -> float:
    """Return the signal against noise and what is left of clutter, after Doppler filters.

    The best filter counts. Of several pulse repetition frequencies the best counts where
    each has a burst of its own, the mean where they alternate from pulse to pulse. What
    turns on a target spreads its echo evenly over its speed plus and minus that of the tips.

    Parameters
    ----------
    snr, rotor_snr : linear, all pulses of a burst in phase: of the body, and of what turns
    tip_mps : speed of the tips; anything where ``rotor_snr`` is 0
    range_rate_mps : of the body
    surface_cnr, rain_cnr : clutter to noise in the cell, in the same way
    rain_rate_mps : radial speed of the rain
    staggered : pulse to pulse
    ambiguity_mps, prf_hz : (P,)
    signal, summed : (P, F, S + 1) from ``Doppler``
    surface_leak : (P, F) from ``Doppler.leakage``
    rain_leak : (P, F, S + 1) from ``Doppler.leakage_over_speed``
    """
    best, total = 0.0, 0.0
    for prf in range(ambiguity_mps.size):
        turns = range_rate_mps / ambiguity_mps[prf]
        rain_turns = rain_rate_mps / ambiguity_mps[prf]
        strongest = 0.0
        for row in range(signal.shape[1]):
            power = snr * at_speed(signal, prf, row, turns)
            if rotor_snr > 0.0:
                spread = max(tip_mps / ambiguity_mps[prf], 1e-6)
                power += rotor_snr * mean_over(summed, prf, row, turns - spread, turns + spread)
            residue = surface_cnr * surface_leak[prf, row]
            if rain_cnr > 0.0:
                residue += rain_cnr * at_speed(rain_leak, prf, row, rain_turns)
            strongest = max(strongest, power / (1.0 + residue))
        strongest *= eclipsing(range_m, pulse_width_s, prf_hz[prf])
        best = max(best, strongest)
        total += strongest
    return total / ambiguity_mps.size if staggered else best
