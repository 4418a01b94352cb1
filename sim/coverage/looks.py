"""What one sensor sees in the cells of a grid: detection probability of a single look."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sensors.abilities import Detects
from sensors.registry import Sensor
from sim.core.tables import Floats, Indices
from sim.coverage.fusing import Floats32
from sim.coverage.grid import Grid
from sim.coverage.probes import ProbeKind

#: Probes in one call of a sensor: their signatures are copied for each.
_AT_ONCE = 50_000
#: No ground differs by more in height.
_RELIEF_M = 10_000.0


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """What one sensor sees of one class at one height.

    Attributes
    ----------
    cell : (K,) flat numbers of the grid's cells; in all others it sees nothing
    pd : (D, K) or (1, K) if the heading does not matter; the last heading is the one inwards
    """

    cell: Indices
    pd: Floats32


def cells_in_reach(grid: Grid, sensor: Sensor) -> Indices:
    """Return the flat numbers (K,) of cells that the sensor might see into."""
    ground, origin, reach_m = grid.ground_enu_m, sensor.origin_enu_m, sensor.range_max_m
    # Of a long band most columns are far away: their middles tell.
    middle = ground[grid.shape[0] // 2]
    high_m = np.linalg.norm(ground[[0, -1]] - middle, axis=-1).max() + _RELIEF_M
    apart_m = np.linalg.norm(middle - origin, axis=-1)
    near = np.flatnonzero(apart_m <= reach_m + high_m)
    if not near.size:
        return near
    first, last = near[0], near[-1] + 1
    apart_m = np.linalg.norm(ground[:, first:last] - origin, axis=-1)
    row, column = np.nonzero(apart_m <= reach_m)
    cells: Indices = row * grid.shape[1] + column + first
    return cells


def look(
    sensor: Sensor,
    grid: Grid,
    cell: Indices,
    height_agl_m: float,
    kind: ProbeKind,
    headings: int,
    time_s: float,
) -> Looks:
    """Return what a sensor sees at one height of one class.

    Parameters
    ----------
    cell : (K,) from ``cells_in_reach``
    headings : D − 1, evenly spaced from true north; 1 for the one inwards alone
    time_s : of the scenario
    """
    echoes = not math.isnan(sensor.snr_reference_db)
    directions: Sequence[float | None] = [None]
    if echoes and headings > 1:
        directions = [2.0 * math.pi * k / headings for k in range(headings)] + [None]
    pd = np.empty((len(directions), cell.size), np.float32)
    for part in _parts(cell.size):
        at = cell[part]
        axes = grid.axes.reshape(-1, 3, 3)[at]
        place = grid.ground_enu_m.reshape(-1, 3)[at] + height_agl_m * axes[:, :, 2]
        probes = kind.at(place)
        for row, heading in enumerate(directions):
            course = grid.inward_rad.ravel()[at] if heading is None else np.full(at.size, heading)
            velocity = velocity_of(axes, course, kind.speed_mps)
            truth = probes.truth_of(time_s, velocity)
            if isinstance(sensor, Detects):
                seen = sensor.detection(probes, truth)
            else:
                seen, _ = sensor.visibility(probes, truth)
            pd[row, part] = seen[probes.own :]
    anything = pd.max(axis=0) > 0.0
    return Looks(cell[anything], np.ascontiguousarray(pd[:, anything]))


def velocity_of(axes: Floats, course_rad: Floats, speed_mps: float) -> Floats:
    """Return level flight (K, 3) on courses (K,) over places with local axes (K, 3, 3)."""
    velocity: Floats = speed_mps * (
        np.sin(course_rad)[:, None] * axes[:, :, 0] + np.cos(course_rad)[:, None] * axes[:, :, 1]
    )
    return velocity


def _parts(size: int) -> Iterator[slice]:
    for first in range(0, size, _AT_ONCE):
        yield slice(first, min(first + _AT_ONCE, size))
