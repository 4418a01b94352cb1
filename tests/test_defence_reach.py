"""When effectors can meet tracks: against marching in small steps, and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.tables import Floats
from sim.defence.reach import meetings, no_windows, windows

STEP_S = 0.02


def window(
    place: Floats,
    envelope: tuple[float, float, float, float],
    speed_mps: float,
    dwell_s: float,
    delay_s: float,
    position: Floats,
    velocity: Floats,
    ballistic: bool = False,
) -> tuple[float, float, float]:
    near_m, far_m, low_m, high_m = envelope
    first, last, flight = no_windows(1, 1)
    windows(
        place[None],
        np.array([place[2]]),
        *(
            np.array([value])
            for value in (near_m, far_m, low_m, high_m, speed_mps, dwell_s, delay_s)
        ),
        position[None],
        velocity[None],
        np.array([position[2]]),
        np.array([velocity[2]]),
        np.array([ballistic]),
        first,
        last,
        flight,
    )
    return float(first[0, 0]), float(last[0, 0]), float(flight[0, 0])


def marched(
    place: Floats,
    envelope: tuple[float, float, float, float],
    speed_mps: float,
    dwell_s: float,
    delay_s: float,
    position: Floats,
    velocity: Floats,
    until_s: float = 400.0,
) -> tuple[float, float]:
    """The obvious twin: all times of an effect, in small steps; the first run of them."""
    near_m, far_m, low_m, high_m = envelope
    times = np.arange(delay_s + dwell_s, until_s, STEP_S)
    at = position + times[:, None] * velocity
    distance = np.linalg.norm(at - place, axis=1)
    over = at[:, 2] - place[2]
    inside = (distance >= near_m) & (distance <= far_m) & (over >= low_m) & (over <= high_m)
    inside &= delay_s + dwell_s + distance / speed_mps <= times + 1e-9
    if dwell_s > 0.0:
        before = position + (times - dwell_s)[:, None] * velocity
        distance = np.linalg.norm(before - place, axis=1)
        over = before[:, 2] - place[2]
        inside &= (distance <= far_m) & (over >= low_m) & (over <= high_m)
    if not inside.any():
        return math.inf, -math.inf
    first = int(np.argmax(inside))
    after = np.flatnonzero(~inside[first:])
    last = first + (int(after[0]) - 1 if after.size else inside.size - 1 - first)
    return float(times[first]), float(times[last])


@pytest.mark.parametrize("seed", range(60))
def test_windows_are_those_that_marching_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    place = rng.uniform(-3e3, 3e3, 3) * [1, 1, 0.01]
    envelope = (
        float(rng.choice([0.0, 500.0, 2000.0])),
        float(rng.uniform(5e3, 30e3)),
        float(rng.choice([-500.0, 50.0])),
        float(rng.uniform(2e3, 9e3)),
    )
    speed = float(rng.choice([80.0, 300.0, 900.0, math.inf]))
    dwell = float(rng.choice([0.0, 5.0])) if math.isinf(speed) else 0.0
    delay = float(rng.uniform(0.0, 20.0))
    position = np.append(rng.uniform(-40e3, 40e3, 2), rng.uniform(50.0, 6e3))
    velocity = np.append(rng.uniform(-250.0, 250.0, 2), rng.uniform(-20.0, 20.0))
    first, last, flight = window(place, envelope, speed, dwell, delay, position, velocity)
    wanted = marched(place, envelope, speed, dwell, delay, position, velocity)
    if math.isinf(wanted[0]):
        # A window shorter than a step may be missed by marching.
        assert math.isinf(first) or last - first < 2 * STEP_S or first > 400.0
        return
    assert first == pytest.approx(wanted[0], abs=2 * STEP_S)
    if last < 400.0:
        assert last == pytest.approx(wanted[1], abs=2 * STEP_S)
    met = position + first * velocity
    assert flight == pytest.approx(dwell + np.linalg.norm(met - place) / speed)


def test_a_track_that_comes_straight_in_is_met_where_both_ways_add_up() -> None:
    # 20 km off at 100 m/s, interceptor 400 m/s after 10 s: (20000 - 100·10) / 500 later.
    envelope = (0.0, 50e3, -1e4, 1e4)
    first, last, _ = window(
        np.zeros(3), envelope, 400.0, 0.0, 10.0, np.array([0, 20e3, 0.0]), np.array([0, -100.0, 0])
    )
    assert first == pytest.approx(10.0 + 19e3 / 500.0)
    assert last == pytest.approx(700.0)  # 50 km beyond


def test_what_is_faster_and_flies_away_is_never_met() -> None:
    first, _, _ = window(
        np.zeros(3),
        (0.0, 5e4, -1e4, 1e4),
        200.0,
        0.0,
        0.0,
        np.array([0, 1e3, 0]),
        np.array([0, 300.0, 0]),
    )
    assert math.isinf(first)


def test_a_ballistic_track_is_met_on_its_way_down_only() -> None:
    position, velocity = np.array([0.0, 60e3, 30e3]), np.array([0.0, -1000.0, -300.0])
    envelope = (1e3, 40e3, 0.0, 15e3)
    straight = window(np.zeros(3), envelope, 1200.0, 0.0, 0.0, position, velocity)
    falling = window(np.zeros(3), envelope, 1200.0, 0.0, 0.0, position, velocity, ballistic=True)
    times = np.arange(0.0, 100.0, 1.0)
    height = 30e3 - 300.0 * times - 0.5 * 9.81 * times**2
    north = 60e3 - 1000.0 * times
    distance = np.hypot(north, height)
    good = (height >= 0) & (height <= 15e3) & (distance <= 40e3) & (distance >= 1e3)
    good &= distance / 1200.0 <= times
    assert falling[0] == times[good][0]
    assert falling[1] == times[good][-1]
    assert falling[0] < straight[0]


@pytest.mark.parametrize("seed", range(20))
def test_a_shot_meets_its_track(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, position = rng.uniform(-2e3, 2e3, 3), rng.uniform(-20e3, 20e3, 3)
    velocity, speed = rng.uniform(-150, 150, 3), 500.0
    launch, now = 7.0, 12.0
    effect, aim = np.empty(1), np.empty((1, 3))
    meetings(
        start[None],
        np.array([launch]),
        np.array([speed]),
        np.zeros(1),
        position[None],
        velocity[None],
        np.array([False]),
        now,
        effect,
        aim,
    )
    met = position + (effect[0] - now) * velocity
    np.testing.assert_allclose(aim[0], met, atol=1e-6)
    flown_m = speed * (effect[0] - launch)
    assert effect[0] >= now
    if effect[0] > now:
        assert np.linalg.norm(met - start) == pytest.approx(flown_m, abs=0.1)
    else:
        assert np.linalg.norm(met - start) <= flown_m
