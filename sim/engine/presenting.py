"""From a picture's states to what it shows: classes, doubts, identities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Floats, Ints, Measured, Tracks
from sim.picture.claims import Claims
from sim.picture.identification import Identification
from sim.picture.identity import identify
from sim.picture.track_classes import TrackClasses, with_classes
from sim.tracking.policy import sensor_columns

if TYPE_CHECKING:
    from sim.engine.pictures import Picture
    from sim.engine.world import World


@dataclass(frozen=True, slots=True)
class Shown:
    """What a picture shows at one time; attributes as of ``Snapshot``."""

    tracks: Tracks
    class_probabilities: Floats
    uncorroborated: Ints
    evidence: NDArray[np.uint32] = field(default_factory=lambda: np.empty(0, np.uint32))
    identity_probability: Floats = field(default_factory=lambda: np.empty((0, 3)))
    identity_reasons: tuple[tuple[int, str], ...] = ()


class Presenter:
    """Judges the tracks of one picture, step by step: what they are, and whose.

    Without ``identification`` replies alone tell identities.
    """

    def __init__(
        self,
        classes: TrackClasses | None,
        claims: Claims,
        identification: Identification | None = None,
    ) -> None:
        self._classes = classes
        self._claims = claims
        self._identification = identification

    @classmethod
    def of(cls, world: World) -> Presenter:
        """Return one that has seen nothing yet."""
        classes = TrackClasses(world.frame, world.echoes) if world.setting.classes else None
        identification = None
        settings = world.spec.identification
        if settings is not None:
            reporting = np.flatnonzero(world.models.kind == Measured.POSITION) % 64
            reporters = np.bitwise_or.reduce(
                np.left_shift(np.uint64(1), reporting.astype(np.uint64)), initial=np.uint64(0)
            )
            identification = Identification(
                settings, world.grounds, world.frame, reporters, world.setting.classes
            )
        columns = sensor_columns(world.spec.tracker, world.models)
        return cls(classes, Claims(columns), identification)

    def present(self, picture: Picture, time_s: float) -> Shown:
        """Return what a picture shows at a time, never before the last one."""
        states = picture.states(time_s)
        tracks = states.as_tracks()
        probabilities = np.empty((len(tracks), 0))
        if self._classes is not None:
            probabilities = self._classes.judge(states, picture.looks)
            tracks = with_classes(tracks, probabilities)
        uncorroborated = self._claims.judge(tracks)
        if self._identification is None:
            return Shown(identify(tracks), probabilities, uncorroborated)
        silences = np.zeros(len(tracks))
        if self._classes is not None:
            silences = self._classes.silences(tracks.number)
        found = self._identification.judge(tracks, probabilities, silences, uncorroborated)
        return Shown(
            found.tracks,
            probabilities,
            uncorroborated,
            found.evidence,
            found.probability,
            found.reasons,
        )
