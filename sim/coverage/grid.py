"""Cells over the ground: a band along a line, or a square about a place."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sim.core.geodesy import mean_radius_m
from sim.core.tables import Floats
from sim.world.course import Course, ahead, middles
from sim.world.surroundings import Surroundings


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Centres of cells (R, C).

    Of a band, row 0 lies outside, where intruders come from, row R − 1 at the inner edge;
    columns run along the line. Of a square, rows run northwards and columns eastwards.

    Attributes
    ----------
    kind : which of the two
    cell_m : distance between neighbours
    latitude_rad, longitude_rad : (R, C)
    ground_m : (R, C) height of the ground above the ellipsoid
    ground_enu_m : (R, C, 3) the ground there, in the scenario's frame
    axes : (R, C, 3, 3) columns are local east, north and up, in the scenario's frame
    plane_m : (R, C, 2) east and north of the grid's middle, for distances between cells
    inward_rad : (R, C) heading of intruders, clockwise from true north
    first_column : of the whole line's columns, where this part of it begins
    """

    kind: Literal["band", "square"]
    cell_m: float
    latitude_rad: Floats
    longitude_rad: Floats
    ground_m: Floats
    ground_enu_m: Floats
    axes: Floats
    plane_m: Floats
    inward_rad: Floats
    first_column: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.ground_m.shape
        return rows, columns

    @property
    def along_km(self) -> Floats:
        """(C,) kilometres along a band's line to each column's middle."""
        return (self.first_column + middles(self.shape[1])) * self.cell_m * 1e-3


def _grid(
    kind: Literal["band", "square"],
    surroundings: Surroundings,
    cell_m: float,
    latitude_rad: Floats,
    longitude_rad: Floats,
    inward_rad: Floats,
    first_column: int = 0,
) -> Grid:
    """Return the grid of places.

    Raises
    ------
    ValueError
        If the ground below one of them is unknown.
    """
    ground_m = surroundings.ground.height_m(latitude_rad, longitude_rad)
    unknown = np.argwhere(np.isnan(ground_m))
    if unknown.size:
        row, column = unknown[0]
        raise ValueError(
            f"the ground is unknown in {len(unknown)} of {ground_m.size} cells, such as "
            f"{math.degrees(latitude_rad[row, column]):.4f} north, "
            f"{math.degrees(longitude_rad[row, column]):.4f} east: beyond the terrain"
        )
    frame = surroundings.frame
    ground_enu_m = frame.from_geodetic(latitude_rad, longitude_rad, ground_m)
    axes = frame.local_axes(ground_enu_m)
    middle = tuple(size // 2 for size in ground_m.shape)
    plane_m = (ground_enu_m - ground_enu_m[middle]) @ axes[middle][:, :2]
    return Grid(
        kind,
        cell_m,
        latitude_rad,
        longitude_rad,
        ground_m,
        ground_enu_m,
        np.ascontiguousarray(axes),
        np.ascontiguousarray(plane_m),
        inward_rad,
        first_column,
    )


def square(
    surroundings: Surroundings,
    latitude_deg: float,
    longitude_deg: float,
    side_m: float,
    cell_m: float,
) -> Grid:
    """Return cells about a place, over which intruders head for it.

    Raises
    ------
    ValueError
        If the ground is unknown somewhere.
    """
    half = max(1, round(0.5 * side_m / cell_m))
    offset_m = np.arange(-half, half + 1) * cell_m
    east_m, north_m = np.meshgrid(offset_m, offset_m)
    latitude, longitude = math.radians(latitude_deg), math.radians(longitude_deg)
    course = np.arctan2(east_m, north_m)
    places = ahead(
        np.full(east_m.shape, latitude), np.full(east_m.shape, longitude), course,
        np.hypot(east_m, north_m), mean_radius_m(latitude),
    )  # fmt: skip
    return _grid("square", surroundings, cell_m, *places, (course + np.pi) % (2 * np.pi))


def band(surroundings: Surroundings, course: Course, depth_m: float, first: int, last: int) -> Grid:
    """Return the cells of columns ``first`` to ``last`` (excluded) of a line's band.

    Raises
    ------
    ValueError
        If the band folds over itself at a corner, or the ground is unknown somewhere.
    """
    rows = max(2, round(depth_m / course.step_m))
    across_m = middles(rows)[:, None] * course.step_m
    latitude, longitude = course.latitude_rad[first:last], course.longitude_rad[first:last]
    inward = np.broadcast_to(course.inward_rad[first:last], (rows, last - first)).copy()
    places = ahead(
        np.broadcast_to(latitude, inward.shape), np.broadcast_to(longitude, inward.shape), inward,
        across_m, course.radius_m,
    )  # fmt: skip
    grid = _grid("band", surroundings, course.step_m, *places, inward, first)
    forward = np.diff(grid.plane_m, axis=1)
    folded = (forward[0] * forward[-1]).sum(-1) <= 0.0
    if folded.any():
        km = grid.along_km[int(np.argmax(folded))]
        raise ValueError(
            f"it bends so sharply near its kilometre {km:.0f} that a band {depth_m / 1e3:g} km "
            "deep would fold over itself: smooth the corner, or make the band less deep"
        )
    return grid


def part_of(grid: Grid, first: int, last: int) -> Grid:
    """Return the columns ``first`` to ``last`` (excluded) of a grid."""

    def cut(values: Floats) -> Floats:
        return np.ascontiguousarray(values[:, first:last])

    return Grid(
        grid.kind,
        grid.cell_m,
        cut(grid.latitude_rad),
        cut(grid.longitude_rad),
        cut(grid.ground_m),
        cut(grid.ground_enu_m),
        cut(grid.axes),
        cut(grid.plane_m),
        cut(grid.inward_rad),
        grid.first_column + first,
    )
