"""Worst losses against all subsets of sensors, and gaps by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import coo_array, csr_array

from sim.coverage.losses import gaps_below, worst_losses


@settings(max_examples=60, deadline=None)
@given(arrays(np.float64, (3, 5), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0])))
def test_as_by_losing_all_subsets(exposure: np.ndarray) -> None:
    found = worst_losses(csr_array(exposure))
    for n in range(4):
        subsets = list(itertools.combinations(range(5), n))
        left = [np.delete(exposure, lost, axis=1).sum(axis=1) for lost in subsets]
        np.testing.assert_allclose(found.exposure[n], np.min(left, axis=0))
        for x in range(3):
            lost = found.sensors[x, :n]
            assert np.delete(exposure[x], lost[lost >= 0]).sum() == found.exposure[n, x]
    assert (np.diff(found.exposure, axis=0) <= 0).all()
    assert found.exposure[2, found.worst_crossing(2)] == found.exposure[2].min()


def test_by_hand() -> None:
    found = worst_losses(csr_array([[0.5, 2.0, 0.0, 1.0], [0.0, 0.0, 0.0, 0.1]]), 3)
    np.testing.assert_allclose(found.exposure, [[3.5, 0.1], [1.5, 0], [0.5, 0], [0, 0]])
    assert found.sensors.tolist() == [[1, 3, 0], [3, -1, -1]]
    assert [found.worst_crossing(n) for n in range(3)] == [1, 1, 1]
    # What is there twice counts once, as the sum.
    twice = worst_losses(coo_array(([1.0, 1.0, 1.5], ([0, 0, 0], [0, 0, 1])), shape=(1, 2)), 1)
    assert twice.exposure.ravel().tolist() == [3.5, 1.5]
    assert twice.sensors.tolist() == [[0]]
    nobody = worst_losses(csr_array((2, 0)), 1)
    assert nobody.exposure.tolist() == [[0, 0], [0, 0]]


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(ValueError, match=r"not negative, found -1\.0"):
        worst_losses(csr_array([[-1.0]]))
    with pytest.raises(ValueError, match="finite and not negative, found nan"):
        worst_losses(csr_array([[np.nan]]))
    with pytest.raises(ValueError, match="there are no crossings"):
        worst_losses(csr_array((0, 3)))
    with pytest.raises(ValueError, match="losses must not be negative, found -1"):
        worst_losses(csr_array([[1.0]]), -1)


def test_gaps() -> None:
    edges = np.array([0.0, 1, 2, 4, 5, 8])
    found = gaps_below([0.1, 0.9, 0.2, 0.3, 0.9], edges, 0.5)
    assert found.start_km.tolist() == [0, 2]
    assert found.end_km.tolist() == [1, 5]
    assert found.longest == 1
    assert found.longest_km == 3
    whole = gaps_below(np.zeros(5), edges, 0.5)
    assert (whole.start_km.tolist(), whole.end_km.tolist()) == ([0], [8])
    none = gaps_below(np.full(5, 0.5), edges, 0.5)
    assert none.start_km.size == 0
    assert none.longest is None
    assert none.longest_km == 0


@pytest.mark.parametrize(
    ("value", "edges", "message"),
    [
        ([], [0.0], "C . 1 edges"),
        ([1.0, 2.0], [0.0, 1.0], r"found \(2,\) cells, \(2,\) edges"),
        ([1.0, np.nan], [0.0, 1.0, 2.0], "cell 1 is not a number"),
        ([1.0, 2.0], [0.0, 1.0, 1.0], "must rise"),
    ],
)
def test_lines_without_sense_are_said(value: list[float], edges: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gaps_below(np.array(value), np.array(edges), 0.5)
