"""What relief does to a radar beside hiding targets: clutter, mirrors, things on the ground."""

from __future__ import annotations

import cmath
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import stage
from scipy.special import i0e

from sensors.clutter import LAND_GAMMA_DB, surface_clutter_rcs_m2
from sensors.facets import COLUMNS, facets_of, fitted
from sensors.folded import RANGES
from sensors.mount import Mount
from sensors.multipath import reflection
from sensors.profiles import RAYS, Profiles
from sensors.radar import Radar, RadarSpec
from sensors.relief_clutter import grazing_over_relief_rad, mean_between, relief_clutter
from sensors.scene import Scene
from sensors.sight import Sight
from sensors.surface import EFFECTIVE_CURVATURE_PER_M, sea_permittivity
from sensors.way import Way
from sensors.way_kernels import way_factor, way_factors
from sim.core.tables import Floats
from sim.engine.build import build
from sim.scenario.loader import load
from sim.world.environment import Environment
from sim.world.frames import Frame
from sim.world.surroundings import Surroundings

FRAME = Frame.at(np.radians(50.0), np.radians(5.0), 100.0)
VALUES: dict[str, Any] = {
    "kind": "radar",
    "id": "r",
    "preset": "mobile-multi-mission",
    "range_max_km": 25,
    "rate_rpm": 60,
}
SEA = {"surface": "sea", "sea_state": 0}


def over(height_m: Any, **environment: Any) -> Surroundings:
    ground = stage.relief(FRAME, height_m, 26e3)
    return replace(stage.surroundings(FRAME, **environment), ground=ground)


def level(east_m: Floats, _: Floats) -> Floats:
    return np.full(east_m.shape, 100.0)


def ridge(_: Floats, north_m: Floats) -> Floats:
    """A wall, 150 m high and 1 km thick, 8 km north; its slopes are 300 m long."""
    return 100.0 + np.clip((800.0 - np.abs(north_m - 8e3)) / 300.0, 0.0, 1.0) * 150.0


def radar(surroundings: Surroundings, mast_m: float = 20.0, **changes: Any) -> Radar:
    spec = RadarSpec.model_validate(VALUES | changes)
    return spec.build(Mount(0, "hill", np.array([0.0, 0.0, mast_m])), surroundings)


def row_of(sensor: Radar, azimuth_deg: float) -> Floats:
    """The first pulse rate's row of the clutter's table, and the ranges of its columns."""
    rates = sensor.budget.unambiguous_m.size
    sectors = len(sensor.budget.surface) // rates
    return sensor.budget.surface[int(azimuth_deg / 360.0 * sectors) * rates]


def ranges_of(sensor: Radar) -> Floats:
    return sensor.budget.unambiguous_m[0] * (np.arange(RANGES) / (RANGES - 1.0)) ** 2


# --- clutter ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def walled() -> Radar:
    return radar(over(ridge), prf_hz=[2000.0])


def test_level_relief_gives_the_clutter_of_smooth_ground() -> None:
    rough, smooth = radar(over(level)), radar(stage.surroundings(FRAME, 100.0))
    shown = (ranges_of(smooth) > 1e3) & (ranges_of(smooth) < 14e3)
    for azimuth in (0.5, 45.5, 200.5):
        np.testing.assert_allclose(
            row_of(rough, azimuth)[shown], row_of(smooth, 0)[shown], rtol=0.08
        )


def test_behind_a_ridge_there_is_no_clutter(walled: Radar) -> None:
    smooth = radar(stage.surroundings(FRAME, 100.0), prf_hz=[2000.0])
    range_m = ranges_of(walled)
    north, south = row_of(walled, 0.5), row_of(walled, 180.5)
    before, behind = (range_m > 1e3) & (range_m < 7e3), (range_m > 8.7e3) & (range_m < 14e3)
    np.testing.assert_allclose(north[before], row_of(smooth, 0)[before], rtol=0.08)
    assert (north[behind] == 0.0).all()
    np.testing.assert_allclose(south[behind], row_of(smooth, 0)[behind], rtol=0.08)


def test_a_slope_that_faces_the_radar_sends_back_by_its_own_angle(walled: Radar) -> None:
    """σ = γ sin ψ R θ ΔR / cos ψ with the slope of a half, 150 m on 300 m."""
    sight, spec = walled.sight, walled.spec
    environment = Environment()
    beamwidth = 2**-0.5 * spec.antenna().beamwidth_rad
    distance, rcs = relief_clutter(
        sight, environment, spec.frequency_ghz * 1e9, beamwidth, 50, False
    )
    there = (distance > 7.26e3) & (distance < 7.44e3)
    psi = math.atan(0.5)
    gamma_db = LAND_GAMMA_DB[environment.land_cover] + 5.0 * math.log10(spec.frequency_ghz / 10)
    expected = (
        10 ** (gamma_db / 10) * math.sin(psi) * distance[there] * beamwidth * 50 / math.cos(psi)
    )
    assert there.sum() >= 2
    np.testing.assert_allclose(rcs[0, there], expected, rtol=0.06)


def test_grazing_angles_and_beams_against_a_twin() -> None:
    def hills(east_m: Floats, north_m: Floats) -> Floats:
        return 150.0 + 40.0 * np.sin(east_m / 900.0) * np.cos(north_m / 1300.0)

    sight = Sight.over(over(hills), np.array([0.0, 0.0, 120.0]), 12e3)
    profiles = Profiles.of(sight)
    grazing = grazing_over_relief_rad(profiles, sight.height_m)
    rng = np.random.default_rng(3)
    step = 2 * math.pi / RAYS
    for ray, cell in rng.integers([0, 1], [RAYS, profiles.distance_m.size - 1], (300, 2)):
        d, h = profiles.distance_m[cell], profiles.ground_m[ray]
        outwards = (h[cell + 1] - h[cell - 1]) / (2 * sight.cell_m)
        beside = [profiles.ground_m[(ray + k) % RAYS, cell] for k in (-1, 1)]
        across = (beside[1] - beside[0]) / (2 * step * d)
        normal = np.array([-outwards, -across, 1.0])
        up = sight.height_m - h[cell] - d * d * EFFECTIVE_CURVATURE_PER_M / 2
        to_radar = np.array([-d, 0.0, up])
        sine = normal @ to_radar / np.linalg.norm(normal) / np.linalg.norm(to_radar)
        expected = math.asin(max(sine, 0.0)) if profiles.seen[ray, cell] else 0.0
        assert grazing[ray, cell] == pytest.approx(expected, abs=1e-9)
    assert 0.2 < profiles.seen.mean() < 0.98
    # A beam of three degrees spans six rays about the middle of its sector.
    distance, wide = relief_clutter(sight, Environment(), 3e9, math.radians(3.0), 100.0, False)
    _, narrow = relief_clutter(sight, Environment(), 3e9, 1e-3, 100.0, False)
    _, of_rays = relief_clutter(sight, Environment(), 3e9, 2 * step, 100.0, False)
    assert np.array_equal(distance, profiles.distance_m)
    assert not np.array_equal(narrow, wide)
    three = (of_rays[9] + of_rays[10] + of_rays[11]) / 3.0
    np.testing.assert_allclose(wide[10], three * 3.0, rtol=1e-9)


def test_means_over_stretches_add_up() -> None:
    rng = np.random.default_rng(1)
    distance, values = 30.0 * np.arange(1, 51), rng.random((3, 50))
    edges = np.array([15.0, 135.0, 140.0, 700.0, 1515.0, 2000.0])
    mean = mean_between(distance, values, edges[:-1], edges[1:])
    fine = np.arange(15.0, 2000.0, 0.5) + 0.25
    cell = np.round(fine / 30.0).astype(int) - 1
    for column in (0, 2, 3, 4):
        inside = (fine > edges[column]) & (fine < edges[column + 1])
        drawn = np.where(cell[inside] < 50, values[:, np.minimum(cell[inside], 49)], 0.0)
        np.testing.assert_allclose(mean[:, column], drawn.mean(axis=1), rtol=1e-6)
    assert mean[:, 1] == pytest.approx(stretch(values, 122.5, 152.5), rel=0.02)


def stretch(values: Floats, low_m: float, high_m: float) -> Floats:
    """A stretch narrower than a cell takes as much as a cell, about its middle."""
    place = np.arange(low_m, high_m, 0.25) + 0.125
    mean: Floats = values[:, np.round(place / 30.0).astype(int) - 1].mean(axis=1)
    return mean


def test_folded_clutter_comes_back_from_the_ridge_alone() -> None:
    """At 20 kHz 7.5 km fold: the ridge's slope at 7.35 km shows there, what is behind never."""
    sensor = radar(over(ridge), prf_hz=[20e3, 23e3], pulse_width_us=1.0)
    single = radar(over(ridge), prf_hz=[2000.0], pulse_width_us=1.0)
    folded, plain = row_of(sensor, 0.5), row_of(single, 0.5)
    span = sensor.budget.unambiguous_m[0]
    expected = sum(
        np.interp(ranges_of(sensor) + fold * span, ranges_of(single), plain) for fold in range(3)
    )
    shown = (ranges_of(sensor) > 1e3) & (ranges_of(sensor) < 7e3)
    np.testing.assert_allclose(folded[shown], expected[shown], rtol=0.15)


# --- turbines and vehicles ----------------------------------------------------------------------


@pytest.mark.parametrize(("north_km", "hidden"), [(12.0, True), (-12.0, False), (5.0, False)])
def test_turbines_behind_a_ridge_are_not_seen(north_km: float, hidden: bool) -> None:
    farm = {
        "id": "farm",
        "latitude_deg": 50.0 + north_km / 111.23,
        "longitude_deg": 5.0,
        "turbines": 4,
        "spacing_m": 300,
        "hub_height_m": 60,
        "rotor_diameter_m": 80,
    }
    sensor = radar(over(ridge, wind_farms=[farm]), pfa=1e-12, mti="none")
    sensor = sensor.in_clear_air()
    nobody = stage.fakes(lambda t, k: np.empty((t.size, 3)), 0)
    scene = Scene(nobody, nobody.truth(0.0), nobody.truth(10.0))  # type: ignore[arg-type]
    plots = sensor.observe(scene, np.random.default_rng(0))
    assert (len(plots) == 0) == hidden


# --- mirrors --------------------------------------------------------------------------------------


def profiles_of(height_m: Any, reach_m: float, seen: Any = True) -> Profiles:
    """The same ground on all rays."""
    distance = np.arange(30.0, reach_m + 1.0, 30.0)
    ground = np.tile(height_m(distance), (RAYS, 1))
    return Profiles(np.zeros(RAYS), distance, ground, np.broadcast_to(seen, ground.shape))


def test_planes_fit_as_least_squares_do() -> None:
    rng = np.random.default_rng(5)
    rough = np.cumsum(rng.normal(0.0, 3.0, 600)) + 200.0
    seen = rng.random(600) < 0.7
    ground = profiles_of(lambda d: rough, 18e3, seen)
    planes = fitted(ground, 18e3)
    assert planes.shape == (5, RAYS, COLUMNS)
    d = ground.distance_m
    for column in (40, 70, 100):
        centre = 18e3 * (column / (COLUMNS - 1)) ** 2
        inside = (d >= 0.5 * centre) & (d < 1.5 * centre)
        slope, base = np.polyfit(d[inside], rough[inside], 1)
        rest = rough[inside] - slope * d[inside] - base
        wanted = [base + slope * centre, slope, rest.std(), seen[inside].mean()]
        np.testing.assert_allclose(planes[:4, 17, column], wanted, rtol=1e-4)
        following = 18e3 * ((column + 1) / (COLUMNS - 1)) ** 2
        highest = rough[(d >= centre) & (d < following)].max()
        assert planes[4, 17, column] == pytest.approx(highest)


def way_over(height_m: Any, antenna_m: float, seen: Any = True, **changes: Any) -> Way:
    way = Way.over(Environment.model_validate(SEA), 3e9, False)._replace(
        height_m=antenna_m,
        curvature_per_m=np.full(2, 1.0 / 6.371e6),
        facets=fitted(profiles_of(height_m, 30e3, seen), 30e3),
        facets_reach_m=30e3,
        gas_db_per_m=np.zeros(2),
    )
    return way._replace(**changes)


def polar_of(way: Way, distance_m: float, height_m: float) -> Floats:
    """Range, azimuth and elevation of a target so far along the ground, so high."""
    angle = distance_m * way.curvature_per_m[0]
    radius = 1.0 / way.curvature_per_m[0]
    up = (radius + height_m) * math.cos(angle) - radius - way.height_m
    across = (radius + height_m) * math.sin(angle)
    return np.array([math.hypot(up, across), 1.0, math.atan2(up, across), 0.0])


def two_rays_twin(way: Way, ground: Any, distance_m: float, height_m: float) -> float:
    """The shortest way over the ground, by search, on an earth of 4/3 the size laid flat."""
    x = np.linspace(1.0, distance_m - 1.0, 400_000)
    bent = 0.5 * EFFECTIVE_CURVATURE_PER_M
    surface = ground(x) - bent * x * x
    top = height_m - bent * distance_m**2
    first, second = np.hypot(x, way.height_m - surface), np.hypot(distance_m - x, top - surface)
    best = int(np.argmin(first + second))
    direct = math.hypot(distance_m, top - way.height_m)
    longer = first[best] + second[best] - direct
    slope = (surface[best + 1] - surface[best - 1]) / (x[best + 1] - x[best - 1])
    grazing = math.atan2(way.height_m - surface[best], x[best]) + math.atan(slope)
    near, far = x[best], distance_m - x[best]
    spread = 1.0 + 2 * near * far * EFFECTIVE_CURVATURE_PER_M / (distance_m * math.sin(grazing))
    gamma = reflection(sea_permittivity(3e9, 15.0), grazing, False) / math.sqrt(spread)
    return abs(1.0 + gamma * cmath.exp(-2j * math.pi * longer / way.wavelength_m)) ** 2


@pytest.mark.parametrize("slope", [0.0, 0.01, -0.004])
def test_lobes_off_a_slope_are_those_of_the_shortest_way(slope: float) -> None:
    def ground(d: Floats) -> Floats:
        return 50.0 + slope * d

    way = way_over(ground, 50.0 + 15.0)
    heights = ground(np.array(20e3)) + np.linspace(150.0, 900.0, 40)
    found, wanted = [], []
    for height in heights:
        found.append(way_factor(way, *polar_of(way, 20e3, float(height))[:3], 1.0))
        wanted.append(two_rays_twin(way, ground, 20e3, float(height)))
    assert np.ptp(wanted) > 3.0
    np.testing.assert_allclose(found, wanted, atol=0.06)
    assert np.ptp(found) > 3.0


def test_level_relief_mirrors_as_smooth_ground_does() -> None:
    surroundings = over(level, **SEA)
    eye = np.array([0.0, 0.0, 15.0])
    environment = surroundings.environment
    smooth_sight = Sight.over(stage.surroundings(FRAME, 100.0, **SEA), eye, 25e3)
    mapped, smooth = (
        Way.over(environment, 3e9, False).begun_at(sight)
        for sight in (Sight.over(surroundings, eye, 25e3), smooth_sight)
    )
    assert mapped.facets.size
    assert not smooth.facets.size
    places = np.array([polar_of(smooth, 15e3, h) for h in np.linspace(100.0, 800.0, 60)])
    one, other = (way_factors(way, places, np.ones(60)) for way in (mapped, smooth))
    assert np.ptp(other) > 3.0
    np.testing.assert_allclose(one, other, atol=0.05)


def test_what_is_rough_or_unseen_or_behind_a_hill_does_not_mirror() -> None:
    def flat(d: Floats) -> Floats:
        return np.full(d.shape, 50.0)

    def rolling(d: Floats) -> Floats:
        return 50.0 + 8.0 * np.sin(d / 70.0)

    def hill(d: Floats) -> Floats:
        return 50.0 + np.where(np.abs(d - 15e3) < 500.0, 120.0, 0.0)

    heights = np.linspace(250.0, 900.0, 80)

    def swing(way: Way) -> float:
        places = np.array([polar_of(way, 20e3, float(h)) for h in heights])
        return float(np.ptp(way_factors(way, places, np.ones(80))))

    whole = swing(way_over(flat, 65.0))
    assert whole > 3.5
    # Rayleigh: 8 sin ψ deviation, much more than an eighth of the wavelength of 0.1 m.
    assert swing(way_over(rolling, 65.0)) < 0.35 * whole
    assert swing(way_over(flat, 65.0, seen=False)) == 0.0
    lower = np.linspace(120.0, 190.0, 8)
    way = way_over(hill, 65.0)
    places = np.array([polar_of(way, 20e3, float(h)) for h in lower])
    assert (way_factors(way, places, np.ones(8)) == 1.0).all()
    clear = way_over(flat, 65.0)
    assert (np.abs(way_factors(clear, places, np.ones(8)) - 1.0) > 0.05).all()
    assert swing(way_over(flat, 65.0, bounces=False)) == 0.0


def test_hills_mirror_long_waves_but_hardly_a_radars() -> None:
    """The numbers of docs/propagation.md: `low-flyer-terrain`, 1° of grazing, 0.3 to 5 km away."""
    deviations, shares = [], {wavelength_m: [] for wavelength_m in (0.1, 0.23, 2.0)}
    for sensor in build(load("low-flyer-terrain")).sensors:
        assert isinstance(sensor, Radar)
        planes = sensor.budget.way.facets
        reach_m = sensor.budget.way.facets_reach_m
        distance_m = reach_m * (np.arange(COLUMNS) / (COLUMNS - 1.0)) ** 2
        deviation, lit = planes[2:4, :, (distance_m > 300.0) & (distance_m < 5e3)]
        deviations.append(float(np.median(deviation)))
        for wavelength_m, of_radars in shares.items():
            x = 2.0 * (2.0 * np.pi * deviation * np.sin(np.radians(1.0)) / wavelength_m) ** 2
            of_radars.append(float((i0e(x) * lit > 0.3).mean()))
    assert [round(min(deviations)), round(max(deviations))] == [9, 36]
    spans = {key: (min(of), max(of)) for key, of in shares.items()}
    assert spans[0.1] == pytest.approx((0.0008, 0.0053), abs=0.0005)
    assert spans[0.23] == pytest.approx((0.005, 0.021), abs=0.002)
    assert spans[2.0] == pytest.approx((0.094, 0.295), abs=0.005)


def test_a_place_that_is_absent_receives_nothing() -> None:
    way = way_over(lambda d: np.full(d.shape, 50.0), 65.0)
    assert way_factors(way, np.full((1, 4), np.nan), np.ones(1)).tolist() == [0.0]


def test_sensors_of_one_mast_share_their_facets() -> None:
    sight = Sight.over(over(level), np.array([0.0, 0.0, 10.0]), 10e3)
    assert facets_of(sight) is facets_of(sight)


def test_smooth_clutter_is_as_it_was() -> None:
    sensor = radar(stage.surroundings(FRAME, 100.0), prf_hz=[2000.0])
    spec = sensor.spec
    beamwidth = 2**-0.5 * spec.antenna().beamwidth_rad
    range_m = ranges_of(sensor)[200:300]
    given = (range_m, sensor.height_m, spec.frequency_ghz * 1e9, beamwidth, spec.range_resolution_m)
    rcs = surface_clutter_rcs_m2(Environment(), *given, spec.polarisation == "vertical")
    loss_db = 2.0 * range_m * (sensor.budget.way.gas_db_per_m[0] + sensor.budget.way.rain_db_per_m)
    expected = sensor.snr_of_unit_echo * rcs / range_m**4 * 10 ** (-0.1 * loss_db)
    np.testing.assert_allclose(row_of(sensor, 123.0)[200:300], expected, rtol=1e-7)
