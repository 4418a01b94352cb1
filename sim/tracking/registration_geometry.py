"""What one sensor's plot says of another's: residuals and derivatives by both sensors' biases."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import AZIMUTH, Bools, Floats, Measured
from sim.tracking.sensor_models import SensorModels

Rows = NDArray[np.int64]

#: Fourth component of a sensor's bias, after range, azimuth and elevation.
CLOCK = 3


@dataclass(frozen=True, slots=True)
class Sightings:
    """Plots of tracked targets, one row per plot; arguments of ``Registration.learn``.

    ``origin_enu_m`` (K, 3) and ``enu_R_sensor`` (K, 3, 3) are those of the sensor when it made
    the plot.
    """

    time_s: Floats
    sensor: Rows
    measurement: Floats
    sigma: Floats
    track: Rows
    velocity_enu_mps: Floats
    origin_enu_m: Floats
    enu_R_sensor: Floats

    @classmethod
    def none(cls) -> Sightings:
        """Return an empty table."""
        whole, triple = np.empty(0, np.int64), np.empty((0, 3))
        axes = np.empty((0, 3, 3))
        return cls(np.empty(0), whole, triple, triple, whole, triple, triple, axes)

    def take(self, rows: Rows | Bools) -> Sightings:
        """Return some rows."""
        return Sightings(*(getattr(self, f.name)[rows] for f in fields(self)))

    def then(self, other: Sightings) -> Sightings:
        """Return these rows and then others."""
        return Sightings(
            *(np.concatenate([getattr(self, f.name), getattr(other, f.name)]) for f in fields(self))
        )


class Comparison:
    """Compares plots of one target by two sensors.

    Parameters
    ----------
    sensors : polar and position-reporting ones can be compared
    velocity_sigma_mps : per axis, of the tracks' velocities that bridge the gap in time
    """

    def __init__(self, sensors: SensorModels, velocity_sigma_mps: float) -> None:
        self._velocity_sigma_mps = velocity_sigma_mps
        self._is_position = np.asarray(sensors.kind) == Measured.POSITION

    def __call__(
        self, first: Sightings, second: Sightings, value: Floats
    ) -> tuple[Floats, Floats, Floats, Rows]:
        """Compare second plots with what first plots and biases ``value`` (S, 4) predict.

        Returns
        -------
        residual : (K, 3), 0 where the second plot lacks a component
        H : (K, 3, 8) its derivatives by the first and the second sensor's biases
        N : (K, 3, 3) covariance of its noise, 1 for what lacks
        m : (K,) number of components

        Notes
        -----
        All is linearised where both plots together place the target. That place's error is
        not correlated with the residual, so noise does not turn into bias through the
        Jacobians, as it would if they were taken at either plot. Both are taken at this one
        place: a track's velocity is turned by what its sensors' biases have in common, and
        must not seem to tell it.
        """
        z1 = first.measurement - value[first.sensor, :CLOCK]
        z2 = second.measurement - value[second.sensor, :CLOCK]
        gap = (second.time_s - value[second.sensor, CLOCK]) - (
            first.time_s - value[first.sensor, CLOCK]
        )
        velocity = 0.5 * (first.velocity_enu_mps + second.velocity_enu_mps)
        way = velocity * gap[:, None]
        has = np.isfinite(z2)
        R1 = _diagonal(np.square(first.sigma))
        R2 = _diagonal(np.where(has, np.square(second.sigma), 1.0))
        bridge = _diagonal(np.tile((self._velocity_sigma_mps * gap[:, None]) ** 2, 3))

        place = self._place(first, z1) + way
        J = self._spread(first, z1)
        P = J @ R1 @ J.transpose(0, 2, 1) + bridge
        residual, G = self._residual(second, z2, has, place)
        S = G @ P @ G.transpose(0, 2, 1) + R2
        place = place + np.einsum(
            "kij,kj->ki", P @ G.transpose(0, 2, 1), solved(S, residual)
        )  # fmt: skip

        residual, G = self._residual(second, z2, has, place)
        own = self._measured(first, place - way)[0]
        GJ = G @ self._spread(first, self._measured(first, place)[0])
        error = self._wrapped(first.sensor, z1 - own)
        residual -= np.einsum("kij,kj->ki", GJ, error)
        N = R2 + GJ @ R1 @ GJ.transpose(0, 2, 1) + G @ bridge @ G.transpose(0, 2, 1)
        run = np.einsum("kij,kj->ki", G, velocity)[:, :, None]
        H = np.concatenate([-GJ, run, _diagonal(has.astype(float)), -run], axis=2)
        return residual, H, N, has.sum(axis=1)

    def _residual(
        self, seen: Sightings, z: Floats, has: Bools, place: Floats
    ) -> tuple[Floats, Floats]:
        """Measured minus predicted and the prediction's Jacobian, 0 where not measured."""
        predicted, G = self._measured(seen, place)
        residual = np.where(has, self._wrapped(seen.sensor, z - predicted), 0.0)
        return residual, np.where(has[:, :, None], G, 0.0)

    def _wrapped(self, sensor: Rows, difference: Floats) -> Floats:
        """Bring differences of azimuths into [−π, π)."""
        turn = np.where(self._is_position[sensor], 0.0, 2.0 * np.pi)
        turns = np.floor(difference[:, AZIMUTH] / (2.0 * np.pi) + 0.5)
        result = difference.copy()
        result[:, AZIMUTH] -= np.where(np.isfinite(turns), turns, 0.0) * turn
        return result

    def _place(self, seen: Sightings, z: Floats) -> Floats:
        """Scenario position (K, 3) of full measurements."""
        sin_a, cos_a, sin_e, cos_e = _trigonometry(z)
        local = z[:, :1] * np.column_stack([cos_e * sin_a, cos_e * cos_a, sin_e])
        local = np.where(self._is_position[seen.sensor, None], z, local)
        place: Floats = seen.origin_enu_m + np.einsum("kij,kj->ki", seen.enu_R_sensor, local)
        return place

    def _spread(self, seen: Sightings, z: Floats) -> Floats:
        """Derivatives (K, 3, 3) of ``_place`` by the measurement."""
        sin_a, cos_a, sin_e, cos_e = _trigonometry(z)
        r = z[:, 0]
        local = np.empty((z.shape[0], 3, 3))
        local[:, :, 0] = np.column_stack([cos_e * sin_a, cos_e * cos_a, sin_e])
        local[:, :, 1] = np.column_stack([r * cos_e * cos_a, -r * cos_e * sin_a, 0.0 * r])
        local[:, :, 2] = np.column_stack([-r * sin_e * sin_a, -r * sin_e * cos_a, r * cos_e])
        local[self._is_position[seen.sensor]] = np.eye(3)
        spread: Floats = seen.enu_R_sensor @ local
        return spread

    def _measured(self, seen: Sightings, place: Floats) -> tuple[Floats, Floats]:
        """What sensors measure of targets at ``place`` (K, 3), and its Jacobian (K, 3, 3)."""
        R = seen.enu_R_sensor
        d = np.einsum("kji,kj->ki", R, place - seen.origin_enu_m)
        e, n, u = d.T
        level = np.maximum(np.hypot(e, n), 1e-3)
        r = np.hypot(level, u)
        z = np.column_stack([r, np.arctan2(e, n), np.arctan2(u, level)])
        local = np.empty((r.size, 3, 3))
        local[:, 0] = d / r[:, None]
        local[:, 1] = np.column_stack([n, -e, 0.0 * u]) / np.square(level)[:, None]
        climb = np.column_stack([-e * u / level, -n * u / level, level])
        local[:, 2] = climb / np.square(r)[:, None]
        is_position = self._is_position[seen.sensor]
        local[is_position] = np.eye(3)
        return np.where(is_position[:, None], d, z), local @ R.transpose(0, 2, 1)


def _trigonometry(z: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    return np.sin(z[:, 1]), np.cos(z[:, 1]), np.sin(z[:, 2]), np.cos(z[:, 2])


def _diagonal(values: Floats) -> Floats:
    """(K, 3, 3) diagonal matrices of (K, 3) values."""
    return values[:, :, None] * np.eye(3)


def solved(S: Floats, y: Floats) -> Floats:
    """S⁻¹y for (K, 3, 3) and (K, 3)."""
    solved = np.linalg.solve(S, y[:, :, None])
    return solved[:, :, 0].astype(np.float64, copy=False)
