"""The classes of a picture's tracks, kept from step to step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Floats, Ints, Reply, Tracks, TrackStatus
from sim.picture.class_models import CLIMB, HEIGHT, SPEED, ClassModels
from sim.picture.classification import Classifier, find_rows
from sim.picture.echoes import echoes_of
from sim.picture.looks import EchoFacts, Looks
from sim.tracking.estimates import Estimates
from sim.world.frames import Frame

_WORD = 64
#: Tracks are looked at this often: what tells classes apart lasts for half a minute and more.
INTERVAL_S = 4.0


class TrackClasses:
    """Classifies the confirmed tracks of one picture by all that it says of them.

    Parameters
    ----------
    frame
        The scenario's frame; the ground is at the height of its origin.
    sensors
        Of the scenario, in the order of the bits of ``Tracks.sensors``.
    models
        The classes, by default the generic ones.

    Notes
    -----
    Picture and plots are taken in every ``INTERVAL_S``; a track is told from the first such
    time after its confirmation. Speed, height and climb count when a plot has updated the
    track, each with the deviation that the tracker claims; height and climb only if some
    sensor that measures height ever fed it. Civil and military replies are those of the
    track, silences are counted from its confirmation on. Every word of a sensor that sees
    shapes counts by the sensor's confusion. Turns and Doppler spread are not
    told: the states hold no turn, and no sensor reports a spread.
    """

    def __init__(self, frame: Frame, sensors: EchoFacts, models: ClassModels | None = None) -> None:
        self._frame = frame
        self._sensors = sensors
        self._classifier = Classifier(models)
        bits = np.flatnonzero(sensors.measures_height) % _WORD
        self._heights = np.bitwise_or.reduce(
            np.left_shift(np.uint64(1), bits.astype(np.uint64)), initial=np.uint64(0)
        )
        self._due_s = -math.inf
        # Of the confirmed tracks of the last picture taken in, sorted by number.
        self._number: Ints = np.empty(0, np.int32)
        self._last_plot_s: Floats = np.empty(0)
        self._silences: Floats = np.empty(0)
        self._probabilities: Floats = np.empty((0, len(self.names)))

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, in the order of the probabilities."""
        return self._classifier.models.names

    def judge(self, states: Estimates, looks: Callable[[], Looks]) -> Floats:
        """Take in a picture and what its plots said; return what its tracks probably are.

        Parameters
        ----------
        states : the picture; never older than the last one
        looks : returns what plots said since it was asked last, by the numbers of
            ``states``; those of other tracks are left out

        Returns
        -------
        (N, C) probabilities; NaN for tentative tracks, and for newly confirmed ones
        """
        if states.time_s >= self._due_s:
            self._take_in(states, looks())
            self._due_s = states.time_s + INTERVAL_S
        probabilities = np.full((len(states), len(self.names)), np.nan)
        at, known = find_rows(self._number, states.number)
        probabilities[known] = self._probabilities[at[known]]
        return probabilities

    def silences(self, number: Ints) -> Floats:
        """Return how many interrogations of each track (N,) brought nothing so far.

        Counted from its confirmation on, as of the last picture taken in.
        """
        at, known = find_rows(self._number, number)
        silences = np.zeros(number.size)
        silences[known] = self._silences[at[known]]
        return silences

    def _take_in(self, states: Estimates, looks: Looks) -> None:
        confirmed = np.flatnonzero(states.status != TrackStatus.TENTATIVE)
        rows = confirmed[np.argsort(states.number[confirmed])]
        number, last_plot_s = states.number[rows], states.last_plot_s[rows]
        at, known = find_rows(self._number, number)
        fresh = np.ones(rows.size, np.bool_)
        fresh[known] = last_plot_s[known] > self._last_plot_s[at[known]]
        silences = np.zeros(rows.size)
        silences[known] = self._silences[at[known]]
        place, ours = find_rows(number, looks.number)
        looks, place = looks.take(ours), place[ours]
        np.add.at(silences, place, looks.silent)
        self._observe(states, rows, fresh, silences, looks, place)
        self._number, self._last_plot_s, self._silences = number, last_plot_s, silences
        self._probabilities = self._classifier.probabilities(number)

    def _observe(
        self,
        states: Estimates,
        rows: NDArray[np.intp],
        fresh: NDArray[np.bool_],
        silences: Floats,
        looks: Looks,
        place: NDArray[np.intp],
    ) -> None:
        mean, covariance = states.mean[rows], states.covariance[rows]
        position, velocity = mean[:, :3], mean[:, 3:]
        # Up is not the frame's far from its origin: climb is what a second does to the height.
        height_m, then_m = np.split(
            self._frame.height_m_of(np.concatenate([position, position + velocity])), 2
        )
        climb_mps = then_m - height_m
        square = np.maximum((velocity**2).sum(axis=1) - climb_mps**2, 0.0)
        variance = np.maximum(np.einsum("kii->ki", covariance), 0.0)
        has_height = fresh & ((states.sensors[rows] & self._heights) != 0)
        features, error = np.full((rows.size, 5), np.nan), np.zeros((rows.size, 5))
        features[fresh, SPEED] = np.sqrt(square[fresh])
        features[has_height, HEIGHT] = (height_m - self._frame.height_m)[has_height]
        features[has_height, CLIMB] = climb_mps[has_height]
        error[:, SPEED] = np.sqrt(0.5 * (variance[:, 3] + variance[:, 4]))
        error[:, HEIGHT], error[:, CLIMB] = np.sqrt(variance[:, 2]), np.sqrt(variance[:, 5])
        replies = states.replies[rows].astype(float)
        replies[:, Reply.NONE] = silences
        echoed = np.isfinite(looks.snr_db + self._sensors.snr_reference_db[looks.sensor])
        heard, at = looks.take(echoed), place[echoed]
        ago_s = states.time_s - heard.time_s
        echoes = echoes_of(
            heard,
            height_m[at] - ago_s * climb_mps[at],
            error[at, HEIGHT],
            velocity[at],
            error[at, SPEED],
            self._classifier.models,
            self._sensors,
        )
        self._classifier.take_in(
            states.number[rows],
            states.time_s,
            features,
            error,
            at,
            echoes,
            replies,
        )
        told = looks.seen_class >= 0
        self._classifier.recognise(
            looks.number[told], looks.seen_class[told], looks.confusion[told]
        )


def with_classes(tracks: Tracks, probabilities: Floats) -> Tracks:
    """Return a picture with its tracks' most probable classes.

    Parameters
    ----------
    tracks : the picture
    probabilities : (N, C) as ``TrackClasses.judge``
    """
    told = np.isfinite(probabilities).all(axis=1)
    best = np.full(len(tracks), -1, np.int32)
    best[told] = probabilities[told].argmax(axis=1)
    probability = np.full(len(tracks), np.nan)
    probability[told] = probabilities[told, best[told]]
    return replace(tracks, target_class=best, class_probability=probability)
