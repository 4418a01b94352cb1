"""Terrain following: as low as allowed, never lower, and as a target can fly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from test_trajectories import FRAME, dense

from sim.core.tables import Floats
from sim.world.clearance import check_over_ground
from sim.world.corners import Limits
from sim.world.flight import Flight
from sim.world.following import lowest_path_m
from sim.world.formation import members
from sim.world.relief import Relief
from sim.world.route import plan_route
from sim.world.targets import RouteEntry, Waypoint
from sim.world.terrain import FractalTerrain, build_ground

MISSILE = Limits(240.0, np.radians(4.0), 35.0, 12.0, hovers=False)
ROUTE = TypeAdapter(list[RouteEntry])


@pytest.mark.parametrize("seed", range(4))
def test_the_lowest_path_keeps_to_its_limits(seed: int) -> None:
    rng = np.random.default_rng(seed)
    floor = np.cumsum(rng.normal(0.0, 12.0, 800))
    floor -= floor.min()
    spacing, slope, curvature = 50.0, 0.15, 2e-4
    path = lowest_path_m(floor, spacing, slope, curvature)
    assert (path >= floor - 1e-9).all()
    assert np.isclose(path, floor).any()
    steepness = np.diff(path) / spacing
    assert np.abs(steepness).max() <= slope * (1 + 1e-9)
    bend = np.diff(steepness) / spacing
    # On a grid a peak's parabola can be cut between two places: by half a step.
    assert np.abs(bend).max() <= curvature * (1 + slope / (curvature * spacing) * 1e-6 + 0.02)


def test_a_level_floor_is_flown_level_and_a_lone_peak_over_its_top() -> None:
    np.testing.assert_array_equal(lowest_path_m(np.full(50, 70.0), 50.0, 0.1, 1e-4), 70.0)
    floor = np.zeros(401)
    floor[200] = 100.0
    path = lowest_path_m(floor, 20.0, 0.1, 2e-4)
    assert path.max() == path[200] == 100.0
    # Up at .1 with parabolas of .1 / 2e-4 = 500 m at either end: 100 / .1 + 500 m before.
    assert path[200 - 73] > 0.0
    assert path[200 - 76] == pytest.approx(0.0, abs=1e-6)


@pytest.fixture(scope="module")
def hills() -> Relief:
    spec = FractalTerrain.model_validate(
        {"kind": "fractal", "size_km": 60, "relief_m": 600, "seed": 3, "roughness": 0.1}
    )
    ground = build_ground(spec, FRAME.latitude_rad, FRAME.longitude_rad, 200.0, None)  # type: ignore[arg-type]
    assert isinstance(ground, Relief)
    return ground


def flown(hills: Relief, entries: list[dict[str, Any]], limits: Limits = MISSILE) -> Flight:
    return plan_route(
        ROUTE.validate_python(entries), limits, start_s=10.0, ground=hills, rest_at_end=False
    )


def agl_of(flight: Flight, hills: Relief) -> tuple[Floats, Floats, Floats]:
    """Return times, heights above ground and climb rates."""
    time_s, position, velocity = dense(flight)
    latitude, longitude, height_m = FRAME.to_geodetic(position)
    up = FRAME.local_axes(position)[..., 2]
    climb = np.einsum("ka,ka->k", up, velocity)
    return time_s, height_m - hills.height_m(latitude, longitude), climb


LOW = {"height_agl_m": 60, "follow_terrain": True}
WEST = {"latitude_deg": 50.20, "longitude_deg": 4.30}
MIDDLE = {"latitude_deg": 50.26, "longitude_deg": 4.60}
EAST = {"latitude_deg": 50.20, "longitude_deg": 5.00}


def test_a_low_flyer_follows_the_ground_within_its_limits(hills: Relief) -> None:
    time_s, agl_m, climb = agl_of(flown(hills, [WEST | LOW, MIDDLE, EAST]), hills)
    assert agl_m.min() > 55.0
    assert np.median(agl_m) < 130.0
    assert np.abs(climb).max() <= 35.0 * 1.01
    assert np.abs(np.gradient(climb, time_s)).max() <= 12.0 * 1.1


def test_it_comes_down_follows_and_pops_up_where_told(hills: Relief) -> None:
    up = {"latitude_deg": 50.15, "longitude_deg": 5.04, "height_m": 1500}
    start = {"latitude_deg": 50.18, "longitude_deg": 4.26, "height_m": 1500}
    before = {"latitude_deg": 50.20, "longitude_deg": 4.50}
    route = [start, before | LOW, MIDDLE, {"latitude_deg": 50.22, "longitude_deg": 4.9}, up]
    time_s, agl_m, _ = agl_of(flown(hills, route), hills)
    share = (time_s - time_s[0]) / np.ptp(time_s)
    assert agl_m[0] > 600.0
    assert agl_m[-1] > 600.0
    assert np.median(agl_m[(share > 0.35) & (share < 0.75)]) < 130.0
    assert agl_m.min() > 55.0


def test_without_following_a_low_route_meets_a_hill(hills: Relief) -> None:
    flight = flown(hills, [WEST | {"height_agl_m": 60}, EAST])
    (knots,) = members(flight, FRAME, np.zeros((1, 3)), 240.0)
    with pytest.raises(ValueError, match=r"below the ground at t = .*; raise the route"):
        check_over_ground(knots, FRAME, hills, above=True)
    check_over_ground(knots, FRAME, hills, above=False)


def test_a_route_that_leaves_the_terrain_is_refused(hills: Relief) -> None:
    flight = flown(hills, [WEST | {"height_m": 3000}, {"latitude_deg": 50.2, "longitude_deg": 6.0}])
    (knots,) = members(flight, FRAME, np.zeros((1, 3)), 240.0)
    with pytest.raises(ValueError, match="it leaves the terrain at t ="):
        check_over_ground(knots, FRAME, hills, above=False)
    with pytest.raises(ValueError, match="lies beyond the terrain"):
        flown(hills, [WEST | LOW, {"latitude_deg": 50.2, "longitude_deg": 6.0}])
    edge = {"latitude_deg": 50.2, "longitude_deg": np.degrees(hills.corners_rad[3, 1]) - 0.01}
    with pytest.raises(ValueError, match="leaves the terrain that it is to follow"):
        flown(hills, [WEST | LOW, edge, {"kind": "circle", "radius_m": 4000, "turns": 1}])


def test_other_legs_too_steep_stay_an_error(hills: Relief) -> None:
    near = {"latitude_deg": 50.20, "longitude_deg": 4.25, "height_m": 4000}
    with pytest.raises(ValueError, match="climb_rate_mps is 35"):
        flown(hills, [near, WEST | {"height_m": 1000}, MIDDLE | LOW, EAST])


def test_following_needs_a_height_above_ground() -> None:
    with pytest.raises(ValidationError, match="follow_terrain needs height_agl_m"):
        Waypoint(latitude_deg=50, longitude_deg=4, height_m=100, follow_terrain=True)
