"""Kernels of the compiled engine: update, start and extrapolate many tracks.

Tracks lie column by column in arrays (see ``sim.tracking.store``); what runs in
parallel changes each column by itself, so threads cannot change a result.
"""

from __future__ import annotations

import math

import numba
import numpy as np

from sim.core.gaussian import pack, scalar_update, unpack
from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.jit import kernel
from sim.core.measurement import polar, polar_to_position, wrap_angle
from sim.core.motion import predict_constant_velocity
from sim.core.tables import Bools, Floats, Ints, TrackStatus
from sim.tracking.cycle import Cycle
from sim.tracking.life import book
from sim.tracking.policy import Policy, SensorColumns
from sim.tracking.store import TrackColumns

#: Tracks handled by one thread at a time.
BLOCK = 256
#: Close by, a guessed height would put a track at steep elevations where few targets fly.
_ELEVATION_LIMIT_RAD = 0.25
_ELEVATION_SIGMA_MAX_RAD = 0.25
_TENTATIVE = int(TrackStatus.TENTATIVE)


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
    tracks: TrackColumns,
    columns: Ints,
    first_pair: Ints,
    pair_plot: Ints,
    cycle: Cycle,
    origins: Floats,
    enu_R_sensors: Floats,
    q_horizontal: float,
    q_vertical: float,
) -> None:
    """Predict to and update by each track's plots, in order of time.

    ``columns`` (T,) are the tracks to change; the k-th takes the plots
    ``pair_plot[first_pair[k]:first_pair[k + 1]]``.
    """
    n = columns.size
    # Named tuples are taken apart before the parallel loop: with numba 0.68, members that
    # were read and written inside it gave wrong results.
    mean, covariance, time_s = tracks.mean, tracks.covariance, tracks.time_s
    plot_time, plot_sensor = cycle.time_s, cycle.sensor
    measurement, sigma = cycle.measurement, cycle.sigma
    for block in numba.prange((n + BLOCK - 1) // BLOCK):
        x = np.empty(6)
        P = np.empty((6, 6))
        predicted = np.empty(4)
        H = np.empty((4, 6))
        for k in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            i = columns[k]
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
def _start_from(
    tracks: TrackColumns,
    count: int,
    older: int,
    first: int,
    last: int,
    taken: Bools,
    cycle: Cycle,
    sensors: SensorColumns,
    policy: Policy,
) -> int:
    """Start a track from each free plot of one sensor that no other sensor's newborn explains.

    The sensor's plots are the rows ``first`` … ``last`` − 1; those ``taken`` are not free.
    The columns ``older`` … ``count`` − 1 were started in this cycle by other sensors: a
    plot within the gate of one starts no second track. Returns the number of tracks after.
    """
    position = np.empty(3)
    C = np.empty((3, 3))
    x = np.empty(6)
    P = np.empty((6, 6))
    predicted = np.empty(4)
    H = np.empty((4, 6))
    born = count
    s = cycle.sensor[first]
    origin, axes = sensors.origin_enu_m[s], sensors.enu_R_sensor[s]
    for j in range(first, last):
        if taken[j]:
            continue
        _locate(j, cycle, sensors, policy, position, C)
        explained = False
        for i in range(older, count):
            apart_s = abs(cycle.time_s[j] - tracks.time_s[i])
            spread = policy.start_speed_sigma_mps * apart_s
            if _distance(tracks.mean, tracks.covariance, i, position, C, spread) <= policy.gates[3]:
                explained = True
                break
        if explained:
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
                    rate_sigma = policy.start_speed_sigma_mps
                    if c == 2:
                        rate_sigma = policy.start_climb_sigma_mps
                    P[a + 3, b + 3] += axes[a, c] * axes[b, c] * rate_sigma**2
        update_by_plot(x, P, cycle.measurement[j], cycle.sigma[j], origin, axes, 3, predicted, H)
        for d in range(6):
            tracks.mean[d, born] = x[d]
        pack(P, tracks.covariance, born)
        tracks.time_s[born] = cycle.time_s[j]
        tracks.status[born] = _TENTATIVE
        tracks.birth_s[born] = cycle.time_s[j]
        tracks.birth_period_s[born] = sensors.period_s[s]
        tracks.look[born] = 0
        tracks.history[born] = 0
        tracks.hits[born] = 0
        for r in range(3):
            tracks.replies[r, born] = 0
        tracks.sensors[born] = 0
        book(tracks, born, j, cycle, sensors)
        born += 1
    return born


@kernel()
def start_tracks(
    tracks: TrackColumns,
    count: int,
    taken: Bools,
    cycle: Cycle,
    sensors: SensorColumns,
    policy: Policy,
) -> int:
    """Start tracks from the plots that no track took, sensor by sensor.

    ``taken`` (M,) marks the plots that are not free. New tracks lie behind column
    ``count``, where there is room. Returns the number of tracks after.
    """
    older = count
    first = 0
    while first < cycle.sensor.size:
        last = first
        while last < cycle.sensor.size and cycle.sensor[last] == cycle.sensor[first]:
            last += 1
        count = _start_from(tracks, count, older, first, last, taken, cycle, sensors, policy)
        first = last
    return count


@kernel()
def _locate(
    j: int,
    cycle: Cycle,
    sensors: SensorColumns,
    policy: Policy,
    position: Floats,
    covariance: Floats,
) -> None:
    """Write a plot's position and covariance; a missing elevation comes from a guessed height."""
    s = cycle.sensor[j]
    range_m, azimuth, elevation = cycle.measurement[j, 0], cycle.measurement[j, 1], 0.0
    sigma = cycle.sigma[j, :3].copy()
    if math.isnan(cycle.measurement[j, 2]):
        drop = range_m * range_m / (2.0 * MEAN_EARTH_RADIUS_M)
        sine = (policy.start_height_m - sensors.height_m[s] - drop) / range_m
        limit = math.sin(_ELEVATION_LIMIT_RAD)
        elevation = math.asin(max(-limit, min(limit, sine)))
        sigma[2] = min(policy.start_height_sigma_m / range_m, _ELEVATION_SIGMA_MAX_RAD)
    else:
        elevation = cycle.measurement[j, 2]
    polar_to_position(
        range_m,
        azimuth,
        elevation,
        sigma,
        sensors.origin_enu_m[s],
        sensors.enu_R_sensor[s],
        position,
        covariance,
    )


@kernel()
def _distance(
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
def extrapolate(
    tracks: TrackColumns,
    to_s: float,
    q_horizontal: float,
    q_vertical: float,
    position: Floats,
    velocity: Floats,
    position_covariance: Floats,
) -> None:
    """Write the first tracks' position, velocity and position covariance at ``to_s``."""
    x = np.empty(6)
    P = np.empty((6, 6))
    for i in range(position.shape[0]):
        for d in range(6):
            x[d] = tracks.mean[d, i]
        unpack(tracks.covariance, i, P)
        dt = max(to_s - tracks.time_s[i], 0.0)
        predict_constant_velocity(x, P, dt, q_horizontal, q_vertical)
        for a in range(3):
            position[i, a] = x[a]
            velocity[i, a] = x[a + 3]
            for b in range(3):
                position_covariance[i, a, b] = P[a, b]
