"""Reading elevation files: SRTM ``.hgt``, DTED and GeoTIFF."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim.world.relief import TerrainError, Tile, between_nodes, join_tiles

_HGT_NAME = re.compile(r"([NS])(\d{2})([EW])(\d{3})", re.IGNORECASE)
_HGT_SIZES = (1201, 3601)
_HGT_VOID = -32768

_UHL, _DSI, _ACC = 80, 648, 2700
_DTED_NULL = -32767
#: No ground is so low: a height below is two's complement, which some producers write.
_DTED_LOWEST = -16000

_SPACING, _BLOCK = 16, 256
_METRES = (None, "", "m", "metre", "meter", "metres", "meters")


def read_hgt(path: Path, number: int) -> Tile:
    """Read a tile of one degree as the Shuttle Radar Topography Mission distributes it.

    Big-endian 16-bit metres, rows from north to south, edges shared with the neighbours; the
    name (``N36W085.hgt``) tells the south-west corner.

    Raises
    ------
    TerrainError
        If the name or the size is not that of such a file.
    """
    named = _HGT_NAME.match(path.name)
    if named is None:
        raise TerrainError("its name tells no place, as N36W085.hgt does", number)
    content = _content(path, number)
    side = round((len(content) / 2) ** 0.5)
    if side not in _HGT_SIZES or len(content) != 2 * side * side:
        raise TerrainError(
            f"it has {len(content):,d} bytes; a tile has 1201 × 1201 or 3601 × 3601 heights "
            "of 2 bytes",
            number,
        )
    heights = np.frombuffer(content, ">i2").reshape(side, side)[::-1].astype(np.float32)
    heights[heights == _HGT_VOID] = np.nan
    south = int(named[2]) * (1 if named[1].upper() == "N" else -1)
    west = int(named[4]) * (1 if named[3].upper() == "E" else -1)
    step = 1.0 / (side - 1)
    return Tile(heights, float(south), float(west), (step, step))


def read_dted(path: Path, number: int) -> Tile:
    """Read a DTED file of any level (MIL-PRF-89020B).

    Headers of 80 (UHL), 648 (DSI) and 2700 (ACC) bytes, then a record for every meridian from
    west to east: 8 bytes of sentinel and counts, heights from south to north in 16 bits of sign
    and magnitude, and a checksum, the sum of all bytes before it.

    Raises
    ------
    TerrainError
        If the file is not DTED, is cut off, fails a checksum or is not in WGS 84.
    """
    content = _content(path, number)
    for label in (b"VOL", b"HDR"):  # of tapes
        if content.startswith(label):
            content = content[80:]
    if not content.startswith(b"UHL1") or content[_UHL : _UHL + 3] != b"DSI":
        raise TerrainError("it is no DTED file: it does not begin with UHL and DSI", number)
    datum = content[_UHL + 144 : _UHL + 149].decode("ascii", "replace").strip()
    if datum not in ("WGS84", ""):
        raise TerrainError(f"its datum is {datum}; expected WGS84", number)
    try:
        west, south = (_dted_degrees(content[at : at + 8]) for at in (4, 12))
        east_step, north_step = (int(content[at : at + 4]) / 36_000.0 for at in (20, 24))
        columns, rows = int(content[47:51]), int(content[51:55])
    except ValueError:
        raise TerrainError("its header (UHL) cannot be read", number) from None
    if min(columns, rows) < 2 or min(east_step, north_step) <= 0:
        raise TerrainError("its header (UHL) tells of no grid", number)
    data = content[_UHL + _DSI + _ACC :]
    length = 12 + 2 * rows
    if len(data) < columns * length:
        raise TerrainError(
            f"it is cut off: {len(data) // length} of {columns} meridians are there", number
        )
    records = np.frombuffer(data, np.uint8, columns * length).reshape(columns, length)
    stored = np.ascontiguousarray(records[:, -4:]).view(">u4")[:, 0]
    wrong = np.flatnonzero(
        (records[:, :-4].sum(axis=1, dtype=np.uint32) != stored) | (records[:, 0] != 0xAA)
    )
    if wrong.size:
        raise TerrainError(f"the checksum of meridian {wrong[0] + 1} is wrong", number)
    raw = np.ascontiguousarray(records[:, 8:-4]).view(">u2").astype(np.int32)
    heights = np.where(raw & 0x8000, -(raw & 0x7FFF), raw)
    null = heights == _DTED_NULL
    heights = np.where(heights < _DTED_LOWEST, raw - 0x10000, heights).astype(np.float32)
    heights[null] = np.nan
    return Tile(np.ascontiguousarray(heights.T), south, west, (north_step, east_step))


def _dted_degrees(text: bytes) -> float:
    """Return degrees of ``DDDMMSSH``."""
    sign = {b"N": 1, b"E": 1, b"S": -1, b"W": -1}.get(text[7:])
    if sign is None:
        raise ValueError(text)
    return sign * (int(text[:3]) + int(text[3:5]) / 60.0 + int(text[5:7]) / 3600.0)


def read_geotiffs(
    paths: Sequence[Path], *, fill_holes_max_cells: int = 0, gaps_allowed: bool = False
) -> Tile:
    """Read rasters that together make one, in any projection that rasterio knows.

    Heights are those of band 1. What is not in WGS 84 latitude and longitude is warped to it,
    bilinear, at its own resolution; NaN then also stands beside its slanting edges.

    Raises
    ------
    TerrainError
        If a raster cannot be read, has no projection or another one than the first, is not
        in metres, or as ``join_tiles`` says.
    """
    try:
        import rasterio
        from rasterio.errors import CRSError, RasterioError
    except ImportError:
        raise TerrainError(
            "reading GeoTIFF needs rasterio: pip install 'airpicture[terrain]'"
        ) from None
    tiles: list[Tile] = []
    crs: Any = None
    for number, path in enumerate(paths):
        try:
            with rasterio.open(path) as raster:
                tiles.append(_raster_tile(raster, number))
                if number and raster.crs != crs:
                    raise TerrainError(
                        f"its projection is {_name(raster.crs)}, that of the first is "
                        f"{_name(crs)}; warp all to one",
                        number,
                    )
                crs = raster.crs
        except RasterioError as error:
            raise TerrainError(f"it is no raster: {_first_line(error)}", number) from None
    joined = join_tiles(tiles, fill_holes_max_cells=fill_holes_max_cells, gaps_allowed=gaps_allowed)
    if crs == rasterio.crs.CRS.from_epsg(4326):
        return joined
    try:
        return _warped(joined, crs)
    except CRSError:
        raise TerrainError(
            f"the projection {_name(crs)} is a local grid, which says of no place where on earth "
            "it lies; expected one that can be brought to WGS 84"
        ) from None
    except RasterioError as error:
        message = f"the projection {_name(crs)} cannot be brought to WGS 84: {_first_line(error)}"
        raise TerrainError(message) from None


def _raster_tile(raster: Any, number: int) -> Tile:
    """Return band 1 as a tile; rasters count rows from the north, from the cells' edges."""
    transform = raster.transform
    if raster.crs is None:
        raise TerrainError("it does not say its projection (it has no CRS)", number)
    if not (transform.b == transform.d == 0 and transform.e < 0 < transform.a):
        raise TerrainError("its rows do not run from west to east; warp it first", number)
    if raster.units[0] not in _METRES:
        raise TerrainError(f"its heights are in {raster.units[0]}; expected metres", number)
    if min(raster.shape) < 2:
        raise TerrainError("it is smaller than 2 × 2 cells", number)
    heights = raster.read(1, masked=True).astype(float).filled(np.nan)
    heights = heights * raster.scales[0] + raster.offsets[0]
    heights[~np.isfinite(heights)] = np.nan
    return Tile(
        np.ascontiguousarray(heights[::-1], np.float32),
        transform.f + (heights.shape[0] - 0.5) * transform.e,
        transform.c + 0.5 * transform.a,
        (-transform.e, transform.a),
    )


def _warped(tile: Tile, crs: Any) -> Tile:
    """Return a tile of another projection in latitude and longitude, at its own resolution."""
    from rasterio.crs import CRS
    from rasterio.warp import calculate_default_transform, transform

    rows, columns = tile.heights_m.shape
    step_north, step_east = tile.step_deg
    west, south = tile.west_deg - 0.5 * step_east, tile.south_deg - 0.5 * step_north
    bounds = west, south, west + columns * step_east, south + rows * step_north
    wgs84 = CRS.from_epsg(4326)
    to, width, height = calculate_default_transform(crs, wgs84, columns, rows, *bounds)
    west_deg, south_deg = to.c + 0.5 * to.a, to.f + (height - 0.5) * to.e
    # Where nodes lie in the projection is computed for every 16th, and even between.
    longitude, latitude = np.meshgrid(
        west_deg + to.a * np.arange(0, width + _SPACING, _SPACING),
        south_deg - to.e * np.arange(0, height + _SPACING, _SPACING),
    )
    east, north = transform(wgs84, crs, longitude.ravel(), latitude.ravel())[:2]
    row = (np.reshape(north, latitude.shape) - tile.south_deg) / step_north
    column = (np.reshape(east, latitude.shape) - tile.west_deg) / step_east
    warped = np.empty((height, width), np.float32)
    for first in range(0, height, _BLOCK):
        place = np.indices((min(_BLOCK, height - first), width), float)
        place[0] += first
        i, j = place / _SPACING
        there = between_nodes(row, i, j), between_nodes(column, i, j)
        warped[first : first + _BLOCK] = between_nodes(tile.heights_m, *there)
    return Tile(warped, south_deg, west_deg, (-to.e, to.a))


def _name(crs: Any) -> str:
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else str(crs.to_wkt()).split('"')[1]


def _content(path: Path, number: int) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise TerrainError(f"it cannot be read: {reason}", number) from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
