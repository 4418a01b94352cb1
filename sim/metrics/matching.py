"""Which track is on which target, step by step.

After the CLEAR MOT rule (Bernardin and Stiefelhagen 2008): a correspondence lasts while
it is closer than the cutoff, all others are assigned optimally. Taken literally, two
aircraft closer together than the cutoff could swap tracks and the swap would never
show. So the old pairs take part in the assignment, their distances divided by
``LOYALTY``: an old pairing yields when another one has errors smaller by that factor.
A swap in a formation shows once the spacing exceeds about three track errors; noise and
a common bias, which move all pairings alike, change nothing.

A track that only radars without elevation feed has no height worth the name. Where the
picture itself says so, the ground distance decides and no height error is counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.tables import Bools, Floats
from sim.metrics.history import Rows, Steps, TrackHistory, TruthHistory
from sim.metrics.sweep import sweep

#: How many times smaller the errors of a new pairing must be to replace the old one.
LOYALTY = 3.0

#: A track whose height is uncertain by more than this share of the cutoff has none.
_HEIGHT_SIGMA_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Matching:
    """Correspondence of the rows of a ``TruthHistory`` and of its confirmed tracks.

    Attributes
    ----------
    track_row : (R,) row of the track that holds the target, -1 if it is not tracked
    truth_row : (Q,) row of the target that the track is on, -1 if it is spurious. A track
        near a target that another track holds is on it too: an extra, ambiguous track.
    has_height : (Q,) whether the track's height is known well enough to be compared
    """

    track_row: Rows
    truth_row: Rows
    has_height: Bools

    def position_error_m(
        self, truth: TruthHistory, confirmed: TrackHistory, truth_rows: Rows, track_rows: Rows
    ) -> Floats:
        """Return track minus target (K, 3) of paired rows; up is 0 for a track without height."""
        error: Floats = confirmed.position_enu_m[track_rows] - truth.position_enu_m[truth_rows]
        error[~self.has_height[track_rows], 2] = 0.0
        return error

    @property
    def tracked(self) -> Bools:
        """(R,) whether the target is under track."""
        mask: Bools = self.track_row >= 0
        return mask

    @property
    def on_target(self) -> Bools:
        """(Q,) whether the track is on a target, extra tracks included."""
        mask: Bools = self.truth_row >= 0
        return mask


def match(truth: TruthHistory, confirmed: TrackHistory, cutoff_m: float) -> Matching:
    """Pair targets and confirmed tracks at every step.

    Old pairs closer than ``cutoff_m`` are kept unless beaten (see the module), the rest
    is assigned at the least sum of squared distances, cut off at ``cutoff_m``; what
    remains within the cutoff is an extra track on its nearest target.
    """
    # Kernels are imported where they run, so that importing this room stays instant.
    from sim.metrics.kernels import correspond

    steps = Steps.of(truth, confirmed)
    height_variance_m2 = confirmed.position_covariance_m2[:, 2, 2]
    matching = Matching(
        np.empty(len(truth), np.intp),
        np.empty(len(confirmed), np.intp),
        height_variance_m2 <= (_HEIGHT_SIGMA_SHARE * cutoff_m) ** 2,
    )
    lay = sweep(
        confirmed.position_enu_m, steps.track_start, axes=np.where(matching.has_height, 3, 2)
    )
    correspond(
        np.ascontiguousarray(truth.position_enu_m, np.float64),
        truth.target.astype(np.int32),
        steps.truth_start,
        np.ascontiguousarray(confirmed.position_enu_m, np.float64),
        confirmed.number.astype(np.int32),
        steps.track_start,
        lay.order,
        lay.axes,
        lay.axis,
        float(cutoff_m),
        LOYALTY,
        matching.track_row,
        matching.truth_row,
    )
    return matching
