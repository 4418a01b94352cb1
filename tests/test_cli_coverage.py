"""``airpicture coverage`` and ``airpicture place``: what they write, print and refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from coverage_scenarios import TEXT

from sim.cli import main
from sim.coverage.store import load_volume

SITES = TEXT[TEXT.index("  - id: hill") : TEXT.index("  - id: east")]
POINT = (
    TEXT[: TEXT.index("  - id: west")]
    + SITES
    + """\
protect:
  - id: base
    kind: point
    position: {latitude_deg: 53.03, longitude_deg: 22.08}
    radius_km: 1
    ceiling_m: 500
coverage:
  side_km: 8
  cell_m: 1000
  heights_agl_m: [50, 300]
  classes: [mini-drone, one-way-attack-drone]
  conditions: [{id: dry}, {id: silent, silent: true}]
  candidates:
    - id: finder-north
      position: {latitude_deg: 53.04, longitude_deg: 22.08, height_agl_m: 15}
      sensors: [{kind: rf-direction-finder, preset: drone-link-finder, id: finder-north}]
    - id: deaf
      cost_keur: [1, 2]
      position: {latitude_deg: 53.12, longitude_deg: 22.25, height_agl_m: 2}
      sensors: [{kind: acoustic, preset: acoustic-node, id: deaf}]
"""
)


class Ran:
    """Exit code and output of a command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Command = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Command:
    def run_it(*arguments: object) -> Ran:
        with pytest.raises(SystemExit) as stopped:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ran(int(stopped.value.code or 0), out, err)

    return run_it


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "point.yaml"
    path.write_text(POINT, encoding="utf-8")
    return path


def test_coverage_writes_a_whole_folder(run: Command, scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    ran = run("coverage", scenario, "--out", out)
    assert ran.code == 0
    names = {path.name for path in out.iterdir()}
    assert names == {
        "coverage.html", "coverage.geojson", "coverage.kml",
        *(f"{condition}.npz" for condition in ("dry", "silent")),
        *(f"{condition}-warning.png" for condition in ("dry", "silent")),
        *(
            f"{condition}-{name}-{which}.png"
            for condition in ("dry", "silent")
            for name in ("mini-drone", "one-way-attack-drone")
            for which in ("50m", "300m", "lowest")
        ),
    }  # fmt: skip
    for wanted in ("condition dry", "share of cells covered", "time to base (1 km), silent"):
        assert wanted in ran.out
    assert f"the page is {out / 'coverage.html'}" in ran.out
    assert not list(tmp_path.glob("*.unfinished"))
    page = (out / "coverage.html").read_text("utf-8")
    HTMLParser().feed(page)
    for wanted in ("Condition dry", "Condition silent", "Warning before base, dry", "generic"):
        assert wanted in page
    assert "http" not in page
    features = json.loads((out / "coverage.geojson").read_text("utf-8"))["features"]
    assert len(features) == 2 * 2 * 2 * 2  # conditions, classes, heights, levels


def test_coverage_as_json_keeps_its_shape(run: Command, scenario: Path, tmp_path: Path) -> None:
    out = tmp_path / "found"
    told = run(
        "coverage", scenario, "--out", out, "--json", "--height", 300, "--height", 100,
        "--class", "drone", "--condition", "dry", "--cell", 2000,
    ).data  # fmt: skip
    assert set(told) == {"folder", "covered", "approaches", "lines"}
    assert told["folder"] == str(out)
    assert [(one["height_agl_m"], one["target_class"]) for one in told["covered"]] == [
        (100.0, "drone"),
        (300.0, "drone"),
    ]
    assert all(set(one) == {"condition", "target_class", "height_agl_m", "share"}
               for one in told["covered"])  # fmt: skip
    (flown,) = told["approaches"]
    assert set(flown) == {"point", "condition", "radius_m", "from_m", "azimuth_deg", "cases"}
    assert len(flown["azimuth_deg"]) == 36
    for case in flown["cases"]:
        assert set(case) == {"height_agl_m", "class", "speed_mps", "tracked", "left_s"}
        assert set(case["left_s"]) == {"0.5", "0.9"}
        for tracked, left_s in zip(case["tracked"], case["left_s"]["0.9"], strict=True):
            assert (left_s is None) == (tracked < 0.9)
    assert told["lines"] == []
    arrays, meta = load_volume(out / "dry.npz")
    assert arrays["tracked"].shape == (2, 1, 5, 5)
    assert meta["attrs"]["cell_m"] == 2000.0
    share = float((arrays["tracked"][0, 0] >= 0.9).mean())
    assert told["covered"][0]["share"] == pytest.approx(share)


def test_a_line_as_json_keeps_its_shape(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "line.yaml"
    path.write_text(TEXT, encoding="utf-8")
    told = run(
        "coverage", path, "--out", tmp_path / "found", "--json", "--height", 300,
        "--class", "mini-drone", "--cell", 1000,
    ).data  # fmt: skip
    (line,) = told["lines"]
    assert set(line) == {
        "line", "condition", "length_km", "cost_keur", "breach_m", "cases", "weak_places",
    }  # fmt: skip
    (case,) = line["cases"]
    assert set(case) == {
        "height_agl_m", "class", "covered_km", "longest_gap_km", "weakest_way", "barrier",
        "tracked_by_km",
    }  # fmt: skip
    assert told["approaches"] == []


def test_rasters_on_demand(run: Command, scenario: Path, tmp_path: Path) -> None:
    rasterio = pytest.importorskip("rasterio")
    out = tmp_path / "found"
    assert run("coverage", scenario, "--out", out, "--geotiff", "--condition", "dry").code == 0
    with rasterio.open(out / "dry.tif") as file:
        assert file.count == 2 * 2 + 2
        assert file.descriptions[0] == "mini-drone 50 m tracked"


@pytest.mark.parametrize("command", ["coverage", "place"])
@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--height", "0"], ["--height", "found"]),
        (["--height", "-5"], ["--height"]),
        (["--class", "mini-dron"], ["--class", "mini-dron"]),
        (["--cell", "1"], ["--cell", "10"]),
        (["--condition", "dri"], ["--condition", "dry, silent", "did you mean dry?"]),
        (["--time", "1e6"], ["--time", "0 to 600"]),
        (["--cell", "ten"], ["--cell"]),
    ],
)
def test_a_bad_option_is_named(
    run: Command, scenario: Path, tmp_path: Path, command: str, options: list[str],
    wanted: list[str],
) -> None:  # fmt: skip
    more = ["--budget", "100"] if command == "place" else []
    ran = run(command, scenario, "--out", tmp_path / "found", *more, *options)
    assert ran.code == 2
    for words in wanted:
        assert words in ran.err
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize("command", ["coverage", "place"])
def test_a_mistake_in_the_file_is_located(run: Command, tmp_path: Path, command: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(POINT.replace("silent: true", "silnt: true"), encoding="utf-8")
    more = ["--budget", "100"] if command == "place" else []
    ran = run(command, path, *more)
    line = POINT[: POINT.index("silent: true")].count("\n") + 1
    assert ran.code == 2
    assert f"wrong.yaml:{line}:" in ran.err
    assert "silent" in ran.err


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ([], "give --budget, --most or both"),
        (["--budget", "0"], "--budget: expected a sum above 0"),
        (["--budget", "nan"], "--budget: expected a sum above 0"),
        (["--budget", "1"], "below the cheapest"),
        (["--most", "0"], "--most"),
        (["--budget", "9", "--objective", "cheap"], "--objective"),
    ],
)
def test_a_bad_limit_is_named(
    run: Command, scenario: Path, tmp_path: Path, options: list[str], wanted: str
) -> None:
    ran = run("place", scenario, "--out", tmp_path / "found", *options)
    assert ran.code == 2
    assert wanted in ran.err
    assert {path.name for path in tmp_path.iterdir()} == {"point.yaml"}


def test_nothing_is_overwritten(run: Command, scenario: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    for command in (["coverage"], ["place", "--budget", 500]):
        ran = run(command[0], scenario, "--out", taken, *command[1:])
        assert ran.code == 2
        assert "exists already" in ran.err
    assert not list(taken.iterdir())


def test_a_failure_leaves_nothing_half_written(
    run: Command, scenario: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last file cannot be written: the folder is not there at all."""
    import sim.coverage.output

    def fail(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sim.coverage.output, "write_kml", fail)
    ran = run("coverage", scenario, "--out", tmp_path / "found", "--cell", 2000)
    assert ran.code == 2
    assert "No space left on device" in ran.err
    assert {path.name for path in tmp_path.iterdir()} == {"point.yaml"}


def test_a_square_smaller_than_what_is_protected(run: Command, tmp_path: Path) -> None:
    path = tmp_path / "narrow.yaml"
    path.write_text(POINT.replace("radius_km: 1\n", "radius_km: 5\n"), encoding="utf-8")
    ran = run("coverage", path, "--out", tmp_path / "found")
    assert ran.code == 2
    assert "side_km" in ran.err
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize("objective", ["cover", "weakest"])
def test_place_buys_what_helps_alone(
    run: Command, scenario: Path, tmp_path: Path, objective: str
) -> None:
    """The second finder makes pairs with the first; what hears nothing is not bought."""
    out = tmp_path / "found"
    told = run(
        "place", scenario, "--budget", 1000, "--out", out, "--json", "--effort", 20,
        "--objective", objective,
    ).data  # fmt: skip
    assert set(told) == {
        "folder", "condition", "objective", "chosen", "cost_keur", "worth", "before", "promised",
        "one_by_one", "each_anew",
    }  # fmt: skip
    worth = {"covered", "exposure", "tracked", "height_agl_m", "target_class", "seen"}
    assert set(told["worth"]) == set(told["before"]) == worth
    assert "deaf" not in told["chosen"]
    for curve in ("one_by_one", "each_anew"):
        for step in told[curve]:
            assert set(step) == {"chosen", "cost_keur", "worth"}
            assert "deaf" not in step["chosen"]
    if objective == "cover":
        assert told["chosen"] == ["finder-north"]
        assert told["worth"]["covered"] > told["before"]["covered"]
    assert {path.name for path in out.iterdir()} >= {"placement.html"}


def test_place_in_words_under_another_condition(
    run: Command, scenario: Path, tmp_path: Path
) -> None:
    """Under radio silence a finder is worth nothing."""
    out = tmp_path / "found"
    ran = run("place", scenario, "--most", 2, "--condition", "silent", "--out", out)
    assert ran.code == 0
    assert ran.out.startswith("Build nothing")
    loud = run("place", scenario, "--most", 2, "--out", tmp_path / "loud")
    assert loud.out.startswith("Build finder-north: ")
    assert "condition dry" in loud.out
    assert "%" in loud.out
    page = (tmp_path / "loud" / "placement.html").read_text("utf-8")
    assert "Build finder-north" in page
    assert page.count("<img") == 4
    assert "http" not in page
