"""Kernels that move many tracks on and let them take their plots.

Tracks lie column by column in arrays (see ``sim.tracking.store``); what runs in
parallel changes each column by itself, so threads cannot change a result. Named tuples
whose arrays are written are taken apart before the parallel loop: with numba 0.68, members
that were read and written inside it gave wrong results. The loops over tracks are leaf
kernels: elsewhere every slice costs a reference count, for which the threads contend.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.core.gaussian import PACKED_ROW, load_state, put_strip, store_state, take_strip
from sim.core.imm import combine, mix, reweigh, transition_over
from sim.core.jit import kernel
from sim.core.motion import predict, predict_cubature
from sim.core.tables import Floats, Measured
from sim.core.unseen_height import guessed_height, update_without_height
from sim.core.update import cubature_update, extended_update, position_update
from sim.tracking.cycle import Cycle
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.store import TrackColumns
from sim.tracking.straight import goes_straight, predict_straight, update_straight
from sim.tracking.turns import Turns

#: Tracks handled by one thread at a time.
BLOCK = 256
#: A weight from here on is taken for certain.
_CERTAIN = 1.0 - 1e-9
#: Tracks that are copied into the processor's cache at a time.
_STRIP = 16
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
    count, n_models = to_s.size, models.kind.size
    mean_rows, covariance_rows = tracks.mean.shape[0], tracks.covariance.shape[0]
    for block in numba.prange((count + BLOCK - 1) // BLOCK):
        x, P = np.empty((n_models, 9)), np.empty((n_models, 9, 9))
        mixed_x, mixed_P = np.empty((n_models + 1, 9)), np.empty((n_models, 9, 9))
        weight, transition = np.empty(n_models), np.empty((n_models, n_models))
        strip_mean = np.empty((mean_rows, _STRIP))
        strip_covariance = np.empty((covariance_rows, _STRIP))
        work = np.empty((40, 9))
        for first in range(block * BLOCK, min(count, (block + 1) * BLOCK), _STRIP):
            _predict_strip(
                first, min(_STRIP, count - first), tracks, to_s, models, cubature, x, P, mixed_x,
                mixed_P, weight, transition, strip_mean, strip_covariance, work,
            )  # fmt: skip


@kernel(leaf=True)
def _predict_strip(
    first: int,
    size: int,
    tracks: TrackColumns,
    to_s: Floats,
    models: Models,
    cubature: bool,
    x: Floats,
    P: Floats,
    mixed_x: Floats,
    mixed_P: Floats,
    weight: Floats,
    transition: Floats,
    strip_mean: Floats,
    strip_covariance: Floats,
    work: Floats,
) -> None:
    time_s, probability = tracks.time_s, tracks.probability
    mean_row, covariance_row, dimension = models.mean_row, models.covariance_row, models.dimension
    n_models = models.kind.size
    take_strip(tracks.mean, first, size, strip_mean)
    take_strip(tracks.covariance, first, size, strip_covariance)
    mixed_dt = math.nan
    for i in range(first, first + size):
        dt = to_s[i] - time_s[i]
        if not dt > 0.0:
            continue
        for m in range(n_models):
            weight[m] = probability[m, i]
            load_state(
                strip_mean, mean_row[m], strip_covariance, covariance_row[m], i - first,
                dimension[m], x[m], P[m],
            )  # fmt: skip
        if n_models > 1:
            if dt != mixed_dt:
                transition_over(models.sojourn_s, dt, transition)
                mixed_dt = dt
            mix(models.kind, weight, transition, x, P, mixed_x, mixed_P)
        for m in range(n_models):
            if cubature:
                predict_cubature(models.kind[m], models.parameters[m], x[m], P[m], dt, work)
            else:
                predict(models.kind[m], models.parameters[m], x[m], P[m], dt, work)
            probability[m, i] = weight[m]
            store_state(
                strip_mean, mean_row[m], strip_covariance, covariance_row[m], i - first,
                dimension[m], x[m], P[m],
            )  # fmt: skip
        time_s[i] = to_s[i]
    put_strip(tracks.mean, first, size, strip_mean)
    put_strip(tracks.covariance, first, size, strip_covariance)


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
        strip_mean = np.empty((mean_rows, _STRIP))
        strip_covariance = np.empty((covariance_rows, _STRIP))
        work = np.empty((40, 9))
        for first in range(block * BLOCK, min(count, (block + 1) * BLOCK), _STRIP):
            _update_strip(
                first, min(_STRIP, count - first), tracks, rank, turns, cycle, models, sensors,
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
    mean_row, covariance_row, dimension = models.mean_row, models.covariance_row, models.dimension
    n_models = dimension.size
    take_strip(tracks.mean, strip, size, strip_mean)
    take_strip(tracks.covariance, strip, size, strip_covariance)
    for i in range(strip, strip + size):
        t = turns.start[i] + rank
        if t >= turns.start[i + 1]:
            continue
        for m in range(n_models):
            weight[m] = probability[m, i]
            load_state(
                strip_mean, mean_row[m], strip_covariance, covariance_row[m], i - strip,
                dimension[m], x[m], P[m],
            )  # fmt: skip
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
        for m in range(n_models):
            probability[m, i] = weight[m]
            store_state(
                strip_mean, mean_row[m], strip_covariance, covariance_row[m], i - strip,
                dimension[m], x[m], P[m],
            )  # fmt: skip
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
        piece = tracks._replace(
            mean=tracks.mean[:, rows].copy(),
            covariance=tracks.covariance[:, rows].copy(),
            probability=tracks.probability[:, rows].copy(),
            time_s=tracks.time_s[rows].copy(),
        )
        predict_tracks(piece, piece.time_s.size, to_s, models, policy)
        _combine(
            piece.mean, piece.covariance, piece.probability, models, mean[rows], covariance[rows]
        )
    return mean, covariance


@kernel(parallel=True)
def _combine(
    means: Floats,
    covariances: Floats,
    probability: Floats,
    models: Models,
    mean: Floats,
    covariance: Floats,
) -> None:
    """Write every track's moments over its models."""
    n = mean.shape[0]
    mean_row, covariance_row, dimension = models.mean_row, models.covariance_row, models.dimension
    n_models = dimension.size
    for block in numba.prange((n + BLOCK - 1) // BLOCK):
        x, P = np.empty((n_models, 9)), np.empty((n_models, 9, 9))
        weight = np.empty(n_models)
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            if n_models == 1:
                for a in range(6):
                    mean[i, a] = means[a, i]
                    for b in range(6):
                        covariance[i, a, b] = covariances[PACKED_ROW[a, b], i]
                continue
            for m in range(n_models):
                weight[m] = probability[m, i]
                load_state(
                    means, mean_row[m], covariances, covariance_row[m], i, dimension[m], x[m], P[m]
                )
            combine(weight, x, P, mean[i], covariance[i])
