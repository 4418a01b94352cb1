"""YAML text to plain data with places."""

from __future__ import annotations

import math

import pytest
import yaml

from sim.scenario import source
from sim.scenario.source import Mark, Node, read


@pytest.fixture(params=["SafeLoader", "CSafeLoader"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test with PyYAML's own parser and with libyaml's, where there is one."""
    if not hasattr(yaml, request.param):
        pytest.skip("PyYAML without libyaml")
    monkeypatch.setattr(source, "_PARSER", getattr(yaml, request.param))


def node_of(text: str) -> Node:
    node, findings = read(text)
    assert findings == []
    assert node is not None
    return node


def finding_of(text: str) -> tuple[int, int, str, str]:
    """Return line and column (from 1), message and hint of the only finding."""
    _, [finding] = read(text)
    return finding.mark.line + 1, finding.mark.column + 1, finding.message, finding.hint or ""


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1", 1),
        ("-7", -7),
        ("+7", 7),
        ("007", 7),
        ("0x1F", 31),
        ("0o17", 15),
        ("1e6", 1e6),
        ("1E-3", 1e-3),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("NO", "NO"),
        ("yes", "yes"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2025-10-13T14:00:00Z", "2025-10-13T14:00:00Z"),
        ("'1'", "1"),
        ('"true"', "true"),
        ("9" * 41, float("9" * 41)),
        ("1.2.3", "1.2.3"),
    ],
)
def test_plain_scalars_follow_the_core_schema(written: str, meant: object) -> None:
    value = node_of(f"key: {written}\n").plain()["key"]
    assert value == meant
    assert type(value) is type(meant)


def test_nodes_know_their_places() -> None:
    node = node_of("a: 1\nb:\n  - {c: 'two words', d: [1, 2]}\n")
    assert node.keys["b"] == Mark(1, 0, 1)
    entry = node.content["b"].content[0]
    assert entry.mark == Mark(2, 4, 27)
    assert entry.keys["d"] == Mark(2, 21, 1)
    assert entry.content["c"].mark == Mark(2, 8, 11)
    assert entry.content["d"].content[1].mark == Mark(2, 28, 1)


def test_aliases_and_merge_keys_share_values() -> None:
    node = node_of("base: &base {a: 1, b: 2}\nuse: {<<: *base, b: 3}\nsame: *base\n")
    assert node.plain()["use"] == {"a": 1, "b": 3}
    assert node.plain()["same"] == {"a": 1, "b": 2}
    # A merged value is found where it was written.
    assert node.content["use"].content["a"].mark == Mark(0, 16, 1)


def test_every_doubled_key_is_found() -> None:
    _, findings = read("a: 1\nb: {c: 1, c: 2}\na: 2\n")
    places = [(f.mark.line + 1, f.mark.column + 1, f.message) for f in findings]
    assert places == [
        (2, 11, "the key `c` is already on line 2"),
        (3, 1, "the key `a` is already on line 1"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: [1, 2\nb: 3\n", 1, 4, "`[` is not closed before line 2"),
        ("a: {b: 1\nc: 2\n", 1, 4, "`{` is not closed before line 2"),
        ("a: {b: 1 c: 2}\n", 1, 11, "expected `,` or `}`"),
        ("a: 'x\nb: 3\n", 1, 4, "quote is never closed"),
        ('a: "x\nb: 3\n', 1, 4, "quote is never closed"),
        ("a:\n\tb: 1\n", 2, 1, "a tab"),
        ("a: 1\n b: 2\n", 2, 3, "`:` comes where no key can stand"),
        ("a: b: c\n", 1, 5, "`:` comes where no key can stand"),
        ("a: @x\n", 1, 4, "cannot begin with `@`"),
        ("a: `x`\n", 1, 4, "cannot begin with ```"),
        ("a: 1\nxyz\nb: 2\n", 2, 1, "expected `key: value`"),
        ("a: [1, 2]]\n", 1, 10, "does not continue"),
        ("a: }\n", 1, 4, "expected a value, found `}`"),
        ("- a\nb: 1\n", 2, 1, "does not continue"),
        ("a: *x\n", 1, 4, "refers to no anchor"),
        ("a: &a [*a]\n", 1, 8, "contains itself"),
        ("a: &a {b: {c: *a}}\n", 1, 15, "contains itself"),
        ("a: !!python/object:os.system x\n", 1, 4, "has no meaning"),
        ("a: !thing {}\n", 1, 4, "has no meaning"),
        ("? [a]\n: b\n", 1, 3, "a key must be plain text"),
        ("a: {<<: 5}\n", 1, 9, "merges mappings only"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("a: x\nb: y\x07z\n", 2, 5, "control character U+0007"),
        ("é: ünï\nb: [\n", 2, 4, "`[` is not closed before the end of the file"),
        ("a: [b, {c: 1}\n", 1, 4, "`[` is not closed before the end of the file"),
    ],
)
def test_broken_text_is_explained_in_its_place(
    text: str, line: int, column: int, words: str
) -> None:
    assert finding_of(text)[:2] == (line, column)
    assert words in finding_of(text)[2]


def test_the_nearest_anchor_is_proposed() -> None:
    assert finding_of("a: &radar 1\nb: *rader\n")[3] == "did you mean `*radar`?"


def test_empty_text_has_no_node() -> None:
    assert read("") == (None, [])
    assert read("# nothing\n\n") == (None, [])


def test_a_billion_laughs_are_not_expanded() -> None:
    lines = ["l0: &l0 [lol]"]
    lines += [f"l{k}: &l{k} [{', '.join([f'*l{k - 1}'] * 10)}]" for k in range(1, 12)]
    line, _, message, _ = finding_of("\n".join(lines))
    assert "more than 200000 values" in message
    # 10 + 100 + … passes the bound while the sixth of twelve levels is read: no more is.
    assert line == 6


def test_depth_is_bounded_also_through_aliases() -> None:
    assert "levels deep" in finding_of("[" * 50 + "]" * 50)[2]
    assert "levels deep" in finding_of("[" * 100_000)[2]
    half = "[" * 25 + "]" * 25
    assert "levels deep" in finding_of(f"a: &a {half}\nb: {'[' * 25}*a{']' * 25}\n")[2]
    assert read(f"a: &a {half}\nb: [*a]\n")[1] == []


def test_the_number_of_values_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "NODES_MAX", 1000)
    assert read("a: [" + "1," * 998 + "]")[1] == []
    assert "more than 1000 values" in finding_of("a: [" + "1," * 999 + "]")[2]
