"""A measured object as tables on standard output, and the axes that plots share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.suite import Column, Row, benchmark

_WIDTH_WITHOUT_TERMINAL = 160


def print_report(measured: Row) -> None:
    """Print all benchmarks of what ``suite.run`` returned."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH_WITHOUT_TERMINAL)
    console.print(_machine(measured["machine"]))
    for name, result in measured["benchmarks"].items():
        console.print(f"\n[bold]{name}[/bold]")
        settings = ", ".join(f"{key} {_plain(value)}" for key, value in result["settings"].items())
        if settings:
            console.print(escape(settings))
        console.print(_table(result["rows"], benchmark(name).COLUMNS))
        for line in result["notes"]:
            console.print(escape(line))
        for aim in result["aims"]:
            sign = "[green]met[/green]" if aim["met"] else "[yellow]not met[/yellow]"
            if aim["met"] is None:
                sign = "not measured"
            found = "–" if aim["value"] is None else f"{aim['value']:.4g}"
            wanted = escape(f"{aim['aim']}: {found}, aim {aim['wanted']}")
            console.print(f"{wanted}: {sign}")
        for row in result["skipped"]:
            console.print(escape(f"skipped: {row['row']}: {row['reason']}"))
    for path in measured["plots"]:
        console.print(f"plot: {escape(path)}", soft_wrap=True)


def _machine(facts: Row) -> str:
    versions = ", ".join(f"{name} {v}" for name, v in facts["versions"].items() if v)
    compiled = "" if facts["compiled"] else ", NOT COMPILED"
    return escape(
        f"{facts['processor']}, {facts['cores']} cores, {facts['threads']} threads{compiled}, "
        f"triad {facts['triad_gb_per_s']:.1f} GB/s\n"
        f"{facts['system']}, Python {facts['python']}, {versions}"
    )


def _table(rows: Sequence[Row], columns: Iterable[Column]) -> Table:
    """Columns that no row fills are left out."""
    shown = [column for column in columns if any(row.get(column.key) is not None for row in rows)]
    table = Table(box=None, pad_edge=False)
    for column in shown:
        table.add_column(
            column.heading, justify="right" if column.form else "left", no_wrap=not column.form
        )
    for row in rows:
        table.add_row(*(escape(_cell(row.get(column.key), column.form)) for column in shown))
    return table


def _cell(value: Any, form: str) -> str:
    if value is None:
        return ""
    return format(value, form) if form else str(value)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def new_axes(x_label: str, y_label: str, title: str) -> tuple[Any, Any]:
    """Return a figure and its axes, both scales logarithmic."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel=x_label, ylabel=y_label)
    axes.set_title(title)
    axes.grid(True, which="both", alpha=0.2)
    return figure, axes


def save(figure: Any, path: Path) -> Path:
    """Write a figure as PNG."""
    figure.savefig(path, dpi=120)
    return path
