"""Maximal covering: which weight of demand a choice of options covers.

Church and ReVelle, *The maximal covering location problem*, Papers of the Regional Science
Association 32, 1974. A demand is a cell at a height for a class, or a crossing of a line. It
is covered, ``ADDITIVE``, when the exposures Σ −ln(1 − Pd) of all sensors together reach a
threshold, or, ``SINGLE``, when one of them reaches it alone.

Both become one form, Σ a_i y_i ≥ 1, with a_i the share of what existing sensors leave to be
done. Where every share is 0 or 1 the covered weight is submodular, whatever the sense.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Bools, Floats, Indices
from sim.coverage.placement import Limits, Options, checked

#: A threshold is reached from this share below it on, which is rounding.
_ROUNDING = 1e-9
#: Sums of shares are rounded by far less than this.
_EPS = 1e-12


class Cover(StrEnum):
    """When a demand is covered."""

    ADDITIVE = "additive"
    SINGLE = "single"


def threshold(p_required: float = 0.9) -> float:
    """Return the exposure −ln(1 − p) at which detection is as probable as p.

    Raises
    ------
    ValueError
        If p is not between 0 and 1.
    """
    if not 0.0 < p_required < 1.0:
        raise ValueError(f"required probability is {p_required}, expected between 0 and 1")
    return -math.log1p(-p_required)


@dataclass(frozen=True, slots=True)
class Covering:
    """Demands and what each option contributes to them.

    Attributes
    ----------
    weight : (J,) of each demand
    exposure : (J,) by existing sensors: their sum, or, for ``SINGLE``, the largest
    contribution : (N, J) scipy CSR array, exposure by each option
    threshold : exposure at which a demand is covered
    cover : the sense of covered
    """

    weight: Floats
    exposure: Floats
    contribution: Any
    threshold: float
    cover: Cover

    @classmethod
    def of(
        cls,
        weight: ArrayLike,
        exposure: ArrayLike,
        contribution: Any,
        *,
        p_required: float = 0.9,
        cover: Cover = Cover.ADDITIVE,
    ) -> Covering:
        """Return the checked problem; ``contribution`` is anything scipy makes a CSR array of.

        Raises
        ------
        ValueError
            If shapes differ, or a value is negative or NaN, or a weight is infinite.
        """
        from scipy.sparse import csr_array  # slow to import

        weight = np.asarray(weight, np.float64)
        weight = checked("weight", weight, (weight.size,))
        if np.isinf(weight).any():
            raise ValueError(f"weight[{np.argmax(np.isinf(weight))}] is inf, expected a number")
        sparse = csr_array(contribution, dtype=np.float64)
        if sparse.ndim != 2 or sparse.shape[1] != weight.size:
            raise ValueError(
                f"contribution has shape {sparse.shape}, expected one column for each of "
                f"{weight.size} demands"
            )
        sparse.sum_duplicates()
        bad = np.flatnonzero(~(sparse.data >= 0.0))
        if bad.size:
            row = int(np.searchsorted(sparse.indptr, bad[0], side="right")) - 1
            place = f"contribution[{row}, {sparse.indices[bad[0]]}]"
            raise ValueError(f"{place} is {sparse.data[bad[0]]}, expected 0 or more")
        return cls(
            weight,
            checked("exposure", exposure, weight.shape),
            sparse,
            threshold(p_required),
            Cover(cover),
        )

    @property
    def enough(self) -> float:
        """Exposure that counts as the threshold."""
        return self.threshold * (1.0 - _ROUNDING)

    def require(self, options: Options) -> None:
        """Raise ValueError unless there is one row for each option."""
        if self.contribution.shape[0] != len(options):
            raise ValueError(
                f"contribution has {self.contribution.shape[0]} rows, "
                f"expected one for each of {len(options)} options"
            )

    def covered(self, chosen: Iterable[int]) -> Bools:
        """Return which demands (J,) are covered with a choice of options added."""
        rows = self.contribution[np.array(list(chosen), np.int64)]
        if self.cover is Cover.ADDITIVE:
            mask: Bools = self.exposure + rows.sum(axis=0) >= self.enough
            return mask
        mask = self.exposure >= self.enough
        mask[rows.indices[rows.data >= self.enough]] = True
        return mask

    def value(self, chosen: Iterable[int]) -> float:
        """Return the covered weight."""
        return float(self.weight[self.covered(chosen)].sum())

    def trim(self, chosen: list[int]) -> list[int]:
        """Return the choice without options, the last first, that add nothing to it."""
        value = self.value(chosen)
        for option in reversed(chosen):
            rest = [other for other in chosen if other != option]
            if self.value(rest) >= value:
                chosen = rest
        return chosen


@dataclass(frozen=True, slots=True)
class Reduced:
    """What is left to decide: demands that options can cover, equal ones made one.

    Attributes
    ----------
    base_value : weight covered already
    weight : (M,) of the demands left
    share : (N, M) CSR array in (0, 1]; a demand is covered when the chosen shares reach 1
    needed : (M,) how many options it takes at least that do not suffice alone, 0 where all
        that contribute suffice alone
    """

    base_value: float
    weight: Floats
    share: Any
    needed: Indices

    @property
    def submodular(self) -> bool:
        """Whether every option that contributes to a demand suffices for it."""
        return not self.needed.any()


def reduce(problem: Covering, options: Options, limits: Limits) -> Reduced:
    """Return what is left to decide of a problem.

    Left out are demands covered already and those that no allowed number of options can
    cover; contributions that are of use only beside more options than allowed count 0.

    Raises
    ------
    ValueError
        If there is not one row for each option, or the budget pays for none.
    """
    from scipy.sparse import csc_array, diags_array

    problem.require(options)
    usable = limits.usable(options)
    missing = problem.enough - problem.exposure
    open_ = np.flatnonzero((missing > 0.0) & (problem.weight > 0.0))
    columns = csc_array(diags_array(usable.astype(float)) @ problem.contribution)[:, open_]
    column = np.repeat(np.arange(open_.size), np.diff(columns.indptr))
    if problem.cover is Cover.SINGLE:
        columns.data = (columns.data >= problem.enough).astype(float)
    else:
        columns.data = np.minimum(columns.data / missing[open_][column], 1.0)
    needed = _needed(columns, column, limits.count(options))
    full = columns.data >= 1.0 - _EPS
    columns.data[full] = 1.0
    columns.data[~full & (needed[column] == 0)] = 0.0
    columns.eliminate_zeros()
    columns.sort_indices()
    kept = np.flatnonzero(np.diff(columns.indptr) > 0)
    columns, needed = columns[:, kept], needed[kept]
    first, member = _equal_columns(columns)
    weight = np.zeros(first.size)
    np.add.at(weight, member, problem.weight[open_[kept]])
    return Reduced(
        problem.value([]),
        weight,
        columns[:, first].tocsr(),
        needed[first],
    )


def _needed(columns: Any, column: Indices, most: int) -> Indices:
    """Return how many options (J,) short of 1 reach it together, 0 where ``most`` do not."""
    count = columns.shape[1]
    part = columns.data < 1.0 - _EPS
    share, column = columns.data[part], column[part]
    order = np.lexsort((-share, column))
    share, column = share[order], column[order]
    start = np.searchsorted(column, np.arange(count))
    rank = np.arange(column.size) - start[column] + 1
    total = np.cumsum(share)
    before = np.concatenate([[0.0], total])[start]
    # A running sum over all columns rounds in proportion to itself.
    slack = _EPS * (1.0 + float(total[-1] if total.size else 0.0))
    reached = (total - before[column] >= 1.0 - slack) & (rank <= most)
    needed = np.full(count, most + 1, np.int64)
    np.minimum.at(needed, column[reached], rank[reached])
    needed[needed > most] = 0
    return needed


def _equal_columns(columns: Any) -> tuple[Indices, Indices]:
    """Return one column (M,) of each kind, and the kind (J,) of each column.

    Columns are told apart by a hash and then compared: a collision keeps all columns.
    """
    count = columns.shape[1]
    if not count:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    with np.errstate(over="ignore"):
        key = columns.data.view(np.uint64) ^ (
            (columns.indices.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        )
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # splitmix64
            key = (key ^ (key >> np.uint64(shift))) * np.uint64(factor)
        hashed = np.add.reduceat(key ^ (key >> np.uint64(31)), columns.indptr[:-1])
    _, first, member = np.unique(hashed, return_index=True, return_inverse=True)
    alike = columns[:, first[member]]
    if (
        np.array_equal(alike.indptr, columns.indptr)
        and np.array_equal(alike.indices, columns.indices)
        and np.array_equal(alike.data, columns.data)
    ):
        return first, member
    return np.arange(count), np.arange(count)
