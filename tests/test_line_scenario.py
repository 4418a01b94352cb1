"""Lines in a scenario: checked in their place, many sites from one entry, run and judged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coverage_scenarios import TEXT, small_line

from sim.cli import main
from sim.record.setting import Setting
from sim.scenario.along import standing_sites
from sim.scenario.errors import ScenarioError
from sim.scenario.ground import check_ground
from sim.scenario.loader import LoadedScenario
from sim.world.course import course_of

WEST = "position: {latitude_deg: 53.02, longitude_deg: 22.03, height_agl_m: 4}"
ALONG = (
    "along: {line: border, every_km: 2, from_km: 1, inside_km: 3, jitter_km: 0.4, height_agl_m: 4}"
)
MANY = TEXT.replace(WEST, ALONG)
PATH = TEXT[TEXT.index("      - {latitude_deg: 53.0, long") : TEXT.index("    threat_from")]
DRONES = """\
targets:
  - id: seen
    class: one-way-attack-drone
    affiliation: hostile
    route:
      - {latitude_deg: 52.99, longitude_deg: 22.10, height_agl_m: 150, speed_mps: 50}
      - {latitude_deg: 53.12, longitude_deg: 22.10, height_agl_m: 150}
  - id: too-high-for-ears
    class: mini-drone
    affiliation: hostile
    radio: silent
    route:
      - {latitude_deg: 52.99, longitude_deg: 22.19, height_agl_m: 400, speed_mps: 20}
      - {latitude_deg: 53.10, longitude_deg: 22.19, height_agl_m: 400}
criteria:
  - {metric: protect.border.crossings_tracked, min: 0.4}
  - {metric: protect.border.warning_min_s, min: 30}
"""


def problem(folder: Path, text: str) -> tuple[int, int, str]:
    """Return line, column and message of the only thing that is wrong."""
    with pytest.raises(ScenarioError) as raised:
        check_ground(small_line(folder, text))
    (one,) = raised.value.problems
    assert one.line is not None
    assert one.column is not None
    return one.line, one.column, one.message


def place_of(text: str, part: str) -> tuple[int, int]:
    before = text[: text.index(part)]
    return before.count("\n") + 1, len(before) - before.rfind("\n")


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "      - {latitude_deg: 53.0, longitude_deg: 22.0}\n"
            "      - {latitude_deg: 53.0, longitude_deg: 22.01}\n",
            "the line is 671 m long, shorter than two cells of 500 m",
        ),
        (
            "      - {latitude_deg: 53.0, longitude_deg: 22.0}\n"
            "      - {latitude_deg: 53.0, longitude_deg: 22.0}\n",
            "the line is 0 m long",
        ),
    ],
)
def test_a_line_too_short_is_told_in_its_place(tmp_path: Path, path: str, message: str) -> None:
    line, column, told = problem(tmp_path, TEXT.replace(PATH, path))
    assert (line, column) == place_of(TEXT, "- {latitude_deg: 53.0, longitude_deg: 22.0}")
    assert message in told


def test_a_band_that_folds_is_told_in_its_place(tmp_path: Path) -> None:
    back = TEXT.replace("53.0, longitude_deg: 22.2}", "53.003, longitude_deg: 22.0}")
    line, column, told = problem(tmp_path, back)
    assert (line, column) == place_of(back, "8\ncoverage")
    assert "bends so sharply near its kilometre 6" in told


def test_a_line_beyond_the_terrain_is_told_in_its_place(tmp_path: Path) -> None:
    deep = TEXT.replace("depth_km: 8", "depth_km: 30")
    line, column, told = problem(tmp_path, deep)
    assert (line, column) == place_of(deep, "30\ncoverage")
    assert "the band's inner edge lies at 53.2" in told
    far = TEXT.replace("53.0, longitude_deg: 22.2}", "53.0, longitude_deg: 22.5}")
    line, column, told = problem(tmp_path, far)
    assert (line, column) == place_of(far, "{latitude_deg: 53.0, longitude_deg: 22.5}")
    assert "border lies beyond the terrain" in told


def sites_of(loaded: LoadedScenario) -> Iterator[tuple[str, Any]]:
    for _, site in standing_sites(loaded.spec):
        yield site.id, site


def test_one_entry_stands_at_many_places(tmp_path: Path) -> None:
    loaded = small_line(tmp_path, MANY)
    sites = dict(sites_of(loaded))
    names = [name for name in sites if name.startswith("west")]
    assert names == [f"west-{k}" for k in range(1, 8)]  # kilometres 1 to 13 of 13.5
    assert [sites[name].sensors[0].id for name in names] == [f"ears-west-{k}" for k in range(1, 8)]
    line = loaded.spec.protect[0]
    course = course_of(line.vertices_deg, "right", 8e3, 50.0)  # type: ignore[union-attr]
    for k, name in enumerate(names):
        here = sites[name].position
        meant = np.degrees(
            np.concatenate(course.beside(np.array([1e3 + 2e3 * k]), np.array([3e3])))
        )
        off_km = 111.2 * np.array(
            [here.latitude_deg - meant[0], (here.longitude_deg - meant[1]) * 0.602]
        )
        assert 0.0 < np.abs(off_km).max() < 0.42
    again = dict(sites_of(small_line(tmp_path, MANY)))
    assert all(again[name].position == sites[name].position for name in names)
    other = dict(sites_of(small_line(tmp_path, MANY.replace("seed: 3\n", "seed: 4\n"))))
    assert all(other[name].position != sites[name].position for name in names)


@pytest.mark.parametrize(
    ("old", "new", "found", "message"),
    [
        (
            "from_km: 1",
            "from_km: 60",
            "{line: border",
            "from_km (60) lies beyond the end of border",
        ),
        ("from_km: 1", "from_km: 1, to_km: 20", "{line: border", "to_km (20) lies beyond the end"),
        ("every_km: 2", "every_km: 0.0001", "{line: border", "more than 20000"),
        ("line: border", "line: boarder", "boarder", "no line has the id `boarder`"),
        ("from_km: 1", "from_km: 9, to_km: 3", "3, inside_km", "lies before from_km"),
        (
            "along:",
            f"{WEST}\n    along:",
            "{latitude_deg: 53.02, longitude_deg: 22.03",
            "found position and along",
        ),
        ("id: ears-middle}", "id: ears-west-3}", "ears-west-3", "already the id of a sensor"),
    ],
)
def test_mistakes_of_sites_along_a_line(
    tmp_path: Path, old: str, new: str, found: str, message: str
) -> None:
    text = MANY.replace(old, new, 1)
    line, column, told = problem(tmp_path, text)
    assert (line, column) == place_of(text, found)
    assert message in told


def test_a_recording_of_before_has_no_edges() -> None:
    old = {"id": "base", "kind": "point", "path_enu_m": [[0.0, 0.0, 0.0]], "radius_m": 5.0}
    facts = dict.fromkeys(("scenario", "title", "start"), "x") | dict.fromkeys(
        ("duration_s", "origin_latitude_rad", "origin_longitude_rad", "origin_height_m"), 0.0
    )
    setting = Setting.from_json({**facts, "sensors": [], "targets": [], "protected": [old]})
    assert setting.protected[0].inner_enu_m == ()
    assert Setting.from_json(json.loads(json.dumps(setting.to_json()))) == setting


@pytest.mark.slow
def test_a_run_tells_who_came_through(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "line.yaml"
    path.write_text(MANY + DRONES, encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["run", str(path), "--out", str(tmp_path / "run")])
    told = capsys.readouterr().out
    assert not stopped.value.code, told
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    (border,) = metrics["protect"]
    assert border["crossings"] == 2
    visits = {visit["target"]: visit for visit in border["visits"]}
    assert visits["seen"]["tracked"]
    assert visits["seen"]["enter_km"] == pytest.approx(6.7, abs=0.3)
    # 8 km at 50 m/s.
    assert visits["seen"]["leave_s"] - visits["seen"]["enter_s"] == pytest.approx(160, abs=4)
    assert border["crossings_tracked"] * 2 == 2 - len(border["crossings_missed"])
    assert "border (line)" in told
    assert f"of 2 crossings tracked before the inner edge: {border['warning_min_s']:.0f} s" in told
    assert "seen: in at" in told
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    (line,) = Setting.from_json(manifest["setting"]).protected
    assert len(line.inner_enu_m) == len(line.path_enu_m) > 10
