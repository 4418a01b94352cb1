"""Filters believe what is true: NEES and NIS over many runs, truth drawn from the model.

All combinations are judged together at 95 %: each by the two-sided χ² bounds of a share
of the remaining 5 %. Run as a script, it prints the means.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import twins_filters as twins
from scipy.stats import binom, chi2

from sim.core.imm import combine, mix, reweigh
from sim.core.measurement import to_position
from sim.core.motion import DIMENSION, Motion, predict, predict_cubature
from sim.core.tables import Measured
from sim.core.update import cubature_update, extended_update, position_update

RUNS, STEPS, STEP_S = 100, 8, 2.0
PARAMETERS = {
    Motion.CONSTANT_VELOCITY: np.array([30.0, 10.0, 0.0, 0.0]),
    Motion.CONSTANT_ACCELERATION: np.array([4.0, 2.0, 0.0, 0.0]),
    Motion.SINGER: np.array([8.0, 4.0, 10.0, 0.0]),
    Motion.COORDINATED_TURN: np.array([30.0, 10.0, 2e-5, 0.0]),
    Motion.BALLISTIC: np.array([30.0, 10.0, 1e-3, 0.0]),
}
STARTS = {
    Motion.CONSTANT_VELOCITY: np.array([3e4, 2e4, 5e3, -200, 50, 0.0]),
    Motion.CONSTANT_ACCELERATION: np.array([3e4, 2e4, 5e3, -200, 50, 0, 0, 0, 0.0]),
    Motion.SINGER: np.array([3e4, 2e4, 5e3, -200, 50, 0, 0, 0, 0.0]),
    Motion.COORDINATED_TURN: np.array([3e4, 2e4, 5e3, -200, 50, 0, 0.05]),
    Motion.BALLISTIC: np.array([3e4, 2e4, 3e4, -800, 300, -600, np.log(2e-4)]),
}
PRIOR = np.array([60, 60, 60, 8, 8, 8.0])
EXTRA = {6: [], 9: [3.0, 3.0, 2.0], 7: [0.01]}
NO = np.nan
#: What is measured, and with which errors.
PLOTS = {
    "polar": (Measured.POLAR, np.array([20.0, 0.002, 0.002, NO])),
    "position": (Measured.POSITION, np.array([30.0, 30.0, 40.0, NO])),
    "bistatic": (Measured.BISTATIC, np.array([20.0, 0.004, 0.004, 1.0])),
    "time difference": (Measured.TIME_DIFFERENCE, np.array([2e-8, NO, NO, NO])),
    "polar with rate": (Measured.POLAR, np.array([20.0, 0.002, 0.002, 1.0])),
    "range and azimuth": (Measured.POLAR, np.array([20.0, 0.002, NO, NO])),
    "azimuth and elevation": (Measured.POLAR, np.array([NO, 0.002, 0.002, NO])),
    "azimuth": (Measured.POLAR, np.array([NO, 0.002, NO, NO])),
}
CONVERTED = ("polar", "position")
SIGHT = (np.array([100.0, -50, 20]), np.eye(3), np.array([2e4, -1e4, 100.0]))
#: The rate of a path bends within the cross-range that bearings leave open: see below.
NOT_LINEAR_ENOUGH = [(Motion.SINGER, "bistatic", "extended")]
#: Motions that the rarer plots are tried with.
COMMON = (Motion.CONSTANT_VELOCITY, Motion.COORDINATED_TURN)
COMBINATIONS = [
    (motion, plots, filter_)
    for motion in Motion
    for k, plots in enumerate(PLOTS)
    for filter_ in ("extended", "cubature", "position")
    if k < len(Measured) or motion in COMMON
    if filter_ != "position" or plots in CONVERTED
    if (motion, plots, filter_) not in NOT_LINEAR_ENOUGH
]
LEVEL = 0.05 / (2 * len(COMBINATIONS))


def bounds(level: float, dimension: int, runs: int) -> tuple[float, float]:
    """Two-sided bounds of the mean of so many χ² variables."""
    low, high = chi2.ppf([level / 2, 1 - level / 2], dimension * runs) / runs
    return float(low), float(high)


def draw_truth(motion: Motion, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move a true state over one step; noise that depends on the state enters four times."""
    n = x.size
    big_x = np.zeros(9)
    big_x[:n] = x
    parts = 4 if n == 7 else 1
    for _ in range(parts):
        Q = np.zeros((9, 9))
        predict(int(motion), PARAMETERS[motion], big_x, Q, STEP_S / parts, np.empty((40, 9)))
        scale = np.sqrt(np.diag(Q)[:n])
        factor = np.linalg.cholesky(Q[:n, :n] / np.outer(scale, scale) + 1e-9 * np.eye(n))
        big_x[:n] += scale * (factor @ rng.normal(size=n))
    return big_x[:n]


def one_run(
    motion: Motion, plots: str, filter_: str, rng: np.random.Generator, believed: float
) -> tuple[float, float]:
    """Return NEES and NIS at the end; the filter believes in so many times the noise."""
    n = DIMENSION[motion]
    parameters = PARAMETERS[motion].copy()
    parameters[:2] *= np.sqrt(believed) if motion == Motion.SINGER else believed
    if n == 7:
        parameters[2] *= believed
    spread = np.concatenate([PRIOR, np.array(EXTRA[n]) * (30 if motion == Motion.BALLISTIC else 1)])
    x, P = np.zeros(9), np.zeros((9, 9))
    x[:n], P[:n, :n] = STARTS[motion], np.diag(spread**2)
    truth = x[:n] + spread * rng.normal(size=n)
    (measured, sigma), work = PLOTS[plots], np.empty((40, 9))
    move = predict_cubature if filter_ == "cubature" else predict
    nis = np.nan
    for k in range(STEPS):
        truth = draw_truth(motion, truth, rng)
        z = twins.measured_of(measured, truth, *SIGHT) + sigma * rng.normal(size=4)
        move(int(motion), parameters, x, P, STEP_S, work)
        last, before = k == STEPS - 1, (x[:n].copy(), P[:n, :n].copy())
        if filter_ == "position":
            position, noise = np.empty(3), np.empty(6)
            assert to_position(int(measured), z, sigma, *SIGHT[:2], position, noise)
            position_update(x, P, n, position, noise, work)
            if last:
                R = np.empty((3, 3))
                R[np.triu_indices(3)] = noise
                R.T[np.triu_indices(3)] = noise
                nis = twins.by_position(*before, position, R)[3]
        else:
            update = extended_update if filter_ == "extended" else cubature_update
            update(int(measured), x, P, n, z, sigma, *SIGHT, work)
            if last:
                twin = twins.extended if filter_ == "extended" else twins.cubature
                nis = twin(measured, *before, z, sigma, SIGHT)[3]
    error = truth - x[:n]
    scale = np.sqrt(np.diag(P)[:n])
    whitened = np.linalg.solve(P[:n, :n] / np.outer(scale, scale), error / scale)
    return float(error / scale @ whitened), nis


@cache
def means(
    motion: Motion, plots: str, filter_: str, believed: float = 1.0, runs: int = RUNS
) -> tuple[float, float]:
    seed = [int(motion), list(PLOTS).index(plots), ord(filter_[0])]
    rng = np.random.default_rng(seed)
    results = [one_run(motion, plots, filter_, rng, believed) for _ in range(runs)]
    nees, nis = np.mean(results, axis=0)
    return float(nees), float(nis)


def measured_components(plots: str) -> int:
    return int(np.isfinite(PLOTS[plots][1]).sum())


def test_bounds_as_printed() -> None:
    assert bounds(0.05, 6, 100) == pytest.approx((5.340, 6.698), abs=5e-4)
    assert bounds(0.05, 3, 50) == pytest.approx((2.360, 3.716), abs=5e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("motion", "plots", "filter_"), COMBINATIONS)
def test_errors_are_as_large_as_believed(motion: Motion, plots: str, filter_: str) -> None:
    nees, nis = means(motion, plots, filter_)
    low, high = bounds(LEVEL, DIMENSION[motion], RUNS)
    assert low < nees < high
    low, high = bounds(LEVEL, measured_components(plots), RUNS)
    assert low < nis < high


@pytest.mark.slow
def test_as_many_leave_their_own_95_percent_as_chance_lets() -> None:
    outside = 0
    for motion, plots, filter_ in COMBINATIONS:
        dimensions = DIMENSION[motion], measured_components(plots)
        for mean, dimension in zip(means(motion, plots, filter_), dimensions, strict=True):
            low, high = bounds(0.05, dimension, RUNS)
            outside += not low < mean < high
    fewest, most = binom.ppf([0.005, 0.995], 2 * len(COMBINATIONS), 0.05)
    assert fewest <= outside <= most


@pytest.mark.slow
def test_where_the_linearisation_fails() -> None:
    """Range rate to 1 m/s, bearings to 4 mrad, a target at 8 m/s²: points do, slopes do not."""
    runs = 400
    low, high = bounds(0.001, 9, runs)
    extended, _ = means(Motion.SINGER, "bistatic", "extended", 1.0, runs)
    cubature, _ = means(Motion.SINGER, "bistatic", "cubature", 1.0, runs)
    assert high < extended < 1.25 * 9
    assert low < cubature < high


@pytest.mark.slow
@pytest.mark.parametrize("believed", [1 / 3, 3.0])
@pytest.mark.parametrize(
    ("motion", "filter_"),
    [
        (Motion.CONSTANT_VELOCITY, "position"),
        (Motion.CONSTANT_VELOCITY, "extended"),
        (Motion.CONSTANT_ACCELERATION, "extended"),
        (Motion.SINGER, "position"),
        (Motion.COORDINATED_TURN, "cubature"),
        (Motion.BALLISTIC, "cubature"),
    ],
)
def test_wrong_noise_shows(motion: Motion, filter_: str, believed: float) -> None:
    """Process noise three times too small or too large leaves the same bounds."""
    nees, _ = means(motion, "polar", filter_, believed)
    low, high = bounds(LEVEL, DIMENSION[motion], RUNS)
    assert nees > high if believed < 1 else nees < low


def nees_of_bank(filter_: str, runs: int) -> float:
    """Truth that changes between quiet and violent flight; the bank knows how often."""
    kinds = np.zeros(2, np.int64)
    q = np.array([[0.5, 0.5, 0.0, 0.0], [200.0, 50.0, 0.0, 0.0]])
    stay = np.array([[0.9, 0.1], [0.2, 0.8]])
    sigma, spread = PLOTS["polar"][1], PRIOR
    rng, work = np.random.default_rng(8), np.empty((40, 9))
    nees = np.empty(runs)
    for run in range(runs):
        means, covariances = np.zeros((2, 9)), np.zeros((2, 9, 9))
        means[:, :6], covariances[:, :6, :6] = STARTS[Motion.CONSTANT_VELOCITY], np.diag(spread**2)
        truth = np.zeros(9)
        truth[:6] = means[0, :6] + spread * rng.normal(size=6)
        p, mode = np.array([2.0, 1.0]) / 3, int(rng.random() < 1 / 3)
        for _ in range(STEPS):
            mode = int(rng.random() < stay[mode, 1])
            Q = np.zeros((9, 9))
            predict(0, q[mode], truth, Q, STEP_S, work)
            truth[:6] += np.linalg.cholesky(Q[:6, :6]) @ rng.normal(size=6)
            z = twins.measured_of(Measured.POLAR, truth[:6], *SIGHT) + sigma * rng.normal(size=4)
            mix(kinds, p, stay, means, covariances, np.empty((3, 9)), np.empty((2, 9, 9)))
            fit = np.empty(2)
            for m in range(2):
                predict(0, q[m], means[m], covariances[m], STEP_S, work)
                state = means[m], covariances[m], 6
                if filter_ == "position":
                    position, noise = np.empty(3), np.empty(6)
                    to_position(0, z, sigma, *SIGHT[:2], position, noise)
                    fit[m] = position_update(*state, position, noise, work)
                else:
                    fit[m] = extended_update(0, *state, z, sigma, *SIGHT, work)
            reweigh(p, fit)
        x, P = np.empty(6), np.empty((6, 6))
        combine(p, means, covariances, x, P)
        error = truth[:6] - x
        nees[run] = error @ np.linalg.solve(P, error)
    return float(nees.mean())


@pytest.mark.slow
@pytest.mark.parametrize("filter_", ["extended", "position"])
def test_a_bank_of_models_believes_what_is_true(filter_: str) -> None:
    # Models merge at every step: the bank is a little too modest, never too sure.
    _, high = bounds(0.05, 6, 400)
    assert 0.85 * 6 < nees_of_bank(filter_, 400) < high


def print_means() -> None:
    """Print NEES and NIS of every combination."""
    for motion, plots, filter_ in [*COMBINATIONS, *NOT_LINEAR_ENOUGH]:
        nees, nis = means(motion, plots, filter_)
        of = f"{nees:5.2f} of {DIMENSION[motion]}   NIS {nis:4.2f} of {measured_components(plots)}"
        print(f"{motion.name.lower():22} {plots:22} {filter_:9} NEES {of}")
    for filter_ in ("extended", "position"):
        print(f"bank of two models, {filter_}: NEES {nees_of_bank(filter_, 400):.2f} of 6")


if __name__ == "__main__":
    print_means()
