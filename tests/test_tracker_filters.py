"""Filters and motion models inside the tracker: the error is what the covariance says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from reference import numerical_jacobian
from scipy.stats import chi2
from twins_filters import measured_of, moved
from twins_tracking import moved_on, plots_of, tracked

from sim.core.motion import Motion
from sim.core.tables import Measured, Plots, Tracks
from sim.tracking import MotionModel, SensorModels, Tracker, TrackerConfig

Floats = NDArray[np.float64]
SIGMA = (25.0, 0.002, 0.002, 1.0)
PERIOD_S = 1.0


def filtered_errors(
    config: TrackerConfig,
    flights: Floats,
    seed: int,
    sensors: SensorModels | None = None,
    sigma: tuple[float, ...] = SIGMA,
) -> tuple[Floats, Floats]:
    """Track flights (targets, looks, 6), one plot a second.

    Returns position error squared and position NEES, (targets, looks); NaN where not held.
    """
    sensors = sensors or SensorModels.at_origin(period_s=PERIOD_S)
    rng = np.random.default_rng(seed)
    n, looks = flights.shape[:2]
    plots = Plots.concatenate(
        [plots_of(sensors, 0, k * PERIOD_S, flights[:, k], sigma, rng) for k in range(looks)]
    )
    times = [k * PERIOD_S for k in range(looks)]
    squared, nees = np.full((2, n, looks), np.nan)
    for k, picture in enumerate(tracked(config, sensors, plots, times)):
        if not len(picture):
            continue
        error = picture.position_enu_m[None] - flights[:, k, None, :3]
        own = (error**2).sum(axis=2)
        for i in range(n):
            j = own[i].argmin()
            squared[i, k] = own[i, j]
            d = error[i, j]
            nees[i, k] = d @ np.linalg.solve(picture.position_covariance_m2[j], d)
    return squared, nees


def spread_out(n: int, rng: np.random.Generator, speed_mps: float = 200.0) -> Floats:
    """States (n, 6) some kilometres apart, 10 to 40 km away, flying level."""
    angle = 2 * np.pi * (np.arange(n) + 0.5 * rng.random(n)) / n
    away = rng.uniform(15e3, 40e3, n)
    heading = rng.uniform(0.0, 2 * np.pi, n)
    return np.column_stack(
        [
            away * np.sin(angle), away * np.cos(angle), rng.uniform(2e3, 9e3, n),
            speed_mps * np.sin(heading), speed_mps * np.cos(heading), np.zeros(n),
        ]
    )  # fmt: skip


def straight_flights(n: int, looks: int, seed: int, noise_m2ps3: float) -> Floats:
    """Flights with white-noise acceleration, (n, looks, 6)."""
    rng = np.random.default_rng(seed)
    states = [spread_out(n, rng)]
    covariance = noise_m2ps3 * np.array([[1 / 3, 1 / 2], [1 / 2, 1.0]])
    for _ in range(looks - 1):
        push = rng.multivariate_normal(np.zeros(2), covariance, (n, 3))
        states.append(moved_on(states[-1], 1.0) + push.transpose(0, 2, 1).reshape(n, 6))
    return np.stack(states, axis=1)


def bounds(n: int, components: int = 3, share: float = 0.999) -> tuple[float, float]:
    """Bounds of the mean of n independent squared errors."""
    low, high = chi2.ppf([0.5 - share / 2, 0.5 + share / 2], components * n) / n
    return float(low), float(high)


@pytest.mark.parametrize("filter_", ["kf", "ekf", "ckf"])
def test_the_error_is_what_the_covariance_says(filter_: str) -> None:
    config = TrackerConfig(
        filter=filter_, process_noise_m2ps3=2.0, vertical_process_noise_m2ps3=2.0
    )
    n = 150
    squared, nees = filtered_errors(config, straight_flights(n, 30, 3, 2.0), 4)
    low, high = bounds(n)
    assert low < nees[:, -1].mean() < high
    assert low < nees[:, 15].mean() < high
    # A plot alone errs by 25 m along and 2 mrad · 27 km = 54 m across, twice.
    assert math.sqrt(squared[:, -1].mean()) < 60.0


def test_converted_plots_equal_measured_ones_close_by() -> None:
    """Where r·σ² is far below σ_range, kf and ekf see the same."""
    flights = straight_flights(20, 20, 1, 2.0)
    flights[:, :, :3] *= 0.3  # slower and nearer: 5 to 12 km
    flights[:, :, 3:] *= 0.3
    sigma = (20.0, 0.001, 0.001, 1.0)
    sensors = SensorModels.at_origin(period_s=PERIOD_S)
    rng = np.random.default_rng(2)
    plots = Plots.concatenate(
        [plots_of(sensors, 0, k * PERIOD_S, flights[:, k], sigma, rng) for k in range(20)]
    )
    times = [k * PERIOD_S for k in range(20)]
    ends = [
        tracked(TrackerConfig(filter=name, merge_distance=0.0), sensors, plots, times)[-1]
        for name in ("kf", "ekf", "ckf")
    ]
    spread = np.sqrt(np.einsum("kii->ki", ends[1].position_covariance_m2))
    assert len(spread) == 20
    for other in (ends[0], ends[2]):
        # Which of two tracks is born first depends on the cells, so they are matched by place.
        apart = np.abs(other.position_enu_m[None] - ends[1].position_enu_m[:, None])
        match = apart.sum(axis=2).argmin(axis=1)
        assert sorted(match) == list(range(20))
        assert (apart[np.arange(20), match] / spread).max() < 0.05
        np.testing.assert_allclose(
            np.einsum("kii->ki", other.position_covariance_m2)[match], spread**2, rtol=0.01
        )


def flight(kind: Motion, parameters: Floats, state: Floats, looks: int) -> Floats:
    """One exact flight by a motion model, (looks, 6)."""
    states = [state]
    for _ in range(looks - 1):
        states.append(moved(kind, parameters, states[-1], PERIOD_S))
    return np.array(states)[:, :6]


FLIGHTS = {
    "constant-velocity": (
        MotionModel(noise=0.5, vertical_noise=0.5),
        [-8e3, 14e3, 5e3, 220.0, 30.0, 5.0],
    ),
    "constant-acceleration": (
        MotionModel(kind="constant-acceleration", noise=0.5, vertical_noise=0.5),
        [-8e3, 14e3, 5e3, 150.0, 30.0, 0.0, 8.0, 4.0, 1.0],
    ),
    "singer": (
        MotionModel(kind="singer", noise=15.0, vertical_noise=5.0, time_constant_s=15.0),
        [-8e3, 14e3, 5e3, 150.0, 30.0, 0.0, 20.0, -10.0, 2.0],
    ),
    "coordinated-turn": (
        MotionModel(
            kind="coordinated-turn", noise=0.5, vertical_noise=0.5, turn_noise_rad2ps3=1e-6
        ),
        [-8e3, 14e3, 5e3, 200.0, 30.0, 0.0, 0.08],
    ),
    "ballistic": (
        MotionModel(kind="ballistic", noise=0.5, vertical_noise=0.5, drag_noise=1e-4),
        [-8e3, 14e3, 12e3, 400.0, 100.0, 300.0, math.log(2e-4)],
    ),
}


@pytest.mark.parametrize("kind", FLIGHTS)
def test_each_motion_model_holds_the_target_it_describes(kind: str) -> None:
    """Where constant velocity with as little noise errs far beyond its covariance."""
    model, state = FLIGHTS[kind]
    looks = 40
    number = list(FLIGHTS).index(kind)
    path = flight(Motion(number), np.array(model.parameters), np.array(state), looks)
    n = 25
    all_nees, all_squared = [], []
    sensors = SensorModels.at_origin(period_s=PERIOD_S)
    config = TrackerConfig(models=[model], start_speed_sigma_mps=400.0, start_climb_sigma_mps=300.0)
    for seed in range(n):
        squared, nees = filtered_errors(config, path[None], seed, sensors)
        all_nees.append(nees[0, 20:])
        all_squared.append(squared[0, 20:])
    mean_nees = np.mean(all_nees)
    # The flight is without noise, so the filter is on the safe side; errors in time are correlated.
    assert 0.5 < mean_nees < 4.0
    assert math.sqrt(np.mean(all_squared)) < 45.0
    if kind != "constant-velocity":
        plain = TrackerConfig(
            models=[FLIGHTS["constant-velocity"][0]],
            start_speed_sigma_mps=400.0,
            start_climb_sigma_mps=300.0,
        )
        squared, nees = filtered_errors(plain, path[None], 0, sensors)
        assert np.nanmean(squared[0, 20:]) > 2.0 * np.mean(all_squared)


def test_interacting_models_beat_one_in_a_turn() -> None:
    """Straight, a 5 g turn, straight again: the bank is nearer and knows how near."""
    rng = np.random.default_rng(6)
    n, looks = 40, 60
    turn_rate = np.zeros(looks)
    turn_rate[20:35] = 0.2
    states = spread_out(n, rng, 250.0)
    states[:, :3] *= 0.5
    path = [states.copy()]
    for k in range(looks - 1):
        w = turn_rate[k]
        c, s = np.cos(w), np.sin(w)
        ve, vn = states[:, 3].copy(), states[:, 4].copy()
        a, b = (s / w, (1 - c) / w) if w else (1.0, 0.0)
        states[:, 0] += a * ve + b * vn
        states[:, 1] += a * vn - b * ve
        states[:, 3], states[:, 4] = c * ve + s * vn, c * vn - s * ve
        path.append(states.copy())
    flights = np.stack(path, axis=1)
    bank = filtered_errors(TrackerConfig(filter="imm"), flights, 1)
    one = filtered_errors(TrackerConfig(process_noise_m2ps3=1.0), flights, 1)
    soft = filtered_errors(TrackerConfig(process_noise_m2ps3=500.0), flights, 1)
    turning, before = slice(22, 35), slice(10, 20)
    rms = {
        name: [math.sqrt(squared[:, part].mean()) for part in (before, turning)]
        for name, (squared, _) in {"bank": bank, "one": one, "soft": soft}.items()
    }
    assert rms["bank"][1] < 0.85 * min(rms["one"][1], rms["soft"][1])  # in the turn
    assert rms["bank"][0] < 0.85 * rms["soft"][0]  # flying straight
    assert bank[1][:, turning].mean() < 0.7 * one[1][:, turning].mean()
    assert 1.0 < bank[1][:, turning].mean() < 6.0
    assert 1.0 < bank[1][:, before].mean() < 4.0


def several_kinds() -> SensorModels:
    """A radar, a camera, a bistatic pair, three time-difference pairs, reported positions."""
    places = [[0, 0, 50], [4e3, -9e3, 30], [-6e3, 2e3, 10], [9e3, 9e3, 0], [-9e3, 8e3, 200],
              [2e3, -12e3, 0], [0, 0, 0]]  # fmt: skip
    others = [[0, 0, 0], [0, 0, 0], [12e3, 6e3, 100], [-9e3, 8e3, 200], [2e3, -12e3, 0],
              [9e3, 9e3, 0], [0, 0, 0]]  # fmt: skip
    time = [True, False, False, False]
    return SensorModels(
        origin_enu_m=np.array(places, float),
        enu_R_sensor=np.stack([np.eye(3)] * 7),
        height_m=np.zeros(7),
        period_s=np.full(7, PERIOD_S),
        measures=np.array(
            [[True] * 4, [False, True, True, False], [True, True, False, True], time, time, time,
             [True, True, False, False]]
        ),
        clutter_density=np.array([1e-8, 1e-2, 1e-7, 1e3, 1e3, 1e3, 1e-9]),
        kind=np.array([0, 0, 2, 3, 3, 3, 1], np.uint8),
        other_enu_m=np.array(others, float),
    )  # fmt: skip


SEVERAL_SIGMA = [
    (60.0, 0.01, 0.01, 3.0), (1.0, 0.0005, 0.0005, 1.0), (30.0, 0.005, 1.0, 1.0),
    (5e-8, 1, 1, 1), (5e-8, 1, 1, 1), (5e-8, 1, 1, 1), (30.0, 30.0, 1.0, 1.0),
]  # fmt: skip
FEEDS = {"camera": (1,), "bistatic": (2,), "differences": (3, 4, 5), "reports": (6,)}


@pytest.mark.parametrize("filter_", ["ekf", "imm"])
@pytest.mark.parametrize("feed", FEEDS)
def test_any_kind_of_measurement_feeds_a_track(feed: str, filter_: str) -> None:
    """A radar starts it; then it lives on the others alone, and what they measure gets sharper."""
    sensors, rng = several_kinds(), np.random.default_rng(9)
    begin = np.array([[5e3, 16e3, 4e3, -120.0, -60.0, 0.0], [-14e3, 5e3, 6e3, 30.0, 150.0, 0.0]])
    config = TrackerConfig(
        filter=filter_, process_noise_m2ps3=1.0, vertical_process_noise_m2ps3=1.0,
        coast_max_s=10.0,
    )  # fmt: skip
    sharper, nees = [], []
    for _ in range(12):
        tracker = Tracker(config, sensors)
        for k in range(5):
            state = moved_on(begin, float(k))
            tracker.process(plots_of(sensors, 0, float(k), state, SEVERAL_SIGMA[0], rng))
        started = tracker.picture()
        started = started.take(started.confirmed)
        assert len(started) == 2
        before = seen_spread(started, feed, sensors)
        for k in range(5, 30):
            state = moved_on(begin, float(k))
            for s in FEEDS[feed]:
                tracker.process(
                    plots_of(sensors, s, float(k), state, SEVERAL_SIGMA[s], rng), float(k)
                )
        picture = tracker.picture()
        held = picture.take(np.isin(picture.number, started.number))
        assert held.number.tolist() == started.number.tolist()
        fed = sum(1 << s for s in FEEDS[feed])
        assert (held.sensors == np.uint64(1 | fed)).all()
        assert (held.last_plot_s == 29.0).all()
        sharper.append(seen_spread(held, feed, sensors) / before)
        for i in range(2):
            error = np.abs(state[:, :3] - held.position_enu_m[i])
            error = state[error.sum(axis=1).argmin(), :3] - held.position_enu_m[i]
            nees.append(error @ np.linalg.solve(held.position_covariance_m2[i], error))
    # Paths alone leave the height open, and what it bends of them stays.
    assert np.max(sharper) < (1.0 if feed == "bistatic" else 0.5)
    # Flights without noise: the filter may err on the safe side, not on the other.
    assert 0.3 < np.mean(nees) < bounds(24, share=0.9999)[1]


def seen_spread(tracks: Tracks, feed: str, sensors: SensorModels) -> Floats:
    """Standard deviations of what the feed's sensors would measure of each track."""
    result = []
    for x, P in zip(tracks.position_enu_m, tracks.position_covariance_m2, strict=True):
        for s in FEEDS[feed]:
            kind = Measured(sensors.kind[s])
            sight = (sensors.origin_enu_m[s], sensors.enu_R_sensor[s], sensors.other_enu_m[s])
            H = numerical_jacobian(
                lambda y, kind=kind, sight=sight: measured_of(kind, y, *sight),
                np.append(x, np.zeros(3)),
                np.ones(6),
            )[:3, :3][sensors.measures[s, :3]]
            result.append(np.sqrt(np.diag(H @ P @ H.T)))
    return np.concatenate(result)
