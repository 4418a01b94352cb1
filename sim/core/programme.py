"""Linear and mixed-integer programmes: max g·x, A x ≤ b, 0 ≤ x ≤ u, by HiGHS through scipy."""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.core.tables import Bools, Floats


@dataclass(frozen=True, slots=True)
class Solved:
    """What the solver found.

    Attributes
    ----------
    values : (V,) best solution, None if there was no time for any
    bound : no solution gains more, by the solver's word; infinite if it has none
    complete : whether the solution was proven best
    """

    values: Floats | None
    bound: float
    complete: bool


def maximise(
    gain: Floats,
    rows: Any,
    upper: Floats,
    whole: Bools,
    most: Floats,
    time_s: float,
    nodes: int | None = None,
    gap: float = 0.0,
) -> Solved:
    """Solve the mixed-integer programme whose variables ``whole`` are integers.

    It is solved when bound and solution differ by no more than the share ``gap``.

    Raises
    ------
    RuntimeError
        If the solver fails for another reason than its limits.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp  # slow to import

    options: Any = {"time_limit": time_s, "mip_rel_gap": gap}
    if nodes is not None:
        options["node_limit"] = nodes
    with _stdout_kept_clean():
        found = milp(
            -gain,
            integrality=whole.astype(np.int64),
            bounds=Bounds(np.zeros(gain.size), most),
            constraints=LinearConstraint(rows, -np.inf, upper),
            options=options,
        )
    # scipy has no status for the limit of nodes and says so in words only.
    if found.status not in (0, 1) and "limit reached" not in found.message:
        raise RuntimeError(f"the mixed-integer programme was not solved: {found.message}")
    dual = found.mip_dual_bound
    bound = math.inf if dual is None or not math.isfinite(dual) else -float(dual)
    values = None if found.x is None else np.asarray(found.x, np.float64)
    return Solved(values, bound, found.status == 0)


@contextmanager
def _stdout_kept_clean() -> Iterator[None]:
    """Send to stderr what the solver prints, past Python, for the process's stdout.

    HiGHS as of scipy 1.17 prints a line of debugging there, told to be silent or not.
    """
    if os.name != "posix":
        yield
        return
    flush = ctypes.CDLL(None).fflush
    sys.stdout.flush()
    flush(None)
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        flush(None)
        os.dup2(kept, 1)
        os.close(kept)


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A programme without integers, solved.

    Attributes
    ----------
    values : (V,) best solution
    price : (R,) of the rows, 0 or more
    bound : no solution gains more, counted from the prices
    """

    values: Floats
    price: Floats
    bound: float


def relax(gain: Floats, rows: Any, upper: Floats, most: Floats, time_s: float) -> Relaxed | None:
    """Solve the programme without integers; None if there was no time for it.

    The bound is counted from the dual prices λ ≥ 0 that the solver returns and holds for any
    such prices: g·x ≤ λ·b + Σ u max(0, g − Aᵀλ), weak duality. So it does not rest on the
    solver's word.
    """
    from scipy.optimize import linprog  # slow to import

    limit: Any = {"time_limit": time_s}
    bounds: Any = np.stack([np.zeros(gain.size), most], axis=1)
    found = linprog(
        -gain,
        A_ub=rows,
        b_ub=upper,
        bounds=bounds,
        method="highs",
        options=limit,
    )
    if found.status != 0:
        return None
    price = np.maximum(-np.asarray(found.ineqlin.marginals), 0.0)
    reduced = np.maximum(gain - rows.T @ price, 0.0)
    bound = float(price @ upper + (reduced[reduced > 0.0] * most[reduced > 0.0]).sum())
    return Relaxed(np.asarray(found.x, np.float64), price, bound)


def relaxed_bound(gain: Floats, rows: Any, upper: Floats, most: Floats, time_s: float) -> float:
    """Return the bound of the programme without integers, infinite if there was no time."""
    found = relax(gain, rows, upper, most, time_s)
    return math.inf if found is None else found.bound
