"""From the scenario's east and north to pixels and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from sim.core.tables import Bools, Floats

#: Metres per pixel at the closest and at the farthest zoom.
CLOSEST, FARTHEST = 0.2, 3000.0


class Rect(NamedTuple):
    """A rectangle on the screen, in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """First pixel column to the right of it."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """First pixel row below it."""
        return self.top + self.height

    @property
    def centre(self) -> tuple[float, float]:
        """Middle of the rectangle."""
        return self.left + self.width / 2, self.top + self.height / 2

    def contains(self, x_px: float, y_px: float) -> bool:
        """Tell whether a pixel lies inside."""
        return self.left <= x_px < self.right and self.top <= y_px < self.bottom

    def within(self, other: Rect) -> bool:
        """Tell whether it lies in another rectangle."""
        return (
            other.left <= self.left
            and self.right <= other.right
            and other.top <= self.top
            and self.bottom <= other.bottom
        )

    def meets(self, other: Rect) -> bool:
        """Tell whether it shares pixels with another rectangle."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )

    def near(self, points_px: Floats, margin_px: float = 0.0) -> Bools:
        """Return a mask (N,) of the points (N, 2) inside, or outside by less than the margin."""
        x, y = points_px[..., 0], points_px[..., 1]
        inside: Bools = (
            (x >= self.left - margin_px)
            & (x < self.right + margin_px)
            & (y >= self.top - margin_px)
            & (y < self.bottom + margin_px)
        )
        return inside


@dataclass(frozen=True, slots=True)
class Camera:
    """A view straight down onto the scenario's east-north plane, north up.

    Attributes
    ----------
    east_m, north_m : the place in the middle of the viewport
    scale_m_per_px : metres per pixel
    viewport : the part of the screen that shows the map
    """

    east_m: float
    north_m: float
    scale_m_per_px: float
    viewport: Rect

    def to_screen(self, position_enu_m: ArrayLike) -> Floats:
        """Return pixels (..., 2), x right and y down, of positions (..., 2 or 3)."""
        position = np.asarray(position_enu_m, dtype=np.float64)
        x, y = self.viewport.centre
        pixels = np.empty((*position.shape[:-1], 2))
        pixels[..., 0] = x + (position[..., 0] - self.east_m) / self.scale_m_per_px
        pixels[..., 1] = y - (position[..., 1] - self.north_m) / self.scale_m_per_px
        return pixels

    def to_world(self, pixels: ArrayLike) -> Floats:
        """Return east and north (..., 2) in metres of pixels (..., 2)."""
        points = np.asarray(pixels, dtype=np.float64)
        x, y = self.viewport.centre
        world = np.empty(points.shape)
        world[..., 0] = self.east_m + (points[..., 0] - x) * self.scale_m_per_px
        world[..., 1] = self.north_m - (points[..., 1] - y) * self.scale_m_per_px
        return world

    def zoomed(self, factor: float, at_px: tuple[float, float] | None = None) -> Camera:
        """Return the camera closer by ``factor``; the place under ``at_px`` stays there."""
        scale = min(max(self.scale_m_per_px / factor, CLOSEST), FARTHEST)
        at = self.viewport.centre if at_px is None else at_px
        east, north = self.to_world(at)
        kept = scale / self.scale_m_per_px
        return replace(
            self,
            east_m=float(east + (self.east_m - east) * kept),
            north_m=float(north + (self.north_m - north) * kept),
            scale_m_per_px=scale,
        )

    def panned(self, dx_px: float, dy_px: float) -> Camera:
        """Return the camera with the map moved right and down by the given pixels."""
        return replace(
            self,
            east_m=self.east_m - dx_px * self.scale_m_per_px,
            north_m=self.north_m + dy_px * self.scale_m_per_px,
        )

    def resized(self, viewport: Rect) -> Camera:
        """Return the camera with another viewport, same middle and scale."""
        return replace(self, viewport=viewport)

    @classmethod
    def fitting(cls, corners_enu_m: ArrayLike, viewport: Rect, margin: float = 0.06) -> Camera:
        """Return a camera that shows all of the points (N, 2 or 3), with a margin."""
        corners = np.asarray(corners_enu_m, dtype=np.float64)[:, :2]
        if not len(corners):
            return cls(0.0, 0.0, FARTHEST, viewport).zoomed(10.0)
        low, high = corners.min(axis=0), corners.max(axis=0)
        span = np.maximum(high - low, 1000.0) / (1.0 - 2.0 * margin)
        room = np.maximum([viewport.width, viewport.height], 1.0)
        scale = float(np.max(span / room))
        east, north = (low + high) / 2.0
        return cls(float(east), float(north), min(max(scale, CLOSEST), FARTHEST), viewport)
