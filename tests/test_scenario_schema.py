"""The JSON Schema for editors, and the library of bundled scenarios."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sim.scenario import library
from sim.scenario.errors import ScenarioError
from sim.scenario.library import bundled, find, folder, starter_text
from sim.scenario.loader import load
from sim.scenario.schema import DIALECT, scenario_schema, schema_text
from sim.scenario.source import read

SCENARIOS = [path for _, _, path in bundled()]


def plain(text: str) -> Any:
    node, _ = read(text)
    assert node is not None
    return node.plain()


def validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(scenario_schema())


def test_the_committed_schema_is_current() -> None:
    committed = (folder() / "scenario.schema.json").read_text(encoding="utf-8")
    assert committed == schema_text(), "run: airpicture schema --out scenarios/scenario.schema.json"


def test_the_schema_is_a_valid_schema() -> None:
    schema = json.loads(schema_text())
    assert schema["$schema"] == DIALECT == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_bundled_scenarios_satisfy_the_schema(path: Path) -> None:
    validator().validate(plain(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 1", "seed: one"),
        ("seed: 1", "sed: 1"),
        ("kind: radar", "kind: rader"),
        ("class: airliner", "class: boat"),
        ("latitude_deg: 52.02", "latitude_deg: 92"),
        ("kind: point", "kind: corridor"),
        ("time: {start: 2025-06-01T12:00:00Z, ", "time: {"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(tmp_path: Path, old: str, new: str) -> None:
    text = starter_text("starter")
    assert text.count(old) == 1
    path = tmp_path / "s.yaml"
    path.write_text(text.replace(old, new))
    assert validator().is_valid(plain(text))
    assert not validator().is_valid(plain(path.read_text()))
    with pytest.raises(ScenarioError):
        load(path)


def test_bundled_scenarios_are_named_by_their_file_and_have_titles() -> None:
    assert SCENARIOS
    for name, title, path in bundled():
        spec = load(name).spec
        assert (spec.name, spec.title, path) == (name, title, folder() / f"{name}.yaml")
        assert title


def test_the_installed_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "sim"
    (tmp_path / "scenarios").mkdir()
    package.mkdir()
    monkeypatch.setattr(library.sim, "__file__", str(package / "__init__.py"))
    assert folder() == tmp_path / "scenarios"
    (package / "_scenarios").mkdir()
    assert folder() == package / "_scenarios"


def test_titles_are_read_from_broken_files_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.yaml").write_text("title: >-\n  Two\n  lines\nthing: 1\n")
    (tmp_path / "two.yaml").write_text("sites: [{title: not this}]\n")
    (tmp_path / "xxx.yaml").write_text("title: [\n")
    monkeypatch.setattr(library, "folder", lambda: tmp_path)
    assert [(n, t) for n, t, _ in bundled()] == [("one", "Two lines"), ("two", ""), ("xxx", "")]


def test_a_file_wins_over_a_bundled_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, _, path = bundled()[0]
    monkeypatch.chdir(tmp_path)
    assert find(name) == path
    Path(name).write_text("")
    assert find(name) == Path(name)


def test_a_name_too_long_for_a_file_is_not_found() -> None:
    with pytest.raises(ScenarioError, match="no such file"):
        find("x" * 5000)


def test_the_starter_takes_the_name_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "patrol.yaml"
    path.write_text(starter_text("patrol"))
    assert load(path).spec.name == "patrol"
    assert starter_text("two words") == starter_text("starter")
