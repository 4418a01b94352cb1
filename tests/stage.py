"""A place for one sensor in tests, and targets whose every property is set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensors.mount import Mount
from sim.core.tables import Floats, Truth
from sim.world.attackers import Attackers
from sim.world.environment import Environment
from sim.world.frames import Frame
from sim.world.relief import Relief
from sim.world.signatures import ASPECTS, Signatures
from sim.world.surroundings import FlatGround, Surroundings

START = datetime(2025, 6, 1, 12, tzinfo=UTC)


def surroundings(frame: Frame, ground_m: float = 0.0, **environment: Any) -> Surroundings:
    """Flat ground at noon."""
    return Surroundings(frame, FlatGround(ground_m), Environment(**environment), START)


def build(
    spec: Any,
    frame: Frame,
    place: Any = (0.0, 0.0, 20.0),
    *,
    index: int = 0,
    ground_m: float = 0.0,
    **environment: Any,
) -> Any:
    """Return the sensor of a specification at a place in the frame."""
    mount = Mount(index, "hill", np.array(place, float))
    return spec.build(mount, surroundings(frame, ground_m, **environment))


def signatures(size: int, **given: Any) -> Signatures:
    """Targets that echo the same from all sides, and are silent unless told otherwise."""
    values: dict[str, Any] = {
        "rcs_m2": 1.0,
        "swerling": 0,
        "rotor_rcs": 0.0,
        "rotor_tip_mps": np.nan,
        "reply": 0,
        "acoustic_db": -np.inf,
        "acoustic_hz": 500.0,
        "rf_dbm": -np.inf,
        "rf_hz": 2.4e9,
        "optical_size_m": 1.0,
        "infrared_contrast_k": 10.0,
        "ads_b_nacp": 0,
        "remote_id": False,
        "target_class": -1,
    }
    aspect = np.broadcast_to(given.pop("rcs_aspect", 1.0), (size, ASPECTS)).astype(float)
    codes = {"swerling": np.uint8, "reply": np.uint8, "ads_b_nacp": np.uint8, "remote_id": bool}
    codes["target_class"] = np.int32
    columns = {
        key: np.array(np.broadcast_to(value, size), codes.get(key, float))
        for key, value in (values | given).items()
    }
    return Signatures(rcs_aspect=aspect, **columns)


@dataclass
class Fakes:
    """Targets whose path is a function of time (K,) and row (K,)."""

    path: Callable[[Floats, NDArray[np.intp]], Floats]
    signatures: Signatures
    span_s: tuple[float, float] = (-np.inf, np.inf)
    attackers: Attackers = field(default_factory=Attackers)

    def __len__(self) -> int:
        return len(self.signatures.rcs_m2)

    def at(self, time_s: Floats, target: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Positions and velocities."""
        step = 1e-3
        later, sooner = self.path(time_s + step, target), self.path(time_s - step, target)
        position = self.path(time_s, target)
        position[(time_s < self.span_s[0]) | (time_s > self.span_s[1])] = np.nan
        return position, (later - sooner) / (2 * step)

    def standing(self, time_s: Floats, place_enu_m: Floats) -> tuple[Floats, Floats]:
        """What rests."""
        return np.tile(place_enu_m, (time_s.size, 1)), np.zeros((time_s.size, 3))

    def truth(self, time_s: float) -> Truth:
        """Where they are at one time."""
        rows = np.arange(len(self))
        position, velocity = self.at(np.full(len(self), time_s), rows)
        present = ~np.isnan(position[:, 0])
        return Truth(time_s, position, np.where(present[:, None], velocity, np.nan), present)


def fakes(path: Callable[..., Floats], size: int, **given: Any) -> Fakes:
    """Targets on paths, with what ``signatures`` takes."""
    return Fakes(path, signatures(size, **given))


def relief(frame: Frame, height_m: Callable[[Floats, Floats], Floats], half_m: float) -> Any:
    """Return ground whose height is a function of metres east and north, in cells of 60 m."""
    per_rad = 6.378e6
    step = (60.0 / per_rad, 60.0 / (per_rad * np.cos(frame.latitude_rad)))
    cells = np.arange(-int(half_m / 60.0), int(half_m / 60.0) + 1)
    east_m, north_m = np.meshgrid(60.0 * cells, 60.0 * cells)
    south = frame.latitude_rad + cells[0] * step[0]
    west = frame.longitude_rad + cells[0] * step[1]
    return Relief(height_m(east_m, north_m).astype(np.float32), south, west, step)
