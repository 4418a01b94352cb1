"""Time left by direction of approach, as a PNG: one circle for each class."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from sim.core.tables import Floats
from sim.coverage.approaches import LEVELS, Approaches
from sim.coverage.maps import MARGIN, PAPER, colours, write_text

_SIDE, _HEAD, _LEGEND = 460, 96, 54
_RADIUS = 165.0
_RING = (205, 205, 205)
#: Drawn so many times larger and shrunk: smooth lines.
_FINER = 2


def save_polar(path: Path, found: Approaches) -> None:
    """Draw the time left with each probability of ``LEVELS``, a line for each height.

    The radius is time; a direction in which no track leaves any time lies at the middle.
    """
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    import pygame

    pygame.font.init()
    across = min(3, len(found.classes))
    down = -(-len(found.classes) // across)
    width = max(across * _SIDE, 900)
    sheet = pygame.Surface((width, _HEAD + down * (_SIDE - 20) + _LEGEND))
    sheet.fill(PAPER)
    point = found.point or "the middle"
    title = f"Time left to {point} once a track is confirmed, by direction of approach"
    write_text(sheet, f"{title} ({found.condition})", MARGIN, 12, 20)
    to = f"{point}'s radius of {found.radius_m / 1e3:g} km" if found.radius_m else point
    write_text(
        sheet,
        f"straight in from {found.from_m / 1e3:g} km; time counts to {to}; north is up",
        MARGIN, 40, 14,
    )  # fmt: skip
    write_text(
        sheet,
        f"solid: left with {LEVELS[1]:.0%} probability; thin: with {LEVELS[0]:.0%} (the median); "
        "at the middle: none",
        MARGIN, 60, 14,
    )  # fmt: skip
    for k in range(len(found.classes)):
        row, column = divmod(k, across)
        panel = _panel(found, k)
        sheet.blit(panel, (column * _SIDE, _HEAD + row * (_SIDE - 20)))
    x = MARGIN
    y = sheet.get_height() - _LEGEND + 16
    for height_m, colour in zip(found.heights_agl_m, _lines(found), strict=True):
        pygame.draw.line(sheet, colour, (x, y + 8), (x + 26, y + 8), 4)
        write_text(sheet, f"{height_m:g} m", x + 32, y, 15)
        x += 110
    pygame.image.save(sheet, os.fspath(path))


def _lines(found: Approaches) -> list[tuple[int, int, int]]:
    """Return a colour for each height, the pale end of the scale left out."""
    shades = colours(np.linspace(0.0, 0.85, len(found.heights_agl_m)), 0.0, 1.0)
    return [(int(red), int(green), int(blue)) for red, green, blue in shades]


def _panel(found: Approaches, k: int) -> Any:
    import pygame

    fine = pygame.Surface((_SIDE * _FINER, _SIDE * _FINER))
    fine.fill(PAPER)
    centre = np.array([_SIDE / 2, _SIDE / 2 + 8]) * _FINER
    most_s = found.most_s(k)
    reach = _RADIUS * _FINER
    rings = [step for step in np.arange(1, 5) * _step(most_s) if step <= most_s]
    for value in [*rings, most_s]:
        pygame.draw.circle(fine, _RING, centre, reach * value / most_s, _FINER)
    for azimuth in np.radians(np.arange(0, 360, 45)):
        end = centre + reach * np.array([np.sin(azimuth), -np.cos(azimuth)])
        pygame.draw.line(fine, _RING, centre, end, _FINER)
    azimuth = np.radians(found.azimuth_deg)
    towards = np.stack([np.sin(azimuth), -np.cos(azimuth)], axis=-1)
    for h, colour in reversed(list(enumerate(_lines(found)))):
        for level, line in ((0, 1), (1, 3)):
            left_s = np.nan_to_num(found.left_s[level, h, k])
            points: Floats = centre + reach * (left_s / most_s)[:, None] * towards
            pygame.draw.lines(fine, colour, True, points.tolist(), line * _FINER)
    panel = pygame.transform.smoothscale(fine, (_SIDE, _SIDE))
    x, y = (centre / _FINER).tolist()
    for value in rings:
        write_text(panel, f"{value:g} s", x + 3, y - _RADIUS * value / most_s + 1, 12, halo=True)
    write_text(panel, found.classes[k], x, 6, 16, centre=True)
    for name, dx, dy in (("N", 0, -1), ("E", 1, 0), ("S", 0, 1), ("W", -1, 0)):
        write_text(
            panel, name, x + (_RADIUS + 14) * dx, y + (_RADIUS + 14) * dy - 8, 14, centre=True
        )
    return panel


def _step(most_s: float) -> float:
    """Return the distance of rings: 1, 2 or 5 times a power of ten, three to four of them."""
    power = 10.0 ** np.floor(np.log10(most_s / 3.0))
    return float(max(k for k in (power, 2 * power, 5 * power) if k <= most_s / 3.0))
