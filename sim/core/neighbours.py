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
    slots = 16
    while slots < 2 * capacity:
        slots *= 2
    return Bucket(
        np.zeros(1),
        np.zeros(1, np.int32),
        np.full(slots, -1, np.int32),
        np.empty(capacity, np.int32),
        np.empty(capacity, np.int32),
    )


@kernel()
def slot_of(buckets: Bucket, column: int, line: int) -> int:
    """Return the slot of a square."""
    mixed = (column * 73_856_093) ^ (line * 19_349_663)
    return int(mixed & (buckets.head.size - 1))


@kernel()
def put_in_bucket(buckets: Bucket, x: float, y: float, item: int) -> None:
    """Enter an item at a place."""
    width = buckets.width[0]
    slot = slot_of(buckets, math.floor(x / width), math.floor(y / width))
    k = buckets.entries[0]
    buckets.item[k] = item
    buckets.following[k] = buckets.head[slot]
    buckets.head[slot] = k
    buckets.entries[0] = k + 1


@kernel()
def near(buckets: Bucket, x: float, y: float, reach: float, found: Ints) -> int:
    """Write entries that may lie within ``reach`` of a place along both axes.

    Different squares may share a slot, so entries from elsewhere may be among them, and one
    may come twice. ``found`` (n,) takes as many as it has room for; returns the number, or −1
    if the room did not suffice.
    """
    width = buckets.width[0]
    x0, x1 = math.floor((x - reach) / width), math.floor((x + reach) / width)
    y0, y1 = math.floor((y - reach) / width), math.floor((y + reach) / width)
    n = 0
    if x1 - x0 >= _SPAN_MAX or y1 - y0 >= _SPAN_MAX:
        if buckets.entries[0] > found.size:
            return -1
        for k in range(buckets.entries[0]):
            found[k] = buckets.item[k]
        return int(buckets.entries[0])
    for column in range(x0, x1 + 1):
        for line in range(y0, y1 + 1):
            k = buckets.head[slot_of(buckets, column, line)]
            while k >= 0:
                if n == found.size:
                    return -1
                found[n] = buckets.item[k]
                n += 1
                k = buckets.following[k]
    return n
