"""Small hand-made histories for the tests of the metrics. Heights are taken from z."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Affiliation, Identity, Plots, TrackStatus, Visibility
from sim.metrics.facts import Facts
from sim.metrics.history import TrackHistory, TruthHistory

Table = TypeVar("Table", TruthHistory, TrackHistory)
ZERO = (0.0, 0.0, 0.0)
TEN_METRES = 100.0 * np.eye(3)


def _column(value: ArrayLike, shape: tuple[int, ...], kind: Any = float) -> Any:
    return np.array(np.broadcast_to(np.asarray(value, kind), shape))


def target(
    time_s: ArrayLike,
    index: int,
    position: ArrayLike,
    velocity: ArrayLike = ZERO,
    pd: ArrayLike = 0.9,
    visibility: ArrayLike = Visibility.VISIBLE,
    best_sensor: ArrayLike = 0,
) -> TruthHistory:
    """Return the truth of one target; columns are broadcast over the times."""
    times = np.asarray(time_s, float)
    n = times.size
    where = _column(position, (n, 3))
    return TruthHistory(
        time_s=times,
        target=_column(index, (n,), np.int32),
        position_enu_m=where,
        velocity_enu_mps=_column(velocity, (n, 3)),
        height_m=where[:, 2].copy(),
        detectability=_column(pd, (n,)),
        visibility=_column(visibility, (n,), np.uint8),
        best_sensor=_column(best_sensor, (n,), np.int32),
    )


def track(
    time_s: ArrayLike,
    number: int,
    position: ArrayLike,
    velocity: ArrayLike = ZERO,
    identity: ArrayLike = Identity.PENDING,
    status: ArrayLike = TrackStatus.CONFIRMED,
    covariance: ArrayLike = TEN_METRES,
    sensors: ArrayLike = 1,
    target_class: ArrayLike = -1,
    class_probability: ArrayLike = np.nan,
) -> TrackHistory:
    """Return the history of one track; columns are broadcast over the times."""
    times = np.asarray(time_s, float)
    n = times.size
    where = _column(position, (n, 3))
    return TrackHistory(
        time_s=times,
        number=_column(number, (n,), np.int32),
        status=_column(status, (n,), np.uint8),
        identity=_column(identity, (n,), np.uint8),
        position_enu_m=where,
        velocity_enu_mps=_column(velocity, (n, 3)),
        position_covariance_m2=_column(covariance, (n, 3, 3)),
        height_m=where[:, 2].copy(),
        last_plot_s=times,
        hits=_column(1, (n,), np.int32),
        sensors=_column(sensors, (n,), np.uint64),
        target_class=_column(target_class, (n,), np.int32),
        class_probability=_column(class_probability, (n,)),
    )


def together(*tables: Table) -> Table:
    """Stack histories and sort them by time."""
    kind = type(tables[0])
    order = np.argsort(np.concatenate([t.time_s for t in tables]), kind="stable")
    return kind(
        *(np.concatenate([getattr(t, f.name) for t in tables])[order] for f in fields(kind))
    )


NO_TRACKS = track([], 0, ZERO)
NO_TARGETS = target([], 0, ZERO)


def facts(*affiliation: Affiliation, sensors: ArrayLike = ((0.0, 0.0, 0.0),)) -> Facts:
    """Return facts about targets t0, t1 … of the given sides."""
    positions = np.asarray(sensors, float)
    names = tuple(f"t{i}" for i in range(len(affiliation)))
    return Facts(
        target_ids=names,
        target_groups=names,
        target_classes=("airliner",) * len(names),
        affiliation=np.array(affiliation, np.uint8),
        sensor_ids=tuple(f"s{i}" for i in range(len(positions))),
        sensor_position_enu_m=positions,
    )


def plots(time_s: ArrayLike, sensor: ArrayLike, truth_id: ArrayLike, snr_db: ArrayLike) -> Plots:
    """Return plots without measurements."""
    times = np.asarray(time_s, float)
    n = times.size
    return Plots(
        time_s=times,
        sensor=_column(sensor, (n,), np.int32),
        measurement=np.full((n, 4), np.nan),
        sigma=np.full((n, 4), np.nan),
        snr_db=_column(snr_db, (n,)),
        reply=np.zeros(n, np.uint8),
        truth_id=_column(truth_id, (n,), np.int32),
    )
