"""Encounters gathered into episodes, and alerts of the picture scored against them.

An alert is what the picture alone shows: nothing of the truth goes into it. Only to
score it is the correspondence of tracks and targets used: an alert answers an
infringement if its track was on the intruder and both overlap in time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sim.core.tables import FRIENDLY, Bools, Floats, Identity, Ints
from sim.metrics.facts import Facts
from sim.metrics.history import Rows, TrackHistory, TruthHistory
from sim.metrics.matching import Matching

#: A track so held raises no alert.
_NO_THREAT = (*FRIENDLY, Identity.NEUTRAL)
#: Encounters of the same two less than this apart are one episode.
MERGE_S = 10.0
#: An alert may begin or end this far from the infringement it answers.
TOLERANCE_S = 5.0


class Movers(NamedTuple):
    """The columns that targets and tracks have in common, sorted by time.

    ``name`` (R,) is the target index or the track number.
    """

    time_s: Floats
    name: Ints
    position_enu_m: Floats
    height_m: Floats

    @classmethod
    def of_truth(cls, truth: TruthHistory) -> Movers:
        """Take the targets."""
        return cls(truth.time_s, truth.target, truth.position_enu_m, truth.height_m)

    @classmethod
    def of_picture(cls, tracks: TrackHistory) -> Movers:
        """Take the tracks."""
        return cls(tracks.time_s, tracks.number, tracks.position_enu_m, tracks.height_m)


@dataclass(frozen=True, slots=True)
class Encounters:
    """Steps at which an intruder was too close to a subject, sorted by time.

    Attributes
    ----------
    row : (E,) row of the intruder in its history
    time_s : (E,)
    subject, intruder : (E,) target indices or track numbers
    horizontal_m : (E,)
    vertical_m : (E,) difference of heights to a subject that flies, else height
    """

    row: Rows
    time_s: Floats
    subject: Rows
    intruder: Rows
    horizontal_m: Floats
    vertical_m: Floats


@dataclass(frozen=True, slots=True)
class Episode:
    """One intruder's continued encounter with one subject.

    Attributes
    ----------
    rows : rows of the intruder in its history, by time
    closest_s, closest_horizontal_m, closest_vertical_m : at the closest approach
    """

    subject: int
    intruder: int
    begin_s: float
    end_s: float
    rows: Rows
    closest_s: float
    closest_horizontal_m: float
    closest_vertical_m: float

    def overlaps(self, other: Episode) -> bool:
        """Tell whether both share a time, within ``TOLERANCE_S``."""
        return (
            self.begin_s <= other.end_s + TOLERANCE_S and other.begin_s <= self.end_s + TOLERANCE_S
        )


def gather(encounters: Encounters, closeness_m: Floats, interval_s: float) -> list[Episode]:
    """Merge encounters of the same two into episodes, ordered by beginning.

    Parameters
    ----------
    closeness_m : (E,) what is smallest at the closest approach
    interval_s : time between steps; successive steps are never apart
    """
    order = np.lexsort((encounters.time_s, encounters.intruder, encounters.subject))
    time_s = encounters.time_s[order]
    broken = np.diff(time_s) >= max(MERGE_S, 1.5 * interval_s)
    broken |= np.diff(encounters.subject[order]) != 0
    broken |= np.diff(encounters.intruder[order]) != 0
    episodes = []
    for part in np.split(order, np.flatnonzero(broken) + 1) if order.size else []:
        closest = part[np.argmin(closeness_m[part])]
        episodes.append(
            Episode(
                subject=int(encounters.subject[part[0]]),
                intruder=int(encounters.intruder[part[0]]),
                begin_s=float(encounters.time_s[part[0]]),
                end_s=float(encounters.time_s[part[-1]]),
                rows=encounters.row[part],
                closest_s=float(encounters.time_s[closest]),
                closest_horizontal_m=float(encounters.horizontal_m[closest]),
                closest_vertical_m=float(encounters.vertical_m[closest]),
            )
        )
    return sorted(episodes, key=lambda e: (e.begin_s, e.subject, e.intruder))


def not_known_friendly(tracks: TrackHistory) -> Bools:
    """(R,) whether the picture does not hold the track to be friendly or neutral."""
    mask: Bools = ~np.isin(tracks.identity, _NO_THREAT)
    return mask


def _warning_s(episode: Episode, held_since_s: Floats) -> float | None:
    since_s = held_since_s[episode.rows]
    since_s = since_s[np.isfinite(since_s)]
    return episode.begin_s - float(since_s[0]) if since_s.size else None


def _why_missed(scene: Scene, episode: Episode) -> dict[str, float]:
    """Return why no alert answers an infringement, as shares of its time, the largest first."""
    truth, matching = scene.truth, scene.matching

    def identity(row: int) -> int | None:
        held = int(matching.track_row[row])
        return None if held < 0 else int(scene.confirmed.identity[held])

    def reason(row: int) -> str:
        held_as = identity(row)
        if held_as is None:
            return "not under track"
        if held_as in _NO_THREAT:
            return f"held as {Identity(held_as).name.lower().replace('_', ' ')}"
        if episode.subject >= 0:
            now = (truth.target == episode.subject) & (truth.time_s == truth.time_s[row])
            if identity(int(np.flatnonzero(now)[0])) not in FRIENDLY:
                return "arrival not held as friend"
        return "track elsewhere"

    counts = Counter(reason(row) for row in episode.rows.tolist())
    return {why: count / episode.rows.size for why, count in counts.most_common()}


@dataclass(frozen=True, slots=True)
class Scene:
    """A run as alerts are scored against it.

    ``held_since_s`` (R,) tells for each truth row since when the target has been under
    track without a break, NaN if it is not.
    """

    truth: TruthHistory
    confirmed: TrackHistory
    matching: Matching
    facts: Facts
    held_since_s: Floats
    interval_s: float


def score(
    scene: Scene,
    infringements: Sequence[Episode],
    neutral: Sequence[Episode],
    alerts: Sequence[Episode],
) -> dict[str, Any]:
    """Compare what happened with what the picture showed.

    Parameters
    ----------
    infringements : of unknown and hostile targets, by the truth
    neutral : likewise of neutral targets; an alert on one is neither right nor false
    alerts : by the picture; intruders are track numbers

    Returns
    -------
    Episodes as dicts and counts. ``warning_s`` is the time from when the intruder came
    under unbroken track to the infringement, negative if that was too late, None if
    never. ``missed_because`` says of one without an alert why, as shares of its time.
    """
    truth, ids = scene.truth, scene.facts.target_ids
    on: list[set[int]] = []
    for alert in alerts:
        rows = scene.matching.truth_row[alert.rows]
        on.append(set(truth.target[rows[rows >= 0]].tolist()))

    def answers(alert: int, episode: Episode) -> bool:
        return episode.intruder in on[alert] and alerts[alert].overlaps(episode)

    def told(episode: Episode) -> dict[str, Any]:
        return {
            "intruder": ids[episode.intruder],
            "begin_s": episode.begin_s,
            "end_s": episode.end_s,
            "closest_s": episode.closest_s,
            "closest_horizontal_m": episode.closest_horizontal_m,
            "closest_vertical_m": episode.closest_vertical_m,
            "warning_s": _warning_s(episode, scene.held_since_s),
            "alerted": any(answers(alert, episode) for alert in range(len(alerts))),
        } | ({"subject": ids[episode.subject]} if episode.subject >= 0 else {})

    verdicts = []
    for index in range(len(alerts)):
        if any(answers(index, episode) for episode in infringements):
            verdicts.append("right")
        elif any(answers(index, episode) for episode in neutral):
            verdicts.append("neutral")
        else:
            verdicts.append("false")
    told_infringements = []
    for episode in infringements:
        entry = told(episode)
        entry["missed_because"] = {} if entry["alerted"] else _why_missed(scene, episode)
        told_infringements.append(entry)
    warnings_s = [e["warning_s"] for e in told_infringements if e["warning_s"] is not None]
    return {
        "infringements": told_infringements,
        "neutral_approaches": [told(episode) for episode in neutral],
        "alerts": [
            {
                "track": alert.intruder,
                "verdict": verdict,
                "on_targets": [ids[target] for target in sorted(targets)],
                "begin_s": alert.begin_s,
                "end_s": alert.end_s,
                "closest_s": alert.closest_s,
                "closest_horizontal_m": alert.closest_horizontal_m,
                "closest_vertical_m": alert.closest_vertical_m,
            }
            | ({"subject_track": alert.subject} if alert.subject >= 0 else {})
            for alert, verdict, targets in zip(alerts, verdicts, on, strict=True)
        ],
        "kept_by_truth": not infringements,
        "kept_by_picture": not alerts,
        "missed_alerts": sum(not e["alerted"] for e in told_infringements),
        "false_alerts": verdicts.count("false"),
        "alerts_on_neutral": verdicts.count("neutral"),
        "warning_min_s": min(warnings_s, default=None),
    }
