"""Kernels of the fixed-interval smoother: the filter forwards, then pairs of models back."""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from sim.core.gaussian import cholesky
from sim.core.imm import combine, mix, reweigh, same_extra, transition_over
from sim.core.jit import kernel
from sim.core.measurement import to_position
from sim.core.motion import DIMENSION, Motion, initial_extra, predict
from sim.core.tables import Bytes, Floats, Indices, Ints, Measured
from sim.core.update import extended_update

Rows = NDArray[np.int64]

_POLAR = int(Measured.POLAR)
_FIRST_NONLINEAR = int(Motion.COORDINATED_TURN)
#: Half steps of the central difference: position (m), velocity (m/s), turn rate or drag.
_STEP = (10.0, 0.1, 1e-4)
#: Later plots tell nothing in a direction where they take off less of the variance.
_NEWS = 1e-13
_SWEEPS = 30


@kernel(parallel=True)
def smooth_all(
    order: Rows,
    bounds: Rows,
    time_s: Floats,
    sensor: Ints,
    measurement: Floats,
    sigma: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    other: Floats,
    sensor_kind: Bytes,
    kinds: Indices,
    parameters: Floats,
    sojourn_s: Floats,
    beginning: Floats,
    prior_given: bool,
    prior_mean: Floats,
    prior_covariance: Floats,
    mean: Floats,
    covariance: Floats,
    probability: Floats,
) -> None:
    """Smooth tracks, whose plots are the rows ``order[bounds[t] : bounds[t + 1]]``."""
    models = kinds.size
    for track in numba.prange(bounds.size - 1):
        rows = order[bounds[track] : bounds[track + 1]]
        count = rows.size
        # Forwards, per plot and model: as predicted, and as updated by the plot.
        before_mean = np.empty((count, models, 9))
        before_covariance = np.empty((count, models, 9, 9))
        after_mean = np.zeros((count, models, 9))
        after_covariance = np.zeros((count, models, 9, 9))
        after_probability = np.empty((count, models))
        transition = np.empty((models, models))
        work = np.empty((40, 9))
        begun = _filter(
            rows, time_s, sensor, measurement, sigma, origin, enu_R_sensor, other, sensor_kind,
            kinds, parameters, sojourn_s, beginning, prior_given, prior_mean, prior_covariance,
            before_mean, before_covariance, after_mean, after_covariance, after_probability,
            transition, work,
        )  # fmt: skip
        if begun == count:
            continue
        x = after_mean[count - 1].copy()
        P = after_covariance[count - 1].copy()
        p = after_probability[count - 1].copy()
        row = rows[count - 1]
        combine(p, x, P, mean[row], covariance[row])
        probability[row] = p
        scratch = np.empty((9, 9, 9))
        pair_mean = np.empty((models, models, 9))
        pair_covariance = np.empty((models, models, 9, 9))
        weight = np.empty((models, models))
        for k in range(count - 2, begun - 1, -1):
            dt = time_s[rows[k + 1]] - time_s[rows[k]]
            transition_over(sojourn_s, dt, transition)
            _smooth_step(
                kinds, parameters, dt, transition, before_mean[k + 1], before_covariance[k + 1],
                after_mean[k], after_covariance[k], after_probability[k], x, P, p,
                pair_mean, pair_covariance, weight, scratch, work,
            )  # fmt: skip
            row = rows[k]
            combine(p, x, P, mean[row], covariance[row])
            for j in range(models):
                probability[row, j] = p[j]


@kernel()
def _filter(
    rows: Rows,
    time_s: Floats,
    sensor: Ints,
    measurement: Floats,
    sigma: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    other: Floats,
    sensor_kind: Bytes,
    kinds: Indices,
    parameters: Floats,
    sojourn_s: Floats,
    beginning: Floats,
    prior_given: bool,
    prior_mean: Floats,
    prior_covariance: Floats,
    before_mean: Floats,
    before_covariance: Floats,
    after_mean: Floats,
    after_covariance: Floats,
    after_probability: Floats,
    transition: Floats,
    work: Floats,
) -> int:
    """Run the IMM over a track; return which plot began it, the number of plots for none."""
    models = kinds.size
    x = np.zeros((models, 9))
    P = np.zeros((models, 9, 9))
    mixed_x = np.empty((models + 1, 9))
    mixed_P = np.empty((models, 9, 9))
    p = np.empty(models)
    log_likelihood = np.empty(models)
    measured = np.empty(4)
    begun = rows.size
    for k in range(rows.size):
        row, s = rows[k], sensor[rows[k]]
        for a in range(4):
            measured[a] = measurement[row, a]
        if begun == rows.size:
            if prior_given:
                for i in range(6):
                    x[0, i] = prior_mean[i]
                    for j in range(6):
                        P[0, i, j] = prior_covariance[i, j]
            elif _begin(
                sensor_kind[s], measured, sigma[row], origin[s], enu_R_sensor[s], beginning,
                x[0], P[0],
            ):  # fmt: skip
                for a in range(3):  # they are in the state already
                    measured[a] = math.nan
            else:
                continue
            begun = k
            for i in range(models):
                for a in range(6):
                    x[i, a] = x[0, a]
                    for b in range(6):
                        P[i, a, b] = P[0, a, b]
                initial_extra(kinds[i], parameters[i], x[i], P[i])
                p[i] = 1.0 / models
        else:
            dt = time_s[row] - time_s[rows[k - 1]]
            transition_over(sojourn_s, dt, transition)
            mix(kinds, p, transition, x, P, mixed_x, mixed_P)
            for i in range(models):
                predict(kinds[i], parameters[i], x[i], P[i], dt, work)
        for i in range(models):
            n = DIMENSION[kinds[i]]
            for a in range(n):
                before_mean[k, i, a] = x[i, a]
                for b in range(n):
                    before_covariance[k, i, a, b] = P[i, a, b]
            log_likelihood[i] = extended_update(
                sensor_kind[s], x[i], P[i], n, measured, sigma[row], origin[s], enu_R_sensor[s],
                other[s], work,
            )  # fmt: skip
        reweigh(p, log_likelihood)
        for i in range(models):
            n = DIMENSION[kinds[i]]
            after_probability[k, i] = p[i]
            for a in range(n):
                after_mean[k, i, a] = x[i, a]
                for b in range(n):
                    after_covariance[k, i, a, b] = P[i, a, b]
    return begun


@kernel()
def _begin(
    kind: int,
    measured: Floats,
    sigma: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    beginning: Floats,
    x: Floats,
    P: Floats,
) -> bool:
    """Start a state at rest from a plot; False if the plot does not fix a position."""
    position = np.empty(3)
    noise = np.empty(6)
    completed = measured.copy()
    errors = sigma.copy()
    if kind == _POLAR and math.isnan(measured[2]):
        sine = beginning[2] / measured[0]
        completed[2] = math.asin(min(max(sine, -0.5), 0.5))
        errors[2] = min(beginning[3] / measured[0], 0.5)
    if not to_position(kind, completed, errors, origin, enu_R_sensor, position, noise):
        return False
    row = 0
    for i in range(3):
        x[i] = position[i]
        x[i + 3] = 0.0
        for j in range(6):
            P[i + 3, j] = 0.0
            P[j, i + 3] = 0.0
        P[i + 3, i + 3] = beginning[1 if i == 2 else 0] ** 2
        for j in range(i, 3):
            P[i, j] = noise[row]
            P[j, i] = noise[row]
            row += 1
    return True


@kernel()
def _smooth_step(
    kinds: Indices,
    parameters: Floats,
    dt: float,
    transition: Floats,
    before_mean: Floats,
    before_covariance: Floats,
    after_mean: Floats,
    after_covariance: Floats,
    after_probability: Floats,
    x: Floats,
    P: Floats,
    p: Floats,
    pair_mean: Floats,
    pair_covariance: Floats,
    weight: Floats,
    scratch: Floats,
    work: Floats,
) -> None:
    """Go back by one plot: x (M, 9), P (M, 9, 9), p (M,) smoothed there, in place.

    ``before_…`` are the next plot's predictions, ``after_…`` this plot's estimates;
    ``pair_mean[i, j]``, ``pair_covariance[i, j]``: this plot's state under model j, if the
    target moves on by model i.
    """
    models = kinds.size
    W, variance_left, news = scratch[0], scratch[7, 0], scratch[7, 1]
    for i in range(models):
        n = DIMENSION[kinds[i]]
        _later_plots(
            before_mean[i], before_covariance[i], x[i], P[i], n, scratch, variance_left, news
        )
        best = -math.inf
        for j in range(models):
            log = _pair(
                kinds, parameters, dt, i, j, n, before_mean[i], after_mean, after_covariance,
                W, variance_left, news, pair_mean[i, j], pair_covariance[i, j], scratch, work,
            )  # fmt: skip
            prior = after_probability[j] * transition[j, i]
            weight[i, j] = math.log(prior) + log if prior > 0.0 else -math.inf
            best = max(best, weight[i, j])
        total = 0.0
        for j in range(models):
            weight[i, j] = math.exp(weight[i, j] - best) if best > -math.inf else 0.0
            total += weight[i, j]
        for j in range(models):
            weight[i, j] *= p[i] / max(total, 1e-300)
    for j in range(models):
        n = DIMENSION[kinds[j]]
        p[j] = 0.0
        for i in range(models):
            p[j] += weight[i, j]
        for a in range(n):
            x[j, a] = after_mean[j, a]
            for i in range(models):
                if p[j] > 0.0:
                    x[j, a] += weight[i, j] / p[j] * (pair_mean[i, j, a] - after_mean[j, a])
        for a in range(n):
            for b in range(a, n):
                total = 0.0 if p[j] > 0.0 else after_covariance[j, a, b]
                for i in range(models):
                    if p[j] > 0.0:
                        spread = (pair_mean[i, j, a] - x[j, a]) * (pair_mean[i, j, b] - x[j, b])
                        total += weight[i, j] / p[j] * (pair_covariance[i, j, a, b] + spread)
                P[j, a, b] = total
                P[j, b, a] = total


@kernel()
def _later_plots(
    before_mean: Floats,
    before_covariance: Floats,
    x: Floats,
    P: Floats,
    n: int,
    scratch: Floats,
    variance_left: Floats,
    news: Floats,
) -> None:
    """Split what the plots from the next one on say into independent scalar measurements.

    In u = W (state − before_mean) the prediction has unit covariance, and the smoothed
    state a diagonal one, ``variance_left`` (n,), and the mean ``news`` (n,). W is
    ``scratch[0]``. Where the prediction has no spread left, nothing is said.
    """
    W, L, S, U = scratch[0], scratch[1], scratch[2], scratch[3]
    if not cholesky(before_covariance, n, L):
        for a in range(n):
            variance_left[a] = 1.0
            news[a] = 0.0
            for b in range(n):
                W[a, b] = 0.0
        return
    # U = L⁻¹, then S = U P Uᵀ.
    for b in range(n):
        for a in range(n):
            total = 1.0 if a == b else 0.0
            for k in range(b, a):
                total -= L[a, k] * U[k, b]
            U[a, b] = total / L[a, a] if a >= b else 0.0
    _sandwich(U, P, n, n, S, L)
    V = scratch[4]
    _eigen(S, n, V)
    for a in range(n):
        variance_left[a] = S[a, a]
        news[a] = 0.0
        for b in range(n):
            total = 0.0
            for k in range(n):
                total += V[k, a] * U[k, b]
            W[a, b] = total
        for b in range(n):
            news[a] += W[a, b] * (x[b] - before_mean[b])


@kernel()
def _sandwich(
    A: Floats,
    P: Floats,
    n: int,
    m: int,
    out: Floats,
    product: Floats,
) -> None:
    """Out (n, n) = A P Aᵀ for A (n, m), P (m, m) symmetric."""
    for a in range(n):
        for b in range(m):
            total = 0.0
            for k in range(m):
                total += A[a, k] * P[k, b]
            product[a, b] = total
    for a in range(n):
        for b in range(a, n):
            total = 0.0
            for k in range(m):
                total += product[a, k] * A[b, k]
            out[a, b] = total
            out[b, a] = total


@kernel()
def _eigen(
    S: Floats,
    n: int,
    V: Floats,
) -> None:
    """Diagonalise a symmetric matrix in place; the columns of V are its eigenvectors.

    Cyclic Jacobi rotations: Golub, Van Loan, Matrix Computations, 8.5.
    """
    for a in range(n):
        for b in range(n):
            V[a, b] = 1.0 if a == b else 0.0
    for _ in range(_SWEEPS):
        off, on = 0.0, 0.0
        for a in range(n):
            on += S[a, a] * S[a, a]
            for b in range(a):
                off += S[a, b] * S[a, b]
        if off <= 1e-32 * on:
            return
        for a in range(n - 1):
            for b in range(a + 1, n):
                if S[a, b] == 0.0:
                    continue
                ratio = (S[b, b] - S[a, a]) / (2.0 * S[a, b])
                t = math.copysign(1.0, ratio) / (abs(ratio) + math.sqrt(ratio * ratio + 1.0))
                c = 1.0 / math.sqrt(t * t + 1.0)
                s = t * c
                for k in range(n):
                    left, right = S[k, a], S[k, b]
                    S[k, a] = c * left - s * right
                    S[k, b] = s * left + c * right
                for k in range(n):
                    left, right = S[a, k], S[b, k]
                    S[a, k] = c * left - s * right
                    S[b, k] = s * left + c * right
                    left, right = V[k, a], V[k, b]
                    V[k, a] = c * left - s * right
                    V[k, b] = s * left + c * right


@kernel()
def _pair(
    kinds: Indices,
    parameters: Floats,
    dt: float,
    i: int,
    j: int,
    n: int,
    before_mean: Floats,
    after_mean: Floats,
    after_covariance: Floats,
    W: Floats,
    variance_left: Floats,
    news: Floats,
    x: Floats,
    P: Floats,
    scratch: Floats,
    work: Floats,
) -> float:
    """Smooth the state under model j if model i moves it on; x (9,), P (9, 9) written.

    Returns the log-likelihood of the later plots, but for a constant of all j.
    """
    m = DIMENSION[kinds[j]]
    for a in range(m):
        x[a] = after_mean[j, a]
        for b in range(m):
            P[a, b] = after_covariance[j, a, b]
    known = n if same_extra(kinds[i], kinds[j]) else 6
    y, Y, F, product = scratch[1, 0], scratch[2], scratch[3], scratch[4]
    # Predictions, of no spread, of unit vectors if the model is linear, else of states a step
    # to either side, are the derivative F; the last one is that of the state itself.
    linear = kinds[i] < _FIRST_NONLINEAR
    trials = n if linear else 2 * n
    for trial in range(trials + 1):
        itself, k = trial == trials, trial % n
        step = _STEP[0 if k < 3 else 1 if k < 6 else 2]
        for a in range(n):
            # What j does not know of the state is as i itself believes.
            y[a] = 0.0 if linear and not itself else after_mean[j if a < known else i, a]
            for b in range(n):
                Y[a, b] = 0.0
                if itself and a < known and b < known:
                    Y[a, b] = after_covariance[j, a, b]
                elif itself and a >= known and b >= known:
                    Y[a, b] = after_covariance[i, a, b]
        if not itself:
            y[k] += 1.0 if linear else step if trial < n else -step
        predict(kinds[i], parameters[i], y, Y, dt, work)
        for a in range(n):
            if linear and not itself:
                F[a, k] = y[a]
            elif trial < n and not itself:
                F[a, k] = y[a] / (2.0 * step)
            elif not itself:
                F[a, k] -= y[a] / (2.0 * step)
    u, C, X = scratch[1, 1], scratch[5], scratch[6]
    _sandwich(W, Y, n, n, C, product)
    for a in range(n):
        u[a] = 0.0
        for b in range(n):
            u[a] += W[a, b] * (y[b] - before_mean[b])
            product[a, b] = 0.0
            for k in range(n):
                product[a, b] += W[a, k] * F[k, b]
    for a in range(m):  # covariance of the state with u
        for b in range(n):
            X[a, b] = 0.0
            for k in range(known):
                X[a, b] += P[a, k] * product[b, k]
    log = 0.0
    for k in range(n):
        taken = 1.0 - variance_left[k]
        if taken <= _NEWS:
            continue
        # A measurement of u[k]: with the prediction's unit variance it leaves variance_left.
        noise = variance_left[k] / taken
        total = C[k, k] + noise
        innovation = news[k] / taken - u[k]
        log -= 0.5 * (innovation * innovation / total + math.log(total))
        for a in range(m):
            gain = X[a, k] / total
            x[a] += gain * innovation
            for b in range(a, m):
                P[a, b] -= gain * X[b, k]
                P[b, a] = P[a, b]
        for a in range(n):
            product[0, a] = C[a, k]
            product[1, a] = C[a, k] / total
        for a in range(m):
            product[2, a] = X[a, k]
        for b in range(n):
            u[b] += product[1, b] * innovation
            for a in range(n):
                C[a, b] -= product[0, a] * product[1, b]
            for a in range(m):
                X[a, b] -= product[2, a] * product[1, b]
    return log
