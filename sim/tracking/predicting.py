"""Moving many tracks on, each by all its models.

The loops over tracks are leaf kernels: elsewhere every slice costs a reference count, for
which threads contend.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.core.gaussian import put_strip, take_strip
from sim.core.imm import mix, transition_over
from sim.core.jit import kernel
from sim.core.motion import predict, predict_cubature
from sim.core.tables import Floats
from sim.tracking.policy import Models
from sim.tracking.store import TrackColumns, load_models, store_models

#: Tracks handled by one thread at a time.
BLOCK = 256
#: Tracks that are copied into the processor's cache at a time.
STRIP = 16


@kernel(parallel=True)
def predict_columns(tracks: TrackColumns, to_s: Floats, models: Models, cubature: bool) -> None:
    """Let each track's models interact, and predict them to the track's own ``to_s`` (N,)."""
    count, n_models = to_s.size, models.kind.size
    mean_rows, covariance_rows = tracks.mean.shape[0], tracks.covariance.shape[0]
    for block in numba.prange((count + BLOCK - 1) // BLOCK):
        x, P = np.empty((n_models, 9)), np.empty((n_models, 9, 9))
        mixed_x, mixed_P = np.empty((n_models + 1, 9)), np.empty((n_models, 9, 9))
        weight, transition = np.empty(n_models), np.empty((n_models, n_models))
        strip_mean = np.empty((mean_rows, STRIP))
        strip_covariance = np.empty((covariance_rows, STRIP))
        work = np.empty((40, 9))
        for first in range(block * BLOCK, min(count, (block + 1) * BLOCK), STRIP):
            _predict_strip(
                first, min(STRIP, count - first), tracks, to_s, models, cubature, x, P, mixed_x,
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
    n_models = models.kind.size
    take_strip(tracks.mean, first, size, strip_mean)
    take_strip(tracks.covariance, first, size, strip_covariance)
    mixed_dt = math.nan
    for i in range(first, first + size):
        dt = to_s[i] - time_s[i]
        if not dt > 0.0:
            continue
        load_models(strip_mean, strip_covariance, i - first, probability, i, models, weight, x, P)
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
        store_models(strip_mean, strip_covariance, i - first, probability, i, models, weight, x, P)
        time_s[i] = to_s[i]
    put_strip(tracks.mean, first, size, strip_mean)
    put_strip(tracks.covariance, first, size, strip_covariance)
