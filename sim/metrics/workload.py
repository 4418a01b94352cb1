"""How radars that share their time among tasks spent a run's time."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.tables import Floats
from sim.core.workload import TASKS, Workload
from sim.metrics.siap import ratio


def per_radar(time_s: Floats, workload: Workload, sensor_ids: list[str]) -> dict[str, Any]:
    """Sum up what every scheduled radar's time went into, by its id.

    Parameters
    ----------
    time_s : (W,) of the steps that the rows are of
    workload : one row per step and radar

    Returns
    -------
    Of each radar ``utilisation`` and ``search``, ``confirm``, ``track``: shares of the time that
    there was; ``saturated``: share of its steps in which something was dropped, the first of them
    at ``first_saturated_s``; ``dropped``: of each task, the share of what was asked for.
    """
    found = {}
    for sensor in np.unique(workload.sensor).tolist():
        mine = workload.sensor == sensor
        there_s = float(workload.budget_s[mine].sum())
        wanted_s, used_s, shed_s = (
            table[mine].sum(axis=0)
            for table in (workload.wanted_s, workload.used_s, workload.shed_s)
        )
        short = np.flatnonzero(mine & workload.saturated)
        found[sensor_ids[sensor]] = {
            "utilisation": ratio(float(used_s.sum()), there_s),
            **{task: ratio(float(s), there_s) for task, s in zip(TASKS, used_s, strict=True)},
            "saturated": ratio(short.size, int(mine.sum())),
            "first_saturated_s": float(time_s[short[0]]) if short.size else None,
            "dropped": {
                task: ratio(float(shed), float(wanted))
                for task, shed, wanted in zip(TASKS, shed_s, wanted_s, strict=True)
            },
        }
    return found
