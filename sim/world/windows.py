"""Windows of time, [from, to], in which something holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, Field

from sim.core.tables import Bools, Floats


def _rising(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] >= window[1]:
        raise ValueError(f"[{window[0]:g}, {window[1]:g}] must be [from, to]")
    return window


#: From and to, in seconds since the scenario's start.
Window = Annotated[
    tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(gt=0)]], AfterValidator(_rising)
]


def inside(windows: Sequence[tuple[float, float]], time_s: Floats) -> Bools:
    """Tell which times (K,) lie in any window, its start included and its end not."""
    result = np.zeros(np.shape(time_s), bool)
    for start, end in windows:
        result |= (time_s >= start) & (time_s < end)
    return result


def holds(windows: Sequence[tuple[float, float]], time_s: float) -> bool:
    """Tell whether one time lies in any window, as ``inside``."""
    return any(start <= time_s < end for start, end in windows)


def is_on(windows: Sequence[tuple[float, float]], time_s: Floats) -> Bools:
    """Tell at which times (K,) something is on that has windows: always, if it has none."""
    return inside(windows, time_s) if windows else np.ones(np.shape(time_s), bool)
