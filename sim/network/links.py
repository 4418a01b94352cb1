"""Links: latency and loss of what is sent to where the picture is built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from sim.core.tables import Floats, Plots
from sim.world.windows import inside

Message = TypeVar("Message")
#: Times are sums of steps: what is due now may seem a rounding error away.
NOW_S = 1e-9


@dataclass(frozen=True, slots=True)
class Links:
    """One row per sender: how long what it sends travels, and what share never arrives.

    Attributes
    ----------
    latency_s, loss : (S,)
    outages : of each sender, the windows of time in which more is lost; empty without any
    outage_loss : (S,) what share is lost then
    """

    latency_s: Floats
    loss: Floats
    outages: tuple[Sequence[tuple[float, float]], ...] = ()
    outage_loss: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def hold_back_s(self) -> float:
        """How far the tracker stays behind, so that the slowest link's plots are in time."""
        return float(self.latency_s.max(initial=0.0))

    def loss_at(self, sender: int, time_s: Floats) -> Floats:
        """Return what share of what is sent at times (K,) never arrives."""
        loss = np.full(time_s.size, self.loss[sender])
        if self.outages and self.outages[sender]:
            worse = max(self.outage_loss[sender], self.loss[sender])
            loss[inside(self.outages[sender], time_s)] = worse
        return loss


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
        loss = self.links.loss_at(sensor, plots.time_s)
        if loss.any():
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


@dataclass(slots=True)
class Post(Generic[Message]):
    """Messages under way: each arrives as a whole, ``latency_s`` after it was sent, or never."""

    links: Links
    generators: list[np.random.Generator]
    _waiting: list[tuple[float, int, Message]] = field(default_factory=list)

    def send(self, sender: int, time_s: float, message: Message) -> None:
        """Put a message on its sender's link."""
        loss = float(self.links.loss_at(sender, np.array([time_s]))[0])
        if loss > 0.0 and self.generators[sender].random() < loss:
            return
        self._waiting.append((time_s + float(self.links.latency_s[sender]), sender, message))

    def receive(self, now_s: float) -> list[tuple[int, Message]]:
        """Hand over what has arrived, with its senders, in order of sending."""
        arrived = [(who, what) for due_s, who, what in self._waiting if due_s <= now_s + NOW_S]
        self._waiting = [letter for letter in self._waiting if letter[0] > now_s + NOW_S]
        return arrived
