"""Whether two places in the air or on the ground see each other over a smooth earth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.core.geodesy import MEAN_EARTH_RADIUS_M

if TYPE_CHECKING:
    from sim.core.tables import Bools, Floats
    from sim.world.surroundings import Surroundings

_TWICE_RADIUS_M = 2.0 * 4.0 / 3.0 * MEAN_EARTH_RADIUS_M


def clears_the_earth(one_enu_m: Floats, other_enu_m: Floats, surroundings: Surroundings) -> Bools:
    """Tell which pairs of places (K, 3) see each other, with the bending of standard air.

    d ≤ √(2 k Rₑ h₁) + √(2 k Rₑ h₂), k = 4/3, heights above the ground right below.
    """
    reach = np.sqrt(_height_m(one_enu_m, surroundings)) + np.sqrt(
        _height_m(other_enu_m, surroundings)
    )
    distance_m = np.linalg.norm(other_enu_m - one_enu_m, axis=-1)
    clear: Bools = distance_m <= np.sqrt(_TWICE_RADIUS_M) * reach
    return clear


def _height_m(position_enu_m: Floats, surroundings: Surroundings) -> Floats:
    height_m = surroundings.frame.height_m_of(position_enu_m)
    above: Floats = np.maximum(height_m - surroundings.ground_m(position_enu_m), 0.0)
    return above
