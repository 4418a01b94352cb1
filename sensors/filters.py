"""What a radar's filters leave of echoes, of the ground and of rain, by phase.

A target's echo turns by 2 v / (λ PRF) cycles from pulse to pulse; whole turns look like
standing still. Filters that weigh N pulses with w leave of power of phase x and spread σ (in
cycles) wᴴ R w with R(k) = exp(−2π²σ²k²) exp(2πi x k) (Skolnik, Introduction to Radar Systems,
3rd ed., chapter 3; Schleher, MTI and Pulsed Doppler Radar). ``sensors.mti`` has the same for
every filter of a bank; here a bank has one on every speed, so that one table does for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensors.mti import canceller, filter_bank, unambiguous_range_m

if TYPE_CHECKING:
    from sensors.radar_spec import Mti, PulseSpec
    from sim.core.tables import Floats

#: A filter of more pulses is worked out as one of so many: its shape has converged.
_MOST_PULSES = 64
_LEAST_PHASES = 256
#: From so many pulses on, a filter affords the wide main lobe of low side lobes.
_WINDOWED_MORE = 16
#: Pulse rate of a radar that gives none: its blind speeds are out of reach.
_UNLIMITED_MPS = 10_000.0


def power_left(weights: Floats, phase: Floats, spread: float) -> Floats:
    """Return wᴴ R w over Σ w² for power about phases (K,), all in cycles; weights are real."""
    lags = np.correlate(weights, weights, "full")[weights.size - 1 :]
    k = np.arange(weights.size)
    lags = np.where(k == 0, 1.0, 2.0) * lags * np.exp(-2.0 * (np.pi * spread * k) ** 2)
    left: Floats = np.cos(2.0 * np.pi * np.outer(phase, k)) @ lags / np.sum(weights**2)
    return np.maximum(left, 0.0)


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a radar, one row for each of its pulse rates.

    Attributes
    ----------
    mti : kind
    unambiguous_m, cycles_per_mps : (P,) of each pulse rate
    pulses : (P,) that a filter weighs
    wavelength_m : of the radar
    scan_hz : how far a turning beam spreads an echo
    floor : least that is left of clutter
    clutter_map : whether the filter about standing still is kept
    """

    mti: Mti
    unambiguous_m: Floats
    cycles_per_mps: Floats
    pulses: Floats
    wavelength_m: float
    scan_hz: float
    floor: float
    clutter_map: bool

    @classmethod
    def of(cls, spec: PulseSpec, wavelength_m: float, turn_s: float) -> Filters:
        """Return the filters of a radar that turns once in ``turn_s``, 0 for never."""
        prf = np.array(spec.prf_hz or ())
        unambiguous_m = np.array([1e3 * spec.range_max_km * (1.0 + 1e-9)])
        if prf.size:
            unambiguous_m = np.array([unambiguous_range_m(rate) for rate in prf])
        else:
            prf = np.array([2.0 * _UNLIMITED_MPS / wavelength_m])
        cell_mps = spec.range_rate_resolution_mps
        pulses = np.full(prf.size, float(spec.coherent_pulses))
        if cell_mps is not None:
            pulses = np.maximum(np.round(0.5 * wavelength_m * prf / cell_mps), 2.0)
        rate_rad_per_s = 2.0 * np.pi / turn_s if turn_s > 0.0 else 0.0
        # A Gaussian beam that turns: Barton, Modern Radar System Analysis.
        scan_hz = 0.265 * rate_rad_per_s / np.radians(spec.beamwidth_deg)
        return cls(
            mti=spec.filters,
            unambiguous_m=unambiguous_m,
            cycles_per_mps=2.0 / (wavelength_m * prf),
            pulses=pulses,
            wavelength_m=wavelength_m,
            scan_hz=float(scan_hz),
            floor=10.0 ** (-spec.stability_db / 10.0),
            clutter_map=spec.clutter_map,
        )

    @property
    def bank(self) -> bool:
        """Whether an echo picks the filter that fits it."""
        return self.mti == "doppler-bank"

    @property
    def filter_mps(self) -> Floats:
        """(P,) width of a filter, infinite where all speeds come out of one."""
        if not self.bank:
            return np.full(self.pulses.size, np.inf)
        width: Floats = 1.0 / (self.cycles_per_mps * self.pulses)
        return width

    @property
    def phases(self) -> Floats:
        """(D,) of the tables: one turn, both ends."""
        fine = 8 * int(self.pulses.max()) if self.bank else _LEAST_PHASES
        return np.linspace(0.0, 1.0, max(_LEAST_PHASES, fine) + 1)

    def response(self) -> Floats:
        """Return (P, D) what is left of an echo by its own phase, noise staying as it is.

        A canceller's mean over all phases is 1. A bank has a filter for every phase, but
        for that about standing still unless a clutter map looks at it.
        """
        phase = self.phases
        shape = (self.pulses.size, phase.size)
        if self.mti == "none":
            return np.ones(shape)
        if not self.bank:
            response = power_left(self._canceller(), phase, 0.0)
            return np.broadcast_to(response, shape).copy()
        still = np.minimum(phase, 1.0 - phase) * self.pulses[:, None] < 0.5
        return np.where(still & (not self.clutter_map), 0.0, 1.0)

    def left(self, spread_mps: float) -> Floats:
        """Return (P, D) what is left of clutter that spreads in speed, never below the floor.

        Of a canceller by the clutter's own phase; of a bank by how far the filter's phase
        is off it, against a filter right on it.
        """
        phase = self.phases
        table = np.ones((self.pulses.size, phase.size))
        if self.mti == "none":
            return table
        for row, pulses in enumerate(self.pulses):
            cycles_per_hz = 0.5 * self.wavelength_m * self.cycles_per_mps[row]
            spread = np.hypot(spread_mps * self.cycles_per_mps[row], self.scan_hz * cycles_per_hz)
            if self.bank:
                table[row] = _bank(int(pulses), phase, float(spread))
            else:
                table[row] = power_left(self._canceller(), phase, float(spread))
        return np.maximum(table, self.floor)

    def _canceller(self) -> Floats:
        weights: Floats = canceller(3 if self.mti == "canceller-3" else 2)[0].real
        return weights


def _bank(pulses: int, phase: Floats, spread: float) -> Floats:
    """Return what a filter leaves of clutter off its centre, 1 if both are sharp and agree.

    More pulses than ``_MOST_PULSES`` only make the filter narrower: the same shape, drawn
    together about its centre, and nothing but the floor beyond.
    """
    few = min(pulses, _MOST_PULSES)
    weights = filter_bank(few, "hamming" if pulses < _WINDOWED_MORE else "blackman")[0].real
    scale = pulses / few
    off = np.minimum(phase, 1.0 - phase) * scale
    left = power_left(weights, np.minimum(off, 0.5), spread * scale)
    left *= np.sum(weights**2) / np.sum(weights) ** 2
    return np.where(off > 0.5, 0.0, left)
