"""What a network sees over relief, beside viewsheds: this sweep, gdal_viewshed, xarray-spatial.

Several sensors on masts over one elevation model, in one run. Coverage asks at several heights:
the sweep gives the lowest visible height once, a viewshed answers for one height and is asked
again for each. xarray-spatial knows no round earth: it is given the ground lowered as a 4/3
earth curves away. Times are of the computation; gdal_viewshed's reads and writes a file.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numba
import numpy as np

from benchmarks import report
from benchmarks.suite import Column, Options, Result, Row, say
from benchmarks.terrain import (
    CELL_M,
    MAST_M,
    gdal_missing,
    intersection_over_union,
    viewshed,
    write_ground,
)
from sim.core.sweep import DROP_PER_M2, Floats32, lowest_visible
from sim.core.tables import Bools
from sim.world.fractal import fractal_heights_m

SIZES, QUICK_SIZES = (1000,), (300,)
ROUNDS, QUICK_ROUNDS = 3, 1
#: Heights asked for, and at which one agreement is told.
AGL_M = (30.0, 60.0, 100.0, 200.0, 300.0, 1000.0)
_TOLD_M = 100.0

COLUMNS = (
    Column("row", "method"),
    Column("cells", "cells", ",d"),
    Column("seconds", "s, one height", ".4f"),
    Column("times_ours", "× ours", ".1f"),
    Column("all_seconds", "s, six heights", ".4f"),
    Column("all_times_ours", "× ours", ".1f"),
    Column("iou", "IoU 100 m", ".4f"),
)

#: Returns the cells in sight of a mast in the middle, for a target's height.
Viewshed = Callable[[float], Bools]


def run(options: Options) -> Result:
    """Measure all sizes."""
    result = Result(
        settings={"cell_m": CELL_M, "mast_m": MAST_M, "threads": numba.get_num_threads()},
        notes=[
            "IoU: cells in sight of 100 m, intersection over union with those of the sweep.",
            "six heights: asked for one after the other; the sweep answers for all at once.",
        ],
    )
    rounds = options.pick_seeds(ROUNDS, QUICK_ROUNDS)
    for size in options.pick_sizes(SIZES, QUICK_SIZES):
        say(f"{size} × {size}")
        _measure(result, fractal_heights_m(1, (size, size), 800.0, 0.2), rounds)
    return result


def _measure(result: Result, ground_m: Floats32, rounds: int) -> None:
    middle = ground_m.shape[0] // 2
    eye_m = float(ground_m[middle, middle]) + MAST_M
    lowest_visible(ground_m[:8, :8].copy(), 4, 4, cell_m=CELL_M, eye_m=eye_m)  # compile
    with tempfile.TemporaryDirectory() as folder:
        peers: dict[str, Viewshed] = {}
        missing = gdal_missing()
        if missing is None:
            write_ground(ground_m, Path(folder) / "ground.bil")
            peers["gdal_viewshed"] = lambda agl: viewshed(Path(folder), middle, ground_m.shape, agl)
        else:
            result.skip("gdal_viewshed", missing)
        if find_spec("xrspatial") is None:
            result.skip("xarray-spatial", "xarray-spatial is not installed (extra versus)")
        else:
            peers["xarray-spatial"] = _xarray_spatial(ground_m, middle)
        _compare(result, ground_m, middle, eye_m, peers, rounds)


def _compare(
    result: Result,
    ground_m: Floats32,
    middle: int,
    eye_m: float,
    peers: dict[str, Viewshed],
    rounds: int,
) -> None:
    own: list[float] = []
    theirs: dict[str, list[float]] = {name: [] for name in peers}
    seen: dict[str, Bools] = {}
    lowest_m = ground_m
    for name in peers:
        seen[name] = peers[name](_TOLD_M)  # the first one compiles
    for _ in range(rounds):
        started = time.perf_counter()
        lowest_m = lowest_visible(ground_m, middle, middle, cell_m=CELL_M, eye_m=eye_m)
        own.append(time.perf_counter() - started)
        for name, peer in peers.items():
            started = time.perf_counter()
            peer(_TOLD_M)
            theirs[name].append(time.perf_counter() - started)
    each = median(own)
    ours: Row = {"row": "airpicture", "cells": ground_m.size}
    result.rows.append(ours | {"seconds": each, "all_seconds": each})
    mine = ground_m + _TOLD_M >= lowest_m
    for name in peers:
        slower = median(b / a for a, b in zip(own, theirs[name], strict=True))
        seconds = median(theirs[name])
        row: Row = {"row": name, "cells": ground_m.size, "seconds": seconds}
        row |= {"times_ours": slower, "all_seconds": len(AGL_M) * seconds}
        row |= {"all_times_ours": len(AGL_M) * slower}
        result.rows.append(row | {"iou": intersection_over_union(mine, seen[name])})
        result.aim(f"{name}: time over ours, one height", slower, least=1.0)


def _xarray_spatial(ground_m: Floats32, middle: int) -> Viewshed:
    """Return its viewshed over ground lowered as a 4/3 earth curves away from the mast."""
    import xarray
    from xrspatial import viewshed as theirs

    rows, columns = ground_m.shape
    up, right = np.meshgrid(np.arange(rows) - middle, np.arange(columns) - middle, indexing="ij")
    drop_m = DROP_PER_M2 * (up**2 + right**2) * CELL_M**2
    raster = xarray.DataArray(
        (ground_m - drop_m).astype(np.float64),
        dims=("y", "x"),
        coords={"y": np.arange(rows) * CELL_M, "x": np.arange(columns) * CELL_M},
    )
    place = middle * CELL_M

    def seen(agl_m: float) -> Bools:
        angle: Any = theirs(raster, x=place, y=place, observer_elev=MAST_M, target_elev=agl_m)
        visible: Bools = np.asarray(angle.values) >= 0.0
        return visible

    return seen


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw the times."""
    figure, axes = report.new_axes("cells", "s", "Six heights over relief")
    for method in dict.fromkeys(row["row"] for row in result.rows):
        rows = [row for row in result.rows if row["row"] == method]
        cells = [row["cells"] for row in rows]
        axes.plot(cells, [row["all_seconds"] for row in rows], "o-", label=method)
    axes.legend()
    return [report.save(figure, folder / "coverage.png")]
