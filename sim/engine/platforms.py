"""What changes of sensors, step by step: where those are that move with a target, and noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sensors.aboard import Carrier, hidden, moved, observe_aboard
from sensors.registry import Sensor
from sensors.scene import Scene
from sim.core.tables import Bytes, Floats, Ints, Plots, Truth
from sim.tracking import Poses
from sim.world.frames import Frame
from sim.world.surroundings import Surroundings
from sim.world.truth import Targets

NOWHERE = np.empty((0, 3))


@dataclass(frozen=True, slots=True)
class Platforms:
    """Which sensors are carried, and by what.

    Attributes
    ----------
    carriers : one per sensor, None on the ground
    surroundings : of the scenario
    hindered : rows of the sensors that are silent or jammed at some time
    """

    carriers: tuple[Carrier | None, ...]
    surroundings: Surroundings
    hindered: Ints = field(default_factory=lambda: np.empty(0, np.int32))

    @property
    def moving(self) -> Ints:
        """Rows of the sensors that are carried."""
        rows = [row for row, carrier in enumerate(self.carriers) if carrier is not None]
        return np.array(rows, np.int32)

    def places(self, sensors: Sequence[Sensor], start: Truth, end: Truth) -> Floats:
        """Return where every sensor is (S, 3) at the end of a window; (0, 3) if none moves.

        NaN for one whose carrier is not there at both ends of the window: it is off.
        """
        if not any(self.carriers):
            return NOWHERE
        places = np.array([sensor.origin_enu_m for sensor in sensors])
        for row, carrier in enumerate(self.carriers):
            if carrier is None:
                continue
            places[row] = np.nan
            if start.present[carrier.target] and end.present[carrier.target]:
                here = end.position_enu_m[carrier.target]
                places[row] = carrier.place(here, self.surroundings)
        return places

    def sensors_at(self, sensors: Sequence[Sensor], places: Floats) -> tuple[Sensor, ...]:
        """Return the sensors at ``places``; one that is off stays where it is."""
        now = list(sensors)
        for row in self.on(places):
            now[row] = moved(sensors[row], places[row], self.surroundings)
        return tuple(now)

    def on(self, places: Floats) -> list[int]:
        """Return the rows of carried sensors that are on."""
        return [int(row) for row in self.moving if not np.isnan(places[row, 0])]

    def poses(self, sensors: Sequence[Sensor], places: Floats, noise_db: Floats) -> Poses | None:
        """Return what the tracker is told that changes of the sensors, None if nothing ever does.

        Parameters
        ----------
        places : as ``places`` returned them
        noise_db : as of ``sim.engine.hindrance.noise_db``
        """
        rows = np.union1d(self.moving, self.hindered).astype(np.int32)
        if not rows.size:
            return None
        stand = np.array([sensor.origin_enu_m for sensor in sensors])
        where = np.where(np.isin(np.arange(len(sensors)), self.moving)[:, None], np.nan, stand)
        where[self.moving] = places[self.moving]
        noise = noise_db[rows] if noise_db.size else np.zeros((rows.size, 1))
        return replace(poses_of(rows, where[rows], self.surroundings.frame), noise_db=noise)

    def observe(
        self, sensor: Sensor, scene: Scene, places: Floats, rng: np.random.Generator
    ) -> Plots:
        """Return the plots of a sensor, on the ground or carried."""
        carrier = self.carriers[sensor.index]
        if carrier is None:
            return sensor.observe(scene, rng)
        if np.isnan(places[sensor.index, 0]):
            return Plots.empty()
        return observe_aboard(sensor, carrier, scene, self.surroundings, rng)

    def visibility(
        self, sensor: Sensor, targets: Targets, truth: Truth, places: Floats
    ) -> tuple[Floats, Bytes]:
        """Return how well a sensor sees every target, as ``Sensor.visibility``."""
        carrier = self.carriers[sensor.index]
        if carrier is None:
            return sensor.visibility(targets, truth)
        if np.isnan(places[sensor.index, 0]):
            return np.zeros(len(truth)), np.zeros(len(truth), np.uint8)
        return sensor.visibility(targets, hidden(truth, carrier.target))


def poses_of(sensor: Ints, place_enu_m: Floats, frame: Frame) -> Poses:
    """Return sensors (M,) at places (M, 3), NaN for one that is off, as the tracker knows them."""
    on = ~np.isnan(place_enu_m[:, 0])
    place = np.where(on[:, None], place_enu_m, 0.0)
    return Poses(sensor, on, place, frame.local_axes(place), frame.height_m_of(place))
