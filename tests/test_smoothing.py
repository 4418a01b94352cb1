"""Fixed-interval smoothing: exact in the linear case, consistent, and wise after the fact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chi2

from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.imm import transition_over
from sim.core.measurement import Measured
from sim.core.motion import Motion
from sim.core.tables import Plots
from sim.tracking.sensor_models import SensorModels
from sim.tracking.smoothing import NO_TRACK, Beginning, Smoothed, smooth, smooth_tracks, states_at
from tests.reference import polar
from tests.twins_smoothing import Look, batch_estimate, imm_smoother, moved

Floats = NDArray[np.float64]

CALM = (1.0, 0.5, 0.0, 0.0)
LIVELY = (500.0, 50.0, 0.0, 0.0)
STRAIGHT = ([Motion.CONSTANT_VELOCITY], [CALM], [60.0])
MANOEUVRING = ([Motion.CONSTANT_VELOCITY] * 2, [CALM, LIVELY], [60.0, 15.0])
PRIOR = np.diag([80.0, 80.0, 80.0, 100.0, 100.0, 20.0]) ** 2


def reports_of(time_s: Floats, position: Floats, sigma: Floats) -> Plots:
    """Plots of reported positions, NaN where a component is missing."""
    n = time_s.size
    return Plots(
        time_s=time_s,
        sensor=np.zeros(n, np.int32),
        measurement=np.c_[position, np.full(n, np.nan)],
        sigma=np.c_[sigma, np.full(n, np.nan)],
        snr_db=np.zeros(n),
        reply=np.zeros(n, np.uint8),
        truth_id=np.full(n, -1, np.int32),
    )


def reporting() -> SensorModels:
    return SensorModels.at_origin(period_s=2.0, kind=Measured.POSITION)


def looks_of(plots: Plots) -> list[Look]:
    """The same for the twins."""
    looks = []
    for k in range(len(plots)):
        seen = np.flatnonzero(~np.isnan(plots.measurement[k, :3]))
        R = np.diag(plots.sigma[k, seen] ** 2)
        looks.append(Look(plots.time_s[k], np.eye(6)[seen], plots.measurement[k, seen], R))
    return looks


def transition(sojourn_s: list[float]):  # type: ignore[no-untyped-def]
    def over(dt: float) -> Floats:
        p = np.empty((len(sojourn_s), len(sojourn_s)))
        transition_over(np.array(sojourn_s), dt, p)
        return p

    return over


def winding(rng: np.random.Generator, n: int = 30) -> tuple[Plots, Floats]:
    """Irregular plots of a weaving target with components missing; and a first guess."""
    time_s = np.cumsum(rng.uniform(0.0, 4.0, n))
    time_s[5] = time_s[4]  # two at once
    truth = np.stack([200 * time_s, 900 * np.sin(time_s / 9), 3000 + 5 * time_s], axis=1)
    sigma = rng.uniform(20.0, 90.0, (n, 3))
    measured = truth + sigma * rng.standard_normal((n, 3))
    measured[3, 2] = measured[10, 0] = np.nan
    measured[12] = np.nan  # says nothing at all
    return reports_of(time_s, measured, sigma), np.r_[truth[0], 150.0, 50.0, 0.0]


@pytest.mark.parametrize(
    "kind", [Motion.CONSTANT_VELOCITY, Motion.CONSTANT_ACCELERATION, Motion.SINGER]
)
def test_one_linear_model_equals_the_twin(kind: Motion) -> None:
    plots, guess = winding(np.random.default_rng(1))
    parameters = np.array([20.0, 5.0, 15.0, 0.0])
    found = smooth(plots, reporting(), [kind], [parameters], [60.0], prior=(guess, PRIOR))
    twin = imm_smoother(guess, PRIOR, looks_of(plots), [kind], parameters[None], transition([1.0]))
    np.testing.assert_allclose(found.mean, twin["mean"], rtol=1e-8, atol=1e-6)
    assert (found.model_probability == 1.0).all()


def test_one_linear_model_is_weighted_least_squares() -> None:
    """All states at once, to eight digits; irregular steps, components missing."""
    rng = np.random.default_rng(2)
    time_s = np.cumsum(rng.uniform(0.5, 4.0, 25))
    sigma = rng.uniform(20.0, 90.0, (25, 3))
    position = np.outer(time_s, [200.0, -50.0, 5.0]) + sigma * rng.standard_normal((25, 3))
    position[4, 2] = position[9, 0] = np.nan
    position[17] = np.nan
    plots = reports_of(time_s, position, sigma)
    guess = np.r_[position[0], 0.0, 0.0, 0.0]
    found = smooth(plots, reporting(), *STRAIGHT, prior=(guess, PRIOR))
    steps = [moved(Motion.CONSTANT_VELOCITY, np.array(CALM), guess, dt) for dt in np.diff(time_s)]
    mean, covariance = batch_estimate(
        guess, PRIOR, looks_of(plots), [F for _, F, _ in steps], [Q for _, _, Q in steps]
    )
    np.testing.assert_allclose(found.mean, mean, rtol=1e-8, atol=1e-5)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-8, atol=1e-6)


@pytest.mark.parametrize(
    ("kinds", "parameters", "sojourn_s"),
    [
        MANOEUVRING,
        ([0, 1, 2], [CALM, (5.0, 2.0, 0.0, 0.0), (20.0, 5.0, 20.0, 0.0)], [60.0, 15.0, 20.0]),
    ],
)
def test_several_models_equal_the_twin(
    kinds: list[int], parameters: list[tuple[float, ...]], sojourn_s: list[float]
) -> None:
    plots, guess = winding(np.random.default_rng(3), 25)
    found = smooth(plots, reporting(), kinds, parameters, sojourn_s, prior=(guess, PRIOR))
    twin = imm_smoother(
        guess, PRIOR, looks_of(plots), kinds, np.array(parameters), transition(sojourn_s)
    )
    np.testing.assert_allclose(found.mean, twin["mean"], rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(found.covariance, twin["covariance"], rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(found.model_probability, twin["mode"], atol=1e-6)


def test_turning_models_are_close_to_the_twin() -> None:
    """It linearises by central differences as well, with other steps."""
    plots, guess = winding(np.random.default_rng(4), 20)
    kinds, sojourn_s = [Motion.CONSTANT_VELOCITY, Motion.COORDINATED_TURN], [60.0, 20.0]
    parameters = np.array([CALM, (10.0, 5.0, 1e-3, 0.0)])
    found = smooth(plots, reporting(), kinds, parameters, sojourn_s, prior=(guess, PRIOR))
    twin = imm_smoother(guess, PRIOR, looks_of(plots), kinds, parameters, transition(sojourn_s))
    np.testing.assert_allclose(found.mean, twin["mean"], rtol=1e-4, atol=0.01)
    np.testing.assert_allclose(found.model_probability, twin["mode"], atol=1e-3)


def test_alike_models_equal_one() -> None:
    plots, guess = winding(np.random.default_rng(5))
    one = smooth(plots, reporting(), *STRAIGHT, prior=(guess, PRIOR))
    two = smooth(plots, reporting(), [0, 0], [CALM, CALM], [60.0, 20.0], prior=(guess, PRIOR))
    np.testing.assert_allclose(two.mean, one.mean, rtol=1e-8, atol=1e-5)
    np.testing.assert_allclose(two.covariance, one.covariance, rtol=1e-7, atol=1e-4)


def test_smoothing_never_adds_uncertainty() -> None:
    plots, guess = winding(np.random.default_rng(6))
    looks = looks_of(plots)
    twin = imm_smoother(guess, PRIOR, looks, [0], np.array([CALM]), transition([1.0]))
    found = smooth(plots, reporting(), *STRAIGHT, prior=(guess, PRIOR))
    for after, before in zip(found.covariance, twin["filtered_covariance"], strict=True):
        scale = np.sqrt(np.diag(before))
        assert np.linalg.eigvalsh((before - after) / np.outer(scale, scale)).min() > -1e-9
        assert np.linalg.eigvalsh(after).min() > 0
    np.testing.assert_allclose(found.covariance[-1], twin["filtered_covariance"][-1], rtol=1e-7)


def two_radars() -> SensorModels:
    one = SensorModels.at_origin(period_s=2.0, measures_range_rate=True)
    return SensorModels(
        origin_enu_m=np.array([[0.0, 0, 0], [30e3, 10e3, 50]]),
        enu_R_sensor=np.stack([np.eye(3)] * 2),
        height_m=np.zeros(2),
        period_s=np.full(2, 2.0),
        measures=np.array([[True, True, True, True], [True, True, False, False]]),
        clutter_density=np.repeat(one.clutter_density, 2),
    )


def seen_by_two_radars(truth: Floats, time_s: Floats, rng: np.random.Generator) -> Plots:
    """Plots by two radars in turn: 3-D with range rate, and 2-D."""
    sensors = two_radars()
    n = time_s.size
    sensor = (np.arange(n) % 2).astype(np.int32)
    sigma = np.where(sensors.measures[sensor], [30.0, 0.003, 0.004, 1.0], np.nan)
    exact = [
        polar(x, sensors.origin_enu_m[s], np.eye(3)) for x, s in zip(truth, sensor, strict=True)
    ]
    return Plots(
        time_s=time_s,
        sensor=sensor,
        measurement=np.array(exact) + sigma * rng.standard_normal((n, 4)),
        sigma=sigma,
        snr_db=np.zeros(n),
        reply=np.zeros(n, np.uint8),
        truth_id=np.full(n, -1, np.int32),
    )


def flown(rng: np.random.Generator, steps: Floats, q: tuple[float, float]) -> Floats:
    """States (K, 6) of nearly constant velocity."""
    states = [
        np.r_[40e3, -20e3, 5e3, -150, 120, 0] + np.r_[0, 0, 0, 20, 20, 2] * rng.standard_normal(6)
    ]
    for dt in steps:
        x, _, Q = moved(Motion.CONSTANT_VELOCITY, np.array([*q, 0.0, 0.0]), states[-1], dt)
        states.append(rng.multivariate_normal(x, Q))
    return np.array(states)


def nees(found: Smoothed, truth: Floats) -> Floats:
    """(K,) normalised squared errors."""
    d = found.mean - truth
    return np.einsum("ki,kij,kj->k", d, np.linalg.inv(found.covariance), d)


def test_a_track_starts_from_its_first_plot_that_can() -> None:
    rng = np.random.default_rng(7)
    time_s = np.cumsum(rng.uniform(0.5, 3.0, 40))
    truth = flown(rng, np.diff(time_s), (1.0, 0.5))
    plots = seen_by_two_radars(truth, time_s, rng)
    plots.measurement[:3, 0] = np.nan  # bearings alone
    found = smooth(plots, two_radars(), *STRAIGHT)
    assert np.isnan(found.mean[:3]).all()
    assert np.isnan(found.covariance[:3]).all()
    assert np.isfinite(found.mean[3:]).all()
    assert np.linalg.norm(found.mean[3:, :3] - truth[3:, :3], axis=1).max() < 400
    assert np.linalg.norm(found.mean[3:, 3:] - truth[3:, 3:], axis=1).max() < 30
    # Without elevation the height is assumed, and learned from the other radar's plots.
    flat = smooth(
        plots.take(np.arange(3, 40)), two_radars(), *STRAIGHT, beginning=Beginning(height_m=9e3)
    )
    assert abs(flat.mean[0, 2] - truth[3, 2]) < 800


def test_many_tracks_in_any_order_equal_one_by_one() -> None:
    rng = np.random.default_rng(8)
    number, tables = [], []
    for track in (5, -2, 9):
        time_s = np.cumsum(rng.uniform(0.5, 3.0, 12))
        tables.append(seen_by_two_radars(flown(rng, np.diff(time_s), (1.0, 0.5)), time_s, rng))
        number += [track] * 12
    number[4] = NO_TRACK
    together = Plots.concatenate(tables)
    order = rng.permutation(len(together))
    found = smooth_tracks(together.take(order), np.array(number)[order], two_radars(), *MANOEUVRING)
    back = np.argsort(order)
    assert np.isnan(found.mean[back][4]).all()
    for track in (5, -2, 9):
        rows = np.flatnonzero(np.array(number) == track)
        alone = smooth(together.take(rows), two_radars(), *MANOEUVRING)
        np.testing.assert_array_equal(found.mean[back][rows], alone.mean)
        np.testing.assert_array_equal(found.covariance[back][rows], alone.covariance)
        np.testing.assert_array_equal(found.model_probability[back][rows], alone.model_probability)


def test_nothing_and_little() -> None:
    nothing = smooth(Plots.empty(), reporting(), *MANOEUVRING)
    assert len(nothing) == 0
    assert nothing.mean.shape == (0, 6)
    plots, _ = winding(np.random.default_rng(9))
    single = smooth(plots.take(np.array([0])), reporting(), *MANOEUVRING)
    np.testing.assert_allclose(single.mean[0, :3], plots.measurement[0, :3])
    np.testing.assert_allclose(single.covariance[0, 0, 0], plots.sigma[0, 0] ** 2)
    np.testing.assert_allclose(single.model_probability, [[0.5, 0.5]])
    blind = smooth(plots.take(np.array([12])), reporting(), *MANOEUVRING)
    assert np.isnan(blind.mean).all()
    none = smooth_tracks(plots, np.full(len(plots), NO_TRACK), reporting(), *MANOEUVRING)
    assert np.isnan(none.mean).all()


def test_states_between_plots_are_those_of_plots_that_say_next_to_nothing() -> None:
    rng = np.random.default_rng(21)
    time_s = np.cumsum(rng.uniform(0.5, 3.0, 12))
    plots = seen_by_two_radars(flown(rng, np.diff(time_s), (1.0, 0.5)), time_s, rng)
    asked_s = np.array([time_s[0] - 1.0, time_s[4] + 0.2, time_s[4], time_s[-1] + 5.0])
    ours = np.full(12, 3)
    found = states_at(asked_s, [3, 3, 3, 3], plots, ours, two_radars(), *MANOEUVRING)
    np.testing.assert_array_equal(found.time_s, asked_s)
    assert np.isnan(found.mean[0]).all()
    vague = plots.take(np.zeros(4, np.int64))
    vague = replace(vague, time_s=asked_s, sigma=np.full((4, 4), 1e9))
    together = Plots.concatenate([plots, vague.take(np.arange(1, 4))])
    order = np.argsort(together.time_s, kind="stable")
    twin = smooth(together.take(order), two_radars(), *MANOEUVRING)
    rows = np.argsort(order)[12:]
    np.testing.assert_allclose(found.mean[1:], twin.mean[rows], rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(found.covariance[1:], twin.covariance[rows], rtol=1e-5, atol=1e-2)
    np.testing.assert_allclose(found.model_probability[1:], twin.model_probability[rows], atol=1e-6)
    nobody = states_at(asked_s, [4, 4, NO_TRACK, 4], plots, ours, two_radars(), *MANOEUVRING)
    assert np.isnan(nobody.mean).all()
    assert len(states_at([], [], plots, ours, two_radars(), *STRAIGHT)) == 0


def test_without_elevation_a_track_begins_at_a_height_above_the_ellipsoid() -> None:
    mast = replace(
        two_radars(), origin_enu_m=np.array([[0.0, 0, 0], [0, 0, 400]]), height_m=np.full(2, 400.0)
    )
    for range_m in (20e3, 150e3):
        plots = Plots.of(1.0, 1, [range_m, 0.7], [50.0, 0.002])
        found = smooth(plots, mast, *STRAIGHT, beginning=Beginning(height_m=5e3))
        # The earth bends away below the plane of the radar, whose foot is at 0 of the frame.
        position = found.mean[0, :3] + [0.0, 0.0, MEAN_EARTH_RADIUS_M]
        height_m = np.linalg.norm(position) - MEAN_EARTH_RADIUS_M
        assert abs(height_m - 5e3) < 5.0


def test_input_that_does_not_fit() -> None:
    plots, _ = winding(np.random.default_rng(10))
    with pytest.raises(ValueError, match="order of time"):
        smooth(plots.take(np.arange(len(plots))[::-1]), reporting(), *STRAIGHT)
    with pytest.raises(ValueError, match="kinds"):
        smooth(plots, reporting(), [17], [CALM], [60.0])
    with pytest.raises(ValueError, match="parameters"):
        smooth(plots, reporting(), [0], [CALM, CALM], [60.0])
    with pytest.raises(ValueError, match="track_number"):
        smooth_tracks(plots, [1, 2], reporting(), *STRAIGHT)


def manoeuvre(rng: np.random.Generator) -> tuple[Floats, NDArray[np.bool_], Plots]:
    """60 s straight, 20 s of a 3 g turn, straight again; plots every two seconds."""
    time_s = np.arange(0.0, 140.0, 2.0)
    dense = np.arange(0.0, 140.0, 0.1)
    rate = np.where((dense >= 60) & (dense < 80), 30.0 / 200.0, 0.0)
    course = np.cumsum(rate) * 0.1
    velocity = 200 * np.stack([np.sin(course), np.cos(course), 0 * course], axis=1)
    position = np.cumsum(velocity, axis=0) * 0.1 + [0, 0, 3000.0]
    truth = np.concatenate([position, velocity], axis=1)[::20]
    measured = truth[:, :3] + 50 * rng.standard_normal((time_s.size, 3))
    turning = (time_s >= 60) & (time_s < 80)
    return truth, turning, reports_of(time_s, measured, np.full((time_s.size, 3), 50.0))


@pytest.mark.slow
def test_one_model_is_consistent_over_a_hundred_runs() -> None:
    rng = np.random.default_rng(11)
    total = np.zeros((100, 30))
    for run in range(100):
        time_s = np.cumsum(rng.uniform(0.5, 3.0, 30))
        truth = flown(rng, np.diff(time_s), (5.0, 1.0))
        guess = truth[0] + np.sqrt(np.diag(PRIOR)) * rng.standard_normal(6)
        plots = seen_by_two_radars(truth, time_s, rng)
        found = smooth(
            plots, two_radars(), [0], [(5.0, 1.0, 0.0, 0.0)], [60.0], prior=(guess, PRIOR)
        )
        total[run] = nees(found, truth)
    low, high = chi2.ppf([0.0005, 0.9995], 600) / 100
    mean = total.mean(axis=0)
    assert (mean > low).all(), mean
    assert (mean < high).all(), mean


@pytest.mark.slow
def test_manoeuvres_are_known_after_the_fact() -> None:
    """Against the filter: smaller errors, most of all where a turn begins, and surer models."""
    rng = np.random.default_rng(12)
    errors: dict[str, list[Floats]] = {"filter": [], "smoother": [], "calm": []}
    scores: dict[str, list[float]] = {"filter": [], "smoother": []}
    consistency = []
    for _ in range(60):
        truth, turning, plots = manoeuvre(rng)
        guess = truth[0] + np.sqrt(np.diag(PRIOR)) * rng.standard_normal(6)
        found = smooth(plots, reporting(), *MANOEUVRING, prior=(guess, PRIOR))
        # The filter at a plot is the smoother of a recording that ends there.
        ends = [
            smooth(plots.take(np.arange(k + 1)), reporting(), *MANOEUVRING, prior=(guess, PRIOR))
            for k in range(len(plots))
        ]
        filtered = np.array([end.mean[-1] for end in ends])
        believed = np.array([end.model_probability[-1] for end in ends])
        calm = smooth(plots, reporting(), *STRAIGHT, prior=(guess, PRIOR))
        for name, mean in (("filter", filtered), ("smoother", found.mean), ("calm", calm.mean)):
            errors[name].append(np.linalg.norm((mean - truth)[:, :3], axis=1))
        truly = turning.astype(float)
        scores["filter"].append(float(((believed[:, 1] - truly) ** 2).mean()))
        scores["smoother"].append(float(((found.model_probability[:, 1] - truly) ** 2).mean()))
        consistency.append(nees(found, truth))
    rms = {name: np.sqrt((np.array(rows) ** 2).mean(axis=0)) for name, rows in errors.items()}
    onset = slice(30, 34)
    assert rms["smoother"][onset].mean() < 0.8 * rms["filter"][onset].mean()
    assert rms["smoother"].mean() < 0.7 * rms["filter"].mean()
    assert rms["smoother"].mean() < 0.8 * rms["calm"].mean()
    assert np.mean(scores["smoother"]) < 0.5 * np.mean(scores["filter"])
    assert 2.0 < np.mean(consistency) < 7.0
