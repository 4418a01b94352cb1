"""Kernels that move many tracks on and let them take their plots.

Tracks lie column by column in arrays (see ``sim.tracking.store``); what runs in
parallel changes each column by itself, so threads cannot change a result. Named tuples
whose arrays are written are taken apart before the parallel loop: with numba 0.68, members
that were read and written inside it gave wrong results.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.core.gaussian import load_state, store_state
from sim.core.imm import combine, mix, reweigh, transition_over
from sim.core.jit import kernel
from sim.core.motion import predict, predict_cubature
from sim.core.tables import Floats, Measured
from sim.core.unseen_height import guessed_height, update_without_height
from sim.core.update import cubature_update, extended_update, position_update
from sim.tracking.cycle import Cycle
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.store import TrackColumns, copied
from sim.tracking.straight import goes_straight, predict_straight, update_straight
from sim.tracking.turns import Turns

#: Tracks handled by one thread at a time.
BLOCK = 256
#: A weight from here on is taken for certain.
_CERTAIN = 1.0 - 1e-9
#: Tracks that are extrapolated at a time.
_PIECE = 1 << 16
_TIME_DIFFERENCE = int(Measured.TIME_DIFFERENCE)


def predict_tracks(
    tracks: TrackColumns, count: int, to_s: float, models: Models, policy: Policy
) -> None:
    """Move the first ``count`` tracks on to ``to_s``; those already past it stay."""
    _predict_each(tracks, np.full(count, to_s), models, policy)


def _predict_each(tracks: TrackColumns, to_s: Floats, models: Models, policy: Policy) -> None:
    if goes_straight(models, policy):
        q, q_up = models.parameters[0, :2].tolist()
        predict_straight(tracks, to_s, q, q_up)
    else:
        _predict(tracks, to_s, models, policy.cubature)


@kernel(parallel=True)
def _predict(tracks: TrackColumns, to_s: Floats, models: Models, cubature: bool) -> None:
    """Let each track's models interact, and predict them to the track's own ``to_s`` (N,)."""
    mean, covariance, time_s = tracks.mean, tracks.covariance, tracks.time_s
    probability = tracks.probability
    count = to_s.size
    n_models = models.kind.size
    for block in numba.prange((count + BLOCK - 1) // BLOCK):
        x, P = np.empty((n_models, 9)), np.empty((n_models, 9, 9))
        mixed_x, mixed_P = np.empty((n_models, 9)), np.empty((n_models, 9, 9))
        weight, transition = np.empty(n_models), np.empty((n_models, n_models))
        work = np.empty((40, 9))
        for i in range(block * BLOCK, min(count, (block + 1) * BLOCK)):
            dt = to_s[i] - time_s[i]
            if not dt > 0.0:
                continue
            for m in range(n_models):
                weight[m] = probability[m, i]
                load_state(
                    mean, models.mean_row[m], covariance, models.covariance_row[m], i,
                    models.dimension[m], x[m], P[m],
                )  # fmt: skip
            if n_models > 1:
                transition_over(models.sojourn_s, dt, transition)
                mix(models.kind, weight, transition, x, P, mixed_x, mixed_P)
            for m in range(n_models):
                if cubature:
                    predict_cubature(models.kind[m], models.parameters[m], x[m], P[m], dt, work)
                else:
                    predict(models.kind[m], models.parameters[m], x[m], P[m], dt, work)
                probability[m, i] = weight[m]
                store_state(
                    mean, models.mean_row[m], covariance, models.covariance_row[m], i,
                    models.dimension[m], x[m], P[m],
                )  # fmt: skip
            time_s[i] = to_s[i]


@kernel(inline=True)
def take_plot(
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

    ``sigma`` (4,), ``noise`` (6,) and ``rate_only`` (4,) are scratch.
    """
    s = cycle.sensor[j]
    origin, axes = sensors.origin_enu_m[s], sensors.enu_R_sensor[s]
    for a in range(4):
        sigma[a] = cycle.sigma[j, a]
        if shared:
            sigma[a] = math.sqrt(sigma[a] ** 2 + 0.25 * sensors.resolution[s, a] ** 2)
    if not sensors.cartesian[s]:
        if math.isnan(cycle.measurement[j, 2]) and sensors.kind[s] != _TIME_DIFFERENCE:
            square = 0.0
            for a in range(3):
                square += (x[a] - origin[a]) ** 2
            height, height_sigma = guessed_height(
                math.sqrt(square), sensors.height_m[s], policy.start_height_m,
                policy.start_height_sigma_m,
            )  # fmt: skip
            return update_without_height(
                policy.cubature, sensors.kind[s], x, P, n, cycle.measurement[j], sigma, origin,
                axes, sensors.other_enu_m[s], height, height_sigma, policy.start_climb_sigma_mps,
                work,
            )  # fmt: skip
        if policy.cubature:
            return cubature_update(
                sensors.kind[s], x, P, n, cycle.measurement[j], sigma, origin, axes,
                sensors.other_enu_m[s], work,
            )  # fmt: skip
        return extended_update(
            sensors.kind[s], x, P, n, cycle.measurement[j], sigma, origin, axes,
            sensors.other_enu_m[s], work,
        )  # fmt: skip
    for a in range(6):
        noise[a] = cycle.noise[j, a]
    if shared:
        range2 = 0.0
        for a in range(3):
            range2 += (cycle.measurement[j, a] - origin[a]) ** 2
        widest = max(sensors.resolution[s, 0] ** 2, sensors.resolution[s, 1] ** 2 * range2)
        for a in (0, 3, 5):
            noise[a] += 0.25 * widest
    log_likelihood = position_update(x, P, n, cycle.measurement[j], noise, work)
    if not math.isnan(cycle.measurement[j, 3]):
        for a in range(3):
            rate_only[a] = math.nan
        rate_only[3] = cycle.measurement[j, 3]
        log_likelihood += extended_update(
            sensors.kind[s], x, P, n, rate_only, sigma, origin, axes, sensors.other_enu_m[s], work
        )
    return log_likelihood


def update_tracks(
    tracks: TrackColumns,
    count: int,
    turns: Turns,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
) -> None:
    """Let each track take its turns' plots, in order of time.

    A turn with one certain plot is an ordinary update. Else the posterior is the mixture of
    the updates by each plot and of none, moments matched (probabilistic data association:
    Bar-Shalom, Daum and Huang, The Probabilistic Data Association Filter, 2009, with each
    plot's own covariance); with several models the weights are joint over models and plots.
    """
    to_s = np.empty(count)
    straight = goes_straight(models, policy)
    rank = 0
    while prepare_turn(turns, rank, tracks.time_s, to_s):
        _predict_each(tracks, to_s, models, policy)
        if not (straight and update_straight(tracks, rank, turns, cycle, sensors)):
            _update(tracks, rank, turns, cycle, models, sensors, policy)
        rank += 1


@kernel()
def prepare_turn(turns: Turns, rank: int, time_s: Floats, to_s: Floats) -> bool:
    """Write when each track has its turn of this rank; False if none has."""
    any_turn = False
    for i in range(to_s.size):
        t = turns.start[i] + rank
        to_s[i] = time_s[i]
        if t < turns.start[i + 1]:
            any_turn = True
            to_s[i] = turns.time_s[t]
    return any_turn


@kernel(parallel=True)
def _update(
    tracks: TrackColumns,
    rank: int,
    turns: Turns,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
) -> None:
    """Let each track take the plots of its turn of this rank."""
    count = turns.start.size - 1
    mean, covariance, probability = tracks.mean, tracks.covariance, tracks.probability
    n_models = models.kind.size
    pairs_max = 1
    for t in range(turns.first.size):
        pairs_max = max(pairs_max, turns.last[t] - turns.first[t])
    for block in numba.prange((count + BLOCK - 1) // BLOCK):
        x, P = np.empty((n_models, 9)), np.empty((n_models, 9, 9))
        weight = np.empty(n_models)
        many_x = np.empty((pairs_max, n_models, 9))
        many_P = np.empty((pairs_max, n_models, 9, 9))
        fit = np.empty((pairs_max + 1, n_models))
        log_likelihood = np.empty(n_models)
        sigma, noise, rate_only = np.empty(4), np.empty(6), np.empty(4)
        work = np.empty((40, 9))
        for i in range(block * BLOCK, min(count, (block + 1) * BLOCK)):
            t = turns.start[i] + rank
            if t >= turns.start[i + 1]:
                continue
            for m in range(n_models):
                weight[m] = probability[m, i]
                load_state(
                    mean, models.mean_row[m], covariance, models.covariance_row[m], i,
                    models.dimension[m], x[m], P[m],
                )  # fmt: skip
            first, pairs = turns.first[t], turns.last[t] - turns.first[t]
            # One certain plot changes the state in place; else each pair changes a copy.
            certain = pairs == 1 and turns.weight[first] >= _CERTAIN
            for b in range(pairs):
                for m in range(n_models):
                    n = models.dimension[m]
                    if not certain:
                        for k in range(n):
                            many_x[b, m, k] = x[m, k]
                            for c in range(n):
                                many_P[b, m, k, c] = P[m, k, c]
                    fit[b, m] = take_plot(
                        turns.plot[first + b], turns.shared[first + b], cycle, sensors, policy,
                        x[m] if certain else many_x[b, m], P[m] if certain else many_P[b, m], n,
                        sigma, noise, rate_only, work,
                    )  # fmt: skip
            if certain:
                if n_models > 1:
                    reweigh(weight, fit[0])
            else:
                _weigh_jointly(
                    fit, turns.weight, first, pairs, turns.missed[t], weight, log_likelihood
                )
                for m in range(n_models):
                    _match_moments(
                        many_x, many_P, fit, pairs, m, models.dimension[m], weight[m], x, P, work
                    )
            for m in range(n_models):
                probability[m, i] = weight[m]
                store_state(
                    mean, models.mean_row[m], covariance, models.covariance_row[m], i,
                    models.dimension[m], x[m], P[m],
                )  # fmt: skip


@kernel()
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


@kernel()
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


def extrapolate(
    tracks: TrackColumns, count: int, to_s: float, models: Models, policy: Policy
) -> tuple[Floats, Floats]:
    """Return the first tracks' position and velocity at ``to_s``, over all models.

    Returns
    -------
    mean, covariance : (count, 6), (count, 6, 6)
    """
    mean, covariance = np.empty((count, 6)), np.empty((count, 6, 6))
    # A copy is moved on, piece by piece to keep it small.
    for first in range(0, count, _PIECE):
        rows = slice(first, min(count, first + _PIECE))
        piece = copied(tracks, rows)
        predict_tracks(piece, piece.time_s.size, to_s, models, policy)
        _combine(piece, models, mean[rows], covariance[rows])
    return mean, covariance


@kernel()
def _combine(tracks: TrackColumns, models: Models, mean: Floats, covariance: Floats) -> None:
    """Write every track's moments over its models."""
    n_models = models.kind.size
    x, P = np.empty((n_models, 9)), np.empty((n_models, 9, 9))
    weight = np.empty(n_models)
    for i in range(mean.shape[0]):
        for m in range(n_models):
            weight[m] = tracks.probability[m, i]
            load_state(
                tracks.mean, models.mean_row[m], tracks.covariance, models.covariance_row[m], i,
                models.dimension[m], x[m], P[m],
            )  # fmt: skip
        combine(weight, x, P, mean[i], covariance[i])
