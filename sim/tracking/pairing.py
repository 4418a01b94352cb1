"""Who gets which plot: candidates of one scan in, weighted pairs out."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.assignment import assign
from sim.core.beliefs import existence_odds, marginals, posterior_existence
from sim.core.gaussian import load_state
from sim.core.jit import kernel
from sim.core.measurement import measure, unresolved
from sim.core.tables import Bools, Floats, Ints, Measured
from sim.tracking.cycle import Cycle
from sim.tracking.gating import Candidates
from sim.tracking.policy import SensorColumns
from sim.tracking.store import TrackColumns

#: Pairs less probable than this, and more than so many per track, are left out of the update.
_LEAST_WEIGHT = 1e-4
_PAIRS_MAX = 24
#: A plot that found takers with this probability starts no track.
_TAKEN = 0.5
#: The model of a sensor's sight may be wrong; a plot where it sees nothing still counts.
LEAST_DETECTION = 0.05
MOST_DETECTION = 0.9999
_POLAR = int(Measured.POLAR)


class Pairs(NamedTuple):
    """The weighted pairs of one scan, track by track.

    Attributes
    ----------
    start : (N + 1,) where each track's pairs begin
    plot : (K,) row in the cycle
    weight : (K,) probability of the pair, given that the target exists
    missed : (N,) probability of no plot, given that the target exists
    shared : (K,) the plot may be of two targets that the sensor did not resolve
    gain : (N,) what the scan adds to the track's score (log odds of existence)
    """

    start: Ints
    plot: Ints
    weight: Floats
    missed: Floats
    shared: Bools
    gain: Floats


def pair_nearest(candidates: Candidates, g: int, cycle: Cycle, taken: Bools) -> Pairs:
    """Pair by global nearest neighbour: the greatest sum of log likelihood ratios.

    A pair gains ln(Pd · N(ν; 0, S) / ((1 − Pd) · β)): Blackman and Popoli, Design and
    Analysis of Modern Tracking Systems, 1999, chapter 6.
    """
    first, last = cycle.scan_first[g], cycle.scan_first[g + 1]
    return _nearest(*candidates, cycle.log_clutter, int(first), int(last), taken)


@kernel()
def _nearest(
    start: Ints,
    plot: Ints,
    log_likelihood: Floats,
    detection: Floats,
    log_clutter: Floats,
    first: int,
    last: int,
    taken: Bools,
) -> Pairs:
    n = detection.size
    gain = np.empty(plot.size)
    for i in range(n):
        if start[i + 1] > start[i]:
            p = min(max(detection[i], LEAST_DETECTION), MOST_DETECTION)
            odds = math.log(p / (1.0 - p))
            for e in range(start[i], start[i + 1]):
                gain[e] = log_likelihood[e] + odds - log_clutter[first + plot[e]]
    plot_of = assign(start, plot, gain, last - first)
    pair_start = np.empty(n + 1, np.int32)
    total = 0
    for i in range(n):
        pair_start[i] = total
        if plot_of[i] >= 0:
            total += 1
    pair_start[n] = total
    pair_plot, missed, score = np.empty(total, np.int32), np.ones(n), np.empty(n)
    for i in range(n):
        p = min(max(detection[i], LEAST_DETECTION), MOST_DETECTION)
        score[i] = math.log(1.0 - min(detection[i], MOST_DETECTION))
        j = plot_of[i]
        if j >= 0:
            pair_plot[pair_start[i]] = first + j
            missed[i] = 0.0
            taken[first + j] = True
            for e in range(start[i], start[i + 1]):
                if plot[e] == j:
                    score[i] = gain[e] + math.log(1.0 - p)
    return Pairs(pair_start, pair_plot, np.ones(total), missed, np.zeros(total, np.bool_), score)


def pair_jointly(
    candidates: Candidates, g: int, cycle: Cycle, score: Floats | None, taken: Bools
) -> Pairs:
    """Pair by joint probabilities: JPDA, or JIPDA where ``score`` (N,) tells existence."""
    first, last = int(cycle.scan_first[g]), int(cycle.scan_first[g + 1])
    ratio, detection, existence = _ratios(
        *candidates, cycle.log_clutter, first, np.empty(0) if score is None else score
    )
    start, plot = candidates.start, candidates.plot
    odds = existence_odds(start, ratio, existence, detection)
    belief, missed = marginals(start, plot, odds, last - first)
    _take_probable(start, plot, belief, first, taken)
    posterior, given, given_missed = posterior_existence(
        start, belief, missed, existence, detection
    )
    return _weigh(start, plot, given, given_missed, missed, existence, posterior, detection, first)


@kernel()
def _ratios(
    start: Ints,
    plot: Ints,
    log_likelihood: Floats,
    detection: Floats,
    log_clutter: Floats,
    first: int,
    score: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Likelihood ratios of the pairs, bounded detection, and existence (1 without a score)."""
    n = detection.size
    ratio = np.empty(plot.size)
    bounded = np.empty(n)
    existence = np.ones(n)
    for i in range(n):
        least = LEAST_DETECTION if start[i + 1] > start[i] else 0.0
        bounded[i] = min(max(detection[i], least), MOST_DETECTION)
        if score.size:
            existence[i] = 1.0 / (1.0 + math.exp(-score[i]))
        for e in range(start[i], start[i + 1]):
            exponent = log_likelihood[e] - log_clutter[first + plot[e]]
            ratio[e] = bounded[i] * math.exp(min(max(exponent, -600.0), 600.0))
    return ratio, bounded, existence


@kernel()
def _take_probable(start: Ints, plot: Ints, belief: Floats, first: int, taken: Bools) -> None:
    """Mark the plots that found takers."""
    sums = np.zeros(taken.size)
    for e in range(plot.size):
        sums[first + plot[e]] += belief[e]
    for j in range(taken.size):
        if sums[j] >= _TAKEN:
            taken[j] = True


@kernel()
def _weigh(
    start: Ints,
    plot: Ints,
    belief: Floats,
    belief_missed: Floats,
    missed: Floats,
    existence: Floats,
    posterior: Floats,
    detection: Floats,
    first: int,
) -> Pairs:
    """Keep the pairs that matter, weights summing to one with that of no plot."""
    n = missed.size
    total = 0
    for e in range(plot.size):
        if belief[e] >= _LEAST_WEIGHT:
            total += 1
    pairs = Pairs(
        np.zeros(n + 1, np.int32),
        np.empty(total, np.int32),
        np.empty(total),
        np.empty(n),
        np.zeros(total, np.bool_),
        np.empty(n),
    )
    k = 0
    for i in range(n):
        pairs.start[i] = k
        for e in range(start[i], start[i + 1]):
            if belief[e] < _LEAST_WEIGHT:
                continue
            at = k
            if k - pairs.start[i] == _PAIRS_MAX:
                at = pairs.start[i]
                for b in range(at + 1, k):
                    if pairs.weight[b] < pairs.weight[at]:
                        at = b
                if pairs.weight[at] >= belief[e]:
                    continue
            else:
                k += 1
            pairs.plot[at] = first + plot[e]
            pairs.weight[at] = belief[e]
        held = belief_missed[i]
        for b in range(pairs.start[i], k):
            held += pairs.weight[b]
        pairs.missed[i] = belief_missed[i] / held
        for b in range(pairs.start[i], k):
            pairs.weight[b] /= held
        if existence[i] < 1.0:
            new = min(max(posterior[i], 1e-12), 1.0 - 1e-12)
            pairs.gain[i] = math.log(new / (1.0 - new)) - math.log(
                existence[i] / (1.0 - existence[i])
            )
        else:
            pairs.gain[i] = math.log(1.0 - detection[i]) - math.log(max(missed[i], 1e-300))
    pairs.start[n] = k
    return Pairs(
        pairs.start, pairs.plot[:k], pairs.weight[:k], pairs.missed, pairs.shared[:k], pairs.gain
    )


@kernel()
def share_unresolved(
    tracks: TrackColumns,
    g: int,
    cycle: Cycle,
    candidates: Candidates,
    pairs: Pairs,
    sensors: SensorColumns,
) -> Pairs:
    """Give a plot to a second track whose target the sensor cannot tell from the first one's.

    A track left without a plot, one of whose candidates went to a neighbour nearer than the
    sensor's resolution, was not missed: its plot merged with the neighbour's. Both are updated,
    with the separation taken as additional noise.
    """
    s = cycle.scan_sensor[g]
    n = pairs.missed.size
    first = cycle.scan_first[g]
    if not (sensors.resolution[s] > 0.0).any() or sensors.kind[s] != _POLAR:
        return pairs
    holder = np.full(cycle.scan_first[g + 1] - first, -1, np.int32)
    for i in range(n):
        for b in range(pairs.start[i], pairs.start[i + 1]):
            if pairs.weight[b] > 0.5:
                holder[pairs.plot[b] - first] = i
    with_plot = np.full(n, -1, np.int32)
    extra = 0
    here, there = np.empty(9), np.empty(9)
    P = np.empty((9, 9))
    H = np.empty((4, 6))
    mine, its = np.empty(4), np.empty(4)
    origin, axes = sensors.origin_enu_m[s], sensors.enu_R_sensor[s]
    for i in range(n):
        if pairs.missed[i] < 0.5:
            continue
        best = -math.inf
        for e in range(candidates.start[i], candidates.start[i + 1]):
            j = candidates.plot[e]
            k = holder[j]
            if k < 0 or candidates.log_likelihood[e] <= best:
                continue
            load_state(tracks.mean, 0, tracks.covariance, 0, i, 6, here, P)
            load_state(tracks.mean, 0, tracks.covariance, 0, k, 6, there, P)
            measure(_POLAR, here, origin, axes, origin, mine, H)
            measure(_POLAR, there, origin, axes, origin, its, H)
            if unresolved(_POLAR, mine, its, sensors.resolution[s]):
                best = candidates.log_likelihood[e]
                with_plot[i] = j
        if with_plot[i] >= 0:
            extra += 1
    if extra == 0:
        return pairs
    total = pairs.plot.size + extra
    result = Pairs(
        np.zeros(n + 1, np.int32),
        np.empty(total, np.int32),
        np.empty(total),
        pairs.missed,
        np.zeros(total, np.bool_),
        pairs.gain,
    )
    merged = np.zeros(holder.size, np.bool_)
    for i in range(n):
        if with_plot[i] >= 0:
            merged[with_plot[i]] = True
    k = 0
    for i in range(n):
        result.start[i] = k
        if with_plot[i] >= 0:
            result.plot[k] = first + with_plot[i]
            result.weight[k] = 1.0
            result.shared[k] = True
            result.missed[i] = 0.0
            result.gain[i] = max(result.gain[i], 0.0)
            k += 1
            continue
        for b in range(pairs.start[i], pairs.start[i + 1]):
            result.plot[k] = pairs.plot[b]
            result.weight[k] = pairs.weight[b]
            result.shared[k] = merged[pairs.plot[b] - first]
            k += 1
    result.start[n] = k
    return Pairs(
        result.start,
        result.plot[:k],
        result.weight[:k],
        result.missed,
        result.shared[:k],
        result.gain,
    )
