"""Line of sight of sensors: smooth earth, relief, and what the tracker is told of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import stage
from twins_sight import clear_over, lowest_elevation

from sensors.mount import Mount
from sensors.radar import Radar, RadarSpec
from sensors.sight import Sight
from sim.core.tables import Floats, Truth, Visibility
from sim.engine.sensor_models import sensor_models
from sim.tracking import TrackerConfig
from sim.tracking.policy import sensor_columns
from sim.tracking.sight import detection_probability
from sim.world.frames import Frame
from sim.world.relief import Relief
from sim.world.surroundings import Surroundings
from sim.world.terrain import FractalTerrain, build_ground

FRAME = Frame.at(np.radians(47.0), np.radians(11.0), 500.0)
SPEC = RadarSpec.model_validate(
    {"kind": "radar", "id": "r", "preset": "mobile-multi-mission", "range_max_km": 30}
)


@pytest.fixture(scope="module")
def hills() -> Surroundings:
    """Forty kilometres of hills, 700 m from the lowest to the highest."""
    return over({"size_km": 40, "relief_m": 700, "seed": 4})


def over(terrain: dict[str, Any]) -> Surroundings:
    spec = FractalTerrain.model_validate({"kind": "fractal"} | terrain)
    ground = build_ground(spec, FRAME.latitude_rad, FRAME.longitude_rad, 500.0, None)  # type: ignore[arg-type]
    return replace(stage.surroundings(FRAME), ground=ground)


def above(surroundings: Surroundings, east_m: Any, north_m: Any, agl_m: Any) -> Floats:
    """Return places (K, 3) at heights above ground."""
    level = np.column_stack([east_m, north_m, np.zeros_like(east_m)])
    latitude, longitude, _ = FRAME.to_geodetic(level)
    ground_m = surroundings.ground.height_m(latitude, longitude)
    return FRAME.from_geodetic(latitude, longitude, ground_m + agl_m)


def drawn(surroundings: Surroundings, count: int, agl_m: float) -> Floats:
    rng = np.random.default_rng(7)
    east, north = rng.uniform(-18e3, 18e3, (2, count))
    return above(surroundings, east, north, agl_m)


@pytest.mark.parametrize("passes", [False, True], ids=["map", "rays"])
@pytest.mark.parametrize("eye_agl_m", [25.0, 150.0])
def test_who_is_in_sight_agrees_with_rays_over_the_ellipsoid(
    hills: Surroundings, passes: bool, eye_agl_m: float
) -> None:
    (eye,) = above(hills, [1500.0], [-2200.0], eye_agl_m)
    sight = Sight.passing(hills, eye) if passes else Sight.over(hills, eye, 30e3)
    for agl_m, wanted in ((30.0, 0.97), (150.0, 0.97)):
        place = drawn(hills, 600, agl_m)
        clear_m = np.array([clear_over(hills.ground, FRAME, eye, target) for target in place])
        agree = sight.clear(place) == (clear_m > 0.0)
        assert agree.mean() >= wanted
        # Grids of 90 m differ by metres; by more they must not.
        assert (np.abs(clear_m[~agree]) < 8.0).all()
        assert 0.03 < (clear_m > 0.0).mean() < (0.98 if agl_m == 30.0 else 1.01)


def test_over_flat_ground_only_the_horizon_counts() -> None:
    surroundings = stage.surroundings(FRAME, 500.0)
    sight = Sight.over(surroundings, np.array([0.0, 0.0, 20.0]), 1e5)
    assert sight.smooth
    far = np.array([[40e3, 0.0, -110.0], [40e3, 0.0, 300.0], [np.nan] * 3])
    assert sight.clear(far).tolist() == [False, True, False]
    assert (sight.lowest_rad(2, 3, 1.0) == -0.5 * np.pi).all()


def test_level_relief_is_flat_ground(hills: Surroundings) -> None:
    heights = np.full((200, 200), 500.0, np.float32)
    relief = hills.ground
    assert isinstance(relief, Relief)
    corner = relief.corners_rad[0]
    step = (relief.step_rad[0] * 2, relief.step_rad[1] * 2)
    level = replace(hills, ground=Relief(heights, *corner, step))
    smooth = stage.surroundings(FRAME, 500.0)
    eye = np.array([0.0, 0.0, 12.0])
    rng = np.random.default_rng(2)
    place = rng.uniform(-15e3, 15e3, (2000, 3))
    place[:, 2] = rng.uniform(-20.0, 200.0, 2000)
    mapped, exact = (Sight.over(s, eye, 25e3) for s in (level, smooth))
    apart = mapped.clear(place) != exact.clear(place)
    # Below ground nobody is; the smooth earth alone does not know how far the ground hides.
    below = FRAME.height_m_of(place) < 500.0
    assert apart[~below].mean() < 0.002


def test_a_ray_that_left_the_map_goes_on_straight() -> None:
    surroundings = over({"size_km": 20, "relief_m": 400, "seed": 2, "outside_height_m": 500})
    (eye,) = above(surroundings, [0.0], [0.0], 10.0)
    sight = Sight.over(surroundings, eye, 200e3)
    assert sight.reach_m < 20.5e3
    # Beyond the map a ray only sinks: lowest is the far end of a part.
    _, near, far = sight.lowest_rad(72, 3, 20.5e3).T
    # A ray that bends with a quarter of the earth's curvature sinks by d / (2 Re) / 4.
    bent = 20.5e3 * (0.5 / 6.371e6) * 0.25
    np.testing.assert_allclose(far, near - bent, atol=2e-5)


def test_lowest_elevations_of_sectors_are_the_least_of_all_rays(hills: Surroundings) -> None:
    (eye,) = above(hills, [1500.0], [-2200.0], 15.0)
    sight = Sight.over(hills, eye, 12e3)
    azimuth = 2 * np.pi * (np.arange(90)[:, None] + np.linspace(0.0, 1.0, 5)) / 90
    distance = 150.0 * (np.arange(60)[:, None] + np.linspace(0.0, 1.0, 3))
    ray_by_ray = lowest_elevation(
        sight.obstacles.lowest_m.astype(float),
        sight.cell_m,
        sight.height_m,
        1.0 / sight.curvature_per_m.mean(),
        azimuth.ravel(),
        distance.ravel(),
    ).reshape(90, 5, 60, 3)
    found = sight.lowest_rad(90, 60, 150.0)
    # From half a cell between rays on, all of these are asked.
    far = distance[:, 0] > sight.cell_m * 90 / (2 * np.pi)
    assert 10 < far.sum() < 55
    np.testing.assert_allclose(found[:, far], ray_by_ray.min(axis=(1, 3))[:, far], atol=1e-9)
    ends = ray_by_ray[:, ::4].min(axis=(1, 3))
    near = distance[:, -1] < 0.5 * sight.cell_m * 90 / (2 * np.pi)
    np.testing.assert_allclose(found[:, near], ends[:, near], atol=1e-9)
    assert np.ptp(found[:, far]) > 0.02


def test_what_the_tracker_is_told_of_relief_misses_little(hills: Surroundings) -> None:
    """Rays four times as close find a lower elevation in few sectors, and little lower."""
    (eye,) = above(hills, [1500.0], [-2200.0], 15.0)
    sight = Sight.over(hills, eye, 12e3)
    found = sight.lowest_rad(720, 128, 90.0)
    closer = sight.lowest_rad(2880, 512, 22.5).reshape(720, 4, 128, 4).min(axis=(1, 3))
    missed = found - closer
    assert missed.min() > -1e-9
    assert np.quantile(missed[:, 2:], 0.99) < np.radians(0.15)


def test_sensors_of_one_mast_share_a_map(hills: Surroundings) -> None:
    (eye,) = above(hills, [0.0], [0.0], 10.0)
    assert Sight.over(hills, eye, 20e3) is Sight.over(hills, eye.copy(), 20e3)
    assert Sight.over(hills, eye, 20e3) is not Sight.over(hills, eye + 1.0, 20e3)


def test_below_the_ground_or_beyond_it_there_is_no_sight(hills: Surroundings) -> None:
    (inside,) = above(hills, [0.0], [0.0], -3.0)
    with pytest.raises(ValueError, match=r"it lies 3\.0 m below the ground"):
        Sight.over(hills, inside, 20e3)
    with pytest.raises(ValueError, match="it lies beyond the terrain"):
        Sight.over(hills, np.array([50e3, 0.0, 900.0]), 20e3)
    with pytest.raises(ValueError, match=r"it lies 3\.0 m below the ground"):
        Sight.passing(hills, inside)


@pytest.mark.parametrize("outside_m", [None, 700.0])
def test_what_passes_sees_as_what_stays(outside_m: float | None) -> None:
    """Targets beyond the terrain too, and below its highest ground."""
    terrain = {"size_km": 20, "relief_m": 400, "seed": 2}
    surroundings = over(terrain | ({"outside_height_m": outside_m} if outside_m else {}))
    (eye,) = above(surroundings, [3e3], [-1e3], 120.0)
    passing, staying = Sight.passing(surroundings, eye), Sight.over(surroundings, eye, 60e3)
    rng = np.random.default_rng(3)
    place = rng.uniform(-20e3, 20e3, (4000, 3))
    place[:, 2] = rng.uniform(0.0, 1500.0, 4000) - 0.5 * (place[:, :2] ** 2).sum(axis=1) / 6.4e6
    place[:5] = np.nan
    one, other = passing.clear(place), staying.clear(place)
    assert 0.2 < other.mean() < 0.95
    assert (one != other).mean() < (0.005 if outside_m else 0.03)
    assert passing.height_m == staying.height_m
    assert not passing.smooth


def test_what_passes_makes_no_map_and_is_told_without_relief(hills: Surroundings) -> None:
    (eye,) = above(hills, [0.0], [0.0], 300.0)
    assert Sight.passing(hills, eye).obstacles.lowest_m.size == 0
    sensor = radar(hills, eye)
    came = sensor.moved_to(eye, hills)
    assert came.sight.obstacles.heights_m is hills.ground.heights_m  # type: ignore[union-attr]
    models = sensor_models([sensor, came], hills, moving=[1])
    assert models.mask_rad[0].max() > -0.4
    assert (models.mask_rad[1] == -0.5 * np.pi).all()


def radar(surroundings: Surroundings, place: Floats) -> Radar:
    return SPEC.build(Mount(0, "hill", place), surroundings)


def test_a_radar_says_masked_of_what_relief_hides(hills: Surroundings) -> None:
    (eye,) = above(hills, [1500.0], [-2200.0], 25.0)
    sensor = radar(hills, eye).in_free_space()
    place = drawn(hills, 1500, 60.0)
    targets: Any = stage.fakes(lambda t, n: place, len(place))
    there = Truth(0.0, place, np.zeros_like(place), np.ones(len(place), bool))
    pd, code = sensor.visibility(targets, there)
    hidden = ~sensor.sight.clear(place)
    assert set(code[hidden]) <= {Visibility.MASKED, Visibility.BELOW_HORIZON}
    assert (code[hidden] == Visibility.MASKED).mean() > 0.9
    assert not np.isin(code[~hidden], [Visibility.MASKED, Visibility.BELOW_HORIZON]).any()
    assert (pd[hidden] == 0.0).all()
    assert (pd[~hidden] > 0.5).any()


def test_the_tracker_is_told_of_hidden_places_and_never_that_one_in_sight_is(
    hills: Surroundings,
) -> None:
    (eye,) = above(hills, [1500.0], [-2200.0], 25.0)
    sensor = radar(hills, eye)
    columns = sensor_columns(TrackerConfig(), sensor_models([sensor], hills))
    place = drawn(hills, 3000, 60.0)
    local = (place - eye) @ sensor.enu_R_sensor
    elevation = np.arctan2(local[:, 2], np.hypot(local[:, 0], local[:, 1]))
    apart = np.linalg.norm(local, axis=1)
    open_ = (apart > sensor.range_min_m) & (apart < sensor.range_max_m)
    open_ &= (elevation > sensor.elevation_rad[0]) & (elevation < sensor.elevation_rad[1])
    clear = sensor.sight.clear(place)
    known = np.array([detection_probability(0, x, columns, 1.0) > 0.0 for x in place])
    assert known[clear & open_].mean() > 0.999
    assert (~known[~clear & open_]).mean() > 0.6
