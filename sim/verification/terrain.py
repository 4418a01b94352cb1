"""Line of sight: the 4/3-earth horizon, as the sweep over a grid of ground finds it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.verification.check import Check

_CELL_M = 50.0
_SOURCE = (
    "d = √(2 k Re h₁) + √(2 k Re h₂), k = 4/3, Re = 6371 km (Schelleng, Burrows and Ferrell, "
    "Proc. IRE 21(3), 1933)"
)


def _reach_m(mast_m: float, target_m: float) -> Callable[[], float]:
    """Return what finds the farthest cell of level ground in which a target is seen."""

    def compute() -> float:
        from sim.core.sweep import lowest_visible  # numba: only where it runs

        level = np.zeros((3, 2400), np.float32)
        lowest_m = lowest_visible(level, 1, 0, cell_m=_CELL_M, eye_m=mast_m)[1]
        return _CELL_M * float(np.flatnonzero(lowest_m <= target_m).max())

    return compute


CHECKS: tuple[Check, ...] = tuple(
    Check(
        f"line of sight over level ground, mast {mast_m} m, target {target_m} m",
        "m",
        expected_m,
        _reach_m(mast_m, target_m),
        2 * _CELL_M,
        _SOURCE,
    )
    for mast_m, target_m, expected_m in (
        (30.0, 0.0, 22_576.0),
        (20.0, 50.0, 47_600.0),
        (20.0, 100.0, 59_700.0),
        (20.0, 300.0, 89_800.0),
    )
)
