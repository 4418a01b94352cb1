"""Tables over range, folded by each pulse rate of a dwell."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sensors.relief_clutter import mean_between

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.core.tables import Floats

#: Columns of a table; they go by the root of the range.
RANGES = 512
#: Clutter nearer than this is under the antenna.
_NEAREST_M = 50.0


class FoldedRanges(NamedTuple):
    """Where what comes back from any range appears, for each pulse rate."""

    unambiguous_m: Floats
    range_max_m: float

    def none(self) -> Floats:
        """Return (P, B) of nothing."""
        return np.zeros((self.unambiguous_m.size, RANGES))

    def folded(self, power: Callable[[Floats], Floats]) -> Floats:
        """Return (P, B) sums over all folds of a power, a function of range."""
        table = self.none()
        for row, span_m in enumerate(self.unambiguous_m):
            shown_m = span_m * (np.arange(RANGES) / (RANGES - 1.0)) ** 2
            for fold in range(self._folds(span_m)):
                table[row] += power(np.maximum(shown_m + fold * span_m, _NEAREST_M))
        return table

    def folded_means(self, distance_m: Floats, power: Floats) -> Floats:
        """Return (S · P, B) sums over all folds of a power (S, R) at distances (R,).

        Each column holds the mean over what is nearer to it than to its neighbours.
        """
        sectors, rates = len(power), self.unambiguous_m.size
        table = np.zeros((sectors, rates, RANGES))
        power = np.where(distance_m < _NEAREST_M, 0.0, power)
        edge = (np.clip(np.arange(RANGES + 1) - 0.5, 0.0, RANGES - 1.0) / (RANGES - 1.0)) ** 2
        for row, span_m in enumerate(self.unambiguous_m):
            for fold in range(self._folds(span_m)):
                edge_m = span_m * (edge + fold)
                table[:, row] += mean_between(distance_m, power, edge_m[:-1], edge_m[1:])
        return table.reshape(sectors * rates, RANGES)

    def _folds(self, span_m: float) -> int:
        return max(1, int(np.ceil(self.range_max_m / span_m)))
