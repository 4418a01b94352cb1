"""Measurement updates of one state: extended, cubature and by a position.

All work in place on a mean ``x (n or more,)`` and a covariance ``P (n or more, same)``,
and return the log-likelihood ln N(innovation; 0, S) of what was measured. Covariances
are kept positive semidefinite by Joseph's form: Bar-Shalom, Li, Kirubarajan, Estimation
with Applications to Tracking and Navigation, 5.2.3 and 7.3.
"""

from __future__ import annotations

import math

from sim.core.gaussian import cholesky, transform
from sim.core.jit import kernel
from sim.core.measurement import innovate, measure
from sim.core.tables import Floats

#: Where entry (i, j) of a 3 × 3 matrix lies in its upper triangle.
_UPPER = ((0, 1, 2), (1, 3, 4), (2, 4, 5))
_LOG_2_PI = math.log(2.0 * math.pi)


@kernel(leaf=True)
def extended_update(
    kind: int,
    x: Floats,
    P: Floats,
    n: int,
    measured: Floats,
    sigma: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    other: Floats,
    work: Floats,
) -> float:
    """Extended Kalman update, in place.

    Parameters
    ----------
    kind : a ``sim.core.measurement.Measured``
    x, P, n : mean, covariance and dimension of the state
    measured, sigma : (4,) components, NaN where not measured, and standard deviations
    origin, enu_R_sensor, other : the sensor, as in ``sim.core.measurement.measure``
    work : (40, 9) scratch

    Returns
    -------
    float
        ln N(innovation; 0, S) over the measured components; 0 without any.

    Notes
    -----
    As the components' errors are independent they are taken one by one, all linearised at
    the prior: the posterior and the likelihood of the joint update without an inverse.
    """
    H, predicted, innovation, prior = work[0:4], work[4], work[5], work[6]
    measure(kind, x, origin, enu_R_sensor, other, predicted, H)
    innovate(kind, measured, predicted, innovation)
    for i in range(6):
        prior[i] = x[i]
    log_likelihood = 0.0
    for a in range(4):
        if math.isnan(measured[a]):
            continue
        residual = innovation[a]
        for j in range(6):
            residual -= H[a, j] * (x[j] - prior[j])
        variance = update_by_scalar(
            x, P, n, H[a], residual, sigma[a] * sigma[a], work[7], work[8], work[9]
        )
        log_likelihood -= 0.5 * (residual * residual / variance + math.log(variance) + _LOG_2_PI)
    return log_likelihood


@kernel(leaf=True)
def update_by_scalar(
    x: Floats,
    P: Floats,
    n: int,
    h: Floats,
    innovation: float,
    noise: float,
    Ph: Floats,
    gain: Floats,
    row: Floats,
) -> float:
    """Update by one component of derivatives h (its first six); returns its variance.

    (I − k hᵀ) P (I − k hᵀ)ᵀ + k·noise·kᵀ row by row: what the gain's rounding left of
    the first product is taken off by the second.
    """
    # Most components depend on the place alone.
    m = 3 if h[3] == 0.0 and h[4] == 0.0 and h[5] == 0.0 else 6
    variance = noise
    for i in range(n):
        total = 0.0
        for j in range(m):
            total += P[i, j] * h[j]
        Ph[i] = total
        if i < m:
            variance += h[i] * total
    for i in range(n):
        gain[i] = Ph[i] / variance
        x[i] += gain[i] * innovation
    for i in range(n):
        left = noise * gain[i]
        for j in range(n):
            row[j] = P[i, j] - gain[i] * Ph[j]
        for j in range(m):
            left -= row[j] * h[j]
        for j in range(i, n):
            P[i, j] = row[j] + left * gain[j]
    for i in range(n):
        for j in range(i):
            P[i, j] = P[j, i]
    return variance


@kernel(leaf=True)
def cubature_update(
    kind: int,
    x: Floats,
    P: Floats,
    n: int,
    measured: Floats,
    sigma: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    other: Floats,
    work: Floats,
) -> float:
    """Cubature Kalman update, in place; arguments and result as ``extended_update``.

    A covariance that is not positive definite is updated by ``extended_update``.

    Notes
    -----
    Arasaratnam, Haykin, Cubature Kalman Filters, IEEE Trans. Automatic Control 54 (2009),
    section IV. With P = L Lᵀ the measurement at the points x ± √n·L's columns splits into
    an odd part, b = half the differences over √n, and an even part, whose spread is the
    curvature's noise W. Then S = bᵀb + W + R, the gain is L b S⁻¹, and the posterior
    covariance L ((I − κbᵀ)(I − κbᵀ)ᵀ + κ(W + R)κᵀ) Lᵀ with κ = b S⁻¹ has no difference of
    large numbers.
    """
    L = work[0:9]
    if not cholesky(P, n, L):
        return extended_update(kind, x, P, n, measured, sigma, origin, enu_R_sensor, other, work)
    # Rows 9 + 2i hold b and behind it κ, rows 10 + 2i the even parts and later I − κbᵀ;
    # rows 28 to 31 S and behind it W + R. Only what was measured takes part, without gaps.
    predicted, S, point, residual = work[27], work[28:32], work[32], work[33]
    measure(kind, x, origin, enu_R_sensor, other, predicted, S)
    innovate(kind, measured, predicted, residual)
    reach = math.sqrt(n)
    for k in range(2 * n):
        for i in range(6):
            point[i] = x[i] + (reach if k % 2 == 0 else -reach) * L[i, k // 2]
        offset = work[9 + k]
        measure(kind, point, origin, enu_R_sensor, other, offset, S)
        innovate(kind, offset, predicted, offset)
    m = 0
    for a in range(4):
        if math.isnan(measured[a]):
            continue
        mean = 0.0
        for k in range(2 * n):
            mean += work[9 + k, a] / (2 * n)
        residual[m] = residual[a] - mean
        point[m] = sigma[a] * sigma[a]
        for i in range(n):
            up, down = work[9 + 2 * i, a], work[10 + 2 * i, a]
            work[9 + 2 * i, m] = 0.5 * (up - down) / reach
            work[10 + 2 * i, m] = (0.5 * (up + down) - mean) / reach
        m += 1
    for a in range(m):
        for c in range(m):
            noise = point[a] if a == c else 0.0
            spread = 0.0
            for i in range(n):
                spread += work[9 + 2 * i, a] * work[9 + 2 * i, c]
                noise += work[10 + 2 * i, a] * work[10 + 2 * i, c]
            S[a, c] = spread + noise
            S[a, 4 + c] = noise
    if not cholesky(S, m, S):
        return -math.inf
    for i in range(n):
        _solve(S, m, work[9 + 2 * i])
    for i in range(n):
        shift = 0.0
        for a in range(m):
            shift += work[9 + 2 * i, 4 + a] * residual[a]
        for j in range(n):
            total = 1.0 if i == j else 0.0
            for a in range(m):
                total -= work[9 + 2 * i, 4 + a] * work[9 + 2 * j, a]
            work[10 + 2 * i, j] = total
            x[j] += L[j, i] * shift
    for i in range(n):
        for j in range(i, n):
            total = 0.0
            for k in range(n):
                total += work[10 + 2 * i, k] * work[10 + 2 * j, k]
            for a in range(m):
                for c in range(m):
                    total += work[9 + 2 * i, 4 + a] * S[a, 4 + c] * work[9 + 2 * j, 4 + c]
            P[i, j] = total
            P[j, i] = total
    transform(P, L, n, work[9:18])
    distance, log_determinant = 0.0, 0.0
    for a in range(m):
        for c in range(a):
            residual[a] -= S[a, c] * residual[c]
        residual[a] /= S[a, a]
        distance += residual[a] * residual[a]
        log_determinant += 2.0 * math.log(S[a, a])
    return -0.5 * (distance + log_determinant + m * _LOG_2_PI)


@kernel(leaf=True)
def _solve(factor: Floats, m: int, row: Floats) -> None:
    """Solve S y = b for a row that holds b; y is written four entries behind it."""
    for a in range(m):
        total = row[a]
        for c in range(a):
            total -= factor[a, c] * row[4 + c]
        row[4 + a] = total / factor[a, a]
    for a in range(m - 1, -1, -1):
        total = row[4 + a]
        for c in range(a + 1, m):
            total -= factor[c, a] * row[4 + c]
        row[4 + a] = total / factor[a, a]


@kernel(leaf=True)
def position_update(
    x: Floats, P: Floats, n: int, position: Floats, noise: Floats, work: Floats
) -> float:
    """Linear Kalman update by a measured position, in place.

    Parameters
    ----------
    x, P, n : mean, covariance and dimension of the state
    position : (3,) scenario ENU, m
    noise : (6,) its covariance, upper triangle, m²; positive definite with P's
    work : (40, 9) scratch

    Returns
    -------
    float
        ln N(position − predicted; 0, S).
    """
    s00, s01, s02 = P[0, 0] + noise[0], P[0, 1] + noise[1], P[0, 2] + noise[2]
    s11, s12, s22 = P[1, 1] + noise[3], P[1, 2] + noise[4], P[2, 2] + noise[5]
    i00 = s11 * s22 - s12 * s12
    i01 = s02 * s12 - s01 * s22
    i02 = s01 * s12 - s02 * s11
    i22 = s00 * s11 - s01 * s01
    determinant = s00 * i00 + s01 * i01 + s02 * i02
    if not (s00 > 0.0 and i22 > 0.0 and determinant > 0.0):
        return -math.inf
    scale = 1.0 / determinant
    i00, i01, i02, i22 = i00 * scale, i01 * scale, i02 * scale, i22 * scale
    i11 = (s00 * s22 - s02 * s02) * scale
    i12 = (s01 * s02 - s00 * s12) * scale
    y0, y1, y2 = position[0] - x[0], position[1] - x[1], position[2] - x[2]
    d2 = (
        y0 * (i00 * y0 + 2.0 * (i01 * y1 + i02 * y2)) + y1 * (i11 * y1 + 2.0 * i12 * y2)
    ) + i22 * y2 * y2
    log_likelihood: float = -0.5 * (d2 + math.log(determinant) + 3.0 * _LOG_2_PI)
    gain, prior = work[0:3], work[3:6]  # columns of the gain; the prior's first three
    for i in range(n):
        p0, p1, p2 = P[i, 0], P[i, 1], P[i, 2]
        g0 = p0 * i00 + p1 * i01 + p2 * i02
        g1 = p0 * i01 + p1 * i11 + p2 * i12
        g2 = p0 * i02 + p1 * i12 + p2 * i22
        x[i] += g0 * y0 + g1 * y1 + g2 * y2
        gain[0, i], gain[1, i], gain[2, i] = g0, g1, g2
        prior[0, i], prior[1, i], prior[2, i] = p0, p1, p2
    for i in range(n):
        g0, g1, g2 = gain[0, i], gain[1, i], gain[2, i]
        # A row of (I − K H) P, and what Joseph's form adds along the gain.
        a0 = prior[0, i] - (g0 * prior[0, 0] + g1 * prior[0, 1] + g2 * prior[0, 2])
        a1 = prior[1, i] - (g0 * prior[1, 0] + g1 * prior[1, 1] + g2 * prior[1, 2])
        a2 = prior[2, i] - (g0 * prior[2, 0] + g1 * prior[2, 1] + g2 * prior[2, 2])
        l0 = g0 * noise[0] + g1 * noise[1] + g2 * noise[2] - a0
        l1 = g0 * noise[1] + g1 * noise[3] + g2 * noise[4] - a1
        l2 = g0 * noise[2] + g1 * noise[4] + g2 * noise[5] - a2
        for j in range(i, n):
            value = P[i, j] - (g0 * prior[0, j] + g1 * prior[1, j] + g2 * prior[2, j])
            value += l0 * gain[0, j] + l1 * gain[1, j] + l2 * gain[2, j]
            P[i, j] = value
            P[j, i] = value
    return log_likelihood


@kernel(leaf=True)
def position_log_likelihood(
    x: Floats, P: Floats, position: Floats, noise: Floats
) -> tuple[float, float]:
    """Return the squared distance d² of a measured position and ln N(position − x; 0, S).

    Arguments as ``position_update``, which see; nothing is changed. −inf for the
    likelihood where S is not positive definite.
    """
    d2, determinant = position_distance(x, P, position, noise)
    if not determinant > 0.0:
        return math.inf, -math.inf
    return d2, -0.5 * (d2 + math.log(determinant) + 3.0 * _LOG_2_PI)


@kernel(leaf=True)
def position_distance(x: Floats, P: Floats, position: Floats, noise: Floats) -> tuple[float, float]:
    """Return the squared distance d² of a measured position, and the determinant of S.

    Arguments as ``position_update``, which see; nothing is changed. (inf, 0) where S is not
    positive definite.
    """
    s00 = P[0, 0] + noise[0]
    s10 = P[1, 0] + noise[1]
    s20 = P[2, 0] + noise[2]
    y0 = position[0] - x[0]
    inverse0 = 1.0 / s00
    l10, l20 = s10 * inverse0, s20 * inverse0
    s11 = P[1, 1] + noise[3] - l10 * s10
    y1 = position[1] - x[1] - l10 * y0
    inverse1 = 1.0 / s11
    l21 = (P[2, 1] + noise[4] - l20 * s10) * inverse1
    s22 = P[2, 2] + noise[5] - l20 * s20 - l21 * l21 * s11
    y2 = position[2] - x[2] - l20 * y0 - l21 * y1
    if not (s00 > 0.0 and s11 > 0.0 and s22 > 0.0):
        return math.inf, 0.0
    return y0 * y0 * inverse0 + y1 * y1 * inverse1 + y2 * y2 / s22, s00 * s11 * s22
