"""When a sensor looks at which target: a turning beam, or a fixed one that looks at a beat.

A look is one target in the beam at one time. Looks of consecutive windows (start, end]
follow each other without gap or repetition.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sim.core.tables import Bools, Floats, Ints, Truth
    from sim.world.truth import Targets

_TURN = 2.0 * np.pi
_ALL_ROUND_RAD = np.array([0.0, np.pi])
_ANYWHERE = np.array([np.inf, np.inf])
#: A crossing time is good once a step of the search is this small: the target's velocity
#: bridges the rest to far less than a metre.
_CROSSING_TOLERANCE_S = 1e-3
_CROSSING_STEPS = 5


@dataclass(frozen=True, slots=True)
class Looks:
    """Targets in the beam, one row per look.

    Attributes
    ----------
    time_s : (K,) when
    target : (K,) index of the target
    due : (K,) whether the look falls into the window; the others lie within a beamwidth
        of it, and matter only because they may share a resolution cell with one that does
    position_enu_m, velocity_enu_mps : (K, 3) the target at that time, NaN if it is absent
    """

    time_s: Floats
    target: Ints
    due: Bools
    position_enu_m: Floats
    velocity_enu_mps: Floats

    @classmethod
    def none(cls) -> Looks:
        """Return a table without rows."""
        return cls(
            np.empty(0),
            np.empty(0, np.int32),
            np.empty(0, bool),
            np.empty((0, 3)),
            np.empty((0, 3)),
        )

    def __len__(self) -> int:
        return int(self.time_s.size)

    def take(self, rows: Bools) -> Looks:
        """Return the given rows as a new table."""
        return Looks(*(getattr(self, column.name)[rows] for column in fields(self)))

    @classmethod
    def concatenate(cls, tables: list[Looks]) -> Looks:
        """Stack tables, in order."""
        names = [column.name for column in fields(cls)]
        return cls(*(np.concatenate([getattr(table, name) for table in tables]) for name in names))


@dataclass(frozen=True, slots=True)
class Rotation:
    """A beam that turns clockwise at a steady rate.

    Attributes
    ----------
    period_s : time of one turn
    first_azimuth_rad : where the beam looks at time 0
    beamwidth_rad : width of the beam in azimuth
    """

    period_s: float
    first_azimuth_rad: float
    beamwidth_rad: float

    @property
    def rate_rad_per_s(self) -> float:
        """How fast the beam turns."""
        return _TURN / self.period_s

    @property
    def sector_rad(self) -> Floats:
        """Azimuth of the middle of what the beam reaches, and half its width: (2,)."""
        return _ALL_ROUND_RAD

    @property
    def dwell_s(self) -> float:
        """How long the beam is on a target."""
        return self.beamwidth_rad / self.rate_rad_per_s

    def azimuth_rad(self, time_s: float) -> float:
        """Return where the beam looks, in [0, 2π)."""
        return (self.first_azimuth_rad + self.rate_rad_per_s * time_s) % _TURN

    def turns(self, start_s: float, end_s: float) -> float:
        """Return how often the whole sector is swept between two times."""
        return (end_s - start_s) / self.period_s

    def draw_looks(
        self, size: int, start_s: float, end_s: float, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Draw ``size`` times in (start, end] and where the beam looks then."""
        time_s = end_s - (end_s - start_s) * rng.random(size)
        return time_s, (self.first_azimuth_rad + self.rate_rad_per_s * time_s) % _TURN

    def looks(
        self,
        targets: Targets,
        start: Truth,
        end: Truth,
        origin_enu_m: Floats,
        enu_R_sensor: Floats,
        reach: Floats = _ANYWHERE,
    ) -> Looks:
        """Return the targets over which the beam passes.

        A target counts while present at both ends of the window, and must not change its
        azimuth by half a turn within one window. What is out of
        ``reach`` (range and own height, as in ``sensors.kernels``) may be left out.
        """
        from sensors.kernels import aim, find_crossings  # numba: only where it runs

        present = start.present & end.present
        capacity = present.size * (int(self.turns(start.time_s, end.time_s)) + 4)
        times, rows = np.empty(capacity), np.empty(capacity, np.int32)
        due = np.empty(capacity, bool)
        rate = self.rate_rad_per_s
        count = find_crossings(
            start.position_enu_m,
            end.position_enu_m,
            present,
            origin_enu_m,
            enu_R_sensor,
            self.first_azimuth_rad,
            rate,
            start.time_s,
            end.time_s,
            self.beamwidth_rad / _TURN,
            reach,
            times,
            rows,
            due,
        )
        if count == 0:
            return Looks.none()
        time_s, target, due = times[:count], rows[:count], due[:count]
        for _ in range(_CROSSING_STEPS):
            position, velocity = targets.at(time_s, target)
            largest_s = aim(
                position,
                velocity,
                origin_enu_m,
                enu_R_sensor,
                self.first_azimuth_rad,
                rate,
                start.time_s,
                end.time_s,
                due,
                time_s,
            )
            if largest_s <= _CROSSING_TOLERANCE_S:
                break
        return Looks(time_s, target, due, position, velocity)


@dataclass(frozen=True, slots=True)
class Stare:
    """A sector that is looked at as a whole, every ``period_s``.

    Attributes
    ----------
    period_s : time between looks, the first at time 0
    sector_rad : (2,) azimuth of the middle of the sector, and half its width
    dwell_s : how long a look takes; by default nothing against what moves meanwhile
    """

    period_s: float
    sector_rad: Floats
    dwell_s: float = 0.0

    def azimuth_rad(self, time_s: float) -> float:
        """Return NaN: the beam does not turn."""
        return float("nan")

    def look_times_s(self, start_s: float, end_s: float) -> Floats:
        """Return the times of looks in (start, end]."""
        first = np.floor(start_s / self.period_s) - 1.0
        last = np.floor(end_s / self.period_s) + 1.0
        times = np.arange(first, last + 1.0) * self.period_s  # a look's time is one product
        inside: Floats = times[(times > start_s) & (times <= end_s)]
        return inside

    def turns(self, start_s: float, end_s: float) -> float:
        """Return how often the whole sector is looked at between two times."""
        return float(self.look_times_s(start_s, end_s).size)

    def draw_looks(
        self, size: int, start_s: float, end_s: float, rng: np.random.Generator
    ) -> tuple[Floats, Floats]:
        """Draw ``size`` times out of the looks in (start, end], and azimuths in the sector."""
        time_s = rng.choice(self.look_times_s(start_s, end_s), size)
        centre, half_width = self.sector_rad
        return time_s, (centre + half_width * rng.uniform(-1.0, 1.0, size)) % _TURN

    def looks(
        self,
        targets: Targets,
        start: Truth,
        end: Truth,
        origin_enu_m: Floats,
        enu_R_sensor: Floats,
        reach: Floats = _ANYWHERE,
    ) -> Looks:
        """Return every present target at every look, in the sector or not.

        What is out of ``reach`` may be left out.
        """
        from sensors.kernels import within_reach  # numba: only where it runs

        times = self.look_times_s(start.time_s, end.time_s)
        if times.size == 0:
            return Looks.none()
        rows = within_reach(
            start.position_enu_m,
            end.position_enu_m,
            start.present,
            end.present,
            origin_enu_m,
            enu_R_sensor,
            reach,
            float(end.time_s - start.time_s),
        )
        if rows.size == 0:
            return Looks.none()
        time_s, target = np.repeat(times, rows.size), np.tile(rows, times.size)
        due = np.ones(time_s.size, bool)
        return Looks(time_s, target, due, *targets.at(time_s, target))


Scan = Rotation | Stare
