"""Maps of coverage as PNG pictures, drawn without a screen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sim.core.shades import Pixels, shades
from sim.coverage.grid import Grid
from sim.coverage.landmarks import Landmarks

PAPER, INK, _NOTHING, _MARK = (250, 250, 248), (30, 30, 30), (205, 205, 205), (220, 40, 40)
MARGIN, _BAR_WIDTH, _HEAD = 16, 18, 56
_WIDTH = 1160
#: A band is cut into strips of about this length, one below the other.
_STRIP_KM = 125.0
#: Rows of a strip are drawn so many times as high as wide, or a band would be a thread.
_STRETCH = 1.6
_NONE = Landmarks()


def colours(value: ArrayLike, low: float, high: float) -> Pixels:
    """Return the colours (..., 3) of values between two bounds; grey for NaN."""
    shade = shades(value, low, high)
    shade[np.isnan(shade[..., 0])] = _NOTHING
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
    landmarks : sensors and what is protected
    ticks : values told beside the colours; six even ones by default
    """

    def __init__(
        self,
        title: str,
        unit: str,
        grid: Grid,
        value: ArrayLike,
        low: float,
        high: float,
        landmarks: Landmarks = _NONE,
        ticks: ArrayLike | None = None,
    ) -> None:
        self._title, self._unit, self._grid = title, unit, grid
        self._value = np.asarray(value, float)
        self._low, self._high, self._landmarks = low, high, landmarks
        self._ticks = np.linspace(low, high, 6) if ticks is None else np.asarray(ticks, float)

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

        columns = self._grid.shape[1]
        side = _WIDTH - 2 * MARGIN - 150
        sheet = pygame.Surface((_WIDTH, _HEAD + side + 3 * MARGIN + 32))
        sheet.fill(PAPER)
        north_up = self._shaded()[::-1].swapaxes(0, 1)
        area = pygame.transform.scale(pygame.surfarray.make_surface(north_up), (side, side))
        sheet.blit(area, (MARGIN, _HEAD))
        metres = columns * self._grid.cell_m
        frame = pygame.Rect(MARGIN, _HEAD, side, side)

        def pixel(place: tuple[float, float]) -> tuple[float, float]:
            return frame.centerx + side * place[0] / metres, frame.centery - side * place[
                1
            ] / metres

        sheet.set_clip(frame)
        for name, place, radius_m in self._landmarks.protected:
            x, y = pixel(place)
            radius = max(side * radius_m / metres, 6.0)
            pygame.draw.circle(sheet, PAPER, (x, y), radius + 1, 4)
            pygame.draw.circle(sheet, _MARK, (x, y), radius, 2)
            write_text(sheet, name, x, y + radius + 4, 14, centre=True, halo=True)
        beyond = []
        for name, place in self._landmarks.sites:
            x, y = pixel(place)
            if frame.collidepoint(x, y):
                _mark(sheet, name, x, y)
            else:
                beyond.append(f"{name} ({np.hypot(*place) / 1e3:.0f} km from the middle)")
        sheet.set_clip(None)
        self._head(sheet)
        self._bar(sheet, MARGIN + side + 24, _HEAD, side)
        _scale(sheet, MARGIN, _HEAD + side + 14, side / metres)
        write_text(sheet, "north is up", MARGIN + side, _HEAD + side + 12, 14, right=True)
        note = "dots: sites with sensors"
        if self._landmarks.protected:
            note += "; red: protected"
        if beyond:
            more = f" and {len(beyond) - 3} more" if len(beyond) > 3 else ""
            note += f"; beyond the map: {', '.join(beyond[:3])}{more}"
        write_text(sheet, note, MARGIN, _HEAD + side + 34, 14)
        return sheet

    def _strips(self) -> Any:
        import pygame

        rows, columns = self._grid.shape
        km = self._grid.cell_m * 1e-3
        width = _WIDTH - 2 * MARGIN - 150
        count = max(1, round(columns * km / _STRIP_KM))
        each = -(-columns // count)
        height = max(24, round(_STRETCH * rows * width / each))
        step = height + 44
        sheet = pygame.Surface((_WIDTH, _HEAD + count * step + 2 * MARGIN))
        sheet.fill(PAPER)
        shaded = self._shaded()
        for strip in range(count):
            first, last = strip * each, min((strip + 1) * each, columns)
            # Outside above, inside below.
            part = shaded[:, first:last].swapaxes(0, 1)
            drawn = round(width * (last - first) / each)
            area = pygame.transform.scale(pygame.surfarray.make_surface(part), (drawn, height))
            top = _HEAD + strip * step
            sheet.blit(area, (MARGIN, top))
            pygame.draw.line(sheet, _MARK, (MARGIN, top), (MARGIN + drawn, top), 2)
            for name, place in self._landmarks.sites:
                row, column = self._cell_of(place)
                if first <= column < last and 0 <= row < rows:
                    x = MARGIN + drawn * (column + 0.5 - first) / (last - first)
                    _mark(
                        sheet,
                        name if len(self._landmarks.sites) < 40 else "",
                        x,
                        top + height * row / rows,
                    )
            along = self._grid.along_km
            for mark in np.arange(np.ceil(along[first] / 25) * 25, along[last - 1], 25):
                x = MARGIN + drawn * (mark - along[first]) / (along[last - 1] - along[first] + km)
                pygame.draw.line(sheet, INK, (x, top + height), (x, top + height + 5))
                write_text(sheet, f"km {mark:.0f}", x, top + height + 6, 14, centre=True)
        self._head(sheet)
        self._bar(sheet, MARGIN + width + 24, _HEAD, min(count * step - 44, 420))
        depth = rows * km
        note = f"red: outer edge; below it {depth:g} km inwards, drawn {_STRETCH:g} times as deep"
        write_text(sheet, note, MARGIN, _HEAD + count * step - 14, 14)
        return sheet

    def _cell_of(self, place: tuple[float, float]) -> tuple[int, int]:
        off = self._grid.plane_m - np.array(place)
        nearest = int((off * off).sum(-1).argmin())
        row, column = divmod(nearest, self._grid.shape[1])
        if np.hypot(*off[row, column]) > 2.0 * self._grid.cell_m:
            return -1, -1
        return row, column

    def _head(self, sheet: Any) -> None:
        write_text(sheet, self._title, MARGIN, 12, 20)
        known = self._value[np.isfinite(self._value)]
        if not self._unit and known.size:
            write_text(sheet, f"mean {known.mean():.3g}", MARGIN, 35, 14)
        elif self._unit:
            write_text(
                sheet,
                f"covered at some height: {known.size / self._value.size:.1%}",
                MARGIN,
                35,
                14,
            )

    def _bar(self, sheet: Any, x: int, y: int, height: int) -> None:
        import pygame

        column = colours(np.linspace(self._high, self._low, height), self._low, self._high)
        bar = np.repeat(column[None], _BAR_WIDTH, axis=0)
        sheet.blit(pygame.surfarray.make_surface(bar), (x, y))
        for value in self._ticks:
            at = y + (self._high - value) / (self._high - self._low) * (height - 1)
            pygame.draw.line(sheet, INK, (x + _BAR_WIDTH, at), (x + _BAR_WIDTH + 4, at))
            write_text(sheet, f"{value:.3g}", x + _BAR_WIDTH + 8, at - 9, 15)
        if self._unit:
            write_text(sheet, self._unit, x, y + height + 6, 14)
        if np.isnan(self._value).any():
            pygame.draw.rect(sheet, _NOTHING, (x, y + height + 28, _BAR_WIDTH, 14))
            write_text(sheet, "none", x + _BAR_WIDTH + 8, y + height + 26, 14)


def _mark(sheet: Any, name: str, x: float, y: float) -> None:
    import pygame

    pygame.draw.circle(sheet, PAPER, (x, y), 4)
    pygame.draw.circle(sheet, INK, (x, y), 4, 1)
    if name:
        write_text(sheet, name, x + 6, y - 8, 13, halo=True)


def _scale(sheet: Any, x: float, y: float, px_per_m: float) -> None:
    import pygame

    span_m = 0.25 * sheet.get_width() / px_per_m
    step = 10.0 ** np.floor(np.log10(span_m))
    length_m = float(max(k for k in (step, 2 * step, 5 * step) if k <= span_m))
    end = x + length_m * px_per_m
    pygame.draw.line(sheet, INK, (x, y + 6), (end, y + 6), 2)
    for at in (x, end):
        pygame.draw.line(sheet, INK, (at, y + 2), (at, y + 10), 2)
    write_text(sheet, f"{length_m / 1e3:g} km", end + 6, y - 3, 14)


def write_text(
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
    """Write a text; (x, y) is its top at the left, or at the middle or the right."""
    import pygame

    font = pygame.font.Font(None, round(1.35 * size))
    image = font.render(text, True, INK)
    x -= image.get_width() * (0.5 if centre else 1.0 if right else 0.0)
    if halo:
        pale = font.render(text, True, PAPER)
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            sheet.blit(pale, (x + dx, y + dy))
    sheet.blit(image, (x, y))
