"""Bearings of turning sensors that look at a target at different times start a track."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.tables import Plots, Tracks
from sim.tracking import SensorModels, Tracker, TrackerConfig

PLACES = np.array([[0.0, 0.0, 0.0], [40e3, 0.0, 0.0]])
TARGET = np.array([15e3, 50e3, 8e3])
SIGMA = np.radians(0.2)


def bearing(sensor: int, time_s: float, place: np.ndarray = TARGET) -> Plots:
    east, north, up = place - PLACES[sensor]
    angles = [np.nan, np.arctan2(east, north), np.arctan2(up, np.hypot(east, north))]
    return Plots.of(time_s, sensor, angles, [np.nan, SIGMA, SIGMA])


def tracker(rotates: bool, **settings: object) -> Tracker:
    sensors = SensorModels(
        origin_enu_m=PLACES,
        enu_R_sensor=np.tile(np.eye(3), (2, 1, 1)),
        height_m=np.zeros(2),
        period_s=np.full(2, 10.0),
        measures=np.tile([False, True, True, False], (2, 1)),
        clutter_density=np.full(2, 1e-3),
        rotates=np.full(2, rotates),
    )
    return Tracker(TrackerConfig.model_validate(settings), sensors)


def picture(gap_s: float, rotates: bool, **settings: object) -> Tracks:
    """After one bearing of each site."""
    one = tracker(rotates, **settings)
    one.process(bearing(0, 0.5), 0.5)
    one.process(bearing(1, 0.5 + gap_s), 1.0 + gap_s)
    return one.picture(1.0 + gap_s)


@pytest.mark.parametrize(
    ("gap_s", "rotates", "starts"),
    [(0.2, True, 1), (4.0, True, 1), (8.8, True, 1), (9.4, True, 0), (4.0, False, 0)],
)
def test_a_bearing_waits_for_another_until_its_sensor_looks_again(
    gap_s: float, rotates: bool, starts: int
) -> None:
    tracks = picture(gap_s, rotates)
    assert len(tracks) == starts
    if starts:
        off = tracks.position_enu_m[0] - TARGET
        assert np.linalg.norm(off) < 10.0
        # In the time between, the target may have moved; that is told.
        assert np.sqrt(np.trace(tracks.position_covariance_m2[0])) > 100.0 * gap_s


def test_what_has_crossed_waits_no_longer() -> None:
    one = tracker(True)
    for time_s, sensor in ((0.5, 0), (2.5, 1), (4.5, 1)):
        one.process(bearing(sensor, time_s), time_s)
    assert len(one.picture(4.5)) == 1


def test_late_plots_find_the_bearings_that_waited() -> None:
    """What is taken again gives the same picture as what came in time."""
    in_time, late = tracker(True, lag_s=20), tracker(True, lag_s=20)
    first, second = bearing(0, 0.5), bearing(1, 4.5)
    in_time.process(first, 1.0)
    in_time.process(second, 5.0)
    late.process(Plots.empty(), 1.0)
    late.process(second, 5.0)
    late.process(first, 5.5)
    in_time.process(Plots.empty(), 5.5)
    one, other = in_time.picture(5.5), late.picture(5.5)
    assert len(one) == len(other) == 1
    np.testing.assert_array_equal(one.position_enu_m, other.position_enu_m)
