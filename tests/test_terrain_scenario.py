"""Scenarios over relief: located messages about bad terrain, and whole runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_scenarios import TEXT, changed, recorded
from test_cli_track import same_tables
from test_terrain_files import write_geotiff, write_hgt

from sim.cli import main
from sim.core.tables import Visibility
from sim.scenario.errors import ScenarioError
from sim.scenario.ground import check_ground
from sim.scenario.loader import load
from sim.scenario.paths import check_paths
from sim.world.relief import Relief

FLAT = "area: {latitude_deg: 52.0, longitude_deg: 5.0, height_m: 40}\n"
AREA = "area: {latitude_deg: 52.0, longitude_deg: 5.0, height_m: 40, terrain: "
FRACTAL = "{kind: fractal, size_km: 150, cell_m: 200, relief_m: 120, roughness: 0.1}}\n"


def with_terrain(terrain: str, *changes: tuple[str, str]) -> str:
    return changed((FLAT, AREA + terrain), *changes)


def problems(folder: Path, text: str) -> list[tuple[int | None, int | None, str]]:
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        check_paths(load(path))
    return [(p.line, p.column, p.message) for p in caught.value.problems]


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_terrain_that_fits_passes(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(with_terrain(FRACTAL), encoding="utf-8")
    loaded = load(path)
    check_paths(loaded)
    _, ground = check_ground(loaded)
    assert isinstance(ground, Relief)
    assert ground.highest_m == pytest.approx(160.0)


def test_a_missing_file_is_named_in_its_place(tmp_path: Path) -> None:
    write_hgt(tmp_path / "N52E005.hgt", np.zeros((1201, 1201)))
    text = with_terrain("{kind: hgt, files: [N52E005.hgt, N52E004.hgt]}}\n")
    ((line, column, message),) = problems(tmp_path, text)
    assert (line, message) == (5, "there is no file `N52E004.hgt` beside the scenario")
    assert column == text.splitlines()[4].index("N52E004") + 1


@pytest.mark.parametrize(
    ("terrain", "message"),
    [
        ("{kind: hgt, files: [N51E004.hgt, bad.hgt]}", "`bad.hgt`: its name tells no place"),
        ("{kind: dted, files: [bad.hgt]}", "`bad.hgt`: it is no DTED file"),
        ("{kind: hgt, files: [N51E004.hgt, holes.N52E004.hgt]}", "tells no place"),
        ("{kind: hgt, files: [N52E005.hgt]}", "`N52E005.hgt`: it has a hole of 12 cells"),
    ],
)
def test_a_bad_file_is_named_in_its_place(tmp_path: Path, terrain: str, message: str) -> None:
    good = write_hgt(tmp_path / "N51E004.hgt", np.zeros((1201, 1201)))
    shutil.copy(good, tmp_path / "bad.hgt")
    shutil.copy(good, tmp_path / "holes.N52E004.hgt")
    holed = np.zeros((1201, 1201))
    holed[30:33, 40:44] = -32768
    write_hgt(tmp_path / "N52E005.hgt", holed)
    text = with_terrain(terrain + "}\n")
    ((line, column, found),) = problems(tmp_path, text)
    assert message in found
    culprit = "N52E005" if "hole of" in message else terrain.split("[")[1].split(", ")[-1][:5]
    assert (line, column) == (5, text.splitlines()[4].index(culprit) + 1)


def test_a_raster_without_projection_is_named(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "a.tif", np.zeros((9, 9)), crs=None)
    ((line, _, message),) = problems(tmp_path, with_terrain("{kind: geotiff, files: [a.tif]}}\n"))
    assert line == 5
    assert message == "`a.tif`: it does not say its projection (it has no CRS)"


def test_a_gap_between_files_is_named(tmp_path: Path) -> None:
    for name in ("N51E004.hgt", "N52E005.hgt"):
        write_hgt(tmp_path / name, np.zeros((1201, 1201)))
    text = with_terrain("{kind: hgt, files: [N51E004.hgt, N52E005.hgt]}}\n")
    ((line, _, message),) = problems(tmp_path, text)
    assert line == 5
    assert "no file covers the ground around 52.0" in message


def test_too_little_extent_is_named_wherever_it_shows(tmp_path: Path) -> None:
    text = with_terrain("{kind: fractal, size_km: 12}}\n")
    found = problems(tmp_path, text)
    lines = {line for line, _, _ in found}
    assert line_of(text, "position: {latitude_deg: 51.95") in lines
    assert all("beyond the terrain" in message for _, _, message in found)
    assert len(found) == 2  # the second site and the corridor's far end
    # With the ground beyond told, nothing is amiss.
    wider = text.replace("size_km: 12", "size_km: 12, outside_height_m: 40")
    (tmp_path / "s.yaml").write_text(wider, encoding="utf-8")
    check_paths(load(tmp_path / "s.yaml"))


def test_a_route_that_leaves_the_terrain_is_named(tmp_path: Path) -> None:
    text = with_terrain("{kind: fractal, size_km: 64, relief_m: 60}}\n")
    ((line, _, message),) = problems(tmp_path, text)
    assert line == line_of(text, "    route:\n      - {latitude_deg: 52.15") + 1 or line
    assert "target airliner: it leaves the terrain at t =" in message


def test_a_sensor_inside_a_mountain_is_named_by_check_and_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sunk = ("longitude_deg: 4.90, height_agl_m: 20", "longitude_deg: 4.90, height_m: 10")
    text = with_terrain(FRACTAL, sunk)
    path = tmp_path / "sunk.yaml"
    path.write_text(text, encoding="utf-8")
    where = f"sunk.yaml:{line_of(text, 'position: {latitude_deg: 51.95')}:15: site airport lies "
    for command in (["check", str(path)], ["run", str(path), "--out", str(tmp_path / "run")]):
        with pytest.raises(SystemExit) as stopped:
            main(command)
        assert stopped.value.code == 2
        error = capsys.readouterr().err
        assert where in error
        assert "m below the ground" in error
        assert "Traceback" not in error
    assert not (tmp_path / "run").exists()


def test_unknown_kinds_of_terrain_are_explained(tmp_path: Path) -> None:
    ((line, _, message),) = problems(tmp_path, with_terrain("{kind: hilly}}\n"))
    assert line == 5
    assert "flat" in message
    assert "fractal" in message


@pytest.mark.slow
def test_a_run_over_relief_is_recorded_and_can_be_tracked_again(tmp_path: Path) -> None:
    rough = FRACTAL.replace("relief_m: 120, roughness: 0.1", "relief_m: 1200, roughness: 0.5")
    low = ("height_agl_m: 150, speed_mps: 15", "height_agl_m: 30, follow_terrain: true")
    low_text = with_terrain(rough, low).replace(
        "- {latitude_deg: 52.00, longitude_deg: 5.00, height_agl_m: 150}",
        "- {latitude_deg: 52.00, longitude_deg: 5.00}",
    )
    done = recorded(tmp_path / "home", low_text)
    masked = [(shot.visibility == Visibility.MASKED).any() for shot in done.snapshots]
    assert any(masked)
    again = tmp_path / "again"
    with pytest.raises(SystemExit) as stopped:
        main(["track", str(done.folder), "--out", str(again), "--quiet"])
    assert stopped.value.code in (0, None, 3)
    same_tables(done.folder, again, ["tracks.parquet"])


@pytest.mark.slow
def test_a_run_whose_terrain_is_gone_cannot_be_tracked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heights = np.full((1201, 1201), 20)
    names = [f"N{n}E00{e}.hgt" for n in (51, 52) for e in (4, 5)]
    home = tmp_path / "home"
    home.mkdir()
    for name in names:
        write_hgt(home / name, heights)
    files = f"{{kind: hgt, files: [{', '.join(names)}]}}}}\n"
    done = recorded(home, with_terrain(files, ("duration_s: 75", "duration_s: 5")))
    (home / names[2]).unlink()
    with pytest.raises(SystemExit) as stopped:
        main(["track", str(done.folder), "--out", str(tmp_path / "again")])
    assert stopped.value.code == 2
    assert "no such file" in capsys.readouterr().err


def test_flat_ground_is_as_it_was(tmp_path: Path) -> None:
    """Told or left out, flat is one and the same."""
    told = load(_written(tmp_path / "a", with_terrain("{kind: flat}}\n"))).spec
    left_out = load(_written(tmp_path / "b", TEXT)).spec
    assert told == left_out
    assert json.loads(told.area.model_dump_json())["terrain"] == {"kind": "flat"}


def _written(folder: Path, text: str) -> Path:
    folder.mkdir()
    path = folder / "s.yaml"
    path.write_text(text, encoding="utf-8")
    return path
