"""Many targets on one flight: places beside a leader that turn with the path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.tables import Floats
from sim.world.flight import Flight
from sim.world.frames import Frame
from sim.world.targets import Formation, Spread
from sim.world.trajectories import Knots, sample_adaptively

# A formation takes this many times its radius, flown at cruise speed, to follow a turn:
# its outermost target is then at most a quarter faster or slower, even in a reversal.
_FOLLOWING_SHARE = 4 * np.pi
_SHORTEST_WINDOW_S = 1.0
_HEADING_STEPS = 16


def formation_offsets_m(formation: Formation, count: int) -> Floats:
    """Return places (count, 3) right of, ahead of and above the leader, who comes first.

    In line abreast and wedge, right and left alternate; echelon goes back to the right.
    Echelon and wedge fall back at 45°, with the spacing along the line. In trail all
    fly the leader's path, later (``trail_delays_s``).
    """
    k = np.arange(count)
    side, rank = np.where(k % 2 == 1, 1.0, -1.0), (k + 1) // 2
    diagonal = np.sqrt(0.5)
    right, ahead = {
        "trail": (0.0 * k, 0.0 * k),
        "line-abreast": (side * rank, 0.0 * k),
        "echelon": (diagonal * k, -diagonal * k),
        "wedge": (diagonal * side * rank, -diagonal * rank),
    }[formation.kind]
    return np.stack([right, ahead, 0.0 * k], -1) * formation.spacing_m


def trail_delays_s(formation: Formation | None, count: int, speed_mps: float) -> Floats:
    """Return how much later than the leader each target flies (count,), zero unless in trail."""
    if formation is None or formation.kind != "trail":
        return np.zeros(count)
    delays: Floats = np.arange(count, dtype=np.float64) * (formation.spacing_m / speed_mps)
    return delays


def spread_offsets_m(spread: Spread, count: int, rng: np.random.Generator) -> Floats:
    """Return random places (count, 3), uniform in the cylinder around the path.

    Row k depends on the generator and k alone, so a larger swarm keeps its first members.
    """
    draws = rng.random((count, 3))
    radius_m = spread.radius_m * np.sqrt(draws[:, 0])
    angle = 2 * np.pi * draws[:, 1]
    return np.stack(
        [
            radius_m * np.sin(angle),
            radius_m * np.cos(angle),
            spread.height_m * (draws[:, 2] - 0.5),
        ],
        -1,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _SmoothHeading:
    """Moving average of the angle turned left: a formation's heading, without kinks.

    The angle is linear between nodes, so its integral and the average are exact.
    """

    node_s: Floats
    angle_rad: Floats
    integral: Floats
    window_s: float

    @classmethod
    def of(cls, flight: Flight, window_s: float) -> _SmoothHeading:
        breaks = flight.breaks_s()
        steps = np.linspace(0, 1, _HEADING_STEPS, endpoint=False)
        inner = (breaks[:-1, None] + np.diff(breaks)[:, None] * steps).ravel()
        node_s = np.concatenate(
            [[breaks[0] - window_s], inner, [breaks[-1], breaks[-1] + window_s]]
        )
        angle = flight.heading_at(np.clip(node_s, breaks[0], breaks[-1]))
        areas = np.diff(node_s) * (angle[1:] + angle[:-1]) / 2
        return cls(node_s, angle, np.concatenate([[0.0], np.cumsum(areas)]), window_s)

    def at(self, time_s: Floats) -> tuple[Floats, Floats]:
        """Return the averaged angle (rad) and its rate (rad/s)."""
        angle_0, integral_0 = self._sum(time_s - self.window_s / 2)
        angle_1, integral_1 = self._sum(time_s + self.window_s / 2)
        return (integral_1 - integral_0) / self.window_s, (angle_1 - angle_0) / self.window_s

    def _sum(self, time_s: Floats) -> tuple[Floats, Floats]:
        part = np.clip(np.searchsorted(self.node_s, time_s, "right") - 1, 0, self.node_s.size - 2)
        elapsed = time_s - self.node_s[part]
        slope = (self.angle_rad[part + 1] - self.angle_rad[part]) / np.diff(self.node_s)[part]
        angle = self.angle_rad[part] + slope * elapsed
        return angle, self.integral[part] + elapsed * (self.angle_rad[part] + angle) / 2


def members(flight: Flight, frame: Frame, offsets_m: Floats, speed_mps: float) -> list[Knots]:
    """Return the paths of targets at fixed places in a turning formation.

    Parameters
    ----------
    flight
        The leader's.
    frame
        The scenario's.
    offsets_m
        (M, 3) right, ahead and up.
    speed_mps
        Cruise speed; sets how fast the formation can turn.
    """
    across_m = float(np.linalg.norm(offsets_m[:, :2], axis=1).max())
    reach_m = float(np.abs(offsets_m).max())
    window_s = max(_FOLLOWING_SHARE * across_m / speed_mps, _SHORTEST_WINDOW_S)
    heading = _SmoothHeading.of(flight, window_s) if reach_m else None

    def axes(time_s: Floats) -> tuple[Floats, Floats]:
        """Return the leader's place, and right, ahead and up as long as the reach."""
        motion = flight.at(time_s)
        place, velocity = [motion.position_m - frame.origin_ecef_m], [motion.velocity_mps]
        if heading is not None:
            angle, rate = heading.at(time_s)
            off, turn = angle - motion.turned_rad, rate[:, None]
            sine, cosine = np.sin(off)[:, None], np.cos(off)[:, None]
            ahead = cosine * motion.direction + sine * motion.left
            right = sine * motion.direction - cosine * motion.left
            pitch = motion.angle_rate[:, None] * motion.up
            place += [reach_m * right, reach_m * ahead, reach_m * motion.up]
            velocity += [
                reach_m * (turn * ahead - sine * pitch),
                reach_m * (-turn * right - cosine * pitch),
                reach_m * motion.up_rate,
            ]
        return np.stack(place, 1) @ frame.enu_R_ecef.T, np.stack(velocity, 1) @ frame.enu_R_ecef.T

    # A member's path is linear in its offset: fitting the axes together fits every member.
    time_s, place, velocity = sample_adaptively(axes, flight.breaks_s())
    if heading is None:
        return [Knots.without_gaps(time_s, place[:, 0], velocity[:, 0])] * len(offsets_m)
    bent_m = offsets_m.copy()
    # Level over the curved earth, not in the leader's tangent plane.
    bent_m[:, 2] -= (offsets_m[:, :2] ** 2).sum(-1) / (2 * MEAN_EARTH_RADIUS_M)
    share = np.hstack([np.ones((len(bent_m), 1)), bent_m / reach_m])
    return [
        Knots.without_gaps(
            time_s, np.einsum("a,kax->kx", row, place), np.einsum("a,kax->kx", row, velocity)
        )
        for row in share
    ]
