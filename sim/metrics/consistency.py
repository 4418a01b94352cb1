"""Whether a filter's own error estimate is honest: NEES of its states, NIS of its innovations.

Bar-Shalom, Li and Kirubarajan, Estimation with Applications to Tracking and
Navigation (2001), section 5.4.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from sim.core.tables import Floats
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.holding import number_of
from sim.metrics.matching import Matching

_DIMENSIONS = 3


@dataclass(frozen=True, slots=True)
class Consistency:
    """Normalised estimation error squared (NEES) of the position, three dimensions.

    Attributes
    ----------
    nees_mean : 3 for an honest filter, more if it is too sure of itself
    nees_low, nees_high : where an honest filter's mean lies with 95 % probability if every
        pair of target and track number counts as one independent run: errors of one
        track are correlated in time, so its many rows do not narrow the bounds
    pairs : number of such pairs
    misled : mean of rows in which deception led the picture astray from the target: no sensor
        states errors that cover it, so they count in no other figure; None without such rows
    misled_rows : their number
    share_within_95 : share of rows whose own NEES lies between the 2.5 and 97.5 % points
        of the chi-square distribution; .95 for an honest filter
    rows : number of rows
    unusable_rows : rows left out because the covariance is not positive definite
    """

    nees_mean: float | None
    nees_low: float | None
    nees_high: float | None
    pairs: int
    share_within_95: float | None
    rows: int
    unusable_rows: int
    misled: float | None = None
    misled_rows: int = 0

    def to_json(self) -> dict[str, float | int | None]:
        """Return plain values."""
        return asdict(self)


def mean_bounds(dimensions: int, samples: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the two-sided bounds of the mean of NEES or NIS over independent samples.

    The sum of ``samples`` values is chi-square with ``dimensions * samples`` degrees of
    freedom.
    """
    from scipy.special import gammaincinv  # scipy is slow to import

    freedom = dimensions * samples
    tail = (1 - confidence) / 2
    low, high = (2 * float(gammaincinv(freedom / 2, q)) / samples for q in (tail, 1 - tail))
    return low, high


def nees(error_m: Floats, covariance_m2: Floats) -> Floats:
    """Return e' P⁻¹ e of errors (R, D) and covariances (R, D, D); NaN if P is not positive.

    Sylvester's criterion tells whether P is positive definite.
    """
    finite = np.isfinite(error_m).all(axis=1) & np.isfinite(covariance_m2).all(axis=(1, 2))
    usable = np.asarray(finite)
    for size in range(1, error_m.shape[1] + 1):
        usable[usable] = np.linalg.det(covariance_m2[usable, :size, :size]) > 0
    values = np.full(len(error_m), np.nan)
    solved = np.linalg.solve(covariance_m2[usable], error_m[usable, :, None])[..., 0]
    values[usable] = (error_m[usable] * solved).sum(axis=1)
    return values


@dataclass(frozen=True, slots=True)
class ErrorTest:
    """Mean of normalised squared errors and where an honest filter's mean lies.

    Attributes
    ----------
    mean : the dimension d for an honest filter, NaN if there is no usable error
    low, high : bounds at the confidence asked for
    runs : independent runs that the bounds rest upon
    unusable : errors left out because the covariance is not positive definite
    """

    mean: float
    low: float
    high: float
    runs: int
    unusable: int

    @property
    def within(self) -> bool:
        """Whether the mean lies within its bounds."""
        return self.low <= self.mean <= self.high


def error_test(
    error: Floats, covariance: Floats, runs: int | None = None, confidence: float = 0.95
) -> ErrorTest:
    """Test errors against their covariances: NEES of states, or NIS of innovations.

    Parameters
    ----------
    error : (R, d) state errors (position, or the full state), or innovations
    covariance : (R, d, d) of the same: state covariance, or innovation covariance
    runs : how many of the rows are independent of each other; all unless given. Errors of
        one track at successive scans are not, honest innovations are
    confidence : probability with which an honest filter's mean lies within the bounds

    Notes
    -----
    Bar-Shalom, Li and Kirubarajan (2001), section 5.4.2.
    """
    values = nees(error, covariance)
    usable = values[np.isfinite(values)]
    independent = usable.size if runs is None else runs
    if not usable.size or independent < 1:
        return ErrorTest(np.nan, np.nan, np.nan, 0, values.size - usable.size)
    low, high = mean_bounds(error.shape[1], independent, confidence)
    return ErrorTest(float(usable.mean()), low, high, independent, values.size - usable.size)


def error_test_over_time(
    error: Floats, covariance: Floats, confidence: float = 0.95
) -> tuple[Floats, float, float]:
    """Return the mean over runs at every step (K,), and its lower and upper bound.

    Parameters
    ----------
    error : (M, K, d) of M independent runs at K steps
    covariance : (M, K, d, d)
    """
    runs, steps, dimensions = error.shape
    values = nees(
        error.reshape(runs * steps, dimensions),
        covariance.reshape(runs * steps, dimensions, dimensions),
    ).reshape(runs, steps)
    low, high = mean_bounds(dimensions, runs, confidence)
    return values.mean(axis=0), low, high


def consistency(truth: TruthHistory, confirmed: TrackHistory, matching: Matching) -> Consistency:
    """Judge the position covariances of the tracks that hold a target (no extra tracks).

    Tracks without height (see ``Matching``) are left out: they claim nothing in three
    dimensions. A group's scatter is added to a track's covariance: which of its members a
    track is on, nobody tells (Feldmann, Fränken and Koch, Tracking of Extended Objects and
    Group Targets Using Random Matrices, IEEE T-SP 59, 2011: a group spreads its plots by its
    extent).
    """
    tracked = matching.tracked.copy()
    tracked[tracked] = matching.has_height[matching.track_row[tracked]]
    track_row = matching.track_row[tracked]
    values = nees(
        confirmed.position_enu_m[track_row] - truth.position_enu_m[tracked],
        confirmed.position_covariance_m2[track_row] + truth.scatter_m2[tracked],
    )
    usable, misled = np.isfinite(values), truth.misled[tracked]
    apart = values[usable & misled]
    unusable_rows = int((~usable).sum())
    deceived = float(apart.mean()) if apart.size else None
    usable &= ~misled
    numbers = number_of(matching, confirmed)[tracked][usable]
    pairs = np.unique(np.stack([truth.target[tracked][usable], numbers]), axis=1).shape[1]
    if not pairs:
        return Consistency(None, None, None, 0, None, 0, unusable_rows, deceived, apart.size)
    values = values[usable]
    low, high = mean_bounds(_DIMENSIONS, pairs)
    row_low, row_high = mean_bounds(_DIMENSIONS, 1)
    return Consistency(
        nees_mean=float(values.mean()),
        nees_low=low,
        nees_high=high,
        pairs=pairs,
        share_within_95=float(((values >= row_low) & (values <= row_high)).mean()),
        rows=int(values.size),
        unusable_rows=unusable_rows,
        misled=deceived,
        misled_rows=apart.size,
    )
