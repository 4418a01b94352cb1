"""Sensors aboard: turning beams on the move, and measurements referred to where it ends."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import stage
from pydantic import TypeAdapter
from test_radar import VALUES

from sensors.aboard import Carrier, hidden, moved, observe_aboard
from sensors.registry import SensorSpec
from sensors.scene import Scene
from sim.core.tables import FALSE_ALARM, Floats, Plots, Truth
from sim.world.frames import Frame
from sim.world.surroundings import Surroundings
from sim.world.trajectories import Knots, Trajectories
from sim.world.truth import Targets

FRAME = Frame.at(np.radians(54.0), np.radians(5.0), 0.0)
MAST_M = 12.0
SPAN_S = 200.0

#: Sees everything within 200 km, and errs by next to nothing.
SHARP = VALUES | {
    "peak_power_kw": 1e9,
    "range_max_km": 200.0,
    "pfa": 1e-15,
    "elevation_min_deg": -90.0,
    "range_resolution_m": 10.0,
    "beamwidth_deg": 0.1,
    "elevation_beamwidth_deg": 0.1,
    "range_rate_resolution_mps": 0.1,
    "range_sigma_min_m": 0.01,
    "azimuth_sigma_min_deg": 1e-4,
    "elevation_sigma_min_deg": 1e-4,
    "range_rate_sigma_min_mps": 1e-3,
}


def on_lines(start_enu_m: Any, velocity_mps: Any, span_s: tuple[float, float] = (0.0, SPAN_S)):
    """Targets on straight lines."""
    start, velocity = np.array(start_enu_m, float), np.array(velocity_mps, float)
    times = np.array(span_s)
    paths = [
        Knots.without_gaps(times, p + times[:, None] * v, np.tile(v, (2, 1)))
        for p, v in zip(start, velocity, strict=True)
    ]
    n = len(start)
    names = tuple(f"t{k}" for k in range(n))
    return Targets(
        names,
        names,
        ("airliner",) * n,
        np.zeros(n, np.uint8),
        stage.signatures(n),
        Trajectories.join(paths),
    )


#: An aircraft at 250 m/s, and others about it; one flies in its shadow, one crosses ahead.
CROWD = on_lines(
    [[0, 0, 6000], [20e3, 5e3, 3000], [-30e3, 40e3, 9000], [4e3, -3e3, 6500], [60e3, -1e3, 100]],
    [[250, 0, 0], [0, 200, 0], [180, -90, 0], [250, 0, 0], [-300, 20, 0]],
)
CARRIER = Carrier(0, MAST_M)


def around() -> Surroundings:
    return stage.surroundings(FRAME)


def watch(targets: Targets, times_s: Floats, **changes: Any) -> tuple[Plots, list[Any]]:
    """Plots of a radar aboard target 0, and the radar at the end of each window."""
    given = {k: v for k, v in (SHARP | changes).items() if v is not None}
    spec = TypeAdapter(SensorSpec).validate_python(given)
    sensor = stage.build(spec, FRAME, [0.0, 0.0, 0.0])
    rng, plots, sensors = np.random.default_rng(3), [], []
    for start, end in pairwise([targets.truth(float(t)) for t in times_s]):
        place = CARRIER.place(end.position_enu_m[0], around())
        sensor = moved(sensor, place, around()).in_free_space()
        found = observe_aboard(sensor, CARRIER, Scene(targets, start, end), around(), rng)
        plots.append(found)
        sensors += [sensor] * len(found)
    return Plots.concatenate(plots), sensors


def azimuth_from_carrier(targets: Targets, target: int, times_s: Floats) -> Floats:
    """The obvious twin: where the carrier has a target, at each time by itself."""
    rows = np.zeros(times_s.size, int)
    own, _ = targets.at(times_s, rows)
    place, _ = targets.at(times_s, rows + target)
    lens = CARRIER.place(own, around())
    east, north, _ = np.einsum("kji,kj->ik", FRAME.local_axes(lens), place - lens)
    return np.arctan2(east, north)


@pytest.mark.parametrize("window_s", [1.0, 0.3, 5.0])
def test_a_beam_on_the_move_neither_misses_nor_repeats(window_s: float) -> None:
    plots, _ = watch(CROWD, np.arange(0.0, 120.1, window_s))
    rate = 2 * np.pi * 30.0 / 60.0
    fine = np.arange(0.0, 120.0, 0.01)
    for target in range(1, 5):
        phase = np.unwrap(rate * fine - azimuth_from_carrier(CROWD, target, fine)) / (2 * np.pi)
        passes = np.flatnonzero(np.diff(np.floor(phase)) > 0)
        seen = np.sort(plots.time_s[plots.truth_id == target])
        assert seen.size == passes.size
        np.testing.assert_allclose(seen, fine[passes], atol=0.02)


@pytest.mark.parametrize("scan", [{}, {"rate_rpm": None, "update_s": 0.4}], ids=["turns", "stares"])
def test_measurements_are_about_where_the_sensor_is_at_the_end(scan: dict[str, Any]) -> None:
    plots, sensors = watch(CROWD, np.arange(0.0, 60.1, 1.0), **scan)
    place, velocity = CROWD.at(plots.time_s, plots.truth_id)
    exact = np.empty((len(plots), 4))
    for k, sensor in enumerate(sensors):
        offset = sensor.enu_R_sensor.T @ (place[k] - sensor.origin_enu_m)
        exact[k, 0] = np.linalg.norm(offset)
        exact[k, 1] = np.arctan2(offset[0], offset[1])
        exact[k, 2] = np.arcsin(offset[2] / exact[k, 0])
        exact[k, 3] = offset @ (sensor.enu_R_sensor.T @ velocity[k]) / exact[k, 0]
    error = plots.measurement - exact
    error[:, 1] = (error[:, 1] + np.pi) % (2 * np.pi) - np.pi
    normal = error / plots.sigma
    assert len(plots) > 100
    np.testing.assert_allclose(normal.mean(axis=0), 0.0, atol=5 / np.sqrt(len(plots)))
    np.testing.assert_allclose(normal.std(axis=0), 1.0, atol=0.15)


def test_the_carrier_is_not_seen_by_its_own_sensor() -> None:
    for scan in ({}, {"rate_rpm": None, "update_s": 1.0}):
        plots, _ = watch(CROWD, np.arange(0.0, 20.1, 1.0), **scan)
        assert set(plots.truth_id) == {1, 2, 3, 4}


def test_what_is_told_as_gone_is_not_seen() -> None:
    spec = TypeAdapter(SensorSpec).validate_python(SHARP)
    start, end = CROWD.truth(10.0), CROWD.truth(20.0)
    sensor = stage.build(spec, FRAME, CARRIER.place(end.position_enu_m[0], around()))
    killed: Truth = hidden(end, 3)
    scene = Scene(CROWD, start, killed)
    plots = observe_aboard(sensor, CARRIER, scene, around(), np.random.default_rng(0))
    assert set(plots.truth_id) == {1, 2, 4}


def test_moving_is_the_same_as_being_built_there() -> None:
    spec = TypeAdapter(SensorSpec).validate_python(VALUES)
    place = np.array([90e3, -40e3, 700.0])
    there = stage.build(spec, FRAME, place)
    came = moved(stage.build(spec, FRAME, [0.0, 0.0, 20.0]), place, around())
    truth = CROWD.truth(0.0)
    for one, other in zip(
        there.visibility(CROWD, truth), came.visibility(CROWD, truth), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(there.enu_R_sensor, came.enu_R_sensor)
    assert there.height_m == came.height_m


def test_false_alarms_stay_within_the_sensors_limits() -> None:
    empty = on_lines([[0, 0, 6000]], [[250, 0, 0]])
    plots, _ = watch(empty, np.arange(0.0, 40.1, 1.0), pfa=1e-5, range_resolution_m=500.0)
    assert len(plots) > 20
    assert (plots.truth_id == FALSE_ALARM).all()
    assert plots.measurement[:, 0].max() <= 200e3
