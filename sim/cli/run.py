"""``airpicture run``: a scenario headlessly, into a run folder, with its judgement."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.scenario import AllowOutside, AsJson, print_json
from sim.scenario.errors import UserError

if TYPE_CHECKING:
    from sim.core.tables import Snapshot
    from sim.engine.recorder import Outcome
    from sim.engine.world import World

CRITERION_MISSED, INTERRUPTED = 3, 130

Seed = Annotated[
    int | None,
    typer.Option(
        "--seed", min=0, max=2**63 - 1, metavar="N", help="Instead of the scenario's seed."
    ),
]
Duration = Annotated[
    float | None,
    typer.Option("--duration", metavar="S", help="Stop after so many simulated seconds."),
]


def run(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A scenario file or a bundled name.")
    ],
    seed: Seed = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Run folder to make; default: below runs/."),
    ] = None,
    duration: Duration = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
    allow_outside: AllowOutside = False,
) -> None:
    """Example: airpicture run f35-arrival-florennes

    Run a scenario, record it, and judge its picture against the truth. Exits 3 if a
    criterion of the scenario is missed.
    """
    world = build_world(scenario, seed, duration, allow_outside, quiet=quiet)

    from sim.engine.session import new_run_folder, record_run

    folder = out or new_run_folder(Path("runs") / world.spec.name, world.spec.seed)
    if folder.exists():
        raise UserError(f"{folder}: exists already; a run makes its own folder")
    try:
        hidden = quiet or not sys.stderr.isatty()
        with progress_bar(world.spec.time.duration_s, hidden) as note:
            outcome = record_run(world, folder, note)
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from None
    if as_json:
        print_json(as_data(outcome))
    elif not quiet:
        from sim.cli.summary import print_summary

        print_summary(world.setting, outcome)
    if not outcome.complete:
        raise typer.Exit(INTERRUPTED)
    if not outcome.criteria_met:
        raise typer.Exit(CRITERION_MISSED)


def build_world(
    scenario: str,
    seed: int | None,
    duration: float | None,
    allow_outside: bool,
    *,
    quiet: bool = False,
) -> World:
    """Load and compile a scenario; a mistake in it becomes a message."""
    from sim.scenario.loader import load

    if duration is not None and not 0 < duration < float("inf"):
        raise UserError(f"--duration: expected seconds above zero, found {duration:g}")
    loaded = load(scenario, allow_outside)
    spec = loaded.spec
    if seed is not None:
        spec = spec.model_copy(update={"seed": seed})
    if duration is not None:
        shortened = spec.time.model_copy(update={"duration_s": duration})
        spec = spec.model_copy(update={"time": shortened})
    loaded = replace(loaded, spec=spec)

    from sim.engine.build import build

    if not quiet:
        announce_compilation()
    try:
        return build(loaded)
    except ValueError as error:
        from sim.scenario.paths import check_paths

        check_paths(loaded)  # says where in the file
        raise UserError(f"{scenario}: {error}") from None


def announce_compilation() -> None:
    """Let it be said on standard error when kernels are compiled."""
    from sim.core.jit import compilation

    compilation.announce = lambda: typer.echo(
        "compiling the kernels; later runs find them in the cache", err=True
    )


@contextmanager
def progress_bar(until_s: float, hidden: bool) -> Iterator[Callable[[Snapshot], None]]:
    """Show simulated time, tracks and × real time on standard error."""
    if hidden:
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.fields[clock]}"),
        BarColumn(),
        TextColumn("{task.fields[tracks]:>4} tracks  {task.fields[factor]:>6.0f} × real time"),
        TimeRemainingColumn(),
    )
    started = time.perf_counter()
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=until_s, clock="t = 0 s", tracks=0, factor=0.0)
        shown_at = 0.0

        def note(snapshot: Snapshot) -> None:
            nonlocal shown_at
            now = time.perf_counter()
            if now - shown_at < 0.1:
                return
            shown_at = now
            bar.update(
                task,
                completed=snapshot.time_s,
                clock=f"t = {snapshot.time_s:,.0f} s",
                tracks=int(snapshot.tracks.confirmed.sum()),
                factor=snapshot.time_s / (now - started),
            )

        yield note
        bar.update(task, completed=until_s)


def as_data(outcome: Outcome) -> dict[str, Any]:
    """Return what ``--json`` prints of a run."""
    return {
        "folder": str(outcome.folder),
        "complete": outcome.complete,
        "simulated_s": outcome.simulated_s,
        "wall_s": outcome.wall_s,
        "compiled_s": outcome.compiled_s,
        "rejected_plots": outcome.rejected,
        "dropped_rows": outcome.dropped_rows,
        "criteria": [
            {
                "metric": verdict.metric,
                "value": verdict.value,
                "min": verdict.minimum,
                "max": verdict.maximum,
                "met": verdict.met,
            }
            for verdict in outcome.verdicts
        ],
        "metrics": outcome.metrics,
    }
