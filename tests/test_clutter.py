"""Clutter density learned from the plots."""

from __future__ import annotations

import numpy as np
import pytest
from reference import polar
from twins_starts import clutter_per_look

from sim.core.tables import FALSE_ALARM, Measured, Plots
from sim.tracking import SensorModels, Tracker, TrackerConfig
from sim.tracking.clutter import PRIOR_PLOTS, empty_clutter, learn, with_estimate
from sim.tracking.cycle import cycle_of
from sim.tracking.policy import sensor_columns
from sim.tracking.store import empty_columns

RANGE_MAX_M, UP_RAD, RATE_MPS = 40e3, 0.4, 150.0
SIGMA = np.array([40.0, 0.004, 0.005, 1.0])


def radar(density: float, rate: bool = True, range_max_m: float = RANGE_MAX_M) -> SensorModels:
    return SensorModels(
        origin_enu_m=np.array([[2e3, 1e3, 10.0]]),
        enu_R_sensor=np.eye(3)[None],
        height_m=np.zeros(1),
        period_s=np.array([2.0]),
        measures=np.array([[True, True, True, rate]]),
        clutter_density=np.array([density]),
        range_max_m=np.array([range_max_m]),
    )


def false_plots(rng: np.random.Generator, look: int, near: int, far: int) -> Plots:
    """Uniform clutter: ``near`` in the inner half of the ranges, ``far`` in the outer one."""
    n = near + far
    half = 0.5 * RANGE_MAX_M
    ranges = np.append(rng.uniform(100.0, half, near), rng.uniform(half, RANGE_MAX_M, far))
    azimuth = rng.uniform(0.0, 2.0 * np.pi, n)
    return Plots(
        time_s=2.0 * look + azimuth / np.pi * 0.999 + 1e-6,
        sensor=np.zeros(n, np.int32),
        measurement=np.column_stack(
            [ranges, azimuth, rng.uniform(0, UP_RAD, n), rng.uniform(-RATE_MPS, RATE_MPS, n)]
        ),
        sigma=np.tile(SIGMA, (n, 1)),
        snr_db=np.full(n, 13.0),
        reply=np.zeros(n, np.uint8),
        truth_id=np.full(n, FALSE_ALARM, np.int32),
    )


VOLUME = 0.5 * RANGE_MAX_M * 2.0 * np.pi * UP_RAD * 2.0 * RATE_MPS
PROBES = np.array([[12e3, 1.0, 0.2, 0.0], [33e3, 4.0, 0.2, 0.0]])


def learned(config: TrackerConfig, models: SensorModels, looks: int, near: int, far: int):  # type: ignore[no-untyped-def]
    """Return the log density at probes near and far, and what was assumed there."""
    columns = sensor_columns(config, models)
    clutter, tracks = empty_clutter(columns), empty_columns(1)
    rng = np.random.default_rng(3)
    for k in range(looks):
        plots = false_plots(rng, k, rng.poisson(near), rng.poisson(far))
        cycle = cycle_of(plots, np.arange(len(plots), dtype=np.int32), columns)
        learn(clutter, cycle, tracks, None, 2.0, columns)
    probe = false_plots(rng, looks, 1, 1)
    probe.measurement[:] = PROBES
    cycle = cycle_of(probe, np.arange(2, dtype=np.int32), columns)
    order = np.argsort(cycle.row)
    estimate = with_estimate(cycle, clutter, columns)
    return estimate.log_clutter[order], cycle.log_clutter[order]


@pytest.mark.parametrize("range_max_m", [RANGE_MAX_M, np.inf])
def test_two_densities_are_learned_from_a_wrong_assumption(range_max_m: float) -> None:
    near, far = 300, 100
    density = np.array([near, far]) / VOLUME
    models = radar(density[0] / 20.0, range_max_m=range_max_m)
    estimate, assumed = learned(TrackerConfig(), models, 40, near, far)
    np.testing.assert_allclose(np.exp(assumed), density[0] / 20.0)
    # A cell holds some five or ten false alarms a look; doubling bins mix both halves.
    if np.isinf(range_max_m):
        np.testing.assert_allclose(np.exp(estimate[0]), density[0], rtol=0.2)
    else:
        np.testing.assert_allclose(np.exp(estimate), density, rtol=0.2)


def test_positions_are_corrected_alike() -> None:
    """The Kalman filter takes a density in space; its correction is the same factor."""
    models = radar(1e-9, rate=False)
    polar_, position = TrackerConfig(), TrackerConfig(filter="kf")
    one, before = learned(polar_, models, 10, 100, 100)
    two, also_before = learned(position, models, 10, 100, 100)
    np.testing.assert_allclose(one - before, two - also_before, rtol=1e-6)
    assert abs(one[0] - before[0]) > 0.5


def test_before_the_first_plots_the_assumption_holds() -> None:
    estimate, assumed = learned(TrackerConfig(), radar(1e-9), 0, 1, 1)
    np.testing.assert_array_equal(estimate, assumed)


def test_reported_positions_keep_the_assumption() -> None:
    models = SensorModels.at_origin(period_s=2.0, kind=Measured.POSITION, clutter_density=1e-12)
    estimate, assumed = learned(TrackerConfig(), models, 5, 50, 50)
    np.testing.assert_array_equal(estimate, assumed)


@pytest.mark.parametrize(
    ("plots", "looks", "prior"), [(40, 8.0, 0.5), (0, 20.0, 2.0), (3, 1.0, 1.0)]
)
def test_the_belief_is_the_mean_of_the_posterior(plots: int, looks: float, prior: float) -> None:
    from sim.tracking.clutter import _belief

    expected = clutter_per_look(plots, looks, PRIOR_PLOTS, prior)
    assert _belief(float(plots), looks, prior) == pytest.approx(expected, rel=1e-4)


def test_bearings_have_sectors_only() -> None:
    models = SensorModels(
        origin_enu_m=np.zeros((1, 3)),
        enu_R_sensor=np.eye(3)[None],
        height_m=np.zeros(1),
        period_s=np.array([1.0]),
        measures=np.array([[False, True, True, False]]),
        clutter_density=np.array([1.0]),
    )
    columns = sensor_columns(TrackerConfig(), models)
    clutter, rng = empty_clutter(columns), np.random.default_rng(1)
    for k in range(40):
        # All clutter in the northern half, 60 false alarms a look.
        plots = false_plots(rng, k, 60, 0)
        plots.measurement[:, 1] = rng.uniform(-0.5 * np.pi, 0.5 * np.pi, 60) % (2.0 * np.pi)
        cycle = cycle_of(plots, np.arange(60, dtype=np.int32), columns)
        learn(clutter, cycle, empty_columns(1), None, 1.0, columns)
    probe = false_plots(rng, 0, 2, 0)
    probe.measurement[:, 1] = (0.5, 3.0)
    cycle = cycle_of(probe, np.arange(2, dtype=np.int32), columns)
    north, south = np.exp(with_estimate(cycle, clutter, columns).log_clutter)[np.argsort(cycle.row)]
    assert north == pytest.approx(60 / (np.pi * UP_RAD), rel=0.2)
    assert south < 0.15 * north


def target_and_clutter(looks: int, false: int) -> list[Plots]:
    rng = np.random.default_rng(8)
    calls = []
    for k in range(looks):
        state = np.array([8e3 + 150.0 * 2.0 * k, 12e3, 3e3, 150.0, 0.0, 0.0])
        z = polar(state, radar(1.0).origin_enu_m[0], np.eye(3)) + SIGMA * rng.normal(size=4)
        plots = false_plots(rng, k, false, false // 3)
        plots.measurement[0] = z
        plots.time_s[0] = 2.0 * k + 1.0
        calls.append(plots)
    return calls


@pytest.mark.parametrize("association", ["jipda", "mht"])
def test_false_tracks_are_fewer_and_targets_not_lost(association: str) -> None:
    looks, false = 40, 120
    false_tracks = {}
    for clutter in ("assumed", "estimated"):
        config = TrackerConfig(
            association=association, clutter=clutter, merge_distance=0.0, confirmation="existence"
        )
        tracker = Tracker(config, radar(false / VOLUME / 20.0))
        numbers: set[int] = set()
        for k, plots in enumerate(target_and_clutter(looks, false)):
            tracker.process(plots, 2.0 * (k + 1))
            shown = tracker.picture()
            if k >= 10:
                numbers |= set(shown.number[shown.confirmed].tolist())
        shown = shown.take(shown.confirmed)
        truth = np.array([8e3 + 300.0 * (looks - 1) + 150.0, 12e3, 3e3])
        assert np.linalg.norm(shown.position_enu_m - truth, axis=1).min() < 500.0
        false_tracks[clutter] = len(numbers) - 1
    assert false_tracks["assumed"] >= 4
    assert false_tracks["estimated"] <= 0.5 * false_tracks["assumed"]


@pytest.mark.parametrize("association", ["jipda", "mht"])
def test_late_plots_are_learned_in_their_time(association: str) -> None:
    config = TrackerConfig(clutter="estimated", lag_s=20.0, association=association)
    calls = target_and_clutter(8, 60)
    pictures = []
    for order in (range(8), (0, 1, 2, 4, 3, 5, 7, 6)):
        tracker = Tracker(config, radar(1e-9))
        until_s = 0.0
        for k in order:
            until_s = max(until_s, 2.0 * (k + 1))
            tracker.process(calls[k], until_s)
        pictures.append(tracker.picture())
    np.testing.assert_array_equal(pictures[0].position_enu_m, pictures[1].position_enu_m)
    assert len(pictures[0]) > (5 if association == "jipda" else 0)
