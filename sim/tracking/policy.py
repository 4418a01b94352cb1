"""Sensors and settings as kernels take them."""

from __future__ import annotations

from typing import NamedTuple

from sim.core.tables import Floats


class SensorColumns(NamedTuple):
    """``SensorModels`` as kernels take them; ``gain`` (S,) is what a pair gains."""

    origin_enu_m: Floats
    enu_R_sensor: Floats
    height_m: Floats
    period_s: Floats
    gain: Floats


class Policy(NamedTuple):
    """``TrackerConfig`` as kernels take it; ``gates`` (5,) by measured components."""

    q_horizontal: float
    q_vertical: float
    gates: Floats
    start_height_m: float
    start_height_sigma_m: float
    start_speed_sigma_mps: float
    start_climb_sigma_mps: float
    confirm_hits: int
    confirm_looks: int
    coast_max_s: float
    position_variance_max_m2: float
