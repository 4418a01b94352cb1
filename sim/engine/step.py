"""One step of a run: truth, sensors, picture."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial

import numpy as np
from numba import get_num_threads

from sensors.account import workload_of
from sensors.misleading import misled
from sensors.observing import observe_all
from sensors.scene import Scene
from sim.core.shots import DefenceStep
from sim.core.tables import Floats, Plots, Snapshot, Truth, Visibility
from sim.engine.cues import cues_of
from sim.engine.defend import defend, known_by_truth
from sim.engine.hindrance import noise_db
from sim.engine.sharing import TruthPicture
from sim.engine.world import State, World


def step(world: World, state: State) -> Snapshot:
    """Advance a run by one step; change ``state``, return what there is to see."""
    state.step += 1
    time_s = state.step * world.step_s
    start, end = state.truth, state.targets.truth(time_s)
    scene = Scene(state.targets, start, end, state.cues)
    platforms = world.platforms
    places = platforms.places(state.sensors, start, end)
    state.sensors = platforms.sensors_at(state.sensors, places)
    made = observe_all(
        [
            partial(platforms.observe, sensor, scene, places, generator)
            for sensor, generator in zip(state.sensors, state.generators, strict=True)
        ],
        len(state.targets),
        get_num_threads(),
    )
    state.truth = end
    noise = noise_db(state.sensors, platforms.hindered, state.targets, time_s)
    poses = platforms.poses(state.sensors, places, noise)
    state.picture.take(made, time_s, poses)
    if isinstance(state.picture, TruthPicture):
        state.picture.see(end)
        shown = known_by_truth(world, state.picture, time_s)
    else:
        shown = state.presenter.present(state.picture, time_s)
    state.cues = cues_of(shown.tracks)
    if state.step % world.record_every == 0:
        _look_round(world, state, end, places)
    defended = DefenceStep()
    if world.defended is not None and state.defence is not None:
        state.defence.own_pictures.take(made, time_s, poses)
        defended = defend(world.defended, state.defence, state.targets, end, shown)
        if defended.effects.killed:
            state.targets = state.targets.ended(defended.effects.killed, time_s)
    return Snapshot(
        time_s=time_s,
        truth=end,
        plots=Plots.concatenate(made),
        tracks=shown.tracks,
        beam_azimuth_rad=np.array([sensor.beam_azimuth_rad(time_s) for sensor in state.sensors]),
        detectability=state.detectability,
        visibility=state.visibility,
        best_sensor=state.best_sensor,
        rejected=int(state.picture.rejected_by_sensor.sum()),
        class_probabilities=shown.class_probabilities,
        site_tracks=state.picture.site_tracks(time_s),
        misled=state.misled,
        sensor_position_enu_m=places,
        sensor_noise_db=noise,
        uncorroborated=shown.uncorroborated,
        workload=workload_of(state.sensors, time_s),
        defence=defended,
        evidence=shown.evidence,
        identity_probability=shown.identity_probability,
        identity_reasons=shown.identity_reasons,
    )


def run(world: World, state: State | None = None) -> Iterator[Snapshot]:
    """Yield a snapshot per step until the scenario's end, from its start by default."""
    state = world.start() if state is None else state
    steps = math.floor(world.spec.time.duration_s / world.step_s + 1e-9)
    for _ in range(steps):
        yield step(world, state)


def _look_round(world: World, state: State, truth: Truth, places: Floats) -> None:
    """Note for every target how well its best sensor could see it now."""
    n = len(world.targets)
    detectability = np.zeros(n)
    visibility = np.full(n, Visibility.ABSENT, np.uint8)
    best_sensor = np.full(n, -1, np.int32)
    for sensor in state.sensors:
        pd, code = world.platforms.visibility(sensor, state.targets, truth, places)
        # Where no sensor detects at all, the one whose obstacle is the least counts.
        better = (pd > detectability) | ((pd == detectability) & (code > visibility))
        detectability[better] = pd[better]
        visibility[better] = code[better]
        best_sensor[better] = sensor.index
    state.detectability, state.visibility, state.best_sensor = (
        detectability,
        visibility,
        best_sensor,
    )
    state.misled = misled(state.sensors, state.targets, truth)
