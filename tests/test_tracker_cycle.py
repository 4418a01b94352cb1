"""The order in which plots come cannot matter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from test_tracker_gating import CONVERTED, KINDS, SIGMA, SINGLE, all_kinds
from twins_tracking import plots_of

from sim.core.tables import Measured, Plots
from sim.tracking import SensorModels, TrackerConfig
from sim.tracking.cycle import Cycle, by_scan, cycle_of
from sim.tracking.policy import sensor_columns


def arranged(plots: Plots, sensors: SensorModels, config: TrackerConfig = SINGLE) -> Cycle:
    rows = np.arange(len(plots), dtype=np.int32)
    return cycle_of(plots, rows, sensor_columns(config, sensors))


def assert_same_but_for_rows(a: Cycle, b: Cycle) -> None:
    for name in Cycle._fields:
        if name != "row":
            assert getattr(a, name).tobytes() == getattr(b, name).tobytes(), name


def some_plots(n: int, seed: int = 1) -> Plots:
    """n plots of every kind of sensor."""
    rng = np.random.default_rng(seed)
    sensors = all_kinds()
    states = rng.uniform(-30e3, 30e3, (n, 6)) * [1, 1, 0.2, 0.005, 0.005, 0.0005]
    return Plots.concatenate(
        [
            plots_of(sensors, s, rng.random(n), states, SIGMA[kind], rng)
            for s, (kind, _) in enumerate(KINDS)
        ]
    )


@pytest.mark.parametrize("config", [SINGLE, CONVERTED], ids=["ekf", "kf"])
@pytest.mark.parametrize("n", [1, 7, 60])
def test_any_order_of_plots_gives_the_same_cycle(config: TrackerConfig, n: int) -> None:
    plots, sensors = some_plots(n), all_kinds()
    rng = np.random.default_rng(2)
    expected = arranged(plots, sensors, config)
    for _ in range(3):
        order = rng.permutation(len(plots))
        shuffled = arranged(plots.take(order), sensors, config)
        assert_same_but_for_rows(shuffled, expected)
        # Rows name the same plots of the shuffled table, where they differ at all.
        np.testing.assert_array_equal(plots.time_s[order[shuffled.row]], plots.time_s[expected.row])


@pytest.mark.parametrize("n", [24, 25, 80])
def test_equal_and_nearly_equal_plots_in_one_cell(n: int) -> None:
    """Twins that differ in a single column, the others all alike."""
    rng = np.random.default_rng(n)
    sensors = SensorModels.at_origin(period_s=2.0, measures_range_rate=True)
    state = np.array([[9e3, 7e3, 2e3, 100.0, 0.0, 0.0]])
    one = plots_of(sensors, 0, 0.5, state, SIGMA[Measured.POLAR])
    plots = one.take(np.zeros(n, np.int64))
    few = rng.integers(0, 2, (n, 4)).astype(float)
    for changed in (
        replace(plots, measurement=plots.measurement + [0, 0, 0, 1] * few),
        replace(plots, sigma=plots.sigma + [1, 0, 0, 0] * few),
        replace(plots, sigma=plots.sigma + [0, 0, 1, 0] * few),
        replace(plots, sigma=plots.sigma + [0, 0, 0, 1] * few),
        replace(plots, reply=few[:, 0].astype(np.uint8)),
        replace(plots, time_s=plots.time_s + few[:, 0]),
    ):
        expected = arranged(changed, sensors)
        for _ in range(3):
            shuffled = arranged(changed.take(rng.permutation(n)), sensors)
            assert_same_but_for_rows(shuffled, expected)


def test_what_a_sensor_does_not_measure_is_not_read() -> None:
    sensors = SensorModels(
        **{
            **{name: getattr(SensorModels.at_origin(period_s=2.0), name) for name in (
                "origin_enu_m", "enu_R_sensor", "height_m", "period_s", "clutter_density")},
            "measures": np.array([[True, True, False, False]]),
        }
    )  # fmt: skip
    rng = np.random.default_rng(1)
    states = rng.uniform(-9e3, 9e3, (40, 6))
    states[20:] = states[:20]
    plots = plots_of(sensors, 0, 0.5, states, SIGMA[Measured.POLAR])
    plots = replace(plots, reply=np.repeat([0, 1], 20).astype(np.uint8))
    expected = arranged(plots, sensors)
    for _ in range(3):
        junk = rng.choice([np.nan, 0.0, 1.0, 5.0], (40, 2))
        dirty = replace(
            plots,
            measurement=np.column_stack([plots.measurement[:, :2], junk]),
            sigma=np.column_stack([plots.sigma[:, :2], junk[::-1]]),
        )
        assert_same_but_for_rows(arranged(dirty.take(rng.permutation(40)), sensors), expected)


def test_scans_hold_each_sensors_plots_and_cells_each_of_them_once() -> None:
    plots, sensors = some_plots(50), all_kinds()
    cycle = arranged(plots, sensors)
    assert sorted(cycle.row) == list(range(len(plots)))
    assert [s for s, _ in by_scan(cycle)] == list(range(len(KINDS)))
    for g, (s, rows) in enumerate(by_scan(cycle)):
        np.testing.assert_array_equal(cycle.sensor[rows], s)
        np.testing.assert_array_equal(plots.sensor[cycle.row[rows]], s)
        assert cycle.first_s[g] == cycle.time_s[rows].min()
        assert cycle.last_s[g] == cycle.time_s[rows].max()
        start = cycle.cell_start[cycle.cell_first[g] : cycle.cell_first[g + 1]]
        assert start[0] == 0
        assert start[-1] == rows.stop - rows.start
        assert (np.diff(start) >= 0).all()
        # About one plot a cell: what makes gating fast.
        assert np.diff(start).max() < 15
