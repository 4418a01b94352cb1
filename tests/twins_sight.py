"""Obvious twins of line of sight: a ray to every cell, and one ray over the ellipsoid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sim.core.geodesy import ecef_from_geodetic, geodetic_from_ecef
from sim.world.frames import Frame
from sim.world.surroundings import Ground

Floats = NDArray[np.float64]
EARTH_M = 4.0 / 3.0 * 6_371_000.0


def lowest_by_rays(ground: Floats, row: int, column: int, cell_m: float, eye_m: float) -> Floats:
    """Lowest visible heights by R3: rays meet the ground where they cross the grid's lines."""
    lowest = ground.astype(float)
    for r, c in np.ndindex(*ground.shape):
        up, right = r - row, c - column
        steps = max(abs(up), abs(right))
        if steps <= 1:
            continue
        share = np.arange(1, steps) / steps
        if abs(right) >= abs(up):
            lines = column + np.arange(1, steps) * int(np.sign(right))
            met = [np.interp(row + up * s, np.arange(len(ground)), ground[:, k])
                   for s, k in zip(share, lines, strict=True)]  # fmt: skip
        else:
            lines = row + np.arange(1, steps) * int(np.sign(up))
            met = [np.interp(column + right * s, np.arange(ground.shape[1]), ground[k])
                   for s, k in zip(share, lines, strict=True)]  # fmt: skip
        far = cell_m * np.hypot(up, right)
        at = far * share
        straight = np.array(met) - at**2 / (2 * EARTH_M)
        slope = ((straight - eye_m) / at).max()
        lowest[r, c] = eye_m + slope * far + far**2 / (2 * EARTH_M)
    return lowest


def clear_over(ground: Ground, frame: Frame, eye_enu_m: Floats, target_enu_m: Floats) -> float:
    """How far (m) the ray of standard refraction clears the ground at its closest.

    It is marched in steps of 5 m; both ends are left out, by 60 m.
    """
    eye, target = frame.to_ecef(eye_enu_m), frame.to_ecef(target_enu_m)
    far = float(np.linalg.norm(target - eye))
    share = np.arange(60.0, far - 60.0, 5.0) / far
    chord = eye + share[:, None] * (target - eye)
    latitude, longitude, height = geodetic_from_ecef(chord)
    # A straight chord, lifted by what the bending makes of it: a quarter of the earth's drop.
    lift = 0.25 * share * (1 - share) * far**2 / (2 * 6_371_000.0)
    on_ellipsoid = ecef_from_geodetic(latitude, longitude, 0.0)
    assert np.isfinite(on_ellipsoid).all()
    return float((height + lift - ground.height_m(latitude, longitude)).min())


def lowest_elevation(
    lowest: Floats, cell_m: float, eye_m: float, radius_m: float, azimuth: Floats, distance: Floats
) -> Floats:
    """Lowest elevations (A, D) that a map (N, N) lets see in directions, inside the map."""
    middle = len(lowest) // 2
    row = middle + np.outer(np.cos(azimuth), distance) / cell_m
    column = middle + np.outer(np.sin(azimuth), distance) / cell_m
    i, j = (np.clip(place.astype(int), 0, len(lowest) - 2) for place in (row, column))
    y, x = row - i, column - j
    south = (1 - x) * lowest[i, j] + x * lowest[i, j + 1]
    north = (1 - x) * lowest[i + 1, j] + x * lowest[i + 1, j + 1]
    from_centre = radius_m + (1 - y) * south + y * north
    angle = distance / radius_m
    up = from_centre * np.cos(angle) - radius_m - eye_m
    return np.arctan2(up, from_centre * np.sin(angle))
