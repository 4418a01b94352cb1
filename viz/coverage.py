"""A computed coverage under the map: read from its folder, drawn where it is, with a legend."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sim.core.shades import Pixels, shades
from sim.core.tables import Floats
from sim.record.setting import Setting
from viz import style
from viz.camera import Camera, Rect
from viz.geography import Geography
from viz.primitives import Box, Primitive, Raster, Text
from viz.view import View

#: Side of what is coloured alike on the screen; finer is slower.
_PIXEL = 3
#: What lies farther than this from every cell's centre, in cells, is not coloured.
_NEAR = 0.75
#: How much of a colour is left over the dark ground: tracks stay the brightest.
_SHARE = 0.36
_BAR_PX = (150.0, 10.0)
_NEEDED = ("tracked", "height_agl_m", "class", "latitude_deg", "longitude_deg", "ground_m")


class CoverageError(ValueError):
    """A folder holds no coverage that can be shown; the message says why."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One condition: H heights, K classes, N cells.

    Attributes
    ----------
    condition : id
    within_s : time that a track may take
    heights_agl_m, classes : axes
    place_m : (N, 2) east and north of cells in the scenario's frame
    cell_m : width of a cell
    tracked : (H, K, N) probability of a confirmed track in time
    """

    condition: str
    within_s: float
    heights_agl_m: Floats
    classes: tuple[str, ...]
    place_m: Floats
    cell_m: float
    tracked: NDArray[np.float32]

    @cached_property
    def _tree(self) -> Any:
        from scipy.spatial import KDTree  # slow to import

        return KDTree(self.place_m)

    def at(self, place_m: Floats, h: int, k: int) -> Floats:
        """Return the probability (P,) at places (P, 2); NaN beyond the cells."""
        near_m = _NEAR * self.cell_m
        apart_m, cell = self._tree.query(place_m, distance_upper_bound=near_m)
        known = np.isfinite(apart_m)
        value = np.full(len(place_m), np.nan)
        value[known] = self.tracked[h, k, cell[known]]
        return value


@dataclass(frozen=True, eq=False)
class Coverage:
    """Layers, one for each condition."""

    layers: tuple[Layer, ...]

    @classmethod
    def read(cls, folder: Path, setting: Setting) -> Self:
        """Read what ``airpicture coverage`` wrote into a folder.

        Raises
        ------
        CoverageError
            If there is none, or it is damaged.
        """
        geography = Geography.at(
            setting.origin_latitude_rad, setting.origin_longitude_rad, setting.origin_height_m
        )
        parts: dict[str, list[Layer]] = {}
        for path in sorted(folder.glob("*.npz")):
            layer = _read(path, geography)
            parts.setdefault(layer.condition, []).append(layer)
        if not parts:
            raise CoverageError(
                f"{folder}: no coverage in it (CONDITION.npz of airpicture coverage)"
            )
        return cls(tuple(_joined(some) for some in parts.values()))

    def chosen(self, view: View) -> tuple[Layer, int, int]:
        """Return the layer, height and class that a view shows."""
        cases = [(layer, k) for layer in self.layers for k in range(len(layer.classes))]
        layer, k = cases[view.coverage_class % len(cases)]
        return layer, view.coverage_height % len(layer.heights_agl_m), k

    def shapes(self, view: View) -> tuple[list[Primitive], list[Primitive]]:
        """Return what lies below everything else on the map, and the legend above it."""
        layer, h, k = self.chosen(view)
        room = view.camera.viewport
        columns, rows = (max(1, round(side / _PIXEL)) for side in (room.width, room.height))
        x = room.left + (np.arange(columns) + 0.5) * room.width / columns
        y = room.top + (np.arange(rows) + 0.5) * room.height / rows
        pixel = np.stack(np.meshgrid(x, y), axis=-1)
        value = layer.at(view.camera.to_world(pixel).reshape(-1, 2), h, k)
        return [Raster(room, _tinted(value).reshape(rows, columns, 4))], _legend(
            layer, h, k, view.camera
        )


def _read(path: Path, geography: Geography) -> Layer:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _NEEDED}
            attrs = json.loads(str(file["_meta"]))["attrs"]
        latitude, longitude = (
            np.radians(arrays[f"{name}_deg"]) for name in ("latitude", "longitude")
        )
        enu = geography.from_geodetic(latitude, longitude, arrays["ground_m"])
        tracked = arrays["tracked"]
        return Layer(
            str(attrs["condition"]),
            float(attrs["track_within_s"]),
            arrays["height_agl_m"],
            tuple(arrays["class"].tolist()),
            enu.reshape(-1, 3)[:, :2],
            float(attrs["cell_m"]),
            tracked.reshape(*tracked.shape[:2], -1),
        )
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise CoverageError(
            f"{path}: not an array file of airpicture coverage ({error})"
        ) from error


def _joined(parts: list[Layer]) -> Layer:
    """Return the parts of a long line as one."""
    first = parts[0]
    return Layer(
        first.condition,
        first.within_s,
        first.heights_agl_m,
        first.classes,
        np.concatenate([part.place_m for part in parts]),
        first.cell_m,
        np.concatenate([part.tracked for part in parts], axis=-1),
    )


def _tinted(value: Floats) -> Pixels:
    """Return colours (..., 4) of probabilities, dim enough to lie under tracks."""
    colour = shades(value, 0.0, 1.0)
    known = ~np.isnan(value)
    rgba = np.zeros((*value.shape, 4), np.uint8)
    dim = _SHARE * colour[known] + (1.0 - _SHARE) * np.array(style.BACKGROUND)
    rgba[known, :3] = dim.round()
    rgba[known, 3] = 255
    return rgba


def _legend(layer: Layer, h: int, k: int, camera: Camera) -> list[Primitive]:
    """Return what the colours mean, at the foot of the map."""
    view = camera.viewport
    width, height = _BAR_PX
    if view.width < 2.5 * width or view.height < 120:
        return []
    box = Rect(view.left + 12, view.bottom - 104, 290, 62)
    left, top = box.left + 10, box.top + 7
    name = f"{layer.classes[k]} at {layer.heights_agl_m[h]:g} m, {layer.condition}"
    ramp = _tinted(np.linspace(0.0, 1.0, 64))[None]
    bar = Rect(left, top + 36, width, height)
    small = style.SMALL
    return [
        Box(box, style.PANEL, style.PANEL_LINE),
        Text(name, left, top, small, style.TEXT),
        Text(f"track within {layer.within_s:g} s", left, top + 17, small, style.TEXT_DIM),
        Raster(bar, ramp),
        Text("0 to 100 %", bar.right + 10, bar.top - 3, small, style.TEXT_DIM),
    ]
