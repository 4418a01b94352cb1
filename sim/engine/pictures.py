"""From plots to the one picture that is recorded: by one tracker, or by one per site."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sim.core.tables import Floats, Ints, Plots, Tracks
from sim.network.links import Links, Mailbox, Post
from sim.tracking import Tracker, TrackerConfig
from sim.tracking.estimates import Estimates
from sim.tracking.federation import SiteTracker
from sim.tracking.fusion import FusionSettings, TrackFusion, side_by_side
from sim.tracking.history import Taken
from sim.tracking.registration import Biases

if TYPE_CHECKING:
    from sim.engine.chance import Chance
    from sim.engine.world import SiteSensors, World

#: A site counts as silent once so many reports in a row were lost at this probability.
_SILENCE_PROBABILITY = 1e-6
_SILENT_REPORTS_MIN = 5


class Picture(Protocol):
    """Where plots go, and where the picture comes from."""

    def take(self, plots: Sequence[Plots], time_s: float) -> None:
        """Take the plots of one step, which ends at ``time_s``: one table per sensor."""

    def tracks(self, time_s: float) -> Tracks:
        """Return the picture, extrapolated to the present."""

    @property
    def rejected(self) -> int:
        """Broken and late plots that were dropped so far."""

    def biases(self) -> list[tuple[Ints, Biases]]:
        """Return what registration found: sensors, and their biases in the same order."""


class CentralPicture:
    """All plots travel to one tracker.

    It works behind the clock by the slowest link's latency, and never sees which target a
    plot came from.
    """

    def __init__(self, tracker: Tracker, mailbox: Mailbox) -> None:
        self._tracker = tracker
        self._mailbox = mailbox

    def take(self, plots: Sequence[Plots], time_s: float) -> None:
        """Put plots on their links, and what has arrived into the picture."""
        for sensor, made in enumerate(plots):
            self._mailbox.send(sensor, made)
        heard_s = time_s - self._mailbox.links.hold_back_s
        self._tracker.process(self._mailbox.receive(heard_s).without_truth(), heard_s)

    def tracks(self, time_s: float) -> Tracks:
        """Return the tracker's picture."""
        return self._tracker.picture(time_s)

    def taken(self) -> Taken:
        """Return which plots the tracks took, if the tracker keeps them."""
        return self._tracker.taken()

    @property
    def rejected(self) -> int:
        """Plots that the tracker dropped."""
        return self._tracker.rejected.total

    def biases(self) -> list[tuple[Ints, Biases]]:
        """Return the tracker's."""
        found = self._tracker.biases()
        every = np.arange(len(self._tracker.sensors), dtype=np.int32)
        return [] if found is None else [(every, found)]


class StovePipedPicture:
    """Every site tracks what its own sensors see; nothing is sent, all pictures are shown."""

    def __init__(self, trackers: Sequence[SiteTracker]) -> None:
        self._trackers = trackers

    def take(self, plots: Sequence[Plots], time_s: float) -> None:
        """Give every site its own plots, at once and all of them."""
        made = Plots.concatenate(list(plots)).without_truth()
        for tracker in self._trackers:
            tracker.process(made, time_s)

    def tracks(self, time_s: float) -> Tracks:
        """Return the sites' pictures side by side."""
        return side_by_side([tracker.picture(time_s) for tracker in self._trackers])

    @property
    def rejected(self) -> int:
        """Plots that any tracker dropped."""
        return sum(tracker.rejected.total for tracker in self._trackers)

    def biases(self) -> list[tuple[Ints, Biases]]:
        """Return each site's."""
        found = [tracker.biases() for tracker in self._trackers]
        return [biases for biases in found if biases is not None]


class DistributedPicture(StovePipedPicture):
    """Every site tracks, and every step sends its confirmed tracks to where they are fused."""

    def __init__(
        self,
        trackers: Sequence[SiteTracker],
        post: Post[Estimates],
        config: TrackerConfig,
        step_s: float,
    ) -> None:
        super().__init__(trackers)
        self._post = post
        noise_m2ps3 = (config.process_noise_m2ps3, config.vertical_process_noise_m2ps3)
        self._fusion = TrackFusion(
            len(trackers), FusionSettings(noise_m2ps3, _silence_s(post.links, step_s))
        )

    def take(self, plots: Sequence[Plots], time_s: float) -> None:
        """Give every site its own plots, and fuse the reports that have arrived."""
        super().take(plots, time_s)
        for site, tracker in enumerate(self._trackers):
            self._post.send(site, time_s, tracker.estimates(time_s))
        for site, report in self._post.receive(time_s):
            self._fusion.receive(site, report)

    def tracks(self, time_s: float) -> Tracks:
        """Return the fused picture."""
        return self._fusion.picture(time_s)


def _silence_s(links: Links, step_s: float) -> float:
    """After this time without a report of a track, chance losses no longer explain it."""
    loss = max(float(links.loss.max(initial=0.0)), 1e-3)
    reports = max(_SILENT_REPORTS_MIN, math.ceil(math.log(_SILENCE_PROBABILITY) / math.log(loss)))
    return links.hold_back_s + reports * step_s


def open_picture(world: World, chance: Chance) -> Picture:
    """Return the empty picture that the scenario's tracker architecture asks for."""
    config, sites = world.spec.tracker, world.sites
    if config.architecture == "centralised":
        return open_central(world, chance)
    trackers = [SiteTracker(config, world.models, site.sensors) for site in sites]
    if config.architecture == "stove-piped":
        return StovePipedPicture(trackers)
    chances = [chance.generator(f"report/{site.id}") for site in sites]
    post = Post[Estimates](Links(*_links(sites)), chances)
    return DistributedPicture(trackers, post, config, world.step_s)


def open_central(world: World, chance: Chance, *, keep_plots: bool = False) -> CentralPicture:
    """Return the empty picture of one tracker."""
    sizes = [site.sensors.size for site in world.sites]
    links = Links(*(np.repeat(column, sizes) for column in _links(world.sites)))
    chances = [chance.generator(f"link/{sensor.id}") for sensor in world.sensors]
    tracker = Tracker(world.spec.tracker, world.models, keep_plots=keep_plots)
    return CentralPicture(tracker, Mailbox(links, chances))


def _links(sites: Sequence[SiteSensors]) -> tuple[Floats, Floats]:
    """Latency and loss of the sites' links."""
    return np.array([site.latency_s for site in sites]), np.array([site.loss for site in sites])
