"""When targets send: at a beat of their own, the same for whoever listens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sim.core.tables import Floats, Ints

#: Steps of the golden ratio spread the phases of targets evenly over the period.
_GOLDEN = 0.6180339887498949
_WORD = np.uint64


def emissions(
    rows: Ints, start_s: float, end_s: float, period_s: float, jitter: float = 0.0
) -> tuple[Floats, Ints]:
    """Return the emissions of targets in (start, end], in order of time.

    Each target sends once a period, at a phase of its own, each time moved at random by up
    to half of ``jitter`` periods to either side. The moves are a hash of target and count:
    whoever listens, in whatever windows, hears the same moments.

    Parameters
    ----------
    rows : (N,) indices of the targets that send
    jitter : below 1, so that the order stays

    Returns
    -------
    time_s, target : (K,) when, and the index of the target
    """
    first = int(np.floor(start_s / period_s)) - 2
    last = int(np.floor(end_s / period_s)) + 2
    count = np.arange(first, last + 1)
    phase = (rows * _GOLDEN) % 1.0
    moved = jitter * (_hashed(rows[:, None], count) - 0.5)
    time_s = ((count + phase[:, None] + moved) * period_s).ravel()
    target = np.repeat(rows, count.size)
    inside = np.flatnonzero((time_s > start_s) & (time_s <= end_s))
    inside = inside[np.argsort(time_s[inside], kind="stable")]
    return time_s[inside], target[inside].astype(np.int32)


def _hashed(row: Ints, count: NDArray[np.signedinteger]) -> Floats:
    """Return numbers in [0, 1) by target and count.

    The mixing function of SplitMix64: Steele, Lea, Flood, Fast Splittable Pseudorandom Number
    Generators, OOPSLA 2014.
    """
    word = row.astype(np.int64).astype(_WORD) << _WORD(32)
    word = word ^ (count.astype(np.int64).astype(_WORD) & _WORD(0xFFFFFFFF))
    word = word * _WORD(0x9E3779B97F4A7C15)
    word = (word ^ (word >> _WORD(30))) * _WORD(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> _WORD(27))) * _WORD(0x94D049BB133111EB)
    word = word ^ (word >> _WORD(31))
    fraction: Floats = (word >> _WORD(11)).astype(float) * 2.0**-53
    return fraction
