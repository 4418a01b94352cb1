"""A computed coverage under the map: read, drawn where it is, told by a legend."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pygame
import pytest
from test_viz_scene import VIEW
from viz_fake import SETTING, snapshot_at

from sim.core.shades import shades
from viz import style
from viz.bindings import Action
from viz.coverage import _SHARE, Coverage, CoverageError
from viz.geography import Geography
from viz.primitives import Raster, Text
from viz.render import Painter
from viz.session import Session
from viz.sources import Live

CELL_M = 500.0
GEOGRAPHY = Geography.at(
    SETTING.origin_latitude_rad, SETTING.origin_longitude_rad, SETTING.origin_height_m
)


def write(folder: Path, name: str, condition: str, east_m: float = 0.0) -> None:
    """Two heights and two classes over 4 × 6 km; one cell in the north-east alone is covered."""
    rows, columns = 9, 13
    north, east = np.meshgrid(
        (np.arange(rows) - rows // 2) * CELL_M,
        east_m + (np.arange(columns) - columns // 2) * CELL_M,
        indexing="ij",
    )
    ground_enu = np.stack([east, north, np.zeros_like(east)], axis=-1)
    latitude, longitude, height = GEOGRAPHY.to_geodetic(ground_enu)
    tracked = np.zeros((2, 2, rows, columns), np.float32)
    tracked[1, 0, rows - 1, columns - 1] = 1.0
    tracked[:, 1] = 1.0
    attrs = {"condition": condition, "track_within_s": 30.0, "cell_m": CELL_M}
    np.savez_compressed(
        folder / f"{name}.npz",
        _meta=np.array(json.dumps({"attrs": attrs})),
        tracked=tracked,
        height_agl_m=np.array([50.0, 300.0]),
        **{"class": np.array(["mini-drone", "drone"])},
        latitude_deg=np.degrees(latitude),
        longitude_deg=np.degrees(longitude),
        ground_m=height,
    )


@pytest.fixture
def coverage(tmp_path: Path) -> Coverage:
    write(tmp_path, "dry", "dry")
    return Coverage.read(tmp_path, SETTING)


def colour(probability: float) -> np.ndarray:
    full = shades([probability], 0.0, 1.0)[0]
    return (_SHARE * full + (1.0 - _SHARE) * np.array(style.BACKGROUND)).round()


def test_the_layer_lies_where_its_cells_are(coverage: Coverage) -> None:
    view = replace(VIEW, coverage=True, coverage_height=1)
    below, legend = coverage.shapes(view)
    surface = pygame.Surface(view.size_px)
    Painter().paint(surface, below, [])
    for place, wanted in (
        ((3000.0, 2000.0), colour(1.0)),  # the one cell that is covered
        ((2400.0, 2000.0), colour(0.0)),  # its neighbours are not
        ((3000.0, 1400.0), colour(0.0)),
        ((0.0, 0.0), colour(0.0)),
        ((-3000.0, 2000.0), colour(0.0)),
        ((3000.0, 2600.0), np.array(style.BACKGROUND)),  # beyond the cells
        ((4200.0, 0.0), np.array(style.BACKGROUND)),
    ):
        x, y = view.camera.to_screen(place)
        shown = surface.get_at((round(float(x)), round(float(y))))[:3]
        assert np.abs(np.array(shown) - wanted).max() <= 2, place
    told = [shape.text for shape in legend if isinstance(shape, Text)]
    assert told[0] == "mini-drone at 300 m, dry"


def test_tracks_are_brighter_than_the_layer() -> None:
    """Luminance after Rec. 709: the frames of tracks stand out from the brightest colour."""
    weight = np.array([0.2126, 0.7152, 0.0722])
    brightest = max(float(weight @ colour(p)) for p in np.linspace(0.0, 1.0, 21))
    for look in style.IDENTITIES.values():
        assert float(weight @ np.array(look.colour)) > 1.4 * brightest


def test_keys_go_through_heights_classes_and_conditions(tmp_path: Path) -> None:
    write(tmp_path, "dry", "dry")
    write(tmp_path, "rain", "rain")
    coverage = Coverage.read(tmp_path, SETTING)
    session = Session(Live(SETTING, iter([snapshot_at(0.0)])), (1200, 800), 1.0, None, (), coverage)

    def legend() -> str | None:
        texts = [s.text for s in session.scene().still if isinstance(s, Text) and " m, " in s.text]
        return texts[0] if texts else None

    assert legend() is None
    session.do(Action.COVERAGE, "o")
    seen = [legend()]
    for action, key in (
        (Action.COVERAGE_HEIGHT, "g"),
        (Action.COVERAGE_HEIGHT, "g"),
        (Action.COVERAGE_CLASS, "k"),
        (Action.COVERAGE_CLASS, "k"),
    ):
        session.do(action, key)
        seen.append(legend())
    assert seen == [
        "mini-drone at 50 m, dry",
        "mini-drone at 300 m, dry",
        "mini-drone at 50 m, dry",
        "drone at 50 m, dry",
        "mini-drone at 50 m, rain",
    ]
    session.do(Action.COVERAGE, "o")
    assert legend() is None


def test_the_layer_lies_below_everything(coverage: Coverage) -> None:
    session = Session(Live(SETTING, iter([])), (1200, 800), 1.0, None, (), coverage)
    session.do(Action.COVERAGE, "o")
    still = session.scene().still
    assert isinstance(still[0], Raster)
    session.do(Action.ZOOM_IN, "+")
    assert session.scene().still is not still


def test_without_coverage_a_key_says_so() -> None:
    session = Session(Live(SETTING, iter([])), (1200, 800), 1.0, None)
    session.do(Action.COVERAGE, "o")
    assert "--coverage" in session.view.message
    assert not session.view.coverage


def test_parts_of_a_line_become_one(tmp_path: Path) -> None:
    write(tmp_path, "dry", "dry")
    write(tmp_path, "dry-2", "dry", east_m=20_000.0)
    (layer,) = Coverage.read(tmp_path, SETTING).layers
    there = np.array([[3000.0, 2000.0], [23_000.0, 2000.0], [10_000.0, 0.0]])
    found = layer.at(there, 1, 0)
    assert found[:2].tolist() == [1.0, 1.0]
    assert math.isnan(found[2])


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "lacking"])
def test_what_is_no_coverage_is_named(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "dry.npz"
    if damage == "text":
        path.write_text("no arrays")
    elif damage == "cut":
        write(tmp_path, "dry", "dry")
        path.write_bytes(path.read_bytes()[:300])
    elif damage == "lacking":
        np.savez_compressed(path, tracked=np.zeros(3))
    with pytest.raises(CoverageError, match=str(tmp_path)):
        Coverage.read(tmp_path, SETTING)
