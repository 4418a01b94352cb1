"""The command line: thin commands over the rooms below, one module per group.

A command's module is imported when it is asked for, and imports what it needs when it
runs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from sim.scenario.errors import UserError

BAD_INPUT, INTERRUPTED = 2, 130

#: Where each command lives (a function of its name, in a module of this package) and what it does.
COMMANDS = {
    "run": ("run", "Run a scenario headlessly, record it, judge its picture."),
    "view": ("view", "Look at a scenario live, or at a recorded run."),
    "track": ("track", "Track a recorded run's plots anew, or smooth its tracks."),
    "scenarios": ("scenario", "List the scenarios that come with airpicture."),
    "new": ("scenario", "Write a small commented scenario to start from."),
    "check": ("scenario", "Check scenario files; show every mistake in its place."),
    "schema": ("scenario", "Print the JSON Schema of scenario files."),
    "compare": ("compare", "Run variants of a scenario with the same chances; compare."),
    "coverage": ("coverage", "Compute where something can come through, and map it."),
    "place": ("place", "Choose what to build next among candidate sites."),
    "verify": ("verify", "Compare physics and tracker with published numbers."),
    "bench": ("bench", "Measure speed against a peer and the machine's own bandwidth."),
}


class _LazyGroup(TyperGroup):
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module, _ = COMMANDS[cmd_name]
        function = getattr(import_module(f"sim.cli.{module}"), cmd_name)
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(cmd_name)(function)
        return typer.main.get_command(single)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        # The inherited method would import every command's module.
        with formatter.section("Commands"):
            formatter.write_dl([(name, does) for name, (_, does) in COMMANDS.items()])


app = typer.Typer(
    cls=_LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"airpicture {metadata.version('airpicture')}")
        raise typer.Exit


@app.callback()
def airpicture(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Example: airpicture new patrol.yaml && airpicture check patrol.yaml

    Simulates sensors over a scenario, fuses what they see into one air picture, and
    judges that picture against the truth.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; a user's mistake becomes a message and exit code 2."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app(args=sys.argv[1:] if arguments is None else arguments, prog_name="airpicture")
    except UserError as error:
        typer.echo(str(error), err=True)
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    sys.exit()
