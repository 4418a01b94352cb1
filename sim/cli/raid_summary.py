"""Many targets on one screen: summed up by class."""

from __future__ import annotations

from statistics import mean, median
from typing import Any

from rich.table import Table


def targets_by_class(targets: list[dict[str, Any]]) -> Table:
    """Return how the targets of each class were held: means, and the median of first tracks."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    table.add_column("class")
    for name in ("targets", "tracked", "at km", "held", "nos.", "class", "whose", "err m"):
        table.add_column(name, justify="right")
    by_class: dict[str, list[dict[str, Any]]] = {}
    for target in targets:
        by_class.setdefault(target["class"], []).append(target)
    for name, own in by_class.items():
        table.add_row(
            name,
            str(len(own)),
            str(sum(target["first_track_s"] is not None for target in own)),
            _told(own, "range_at_first_track_m", "{:.1f}", 1e-3, middle=True),
            _told(own, "continuity", "{:.1f} %", 100.0),
            _told(own, "track_numbers", "{:.1f}"),
            _told(own, "class_correctness", "{:.0f} %", 100.0),
            _told(own, "identity_correctness", "{:.0f} %", 100.0),
            _told(own, "position_rms_m", "{:.0f}"),
        )
    return table


def _told(
    targets: list[dict[str, Any]],
    key: str,
    pattern: str,
    factor: float = 1.0,
    *,
    middle: bool = False,
) -> str:
    known = [target[key] for target in targets if target[key] is not None]
    if not known:
        return "–"
    return pattern.format(factor * (median(known) if middle else mean(known)))
