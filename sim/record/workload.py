"""The table of what scheduled radars spent their time on, written and read."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from sim.core.tables import Floats
from sim.core.workload import Workload
from sim.record.tables import SCHEMAS, USED, WANTED, WORKLOAD, Columns, Vocabulary, word_column


def workload_table(
    time_s: list[float], workloads: list[Workload], vocabulary: Vocabulary
) -> pa.Table:
    """Return one row per step and radar."""
    sensor, budget_s = (
        np.concatenate([getattr(each, name) for each in workloads])
        for name in ("sensor", "budget_s")
    )
    wanted_s = np.concatenate([each.wanted_s for each in workloads])
    used_s = np.concatenate([each.used_s for each in workloads])
    return pa.Table.from_arrays(
        [
            np.repeat(time_s, [each.sensor.size for each in workloads]),
            word_column(sensor, vocabulary.sensors),
            budget_s,
            *wanted_s.T,
            *used_s.T,
        ],
        schema=SCHEMAS[WORKLOAD],
    )


def workloads_of(table: Columns, vocabulary: Vocabulary) -> tuple[Floats, Workload]:
    """Return the times (W,) of a table's rows, and the rows."""
    return table.numbers("time_s"), Workload(
        table.codes("sensor", vocabulary.sensors),
        table.numbers("budget_s"),
        table.stacked(WANTED),
        table.stacked(USED),
    )
