"""The list of benchmarks, what they are told, and running them in one go."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

NAMES = (
    "filters",
    "tracker",
    "scale",
    "versus",
    "quality",
    "terrain",
    "coverage",
    "sensors",
    "detection",
    "assignment",
)

#: The layout of the JSON object; a change that breaks readers raises it.
SCHEMA = 1

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """How much to measure.

    Attributes
    ----------
    quick : small sizes, few repeats
    sizes : targets or tracks, instead of each benchmark's own list
    seeds : scenes per row; rounds where nothing is drawn
    threads : of the compiled kernels, all by default
    patience_s : a row of a peer that would take longer is cut short or left out; 0: never
    """

    quick: bool = False
    sizes: tuple[int, ...] = ()
    seeds: int | None = None
    threads: int | None = None
    patience_s: float = 20.0

    def pick_sizes(self, usual: tuple[int, ...], quick: tuple[int, ...]) -> tuple[int, ...]:
        """Return the sizes that were asked for, else the quick or the usual ones."""
        return self.sizes or (quick if self.quick else usual)

    def pick_seeds(self, usual: int, quick: int) -> int:
        """Return how many seeds or rounds."""
        return self.seeds or (quick if self.quick else usual)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a benchmark's table: key of the row, heading, format of its value."""

    key: str
    heading: str
    form: str = ""


@dataclass(slots=True)
class Result:
    """What one benchmark measured.

    Attributes
    ----------
    settings : what holds for all rows
    rows : one per contestant and size
    aims : what was aimed at: ``aim``, ``value``, ``wanted``, ``met``
    skipped : rows that were left out: ``row``, ``reason``
    notes : what a reader must know
    """

    settings: Row = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    aims: list[Row] = field(default_factory=list)
    skipped: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def aim(self, aim: str, value: float | None, *, least: float = 0.0, most: float = 0.0) -> None:
        """Note an aim and whether it was met; ``met`` is None if it was not measured."""
        wanted = f"≥ {least:g}" if least else f"≤ {most:g}"
        met = None
        if value is not None:
            met = bool(value >= least if least else value <= most)
        self.aims.append({"aim": aim, "value": value, "wanted": wanted, "met": met})

    def skip(self, row: str, reason: str) -> None:
        """Name a row that is left out, on standard error too."""
        self.skipped.append({"row": row, "reason": reason})
        say(f"skipped: {row}: {reason}")


class Benchmark(Protocol):
    """What a file of this folder that is named in ``NAMES`` offers."""

    COLUMNS: Sequence[Column]
    run: Callable[[Options], Result]
    plot: Callable[[Result, Path], list[Path]]


def say(line: str) -> None:
    """Narrate on standard error."""
    print(line, file=sys.stderr, flush=True)


def benchmark(name: str) -> Benchmark:
    """Return one benchmark."""
    found: Any = importlib.import_module(f"benchmarks.{name}")
    return found  # type: ignore[no-any-return]


def run(names: Sequence[str], options: Options, plots: Path | None = None) -> Row:
    """Run benchmarks one after the other.

    Returns
    -------
    dict
        Plain values: ``schema``, ``machine``, ``options``, ``benchmarks`` by name, each
        the fields of ``Result``, and ``plots``, the files that were drawn.
    """
    from benchmarks import machine

    if options.threads is not None:
        import numba

        numba.set_num_threads(options.threads)
    results: dict[str, Result] = {}
    drawn: list[Path] = []
    for name in names:
        say(f"── {name}")
        one = benchmark(name)
        results[name] = one.run(options)
        if plots is not None:
            plots.mkdir(parents=True, exist_ok=True)
            drawn += one.plot(results[name], plots)
    return {
        "schema": SCHEMA,
        "machine": machine.facts(),
        "options": asdict(options),
        "benchmarks": {name: asdict(result) for name, result in results.items()},
        "plots": [str(path) for path in drawn],
    }
