"""Weapon–target assignment: equal to exhaustive search where possible, certified elsewhere."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import twins_assignment as twins
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from benchmarks.assignment import drawn
from sim.core.tables import Floats
from sim.defence.assignment import METHODS, Problem, assign
from sim.defence.assignment_bound import (
    best_set,
    bound_in_parts,
    bound_in_whole,
    in_parts,
    whole_bound,
)
from sim.defence.assignment_exact import list_sets, search
from sim.defence.assignment_problem import plan_of
from sim.defence.assignment_programme import dual_bound, parts_programme, whole_programme
from sim.defence.assignment_search import greedy, local_search, one_each

PROVING = ("best", "exact", "milp")


def random_problem(seed: int, *, least: bool = False) -> Problem:
    """A problem small enough to try all plans: some pairs not allowed, costs and limits or none."""
    rng = np.random.default_rng(seed)
    weapons, targets = rng.integers(1, 5, 2)
    p = rng.uniform(0.05, 0.95, (weapons, targets)) * (rng.random((weapons, targets)) < 0.85)
    shots = rng.integers(0, 3, weapons)
    most = rng.integers(0, 4, targets) if rng.random() < 0.5 else np.full(targets, shots.sum())
    can = np.minimum(most, shots @ (p > 0.0))
    return Problem.of(
        p,
        rng.uniform(0.0, 10.0, targets) * (rng.random(targets) < 0.9),
        shots,
        cost=rng.uniform(0.0, 2.0, weapons) * (rng.random() < 0.5),
        most=most,
        least=rng.integers(0, can + 1) if least else None,
    )


@pytest.mark.parametrize("seed", range(25))
def test_all_methods_against_all_plans(seed: int) -> None:
    problem = random_problem(seed)
    optimum = twins.optimum(problem)
    near = 1e-8 * max(float(problem.value.sum()), 1.0)
    for method in METHODS:
        plan = assign(problem, method=method)
        assert problem.allows(plan.shots)
        assert plan.gained == pytest.approx(twins.gained(problem, plan.shots), abs=1e-9)
        assert plan.gained <= optimum + near
        assert plan.bound >= optimum - near, method
        assert plan.gap >= 0.0
        if method in ("best", "exact"):
            assert plan.gained == pytest.approx(optimum, abs=near), method
            assert plan.proven
        if method == "milp":
            # HiGHS stops at a millionth of the value at stake.
            assert plan.gained == pytest.approx(optimum, abs=2e-6 * problem.value.sum() + 1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_greedy_gains_what_is_guaranteed(seed: int) -> None:
    problem = random_problem(seed)
    free = Problem.of(problem.kill_probability, problem.value, problem.shots)
    assert free.gained(greedy(free)) >= 0.5 * twins.optimum(free) - 1e-12
    limited = Problem.of(problem.kill_probability, problem.value, problem.shots, most=problem.most)
    assert limited.gained(greedy(limited)) >= twins.optimum(limited) / 3.0 - 1e-12
    for one in (problem, free, limited):
        assert one.gained(greedy(one)) == pytest.approx(one.gained(twins.greedy(one)), abs=1e-9)


def test_greedy_may_lose_nearly_half() -> None:
    """The weapon that could do either takes the target that is the other's only one."""
    problem = Problem.of([[0.8, 0.79], [0.8, 0.0]], [1.0, 1.0], [1, 1])
    assert problem.gained(greedy(problem)) == pytest.approx(0.96)
    assert assign(problem).gained == pytest.approx(1.59)
    # The local search finds it: a shift of one shot.
    assert problem.gained(local_search(problem, greedy(problem))) == pytest.approx(1.59)


@pytest.mark.parametrize("seed", range(30))
def test_local_search_leaves_no_single_move(seed: int) -> None:
    problem = random_problem(seed)
    x = local_search(problem)
    now = problem.gained(x)
    moves = list(np.argwhere(problem.kill_probability > 0.0))
    for w, t in moves:
        for step in (-1, 1):
            y = x.copy()
            y[w, t] += step
            assert not problem.allows(y) or problem.gained(y) <= now + 1e-8
        for v, k in moves:
            if x[w, t] == 0:
                continue
            shifted = x.copy()
            shifted[w, t] -= 1
            if v == w or k == t:
                shifted[v, k] += 1
            elif x[v, k]:
                shifted[v, k] -= 1
                shifted[w, k] += 1
                shifted[v, t] += 1
            assert not problem.allows(shifted) or problem.gained(shifted) <= now + 1e-8


@pytest.mark.parametrize("seed", range(30))
def test_bounds_hold_for_any_prices(seed: int) -> None:
    """D(λ) is no less than the optimum, whole and in parts, whatever λ is."""
    problem = random_problem(seed)
    p, optimum = problem, twins.optimum(problem)
    rng = np.random.default_rng(1000 + seed)
    targets, weapons = p.value.size, p.shots.size
    chosen, share = np.empty((targets, weapons), np.int64), np.empty(targets)
    for price in (np.zeros(weapons), rng.uniform(0.0, 5.0, weapons)):
        whole = whole_bound(
            p.kill_probability, p.exponent, p.value, p.shots, p.cost, p.most,
            price, 10_000, 1e-9, chosen, share,
        )  # fmt: skip
        exact = price @ p.shots + sum(twins.best_worth(p, t, price) for t in range(targets))
        assert whole == pytest.approx(exact, abs=1e-7)
        assert whole >= optimum - 1e-9
        # Cut short, the search still bounds.
        short = whole_bound(
            p.kill_probability, p.exponent, p.value, p.shots, p.cost, p.most,
            price, 1, 1e-9, chosen, share,
        )  # fmt: skip
        assert short >= whole - 1e-9
        plan = greedy(p)
        assert bound_in_whole(p, price, plan, 10)[0] >= optimum - 1e-9
        at_most, at_least = rng.uniform(0.0, 2.0, (2, targets))
        assert dual_bound(p, price, at_most, at_least) >= optimum - 1e-9
        assert dual_bound(p, price, np.zeros(targets), np.zeros(targets)) >= whole - 1e-7


@pytest.mark.parametrize(("value", "ratio"), [(5.0, 1.3), (2.0, 2.0), (1.0, 3.0), (4.0, 0.0)])
def test_the_closed_form_is_the_maximum(value: float, ratio: float) -> None:
    s = np.linspace(0.0, 40.0, 400_001)
    assert in_parts(value, ratio) == pytest.approx(
        float((value * -np.expm1(-s) - ratio * s).max()), abs=1e-8
    )


@pytest.mark.parametrize("seed", range(8))
def test_shots_in_parts_against_a_judge(seed: int) -> None:
    """Water filling and the linear programme find what scipy's SLSQP finds."""
    problem = random_problem(100 + seed)
    p = Problem.of(problem.kill_probability, problem.value, problem.shots, cost=problem.cost)
    judged = in_parts_by_slsqp(p)
    scale = max(float(p.value.sum()), 1.0)
    assert bound_in_parts(p)[0] == pytest.approx(judged, abs=3e-6 * scale)
    assert parts_programme(p).bound == pytest.approx(judged, abs=1e-6 * scale)


def in_parts_by_slsqp(problem: Problem) -> float:
    """The best shots in parts by sequential quadratic programmes."""
    w, t = np.nonzero(problem.kill_probability > 0.0)
    if not w.size:
        return 0.0
    a, weapons, targets = problem.exponent[w, t], *problem.kill_probability.shape

    def survives(z: Floats) -> Floats:
        return problem.value * np.exp(-np.bincount(t, a * z, targets))

    def loss(z: Floats) -> float:
        return float(survives(z).sum() + problem.cost[w] @ z)

    def slope(z: Floats) -> Floats:
        return problem.cost[w] - survives(z)[t] * a

    by_weapon = (w == np.arange(weapons)[:, None]).astype(np.float64)
    by_target = (t == np.arange(targets)[:, None]).astype(np.float64)
    limits: list[Any] = [
        {"type": "ineq", "fun": room, "jac": lambda z, rows=rows: rows}
        for room, rows in (
            (lambda z: problem.shots - by_weapon @ z, -by_weapon),
            (lambda z: by_target @ z - problem.least, by_target),
        )
    ]
    found = minimize(
        loss,
        problem.shots[w] / targets,
        jac=slope,
        bounds=[(0.0, None)] * w.size,
        constraints=limits,
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-13},
    )
    assert found.success
    return float(problem.value.sum()) - float(found.fun)


@pytest.mark.parametrize("seed", range(25))
def test_least_shots_are_heeded(seed: int) -> None:
    problem = random_problem(200 + seed, least=True)
    optimum = twins.optimum(problem)
    if not math.isfinite(optimum):
        with pytest.raises(ValueError, match="least"):
            assign(problem)
        return
    plan = assign(problem)
    assert problem.allows(plan.shots)
    near = 2e-6 * float(problem.value.sum()) + 1e-9
    assert plan.gained == pytest.approx(optimum, abs=near)
    assert plan.bound >= optimum - near
    assert parts_programme(problem).bound >= optimum - near


def test_only_milp_heeds_least() -> None:
    problem = Problem.of([[0.5, 0.5]], [1.0, 9.0], [2], least=[1, 0])
    assert assign(problem).shots.tolist() == [[1, 1]]
    for method in METHODS:
        if method not in ("best", "milp"):
            with pytest.raises(ValueError, match="least"):
                assign(problem, method=method)


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_weapons_and_targets_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, value = rng.uniform(0.3, 0.9, (6, 4)), rng.uniform(1.0, 10.0, 4)
    shots = rng.integers(1, 3, 6)
    x = assign(Problem.of(p, value, shots)).shots
    rows, columns = rng.permutation(6), rng.permutation(4)
    turned = assign(Problem.of(p[np.ix_(rows, columns)], value[columns], shots[rows])).shots
    assert turned.tolist() == x[np.ix_(rows, columns)].tolist()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("p", "shots", "most"),
    [
        (np.zeros((0, 0)), 1, None),
        (np.zeros((3, 0)), 1, None),
        (np.zeros((0, 3)), 1, None),
        (np.zeros((2, 3)), 1, None),
        (np.full((2, 3), 0.5), 0, None),
        (np.full((2, 3), 0.5), 2, 0),
    ],
)
def test_nothing_to_do(method: str, p: Floats, shots: int, most: int | None) -> None:
    plan = assign(Problem.of(p, np.ones(p.shape[1]), shots, most=most), method=method)
    assert plan.shots.shape == p.shape
    assert not plan.shots.any()
    assert plan.gained == plan.gap == plan.relative_gap == 0.0
    assert plan.proven


def test_shots_that_cost_more_than_they_gain_are_kept() -> None:
    problem = Problem.of([[0.5, 0.5], [0.5, 0.5]], [4.0, 1.0], [5, 5], cost=[0.9, 3.0])
    for method in METHODS:
        x = assign(problem, method=method).shots
        assert x[1].sum() == 0
        assert x.tolist() == ([[1, 0], [0, 0]] if method == "one_each" else [[2, 0], [0, 0]])


def test_one_each_is_the_assignment_problem() -> None:
    problem = Problem.of([[0.9, 0.8], [0.8, 0.1], [0.1, 0.1]], [1.0, 1.0], 1, most=1)
    plan = assign(problem, method="one_each")
    assert plan.shots.tolist() == [[0, 1], [1, 0], [0, 0]]
    assert plan.gap == 0.0
    assert plan.gained == pytest.approx(twins.optimum(problem))
    # A weapon with two shots stands for two; a second shot at a target needs another method.
    double = Problem.of([[0.9, 0.8]], [1.0, 1.0], 5)
    assert one_each(double).tolist() == [[1, 1]]
    assert assign(double, method="one_each").bound >= twins.optimum(double)


def test_a_search_that_is_cut_short_says_so() -> None:
    problem = drawn(1, 50, 25)
    x = greedy(problem)
    _, price = bound_in_parts(problem, sweeps=20)
    cut = search(problem, x, price, 2)
    assert not cut.complete
    assert problem.gained(cut.shots) >= problem.gained(x)
    whole, price, better = bound_in_whole(problem, price, x, 100)
    assert problem.gained(better) > problem.gained(x)
    done = search(problem, better, price, 1_000_000)
    assert done.complete
    assert problem.gained(better) <= problem.gained(done.shots) <= whole


@pytest.mark.parametrize("seed", range(20))
def test_the_search_is_exact_whatever_it_starts_from(seed: int) -> None:
    """No plan known and arbitrary prices: all must be searched."""
    problem = random_problem(300 + seed)
    price = np.random.default_rng(seed).uniform(0.0, 3.0, problem.shots.size)
    nothing = np.zeros(problem.kill_probability.shape, np.int64)
    found = search(problem, nothing, price, 1_000_000)
    assert found.complete
    assert problem.allows(found.shots)
    assert problem.gained(found.shots) == pytest.approx(twins.optimum(problem), abs=1e-7)


def test_a_programme_without_time_still_bounds() -> None:
    plan = assign(drawn(0, 60, 40), method="milp", seconds=1e-3)
    assert plan.bound <= drawn(0, 60, 40).value.sum()
    assert 0.0 < plan.gained <= plan.bound
    assert not plan.proven


@pytest.mark.parametrize("t", range(3))
def test_sets_listed_are_those_worth_enough(t: int) -> None:
    rng = np.random.default_rng(t)
    p = Problem.of(rng.uniform(0.2, 0.9, (4, 3)), [3.0, 5.0, 9.0], [2, 1, 2, 1], most=4)
    price = rng.uniform(0.1, 1.0, 4)
    worth = {}
    for x in twins.columns(p, t, (2, 1, 2, 1)):
        alone = np.zeros(p.kill_probability.shape, np.int64)
        alone[:, t] = x
        worth[x] = twins.gained(p, alone) - float(price @ np.array(x))
    best = max(worth.values())
    start, weapon, listed, steps = list_sets(
        p.kill_probability, p.exponent, p.value[t], price, p.shots, 4, t, best - 1.0, 500, 9999
    )
    assert steps >= 0
    found = {
        tuple(np.bincount(weapon[a:b], minlength=4).tolist()): float(v)
        for a, b, v in zip(start[:-1], start[1:], listed, strict=True)
    }
    assert found == pytest.approx({x: v for x, v in worth.items() if v >= best - 1.0})
    assert len(found) > 3
    chosen = np.zeros(4, np.int64)
    bound = best_set(
        p.kill_probability, p.exponent, p.value[t], price, p.shots, 4, t, 9999, 1e-12, chosen
    )
    assert worth[tuple(chosen.tolist())] == pytest.approx(best)
    assert bound == pytest.approx(best)
    for room, few in ((2, 9999), (500, 3)):
        *_, left = list_sets(
            p.kill_probability, p.exponent, p.value[t], price, p.shots, 4, t, 0.0, room, few
        )
        assert left < 0


def test_shots_far_beyond_need() -> None:
    """Survival underflows; plan and bound stay what they are."""
    problem = Problem.of([[0.99, 0.5], [0.4, 0.0]], [3.0, 2.0], [5000, 3000])
    for method in METHODS:
        plan = assign(problem, method=method)
        assert plan.bound == pytest.approx(5.0)
        assert method == "one_each" or plan.gained == pytest.approx(5.0)


def test_large_problems_are_bounded_closely() -> None:
    for seed in range(2):
        plan = assign(drawn(seed, 200, 100))
        assert plan.bound_by == "Lagrange, whole shots"
        assert 0.0 <= plan.relative_gap < 1e-3


def test_time_betters_plan_and_bound() -> None:
    problem = drawn(3, 60, 60)
    quick, slow = assign(problem), assign(problem, seconds=1.0)
    assert slow.gap < quick.gap
    assert slow.gained >= quick.gained
    assert slow.bound <= quick.bound


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_plan_is_the_same_each_time(seed: int) -> None:
    problem = random_problem(seed)
    assert assign(problem).shots.tolist() == assign(problem).shots.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kill_probability": [0.5, 0.5]}, r"1 dimensions, expected 2"),
        ({"kill_probability": [[0.5, 1.0]]}, r"kill_probability\[0, 1\] is 1.0, .* below 1"),
        ({"kill_probability": [[-0.1, 0.5]]}, r"kill_probability\[0, 0\] is -0.1"),
        ({"kill_probability": [[0.5, math.nan]]}, r"kill_probability\[0, 1\] is nan"),
        ({"value": [1.0]}, r"value has shape \(1,\), expected \(2,\)"),
        ({"value": [1.0, -2.0]}, r"value\[1\] is -2.0, expected 0 or more"),
        ({"value": [math.inf, 1.0]}, r"value\[0\] is inf"),
        ({"shots": [1.5]}, r"shots\[0\] is 1.5, expected a whole number"),
        ({"shots": [-1]}, r"shots\[0\] is -1, expected 0 or more"),
        ({"shots": [math.nan]}, r"shots\[0\] is nan"),
        ({"cost": [math.nan]}, r"cost\[0\] is nan"),
        ({"most": [1, -1]}, r"most\[1\] is -1"),
        ({"least": [0, 3]}, r"least\[1\] is 3, more shots than"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    given_: dict[str, Any] = {
        "kill_probability": [[0.5, 0.5]], "value": [1.0, 2.0], "shots": [2]
    }  # fmt: skip
    with pytest.raises(ValueError, match=message):
        Problem.of(**given_ | change)


def test_wrong_questions_and_wrong_answers() -> None:
    problem = Problem.of([[0.5]], [1.0], [1])
    with pytest.raises(ValueError, match="expected one of best, greedy"):
        assign(problem, method="gredy")
    with pytest.raises(ValueError, match="above 0"):
        assign(problem, seconds=0.0)
    with pytest.raises(RuntimeError, match="broke a limit"):
        plan_of(problem, np.array([[2]]), 1.0, "none", "none")
    with pytest.raises(RuntimeError, match="above the bound"):
        plan_of(problem, np.array([[1]]), 0.4, "none", "none")
    with pytest.raises(ValueError, match="least"):
        whole_programme(Problem.of([[0.5, 0.5]], [1.0, 1.0], [2], least=[2, 1]))
