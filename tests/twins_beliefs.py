"""Joint association by writing out every joint event: slow, and obviously right."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def joint_events(allowed: NDArray[np.bool_]) -> Iterator[tuple[int, ...]]:
    """Yield the column of every row, −1 for none, for all one-to-one pairings."""
    for event in product(*[[-1, *np.flatnonzero(row)] for row in allowed]):
        used = [j for j in event if j >= 0]
        if len(used) == len(set(used)):
            yield event


def marginals(weight: Floats) -> tuple[Floats, Floats]:
    """Marginal probability of pairs and of no column; zero weight forbids a pair."""
    belief, missed = np.zeros(weight.shape), np.zeros(len(weight))
    with np.errstate(divide="ignore"):
        log_weight = np.log(weight)
    events = list(joint_events(weight > 0.0))
    logs = np.array(
        [sum(log_weight[i, j] for i, j in enumerate(event) if j >= 0) for event in events]
    )
    for event, odds in zip(events, np.exp(logs - logs.max()), strict=True):
        for i, j in enumerate(event):
            if j >= 0:
                belief[i, j] += odds
            else:
                missed[i] += odds
    total = np.exp(logs - logs.max()).sum()
    return belief / total, missed / total


def propagated(weight: Floats, rounds: int) -> tuple[Floats, Floats]:
    """Marginals by messages of Williams and Lau 2014, for a fixed number of rounds."""
    n_rows, n_columns = weight.shape
    to_column, to_row = np.zeros(weight.shape), np.ones(weight.shape)
    for _ in range(rounds):
        for i, j in np.ndindex(n_rows, n_columns):
            others = np.arange(n_columns) != j
            to_column[i, j] = weight[i, j] / (1.0 + weight[i, others] @ to_row[i, others])
        for i, j in np.ndindex(n_rows, n_columns):
            others = np.arange(n_rows) != i
            to_row[i, j] = 1.0 / (1.0 + to_column[others, j].sum())
    total = 1.0 + (weight * to_row).sum(axis=1)
    return weight * to_row / total[:, None], 1.0 / total


def with_existence(
    ratio: Floats, existence: Floats, detection: Floats
) -> tuple[Floats, Floats, Floats]:
    """Posterior existence, and marginals given existence.

    Every row's target is either absent, or there and unseen, or there and paired; ``ratio``
    is Pd·Λ/β of each pair, ``detection`` is Pd·Pg.
    """
    n_rows, n_columns = ratio.shape
    absent, unseen = -2, -1
    exists, paired, missed = np.zeros(n_rows), np.zeros(ratio.shape), np.zeros(n_rows)
    total = 0.0
    for event in product([absent, unseen, *range(n_columns)], repeat=n_rows):
        used = [j for j in event if j >= 0]
        if len(used) != len(set(used)):
            continue
        odds = 1.0
        for i, j in enumerate(event):
            if j == absent:
                odds *= 1.0 - existence[i]
            elif j == unseen:
                odds *= existence[i] * (1.0 - detection[i])
            else:
                odds *= existence[i] * ratio[i, j]
        total += odds
        for i, j in enumerate(event):
            if j != absent:
                exists[i] += odds
            if j == unseen:
                missed[i] += odds
            elif j >= 0:
                paired[i, j] += odds
    return exists / total, paired / exists[:, None], missed / exists
