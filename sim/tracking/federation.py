"""Trackers of single sites: each has its own sensors, and speaks of them as everybody does."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Ints, Plots, Tracks
from sim.tracking.config import TrackerConfig
from sim.tracking.estimates import Estimates
from sim.tracking.intake import Rejected
from sim.tracking.registration import Biases
from sim.tracking.sensor_models import SensorModels
from sim.tracking.tracker import Tracker

_WORD = np.uint64(64)


class SiteTracker:
    """A tracker that knows some of a scenario's sensors, by the scenario's numbers.

    Parameters
    ----------
    config : settings
    sensors : all sensors of the scenario
    own : which of them are this site's
    """

    def __init__(self, config: TrackerConfig, sensors: SensorModels, own: Ints) -> None:
        self._own = own
        self._local = np.full(len(sensors), -1, np.int32)
        self._local[own] = np.arange(own.size)
        mine = SensorModels(*(getattr(sensors, f.name)[own] for f in fields(sensors)))
        references = [name for name in config.reference_sensors if name in mine.id]
        self._tracker = Tracker(config.model_copy(update={"reference_sensors": references}), mine)

    def process(self, plots: Plots, until_s: float) -> None:
        """Take this site's plots out of a table into its picture.

        Parameters
        ----------
        plots : of any of the scenario's sensors
        until_s : the picture's new time
        """
        local = self._local[plots.sensor]
        mine = local >= 0
        self._tracker.process(replace(plots.take(mine), sensor=local[mine]), until_s)

    def picture(self, time_s: float) -> Tracks:
        """Return all tracks, extrapolated to a time."""
        tracks = self._tracker.picture(time_s)
        return replace(tracks, sensors=self._known_to_all(tracks.sensors))

    def estimates(self, time_s: float) -> Estimates:
        """Return the confirmed tracks, extrapolated to a time, as told to others."""
        report = self._tracker.estimates(time_s)
        return replace(report, sensors=self._known_to_all(report.sensors))

    def biases(self) -> tuple[Ints, Biases] | None:
        """Return this site's sensors, by the scenario's numbers, and their estimated biases."""
        found = self._tracker.biases()
        return None if found is None else (self._own, found)

    @property
    def rejected(self) -> Rejected:
        """Plots that were dropped, and why."""
        return self._tracker.rejected

    def _known_to_all(self, sensors: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Turn bits that stand for this site's sensors into those of the scenario's."""
        result = np.zeros_like(sensors)
        for local, number in enumerate(self._own.astype(np.uint64)):
            used = (sensors >> np.uint64(local) % _WORD) & np.uint64(1)
            result |= used << number % _WORD
        return result
