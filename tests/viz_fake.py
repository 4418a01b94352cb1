"""A small made-up run for the viewer's tests: known positions, two radars, one corridor."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sim.core.tables import (
    FALSE_ALARM,
    Floats,
    Identity,
    Plots,
    Snapshot,
    Tracks,
    TrackStatus,
    Truth,
)
from sim.record.setting import ProtectedFacts, SensorFacts, Setting, TargetFacts

SETTING = Setting(
    scenario="made-up",
    title="A made-up run",
    start="2025-10-13T14:00:00Z",
    duration_s=60.0,
    origin_latitude_rad=math.radians(50.243),
    origin_longitude_rad=math.radians(4.646),
    origin_height_m=280.0,
    sensors=(
        SensorFacts("north", "radar", "site-a", (0.0, 20_000.0, 0.0), 60_000.0, 4.0),
        SensorFacts("stare", "radar", "site-b", (-15_000.0, 0.0, 0.0), 5_000.0, 1.0),
    ),
    targets=(
        TargetFacts("lightning-1", "lightning", "fighter", "friend", "lightning-1"),
        TargetFacts("spotter", "spotter", "mini-drone", "unknown", "spotter"),
        TargetFacts("late", "late", "airliner", "neutral", "late"),
    ),
    protected=(
        ProtectedFacts("approach", "corridor", ((-12e3, 4e3, 0.0), (0.0, 0.0, 0.0)), 2000.0),
        ProtectedFacts("base", "point", ((0.0, 0.0, 0.0),), 4000.0),
    ),
)

#: East, north, up and velocity of the tracks at t = 0.
POSITION = np.array(
    [
        (10e3, 10e3, 3000.0),
        (-8e3, -9e3, 100.0),
        (14e3, -6e3, 9000.0),
        (-20e3, 12e3, 5000.0),
        (3e3, -6e3, 2000.0),
    ]
)
VELOCITY = np.array(
    [(-200.0, 0, -10), (0, 10.0, 0), (0, -230.0, 0), (100.0, 100.0, 0), (50.0, 0, 0)]
)
NUMBERS = np.array([1, 2, 5, 7, 9], np.int32)
STATUS = np.array(
    [
        TrackStatus.CONFIRMED,
        TrackStatus.CONFIRMED,
        TrackStatus.COASTING,
        TrackStatus.CONFIRMED,
        TrackStatus.TENTATIVE,
    ],
    np.uint8,
)
IDENTITY = np.array(
    [
        Identity.FRIEND,
        Identity.UNKNOWN,
        Identity.NEUTRAL,
        Identity.PENDING,
        Identity.PENDING,
    ],
    np.uint8,
)


def plots_at(time_s: Floats, sensor: list[int], measurement: list[tuple[float, ...]]) -> Plots:
    """Return plots with the given polar measurements."""
    count = len(sensor)
    return Plots(
        time_s=np.asarray(time_s, float),
        sensor=np.array(sensor, np.int32),
        measurement=np.array(measurement, float).reshape(count, 4),
        sigma=np.ones((count, 4)),
        snr_db=np.full(count, 20.0),
        reply=np.zeros(count, np.uint8),
        truth_id=np.full(count, FALSE_ALARM, np.int32),
    )


def snapshot_at(time_s: float) -> Snapshot:
    """Return the picture at a time, with one plot per step."""
    count = len(NUMBERS)
    position = POSITION + VELOCITY * time_s
    covariance = np.tile(np.diag([300.0**2, 100.0**2, 200.0**2]), (count, 1, 1))
    present = np.array([True, True, False])
    truth_position = np.where(present[:, None], position[:3] + np.array([50.0, -50.0, 0.0]), np.nan)
    return Snapshot(
        time_s=time_s,
        truth=Truth(
            time_s, truth_position, np.where(present[:, None], VELOCITY[:3], np.nan), present
        ),
        plots=plots_at(np.array([time_s - 0.5]), [0], [(10e3 + 100 * time_s, 0.5, 0.02, np.nan)]),
        tracks=Tracks(
            time_s=time_s,
            number=NUMBERS,
            position_enu_m=position,
            velocity_enu_mps=VELOCITY,
            position_covariance_m2=covariance,
            status=STATUS,
            last_plot_s=np.full(count, time_s - 0.5),
            hits=np.full(count, 12, np.int32),
            sensors=np.array([3, 1, 1, 2, 1], np.uint64),
            replies=np.tile(np.array([[3, 0, 9]], np.int32), (count, 1)),
            identity=IDENTITY,
        ),
        beam_azimuth_rad=np.array([2 * np.pi * time_s / 4.0, np.nan]),
        detectability=np.full(3, 0.9),
        visibility=np.full(3, 7, np.uint8),
        best_sensor=np.zeros(3, np.int32),
        rejected=0,
    )


def steps(step_s: float = 1.0) -> Iterator[Snapshot]:
    """Make the run step by step."""
    for k in range(1, int(SETTING.duration_s / step_s) + 1):
        yield snapshot_at(k * step_s)


class FakeRecording:
    """A recording of the made-up run, one picture per second."""

    setting = SETTING

    def __init__(self) -> None:
        self.times_s = np.arange(1.0, SETTING.duration_s + 0.5)

    def snapshot(self, time_s: float) -> Snapshot:
        index = int(np.searchsorted(self.times_s, time_s, side="right")) - 1
        assert index >= 0, "asked for a time before the first picture"
        return replace(snapshot_at(float(self.times_s[index])), plots=Plots.empty())

    def plots_between(self, start_s: float, end_s: float) -> Plots:
        tables = [snapshot_at(float(t)).plots for t in self.times_s]
        plots = Plots.concatenate(tables)
        return plots.take((plots.time_s > start_s) & (plots.time_s <= end_s))
