"""Effectors, their envelopes, shots under way, and what they did in the last seconds."""

from __future__ import annotations

import numpy as np

from sim.core.shots import DefenceStep, ShotPhase, ShotResult
from sim.core.tables import Floats, Snapshot
from sim.record.setting import EffectorFacts, Setting
from viz import style
from viz.backdrop import legible
from viz.camera import Camera
from viz.memory import Memory
from viz.primitives import Marks, Polyline, Primitive, Segments, Text, extent
from viz.shapes import circle_px
from viz.view import View

#: Beyond so many effectors in view, names would hide the map.
_NAMED = 24
_RESULTS = {
    ShotResult.KILL: ("kill", style.KILL),
    ShotResult.MISS: ("miss", style.SHOT),
}
_OTHERWISE = ("miss", style.TEXT_DIM)


def engagements(
    setting: Setting,
    snapshot: Snapshot,
    memory: Memory,
    view: View,
    beneath: list[Primitive],
) -> list[Primitive]:
    """Return what the defence does now; nothing without one, or with the layer off.

    Names that would meet a text ``beneath`` are left out.
    """
    if not setting.effectors or not view.defence:
        return []
    step, camera = snapshot.defence, view.camera
    places = step.places_enu_m
    if not len(places):
        places = np.array([effector.position_enu_m for effector in setting.effectors])
    taken = [extent(shape) for shape in beneath if isinstance(shape, Text)]
    shapes = legible(_effectors(setting.effectors, places, step, camera), taken, camera.viewport)
    shapes += _shots(step, view.time_s, camera)
    return shapes + _results(memory, view.time_s, camera)


def _effectors(
    effectors: tuple[EffectorFacts, ...], places: Floats, step: DefenceStep, camera: Camera
) -> list[Primitive]:
    there = [row for row in range(len(effectors)) if not np.isnan(places[row, 0])]
    at_px = {row: camera.to_screen(places[row]) for row in there}
    near = [row for row in there if camera.viewport.near(at_px[row], 20)]
    shapes: list[Primitive] = []
    for row in there:
        radius_px = effectors[row].range_max_m / camera.scale_m_per_px
        shapes += [
            Polyline(line, style.ENVELOPE, dashed=True)
            for line in circle_px(at_px[row], radius_px, camera.viewport)
        ]
    for row in near:
        empty = bool(step.rounds.size and step.rounds[row] <= 0)
        full = bool(step.saturated.size and step.saturated[row])
        colour = style.TEXT_DIM if empty else style.WARNING if full else style.EFFECTOR
        shapes.append(Marks(at_px[row][None], "effector", 13, colour, dashed=empty))
    if len(near) <= _NAMED:
        for row in near:
            x, y = at_px[row].tolist()
            name = effectors[row].id
            if step.rounds.size and effectors[row].magazine is not None:
                name += f" {step.rounds[row]}"
            shapes.append(Text(name, x, y - 22, style.SMALL, style.EFFECTOR, "centre"))
    return shapes


def _shots(step: DefenceStep, time_s: float, camera: Camera) -> list[Primitive]:
    """Return a line from where each shot left to where it is, dashed to where it is to arrive."""
    flying = step.under_way.take(step.under_way.phase == ShotPhase.FLYING)
    if not len(flying):
        return []
    now = flying.position_enu_m(time_s)
    start_px, now_px, aim_px = (
        camera.to_screen(points) for points in (flying.start_enu_m, now, flying.aim_enu_m)
    )
    return [
        Segments(np.stack([start_px, now_px], axis=1), style.SHOT_TRAIL),
        Segments(np.stack([now_px, aim_px], axis=1), style.SHOT_TRAIL, dashed=True),
        Marks(now_px, "dot", 5, style.SHOT),
    ]


def _results(memory: Memory, time_s: float, camera: Camera) -> list[Primitive]:
    shapes: list[Primitive] = []
    seen = memory.effect_time_s <= time_s
    for result in np.unique(memory.effect_result[seen]).tolist():
        shape, colour = _RESULTS.get(ShotResult(result), _OTHERWISE)
        rows = seen & (memory.effect_result == result)
        shapes.append(Marks(camera.to_screen(memory.effect_enu_m[rows]), shape, 15, colour))
    return shapes
