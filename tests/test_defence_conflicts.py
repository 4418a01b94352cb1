"""What is wrong in a scenario's defence is told where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from defence_scenes import effector, north, scene, written

from sim.scenario.errors import UserError
from sim.scenario.loader import load

Change = Callable[[dict[str, Any]], None]


def defence(**changed: Any) -> Change:
    return lambda data: data["defence"].update(changed)


def first(**changed: Any) -> Change:
    return lambda data: data["defence"]["effectors"][0].update(changed)


def two_nodes(a: str | None, b: str | None) -> Change:
    given = [{"id": "a", "takeover": a}, {"id": "b", "takeover": b}]
    return defence(nodes=[{k: v for k, v in node.items() if v is not None} for node in given])


def far_away(data: dict[str, Any]) -> None:
    data["protect"][0]["position"]["longitude_deg"] = -75.0


AREA = [
    {"latitude_deg": 52.0, "longitude_deg": 4.0},
    {"latitude_deg": 53.0, "longitude_deg": 4.0},
    {"latitude_deg": 52.0, "longitude_deg": 6.0},
]

WRONG: list[tuple[str, Change, str]] = [
    ("no channels", first(channels=0), r"channels: expected at least 1, found 0"),
    ("circle of two", two_nodes("b", "a"), r"takeover goes in a circle: a → b → a"),
    ("circle of one", two_nodes("a", None), r"takeover goes in a circle: a → a"),
    ("unknown successor", two_nodes("c", None), r"no node has the id `c`"),
    ("unknown node", first(node="x"), r"no node has the id `x`"),
    ("unknown nation", first(nation="CCC"), r"no nation has the id `CCC`"),
    ("unknown sensor", first(sensors=["none"]), r"no sensor has the id `none`"),
    ("crews", first(caveats=["only-crewed", "only-uncrewed"]), r"together allow nothing"),
    (
        "a nation's crews and an effector's",
        lambda data: (
            first(nation="AAA", caveats=["only-crewed"])(data),
            defence(territories=[{"nation": "AAA", "caveats": ["only-uncrewed"]}])(data),
        )[0],
        r"together allow nothing",
    ),
    ("territory of nobody", first(nation="AAA", caveats=["own-territory"]), r"own-territory"),
    ("own sensor without one", first(caveats=["own-sensor"]), r"no sensors of its own"),
    (
        "jammer that may not jam",
        first(kind="jammer", caveats=["no-soft-kill"]),
        r"leaves the jammer `e` nothing to do",
    ),
    (
        "an area of two corners",
        defence(territories=[{"nation": "AAA", "area": AREA[:2]}]),
        r"three corners",
    ),
    ("sharing by nations of none", defence(sharing="national"), r"has no nation"),
    ("nothing to see by", defence(sharing="none"), r"none has any"),
    (
        "bilateral with nobody",
        lambda data: (first(nation="AAA")(data), defence(sharing="bilateral")(data))[0],
        r"nobody shares with anybody",
    ),
    ("protected far away", far_away, r"km from the area's origin"),
    (
        "levels that fall",
        defence(escalation=[{"id": "a", "weapons": "hold"}, {"id": "b", "weapons": "free"}]),
        r"levels must rise",
    ),
    ("unknown preset", first(preset="guns"), r"unknown effector preset 'guns'.*'gun'"),
    ("two places", first(aboard="raid"), r"exactly one of position, positions and aboard"),
    ("no place", lambda data: data["defence"]["effectors"][0].pop("position"), r"exactly one of"),
    ("envelope", first(range_min_km=20), r"range_min_km must be below range_max_km"),
    (
        "two of a name",
        lambda data: data["defence"]["effectors"].append(effector()),
        r"already the id of an effector",
    ),
    (
        "contributions",
        lambda data: data.update(judge={"contributions": True}),
        r"while shots change the truth",
    ),
]


@pytest.mark.parametrize(("change", "told"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_it_is_told_in_its_place(change: Change, told: str, tmp_path: Path) -> None:
    data = scene(effector())
    change(data)
    with pytest.raises(UserError) as error:
        load(written(data, tmp_path))
    text = str(error.value)
    assert re.search(told, text, re.DOTALL), text
    assert re.match(rf"{re.escape(str(tmp_path))}/scene\.yaml:\d+:\d+: ", text)
    assert "^" in text


def test_what_is_not_wrong_passes(tmp_path: Path) -> None:
    data = scene(
        effector(nation="AAA", node="a", sensors=["radar"], caveats=["own-territory"]),
        effector(id="many", position=None, positions=[north(1.0), north(2.0)], nation="BBB"),
        sharing="bilateral",
        bilateral=[["AAA", "BBB"]],
        nodes=[{"id": "a", "takeover": "b"}, {"id": "b"}],
        territories=[{"nation": "AAA", "area": AREA}],
    )
    del data["defence"]["effectors"][1]["position"]
    assert load(written(data, tmp_path)).spec.defence is not None
