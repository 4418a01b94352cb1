"""Recorded flights: OpenSky state vectors become smooth paths.

Recorded positions carry errors of hundreds of metres along the track (stale reports, whole
seconds), and recorded headings are whole degrees and in places wrong. The path is
therefore smoothed from positions alone: a cubic smoothing spline, which is the best
estimate under white noise in acceleration, with outliers weighted down.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.core.geodesy import MEAN_EARTH_RADIUS_M, mean_radius_m, up_ecef
from sim.core.tables import Bools, Floats
from sim.world.frames import Frame
from sim.world.targets import Recorded
from sim.world.trajectories import Knots

# Weight of the squared acceleration against squared position errors (s³). Chosen on the two
# flights that come with the project: about 1 g at most, 15 m from half of the rows.
_SMOOTHING_S3 = 100.0
# Errors up to this size are noise; the median error of the flight may raise it.
_HORIZONTAL_NOISE_M = 100.0
_VERTICAL_NOISE_M = 10.0
_OUTLIER_SHARE = 1.5
_REWEIGHTINGS = 8

# Recorded times are whole seconds: a row may be that much off its time.
_TIME_STEP_S = 1.0
# An aircraft reported to move faster cannot stand still: the position is stale.
_MOVING_MPS = 5.0

_REQUIRED = ("time", "lat", "lon")
_HEIGHTS = ("geoaltitude", "baroaltitude")


@dataclass(frozen=True, slots=True, eq=False)
class RecordedFlight:
    """One recorded flight, cleaned but not smoothed.

    Attributes
    ----------
    time_s : (K,) scenario time, strictly rising
    latitude_rad, longitude_rad, height_m : (K,) as recorded, height offset added
    gap_after : (K,) whether the record falls silent for too long after this row
    dropped_broken : rows without a usable time or position
    dropped_ground : rows on the ground
    dropped_duplicates : rows of a time or position already reported
    dropped_jumps : rows that the aircraft could not have reached
    """

    time_s: Floats
    latitude_rad: Floats
    longitude_rad: Floats
    height_m: Floats
    gap_after: Bools
    dropped_broken: int
    dropped_ground: int
    dropped_duplicates: int
    dropped_jumps: int

    def dropped(self) -> dict[str, int]:
        """Return how many rows were dropped, by reason; reasons without any left out."""
        counts = {
            "broken": self.dropped_broken,
            "on ground": self.dropped_ground,
            "duplicate": self.dropped_duplicates,
            "jump": self.dropped_jumps,
        }
        return {reason: count for reason, count in counts.items() if count}

    def knots(self, frame: Frame) -> Knots:
        """Return the smoothed path; single rows between gaps are left out."""
        middle = self.latitude_rad[self.latitude_rad.size // 2]
        north_m = mean_radius_m(float(middle))
        east_m = north_m * float(np.cos(middle))
        longitude = np.unwrap(self.longitude_rad)
        times, positions, velocities, gaps = [], [], [], []
        for rows in self._stretches():
            if rows.stop - rows.start < 2:
                continue
            time_s = self.time_s[rows]
            flat = np.stack([longitude[rows] * east_m, self.latitude_rad[rows] * north_m], -1)
            origin = flat[0].copy()
            flat = origin + smooth(time_s, flat - origin, _HORIZONTAL_NOISE_M)
            height_m = smooth(time_s, self.height_m[rows, None], _VERTICAL_NOISE_M)[:, 0]
            position = frame.from_geodetic(flat[:, 1] / north_m, flat[:, 0] / east_m, height_m)
            times.append(time_s)
            positions.append(position)
            velocities.append(natural_spline_velocity(time_s, position))
            gaps.append(np.arange(time_s.size) == time_s.size - 1)
        if not times:
            raise ValueError("no two rows of the recorded flight lie within gap_max_s")
        return Knots(
            np.concatenate(times),
            np.concatenate(positions),
            np.concatenate(velocities),
            np.concatenate(gaps),
        )

    def _stretches(self) -> Iterator[slice]:
        ends = np.append(np.flatnonzero(self.gap_after[:-1]) + 1, self.time_s.size)
        start = 0
        for end in ends:
            yield slice(start, int(end))
            start = int(end)


def natural_spline_velocity(time_s: Floats, position: Floats) -> Floats:
    """Return the derivative (N, D) at its knots of the natural cubic spline through (N, D)."""
    from scipy.linalg import solveh_banded

    step = np.diff(time_s)[:, None]
    slope = np.diff(position, axis=0) / step
    curvature = np.zeros_like(position)
    if time_s.size > 2:
        bands = np.zeros((2, time_s.size - 2))
        bands[1] = 2.0 * (step[:-1] + step[1:])[:, 0]
        bands[0, 1:] = step[1:-1, 0]
        used = bands if time_s.size > 3 else bands[1:]  # one inner knot has no neighbour
        curvature[1:-1] = solveh_banded(used, 6.0 * np.diff(slope, axis=0))
    velocity = np.empty_like(position)
    velocity[:-1] = slope - step * (2.0 * curvature[:-1] + curvature[1:]) / 6.0
    velocity[-1] = slope[-1] + step[-1] * (2.0 * curvature[-1] + curvature[-2]) / 6.0
    return velocity


def read_recorded(path: Path, spec: Recorded) -> RecordedFlight:
    """Read one flight from a CSV file in OpenSky's state-vector columns.

    Needs ``time`` (s), ``lat``, ``lon`` (degrees) and ``geoaltitude`` or ``baroaltitude``
    (m; the one with more values, geometric heights first). Rows with ``onground`` are left
    out.

    Parameters
    ----------
    path
        The file.
    spec
        Which aircraft, and how to place and clean it.

    Raises
    ------
    ValueError
        If the file cannot be read or holds no usable flight; names the file and, where it
        applies, the line.
    """
    rows, lines = _rows_of_one_aircraft(path, spec.icao24)
    on_ground = np.array([_is_true(row.get("onground")) for row in rows], bool)
    columns = {
        key: np.array([_number(row.get(key)) for row in rows])
        for key in (*_REQUIRED, *_HEIGHTS, "velocity")
    }
    usable = (
        np.isfinite(columns["time"])
        & (np.abs(columns["lat"]) <= 90)
        & (np.abs(columns["lon"]) <= 360)
    )
    if not usable.any():
        row = {key: rows[0].get(key) for key in _REQUIRED}
        raise ValueError(f"{path}: no row has a usable time, lat and lon; line {lines[0]}: {row}")
    keep = usable & ~on_ground
    if keep.sum() < 2:
        raise ValueError(f"{path}: fewer than two usable rows in the air")
    kept = np.flatnonzero(keep)
    kept = kept[np.argsort(columns["time"][kept], kind="stable")]
    time_s, latitude, longitude = (columns[key][kept] for key in _REQUIRED)
    height = max((columns[key][kept] for key in _HEIGHTS), key=lambda h: int(np.isfinite(h).sum()))
    known = np.isfinite(height)
    if not known.any():
        raise ValueError(f"{path}: no row has a height (geoaltitude or baroaltitude)")
    height = np.interp(time_s, time_s[known], height[known])

    fresh = ~_repeats(time_s, latitude, longitude, columns["velocity"][kept])
    chosen = np.flatnonzero(fresh)
    latitude_rad, longitude_rad = np.radians(latitude), np.radians(longitude)
    chain = _longest_chain(
        time_s[chosen], latitude_rad[chosen], longitude_rad[chosen], spec.speed_max_mps
    )
    jumps = chosen.size - chain.size
    chosen = chosen[chain]
    if chosen.size < 2:
        raise ValueError(f"{path}: no two rows can belong to one flight under speed_max_mps")
    clean_s = time_s[chosen] - time_s[0] + spec.offset_s
    return RecordedFlight(
        clean_s,
        latitude_rad[chosen],
        longitude_rad[chosen],
        height[chosen] + spec.height_offset_m,
        np.append(np.diff(clean_s) > spec.gap_max_s, True),
        dropped_broken=int((~usable).sum()),
        dropped_ground=int((usable & on_ground).sum()),
        dropped_duplicates=int((~fresh).sum()),
        dropped_jumps=int(jumps),
    )


def _rows_of_one_aircraft(
    path: Path, icao24: str | None
) -> tuple[list[dict[str, str | None]], list[int]]:
    """Return rows by column name, and their line numbers."""
    rows: list[dict[str, str | None]] = []
    lines: list[int] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            missing = [key for key in _REQUIRED if key not in columns]
            if not set(_HEIGHTS) & set(columns):
                missing.append("baroaltitude (or geoaltitude)")
            if icao24 is not None and "icao24" not in columns:
                missing.append("icao24")
            if not columns:
                raise ValueError(f"{path}: the file is empty")
            if missing:
                raise ValueError(
                    f"{path}, line 1: missing column {', '.join(missing)}; found "
                    + ", ".join(columns)
                )
            try:
                for row in reader:
                    rows.append(row)
                    lines.append(reader.line_num)
            except csv.Error as error:
                raise ValueError(f"{path}, line {reader.line_num}: {error}") from error
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not a text file in UTF-8") from error
    if not rows:
        raise ValueError(f"{path}: no rows below the header")
    aircraft = sorted({(row.get("icao24") or "").strip().lower() for row in rows} - {""})
    if icao24 is None:
        if len(aircraft) > 1:
            raise ValueError(
                f"{path}: holds {len(aircraft)} aircraft; choose one with icao24: "
                + ", ".join(aircraft[:8])
            )
        return rows, lines
    wanted = icao24.strip().lower()
    mine = [k for k, row in enumerate(rows) if (row["icao24"] or "").strip().lower() == wanted]
    if not mine:
        raise ValueError(f"{path}: no aircraft {icao24}; found " + ", ".join(aircraft[:8]))
    return [rows[k] for k in mine], [lines[k] for k in mine]


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return np.nan


def _is_true(text: str | None) -> bool:
    return (text or "").strip().lower() in {"true", "1", "t"}


def _repeats(time_s: Floats, latitude: Floats, longitude: Floats, speed_mps: Floats) -> Bools:
    """Mark rows of the same time as the one before, or stale: same place while moving."""
    repeats = np.zeros(time_s.size, bool)
    same_place = (np.diff(latitude) == 0) & (np.diff(longitude) == 0)
    repeats[1:] = (np.diff(time_s) == 0) | (same_place & (speed_mps[1:] > _MOVING_MPS))
    return repeats


def _longest_chain(
    time_s: Floats, latitude_rad: Floats, longitude_rad: Floats, speed_max_mps: float
) -> NDArray[np.intp]:
    """Return the rows of the longest chain in which each is in reach of the one before."""
    place = up_ecef(latitude_rad, longitude_rad)

    def in_reach(a: NDArray[np.intp], b: NDArray[np.intp] | np.intp) -> Bools:
        distance_m = (
            2
            * MEAN_EARTH_RADIUS_M
            * np.arcsin(np.minimum(np.linalg.norm(place[a] - place[b], axis=-1) / 2, 1.0))
        )
        reach: Bools = distance_m <= speed_max_mps * (np.abs(time_s[a] - time_s[b]) + _TIME_STEP_S)
        return reach

    index = np.arange(time_s.size)
    follows = in_reach(index[:-1], index[1:])
    length = np.ones(time_s.size, np.intp)
    before = np.full(time_s.size, -1)
    longest = 0  # row that ends the longest chain so far
    for row in range(1, time_s.size):
        if longest == row - 1 and follows[row - 1]:
            before[row] = row - 1
        else:
            linked = np.flatnonzero(in_reach(index[:row], index[row]))
            if linked.size:
                before[row] = linked[np.argmax(length[linked])]
        if before[row] >= 0:
            length[row] = length[before[row]] + 1
        if length[row] >= length[longest]:
            longest = row
    chain = [longest]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return np.array(chain[::-1], np.intp)


def smooth(time_s: Floats, values: Floats, noise: float) -> Floats:
    """Return values of the robust cubic smoothing spline at the given times.

    Reinsch's algorithm (Green and Silverman, Nonparametric Regression, 1994, section 2.3),
    repeated with outliers weighted down.

    Parameters
    ----------
    time_s
        (K,) strictly rising.
    values
        (K, D), smoothed with weights in common.
    noise
        Errors up to this size are not outliers.
    """
    from scipy.linalg import solveh_banded  # slow to import

    if time_s.size < 3:
        return values
    step = np.diff(time_s)
    left, right = 1 / step[:-1], 1 / step[1:]
    centre = -left - right
    curvature = np.diff(np.diff(values, axis=0) / step[:, None], axis=0)
    weight = np.ones(time_s.size)
    smoothed = values
    for _ in range(_REWEIGHTINGS):
        slack = _SMOOTHING_S3 / weight
        bands = np.zeros((3, step.size - 1))
        bands[0] = (step[:-1] + step[1:]) / 3 + (
            left**2 * slack[:-2] + centre**2 * slack[1:-1] + right**2 * slack[2:]
        )
        bands[1, :-1] = step[1:-1] / 6 + (
            centre[:-1] * left[1:] * slack[1:-2] + right[:-1] * centre[1:] * slack[2:-1]
        )
        bands[2, :-2] = right[:-2] * left[2:] * slack[2:-2]
        second = solveh_banded(bands, curvature, lower=True)
        pull = np.zeros_like(values)
        pull[:-2] += left[:, None] * second
        pull[1:-1] += centre[:, None] * second
        pull[2:] += right[:, None] * second
        smoothed = values - slack[:, None] * pull
        error = np.linalg.norm(smoothed - values, axis=1)
        usual = _OUTLIER_SHARE * max(1.4826 * float(np.median(error)), noise)
        weight = 1 / np.maximum(1.0, error / usual) ** 2
    return smoothed
