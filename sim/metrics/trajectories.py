"""Sets of trajectories, the pairs of them that ever come near, and their OSPA(2) distance.

OSPA(2): Beard, Vo and Vo, A Solution for Large-Scale Multi-Object Tracking, IEEE
Transactions on Signal Processing 68 (2020), section on performance evaluation: an OSPA
distance between sets of tracks whose base distance is the mean over time of the OSPA
distance between two tracks at single steps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Bools, Floats, Ints
from sim.metrics.history import Rows, Steps, TrackHistory, TruthHistory
from sim.metrics.sets import require_metric
from sim.metrics.sweep import sweep

#: Points whose neighbours are listed at a time.
_BLOCK = 8192


@dataclass(frozen=True, slots=True)
class Trajectories:
    """Places of N things over K steps; each may be absent at any step.

    Attributes
    ----------
    start : (K + 1,) rows ``start[k]:start[k + 1]`` belong to step k
    owner : (R,) index of the thing, 0 … N − 1
    position : (R, D)
    count : N
    """

    start: Rows
    owner: Ints
    position: Floats
    count: int

    @property
    def steps(self) -> int:
        """K."""
        return self.start.size - 1

    @classmethod
    def of(
        cls, step: ArrayLike, identifier: ArrayLike, position: ArrayLike, steps: int
    ) -> Trajectories:
        """Build from rows in any order.

        Parameters
        ----------
        step : (R,) 0 … steps − 1
        identifier : (R,) any number that tells one thing from another
        position : (R, D)

        Raises
        ------
        ValueError
            If shapes differ, a step is out of range, or a thing is twice at one step.
        """
        at, names = np.asarray(step, np.intp), np.asarray(identifier)
        places = np.asarray(position, np.float64)
        if at.ndim != 1 or names.shape != at.shape or places.shape[:1] != at.shape:
            raise ValueError("step, identifier and position must have one row each")
        if places.ndim != 2:
            raise ValueError(f"position must be (R, D), not {places.shape}")
        if at.size and (at.min() < 0 or at.max() >= steps):
            raise ValueError(f"steps must lie in 0 … {steps - 1}")
        distinct, index = np.unique(names, return_inverse=True)
        order = np.lexsort((index, at))
        at, owner = at[order], index[order].astype(np.int32)
        if np.any((np.diff(at) == 0) & (np.diff(owner) == 0)):
            raise ValueError("a thing can be at one place only at each step")
        return cls(
            start=np.searchsorted(at, np.arange(steps + 1)).astype(np.intp),
            owner=owner,
            position=np.ascontiguousarray(places[order]),
            count=int(distinct.size),
        )


def of_histories(truth: TruthHistory, confirmed: TrackHistory) -> tuple[Trajectories, Trajectories]:
    """Return targets and tracks over the steps at which there is either."""
    steps = Steps.of(truth, confirmed)

    def build(start: Rows, name: Ints, position: Floats) -> Trajectories:
        step = np.repeat(np.arange(start.size - 1), np.diff(start))
        return Trajectories.of(step, name, position, start.size - 1)

    return (
        build(steps.truth_start, truth.target, truth.position_enu_m),
        build(steps.track_start, confirmed.number, confirmed.position_enu_m),
    )


class Near(NamedTuple):
    """Pairs closer than the cutoff at some step, by step and row of the first set.

    Attributes
    ----------
    step, i, j : (E,) the step and the two things
    distance : (E,)
    """

    step: Rows
    i: Ints
    j: Ints
    distance: Floats


def near_by_block(x: Trajectories, y: Trajectories, cutoff: float) -> Iterator[Near]:
    """Yield all pairs closer than the cutoff, block of steps by block of steps.

    Raises
    ------
    ValueError
        If the two sets do not have the same steps.
    """
    from sim.metrics.track_kernels import near_rows  # numba is slow to import

    if x.steps != y.steps:
        raise ValueError(f"sets of {x.steps} and of {y.steps} steps cannot be compared")
    if not x.count or not y.count:
        return
    lay = sweep(y.position, y.start)
    first = 0
    while first < x.steps:
        last = int(np.searchsorted(x.start, x.start[first] + _BLOCK, side="right")) - 1
        last = min(max(last, first + 1), x.steps)
        x_row, y_row, distance = near_rows(
            x.position, x.start, y.position, y.start, *lay, float(cutoff), first, last
        )
        step = np.searchsorted(x.start, x_row, side="right") - 1
        yield Near(step, x.owner[x_row], y.owner[y_row], distance)
        first = last


def near_pairs(x: Trajectories, y: Trajectories, cutoff: float) -> tuple[Ints, Ints]:
    """Return which things of y ever come closer than the cutoff to each of x.

    Returns
    -------
    start, other : thing i has met ``other[start[i]:start[i + 1]]``
    """
    codes = [
        np.unique(near.i.astype(np.int64) * y.count + near.j)
        for near in near_by_block(x, y, cutoff)
    ]
    code = np.unique(np.concatenate(codes)) if codes else np.empty(0, np.int64)
    i, j = np.divmod(code, max(y.count, 1))
    start = np.searchsorted(i, np.arange(x.count + 1)).astype(np.int32)
    return start, j.astype(np.int32)


def _ospa2(
    x: Trajectories,
    y: Trajectories,
    cutoff: float,
    order: float,
    inner_order: float,
    window: int,
    wanted: Bools,
) -> Floats:
    from sim.metrics.track_kernels import ospa2_windows  # numba is slow to import

    require_metric(cutoff, min(order, inner_order))
    if window < 1:
        raise ValueError(f"a window has one step or more, not {window}")
    result = np.full(x.steps, np.nan)
    ospa2_windows(
        x.position,
        x.owner,
        x.start,
        y.position,
        y.owner,
        y.start,
        y.count,
        *near_pairs(x, y, cutoff),
        window,
        wanted,
        float(cutoff),
        float(order),
        float(inner_order),
        result,
    )
    return result


def ospa2(
    x: Trajectories, y: Trajectories, cutoff: float, order: float = 2.0, inner_order: float = 1.0
) -> float:
    """Return the OSPA(2) distance of two sets of trajectories over all their steps.

    Parameters
    ----------
    cutoff : c; two trajectories that are never closer are c apart
    order : p, of the OSPA distance between the sets
    inner_order : q, of the mean over the steps at which either of two trajectories exists

    Returns
    -------
    between 0 and c; 0 if both sets are empty

    Raises
    ------
    ValueError
        If steps differ, the cutoff is not positive or an order is below 1.
    """
    if not x.steps:
        return 0.0
    wanted = np.zeros(x.steps, np.bool_)
    wanted[-1] = True
    return float(_ospa2(x, y, cutoff, order, inner_order, x.steps, wanted)[-1])


def ospa2_over_time(
    x: Trajectories,
    y: Trajectories,
    cutoff: float,
    window: int,
    order: float = 2.0,
    inner_order: float = 1.0,
) -> Floats:
    """Return the OSPA(2) distance (K,) over the last ``window`` steps at every step.

    Only what exists inside the window counts; the first windows are shorter. Other
    parameters and errors are those of ``ospa2``.
    """
    wanted = np.ones(x.steps, np.bool_)
    return _ospa2(x, y, cutoff, order, inner_order, window, wanted)
