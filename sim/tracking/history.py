"""Which plots each track took: kept where asked for, for a smoother after the fact."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from sim.core.tables import Bools, Floats, Indices, Ints, Plots
from sim.tracking.cycle import Cycle
from sim.tracking.turns import Turns

#: Of plots that a track took in part, the one more probable than all else is its own.
_OWN = 0.5


class Booked(NamedTuple):
    """What an engine did with the plots of one cycle.

    Attributes
    ----------
    row : (K,) of the caller's table; a plot of two targets is there twice
    number : (K,) of the track that took it, as it was called during the cycle
    shared : (K,) the plot may be of two targets that the sensor did not resolve
    was, now : (C,) numbers of tracks that were confirmed at the cycle's end, before and after
    """

    row: Ints
    number: Ints
    shared: Bools
    was: Ints
    now: Ints


def nothing_booked() -> Booked:
    """Return what a cycle without plots and confirmations leaves."""
    none = np.empty(0, np.int32)
    return Booked(none, none, np.empty(0, np.bool_), none, none)


def book_cycle(
    cycle: Cycle, turns: Turns | None, began: Indices, number: Ints, older: int
) -> Booked:
    """Return what the tracks took in a cycle, before any is confirmed.

    Parameters
    ----------
    turns : of the tracks that were there before
    began : (B,) rows of the cycle's plots that began tracks ``older``, ``older`` + 1 …
    number : (N,) of all tracks, new ones included
    """
    plot, track = began, older + np.arange(began.size)
    is_shared = np.zeros(cycle.row.size, np.bool_)
    if turns is not None and turns.first.size:
        is_shared[turns.plot[turns.shared]] = True
        heaviest = np.maximum.reduceat(
            np.append(turns.weight, 0.0), np.column_stack([turns.first, turns.last]).ravel()
        )[::2]
        own = heaviest > _OWN
        holder = np.repeat(np.arange(turns.start.size - 1), np.diff(turns.start))
        plot = np.concatenate([turns.heaviest[own], plot])
        track = np.concatenate([holder[own], track])
    nothing = nothing_booked()
    return nothing._replace(row=cycle.row[plot], number=number[track], shared=is_shared[plot])


@dataclass(frozen=True, slots=True)
class Taken:
    """Plots that tracks took, as a smoother wants them.

    Attributes
    ----------
    plots : as the filter took them: corrected by registration, and with larger errors where
        they may be of two targets; ``truth_id`` is not that of the plots
    number : (K,) of the track that took each: its air track number from its first plot on;
        negative if it was never confirmed
    was, now : (C,) negative numbers of tracks while tentative, ascending, and those that they
        were given
    """

    plots: Plots
    number: Ints
    was: Ints
    now: Ints

    def __len__(self) -> int:
        return len(self.plots)

    def number_of(self, number: Ints) -> Ints:
        """Return air track numbers, where tentative tracks got one, instead of negative ones."""
        if not self.was.size:
            return number.copy()
        at = np.minimum(np.searchsorted(self.was, number), self.was.size - 1)
        return np.where(self.was[at] == number, self.now[at], number)


class History:
    """All that was booked so far.

    Parameters
    ----------
    resolution : (S, 4) as in ``SensorModels``
    """

    def __init__(self, resolution: Floats) -> None:
        self._resolution = resolution
        self._plots: list[Plots] = []
        self._booked: list[Booked] = []

    def __len__(self) -> int:
        """Cycles booked."""
        return len(self._booked)

    def add(self, plots: Plots, booked: Booked) -> None:
        """Book one cycle; ``booked.row`` are rows of ``plots``."""
        took = plots.take(booked.row)
        blur = np.where(booked.shared[:, None], 0.5 * self._resolution[took.sensor], 0.0)
        self._plots.append(replace(took.without_truth(), sigma=np.hypot(took.sigma, blur)))
        self._booked.append(booked)

    def cut(self, cycles: int) -> None:
        """Forget all but the first ``cycles``."""
        del self._plots[cycles:], self._booked[cycles:]

    def taken(self) -> Taken:
        """Return what the tracks took, under the numbers that they have now."""
        number, was, now = (
            np.concatenate([np.empty(0, np.int32), *(getattr(b, name) for b in self._booked)])
            for name in ("number", "was", "now")
        )
        order = np.argsort(was)
        plots = Plots.concatenate(self._plots)
        taken = Taken(plots, number, was[order], now[order])
        return replace(taken, number=taken.number_of(number))
