"""Multiple hypotheses: the search, the pruning, and hard small scenes."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numba
import numpy as np
import pytest
from tracking_scenes import observed, two_radars
from twins_mht import (
    MISS,
    Scene,
    all_choices,
    best_hypotheses,
    kept_and_gospa,
)

from sim.core.kbest import best_choices
from sim.core.tables import Measured, Plots, Tracks, TrackStatus
from sim.tracking import SensorModels, Tracker, TrackerConfig, mht
from sim.tracking.cycle import cycle_of
from sim.tracking.gating import Candidates
from sim.tracking.hypotheses import LEAVES_MAX, NOTHING
from sim.tracking.mht import MhtEngine, decide, in_order_of_time
from sim.tracking.policy import gates
from sim.tracking.store import empty_columns
from sim.tracking.unresolved import find_merged


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
    tracker = Tracker(config, position_sensor(scene.clutter))
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


# --- the tracker ----------------------------------------------------------------------------


def pictures(
    tracker: Tracker, plots: Plots, duration_s: float, step_s: float = 1.0
) -> list[Tracks]:
    result = []
    for k in range(round(duration_s / step_s)):
        due = (plots.time_s > k * step_s) & (plots.time_s <= (k + 1) * step_s)
        tracker.process(plots.take(due), (k + 1) * step_s)
        result.append(tracker.picture())
    return result


def assert_same(a: list[Tracks], b: list[Tracks]) -> None:
    for left, right in zip(a, b, strict=True):
        for field in fields(Tracks):
            np.testing.assert_array_equal(getattr(left, field.name), getattr(right, field.name))


def test_far_apart_targets_are_tracked_as_by_the_nearest_neighbour() -> None:
    """Same plots in the same tracks: only states within a cycle may differ by a hair."""
    scans = [
        np.array([[i * 20e3 + 100.0 * 4.0 * k, 150.0 * 4.0 * k, 3e3] for i in range(5)])
        for k in range(12)
    ]
    rng = np.random.default_rng(2)
    both = (
        Tracker(TrackerConfig(association="mht"), position_sensor(1e-12)),
        Tracker(TrackerConfig(), position_sensor(1e-12)),
    )
    for k, places in enumerate(scans):
        plots = positions(
            4.0 * k, (places + SIGMA_M * rng.normal(size=places.shape))[rng.random(5) < 0.9]
        )
        seen = []
        for tracker in both:
            tracker.process(plots, 4.0 * k)
            picture = tracker.picture()
            picture = picture.take(picture.confirmed)
            seen.append(picture.take(np.lexsort(picture.position_enu_m.T)))
        for name in ("hits", "last_plot_s", "status"):
            np.testing.assert_array_equal(getattr(seen[0], name), getattr(seen[1], name))
        np.testing.assert_allclose(
            seen[0].position_enu_m, seen[1].position_enu_m, rtol=1e-9, atol=1e-6
        )
    assert seen[0].confirmed.sum() == 5


def test_order_of_plots_changes_nothing() -> None:
    plots = observed(n=6, duration_s=16.0)
    shuffled = plots.take(np.random.default_rng(5).permutation(len(plots)))
    config = TrackerConfig(association="mht")
    expected = pictures(Tracker(config, two_radars()), plots, 16.0)
    assert expected[-1].confirmed.sum() >= 5
    assert_same(expected, pictures(Tracker(config, two_radars()), shuffled, 16.0))


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = numba.get_num_threads()
    if before < 2:
        pytest.skip("numba has one thread only")
    plots = observed(n=60, duration_s=8.0)
    config = TrackerConfig(association="mht")
    expected = pictures(Tracker(config, two_radars()), plots, 8.0)
    monkeypatch.setattr("sim.core.jit._THREADED_FROM", 0)
    assert_same(expected, pictures(Tracker(config, two_radars()), plots, 8.0))


def test_what_is_remembered_comes_back_exactly() -> None:
    plots = observed(n=6, duration_s=24.0)
    early, late = plots.take(plots.time_s <= 12.0), plots.take(plots.time_s > 12.0)
    tracker = Tracker(TrackerConfig(association="mht"), two_radars())
    tracker.process(early, 12.0)
    memory = engine_of(tracker).remember()
    tracker.process(late, 24.0)
    first = tracker.picture()
    engine_of(tracker).recall(memory)
    tracker.time_s = 12.0
    tracker.process(late, 24.0)
    assert_same([first], [tracker.picture()])


def test_late_plots_are_taken_as_if_they_had_come_in_time() -> None:
    plots = observed(n=4, duration_s=12.0)
    config = TrackerConfig(association="mht", lag_s=5.0)
    in_time = Tracker(config, two_radars())
    late = Tracker(config, two_radars())
    held_back = (plots.time_s > 6.0) & (plots.sensor == 1)
    for end_s in np.arange(1.0, 13.0):
        now = (plots.time_s > end_s - 1.0) & (plots.time_s <= end_s)
        delayed = (plots.time_s > end_s - 3.0) & (plots.time_s <= end_s - 2.0)
        in_time.process(plots.take(now), end_s)
        late.process(plots.take((now & ~held_back) | (delayed & held_back)), end_s)
    late.process(plots.take((plots.time_s > 10.0) & held_back), 12.0)
    assert late.rejected.late == 0
    # Numbers were given when the picture was first shown, and stay.
    expected, found = in_time.picture(), late.picture()
    assert len(expected) >= 3
    assert_same([replace(expected, number=found.number)], [found])


def test_scans_of_two_beams_are_cut_where_the_sensor_changes() -> None:
    models = two_radars()
    tracker = Tracker(TrackerConfig(association="mht"), models)
    plots = observed(n=10, duration_s=4.0)
    plots = plots.take(plots.time_s < 1.0)
    cycle = cycle_of(plots, np.arange(len(plots), dtype=np.int32), tracker._columns)
    assert cycle.first_s[1] < cycle.last_s[0]
    ordered = in_order_of_time(cycle)
    assert (np.diff(ordered.time_s) >= 0.0).all()
    assert (ordered.first_s[1:] >= ordered.last_s[:-1]).all()
    for g, s in enumerate(ordered.scan_sensor):
        rows = slice(ordered.scan_first[g], ordered.scan_first[g + 1])
        assert (ordered.sensor[rows] == s).all()
    assert sorted(ordered.row.tolist()) == sorted(cycle.row.tolist())
    np.testing.assert_array_equal(plots.time_s[ordered.row], ordered.time_s)


def test_a_look_that_brings_a_plot_after_all_was_no_miss() -> None:
    """A turning radar's look may be split over two calls: it counts once, plot or none."""
    place = np.array([10e3, 4e3, 2e3])
    false = place + np.array([0.0, 250.0, 0.0])
    scores = []
    for split in (False, True):
        sensor = replace(position_sensor(1e-12), rotates=np.ones(1, np.bool_))
        tracker = Tracker(
            TrackerConfig(association="mht", confirm_hits=10, confirm_looks=20), sensor
        )
        for k in range(3):
            tracker.process(positions(4.0 * k, place[None]), 4.0 * k)
        if split:
            tracker.process(positions(11.9, false[None]), 11.9)
            tracker.process(positions(12.0, place[None]), 12.0)
        else:
            tracker.process(positions(12.0, np.stack([false, place])), 12.0)
        leaves = engine_of(tracker)._leaves
        assert tracker.picture().hits.max() == 4
        scores.append(leaves.score[leaves.best & (leaves.tracks.hits[: leaves.best.size] == 4)])
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)
    leaves_max = np.bincount(leaves.tree).max()
    assert leaves_max <= LEAVES_MAX


@pytest.mark.parametrize("confirmation", ["m-of-n", "score", "existence"])
def test_confirming_coasting_and_dropping(confirmation: str) -> None:
    config = TrackerConfig(association="mht", confirmation=confirmation, coast_max_s=20.0)
    tracker = Tracker(config, position_sensor(1e-12))
    number = []
    for k in range(6):
        tracker.process(positions(4.0 * k, np.array([[10e3, 4e3, 2e3]])), 4.0 * k)
        number.extend(tracker.picture().number.tolist())
    # One plot alone is more likely a false alarm: the best hypothesis has no track yet.
    assert len(number) == 5
    if confirmation == "m-of-n":  # the others are convinced by two plots without clutter
        assert number[0] < 0
    assert tracker.picture().status.tolist() == [TrackStatus.CONFIRMED]
    assert number[-1] == 1
    assert len({n for n in number if n > 0}) == 1
    tracker.process(Plots.empty(), 28.0)
    assert tracker.picture().status.tolist() == [TrackStatus.COASTING]
    tracker.process(Plots.empty(), 39.9)
    assert len(tracker.picture()) == 1
    tracker.process(Plots.empty(), 40.1)
    assert len(tracker.picture()) == 0


def test_bearings_alone_are_refused() -> None:
    models = two_radars()
    models.measures[:] = [False, True, False, False]
    with pytest.raises(ValueError, match="starts no tracks from bearings"):
        Tracker(TrackerConfig(association="mht"), models)


def test_merged_candidates_are_those_of_near_confirmed_targets() -> None:
    """Leaves of four trees, three of them near by, the last of these tentative."""
    x = np.array([0.0, 60.0, 120.0, 3000.0])
    sensors = replace(
        SensorModels.at_origin(period_s=4.0), resolution=np.array([[200.0, 0.05, 0.05, 0.0]])
    )
    engine = engine_of(Tracker(TrackerConfig(association="mht"), sensors))
    tracks = empty_columns(4)
    tracks.mean[0], tracks.mean[1], tracks.mean[2] = x, 20e3, 3e3
    tracks.status[:] = [1, 1, 0, 1]
    plots = positions(4.0, np.array([[30.0, 20e3, 3e3], [3000.0, 20e3, 3e3]]))
    cycle = cycle_of(plots, np.arange(2, dtype=np.int32), engine._sensors)
    for rows, possible, only in (
        ([[0], [0], [0], [0]], [True, True, False, False], [True, True, False, False]),
        ([[0, 1], [0], [], [1]], [True, False, True, False], [False] * 4),
        ([[0], [1], [0], [1]], [False] * 4, [False] * 4),
    ):
        start = np.cumsum([0, *map(len, rows)]).astype(np.int32)
        plot = np.concatenate([np.array(row, np.int32) for row in rows])
        candidates = Candidates(start, plot, np.zeros(plot.size), np.full(4, 0.9))
        found = find_merged(
            tracks, np.arange(4), np.ones(4, np.bool_), candidates, 0, cycle, engine._sensors
        )
        assert found.possible.tolist() == possible
        assert found.only.tolist() == only


# --- hard scenes ----------------------------------------------------------------------------

STEP_S = 4.0


def crossing() -> list[np.ndarray]:
    """Two targets whose courses cross at 8°."""
    times = STEP_S * (np.arange(24) - 11.5)
    slope = np.deg2rad(4.0)
    course = 200.0 * np.array(
        [[np.sin(slope), np.cos(slope), 0.0], [-np.sin(slope), np.cos(slope), 0.0]]
    )
    return [t * course + np.array([0.0, 0.0, 3e3]) for t in times]


def splitting_formation() -> list[np.ndarray]:
    """Four targets abreast, 350 m apart, that fan out after 12 scans."""
    place = np.array([[350.0 * i, 0.0, 3e3] for i in range(4)])
    heading, last = np.zeros(4), np.deg2rad([-45.0, -15.0, 15.0, 45.0])
    result = []
    for k in range(30):
        result.append(place)
        if k >= 12:
            heading = heading + np.clip(last - heading, -0.02 * STEP_S, 0.02 * STEP_S)
        way = np.column_stack([np.sin(heading), np.cos(heading), np.zeros(4)])
        place = place + STEP_S * 200.0 * way
    return result


def three_slow_targets() -> list[np.ndarray]:
    """One of them passes in front of the others."""
    course = np.array([[0.0, 150.0, 0.0], [0.0, 150.0, 0.0], [60.0, 80.0, 0.0]])
    place = np.array([[0.0, 0.0, 3e3], [2500.0, 0.0, 3e3], [900.0, 6000.0, 3e3]])
    return [place + STEP_S * k * course for k in range(30)]


def noisy_scans(
    truth: list[np.ndarray], detection: float, clutter: float, sigma_m: float, seed: int
) -> list[np.ndarray]:
    """Plots of each scan, with false ones all around the targets."""
    rng = np.random.default_rng(seed)
    scans = []
    for places in truth:
        seen = places[rng.random(len(places)) < detection]
        low, high = places.min(axis=0) - 1500.0, places.max(axis=0) + 1500.0
        low[2], high[2] = 2400.0, 3600.0
        false = rng.uniform(low, high, (rng.poisson(clutter * np.prod(high - low)), 3))
        scans.append(np.vstack([seen + sigma_m * rng.normal(size=seen.shape), false]))
    return scans


@pytest.mark.slow
@pytest.mark.parametrize(
    ("truth", "detection", "clutter", "sigma_m", "noise", "better"),
    [
        pytest.param(crossing(), 0.9, 2e-9, 60.0, 5.0, 0.85, id="crossing"),
        pytest.param(splitting_formation(), 0.85, 1e-10, 40.0, 20.0, 0.9, id="formation"),
        # A newborn's gate holds more than ten false plots.
        pytest.param(three_slow_targets(), 0.7, 2e-9, 60.0, 5.0, 0.9, id="clutter"),
    ],
)
def test_several_hypotheses_beat_the_nearest_neighbour(
    truth: list[np.ndarray],
    detection: float,
    clutter: float,
    sigma_m: float,
    noise: float,
    better: float,
) -> None:
    kept = {"gnn": 0, "mht": 0}
    gospa = {"gnn": 0.0, "mht": 0.0}
    for seed in range(5):
        scans = noisy_scans(truth, detection, clutter, sigma_m, seed)
        for association in kept:
            config = TrackerConfig.model_validate(
                {
                    "association": association,
                    "detection_probability": detection,
                    "confirmation": "score",
                    "process_noise_m2ps3": noise,
                    "vertical_process_noise_m2ps3": 1.0,
                    "scans_back": 5,
                }
            )
            tracker = Tracker(config, position_sensor(clutter))
            pictures = []
            for k, places in enumerate(scans):
                plots = positions(STEP_S * k, places)
                tracker.process(
                    replace(plots, sigma=plots.sigma * sigma_m / SIGMA_M[0]), STEP_S * k
                )
                picture = tracker.picture()
                picture = picture.take(picture.confirmed)
                pictures.append((picture.number, picture.position_enu_m))
            held, distance = kept_and_gospa(pictures[8:], truth[8:], 300.0)
            kept[association] += held
            gospa[association] += distance / 5.0
    assert gospa["mht"] < better * gospa["gnn"]
    assert kept["mht"] >= kept["gnn"]


@pytest.mark.slow
def test_memory_stays_bounded() -> None:
    """A long run in clutter holds no more hypotheses at its end than early on."""
    tracker = Tracker(
        TrackerConfig(association="mht", detection_probability=0.7), position_sensor(1e-9)
    )
    rng = np.random.default_rng(4)
    leaves = []
    for k in range(300):
        place = np.array([[0.0, 100.0 * STEP_S * k, 3e3], [500.0, 100.0 * STEP_S * k, 3e3]])
        (plots,) = noisy_scans([place], 0.7, 1e-9, 30.0, int(rng.integers(1 << 30)))
        tracker.process(positions(STEP_S * k, plots), STEP_S * k)
        held = engine_of(tracker)._leaves
        leaves.append(held.tree.size)
        assert held.tracks.time_s.size == leaves[-1]
        assert np.bincount(held.tree - held.tree.min()).max() <= LEAVES_MAX + len(plots)
    assert max(leaves[150:]) < 2 * max(leaves[:150])
