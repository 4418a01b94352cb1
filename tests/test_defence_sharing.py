"""Who sees what: groups of sensors, pictures side by side, nodes and links that fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from defence_scenes import effector, north, scene, world_of

from sim.engine.sharing import groups_of
from sim.engine.step import run
from sim.scenario.defending import Defence
from sim.world.trajectories import Knots, Trajectories

NATIONS = ["AAA", "AAA", "BBB", "CCC", None]
IDS = [f"s{k}" for k in range(5)]


def groups(sharing: str, own: list[list[str]], nations: list[str], alone: bool = False) -> Any:
    given = [
        effector(id=f"e{k}", nation=nation, sensors=sensors)
        for k, (sensors, nation) in enumerate(zip(own, nations, strict=True))
    ]
    pairs = [("AAA", "BBB")] if sharing == "bilateral" else []
    spec = Defence.model_validate({"effectors": given, "sharing": sharing, "bilateral": pairs})
    return groups_of(
        spec,
        spec.effectors,
        NATIONS,
        lambda ids: [IDS.index(name) for name in ids],
        [alone] * len(given),
    )


OWN = [["s0"], ["s1"], ["s2"], []]
OWNERS = ["AAA", "AAA", "BBB", "CCC"]


def sensors_of(found: Any, effector: int) -> list[int]:
    group = int(found.of_effector[effector])
    return [] if group < 0 else found.sensors[group].tolist()


@pytest.mark.parametrize(
    ("sharing", "seen"),
    [
        ("alliance", [[0, 1, 2, 3, 4]] * 4),
        ("national", [[0, 1, 4], [0, 1, 4], [2, 4], [3, 4]]),
        ("bilateral", [[0, 1, 2, 4], [0, 1, 2, 4], [0, 1, 2, 4], [3, 4]]),
        ("none", [[0], [1], [2], []]),
    ],
)
def test_whose_sensors_an_effector_sees_by(sharing: str, seen: list[list[int]]) -> None:
    found = groups(sharing, OWN, OWNERS)
    assert [sensors_of(found, k) for k in range(4)] == seen
    assert found.shared == len(found.sensors)


def test_partners_have_one_picture_each_and_decide_apart_unless_they_share_all() -> None:
    found = groups("bilateral", OWN, OWNERS)
    assert found.of_effector[0] == found.of_effector[1]
    assert found.of_effector[0] == found.of_effector[2]
    apart = groups("national", OWN, OWNERS)
    assert apart.of_effector[0] == apart.of_effector[1] != apart.of_effector[2]


def test_who_can_be_cut_off_has_a_picture_of_its_own_beside() -> None:
    found = groups("alliance", OWN, OWNERS, alone=True)
    assert found.shared == 1
    assert [found.sensors[k].tolist() for k in found.own if k >= 0] == [[0], [1], [2]]
    assert found.own.tolist() == [1, 2, 3, -1]


def two_sites(**defence: Any) -> dict[str, Any]:
    data = scene(
        effector(id="a", nation="AAA", sensors=["radar"], range_max_km=12.0, **EACH),
        effector(id="b", nation="BBB", sensors=["second"], range_max_km=12.0, **EACH),
        count=3,
        spread_m=800.0,
        start_km=24.0,
        duration_s=230.0,
        source="tracker",
        escalation=[{"id": "war", "weapons": "free"}],
        **defence,
    )
    second = {
        "id": "other",
        "nation": "BBB",
        "network": "net",
        "position": north(-1.0, 20.0),
        "sensors": [{"kind": "radar", "preset": "mobile-multi-mission", "id": "second"}],
    }
    data["sites"].append(second)
    return data


EACH: dict[str, Any] = {"channels": 10, "assessment_s": 4.0, "kill_probability": {"other": 0.9}}


def shots(data: dict[str, Any], folder: Path) -> list[tuple[int, float]]:
    found = []
    for snapshot in run(world_of(data, folder)):
        launched = snapshot.defence.launched
        found += list(zip(launched.effector.tolist(), launched.launch_s.tolist(), strict=True))
    return found


@pytest.mark.slow
def test_who_shares_does_not_shoot_twice(tmp_path: Path) -> None:
    plan = {"planner": {"interval_s": 1.0, "cost_weight": 0.0, "shots_max": 1}}
    apart = shots(two_sites(sharing="national", **plan), tmp_path)
    together = shots(two_sites(sharing="alliance", **plan), tmp_path)
    assert {effector for effector, _ in apart} == {0, 1}
    assert len(together) < len(apart)


@pytest.mark.slow
def test_when_its_link_is_down_it_fights_on_its_own(tmp_path: Path) -> None:
    # What is engaged on one's own is not identified: here an error costs nothing.
    data = two_sites(sharing="alliance", alone="free", doubt={"engaged": 0.0})
    data["networks"].append({"id": "weak", "outages": [[0, 1000]]})
    data["defence"]["effectors"] = [data["defence"]["effectors"][0] | {"network": "weak"}]
    assert shots(data, tmp_path)
    data["defence"]["alone"] = "hold"
    assert not shots(data, tmp_path)
    del data["defence"]["effectors"][0]["sensors"]
    data["defence"]["alone"] = "free"
    assert not shots(data, tmp_path)


def test_orders_wait_for_who_takes_over(tmp_path: Path) -> None:
    one = effector(node="first", range_max_km=25.0, kill_probability={"other": 0.5})
    nodes = [
        {"id": "first", "lost_s": [[20, 1000]], "takeover": "second", "takeover_s": 60},
        {"id": "second"},
    ]
    data = scene(one, count=3, spread_m=100.0, nodes=nodes, alone="hold", duration_s=150.0)
    times = [s.time_s for s in run(world_of(data, tmp_path)) if len(s.defence.ordered)]
    # 5 km to the envelope take 50 s: the first node is lost by then.
    assert min(times) == pytest.approx(80.0, abs=1.0)


def test_paths_that_end_are_the_same_until_then() -> None:
    rng = np.random.default_rng(5)
    paths = []
    for start in (0.0, 5.0, 40.0):
        times = start + np.cumsum(rng.uniform(1.0, 9.0, 6))
        paths.append(Knots.without_gaps(times, rng.normal(size=(6, 3)), rng.normal(size=(6, 3))))
    whole = Trajectories.join(paths)
    at_s = float(paths[0].time_s[2] + 0.7)
    ended = whole.ended([0, 1, 2], at_s)
    for time_s in np.arange(0.0, 80.0, 0.37):
        before, after = whole.truth(time_s), ended.truth(time_s)
        for row in range(3):
            there = paths[row].time_s[0] <= at_s <= paths[row].time_s[-1]
            gone = there and time_s > at_s
            assert after.present[row] == (before.present[row] and not gone)
            if after.present[row]:
                np.testing.assert_allclose(
                    after.position_enu_m[row], before.position_enu_m[row], atol=1e-9
                )
    again = ended.ended([0], float(paths[0].time_s[1]))
    assert not again.truth(at_s).present[0]
    exactly = whole.ended([0], float(paths[0].time_s[2]))
    assert exactly.truth(float(paths[0].time_s[2])).present[0]
    assert not exactly.truth(float(paths[0].time_s[2]) + 1e-6).present[0]
