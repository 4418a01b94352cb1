"""What happened, in a table: derived from one snapshot after the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from sim.core.tables import FALSE_ALARM, Identity, Snapshot, TrackStatus
from sim.record.setting import LinkFacts
from sim.record.tables import SCHEMAS, Vocabulary, words


class EventLog:
    """Notes first detections, tracks confirmed, identified and dropped, doubtful reports, links."""

    def __init__(self, vocabulary: Vocabulary, links: Sequence[LinkFacts] = ()) -> None:
        self._vocabulary = vocabulary
        self._to_come = _link_events(links)
        self._identity_words = words(Identity)
        self._rows: list[dict[str, Any]] = []
        self._seen = np.zeros((len(vocabulary.targets), len(vocabulary.sensors)), np.bool_)
        self._identities: dict[int, int] = {}
        self._doubted: set[int] = set()

    def add(self, snapshot: Snapshot) -> None:
        """Compare a snapshot with what was known before it."""
        while self._to_come and self._to_come[0][0] <= snapshot.time_s:
            time_s, event, detail = self._to_come.pop(0)
            self._note(time_s, event, detail=detail)
        plots = snapshot.plots.take(snapshot.plots.truth_id != FALSE_ALARM)
        new = np.flatnonzero(~self._seen[plots.truth_id, plots.sensor])
        for row in new[np.argsort(plots.time_s[new], kind="stable")]:
            target, sensor = int(plots.truth_id[row]), int(plots.sensor[row])
            if not self._seen[target, sensor]:
                self._seen[target, sensor] = True
                self._note(
                    float(plots.time_s[row]), "first-detection", target=target, sensor=sensor
                )
        tracks = snapshot.tracks
        confirmed = tracks.status != TrackStatus.TENTATIVE
        present = {
            int(number): int(identity)
            for number, identity in zip(
                tracks.number[confirmed], tracks.identity[confirmed], strict=True
            )
        }
        for number, sensor in snapshot.uncorroborated.tolist():
            if number not in self._doubted:
                self._doubted.add(number)
                self._note(snapshot.time_s, "report-uncorroborated", number=number, sensor=sensor)
        if present == self._identities:
            return
        for number, identity in present.items():
            before = self._identities.get(number)
            if before is None:
                self._note(snapshot.time_s, "track-confirmed", number=number)
            if before != identity:
                word = self._identity_words[identity]
                self._note(snapshot.time_s, "track-identified", number=number, detail=word)
        for number in self._identities.keys() - present.keys():
            self._note(snapshot.time_s, "track-dropped", number=number)
        self._identities = present

    def table(self) -> pa.Table:
        """Return the events noted since ``clear``, in order of time."""
        rows = sorted(self._rows, key=lambda row: row["time_s"])
        return pa.Table.from_pylist(rows, schema=SCHEMAS["events"])

    def clear(self) -> None:
        """Forget the events that ``table`` returned."""
        self._rows = []

    def _note(
        self,
        time_s: float,
        event: str,
        *,
        number: int | None = None,
        target: int | None = None,
        sensor: int | None = None,
        detail: str | None = None,
    ) -> None:
        self._rows.append(
            {
                "time_s": time_s,
                "event": event,
                "number": number,
                "target": None if target is None else self._vocabulary.targets[target],
                "sensor": None if sensor is None else self._vocabulary.sensors[sensor],
                "detail": detail,
            }
        )


def _link_events(links: Sequence[LinkFacts]) -> list[tuple[float, str, str]]:
    """Return when links go down and come up again: time, event and detail, by time."""
    windows = [
        (window, f"{link.site}: {cause}")
        for link in links
        for cause, given in (("outage", link.outages), ("jammed", link.jammed))
        for window in given
    ]
    down = [(from_s, "link-down", detail) for (from_s, _), detail in windows]
    return sorted(down + [(to_s, "link-up", detail) for (_, to_s), detail in windows])
