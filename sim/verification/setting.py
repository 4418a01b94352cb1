"""One sensor of a preset over flat ground, and one target that stands in the air."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from sensors.mount import Mount
from sensors.registry import Sensor, SensorSpec, build_sensors
from sensors.scene import Scene
from sim.core.tables import Affiliation, Floats, Plots
from sim.world.environment import Environment
from sim.world.frames import Frame
from sim.world.signatures import signatures_of
from sim.world.surroundings import FlatGround, Surroundings
from sim.world.targets import TargetSpec
from sim.world.trajectories import Knots, Trajectories
from sim.world.truth import Targets

_FRAME = Frame.at(np.radians(52.0), np.radians(5.0), 0.0)
_START = datetime(2025, 6, 1, 12, tzinfo=UTC)
_LONG_S = 1e6


def sensors_of(kind: str, preset: str, mast_m: float = 15.0, **keys: Any) -> tuple[Sensor, ...]:
    """Return what a preset builds on a mast at 52 degrees north, 5 east."""
    spec = TypeAdapter(SensorSpec).validate_python(
        {"kind": kind, "id": "sensor", "preset": preset, **keys}
    )
    around = Surroundings(_FRAME, FlatGround(0.0), Environment(), _START)
    return build_sensors(spec, Mount(0, "site", np.array([0.0, 0.0, mast_m])), around)


def moving(target_class: str, place_enu_m: Floats, velocity_enu_mps: Floats) -> Targets:
    """Return one target of a class that flies straight on, at a place at time 0."""
    spec = TargetSpec.model_validate(
        {
            "id": "target",
            "class": target_class,
            "route": [{"latitude_deg": 52.0, "longitude_deg": 5.0, "height_m": 0.0}],
        }
    )
    time_s = np.array([-_LONG_S, _LONG_S])
    path = Knots.without_gaps(
        time_s, place_enu_m + time_s[:, None] * velocity_enu_mps, np.tile(velocity_enu_mps, (2, 1))
    )
    return Targets(
        ("target",),
        ("target",),
        (target_class,),
        np.array([Affiliation.UNKNOWN], np.uint8),
        signatures_of([spec]),
        Trajectories.join([path]),
    )


def plots_of(sensor: Sensor, target_class: str, place_enu_m: Floats, span_s: float) -> Plots:
    """Return a sensor's true plots of a target that hovers, over some time."""
    targets = moving(target_class, place_enu_m, np.zeros(3))
    scene = Scene(targets, targets.truth(0.0), targets.truth(span_s))
    plots = sensor.observe(scene, np.random.default_rng(1))
    return plots.take(np.flatnonzero(plots.truth_id == 0))
