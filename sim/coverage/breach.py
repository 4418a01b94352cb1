"""Paths through a band that are judged by their worst place, not by the sum of all.

The maximal breach path keeps as far from the nearest sensor as any path can (Meguerdichian,
Koushanfar, Potkonjak and Srivastava, "Coverage problems in wireless ad-hoc sensor networks",
INFOCOM 2001): with all sensors of one range, what it needs to be to close the band. The path of
the least peak is its twin for any rate of detection. Both are bottleneck paths over the eight
moves of a grid, of which the shortest is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sim.core.tables import Floats
from sim.coverage.lattice import MOVES, beyond, settle
from sim.coverage.paths import (
    Ends,
    Floats32,
    check_band,
    check_rate,
    edges_of,
    path_back,
    ring_padding,
)
from sim.coverage.stencil import Indices


@dataclass(frozen=True)
class Breach:
    """The path that keeps farthest from all sensors.

    Attributes
    ----------
    cells : (L, 2) row and column, from the outside in
    closest_m : distance to the nearest sensor where the path, straight from centre to centre,
        is closest; infinite without sensors
    """

    cells: Indices
    closest_m: float


@dataclass(frozen=True)
class LeastPeak:
    """The path whose greatest rate of detection is least.

    Attributes
    ----------
    cells : (L, 2) row and column, from the outside in
    peak_rate_per_s : greatest rate at the ends of its moves, at their headings
    """

    cells: Indices
    peak_rate_per_s: float


def maximal_breach(
    east_m: Floats, north_m: Floats, sensors_m: Floats, *, ends: Ends = "closed"
) -> Breach:
    """Return the path through a band that maximises the smallest distance to any sensor.

    Parameters
    ----------
    east_m, north_m
        (R, C) cells' centres; row 0 lies outside, row R − 1 is the edge defended.
    sensors_m
        (S, 2) east and north.
    ends
        What lies beyond the first and the last column; see ``sim.coverage.paths.Ends``.

    Raises
    ------
    ValueError
        If shapes do not agree, the grid is smaller than 2 × 2, or a value is not finite.
    """
    from scipy.spatial import KDTree  # scipy is slow to import

    east_m, north_m = check_band(east_m, north_m)
    sensors_m = np.asarray(sensors_m, np.float64)
    if sensors_m.ndim != 2 or sensors_m.shape[1] != 2 or not np.isfinite(sensors_m).all():
        raise ValueError(f"sensors must be finite, of the shape (S, 2), found {sensors_m.shape}")
    away_m = np.full(east_m.shape, np.inf)
    closest_m = np.full((len(MOVES), *east_m.shape), np.inf)
    if len(sensors_m):
        found, nearest = KDTree(sensors_m).query(np.stack([east_m, north_m], axis=-1))
        away_m[:] = found
        sensor_east, sensor_north = sensors_m[nearest, 0], sensors_m[nearest, 1]
        for i, (east, north) in enumerate(_steps(east_m, north_m)):
            # The nearest to either end is the nearest of the move, but for a third in between.
            for near_east, near_north in (
                (sensor_east, sensor_north),
                (beyond(sensor_east, i), beyond(sensor_north, i)),
            ):
                distance = _to_segment(near_east - east_m, near_north - north_m, east, north)
                np.minimum(closest_m[i], distance, out=closest_m[i])
    cells, worst = _bottleneck(-closest_m, -away_m, east_m, north_m, ends)
    return Breach(cells, -worst)


def least_peak(
    rate_per_s: Floats | Floats32, east_m: Floats, north_m: Floats, *, ends: Ends = "closed"
) -> LeastPeak:
    """Return the path through a band that minimises the greatest rate of detection it meets.

    Parameters and errors are those of ``sim.coverage.paths.weakest_crossing``.
    """
    east_m, north_m = check_band(east_m, north_m)
    rate = check_rate(rate_per_s, east_m.shape)
    cells = np.indices(east_m.shape, np.intp)
    row, column = cells[0], cells[1]
    peak = np.empty((len(MOVES), *east_m.shape))
    for i, (east, north) in enumerate(_steps(east_m, north_m)):
        turned = np.arctan2(east, north) * (len(rate) / (2.0 * np.pi)) % len(rate)
        now = turned.astype(np.intp)
        share = turned - now
        now, after = now % len(rate), (now + 1) % len(rate)
        here, there = (
            (1.0 - share) * rate[now, r, c] + share * rate[after, r, c]
            for r, c in ((row, column), (beyond(row, i), beyond(column, i)))
        )
        peak[i] = np.maximum(here, there)
    path, worst = _bottleneck(peak, np.zeros_like(east_m), east_m, north_m, ends)
    return LeastPeak(path, worst)


def _steps(east_m: Floats, north_m: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Yield east and north of every move, from every cell."""
    for i in range(len(MOVES)):
        yield beyond(east_m, i) - east_m, beyond(north_m, i) - north_m


def _to_segment(to_east: Floats, to_north: Floats, east: Floats, north: Floats) -> Floats:
    """Return distances of points to the segments from the origin to (east, north)."""
    squared = np.maximum(east * east + north * north, np.finfo(np.float64).tiny)
    part = np.clip((to_east * east + to_north * north) / squared, 0.0, 1.0)
    distance: Floats = np.hypot(to_east - part * east, to_north - part * north)
    return distance


def _bottleneck(
    edge: Floats, cell: Floats, east_m: Floats, north_m: Floats, ends: Ends
) -> tuple[Indices, float]:
    """Return the shortest of the paths whose greatest value is least, and that value.

    ``edge`` (8, R, C) are the values of moves from cells, ``cell`` (R, C) those of starts.
    """
    ring = ring_padding(cell.shape, 1, ends) > 0
    starts, goals = edges_of(cell.shape, ends)
    came_by, reached, goal = settle(edge, np.where(starts, cell, np.inf), goals, ring, sums=False)
    worst = float(reached.flat[goal])
    length_m = np.stack([np.hypot(*step) for step in _steps(east_m, north_m)])
    came_by, _, goal = settle(
        np.where(edge <= worst, length_m, np.inf),
        np.where(starts & (cell <= worst), 0.0, np.inf),
        goals,
        ring,
        sums=True,
    )
    return path_back(came_by, MOVES, *divmod(goal, cell.shape[1])), worst
