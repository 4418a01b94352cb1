"""A choice looked at again with all its sensors together: nothing idle is bought.

Solvers count what each option adds by itself. Together they may be worth more (two that give
directions) or less (a rate beyond what is enough), so a choice is improved by dropping,
adding, exchanging single options and adding pairs while its value, computed anew, rises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations

from sim.coverage.placement import Clock, Limits, Options

#: What raises a value by less is not worth buying: a ten-thousandth of what is to be covered.
NOTHING = 1e-4

#: Value of a choice of options, in ascending order.
Value = Callable[[tuple[int, ...]], float]


class Remembered:
    """Values of choices, each computed once."""

    def __init__(self, value: Value) -> None:
        self._value = value
        self._known: dict[tuple[int, ...], float] = {}

    def __len__(self) -> int:
        return len(self._known)

    def __call__(self, chosen: Iterable[int]) -> float:
        """Return the value of a choice, whatever its order."""
        key = tuple(sorted(chosen))
        if key not in self._known:
            self._known[key] = self._value(key)
        return self._known[key]


def without_idle(chosen: Sequence[int], options: Options, value: Remembered) -> list[int]:
    """Return a choice without options whose loss takes nothing, the dearest dropped first."""
    kept = list(chosen)
    whole = value(kept)
    for option in sorted(chosen, key=lambda i: -options.cost[i]):
        rest = [other for other in kept if other != option]
        if value(rest) >= whole - NOTHING:
            kept = rest
    return kept


def useful_order(order: Sequence[int], value: Remembered) -> list[int]:
    """Return an order of purchase without options that add nothing when their turn comes."""
    kept: list[int] = []
    for option in order:
        if value([*kept, option]) > value(kept) + NOTHING:
            kept.append(option)
    return kept


def order_of_purchase(chosen: Sequence[int], options: Options, value: Remembered) -> list[int]:
    """Return a choice in the order of what each then buys for its cost."""
    bought: list[int] = []
    left = list(chosen)
    while left:
        so_far = value(bought)
        gain = {i: (value([*bought, i]) - so_far) / options.cost[i] for i in left}
        best = max(left, key=lambda i: (gain[i], -options.cost[i]))
        bought.append(best)
        left.remove(best)
    return bought


def improved(
    chosen: Sequence[int],
    options: Options,
    limits: Limits,
    value: Remembered,
    time_s: float,
    progress: Callable[[int, float], None] = lambda tried, best: None,
) -> list[int]:
    """Return a choice that no addition, exchange or pair more within the limits improves.

    Parameters
    ----------
    chosen : to begin with
    options, limits : what may be bought
    value : of a choice
    time_s : after which the best so far is taken
    progress : told how many choices are known, and the best value
    """
    clock = Clock(time_s)
    kept = without_idle(chosen, options, value)
    near = (_additions, _exchanges, _pairs)
    rank = 0
    while rank < len(near) and clock.left_s:
        best = kept
        for other in near[rank](kept, len(options)):
            if not clock.left_s:
                break
            if not limits.hold(options, other):
                continue
            if value(other) > value(best) + NOTHING:
                best = other
            progress(len(value), value(best))
        if best is kept:
            rank += 1
        else:
            kept, rank = without_idle(best, options, value), 0
    return sorted(kept)


def _additions(chosen: list[int], count: int) -> Iterator[list[int]]:
    yield from ([*chosen, more] for more in range(count) if more not in chosen)


def _exchanges(chosen: list[int], count: int) -> Iterator[list[int]]:
    for gone in chosen:
        yield from _additions([i for i in chosen if i != gone], count)


def _pairs(chosen: list[int], count: int) -> Iterator[list[int]]:
    """Return choices with two more: each may be of no use without the other."""
    others = [i for i in range(count) if i not in chosen]
    yield from ([*chosen, *pair] for pair in combinations(others, 2))
