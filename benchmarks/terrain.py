"""Line of sight over relief: the horizon sweep beside exact rays (R3) and gdal_viewshed.

One sensor 10 m above the middle of a grid of 30 m cells. R3 sends a ray to every cell and
interpolates heights linearly where it crosses the grid's lines: the reference for who is in
sight. ``gdal_viewshed`` answers for one height of the target and reads and writes a file, the
sweep answers for all; both times are of the same round. A peer's row tells how well it agrees.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numba
import numpy as np

from benchmarks import report
from benchmarks.suite import Column, Options, Result, Row, say
from sim.core.jit import kernel
from sim.core.sweep import DROP_PER_M2, Floats32, lowest_visible
from sim.core.tables import Bools
from sim.world.fractal import fractal_heights_m

SIZES, QUICK_SIZES = (2000,), (500,)
ROUNDS, QUICK_ROUNDS = 5, 2
CELL_M, MAST_M = 30.0, 10.0
AGL_M = (30, 100, 300)

COLUMNS = (
    Column("relief", "relief"),
    Column("row", "method"),
    Column("cells", "cells", ",d"),
    Column("seconds", "s", ".3f"),
    Column("times_ours", "× ours", ".1f"),
    Column("iou_30", "IoU 30 m", ".4f"),
    Column("iou_100", "100 m", ".4f"),
    Column("iou_300", "300 m", ".4f"),
    Column("share_100", "in sight", ".0%"),
)


@kernel(parallel=True)
def exact_rays(
    ground_m: Floats32, row: int, column: int, cell_m: float, eye_m: float, lowest_m: Floats32
) -> None:
    """Fill what ``lowest_visible`` returns by a ray to every cell (R3)."""
    rows, columns = ground_m.shape
    for r in numba.prange(rows):
        for c in range(columns):
            up, right = r - row, c - column
            steps = max(abs(up), abs(right))
            if steps <= 1:
                lowest_m[r, c] = ground_m[r, c]
                continue
            distance_m = cell_m * math.sqrt(up * up + right * right)
            steepest = -math.inf
            for s in range(1, steps):
                y, x = row + up * (s / steps), column + right * (s / steps)
                if abs(right) >= abs(up):
                    low, line = min(int(y), rows - 2), column + (s if right > 0 else -s)
                    share = y - low
                    first, second = ground_m[low, line], ground_m[low + 1, line]
                else:
                    low, line = min(int(x), columns - 2), row + (s if up > 0 else -s)
                    share = x - low
                    first, second = ground_m[line, low], ground_m[line, low + 1]
                height_m = (1.0 - share) * first + share * second
                there_m = distance_m * s / steps
                slope = (height_m - eye_m) / there_m - DROP_PER_M2 * there_m
                steepest = max(steepest, slope)
            lowest_m[r, c] = eye_m + distance_m * (steepest + DROP_PER_M2 * distance_m)


def intersection_over_union(one: Bools, other: Bools) -> float:
    """Return how well two sets of cells agree; 1 if both are empty."""
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 1.0


def real_relief(size: int) -> Floats32 | None:
    """Return matplotlib's sample of real relief at 30 m, mirrored on; None without matplotlib."""
    if find_spec("matplotlib") is None:
        return None
    from matplotlib.cbook import get_sample_data
    from scipy.ndimage import map_coordinates

    sample: Any = get_sample_data("jacksboro_fault_dem.npz")
    heights = sample["elevation"].astype(float)
    north_m = 111_000.0 * float(sample["dy"])
    east_m = north_m * math.cos(math.radians(36.6))
    place = np.arange(size) * CELL_M
    grid = np.meshgrid(place / north_m, place / east_m, indexing="ij")
    relief: Floats32 = map_coordinates(heights, grid, order=1, mode="reflect").astype(np.float32)
    return relief


def run(options: Options) -> Result:
    """Measure all reliefs and sizes."""
    result = Result(
        settings={"cell_m": CELL_M, "mast_m": MAST_M, "threads": numba.get_num_threads()},
        notes=["IoU: cells in sight, intersection over union with those of R3."],
    )
    rounds = options.pick_seeds(ROUNDS, QUICK_ROUNDS)
    for size in options.pick_sizes(SIZES, QUICK_SIZES):
        fractal = fractal_heights_m(1, (size, size), 800.0, 0.2)
        reliefs = {"real": real_relief(size), "fractal": fractal}
        for name, ground_m in reliefs.items():
            if ground_m is None:
                result.skip(f"real, {size}", "matplotlib is not installed")
                continue
            say(f"{name}, {size} × {size}")
            _measure(result, name, ground_m, rounds)
    return result


def _measure(result: Result, name: str, ground_m: Floats32, rounds: int) -> None:
    middle = ground_m.shape[0] // 2
    eye_m = float(ground_m[middle, middle]) + MAST_M
    place: tuple[Floats32, int, int] = (ground_m, middle, middle)
    lowest_visible(ground_m[:8, :8].copy(), 4, 4, cell_m=CELL_M, eye_m=eye_m)  # compile
    ours_s, theirs_s, seen_by_gdal = [], [], None
    with tempfile.TemporaryDirectory() as folder:
        missing = gdal_missing()
        if missing is None:
            write_ground(ground_m, Path(folder) / "ground.bil")
        for _ in range(rounds):
            started = time.perf_counter()
            lowest_m = lowest_visible(*place, cell_m=CELL_M, eye_m=eye_m)
            ours_s.append(time.perf_counter() - started)
            if missing is None:
                started = time.perf_counter()
                seen_by_gdal = viewshed(Path(folder), middle, ground_m.shape, AGL_M[1])
                theirs_s.append(time.perf_counter() - started)
    exact_m = np.empty_like(ground_m)
    exact_rays(ground_m[:8, :8].copy(), 4, 4, CELL_M, eye_m, exact_m[:8, :8].copy())
    started = time.perf_counter()
    exact_rays(*place, CELL_M, eye_m, exact_m)
    exact_s = time.perf_counter() - started
    exact = {agl: ground_m + agl >= exact_m for agl in AGL_M}
    agreed = {
        f"iou_{agl}": intersection_over_union(ground_m + agl >= lowest_m, exact[agl])
        for agl in AGL_M
    }
    own = median(ours_s)
    common: Row = {"relief": name, "cells": ground_m.size, "share_100": float(exact[100].mean())}
    result.rows.append(common | {"row": "airpicture, all heights", "seconds": own} | agreed)
    slower = exact_s / own
    result.rows.append(
        common | {"row": "R3, all heights", "seconds": exact_s, "times_ours": slower}
    )
    ratio = None
    if missing is None and seen_by_gdal is not None:
        ratio = median(a / b for a, b in zip(ours_s, theirs_s, strict=True))
        iou = intersection_over_union(seen_by_gdal, exact[AGL_M[1]])
        row = {"row": "gdal_viewshed, 100 m", "seconds": median(theirs_s), "times_ours": 1 / ratio}
        result.rows.append(common | row | {"iou_100": iou})
    else:
        result.skip(f"gdal_viewshed, {name}", missing or "")
    result.aim(f"{name}: time over gdal_viewshed's", ratio, most=1.0)
    result.aim(f"{name}: least IoU with R3", min(agreed.values()), least=0.99)


def gdal_missing() -> str | None:
    """Return why gdal_viewshed cannot be asked, None if it can."""
    found = shutil.which("gdal_viewshed")
    return None if found else "gdal_viewshed is not installed (package gdal-bin)"


def write_ground(ground_m: Floats32, path: Path) -> None:
    """Write a raster that GDAL reads: plain floats with a header beside them."""
    rows, columns = ground_m.shape
    ground_m[::-1].astype("<f4").tofile(path)
    path.with_suffix(".hdr").write_text(
        f"BYTEORDER I\nLAYOUT BIL\nNROWS {rows}\nNCOLS {columns}\nNBANDS 1\nNBITS 32\n"
        f"PIXELTYPE FLOAT\nULXMAP {0.5 * CELL_M}\nULYMAP {(rows - 0.5) * CELL_M}\n"
        f"XDIM {CELL_M}\nYDIM {CELL_M}\n"
    )
    # Any projection in metres: its earth's radius decides how the ground curves away.
    path.with_suffix(".prj").write_text(
        'PROJCS["sphere",GEOGCS["sphere",DATUM["sphere",SPHEROID["sphere",6371000,0]],'
        'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],'
        'PROJECTION["Transverse_Mercator"],PARAMETER["false_easting",0],'
        'PARAMETER["false_northing",0],PARAMETER["central_meridian",0],'
        'PARAMETER["scale_factor",1],PARAMETER["latitude_of_origin",0],UNIT["metre",1]]'
    )


def viewshed(folder: Path, middle: int, shape: tuple[int, ...], agl_m: float) -> Bools:
    """Return the cells in sight as gdal_viewshed has them, rows as those of the grid.

    It lowers the ground by coefficient · d² / earth's diameter: a 4/3 earth is .75.
    """
    out = folder / "seen.bil"
    place = str((middle + 0.5) * CELL_M)
    command = ["gdal_viewshed", "-q", "-ox", place, "-oy", place, "-oz", str(MAST_M)]
    command += ["-tz", str(agl_m), "-md", "0", "-cc", "0.75", "-f", "EHdr"]
    command += [str(folder / "ground.bil"), str(out)]
    subprocess.run(command, check=True, capture_output=True)
    seen: Bools = np.fromfile(out, np.uint8).reshape(shape)[::-1] == 255
    return seen


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw the times."""
    figure, axes = report.new_axes("cells", "s", "Line of sight over relief")
    for relief in dict.fromkeys(row["relief"] for row in result.rows):
        for method in dict.fromkeys(row["row"] for row in result.rows):
            rows = [r for r in result.rows if (r["relief"], r["row"]) == (relief, method)]
            axes.plot(
                [row["cells"] for row in rows],
                [row["seconds"] for row in rows],
                "o-",
                label=f"{method} ({relief})",
            )
    axes.legend()
    return [report.save(figure, folder / "terrain.png")]
