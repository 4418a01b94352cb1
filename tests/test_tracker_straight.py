"""The short way of one constant-velocity model against the general one, track by track."""

from __future__ import annotations

import numpy as np
import pytest
from test_tracker_gating import CONVERTED, arranged, random_tracks
from twins_tracking import plots_of

from sim.tracking import MotionModel, SensorModels, TrackerConfig
from sim.tracking.pairing import Pairs
from sim.tracking.policy import model_rows, policy_of, sensor_columns
from sim.tracking.predicting import predict_columns
from sim.tracking.store import TrackColumns, copied
from sim.tracking.straight import goes_straight, predict_straight, update_straight
from sim.tracking.turns import Turns, turns_of
from sim.tracking.updating import update_columns

N = 30
MODELS, POLICY = model_rows(CONVERTED), policy_of(CONVERTED)


def assert_alike(one: TrackColumns, other: TrackColumns) -> None:
    for name in ("mean", "covariance", "time_s"):
        a, b = getattr(one, name)[..., :N], getattr(other, name)[..., :N]
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * np.abs(b).max())


def test_prediction() -> None:
    sensors = SensorModels.at_origin(period_s=2.0)
    one = random_tracks(N, MODELS, sensors, 1)
    other = copied(one, slice(None))
    to_s = one.time_s + np.random.default_rng(1).choice([-0.5, 0.0, 0.7, 20.0], one.time_s.size)
    q, q_up = MODELS.parameters[0, :2]
    predict_straight(one, to_s, q, q_up)
    predict_columns(other, to_s, MODELS, False)
    assert (one.time_s > 1.0).any()
    assert_alike(one, other)


def scene(missed: int = 3) -> tuple[SensorModels, TrackColumns, Pairs, Turns, tuple[object, ...]]:
    """Every track but some has one certain plot near it."""
    sensors = SensorModels.at_origin(period_s=2.0)
    tracks = random_tracks(N, MODELS, sensors, 2)
    tracks.time_s[:] = 0.0
    states = tracks.mean[:6, :N].T.copy()
    sigma = (40.0, 0.004, 0.006, 1.5)
    plots = plots_of(sensors, 0, 0.0, states, sigma, np.random.default_rng(2))
    cycle = arranged(plots, CONVERTED, sensors)
    has = np.arange(N) % missed > 0
    where = np.empty(N, np.int32)
    where[cycle.row] = np.arange(N)
    pairs = Pairs(
        start=np.append(0, np.cumsum(has)).astype(np.int32),
        plot=where[has],
        weight=np.ones(has.sum()),
        missed=np.where(has, 0.0, 1.0),
        shared=np.zeros(has.sum(), np.bool_),
        gain=np.zeros(N),
    )
    return sensors, tracks, pairs, turns_of([pairs], cycle), (cycle,)


def test_update_with_and_without_plots() -> None:
    sensors, one, _, turns, (cycle,) = scene()
    columns = sensor_columns(CONVERTED, sensors)
    before, other = copied(one, slice(None)), copied(one, slice(None))
    assert update_straight(one, 0, turns, cycle, columns)
    update_columns(other, 0, turns, cycle, MODELS, columns, POLICY)
    assert_alike(one, other)
    changed = np.abs(one.mean[:, :N] - before.mean[:, :N]).max(axis=0) > 1e-6
    assert changed.tolist() == (np.arange(N) % 3 > 0).tolist()


@pytest.mark.parametrize("what", ["weight", "shared"])
def test_what_is_not_so_simple_is_left_to_the_general_way(what: str) -> None:
    sensors, tracks, pairs, _, (cycle,) = scene()
    if what == "weight":
        pairs.weight[4], pairs.missed[np.flatnonzero(np.diff(pairs.start))[4]] = 0.9, 0.1
    else:
        pairs.shared[4] = True
    before = copied(tracks, slice(None))
    columns = sensor_columns(CONVERTED, sensors)
    assert not update_straight(tracks, 0, turns_of([pairs], cycle), cycle, columns)
    np.testing.assert_array_equal(tracks.mean, before.mean)


def test_who_goes_straight() -> None:
    assert goes_straight(MODELS, POLICY)
    for config in (
        TrackerConfig(filter="ckf"),
        TrackerConfig(filter="imm"),
        TrackerConfig(models=[MotionModel(kind="constant-acceleration", noise=1.0)]),
    ):
        assert not goes_straight(model_rows(config), policy_of(config))
