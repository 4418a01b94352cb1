"""Cells: selection, sorting and counting against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from sim.core.cells import cell_of, fill_cells, kth_smallest, sort_rows, spread


@pytest.mark.parametrize("n", [1, 2, 3, 24, 25, 400])
def test_kth_smallest(n: int) -> None:
    rng = np.random.default_rng(n)
    for values in (rng.normal(size=n), rng.integers(0, 4, n).astype(float), np.full(n, 7.0)):
        for k in {0, n // 3, n // 2, n - 1}:
            assert kth_smallest(values.copy(), k) == np.sort(values)[k]


@pytest.mark.parametrize("n", [0, 1, 2, 24, 25, 26, 300])
@pytest.mark.parametrize("choices", [2, 50])
def test_rows_are_sorted_by_their_keys_and_nothing_else(n: int, choices: int) -> None:
    """On both sides of the change from insertion to heapsort; many ties in the first keys."""
    rng = np.random.default_rng(n)
    keys = np.column_stack(
        [rng.integers(0, choices, (n, 3)).astype(float), np.full(n, np.nan), rng.random(n)]
    )
    expected = np.lexsort((keys[:, 4], keys[:, 2], keys[:, 1], keys[:, 0]))
    for _ in range(5):
        order = rng.permutation(n).astype(np.int32)
        sort_rows(order, 0, n, keys)
        np.testing.assert_array_equal(order, expected)


def test_only_the_given_part_is_sorted() -> None:
    keys = np.arange(60.0)[::-1, None].copy()
    order = np.arange(60, dtype=np.int32)
    sort_rows(order, 10, 50, keys)
    np.testing.assert_array_equal(order, [*range(10), *range(49, 9, -1), *range(50, 60)])


def test_spread_ignores_a_few_outliers_and_the_order() -> None:
    rng = np.random.default_rng(1)
    values = rng.uniform(0.0, 100.0, 2000)
    low, high = spread(values, np.empty(2000))
    inner, outer = np.quantile(values, [0.05, 0.95])
    margin = 0.125 * (outer - inner)
    assert low == pytest.approx(inner - margin, abs=0.2)
    assert high == pytest.approx(outer + margin, abs=0.2)
    assert spread(rng.permutation(values), np.empty(2000)) == (low, high)
    far = np.append(values[:-1], 1e9)
    assert spread(far, np.empty(2000)) == pytest.approx((low, high), abs=0.5)


def test_every_value_has_a_cell() -> None:
    for value, expected in [
        (-1e300, 0), (-np.inf, 0), (9.999, 0), (10.0, 0), (12.4, 0), (12.5, 1), (17.4, 2),
        (17.5, 3), (19.9, 3), (20.0, 3), (1e300, 3), (np.inf, 3),
    ]:  # fmt: skip
        assert cell_of(value, 10.0, 2.5, 4) == expected


@pytest.mark.parametrize(("n", "n_cells"), [(0, 1), (0, 5), (1, 1), (50, 7), (50, 200)])
def test_cells_hold_what_belongs_to_them(n: int, n_cells: int) -> None:
    rng = np.random.default_rng(n)
    cell = rng.integers(0, n_cells, n).astype(np.int32)
    start, order = np.full(n_cells + 1, 99, np.int32), np.full(n, -1, np.int32)
    fill_cells(cell, n_cells, start, order)
    np.testing.assert_array_equal(order, np.argsort(cell, kind="stable"))
    np.testing.assert_array_equal(np.diff(start), np.bincount(cell, minlength=n_cells))
    assert start[0] == 0
