"""A volume as a compressed file of named arrays: numpy alone reads it.

Every array ``x`` has its dimensions, unit and meaning in the JSON text under ``_meta``, as
xarray would: ``{"arrays": {"x": {"dims": […], "unit": …, "what": …}}, "attrs": {…}}``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.coverage.approaches import LEVELS, Approaches
from sim.coverage.volume import Volume

_CELLS = ("row", "column")
_ALL = ("height", "class", *_CELLS)
#: Name → dimensions, unit and meaning.
_ARRAYS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "height_agl_m": (("height",), "m", "height above ground"),
    "class": (("class",), "", "class of target"),
    "speed_mps": (("class",), "m/s", "at which the class flies"),
    "sensor": (("sensor",), "", "ids, as best numbers them"),
    "latitude_deg": (_CELLS, "deg", "of a cell's centre"),
    "longitude_deg": (_CELLS, "deg", "of a cell's centre"),
    "ground_m": (_CELLS, "m", "ground above the ellipsoid"),
    "pd": (_ALL, "", "probability that one look of every sensor shows the target"),
    "tracked": (_ALL, "", "probability of a confirmed track within track_within_s"),
    "rate_per_s": (_ALL, "1/s", "at which the target is placed, flying inwards"),
    "uncued_per_s": (_ALL, "1/s", "the same without sensors that have to be pointed"),
    "look_s": (_ALL, "s", "period by which the tracker counts looks"),
    "seen_by": (_ALL, "", "sensors whose single look shows it with a half or more"),
    "best": (_ALL, "", "sensor with the highest rate, -1 for none"),
    "lowest_m": (("class", *_CELLS), "m", "lowest height from which up all are covered; NaN: none"),
    "to_go_s": (("class", *_CELLS), "s", "straight to the middle of the square"),
    "azimuth_deg": (("direction",), "deg", "that targets come from, straight to the middle"),
    "level": (("level",), "", "probability with which left_s is left"),
    "approach_tracked": (
        ("height", "class", "direction"),
        "",
        "probability of a confirmed track before the radius",
    ),
    "left_s": (
        ("level", "height", "class", "direction"),
        "s",
        "to the radius, once a track is confirmed; NaN: none so surely",
    ),
}


def lowest_covered_m(volume: Volume, tracked: NDArray[np.float32], required: float) -> Any:
    """Return the lowest height (K, R, C) from which up to the highest all are covered; or NaN."""
    lowest = np.full(tracked.shape[1:], np.nan, np.float32)
    still = np.ones(tracked.shape[1:], bool)
    for h in range(len(volume.heights_agl_m) - 1, -1, -1):
        still &= tracked[h] >= required
        lowest[still] = volume.heights_agl_m[h]
    return lowest


def save_volume(
    path: Path,
    volume: Volume,
    tracked: NDArray[np.float32],
    attrs: Mapping[str, Any],
    flown: Approaches | None = None,
) -> None:
    """Write a volume.

    Parameters
    ----------
    path : of the file, ``.npz``
    volume, tracked : what to write; ``tracked`` (H, K, R, C) as ``Volume.tracked`` gives it
    attrs : scenario, condition, and what else there is to say; ``required`` among them
    flown : straight approaches to the middle of a square
    """
    grid = volume.grid
    arrays: dict[str, Any] = {
        "height_agl_m": volume.heights_agl_m,
        "class": np.array(volume.classes),
        "speed_mps": volume.speeds_mps,
        "sensor": np.array(volume.sensors),
        "latitude_deg": np.degrees(grid.latitude_rad),
        "longitude_deg": np.degrees(grid.longitude_rad),
        "ground_m": grid.ground_m.astype(np.float32),
        "pd": volume.pd,
        "tracked": tracked,
        "rate_per_s": volume.inward_per_s,
        "uncued_per_s": volume.uncued_per_s,
        "look_s": volume.look_s,
        "seen_by": volume.seen_by,
        "best": volume.best,
        "lowest_m": lowest_covered_m(volume, tracked, float(attrs["required"])),
    }
    if grid.kind == "square":
        apart_m = np.hypot(grid.plane_m[..., 0], grid.plane_m[..., 1])
        arrays["to_go_s"] = (apart_m / volume.speeds_mps[:, None, None]).astype(np.float32)
    if flown is not None:
        arrays |= {
            "azimuth_deg": flown.azimuth_deg,
            "level": np.array(LEVELS),
            "approach_tracked": flown.tracked.astype(np.float32),
            "left_s": flown.left_s.astype(np.float32),
        }
        attrs = {**attrs, "radius_m": flown.radius_m, "approach_from_m": flown.from_m}
    meta = {
        "attrs": {**attrs, "grid": grid.kind, "cell_m": grid.cell_m},
        "arrays": {
            name: dict(zip(("dims", "unit", "what"), _ARRAYS[name], strict=True)) for name in arrays
        },
    }
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, _meta=np.array(json.dumps(meta)), **arrays)
    partial.replace(path)


def load_volume(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays of a file by name, and what it says of them."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files if name != "_meta"}
        return arrays, json.loads(str(file["_meta"]))
