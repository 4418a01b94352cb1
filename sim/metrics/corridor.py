"""An arrival's own questions: was it under track all the way in, and who came too close?

Inside the corridor is: nearer to the path than its half width, in the scenario's
east-north plane, and not yet at the path's end. Horizontal distances between two
aircraft are what remains of the straight line between them once the difference of their
heights above the ellipsoid is taken out, so the tilt of the local vertical does not
enter however far from the scenario's origin they fly.

By the picture, the arrivals are the confirmed tracks inside the corridor that are held to
be friendly, and an alert is a confirmed track held to be neither friendly nor neutral that
comes within the separation of one of them. An arrival without a friendly track cannot be
warned: what comes close to it is then missed. A second, unidentified track on an arrival
raises an alert, and it is false: the operator would see it just so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.tables import FRIENDLY, Affiliation, Bools, Floats
from sim.metrics.episodes import (
    Encounters,
    Episode,
    Movers,
    Scene,
    gather,
    not_known_friendly,
    score,
)
from sim.metrics.facts import Corridor
from sim.metrics.history import same_time_pairs
from sim.metrics.holding import runs_where
from sim.metrics.siap import is_threat, ratio


def along_path(path_enu_m: Floats, position_enu_m: Floats) -> tuple[Floats, Floats]:
    """Place positions (R, 3) beside a path (K, 3), in the east-north plane.

    Returns
    -------
    offset_m : (R,) distance to the nearest place of the path
    remaining_m : (R,) length of the path from there to its end
    """
    path, position = path_enu_m[:, :2], position_enu_m[:, :2]
    legs = np.diff(path, axis=0)
    lengths_m = np.hypot(*legs.T)
    offset_m = np.full(len(position), np.inf)
    remaining_m = np.zeros(len(position))
    for leg, (start, along) in enumerate(zip(path[:-1], legs, strict=True)):
        squared_m2 = max(float(along @ along), np.finfo(float).tiny)
        share = np.clip((position - start) @ along / squared_m2, 0.0, 1.0)
        leg_offset_m = np.hypot(*(position - start - share[:, None] * along).T)
        nearer = leg_offset_m < offset_m
        offset_m[nearer] = leg_offset_m[nearer]
        rest_m = (1 - share) * lengths_m[leg] + lengths_m[leg + 1 :].sum()
        remaining_m[nearer] = rest_m[nearer]
    return offset_m, remaining_m


def _inside(corridor: Corridor, position_enu_m: Floats, concerned: Bools) -> Bools:
    """(R,) which of the concerned rows lie inside the corridor."""
    inside = concerned.copy()
    offset_m, remaining_m = along_path(corridor.path_enu_m, position_enu_m[concerned])
    inside[concerned] = (offset_m <= corridor.half_width_m) & (remaining_m > 0)
    return inside


def _episodes(
    corridor: Corridor, movers: Movers, subjects: Bools, intruders: Bools, interval_s: float
) -> list[Episode]:
    subject_rows, intruder_rows = np.flatnonzero(subjects), np.flatnonzero(intruders)
    pair = same_time_pairs(movers.time_s[subject_rows], movers.time_s[intruder_rows])
    subject, intruder = subject_rows[pair[0]], intruder_rows[pair[1]]
    vertical_m = np.abs(movers.height_m[intruder] - movers.height_m[subject])
    apart_m = np.linalg.norm(
        movers.position_enu_m[intruder] - movers.position_enu_m[subject], axis=1
    )
    horizontal_m = np.sqrt(np.maximum(apart_m**2 - vertical_m**2, 0.0))
    close = (horizontal_m < corridor.separation_horizontal_m) & (
        vertical_m < corridor.separation_vertical_m
    )
    encounters = Encounters(
        row=intruder[close],
        time_s=movers.time_s[intruder[close]],
        subject=movers.name[subject[close]].astype(np.intp),
        intruder=movers.name[intruder[close]].astype(np.intp),
        horizontal_m=horizontal_m[close],
        vertical_m=vertical_m[close],
    )
    return gather(encounters, apart_m[close], interval_s)


def _aircraft(scene: Scene, corridor: Corridor, target: int, inside: Bools) -> dict[str, Any]:
    """Tell how one arrival was held inside the corridor; ``inside`` is (R,)."""
    truth, tracked = scene.truth, scene.matching.tracked
    rows = np.flatnonzero(inside & (truth.target == target))
    story: dict[str, Any] = {"id": scene.facts.target_ids[target], "entered": bool(rows.size)}
    if not rows.size:
        return story
    lost = np.zeros(len(truth), bool)
    lost[rows] = ~tracked[rows]
    longest_gap = runs_where(truth, lost, scene.interval_s).length.max(initial=0)
    story |= {
        "enter_s": float(truth.time_s[rows[0]]),
        "leave_s": float(truth.time_s[rows[-1]] + scene.interval_s),
        "inside_s": rows.size * scene.interval_s,
        "tracked_share": ratio(tracked[rows].sum(), rows.size),
        "under_track_all_the_way": bool(tracked[rows].all()),
        "longest_gap_s": float(longest_gap * scene.interval_s),
        "track_begin_s": None,
        "track_begin_range_m": None,
        "track_begin_path_range_m": None,
    }
    held = rows[tracked[rows]]
    if held.size:
        begin_s = scene.held_since_s[held[0]]
        begin = np.flatnonzero((truth.target == target) & (truth.time_s == begin_s))[0]
        position_enu_m = truth.position_enu_m[begin : begin + 1]
        offset_m, remaining_m = along_path(corridor.path_enu_m, position_enu_m)
        story |= {
            "track_begin_s": float(begin_s),
            "track_begin_range_m": float(np.linalg.norm(position_enu_m - corridor.path_enu_m[-1])),
            "track_begin_path_range_m": float(offset_m[0] + remaining_m[0]),
        }
    return story


def judge_corridor(scene: Scene, corridor: Corridor) -> dict[str, Any]:
    """Judge one corridor.

    Returns
    -------
    ``aircraft`` tells of each arrival how it was held inside. Its track began where the
    unbroken hold began in which it entered, or that first picked it up inside: range in a
    straight line to the path's end, and along the path (first straight to the path).
    ``under_track_all_the_way`` speaks of those that entered, None if none did.
    The rest is described in ``sim.metrics.episodes.score``; the subject is an arrival
    inside the corridor, the intruder anything but a friend or another arrival.
    """
    truth, confirmed = scene.truth, scene.confirmed
    arriving = np.isin(truth.target, corridor.arrivals)
    inside = _inside(corridor, truth.position_enu_m, arriving)
    affiliation = scene.facts.affiliation[truth.target]
    aircraft = [_aircraft(scene, corridor, target, inside) for target in corridor.arrivals]
    entered = [story for story in aircraft if story["entered"]]
    lost = [story["id"] for story in entered if not story["under_track_all_the_way"]]

    def by_truth(intruding: Bools) -> list[Episode]:
        targets = Movers.of_truth(truth)
        return _episodes(corridor, targets, inside, intruding & ~arriving, scene.interval_s)

    friendly = np.isin(confirmed.identity, FRIENDLY)
    return {
        "id": corridor.id,
        "kind": "corridor",
        "aircraft": aircraft,
        "under_track_all_the_way": not lost if entered else None,
        "not_under_track_all_the_way": lost,
    } | score(
        scene,
        infringements=by_truth(is_threat(affiliation)),
        neutral=by_truth(affiliation == Affiliation.NEUTRAL),
        alerts=_episodes(
            corridor,
            Movers.of_picture(confirmed),
            _inside(corridor, confirmed.position_enu_m, friendly),
            not_known_friendly(confirmed),
            scene.interval_s,
        ),
    )
