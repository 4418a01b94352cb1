"""The living tracks of the compiled engine: arrays with one column per track."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Bytes, Floats, Ints


class TrackColumns(NamedTuple):
    """One column per track; C is the capacity.

    Attributes
    ----------
    mean, covariance, time_s : (6, C), (21, C), (C,) packed states, as in
        ``sim.core.gaussian``, and the time for which they hold
    number, status : (C,) as in ``Tracks``
    birth_s, birth_period_s : (C,) first plot, and the period of the sensor that gave it
    look, history : (C,) number of the last counted look of that sensor since birth, and
        one bit per look, the latest in bit 0, set where the track had a plot
    last_plot_s, last_period_s : (C,) last plot, and the period of its sensor
    hits, replies, sensors : (C,), (3, C), (C,) as in ``Tracks``
    """

    mean: Floats
    covariance: Floats
    time_s: Floats
    number: Ints
    status: Bytes
    birth_s: Floats
    birth_period_s: Floats
    look: Ints
    history: NDArray[np.int64]
    last_plot_s: Floats
    last_period_s: Floats
    hits: Ints
    replies: Ints
    sensors: NDArray[np.uint64]


def empty_columns(capacity: int) -> TrackColumns:
    """Return room for ``capacity`` tracks."""
    c = capacity
    return TrackColumns(
        mean=np.zeros((6, c)),
        covariance=np.zeros((21, c)),
        time_s=np.zeros(c),
        number=np.zeros(c, np.int32),
        status=np.zeros(c, np.uint8),
        birth_s=np.zeros(c),
        birth_period_s=np.zeros(c),
        look=np.zeros(c, np.int32),
        history=np.zeros(c, np.int64),
        last_plot_s=np.zeros(c),
        last_period_s=np.zeros(c),
        hits=np.zeros(c, np.int32),
        replies=np.zeros((3, c), np.int32),
        sensors=np.zeros(c, np.uint64),
    )


def with_room(columns: TrackColumns, needed: int) -> TrackColumns:
    """Return the columns, moved to twice the room as often as ``needed`` asks."""
    capacity = columns.time_s.size
    if needed <= capacity:
        return columns
    while capacity < needed:
        capacity *= 2
    grown = empty_columns(capacity)
    for name in TrackColumns._fields:
        array: NDArray[Any] = getattr(columns, name)
        getattr(grown, name)[..., : array.shape[-1]] = array
    return grown
