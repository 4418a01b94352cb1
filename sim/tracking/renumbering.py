"""Air track numbers that survive a return to the past.

When late plots make an engine go back and take plots again, it hands out anew the numbers
that it had given since then. What was shown must stay: a target keeps the number that
users know.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from sim.core.tables import Floats, Ints
from sim.tracking.estimates import Estimates

#: Two states further apart than this many sigmas (over position and velocity) are two tracks.
_SIGMAS = 6.0


class Numbers:
    """The engine's numbers on one side, those that are shown on the other."""

    def __init__(self) -> None:
        self._shown = np.zeros(1, np.int32)
        self._given = 0

    def of(self, number: Ints) -> Ints:
        """Return what to show for the engine's numbers; tentative ones (negative) stay."""
        highest = int(number.max(initial=0))
        if highest >= self._shown.size:
            grown = np.zeros(max(highest + 1, 2 * self._shown.size), np.int32)
            grown[: self._shown.size] = self._shown
            self._shown = grown
        confirmed = number > 0
        new = np.unique(number[confirmed & (self._shown[np.maximum(number, 0)] == 0)])
        self._shown[new] = self._given + 1 + np.arange(new.size)
        self._given += new.size
        return np.where(confirmed, self._shown[np.maximum(number, 0)], number)

    def seen(self, number: Ints) -> Ints:
        """Return what was shown for the engine's numbers; 0 for one that never was."""
        known = np.where(number < self._shown.size, number, 0)
        return np.where(number > 0, self._shown[np.maximum(known, 0)], number)

    def rematch(self, before: Estimates, after: Estimates, kept: int) -> None:
        """Let tracks taken again keep their numbers.

        Parameters
        ----------
        before, after : confirmed tracks at one time, as they were and as they are now, both
            with the engine's numbers
        kept : numbers up to this one were given before the return and mean the same tracks
        """
        old = before.take(before.number > kept)
        new = after.take(after.number > kept)
        shown = self.of(old.number)
        self._shown[kept + 1 :] = 0
        if not (len(old) and len(new)):
            return
        distance = _distances(old, new)
        rows, columns = linear_sum_assignment(np.minimum(distance, 2.0 * _SIGMAS))
        same = distance[rows, columns] < _SIGMAS
        highest = int(new.number.max())
        if highest >= self._shown.size:
            self._shown = np.append(self._shown, np.zeros(highest + 1 - self._shown.size, np.int32))
        self._shown[new.number[columns[same]]] = shown[rows[same]]


def _distances(old: Estimates, new: Estimates) -> Floats:
    """Mahalanobis distance of every old to every new state, in the old ones' covariance."""
    apart = new.mean[None] - old.mean[:, None]
    weighted = np.linalg.solve(old.covariance[:, None], apart[..., None])[..., 0]
    distance: Floats = np.sqrt(np.maximum((apart * weighted).sum(axis=-1), 0.0))
    return distance
