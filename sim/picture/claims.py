"""Tracks that rest on reports alone, where a sensor that needs none ought to see the target."""

from __future__ import annotations

import numpy as np

from sim.core.tables import Ints, Measured, Tracks, TrackStatus
from sim.tracking.policy import SensorColumns
from sim.tracking.sight import surest_look

#: A sensor ought to see what it would detect with this probability, and has so many looks to.
_SURE = 0.9
_LOOKS = 3


class Claims:
    """Watches over confirmed tracks that took reported positions and nothing else.

    A report is what somebody says. Where a radar would see the target that it speaks of and
    does not, look after look, the report is not corroborated: its sender is elsewhere, is
    nobody, or is harder to see than the radar's model expects. What to make of it is left to
    the reader: no identity changes.
    """

    def __init__(self, sensors: SensorColumns) -> None:
        self._sensors = sensors
        self._hears_reports = bool((sensors.kind == Measured.POSITION).any())
        bit = np.uint64(1) << (np.arange(sensors.period_s.size) % 64).astype(np.uint64)
        self._not_reports = np.bitwise_or.reduce(
            bit[sensors.kind != Measured.POSITION], initial=np.uint64(0)
        )
        self._since_s: dict[int, float] = {}

    def judge(self, tracks: Tracks) -> Ints:
        """Return number and sensor (K, 2) of tracks not corroborated by the sensor named."""
        if not self._hears_reports:
            return np.empty((0, 2), np.int32)
        alone = (tracks.status != TrackStatus.TENTATIVE) & (tracks.sensors != 0)
        alone &= (tracks.sensors & self._not_reports) == 0
        rows = np.flatnonzero(alone)
        place = np.ascontiguousarray(tracks.position_enu_m[rows])
        since_s: dict[int, float] = {}
        found = []
        for number, sensor in zip(
            tracks.number[rows].tolist(),
            surest_look(place, self._sensors, _SURE).tolist(),
            strict=True,
        ):
            if sensor < 0:
                continue
            since_s[number] = self._since_s.get(number, tracks.time_s)
            if tracks.time_s - since_s[number] > _LOOKS * self._sensors.period_s[sensor]:
                found.append((number, sensor))
        self._since_s = since_s
        return np.array(found, np.int32).reshape(-1, 2)
