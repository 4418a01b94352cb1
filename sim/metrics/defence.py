"""What the defence came to: who was stopped, by what and at what price, and why others were not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.core.shots import Effects, ShotResult, Why
from sim.core.tables import Affiliation, Bools, Bytes, Floats, Identity, Ints
from sim.metrics.facts import Facts, Line, Point
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.line import beside
from sim.metrics.matching import match

#: A hindrance counts if it held for this share of the time under track, at least.
_SHARE_OF_TIME = 0.1
#: What kept shots back, the last hindrance first.
_HINDRANCES = {
    Why.NO_DECISION: "no decision in time",
    Why.NO_CHANNEL: "no channel free",
    Why.NO_STOCK: "no stock left",
    Why.NOT_ALLOWED: "not allowed",
    Why.NOT_IDENTIFIED: "not identified",
    Why.POOR_TRACK: "track too poor",
    Why.NOT_WORTH: "kept for others",
    Why.NO_THREAT: "not held a threat",
}
NEVER_SEEN, SEEN_LATE, MISSED = "never seen", "seen late", "missed"
OUT_OF_REACH = "out of reach"
REASONS = (
    NEVER_SEEN,
    SEEN_LATE,
    *(_HINDRANCES[why] for why in reversed(_HINDRANCES)),
    OUT_OF_REACH,
    MISSED,
)


@dataclass(frozen=True, slots=True)
class Armament:
    """Effectors of a run, one row each.

    Attributes
    ----------
    id, layer, nation : of each
    magazine : None where it has no end
    cost_keur : (E,) of a shot
    assessment_s : (E,) from an effect to its judgement
    """

    id: tuple[str, ...]
    layer: tuple[str, ...]
    nation: tuple[str, ...]
    magazine: tuple[int | None, ...]
    cost_keur: Floats
    assessment_s: Floats


@dataclass(frozen=True, slots=True)
class Fired:
    """What the defence did in a run.

    Attributes
    ----------
    effects : all shots; results beyond ``ShotResult`` never took effect
    threat_time_s, threat_number, threat_why : (K,) when a track's ``Why`` changed, to what
    state_time_s, state_effector, state_rounds, state_saturated : (L,) when what effectors have
        left changed, to what
    """

    effects: Effects
    threat_time_s: Floats
    threat_number: Ints
    threat_why: Bytes
    state_time_s: Floats
    state_effector: Ints
    state_rounds: Ints
    state_saturated: Bools


@dataclass(frozen=True, slots=True)
class Worth:
    """What is at stake.

    Attributes
    ----------
    value : of each protected object, in their order
    damage, attack_cost_keur : (N,) of each target: share of a value that it destroys, its price
    """

    value: Sequence[float]
    damage: Floats
    attack_cost_keur: Floats


def judge_defence(
    truth: TruthHistory,
    tracks: TrackHistory,
    facts: Facts,
    protected: Sequence[Any],
    fired: Fired,
    armament: Armament,
    worth: Worth,
    detected_s: Floats,
    cutoff_m: float,
    until_s: float,
) -> dict[str, Any]:
    """Judge what a defence came to.

    Parameters
    ----------
    truth, tracks : as for ``judge``, of single targets
    protected : corridors, points and lines, in order of ``worth.value``
    detected_s : (N,) when any sensor first detected each target, infinite if none did
    until_s : the run's end

    Returns
    -------
    dict of plain values; see docs/defence.md
    """
    confirmed = tracks.confirmed()
    timelines, meant = _timelines(truth, confirmed, fired, armament, cutoff_m)
    hostile = facts.affiliation == Affiliation.HOSTILE
    entered = _entered(truth, protected, len(facts.target_ids))
    threats = []
    lost = np.zeros(len(protected))
    for target in np.flatnonzero(hostile).tolist():
        line = timelines[target]
        place, at_s = entered[target]
        last_s = line["last_s"]
        outcome = "flying"
        if line["killed_s"] is not None and (at_s is None or line["killed_s"] <= at_s):
            outcome = "killed"
        elif at_s is not None:
            ended = last_s is not None and last_s < until_s - 1.0 and line["killed_s"] is None
            outcome = "hit" if ended and _ends_inside(truth, target, protected[place]) else "leaked"
        elif last_s is None:
            outcome = "never came"
        elif last_s < until_s - 1.0:
            outcome = "passed"
        entry = {
            "id": facts.target_ids[target],
            "class": facts.target_classes[target],
            "outcome": outcome,
            "detected_s": _first(detected_s[[target]][np.isfinite(detected_s[[target]])]),
            **{key: line[key] for key in _TIMES},
            "shots": line["shots"],
        }
        if outcome == "killed":
            entry["killed_by"] = armament.id[line["killed_by"]]
            entry["layer"] = armament.layer[line["killed_by"]]
        if at_s is not None and outcome in ("hit", "leaked"):
            entry["at"] = protected[place].id
            entry["at_s"] = at_s
            entry["why"] = _why(line, fired, at_s)
            if outcome == "hit":
                lost[place] += worth.damage[target]
        threats.append(entry)
    suffered = [
        {
            "id": thing.id,
            "leaked": sum(t.get("at") == thing.id for t in threats),
            "hits": sum(t.get("at") == thing.id and t["outcome"] == "hit" for t in threats),
            "value": worth.value[k],
            "value_lost": float(min(lost[k], 1.0) * worth.value[k]),
        }
        for k, thing in enumerate(protected)
    ]
    return {
        **_counts(threats),
        "value_lost": sum(thing["value_lost"] for thing in suffered),
        "protected": suffered,
        **_shots(fired.effects, facts, armament, timelines, meant, worth, hostile),
        "effectors": _effectors(fired, armament, until_s),
        "threats": threats,
    }


_TIMES = (
    "first_s",
    "tracked_s",
    "identified_s",
    "assigned_s",
    "fired_s",
    "intercepted_s",
    "assessed_s",
    "killed_s",
)


def _timelines(
    truth: TruthHistory,
    confirmed: TrackHistory,
    fired: Fired,
    armament: Armament,
    cutoff_m: float,
) -> tuple[dict[int, dict[str, Any]], Ints]:
    """Return for every target when it was tracked, identified, shot at and killed.

    And for every shot which target its track was on, −1 for nobody.
    """
    matching = match(truth, confirmed, cutoff_m)
    on = np.flatnonzero(matching.on_target)
    track_target = truth.target[matching.truth_row[on]]
    lines: dict[int, dict[str, Any]] = {}
    shots, effects = fired.effects.shots, fired.effects
    meant = _meant_for(shots.track, shots.decided_s, confirmed, on, track_target)
    targets = sorted(set(truth.target.tolist()) | set(effects.target[effects.target >= 0].tolist()))
    for target in targets:
        own = truth.time_s[truth.target == target]
        rows = on[track_target == target]
        known = rows[np.isin(confirmed.identity[rows], (Identity.HOSTILE, Identity.SUSPECT))]
        at_it = np.flatnonzero((meant == target) | (effects.target == target))
        left = at_it[effects.result[at_it] != len(ShotResult)]  # not called off
        done = np.flatnonzero((effects.target == target) & (effects.result < len(ShotResult)))
        killing = done[effects.result[done] == ShotResult.KILL]
        lines[target] = {
            "first_s": _first(own),
            "last_s": float(own[-1]) if own.size else None,
            "tracked_s": _first(confirmed.time_s[rows]),
            "identified_s": _first(confirmed.time_s[known]),
            "assigned_s": _first(shots.decided_s[at_it]),
            "fired_s": _first(shots.launch_s[left]),
            "intercepted_s": _first(shots.effect_s[done]),
            "assessed_s": _first(
                shots.effect_s[done] + armament.assessment_s[shots.effector[done]]
            ),
            "killed_s": _first(shots.effect_s[killing]),
            "killed_by": int(shots.effector[killing[0]]) if killing.size else -1,
            "shots": int(left.size),
            "arrived": int(done.size),
            "numbers": np.unique(confirmed.number[rows]),
        }
    return lines, meant


def _first(times_s: Floats) -> float | None:
    return float(times_s.min()) if times_s.size else None


def _meant_for(
    number: Ints, time_s: Floats, confirmed: TrackHistory, on: Any, track_target: Ints
) -> Ints:
    """Return (N,) which target a track was on when a shot at it was decided, −1 for nobody."""
    meant = np.full(number.size, -1, np.int32)
    for track in np.unique(number):
        rows = confirmed.number[on] == track
        if not rows.any():
            continue
        times, targets = confirmed.time_s[on][rows], track_target[rows]
        mine = np.flatnonzero(number == track)
        at = np.clip(np.searchsorted(times, time_s[mine], side="right") - 1, 0, times.size - 1)
        meant[mine] = targets[at]
    return meant


def _entered(
    truth: TruthHistory, protected: Sequence[Any], targets: int
) -> list[tuple[int, float | None]]:
    """Return for every target what it came into first, and when; None if nothing."""
    found: list[tuple[int, float | None]] = [(-1, None)] * targets
    for k, thing in enumerate(protected):
        if isinstance(thing, Point):
            away_m = np.hypot(*(truth.position_enu_m - thing.position_enu_m)[:, :2].T)
            inside = (away_m < thing.radius_m) & (truth.height_m < thing.ceiling_height_m)
        elif isinstance(thing, Line):
            depth_m, _ = beside(thing, truth.position_enu_m)
            inside = depth_m >= thing.depth_m
        else:
            continue
        rows = np.flatnonzero(inside)
        who, first = np.unique(truth.target[rows], return_index=True)
        for target, row in zip(who.tolist(), rows[first], strict=True):
            at_s = float(truth.time_s[row])
            before = found[target][1]
            if before is None or at_s < before:
                found[target] = (k, at_s)
    return found


def _ends_inside(truth: TruthHistory, target: int, thing: Any) -> bool:
    """Tell whether a target's way ends, by itself, in what it came into."""
    if not isinstance(thing, Point):
        return False
    row = np.flatnonzero(truth.target == target)[-1]
    # It may have been recorded last a step before it arrived.
    ahead = truth.position_enu_m[row] - thing.position_enu_m
    return bool(np.hypot(ahead[0], ahead[1]) < thing.radius_m)


def _why(line: dict[str, Any], fired: Fired, at_s: float) -> str:
    """Return why a target was not stopped before it came in."""
    if line["tracked_s"] is None or line["tracked_s"] > at_s:
        return NEVER_SEEN
    if line["arrived"]:
        return MISSED
    held_s = _held(line["numbers"], fired, line["tracked_s"], at_s)
    under_track_s = max(at_s - line["tracked_s"], 1e-9)
    longest = max(_HINDRANCES, key=lambda why: held_s.get(int(why), 0.0))
    if held_s.get(int(longest), 0.0) >= _SHARE_OF_TIME * under_track_s:
        return _HINDRANCES[longest]
    # Shots were on their way, or nobody could meet it any more.
    if line["shots"] or line["tracked_s"] - line["first_s"] > 0.5 * (at_s - line["first_s"]):
        return SEEN_LATE
    return OUT_OF_REACH


def _held(numbers: Ints, fired: Fired, from_s: float, to_s: float) -> dict[int, float]:
    """Return how long each ``Why`` held for tracks between two times."""
    held: dict[int, float] = {}
    for number in numbers.tolist():
        rows = np.flatnonzero(fired.threat_number == number)
        begin = np.clip(fired.threat_time_s[rows], from_s, to_s)
        end = np.append(begin[1:], to_s)
        for why, span_s in zip(fired.threat_why[rows].tolist(), end - begin, strict=True):
            held[why] = held.get(why, 0.0) + float(span_s)
    return held


def _counts(threats: list[dict[str, Any]]) -> dict[str, Any]:
    count = {
        word: sum(t["outcome"] == word for t in threats)
        for word in ("killed", "hit", "leaked", "passed", "flying", "never came")
    }
    came = len(threats) - count["never came"]
    through = count["hit"] + count["leaked"]
    decided = through + count["killed"]
    by_class: dict[str, dict[str, int]] = {}
    for threat in threats:
        entry = by_class.setdefault(threat["class"], {"came": 0, "killed": 0, "through": 0})
        entry["came"] += threat["outcome"] != "never came"
        entry["killed"] += threat["outcome"] == "killed"
        entry["through"] += threat["outcome"] in ("hit", "leaked")
    reasons = {
        why: sum(t.get("why") == why for t in threats)
        for why in REASONS
        if any(t.get("why") == why for t in threats)
    }
    return {
        "threats_came": came,
        "killed": count["killed"],
        "leakers": through,
        "hits": count["hit"],
        "passed": count["passed"],
        "flying": count["flying"],
        "leakage": through / decided if decided else None,
        "why_leaked": reasons,
        "by_class": [{"id": name, **entry} for name, entry in by_class.items()],
    }


def _shots(
    effects: Effects,
    facts: Facts,
    armament: Armament,
    timelines: dict[int, dict[str, Any]],
    meant: Ints,
    worth: Worth,
    hostile: Bools,
) -> dict[str, Any]:
    shots, result, target = effects.shots, effects.result, effects.target
    fired = result != len(ShotResult)
    hit = fired & (target >= 0) & (result < len(ShotResult))
    affiliation = np.full(target.size, -1)
    affiliation[hit] = facts.affiliation[target[hit]]
    own = np.isin(affiliation, (Affiliation.FRIEND, Affiliation.NEUTRAL))
    at_nothing = fired & (result == ShotResult.NOTHING_THERE)
    killed_s = np.array(
        [
            np.inf
            if m < 0 or timelines.get(m, {}).get("killed_s") is None
            else timelines[m]["killed_s"]
            for m in meant.tolist()
        ]
    )
    at_dead = at_nothing & (killed_s < shots.effect_s)
    kills = fired & (result == ShotResult.KILL)
    cost_keur = armament.cost_keur[shots.effector]
    layers = []
    for layer in dict.fromkeys(armament.layer):
        of = np.array([name == layer for name in armament.layer], np.bool_)[shots.effector]
        layers.append(
            {
                "id": layer,
                "shots": int((fired & of).sum()),
                "kills": int((kills & of & ~own).sum()),
                "cost_keur": float(cost_keur[fired & of].sum()),
            }
        )
    came = np.array([name in timelines for name in range(hostile.size)]) & hostile
    dead = np.unique(target[kills & ~own])
    spent = float(cost_keur[fired].sum())
    cost_killed = float(worth.attack_cost_keur[dead].sum())
    return {
        "shots": int(fired.sum()),
        "aborted": int((~fired).sum()),
        "shots_at_ghosts": int((at_nothing & ~at_dead & (meant < 0)).sum()),
        "shots_at_dead": int(at_dead.sum()),
        "shots_astray": int((at_nothing & ~at_dead & (meant >= 0)).sum()),
        "shots_at_deaf": int((fired & (result == ShotResult.DEAF)).sum()),
        "friends_engaged": int(np.unique(target[own]).size),
        "friends_killed": int(np.unique(target[own & kills]).size),
        "shots_per_kill": float(fired.sum() / dead.size) if dead.size else None,
        "layers": layers,
        "cost_keur": spent,
        "attack_cost_keur": float(worth.attack_cost_keur[came].sum()),
        "attack_cost_killed_keur": cost_killed,
        "exchange": spent / cost_killed if cost_killed > 0.0 else None,
    }


def _effectors(fired: Fired, armament: Armament, until_s: float) -> list[dict[str, Any]]:
    """Return of every effector what it has left, when it had nothing, how long it was full up."""
    found = []
    for k, name in enumerate(armament.id):
        rows = np.flatnonzero(fired.state_effector == k)
        time_s, rounds = fired.state_time_s[rows], fired.state_rounds[rows]
        span_s = np.diff(np.append(time_s, until_s))
        empty = np.flatnonzero(rounds <= 0)
        endless = armament.magazine[k] is None
        shots = (fired.effects.shots.effector == k) & (fired.effects.result != len(ShotResult))
        found.append(
            {
                "id": name,
                "layer": armament.layer[k],
                "nation": armament.nation[k],
                "shots": int(shots.sum()),
                "magazine": armament.magazine[k],
                "left": None if endless or not rows.size else int(rounds[-1]),
                "empty_s": None if endless or not empty.size else float(time_s[empty[0]]),
                "saturated_s": float(span_s[fired.state_saturated[rows]].sum()),
            }
        )
    return found
