"""``airpicture verify``: physics and tracker against published numbers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.scenario import AsJson, print_json
from sim.scenario.errors import UserError
from sim.verification import table

if TYPE_CHECKING:
    from sim.verification.table import Checked

CHECK_FAILED = 3


def verify(
    chosen: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC]…", help=f"Of {', '.join(table.topics())}; all by default."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Example: airpicture verify tracking

    Compute what is published elsewhere, and print both. Exits 3 if a number lies outside its
    tolerance.
    """
    from sim.cli.run import announce_compilation

    known = table.topics()
    wrong = [topic for topic in chosen or [] if topic not in known]
    if wrong:
        raise UserError(f"unknown topic {wrong[0]!r} (known: {', '.join(known)})")
    announce_compilation()

    def begin(topic: str) -> None:
        if not as_json and not sys.stdout.isatty() and sys.stderr.isatty():
            typer.echo(topic, err=True)

    found: list[Checked] = []
    topic = ""
    for checked in table.verify(tuple(chosen or known), begin):
        if not as_json:
            if checked.topic != topic:
                topic = checked.topic
                _print_heading(topic)
            _print_row(checked)
        found.append(checked)
    failed = sum(not checked.passed for checked in found)
    if as_json:
        print_json({"checks": [_as_data(checked) for checked in found], "failed": failed})
    else:
        typer.echo(f"\n{len(found)} checks, {failed or 'none'} outside tolerance")
    if failed:
        raise typer.Exit(CHECK_FAILED)


def _print_heading(topic: str) -> None:
    typer.echo(f"\n{topic}")
    typer.echo(
        f"  {'':4} {'expected':>12} {'computed':>12} {'difference':>10} {'tolerance':>9}"
        f" {'unit':7} what, and who says so"
    )


def _print_row(checked: Checked) -> None:
    check = checked.check
    verdict = "ok" if checked.passed else "FAIL"
    typer.echo(
        f"  {verdict:4} {check.expected:>12.7g} {checked.computed:>12.7g}"
        f" {checked.difference:>10.1e} {check.tolerance:>9.1e} {check.unit:7}"
        f" {check.name} [{check.source}]"
    )


def _as_data(checked: Checked) -> dict[str, Any]:
    check = checked.check
    return {
        "topic": checked.topic,
        "name": check.name,
        "unit": check.unit,
        "expected": check.expected,
        "computed": checked.computed,
        "difference": checked.difference,
        "tolerance": check.tolerance,
        "passed": checked.passed,
        "source": check.source,
    }
