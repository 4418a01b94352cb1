"""How probably looks that may miss make a confirmed track: M hits in N looks.

A tracker's rule is a small Markov chain. Two are told apart:

``SLIDING``: confirmed at M hits among any N successive looks, the textbook's rule.
``FROM_START``: as ``sim.tracking`` has it. The first hit starts a tentative track, which is
dropped once M hits cannot be reached in its first N looks; the next hit starts another.

Source: Blackman, Popoli, *Design and Analysis of Modern Tracking Systems*, 1999, ch. 6.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from sim.core.jit import kernel
from sim.core.tables import Floats

#: More looks in a window than this make too many states.
SLIDING_LOOKS_MAX = 12
#: Steps of the table between no detection and a sure one.
_STEPS = 1000


class Rule(IntEnum):
    """How hits are counted."""

    SLIDING = 0
    FROM_START = 1


def confirmed_after(pd: Floats, hits: int, looks: int, rule: Rule = Rule.FROM_START) -> Floats:
    """Return the probability (L,) that a track is confirmed by each of L successive looks.

    Parameters
    ----------
    pd : (L,) detection probability of each look
    hits, looks : M and N
    rule : how hits are counted

    Raises
    ------
    ValueError
        If M exceeds N, N is too large, or a probability is outside [0, 1].
    """
    pd = np.ascontiguousarray(pd, float)
    _check(hits, looks, rule)
    if pd.ndim != 1 or not ((pd >= 0.0) & (pd <= 1.0)).all():
        raise ValueError("detection probabilities must be a row of numbers from 0 to 1")
    out = np.empty(pd.size)
    state, scratch = states(hits, looks, rule)
    confirm_along(pd, hits, looks, int(rule), state, scratch, out)
    return out


class ConfirmationTable:
    """Probability of confirmation after n looks of one and the same detection probability.

    Attributes
    ----------
    hits, looks, rule : as in ``confirmed_after``
    """

    def __init__(self, hits: int, looks: int, most_looks: int, rule: Rule = Rule.FROM_START):
        self.hits, self.looks, self.rule = hits, looks, rule
        most_looks = max(most_looks, 1)
        self._table = np.zeros((_STEPS + 1, most_looks + 1))
        for step in range(_STEPS + 1):
            even = np.full(most_looks, step / _STEPS)
            self._table[step, 1:] = confirmed_after(even, hits, looks, rule)

    def __call__(self, pd: ArrayLike, count: ArrayLike) -> Floats:
        """Return the probability after ``count`` whole looks, linear between the table's steps."""
        place = np.clip(np.asarray(pd, float), 0.0, 1.0) * _STEPS
        low = np.minimum(place.astype(np.intp), _STEPS - 1)
        part = place - low
        column = np.clip(
            np.floor(np.asarray(count, float) + 1e-9), 0, self._table.shape[1] - 1
        ).astype(np.intp)
        between: Floats = (1.0 - part) * self._table[low, column] + part * self._table[
            low + 1, column
        ]
        return between


def _check(hits: int, looks: int, rule: Rule) -> None:
    if not 1 <= hits <= looks:
        raise ValueError(f"expected 1 ≤ hits ≤ looks, found {hits} of {looks}")
    if rule == Rule.SLIDING and looks > SLIDING_LOOKS_MAX:
        raise ValueError(f"a sliding window of more than {SLIDING_LOOKS_MAX} looks: found {looks}")


def states(hits: int, looks: int, rule: Rule) -> tuple[Floats, Floats]:
    """Return room for the chain's state, twice, for ``confirm_step``."""
    size = 1 << (looks - 1) if rule == Rule.SLIDING else 1 + looks * hits
    return np.zeros(size), np.zeros(size)


@kernel(leaf=True)
def _slide(pd: float, hits: int, state: Floats, after: Floats) -> float:
    """Step the chain whose state is the last N − 1 looks, newest in the lowest bit."""
    confirmed = 0.0
    for before in range(state.size):
        share = state[before]
        if share == 0.0:
            continue
        held, word = 1, before
        while word:
            word &= word - 1
            held += 1
        after[(before << 1) & (state.size - 1)] += share * (1.0 - pd)
        if held >= hits:
            confirmed += share * pd
        else:
            after[((before << 1) | 1) & (state.size - 1)] += share * pd
    return confirmed


@kernel(leaf=True)
def _grow(pd: float, hits: int, looks: int, state: Floats, after: Floats) -> float:
    """Step the chain of a tentative track: 0 none, else 1 + (looks so far − 1)·M + hits − 1."""
    if hits == 1:
        after[0] = state[0] * (1.0 - pd)
        sure: float = state[0] * pd
        return sure
    after[0] += state[0] * (1.0 - pd)
    after[1] += state[0] * pd
    confirmed = 0.0
    for looked in range(1, looks):
        for held in range(1, hits):
            share = state[1 + (looked - 1) * hits + held - 1]
            if share == 0.0:
                continue
            if held + 1 >= hits:
                confirmed += share * pd
            else:
                after[1 + looked * hits + held] += share * pd
            if hits - held > looks - looked - 1:
                after[0] += share * (1.0 - pd)
            else:
                after[1 + looked * hits + held - 1] += share * (1.0 - pd)
    return confirmed


@kernel(leaf=True)
def confirm_step(
    pd: float, hits: int, looks: int, rule: int, state: Floats, scratch: Floats
) -> float:
    """Take in one look; return with what probability it confirms a track, as the first."""
    scratch[:] = 0.0
    if rule == 0:
        confirmed = _slide(pd, hits, state, scratch)
    else:
        confirmed = _grow(pd, hits, looks, state, scratch)
    for k in range(state.size):
        state[k] = scratch[k]
    return confirmed


@kernel(leaf=True)
def confirm_along(
    pd: Floats,
    hits: int,
    looks: int,
    rule: int,
    state: Floats,
    scratch: Floats,
    confirmed: Floats,
) -> None:
    """Fill ``confirmed`` (L,); ``state`` and ``scratch`` are room as ``_states`` makes it."""
    state[:] = 0.0
    state[0] = 1.0
    total = 0.0
    for k in range(pd.size):
        total += confirm_step(pd[k], hits, looks, rule, state, scratch)
        confirmed[k] = min(total, 1.0)
