"""The tracker as its users see it."""

from __future__ import annotations

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from tracking_scenes import SIGMA, observed, targets, two_radars

from sim.core.tables import Plots, Tracks, TrackStatus
from sim.tracking import SensorModels, Tracker, TrackerConfig

STEP_S = 0.5


def pictures(tracker: Tracker, plots: Plots, duration_s: float) -> list[Tracks]:
    result = []
    for k in range(int(duration_s / STEP_S)):
        due = (plots.time_s > k * STEP_S) & (plots.time_s <= (k + 1) * STEP_S)
        tracker.process(plots.take(due), (k + 1) * STEP_S)
        result.append(tracker.picture())
    return result


def assert_same(a: list[Tracks], b: list[Tracks]) -> None:
    for left, right in zip(a, b, strict=True):
        for field in fields(Tracks):
            np.testing.assert_array_equal(getattr(left, field.name), getattr(right, field.name))


def one_plot(
    time_s: float,
    position: tuple[float, float, float],
    sensor: int = 0,
    models=None,  # type: ignore[no-untyped-def]
) -> Plots:
    from reference import polar

    models = models or two_radars()
    z = polar(
        np.array([*position, 0.0, 0.0, 0.0]),
        models.origin_enu_m[sensor],
        models.enu_R_sensor[sensor],
    )
    z[1] %= 2 * np.pi
    z[~models.measures[sensor]] = np.nan
    return Plots(
        time_s=np.array([time_s]),
        sensor=np.array([sensor], np.int32),
        measurement=z[None],
        sigma=SIGMA[sensor][None],
        snr_db=np.array([20.0]),
        reply=np.zeros(1, np.uint8),
        truth_id=np.zeros(1, np.int32),
    )


def test_both_engines_agree() -> None:
    plots = observed(n=12, duration_s=24.0, false_per_turn=8)
    compiled = pictures(Tracker(TrackerConfig(merge_distance=0), two_radars()), plots, 24.0)
    readable = pictures(Tracker(TrackerConfig(engine="filterpy"), two_radars()), plots, 24.0)
    assert sum(int(t.confirmed.sum()) for t in compiled) > 200
    for a, b in zip(compiled, readable, strict=True):
        for name in ("number", "status", "hits", "sensors", "replies", "last_plot_s"):
            np.testing.assert_array_equal(getattr(a, name), getattr(b, name))
        for name in ("position_enu_m", "velocity_enu_mps", "position_covariance_m2"):
            np.testing.assert_allclose(
                getattr(a, name), getattr(b, name), rtol=1e-8, atol=1e-8 * 1e3
            )


def test_every_target_is_held_under_one_number() -> None:
    n, duration_s = 15, 40.0
    picture = pictures(
        Tracker(TrackerConfig(), two_radars()), observed(n=n, duration_s=duration_s), duration_s
    )
    position, velocity = targets(n, 1)
    held: dict[int, set[int]] = {i: set() for i in range(n)}
    for tracks in picture[30:]:
        shown = tracks.take(tracks.confirmed)
        for i in range(n):
            apart = np.linalg.norm(
                shown.position_enu_m - (position[i] + velocity[i] * tracks.time_s), axis=1
            )
            assert apart.min() < 1500.0, f"target {i} lost at {tracks.time_s} s"
            held[i].add(int(shown.number[apart.argmin()]))
    assert sum(len(numbers) == 1 for numbers in held.values()) >= n - 1


def test_order_of_plots_and_truth_ids_change_nothing() -> None:
    plots = observed(n=8, duration_s=16.0)
    expected = pictures(Tracker(TrackerConfig(), two_radars()), plots, 16.0)
    rng = np.random.default_rng(5)
    shuffled = plots.take(rng.permutation(len(plots)))
    lying = replace(shuffled, truth_id=rng.permutation(shuffled.truth_id))
    assert_same(expected, pictures(Tracker(TrackerConfig(), two_radars()), lying, 16.0))


@pytest.mark.parametrize(
    ("column", "component", "value"),
    [
        ("time_s", None, math.nan),
        ("time_s", None, math.inf),
        ("sensor", None, 7),
        ("sensor", None, -1),
        ("measurement", 0, math.nan),
        ("measurement", 0, -5.0),
        ("measurement", 1, math.inf),
        ("measurement", 2, 2.0),
        ("measurement", 3, 1e9),
        ("sigma", 0, 0.0),
        ("sigma", 1, math.nan),
        ("reply", None, 9),
    ],
)
def test_broken_plots_are_dropped_and_counted(
    column: str, component: int | None, value: float
) -> None:
    plots = observed(n=4, duration_s=4.0)
    expected = pictures(Tracker(TrackerConfig(), two_radars()), plots, 4.0)
    broken = one_plot(1.0, (9e3, 9e3, 2e3))
    changed = getattr(broken, column).copy()
    changed[0 if component is None else (0, component)] = value
    tracker = Tracker(TrackerConfig(), two_radars())
    mixed = Plots.concatenate([plots, replace(broken, **{column: changed})])
    tracker.process(mixed.take(mixed.time_s <= 0.5), 0.5)  # also with others in one call
    tracker = Tracker(TrackerConfig(), two_radars())
    tracker.process(replace(broken, **{column: changed}), 0.0)
    assert tracker.rejected.broken == 1
    assert len(tracker.picture(0.0)) == 0
    assert_same(expected, pictures(tracker, plots, 4.0))


def test_time_never_goes_backwards() -> None:
    tracker = Tracker(TrackerConfig(), two_radars())
    tracker.process(one_plot(10.0, (5e3, 5e3, 1e3)), 10.0)
    tracker.process(one_plot(9.0, (8e3, 5e3, 1e3)), 10.5)
    assert tracker.rejected.late == 1
    assert len(tracker.picture()) == 1
    assert tracker.time_s == 10.5


def test_confirmation_by_three_looks_of_five() -> None:
    config = TrackerConfig(confirm_hits=3, confirm_looks=5)
    place = (10e3, 4e3, 2e3)
    for seen, confirmed in (("11100", True), ("10101", True), ("11001", True), ("10010", False)):
        tracker = Tracker(config, two_radars())
        for look, hit in enumerate(seen):
            time_s = 2.0 * look
            tracker.process(one_plot(time_s, place) if hit == "1" else Plots.empty(), time_s + 1.5)
        assert tracker.picture().confirmed.any() == confirmed, seen


def test_a_tentative_track_without_a_future_is_dropped() -> None:
    tracker = Tracker(TrackerConfig(), two_radars())
    tracker.process(one_plot(0.0, (10e3, 4e3, 2e3)), 0.5)
    assert len(tracker.picture()) == 1
    for k in range(1, 20):
        tracker.process(Plots.empty(), 0.5 + k * 0.5)
    assert len(tracker.picture()) == 0


def test_coasting_and_dropping() -> None:
    tracker = Tracker(TrackerConfig(coast_max_s=10.0), two_radars())
    for look in range(5):
        tracker.process(one_plot(2.0 * look, (10e3, 4e3, 2e3)), 2.0 * look)
    assert tracker.picture().status.tolist() == [TrackStatus.CONFIRMED]
    tracker.process(Plots.empty(), 12.0)
    assert tracker.picture().status.tolist() == [TrackStatus.COASTING]
    tracker.process(Plots.empty(), 17.9)
    assert len(tracker.picture()) == 1
    tracker.process(Plots.empty(), 18.1)
    assert len(tracker.picture()) == 0


def test_two_radars_that_see_a_newcomer_together_start_one_track() -> None:
    models = two_radars()
    tracker = Tracker(TrackerConfig(), models)
    place = (12e3, 9e3, 3e3)
    both = Plots.concatenate([one_plot(0.1, place), one_plot(0.3, place, sensor=1)])
    tracker.process(both, 0.5)
    assert len(tracker.picture()) == 1


def test_a_radar_without_elevation_starts_at_the_assumed_height() -> None:
    config = TrackerConfig(start_height_m=5000.0, start_height_sigma_m=800.0)
    tracker = Tracker(config, two_radars())
    # 46 km away the ground has dropped by 166 m under the sensor's horizontal.
    tracker.process(one_plot(0.0, (60e3, 40e3, 4824.0), sensor=1), 0.0)
    picture = tracker.picture()
    np.testing.assert_allclose(picture.position_enu_m[0], (60e3, 40e3, 4824.0), atol=30.0)
    assert picture.position_covariance_m2[0, 2, 2] ** 0.5 == pytest.approx(800.0, rel=0.1)


def test_replies_are_counted() -> None:
    tracker = Tracker(TrackerConfig(), two_radars())
    for look, reply in enumerate((0, 1, 1, 2)):
        plot = one_plot(2.0 * look, (10e3, 4e3, 2e3))
        tracker.process(replace(plot, reply=np.array([reply], np.uint8)), 2.0 * look)
    assert tracker.picture().replies.tolist() == [[1, 2, 1]]


@pytest.mark.slow
def test_the_error_is_what_the_filter_says() -> None:
    """Mean position NEES over 400 straight flights lies within its 99 % bounds."""
    from scipy.stats import chi2

    config = TrackerConfig(process_noise_m2ps3=0.5, vertical_process_noise_m2ps3=0.5)
    model = SensorModels.at_origin(period_s=1.0)
    rng = np.random.default_rng(1)
    sigma = np.array([20.0, 0.003, 0.003])
    nees = []
    for _ in range(400):
        position = np.array([rng.uniform(15e3, 30e3), rng.uniform(5e3, 20e3), 3e3])
        velocity = np.array([*rng.normal(0.0, 80.0, 2), 0.0])
        x = np.concatenate([position, velocity])
        tracker = Tracker(config, model)
        for k in range(40):
            if k:  # the target moves as the filter assumes
                noise = rng.multivariate_normal(np.zeros(2), [[1 / 3, 1 / 2], [1 / 2, 1]], 3) * (
                    math.sqrt(0.5)
                )
                x = np.concatenate([x[:3] + x[3:] + noise[:, 0], x[3:] + noise[:, 1]])
            plot = one_plot(float(k), tuple(x[:3]), models=model)
            measured = plot.measurement + np.append(sigma * rng.normal(size=3), np.nan)
            tracker.process(
                replace(plot, measurement=measured, sigma=np.append(sigma, np.nan)[None]), float(k)
            )
        picture = tracker.picture()
        assert len(picture) == 1
        error = picture.position_enu_m[0] - x[:3]
        nees.append(error @ np.linalg.solve(picture.position_covariance_m2[0], error))
    low, high = chi2.ppf([0.005, 0.995], 3 * len(nees)) / len(nees)
    assert low < np.mean(nees) < high


def test_silence_inside_one_call_drops_a_track() -> None:
    place = (10e3, 4e3, 2e3)
    tracker = Tracker(TrackerConfig(coast_max_s=10.0), two_radars())
    for look in range(4):
        tracker.process(one_plot(2.0 * look, place), 2.0 * look)
    (before,) = tracker.picture().number
    tracker.process(one_plot(40.0, place), 40.0)
    assert before not in tracker.picture().number
