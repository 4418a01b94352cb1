"""Column tables that pass between rooms: one row per plot, track or target.

All are immutable: frozen dataclasses of arrays, in SI units, in the scenario's
east-north-up frame unless a name says otherwise. Nothing here imports numba.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.core.shots import DefenceStep
from sim.core.workload import Workload

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Indices = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

#: Components of a polar measurement, in the order of ``Plots.measurement``.
RANGE, AZIMUTH, ELEVATION, RANGE_RATE = range(4)

#: ``Plots.truth_id`` of a false alarm.
FALSE_ALARM = -1


class Measured(IntEnum):
    """What the four components of ``Plots.measurement`` are.

    ``POLAR``: slant range (m), azimuth (rad, clockwise from true north), elevation (rad),
    range rate (m/s). ``POSITION``: east, north, up (m), nothing. ``BISTATIC``: path from
    the transmitter over the target to the receiver, less the baseline (m), azimuth and
    elevation at the receiver (rad), rate of the path (m/s). ``TIME_DIFFERENCE``: way to
    this receiver less the way to the other one, over the speed of light (s), and nothing else.
    All in the sensor's own east-north-up frame.
    """

    POLAR = 0
    POSITION = 1
    BISTATIC = 2
    TIME_DIFFERENCE = 3


class Reply(IntEnum):
    """What a secondary radar's interrogation brought back with a plot, or a report claims."""

    NONE = 0
    CIVIL = 1
    MILITARY = 2


class Affiliation(IntEnum):
    """Whose a target truly is (the scenario's word, for scoring only)."""

    UNKNOWN = 0
    FRIEND = 1
    NEUTRAL = 2
    HOSTILE = 3


class Identity(IntEnum):
    """What the picture holds a track to be; the last three only where evidence is weighed."""

    PENDING = 0
    UNKNOWN = 1
    FRIEND = 2
    NEUTRAL = 3
    ASSUMED_FRIEND = 4
    SUSPECT = 5
    HOSTILE = 6


#: Identities of a track that is held to be friendly, and to be a threat.
FRIENDLY = (Identity.FRIEND, Identity.ASSUMED_FRIEND)
THREATENING = (Identity.SUSPECT, Identity.HOSTILE)


class TrackStatus(IntEnum):
    """Life of a track."""

    TENTATIVE = 0
    CONFIRMED = 1
    COASTING = 2


class Visibility(IntEnum):
    """Why a sensor cannot see a target, or that it can; the worst reason is the smallest.

    ``SILENT``: it sends, sounds or tells nothing that this sensor listens for. ``MASKED``:
    behind relief. ``NOT_LOOKED_AT``: the sensor is busy or points elsewhere. ``UNRESOLVED``:
    seen, but as one with a stronger neighbour in the same cell.
    """

    ABSENT = 0
    SILENT = 1
    BELOW_HORIZON = 2
    MASKED = 3
    BEYOND_RANGE = 4
    BLIND_RANGE = 5
    OUTSIDE_AZIMUTH = 6
    OUTSIDE_ELEVATION = 7
    NOT_LOOKED_AT = 8
    TOO_DARK = 9
    TOO_SLOW = 10
    IN_CLUTTER = 11
    JAMMED = 12
    WEAK_ECHO = 13
    UNRESOLVED = 14
    VISIBLE = 15


def nothing() -> Floats:
    """Return the default of a column of numbers that may be left out."""
    return np.empty(0)


def no_class() -> Ints:
    """Return the default of a column of classes that may be left out."""
    return np.empty(0, np.int32)


def fill_left_out(table: Any, rows: int, **values: float) -> None:
    """Fill the columns of a new frozen table that were left out."""
    for name, value in values.items():
        column = getattr(table, name)
        if column.size != rows:
            if column.size:
                raise ValueError(f"{name} has {column.size} rows, not {rows}")
            object.__setattr__(table, name, np.full(rows, value, column.dtype))


@dataclass(frozen=True, slots=True)
class Plots:
    """What sensors report, one row per plot.

    Attributes
    ----------
    time_s : (N,) seconds since the scenario's start
    sensor : (N,) index of the sensor
    measurement : (N, 4) components as the sensor's ``Measured`` says, for most sensors
        slant range (m), azimuth (rad, clockwise from true north), elevation (rad), range
        rate (m/s), in the sensor's own east-north-up frame; NaN where not measured
    sigma : (N, 4) standard deviations of ``measurement``, NaN where not measured
    snr_db : (N,) signal-to-noise ratio, NaN if unknown; the tracker does not read it
    reply : (N,) ``Reply``
    truth_id : (N,) index of the target, ``FALSE_ALARM`` for none. For scoring alone:
        ``without_truth`` strips it before the tracker gets the table.
    seen_class : (N,) which of ``sim.world.targets.CLASS_NAMES`` a sensor that shows shapes
        took it for, −1 where it tells none; may be left out
    """

    time_s: Floats
    sensor: Ints
    measurement: Floats
    sigma: Floats
    snr_db: Floats
    reply: Bytes
    truth_id: Ints
    seen_class: Ints = field(default_factory=no_class)

    def __post_init__(self) -> None:
        fill_left_out(self, self.time_s.size, seen_class=-1)

    def __len__(self) -> int:
        return int(self.time_s.size)

    @classmethod
    def empty(cls) -> Self:
        """Return a table without rows."""
        return cls(
            time_s=np.empty(0),
            sensor=np.empty(0, np.int32),
            measurement=np.empty((0, 4)),
            sigma=np.empty((0, 4)),
            snr_db=np.empty(0),
            reply=np.empty(0, np.uint8),
            truth_id=np.empty(0, np.int32),
        )

    @classmethod
    def of(
        cls,
        time_s: ArrayLike,
        sensor: ArrayLike,
        measurement: ArrayLike,
        sigma: ArrayLike,
        *,
        snr_db: ArrayLike = np.nan,
        reply: ArrayLike = Reply.NONE,
    ) -> Self:
        """Return a table of what was measured; a single value or row holds for all plots.

        Parameters
        ----------
        time_s, sensor, snr_db, reply : (N,) or one value
        measurement : (N, ≤ 4) or (≤ 4,); components that are left out are not measured
        sigma : as ``measurement``, or one value for all components

        Raises
        ------
        ValueError
            If shapes do not fit, or there are more than four components.
        """
        columns = [np.atleast_1d(column) for column in (time_s, sensor, snr_db, reply)]
        measured, spread = (np.atleast_2d(np.asarray(m, float)) for m in (measurement, sigma))
        n = np.broadcast_shapes(*((c.shape[0],) for c in (*columns, measured, spread)))[0]
        components = measured.shape[1]
        full, full_sigma = np.full((n, 4), np.nan), np.full((n, 4), np.nan)
        if components > 4:
            raise ValueError(f"a plot has at most 4 components, found {components}")
        full[:, :components] = measured
        full_sigma[:, :components] = spread
        times, sensors, snrs, replies = (np.broadcast_to(column, n) for column in columns)
        return cls(
            time_s=times.astype(float),
            sensor=sensors.astype(np.int32),
            measurement=full,
            sigma=full_sigma,
            snr_db=snrs.astype(float),
            reply=replies.astype(np.uint8),
            truth_id=np.full(n, FALSE_ALARM, np.int32),
        )

    @classmethod
    def concatenate(cls, tables: list[Plots]) -> Plots:
        """Stack tables, in order."""
        if not tables:
            return cls.empty()
        if len(tables) == 1:
            return tables[0]
        return cls(*(np.concatenate([getattr(t, f.name) for t in tables]) for f in fields(cls)))

    def take(self, rows: NDArray[np.signedinteger[Any]] | Bools) -> Plots:
        """Return the given rows (indices or mask) as a new table."""
        return Plots(*(getattr(self, f.name)[rows] for f in fields(self)))

    def without_truth(self) -> Plots:
        """Return the table as the tracker may see it."""
        return replace(self, truth_id=np.full(len(self), FALSE_ALARM, np.int32))


@dataclass(frozen=True, slots=True)
class Truth:
    """Where all targets are at one time.

    Attributes
    ----------
    time_s : seconds since the scenario's start
    position_enu_m, velocity_enu_mps : (N, 3), NaN where not present
    present : (N,) whether the target is in the air (or afloat) at this time
    """

    time_s: float
    position_enu_m: Floats
    velocity_enu_mps: Floats
    present: Bools

    def __len__(self) -> int:
        return int(self.present.size)


@dataclass(frozen=True, slots=True)
class Tracks:
    """The air picture at one time, one row per track, oldest track first.

    Attributes
    ----------
    time_s : time for which positions hold
    number : (N,) air track number, given at confirmation and never reused in a run; a
        tentative track has a negative number of its own
    position_enu_m, velocity_enu_mps : (N, 3) extrapolated to ``time_s``
    position_covariance_m2 : (N, 3, 3) covariance of the position at ``time_s``
    status : (N,) ``TrackStatus``
    last_plot_s : (N,) time of the last plot that updated the track
    hits : (N,) number of plots that updated the track
    sensors : (N,) bit k set if sensor k (modulo 64) ever updated the track
    replies : (N, 3) how many of its plots carried each ``Reply``
    identity : (N,) ``Identity``, PENDING until the picture room has judged
    existence : (N,) probability that a target is there, NaN where the tracker has none
    target_class : (N,) index of the most probable class of target, −1 where none is told
    class_probability : (N,) of that class, NaN where none is told

    The last three may be left out.
    """

    time_s: float
    number: Ints
    position_enu_m: Floats
    velocity_enu_mps: Floats
    position_covariance_m2: Floats
    status: Bytes
    last_plot_s: Floats
    hits: Ints
    sensors: NDArray[np.uint64]
    replies: Ints
    identity: Bytes
    existence: Floats = field(default_factory=nothing)
    target_class: Ints = field(default_factory=no_class)
    class_probability: Floats = field(default_factory=nothing)

    def __post_init__(self) -> None:
        fill_left_out(self, self.number.size, existence=np.nan)
        fill_left_out(self, self.number.size, target_class=-1, class_probability=np.nan)

    def __len__(self) -> int:
        return int(self.number.size)

    @classmethod
    def empty(cls, time_s: float = 0.0) -> Self:
        """Return a picture without tracks."""
        return cls(
            time_s=time_s,
            number=np.empty(0, np.int32),
            position_enu_m=np.empty((0, 3)),
            velocity_enu_mps=np.empty((0, 3)),
            position_covariance_m2=np.empty((0, 3, 3)),
            status=np.empty(0, np.uint8),
            last_plot_s=np.empty(0),
            hits=np.empty(0, np.int32),
            sensors=np.empty(0, np.uint64),
            replies=np.empty((0, 3), np.int32),
            identity=np.empty(0, np.uint8),
        )

    def take(self, rows: NDArray[np.intp] | Bools) -> Tracks:
        """Return the given rows (indices or mask) as a new table."""
        return Tracks(
            self.time_s, *(getattr(self, f.name)[rows] for f in fields(self) if f.name != "time_s")
        )

    @property
    def confirmed(self) -> Bools:
        """(N,) mask of confirmed tracks, coasting ones included."""
        mask: Bools = self.status != TrackStatus.TENTATIVE
        return mask


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one step hands out: for recording and for drawing.

    Attributes
    ----------
    time_s : end of the step
    truth : all targets at ``time_s``
    plots : plots that the sensors made during the step, truth ids included
    tracks : the picture at ``time_s``
    beam_azimuth_rad : (S,) where each rotating sensor looks, NaN for a staring one
    detectability : (N,) highest single-look detection probability of each target over
        all sensors, NaN where it was not evaluated in this step
    visibility : (N,) ``Visibility`` of each target at its best sensor
    best_sensor : (N,) index of that sensor, -1 for none
    rejected : broken plots that the tracker has dropped so far
    class_probabilities : (M, C) of every class for each of the M tracks, NaN where none is
        told; (M, 0) without classification, and from a recording
    uncorroborated : (K, 2) numbers of tracks that rest on reports alone, and the sensor that
        ought to see their targets too
    site_tracks : each site's own confirmed tracks, by the numbers that they have in
        ``tracks``; none where ``tracks`` shows them itself
    misled : (N,) whether plots lead the picture astray from this target, deliberately or
        because it was deceived itself; empty where it was not evaluated
    sensor_position_enu_m : (S, 3) where every sensor is, NaN for one whose carrier is not
        there; (0, 3) if none is carried
    sensor_noise_db : (S, A) by how much jamming raises each sensor's noise, in A sectors of
        azimuth, infinite of one that keeps silent; (0, A) if nothing ever does
    workload : of the step, of the radars that are scheduled
    defence : what effectors did
    evidence : (M,) bits of ``sim.picture.evidence.Evidence`` on each of the M tracks; (0,) where
        no evidence is weighed
    identity_probability : (M, 3) that it is a friend, neutral, hostile, NaN for tentative
        tracks; (0, 3) where no evidence is weighed
    identity_reasons : numbers of the tracks whose identity changed in this step, and why, in
        words; none from a recording, whose events tell them
    """

    time_s: float
    truth: Truth
    plots: Plots
    tracks: Tracks
    beam_azimuth_rad: Floats
    detectability: Floats
    visibility: Bytes
    best_sensor: Ints
    rejected: int
    class_probabilities: Floats = field(default_factory=lambda: np.empty((0, 0)))
    site_tracks: tuple[Tracks, ...] = ()
    misled: Bools = field(default_factory=lambda: np.empty(0, np.bool_))
    sensor_position_enu_m: Floats = field(default_factory=lambda: np.empty((0, 3)))
    sensor_noise_db: Floats = field(default_factory=lambda: np.empty((0, 1)))
    uncorroborated: Ints = field(default_factory=lambda: np.empty((0, 2), np.int32))
    workload: Workload = field(default_factory=Workload.none)
    defence: DefenceStep = field(default_factory=DefenceStep)
    evidence: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    identity_probability: Floats = field(default_factory=lambda: np.empty((0, 3)))
    identity_reasons: tuple[tuple[int, str], ...] = ()
