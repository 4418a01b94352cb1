"""Throughput of the whole tracker: filters, associators and sizes, on the scene of `versus`.

A scan's time is that of `process` and `picture`; the median over the scans once tracks can be
confirmed. Phases come from a second run under Python's profiler: time spent in the functions
of a file, kernels that they call included.
"""

from __future__ import annotations

import cProfile
import pstats
from collections import Counter
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import own, radar_scenes, report, told
from benchmarks.compiling import compile_rows
from benchmarks.machine import seconds_of
from benchmarks.suite import Column, Options, Result, Row, say

SIZES, QUICK_SIZES = (100, 1_000, 10_000), (100, 1_000)
ROUNDS, QUICK_ROUNDS = 3, 1
SCANS, SETTLED = 15, told.CONFIRM_LOOKS
FILTERS = ("kf", "ekf", "ckf", "imm")
ASSOCIATIONS = ("gnn", "jpda", "jipda", "mht")
#: All filters by the simplest associator, all associators by the usual filter, the heaviest pair.
CONFIGURATIONS = (
    *((name, "gnn") for name in FILTERS),
    *(("ekf", name) for name in ASSOCIATIONS[1:]),
    ("imm", "jipda"),
)
_SHOWN_PHASES = 4

COLUMNS = (
    Column("tracker", "tracker"),
    Column("targets", "targets", ",d"),
    Column("scan_ms", "ms a scan", ",.2f"),
    Column("plots_per_s", "plots/s", ",.0f"),
    Column("tracks_per_s", "tracks/s", ",.0f"),
    Column("phases_shown", "where the time goes"),
    Column("start_s", "s to a picture", ",.1f"),
    Column("compile_s", "of it compiling", ",.1f"),
)


def run(options: Options) -> Result:
    """Measure every configuration at every size."""
    sizes = options.pick_sizes(SIZES, QUICK_SIZES)
    rounds = options.pick_seeds(ROUNDS, QUICK_ROUNDS)
    result = Result(settings={"scans": SCANS, "rounds": rounds})
    refused = set()
    for filter_, association in CONFIGURATIONS:
        settings = {"filter": filter_, "association": association}
        try:
            _follow(settings, min(sizes), 1)
        except own.UnsupportedError as error:
            refused.add((filter_, association))
            result.skip(f"{filter_} + {association}", str(error))
            continue
        if not options.quick:
            result.rows += [
                row | {"tracker": f"{filter_} + {association}: {row['tracker']}"}
                for row in compile_rows(**settings)
            ]
    for targets in sizes:
        for filter_, association in CONFIGURATIONS:
            if (filter_, association) not in refused:
                say(f"{filter_} + {association}, {targets} targets …")
                settings = {"filter": filter_, "association": association}
                result.rows.append(_row(settings, targets, rounds))
    return result


def _row(settings: dict[str, str], targets: int, rounds: int) -> Row:
    runs = [_follow(settings, targets, seed) for seed in range(1, rounds + 1)]
    scan_s = median(run[0] for run in runs)
    phases = _phases(settings, targets)
    shown = list(phases.items())[:_SHOWN_PHASES]
    return {
        "tracker": f"{settings['filter']} + {settings['association']}",
        "targets": targets,
        "scan_ms": 1e3 * scan_s,
        "plots_per_s": median(run[1] for run in runs) / scan_s,
        "tracks_per_s": median(run[2] for run in runs) / scan_s,
        "phases": phases,
        "phases_shown": ", ".join(f"{name} {share:.0%}" for name, share in shown),
    }


def _follow(settings: dict[str, str], targets: int, seed: int) -> tuple[float, float, float]:
    """Return medians over the settled scans: seconds, plots and tracks of a scan."""
    scene = radar_scenes.straight_flights(targets, seed, SCANS)
    contestant = own.Airpicture(**settings)
    seconds, tracks = [], []
    for time_s, plots in zip(scene.time_s, scene.plots, strict=True):

        def scan(time_s: float = float(time_s), plots: Any = plots) -> None:
            contestant.scan(time_s, plots)
            contestant.picture()

        seconds.append(seconds_of(scan))
        tracks.append(len(contestant.picture().number))
    plots_per_scan = median(len(plots) for plots in scene.plots[SETTLED:])
    return median(seconds[SETTLED:]), plots_per_scan, median(tracks[SETTLED:])


def _phases(settings: dict[str, str], targets: int) -> dict[str, float]:
    """Return the share of time by file of the tracker, the largest first."""
    profile = cProfile.Profile()
    profile.runcall(_follow, settings, targets, 1)
    spent: Counter[str] = Counter()
    for (file, _, _), (_, _, own_s, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        room = Path(file).parent.name
        if room in ("tracking", "core"):
            spent[Path(file).stem] += own_s
        elif room != "benchmarks":
            # numpy and Python itself: on the account of the tracker's file that called.
            for (caller, _, _), (_, _, share_s, _) in callers.items():
                if Path(caller).parent.name in ("tracking", "core"):
                    spent[Path(caller).stem] += share_s
    total = sum(spent.values()) or 1.0
    return {name: seconds / total for name, seconds in spent.most_common()}


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw time per scan over the number of targets."""
    figure, axes = report.new_axes("targets", "ms a scan", "The whole tracker")
    rows = [row for row in result.rows if "scan_ms" in row]
    for name in dict.fromkeys(row["tracker"] for row in rows):
        own_rows = [row for row in rows if row["tracker"] == name]
        axes.plot(
            [row["targets"] for row in own_rows],
            [row["scan_ms"] for row in own_rows],
            "o-",
            label=name,
        )
    axes.legend(fontsize=8)
    return [report.save(figure, folder / "tracker.png")]
