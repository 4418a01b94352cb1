"""Echoes that share a resolution cell come out as one."""

from __future__ import annotations

import math

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats, Ints


@kernel()
def _share_a_cell(one: Floats, other: Floats, resolution: Floats) -> bool:
    for k in range(4):
        if math.isnan(resolution[k]):
            continue
        apart = abs(one[k] - other[k])
        if k == 1:
            apart = min(apart, 2.0 * math.pi - apart)
        if apart >= resolution[k]:
            return False
    return True


@kernel()
def _head(group: Ints, row: int) -> int:
    while group[row] != row:
        group[row] = group[group[row]]
        row = group[row]
    return row


@kernel()
def shared_cells(
    polar: Floats, time_s: Floats, resolution: Floats, look_gap_s: float
) -> tuple[Ints, int]:
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
    (K,) the lowest row of each echo's group, and the number of groups.
    """
    size = polar.shape[0]
    group = np.arange(size).astype(np.int32)
    groups = size
    order = np.argsort(polar[:, 0], kind="mergesort")
    for a in range(size):
        i = order[a]
        # Partners within the range cell lie next to each other: no search of all by all.
        for b in range(a + 1, size):
            j = order[b]
            if polar[j, 0] - polar[i, 0] >= resolution[0]:
                break
            if abs(time_s[i] - time_s[j]) < look_gap_s and _share_a_cell(
                polar[i], polar[j], resolution
            ):
                one, other = _head(group, i), _head(group, j)
                if one != other:
                    group[max(one, other)] = min(one, other)
                    groups -= 1
    for i in range(size):
        group[i] = _head(group, i)
    return group, groups


@kernel()
def merge_echoes(
    polar: Floats, power: Floats, group: Ints, groups: int
) -> tuple[Floats, Floats, Ints, Floats]:
    """Merge groups: powers add, the place is the centroid weighted by power.

    Parameters
    ----------
    polar : (K, 4) range, azimuth, elevation, range rate
    power : (K,) any measure proportional to power
    group, groups : from ``shared_cells``

    Returns
    -------
    polar (G, 4), power (G,) and the row (G,) of each group's strongest echo, in order of
    the groups' lowest rows; and how far the parts of each lie about its centroid, (G, 4)
    standard deviations weighted by power.
    """
    place = np.empty(group.size, np.int32)
    strongest = np.empty(groups, np.int32)
    total = np.zeros(groups)
    merged, spread = np.zeros((groups, 4)), np.zeros((groups, 4))
    count = 0
    for i in range(group.size):
        if group[i] == i:
            place[i] = count
            strongest[count] = i
            count += 1
        g = place[group[i]]
        total[g] += power[i]
        if power[i] > power[strongest[g]]:
            strongest[g] = i
    for i in range(group.size):
        g = place[group[i]]
        for k in range(4):
            # Offsets from the strongest keep azimuths near north and large ranges exact.
            offset = polar[i, k] - polar[strongest[g], k]
            if k == 1:
                offset -= 2.0 * math.pi * math.floor(offset / (2.0 * math.pi) + 0.5)
            merged[g, k] += power[i] * offset / total[g]
            spread[g, k] += power[i] * offset * offset / total[g]
    for g in range(groups):
        for k in range(4):
            spread[g, k] = math.sqrt(max(spread[g, k] - merged[g, k] * merged[g, k], 0.0))
            merged[g, k] += polar[strongest[g], k]
    return merged, total, strongest, spread
