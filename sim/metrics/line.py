"""A line that nothing shall cross unnoticed: who came through its band, and was it held in time?

Depth is counted from the line's outer edge inwards, at right angles to the line. A crossing
comes in over the outer edge and leaves over the inner one; who turns back, flies past an end,
begins inside or is still there when the run ends is told of, but is no crossing.
"""

from __future__ import annotations

from statistics import median
from typing import Any

import numpy as np

from sim.core.tables import Floats
from sim.metrics.episodes import Scene
from sim.metrics.facts import Line
from sim.metrics.history import Rows
from sim.metrics.holding import Runs, runs_where
from sim.metrics.siap import is_threat, ratio

#: Positions that are placed beside a line at a time: bounds the memory.
_AT_ONCE = 2048


def beside(line: Line, position_enu_m: Floats) -> tuple[Floats, Floats]:
    """Place positions (R, 3) beside a line.

    Returns
    -------
    depth_m : (R,) from the outer edge inwards, negative outside; NaN past the line's ends
    along_m : (R,) along the outer edge; NaN likewise
    """
    depth_m, along_m = (np.full(len(position_enu_m), np.nan) for _ in range(2))
    for first in range(0, len(position_enu_m), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        depth_m[part], along_m[part] = _beside(line, position_enu_m[part])
    return depth_m, along_m


def _beside(line: Line, position_enu_m: Floats) -> tuple[Floats, Floats]:
    """Find between which two of the line's cross-sections each position (R, 3) lies.

    Where a bend lets several be, the one counts in which it lies nearest to mid-band.
    """
    outer, inward = line.outer_enu_m, line.inner_enu_m - line.outer_enu_m
    depth_m = np.linalg.norm(inward, axis=1)
    inward = inward / depth_m[:, None]
    steps_m = np.diff(outer, axis=0)
    forward = np.concatenate([steps_m, steps_m[-1:]])
    forward -= (forward * inward).sum(1, keepdims=True) * inward
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    ends_m = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps_m, axis=1))])

    ahead_m = position_enu_m @ forward.T - (outer * forward).sum(1)
    deep_m = position_enu_m @ inward.T - (outer * inward).sum(1)
    before, after = ahead_m[:, :-1], ahead_m[:, 1:]
    between = (before >= 0.0) & (after <= 0.0)
    share = before / np.where(between, np.maximum(before - after, 1e-9), 1.0)
    deep_m = (1.0 - share) * deep_m[:, :-1] + share * deep_m[:, 1:]
    from_middle_m = np.where(between, np.abs(deep_m - 0.5 * depth_m[:-1]), np.inf)
    step = from_middle_m.argmin(axis=1)
    row = np.arange(step.size)
    along_m = ends_m[step] + share[row, step] * np.diff(ends_m)[step]
    there = between[row, step]
    return np.where(there, deep_m[row, step], np.nan), np.where(there, along_m, np.nan)


def judge_line(scene: Scene, line: Line) -> dict[str, Any]:
    """Judge one line.

    Returns
    -------
    ``visits`` tells of each time that an unknown or hostile target was in the band: when and
    at which kilometre it came in and left, over which ``edge``, and whether a confirmed track
    held it meanwhile. ``confirmed_s`` is since when it had been held without a break when it
    first was, ``confirmed_depth_m`` how deep it was then, ``warning_s`` the time from then
    until it left. The numbers speak of crossings alone: ``crossings``, the share of them
    ``crossings_tracked`` before they left, ``crossings_missed`` by name, and the least and the
    median warning of those tracked. None where there is nothing to tell.
    """
    truth = scene.truth
    depth_m, along_m = (np.full(len(truth), np.nan) for _ in range(2))
    threat = np.flatnonzero(is_threat(scene.facts.affiliation[truth.target]))
    depth_m[threat], along_m[threat] = beside(line, truth.position_enu_m[threat])
    inside = (depth_m >= 0.0) & (depth_m < line.depth_m)
    runs = runs_where(truth, inside, scene.interval_s)
    visits = [_visit(scene, line, runs, k, depth_m, along_m) for k in range(len(runs))]
    visits.sort(key=lambda visit: (visit["enter_s"], visit["target"]))
    crossings = [v for v in visits if (v["from_edge"], v["to_edge"]) == ("outer", "inner")]
    warnings_s = [v["warning_s"] for v in crossings if v["tracked"]]
    return {
        "id": line.id,
        "kind": "line",
        "depth_m": line.depth_m,
        "visits": visits,
        "crossings": len(crossings),
        "crossings_tracked": ratio(len(warnings_s), len(crossings)),
        "crossings_missed": [v["target"] for v in crossings if not v["tracked"]],
        "warning_min_s": min(warnings_s, default=None),
        "warning_median_s": median(warnings_s) if warnings_s else None,
    }


def _visit(
    scene: Scene, line: Line, runs: Runs, number: int, depth_m: Floats, along_m: Floats
) -> dict[str, Any]:
    truth = scene.truth
    rows = runs.rows[runs.start[number] : runs.start[number + 1]]
    target = int(truth.target[rows[0]])
    own = np.flatnonzero(truth.target == target)
    begin_s = float(truth.time_s[rows[0]])
    leave_s = float(truth.time_s[rows[-1]] + scene.interval_s)
    story: dict[str, Any] = {
        "target": scene.facts.target_ids[target],
        "enter_s": begin_s,
        "enter_km": float(1e-3 * along_m[rows[0]]),
        "from_edge": _edge(scene, line, own, begin_s - scene.interval_s, depth_m),
        "leave_s": leave_s,
        "leave_km": float(1e-3 * along_m[rows[-1]]),
        "to_edge": _edge(scene, line, own, leave_s, depth_m),
        "tracked": False,
        "tracked_share": ratio(scene.matching.tracked[rows].sum(), rows.size),
        "confirmed_s": None,
        "confirmed_depth_m": None,
        "warning_s": None,
    }
    held = rows[scene.matching.tracked[rows]]
    if held.size:
        since_s = float(scene.held_since_s[held[0]])
        deep_m = depth_m[own[np.searchsorted(truth.time_s[own], since_s)]]
        story |= {
            "tracked": True,
            "confirmed_s": since_s,
            "confirmed_depth_m": None if np.isnan(deep_m) else float(deep_m),
            "warning_s": leave_s - since_s,
        }
    return story


def _edge(scene: Scene, line: Line, own: Rows, time_s: float, depth_m: Floats) -> str | None:
    """Tell over which edge a target comes or goes that is outside at a time; None if absent."""
    near = own[np.abs(scene.truth.time_s[own] - time_s) < 0.5 * scene.interval_s]
    if not near.size:
        return None
    deep_m = depth_m[near[0]]
    if np.isnan(deep_m):
        return "end"
    return "outer" if deep_m < 0.0 else "inner"
