"""Track-to-track arithmetic: bring states to one time, compare them, fuse them."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from sim.core.intersection import intersect_into
from sim.core.jit import kernel
from sim.core.tables import Bools, Floats, Ints

#: System tracks handled by one thread at a time.
BLOCK = 64


@kernel()
def _moved(
    mean: Floats,
    covariance: Floats,
    i: int,
    s: int,
    dt: float,
    horizontal: float,
    vertical: float,
    x: Floats,
    P: Floats,
) -> None:
    """Write member (i, s) moved by dt, which may be negative, as ``Estimates.at``."""
    for a in range(3):
        x[a] = mean[i, s, a] + dt * mean[i, s, a + 3]
        x[a + 3] = mean[i, s, a + 3]
        for b in range(3):
            V = covariance[i, s, a + 3, b + 3]
            C = covariance[i, s, a, b + 3]
            P[a, b + 3] = C + dt * V
            P[b + 3, a] = P[a, b + 3]
            P[a + 3, b + 3] = V
            P[a, b] = covariance[i, s, a, b] + dt * (C + covariance[i, s, b, a + 3]) + dt * dt * V
    for a in range(3):
        q = (vertical if a == 2 else horizontal) * abs(dt)
        P[a, a] += q * dt * dt / 3.0
        P[a, a + 3] += q * dt / 2.0
        P[a + 3, a] += q * dt / 2.0
        P[a + 3, a + 3] += q


@kernel(parallel=True)
def fuse_members(
    used: Bools,
    best: NDArray[np.intp],
    time_s: Floats,
    member_mean: Floats,
    member_covariance: Floats,
    at_s: float,
    horizontal: float,
    vertical: float,
    mean: Floats,
    covariance: Floats,
) -> None:
    """Fuse each system track's members at one time by covariance intersection.

    Parameters
    ----------
    used : (T, S) which members count
    best : (T,) the member to begin with; the others follow in the sites' order
    time_s, member_mean, member_covariance : (T, S), (T, S, 6), (T, S, 6, 6) members
    at_s, horizontal, vertical : the time, and the densities of ``Estimates.at``
    mean, covariance : (T, 6), (T, 6, 6) written
    """
    n_tracks, n_sites = used.shape
    for block in numba.prange((n_tracks + BLOCK - 1) // BLOCK):
        x = np.empty(6)
        P = np.empty((6, 6))
        other_x = np.empty(6)
        other_P = np.empty((6, 6))
        work = np.empty((5, 6, 6))
        for i in range(block * BLOCK, min(n_tracks, (block + 1) * BLOCK)):
            first = best[i]
            _moved(member_mean, member_covariance, i, first, at_s - time_s[i, first],
                   horizontal, vertical, x, P)  # fmt: skip
            for s in range(n_sites):
                if used[i, s] and s != first:
                    _moved(member_mean, member_covariance, i, s, at_s - time_s[i, s],
                           horizontal, vertical, other_x, other_P)  # fmt: skip
                    intersect_into(x, P, other_x, other_P, 6, work)
            for a in range(6):
                mean[i, a] = x[a]
                for b in range(6):
                    covariance[i, a, b] = P[a, b]


@kernel()
def _squared_distance(x1: Floats, P1: Floats, x2: Floats, P2: Floats, work: Floats) -> float:
    """Return dᵀ(P₁ + P₂)⁻¹d; NaN if the sum is not positive definite; work (6, 7)."""
    total = 0.0
    for i in range(6):
        white = x1[i] - x2[i]
        for j in range(i + 1):
            value = P1[i, j] + P2[i, j]
            for k in range(j):
                value -= work[i, k] * work[j, k]
            if j < i:
                work[i, j] = value / work[j, j]
                white -= work[i, j] * work[j, 6]
            elif value > 0.0:
                work[i, i] = math.sqrt(value)
            else:
                return math.nan
        work[i, 6] = white / work[i, i]
        total += work[i, 6] * work[i, 6]
    return total


@kernel()
def squared_distances(x1: Floats, P1: Floats, x2: Floats, P2: Floats) -> Floats:
    """Return the squared distance of every state to its counterpart."""
    n = x1.shape[0]
    squared = np.empty(n)
    work = np.empty((6, 7))
    for i in range(n):
        squared[i] = _squared_distance(x1[i], P1[i], x2[i], P2[i], work)
    return squared


@kernel()
def near_pairs(
    x1: Floats, P1: Floats, x2: Floats, P2: Floats, order: NDArray[np.intp], gate: float
) -> tuple[Ints, Ints, Floats]:
    """Find all pairs of two sets of states within a gate.

    Parameters
    ----------
    x1, P1 : (N, 6), (N, 6, 6) states
    x2, P2 : (M, 6), (M, 6, 6) others
    order : (M,) the others from west to east: a window moves over them
    gate : on the squared distance

    Returns
    -------
    start : (N + 1,) where the pairs of each state begin
    other : (K,) row of its counterpart
    squared : (K,) squared distance
    """
    n, m = x1.shape[0], x2.shape[0]
    start = np.zeros(n + 1, np.int32)
    other = np.empty(max(4 * n, 16), np.int32)
    squared = np.empty(other.size)
    work = np.empty((6, 7))
    widest = 0.0
    east = np.empty(m)
    for k in range(m):
        east[k] = x2[order[k], 0]
        widest = max(widest, P2[order[k], 0, 0])
    count = 0
    for i in range(n):
        reach = math.sqrt(gate * (P1[i, 0, 0] + widest))
        for k in range(np.searchsorted(east, x1[i, 0] - reach), m):
            if east[k] > x1[i, 0] + reach:
                break
            j = order[k]
            inside = True
            for a in range(3):
                away = x1[i, a] - x2[j, a]
                if away * away > gate * (P1[i, a, a] + P2[j, a, a]):
                    inside = False
                    break
            if not inside:
                continue
            d2 = _squared_distance(x1[i], P1[i], x2[j], P2[j], work)
            if d2 <= gate:
                if count == other.size:
                    grown = np.empty(2 * count, np.int32)
                    grown_squared = np.empty(2 * count)
                    for e in range(count):
                        grown[e] = other[e]
                        grown_squared[e] = squared[e]
                    other = grown
                    squared = grown_squared
                other[count] = j
                squared[count] = d2
                count += 1
        start[i + 1] = count
    return start, other[:count], squared[:count]
