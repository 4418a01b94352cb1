"""``airpicture bench``: runs a benchmark of the source checkout."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Annotated

import typer

from sim.scenario.errors import UserError, nearest

_FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def bench(
    name: Annotated[str, typer.Argument(help="Which benchmark: filters.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="Passed on; put -- before options.")
    ] = None,
) -> None:
    """Example: airpicture bench filters -- --rounds 3

    Measure speed beside a peer and the machine's own memory bandwidth, in one run.
    Benchmarks belong to the source checkout and are not installed.
    """
    known = {path.stem: path for path in sorted(_FOLDER.glob("[a-z]*.py"))}
    if not known:
        raise UserError("the benchmarks are part of the source checkout, which this is not")
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else "known: " + ", ".join(known)
        raise UserError(f"no benchmark {name!r}\n  hint: {hint}")
    sys.argv = [str(known[name]), *(arguments or [])]
    runpy.run_path(str(known[name]), run_name="__main__")
