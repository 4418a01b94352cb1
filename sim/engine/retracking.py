"""A recorded run's plots through a tracker anew, and smoothing of what it made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.core.tables import Bools, Floats, Ints, Plots, Snapshot
from sim.engine.build import build
from sim.engine.hindrance import SECTORS
from sim.engine.pictures import CentralPicture, Picture, open_central, open_picture
from sim.engine.platforms import poses_of
from sim.engine.presenting import Presenter
from sim.engine.recorder import Outcome, judge_folder, outcome_of, record
from sim.engine.world import World
from sim.record.recording import Recording
from sim.record.setting import Setting
from sim.record.tables import with_states
from sim.record.writer import add_facts, replace_table
from sim.scenario.loader import LoadedScenario
from sim.scenario.specs import Scenario
from sim.tracking.config import TrackerConfig
from sim.tracking.history import Taken
from sim.tracking.policy import model_rows
from sim.tracking.sensor_models import SensorModels
from sim.tracking.smoothing import NO_TRACK, Beginning, Smoothed, states_at
from sim.world.chance import Chance
from sim.world.relief import TerrainError

_RESOLVED = "scenario.resolved.yaml"


class RetrackingError(Exception):
    """A recording that cannot be tracked as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Retracked:
    """A recording tracked anew.

    Attributes
    ----------
    outcome : as of a run; its metrics are those of the smoothed tracks if these were asked for
    filtered : metrics before smoothing, None without it
    smoothed_tracks, smoothed_plots : how many confirmed tracks, of how many plots
    """

    outcome: Outcome
    filtered: dict[str, Any] | None = None
    smoothed_tracks: int = 0
    smoothed_plots: int = 0


def resolved_of(recording: Recording) -> Path:
    """Return the path of a recorded run's scenario."""
    return recording.folder / _RESOLVED


def world_without_targets(recording: Recording, spec: Scenario) -> World:
    """Compile what a tracker may know of a recorded scenario: all but who flies.

    Raises
    ------
    RetrackingError
        If sensors or protected things are not those that were recorded, or the terrain
        cannot be read any more.
    """
    blind = spec.model_copy(update={"targets": ()})
    folder = _files_of(recording)
    try:
        world = build(LoadedScenario(blind, resolved_of(recording), folder, ""))
    except TerrainError as error:
        raise RetrackingError(
            f"{recording.folder}: the terrain of its scenario, in {folder}: {error}"
        ) from None
    recorded = replace(
        recording.setting,
        targets=(),
        duration_s=world.setting.duration_s,
        links=world.setting.links,
    )
    if _without_carried_places(recorded) != _without_carried_places(world.setting):
        raise RetrackingError(
            f"{recording.folder}: its {_RESOLVED} is not the scenario that was recorded"
        )
    return _with_noise(_with_jammed_links(world, recording), recording)


def _with_jammed_links(world: World, recording: Recording) -> World:
    """Return a world whose links are down when jammers drowned them in the recording."""
    jammed = {link.site: link.jammed for link in recording.setting.links}
    sites = tuple(replace(site, jammed=jammed.get(site.id, ())) for site in world.sites)
    return replace(world, sites=sites)


def _with_noise(world: World, recording: Recording) -> World:
    """Return a world whose tracker will be told of the noise that was recorded."""
    rows = recording.hindered
    if not rows.size:
        return world
    noise = np.ones((len(world.sensors), SECTORS))
    return replace(
        world,
        platforms=replace(world.platforms, hindered=rows),
        models=replace(world.models, noise=noise),
    )


def _files_of(recording: Recording) -> Path:
    """Return where the file references of a recorded run's scenario start."""
    return Path(recording.manifest.get("scenario_folder", recording.folder))


def _without_carried_places(setting: Setting) -> Setting:
    """Return a setting that does not tell where carriers set out."""
    nowhere = (0.0, 0.0, 0.0)
    sensors = (
        sensor if sensor.carrier is None else replace(sensor, position_enu_m=nowhere)
        for sensor in setting.sensors
    )
    return replace(setting, sensors=tuple(sensors))


def track_again(recording: Recording, world: World, picture: Picture) -> Iterator[Snapshot]:
    """Yield the recorded snapshots with another picture, made of the recorded plots.

    Step by step as in the run: the same plots at the same times, the same losses on the
    links. The tracker gets them without their truth.
    """
    until_s = float(recording.manifest["recorded_until_s"])
    steps = int(np.floor(until_s / world.step_s + 1e-9))
    ends_s = world.step_s * np.arange(1, steps + 1)
    plots = recording.plots
    # A step's window: start excluded, end included. A broken time is for the tracker to find.
    time_s = np.where(np.isfinite(plots.time_s), plots.time_s, 0.0)
    step_of = np.searchsorted(ends_s, time_s)
    presenter = Presenter.of(world)
    order = np.argsort(step_of, kind="stable")
    bounds = np.searchsorted(step_of[order], np.arange(steps + 1))
    for k, end_s in enumerate(ends_s.tolist()):
        made = plots.take(order[bounds[k] : bounds[k + 1]])
        seen = made.without_truth()
        places = recording.sensor_position_enu_m(end_s)
        noise = recording.sensor_noise_db(end_s)
        poses = world.platforms.poses(world.sensors, places, noise)
        heard = [seen.take(seen.sensor == s) for s in range(len(world.sensors))]
        picture.take(heard, end_s, poses)
        shown = presenter.present(picture, end_s)
        yield replace(
            recording.snapshot(end_s),
            time_s=end_s,
            plots=made,
            tracks=shown.tracks,
            rejected=int(picture.rejected_by_sensor.sum()),
            class_probabilities=shown.class_probabilities,
            site_tracks=picture.site_tracks(end_s),
            sensor_position_enu_m=places,
            sensor_noise_db=noise,
            uncorroborated=shown.uncorroborated,
            workload=recording.workload(end_s),
            evidence=shown.evidence,
            identity_probability=shown.identity_probability,
            identity_reasons=shown.identity_reasons,
        )


def record_again(
    recording: Recording,
    spec: Scenario,
    folder: Path,
    progress: Callable[[Snapshot], None],
    *,
    settings: Sequence[str] = (),
    smooth: bool = False,
    before_smoothing: Callable[[int], None] = lambda _: None,
) -> Retracked:
    """Track a recording anew into a new folder, and judge the new picture.

    Parameters
    ----------
    recording : of any state
    spec : its scenario, with the settings of the tracker to use
    folder : to make
    progress : told every snapshot
    settings : those that were changed, for the manifest
    smooth : replace the tracks' states by those given all plots
    before_smoothing : told how many tracks will be smoothed

    Raises
    ------
    RetrackingError
        If the scenario does not fit the recording, or the tracker's work cannot be smoothed.
    """
    world = world_without_targets(recording, spec)
    chance = Chance(spec.seed)
    picture = _picture_to_smooth(world, chance) if smooth else open_picture(world, chance)
    dropped_rows = recording.manifest.get("dropped_rows", {})
    source = {
        "folder": str(recording.folder),
        "started": recording.manifest.get("started"),
        "settings": list(settings),
        "smoothed": False,
    }
    took = record(
        track_again(recording, world, picture),
        spec,
        recording.setting,
        folder,
        {
            "dropped_rows": dropped_rows,
            "scenario_folder": str(_files_of(recording)),
            "tracked_from": source,
        },
        progress,
        reaches_end=recording.state == "complete",
    )
    metrics = judge_folder(folder, spec, picture)
    filtered, tracks, plots = None, 0, 0
    if took.complete and isinstance(picture, CentralPicture) and smooth:
        taken = picture.taken()
        own = taken.number > NO_TRACK
        tracks, plots = np.unique(taken.number[own]).size, int(own.sum())
        before_smoothing(tracks)
        smooth_folder(folder, taken, world)
        add_facts(folder, {"tracked_from": source | {"smoothed": True}})
        filtered, metrics = metrics, judge_folder(folder, spec, picture)
    outcome = outcome_of(took, spec, folder, dropped_rows, metrics)
    return Retracked(outcome, filtered, tracks, plots)


def _picture_to_smooth(world: World, chance: Chance) -> CentralPicture:
    architecture = world.spec.tracker.architecture
    if architecture != "centralised":
        raise RetrackingError(
            f"smoothing needs one tracker of all plots, found architecture {architecture}\n"
            "  hint: --set tracker.architecture=centralised"
        )
    try:
        return open_central(world, chance, keep_plots=True)
    except ValueError as error:
        raise RetrackingError(f"smoothing needs the plots of each track: {error}") from None


def smooth_folder(folder: Path, taken: Taken, world: World) -> None:
    """Replace the states of a recording's tracks by those given all plots of each track.

    Numbers, status and times stay. A track that was confirmed later is smoothed from its first
    plot on; one that never was, and one that no single plot fixes the place of, stays as it is.
    """
    recording = Recording.open(folder)
    columns = recording.columns("tracks")
    number = np.maximum(taken.number_of(columns.numbers("number")), NO_TRACK)
    plots, models = _standing(taken.plots, world, recording)
    taken = replace(taken, plots=plots)
    found = smoothed_states(columns.numbers("time_s"), number, taken, models, world.spec.tracker)
    known: Bools = np.asarray(np.isfinite(found.mean).all(axis=1))
    table = recording.table("tracks")
    table = with_states(table, known, found.mean, found.covariance, world.frame)
    replace_table(folder, "tracks", table)


def _standing(plots: Plots, world: World, recording: Recording) -> tuple[Plots, SensorModels]:
    """Return plots and sensors in which each carried sensor is a new one in every step."""
    models, moving = world.models, world.platforms.moving
    row = np.flatnonzero(np.isin(plots.sensor, moving))
    if not row.size:
        return plots, models
    step = np.ceil(plots.time_s[row] / world.step_s - 1e-9)
    made, which = np.unique(np.column_stack([step, plots.sensor[row]]), axis=0, return_inverse=True)
    was = made[:, 1].astype(np.int64)
    place = np.array(
        [
            recording.sensor_position_enu_m(k * world.step_s)[s]
            for k, s in zip(made[:, 0], was, strict=True)
        ]
    )
    every = np.append(np.arange(len(models)), was)
    models = SensorModels(*(getattr(models, f.name)[every] for f in fields(models)))
    first = len(world.models)
    new = np.arange(first, first + was.size, dtype=np.int32)
    models.place(poses_of(new, place, world.frame), models.range_max_m)
    sensor = plots.sensor.copy()
    sensor[row] = first + which.ravel()
    return replace(plots, sensor=sensor), models


def smoothed_states(
    time_s: Floats, number: Ints, taken: Taken, sensors: SensorModels, config: TrackerConfig
) -> Smoothed:
    """Return states of confirmed tracks at given times, by the tracker's own motion models."""
    models = model_rows(config)
    return states_at(
        time_s,
        number,
        taken.plots,
        np.maximum(taken.number, NO_TRACK),
        sensors,
        models.kind,
        models.parameters,
        models.sojourn_s,
        beginning=Beginning(
            speed_sigma_mps=config.start_speed_sigma_mps,
            climb_sigma_mps=config.start_climb_sigma_mps,
            height_m=config.start_height_m,
            height_sigma_m=config.start_height_sigma_m,
        ),
    )
