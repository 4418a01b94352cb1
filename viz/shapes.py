"""Lines and areas cut to what the screen shows, so that no zoom makes drawing slow."""

from __future__ import annotations

import math

import numpy as np

from sim.core.tables import Bools, Floats
from viz.camera import Rect


def circle_px(centre_px: Floats, radius_px: float, view: Rect) -> list[Floats]:
    """Return the arcs, each (N, 2), of a circle that cross the view; off by < 0.25 px."""
    x, y = float(centre_px[0]), float(centre_px[1])
    nearest = math.hypot(
        max(view.left - x, 0.0, x - view.right), max(view.top - y, 0.0, y - view.bottom)
    )
    farthest = farthest_px(centre_px, view)
    if not nearest <= radius_px <= farthest:
        return []
    step = 2.0 * math.acos(max(1.0 - 0.25 / max(radius_px, 1.0), 0.0))
    count = min(max(math.ceil(2.0 * math.pi / step), 48), 20_000)
    angle = np.linspace(0.0, 2.0 * np.pi, count + 1)
    ring = np.stack([x + radius_px * np.sin(angle), y - radius_px * np.cos(angle)], axis=-1)
    return runs(ring, view)


def farthest_px(point_px: Floats, view: Rect) -> float:
    """Return the distance from a point to the farthest corner of the view."""
    x, y = float(point_px[0]), float(point_px[1])
    return math.hypot(
        max(abs(x - view.left), abs(x - view.right)), max(abs(y - view.top), abs(y - view.bottom))
    )


def touching(start_px: Floats, end_px: Floats, view: Rect) -> Bools:
    """Return a mask (N,) of the segments whose bounding box meets the view."""
    low, high = np.minimum(start_px, end_px), np.maximum(start_px, end_px)
    meets: Bools = (
        (low[:, 0] <= view.right)
        & (high[:, 0] >= view.left)
        & (low[:, 1] <= view.bottom)
        & (high[:, 1] >= view.top)
    )
    return meets


def runs(points_px: Floats, view: Rect) -> list[Floats]:
    """Cut a polyline (N, 2) into the pieces that may be seen."""
    shown = touching(points_px[:-1], points_px[1:], view)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shown, [False]]).astype(np.int8)))
    return [
        points_px[first : last + 1] for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]


def clipped(polygon_px: Floats, view: Rect) -> Floats:
    """Cut a polygon (N, 2) to the view (Sutherland and Hodgman 1974); (0, 2) if outside."""
    polygon = polygon_px
    for axis, limit, sign in (
        (0, view.left, 1.0),
        (0, view.right, -1.0),
        (1, view.top, 1.0),
        (1, view.bottom, -1.0),
    ):
        if not len(polygon):
            return polygon
        depth = sign * (polygon[:, axis] - limit)
        if np.all(depth >= 0.0):
            continue
        after, depth_after = np.roll(polygon, -1, axis=0), np.roll(depth, -1)
        kept: list[Floats] = []
        for a, b, depth_a, depth_b in zip(polygon, after, depth, depth_after, strict=True):
            if depth_a >= 0.0:
                kept.append(a)
            if (depth_a >= 0.0) != (depth_b >= 0.0):
                kept.append(a + (b - a) * (depth_a / (depth_a - depth_b)))
        polygon = np.array(kept).reshape(-1, 2)
    return polygon


def stadium(path_m: Floats, radius_m: float) -> Floats:
    """Return the outline (N, 2) of all places within ``radius_m`` of a polyline (K, 2), K > 1.

    Round at the ends and outside of bends, mitred inside of them.
    """
    outline: list[Floats] = []
    for path in (path_m, path_m[::-1]):  # there on the left-hand side, back on the other
        steps = np.diff(path, axis=0)
        heading = np.arctan2(steps[:, 0], steps[:, 1])
        for corner, before, after in zip(path[1:-1], heading[:-1], heading[1:], strict=True):
            turn = float((after - before + np.pi) % (2.0 * np.pi) - np.pi)
            if turn >= 0.0:
                outline.append(_arc(corner, radius_m, before - np.pi / 2, turn))
            else:
                reach_m = radius_m / max(math.cos(turn / 2.0), 0.2)
                outline.append(_arc(corner, reach_m, before + turn / 2.0 - np.pi / 2, 0.0)[:1])
        outline.append(_arc(path[-1], radius_m, heading[-1] - np.pi / 2, np.pi))
    return np.concatenate(outline)


def _arc(centre: Floats, radius: float, first_rad: float, turn_rad: float) -> Floats:
    angle = first_rad + np.linspace(0.0, turn_rad, max(2, math.ceil(turn_rad / 0.15)))
    return centre + radius * np.stack([np.sin(angle), np.cos(angle)], axis=-1)


def dashed(segments_px: Floats, on_px: float, off_px: float) -> Floats:
    """Return the dashes (K, 2, 2) of straight lines (N, 2, 2), none beyond 4000 px of a line."""
    way = segments_px[:, 1] - segments_px[:, 0]
    length = np.maximum(np.hypot(way[:, 0], way[:, 1]), 1e-9)
    start = np.arange(0.0, min(float(length.max(initial=0.0)), 4000.0), on_px + off_px)
    line, k = np.nonzero(start < length[:, None])
    ends = np.stack([start[k], np.minimum(start[k] + on_px, length[line])], axis=-1)
    unit = way[line] / length[line, None]
    pieces: Floats = segments_px[line, :1] + ends[..., None] * unit[:, None]
    return pieces


def dashes(points_px: Floats, on_px: float, off_px: float) -> Floats:
    """Return the dashes (K, 2, 2) of a polyline (N, 2), bends cut short."""
    lengths = np.hypot(*np.diff(points_px, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    start = np.arange(0.0, along[-1], on_px + off_px)
    ends = np.stack([start, np.minimum(start + on_px, along[-1])], axis=-1)
    return np.stack(
        [np.interp(ends, along, points_px[:, 0]), np.interp(ends, along, points_px[:, 1])], axis=-1
    )
