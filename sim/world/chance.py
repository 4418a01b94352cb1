"""Random numbers by name: a component's draws depend on its own name only."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Chance:
    """The one source of chance of a run: scenario seed and run index."""

    seed: int
    run: int = 0

    def generator(self, name: str) -> np.random.Generator:
        """Return the generator of a component, always the same for the same name."""
        digest = hashlib.sha256(name.encode()).digest()
        key = tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))
        return np.random.default_rng(np.random.SeedSequence([self.seed, self.run], spawn_key=key))
