"""Stone Soup on the radar scene: its multi-target trackers with one of three associators."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from stonesoup.dataassociator.neighbour import GNNWith2DAssignment
from stonesoup.dataassociator.probability import JPDAwithLBP
from stonesoup.dataassociator.tree import DetectionKDTreeGNN2D
from stonesoup.deleter.time import UpdateTimeStepsDeleter
from stonesoup.hypothesiser.distance import DistanceHypothesiser
from stonesoup.hypothesiser.probability import PDAHypothesiser
from stonesoup.initiator.simple import MultiMeasurementInitiator
from stonesoup.measures import Mahalanobis
from stonesoup.models.measurement.linear import LinearGaussian
from stonesoup.models.measurement.nonlinear import CartesianToElevationBearingRange
from stonesoup.models.transition.linear import (
    CombinedLinearGaussianTransitionModel,
    ConstantVelocity,
)
from stonesoup.predictor.kalman import KalmanPredictor
from stonesoup.tracker.simple import MultiTargetMixtureTracker, MultiTargetTracker
from stonesoup.types.angle import Bearing, Elevation
from stonesoup.types.array import StateVector
from stonesoup.types.detection import Detection
from stonesoup.types.state import GaussianState
from stonesoup.updater.kalman import ExtendedKalmanUpdater, KalmanUpdater

from benchmarks import told
from benchmarks.radar_scenes import (
    CLUTTER_DENSITY,
    PD,
    RANGE_M,
    SIGMA_ANGLE_RAD,
    SIGMA_RANGE_M,
)
from sim.core.tables import Floats, Plots

Associator = Literal["gnn", "kd-tree", "jpda"]

_EPOCH = datetime.datetime(2025, 1, 1)
#: Its states run east, east rate, north, north rate, up, up rate.
_POSITION = (0, 2, 4)
#: Plots farther than this from the prediction are not looked at by the tree.
_NEAR_M = 2000.0


class _Feed:
    """A detector that hands out what it was last given."""

    def __init__(self) -> None:
        self.scan: Any = None

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return self.scan


class StoneSoup:
    """A contestant.

    Parameters
    ----------
    associator : which
    positions : convert plots to positions of one common covariance, that of a plot half-way
        out, instead of an extended Kalman filter on polar plots. Coarser, but several times
        faster: only then does the tree search in metres, and measurements are plain floats.
    """

    def __init__(self, associator: Associator, *, positions: bool = False) -> None:
        self._positions = positions
        if positions:
            sigma = SIGMA_ANGLE_RAD * sum(RANGE_M) / 2
            self._model: Any = LinearGaussian(6, _POSITION, sigma**2 * np.eye(3))
            updater = KalmanUpdater(None)
        else:
            # One model for all plots: a track's predicted measurement is then computed once.
            self._model = CartesianToElevationBearingRange(
                ndim_state=6,
                mapping=_POSITION,
                noise_covar=np.diag([SIGMA_ANGLE_RAD, SIGMA_ANGLE_RAD, SIGMA_RANGE_M]) ** 2,
            )
            updater = ExtendedKalmanUpdater(None)
        densities = (told.Q_HORIZONTAL, told.Q_HORIZONTAL, told.Q_VERTICAL)
        predictor = KalmanPredictor(
            CombinedLinearGaussianTransitionModel([ConstantVelocity(q) for q in densities])
        )
        start = np.zeros((6, 6))
        start[1::2, 1::2] = told.START_VELOCITY_COVARIANCE
        self._feed = _Feed()
        mixture = associator == "jpda"
        self._tracker = (MultiTargetMixtureTracker if mixture else MultiTargetTracker)(
            initiator=MultiMeasurementInitiator(
                prior_state=GaussianState(np.zeros((6, 1)), start, _EPOCH),
                deleter=UpdateTimeStepsDeleter(told.CONFIRM_LOOKS - told.CONFIRM_HITS),
                # Tentative tracks take one plot each; its initiator knows no mixtures.
                data_associator=_associator("gnn" if mixture else associator, predictor, updater),
                updater=updater,
                min_points=told.CONFIRM_HITS,
            ),
            deleter=UpdateTimeStepsDeleter(told.MISSES_MAX),
            detector=self._feed,
            data_associator=_associator(associator, predictor, updater),
            updater=updater,
        )
        iter(self._tracker)

    def scan(self, time_s: float, plots: Plots) -> None:
        now = _EPOCH + datetime.timedelta(seconds=time_s)
        if self._positions:
            vectors = [StateVector(position) for position in told.converted(plots)[0]]
        else:
            vectors = [
                # Its bearing is counted from the first axis towards the second.
                StateVector([Elevation(elevation), Bearing(np.pi / 2 - azimuth), r])
                for r, azimuth, elevation in plots.measurement[:, :3]
            ]
        self._feed.scan = (
            now,
            {Detection(z, timestamp=now, measurement_model=self._model) for z in vectors},
        )
        next(self._tracker)

    def confirmed(self) -> tuple[Any, Floats]:
        tracks = list(self._tracker.tracks)
        states = np.array([track.state_vector for track in tracks], float).reshape(-1, 6)
        return [track.id for track in tracks], states[:, _POSITION]


def _associator(name: Associator, predictor: Any, updater: Any) -> Any:
    if name == "jpda":
        return JPDAwithLBP(
            PDAHypothesiser(
                predictor,
                updater,
                clutter_spatial_density=CLUTTER_DENSITY,
                prob_detect=PD,
                prob_gate=told.GATE_PROBABILITY,
            )
        )
    nearest = DistanceHypothesiser(
        predictor, updater, Mahalanobis(), missed_distance=float(np.sqrt(told.GATE))
    )
    if name == "gnn":
        return GNNWith2DAssignment(nearest)
    return DetectionKDTreeGNN2D(nearest, predictor, updater, max_distance=_NEAR_M)
