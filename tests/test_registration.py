"""Sensors' biases are found, with honest uncertainty, and taken out of plots."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from reference import polar
from scipy.stats import chi2

from sim.core.tables import Measured, Plots
from sim.tracking.config import TrackerConfig
from sim.tracking.registration import Registration, RegistrationSettings, settings_of
from sim.tracking.sensor_models import SensorModels

PRIOR = np.array([100.0, 0.01, 0.01, 0.5])
SETTINGS = RegistrationSettings(correlation_time_s=1e9)
NOISE = np.array([30.0, 0.004, 0.005, np.nan])
REPORTED = np.array([20.0, 20.0, 20.0, np.nan])
CYCLE_S = 2.0


def tilted(angle: float) -> np.ndarray:
    """Axes of a sensor some way off: turned about the east axis."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def site(kinds: str) -> SensorModels:
    """One sensor per letter: r 3-D radar, f flat radar (2-D), p reported positions."""
    n = len(kinds)
    places = np.array([[0.0, 0.0, 0.0], [60e3, 10e3, 50.0], [-20e3, 50e3, 10.0], [9e3, -70e3, 0.0]])
    measures = {"r": [True, True, True, False], "f": [True, True, False, False]}
    return SensorModels(
        origin_enu_m=places[np.arange(n) % 4],
        enu_R_sensor=np.stack([tilted(0.003 * k) for k in range(n)]),
        height_m=np.full(n, 10.0),
        period_s=np.full(n, CYCLE_S),
        measures=np.array([measures.get(k, [True, True, True, False]) for k in kinds]),
        clutter_density=np.full(n, 1e-6),
        kind=np.array(
            [Measured.POSITION if k == "p" else Measured.POLAR for k in kinds], np.uint8
        ),
    )  # fmt: skip


def drawn_biases(models: SensorModels, rng: np.random.Generator) -> np.ndarray:
    bias = rng.normal(size=(len(models), 4)) * PRIOR
    bias[:, :3] *= models.measures[:, :3] & (models.kind == Measured.POLAR)[:, None]
    return bias


class Scene:
    """Straight-flying targets that every sensor sees once a cycle, at a time of its own."""

    def __init__(
        self, models: SensorModels, bias: np.ndarray, n: int, rng: np.random.Generator
    ) -> None:
        self.models, self.bias, self.rng, self.n = models, bias, rng, n
        self.position = np.column_stack(
            [rng.uniform(-60e3, 60e3, (n, 2)), rng.uniform(1e3, 9e3, n)]
        )
        self.velocity = np.column_stack([rng.normal(0, 150, (n, 2)), np.zeros(n)])
        self.time_s = 0.0

    def cycle(self) -> tuple[Plots, np.ndarray, np.ndarray]:
        """Plots, their tracks and the tracks' velocities."""
        rng, s, n = self.rng, len(self.models), self.n
        sensor, target = np.repeat(np.arange(s), n), np.tile(np.arange(n), s)
        order = rng.permutation(s * n)
        sensor, target = sensor[order], target[order]
        is_position = self.models.kind[sensor] == Measured.POSITION
        sigma = np.where(is_position[:, None], REPORTED, NOISE)
        sigma = np.where(self.models.measures[sensor], sigma, np.nan)
        true_s = self.time_s + rng.uniform(0, CYCLE_S, s * n)
        place = self.position[target] + self.velocity[target] * true_s[:, None]
        z = np.full((s * n, 4), np.nan)
        for k in range(s * n):
            origin = self.models.origin_enu_m[sensor[k]]
            axes = self.models.enu_R_sensor[sensor[k]]
            if is_position[k]:
                z[k, :3] = axes.T @ (place[k] - origin)
            else:
                z[k] = polar(np.concatenate([place[k], self.velocity[target[k]]]), origin, axes)
        z[:, :3] += self.bias[sensor, :3]
        z += sigma * rng.normal(size=z.shape)
        z[~is_position, 1] %= 2 * np.pi
        self.time_s += CYCLE_S
        plots = Plots(
            time_s=true_s + self.bias[sensor, 3],
            sensor=sensor.astype(np.int32),
            measurement=z,
            sigma=sigma,
            snr_db=np.full(s * n, 15.0),
            reply=np.zeros(s * n, np.uint8),
            truth_id=target.astype(np.int32),
        )
        error = rng.normal(size=(s * n, 3)) * SETTINGS.velocity_sigma_mps
        return plots, target, self.velocity[target] + error


def teach(registration: Registration, scene: Scene, cycles: int) -> None:
    for _ in range(cycles):
        plots, track, velocity = scene.cycle()
        registration.learn(
            plots.time_s, plots.sensor, plots.measurement, plots.sigma, track, velocity
        )  # fmt: skip


def within(registration: Registration, bias: np.ndarray) -> float:
    """NEES of all biases that the sensors have."""
    told = registration.biases()
    rows = np.flatnonzero(np.nan_to_num(told.sigma.ravel()) > 0)
    error = told.value.ravel()[rows] - bias.ravel()[rows]
    return float(error @ np.linalg.solve(told.covariance[np.ix_(rows, rows)], error))


def taught(kinds: str, seed: int, n: int = 20, cycles: int = 30, **settings: object):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    models = site(kinds)
    bias = drawn_biases(models, rng)
    references = settings.get("references", ())
    bias[list(references)] = 0.0  # type: ignore[call-overload]
    chosen = RegistrationSettings(correlation_time_s=1e9, **settings)  # type: ignore[arg-type]
    registration = Registration(models, chosen)
    scene = Scene(models, bias, n, rng)
    teach(registration, scene, cycles)
    return registration, scene, bias


def test_two_radars_find_their_biases_from_common_targets() -> None:
    registration, _, bias = taught("rr", seed=1)
    told = registration.biases()
    assert (told.pairs == told.pairs[0]).all()
    assert 400 < told.pairs[0] <= 600
    assert within(registration, bias) < chi2.ppf(0.999, 8)
    assert (told.sigma[:, 0] < 15.0).all()
    assert (told.sigma[:, 1] < 0.001).all()
    assert (told.sigma[:, 2] < 0.001).all()
    error = np.abs(told.value - bias)
    assert (error < 4 * told.sigma).all()
    assert (error[:, :3] < 0.3 * PRIOR[:3]).all()


def test_of_two_clocks_only_the_difference_is_known_and_the_sigmas_say_so() -> None:
    registration, _, bias = taught("rr", seed=2)
    told = registration.biases()
    # Prior knowledge alone tells the common part: σ/√2 stays.
    assert told.sigma[:, 3] == pytest.approx([PRIOR[3] / np.sqrt(2)] * 2, rel=0.02)
    variance = told.covariance[3, 3] + told.covariance[7, 7] - 2 * told.covariance[3, 7]
    assert np.sqrt(variance) < 0.03
    difference = told.value[0, 3] - told.value[1, 3]
    assert abs(difference - (bias[0, 3] - bias[1, 3])) < 4 * np.sqrt(variance)


def test_radars_side_by_side_know_differences_only() -> None:
    rng = np.random.default_rng(3)
    models = site("rr")
    models.origin_enu_m[1] = models.origin_enu_m[0]
    models.enu_R_sensor[1] = models.enu_R_sensor[0]
    bias = drawn_biases(models, rng)
    registration = Registration(models, SETTINGS)
    teach(registration, Scene(models, bias, 20, rng), 30)
    told = registration.biases()
    assert told.sigma == pytest.approx(np.tile(PRIOR / np.sqrt(2), (2, 1)), rel=0.01)
    difference = np.hstack([np.eye(4), -np.eye(4)])
    spread = difference @ told.covariance @ difference.T
    error = (told.value[0] - told.value[1]) - (bias[0] - bias[1])
    assert (np.sqrt(np.diag(spread)) < 0.1 * PRIOR).all()
    assert error @ np.linalg.solve(spread, error) < chi2.ppf(0.999, 4)


def test_reported_positions_make_everything_observable() -> None:
    registration, _, bias = taught("rp", seed=4, references=(1,))
    told = registration.biases()
    assert np.isnan(told.sigma[1, :3]).all()
    assert told.sigma[1, 3] == told.value[1, 3] == 0.0
    assert (told.sigma[0] < 0.1 * PRIOR).all()
    assert within(registration, bias) < chi2.ppf(0.999, 4)


def test_positions_of_a_doubtful_clock_leave_the_radars_clock_open() -> None:
    registration, _, bias = taught("rp", seed=5)
    told = registration.biases()
    assert told.sigma[:, 3] == pytest.approx([PRIOR[3] / np.sqrt(2)] * 2, rel=0.02)
    assert (told.sigma[0, :3] < 0.1 * PRIOR[:3]).all()
    assert within(registration, bias) < chi2.ppf(0.999, 5)


def test_a_radar_without_elevation_is_registered_in_range_and_azimuth() -> None:
    registration, _, bias = taught("fr", seed=16)
    told = registration.biases()
    assert np.isnan(told.sigma[0, 2])
    assert np.isnan(told.value[0, 2])
    assert (told.sigma[:, :2] < 0.25 * PRIOR[:2]).all()
    assert within(registration, bias) < chi2.ppf(0.999, 7)


def test_nothing_is_invented_without_common_targets() -> None:
    rng = np.random.default_rng(7)
    models = site("rf")
    registration = Registration(models, SETTINGS)
    scene = Scene(models, drawn_biases(models, rng), 5, rng)
    plots, track, velocity = scene.cycle()
    alone = plots.sensor == 0
    columns = (plots.time_s, plots.sensor, plots.measurement, plots.sigma, track, velocity)
    registration.learn(*(c[:0] for c in columns))
    registration.learn(*(c[alone] for c in columns))
    told = registration.biases()
    assert np.nan_to_num(told.value).tolist() == np.zeros((2, 4)).tolist()
    assert told.sigma[0] == pytest.approx(PRIOR)
    assert told.pairs.tolist() == [0, 0]
    corrected = registration.correct(plots)
    np.testing.assert_array_equal(corrected.time_s, plots.time_s)
    np.testing.assert_allclose(corrected.measurement, plots.measurement)
    assert len(registration.correct(Plots.empty())) == 0


def test_flat_radars_alone_cannot_be_compared() -> None:
    registration, _, _ = taught("ff", seed=8, cycles=2)
    assert registration.biases().pairs.tolist() == [0, 0]


def test_unbiased_sensors_get_no_bias() -> None:
    rng = np.random.default_rng(9)
    models = site("rr")
    zero = np.zeros((2, 4))
    registration = Registration(models, SETTINGS)
    teach(registration, Scene(models, zero, 20, rng), 30)
    assert within(registration, zero) < chi2.ppf(0.999, 8)


def test_corrected_plots_lie_on_the_targets() -> None:
    registration, scene, _ = taught("rp", seed=10, references=(1,))
    white = []
    for _ in range(10):
        plots, target, _ = scene.cycle()
        corrected = registration.correct(plots)
        for k in np.flatnonzero(plots.sensor == 0):
            place = scene.position[target[k]] + scene.velocity[target[k]] * corrected.time_s[k]
            state = np.concatenate([place, scene.velocity[target[k]]])
            z = polar(state, scene.models.origin_enu_m[0], scene.models.enu_R_sensor[0])
            d = corrected.measurement[k, :3] - z[:3]
            d[1] = (d[1] + np.pi) % (2 * np.pi) - np.pi
            white.append(d / plots.sigma[k, :3])
    residual = np.array(white)
    # The mean may be off by the bias's own uncertainty, little against one plot's noise.
    uncertain = registration.biases().sigma[0, :3] / NOISE[:3]
    assert (np.abs(residual.mean(axis=0)) < 4 * np.hypot(uncertain, len(white) ** -0.5)).all()
    assert residual.std(axis=0) == pytest.approx(np.ones(3), abs=0.15)
    neighbours = np.mean(residual[1:] * residual[:-1], axis=0)
    assert (np.abs(neighbours) < 4 * len(white) ** -0.5).all()


def test_a_plot_waits_for_its_partner_and_serves_once() -> None:
    rng = np.random.default_rng(11)
    models = site("rr")
    scene = Scene(models, np.zeros((2, 4)), 6, rng)
    plots, track, velocity = scene.cycle()
    columns = (plots.time_s, plots.sensor, plots.measurement, plots.sigma, track, velocity)
    together, apart = Registration(models, SETTINGS), Registration(models, SETTINGS)
    together.learn(*columns)
    for k in (0, 1):
        apart.learn(*(c[plots.sensor == k] for c in columns))
    assert together.biases().pairs.tolist() == apart.biases().pairs.tolist() == [6, 6]
    np.testing.assert_allclose(together.biases().value, apart.biases().value)
    apart.learn(*(c[:0] for c in columns))
    assert apart.biases().pairs.tolist() == [6, 6]


def test_wrong_pairs_and_broken_plots_do_no_harm() -> None:
    registration, scene, _ = taught("rr", seed=12)
    plots, track, velocity = scene.cycle()
    before = registration.biases()
    far = plots.measurement.copy()
    far[plots.sensor == 1, 0] += 3000.0
    registration.learn(plots.time_s, plots.sensor, far, plots.sigma, track, velocity)
    after = registration.biases()
    assert after.rejected - before.rejected == after.pairs.size * 10
    assert after.pairs.tolist() == before.pairs.tolist()
    broken = np.full_like(far, np.nan)
    registration.learn(plots.time_s, plots.sensor, broken, plots.sigma, track, velocity)
    np.testing.assert_array_equal(registration.biases().value, after.value)


def test_what_is_no_longer_seen_becomes_uncertain_again() -> None:
    rng = np.random.default_rng(13)
    models = site("rrrr")
    registration = Registration(models, RegistrationSettings(correlation_time_s=500.0))
    scene = Scene(models, drawn_biases(models, rng), 10, rng)
    teach(registration, scene, 5)
    early = registration.biases()
    for _ in range(5):
        scene.time_s += 1000.0
        plots, track, velocity = scene.cycle()
        rows = plots.sensor < 2
        registration.learn(
            *(c[rows] for c in (plots.time_s, plots.sensor, plots.measurement, plots.sigma)),
            track[rows],
            velocity[rows],
        )
    late = registration.biases()
    assert (early.sigma[2:, :3] < 0.9 * PRIOR[:3]).all()
    assert late.sigma[2:] == pytest.approx(np.tile(PRIOR, (2, 1)), rel=0.01)
    assert (late.sigma[:2, :3] < 0.9 * PRIOR[:3]).all()
    assert (np.abs(late.value[2:]) < 0.05 * PRIOR).all()


def test_a_reference_radar_has_no_bias_and_lends_its_clock() -> None:
    registration, _, bias = taught("rr", seed=15, references=(1,))
    told = registration.biases()
    assert told.value[1].tolist() == told.sigma[1].tolist() == [0.0] * 4
    assert (told.sigma[0] < 0.2 * PRIOR).all()
    assert within(registration, bias) < chi2.ppf(0.999, 4)


def test_a_reference_must_take_part() -> None:
    models = site("rr")
    models.kind[1] = Measured.BISTATIC
    with pytest.raises(ValueError, match="polar or report positions"):
        Registration(models, RegistrationSettings(references=(1,)))


def test_settings_name_references_by_id() -> None:
    models = replace(site("rr"), id=np.array(["north", "south"]))
    config = TrackerConfig(
        registration=True, reference_sensors=["south"], azimuth_bias_sigma_deg=0.1
    )
    settings = settings_of(config, models)
    assert settings.references == (1,)
    assert settings.azimuth_sigma_rad == pytest.approx(np.radians(0.1))
    with pytest.raises(ValueError, match="no sensor has the id 'south'"):
        settings_of(config, site("rr"))
    with pytest.raises(ValueError, match="registration, which is off"):
        TrackerConfig(reference_sensors=["south"])


@pytest.mark.slow
@pytest.mark.parametrize(("kinds", "references"), [("rr", ()), ("frp", (2,))])
def test_uncertainty_is_honest_over_many_runs(kinds: str, references: tuple[int, ...]) -> None:
    runs, inside, nees = 60, [], []
    for seed in range(runs):
        registration, _, bias = taught(
            kinds, seed=100 + seed, n=15, cycles=20, references=references
        )
        told = registration.biases()
        has = np.nan_to_num(told.sigma) > 0
        inside.append(np.abs(told.value - bias)[has] < 1.96 * told.sigma[has])
        nees.append(within(registration, bias))
    states = inside[0].size
    low, high = chi2.ppf([0.0005, 0.9995], runs * states) / runs
    assert low < np.mean(nees) < high
    assert np.mean(inside) == pytest.approx(0.95, abs=0.03)


@pytest.mark.slow
def test_a_hundred_sensors() -> None:
    registration, _, bias = taught("r" * 100, seed=14, n=30, cycles=3)
    told = registration.biases()
    assert np.linalg.eigvalsh(told.covariance).min() > 0
    assert within(registration, bias) < chi2.ppf(0.999, 400)
