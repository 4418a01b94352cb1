"""Starting tracks from the plots that no track took."""

from __future__ import annotations

import math

import numpy as np

from sim.core.gaussian import store_state
from sim.core.geodesy import MEAN_EARTH_RADIUS_M
from sim.core.jit import kernel
from sim.core.measurement import polar_to_position
from sim.core.motion import initial_extra
from sim.core.neighbours import Bucket, empty_buckets, near, put_in_bucket
from sim.core.tables import Bools, Floats, Ints, Measured, TrackStatus
from sim.core.unseen_height import guessed_height
from sim.core.update import extended_update, position_log_likelihood
from sim.tracking.cycle import Cycle
from sim.tracking.life import book
from sim.tracking.policy import Models, Policy, SensorColumns
from sim.tracking.store import TrackColumns

_NO_HEIGHT_VARIANCE_M2 = 1e9
_NEIGHBOURS_MAX = 1000
_TENTATIVE = int(TrackStatus.TENTATIVE)
_POLAR = int(Measured.POLAR)
_BISTATIC = int(Measured.BISTATIC)


@kernel()
def start_tracks(
    tracks: TrackColumns,
    count: int,
    taken: Bools,
    cycle: Cycle,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
) -> int:
    """Start a track from each free plot that fixes a place and that no newborn explains.

    ``taken`` (K,) marks the plots that are not free, and then also those that started a
    track, in the order of the tracks. New tracks lie behind column ``count``, where there is
    room. A plot within the gate of a track that another sensor's
    plot started in this cycle starts no second one. Returns the number of tracks after.
    """
    scans = cycle.scan_sensor.size
    several = scans > 1
    room = 1
    for j in range(taken.size):
        if several and not taken[j]:
            room += 1
    buckets = empty_buckets(room)
    widest = 0.0
    position, noise = np.empty(3), np.empty(6)
    x, P, work = np.empty(9), np.empty((9, 9)), np.empty((40, 9))
    found = np.empty(_NEIGHBOURS_MAX, np.int32)
    for g in range(scans):
        s = cycle.scan_sensor[g]
        older = buckets.entries[0]
        before = count
        for j in range(cycle.scan_first[g], cycle.scan_first[g + 1]):
            if taken[j] or not locate(j, cycle, sensors, policy, position, noise):
                continue
            if older and explained(
                tracks, j, cycle, policy, position, noise, widest, buckets, P, found
            ):
                continue
            begin_state(s, position, noise, sensors, policy, x, P)
            take_rate(j, cycle, sensors, x, P, work)
            give_birth(tracks, count, cycle.time_s[j], s, x, P, models, sensors, policy)
            book(tracks, count, j, cycle, sensors)
            taken[j] = True
            count += 1
        if several and g + 1 < scans:
            widest = enter_newborns(tracks, before, count, widest, buckets)
    return count


@kernel()
def enter_newborns(
    tracks: TrackColumns, first: int, last: int, widest: float, buckets: Bucket
) -> float:
    """Let ``explained`` know of columns first … last − 1; return the largest variance so far."""
    for i in range(first, last):
        widest = max(widest, tracks.covariance[0, i], tracks.covariance[3, i])
    if first < last and buckets.width[0] == 0.0:
        buckets.width[0] = max(100.0, 6.0 * math.sqrt(widest))
    for i in range(first, last):
        put_in_bucket(buckets, tracks.mean[0, i], tracks.mean[1, i], i)
    return widest


@kernel()
def take_rate(
    j: int, cycle: Cycle, sensors: SensorColumns, x: Floats, P: Floats, work: Floats
) -> None:
    """Update a newborn's state (6,) by the range rate of plot j, if it was measured."""
    if math.isnan(cycle.measurement[j, 3]):
        return
    s = cycle.sensor[j]
    rate_only = np.full(4, np.nan)
    rate_only[3] = cycle.measurement[j, 3]
    extended_update(
        sensors.kind[s],
        x,
        P,
        6,
        rate_only,
        cycle.sigma[j],
        sensors.origin_enu_m[s],
        sensors.enu_R_sensor[s],
        sensors.other_enu_m[s],
        work,
    )


@kernel()
def locate(
    j: int,
    cycle: Cycle,
    sensors: SensorColumns,
    policy: Policy,
    position: Floats,
    noise: Floats,
) -> bool:
    """Write where a plot says that its target is; False if it alone cannot say.

    A missing elevation or height is guessed from ``start_height_m``; a bistatic path with
    an azimuth is turned into a range from the receiver.
    """
    s = cycle.sensor[j]
    if sensors.cartesian[s]:
        for a in range(3):
            position[a] = cycle.measurement[j, a]
        for a in range(6):
            noise[a] = cycle.noise[j, a]
        if noise[5] > _NO_HEIGHT_VARIANCE_M2:
            east = position[0] - sensors.origin_enu_m[s, 0]
            north = position[1] - sensors.origin_enu_m[s, 1]
            drop = (east * east + north * north) / (2.0 * MEAN_EARTH_RADIUS_M)
            level = sensors.origin_enu_m[s, 2] - sensors.height_m[s]
            position[2] = policy.start_height_m + level - drop
            noise[5] = policy.start_height_sigma_m**2
            noise[2] = 0.0
            noise[4] = 0.0
        return True
    kind = sensors.kind[s]
    if kind != _POLAR and kind != _BISTATIC:
        return False
    first, azimuth = cycle.measurement[j, 0], cycle.measurement[j, 1]
    if math.isnan(first) or math.isnan(azimuth):
        return False
    elevation = cycle.measurement[j, 2]
    sigma = cycle.sigma[j, :3].copy()
    range_m = first
    if kind == _BISTATIC:
        range_m, stretch = _receiver_range(s, first, azimuth, elevation, sensors)
        sigma[0] *= stretch
    if math.isnan(elevation):
        height, height_sigma = guessed_height(
            range_m, sensors.height_m[s], policy.start_height_m, policy.start_height_sigma_m
        )
        elevation = math.asin(height / range_m)
        sigma[2] = height_sigma / range_m
    polar_to_position(
        range_m,
        azimuth,
        elevation,
        sigma,
        sensors.origin_enu_m[s],
        sensors.enu_R_sensor[s],
        position,
        noise,
    )
    return True


@kernel()
def _receiver_range(
    s: int, path: float, azimuth: float, elevation: float, sensors: SensorColumns
) -> tuple[float, float]:
    """Range from the receiver and its derivative by the path, which exceeds the baseline.

    With total way T, baseline L and angle θ between the target and the transmitter,
    R = (T² − L²) / (2 (T − L cos θ)): Willis, Bistatic Radar, 2005, section 5.2.
    """
    R = sensors.enu_R_sensor[s]
    up = 0.0 if math.isnan(elevation) else elevation
    look = (
        math.cos(up) * math.sin(azimuth),
        math.cos(up) * math.cos(azimuth),
        math.sin(up),
    )
    baseline, along = 0.0, 0.0
    for a in range(3):
        to_other = sensors.other_enu_m[s, a] - sensors.origin_enu_m[s, a]
        baseline += to_other * to_other
        along += to_other * (R[a, 0] * look[0] + R[a, 1] * look[1] + R[a, 2] * look[2])
    total = path + math.sqrt(baseline)
    gap = total - along
    range_m = (total * total - baseline) / (2.0 * gap)
    return max(range_m, 1.0), max((total - range_m) / gap, 0.5)


@kernel(leaf=True)
def begin_state(
    s: int,
    position: Floats,
    noise: Floats,
    sensors: SensorColumns,
    policy: Policy,
    x: Floats,
    P: Floats,
) -> None:
    """Write a state at a place, at rest on average, with the velocity spread of new tracks."""
    axes = sensors.enu_R_sensor[s]
    row = 0
    for a in range(3):
        x[a] = position[a]
        x[a + 3] = 0.0
        for b in range(a, 3):
            P[a, b] = noise[row]
            P[b, a] = noise[row]
            row += 1
        for b in range(3):
            P[a, b + 3] = 0.0
            P[a + 3, b] = 0.0
            P[a + 3, b + 3] = 0.0
            for c in range(3):
                spread = policy.start_speed_sigma_mps
                if c == 2:
                    spread = policy.start_climb_sigma_mps
                P[a + 3, b + 3] += axes[a, c] * axes[b, c] * spread**2


@kernel(leaf=True)
def give_birth(
    tracks: TrackColumns,
    i: int,
    time_s: float,
    s: int,
    x: Floats,
    P: Floats,
    models: Models,
    sensors: SensorColumns,
    policy: Policy,
) -> None:
    """Write a newborn track to column i: all models alike, as probable as they last."""
    stays = 0.0
    for m in range(models.kind.size):
        stays += models.sojourn_s[m]
    for m in range(models.kind.size):
        initial_extra(models.kind[m], models.parameters[m], x, P)
        store_state(
            tracks.mean,
            models.mean_row[m],
            tracks.covariance,
            models.covariance_row[m],
            i,
            models.dimension[m],
            x,
            P,
        )
        tracks.probability[m, i] = models.sojourn_s[m] / stays
    tracks.time_s[i] = time_s
    tracks.status[i] = _TENTATIVE
    tracks.birth_s[i] = time_s
    tracks.birth_period_s[i] = sensors.period_s[s]
    tracks.look[i] = 0
    tracks.history[i] = 0
    tracks.hidden_s[i] = 0.0
    tracks.score[i] = policy.start_score
    tracks.hits[i] = 0
    for r in range(3):
        tracks.replies[r, i] = 0
    tracks.sensors[i] = 0
    for k in range(tracks.hit_s.shape[0]):
        tracks.hit_s[k, i] = -math.inf
        tracks.looked_s[k, i] = time_s


@kernel()
def explained(
    tracks: TrackColumns,
    j: int,
    cycle: Cycle,
    policy: Policy,
    position: Floats,
    noise: Floats,
    widest: float,
    buckets: Bucket,
    P: Floats,
    found: Ints,
) -> bool:
    """Tell whether plot j lies within the gate of another sensor's newborn."""
    gate = policy.gates[3]
    longest_s = 0.0
    for g in range(cycle.first_s.size):
        longest_s = max(longest_s, abs(cycle.time_s[j] - cycle.first_s[g]))
        longest_s = max(longest_s, abs(cycle.time_s[j] - cycle.last_s[g]))
    spread = policy.start_speed_sigma_mps * longest_s
    reach = math.sqrt(gate * (widest + max(noise[0], noise[3]) + spread * spread))
    n = near(buckets, position[0], position[1], reach, found)
    here, wide = np.empty(3), np.empty(6)
    for f in range(n):
        k = found[f]
        apart_s = abs(cycle.time_s[j] - tracks.time_s[k])
        extra = (policy.start_speed_sigma_mps * apart_s) ** 2
        row = 0
        for a in range(3):
            here[a] = tracks.mean[a, k]
            for b in range(a, 3):
                P[a, b] = tracks.covariance[row, k]
                P[b, a] = P[a, b]
                wide[row] = noise[row] + (extra if a == b else 0.0)
                row += 1
        d2, _ = position_log_likelihood(here, P, position, wide)
        if d2 <= gate:
            return True
    # Where more newborns are near than can be looked through, one more is no help.
    return n < 0
