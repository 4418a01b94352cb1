"""Where echoes appear that come back after the next pulse, or turn too far from pulse to pulse."""

from __future__ import annotations

import math

from sim.core.jit import kernel


@kernel(leaf=True)
def folded_range_m(range_m: float, unambiguous_m: float) -> float:
    """Return the range after the last pulse before the echo: R mod c / (2 PRF)."""
    return range_m - math.floor(range_m / unambiguous_m) * unambiguous_m


@kernel(leaf=True)
def folded_rate_mps(rate_mps: float, span_mps: float) -> float:
    """Return the range rate within ± half a span that gives the same phase from pulse to pulse.

    The span of one pulse rate is λ PRF / 2, the first blind speed; infinite: nothing folds.
    """
    if span_mps == math.inf:
        return rate_mps
    return rate_mps - math.floor(rate_mps / span_mps + 0.5) * span_mps
