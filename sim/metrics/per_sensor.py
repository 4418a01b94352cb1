"""What each sensor gave: plots, false alarms, detections, tracks fed."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.core.tables import FALSE_ALARM, Plots
from sim.metrics.facts import Facts
from sim.metrics.history import TrackHistory
from sim.metrics.siap import ratio


def per_sensor(confirmed: TrackHistory, plots: Plots, facts: Facts) -> list[dict[str, Any]]:
    """Sum up each sensor's work, in the order of the facts.

    Returns
    -------
    One dict per sensor. ``detections_per_target`` counts its plots on each target it saw;
    ``snr_mean_db`` is over those detections; ``track_share`` is the share of all confirmed
    track numbers that it ever fed.
    """
    numbers, number_index = np.unique(confirmed.number, return_inverse=True)
    fed = np.zeros(numbers.size, np.uint64)
    np.bitwise_or.at(fed, number_index, confirmed.sensors)

    def work(index: int) -> dict[str, Any]:
        mine = plots.sensor == index
        detected = mine & (plots.truth_id != FALSE_ALARM)
        targets, counts = np.unique(plots.truth_id[detected], return_counts=True)
        snr_db = plots.snr_db[detected]
        snr_db = snr_db[np.isfinite(snr_db)]
        bit = np.uint64(1 << (index % 64))
        return {
            "id": facts.sensor_ids[index],
            "plots": int(mine.sum()),
            "false_alarms": int((mine & ~detected).sum()),
            "detections": int(detected.sum()),
            "targets_seen": int(targets.size),
            "detections_per_target": {
                facts.target_ids[target]: int(count)
                for target, count in zip(targets, counts, strict=True)
            },
            "snr_mean_db": float(snr_db.mean()) if snr_db.size else None,
            "track_share": ratio(int(((fed & bit) != 0).sum()), numbers.size),
        }

    return [work(index) for index in range(len(facts.sensor_ids))]
