"""Who shares a picture with whom: groups of sensors, and the pictures made from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from sim.core.tables import Indices, Ints, Plots, Tracks, TrackStatus, Truth
from sim.engine.pictures import LinkedPicture, Picture, links_of
from sim.network.links import Links, Mailbox
from sim.picture.looks import EchoFacts, Looks
from sim.scenario.defending import Defence
from sim.scenario.effector_spec import EffectorSpec
from sim.tracking import Poses
from sim.tracking.estimates import Estimates
from sim.tracking.federation import SiteTracker
from sim.tracking.fusion import beside, side_by_side
from sim.tracking.intake import Rejected
from sim.tracking.registration import Biases

if TYPE_CHECKING:
    from sim.engine.world import World
    from sim.world.chance import Chance


@dataclass(frozen=True, slots=True)
class Groups:
    """Pictures of a run: those that are shared, then those of single effectors' own sensors.

    Attributes
    ----------
    sensors : per picture, the rows of the sensors that feed it
    shared : how many of them are shared; those make the picture that is recorded
    of_effector, own : (E,) picture that each effector sees, and the one of its own sensors that
        it falls back on; −1 for none
    """

    sensors: tuple[Ints, ...]
    shared: int
    of_effector: Ints
    own: Ints

    def __len__(self) -> int:
        return len(self.sensors)


def groups_of(
    defence: Defence,
    effectors: Sequence[EffectorSpec],
    nation_of_sensor: Sequence[str | None],
    sensor_rows: Callable[[Sequence[str]], list[int]],
    on_their_own: Sequence[bool],
) -> Groups:
    """Form the groups that a scenario's sharing asks for.

    Parameters
    ----------
    effectors : one each, expanded
    nation_of_sensor : of every sensor; those of nobody are everybody's
    sensor_rows : rows of sensors by their ids
    on_their_own : per effector, whether its link or its nodes are ever down
    """
    n = len(nation_of_sensor)

    def of_nations(nations: set[str | None]) -> tuple[int, ...]:
        return tuple(k for k in range(n) if nation_of_sensor[k] in nations | {None})

    def partners(nation: str | None) -> set[str | None]:
        pairs = [set(pair) for pair in defence.bilateral if nation in pair]
        return {nation}.union(*pairs)

    wanted: list[tuple[int, ...]] = []
    for effector in effectors:
        if defence.sharing == "alliance":
            wanted.append(tuple(range(n)))
        elif defence.sharing == "national":
            wanted.append(of_nations({effector.nation}))
        elif defence.sharing == "bilateral":
            wanted.append(of_nations(partners(effector.nation)))
        else:
            wanted.append(tuple(sorted(sensor_rows(effector.sensors))))
    own = [
        tuple(sorted(sensor_rows(effector.sensors))) if alone else ()
        for effector, alone in zip(effectors, on_their_own, strict=True)
    ]
    # Who sees the same plans together, unless each nation keeps to itself.
    keys = [
        (effector.nation if defence.sharing == "national" else None, rows)
        for effector, rows in zip(effectors, wanted, strict=True)
    ]
    shared = [key for key in dict.fromkeys(keys) if key[1]]
    locals_ = [rows for rows in dict.fromkeys(own) if rows]
    return Groups(
        tuple(np.array(rows, np.int32) for rows in [key[1] for key in shared] + locals_),
        len(shared),
        np.array([shared.index(key) if key[1] else -1 for key in keys], np.int32),
        np.array([len(shared) + locals_.index(rows) if rows else -1 for rows in own], np.int32),
    )


class SharedPicture(LinkedPicture):
    """The plots of some sensors travel to one tracker that knows only these."""

    def __init__(self, tracker: SiteTracker, mailbox: Mailbox, echoes: EchoFacts) -> None:
        super().__init__(tracker, mailbox, echoes)
        self._own = tracker

    def biases(self) -> list[tuple[Ints, Biases]]:
        """Return the tracker's."""
        found = self._own.biases()
        return [] if found is None else [found]


class GroupedPicture:
    """Several pictures, each from the plots of its own sensors, side by side.

    Parameters
    ----------
    pictures : those that are shared
    sensors : rows of the sensors of each
    total : how many pictures number their tracks, those of single effectors included
    """

    def __init__(
        self, pictures: Sequence[SharedPicture], sensors: Sequence[Ints], total: int
    ) -> None:
        self._pictures = pictures
        self._sensors = [set(rows.tolist()) for rows in sensors]
        self._total = total

    def take(self, plots: Sequence[Plots], time_s: float, poses: Poses | None = None) -> None:
        """Give each picture the plots of its sensors."""
        for picture, own in zip(self._pictures, self._sensors, strict=True):
            heard = [made if row in own else Plots.empty() for row, made in enumerate(plots)]
            picture.take(heard, time_s, poses)

    def states(self, time_s: float) -> Estimates:
        """Return all pictures side by side."""
        return side_by_side([p.states(time_s) for p in self._pictures], self._total)

    def looks(self) -> Looks:
        """Return what the tracks of all pictures took."""
        looks = [picture.looks() for picture in self._pictures]
        return Looks.concatenate(
            [one.renumbered(beside(one.number, k, self._total)) for k, one in enumerate(looks)]
        )

    def site_tracks(self, time_s: float) -> tuple[Tracks, ...]:
        """Return none: sites do not track."""
        return ()

    @property
    def rejected_by_sensor(self) -> Indices:
        """Plots that any tracker dropped."""
        total: Indices = np.sum([one.rejected_by_sensor for one in self._pictures], axis=0)
        return total

    def biases(self) -> list[tuple[Ints, Biases]]:
        """Return each picture's."""
        return [biases for picture in self._pictures for biases in picture.biases()]


class OwnPictures:
    """Pictures of single effectors' own sensors, which no link can cut off."""

    def __init__(self, trackers: Sequence[SiteTracker], first: int, total: int) -> None:
        self._trackers = trackers
        self._first = first
        self._total = total

    def take(self, plots: Sequence[Plots], time_s: float, poses: Poses | None) -> None:
        """Take the plots of one step, at once and all of them."""
        if not self._trackers:
            return
        made = Plots.concatenate(list(plots)).without_truth()
        for tracker in self._trackers:
            if poses is not None:
                tracker.move_sensors(poses)
            tracker.process(made, time_s)

    def tracks(self, time_s: float) -> list[Tracks]:
        """Return each picture, by the numbers that its tracks have in the run."""
        pictures = []
        for k, tracker in enumerate(self._trackers):
            tracks = tracker.states(time_s).as_tracks()
            number = beside(tracks.number, self._first + k, self._total)
            pictures.append(replace(tracks, number=number))
        return pictures


def open_shared(world: World, groups: Groups, chance: Chance) -> Picture:
    """Return the empty pictures that are shared."""
    pictures = []
    for k, rows in enumerate(groups.sensors[: groups.shared]):
        tracker = SiteTracker(
            world.spec.tracker,
            world.models,
            rows,
            keep_latest=world.spec.picture.classification,
        )
        links = _only(links_of([s for s in world.sites for _ in s.sensors]), rows)
        chances = [chance.generator(f"link/{k}/{sensor.id}") for sensor in world.sensors]
        pictures.append(SharedPicture(tracker, Mailbox(links, chances), world.echoes))
    return GroupedPicture(pictures, groups.sensors[: groups.shared], len(groups))


def open_own(world: World, groups: Groups) -> OwnPictures:
    """Return the empty pictures of single effectors."""
    trackers = [
        SiteTracker(world.spec.tracker, world.models, rows)
        for rows in groups.sensors[groups.shared :]
    ]
    return OwnPictures(trackers, groups.shared, len(groups))


def _only(links: Links, rows: Ints) -> Links:
    """Return the links with those of other sensors' without latency: nobody waits for them."""
    latency_s = np.zeros_like(links.latency_s)
    latency_s[rows] = links.latency_s[rows]
    return replace(links, latency_s=latency_s)


class TruthPicture:
    """The truth as a picture, for studies of what a perfect picture would be worth.

    Parameters
    ----------
    sensors : how many the scenario has
    groups : how many copies of it there are side by side
    total : as of ``GroupedPicture``
    """

    def __init__(self, sensors: int, groups: int = 1, total: int = 1) -> None:
        self._sensors = sensors
        self._groups = groups
        self._total = total
        self._truth: Truth | None = None

    def see(self, truth: Truth) -> None:
        """Take in where everything is."""
        self._truth = truth

    def take(self, plots: Sequence[Plots], time_s: float, poses: Poses | None = None) -> None:
        """Take no plots."""

    def states(self, time_s: float) -> Estimates:
        """Return a confirmed track without error for each target that is there."""
        if self._truth is None:
            return Estimates.empty(time_s)
        rows = np.flatnonzero(self._truth.present)
        mean = np.hstack([self._truth.position_enu_m[rows], self._truth.velocity_enu_mps[rows]])
        n = rows.size
        one = Estimates(
            time_s=time_s,
            number=(rows + 1).astype(np.int32),
            mean=mean,
            covariance=np.tile(np.diag([1.0, 1.0, 1.0, 0.01, 0.01, 0.01]), (n, 1, 1)),
            last_plot_s=np.full(n, time_s),
            hits=np.full(n, 3, np.int32),
            sensors=np.full(n, np.uint64(2**64 - 1)),
            replies=np.zeros((n, 3), np.int32),
            status=np.full(n, TrackStatus.CONFIRMED, np.uint8),
        )
        return side_by_side([one] * self._groups, self._total) if self._total > 1 else one

    def targets_of(self, number: Ints) -> Ints:
        """Return which targets tracks stand for."""
        own = np.abs(number) // self._total if self._total > 1 else np.abs(number)
        return (own - 1).astype(np.int32)

    def looks(self) -> Looks:
        """Return nothing: no plots were taken."""
        return Looks.concatenate([])

    def site_tracks(self, time_s: float) -> tuple[Tracks, ...]:
        """Return none."""
        return ()

    @property
    def rejected_by_sensor(self) -> Indices:
        """Nothing is dropped."""
        return np.zeros((self._sensors + 1, len(fields(Rejected))), np.int64)

    def biases(self) -> list[tuple[Ints, Biases]]:
        """Return none."""
        return []
