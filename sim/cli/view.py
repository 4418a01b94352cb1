"""``airpicture view``: a window onto a live run or a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sim.cli.run import Seed, build_world
from sim.cli.scenario import AllowOutside
from sim.scenario.errors import UserError

if TYPE_CHECKING:
    from viz.bindings import Action
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
        float | None, typer.Option("--at", metavar="S", help="Go to this time and pause there.")
    ] = None,
    size: Annotated[
        str, typer.Option("--size", metavar="WxH", help="Size of the window in pixels.")
    ] = "1600x900",
    screenshot: Annotated[
        Path | None,
        typer.Option("--screenshot", metavar="PNG", help="Write one picture instead of a window."),
    ] = None,
    keys: Annotated[
        str,
        typer.Option("--keys", metavar="KEYS", help="Press these keys first, such as 'T++'."),
    ] = "",
    track: Annotated[
        int | None, typer.Option("--track", metavar="N", help="Select this track.")
    ] = None,
    seed: Seed = None,
    allow_outside: AllowOutside = False,
) -> None:
    """Example: airpicture view f35-arrival-florennes

    Look at a scenario as it runs, or at a recorded run. F1 shows the keys.
    """
    from viz.app import ViewerError, run_viewer

    try:
        run_viewer(
            _source(what, seed, allow_outside),
            size=_parsed_size(size),
            speed=speed,
            until_s=at,
            screenshot=screenshot,
            actions=_actions(keys),
            selected=track,
        )
    except ViewerError as error:
        raise UserError(str(error)) from None
    if screenshot is not None:
        typer.echo(str(screenshot))


def _source(what: str, seed: int | None, allow_outside: bool) -> Source:
    """Return a recording if a folder is named, else a live run of a scenario."""
    folder = Path(what)
    if folder.is_dir():
        from sim.record.recording import Recording, RecordingError
        from viz.sources import Replay

        try:
            return Replay(Recording.open(folder))
        except RecordingError as error:
            raise UserError(str(error)) from None
    world = build_world(what, seed, None, allow_outside)

    from sim.engine.step import run
    from viz.sources import Live

    return Live(world.setting, run(world))


def _parsed_size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise UserError(f"--size: expected a size such as 1600x900, found {text!r}")
    size = int(width), int(height)
    if not all(1 <= side <= 16384 for side in size):
        raise UserError(f"--size: expected 1x1 to 16384x16384, found {text!r}")
    return size


def _actions(keys: str) -> list[Action]:
    from viz.bindings import bound

    actions = []
    for key in keys:
        found = bound(key, "")
        if found is None:
            raise UserError(f"--keys: {key!r} does nothing\n  hint: the docs list the keys")
        actions.append(found[0])
    return actions
