"""All sensors of a scene at once, shared out among threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.core.tables import Plots

#: Below so many pairs of sensor and target, waking threads costs more than it saves.
_THREADED_FROM = 100_000


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="sensors")


if hasattr(os, "register_at_fork"):  # threads do not live on in a forked process
    os.register_at_fork(after_in_child=_pool.cache_clear)


def observe_all(
    observe: Sequence[Callable[[], Plots]], targets: int, threads: int = 1
) -> list[Plots]:
    """Return the plots of every sensor, in order.

    Every sensor draws from a generator of its own, so the plots are the same on any number
    of threads.

    Parameters
    ----------
    observe : one call for each sensor
    targets : how many there are to be seen
    threads : at most
    """
    if threads <= 1 or len(observe) * targets < _THREADED_FROM:
        return [one() for one in observe]

    def share(part: int) -> list[Plots]:
        return [one() for one in observe[part::threads]]

    shares = list(_pool(threads).map(share, range(threads)))
    return [shares[number % threads][number // threads] for number in range(len(observe))]
