"""The living tracks of the compiled engine: arrays with one column per track."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Bools, Bytes, Floats, Ints

_COLUMNS: dict[str, tuple[tuple[int, ...], type]] = {
    "mean": ((6,), np.float64),
    "covariance": ((21,), np.float64),
    "time_s": ((), np.float64),
    "number": ((), np.int32),
    "status": ((), np.uint8),
    "birth_s": ((), np.float64),
    "birth_period_s": ((), np.float64),
    "look": ((), np.int32),
    "history": ((), np.int64),
    "last_plot_s": ((), np.float64),
    "last_period_s": ((), np.float64),
    "hits": ((), np.int32),
    "replies": ((3,), np.int32),
    "sensors": ((), np.uint64),
}


class TrackStore:
    """Arrays of ``capacity`` columns, of which the first ``count`` are living tracks.

    Columns keep their order of birth. Capacity doubles when it is exceeded.
    """

    mean: Floats
    covariance: Floats
    time_s: Floats
    number: Ints
    status: Bytes
    birth_s: Floats
    birth_period_s: Floats
    look: Ints
    history: NDArray[np.int64]
    last_plot_s: Floats
    last_period_s: Floats
    hits: Ints
    replies: Ints
    sensors: NDArray[np.uint64]

    def __init__(self, capacity: int = 256) -> None:
        self.count = 0
        self.capacity = capacity
        for name, (shape, dtype) in _COLUMNS.items():
            setattr(self, name, np.zeros((*shape, capacity), dtype))

    def reserve(self, needed: int) -> None:
        """Make room for ``needed`` columns."""
        if needed <= self.capacity:
            return
        while self.capacity < needed:
            self.capacity *= 2
        for name, (shape, dtype) in _COLUMNS.items():
            grown: NDArray[Any] = np.zeros((*shape, self.capacity), dtype)
            grown[..., : self.count] = getattr(self, name)[..., : self.count]
            setattr(self, name, grown)

    def keep(self, alive: Bools) -> None:
        """Drop the columns that are not alive, closing the gaps in order."""
        rows = np.flatnonzero(alive)
        if rows.size == self.count:
            return
        for name in _COLUMNS:
            array = getattr(self, name)
            array[..., : rows.size] = array[..., rows]
        self.count = int(rows.size)
