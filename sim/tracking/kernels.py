"""Kernels of the compiled engine: update, start, age and extrapolate many tracks.

Tracks lie column by column in arrays (see ``sim.tracking.store``); every kernel loops
over columns and changes each by itself, so threads cannot change a result.
"""

from __future__ import annotations

import math

import numba
import numpy as np
from numpy.typing import NDArray

from sim.core.gaussian import pack, scalar_update, unpack
from sim.core.jit import kernel
from sim.core.measurement import polar, polar_to_position, wrap_angle
from sim.core.motion import predict_constant_velocity
from sim.core.tables import Bools, Bytes, Floats, Ints

#: Tracks handled by one thread at a time.
BLOCK = 256
#: Mean radius of the earth (m), for guessing an elevation from a height.
_EARTH_RADIUS_M = 6_371_000.0
#: Close by, a guessed height would put a track at steep elevations where few targets fly.
_ELEVATION_LIMIT_RAD = 0.25
_ELEVATION_SIGMA_MAX_RAD = 0.25
_TENTATIVE, _CONFIRMED, _COASTING = 0, 1, 2


@kernel()
def update_by_plot(
    x: Floats,
    P: Floats,
    measurement: Floats,
    sigma: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    first: int,
    predicted: Floats,
    H: Floats,
) -> None:
    """Extended Kalman update by the components ``first`` … 3 of a polar plot, in place.

    Components are independent, so they are taken one by one, all linearised at the
    prior: the same posterior as the joint update, without a matrix inverse.
    """
    polar(x, origin, enu_R_sensor, predicted, H)
    prior = x.copy()
    for a in range(first, 4):
        if math.isnan(measurement[a]):
            continue
        innovation = measurement[a] - predicted[a]
        if a == 1:
            innovation = wrap_angle(innovation)
        for k in range(6):
            innovation -= H[a, k] * (x[k] - prior[k])
        scalar_update(x, P, H[a], innovation, sigma[a] * sigma[a])


@kernel(parallel=True)
def update_tracks(
    mean: Floats,
    covariance: Floats,
    time_s: Floats,
    tracks: Ints,
    first_pair: Ints,
    pair_plot: Ints,
    plot_time: Floats,
    plot_sensor: Ints,
    measurement: Floats,
    sigma: Floats,
    origins: Floats,
    enu_R_sensors: Floats,
    q_horizontal: float,
    q_vertical: float,
) -> None:
    """Predict to and update by each track's plots, in order of time.

    ``tracks`` (T,) are the columns to change; track k takes the plots
    ``pair_plot[first_pair[k]:first_pair[k + 1]]``.
    """
    n = tracks.size
    for block in numba.prange((n + BLOCK - 1) // BLOCK):
        x = np.empty(6)
        P = np.empty((6, 6))
        predicted = np.empty(4)
        H = np.empty((4, 6))
        for k in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            i = tracks[k]
            for d in range(6):
                x[d] = mean[d, i]
            unpack(covariance, i, P)
            for e in range(first_pair[k], first_pair[k + 1]):
                j = pair_plot[e]
                s = plot_sensor[j]
                predict_constant_velocity(x, P, plot_time[j] - time_s[i], q_horizontal, q_vertical)
                time_s[i] = plot_time[j]
                update_by_plot(
                    x, P, measurement[j], sigma[j], origins[s], enu_R_sensors[s], 0, predicted, H
                )
            for d in range(6):
                mean[d, i] = x[d]
            pack(P, covariance, i)


@kernel()
def start_tracks(
    mean: Floats,
    covariance: Floats,
    time_s: Floats,
    n_tracks: int,
    n_newborn_elsewhere: int,
    plots: Ints,
    plot_time: Floats,
    measurement: Floats,
    sigma: Floats,
    origin: Floats,
    enu_R_sensor: Floats,
    sensor_height: float,
    start_height: float,
    start_height_sigma: float,
    speed_sigma: float,
    climb_sigma: float,
    gate: float,
    started: Bools,
) -> int:
    """Start a track from each plot that no other sensor's newborn explains.

    ``plots`` are rows of one sensor's plots that no track took. The columns
    ``n_tracks − n_newborn_elsewhere … n_tracks − 1`` were started in this cycle by other
    sensors: a plot within the ``gate`` of one starts no second track. New states are
    written behind column ``n_tracks``; ``started`` (len(plots),) tells which plots did.

    Returns
    -------
    int
        The number of tracks after starting.
    """
    position = np.empty(3)
    C = np.empty((3, 3))
    x = np.empty(6)
    P = np.empty((6, 6))
    predicted = np.empty(4)
    H = np.empty((4, 6))
    polar_sigma = np.empty(3)
    count = n_tracks
    for k in range(plots.size):
        j = plots[k]
        range_m = measurement[j, 0]
        for a in range(3):
            polar_sigma[a] = sigma[j, a]
        elevation = measurement[j, 2]
        if math.isnan(elevation):
            drop = range_m * range_m / (2.0 * _EARTH_RADIUS_M)
            sine = (start_height - sensor_height - drop) / range_m
            limit = math.sin(_ELEVATION_LIMIT_RAD)
            elevation = math.asin(max(-limit, min(limit, sine)))
            polar_sigma[2] = min(start_height_sigma / range_m, _ELEVATION_SIGMA_MAX_RAD)
        polar_to_position(
            range_m, measurement[j, 1], elevation, polar_sigma, origin, enu_R_sensor, position, C
        )
        started[k] = True
        for i in range(n_tracks - n_newborn_elsewhere, n_tracks):
            apart = abs(plot_time[j] - time_s[i])
            if _explains(mean, covariance, i, position, C, speed_sigma * apart) <= gate:
                started[k] = False
                break
        if not started[k]:
            continue
        for a in range(3):
            x[a] = position[a]
            x[a + 3] = 0.0
            for b in range(3):
                P[a, b] = C[a, b]
                P[a, b + 3] = 0.0
                P[a + 3, b] = 0.0
                P[a + 3, b + 3] = 0.0
                for c in range(3):
                    rate_sigma = climb_sigma if c == 2 else speed_sigma
                    P[a + 3, b + 3] += enu_R_sensor[a, c] * enu_R_sensor[b, c] * rate_sigma**2
        update_by_plot(x, P, measurement[j], sigma[j], origin, enu_R_sensor, 3, predicted, H)
        for d in range(6):
            mean[d, count] = x[d]
        pack(P, covariance, count)
        time_s[count] = plot_time[j]
        count += 1
    return count


@kernel()
def _explains(
    mean: Floats, covariance: Floats, i: int, position: Floats, C: Floats, spread: float
) -> float:
    """Squared distance of a plot's position to a track, both uncertainties added."""
    s00 = covariance[0, i] + C[0, 0] + spread * spread
    s01 = covariance[1, i] + C[0, 1]
    s02 = covariance[2, i] + C[0, 2]
    s11 = covariance[3, i] + C[1, 1] + spread * spread
    s12 = covariance[4, i] + C[1, 2]
    s22 = covariance[5, i] + C[2, 2] + spread * spread
    a = position[0] - mean[0, i]
    b = position[1] - mean[1, i]
    c = position[2] - mean[2, i]
    m00 = s11 * s22 - s12 * s12
    m01 = s02 * s12 - s01 * s22
    m02 = s01 * s12 - s02 * s11
    m11 = s00 * s22 - s02 * s02
    m12 = s01 * s02 - s00 * s12
    m22 = s00 * s11 - s01 * s01
    determinant = s00 * m00 + s01 * m01 + s02 * m02
    squares = a * a * m00 + b * b * m11 + c * c * m22
    distance: float = (squares + 2.0 * (a * b * m01 + a * c * m02 + b * c * m12)) / determinant
    return distance


@kernel()
def _bits(word: int) -> int:
    count = 0
    while word:
        word &= word - 1
        count += 1
    return count


@kernel()
def count_hits(
    tracks: Ints,
    pair_plot: Ints,
    plot_time: Floats,
    plot_sensor: Ints,
    reply: Bytes,
    periods: Floats,
    birth_s: Floats,
    birth_period_s: Floats,
    look: Ints,
    history: NDArray[np.int64],
    last_plot_s: Floats,
    last_period_s: Floats,
    hits: Ints,
    replies: Ints,
    sensors: NDArray[np.uint64],
) -> None:
    """Book the plots that updated tracks: ``tracks[k]`` took ``pair_plot[k]``.

    ``history`` holds one bit per look of the sensor that started the track, the latest
    in bit 0; ``look`` is the number of that latest look.
    """
    for k in range(tracks.size):
        i = tracks[k]
        j = pair_plot[k]
        s = plot_sensor[j]
        now = math.floor((plot_time[j] - birth_s[i]) / birth_period_s[i] + 0.5)
        if now > look[i]:
            history[i] = (history[i] << min(now - look[i], 40)) & 0xFFFFFFFF
            look[i] = now
        history[i] |= 1
        last_plot_s[i] = plot_time[j]
        last_period_s[i] = periods[s]
        hits[i] += 1
        replies[reply[j], i] += 1
        sensors[i] |= np.uint64(1) << np.uint64(s % 64)


@kernel()
def age_tracks(
    now_s: float,
    n_tracks: int,
    covariance: Floats,
    time_s: Floats,
    q_horizontal: float,
    birth_s: Floats,
    birth_period_s: Floats,
    look: Ints,
    history: NDArray[np.int64],
    last_plot_s: Floats,
    last_period_s: Floats,
    confirm_hits: int,
    confirm_looks: int,
    coast_max_s: float,
    position_variance_max: float,
    status: Bytes,
    alive: Bools,
) -> None:
    """Confirm, coast and drop tracks as of ``now_s``; ``status`` and ``alive`` are written.

    A tentative track is confirmed by M hits in its last N looks and dropped once M can no
    longer be reached in its first N. A confirmed one coasts when 1.5 periods of its last
    sensor passed without a plot, and is dropped after ``coast_max_s`` or when its
    horizontal position has become too uncertain.
    """
    mask = (1 << confirm_looks) - 1
    for i in range(n_tracks):
        alive[i] = True
        if status[i] == _TENTATIVE:
            hits = _bits(history[i] & mask)
            closed = math.floor((now_s - birth_s[i]) / birth_period_s[i] - 0.5)
            misses = max(closed, look[i]) + 1 - _bits(history[i])
            if hits >= confirm_hits:
                status[i] = _CONFIRMED
            elif misses > confirm_looks - confirm_hits:
                alive[i] = False
        if status[i] != _TENTATIVE:
            silent = now_s - last_plot_s[i]
            status[i] = _COASTING if silent > 1.5 * last_period_s[i] else _CONFIRMED
            dt = now_s - time_s[i]
            growth = q_horizontal * dt * dt * dt / 3.0
            east = covariance[0, i] + dt * (2.0 * covariance[6, i] + dt * covariance[15, i])
            north = covariance[3, i] + dt * (2.0 * covariance[10, i] + dt * covariance[18, i])
            if silent > coast_max_s or max(east, north) + growth > position_variance_max:
                alive[i] = False


@kernel()
def extrapolate(
    mean: Floats,
    covariance: Floats,
    time_s: Floats,
    to_s: float,
    q_horizontal: float,
    q_vertical: float,
    position: Floats,
    velocity: Floats,
    position_covariance: Floats,
) -> None:
    """Write every track's position, velocity and position covariance at ``to_s``."""
    x = np.empty(6)
    P = np.empty((6, 6))
    for i in range(position.shape[0]):
        for d in range(6):
            x[d] = mean[d, i]
        unpack(covariance, i, P)
        predict_constant_velocity(x, P, max(to_s - time_s[i], 0.0), q_horizontal, q_vertical)
        for a in range(3):
            position[i, a] = x[a]
            velocity[i, a] = x[a + 3]
            for b in range(3):
                position_covariance[i, a, b] = P[a, b]
