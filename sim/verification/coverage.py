"""Coverage: confirmation, ways through sensors, and what they cannot avoid."""

from __future__ import annotations

import numpy as np

from sim.core.tables import Floats
from sim.coverage.breach import maximal_breach
from sim.coverage.confirmation import Rule, confirmed_after
from sim.coverage.paths import weakest_crossing
from sim.verification.check import Check

_RUNS = "count of the outcomes of ten tosses of a coin with such a run"
_EXPOSURE = "Meguerdichian et al., MobiCom 2001: 2·asinh 1 + π/2 by the closed form of ∫1/d ds"
_BREACH = "Voronoi edges of a row of sensors: half their distance"

_CONFIRMED = ((2, 2, 0.85938), (2, 3, 0.94141), (3, 5, 0.81836))


def _confirmed(hits: int, looks: int) -> float:
    return float(confirmed_after(np.full(10, 0.5), hits, looks, Rule.SLIDING)[-1])


def _square(half_m: float, cells: int) -> tuple[Floats, Floats]:
    at_m = np.linspace(-half_m, half_m, cells)
    north_m, east_m = np.meshgrid(at_m, at_m, indexing="ij")
    return east_m.copy(), north_m.copy()


def _least_exposure() -> float:
    """From (1, −1) to (−1, 1) past a sensor in the middle whose rate is one over the distance."""
    east_m, north_m = _square(1.0, 401)
    distance_m = np.hypot(east_m, north_m)
    rate = 1.0 / np.maximum(distance_m, 0.25 * (east_m[0, 1] - east_m[0, 0]))
    starts, goals = np.zeros(rate.shape, bool), np.zeros(rate.shape, bool)
    starts[0, -1] = goals[-1, 0] = True
    way = weakest_crossing(
        rate[None], east_m, north_m, speed_mps=1.0, neighbours=32, starts=starts, goals=goals
    )
    return way.exposure


def _breach() -> float:
    """Past five sensors in a row, 2 km from each other, from end to end of the band."""
    east_m, north_m = _square(4000.0, 161)
    sensors_m = np.column_stack([np.arange(-4000.0, 4001.0, 2000.0), np.zeros(5)])
    return maximal_breach(east_m, north_m, sensors_m).closest_m


CHECKS = (
    *(
        Check(
            f"{hits} of {looks} within ten looks at Pd 0.5",
            "",
            printed,
            lambda hits=hits, looks=looks: _confirmed(hits, looks),  # type: ignore[misc]
            5.1e-6,
            _RUNS,
        )
        for hits, looks, printed in _CONFIRMED
    ),
    Check(
        "least exposure past one sensor",
        "",
        3.333544,
        _least_exposure,
        0.005 * 3.333544,
        _EXPOSURE,
    ),
    Check("breach of a row 2 km apart", "m", 1000.0, _breach, 0.5, _BREACH),
)
