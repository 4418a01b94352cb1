"""Command: which node decides for an effector, how fast, and what holds when it is lost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sim.core.tables import Floats, Ints
from sim.defence.rules import Weapons
from sim.world.windows import holds

#: No node commands it.
ALONE = -1


@dataclass(frozen=True, slots=True)
class Nodes:
    """All nodes, one row each.

    Attributes
    ----------
    id : of each
    delay_s, decisions_per_s, takeover_s : (N,); decisions infinite without a limit
    weapons : (N,) ``Weapons``, −1 where the escalation decides
    lost_s : per node, the windows in which it is out of action
    takeover : (N,) index of the node that steps in, −1 for none
    """

    id: tuple[str, ...]
    delay_s: Floats
    decisions_per_s: Floats
    weapons: Ints
    lost_s: tuple[Sequence[tuple[float, float]], ...]
    takeover: Ints
    takeover_s: Floats

    def __len__(self) -> int:
        return len(self.id)

    def lost(self, node: int, time_s: float) -> bool:
        """Tell whether a node is out of action."""
        return holds(self.lost_s[node], time_s)

    def commander(self, node: int, time_s: float) -> int:
        """Return which node decides for the effectors of a node, ``ALONE`` if none does.

        A node that is lost is stood in for by its successor ``takeover_s`` later, that one by
        its own.
        """
        for _ in range(len(self)):
            if node == ALONE or not self.lost(node, time_s):
                return node
            since_s = max(begin for begin, end in self.lost_s[node] if begin <= time_s < end)
            if time_s < since_s + self.takeover_s[node]:
                return ALONE
            node = int(self.takeover[node])
        return ALONE


@dataclass(slots=True)
class Decisions:
    """How many decisions each node has left: a bucket that fills at its rate.

    A bucket holds what ten seconds bring, and one decision at least.
    """

    nodes: Nodes
    _left: Floats = field(init=False)
    _now_s: float = 0.0

    def __post_init__(self) -> None:
        self._left = self._most()

    def _most(self) -> Floats:
        most: Floats = np.maximum(10.0 * self.nodes.decisions_per_s, 1.0)
        return most

    def fill(self, now_s: float) -> None:
        """Let time pass."""
        rate = self.nodes.decisions_per_s
        limited = np.where(np.isinf(rate), 0.0, rate) * (now_s - self._now_s)
        self._left = np.minimum(self._left + limited, self._most())
        self._now_s = now_s

    def take(self, node: int) -> bool:
        """Take one decision of a node if it has one left; nobody waits for an effector alone."""
        if node == ALONE:
            return True
        if self._left[node] < 1.0:
            return False
        self._left[node] -= 1.0
        return True


def weapons_of(nodes: Nodes, node: int, escalated: Weapons, alone: Weapons) -> Weapons:
    """Return the weapons state that a commander gives."""
    if node == ALONE:
        return alone
    own = int(nodes.weapons[node])
    return escalated if own < 0 else Weapons(own)
