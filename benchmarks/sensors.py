"""Sensors that observe: how many times faster than the clock, by number of targets.

A hundred radars of all presets, on masts in a land of 1000 km by 1000 km, watch straight
flights of all speeds between 50 m and 12 km up. Steps of 1 s, as a scenario makes them: where
all targets are, then every sensor's plots, sensors shared out among threads.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

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
from sim.world.frames import Frame
from sim.world.signatures import signatures_of
from sim.world.surroundings import FlatGround, Surroundings
from sim.world.targets import TargetSpec
from sim.world.trajectories import Knots, Trajectories
from sim.world.truth import Targets

SIZES, QUICK_SIZES = (1_000, 10_000, 100_000), (1_000,)
SENSORS = 100
STEPS, QUICK_STEPS = 60, 10
LAND_M = 1e6
#: How many of a hundred radars are of which preset: those of a country and its forces.
MIX = (
    ("long-range-3d", 6),
    ("mobile-multi-mission", 6),
    ("airport-surveillance", 25),
    ("coastal-surveillance", 10),
    ("ship-radar", 3),
    ("drone-radar", 50),
)

COLUMNS = (
    Column("targets", "targets", ",d"),
    Column("sensors", "sensors", ",d"),
    Column("times_real_time", "× real time", ",.1f"),
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
    for size in options.pick_sizes(SIZES, QUICK_SIZES):
        say(f"{size:,} targets")
        result.rows.append(_measure(size, steps, threads))
    wanted = [row for row in result.rows if row["targets"] == 10_000]
    found = wanted[0]["times_real_time"] if wanted else None
    result.aim("100 sensors on 10,000 targets, times real time", found, least=20.0)
    return result


def _measure(size: int, steps: int, threads: int) -> Row:
    frame = Frame.at(np.radians(50.0), np.radians(10.0), 0.0)
    sensors, targets = radars(frame), flights(frame, size)
    generators = [np.random.default_rng(k) for k in range(len(sensors))]
    start = targets.truth(0.0)
    taken, plots = [], 0
    for step in range(steps + 2):
        begun = time.perf_counter()
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
            plots += sum(len(table) for table in made)
    mean_s = float(np.mean(taken))
    return {
        "targets": size,
        "sensors": len(sensors),
        "times_real_time": 1.0 / mean_s,
        "ms_per_step": 1e3 * median(taken),
        "plots_per_step": plots / steps,
        "pairs_per_s": size * len(sensors) / mean_s,
    }


def radars(frame: Frame) -> list[Sensor]:
    """Return the sensors, strewn over the land."""
    rng = np.random.default_rng(7)
    adapter: TypeAdapter[Any] = TypeAdapter(SensorSpec)
    surroundings = Surroundings(
        frame, FlatGround(0.0), Environment(), datetime(2025, 6, 1, 12, tzinfo=UTC)
    )
    sensors: list[Sensor] = []
    for preset, count in MIX:
        for _ in range(count * SENSORS // 100):
            given = {"kind": "radar", "id": f"r{len(sensors)}", "preset": preset}
            spec = adapter.validate_python(given)
            place = np.array(_place(frame, rng.uniform(-0.5, 0.5, 2) * LAND_M, 15.0))
            sensors += build_sensors(spec, Mount(len(sensors), "site", place), surroundings)
    return sensors


def flights(frame: Frame, size: int) -> Targets:
    """Return straight flights of drones, light aircraft, fighters and airliners."""
    rng = np.random.default_rng(8)
    kinds = ("mini-drone", "light-aircraft", "fighter", "airliner")
    speed_mps, height_m = (12.0, 60.0, 230.0, 240.0), (120.0, 1200.0, 5000.0, 10_000.0)
    paths, specs = [], []
    for row in range(size):
        kind = row % len(kinds)
        where = rng.uniform(-0.5, 0.5, 2) * LAND_M
        course = rng.uniform(0.0, 2.0 * np.pi)
        way = speed_mps[kind] * 600.0 * np.array([np.sin(course), np.cos(course)])
        ends = np.array([_place(frame, at, height_m[kind]) for at in (where, where + way)])
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


def _place(frame: Frame, across_m: Floats, height_m: float) -> Floats:
    """Return a place so far east and north along a round earth, at a height."""
    latitude = frame.latitude_rad + across_m[1] / 6.371e6
    longitude = frame.longitude_rad + across_m[0] / (6.371e6 * np.cos(frame.latitude_rad))
    return np.array(frame.from_geodetic(latitude, longitude, height_m))


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw times real time over targets."""
    figure, axes = report.new_axes("targets", "times real time", "A hundred radars")
    rows = result.rows
    axes.plot([r["targets"] for r in rows], [r["times_real_time"] for r in rows], marker="o")
    return [report.save(figure, folder / "sensors.png")]
