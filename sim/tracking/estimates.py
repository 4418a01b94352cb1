"""Tracks with full states: what a tracker tells others, and what its picture is made of."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import (
    Bools,
    Bytes,
    Floats,
    Identity,
    Ints,
    Tracks,
    fill_left_out,
    nothing,
)

_PENDING = int(Identity.PENDING)


@dataclass(frozen=True, slots=True)
class Estimates:
    """Tracks with full states at one time, one row per track.

    Attributes
    ----------
    time_s : time for which the states hold
    number : (N,) the sender's track numbers, each at most once, and never given anew
    mean : (N, 6) position (m) and velocity (m/s), scenario ENU
    covariance : (N, 6, 6) of ``mean``
    last_plot_s, hits, sensors, replies, status, existence : as in ``Tracks``; the last one
        may be left out
    """

    time_s: float
    number: Ints
    mean: Floats
    covariance: Floats
    last_plot_s: Floats
    hits: Ints
    sensors: NDArray[np.uint64]
    replies: Ints
    status: Bytes
    existence: Floats = field(default_factory=nothing)

    def __post_init__(self) -> None:
        fill_left_out(self, self.number.size, existence=np.nan)

    def __len__(self) -> int:
        return int(self.number.size)

    @classmethod
    def empty(cls, time_s: float = 0.0) -> Self:
        """Return a report without tracks."""
        return cls(
            time_s=time_s,
            number=np.empty(0, np.int32),
            mean=np.empty((0, 6)),
            covariance=np.empty((0, 6, 6)),
            last_plot_s=np.empty(0),
            hits=np.empty(0, np.int32),
            sensors=np.empty(0, np.uint64),
            replies=np.empty((0, 3), np.int32),
            status=np.empty(0, np.uint8),
        )

    def take(self, rows: NDArray[np.intp] | Bools) -> Estimates:
        """Return the given rows (indices or mask) as a new report."""
        return Estimates(
            self.time_s, *(getattr(self, f.name)[rows] for f in fields(self) if f.name != "time_s")
        )

    def at(self, time_s: float, noise_m2ps3: tuple[float, float]) -> Estimates:
        """Return the report extrapolated to another time, forwards or backwards.

        Parameters
        ----------
        time_s : the time
        noise_m2ps3 : white-noise acceleration, as ``extrapolated``
        """
        mean, covariance = extrapolated(
            self.mean, self.covariance, np.full(len(self), time_s - self.time_s), noise_m2ps3
        )
        return replace(self, time_s=time_s, mean=mean, covariance=covariance)

    def as_tracks(self) -> Tracks:
        """Return the report as a picture of its own time, nobody identified."""
        return Tracks(
            time_s=self.time_s,
            number=self.number,
            position_enu_m=np.ascontiguousarray(self.mean[:, :3]),
            velocity_enu_mps=np.ascontiguousarray(self.mean[:, 3:]),
            position_covariance_m2=np.ascontiguousarray(self.covariance[:, :3, :3]),
            status=self.status,
            last_plot_s=self.last_plot_s,
            hits=self.hits,
            sensors=self.sensors,
            replies=self.replies,
            identity=np.full(len(self), _PENDING, np.uint8),
            existence=self.existence,
        )


def existence_of(score: Floats, rule: int) -> Floats:
    """Return the probabilities (N,) of log odds (N,); NaN where the rule is M of N (0)."""
    if rule == 0:
        return np.full(score.size, np.nan)
    # As 1 / (1 + exp(−score)), which overflows where a target is all but impossible.
    odds: Floats = 0.5 + 0.5 * np.tanh(0.5 * score)
    return odds


def extrapolated(
    mean: Floats, covariance: Floats, dt: Floats, noise_m2ps3: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Move states under nearly constant velocity.

    Parameters
    ----------
    mean, covariance : (N, 6), (N, 6, 6)
    dt : (N,) s; backwards where negative
    noise_m2ps3 : spectral density of the white-noise acceleration, horizontal and vertical

    Returns
    -------
    mean, covariance : (N, 6), (N, 6, 6)

    Notes
    -----
    Continuous white-noise acceleration: Bar-Shalom, Li, Kirubarajan, Estimation with
    Applications to Tracking and Navigation, 6.2.2.
    """
    moved = mean.copy()
    moved[:, :3] += dt[:, None] * mean[:, 3:]
    axes = np.arange(3)
    t = dt[:, None, None]
    C, V = covariance[:, :3, 3:], covariance[:, 3:, 3:]
    spread = np.empty_like(covariance)
    spread[:, :3, :3] = covariance[:, :3, :3] + t * (C + C.transpose(0, 2, 1)) + t * t * V
    spread[:, :3, 3:] = C + t * V
    spread[:, 3:, :3] = spread[:, :3, 3:].transpose(0, 2, 1)
    spread[:, 3:, 3:] = V
    # Backwards the noise grows too, and its cross terms change sign.
    q = np.array([noise_m2ps3[0], noise_m2ps3[0], noise_m2ps3[1]]) * np.abs(dt)[:, None]
    cross = q * dt[:, None] / 2.0
    spread[:, axes, axes] += q * np.square(dt)[:, None] / 3.0
    spread[:, axes, axes + 3] += cross
    spread[:, axes + 3, axes] += cross
    spread[:, axes + 3, axes + 3] += q
    return moved, spread
