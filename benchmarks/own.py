"""This project's tracker on the radar scene."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from benchmarks import told
from benchmarks.radar_scenes import PD, PERIOD_S, sensors
from sim.core.tables import Floats, Plots, Tracks
from sim.tracking import SensorModels, Tracker, TrackerConfig


class UnsupportedError(Exception):
    """The tracker does not know these settings."""


def tracker(sensors: SensorModels, settings: dict[str, Any]) -> Tracker:
    """Return a tracker.

    Raises
    ------
    UnsupportedError
        If the settings are not known, or not together.
    """
    try:
        return Tracker(TrackerConfig(**settings), sensors)
    except ValidationError as error:
        raise UnsupportedError(error.errors()[0]["msg"]) from error
    except NotImplementedError as error:
        raise UnsupportedError(str(error)) from error


def straight_settings(**more: Any) -> dict[str, Any]:
    """Return what all contestants are told, as settings of this tracker."""
    return {
        "process_noise_m2ps3": told.Q_HORIZONTAL,
        "vertical_process_noise_m2ps3": told.Q_VERTICAL,
        "start_speed_sigma_mps": told.START_SPEED_SIGMA_MPS,
        "start_climb_sigma_mps": told.START_CLIMB_SIGMA_MPS,
        "gate_probability": told.GATE_PROBABILITY,
        "detection_probability": PD,
        "confirm_hits": told.CONFIRM_HITS,
        "confirm_looks": told.CONFIRM_LOOKS,
        # A look that is due and not yet over is no miss.
        "coast_max_s": (told.MISSES_MAX - 0.25) * PERIOD_S,
    } | more


class Airpicture:
    """A contestant; ``settings`` go to ``TrackerConfig`` on top of what all are told."""

    def __init__(self, **settings: Any) -> None:
        self._tracker = tracker(sensors(), straight_settings(**settings))

    def scan(self, time_s: float, plots: Plots) -> None:
        self._tracker.process(plots, until_s=time_s)

    def picture(self) -> Tracks:
        """Return all tracks."""
        return self._tracker.picture()

    def confirmed(self) -> tuple[Any, Floats]:
        picture = self._tracker.picture()
        rows = picture.confirmed
        return picture.number[rows], picture.position_enu_m[rows]
