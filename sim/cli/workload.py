"""What a run's summary says of radars that had no time for all that they should do."""

from __future__ import annotations

from typing import Any


def saturated(sensors: list[dict[str, Any]]) -> list[str]:
    """Say which radars dropped what, one line each.

    Parameters
    ----------
    sensors : of the metrics
    """
    lines = []
    for sensor in sensors:
        load = sensor.get("workload")
        if load is None or not load["saturated"]:
            continue
        dropped = [f"{task} {share:.1%}" for task, share in load["dropped"].items() if share]
        used = [f"{task} {load[task]:.1%}" for task in load["dropped"]]
        lines.append(
            f"{sensor['id']} was saturated {load['saturated']:.1%} of the time, first at "
            f"{load['first_saturated_s']:.0f} s; dropped: {', '.join(dropped)}; "
            f"time went into {', '.join(used)}"
        )
    return lines
