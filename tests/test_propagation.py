"""The 4/3-earth horizon against independently computed numbers."""

from __future__ import annotations

import pytest

from sensors.propagation import above_horizon, horizon_distance_m


def test_horizon_of_thirty_metres() -> None:
    assert horizon_distance_m(30.0) == pytest.approx(22_576.0, abs=0.5)


@pytest.mark.parametrize(("height_m", "reach_km"), [(50.0, 47.6), (100.0, 59.7), (300.0, 89.8)])
def test_mast_of_twenty_metres_against_a_target(height_m: float, reach_km: float) -> None:
    """Printed to 0.1 km: seen 60 m before the printed distance, not 60 m beyond it."""
    assert above_horizon((reach_km - 0.06) * 1e3, 20.0, height_m)
    assert not above_horizon((reach_km + 0.06) * 1e3, 20.0, height_m)


def test_below_ground_counts_as_on_the_ground() -> None:
    assert horizon_distance_m(-5.0) == 0.0
    assert not above_horizon(1.0, -5.0, 0.0)
