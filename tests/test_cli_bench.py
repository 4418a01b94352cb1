"""``airpicture bench``: what it accepts, refuses and prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import sim.cli.bench
from benchmarks import suite, versus
from sim.cli import main


def answer(arguments: list[str]) -> int:
    """Run the command, return its exit code."""
    with pytest.raises(SystemExit) as stopped:
        main(["bench", *arguments])
    return int(stopped.value.code or 0)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Nothing is measured; what would have been is noted."""
    calls: list[Any] = []

    def run(names: list[str], options: suite.Options, plots: Path | None = None) -> suite.Row:
        calls.append((names, options, plots))
        result = suite.Result(rows=[{"tracker": "one", "targets": 10, "scan_ms": 1.5}])
        result.skip("another", "not installed")
        result.aim("speed", 3.0, least=2.0)
        return {
            "schema": suite.SCHEMA,
            "machine": {
                "processor": "p",
                "cores": 2,
                "threads": 2,
                "compiled": True,
                "system": "s",
                "python": "3",
                "versions": {"numpy": "2"},
                "triad_gb_per_s": 10.0,
            },
            "benchmarks": {
                name: {
                    "settings": {},
                    "rows": result.rows,
                    "aims": result.aims,
                    "skipped": result.skipped,
                    "notes": [],
                }
                for name in names
            },
            "plots": [],
        }

    monkeypatch.setattr(suite, "run", run)
    return calls


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["filter"], "did you mean filters?"),
        (
            ["zzz"],
            "known: filters, tracker, scale, versus, quality, terrain, coverage, sensors, "
            "detection, assignment, all",
        ),
        (["versus", "--sizes", "ten"], "10,50,100"),
        (["versus", "--sizes", "0"], "whole numbers"),
        (["filters", "--threads", "100000"], "more than the"),
        (["filters", "--seeds", "0"], "--seeds"),
    ],
)
def test_a_mistake_is_a_message_and_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert answer(arguments) == 2
    assert message in capsys.readouterr().err


def test_plots_without_matplotlib_say_how_to_get_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sim.cli.bench, "find_spec", lambda name: None)
    assert answer(["filters", "--plot", str(tmp_path)]) == 2
    assert "airpicture[versus]" in capsys.readouterr().err


def test_without_a_checkout_it_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sim.cli.bench, "_ROOT", tmp_path)
    assert answer(["filters"]) == 2
    assert "source checkout" in capsys.readouterr().err


@pytest.mark.usefixtures("capsys")
def test_options_reach_the_suite(asked: list[Any]) -> None:
    arguments = ["versus", "--quick", "--sizes", "10,20", "--seeds", "3", "--patience", "1.5"]
    assert answer(arguments) == 0
    assert answer([]) == 0
    (names, options, plots), (all_names, usual, _) = asked
    assert (names, plots) == (["versus"], None)
    assert options == suite.Options(True, (10, 20), 3, None, 1.5)
    assert all_names == list(suite.NAMES)
    assert usual == suite.Options()


@pytest.mark.usefixtures("asked")
def test_the_table_names_rows_aims_and_what_was_skipped(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["versus"]) == 0
    printed = capsys.readouterr().out
    assert "ms a scan" in printed
    assert "1.500" in printed
    assert "speed: 3, aim ≥ 2: met" in printed
    assert "skipped: another: not installed" in printed


@pytest.mark.usefixtures("asked")
def test_json_is_one_object_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(["versus", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["benchmarks"]["versus"]["rows"][0]["targets"] == 10


def _absent(module: str) -> Callable[..., Any]:
    return lambda name, *rest: None if name == module else find_spec(name, *rest)


def test_a_missing_peer_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versus, "find_spec", _absent("stonesoup"))
    missing = {name: peer.missing() for name, peer in versus.PEERS.items()}
    assert missing["filterpy, Python loop"] is None
    reasons = {reason for name, reason in missing.items() if name.startswith("Stone Soup")}
    assert reasons == {"stonesoup is not installed: pip install 'airpicture[versus]'"}
