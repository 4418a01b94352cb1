"""The ways through a band that something would choose who knows the sensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sim.core.tables import Floats, Indices
from sim.coverage.barrier import BarrierDegree, barrier_degree
from sim.coverage.breach import maximal_breach
from sim.coverage.chains import SensorCover
from sim.coverage.fusing import Floats32
from sim.coverage.line import Confirming
from sim.coverage.paths import weakest_crossing
from sim.coverage.stage import Stage
from sim.coverage.straight import crossings
from sim.coverage.volume import Volume

#: A sensor covers where one look shows the target with this probability.
COVERS_FROM = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Weakest:
    """The way of least exposure through a band.

    Attributes
    ----------
    latitude_deg, longitude_deg : (L,) of it, from the outside in
    seen : probability that the target is placed at all on it
    tracked : probability that a track is confirmed on it
    length_m : of it
    arrival : (C,) probability of being placed on the weakest way that ends in each column
    metrication_ratio : a way in any direction is longer on the stencil by this at worst
    """

    latitude_deg: Floats
    longitude_deg: Floats
    seen: float
    tracked: float
    length_m: float
    arrival: Floats
    metrication_ratio: float

    def of_columns(self, own: slice) -> Weakest:
        """Return the same way in, with the arrivals of some columns."""
        return replace(self, arrival=self.arrival[own])

    @staticmethod
    def of_parts(parts: Sequence[Weakest]) -> Weakest:
        """Return the weakest way of several parts of a line, with the arrivals of all."""
        arrival = np.concatenate([part.arrival for part in parts])
        return replace(min(parts, key=lambda part: part.seen), arrival=arrival)


def weakest_way(volume: Volume, h: int, k: int, rule: Confirming) -> Weakest:
    """Return the weakest way in at one height and of one class."""
    grid, speed_mps = volume.grid, float(volume.speeds_mps[k])
    rate = volume.rate_per_s(h, k)
    east_m, north_m = grid.plane_m[:, :, 0], grid.plane_m[:, :, 1]
    found = weakest_crossing(
        rate, np.ascontiguousarray(east_m), np.ascontiguousarray(north_m), speed_mps=speed_mps
    )
    row, column = found.cells.T
    tracked, length_m = tracked_on(volume, rate, found.cells, h, k, rule)
    return Weakest(
        np.degrees(grid.latitude_rad[row, column]),
        np.degrees(grid.longitude_rad[row, column]),
        found.probability,
        tracked,
        length_m,
        -np.expm1(-found.arrival_exposure),
        found.metrication_ratio,
    )


def tracked_on(
    volume: Volume, rate_per_s: Floats32, cells: Indices, h: int, k: int, rule: Confirming
) -> tuple[float, float]:
    """Return the probability of a confirmed track on a way, and the way's length (m).

    Parameters
    ----------
    volume, h, k : what is seen, at which height, of which class
    rate_per_s : (D, R, C) by heading
    cells : (L, 2) rows and columns of the way
    rule : of the tracker
    """
    grid, (row, column) = volume.grid, cells.T
    step = np.diff(grid.plane_m[row, column], axis=0)
    ends_m = np.concatenate([[0.0], np.cumsum(np.hypot(step[:, 0], step[:, 1]))])
    count = max(2, round(ends_m[-1] / grid.cell_m))
    middles_m = (np.arange(count) + 0.5) * ends_m[-1] / count
    at = np.clip(np.searchsorted(ends_m, middles_m) - 1, 0, len(step) - 1)
    heading = np.arctan2(step[at, 0], step[at, 1])
    flown = _on_heading(rate_per_s, heading, row[at], column[at])
    tracked, _ = crossings(
        flown[:, None],
        volume.look_s[h, k, row[at], column[at]][:, None],
        cell_m=float(ends_m[-1]) / count,
        speed_mps=float(volume.speeds_mps[k]),
        hits=rule.hits,
        looks=rule.looks,
        required=1.0,
    )
    return float(tracked[0]), float(ends_m[-1])


def _on_heading(rate: Floats32, heading_rad: Floats, row: Indices, column: Indices) -> Floats32:
    """Return the rate (M,) in cells (M,) on headings (M,), linear between those computed."""
    headings = len(rate)
    place = (heading_rad / (2.0 * np.pi) * headings) % headings
    low = place.astype(np.intp) % headings
    part = (place - np.floor(place)).astype(np.float32)
    between: Floats32 = (1 - part) * rate[low, row, column] + part * rate[
        (low + 1) % headings, row, column
    ]
    return between


def breach_m(stage: Stage, volume: Volume) -> float:
    """Return how far from the nearest sensor one can stay on the way through."""
    grid = volume.grid
    middle = tuple(size // 2 for size in grid.shape)
    axes, origin = grid.axes[middle], grid.ground_enu_m[middle]
    places = np.array([one.position_enu_m for one in stage.sensors if not one.candidate])
    plane_m = (places - origin) @ axes[:, :2]
    east_m, north_m = np.ascontiguousarray(grid.plane_m[:, :, 0]), grid.plane_m[:, :, 1].copy()
    return maximal_breach(east_m, north_m, plane_m).closest_m


@dataclass(frozen=True, slots=True)
class Barrier:
    """How many sensors must fail before something comes through that none of them sees.

    Sensors that have to be pointed do not count.

    Attributes
    ----------
    at_least, at_most : so many; equal if it is certain
    failing : sensors whose failure opens a hole
    km : where, along the line
    """

    at_least: int
    at_most: int
    failing: tuple[str, ...]
    km: float


def barrier(volume: Volume, h: int, k: int, time_limit_s: float = 5.0) -> Barrier:
    """Return the barrier degree at one height and of one class."""
    shape = volume.grid.shape
    names, covers = [], []
    for one in volume.looks:
        if one.cued:
            continue
        got = one.by[h, k]
        cell = got.cell[got.pd[0] >= COVERS_FROM]
        if not cell.size:
            continue
        row, column = np.divmod(cell, shape[1])
        mask = np.zeros((np.ptp(row) + 1, np.ptp(column) + 1), bool)
        mask[row - row.min(), column - column.min()] = True
        names.append(one.sensor)
        covers.append(SensorCover(int(row.min()), int(column.min()), mask))
    found: BarrierDegree = barrier_degree(covers, shape, time_limit_s=time_limit_s)
    return Barrier(
        found.lower,
        found.upper,
        tuple(names[i] for i in found.failing),
        float(volume.grid.along_km[found.hole[:, 1]].mean()),
    )
