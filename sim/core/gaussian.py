"""Gaussian states of position and velocity: packed covariances, Kalman update.

A state is (east, north, up, and their rates). Many states lie in two arrays with one
column per state, ``mean (6, N)`` and ``covariance (21, N)``, so that inner loops run
over contiguous memory. The 21 rows hold the symmetric 6 × 6 matrix in blocks:

- rows 0–5: position, upper triangle (ee, en, eu, nn, nu, uu);
- rows 6–14: position × velocity, row by row;
- rows 15–20: velocity, upper triangle.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats

#: States handled by one thread at a time; fixed, so results do not depend on threads.
BLOCK = 1024

#: Row of the packed covariance for entry (i, j) of the full matrix.
PACKED_ROW = np.array(
    [
        [0, 1, 2, 6, 7, 8],
        [1, 3, 4, 9, 10, 11],
        [2, 4, 5, 12, 13, 14],
        [6, 9, 12, 15, 16, 17],
        [7, 10, 13, 16, 18, 19],
        [8, 11, 14, 17, 19, 20],
    ]
)


@kernel()
def unpack(covariance: Floats, column: int, full: Floats) -> None:
    """Write one packed covariance into a full (6, 6) matrix."""
    for i in range(6):
        for j in range(6):
            full[i, j] = covariance[PACKED_ROW[i, j], column]


@kernel()
def pack(full: Floats, covariance: Floats, column: int) -> None:
    """Write the upper triangle of a full (6, 6) matrix into one packed covariance."""
    for i in range(6):
        for j in range(i, 6):
            covariance[PACKED_ROW[i, j], column] = full[i, j]


@kernel()
def scalar_update(x: Floats, P: Floats, h: Floats, innovation: float, variance: float) -> float:
    """Kalman update of a full state by one scalar measurement, in place.

    Parameters
    ----------
    x, P : (6,) mean and (6, 6) covariance, changed in place
    h : (6,) row of the measurement matrix
    innovation : measured minus predicted
    variance : of the measurement

    Returns
    -------
    float
        The innovation's variance h P hᵀ + variance.
    """
    Ph = np.empty(6)
    s = variance
    for i in range(6):
        total = 0.0
        for j in range(6):
            total += P[i, j] * h[j]
        Ph[i] = total
        s += h[i] * total
    for i in range(6):
        gain = Ph[i] / s
        x[i] += gain * innovation
        for j in range(i, 6):
            P[i, j] -= gain * Ph[j]
            P[j, i] = P[i, j]
    return s


@kernel(parallel=True, fastmath=True)
def kalman_cycle(
    mean: Floats, covariance: Floats, measured: Floats, noise: Floats, dt: float, q: float
) -> None:
    """Predict by nearly constant velocity and update by a measured position, N states.

    Parameters
    ----------
    mean : (6, N) m and m/s, changed in place
    covariance : (21, N) packed as in this module, changed in place
    measured : (3, N) position, m
    noise : (6, N) its covariance, upper triangle, m²
    dt : time step, s
    q : spectral density of the white-noise acceleration, m²/s³ (all axes)

    Notes
    -----
    Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and
    Navigation, 6.2.2 (continuous white-noise acceleration). The gain is formed from the
    innovation covariance's inverse by cofactors. Inputs must be finite.
    """
    n = mean.shape[1]
    q_pp = q * dt * dt * dt / 3.0
    q_pv = q * dt * dt / 2.0
    q_vv = q * dt
    for block in numba.prange((n + BLOCK - 1) // BLOCK):
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            v00 = covariance[15, i]
            v01 = covariance[16, i]
            v02 = covariance[17, i]
            v11 = covariance[18, i]
            v12 = covariance[19, i]
            v22 = covariance[20, i]
            c00 = covariance[6, i] + dt * v00
            c01 = covariance[7, i] + dt * v01
            c02 = covariance[8, i] + dt * v02
            c10 = covariance[9, i] + dt * v01
            c11 = covariance[10, i] + dt * v11
            c12 = covariance[11, i] + dt * v12
            c20 = covariance[12, i] + dt * v02
            c21 = covariance[13, i] + dt * v12
            c22 = covariance[14, i] + dt * v22
            # Pp + dt (C + Cᵀ) + dt² V, with the stale C read once more.
            p00 = covariance[0, i] + dt * (covariance[6, i] + c00) + q_pp
            p01 = covariance[1, i] + dt * (covariance[9, i] + c01)
            p02 = covariance[2, i] + dt * (covariance[12, i] + c02)
            p11 = covariance[3, i] + dt * (covariance[10, i] + c11) + q_pp
            p12 = covariance[4, i] + dt * (covariance[13, i] + c12)
            p22 = covariance[5, i] + dt * (covariance[14, i] + c22) + q_pp
            c00 += q_pv
            c11 += q_pv
            c22 += q_pv
            v00 += q_vv
            v11 += q_vv
            v22 += q_vv
            x0 = mean[0, i] + dt * mean[3, i]
            x1 = mean[1, i] + dt * mean[4, i]
            x2 = mean[2, i] + dt * mean[5, i]

            s00 = p00 + noise[0, i]
            s01 = p01 + noise[1, i]
            s02 = p02 + noise[2, i]
            s11 = p11 + noise[3, i]
            s12 = p12 + noise[4, i]
            s22 = p22 + noise[5, i]
            i00 = s11 * s22 - s12 * s12
            i01 = s02 * s12 - s01 * s22
            i02 = s01 * s12 - s02 * s11
            scale = 1.0 / (s00 * i00 + s01 * i01 + s02 * i02)
            i00 *= scale
            i01 *= scale
            i02 *= scale
            i11 = (s00 * s22 - s02 * s02) * scale
            i12 = (s01 * s02 - s00 * s12) * scale
            i22 = (s00 * s11 - s01 * s01) * scale

            y0 = measured[0, i] - x0
            y1 = measured[1, i] - x1
            y2 = measured[2, i] - x2
            w0 = i00 * y0 + i01 * y1 + i02 * y2
            w1 = i01 * y0 + i11 * y1 + i12 * y2
            w2 = i02 * y0 + i12 * y1 + i22 * y2
            mean[0, i] = x0 + p00 * w0 + p01 * w1 + p02 * w2
            mean[1, i] = x1 + p01 * w0 + p11 * w1 + p12 * w2
            mean[2, i] = x2 + p02 * w0 + p12 * w1 + p22 * w2
            mean[3, i] += c00 * w0 + c10 * w1 + c20 * w2
            mean[4, i] += c01 * w0 + c11 * w1 + c21 * w2
            mean[5, i] += c02 * w0 + c12 * w1 + c22 * w2

            k0 = p00 * i00 + p01 * i01 + p02 * i02
            k1 = p00 * i01 + p01 * i11 + p02 * i12
            k2 = p00 * i02 + p01 * i12 + p02 * i22
            covariance[0, i] = p00 - (k0 * p00 + k1 * p01 + k2 * p02)
            covariance[1, i] = p01 - (k0 * p01 + k1 * p11 + k2 * p12)
            covariance[2, i] = p02 - (k0 * p02 + k1 * p12 + k2 * p22)
            covariance[6, i] = c00 - (k0 * c00 + k1 * c10 + k2 * c20)
            covariance[7, i] = c01 - (k0 * c01 + k1 * c11 + k2 * c21)
            covariance[8, i] = c02 - (k0 * c02 + k1 * c12 + k2 * c22)
            k0 = p01 * i00 + p11 * i01 + p12 * i02
            k1 = p01 * i01 + p11 * i11 + p12 * i12
            k2 = p01 * i02 + p11 * i12 + p12 * i22
            covariance[3, i] = p11 - (k0 * p01 + k1 * p11 + k2 * p12)
            covariance[4, i] = p12 - (k0 * p02 + k1 * p12 + k2 * p22)
            covariance[9, i] = c10 - (k0 * c00 + k1 * c10 + k2 * c20)
            covariance[10, i] = c11 - (k0 * c01 + k1 * c11 + k2 * c21)
            covariance[11, i] = c12 - (k0 * c02 + k1 * c12 + k2 * c22)
            k0 = p02 * i00 + p12 * i01 + p22 * i02
            k1 = p02 * i01 + p12 * i11 + p22 * i12
            k2 = p02 * i02 + p12 * i12 + p22 * i22
            covariance[5, i] = p22 - (k0 * p02 + k1 * p12 + k2 * p22)
            covariance[12, i] = c20 - (k0 * c00 + k1 * c10 + k2 * c20)
            covariance[13, i] = c21 - (k0 * c01 + k1 * c11 + k2 * c21)
            covariance[14, i] = c22 - (k0 * c02 + k1 * c12 + k2 * c22)
            k0 = c00 * i00 + c10 * i01 + c20 * i02
            k1 = c00 * i01 + c10 * i11 + c20 * i12
            k2 = c00 * i02 + c10 * i12 + c20 * i22
            covariance[15, i] = v00 - (k0 * c00 + k1 * c10 + k2 * c20)
            covariance[16, i] = v01 - (k0 * c01 + k1 * c11 + k2 * c21)
            covariance[17, i] = v02 - (k0 * c02 + k1 * c12 + k2 * c22)
            k0 = c01 * i00 + c11 * i01 + c21 * i02
            k1 = c01 * i01 + c11 * i11 + c21 * i12
            k2 = c01 * i02 + c11 * i12 + c21 * i22
            covariance[18, i] = v11 - (k0 * c01 + k1 * c11 + k2 * c21)
            covariance[19, i] = v12 - (k0 * c02 + k1 * c12 + k2 * c22)
            k0 = c02 * i00 + c12 * i01 + c22 * i02
            k1 = c02 * i01 + c12 * i11 + c22 * i12
            k2 = c02 * i02 + c12 * i12 + c22 * i22
            covariance[20, i] = v22 - (k0 * c02 + k1 * c12 + k2 * c22)
