"""What surrounds the map: status bar, side panel, line of hints, help."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np

from sim.core.shots import DefenceStep, Why
from sim.core.tables import Reply, Snapshot, TrackStatus
from sim.record.setting import Setting
from viz import style
from viz.bindings import BINDINGS
from viz.camera import Rect
from viz.geography import Geography, degrees_minutes
from viz.picture import (
    Shown,
    counts,
    flight_level,
    knots,
    label_texts,
    local_velocity_mps,
    row_of,
)
from viz.primitives import Box, Colour, Marks, Primitive, Segments, Text, text_size_px
from viz.view import View

_EDGE_PX = 14
_LEGEND_PX = 15
_NOWHERE = np.empty((0, 2))
_ROW_PX = 20
#: More sensors than these are counted by kind.
_SENSORS_LISTED = 14
#: What the radius of a protected thing is called.
_EXTENT = {"point": "radius", "corridor": "half width", "line": "depth"}

UNITS_NOTE = (
    "FL: hundreds of feet above the WGS 84 ellipsoid.  Speed over ground in knots.\n"
    "Map: the plane that touches the earth at the scenario's origin, north up there."
)


def clock_text(seconds: float) -> str:
    """Return a duration as ``h:mm:ss``."""
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def utc_text(start: str, time_s: float) -> str:
    """Return the date and time of day, in UTC, of a scenario time."""
    begin = datetime.fromisoformat(start)
    begin = begin.replace(tzinfo=UTC) if begin.tzinfo is None else begin.astimezone(UTC)
    return f"{begin + timedelta(seconds=math.floor(time_s)):%Y-%m-%d  %H:%M:%S}Z"


def shortened(text: str, size_px: int, width_px: float) -> str:
    """Return the text, or its beginning and an ellipsis, so that it fits."""
    if text_size_px(text, size_px)[0] <= width_px:
        return text
    while text and text_size_px(text + "…", size_px)[0] > width_px:
        text = text[:-1]
    return text.rstrip() + "…" if text else ""


def status_bar(
    setting: Setting, snapshot: Snapshot, recent_plots: int, view: View
) -> list[Primitive]:
    """Return title, clock, progress, speed and counts; what does not fit is left out."""
    bar = view.layout.status
    if not bar.height:
        return []
    speed = f"×{view.speed:g}"
    if not math.isnan(view.achieved) and not view.paused and view.achieved < 0.9 * view.speed:
        speed += f" ({view.achieved:.2g} reached)"
    state, state_colour = ("PAUSED", style.WARNING) if view.paused else (speed, style.ACCENT)
    confirmed = int(snapshot.tracks.confirmed.sum())
    items: list[tuple[str, Colour]] = [
        (utc_text(setting.start, view.time_s)[12:], style.TEXT),
        (state, state_colour),
        (f"{clock_text(view.time_s)} / {clock_text(setting.duration_s)}", style.TEXT_DIM),
        (f"{confirmed} track" + "s" * (confirmed != 1), style.TEXT),
        (f"{recent_plots} plots in 10 s", style.TEXT_DIM),
        (utc_text(setting.start, view.time_s)[:10], style.TEXT_DIM),
    ]
    if view.paused:
        items.insert(3, (speed, style.TEXT_DIM))
    size = style.NORMAL
    top = bar.top + (bar.height - size * 1.17) / 2
    shapes: list[Primitive] = [Box(bar, style.PANEL)]
    right = bar.right - (_EDGE_PX if bar.width > 400 else 5)
    for text, colour in items:
        width = text_size_px(text, size)[0]
        if right - width < 5:
            break
        shapes.append(Text(text, right, top, size, colour, "right"))
        right -= width + 20
    title = shortened(setting.title, style.LARGE, right - _EDGE_PX - 10)
    if len(title) > 6:
        top = bar.top + (bar.height - style.LARGE * 1.17) / 2
        shapes.append(Text(title, bar.left + _EDGE_PX, top, style.LARGE, style.TEXT))
    share = min(max(view.time_s / max(setting.duration_s, 1e-9), 0.0), 1.0)
    base = bar.bottom - 2
    shapes.append(Box(Rect(bar.left, base, bar.width, 2), style.PANEL_LINE))
    shapes.append(Box(Rect(bar.left, base, bar.width * share, 2), style.ACCENT))
    return shapes


def hint_line(view: View) -> list[Primitive]:
    """Return the line of the most useful keys, or the message, at the bottom."""
    bar = view.layout.hints
    if not bar.height:
        return []
    shapes: list[Primitive] = [Box(bar, style.PANEL)]
    left, top = bar.left + _EDGE_PX, bar.top + 5
    size = style.SMALL
    if view.message:
        text = shortened(view.message, size, bar.width - 2 * _EDGE_PX)
        return [*shapes, Text(text, left, top, size, style.WARNING)]
    for binding in BINDINGS:
        if not binding.hint:
            continue
        key_px = text_size_px(binding.shown, size)[0] + 5
        width = key_px + text_size_px(binding.hint, size)[0]
        if left + width > bar.right - 5:
            break
        shapes.append(Text(binding.shown, left, top, size, style.ACCENT))
        shapes.append(Text(binding.hint, left + key_px, top, size, style.TEXT_DIM))
        left += width + 16
    return shapes


class _Column:
    """Lines written one under the other into the panel, as far as there is room."""

    def __init__(self, rect: Rect) -> None:
        self.rect = rect
        self.shapes: list[Primitive] = []
        self._top = rect.top + 12.0

    @property
    def room(self) -> int:
        """How many more rows there is room for."""
        return max(int((self.rect.bottom - self._top) // _ROW_PX), 0)

    def heading(self, text: str, colour: Colour = style.TEXT) -> None:
        if self._top + 2 * _ROW_PX > self.rect.bottom:
            self._top = self.rect.bottom
            return
        left = self.rect.left + _EDGE_PX
        self.shapes.append(Text(text, left, self._top, style.NORMAL, colour))
        base = self._top + style.NORMAL + 5
        rule = np.array([[(left, base), (self.rect.right - _EDGE_PX, base)]], float)
        self.shapes.append(Segments(rule, style.PANEL_LINE))
        self._top += style.NORMAL + 12

    def row(
        self,
        name: str,
        value: str,
        mark: Marks | None = None,
        colour: Colour = style.TEXT,
    ) -> None:
        if not self.room:
            return
        left = self.rect.left + _EDGE_PX
        if mark is not None:
            at = np.array([[left + 9, self._top + style.SMALL * 0.6]])
            self.shapes.append(Marks(at, mark.shape, mark.size_px, mark.colour, mark.dashed))
            left += 28
        right = self.rect.right - _EDGE_PX
        value_px = text_size_px(value, style.SMALL)[0]
        name = shortened(name, style.SMALL, right - left - value_px - 8)
        self.shapes.append(Text(name, left, self._top, style.SMALL, style.TEXT_DIM))
        self.shapes.append(Text(value, right, self._top, style.SMALL, colour, "right"))
        self._top += _ROW_PX

    def gap(self) -> None:
        self._top += 10


def panel(
    setting: Setting,
    snapshot: Snapshot,
    now: Shown,
    geography: Geography,
    recent_plots: int,
    view: View,
) -> list[Primitive]:
    """Return the side panel: the selected track, the picture's counts, sensors, protection."""
    rect = view.layout.panel
    if not rect.width:
        return []
    column = _Column(rect)
    row = row_of(now.tracks, view.selected)
    if row is not None:
        _track_rows(column, setting, snapshot, now, row, geography, view)
    elif view.selected is not None:
        column.heading(f"Track {view.selected:04d}", style.SELECTED)
        column.row("not in the picture", "")
        column.gap()
    _picture_rows(column, snapshot, recent_plots, view)
    _setting_rows(column, setting)
    _defence_rows(column, setting, snapshot)
    _list_rows(column, now, geography, view)
    edge = np.array([[(rect.left, rect.top), (rect.left, rect.bottom)]], float)
    return [Box(rect, style.PANEL), Segments(edge, style.PANEL_LINE), *column.shapes]


def _track_rows(
    column: _Column,
    setting: Setting,
    snapshot: Snapshot,
    now: Shown,
    row: int,
    geography: Geography,
    view: View,
) -> None:
    table = now.tracks
    look = style.IDENTITIES[int(table.identity[row])]
    latitude, longitude, height_m = geography.to_geodetic(now.position_enu_m[row])
    east, north, up = local_velocity_mps(now, np.array([row]), geography)[0].tolist()
    speed_mps = math.hypot(east, north)
    course_deg = math.degrees(math.atan2(east, north)) % 360.0
    spread = np.linalg.eigvalsh(table.position_covariance_m2[row, :2, :2])
    fed = [
        sensor.id
        for index, sensor in enumerate(setting.sensors)
        if int(table.sensors[row]) >> (index % 64) & 1
    ]
    replies = table.replies[row].tolist()
    column.heading(f"Track {int(table.number[row]):04d}", style.SELECTED)
    column.row("identity", look.name, colour=look.colour)
    told = int(table.target_class[row])
    if told >= 0:
        probability = float(table.class_probability[row])
        share = f"{probability:.0%}" if probability < 0.995 else "over 99%"
        column.row("class", f"{setting.classes[told]}  {share}")
    column.row("status", TrackStatus(int(table.status[row])).name.lower())
    column.row("latitude", degrees_minutes(math.degrees(float(latitude)), "N", "S"))
    column.row("longitude", degrees_minutes(math.degrees(float(longitude)), "E", "W"))
    column.row("height", f"{flight_level(float(height_m))}  {float(height_m):.0f} m")
    column.row("climb", f"{up:+.0f} m/s")
    column.row("speed", f"{knots(speed_mps)} kt  {speed_mps:.0f} m/s")
    column.row("course", f"{round(course_deg) % 360:03d}°")
    column.row("uncertainty (1σ)", f"{math.sqrt(max(float(spread[-1]), 0.0)):.0f} m")
    column.row("last plot", f"{max(view.time_s - float(table.last_plot_s[row]), 0.0):.1f} s ago")
    column.row("plots", f"{int(table.hits[row])}")
    column.row("replies", f"{replies[Reply.CIVIL]} civil  {replies[Reply.MILITARY]} military")
    column.row("fed by", ", ".join(fed) or "none")
    for word, value in _threat(snapshot.defence, int(table.number[row])):
        column.row(word, value)
    column.gap()


def _threat(step: DefenceStep, number: int) -> list[tuple[str, str]]:
    """Say what a track threatens, and why it is not engaged or that it is."""
    rows = np.flatnonzero(step.track == number)
    if not rows.size:
        return []
    row = int(rows[-1])
    said = [("threatens", f"{step.worth[row]:.2g}")]
    if math.isfinite(step.time_to_go_s[row]):
        said.append(("time to go", f"{step.time_to_go_s[row]:.0f} s"))
    word = Why(int(step.why[row])).name.lower().replace("_", " ")
    shots = int((step.under_way.track == number).sum())
    return [*said, ("defence", word + (f", {shots} shots" if shots else ""))]


def _defence_rows(column: _Column, setting: Setting, snapshot: Snapshot) -> None:
    """Tell of every layer its effectors, rounds left and shots under way."""
    if not setting.effectors:
        return
    step = snapshot.defence
    column.heading("Defence")
    for layer in dict.fromkeys(effector.layer for effector in setting.effectors):
        own = [k for k, effector in enumerate(setting.effectors) if effector.layer == layer]
        value = f"{len(own)}"
        if step.rounds.size and setting.effectors[own[0]].magazine is not None:
            value += f"  {int(step.rounds[own].sum())} rounds"
        flying = int(np.isin(step.under_way.effector, own).sum())
        column.row(layer, value + (f"  {flying} shots" if flying else ""))
    column.gap()


def _picture_rows(column: _Column, snapshot: Snapshot, recent_plots: int, view: View) -> None:
    table = snapshot.tracks
    column.heading("Picture")
    for identity, number in counts(table).items():
        if not number and identity in style.BY_EVIDENCE:
            continue
        look = style.IDENTITIES[identity]
        mark = Marks(_NOWHERE, look.shape, _LEGEND_PX, look.colour)
        column.row(look.name, str(number), mark)
    coasting = int((table.status == TrackStatus.COASTING).sum())
    mark = Marks(_NOWHERE, "neutral", _LEGEND_PX, style.TEXT_DIM, dashed=True)
    column.row("coasting (dashed)", str(coasting), mark)
    tentative = int((table.status == TrackStatus.TENTATIVE).sum())
    mark = Marks(_NOWHERE, "tentative", style.TENTATIVE_PX, style.TENTATIVE)
    column.row("tentative", str(tentative), mark)
    mark = Marks(_NOWHERE, "dot", 4, style.PLOT)
    column.row("plots in 10 s", str(recent_plots), mark)
    if view.truth:
        mark = Marks(_NOWHERE, "cross", 11, style.TRUTH)
        column.row("truth", str(int(snapshot.truth.present.sum())), mark)
    if snapshot.rejected:
        column.row("broken plots dropped", str(snapshot.rejected), colour=style.WARNING)
    column.gap()


def _setting_rows(column: _Column, setting: Setting) -> None:
    if setting.sensors:
        column.heading("Sensors")
    if len(setting.sensors) <= _SENSORS_LISTED:
        for sensor in setting.sensors:
            column.row(f"{sensor.id}  {sensor.site}", f"{sensor.range_max_m / 1000:.4g} km")
    else:
        for kind, count in Counter(sensor.kind for sensor in setting.sensors).items():
            column.row(kind, str(count))
    column.gap()
    if setting.protected:
        column.heading("Protected")
    for protected in setting.protected:
        word = _EXTENT[protected.kind]
        column.row(protected.id, f"{word} {protected.radius_m / 1000:.4g} km")
    if setting.protected:
        column.gap()


def _list_rows(column: _Column, now: Shown, geography: Geography, view: View) -> None:
    """List the confirmed tracks by number, as far as there is room."""
    rows = np.flatnonzero(now.tracks.confirmed)
    rows = rows[np.argsort(now.tracks.number[rows])]
    if not rows.size:
        return
    column.heading("Tracks")
    room = column.room
    listed = rows if rows.size <= room else rows[: max(room - 1, 0)]
    for row, text in zip(listed.tolist(), label_texts(now, listed, geography), strict=True):
        number, rest = text.split("\n")
        look = style.IDENTITIES[int(now.tracks.identity[row])]
        coasting = now.tracks.status[row] == TrackStatus.COASTING
        mark = Marks(_NOWHERE, look.shape, _LEGEND_PX, look.colour, dashed=bool(coasting))
        chosen = now.tracks.number[row] == view.selected
        column.row(number, f"{rest} kt", mark, style.SELECTED if chosen else style.TEXT_DIM)
    if listed.size < rows.size:
        column.row(f"and {rows.size - listed.size} more", "")


def help_box(view: View) -> list[Primitive]:
    """Return the help in the middle of the map, made of the table of bindings."""
    if not view.help:
        return []
    size, row = style.NORMAL, 22.0
    room = view.layout.map
    if room.height < row * (len(BINDINGS) + 4):
        size, row = style.SMALL, 16.0
    rows = min(max(int((room.height - 16) / row) - 4, 1), len(BINDINGS))
    columns = min(math.ceil(len(BINDINGS) / rows), max(int(room.width // 300), 1))
    wide = columns > 1 or room.width < 460
    width = room.width if wide else max(text_size_px(UNITS_NOTE, style.SMALL)[0], 420.0) + 40
    height = min(row * (rows + 4) + 16, room.height)
    x, y = room.centre
    box = Rect(x - width / 2, y - height / 2, width, height)
    shapes: list[Primitive] = [Box(box, style.PANEL, style.PANEL_LINE)]
    left, top = box.left + min(20, width / 20), box.top + 14
    shapes.append(Text("Keys", left, top - 4, style.LARGE, style.TEXT))
    key_px, column_px = 7.0 * size, (box.right - left) / columns
    for k, binding in enumerate(BINDINGS[: rows * columns]):
        x, y = left + k // rows * column_px, top + (k % rows + 1.4) * row
        shapes.append(Text(binding.shown, x, y, size, style.ACCENT))
        words = shortened(binding.help, size, column_px - key_px - 8)
        shapes.append(Text(words, x + key_px, y, size, style.TEXT_DIM))
    top += (rows + 1.4) * row + 6
    for line in UNITS_NOTE.split("\n"):
        if top + style.SMALL * 1.2 < box.bottom:
            note = shortened(line, style.SMALL, box.right - left - 8)
            shapes.append(Text(note, left, top, style.SMALL, style.GRATICULE_TEXT))
        top += style.SMALL + 4
    return shapes
