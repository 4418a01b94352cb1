"""``airpicture bench``: finds a benchmark, runs it, prints what it measured."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from sim.cli import main


def test_unknown_benchmark_is_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "filter"])
    assert stopped.value.code == 2
    assert "did you mean filters?" in capsys.readouterr().err


@pytest.mark.slow
def test_filters_are_measured_beside_filterpy_and_the_bandwidth() -> None:
    command = "from sim.cli import main; main()"
    arguments = ["bench", "filters", "--", "--rounds", "1", "--tracks", "1000", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments], capture_output=True, text=True, check=True
    )
    result = json.loads(done.stdout)
    assert {row["filter"] for row in result["rows"]} == {"linear", "extended"}
    assert all(row["tracks"] == 1000 for row in result["rows"])
    for row in result["rows"]:
        peer = result["filterpy_updates_per_s"][row["filter"]]
        assert row["times_filterpy"] == pytest.approx(row["updates_per_s"] / peer)
    assert result["triad_gb_per_s"] > 0
