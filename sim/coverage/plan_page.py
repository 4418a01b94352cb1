"""What a choice of sites comes to: sentences, tables, maps before and after, one page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sim.coverage.analysis import rule_of
from sim.coverage.confirmation import ConfirmationTable
from sim.coverage.costs import in_words as costs_in_words
from sim.coverage.landmarks import Landmarks
from sim.coverage.maps import Map
from sim.coverage.page import Section, Table, write_page
from sim.coverage.planning import Bought, Candidates, Plan
from sim.coverage.stage import Stage
from sim.coverage.store import lowest_covered_m
from sim.coverage.together import Worth
from sim.coverage.volume import Volume
from sim.scenario.coverage_spec import Condition

_HEADS = ("covered", "more", "weakest way placed", "tracked", "k€ in all")


def sentences(found: Candidates, plan: Plan, condition: Condition) -> list[str]:
    """Return the choice, what it brings, and how much better another could be."""
    names = found.names(plan.after.chosen)
    before, after = plan.before, plan.after.worth
    if not names:
        return ["Build nothing: no candidate within the limits adds anything."]
    promised = plan.promised
    value, bound = promised.value, promised.bound
    if plan.objective == "cover":
        best, most = f"{value:.2%}", f"{bound:.2%}"
    else:
        best, most = (f"an exposure of {x:.4g}" for x in (value, bound))
    solver = (
        f"none within the limits comes to more than {best}, which is proven"
        if promised.proven
        else f"the best found comes to {best}, and none to more than {most}"
    )
    return [
        f"Build {', '.join(names)}: {costs_in_words(plan.after.cost_keur)}.",
        f"Covered under condition {condition.id}: {before.covered:.1%} of all cells, heights and "
        f"classes before, {after.covered:.1%} after.",
        f"Weakest way in: before, {_way(before)}; after, {_way(after)}.",
        "The values above count all sensors together; the choice was improved by exchange as far "
        "as time allowed, and another may yet be better. Counting what each site adds by itself "
        f"alone, {solver} ({promised.method}; bound by {promised.bound_by}).",
    ]


def _way(worth: Worth) -> str:
    return (
        f"a {worth.target_class} at {worth.height_agl_m:g} m is placed with {worth.seen:.1%} and "
        f"tracked with {worth.tracked:.1%}"
    )


def one_by_one_table(found: Candidates, plan: Plan) -> Table:
    """Return what each further site buys in an order of purchase."""
    rows, last = [("as it is", *_cells(Bought((), plan.before, (0.0, 0.0)), plan.before))], None
    for bought in plan.one_by_one:
        before = last.worth if last else plan.before
        rows.append((found.names(bought.chosen[-1:])[0], *_cells(bought, before)))
        last = bought
    return Table(
        "what each further site buys, one kept after the other", ("then", *_HEADS), tuple(rows)
    )


def each_anew_table(found: Candidates, plan: Plan) -> Table:
    """Return the best found for each number of sites, chosen anew."""
    rows, before = [], plan.before
    for bought in plan.each_anew:
        which = ", ".join(found.names(bought.chosen))
        rows.append((f"{len(bought.chosen)}", *_cells(bought, before), which))
        before = bought.worth
    heads = ("sites", *_HEADS, "which")
    return Table("the same, chosen anew for each number of sites", heads, tuple(rows))


def _cells(bought: Bought, before: Worth) -> tuple[str, ...]:
    worth, (low, high) = bought.worth, bought.cost_keur
    more = 100.0 * (worth.covered - before.covered)
    return (
        f"{worth.covered:.1%}",
        f"{more:+.2f}" if bought.chosen else "",
        f"{worth.seen:.1%}",
        f"{worth.tracked:.1%}",
        f"{low:.4g} to {high:.4g}" if bought.chosen else "",
    )


def write_plan(
    folder: Path, stage: Stage, found: Candidates, plan: Plan, condition: Condition
) -> Path:
    """Write maps of the lowest height covered before and after, and the page; return it."""
    settings = stage.spec.coverage
    names = set(found.names(plan.after.chosen))
    pictures = []
    for when, volume, extra in (
        ("before", found.before, set()),
        ("after", found.seen_with(plan.after.chosen), names),
    ):
        tracked = _tracked(stage, volume)
        lowest = lowest_covered_m(volume, tracked, settings.required)
        for k, name in enumerate(volume.classes):
            title = f"{name}, {when}: lowest height above ground covered ({condition.id})"
            path = folder / f"{when}-{name}-lowest.png"
            heights = volume.heights_agl_m
            marks = Landmarks.of(stage, volume.grid, extra)
            Map(title, "m", volume.grid, lowest[k], 0.0, heights[-1], marks, heights).save(path)
            pictures.append((path, title))
    half = len(pictures) // 2
    pairs = [one for pair in zip(pictures[:half], pictures[half:], strict=True) for one in pair]
    page = folder / "placement.html"
    subtitle = (
        f"covered: a confirmed track within {settings.track_within_s:g} s with "
        f"{settings.required:.0%} or more; weakest way: over all heights and classes, placed at "
        "least once, tracked; all values are generic and parametric"
    )
    section = Section(
        "What to build",
        tuple(sentences(found, plan, condition)),
        (one_by_one_table(found, plan), each_anew_table(found, plan)),
        tuple(pairs),
    )
    title = f"Placement: {stage.spec.title or stage.spec.name}"
    write_page(page, title, subtitle, [section])
    return page


def _tracked(stage: Stage, volume: Volume) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    settings, rule = stage.spec.coverage, rule_of(stage.spec.tracker)
    most = int(settings.track_within_s / float(volume.look_s.min())) + 1
    return volume.tracked(settings.track_within_s, ConfirmationTable(rule.hits, rule.looks, most))
