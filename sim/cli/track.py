"""``airpicture track``: a recorded run's plots through a tracker anew, with its judgement."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.run import (
    CRITERION_MISSED,
    INTERRUPTED,
    announce_compilation,
    as_data,
    progress_bar,
)
from sim.cli.scenario import AsJson, print_json
from sim.cli.view import opened
from sim.scenario.errors import UserError


def track(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a recorded run.")],
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="tracker.KEY=VALUE",
            help="Instead of the recorded setting, as in tracker.filter=imm; may be repeated.",
        ),
    ] = None,
    smooth: Annotated[
        bool,
        typer.Option(
            "--smooth", help="Give each track the states that all its plots say, later ones too."
        ),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Run folder to make; default: beside RUN."),
    ] = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="No progress, no summary.")] = False,
) -> None:
    """Example: airpicture track runs/patrol/20250601T120000Z-7 --set tracker.filter=imm --smooth

    Take the plots of a recorded run through the tracker anew, record its picture beside the
    same truth and plots, and judge it. Exits 3 if a criterion of the scenario is missed.
    """
    from sim.engine.retracking import RetrackingError, record_again, resolved_of
    from sim.record.recording import RecordingError
    from sim.scenario.loader import load_resolved

    changed = settings or []
    folder = out or _beside(run, "smoothed" if smooth else "tracked")
    if not quiet:
        announce_compilation()
    try:
        recording = opened(run)
        spec = load_resolved(resolved_of(recording), changed)
        if folder.exists():
            raise UserError(f"{folder}: exists already; tracking makes its own folder")
        hidden = quiet or not sys.stderr.isatty()

        def announce(tracks: int) -> None:
            if not hidden:
                typer.echo(f"smoothing {tracks} tracks", err=True)

        with progress_bar(float(recording.manifest["recorded_until_s"]), hidden) as note:
            found = record_again(
                recording, spec, folder, note,
                settings=changed, smooth=smooth, before_smoothing=announce,
            )  # fmt: skip
    except (RecordingError, RetrackingError) as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{folder}: cannot be written: {error.strerror or error}") from None
    outcome = found.outcome
    if as_json:
        data: dict[str, Any] = {"recording": str(run), **as_data(outcome)}
        data["smoothing"] = found.filtered and {
            "tracks": found.smoothed_tracks,
            "plots": found.smoothed_plots,
            "filtered_metrics": found.filtered,
        }
        print_json(data)
    elif not quiet:
        from sim.cli.summary import print_summary

        print_summary(recording.setting, outcome, done="tracked", filtered=found.filtered)
    if not outcome.complete:
        raise typer.Exit(INTERRUPTED)
    if not outcome.criteria_met:
        raise typer.Exit(CRITERION_MISSED)


def _beside(run: Path, word: str) -> Path:
    """Return a folder name beside a run's that is not taken."""
    run = run.resolve() if run.name in ("", "..") else run
    folder = run.with_name(f"{run.name}-{word}")
    count = 2
    while folder.exists():
        folder = run.with_name(f"{run.name}-{word}-{count}")
        count += 1
    return folder
