"""The tracker's face: sound plots go to an engine cycle by cycle; the picture comes back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sim.core.tables import Bools, Plots, Tracks
from sim.tracking.config import TrackerConfig
from sim.tracking.cycle import Cycle, cycle_of
from sim.tracking.sensor_models import SensorModels

_RANGE_LIMIT_M = 1e8
_SPEED_LIMIT_MPS = 1e5


class Engine(Protocol):
    """Either engine: the same plots give the same tracks."""

    def cycle(self, cycle: Cycle, end_s: float) -> None:
        """Take one cycle's plots, then confirm and drop as of ``end_s``."""

    def picture(self, time_s: float) -> Tracks:
        """Return all tracks, extrapolated to ``time_s``."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Plots that were dropped: not numbers or out of range, and older than the picture."""

    broken: int = 0
    late: int = 0

    @property
    def total(self) -> int:
        """All dropped plots."""
        return self.broken + self.late


class Tracker:
    """Plots of several sensors in, one air picture out.

    Parameters
    ----------
    config : settings
    sensors : one row per sensor that ``Plots.sensor`` may name

    Notes
    -----
    The time between two calls is split into cycles of at most ``config.cycle_s`` and half
    the shortest sensor period: within a cycle every sensor's plots are paired with the
    tracks as they stood at its beginning, then each track is updated in order of time. Time
    never runs backwards: a plot older than the last call's ``until_s`` is dropped and counted.
    """

    def __init__(self, config: TrackerConfig, sensors: SensorModels) -> None:
        self.config = config
        self.sensors = sensors
        self.time_s = -math.inf
        self.rejected = Rejected()
        self._no_plots = cycle_of(Plots.empty())
        shortest = float(sensors.period_s.min()) if len(sensors) else math.inf
        self._cycle_s = min(config.cycle_s, 0.5 * shortest)
        self._engine = _engine(config, sensors)

    def process(self, plots: Plots, until_s: float | None = None) -> None:
        """Take plots into the picture.

        Parameters
        ----------
        plots : any number, of any sensors, in any order; ``truth_id`` is not read
        until_s : the picture's new time, by default the latest plot's; plots after it are
            taken too and move it on
        """
        sound = self._sound(plots)
        end_s = float(sound.time_s.max(initial=self.time_s if until_s is None else until_s))
        if end_s == -math.inf:
            return
        start_s = min(self.time_s, end_s)
        if start_s == -math.inf:
            start_s = float(sound.time_s.min(initial=end_s))
        cycles = max(1, math.ceil((end_s - start_s) / self._cycle_s - 1e-9))
        if cycles == 1:
            self._engine.cycle(cycle_of(sound), end_s)
            self.time_s = max(self.time_s, end_s)
            return
        length_s = (end_s - start_s) / cycles
        slot = np.ceil((sound.time_s - start_s) / max(length_s, 1e-9)).astype(np.int64) - 1
        slot = np.clip(slot, 0, cycles - 1)
        due = -1
        for k in np.unique(np.append(slot, cycles - 1)):
            if k > due + 1:  # cycles without plots: tracks age in silence
                self._engine.cycle(self._no_plots, start_s + k * length_s)
            cycle_end_s = end_s if k == cycles - 1 else start_s + (k + 1) * length_s
            self._engine.cycle(cycle_of(sound.take(slot == k)), cycle_end_s)
            due = k
        self.time_s = max(self.time_s, end_s)

    def picture(self, time_s: float | None = None) -> Tracks:
        """Return all tracks, extrapolated to ``time_s`` (default: the tracker's time)."""
        return self._engine.picture(self.time_s if time_s is None else time_s)

    def _sound(self, plots: Plots) -> Plots:
        """Drop and count broken and late plots; bring the others into canonical form."""
        if len(plots) == 0:
            return plots
        known = (plots.sensor >= 0) & (plots.sensor < len(self.sensors))
        sensor = np.where(known, plots.sensor, 0)
        measures = self.sensors.measures[sensor] if len(self.sensors) else np.zeros((len(plots), 4))
        measures = measures.astype(np.bool_)
        sound = known & _in_bounds(plots, measures)
        late = sound & (plots.time_s < self.time_s)
        self.rejected = Rejected(
            self.rejected.broken + int((~sound).sum()), self.rejected.late + int(late.sum())
        )
        rows = sound & ~late
        kept, measures = plots.take(rows), measures[rows]
        measurement = np.where(measures, kept.measurement, np.nan)
        measurement[:, 1] = np.mod(measurement[:, 1], 2.0 * np.pi)
        return Plots(
            kept.time_s,
            kept.sensor,
            measurement,
            np.where(measures, kept.sigma, np.nan),
            kept.snr_db,
            kept.reply,
            kept.truth_id,
        )


def _in_bounds(plots: Plots, measures: Bools) -> Bools:
    """Tell which plots are numbers, and possible ones, in every measured component."""
    with np.errstate(invalid="ignore"):
        limits = np.array([_RANGE_LIMIT_M, 4.0 * np.pi, 0.5 * np.pi, _SPEED_LIMIT_MPS])
        possible = (np.abs(plots.measurement) <= limits) & (plots.sigma > 0) & (plots.sigma < 1e9)
        in_bounds: Bools = (
            (possible | ~measures).all(axis=1)
            & (plots.measurement[:, 0] > 0)
            & np.isfinite(plots.time_s)
            & (plots.reply < 3)
        )
    return in_bounds


def _engine(config: TrackerConfig, sensors: SensorModels) -> Engine:
    if config.engine == "filterpy":
        from sim.tracking.reference import ReferenceEngine

        return ReferenceEngine(config, sensors)
    from sim.tracking.compiled import CompiledEngine

    return CompiledEngine(config, sensors)
