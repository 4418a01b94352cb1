"""Tables of plots, as a library's user makes them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from numpy.typing import ArrayLike

from sim.core.tables import FALSE_ALARM, Plots, Reply


def test_one_value_holds_for_all_plots() -> None:
    plots = Plots.of(4.0, 2, [[1e3, 0.1, 0.2], [2e3, 0.3, 0.4]], [30.0, 0.01, 0.02])
    assert len(plots) == 2
    np.testing.assert_array_equal(plots.time_s, [4.0, 4.0])
    np.testing.assert_array_equal(plots.sensor, [2, 2])
    np.testing.assert_array_equal(
        plots.measurement, [[1e3, 0.1, 0.2, np.nan], [2e3, 0.3, 0.4, np.nan]]
    )
    np.testing.assert_array_equal(plots.sigma, [[30.0, 0.01, 0.02, np.nan]] * 2)
    assert np.isnan(plots.snr_db).all()
    np.testing.assert_array_equal(plots.reply, [Reply.NONE] * 2)
    np.testing.assert_array_equal(plots.truth_id, [FALSE_ALARM] * 2)


def test_columns_keep_their_own_values() -> None:
    plots = Plots.of(
        [1, 2],
        [0, 1],
        [[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]],
        [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.8]],
        snr_db=[12.0, 15.0],
        reply=[Reply.CIVIL, Reply.MILITARY],
    )
    np.testing.assert_array_equal(plots.time_s, [1.0, 2.0])
    np.testing.assert_array_equal(plots.sensor, [0, 1])
    np.testing.assert_array_equal(plots.measurement[1], [5.0, 6.0, 7.0, 8.0])
    np.testing.assert_array_equal(plots.sigma[0], [0.1, 0.2, 0.3, 0.4])
    np.testing.assert_array_equal(plots.snr_db, [12.0, 15.0])
    np.testing.assert_array_equal(plots.reply, [Reply.CIVIL, Reply.MILITARY])


def test_one_sigma_holds_for_the_measured_components() -> None:
    plots = Plots.of(0.0, 0, [[1.0, 2.0]], 50.0)
    np.testing.assert_array_equal(plots.sigma, [[50.0, 50.0, np.nan, np.nan]])


def test_one_row_seen_at_several_times() -> None:
    plots = Plots.of([0.0, 1.0, 2.0], 0, [1e3, 0.5], [10.0, 0.1])
    assert plots.measurement.shape == (3, 4)
    np.testing.assert_array_equal(plots.measurement[:, 0], [1e3] * 3)


@pytest.mark.parametrize("measurement", [np.empty((0, 3)), []])
def test_no_plots(measurement: ArrayLike) -> None:
    made, empty = Plots.of([], 0, measurement, 1.0), Plots.empty()
    for field in fields(Plots):
        column, like = getattr(made, field.name), getattr(empty, field.name)
        assert column.shape == like.shape, field.name
        assert column.dtype == like.dtype, field.name


def test_columns_are_copies_of_the_right_kind() -> None:
    measurement = np.array([[1, 2, 3]])
    plots = Plots.of(0, 0, measurement, 1)
    for field in fields(Plots):
        column = getattr(plots, field.name)
        assert column.dtype == getattr(Plots.empty(), field.name).dtype, field.name
        assert column.flags.c_contiguous, field.name
        assert column.flags.writeable, field.name
    measurement[0, 0] = 9
    assert plots.measurement[0, 0] == 1.0


@pytest.mark.parametrize(
    ("time_s", "measurement", "sigma", "message"),
    [
        ([0.0, 1.0, 2.0], [[1.0, 2.0]] * 2, [1.0, 1.0], "broadcast"),
        (0.0, [[1.0, 2.0]], [1.0, 1.0, 1.0], "broadcast"),
        (0.0, [[1.0] * 5], [1.0] * 5, "at most 4 components, found 5"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    time_s: ArrayLike, measurement: ArrayLike, sigma: ArrayLike, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Plots.of(time_s, 0, measurement, sigma)
