"""From a thousand to a million targets, one per square kilometre.

Positions with 50 m errors every second, detection probability .9, 10 % false plots, ten
scans. Every size runs in a process of its own, for its peak memory; the scene is drawn scan
by scan and its time is not counted. Beside each scan a triad is timed, so that the ratio to
one pass over a track's 27 float64 (mean and packed covariance) is formed in the same moment.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import own, report, told, wide_scenes
from benchmarks.judge import score
from benchmarks.machine import Triad, seconds_of
from benchmarks.suite import Column, Options, Result, Row, say
from sim.core.tables import Floats

SIZES, QUICK_SIZES = (1_000, 10_000, 100_000, 1_000_000), (1_000, 10_000)
SCANS, SETTLED = 10, told.CONFIRM_LOOKS
GOSPA_CUTOFF_M = 500.0
CONFIGURATIONS: dict[str, dict[str, str]] = {
    "GNN + CV": {"filter": "kf", "association": "gnn"},
    "IMM(3) + JIPDA": {"filter": "imm", "association": "jipda"},
}
_ROOT = Path(__file__).resolve().parents[1]

COLUMNS = (
    Column("tracker", "tracker"),
    Column("targets", "targets", ",d"),
    Column("scan_s", "s a scan", ",.4f"),
    Column("track_us", "µs a track", ",.3f"),
    Column("triads", "× triad", ",.0f"),
    Column("memory_gb", "GB peak", ".2f"),
    Column("before_gb", "before", ".2f"),
    Column("gospa_per_target_m", "GOSPA/√N m", ".1f"),
    Column("missed_share", "missed", ".2%"),
    Column("false_share", "false", ".2%"),
    Column("exponent", "exponent", ".2f"),
    Column("exponent_last", "last step", ".2f"),
    Column("compile_s", "s compiling", ".1f"),
)


def run(options: Options) -> Result:
    """Measure both configurations at all sizes."""
    sizes = options.pick_sizes(SIZES, QUICK_SIZES)
    result = Result(
        settings={
            "scans": SCANS,
            "Pd": wide_scenes.PD,
            "false": wide_scenes.FALSE_SHARE,
            "sigma_m": wide_scenes.SIGMA_M,
            "GOSPA": f"c {GOSPA_CUTOFF_M:g} m, p 2, α 2, at the last scan",
        },
        notes=[
            "× triad: a scan's time over that of a triad over 27 float64 per target; "
            "GB peak is of the whole process, before: as it was ahead of the first plot"
        ],
    )
    for name, settings in CONFIGURATIONS.items():
        for targets in sizes:
            say(f"{name}, {targets:,} targets …")
            row = _in_a_process(settings, targets, options.threads)
            if "reason" in row:
                result.skip(f"{name}, {targets:,} targets", row["reason"])
                continue
            result.rows.append({"tracker": name, "targets": targets} | row)
        _fit(result, name)
    _aims(result)
    return result


def _in_a_process(settings: dict[str, str], targets: int, threads: int | None) -> Row:
    environment = os.environ | {"PYTHONPATH": str(_ROOT)}
    if threads is not None:
        environment["NUMBA_NUM_THREADS"] = str(threads)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", json.dumps(settings), str(targets)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"reason": f"the process ended with {done.returncode}"}
    found: Row = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(settings: dict[str, Any], targets: int) -> Row:
    """Follow one scene, in this process."""
    try:
        compile_s = seconds_of(lambda: _warm_up(settings))
    except own.UnsupportedError as error:
        return {"reason": str(error)}
    triad = Triad(4_000_000)
    scene = wide_scenes.WideScene.of(targets, 1)
    tracker = own.tracker(scene.sensors(), _settings(settings))
    before_gb = _peak_gb()
    scan_s, triads = [], []
    for _ in range(SCANS):
        plots = scene.scan()

        def scan(plots: Any = plots) -> None:
            tracker.process(plots, until_s=float(plots.time_s[0]))

        scan_s.append(seconds_of(scan))
        triads.append(scan_s[-1] / (triad.seconds_per_track() * targets))
    memory_gb = _peak_gb()
    picture = tracker.picture()
    tracks = picture.position_enu_m[picture.confirmed]
    found = score([scene.position_enu_m], [tracks], GOSPA_CUTOFF_M)
    second = median(scan_s[SETTLED:])
    return {
        "scan_s": second,
        "track_us": 1e6 * second / targets,
        "triads": median(triads[SETTLED:]),
        "memory_gb": memory_gb,
        "before_gb": before_gb,
        "gospa_per_target_m": found.gospa_m / np.sqrt(targets),
        "missed_share": found.missed / targets,
        "false_share": found.false / targets,
        "compile_s": compile_s,
    }


def _warm_up(settings: dict[str, Any]) -> None:
    """Compile what a small and a large scene need: kernels without threads, and with."""
    for targets in (30, 2_500):
        scene = wide_scenes.WideScene.of(targets, 1)
        tracker = own.tracker(scene.sensors(), _settings(settings))
        for _ in range(4):
            plots = scene.scan()
            tracker.process(plots, until_s=float(plots.time_s[0]))
        tracker.picture()


def _settings(more: dict[str, Any]) -> dict[str, Any]:
    known = own.straight_settings(**more) | {"detection_probability": wide_scenes.PD}
    return known | {"coast_max_s": (told.MISSES_MAX - 0.25) * wide_scenes.PERIOD_S}


def _peak_gb() -> float:
    """Return the largest memory that the process has had, in 10⁹ bytes."""
    try:
        # getrusage would answer for the process before exec, too: for the caller's memory.
        status = Path("/proc/self/status").read_text()
        return 1.024e-6 * int(status.split("VmHWM:")[1].split()[0])
    except OSError:
        bytes_each = 1 if sys.platform == "darwin" else 1024
        return 1e-9 * bytes_each * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _fit(result: Result, name: str) -> None:
    """Add the exponent of time over targets: over all sizes, and of the last step alone."""
    rows = [row for row in result.rows if row["tracker"] == name]
    if len(rows) < 2:
        return
    targets = np.log([row["targets"] for row in rows])
    seconds = np.log([row["scan_s"] for row in rows])
    result.rows.append(
        {
            "tracker": f"{name}: growth",
            "exponent": _slope(targets, seconds),
            "exponent_last": _slope(targets[-2:], seconds[-2:]),
        }
    )


def _slope(x: Floats, y: Floats) -> float:
    """Return the slope of the line of least squares."""
    return float(np.polyfit(x, y, 1)[0])


def _aims(result: Result) -> None:
    for name, most in (("GNN + CV", 60.0), ("IMM(3) + JIPDA", 200.0)):
        rows = {row.get("targets"): row for row in result.rows if row["tracker"] == name}
        million = rows.get(1_000_000, {})
        result.aim(f"{name}, a million targets, × triad pass", million.get("triads"), most=most)
        result.aim(f"{name}, a million targets, GB", million.get("memory_gb"), most=2.5)
        growth = [r["exponent"] for r in result.rows if r["tracker"] == f"{name}: growth"]
        result.aim(f"{name}, growth exponent", growth[0] if growth else None, most=1.1)


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw time per scan over the number of targets."""
    figure, axes = report.new_axes("targets", "s a scan", "One target per square kilometre")
    for name in CONFIGURATIONS:
        rows = [row for row in result.rows if row["tracker"] == name]
        if rows:
            axes.plot(
                [row["targets"] for row in rows], [row["scan_s"] for row in rows], "o-", label=name
            )
    axes.legend(fontsize=8)
    return [report.save(figure, folder / "scale.png")]


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(sys.argv[1]), int(sys.argv[2]))))
