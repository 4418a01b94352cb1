"""Where a sensor stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.core.tables import Floats


@dataclass(frozen=True, slots=True)
class Mount:
    """A sensor's number in the run and its place.

    Attributes
    ----------
    index : as in ``Plots.sensor``
    site : where it stands
    position_enu_m : (3,) the antenna, microphone or lens
    carrier : row of the target that carries it, -1 on the ground
    """

    index: int
    site: str
    position_enu_m: Floats
    carrier: int = -1
