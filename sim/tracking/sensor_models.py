"""What the tracker knows of each sensor: where it stands, what it measures and sees."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Bools, Bytes, Floats, Ints, Measured


def _none() -> Floats:
    return np.empty(0)


@dataclass(frozen=True, slots=True)
class Poses:
    """Where sensors are for a while, and how much noise they have: one row for each that changes.

    Attributes
    ----------
    sensor : (M,) row of ``SensorModels``
    on : (M,) whether it looks at all; one that does not stays where it was
    origin_enu_m, enu_R_sensor, height_m : (M, 3), (M, 3, 3), (M,) as in ``SensorModels``
    noise_db : (M, A) as ``SensorModels.noise``, in dB; or (M, 1), the same all round
    """

    sensor: Ints
    on: Bools
    origin_enu_m: Floats
    enu_R_sensor: Floats
    height_m: Floats
    noise_db: Floats = field(default_factory=_none)

    def __post_init__(self) -> None:
        if not self.noise_db.size:
            object.__setattr__(self, "noise_db", np.zeros((self.sensor.size, 1)))

    def __len__(self) -> int:
        return int(self.sensor.size)

    def take(self, rows: Bools) -> Poses:
        """Return some rows."""
        return Poses(*(getattr(self, f.name)[rows] for f in fields(self)))


@dataclass(frozen=True, slots=True)
class SensorModels:
    """One row per sensor; ``Plots.sensor`` is the row.

    Everything from ``kind`` on may be left out: a polar sensor then detects with the
    tracker's own ``detection_probability`` wherever a target is, and resolves everything.

    Attributes
    ----------
    origin_enu_m : (S, 3) place, scenario frame
    enu_R_sensor : (S, 3, 3) columns are the sensor's own east, north, up
    height_m : (S,) height above the ellipsoid
    period_s : (S,) time between two looks in one direction
    measures : (S, 4) which components of ``Plots.measurement`` are measured
    clutter_density : (S,) false alarms expected per look in a unit of measured volume
        (m, rad, rad, m/s, as far as measured)
    kind : (S,) ``Measured``, what the components are; default polar
    other_enu_m : (S, 3) transmitter of a bistatic pair, second receiver of a time difference
    rotates : (S,) the beam comes by once a period; else one scan looks everywhere at once
    resolution : (S, 4) two targets closer than this in every component that has a
        resolution may give one plot; 0 for a component without
    range_min_m, range_max_m : (S,) no detection outside
    elevation_min_rad, elevation_max_rad : (S,) no detection outside
    snr_range_m : (S,) slant range at which the signal-to-noise ratio of an expected target
        is 1; NaN where unknown
    false_alarm_probability : (S,) per resolution cell, NaN where unknown
    horizon : (S,) the 4/3 earth hides low targets
    ground_m : (S,) height of the ground about the sensor above the ellipsoid
    mask_rad : (S, A) lowest visible elevation, in A equal sectors of azimuth from north; or
        (S, A, D), in D equal parts of ``range_max_m`` too
    noise : (S, A) by how much jamming raises the receiver's noise, in A equal sectors of
        azimuth from north; infinite of a sensor that keeps silent
    listens : (S,) hears only what targets send or sound: a look that brought nothing says
        nothing of a target, which may be silent
    id : (S,) names by which settings may refer to a sensor
    """

    origin_enu_m: Floats
    enu_R_sensor: Floats
    height_m: Floats
    period_s: Floats
    measures: Bools
    clutter_density: Floats
    kind: Bytes = field(default_factory=lambda: np.empty(0, np.uint8))
    other_enu_m: Floats = field(default_factory=_none)
    rotates: Bools = field(default_factory=lambda: np.empty(0, np.bool_))
    resolution: Floats = field(default_factory=_none)
    range_min_m: Floats = field(default_factory=_none)
    range_max_m: Floats = field(default_factory=_none)
    elevation_min_rad: Floats = field(default_factory=_none)
    elevation_max_rad: Floats = field(default_factory=_none)
    snr_range_m: Floats = field(default_factory=_none)
    false_alarm_probability: Floats = field(default_factory=_none)
    horizon: Bools = field(default_factory=lambda: np.empty(0, np.bool_))
    ground_m: Floats = field(default_factory=_none)
    mask_rad: Floats = field(default_factory=_none)
    noise: Floats = field(default_factory=_none)
    listens: Bools = field(default_factory=lambda: np.empty(0, np.bool_))
    id: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, np.str_))

    def __post_init__(self) -> None:
        n = len(self)
        defaults = {
            "kind": np.zeros(n, np.uint8),
            "other_enu_m": np.zeros((n, 3)),
            "rotates": np.zeros(n, np.bool_),
            "resolution": np.zeros((n, 4)),
            "range_min_m": np.zeros(n),
            "range_max_m": np.full(n, np.inf),
            "elevation_min_rad": np.full(n, -0.5 * np.pi),
            "elevation_max_rad": np.full(n, 0.5 * np.pi),
            "snr_range_m": np.full(n, np.nan),
            "false_alarm_probability": np.full(n, np.nan),
            "horizon": np.zeros(n, np.bool_),
            "ground_m": np.zeros(n),
            "mask_rad": np.full((n, 1), -0.5 * np.pi),
            "noise": np.ones((n, 1)),
            "listens": np.zeros(n, np.bool_),
            "id": np.full(n, "", np.str_),
        }
        for name, value in defaults.items():
            if getattr(self, name).size == 0:
                object.__setattr__(self, name, value)
        shapes: dict[str, tuple[int, ...]] = {f.name: (n,) for f in fields(self)}
        shapes |= dict.fromkeys(("origin_enu_m", "other_enu_m"), (n, 3))
        shapes |= dict.fromkeys(("measures", "resolution"), (n, 4))
        shapes |= {"enu_R_sensor": (n, 3, 3), "mask_rad": (n, *self.mask_rad.shape[1:3])}
        shapes |= {"noise": (n, *self.noise.shape[1:2])}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{name} must have shape {shape}, found {getattr(self, name).shape}"
                )
        if not (self.period_s > 0).all():
            raise ValueError("period_s must be positive")
        if not (self.clutter_density > 0).all():
            raise ValueError("clutter_density must be positive")
        for s in range(n):
            self._check_components(s)

    def _check_components(self, s: int) -> None:
        """Refuse components that the kind of sensor s does not have."""
        kind, (first, second, third, _) = self.kind[s], self.measures[s]
        if kind not in list(Measured):
            raise ValueError(f"kind {kind} of sensor {s} is not one of Measured")
        if kind == Measured.POLAR and not (first or second):
            raise ValueError(f"polar sensor {s} must measure range or azimuth")
        if kind == Measured.POSITION and not (first and second):
            raise ValueError(f"sensor {s} must report east and north")
        if kind in (Measured.BISTATIC, Measured.TIME_DIFFERENCE) and not first:
            raise ValueError(f"sensor {s} must measure component 0, which makes it what it is")
        if kind == Measured.TIME_DIFFERENCE and (second or third):
            raise ValueError(f"sensor {s} measures a time difference and nothing else")

    def __len__(self) -> int:
        return int(self.period_s.size)

    def movable(self) -> Self:
        """Return a copy whose ``place`` moves no other one's sensors."""
        names = ("origin_enu_m", "enu_R_sensor", "height_m", "range_max_m", "noise")
        return replace(self, **{name: getattr(self, name).copy() for name in names})

    def place(self, poses: Poses, range_max_m: Floats) -> None:
        """Move sensors and change their noise, in place: all who hold these columns see it.

        Parameters
        ----------
        poses : where to
        range_max_m : (S,) of the sensors where they look; 0 where they do not
        """
        on = poses.take(poses.on)
        self.origin_enu_m[on.sensor] = on.origin_enu_m
        self.enu_R_sensor[on.sensor] = on.enu_R_sensor
        self.height_m[on.sensor] = on.height_m
        self.range_max_m[poses.sensor] = np.where(poses.on, range_max_m[poses.sensor], 0.0)
        self.noise[poses.sensor] = 10.0 ** (0.1 * poses.noise_db)

    @classmethod
    def at_origin(
        cls,
        *,
        period_s: float,
        measures_range_rate: bool = False,
        clutter_density: float = 1e-8,
        kind: Measured = Measured.POLAR,
    ) -> SensorModels:
        """Return one 3-D sensor (or one source of reported positions) at the frame's origin."""
        return cls(
            origin_enu_m=np.zeros((1, 3)),
            enu_R_sensor=np.eye(3)[None],
            height_m=np.zeros(1),
            period_s=np.array([period_s]),
            measures=np.array([[True, True, True, measures_range_rate]]),
            clutter_density=np.array([clutter_density]),
            kind=np.array([kind], np.uint8),
        )
