"""The living tracks of the compiled engine: arrays with one column per track."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from sim.core.gaussian import load_state, store_state
from sim.core.jit import kernel
from sim.core.tables import Bools, Bytes, Floats, Ints
from sim.tracking.policy import Models


class TrackColumns(NamedTuple):
    """One column per track; C is the capacity, M the number of models, S of sensors.

    Attributes
    ----------
    mean, covariance : (ΣnM, C), (Σn(n+1)/2, C) the models' packed states one below the
        other, as in ``sim.core.gaussian``
    probability : (M, C) of each model
    time_s : (C,) for which the states hold
    number, status : (C,) as in ``Tracks``
    birth_s, birth_period_s : (C,) first plot, and the period of the sensor that gave it
    look, history : (C,) number of the last counted look of that sensor since birth, and
        one bit per look, the latest in bit 0, set where the track had a plot
    last_plot_s, last_period_s : (C,) last plot, and the period of its sensor
    hidden_s : (C,) since the last plot, time in which no sensor could have seen the target
    score : (C,) log odds that a target is there
    hit_s, looked_s : (S, C) last plot from each sensor, and last look that was counted
    hits, replies, sensors : (C,), (3, C), (C,) as in ``Tracks``
    """

    mean: Floats
    covariance: Floats
    probability: Floats
    time_s: Floats
    number: Ints
    status: Bytes
    birth_s: Floats
    birth_period_s: Floats
    look: Ints
    history: NDArray[np.int64]
    last_plot_s: Floats
    last_period_s: Floats
    hidden_s: Floats
    score: Floats
    hit_s: Floats
    looked_s: Floats
    hits: Ints
    replies: Ints
    sensors: NDArray[np.uint64]


@kernel(leaf=True)
def load_models(
    mean: Floats,
    covariance: Floats,
    column: int,
    probability: Floats,
    i: int,
    models: Models,
    weight: Floats,
    x: Floats,
    P: Floats,
) -> None:
    """Copy a track's state and probability by every model out of the columns.

    Parameters
    ----------
    mean, covariance : as of ``TrackColumns``, or a strip of them
    column : of the track in these
    probability, i : as of ``TrackColumns``, and the track's column there
    weight, x, P : (M,), (M, 9), (M, 9, 9) written
    """
    for m in range(models.kind.size):
        weight[m] = probability[m, i]
        load_state(
            mean, models.mean_row[m], covariance, models.covariance_row[m], column,
            models.dimension[m], x[m], P[m],
        )  # fmt: skip


@kernel(leaf=True)
def store_models(
    mean: Floats,
    covariance: Floats,
    column: int,
    probability: Floats,
    i: int,
    models: Models,
    weight: Floats,
    x: Floats,
    P: Floats,
) -> None:
    """Copy a track's state and probability by every model back: the inverse of the above."""
    for m in range(models.kind.size):
        probability[m, i] = weight[m]
        store_state(
            mean, models.mean_row[m], covariance, models.covariance_row[m], column,
            models.dimension[m], x[m], P[m],
        )  # fmt: skip


def empty_columns(
    capacity: int, mean_rows: int = 6, covariance_rows: int = 21, models: int = 1, sensors: int = 1
) -> TrackColumns:
    """Return room for ``capacity`` tracks."""
    c = capacity
    return TrackColumns(
        mean=np.zeros((mean_rows, c)),
        covariance=np.zeros((covariance_rows, c)),
        probability=np.zeros((models, c)),
        time_s=np.zeros(c),
        number=np.zeros(c, np.int32),
        status=np.zeros(c, np.uint8),
        birth_s=np.zeros(c),
        birth_period_s=np.zeros(c),
        look=np.zeros(c, np.int32),
        history=np.zeros(c, np.int64),
        last_plot_s=np.zeros(c),
        last_period_s=np.zeros(c),
        hidden_s=np.zeros(c),
        score=np.zeros(c),
        hit_s=np.zeros((sensors, c)),
        looked_s=np.zeros((sensors, c)),
        hits=np.zeros(c, np.int32),
        replies=np.zeros((3, c), np.int32),
        sensors=np.zeros(c, np.uint64),
    )


def with_room(columns: TrackColumns, count: int, needed: int) -> TrackColumns:
    """Return the columns, the first ``count`` moved to more room if ``needed`` asks for it."""
    capacity = columns.time_s.size
    if needed <= capacity:
        return columns
    # Memory that is never written is never given by the system: room costs little.
    capacity = needed + needed // 2
    return _each(columns, lambda array: _resized(array, count, capacity))


def copied(columns: TrackColumns, rows: slice) -> TrackColumns:
    """Return a copy of some tracks' columns."""
    return _each(columns, lambda array: array[..., rows].copy())


def drop_columns(columns: TrackColumns, count: int, keep: Bools) -> int:
    """Keep some of the first ``count`` columns, in order and in place; return their number.

    Array by array and row by row, so that memory is read in order.
    """
    _close_states(columns.mean, columns.covariance, count, keep)
    return _close_rest(columns, count, keep)


@kernel(parallel=True)
def _close_states(mean: Floats, covariance: Floats, count: int, keep: Bools) -> None:
    n = mean.shape[0]
    for r in numba.prange(n + covariance.shape[0]):
        if r < n:
            _close(mean[r], 0, count, keep)
        else:
            _close(covariance[r - n], 0, count, keep)


@kernel()
def _close_rest(columns: TrackColumns, count: int, keep: Bools) -> int:
    first = 0
    while first < count and keep[first]:
        first += 1
    _close_rows(columns.probability, first, count, keep)
    _close_rows(columns.hit_s, first, count, keep)
    _close_rows(columns.looked_s, first, count, keep)
    _close_rows(columns.replies, first, count, keep)
    _close(columns.time_s, first, count, keep)
    _close(columns.number, first, count, keep)
    _close(columns.status, first, count, keep)
    _close(columns.birth_s, first, count, keep)
    _close(columns.birth_period_s, first, count, keep)
    _close(columns.look, first, count, keep)
    _close(columns.history, first, count, keep)
    _close(columns.last_plot_s, first, count, keep)
    _close(columns.last_period_s, first, count, keep)
    _close(columns.hidden_s, first, count, keep)
    _close(columns.score, first, count, keep)
    _close(columns.hits, first, count, keep)
    return _close(columns.sensors, first, count, keep)


@kernel()
def _close_rows(rows: NDArray[Any], first: int, count: int, keep: Bools) -> None:
    for r in range(rows.shape[0]):
        _close(rows[r], first, count, keep)


@kernel(leaf=True)
def _close(row: NDArray[Any], first: int, count: int, keep: Bools) -> int:
    """Move what is kept to the front; what lies before ``first`` stays where it is."""
    while first < count and keep[first]:
        first += 1
    at = first
    for i in range(first, count):
        if keep[i]:
            row[at] = row[i]
            at += 1
    return at


def _each(columns: TrackColumns, change: Callable[[NDArray[Any]], NDArray[Any]]) -> TrackColumns:
    arrays: tuple[Any, ...] = tuple(change(array) for array in columns)
    return TrackColumns(*arrays)


def _resized(array: NDArray[Any], count: int, capacity: int) -> NDArray[Any]:
    grown = np.zeros((*array.shape[:-1], capacity), array.dtype)
    grown[..., :count] = array[..., :count]
    return grown
