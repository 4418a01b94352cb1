"""The report on a scenario file: each mistake in its place, in plain words, with a hint."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from sim.scenario.errors import Problem, ScenarioError
from sim.scenario.library import bundled, starter_text
from sim.scenario.loader import dump_resolved, load
from sim.scenario.references import conflicts

BASE = """\
schema: 1
name: small
time: {start: 2025-06-01T12:00:00Z, duration_s: 300}
seed: 1
area: {latitude_deg: 52.0, longitude_deg: 5.0, height_m: 40}
nations: [{id: NLD}, {id: BEL}]
networks: [{id: link, latency_s: 0.5}]
sites:
  - id: hill
    nation: NLD
    network: link
    position: {latitude_deg: 52.02, longitude_deg: 5.01, height_agl_m: 15}
    sensors:
      - {kind: radar, preset: mobile-multi-mission, id: radar-1}
targets:
  - id: airliner
    class: airliner
    route:
      - {latitude_deg: 52.3, longitude_deg: 4.6, height_m: 6000, speed_mps: 200}
      - {kind: hold, latitude_deg: 51.7, longitude_deg: 5.5, leg_s: 60}
protect:
  - id: way
    kind: corridor
    path:
      - {latitude_deg: 52.3, longitude_deg: 4.6, height_m: 3000}
      - {latitude_deg: 52.0, longitude_deg: 5.0, height_m: 0}
    width_km: 10
    arrivals: [airliner]
  - {id: base, kind: point, position: {latitude_deg: 52, longitude_deg: 5}, radius_km: 5, ceiling_m: 3000}
criteria:
  - {metric: siap.ambiguity, max: 1.1}
"""  # noqa: E501


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "s.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problems_of(folder: Path, text: str | bytes, allow_outside: bool = False) -> list[Problem]:
    with pytest.raises(ScenarioError) as caught:
        load(write(folder, text), allow_outside)
    return caught.value.problems


def changed(old: str, new: str) -> str:
    assert BASE.count(old) == 1, f"{old!r} must stand once in the base"
    return BASE.replace(old, new)


def place_of(text: str, culprit: str) -> tuple[int, int]:
    """Return line and column, from 1, of a text that stands only once."""
    assert text.count(culprit) == 1
    before = text[: text.index(culprit)]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def test_the_base_is_right(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, BASE))
    assert loaded.spec.time.start == datetime(2025, 6, 1, 12, tzinfo=UTC)
    assert loaded.spec.sites[0].sensors[0].id == "radar-1"
    assert loaded.folder == tmp_path
    assert loaded.text == BASE


@pytest.mark.parametrize(
    ("old", "new", "culprit", "message", "hint"),
    [
        # Keys.
        ("nation: NLD", "natoin: NLD", "natoin", "unknown key `natoin`", "did you mean `nation`?"),
        ("seed: 1", "sed: 1", "sed:", "unknown key `sed`", "did you mean `seed`?"),
        ("seed: 1", "sensor: 1", "sensor: 1", "unknown key `sensor`", None),
        (
            "duration_s: 300",
            "duration: 300",
            "duration:",
            "unknown key `duration`",
            "did you mean `duration_s`?",
        ),
        ("leg_s: 60", "leg: 60", "leg:", "unknown key `leg`", "did you mean `leg_s`?"),
        ("seed: 1", "Seed: 1", "Seed", "unknown key `Seed`", "did you mean `seed`?"),
        (
            "latency_s: 0.5",
            "latency_s:0.5",
            "latency_s:0.5",
            "unknown key `latency_s:0.5`",
            "put a space after the colon: `latency_s: `",
        ),
        (", duration_s: 300", "", "{start", "the key `duration_s` is missing in `time`", None),
        ("kind: corridor\n    ", "", "id: way", "the key `kind` is missing in `protect[0]`", None),
        (
            "kind: radar, ",
            "",
            "{preset",
            "the key `kind` is missing in `sites[0].sensors[0]`",
            None,
        ),
        ("seed: 1", "seed: 1\nname: x", "name: x", "the key `name` is already on line 2", None),
        (
            "preset: mobile",
            "prest: mobile",
            "prest",
            "unknown key `prest`",
            "did you mean `preset`?",
        ),
        # Words out of a list.
        (
            "kind: radar",
            "kind: rader",
            "rader",
            'sites[0].sensors[0].kind: expected `radar`, found the text "rader"',
            "did you mean `radar`?",
        ),
        (
            "kind: hold",
            "kind: hld",
            "hld",
            "targets[0].route[1].kind: expected `waypoint`, `hold`, `hover` or `circle`, "
            'found the text "hld"',
            "did you mean `hold`?",
        ),
        ("class: airliner", "class: airlner", "airlner", None, "did you mean `airliner`?"),
        ("preset: mobile", "preset: mobil", "mobil-", None, "did you mean 'mobile-multi-mission'?"),
        # Types.
        (
            "duration_s: 300",
            "duration_s: '300'",
            "'300'",
            'time.duration_s: expected a number, found the text "300"',
            "write the number without quotes",
        ),
        (
            "duration_s: 300",
            "duration_s: 5 min",
            "5 min",
            'time.duration_s: expected a number, found the text "5 min"',
            "write the number alone: the unit is in the key's name",
        ),
        (
            "duration_s: 300",
            "duration_s: 1_000",
            "1_000",
            'time.duration_s: expected a number, found the text "1_000"',
            "write the digits without separators",
        ),
        (
            "duration_s: 300",
            "duration_s: 5:00",
            "5:00",
            'time.duration_s: expected a number, found the text "5:00"',
            None,
        ),
        (
            "latency_s: 0.5",
            "latency_s: true",
            "true",
            "networks[0].latency_s: expected a number, found true",
            None,
        ),
        (
            "seed: 1",
            "seed: 1.5",
            "1.5",
            "seed: expected a whole number, found 1.5",
            None,
        ),
        ("schema: 1", "schema: 2", "2\n", "schema: expected 1, found 2", None),
        (
            "name: small",
            "name: 7",
            "7\n",
            "name: expected text, found 7",
            "put it in quotes if it is meant as text",
        ),
        (
            "arrivals: [airliner]",
            "arrivals: airliner",
            "airliner\n  - {id: base",
            'protect[0].arrivals: expected a list, found the text "airliner"',
            None,
        ),
        (
            "kind: radar, preset: mobile-multi-mission, id: radar-1}",
            "kind: radar, preset: mobile-multi-mission, id: radar-1, interrogates: 'yes'}",
            "'yes'",
            'sites[0].sensors[0].interrogates: expected true or false, found the text "yes"',
            "write true or false, without quotes",
        ),
        ("seed: 1", "tracker:", "tracker:", None, None),
        ("id: hill", "id: a b", "a b", None, None),
        # Ranges.
        (
            "longitude_deg: 5.5",
            "longitude_deg: 185.5",
            "185.5",
            "targets[0].route[1].longitude_deg: expected at most 180, found 185.5",
            None,
        ),
        (
            "radius_km: 5",
            "radius_km: 0",
            "0, ceiling_m",
            "protect[1].radius_km: expected more than 0, found 0",
            None,
        ),
        (
            "latency_s: 0.5",
            "loss: 1",
            "1}]",
            "networks[0].loss: expected less than 1, found 1",
            None,
        ),
        (
            "latency_s: 0.5",
            "latency_s: .inf",
            ".inf",
            "networks[0].latency_s: expected a finite number, found inf",
            None,
        ),
        (
            "2025-06-01T12:00:00Z",
            "2025-06-01T12:00:00",
            "2025",
            "time.start: expected a time with its zone, such as 2025-10-13T14:00:00Z: Z is UTC",
            None,
        ),
        (
            "2025-06-01T12:00:00Z",
            "12:30",
            "12:30",
            "time.start: expected a time such as 2025-10-13T14:00:00Z",
            None,
        ),
        # Rules inside one specification.
        (
            "height_agl_m: 15",
            "height_agl_m: 15, height_m: 50",
            "50}",
            "sites[0].position.height_m: give height_m (above the ellipsoid) or height_agl_m, "
            "not both",
            None,
        ),
        (", max: 1.1", "", "{metric", "criteria[0]: give min, max or both", None),
        (
            "max: 1.1",
            "max: 1, min: 2",
            "2}",
            "criteria[0].min: min must not exceed max",
            None,
        ),
        # References.
        (
            "nation: NLD",
            "nation: NDL",
            "NDL",
            "no nation has the id `NDL`",
            "did you mean `NLD`?",
        ),
        (
            "network: link",
            "network: picture",
            "picture",
            "no network has the id `picture`",
            "known: link",
        ),
        (
            "arrivals: [airliner]",
            "arrivals: [airliner, airlner]",
            "airlner",
            "no target has the id `airlner`",
            "did you mean `airliner`?",
        ),
        (
            "seed: 1",
            "seed: 1\ntracker: {registration: true, reference_sensors: [radar-1, radar-2]}",
            "radar-2]",
            "no sensor has the id `radar-2`",
            "did you mean `radar-1`?",
        ),
        ("{id: BEL}", "{id: NLD}", "NLD}]", "`NLD` is already the id of a nation, on line 6", None),
        (
            "id: base, kind",
            "id: way, kind",
            "way, kind",
            "`way` is already the id of a protected object, on line 22",
            None,
        ),
        (
            "class: airliner",
            "class: airliner\n    start_s: 300",
            "300\n    route",
            "the target starts at 300 s, when the scenario is over",
            "the scenario lasts 300 s",
        ),
        (
            "{latitude_deg: 52.0, longitude_deg: 5.0, height_m: 0}",
            "{latitude_deg: 52.3, longitude_deg: 4.6, height_m: 0}",
            "{latitude_deg: 52.3, longitude_deg: 4.6, height_m: 0}",
            "the corridor does not move on from the point before, on line 25",
            None,
        ),
    ],
)
def test_one_mistake_makes_one_problem_in_its_place(
    tmp_path: Path, old: str, new: str, culprit: str, message: str | None, hint: str | None
) -> None:
    text = changed(old, new)
    [problem] = problems_of(tmp_path, text)
    line, column = place_of(text, culprit)
    if culprit == "tracker:":
        column += len(culprit)  # what is missing stands behind its key
    assert (problem.line, problem.column) == (line, column)
    if message is not None:
        assert problem.message == message
    if hint is not None:
        assert (problem.hint or "").startswith(hint)


def test_the_report_shows_line_caret_and_hint(tmp_path: Path) -> None:
    path = write(tmp_path, changed("nation: NLD", "natoin: NLD"))
    with pytest.raises(ScenarioError) as caught:
        load(path)
    assert str(caught.value) == (
        f"{path}:10:5: unknown key `natoin`\n"
        "   10 |     natoin: NLD\n"
        "      |     ^^^^^^\n"
        "  hint: did you mean `nation`?"
    )


def test_all_mistakes_come_at_once_in_order(tmp_path: Path) -> None:
    text = BASE.replace("seed: 1", "seed: -1").replace("width_km: 10", "width_km: wide")
    text = text.replace("preset: mobile-multi", "beamwidth: 1, preset: mobile-multi")
    problems = problems_of(tmp_path, text.replace("metric:", "metrc:"))
    assert [problem.line for problem in problems] == [4, 14, 27, 31]


def test_a_misspelt_required_key_is_one_problem(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path, changed("name: small", "nmae: small"))
    assert (problem.line, problem.column) == (2, 1)
    assert problem.hint == "did you mean `name`?"


def test_many_problems_are_counted_but_not_all_shown(tmp_path: Path) -> None:
    nations = ", ".join(["{id: NLD}"] * 40)
    problems = problems_of(tmp_path, changed("[{id: NLD}, {id: BEL}]", f"[{nations}]"))
    assert len(problems) == 39
    report = str(ScenarioError(problems))
    assert report.endswith("39 mistakes, the first 20 shown")
    assert report.count("already the id") == 20


def test_a_long_line_is_clipped_around_the_culprit(tmp_path: Path) -> None:
    padding = "x" * 300
    text = changed("seed: 1", f"record: {{interval_s: 1.0, {padding}: 1, {padding}y: 1}}")
    [_, problem] = problems_of(tmp_path, text)
    assert problem.excerpt is not None
    line, carets = problem.excerpt.split("\n")
    assert max(len(line), len(carets)) <= 101
    start = carets.index("^")
    assert line[start] == "x"
    assert line[start - 2 : start] == ", "
    assert line.count("…") == 2


def test_tabs_and_controls_do_not_shift_the_caret(tmp_path: Path) -> None:
    [problem] = problems_of(tmp_path, changed("seed: 1", "seed:\t\t-1"))
    assert problem.excerpt is not None
    line, carets = problem.excerpt.split("\n")
    assert line[carets.index("^") :] == "-1"


def test_text_in_other_alphabets_keeps_its_column(tmp_path: Path) -> None:
    text = changed("name: small", "name: small\ntitle: {Ünïcödé: 1}")
    [problem] = problems_of(tmp_path, text)
    assert (problem.line, problem.column) == (3, 8)


@pytest.mark.parametrize(
    ("content", "line", "column", "words"),
    [
        (b"", 1, 1, "empty"),
        (b"# only a comment\n", 1, 1, "empty"),
        (b"\n- a\n- b\n", 2, 1, "expected keys"),
        (b"just text", 1, 1, "expected keys"),
        (b"42", 1, 1, "expected keys"),
        (b"schema: 1\nname: caf\xe9\n", 2, 10, "0xe9 is not UTF-8"),
        (b"schema: 1\nname: a\x00b\n", 2, 8, "U+0000"),
        (b"schema: 1\n\tname: x\n", 2, 1, "a tab"),
    ],
)
def test_files_that_are_no_scenario(
    tmp_path: Path, content: bytes, line: int, column: int, words: str
) -> None:
    [problem] = problems_of(tmp_path, content)
    assert (problem.line, problem.column) == (line, column)
    assert words in problem.message


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [problem] = problems_of(tmp_path, "\ufeffschema: 1".encode("utf-16"))
    assert "UTF-16" in problem.message
    [problem] = problems_of(tmp_path, b"#" * 5_000_001)
    assert "larger than 5 MB" in problem.message
    with pytest.raises(ScenarioError, match="is a folder"):
        load(tmp_path)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, BASE)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ScenarioError, match=r"s\.yaml: cannot be read: permission denied"):
        load(path)


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    assert load(write(tmp_path, b"\xef\xbb\xbf" + BASE.encode())).spec.name == "small"
    [problem] = problems_of(tmp_path, b"\xef\xbb\xbf" + BASE.replace("schema", "shema").encode())
    assert (problem.line, problem.column) == (1, 1)


def test_windows_line_ends_keep_their_lines(tmp_path: Path) -> None:
    text = changed("nation: NLD", "natoin: NLD").replace("\n", "\r\n")
    [problem] = problems_of(tmp_path, text)
    assert (problem.line, problem.column) == (10, 5)


def test_a_missing_file_proposes_a_neighbour_or_a_bundled_name(tmp_path: Path) -> None:
    write(tmp_path, BASE)
    with pytest.raises(ScenarioError, match=r"no such file.*\n.*did you mean .*s\.yaml\?"):
        load(tmp_path / "ss.yaml")
    name = bundled()[0][0]
    with pytest.raises(ScenarioError, match=f"did you mean {name}"):
        load(name[:-1])


def test_words_that_old_yaml_takes_for_truth_values_stay_words(tmp_path: Path) -> None:
    text = BASE.replace("NLD", "NO").replace("{id: BEL}", "{id: on}")
    assert [nation.id for nation in load(write(tmp_path, text)).spec.nations] == ["NO", "on"]


def test_numbers_may_be_written_in_any_common_way(tmp_path: Path) -> None:
    text = changed("latency_s: 0.5", "latency_s: 5e-1").replace(
        "duration_s: 300", "duration_s: 3E2"
    )
    spec = load(write(tmp_path, text)).spec
    assert spec.networks[0].latency_s == 0.5
    assert spec.time.duration_s == 300.0


def test_merge_keys_fill_in_a_shared_part(tmp_path: Path) -> None:
    text = changed(
        "- {latitude_deg: 52.3, longitude_deg: 4.6, height_m: 3000}",
        "- &gate {latitude_deg: 52.3, longitude_deg: 4.6, height_m: 3000}",
    )
    text = text.replace(
        "{latitude_deg: 52.0, longitude_deg: 5.0, height_m: 0}", "{<<: *gate, latitude_deg: 52.0}"
    )
    corridor = load(write(tmp_path, text)).spec.protect[0]
    assert corridor.path[1].longitude_deg == 4.6
    assert corridor.path[1].latitude_deg == 52.0


def test_a_mistake_that_aliases_repeat_is_reported_once(tmp_path: Path) -> None:
    text = changed("    position: {latitude_deg: 52.02,", "    position: &here {latitude_deg: 99,")
    text = text.replace("position: {latitude_deg: 52, longitude_deg: 5}", "position: *here")
    [problem] = problems_of(tmp_path, text)
    assert problem.message == "sites[0].position.latitude_deg: expected at most 90, found 99"
    [problem] = problems_of(tmp_path, text.replace("latitude_deg: 99,", "latitude_deg: '9',"))
    assert problem.hint == "write the number without quotes"
    text = text.replace("latitude_deg: 99,", "latitude_deg: 52, height: 3,")
    [problem] = problems_of(tmp_path, text)
    assert problem.message == "unknown key `height`"
    # Right in one place, wrong in the other.
    text = changed("area: {latitude_deg: 52.0,", "area: &here {latitude_deg: 52.0,")
    text = text.replace("position: {latitude_deg: 52, longitude_deg: 5}", "position: *here")
    assert load(write(tmp_path, text)).spec.name == "small"
    [problem] = problems_of(
        tmp_path, text.replace("5.0, height_m: 40}", "5.0, terrain: {kind: flat}}")
    )
    assert problem.message == "unknown key `terrain`"


RECORDED = """\
    recorded: {file: FILE}
"""


def with_file(reference: str) -> str:
    start = BASE.index("    route:")
    end = BASE.index("protect:")
    return BASE[:start] + RECORDED.replace("FILE", reference) + BASE[end:]


def test_file_references_start_from_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "flights").mkdir()
    (tmp_path / "flights" / "one.csv").write_text("")
    assert load(write(tmp_path, with_file("flights/one.csv"))).spec.name == "small"


@pytest.mark.parametrize(
    ("reference", "words", "hint"),
    [
        ("flights/oen.csv", "there is no file", "did you mean `flights/one.csv`?"),
        ("elsewhere/one.csv", "there is no file", None),
        ("flights", "is no file", None),
        ("../outside.csv", "outside the scenario's folder", "--allow-outside"),
        ("flights/../../outside.csv", "outside the scenario's folder", "--allow-outside"),
        ("/etc/passwd", "outside the scenario's folder", "--allow-outside"),
        ("link.csv", "outside the scenario's folder", "--allow-outside"),
        ('"a\\0b.csv"', "there is no file", None),
        ("x" * 300, "there is no file", None),
    ],
)
def test_file_references_are_checked(
    tmp_path: Path, reference: str, words: str, hint: str | None
) -> None:
    folder = tmp_path / "scenario"
    (folder / "flights").mkdir(parents=True)
    (folder / "flights" / "one.csv").write_text("")
    (tmp_path / "outside.csv").write_text("")
    (folder / "link.csv").symlink_to(tmp_path / "outside.csv")
    text = with_file(reference)
    [problem] = problems_of(folder, text)
    assert (problem.line, problem.column) == place_of(text, reference)
    assert words in problem.message
    assert hint is None or hint in (problem.hint or "")


def test_outside_files_can_be_allowed(tmp_path: Path) -> None:
    folder = tmp_path / "scenario"
    folder.mkdir()
    (tmp_path / "outside.csv").write_text("")
    assert load(write(folder, with_file("../outside.csv")), allow_outside=True)
    [problem] = problems_of(folder, with_file("../none.csv"), allow_outside=True)
    assert "there is no file" in problem.message


def test_unreadable_references_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.csv").write_text("")
    monkeypatch.setattr(os, "access", lambda *_: False)
    [problem] = problems_of(tmp_path, with_file("one.csv"))
    assert "may not be read" in problem.message


@pytest.mark.parametrize("path", [path for _, _, path in bundled()], ids=lambda path: path.stem)
def test_a_resolved_scenario_loads_to_an_equal_one(tmp_path: Path, path: Path) -> None:
    folder = tmp_path / "scenarios"
    shutil.copytree(path.parent, folder)
    spec = load(path).spec
    resolved = dump_resolved(spec)
    again = load(write(folder, resolved)).spec
    assert again == spec
    assert dump_resolved(again) == resolved


def test_a_resolved_scenario_holds_presets_and_defaults(tmp_path: Path) -> None:
    spec = load(write(tmp_path, starter_text("starter"))).spec
    data = yaml.safe_load(dump_resolved(spec))
    radar = data["sites"][0]["sensors"][0]
    assert radar["preset"] == "mobile-multi-mission"
    assert radar["frequency_ghz"] == spec.sites[0].sensors[0].frequency_ghz
    assert data["record"] == {"interval_s": 1.0}
    assert data["tracker"]["engine"] == "numba"
    assert list(data)[:3] == ["schema", "name", "title"]


def test_resolved_text_that_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    for title in ("1e6", "0o17", "12", "NO", "null", "2025-01-01", "a: b", "ü\u2028"):
        spec = load(write(tmp_path, BASE)).spec.model_copy(update={"title": title})
        assert load(write(tmp_path, dump_resolved(spec))).spec.title == title


def test_conflicts_of_a_specification_carry_paths(tmp_path: Path) -> None:
    spec = load(write(tmp_path, BASE)).spec
    assert conflicts(spec) == []
    twice = spec.model_copy(update={"sites": spec.sites * 2})
    found = {(conflict.path, conflict.first) for conflict in conflicts(twice)}
    assert found == {
        (("sites", 1, "id"), ("sites", 0, "id")),
        (("sites", 1, "sensors", 0, "id"), ("sites", 0, "sensors", 0, "id")),
    }
