"""A planned flight: track over the ground, height and speed together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.geodesy import ecef_from_up
from sim.core.tables import Floats
from sim.world.groundpath import GroundPath, ground_velocity
from sim.world.profile import HeightProfile, Timeline


@dataclass(frozen=True, slots=True, eq=False)
class Motion:
    """State of a flight at K times, in ECEF axes.

    Attributes
    ----------
    position_m, velocity_mps : (K, 3)
    up, up_rate, direction, left : (K, 3) local vertical and its rate (1/s), unit vectors
        along and left of the path
    angle_rate : (K,) speed along the unit sphere (rad/s)
    turned_rad : (K,) how far ``direction`` has turned left since the start
    """

    position_m: Floats
    velocity_mps: Floats
    up: Floats
    up_rate: Floats
    direction: Floats
    left: Floats
    angle_rate: Floats
    turned_rad: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """A flight along a ground path."""

    ground: GroundPath
    height: HeightProfile
    timeline: Timeline

    @property
    def start_s(self) -> float:
        """When the flight begins."""
        return float(self.timeline.start_s[0])

    @property
    def end_s(self) -> float:
        """When the flight ends."""
        return float(self.timeline.start_s[-1])

    def breaks_s(self) -> Floats:
        """Return the times at which the acceleration may jump, first and last included."""
        reached_s = self.timeline.time_at(self.ground.piece_start_m)
        times = np.concatenate([self.timeline.start_s, reached_s])
        return np.unique(np.clip(times, self.start_s, self.end_s))

    def at(self, time_s: Floats) -> Motion:
        """Return the state at times (K,)."""
        distance_m, speed_mps, climbed_m, climb_mps, _ = self.timeline.at(time_s)
        angle_rad, slope = self.ground.angle_at(distance_m)
        place, direction, turned_rad = self.ground.at(angle_rad)
        base_m, base_slope = self.height.at(angle_rad)
        height_m = base_m + climbed_m
        rate = speed_mps * slope
        level_mps = ground_velocity(place, direction, height_m) * rate[:, None]
        vertical_mps = base_slope * rate + climb_mps
        return Motion(
            ecef_from_up(place, height_m),
            level_mps + vertical_mps[:, None] * place,
            place,
            direction * rate[:, None],
            direction,
            np.cross(place, direction),
            rate,
            turned_rad,
        )

    def heading_at(self, time_s: Floats) -> Floats:
        """Return the angle turned left since the start (rad), turns on the spot included
        as they happen."""
        distance_m, _, _, _, turned_at_stops = self.timeline.at(time_s)
        angle_rad, _ = self.ground.angle_at(distance_m)
        along = np.interp(
            angle_rad, self.ground.start_rad, np.append(0.0, np.cumsum(self._turns()))
        )
        heading: Floats = along + turned_at_stops
        return heading

    def _turns(self) -> Floats:
        turns: Floats = self.ground.curvature * np.diff(self.ground.start_rad)
        return turns
