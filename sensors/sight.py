"""What a sensor has in sight: smooth earth and relief around it.

``docs/terrain.md`` holds the formulas and what they leave out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from sensors.obstacles import Obstacles
from sim.core.geodesy import ECCENTRICITY_SQUARED, SEMI_MAJOR_AXIS_M
from sim.core.tables import Visibility
from sim.world.relief import Relief

if TYPE_CHECKING:
    from sim.core.tables import Bools, Bytes, Floats
    from sim.world.relief import Floats32
    from sim.world.surroundings import Ground, Surroundings

#: Cells from a map's middle to its edge, at most: 3001 × 3001 are 36 MB.
_CELLS_MAX = 1500
#: Cells between places whose latitude and longitude are computed, not interpolated.
_SPACING = 32
#: Nodes of the same kind across all of the terrain, for what moves.
_LATTICE = 33
_NOTHING = np.empty((0, 0), np.float32)
_NO_BLIND_RANGES = np.empty((0, 2))
_ANY_RANGE_M, _ALL_ROUND_RAD = np.array([0.0, np.inf]), np.array([0.0, np.pi])
_ANY_ELEVATION_RAD = np.array([-0.5 * np.pi, 0.5 * np.pi])

#: Maps in use; sensors that share a mast and reach as far share one.
_maps: WeakValueDictionary[tuple[object, ...], Sight] = WeakValueDictionary()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Sight:
    """Line of sight from one place on or above the ground, over a 4/3 earth.

    Attributes
    ----------
    origin_enu_m : (3,) the place
    enu_R_sensor : (3, 3) columns are its local east, north, up
    level_m : what heights are counted from, above the ellipsoid: the ground if it is flat,
        else the lowest ground there is
    height_m : of the place above the level
    mast_m : of the place above the ground
    curvature_per_m : (2,) of the level below the place, eastwards and northwards
    obstacles : what its relief may hide
    ground_m : (N, N) height of the ground above the level, in the cells of a map; NaN where
        unknown; empty without a map
    """

    origin_enu_m: Floats
    enu_R_sensor: Floats
    level_m: float
    height_m: float
    mast_m: float
    curvature_per_m: Floats
    obstacles: Obstacles
    ground_m: Floats32 = field(default_factory=lambda: _NOTHING)
    _ground: Ground | None = None  # keeps alive what the map was made of, and is filed under

    @classmethod
    def over(cls, surroundings: Surroundings, position_enu_m: Floats, reach_m: float) -> Sight:
        """Return the sight from a place (3,) in the scenario's frame.

        Parameters
        ----------
        surroundings
            The scenario's.
        position_enu_m
            The place.
        reach_m
            How far the sensor sees at best; a map need not reach farther.

        Raises
        ------
        ValueError
            If the place is below the ground, or beyond the terrain.
        """
        position_enu_m = np.array(position_enu_m, float)
        ground = surroundings.ground
        if not isinstance(ground, Relief):
            return cls._smooth(surroundings, position_enu_m)
        key = (id(ground), position_enu_m.tobytes(), reach_m)
        found = _maps.get(key)
        if found is None:
            found = cls._mapped(surroundings, ground, position_enu_m, reach_m)
            _maps[key] = found
        return found

    @classmethod
    def passing(cls, surroundings: Surroundings, position_enu_m: Floats) -> Sight:
        """Return the sight of what only passes a place (3,): it makes no map.

        Each target is looked for along its own ray. It has no ``lowest_rad``.

        Raises
        ------
        ValueError
            If the place is below the ground, or beyond the terrain.
        """
        position_enu_m = np.array(position_enu_m, float)
        relief = surroundings.ground
        if not isinstance(relief, Relief):
            return cls._smooth(surroundings, position_enu_m)
        key = (id(relief), position_enu_m.tobytes())
        found = _maps.get(key)
        if found is None:
            place = _Place.over(surroundings, relief, position_enu_m)
            half = _LATTICE // 2
            spacing_m = place.farthest_m / half
            row, column = place.nodes(np.linspace(-half, half, _LATTICE) * spacing_m)
            obstacles = Obstacles(
                _NOTHING,
                relief.cell_m,
                relief.heights_m,
                row,
                column,
                spacing_m,
                relief.lowest_m,
                relief.highest_m,
                relief.outside_m,
            )
            found = _maps[key] = place.sight(obstacles)
        return found

    @classmethod
    def _smooth(cls, surroundings: Surroundings, position_enu_m: Floats) -> Sight:
        frame = surroundings.frame
        ground_m = float(surroundings.ground_m(position_enu_m))
        latitude_rad, _, height_m = frame.to_geodetic(position_enu_m)
        return cls(
            position_enu_m,
            np.ascontiguousarray(frame.local_axes(position_enu_m)),
            ground_m,
            float(height_m) - ground_m,
            float(height_m) - ground_m,
            ground_curvature_per_m(float(latitude_rad), ground_m),
            Obstacles.none(),
        )

    @classmethod
    def _mapped(
        cls, surroundings: Surroundings, relief: Relief, position_enu_m: Floats, reach_m: float
    ) -> Sight:
        from sim.core.height_grid import resample  # numba: only where it runs
        from sim.core.sweep import lowest_visible

        place = _Place.over(surroundings, relief, position_enu_m)
        extent_m = min(reach_m, place.farthest_m)
        cell_m = max(relief.cell_m, extent_m / _CELLS_MAX)
        half = max(2, int(np.ceil(extent_m / cell_m)))
        lattice = _SPACING * np.arange(2.0 * half // _SPACING + 2.0) - half
        row, column = place.nodes(lattice * cell_m)
        ground_m = np.empty((2 * half + 1, 2 * half + 1), np.float32)
        resample(relief.heights_m, row, column, _SPACING, relief.outside_m, ground_m)
        ground_m -= np.float32(relief.lowest_m)
        lowest_m = lowest_visible(ground_m, half, half, cell_m=cell_m, eye_m=place.height_m)
        np.nan_to_num(lowest_m, copy=False, nan=0.0)
        return place.sight(Obstacles.mapped(lowest_m, cell_m), ground_m)

    @property
    def smooth(self) -> bool:
        """Whether there is no relief."""
        return not self.obstacles.lowest_m.size and not self.obstacles.heights_m.size

    @property
    def cell_m(self) -> float:
        """Width of the map's cells."""
        return self.obstacles.cell_m

    def locate(
        self,
        position_enu_m: Floats,
        velocity_enu_mps: Floats,
        range_limits_m: Floats = _ANY_RANGE_M,
        sector_rad: Floats = _ALL_ROUND_RAD,
        elevation_rad: Floats = _ANY_ELEVATION_RAD,
    ) -> tuple[Floats, Bytes]:
        """Return polar places (K, 4) and, of geometry alone, ``Visibility`` (K,).

        Parameters
        ----------
        position_enu_m, velocity_enu_mps
            (K, 3) in the scenario's frame; NaN for what is absent.
        range_limits_m, sector_rad, elevation_rad
            As in ``sensors.kernels.locate``.
        """
        from sensors.kernels import locate  # numba: only where it runs

        polar, code = np.empty((len(position_enu_m), 4)), np.empty(len(position_enu_m), np.uint8)
        locate(
            np.ascontiguousarray(position_enu_m),
            velocity_enu_mps,
            self.origin_enu_m,
            self.enu_R_sensor,
            self.height_m,
            self.curvature_per_m,
            range_limits_m,
            _NO_BLIND_RANGES,
            sector_rad,
            elevation_rad,
            self.obstacles,
            polar,
            code,
        )
        return polar, code

    def target_height_m(self, polar: Floats) -> Floats:
        """Return heights above the level (K,) of polar places (K, 4)."""
        ground_m, up_m = polar[:, 0] * np.cos(polar[:, 2]), polar[:, 0] * np.sin(polar[:, 2])
        bend_per_m = float(self.curvature_per_m.mean())
        height: Floats = self.height_m + up_m + 0.5 * bend_per_m * ground_m**2
        return height

    def clear(self, position_enu_m: Floats) -> Bools:
        """Return whether positions (K, 3) are in sight, (K,); one of NaN is not."""
        from sensors.sight_kernels import hidden_all  # numba: only where it runs

        position_enu_m = np.ascontiguousarray(position_enu_m, float)
        code = np.empty(len(position_enu_m), np.uint8)
        hidden_all(
            position_enu_m,
            self.origin_enu_m,
            self.enu_R_sensor,
            self.obstacles,
            self.height_m,
            self.curvature_per_m,
            code,
        )
        clear: Bools = code == Visibility.VISIBLE
        return clear

    @property
    def reach_m(self) -> float:
        """How far the map reaches, in its corners; 0 over flat ground."""
        return float(np.sqrt(0.5) * self.cell_m * self.obstacles.lowest_m.shape[0])

    @property
    def map_reach_m(self) -> float:
        """How far the map reaches in all directions; 0 over flat ground."""
        return float(self.cell_m * (self.obstacles.lowest_m.shape[0] // 2))

    def lowest_rad(self, sectors: int, parts: int, part_m: float) -> Floats:
        """Return the lowest elevation (A, D) seen anywhere in a sector and part of the range.

        Relief alone is considered. It is asked for at places a cell apart outwards and half a
        cell across, so that no slope that faces the sensor falls between two of them.

        Parameters
        ----------
        sectors
            A, of azimuth, from true north.
        parts, part_m
            D, and the length of each over the ground.
        """
        lowest_rad = np.full((sectors, parts), -0.5 * np.pi)
        if self.obstacles.lowest_m.size:
            from sensors.sight_kernels import lowest_within  # numba: only where it runs

            azimuth_rad = 0.5 * np.pi * np.arange(4 * sectors) / sectors
            lowest_within(
                self.obstacles.lowest_m,
                self.cell_m,
                self.height_m,
                1.0 / float(self.curvature_per_m.mean()),
                np.column_stack([np.sin(azimuth_rad), np.cos(azimuth_rad)]),
                float(part_m),
                int(np.ceil(part_m / self.cell_m)),
                lowest_rad,
            )
        return lowest_rad


def ground_curvature_per_m(latitude_rad: float, ground_height_m: float) -> Floats:
    """Return the curvature (2,) of the ground eastwards and northwards, from WGS 84."""
    squeeze = 1.0 - ECCENTRICITY_SQUARED * np.sin(latitude_rad) ** 2
    east_radius_m = SEMI_MAJOR_AXIS_M / np.sqrt(squeeze)
    north_radius_m = east_radius_m * (1.0 - ECCENTRICITY_SQUARED) / squeeze
    return 1.0 / (np.array([east_radius_m, north_radius_m]) + ground_height_m)


class _Place(NamedTuple):
    """A place over relief, as every sight from there begins."""

    surroundings: Surroundings
    relief: Relief
    position_enu_m: Floats
    axes: Floats
    height_m: float
    mast_m: float
    curvature_per_m: Floats
    farthest_m: float

    @classmethod
    def over(cls, surroundings: Surroundings, relief: Relief, position_enu_m: Floats) -> _Place:
        """Return a place (3,), which must not be below the ground nor beyond the terrain."""
        frame, level_m = surroundings.frame, relief.lowest_m
        latitude_rad, _, height_m = frame.to_geodetic(position_enu_m)
        below_m = float(height_m) - float(surroundings.ground_m(position_enu_m))
        if np.isnan(below_m):
            raise ValueError(f"it lies beyond the terrain, which covers {relief.extent()}")
        if below_m < 0.0:
            raise ValueError(f"it lies {-below_m:.1f} m below the ground")
        corners = frame.from_geodetic(relief.corners_rad[:, 0], relief.corners_rad[:, 1], level_m)
        return cls(
            surroundings,
            relief,
            position_enu_m,
            np.ascontiguousarray(frame.local_axes(position_enu_m)),
            float(height_m) - level_m,
            below_m,
            ground_curvature_per_m(float(latitude_rad), level_m),
            float(np.linalg.norm(corners - position_enu_m, axis=1).max()),
        )

    def nodes(self, lattice_m: NDArray[np.floating]) -> tuple[Floats, Floats]:
        """Return row and column (L, L) in the relief of ground distances east and north (L,)."""
        east_m, north_m = np.meshgrid(lattice_m, lattice_m)
        here = (self.position_enu_m, self.axes, self.height_m, self.curvature_per_m)
        there = _places(*here, east_m, north_m)
        return self.relief.node_of(*self.surroundings.frame.to_geodetic(there)[:2])

    def sight(self, obstacles: Obstacles, ground_m: Floats32 = _NOTHING) -> Sight:
        """Return the sight from there."""
        return Sight(
            self.position_enu_m,
            self.axes,
            self.relief.lowest_m,
            self.height_m,
            self.mast_m,
            self.curvature_per_m,
            obstacles,
            ground_m,
            self.relief,
        )


def _places(
    origin_enu_m: Floats,
    axes: Floats,
    height_m: float,
    curvature_per_m: Floats,
    east_m: Floats,
    north_m: Floats,
) -> Floats:
    """Return the places (..., 3) on the level that lie at ground distances east and north.

    Over the sphere that fits the ellipsoid in that direction, as ``sight_kernels.hidden``.
    """
    across_m2 = east_m**2 + north_m**2
    eastness = np.divide(east_m**2, across_m2, where=across_m2 > 0, out=np.zeros_like(across_m2))
    radius_m = 1.0 / (curvature_per_m[1] + (curvature_per_m[0] - curvature_per_m[1]) * eastness)
    angle = np.sqrt(across_m2) / radius_m
    out = np.sinc(angle / np.pi)  # sin(angle) / angle
    up_m = radius_m * (np.cos(angle) - 1.0) - height_m
    local = np.stack([east_m * out, north_m * out, up_m], -1)
    places: Floats = origin_enu_m + local @ axes.T
    return places
