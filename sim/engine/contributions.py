"""What a picture would have lost without each of its sensors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sensors.abilities import FollowsCues
from sim.core.tables import Snapshot
from sim.engine.judging import judge_recording
from sim.engine.pictures import DeafPicture, open_picture
from sim.engine.recorder import record
from sim.engine.retracking import track_again
from sim.engine.step import run
from sim.engine.world import World
from sim.record.recording import Recording
from sim.world.chance import Chance


def contributions(
    recording: Recording,
    world: World,
    metrics: dict[str, Any],
    progress: Callable[[Snapshot], None] = lambda _: None,
) -> list[dict[str, Any]]:
    """Make the picture once more without each sensor, and compare the pictures.

    The other sensors' plots stay as they were recorded. Where one of them looks where the
    picture points it, all observe anew: what it sees depends on what the picture still holds.
    A sensor's draws depend on its own name only, so that all else stays equal.

    Parameters
    ----------
    recording : a complete run, the first of its scenario's seed
    world : its scenario
    metrics : the judgement of the picture with all sensors
    progress : told every snapshot of every pass

    Returns
    -------
    One dict per sensor, in order: ``never_tracked``, ids of targets that only it brought into
    the picture; ``tracked_s_lost``, time under track that would be missing, over all targets;
    ``targets`` that lose a tenth of their time under track, or whose first track or right class
    comes later, with these times (None: never); ``warnings`` that would come later, of whom at
    what is protected; ``observed_anew``, whether the others were.
    """
    found = []
    for sensor in world.sensors:
        others = (other for other in world.sensors if other.index != sensor.index)
        anew = any(isinstance(other, FollowsCues) and other.follows_cues for other in others)
        without = _judged_without(recording, world, sensor.index, progress, anew=anew)
        lost = _lost(metrics["targets"], without["targets"])
        warned = _warned_later(metrics["protect"], without["protect"])
        found.append({"id": sensor.id, "observed_anew": anew} | lost | {"warnings": warned})
    return found


def _judged_without(
    recording: Recording,
    world: World,
    sensor: int,
    progress: Callable[[Snapshot], None],
    *,
    anew: bool,
) -> dict[str, Any]:
    """Return the judgement of the picture that the tracker makes without a sensor."""
    here = np.arange(len(world.sensors)) == sensor
    # A sensor that sees nothing anywhere is one that nobody misses.
    models = replace(world.models, range_max_m=np.where(here, 0.0, world.models.range_max_m))
    alone = replace(world, models=models)
    if anew:
        state = alone.start()
        state.picture = DeafPicture(state.picture, sensor)
        snapshots = run(alone, state)
    else:
        picture = DeafPicture(open_picture(alone, Chance(world.spec.seed)), sensor)
        snapshots = track_again(recording, alone, picture)
    with TemporaryDirectory() as parent:
        folder = Path(parent) / "run"
        record(snapshots, world.spec, recording.setting, folder, {}, progress)
        return judge_recording(Recording.open(folder), world.spec)


def _lost(every: list[dict[str, Any]], without: list[dict[str, Any]]) -> dict[str, Any]:
    targets, never, lost_s = [], [], 0.0
    for one, other in zip(every, without, strict=True):
        less_s = one["tracked_s"] - other["tracked_s"]
        lost_s += less_s
        if one["first_track_s"] is not None and other["first_track_s"] is None:
            never.append(one["id"])
        later = {key: _later_s(one[key], other[key]) for key in ("first_track_s", "classified_s")}
        if less_s > 0.1 * one["tracked_s"] or any(value != 0.0 for value in later.values()):
            targets.append(
                {
                    "id": one["id"],
                    "tracked_s_lost": less_s,
                    "track_later_s": later["first_track_s"],
                    "classified_later_s": later["classified_s"],
                }
            )
    return {"tracked_s_lost": lost_s, "never_tracked": never, "targets": targets}


def _warned_later(every: list[dict[str, Any]], without: list[dict[str, Any]]) -> list[Any]:
    """Return whose first coming inside, the same in truth, would be told later or never."""
    found = []
    for thing, other in zip(every, without, strict=True):
        after = _warnings_s(other)
        for intruder, before_s in _warnings_s(thing).items():
            after_s = after[intruder]
            less_s = None if after_s is None or before_s is None else before_s - after_s
            if before_s is not None and (less_s is None or less_s > 0.0):
                warned = {"protected": thing["id"], "intruder": intruder}
                found.append(warned | {"warning_later_s": less_s})
    return found


def _warnings_s(thing: dict[str, Any]) -> dict[str, float | None]:
    if thing["kind"] == "line":
        inside = [(visit["target"], visit["warning_s"]) for visit in thing["visits"]]
    else:
        inside = [(episode["intruder"], episode["warning_s"]) for episode in thing["infringements"]]
    return dict(reversed(inside))  # the first of each intruder


def _later_s(one: float | None, other: float | None) -> float | None:
    """How much later, not less than 0; None if never any more."""
    if one is None:
        return 0.0
    return None if other is None else max(other - one, 0.0)
