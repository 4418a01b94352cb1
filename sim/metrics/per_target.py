"""Each target's own story: when it was seen, held and lost, and why it was not held."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.tables import Bools, Floats, Plots, Visibility
from sim.metrics.classes import class_is_right
from sim.metrics.facts import Facts
from sim.metrics.history import Rows, TrackHistory, TruthHistory
from sim.metrics.holding import holding, number_of, runs_where
from sim.metrics.matching import Matching
from sim.metrics.siap import covered, identity_is_right, ratio

#: Untracked intervals up to this long are not listed.
GAP_LISTED_S = 3.0
#: What is told is held if nothing else is told for so long.
HELD_S = 10.0


def _reasons(truth: TruthHistory, rows: Rows) -> dict[str, float]:
    """Shares of the ``Visibility`` codes over the rows, the largest first."""
    known = rows[np.isfinite(truth.detectability[rows])]
    counts = np.bincount(truth.visibility[known], minlength=len(Visibility))
    order = np.argsort(-counts, kind="stable")
    return {
        Visibility(code).name.lower().replace("_", " "): float(counts[code] / known.size)
        for code in order
        if counts[code]
    }


def _range_m(truth: TruthHistory, row: int, facts: Facts) -> float | None:
    """Slant range to the sensor that sees the target best, else to the nearest one."""
    if not facts.sensor_ids:
        return None
    place = facts.sensor_position_enu_m.copy()
    for sensor in np.flatnonzero(facts.sensor_carrier >= 0):
        here = truth.target == facts.sensor_carrier[sensor]
        here &= truth.time_s == truth.time_s[row]
        place[sensor] = truth.position_enu_m[here][0] if here.any() else np.inf
    ranges = np.linalg.norm(place - truth.position_enu_m[row], axis=1)
    best = truth.best_sensor[row]
    found = float(ranges[best] if best >= 0 else ranges.min())
    return found if np.isfinite(found) else None


def per_target(
    truth: TruthHistory,
    confirmed: TrackHistory,
    matching: Matching,
    plots: Plots,
    facts: Facts,
    interval_s: float,
) -> list[dict[str, Any]]:
    """Tell each target's story, in the order of the facts.

    Returns
    -------
    One dict per target. ``continuity`` is the share of its time in coverage, from its
    first track on, that it was under track; ``held_under_one_number`` says that it was
    so all that time and under a single number. ``untracked`` lists the intervals without
    a track while it was in the air, with ``reasons``: shares of what its best sensor
    says of it ("visible" means that the sensor saw it and the tracker did not hold it).
    ``classified_s`` and ``identified_s`` are since when its tracks held the right class and
    the right identity: told nothing else for ``HELD_S``; ``class_first_s`` and
    ``identity_first_s`` are when they first told it, be it for a moment.
    """
    targets = len(facts.target_ids)
    held = holding(truth, confirmed, matching, targets, interval_s)
    number, in_coverage = number_of(matching, confirmed), covered(truth)
    by_target = np.argsort(truth.target, kind="stable")
    bounds = np.searchsorted(truth.target[by_target], np.arange(targets + 1))
    untracked = runs_where(truth, ~matching.tracked, interval_s)
    untracked_target = truth.target[untracked.first_row]
    right_class = class_is_right(truth, confirmed, matching, facts)
    affiliation = facts.affiliation[truth.target]

    def story(index: int) -> dict[str, Any]:
        rows = by_target[bounds[index] : bounds[index + 1]]
        tracked_rows = rows[matching.tracked[rows]]
        covered_rows = rows[in_coverage[rows]]
        first_s = truth.time_s[tracked_rows[0]] if tracked_rows.size else np.inf
        last_s = truth.time_s[tracked_rows[-1]] if tracked_rows.size else np.inf
        since_track = covered_rows[truth.time_s[covered_rows] >= first_s]
        numbers = np.unique(number[since_track])

        gaps, longest_gap_s = [], 0.0
        for run in np.flatnonzero(untracked_target == index):
            gap = untracked.rows[untracked.start[run] : untracked.start[run + 1]]
            begin_s, duration_s = float(truth.time_s[gap[0]]), gap.size * interval_s
            if begin_s > first_s:
                longest_gap_s = max(longest_gap_s, duration_s)
            if duration_s <= GAP_LISTED_S:
                continue
            if not tracked_rows.size:
                when = "never tracked"
            elif begin_s < first_s:
                when = "before first track"
            else:
                when = "between tracks" if begin_s < last_s else "after last track"
            gaps.append(
                {
                    "when": when,
                    "begin_s": begin_s,
                    "end_s": begin_s + duration_s,
                    "duration_s": duration_s,
                    "reasons": _reasons(truth, gap),
                }
            )

        tracks = matching.track_row[tracked_rows]
        position_m = matching.position_error_m(truth, confirmed, tracked_rows, tracks)
        velocity_mps = confirmed.velocity_enu_mps[tracks] - truth.velocity_enu_mps[tracked_rows]
        detections = np.flatnonzero(plots.truth_id == index)
        first = detections[np.argmin(plots.time_s[detections])] if detections.size else -1
        tracked_at_s = truth.time_s[tracked_rows]
        class_first_s, classified_s = _since_when(tracked_at_s, right_class[tracks])
        right_identity = identity_is_right(confirmed.identity[tracks], affiliation[tracked_rows])
        identity_first_s, identified_s = _since_when(tracked_at_s, right_identity)
        return {
            "id": facts.target_ids[index],
            "group": facts.target_groups[index],
            "class": facts.target_classes[index],
            "present_s": float(held.present_s[index]),
            "visible_s": covered_rows.size * interval_s,
            "tracked_s": float(held.tracked_s[index]),
            "first_visible_s": float(truth.time_s[covered_rows[0]]) if covered_rows.size else None,
            "first_detection_s": float(plots.time_s[first]) if first >= 0 else None,
            "first_detection_by": facts.sensor_ids[plots.sensor[first]] if first >= 0 else None,
            "first_track_s": float(first_s) if tracked_rows.size else None,
            "range_at_first_track_m": (
                _range_m(truth, int(tracked_rows[0]), facts) if tracked_rows.size else None
            ),
            "continuity": ratio(matching.tracked[since_track].sum(), since_track.size),
            "held_under_one_number": (
                bool(numbers.size == 1 and numbers[0] >= 0) if since_track.size else None
            ),
            "track_numbers": int(held.track_numbers[index]),
            "number_changes": int(held.number_changes[index]),
            "longest_segment_s": float(held.longest_segment_s[index]),
            "longest_gap_s": longest_gap_s,
            "position_rms_m": _rms(position_m),
            "velocity_rms_mps": _rms(velocity_mps),
            "class_correctness": (
                ratio(right_class[tracks].sum(), tracks.size) if facts.right_class.size else None
            ),
            "class_first_s": class_first_s,
            "classified_s": classified_s,
            "identity_correctness": ratio(right_identity.sum(), tracks.size),
            "identity_first_s": identity_first_s,
            "identified_s": identified_s,
            "untracked": gaps,
        }

    return [story(index) for index in range(targets)]


def _since_when(time_s: Floats, right: Bools) -> tuple[float | None, float | None]:
    """Return when the right answer was first told, and since when it was held.

    Parameters
    ----------
    time_s, right : (K,) of the steps under track; others do not break what is held
    """
    edges = np.diff(np.concatenate([[False], right, [False]]).astype(np.int8))
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1
    held = first[time_s[last] - time_s[first] >= HELD_S]
    return (
        float(time_s[first[0]]) if first.size else None,
        float(time_s[held[0]]) if held.size else None,
    )


def _rms(errors: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float | None:
    return float(np.sqrt((errors**2).sum(axis=1).mean())) if len(errors) else None
