"""What a scenario may say of the relief of its ground, and the ground that comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from sim.core.geodesy import mean_radius_m
from sim.world.relief import Relief, TerrainError, Tile, join_tiles
from sim.world.spec import Height, RelativePath, Spec
from sim.world.surroundings import FlatGround, Ground

#: Heights of a synthetic surface: what is computed on the way takes some 100 bytes for each.
_NODES_MAX = 8192**2


class FlatTerrain(Spec):
    """Ground at the height of the area's origin everywhere: the ellipsoid, lifted."""

    kind: Literal["flat"] = "flat"


class _Files(Spec):
    files: Annotated[
        tuple[RelativePath, ...],
        Field(min_length=1, max_length=400, description="together they fill a rectangle"),
    ]
    geoid_height_m: Annotated[
        float,
        Field(
            ge=-150,
            le=150,
            description="of the geoid above the ellipsoid; added to the files' heights",
        ),
    ] = 0.0
    fill_holes_max_cells: Annotated[
        int, Field(ge=0, le=100_000, description="holes of up to so many cells are interpolated")
    ] = 0
    outside_height_m: Annotated[
        Height | None,
        Field(description="ground where no file lies, over the geoid; without it, an error"),
    ] = None


class GeoTiffTerrain(_Files):
    """Rasters of heights in any projection."""

    kind: Literal["geotiff"]


class HgtTerrain(_Files):
    """Tiles of one degree of the Shuttle Radar Topography Mission, 1 or 3 arc seconds."""

    kind: Literal["hgt"]


class DtedTerrain(_Files):
    """Digital Terrain Elevation Data, level 0, 1 or 2."""

    kind: Literal["dted"]


class FractalTerrain(Spec):
    """Synthetic relief around the area's origin; its lowest point is at the area's height."""

    kind: Literal["fractal"]
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)] = 0
    size_km: Annotated[float, Field(ge=1, le=5000, description="from west to east")]
    size_north_km: Annotated[
        float | None, Field(ge=1, le=5000, description="from south to north; else as size_km")
    ] = None
    cell_m: Annotated[float, Field(ge=5, le=1000, description="between heights")] = 90.0
    relief_m: Annotated[float, Field(gt=0, le=9000, description="from lowest to highest")] = 300.0
    roughness: Annotated[float, Field(ge=0, le=1, description="0 rolling to 1 jagged")] = 0.2
    outside_height_m: Annotated[
        Height | None,
        Field(description="ground beyond, above the ellipsoid; without it, an error"),
    ] = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        rows, columns = self.shape
        if (rows - 1) * (columns - 1) > _NODES_MAX:
            raise ValueError(
                f"size_km and size_north_km over cell_m make {rows:,d} × {columns:,d} heights, "
                f"more than {_NODES_MAX:,d}"
            )
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """Heights from south to north, and from west to east."""
        rows, columns = (
            max(2, round(side_km * 1e3 / self.cell_m)) + 1
            for side_km in (self.size_north_km or self.size_km, self.size_km)
        )
        return rows, columns


TerrainSpec = Annotated[
    FlatTerrain | GeoTiffTerrain | HgtTerrain | DtedTerrain | FractalTerrain,
    Field(discriminator="kind"),
]


def build_ground(
    spec: TerrainSpec, latitude_rad: float, longitude_rad: float, height_m: float, folder: Path
) -> Ground:
    """Return the ground of an area.

    Parameters
    ----------
    spec
        What the scenario says.
    latitude_rad, longitude_rad, height_m
        The area's origin.
    folder
        Where names of files begin.

    Raises
    ------
    TerrainError
        If a file cannot be used, or the files leave holes.
    """
    match spec:
        case FlatTerrain():
            return FlatGround(height_m)
        case FractalTerrain():
            return _fractal(spec, latitude_rad, longitude_rad, height_m)
    return Relief.of(_tile(spec, folder), spec.geoid_height_m, spec.outside_height_m)


def _tile(spec: GeoTiffTerrain | HgtTerrain | DtedTerrain, folder: Path) -> Tile:
    from sim.world.terrain_files import read_dted, read_geotiffs, read_hgt

    paths = [folder / name for name in spec.files]
    fill, gaps = spec.fill_holes_max_cells, spec.outside_height_m is not None
    if isinstance(spec, GeoTiffTerrain):
        return read_geotiffs(paths, fill_holes_max_cells=fill, gaps_allowed=gaps)
    read = read_hgt if isinstance(spec, HgtTerrain) else read_dted
    tiles = [read(path, number) for number, path in enumerate(paths)]
    return join_tiles(tiles, fill_holes_max_cells=fill, gaps_allowed=gaps)


def _fractal(
    spec: FractalTerrain, latitude_rad: float, longitude_rad: float, height_m: float
) -> Relief:
    from sim.world.kept_surfaces import kept_heights_m

    step_lat = spec.cell_m / mean_radius_m(latitude_rad)
    rows, columns = spec.shape
    if np.cos(min(abs(latitude_rad) + 0.5 * (rows - 1) * step_lat, 0.5 * np.pi)) < 0.05:
        raise TerrainError("fractal terrain must not lie near a pole")
    step_lon = step_lat / float(np.cos(latitude_rad))
    heights_m = kept_heights_m(spec.seed, spec.shape, spec.relief_m, spec.roughness)
    heights_m += np.float32(height_m)
    return Relief(
        heights_m,
        latitude_rad - 0.5 * (rows - 1) * step_lat,
        longitude_rad - 0.5 * (columns - 1) * step_lon,
        (step_lat, step_lon),
        np.nan if spec.outside_height_m is None else spec.outside_height_m,
    )
