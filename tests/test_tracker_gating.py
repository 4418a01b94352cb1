"""Gating and pairing of whole scans against all pairs written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import twins_beliefs
from twins_tracking import best_pairs, full_state, gated, plots_of

from sim.core.gaussian import PACKED_ROW
from sim.core.jit import threads_for
from sim.core.motion import DIMENSION
from sim.core.tables import Measured, Plots
from sim.tracking import MotionModel, SensorModels, TrackerConfig
from sim.tracking.cycle import Cycle, cycle_of
from sim.tracking.gating import Candidates, gate_scan
from sim.tracking.pairing import Pairs, pair_jointly, pair_nearest
from sim.tracking.policy import Models, model_rows, policy_of, sensor_columns
from sim.tracking.store import TrackColumns, empty_columns

KINDS = [
    (Measured.POLAR, (True, True, True, True)),
    (Measured.POLAR, (True, True, True, False)),
    (Measured.POLAR, (True, True, False, False)),
    (Measured.POLAR, (False, True, True, False)),
    (Measured.POLAR, (False, True, False, False)),
    (Measured.BISTATIC, (True, True, True, True)),
    (Measured.BISTATIC, (True, True, False, True)),
    (Measured.BISTATIC, (True, False, False, True)),
    (Measured.TIME_DIFFERENCE, (True, False, False, False)),
    (Measured.POSITION, (True, True, True, False)),
    (Measured.POSITION, (True, True, False, False)),
]
SIGMA = {
    Measured.POLAR: (40.0, 0.004, 0.006, 1.5),
    Measured.BISTATIC: (80.0, 0.01, 0.015, 2.0),
    Measured.TIME_DIFFERENCE: (3e-7, 1.0, 1.0, 1.0),
    Measured.POSITION: (50.0, 80.0, 60.0, 1.0),
}
SINGLE = TrackerConfig()
BANK = TrackerConfig(
    models=[
        MotionModel(noise=2.0),
        MotionModel(kind="constant-acceleration", noise=5.0),
        MotionModel(kind="coordinated-turn", noise=10.0, turn_noise_rad2ps3=1e-3),
    ]
)
CONVERTED = TrackerConfig(filter="kf")


def tilted(rng: np.random.Generator, angle: float) -> np.ndarray:
    """A right-handed set of axes near east, north and up."""
    axes, _ = np.linalg.qr(np.eye(3) + angle * rng.normal(size=(3, 3)))
    return axes * np.sign(np.diag(axes))


def all_kinds() -> SensorModels:
    """One sensor of every kind, none where another one is."""
    rng = np.random.default_rng(4)
    n = len(KINDS)
    place = rng.uniform(-15e3, 15e3, (n, 3))
    place[:, 2] = rng.uniform(0.0, 300.0, n)
    return SensorModels(
        origin_enu_m=place,
        enu_R_sensor=np.array([tilted(rng, 0.01) for _ in range(n)]),
        height_m=place[:, 2].copy(),
        period_s=np.full(n, 2.0),
        measures=np.array([measures for _, measures in KINDS]),
        clutter_density=np.full(n, 1e-7),
        kind=np.array([kind for kind, _ in KINDS], np.uint8),
        other_enu_m=rng.uniform(-25e3, 25e3, (n, 3)) * [1.0, 1.0, 0.01],
    )


def random_tracks(
    n: int, models: Models, sensors: SensorModels, seed: int, *, area_m: float = 40e3
) -> TrackColumns:
    """Tracks of all sizes of covariance; in a wide area every fourth one just beside north."""
    rng = np.random.default_rng(seed)
    rows = int(models.mean_row[-1]), int(models.covariance_row[-1])
    tracks = empty_columns(n + 5, *rows, models.kind.size, len(sensors))
    tracks.time_s[:n] = rng.choice([0.0, 0.05], n)
    tracks.status[:n] = 1
    tracks.hit_s[:] = -np.inf
    for i in range(n):
        centre = np.array([*rng.uniform(-area_m, area_m, 2), rng.uniform(300.0, 9000.0)])
        if i % 4 == 0 and area_m > 1e4:
            s = i // 4 % min(3, len(sensors))
            away = np.array([rng.normal(0.0, 60.0), rng.uniform(8e3, 40e3), 3000.0])
            centre = sensors.origin_enu_m[s] + sensors.enu_R_sensor[s] @ away
        scale = rng.choice([0.3, 1.0, 4.0])
        weight = rng.random(models.kind.size) + 0.05
        tracks.probability[:, i] = weight / weight.sum()
        for m in range(models.kind.size):
            k = DIMENSION[models.kind[m]]
            sigma = scale * np.array([120.0] * 3 + [20.0] * 3 + [1.0] * 3)[:k]
            mix = rng.normal(size=(k, k)) / np.sqrt(k) + np.eye(k)
            P = sigma[:, None] * (mix @ mix.T) * sigma
            velocity = rng.normal(0.0, 150.0, 3) * [1, 1, 0.1]
            x = np.append(np.append(centre, velocity), np.zeros(3))[:k]
            if m:
                x[:3] += rng.normal(0.0, 200.0, 3)
            tracks.mean[models.mean_row[m] : models.mean_row[m + 1], i] = x
            for a, b in zip(*np.tril_indices(k), strict=True):
                tracks.covariance[models.covariance_row[m] + PACKED_ROW[a, b], i] = P[a, b]
    return tracks


def plots_around(
    tracks: TrackColumns, count: int, models: Models, sensors: SensorModels, seed: int
) -> Plots:
    """Plots of every sensor drawn from the tracks' own beliefs, some beside, and an outlier."""
    rng = np.random.default_rng(seed)
    tables = []
    for s in range(len(sensors)):
        states = []
        for i in range(count):
            x, P = full_state(tracks, i, int(rng.integers(models.kind.size)), models)
            states.append(x + rng.choice([0.5, 1.0, 2.5]) * rng.multivariate_normal(np.zeros(6), P))
        states.append(np.array([3e6, -2e6, 9e4, 0.0, 0.0, 0.0]))
        times = rng.choice([0.1, 0.5], len(states))
        tables.append(
            plots_of(sensors, s, times, np.array(states), SIGMA[Measured(sensors.kind[s])], rng)
        )
    return Plots.concatenate(tables)


def arranged(plots: Plots, config: TrackerConfig, sensors: SensorModels) -> Cycle:
    rows = np.arange(len(plots), dtype=np.int32)
    return cycle_of(plots, rows, sensor_columns(config, sensors))


def gate(
    tracks: TrackColumns, count: int, g: int, cycle: Cycle, config: TrackerConfig,
    sensors: SensorModels,
) -> Candidates:  # fmt: skip
    with threads_for(0):
        return gate_scan(
            tracks, count, g, cycle, model_rows(config), sensor_columns(config, sensors),
            policy_of(config),
        )  # fmt: skip


def by_pair(candidates: Candidates) -> dict[tuple[int, int], float]:
    return {
        (i, int(candidates.plot[e])): float(candidates.log_likelihood[e])
        for i in range(candidates.start.size - 1)
        for e in range(candidates.start[i], candidates.start[i + 1])
    }


def assert_gates_as_written_out(
    tracks: TrackColumns, count: int, plots: Plots, config: TrackerConfig, sensors: SensorModels
) -> list[int]:
    """Compare every scan; return how many candidates each had."""
    cycle = arranged(plots, config, sensors)
    found_counts = []
    for g in range(cycle.scan_sensor.size):
        found = by_pair(gate(tracks, count, g, cycle, config, sensors))
        expected = gated(
            tracks, count, g, cycle, model_rows(config), sensors,
            bool(sensor_columns(config, sensors).cartesian[cycle.scan_sensor[g]]),
            policy_of(config),
        )  # fmt: skip
        # A pair on the very edge of its gate may fall either way.
        sure = {pair for pair, (depth, _) in expected.items() if depth < 1.0 - 1e-5}
        assert sure <= found.keys() <= expected.keys(), KINDS[cycle.scan_sensor[g]]
        for pair, value in found.items():
            assert value == pytest.approx(expected[pair][1], rel=1e-5, abs=1e-5)
        found_counts.append(len(found))
    return found_counts


@pytest.mark.parametrize("config", [SINGLE, BANK, CONVERTED], ids=["single", "bank", "kf"])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_kind_of_sensor_gates_as_all_pairs_do(config: TrackerConfig, seed: int) -> None:
    sensors, models = all_kinds(), model_rows(config)
    n = 20
    tracks = random_tracks(n, models, sensors, seed)
    plots = plots_around(tracks, n, models, sensors, seed)
    counts = assert_gates_as_written_out(tracks, n, plots, config, sensors)
    assert len(counts) == len(KINDS)
    assert min(counts) >= 10


@pytest.mark.parametrize("config", [SINGLE, BANK, CONVERTED], ids=["single", "bank", "kf"])
@pytest.mark.parametrize("times_s", [(0.5,), (0.1, 0.5)], ids=["at once", "while it turns"])
def test_tracks_that_need_not_be_moved_are_gated_the_same(
    config: TrackerConfig, times_s: tuple[float, ...]
) -> None:
    sensors, models = all_kinds(), model_rows(config)
    n = 20
    tracks = random_tracks(n, models, sensors, 5)
    plots = plots_around(tracks, n, models, sensors, 5)
    if len(times_s) == 1:
        plots = replace(plots, time_s=np.full(len(plots), times_s[0]))
    tracks.time_s[:n] = np.random.default_rng(5).choice(times_s, n)
    counts = assert_gates_as_written_out(tracks, n, plots, config, sensors)
    assert min(counts) >= 10


def test_a_gate_reaches_across_north() -> None:
    sensors, models = SensorModels.at_origin(period_s=2.0), model_rows(SINGLE)
    n = 1
    tracks = random_tracks(n, models, sensors, 3)
    tracks.mean[:6, 0] = [-1.0, 20e3, 2e3, 0.0, 0.0, 0.0]
    tracks.covariance[:21, 0] = 0.0
    for k, variance in enumerate([1e4] * 3 + [1.0] * 3):
        tracks.covariance[PACKED_ROW[k, k], 0] = variance
    side = np.linspace(-600.0, 600.0, 25)
    states = np.array([[e, 20e3, 2e3, 0.0, 0.0, 0.0] for e in side])
    plots = plots_of(sensors, 0, 0.1, states, SIGMA[Measured.POLAR])
    cycle = arranged(plots, SINGLE, sensors)
    azimuth = cycle.measurement[:, 1][
        [j for _, j in by_pair(gate(tracks, n, 0, cycle, SINGLE, sensors))]
    ]
    assert (azimuth < 0.1).sum() >= 5
    assert (azimuth > 6.1).sum() >= 5
    assert_gates_as_written_out(tracks, n, plots, SINGLE, sensors)


def test_all_plots_in_one_place() -> None:
    sensors, models = SensorModels.at_origin(period_s=2.0), model_rows(SINGLE)
    tracks = random_tracks(6, models, sensors, 8)
    state = np.tile(np.append(tracks.mean[:3, 2], np.zeros(3)), (60, 1))
    plots = plots_of(sensors, 0, 0.1, state, SIGMA[Measured.POLAR])
    (count,) = assert_gates_as_written_out(tracks, 6, plots, SINGLE, sensors)
    assert count == 60


def test_far_outliers_neither_match_nor_hide_others() -> None:
    """Plots at the sound limits of range stretch no cell so that others are lost."""
    sensors, models = SensorModels.at_origin(period_s=2.0), model_rows(SINGLE)
    tracks = random_tracks(12, models, sensors, 5)
    near = plots_of(sensors, 0, 0.1, tracks.mean[:6, :12].T, SIGMA[Measured.POLAR])
    far = near.take(np.zeros(9, np.int64))
    measurement = far.measurement.copy()
    measurement[:, 0] = [9.9e7, 9.9e7, 5e7, 1e-3, 1.0, 1e7, 1e7, 1e6, 1e6]
    plots = Plots.concatenate([near, replace(far, measurement=measurement)])
    (count,) = assert_gates_as_written_out(tracks, 12, plots, SINGLE, sensors)
    assert count >= 12


def test_no_tracks_and_no_scans() -> None:
    sensors, models = SensorModels.at_origin(period_s=2.0), model_rows(SINGLE)
    tracks = random_tracks(2, models, sensors, 1)
    plots = plots_of(sensors, 0, 0.1, tracks.mean[:6, :2].T, SIGMA[Measured.POLAR])
    none = gate(tracks, 0, 0, arranged(plots, SINGLE, sensors), SINGLE, sensors)
    assert none.start.tolist() == [0]
    assert none.plot.size == none.log_likelihood.size == none.detection.size == 0
    empty = arranged(Plots.empty(), SINGLE, sensors)
    assert empty.scan_sensor.size == 0
    assert empty.scan_first.tolist() == [0]


def test_a_second_plot_of_the_same_look_is_no_candidate() -> None:
    sensors, models = SensorModels.at_origin(period_s=2.0), model_rows(SINGLE)
    tracks = random_tracks(4, models, sensors, 1)
    plots = plots_of(sensors, 0, 0.1, tracks.mean[:6, :4].T, SIGMA[Measured.POLAR])
    cycle = arranged(plots, SINGLE, sensors)
    assert len(by_pair(gate(tracks, 4, 0, cycle, SINGLE, sensors))) >= 4
    tracks.hit_s[0, :4] = -0.39  # 0.49 s ago: less than a quarter of the period
    assert not by_pair(gate(tracks, 4, 0, cycle, SINGLE, sensors))
    tracks.hit_s[0, :4] = -0.41
    assert len(by_pair(gate(tracks, 4, 0, cycle, SINGLE, sensors))) >= 4


def dense_scene(seed: int, n: int = 40) -> tuple[TrackColumns, Cycle, SensorModels]:
    """Tracks so close that gates overlap; plots of some of them, and false ones."""
    sensors = SensorModels.at_origin(period_s=2.0, clutter_density=2e-3)
    models = model_rows(SINGLE)
    tracks = random_tracks(n, models, sensors, seed, area_m=1.5e3)
    rng = np.random.default_rng(seed)
    seen = rng.random(n) < 0.8
    states = tracks.mean[:6, :n].T[seen]
    states[:, :3] += rng.normal(0.0, 200.0, (seen.sum(), 3))
    plots = plots_of(sensors, 0, 0.1, states, SIGMA[Measured.POLAR], rng)
    return tracks, arranged(plots, SINGLE, sensors), sensors


def log_ratios(found: Candidates, cycle: Cycle, pd: float = 0.9) -> dict[tuple[int, int], float]:
    """ln(Pd · N / ((1 − Pd) · β)) of every candidate."""
    odds = np.log(pd / (1.0 - pd))
    return {(i, j): v + odds - cycle.log_clutter[j] for (i, j), v in by_pair(found).items()}


@pytest.mark.parametrize("seed", range(8))
def test_nearest_pairs_are_the_best_of_all(seed: int) -> None:
    tracks, cycle, sensors = dense_scene(seed)
    found = gate(tracks, 40, 0, cycle, SINGLE, sensors)
    gains = log_ratios(found, cycle)
    assert len(gains) > 60  # gates overlap
    taken = np.zeros(cycle.time_s.size, np.bool_)
    pairs = pair_nearest(found, 0, cycle, taken)
    chosen = {
        i: int(pairs.plot[pairs.start[i]]) for i in range(40) if pairs.start[i + 1] > pairs.start[i]
    }
    total, expected = best_pairs(gains, 40, cycle.time_s.size)
    assert chosen == expected
    assert sum(gains[pair] for pair in chosen.items()) == pytest.approx(total, abs=1e-9)
    np.testing.assert_array_equal(np.flatnonzero(taken), sorted(chosen.values()))
    for i in range(40):
        change = np.log(1.0 - 0.9) + (gains[i, chosen[i]] if i in chosen else 0.0)
        assert pairs.gain[i] == pytest.approx(change, abs=1e-9)
        assert pairs.missed[i] == (0.0 if i in chosen else 1.0)


def weights_of(pairs: Pairs, n_tracks: int, n_plots: int) -> np.ndarray:
    full = np.zeros((n_tracks, n_plots))
    for i in range(n_tracks):
        part = slice(pairs.start[i], pairs.start[i + 1])
        full[i, pairs.plot[part]] = pairs.weight[part]
    return full


@pytest.mark.parametrize("seed", range(4))
def test_joint_weights_sum_to_one(seed: int) -> None:
    tracks, cycle, sensors = dense_scene(seed)
    found = gate(tracks, 40, 0, cycle, SINGLE, sensors)
    for score in (None, np.linspace(-3.0, 8.0, 40)):
        pairs = pair_jointly(found, 0, cycle, score, np.zeros(cycle.time_s.size, np.bool_))
        sums = weights_of(pairs, 40, cycle.time_s.size).sum(axis=1)
        np.testing.assert_allclose(sums + pairs.missed, 1.0, atol=1e-12)
        assert (pairs.weight > 0.0).all()


@pytest.mark.parametrize("seed", range(6))
def test_joint_weights_of_a_few_are_those_of_all_joint_events(seed: int) -> None:
    tracks, cycle, sensors = dense_scene(seed, n=5)
    # Close together, so that they compete.
    tracks.mean[:3, :5] = tracks.mean[:3, :1] + np.random.default_rng(seed).normal(0, 150, (3, 5))
    states = tracks.mean[:6, :4].T
    plots = plots_of(sensors, 0, 0.1, states, SIGMA[Measured.POLAR])
    cycle = arranged(plots, SINGLE, sensors)
    found = gate(tracks, 5, 0, cycle, SINGLE, sensors)
    ratio = np.zeros((5, 4))
    for pair, value in log_ratios(found, cycle, 0.5).items():
        ratio[pair] = 0.9 * np.exp(value)  # Pd · N / β
    assert (ratio > 0.0).sum() >= 8
    taken = np.zeros(4, np.bool_)
    pairs = pair_jointly(found, 0, cycle, None, taken)
    belief, missed = twins_beliefs.marginals(ratio / (1.0 - 0.9))
    # Pairs of less than 1e-4 are left out.
    np.testing.assert_allclose(weights_of(pairs, 5, 4), belief, atol=1e-3)
    np.testing.assert_allclose(pairs.missed, missed, atol=1e-3)
    np.testing.assert_array_equal(taken, belief.sum(axis=0) >= 0.5)

    existence = np.array([0.2, 0.5, 0.9, 0.99, 0.05])
    score = np.log(existence / (1.0 - existence))
    pairs = pair_jointly(found, 0, cycle, score, taken)
    exists, belief, missed = twins_beliefs.with_existence(ratio, existence, np.full(5, 0.9))
    np.testing.assert_allclose(weights_of(pairs, 5, 4), belief, atol=1e-3)
    np.testing.assert_allclose(1.0 / (1.0 + np.exp(-(score + pairs.gain))), exists, atol=1e-9)


def test_a_position_without_height_is_weighed_in_the_plane() -> None:
    """Clutter in false positions per m²: what is not measured may not count against a pair."""
    sensors, models = all_kinds(), model_rows(SINGLE)
    (s,) = [k for k, kind in enumerate(KINDS) if kind == KINDS[-1]]
    tracks = random_tracks(1, models, sensors, 1)
    plots = plots_of(sensors, s, 0.1, tracks.mean[:6, :1].T, SIGMA[Measured.POSITION])
    cycle = arranged(plots, SINGLE, sensors)
    found = gate(tracks, 1, 0, cycle, SINGLE, sensors)
    _, P = full_state(tracks, 0, 0, models)
    axes = sensors.enu_R_sensor[s][:, :2]
    noise = np.diag(np.square(SIGMA[Measured.POSITION][:2]))
    S = axes.T @ P[:3, :3] @ axes + noise
    ((_, gain),) = log_ratios(found, cycle, 0.5).items()
    expected = -0.5 * np.linalg.slogdet(2 * np.pi * S)[1] - np.log(1e-7)
    assert gain == pytest.approx(expected, abs=0.3)
