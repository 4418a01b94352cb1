"""A line of sensors, kilometre by kilometre: who gets through, where, and what a loss costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from itertools import product

import numpy as np
from scipy.sparse import csr_array

from sim.core.tables import Bools, Floats
from sim.coverage.fusing import PD_MAX, Floats32, Inward, Shorts, shown_by_a_look
from sim.coverage.looks import Looks
from sim.coverage.losses import worst_losses
from sim.coverage.straight import crossings
from sim.coverage.volume import SensorLooks, Volume

#: So many of the sensors that matter most to a crossing may fail.
LOSSES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Confirming:
    """The rule by which tracks are taken to be confirmed: M hits in N looks."""

    hits: int
    looks: int


@dataclass(frozen=True, slots=True, eq=False)
class Straight:
    """Straight crossings inwards, of H heights, K classes and C places along the line.

    Attributes
    ----------
    tracked : (H, K, C) probability that a track is confirmed before the inner edge
    uncued : (H, K, C) the same without sensors that have to be pointed
    seen : (H, K, C) probability that the target is placed at all
    warning_s : (H, K, C) time left to the inner edge once a track is as sure as required
    after_loss : (L, H, K, C) ``tracked`` after the loss of the 1, 2, 3 … that matter most there
    lost : (L, H, K, C) the sensor lost last, as ``Volume.sensors`` numbers it; −1 for none
    """

    tracked: Floats
    uncued: Floats
    seen: Floats
    warning_s: Floats
    after_loss: Floats
    lost: Shorts

    def of_columns(self, own: slice) -> Straight:
        """Return some of the places."""
        return Straight(*(getattr(self, one.name)[..., own] for one in fields(self)))

    @staticmethod
    def joined(parts: Sequence[Straight]) -> Straight:
        """Return the places of several parts of a line, one after the other."""
        columns = [[getattr(part, one.name) for part in parts] for one in fields(Straight)]
        return Straight(*(np.concatenate(each, axis=-1) for each in columns))


def straight(volume: Volume, rule: Confirming, required: float, threads: int = 1) -> Straight:
    """Fly through every place of a band, at every height and in every class.

    Of sensors that place a target, the loss of any n takes most if it takes those of the n
    largest exposures: exposures add. Sensors that give directions count by their own.

    Parameters
    ----------
    volume : of a band, with what every sensor sees by itself
    rule : of the tracker
    required : probability from which a track is sure enough
    threads : at most; the result is the same for any number
    """
    heights, classes, _, columns = volume.inward_per_s.shape
    shape = (heights, classes, columns)
    tracked, uncued, seen, warning_s = (np.empty(shape) for _ in range(4))
    after_loss = np.empty((len(LOSSES), *shape))
    lost = np.full((len(LOSSES), *shape), -1, np.int16)

    def fill(case: tuple[int, int]) -> None:
        cell_m, speed_mps = volume.grid.cell_m, float(volume.speeds_mps[case[1]])

        def fly(rate: Floats32) -> tuple[Floats, Floats]:
            return crossings(
                rate,
                volume.look_s[case],
                cell_m=cell_m,
                speed_mps=speed_mps,
                hits=rule.hits,
                looks=rule.looks,
                required=required,
            )

        rate = volume.inward_per_s[case]
        tracked[case], warning_s[case] = fly(rate)
        uncued[case] = np.minimum(fly(volume.uncued_per_s[case])[0], tracked[case])
        seen[case] = -np.expm1(-rate.sum(axis=0) * cell_m / speed_mps)
        for n, (worse, which) in enumerate(_losing(volume, *case)):
            before = after_loss[(n - 1, *case)] if n else tracked[case]
            after_loss[(n, *case)] = np.minimum(fly(worse)[0], before)
            lost[(n, *case)] = which

    with ThreadPoolExecutor(threads, thread_name_prefix="line") as pool:
        list(pool.map(fill, product(range(heights), range(classes))))
    return Straight(tracked, uncued, seen, warning_s, after_loss, lost)


def _losing(volume: Volume, h: int, k: int) -> Iterator[tuple[Floats32, Shorts]]:
    """Return the rate (R, C) after each further loss, and what is lost (C,).

    What remains points the sensors that have to be pointed.
    """
    shape, case = volume.grid.shape, (h, k)
    columns = shape[1]
    of = [(one, one.by[case]) for one in volume.looks if one.by[case].cell.size]
    look_s = volume.look_s[case].ravel()
    shown = shown_by_a_look(volume.uncued_per_s[case].ravel(), look_s)
    exposure = np.zeros((columns, max(len(of), 1)))
    for row, (one, got) in enumerate(of):
        pd = got.pd[0] * shown[got.cell] if one.cued else got.pd[0]
        rate = -np.log1p(-np.minimum(pd, PD_MAX)) / one.period_s
        exposure[:, row] = np.bincount(got.cell % columns, rate, minlength=columns)
    order = worst_losses(csr_array(exposure), len(LOSSES)).sensors.T
    gone = np.zeros((len(of), columns), bool)
    left = volume.alone[case].copy()
    worse = volume.inward_per_s[case].ravel()
    for lost in order:
        which = np.full(columns, -1, np.int16)
        for row in np.unique(lost[lost >= 0]):
            one, got = of[row]
            now = lost == row
            which[now] = volume.sensors.index(one.sensor)
            gone[row, now] = True
            if not one.cued:
                here = now[got.cell % columns]
                lose = left.lose_placing if one.places else left.lose_directions
                lose(got.cell[here], got.pd[0, here], one.period_s)
        helped = left.copy()
        _add_pointed(helped, of, gone, shown_by_a_look(left.rate_per_s(), look_s), columns)
        worse = np.minimum(worse, helped.rate_per_s())
        yield worse.reshape(shape), which


def _add_pointed(
    sums: Inward,
    of: Sequence[tuple[SensorLooks, Looks]],
    gone: Bools,
    shown: Floats32,
    columns: int,
) -> None:
    """Take in the sensors that have to be pointed, and are not gone."""
    for row, (one, got) in enumerate(of):
        if not one.cued:
            continue
        here = ~gone[row, got.cell % columns]
        cell = got.cell[here]
        pd = got.pd[0, here] * shown[cell]
        if one.places:
            sums.add_placing(cell, pd, one.period_s)
            continue
        miss = np.ones(shown.size, np.float32)
        for other, (same, its) in enumerate(of):
            if same.line == one.line and not (same.cued or same.places):
                stands = ~gone[other, its.cell % columns]
                miss[its.cell[stands]] *= 1.0 - its.pd[0, stands]
        sums.add_directions(cell, pd, 1.0 - miss[cell], one.period_s)
