"""How strong a radar may expect echoes to be, given what it knows of itself and of a place.

It knows its antenna, its pulses and filters, the air and the ground about it; of the target
it is told a place, and by how much jamming raises its noise there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensors.echoes import strengths
from sim.core.tables import Visibility

if TYPE_CHECKING:
    from sensors.radar_budget import Budget
    from sim.core.tables import Floats, Ints


def strengths_at(
    range_m: Floats,
    azimuth_rad: Floats,
    height_m: Floats,
    range_rate_mps: Floats,
    noise: Floats,
    kind: Ints,
    rotor_rcs: Floats,
    rotor_tip_mps: Floats,
    snr_of_unit_echo: float,
    budget: Budget,
) -> Floats:
    """Return what 1 m² brings against noise and clutter (K,), per pulse, as ``strengths``.

    Parameters
    ----------
    height_m : (K,) above what the budget's is counted from
    noise, kind, rotor_rcs, rotor_tip_mps : as in ``ExpectsEchoes``
    """
    polar = np.column_stack(
        [
            range_m,
            azimuth_rad,
            elevation_rad(range_m, azimuth_rad, height_m, budget),
            range_rate_mps,
        ]
    )
    found = strengths(
        polar,
        np.zeros((kind.size, 3)),  # without a course the aspect is none
        kind.astype(np.int32),
        np.ones(kind.size),
        noise,
        np.full(kind.size, Visibility.VISIBLE, np.uint8),
        np.ones((rotor_rcs.size, 2)),
        rotor_rcs,
        rotor_tip_mps,
        snr_of_unit_echo,
        budget,
    )
    strength: Floats = found[:, 0]
    return strength


def elevation_rad(range_m: Floats, azimuth_rad: Floats, height_m: Floats, budget: Budget) -> Floats:
    """Return the elevation of places (K,) by their height: the triangle to the earth's centre."""
    along, across = budget.way.curvature_per_m[1], budget.way.curvature_per_m[0]
    radius_m = 1.0 / (across + (along - across) * np.cos(azimuth_rad) ** 2)
    climb_m = height_m - budget.way.height_m
    between_m = 2.0 * radius_m + height_m + budget.way.height_m
    sine = (climb_m * between_m - range_m**2) / (2.0 * (radius_m + budget.way.height_m) * range_m)
    elevation: Floats = np.arcsin(np.clip(sine, -1.0, 1.0))
    return elevation
