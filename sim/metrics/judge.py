"""A run's whole judgement, as plain values ready for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.core.tables import Floats, Plots
from sim.metrics.classes import classification
from sim.metrics.consistency import consistency
from sim.metrics.corridor import judge_corridor
from sim.metrics.episodes import Scene
from sim.metrics.facts import Corridor, Facts, Line, Point
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.holding import since_s
from sim.metrics.line import judge_line
from sim.metrics.matching import match
from sim.metrics.per_sensor import per_sensor
from sim.metrics.per_target import per_target
from sim.metrics.point import judge_point
from sim.metrics.sets import over_time
from sim.metrics.siap import siap
from sim.metrics.switches import of_matching
from sim.metrics.t_gospa import t_gospa
from sim.metrics.trajectories import Trajectories, of_histories, ospa2, ospa2_over_time

#: A tracker gets this long to initiate before ``completeness_in_coverage_after_grace`` counts.
INITIATION_GRACE_S = 20.0
#: OSPA(2) looks back so far.
OSPA2_WINDOW_S = 60.0
_ORDER = 2.0
#: Targets whose tracks T-GOSPA chooses together may have so many assignments: keeps it quick.
_MAX_STATES = 200


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if values.size else None


def _root_mean(powers: Floats) -> float | None:
    """Root of the mean of squares that are squared already."""
    return float(np.sqrt(powers.mean())) if powers.size else None


def judge(
    truth: TruthHistory,
    tracks: TrackHistory,
    plots: Plots,
    facts: Facts,
    protected: Sequence[Corridor | Point | Line],
    cutoff_m: float,
    interval_s: float,
    initiation_grace_s: float = INITIATION_GRACE_S,
) -> dict[str, Any]:
    """Judge a picture against the truth.

    Parameters
    ----------
    truth, tracks : on the same time grid; tentative tracks are left out
    plots : all plots of the run, with their truth
    protected : corridors, points and lines to judge
    cutoff_m : beyond which a track is not on a target; also c of OSPA and GOSPA
    interval_s : time between rows of the grid

    Returns
    -------
    dict of plain values (no NaN, None where undefined), keys with units; see docs/metrics.md.

    Raises
    ------
    ValueError
        If the cutoff or the interval is not positive.
    """
    if not interval_s > 0:
        raise ValueError(f"interval_s must be positive, not {interval_s}")
    confirmed = tracks.confirmed()
    distances = over_time(truth, confirmed, cutoff_m, _ORDER)
    matching = match(truth, confirmed, cutoff_m)
    trajectories = of_histories(truth, confirmed)
    scene = Scene(
        truth=truth,
        confirmed=confirmed,
        matching=matching,
        facts=facts,
        held_since_s=since_s(truth, matching.tracked, interval_s),
        interval_s=interval_s,
    )
    return {
        "steps": int(distances.ospa_m.size),
        "interval_s": float(interval_s),
        "cutoff_m": float(cutoff_m),
        "ospa": {"mean_m": _mean(distances.ospa_m)},
        "gospa": {
            "mean_m": _mean(distances.gospa_m),
            "rms_m": _root_mean(distances.gospa_m**2),
            "localisation_rms_m": _root_mean(distances.localisation),
            "missed_rms_m": _root_mean(distances.missed),
            "false_rms_m": _root_mean(distances.false),
            "missed_targets": _mean(distances.missed_targets.astype(float)),
            "false_tracks": _mean(distances.false_tracks.astype(float)),
        },
        "ospa2": _ospa2(*trajectories, cutoff_m, interval_s),
        "t_gospa": _t_gospa(*trajectories, cutoff_m),
        "switches": of_matching(truth, confirmed, matching).to_json(),
        "siap": siap(truth, confirmed, matching, facts, interval_s, initiation_grace_s).to_json(),
        "consistency": consistency(truth, confirmed, matching).to_json(),
        "classification": classification(truth, confirmed, matching, facts).to_json(),
        "targets": per_target(truth, confirmed, matching, plots, facts, interval_s),
        "sensors": per_sensor(confirmed, plots, facts),
        "protect": [_protection(scene, thing) for thing in protected],
    }


def _protection(scene: Scene, thing: Corridor | Point | Line) -> dict[str, Any]:
    match thing:
        case Corridor():
            return judge_corridor(scene, thing)
        case Line():
            return judge_line(scene, thing)
        case Point():
            return judge_point(scene, thing)


def _ospa2(
    x: Trajectories, y: Trajectories, cutoff_m: float, interval_s: float
) -> dict[str, float | None]:
    window = max(1, round(OSPA2_WINDOW_S / interval_s))
    return {
        "window_s": window * float(interval_s),
        "mean_m": _mean(ospa2_over_time(x, y, cutoff_m, window, _ORDER)),
        "whole_run_m": ospa2(x, y, cutoff_m, _ORDER) if x.steps else None,
    }


def _t_gospa(x: Trajectories, y: Trajectories, cutoff_m: float) -> dict[str, float | bool | None]:
    """A switch costs as much as a missed target and a false track at one step."""
    found = t_gospa(x, y, cutoff_m, cutoff_m, _ORDER, _MAX_STATES)

    def per_step(power: float) -> float | None:
        return float(np.sqrt(power / x.steps)) if x.steps else None

    return {
        "switch_penalty_m": float(cutoff_m),
        "rms_m": per_step(found.distance**_ORDER),
        "rms_lower_bound_m": per_step(found.lower_bound**_ORDER),
        "exact": found.exact,
        "localisation_rms_m": per_step(found.localisation),
        "missed_rms_m": per_step(found.missed),
        "false_rms_m": per_step(found.false),
        "switch_rms_m": per_step(found.switch),
        "switches": found.switches,
    }
