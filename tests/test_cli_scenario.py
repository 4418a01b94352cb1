"""The commands about scenario files, and how the command line behaves in general."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import sim.scenario.loader
from sim.cli import COMMANDS, main
from sim.scenario.library import bundled, starter_text
from sim.scenario.schema import schema_text

PROGRAM = [sys.executable, "-c", "from sim.cli import main; main()"]


class Ran:
    """Exit code and output of a command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_it(*arguments: str | Path) -> Ran:
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(int(stopped.value.code or 0), out, err)

    return run_it


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.yaml"
    path.write_text(starter_text("good"))
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.yaml"
    path.write_text(starter_text("bad").replace("seed: 1", "sed: 1"))
    return path


def test_check_says_what_is_in_a_good_file(run: Run, good: Path) -> None:
    ran = run("check", good)
    assert (ran.code, ran.out) == (0, f"{good}: ok: 1 sensor, 3 targets, 300 s\n")
    assert ran.err == ""


def test_check_accepts_bundled_names(run: Run) -> None:
    for name, _, _ in bundled():
        assert run("check", name).code == 0


def test_check_goes_through_all_files(run: Run, good: Path, bad: Path, tmp_path: Path) -> None:
    ran = run("check", bad, good, tmp_path / "none.yaml")
    assert ran.code == 2
    assert ran.out == f"{good}: ok: 1 sensor, 3 targets, 300 s\n"
    assert ran.err.startswith(f"{bad}:")
    assert "did you mean `seed`?" in ran.err
    assert f"{tmp_path / 'none.yaml'}: no such file or bundled scenario" in ran.err


def test_check_prints_one_json_object(run: Run, good: Path, bad: Path) -> None:
    ran = run("check", "--json", good, bad)
    assert (ran.code, ran.err) == (2, "")
    line = bad.read_text().split("\n").index("sed: 1") + 1
    problem = {
        "file": str(bad),
        "line": line,
        "column": 1,
        "message": "unknown key `sed`",
        "hint": "did you mean `seed`?",
    }
    assert json.loads(ran.out) == {
        "ok": False,
        "files": [
            {"file": str(good), "ok": True, "problems": []},
            {"file": str(bad), "ok": False, "problems": [problem]},
        ],
    }
    assert json.loads(run("check", "--json", good).out)["ok"] is True


def test_check_lets_files_lie_outside_if_told(run: Run, good: Path, tmp_path: Path) -> None:
    (tmp_path / "flight.csv").write_text(
        "time,icao24,lat,lon,baroaltitude\n0,abc,50.0,5.0,1000\n5,abc,50.005,5.0,1000\n"
    )
    folder = tmp_path / "inner"
    folder.mkdir()
    recorded = (
        "  - {id: r, class: drone, recorded: {file: ../flight.csv}}\n\n# What has to be watched."
    )
    text = good.read_text()
    assert text.count("\n# What has to be watched.") == 1
    path = folder / "s.yaml"
    path.write_text(text.replace("\n# What has to be watched.", recorded))
    assert run("check", path).code == 2
    assert run("check", path, "--allow-outside").code == 0


def test_schema_goes_to_stdout_or_a_file(run: Run, tmp_path: Path) -> None:
    assert run("schema").out == schema_text()
    out = tmp_path / "s.json"
    ran = run("schema", "--out", out)
    assert (ran.code, ran.out, out.read_text()) == (0, "", schema_text())
    ran = run("schema", "--out", tmp_path / "none" / "s.json")
    assert (ran.code, ran.out) == (2, "")
    assert "does not exist" in ran.err


def test_scenarios_are_listed(run: Run) -> None:
    lines = run("scenarios").out.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [[n, title] for n, title, _ in bundled()]
    entries = json.loads(run("scenarios", "--json").out)["scenarios"]
    assert [(e["name"], e["title"], Path(e["path"])) for e in entries] == bundled()


def test_new_writes_a_scenario_that_passes(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "patrol.yaml"
    assert run("new", path).code == 0
    assert path.read_text() == starter_text("patrol")
    assert run("check", path).code == 0


def test_new_overwrites_only_by_force(run: Run, good: Path) -> None:
    good.write_text("mine")
    ran = run("new", good)
    assert (ran.code, good.read_text()) == (2, "mine")
    assert "exists already" in ran.err
    assert "--force" in ran.err
    assert run("new", "--force", good).code == 0
    assert good.read_text() == starter_text("good")


def test_new_creates_no_folders(run: Run, tmp_path: Path) -> None:
    ran = run("new", tmp_path / "none" / "patrol.yaml")
    assert ran.code == 2
    assert f"the folder {tmp_path / 'none'} does not exist" in ran.err
    assert not (tmp_path / "none").exists()
    ran = run("new", "--force", tmp_path)
    assert ran.code == 2
    assert "cannot be written" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [["chek"], ["check"], ["check", "--jsn", "x"], ["new"], ["schema", "extra"], ["--nothing"], []],
)
def test_bad_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.code == 2
    assert "Usage: airpicture" in ran.err + ran.out
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_leads_with_an_example(run: Run, command: str) -> None:
    ran = run(command, "--help")
    assert ran.code == 0
    assert f"  Example: airpicture {command}" in ran.out.splitlines()[2]
    assert COMMANDS[command][1] in run("--help").out


def test_the_version_is_shown(run: Run) -> None:
    ran = run("--version")
    assert ran.code == 0
    assert ran.out.startswith("airpicture 0.")


def test_an_interrupt_exits_with_130(run: Run, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sim.scenario.loader, "load", interrupt)
    assert run("check", good).code == 130


def test_a_reader_that_leaves_causes_no_complaint() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*PROGRAM, "schema"], stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60
    )
    os.close(writer)
    assert done.stderr == b""
    assert done.returncode == 1


def test_output_survives_a_narrow_encoding(tmp_path: Path) -> None:
    path = tmp_path / "雪.yaml"
    path.write_text(starter_text("starter"))
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    done = subprocess.run(
        [*PROGRAM, "check", str(path)], capture_output=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert b"\\u96ea.yaml: ok" in done.stdout


def loaded_modules(*arguments: str) -> set[str]:
    program = (
        "import sys\nfrom sim.cli import main\n"
        "try: main()\nexcept SystemExit as stop: assert not stop.code\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stderr.split()}


def test_check_and_help_load_nothing_heavy(good: Path) -> None:
    heavy = {"numba", "llvmlite", "pygame", "pyarrow", "scipy", "filterpy", "pandas", "rich"}
    assert not loaded_modules("check", str(good)) & heavy
    assert not loaded_modules("--help") & (heavy | {"numpy", "pydantic", "yaml"})
