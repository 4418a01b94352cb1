"""Variants of a scenario over the same runs, and how their outcomes differ."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import t as student

from sim.engine.build import build
from sim.engine.judging import value_at
from sim.engine.recorder import judge_folder, record
from sim.engine.step import run
from sim.engine.world import World
from sim.scenario.loader import LoadedScenario
from sim.scenario.variants import Variant

#: Told first where a run has them; of other numbers, ``--metric`` names which.
USUAL = (
    "defence.leakers",
    "defence.hits",
    "defence.killed",
    "defence.leakage",
    "defence.value_lost",
    "defence.shots",
    "defence.shots_at_dead",
    "defence.shots_at_ghosts",
    "defence.friends_engaged",
    "defence.cost_keur",
    "siap.completeness",
    "siap.ambiguity",
    "siap.position_accuracy_m",
)
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Spread:
    """Mean of a number over runs, and its confidence interval of 95 %.

    ``half_width`` is NaN from fewer than two runs.
    """

    mean: float
    half_width: float
    runs: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return what runs that have the number come to; Student's t."""
        known = np.array([value for value in values if math.isfinite(value)])
        n = known.size
        if n < 2:
            return cls(float(known.mean()) if n else math.nan, math.nan, n)
        error = float(known.std(ddof=1)) / math.sqrt(n)
        quantile = float(student.ppf(0.5 + 0.5 * _LEVEL, n - 1))
        return cls(float(known.mean()), quantile * error, n)


@dataclass(frozen=True, slots=True)
class Compared:
    """One number of all variants.

    Attributes
    ----------
    metric : dotted path
    values : of each variant, over its runs
    differences : of each variant from the first, run by run; None of the first
    """

    metric: str
    values: tuple[Spread, ...]
    differences: tuple[Spread | None, ...]


def compare(
    loaded: LoadedScenario,
    variants: Sequence[Variant],
    runs: int,
    workers: int,
    done: Callable[[int, int], None],
    keep: Path | None = None,
) -> list[list[dict[str, Any]]]:
    """Run every variant so many times; return the metrics by variant and run.

    Run k of every variant has the same chances: targets, sensors, links and shots draw by
    name from the seed and k, so that variants differ by what they change.

    Parameters
    ----------
    done : is told how many runs are done, of how many
    keep : folder for the runs; without one they are forgotten
    """
    jobs = [(v, k) for k in range(runs) for v in range(len(variants))]
    found: list[list[dict[str, Any]]] = [[{}] * runs for _ in variants]
    with ProcessPoolExecutor(
        max_workers=min(workers, len(jobs)), initializer=_prepare, initargs=(loaded, list(variants))
    ) as pool:
        waiting = {
            pool.submit(_one, v, k, None if keep is None else str(keep)): (v, k) for v, k in jobs
        }
        try:
            for count, job in enumerate(as_completed(waiting), 1):
                v, k = waiting[job]
                found[v][k] = job.result()
                done(count, len(jobs))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return found


def compared(found: Sequence[Sequence[dict[str, Any]]], metric: str) -> Compared:
    """Return one number over all variants and runs."""
    values = [[number_at(metrics, metric) for metrics in runs] for runs in found]
    base = np.array(values[0])
    return Compared(
        metric,
        tuple(Spread.of(v) for v in values),
        (None, *(Spread.of((np.array(v) - base).tolist()) for v in values[1:])),
    )


def number_at(metrics: dict[str, Any], path: str) -> float:
    """Return the number at a dotted path, list entries by ``id``; NaN if there is none."""
    value = value_at(metrics, path)
    return math.nan if value is None else value


# What a worker process keeps between its jobs.
_LOADED: list[LoadedScenario] = []
_VARIANTS: list[Variant] = []
_WORLDS: dict[int, World] = {}


def _prepare(loaded: LoadedScenario, variants: list[Variant]) -> None:
    """Take in what all jobs share; one thread each, the processes share the cores."""
    os.environ["NUMBA_NUM_THREADS"] = "1"
    _LOADED[:], _VARIANTS[:] = [loaded], variants
    _WORLDS.clear()


def _one(variant: int, index: int, keep: str | None) -> dict[str, Any]:
    """Make one run of one variant; return its metrics."""
    if variant not in _WORLDS:
        _WORLDS.clear()  # worlds are large: one at a time
        _WORLDS[variant] = build(replace(_LOADED[0], spec=_VARIANTS[variant].spec))
    world = _WORLDS[variant]
    parent = Path(tempfile.mkdtemp(prefix="airpicture-"))
    try:
        folder = parent / "run"
        if keep is not None:
            name = "".join(c if c.isalnum() or c in "=-." else "_" for c in _VARIANTS[variant].name)
            folder = Path(keep) / name / f"{index:03d}"
            folder.parent.mkdir(parents=True, exist_ok=True)
        state = world.start(index)
        facts = {"run": index, "variant": _VARIANTS[variant].name}
        record(run(world, state), world.spec, world.setting, folder, facts, lambda _: None)
        return judge_folder(folder, world.spec, state.picture)
    finally:
        shutil.rmtree(parent, ignore_errors=True)
