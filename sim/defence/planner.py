"""From one picture to orders: who shoots at what now, and why nobody shoots at the rest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.shots import Why
from sim.core.tables import Bools, Bytes, Floats, Indices, Ints, Tracks
from sim.defence.assignment import assign
from sim.defence.assignment_problem import Problem
from sim.defence.effectors import ENDLESS, Effectors, Stocks
from sim.defence.engagements import Engagements, Orders
from sim.defence.reach import no_windows, windows
from sim.defence.rules import (
    Restrictions,
    Standing,
    by_caveats,
    by_place,
    by_weapons,
)
from sim.defence.threats import Threats

#: Shots of one effector in one plan leave within this time of each other.
_BURST_S = 10.0


@dataclass(frozen=True, slots=True)
class Doctrine:
    """How shots are given, as the scenario's planner says; costs in value per thousand euros."""

    method: str
    interval_s: float
    look_first: bool
    shots_max: int
    hold_back: float
    keep_for_value: float
    value_per_keur: float
    price_of_error: float


@dataclass(frozen=True, slots=True)
class Situation:
    """What a group of sharers knows of its tracks, one row per track; not of the truth.

    Attributes
    ----------
    tracks : confirmed ones
    standing : what they are held to be
    hostility : (M,) probability that each is hostile
    threats : what they threaten
    kill_told : (E, M) of one shot of each of the group's effectors, by what each is held to be
    sigma_m : (M,) horizontal deviation of each track
    height_m, climb_mps : (M,)
    ballistic : (M,)
    dead : (M,) hit since it was last seen
    """

    tracks: Tracks
    standing: Standing
    hostility: Floats
    threats: Threats
    kill_told: Floats
    sigma_m: Floats
    height_m: Floats
    climb_mps: Floats
    ballistic: Bools
    dead: Bools


@dataclass(frozen=True, slots=True)
class Readiness:
    """What a group's effectors can do now, one row per effector.

    Attributes
    ----------
    rows : (E,) which of all effectors
    place_enu_m, height_m : (E, 3), (E,) where they are
    delay_s : (E,) from a decision until the shot can leave, order and reaction
    weapons : (E,) ``Weapons``
    commander : (E,) node that decides, −1 for itself
    sees : (E, M) whether the effector's line of sight to each track is free, where it needs one
    """

    rows: Indices
    place_enu_m: Floats
    height_m: Floats
    delay_s: Floats
    weapons: Floats
    commander: Ints
    sees: Bools


@dataclass(frozen=True, slots=True)
class Decided:
    """A plan: orders by commander, and each track's ``Why``.

    Attributes
    ----------
    orders : in order of their threat's worth
    commander : (N,) node that each order needs
    row : (N,) the track of each order
    why : (M,) ``Why`` as if every order were given
    wanted : (E,) whether something could be shot at, if a channel were free
    """

    orders: Orders
    commander: Ints
    row: Indices
    why: Bytes
    wanted: Bools


def decide(
    effectors: Effectors,
    stocks: Stocks,
    engagements: Engagements,
    ready: Readiness,
    situation: Situation,
    restrictions: Restrictions,
    doctrine: Doctrine,
    now_s: float,
) -> Decided:
    """Plan the shots of a group of effectors on the tracks of its picture.

    Notes
    -----
    One shot per effector and target is worth its track's threat times the chance that it is
    hostile, less the price of an error times the chance that it is not, times the chance that
    the shots under way leave it alive. The static problem of all shots that can leave now is
    solved anew at every plan (a rolling horizon: Hosein and Athans, MIT LIDS-P-1779, 1988).
    """
    rows, tracks = ready.rows, situation.tracks
    e, m = rows.size, len(tracks)
    first_s, last_s, flight_s = no_windows(e, m)
    windows(
        ready.place_enu_m,
        ready.height_m,
        effectors.range_min_m[rows],
        effectors.range_max_m[rows],
        effectors.height_min_m[rows],
        effectors.height_max_m[rows],
        effectors.speed_mps[rows],
        effectors.dwell_s[rows],
        ready.delay_s,
        tracks.position_enu_m,
        tracks.velocity_enu_mps,
        situation.height_m,
        situation.climb_mps,
        situation.ballistic,
        first_s,
        last_s,
        flight_s,
    )
    able = situation.kill_told > 0.0
    reach = np.isfinite(first_s) & able & ready.sees
    # A shot leaves at once or waits for the next plan.
    now = reach & (first_s - flight_s <= ready.delay_s[:, None] + doctrine.interval_s)
    ahead_s = np.where(np.isfinite(first_s), first_s, 0.0)
    aim = tracks.position_enu_m + ahead_s[..., None] * tracks.velocity_enu_mps
    aim_height_m = situation.height_m + ahead_s * situation.climb_mps
    good = situation.sigma_m[None, :] <= effectors.sigma_max_m[rows][:, None]
    away_m = np.linalg.norm(tracks.position_enu_m - ready.place_enu_m[:, None], axis=-1)
    identified = by_weapons(
        ready.weapons, situation.standing, away_m <= restrictions.self_defence_m
    )
    own_sensor = (tracks.sensors[None, :] & effectors.own_sensors[rows][:, None]) != 0
    friends = tracks.position_enu_m[situation.standing.friendly]
    allowed = by_caveats(effectors, rows, situation.standing, own_sensor, aim)
    open_pairs = np.nonzero(reach & now & good & identified & allowed)
    allowed[open_pairs] = by_place(restrictions, aim[open_pairs], aim_height_m[open_pairs], friends)
    worth = situation.threats.worth * situation.hostility
    worth = worth - (1.0 - situation.hostility) * doctrine.price_of_error
    spare, kept = _stock(effectors, stocks, engagements, rows, doctrine)
    precious = worth >= doctrine.keep_for_value
    stocked = (spare > 0)[:, None] | ((kept > 0)[:, None] & precious)
    slots = _slots(effectors, engagements, rows)
    shots_under_way, judged_s = engagements.under_way(tracks.number)
    stages = (reach, now, good, identified, allowed, stocked, slots[:, None] > 0)
    usable, reasons = _narrow(stages, m)
    room = _room(
        doctrine,
        effectors,
        rows,
        usable,
        reach,
        last_s,
        flight_s,
        ready,
        shots_under_way,
        judged_s,
        now_s,
    )
    threatening = (worth > 0.0) & ~situation.dead & ~situation.standing.friendly
    open_rows = np.flatnonzero(threatening & (room > 0) & usable.any(axis=0))
    plan = _solve(
        doctrine,
        effectors,
        rows,
        usable,
        (spare, kept, precious),
        slots,
        situation,
        worth,
        engagements,
        room,
        open_rows,
    )
    # Whatever is not usable because all are busy is what more channels would be good for.
    wanted = (stages[0] & now & good & identified & allowed & stocked)[:, threatening & (room > 0)]
    why = np.where(threatening, reasons, np.uint8(Why.NO_THREAT))
    why[threatening & (reasons == Why.ENGAGED)] = Why.NOT_WORTH
    why[shots_under_way > 0] = Why.ENGAGED
    why[situation.dead & (shots_under_way == 0)] = Why.JUDGED_DEAD
    orders, commander, row = _orders(
        effectors, stocks, ready, plan, open_rows, situation, worth, first_s, flight_s, aim, now_s
    )
    why[np.unique(row)] = Why.ENGAGED
    lacking: Bools = np.any(wanted, axis=1)
    return Decided(orders, commander, row, why.astype(np.uint8), lacking)


_STAGES = (
    Why.OUT_OF_REACH,
    Why.NOT_YET,
    Why.POOR_TRACK,
    Why.NOT_IDENTIFIED,
    Why.NOT_ALLOWED,
    Why.NO_STOCK,
    Why.NO_CHANNEL,
)


def _narrow(stages: tuple[Bools, ...], tracks: int) -> tuple[Bools, Bytes]:
    """Return what passes all stages, and for each track the first that nothing passes."""
    left = np.ones_like(stages[0])
    reasons = np.full(tracks, Why.ENGAGED, np.uint8)
    decided = np.zeros(tracks, np.bool_)
    for passed, why in zip(stages, _STAGES, strict=True):
        left = left & passed
        stopped = ~decided & ~left.any(axis=0)
        reasons[stopped] = why
        decided |= stopped
    return left, reasons


def _stock(
    effectors: Effectors,
    stocks: Stocks,
    engagements: Engagements,
    rows: Indices,
    doctrine: Doctrine,
) -> tuple[Ints, Ints]:
    """Return (E,) how many rounds each effector may spend, and how many more are held back."""
    left = stocks.rounds[rows] - engagements.ordered(len(effectors))[rows]
    endless = effectors.magazine[rows] == ENDLESS
    kept = np.where(endless, 0, np.ceil(doctrine.hold_back * effectors.magazine[rows])).astype(int)
    spare: Ints = np.maximum(left - kept, 0).astype(np.int32)
    return spare, np.maximum(left, 0).astype(np.int32) - spare


def _slots(effectors: Effectors, engagements: Engagements, rows: Indices) -> Ints:
    """Return how many shots each effector can begin in this plan."""
    free = effectors.channels[rows] - engagements.busy(len(effectors))[rows]
    gap_s = effectors.interval_s[rows]
    in_burst = np.where(gap_s > 0.0, 1 + _BURST_S // np.maximum(gap_s, 1e-9), 10**6)
    slots: Ints = np.maximum(np.minimum(free, in_burst), 0).astype(np.int32)
    return slots


def _room(
    doctrine: Doctrine,
    effectors: Effectors,
    rows: Indices,
    usable: Bools,
    reach: Bools,
    last_s: Floats,
    flight_s: Floats,
    ready: Readiness,
    under_way: Ints,
    judged_s: Floats,
    now_s: float,
) -> Ints:
    """Return (M,) how many shots may be added to each track now.

    Who looks first shoots once, and waits for the judgement, if some effector could still meet
    the track after that.
    """
    most = np.full(usable.shape[1], doctrine.shots_max) - under_way
    if doctrine.look_first:
        look_s = np.where(under_way > 0, judged_s - now_s, np.inf)
        with np.errstate(invalid="ignore"):
            soonest = np.where(
                usable,
                ready.delay_s[:, None] + flight_s + effectors.assessment_s[rows][:, None],
                np.inf,
            )
            look_s = np.where(under_way > 0, look_s, soonest.min(axis=0, initial=np.inf))
            again = reach & (look_s + ready.delay_s[:, None] + flight_s <= last_s)
        later = again.any(axis=0)
        most = np.where(later, np.minimum(most, 1 - under_way), most)
    return np.maximum(most, 0).astype(np.int32)


def _solve(
    doctrine: Doctrine,
    effectors: Effectors,
    rows: Indices,
    usable: Bools,
    stock: tuple[Ints, Ints, Bools],
    slots: Ints,
    situation: Situation,
    worth: Floats,
    engagements: Engagements,
    room: Ints,
    open_rows: Indices,
) -> Ints:
    """Return (E, K) how many shots each effector gives to each open track.

    What is held back counts as a second effector, against precious tracks alone.
    """
    if not open_rows.size:
        return np.zeros((rows.size, 0), np.int32)
    chance = np.where(usable, situation.kill_told, 0.0)[:, open_rows]
    left = engagements.surviving(situation.tracks.number)[open_rows]
    spare, kept, precious = stock
    first = np.minimum(slots, spare)
    problem = Problem.of(
        np.vstack([chance, chance * precious[open_rows]]),
        worth[open_rows] * left,
        np.concatenate([first, np.minimum(slots - first, kept)]),
        cost=np.tile(effectors.cost_keur[rows] * doctrine.value_per_keur, 2),
        most=room[open_rows],
    )
    shots = assign(problem, method=doctrine.method.replace("-", "_")).shots
    both: Ints = (shots[: rows.size] + shots[rows.size :]).astype(np.int32)
    return both


def _orders(
    effectors: Effectors,
    stocks: Stocks,
    ready: Readiness,
    plan: Ints,
    open_rows: Indices,
    situation: Situation,
    worth: Floats,
    first_s: Floats,
    flight_s: Floats,
    aim: Floats,
    now_s: float,
) -> tuple[Orders, Ints, Indices]:
    pairs = np.argwhere(plan > 0)
    pairs = pairs[np.argsort(-worth[open_rows[pairs[:, 1]]], kind="stable")]
    last_s = stocks.last_launch_s[ready.rows].copy()
    chosen: list[tuple[int, int, float]] = []
    for at, column in pairs.tolist():
        gap_s = float(effectors.interval_s[ready.rows[at]])
        for _ in range(int(plan[at, column])):
            track = int(open_rows[column])
            wanted_s = now_s + max(ready.delay_s[at], first_s[at, track] - flight_s[at, track])
            launch_s = max(wanted_s, last_s[at] + gap_s)
            last_s[at] = launch_s
            chosen.append((at, track, launch_s))
    at_ = np.array([c[0] for c in chosen], np.intp)
    row = np.array([c[1] for c in chosen], np.intp)
    launch = np.array([c[2] for c in chosen])
    orders = Orders(
        effector=ready.rows[at_].astype(np.int32),
        track=situation.tracks.number[row],
        launch_s=launch,
        effect_s=launch + flight_s[at_, row],
        aim_enu_m=aim[at_, row],
        kill_probability=situation.kill_told[at_, row],
    )
    return orders, ready.commander[at_], row
