"""The living part of a scene: plots, tracks with trails, leaders and labels, and the truth."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Floats, Identity, Snapshot, Tracks, TrackStatus
from sim.record.setting import Setting
from viz import style
from viz.camera import Camera, Rect
from viz.geography import Geography
from viz.labels import SIDES, Occupancy
from viz.memory import AFTERGLOW_S, Memory, Places
from viz.primitives import (
    Anchor,
    Colour,
    Marks,
    Polyline,
    Primitive,
    Segments,
    Text,
    extent,
    text_size_px,
)
from viz.view import View

LEADER_S = 60.0
#: A picture is extrapolated by no more than this, whatever the clock says.
MOST_EXTRAPOLATED_S = 5.0
_PLOT_LEVELS = 5
_TRAIL_LEVELS = 4
_LONGEST_LABEL = "0000 coast\nFL000↑ 000"
#: Truth is named to the lower right, where track labels go less often.
_TRUTH_SIDE = 1
_FOOT_M = 0.3048
_KNOT_MPS = 1852.0 / 3600.0


@dataclass(frozen=True)
class Shown:
    """The tracks as they stand at the moment shown: positions (N, 3) and pixels (N, 2)."""

    tracks: Tracks
    position_enu_m: Floats
    pixels: Floats
    symbol_px: int


def shown(snapshot: Snapshot, view: View) -> Shown:
    """Carry the snapshot's tracks on to the moment shown."""
    tracks = snapshot.tracks
    position = tracks.position_enu_m + tracks.velocity_enu_mps * ahead_s(snapshot, view)
    pixels = view.camera.to_screen(position)
    in_view = int((tracks.confirmed & view.camera.viewport.near(pixels)).sum())
    return Shown(tracks, position, pixels, style.symbol_px(in_view))


def ahead_s(snapshot: Snapshot, view: View) -> float:
    """Return how far the moment shown lies after the snapshot, within reason."""
    return min(max(view.time_s - snapshot.time_s, 0.0), MOST_EXTRAPOLATED_S)


def flight_level(height_m: float) -> str:
    """Return a height above the ellipsoid in hundreds of feet, as ``FL245``."""
    return f"FL{round(height_m / _FOOT_M / 100.0):03d}"


def knots(speed_mps: float) -> int:
    """Return a speed in whole knots."""
    return round(speed_mps / _KNOT_MPS)


def plots(memory: Memory, places: Places, view: View) -> list[Primitive]:
    """Return the plots of the last seconds, the older the dimmer; true and false look alike."""
    if not view.plots or not memory.plot_time_s.size:
        return []
    pixels = view.camera.to_screen(memory.plot_enu_m)
    age_s = view.time_s - memory.plot_time_s
    level = np.clip(age_s / AFTERGLOW_S * _PLOT_LEVELS, 0, _PLOT_LEVELS - 1).astype(np.intp)
    seen = (age_s < AFTERGLOW_S) & view.camera.viewport.near(pixels, 4)
    shapes: list[Primitive] = []
    for k in reversed(range(_PLOT_LEVELS)):
        share = 1.0 - 0.82 * k / (_PLOT_LEVELS - 1)
        strobes = (level == k) & memory.plot_bearing_only & (age_s < AFTERGLOW_S)
        if strobes.any():
            start = view.camera.to_screen(places.origin_enu_m[memory.plot_sensor[strobes]])
            ends = np.stack([start, pixels[strobes]], axis=1)
            shapes.append(Segments(ends, style.faded(style.STROBE, share)))
        here = (level == k) & seen & ~memory.plot_bearing_only
        echoes, reports = here & ~memory.plot_reported, here & memory.plot_reported
        if echoes.any():
            colour = style.faded(style.PLOT, share)
            shapes.append(Marks(pixels[echoes], "dot", 4 if k == 0 else 3, colour))
        if reports.any():
            colour = style.faded(style.REPORT, share)
            shapes.append(Marks(pixels[reports], "report", 6, colour))
    return shapes


def tracks(now: Shown, memory: Memory, view: View) -> list[Primitive]:
    """Return trails, velocity leaders and symbols."""
    table, camera = now.tracks, view.camera
    seen = camera.viewport.near(now.pixels, 40)
    shapes: list[Primitive] = []
    tentative = seen & (table.status == TrackStatus.TENTATIVE)
    if tentative.any():
        shapes.append(
            Marks(now.pixels[tentative], "tentative", style.TENTATIVE_PX, style.TENTATIVE)
        )
    confirmed = seen & table.confirmed
    coasting = table.status == TrackStatus.COASTING
    for identity, look in reversed(style.IDENTITIES.items()):
        these = confirmed & (table.identity == identity)
        if not these.any():
            continue
        if view.trails:
            shapes += _trails(memory.trails_of(table.number[these]), look.colour, camera)
        for group, dashed in ((these & ~coasting, False), (these & coasting, True)):
            if not group.any():
                continue
            if view.leaders:
                shapes.append(Segments(_leaders(now, group, camera), look.colour, dashed=dashed))
            shapes.append(Marks(now.pixels[group], look.shape, now.symbol_px, look.colour, dashed))
    return shapes


def _leaders(now: Shown, rows: NDArray[np.bool_] | NDArray[np.intp], camera: Camera) -> Floats:
    leaders: Floats = np.repeat(now.pixels[rows, None], 2, axis=1)
    ahead_m = LEADER_S * now.tracks.velocity_enu_mps[rows]
    leaders[:, 1] = camera.to_screen(now.position_enu_m[rows] + ahead_m)
    return leaders


def _along_leaders(now: Shown, rows: NDArray[np.intp], camera: Camera) -> Floats:
    """Return places (K, 2) on leaders, as far as a label may come near them."""
    start, end = np.moveaxis(_leaders(now, rows, camera), 1, 0)
    length = np.maximum(np.hypot(*(end - start).T), 1e-9)[:, None]
    reach = np.minimum(np.linspace(4.0, 80.0, 20), length) / length
    along: Floats = start[:, None] + reach[..., None] * (end - start)[:, None]
    return along.reshape(-1, 2)


def _trails(trail_enu_m: Floats, colour: Colour, camera: Camera) -> list[Primitive]:
    pixels = camera.to_screen(trail_enu_m)
    shapes: list[Primitive] = []
    for k, dots in enumerate(np.array_split(pixels, _TRAIL_LEVELS, axis=1)):
        flat = dots.reshape(-1, 2)
        flat = flat[np.isfinite(flat[:, 0])]
        flat = flat[camera.viewport.near(flat)]
        if len(flat):
            share = 0.62 - 0.14 * k
            shapes.append(Marks(flat, "dot", 3, style.faded(colour, share)))
    return shapes


def selection(now: Shown, view: View) -> list[Primitive]:
    """Return the mark around the selected track and its 2σ ellipse."""
    row = row_of(now.tracks, view.selected)
    if row is None:
        return []
    at = now.pixels[row]
    shapes: list[Primitive] = []
    if view.camera.viewport.near(at):
        shapes.append(Marks(at[None], "selection", now.symbol_px + 13, style.SELECTED))
    values, vectors = np.linalg.eigh(now.tracks.position_covariance_m2[row, :2, :2])
    semi_m = 2.0 * np.sqrt(np.maximum(values, 0.0))
    angle = np.linspace(0.0, 2.0 * np.pi, 73)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    ellipse_m = now.position_enu_m[row, :2] + (circle * semi_m) @ vectors.T
    largest_px = float(semi_m.max()) / view.camera.scale_m_per_px
    if now.symbol_px / 2 < largest_px < 5000:
        shapes.append(Polyline(view.camera.to_screen(ellipse_m), style.faded(style.SELECTED, 0.5)))
    return shapes


def row_of(table: Tracks, number: int | None) -> int | None:
    """Return the row of a track number, None if there is no such track."""
    rows = np.flatnonzero(table.number == number) if number is not None else np.empty(0, int)
    return int(rows[0]) if rows.size else None


def labels(
    now: Shown, memory: Memory, still: list[Primitive], geography: Geography, view: View
) -> tuple[list[Primitive], Occupancy, dict[int, int]]:
    """Return the labels of confirmed tracks, what is taken, and on which side each stands.

    A label reads ``0042`` over ``FL245↑ 447``: track number, hundreds of feet above the
    ellipsoid, climbing or descending by more than 2.5 m/s, ground speed in knots. It
    keeps off the texts and sensors of the backdrop, and off leaders and trails if it can.
    """
    table, camera = now.tracks, view.camera
    occupancy = Occupancy(camera.viewport)
    for shape in still:
        if isinstance(shape, Text):
            occupancy.take(extent(shape))
        elif isinstance(shape, Marks):
            occupancy.take_around(shape.points_px, shape.size_px / 2)
    rows = np.flatnonzero(table.confirmed & camera.viewport.near(now.pixels))
    occupancy.take_around(now.pixels[rows], now.symbol_px / 2)
    if view.leaders:
        occupancy.avoid(_along_leaders(now, rows, camera))
    if view.trails:
        trails = camera.to_screen(memory.trails_of(table.number[rows]))
        occupancy.avoid(trails[np.isfinite(trails[..., 0])])
    if not view.labels or not rows.size:
        return [], occupancy, {}
    selected = table.number[rows] == (-1 if view.selected is None else view.selected)
    rows = rows[np.lexsort((table.number[rows], -table.hits[rows].clip(max=20), ~selected))]
    numbers = table.number[rows].tolist()
    sides = [view.label_sides.get(number, -1) for number in numbers]
    gaps = np.full(rows.size, 0.75 * now.symbol_px)
    gaps[table.number[rows] == view.selected] = now.symbol_px
    size = np.array(text_size_px(_LONGEST_LABEL, style.SMALL))
    placed = occupancy.place(
        now.pixels[rows], np.tile(size, (rows.size, 1)), gaps, np.array(sides, np.intp)
    )
    texts = label_texts(now, rows[[row for row, _, _ in placed]], geography)
    shapes: list[Primitive] = []
    for text, (k, side, rect) in zip(texts, placed, strict=True):
        colour = style.IDENTITIES[int(table.identity[rows[k]])].colour
        colour = style.SELECTED if numbers[k] == view.selected else style.faded(colour, 0.86)
        shapes.append(_label(text, rect, side, colour))
    return shapes, occupancy, {numbers[k]: side for k, side, _ in placed}


def _label(text: str, rect: Rect, side: int, colour: Colour) -> Text:
    """Set a text close to its track within the room it was given."""
    anchor: Anchor = ("right", "centre", "left")[int(SIDES[side, 0]) + 1]
    x = {"left": rect.left, "centre": rect.centre[0], "right": rect.right}[anchor]
    return Text(text, x, rect.top, style.SMALL, colour, anchor)


def label_texts(now: Shown, rows: NDArray[np.intp], geography: Geography) -> list[str]:
    """Return the texts of the labels of the given rows, each of two lines."""
    _, _, height_m = geography.to_geodetic(now.position_enu_m[rows])
    velocity = local_velocity_mps(now, rows, geography)
    speed = np.hypot(velocity[:, 0], velocity[:, 1])
    arrow = np.where(velocity[:, 2] > 2.5, "↑", np.where(velocity[:, 2] < -2.5, "↓", ""))
    return [
        f"{number:04d}{life}\n{flight_level(height)}{climb} {knots(pace)}"
        for number, life, height, climb, pace in zip(
            now.tracks.number[rows].tolist(),
            np.where(now.tracks.status[rows] == TrackStatus.COASTING, " coast", "").tolist(),
            height_m.tolist(),
            arrow.tolist(),
            speed.tolist(),
            strict=True,
        )
    ]


def local_velocity_mps(now: Shown, rows: NDArray[np.intp], geography: Geography) -> Floats:
    """Return velocities (K, 3) of the given rows in each track's own east, north, up."""
    enu_R_local = geography.enu_R_local(now.position_enu_m[rows])
    velocity: Floats = np.einsum("kji,kj->ki", enu_R_local, now.tracks.velocity_enu_mps[rows])
    return velocity


def truth(
    snapshot: Snapshot, setting: Setting, view: View, occupancy: Occupancy
) -> list[Primitive]:
    """Return a thin cross at every target that is there, with its id and class."""
    if not view.truth:
        return []
    table = snapshot.truth
    position = table.position_enu_m + table.velocity_enu_mps * ahead_s(snapshot, view)
    pixels = view.camera.to_screen(np.where(table.present[:, None], position, np.nan))
    rows = np.flatnonzero(view.camera.viewport.near(pixels))
    if not rows.size:
        return []
    names = [f"{setting.targets[k].id} {setting.targets[k].target_class}" for k in rows.tolist()]
    sizes = np.array([text_size_px(name, style.SMALL) for name in names])
    placed = occupancy.place(
        pixels[rows], sizes, np.full(rows.size, 13.0), np.full(rows.size, _TRUTH_SIDE)
    )
    dim = style.faded(style.TRUTH, 0.75)
    return [
        Marks(pixels[rows], "cross", 11, style.TRUTH),
        *(_label(names[k], rect, side, dim) for k, side, rect in placed),
    ]


def pick(now: Shown, x_px: float, y_px: float, within_px: float = 14.0) -> int | None:
    """Return the number of the confirmed track nearest to a pixel, None if none is close."""
    distance = np.hypot(now.pixels[:, 0] - x_px, now.pixels[:, 1] - y_px)
    distance = np.where(now.tracks.confirmed, distance, math.inf)
    if not distance.size or distance.min() > within_px:
        return None
    return int(now.tracks.number[np.argmin(distance)])


def counts(table: Tracks) -> dict[int, int]:
    """Return how many confirmed tracks there are of each identity."""
    found = np.bincount(table.identity[table.confirmed], minlength=len(Identity))
    return {int(identity): int(found[identity]) for identity in style.IDENTITIES}
