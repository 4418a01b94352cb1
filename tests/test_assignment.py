"""Sparse assignment against exhaustive search and a dense solver."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from reference import best_assignment
from scipy.optimize import linear_sum_assignment

from sim.core.assignment import assign, clusters


def sparse(gain: np.ndarray, allowed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    start = np.concatenate([[0], np.cumsum(allowed.sum(axis=1))]).astype(np.int32)
    rows, columns = np.nonzero(allowed)
    return start, columns.astype(np.int32), gain[rows, columns]


def value(gain: np.ndarray, allowed: np.ndarray, column_of: np.ndarray) -> float:
    rows = np.flatnonzero(column_of >= 0)
    assert np.unique(column_of[rows]).size == rows.size, "a column was given twice"
    assert allowed[rows, column_of[rows]].all(), "a pair is not among the candidates"
    return float(gain[rows, column_of[rows]].sum())


@pytest.mark.parametrize("seed", range(40))
def test_optimal_on_small_problems(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 5, 2)
    gain, allowed = rng.normal(1.0, 3.0, (n, m)), rng.random((n, m)) < 0.7
    found = assign(*sparse(gain, allowed), int(m))
    expected = best_assignment(np.where(allowed, gain, -np.inf))
    assert value(gain, allowed, found) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(10))
def test_optimal_on_large_sparse_problems(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, m = 120, 100
    gain, allowed = rng.normal(2.0, 4.0, (n, m)), rng.random((n, m)) < rng.uniform(0.005, 0.2)
    found = assign(*sparse(gain, allowed), m)
    dense = np.hstack([np.where(allowed, gain, -1e9), np.where(np.eye(n) > 0, 0.0, -1e9)])
    rows, columns = linear_sum_assignment(-dense)
    assert value(gain, allowed, found) == pytest.approx(dense[rows, columns].sum())


def test_nothing_to_assign() -> None:
    none = np.zeros(1, np.int32)
    assert assign(none, np.empty(0, np.int32), np.empty(0), 0).size == 0
    lonely = assign(np.zeros(4, np.int32), np.empty(0, np.int32), np.empty(0), 5)
    assert (lonely == -1).all()


def test_worthless_pairs_stay_apart() -> None:
    found = assign(np.array([0, 1], np.int32), np.array([0], np.int32), np.array([-0.1]), 1)
    assert found.tolist() == [-1]


def test_clusters_share_no_plot() -> None:
    # Rows 0 and 2 meet in column 1; row 1 is alone in column 0; row 3 has no candidate.
    start = np.array([0, 1, 2, 4, 4], np.int32)
    column = np.array([1, 0, 1, 2], np.int32)
    first, rows = clusters(start, column, 3)
    groups = {tuple(rows[a:b].tolist()) for a, b in pairwise(first)}
    assert groups == {(0, 2), (1,)}
