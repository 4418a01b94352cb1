"""Evaluation of piecewise-cubic (Hermite) paths of many targets.

A knot is one row: time, position (3), velocity (3), so that a segment lies in two
neighbouring cache lines; memory, not arithmetic, is what evaluation costs.
"""

from __future__ import annotations

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Bools, Floats, Ints


@kernel(inline=True)
def _segment(
    knots: Floats, gap_after: Bools, first: int, end: int, guess: int, time_s: float
) -> int:
    """Return the knot at or before a time, of knots ``first`` to ``end - 1``; -1 if absent."""
    low = guess
    if low + 2 < end and knots[low + 1, 0] <= time_s:
        low += 1
    if not (low + 1 < end and knots[low, 0] <= time_s < knots[low + 1, 0]):
        if end <= first or not (knots[first, 0] <= time_s <= knots[end - 1, 0]):
            return -1
        low, high = first, end  # the knot sought lies in [low, high)
        while high - low > 1:
            middle = (low + high) // 2
            if knots[middle, 0] <= time_s:
                low = middle
            else:
                high = middle
    if gap_after[low] and time_s > knots[low, 0]:
        return -1
    return low


@kernel(inline=True)
def _evaluate(
    knots: Floats, knot: int, time_s: float, row: int, position_m: Floats, velocity_mps: Floats
) -> None:
    """Write the path after a knot at a time into a row; NaN for knot -1."""
    if knot < 0:
        for axis in range(3):
            position_m[row, axis] = np.nan
            velocity_mps[row, axis] = np.nan
        return
    elapsed = time_s - knots[knot, 0]
    if elapsed == 0.0:  # the last knot has no segment
        for axis in range(3):
            position_m[row, axis] = knots[knot, 1 + axis]
            velocity_mps[row, axis] = knots[knot, 4 + axis]
        return
    span = knots[knot + 1, 0] - knots[knot, 0]
    u = elapsed / span
    for axis in range(3):
        start = knots[knot, 1 + axis]
        rise = knots[knot + 1, 1 + axis] - start
        slope_0 = span * knots[knot, 4 + axis]
        slope_1 = span * knots[knot + 1, 4 + axis]
        square = 3.0 * rise - 2.0 * slope_0 - slope_1
        cube = slope_0 + slope_1 - 2.0 * rise
        position_m[row, axis] = start + u * (slope_0 + u * (square + u * cube))
        velocity_mps[row, axis] = (slope_0 + u * (2.0 * square + 3.0 * u * cube)) / span


@kernel()
def evaluate_all(
    knots: Floats,
    gap_after: Bools,
    first_knot: Ints,
    guess: Ints,
    time_s: float,
    position_m: Floats,
    velocity_mps: Floats,
    present: Bools,
) -> None:
    """Evaluate every target at one time.

    Parameters
    ----------
    knots, gap_after
        (K, 7), (K,): knots of all targets, one target after the other
    first_knot
        (N + 1,) where each target's knots begin; the last entry is K
    guess
        (N,) a knot of each target at which to begin the search; updated
    position_m, velocity_mps, present
        (N, 3), (N, 3), (N,): results; NaN and False where absent
    """
    for row in range(present.size):
        first, end = first_knot[row], first_knot[row + 1]
        knot = _segment(knots, gap_after, first, end, guess[row], time_s)
        present[row] = knot >= 0
        if knot >= 0:
            guess[row] = knot
        _evaluate(knots, knot, time_s, row, position_m, velocity_mps)


@kernel()
def evaluate_pairs(
    knots: Floats,
    gap_after: Bools,
    first_knot: Ints,
    guess: Ints,
    time_s: Floats,
    target: Ints,
    position_m: Floats,
    velocity_mps: Floats,
) -> None:
    """Evaluate pairs of time and target, (M,) each; otherwise as ``evaluate_all``."""
    for row in range(time_s.size):
        which = target[row]
        first, end = first_knot[which], first_knot[which + 1]
        knot = _segment(knots, gap_after, first, end, guess[which], time_s[row])
        _evaluate(knots, knot, time_s[row], row, position_m, velocity_mps)
