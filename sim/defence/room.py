"""The defence from step to step: groups of effectors, each with the picture that it sees."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sim.core.shots import DefenceStep, Effects, Shots, Why
from sim.core.tables import Bools, Bytes, Floats, Identity, Indices, Ints, Tracks
from sim.defence.command import ALONE, Decisions, Nodes, weapons_of
from sim.defence.effectors import Effectors, Stocks
from sim.defence.engagements import Engagements, Moving
from sim.defence.planner import Doctrine, Readiness, Situation, decide
from sim.defence.rules import Escalation, Restrictions, Standing, Weapons
from sim.defence.threats import Assets, damage_of, evaluate
from sim.world.frames import Frame
from sim.world.windows import holds

#: What the picture's words say of the chance that a track is hostile, where it tells no
#: probability; of unknown and pending tracks the scenario decides.
_HOSTILITY = {
    Identity.FRIEND: 0.01,
    Identity.ASSUMED_FRIEND: 0.05,
    Identity.NEUTRAL: 0.02,
    Identity.SUSPECT: 0.8,
    Identity.HOSTILE: 0.97,
}
_FRIENDLY = (Identity.FRIEND, Identity.ASSUMED_FRIEND, Identity.NEUTRAL)
#: A class counts as known from this probability on.
_KNOWN = 0.8
_BALLISTIC_HEIGHT_M = 30_000.0

#: Which of the tracks (M, 3) at heights (M,) effectors (rows) at places (E, 3) can see.
Sees = Callable[[Indices, Floats, Floats, Floats], Bools]


@dataclass(frozen=True, slots=True)
class View:
    """One picture, as those who share it see it.

    Attributes
    ----------
    tracks : confirmed and tentative ones, by the numbers that they have in the run
    hostility : (M,) probability that each is hostile, NaN or empty where only words tell
    class_probabilities : (M, K), NaN where none is told; (M, 0) without classification
    """

    tracks: Tracks
    hostility: Floats
    class_probabilities: Floats


@dataclass(frozen=True, slots=True)
class Stage:
    """What the defence of a scenario is, and does not change.

    Attributes
    ----------
    links_down_s : per effector, the windows in which neither picture nor orders reach it
    local : (E,) index of the picture of its own sensors, −1 for none; it fights on that one
        while its link is down
    groups : pictures that are shared; own ones have the indices after them
    classes : names of the K classes that pictures tell
    unknown_hostility : of tracks of which nothing tells
    alone : weapons state of an effector that no node commands
    """

    effectors: Effectors
    nodes: Nodes
    assets: Assets
    restrictions: Restrictions
    doctrine: Doctrine
    levels: tuple[tuple[int, Weapons], ...]
    calm_s: float
    alone: Weapons
    unknown_hostility: float
    links_down_s: tuple[Sequence[tuple[float, float]], ...]
    local: Ints
    groups: int
    classes: tuple[str, ...]
    crewed: frozenset[str]
    frame: Frame
    sees: Sees


@dataclass(slots=True)
class _Told:
    """What the last plan told of tracks."""

    track: Ints = field(default_factory=lambda: np.empty(0, np.int32))
    why: Bytes = field(default_factory=lambda: np.empty(0, np.uint8))
    worth: Floats = field(default_factory=lambda: np.empty(0))
    time_to_go_s: Floats = field(default_factory=lambda: np.empty(0))


class Room:
    """The defence of one run.

    Parameters
    ----------
    stage : what does not change
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        n = len(stage.effectors)
        self.stocks = Stocks.full(stage.effectors)
        self.engagements = Engagements()
        self._decisions = Decisions(stage.nodes)
        self._escalations = [
            Escalation(
                [least for least, _ in stage.levels], [w for _, w in stage.levels], stage.calm_s
            )
            for _ in range(stage.groups)
        ]
        self._due_s = 0.0
        self._told = _Told()
        self._saturated = np.zeros(n, np.bool_)
        # When the last shot at each track took effect; few, and forgotten with their tracks.
        self._effect_s: dict[int, float] = {}

    def step(self, time_s: float, places_enu_m: Floats, views: Sequence[View]) -> DefenceStep:
        """Act on the pictures of a step's end; what arrived shots did is not known here.

        Parameters
        ----------
        places_enu_m : (E, 3) where effectors are, NaN for one whose carrier is gone
        views : the shared pictures, then those of single effectors
        """
        stage = self.stage
        views = [_confirmed(view) for view in views]
        self.stocks.reload(stage.effectors, time_s)
        happened = self.engagements.advance(
            stage.effectors, self.stocks, places_enu_m, _moving(views, stage), time_s
        )
        arrived = happened.arrived
        for track, effect_s in zip(arrived.track.tolist(), arrived.effect_s.tolist(), strict=True):
            self._effect_s[track] = max(effect_s, self._effect_s.get(track, effect_s))
        ordered, planned = [Shots.none()], time_s >= self._due_s - 1e-9
        if planned:
            self._due_s = time_s + stage.doctrine.interval_s
            ordered += self._plan(time_s, places_enu_m, views)
        return DefenceStep(
            ordered=_stack(ordered),
            launched=happened.launched,
            aborted=happened.aborted,
            effects=Effects(happened.arrived),
            judged=happened.judged,
            under_way=self.engagements.shots,
            places_enu_m=places_enu_m,
            track=self._told.track,
            why=self._told.why,
            worth=self._told.worth,
            time_to_go_s=self._told.time_to_go_s,
            planned=planned,
            levels=np.array([one.level for one in self._escalations], np.int32),
            rounds=self.stocks.rounds.copy(),
            busy=self.engagements.busy(len(stage.effectors)),
            saturated=self._saturated,
        )

    def _plan(self, time_s: float, places_enu_m: Floats, views: Sequence[View]) -> list[Shots]:
        stage = self.stage
        self._decisions.fill(time_s)
        present = ~np.isnan(places_enu_m[:, 0])
        down = np.array([holds(windows, time_s) for windows in stage.links_down_s], np.bool_)
        picture = np.where(down, stage.local, stage.effectors.group)
        self._saturated = np.zeros(len(stage.effectors), np.bool_)
        shots, told = [], []
        numbers = set()
        for index, view in enumerate(views):
            numbers.update(view.tracks.number.tolist())
            situation = self._situation(view)
            escalated = stage.alone
            if index < stage.groups:
                hostile = int(situation.standing.hostile.sum())
                escalated = self._escalations[index].judge(hostile, time_s)
            rows = np.flatnonzero(present & (picture == index))
            if not len(view.tracks):
                continue
            if not rows.size:
                told.append(
                    _Told(
                        view.tracks.number,
                        _nobody(situation),
                        situation.threats.worth,
                        situation.threats.time_to_go_s,
                    )
                )
                continue
            situation = replace(situation, kill_told=situation.kill_told[rows])
            ready = self._readiness(rows, places_enu_m, view.tracks, down, escalated, time_s)
            decided = decide(
                stage.effectors,
                self.stocks,
                self.engagements,
                ready,
                situation,
                stage.restrictions,
                stage.doctrine,
                time_s,
            )
            given = np.array(
                [self._decisions.take(node) for node in decided.commander.tolist()], np.bool_
            )
            why = decided.why.copy()
            refused = np.setdiff1d(decided.row[~given], decided.row[given])
            fresh, _ = self.engagements.under_way(view.tracks.number)
            why[refused[fresh[refused] == 0]] = Why.NO_DECISION
            orders = decided.orders.take(given)
            shots.append(self.engagements.order(stage.effectors, places_enu_m, orders, time_s))
            np.maximum.at(self.stocks.last_launch_s, orders.effector, orders.launch_s)
            busy = self.engagements.busy(len(stage.effectors))[rows]
            self._saturated[rows] = decided.wanted & (busy >= stage.effectors.channels[rows])
            told.append(
                _Told(
                    view.tracks.number, why, situation.threats.worth, situation.threats.time_to_go_s
                )
            )
        self._told = _Told(
            *(
                np.concatenate([getattr(one, name) for one in told])
                if told
                else getattr(_Told(), name)
                for name in ("track", "why", "worth", "time_to_go_s")
            )
        )
        for gone in self._effect_s.keys() - numbers:
            del self._effect_s[gone]
        return shots

    def _situation(self, view: View) -> Situation:
        stage, tracks = self.stage, view.tracks
        m = len(tracks)
        told: Bools = np.zeros(m, np.bool_)
        probabilities = np.zeros((m, len(stage.classes)))
        if view.class_probabilities.shape[1]:
            told = np.all(np.isfinite(view.class_probabilities), axis=1)
            probabilities[told] = view.class_probabilities[told]
        damage = np.full(m, float(damage_of(("other",))[0]))
        damage[told] = probabilities[told] @ damage_of(stage.classes)
        kill = np.repeat(stage.effectors.kill_unknown[:, None], m, axis=1)
        if told.any():
            kill[:, told] = stage.effectors.kill_told @ probabilities[told].T
        is_ballistic, height_m, climb_mps = _flight(view, stage)
        crewed = probabilities @ np.array([name in stage.crewed for name in stage.classes], float)
        hostility = hostility_of(view, stage.unknown_hostility)
        threats = evaluate(tracks.position_enu_m, tracks.velocity_enu_mps, damage, stage.assets)
        covariance = tracks.position_covariance_m2
        horizontal = 0.5 * (covariance[:, 0, 0] + covariance[:, 1, 1])
        effect_s = np.array([self._effect_s.get(n, -np.inf) for n in tracks.number.tolist()])
        identity = tracks.identity
        return Situation(
            tracks=tracks,
            standing=Standing(
                hostile=identity == Identity.HOSTILE,
                friendly=np.isin(identity, _FRIENDLY),
                crewed=crewed >= 0.5,
                known=told & (probabilities.max(axis=1, initial=0.0) >= _KNOWN),
            ),
            hostility=hostility,
            threats=threats,
            kill_told=kill,
            sigma_m=np.sqrt(np.maximum(horizontal, 0.0)),
            height_m=height_m,
            climb_mps=climb_mps,
            ballistic=is_ballistic,
            dead=tracks.last_plot_s <= effect_s,
        )

    def _readiness(
        self,
        rows: Indices,
        places_enu_m: Floats,
        tracks: Tracks,
        down: Bools,
        escalated: Weapons,
        time_s: float,
    ) -> Readiness:
        stage = self.stage
        effectors, nodes = stage.effectors, stage.nodes
        commander = np.array(
            [
                ALONE if down[row] else nodes.commander(int(effectors.node[row]), time_s)
                for row in rows
            ],
            np.int32,
        )
        unled = (effectors.node[rows] == ALONE) & ~down[rows]
        weapons = [
            escalated if free else weapons_of(nodes, int(node), escalated, stage.alone)
            for node, free in zip(commander, unled, strict=True)
        ]
        order_s = np.where(commander == ALONE, 0.0, np.append(nodes.delay_s, 0.0)[commander])
        places = places_enu_m[rows]
        return Readiness(
            rows=rows,
            place_enu_m=places,
            height_m=stage.frame.height_m_of(places),
            delay_s=order_s + effectors.reaction_s[rows],
            weapons=np.array(weapons, float),
            commander=commander,
            sees=stage.sees(
                rows, places, tracks.position_enu_m, stage.frame.height_m_of(tracks.position_enu_m)
            ),
        )


def hostility_of(view: View, unknown: float) -> Floats:
    """Return (M,) the probability that each track is hostile."""
    words = np.full(256, unknown)
    for identity, chance in _HOSTILITY.items():
        words[identity] = chance
    hostility: Floats = words[view.tracks.identity]
    if view.hostility.size:
        told = np.isfinite(view.hostility)
        hostility[told] = view.hostility[told]
    return hostility


def _nobody(situation: Situation) -> Bytes:
    threatening = (situation.threats.worth > 0.0) & ~situation.standing.friendly
    return np.where(threatening, np.uint8(Why.OUT_OF_REACH), np.uint8(Why.NO_THREAT)).astype(
        np.uint8
    )


def _confirmed(view: View) -> View:
    rows = view.tracks.confirmed
    hostility = view.hostility[rows] if view.hostility.size else view.hostility
    return View(view.tracks.take(rows), hostility, view.class_probabilities[rows])


def _flight(view: View, stage: Stage) -> tuple[Bools, Floats, Floats]:
    """Return which tracks fall freely, and the height and the climb rate of all."""
    tracks = view.tracks
    ahead = tracks.position_enu_m + tracks.velocity_enu_mps
    height_m = stage.frame.height_m_of(tracks.position_enu_m)
    climb_mps = stage.frame.height_m_of(ahead) - height_m
    ballistic = height_m > _BALLISTIC_HEIGHT_M
    if "ballistic-missile" in stage.classes and view.class_probabilities.shape[1]:
        column = stage.classes.index("ballistic-missile")
        with np.errstate(invalid="ignore"):
            ballistic |= view.class_probabilities[:, column] > 0.5
    return ballistic, height_m, climb_mps


def _moving(views: Sequence[View], stage: Stage) -> Moving:
    """Return the tracks of all pictures, sorted by number."""
    number = np.concatenate([view.tracks.number for view in views])
    order = np.argsort(number)
    return Moving(
        number[order],
        np.concatenate([view.tracks.position_enu_m for view in views])[order],
        np.concatenate([view.tracks.velocity_enu_mps for view in views])[order],
        np.concatenate([_flight(view, stage)[0] for view in views])[order],
        np.concatenate([view.tracks.last_plot_s for view in views])[order],
    )


def _stack(tables: Sequence[Shots]) -> Shots:
    whole = tables[0]
    for table in tables[1:]:
        whole = Shots.concatenate(whole, table)
    return whole
