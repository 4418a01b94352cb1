"""Speed and height along a path, within limits of acceleration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.tables import Bools, Floats


@dataclass(frozen=True, slots=True)
class Stop:
    """A rest on the way, during which the target may climb or turn on the spot."""

    duration_s: float
    climb_m: float = 0.0
    turn_rad: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Distance over time: F phases of constant acceleration.

    Attributes
    ----------
    start_s : (F + 1,) when each phase begins, and when the last ends
    start_m, speed_mps, acceleration_mps2 : (F,) at the start of each phase
    climbed_m, climb_m : (F,) height gained at earlier stops, and at this one
    turned_rad, turn_rad : (F,) turned on the spot at earlier stops, and at this one
    """

    start_s: Floats
    start_m: Floats
    speed_mps: Floats
    acceleration_mps2: Floats
    climbed_m: Floats
    climb_m: Floats
    turned_rad: Floats
    turn_rad: Floats

    def at(self, time_s: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return distance (m), speed (m/s), height (m) and climb rate (m/s) gained at
        stops, and angle turned at stops (rad), (K,) each."""
        phase = np.searchsorted(self.start_s[:-1], time_s, side="right") - 1
        phase = np.clip(phase, 0, self.start_m.size - 1)
        elapsed = time_s - self.start_s[phase]
        acceleration = self.acceleration_mps2[phase]
        speed = self.speed_mps[phase] + acceleration * elapsed
        distance = self.start_m[phase] + elapsed * (self.speed_mps[phase] + speed) / 2
        duration = np.diff(self.start_s)[phase]
        u = np.clip(elapsed / duration, 0, 1)
        climbed = self.climbed_m[phase] + self.climb_m[phase] * u * u * (3 - 2 * u)
        climb_rate = self.climb_m[phase] * 6 * u * (1 - u) / duration
        turned = self.turned_rad[phase] + self.turn_rad[phase] * u
        return distance, speed, climbed, climb_rate, turned

    def time_at(self, distance_m: Floats) -> Floats:
        """Return when distances are first reached (s)."""
        phase = np.searchsorted(self.start_m, distance_m, side="left") - 1
        phase = np.clip(phase, 0, self.start_m.size - 1)
        ahead = np.maximum(distance_m - self.start_m[phase], 0.0)
        speed = self.speed_mps[phase]
        square = np.maximum(speed**2 + 2 * self.acceleration_mps2[phase] * ahead, 0.0)
        mean_speed = np.maximum((speed + np.sqrt(square)) / 2, 1e-9)
        limit = np.diff(self.start_s)[phase]
        times: Floats = self.start_s[phase] + np.minimum(ahead / mean_speed, limit)
        return times


def plan_speed(
    start_s: float,
    length_m: Floats,
    speed_max_mps: Floats,
    last_speed_mps: float,
    stops: dict[int, Stop],
    acceleration_mps2: float,
) -> Timeline:
    """Fly every piece as fast as allowed, within the limit of acceleration.

    Speed drops before a slower piece and rises within a faster one.

    Parameters
    ----------
    start_s
        When the path begins.
    length_m, speed_max_mps
        (P,) pieces of the path.
    last_speed_mps
        Highest speed at the end.
    stops
        By node: node k lies before piece k.
    acceleration_mps2
        Limit of acceleration along the path.
    """
    node_mps = np.minimum(np.append(speed_max_mps, np.inf), np.append(np.inf, speed_max_mps))
    node_mps[-1] = min(node_mps[-1], last_speed_mps)
    node_mps[list(stops)] = 0.0
    gain = 2 * acceleration_mps2 * length_m
    for k in range(length_m.size - 1, -1, -1):
        node_mps[k] = min(node_mps[k], np.sqrt(node_mps[k + 1] ** 2 + gain[k]))
    for k in range(length_m.size):
        node_mps[k + 1] = min(node_mps[k + 1], np.sqrt(node_mps[k] ** 2 + gain[k]))

    rows: list[tuple[float, ...]] = []
    time_s, distance_m, climbed_m, turned_rad = start_s, 0.0, 0.0, 0.0

    def phase(duration_s: float, speed: float, acceleration: float, stop: Stop | None) -> None:
        nonlocal time_s, distance_m, climbed_m, turned_rad
        if duration_s <= 1e-9:
            return
        climb_m, turn_rad = (stop.climb_m, stop.turn_rad) if stop else (0.0, 0.0)
        rows.append(
            (time_s, distance_m, speed, acceleration, climbed_m, climb_m, turned_rad, turn_rad)
        )
        time_s += duration_s
        distance_m += duration_s * (speed + acceleration * duration_s / 2)
        climbed_m += climb_m
        turned_rad += turn_rad

    for k in range(length_m.size + 1):
        if k in stops:
            phase(stops[k].duration_s, 0.0, 0.0, stops[k])
        if k == length_m.size:
            break
        slow, fast, after = node_mps[k], speed_max_mps[k], node_mps[k + 1]
        peak = min(fast, np.sqrt((slow**2 + after**2 + gain[k]) / 2))
        rise_s = (peak - slow) / acceleration_mps2
        fall_s = (peak - after) / acceleration_mps2
        changing_m = rise_s * (slow + peak) / 2 + fall_s * (peak + after) / 2
        end_m = distance_m + length_m[k]
        phase(rise_s, slow, acceleration_mps2, None)
        if peak > 0:
            phase((length_m[k] - changing_m) / peak, peak, 0.0, None)
        phase(fall_s, peak, -acceleration_mps2, None)
        distance_m = end_m
    columns = np.array(rows).reshape(-1, 8).T
    return Timeline(np.append(columns[0], time_s), *columns[1:])


@dataclass(frozen=True, slots=True, eq=False)
class HeightProfile:
    """Height over angle along the path: straight slopes with rounded corners.

    Attributes
    ----------
    node_rad, height_m : (H,) corners
    slope : (H - 1,) m/rad between corners
    half_width_rad : (H,) each corner is a parabola from -half_width to +half_width
    """

    node_rad: Floats
    height_m: Floats
    slope: Floats
    half_width_rad: Floats

    @classmethod
    def through(
        cls,
        node_rad: Floats,
        height_m: Floats,
        rate_rad_per_s: Floats,
        at_rest: Bools,
        acceleration_mps2: float,
    ) -> HeightProfile:
        """Round the corners so that the vertical acceleration stays within its limit,
        as far as half the distance to the next corner allows.

        Parameters
        ----------
        node_rad, height_m
            (H,) corners, strictly rising angles.
        rate_rad_per_s
            (H - 1,) highest speed along each slope.
        at_rest
            (H,) where the target stops, which leaves nothing to round.
        acceleration_mps2
            Limit of vertical acceleration.
        """
        width = np.diff(node_rad)
        slope = np.diff(height_m) / width
        half_width = np.zeros(node_rad.size)
        if slope.size > 1:
            rate = np.maximum(rate_rad_per_s[1:], rate_rad_per_s[:-1])
            wanted = np.abs(np.diff(slope)) * rate**2 / (2 * acceleration_mps2)
            half_width[1:-1] = np.minimum(wanted, np.minimum(width[1:], width[:-1]) / 2)
            half_width[at_rest] = 0.0
        return cls(node_rad, height_m, slope, half_width)

    def bounds_rad(self) -> Floats:
        """Return where the slope begins and ends to change."""
        bounds: Floats = np.concatenate(
            [self.node_rad - self.half_width_rad, self.node_rad + self.half_width_rad]
        )
        return bounds

    def at(self, angle_rad: Floats) -> tuple[Floats, Floats]:
        """Return height (m) and its slope (m/rad)."""
        if self.slope.size == 0:
            return np.full(angle_rad.shape, self.height_m[0]), np.zeros(angle_rad.shape)
        part = np.searchsorted(self.node_rad, angle_rad, side="right") - 1
        part = np.clip(part, 0, self.slope.size - 1)
        slope = self.slope[part]
        height = self.height_m[part] + slope * (angle_rad - self.node_rad[part])
        for corner, change in ((part, -1), (part + 1, 1)):
            width = self.half_width_rad[corner]
            inside = np.abs(angle_rad - self.node_rad[corner]) < width
            if not inside.any():
                continue
            other = np.clip(part + change, 0, self.slope.size - 1)
            bend = change * (self.slope[other] - slope) / (4 * np.where(inside, width, 1.0))
            into = change * (angle_rad - self.node_rad[corner]) + width
            height = np.where(inside, height + bend * into**2, height)
            slope = np.where(inside, slope + change * 2 * bend * into, slope)
        return height, slope
