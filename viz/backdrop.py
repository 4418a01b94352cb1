"""The part of a scene that changes with the camera alone: grid, rings, sensors, protection."""

from __future__ import annotations

import math

import numpy as np

from sim.core.tables import Floats
from sim.record.setting import ProtectedFacts, SensorFacts, Setting
from viz import style
from viz.camera import Camera, Rect
from viz.geography import Geography
from viz.primitives import Glow, Marks, Polyline, Primitive, Segments, Text, extent
from viz.shapes import circle_px, clipped, runs, stadium
from viz.view import View

_GRID_DEG = (10, 5, 2, 1, 1 / 2, 1 / 3, 1 / 6, 1 / 12, 1 / 30, 1 / 60, 1 / 120, 1 / 300, 1 / 600)
_GRID_FROM_PX = 110.0
_RINGS_FROM_PX = 100.0
_MOST_RINGS = 8
#: Bearings along which rings are labelled: each sensor in turn takes the next.
_RING_LABELS_DEG = (45.0, 225.0, 135.0, 315.0)
_DEGREE_M = 111_320.0


def backdrop(setting: Setting, view: View) -> list[Primitive]:
    """Return graticule, range rings, protected areas, sensors that stay and scale bar."""
    camera = view.camera
    # The most important texts come first: what would cover one of them is left out.
    taken: list[Rect] = []
    standing = [sensor for sensor in setting.sensors if sensor.carrier is None]
    sensors = [shape for sensor in standing for shape in sensor_mark(sensor, camera)]
    sensors = legible(sensors + _scale_bar(camera), taken, camera.viewport)
    grid = legible(_graticule(setting, camera), taken, camera.viewport)
    protected = [shape for each in setting.protected for shape in _protected(each, camera)]
    protected = legible(protected, taken, camera.viewport)
    rings: list[Primitive] = []
    if view.rings:
        for index, sensor in enumerate(standing):
            rings += _rings(sensor, camera, _RING_LABELS_DEG[index % len(_RING_LABELS_DEG)])
    return grid + protected + legible(rings, taken, camera.viewport) + sensors


def legible(shapes: list[Primitive], taken: list[Rect], view: Rect) -> list[Primitive]:
    """Return the shapes without texts that leave the view or meet others; notes those kept."""
    kept: list[Primitive] = []
    for shape in shapes:
        if isinstance(shape, Text):
            rect = extent(shape)
            if not rect.within(view) or any(rect.meets(other) for other in taken):
                continue
            taken.append(rect)
        kept.append(shape)
    return kept


def step_of(length: float) -> float:
    """Return the smallest of 1, 2, 5 · 10ⁿ that is not below ``length``."""
    power = 10.0 ** math.floor(math.log10(length))
    return next(
        (m * power for m in (1.0, 2.0, 5.0) if m * power >= length * (1 - 1e-9)), 10 * power
    )


def _graticule(setting: Setting, camera: Camera) -> list[Primitive]:
    geography = Geography.at(
        setting.origin_latitude_rad, setting.origin_longitude_rad, setting.origin_height_m
    )
    view = camera.viewport
    edge = np.linspace(0.0, 1.0, 9)
    frame = np.array([(x, y) for x in edge for y in edge])
    corners = frame * [view.width, view.height] + [view.left, view.top]
    latitude, longitude = (np.degrees(a) for a in geography.on_ground(camera.to_world(corners)))
    shrink = max(math.cos(math.radians(float(np.mean(latitude)))), 0.05)
    shapes: list[Primitive] = []
    for along, across, degree_m, letters in (
        (latitude, longitude, _DEGREE_M, "NS"),
        (longitude, latitude, _DEGREE_M * shrink, "EW"),
    ):
        wanted_deg = _GRID_FROM_PX * camera.scale_m_per_px / degree_m
        step_deg = next((s for s in reversed(_GRID_DEG) if s >= wanted_deg), _GRID_DEG[0])
        first, last = math.ceil(along.min() / step_deg), math.floor(along.max() / step_deg)
        sweep = np.linspace(across.min(), across.max(), 41)
        for k in range(first, last + 1):
            value_deg = k * step_deg
            fixed = np.full_like(sweep, value_deg)
            pair = (fixed, sweep) if letters == "NS" else (sweep, fixed)
            line = camera.to_screen(geography.from_geodetic(*np.radians(pair)))
            shapes += [Polyline(piece, style.GRATICULE) for piece in runs(line, view)]
            shapes += _graticule_label(line, value_deg, step_deg, letters, view)
    return shapes


def _graticule_label(
    line_px: Floats, value_deg: float, step_deg: float, letters: str, view: Rect
) -> list[Primitive]:
    """Return the label of a parallel at the left edge, of a meridian at the top edge."""
    letter = letters[0] if value_deg >= 0 else letters[1]
    minutes = round(abs(value_deg) * 60, 2)
    text = f"{int(minutes // 60)}°"
    if step_deg < 1:
        decimals = 0 if step_deg >= 1 / 60 else 1
        text += f"{minutes % 60:0{2 + bool(decimals) * 2}.{decimals}f}'"
    text += letter
    size = style.SMALL
    if letters == "NS":
        order = np.argsort(line_px[:, 0])
        y = float(np.interp(view.left, line_px[order, 0], line_px[order, 1]))
        if view.top + 2 * size < y < view.bottom - 2 * size:
            return [Text(text, view.left + 6, y - size - 3, size, style.GRATICULE_TEXT)]
        return []
    order = np.argsort(line_px[:, 1])
    x = float(np.interp(view.top, line_px[order, 1], line_px[order, 0]))
    if view.left + 70 < x < view.right - 50:
        return [Text(text, x + 4, view.top + 4, size, style.GRATICULE_TEXT)]
    return []


def ring_step_m(range_max_m: float, scale_m_per_px: float) -> float:
    """Return the spacing of a sensor's rings: far enough apart, few enough."""
    return step_of(max(_RINGS_FROM_PX * scale_m_per_px, range_max_m / _MOST_RINGS))


def _rings(sensor: SensorFacts, camera: Camera, labels_deg: float) -> list[Primitive]:
    centre = camera.to_screen(sensor.position_enu_m)
    view = camera.viewport
    step_m = ring_step_m(sensor.range_max_m, camera.scale_m_per_px)
    # The outermost ring before the limit gives way to it where they would crowd.
    inner_m = np.arange(step_m, sensor.range_max_m - 0.3 * step_m, step_m)
    shapes: list[Primitive] = []
    for radius_m in [*inner_m.tolist(), sensor.range_max_m]:
        radius_px = radius_m / camera.scale_m_per_px
        colour = style.RING_LIMIT if radius_m == sensor.range_max_m else style.RING
        shapes += [Polyline(arc, colour) for arc in circle_px(centre, radius_px, view)]
        towards = math.radians(labels_deg)
        x, y = (centre + radius_px * np.array([math.sin(towards), -math.cos(towards)])).tolist()
        if radius_px > 24:
            kilometres, y = f"{radius_m / 1000:.4g} km", y - style.SMALL - 3
            shapes.append(Text(kilometres, x, y, style.SMALL, style.RING_TEXT, "centre"))
    return shapes


def _protected(protected: ProtectedFacts, camera: Camera) -> list[Primitive]:
    path_m = np.array(protected.path_enu_m, float)[:, :2]
    view = camera.viewport
    if protected.inner_enu_m:
        inner_m = np.array(protected.inner_enu_m, float)[::-1, :2]
        outline = camera.to_screen(np.concatenate([path_m, inner_m]))
    elif len(path_m) > 1:
        outline = camera.to_screen(stadium(path_m, protected.radius_m))
    else:
        angle = np.linspace(0.0, 2.0 * np.pi, 180, endpoint=False)
        around = np.stack([np.sin(angle), np.cos(angle)], axis=-1)
        outline = camera.to_screen(path_m[0] + protected.radius_m * around)
    closed = np.concatenate([outline, outline[:1]])
    shapes: list[Primitive] = []
    area = clipped(outline, view)
    if len(area) > 2:
        shapes.append(Glow((area,), (style.PROTECTED_FILL,)))
    shapes += [Polyline(piece, style.PROTECTED, dashed=True) for piece in runs(closed, view)]
    centreline = camera.to_screen(path_m)
    if len(path_m) > 1:
        shapes += [
            Polyline(piece, style.faded(style.PROTECTED, 0.5)) for piece in runs(centreline, view)
        ]
    name = _name_of(protected, camera)
    if name is not None:
        shapes.append(name)
    return shapes


def _name_of(protected: ProtectedFacts, camera: Camera) -> Text | None:
    """Return the name below the first place of a path; none where it is too small to tell.

    Of a line it stands within the band, in the middle of it.
    """
    radius_px = protected.radius_m / camera.scale_m_per_px
    if radius_px < 20:
        return None
    if protected.inner_enu_m:
        middle = len(protected.path_enu_m) // 2
        ends = np.array([protected.path_enu_m[middle], protected.inner_enu_m[middle]])
        x, y = camera.to_screen(ends.mean(axis=0)).tolist()
        return Text(protected.id, x, y - style.SMALL / 2, style.SMALL, style.PROTECTED, "centre")
    x, y = camera.to_screen(protected.path_enu_m[0]).tolist()
    return Text(protected.id, x, y + radius_px + 4, style.SMALL, style.PROTECTED, "centre")


def sensor_mark(sensor: SensorFacts, camera: Camera) -> list[Primitive]:
    """Return the mark and the name of a sensor."""
    at = camera.to_screen(sensor.position_enu_m)
    if not camera.viewport.near(at, 20):
        return []
    x, y = at.tolist()
    name = Text(sensor.id, x, y + 9, style.SMALL, style.SENSOR, "centre")
    shape = style.SENSOR_SHAPES.get(sensor.kind, "sensor")
    return [Marks(at[None], shape, 13, style.SENSOR), name]


def _scale_bar(camera: Camera) -> list[Primitive]:
    view = camera.viewport
    if view.width < 160 or view.height < 90:
        return []
    length_m = step_of(70.0 * camera.scale_m_per_px)
    length_px = length_m / camera.scale_m_per_px
    left, base = view.left + 16.0, view.bottom - 14.0
    ends = [
        [(left, base), (left + length_px, base)],
        [(left, base), (left, base - 5)],
        [(left + length_px, base), (left + length_px, base - 5)],
    ]
    text = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    x, y = left + length_px / 2, base - style.SMALL - 7
    return [
        Segments(np.array(ends, float), style.TEXT_DIM),
        Text(text, x, y, style.SMALL, style.TEXT_DIM, "centre"),
    ]
