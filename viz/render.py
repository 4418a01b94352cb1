"""Shapes to pixels: the only place that draws with pygame. It needs no window."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from collections.abc import Sequence
from itertools import repeat
from pathlib import Path

import numpy as np

from sim.core.tables import Floats
from viz import style
from viz.primitives import Box, Colour, Glow, Marks, Polyline, Primitive, Raster, Segments, Text
from viz.shapes import dashed, dashes
from viz.symbols import SHAPES
from viz.toolkit import pygame

_TEXTS_KEPT = 4096
_FINER = 8
_STROKE_PX = 1.8
#: Smooth lines cost thrice as much; in such a crowd nobody sees the difference.
_MOST_SMOOTH = 200
#: Pixels of a dot, its middle last.
_AROUND = ((-1, -1), (-1, 1), (1, -1), (1, 1), (-1, 0), (1, 0), (0, -1), (0, 1), (0, 0))
_DASH_PX = (6.0, 5.0)
_SYMBOL_DASH_PX = (3.0, 3.6)


class Painter:
    """Paints scenes; keeps fonts, rendered texts (bounded), symbols and the still part."""

    def __init__(self) -> None:
        pygame.font.init()
        self._typeface, self._stand_ins = _typeface()
        self._fonts: dict[int, pygame.Font] = {}
        self._texts: OrderedDict[tuple[str, int, Colour], pygame.Surface] = OrderedDict()
        self._symbols: dict[tuple[str, int, Colour, bool], pygame.Surface] = {}
        self._still: tuple[Sequence[Primitive], pygame.Surface] | None = None
        self._light: pygame.Surface | None = None

    def paint(
        self, surface: pygame.Surface, still: Sequence[Primitive], moving: Sequence[Primitive]
    ) -> None:
        """Paint a scene; the same ``still`` object as last time is not drawn again."""
        if (
            self._still is None
            or self._still[0] is not still
            or self._still[1].get_size() != surface.get_size()
        ):
            backdrop = pygame.Surface(surface.get_size(), 0, surface)
            backdrop.fill(style.BACKGROUND)
            for shape in still:
                self._draw(backdrop, shape)
            self._still = still, backdrop
        surface.blit(self._still[1], (0, 0))
        for shape in moving:
            self._draw(surface, shape)

    def _draw(self, surface: pygame.Surface, shape: Primitive) -> None:
        match shape:
            case Marks() if shape.shape == "dot":
                _dots(surface, shape)
            case Marks():
                self._marks(surface, shape)
            case Segments():
                self._segments(surface, shape)
            case Text():
                self._text(surface, shape)
            case Polyline() if shape.dashed:
                ends = dashes(shape.points_px, *_DASH_PX)
                self._segments(surface, Segments(ends, shape.colour))
            case Polyline():
                pygame.draw.aalines(surface, shape.colour, False, shape.points_px.tolist())
            case Box():
                pygame.draw.rect(surface, shape.fill, shape.rect)
                if shape.outline is not None:
                    pygame.draw.rect(surface, shape.outline, shape.rect, 1)
            case Raster():
                _raster(surface, shape)
            case Glow():
                self._glow(surface, shape)

    def _segments(self, surface: pygame.Surface, shape: Segments) -> None:
        points = shape.points_px
        if shape.dashed:
            points = dashed(points, *_DASH_PX)
        draw = pygame.draw.aaline if len(points) <= _MOST_SMOOTH else pygame.draw.line
        for start, end in points.tolist():
            draw(surface, shape.colour, start, end)

    def _marks(self, surface: pygame.Surface, shape: Marks) -> None:
        key = shape.shape, shape.size_px, shape.colour, shape.dashed
        if key not in self._symbols:
            self._symbols[key] = symbol(*key)
        sprite = self._symbols[key]
        corners = np.floor(shape.points_px).astype(np.int64) - sprite.get_width() // 2
        surface.fblits(list(zip(repeat(sprite), corners.tolist(), strict=False)))

    def _text(self, surface: pygame.Surface, shape: Text) -> None:
        key = shape.text, shape.size_px, shape.colour
        if key in self._texts:
            self._texts.move_to_end(key)
        else:
            if shape.size_px not in self._fonts:
                self._fonts[shape.size_px] = pygame.Font(self._typeface, shape.size_px)
            self._texts[key] = self._fonts[shape.size_px].render(
                shape.text.translate(self._stand_ins), True, shape.colour
            )
            if len(self._texts) > _TEXTS_KEPT:
                self._texts.popitem(last=False)
        rendered = self._texts[key]
        share = {"left": 0.0, "centre": 0.5, "right": 1.0}[shape.anchor]
        left = round(shape.x_px - share * rendered.get_width())
        surface.blit(rendered, (left, round(shape.y_px)))

    def _glow(self, surface: pygame.Surface, shape: Glow) -> None:
        if self._light is None or self._light.get_size() != surface.get_size():
            self._light = pygame.Surface(surface.get_size(), 0, surface)
        corners = np.concatenate(shape.polygons_px)
        low, high = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0)) + 1
        area = pygame.Rect(*low.tolist(), *(high - low).tolist()).clip(surface.get_rect())
        self._light.fill((0, 0, 0), area)
        for polygon, colour in zip(shape.polygons_px, shape.colours, strict=True):
            pygame.draw.polygon(self._light, colour, polygon.tolist())
        surface.blit(self._light, area, area, special_flags=pygame.BLEND_RGB_ADD)


def _raster(surface: pygame.Surface, shape: Raster) -> None:
    rows, columns = shape.rgba.shape[:2]
    image = pygame.image.frombytes(shape.rgba.tobytes(), (columns, rows), "RGBA")
    left, top, width, height = (round(side) for side in shape.rect)
    surface.blit(pygame.transform.scale(image, (width, height)), (left, top))


def _dots(surface: pygame.Surface, shape: Marks) -> None:
    """Write small discs straight into the pixels: there may be tens of thousands."""
    width, height = surface.get_size()
    x, y = np.floor(shape.points_px).T
    inside = (x >= 1) & (x < width - 1) & (y >= 1) & (y < height - 1)
    x, y = x[inside].astype(np.intp), y[inside].astype(np.intp)
    full = surface.map_rgb(shape.colour)
    rim = surface.map_rgb(style.faded(shape.colour, 0.55))
    arms, corners = (rim, None) if shape.size_px <= 3 else (full, rim)
    pixels = pygame.surfarray.pixels2d(surface)
    for dx, dy in _AROUND:
        value = (full, arms, corners)[abs(dx) + abs(dy)]
        if value is not None:
            pixels[x + dx, y + dy] = value
    del pixels  # it locks the surface


def _typeface() -> tuple[str, dict[int, int]]:
    """Return the file of DejaVu Sans and letters to replace.

    It comes with matplotlib, which filterpy brings along; without it, pygame's own bold
    typeface serves, which lacks arrows.
    """
    matplotlib = importlib.util.find_spec("matplotlib")
    if matplotlib is not None and matplotlib.origin is not None:
        path = Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
        if path.is_file():
            return str(path), {}
    bundled = Path(pygame.__file__).parent / pygame.font.get_default_font()
    return str(bundled), str.maketrans("↑↓←→", "^v<>")


def symbol(shape: str, size_px: int, colour: Colour, dashed: bool) -> pygame.Surface:
    """Draw a symbol much larger than wanted and shrink it: smooth at any angle."""
    strokes = SHAPES[shape]
    side = size_px + 4 + (size_px + 1) % 2  # odd: the middle is a pixel
    fine = side * _FINER
    canvas = pygame.Surface((fine, fine), pygame.SRCALPHA)
    canvas.fill((*colour, 0))
    middle, reach = fine / 2, size_px * _FINER / 2
    outlines = [middle + reach * line for line in strokes.lines]
    if strokes.tinted and not dashed:
        dark = style.faded(colour, 0.22)
        canvas.fill((*dark, 0))
        for line in outlines:
            pygame.draw.polygon(canvas, (*dark, 225), line.tolist())
    for line in outlines:
        if dashed:
            on, off = (_FINER * length for length in _SYMBOL_DASH_PX)
            for piece in dashes(line, on, off):
                _stroke(canvas, colour, piece)
        else:
            _stroke(canvas, colour, line)
    for line in strokes.core:
        _stroke(canvas, colour, middle + reach * line)
    if strokes.dot and not dashed:
        pygame.draw.circle(canvas, colour, (middle, middle), strokes.dot * reach)
    return pygame.transform.smoothscale(canvas, (side, side))


def _stroke(canvas: pygame.Surface, colour: Colour, line: Floats) -> None:
    """Draw a line of even width with round joints."""
    radius = _STROKE_PX * _FINER / 2
    for (x0, y0), (x1, y1) in zip(line[:-1].tolist(), line[1:].tolist(), strict=True):
        length = max(float(np.hypot(x1 - x0, y1 - y0)), 1e-9)
        dx, dy = -(y1 - y0) / length * radius, (x1 - x0) / length * radius
        quad = [(x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy)]
        pygame.draw.polygon(canvas, colour, quad)
    for point in line.tolist():
        pygame.draw.circle(canvas, colour, point, radius)


def save_png(surface: pygame.Surface, path: Path) -> None:
    """Write a picture.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    try:
        pygame.image.save(surface, path)
    except pygame.error as error:
        raise OSError(f"cannot write {path}: {error}") from error
