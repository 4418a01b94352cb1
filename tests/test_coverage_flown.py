"""Crossings flown with the full simulator and tracker, against their computed probability."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.crossings import MIXES, Crossings, compare


@pytest.mark.slow
def test_past_radars_as_many_are_tracked_as_computed() -> None:
    got = compare(MIXES["radars"], runs=6)
    assert 0.1 < got.computed.mean() < 0.95
    assert ((got.computed > 0.05) & (got.computed < 0.95)).any()
    assert abs(got.off) < 3.0
    assert np.abs(got.flown - got.computed).mean() < 0.2


def test_sigma_is_that_of_flights_with_these_probabilities() -> None:
    rng = np.random.default_rng(5)
    chance = rng.uniform(0.0, 1.0, 30)
    drawn = rng.uniform(size=(20_000, 4, 30)) < chance
    means = drawn.mean(axis=(1, 2))
    got = Crossings(chance, drawn[0].mean(axis=0), 4, 0.0)
    assert got.sigma == pytest.approx(means.std(), rel=0.03)
    assert got.off == pytest.approx((means[0] - chance.mean()) / means.std(), rel=0.03)
