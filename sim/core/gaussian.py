"""Gaussian states: packed covariances, Kalman update.

A state is (east, north, up, and their rates), and what a motion model adds behind them
(see ``sim.core.motion``). Many states lie in two arrays with one column per state,
``mean (n, N)`` and ``covariance (n(n+1)/2, N)``, so that inner loops run over contiguous
memory. The first 21 rows hold the symmetric 6 × 6 matrix in blocks:

- rows 0–5: position, upper triangle (ee, en, eu, nn, nu, uu);
- rows 6–14: position × velocity, row by row;
- rows 15–20: velocity, upper triangle;
- behind them, for component k = 6, 7, 8, the matrix row (k, 0) … (k, k).
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats

#: States handled by one thread at a time; fixed, so results do not depend on threads.
BLOCK = 1024
#: States that a kernel over columns copies into a tile, to work on in the processor's cache.
STRIP = 128
#: Distance of a tile's rows: a power of two would put all rows into the same few cache lines.
WIDTH = STRIP + 8
TILE_ROWS = 38

#: Row of the packed covariance for entry (i, j) of the full matrix.
PACKED_ROW = np.array(
    [
        [0, 1, 2, 6, 7, 8, 21, 28, 36],
        [1, 3, 4, 9, 10, 11, 22, 29, 37],
        [2, 4, 5, 12, 13, 14, 23, 30, 38],
        [6, 9, 12, 15, 16, 17, 24, 31, 39],
        [7, 10, 13, 16, 18, 19, 25, 32, 40],
        [8, 11, 14, 17, 19, 20, 26, 33, 41],
        [21, 22, 23, 24, 25, 26, 27, 34, 42],
        [28, 29, 30, 31, 32, 33, 34, 35, 43],
        [36, 37, 38, 39, 40, 41, 42, 43, 44],
    ]
)


@kernel(leaf=True)
def unpack(covariance: Floats, column: int, full: Floats) -> None:
    """Write one packed covariance into a full (6, 6) matrix."""
    for i in range(6):
        for j in range(6):
            full[i, j] = covariance[PACKED_ROW[i, j], column]


@kernel(leaf=True)
def pack(full: Floats, covariance: Floats, column: int) -> None:
    """Write the upper triangle of a full (6, 6) matrix into one packed covariance."""
    for i in range(6):
        for j in range(i, 6):
            covariance[PACKED_ROW[i, j], column] = full[i, j]


@kernel(leaf=True)
def load_state(
    mean: Floats,
    mean_row: int,
    covariance: Floats,
    covariance_row: int,
    column: int,
    n: int,
    x: Floats,
    P: Floats,
) -> None:
    """Copy one state of n components out of packed columns.

    Parameters
    ----------
    mean, covariance : packed columns, perhaps of several models one above the other
    mean_row, covariance_row : where this model's rows begin
    column : of the state
    x, P : (n or more,), (n or more, n or more) written up to n
    """
    for i in range(n):
        x[i] = mean[mean_row + i, column]
        for j in range(n):
            P[i, j] = covariance[covariance_row + PACKED_ROW[i, j], column]


@kernel(leaf=True)
def store_state(
    mean: Floats,
    mean_row: int,
    covariance: Floats,
    covariance_row: int,
    column: int,
    n: int,
    x: Floats,
    P: Floats,
) -> None:
    """Copy one state of n components into packed columns: the inverse of ``load_state``."""
    for i in range(n):
        mean[mean_row + i, column] = x[i]
        for j in range(i, n):
            covariance[covariance_row + PACKED_ROW[i, j], column] = P[i, j]


@kernel(leaf=True)
def take_strip(table: Floats, first: int, count: int, strip: Floats) -> None:
    """Copy some columns of a table into the first ones of a strip (rows, ``STRIP`` or more).

    A state's rows lie far apart in memory; a few states at a time are worked on together.
    """
    for r in range(table.shape[0]):
        source, target = table[r, first : first + count], strip[r, :count]
        for k in range(count):
            target[k] = source[k]


@kernel(leaf=True)
def put_strip(table: Floats, first: int, count: int, strip: Floats) -> None:
    """Copy the first columns of a strip back into a table: the inverse of ``take_strip``."""
    for r in range(table.shape[0]):
        source, target = strip[r, :count], table[r, first : first + count]
        for k in range(count):
            target[k] = source[k]


@kernel(leaf=True)
def transform(P: Floats, F: Floats, n: int, product: Floats) -> None:
    """P = F P Fᵀ of n × n in place, exactly symmetric; product (n, n) is scratch."""
    for i in range(n):
        for j in range(n):
            total = 0.0
            for k in range(n):
                total += F[i, k] * P[k, j]
            product[i, j] = total
    for i in range(n):
        for j in range(i, n):
            total = 0.0
            for k in range(n):
                total += product[i, k] * F[j, k]
            P[i, j] = total
            P[j, i] = total


@kernel(leaf=True)
def cholesky(P: Floats, n: int, L: Floats) -> bool:
    """Write the lower triangular L (n, n) with L Lᵀ = P; False if P is not positive definite.

    Only the lower triangle of P is read, and L may be P itself.
    """
    for i in range(n):
        for j in range(i + 1):
            total = P[i, j]
            for k in range(j):
                total -= L[i, k] * L[j, k]
            if i > j:
                L[i, j] = total / L[j, j]
            elif total > 0.0:
                L[i, i] = math.sqrt(total)
            else:
                return False
        for j in range(i + 1, n):
            L[i, j] = 0.0
    return True


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
    mean : (6, N or more) m and m/s, changed in place
    covariance : (21, N or more) packed as in this module, changed in place
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
    n = measured.shape[1]
    for block in numba.prange((n + BLOCK - 1) // BLOCK):
        tile = np.empty(TILE_ROWS * WIDTH)
        for first in range(block * BLOCK, min(n, (block + 1) * BLOCK), STRIP):
            count = min(n - first, STRIP)
            copy_rows_in(mean, first, count, tile, 0)
            copy_rows_in(covariance, first, count, tile, 6)
            copy_rows_in(measured, first, count, tile, 27)
            copy_rows_in(noise, first, count, tile, 30)
            cycle_tile(tile, count, dt, q)
            copy_rows_out(mean, first, count, tile, 0)
            copy_rows_out(covariance, first, count, tile, 6)


@kernel(leaf=True)
def copy_rows_in(table: Floats, first: int, count: int, tile: Floats, row: int) -> None:
    """Copy some columns of all rows of a table into a tile, from its given row on.

    Row by row through one-dimensional views: over two indices the compiler may swap the
    loops and run down the columns, thirty times as slow.
    """
    for r in range(table.shape[0]):
        start = (row + r) * WIDTH
        source, target = table[r, first : first + count], tile[start : start + count]
        for k in range(count):
            target[k] = source[k]


@kernel(leaf=True)
def copy_rows_out(table: Floats, first: int, count: int, tile: Floats, row: int) -> None:
    """Copy rows of a tile back into some columns of a table: the inverse of ``copy_rows_in``."""
    for r in range(table.shape[0]):
        start = (row + r) * WIDTH
        source, target = tile[start : start + count], table[r, first : first + count]
        for k in range(count):
            target[k] = source[k]


@kernel(fastmath=True, leaf=True)
def cycle_tile(t: Floats, count: int, dt: float, q: float) -> None:
    """Do ``kalman_cycle`` on the first columns of a tile, in place.

    Parameters
    ----------
    t : (TILE_ROWS * WIDTH,) rows 0–5 the mean, 6–26 the packed covariance, 27–29 the measured
        position, 30–35 its noise; 36 and 37 are written: squared distance of the
        measurement, and the determinant of the innovation covariance
    count : columns in use, at most ``STRIP``
    dt, q : as in ``kalman_cycle``

    Notes
    -----
    One array with rows a fixed distance apart: so the compiler can tell that no row
    overlaps another, and handles several columns by one instruction.
    """
    q_pp = q * dt * dt * dt / 3.0
    q_pv = q * dt * dt / 2.0
    q_vv = q * dt
    for k in range(count):
        v00 = t[21 * WIDTH + k]
        v01 = t[22 * WIDTH + k]
        v02 = t[23 * WIDTH + k]
        v11 = t[24 * WIDTH + k]
        v12 = t[25 * WIDTH + k]
        v22 = t[26 * WIDTH + k]
        c00 = t[12 * WIDTH + k] + dt * v00
        c01 = t[13 * WIDTH + k] + dt * v01
        c02 = t[14 * WIDTH + k] + dt * v02
        c10 = t[15 * WIDTH + k] + dt * v01
        c11 = t[16 * WIDTH + k] + dt * v11
        c12 = t[17 * WIDTH + k] + dt * v12
        c20 = t[18 * WIDTH + k] + dt * v02
        c21 = t[19 * WIDTH + k] + dt * v12
        c22 = t[20 * WIDTH + k] + dt * v22
        # Pp + dt (C + Cᵀ) + dt² V, with the C of before read once more.
        p00 = t[6 * WIDTH + k] + dt * (t[12 * WIDTH + k] + c00) + q_pp
        p01 = t[7 * WIDTH + k] + dt * (t[15 * WIDTH + k] + c01)
        p02 = t[8 * WIDTH + k] + dt * (t[18 * WIDTH + k] + c02)
        p11 = t[9 * WIDTH + k] + dt * (t[16 * WIDTH + k] + c11) + q_pp
        p12 = t[10 * WIDTH + k] + dt * (t[19 * WIDTH + k] + c12)
        p22 = t[11 * WIDTH + k] + dt * (t[20 * WIDTH + k] + c22) + q_pp
        c00 += q_pv
        c11 += q_pv
        c22 += q_pv
        v00 += q_vv
        v11 += q_vv
        v22 += q_vv
        x0 = t[k] + dt * t[3 * WIDTH + k]
        x1 = t[WIDTH + k] + dt * t[4 * WIDTH + k]
        x2 = t[2 * WIDTH + k] + dt * t[5 * WIDTH + k]

        s00 = p00 + t[30 * WIDTH + k]
        s01 = p01 + t[31 * WIDTH + k]
        s02 = p02 + t[32 * WIDTH + k]
        s11 = p11 + t[33 * WIDTH + k]
        s12 = p12 + t[34 * WIDTH + k]
        s22 = p22 + t[35 * WIDTH + k]
        i00 = s11 * s22 - s12 * s12
        i01 = s02 * s12 - s01 * s22
        i02 = s01 * s12 - s02 * s11
        determinant = s00 * i00 + s01 * i01 + s02 * i02
        scale = 1.0 / determinant
        i00 *= scale
        i01 *= scale
        i02 *= scale
        i11 = (s00 * s22 - s02 * s02) * scale
        i12 = (s01 * s02 - s00 * s12) * scale
        i22 = (s00 * s11 - s01 * s01) * scale

        y0 = t[27 * WIDTH + k] - x0
        y1 = t[28 * WIDTH + k] - x1
        y2 = t[29 * WIDTH + k] - x2
        w0 = i00 * y0 + i01 * y1 + i02 * y2
        w1 = i01 * y0 + i11 * y1 + i12 * y2
        w2 = i02 * y0 + i12 * y1 + i22 * y2
        t[36 * WIDTH + k] = y0 * w0 + y1 * w1 + y2 * w2
        t[37 * WIDTH + k] = determinant
        t[k] = x0 + p00 * w0 + p01 * w1 + p02 * w2
        t[WIDTH + k] = x1 + p01 * w0 + p11 * w1 + p12 * w2
        t[2 * WIDTH + k] = x2 + p02 * w0 + p12 * w1 + p22 * w2
        t[3 * WIDTH + k] = t[3 * WIDTH + k] + c00 * w0 + c10 * w1 + c20 * w2
        t[4 * WIDTH + k] = t[4 * WIDTH + k] + c01 * w0 + c11 * w1 + c21 * w2
        t[5 * WIDTH + k] = t[5 * WIDTH + k] + c02 * w0 + c12 * w1 + c22 * w2

        k0 = p00 * i00 + p01 * i01 + p02 * i02
        k1 = p00 * i01 + p01 * i11 + p02 * i12
        k2 = p00 * i02 + p01 * i12 + p02 * i22
        t[6 * WIDTH + k] = p00 - (k0 * p00 + k1 * p01 + k2 * p02)
        t[7 * WIDTH + k] = p01 - (k0 * p01 + k1 * p11 + k2 * p12)
        t[8 * WIDTH + k] = p02 - (k0 * p02 + k1 * p12 + k2 * p22)
        t[12 * WIDTH + k] = c00 - (k0 * c00 + k1 * c10 + k2 * c20)
        t[13 * WIDTH + k] = c01 - (k0 * c01 + k1 * c11 + k2 * c21)
        t[14 * WIDTH + k] = c02 - (k0 * c02 + k1 * c12 + k2 * c22)
        k0 = p01 * i00 + p11 * i01 + p12 * i02
        k1 = p01 * i01 + p11 * i11 + p12 * i12
        k2 = p01 * i02 + p11 * i12 + p12 * i22
        t[9 * WIDTH + k] = p11 - (k0 * p01 + k1 * p11 + k2 * p12)
        t[10 * WIDTH + k] = p12 - (k0 * p02 + k1 * p12 + k2 * p22)
        t[15 * WIDTH + k] = c10 - (k0 * c00 + k1 * c10 + k2 * c20)
        t[16 * WIDTH + k] = c11 - (k0 * c01 + k1 * c11 + k2 * c21)
        t[17 * WIDTH + k] = c12 - (k0 * c02 + k1 * c12 + k2 * c22)
        k0 = p02 * i00 + p12 * i01 + p22 * i02
        k1 = p02 * i01 + p12 * i11 + p22 * i12
        k2 = p02 * i02 + p12 * i12 + p22 * i22
        t[11 * WIDTH + k] = p22 - (k0 * p02 + k1 * p12 + k2 * p22)
        t[18 * WIDTH + k] = c20 - (k0 * c00 + k1 * c10 + k2 * c20)
        t[19 * WIDTH + k] = c21 - (k0 * c01 + k1 * c11 + k2 * c21)
        t[20 * WIDTH + k] = c22 - (k0 * c02 + k1 * c12 + k2 * c22)
        k0 = c00 * i00 + c10 * i01 + c20 * i02
        k1 = c00 * i01 + c10 * i11 + c20 * i12
        k2 = c00 * i02 + c10 * i12 + c20 * i22
        t[21 * WIDTH + k] = v00 - (k0 * c00 + k1 * c10 + k2 * c20)
        t[22 * WIDTH + k] = v01 - (k0 * c01 + k1 * c11 + k2 * c21)
        t[23 * WIDTH + k] = v02 - (k0 * c02 + k1 * c12 + k2 * c22)
        k0 = c01 * i00 + c11 * i01 + c21 * i02
        k1 = c01 * i01 + c11 * i11 + c21 * i12
        k2 = c01 * i02 + c11 * i12 + c21 * i22
        t[24 * WIDTH + k] = v11 - (k0 * c01 + k1 * c11 + k2 * c21)
        t[25 * WIDTH + k] = v12 - (k0 * c02 + k1 * c12 + k2 * c22)
        k0 = c02 * i00 + c12 * i01 + c22 * i02
        k1 = c02 * i01 + c12 * i11 + c22 * i12
        k2 = c02 * i02 + c12 * i12 + c22 * i22
        t[26 * WIDTH + k] = v22 - (k0 * c02 + k1 * c12 + k2 * c22)
