"""Kernels that move many tracks on and let them take their plots.

Tracks lie column by column in arrays (see ``sim.tracking.store``); what runs in
parallel changes each column by itself, so threads cannot change a result. Named tuples
whose arrays are written are taken apart before the parallel loop: with numba 0.68, members
that were read and written inside it gave wrong results. The loops over tracks are leaf
kernels: elsewhere every slice costs a reference count, for which the threads contend.
"""

from __future__ import annotations

import numba
import numpy as np

from sim.core.gaussian import PACKED_ROW
from sim.core.imm import combine
from sim.core.jit import kernel
from sim.core.tables import Floats
from sim.tracking.cycle import Cycle
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.predicting import BLOCK, predict_columns
from sim.tracking.store import TrackColumns, load_models
from sim.tracking.straight import goes_straight, predict_straight, update_straight
from sim.tracking.turns import Turns
from sim.tracking.updating import update_columns

#: Tracks that are extrapolated at a time.
_PIECE = 1 << 16


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
        predict_columns(tracks, to_s, models, policy.cubature)


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
            update_columns(tracks, rank, turns, cycle, models, sensors, policy)
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
    n_models = models.kind.size
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
            load_models(means, covariances, i, probability, i, models, weight, x, P)
            combine(weight, x, P, mean[i], covariance[i])
