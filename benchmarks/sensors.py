"""Sensors that observe: how many times faster than the clock, by number of targets.

A hundred radars of all presets, on masts in a flat land of 1000 km by 1000 km; and a hundred
sensors of many kinds in hills, 300 km by 300 km. They watch straight flights of all speeds
between 50 m and 12 km up. Steps of 1 s, as a scenario makes them: where all targets are, then
every sensor's plots, sensors shared out among threads. CPU time is that of all threads: beside
other work on the machine it is the surer of the two.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numba
import numpy as np
from pydantic import TypeAdapter

from benchmarks import report
from benchmarks.suite import Column, Options, Result, Row, say
from sensors.mount import Mount
from sensors.observing import observe_all
from sensors.registry import Sensor, SensorSpec, build_sensors
from sensors.scene import Scene
from sim.core.tables import Affiliation, Floats
from sim.world.environment import Environment
from sim.world.fractal import fractal_heights_m
from sim.world.frames import Frame
from sim.world.relief import Relief
from sim.world.signatures import signatures_of
from sim.world.surroundings import FlatGround, Surroundings
from sim.world.targets import TargetSpec
from sim.world.trajectories import Knots, Trajectories
from sim.world.truth import Targets

SIZES, QUICK_SIZES = (1_000, 10_000, 100_000), (1_000,)
SENSORS = 100
STEPS, QUICK_STEPS = 60, 10
#: Of the hills: nodes along a side, distance of two, from lowest to highest.
NODES, CELL_M, RELIEF_M = 2_000, 150.0, 400.0


class Theatre(NamedTuple):
    """Where sensors are strewn, and how many of a hundred are of which kind and preset."""

    name: str
    land_m: float
    hilly: bool
    mix: tuple[tuple[str, str, int], ...]


THEATRES = (
    Theatre(
        "radars, flat",
        1e6,
        False,
        # Those of a country and its forces.
        (
            ("radar", "long-range-3d", 6),
            ("radar", "mobile-multi-mission", 6),
            ("radar", "airport-surveillance", 25),
            ("radar", "coastal-surveillance", 10),
            ("radar", "ship-radar", 3),
            ("radar", "drone-radar", 50),
        ),
    ),
    Theatre(
        "mixed, hills",
        NODES * CELL_M,
        True,
        # Those of a line against drones, and of what is behind it.
        (
            ("radar", "mobile-multi-mission", 4),
            ("radar", "airport-surveillance", 6),
            ("radar", "drone-radar", 20),
            ("acoustic", "acoustic-node", 30),
            ("rf-direction-finder", "drone-link-finder", 20),
            ("camera", "panoramic", 10),
            ("infrared", "uncooled-long-wave", 10),
        ),
    ),
)

COLUMNS = (
    Column("scene", "scene"),
    Column("targets", "targets", ",d"),
    Column("sensors", "sensors", ",d"),
    Column("times_real_time", "× real time", ",.1f"),
    Column("times_by_cpu", "× by CPU, one core", ",.1f"),
    Column("ms_per_step", "ms per step", ",.1f"),
    Column("plots_per_step", "plots per step", ",.0f"),
    Column("pairs_per_s", "pairs/s", ",.0f"),
)


def run(options: Options) -> Result:
    """Measure all sizes."""
    result = Result()
    threads = options.threads or int(numba.get_num_threads())
    steps = QUICK_STEPS if options.quick else STEPS
    result.settings = {"steps": steps, "step_s": 1.0, "threads": threads}
    for theatre in THEATRES:
        for size in options.pick_sizes(SIZES, QUICK_SIZES):
            say(f"{theatre.name}: {size:,} targets")
            result.rows.append(_measure(theatre, size, steps, threads))
    for theatre in THEATRES:
        wanted = [
            row["times_real_time"]
            for row in result.rows
            if (row["scene"], row["targets"]) == (theatre.name, 10_000)
        ]
        name = f"{theatre.name}: 100 sensors on 10,000 targets, times real time"
        result.aim(name, wanted[0] if wanted else None, least=20.0)
    return result


def _measure(theatre: Theatre, size: int, steps: int, threads: int) -> Row:
    frame = Frame.at(np.radians(50.0), np.radians(10.0), 0.0)
    surroundings = Surroundings(
        frame,
        hills(frame) if theatre.hilly else FlatGround(0.0),
        Environment(),
        datetime(2025, 6, 1, 12, tzinfo=UTC),
    )
    sensors = strewn(theatre, surroundings)
    targets = flights(surroundings, size, theatre.land_m)
    generators = [np.random.default_rng(k) for k in range(len(sensors))]
    start = targets.truth(0.0)
    taken, plots, cpu_s = [], 0, 0.0
    for step in range(steps + 2):
        begun, spent = time.perf_counter(), time.process_time()
        end = targets.truth(step + 1.0)
        scene = Scene(targets, start, end)
        made = observe_all(
            [partial(s.observe, scene, g) for s, g in zip(sensors, generators, strict=True)],
            size,
            threads,
        )
        start = end
        if step >= 2:  # kernels are loaded, caches are warm
            taken.append(time.perf_counter() - begun)
            cpu_s += time.process_time() - spent
            plots += sum(len(table) for table in made)
    mean_s = float(np.mean(taken))
    return {
        "scene": theatre.name,
        "targets": size,
        "sensors": len(sensors),
        "times_real_time": 1.0 / mean_s,
        "times_by_cpu": steps / cpu_s,
        "ms_per_step": 1e3 * median(taken),
        "plots_per_step": plots / steps,
        "pairs_per_s": size * len(sensors) / mean_s,
    }


def hills(frame: Frame) -> Relief:
    """Return synthetic hills about the frame's origin."""
    step = (CELL_M / 6.371e6, CELL_M / (6.371e6 * np.cos(frame.latitude_rad)))
    half = 0.5 * NODES
    return Relief(
        fractal_heights_m(9, (NODES, NODES), RELIEF_M, 0.3),
        frame.latitude_rad - half * step[0],
        frame.longitude_rad - half * step[1],
        step,
    )


def strewn(theatre: Theatre, surroundings: Surroundings) -> list[Sensor]:
    """Return the sensors, each on a mast of 15 m, strewn over nine tenths of the land."""
    rng = np.random.default_rng(7)
    adapter: TypeAdapter[Any] = TypeAdapter(SensorSpec)
    sensors: list[Sensor] = []
    for kind, preset, count in theatre.mix:
        for _ in range(count * SENSORS // 100):
            given = {"kind": kind, "id": f"s{len(sensors)}", "preset": preset}
            spec = adapter.validate_python(given)
            where = rng.uniform(-0.45, 0.45, (1, 2)) * theatre.land_m
            place = _places(surroundings.frame, where, _ground_m(surroundings, where) + 15.0)[0]
            sensors += build_sensors(spec, Mount(len(sensors), "site", place), surroundings)
    return sensors


def flights(surroundings: Surroundings, size: int, land_m: float) -> Targets:
    """Return straight flights of drones, light aircraft, fighters and airliners, over the hills."""
    rng = np.random.default_rng(8)
    kinds = ("mini-drone", "light-aircraft", "fighter", "airliner")
    speed_mps, height_m = (12.0, 60.0, 230.0, 240.0), (120.0, 1200.0, 5000.0, 10_000.0)
    along = np.linspace(0.0, 1.0, 9)[:, None]
    paths, specs = [], []
    for row in range(size):
        kind = row % len(kinds)
        where = rng.uniform(-0.5, 0.5, 2) * land_m
        course = rng.uniform(0.0, 2.0 * np.pi)
        way = speed_mps[kind] * 600.0 * np.array([np.sin(course), np.cos(course)])
        top_m = np.nanmax(_ground_m(surroundings, where + along * way), initial=0.0)
        ends = _places(
            surroundings.frame, np.array([where, where + way]), np.full(2, top_m + height_m[kind])
        )
        velocity = np.tile((ends[1] - ends[0]) / 600.0, (2, 1))
        paths.append(Knots.without_gaps(np.array([0.0, 600.0]), ends, velocity))
        specs.append(kinds[kind])
    known = {
        kind: TargetSpec.model_validate(
            {
                "id": "t",
                "class": kind,
                "route": [
                    {"latitude_deg": 50, "longitude_deg": 10, "height_m": 100},
                    {"latitude_deg": 51, "longitude_deg": 10, "height_m": 100},
                ],
            }
        )
        for kind in kinds
    }
    names = tuple(str(row) for row in range(size))
    return Targets(
        names,
        names,
        tuple(specs),
        np.full(size, Affiliation.NEUTRAL, np.uint8),
        signatures_of([known[kind] for kind in specs]),
        Trajectories.join(paths),
    )


def _geodetic_rad(frame: Frame, across_m: Floats) -> tuple[Floats, Floats]:
    """Return latitudes and longitudes of (K, 2) places so far east and north on a round earth."""
    latitude = frame.latitude_rad + across_m[:, 1] / 6.371e6
    return latitude, frame.longitude_rad + across_m[:, 0] / (6.371e6 * np.cos(frame.latitude_rad))


def _ground_m(surroundings: Surroundings, across_m: Floats) -> Floats:
    """Return heights of the ground (K,); NaN beyond the hills."""
    return surroundings.ground.height_m(*_geodetic_rad(surroundings.frame, across_m))


def _places(frame: Frame, across_m: Floats, height_m: Floats) -> Floats:
    """Return places (K, 3) in the frame."""
    return frame.from_geodetic(*_geodetic_rad(frame, across_m), height_m)


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw times real time over targets."""
    figure, axes = report.new_axes("targets", "times real time", "A hundred sensors")
    for theatre in THEATRES:
        rows = [row for row in result.rows if row["scene"] == theatre.name]
        times = [row["times_real_time"] for row in rows]
        axes.plot([row["targets"] for row in rows], times, marker="o", label=theatre.name)
    axes.legend()
    return [report.save(figure, folder / "sensors.png")]
