"""A whole run into a run folder: record, judge, say how it ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sim.core.tables import Snapshot
from sim.engine.contributions import contributions
from sim.engine.recorder import Outcome, judge_folder, outcome_of, record
from sim.engine.sharing_gain import sharing_gain
from sim.engine.step import run
from sim.engine.world import World
from sim.record.recording import Recording
from sim.record.writer import write_json


def record_run(world: World, folder: Path, progress: Callable[[Snapshot], None]) -> Outcome:
    """Run a scenario into a new folder and judge it; Ctrl-C stops it in good order."""
    state, dropped_rows = world.start(), world.targets.dropped_rows
    facts = {"dropped_rows": dropped_rows, "scenario_folder": str(world.folder)}
    took = record(run(world, state), world.spec, world.setting, folder, facts, progress)
    metrics = judge_folder(folder, world.spec, state.picture)
    if world.spec.judge.contributions and took.complete:
        metrics["contributions"] = contributions(Recording.open(folder), world, metrics, progress)
        write_json(folder / "metrics.json", metrics)
    if world.spec.judge.sharing and world.defended is not None and took.complete:
        metrics["sharing"] = sharing_gain(world, progress)
        write_json(folder / "metrics.json", metrics)
    return outcome_of(took, world.spec, folder, dropped_rows, metrics)


def new_run_folder(parent: Path, seed: int) -> Path:
    """Return a folder name that is not taken: the time and the seed."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = parent / f"{stamp}-{seed}"
    count = 2
    while folder.exists():
        folder = parent / f"{stamp}-{seed}-{count}"
        count += 1
    return folder
