"""Maximal covering as a mixed-integer programme.

    max Σ w_j z_j,   z_j ≤ Σ a_ij y_i,   y whole,   z whole where it is not so by itself.

Where it takes m options that do not suffice alone, a second row says so,

    z_j ≤ Σ y_i (a_ij = 1) + Σ y_i / m (a_ij < 1),

which holds for whole y and cuts off fractions: Chvátal's rounding of the first row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.programme import relaxed_bound
from sim.core.tables import Bools, Floats, Indices
from sim.coverage.covering import Reduced
from sim.coverage.placement import Limits, Options


class CoverProgramme:
    """The programme on the options that contribute: y of these, then z of the demands."""

    def __init__(self, reduced: Reduced, options: Options, limits: Limits) -> None:
        from scipy.sparse import block_array, csr_array, eye_array

        self.columns: Indices = np.flatnonzero(np.diff(reduced.share.indptr) > 0)
        share = reduced.share[self.columns].T.tocsr()
        demands = share.shape[0]
        partial = np.flatnonzero(reduced.needed)
        rounded = share[partial]
        rounded.data = np.where(
            rounded.data >= 1.0,
            1.0,
            1.0 / np.repeat(reduced.needed[partial], np.diff(rounded.indptr)),
        )
        unit = eye_array(demands, format="csr")
        limit, upper = limits.rows(options, self.columns)
        self.rows: Any = block_array(
            [
                [limit, csr_array((limit.shape[0], demands))],
                [-share, unit],
                [-rounded, unit[partial]],
            ],
            format="csc",
        )
        self.upper: Floats = np.concatenate([upper, np.zeros(demands + partial.size)])
        # Weights that are all alike become ones: the solver then knows that values are whole.
        least, most = float(reduced.weight.min()), float(reduced.weight.max())
        self.scale = least if most <= 1e6 * least else most
        self.gain: Floats = np.concatenate(
            [np.zeros(self.columns.size), reduced.weight / self.scale]
        )
        self.whole: Bools = np.concatenate([np.ones(self.columns.size, bool), reduced.needed > 0])


def relaxation_bound(reduced: Reduced, options: Options, limits: Limits, time_s: float) -> float:
    """Return the bound of the linear relaxation, infinite if there was no time for it."""
    if not reduced.weight.size:
        return reduced.base_value
    programme = CoverProgramme(reduced, options, limits)
    bound = relaxed_bound(
        programme.gain, programme.rows, programme.upper, np.ones(programme.gain.size), time_s
    )
    return reduced.base_value + programme.scale * bound
