"""Relief: a grid of ground heights in latitude and longitude, and how files make one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.core.geodesy import mean_radius_m
from sim.core.tables import Bools, Floats

Floats32 = NDArray[np.float32]

# Two grids whose nodes are this close, in cells, have the same nodes.
_SAME_NODE = 0.01
_CELLS_MAX = 500_000_000
#: No ground lies outside these.
_LOWEST_M, _HIGHEST_M = -1000.0, 9500.0


class TerrainError(ValueError):
    """Terrain that cannot be used; ``file`` is the number of the file to blame, if one is."""

    def __init__(self, message: str, file: int | None = None) -> None:
        super().__init__(message)
        self.file = file


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A grid of heights as it was read.

    Attributes
    ----------
    heights_m : (R, C) rows from south to north, columns from west to east; NaN in holes
    south_deg, west_deg : the first node
    step_deg : (latitude, longitude) between nodes

    Before a raster is warped to latitude and longitude, its own northing and easting stand for
    them.
    """

    heights_m: Floats32
    south_deg: float
    west_deg: float
    step_deg: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """Ground heights above the ellipsoid on a grid, bilinear between its nodes.

    Attributes
    ----------
    heights_m : (R, C) rows from south to north, columns from west to east; NaN if unknown
    south_rad, west_rad : the first node
    step_rad : (latitude, longitude) between nodes
    outside_m : height beyond the grid; NaN if unknown
    lowest_m, highest_m : of all ground there is
    """

    heights_m: Floats32
    south_rad: float
    west_rad: float
    step_rad: tuple[float, float]
    outside_m: float = np.nan
    lowest_m: float = field(init=False)
    highest_m: float = field(init=False)

    def __post_init__(self) -> None:
        for name, of in (("lowest_m", np.fmin), ("highest_m", np.fmax)):
            extreme = of(of.reduce(self.heights_m, axis=None), self.outside_m)
            object.__setattr__(self, name, float(extreme))

    @classmethod
    def of(cls, tile: Tile, geoid_height_m: float, outside_height_m: float | None) -> Self:
        """Return the relief of a tile whose heights are over the geoid.

        Parameters
        ----------
        tile
            In degrees.
        geoid_height_m
            Of the geoid above the ellipsoid; added to all heights.
        outside_height_m
            Over the geoid, where the tile says nothing; None if unknown.
        """
        return cls(
            tile.heights_m + np.float32(geoid_height_m),
            float(np.radians(tile.south_deg)),
            float(np.radians(tile.west_deg)),
            (float(np.radians(tile.step_deg[0])), float(np.radians(tile.step_deg[1]))),
            np.nan if outside_height_m is None else outside_height_m + geoid_height_m,
        )

    def height_m(self, latitude_rad: ArrayLike, longitude_rad: ArrayLike) -> Floats:
        """Return heights above the ellipsoid (m), of the broadcast shape; NaN if unknown."""
        height = between_nodes(self.heights_m, *self.node_of(latitude_rad, longitude_rad))
        return np.where(np.isnan(height), self.outside_m, height)

    def node_of(self, latitude_rad: ArrayLike, longitude_rad: ArrayLike) -> tuple[Floats, Floats]:
        """Return row and column of places, between nodes; longitudes go round the earth."""
        latitude, longitude = np.broadcast_arrays(
            np.asarray(latitude_rad, float), np.asarray(longitude_rad, float)
        )
        columns = self.heights_m.shape[1]
        middle = self.west_rad + 0.5 * (columns - 1) * self.step_rad[1]
        east = (longitude - middle + np.pi) % (2 * np.pi) - np.pi
        # Rounding must not push a place on the edge over it.
        row = np.round((latitude - self.south_rad) / self.step_rad[0], 6)
        column = np.round(east / self.step_rad[1] + 0.5 * (columns - 1), 6)
        return row, column

    @property
    def cell_m(self) -> float:
        """The shorter distance between neighbouring nodes, in the middle of the grid."""
        middle = self.south_rad + 0.5 * (self.heights_m.shape[0] - 1) * self.step_rad[0]
        radius_m = mean_radius_m(middle)
        return radius_m * min(self.step_rad[0], self.step_rad[1] * float(np.cos(middle)))

    @property
    def corners_rad(self) -> Floats:
        """(4, 2) latitude and longitude of the grid's corners."""
        rows, columns = self.heights_m.shape
        north = self.south_rad + (rows - 1) * self.step_rad[0]
        east = self.west_rad + (columns - 1) * self.step_rad[1]
        return np.array([[a, b] for a in (self.south_rad, north) for b in (self.west_rad, east)])

    def extent(self) -> str:
        """Return what the grid covers, in words."""
        (south, west), *_, (north, east) = np.degrees(self.corners_rad)
        return f"{south:.4f} to {north:.4f} north, {west:.4f} to {east:.4f} east"


def between_nodes(values: Floats | Floats32, row: Floats, column: Floats) -> Floats:
    """Return values (R, C) of a grid between its nodes, bilinear; NaN beyond it."""
    rows, columns = values.shape
    inside = (row >= 0) & (row <= rows - 1) & (column >= 0) & (column <= columns - 1)
    i = np.clip(np.nan_to_num(row), 0, rows - 2).astype(np.intp)
    j = np.clip(np.nan_to_num(column), 0, columns - 2).astype(np.intp)
    y, x = row - i, column - j
    south = (1 - x) * values[i, j] + x * values[i, j + 1]
    north = (1 - x) * values[i + 1, j] + x * values[i + 1, j + 1]
    return np.where(inside, (1 - y) * south + y * north, np.nan)


def join_tiles(
    tiles: Sequence[Tile], *, fill_holes_max_cells: int = 0, gaps_allowed: bool = False
) -> Tile:
    """Join tiles into one.

    Parameters
    ----------
    tiles
        In the order of their files. Together they fill a rectangle, unless ``gaps_allowed``.
    fill_holes_max_cells
        Holes of up to so many cells are interpolated.
    gaps_allowed
        Whether heights are NaN where no tile lies; else that is an error.

    Raises
    ------
    TerrainError
        If tiles do not fit together, leave gaps, or have larger holes.
    """
    step_lat, step_lon = (min(tile.step_deg[axis] for tile in tiles) for axis in (0, 1))
    south = min(tile.south_deg for tile in tiles)
    west = min(tile.west_deg for tile in tiles)
    placed = []
    for number, tile in enumerate(tiles):
        heights = _whole(tile, number, fill_holes_max_cells)
        for axis, step in enumerate((step_lat, step_lon)):
            times = tile.step_deg[axis] / step
            if abs(times - round(times)) > 1e-4:
                raise TerrainError("its nodes lie at other distances than those of others", number)
            heights = _refined(heights, round(times), axis)
        row, column = (tile.south_deg - south) / step_lat, (tile.west_deg - west) / step_lon
        if max(abs(row - round(row)), abs(column - round(column))) > _SAME_NODE:
            raise TerrainError("its nodes lie between those of others", number)
        placed.append((round(row), round(column), heights))
    rows = max(row + heights.shape[0] for row, _, heights in placed)
    columns = max(column + heights.shape[1] for _, column, heights in placed)
    if rows * columns > _CELLS_MAX:
        raise TerrainError(f"together the files span {rows:,d} × {columns:,d} cells: too many")
    joined = np.full((rows, columns), np.nan, np.float32)
    for row, column, heights in placed:
        joined[row : row + heights.shape[0], column : column + heights.shape[1]] = heights
    unknown = np.isnan(joined)
    if not gaps_allowed and unknown.any():
        i, j = np.argwhere(unknown).mean(axis=0)
        raise TerrainError(
            f"no file covers the ground around {south + i * step_lat:.3f} north, "
            f"{west + j * step_lon:.3f} east, between others; add it, or give outside_height_m"
        )
    return Tile(joined, south, west, (step_lat, step_lon))


def _whole(tile: Tile, number: int, fill_max: int) -> Floats32:
    """Return a tile's heights with small holes interpolated."""
    unknown = np.isnan(tile.heights_m)
    for extreme in (np.fmin.reduce, np.fmax.reduce):
        height = extreme(tile.heights_m, axis=None)
        if not _LOWEST_M <= height <= _HIGHEST_M and not np.isnan(height):
            raise TerrainError(
                f"it has ground at {height:g} m; if that stands for a hole, the file must say so",
                number,
            )
    if not unknown.any():
        return tile.heights_m
    if unknown.all():
        raise TerrainError("it holds no heights at all", number)
    from scipy.ndimage import label  # only where there are holes

    hole, count = label(unknown)
    sizes = np.bincount(hole.ravel())[1:]
    if sizes.max() > fill_max:
        i, j = np.argwhere(hole == 1 + sizes.argmax()).mean(axis=0)
        north, east = tile.south_deg + i * tile.step_deg[0], tile.west_deg + j * tile.step_deg[1]
        found = "a hole" if count == 1 else f"{count} holes, the largest"
        raise TerrainError(
            f"it has {found} of {sizes.max()} cells around {north:.4f} north, {east:.4f} east; "
            "fill_holes_max_cells says up to which size holes are interpolated",
            number,
        )
    return fill_holes(tile.heights_m, unknown)


def fill_holes(heights_m: Floats32, unknown: Bools) -> Floats32:
    """Return heights in which every unknown one is the mean of its neighbours.

    The solution of Laplace's equation: a filled hole has no summit or pit of its own.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import spsolve

    rows, columns = heights_m.shape
    i, j = np.nonzero(unknown)
    index = np.full(heights_m.shape, -1)
    index[i, j] = np.arange(i.size)
    weight = np.zeros(i.size)
    known = np.zeros(i.size)
    links: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    for di, dj in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        a, b = i + di, j + dj
        there = np.flatnonzero((a >= 0) & (a < rows) & (b >= 0) & (b < columns))
        a, b = a[there], b[there]
        weight[there] += 1
        open_ = unknown[a, b]
        known[there[~open_]] += heights_m[a[~open_], b[~open_]]
        links.append((there[open_], index[a[open_], b[open_]]))
    own = np.arange(i.size)
    row = np.concatenate([own, *(one for one, _ in links)])
    column = np.concatenate([own, *(other for _, other in links)])
    value = np.concatenate([weight, np.full(row.size - i.size, -1.0)])
    filled = heights_m.copy()
    filled[i, j] = np.atleast_1d(spsolve(csr_array((value, (row, column))), known))
    return filled


def _refined(heights: Floats32, times: int, axis: int) -> Floats32:
    """Return heights with nodes added between, which changes nothing of the surface."""
    if times == 1:
        return heights
    count = heights.shape[axis]
    place = np.arange((count - 1) * times + 1) / times
    low = np.minimum(place.astype(np.intp), count - 2)
    share = np.expand_dims((place - low).astype(np.float32), 1 - axis)
    first, second = heights.take(low, axis), heights.take(low + 1, axis)
    refined: Floats32 = first + share * (second - first)
    return refined
