"""Wind turbines and vehicles: where they are, and what a radar meets of them."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from sensors.discretes import Discretes, discretes_of
from sim.world.environment import Environment
from sim.world.frames import Frame
from tests.stage import surroundings

FRAME = Frame.at(np.radians(50.0), np.radians(5.0), 0.0)
FARM = {"id": "hill", "latitude_deg": 50.0, "longitude_deg": 5.1, "turbines": 9}
ROAD = {
    "id": "a4",
    "path": [
        {"latitude_deg": 50.0, "longitude_deg": 5.0},
        {"latitude_deg": 50.05, "longitude_deg": 5.0},
        {"latitude_deg": 50.05, "longitude_deg": 5.1},
    ],
    "vehicles_per_km": 10,
}
ORIGIN = np.array([0.0, 0.0, 20.0])


def build(**environment: object) -> Discretes:
    return discretes_of(surroundings(FRAME, 0.0, **environment), 9.4e9, 0.02)


def test_a_world_without_them_has_none() -> None:
    nothing = build()
    assert len(nothing) == 0
    echoes = nothing.echoes(0.0, ORIGIN, np.random.default_rng(1))
    assert echoes.position_enu_m.shape == (0, 3)
    assert echoes.rcs_m2.size == echoes.range_rate_mps.size == 0


def test_turbines_stand_in_a_grid_at_hub_height() -> None:
    farm = build(wind_farms=[FARM | {"spacing_m": 500.0, "hub_height_m": 90.0}])
    position, velocity = farm.at(17.0)
    assert np.all(velocity == 0.0)
    _, _, height_m = FRAME.to_geodetic(position)
    assert height_m == pytest.approx(np.full(9, 90.0), abs=1e-3)
    assert np.linalg.norm(position[1] - position[0]) == pytest.approx(500.0, rel=5e-3)
    assert np.linalg.norm(position[3] - position[0]) == pytest.approx(500.0, rel=5e-3)
    centre = FRAME.from_geodetic(np.radians(50.0), np.radians(5.1), 90.0)
    assert np.mean(position, 0) == pytest.approx(centre, abs=1.0)


def test_vehicles_keep_to_the_road_at_their_speeds() -> None:
    road = build(roads=[ROAD])
    assert len(road) == round(10 * road.way_m[0][-1] / 1e3) > 100
    sooner, velocity = road.at(100.0)
    later, _ = road.at(100.01)
    moved = (later - sooner) / 0.01
    same = np.linalg.norm(moved - velocity, axis=1) < 1e-2 * np.linalg.norm(velocity, axis=1)
    assert np.mean(same) > 0.97  # the others passed a corner or began anew
    assert np.linalg.norm(velocity, axis=1) == pytest.approx(np.abs(road.speed_mps))
    assert np.mean(np.abs(road.speed_mps)) == pytest.approx(25.0, abs=1.0)
    latitude, longitude, height = FRAME.to_geodetic(sooner)
    on_first = np.abs(np.degrees(longitude) - 5.0) < 1e-4
    on_second = np.abs(np.degrees(latitude) - 50.05) < 1e-4
    assert np.all(on_first | on_second)
    assert height == pytest.approx(np.ones(len(road)), abs=0.01)


def test_every_radar_meets_the_same_traffic_and_each_road_its_own() -> None:
    one, two = build(roads=[ROAD]), build(roads=[ROAD, ROAD | {"id": "a5"}])
    assert np.array_equal(one.start_m, two.start_m[two.road == 0])
    assert not np.array_equal(two.start_m[two.road == 0], two.start_m[two.road == 1])


def test_each_is_looked_at_in_its_own_time() -> None:
    both = build(wind_farms=[FARM], roads=[ROAD])
    time = np.linspace(0.0, 5.0, len(both))
    apart, _ = both.at(time)
    for row in (0, 8, 9, len(both) - 1):
        assert apart[row] == pytest.approx(both.at(time[row])[0][row])


def test_echoes_of_towers_vehicles_and_blades() -> None:
    both = build(wind_farms=[FARM], roads=[ROAD], wind_from_deg=0.0)
    echoes = both.echoes(3.0, ORIGIN, np.random.default_rng(1))
    size = len(both)
    assert np.array_equal(echoes.source[:size], np.arange(size))
    assert np.all(echoes.rcs_m2[:9] == pytest.approx(1000.0))
    assert np.all(echoes.rcs_m2[9:size] == pytest.approx(10.0))
    assert np.all(echoes.range_rate_mps[:9] == 0.0)
    position, velocity = both.at(3.0)
    away = (position - ORIGIN) / np.linalg.norm(position - ORIGIN, axis=1)[:, None]
    assert echoes.range_rate_mps[:size] == pytest.approx(np.sum(velocity * away, 1))
    assert np.all(echoes.source[size:] < 9)
    assert np.all(echoes.rcs_m2[size:] == pytest.approx(100.0))


@pytest.mark.parametrize(("wind_from_deg", "fastest"), [(0.0, 80.0), (90.0, 15.0)])
def test_blades_show_their_speed_from_the_side_only(wind_from_deg: float, fastest: float) -> None:
    """The farm lies east: its rotors face it in a wind from the east."""
    farm = build(wind_farms=[FARM | {"turbines": 1}], wind_from_deg=wind_from_deg)
    rng = np.random.default_rng(2)
    rates, looks = [], 4000
    for _ in range(looks):
        echoes = farm.echoes(0.0, ORIGIN, rng)
        rates += list(echoes.range_rate_mps[1:])
    share = 6 * (0.5 * 299_792_458.0 / 9.4e9 + 80.0 * 0.02) / (2 * np.pi * 60.0)
    assert farm.flash_share[0] == pytest.approx(share)
    assert len(rates) / looks == pytest.approx(share, abs=4 * np.sqrt(share / looks))
    assert np.max(np.abs(rates)) <= fastest
    if fastest == 80.0:
        assert np.std(rates) == pytest.approx(80.0 / np.sqrt(3.0), rel=0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"wind_farms": [FARM | {"turbines": 0}]},
        {"wind_farms": [FARM | {"hub_height": 3}]},
        {"roads": [ROAD | {"path": ROAD["path"][:1]}]},  # type: ignore[index]
        {"roads": [ROAD | {"vehicles_per_km": -1}]},
    ],
)
def test_bad_ones_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Environment.model_validate(wrong)
