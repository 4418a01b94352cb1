"""Values to colours: even steps to the eye, to the colour-blind too."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.core.tables import Floats

Pixels = NDArray[np.uint8]

#: Dark blue over green to yellow: viridis (Smith, van der Walt 2015), ten of its colours.
VIRIDIS = np.array(
    [
        [68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142],
        [31, 158, 137], [53, 183, 121], [109, 205, 89], [180, 222, 44], [253, 231, 37],
    ],
    float,
)  # fmt: skip


def shades(value: ArrayLike, low: float, high: float) -> Floats:
    """Return the colours (..., 3), 0 to 255, of values between two bounds; NaN for NaN."""
    value = np.asarray(value, float)
    place = np.clip((value - low) / (high - low), 0.0, 1.0) * (len(VIRIDIS) - 1)
    known = np.nan_to_num(place)
    left = np.minimum(known.astype(int), len(VIRIDIS) - 2)
    part = (known - left)[..., None]
    shade: Floats = (1.0 - part) * VIRIDIS[left] + part * VIRIDIS[left + 1]
    shade[np.isnan(value)] = np.nan
    return shade
