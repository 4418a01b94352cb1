"""Multiple hypotheses: the search, the pruning, and hard small scenes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from tracking_scenes import observed, two_radars
from twins_mht import (
    MISS,
    Scene,
    all_choices,
    best_hypotheses,
    switches_and_gospa,
)

from sim.core.kbest import best_choices
from sim.core.tables import Measured, Plots
from sim.tracking import SensorModels, Tracker, TrackerConfig
from sim.tracking import mht
from sim.tracking.hypotheses import LEAVES_MAX, NOTHING
from sim.tracking.mht import MhtEngine, decide, in_order_of_time
from sim.tracking.policy import gates


def mht_tracker(config: TrackerConfig, sensors: SensorModels) -> Tracker:
    tracker = Tracker(config, sensors)
    tracker._engine = MhtEngine(config, tracker._columns)
    return tracker


def engine_of(tracker: Tracker) -> MhtEngine:
    assert isinstance(tracker._engine, MhtEngine)
    return tracker._engine


# --- the search -----------------------------------------------------------------------------


def _random_groups(rng: np.random.Generator) -> list[list[tuple[float, set[int]]]]:
    n_items = int(rng.integers(1, 8))
    return [
        [
            (
                float(rng.normal(2.0, 4.0)),
                set(rng.choice(n_items, int(rng.integers(0, min(3, n_items) + 1)), False).tolist()),
            )
            for _ in range(int(rng.integers(0, 5)))
        ]
        for _ in range(int(rng.integers(0, 6)))
    ]


def _search(
    groups: list[list[tuple[float, set[int]]]], k: int, limit: float, most_nodes: int = 10**6
) -> tuple[np.ndarray, np.ndarray, bool]:
    options = [option for group in groups for option in group]
    item = np.full((len(options), 3), -1, np.int32)
    for row, (_, used) in enumerate(options):
        item[row, : len(used)] = sorted(used)
    start = np.cumsum([0, *map(len, groups)]).astype(np.int32)
    weight = np.array([w for w, _ in options], np.float64)
    chosen, total, complete = best_choices(start, item, weight, 8, k, limit, most_nodes)
    return np.where(chosen >= 0, chosen - start[:-1], -1), total, complete


@pytest.mark.parametrize("seed", range(60))
def test_best_choices_are_those_of_trying_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    groups = _random_groups(rng)
    k, limit = int(rng.integers(1, 30)), float(rng.choice([3.0, 100.0]))
    expected = all_choices(groups)
    expected = [c for c in expected if c[0] >= expected[0][0] - limit][:k]
    chosen, total, complete = _search(groups, k, limit)
    assert complete
    np.testing.assert_allclose(total, [weight for weight, _ in expected], atol=1e-9)
    # Weights are continuous: equal ones do not occur, so neither do ties.
    assert [tuple(row) for row in chosen.tolist()] == [pick for _, pick in expected]


def test_a_search_cut_short_still_gives_a_choice_without_clashes() -> None:
    groups = [[(3.0 + g + a, {a, (a + g) % 7}) for a in range(5)] for g in range(7)]
    chosen, total, complete = _search(groups, 5, 100.0, most_nodes=40)
    assert not complete
    assert total.size
    for row, weight in zip(chosen, total, strict=True):
        picked = [groups[g][a] for g, a in enumerate(row) if a >= 0]
        items = [i for _, used in picked for i in used]
        assert len(items) == len(set(items))
        assert weight == pytest.approx(sum(w for w, _ in picked))


def test_prices_keep_the_search_short() -> None:
    """Twelve tracks that compete for twelve plots: an assignment, so the bound is tight."""
    gain = np.random.default_rng(3).normal(8.0, 3.0, (12, 12))
    groups = [[(float(gain[g, a]), {a}) for a in range(12)] for g in range(12)]
    item = np.arange(144, dtype=np.int32)[:, None] % 12
    start = np.arange(0, 145, 12, dtype=np.int32)
    _, total, complete = best_choices(start, item, gain.ravel(), 12, 1, 50.0, 5000)
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(np.maximum(gain, 0.0), maximize=True)
    assert complete
    assert total[0] == pytest.approx(np.maximum(gain, 0.0)[rows, columns].sum())
    assert len(groups) == 12


# --- pruning --------------------------------------------------------------------------------


def test_the_oldest_association_is_decided_by_the_best_hypothesis() -> None:
    path = np.array(
        [
            [1, 3, 5],  # tree 0, the best
            [1, 4, 0],  # same root: stays
            [2, 3, 6],  # another root: goes
            [NOTHING, 1, 6],  # tree 1 holds plot 1, which is tree 0's now: goes
            [NOTHING, 7, 6],
            [2, 8, 0],  # tree 2 is due, and not in the best hypothesis
        ]
    )
    tree = np.array([0, 0, 0, 1, 1, 2])
    best = np.array([True, False, False, False, True, False])
    agree = decide(path, tree, best)
    assert agree.tolist() == [True, True, False, False, True, False]
    assert (path[[0, 1, 2, 5], 0] == NOTHING).all()
    assert path[4].tolist() == [NOTHING, 7, 6]


SIGMA_M = np.array([30.0, 30.0, 30.0])
PD = 0.8


def position_sensor(clutter: float) -> SensorModels:
    return SensorModels.at_origin(period_s=4.0, clutter_density=clutter, kind=Measured.POSITION)


def positions(time_s: float, places: np.ndarray) -> Plots:
    n = len(places)
    return Plots(
        time_s=np.full(n, time_s),
        sensor=np.zeros(n, np.int32),
        measurement=np.column_stack([places, np.full(n, np.nan)]),
        sigma=np.column_stack([np.tile(SIGMA_M, (n, 1)), np.full(n, np.nan)]),
        snr_db=np.full(n, 15.0),
        reply=np.zeros(n, np.uint8),
        truth_id=np.zeros(n, np.int32),
    )


def _tiny_scene(seed: int) -> list[np.ndarray]:
    """Two close targets, each seen with probability 0.8, and now and then a false plot."""
    rng = np.random.default_rng(seed)
    place = np.array([[0.0, 0.0, 3e3], [220.0, 0.0, 3e3]])
    velocity = np.array([[10.0, 60.0, 0.0], [-10.0, 60.0, 0.0]])
    scans = []
    for k in range(4):
        seen = (place + 4.0 * k * velocity)[rng.random(2) < PD]
        plots = seen + SIGMA_M * rng.normal(size=seen.shape)
        if rng.random() < 0.5:
            false = np.array([110.0, 240.0 * k, 3e3]) + rng.normal(0.0, 100.0, 3)
            plots = np.vstack([plots, false])
        scans.append(plots)
    return scans


@pytest.mark.parametrize("scans_back", [1, 2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_the_best_hypothesis_is_that_of_keeping_all(
    seed: int, scans_back: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mht, "LEAVES_MAX", 500)
    config = TrackerConfig(
        association="mht",
        detection_probability=PD,
        hypotheses=1000,
        scans_back=scans_back,
        start_speed_sigma_mps=80.0,
        confirm_hits=12,
        confirm_looks=20,
    )
    scans = _tiny_scene(seed)
    scene = Scene(
        scans=scans,
        period_s=4.0,
        sigma_m=SIGMA_M,
        clutter=2e-9,
        detection=PD,
        birth_score=math.log(0.2 / 0.8),
        start_sigma_mps=np.array([80.0, 80.0, 20.0]),
        noise=(50.0, 50.0, 5.0),
        gate=float(gates(config.gate_probability)[3]),
    )
    tracker = mht_tracker(config, position_sensor(scene.clutter))
    engine_of(tracker)._limit = 60.0
    expected = best_hypotheses(scene, scans_back)
    for k, (plots, winner) in enumerate(zip(scans, expected, strict=True)):
        tracker.process(positions(4.0 * k, plots), 4.0 * k)
        picture = tracker.picture()
        hits = sorted(sum(j != MISS for _, j in target.plots) for target in winner)
        assert sorted(picture.hits.tolist()) == hits
        order = np.lexsort(picture.position_enu_m.T)
        places = np.array([target.x[:3] for target in winner]).reshape(-1, 3)
        np.testing.assert_allclose(
            picture.position_enu_m[order], places[np.lexsort(places.T)], rtol=1e-9, atol=1e-6
        )


# --- hard scenes ----------------------------------------------------------------------------
