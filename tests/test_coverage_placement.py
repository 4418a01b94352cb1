"""Placement of sensors: equal to exhaustive search where that is possible, certified elsewhere."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from sim.core.programme import _stdout_kept_clean
from sim.core.tables import Bools, Floats
from sim.coverage.covering import Cover, Covering, reduce, threshold
from sim.coverage.covering_exact import cover_exact
from sim.coverage.covering_greedy import cover_greedy, online_bound
from sim.coverage.covering_programme import relaxation_bound
from sim.coverage.covering_search import Found, search
from sim.coverage.marginal import Curve, by_budget, by_count, cover_curve, raise_curve
from sim.coverage.placement import Clock, Effort, Limits, Options, Placement, silent
from sim.coverage.raising import Weakest, raise_exact, raise_greedy

TAU = threshold(0.9)


def choices(options: Options, limits: Limits) -> Iterator[list[int]]:
    """Every choice within the limits, written down anew."""
    most = len(options) if limits.most is None else limits.most
    for count in range(min(most, len(options)) + 1):
        for choice in combinations(range(len(options)), count):
            cost = sum(0.5 * (options.cost_low[i] + options.cost_high[i]) for i in choice)
            groups = {int(options.group[i]) for i in choice}
            if cost <= limits.budget * (1 + 1e-9) and len(groups) == count:
                yield list(choice)


def covered_weight(
    weight: Floats, exposure: Floats, contribution: Floats, cover: Cover, choice: list[int]
) -> float:
    total = 0.0
    for demand, own in enumerate(exposure):
        more = [float(contribution[option, demand]) for option in choice]
        reached = own + sum(more) if cover is Cover.ADDITIVE else max([float(own), *more])
        if reached >= TAU * (1 - 1e-9):
            total += float(weight[demand])
    return total


def options_of(draw: st.DrawFn, count: int) -> tuple[Options, Limits]:
    """Draw costs, groups and limits."""
    even = draw(st.booleans())
    cost = np.ones(count) if even else np.array(draw(numbers(count, 1, 9)))
    spread = np.array(draw(numbers(count, 0, 3)))
    if draw(st.booleans()):
        group = np.array(draw(st.lists(st.integers(0, 4), min_size=count, max_size=count)))
    else:
        group = np.arange(count)
    options = Options.of(cost, cost + (0 if even else spread), group)
    budget = draw(st.sampled_from([math.inf, 1.0, 1.7, 3.0])) * float(options.cost.min())
    return options, Limits(budget, draw(st.sampled_from([None, 1, 2, 3])))


def numbers(count: int, low: int, high: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=count, max_size=count)


@st.composite
def coverings(
    draw: st.DrawFn,
) -> tuple[Floats, Floats, Floats, Cover, Covering, Options, Limits]:
    count = draw(st.integers(1, 7))
    demands = draw(st.integers(1, 14))
    options, limits = options_of(draw, count)
    weight = np.array(draw(numbers(demands, 0, 4)), float)
    exposure = np.array(draw(st.lists(st.sampled_from([0, 0, 0.3, 1, 2.4]), min_size=demands,
                                      max_size=demands)))  # fmt: skip
    sizes = st.sampled_from([0, 0, 0, 0.4, 0.8, 1.2, 1.9, 2.5, math.inf])
    flat = draw(st.lists(sizes, min_size=count * demands, max_size=count * demands))
    contribution = np.array(flat).reshape(count, demands)
    cover = draw(st.sampled_from(list(Cover)))
    problem = Covering.of(weight, exposure, csr_array(contribution), cover=cover)
    return weight, exposure, contribution, cover, problem, options, limits


def assert_honest(found: Placement, options: Options, limits: Limits, best: float) -> None:
    """Assert that a placement keeps to the limits and that the best lies under its bound."""
    assert sorted(found.chosen.tolist()) in list(choices(options, limits))
    assert found.value <= best + 1e-9
    assert found.bound >= best - 1e-6
    assert found.bound >= found.value
    assert found.cost_low == pytest.approx(options.cost_low[found.chosen].sum())
    assert found.cost_high == pytest.approx(options.cost_high[found.chosen].sum())
    assert found.cost <= limits.budget * (1 + 1e-9)


@settings(max_examples=80, deadline=None)
@given(coverings())
def test_covering_equals_exhaustive_search(
    case: tuple[Floats, Floats, Floats, Cover, Covering, Options, Limits],
) -> None:
    weight, exposure, contribution, cover, problem, options, limits = case
    values = {
        tuple(choice): covered_weight(weight, exposure, contribution, cover, choice)
        for choice in choices(options, limits)
    }
    best = max(values.values())

    exact = cover_exact(problem, options, limits)
    assert_honest(exact, options, limits, best)
    assert exact.value == best
    assert exact.proven
    assert values[tuple(sorted(exact.chosen.tolist()))] == best

    greedy = cover_greedy(problem, options, limits)
    assert_honest(greedy, options, limits, best)
    assert greedy.value == values[tuple(sorted(greedy.chosen.tolist()))]
    assert greedy.base_value == values[()]
    if greedy.share is not None:
        assert greedy.value - values[()] >= greedy.share * (best - values[()]) - 1e-9
        assert greedy.a_priori_bound >= best - 1e-9

    reduced = reduce(problem, options, limits)
    assert relaxation_bound(reduced, options, limits, 60.0) >= best - 1e-6
    for choice in list(values)[:6]:
        assert online_bound(reduced, options, limits, choice, 60.0) >= best - 1e-6


@pytest.mark.parametrize("seed", range(40))
def test_search_alone_equals_exhaustive_search(seed: int) -> None:
    # Mostly parts of what is needed, from which choices of two and three add up.
    rng = np.random.default_rng(seed)
    count, demands = 9, 25
    contribution = (
        rng.uniform(0.3, 1.0, (count, demands)) * TAU * (rng.random((count, demands)) < 0.5)
    )
    weight, exposure = rng.integers(1, 9, demands).astype(float), np.zeros(demands)
    options = Options.of(rng.integers(1, 4, count), group=rng.integers(0, 7, count))
    limits = [Limits(most=2), Limits(most=3), Limits(5.0), Limits(6.0, 3)][seed % 4]
    best = max(
        covered_weight(weight, exposure, contribution, Cover.ADDITIVE, choice)
        for choice in choices(options, limits)
    )
    problem = Covering.of(weight, exposure, csr_array(contribution))
    reduced = reduce(problem, options, limits)
    nothing = Found([], reduced.base_value, math.inf)
    found = search(reduced, options, limits, nothing, Clock(60.0), 0.0, None, silent)
    assert problem.value(found.chosen) == found.value == found.bound == best
    assert limits.hold(options, found.chosen)
    assert relaxation_bound(reduced, options, limits, 60.0) >= best - 1e-6


def oracle_of(base: Floats, by_option: Floats) -> Weakest:
    """Return the weakest of paths that are all written down."""

    def weakest(chosen: Bools) -> tuple[float, Floats]:
        path = int((base + by_option[:, chosen].sum(axis=1)).argmin())
        return float(base[path]), by_option[path]

    return weakest


@st.composite
def crossings(draw: st.DrawFn) -> tuple[Floats, Floats, Options, Limits]:
    count = draw(st.integers(1, 7))
    paths = draw(st.integers(1, 9))
    options, limits = options_of(draw, count)
    base = np.array(draw(numbers(paths, 0, 12))) / 8.0
    flat = draw(st.lists(st.sampled_from([0, 0, 1, 2, 5, 9]), min_size=count * paths,
                         max_size=count * paths))  # fmt: skip
    return base, np.array(flat).reshape(paths, count) / 7.0, options, limits


@settings(max_examples=80, deadline=None)
@given(crossings())
def test_raising_equals_exhaustive_search(case: tuple[Floats, Floats, Options, Limits]) -> None:
    base, by_option, options, limits = case
    values = {
        tuple(choice): min(
            float(own) + sum(float(row[option]) for option in choice)
            for own, row in zip(base, by_option, strict=True)
        )
        for choice in choices(options, limits)
    }
    best = max(values.values())
    weakest = oracle_of(base, by_option)

    exact = raise_exact(weakest, options, limits)
    assert_honest(exact, options, limits, best)
    assert exact.value == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert exact.proven
    assert exact.value == pytest.approx(values[tuple(sorted(exact.chosen.tolist()))], abs=1e-12)

    greedy = raise_greedy(weakest, options, limits)
    assert_honest(greedy, options, limits, best)
    assert greedy.value == pytest.approx(values[tuple(sorted(greedy.chosen.tolist()))], abs=1e-12)
    assert greedy.base_value == pytest.approx(values[()])
    assert greedy.share is None


@settings(max_examples=25, deadline=None)
@given(coverings())
def test_a_sensor_more_never_covers_less(
    case: tuple[Floats, Floats, Floats, Cover, Covering, Options, Limits],
) -> None:
    *_, problem, options, limits = case
    values = [problem.value(range(count)) for count in range(len(options) + 1)]
    assert values == sorted(values)
    assert_rising(cover_curve(problem, options, by_count(4, limits.budget)))
    budgets = options.cost.min() * np.array([1.0, 1.5, 2.0, 4.0])
    assert_rising(cover_curve(problem, options, by_budget(budgets, limits.most)))


@settings(max_examples=25, deadline=None)
@given(crossings())
def test_a_sensor_more_never_lowers_the_weakest_path(
    case: tuple[Floats, Floats, Options, Limits],
) -> None:
    base, by_option, options, limits = case
    weakest = oracle_of(base, by_option)
    assert_rising(raise_curve(weakest, options, by_count(4, limits.budget)))
    budgets = options.cost.min() * np.array([1.0, 1.5, 2.0, 4.0])
    assert_rising(raise_curve(weakest, options, by_budget(budgets, limits.most)))


def assert_rising(curve: Curve) -> None:
    for steps in (curve.nested, curve.free):
        values = [step.placement.value for step in steps]
        assert values == sorted(values)
        assert [step.placement.value - step.gain for step in steps] == pytest.approx(
            [steps[0].placement.base_value, *values[:-1]]
        )
        for step in steps:
            assert step.placement.bound >= step.placement.value
    for one, other in zip(curve.nested, curve.free, strict=True):
        assert one.placement.value <= other.placement.value
        assert one.placement.bound == other.placement.bound
        assert other.placement.proven
    orders = [step.placement.chosen.tolist() for step in curve.nested]
    for before, after in pairwise(orders):
        assert after[: len(before)] == before


# Single cases ---------------------------------------------------------------------------


def line(count: int, kinds: int, demands: int, seed: int) -> tuple[Covering, Covering, Options]:
    """Return sites along a strip with several kinds each, in both senses of covered."""
    rng = np.random.default_rng(seed)
    length = demands // 40
    cells = np.stack(np.divmod(np.arange(demands), 40), axis=1).astype(float)
    sites = rng.uniform(0.0, [length, 40.0], (count // kinds, 2))
    away = np.repeat(np.hypot(*(cells - sites[:, None]).transpose(2, 0, 1)), kinds, axis=0)
    reach = np.tile([8.0, 14.0, 24.0][:kinds], count // kinds)[:, None]
    exposure = np.where(away < 1.4 * reach, 4.6 * np.exp(-((away / reach) ** 2)), 0.0)
    exposure[rng.random(exposure.shape) < 0.15] = 0.0
    cost = np.tile([1.0, 2.2, 5.0][:kinds], count // kinds)
    options = Options.of(0.8 * cost, 1.2 * cost, np.repeat(np.arange(count // kinds), kinds))
    matrix = csr_array(exposure)
    problems = [
        Covering.of(np.ones(demands), np.zeros(demands), matrix, cover=cover) for cover in Cover
    ]
    return problems[0], problems[1], options


def test_lazy_greedy_is_greedy() -> None:
    _, problem, options = line(60, 3, 2000, 3)
    limits = Limits(most=6)
    taken: list[int] = []
    for _ in range(6):
        free = [i for i in range(len(options)) if options.group[i] not in options.group[taken]]
        taken.append(max(free, key=lambda option: problem.value([*taken, option])))
    found = cover_greedy(problem, options, limits)
    assert found.method == "greedy by gain"
    assert found.chosen.tolist() == taken


def test_equal_demands_are_made_one() -> None:
    columns = np.array([[3.0, 0, 3, 0, 3], [0, 3, 0, 3, 3], [1, 0, 1, 0.5, 0]])
    problem = Covering.of([1, 2, 4, 8, 16], np.zeros(5), csr_array(columns), cover="single")
    options = Options.of(np.ones(3))
    reduced = reduce(problem, options, Limits())
    assert sorted(reduced.weight.tolist()) == [5, 10, 16]
    # What one option alone can never cover does not count when only one may be chosen.
    apart = Covering.of([1, 2], [0, 0], csr_array([[1.5, 3.0], [1.5, 1.0]]))
    assert reduce(apart, Options.of([1, 1]), Limits(most=2)).weight.size == 2
    alone = reduce(apart, Options.of([1, 1]), Limits(most=1))
    assert alone.weight.tolist() == [2]
    assert alone.submodular


def test_adding_up_to_a_threshold_is_not_submodular() -> None:
    # Neither option covers anything alone, both together do: gains grow.
    problem = Covering.of([1.0], [0.0], csr_array([[1.5], [1.5]]))
    options = Options.of([1, 1])
    assert [problem.value(choice) for choice in ([], [0], [1], [0, 1])] == [0, 0, 0, 1]
    found = cover_greedy(problem, options, Limits(most=2))
    assert found.value == 1
    assert found.share is None
    assert "not submodular" in found.share_by
    # Where each alone suffices it is submodular, though exposures are added.
    plenty = Covering.of([1.0], [0.0], csr_array([[2.5], [2.5]]))
    assert cover_greedy(plenty, options, Limits(most=2)).share == pytest.approx(1 - math.exp(-1))


def test_shares_are_those_of_the_literature() -> None:
    problem = Covering.of(np.ones(3), np.zeros(3), csr_array(3.0 * np.eye(3)), cover="single")

    def share(cost: list[float], limits: Limits, group: list[int] | None = None) -> float | None:
        return cover_greedy(problem, Options.of(cost, group=group), limits).share

    assert share([1, 1, 1], Limits(2.0)) == pytest.approx(0.6321, abs=1e-4)
    assert share([1, 2, 3], Limits(most=2)) == pytest.approx(0.6321, abs=1e-4)
    assert share([1, 2, 3], Limits(4.0)) == pytest.approx(0.3161, abs=1e-4)
    assert share([1, 1, 1], Limits(2.0), [0, 0, 1]) == 0.5
    assert share([1, 2, 3], Limits(4.0), [0, 0, 1]) is None
    assert share([1, 2, 3], Limits(4.0, 2)) is None


def test_gain_per_cost_alone_can_be_bad_the_best_single_option_mends_it() -> None:
    # Khuller, Moss, Naor 1999: a cheap option of little gain shuts out the one that matters.
    problem = Covering.of([2.0, 99.0], [0, 0], csr_array(3.0 * np.eye(2)), cover="single")
    options = Options.of([1.0, 100.0])
    found = cover_greedy(problem, options, Limits(100.0))
    assert found.value == 99
    assert found.chosen.tolist() == [1]


def test_the_gap_is_true_when_nodes_run_out() -> None:
    problem, _, options = line(24, 3, 800, 5)
    limits = Limits(budget=7.0)
    best = cover_exact(problem, options, limits)
    assert best.proven
    short = cover_exact(problem, options, limits, Effort(nodes=1))
    assert short.value <= best.value <= short.bound
    assert short.value == problem.value(short.chosen)


def test_raising_stops_when_told_and_its_bound_holds() -> None:
    rng = np.random.default_rng(11)
    base, by_option = (
        rng.uniform(0, 1, 300),
        rng.uniform(0, 1, (300, 40)) * (rng.random((300, 40)) < 0.3),
    )
    weakest = oracle_of(base, by_option)
    options = Options.of(rng.integers(1, 6, 40))
    full = raise_exact(weakest, options, Limits(12.0))
    short = raise_exact(weakest, options, Limits(12.0), Effort(rounds=1))
    assert full.proven
    assert not full.stopped
    assert short.stopped
    assert short.value <= full.value <= short.bound
    assert short.gap > 0


def test_two_equally_weak_places_need_two_sensors() -> None:
    # No single option raises the least exposure: both places must be mended.
    weakest = oracle_of(np.array([0.1, 0.1, 1.0]), np.array([[1.0, 0], [0, 1], [0, 0]]))
    options = Options.of([1, 1])
    assert raise_greedy(weakest, options, Limits()).value == 1.0
    curve = raise_curve(weakest, options, by_count(2))
    assert [step.placement.value for step in curve.nested] == [0.1, 1.0]


def test_an_oracle_that_finds_less_is_not_believed() -> None:
    # With option 0 the oracle overlooks the path that it showed before.
    def weakest(chosen: Bools) -> tuple[float, Floats]:
        return (9.0, np.zeros(2)) if chosen[0] else (0.5, np.array([0.25, 0.0]))

    assert raise_exact(weakest, Options.of([1, 1]), Limits()).value == 0.75


def test_curve_tells_nested_from_free() -> None:
    # The widest option is bought first and is of no use once the two others are there.
    columns = np.array([[0.0, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    problem = Covering.of(np.ones(6), np.zeros(6), csr_array(3 * columns), cover="single")
    curve = cover_curve(problem, Options.of([1, 1, 1], [3, 3, 3]), by_count(2))
    assert [step.placement.value for step in curve.nested] == [4, 5]
    assert [step.placement.value for step in curve.free] == [4, 6]
    assert curve.free[1].placement.chosen.tolist() == [1, 2]
    assert [step.gain_per_cost for step in curve.free] == [2.0, 1.0]
    assert (curve.free[1].placement.cost_low, curve.free[1].placement.cost_high) == (2, 6)


@pytest.mark.parametrize("sense", [0, 1])
def test_progress_and_repetition(sense: int) -> None:
    case = line(24, 3, 800, 5)
    problem, options = case[sense], case[2]
    told: list[tuple[str, int, float, float]] = []
    first = cover_exact(problem, options, Limits(7.0), None, lambda *step: told.append(step))
    again = cover_exact(problem, options, Limits(7.0))
    assert first.chosen.tolist() == again.chosen.tolist()
    assert (first.value, first.bound) == (again.value, again.bound)
    assert {phase for phase, *_ in told} >= {"bound"}
    assert all(bound >= value for _, _, bound, value in told)


@pytest.mark.slow
@pytest.mark.parametrize("sense", [0, 1])
def test_300_options_and_20_000_demands(sense: int) -> None:
    case = line(300, 3, 20_000, 1)
    problem, options, limits = case[sense], case[2], Limits(budget=20.0)
    begin = time.process_time()
    found = cover_exact(problem, options, limits, Effort(time_s=15.0))
    assert time.process_time() - begin < 25.0
    assert found.value == problem.value(found.chosen)
    assert found.bound >= found.value
    if problem.cover is Cover.SINGLE:
        assert found.proven


def test_what_a_solver_prints_stays_off_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    with _stdout_kept_clean():
        os.write(1, b"noise")
    print("result")
    captured = capfd.readouterr()
    assert captured.out == "result\n"
    assert captured.err == "noise"


# Mistakes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cost", "high", "group", "message"),
    [
        ([1.0, -2.0], None, None, r"cost_low\[1\] is -2.0, expected 0 or more"),
        ([1.0, 0.0], None, None, r"cost_low\[1\] is 0.0, expected a cost above 0"),
        ([math.nan], None, None, r"cost_low\[0\] is nan"),
        ([math.inf], None, None, r"cost_low\[0\] is inf"),
        ([2.0], [1.0], None, "cost of option 0 is 2.0 to 1.0"),
        ([2.0], [3.0, 4.0], None, r"cost_high has shape \(2,\), expected \(1,\)"),
        ([2.0], None, [1, 2], r"group has shape \(2,\), expected \(1,\)"),
        ([], None, None, "one option or more"),
    ],
)
def test_bad_options(
    cost: list[float], high: list[float] | None, group: list[int] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Options.of(cost, high, group)


def test_bad_limits_and_efforts() -> None:
    for budget in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="expected a sum above 0"):
            Limits(budget)
    with pytest.raises(ValueError, match="at most 0 sensors"):
        Limits(most=0)
    for effort in ({"time_s": 0.0}, {"nodes": 0}, {"rounds": 0}):
        with pytest.raises(ValueError, match="above 0"):
            Effort(**effort)  # type: ignore[arg-type]


def test_bad_coverings() -> None:
    good = csr_array(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"contribution has shape \(2, 3\), expected one column"):
        Covering.of(np.ones(4), np.zeros(4), good)
    with pytest.raises(ValueError, match=r"exposure has shape \(2,\), expected \(3,\)"):
        Covering.of(np.ones(3), np.zeros(2), good)
    with pytest.raises(ValueError, match=r"weight\[1\] is -1.0"):
        Covering.of([1, -1, 1], np.zeros(3), good)
    with pytest.raises(ValueError, match=r"weight\[0\] is inf"):
        Covering.of([math.inf, 1, 1], np.zeros(3), good)
    with pytest.raises(ValueError, match=r"exposure\[2\] is nan"):
        Covering.of(np.ones(3), [0, 0, math.nan], good)
    with pytest.raises(ValueError, match=r"contribution\[1, 2\] is nan"):
        Covering.of(np.ones(3), np.zeros(3), csr_array([[1.0, 0, 0], [0, 1, math.nan]]))
    for p in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="between 0 and 1"):
            threshold(p)
    problem = Covering.of(np.ones(3), np.zeros(3), good)
    for solve in (cover_greedy, cover_exact):
        with pytest.raises(ValueError, match="2 rows, expected one for each of 3 options"):
            solve(problem, Options.of(np.ones(3)), Limits())
        with pytest.raises(ValueError, match="budget 4 is below the cheapest option, 5"):
            solve(problem, Options.of([5.0, 6.0]), Limits(4.0))


def test_bad_oracles_and_curves() -> None:
    options = Options.of([5.0, 6.0])
    good = oracle_of(np.array([0.0]), np.ones((1, 2)))
    for solve in (raise_greedy, raise_exact):
        with pytest.raises(ValueError, match="budget 4 is below the cheapest option, 5"):
            solve(good, options, Limits(4.0))
        with pytest.raises(ValueError, match=r"has shape \(3,\), expected \(2,\)"):
            solve(lambda _: (0.0, np.zeros(3)), options, Limits())
        with pytest.raises(ValueError, match=r"by option\[1\] is -1.0"):
            solve(lambda _: (0.0, np.array([0.0, -1.0])), options, Limits())
        with pytest.raises(ValueError, match="cap Pd below 1"):
            solve(lambda _: (math.inf, np.zeros(2)), options, Limits())
    with pytest.raises(ValueError, match="narrower than the step before"):
        raise_curve(good, options, by_budget([10.0, 9.0]))
    with pytest.raises(ValueError, match="one step or more"):
        raise_curve(good, options, [])
