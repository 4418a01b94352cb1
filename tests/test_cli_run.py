"""The command ``run``: what it writes, prints and answers."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numba
import numpy as np
import pytest
from small_scenarios import changed

import sim.engine.recorder
import sim.engine.session
from sim.cli import main
from sim.record.recording import Recording
from sim.scenario.loader import load

SHORT = ("duration_s: 75", "duration_s: 20")
MISSED = ("siap.completeness, min: 0.1", "siap.completeness, min: 1.0")
FILES = [
    "events.parquet",
    "manifest.json",
    "metrics.json",
    "plots.parquet",
    "scenario.resolved.yaml",
    "tracks.parquet",
    "truth.parquet",
]


class Ran:
    """Exit code and output of a command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run_it(*arguments: str | Path) -> Ran:
        with pytest.raises(SystemExit) as stopped:
            main(["run", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ran(int(stopped.value.code or 0), out, err)

    return run_it


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(changed(SHORT))
    return path


@pytest.fixture
def missed(tmp_path: Path) -> Path:
    path = tmp_path / "missed.yaml"
    path.write_text(changed(SHORT, MISSED))
    return path


def test_a_run_folder_holds_everything(run: Run, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run(small, "--quiet", "--out", out).code == 0
    assert sorted(path.name for path in out.iterdir()) == FILES
    manifest = json.loads((out / "manifest.json").read_text())
    resolved = (out / "scenario.resolved.yaml").read_bytes()
    assert manifest["airpicture"] == metadata.version("airpicture")
    assert manifest["seed"] == 7
    assert manifest["scenario_sha256"] == hashlib.sha256(resolved).hexdigest()
    assert manifest["state"] == "complete"
    assert manifest["recorded_until_s"] == 20.0
    assert manifest["interval_s"] == 1.0
    assert manifest["libraries"]["numpy"] == np.__version__
    assert manifest["libraries"]["numba"] == numba.__version__
    assert manifest["python"].split(".")[:2] == [str(part) for part in sys.version_info[:2]]
    assert manifest["started"].endswith("+00:00")
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert manifest["commit"] == (head.stdout.strip() or None)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["steps"] == 20
    assert [thing["id"] for thing in metrics["protect"]] == ["approach", "base"]


def test_the_resolved_scenario_is_the_scenario(run: Run, small: Path, tmp_path: Path) -> None:
    assert run(small, "--quiet", "--out", tmp_path / "run").code == 0
    resolved = tmp_path / "run" / "scenario.resolved.yaml"
    assert load(resolved).spec == load(small).spec
    assert run(resolved, "--quiet", "--out", tmp_path / "again").code == 0
    for name in FILES:
        if name != "manifest.json":
            again = (tmp_path / "again" / name).read_bytes()
            assert again == (tmp_path / "run" / name).read_bytes(), name


def test_by_default_runs_lie_by_name_time_and_seed(
    run: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert run(small, "--quiet").code == 0
    folders = sorted((tmp_path / "runs" / "small").iterdir())
    assert len(folders) == 2
    for folder in folders:
        stamp, seed, *_ = folder.name.split("-")
        assert len(stamp) == len("20250601T120000Z")
        assert seed == "7"
        assert Recording.open(folder).state == "complete"


def test_out_may_lie_in_folders_that_are_not_there(run: Run, small: Path, tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "c"
    assert run(small, "--quiet", "--out", out).code == 0
    assert (out / "metrics.json").exists()


def test_quiet_prints_nothing(run: Run, small: Path, missed: Path, tmp_path: Path) -> None:
    ran = run(small, "--quiet", "--out", tmp_path / "a")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    ran = run(missed, "--quiet", "--out", tmp_path / "b")
    assert (ran.code, ran.out, ran.err) == (3, "", "")


@pytest.mark.parametrize("also", [[], ["--quiet"]])
def test_json_is_one_object(also: list[str], run: Run, small: Path, tmp_path: Path) -> None:
    ran = run(small, "--json", "--out", tmp_path / "run", *also)
    assert ran.code == 0
    answer = json.loads(ran.out)
    assert list(answer) == [
        "folder",
        "complete",
        "simulated_s",
        "wall_s",
        "compiled_s",
        "rejected_plots",
        "dropped_rows",
        "criteria",
        "metrics",
    ]
    assert answer["folder"] == str(tmp_path / "run")
    assert (answer["complete"], answer["simulated_s"], answer["rejected_plots"]) == (True, 20.0, 0)
    assert answer["wall_s"] > 0
    assert answer["metrics"] == json.loads((tmp_path / "run" / "metrics.json").read_text())
    value = answer["metrics"]["siap"]["completeness"]
    assert answer["criteria"] == [
        {"metric": "siap.completeness", "value": value, "min": 0.1, "max": None, "met": True}
    ]


def test_the_summary_says_how_it_went(run: Run, small: Path, missed: Path, tmp_path: Path) -> None:
    ran = run(small, "--out", tmp_path / "run")
    assert ran.code == 0
    for words in ("siap.completeness", "pair/1", "approach-radar", str(tmp_path / "run")):
        assert words in ran.out
    ran = run(missed, "--out", tmp_path / "other")
    assert ran.code == 3
    assert "missed" in ran.out


def test_a_missed_criterion_exits_with_3(run: Run, missed: Path, tmp_path: Path) -> None:
    ran = run(missed, "--json", "--out", tmp_path / "run")
    assert ran.code == 3
    assert json.loads(ran.out)["criteria"][0]["met"] is False
    assert Recording.open(tmp_path / "run").state == "complete"


def test_one_missed_criterion_of_several_is_enough(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    further = "  - {metric: siap.ambiguity, max: 0.5}\n  - {metric: siap.no-such, min: 0}\n"
    path.write_text(changed(SHORT) + further)
    ran = run(path, "--json", "--out", tmp_path / "run")
    assert ran.code == 3
    criteria = json.loads(ran.out)["criteria"]
    assert [criterion["met"] for criterion in criteria] == [True, False, False]
    assert criteria[2]["value"] is None


def test_seed_and_duration_take_effect(run: Run, small: Path, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("own", "other", "same")]
    assert run(small, "--quiet", "--duration", "9", "--out", folders[0]).code == 0
    for folder, seed in zip(folders[1:], ("8", "7"), strict=True):
        arguments = ("--duration", "9", "--seed", seed)
        assert run(small, "--quiet", *arguments, "--out", folder).code == 0
    for folder in folders:
        recording = Recording.open(folder)
        assert recording.times_s.tolist() == [k + 1.0 for k in range(9)]
        assert 8.0 < recording.plots.time_s.max() <= 9.0
    own, other, same = ((folder / "plots.parquet").read_bytes() for folder in folders)
    assert own == same != other
    spec = load(folders[1] / "scenario.resolved.yaml").spec
    assert (spec.seed, spec.time.duration_s) == (8, 9.0)
    manifest = json.loads((folders[1] / "manifest.json").read_text())
    assert manifest["seed"] == 8
    assert manifest["setting"]["duration_s"] == 9.0


def refused(ran: Ran, *words: str) -> None:
    assert ran.code == 2
    assert ran.out == ""
    for word in words:
        assert word in ran.err


def test_a_missing_scenario_is_refused(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    refused(run(tmp_path / "none.yaml", "--out", out), "none.yaml: no such file")
    refused(run("f35-arival-florennes", "--out", out), "f35-arrival-florennes")
    assert not out.exists()


def test_an_existing_folder_is_not_touched(run: Run, small: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    refused(run(small, "--out", taken), f"{taken}: exists already")
    assert list(taken.iterdir()) == []
    file = tmp_path / "file"
    file.write_text("mine")
    refused(run(small, "--out", file), "exists already")
    refused(run(small, "--out", file / "run"), "cannot be written")
    assert file.read_text() == "mine"


@pytest.mark.parametrize("duration", ["0", "-5", "nan", "inf", "soon"])
def test_a_bad_duration_is_refused(duration: str, run: Run, small: Path, tmp_path: Path) -> None:
    refused(run(small, "--duration", duration, "--out", tmp_path / "run"), "--duration")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("seed", ["-1", "1.5", "9223372036854775808", "any"])
def test_a_bad_seed_is_refused(seed: str, run: Run, small: Path, tmp_path: Path) -> None:
    refused(run(small, "--seed", seed, "--out", tmp_path / "run"), "--seed")
    assert not (tmp_path / "run").exists()


def test_the_largest_seed_is_taken(run: Run, small: Path, tmp_path: Path) -> None:
    arguments = ("--seed", str(2**63 - 1), "--duration", "2", "--quiet")
    assert run(small, *arguments, "--out", tmp_path / "run").code in (0, 3)
    assert load(tmp_path / "run" / "scenario.resolved.yaml").spec.seed == 2**63 - 1


def test_a_mistake_in_the_scenario_is_shown_in_its_place(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(changed(("seed: 7", "sed: 7")))
    line = 1 + path.read_text().split("\n").index("sed: 7")
    ran = run(path, "--out", tmp_path / "run")
    refused(ran, f"{path}:{line}:1: unknown key `sed`", "did you mean `seed`?")


def test_a_route_that_cannot_be_flown_names_its_target(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "steep.yaml"
    end = "{latitude_deg: 51.918, longitude_deg: 5.10, height_m: 1500}"
    path.write_text(changed((end, end.replace("1500", "9000"))))
    refused(run(path, "--out", tmp_path / "run"), "steep.yaml", "leaver")
    assert not (tmp_path / "run").exists()


def test_a_recording_that_cannot_be_read_names_its_target(run: Run, tmp_path: Path) -> None:
    (tmp_path / "flight.csv").write_text("time,lat\n1,2\n")
    path = tmp_path / "recorded.yaml"
    recorded = "  - {id: past, class: airliner, recorded: {file: flight.csv}}\nprotect:\n"
    path.write_text(changed(("protect:\n", recorded)))
    refused(run(path, "--out", tmp_path / "run"), "past", "flight.csv")


def test_a_folder_that_cannot_be_written_is_said(
    run: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sim.engine.recorder, "write_json", full)
    refused(run(small, "--out", tmp_path / "run"), "cannot be written", "No space left on device")


def test_progress_goes_to_standard_error(
    run: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    ran = run(small, "--json", "--out", tmp_path / "run")
    assert json.loads(ran.out)["complete"] is True
    assert "× real time" in ran.err
    assert "t = " in ran.err


def test_an_interrupt_exits_with_130(
    run: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = sim.engine.session.record_run

    def interrupted(world: object, folder: Path, _: object) -> object:
        def note(snapshot: object) -> None:
            if snapshot.time_s == 6.0:  # type: ignore[attr-defined]
                raise KeyboardInterrupt

        return started(world, folder, note)  # type: ignore[arg-type]

    monkeypatch.setattr(sim.engine.session, "record_run", interrupted)
    ran = run(small, "--json", "--out", tmp_path / "run")
    assert ran.code == 130
    assert json.loads(ran.out)["complete"] is False
    assert Recording.open(tmp_path / "run").state == "stopped"


def test_a_run_that_compiles_says_so(small: Path, tmp_path: Path) -> None:
    """One small kernel stands for all: building is cut short after it."""
    program = (
        "from sim.engine import build\n"
        "import numba\n"
        "build.build = lambda _: exit(6 + numba.njit(lambda x: x)(1))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program + "from sim.cli import main; main()", "run", small],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "empty")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 7
    assert done.stderr.count("compiling the kernels") == 1
    assert done.stdout == ""


def test_brackets_in_a_title_are_printed_as_they_stand(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "brackets.yaml"
    text = changed(SHORT)
    (line,) = [line for line in text.splitlines() if line.startswith("name:")]
    path.write_text(text.replace(line, f"{line}\ntitle: 'Way [/in] now'"))
    ran = run(path, "--out", tmp_path / "run")
    assert ran.code == 0, ran.err
    assert "Way [/in] now" in ran.out
