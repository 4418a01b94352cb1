"""Weapons states, caveats, places, escalation, nodes and their decisions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sim.core.tables import Identity
from sim.defence.command import ALONE, Decisions, Nodes, weapons_of
from sim.defence.rules import (
    Escalation,
    Restrictions,
    Standing,
    Weapons,
    by_place,
    by_weapons,
    inside,
)
from sim.defence.threats import Assets, damage_of, evaluate
from sim.world.targets import CLASS_NAMES


def standing(*identities: Identity) -> Standing:
    words = np.array(identities)
    friendly = np.isin(words, (Identity.FRIEND, Identity.ASSUMED_FRIEND, Identity.NEUTRAL))
    no = np.zeros(words.size, bool)
    return Standing(words == Identity.HOSTILE, friendly, no, no)


ALL = (Identity.HOSTILE, Identity.SUSPECT, Identity.UNKNOWN, Identity.FRIEND, Identity.NEUTRAL)


@pytest.mark.parametrize(
    ("weapons", "allowed"),
    [
        (Weapons.HOLD, [False] * 5),
        (Weapons.TIGHT, [True, False, False, False, False]),
        (Weapons.FREE, [True, True, True, False, False]),
    ],
)
def test_weapons_states(weapons: Weapons, allowed: list[bool]) -> None:
    far = np.zeros((1, 5), bool)
    assert by_weapons(np.array([float(weapons)]), standing(*ALL), far)[0].tolist() == allowed


def test_self_defence_spares_friends_only() -> None:
    near = np.ones((1, 5), bool)
    allowed = by_weapons(np.array([float(Weapons.HOLD)]), standing(*ALL), near)[0]
    assert allowed.tolist() == [True, True, True, False, False]


def test_a_polygon_that_is_not_convex() -> None:
    corners = np.array([[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]], float)
    east = np.array([1.0, 3.0, 2.0, 2.0, 5.0, -1.0])
    north = np.array([1.0, 1.0, 0.5, 2.0, 1.0, 1.0])
    assert inside(corners, east, north).tolist() == [True, True, True, False, False, False]
    assert not inside(np.empty((0, 2)), east, north).any()


def test_no_shot_over_a_town_nor_near_a_friend() -> None:
    town = Restrictions(np.zeros((1, 2)), np.array([1000.0]), np.array([2000.0]), 500.0, 0.0)
    aim = np.array([[500.0, 0, 0], [500.0, 0, 0], [1500.0, 0, 0], [3000.0, 0, 0]])
    height = np.array([1000.0, 3000.0, 1000.0, 1000.0])
    assert by_place(town, aim, height, np.empty((0, 3))).tolist() == [False, True, True, True]
    friends = np.array([[3000.0, 300.0, 0.0]])
    assert by_place(town, aim, height, friends).tolist() == [False, True, True, False]


def test_escalation_rises_at_once_and_falls_after_a_calm_time() -> None:
    level = Escalation([0, 3, 10], [Weapons.HOLD, Weapons.TIGHT, Weapons.FREE], 60.0)
    assert level.judge(0, 0.0) == Weapons.HOLD
    assert level.judge(12, 10.0) == Weapons.FREE
    assert level.judge(0, 69.0) == Weapons.FREE
    assert level.judge(4, 70.0) == Weapons.TIGHT
    assert level.judge(0, 131.0) == Weapons.HOLD


def nodes(**changed: object) -> Nodes:
    plain: dict[str, object] = {
        "id": ("a", "b", "c"),
        "delay_s": np.zeros(3),
        "decisions_per_s": np.array([math.inf, 0.5, 1.0]),
        "weapons": np.array([-1, Weapons.HOLD, -1], np.int32),
        "lost_s": (((100.0, 200.0),), ((150.0, 300.0),), ()),
        "takeover": np.array([1, 2, -1], np.int32),
        "takeover_s": np.array([10.0, 20.0, 0.0]),
    }
    return Nodes(**(plain | changed))  # type: ignore[arg-type]


def test_a_lost_node_is_stood_in_for_and_its_successor_too() -> None:
    chain = nodes()
    assert chain.commander(0, 50.0) == 0
    assert chain.commander(0, 105.0) == ALONE
    assert chain.commander(0, 120.0) == 1
    assert chain.commander(0, 155.0) == ALONE  # the stand-in is lost too, its own not there yet
    assert chain.commander(0, 180.0) == 2
    assert chain.commander(0, 200.0) == 0
    assert chain.commander(2, 155.0) == 2


def test_decisions_come_at_a_node_s_rate() -> None:
    left = Decisions(nodes())
    assert sum(left.take(1) for _ in range(20)) == 5  # ten seconds' worth at first
    left.fill(4.0)
    assert sum(left.take(1) for _ in range(20)) == 2
    left.fill(1000.0)
    assert sum(left.take(1) for _ in range(20)) == 5
    assert all(left.take(0) for _ in range(1000))
    assert all(left.take(ALONE) for _ in range(1000))


def test_a_node_s_own_weapons_state_precedes_the_escalation() -> None:
    all_nodes = nodes()
    assert weapons_of(all_nodes, 0, Weapons.FREE, Weapons.TIGHT) == Weapons.FREE
    assert weapons_of(all_nodes, 1, Weapons.FREE, Weapons.TIGHT) == Weapons.HOLD
    assert weapons_of(all_nodes, ALONE, Weapons.FREE, Weapons.TIGHT) == Weapons.TIGHT


def test_threats_are_what_comes_for_what_is_worth_something() -> None:
    assets = Assets(
        np.array([0, 1], np.int32),
        np.array([[0, 0, 0], [20e3, 0, 0]], float),
        np.array([1e3, 1e3]),
        np.array([1.0, 5.0]),
    )
    position = np.array([[0, 10e3, 500], [20e3, 10e3, 500], [0, 10e3, 500], [500, 0, 500]], float)
    velocity = np.array([[0, -100, 0], [0, -100, 0], [0, 100, 0], [0, 0, 0]], float)
    found = evaluate(position, velocity, np.full(4, 0.4), assets)
    assert found.asset.tolist()[:2] == [0, 1]
    assert found.time_to_go_s[:2] == pytest.approx([90.0, 90.0])
    assert found.worth[:2] == pytest.approx([0.4, 2.0])
    # One that flies off may yet turn, but is worth less, and never arrives.
    assert found.worth[2] < 0.4 * 5.0
    assert math.isinf(found.time_to_go_s[2])
    assert found.time_to_go_s[3] == 0.0
    assert found.closest_m[3] == 0.0


def test_every_class_has_its_damage() -> None:
    damage = damage_of(CLASS_NAMES)
    assert ((damage >= 0.0) & (damage <= 1.0)).all()
    assert damage[CLASS_NAMES.index("decoy")] < damage[CLASS_NAMES.index("cruise-missile")]
    assert damage_of(("no-such-class",)) == damage_of(("other",))
