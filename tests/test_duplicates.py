"""Duplicates are merged, and real neighbours are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reference import polar
from twins_starts import sigmas_apart

from sim.core.jit import threads_for
from sim.core.tables import Measured, Plots, Tracks
from sim.tracking import SensorModels, Tracker, TrackerConfig
from sim.tracking.duplicates import CHECKS, TWO_TARGETS, merge_duplicates, no_suspects
from sim.tracking.policy import model_rows, sensor_columns
from sim.tracking.store import TrackColumns, empty_columns
from sim.tracking.watched_pairs import watched_pairs

SIGMA = np.array([30.0, 0.003, 0.003, np.nan])


def radars(
    n: int = 1, resolution: tuple[float, float] = (0.0, 0.0), rotates: bool = True
) -> SensorModels:
    return SensorModels(
        origin_enu_m=np.array([[0.0, 0.0, 0.0], [25e3, 0.0, 0.0]])[:n],
        enu_R_sensor=np.stack([np.eye(3)] * n),
        height_m=np.zeros(n),
        period_s=np.full(n, 4.0),
        measures=np.tile([True, True, True, False], (n, 1)),
        clutter_density=np.full(n, 1e-9),
        rotates=np.full(n, rotates),
        resolution=np.tile([*resolution, 0.0, 0.0], (n, 1)),
    )


def look(
    time_s: float,
    sensor: int,
    places: np.ndarray,
    models: SensorModels,
    rng: np.random.Generator,
    bias_rad: float = 0.0,
) -> Plots:
    n = len(places)
    z = np.array(
        [polar(np.append(p, np.zeros(3)), models.origin_enu_m[sensor], np.eye(3)) for p in places]
    ).reshape(n, 4)
    z += np.nan_to_num(SIGMA) * rng.normal(size=z.shape)
    z[:, 1] = (z[:, 1] + bias_rad) % (2.0 * np.pi)
    z[:, 3] = np.nan
    # The beam passes one after the other.
    delay_s = z[:, 1] / (2.0 * np.pi) * 1e-2 if models.rotates[sensor] else np.zeros(n)
    return Plots(
        time_s=time_s + delay_s,
        sensor=np.full(n, sensor, np.int32),
        measurement=z,
        sigma=np.tile(SIGMA, (n, 1)),
        snr_db=np.full(n, 15.0),
        reply=np.ones(n, np.uint8),
        truth_id=np.zeros(n, np.int32),
    )


def confirmed(tracker: Tracker) -> Tracks:
    picture = tracker.picture()
    return picture.take(picture.confirmed)


VELOCITY = np.array([120.0, 90.0, 0.0])


def fly(
    tracker: Tracker,
    models: SensorModels,
    looks: int,
    offsets: np.ndarray,
    *,
    merge_from: float = np.inf,
    bias_rad: float = 0.0,
    pd: float = 0.95,
    first: int = 0,
    velocity: np.ndarray = VELOCITY,
) -> list[int]:
    """Fly a formation; from ``merge_from`` on its plots are one. Returns confirmed tracks."""
    rng = np.random.default_rng(first)
    numbers = []
    for k in range(first, first + looks):
        for s in range(len(models)):
            time_s = 4.0 * k + 1.5 + 2.0 * s
            places = np.array([8e3, 14e3, 3e3]) + velocity * time_s + offsets
            if k >= merge_from:
                places = places.mean(axis=0)[None]
            seen = places[rng.random(len(places)) < pd]
            bias = bias_rad if s == 1 else -bias_rad
            tracker.process(look(time_s, s, seen, models, rng, bias), time_s + 0.1)
        numbers.append(len(confirmed(tracker)))
    return numbers


@pytest.mark.parametrize("association", ["gnn", "mht"])
def test_a_formation_seen_by_a_resolving_radar_stays_four_tracks(association: str) -> None:
    models = radars()
    square = np.array([[0, 0, 0], [300, 0, 0], [0, 300, 0], [300, 300, 0]], float)
    tracker = Tracker(TrackerConfig(merge_distance=3.0, association=association), models)
    numbers = fly(tracker, models, 40, square)
    assert set(numbers[6:]) == {4}


def test_two_close_targets_that_are_resolved_stay_two() -> None:
    """Far nearer than the merge distance: only the looks tell them apart."""
    models = radars()
    pair = np.array([[0.0, 0.0, 0.0], [60.0, 0.0, 0.0]])
    config = TrackerConfig(merge_distance=5.0)
    tracker = Tracker(config, models)
    numbers = fly(tracker, models, 40, pair)
    assert set(numbers[8:]) == {2}


@pytest.mark.parametrize("distance", [0.0, 2.0])
def test_tracks_of_two_biased_radars_merge(distance: float) -> None:
    models = radars(2)
    tracker = Tracker(TrackerConfig(merge_distance=distance, gate_probability=0.9), models)
    numbers = fly(tracker, models, 14, np.zeros((1, 3)), bias_rad=0.012)
    assert max(numbers) == 2
    hits = confirmed(tracker).hits.sum()
    assert hits >= 12
    # The bias is removed: from now on both see the same.
    numbers = fly(tracker, models, 8, np.zeros((1, 3)), bias_rad=0.0, first=14, pd=1.0)
    assert numbers[-1] == (1 if distance else 2)
    if distance:
        shown = confirmed(tracker)
        assert shown.number.tolist() == [1]
        assert shown.sensors.tolist() == [0b11]
        # Nothing that was counted is lost: two tracks took nearly all plots.
        assert shown.hits[0] >= hits + 14
        assert shown.replies[0].tolist() == [0, shown.hits[0], 0]


def test_of_trees_on_one_target_the_oldest_stays() -> None:
    """Two biased radars that get well: trees of one target starve each other, the older too."""
    shown = {}
    for distance in (0.0, 2.0):
        models = radars(2)
        config = TrackerConfig(association="mht", merge_distance=distance, gate_probability=0.9)
        tracker = Tracker(config, models)
        numbers = fly(tracker, models, 14, np.zeros((1, 3)), bias_rad=0.02)
        assert numbers[-1] == 2
        shown[distance] = fly(tracker, models, 14, np.zeros((1, 3)), first=14, pd=1.0)
        assert (confirmed(tracker).number.tolist() == [1]) == (distance > 0.0)
    assert shown[2.0][-1] == shown[0.0][-1] == 1
    assert sum(shown[2.0]) < sum(shown[0.0])


@pytest.mark.parametrize("rotates", [True, False])
def test_an_unresolved_pair_is_not_merged_within_its_flight(rotates: bool) -> None:
    models = radars(resolution=(150.0, 0.02), rotates=rotates)
    # Staring, only a nominally resolved pair is told apart from one plot shared by two tracks.
    pair = np.array([[0.0, 0.0, 0.0], [120.0 if rotates else 330.0, 0.0, 0.0]])
    tracker = Tracker(TrackerConfig(merge_distance=2.0), models)
    fly(tracker, models, 12, pair)
    assert len(confirmed(tracker)) == 2
    numbers = fly(tracker, models, 40, pair, first=12, merge_from=0)
    assert set(numbers) == {2}
    shown = confirmed(tracker)
    apart = np.linalg.norm(shown.position_enu_m[0] - shown.position_enu_m[1])
    # Near enough to be one, by the states alone.
    assert apart < 2.0 * np.sqrt(12.0 * shown.position_covariance_m2[:, 0, 0].max())


def test_duplicates_that_share_unresolved_plots_merge() -> None:
    """One target, and an extra track beside it that lives on its plots."""
    models = radars(resolution=(150.0, 0.02))
    tracker = Tracker(TrackerConfig(merge_distance=2.0), models)
    still = np.zeros(3)
    fly(tracker, models, 5, np.zeros((1, 3)), pd=1.0, velocity=still)
    # One false plot beside the target begins a second track.
    beside = np.array([[0, 0, 0], [140.0, 0, 0]])
    fly(tracker, models, 1, beside, first=5, pd=1.0, velocity=still)
    numbers = fly(tracker, models, 20, np.zeros((1, 3)), first=6, pd=1.0, velocity=still)
    assert max(numbers) == 2
    assert numbers[-1] == 1
    assert confirmed(tracker).number.tolist() == [1]


# The check itself -------------------------------------------------------------------------


def two_tracks(apart_m: float, sigma_m: float = 20.0, swap: bool = False) -> TrackColumns:
    tracks = empty_columns(4)
    tracks.mean[:3] = np.array([5e3, 6e3, 2e3])[:, None]
    tracks.mean[0, 1] += apart_m
    for row, value in ((0, sigma_m), (3, sigma_m), (5, sigma_m), (15, 5.0), (18, 5.0), (20, 5.0)):
        tracks.covariance[row] = value**2
    tracks.probability[:] = 1.0
    tracks.status[:2] = 1
    tracks.number[:2] = (9, 4) if swap else (4, 9)
    tracks.hit_s[0, :2] = (10.0, 7.0)
    tracks.hits[:2] = (6, 5)
    tracks.replies[1, :2] = (2, 3)
    tracks.sensors[:2] = (0b1, 0b100)
    tracks.last_plot_s[:2] = (10.0, 7.0)
    return tracks


def checked(tracks: TrackColumns, count: int, distance: float, checks: int) -> int:
    models = model_rows(TrackerConfig())
    sensors = sensor_columns(TrackerConfig(), SensorModels.at_origin(period_s=4.0))
    suspects = no_suspects()
    for k in range(checks):
        count, suspects = merge_duplicates(
            tracks, count, 4.0 * k, suspects, distance, models, sensors
        )
    return count


@pytest.mark.parametrize("swap", [True, False])
def test_the_older_number_stays_and_counts_are_added(swap: bool) -> None:
    tracks = two_tracks(10.0, swap=swap)
    assert checked(tracks, 2, 1.0, CHECKS - 1) == 2
    tracks = two_tracks(10.0, swap=swap)
    assert checked(tracks, 2, 1.0, CHECKS) == 1
    assert tracks.number[0] == 4
    assert tracks.hits[0] == 11
    assert tracks.replies[:, 0].tolist() == [0, 5, 0]
    assert tracks.sensors[0] == 0b101
    assert tracks.hit_s[0, 0] == 10.0


@pytest.mark.parametrize(("apart_m", "sigma_m"), [(50.0, 20.0), (60.0, 20.0), (75.0, 20.0)])
def test_the_distance_is_that_of_the_definition(apart_m: float, sigma_m: float) -> None:
    P = np.diag([sigma_m] * 3 + [5.0] * 3) ** 2
    x = np.zeros(6)
    y = np.array([apart_m, 0, 0, 0, 0, 0])
    apart = sigmas_apart(x, P, y, P)
    for factor, left in ((0.99, 2), (1.01, 1)):
        tracks = two_tracks(apart_m, sigma_m)
        tracks.time_s[:] = 100.0  # no growth
        assert checked(tracks, 2, apart * factor, CHECKS) == left


def test_tentative_tracks_and_nothing_at_all() -> None:
    tracks = two_tracks(10.0)
    tracks.status[1] = 0
    assert checked(tracks, 2, 1.0, CHECKS + 2) == 2
    assert checked(tracks, 0, 1.0, 2) == 0


def test_looks_with_two_plots_tell_two_targets() -> None:
    models = model_rows(TrackerConfig())
    sensors = sensor_columns(TrackerConfig(), SensorModels.at_origin(period_s=4.0))
    for together, left in ((TWO_TARGETS, 2), (TWO_TARGETS - 1, 1)):
        tracks, count, suspects = two_tracks(10.0), 2, no_suspects()
        for k in range(3 * CHECKS):
            first_s = 4.0 * k
            tracks.hit_s[0, :2] = (first_s, first_s + (0.1 if k < together else 2.1))
            count, suspects = merge_duplicates(
                tracks, count, first_s + 3.0, suspects, 1.0, models, sensors
            )
        assert count == left


def test_reported_positions_of_a_formation_stay_apart() -> None:
    """A source without beam or resolution gives all its plots at one time."""
    models = SensorModels.at_origin(period_s=4.0, kind=Measured.POSITION, clutter_density=1e-12)
    tracker = Tracker(TrackerConfig(merge_distance=5.0), models)
    for k in range(20):
        place = np.array([[0.0, 0.0, 1e3], [40.0, 0.0, 1e3]]) + VELOCITY * 4.0 * k
        plots = look(4.0 * k, 0, place, replace(models, rotates=np.zeros(1, np.bool_)),
                     np.random.default_rng(k))  # fmt: skip
        position = np.column_stack([place, np.full(2, np.nan)])
        sigma = np.tile([20.0, 20.0, 20.0, np.nan], (2, 1))
        tracker.process(replace(plots, measurement=position, sigma=sigma), 4.0 * k)
    assert len(confirmed(tracker)) == 2


@pytest.mark.parametrize("seed", range(3))
def test_all_near_pairs_are_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, distance = 120, 1.2
    tracks = empty_columns(n)
    tracks.mean[:3] = rng.uniform(0.0, 1500.0, (3, n)) * np.array([[1.0], [1.0], [0.05]])
    sigma = np.vstack([rng.uniform(10.0, 40.0, (3, n)), rng.uniform(2.0, 9.0, (3, n))])
    for k, row in enumerate((0, 3, 5, 15, 18, 20)):
        tracks.covariance[row] = sigma[k] ** 2
    tracks.probability[:] = 1.0
    tracks.status[:] = rng.integers(0, 3, n)
    tracks.number[:] = rng.permutation(n) + 1
    tracks.time_s[:] = 100.0
    tracks.hit_s[0] = 3.0 * np.arange(n)  # never in the same look
    left = set(tracks.number.tolist())
    near = []
    for i in range(n):
        for j in range(n):
            if tracks.number[i] < tracks.number[j] and tracks.status[i] and tracks.status[j]:
                P, Q = np.diag(sigma[:, i] ** 2), np.diag(sigma[:, j] ** 2)
                if sigmas_apart(tracks.mean[:, i], P, tracks.mean[:, j], Q) <= distance:
                    near.append((int(tracks.number[i]), int(tracks.number[j])))
    for older, younger in sorted(near):
        if older in left and younger in left:
            left.remove(younger)
    assert len(near) > 20
    count = checked(tracks, n, distance, CHECKS)
    assert set(tracks.number[:count].tolist()) == left


def test_what_is_known_of_pairs_comes_back_with_the_past() -> None:
    models = radars(2)
    tracker = Tracker(TrackerConfig(merge_distance=2.0, gate_probability=0.9), models)
    fly(tracker, models, 14, np.zeros((1, 3)), bias_rad=0.012)
    pairs = []
    memory, before_s = tracker._engine.remember(), tracker.time_s
    for _ in range(2):
        tracker._engine.recall(memory)
        tracker.time_s = before_s
        pairs.append(fly(tracker, models, 6, np.zeros((1, 3)), first=14, pd=1.0))
    assert pairs[0] == pairs[1]
    assert pairs[0][0] == 2
    assert pairs[0][-1] == 1


def test_pairs_are_found_the_same_with_threads_and_without() -> None:
    sensors = SensorModels.at_origin(period_s=2.0)
    config = TrackerConfig(filter="kf")
    models, columns = model_rows(config), sensor_columns(config, sensors)
    rng, n = np.random.default_rng(4), 1500
    tracks = empty_columns(n, int(models.mean_row[-1]), int(models.covariance_row[-1]))
    tracks.mean[:2] = rng.uniform(0.0, 3e4, (2, n))
    tracks.covariance[[0, 3]] = rng.uniform(1e3, 1e4, (2, n))
    tracks.status[:] = rng.random(n) < 0.9
    tracks.number[:] = rng.permutation(n)
    with threads_for(1):
        alone = watched_pairs(tracks, n, 0.0, 1.5, columns)
    threaded = watched_pairs(tracks, n, 0.0, 1.5, columns)
    assert alone[0].size > 100
    for one, other in zip(alone, threaded, strict=True):
        np.testing.assert_array_equal(one, other)
