"""Where a sensor stands, and what it could see or hear from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensors.sight import Sight

if TYPE_CHECKING:
    from sim.core.tables import Floats
    from sim.world.surroundings import Surroundings


class Stand(Sight):
    """A place."""

    @classmethod
    def at(cls, position_enu_m: Floats, surroundings: Surroundings) -> Sight:
        """Return a place in the scenario's frame."""
        return Sight.over(surroundings, position_enu_m, 50e3)
