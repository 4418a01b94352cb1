"""Wind turbines and vehicles: single things on the ground that look like targets to a radar.

They stand and drive where their names say, for every sensor and run alike; only what a
turbine's blades do during one look is drawn.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sensors.detection import SPEED_OF_LIGHT_MPS
from sim.core.geodesy import MEAN_EARTH_RADIUS_M

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.core.tables import Bools, Floats, Ints
    from sim.world.environment import Road, WindFarm
    from sim.world.surroundings import Surroundings

_VEHICLE_HEIGHT_M = 1.0
_STRETCH_M = 200.0  # of a road, between which the ground is straight
_BLADES = 3


class Echoes(NamedTuple):
    """What may give a false plot at a look, (K,): each fluctuates like Swerling 1.

    Attributes
    ----------
    source : row in ``Discretes``
    position_enu_m : (K, 3)
    rcs_m2 : mean radar cross section
    range_rate_mps : radial speed, positive when opening
    """

    source: Ints
    position_enu_m: Floats
    rcs_m2: Floats
    range_rate_mps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Discretes:
    """Turbines (T,), then vehicles (V,).

    Attributes
    ----------
    turbine_enu_m, axis_enu : (T, 3) hubs, and unit vectors along the shafts
    static_m2, blade_m2, tip_mps : (T,) of the tower, of a flashing blade, speed of its tip
    flash_share : (T,) share of looks in which a blade is at right angles to the beam
    way_enu_m, way_m : per road, (W, 3) corners and (W,) distance along it
    road, start_m, speed_mps, vehicle_m2 : (V,) on which road, where at time zero, how fast
        (negative: backwards), mean radar cross section
    """

    turbine_enu_m: Floats
    axis_enu: Floats
    static_m2: Floats
    blade_m2: Floats
    tip_mps: Floats
    flash_share: Floats
    way_enu_m: tuple[Floats, ...]
    way_m: tuple[Floats, ...]
    road: Ints
    start_m: Floats
    speed_mps: Floats
    vehicle_m2: Floats

    def __len__(self) -> int:
        return int(self.static_m2.size + self.road.size)

    def at(self, time_s: ArrayLike) -> tuple[Floats, Floats]:
        """Return positions and velocities, (T + V, 3) each, of hubs and vehicles.

        Parameters
        ----------
        time_s : one, or one for each of them (T + V,)
        """
        turbines = self.static_m2.size
        time = np.broadcast_to(np.asarray(time_s, float), (len(self),))[turbines:]
        position, velocity = np.zeros((len(self), 3)), np.zeros((len(self), 3))
        position[:turbines] = self.turbine_enu_m
        for number, (corner_enu_m, along_m) in enumerate(
            zip(self.way_enu_m, self.way_m, strict=True)
        ):
            here = np.flatnonzero(self.road == number)
            driven = self.start_m[here] + self.speed_mps[here] * time[here]
            place_m = np.mod(driven, along_m[-1])
            piece = np.clip(np.searchsorted(along_m, place_m, "right") - 1, 0, along_m.size - 2)
            step = (corner_enu_m[1:] - corner_enu_m[:-1]) / np.diff(along_m)[:, np.newaxis]
            rest_m = (place_m - along_m[piece])[:, np.newaxis]
            position[turbines + here] = corner_enu_m[piece] + step[piece] * rest_m
            velocity[turbines + here] = step[piece] * self.speed_mps[here, np.newaxis]
        return position, velocity

    def echoes(self, time_s: ArrayLike, origin_enu_m: Floats, rng: np.random.Generator) -> Echoes:
        """Return what a radar meets when it looks at each of them once.

        Every tower echoes without Doppler shift, every vehicle with its own. A blade shows
        when it flashes: with the speed of some part of it, towards the radar or away.

        Parameters
        ----------
        time_s : as in ``at``
        origin_enu_m : (3,) the radar
        rng : source of chance
        """
        position, velocity = self.at(time_s)
        offset = position - origin_enu_m
        away = offset / np.maximum(np.linalg.norm(offset, axis=1), 1e-9)[:, np.newaxis]
        rate = np.sum(velocity * away, 1)
        turbines = self.static_m2.size
        chance = rng.random((2, turbines))
        flashes: Bools = chance[0] < self.flash_share
        # The disc turns at right angles to its axis: only what lies along the beam counts.
        slant = np.sqrt(np.maximum(1.0 - np.sum(away[:turbines] * self.axis_enu, 1) ** 2, 0.0))
        blade_rate = (2.0 * chance[1] - 1.0) * self.tip_mps * slant
        source = np.concatenate([np.arange(len(self)), np.flatnonzero(flashes)])
        return Echoes(
            source.astype(np.int32),
            position[source],
            np.concatenate([self.static_m2, self.vehicle_m2, self.blade_m2[flashes]]),
            np.concatenate([rate, blade_rate[flashes]]),
        )


def discretes_of(surroundings: Surroundings, frequency_hz: float, dwell_s: float) -> Discretes:
    """Return the turbines and vehicles of a scenario as a radar meets them.

    A blade flashes while it is within λ / 2L of a right angle to the beam, L its length,
    so three blades on two sides do so for a share 6 (λ/2L + Ω t) / 2π of looks of length t.
    """
    environment = surroundings.environment
    wavelength_m = SPEED_OF_LIGHT_MPS / frequency_hz
    hubs = [
        _on_ground(surroundings, *turbines_rad(farm), farm.hub_height_m)
        for farm in environment.wind_farms
    ]
    sizes = [len(hub) for hub in hubs]

    def of_farms(values: Sequence[float]) -> Floats:
        return np.repeat(np.array(values, float), sizes)

    lengths = [0.5 * farm.rotor_diameter_m for farm in environment.wind_farms]
    flashes = [
        2 * _BLADES * (0.5 * wavelength_m + farm.tip_speed_mps * dwell_s) / (2.0 * np.pi * length)
        for farm, length in zip(environment.wind_farms, lengths, strict=True)
    ]
    position_enu_m = np.concatenate([np.empty((0, 3)), *hubs])
    ways = [_way(road, surroundings) for road in environment.roads]
    traffic = [
        _vehicles(road, float(along_m[-1]))
        for road, (_, along_m) in zip(environment.roads, ways, strict=True)
    ]
    counts = [start_m.size for start_m, _ in traffic]
    roads = environment.roads
    return Discretes(
        turbine_enu_m=position_enu_m,
        axis_enu=_into_the_wind(surroundings, position_enu_m),
        static_m2=of_farms([10 ** (0.1 * farm.rcs_dbsm) for farm in environment.wind_farms]),
        blade_m2=of_farms([10 ** (0.1 * farm.blade_rcs_dbsm) for farm in environment.wind_farms]),
        tip_mps=of_farms([farm.tip_speed_mps for farm in environment.wind_farms]),
        flash_share=np.minimum(of_farms(flashes), 1.0),
        way_enu_m=tuple(corner_enu_m for corner_enu_m, _ in ways),
        way_m=tuple(along_m for _, along_m in ways),
        road=np.repeat(np.arange(len(roads), dtype=np.int32), counts),
        start_m=np.concatenate([np.empty(0), *(start_m for start_m, _ in traffic)]),
        speed_mps=np.concatenate([np.empty(0), *(speed_mps for _, speed_mps in traffic)]),
        vehicle_m2=np.repeat(np.array([10 ** (0.1 * r.rcs_dbsm) for r in roads], float), counts),
    )


def _on_ground(
    surroundings: Surroundings, latitude_rad: Floats, longitude_rad: Floats, height_agl_m: float
) -> Floats:
    """Return positions (..., 3) above the ground."""
    ground_m = surroundings.ground.height_m(latitude_rad, longitude_rad)
    return surroundings.frame.from_geodetic(latitude_rad, longitude_rad, ground_m + height_agl_m)


def turbines_rad(farm: WindFarm) -> tuple[Floats, Floats]:
    """Return latitudes and longitudes of a farm's turbines, row by row from the south-west."""
    side = int(np.ceil(np.sqrt(farm.turbines)))
    row, column = np.divmod(np.arange(farm.turbines), side)
    north_m = (row - 0.5 * (side - 1)) * farm.spacing_m
    east_m = (column - 0.5 * (side - 1)) * farm.spacing_m
    latitude_rad = np.radians(farm.latitude_deg) + north_m / MEAN_EARTH_RADIUS_M
    east_rad = east_m / (MEAN_EARTH_RADIUS_M * np.cos(latitude_rad))
    return latitude_rad, np.radians(farm.longitude_deg) + east_rad


def _into_the_wind(surroundings: Surroundings, position_enu_m: Floats) -> Floats:
    from_rad = np.radians(surroundings.environment.wind_from_deg)
    local = np.array([np.sin(from_rad), np.cos(from_rad), 0.0])
    axis: Floats = surroundings.frame.local_axes(position_enu_m) @ local
    return axis


def way_rad(road: Road) -> tuple[Floats, Floats]:
    """Return latitudes and longitudes along a road, a stretch apart at most."""
    corner_rad = np.radians([[place.latitude_deg, place.longitude_deg] for place in road.path])
    points = [corner_rad[:1]]
    for first, last in pairwise(corner_rad):
        step = (last - first) * np.array([1.0, np.cos(first[0])])
        pieces = max(int(np.ceil(np.hypot(*step) * MEAN_EARTH_RADIUS_M / _STRETCH_M)), 1)
        share = np.arange(1, pieces + 1)[:, np.newaxis] / pieces
        points.append(first + share * (last - first))
    place = np.concatenate(points)
    return place[:, 0], place[:, 1]


def _way(road: Road, surroundings: Surroundings) -> tuple[Floats, Floats]:
    """Return points (W, 3) of ``way_rad``, and how far along they lie."""
    corner_enu_m = _on_ground(surroundings, *way_rad(road), _VEHICLE_HEIGHT_M)
    step_m = np.maximum(np.linalg.norm(np.diff(corner_enu_m, axis=0), axis=1), 1e-6)
    return corner_enu_m, np.concatenate([[0.0], np.cumsum(step_m)])


def _vehicles(road: Road, length_m: float) -> tuple[Floats, Floats]:
    """Return where vehicles are at time zero and how fast they drive, half of them backwards."""
    rng = np.random.default_rng(zlib.crc32(road.id.encode()))
    size = max(round(road.vehicles_per_km * length_m / 1e3), 1)
    speed_mps = np.abs(rng.normal(road.speed_mps, road.speed_sigma_mps, size))
    direction = np.where(np.arange(size) % 2 == 0, 1.0, -1.0)
    return rng.uniform(0.0, length_m, size), direction * speed_mps
