"""T-GOSPA relaxed to a linear programme: a metric by itself and a lower bound of T-GOSPA.

García-Fernández, Rahmathullah and Svensson, IEEE Transactions on Signal Processing 68
(2020), section on the linear programming relaxation: targets may be on several tracks in
part, as long as no target and no track is on more than one in sum. It is solved in
polynomial time whatever the picture looks like, but with one unknown per near pair and
step and another per change: for some ten targets and some hundred steps. ``t_gospa`` is
for large pictures.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.tables import Floats, Ints
from sim.metrics.history import Rows
from sim.metrics.pair_gains import PairGains
from sim.metrics.sets import require_metric
from sim.metrics.t_gospa import TGospa, result
from sim.metrics.trajectories import Trajectories


def t_gospa_relaxed(
    x: Trajectories, y: Trajectories, cutoff: float, switch_penalty: float, order: float = 2.0
) -> TGospa:
    """Return the relaxed T-GOSPA distance between targets x and tracks y.

    Parameters and errors are those of ``t_gospa``. ``exact`` tells whether no target is on
    a track in part only: then this is T-GOSPA itself.

    Raises
    ------
    RuntimeError
        If the solver gives up.
    """
    from scipy.sparse import coo_array  # scipy is slow to import
    from scipy.sparse.csgraph import connected_components

    require_metric(cutoff, order)
    if not switch_penalty > 0:
        raise ValueError(f"switch penalty {switch_penalty} must be positive")
    if not x.count or not y.count:
        return result(x, y, cutoff, order, switch_penalty, 0.0, 0, 0, None)
    gains, _ = PairGains.of(x, y, cutoff, order)
    links = coo_array(
        (np.ones(gains.target.size), (gains.target, x.count + gains.track)),
        shape=(x.count + y.count, x.count + y.count),
    )
    _, component = connected_components(links, directed=False)
    gained, near, ends, whole = 0.0, 0.0, 0.0, True
    for name in np.unique(component[gains.target]):
        pairs = np.flatnonzero(component[gains.target] == name)
        gain = gains.table(pairs, x.steps)
        share = _solve(gain, gains.target[pairs], gains.track[pairs], switch_penalty**order / 2)
        gained += float((gain * share).sum())
        near += float(share[gain > 0].sum())
        ends += float(np.abs(np.diff(share, axis=1)).sum())
        whole = whole and bool((np.minimum(share, 1 - share) < 1e-6).all())
    return result(x, y, cutoff, order, switch_penalty, gained, near, ends, None, exact=whole)


def _solve(gain: Floats, target: Ints, track: Ints, penalty: float) -> Floats:
    """Return the shares (E, K) in [0, 1] of pairs that gain most, less the penalties."""
    from scipy.optimize import linprog
    from scipy.sparse import coo_array, eye_array, hstack, kron, vstack

    pairs, steps = gain.shape

    def members(of: Ints) -> Any:
        _, index = np.unique(of, return_inverse=True)
        once: Rows = np.arange(pairs)
        incidence = coo_array((np.ones(pairs), (index, once)))
        return kron(incidence, eye_array(steps))

    once = vstack([members(target), members(track)])
    change = kron(eye_array(pairs), eye_array(steps, k=1) - eye_array(steps)).tocsr()
    change = change[np.arange(pairs * steps) % steps < steps - 1]
    slack = eye_array(change.shape[0])
    unused = coo_array((once.shape[0], change.shape[0]))
    scale = float(gain.max(initial=1.0))
    found = linprog(
        np.concatenate([-gain.ravel(), np.full(change.shape[0], penalty)]) / scale,
        A_ub=vstack(
            [hstack([once, unused]), hstack([change, -slack]), hstack([-change, -slack])]
        ).tocsr(),
        b_ub=np.concatenate([np.ones(once.shape[0]), np.zeros(2 * change.shape[0])]),
        bounds=(0, None),
        method="highs",
    )
    if found.x is None:
        raise RuntimeError(f"the linear programme of T-GOSPA was not solved: {found.message}")
    share: Floats = np.clip(np.asarray(found.x)[: pairs * steps].reshape(pairs, steps), 0.0, 1.0)
    return share
