"""The machine: what it is, what runs on it, how fast its memory is."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import numba
import numpy as np

from sim.core.tables import Floats

#: Float64 of one track: mean and packed covariance of six components.
TRACK_FLOATS = 27

_PACKAGES = (
    "airpicture",
    "numpy",
    "scipy",
    "numba",
    "llvmlite",
    "filterpy",
    "stonesoup",
    "nrl-tracker",
)


def facts() -> dict[str, Any]:
    """Return processor, cores, threads, versions and time."""
    versions: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "threads": numba.get_num_threads() if compiled() else 1,
        "compiled": compiled(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "triad_gb_per_s": triad_gb_per_s(),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def compiled() -> bool:
    """Tell whether kernels are compiled (``NUMBA_DISABLE_JIT`` is not set)."""
    return not numba.config.DISABLE_JIT  # type: ignore[attr-defined]


def processor() -> str:
    """Return the processor's name, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


@numba.njit(parallel=True, cache=True)
def _triad(a: Floats, b: Floats, c: Floats) -> None:
    for i in numba.prange(a.size):
        a[i] = b[i] + 3.0 * c[i]


class Triad:
    """a[i] = b[i] + s·c[i] over arrays far larger than any cache.

    It is measured next to what it is compared with, so that the ratio does not drift with
    the machine.
    """

    def __init__(self, floats: int = 8_000_000) -> None:
        self._a, self._b, self._c = np.zeros(floats), np.ones(floats), np.ones(floats)
        self.seconds()

    def seconds(self) -> float:
        """Return the time of one pass."""
        start = time.perf_counter()
        _triad(self._a, self._b, self._c)
        return time.perf_counter() - start

    def gb_per_s(self) -> float:
        """Return the bandwidth of the best of three passes."""
        return 24e-9 * self._a.size / min(self.seconds() for _ in range(3))

    def seconds_per_track(self) -> float:
        """Return the time of one pass over a track, median of five."""
        return TRACK_FLOATS * median(self.seconds() for _ in range(5)) / self._a.size


def triad_gb_per_s() -> float:
    """Return the memory's bandwidth; 0 where nothing is compiled."""
    return Triad().gb_per_s() if compiled() else 0.0


def seconds_of(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
