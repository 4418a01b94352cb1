"""What it costs to estimate the noise from neighbouring cells: cell-averaging CFAR.

The threshold is a multiple of the mean power of reference cells, so it fluctuates; to keep
the false alarms it must lie higher than one set with the noise known. That costs SNR.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Floats


def cfar_multiplier(pfa: float, cells: int) -> float:
    """Return the threshold in units of the mean of the cells, one pulse.

    T of Pfa = (1 + T/N)^−N (Finn and Johnson, RCA Review 29, 1968).
    """
    return cells * math.expm1(-math.log(pfa) / cells)


def cfar_detection_probability(snr: ArrayLike, pfa: float, cells: int) -> Floats:
    """Return the exact detection probability of one pulse on a Swerling 1 target.

    Pd = (1 + T / (N (1 + SNR)))^−N (Finn and Johnson, 1968).
    """
    share = cfar_multiplier(pfa, cells) / (cells * (1.0 + np.asarray(snr, float)))
    pd: Floats = (1.0 + share) ** -float(cells)
    return pd


def cfar_loss_db(pfa: float, cells: int, pulses: int = 1, pd: float = 0.5) -> float:
    """Return how much more SNR a cell-averaging CFAR needs than a known noise level.

    Exact for pulses that fluctuate independently (Swerling 1 with one pulse, Swerling 2);
    other targets lose nearly the same. The sum of n pulses and that of N n reference
    samples are gamma distributed, and their ratio decides: a beta distribution.

    Parameters
    ----------
    cells : reference cells, the mean of whose power is taken
    pulses : summed non-coherently, in every cell
    pd : at which detection probability the two are compared, above ``pfa``

    Raises
    ------
    ValueError
        Unless ``pfa < pd < 1``.
    """
    if not pfa < pd < 1.0:
        raise ValueError(f"expected pfa < pd < 1, found pfa {pfa} and pd {pd}")
    from scipy.special import betaincinv, gammainccinv

    known = gammainccinv(pulses, pfa) / gammainccinv(pulses, pd) - 1.0

    def ratio(probability: float) -> float:
        """Return what cell over reference exceeds with a probability, without signal."""
        below = float(betaincinv(cells * pulses, pulses, probability))
        return (1.0 - below) / below

    estimated = ratio(pfa) / ratio(pd) - 1.0
    return float(10.0 * np.log10(estimated / known))


def universal_cfar_loss_db(pfa: float, cells: int) -> float:
    """Return the loss by the universal curve, 5/N · (−log10 Pfa), a check on the exact one.

    Gregers-Hansen, IEE Radar 73: for square law and one pulse; good to some tenths of a
    decibel while N is well above −log10 Pfa.
    """
    return -5.0 / cells * math.log10(pfa)
