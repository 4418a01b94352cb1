"""Each filter and associator on hard scenes, beside the truth.

All get the scene's settings and their own defaults. Means over the seeds; GOSPA and its parts
over all scans, switches per scene. A track's 3-D NEES is 3 if its covariance is honest.
"""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from benchmarks import own, report
from benchmarks.hard_scenes import SCENES, HardScene
from benchmarks.judge import continuity, score
from benchmarks.machine import seconds_of
from benchmarks.suite import Column, Options, Result, Row, say
from benchmarks.tracker import CONFIGURATIONS
from sim.core.tables import Floats, Tracks

SEEDS, QUICK_SEEDS = 5, 1
#: Held for all trackers where a scene says nothing else.
COMMON: dict[str, Any] = {
    "process_noise_m2ps3": 2.0,
    "vertical_process_noise_m2ps3": 0.5,
    "start_climb_sigma_mps": 10.0,
    "coast_max_s": 12.0,
}
TRACKERS = (*CONFIGURATIONS, ("imm", "mht"))

COLUMNS = (
    Column("scene", "scene"),
    Column("tracker", "tracker"),
    Column("gospa_m", "GOSPA m", ",.1f"),
    Column("localisation_m", "rms m", ",.1f"),
    Column("missed", "missed", ".2f"),
    Column("false", "false", ".2f"),
    Column("switches", "switches", ".1f"),
    Column("swaps", "swaps", ".1f"),
    Column("nees", "NEES", ".1f"),
    Column("scan_ms", "ms a scan", ",.2f"),
)


def run(options: Options) -> Result:
    """Measure every tracker on every scene."""
    seeds = options.pick_seeds(SEEDS, QUICK_SEEDS)
    result = Result(
        settings={"seeds": seeds, "GOSPA": "p 2, α 2, c 500 m (30 m for the swarm)"},
        notes=[
            "switches: a target's track changes number; swaps: a track changes its target; "
            "missed and false: a scan"
        ],
    )
    for scene_name, make in SCENES.items():
        scenes = [make(seed) for seed in range(1, seeds + 1)]
        for filter_, association in TRACKERS:
            name = f"{filter_} + {association}"
            say(f"{scene_name}: {name} …")
            settings = {"filter": filter_, "association": association}
            try:
                rows = [_judged(scene, settings) for scene in scenes]
            except own.UnsupportedError as error:
                result.skip(f"{scene_name}: {name}", str(error))
                continue
            means = {key: _mean([row[key] for row in rows]) for key in rows[0]}
            result.rows.append({"scene": scene_name, "tracker": name} | means)
    return result


def _mean(values: list[float]) -> float | None:
    """Return the mean of the numbers among the values, None if there is none."""
    numbers = [value for value in values if np.isfinite(value)]
    return fmean(numbers) if numbers else None


def _judged(scene: HardScene, settings: dict[str, Any]) -> Row:
    pictures, scan_s = _followed(scene, settings)
    truth: list[Floats] = list(scene.position_enu_m)
    found = score(
        truth, [picture.position_enu_m[picture.confirmed] for picture in pictures], scene.cutoff_m
    )
    held = continuity(scene.time_s, truth, pictures, scene.cutoff_m)
    return {
        "gospa_m": found.gospa_m,
        "localisation_m": found.localisation_m,
        "missed": found.missed,
        "false": found.false,
        "switches": held.switches,
        "swaps": held.swaps,
        "nees": held.nees,
        "scan_ms": 1e3 * scan_s,
    }


def _followed(scene: HardScene, settings: dict[str, Any]) -> tuple[list[Tracks], float]:
    """Return the picture after every scan, and the mean time of a scan."""
    tracker = own.tracker(scene.sensors, COMMON | scene.settings | settings)
    pictures, spent = [], 0.0
    for time_s, plots in zip(scene.time_s, scene.plots, strict=True):

        def scan(time_s: float = float(time_s), plots: Any = plots) -> None:
            tracker.process(plots, until_s=time_s)
            pictures.append(tracker.picture())

        spent += seconds_of(scan)
    return pictures, spent / len(scene.plots)


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw GOSPA by scene, a bar per tracker."""
    from matplotlib.figure import Figure

    scenes = list(dict.fromkeys(row["scene"] for row in result.rows))
    trackers = list(dict.fromkeys(row["tracker"] for row in result.rows))
    figure = Figure(figsize=(11, 5), layout="constrained")
    axes = figure.add_subplot(ylabel="GOSPA, of the scene's best", title="Hard scenes")
    best = {
        scene: min(row["gospa_m"] for row in result.rows if row["scene"] == scene)
        for scene in scenes
    }
    width = 0.8 / max(len(trackers), 1)
    for k, tracker in enumerate(trackers):
        rows = {row["scene"]: row for row in result.rows if row["tracker"] == tracker}
        at = [i + k * width - 0.4 for i, scene in enumerate(scenes) if scene in rows]
        high = [rows[s]["gospa_m"] / max(best[s], 1e-9) for s in scenes if s in rows]
        axes.bar(at, high, width, label=tracker)
    axes.set_xticks(range(len(scenes)), scenes, rotation=25, ha="right")
    axes.set_ylim(0.8, 2.5)
    axes.legend(fontsize=8, ncols=3)
    return [report.save(figure, folder / "quality.png")]
