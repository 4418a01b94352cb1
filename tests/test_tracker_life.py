"""When tracks are confirmed, how long they coast, and what happens where two give one plot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from twins_tracking import moved_on, plots_of, polar_plots, tracked

from sim.core.tables import Plots, TrackStatus
from sim.tracking import SensorModels, Tracker, TrackerConfig

SIGMA = (30.0, 0.003, 0.004, 1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("false_confirmation", "filter_", "with_rate"),
    [(0.002, "ekf", False), (0.02, "ekf", True), (0.02, "imm", False), (0.02, "kf", True)],
)
def test_score_confirms_clutter_no_more_often_than_asked(
    false_confirmation: float, filter_: str, with_rate: bool
) -> None:
    """Wald's bound: of tracks that are false, α / (1 − missed) are confirmed at most.

    Clutter is as dense as assumed, so that the likelihood ratio is a martingale.
    """
    rng = np.random.default_rng(8)
    per_look, looks = 4000, 40
    reach = [(5e3, 60e3), (0.0, 2 * np.pi), (0.0, 0.4), (-300.0, 300.0)][: 4 if with_rate else 3]
    density = per_look / np.prod([high - low for low, high in reach])
    sensors = SensorModels.at_origin(
        period_s=1.0, clutter_density=float(density), measures_range_rate=with_rate
    )
    config = TrackerConfig(
        filter=filter_, confirmation="score",
        false_confirmation=false_confirmation, missed_confirmation=0.01,
        detection_probability=0.9, merge_distance=0.0,
    )  # fmt: skip
    tracker = Tracker(config, sensors)
    started, confirmed = 0, 0
    for k in range(looks):
        n = rng.poisson(per_look)
        z = np.full((n, 4), np.nan)
        for a, side in enumerate(reach):
            z[:, a] = rng.uniform(*side, n)
        tracker.process(polar_plots(0, np.full(n, float(k)), z, SIGMA), float(k))
        number = tracker.picture().number
        started = max(started, -int(number.min(initial=0)))
        confirmed = max(confirmed, int(number.max(initial=0)))
    assert started > 0.8 * per_look * looks
    bound = false_confirmation / 0.99 * started
    assert confirmed < bound + 3.0 * np.sqrt(bound)
    assert confirmed > 0.02 * bound  # nor is it idle


@pytest.mark.parametrize("rule", ["m-of-n", "score", "existence"])
def test_every_rule_confirms_a_target_and_keeps_its_number(rule: str) -> None:
    rng = np.random.default_rng(2)
    sensors = SensorModels.at_origin(period_s=1.0, clutter_density=1e-5)
    begin = np.array([[12e3, 9e3, 3e3, -90.0, 60.0, 0.0]])
    plots = Plots.concatenate(
        [
            plots_of(sensors, 0, float(k), moved_on(begin, float(k)), SIGMA, rng)
            for k in range(40)
            if k < 3 or rng.random() < 0.8
        ]
    )
    config = TrackerConfig(confirmation=rule, detection_probability=0.8)
    pictures = tracked(config, sensors, plots, [float(k) for k in range(40)])
    for picture in pictures[4:]:
        assert picture.number.tolist() == [1]
        assert picture.status[0] != TrackStatus.TENTATIVE


#: Sight that ends where the target is 10 s into its flight, and that flight.
OUT_OF_SIGHT = {
    "open": ({}, (0.0, 57e3, -162.0), (0.0, 300.0, 0.0)),
    "range": ({"range_max_m": np.array([60e3])}, (0.0, 57e3, -162.0), (0.0, 300.0, 0.0)),
    "horizon": ({"horizon": np.array([True])}, (0.0, 57e3, -102.0), (0.0, 300.0, -6.0)),
    "mask": (
        {"mask_rad": np.array([[0.2] + [-0.5 * np.pi] * 7])},
        (-2.9e3, 20e3, 2e3),
        (300.0, 0.0, 0.0),
    ),
    "too weak": (
        {"snr_range_m": np.array([60e3]), "false_alarm_probability": np.array([1e-2])},
        (0.0, 57e3, -162.0),
        (0.0, 300.0, 0.0),
    ),
}


@pytest.mark.parametrize("why", OUT_OF_SIGHT)
def test_a_track_coasts_longer_where_no_sensor_sees(why: str) -> None:
    sight, position, velocity = OUT_OF_SIGHT[why]
    sensors = replace(
        SensorModels.at_origin(period_s=1.0, clutter_density=1e-5),
        height_m=np.array([10.0]),
        **sight,
    )
    begin = np.array([[*position, *velocity]])
    config = TrackerConfig(
        process_noise_m2ps3=0.1, vertical_process_noise_m2ps3=0.1,
        coast_max_s=8.0, coast_hidden_max_s=25.0,
    )  # fmt: skip
    tracker = Tracker(config, sensors)
    for k in range(11):
        sharp = (30.0, 0.001, 0.0002, 1.0)
        tracker.process(plots_of(sensors, 0, float(k), moved_on(begin, float(k)), sharp), float(k))
    assert tracker.picture().status.tolist() == [TrackStatus.CONFIRMED]
    lives_s = 0.0
    while len(tracker.picture()):
        assert tracker.picture().number.tolist() == [1]
        lives_s += 0.5
        tracker.process(Plots.empty(), 10.0 + lives_s)
        if lives_s == 4.0:
            assert tracker.picture().status.tolist() == [TrackStatus.COASTING]
    assert lives_s == (8.5 if why == "open" else 25.5)


def crossing(resolution: bool, seed: int, config: TrackerConfig) -> tuple[bool, bool, int]:
    """Two targets cross and give one plot for a while.

    Returns whether both numbers live, whether they are with their targets, and how many of the
    pictures meanwhile show a coasting track.
    """
    rng = np.random.default_rng(seed)
    limits = (150.0, 0.05, 0.05, 0.0)
    sensors = SensorModels.at_origin(period_s=1.0, clutter_density=1e-5)
    if resolution:
        sensors = replace(sensors, resolution=np.array([limits]))
    begin = np.array(
        [[-3e3, 19.6e3, 4e3, 150.0, 20.0, 0.0], [-3e3, 20.4e3, 4e3, 150.0, -20.0, 0.0]]
    )
    tracker = Tracker(config, sensors)
    coasting = 0
    for k in range(41):
        states = moved_on(begin, float(k))
        if abs(states[0, 1] - states[1, 1]) < limits[0]:
            states = states.mean(axis=0, keepdims=True)
        tracker.process(plots_of(sensors, 0, float(k), states, SIGMA, rng), float(k))
        picture = tracker.picture()
        if k == 12:
            first = picture.take(picture.confirmed)
            assert len(first) == 2
            order = np.argsort(first.position_enu_m[:, 1])  # the southern one first
            numbers = first.number[order]
        if k > 12:
            coasting += int((picture.status == TrackStatus.COASTING).any())
    states = moved_on(begin, 40.0)
    lives = np.isin(numbers, picture.number).all()
    if not lives:
        return False, False, coasting
    own = np.array([picture.position_enu_m[picture.number == n][0] for n in numbers])
    straight = np.linalg.norm(own - states[:, :3], axis=1).max()
    swapped = np.linalg.norm(own - states[::-1, :3], axis=1).max()
    return True, bool(straight < swapped), coasting


@pytest.mark.parametrize("association", ["gnn", "jpda", "jipda", "mht"])
def test_two_targets_in_one_plot_both_live_on(association: str) -> None:
    config = TrackerConfig(
        association=association, process_noise_m2ps3=0.3, vertical_process_noise_m2ps3=0.3,
        coast_max_s=5.0,
    )  # fmt: skip
    resolved = [crossing(True, seed, config) for seed in range(6)]
    blind = [crossing(False, seed, config) for seed in range(6)]
    assert sum(lives for lives, _, _ in resolved) == 6
    assert sum(own for _, own, _ in resolved) >= 5
    assert sum(coasting for _, _, coasting in resolved) == 0
    if association == "gnn":
        # Who does not know of the merging believes that one of the two is gone.
        assert all(coasting >= 1 or not lives for lives, _, coasting in blind)


@pytest.mark.parametrize("association", ["jipda", "mht"])
def test_a_look_in_several_scans_is_missed_once(association: str) -> None:
    """A turning radar that is told as looking everywhere at once: each cycle is a scan."""
    scores = {}
    for rotates in (False, True):
        sensors = replace(
            SensorModels.at_origin(period_s=4.0, clutter_density=1e-12),
            rotates=np.array([rotates]),
        )
        config = TrackerConfig(association=association, confirmation="existence", lifetime_s=1e9)
        tracker = Tracker(config, sensors)
        begin = np.zeros((3, 6))
        begin[:, :3] = [[10e3, 9e3, 3e3], [-10e3, -9e3, 3e3], [9e3, -10e3, 3e3]]
        for k in range(37):
            # Each target is seen once in four seconds, the last of them until second 22.
            row = k % 4
            seen = begin[[row]] if row < 2 or (row == 2 and k <= 22) else begin[:0]
            tracker.process(plots_of(sensors, 0, float(k), seen, SIGMA), float(k))
        engine = tracker._engine
        tracks = engine._tracks if association == "jipda" else engine._leaves.tracks
        numbers = tracks.number[tracks.number > 0]
        assert sorted(set(numbers.tolist())) == [1, 2, 3]
        scores[rotates] = np.sort(np.unique(np.round(tracks.score[tracks.number > 0], 6)))
    one_miss = np.log(10.0)
    assert scores[True].min() < scores[True].max() - 2.0 * one_miss
    np.testing.assert_allclose(scores[False].max(), scores[True].max(), atol=1e-3)
    # Which third of the period closes a look is not the same.
    np.testing.assert_allclose(scores[False].min(), scores[True].min(), atol=1.01 * one_miss)
