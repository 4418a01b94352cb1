"""Plots that are not echoes, on the map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import viz_fake

from sim.core.tables import Plots
from sim.record.setting import Setting
from viz.memory import Places


def setting() -> Setting:
    """The fake's setting, with a receiver of reports and one of time differences."""
    plain = viz_fake.SETTING
    (radar, *_) = plain.sensors
    return replace(
        plain,
        sensors=(
            radar,
            replace(radar, id="reports", kind="ads-b", measured="position"),
            replace(radar, id="network/1", kind="time-difference", measured="time_difference"),
        ),
    )


def test_a_reported_position_is_where_it_says_and_a_time_difference_nowhere() -> None:
    places = Places.of(setting())
    said = [3000.0, -2000.0, 500.0, np.nan]
    plots = Plots.of(0.0, [1, 2, 0], [said, [1e-6] + 3 * [np.nan], [5e3, 0.0, 0.0, np.nan]], 1.0)
    found = places.of_plots(plots)
    turned = places.enu_R_sensor[1] @ np.array(said[:3])
    np.testing.assert_allclose(found[0], places.origin_enu_m[1] + turned)
    assert np.isnan(found[1]).all()
    assert abs(np.linalg.norm(found[2] - places.origin_enu_m[0]) - 5e3) < 1e-6
    assert places.reports(plots.sensor).tolist() == [True, False, False]


def test_settings_of_older_recordings_still_read() -> None:
    data = setting().to_json()
    for sensor in data["sensors"]:
        del sensor["measured"]
    assert {sensor.measured for sensor in Setting.from_json(data).sensors} == {"polar"}
