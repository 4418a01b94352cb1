"""What a radar's Doppler filters leave of echoes and of clutter, over radial speed.

One description serves all kinds of processing: the weights of filters over the pulses of a
burst. A delay-line canceller is one filter, a bank (MTD) as many as pulses, no processing
one filter of one pulse. ``Doppler`` tabulates them over one ambiguity of speed, for every
pulse repetition frequency of a set; ``sensors.filters`` is what radars read.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sensors.detection import SPEED_OF_LIGHT_MPS

if TYPE_CHECKING:
    from sim.core.tables import Floats

Window = Literal["uniform", "hamming", "blackman"]
#: Cosine series of the windows; side lobes of -13, -43 and -58 dB.
_WINDOWS = {"uniform": (1.0,), "hamming": (0.54, 0.46), "blackman": (0.42, 0.5, 0.08)}
_STEPS = 512


def blind_speed_mps(frequency_hz: float, prf_hz: float, order: int = 1) -> float:
    """Return the radial speed at which an echo turns by whole turns per pulse, n λ PRF / 2."""
    return 0.5 * order * SPEED_OF_LIGHT_MPS / frequency_hz * prf_hz


def unambiguous_range_m(prf_hz: float) -> float:
    """Return how far an echo comes from before the next pulse leaves, c / 2 PRF."""
    return 0.5 * SPEED_OF_LIGHT_MPS / prf_hz


def scan_spread_mps(frequency_hz: float, dwell_s: float) -> float:
    """Return the spread of speed that a beam puts on fixed clutter by sweeping over it.

    Gaussian beam, σ_f = 0.265 / (time between its half-power points) (Skolnik, Introduction
    to Radar Systems, 3rd ed., chapter 3).
    """
    return 0.5 * SPEED_OF_LIGHT_MPS / frequency_hz * 0.265 / dwell_s


def canceller(pulses: int) -> NDArray[np.complex128]:
    """Return the binomial weights (1, pulses) of a canceller: 2 pulses single, 3 double ..."""
    signs = [(-1.0) ** k * math.comb(pulses - 1, k) for k in range(pulses)]
    return np.array([signs], complex)


def filter_bank(pulses: int, window: Window = "hamming") -> NDArray[np.complex128]:
    """Return the weights (pulses, pulses) of filters spread evenly over the ambiguity."""
    k = np.arange(pulses)
    phase = 2.0 * np.pi * (k + 0.5) / pulses
    terms = [(-1.0) ** m * a * np.cos(m * phase) for m, a in enumerate(_WINDOWS[window])]
    weights: NDArray[np.complex128] = np.sum(terms, 0) * np.exp(
        2j * np.pi * np.outer(k, k) / pulses
    )
    return weights


def correlation(lags: ArrayLike, turn_spread: float) -> Floats:
    """Return how alike clutter is after so many pulses, for a Gaussian spectrum.

    Parameters
    ----------
    turn_spread : standard deviation of its phase per pulse, 4π σ_v / (λ PRF), rad
    """
    alike: Floats = np.exp(-0.5 * (turn_spread * np.asarray(lags)) ** 2)
    return alike


def improvement_factor(
    pulses: int, frequency_hz: float, prf_hz: float, spread_mps: float, mean_mps: float = 0.0
) -> float:
    """Return the MTI improvement factor of a binomial canceller, exactly.

    Signal to clutter after it against before, averaged over all speeds of the signal:
    w'w / w'Rw, R the correlation of clutter with a Gaussian spectrum (Barton, Radar
    Equations for Modern Radar, 2013; Schleher, MTI and Pulsed Doppler Radar, 1991).

    Parameters
    ----------
    pulses : 2 for a single canceller, 3 for a double, 4 for a triple one
    spread_mps, mean_mps : standard deviation and mean of the clutter's radial speed
    """
    doppler = Doppler.of(canceller(pulses), frequency_hz, [prf_hz])
    return float(1.0 / doppler.leakage(spread_mps, mean_mps)[0, 0])


def _power(weights: NDArray[Any], turn: Floats, lag_factor: Floats) -> Floats:
    """Return Σ_d c(d) factor(d) exp(i d turn) over w'w: (F, S) from phases per pulse (S,)."""
    pulses = weights.shape[1]
    lags = np.arange(pulses)
    # w_k* w_(k+d) summed over k, for each lag d; negative lags are the conjugates.
    alike = np.stack([np.sum(weights[:, : pulses - d].conj() * weights[:, d:], 1) for d in lags], 1)
    twice = np.where(lags == 0, 1.0, 2.0) * lag_factor
    power = np.real((twice * alike) @ np.exp(-1j * np.outer(lags, turn)))
    scaled: Floats = np.maximum(power, 0.0) / np.real(alike[:, :1])
    return scaled


@dataclass(frozen=True, slots=True, eq=False)
class Doppler:
    """Filters over pulses, tabulated over radial speed for P pulse repetition frequencies.

    Attributes
    ----------
    weights : (F, pulses) of the filters, complex
    ambiguity_mps : (P,) first blind speed
    prf_hz : (P,)
    signal : (P, F, S + 1) power of an echo against noise after a filter, over that of all
        pulses added in phase; at S equal steps of speed from 0 up to the ambiguity
    summed : (P, F, S + 1) its integral from speed 0, per ambiguity
    floor : what instabilities of the radar leave of any clutter
    """

    weights: NDArray[np.complex128]
    ambiguity_mps: Floats
    prf_hz: Floats
    signal: Floats
    summed: Floats
    floor: float

    @classmethod
    def of(
        cls,
        weights: NDArray[np.complex128],
        frequency_hz: float,
        prf_hz: Sequence[float],
        limit_db: float = np.inf,
    ) -> Doppler:
        """Tabulate filters.

        Parameters
        ----------
        weights : from ``canceller`` or ``filter_bank``; ``[[1]]`` for no processing
        prf_hz : the set
        limit_db : best improvement that the radar's stability allows
        """
        filters, prf = np.atleast_2d(weights), np.array(prf_hz, float)
        turn = 2.0 * np.pi * np.arange(_STEPS + 1) / _STEPS
        scale = cls._scale(filters)
        one = _power(filters, turn, np.ones(filters.shape[1])) / scale
        steps = 0.5 * (one[:, 1:] + one[:, :-1]) / _STEPS
        summed = np.concatenate([np.zeros((len(one), 1)), np.cumsum(steps, 1)], 1)
        shape = (prf.size, *one.shape)
        return cls(
            filters,
            0.5 * SPEED_OF_LIGHT_MPS / frequency_hz * prf,
            prf,
            np.ascontiguousarray(np.broadcast_to(one, shape)),
            np.ascontiguousarray(np.broadcast_to(summed, shape)),
            float(10.0 ** (-0.1 * limit_db) / scale),
        )

    @staticmethod
    def _scale(weights: NDArray[np.complex128]) -> float:
        """Return what an echo gains at most: the pulses of a bank, none for one canceller."""
        return float(weights.shape[1]) if len(weights) > 1 else 1.0

    def leakage(self, spread_mps: float, mean_mps: float = 0.0) -> Floats:
        """Return what the filters leave of clutter, (P, F), in the unit of ``signal``.

        Parameters
        ----------
        spread_mps, mean_mps : standard deviation and mean of its radial speed
        """
        return self._leakage(spread_mps, mean_mps / self.ambiguity_mps[:, np.newaxis])[:, :, 0]

    def leakage_over_speed(self, spread_mps: float) -> Floats:
        """Return the same for clutter that moves on the whole, (P, F, S + 1) over its mean."""
        turns = np.arange(_STEPS + 1) / _STEPS
        return self._leakage(spread_mps, np.tile(turns, (self.ambiguity_mps.size, 1)))

    def _leakage(self, spread_mps: float, turns: Floats) -> Floats:
        lags = np.arange(self.weights.shape[1])
        leaks = [
            _power(
                self.weights,
                2.0 * np.pi * turn,
                correlation(lags, 2.0 * np.pi * spread_mps / ambiguity_mps),
            )
            for turn, ambiguity_mps in zip(turns, self.ambiguity_mps, strict=True)
        ]
        return np.array(leaks) / self._scale(self.weights) + self.floor

    def response(self, speed_mps: ArrayLike) -> Floats:
        """Return ``signal`` of the best filter of the set at radial speeds, of their shape."""
        speed = np.asarray(speed_mps, float)
        best = np.zeros(speed.shape)
        for row, ambiguity_mps in enumerate(self.ambiguity_mps):
            turn = np.mod(speed / ambiguity_mps, 1.0) * _STEPS
            for one in self.signal[row]:
                best = np.maximum(best, np.interp(turn, np.arange(_STEPS + 1), one))
        return best

    def detectable_speed_mps(self, cnr: float, spread_mps: float, loss_db: float = 3.0) -> float:
        """Return the least radial speed at which clutter costs no more than ``loss_db``.

        Against the best speed without clutter, with the best of all filters and frequencies.

        Parameters
        ----------
        cnr : clutter to noise, linear, all pulses of the burst added in phase
        """
        leak = self.leakage(spread_mps)
        speed = np.linspace(0.0, float(self.ambiguity_mps.max()), 4 * _STEPS + 1)
        best = np.zeros(speed.size)
        for row, ambiguity_mps in enumerate(self.ambiguity_mps):
            turn = np.mod(speed / ambiguity_mps, 1.0) * _STEPS
            for one, left in zip(self.signal[row], leak[row], strict=True):
                found = np.interp(turn, np.arange(_STEPS + 1), one) / (1.0 + cnr * left)
                best = np.maximum(best, found)
        enough = best >= self.signal.max() * 10.0 ** (-0.1 * loss_db)
        return float(speed[np.argmax(enough)]) if enough.any() else math.inf
