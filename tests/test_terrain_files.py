"""Elevation files: what is read, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.world.relief import Relief, TerrainError
from sim.world.terrain_files import read_dted, read_geotiffs, read_hgt


def write_hgt(path: Path, heights: np.ndarray) -> Path:
    """Write heights, rows from the south, as a tile."""
    path.write_bytes(heights[::-1].astype(">i2").tobytes())
    return path


def write_dted(path: Path, heights: np.ndarray, *, datum: bytes = b"WGS84") -> Path:
    """Write heights, rows from the south, of 5 E and 50 S on; negative ones by sign bit."""
    rows, columns = heights.shape
    uhl = b"UHL10050000E0500000S" + b"%04d%04d" % (60, 30) + b"0050" + b"U  " + b" " * 12
    uhl += b"%04d%04d" % (columns, rows) + b"0" + b" " * 24
    dsi = b"DSIU" + b" " * 137 + b"MSL" + datum
    content = uhl.ljust(80) + dsi.ljust(648) + b"ACC".ljust(2700)
    for number, column in enumerate(heights.T.astype(int)):
        stored = np.where(column < 0, 0x8000 - column, column).astype(">u2").tobytes()
        record = b"\xaa" + number.to_bytes(3, "big") + number.to_bytes(2, "big") + b"\0\0" + stored
        content += record + sum(record).to_bytes(4, "big")
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "south", "west"), [("N36W085.hgt", 36, -85), ("s04e012.SRTMGL3.hgt", -4, 12)]
)
def test_an_hgt_tile_lies_where_its_name_says(
    tmp_path: Path, name: str, south: float, west: float
) -> None:
    heights = (np.arange(1201 * 1201).reshape(1201, 1201) % 3000) - 300
    heights[7, 5] = -32768
    read = read_hgt(write_hgt(tmp_path / name, heights), 0)
    assert (read.south_deg, read.west_deg) == (south, west)
    assert read.step_deg == (1 / 1200, 1 / 1200)
    assert np.isnan(read.heights_m[7, 5])
    heights[7, 5] = 0
    np.testing.assert_array_equal(np.nan_to_num(read.heights_m), heights)


def test_one_arc_second_is_told_from_three(tmp_path: Path) -> None:
    read = read_hgt(write_hgt(tmp_path / "N00E000.hgt", np.zeros((3601, 3601))), 0)
    assert read.step_deg == (1 / 3600, 1 / 3600)


def test_a_dted_file_is_read(tmp_path: Path) -> None:
    heights = np.array([[1, -2, 3], [0, 500, -32767], [9, 8, 7], [-100, 1, 2]])
    read = read_dted(write_dted(tmp_path / "s50.dt1", heights), 0)
    assert (read.south_deg, read.west_deg) == (-50.0, 5.0)
    assert read.step_deg == pytest.approx((3 / 3600, 6 / 3600))
    expected = np.where(heights == -32767, np.nan, heights)
    np.testing.assert_array_equal(read.heights_m, expected)


def test_dted_in_two_s_complement_is_understood(tmp_path: Path) -> None:
    path = write_dted(tmp_path / "a.dt0", np.array([[5, 5], [5, 5]]))
    content = bytearray(path.read_bytes())
    at = 80 + 648 + 2700 + 8
    content[at : at + 2] = (-7).to_bytes(2, "big", signed=True)
    content[at + 4 : at + 8] = sum(content[at - 8 : at + 4]).to_bytes(4, "big")
    path.write_bytes(content)
    assert read_dted(path, 0).heights_m[0, 0] == -7.0


def broken(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    match how:
        case "cut":
            content = content[:-20]
        case "flipped":
            content[80 + 648 + 2700 + 9] ^= 1
        case "renamed":
            content[:3] = b"ABC"
        case "place":
            content[4:12] = b"XXXXXXXX"
        case "size":
            content[47:51] = b"0000"
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("cut", "it is cut off: 2 of 3 meridians"),
        ("flipped", "checksum of meridian 1 is wrong"),
        ("renamed", "no DTED file"),
        ("place", "header .UHL. cannot be read"),
        ("size", "tells of no grid"),
    ],
)
def test_broken_dted_files_are_refused(tmp_path: Path, how: str, message: str) -> None:
    path = write_dted(tmp_path / "a.dt1", np.ones((4, 3)))
    broken(path, how)
    with pytest.raises(TerrainError, match=message) as caught:
        read_dted(path, 2)
    assert caught.value.file == 2


def test_another_datum_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TerrainError, match="datum is WGS72"):
        read_dted(write_dted(tmp_path / "a.dt1", np.ones((2, 2)), datum=b"WGS72"), 0)


def test_hgt_files_of_another_size_or_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TerrainError, match="it has 200 bytes"):
        read_hgt(write_hgt(tmp_path / "N36W085.hgt", np.zeros((10, 10))), 0)
    with pytest.raises(TerrainError, match="tells no place"):
        read_hgt(write_hgt(tmp_path / "hills.hgt", np.zeros((1201, 1201))), 0)
    with pytest.raises(TerrainError, match="no such file"):
        read_hgt(tmp_path / "N01E001.hgt", 0)


# --- GeoTIFF ----------------------------------------------------------------------------


def write_geotiff(path: Path, heights: np.ndarray, **how: Any) -> Path:
    """Write heights, rows from the north."""
    rasterio = pytest.importorskip("rasterio", reason="rasterio reads GeoTIFF")
    west, north, step = how.pop("place", (5.0, 51.0, 0.001))
    given = {"crs": "EPSG:4326", "dtype": "float32", "nodata": None} | how
    units = given.pop("units", None)
    given.setdefault("transform", rasterio.transform.Affine(step, 0, west, 0, -step, north))
    rows, columns = heights.shape
    with rasterio.open(
        path, "w", driver="GTiff", width=columns, height=rows, count=1, **given
    ) as r:
        r.write(heights.astype(given["dtype"]), 1)
        if units:
            r.units = (units,)
    return path


def test_a_geotiff_in_degrees_keeps_its_cells(tmp_path: Path) -> None:
    heights = np.arange(12.0).reshape(3, 4)
    read = read_geotiffs([write_geotiff(tmp_path / "a.tif", heights)])
    np.testing.assert_array_equal(read.heights_m, heights[::-1])
    assert read.south_deg == pytest.approx(51.0 - 0.0025)
    assert read.west_deg == pytest.approx(5.0005)


def test_a_projected_geotiff_comes_to_lie_where_it_is(tmp_path: Path) -> None:
    pytest.importorskip("rasterio", reason="rasterio reads GeoTIFF")
    from rasterio.warp import transform

    east, north = np.meshgrid(500_000 + 100.0 * np.arange(80), 5_600_000 - 100.0 * np.arange(60))
    heights = 200 + 0.02 * (east - 500_000) + 0.03 * (north - 5_594_000)
    path = write_geotiff(
        tmp_path / "utm.tif", heights, crs="EPSG:32631", place=(499_950.0, 5_600_050.0, 100.0)
    )
    relief = Relief.of(read_geotiffs([path]), 0.0, None)
    rng = np.random.default_rng(1)
    x, y = rng.uniform(500_200, 507_700, 200), rng.uniform(5_594_300, 5_599_800, 200)
    longitude, latitude = transform("EPSG:32631", "EPSG:4326", x, y)
    found = relief.height_m(np.radians(latitude), np.radians(longitude))
    np.testing.assert_allclose(found, 200 + 0.02 * (x - 500_000) + 0.03 * (y - 5_594_000), atol=0.1)
    assert np.isnan(relief.height_m(np.radians(latitude[0]) + 0.01, np.radians(longitude[0])))


def test_neighbours_in_a_projection_leave_no_seam(tmp_path: Path) -> None:
    heights = np.full((40, 40), 100.0)
    paths = [
        write_geotiff(tmp_path / name, heights, crs="EPSG:32631", place=(west, 5_600_000.0, 100.0))
        for name, west in (("a.tif", 500_000.0), ("b.tif", 504_000.0))
    ]
    inner = read_geotiffs(paths).heights_m[5:-5, 5:-5]
    assert inner.shape[1] > 60
    np.testing.assert_allclose(inner, 100.0, atol=1e-3)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"crs": None}, "does not say its projection"),
        ({"units": "feet"}, "heights are in feet"),
        ({"nodata": 3.0}, "a hole of 1 cells"),
    ],
)
def test_unusable_geotiffs_are_refused(tmp_path: Path, how: dict[str, Any], message: str) -> None:
    good = write_geotiff(tmp_path / "good.tif", np.arange(12.0).reshape(3, 4) + 10)
    bad = write_geotiff(
        tmp_path / "bad.tif", np.arange(12.0).reshape(3, 4), place=(5.004, 51.0, 0.001), **how
    )
    with pytest.raises(TerrainError, match=message) as caught:
        read_geotiffs([good, bad])
    assert caught.value.file == 1


def test_projections_must_agree_and_rows_run_east(tmp_path: Path) -> None:
    one = write_geotiff(tmp_path / "a.tif", np.ones((4, 4)))
    other = write_geotiff(tmp_path / "b.tif", np.ones((4, 4)), crs="EPSG:32631")
    with pytest.raises(TerrainError, match="is EPSG:32631, that of the first is EPSG:4326"):
        read_geotiffs([one, other])
    from rasterio.transform import Affine

    turned = write_geotiff(
        tmp_path / "c.tif", np.ones((4, 4)), transform=Affine(1e-3, 1e-4, 5, 1e-4, -1e-3, 51)
    )
    with pytest.raises(TerrainError, match="rows do not run"):
        read_geotiffs([turned])


def test_a_text_is_no_raster(tmp_path: Path) -> None:
    pytest.importorskip("rasterio", reason="rasterio reads GeoTIFF")
    (tmp_path / "a.tif").write_text("nothing of the kind")
    with pytest.raises(TerrainError, match="it is no raster"):
        read_geotiffs([tmp_path / "a.tif"])


def test_without_rasterio_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(TerrainError, match=r"pip install 'airpicture\[terrain\]'"):
        read_geotiffs([tmp_path / "a.tif"])
