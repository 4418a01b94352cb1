"""Maps, outlines, rasters, arrays and page of a coverage: other programs can read them."""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pygame
import pytest
from coverage_scenarios import TEXT, stage_of

from sim.core.tables import Floats
from sim.coverage.analysis import approaches_of, square_of
from sim.coverage.exports import Outline, outline, write_geojson, write_geotiff, write_kml
from sim.coverage.grid import Grid, band
from sim.coverage.landmarks import Landmarks
from sim.coverage.maps import Map, colours
from sim.coverage.network import compute
from sim.coverage.page import Section, Table, write_page
from sim.coverage.stage import Stage
from sim.coverage.store import load_volume, lowest_covered_m, save_volume
from sim.scenario.coverage_spec import Condition
from sim.world.course import course_of

POINT = (
    TEXT[: TEXT.index("protect:")]
    + """\
protect:
  - id: base
    kind: point
    position: {latitude_deg: 53.03, longitude_deg: 22.08}
    radius_km: 1
    ceiling_m: 500
coverage:
  side_km: 10
  cell_m: 500
  heights_agl_m: [50, 300]
  classes: [mini-drone, one-way-attack-drone]
"""
)
#: Metres of a degree of latitude at the place.
DEGREE_M = 111_270.0


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return stage_of(tmp_path_factory.mktemp("exports"), POINT)


@pytest.fixture(scope="module")
def grid(stage: Stage) -> Grid:
    return square_of(stage)


def bent(stage: Stage) -> Grid:
    path = [(53.0, 22.0), (53.005, 22.1), (53.0, 22.2)]
    course = course_of(path, "right", 8e3, 500.0)
    return band(stage.surroundings, course, 8e3, 0, len(course))


def disc(grid: Grid, radius_m: float, hole_m: float = 0.0) -> Floats:
    apart = np.hypot(grid.plane_m[..., 0], grid.plane_m[..., 1])
    value: Floats = 0.5 + (radius_m - apart) / 4000.0
    if hole_m:
        value = np.minimum(value, 0.5 + (apart - hole_m) / 4000.0)
    return value


def area_m2(ring: list[tuple[float, float]]) -> float:
    """Signed area, positive anticlockwise."""
    shrink = math.cos(math.radians(ring[0][1]))
    x = np.array([longitude for longitude, _ in ring]) * DEGREE_M * shrink
    y = np.array([latitude for _, latitude in ring]) * DEGREE_M
    x, y = x - x[0], y - y[0]
    return float(0.5 * (x[:-1] * y[1:] - x[1:] * y[:-1]).sum())


def inside(ring: list[tuple[float, float]], grid: Grid) -> bool:
    longitude, latitude = np.array(ring).T
    lon, lat = np.degrees(grid.longitude_rad), np.degrees(grid.latitude_rad)
    return bool(
        (longitude >= lon.min() - 1e-5).all()
        and (longitude <= lon.max() + 1e-5).all()
        and (latitude >= lat.min() - 1e-5).all()
        and (latitude <= lat.max() + 1e-5).all()
    )


def test_an_outline_is_where_the_value_is(grid: Grid) -> None:
    found = outline("disc", grid, disc(grid, 3000.0), 0.5, {})
    ((ring,),) = found.polygons
    assert ring[0] == ring[-1]
    assert area_m2(ring) == pytest.approx(math.pi * 3000.0**2, rel=0.02)
    middle = np.degrees([grid.longitude_rad[10, 10], grid.latitude_rad[10, 10]])
    off = (np.array(ring) - middle) * [DEGREE_M * math.cos(math.radians(middle[1])), DEGREE_M]
    assert np.hypot(*off.T) == pytest.approx(3000.0, rel=0.02)


def test_a_hole_runs_the_other_way(grid: Grid) -> None:
    ((outer, hole),) = outline("ring", grid, disc(grid, 4000.0, 1500.0), 0.5, {}).polygons
    assert area_m2(outer) > 0.0 > area_m2(hole)
    assert area_m2(outer) + area_m2(hole) == pytest.approx(
        math.pi * (4000.0**2 - 1500.0**2), rel=0.02
    )


@pytest.mark.parametrize("kind", ["square", "band"])
@pytest.mark.parametrize("value", ["all", "none", "some", "nan"])
def test_rings_are_closed_and_inside(stage: Stage, kind: str, value: str) -> None:
    grid = square_of(stage) if kind == "square" else bent(stage)
    values = {
        "all": np.ones(grid.shape),
        "none": np.zeros(grid.shape),
        "some": disc(grid, 3000.0, 1000.0),
        "nan": np.where(disc(grid, 3000.0) > 0.5, 1.0, np.nan),
    }[value]
    found = outline("any", grid, values, 0.9 if value != "some" else 0.5, {})
    assert bool(found.polygons) == (value != "none")
    for outer, *holes in found.polygons:
        for ring in (outer, *holes):
            assert ring[0] == ring[-1]
            assert len(ring) >= 4
            assert inside(ring, grid)
            assert any(one != other for one, other in pairwise(ring))
        assert area_m2(outer) > 0.0


@pytest.fixture
def outlines(grid: Grid) -> list[Outline]:
    return [
        outline("disc & ring", grid, disc(grid, 4000.0, 1500.0), 0.5, {"class": "drone"}),
        outline("nothing", grid, np.zeros(grid.shape), 0.9, {"class": "drone"}),
    ]


def test_geojson_is_a_collection(outlines: list[Outline], grid: Grid, tmp_path: Path) -> None:
    path = tmp_path / "out.geojson"
    write_geojson(path, outlines)
    data = json.loads(path.read_text("utf-8"))
    assert data["type"] == "FeatureCollection"
    one, other = data["features"]
    assert one["properties"] == {"name": "disc & ring", "level": 0.5, "class": "drone"}
    assert one["geometry"]["type"] == "MultiPolygon"
    ((outer, hole),) = one["geometry"]["coordinates"]
    assert outer[0] == outer[-1]
    assert hole[0] == hole[-1]
    assert inside([tuple(place) for place in outer], grid)
    assert other["geometry"]["coordinates"] == []


def test_kml_tells_the_same_rings(outlines: list[Outline], tmp_path: Path) -> None:
    path = tmp_path / "out.kml"
    write_kml(path, "A & B", outlines)
    space = {"k": "http://www.opengis.net/kml/2.2"}
    root = ET.parse(path).getroot()
    assert root.tag == "{http://www.opengis.net/kml/2.2}kml"
    assert root.findtext("k:Document/k:name", namespaces=space) == "A & B"
    marks = root.findall(".//k:Placemark", space)
    assert [mark.findtext("k:name", namespaces=space) for mark in marks] == [
        "disc & ring",
        "nothing",
    ]
    assert [mark.findtext("k:visibility", namespaces=space) for mark in marks] == ["1", "0"]
    told = []
    for name in ("outerBoundaryIs", "innerBoundaryIs"):
        text = marks[0].findtext(f".//k:{name}/k:LinearRing/k:coordinates", namespaces=space)
        assert text is not None
        told.append([tuple(map(float, place.split(","))) for place in text.split()])
    assert told == [list(ring) for ring in outlines[0].polygons[0]]
    assert root.find(f".//k:Style[@id='{'covered'}']", space) is not None
    assert marks[0].findtext("k:styleUrl", namespaces=space) == "#covered"


@pytest.mark.parametrize("kind", ["square", "band"])
def test_a_raster_lies_where_the_cells_are(stage: Stage, kind: str, tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    grid = square_of(stage) if kind == "square" else bent(stage)
    value = np.arange(grid.ground_m.size, dtype=float).reshape(grid.shape)
    value[2, 3] = np.nan
    path = tmp_path / "out.tif"
    write_geotiff(path, grid, [("number", value), ("ground m", grid.ground_m)])
    with rasterio.open(path) as file:
        assert file.crs.to_epsg() == 4326
        assert file.descriptions == ("number", "ground m")
        assert file.dtypes == ("float32", "float32")
        assert math.isnan(file.nodata)
        longitude, latitude = np.degrees(grid.longitude_rad), np.degrees(grid.latitude_rad)
        assert file.bounds.left <= longitude.min() <= longitude.max() <= file.bounds.right
        assert file.bounds.bottom <= latitude.min() <= latitude.max() <= file.bounds.top
        # North is up: a pixel's height is negative in the transform.
        assert file.transform.e < 0.0 < file.transform.a
        places = list(zip(longitude.ravel(), latitude.ravel(), strict=True))
        found = np.array(list(file.sample(places)))
    known = ~np.isnan(found[:, 0])
    assert known.sum() >= value.size - 2  # the cell without a value, and a pixel that takes it
    # A pixel takes the nearest cell: at a cell's centre that cell, or one beside it.
    plane = grid.plane_m.reshape(-1, 2)
    apart_m = np.linalg.norm(plane[found[known, 0].astype(int)] - plane[known], axis=1)
    assert apart_m.max() <= 1.05 * grid.cell_m
    assert (apart_m == 0.0).mean() > (0.99 if kind == "square" else 0.5)
    ground = np.float32(grid.ground_m.ravel())[found[known, 0].astype(int)]
    assert np.array_equal(found[known, 1], ground)


def test_arrays_say_what_they_are(stage: Stage, grid: Grid, tmp_path: Path) -> None:
    dry = Condition(id="dry")
    settings = stage.spec.coverage
    volume = compute(
        stage, grid, dry, heights_agl_m=settings.heights_agl_m, classes=settings.classes, headings=1
    )
    tracked = np.linspace(0, 1, volume.pd.size, dtype=np.float32).reshape(volume.pd.shape)
    flown = approaches_of(stage, volume, dry)
    assert flown is not None
    path = tmp_path / "dry.npz"
    attrs = {"scenario": "x", "condition": "dry", "track_within_s": 30.0, "required": 0.9}
    save_volume(path, volume, tracked, attrs, flown)
    assert [file.name for file in tmp_path.iterdir()] == ["dry.npz"]
    arrays, meta = load_volume(path)
    assert set(arrays) == set(meta["arrays"])
    sizes: dict[str, int] = {}
    for name, said in meta["arrays"].items():
        assert arrays[name].ndim == len(said["dims"]), name
        assert said["what"]
        for dim, size in zip(said["dims"], arrays[name].shape, strict=True):
            assert sizes.setdefault(dim, size) == size, name
    assert sizes == {
        "height": 2, "class": 2, "sensor": 6, "row": 21, "column": 21, "direction": 36, "level": 2,
    }  # fmt: skip
    assert meta["attrs"]["condition"] == "dry"
    assert meta["attrs"]["radius_m"] == 1000.0
    assert arrays["class"].tolist() == ["mini-drone", "one-way-attack-drone"]
    assert arrays["latitude_deg"][10, 10] == pytest.approx(53.03)
    assert arrays["longitude_deg"][10, 10] == pytest.approx(22.08)
    assert np.array_equal(arrays["tracked"], tracked)
    assert np.array_equal(arrays["left_s"], flown.left_s.astype(np.float32), equal_nan=True)
    assert arrays["best"].max() < sizes["sensor"]
    assert arrays["to_go_s"][0, 10, 10] == 0.0
    speed = float(arrays["speed_mps"][0])
    assert arrays["to_go_s"][0, 10, 20] == pytest.approx(5000.0 / speed, rel=5e-3)
    lowest = arrays["lowest_m"]
    both = (tracked >= 0.9).all(axis=0)
    assert np.array_equal(lowest == 50.0, both)
    assert np.array_equal(np.isnan(lowest), tracked[1] < 0.9)


def test_lowest_is_covered_up_to_the_top(grid: Grid, stage: Stage) -> None:
    volume = compute(
        stage, grid, Condition(id="dry"), heights_agl_m=[50.0, 100.0, 300.0],
        classes=["mini-drone"], headings=1,
    )  # fmt: skip
    tracked = np.zeros(volume.pd.shape, np.float32)
    tracked[0, 0, 0, 0] = 1.0  # low alone: what flies above is not covered
    tracked[1:, 0, 0, 1] = 1.0
    tracked[:, 0, 0, 2] = 1.0
    lowest = lowest_covered_m(volume, tracked, 0.9)[0, 0]
    assert math.isnan(lowest[0])
    assert lowest[1:3].tolist() == [100.0, 50.0]


def test_a_map_shows_cells_north_up(grid: Grid, stage: Stage, tmp_path: Path) -> None:
    value = np.zeros(grid.shape)
    value[-3:, :3] = 1.0  # the last rows lie north, the first columns west
    path = tmp_path / "map.png"
    flat = replace(grid, ground_m=np.zeros(grid.shape))  # no shading by relief
    Map("title", "", flat, value, 0, 1, Landmarks.of(stage, grid)).save(path)
    shown = pygame.surfarray.array3d(pygame.image.load(path))
    sure, none = colours([1.0, 0.0], 0, 1)
    left, top, side = 16, 56, 1160 - 32 - 150

    def at(right: float, down: float) -> list[int]:
        pixel: list[int] = shown[left + int(right * side), top + int(down * side)].tolist()
        return pixel

    assert at(0.05, 0.05) == sure.tolist()
    assert at(0.95, 0.05) == at(0.05, 0.95) == none.tolist()


class Page(HTMLParser):
    """What a page holds: text, tags that are open, addresses it refers to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_page_needs_nothing_beside_itself(grid: Grid, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Map("title", "", grid, np.zeros(grid.shape), 0, 1).save(picture)
    path = tmp_path / "page.html"
    table = Table("a <caption>", ("x & y", "z"), (("1", "<2>"), ("3", "4")))
    section = Section("heading <1>", ("said 'so' & so",), (table,), ((picture, 'shows "it"'),))
    write_page(path, "T <&>", "sub", [section])
    text = path.read_text("utf-8")
    page = Page(text)
    whole = " ".join(page.words)
    for wanted in ("T <&>", "sub", "heading <1>", "said 'so' & so", "a <caption>", "x & y", "<2>"):
        assert wanted in whole
    assert page.tags.count("tr") == 3
    assert page.tags.count("th") == 2
    assert page.tags.count("img") == 1
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert "http" not in text
    assert "script" not in page.tags
