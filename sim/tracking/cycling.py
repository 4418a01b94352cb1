"""One cycle of the compiled engine as one kernel: associate, update, start, age."""

from __future__ import annotations

import numpy as np

from sim.core.assignment import assign
from sim.core.gating import gate_plots
from sim.core.jit import kernel
from sim.core.tables import Bools
from sim.tracking.cycle import Cycle
from sim.tracking.kernels import (
    Policy,
    SensorColumns,
    age_tracks,
    book,
    start_tracks,
    update_tracks,
)
from sim.tracking.store import TrackColumns

_TENTATIVE = 0


@kernel()
def take_cycle(
    tracks: TrackColumns,
    count: int,
    born: int,
    confirmed: int,
    cycle: Cycle,
    end_s: float,
    sensors: SensorColumns,
    policy: Policy,
) -> tuple[int, int, int]:
    """Take one cycle's plots into the tracks, then confirm and drop as of ``end_s``.

    Parameters
    ----------
    tracks, count : columns, of which the first ``count`` live; there is room for a new
        track per plot
    born, confirmed : how many tracks were started and confirmed so far in the run

    Returns
    -------
    count, born, confirmed : afterwards
    """
    taken = np.zeros(cycle.time_s.size, np.bool_)
    if count and cycle.time_s.size:
        _associate_and_update(tracks, count, taken, cycle, sensors, policy)
    older = count
    first = 0
    while first < cycle.time_s.size:
        last = _end_of_sensor(cycle, first)
        count = start_tracks(tracks, count, older, first, last, taken, cycle, sensors, policy)
        first = last
    for i in range(older, count):
        born += 1
        tracks.number[i] = -born
    return _age_and_number(tracks, count, born, confirmed, end_s, policy)


@kernel()
def _end_of_sensor(cycle: Cycle, first: int) -> int:
    """Return the row behind the last plot of the sensor that row ``first`` is of."""
    last = first
    while last < cycle.sensor.size and cycle.sensor[last] == cycle.sensor[first]:
        last += 1
    return last


@kernel()
def _associate_and_update(
    tracks: TrackColumns,
    count: int,
    taken: Bools,
    cycle: Cycle,
    sensors: SensorColumns,
    policy: Policy,
) -> None:
    """Associate sensor by sensor against the tracks as they stand, then update all."""
    m = cycle.time_s.size
    pair_track = np.empty(m, np.int32)  # a plot goes to one track at most
    pair_plot = np.empty(m, np.int32)
    pairs = 0
    first = 0
    while first < m:
        last = _end_of_sensor(cycle, first)
        s = cycle.sensor[first]
        start, plot, log_likelihood = gate_plots(
            tracks.mean,
            tracks.covariance,
            tracks.time_s,
            count,
            (policy.q_horizontal, policy.q_vertical),
            sensors.origin_enu_m[s],
            sensors.enu_R_sensor[s],
            cycle.time_s[first:last],
            cycle.measurement[first:last],
            cycle.sigma[first:last],
            policy.gates,
        )
        plot_of = assign(start, plot, log_likelihood + sensors.gain[s], last - first)
        for i in range(count):
            if plot_of[i] >= 0:
                pair_track[pairs] = i
                pair_plot[pairs] = plot_of[i] + first
                taken[plot_of[i] + first] = True
                pairs += 1
        first = last
    if pairs == 0:
        return
    by_time = np.argsort(cycle.time_s[pair_plot[:pairs]], kind="mergesort")
    order = by_time[np.argsort(pair_track[by_time], kind="mergesort")]
    columns = np.empty(pairs, np.int32)
    first_pair = np.empty(pairs + 1, np.int32)
    plots = np.empty(pairs, np.int32)
    updated = 0
    for k in range(pairs):
        i = pair_track[order[k]]
        if updated == 0 or columns[updated - 1] != i:
            columns[updated] = i
            first_pair[updated] = k
            updated += 1
        plots[k] = pair_plot[order[k]]
    first_pair[updated] = pairs
    update_tracks(
        tracks,
        columns[:updated],
        first_pair[: updated + 1],
        plots,
        cycle,
        sensors.origin_enu_m,
        sensors.enu_R_sensor,
        policy.q_horizontal,
        policy.q_vertical,
    )
    for k in range(pairs):
        book(tracks, pair_track[order[k]], plots[k], cycle, sensors)


@kernel()
def _age_and_number(
    tracks: TrackColumns, count: int, born: int, confirmed: int, end_s: float, policy: Policy
) -> tuple[int, int, int]:
    """Age all tracks, number the newly confirmed, close the gaps of the dropped."""
    was_tentative = tracks.status[:count] == _TENTATIVE
    alive = np.empty(count, np.bool_)
    age_tracks(tracks, count, end_s, policy, alive)
    kept = 0
    for i in range(count):
        if was_tentative[i] and tracks.status[i] != _TENTATIVE:
            confirmed += 1
            tracks.number[i] = confirmed
        if alive[i]:
            if kept < i:
                _move(tracks, i, kept)
            kept += 1
    return kept, born, confirmed


@kernel()
def _move(tracks: TrackColumns, i: int, to: int) -> None:
    tracks.mean[:, to] = tracks.mean[:, i]
    tracks.covariance[:, to] = tracks.covariance[:, i]
    tracks.time_s[to] = tracks.time_s[i]
    tracks.number[to] = tracks.number[i]
    tracks.status[to] = tracks.status[i]
    tracks.birth_s[to] = tracks.birth_s[i]
    tracks.birth_period_s[to] = tracks.birth_period_s[i]
    tracks.look[to] = tracks.look[i]
    tracks.history[to] = tracks.history[i]
    tracks.last_plot_s[to] = tracks.last_plot_s[i]
    tracks.last_period_s[to] = tracks.last_period_s[i]
    tracks.hits[to] = tracks.hits[i]
    tracks.replies[:, to] = tracks.replies[:, i]
    tracks.sensors[to] = tracks.sensors[i]
