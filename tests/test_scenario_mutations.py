"""Three hundred broken scenarios, each refused with a place and without a traceback.

Every mutation breaks a scenario by construction; none is kept or dropped by its outcome.
"""

from __future__ import annotations

import copy
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.cli import main
from sim.scenario.library import bundled, folder, starter_text
from sim.scenario.schema import scenario_schema

COUNT = 300
BUNDLED = [path.read_text(encoding="utf-8") for _, _, path in bundled()]
# Some mutations break a route or a protected place: scenarios without one serve less.
SOURCES = [text for text in BUNDLED if "route:" in text and "protect:" in text]
# Of the large ones every mutation would take long.
SOURCES = [text for text in SOURCES if text.count("\n") < 200]
SOURCES.append(starter_text("start"))

Data = Any
Chance = random.Random


# ---- places in the data ----


def places(data: Data) -> Iterator[tuple[Any, str | int]]:
    """Yield every container with each of its keys or positions."""
    steps: list[Any] = list(data) if isinstance(data, dict) else list(range(len(data)))
    for step in steps:
        yield data, step
        if isinstance(data[step], dict | list):
            yield from places(data[step])


def pick(data: Data, chance: Chance, fits: Callable[[Any, Any, Any], bool]) -> tuple[Any, Any]:
    """Draw a place whose container, step and value fit."""
    return chance.choice([(c, s) for c, s in places(data) if fits(c, s, c[s])])


def number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def known_keys(schema: Any) -> set[str]:
    if isinstance(schema, dict):
        own = set(schema.get("properties", {}))
        return own.union(*(known_keys(value) for value in schema.values()))
    return set().union(*(known_keys(v) for v in schema)) if isinstance(schema, list) else set()


KEYS = known_keys(scenario_schema())

# ---- mutations of the data ----


def rename_key(data: Data, chance: Chance) -> None:
    mapping, key = pick(data, chance, lambda c, s, v: isinstance(c, dict))
    at = chance.randrange(len(key))
    candidates = [key + "x", key[:at] + key[at + 1 :], key[:at] + "q" + key[at:], key.upper()]
    new = chance.choice([word for word in candidates if word not in KEYS and word])
    mapping[new] = mapping.pop(key)


ALWAYS_REQUIRED = {"latitude_deg", "longitude_deg", "id", "class", "position", "sensors", "metric"}
ALWAYS_REQUIRED |= {"radius_km", "ceiling_m", "width_km", "path", "start", "sites", "area", "file"}


def delete_required_key(data: Data, chance: Chance) -> None:
    # A start_s or start elsewhere than in `time` would be optional; `start` is not.
    mapping, key = pick(data, chance, lambda c, s, v: s in ALWAYS_REQUIRED)
    del mapping[key]


def add_key(data: Data, chance: Chance) -> None:
    container, step = pick(data, chance, lambda c, s, v: isinstance(v, dict))
    container[step][chance.choice(["colour", "speed", "Height_m", "", "<", "kindd"])] = 1


def number_to_something(data: Data, chance: Chance) -> None:
    mapping, key = pick(data, chance, lambda c, s, v: number(v))
    wrong = [str(mapping[key]), "many", True, [], [1], {}, {"value": 1}, "", "1_0", "0x", "5 km"]
    mapping[key] = chance.choice(wrong)


def text_to_something(data: Data, chance: Chance) -> None:
    mapping, key = pick(data, chance, lambda c, s, v: isinstance(v, str))
    mapping[key] = chance.choice([5, 1.5, True, ["a"], {"a": 1}])


def list_to_something(data: Data, chance: Chance) -> None:
    mapping, key = pick(data, chance, lambda c, s, v: isinstance(v, list))
    mapping[key] = chance.choice([5, "text", True, {"a": 1}])


def mapping_to_something(data: Data, chance: Chance) -> None:
    mapping, key = pick(data, chance, lambda c, s, v: isinstance(v, dict))
    mapping[key] = chance.choice([5, "text", True, [1], ["a", {}]])


OUT_OF_RANGE: dict[str, list[object]] = {
    "latitude_deg": [90.5, -91, 1e9, float("inf"), float("nan")],
    "longitude_deg": [181, -180.5, -float("inf")],
    "height_m": [-1e6, 1e12],
    "duration_s": [0, -1, float("nan")],
    "seed": [-1, 0.5, 10**30],
    "schema": [0, 2, "one"],
    "latency_s": [-0.1, 1e9],
    "loss": [1, -0.01, 2],
    "radius_km": [0, -3],
    "ceiling_m": [0, -1],
    "width_km": [0, -10],
    "count": [0, -2, 1.5],
    "speed_mps": [0, -20],
    "cutoff_m": [0, -1],
    "id": ["", "a b", "-x", "x" * 65, "a/b"],
    "name": ["", "two words", "../x"],
    "start": ["yesterday", "2025-13-01T00:00:00Z", "2025-06-01T12:00:00", "2025-06-01", 0],
    "metric": ["", "a..b", "siap completeness"],
}


def out_of_range(data: Data, chance: Chance) -> None:
    mapping, key = pick(data, chance, lambda c, s, v: s in OUT_OF_RANGE)
    mapping[key] = chance.choice(OUT_OF_RANGE[key])


def wrong_word(data: Data, chance: Chance) -> None:
    words = {"kind", "preset", "class", "affiliation", "engine", "filter", "association"}
    mapping, key = pick(data, chance, lambda c, s, v: s in words)
    mapping[key] = chance.choice([mapping[key] + "s", mapping[key][1:], "none-such", ""])


def unknown_reference(data: Data, chance: Chance) -> None:
    mapping, key = pick(data, chance, lambda c, s, v: s in {"nation", "network", "nations"})
    mapping[key] = "nowhere" if key != "nations" else []


def double_id(data: Data, chance: Chance) -> None:
    lists = [entries for entries, step in places(data) if step == 0 and isinstance(entries, list)]
    with_ids = [e for e in lists if isinstance(e[0], dict) and "id" in e[0]]
    entries = chance.choice(with_ids)
    entries.append(copy.deepcopy(chance.choice(entries)))


def start_too_late(data: Data, chance: Chance) -> None:
    chance.choice([t for t in data["targets"] if "route" in t])["start_s"] = 1e7


def empty_route(data: Data, chance: Chance) -> None:
    chance.choice([t for t in data["targets"] if "route" in t])["route"] = chance.choice([[], None])


def wrong_file(data: Data, chance: Chance) -> None:
    target = chance.choice(data["targets"])
    for key in ("route", "count", "spread", "formation", "motion", "start_s"):
        target.pop(key, None)
    wrong = ["none.csv", "../../etc/passwd", "/etc/passwd", ".", "recorded", "a\0b", "x" * 400, ""]
    target["recorded"] = {"file": chance.choice(wrong)}


def two_heights(data: Data, chance: Chance) -> None:
    container, step = pick(
        data, chance, lambda c, s, v: isinstance(v, dict) and "latitude_deg" in v and s != "area"
    )
    container[step] |= {"height_m": 10, "height_agl_m": 10}


def empty_criterion(data: Data, chance: Chance) -> None:
    data["criteria"].append(chance.choice([{"metric": "a.b"}, {"metric": "a", "min": 2, "max": 1}]))


# ---- mutations of the text ----


def lines_matching(text: str, pattern: str) -> list[int]:
    return [i for i, line in enumerate(text.split("\n")) if re.search(pattern, line)]


def edit_line(text: str, chance: Chance, pattern: str, edit: Callable[[str], str]) -> str:
    lines = text.split("\n")
    at = chance.choice(lines_matching(text, pattern))
    lines[at] = edit(lines[at])
    return "\n".join(lines)


def double_line(text: str, chance: Chance) -> str:
    pattern = r"^(schema|name|time|seed|area|nations|networks): .*[^>-]$"
    return edit_line(text, chance, pattern, lambda line: line + "\n" + line)


def shift_line(text: str, chance: Chance) -> str:
    """Indent a key one column deeper than the key above it, which has a value already."""
    lines = text.split("\n")
    fitting = []
    for i in range(1, len(lines)):
        key = re.match(r"^( +)[a-z_]+: \S", lines[i])
        above = re.match(r"^( +|( *- ))[a-z_]+: \S", lines[i - 1])
        if key and above and len(above[1]) == len(key[1]):
            fitting.append(i)
    at = chance.choice(fitting)
    lines[at] = " " + lines[at]
    return "\n".join(lines)


def tab_indent(text: str, chance: Chance) -> str:
    return edit_line(text, chance, r"^ +[a-z_]+:( |$)", lambda line: "\t" + line.lstrip())


def open_quote(text: str, chance: Chance) -> str:
    assert '"' not in text
    return edit_line(text, chance, r"^(title|name|seed): \w", lambda x: x.replace(": ", ': "', 1))


FLOW_LINE = r"^[^#]*[\[{].*[\]}]$"


def open_bracket(text: str, chance: Chance) -> str:
    return edit_line(text, chance, FLOW_LINE, lambda line: line[:-1])


def extra_bracket(text: str, chance: Chance) -> str:
    return edit_line(text, chance, FLOW_LINE, lambda line: line + chance.choice("]}"))


def missing_comma(text: str, chance: Chance) -> str:
    return edit_line(text, chance, r"^[^#]*\{\w+: \w+, \w+:", lambda x: x.replace(", ", " ", 1))


def missing_space(text: str, chance: Chance) -> str:
    return edit_line(text, chance, r"^[^#]*\{\w+: ", lambda x: re.sub(r"(\{\w+): ", r"\1:", x))


def binary_junk(text: str, chance: Chance) -> str:
    at = chance.randrange(len(text))
    junk = chance.choice(["\x00", "\x07", "\x1b[0m", "\x7f", "\udcff", "\udcc3("])
    return text[:at] + junk + text[at:]


def truncate(text: str, chance: Chance) -> str:
    """Cut before the first site, without which no scenario is complete."""
    return text[: chance.randrange(text.index("\nsites:"))]


def foreign_tag(text: str, chance: Chance) -> str:
    tag = chance.choice(["!!python/object/apply:os.system", "!!binary", "!x", "!!timestamp"])
    return edit_line(
        text, chance, r"^(title|name|seed): \w", lambda x: x.replace(": ", f": {tag} ")
    )


def lost_alias(text: str, chance: Chance) -> str:
    return edit_line(text, chance, r"^(name|seed): ", lambda x: x.split(":")[0] + ": *lost")


def alias_bomb(text: str, chance: Chance) -> str:
    width = chance.randrange(8, 12)
    levels = ["&l0 [x, x, x, x, x, x, x, x]"]
    levels += [f"&l{k} [{', '.join([f'*l{k - 1}'] * width)}]" for k in range(1, 30)]
    return text + "\nbomb: [" + ", ".join(levels) + "]\n"


def self_reference(text: str, chance: Chance) -> str:
    return text + chance.choice(["\nloop: &a [*a]\n", "\nloop: &a {b: [*a]}\n"])


def deep_nesting(text: str, chance: Chance) -> str:
    depth = chance.randrange(60, 5000)
    return text + "\ndeep: " + "[" * depth + "]" * depth + "\n"


def second_document(text: str, chance: Chance) -> str:
    return text + "\n---\nschema: 1\n"


def other_top(text: str, chance: Chance) -> str:
    return chance.choice(
        ["", "# nothing\n", "- a\n", "text", "42", "[]", "null", "\n\n", "{}", "%"]
    )


DATA_MUTATIONS: list[Callable[[Data, Chance], None]] = [
    rename_key,
    delete_required_key,
    add_key,
    number_to_something,
    text_to_something,
    list_to_something,
    mapping_to_something,
    out_of_range,
    wrong_word,
    unknown_reference,
    double_id,
    start_too_late,
    empty_route,
    wrong_file,
    two_heights,
    empty_criterion,
]
TEXT_MUTATIONS: list[Callable[[str, Chance], str]] = [
    double_line,
    shift_line,
    tab_indent,
    open_quote,
    open_bracket,
    extra_bracket,
    missing_comma,
    missing_space,
    binary_junk,
    truncate,
    foreign_tag,
    lost_alias,
    alias_bomb,
    self_reference,
    deep_nesting,
    second_document,
    other_top,
]
MUTATIONS = [*DATA_MUTATIONS, *TEXT_MUTATIONS]


def parsed(text: str) -> Data:
    data = yaml.safe_load(text)
    # PyYAML makes a datetime of it, and would write that with a tag.
    data["time"]["start"] = data["time"]["start"].isoformat()
    return data


def dumped(data: Data, chance: Chance) -> str:
    return yaml.safe_dump(data, sort_keys=False, default_flow_style=chance.choice([None, False]))


def mutant(number_: int) -> tuple[str, bytes]:
    """Return the name of a mutation and the text it broke."""
    chance = random.Random(number_)
    text = SOURCES[number_ % len(SOURCES)]
    mutation = MUTATIONS[number_ // len(SOURCES) % len(MUTATIONS)]
    if mutation in DATA_MUTATIONS:
        data = parsed(text)
        mutation(data, chance)
        text = dumped(data, chance)
    else:
        text = mutation(text, chance)
    return mutation.__name__, text.encode("utf-8", errors="surrogateescape")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the bundled scenarios refer to."""
    target: Path = tmp_path_factory.mktemp("mutants") / "scenarios"
    shutil.copytree(folder(), target)
    return target


def assert_refused(path: Path, content: bytes, code: object, out: str, err: str) -> None:
    assert code == 2, err
    assert "Traceback" not in err
    assert out == ""
    found = re.match(rf"{re.escape(str(path))}:(\d+):(\d+): \S", err)
    assert found, err
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", content.decode("utf-8", errors="replace"))
    line, column = int(found[1]), int(found[2])
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1
    assert f"\n{line:>5} | " in err
    assert "^" in err


@pytest.mark.parametrize("number_", range(COUNT))
def test_a_broken_scenario_is_refused_in_its_place(
    number_: int, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content = mutant(number_)
    path = place / f"{number_}-{name}.yaml"
    path.write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        main(["check", str(path)])
    out, err = capsys.readouterr()
    assert_refused(path, content, stopped.value.code, out, err)


@pytest.mark.parametrize("number_", range(0, COUNT, 50))
def test_a_broken_scenario_is_refused_by_the_program(number_: int, place: Path) -> None:
    name, content = mutant(number_)
    path = place / f"program-{number_}-{name}.yaml"
    path.write_bytes(content)
    program = "from sim.cli import main; main()"
    command = [sys.executable, "-c", program, "check", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert_refused(path, content, done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("number_", range(25, COUNT, 50))
def test_a_broken_scenario_does_not_run(
    number_: int, place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content = mutant(number_)
    path = place / f"run-{number_}-{name}.yaml"
    path.write_bytes(content)
    with pytest.raises(SystemExit) as stopped:
        main(["run", str(path), "--out", str(tmp_path / "run")])
    out, err = capsys.readouterr()
    assert_refused(path, content, stopped.value.code, out, err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("flow", [None, False])
def test_what_is_not_mutated_passes(
    flow: bool | None, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The mutants fail for their mutation, not for the way they are written."""
    for k, text in enumerate(SOURCES):
        path = place / f"whole-{flow}-{k}.yaml"
        data = parsed(text)
        path.write_text(yaml.safe_dump(data, sort_keys=False, default_flow_style=flow))
        with pytest.raises(SystemExit) as stopped:
            main(["check", str(path)])
        assert not stopped.value.code, capsys.readouterr().err


def test_every_mutation_is_used() -> None:
    assert {mutant(n)[0] for n in range(COUNT)} == {mutation.__name__ for mutation in MUTATIONS}
