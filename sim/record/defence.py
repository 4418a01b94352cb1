"""What the defence did, in tables and in events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from sim.core.shots import DefenceStep, Effects, ShotPhase, ShotResult, Shots, Why
from sim.core.tables import Bools, Bytes, Floats, Ints
from sim.record.tables import (
    AIM,
    EFFECTOR_STATES,
    SCHEMAS,
    SHOTS,
    START,
    THREATS,
    Columns,
    Vocabulary,
    word_column,
    words,
)

#: Results beyond those of ``ShotResult``: called off before it left, still flying at the end.
ABORTED, UNDER_WAY = "aborted", "under-way"
RESULTS = (*words(ShotResult), ABORTED, UNDER_WAY)
REASONS = words(Why)
_ABORTED, _UNDER_WAY = len(ShotResult), len(ShotResult) + 1

_SAID = {
    ShotResult.KILL: "shot-killed",
    ShotResult.MISS: "shot-missed",
    ShotResult.NOTHING_THERE: "shot-at-nothing",
    ShotResult.DEAF: "shot-at-deaf",
    ShotResult.OUT_OF_REACH: "shot-out-of-reach",
}


class DefenceLog:
    """Collects what the defence did since the last flush, and what of it changed.

    Parameters
    ----------
    vocabulary : of the run
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._shots: list[tuple[Shots, Ints, Bytes]] = []
        self._states: list[tuple[float, Ints, Ints, Ints, Bools]] = []
        self._threats: list[tuple[float, Ints, Bytes, Floats, Floats]] = []
        self._known_state: tuple[Ints, Ints, Bools] | None = None
        self._known_why: dict[int, int] = {}
        self._under_way = Shots.none()

    def add(self, time_s: float, step: DefenceStep) -> list[dict[str, Any]]:
        """Take in a step; return its events: time, event, number, target, detail."""
        events: list[dict[str, Any]] = []
        worth = dict(zip(step.track.tolist(), step.worth.tolist(), strict=True))
        to_go_s = dict(zip(step.track.tolist(), step.time_to_go_s.tolist(), strict=True))
        for row in range(len(step.ordered)):
            track = int(step.ordered.track[row])
            detail = self._reason(step.ordered, row, worth.get(track), to_go_s.get(track))
            events.append(_event(time_s, "shot-ordered", track, None, detail))
        for shots, name in ((step.launched, "shot-fired"), (step.aborted, "shot-aborted")):
            for row in range(len(shots)):
                at_s = float(shots.launch_s[row]) if name == "shot-fired" else time_s
                events.append(
                    _event(at_s, name, int(shots.track[row]), None, self._who(shots, row))
                )
        effects = step.effects
        for row in range(len(effects.shots)):
            name = _SAID[ShotResult(int(effects.result[row]))]
            shots, target = effects.shots, int(effects.target[row])
            detail = self._who(shots, row)
            at_s = float(shots.effect_s[row])
            events.append(
                _event(at_s, name, int(shots.track[row]), target if target >= 0 else None, detail)
            )
        self._shots.append((effects.shots, effects.target, effects.result))
        n = len(step.aborted)
        if n:
            nobody, called_off = np.full(n, -1, np.int32), np.full(n, _ABORTED, np.uint8)
            self._shots.append((step.aborted, nobody, called_off))
        self._under_way = step.under_way
        self._note_states(time_s, step)
        events += self._note_threats(time_s, step)
        return events

    def _who(self, shots: Shots, row: int) -> str:
        effector = self._vocabulary.effectors[int(shots.effector[row])]
        return f"{effector}, shot {int(shots.number[row])}"

    def _reason(self, shots: Shots, row: int, worth: float | None, to_go_s: float | None) -> str:
        parts = [f"kills with {shots.kill_probability[row]:.2f}"]
        if worth is not None:
            parts.append(f"threatens {worth:.3g}")
        if to_go_s is not None and np.isfinite(to_go_s):
            parts.append(f"{to_go_s:.0f} s to go")
        return f"{self._who(shots, row)}: " + ", ".join(parts)

    def _note_states(self, time_s: float, step: DefenceStep) -> None:
        if not step.rounds.size:
            return
        now = (step.rounds, step.busy, step.saturated)
        changed = np.ones(step.rounds.size, np.bool_)
        if self._known_state is not None:
            changed = np.zeros(step.rounds.size, np.bool_)
            for new, old in zip(now, self._known_state, strict=True):
                changed |= new != old
        rows = np.flatnonzero(changed).astype(np.int32)
        if rows.size:
            self._states.append(
                (time_s, rows, step.rounds[rows], step.busy[rows], step.saturated[rows])
            )
            self._known_state = now

    def _note_threats(self, time_s: float, step: DefenceStep) -> list[dict[str, Any]]:
        if not step.planned:
            return []
        events = []
        now = dict(zip(step.track.tolist(), step.why.tolist(), strict=True))
        changed = [k for k, n in enumerate(step.track.tolist()) if self._known_why.get(n) != now[n]]
        for row in changed:
            why = Why(int(step.why[row]))
            if why not in (Why.ENGAGED, Why.NO_THREAT):
                word = REASONS[why]
                events.append(_event(time_s, "fire-held", int(step.track[row]), None, word))
        if changed:
            rows = np.array(changed)
            self._threats.append(
                (
                    time_s,
                    step.track[rows],
                    step.why[rows],
                    step.worth[rows],
                    step.time_to_go_s[rows],
                )
            )
        self._known_why = now
        return events

    def tables(self) -> dict[str, pa.Table]:
        """Return the tables of what was added since ``clear``."""
        vocabulary, tables = self._vocabulary, {}
        if self._shots:
            tables[SHOTS] = _shots_table(self._shots, vocabulary)
        if self._states:
            times = np.repeat([s[0] for s in self._states], [s[1].size for s in self._states])
            rows, rounds, busy, saturated = (
                np.concatenate([s[k] for s in self._states]) for k in range(1, 5)
            )
            tables[EFFECTOR_STATES] = pa.Table.from_arrays(
                [times, word_column(rows, vocabulary.effectors), rounds, busy, saturated],
                schema=SCHEMAS[EFFECTOR_STATES],
            )
        if self._threats:
            times = np.repeat([t[0] for t in self._threats], [t[1].size for t in self._threats])
            number, why, worth, to_go_s = (
                np.concatenate([t[k] for t in self._threats]) for k in range(1, 5)
            )
            tables[THREATS] = pa.Table.from_arrays(
                [times, number, word_column(why, REASONS), worth, to_go_s],
                schema=SCHEMAS[THREATS],
            )
        return tables

    def clear(self) -> None:
        """Forget what ``tables`` returned."""
        self._shots, self._states, self._threats = [], [], []

    def close(self) -> None:
        """Note the shots that are still under way as the run ends."""
        flying = self._under_way.take(self._under_way.phase != ShotPhase.ARRIVED)
        n = len(flying)
        if n:
            self._shots.append((flying, np.full(n, -1, np.int32), np.full(n, _UNDER_WAY, np.uint8)))


def _event(
    time_s: float, event: str, number: int, target: int | None, detail: str
) -> dict[str, Any]:
    return {"time_s": time_s, "event": event, "number": number, "target": target, "detail": detail}


def _shots_table(parts: list[tuple[Shots, Ints, Bytes]], vocabulary: Vocabulary) -> pa.Table:
    shots = Shots.none()
    for part, _, _ in parts:
        shots = Shots.concatenate(shots, part)
    target, result = (np.concatenate([p[k] for p in parts]) for k in (1, 2))
    return pa.Table.from_arrays(
        [
            shots.number,
            word_column(shots.effector, vocabulary.effectors),
            shots.track,
            shots.decided_s,
            shots.launch_s,
            shots.effect_s,
            *shots.start_enu_m.T,
            *shots.aim_enu_m.T,
            shots.kill_probability,
            shots.guided,
            word_column(result, RESULTS),
            word_column(target, vocabulary.targets),
        ],
        schema=SCHEMAS[SHOTS],
    )


def effects_of(table: Columns, vocabulary: Vocabulary) -> Effects:
    """Return all shots of a run; of results beyond ``ShotResult``, see ``RESULTS``."""
    result = table.codes("result", RESULTS).astype(np.uint8)
    n = result.size
    phase = np.where(result < len(ShotResult), ShotPhase.ARRIVED, ShotPhase.FLYING)
    return Effects(
        Shots(
            number=table.numbers("number"),
            effector=table.codes("effector", vocabulary.effectors),
            track=table.numbers("track"),
            phase=phase.astype(np.uint8),
            decided_s=table.numbers("decided_s"),
            launch_s=table.numbers("launch_s"),
            effect_s=table.numbers("effect_s"),
            free_s=np.full(n, np.nan),
            start_enu_m=table.stacked(START),
            aim_enu_m=table.stacked(AIM),
            kill_probability=table.numbers("kill_probability"),
            guided=table.numbers("guided"),
        ),
        table.codes("target", vocabulary.targets),
        result,
    )


class DefencePlayback:
    """What the defence of a recorded run did, at any time.

    Parameters
    ----------
    shots, states, threats : the tables
    vocabulary : of the run
    """

    def __init__(
        self, shots: Columns, states: Columns, threats: Columns, vocabulary: Vocabulary
    ) -> None:
        self.effects = effects_of(shots, vocabulary)
        self._effectors = len(vocabulary.effectors)
        self._state_s = states.numbers("time_s")
        self._state_effector = states.codes("effector", vocabulary.effectors)
        self._rounds, self._busy = states.numbers("rounds"), states.numbers("busy")
        self._saturated = np.asarray(states.numbers("saturated"), np.bool_)
        self._threat_s = threats.numbers("time_s")
        self._threat = (
            threats.numbers("number"),
            threats.codes("why", REASONS).astype(np.uint8),
            threats.numbers("worth"),
            threats.numbers("time_to_go_s"),
        )

    def at(self, time_s: float, since_s: float, places_enu_m: Floats) -> DefenceStep:
        """Return what was under way at a time, and what arrived since another.

        Parameters
        ----------
        places_enu_m : (E, 3) where effectors are

        Returns
        -------
        DefenceStep
            Shots fly to where they met their tracks; of tracks, the last that was told of each.
        """
        shots, result = self.effects.shots, self.effects.result
        there = (shots.decided_s <= time_s) & (shots.effect_s > time_s)
        there &= (result != _ABORTED) | (shots.launch_s > time_s)
        came = (result < _ABORTED) & (shots.effect_s > since_s) & (shots.effect_s <= time_s)
        under_way = shots.take(there)
        phase = np.where(under_way.launch_s <= time_s, ShotPhase.FLYING, ShotPhase.ORDERED)
        rows = _latest(self._state_effector[: self._until(self._state_s, time_s)])
        rounds, busy = np.zeros(self._effectors, np.int32), np.zeros(self._effectors, np.int32)
        saturated = np.zeros(self._effectors, np.bool_)
        effector = self._state_effector[rows]
        rounds[effector], busy[effector] = self._rounds[rows], self._busy[rows]
        saturated[effector] = self._saturated[rows]
        told = _latest(self._threat[0][: self._until(self._threat_s, time_s)])
        number, why, worth, to_go_s = (column[told] for column in self._threat)
        return DefenceStep(
            effects=Effects(shots.take(came), self.effects.target[came], result[came]),
            under_way=replace(under_way, phase=phase.astype(np.uint8)),
            places_enu_m=places_enu_m,
            track=number,
            why=why,
            worth=worth,
            time_to_go_s=to_go_s,
            rounds=rounds,
            busy=busy,
            saturated=saturated,
        )

    @staticmethod
    def _until(times_s: Floats, time_s: float) -> int:
        return int(np.searchsorted(times_s, time_s + 1e-9))


def _latest(keys: Ints) -> Any:
    """Return the last row of each key."""
    _, first = np.unique(keys[::-1], return_index=True)
    return keys.size - 1 - first
