"""What there is for sensors to see in one window of time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sim.core.tables import Floats, Ints, Truth
    from sim.world.truth import Targets


@dataclass(frozen=True, slots=True)
class Cues:
    """Where the picture holds targets to be: what a sensor that can be pointed may be told.

    Attributes
    ----------
    number : (K,) air track number
    position_enu_m, velocity_enu_mps : (K, 3) at the beginning of the window
    position_sigma_m : (K,) root of the mean variance of the three axes
    """

    number: Ints
    position_enu_m: Floats
    velocity_enu_mps: Floats
    position_sigma_m: Floats

    @classmethod
    def none(cls) -> Cues:
        """Return a table without rows."""
        return cls(np.empty(0, np.int32), np.empty((0, 3)), np.empty((0, 3)), np.empty(0))

    def __len__(self) -> int:
        return int(self.number.size)


@dataclass(frozen=True, slots=True)
class Scene:
    """Targets over a window of time, start excluded, end included.

    Attributes
    ----------
    targets : all of the scenario
    start, end : where they are at both ends of the window
    cues : the picture at its beginning
    """

    targets: Targets
    start: Truth
    end: Truth
    cues: Cues = field(default_factory=Cues.none)
