"""How a radar that shares its time among tasks spent it: the account of one window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sensors.abilities import Accounts
from sim.core.tables import Floats
from sim.core.workload import Workload


@dataclass(slots=True)
class Account:
    """What the last window took; changes during a run.

    Attributes
    ----------
    until_s : end of the window, NaN before the first
    budget_s : time that there was, of all faces
    wanted_s, used_s : (3,) for search, confirmation, tracks: asked for, and spent
    """

    until_s: float = np.nan
    budget_s: float = 0.0
    wanted_s: Floats = field(default_factory=lambda: np.zeros(3))
    used_s: Floats = field(default_factory=lambda: np.zeros(3))


def workload_of(sensors: Sequence[object], time_s: float) -> Workload:
    """Return what the window that ends at a time took, of the sensors that keep account of it."""
    rows, accounts = [], []
    for row, sensor in enumerate(sensors):
        if isinstance(sensor, Accounts) and sensor.account.until_s == time_s:
            rows.append(row)
            accounts.append(sensor.account)
    if not rows:
        return Workload.none()
    return Workload(
        np.array(rows, np.int32),
        np.array([account.budget_s for account in accounts]),
        np.array([account.wanted_s for account in accounts]),
        np.array([account.used_s for account in accounts]),
    )
