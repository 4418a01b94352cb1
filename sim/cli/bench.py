"""``airpicture bench``: runs the benchmarks of the source checkout."""

from __future__ import annotations

import importlib
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from sim.cli.scenario import AsJson, print_json
from sim.scenario.errors import UserError, nearest

_ROOT = Path(__file__).resolve().parents[2]


def bench(
    name: Annotated[
        str,
        typer.Argument(
            help="filters, tracker, scale, versus, quality, terrain, coverage, sensors, "
            "detection, assignment or all."
        ),
    ] = "all",
    as_json: AsJson = False,
    plots: Annotated[
        Path | None, typer.Option("--plot", metavar="DIR", help="Draw PNG files there.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Small sizes, few repeats: first results in a minute.")
    ] = False,
    sizes: Annotated[
        str | None, typer.Option("--sizes", metavar="N,N…", help="Numbers of targets or tracks.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", min=1, metavar="N", help="Scenes, or rounds, behind every row."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, metavar="N", help="Of the compiled kernels.")
    ] = None,
    patience: Annotated[
        float,
        typer.Option(
            "--patience",
            min=0,
            metavar="S",
            help="versus: seconds for one row of a peer; what takes longer is cut short or "
            "left out. 0 waits for everything: hours.",
        ),
    ] = 20.0,
) -> None:
    """Example: airpicture bench versus --quick

    Measure speed and quality beside peers and the machine's own memory bandwidth, in one
    run. filters: the kernels. tracker: the whole tracker, by settings. scale: up to a
    million targets. versus: other trackers on the same plots. quality: hard scenes.
    terrain: line of sight over relief. coverage: the same beside viewsheds. sensors: a
    hundred that observe, radars over flat land and many kinds over hills.
    detection: exact probabilities a second. assignment: weapons to targets.
    Benchmarks belong to the source checkout and are not installed.
    """
    suite = _suite()
    known = [*suite.NAMES, "all"]
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near}?" if near else "known: " + ", ".join(known)
        raise UserError(f"no benchmark {name!r}\n  hint: {hint}")
    if plots is not None and find_spec("matplotlib") is None:
        raise UserError("--plot needs matplotlib\n  hint: pip install 'airpicture[versus]'")
    measured = suite.run(
        list(suite.NAMES) if name == "all" else [name],
        suite.Options(quick, _whole_numbers(sizes), seeds, _threads(threads), patience),
        plots,
    )
    if as_json:
        print_json(measured)
    else:
        importlib.import_module("benchmarks.report").print_report(measured)


def _suite() -> Any:
    if not (_ROOT / "benchmarks" / "suite.py").is_file():
        raise UserError("the benchmarks are part of the source checkout, which this is not")
    if str(_ROOT) not in sys.path:
        sys.path.insert(0, str(_ROOT))
    return importlib.import_module("benchmarks.suite")


def _whole_numbers(sizes: str | None) -> tuple[int, ...]:
    try:
        found = tuple(int(size) for size in sizes.split(",")) if sizes else ()
    except ValueError:
        found = (0,)
    if any(size < 1 for size in found):
        raise UserError(f"--sizes: {sizes!r} is not a list of whole numbers like 10,50,100")
    return found


def _threads(wanted: int | None) -> int | None:
    if wanted is None:
        return None
    import numba

    most = int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    if wanted > most:
        raise UserError(f"--threads: {wanted} is more than the {most} that numba has here")
    return wanted
