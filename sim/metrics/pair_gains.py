"""What pairs of a target and a track gain in T-GOSPA, and which of them can be at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.core.tables import Bools, Floats, Ints
from sim.metrics.history import Rows
from sim.metrics.trajectories import Near, Trajectories, near_by_block


@dataclass(frozen=True, slots=True)
class PairGains:
    """What the pairs that are ever near gain, and when.

    Attributes
    ----------
    target, track : (P,) the two things of each pair, sorted by target
    entry : (P + 1,) entries of pair e are ``entry[e]:entry[e + 1]``
    step, gain : (E,) c^p − d^p at the steps at which the pair is closer than c
    """

    target: Ints
    track: Ints
    entry: Rows
    step: Rows
    gain: Floats

    @classmethod
    def of(
        cls, x: Trajectories, y: Trajectories, cutoff: float, order: float
    ) -> tuple[PairGains, Floats]:
        """List all pairs, and the price (E,) of the track at each entry's step."""
        from sim.metrics.track_kernels import contest_prices  # numba is slow to import

        blocks = list(near_by_block(x, y, cutoff))
        near = Near(*(np.concatenate(columns) for columns in zip(*blocks, strict=True)))
        gain = cutoff**order - near.distance**order
        price = np.zeros(gain.size)
        bounds = np.searchsorted(near.step, np.arange(x.steps + 1))
        contest_prices(bounds, near.i, near.j, gain, x.count, y.count, price)
        code = near.i.astype(np.int64) * y.count + near.j
        order_ = np.argsort(code, kind="stable")
        pair, first = np.unique(code[order_], return_index=True)
        target, track = np.divmod(pair, y.count)
        gains = cls(
            target=target.astype(np.int32),
            track=track.astype(np.int32),
            entry=np.append(first, gain.size),
            step=near.step[order_],
            gain=gain[order_],
        )
        return gains, price[order_]

    def table(self, pairs: Rows, steps: int) -> Floats:
        """Return the gains of some pairs at all steps, (pairs, K)."""
        dense = np.zeros((pairs.size, steps))
        for row, pair in enumerate(pairs):
            entries = slice(self.entry[pair], self.entry[pair + 1])
            dense[row, self.step[entries]] = self.gain[entries]
        return dense


@dataclass(frozen=True, slots=True)
class States:
    """All sets of pairs in which no two share a member, by size.

    Attributes
    ----------
    member : (S, E) whether state s contains pair e
    sub_start, sub_state, sub_pair : see ``sim.metrics.track_kernels.best_path``
    """

    member: Bools
    sub_start: Ints
    sub_state: Ints
    sub_pair: Ints

    @classmethod
    def of(cls, target: Ints, track: Ints, limit: int) -> States | None:
        """Enumerate the states of the pairs (E,), None if there are more than the limit."""
        clash = [
            sum(1 << int(other) for other in np.flatnonzero((target == i) | (track == j)))
            for i, j in zip(target, track, strict=True)
        ]
        states = [0]
        for pair, mask in enumerate(clash):
            states += [state | 1 << pair for state in states if not state & mask]
            if len(states) > limit:
                return None
        states.sort(key=lambda state: (state.bit_count(), state))
        index = {state: at for at, state in enumerate(states)}
        member = np.array(
            [[state >> pair & 1 for pair in range(target.size)] for state in states], np.bool_
        ).reshape(len(states), target.size)
        state_of, sub_pair = np.nonzero(member)
        sub_state = [
            index[states[s] & ~(1 << e)]
            for s, e in zip(state_of.tolist(), sub_pair.tolist(), strict=True)
        ]
        return cls(
            member=member,
            sub_start=np.searchsorted(state_of, np.arange(len(states) + 1)).astype(np.int32),
            sub_state=np.array(sub_state, np.int32),
            sub_pair=sub_pair.astype(np.int32),
        )
