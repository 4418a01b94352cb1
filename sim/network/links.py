"""Links from sensors to the tracker: latency and loss."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sim.core.tables import Floats, Plots


@dataclass(frozen=True, slots=True)
class Links:
    """One row per sensor: how long its plots travel, and what share never arrives.

    Attributes
    ----------
    latency_s, loss : (S,)
    """

    latency_s: Floats
    loss: Floats

    @property
    def hold_back_s(self) -> float:
        """How far the tracker stays behind, so that the slowest link's plots are in time."""
        return float(self.latency_s.max(initial=0.0))


@dataclass(slots=True)
class Mailbox:
    """Plots under way. Those of all links are handed on together, in order of their time.

    The tracker works ``hold_back_s`` behind the clock; by then every plot of that time
    has arrived or is lost, so that latency delays the picture but never disorders it.
    """

    links: Links
    generators: list[np.random.Generator]
    _waiting: list[Plots] = field(default_factory=list)

    def send(self, sensor: int, plots: Plots) -> None:
        """Put one sensor's new plots on its link."""
        loss = float(self.links.loss[sensor])
        if loss > 0.0 and len(plots):
            plots = plots.take(self.generators[sensor].random(len(plots)) >= loss)
        if len(plots):
            self._waiting.append(plots)

    def receive(self, until_s: float) -> Plots:
        """Hand over all plots made at or before ``until_s``."""
        ready: list[Plots] = []
        waiting: list[Plots] = []
        for plots in self._waiting:
            due = plots.time_s <= until_s
            if due.all():
                ready.append(plots)
            elif not due.any():
                waiting.append(plots)
            else:
                ready.append(plots.take(due))
                waiting.append(plots.take(~due))
        self._waiting = waiting
        return Plots.concatenate(ready)
