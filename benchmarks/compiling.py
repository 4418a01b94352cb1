"""What compiling costs: once, with an empty cache, and later, with a full one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from benchmarks.suite import Row, say

_ROOT = Path(__file__).resolve().parents[1]

_FIRST_PICTURE = """
import json, sys, time
start = time.perf_counter()
from benchmarks.own import Airpicture
from benchmarks.radar_scenes import straight_flights
from sim.core.jit import compilation
tracker = Airpicture(**json.loads(sys.argv[1]))
scene = straight_flights(10, 1, 4)
for time_s, plots in zip(scene.time_s, scene.plots):
    tracker.scan(time_s, plots)
tracker.confirmed()
print(json.dumps([time.perf_counter() - start, compilation.seconds]))
"""


def compile_rows(**settings: str) -> list[Row]:
    """Return a row without and one with a cache: seconds to the first confirmed tracks."""
    return [dict(row) for row in _measured(json.dumps(settings, sort_keys=True))]


@cache
def _measured(settings: str) -> tuple[Row, ...]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for row in ("first start, compiling", "later start, from the cache"):
            say(f"{row} …")
            environment = os.environ | {"NUMBA_CACHE_DIR": folder, "PYTHONPATH": str(_ROOT)}
            done = subprocess.run(
                [sys.executable, "-c", _FIRST_PICTURE, settings],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            start_s, compile_s = json.loads(done.stdout.splitlines()[-1])
            rows.append({"tracker": row, "start_s": start_s, "compile_s": compile_s})
    return tuple(rows)
