"""``airpicture compare``: variants of a scenario over the same runs."""

from __future__ import annotations

import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.scenario import AllowOutside, AsJson, print_json
from sim.scenario.errors import UserError

if TYPE_CHECKING:
    from sim.campaign.compare import Compared, Spread


def compare(
    scenario: Annotated[
        str, typer.Argument(metavar="SCENARIO", help="A scenario file or a bundled name.")
    ],
    vary: Annotated[
        list[str],
        typer.Option(
            "--vary",
            metavar="KEY=V,V…",
            help="What to change: a path of keys, entries of lists by id; the first value is the "
            "one that others are compared with. More than once: all combinations.",
        ),
    ],
    runs: Annotated[
        int, typer.Option("--runs", min=1, max=100_000, metavar="N", help="Runs of each variant.")
    ] = 10,
    metric: Annotated[
        list[str] | None,
        typer.Option("--metric", metavar="PATH", help="Into metrics.json; may be repeated."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=1024, help="Processes; default: one per core."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Keep all runs in this folder.")
    ] = None,
    as_json: AsJson = False,
    allow_outside: AllowOutside = False,
) -> None:
    """Example: airpicture compare nl-be-iamd --vary defence.sharing=none,national,alliance

    Run the same raids with something changed, and tell the difference with its confidence
    interval of 95 %.
    """
    from sim.scenario.loader import load
    from sim.scenario.variants import variants_of

    if out is not None and out.exists():
        raise UserError(f"{out}: exists already; a comparison makes its own folder")
    loaded = load(scenario, allow_outside)
    variants = variants_of(loaded.spec, vary)

    from sim.campaign.compare import USUAL, compared
    from sim.campaign.compare import compare as run_all

    processes = workers or len(os.sched_getaffinity(0))
    with _progress(len(variants) * runs) as note:
        try:
            found = run_all(loaded, variants, runs, processes, note, out)
        except ValueError as error:
            raise UserError(f"{scenario}: {error}") from None
    wanted = metric or USUAL
    results = [compared(found, path) for path in wanted]
    if metric:
        for one in results:
            if all(math.isnan(value.mean) for value in one.values):
                raise UserError(f"--metric {one.metric}: no run has such a number")
    results = [one for one in results if not all(math.isnan(v.mean) for v in one.values)]
    names = [variant.name for variant in variants]
    if as_json:
        print_json(_as_data(names, runs, results))
    else:
        _print(names, runs, results)


class _progress:  # noqa: N801 - used as a function
    """Tell on standard error how many runs are done."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = (MofNCompleteColumn(), BarColumn(), TimeRemainingColumn())
        self._bar = Progress(
            *columns, console=Console(stderr=True), disable=not sys.stderr.isatty()
        )
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Any:
        self._bar.start()
        return lambda done, _: self._bar.update(self._task, completed=done)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


def _as_data(names: list[str], runs: int, results: list[Compared]) -> dict[str, Any]:
    def plain(spread: Spread | None) -> dict[str, Any] | None:
        if spread is None:
            return None
        return {
            "mean": None if math.isnan(spread.mean) else spread.mean,
            "half_width_95": None if math.isnan(spread.half_width) else spread.half_width,
            "runs": spread.runs,
        }

    return {
        "variants": names,
        "runs": runs,
        "metrics": [
            {
                "metric": one.metric,
                "values": [plain(value) for value in one.values],
                "differences_from_first": [plain(value) for value in one.differences],
            }
            for one in results
        ],
    }


def _print(names: list[str], runs: int, results: list[Compared]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=110)
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("")
    for name in names:
        table.add_column(name, justify="right")
    for one in results:
        table.add_row(one.metric, *(_told(value) for value in one.values))
        if len(names) > 1:
            row = ["" if d is None else _told(d, signed=True) for d in one.differences]
            table.add_row("  difference", *row, style="dim")
    console.print(table)
    console.print(
        f"{runs} runs of each, the same chances in each; ± is the confidence interval of 95 %"
        + ("; differences from the first, run by run" if len(names) > 1 else ""),
        soft_wrap=True,
    )


def _told(spread: Spread, *, signed: bool = False) -> str:
    if math.isnan(spread.mean):
        return "–"
    sign = "+" if signed else ""
    mean = f"{spread.mean:{sign}.3g}" if abs(spread.mean) < 1e3 else f"{spread.mean:{sign},.0f}"
    if math.isnan(spread.half_width):
        return mean
    half = f"{spread.half_width:.2g}" if spread.half_width < 1e3 else f"{spread.half_width:,.0f}"
    return f"{mean} ± {half}"
