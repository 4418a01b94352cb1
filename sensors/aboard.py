"""Sensors aboard ships, aircraft and vehicles: where they are, and what they see on the way.

Antennas and cameras are taken as stabilised and the carrier as knowing its own place: azimuth
stays that from true north, elevation that from the local horizontal.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sensors.abilities import Moves
from sensors.sight import Sight
from sim.core.tables import AZIMUTH, FALSE_ALARM, Floats, Measured, Plots, Truth
from sim.world.truth import Targets

if TYPE_CHECKING:
    from sensors.registry import Sensor
    from sensors.scene import Scene
    from sim.world.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Carrier:
    """What carries a sensor.

    Attributes
    ----------
    target : row of the carrier among the targets
    mast_m : height of the sensor above the carrier's own place
    """

    target: int
    mast_m: float

    def place(self, carrier_enu_m: Floats, surroundings: Surroundings) -> Floats:
        """Return where the sensor is, (..., 3), when the carrier is at (..., 3)."""
        up = surroundings.frame.local_axes(carrier_enu_m)[..., 2]
        place: Floats = carrier_enu_m + self.mast_m * up
        return place


def moved(sensor: Sensor, position_enu_m: Floats, surroundings: Surroundings) -> Sensor:
    """Return a sensor at another place (3,): its axes, height and horizon are those there."""
    if isinstance(sensor, Moves):
        return sensor.moved_to(position_enu_m, surroundings)
    sight = Sight.passing(surroundings, position_enu_m)
    here = {
        "origin_enu_m": sight.origin_enu_m,
        "enu_R_sensor": sight.enu_R_sensor,
        "sight": sight,
    }
    table: Any = sensor
    known = {field.name for field in fields(table)}
    at_place: Sensor = replace(table, **{k: v for k, v in here.items() if k in known})
    return at_place


def observe_aboard(
    sensor: Sensor,
    carrier: Carrier,
    scene: Scene,
    surroundings: Surroundings,
    rng: np.random.Generator,
) -> Plots:
    """Return the plots of a window by a sensor that moves with its carrier.

    Measurements are exact, but for the sensor's own errors, about where it is at the window's
    end; range rates are those of the target alone, own motion taken off.

    Parameters
    ----------
    sensor : at its place at the window's end
    carrier : there at both ends of the window, not seen itself
    scene : what there is to see

    Notes
    -----
    A turning beam meets a target by the azimuth from where the sensor is at that time: it
    observes all targets in motion relative to the carrier, so that one window begins as the
    last one ended, and what it measures is then referred to the end of the window. Any other
    sensor looks from where it is at the end.
    """
    targets = scene.targets
    turning = sensor.rotates and sensor.measured == Measured.POLAR
    away = without(targets, carrier.target)
    if turning:
        aboard = (carrier, sensor, surroundings)
        away = _Relative(**_columns(targets), carrier=carrier.target, aboard=aboard)
    start, end = (_present(away.truth(told.time_s), told) for told in (scene.start, scene.end))
    plots = sensor.observe(replace(scene, targets=away, start=start, end=end), rng)
    if not turning:
        return plots
    real = np.flatnonzero(plots.truth_id != FALSE_ALARM)
    time_s, row = plots.time_s[real], plots.truth_id[real]
    exact = _polar(*targets.at(time_s, row), sensor)
    exact -= _polar(*away.at(time_s, row), sensor)
    measurement = plots.measurement.copy()
    measurement[real] += exact
    measurement[real, AZIMUTH] %= 2.0 * np.pi
    return replace(plots, measurement=measurement)


def without(targets: Targets, carrier: int) -> Targets:
    """Return targets of which one is never there, nor what it carries: not even its jammer."""
    return _Away(**_columns(targets), carrier=carrier)


def _columns(targets: Targets) -> dict[str, Any]:
    return {f.name: getattr(targets, f.name) for f in fields(Targets)}


def hidden(truth: Truth, target: int) -> Truth:
    """Return a truth in which one target is absent."""
    position, velocity = truth.position_enu_m.copy(), truth.velocity_enu_mps.copy()
    present = truth.present.copy()
    position[target], velocity[target], present[target] = np.nan, np.nan, False
    return replace(truth, position_enu_m=position, velocity_enu_mps=velocity, present=present)


def _present(truth: Truth, told: Truth) -> Truth:
    """Return a truth without what is not told as present: it may be gone before its path ends."""
    gone = truth.present & ~told.present
    if not gone.any():
        return truth
    position = np.where(gone[:, None], np.nan, truth.position_enu_m)
    velocity = np.where(gone[:, None], np.nan, truth.velocity_enu_mps)
    return Truth(truth.time_s, position, velocity, truth.present & told.present)


@dataclass(frozen=True, slots=True, eq=False)
class _Away(Targets):
    """All targets but the one that carries the sensor."""

    carrier: int = -1

    def truth(self, time_s: float) -> Truth:
        rows = np.arange(len(self))
        position, velocity = self.at(np.full(rows.size, time_s), rows)
        return Truth(time_s, position, velocity, ~np.isnan(position[:, 0]))

    def at(self, time_s: ArrayLike, target: NDArray[np.integer]) -> tuple[Floats, Floats]:
        position, velocity = self.trajectories.at(time_s, target)
        own = target == self.carrier
        position[own] = velocity[own] = np.nan
        return position, velocity


@dataclass(frozen=True, slots=True, eq=False)
class _Relative(_Away):
    """Targets as the carrier has them about it, put about the sensor's place at one time."""

    aboard: tuple[Carrier, Any, Any] = (Carrier(-1, 0.0), None, None)  # sensor, surroundings

    def at(self, time_s: ArrayLike, target: NDArray[np.integer]) -> tuple[Floats, Floats]:
        return self._about(time_s, *_Away.at(self, time_s, target))

    def standing(self, time_s: Floats, place_enu_m: Floats) -> tuple[Floats, Floats]:
        return self._about(time_s, *Targets.standing(self, time_s, place_enu_m))

    def _about(
        self, time_s: ArrayLike, position: Floats, velocity: Floats
    ) -> tuple[Floats, Floats]:
        carrier, sensor, surroundings = self.aboard
        own = np.full(len(position), carrier.target, np.int32)
        here, own_velocity = self.trajectories.at(time_s, own)
        turn = sensor.enu_R_sensor @ surroundings.frame.local_axes(here).swapaxes(-1, -2)
        apart = position - carrier.place(here, surroundings)
        about = sensor.origin_enu_m + np.einsum("kij,kj->ki", turn, apart)
        return about, np.einsum("kij,kj->ki", turn, velocity - own_velocity)


def _polar(position_enu_m: Floats, velocity_enu_mps: Floats, sensor: Sensor) -> Floats:
    """Range, azimuth, elevation and range rate (K, 4) from where a sensor is."""
    offset = (position_enu_m - sensor.origin_enu_m) @ sensor.enu_R_sensor
    velocity = velocity_enu_mps @ sensor.enu_R_sensor
    east, north, up = offset.T
    across_m = np.hypot(east, north)
    range_m = np.hypot(across_m, up)
    rate = np.einsum("ki,ki->k", offset, velocity) / range_m
    return np.column_stack([range_m, np.arctan2(east, north), np.arctan2(up, across_m), rate])
