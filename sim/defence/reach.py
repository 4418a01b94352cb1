"""When an effector can meet a track: the window of times at which it is in the envelope.

A track flies straight on, or falls freely if it is ballistic. An interceptor leaves after a
delay and flies straight at its mean speed: at time t it meets a track at distance d(t) if
t = delay + dwell + d(t) / speed or later (it may leave later).
"""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Bools, Floats

_GRAVITY_MPS2 = 9.81
#: Ballistic arcs are followed in steps, so far ahead.
_STEP_S, _AHEAD_S = 1.0, 240.0
_HALVINGS = 24


@kernel(inline=True)
def _distance_m(
    place: Floats, e: int, position: Floats, velocity: Floats, m: int, time_s: float, fall: float
) -> float:
    east = position[m, 0] + velocity[m, 0] * time_s - place[e, 0]
    north = position[m, 1] + velocity[m, 1] * time_s - place[e, 1]
    up = position[m, 2] + velocity[m, 2] * time_s - 0.5 * fall * time_s * time_s - place[e, 2]
    return math.sqrt(east * east + north * north + up * up)


@kernel(inline=True)
def _sphere(
    place: Floats, e: int, position: Floats, velocity: Floats, m: int, radius_m: float
) -> tuple[float, float]:
    """Return when a straight track enters and leaves a sphere; (inf, -inf) if it never does."""
    b = 0.0
    c = -radius_m * radius_m
    a = 0.0
    for axis in range(3):
        away = position[m, axis] - place[e, axis]
        a += velocity[m, axis] * velocity[m, axis]
        b += away * velocity[m, axis]
        c += away * away
    if a < 1e-6:
        if c <= 0.0:
            return -math.inf, math.inf
        return math.inf, -math.inf
    root = b * b - a * c
    if root < 0.0:
        return math.inf, -math.inf
    root = math.sqrt(root)
    return (-b - root) / a, (-b + root) / a


@kernel(inline=True)
def _slab(height_m: float, climb_mps: float, low_m: float, high_m: float) -> tuple[float, float]:
    """Return when a height that changes evenly lies between two."""
    if abs(climb_mps) < 1e-6:
        if low_m <= height_m <= high_m:
            return -math.inf, math.inf
        return math.inf, -math.inf
    first, second = (low_m - height_m) / climb_mps, (high_m - height_m) / climb_mps
    return min(first, second), max(first, second)


@kernel(inline=True)
def _soonest(
    place: Floats, e: int, position: Floats, velocity: Floats, m: int, delay_s: float, speed: float
) -> float:
    """Return the soonest time at which a straight track is met; infinite if never."""
    if math.isinf(speed):
        return delay_s
    a = -speed * speed
    b = 0.0
    c = 0.0
    for axis in range(3):
        away = position[m, axis] + velocity[m, axis] * delay_s - place[e, axis]
        a += velocity[m, axis] * velocity[m, axis]
        b += away * velocity[m, axis]
        c += away * away
    if abs(a) < 1e-9:
        return delay_s - 0.5 * c / b if b < 0.0 else math.inf
    root = b * b - a * c
    if root < 0.0:
        return math.inf
    root = math.sqrt(root)
    first, second = (-b - root) / a, (-b + root) / a
    low, high = min(first, second), max(first, second)
    if low >= 0.0:
        return delay_s + low
    return delay_s + high if high >= 0.0 else math.inf


@kernel()
def windows(
    place_enu_m: Floats,
    height_over_m: Floats,
    range_min_m: Floats,
    range_max_m: Floats,
    height_min_m: Floats,
    height_max_m: Floats,
    speed_mps: Floats,
    dwell_s: Floats,
    delay_s: Floats,
    position_enu_m: Floats,
    velocity_enu_mps: Floats,
    height_m: Floats,
    climb_mps: Floats,
    ballistic: Bools,
    first_s: Floats,
    last_s: Floats,
    flight_s: Floats,
) -> None:
    """Find for every effector and track the first and the last time of an effect.

    Parameters
    ----------
    place_enu_m : (E, 3)
    height_over_m : (E,) of the effector above the ellipsoid
    range_min_m, range_max_m, height_min_m, height_max_m, speed_mps, dwell_s : (E,)
    delay_s : (E,) from now until a shot can leave
    position_enu_m, velocity_enu_mps : (M, 3)
    height_m, climb_mps, ballistic : (M,)
    first_s, last_s : (E, M) results from now on; first infinite where there is none
    flight_s : (E, M) result, from the shot to the first effect, dwell included
    """
    for e in range(place_enu_m.shape[0]):
        ready_s = delay_s[e] + dwell_s[e]
        for m in range(position_enu_m.shape[0]):
            first_s[e, m], last_s[e, m], flight_s[e, m] = math.inf, -math.inf, math.nan
            low_m = height_over_m[e] + height_min_m[e]
            high_m = height_over_m[e] + height_max_m[e]
            if ballistic[m]:
                time_s = ready_s
                while time_s <= _AHEAD_S:
                    distance = _distance_m(
                        place_enu_m, e, position_enu_m, velocity_enu_mps, m, time_s, _GRAVITY_MPS2
                    )
                    height = (
                        height_m[m] + climb_mps[m] * time_s - 0.5 * _GRAVITY_MPS2 * time_s * time_s
                    )
                    if height < min(low_m, 0.0) - 1000.0:
                        break
                    flown_s = dwell_s[e] + distance / speed_mps[e]
                    if (
                        range_min_m[e] <= distance <= range_max_m[e]
                        and low_m <= height <= high_m
                        and delay_s[e] + flown_s <= time_s
                    ):
                        if math.isinf(first_s[e, m]):
                            first_s[e, m] = time_s
                            flight_s[e, m] = flown_s
                        last_s[e, m] = time_s
                    time_s += _STEP_S
                continue
            enter_s, leave_s = _sphere(
                place_enu_m, e, position_enu_m, velocity_enu_mps, m, range_max_m[e]
            )
            if leave_s < ready_s:
                continue
            from_s, to_s = _slab(height_m[m], climb_mps[m], low_m, high_m)
            soon_s = _soonest(
                place_enu_m, e, position_enu_m, velocity_enu_mps, m, ready_s, speed_mps[e]
            )
            begin = max(max(enter_s, from_s), soon_s)
            end = min(leave_s, to_s)
            near_s, far_s = _sphere(
                place_enu_m, e, position_enu_m, velocity_enu_mps, m, range_min_m[e]
            )
            if near_s < far_s:  # through the dead zone: before it if there is time, else after
                if begin < near_s:
                    end = min(end, near_s)
                else:
                    begin = max(begin, far_s)
            # A dwell must be in the envelope from its beginning.
            if dwell_s[e] > 0.0:
                begin = max(begin, max(enter_s, from_s) + dwell_s[e])
            if begin > end:
                continue
            first_s[e, m], last_s[e, m] = begin, end
            distance = _distance_m(place_enu_m, e, position_enu_m, velocity_enu_mps, m, begin, 0.0)
            flight_s[e, m] = dwell_s[e] + distance / speed_mps[e]


@kernel()
def meetings(
    start_enu_m: Floats,
    launch_s: Floats,
    speed_mps: Floats,
    dwell_s: Floats,
    position_enu_m: Floats,
    velocity_enu_mps: Floats,
    ballistic: Bools,
    now_s: float,
    effect_s: Floats,
    aim_enu_m: Floats,
) -> None:
    """Find when and where shots that have left meet their tracks, by where these are now.

    Parameters
    ----------
    start_enu_m : (N, 3); launch_s, speed_mps, dwell_s : (N,)
    position_enu_m, velocity_enu_mps : (N, 3) of each one's track at ``now_s``
    ballistic : (N,)
    effect_s : (N,) result; infinite if it never catches up
    aim_enu_m : (N, 3) result

    Notes
    -----
    A shot flies at its mean speed along the straight line from its start to where it meets its
    track, however that line has turned since: its path's length counts, not its shape.
    """
    for n in range(launch_s.size):
        fall = _GRAVITY_MPS2 if ballistic[n] else 0.0
        if math.isinf(speed_mps[n]):
            effect_s[n] = max(launch_s[n] + dwell_s[n], now_s)
        else:
            soon = launch_s[n] + dwell_s[n] - now_s
            early, late = max(soon, 0.0), math.inf
            # Distance less what is flown falls to zero at the meeting: bracket, then halve.
            time_s = early
            step_s = _STEP_S
            while time_s < early + 2000.0:
                lacks = _distance_m(
                    start_enu_m, n, position_enu_m, velocity_enu_mps, n, time_s, fall
                ) - speed_mps[n] * (time_s - soon)
                if lacks <= 0.0:
                    late = time_s
                    break
                early = time_s
                time_s += max(step_s, 0.5 * lacks / (speed_mps[n] + 1.0))
            if math.isinf(late):
                effect_s[n] = math.inf
            else:
                for _ in range(_HALVINGS):
                    middle = 0.5 * (early + late)
                    lacks = _distance_m(
                        start_enu_m, n, position_enu_m, velocity_enu_mps, n, middle, fall
                    ) - speed_mps[n] * (middle - soon)
                    if lacks <= 0.0:
                        late = middle
                    else:
                        early = middle
                effect_s[n] = now_s + late
        ahead = effect_s[n] - now_s
        if math.isinf(ahead):
            ahead = 0.0
        for axis in range(3):
            aim_enu_m[n, axis] = position_enu_m[n, axis] + velocity_enu_mps[n, axis] * ahead
        aim_enu_m[n, 2] -= 0.5 * fall * ahead * ahead


def no_windows(effectors: int, tracks: int) -> tuple[Floats, Floats, Floats]:
    """Return arrays for the results of ``windows``."""
    shape = (effectors, tracks)
    return np.empty(shape), np.empty(shape), np.empty(shape)
