"""A scenario's candidate sites as a problem of placement."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from coverage_scenarios import TEXT, stage_of

from sim.coverage.analysis import square_of
from sim.coverage.confirmation import confirmed_after
from sim.coverage.exchange import (
    NOTHING,
    Remembered,
    improved,
    order_of_purchase,
    useful_order,
    without_idle,
)
from sim.coverage.grid import square
from sim.coverage.line import Confirming
from sim.coverage.placement import Effort, Limits, Options
from sim.coverage.planning import (
    Candidates,
    candidates_of,
    covering_of,
    enough_per_s,
    plan_cover,
    plan_weakest,
)
from sim.coverage.stage import Stage
from sim.coverage.together import covered_share
from sim.scenario.coverage_spec import Condition

RULE = Confirming(3, 5)
DRY = Condition(id="dry")
CANDIDATES = """\
  side_km: 12
  candidates:
    - id: mast-north
      place: north
      cost_keur: [200, 400]
      position: {latitude_deg: 53.04, longitude_deg: 22.10, height_agl_m: 15}
      sensors: [{kind: radar, preset: drone-radar, id: radar-north}]
    - id: finder-north
      place: north
      cost_keur: [40, 60]
      position: {latitude_deg: 53.04, longitude_deg: 22.10, height_agl_m: 15}
      sensors: [{kind: rf-direction-finder, preset: drone-link-finder, id: finder-north}]
    - id: mast-south
      position: {latitude_deg: 52.97, longitude_deg: 22.12, height_agl_m: 15}
      sensors: [{kind: radar, preset: drone-radar, id: radar-south}]
    - id: ears-west
      cost_keur: [0.5, 1.5]
      position: {latitude_deg: 53.0, longitude_deg: 22.06, height_agl_m: 4}
      sensors: [{kind: acoustic, preset: acoustic-node, id: ears-new}]
"""


CAMERA = """\
  - id: camera
    position: {latitude_deg: 53.04, longitude_deg: 22.09, height_agl_m: 15}
    sensors: [{kind: infrared, preset: cooled-medium-wave, id: thermal, cued_by: picture}]
  - id: second
    position: {latitude_deg: 53.03, longitude_deg: 22.10, height_agl_m: 15}
    sensors: [{kind: infrared, preset: cooled-medium-wave, id: thermal-2, cued_by: picture}]
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    head = TEXT[: TEXT.index("  - id: hill")] + TEXT[TEXT.index("  - id: east") :]
    text = head.replace("  - id: west", "  - id: west", 1)
    return stage_of(tmp_path_factory.mktemp("planning"), text + CANDIDATES)


@pytest.fixture(scope="module")
def found(stage: Stage) -> Candidates:
    return candidates_of(stage, square_of(stage), DRY)


def test_options_are_the_candidate_sites(found: Candidates) -> None:
    assert found.names([0, 3]) == ["mast-north", "ears-west"]
    assert found.options.cost[:2].tolist() == [300.0, 50.0]
    assert found.options.cost_low[2] < found.options.cost_high[2]  # by kind of sensor
    north, finder, south, ears = found.options.group
    assert north == finder
    assert len({north, south, ears}) == 3
    assert found.more_per_s[0].max() > 0.1
    assert (found.more_per_s >= 0.0).all()


def test_what_is_enough_is_just_enough() -> None:
    look_s = np.array([[1.0, 2.0], [6.0, 20.0]])
    enough = enough_per_s(look_s, 30.0, 0.9, RULE)
    assert np.isinf(enough[1, 1])  # one look in thirty seconds makes no track
    for rate, period_s in zip(enough.ravel()[:3], look_s.ravel()[:3], strict=True):
        pd = 1.0 - np.exp(-rate * period_s)
        count = int(30.0 / period_s)
        assert confirmed_after(np.full(count, pd), 3, 5)[-1] == pytest.approx(0.9, abs=2e-3)


def test_covering_equals_all_choices(stage: Stage, found: Candidates) -> None:
    problem = covering_of(found, 30.0, 0.9, RULE)
    limits = Limits(budget=700.0)
    plan = plan_cover(stage, found, limits, RULE, Effort(time_s=40.0))
    best = max(
        problem.value(choice)
        for count in range(5)
        for choice in combinations(range(4), count)
        if limits.hold(found.options, choice)
    )
    cells = found.before.inward_per_s.size
    assert plan.promised.value == pytest.approx(best / cells)
    assert plan.promised.bound >= plan.promised.value - 1e-9
    assert plan.promised.proven
    # The choice proposed is the best of all, all sensors counted together.
    together = max(
        covered_share(found.seen_with(choice), 30.0, 0.9, RULE)
        for count in range(5)
        for choice in combinations(range(4), count)
        if limits.hold(found.options, choice)
    )
    assert plan.after.worth.covered == pytest.approx(together, abs=2e-4)
    assert plan.after.worth.covered > plan.before.covered


def test_nothing_idle_is_bought(stage: Stage, found: Candidates) -> None:
    plan = plan_cover(stage, found, Limits(most=4), RULE, Effort(time_s=40.0))
    chosen = plan.after.chosen
    whole = plan.after.worth.covered
    for gone in chosen:
        rest = [i for i in chosen if i != gone]
        assert covered_share(found.seen_with(rest), 30.0, 0.9, RULE) < whole - NOTHING
    covered = [plan.before.covered, *(step.worth.covered for step in plan.each_anew)]
    assert (np.diff(covered) > NOTHING).all()
    assert sorted(plan.one_by_one[-1].chosen) == sorted(plan.each_anew[-1].chosen)
    assert plan.one_by_one[-1].worth == plan.after.worth
    costs = [step.cost_keur[1] for step in plan.one_by_one]
    assert costs == sorted(costs)


def test_weakest_way_is_raised(stage: Stage, found: Candidates) -> None:
    plan = plan_weakest(stage, found, Limits(most=2), RULE, Effort(time_s=40.0, rounds=40))
    assert plan.promised.value >= plan.promised.base_value
    assert plan.promised.bound >= plan.promised.value - 1e-9
    assert plan.after.worth.exposure >= plan.before.exposure - 1e-6
    assert len(plan.after.chosen) <= 2
    assert 0.0 <= plan.after.worth.tracked <= plan.after.worth.seen + 1e-6


def test_a_radar_bought_points_cameras_that_stand(tmp_path: Path) -> None:
    bare = "sites:\n" + CAMERA + TEXT[TEXT.index("protect:") :]
    text = TEXT[: TEXT.index("sites:")] + bare + CANDIDATES
    stage = stage_of(tmp_path, text)
    found = candidates_of(stage, square_of(stage), DRY)
    seen = found.seen_with([0])
    assert not found.before.inward_per_s.any()
    assert (seen.inward_per_s > seen.uncued_per_s + 1e-4).any()


@pytest.mark.parametrize("start", [[], [0], [1, 2]])
def test_exchange_finds_the_best_and_drops_the_idle(start: list[int]) -> None:
    worth = {(0,): 1.0, (1,): 0.9, (2,): 0.9, (1, 2): 3.0, (3,): 0.0}

    def value(chosen: tuple[int, ...]) -> float:
        return max((gain for of, gain in worth.items() if set(of) <= set(chosen)), default=0.0)

    options = Options.of([1.0, 1.0, 1.0, 1.0])
    best = improved(start, options, Limits(budget=3.0), Remembered(value), 10.0)
    assert best == [1, 2]
    assert without_idle([3, 0], options, Remembered(value)) == [0]
    assert useful_order([3, 0, 1, 2], Remembered(value)) == [0]
    assert order_of_purchase([1, 0, 2], options, Remembered(value)) == [0, 1, 2]


def test_no_candidates_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    bare = stage_of(tmp_path_factory.mktemp("bare"))
    with pytest.raises(ValueError, match=r"give coverage\.candidates"):
        candidates_of(bare, square(bare.surroundings, 53.0, 22.1, 4e3, 500.0), DRY)


def test_a_budget_that_pays_for_nothing(stage: Stage, found: Candidates) -> None:
    with pytest.raises(ValueError, match="below the cheapest"):
        plan_cover(stage, found, Limits(budget=0.5), RULE)
