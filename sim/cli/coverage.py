"""``airpicture coverage`` and ``airpicture place``: what a network sees, and what to buy next."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.cli.run import announce_compilation
from sim.cli.scenario import AllowOutside, AsJson, print_json
from sim.scenario.errors import UserError

if TYPE_CHECKING:
    from sim.coverage.analysis import LineCoverage
    from sim.coverage.output import Folder
    from sim.coverage.page import Table
    from sim.coverage.planning import Candidates, Plan
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
    stage = _stage(scenario, height, target_class, condition, cell, time_s, allow_outside)
    announce_compilation()

    from sim.coverage.analysis import cover_line, cover_square, lines_of
    from sim.coverage.output import Folder, line_table, share_table
    from sim.coverage.weak_places import in_words
    from sim.engine.session import new_run_folder

    path = out or new_run_folder(Path("coverage") / stage.spec.name, stage.spec.seed)
    if path.exists():
        raise UserError(f"{path}: exists already; a computation makes its own folder")
    unfinished = path.with_name(path.name + ".unfinished")
    lines: list[LineCoverage] = []
    try:
        unfinished.mkdir(parents=True)
        folder = Folder(unfinished, stage, geotiff=geotiff)
        with _bar(as_json, "sensors") as note, _located(scenario):
            for line in lines_of(stage.spec):
                lines += cover_line(stage, line, folder.keep, note)
            if not lines:
                cover_square(stage, folder.keep, note)
        folder.finish(lines)
        unfinished.rename(path)
    except ImportError as error:
        raise UserError(str(error)) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    if as_json:
        print_json(_as_data(path, folder, lines))
        return
    for each in stage.spec.coverage.conditions:
        typer.echo(f"\ncondition {each.id}")
        _print_table(share_table(folder.shares(), each.id))
    for found in lines:
        typer.echo("")
        _print_table(line_table(found))
        typer.echo(f"\nweakest places of {found.line}, {found.condition}:")
        for number, place in enumerate(found.weak_places, 1):
            typer.echo(f"{number}. {in_words(place, found.required)}")
    typer.echo(f"\nwritten to {path}; the page is {path / 'coverage.html'}")


def place(
    scenario: ScenarioName,
    budget: Annotated[
        float | None,
        typer.Option("--budget", metavar="KEUR", help="Thousands of euros; midpoints of costs."),
    ] = None,
    most: Annotated[
        int | None, typer.Option("--most", min=1, metavar="N", help="So many sites at most.")
    ] = None,
    objective: Annotated[
        Literal["cover", "weakest"],
        typer.Option("--objective", help="Cover most, or raise the weakest way through."),
    ] = "cover",
    height: Heights = None,
    target_class: Classes = None,
    cell: Cell = None,
    time_s: AtTime = None,
    effort: Annotated[
        float, typer.Option("--effort", min=1.0, metavar="S", help="Time for the solver.")
    ] = 60.0,
    as_json: AsJson = False,
    allow_outside: AllowOutside = False,
) -> None:
    """Example: airpicture place base-perimeter --budget 600

    Choose among the scenario's candidate sites under a budget; print the choice, how much
    better any other could be, and what each further sensor buys. The first condition holds.
    """
    if budget is None and most is None:
        raise UserError("give --budget, --most or both")
    stage = _stage(scenario, height, target_class, None, cell, time_s, allow_outside)
    announce_compilation()

    from sim.coverage.analysis import grid_of, rule_of
    from sim.coverage.placement import Effort, Limits
    from sim.coverage.planning import candidates_of, plan_cover, plan_weakest

    condition = stage.spec.coverage.conditions[0]
    with _located(scenario):
        limits = Limits(float("inf") if budget is None else budget, most)
        with _bar(as_json, "sensors") as note:
            found = candidates_of(stage, grid_of(stage), condition, progress=note)
        with _bar(as_json, "solving") as note:

            def tell(phase: str, done: int, bound: float, value: float) -> None:
                note(done, 0, f"{phase}: {value:.4g}, at most {bound:.4g}")

            time_limit = Effort(time_s=effort)
            if objective == "cover":
                rule = rule_of(stage.spec.tracker)
                plan = plan_cover(stage, found, condition, limits, rule, time_limit, tell)
            else:
                plan = plan_weakest(stage, found, condition, limits, time_limit, tell)
    if as_json:
        print_json(_plan_as_data(found, plan))
    else:
        _print_plan(found, plan)


def _stage(
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
    with _located(scenario):
        return Stage.of(replace(loaded, spec=spec), time_s)


@contextmanager
def _located(scenario: str) -> Iterator[None]:
    """Turn what cannot be computed into a message that names the scenario."""
    try:
        yield
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"{scenario}: {error}") from None


@contextmanager
def _bar(hidden: bool, what: str) -> Iterator[Callable[[int, int, str], None]]:
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
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=None, name="")
        yield lambda done, all_, name: bar.update(
            task, completed=done, total=all_ or None, name=name
        )


def _print_table(table: Table) -> None:
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


def _plan_as_data(found: Candidates, plan: Plan) -> dict[str, Any]:
    """Return what ``--json`` prints of a choice."""

    def steps(curve: Any) -> list[dict[str, Any]]:
        return [
            {
                "chosen": found.names(step.placement.chosen.tolist()),
                "value": step.placement.value,
                "cost_keur": [step.placement.cost_low, step.placement.cost_high],
                "gain": step.gain,
            }
            for step in curve
        ]

    chosen = plan.placement
    return {
        "chosen": found.names(chosen.chosen.tolist()),
        "cost_keur": [chosen.cost_low, chosen.cost_high],
        "value": chosen.value,
        "bound": chosen.bound,
        "proven": chosen.proven,
        "method": chosen.method,
        "unit": plan.unit,
        "before": plan.before,
        "after": plan.after,
        "one_by_one": steps(plan.curve.nested),
        "each_anew": steps(plan.curve.free),
    }


def _print_plan(found: Candidates, plan: Plan) -> None:
    from sim.coverage.costs import in_words
    from sim.coverage.page import Table

    chosen = plan.placement
    names = found.names(chosen.chosen.tolist())
    cost = in_words((chosen.cost_low, chosen.cost_high))
    typer.echo(f"build {', '.join(names) or 'nothing'}: {cost}")
    typer.echo(f"from {plan.before:.4g} to {plan.after:.4g} {plan.unit}, all computed anew")
    proof = (
        "no other choice within the limits is better"
        if chosen.proven
        else f"another choice could reach {chosen.bound:.4g} instead of {chosen.value:.4g} at most"
    )
    typer.echo(f"{proof} ({chosen.method}; {chosen.bound_by})")
    rows = tuple(
        (
            str(number),
            f"{one.placement.value:.4g}",
            ", ".join(found.names(one.placement.chosen.tolist()[-1:])) or "nothing more",
            f"{other.placement.value:.4g}",
            f"{other.placement.cost_low:.3g} to {other.placement.cost_high:.3g}",
            ", ".join(found.names(other.placement.chosen.tolist())),
        )
        for number, (one, other) in enumerate(
            zip(plan.curve.nested, plan.curve.free, strict=True), 1
        )
    )
    heads = ("sites", "one by one", "then", "chosen anew", "k€", "which")
    typer.echo("")
    _print_table(Table("what each further site buys", heads, rows))
