"""Relief as the kernels of line of sight take it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from sim.core.tables import Floats
    from sim.world.relief import Floats32


class Obstacles(NamedTuple):
    """What relief may hide: a map, or the ground itself, or nothing where all are empty.

    Attributes
    ----------
    lowest_m : (N, N) the map
    cell_m : width of the map's cells, or least distance between the ground's nodes
    heights_m : (R, C) the ground
    lattice_row, lattice_column : (L, L) where in it the nodes of a lattice lie that is level
        east and north of the sensor, in its middle
    spacing_m : between the lattice's nodes
    level_m, highest_m, outside_m : the level, as the ground; its highest; where it ends
    """

    lowest_m: Floats32
    cell_m: float
    heights_m: Floats32
    lattice_row: Floats
    lattice_column: Floats
    spacing_m: float
    level_m: float
    highest_m: float
    outside_m: float

    @classmethod
    def none(cls) -> Obstacles:
        """Return those of smooth earth."""
        return cls.mapped(np.empty((0, 0), np.float32), 1.0)

    @classmethod
    def mapped(cls, lowest_m: Floats32, cell_m: float) -> Obstacles:
        """Return those of a map."""
        nothing, nowhere = np.empty((0, 0), np.float32), np.empty((0, 0))
        return cls(lowest_m, cell_m, nothing, nowhere, nowhere, 1.0, 0.0, 0.0, 0.0)
