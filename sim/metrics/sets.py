"""Distances between two sets of points: OSPA and GOSPA.

OSPA: Schuhmacher, Vo and Vo, A Consistent Metric for Performance Evaluation of
Multi-Object Filters, IEEE Transactions on Signal Processing 56 (2008), eq. 3-4.
GOSPA: Rahmathullah, García-Fernández and Svensson, Generalized Optimal Sub-Pattern
Assignment Metric, Fusion 2017, definition 1; with alpha = 2 it falls apart into
localisation, missed and false (proposition 1).
Both use the same optimal assignment of distances cut off at c.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.tables import Floats
from sim.metrics.history import Rows, Steps, TrackHistory, TruthHistory
from sim.metrics.sweep import sweep


@dataclass(frozen=True, slots=True)
class SetDistances:
    """OSPA and GOSPA at K steps.

    Attributes
    ----------
    ospa_m, gospa_m : (K,)
    localisation, missed, false : (K,) parts of GOSPA to the power p (m^p); they add up.
        With alpha below 2 a target and a track that find no partner closer than c still
        count as a pair at the distance c, half of it missed and half of it false
    missed_targets, false_tracks : (K,) numbers of those without a partner closer than c
    """

    ospa_m: Floats
    gospa_m: Floats
    localisation: Floats
    missed: Floats
    false: Floats
    missed_targets: Rows
    false_tracks: Rows


@dataclass(frozen=True, slots=True)
class Gospa:
    """GOSPA of two point sets and its parts, as in ``SetDistances``."""

    distance_m: float
    localisation: float
    missed: float
    false: float
    missed_targets: int
    false_tracks: int


def require_metric(cutoff_m: float, order: float, alpha: float = 2.0) -> None:
    """Raise ValueError unless c > 0, p >= 1 and 0 < alpha <= 2."""
    if not cutoff_m > 0 or not order >= 1:
        raise ValueError(f"cutoff {cutoff_m} must be positive and order {order} at least 1")
    if not 0 < alpha <= 2:
        raise ValueError(f"alpha {alpha} must be above 0 and at most 2")


def set_distances(
    truth_enu_m: Floats,
    tracks_enu_m: Floats,
    truth_start: Rows,
    track_start: Rows,
    cutoff_m: float,
    order: float = 2.0,
    alpha: float = 2.0,
) -> SetDistances:
    """Compare two point sets at every step.

    Parameters
    ----------
    truth_enu_m, tracks_enu_m : (R, D), (Q, D) points of all steps
    truth_start, track_start : (K + 1,) first row of every step
    cutoff_m : c, beyond which a pair counts as a miss and a false track
    order : p
    alpha : of GOSPA

    Raises
    ------
    ValueError
        If the cutoff is not positive, the order below 1 or alpha not in (0, 2].
    """
    require_metric(cutoff_m, order, alpha)
    # Kernels are imported where they run, so that importing this room stays instant.
    from sim.metrics.kernels import point_set_parts

    localisation = np.empty(truth_start.size - 1)
    pairs = np.empty(truth_start.size - 1, np.intp)
    lay = sweep(tracks_enu_m, track_start)
    point_set_parts(
        np.ascontiguousarray(truth_enu_m, np.float64),
        np.ascontiguousarray(tracks_enu_m, np.float64),
        truth_start,
        track_start,
        lay.order,
        lay.axes,
        lay.axis,
        float(cutoff_m),
        float(order),
        localisation,
        pairs,
    )
    missed_targets = np.diff(truth_start) - pairs
    false_tracks = np.diff(track_start) - pairs
    larger = np.maximum(missed_targets, false_tracks)
    far = np.minimum(missed_targets, false_tracks)
    penalty = cutoff_m**order
    missed = penalty * (far / 2 + (missed_targets - far) / alpha)
    false = penalty * (far / 2 + (false_tracks - far) / alpha)
    return SetDistances(
        # One penalty per point of the larger set that has no near partner.
        ospa_m=((localisation + penalty * larger) / np.maximum(pairs + larger, 1)) ** (1 / order),
        gospa_m=(localisation + missed + false) ** (1 / order),
        localisation=localisation,
        missed=missed,
        false=false,
        missed_targets=missed_targets,
        false_tracks=false_tracks,
    )


def _one_step(
    x_m: Floats, y_m: Floats, cutoff_m: float, order: float, alpha: float = 2.0
) -> SetDistances:
    starts = np.array([0, len(x_m)], np.intp), np.array([0, len(y_m)], np.intp)
    return set_distances(x_m, y_m, *starts, cutoff_m, order, alpha)


def ospa(x_m: Floats, y_m: Floats, cutoff_m: float, order: float = 2.0) -> float:
    """Return the OSPA distance (m) of the point sets (n, D) and (m, D); 0 if both are empty."""
    return float(_one_step(x_m, y_m, cutoff_m, order).ospa_m[0])


def gospa(
    x_m: Floats, y_m: Floats, cutoff_m: float, order: float = 2.0, alpha: float = 2.0
) -> Gospa:
    """Return the GOSPA distance of the targets (n, D) and the tracks (m, D), and its parts."""
    found = _one_step(x_m, y_m, cutoff_m, order, alpha)
    return Gospa(
        distance_m=float(found.gospa_m[0]),
        localisation=float(found.localisation[0]),
        missed=float(found.missed[0]),
        false=float(found.false[0]),
        missed_targets=int(found.missed_targets[0]),
        false_tracks=int(found.false_tracks[0]),
    )


def over_time(
    truth: TruthHistory, confirmed: TrackHistory, cutoff_m: float, order: float = 2.0
) -> SetDistances:
    """Compare targets and confirmed tracks at every step where there is either."""
    steps = Steps.of(truth, confirmed)
    return set_distances(
        truth.position_enu_m,
        confirmed.position_enu_m,
        steps.truth_start,
        steps.track_start,
        cutoff_m,
        order,
    )
