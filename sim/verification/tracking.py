"""The tracking core and the metrics against published numbers."""

from __future__ import annotations

from functools import cache

import numpy as np

from sim.core.gaussian import PACKED_ROW, kalman_cycle
from sim.core.intersection import intersect
from sim.core.joint_events import count_joint_events
from sim.core.motion import predict_constant_velocity
from sim.core.tables import Floats
from sim.metrics.consistency import mean_bounds
from sim.metrics.sets import gospa, ospa
from sim.verification.check import Check

_JPDA = "MathWorks, documentation of jpdaEvents"
_INTERSECTION = "covariance intersection, determinant criterion, minimised independently"
_RICCATI = "modified Riccati equation, iterated independently to its fixed point"
_METRICS = "assignments of the example enumerated by hand"
_CHI2 = "quantiles of χ² (Bar-Shalom, Li and Kirubarajan 2001, 5.4)"

_X = np.array([[0, 0, 0], [100, 0, 0], [0, 200, 0], [1000, 1000, 0]], float)
_Y = np.array([[10, 0, 0], [100, 30, 0], [5000, 0, 0]], float)
#: Rows are measurements, columns tracks; of the validation matrix the clutter column is left out.
_VALIDATION = np.array(
    [[1, 1, 1, 1, 0, 1], [0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0], [1, 1, 1, 0, 0, 0], [1] * 5 + [1]]
)


def _joint_events() -> float:
    rows, column = np.nonzero(_VALIDATION)
    start = np.searchsorted(rows, np.arange(len(_VALIDATION) + 1)).astype(np.int32)
    return float(count_joint_events(start, column.astype(np.int32), _VALIDATION.shape[1]))


@cache
def _intersection() -> tuple[Floats, Floats, float]:
    return intersect(
        np.array([1.0, -2.0]),
        np.diag([3.0, 0.4]),
        np.array([-2.0, -1.0]),
        np.array([[2.0, -0.8], [-0.8, 1.0]]),
    )


@cache
def _steady_state(detection_probability: float) -> tuple[float, float, float]:
    """Variance of place and of speed, and their covariance: T 1 s, q 1 m²/s³, R 10 m²."""
    P, packed = np.eye(6) * 50.0, np.empty((21, 1))
    rows, columns = np.triu_indices(6)
    noise = np.array([10.0, 0.0, 0.0, 10.0, 0.0, 10.0])[:, None]
    for _ in range(300):
        predicted = P.copy()
        predict_constant_velocity(np.zeros(6), predicted, 1.0, 1.0, 1.0)
        packed[PACKED_ROW[rows, columns], 0] = P[rows, columns]
        kalman_cycle(np.zeros((6, 1)), packed, np.zeros((3, 1)), noise, 1.0, 1.0)
        updated = packed[PACKED_ROW[:6, :6], 0]
        P = detection_probability * updated + (1.0 - detection_probability) * predicted
    return float(P[0, 0]), float(P[3, 3]), float(P[0, 3])


def _riccati(pd: float, printed: tuple[float, float, float]) -> list[Check]:
    parts = (("position variance", "m²"), ("velocity variance", "m²/s²"), ("covariance", "m²/s"))
    return [
        Check(
            f"steady state at Pd {pd:g}: {name}",
            unit,
            printed[k],
            lambda k=k: _steady_state(pd)[k],  # type: ignore[misc]
            2e-6,
            _RICCATI,
        )
        for k, (name, unit) in enumerate(parts)
    ]


CHECKS = (
    Check("joint events of a validation matrix", "", 574.0, _joint_events, 0.0, _JPDA),
    Check("covariance intersection: weight", "", 0.564516, lambda: _intersection()[2], 1e-6,
          _INTERSECTION),
    Check("covariance intersection: x₁", "", -0.445155, lambda: float(_intersection()[0][0]), 1e-6,
          _INTERSECTION),
    Check("covariance intersection: x₂", "", -1.881992, lambda: float(_intersection()[0][1]), 1e-6,
          _INTERSECTION),
    Check("covariance intersection: determinant", "", 1.023094,
          lambda: float(np.linalg.det(_intersection()[1])), 1e-6, _INTERSECTION),
    *_riccati(1.0, (5.485276, 2.081564, 2.124788)),
    *_riccati(0.9, (6.688365, 2.231652, 2.448469)),
    Check("OSPA of four and three points, c 500 m", "m", 353.906767, lambda: ospa(_X, _Y, 500.0),
          1e-6, _METRICS),
    Check("GOSPA of the same, α 2", "m", 613.188389, lambda: gospa(_X, _Y, 500.0).distance_m, 1e-6,
          _METRICS),
    Check("mean NEES, 6 states, 100 runs: lower 95 % bound", "", 5.340,
          lambda: mean_bounds(6, 100)[0], 5e-4, _CHI2),
    Check("mean NEES, 6 states, 100 runs: upper 95 % bound", "", 6.698,
          lambda: mean_bounds(6, 100)[1], 5e-4, _CHI2),
    Check("mean NIS, 3 components, 50 runs: lower 95 % bound", "", 2.360,
          lambda: mean_bounds(3, 50)[0], 5e-4, _CHI2),
    Check("mean NIS, 3 components, 50 runs: upper 95 % bound", "", 3.716,
          lambda: mean_bounds(3, 50)[1], 5e-4, _CHI2),
)  # fmt: skip
