"""Sets of trajectories for the tests of OSPA(2) and T-GOSPA."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import ArrayLike

from sim.metrics.trajectories import Trajectories


def lines(places: ArrayLike) -> Trajectories:
    """Build from (N, K) places on a line, NaN where a thing is absent."""
    table = np.asarray(places, float)
    thing, step = np.nonzero(~np.isnan(table))
    return Trajectories.of(step, thing, table[thing, step][:, None], table.shape[1])


def crowd(
    things: int, steps: int, side_m: float, seed: int, untracked: float = 0.05
) -> tuple[Trajectories, Trajectories]:
    """Return straight flights over a square, and tracks with gaps and new numbers."""
    rng = np.random.default_rng(seed)
    times = np.arange(steps)
    begin = rng.uniform(0, side_m, (things, 1, 3)) * [1, 1, 0.03]
    velocity = rng.normal(0, 150, (things, 1, 3)) * [1, 1, 0.01]
    truth = begin + velocity * times[:, None]
    number = np.full((things, steps), -1)
    following = 0
    for thing in np.flatnonzero(rng.random(things) >= untracked):
        at = int(rng.integers(3, 20))
        while at < steps:
            lasts = 20 + int(rng.exponential(600))
            number[thing, at : at + lasts] = following
            following += 1
            at += lasts + int(rng.exponential(10))
    thing, step = np.nonzero(number >= 0)
    reported = truth[thing, step] + rng.normal(0, 30, (thing.size, 3))
    return (
        Trajectories.of(
            np.tile(times, things), np.repeat(np.arange(things), steps), truth.reshape(-1, 3), steps
        ),
        Trajectories.of(step, number[thing, step], reported, steps),
    )


def formation(things: int, steps: int, seed: int) -> tuple[Trajectories, Trajectories]:
    """Return things that stay within 1.5 km; some untracked, others often under a new number."""
    rng = np.random.default_rng(seed)
    home = rng.uniform(0, 1500, (things, 1, 2))
    truth = home + np.cumsum(rng.normal(0, 2, (things, steps, 2)), axis=1)
    number = np.tile(np.arange(things)[:, None], steps)
    following = things
    number[:: things // 3] = -1
    for thing in np.flatnonzero(number[:, 0] >= 0):
        for at in np.flatnonzero(rng.random(steps) < 0.01):
            number[thing, at : at + 5] = -1
            number[thing, at + 5 :] = following
            following += 1
    thing, step = np.nonzero(number >= 0)
    reported = truth[thing, step] + rng.normal(0, 50, (thing.size, 2))
    owner = np.repeat(np.arange(things), steps)
    return (
        Trajectories.of(np.tile(np.arange(steps), things), owner, truth.reshape(-1, 2), steps),
        Trajectories.of(step, number[thing, step], reported, steps),
    )


STEPS = 4


def _small(table: list[list[float | None]]) -> Trajectories:
    rows = [[np.nan if place is None else place for place in row] for row in table]
    return lines(np.array(rows, float).reshape(-1, STEPS))


places = st.one_of(st.none(), st.floats(-100, 100, allow_subnormal=False))
small_sets = st.lists(st.lists(places, min_size=STEPS, max_size=STEPS), max_size=3).map(_small)
