"""What the screen still shows of the past: recent plots and the trails of living tracks.

Bounded by what is on the picture now: a dropped track takes its trail with it, and a
plot is forgotten after ``AFTERGLOW_S``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import (
    AZIMUTH,
    ELEVATION,
    RANGE,
    Bools,
    Bytes,
    Floats,
    Ints,
    Plots,
    Snapshot,
)
from sim.record.setting import Setting
from viz.geography import Geography

AFTERGLOW_S = 10.0
TRAIL_DOTS = 12
TRAIL_INTERVAL_S = 5.0


@dataclass(frozen=True)
class Places:
    """Where the sensors stand and how they are turned, for putting plots on the map."""

    origin_enu_m: Floats  # (S, 3)
    enu_R_sensor: Floats  # (S, 3, 3)
    range_max_m: Floats  # (S,)
    geography: Geography
    measured: tuple[str, ...]  # (S,) names of ``Measured``

    @classmethod
    def of(cls, setting: Setting) -> Places:
        """Return the places of a setting's sensors."""
        geography = Geography.at(
            setting.origin_latitude_rad, setting.origin_longitude_rad, setting.origin_height_m
        )
        origin = np.array([s.position_enu_m for s in setting.sensors], float).reshape(-1, 3)
        return cls(
            origin_enu_m=origin,
            enu_R_sensor=geography.enu_R_local(origin),
            range_max_m=np.array([s.range_max_m for s in setting.sensors], float),
            geography=geography,
            measured=tuple(s.measured for s in setting.sensors),
        )

    def reports(self, sensor: Ints) -> Bools:
        """Tell which plots (N,), of the given sensors, are reported positions."""
        return np.array([kind == "position" for kind in self.measured], np.bool_)[sensor]

    def at(self, snapshot: Snapshot) -> Places:
        """Return the places at a snapshot's time; a sensor that is off stays where it was."""
        if not len(snapshot.sensor_position_enu_m):
            return self
        on = ~np.isnan(snapshot.sensor_position_enu_m[:, :1])
        origin = np.where(on, snapshot.sensor_position_enu_m, self.origin_enu_m)
        axes = self.geography.enu_R_local(origin)
        return replace(self, origin_enu_m=origin, enu_R_sensor=axes)

    def of_plots(self, plots: Plots) -> Floats:
        """Return positions (N, 3) of plots in scenario ENU.

        An elevation that was not measured counts as zero, as on a two-dimensional
        radar's own screen; a range that was not measured, as the sensor's limit; a bistatic
        path as half a range. NaN without azimuth, and of time differences.
        """
        polar = plots.measurement
        kinds = np.array(self.measured, np.str_)[plots.sensor]
        range_m = np.where(
            np.isnan(polar[:, RANGE]), self.range_max_m[plots.sensor], polar[:, RANGE]
        )
        range_m = np.where(kinds == "bistatic", 0.5 * range_m, range_m)
        azimuth_rad = polar[:, AZIMUTH]
        elevation_rad = np.nan_to_num(polar[:, ELEVATION], nan=0.0)
        ground_m = range_m * np.cos(elevation_rad)
        local = np.stack(
            [
                ground_m * np.sin(azimuth_rad),
                ground_m * np.cos(azimuth_rad),
                range_m * np.sin(elevation_rad),
            ],
            axis=-1,
        )
        reported = kinds == "position"
        local[reported] = np.nan_to_num(polar[reported, :3])
        local[kinds == "time_difference"] = np.nan
        turned = np.einsum("nij,nj->ni", self.enu_R_sensor[plots.sensor], local)
        placed: Floats = self.origin_enu_m[plots.sensor] + turned
        return placed


@dataclass(frozen=True)
class Memory:
    """Plots of the last seconds and trails of the tracks, latest dot first.

    Attributes
    ----------
    plot_time_s, plot_enu_m, plot_sensor : (P,), (P, 3), (P,)
    plot_bearing_only, plot_reported : (P,) whether the plot is a direction without range, and
        a position that somebody reports
    trail_number : (N,) track numbers, ascending
    trail_enu_m : (N, TRAIL_DOTS, 2), NaN where the track is younger
    sampled_s : time of the latest dots
    effect_time_s, effect_enu_m, effect_result : (F,), (F, 3), (F,) of shots that arrived
    """

    plot_time_s: Floats
    plot_enu_m: Floats
    plot_sensor: Ints
    plot_bearing_only: Bools
    plot_reported: Bools
    trail_number: Ints
    trail_enu_m: Floats
    sampled_s: float
    effect_time_s: Floats
    effect_enu_m: Floats
    effect_result: Bytes

    @classmethod
    def empty(cls) -> Memory:
        """Return a memory without a past."""
        return cls(
            plot_time_s=np.empty(0),
            plot_enu_m=np.empty((0, 3)),
            plot_sensor=np.empty(0, np.int32),
            plot_bearing_only=np.empty(0, np.bool_),
            plot_reported=np.empty(0, np.bool_),
            trail_number=np.empty(0, np.int32),
            trail_enu_m=np.empty((0, TRAIL_DOTS, 2)),
            sampled_s=-np.inf,
            effect_time_s=np.empty(0),
            effect_enu_m=np.empty((0, 3)),
            effect_result=np.empty(0, np.uint8),
        )

    def after(self, snapshot: Snapshot, places: Places) -> Memory:
        """Return the memory with one more snapshot in it."""
        plots = snapshot.plots
        oldest_s = snapshot.time_s - AFTERGLOW_S
        kept = self.plot_time_s > oldest_s
        plots = plots.take(plots.time_s > oldest_s)
        number, trail, sampled_s = self._trails(snapshot)
        effects = snapshot.defence.effects
        lately = self.effect_time_s > oldest_s
        return Memory(
            plot_time_s=np.concatenate([self.plot_time_s[kept], plots.time_s]),
            plot_enu_m=np.concatenate([self.plot_enu_m[kept], places.of_plots(plots)]),
            plot_sensor=np.concatenate([self.plot_sensor[kept], plots.sensor]),
            plot_bearing_only=np.concatenate(
                [self.plot_bearing_only[kept], np.isnan(plots.measurement[:, RANGE])]
            ),
            plot_reported=np.concatenate([self.plot_reported[kept], places.reports(plots.sensor)]),
            trail_number=number,
            trail_enu_m=trail,
            sampled_s=sampled_s,
            effect_time_s=np.concatenate([self.effect_time_s[lately], effects.shots.effect_s]),
            effect_enu_m=np.concatenate([self.effect_enu_m[lately], effects.shots.aim_enu_m]),
            effect_result=np.concatenate([self.effect_result[lately], effects.result]),
        )

    def _trails(self, snapshot: Snapshot) -> tuple[Ints, Floats, float]:
        if snapshot.time_s - self.sampled_s < TRAIL_INTERVAL_S:
            return self.trail_number, self.trail_enu_m, self.sampled_s
        order = np.argsort(snapshot.tracks.number)
        number = snapshot.tracks.number[order]
        trail = np.full((number.size, TRAIL_DOTS, 2), np.nan)
        trail[:, 0] = snapshot.tracks.position_enu_m[order, :2]
        _, now, before = np.intersect1d(
            number, self.trail_number, assume_unique=True, return_indices=True
        )
        trail[now, 1:] = self.trail_enu_m[before, :-1]
        return number, trail, snapshot.time_s

    def trails_of(self, numbers: Ints) -> Floats:
        """Return trails (N, TRAIL_DOTS, 2) of the given track numbers, NaN for new ones."""
        trail = np.full((numbers.size, TRAIL_DOTS, 2), np.nan)
        if self.trail_number.size:
            row: NDArray[np.intp] = np.searchsorted(self.trail_number, numbers)
            row = np.minimum(row, self.trail_number.size - 1)
            known = self.trail_number[row] == numbers
            trail[known] = self.trail_enu_m[row[known]]
        return trail
