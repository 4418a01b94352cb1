"""Closed forms of layered defence against counting, and WEAPONS against its best known value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from test_assignment_plan import in_parts_by_slsqp

from sim.defence.assignment import assign
from sim.defence.assignment_bound import bound_in_parts
from sim.defence.assignment_problem import Problem
from sim.defence.assignment_programme import dual_bound, parts_programme
from sim.defence.closed_forms import (
    engagement_opportunities,
    erlang_b,
    layered_leakage,
    no_leaker,
    salvo,
    shoot_look_shoot,
)
from sim.verification.check import Check
from sim.verification.defence import CHECKS, weapons

BEST_KNOWN = 1735.56957986


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_published_numbers(check: Check) -> None:
    assert check.compute() == pytest.approx(check.expected, abs=check.tolerance)


def test_shots_against_drawn_ones() -> None:
    rng = np.random.default_rng(1)
    kills = rng.random((200_000, 3)) < 0.6
    first = np.where(kills.any(axis=1), kills.argmax(axis=1) + 1, 3)
    killed, shots = shoot_look_shoot(0.6, 2)
    assert killed == pytest.approx(kills.any(axis=1).mean(), abs=0.002)
    assert shots == pytest.approx(first.mean(), abs=0.006)
    assert salvo(0.6, 3) == pytest.approx(killed)
    assert layered_leakage([0.6] * 3) == pytest.approx(1.0 - killed)


def test_shots_at_the_ends() -> None:
    assert salvo(0.5, 0) == 0.0
    assert shoot_look_shoot(1.0, 5) == (1.0, 1.0)
    assert shoot_look_shoot(0.0, 5) == (0.0, 6.0)
    assert layered_leakage([]) == 1.0
    assert no_leaker(0.3, 0) == 1.0


@pytest.mark.parametrize("channels", [0, 1, 5, 20])
def test_erlang_against_its_definition(channels: int) -> None:
    offered = 7.5
    terms = [offered**n / math.factorial(n) for n in range(channels + 1)]
    assert erlang_b(offered, channels) == pytest.approx(terms[-1] / sum(terms), rel=1e-12)


def test_erlang_of_many_channels_does_not_overflow() -> None:
    assert erlang_b(900.0, 1000) == pytest.approx(6.0e-5, rel=0.9)
    assert erlang_b(5000.0, 1000) == pytest.approx(0.8, abs=0.01)
    assert erlang_b(0.0, 3) == 0.0


def test_intercepts_lie_where_threat_and_interceptor_meet() -> None:
    """Marched in time: the threat from its detection, each shot from its launch."""
    met = engagement_opportunities(30e3, 250.0, 800.0, 10.0, 8.0, 1e3, 20e3)
    assert met[0] == 20e3
    ready_s = 10.0
    for range_m in met:
        arrives_s = (30e3 - range_m) / 250.0
        launch_s = arrives_s - range_m / 800.0
        assert launch_s >= ready_s - 1e-9
        # It waits for nothing but the outer edge.
        assert range_m == 20e3 or launch_s == pytest.approx(ready_s)
        ready_s = arrives_s + 8.0
    assert list(met) == sorted(met, reverse=True)
    next_launch_m = 30e3 - 250.0 * ready_s
    assert next_launch_m * 800.0 / 1050.0 < 1e3


def test_seen_too_late_there_is_no_opportunity() -> None:
    assert engagement_opportunities(3e3, 250.0, 800.0, 10.0, 8.0, 1e3, 20e3) == ()
    assert engagement_opportunities(5e3, 250.0, 800.0, 60.0, 8.0, 1e3, 20e3) == ()
    # Without assessment a shot follows at each intercept: a geometric row.
    met = engagement_opportunities(2e3, 200.0, 800.0, 0.0, 0.0, 1e3, 20e3)
    assert met == pytest.approx((1600.0, 1280.0, 1024.0))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: salvo(1.2, 2), "1.2 is no probability"),
        (lambda: salvo(math.nan, 2), "nan is no probability"),
        (lambda: salvo(0.5, -1), "shots is -1"),
        (lambda: shoot_look_shoot(0.5, -1), "looks is -1"),
        (lambda: no_leaker(0.5, -1), "threats is -1"),
        (lambda: erlang_b(-1.0, 2), "offered is -1.0"),
        (lambda: erlang_b(1.0, -2), "channels is -2"),
        (lambda: engagement_opportunities(0, 1, 1, 1, 1, 1, 2), "detection_m is 0"),
        (lambda: engagement_opportunities(9, 1, 1, -1, 1, 1, 2), "reaction_s is -1"),
        (lambda: engagement_opportunities(9, 1, 1, 1, 1, 3, 2), "outer_m is 2"),
    ],
)
def test_what_is_wrong_is_named(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_weapons_in_parts() -> None:
    """Bound, plan and an outside judge agree with the best known value."""
    problem = weapons()
    found = parts_programme(problem)
    assert found.shots is not None
    assert found.bound == pytest.approx(BEST_KNOWN, rel=1e-9)
    assert problem.gained(found.shots) == pytest.approx(BEST_KNOWN, rel=1e-9)
    assert in_parts_by_slsqp(problem) == pytest.approx(BEST_KNOWN, rel=1e-7)
    # The one number in which its copies differ does not matter.
    p = problem.kill_probability.copy()
    p[2, 2] = 0.05
    other = Problem.of(p, problem.value, problem.shots, least=problem.least)
    assert parts_programme(other).bound == pytest.approx(BEST_KNOWN, rel=1e-9)
    # Its limits bind: without them 3.8 more is gained, by both ways to the bound.
    free = Problem.of(problem.kill_probability, problem.value, problem.shots)
    assert bound_in_parts(free)[0] == pytest.approx(1739.395535, rel=2e-6)
    assert parts_programme(free).bound == pytest.approx(1739.395535, rel=1e-8)


def test_weapons_bound_holds_for_other_prices() -> None:
    problem = weapons()
    rng = np.random.default_rng(3)
    for _ in range(50):
        price, at_least = rng.uniform(0.0, 0.3, 5), rng.uniform(0.0, 0.3, 20)
        assert dual_bound(problem, price, np.zeros(20), at_least) > BEST_KNOWN


def test_weapons_in_whole_shots() -> None:
    problem = weapons()
    plan = assign(problem)
    assert plan.method == "milp"
    assert problem.allows(plan.shots)
    assert (plan.shots.sum(axis=0) >= problem.least).all()
    assert 0.9999 * BEST_KNOWN < plan.gained < BEST_KNOWN
    assert plan.relative_gap < 1e-6
