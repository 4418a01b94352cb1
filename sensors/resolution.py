"""Echoes that share a resolution cell come out as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.core.tables import Floats


def shared_cells(
    polar: Floats, time_s: Floats, resolution: Floats, look_gap_s: float
) -> NDArray[np.intp] | None:
    """Group echoes that a sensor cannot tell apart.

    Two echoes of the same look share a cell if they differ by less than the resolution in
    every resolved component; what shares a cell with a common third is one group.

    Parameters
    ----------
    polar : (K, 4) range, azimuth, elevation, range rate
    time_s : (K,) when each was looked at
    resolution : (4,) width of a cell; NaN for a component that is not resolved
    look_gap_s : echoes further apart in time belong to different looks

    Returns
    -------
    (K,) the lowest row of each echo's group, or ``None`` if all are alone.
    """
    order = np.argsort(polar[:, 0], kind="stable")
    range_m = polar[order, 0]
    if range_m.size < 2 or np.diff(range_m).min() >= resolution[0]:
        return None
    # Partners within the range cell lie next to each other: no matrix of all against all.
    ends = np.searchsorted(range_m, range_m + resolution[0], side="left")
    partners = ends - np.arange(ends.size) - 1
    near = np.repeat(np.arange(ends.size), partners)
    far = near + 1 + np.arange(near.size) - np.repeat(np.cumsum(partners) - partners, partners)
    one, other = order[near], order[far]
    apart = np.abs(polar[one] - polar[other])
    apart[:, 1] = np.minimum(apart[:, 1], 2.0 * np.pi - apart[:, 1])
    resolved = ~np.isnan(resolution)
    together = np.all(apart[:, resolved] < resolution[resolved], axis=1)
    together &= np.abs(time_s[one] - time_s[other]) < look_gap_s
    if not together.any():
        return None
    return _lowest_of_group(one[together], other[together], range_m.size)


def _lowest_of_group(one: NDArray[np.intp], other: NDArray[np.intp], size: int) -> NDArray[np.intp]:
    label = np.arange(size)
    while True:
        lowest = np.minimum(label[one], label[other])
        spread = label.copy()
        np.minimum.at(spread, one, lowest)
        np.minimum.at(spread, other, lowest)
        spread = spread[spread]  # follow the group's head at once
        if np.array_equal(spread, label):
            return label
        label = spread


def merge_echoes(
    polar: Floats, power: Floats, group: NDArray[np.intp]
) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Merge groups: powers add, the place is the centroid weighted by power.

    Parameters
    ----------
    polar : (K, 4) range, azimuth, elevation, range rate
    power : (K,) any measure proportional to power
    group : (K,) from ``shared_cells``

    Returns
    -------
    polar (G, 4), power (G,) and the row (G,) of each group's strongest echo.
    """
    by_power = np.lexsort((-power, group))
    heads, label = np.unique(group, return_inverse=True)
    strongest = by_power[np.searchsorted(group[by_power], heads)]
    total: Floats = np.bincount(label, power).astype(float)
    # Offsets from the strongest keep azimuths near north and large ranges exact.
    offset = polar - polar[strongest[label]]
    offset[:, 1] = np.remainder(offset[:, 1] + np.pi, 2.0 * np.pi) - np.pi
    mean = np.stack([np.bincount(label, power * column) for column in offset.T], axis=1)
    centroid: Floats = polar[strongest] + mean / total[:, None]
    return centroid, total, strongest
