"""What a run's events come to: links that were down, and reports that nothing corroborated."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.metrics.facts import Facts
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.matching import match
from sim.record.recording import Recording
from sim.record.tables import Vocabulary


def links_report(recording: Recording) -> list[dict[str, Any]]:
    """Return every link that was down, with its windows and what its sensors made then."""
    until_s = float(recording.manifest["recorded_until_s"])
    site_of = np.array([sensor.site for sensor in recording.setting.sensors])
    plots = recording.plots
    found = []
    for link in recording.setting.links:
        own_s = plots.time_s[site_of[plots.sensor] == link.site]
        windows = [
            {
                "cause": cause,
                "begin_s": begin_s,
                "end_s": min(end_s, until_s),
                "plots": int(((own_s >= begin_s) & (own_s < end_s)).sum()),
            }
            for cause, given in (("outage", link.outages), ("jammed", link.jammed))
            for begin_s, end_s in given
            if begin_s < until_s
        ]
        if windows:
            found.append({"id": link.site, "loss": link.loss, "windows": windows})
    return found


def doubts_report(
    recording: Recording,
    truth: TruthHistory,
    tracks: TrackHistory,
    facts: Facts,
    cutoff_m: float,
) -> list[dict[str, Any]]:
    """Return the tracks of reports that nothing corroborated, one dict each.

    Parameters
    ----------
    truth, tracks, facts, cutoff_m : what the picture is judged by

    Returns
    -------
    ``since_s`` is when the doubt arose, ``sensor`` the one that should see what is reported,
    ``identity`` what the reports claim, ``reports`` how many the track took in all, ``on`` the
    target that it was on for the longest since then, None if that is nobody.
    """
    events = [
        event
        for event in recording.table("events").to_pylist()
        if event["event"] == "report-uncorroborated"
    ]
    if not events:
        return []
    confirmed = tracks.confirmed()
    matching = match(truth, confirmed, cutoff_m)
    words = Vocabulary.of(recording.setting).identity
    found = []
    for event in events:
        own = (confirmed.number == event["number"]) & (confirmed.time_s >= event["time_s"])
        rows = np.flatnonzero(own)
        if not rows.size:
            continue  # gone before the next row that is judged
        on = truth.target[matching.truth_row[rows[matching.on_target[rows]]]]
        nobody = 2 * on.size < rows.size
        found.append(
            {
                "number": int(event["number"]),
                "since_s": float(event["time_s"]),
                "sensor": event["sensor"],
                "identity": words[int(confirmed.identity[rows[-1]])],
                "reports": int(confirmed.hits[rows].max()),
                "on": None if nobody else facts.target_ids[int(np.bincount(on).argmax())],
            }
        )
    return found
