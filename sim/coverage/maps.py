"""Maps of coverage as PNG pictures, drawn without a screen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.core.tables import Floats
from sim.coverage.grid import Grid

Pixels = NDArray[np.uint8]

#: Dark blue over green to yellow: even steps to the eye, to the colour-blind too (viridis).
_COLOURS = np.array(
    [
        [68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
        [31, 158, 137], [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37],
    ],
    float,
)  # fmt: skip
_PAPER, _INK, _NOTHING, _MARK = (250, 250, 248), (30, 30, 30), (205, 205, 205), (220, 40, 40)
_MARGIN, _BAR_WIDTH, _HEAD = 16, 18, 56
_WIDTH = 1160
#: A band is cut into strips of about this length, one below the other.
_STRIP_KM = 125.0
#: Rows of a strip are drawn so many times as high as wide, or a band would be a thread.
_STRETCH = 1.6


def colours(value: ArrayLike, low: float, high: float) -> Pixels:
    """Return the colours (..., 3) of values between two bounds; grey for NaN."""
    value = np.asarray(value, float)
    place = np.clip((value - low) / (high - low), 0.0, 1.0) * (len(_COLOURS) - 1)
    known = np.nan_to_num(place)
    left = np.minimum(known.astype(int), len(_COLOURS) - 2)
    part = (known - left)[..., None]
    shade = (1.0 - part) * _COLOURS[left] + part * _COLOURS[left + 1]
    shade[np.isnan(value)] = _NOTHING
    pixels: Pixels = shade.round().astype(np.uint8)
    return pixels


class Map:
    """A picture of one value over a grid.

    Parameters
    ----------
    title, unit : what it shows
    grid : cells
    value : (R, C), NaN where there is none
    low, high : bounds of the colours
    places : name and (east, north) of sensors in the grid's plane, m
    """

    def __init__(
        self,
        title: str,
        unit: str,
        grid: Grid,
        value: ArrayLike,
        low: float,
        high: float,
        places: Sequence[tuple[str, tuple[float, float]]] = (),
    ) -> None:
        self._title, self._unit, self._grid = title, unit, grid
        self._value = np.asarray(value, float)
        self._low, self._high, self._places = low, high, places

    def save(self, path: Path) -> None:
        """Draw it and write a PNG."""
        os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
        import pygame

        pygame.font.init()
        image = self._square() if self._grid.kind == "square" else self._strips()
        pygame.image.save(image, os.fspath(path))

    def _shaded(self) -> Pixels:
        """Return the value's colours, darker on slopes that face away from the north-west."""
        shade = colours(self._value, self._low, self._high).astype(float)
        ground = self._grid.ground_m
        if np.ptp(ground) > 1.0:
            down, right = np.gradient(ground, self._grid.cell_m)
            light = np.clip(1.0 + 4.0 * (right - down), 0.72, 1.12)
            shade *= light[..., None]
        pixels: Pixels = np.clip(shade, 0, 255).astype(np.uint8)
        return pixels

    def _square(self) -> Any:
        import pygame

        rows, columns = self._grid.shape
        side = _WIDTH - 2 * _MARGIN - 150
        sheet = pygame.Surface((_WIDTH, _HEAD + side + 3 * _MARGIN + 24))
        sheet.fill(_PAPER)
        north_up = self._shaded()[::-1].swapaxes(0, 1)
        area = pygame.transform.scale(pygame.surfarray.make_surface(north_up), (side, side))
        sheet.blit(area, (_MARGIN, _HEAD))
        metres = columns * self._grid.cell_m
        for name, (east, north) in self._places:
            x = _MARGIN + side * (0.5 + east / metres)
            y = _HEAD + side * (0.5 - north / (rows * self._grid.cell_m))
            if _MARGIN <= x <= _MARGIN + side and _HEAD <= y <= _HEAD + side:
                _mark(sheet, name, x, y)
        middle = (_MARGIN + side // 2, _HEAD + side // 2)
        pygame.draw.circle(sheet, _MARK, middle, 7, 2)
        self._head(sheet)
        self._bar(sheet, _MARGIN + side + 24, _HEAD, side)
        _scale(sheet, _MARGIN, _HEAD + side + 14, side / metres)
        _text(sheet, "north is up", _MARGIN + side, _HEAD + side + 12, 14, right=True)
        return sheet

    def _strips(self) -> Any:
        import pygame

        rows, columns = self._grid.shape
        km = self._grid.cell_m * 1e-3
        width = _WIDTH - 2 * _MARGIN - 150
        count = max(1, round(columns * km / _STRIP_KM))
        each = -(-columns // count)
        height = max(24, round(_STRETCH * rows * width / each))
        step = height + 44
        sheet = pygame.Surface((_WIDTH, _HEAD + count * step + 2 * _MARGIN))
        sheet.fill(_PAPER)
        shaded = self._shaded()
        for strip in range(count):
            first, last = strip * each, min((strip + 1) * each, columns)
            # Outside above, inside below.
            part = shaded[:, first:last].swapaxes(0, 1)
            drawn = round(width * (last - first) / each)
            area = pygame.transform.scale(pygame.surfarray.make_surface(part), (drawn, height))
            top = _HEAD + strip * step
            sheet.blit(area, (_MARGIN, top))
            pygame.draw.line(sheet, _MARK, (_MARGIN, top), (_MARGIN + drawn, top), 2)
            for name, place in self._places:
                row, column = self._cell_of(place)
                if first <= column < last and 0 <= row < rows:
                    x = _MARGIN + drawn * (column + 0.5 - first) / (last - first)
                    _mark(
                        sheet, name if len(self._places) < 40 else "", x, top + height * row / rows
                    )
            along = self._grid.along_km
            for mark in np.arange(np.ceil(along[first] / 25) * 25, along[last - 1], 25):
                x = _MARGIN + drawn * (mark - along[first]) / (along[last - 1] - along[first] + km)
                pygame.draw.line(sheet, _INK, (x, top + height), (x, top + height + 5))
                _text(sheet, f"km {mark:.0f}", x, top + height + 6, 14, centre=True)
        self._head(sheet)
        self._bar(sheet, _MARGIN + width + 24, _HEAD, min(count * step - 44, 420))
        depth = rows * km
        note = f"red: outer edge; below it {depth:g} km inwards, drawn {_STRETCH:g} times as deep"
        _text(sheet, note, _MARGIN, _HEAD + count * step - 14, 14)
        return sheet

    def _cell_of(self, place: tuple[float, float]) -> tuple[int, int]:
        off = self._grid.plane_m - np.array(place)
        nearest = int((off * off).sum(-1).argmin())
        row, column = divmod(nearest, self._grid.shape[1])
        if np.hypot(*off[row, column]) > 2.0 * self._grid.cell_m:
            return -1, -1
        return row, column

    def _head(self, sheet: Any) -> None:
        _text(sheet, self._title, _MARGIN, 12, 20)
        known = self._value[np.isfinite(self._value)]
        if known.size:
            _text(sheet, f"mean {known.mean():.3g} {self._unit}".strip(), _MARGIN, 35, 14)

    def _bar(self, sheet: Any, x: int, y: int, height: int) -> None:
        import pygame

        column = colours(np.linspace(self._high, self._low, height), self._low, self._high)
        bar = np.repeat(column[None], _BAR_WIDTH, axis=0)
        sheet.blit(pygame.surfarray.make_surface(bar), (x, y))
        for part in np.linspace(0.0, 1.0, 6):
            at = y + (1.0 - part) * (height - 1)
            value = self._low + part * (self._high - self._low)
            pygame.draw.line(sheet, _INK, (x + _BAR_WIDTH, at), (x + _BAR_WIDTH + 4, at))
            _text(sheet, f"{value:.3g}", x + _BAR_WIDTH + 8, at - 9, 15)
        if self._unit:
            _text(sheet, self._unit, x, y + height + 6, 14)
        if np.isnan(self._value).any():
            pygame.draw.rect(sheet, _NOTHING, (x, y + height + 28, _BAR_WIDTH, 14))
            _text(sheet, "none", x + _BAR_WIDTH + 8, y + height + 26, 14)


def plane_of(grid: Grid, position_enu_m: Floats) -> tuple[float, float]:
    """Return east and north of a place (3,) in a grid's plane."""
    middle = tuple(size // 2 for size in grid.shape)
    east, north = (position_enu_m - grid.ground_enu_m[middle]) @ grid.axes[middle][:, :2]
    return float(east), float(north)


def _mark(sheet: Any, name: str, x: float, y: float) -> None:
    import pygame

    pygame.draw.circle(sheet, _PAPER, (x, y), 4)
    pygame.draw.circle(sheet, _INK, (x, y), 4, 1)
    if name:
        _text(sheet, name, x + 6, y - 8, 13, halo=True)


def _scale(sheet: Any, x: float, y: float, px_per_m: float) -> None:
    import pygame

    span_m = 0.25 * sheet.get_width() / px_per_m
    step = 10.0 ** np.floor(np.log10(span_m))
    length_m = float(max(k for k in (step, 2 * step, 5 * step) if k <= span_m))
    end = x + length_m * px_per_m
    pygame.draw.line(sheet, _INK, (x, y + 6), (end, y + 6), 2)
    for at in (x, end):
        pygame.draw.line(sheet, _INK, (at, y + 2), (at, y + 10), 2)
    _text(sheet, f"{length_m / 1e3:g} km", end + 6, y - 3, 14)


def _text(
    sheet: Any,
    text: str,
    x: float,
    y: float,
    size: int,
    *,
    centre: bool = False,
    right: bool = False,
    halo: bool = False,
) -> None:
    import pygame

    font = pygame.font.Font(None, round(1.35 * size))
    image = font.render(text, True, _INK)
    x -= image.get_width() * (0.5 if centre else 1.0 if right else 0.0)
    if halo:
        pale = font.render(text, True, _PAPER)
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            sheet.blit(pale, (x + dx, y + dy))
    sheet.blit(image, (x, y))
