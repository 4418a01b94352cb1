"""What a scene is made of: a flat list of shapes in screen pixels, ready to be painted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Floats
from viz.camera import Rect

Colour = tuple[int, int, int]
Anchor = Literal["left", "centre", "right"]


@dataclass(frozen=True, slots=True)
class Segments:
    """Straight lines from ``points_px[:, 0]`` to ``points_px[:, 1]``: (N, 2, 2)."""

    points_px: Floats
    colour: Colour
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Polyline:
    """A connected line through (N, 2)."""

    points_px: Floats
    colour: Colour
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Glow:
    """Polygons, each (N, 2), whose colours are added to what lies beneath."""

    polygons_px: tuple[Floats, ...]
    colours: tuple[Colour, ...]


@dataclass(frozen=True, slots=True)
class Marks:
    """The same symbol at every place (N, 2); ``shape`` is a key of ``viz.symbols.SHAPES``."""

    points_px: Floats
    shape: str
    size_px: int
    colour: Colour
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle with an outline, if given."""

    rect: Rect
    fill: Colour
    outline: Colour | None = None


@dataclass(frozen=True, slots=True)
class Raster:
    """Colours (R, C, 4) with opacity, the first row on top, stretched over a rectangle."""

    rect: Rect
    rgba: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Text:
    """One or several lines of text; (x, y) is the top at the anchor's side."""

    text: str
    x_px: float
    y_px: float
    size_px: int
    colour: Colour
    anchor: Anchor = "left"


Primitive = Segments | Polyline | Glow | Marks | Box | Raster | Text

# Advance widths in em by kind of letter, of DejaVu Sans: a scene needs to know how large a
# text will be without asking a font.
_NARROW = frozenset(" .,:;'|!ijlftrI/()[]-")
_WIDE = frozenset("mwMW…↑↓←→×+±")
_LEADING_EM = 1.17


def _advance_em(letter: str) -> float:
    if letter in _NARROW:
        return 0.4
    if letter in _WIDE:
        return 0.92
    return 0.71 if letter.isupper() else 0.635


@lru_cache(maxsize=4096)
def text_size_px(text: str, size_px: int) -> tuple[float, float]:
    """Return width and height that a text needs, estimated a little generously."""
    lines = text.split("\n")
    width_em = max(sum(map(_advance_em, line)) for line in lines)
    return width_em * size_px, len(lines) * size_px * _LEADING_EM


def extent(text: Text) -> Rect:
    """Return the rectangle that a text fills."""
    width, height = text_size_px(text.text, text.size_px)
    left = text.x_px - {"left": 0.0, "centre": 0.5, "right": 1.0}[text.anchor] * width
    return Rect(left, text.y_px, width, height)
