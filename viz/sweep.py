"""The fading wedge that a rotating beam leaves behind it."""

from __future__ import annotations

import math

import numpy as np

from sim.core.tables import Snapshot
from sim.record.setting import SensorFacts, Setting
from viz import style
from viz.camera import Camera
from viz.picture import ahead_s
from viz.present import present
from viz.primitives import Glow, Primitive, Segments
from viz.shapes import clipped, farthest_px, touching
from viz.view import View

#: A beam that turns faster on the screen than this only flickers.
FASTEST_HZ = 2.0
_WEDGE_RAD = math.radians(50.0)
_FADING = tuple(
    style.faded(style.SWEEP, (1.0 - k / 24) ** 1.6, towards=(0, 0, 0)) for k in range(24)
)
#: Slices that reach further than this are cut to the view before they are filled.
_LONG_PX = 4000.0


def sweeps(setting: Setting, snapshot: Snapshot, view: View) -> list[Primitive]:
    """Return the wedge of every rotating sensor, turned on to the moment shown."""
    if not view.sweeps:
        return []
    shapes: list[Primitive] = []
    for row, sensor in present(setting, snapshot):
        azimuth_rad = float(snapshot.beam_azimuth_rad[row])
        if math.isnan(azimuth_rad) or sensor.period_s * FASTEST_HZ < view.speed:
            continue
        ahead_rad = 2.0 * math.pi * ahead_s(snapshot, view) / sensor.period_s
        shapes += _sweep(sensor, azimuth_rad + ahead_rad, view.camera)
    return shapes


def _sweep(sensor: SensorFacts, azimuth_rad: float, camera: Camera) -> list[Primitive]:
    view = camera.viewport
    centre = camera.to_screen(sensor.position_enu_m)
    reach = min(sensor.range_max_m / camera.scale_m_per_px, farthest_px(centre, view))
    edges = azimuth_rad - np.linspace(0.0, _WEDGE_RAD, len(_FADING) + 1)
    rim = centre + reach * np.stack([np.sin(edges), -np.cos(edges)], axis=-1)
    corners = np.stack([np.broadcast_to(centre, rim[1:].shape), rim[:-1], rim[1:]], axis=1)
    polygons, colours = [], []
    for k in np.flatnonzero(touching(corners.min(axis=1), corners.max(axis=1), view)).tolist():
        area = corners[k] if reach < _LONG_PX else clipped(corners[k], view)
        if len(area) > 2:
            polygons.append(area)
            colours.append(_FADING[k])
    if not polygons:
        return []
    edge = Segments(corners[:1, :2], style.SWEEP_EDGE)
    return [Glow(tuple(polygons), tuple(colours)), edge]
