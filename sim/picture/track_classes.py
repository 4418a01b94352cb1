"""The classes of a picture's tracks, kept from step to step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sim.core.tables import Floats, Ints, Tracks, TrackStatus
from sim.picture.class_models import ClassModels
from sim.picture.classification import Classifier, find_rows
from sim.picture.looks import EchoFacts, Looks
from sim.tracking.estimates import Estimates
from sim.world.frames import Frame

_WORD = 64


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
    Speed, height and climb count when a plot has updated the track, each with the
    deviation that the tracker claims; height and climb only if some sensor that measures
    height ever fed it. Civil and military replies are those of the track, silences are
    counted from its confirmation on. Turns and Doppler spread are not told: the states hold
    no turn, and no sensor reports a spread.
    """

    def __init__(self, frame: Frame, sensors: EchoFacts, models: ClassModels | None = None) -> None:
        self._frame = frame
        self._classifier = Classifier(models)
        bits = np.flatnonzero(sensors.measures_height) % _WORD
        self._heights = np.bitwise_or.reduce(
            np.left_shift(np.uint64(1), bits.astype(np.uint64)), initial=np.uint64(0)
        )
        # Of the confirmed tracks of the last picture, sorted by number.
        self._number: Ints = np.empty(0, np.int32)
        self._last_plot_s: Floats = np.empty(0)
        self._silences: Floats = np.empty(0)

    @property
    def names(self) -> tuple[str, ...]:
        """The classes, in the order of the probabilities."""
        return self._classifier.models.names

    def judge(self, states: Estimates, looks: Looks) -> Floats:
        """Take in a picture and what its plots said; return what its tracks probably are.

        Parameters
        ----------
        states : the picture; never older than the last one
        looks : by the numbers of ``states``; those of other tracks are left out

        Returns
        -------
        (N, C) probabilities; NaN for tentative tracks
        """
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
        probabilities = np.full((len(states), len(self.names)), np.nan)
        probabilities[rows] = self._classifier.probabilities(number)
        return probabilities

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
        variance = np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0.0)
        deviation = np.sqrt(variance)
        has_height = fresh & ((states.sensors[rows] & self._heights) != 0)
        replies = states.replies[rows].astype(float)
        replies[:, 0] = silences
        rounds = _rounds(place)
        first = place[rounds == 0]
        rcs, least = np.full((2, rows.size), np.nan)
        rcs[first], least[first] = looks.rcs_dbsm[rounds == 0], looks.rcs_least_dbsm[rounds == 0]
        number = states.number[rows]
        self._classifier.observe(
            number,
            states.time_s,
            speed_mps=np.where(fresh, np.sqrt(square), np.nan),
            speed_sigma_mps=np.sqrt(0.5 * (variance[:, 3] + variance[:, 4])),
            height_m=np.where(has_height, height_m - self._frame.height_m, np.nan),
            height_sigma_m=deviation[:, 2],
            climb_mps=np.where(has_height, climb_mps, np.nan),
            climb_sigma_mps=deviation[:, 5],
            rcs_dbsm=rcs,
            rcs_least_dbsm=least,
            reply_counts=replies,
        )
        for k in range(1, int(rounds.max(initial=0)) + 1):
            rcs, least = np.full((2, rows.size), np.nan)
            now = rounds == k
            rcs[place[now]], least[place[now]] = looks.rcs_dbsm[now], looks.rcs_least_dbsm[now]
            self._classifier.observe(number, states.time_s, rcs_dbsm=rcs, rcs_least_dbsm=least)


def _rounds(place: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return how often each value has come before it."""
    order = np.argsort(place, kind="stable")
    same = place[order]
    run = np.arange(place.size) - np.searchsorted(same, same)
    rounds = np.empty(place.size, np.intp)
    rounds[order] = run
    return rounds


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
