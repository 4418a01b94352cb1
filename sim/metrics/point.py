"""A protected place: did anything unknown or hostile come in, and did the picture show it?"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.tables import Affiliation, Bools
from sim.metrics.episodes import (
    Encounters,
    Episode,
    Movers,
    Scene,
    gather,
    not_known_friendly,
    score,
)
from sim.metrics.facts import Point
from sim.metrics.siap import is_threat


def _episodes(point: Point, movers: Movers, concerned: Bools, interval_s: float) -> list[Episode]:
    horizontal_m = np.hypot(*(movers.position_enu_m - point.position_enu_m)[:, :2].T)
    low = movers.height_m < point.ceiling_height_m
    row = np.flatnonzero(concerned & low & (horizontal_m < point.radius_m))
    encounters = Encounters(
        row=row,
        time_s=movers.time_s[row],
        subject=np.full(row.size, -1),
        intruder=movers.name[row].astype(np.intp),
        horizontal_m=horizontal_m[row],
        vertical_m=movers.height_m[row],
    )
    return gather(encounters, encounters.horizontal_m, interval_s)


def judge_point(scene: Scene, point: Point) -> dict[str, Any]:
    """Judge one protected place.

    Inside is nearer than the radius, in the scenario's east-north plane, and lower than
    the ceiling. By the truth, unknown and hostile targets infringe; by the picture, every
    confirmed track that is not held to be friendly or neutral raises an alert.
    ``closest_vertical_m`` is the height above the ellipsoid.
    """
    targets = Movers.of_truth(scene.truth)
    affiliation = scene.facts.affiliation[scene.truth.target]
    return {"id": point.id, "kind": "point"} | score(
        scene,
        infringements=_episodes(point, targets, is_threat(affiliation), scene.interval_s),
        neutral=_episodes(point, targets, affiliation == Affiliation.NEUTRAL, scene.interval_s),
        alerts=_episodes(
            point,
            Movers.of_picture(scene.confirmed),
            not_known_friendly(scene.confirmed),
            scene.interval_s,
        ),
    )
