"""Effectors as the defence knows them: columns, and what each has left."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Bools, Floats, Ints

#: Magazine of an effector that never runs out.
ENDLESS = 2**30


class CaveatFlag(IntFlag):
    """What orders forbid, in the order of the scenario's words."""

    OWN_TERRITORY = 1
    OWN_SENSOR = 2
    ONLY_CREWED = 4
    ONLY_UNCREWED = 8
    ONLY_HOSTILE = 16
    NO_SOFT_KILL = 32


@dataclass(frozen=True, slots=True, eq=False)
class Effectors:
    """All effectors of a scenario, one row each.

    Attributes
    ----------
    id, kind, layer, nation : of each; the layer is the preset's name, or the kind without one
    node : (E,) index of the node that commands it, −1 for none
    group : (E,) index of the picture that it sees
    position_enu_m : (E, 3) where it stands; of one that is carried, at its carrier's start
    carrier : (E,) row of the target that carries it, −1 on the ground
    range_min_m, range_max_m, height_min_m, height_max_m : (E,) of its envelope, heights over it
    speed_mps : (E,) infinite where the effect is there at once
    dwell_s, reaction_s, assessment_s, interval_s, reload_s : (E,); ``reload_s`` infinite: never
    channels, magazine : (E,)
    sigma_max_m, basket_m : (E,) worst track it can use, and where it searches
    line_of_sight, listens_only, soft : (E,)
    kill_probability : (E, C) of one shot, by ``sim.world.targets.CLASS_NAMES``
    kill_told : (E, K) the same by the classes that the picture tells
    kill_unknown : (E,) if it tells none
    cost_keur : (E,) of a shot
    own_sensors : (E,) bits as in ``Tracks.sensors``
    caveats : (E,) ``CaveatFlag``
    territory : per effector corners (K, 2) east and north of its nation's area, empty for none
    """

    id: tuple[str, ...]
    kind: tuple[str, ...]
    layer: tuple[str, ...]
    nation: tuple[str, ...]
    node: Ints
    group: Ints
    position_enu_m: Floats
    carrier: Ints
    range_min_m: Floats
    range_max_m: Floats
    height_min_m: Floats
    height_max_m: Floats
    speed_mps: Floats
    dwell_s: Floats
    reaction_s: Floats
    assessment_s: Floats
    interval_s: Floats
    reload_s: Floats
    channels: Ints
    magazine: Ints
    sigma_max_m: Floats
    basket_m: Floats
    line_of_sight: Bools
    listens_only: Bools
    soft: Bools
    kill_probability: Floats
    kill_told: Floats
    kill_unknown: Floats
    cost_keur: Floats
    own_sensors: NDArray[np.uint64]
    caveats: Ints
    territory: tuple[Floats, ...]

    def __len__(self) -> int:
        return len(self.id)


@dataclass(slots=True)
class Stocks:
    """What effectors have left.

    Attributes
    ----------
    rounds : (E,) in the magazine
    reloaded_s : (E,) when an empty one is full again, infinite if that is not under way
    last_launch_s : (E,)
    """

    rounds: Ints
    reloaded_s: Floats
    last_launch_s: Floats

    @classmethod
    def full(cls, effectors: Effectors) -> Stocks:
        """Return the stocks at the start of a run."""
        n = len(effectors)
        return cls(effectors.magazine.copy(), np.full(n, math.inf), np.full(n, -math.inf))

    def reload(self, effectors: Effectors, now_s: float) -> None:
        """Fill the magazines whose reloading is done."""
        done = np.flatnonzero(self.reloaded_s <= now_s)
        self.rounds[done] = effectors.magazine[done]
        self.reloaded_s[done] = math.inf

    def fire(self, effectors: Effectors, effector: int, time_s: float) -> None:
        """Take one round; an empty magazine begins to be reloaded."""
        self.last_launch_s[effector] = max(time_s, self.last_launch_s[effector])
        if effectors.magazine[effector] == ENDLESS:
            return
        self.rounds[effector] -= 1
        if self.rounds[effector] == 0:
            self.reloaded_s[effector] = time_s + effectors.reload_s[effector]
