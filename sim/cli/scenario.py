"""Commands about scenario files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sim.scenario.errors import Problem, ScenarioError, UserError

if TYPE_CHECKING:
    from sim.scenario.loader import LoadedScenario

AllowOutside = Annotated[
    bool,
    typer.Option("--allow-outside", help="Let scenarios refer to files outside their folder."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def check(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="Scenario files or bundled names.")
    ],
    allow_outside: AllowOutside = False,
    as_json: AsJson = False,
) -> None:
    """Example: airpicture check patrol.yaml

    Check scenario files; every mistake is shown with its line and column.
    """
    from sim.scenario.loader import load
    from sim.scenario.paths import check_paths

    problems: list[Problem] = []
    results: list[dict[str, Any]] = []
    for file in files:
        try:
            loaded = load(file, allow_outside)
            check_paths(loaded)
        except ScenarioError as error:
            problems += error.problems
            results.append({"file": file, "ok": False, "problems": _as_data(error.problems)})
            if not as_json:
                typer.echo(str(error), err=True)
        else:
            results.append({"file": file, "ok": True, "problems": []})
            if not as_json:
                typer.echo(f"{file}: ok: {_summary(loaded)}")
    if as_json:
        print_json({"ok": not problems, "files": results})
    if problems:
        raise typer.Exit(2)


def schema(
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write to a file instead.")
    ] = None,
) -> None:
    """Example: airpicture schema --out scenario.schema.json

    Print the JSON Schema of scenario files, for completion and checks in an editor.
    """
    from sim.scenario.schema import schema_text

    if out is None:
        typer.echo(schema_text(), nl=False)
    else:
        _write(out, schema_text())


def scenarios(as_json: AsJson = False) -> None:
    """Example: airpicture scenarios

    List the scenarios that come with airpicture.
    """
    from sim.scenario.library import bundled

    stored = bundled()
    if as_json:
        entries = [{"name": n, "title": title, "path": str(path)} for n, title, path in stored]
        print_json({"scenarios": entries})
        return
    width = max((len(name) for name, _, _ in stored), default=0)
    for name, title, _ in stored:
        typer.echo(f"{name:<{width}}  {title}".rstrip())


def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The scenario file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Example: airpicture new patrol.yaml

    Write a small commented scenario to start from.
    """
    from sim.scenario.library import starter_text

    if file.exists() and not force:
        raise UserError(f"{file}: exists already\n  hint: --force overwrites it")
    _write(file, starter_text(file.stem))
    typer.echo(f"next: airpicture check {file}", err=True)


def _summary(loaded: LoadedScenario) -> str:
    from sim.scenario.along import standing_sites

    spec = loaded.spec
    sensors = sum(len(site.sensors) for _, site in standing_sites(spec))
    targets = sum(target.count for target in spec.targets)
    parts = [_count(sensors, "sensor"), _count(targets, "target"), f"{spec.time.duration_s:g} s"]
    return ", ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _as_data(problems: list[Problem]) -> list[dict[str, Any]]:
    return [
        {"file": p.file, "line": p.line, "column": p.column, "message": p.message, "hint": p.hint}
        for p in problems
    ]


def print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def _write(path: Path, text: str) -> None:
    if not path.parent.is_dir():
        raise UserError(f"{path}: the folder {path.parent} does not exist")
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {(error.strerror or '').lower()}") from None
