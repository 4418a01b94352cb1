"""The table of published numbers, and the command that prints it."""

from __future__ import annotations

import json
import math
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

import sim.verification.tracking as topic
from sim.cli import app
from sim.verification.check import Check
from sim.verification.table import Checked, checks_of, topics


def test_every_check_has_a_name_of_its_own_and_a_source() -> None:
    checks = [check for name in topics() for check in checks_of(name)]
    assert len({check.name for check in checks}) == len(checks)
    assert all(check.source.strip() for check in checks)
    assert all(check.tolerance >= 0.0 and math.isfinite(check.expected) for check in checks)
    # A wide tolerance would check nothing, whatever the unit.
    assert all(check.tolerance <= max(0.1 * abs(check.expected), 1e-6) for check in checks)


#: A year, who publishes without one, or a number worked out apart from this program.
NAMED = re.compile(
    r"\b(19|20)\d\d\b|ITU-R|MathWorks, documentation|Hostetter|NREL|Meeus|by hand"
    r"|(computed|minimised|iterated) independently|apart from this program"
)
VAGUE = re.compile(r"literature|textbook|press\b|published trials", re.IGNORECASE)


def test_every_source_of_a_sensor_row_can_be_looked_up() -> None:
    for name in set(topics()) - {"tracking", "coverage"}:
        for check in checks_of(name):
            assert NAMED.search(check.source), (check.name, check.source)
            assert not VAGUE.search(check.source), (check.name, check.source)


@pytest.mark.slow
@pytest.mark.parametrize("name", topics())
def test_every_number_agrees(name: str) -> None:
    for check in checks_of(name):
        checked = Checked(name, check, float(check.compute()))
        assert checked.passed, (check.name, checked.computed)


@pytest.mark.parametrize(
    ("computed", "passes"),
    [(1.0, True), (1.1, True), (0.9, True), (1.11, False), (math.nan, False)],
)
def test_the_tolerance_decides(computed: float, passes: bool) -> None:
    check = Check("one", "m", 1.0, lambda: computed, 0.1, "a test")
    assert Checked("tests", check, check.compute()).passed is passes


def wrong(expected: float) -> tuple[Check, ...]:
    return (
        Check("right", "m", 2.0, lambda: 2.0, 0.1, "a test"),
        Check("wrong", "m", expected, lambda: 2.0, 0.1, "a test"),
    )


def test_a_failed_check_exits_3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic, "CHECKS", wrong(5.0))
    result = CliRunner().invoke(app, ["verify", "tracking"])
    assert result.exit_code == 3
    assert "FAIL" in result.stdout
    assert "2 checks, 1 outside tolerance" in result.stdout
    answer = CliRunner().invoke(app, ["verify", "tracking", "--json"])
    assert answer.exit_code == 3
    found = json.loads(answer.stdout)
    assert found["failed"] == 1
    assert [row["passed"] for row in found["checks"]] == [True, False]
    assert found["checks"][1]["difference"] == -3.0
    monkeypatch.setattr(topic, "CHECKS", wrong(2.05))
    assert CliRunner().invoke(app, ["verify", "tracking"]).exit_code == 0


def test_continuous_integration_stops_at_a_failed_check(tmp_path: Path) -> None:
    """`make verify` passes on a failure, and the script ends at the first."""
    root = Path(__file__).resolve().parents[1]
    script = (root / ".ci" / "run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in script
    assert re.search(r"^make verify$", script, flags=re.MULTILINE)
    program = tmp_path / "bin" / "airpicture"
    program.parent.mkdir()
    installed = tmp_path / ".installed"
    installed.touch()
    for exit_code in (0, 3):
        program.write_text(f"#!/bin/sh\ntest $1 = verify && exit {exit_code}\n")
        program.chmod(0o755)
        found = subprocess.run(
            ["make", "verify", f"VENV={tmp_path}", f"INSTALLED={installed}", "-o", str(installed)],
            cwd=root,
            capture_output=True,
            check=False,
        )
        assert (found.returncode == 0) is (exit_code == 0), found.stderr


def test_an_unknown_topic_is_bad_usage() -> None:
    result = CliRunner().invoke(app, ["verify", "astrology"])
    assert result.exit_code != 0
    assert "tracking" in str(result.exception)


def test_help_lists_the_topics() -> None:
    help_text = CliRunner().invoke(app, ["verify", "--help"], env={"COLUMNS": "400"}).stdout
    assert all(name in help_text for name in topics())
