"""Writing a run folder while the run goes.

Rows are flushed to small complete Parquet files under ``parts/``, so a run that is
killed is readable up to its last flush. When the run ends, each table's parts become
one file.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sim.core.tables import Floats, Plots, Snapshot
from sim.core.workload import Workload
from sim.record.defence import DefenceLog
from sim.record.events import EventLog
from sim.record.setting import Setting
from sim.record.tables import (
    IDENTIFICATION,
    NOT_ALWAYS,
    SCHEMAS,
    SENSOR_NOISE,
    SENSOR_PLACES,
    SITE_TRACKS,
    WORKLOAD,
    Vocabulary,
    identification_table,
    plots_table,
    sensor_noise_table,
    sensor_places_table,
    site_tracks_table,
    tracks_table,
    truth_table,
)
from sim.record.workload import workload_table
from sim.world.frames import Frame

#: Simulated time between flushes; fixed, so that the same run gives the same bytes.
FLUSH_S = 60.0
#: Times closer than this are the same; far below any interval, far above rounding.
TIME_SLACK_S = 1e-6
_COMPRESSION = "zstd"
MANIFEST = "manifest.json"
PARTS = "parts"


def write_json(path: Path, data: Any) -> None:
    """Replace a JSON file in one step, so that no reader ever sees half of it."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(data, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    os.replace(partial, path)


class RunWriter:
    """Records snapshots into a folder.

    Parameters
    ----------
    folder : made here, must not exist
    setting : what does not change during the run
    facts : further entries of the manifest (version, seed, hash of the scenario …)
    interval_s : the picture and the truth are recorded at multiples of it, every plot always
    """

    def __init__(
        self, folder: Path, setting: Setting, facts: dict[str, Any], interval_s: float
    ) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self._manifest = {
            **facts,
            "state": "running",
            "recorded_until_s": 0.0,
            "rejected_plots": 0,
            "interval_s": interval_s,
            "setting": setting.to_json(),
        }
        self._frame = Frame.at(
            setting.origin_latitude_rad, setting.origin_longitude_rad, setting.origin_height_m
        )
        self._vocabulary = Vocabulary.of(setting)
        self._events = EventLog(self._vocabulary, setting.links)
        self._defence = DefenceLog(self._vocabulary) if setting.effectors else None
        self._interval_s = interval_s
        self._recorded = 0
        self._next_flush_s = FLUSH_S
        self._plots: list[Plots] = []
        self._pictures: list[Snapshot] = []
        carried = [row for row, sensor in enumerate(setting.sensors) if sensor.carrier]
        self._moving = np.array(carried, np.int32)
        self._places: list[tuple[float, Floats]] = []
        self._workloads: list[tuple[float, Workload]] = []
        self._noise: list[tuple[float, Floats]] = []
        self._flushed = 0
        (folder / PARTS).mkdir()
        self._write_manifest()

    def add(self, snapshot: Snapshot) -> None:
        """Record one step."""
        if len(snapshot.plots):
            self._plots.append(snapshot.plots)
        if self._moving.size:
            self._places.append((snapshot.time_s, snapshot.sensor_position_enu_m))
        if snapshot.workload.sensor.size:
            self._workloads.append((snapshot.time_s, snapshot.workload))
        if snapshot.sensor_noise_db.any():
            self._noise.append((snapshot.time_s, snapshot.sensor_noise_db))
        self._events.add(snapshot)
        if self._defence is not None:
            self._events.note_all(self._defence.add(snapshot.time_s, snapshot.defence))
        self._manifest["rejected_plots"] = snapshot.rejected
        if snapshot.time_s >= (self._recorded + 1) * self._interval_s - TIME_SLACK_S:
            self._pictures.append(snapshot)
            self._recorded += 1
        if snapshot.time_s >= self._next_flush_s - TIME_SLACK_S:
            self._flush(snapshot.time_s)
            self._next_flush_s += FLUSH_S

    def close(self, time_s: float, *, complete: bool) -> None:
        """Flush, turn each table's parts into one file, and say how the run ended."""
        if self._defence is not None:
            self._defence.close()
        self._flush(time_s)
        for name, schema in SCHEMAS.items():
            if name not in NOT_ALWAYS or part_files(self.folder, name):
                merge_parts(self.folder, name, schema)
        shutil.rmtree(self.folder / PARTS)
        self._manifest["state"] = "complete" if complete else "stopped"
        self._write_manifest()

    def _flush(self, time_s: float) -> None:
        tables = {
            "plots": plots_table(Plots.concatenate(self._plots), self._vocabulary),
            "events": self._events.table(),
        }
        if self._places:
            times_s, places = (list(column) for column in zip(*self._places, strict=True))
            table = sensor_places_table(times_s, places, self._moving, self._vocabulary)
            tables[SENSOR_PLACES] = table
        if self._workloads:
            times_s, workloads = (list(column) for column in zip(*self._workloads, strict=True))
            tables[WORKLOAD] = workload_table(times_s, workloads, self._vocabulary)
        if self._noise:
            times_s, noise = (list(column) for column in zip(*self._noise, strict=True))
            tables[SENSOR_NOISE] = sensor_noise_table(times_s, noise, self._vocabulary)
        if self._pictures:
            tracks = [snapshot.tracks for snapshot in self._pictures]
            tables["truth"] = truth_table(self._pictures, self._frame, self._vocabulary)
            tables["tracks"] = tracks_table(tracks, self._frame, self._vocabulary)
            of_sites = site_tracks_table(self._pictures, self._frame, self._vocabulary)
            if of_sites is not None:
                tables[SITE_TRACKS] = of_sites
            weighed = identification_table(self._pictures)
            if weighed is not None:
                tables[IDENTIFICATION] = weighed
        if self._defence is not None:
            tables |= self._defence.tables()
        for name, table in tables.items():
            if table.num_rows:
                path = self.folder / PARTS / f"{name}-{self._flushed:06d}.parquet"
                partial = path.with_suffix(".partial")
                pq.write_table(table, partial, compression=_COMPRESSION)
                os.replace(partial, path)
        # Only now: an interrupt before this point loses nothing, the next flush repeats this one.
        self._plots, self._pictures, self._places = [], [], []
        self._noise, self._workloads = [], []
        self._events.clear()
        if self._defence is not None:
            self._defence.clear()
        self._flushed += 1
        self._manifest["recorded_until_s"] = time_s
        self._write_manifest()

    def _write_manifest(self) -> None:
        write_json(self.folder / MANIFEST, self._manifest)


def part_files(folder: Path, name: str) -> list[Path]:
    """Return a table's flushed parts, in order."""
    return sorted((folder / PARTS).glob(f"{name}-*.parquet"))


def merge_parts(folder: Path, name: str, schema: pa.Schema) -> None:
    """Make one Parquet file of a table's parts, one row group after the other."""
    partial = folder / f"{name}.parquet.partial"
    with pq.ParquetWriter(partial, schema, compression=_COMPRESSION) as writer:
        for path in part_files(folder, name):
            writer.write_table(pq.read_table(path, schema=schema))
    os.replace(partial, folder / f"{name}.parquet")


def replace_table(folder: Path, name: str, table: pa.Table) -> None:
    """Replace one table of a closed run folder."""
    partial = folder / f"{name}.parquet.partial"
    pq.write_table(table.cast(SCHEMAS[name]), partial, compression=_COMPRESSION)
    os.replace(partial, folder / f"{name}.parquet")


def add_facts(folder: Path, facts: dict[str, Any]) -> None:
    """Add entries to the manifest of a closed run folder."""
    path = folder / MANIFEST
    write_json(path, json.loads(path.read_text(encoding="utf-8")) | facts)
