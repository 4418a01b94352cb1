"""All sensors of a scene at once, shared out among threads."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from sensors.registry import Sensor
    from sensors.scene import Scene
    from sim.core.tables import Plots

#: Below so many pairs of sensor and target, waking threads costs more than it saves.
_THREADED_FROM = 20_000


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="sensors")


def observe_all(
    sensors: Sequence[Sensor],
    scene: Scene,
    generators: Sequence[np.random.Generator],
    threads: int = 1,
) -> list[Plots]:
    """Return every sensor's plots of a scene, in order of the sensors.

    Every sensor draws from a generator of its own, so the plots are the same on any number
    of threads.
    """
    jobs = list(zip(sensors, generators, strict=True))
    if threads <= 1 or len(jobs) * len(scene.end) < _THREADED_FROM:
        return [sensor.observe(scene, rng) for sensor, rng in jobs]

    def share(part: int) -> list[Plots]:
        return [sensor.observe(scene, rng) for sensor, rng in jobs[part::threads]]

    made: list[Plots] = [None] * len(jobs)  # type: ignore[list-item]
    for part, plots in enumerate(_pool(threads).map(share, range(threads))):
        made[part::threads] = plots
    return made
