"""What scheduled radars spent their time on, as a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: What a radar that is scheduled spends its time on, in order of ``Workload.used_s``.
TASKS = ("search", "confirm", "track")


@dataclass(frozen=True, slots=True)
class Workload:
    """How radars that share their time among tasks spent that of one window, one row each.

    Attributes
    ----------
    sensor : (W,) as in ``Plots.sensor``
    budget_s : (W,) time that there was, of all faces
    wanted_s, used_s : (W, 3) for each of ``TASKS``: asked for, and spent
    """

    sensor: NDArray[np.int32]
    budget_s: Floats
    wanted_s: Floats
    used_s: Floats

    @classmethod
    def none(cls) -> Workload:
        """Return a table without rows."""
        return cls(np.empty(0, np.int32), np.empty(0), np.empty((0, 3)), np.empty((0, 3)))

    def take(self, rows: slice) -> Workload:
        """Return the given rows as a new table."""
        return Workload(
            self.sensor[rows], self.budget_s[rows], self.wanted_s[rows], self.used_s[rows]
        )

    @property
    def saturated(self) -> NDArray[np.bool_]:
        """(W,) whether anything was dropped."""
        return np.asarray((self.shed_s > 1e-9).any(axis=1))

    @property
    def shed_s(self) -> Floats:
        """(W, 3) asked for, and dropped because there was no time."""
        shed: Floats = np.maximum(self.wanted_s - self.used_s, 0.0)
        return shed
