"""Where a sensor that follows cues points: it slews from one to the next, and that takes time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sim.core.tables import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class Drive:
    """How a sensor is turned, and how long it stays.

    Attributes
    ----------
    slew_rate_rad_per_s, settle_s : a turn by an angle takes angle / rate + settling
    dwell_s : time on a cue once settled
    tentative : whether cues of tentative tracks are followed too
    """

    slew_rate_rad_per_s: float
    settle_s: float
    dwell_s: float
    tentative: bool


@dataclass(slots=True)
class Gaze:
    """Where a sensor points, and what it looked at; changes during a run.

    Attributes
    ----------
    drive : how it is turned
    azimuth_rad, elevation_rad : where to, local
    settled_s : from then on images are taken
    free_s : from then on it may turn to another cue
    number : track that it follows, 0 for none
    looked_s : by track number, when it was last turned to
    """

    drive: Drive
    azimuth_rad: float
    elevation_rad: float
    settled_s: float = -np.inf
    free_s: float = -np.inf
    number: int = 0
    looked_s: dict[int, float] = field(default_factory=dict)

    def follow(
        self, number: Ints, polar: Floats, reachable: Bools, time_s: float, since_s: float
    ) -> bool:
        """Point at a cue as of ``time_s``; tell whether the sensor has settled there.

        The cue that was turned to the longest time ago is next, new ones first, confirmed ones
        before tentative. While its time lasts, its track is followed.

        Parameters
        ----------
        number : (K,) of the cues, negative for tentative tracks
        polar : (K, ≥ 3) range, azimuth and elevation of each at ``time_s``
        reachable : (K,) whether the sensor can be pointed there
        since_s : the cues were given then; no turn begins earlier
        """
        eligible = reachable if self.drive.tentative else reachable & (number > 0)
        if time_s >= self.free_s and eligible.any():
            known = set(number.tolist())
            self.looked_s = {k: v for k, v in self.looked_s.items() if k in known}
            row = min(np.flatnonzero(eligible).tolist(), key=lambda k: self._order(int(number[k])))
            azimuth_rad, elevation_rad = polar[row, 1:3].tolist()
            begin_s = max(self.free_s, since_s)
            self._turn(int(number[row]), azimuth_rad, elevation_rad, begin_s)
        else:
            held = np.flatnonzero((number == self.number) & reachable)
            if held.size:
                self.azimuth_rad, self.elevation_rad = polar[held[0], 1:3].tolist()
        return time_s >= self.settled_s

    def _order(self, number: int) -> tuple[bool, float, int]:
        return number < 0, self.looked_s.get(number, -np.inf), abs(number)

    def _turn(self, number: int, azimuth_rad: float, elevation_rad: float, begin_s: float) -> None:
        if number != self.number:
            here, there = (self.azimuth_rad, self.elevation_rad), (azimuth_rad, elevation_rad)
            turn = angle_between(here, there)
            self.settled_s = begin_s + turn / self.drive.slew_rate_rad_per_s + self.drive.settle_s
        self.free_s = max(self.settled_s, begin_s) + self.drive.dwell_s
        self.azimuth_rad, self.elevation_rad, self.number = azimuth_rad, elevation_rad, number
        self.looked_s[number] = begin_s


def angle_between(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return the angle (rad) between two directions, azimuth and elevation each."""
    cosine = np.sin(one[1]) * np.sin(other[1])
    cosine += np.cos(one[1]) * np.cos(other[1]) * np.cos(other[0] - one[0])
    return float(np.arccos(np.clip(cosine, -1.0, 1.0)))
