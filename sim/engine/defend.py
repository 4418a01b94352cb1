"""One step of the defence: what it is shown, and what its shots do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sim.core.shots import DefenceStep
from sim.core.tables import Affiliation, Identity, Truth
from sim.defence.room import View
from sim.engine.defending import Defended
from sim.engine.presenting import Shown
from sim.engine.sharing import TruthPicture
from sim.picture.class_models import classified_as
from sim.picture.identity import identify
from sim.picture.track_classes import with_classes
from sim.world.truth import Targets

if TYPE_CHECKING:
    from sim.engine.world import Defence, World

_TRUE_IDENTITY = {
    Affiliation.UNKNOWN: Identity.UNKNOWN,
    Affiliation.FRIEND: Identity.FRIEND,
    Affiliation.NEUTRAL: Identity.NEUTRAL,
    Affiliation.HOSTILE: Identity.HOSTILE,
}


def defend(
    defended: Defended,
    defence: Defence,
    targets: Targets,
    truth: Truth,
    shown: Shown,
) -> DefenceStep:
    """Let the defence act on its pictures; the truth decides where effectors are, and shots.

    Parameters
    ----------
    shown : all shared pictures side by side
    """
    tracks, weighed = shown.tracks, shown.identity_probability.size > 0
    time_s = truth.time_s
    total, shared = len(defended.groups), defended.groups.shared
    views = []
    for k in range(shared):
        rows = np.abs(tracks.number) % total == k if total > 1 else np.ones(len(tracks), np.bool_)
        hostility = shown.identity_probability[rows, 2] if weighed else np.empty(0)
        views.append(View(tracks.take(rows), hostility, shown.class_probabilities[rows]))
    views += [
        View(identify(own), np.empty(0), np.empty((len(own), 0)))
        for own in defence.own_pictures.tracks(time_s)
    ]
    places = defended.places(truth)
    done = defence.room.step(time_s, places, views)
    if not len(done.effects.shots):
        return done
    return replace(done, effects=defence.arbiter.resolve(done.effects.shots, targets))


def known_by_truth(world: World, picture: TruthPicture, time_s: float) -> Shown:
    """Return the truth as a picture: who is who, and what they are."""
    tracks = picture.states(time_s).as_tracks()
    target = picture.targets_of(tracks.number)
    affiliation, classes = world.targets.affiliation, world.setting.classes
    words = np.array([_TRUE_IDENTITY[Affiliation(code)] for code in range(len(Affiliation))])
    tracks = replace(tracks, identity=words[affiliation[target]].astype(np.uint8))
    probabilities = np.zeros((len(tracks), len(classes)))
    if classes:
        column = [classified_as(world.targets.classes[row], classes) for row in target.tolist()]
        probabilities[np.arange(len(tracks)), column] = 1.0
        tracks = with_classes(tracks, probabilities)
    return Shown(tracks, probabilities, np.empty((0, 2), np.int32))
