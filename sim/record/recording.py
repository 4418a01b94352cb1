"""Reading a run folder, finished, stopped or killed."""

from __future__ import annotations

import json
import math
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sim.core.shots import DefenceStep
from sim.core.tables import Floats, Plots, Snapshot, Truth, Visibility
from sim.core.workload import Workload
from sim.record.defence import DefencePlayback
from sim.record.setting import Setting
from sim.record.tables import (
    EFFECTOR_STATES,
    HYPOTHESES,
    IDENTIFICATION,
    SCHEMAS,
    SENSOR_NOISE,
    SENSOR_PLACES,
    SHOTS,
    THREATS,
    WORKLOAD,
    Columns,
    Vocabulary,
)
from sim.record.workload import workloads_of
from sim.record.writer import MANIFEST, TIME_SLACK_S, part_files


class RecordingError(Exception):
    """A folder that is no readable recording; the message says why."""


class Recording:
    """A run folder.

    Attributes
    ----------
    folder : where it lies
    manifest : the content of manifest.json
    setting : what did not change during the run
    times_s : (K,) times at which truth and picture were recorded, empty ones too
    """

    def __init__(
        self, folder: Path, manifest: dict[str, Any], setting: Setting, times_s: Floats
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.setting = setting
        self.times_s = times_s
        self._vocabulary = Vocabulary.of(setting)

    @classmethod
    def open(cls, folder: Path) -> Recording:
        """Open a run folder.

        Raises
        ------
        RecordingError
            If there is no manifest, or it cannot be understood.
        """
        path = folder / MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            setting = Setting.from_json(manifest["setting"])
            times_s = _record_times_s(manifest["interval_s"], manifest["recorded_until_s"])
        except (FileNotFoundError, NotADirectoryError):
            raise RecordingError(f"{folder}: no recording here ({MANIFEST} is missing)") from None
        except KeyError as error:
            raise RecordingError(f"{path}: not a manifest: {error} is missing") from None
        except (OSError, UnicodeDecodeError, ValueError, TypeError) as error:
            raise RecordingError(f"{path}: not a manifest this version can read: {error}") from None
        return cls(folder, manifest, setting, times_s)

    @property
    def state(self) -> str:
        """``running`` (or killed), ``complete`` or ``stopped``."""
        return str(self.manifest.get("state", "running"))

    def table(self, name: str) -> pa.Table:
        """Return one table: truth, plots, tracks, events, or one that some runs have.

        Raises
        ------
        RecordingError
            If a file is damaged or of another kind.
        """
        whole = self.folder / f"{name}.parquet"
        paths = [whole] if whole.exists() else part_files(self.folder, name)
        tables = []
        for path in paths:
            try:
                table = pq.read_table(path)
            except (pa.ArrowException, OSError) as error:
                raise RecordingError(f"{path}: not a readable Parquet file: {error}") from None
            if table.schema != SCHEMAS[name]:
                raise RecordingError(f"{path}: its columns are not those of {name}")
            tables.append(table)
        return pa.concat_tables(tables) if tables else SCHEMAS[name].empty_table()

    def columns(self, name: str) -> Columns:
        """Return one table as arrays."""
        return Columns(self.table(name), self._vocabulary)

    @cached_property
    def _truth(self) -> Columns:
        return self.columns("truth")

    @cached_property
    def _tracks(self) -> Columns:
        return self.columns("tracks")

    @cached_property
    def _sensor_places(self) -> tuple[Floats, Any, Floats]:
        table = self.columns(SENSOR_PLACES)
        codes = table.codes("sensor", self._vocabulary.sensors)
        return table.numbers("time_s"), codes, table.position_enu_m

    @cached_property
    def workloads(self) -> tuple[Floats, Workload]:
        """Times (W,) of steps, and what each scheduled radar's took."""
        return workloads_of(self.columns(WORKLOAD), self._vocabulary)

    def workload(self, time_s: float) -> Workload:
        """What the step that ended at a time took, as ``Snapshot.workload``."""
        times_s, workloads = self.workloads
        return workloads.take(_rows_at(times_s, time_s))

    @cached_property
    def plots(self) -> Plots:
        """All plots, in order of recording."""
        return self.columns("plots").plots()

    def plots_between(self, start_s: float, end_s: float) -> Plots:
        """Return the plots of start_s < time <= end_s."""
        order, time_s = self._plots_by_time
        first, last = np.searchsorted(time_s, [start_s, end_s], side="right")
        return self.plots.take(np.sort(order[first:last]))

    @cached_property
    def _plots_by_time(self) -> tuple[NDArray[np.intp], Floats]:
        order = np.argsort(self.plots.time_s)
        return order, self.plots.time_s[order]

    def snapshot(self, time_s: float) -> Snapshot:
        """Return the last picture at or before a time, with the plots since the one before.

        Before the first recorded time it is empty.
        """
        k = int(np.searchsorted(self.times_s, time_s + TIME_SLACK_S)) - 1
        at_s = float(self.times_s[k]) if k >= 0 else time_s
        before_s = float(self.times_s[k - 1]) if k > 0 else -np.inf
        n = len(self.setting.targets)
        truth_rows = _rows_at(self._truth.numbers("time_s"), at_s)
        target = self._target_codes[truth_rows]
        position, velocity = np.full((n, 3), np.nan), np.full((n, 3), np.nan)
        position[target] = self._truth_position[truth_rows]
        velocity[target] = self._truth_velocity[truth_rows]
        detectability = np.full(n, np.nan)
        visibility = np.full(n, Visibility.ABSENT, np.uint8)
        best_sensor = np.full(n, -1, np.int32)
        present, misled = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        present[target] = True
        misled[target] = self._truth.numbers("misled")[truth_rows]
        detectability[target] = self._truth.numbers("detectability")[truth_rows]
        visibility[target] = self._visibility_codes[truth_rows]
        best_sensor[target] = self._best_sensor_codes[truth_rows]
        tracks = self._tracks.tracks(at_s, _rows_at(self._tracks.numbers("time_s"), at_s))
        evidence, identity_probability = self.identified(at_s, tracks.number)
        return Snapshot(
            time_s=at_s,
            truth=Truth(at_s, position, velocity, present),
            plots=self.plots_between(before_s, at_s) if k >= 0 else Plots.empty(),
            tracks=tracks,
            beam_azimuth_rad=self.beam_azimuth_rad(at_s),
            detectability=detectability,
            visibility=visibility,
            best_sensor=best_sensor,
            rejected=int(self.manifest.get("rejected_plots", 0)),
            misled=misled,
            sensor_position_enu_m=self.sensor_position_enu_m(at_s),
            sensor_noise_db=self.sensor_noise_db(at_s),
            evidence=evidence,
            identity_probability=identity_probability,
            defence=self.defence(at_s, before_s, position),
        )

    @cached_property
    def _defence(self) -> DefencePlayback:
        return DefencePlayback(
            self.columns(SHOTS),
            self.columns(EFFECTOR_STATES),
            self.columns(THREATS),
            self._vocabulary,
        )

    def defence(self, time_s: float, since_s: float, position_enu_m: Floats) -> DefenceStep:
        """Return what effectors did until a time, and what arrived since another.

        Parameters
        ----------
        position_enu_m : (N, 3) of the targets, which may carry effectors
        """
        effectors = self.setting.effectors
        if not effectors:
            return DefenceStep()
        places = np.array([effector.position_enu_m for effector in effectors])
        for row, effector in enumerate(effectors):
            if effector.carrier is not None:
                places[row] = position_enu_m[self._vocabulary.targets.index(effector.carrier)]
        return self._defence.at(time_s, since_s, places)

    @cached_property
    def identification(self) -> tuple[Floats, NDArray[np.int32], NDArray[np.uint32], Floats]:
        """Time (W,), track number (W,), evidence (W,) and probability (W, 3), by time.

        Probabilities of friend, neutral, hostile; no rows where no evidence was weighed.
        """
        table = self.columns(IDENTIFICATION)
        number, evidence = table.numbers("number"), table.numbers("evidence")
        return table.numbers("time_s"), number, evidence, table.stacked(HYPOTHESES)

    def identified(
        self, time_s: float, number: NDArray[np.int32]
    ) -> tuple[NDArray[np.uint32], Floats]:
        """Return evidence and probabilities of the tracks at a time, as of ``Snapshot``."""
        times_s, numbers, evidence, probability = self.identification
        if not times_s.size:
            return np.empty(0, np.uint32), np.empty((0, 3))
        rows = _rows_at(times_s, time_s)
        bits, every = np.zeros(number.size, np.uint32), np.full((number.size, 3), np.nan)
        _, here, there = np.intersect1d(number, numbers[rows], return_indices=True)
        bits[here], every[here] = evidence[rows][there], probability[rows][there]
        return bits, every

    def sensor_position_enu_m(self, time_s: float) -> Floats:
        """Where the sensors were at the end of a step, as ``Snapshot.sensor_position_enu_m``."""
        carried = np.array([sensor.carrier is not None for sensor in self.setting.sensors], bool)
        if not carried.any():
            return np.empty((0, 3))
        place = np.array([sensor.position_enu_m for sensor in self.setting.sensors])
        place[carried] = np.nan
        times_s, sensor, position = self._sensor_places
        rows = _rows_at(times_s, time_s)
        place[sensor[rows]] = position[rows]
        return place

    @cached_property
    def _sensor_noise(self) -> tuple[Columns, Floats, Any]:
        table = self.columns(SENSOR_NOISE)
        codes = table.codes("sensor", self._vocabulary.sensors)
        return table, table.numbers("time_s"), codes

    @property
    def hindered(self) -> NDArray[np.int32]:
        """Rows of the sensors whose noise was ever up."""
        return np.unique(self._sensor_noise[2]).astype(np.int32)

    def sensor_noise_db(self, time_s: float) -> Floats:
        """Return the sensors' noise at the end of a step, as ``Snapshot.sensor_noise_db``."""
        table, times_s, sensor = self._sensor_noise
        if not len(table):
            return np.empty((0, 1))
        noise_db = np.zeros((len(self.setting.sensors), self._noise_sectors))
        rows = _rows_at(times_s, time_s)
        if rows.stop > rows.start:
            noise_db[sensor[rows]] = table.lists("noise_db", rows)
        return noise_db

    @cached_property
    def _noise_sectors(self) -> int:
        return int(self._sensor_noise[0].lists("noise_db", slice(0, 1)).shape[1])

    def beam_azimuth_rad(self, time_s: float) -> Floats:
        """(S,) where each turning sensor looked, NaN for a staring one."""
        azimuth_rad = [
            np.nan
            if sensor.first_azimuth_rad is None
            else sensor.first_azimuth_rad + 2.0 * np.pi * time_s / sensor.period_s
            for sensor in self.setting.sensors
        ]
        wrapped_rad: Floats = np.mod(np.array(azimuth_rad, float), 2.0 * np.pi)
        return wrapped_rad

    @cached_property
    def _target_codes(self) -> Any:
        return self._truth.codes("target", self._vocabulary.targets)

    @cached_property
    def _visibility_codes(self) -> Any:
        return self._truth.codes("visibility", self._vocabulary.visibility)

    @cached_property
    def _best_sensor_codes(self) -> Any:
        return self._truth.codes("best_sensor", self._vocabulary.sensors)

    @cached_property
    def _truth_position(self) -> Floats:
        return self._truth.position_enu_m

    @cached_property
    def _truth_velocity(self) -> Floats:
        return self._truth.velocity_enu_mps


def _rows_at(times_s: Floats, time_s: float) -> slice:
    """Return the rows of a sorted time column that equal a time."""
    first, last = np.searchsorted(times_s, [time_s - TIME_SLACK_S, time_s + TIME_SLACK_S])
    return slice(int(first), int(last))


def _record_times_s(interval_s: float, until_s: float) -> Floats:
    if not (0 < interval_s < math.inf and 0 <= until_s < math.inf):
        raise ValueError(f"recorded every {interval_s} s until {until_s} s")
    count = math.floor(until_s / interval_s + TIME_SLACK_S)
    times_s: Floats = interval_s * np.arange(1, count + 1, dtype=np.float64)
    return times_s
