"""Draw the figures of the sensors' pages: how probably targets are detected, over range.

``python -m docs.figures`` draws all of them, ``python -m docs.figures acoustic`` one, from the
root of the checkout; they go to ``docs/images``, or to ``--folder``. (As a plain script its folder
would come first where modules are looked for, and ``docs/coverage`` pass for a package.) A
further kind of sensor is one more entry in ``FIGURES``. Needs the extra ``bench``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from sensors.mount import Mount
from sensors.registry import Sensor, SensorSpec, build_sensors
from sim.core.tables import Affiliation, Floats, Visibility
from sim.world.environment import Environment
from sim.world.frames import Frame
from sim.world.signatures import signatures_of
from sim.world.surroundings import FlatGround, Surroundings
from sim.world.targets import TargetSpec
from sim.world.trajectories import Knots, Trajectories
from sim.world.truth import Targets

IMAGES = Path(__file__).with_name("images")
START = datetime(2025, 6, 1, 12, tzinfo=UTC)
FRAME = Frame.at(np.radians(52.0), np.radians(5.0), 0.0)
POINTS = 400
#: Geometry shows the target; something else may make its echo weak.
SHOWN = (
    Visibility.BLIND_RANGE,
    Visibility.TOO_SLOW,
    Visibility.IN_CLUTTER,
    Visibility.WEAK_ECHO,
    Visibility.UNRESOLVED,
    Visibility.VISIBLE,
)


@dataclass(frozen=True)
class Subject:
    """A target flown past: its class, height above ground, and keys of the scenario."""

    target_class: str
    height_m: float
    keys: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def label(self) -> str:
        """What the legend says."""
        return f"{self.target_class}, {self.height_m:,g} m{self.note}"


@dataclass(frozen=True)
class Figure:
    """One curve for each subject, by one preset.

    ``speed_mps`` is towards the sensor, for sensors that need a Doppler shift; ``note`` ends
    the title.
    """

    kind: str
    preset: str
    subjects: tuple[Subject, ...]
    range_km: tuple[float, float]
    mast_m: float = 15.0
    keys: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    speed_mps: float = 0.0
    note: str = ""


QUADCOPTER = Subject("mini-drone", 100.0)
#: A further receiver of a network, 3 km east.
RECEIVER = {"latitude_deg": 52.0, "longitude_deg": 5.0437, "height_agl_m": 15.0}
#: A transmitter 30 km east of the receiver.
TOWER = {
    "id": "tower",
    "position": {"latitude_deg": 52.0, "longitude_deg": 5.437, "height_agl_m": 250.0},
}

FIGURES: dict[str, Figure] = {
    "radar": Figure(
        "radar",
        "drone-radar",
        (QUADCOPTER, Subject("one-way-attack-drone", 100.0), Subject("helicopter", 100.0)),
        (0.5, 14.0),
        speed_mps=15.0,
        keys={"range_max_km": 14.0},
    ),
    "array-radar": Figure(
        "array-radar",
        "multi-function",
        (
            Subject("fighter", 5000.0),
            Subject("cruise-missile", 100.0),
            Subject("one-way-attack-drone", 300.0),
        ),
        (5.0, 200.0),
        speed_mps=50.0,
    ),
    "passive-radar": Figure(
        "passive-radar",
        "dab",
        (
            Subject("airliner", 9000.0),
            Subject("fighter", 5000.0),
            Subject("one-way-attack-drone", 300.0),
        ),
        (2.0, 150.0),
        keys={"illuminators": [TOWER]},
        speed_mps=50.0,
    ),
    "camera": Figure(
        "camera",
        "long-lens",
        (QUADCOPTER, Subject("one-way-attack-drone", 300.0), Subject("helicopter", 300.0)),
        (0.2, 30.0),
    ),
    "infrared": Figure(
        "infrared",
        "cooled-medium-wave",
        (QUADCOPTER, Subject("one-way-attack-drone", 300.0), Subject("helicopter", 300.0)),
        (0.2, 30.0),
    ),
    "acoustic": Figure(
        "acoustic",
        "acoustic-node",
        (
            Subject("mini-drone", 30.0),
            Subject("drone", 30.0),
            Subject("one-way-attack-drone", 100.0),
        ),
        (0.05, 8.0),
        mast_m=4.0,
    ),
    "acoustic-upwind": Figure(
        "acoustic",
        "acoustic-node",
        (
            Subject("mini-drone", 30.0),
            Subject("drone", 30.0),
            Subject("one-way-attack-drone", 100.0),
        ),
        (0.05, 8.0),
        mast_m=4.0,
        environment={"wind_mps": 5.0, "wind_from_deg": 180.0},
        note=", against 5 m/s",
    ),
    "rf-direction-finder": Figure(
        "rf-direction-finder",
        "drone-link-finder",
        (
            QUADCOPTER,
            Subject("mini-drone", 2.0),
            Subject("mini-drone", 100.0, {"radio": {"frequency_ghz": 5.8}}, ", 5.8 GHz"),
        ),
        (0.5, 20.0),
    ),
    "time-difference": Figure(
        "time-difference",
        "drone-link-network",
        (QUADCOPTER, Subject("mini-drone", 2.0), Subject("drone", 100.0)),
        (0.5, 20.0),
        keys={"receivers": [RECEIVER]},
    ),
    "ads-b": Figure(
        "ads-b",
        "ground-receiver",
        (
            Subject("airliner", 10_000.0),
            Subject("light-aircraft", 1000.0),
            Subject("helicopter", 150.0),
        ),
        (5.0, 400.0),
    ),
    "remote-id": Figure(
        "remote-id",
        "ground-receiver",
        (QUADCOPTER, Subject("mini-drone", 2.0), Subject("drone", 1.0)),
        (0.1, 8.0),
    ),
    "secondary-radar": Figure(
        "secondary-radar",
        "airport-monopulse",
        (
            Subject("airliner", 10_000.0),
            Subject("light-aircraft", 1000.0),
            Subject("helicopter", 150.0),
        ),
        (0.5, 200.0),
    ),
}


def sensor_of(figure: Figure) -> Sensor:
    """Return the figure's sensor, the first one of a network, at the origin."""
    spec = TypeAdapter(SensorSpec).validate_python(
        {"kind": figure.kind, "id": "sensor", "preset": figure.preset, **figure.keys}
    )
    around = Surroundings(FRAME, FlatGround(0.0), Environment(**figure.environment), START)
    mount = Mount(0, "site", np.array([0.0, 0.0, figure.mast_m]))
    return build_sensors(spec, mount, around)[0]


def detectability(figure: Figure, subject: Subject, range_m: Floats) -> Floats:
    """Return the detection probability (K,) at slant ranges, alone in the air, due north.

    Where geometry hides the target it is 0.
    """
    sensor = sensor_of(figure)
    spec = TargetSpec.model_validate(
        {
            "id": "subject",
            "class": subject.target_class,
            "route": [{"latitude_deg": 52.0, "longitude_deg": 5.0, "height_m": 0.0}],
            **subject.keys,
        }
    )
    pd = np.zeros(range_m.size)
    velocity = np.array([0.0, -figure.speed_mps, 0.0])
    for k, slant_m in enumerate(range_m.tolist()):
        rise_m = subject.height_m - figure.mast_m
        if slant_m <= abs(rise_m):
            pd[k] = np.nan
            continue
        angle = np.sqrt(slant_m**2 - rise_m**2) / 6.371e6
        place = FRAME.from_geodetic(
            FRAME.latitude_rad + angle, FRAME.longitude_rad, subject.height_m
        )
        time_s = np.array([-1e3, 1e3])
        path = Knots.without_gaps(
            time_s, place + time_s[:, None] * velocity, np.tile(velocity, (2, 1))
        )
        targets = Targets(
            ("subject",),
            ("subject",),
            (subject.target_class,),
            np.array([Affiliation.UNKNOWN], np.uint8),
            signatures_of([spec]),
            Trajectories.join([path]),
        )
        found, code = sensor.visibility(targets, targets.truth(0.0))
        shown = code[0] in SHOWN
        pd[k] = found[0] if shown else 0.0
    return pd


def draw(name: str, folder: Path = IMAGES) -> Path:
    """Draw one figure; return its file."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure = FIGURES[name]
    range_km = np.geomspace(*figure.range_km, POINTS)
    canvas, axes = pyplot.subplots(figsize=(6.4, 3.2), layout="constrained")
    for subject, style in zip(figure.subjects, ("-", "--", ":"), strict=False):
        pd = detectability(figure, subject, 1e3 * range_km)
        axes.plot(range_km, pd, style, label=subject.label)
    axes.set_xscale("log")
    ticks = [t * 10.0**p for p in range(-2, 4) for t in (1, 2, 5)]
    ticks = [t for t in ticks if figure.range_km[0] <= t <= figure.range_km[1]]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_xlim(figure.range_km)
    axes.set_ylim(0.0, 1.02)
    axes.set_xlabel("slant range, km")
    axes.set_ylabel("probability, one look")
    axes.set_title(f"{figure.kind}: {figure.preset}{figure.note}", fontsize=10)
    axes.grid(alpha=0.3)
    canvas.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.png"
    canvas.savefig(path, dpi=110, metadata={"Software": None})
    pyplot.close(canvas)
    return path


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("names", nargs="*", choices=[*FIGURES, []])
    arguments.add_argument("--folder", type=Path, default=IMAGES)
    given = arguments.parse_args()
    for chosen in given.names or FIGURES:
        print(draw(chosen, given.folder))
