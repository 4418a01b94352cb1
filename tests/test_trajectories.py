"""Paths: knots, kernels, and flights planned from routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy.interpolate import CubicHermiteSpline

from sim.core.geodesy import geodetic_from_ecef
from sim.core.tables import Floats
from sim.world.corners import Limits
from sim.world.flight import Flight
from sim.world.formation import members
from sim.world.frames import Frame
from sim.world.route import plan_route
from sim.world.surroundings import FlatGround
from sim.world.targets import RouteEntry
from sim.world.trajectories import Knots, Trajectories, sample_adaptively

FRAME = Frame.at(np.radians(50.243), np.radians(4.646), 280.0)
GROUND_M = 280.0
FIGHTER = Limits(230.0, np.radians(2.0), 25.0, 4.0, hovers=False)
DRONE = Limits(12.0, np.radians(45.0), 4.0, 3.0, hovers=True)
ROUTE = TypeAdapter(list[RouteEntry])


def fly(
    entries: Sequence[dict[str, Any]], limits: Limits = FIGHTER, rest_at_end: bool = False
) -> Flight:
    return plan_route(
        ROUTE.validate_python(list(entries)),
        limits,
        start_s=10.0,
        ground=FlatGround(GROUND_M),
        rest_at_end=rest_at_end,
    )


def waypoint(latitude_deg: float, longitude_deg: float, **rest: Any) -> dict[str, Any]:
    return {"latitude_deg": latitude_deg, "longitude_deg": longitude_deg, **rest}


def dense(flight: Flight, count: int = 20_001) -> tuple[Floats, Floats, Floats]:
    """Return times, positions and velocities of the flight's knots, densely evaluated."""
    (knots,) = members(flight, FRAME, np.zeros((1, 3)), 100.0)
    paths = Trajectories.join([knots])
    time_s = np.linspace(flight.start_s, flight.end_s, count)
    return time_s, *paths.at(time_s, np.zeros(count, np.int32))


def ground_speed(position: Floats, velocity: Floats) -> tuple[Floats, Floats]:
    """Return horizontal and vertical speed over the curved earth."""
    up = FRAME.local_axes(position)[..., 2]
    vertical = np.einsum("ka,ka->k", up, velocity)
    return np.linalg.norm(velocity - vertical[:, None] * up, axis=1), vertical


def miss_m(position: Floats, latitude_deg: float, longitude_deg: float, height_m: float) -> float:
    place = FRAME.from_geodetic(np.radians(latitude_deg), np.radians(longitude_deg), height_m)
    return float(np.linalg.norm(position - place, axis=1).min())


# --- knots and kernels ---------------------------------------------------------------


def some_paths(rng: np.random.Generator) -> list[Knots]:
    paths = []
    for count in (2, 5, 40, 3):
        time_s = np.cumsum(rng.uniform(0.1, 20, count)) - 30.0
        gap = np.zeros(count, bool)
        if count == 5:
            gap[2] = True
        paths.append(Knots(time_s, rng.normal(size=(count, 3)), rng.normal(size=(count, 3)), gap))
    return paths


def by_scipy(path: Knots, time_s: float) -> tuple[Floats, Floats, bool]:
    """Evaluate one path the slow, obvious way."""
    absent = np.full(3, np.nan), np.full(3, np.nan), False
    if not path.time_s[0] <= time_s <= path.time_s[-1]:
        return absent
    for k in range(path.time_s.size - 1):
        inside = path.time_s[k] < time_s < path.time_s[k + 1]
        if inside and path.gap_after[k]:
            return absent
    spline = CubicHermiteSpline(path.time_s, path.position_enu_m, path.velocity_enu_mps)
    return spline(time_s), spline(time_s, 1), True


def test_truth_equals_its_slow_twin_at_any_time() -> None:
    rng = np.random.default_rng(1)
    paths = some_paths(rng)
    joined = Trajectories.join(paths)
    times = [-1000.0, 1000.0, np.nan, *rng.uniform(-40, 500, 200)]
    times += [float(t) for path in paths for t in path.time_s]
    for time_s in times:
        truth = joined.truth(time_s)
        for k, path in enumerate(paths):
            position, velocity, present = by_scipy(path, time_s)
            assert truth.present[k] == present
            np.testing.assert_allclose(truth.position_enu_m[k], position, atol=1e-11)
            np.testing.assert_allclose(truth.velocity_enu_mps[k], velocity, atol=1e-10)


def test_pairs_equal_truth() -> None:
    rng = np.random.default_rng(2)
    joined = Trajectories.join(some_paths(rng))
    target = rng.integers(0, 4, 300)
    time_s = rng.uniform(-40, 200, 300)
    position, velocity = joined.at(time_s, target)
    for row in range(300):
        truth = joined.truth(time_s[row])
        np.testing.assert_array_equal(position[row], truth.position_enu_m[target[row]])
        np.testing.assert_array_equal(velocity[row], truth.velocity_enu_mps[target[row]])


def test_no_targets_and_no_pairs() -> None:
    nothing = Trajectories.join([])
    assert len(nothing) == len(nothing.truth(0.0)) == 0
    position, velocity = nothing.at(np.empty(0), np.empty(0, np.int32))
    assert position.shape == velocity.shape == (0, 3)


def test_pairs_of_unknown_targets_are_refused() -> None:
    joined = Trajectories.join(some_paths(np.random.default_rng(3)))
    for wrong in (-1, 4):
        with pytest.raises(IndexError, match="4 targets"):
            joined.at(np.zeros(1), np.array([wrong]))


def test_velocity_is_the_derivative_of_position() -> None:
    joined = Trajectories.join(some_paths(np.random.default_rng(4)))
    path = joined.knots[:2, 0]
    time_s = np.linspace(path[0] + 1e-3, path[1] - 1e-3, 50)
    zero = np.zeros(50, np.int32)
    after, before = joined.at(time_s + 1e-4, zero)[0], joined.at(time_s - 1e-4, zero)[0]
    np.testing.assert_allclose((after - before) / 2e-4, joined.at(time_s, zero)[1], atol=1e-7)


def test_position_and_velocity_are_continuous_at_every_knot() -> None:
    flight = fly(
        [
            waypoint(50.85, 0.9, height_m=7500),
            waypoint(50.5, 3.2, height_m=6000),
            {"kind": "hold", **waypoint(50.42, 3.9, height_m=3000, speed_mps=160), "leg_s": 60},
            waypoint(50.3, 4.35, height_m=900, speed_mps=110),
            waypoint(50.243, 4.646, height_m=290, speed_mps=75),
        ]
    )
    (knots,) = members(flight, FRAME, np.zeros((1, 3)), 230.0)
    joined = Trajectories.join([knots])
    inner = knots.time_s[1:-1]
    zero = np.zeros(inner.size, np.int32)
    for side in (-1e-7, 1e-7):
        position, velocity = joined.at(inner + side, zero)
        np.testing.assert_allclose(position, knots.position_enu_m[1:-1], atol=1e-4)
        np.testing.assert_allclose(velocity, knots.velocity_enu_mps[1:-1], atol=1e-3)


def test_sampling_keeps_its_tolerance_with_few_knots() -> None:
    def circle(time_s: Floats) -> tuple[Floats, Floats]:
        rate, radius = 0.05, 5000.0
        angle = rate * time_s
        zero = np.zeros_like(angle)
        return (
            radius * np.stack([np.cos(angle), np.sin(angle), zero], -1),
            rate * radius * np.stack([-np.sin(angle), np.cos(angle), zero], -1),
        )

    time_s, position, velocity = sample_adaptively(circle, np.array([0.0, 100.0]))
    fine = np.linspace(0, 100, 5001)
    fitted = CubicHermiteSpline(time_s, position, velocity)(fine)
    assert np.linalg.norm(fitted - circle(fine)[0], axis=1).max() < 1e-3
    assert time_s.size < 100


def test_ten_thousand_targets_step_by_step_and_in_jumps() -> None:
    rng = np.random.default_rng(5)
    rows = np.cumsum(rng.uniform(1, 20, (10_000, 20)), axis=1)
    gap = np.zeros(20, bool)
    joined = Trajectories.join(
        [Knots(row, rng.normal(size=(20, 3)), rng.normal(size=(20, 3)), gap) for row in rows]
    )
    some = np.arange(0, 10_000, 397)
    # Each search starts where the last one ended: small steps, a jump ahead, a jump back.
    for time_s in [100.0, 100.1, 100.2, 190.0, 190.1, 20.0, 20.1]:
        truth = joined.truth(time_s)
        np.testing.assert_array_equal(
            truth.present, (rows[:, 0] <= time_s) & (time_s <= rows[:, -1])
        )
        for target in some[truth.present[some]]:
            knots = joined.knots[joined.first_knot[target] : joined.first_knot[target + 1]]
            twin = CubicHermiteSpline(knots[:, 0], knots[:, 1:4], knots[:, 4:])
            np.testing.assert_allclose(
                truth.position_enu_m[target], twin(time_s), rtol=1e-9, atol=1e-9
            )


# --- flights -------------------------------------------------------------------------


def test_level_flight_of_1000_km_keeps_height_and_speed() -> None:
    flight = fly([waypoint(48.0, -4.0, height_m=10_000), waypoint(53.0, 9.0)])
    time_s, position, velocity = dense(flight)
    assert np.abs(FRAME.height_m_of(position) - 10_000).max() < 0.01
    horizontal, _ = ground_speed(position, velocity)
    np.testing.assert_allclose(horizontal, 230.0, rtol=1e-3)
    length_m = np.linalg.norm(np.diff(position, axis=0), axis=1).sum()
    assert length_m / (time_s[-1] - time_s[0]) == pytest.approx(230.0, rel=1e-4)
    (knots,) = members(flight, FRAME, np.zeros((1, 3)), 230.0)
    assert knots.time_s.size < 30


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ((0.0, 10.0), (9.0, 10.0)),  # along a meridian, where its radius is smallest
        ((0.0, 10.0), (0.0, 20.0)),
        ((-17.0, 179.0), (-17.0, -179.0)),  # across the antimeridian
        ((89.0, 0.0), (89.0, 180.0)),  # over the pole
    ],
)
def test_ground_speed_holds_everywhere(
    start: tuple[float, float], end: tuple[float, float]
) -> None:
    flight = fly([waypoint(*start, height_m=5000), waypoint(*end)])
    motion = flight.at(np.linspace(flight.start_s, flight.end_s, 2001))
    np.testing.assert_allclose(np.linalg.norm(motion.velocity_mps, axis=1), 230.0, rtol=2e-3)
    chord_m = np.linalg.norm(np.diff(motion.position_m, axis=0), axis=1).sum()
    assert chord_m / (flight.end_s - flight.start_s) == pytest.approx(230.0, rel=1e-3)
    np.testing.assert_allclose(geodetic_from_ecef(motion.position_m)[2], 5000, atol=0.01)


def test_a_corner_is_turned_by_on_the_inside_at_the_turn_rate() -> None:
    flight = fly([waypoint(50.0, 4.0, height_m=5000), waypoint(50.0, 5.0), waypoint(50.6, 5.0)])
    time_s, position, velocity = dense(flight)
    radius_m = 230.0 / np.radians(2.0)
    expected_m = radius_m * (np.sqrt(2) - 1)  # from the corner to the arc of a right angle
    assert miss_m(position, 50.0, 5.0, 5000) == pytest.approx(expected_m, rel=0.02)
    horizontal, _ = ground_speed(position, velocity)
    turn = np.linalg.norm(np.gradient(velocity, time_s, axis=0), axis=1) / horizontal
    assert np.degrees(turn.max()) == pytest.approx(2.0, rel=0.02)


def test_a_slower_speed_is_reached_on_arrival_and_a_faster_one_afterwards() -> None:
    flight = fly(
        [
            waypoint(50.0, 4.0, height_m=3000, speed_mps=200),
            waypoint(50.0, 4.5, speed_mps=100),
            waypoint(50.0, 5.0, speed_mps=150),
            waypoint(50.0, 5.5, speed_mps=80),
        ]
    )
    _, position, velocity = dense(flight)
    horizontal, _ = ground_speed(position, velocity)
    longitude = np.degrees(FRAME.to_geodetic(position)[1])
    at = lambda degrees: horizontal[np.argmin(np.abs(longitude - degrees))]  # noqa: E731
    assert at(4.2) == pytest.approx(200, rel=0.002)
    assert at(4.5) == pytest.approx(100, rel=0.01)
    assert at(4.8) == pytest.approx(100, rel=0.002)
    assert at(5.2) == pytest.approx(150, rel=0.002)
    assert horizontal[-1] == pytest.approx(80, rel=0.002)


def test_a_hold_returns_to_its_fix_each_turn() -> None:
    hold = {"kind": "hold", **waypoint(50.2, 4.6, speed_mps=160), "leg_s": 60, "turns": 3}
    flight = fly([waypoint(50.2, 3.5, height_m=5000), hold])
    time_s, position, _ = dense(flight, 60_001)
    fix = FRAME.from_geodetic(np.radians(50.2), np.radians(4.6), 5000.0)
    away_m = np.linalg.norm(position - fix, axis=1)
    assert away_m[-1] < 1.0
    lowest = (away_m[1:-1] < away_m[:-2]) & (away_m[1:-1] < away_m[2:]) & (away_m[1:-1] < 50)
    assert lowest.sum() == 3  # arrival, and after the first and the second turn
    # Two half circles at 2°/s and two legs of 60 s
    round_s = 2 * 90 + 2 * 60
    passes = np.append(time_s[1:-1][lowest], time_s[-1])
    np.testing.assert_allclose(np.diff(passes), round_s, rtol=0.01)
    # Right-hand turns from an eastbound course lie south of the fix.
    latitude = np.degrees(FRAME.to_geodetic(position)[0])
    assert latitude.min() == pytest.approx(50.2 - 2 * 160 / np.radians(2.0) / 111_250, abs=1e-3)
    assert latitude.max() < 50.2 + 0.005


def test_a_hold_with_its_own_inbound_course_is_entered_along_it() -> None:
    fix = waypoint(50.2, 4.6, speed_mps=160)
    hold = {"kind": "hold", **fix, "inbound_course_deg": 45, "direction": "left"}
    flight = fly([waypoint(49.9, 3.0, height_m=5000), hold])
    _, position, velocity = dense(flight)
    place = FRAME.from_geodetic(np.radians(50.2), np.radians(4.6), 5000.0)
    first = int(np.argmax(np.linalg.norm(position - place, axis=1) < 5))
    assert first > 0
    axes = FRAME.local_axes(position[first])
    east, north, _ = axes.T @ velocity[first]
    assert np.degrees(np.arctan2(east, north)) == pytest.approx(45, abs=0.2)
    assert miss_m(position[-1:], 50.2, 4.6, 5000) < 1.0


def test_a_hold_over_the_waypoint_before_it_is_that_waypoints_hold() -> None:
    hold = {"kind": "hold", **waypoint(50.2, 4.6)}
    plain = fly([waypoint(50.2, 3.5, height_m=5000), hold])
    doubled = fly([waypoint(50.2, 3.5, height_m=5000), waypoint(50.2, 4.6), hold])
    assert doubled.end_s == pytest.approx(plain.end_s)
    at_once = fly([waypoint(50.2, 4.6, height_m=5000), hold])
    assert at_once.end_s - at_once.start_s == pytest.approx(300, rel=0.01)


def test_a_circle_closes_and_keeps_its_radius() -> None:
    circle = {"kind": "circle", "radius_m": 8000, "turns": 2, "direction": "left"}
    flight = fly([waypoint(50.0, 4.0, height_m=2000), waypoint(50.0, 4.3), circle])
    time_s, position, _ = dense(flight)
    assert miss_m(position[-1:], 50.0, 4.3, 2000) < 2.0
    round_trip = position[time_s > time_s[-1] - 2 * np.pi * 8000 / 230.0 - 1]
    centre = round_trip.mean(0)
    np.testing.assert_allclose(np.linalg.norm(round_trip - centre, axis=1), 8000, rtol=0.01)
    assert np.degrees(FRAME.to_geodetic(centre)[0]) > 50.05  # left of an eastbound course


def test_a_tight_circle_slows_the_target_to_its_turn_rate() -> None:
    circle = {"kind": "circle", "radius_m": 3000, "duration_s": 200}
    flight = fly([waypoint(50.0, 4.0, height_m=2000), waypoint(50.0, 4.5), circle])
    _, position, velocity = dense(flight)
    horizontal, _ = ground_speed(position, velocity)
    assert horizontal[-1] == pytest.approx(3000 * np.radians(2.0), rel=0.01)


def test_a_drone_hovers_at_rest_and_starts_again() -> None:
    flight = fly(
        [
            waypoint(50.25, 4.50, height_agl_m=120),
            waypoint(50.26, 4.50),
            {"kind": "hover", "duration_s": 240},
            waypoint(50.26, 4.52, height_agl_m=150, speed_mps=15),
        ],
        DRONE,
    )
    time_s, position, velocity = dense(flight)
    speed = np.linalg.norm(velocity, axis=1)
    assert (speed < 1e-9).sum() * (time_s[1] - time_s[0]) == pytest.approx(240, abs=0.3)
    resting = position[speed < 1e-9]
    assert np.ptp(resting, axis=0).max() < 1e-6
    assert miss_m(resting, 50.26, 4.50, 400) < 1e-3
    assert speed[-1] == pytest.approx(12, rel=0.01)
    acceleration = np.linalg.norm(np.gradient(velocity, time_s, axis=0), axis=1)
    assert acceleration.max() < 1.05 * 3.0


def test_a_drone_climbs_on_the_spot_and_reverses() -> None:
    flight = fly(
        [
            waypoint(50.25, 4.50, height_agl_m=0),
            waypoint(50.25, 4.50, height_agl_m=100),
            waypoint(50.26, 4.50, height_agl_m=100),
            waypoint(50.25, 4.50, height_agl_m=100),
        ],
        DRONE,
    )
    _, position, velocity = dense(flight)
    _, vertical = ground_speed(position, velocity)
    assert vertical.max() == pytest.approx(4.0, rel=0.01)
    height = FRAME.height_m_of(position)
    assert height[0] == pytest.approx(280, abs=1e-6)
    assert height[-1] == pytest.approx(380, abs=1e-6)
    assert miss_m(position, 50.26, 4.50, 380) < 0.1
    latitude, longitude, _ = FRAME.to_geodetic(position[[0, -1]])
    assert np.ptp(latitude) < 1e-9
    assert np.ptp(longitude) < 1e-9


def test_a_target_rests_at_its_end_if_told() -> None:
    flight = fly([waypoint(50.0, 4.0, height_m=900), waypoint(50.0, 4.3)], rest_at_end=True)
    _, position, velocity = dense(flight)
    assert np.linalg.norm(velocity[-1]) < 1e-6
    assert miss_m(position[-1:], 50.0, 4.3, 900) < 1e-3


def test_one_waypoint_and_a_hover_is_a_target_at_rest() -> None:
    flight = fly([waypoint(50.0, 4.0, height_m=900), {"kind": "hover", "duration_s": 60}], DRONE)
    assert flight.end_s - flight.start_s == pytest.approx(60)
    _, position, velocity = dense(flight, 101)
    assert miss_m(position[-1:], 50.0, 4.0, 900) < 1e-6
    assert np.abs(velocity).max() == 0


IMPOSSIBLE = {
    "same place": [waypoint(50, 4, height_m=900), waypoint(50, 4)],
    "needs a hover": [waypoint(50, 4, height_m=900)],
    "needs height_m or height_agl_m": [waypoint(50, 4), waypoint(50, 5)],
    "turn of 180° does not fit": [
        waypoint(50, 4, height_m=900),
        waypoint(50, 5),
        waypoint(50, 4.5),
    ],
    r"entry 2 \(waypoint\): the turn of 9\d° does not fit": [
        waypoint(50, 4, height_m=900),
        waypoint(50, 4.02),
        waypoint(50.1, 4.02),
    ],
    "climb_rate_mps is 25": [waypoint(50, 4, height_m=900), waypoint(50, 4.1, height_m=9000)],
    "cannot stop": [waypoint(50, 4, height_m=900), {"kind": "hover", "duration_s": 5}],
    "other side of the earth": [waypoint(50, 4, height_m=900), waypoint(-50, -176)],
    "inside the turning circle": [
        waypoint(50, 4, height_m=900),
        {"kind": "hold", **waypoint(50, 5)},
        waypoint(50.03, 5.03),
    ],
}


@pytest.mark.parametrize("message", IMPOSSIBLE)
def test_impossible_routes_are_refused_in_words(message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fly(IMPOSSIBLE[message])


def within_limits(flight: Flight, limits: Limits, fastest_mps: float) -> None:
    """Check speed, acceleration, turn rate and climb rate, densely."""
    time_s, position, velocity = dense(flight)
    step = time_s[1] - time_s[0]
    horizontal, vertical = ground_speed(position, velocity)
    assert horizontal.max() < 1.005 * fastest_mps
    assert np.abs(vertical).max() < 1.01 * limits.climb_rate_mps + 1e-3
    rate = np.diff(horizontal) / step
    assert np.abs(rate).max() < 1.05 * limits.acceleration_mps2 + 0.02
    east, north, _ = np.moveaxis(
        np.einsum("kba,kb->ka", FRAME.local_axes(position), velocity), -1, 0
    )
    moving = (horizontal[1:] > 0.5) & (horizontal[:-1] > 0.5)
    turn = np.abs(np.angle(np.exp(1j * np.diff(np.arctan2(east, north)))))[moving] / step
    # A millimetre off the arc matters where a drone turns within a metre.
    assert turn.max(initial=0) < 1.1 * limits.turn_rate_rad_per_s
    # No leaps: each step is what the velocities at its ends say.
    moved = np.diff(position, axis=0) - step * (velocity[1:] + velocity[:-1]) / 2
    assert np.abs(moved).max() < step**2 * 30 + 1e-6


steps = st.tuples(
    st.floats(-100, 100), st.floats(1.0, 3.0), st.floats(-1, 1), st.sampled_from([180, 230, 280])
)


@settings(deadline=None, max_examples=25, phases=[Phase.explicit, Phase.generate])
@given(st.lists(steps, min_size=1, max_size=6), st.floats(0, 360), st.floats(-70, 70))
def test_random_jet_routes_keep_their_limits(
    legs: list[tuple[float, float, float, int]], course: float, latitude: float
) -> None:
    route = [waypoint(latitude, 179.8, height_m=5000.0, speed_mps=230)]
    for turn, length, climb, speed in legs:
        course += turn
        last = route[-1]
        # Legs of 55 to 170 km
        next_latitude = last["latitude_deg"] + 0.5 * length * np.cos(np.radians(course))
        east = 0.5 * length * np.sin(np.radians(course)) / np.cos(np.radians(next_latitude))
        longitude = (last["longitude_deg"] + east + 180) % 360 - 180
        height = float(np.clip(last["height_m"] + 2000 * climb, 500, 12_000))
        route.append(waypoint(next_latitude, longitude, height_m=height, speed_mps=speed))
    flight = fly(route)
    within_limits(flight, FIGHTER, 280.0)
    _, position, _ = dense(flight)
    for at in (route[0], route[-1]):
        assert miss_m(position, at["latitude_deg"], at["longitude_deg"], at["height_m"]) < 0.01
    reach_m = 280.0 / FIGHTER.turn_rate_rad_per_s
    for at, (turn, *_) in zip(route[1:-1], legs[1:], strict=True):
        flyby_m = reach_m * (1 / np.cos(np.radians(abs(turn) / 2)) - 1)
        missed = miss_m(position, at["latitude_deg"], at["longitude_deg"], at["height_m"])
        assert missed < 1.2 * flyby_m + 150.0


hops = st.tuples(
    st.floats(-180, 180), st.floats(5, 400), st.floats(-60, 60), st.sampled_from([5, 12, 18])
)


@settings(deadline=None, max_examples=25, phases=[Phase.explicit, Phase.generate])
@given(st.lists(hops, min_size=1, max_size=7))
def test_random_drone_routes_keep_their_limits(legs: list[tuple[float, float, float, int]]) -> None:
    route = [waypoint(50.0, 4.0, height_m=500.0, speed_mps=12)]
    for course, length, climb, speed in legs:
        last = route[-1]
        route.append(
            waypoint(
                last["latitude_deg"] + length * np.cos(np.radians(course)) / 111_200,
                last["longitude_deg"] + length * np.sin(np.radians(course)) / 71_500,
                height_m=last["height_m"] + climb,
                speed_mps=speed,
            )
        )
    flight = fly(route, DRONE)
    within_limits(flight, DRONE, 18.0)
    _, position, _ = dense(flight)
    at = route[-1]
    assert miss_m(position, at["latitude_deg"], at["longitude_deg"], at["height_m"]) < 0.01
