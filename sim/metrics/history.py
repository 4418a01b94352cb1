"""Truth and picture over a whole run, as judged afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import (
    Bools,
    Bytes,
    Floats,
    Ints,
    TrackStatus,
    fill_left_out,
    no_class,
    nothing,
)

Rows = NDArray[np.intp]


def _check(table: TruthHistory | TrackHistory) -> None:
    rows = table.time_s.size
    for name in (column.name for column in fields(table)):
        if len(getattr(table, name)) != rows:
            raise ValueError(f"{name} has {len(getattr(table, name))} rows, not {rows}")
    if np.any(np.diff(table.time_s) < 0):
        raise ValueError("rows must be sorted by time")


@dataclass(frozen=True, slots=True)
class TruthHistory:
    """Where the targets were: one row per time and present target, sorted by time.

    Attributes
    ----------
    time_s : (R,)
    target : (R,) index of the target
    position_enu_m, velocity_enu_mps : (R, 3)
    height_m : (R,) above the ellipsoid
    detectability : (R,) highest single-look detection probability over all sensors,
        NaN where it was not evaluated
    visibility : (R,) ``Visibility`` at the best sensor
    best_sensor : (R,) index of that sensor, -1 for none
    misled : (R,) whether deception led the picture astray from it
    scatter_m2 : (R, 3, 3) covariance of a group's members about their mean, which is its
        position; 0 for a single target

    The last two may be left out.

    Raises
    ------
    ValueError
        If columns differ in length or time runs backwards.
    """

    time_s: Floats
    target: Ints
    position_enu_m: Floats
    velocity_enu_mps: Floats
    height_m: Floats
    detectability: Floats
    visibility: Bytes
    best_sensor: Ints
    misled: Bools = field(default_factory=lambda: np.empty(0, np.bool_))
    scatter_m2: Floats = field(default_factory=lambda: np.empty((0, 3, 3)))

    def __post_init__(self) -> None:
        rows = self.time_s.size
        fill_left_out(self, rows, misled=False)
        if not self.scatter_m2.size:
            object.__setattr__(self, "scatter_m2", np.zeros((rows, 3, 3)))
        _check(self)

    def __len__(self) -> int:
        return int(self.time_s.size)


@dataclass(frozen=True, slots=True)
class TrackHistory:
    """What the picture held: one row per time and track, sorted by time.

    Attributes
    ----------
    time_s : (R,)
    number : (R,) air track number
    status : (R,) ``TrackStatus``
    identity : (R,) ``Identity``
    position_enu_m, velocity_enu_mps : (R, 3)
    position_covariance_m2 : (R, 3, 3)
    height_m : (R,) above the ellipsoid
    last_plot_s : (R,) time of the last plot that updated the track
    hits : (R,) number of plots that updated it
    sensors : (R,) bit k set if sensor k (modulo 64) ever updated it
    target_class, class_probability : (R,) as in ``Tracks``; may be left out

    Raises
    ------
    ValueError
        If columns differ in length or time runs backwards.
    """

    time_s: Floats
    number: Ints
    status: Bytes
    identity: Bytes
    position_enu_m: Floats
    velocity_enu_mps: Floats
    position_covariance_m2: Floats
    height_m: Floats
    last_plot_s: Floats
    hits: Ints
    sensors: NDArray[np.uint64]
    target_class: Ints = field(default_factory=no_class)
    class_probability: Floats = field(default_factory=nothing)

    def __post_init__(self) -> None:
        rows = self.time_s.size
        fill_left_out(self, rows, target_class=-1, class_probability=np.nan)
        _check(self)

    def __len__(self) -> int:
        return int(self.time_s.size)

    def take(self, rows: Rows | Bools) -> TrackHistory:
        """Return the given rows (indices or mask) as a new table."""
        return TrackHistory(*(getattr(self, f.name)[rows] for f in fields(self)))

    def confirmed(self) -> TrackHistory:
        """Return the rows of confirmed tracks, coasting ones included."""
        return self.take(self.status != TrackStatus.TENTATIVE)


@dataclass(frozen=True, slots=True)
class Steps:
    """The common time grid: rows ``start[k]:start[k + 1]`` of a table belong to step k.

    Steps without any target and any track do not appear.

    Attributes
    ----------
    time_s : (K,)
    truth_start, track_start : (K + 1,)
    """

    time_s: Floats
    truth_start: Rows
    track_start: Rows

    @classmethod
    def of(cls, truth: TruthHistory, tracks: TrackHistory) -> Steps:
        """Group both tables by time."""
        time_s = np.union1d(truth.time_s, tracks.time_s)
        ends = np.append(time_s, np.inf)
        return cls(
            time_s=time_s,
            truth_start=np.searchsorted(truth.time_s, ends).astype(np.intp),
            track_start=np.searchsorted(tracks.time_s, ends).astype(np.intp),
        )


def same_time_pairs(time_s: Floats, others_time_s: Floats) -> tuple[Rows, Rows]:
    """Join two sorted columns of times: all pairs of rows of equal time.

    Returns
    -------
    row, other : (P,) indices into the first and the second column
    """
    first = np.searchsorted(others_time_s, time_s, side="left")
    count = np.searchsorted(others_time_s, time_s, side="right") - first
    row = np.repeat(np.arange(time_s.size), count)
    within = np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
    return row, np.repeat(first, count) + within
