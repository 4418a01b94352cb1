"""The short way for the commonest filter: one constant-velocity model, measured positions.

The same arithmetic as ``sim.tracking.predicting`` and ``updating`` do track by track, here over
whole columns at once, without a matrix in between.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.core.gaussian import kalman_cycle
from sim.core.jit import kernel
from sim.core.motion import Motion
from sim.core.tables import Floats
from sim.tracking.cycle import Cycle
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.store import TrackColumns
from sim.tracking.turns import Turns

#: Tracks handled by one thread at a time.
BLOCK = 4096
_CONSTANT_VELOCITY = int(Motion.CONSTANT_VELOCITY)
#: Variance of a position that says nothing, m².
_NOTHING_M2 = 1e30


def goes_straight(models: Models, policy: Policy) -> bool:
    """Tell whether there is one constant-velocity model, and no cubature."""
    return models.kind.tolist() == [_CONSTANT_VELOCITY] and not policy.cubature


@kernel(parallel=True)
def predict_straight(tracks: TrackColumns, to_s: Floats, q: float, q_up: float) -> None:
    """Move each track to its own ``to_s`` (N,); those already past it stay.

    Continuous white-noise acceleration, as ``sim.core.motion.predict_constant_velocity``.
    """
    mean, C, time_s = tracks.mean, tracks.covariance, tracks.time_s
    n = to_s.size
    for block in numba.prange((n + BLOCK - 1) // BLOCK):
        for i in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            dt = to_s[i] - time_s[i]
            if not dt > 0.0:
                continue
            time_s[i] = to_s[i]
            for a in range(3):
                mean[a, i] += dt * mean[a + 3, i]
            v00, v01, v02 = C[15, i], C[16, i], C[17, i]
            v11, v12, v22 = C[18, i], C[19, i], C[20, i]
            c00, c01, c02 = C[6, i] + dt * v00, C[7, i] + dt * v01, C[8, i] + dt * v02
            c10, c11, c12 = C[9, i] + dt * v01, C[10, i] + dt * v11, C[11, i] + dt * v12
            c20, c21, c22 = C[12, i] + dt * v02, C[13, i] + dt * v12, C[14, i] + dt * v22
            # Pp + dt (C + Cᵀ) + dt² V, with the stale C read once more.
            q_pp, q_pv, q_vv = q * dt * dt * dt / 3.0, q * dt * dt / 2.0, q * dt
            up = q_up / q
            C[0, i] += dt * (C[6, i] + c00) + q_pp
            C[1, i] += dt * (C[9, i] + c01)
            C[2, i] += dt * (C[12, i] + c02)
            C[3, i] += dt * (C[10, i] + c11) + q_pp
            C[4, i] += dt * (C[13, i] + c12)
            C[5, i] += dt * (C[14, i] + c22) + q_pp * up
            C[6, i], C[7, i], C[8, i] = c00 + q_pv, c01, c02
            C[9, i], C[10, i], C[11, i] = c10, c11 + q_pv, c12
            C[12, i], C[13, i], C[14, i] = c20, c21, c22 + q_pv * up
            C[15, i] = v00 + q_vv
            C[18, i] = v11 + q_vv
            C[20, i] = v22 + q_vv * up


def update_straight(
    tracks: TrackColumns, rank: int, turns: Turns, cycle: Cycle, sensors: SensorColumns
) -> bool:
    """Update all tracks by their turn's positions, if each has one certain position at most.

    Returns
    -------
    bool
        False, with nothing done, if some turn asks for more.
    """
    count = turns.start.size - 1
    measured, noise = np.zeros((3, count)), np.zeros((6, count))
    noise[[0, 3, 5]] = _NOTHING_M2
    if not _collect(rank, turns, cycle, sensors, measured, noise):
        return False
    kalman_cycle(tracks.mean, tracks.covariance, measured, noise, 0.0, 0.0)
    return True


@kernel()
def _collect(
    rank: int,
    turns: Turns,
    cycle: Cycle,
    sensors: SensorColumns,
    measured: Floats,
    noise: Floats,
) -> bool:
    """Write each track's position and its noise; False at the first that is not so simple."""
    for i in range(turns.start.size - 1):
        t = turns.start[i] + rank
        if t >= turns.start[i + 1]:
            continue
        first = turns.first[t]
        j = turns.plot[first]
        certain = turns.last[t] - first == 1 and turns.missed[t] <= 0.0
        if not certain or turns.shared[first] or not sensors.cartesian[cycle.sensor[j]]:
            return False
        if not math.isnan(cycle.measurement[j, 3]):
            return False
        for a in range(3):
            measured[a, i] = cycle.measurement[j, a]
        for a in range(6):
            noise[a, i] = cycle.noise[j, a]
    return True
