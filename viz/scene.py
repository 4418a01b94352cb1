"""Snapshot and view state in, flat list of shapes out: a pure function, no screen needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.tables import Floats, Snapshot
from sim.record.setting import Setting
from viz import chrome, picture
from viz.backdrop import backdrop, sensor_mark
from viz.camera import Camera, Rect
from viz.engagements import engagements
from viz.geography import Geography
from viz.memory import AFTERGLOW_S, Memory, Places
from viz.present import present
from viz.primitives import Primitive
from viz.sweep import sweeps
from viz.view import View

_REACH_SHOWN_M = 60_000.0


@dataclass(frozen=True)
class Stage:
    """A setting with what follows from it once."""

    setting: Setting
    places: Places
    geography: Geography

    @classmethod
    def of(cls, setting: Setting) -> Stage:
        """Prepare a setting for drawing."""
        return cls(
            setting,
            Places.of(setting),
            Geography.at(
                setting.origin_latitude_rad,
                setting.origin_longitude_rad,
                setting.origin_height_m,
            ),
        )


@dataclass(frozen=True)
class Scene:
    """What to paint: ``still`` changes with the camera alone, ``moving`` with time.

    ``label_sides`` belongs into the next view.
    """

    still: list[Primitive]
    moving: list[Primitive]
    label_sides: dict[int, int]

    @property
    def primitives(self) -> list[Primitive]:
        """Everything, in painting order."""
        return self.still + self.moving


def build(
    stage: Stage,
    snapshot: Snapshot,
    memory: Memory,
    view: View,
    still: list[Primitive] | None = None,
) -> Scene:
    """Compose a scene.

    Parameters
    ----------
    stage, snapshot, memory, view
        What there is, what is known now, what is remembered, what is wanted.
    still
        The ``backdrop`` of the same view, if it is at hand.
    """
    setting = stage.setting
    now = picture.shown(snapshot, view)
    recent = int((memory.plot_time_s > view.time_s - AFTERGLOW_S).sum())
    still = backdrop(setting, view) if still is None else still
    labels, occupancy, sides = picture.labels(now, memory, still, stage.geography, view)
    moving = sweeps(setting, snapshot, view)
    for _, sensor in present(setting, snapshot):
        if sensor.carrier is not None:
            moving += sensor_mark(sensor, view.camera)
    moving += engagements(setting, snapshot, memory, view, still + labels)
    moving += picture.plots(memory, stage.places.at(snapshot), view)
    moving += picture.tracks(now, memory, view)
    moving += picture.selection(now, view)
    moving += labels
    moving += picture.truth(snapshot, setting, view, occupancy)
    moving += chrome.panel(setting, snapshot, now, stage.geography, recent, view)
    moving += chrome.status_bar(setting, snapshot, recent, view)
    moving += chrome.hint_line(view)
    moving += chrome.help_box(view)
    return Scene(still, moving, sides)


def everything(setting: Setting, snapshot: Snapshot, viewport: Rect) -> Camera:
    """Return the camera that shows what is protected, the sensors and all confirmed tracks.

    A sensor counts with two fifths of its reach, and with 60 km at most: its whole disc
    would shrink the rest.
    """
    discs = [
        (np.array(s.position_enu_m[:2]), min(0.4 * s.range_max_m, _REACH_SHOWN_M))
        for _, s in present(setting, snapshot)
    ]
    discs += [
        (np.array(point[:2]), 0.0 if protected.inner_enu_m else protected.radius_m)
        for protected in setting.protected
        for point in protected.path_enu_m + protected.inner_enu_m
    ]
    corners: list[Floats] = [at + sign * radius for at, radius in discs for sign in (-1.0, 1.0)]
    corners += list(snapshot.tracks.position_enu_m[snapshot.tracks.confirmed, :2])
    return Camera.fitting(np.array(corners).reshape(-1, 2), viewport)
