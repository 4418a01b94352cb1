"""Points sorted along one axis, step by step, so that near ones are found without all pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.tables import Floats
from sim.metrics.history import Rows


class Sweep(NamedTuple):
    """How ``sim.metrics.kernels.near_points`` walks through points (Q, D).

    Attributes
    ----------
    order : (Q,) rows, step by step, sorted by the coordinate ``axis``, NaN last
    axes : (Q,) how many coordinates of each point count in distances
    axis : the axis, one of the first two, along which the points spread further
    """

    order: Rows
    axes: Rows
    axis: int


def sweep(points: Floats, start: Rows, axes: Rows | None = None) -> Sweep:
    """Sort points (Q, D) for the search; rows ``start[k]:start[k + 1]`` belong to step k.

    ``axes`` (Q,) is D everywhere unless given, and at least 2 where D is.
    """
    known = points[np.isfinite(points).all(axis=1), :2]
    axis = int(np.ptp(known, axis=0).argmax()) if len(known) else 0
    step = np.repeat(np.arange(start.size - 1), np.diff(start))
    return Sweep(
        order=np.lexsort((points[:, axis], step)).astype(np.intp),
        axes=np.full(len(points), points.shape[1], np.intp)
        if axes is None
        else axes.astype(np.intp),
        axis=axis,
    )
