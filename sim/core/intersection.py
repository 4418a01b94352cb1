"""Covariance intersection: fusing estimates whose common errors nobody knows."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats

_STEPS = 60
_WEIGHT_TOLERANCE = 1e-9


@kernel()
def invert(matrix: Floats, n: int, factor: Floats, inverse: Floats) -> bool:
    """Invert a symmetric matrix; False if it is not positive definite.

    Parameters
    ----------
    matrix : (≥ n, ≥ n), of which the first n rows and columns count
    factor, inverse : the same size, written: Cholesky factor (lower), inverse
    """
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            if i == j:
                if not total > 0.0:
                    return False
                factor[i, i] = math.sqrt(total)
            else:
                factor[i, j] = total / factor[j, j]
    for column in range(n):
        for i in range(column, n):
            total = 1.0 if i == column else 0.0
            for k in range(column, i):
                total -= factor[i, k] * inverse[k, column]
            inverse[i, column] = total / factor[i, i]
        for i in range(n - 1, column - 1, -1):
            total = inverse[i, column]
            for k in range(i + 1, n):
                total -= factor[k, i] * inverse[k, column]
            inverse[i, column] = total / factor[i, i]
            inverse[column, i] = inverse[i, column]
    return True


@kernel()
def _slope(C: Floats, D: Floats, n: int) -> tuple[float, float]:
    """Return tr(C D) and −tr(C D C D) for symmetric matrices."""
    slope = 0.0
    bend = 0.0
    for i in range(n):
        for j in range(n):
            forth = 0.0
            back = 0.0
            for k in range(n):
                forth += C[i, k] * D[k, j]
                back += C[j, k] * D[k, i]
            bend -= forth * back
            if i == j:
                slope += forth
    return slope, bend


@kernel()
def intersect_into(
    x: Floats, P: Floats, other_x: Floats, other_P: Floats, n: int, work: Floats
) -> float:
    """Fuse a second estimate into the first, in place; as ``intersect``.

    Parameters
    ----------
    x, P : (≥ n,) and (≥ n, ≥ n), changed in place
    other_x, other_P : the second estimate
    n : dimension
    work : (5, ≥ n, ≥ n) scratch

    Returns
    -------
    float
        Weight of the first estimate; NaN, and nothing changed, if a covariance is not
        positive definite.

    Notes
    -----
    The information ω P₁⁻¹ + (1 − ω) P₂⁻¹ has a log-determinant that is concave in ω: its
    slope tr(P (P₁⁻¹ − P₂⁻¹)) falls, and Newton's steps inside a shrinking bracket
    find its root, or an end of [0, 1] where it has none.
    """
    A, B, D, C, factor = work[0], work[1], work[2], work[3], work[4]
    if not (invert(P, n, factor, A) and invert(other_P, n, factor, B)):
        return math.nan
    for i in range(n):
        for j in range(n):
            D[i, j] = A[i, j] - B[i, j]
    if _slope(P, D, n)[0] >= 0.0:
        return 1.0
    if _slope(other_P, D, n)[0] <= 0.0:
        for i in range(n):
            x[i] = other_x[i]
            for j in range(n):
                P[i, j] = other_P[i, j]
        return 0.0
    low, high, weight = 0.0, 1.0, 0.5
    for _ in range(_STEPS):
        for i in range(n):
            for j in range(n):
                C[i, j] = B[i, j] + weight * D[i, j]
        invert(C, n, factor, C)
        slope, bend = _slope(C, D, n)
        if slope > 0.0:
            low = weight
        else:
            high = weight
        following = weight - slope / bend
        if not low < following < high:
            following = 0.5 * (low + high)
        step = abs(following - weight)
        if step < _WEIGHT_TOLERANCE:
            break
        weight = following
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += weight * A[i, j] * x[j] + (1.0 - weight) * B[i, j] * other_x[j]
        factor[i, 0] = total
    for i in range(n):
        total = 0.0
        for j in range(n):
            total += C[i, j] * factor[j, 0]
            P[i, j] = C[i, j]
        x[i] = total
    return weight


def intersect(x1: Floats, P1: Floats, x2: Floats, P2: Floats) -> tuple[Floats, Floats, float]:
    """Fuse two estimates of one state whose cross-correlation is unknown.

    Parameters
    ----------
    x1, P1 : (n,) mean and (n, n) covariance
    x2, P2 : the other estimate, of the same dimension

    Returns
    -------
    x, P, omega
        Fused estimate, and the weight of the first one in [0, 1].

    Raises
    ------
    ValueError
        If a covariance is not positive definite.

    Notes
    -----
    Julier and Uhlmann, A non-divergent estimation algorithm in the presence of unknown
    correlations, Proc. American Control Conference 1997: P⁻¹ = ω P₁⁻¹ + (1 − ω) P₂⁻¹,
    P⁻¹x = ω P₁⁻¹x₁ + (1 − ω) P₂⁻¹x₂, ω such that det P is least. The result is not
    optimistic, whatever the correlation, if neither estimate is.
    """
    n = x1.size
    x, P = np.array(x1, float), np.array(P1, float)
    other_x, other_P = np.array(x2, float), np.array(P2, float)
    if P.shape != (n, n) or other_x.shape != (n,) or other_P.shape != (n, n):
        raise ValueError(
            f"expected two estimates of dimension {n}, found covariances {P.shape} and "
            f"{other_P.shape}, means {x.shape} and {other_x.shape}"
        )
    omega = intersect_into(x, P, other_x, other_P, n, np.empty((5, n, n)))
    if math.isnan(omega):
        raise ValueError("both covariances must be positive definite")
    return x, P, omega
