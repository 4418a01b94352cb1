"""A scenario's candidate sites as a problem of placement."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from coverage_scenarios import TEXT, stage_of

from sim.coverage.analysis import square_of
from sim.coverage.confirmation import confirmed_after
from sim.coverage.grid import square
from sim.coverage.line import Confirming
from sim.coverage.placement import Effort, Limits
from sim.coverage.planning import (
    Candidates,
    candidates_of,
    covering_of,
    enough_per_s,
    plan_cover,
    plan_weakest,
)
from sim.coverage.stage import Stage
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
    plan = plan_cover(stage, found, DRY, limits, RULE, Effort(time_s=20.0))
    best = max(
        problem.value(choice)
        for count in range(5)
        for choice in combinations(range(4), count)
        if limits.hold(found.options, choice)
    )
    cells = found.before.inward_per_s.size
    assert plan.placement.value == pytest.approx(100.0 * best / cells)
    assert plan.placement.bound >= plan.placement.value - 1e-9
    assert plan.placement.proven
    assert plan.after >= plan.before
    # Candidates that add up by themselves are worth together what was promised.
    assert plan.after >= plan.placement.value - 1.0
    values = [step.placement.value for step in plan.curve.free]
    assert values == sorted(values)


def test_weakest_way_is_raised(stage: Stage, found: Candidates) -> None:
    plan = plan_weakest(stage, found, DRY, Limits(most=2), Effort(time_s=40.0, rounds=40))
    assert plan.placement.value >= plan.placement.base_value
    assert plan.placement.bound >= plan.placement.value - 1e-9
    assert plan.after >= plan.before - 1e-6
    assert plan.placement.chosen.size <= 2


def test_no_candidates_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    bare = stage_of(tmp_path_factory.mktemp("bare"))
    with pytest.raises(ValueError, match=r"give coverage\.candidates"):
        candidates_of(bare, square(bare.surroundings, 53.0, 22.1, 4e3, 500.0), DRY)


def test_a_budget_that_pays_for_nothing(stage: Stage, found: Candidates) -> None:
    with pytest.raises(ValueError, match="below the cheapest"):
        plan_cover(stage, found, DRY, Limits(budget=0.5), RULE)
