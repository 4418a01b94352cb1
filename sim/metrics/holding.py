"""How each target was held over time: unbroken runs of a condition, and of one track number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.tables import Bools, Floats, Ints
from sim.metrics.history import Rows, TrackHistory, TruthHistory
from sim.metrics.matching import Matching

#: A row further away than this many intervals does not continue a run.
_SLACK = 1.5


@dataclass(frozen=True, slots=True)
class Runs:
    """Unbroken runs of rows of one target, by target and then by time.

    Attributes
    ----------
    rows : (M,) indices into the truth, run after run
    start : (K + 1,) run k holds ``rows[start[k]:start[k + 1]]``
    """

    rows: Rows
    start: Rows

    def __len__(self) -> int:
        return self.start.size - 1

    @property
    def first_row(self) -> Rows:
        """(K,) the row with which each run begins."""
        return self.rows[self.start[:-1]]

    @property
    def length(self) -> Rows:
        """(K,) number of rows."""
        return np.diff(self.start)


def runs_where(
    truth: TruthHistory, condition: Bools, interval_s: float, label: Ints | None = None
) -> Runs:
    """Find for every target the runs of successive steps at which a condition holds.

    Parameters
    ----------
    condition : (R,)
    interval_s : time between steps
    label : (R,) if given, a run also ends where the label changes
    """
    by_target = np.argsort(truth.target, kind="stable")
    rows = by_target[condition[by_target]]
    broken = np.diff(truth.target[rows]) != 0
    broken |= np.diff(truth.time_s[rows]) > _SLACK * interval_s
    if label is not None:
        broken |= np.diff(label[rows]) != 0
    inner = np.flatnonzero(broken) + 1
    return Runs(rows, np.concatenate([[0], inner, [rows.size]] if rows.size else [[0]]))


def since_s(truth: TruthHistory, condition: Bools, interval_s: float) -> Floats:
    """Return for every row (R,) since when the condition has held without a break, or NaN."""
    runs = runs_where(truth, condition, interval_s)
    since = np.full(len(truth), np.nan)
    since[runs.rows] = np.repeat(truth.time_s[runs.first_row], runs.length)
    return since


@dataclass(frozen=True, slots=True)
class Holding:
    """How each of N targets was held.

    Attributes
    ----------
    present_s, tracked_s : (N,) time in the air and time under track
    longest_segment_s : (N,) longest unbroken time under one track number
    number_changes : (N,) how often the number became another one, gaps bridged
    track_numbers : (N,) number of different track numbers
    """

    present_s: Floats
    tracked_s: Floats
    longest_segment_s: Floats
    number_changes: Rows
    track_numbers: Rows


def number_of(matching: Matching, confirmed: TrackHistory) -> Ints:
    """Return the track number that holds the target of each truth row (R,), -1 for none."""
    numbers = np.full(matching.track_row.size, -1, np.int32)
    numbers[matching.tracked] = confirmed.number[matching.track_row[matching.tracked]]
    return numbers


def holding(
    truth: TruthHistory,
    confirmed: TrackHistory,
    matching: Matching,
    targets: int,
    interval_s: float,
) -> Holding:
    """Sum up how each target was held; every row stands for ``interval_s``."""
    number = number_of(matching, confirmed)
    segments = runs_where(truth, matching.tracked, interval_s, number)
    segment_target = truth.target[segments.first_row]
    segment_number = number[segments.first_row]
    longest = np.zeros(targets)
    np.maximum.at(longest, segment_target, segments.length * interval_s)
    changed = (np.diff(segment_target) == 0) & (np.diff(segment_number) != 0)
    held = np.unique(np.stack([segment_target, segment_number]), axis=1)
    return Holding(
        present_s=interval_s * np.bincount(truth.target, minlength=targets).astype(float),
        tracked_s=interval_s
        * np.bincount(truth.target[matching.tracked], minlength=targets).astype(float),
        longest_segment_s=longest,
        number_changes=np.bincount(segment_target[1:][changed], minlength=targets),
        track_numbers=np.bincount(held[0], minlength=targets),
    )
