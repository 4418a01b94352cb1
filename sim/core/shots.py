"""What the defence does, as it passes between rooms: shots, one row each, and why none."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]


class ShotPhase(IntEnum):
    """Life of a shot."""

    ORDERED = 0
    FLYING = 1
    ARRIVED = 2


class ShotResult(IntEnum):
    """What became of a shot that arrived.

    ``NOTHING_THERE``: no target where it searched. ``DEAF``: its target does not listen.
    ``OUT_OF_REACH``: its target left what the effector reaches.
    """

    KILL = 0
    MISS = 1
    NOTHING_THERE = 2
    DEAF = 3
    OUT_OF_REACH = 4


class Why(IntEnum):
    """Why a track is not engaged now, or that it is; the first obstacle that stops all shots.

    ``NO_THREAT``: held a friend or neutral, or nothing that is protected would suffer.
    ``OUT_OF_REACH``: no effector that could still meet it. ``NOT_YET``: one can, later.
    ``POOR_TRACK``: too uncertain to shoot at. ``NOT_IDENTIFIED``: the weapons state asks for
    more. ``NOT_ALLOWED``: caveats, a town below, friends nearby. ``NO_STOCK``, ``NO_CHANNEL``:
    all who could have nothing left, or are busy. ``NO_DECISION``: nodes decide no faster.
    ``NOT_WORTH``: shots are better used otherwise, or kept. ``ENGAGED``: shots are under way.
    ``JUDGED_DEAD``: hit by what one can tell, not seen since.
    """

    NO_THREAT = 0
    OUT_OF_REACH = 1
    NOT_YET = 2
    POOR_TRACK = 3
    NOT_IDENTIFIED = 4
    NOT_ALLOWED = 5
    NO_STOCK = 6
    NO_CHANNEL = 7
    NO_DECISION = 8
    NOT_WORTH = 9
    ENGAGED = 10
    JUDGED_DEAD = 11


@dataclass(frozen=True, slots=True)
class Shots:
    """Shots, one row each.

    Attributes
    ----------
    number : (N,) of the shot, in order of the decisions of a run
    effector : (N,) index of the effector
    track : (N,) number of the track it is meant for
    phase : (N,) ``ShotPhase``
    decided_s, launch_s, effect_s : (N,) when it was ordered, and is to leave and to arrive
    free_s : (N,) when it is judged, and its channel free again; NaN before it arrived
    start_enu_m : (N, 3) where it leaves from
    aim_enu_m : (N, 3) where it is to meet its track
    kill_probability : (N,) by what the picture knew when it was ordered
    guided : (N,) whether its track is still there
    """

    number: Ints
    effector: Ints
    track: Ints
    phase: Bytes
    decided_s: Floats
    launch_s: Floats
    effect_s: Floats
    free_s: Floats
    start_enu_m: Floats
    aim_enu_m: Floats
    kill_probability: Floats
    guided: Bools

    @classmethod
    def none(cls) -> Self:
        """Return a table without rows."""
        whole, real = np.empty(0, np.int32), np.empty(0)
        return cls(
            whole,
            whole,
            whole,
            np.empty(0, np.uint8),
            real,
            real,
            real,
            real,
            np.empty((0, 3)),
            np.empty((0, 3)),
            real,
            np.empty(0, np.bool_),
        )

    def __len__(self) -> int:
        return int(self.number.size)

    def take(self, rows: NDArray[np.intp] | Bools) -> Shots:
        """Return the given rows (indices or mask) as a new table."""
        return Shots(*(getattr(self, f.name)[rows] for f in fields(self)))

    @classmethod
    def concatenate(cls, first: Shots, second: Shots) -> Shots:
        """Return the rows of one table after those of another."""
        return cls(
            *(
                np.concatenate([getattr(first, f.name), getattr(second, f.name)])
                for f in fields(cls)
            )
        )

    def position_enu_m(self, time_s: float) -> Floats:
        """Return where they are (N, 3): on the straight way from start to aim."""
        span_s = np.maximum(self.effect_s - self.launch_s, 1e-9)
        share = np.clip((time_s - self.launch_s) / span_s, 0.0, 1.0)
        return self.start_enu_m + share[:, None] * (self.aim_enu_m - self.start_enu_m)


def _whole() -> Ints:
    return np.empty(0, np.int32)


def _real() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, slots=True)
class Effects:
    """What became of shots that arrived, one row each.

    Attributes
    ----------
    shots : as those who fired believed them to be
    target : (N,) the target that each met, −1 for none
    result : (N,) ``ShotResult``
    """

    shots: Shots = field(default_factory=Shots.none)
    target: Ints = field(default_factory=_whole)
    result: Bytes = field(default_factory=lambda: np.empty(0, np.uint8))

    @property
    def killed(self) -> list[int]:
        """Rows of the targets that are gone."""
        return sorted(set(self.target[self.result == ShotResult.KILL].tolist()))


@dataclass(frozen=True, slots=True)
class DefenceStep:
    """What the defence did in one step; all empty without one.

    Attributes
    ----------
    ordered, launched, aborted : shots that were decided, left, were called off
    effects : what those did that arrived: for recording and scoring, nobody else knows it
    judged : shots whose effect the defence has judged, as far as it can
    under_way : all shots that are not judged yet
    places_enu_m : (E, 3) where effectors are, NaN for one that is gone
    track, why, worth, time_to_go_s : (K,) of every confirmed track of the last plan: its number,
        ``Why`` it is not engaged, the value that it threatens, and when
    planned : whether a plan was made in this step
    levels : (G,) of escalation, of each shared picture
    rounds, busy : (E,) left in the magazine, channels taken
    saturated : (E,) whether no channel was free for what could have been shot at
    """

    ordered: Shots = field(default_factory=Shots.none)
    launched: Shots = field(default_factory=Shots.none)
    aborted: Shots = field(default_factory=Shots.none)
    effects: Effects = field(default_factory=Effects)
    judged: Shots = field(default_factory=Shots.none)
    under_way: Shots = field(default_factory=Shots.none)
    places_enu_m: Floats = field(default_factory=lambda: np.empty((0, 3)))
    track: Ints = field(default_factory=_whole)
    why: Bytes = field(default_factory=lambda: np.empty(0, np.uint8))
    worth: Floats = field(default_factory=_real)
    time_to_go_s: Floats = field(default_factory=_real)
    planned: bool = False
    levels: Ints = field(default_factory=_whole)
    rounds: Ints = field(default_factory=_whole)
    busy: Ints = field(default_factory=_whole)
    saturated: Bools = field(default_factory=lambda: np.empty(0, np.bool_))
