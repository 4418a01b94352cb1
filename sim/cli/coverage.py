"""``airpicture coverage``: what a network sees, and how low something can come through."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.cli.run import announce_compilation
from sim.cli.scenario import AllowOutside, AsJson, print_json
from sim.scenario.errors import UserError

if TYPE_CHECKING:
    from sim.coverage.analysis import LineCoverage
    from sim.coverage.approaches import Approaches
    from sim.coverage.output import Folder
    from sim.coverage.page import Table
    from sim.coverage.stage import Stage

ScenarioName = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A scenario file or a bundled name.")
]
Heights = Annotated[
    list[float] | None,
    typer.Option("--height", metavar="M", help="Above ground; may be given several times."),
]
Classes = Annotated[
    list[str] | None,
    typer.Option("--class", metavar="CLASS", help="Of target; may be given several times."),
]
Cell = Annotated[
    float | None, typer.Option("--cell", metavar="M", help="Width of a cell, instead of its own.")
]
AtTime = Annotated[
    float | None,
    typer.Option("--time", metavar="S", help="When jammers and carriers are where they are."),
]


def coverage(
    scenario: ScenarioName,
    height: Heights = None,
    target_class: Classes = None,
    condition: Annotated[
        list[str] | None,
        typer.Option("--condition", metavar="ID", help="Of the scenario's; all by default."),
    ] = None,
    cell: Cell = None,
    time_s: AtTime = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to make; default: below coverage/."),
    ] = None,
    geotiff: Annotated[bool, typer.Option("--geotiff", help="Write rasters, too.")] = False,
    as_json: AsJson = False,
    allow_outside: AllowOutside = False,
) -> None:
    """Example: airpicture coverage drone-line-500km

    Compute where, how low and how small something can come through: maps, arrays, outlines
    and one page; for a line also its weakest places and what would mend them.
    """
    stage = stage_for(scenario, height, target_class, condition, cell, time_s, allow_outside)
    announce_compilation()

    from sim.coverage.analysis import cover_line, cover_square, lines_of
    from sim.coverage.output import Folder, line_table, share_table, warning_table
    from sim.coverage.weak_places import in_words
    from sim.engine.session import new_run_folder

    path = out or new_run_folder(Path("coverage") / stage.spec.name, stage.spec.seed)
    lines: list[LineCoverage] = []
    with whole_folder(path) as unfinished:
        folder = Folder(unfinished, stage, geotiff=geotiff)
        with bar(as_json, "sensors") as note, located(scenario):
            for line in lines_of(stage.spec):
                lines += cover_line(stage, line, folder.keep, note)
            if not lines:
                cover_square(stage, folder.keep, note)
        folder.finish(lines)
    if as_json:
        print_json(_as_data(path, folder, lines))
        return
    for each in stage.spec.coverage.conditions:
        typer.echo(f"\ncondition {each.id}")
        print_table(share_table(folder.shares(), each.id))
    for flown in folder.approaches:
        typer.echo("")
        print_table(warning_table(flown))
    for found in lines:
        typer.echo("")
        print_table(line_table(found))
        typer.echo(f"\nweakest places of {found.line}, {found.condition}:")
        for number, place in enumerate(found.weak_places, 1):
            typer.echo(f"{number}. {in_words(place, found.required)}")
    typer.echo(f"\nwritten to {path}; the page is {path / 'coverage.html'}")


def stage_for(
    scenario: str,
    heights: list[float] | None,
    classes: list[str] | None,
    conditions: list[str] | None,
    cell: float | None,
    time_s: float | None,
    allow_outside: bool,
) -> Stage:
    """Load a scenario, lay the options over its ``coverage`` settings, and set it up."""
    from pydantic import ValidationError

    from sim.coverage.stage import Stage
    from sim.scenario.coverage_spec import CoverageSpec
    from sim.scenario.errors import nearest
    from sim.scenario.loader import load

    loaded = load(scenario, allow_outside)
    settings = loaded.spec.coverage.model_dump()
    if heights:
        settings["heights_agl_m"] = tuple(sorted(set(heights)))
    if classes:
        settings["classes"] = tuple(dict.fromkeys(classes))
    if cell is not None:
        settings["cell_m"] = cell
    if conditions:
        known = [one.id for one in loaded.spec.coverage.conditions]
        for wanted in conditions:
            if wanted not in known:
                match = nearest(wanted, known)
                hint = f"; did you mean {match}?" if match else ""
                raise UserError(
                    f"--condition: no condition {wanted!r} (known: {', '.join(known)}){hint}"
                )
        settings["conditions"] = [one for one in settings["conditions"] if one["id"] in conditions]
    settings["candidates"] = ()
    try:
        changed = CoverageSpec.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        option = {"heights_agl_m": "--height", "classes": "--class", "cell_m": "--cell"}
        name = option.get(str(first["loc"][0]) if first["loc"] else "", "coverage")
        raise UserError(f"{name}: {first['msg']}, found {first['input']!r}") from None
    changed = changed.model_copy(update={"candidates": loaded.spec.coverage.candidates})
    spec = loaded.spec.model_copy(update={"coverage": changed})
    duration_s = spec.time.duration_s
    if time_s is not None and not 0.0 <= time_s <= duration_s:
        raise UserError(f"--time: expected 0 to {duration_s:g} s, found {time_s:g}")
    with located(scenario):
        return Stage.of(replace(loaded, spec=spec), time_s)


@contextmanager
def located(scenario: str) -> Iterator[None]:
    """Turn what cannot be computed into a message that names the scenario."""
    try:
        yield
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{scenario}: {error}") from None


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give a folder to write into that has its name only once all of it is there."""
    if path.exists():
        raise UserError(f"{path}: exists already; a computation makes its own folder")
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        unfinished.mkdir(parents=True)
        yield unfinished
        unfinished.rename(path)
    except ImportError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def bar(hidden: bool, what: str) -> Iterator[Callable[[int, int, str], None]]:
    """Show on standard error how many of how many are done."""
    if hidden or not sys.stderr.isatty():
        yield lambda done, all_, name: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[name]}"),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(what, total=None, name="")
        yield lambda done, all_, name: shown.update(
            task, completed=done, total=all_ or None, name=name
        )


def print_table(table: Table) -> None:
    """Print a table, its columns aligned."""
    typer.echo(table.caption)
    rows = [table.heads, *table.rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(table.heads))]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        typer.echo("  " + "  ".join(cells))


def _as_data(path: Path, folder: Folder, lines: list[LineCoverage]) -> dict[str, Any]:
    """Return what ``--json`` prints of a computation."""
    from dataclasses import asdict

    return {
        "folder": str(path),
        "covered": [asdict(share) for share in folder.shares()],
        "approaches": [_warning_as_data(flown) for flown in folder.approaches],
        "lines": [
            {
                "line": line.line,
                "condition": line.condition,
                "length_km": float(line.along_km[-1] + line.along_km[0]),
                "cost_keur": line.cost_keur,
                "breach_m": line.breach_m,
                "cases": [
                    {
                        "height_agl_m": float(line.heights_agl_m[h]),
                        "class": line.classes[k],
                        "covered_km": float(line.covered_km[h, k]),
                        "longest_gap_km": line.gaps_km[h, k].longest_km,
                        "weakest_way": {
                            "seen": way.seen,
                            "tracked": way.tracked,
                            "length_m": way.length_m,
                            "metrication_ratio": way.metrication_ratio,
                            "path_deg": list(
                                zip(
                                    way.latitude_deg.round(5).tolist(),
                                    way.longitude_deg.round(5).tolist(),
                                    strict=True,
                                )
                            ),
                        },
                        "barrier": asdict(line.barriers[h, k]),
                        "tracked_by_km": line.straight.tracked[h, k].round(4).tolist(),
                    }
                    for (h, k), way in line.weakest.items()
                ],
                "weak_places": [asdict(place) for place in line.weak_places],
            }
            for line in lines
        ],
    }


def _warning_as_data(flown: Approaches) -> dict[str, Any]:
    """Return what ``--json`` prints of straight approaches; None: no time is left so surely."""
    from sim.coverage.approaches import LEVELS

    def seconds(values: Any) -> list[float | None]:
        return [round(value, 1) if value == value else None for value in values.tolist()]

    return {
        "point": flown.point,
        "condition": flown.condition,
        "radius_m": flown.radius_m,
        "from_m": flown.from_m,
        "azimuth_deg": flown.azimuth_deg.tolist(),
        "cases": [
            {
                "height_agl_m": float(height_m),
                "class": name,
                "speed_mps": float(flown.speeds_mps[k]),
                "tracked": flown.tracked[h, k].round(4).tolist(),
                "left_s": {
                    f"{level:g}": seconds(flown.left_s[number, h, k])
                    for number, level in enumerate(LEVELS)
                },
            }
            for h, height_m in enumerate(flown.heights_agl_m)
            for k, name in enumerate(flown.classes)
        ],
    }
