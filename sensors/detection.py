"""Radar equation and detection probability of a square-law detector.

A dwell integrates ``pulses`` pulses non-coherently: the test statistic is the sum of
their powers, in units of the mean noise power of one pulse, and a threshold set by the
false-alarm probability decides. Everything here follows from one fact: given the signal
energy X of a dwell (the SNR of its pulses, summed), the statistic is gamma distributed
with shape ``pulses + m``, where m is Poisson with mean X.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

if TYPE_CHECKING:
    from sim.core.tables import Bytes, Floats

BOLTZMANN_J_PER_K = 1.380649e-23
SPEED_OF_LIGHT_MPS = 299_792_458.0

#: The fluctuation models that ``swerling`` may name.
SWERLING_CASES = (0, 1, 2, 3, 4)


def radar_snr(
    range_m: ArrayLike,
    rcs_m2: ArrayLike,
    *,
    peak_power_w: float,
    pulse_width_s: float,
    gain: float,
    frequency_hz: float,
    system_temperature_k: float,
    losses: float = 1.0,
    processing_gain: float = 1.0,
) -> Floats:
    """Return the SNR of an echo from the monostatic radar equation.

    SNR = Pt τ G² λ² σ / ((4π)³ k Ts L R⁴), times the gain of coherent processing
    (Skolnik, Introduction to Radar Systems, 3rd ed., chapter 2).

    Parameters
    ----------
    range_m, rcs_m2
        Slant range and radar cross-section; any shapes that broadcast.
    peak_power_w, pulse_width_s, frequency_hz, system_temperature_k
        The transmitter and the receiver.
    gain, losses, processing_gain
        Linear ratios; the antenna transmits and receives with the same gain.
    """
    wavelength_m = SPEED_OF_LIGHT_MPS / frequency_hz
    at_one_metre = (peak_power_w * pulse_width_s * (gain * wavelength_m) ** 2 * processing_gain) / (
        (4.0 * np.pi) ** 3 * BOLTZMANN_J_PER_K * system_temperature_k * losses
    )
    snr: Floats = at_one_metre * np.asarray(rcs_m2) / np.asarray(range_m, float) ** 4
    return snr


@lru_cache(maxsize=64)
def detection_threshold(pfa: float, pulses: int = 1) -> float:
    """Return the threshold of the summed power, in units of one pulse's mean noise.

    Noise alone is gamma distributed with shape ``pulses``; it exceeds the threshold
    with probability ``pfa``.
    """
    from scipy.special import gammainccinv  # here: costly to import, needed only in a run

    return float(gammainccinv(pulses, pfa))


def detection_probability(
    snr: ArrayLike, pfa: float, pulses: int = 1, swerling: ArrayLike = 0
) -> Floats:
    """Return the exact detection probability of one dwell.

    Parameters
    ----------
    snr
        Mean SNR of each integrated pulse, linear; zero gives ``pfa``.
    pfa
        False-alarm probability per resolution cell.
    pulses
        Pulses integrated non-coherently.
    swerling
        Fluctuation of each target: 0 steady; 1 and 3 constant over the dwell, anew each
        dwell; 2 and 4 anew each pulse. 1 and 2: exponential; 3 and 4: two degrees more.
        Broadcasts with ``snr``.

    Returns
    -------
    array of the broadcast shape.

    Notes
    -----
    The miss probability is Σ p(m) P(n + m, T): P the regularised lower incomplete gamma
    function, p(m) Poisson for a steady target and negative binomial for the others. It
    agrees with the closed forms of Marcum (1960) and Swerling (1960); those for one
    fluctuating pulse are used as the short way.
    """
    from sensors.dwells import pd_of_dwells  # numba: only where it runs

    mean, case = np.broadcast_arrays(np.asarray(snr, float), np.asarray(swerling, np.uint8))
    pd = pd_of_dwells(mean.ravel(), case.ravel(), pulses, *detector(pfa, pulses))
    return pd.reshape(mean.shape)


@lru_cache(maxsize=64)
def detector(pfa: float, pulses: int) -> tuple[float, Floats, Floats, Floats]:
    """Return what the detection probability needs apart from the SNR.

    Returns
    -------
    threshold : from ``detection_threshold``
    shape : (5,) gamma shape of a dwell's signal energy by Swerling case, 1 if steady
    series : (3, 5, M + 4) by Swerling case: ln of what p(m) has besides powers of the
        energy, what it grows by from m to m + 1, and what from m to m + 4
    miss : (M,) P(n + m, T)
    """
    from scipy.special import gammainc, gammaln

    threshold = detection_threshold(pfa, pulses)
    # Beyond nine standard deviations over the threshold P is below 1e-17.
    most = int(max(1.0, np.ceil(threshold + 9.0 * np.sqrt(threshold) + 30.0) - pulses))
    miss = np.asarray(gammainc(pulses + np.arange(most, dtype=float), threshold), float)
    miss = miss[: max(1, int(np.count_nonzero(miss > 1e-14)))]
    m = np.arange(miss.size + 4, dtype=float)
    shape = _signal_shapes(pulses)
    series = np.empty((3, len(SWERLING_CASES), m.size))
    series[0] = -gammaln(m + 1.0)
    series[0, 1:] += gammaln(m + shape[1:, np.newaxis]) - gammaln(shape[1:, np.newaxis])
    series[1] = 1.0 / (m + 1.0)
    series[1, 1:] *= m + shape[1:, np.newaxis]
    series[2] = np.nan
    series[2, :, :-3] = np.prod([series[1, :, k : m.size - 3 + k] for k in range(4)], 0)
    return threshold, shape, series, miss


@lru_cache(maxsize=64)
def _signal_shapes(pulses: int) -> Floats:
    return np.array([1.0, 1.0, pulses, 2.0, 2.0 * pulses])


def required_snr(pd: float, pfa: float, pulses: int = 1, swerling: int = 0) -> float:
    """Return the mean SNR per pulse (linear) that gives a detection probability.

    Raises
    ------
    ValueError
        Unless ``pfa < pd < 1``.
    """
    if not pfa < pd < 1.0:
        raise ValueError(f"expected pfa < pd < 1, found pfa {pfa} and pd {pd}")
    from scipy.optimize import brentq

    def excess(snr_db: float) -> float:
        return float(detection_probability(10.0 ** (snr_db / 10.0), pfa, pulses, swerling)) - pd

    return float(10.0 ** (brentq(excess, -100.0, 150.0, xtol=1e-10) / 10.0))


def albersheim_snr(pd: float, pfa: float, pulses: int = 1) -> float:
    """Return Albersheim's approximation of the SNR per pulse (linear) for a steady target.

    Within about 0.2 dB for a linear detector (Albersheim, Proc. IEEE 69(7), 1981).
    """
    a = np.log(0.62 / pfa)
    b = np.log(pd / (1.0 - pd))
    snr_db = -5.0 * np.log10(pulses) + (6.2 + 4.54 / np.sqrt(pulses + 0.44)) * np.log10(
        a + 0.12 * a * b + 1.7 * b
    )
    return float(10.0 ** (snr_db / 10.0))


def draw_echo_power(snr: Floats, pulses: int, swerling: Bytes, rng: np.random.Generator) -> Floats:
    """Draw the summed power of a dwell on each target.

    It exceeds ``detection_threshold`` with exactly ``detection_probability``.

    Parameters
    ----------
    snr : (N,) mean SNR per pulse, linear
    pulses : pulses integrated non-coherently
    swerling : (N,) fluctuation of each target
    rng : source of chance
    """
    from sensors.dwells import echo_power  # numba: only where it runs

    shape = _signal_shapes(pulses)[swerling]
    fading = rng.standard_gamma(shape)
    # Noncentral chi-square by parts: one pulse carries all the signal, the rest is noise.
    power = echo_power(snr, pulses, swerling, shape, fading, rng.standard_normal((2, snr.size)))
    if pulses > 1:
        power += rng.standard_gamma(pulses - 1, snr.size)
    return power


def draw_noise_power_over_threshold(
    size: int, pfa: float, pulses: int, rng: np.random.Generator
) -> Floats:
    """Draw the summed power of ``size`` dwells in which noise alone crossed the threshold."""
    if size == 0:
        return np.empty(0)
    from scipy.special import gammainccinv

    power: Floats = gammainccinv(pulses, pfa * (1.0 - rng.random(size)))
    return power
