"""Volumes: what a network sees over a grid of cells, by height and class of target."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.tables import Floats
from sim.coverage.confirmation import ConfirmationTable
from sim.coverage.fusing import Counts, Floats32, Fused, Inward, Shorts
from sim.coverage.grid import Grid
from sim.coverage.looks import Looks


@dataclass(frozen=True, slots=True, eq=False)
class SensorLooks:
    """What one sensor sees by itself.

    Attributes
    ----------
    sensor : its id
    line : what its direction counts as: one for all sensors of a site
    places : whether one look places a target; else it gives a direction
    cued : whether it has to be pointed; its looks are told as if it were, always
    period_s : between looks
    by : (height, class) → ``Looks``
    """

    sensor: str
    line: str
    places: bool
    cued: bool
    period_s: float
    by: dict[tuple[int, int], Looks]


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """What the network sees: H heights, K classes, D headings, R × C cells.

    Headings are evenly spaced clockwise from true north; what has no heading is of a target
    that flies inwards.

    Attributes
    ----------
    grid : the cells
    heights_agl_m, classes, speeds_mps : (H,), (K,), (K,) axes of the arrays
    sensors : ids, as ``best`` numbers them
    inward_per_s, uncued_per_s : (H, K, R, C) rate at which a target is placed, inwards, with
        and without cued sensors
    look_s : (H, K, R, C) period by which the tracker counts looks there
    pd : (H, K, R, C) that one look of every sensor shows the target to at least one
    seen_by : (H, K, R, C) sensors with Pd of a half or more
    best : (H, K, R, C) sensor with the highest rate of detection, −1 for none
    looks : what each sensor sees by itself, inwards; empty unless kept
    fused : (height, class) → the sums over sensors
    alone : (height, class) → the sums inwards over those that need not be pointed
    """

    grid: Grid
    heights_agl_m: Floats
    classes: tuple[str, ...]
    speeds_mps: Floats
    sensors: tuple[str, ...]
    inward_per_s: Floats32
    uncued_per_s: Floats32
    look_s: Floats32
    pd: Floats32
    seen_by: Counts
    best: Shorts
    looks: tuple[SensorLooks, ...]
    fused: dict[tuple[int, int], Fused]
    alone: dict[tuple[int, int], Inward]

    def rate_per_s(self, h: int, k: int) -> Floats32:
        """Return the rate (D, R, C) at which a target is placed, by heading; see ``Fused``."""
        rate = self.fused[h, k].rate_per_s()
        return (rate[:-1] if len(rate) > 1 else rate).reshape(-1, *self.grid.shape)

    def tracked(self, within_s: float, table: ConfirmationTable) -> Floats32:
        """Return the probability (H, K, R, C) of a confirmed track within a time.

        A target that stays in its cell, looked at from the beginning of a period on.
        """
        per_look = 1.0 - np.exp(-self.inward_per_s * self.look_s)
        tracked: Floats32 = table(per_look, within_s / self.look_s).astype(np.float32)
        return tracked
