"""The Parquet tables of a run folder: columns with units in their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from sim.core.tables import (
    Bools,
    Bytes,
    Floats,
    Identity,
    Ints,
    Plots,
    Reply,
    Snapshot,
    Tracks,
    TrackStatus,
    Visibility,
)
from sim.core.workload import TASKS
from sim.record.setting import Setting
from sim.world.frames import Frame
from sim.world.targets import CLASS_NAMES

_F64, _I32, _U64 = pa.float64(), pa.int32(), pa.uint64()
_WORD = pa.dictionary(pa.int32(), pa.string())


def words(enumeration: type[Any]) -> tuple[str, ...]:
    """Return an enumeration's members as they are written: lower case, hyphens."""
    return tuple(member.name.lower().replace("_", "-") for member in enumeration)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that stand for indices in a run's tables."""

    targets: tuple[str, ...]
    sensors: tuple[str, ...]
    sites: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    status: tuple[str, ...] = words(TrackStatus)
    identity: tuple[str, ...] = words(Identity)
    reply: tuple[str, ...] = words(Reply)
    visibility: tuple[str, ...] = words(Visibility)
    seen_class: tuple[str, ...] = CLASS_NAMES
    effectors: tuple[str, ...] = ()

    @classmethod
    def of(cls, setting: Setting) -> Vocabulary:
        """Return the words of one run."""
        return cls(
            tuple(target.id for target in setting.targets),
            tuple(sensor.id for sensor in setting.sensors),
            tuple(dict.fromkeys(sensor.site for sensor in setting.sensors)),
            setting.classes,
            effectors=tuple(effector.id for effector in setting.effectors),
        )


_POSITION = ("east_m", "north_m", "up_m")
_VELOCITY = ("velocity_east_mps", "velocity_north_mps", "velocity_up_mps")
_MEASURED = ("range_m", "azimuth_rad", "elevation_rad", "range_rate_mps")
_SIGMA = ("sigma_range_m", "sigma_azimuth_rad", "sigma_elevation_rad", "sigma_range_rate_mps")
_COVARIANCE = ("cov_ee_m2", "cov_en_m2", "cov_eu_m2", "cov_nn_m2", "cov_nu_m2", "cov_uu_m2")
_UPPER = (np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 2, 1, 2, 2]))

SCHEMAS: dict[str, pa.Schema] = {
    "truth": pa.schema(
        [
            ("time_s", _F64),
            ("target", _WORD),
            *((name, _F64) for name in _POSITION),
            ("height_m", _F64),
            *((name, _F64) for name in _VELOCITY),
            ("detectability", _F64),
            ("visibility", _WORD),
            ("best_sensor", _WORD),
            ("misled", pa.bool_()),
        ]
    ),
    "plots": pa.schema(
        [
            ("time_s", _F64),
            ("sensor", _WORD),
            *((name, _F64) for name in _MEASURED),
            *((name, _F64) for name in _SIGMA),
            ("snr_db", _F64),
            ("reply", _WORD),
            ("seen_class", _WORD),
            ("truth_target", _WORD),
        ]
    ),
    "tracks": pa.schema(
        [
            ("time_s", _F64),
            ("number", _I32),
            ("status", _WORD),
            ("identity", _WORD),
            *((name, _F64) for name in _POSITION),
            ("height_m", _F64),
            *((name, _F64) for name in _VELOCITY),
            *((name, _F64) for name in _COVARIANCE),
            ("last_plot_s", _F64),
            ("hits", _I32),
            ("sensors", _U64),
            ("replies_civil", _I32),
            ("replies_military", _I32),
            ("existence", _F64),
            ("class", _WORD),
            ("class_probability", _F64),
        ]
    ),
    "events": pa.schema(
        [
            ("time_s", _F64),
            ("event", _WORD),
            ("number", _I32),
            ("target", _WORD),
            ("sensor", _WORD),
            ("detail", pa.string()),
        ]
    ),
}
#: Only of a run whose sites' tracks are fused.
SITE_TRACKS = "site_tracks"
SCHEMAS[SITE_TRACKS] = SCHEMAS["tracks"].insert(1, pa.field("site", _WORD))
#: Only of a run with sensors that are carried: where these were at the end of every step.
SENSOR_PLACES = "sensor_places"
SCHEMAS[SENSOR_PLACES] = pa.schema(
    [("time_s", _F64), ("sensor", _WORD), *((name, _F64) for name in _POSITION)]
)

#: Only of a run with radars that jamming or emission control blinds: their noise at the end of
#: every step, by equal sectors of azimuth from north, where it is up at all.
SENSOR_NOISE = "sensor_noise"
SCHEMAS[SENSOR_NOISE] = pa.schema(
    [("time_s", _F64), ("sensor", _WORD), ("noise_db", pa.list_(pa.float32()))]
)

#: Only of a run with radars that share their time among tasks: what each step took.
WORKLOAD = "workload"
WANTED, USED = (tuple(f"{word}_{task}_s" for task in TASKS) for word in ("wanted", "used"))
SCHEMAS[WORKLOAD] = pa.schema(
    [
        ("time_s", _F64),
        ("sensor", _WORD),
        ("budget_s", _F64),
        *((name, _F64) for name in (*WANTED, *USED)),
    ]
)
#: Only of a run with a defence: every shot, in order of its end; what effectors have left, where
#: it changed; why tracks are not engaged, where that changed.
SHOTS, EFFECTOR_STATES, THREATS = "shots", "effector_states", "threats"
START = ("start_east_m", "start_north_m", "start_up_m")
AIM = ("aim_east_m", "aim_north_m", "aim_up_m")
SCHEMAS[SHOTS] = pa.schema(
    [
        ("number", _I32),
        ("effector", _WORD),
        ("track", _I32),
        ("decided_s", _F64),
        ("launch_s", _F64),
        ("effect_s", _F64),
        *((name, _F64) for name in (*START, *AIM)),
        ("kill_probability", _F64),
        ("guided", pa.bool_()),
        ("result", _WORD),
        ("target", _WORD),
    ]
)
SCHEMAS[EFFECTOR_STATES] = pa.schema(
    [
        ("time_s", _F64),
        ("effector", _WORD),
        ("rounds", _I32),
        ("busy", _I32),
        ("saturated", pa.bool_()),
    ]
)
SCHEMAS[THREATS] = pa.schema(
    [("time_s", _F64), ("number", _I32), ("why", _WORD), ("worth", _F64), ("time_to_go_s", _F64)]
)
#: Only of a run whose identities are weighed: what speaks on each confirmed track.
IDENTIFICATION = "identification"
HYPOTHESES = ("friend", "neutral", "hostile")
SCHEMAS[IDENTIFICATION] = pa.schema(
    [
        ("time_s", _F64),
        ("number", _I32),
        ("evidence", pa.uint32()),
        *((name, pa.float32()) for name in HYPOTHESES),
    ]
)
#: Tables that not every run has.
NOT_ALWAYS = (
    SITE_TRACKS,
    SENSOR_PLACES,
    SENSOR_NOISE,
    WORKLOAD,
    SHOTS,
    EFFECTOR_STATES,
    THREATS,
    IDENTIFICATION,
)


def word_column(codes: Any, vocabulary: tuple[str, ...]) -> pa.Array:
    """Return words for codes; a code below zero is null."""
    codes = np.asarray(codes).astype(np.int32)
    indices = pa.array(codes, mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(vocabulary, pa.string()))


def _codes(column: pa.ChunkedArray, vocabulary: tuple[str, ...]) -> np.ndarray[Any, Any]:
    """Return codes for words; null is −1."""
    import pyarrow.compute as pc

    indices = pc.index_in(column.cast(pa.string()), value_set=pa.array(vocabulary, pa.string()))
    return np.asarray(pc.fill_null(indices, -1).to_numpy().astype(np.int32))


def truth_table(snapshots: list[Snapshot], frame: Frame, vocabulary: Vocabulary) -> pa.Table:
    """Return the rows of the targets present in each snapshot."""
    rows = [np.flatnonzero(s.truth.present) for s in snapshots]

    def gather(column: Callable[[Snapshot], Any]) -> Any:
        return np.concatenate([column(s)[r] for s, r in zip(snapshots, rows, strict=True)])

    position = gather(lambda s: s.truth.position_enu_m)
    return pa.Table.from_arrays(
        [
            np.repeat([s.time_s for s in snapshots], [r.size for r in rows]),
            word_column(np.concatenate(rows), vocabulary.targets),
            *position.T,
            frame.height_m_of(position),
            *gather(lambda s: s.truth.velocity_enu_mps).T,
            gather(lambda s: s.detectability),
            word_column(gather(lambda s: s.visibility), vocabulary.visibility),
            word_column(gather(lambda s: s.best_sensor), vocabulary.sensors),
            gather(lambda s: s.misled if s.misled.size else np.zeros(len(s.truth), np.bool_)),
        ],
        schema=SCHEMAS["truth"],
    )


def plots_table(plots: Plots, vocabulary: Vocabulary) -> pa.Table:
    """Return one row per plot."""
    return pa.Table.from_arrays(
        [
            plots.time_s,
            word_column(plots.sensor, vocabulary.sensors),
            *plots.measurement.T,
            *plots.sigma.T,
            plots.snr_db,
            word_column(plots.reply, vocabulary.reply),
            word_column(plots.seen_class, vocabulary.seen_class),
            word_column(plots.truth_id, vocabulary.targets),
        ],
        schema=SCHEMAS["plots"],
    )


def tracks_table(pictures: list[Tracks], frame: Frame, vocabulary: Vocabulary) -> pa.Table:
    """Return one row per track of each picture."""

    def gather(name: str) -> Any:
        return np.concatenate([getattr(tracks, name) for tracks in pictures])

    position = gather("position_enu_m")
    replies = gather("replies")
    return pa.Table.from_arrays(
        [
            np.repeat([t.time_s for t in pictures], [len(t) for t in pictures]),
            gather("number"),
            word_column(gather("status"), vocabulary.status),
            word_column(gather("identity"), vocabulary.identity),
            *position.T,
            frame.height_m_of(position),
            *gather("velocity_enu_mps").T,
            *gather("position_covariance_m2")[:, _UPPER[0], _UPPER[1]].T,
            gather("last_plot_s"),
            gather("hits"),
            gather("sensors"),
            replies[:, Reply.CIVIL],
            replies[:, Reply.MILITARY],
            gather("existence"),
            word_column(gather("target_class"), vocabulary.classes),
            gather("class_probability"),
        ],
        schema=SCHEMAS["tracks"],
    )


def with_states(
    tracks: pa.Table, rows: Bools, mean: Floats, covariance: Floats, frame: Frame
) -> pa.Table:
    """Return a tracks table in which some rows have other positions and velocities.

    Parameters
    ----------
    rows : (R,) which ones
    mean, covariance : (R, 6), (R, 6, 6) position (m) and velocity (m/s), scenario ENU
    """
    position = mean[:, :3]
    new = dict(zip((*_POSITION, *_VELOCITY), mean.T, strict=True))
    new["height_m"] = frame.height_m_of(position)
    new |= dict(zip(_COVARIANCE, covariance[:, _UPPER[0], _UPPER[1]].T, strict=True))
    for name, values in new.items():
        column = np.where(rows, values, tracks.column(name).to_numpy())
        tracks = tracks.set_column(tracks.schema.get_field_index(name), name, pa.array(column))
    return tracks


def site_tracks_table(
    snapshots: list[Snapshot], frame: Frame, vocabulary: Vocabulary
) -> pa.Table | None:
    """Return one row per site and track of each snapshot, None if sites do not track."""
    pictures = [tracks for snapshot in snapshots for tracks in snapshot.site_tracks]
    if not pictures:
        return None
    site = [k for snapshot in snapshots for k in range(len(snapshot.site_tracks))]
    rows = np.repeat(site, [len(tracks) for tracks in pictures])
    field = SCHEMAS[SITE_TRACKS].field("site")
    table = tracks_table(pictures, frame, vocabulary)
    return table.add_column(1, field, word_column(rows, vocabulary.sites))


def sensor_places_table(
    time_s: list[float], places: list[Floats], moving: Ints, vocabulary: Vocabulary
) -> pa.Table:
    """Return one row per step and moving sensor that was on.

    Parameters
    ----------
    places : (S, 3) of each step, as ``Snapshot.sensor_position_enu_m``
    moving : rows of the sensors that are carried
    """
    place = np.array(places)[:, moving].reshape(-1, 3)
    on = ~np.isnan(place[:, 0])
    return pa.Table.from_arrays(
        [
            np.repeat(time_s, moving.size)[on],
            word_column(np.tile(moving, len(time_s))[on], vocabulary.sensors),
            *place[on].T,
        ],
        schema=SCHEMAS[SENSOR_PLACES],
    )


def sensor_noise_table(
    time_s: list[float], noise_db: list[Floats], vocabulary: Vocabulary
) -> pa.Table:
    """Return one row per step and sensor whose noise is up.

    Parameters
    ----------
    noise_db : (S, A) of each step, as ``Snapshot.sensor_noise_db``
    """
    noise = np.array(noise_db, np.float32)
    step, sensor = np.nonzero(noise.any(axis=2))
    return pa.Table.from_arrays(
        [
            np.array(time_s)[step],
            word_column(sensor, vocabulary.sensors),
            pa.array(list(noise[step, sensor]), pa.list_(pa.float32())),
        ],
        schema=SCHEMAS[SENSOR_NOISE],
    )


def identification_table(snapshots: list[Snapshot]) -> pa.Table | None:
    """Return one row per confirmed track of each snapshot, None where nothing is weighed."""
    weighed = [s for s in snapshots if s.evidence.size]
    if not weighed:
        return None
    rows = [np.flatnonzero(s.tracks.confirmed) for s in weighed]

    def gather(column: Callable[[Snapshot], Any]) -> Any:
        return np.concatenate([column(s)[r] for s, r in zip(weighed, rows, strict=True)])

    return pa.Table.from_arrays(
        [
            np.repeat([s.time_s for s in weighed], [r.size for r in rows]),
            gather(lambda s: s.tracks.number),
            gather(lambda s: s.evidence),
            *gather(lambda s: s.identity_probability).astype(np.float32).T,
        ],
        schema=SCHEMAS[IDENTIFICATION],
    )


class Columns:
    """A stored table, read back into arrays, each column once."""

    def __init__(self, table: pa.Table, vocabulary: Vocabulary) -> None:
        self._table = table
        self._vocabulary = vocabulary
        self._numbers: dict[str, Any] = {}

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def numbers(self, name: str) -> Any:
        """Return one numeric column."""
        if name not in self._numbers:
            self._numbers[name] = self._table.column(name).to_numpy()
        return self._numbers[name]

    def codes(self, name: str, vocabulary: tuple[str, ...]) -> Any:
        """Return one column of words as indices into the vocabulary, −1 for null."""
        return _codes(self._table.column(name), vocabulary)

    def stacked(self, names: tuple[str, ...], rows: slice = slice(None)) -> Floats:
        """Return some rows of several columns side by side."""
        return np.column_stack([self.numbers(name)[rows] for name in names])

    def lists(self, name: str, rows: slice) -> Floats:
        """Return some rows of a column of lists of one length, (R, A)."""
        flat = self._table.column(name).slice(rows.start, rows.stop - rows.start)
        return np.array(flat.to_pylist(), np.float64)

    @property
    def position_enu_m(self) -> Floats:
        """(R, 3)."""
        return self.stacked(_POSITION)

    @property
    def velocity_enu_mps(self) -> Floats:
        """(R, 3)."""
        return self.stacked(_VELOCITY)

    @property
    def position_covariance_m2(self) -> Floats:
        """(R, 3, 3)."""
        return self._covariance(slice(None))

    def _covariance(self, rows: slice) -> Floats:
        packed = self.stacked(_COVARIANCE, rows)
        full = np.empty((len(packed), 3, 3))
        full[:, _UPPER[0], _UPPER[1]] = packed
        full[:, _UPPER[1], _UPPER[0]] = packed
        return full

    @cached_property
    def _status(self) -> Bytes:
        return self._bytes("status", self._vocabulary.status)

    @cached_property
    def _identity(self) -> Bytes:
        return self._bytes("identity", self._vocabulary.identity)

    @cached_property
    def _class(self) -> Ints:
        codes: Ints = self.codes("class", self._vocabulary.classes)
        return codes

    def _bytes(self, name: str, vocabulary: tuple[str, ...]) -> Bytes:
        codes: Bytes = self.codes(name, vocabulary).astype(np.uint8)
        return codes

    def plots(self) -> Plots:
        """Return the rows of a plots table."""
        return Plots(
            time_s=self.numbers("time_s"),
            sensor=self.codes("sensor", self._vocabulary.sensors),
            measurement=self.stacked(_MEASURED),
            sigma=self.stacked(_SIGMA),
            snr_db=self.numbers("snr_db"),
            reply=self._bytes("reply", self._vocabulary.reply),
            truth_id=self.codes("truth_target", self._vocabulary.targets),
            seen_class=self.codes("seen_class", self._vocabulary.seen_class),
        )

    def tracks(self, time_s: float, rows: slice) -> Tracks:
        """Return the picture that the given rows of a tracks table hold."""
        hits = self.numbers("hits")[rows]
        civil = self.numbers("replies_civil")[rows]
        military = self.numbers("replies_military")[rows]
        return Tracks(
            time_s=time_s,
            number=self.numbers("number")[rows],
            position_enu_m=self.stacked(_POSITION, rows),
            velocity_enu_mps=self.stacked(_VELOCITY, rows),
            position_covariance_m2=self._covariance(rows),
            status=self._status[rows],
            last_plot_s=self.numbers("last_plot_s")[rows],
            hits=hits,
            sensors=self.numbers("sensors")[rows],
            replies=np.column_stack([hits - civil - military, civil, military]).astype(np.int32),
            identity=self._identity[rows],
            existence=self.numbers("existence")[rows],
            target_class=self._class[rows],
            class_probability=self.numbers("class_probability")[rows],
        )
