"""Where shots meet the truth: the one place of the defence that knows it."""

from __future__ import annotations

import math

import numpy as np

from sim.core.shots import Effects, ShotResult, Shots
from sim.defence.effectors import Effectors
from sim.world.chance import Chance
from sim.world.targets import CLASS_NAMES
from sim.world.truth import Targets

_OVERSHOOT = 1.1


class Arbiter:
    """Decides what shots do, by chance and by where targets truly are.

    Each target has a chance of its own, so that the same shots at it do the same whatever
    else is shot at.

    Parameters
    ----------
    effectors : all of them
    chance : of the run
    """

    def __init__(self, effectors: Effectors, chance: Chance) -> None:
        self._effectors = effectors
        self._chance = chance
        self._generators: dict[int, np.random.Generator] = {}

    def resolve(self, shots: Shots, targets: Targets) -> Effects:
        """Return what shots that arrive do, in order of their arrival.

        Parameters
        ----------
        shots : that arrived
        targets : those that are left
        """
        n, effectors = len(shots), self._effectors
        order = np.lexsort((shots.number, shots.effect_s))
        target, result = np.full(n, -1, np.int32), np.full(n, ShotResult.NOTHING_THERE, np.uint8)
        gone: set[int] = set()
        everyone = np.arange(len(targets), dtype=np.int32)
        for row in order.tolist():
            effector = int(shots.effector[row])
            # Its carrier is not a target to whom it belongs.
            others = everyone[everyone != effectors.carrier[effector]]
            position, _ = targets.at(float(shots.effect_s[row]), others)
            away_m = np.linalg.norm(position - shots.aim_enu_m[row], axis=1)
            away_m[np.isnan(away_m) | targets.signatures.ghost[others]] = math.inf
            if gone:
                away_m[np.isin(others, list(gone))] = math.inf
            if not away_m.size or not away_m.min() <= effectors.basket_m[effector]:
                continue
            nearest = int(away_m.argmin())
            target[row] = hit = int(others[nearest])
            reach_m = np.linalg.norm(position[nearest] - shots.start_enu_m[row])
            if reach_m > _OVERSHOOT * effectors.range_max_m[effector]:
                result[row] = ShotResult.OUT_OF_REACH
            elif effectors.listens_only[effector] and not self._listens(targets, hit):
                result[row] = ShotResult.DEAF
            else:
                column = CLASS_NAMES.index(targets.classes[hit])
                kills = self._draw(targets, hit) < effectors.kill_probability[effector, column]
                result[row] = ShotResult.KILL if kills else ShotResult.MISS
                if kills:
                    gone.add(hit)
        return Effects(shots, target, result)

    def _draw(self, targets: Targets, target: int) -> float:
        if target not in self._generators:
            self._generators[target] = self._chance.generator(f"shot/{targets.ids[target]}")
        return float(self._generators[target].random())

    @staticmethod
    def _listens(targets: Targets, target: int) -> bool:
        return bool(targets.signatures.rf_dbm[target] > -math.inf)
