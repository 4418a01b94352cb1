"""Trackers of single sites: each has its own sensors, and speaks of them as everybody does."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Indices, Ints, Plots, Tracks
from sim.tracking.config import TrackerConfig
from sim.tracking.estimates import Estimates
from sim.tracking.intake import Rejected
from sim.tracking.registration import Biases
from sim.tracking.sensor_models import Poses, SensorModels
from sim.tracking.tracker import Tracker

_WORD = np.uint64(64)


class SiteTracker:
    """A tracker that knows some of a scenario's sensors, by the scenario's numbers.

    Parameters
    ----------
    config : settings
    sensors : all sensors of the scenario
    own : which of them are this site's
    keep_latest : as for ``Tracker``
    """

    def __init__(
        self,
        config: TrackerConfig,
        sensors: SensorModels,
        own: Ints,
        *,
        keep_latest: bool = False,
    ) -> None:
        self._own = own
        self._local = np.full(len(sensors), -1, np.int32)
        self._local[own] = np.arange(own.size)
        mine = SensorModels(*(getattr(sensors, f.name)[own] for f in fields(sensors)))
        references = [name for name in config.reference_sensors if name in mine.id]
        settings = config.model_copy(update={"reference_sensors": references})
        self._tracker = Tracker(settings, mine, keep_latest=keep_latest)

    def move_sensors(self, poses: Poses) -> None:
        """Tell where moving sensors are, this site's and others, as ``Tracker`` is told."""
        mine = poses.take(self._local[poses.sensor] >= 0)
        if len(mine):
            self._tracker.move_sensors(replace(mine, sensor=self._local[mine.sensor]))

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
        return self.states(time_s).as_tracks()

    def states(self, time_s: float) -> Estimates:
        """Return all tracks of ``picture`` with full states."""
        states = self._tracker.states(time_s)
        return replace(states, sensors=self._known_to_all(states.sensors))

    def estimates(self, time_s: float) -> Estimates:
        """Return the confirmed tracks, extrapolated to a time, as told to others."""
        report = self._tracker.estimates(time_s)
        return replace(report, sensors=self._known_to_all(report.sensors))

    def biases(self) -> tuple[Ints, Biases] | None:
        """Return this site's sensors, by the scenario's numbers, and their estimated biases."""
        found = self._tracker.biases()
        return None if found is None else (self._own, found)

    def latest_taken(self) -> tuple[Plots, Ints]:
        """Return the plots that confirmed tracks took since the last call, as ``Tracker``."""
        plots, number = self._tracker.latest_taken()
        return replace(plots, sensor=self._own[plots.sensor]), number

    @property
    def rejected(self) -> Rejected:
        """Plots that were dropped, and why."""
        return self._tracker.rejected

    @property
    def rejected_by_sensor(self) -> Indices:
        """(S + 1, 5) of them by the scenario's sensors and reason, as ``Tracker``."""
        counts = np.zeros((self._local.size + 1, len(fields(Rejected))), np.int64)
        counts[np.append(self._own, -1)] = self._tracker.rejected_by_sensor
        return counts

    def _known_to_all(self, sensors: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Turn bits that stand for this site's sensors into those of the scenario's."""
        result = np.zeros_like(sensors)
        for local, number in enumerate(self._own.astype(np.uint64)):
            used = (sensors >> np.uint64(local) % _WORD) & np.uint64(1)
            result |= used << number % _WORD
        return result
