"""Straight in to a protected point from all around: is it tracked, and how much time is left?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from sim.core.tables import Floats
from sim.coverage.fusing import Floats32
from sim.coverage.grid import Grid
from sim.coverage.line import Confirming
from sim.coverage.straight import crossings
from sim.coverage.volume import Volume

#: Directions that are flown in from, evenly spaced from north.
DIRECTIONS = 36
#: Probabilities with which a time is left: the median, and as good as sure.
LEVELS = (0.5, 0.9)


@dataclass(frozen=True, slots=True, eq=False)
class Approaches:
    """Straight approaches to a point: H heights, K classes, A directions.

    Attributes
    ----------
    point : id of what is protected; empty for the middle of a square about no point
    condition : id
    radius_m : where the time ends
    from_m : distance from the point where approaches begin, the same in all directions
    azimuth_deg : (A,) directions that targets come from, clockwise from true north
    heights_agl_m, classes, speeds_mps : axes
    tracked : (H, K, A) probability of a confirmed track before the radius is reached
    left_s : (L, H, K, A) time left to the radius that a confirmed track leaves with the
        probabilities ``LEVELS``; NaN where it leaves none so surely
    """

    point: str
    condition: str
    radius_m: float
    from_m: float
    azimuth_deg: Floats
    heights_agl_m: Floats
    classes: tuple[str, ...]
    speeds_mps: Floats
    tracked: Floats
    left_s: Floats

    def most_s(self, k: int) -> float:
        """Return the time from the beginning of an approach to the radius."""
        return (self.from_m - self.radius_m) / float(self.speeds_mps[k])


def approaches(
    volume: Volume, rule: Confirming, *, point: str, condition: str, radius_m: float
) -> Approaches:
    """Fly in to the middle of a square.

    Parameters
    ----------
    volume : of a square, whose targets fly towards its middle
    rule : of the tracker
    point, condition, radius_m : what is protected, in which weather

    Raises
    ------
    ValueError
        If the grid is no square, or the radius is not inside it.
    """
    grid = volume.grid
    if grid.kind != "square":
        raise ValueError("approaches are flown over a square")
    from_m = (grid.shape[0] // 2) * grid.cell_m
    if not radius_m < from_m:
        raise ValueError(
            f"{point} has a radius of {radius_m / 1e3:g} km, beyond the square computed, which "
            f"reaches {from_m / 1e3:g} km: give coverage.side_km more"
        )
    count = max(2, round(2.0 * (from_m - radius_m) / grid.cell_m))
    step_m = (from_m - radius_m) / count
    azimuth_deg = np.asarray(np.arange(DIRECTIONS) * (360.0 / DIRECTIONS), np.float64)
    way_m = np.asarray(from_m - (np.arange(count) + 0.5) * step_m, np.float64)
    at = _places(grid, way_m, azimuth_deg)
    shape = (len(volume.heights_agl_m), len(volume.classes), DIRECTIONS)
    tracked, left_s = np.empty(shape), np.empty((len(LEVELS), *shape))
    for h, k in product(range(shape[0]), range(shape[1])):
        rate, look_s = _between(volume.inward_per_s[h, k], at), _nearest(volume.look_s[h, k], at)
        for number, level in enumerate(LEVELS):
            tracked[h, k], left_s[number, h, k] = crossings(
                rate,
                look_s,
                cell_m=step_m,
                speed_mps=float(volume.speeds_mps[k]),
                hits=rule.hits,
                looks=rule.looks,
                required=level,
            )
    return Approaches(
        point,
        condition,
        radius_m,
        from_m,
        azimuth_deg,
        volume.heights_agl_m,
        volume.classes,
        volume.speeds_mps,
        tracked,
        left_s,
    )


def _places(grid: Grid, distance_m: Floats, azimuth_deg: Floats) -> Floats:
    """Return rows and columns (2, M, A), in parts of cells, of places around the middle."""
    azimuth_rad = np.radians(azimuth_deg)
    middle_row, middle_column = (size // 2 for size in grid.shape)
    north = distance_m[:, None] * np.cos(azimuth_rad) / grid.cell_m
    east = distance_m[:, None] * np.sin(azimuth_rad) / grid.cell_m
    places: Floats = np.stack([middle_row + north, middle_column + east])
    return places


def _between(value: Floats32, at: Floats) -> Floats32:
    from scipy.ndimage import map_coordinates  # slow to import

    between: Floats32 = map_coordinates(value, at, order=1, mode="nearest")
    return between


def _nearest(value: Floats32, at: Floats) -> Floats32:
    row, column = np.rint(at).astype(np.intp)
    nearest: Floats32 = value[row, column]
    return nearest
