"""Weapon–target assignment: which weapon fires how often at which target.

>>> from sim.defence.assignment import Problem, assign
>>> plan = assign(Problem.of([[0.7, 0.5], [0.6, 0.3]], value=[10, 4], shots=[1, 2]))
>>> plan.shots.tolist(), round(plan.gained, 2), plan.method, plan.proven
([[0, 1], [2, 0]], 10.4, 'branch and bound', True)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from sim.core.tables import Indices
from sim.defence.assignment_bound import bound_in_parts, bound_in_whole
from sim.defence.assignment_exact import search
from sim.defence.assignment_problem import Plan, Problem, plan_of
from sim.defence.assignment_programme import whole_programme
from sim.defence.assignment_search import greedy, local_search, one_each

__all__ = ["METHODS", "Plan", "Problem", "assign"]

#: Cells of weapons × targets up to which ``best`` tries to prove its plan.
_PROVE = 1000
#: Nodes of that search, and of one that is asked for by name.
_NODES, _NODES_ASKED = 3_000, 1_000_000
#: Sweeps of the bound for shots in parts, steps of that for whole shots: of a plan that is not
#: bettered on the way, of ``best``, and of ``exact``.
_SWEEPS, _STEPS_QUICK, _STEPS, _STEPS_ASKED = 20, 3, 30, 300
_MILP_S = 60.0


def assign(problem: Problem, *, method: str = "best", seconds: float | None = None) -> Plan:
    """Return a plan and what no plan can exceed.

    Parameters
    ----------
    problem : shots at hand and targets
    method : one of ``METHODS``

        - ``best``: local search with its bound; up to 1000 cells of weapons × targets also
          branch and bound, which mostly proves it
        - ``greedy``: by marginal return; ``local``: local search from there
        - ``one_each``: the best with no more than one shot a target, by linear assignment
        - ``exact``: branch and bound, however long it takes (up to a million nodes)
        - ``milp``: mixed-integer programme by outer linearisation, HiGHS; the only one that
          heeds ``least``
    seconds : for the whole call. ``best`` and ``exact`` go on bettering plan and bound as long;
        ``milp`` stops then (60 s by default). Without it the effort is fixed, and so, but
        for ``milp``, is the answer

    Raises
    ------
    ValueError
        If the method is unknown, or does not heed ``least`` where it is set.
    """
    if method not in METHODS:
        raise ValueError(f"method {method!r} is unknown, expected one of {', '.join(METHODS)}")
    if seconds is not None and not seconds > 0.0:
        raise ValueError(f"seconds is {seconds}, expected a time above 0")
    if problem.least.any():
        if method not in ("best", "milp"):
            raise ValueError(f"method {method!r} does not heed least, only 'milp' does")
        method = "milp"
    return METHODS[method](problem, math.inf if seconds is None else seconds)


def _bounded(problem: Problem, x: Indices, method: str) -> Plan:
    """Return the plan with a quick bound, from about the best prices for shots in parts."""
    parts, price = bound_in_parts(problem, sweeps=_SWEEPS)
    whole, _, _ = bound_in_whole(problem, price, x, _STEPS_QUICK)
    return plan_of(problem, x, min(parts, whole), method, _NAMES[int(whole < parts)])


_NAMES = ("Lagrange, shots in parts", "Lagrange, whole shots")


def _greedy(problem: Problem, _: float) -> Plan:
    return _bounded(problem, greedy(problem), "greedy")


def _local(problem: Problem, _: float) -> Plan:
    return _bounded(problem, local_search(problem, greedy(problem)), "local search")


def _one_each(problem: Problem, _: float) -> Plan:
    x = one_each(problem)
    if (problem.most <= 1).all():
        return plan_of(problem, x, problem.gained(x), "linear assignment", "linear assignment")
    return _bounded(problem, x, "linear assignment")


def _best(problem: Problem, seconds: float) -> Plan:
    return _proceed(problem, seconds, _STEPS, _NODES, problem.kill_probability.size <= _PROVE)


def _exact(problem: Problem, seconds: float) -> Plan:
    return _proceed(problem, seconds, _STEPS_ASKED, _NODES_ASKED, True)


def _proceed(problem: Problem, seconds: float, steps: int, nodes: int, prove: bool) -> Plan:
    """Search and bound with a fixed effort, then in growing bouts while there is time."""
    end = time.monotonic() + seconds
    x = local_search(problem, greedy(problem))
    bound, price = bound_in_parts(problem, sweeps=_SWEEPS)
    bound_by, method = _NAMES[0], "local search"
    while True:
        whole, price, x = bound_in_whole(problem, price, x, steps)
        if whole < bound:
            bound, bound_by = whole, _NAMES[1]
        if prove and bound - problem.gained(x) > problem.slack:
            found = search(problem, x, price, nodes)
            x = found.shots
            if found.complete:
                bound = min(bound, problem.gained(x) + problem.slack)
                method = bound_by = "branch and bound"
        plan = plan_of(problem, x, bound, method, bound_by)
        if plan.gap <= 2.0 * problem.slack or not time.monotonic() < end < math.inf:
            return plan
        steps, nodes, prove = 2 * steps, 4 * nodes, True


def _milp(problem: Problem, seconds: float) -> Plan:
    found = whole_programme(problem, seconds=min(seconds, _MILP_S))
    bound_by = "HiGHS" if found.bound < problem.value.sum() else "all value"
    if found.shots is not None:
        x = np.asarray(found.shots, np.int64)
        return plan_of(problem, x, found.bound, "milp", bound_by)
    if problem.least.any():
        raise ValueError("least: no plan that keeps to it was found in the time given")
    return plan_of(problem, greedy(problem), found.bound, "greedy, no time for milp", bound_by)


#: What ``assign`` can be asked for.
METHODS: dict[str, Callable[[Problem, float], Plan]] = {
    "best": _best,
    "greedy": _greedy,
    "local": _local,
    "one_each": _one_each,
    "exact": _exact,
    "milp": _milp,
}
