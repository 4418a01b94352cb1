"""Relief: the 4/3-earth horizon as the sweep over a grid finds it, clutter and lobes of slopes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from sensors.surface import EFFECTIVE_CURVATURE_PER_M
from sim.verification.check import Check
from sim.world.environment import Environment

if TYPE_CHECKING:
    from sensors.profiles import Profiles
    from sim.core.tables import Floats

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


def _slope(rise: float, distance_m: Floats, base_m: float) -> Profiles:
    """Return ground that rises evenly outwards, all in sight."""
    from sensors.profiles import RAYS, Profiles

    ground_m = np.tile(base_m + rise * distance_m, (RAYS, 1))
    return Profiles(np.zeros(RAYS), distance_m, ground_m, np.ones(ground_m.shape, bool))


def _slope_clutter_dbsm() -> float:
    """Return the clutter of a slope of a half that faces the radar, 10 km away, as high as it."""
    from sensors.clutter import cell_rcs_m2
    from sensors.relief_clutter import grazing_over_relief_rad

    distance_m = np.array([9_970.0, 10_000.0, 10_030.0])
    level_m = 0.5 * EFFECTIVE_CURVATURE_PER_M * 1e8
    ground = _slope(0.5, distance_m, -5_000.0 - level_m)
    grazing_rad = grazing_over_relief_rad(ground, 0.0)[0, 1:2]
    land = Environment(land_cover="farmland")
    rcs_m2 = cell_rcs_m2(land, 10e3, grazing_rad, 10e9, np.radians(2.0), 150.0)
    return float(10.0 * np.log10(rcs_m2[0]))


def _slope_lobe_db(height_m: float) -> float:
    """Return F² of a target 20 km away over a sea that rises by a hundredth."""
    from sensors.facets import fitted
    from sensors.way import Way
    from sensors.way_kernels import lobes_over_relief

    calm = Environment(surface="sea", sea_state=0)
    facets = fitted(_slope(0.01, np.arange(30.0, 30_001.0, 30.0), 50.0), 30e3)
    way = Way.over(calm, 3e9, vertical=False)._replace(
        height_m=65.0, facets=facets, facets_reach_m=30e3
    )
    return float(10.0 * np.log10(lobes_over_relief(way, 1.0, 20e3, height_m, 1.0)))


_SIGHT = tuple(
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

CHECKS: tuple[Check, ...] = (
    *_SIGHT,
    Check(
        "land clutter of a slope of 1:2 that faces the radar, γ −15 dB, 10 km, 2° by 150 m",
        "dBsm",
        29.18,
        _slope_clutter_dbsm,
        0.02,
        "γ sin ψ R θ ΔR / cos ψ (Barton, Radar Equations for Modern Radar, 2013), by hand",
    ),
    *(
        Check(
            f"lobing off calm sea rising 1:100, mast 15 m, target {height_m:g} m, 20 km, 3 GHz",
            "dB",
            decibels,
            partial(_slope_lobe_db, height_m),
            0.05,
            "shortest way over the slope on a 4/3 earth, found by search; computed independently",
        )
        for height_m, decibels in ((300.0, 5.374), (360.0, 4.758), (500.0, 5.684))
    ),
)
