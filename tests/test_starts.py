"""Tracks that start from two plots: of two looks, or of two sites' bearings."""

from __future__ import annotations

import math

import numpy as np
import pytest
from reference import polar
from tracking_scenes import observed, two_radars
from twins_starts import fix, nearest_pairs, two_point

from sim.core.tables import Measured, Plots, Reply
from sim.tracking import SensorModels, Tracker, TrackerConfig
from sim.tracking.triangulation import CROSSINGS_MAX

Q = (4.0, 4.0, 1.0)
CONFIG = TrackerConfig(
    start="two-point", process_noise_m2ps3=Q[0], vertical_process_noise_m2ps3=Q[2]
)


def table(
    time_s: float, sensor: int, measured: np.ndarray, sigma: np.ndarray, reply: int = 0
) -> Plots:
    n = len(measured)
    return Plots(
        time_s=np.full(n, time_s),
        sensor=np.full(n, sensor, np.int32),
        measurement=np.asarray(measured, float),
        sigma=np.broadcast_to(np.asarray(sigma, float), (n, 4)).copy(),
        snr_db=np.full(n, 15.0),
        reply=np.full(n, reply, np.uint8),
        truth_id=np.zeros(n, np.int32),
    )


def reported(time_s: float, *places: object, reply: int = 0) -> Plots:
    """Plots of reported positions."""
    rows = np.column_stack([np.array(places, float), np.full(len(places), np.nan)])
    return table(time_s, 0, rows, np.array([20.0, 30.0, 40.0, np.nan]), reply)


def reporter(period_s: float = 4.0) -> SensorModels:
    return SensorModels.at_origin(period_s=period_s, kind=Measured.POSITION, clutter_density=1e-12)


# Two-point starts -------------------------------------------------------------------------


def test_two_plots_start_what_one_does_not() -> None:
    tracker = Tracker(CONFIG, reporter())
    tracker.process(reported(1.0, (5e3, 2e3, 1e3)), 1.0)
    assert len(tracker.picture()) == 0
    tracker.process(reported(5.0, (5.8e3, 1.6e3, 1.1e3), reply=Reply.CIVIL), 5.0)
    picture = tracker.picture()
    assert picture.hits.tolist() == [2]
    assert picture.replies.tolist() == [[1, 1, 0]]
    tracker.process(reported(9.0, (6.6e3, 1.2e3, 1.2e3)), 9.0)
    assert tracker.picture().confirmed.tolist() == [True]


def test_state_is_that_of_two_point_differencing() -> None:
    first, second = np.array([5e3, 2e3, 1e3]), np.array([5.8e3, 1.6e3, 1.1e3])
    tracker = Tracker(CONFIG, reporter())
    tracker.process(reported(1.0, first), 1.0)
    tracker.process(reported(5.0, second), 5.0)
    estimate = tracker._engine.estimates(5.0)
    R = np.diag([20.0, 30.0, 40.0]) ** 2
    mean, covariance = two_point(first, R, second, R, 4.0, Q)
    np.testing.assert_allclose(estimate.mean[0], mean, rtol=1e-12)
    np.testing.assert_allclose(estimate.covariance[0], covariance, rtol=1e-9, atol=1e-9)
    # Bar-Shalom, Li, Kirubarajan 2001, 5.5.3: R, R/T, 2R/T² without process noise.
    east = covariance[np.ix_([0, 3], [0, 3])]
    np.testing.assert_allclose(east, [[400.0, 100.0], [100.0, 50.0 + Q[0] * 4.0 / 3.0]], rtol=1e-12)


@pytest.mark.parametrize(
    ("after_s", "metres", "starts"),
    [
        (4.0, 3200.0, True),
        (4.0, 3200.0 + 60.0, True),  # 3 sigmas of both are 85 m
        (4.0, 3200.0 + 110.0, False),
        (1.1, 100.0, True),
        (0.9, 100.0, False),  # still the same look
        (6.9, 100.0, True),
        (7.1, 100.0, False),  # the next look is over
    ],
)
def test_only_what_can_be_one_target_of_successive_looks(
    after_s: float, metres: float, starts: bool
) -> None:
    tracker = Tracker(CONFIG, reporter())
    tracker.process(reported(1.0, (5e3, 2e3, 1e3)), 1.0)
    tracker.process(reported(1.0 + after_s, (5e3 + metres, 2e3, 1e3)), 1.0 + after_s)
    assert len(tracker.picture()) == starts


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_made_nearest_first_and_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before, after = rng.uniform(0.0, 9e3, (30, 3)), rng.uniform(0.0, 9e3, (25, 3))
    config = TrackerConfig(start="two-point", start_speed_max_mps=700.0, merge_distance=0.0)
    tracker = Tracker(config, reporter())
    tracker.process(reported(1.0, *before), 1.0)
    tracker.process(reported(5.0, *after), 5.0)
    picture = tracker.picture()
    expected = {
        (*after[j].round(6), *((after[j] - before[i]) / 4.0).round(6))
        for i, j in nearest_pairs(before, after, 2800.0)
    }
    rows = np.hstack([picture.position_enu_m, picture.velocity_enu_mps]).round(6)
    limit = {tuple(row) for row in rows.tolist()}
    assert len(expected) > 8
    # Pairs between the limit and three sigmas more may come on top.
    assert expected <= limit
    speeds = np.linalg.norm(picture.velocity_enu_mps, axis=1)
    assert len(limit) - len(expected) == (speeds > 700.0).sum()
    assert speeds.max() < 700.0 + 150.0 / 4.0


def test_seeds_of_one_sensor_are_not_those_of_another() -> None:
    models = two_radars()
    state = np.array([12e3, 9e3, 3e3, 0.0, 0.0, 0.0])
    tracker = Tracker(CONFIG, models)
    for s, time_s in ((0, 0.5), (1, 2.4)):
        z = polar(state, models.origin_enu_m[s], models.enu_R_sensor[s])
        z[~models.measures[s]] = np.nan
        tracker.process(table(time_s, s, z[None], np.array([30.0, 0.004, 0.006, 1.0])), time_s)
    assert len(tracker.picture()) == 0


def test_order_of_plots_changes_nothing() -> None:
    plots = observed(n=8, duration_s=12.0)
    shuffled = plots.take(np.random.default_rng(3).permutation(len(plots)))
    pictures = []
    for rows in (plots, shuffled):
        tracker = Tracker(CONFIG, two_radars())
        for k in range(12):
            tracker.process(rows.take((rows.time_s > k) & (rows.time_s <= k + 1)), k + 1.0)
        pictures.append(tracker.picture())
    assert len(pictures[0]) >= 8
    np.testing.assert_array_equal(pictures[0].position_enu_m, pictures[1].position_enu_m)
    np.testing.assert_array_equal(pictures[0].number, pictures[1].number)


def test_fewer_false_starts_than_from_single_plots() -> None:
    plots = observed(n=6, duration_s=20.0, false_per_turn=60)
    tentative, confirmed = {}, {}
    for start in ("one-point", "two-point"):
        tracker = Tracker(TrackerConfig(start=start), two_radars())
        tentative[start] = 0
        for k in range(20):
            tracker.process(plots.take((plots.time_s > k) & (plots.time_s <= k + 1)), k + 1.0)
            tentative[start] += int((~tracker.picture().confirmed).sum())
        confirmed[start] = int(tracker.picture().confirmed.sum())
    assert tentative["two-point"] < 0.5 * tentative["one-point"]
    assert confirmed["two-point"] >= 6


def test_late_plots_find_the_seeds_of_their_time() -> None:
    config = TrackerConfig(start="two-point", lag_s=10.0)
    plots = [reported(1.0 + 4.0 * k, (5e3 + 400.0 * k, 2e3, 1e3)) for k in range(4)]
    expected, late = Tracker(config, reporter()), Tracker(config, reporter())
    for plot in plots:
        expected.process(plot, float(plot.time_s[0]))
    for k, until_s in ((0, 1.0), (2, 9.0), (1, 9.0), (3, 13.0)):
        late.process(plots[k], until_s)
    np.testing.assert_array_equal(late.picture().position_enu_m, expected.picture().position_enu_m)
    assert expected.picture().hits.tolist() == [4]
    assert late.picture().hits.tolist() == [4]


def test_a_radar_without_elevation_measures_no_climb() -> None:
    models = two_radars()
    config = TrackerConfig(
        start="two-point", start_climb_sigma_mps=15.0, start_height_sigma_m=3000.0
    )
    tracker = Tracker(config, models)
    velocity = np.array([200.0, -50.0, 0.0])
    for time_s in (1.0, 5.0):
        state = np.array([60e3, 40e3, 3000.0, 0.0, 0.0, 0.0])
        state[:3] += velocity * time_s
        z = polar(state, models.origin_enu_m[1], models.enu_R_sensor[1])
        z[2:] = np.nan
        tracker.process(table(time_s, 1, z[None], np.array([30.0, 0.002, np.nan, np.nan])), time_s)
    estimate = tracker._engine.estimates(5.0)
    np.testing.assert_allclose(estimate.mean[0, 3:5], velocity[:2], atol=5.0)
    assert estimate.covariance[0, 5, 5] ** 0.5 == pytest.approx(15.0, rel=0.1)
    assert estimate.covariance[0, 2, 2] ** 0.5 == pytest.approx(3000.0, rel=0.02)
    # 30 m along and 80 m across the line of sight, over 4 s.
    assert 5.0 < estimate.covariance[0, 3, 3] ** 0.5 < 40.0


def test_the_error_of_a_start_is_what_its_covariance_says() -> None:
    from scipy.stats import chi2

    rng = np.random.default_rng(2)
    n = 400
    model = SensorModels.at_origin(period_s=2.0)
    sigma = np.array([20.0, 0.002, 0.002, np.nan])
    # Far enough apart that no plot is near another target's seed.
    place = np.column_stack([20e3 + 500.0 * (np.arange(n) % 20), 500.0 * (np.arange(n) // 20)])
    state = np.column_stack([place * 40.0 / 20.0, np.full(n, 2e3), rng.normal(0, 50, (n, 3))])
    config = TrackerConfig(start="two-point", start_speed_max_mps=250.0, merge_distance=0.0,
                           process_noise_m2ps3=9.0, vertical_process_noise_m2ps3=9.0)  # fmt: skip
    tracker = Tracker(config, model)
    noise = np.linalg.cholesky(np.array([[8 / 3, 2.0], [2.0, 2.0]])) * 3.0
    for k in range(2):
        if k:
            w = noise @ rng.normal(size=(n, 3, 2, 1))
            state = np.hstack(
                [state[:, :3] + 2.0 * state[:, 3:] + w[:, :, 0, 0], state[:, 3:] + w[:, :, 1, 0]]
            )
        z = np.array([polar(x, np.zeros(3), np.eye(3)) for x in state])
        z += np.nan_to_num(sigma) * rng.normal(size=z.shape)
        z[:, 3] = np.nan
        tracker.process(table(1.0 + 2.0 * k, 0, z, sigma), 1.0 + 2.0 * k)
    estimate = tracker._engine.estimates(3.0)
    nees = []
    for mean, covariance in zip(estimate.mean, estimate.covariance, strict=True):
        error = mean - state[np.linalg.norm(state[:, :3] - mean[:3], axis=1).argmin()]
        nees.append(error @ np.linalg.solve(covariance, error))
    assert len(nees) > 390
    low, high = chi2.ppf([0.005, 0.995], 6 * len(nees)) / len(nees)
    assert low < np.mean(nees) < high


# Triangulation ----------------------------------------------------------------------------

SITES = np.array([[0.0, 0.0, 0.0], [12e3, 0.0, 50.0], [4e3, -9e3, 20.0]])
ANGLE_SIGMA = np.array([np.nan, 0.001, 0.0015, np.nan])


def cameras(
    n: int = 2, elevation: bool = True, range_max_m: float = math.inf, rotates: bool = False
) -> SensorModels:
    return SensorModels(
        origin_enu_m=SITES[:n],
        enu_R_sensor=np.stack([np.eye(3)] * n),
        height_m=SITES[:n, 2],
        period_s=np.full(n, 1.0),
        measures=np.tile([False, True, elevation, False], (n, 1)),
        clutter_density=np.full(n, 0.1 if elevation else 0.02),
        range_max_m=np.full(n, range_max_m),
        rotates=np.full(n, rotates),
    )


def bearings(
    time_s: float,
    sensor: int,
    states: np.ndarray,
    models: SensorModels,
    rng: np.random.Generator | None = None,
) -> Plots:
    states = np.atleast_2d(states)
    states = np.hstack([states, np.zeros((len(states), 6 - states.shape[1]))])
    z = np.array(
        [polar(x, models.origin_enu_m[sensor], models.enu_R_sensor[sensor]) for x in states]
    ).reshape(-1, 4)
    if rng is not None:
        z += np.nan_to_num(ANGLE_SIGMA) * rng.normal(size=z.shape)
    z[:, 1] %= 2.0 * np.pi
    z[:, ~models.measures[sensor]] = np.nan
    return table(time_s, sensor, z, ANGLE_SIGMA)


@pytest.mark.parametrize("elevation", [True, False])
def test_two_bearings_fix_a_target(elevation: bool) -> None:
    target = np.array([5e3, 9e3, 2e3])
    models = cameras(2, elevation)
    drop = (target[0] ** 2 + target[1] ** 2) / (2.0 * 6371e3)
    config = TrackerConfig(start_height_m=2e3 + drop, start_height_sigma_m=500.0)
    tracker = Tracker(config, models)
    both = [bearings(0.5, s, target, models) for s in range(2)]
    tracker.process(Plots.concatenate(both), 0.5)
    picture = tracker.picture()
    assert picture.hits.tolist() == [2]
    np.testing.assert_allclose(picture.position_enu_m[0], target, atol=3.0)
    far = np.linalg.norm(target - SITES[:2], axis=1).max()
    prior = np.diag([far, far, far if elevation else 500.0]) ** 2
    sigma = np.array([0.001, 0.0015 if elevation else np.nan])
    _, expected = fix(target, list(SITES[:2]), [sigma] * 2, prior)
    np.testing.assert_allclose(picture.position_covariance_m2[0], expected, rtol=5e-3, atol=0.5)


def test_one_elevation_is_enough() -> None:
    target = np.array([5e3, 9e3, 2e3])
    models = cameras(2)
    measures = models.measures.copy()
    measures[0, 2] = False
    models = SensorModels(
        models.origin_enu_m, models.enu_R_sensor, models.height_m, models.period_s, measures,
        models.clutter_density,
    )  # fmt: skip
    tracker = Tracker(TrackerConfig(start_height_m=9e3), models)
    tracker.process(Plots.concatenate([bearings(0.5, s, target, models) for s in range(2)]), 0.5)
    np.testing.assert_allclose(tracker.picture().position_enu_m[0], target, atol=1.0)


def crossing_starts(
    models: SensorModels, first: np.ndarray, second: np.ndarray, apart_s: float = 0.0
) -> int:
    tracker = Tracker(TrackerConfig(start_speed_sigma_mps=10.0), models)
    plots = [bearings(0.3, 0, first, models), bearings(0.3 + apart_s, 1, second, models)]
    tracker.process(Plots.concatenate(plots), 0.5)
    return len(tracker.picture())


def test_bearings_that_fix_nothing_start_nothing() -> None:
    models = cameras()
    target = np.array([5e3, 9e3, 2e3])
    assert crossing_starts(models, target, target) == 1
    # The lines pass each other 300 m apart; the gate is some 60 m.
    assert crossing_starts(models, target, target + np.array([0.0, 0.0, 300.0])) == 0
    # They part: they would cross behind the sites.
    assert crossing_starts(models, np.array([-5e3, 9e3, 2e3]), np.array([19e3, 9e3, 2e3])) == 0
    # In line with both sites, and far away, they hardly cross.
    assert crossing_starts(models, np.array([60e3, 100.0, 2e3]), np.array([60e3, 100.0, 2e3])) == 0
    far = np.array([6e3, 199e3, 5e3])
    assert crossing_starts(models, far, far) == 0  # less than 5°
    assert crossing_starts(cameras(range_max_m=9e3), target, target) == 0
    assert crossing_starts(cameras(range_max_m=13e3), target, target) == 1
    # Without elevation, the height does not matter.
    flat = cameras(elevation=False)
    assert crossing_starts(flat, target, target + np.array([0.0, 0.0, 300.0])) == 1


def test_bearings_of_one_site_do_not_cross() -> None:
    models = cameras()
    target = np.array([5e3, 9e3, 2e3])
    tracker = Tracker(TrackerConfig(), models)
    tracker.process(bearings(0.5, 0, np.stack([target, target + 500.0]), models), 0.5)
    assert len(tracker.picture()) == 0


def test_too_many_crossings_start_nothing() -> None:
    models = cameras(elevation=False)
    rng = np.random.default_rng(1)
    side = math.isqrt(CROSSINGS_MAX)
    for n, starts in ((side, CROSSINGS_MAX), (side + 1, 0)):
        ahead = np.column_stack(
            [rng.uniform(5e3, 7e3, n), rng.uniform(30e3, 31e3, n), np.full(n, 3e3)]
        )
        tracker = Tracker(TrackerConfig(), models)
        both = [bearings(0.5, s, ahead, models) for s in range(2)]
        tracker.process(Plots.concatenate(both), 0.5)
        assert len(tracker.picture()) == starts


@pytest.mark.parametrize("association", ["gnn", "jipda"])
def test_ghosts_die_and_targets_stay(association: str) -> None:
    """Two sites begin, and cannot tell ghosts from targets; a third one can."""
    models = cameras(3, elevation=False)
    rng = np.random.default_rng(4)
    state = np.array([[3e3, 9e3, 2000.0, 120.0, 60.0, 0.0], [8e3, 7e3, 2000.0, -90.0, 80.0, 0.0]])
    config = TrackerConfig(
        start_height_m=2000.0,
        start_height_sigma_m=300.0,
        association=association,
        coast_max_s=8.0,
    )
    tracker = Tracker(config, models)
    for k in range(25):
        now = state.copy()
        now[:, :3] += k * now[:, 3:]
        plots = [
            bearings(k + 0.5, s, now[rng.random(2) < 0.95], models, rng)
            for s in range(2 if k == 0 else 3)
        ]
        tracker.process(Plots.concatenate(plots), k + 0.5)
        if k == 0:
            assert len(tracker.picture()) == 4
    shown = tracker.picture()
    shown = shown.take(shown.confirmed)
    for x in now:
        assert np.linalg.norm(shown.position_enu_m[:, :2] - x[:2], axis=1).min() < 60.0
    assert len(shown) == 2


def test_a_third_site_tells_targets_from_ghosts_at_once() -> None:
    models = cameras(3, elevation=False)
    config = TrackerConfig(start_height_m=2000.0, start_height_sigma_m=300.0)
    rng = np.random.default_rng(4)
    targets = np.array([[3e3, 9e3, 2e3], [8e3, 7e3, 2e3], [1e3, 6e3, 2e3]])
    tracker = Tracker(config, models)
    plots = [bearings(0.5, s, targets, models, rng) for s in range(3)]
    tracker.process(Plots.concatenate(plots), 0.5)
    picture = tracker.picture()
    assert picture.hits.tolist() == [3, 3, 3]
    for x in targets:
        assert np.linalg.norm(picture.position_enu_m[:, :2] - x[:2], axis=1).min() < 60.0


@pytest.mark.parametrize("filter_", ["ekf", "ckf"])
def test_bearings_alone_hold_a_track(filter_: str) -> None:
    """Mean position NEES of straight flights under bearings of two sites, 99 % bounds."""
    from scipy.stats import chi2

    models = cameras()
    rng = np.random.default_rng(7)
    config = TrackerConfig(
        filter=filter_, process_noise_m2ps3=1.0, vertical_process_noise_m2ps3=1.0
    )
    root = np.linalg.cholesky(np.array([[1 / 3, 1 / 2], [1 / 2, 1.0]]))
    nees = []
    for _ in range(60):
        x = np.array([rng.uniform(2e3, 9e3), rng.uniform(5e3, 9e3), 2e3, *rng.normal(0, 60, 2), 0])
        tracker = Tracker(config, models)
        for k in range(15):
            if k:
                w = root @ rng.normal(size=(2, 3))
                x = np.concatenate([x[:3] + x[3:] + w[0], x[3:] + w[1]])
            plots = [bearings(k + 0.5, s, x, models, rng) for s in range(2)]
            tracker.process(Plots.concatenate(plots), k + 0.5)
        picture = tracker.picture()
        assert picture.confirmed.tolist() == [True]
        assert picture.hits[0] >= 28
        error = picture.position_enu_m[0] - x[:3]
        nees.append(error @ np.linalg.solve(picture.position_covariance_m2[0], error))
    low, high = chi2.ppf([0.005, 0.995], 3 * len(nees)) / len(nees)
    assert low < np.mean(nees) < high


def test_a_single_bearing_updates_a_track() -> None:
    radar = two_radars()
    models = SensorModels(
        origin_enu_m=np.array([[0.0, 0.0, 0.0], [20e3, 0.0, 0.0]]),
        enu_R_sensor=radar.enu_R_sensor,
        height_m=np.zeros(2),
        period_s=np.array([2.0, 1.0]),
        measures=np.array([[True, True, True, False], [False, True, True, False]]),
        clutter_density=np.array([1e-7, 1e-1]),
    )
    target = np.array([[10e3, 10e3, 3e3, 0.0, 0.0, 0.0]])
    tracker = Tracker(TrackerConfig(), models)
    for k in range(4):
        z = polar(target[0], SITES[0], np.eye(3))
        z[3] = np.nan
        tracker.process(table(2.0 * k, 0, z[None], np.array([30.0, 0.01, 0.01, np.nan])), 2.0 * k)
    alone, helped = Tracker(TrackerConfig(), models), tracker
    alone._engine.recall(tracker._engine.remember())
    helped.process(bearings(6.4, 1, target, models), 6.4)
    assert helped.picture().hits.tolist() == [5]
    assert helped.picture().sensors.tolist() == [0b11]
    before = np.trace(alone.picture(6.4).position_covariance_m2[0])
    assert np.trace(helped.picture().position_covariance_m2[0]) < 0.7 * before
