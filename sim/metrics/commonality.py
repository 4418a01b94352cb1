"""Do several pictures of the same sky agree on which target bears which number?

The SIAP attribute for pictures at several sites (Votruba et al. 2001, and the technical
reports of the SIAP System Engineering Task Force): in a single integrated air picture a
target bears the same track number at every site that holds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from sim.core.tables import Ints
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.holding import number_of
from sim.metrics.matching import match
from sim.metrics.siap import ratio


@dataclass(frozen=True, slots=True)
class Commonality:
    """Agreement of pictures over target steps; None where there was nothing to divide by.

    Attributes
    ----------
    common_number : of the target steps held by several sites, the share at which all of
        these sites hold the target under the same number
    common_pairs : the same over pairs of sites that both hold the target
    held_by_all : of the target steps held by any site, the share held by all
    held_by_all_under_one_number : likewise, and under the same number
    """

    common_number: float | None
    common_pairs: float | None
    held_by_all: float | None
    held_by_all_under_one_number: float | None

    def to_json(self) -> dict[str, float | None]:
        """Return plain values."""
        return asdict(self)


def commonality(number: Ints) -> Commonality:
    """Compare the numbers (S, R) under which S sites hold each of R target steps, -1 for none."""
    sites, rows = number.shape
    held = number >= 0
    holders = held.sum(axis=0)
    differing = np.zeros(rows, np.intp)
    both, same = 0, 0
    for one in range(sites):
        for other in range(one + 1, sites):
            meet = held[one] & held[other]
            agree = meet & (number[one] == number[other])
            differing += meet & ~agree
            both += int(meet.sum())
            same += int(agree.sum())
    several, whole = holders >= 2, holders == sites
    anyone = int((holders > 0).sum())
    return Commonality(
        common_number=ratio(int((several & (differing == 0)).sum()), int(several.sum())),
        common_pairs=ratio(same, both),
        held_by_all=ratio(int(whole.sum()) if sites else 0, anyone),
        held_by_all_under_one_number=ratio(
            int((whole & (differing == 0)).sum()) if sites else 0, anyone
        ),
    )


def compare_pictures(
    truth: TruthHistory, pictures: Sequence[TrackHistory], cutoff_m: float
) -> Commonality:
    """Match the confirmed tracks of every picture to the targets and compare their numbers.

    All histories are on the same time grid.
    """
    return commonality(numbers_held(truth, pictures, cutoff_m))


def numbers_held(truth: TruthHistory, pictures: Sequence[TrackHistory], cutoff_m: float) -> Ints:
    """Return under which number (S, R) each picture holds each target step, -1 for none."""
    numbers = np.full((len(pictures), len(truth)), -1, np.int32)
    for row, picture in enumerate(pictures):
        confirmed = picture.confirmed()
        numbers[row] = number_of(match(truth, confirmed, cutoff_m), confirmed)
    return numbers


def judge_commonality(
    truth: TruthHistory, pictures: Mapping[str, TrackHistory], cutoff_m: float
) -> dict[str, Any]:
    """Compare pictures by name, all together and every two of them.

    Returns
    -------
    dict of plain values: those of ``Commonality``, and ``pairs``, the same of every two
    pictures, each with the two names as its ``id``.
    """
    numbers = numbers_held(truth, list(pictures.values()), cutoff_m)
    pairs = [
        {"id": f"{one}+{other}"} | commonality(numbers[[i, j]]).to_json()
        for (i, one), (j, other) in combinations(enumerate(pictures), 2)
    ]
    return commonality(numbers).to_json() | {"pairs": pairs}
