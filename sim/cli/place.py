"""``airpicture place``: what to buy next."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from sim.cli.coverage import (
    AtTime,
    Cell,
    Classes,
    Heights,
    ScenarioName,
    bar,
    located,
    print_table,
    stage_for,
    whole_folder,
)
from sim.cli.run import announce_compilation
from sim.cli.scenario import AllowOutside, AsJson, print_json
from sim.scenario.errors import UserError

if TYPE_CHECKING:
    from sim.coverage.planning import Bought, Candidates, Plan
    from sim.scenario.coverage_spec import Condition


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
    condition: Annotated[
        str | None,
        typer.Option("--condition", metavar="ID", help="Of the scenario's; its first by default."),
    ] = None,
    cell: Cell = None,
    time_s: AtTime = None,
    effort: Annotated[
        float, typer.Option("--effort", min=1.0, metavar="S", help="Time for the solver.")
    ] = 60.0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder to make; default: below placement/."),
    ] = None,
    as_json: AsJson = False,
    allow_outside: AllowOutside = False,
) -> None:
    """Example: airpicture place base-perimeter --budget 600

    Choose among the scenario's candidate sites under a budget; print the choice, how much
    better any other could be, and what each further sensor buys. Maps before and after
    and one page are written.
    """
    if budget is None and most is None:
        raise UserError("give --budget, --most or both")
    if budget is not None and not budget > 0.0:
        raise UserError(f"--budget: expected a sum above 0, found {budget:g}")
    wanted = None if condition is None else [condition]
    stage = stage_for(scenario, height, target_class, wanted, cell, time_s, allow_outside)
    announce_compilation()

    from sim.coverage.analysis import grid_of, rule_of
    from sim.coverage.placement import Effort, Limits
    from sim.coverage.plan_page import write_plan
    from sim.coverage.planning import candidates_of, plan_cover, plan_weakest
    from sim.engine.session import new_run_folder

    path = out or new_run_folder(Path("placement") / stage.spec.name, stage.spec.seed)
    chosen = stage.spec.coverage.conditions[0]
    with whole_folder(path) as folder, located(scenario):
        limits = Limits(float("inf") if budget is None else budget, most)
        with bar(as_json, "sensors") as note:
            found = candidates_of(stage, grid_of(stage), chosen, progress=note)
        with bar(as_json, "solving") as note:

            def tell(phase: str, done: int, bound: float, value: float) -> None:
                note(done, 0, f"{phase}: {value:.4g}, at most {bound:.4g}")

            choose = plan_cover if objective == "cover" else plan_weakest
            rule = rule_of(stage.spec.tracker)
            plan = choose(stage, found, limits, rule, Effort(time_s=effort), tell)
        write_plan(folder, stage, found, plan, chosen)
    if as_json:
        print_json(_as_data(path, found, plan, chosen))
        return
    _print(found, plan, chosen)
    typer.echo(f"\nwritten to {path}; the page is {path / 'placement.html'}")


def _as_data(path: Path, found: Candidates, plan: Plan, condition: Condition) -> dict[str, Any]:
    """Return what ``--json`` prints of a choice."""

    def line(bought: Bought) -> dict[str, Any]:
        return {
            "chosen": found.names(bought.chosen),
            "cost_keur": list(bought.cost_keur),
            "worth": asdict(bought.worth) | {"seen": bought.worth.seen},
        }

    promised = plan.promised
    return {
        "folder": str(path),
        "condition": condition.id,
        "objective": plan.objective,
        **line(plan.after),
        "before": asdict(plan.before) | {"seen": plan.before.seen},
        "promised": {
            "chosen": found.names(promised.chosen.tolist()),
            "value": promised.value,
            "bound": promised.bound,
            "proven": promised.proven,
            "method": promised.method,
            "bound_by": promised.bound_by,
        },
        "one_by_one": [line(one) for one in plan.one_by_one],
        "each_anew": [line(one) for one in plan.each_anew],
    }


def _print(found: Candidates, plan: Plan, condition: Condition) -> None:
    from sim.coverage.plan_page import each_anew_table, one_by_one_table, sentences

    for sentence in sentences(found, plan, condition):
        typer.echo(sentence)
    for table in (one_by_one_table(found, plan), each_anew_table(found, plan)):
        typer.echo("")
        print_table(table)
