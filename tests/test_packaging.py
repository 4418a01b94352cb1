"""What travels in the wheel: the packages with their data, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    pytest.importorskip("hatchling", reason="hatchling builds the wheel")
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    )
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_scenarios_and_recorded_flights_travel_as_data(wheel: set[str]) -> None:
    for path in (CHECKOUT / "scenarios").rglob("*.*"):
        assert f"sim/_scenarios/{path.relative_to(CHECKOUT / 'scenarios')}" in wheel


def test_presets_and_type_marks_travel(wheel: set[str]) -> None:
    for name in (
        "sensors/presets/radar.yaml",
        "sensors/tables/oxygen_lines.csv",
        "sensors/tables/water_vapour_lines.csv",
        "sim/world/jammers.yaml",
        "sim/world/target_classes.yaml",
        "sim/scenario/starter.yaml",
        "sim/py.typed",
        "sensors/py.typed",
        "viz/py.typed",
    ):
        assert name in wheel


def test_tests_and_benchmarks_stay_behind(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"sim", "sensors", "viz"}
