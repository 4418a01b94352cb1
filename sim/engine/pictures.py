"""From plots to the one picture that is recorded: by one tracker, or by one per site."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sim.core.tables import Indices, Ints, Plots, Tracks
from sim.engine.hindrance import NoiseHeard
from sim.network.links import NOW_S, Links, Mailbox, Post
from sim.picture.looks import EchoFacts, Looks
from sim.tracking import Poses, Tracker, TrackerConfig
from sim.tracking.estimates import Estimates
from sim.tracking.federation import SiteTracker
from sim.tracking.fusion import FusionSettings, TrackFusion, beside, side_by_side
from sim.tracking.history import Taken
from sim.tracking.registration import Biases

if TYPE_CHECKING:
    from sim.engine.world import SiteSensors, World
    from sim.world.chance import Chance

#: A site counts as silent once so many reports in a row were lost at this probability.
_SILENCE_PROBABILITY = 1e-6
_SILENT_REPORTS_MIN = 5
#: The picture's classes ask for looks more often than this.
_LOOKS_S = 10.0


class Picture(Protocol):
    """Where plots go, and where the picture comes from."""

    def take(self, plots: Sequence[Plots], time_s: float, poses: Poses | None = None) -> None:
        """Take the plots of one step, which ends at ``time_s``: one table per sensor.

        ``poses`` tells where the sensors that move made them; None if none moves.
        """

    def states(self, time_s: float) -> Estimates:
        """Return the picture, extrapolated to the present."""

    def looks(self) -> Looks:
        """Return what plots said of the picture's confirmed tracks since the last call."""

    def site_tracks(self, time_s: float) -> tuple[Tracks, ...]:
        """Return the sites' own tracks, as ``Snapshot.site_tracks``."""

    @property
    def rejected_by_sensor(self) -> Indices:
        """Broken and late plots that were dropped so far, as ``Tracker.rejected_by_sensor``."""

    def biases(self) -> list[tuple[Ints, Biases]]:
        """Return what registration found: sensors, and their biases in the same order."""


class LinkedPicture:
    """Plots travel over links to one tracker.

    It works behind the clock by the slowest link's latency, and never sees which target a
    plot came from.
    """

    def __init__(self, tracker: Tracker | SiteTracker, mailbox: Mailbox, echoes: EchoFacts) -> None:
        self._tracker = tracker
        self._mailbox = mailbox
        self._echoes = echoes
        self._noise = NoiseHeard(mailbox.links.hold_back_s + _LOOKS_S)
        # Ends of the steps that are not yet all heard, and where sensors were in them.
        self._poses: deque[tuple[float, Poses]] = deque()

    def take(self, plots: Sequence[Plots], time_s: float, poses: Poses | None = None) -> None:
        """Put plots on their links, and what has arrived into the picture."""
        for sensor, made in enumerate(plots):
            self._mailbox.send(sensor, made)
        self._noise.hear(poses, time_s)
        heard_s = time_s - self._mailbox.links.hold_back_s
        if poses is not None:
            self._poses.append((time_s, poses))
            while self._poses[0][0] < heard_s - NOW_S:
                end_s, then = self._poses.popleft()
                self._tracker.move_sensors(then)
                self._hear(end_s)
            self._tracker.move_sensors(self._poses[0][1])
            if self._poses[0][0] <= heard_s + NOW_S:
                self._poses.popleft()
        self._hear(heard_s)

    def _hear(self, until_s: float) -> None:
        self._tracker.process(self._mailbox.receive(until_s).without_truth(), until_s)

    def states(self, time_s: float) -> Estimates:
        """Return the tracker's picture."""
        return self._tracker.states(time_s)

    def looks(self) -> Looks:
        """Return what the tracker's tracks took."""
        plots, number = self._tracker.latest_taken()
        return Looks.of(plots, number, self._echoes, self._noise.at(plots))

    def site_tracks(self, time_s: float) -> tuple[Tracks, ...]:
        """Return none: sites do not track."""
        return ()

    @property
    def rejected_by_sensor(self) -> Indices:
        """Plots that the tracker dropped."""
        return self._tracker.rejected_by_sensor


class CentralPicture(LinkedPicture):
    """All plots travel to one tracker that knows all sensors."""

    def __init__(self, tracker: Tracker, mailbox: Mailbox, echoes: EchoFacts) -> None:
        super().__init__(tracker, mailbox, echoes)
        self._whole = tracker

    def taken(self) -> Taken:
        """Return which plots the tracks took, if the tracker keeps them."""
        return self._whole.taken()

    def biases(self) -> list[tuple[Ints, Biases]]:
        """Return the tracker's."""
        found = self._whole.biases()
        every = np.arange(len(self._whole.sensors), dtype=np.int32)
        return [] if found is None else [(every, found)]


class StovePipedPicture:
    """Every site tracks what its own sensors see; nothing is sent, all pictures are shown."""

    def __init__(self, trackers: Sequence[SiteTracker], echoes: EchoFacts) -> None:
        self._trackers = trackers
        self._echoes = echoes
        self._noise = NoiseHeard(_LOOKS_S)

    def take(self, plots: Sequence[Plots], time_s: float, poses: Poses | None = None) -> None:
        """Give every site its own plots, at once and all of them."""
        made = Plots.concatenate(list(plots)).without_truth()
        self._noise.hear(poses, time_s)
        for tracker in self._trackers:
            if poses is not None:
                tracker.move_sensors(poses)
            tracker.process(made, time_s)

    def states(self, time_s: float) -> Estimates:
        """Return the sites' pictures side by side."""
        return side_by_side([tracker.states(time_s) for tracker in self._trackers])

    def looks(self) -> Looks:
        """Return what the tracks of all sites took."""
        sites = len(self._trackers)
        looks = [self._looks_of(tracker) for tracker in self._trackers]
        return Looks.concatenate(
            [one.renumbered(beside(one.number, site, sites)) for site, one in enumerate(looks)]
        )

    def _looks_of(self, tracker: SiteTracker) -> Looks:
        plots, number = tracker.latest_taken()
        return Looks.of(plots, number, self._echoes, self._noise.at(plots))

    def site_tracks(self, time_s: float) -> tuple[Tracks, ...]:
        """Return none: they are the picture."""
        return ()

    @property
    def rejected_by_sensor(self) -> Indices:
        """Plots that any tracker dropped."""
        total: Indices = np.sum([one.rejected_by_sensor for one in self._trackers], axis=0)
        return total

    def biases(self) -> list[tuple[Ints, Biases]]:
        """Return each site's."""
        found = [tracker.biases() for tracker in self._trackers]
        return [biases for biases in found if biases is not None]


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What a site sends every step: its confirmed tracks, and what their plots said besides."""

    estimates: Estimates
    looks: Looks


class DistributedPicture(StovePipedPicture):
    """Every site tracks, and every step sends its confirmed tracks to where they are fused."""

    def __init__(
        self,
        trackers: Sequence[SiteTracker],
        echoes: EchoFacts,
        post: Post[SiteReport],
        config: TrackerConfig,
        step_s: float,
    ) -> None:
        super().__init__(trackers, echoes)
        self._post = post
        noise_m2ps3 = (config.process_noise_m2ps3, config.vertical_process_noise_m2ps3)
        self._fusion = TrackFusion(
            len(trackers), FusionSettings(noise_m2ps3, _silence_s(post.links, step_s))
        )
        self._known: list[Estimates] = [Estimates.empty() for _ in trackers]
        self._looks: list[Looks] = []

    def take(self, plots: Sequence[Plots], time_s: float, poses: Poses | None = None) -> None:
        """Give every site its own plots, and fuse the reports that have arrived."""
        super().take(plots, time_s, poses)
        for site, tracker in enumerate(self._trackers):
            self._known[site] = tracker.estimates(time_s)
            report = SiteReport(self._known[site], self._looks_of(tracker))
            self._post.send(site, time_s, report)
        for site, report in self._post.receive(time_s):
            self._fusion.receive(site, report.estimates)
            system = self._fusion.system_numbers(site, report.looks.number)
            self._looks.append(report.looks.renumbered(system))

    def states(self, time_s: float) -> Estimates:
        """Return the fused picture."""
        return self._fusion.states(time_s)

    def looks(self) -> Looks:
        """Return what the reports that arrived said, of tracks that the picture holds."""
        looks, self._looks = Looks.concatenate(self._looks), []
        return looks

    def site_tracks(self, time_s: float) -> tuple[Tracks, ...]:
        """Return of each site's tracks those that the fused picture holds, by its numbers."""
        told = []
        for site, known in enumerate(self._known):
            system = self._fusion.system_numbers(site, known.number)
            told.append(replace(known, number=system).take(system > 0).as_tracks())
        return tuple(told)


class DeafPicture:
    """Another picture that never hears one of the sensors."""

    def __init__(self, picture: Picture, sensor: int) -> None:
        self._picture = picture
        self._sensor = sensor

    def take(self, plots: Sequence[Plots], time_s: float, poses: Poses | None = None) -> None:
        """Take the plots of all other sensors."""
        heard = [Plots.empty() if s == self._sensor else made for s, made in enumerate(plots)]
        self._picture.take(heard, time_s, poses)

    def states(self, time_s: float) -> Estimates:
        """Return the other picture."""
        return self._picture.states(time_s)

    def looks(self) -> Looks:
        """Return what the other picture's tracks took."""
        return self._picture.looks()

    def site_tracks(self, time_s: float) -> tuple[Tracks, ...]:
        """Return the sites' own tracks."""
        return self._picture.site_tracks(time_s)

    @property
    def rejected_by_sensor(self) -> Indices:
        """Plots that were dropped."""
        return self._picture.rejected_by_sensor

    def biases(self) -> list[tuple[Ints, Biases]]:
        """Return what registration found."""
        return self._picture.biases()


def _silence_s(links: Links, step_s: float) -> float:
    """After this time without a report of a track, chance losses no longer explain it."""
    loss = max(float(links.loss.max(initial=0.0)), 1e-3)
    reports = max(_SILENT_REPORTS_MIN, math.ceil(math.log(_SILENCE_PROBABILITY) / math.log(loss)))
    return links.hold_back_s + reports * step_s


def open_picture(world: World, chance: Chance) -> Picture:
    """Return the empty picture that the scenario's tracker architecture asks for."""
    config, sites, echoes = world.spec.tracker, world.sites, world.echoes
    keep_latest = world.spec.picture.classification
    if config.architecture == "centralised":
        return open_central(world, chance)
    trackers = [
        SiteTracker(config, world.models, site.sensors, keep_latest=keep_latest) for site in sites
    ]
    if config.architecture == "stove-piped":
        return StovePipedPicture(trackers, echoes)
    chances = [chance.generator(f"report/{site.id}") for site in sites]
    post = Post[SiteReport](links_of(sites), chances)
    return DistributedPicture(trackers, echoes, post, config, world.step_s)


def open_central(world: World, chance: Chance, *, keep_plots: bool = False) -> CentralPicture:
    """Return the empty picture of one tracker."""
    links = links_of([site for site in world.sites for _ in site.sensors])
    chances = [chance.generator(f"link/{sensor.id}") for sensor in world.sensors]
    keep_latest = world.spec.picture.classification
    tracker = Tracker(
        world.spec.tracker, world.models, keep_plots=keep_plots, keep_latest=keep_latest
    )
    return CentralPicture(tracker, Mailbox(links, chances), world.echoes)


def links_of(sites: Sequence[SiteSensors]) -> Links:
    """Return the links of sites, one for each mention."""
    return Links(
        latency_s=np.array([site.latency_s for site in sites]),
        loss=np.array([site.loss for site in sites]),
        outages=tuple(site.outages + site.jammed for site in sites),
        outage_loss=np.array([site.outage_loss for site in sites]),
    )
