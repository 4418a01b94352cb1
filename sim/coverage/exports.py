"""Coverage for other programs: GeoTIFF rasters, GeoJSON and KML outlines."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sim.core.geodesy import mean_radius_m
from sim.core.tables import Floats
from sim.coverage.grid import Grid

#: A pixel farther than this from every cell's centre, in cells, holds nothing.
_NEAR = 0.75
_KML = "http://www.opengis.net/kml/2.2"
Ring = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Outline:
    """Where a value reaches a level.

    Attributes
    ----------
    name : what is shown
    level : the value
    properties : what else is to be said
    polygons : rings of longitude and latitude (degrees) each: the outer one, anticlockwise,
        then holes, clockwise
    """

    name: str
    level: float
    properties: dict[str, Any]
    polygons: tuple[tuple[Ring, ...], ...]


def outline(
    name: str, grid: Grid, value: ArrayLike, level: float, properties: dict[str, Any]
) -> Outline:
    """Return where a value (R, C) is ``level`` or more, linear between cells."""
    from contourpy import FillType, contour_generator

    value = np.nan_to_num(np.asarray(value, float), nan=-np.inf)
    finite = np.where(np.isfinite(value), value, level - 1.0)
    framed = np.pad(finite, 1, constant_values=min(level - 1.0, float(finite.min())))
    generator = contour_generator(z=framed, fill_type=FillType.OuterOffset)
    points, offsets = generator.filled(level, np.inf)[:2]
    polygons = []
    for some, starts in zip(points, offsets, strict=True):
        assert some is not None
        assert starts is not None
        rings = [_ring(grid, some[a:b] - 1.0, outer=a == 0) for a, b in pairwise(starts.tolist())]
        polygons.append(tuple(rings))
    return Outline(name, level, properties, tuple(polygons))


def _ring(grid: Grid, place: Floats, *, outer: bool) -> Ring:
    """Return a closed ring of longitudes and latitudes of places (P, 2), column and row."""
    from scipy.ndimage import map_coordinates  # slow to import

    rows, columns = grid.shape
    at = np.stack([np.clip(place[:, 1], 0, rows - 1), np.clip(place[:, 0], 0, columns - 1)])
    longitude = np.degrees(map_coordinates(np.unwrap(grid.longitude_rad, axis=1), at, order=1))
    latitude = np.degrees(map_coordinates(grid.latitude_rad, at, order=1))
    east, north = longitude - longitude[0], latitude - latitude[0]
    anticlockwise = float((east[:-1] * north[1:] - east[1:] * north[:-1]).sum()) > 0.0
    ring = list(zip(longitude.round(6).tolist(), latitude.round(6).tolist(), strict=True))
    ring[-1] = ring[0]
    return ring if anticlockwise == outer else ring[::-1]


def write_geojson(path: Path, outlines: Sequence[Outline]) -> None:
    """Write outlines as a GeoJSON collection (RFC 7946), one feature each."""
    features = [
        {
            "type": "Feature",
            "properties": {"name": one.name, "level": one.level, **one.properties},
            "geometry": {"type": "MultiPolygon", "coordinates": one.polygons},
        }
        for one in outlines
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")


def write_kml(path: Path, title: str, outlines: Sequence[Outline]) -> None:
    """Write outlines as a KML 2.2 document, one placemark each, the first visible."""
    root = ET.Element("kml", xmlns=_KML)
    document = ET.SubElement(root, "Document")
    ET.SubElement(document, "name").text = title
    style = ET.SubElement(document, "Style", id="covered")
    ET.SubElement(ET.SubElement(style, "LineStyle"), "color").text = "ff54018a"
    ET.SubElement(ET.SubElement(style, "PolyStyle"), "color").text = "66258cfd"
    for number, one in enumerate(outlines):
        mark = ET.SubElement(document, "Placemark")
        ET.SubElement(mark, "name").text = one.name
        ET.SubElement(mark, "visibility").text = "1" if number == 0 else "0"
        ET.SubElement(mark, "styleUrl").text = "#covered"
        several = ET.SubElement(mark, "MultiGeometry")
        for outer, *holes in one.polygons:
            polygon = ET.SubElement(several, "Polygon")
            for name, ring in [("outerBoundaryIs", outer)] + [
                ("innerBoundaryIs", h) for h in holes
            ]:
                line = ET.SubElement(ET.SubElement(polygon, name), "LinearRing")
                text = " ".join(f"{longitude},{latitude}" for longitude, latitude in ring)
                ET.SubElement(line, "coordinates").text = text
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def write_geotiff(path: Path, grid: Grid, bands: Sequence[tuple[str, ArrayLike]]) -> None:
    """Write values (R, C) as bands of a GeoTIFF in latitude and longitude (EPSG:4326).

    Every pixel takes the value of the nearest cell; NaN beyond the grid.

    Raises
    ------
    ImportError
        Without the extra ``terrain``.
    """
    try:
        import rasterio
        from rasterio.transform import from_origin
    except ImportError:
        raise ImportError("GeoTIFF needs rasterio: pip install 'airpicture[terrain]'") from None
    from scipy.spatial import KDTree  # slow to import

    latitude, longitude = np.degrees(grid.latitude_rad), np.degrees(grid.longitude_rad)
    middle = float(np.radians(latitude.mean()))
    step_lat = np.degrees(grid.cell_m / mean_radius_m(middle))
    step_lon = step_lat / np.cos(middle)
    rows = int(np.ptp(latitude) / step_lat) + 2
    columns = int(np.ptp(longitude) / step_lon) + 2
    north, west = latitude.max() + 0.5 * step_lat, longitude.min() - 0.5 * step_lon
    tree = KDTree(np.column_stack([longitude.ravel() / step_lon, latitude.ravel() / step_lat]))
    x = west / step_lon + 0.5 + np.arange(columns)
    y = north / step_lat - 0.5 - np.arange(rows)
    apart, nearest = tree.query(np.stack(np.meshgrid(x, y), -1).reshape(-1, 2), workers=2)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=columns,
        height=rows,
        count=len(bands),
        dtype="float32",
        crs="EPSG:4326",
        transform=from_origin(west, north, step_lon, step_lat),
        nodata=np.nan,
        compress="deflate",
    ) as file:
        for band, (name, value) in enumerate(bands, 1):
            flat = np.asarray(value, np.float32).ravel()[nearest]
            flat[apart > _NEAR] = np.nan
            file.write(flat.reshape(rows, columns), band)
            file.set_band_description(band, name)
