"""``airpicture view``: a window onto a live run or a recording."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.run import Duration, Seed, build_world
from sim.cli.scenario import AllowOutside
from sim.scenario.errors import UserError

if TYPE_CHECKING:
    from sim.record.recording import Recording
    from viz.bindings import Press
    from viz.coverage import Coverage
    from viz.sources import Source


def view(
    what: Annotated[
        str, typer.Argument(metavar="SCENARIO|RUN", help="A scenario to run live, or a run folder.")
    ],
    speed: Annotated[
        float,
        typer.Option("--speed", metavar="X", help="Scenario seconds per second at the start."),
    ] = 10.0,
    at: Annotated[
        float | None,
        typer.Option("--at", metavar="S", help="Go to this scenario time and pause there."),
    ] = None,
    size: Annotated[
        str, typer.Option("--size", metavar="WxH", help="Size of the window in pixels.")
    ] = "1600x900",
    screenshot: Annotated[
        Path | None,
        typer.Option(
            "--screenshot",
            metavar="PNG",
            help="Write one picture, of --at or of the end, instead of opening a window.",
        ),
    ] = None,
    keys: Annotated[
        str,
        typer.Option(
            "--keys",
            metavar="KEYS",
            help="Press these keys on arrival, as in '++t left': t truth, l labels, v leaders, "
            "d dots, p plots, r rings, b beams, o g k coverage, + - zoom, f fit, "
            "c centre, h help, 1…9 speed, left right up down tab space page-up page-down home.",
        ),
    ] = "",
    track: Annotated[
        int | None, typer.Option("--track", metavar="N", min=0, help="Select this track.")
    ] = None,
    coverage: Annotated[
        Path | None,
        typer.Option(
            "--coverage",
            metavar="DIR",
            help="What airpicture coverage wrote, under the map; default: the run's own coverage/.",
        ),
    ] = None,
    seed: Seed = None,
    duration: Duration = None,
    allow_outside: AllowOutside = False,
) -> None:
    """Example: airpicture view f35-arrival-florennes

    Look at a scenario as it runs, or at a recorded run. F1 shows the keys.
    """
    size_px, presses = _parsed_size(size), _parsed_keys(keys)
    if not 0.0 < speed <= 1000.0:
        raise UserError(f"--speed: expected above 0 and at most 1000, found {speed:g}")
    if at is not None and not 0.0 <= at < math.inf:
        raise UserError(f"--at: expected seconds from 0 on, found {at:g}")
    if screenshot is not None and screenshot.suffix.lower() != ".png":
        raise UserError(f"--screenshot: expected a name that ends in .png, found {screenshot}")
    if screenshot is not None and not screenshot.absolute().parent.is_dir():
        raise UserError(f"--screenshot: there is no folder {screenshot.parent}")

    from sim.record.recording import RecordingError
    from viz.app import ViewerError, run_viewer
    from viz.coverage import CoverageError

    try:
        source = _source(what, seed, duration, allow_outside)
        layers = _coverage(what, coverage, source)
        if at is not None and at > source.duration_s:
            raise UserError(f"--at: {what} ends at {source.duration_s:g} s, found {at:g}")
        run_viewer(
            source,
            size=size_px,
            speed=speed,
            until_s=at,
            screenshot=screenshot,
            presses=presses,
            selected=track,
            coverage=layers,
            covered=coverage is not None,
        )
    except (RecordingError, ViewerError, CoverageError) as error:
        raise UserError(str(error)) from None
    if screenshot is not None:
        typer.echo(str(screenshot))


def _source(what: str, seed: int | None, duration: float | None, allow_outside: bool) -> Source:
    """Return a recording if a folder is named, else a live run of a scenario."""
    folder = Path(what)
    if folder.is_dir():
        from viz.sources import Replay

        for option, value in (("--seed", seed), ("--duration", duration)):
            if value is not None:
                raise UserError(f"{option}: {what} is recorded already; give a scenario instead")
        return Replay(opened(folder))
    world = build_world(what, seed, duration, allow_outside)

    from sim.engine.step import run
    from viz.sources import Live

    return Live(world.setting, run(world))


def _coverage(what: str, folder: Path | None, source: Source) -> Coverage | None:
    """Return the coverage of a folder that is named, else that of a run's own folder, if any."""
    from viz.coverage import Coverage

    if folder is None:
        own = Path(what) / "coverage"
        return Coverage.read(own, source.setting) if any(own.glob("*.npz")) else None
    if not folder.is_dir():
        raise UserError(f"--coverage: there is no folder {folder}")
    return Coverage.read(folder, source.setting)


def opened(folder: Path) -> Recording:
    """Open a run folder that holds something readable."""
    from sim.record.recording import Recording, RecordingError
    from sim.record.writer import MANIFEST

    try:
        recording = Recording.open(folder)
    except RecordingError as error:
        runs = sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
        hint = f"\n  hint: its latest run is {runs[-1]}" if runs else ""
        raise UserError(f"{error}{hint}") from None
    if not recording.times_s.size:
        raise UserError(f"{folder}: nothing is recorded in it; it is {recording.state}")
    recording.snapshot(math.inf)  # a damaged file shows now, not in the open window
    return recording


def _parsed_size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise UserError(f"--size: expected a size such as 1600x900, found {text!r}")
    size = int(width), int(height)
    if not all(1 <= side <= 16384 for side in size):
        raise UserError(f"--size: expected 1x1 to 16384x16384, found {text!r}")
    return size


def _parsed_keys(text: str) -> list[Press]:
    from viz.bindings import presses

    try:
        return presses(text)
    except ValueError as error:
        raise UserError(
            f"--keys: {error}\n  hint: `airpicture view --help` lists the keys"
        ) from None
