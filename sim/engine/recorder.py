"""Snapshots into a run folder, and how recording them ended."""

from __future__ import annotations

import hashlib
import platform
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from sim.core.jit import compilation
from sim.core.tables import Snapshot
from sim.engine.judging import Verdict, judge_recording, verdicts
from sim.engine.pictures import Picture
from sim.engine.registration import registration_report
from sim.engine.rejected import rejected_report
from sim.record.recording import Recording
from sim.record.setting import Setting
from sim.record.writer import RunWriter, write_json
from sim.scenario.loader import dump_resolved
from sim.scenario.specs import Scenario

_LIBRARIES = ("numpy", "numba", "scipy", "filterpy", "pyarrow", "pydantic")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished or interrupted run.

    Attributes
    ----------
    complete : whether it reached the scenario's end
    simulated_s, wall_s : how far it came, and in what time
    compiled_s : time for compiling kernels, not in ``wall_s``
    rejected : broken and late plots that the tracker dropped
    dropped_rows : of recorded flights, by target and reason
    """

    folder: Path
    complete: bool
    simulated_s: float
    wall_s: float
    compiled_s: float
    rejected: int
    dropped_rows: dict[str, dict[str, int]]
    metrics: dict[str, Any]
    verdicts: list[Verdict]

    @property
    def criteria_met(self) -> bool:
        """Whether every criterion of the scenario is met."""
        return all(verdict.met for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class Took:
    """How recording went; attributes as of ``Outcome``."""

    complete: bool
    simulated_s: float
    wall_s: float
    compiled_s: float
    rejected: int


def outcome_of(
    took: Took,
    spec: Scenario,
    folder: Path,
    dropped_rows: dict[str, dict[str, int]],
    metrics: dict[str, Any],
) -> Outcome:
    """Return how a run ended, with the scenario's criteria on its metrics."""
    return Outcome(
        folder=folder,
        complete=took.complete,
        simulated_s=took.simulated_s,
        wall_s=took.wall_s,
        compiled_s=took.compiled_s,
        rejected=took.rejected,
        dropped_rows=dropped_rows,
        metrics=metrics,
        verdicts=verdicts(spec, metrics),
    )


def record(
    snapshots: Iterable[Snapshot],
    spec: Scenario,
    setting: Setting,
    folder: Path,
    facts: dict[str, Any],
    progress: Callable[[Snapshot], None],
    *,
    reaches_end: bool = True,
) -> Took:
    """Record snapshots into a new folder; Ctrl-C stops it in good order.

    Parameters
    ----------
    facts : further entries of the manifest
    reaches_end : whether the last snapshot is of the scenario's end
    """
    resolved = dump_resolved(spec)
    writer = RunWriter(folder, setting, _facts(spec.seed, resolved) | facts, spec.record.interval_s)
    (folder / "scenario.resolved.yaml").write_text(resolved, encoding="utf-8")
    started, compiled_s = time.perf_counter(), compilation.seconds
    simulated_s, rejected, complete = 0.0, 0, True
    try:
        with _ctrl_c_after_the_step() as pressed:
            for snapshot in snapshots:
                writer.add(snapshot)
                simulated_s, rejected = snapshot.time_s, snapshot.rejected
                progress(snapshot)
                if pressed.is_set():
                    raise KeyboardInterrupt
    except KeyboardInterrupt:
        complete = False
    compiled_s = compilation.seconds - compiled_s
    wall_s = time.perf_counter() - started - compiled_s
    writer.close(simulated_s, complete=complete and reaches_end)
    return Took(complete, simulated_s, wall_s, compiled_s, rejected)


def judge_folder(folder: Path, spec: Scenario, picture: Picture) -> dict[str, Any]:
    """Judge a recording into its ``metrics.json``; what is in it is returned."""
    recording = Recording.open(folder)
    metrics = judge_recording(recording, spec)
    ids = [sensor.id for sensor in recording.setting.sensors]
    metrics["rejected"] = rejected_report(picture, ids)
    if spec.tracker.registration:
        metrics["registration"] = registration_report(picture, ids)
    write_json(folder / "metrics.json", metrics)
    return metrics


@contextmanager
def _ctrl_c_after_the_step() -> Iterator[threading.Event]:
    """Note the first Ctrl-C instead of raising; a second one raises at once.

    What is raised while numpy looks at an operand is lost: a step in the middle would go on
    as if nothing had happened.
    """
    pressed = threading.Event()
    usual = signal.getsignal(signal.SIGINT)
    in_main_thread = threading.current_thread() is threading.main_thread()
    if usual is not signal.default_int_handler or not in_main_thread:
        yield pressed
        return

    def note(*_: object) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, usual)


def _facts(seed: int, resolved: str) -> dict[str, Any]:
    return {
        "airpicture": metadata.version("airpicture"),
        "commit": _commit(),
        "seed": seed,
        "scenario_sha256": hashlib.sha256(resolved.encode()).hexdigest(),
        "python": platform.python_version(),
        "libraries": {name: metadata.version(name) for name in _LIBRARIES},
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _commit() -> str | None:
    """Return the commit of the checkout that this runs from, if it is one."""
    checkout = Path(__file__).resolve().parents[2]
    if not (checkout / ".git").exists():
        return None
    try:
        answer = subprocess.run(
            ["git", "-C", str(checkout), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError:
        return None  # no git here
    return answer.stdout.strip() or None
