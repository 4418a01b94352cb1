"""The best plan, proven: branch and bound over sets of shots, one set a target.

The bound for whole shots D = Σ λ_w c_w + Σ g_t tells what a plan loses against it, target by
target and shot by shot: g_t less what the target's set of shots is worth at the prices, and
λ_w for each shot that is not fired. No plan better than one known can lose more than the gap
of that one, so only the sets that lose less are listed, and searched: always for the target
whose best set that is still possible loses most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.jit import kernel
from sim.core.tables import Floats, Indices
from sim.defence.assignment_bound import SETS, TOLERANCE, could_add, items_of, whole_bound
from sim.defence.assignment_problem import Problem

#: Most sets listed, and most steps of listing them, in sum over all targets.
_LISTED, _LOOKED = 200_000, 5_000_000
#: Of a target at which every shot would pay.
_WORTH_ALL = 1e300


@dataclass(frozen=True, slots=True)
class Searched:
    """The best shots (W, T) found, and whether the search came to its end."""

    shots: Indices
    complete: bool


@kernel()
def list_sets(
    kill: Floats,
    exponent: Floats,
    value: float,
    price: Floats,
    shots: Indices,
    most: int,
    t: int,
    enough: float,
    room: int,
    steps: int,
) -> tuple[Indices, Indices, Floats, int]:
    """List the sets of shots at target t that are worth ``enough`` or more at the prices.

    Returns
    -------
    start : (S + 1,) set s has the shots ``weapon[start[s]:start[s + 1]]``
    weapon : of each shot, one that fires twice is there twice
    worth : (S,) of each set
    steps : that are left; below 0 if these or the room did not suffice
    """
    # A shot that does not pay may still be in the best plan: it costs nothing that is left over.
    name, ratio, item_price, remains, limit = items_of(
        kill, exponent, price, 0.0, shots, most, t, _WORTH_ALL
    )
    count, deepest = name.size, min(most, limit.sum(), steps + 1)
    left, paid = np.empty(deepest + 1), np.empty(deepest + 1)
    after, run = np.empty(deepest + 1, np.int64), np.zeros(deepest + 1, np.int64)
    item = np.full(deepest + 1, -1, np.int64)
    start, worth = np.zeros(room + 1, np.int64), np.empty(room)
    listed = np.empty(64, np.int64)
    sets, size = 0, 0
    left[0], paid[0], after[0] = value, 0.0, 0
    depth, entered = 0, True
    while depth >= 0:
        reached = value - left[depth] - paid[depth]
        if entered and reached >= enough:
            if sets == room:
                steps = -1
                break
            if size + depth > listed.size:
                larger = np.empty(2 * listed.size + depth, np.int64)
                larger[:size] = listed[:size]
                listed = larger
            for d in range(depth):
                listed[size + d] = name[item[d + 1]]
            size += depth
            worth[sets] = reached
            sets += 1
            start[sets] = size
        entered = False
        j = after[depth]
        if depth == deepest or j >= count:
            depth -= 1
            continue
        if reached + could_add(left[depth], j, count, ratio, item_price, remains, limit) < enough:
            depth -= 1
            continue
        after[depth] = j + 1
        steps -= 1
        if steps < 0:
            break
        repeated = run[depth] + 1 if item[depth] == j else 1
        then = j if repeated < limit[j] else j + 1
        still, spent = left[depth] * (1.0 - kill[name[j], t]), paid[depth] + item_price[j]
        more = could_add(still, then, count, ratio, item_price, remains, limit)
        if value - still - spent + more < enough:
            continue
        depth += 1
        left[depth], paid[depth], after[depth] = still, spent, then
        item[depth], run[depth], entered = j, repeated, True
    return start[: sets + 1], listed[:size], worth[:sets], steps


@kernel()
def search_sets(
    first: Indices,
    start: Indices,
    weapon: Indices,
    loss: Floats,
    shots: Indices,
    price: Floats,
    most_loss: float,
    nodes: int,
    chosen: Indices,
) -> tuple[float, int]:
    """Choose one set per target with the least loss below ``most_loss``; return it.

    Parameters
    ----------
    first : (T + 1,) target t has the sets ``first[t]:first[t + 1]``, by rising loss
    start, weapon : the shots of each set
    loss : of each set
    nodes : the search ends after so many
    chosen : (T,) the sets, unchanged if none loses less

    Returns
    -------
    loss : of the chosen sets, ``most_loss`` if none loses less
    nodes : that are left, 0 if the search did not come to its end
    """
    targets = first.size - 1
    spare = shots.copy()
    decided = np.zeros(targets, np.bool_)
    target, at = np.full(targets, -1), np.zeros(targets, np.int64)
    lost = np.zeros(targets + 1)
    wanted = np.zeros(shots.size, np.bool_)
    level, entered = 0, True
    while level >= 0:
        if entered:
            # What is lost at least from here, and the target at which most is.
            nodes -= 1
            if nodes <= 0:
                return most_loss, 0
            wanted[:] = False
            least, worst, pick = lost[level], -1.0, -1
            for t in range(targets):
                if decided[t]:
                    continue
                smallest = np.inf
                for s in range(first[t], first[t + 1]):
                    if lost[level] + loss[s] >= most_loss:
                        break
                    if _fits(start, weapon, s, spare):
                        smallest = min(smallest, loss[s])
                        for e in range(start[s], start[s + 1]):
                            wanted[weapon[e]] = True
                least += smallest
                if smallest > worst:
                    worst, pick = smallest, t
                if least >= most_loss:
                    break
            if least < most_loss:
                for w in range(shots.size):
                    if not wanted[w]:
                        least += price[w] * spare[w]
            if least >= most_loss or pick < 0:
                if pick < 0 and least < most_loss:
                    most_loss = least
                    for k in range(targets):
                        chosen[target[k]] = at[k]
                entered = False
                level -= 1
                continue
            target[level], at[level] = pick, first[pick] - 1
            decided[pick] = True
            entered = False
        t = target[level]
        if at[level] >= first[t]:
            for e in range(start[at[level]], start[at[level] + 1]):
                spare[weapon[e]] += 1
        s = at[level] + 1
        while s < first[t + 1] and not _fits(start, weapon, s, spare):
            s += 1
        if s >= first[t + 1] or lost[level] + loss[s] >= most_loss:
            decided[t] = False
            level -= 1
            continue
        at[level] = s
        for e in range(start[s], start[s + 1]):
            spare[weapon[e]] -= 1
        lost[level + 1] = lost[level] + loss[s]
        level, entered = level + 1, True
    return most_loss, nodes


@kernel()
def _fits(start: Indices, weapon: Indices, s: int, spare: Indices) -> bool:
    """Tell whether the shots of a set are all there; leave ``spare`` as it was."""
    fits = True
    for e in range(start[s], start[s + 1]):
        spare[weapon[e]] -= 1
        fits = fits and spare[weapon[e]] >= 0
    for e in range(start[s], start[s + 1]):
        spare[weapon[e]] += 1
    return fits


def search(problem: Problem, known: Indices, price: Floats, nodes: int) -> Searched:
    """Return the best plan, if the sets can be listed and searched within ``nodes``.

    Parameters
    ----------
    known : (W, T) shots of a plan, the better the less is searched
    price : (W,) of shots, the lower their bound the less is searched
    """
    p, targets = problem, problem.value.size
    chosen, share = np.empty(p.kill_probability.T.shape, np.int64), np.empty(targets)
    bound = whole_bound(
        p.kill_probability,
        p.exponent,
        p.value,
        p.shots,
        p.cost,
        p.most,
        price,
        SETS,
        TOLERANCE,
        chosen,
        share,
    )
    most_loss = bound - p.gained(known) - p.slack
    if most_loss <= 0.0:
        return Searched(known, True)
    sizes, weapons, losses = [np.zeros(1, np.int64)], [], []
    first = np.zeros(targets + 1, np.int64)
    steps = _LOOKED
    for t in range(targets):
        start, weapon, worth, steps = list_sets(
            p.kill_probability,
            p.exponent,
            float(p.value[t]),
            price + p.cost,
            p.shots,
            int(p.most[t]),
            t,
            float(share[t]) - most_loss,
            _LISTED - int(first[t]),
            steps,
        )
        if steps < 0:
            return Searched(known, False)
        order = np.argsort(-worth, kind="stable")
        size = np.diff(start)[order]
        take = np.repeat(start[:-1][order] - np.cumsum(size) + size, size) + np.arange(size.sum())
        weapons.append(weapon[take])
        sizes.append(size)
        losses.append(share[t] - worth[order])
        first[t + 1] = first[t] + size.size
    picked = np.full(targets, -1)
    start, weapon = np.cumsum(np.concatenate(sizes)), np.concatenate(weapons)
    _, left = search_sets(
        first,
        start,
        weapon,
        np.concatenate(losses),
        p.shots,
        price,
        most_loss,
        nodes,
        picked,
    )
    if picked.min(initial=0) < 0:
        return Searched(known, left > 0)
    x = np.zeros_like(known)
    for t in range(targets):
        np.add.at(x[:, t], weapon[start[picked[t]] : start[picked[t] + 1]], 1)
    return Searched(x, left > 0)
