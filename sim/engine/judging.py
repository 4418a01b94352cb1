"""Recording → metrics: the judgement after a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.core.tables import Floats, Indices, Ints
from sim.engine.defence_report import defence_report
from sim.engine.judged import JudgedObjects
from sim.engine.occurrences import doubts_report, links_report
from sim.metrics.commonality import judge_commonality
from sim.metrics.facts import Corridor, Line, Point
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.identification import identification
from sim.metrics.judge import judge
from sim.metrics.matching import match
from sim.metrics.workload import per_radar
from sim.record.recording import Recording
from sim.record.setting import Setting
from sim.record.tables import SITE_TRACKS, Columns, Vocabulary
from sim.scenario import protecting
from sim.scenario.specs import Scenario
from sim.world.frames import Frame


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one criterion of the scenario came out; ``value`` is None where it is undefined."""

    metric: str
    value: float | None
    minimum: float | None
    maximum: float | None

    @property
    def met(self) -> bool:
        """Whether the value lies within the bounds; an undefined one does not."""
        if self.value is None:
            return False
        return (self.minimum is None or self.value >= self.minimum) and (
            self.maximum is None or self.value <= self.maximum
        )


def judge_recording(recording: Recording, spec: Scenario) -> dict[str, Any]:
    """Judge a recorded run, as its scenario asks."""
    setting = recording.setting
    vocabulary = Vocabulary.of(setting)
    truth = recording.columns("truth")
    tracks = recording.columns("tracks")
    every = max(1, round(spec.judge.interval_s / spec.record.interval_s))
    interval_s = every * spec.record.interval_s
    truth_rows = _on_grid(truth.numbers("time_s"), interval_s)
    objects = JudgedObjects.of(setting)
    history = TruthHistory(
        time_s=truth.numbers("time_s")[truth_rows],
        target=truth.codes("target", vocabulary.targets)[truth_rows],
        position_enu_m=truth.position_enu_m[truth_rows],
        velocity_enu_mps=truth.velocity_enu_mps[truth_rows],
        height_m=truth.numbers("height_m")[truth_rows],
        detectability=truth.numbers("detectability")[truth_rows],
        visibility=truth.codes("visibility", vocabulary.visibility).astype(np.uint8)[truth_rows],
        best_sensor=truth.codes("best_sensor", vocabulary.sensors)[truth_rows],
        misled=truth.numbers("misled")[truth_rows],
    )
    judged_truth, picture = objects.truth(history), _history(tracks, vocabulary, interval_s)
    facts = objects.facts(setting)
    protected = _protected(spec, setting, objects)
    metrics = judge(
        judged_truth,
        picture,
        objects.plots(recording.plots),
        facts,
        protected,
        spec.judge.cutoff_m,
        interval_s,
    )
    ids = [sensor.id for sensor in setting.sensors]
    workloads = per_radar(*recording.workloads, ids)
    for sensor in metrics["sensors"]:
        if sensor["id"] in workloads:
            sensor["workload"] = workloads[sensor["id"]]
    metrics["links"] = links_report(recording)
    metrics["uncorroborated"] = doubts_report(
        recording, judged_truth, picture, facts, spec.judge.cutoff_m
    )
    if setting.effectors:
        metrics["defence"] = defence_report(recording, spec, history, picture, protected)
    if recording.identification[0].size:
        confirmed = picture.confirmed()
        metrics["identification"] = identification(
            judged_truth,
            confirmed,
            match(judged_truth, confirmed, spec.judge.cutoff_m),
            facts,
            _identity_probability(recording, confirmed),
            interval_s,
        )
    pictures = _pictures_of_sites(recording, spec, picture, interval_s)
    if pictures:
        metrics["commonality"] = judge_commonality(judged_truth, pictures, spec.judge.cutoff_m)
    return metrics


def _identity_probability(recording: Recording, confirmed: TrackHistory) -> Floats:
    """Return the probabilities (Q, 3) behind the identities of tracks, NaN where none are."""
    time_s, number, _, recorded = recording.identification
    found = np.full((len(confirmed), 3), np.nan)
    step = recording.manifest["interval_s"]

    def keys(times_s: Floats, numbers: Ints) -> Indices:
        at = np.round(times_s / step).astype(np.int64)
        packed: Indices = (at << 32) + numbers
        return packed

    _, here, there = np.intersect1d(
        keys(confirmed.time_s, confirmed.number), keys(time_s, number), return_indices=True
    )
    found[here] = recorded[there]
    return found


def _history(tracks: Columns, vocabulary: Vocabulary, interval_s: float) -> TrackHistory:
    """Return the rows of a table of tracks that are judged."""
    rows = _on_grid(tracks.numbers("time_s"), interval_s)
    return TrackHistory(
        time_s=tracks.numbers("time_s")[rows],
        number=tracks.numbers("number")[rows],
        status=tracks.codes("status", vocabulary.status).astype(np.uint8)[rows],
        identity=tracks.codes("identity", vocabulary.identity).astype(np.uint8)[rows],
        position_enu_m=tracks.position_enu_m[rows],
        velocity_enu_mps=tracks.velocity_enu_mps[rows],
        position_covariance_m2=tracks.position_covariance_m2[rows],
        height_m=tracks.numbers("height_m")[rows],
        last_plot_s=tracks.numbers("last_plot_s")[rows],
        hits=tracks.numbers("hits")[rows],
        sensors=tracks.numbers("sensors")[rows],
        target_class=tracks.codes("class", vocabulary.classes)[rows],
        class_probability=tracks.numbers("class_probability")[rows],
    )


def _pictures_of_sites(
    recording: Recording, spec: Scenario, picture: TrackHistory, interval_s: float
) -> dict[str, TrackHistory]:
    """Return each site's own picture by its id; none where sites do not track."""
    vocabulary = Vocabulary.of(recording.setting)
    if spec.tracker.architecture == "centralised":
        return {}
    if spec.tracker.architecture == "stove-piped":
        site = np.abs(picture.number) % len(vocabulary.sites)
    else:
        tracks = recording.columns(SITE_TRACKS)
        picture = _history(tracks, vocabulary, interval_s)
        site = tracks.codes("site", vocabulary.sites)
        site = site[_on_grid(tracks.numbers("time_s"), interval_s)]
    return {name: picture.take(site == k) for k, name in enumerate(vocabulary.sites)}


def verdicts(spec: Scenario, metrics: dict[str, Any]) -> list[Verdict]:
    """Return how each criterion of the scenario came out."""
    return [Verdict(c.metric, value_at(metrics, c.metric), c.min, c.max) for c in spec.criteria]


def _on_grid(time_s: Any, interval_s: float) -> Any:
    """Mask of the times that are multiples of the interval."""
    return np.abs(time_s - np.round(time_s / interval_s) * interval_s) < 1e-6


def value_at(metrics: dict[str, Any], path: str) -> float | None:
    """Follow a dotted path; lists are entered by the ``id`` of their entries."""
    value: Any = metrics
    for key in path.split("."):
        if isinstance(value, list):
            value = next((entry for entry in value if entry.get("id") == key), None)
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return float(value) if isinstance(value, (int, float)) else None


def _protected(
    spec: Scenario, setting: Setting, objects: JudgedObjects
) -> list[Corridor | Point | Line]:
    frame = Frame.at(
        setting.origin_latitude_rad, setting.origin_longitude_rad, setting.origin_height_m
    )
    groups = [member.group for member in objects.members]
    protected: list[Corridor | Point | Line] = []
    for thing, facts in zip(spec.protect, setting.protected, strict=True):
        path = np.array(facts.path_enu_m)
        if isinstance(thing, protecting.Line):
            inner = np.array(facts.inner_enu_m)
            protected.append(Line(thing.id, path, inner, facts.radius_m))
        elif isinstance(thing, protecting.Corridor):
            apart = thing.separation
            protected.append(
                Corridor(
                    id=thing.id,
                    path_enu_m=path,
                    half_width_m=facts.radius_m,
                    arrivals=tuple(i for i, g in enumerate(groups) if g in thing.arrivals),
                    separation_horizontal_m=apart.horizontal_km * 1e3 if apart else math.nan,
                    separation_vertical_m=apart.vertical_m if apart else math.nan,
                )
            )
        else:
            ground_m = float(frame.height_m_of(path[0]))
            protected.append(Point(thing.id, path[0], facts.radius_m, ground_m + thing.ceiling_m))
    return protected
