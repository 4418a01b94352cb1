"""Straight crossings of a band: is the intruder tracked before it is through, and when?"""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats
from sim.coverage.confirmation import Rule, confirm_step, states
from sim.coverage.fusing import Floats32

#: Surer than this, the rest of the way is not flown.
_SURE = 0.99999


def crossings(
    rate_per_s: Floats32,
    look_s: Floats32,
    *,
    cell_m: float,
    speed_mps: float,
    hits: int,
    looks: int,
    required: float,
) -> tuple[Floats, Floats]:
    """Fly straight inwards through every column of a band.

    A look falls once a period, the first half a period after the edge: its place among the
    periods is as likely one as another.

    Parameters
    ----------
    rate_per_s : (R, C) at which a target is placed, flying inwards; row 0 is the outer edge
    look_s : (R, C) period by which the tracker counts looks
    cell_m : of a row
    speed_mps : of the target
    hits, looks : of the tracker's rule
    required : probability

    Returns
    -------
    tracked : (C,) probability that a track is confirmed before the inner edge
    warning_s : (C,) time left to the inner edge once it has reached ``required``; NaN if never
    """
    rows, columns = rate_per_s.shape
    tracked, at_m = np.empty(columns), np.empty(columns)
    state, scratch = states(hits, looks, Rule.FROM_START)
    _cross(
        np.ascontiguousarray(rate_per_s),
        np.ascontiguousarray(look_s),
        float(cell_m),
        float(speed_mps),
        hits,
        looks,
        float(required),
        state,
        scratch,
        tracked,
        at_m,
    )
    return tracked, (rows * cell_m - at_m) / speed_mps


@kernel(leaf=True)
def _cross(
    rate_per_s: Floats32,
    look_s: Floats32,
    cell_m: float,
    speed_mps: float,
    hits: int,
    looks: int,
    required: float,
    state: Floats,
    scratch: Floats,
    tracked: Floats,
    at_m: Floats,
) -> None:
    depth_m = rate_per_s.shape[0] * cell_m
    for column in range(rate_per_s.shape[1]):
        for k in range(state.size):
            state[k] = 0.0
        state[0] = 1.0
        total, reached_m = 0.0, math.nan
        way_m = 0.5 * look_s[0, column] * speed_mps
        while way_m < depth_m and total < _SURE:
            row = int(way_m / cell_m)
            period_s = look_s[row, column]
            pd = 1.0 - math.exp(-rate_per_s[row, column] * period_s)
            total += confirm_step(pd, hits, looks, 1, state, scratch)
            if math.isnan(reached_m) and total >= required:
                reached_m = way_m
            way_m += period_s * speed_mps
        tracked[column] = min(total, 1.0)
        at_m[column] = reached_m
