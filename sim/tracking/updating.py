"""Letting many tracks take their plots, each by all its models.

The loops over tracks are leaf kernels, as in ``sim.tracking.predicting``.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.core.gaussian import put_strip, take_strip
from sim.core.imm import reweigh
from sim.core.jit import kernel
from sim.core.tables import Floats, Measured
from sim.core.unseen_height import guessed_height, update_without_height
from sim.core.update import cubature_update, extended_update, position_update
from sim.tracking.cycle import Cycle
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.predicting import BLOCK, STRIP
from sim.tracking.store import TrackColumns, load_models, store_models
from sim.tracking.turns import Turns

#: A weight from here on is taken for certain.
_CERTAIN = 1.0 - 1e-9
_TIME_DIFFERENCE = int(Measured.TIME_DIFFERENCE)


@kernel(parallel=True)
def update_columns(
    tracks: TrackColumns,
    rank: int,
    turns: Turns,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
) -> None:
    """Let each track take the plots of its turn of this rank."""
    count, n_models = turns.start.size - 1, models.kind.size
    mean_rows, covariance_rows = tracks.mean.shape[0], tracks.covariance.shape[0]
    turn_first, turn_last = turns.first, turns.last
    pairs_max = 1
    for t in range(turn_first.size):
        pairs_max = max(pairs_max, turn_last[t] - turn_first[t])
    for block in numba.prange((count + BLOCK - 1) // BLOCK):
        x, P = np.empty((n_models, 9)), np.empty((n_models, 9, 9))
        many_x = np.empty((pairs_max, n_models, 9))
        many_P = np.empty((pairs_max, n_models, 9, 9))
        weight, fit = np.empty(n_models), np.empty((pairs_max + 1, n_models))
        log_likelihood = np.empty(n_models)
        sigma, noise, rate_only = np.empty(4), np.empty(6), np.empty(4)
        strip_mean = np.empty((mean_rows, STRIP))
        strip_covariance = np.empty((covariance_rows, STRIP))
        work = np.empty((40, 9))
        for first in range(block * BLOCK, min(count, (block + 1) * BLOCK), STRIP):
            _update_strip(
                first, min(STRIP, count - first), tracks, rank, turns, cycle, models, sensors,
                policy, x, P, many_x, many_P, weight, fit, log_likelihood, sigma, noise,
                rate_only, strip_mean, strip_covariance, work,
            )  # fmt: skip


@kernel(leaf=True)
def _update_strip(
    strip: int,
    size: int,
    tracks: TrackColumns,
    rank: int,
    turns: Turns,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
    x: Floats,
    P: Floats,
    many_x: Floats,
    many_P: Floats,
    weight: Floats,
    fit: Floats,
    log_likelihood: Floats,
    sigma: Floats,
    noise: Floats,
    rate_only: Floats,
    strip_mean: Floats,
    strip_covariance: Floats,
    work: Floats,
) -> None:
    probability = tracks.probability
    dimension, n_models = models.dimension, models.kind.size
    take_strip(tracks.mean, strip, size, strip_mean)
    take_strip(tracks.covariance, strip, size, strip_covariance)
    for i in range(strip, strip + size):
        t = turns.start[i] + rank
        if t >= turns.start[i + 1]:
            continue
        load_models(strip_mean, strip_covariance, i - strip, probability, i, models, weight, x, P)
        first, pairs = turns.first[t], turns.last[t] - turns.first[t]
        # One certain plot changes the state in place; else each pair changes a copy.
        certain = pairs == 1 and turns.weight[first] >= _CERTAIN
        for b in range(pairs):
            for m in range(n_models):
                n = dimension[m]
                if not certain:
                    for k in range(n):
                        many_x[b, m, k] = x[m, k]
                        for c in range(n):
                            many_P[b, m, k, c] = P[m, k, c]
                fit[b, m] = _take_plot(
                    turns.plot[first + b], turns.shared[first + b], cycle, sensors, policy,
                    x[m] if certain else many_x[b, m], P[m] if certain else many_P[b, m], n,
                    sigma, noise, rate_only, work,
                )  # fmt: skip
        if certain:
            if n_models > 1:
                reweigh(weight, fit[0])
        else:
            _weigh_jointly(fit, turns.weight, first, pairs, turns.missed[t], weight, log_likelihood)
            for m in range(n_models):
                _match_moments(many_x, many_P, fit, pairs, m, dimension[m], weight[m], x, P, work)
        store_models(strip_mean, strip_covariance, i - strip, probability, i, models, weight, x, P)
    put_strip(tracks.mean, strip, size, strip_mean)
    put_strip(tracks.covariance, strip, size, strip_covariance)


@kernel(inline=True)
def _take_plot(
    j: int,
    shared: bool,
    cycle: Cycle,
    sensors: SensorColumns,
    policy: Policy,
    x: Floats,
    P: Floats,
    n: int,
    sigma: Floats,
    noise: Floats,
    rate_only: Floats,
    work: Floats,
) -> float:
    """Update one model's state by plot j; return its log-likelihood.

    ``sigma`` (4,), ``noise`` (6,) and ``rate_only`` (4,) are scratch. A plot that may be of
    two targets is widened by half the separation that its sensor does not resolve.
    """
    s = cycle.sensor[j]
    origin, axes, other = sensors.origin_enu_m[s], sensors.enu_R_sensor[s], sensors.other_enu_m[s]
    measured, kind = cycle.measurement[j], sensors.kind[s]
    for a in range(4):
        sigma[a] = cycle.sigma[j, a]
        if shared:
            sigma[a] = math.sqrt(sigma[a] ** 2 + 0.25 * sensors.resolution[s, a] ** 2)
    if not sensors.cartesian[s]:
        if math.isnan(measured[2]) and kind != _TIME_DIFFERENCE:
            square = 0.0
            for a in range(3):
                square += (x[a] - origin[a]) ** 2
            height, height_sigma = guessed_height(
                math.sqrt(square), sensors.height_m[s], policy.start_height_m,
                policy.start_height_sigma_m,
            )  # fmt: skip
            fit = update_without_height(
                policy.cubature, kind, x, P, n, measured, sigma, origin, axes, other, height,
                height_sigma, policy.start_climb_sigma_mps, work,
            )  # fmt: skip
        elif policy.cubature:
            fit = cubature_update(kind, x, P, n, measured, sigma, origin, axes, other, work)
        else:
            fit = extended_update(kind, x, P, n, measured, sigma, origin, axes, other, work)
    else:
        for a in range(6):
            noise[a] = cycle.noise[j, a]
        if shared:
            range2 = 0.0
            for a in range(3):
                range2 += (measured[a] - origin[a]) ** 2
            widest = max(sensors.resolution[s, 0] ** 2, sensors.resolution[s, 1] ** 2 * range2)
            for a in (0, 3, 5):
                noise[a] += 0.25 * widest
        fit = position_update(x, P, n, measured, noise, work)
        if not math.isnan(measured[3]):
            for a in range(3):
                rate_only[a] = math.nan
            rate_only[3] = measured[3]
            fit += extended_update(kind, x, P, n, rate_only, sigma, origin, axes, other, work)
    return fit


@kernel(leaf=True)
def _weigh_jointly(
    fit: Floats,
    weight: Floats,
    first: int,
    pairs: int,
    missed: float,
    probability: Floats,
    scratch: Floats,
) -> None:
    """Turn log-likelihoods ``fit`` (pair, model) into joint weights, no plot in row ``pairs``.

    ``probability`` becomes the models' posterior.
    """
    models = probability.size
    for b in range(pairs):
        best = -math.inf
        for m in range(models):
            if probability[m] > 0.0:
                best = max(best, fit[b, m])
        total = 0.0
        for m in range(models):
            share = probability[m] * math.exp(fit[b, m] - best) if best > -math.inf else 0.0
            fit[b, m] = share
            total += share
        for m in range(models):
            share = fit[b, m] / total if total > 0.0 else probability[m]
            fit[b, m] = weight[first + b] * share
    for m in range(models):
        fit[pairs, m] = missed * probability[m]
        scratch[m] = 0.0
        for b in range(pairs + 1):
            scratch[m] += fit[b, m]
    for m in range(models):
        probability[m] = scratch[m]


@kernel(leaf=True)
def _match_moments(
    many_x: Floats,
    many_P: Floats,
    fit: Floats,
    pairs: int,
    m: int,
    n: int,
    total: float,
    x: Floats,
    P: Floats,
    work: Floats,
) -> None:
    """Replace model m's state by the moments of its mixture over plots and none."""
    if not total > 0.0:
        return
    mean = work[0]
    for k in range(n):
        mean[k] = fit[pairs, m] * x[m, k]
        for b in range(pairs):
            mean[k] += fit[b, m] * many_x[b, m, k]
        mean[k] /= total
    for k in range(n):
        for c in range(k, n):
            value = fit[pairs, m] * (P[m, k, c] + (x[m, k] - mean[k]) * (x[m, c] - mean[c]))
            for b in range(pairs):
                apart = (many_x[b, m, k] - mean[k]) * (many_x[b, m, c] - mean[c])
                value += fit[b, m] * (many_P[b, m, k, c] + apart)
            P[m, k, c] = value / total
    for k in range(n):
        x[m, k] = mean[k]
        for c in range(k):
            P[m, k, c] = P[m, c, k]
