"""Clutter of relief: only ground in sight sends a radar's wave back, a slope by its own angle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sensors.clutter import cell_rcs_m2
from sensors.profiles import RAYS, Profiles
from sensors.surface import EFFECTIVE_CURVATURE_PER_M

if TYPE_CHECKING:
    from sensors.sight import Sight
    from sim.core.tables import Floats
    from sim.world.environment import Environment

#: Sectors of azimuth that clutter is told apart by.
SECTORS = 360


def grazing_over_relief_rad(profiles: Profiles, height_m: float) -> Floats:
    """Return the angle (A, R) between the radar's ray and the ground, 0 where that is unseen.

    sin ψ = (sin ψ₀ + s_r cos ψ₀) / √(1 + s_r² + s_a²): ψ₀ the angle at which the ray meets
    level ground there, s_r and s_a the slopes of the ground outwards and across.

    Parameters
    ----------
    height_m : of the antenna above the level
    """
    distance_m, ground_m = profiles.distance_m, profiles.ground_m
    outwards = np.gradient(ground_m, distance_m, axis=1)
    beside = np.roll(ground_m, -1, axis=0) - np.roll(ground_m, 1, axis=0)
    across = beside / (2.0 * distance_m * 2.0 * np.pi / len(ground_m))
    level = np.arctan2(
        height_m - ground_m - 0.5 * EFFECTIVE_CURVATURE_PER_M * distance_m**2, distance_m
    )
    sine = (np.sin(level) + outwards * np.cos(level)) / np.sqrt(1.0 + outwards**2 + across**2)
    seen = profiles.seen & ~np.isnan(sine)
    angle: Floats = np.arcsin(np.clip(np.where(seen, sine, 0.0), 0.0, 1.0))
    return angle


def relief_clutter(
    sight: Sight,
    environment: Environment,
    frequency_hz: float,
    beamwidth_rad: float,
    cell_m: float,
    vertical: bool,
) -> tuple[Floats, Floats]:
    """Return distances (R,), and the mean radar cross section (SECTORS, R) of a cell there.

    It is the mean over the beam, ``beamwidth_rad`` wide, of what each ray meets.
    """
    profiles = Profiles.of(sight)
    grazing_rad = grazing_over_relief_rad(profiles, sight.height_m)
    distance_m = profiles.distance_m
    rcs_m2 = cell_rcs_m2(
        environment, distance_m, grazing_rad, frequency_hz, beamwidth_rad, cell_m, vertical
    )
    rays = min(max(round(beamwidth_rad / (2.0 * np.pi / RAYS)), 1), RAYS)
    around = np.concatenate([rcs_m2[-rays:], rcs_m2, rcs_m2[:rays]])
    total = np.concatenate([np.zeros((1, distance_m.size)), np.cumsum(around, axis=0)])
    middle = rays + (np.arange(SECTORS) + 0.5) * RAYS / SECTORS  # between two rays, or on one
    first = np.round(middle - 0.5 * rays).astype(int)
    return distance_m, (total[first + rays] - total[first]) / rays


def mean_between(distance_m: Floats, values: Floats, low_m: Floats, high_m: Floats) -> Floats:
    """Return means (S, B) over stretches (B,) of values (S, R) at evenly spaced distances.

    A value stands for the cell about it; beyond the last there is none.
    """
    step_m = distance_m[1] - distance_m[0]
    total = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)

    def until(place_m: Floats) -> Floats:
        place = np.clip((place_m - distance_m[0]) / step_m + 0.5, 0.0, distance_m.size)
        low = np.minimum(place.astype(int), distance_m.size - 1)
        share = place - low
        found: Floats = total[:, low] + share * values[:, low]
        return found

    middle_m = 0.5 * (low_m + high_m)
    half_m = np.maximum(0.5 * (high_m - low_m), 0.5 * step_m)
    mean: Floats = (until(middle_m + half_m) - until(middle_m - half_m)) * step_m / (2.0 * half_m)
    return mean
