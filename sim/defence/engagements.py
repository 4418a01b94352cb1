"""Shots under way: they leave, follow their tracks, arrive and are judged, by the picture alone."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields, replace

import numpy as np

from sim.core.shots import ShotPhase, Shots
from sim.core.tables import Bools, Floats, Indices, Ints
from sim.defence.effectors import Effectors, Stocks
from sim.defence.reach import meetings

#: A shot flies on to where its track was when it was lost, this share farther than its range.
_OVERSHOOT = 1.2


@dataclass(frozen=True, slots=True)
class Orders:
    """Shots that are decided, one row each.

    Attributes
    ----------
    effector, track : (N,) index of the effector, number of the track
    launch_s, effect_s : (N,)
    aim_enu_m : (N, 3)
    kill_probability : (N,)
    """

    effector: Ints
    track: Ints
    launch_s: Floats
    effect_s: Floats
    aim_enu_m: Floats
    kill_probability: Floats

    def take(self, rows: Bools) -> Orders:
        """Return the given rows as a new table."""
        return Orders(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Moving:
    """Tracks that shots follow, sorted by number.

    Attributes
    ----------
    number : (M,)
    position_enu_m, velocity_enu_mps : (M, 3)
    ballistic : (M,)
    last_plot_s : (M,)
    """

    number: Ints
    position_enu_m: Floats
    velocity_enu_mps: Floats
    ballistic: Bools
    last_plot_s: Floats

    def rows(self, number: Ints) -> tuple[Indices, Bools]:
        """Return where numbers stand, and which of them are there at all."""
        at = np.searchsorted(self.number, number)
        there = at < self.number.size
        at = np.where(there, at, 0)
        if self.number.size:
            there &= self.number[at] == number
        return at, there


@dataclass(frozen=True, slots=True)
class Happened:
    """What shots did in one step: those that left, were called off, arrived, were judged."""

    launched: Shots
    aborted: Shots
    arrived: Shots
    judged: Shots


@dataclass(slots=True)
class Engagements:
    """All shots of a run that are not yet judged."""

    shots: Shots = field(default_factory=Shots.none)
    _next: int = 1

    def order(
        self, effectors: Effectors, places_enu_m: Floats, orders: Orders, now_s: float
    ) -> Shots:
        """Add shots that are decided now; return them."""
        n = orders.effector.size
        new = Shots(
            number=np.arange(self._next, self._next + n, dtype=np.int32),
            effector=orders.effector,
            track=orders.track,
            phase=np.full(n, ShotPhase.ORDERED, np.uint8),
            decided_s=np.full(n, now_s),
            launch_s=orders.launch_s,
            effect_s=orders.effect_s,
            free_s=np.full(n, np.nan),
            start_enu_m=places_enu_m[orders.effector],
            aim_enu_m=orders.aim_enu_m,
            kill_probability=orders.kill_probability,
            guided=np.ones(n, np.bool_),
        )
        self._next += n
        self.shots = Shots.concatenate(self.shots, new)
        return new

    def busy(self, effectors: int) -> Ints:
        """Return (E,) how many channels of each effector are taken."""
        return np.bincount(self.shots.effector, minlength=effectors).astype(np.int32)

    def ordered(self, effectors: int) -> Ints:
        """Return (E,) how many shots of each effector have not left yet."""
        waiting = self.shots.phase == ShotPhase.ORDERED
        return np.bincount(self.shots.effector[waiting], minlength=effectors).astype(np.int32)

    def advance(
        self,
        effectors: Effectors,
        stocks: Stocks,
        places_enu_m: Floats,
        moving: Moving,
        now_s: float,
    ) -> Happened:
        """Let a step pass that ends now: launch, follow, arrive, judge.

        Parameters
        ----------
        places_enu_m : (E, 3) where effectors are, NaN for one whose carrier is gone
        moving : the picture's tracks now
        """
        shots = self.shots
        at, there = moving.rows(shots.track)
        there &= np.isfinite(shots.effect_s)
        waiting = shots.phase == ShotPhase.ORDERED
        gone = np.isnan(places_enu_m[shots.effector, 0])
        due = waiting & (shots.launch_s <= now_s)
        aborted = waiting & (gone | (due & ~there))
        launched = due & ~aborted
        for effector, launch_s in zip(
            shots.effector[launched], shots.launch_s[launched], strict=True
        ):
            stocks.fire(effectors, int(effector), float(launch_s))
        phase, start = shots.phase.copy(), shots.start_enu_m.copy()
        phase[launched] = ShotPhase.FLYING
        start[launched] = places_enu_m[shots.effector[launched]]
        effect_s, aim = shots.effect_s.copy(), shots.aim_enu_m.copy()
        guided = shots.guided.copy()
        flying = (phase == ShotPhase.FLYING) & there
        ends = flying & (effect_s <= now_s)
        ago_s = now_s - effect_s[ends]
        aim[ends] = moving.position_enu_m[at[ends]]
        aim[ends] -= ago_s[:, None] * moving.velocity_enu_mps[at[ends]]
        flying &= ~ends
        rows, on = np.flatnonzero(flying), at[flying]
        speed = effectors.speed_mps[shots.effector]
        if rows.size:
            met_s, met = np.empty(rows.size), np.empty((rows.size, 3))
            meetings(
                start[rows],
                shots.launch_s[rows],
                speed[rows],
                effectors.dwell_s[shots.effector[rows]],
                moving.position_enu_m[on],
                moving.velocity_enu_mps[on],
                moving.ballistic[on],
                now_s,
                met_s,
                met,
            )
            effect_s[rows], aim[rows], guided[rows] = met_s, met, True
        lost = (phase == ShotPhase.FLYING) & ~there
        guided[lost] = False
        # What never catches up flies until it has no more energy.
        longest_s = (
            shots.launch_s
            + effectors.dwell_s[shots.effector]
            + _OVERSHOOT * effectors.range_max_m[shots.effector] / speed
        )
        effect_s = np.where(phase == ShotPhase.FLYING, np.minimum(effect_s, longest_s), effect_s)
        arrived = (phase == ShotPhase.FLYING) & (effect_s <= now_s)
        phase[arrived] = ShotPhase.ARRIVED
        free_s = shots.free_s.copy()
        free_s[arrived] = effect_s[arrived] + effectors.assessment_s[shots.effector[arrived]]
        whole = replace(
            shots,
            phase=phase,
            effect_s=effect_s,
            aim_enu_m=aim,
            start_enu_m=start,
            guided=guided,
            free_s=free_s,
        )
        judged = (phase == ShotPhase.ARRIVED) & (free_s <= now_s)
        self.shots = whole.take(~(judged | aborted))
        return Happened(
            whole.take(launched), whole.take(aborted), whole.take(arrived), whole.take(judged)
        )

    def surviving(self, number: Ints) -> Floats:
        """Return the chance that each track survives the shots that are under way to it."""
        order = np.argsort(number)
        at = np.searchsorted(number[order], self.shots.track)
        at = np.minimum(at, max(number.size - 1, 0))
        result = np.ones(number.size)
        if number.size and len(self.shots):
            rows = order[at]
            ours = number[rows] == self.shots.track
            chance = 1.0 - self.shots.kill_probability
            np.multiply.at(result, rows[ours], chance[ours])
        return result

    def under_way(self, number: Ints) -> tuple[Ints, Floats]:
        """Return for each track how many shots are on their way, and when the last is judged.

        −∞ for a track without any.
        """
        counts, until_s = np.zeros(number.size, np.int32), np.full(number.size, -math.inf)
        if number.size and len(self.shots):
            order = np.argsort(number)
            at = np.minimum(np.searchsorted(number[order], self.shots.track), number.size - 1)
            rows = order[at]
            ours = number[rows] == self.shots.track
            np.add.at(counts, rows[ours], 1)
            judged_s = np.where(np.isnan(self.shots.free_s), self.shots.effect_s, self.shots.free_s)
            np.maximum.at(until_s, rows[ours], judged_s[ours])
        return counts, until_s
