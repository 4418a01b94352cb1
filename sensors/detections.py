"""What a radar's threshold lets through, before it is measured."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.core.tables import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Detections:
    """Dwells whose power crossed the threshold, one row each.

    Attributes
    ----------
    time_s, power, truth_id : when, how strong, of what
    polar : (K, 4) exactly where
    thing : row of the turbine or vehicle that it is of, -1 if of none
    spread : (K, 4) of the parts of a merged echo about its place, 0 of one alone
    """

    time_s: Floats
    polar: Floats
    power: Floats
    truth_id: Ints
    thing: Ints
    spread: Floats

    def take(self, rows: Bools | NDArray[np.intp]) -> Detections:
        """Return the given rows as a new table."""
        return Detections(
            self.time_s[rows],
            self.polar[rows],
            self.power[rows],
            self.truth_id[rows],
            self.thing[rows],
            self.spread[rows],
        )

    @classmethod
    def join(cls, tables: list[Detections]) -> Detections:
        """Stack tables, in order."""
        if len(tables) == 1:
            return tables[0]
        names = [column.name for column in fields(cls)]
        return cls(*(np.concatenate([getattr(table, name) for table in tables]) for name in names))
