"""Interacting multiple models: several motion models share one track.

Blom, Bar-Shalom, The Interacting Multiple Model Algorithm for Systems with Markovian
Switching Coefficients, IEEE Trans. Automatic Control 33 (1988). One track's M models lie
in local arrays ``means (M, 9)``, ``covariances (M, 9, 9)``, each read up to its own
dimension, and ``probability (M,)``. A cycle is: ``mix``, predict and update each model
(``sim.core.motion``, ``sim.core.update``), ``reweigh`` by the updates' log-likelihoods.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.core.gaussian import (
    BLOCK,
    PACKED_ROW,
    STRIP,
    TILE_ROWS,
    WIDTH,
    copy_rows_in,
    copy_rows_out,
    cycle_tile,
)
from sim.core.jit import kernel
from sim.core.motion import DIMENSION, Motion
from sim.core.tables import Floats, Indices

#: Rows of a tile: mean and covariance, and where the measurement's fit begins.
_STATE_ROWS, _FIT_ROW = 27, 36
_SINGER = int(Motion.SINGER)
_CONSTANT_ACCELERATION = int(Motion.CONSTANT_ACCELERATION)


@kernel(leaf=True)
def transition_over(sojourn_s: Floats, dt: float, transition: Floats) -> None:
    """Write the Markov transition matrix of the models over dt.

    Parameters
    ----------
    sojourn_s : (M,) mean time that a target stays with each model, s
    dt : s, not negative
    transition : (M, M) written: from model i (row) to model j; rows sum to 1

    Notes
    -----
    A model is left for each other one equally often. The matrix is (I − G dt)⁻¹ of the
    generator G, in closed form as G is diagonal plus rank one: exp(G dt) to first order,
    a proper stochastic matrix for any dt, and the stationary one for dt → ∞.
    """
    models = sojourn_s.size
    if models == 1:
        transition[0, 0] = 1.0
        return
    mean_stay = 0.0
    for i in range(models):
        mean_stay += _stay(sojourn_s[i], dt, models) / models
    for i in range(models):
        stay = _stay(sojourn_s[i], dt, models)
        leave = dt / (sojourn_s[i] * (models - 1)) * stay
        for j in range(models):
            transition[i, j] = leave * _stay(sojourn_s[j], dt, models) / mean_stay
        transition[i, i] += stay


@kernel(leaf=True)
def _stay(sojourn_s: float, dt: float, models: int) -> float:
    return 1.0 / (1.0 + models * dt / (sojourn_s * (models - 1)))


@kernel(leaf=True)
def same_extra(kind: int, other: int) -> bool:
    """Tell whether two models mean the same by what stands behind the velocity."""
    accelerates = kind in (_CONSTANT_ACCELERATION, _SINGER)
    return kind == other or (accelerates and other in (_CONSTANT_ACCELERATION, _SINGER))


@kernel(leaf=True)
def mix(
    kinds: Indices,
    probability: Floats,
    transition: Floats,
    means: Floats,
    covariances: Floats,
    mixed_means: Floats,
    mixed_covariances: Floats,
) -> None:
    """Let the models interact before they are predicted, in place.

    Parameters
    ----------
    kinds : (M,) a ``sim.core.motion.Motion`` each
    probability : (M,) of the models, replaced by the predicted ones
    transition : (M, M) as from ``transition_over``
    means, covariances : (M, 9), (M, 9, 9), replaced by the mixed ones
    mixed_means, mixed_covariances : (M + 1, 9), (M, 9, 9) scratch

    Notes
    -----
    A component that another model lacks is taken from the model that is mixed into, with
    its covariance and no correlation, so that mixing does not pull it to zero: Granström,
    Willett, Bar-Shalom, Systematic Approach to IMM Mixing for Unequal Dimension States,
    IEEE Trans. AES 51 (2015), unbiased mixing. Both acceleration models share theirs.
    """
    models = kinds.size
    if models == 1:
        return
    apart = mixed_means[models]
    for j in range(models):
        n = DIMENSION[kinds[j]]
        total = 0.0
        for i in range(models):
            total += transition[i, j] * probability[i]
        mixed, spread = mixed_means[j], mixed_covariances[j]
        for a in range(n):
            mixed[a] = 0.0
            for b in range(a, n):
                spread[a, b] = 0.0
        for i in range(models):
            weight = _mixing_weight(transition[i, j] * probability[i], total, i == j)
            known = n if same_extra(kinds[i], kinds[j]) else 6
            for a in range(known):
                mixed[a] += weight * means[i, a]
            for a in range(known, n):
                mixed[a] += weight * means[j, a]
        for i in range(models):
            weight = _mixing_weight(transition[i, j] * probability[i], total, i == j)
            known = n if same_extra(kinds[i], kinds[j]) else 6
            for a in range(known):
                apart[a] = means[i, a] - mixed[a]
            for a in range(known, n):
                apart[a] = means[j, a] - mixed[a]
            for a in range(known):
                for b in range(a, known):
                    spread[a, b] += weight * (covariances[i, a, b] + apart[a] * apart[b])
                for b in range(known, n):
                    spread[a, b] += weight * apart[a] * apart[b]
            for a in range(known, n):
                for b in range(a, n):
                    spread[a, b] += weight * (covariances[j, a, b] + apart[a] * apart[b])
    for j in range(models):
        n = DIMENSION[kinds[j]]
        for a in range(n):
            means[j, a] = mixed_means[j, a]
            for b in range(a, n):
                covariances[j, a, b] = mixed_covariances[j, a, b]
                covariances[j, b, a] = mixed_covariances[j, a, b]
    _predict_probability(probability, transition, mixed_means)


@kernel(inline=True)
def _mixing_weight(share: float, total: float, own: bool) -> float:
    return share / total if total > 0.0 else (1.0 if own else 0.0)


@kernel(leaf=True)
def _predict_probability(probability: Floats, transition: Floats, scratch: Floats) -> None:
    models = probability.size
    for j in range(models):
        scratch[j, 0] = 0.0
        for i in range(models):
            scratch[j, 0] += transition[i, j] * probability[i]
    for j in range(models):
        probability[j] = scratch[j, 0]


@kernel(leaf=True)
def reweigh(probability: Floats, log_likelihood: Floats) -> float:
    """Update the models' probabilities by their log-likelihoods (M,), in place.

    Returns
    -------
    float
        The log-likelihood of the whole, ln Σ p exp(log-likelihood). Where no model gives
        a finite one it is −inf, and the probabilities stay.
    """
    best = -math.inf
    for j in range(probability.size):
        if probability[j] > 0.0:
            best = max(best, log_likelihood[j])
    if best == -math.inf:
        return best
    total = 0.0
    for j in range(probability.size):
        total += probability[j] * math.exp(log_likelihood[j] - best)
    for j in range(probability.size):
        probability[j] *= math.exp(log_likelihood[j] - best) / total
    return best + math.log(total)


@kernel(leaf=True)
def combine(
    probability: Floats, means: Floats, covariances: Floats, mean: Floats, covariance: Floats
) -> None:
    """Write position and velocity over all models, moments matched.

    ``mean`` (6 or more,) and ``covariance`` (6 or more, same) are written up to 6.
    """
    for a in range(6):
        mean[a] = 0.0
        for j in range(probability.size):
            mean[a] += probability[j] * means[j, a]
    for a in range(6):
        for b in range(a, 6):
            covariance[a, b] = 0.0
            for j in range(probability.size):
                apart = (means[j, a] - mean[a]) * (means[j, b] - mean[b])
                covariance[a, b] += probability[j] * (covariances[j, a, b] + apart)
            covariance[b, a] = covariance[a, b]


@kernel(parallel=True, fastmath=True)
def imm_cycle(
    mean: Floats,
    covariance: Floats,
    probability: Floats,
    measured: Floats,
    noise: Floats,
    dt: float,
    q: Floats,
    transition: Floats,
) -> None:
    """Mix, predict, update and reweigh M nearly-constant-velocity models of N states.

    Parameters
    ----------
    mean : (M, 6, N) m and m/s, changed in place
    covariance : (M, 21, N) packed as in ``sim.core.gaussian``, changed in place
    probability : (M, N) of the models, changed in place
    measured : (3, N) position, m
    noise : (6, N) its covariance, upper triangle, m²
    dt : time step, s
    q : (M,) spectral density of each model's white-noise acceleration, m²/s³
    transition : (M, M) from model i (row) to model j; all entries positive

    Notes
    -----
    As ``sim.core.gaussian.kalman_cycle`` for each model. Inputs must be finite.
    """
    models, n = mean.shape[0], mean.shape[2]
    for block in numba.prange((n + BLOCK - 1) // BLOCK):
        # Tiles as in sim.core.gaussian: all models' states, and the one in hand.
        states, tile = np.empty(models * _STATE_ROWS * WIDTH), np.empty(TILE_ROWS * WIDTH)
        before, after = np.empty(models * WIDTH), np.empty(models * WIDTH)  # probabilities
        fit, work = np.empty(2 * models * WIDTH), np.empty((models + 6) * WIDTH)
        for first in range(block * BLOCK, min(n, (block + 1) * BLOCK), STRIP):
            count = min(n - first, STRIP)
            copy_rows_in(probability, first, count, before, 0)
            for j in range(models):
                copy_rows_in(mean[j], first, count, states, j * _STATE_ROWS)
                copy_rows_in(covariance[j], first, count, states, j * _STATE_ROWS + 6)
            for j in range(models):
                copy_rows_in(measured, first, count, tile, 27)
                copy_rows_in(noise, first, count, tile, 30)
                _mix_tile(states, before, transition, j, count, tile, after, work)
                cycle_tile(tile, count, dt, q[j])
                copy_rows_out(mean[j], first, count, tile, 0)
                copy_rows_out(covariance[j], first, count, tile, 6)
                for k in range(2 * WIDTH):
                    fit[2 * j * WIDTH + k] = tile[_FIT_ROW * WIDTH + k]
            _reweigh_tile(models, fit, count, after)
            copy_rows_out(probability, first, count, after, 0)


@kernel(fastmath=True, leaf=True)
def _mix_tile(
    states: Floats,
    probability: Floats,
    transition: Floats,
    into: int,
    count: int,
    tile: Floats,
    predicted: Floats,
    work: Floats,
) -> None:
    """Mix all models' states into one of them, and predict its probability."""
    models = transition.shape[0]
    total = predicted[into * WIDTH : into * WIDTH + count]
    for k in range(count):
        total[k] = 0.0
    for i in range(models):
        first = i * WIDTH
        weight, old = work[first : first + count], probability[first : first + count]
        for k in range(count):
            weight[k] = transition[i, into] * old[k]
            total[k] += weight[k]
    for k in range(_STATE_ROWS * WIDTH):
        tile[k] = 0.0
    for i in range(models):
        weight = work[i * WIDTH : i * WIDTH + count]
        for k in range(count):
            weight[k] /= total[k]
        for a in range(6):
            mixed = tile[a * WIDTH : a * WIDTH + count]
            first = (i * _STATE_ROWS + a) * WIDTH
            state = states[first : first + count]
            for k in range(count):
                mixed[k] += weight[k] * state[k]
    apart = work[models * WIDTH :]
    for i in range(models):
        weight = work[i * WIDTH : i * WIDTH + count]
        for a in range(6):
            mixed = tile[a * WIDTH : a * WIDTH + count]
            apart_a = apart[a * WIDTH : a * WIDTH + count]
            first = (i * _STATE_ROWS + a) * WIDTH
            state = states[first : first + count]
            for k in range(count):
                apart_a[k] = state[k] - mixed[k]
        for a in range(6):
            apart_a = apart[a * WIDTH : a * WIDTH + count]
            for b in range(a, 6):
                apart_b = apart[b * WIDTH : b * WIDTH + count]
                row = 6 + PACKED_ROW[a, b]
                mixed = tile[row * WIDTH : row * WIDTH + count]
                first = (i * _STATE_ROWS + row) * WIDTH
                spread = states[first : first + count]
                for k in range(count):
                    mixed[k] += weight[k] * (spread[k] + apart_a[k] * apart_b[k])


@kernel(fastmath=True, leaf=True)
def _reweigh_tile(models: int, fit: Floats, count: int, probability: Floats) -> None:
    """Turn predicted probabilities into new ones: times the likelihood, scaled to sum 1."""
    for k in range(count):
        nearest = fit[k]
        for j in range(1, models):
            nearest = min(nearest, fit[2 * j * WIDTH + k])
        total = 0.0
        for j in range(models):
            d2, determinant = fit[2 * j * WIDTH + k], fit[(2 * j + 1) * WIDTH + k]
            probability[j * WIDTH + k] *= math.exp(0.5 * (nearest - d2)) / math.sqrt(determinant)
            total += probability[j * WIDTH + k]
        for j in range(models):
            probability[j * WIDTH + k] /= total
