"""Finding points near a place: buckets of the plane, filled one by one."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats, Ints

#: More buckets than this along one side of a search are taken as the whole plane.
_SPAN_MAX = 64


class Bucket(NamedTuple):
    """Squares of the plane, hashed into a table, each with a chain of entries.

    Attributes
    ----------
    width : (1,) side of a square, set before the first entry
    entries : (1,) number so far
    head : (2ᵏ,) first entry of each slot, −1 for none
    following : (n,) next entry of the same slot
    item : (n,) what the caller entered
    """

    width: Floats
    entries: Ints
    head: Ints
    following: Ints
    item: Ints


@kernel()
def empty_buckets(capacity: int) -> Bucket:
    """Return buckets with room for ``capacity`` entries and no width yet."""
    slots = 64
    while slots < 2 * capacity:
        slots *= 2
    return Bucket(
        np.zeros(1),
        np.zeros(1, np.int32),
        np.full(slots, -1, np.int32),
        np.empty(capacity, np.int32),
        np.empty(capacity, np.int32),
    )


@kernel(leaf=True)
def slot_of(column: int, line: int, slots: int) -> int:
    """Return the slot of a square: eight by eight of them lie together in memory."""
    tile = ((column >> 3) * 73_856_093) ^ ((line >> 3) * 19_349_663)
    return ((tile << 6) | ((line & 7) << 3) | (column & 7)) & (slots - 1)


@kernel(leaf=True)
def put_in_bucket(buckets: Bucket, x: float, y: float, item: int) -> None:
    """Enter an item at a place."""
    width = buckets.width[0]
    slot = slot_of(math.floor(x / width), math.floor(y / width), buckets.head.size)
    k = buckets.entries[0]
    buckets.item[k] = item
    buckets.following[k] = buckets.head[slot]
    buckets.head[slot] = k
    buckets.entries[0] = k + 1


@kernel(leaf=True)
def near(buckets: Bucket, x: float, y: float, reach: float, found: Ints) -> int:
    """Write entries that may lie within ``reach`` of a place along both axes.

    Different squares may share a slot, so entries from elsewhere may be among them, and one
    may come twice. ``found`` (n,) takes as many as it has room for; returns the number, or −1
    if the room did not suffice.
    """
    width = buckets.width[0]
    x0, x1 = math.floor((x - reach) / width), math.floor((x + reach) / width)
    y0, y1 = math.floor((y - reach) / width), math.floor((y + reach) / width)
    head, following, item, entries = (
        buckets.head, buckets.following, buckets.item, buckets.entries[0],
    )  # fmt: skip
    n = 0
    if x1 - x0 >= _SPAN_MAX or y1 - y0 >= _SPAN_MAX:
        if entries > found.size:
            return -1
        for k in range(entries):
            found[k] = item[k]
        return int(entries)
    for line in range(y0, y1 + 1):
        for column in range(x0, x1 + 1):
            k = head[slot_of(column, line, head.size)]
            while k >= 0:
                if n == found.size:
                    return -1
                found[n] = item[k]
                n += 1
                k = following[k]
    return n
