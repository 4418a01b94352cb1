"""Which plots the trackers of a run dropped, and why, in words for people."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sim.core.tables import Indices
from sim.engine.pictures import Picture
from sim.tracking import Rejected


def rejected_report(picture: Picture, sensor_ids: list[str]) -> dict[str, Any]:
    """Return how many plots were dropped for each reason.

    Returns
    -------
    dict
        ``total`` and the reasons (the fields of ``Rejected``), and ``sensors``: the same
        of every sensor with its ``id``.
    """
    counts = picture.rejected_by_sensor
    sensors = [
        {"id": name} | _by_reason(row) for name, row in zip(sensor_ids, counts[:-1], strict=True)
    ]
    return _by_reason(counts.sum(axis=0)) | {"sensors": sensors}


def _by_reason(counts: Indices) -> dict[str, Any]:
    names = [field.name for field in fields(Rejected)]
    return {"total": int(counts.sum())} | dict(zip(names, counts.tolist(), strict=True))
