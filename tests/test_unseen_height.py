"""Plots without elevation: what they tell of height, and what stays guessed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numba
import numpy as np
import pytest
import twins_filters as twins
from test_measurement import random_rotation

from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.measurement import polar_to_position
from sim.core.motion import predict
from sim.core.tables import Measured
from sim.core.unseen_height import guessed_height, update_without_height
from sim.core.update import cubature_update, extended_update

GUESS = (5000.0, 4000.0)
CLIMB = 20.0
POLAR, BISTATIC = Measured.POLAR, Measured.BISTATIC
RADAR = np.array([50.0, 0.003, np.nan, np.nan])
TRANSMITTER = np.array([30e3, 0.0, 100.0])
#: Single draws of chance lie below in 95 % of cases: two and four components.
ONE_DRAW = {2: 5.99, 4: 9.49}
#: Start (km, east and north) and velocity (m/s), five minutes each: 150 to 20 km, across, near by.
FLIGHTS = {
    "inbound": ((30.0, 146.0), (-80.0, -400.0)),
    "across": ((-40.0, 60.0), (250.0, 0.0)),
    "near": ((-25.0, 20.0), (160.0, 0.0)),
}
MANY = not numba.config.DISABLE_JIT


def scratch() -> np.ndarray:
    return np.zeros((40, 9))


@pytest.mark.parametrize("n", [6, 7, 9])
@pytest.mark.parametrize("cubature", [False, True])
@pytest.mark.parametrize(
    ("kind", "kept"), [(POLAR, (0, 1)), (POLAR, (0, 1, 3)), (POLAR, (1,)), (BISTATIC, (0, 1))]
)
def test_update_is_that_of_its_twin(
    kind: Measured, kept: tuple[int, ...], cubature: bool, n: int
) -> None:
    rng = np.random.default_rng([n, kind, len(kept)])
    spread = np.array([300, 300, 3000, 30, 30, 20, 3, 3, 3.0])[:n]
    sigma = np.array([30.0, 0.003, 0.004, 2.0])
    held = 0
    for _ in range(8):
        x = np.concatenate([rng.normal(size=3) * [2e4, 2e4, 3e3], rng.normal(size=6) * 50])[:n]
        P = twins.random_spread(rng, spread)
        sight = rng.normal(size=3) * 1e3, random_rotation(rng), rng.normal(size=3) * 1e4
        z = twins.measured_of(kind, rng.multivariate_normal(x, P), *sight)
        z[[a for a in range(4) if a not in kept]] = np.nan
        guess = (rng.normal(3e3, 500.0), rng.uniform(300.0, 3e3))
        held += sight[1][:, 2] @ P[:3, :3] @ sight[1][:, 2] > guess[1] ** 2
        big_x, big_P = twins.padded(x, P)
        found = update_without_height(
            cubature, int(kind), big_x, big_P, n, z, sigma, *sight, *guess, CLIMB, scratch()
        )
        update = twins.cubature if cubature else twins.extended
        new_x, new_P, expected = twins.without_height(
            update, kind, x, P, z, sigma, sight, guess, CLIMB
        )
        scale = np.sqrt(np.diag(P))
        assert np.max(np.abs(big_x[:n] - new_x) / scale) < 1e-6
        assert np.max(np.abs(big_P[:n, :n] - new_P) / np.outer(scale, scale)) < 1e-6
        assert found == pytest.approx(expected, abs=1e-5)
    assert 0 < held < 8


@pytest.mark.parametrize("cubature", [False, True])
def test_a_certain_height_makes_it_the_ordinary_update(cubature: bool) -> None:
    rng = np.random.default_rng(4)
    x = np.array([20e3, 30e3, 4e3, 100.0, -50.0, 0.0])
    P = twins.random_spread(rng, np.array([200, 200, 30, 20, 20, 5.0]))
    z = twins.measured_of(POLAR, x, np.zeros(3), np.eye(3), np.zeros(3))
    z[:2] += 60.0, 0.004
    z[2:] = np.nan
    one, other = twins.padded(x, P), twins.padded(x, P)
    sight = (np.zeros(3), np.eye(3), np.zeros(3))
    update = cubature_update if cubature else extended_update
    update(0, *one, 6, z, RADAR, *sight, scratch())
    update_without_height(cubature, 0, *other, 6, z, RADAR, *sight, *GUESS, CLIMB, scratch())
    scale = np.sqrt(np.diag(P))
    assert np.max(np.abs(one[0] - other[0])[:6] / scale) < 1e-3
    assert np.max(np.abs(one[1] - other[1])[:6, :6] / np.outer(scale, scale)) < 1e-3


def test_a_guess_is_not_steep() -> None:
    assert guessed_height(100e3, 50.0, *GUESS) == pytest.approx((5000 - 50 - 784.8, 4000.0), abs=1)
    near = 5e3
    assert guessed_height(near, 50.0, *GUESS) == pytest.approx((near * math.sin(0.25), near * 0.25))
    assert guessed_height(near, 9e3, *GUESS)[0] == pytest.approx(-near * math.sin(0.25))


def flown(
    heights_m: np.ndarray,
    flight: str,
    sites: Sequence[tuple[float, float]] = ((0.0, 0.0),),
    kind: Measured = POLAR,
    filter_: str = "extended",
    minutes: float = 5.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Follow one target per height; sites look in turn, every 4 s.

    Returns the horizontal normalised squared errors (steps, runs, 2) of position, and of position
    and velocity, and height's error and sigma (runs, 2) at the end.
    """
    rng = np.random.default_rng(7)
    (east, north), velocity = FLIGHTS[flight]
    work, noise = scratch(), np.array([50.0, 5.0, 0.0, 0.0])
    steps = int(minutes * 15)
    squared = np.empty((steps, heights_m.size, 2))
    end = np.empty((heights_m.size, 2))
    for i, height in enumerate(heights_m):
        truth = np.array([1e3 * east, 1e3 * north, 0.0, *velocity, 0.0])
        x, P = np.zeros(9), np.zeros((9, 9))
        for k in range(steps):
            if k:
                truth[:2] += 4.0 * truth[3:5]
                predict(0, noise, x, P, 4.0, work)
            truth[2] = height - truth[:2] @ truth[:2] / (2.0 * MEAN_EARTH_RADIUS_M)
            origin = np.array([*sites[k % len(sites)], 0.0]) * 1e3
            sight = origin, np.eye(3), TRANSMITTER
            z = twins.measured_of(kind, truth, *sight) + np.nan_to_num(RADAR) * rng.normal(size=4)
            z[2:] = np.nan
            if k == 0:
                _start(kind, z, sight, x, P)
                squared[k, i] = 0.0
                continue
            if filter_ == "naive":
                extended_update(int(kind), x, P, 6, z, RADAR, *sight, work)
            else:
                guess = guessed_height(float(np.linalg.norm(x[:3] - origin)), 0.0, *GUESS)
                update_without_height(
                    filter_ == "cubature", int(kind), x, P, 6, z, RADAR, *sight, *guess, CLIMB, work
                )  # fmt: skip
            error = x[:6] - truth
            for c, rows in enumerate(([0, 1], [0, 1, 3, 4])):
                squared[k, i, c] = error[rows] @ np.linalg.solve(P[np.ix_(rows, rows)], error[rows])
        end[i] = error[2], math.sqrt(P[2, 2])
    return squared[5:], end


def _start(kind: Measured, z: np.ndarray, sight: twins.Sight, x: np.ndarray, P: np.ndarray) -> None:
    """A one-point start at the guessed height."""
    origin, axes, other = sight
    r = z[0]
    if kind == BISTATIC:
        baseline = other - origin
        way = r + np.linalg.norm(baseline)
        along = baseline @ np.array([math.sin(z[1]), math.cos(z[1]), 0.0])
        r = 0.5 * (way**2 - baseline @ baseline) / (way - along)
    height, sigma = guessed_height(r, 0.0, *GUESS)
    noise = np.empty(6)
    sigmas = np.array([RADAR[0], RADAR[1], sigma / r])
    polar_to_position(r, z[1], math.asin(height / r), sigmas, origin, axes, x[:3], noise)
    P[:3, :3] = noise[[[0, 1, 2], [1, 3, 4], [2, 4, 5]]]
    P[3:6, 3:6] = np.diag([150.0, 150.0, CLIMB]) ** 2


def test_one_place_never_learns_the_height_and_stays_honest() -> None:
    runs = np.full(3, 9000.0)
    squared, end = flown(runs, "near")
    assert squared.mean(axis=1)[:, 1].max() < ONE_DRAW[4]
    assert (end[:, 1] > 3900.0).all()
    assert (np.abs(end[:, 0]) < 4500.0).all()
    naive, end = flown(runs, "near", filter_="naive")
    assert naive.mean(axis=1)[:, 1].max() > 5.0 * ONE_DRAW[4]
    assert (end[:, 1] < 3000.0).all()


def test_two_places_learn_the_height() -> None:
    squared, end = flown(np.full(3, 9000.0), "across", sites=((0.0, 0.0), (40.0, 10.0)))
    assert squared.mean(axis=1)[-20:, 1].max() < ONE_DRAW[4]
    assert (end[:, 1] < 1500.0).all()
    assert (np.abs(end[:, 0]) < 3.0 * end[:, 1]).all()


@pytest.mark.slow
@pytest.mark.skipif(not MANY, reason="many runs")
@pytest.mark.parametrize("filter_", ["extended", "cubature"])
@pytest.mark.parametrize(
    ("flight", "kind"), [*((flight, POLAR) for flight in FLIGHTS), ("across", BISTATIC)]
)
def test_ground_position_and_velocity_are_as_certain_as_told(
    flight: str, kind: Measured, filter_: str
) -> None:
    """100 runs a height. A height is one draw, the same in all of them; drawn anew for each run,
    the mean must not exceed that of the law (95 %), nor may it tell nothing."""
    for height_m in (2e3, 5e3, 8e3, 12e3):
        squared, _ = flown(np.full(100, height_m), flight, kind=kind, filter_=filter_)
        mean = squared.mean(axis=1)
        assert mean[:, 1].max() < ONE_DRAW[4], height_m
    drawn = np.random.default_rng(1).normal(*GUESS, 100)
    mean = flown(drawn, flight, kind=kind, filter_=filter_)[0].mean(axis=(0, 1))
    assert 0.5 < mean[0] < 2.41
    assert 0.5 < mean[1] < 4.57
