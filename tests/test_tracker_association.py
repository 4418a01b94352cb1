"""Targets in clutter: every way of association holds them, and existence rises and falls."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from twins_tracking import moved_on, plots_of, polar_plots, track_pictures, tracked

from sim.core.tables import Plots
from sim.tracking import SensorModels, Tracker, TrackerConfig

Floats = NDArray[np.float64]
SIGMA = (30.0, 0.003, 0.004, 1.0)
REACH = ((2e3, 50e3), (0.0, 2 * np.pi), (0.0, 0.4))


def clutter(n: int, time_s: float, rng: np.random.Generator) -> Plots:
    """Plots evenly spread over what the sensor measures."""
    z = np.column_stack([rng.uniform(*side, n) for side in REACH] + [np.full(n, np.nan)])
    return polar_plots(0, np.full(n, time_s), z, SIGMA)


def clutter_density(n: int) -> float:
    return float(n / np.prod([high - low for low, high in REACH]))


def ring(n: int, seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * (np.arange(n) + 0.4 * rng.random(n)) / n
    away = rng.uniform(15e3, 35e3, n)
    heading = rng.uniform(0.0, 2 * np.pi, n)
    return np.column_stack(
        [away * np.sin(angle), away * np.cos(angle), rng.uniform(2e3, 6e3, n),
         180.0 * np.sin(heading), 180.0 * np.cos(heading), np.zeros(n)]
    )  # fmt: skip


@pytest.mark.parametrize("filter_", ["ekf", "imm"])
@pytest.mark.parametrize("association", ["gnn", "jpda", "jipda"])
def test_targets_are_held_through_clutter(association: str, filter_: str) -> None:
    rng = np.random.default_rng(3)
    n, looks, false_per_look = 10, 40, 200
    sensors = SensorModels.at_origin(period_s=1.0, clutter_density=clutter_density(false_per_look))
    begin = ring(n, 1)
    plots = []
    for k in range(looks):
        states = moved_on(begin, float(k))[rng.random(n) < 0.9]
        plots += [
            plots_of(sensors, 0, float(k), states, SIGMA, rng),
            clutter(false_per_look, k, rng),
        ]
    config = TrackerConfig(
        association=association, filter=filter_, process_noise_m2ps3=5.0,
        detection_probability=0.9, confirm_hits=4,
    )  # fmt: skip
    pictures = tracked(config, sensors, Plots.concatenate(plots), [float(k) for k in range(looks)])
    numbers: dict[int, set[int]] = {i: set() for i in range(n)}
    false, errors = [], []
    for k in range(15, looks):
        shown = pictures[k].take(pictures[k].confirmed)
        apart = np.linalg.norm(
            shown.position_enu_m[None] - moved_on(begin, float(k))[:, None, :3], axis=2
        )
        assert (apart.min(axis=1) < 900.0).all(), f"target lost at {k} s"
        for i in range(n):
            numbers[i].add(int(shown.number[apart[i].argmin()]))
        errors += list(apart.min(axis=1))
        false.append(len(shown) - n)
    assert sum(len(own) == 1 for own in numbers.values()) >= n - 1
    assert len(set.union(*numbers.values())) >= n
    assert np.sqrt(np.mean(np.square(errors))) < 120.0
    assert np.mean(false) < 3.0


def looked_at(tracker: Tracker, sensors: SensorModels, states: Floats, time_s: float) -> None:
    """One scan with a plot of every state, and that one far away that is always there."""
    always = np.array([[-30e3, -20e3, 5e3, 0.0, 0.0, 0.0]])
    tracker.process(plots_of(sensors, 0, time_s, np.concatenate([states, always]), SIGMA), time_s)


TARGET = np.array([[12e3, 9e3, 3e3, 0.0, 0.0, 0.0]])


def near_target(tracker: Tracker) -> NDArray[np.bool_]:
    picture = tracker.picture()
    return np.linalg.norm(picture.position_enu_m - TARGET[0, :3], axis=1) < 2e3


@pytest.mark.parametrize("pd", [0.5, 0.7, 0.9])
def test_a_vanished_targets_track_ends_after_as_many_misses_as_pd_says(pd: float) -> None:
    """From existence 0.9999 (the ceiling) to 0.02 by the factor 1 − Pd in the odds a look."""
    sensors = SensorModels.at_origin(period_s=1.0, clutter_density=1e-5)
    config = TrackerConfig(
        association="jipda", detection_probability=pd, lifetime_s=1e12, coast_max_s=1000.0,
        process_noise_m2ps3=0.1,
    )  # fmt: skip
    tracker = Tracker(config, sensors)
    for k in range(12):
        looked_at(tracker, sensors, TARGET, float(k))
    assert near_target(tracker).sum() == 1
    misses = 0
    while near_target(tracker).any():
        misses += 1
        looked_at(tracker, sensors, TARGET[:0], 11.0 + misses)
    fall = math.log(0.9999 / 0.0001) - math.log(0.02 / 0.98)
    assert misses == math.ceil(fall / -math.log(1.0 - pd))
    assert len(tracker.picture()) == 1  # the other one is still there

    # The same in silence: a look is missed half a period after it was due.
    tracker = Tracker(config, sensors)
    for k in range(12):
        tracker.process(plots_of(sensors, 0, float(k), TARGET, SIGMA), float(k))
    k = 0
    while near_target(tracker).any():
        k += 1
        tracker.process(Plots.empty(), 11.0 + 0.25 * k)
    assert 0.25 * k == pytest.approx(misses + 0.5, abs=0.26)


@pytest.mark.parametrize(("pd", "lives"), [(0.9, 1), (0.5, 3)])
def test_a_single_false_plot_is_soon_forgotten(pd: float, lives: int) -> None:
    """From existence 0.2 to 0.02: ln(0.25 · 49) = 2.5 against −ln(1 − Pd) a look."""
    sensors = SensorModels.at_origin(period_s=1.0, clutter_density=1e-5)
    config = TrackerConfig(association="jipda", detection_probability=pd, lifetime_s=1e12)
    tracker = Tracker(config, sensors)
    looked_at(tracker, sensors, TARGET, 0.0)
    for k in range(1, lives + 2):
        looked_at(tracker, sensors, TARGET[:0], float(k))
        assert near_target(tracker).any() == (k <= lives)
    assert not (tracker.picture().take(near_target(tracker))).confirmed.any()


def test_existence_rises_sooner_where_clutter_is_thin() -> None:
    """Looks that a standing target needs until it is confirmed."""
    needed = {}
    for density in (1e-5, 1e1):
        sensors = SensorModels.at_origin(period_s=1.0, clutter_density=density)
        tracker = Tracker(TrackerConfig(association="jipda"), sensors)
        for k in range(20):
            tracker.process(plots_of(sensors, 0, float(k), TARGET, SIGMA), float(k))
            if tracker.picture().confirmed.any():
                needed[density] = k + 1
                break
    assert needed[1e-5] == 2
    assert 3 <= needed[1e1] <= 15


def test_a_target_leaves_in_its_lifetime() -> None:
    """Existence decays between looks: with a short life silence weighs more."""
    ends = []
    for lifetime_s in (5.0, 1e12):
        sensors = SensorModels.at_origin(period_s=1.0, clutter_density=1e-5)
        config = TrackerConfig(
            association="jipda", lifetime_s=lifetime_s, detection_probability=0.3,
            coast_max_s=1000.0,
        )  # fmt: skip
        tracker = Tracker(config, sensors)
        for k in range(12):
            tracker.process(plots_of(sensors, 0, float(k), TARGET, SIGMA), float(k))
        pictures = track_pictures(tracker, Plots.empty(), [12.0 + k for k in range(60)])
        ends.append(sum(len(picture) > 0 for picture in pictures))
    assert ends[0] < 0.5 * ends[1]
