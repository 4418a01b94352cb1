"""Weapon–target assignment: time and gap of a plan by method, beside scipy's milp.

One shot a weapon, kill probabilities evenly from 0.3 to 0.9 and values from 1 to 10, all
drawn independently: many plans are nearly as good, which makes proofs hard. ``milp`` is
HiGHS on the outer linearisation of the same problem; it is given the patience. CPU time is
that of the process, on one thread for all but HiGHS.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import report
from benchmarks.suite import Column, Options, Result, Row, say
from sim.defence.assignment import Plan, Problem, assign

SIZES, QUICK_SIZES = (50, 100, 200), (50, 200)
SEEDS, QUICK_SEEDS = 5, 2
METHODS = ("greedy", "local", "one_each", "best", "milp")
#: Weapons per target: in sizes, weapons are counted.
PER_TARGET = 2

COLUMNS = (
    Column("method", "method"),
    Column("weapons", "weapons", ",d"),
    Column("targets", "targets", ",d"),
    Column("seconds", "s", ".3f"),
    Column("cpu_s", "CPU s", ".3f"),
    Column("gap", "gap, mean", ".4%"),
    Column("gap_most", "gap, most", ".4%"),
    Column("below_best", "below the best plan", ".4%"),
    Column("proven", "proven", ".0%"),
)


def drawn(seed: int, weapons: int, targets: int, shots: int = 1) -> Problem:
    """Return a random problem."""
    rng = np.random.default_rng(seed)
    return Problem.of(
        rng.uniform(0.3, 0.9, (weapons, targets)), rng.uniform(1.0, 10.0, targets), shots
    )


def run(options: Options) -> Result:
    """Measure all sizes and methods."""
    result = Result()
    seeds = options.pick_seeds(SEEDS, QUICK_SEEDS)
    patience = options.patience_s or 3600.0
    result.settings = {"seeds": seeds, "milp_seconds": patience, "shots": 1}
    assign(drawn(0, 6, 4))  # kernels are compiled, or loaded
    for size in options.pick_sizes(SIZES, QUICK_SIZES):
        targets = max(1, size // PER_TARGET)
        problems = [drawn(seed, size, targets) for seed in range(seeds)]
        plans: dict[str, list[tuple[Plan, float, float]]] = {}
        for method in METHODS:
            say(f"{size} weapons, {targets} targets: {method}")
            limit = patience if method == "milp" else None
            plans[method] = [_timed(problem, method, limit) for problem in problems]
        best = [max(plan.gained for plan, *_ in row) for row in zip(*plans.values(), strict=True)]
        for method, found in plans.items():
            row: Row = {"method": method, "weapons": size, "targets": targets}
            result.rows.append(row | _summary(found, best))
    wanted = [r for r in result.rows if (r["method"], r["weapons"]) == ("best", 200)]
    for key, aim, most in (
        ("cpu_s", "200 weapons on 100 targets, plan and bound, CPU s", 0.2),
        ("gap_most", "200 weapons on 100 targets, largest gap", 1e-3),
    ):
        result.aim(aim, wanted[0][key] if wanted else None, most=most)
    return result


def _timed(problem: Problem, method: str, seconds: float | None) -> tuple[Plan, float, float]:
    begun = time.perf_counter(), time.process_time()
    plan = assign(problem, method=method, seconds=seconds)
    return plan, time.perf_counter() - begun[0], time.process_time() - begun[1]


def _summary(found: list[tuple[Plan, float, float]], best: list[float]) -> dict[str, Any]:
    gaps = [plan.relative_gap for plan, *_ in found]
    below = [1.0 - plan.gained / most for (plan, *_), most in zip(found, best, strict=True)]
    return {
        "seconds": median(wall for _, wall, _ in found),
        "cpu_s": median(cpu for *_, cpu in found),
        "gap": float(np.mean(gaps)),
        "gap_most": max(gaps),
        "below_best": float(np.mean(below)),
        "proven": float(np.mean([plan.proven for plan, *_ in found])),
    }


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw gaps over time, a mark per method and size."""
    figure, axes = report.new_axes("CPU s", "gap, mean", "Weapon–target assignment")
    for method in METHODS:
        rows = [r for r in result.rows if r["method"] == method]
        axes.plot([r["cpu_s"] for r in rows], [r["gap"] for r in rows], "o-", label=method)
    axes.set_xscale("log")
    axes.legend()
    return [report.save(figure, folder / "assignment.png")]
