"""What happened, in a table: derived from one snapshot after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from sim.core.tables import FALSE_ALARM, Floats, Identity, Snapshot, TrackStatus
from sim.core.workload import TASKS
from sim.record.setting import LinkFacts
from sim.record.tables import SCHEMAS, Vocabulary, words

#: A radar that found time for everything for so long is saturated no more.
_CALM_S = 10.0


class EventLog:
    """Notes first detections, tracks confirmed, identified and dropped, doubtful reports, links
    that are down, and radars without time for all that they should do."""

    def __init__(self, vocabulary: Vocabulary, links: Sequence[LinkFacts] = ()) -> None:
        self._vocabulary = vocabulary
        self._to_come = _link_events(links)
        self._identity_words = words(Identity)
        self._rows: list[dict[str, Any]] = []
        self._seen = np.zeros((len(vocabulary.targets), len(vocabulary.sensors)), np.bool_)
        self._identities: dict[int, int] = {}
        self._doubted: set[int] = set()
        self._saturated: dict[int, _Saturation] = {}

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
        self._note_saturation(snapshot)
        if present == self._identities:
            return
        reasons = dict(snapshot.identity_reasons)
        for number, identity in present.items():
            before = self._identities.get(number)
            if before is None:
                self._note(snapshot.time_s, "track-confirmed", number=number)
            if before != identity:
                told = reasons.get(number, self._identity_words[identity])
                self._note(snapshot.time_s, "track-identified", number=number, detail=told)
        for number in self._identities.keys() - present.keys():
            self._note(snapshot.time_s, "track-dropped", number=number)
        self._identities = present

    def note_all(self, events: Sequence[dict[str, Any]]) -> None:
        """Note events of others: time, event, number, target, detail."""
        for event in events:
            self._note(**event)

    def table(self) -> pa.Table:
        """Return the events noted since ``clear``, in order of time."""
        rows = sorted(self._rows, key=lambda row: row["time_s"])
        return pa.Table.from_pylist(rows, schema=SCHEMAS["events"])

    def clear(self) -> None:
        """Forget the events that ``table`` returned."""
        self._rows = []

    def _note_saturation(self, snapshot: Snapshot) -> None:
        """Note when radars begin to drop dwells, and when they have found time for all again."""
        workload, now_s = snapshot.workload, snapshot.time_s
        for row, sensor in enumerate(workload.sensor.tolist()):
            episode = self._saturated.get(sensor)
            if workload.saturated[row]:
                if episode is None:
                    episode = self._saturated[sensor] = _Saturation()
                    self._note(now_s, "radar-saturated", sensor=sensor)
                episode.last_s = now_s
                episode.wanted_s += workload.wanted_s[row]
                episode.shed_s += workload.shed_s[row]
            elif episode is not None and now_s - episode.last_s >= _CALM_S:
                detail = episode.in_words()
                self._note(now_s, "saturation-ended", sensor=sensor, detail=detail)
                del self._saturated[sensor]

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


@dataclass(slots=True)
class _Saturation:
    """A time in which a radar drops dwells.

    Attributes
    ----------
    last_s : when it last did
    wanted_s, shed_s : (3,) of each task, in steps that dropped some: asked for, and dropped
    """

    last_s: float = 0.0
    wanted_s: Floats = field(default_factory=lambda: np.zeros(len(TASKS)))
    shed_s: Floats = field(default_factory=lambda: np.zeros(len(TASKS)))

    def in_words(self) -> str:
        """Return what was dropped, of what was asked for."""
        return ", ".join(
            f"{task} {100.0 * shed_s / wanted_s:.0f} % dropped"
            for task, shed_s, wanted_s in zip(TASKS, self.shed_s, self.wanted_s, strict=True)
            if shed_s > 0.0
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
