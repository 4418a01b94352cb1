"""After the fact: fixed-interval smoothing of recorded tracks, by one or several models.

A filter knows at each plot what came before; the smoother adds what came after. It runs
the filter forwards and keeps what each model believed, then goes back: what the later
plots say about the state at the next plot is a measurement of it, and updates the state
at this plot through the motion between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sim.core.jit import threads_for
from sim.core.motion import Motion
from sim.core.tables import Floats, Plots
from sim.tracking.sensor_models import SensorModels
from sim.tracking.smoothing_kernels import smooth_all

#: ``track_number`` of a plot that belongs to no track.
NO_TRACK = 0


@dataclass(frozen=True, slots=True)
class Smoothed:
    """States of tracks at the times of their plots, given all plots; one row per plot.

    Attributes
    ----------
    time_s : (K,)
    mean : (K, 6) position (m) and velocity (m/s), scenario ENU; NaN for a plot of no track,
        and before the first plot that can start its track
    covariance : (K, 6, 6)
    model_probability : (K, M)
    """

    time_s: Floats
    mean: Floats
    covariance: Floats
    model_probability: Floats

    def __len__(self) -> int:
        return int(self.time_s.size)


@dataclass(frozen=True, slots=True)
class Beginning:
    """What is assumed of a track at its first plot.

    Attributes
    ----------
    speed_sigma_mps, climb_sigma_mps : standard deviations of velocity, horizontal and up,
        about rest
    height_m, height_sigma_m : above the ellipsoid, where a radar measures no elevation
    """

    speed_sigma_mps: float = 150.0
    climb_sigma_mps: float = 20.0
    height_m: float = 3000.0
    height_sigma_m: float = 3000.0


def smooth(
    plots: Plots,
    sensors: SensorModels,
    kinds: ArrayLike,
    parameters: ArrayLike,
    sojourn_s: ArrayLike,
    *,
    beginning: Beginning | None = None,
    prior: tuple[Floats, Floats] | None = None,
) -> Smoothed:
    """Smooth one track.

    Parameters
    ----------
    plots : of the track, in order of time
    sensors : ``plots.sensor`` is the row
    kinds, parameters, sojourn_s : (M,) ``sim.core.motion.Motion``, (M, 4) of each, and (M,)
        mean time before the target changes to another model, s
    beginning : what a first plot leaves open
    prior : (6,) mean and (6, 6) covariance at the first plot's time, without it; then
        ``beginning`` is not used

    Returns
    -------
    Smoothed
        One row per plot.

    Raises
    ------
    ValueError
        If a shape does not fit, or plots are out of order.

    Notes
    -----
    One linear model: the smoother of Rauch, Tung, Striebel, Maximum Likelihood Estimates of
    Linear Dynamic Systems, AIAA Journal 3 (1965), in the two-filter form of Fraser, Potter,
    The Optimum Linear Smoother as a Combination of Two Optimum Linear Filters, IEEE Trans.
    Automatic Control 14 (1969). Others are linearised at the filter's estimates.

    Several models: forwards the IMM of Blom and Bar-Shalom; backwards every pair of a model
    j at this plot and i towards the next is smoothed apart, and weighed by
    P(j) P(i | j) times the likelihood of the later plots; then pairs of one j are merged.
    Structure: Kim, Dynamic Linear Models with Markov-Switching, J. Econometrics 60 (1994);
    likelihood of later plots: Helmick, Blair, Hoffman, Fixed-Interval Smoothing for
    Markovian Switching Systems, IEEE Trans. Information Theory 41 (1995).
    """
    if (np.diff(plots.time_s) < 0).any():
        raise ValueError("plots must be in order of time")
    number = np.full(len(plots), NO_TRACK + 1, np.int32)
    return smooth_tracks(
        plots, number, sensors, kinds, parameters, sojourn_s, beginning=beginning, prior=prior
    )


def smooth_tracks(
    plots: Plots,
    track_number: ArrayLike,
    sensors: SensorModels,
    kinds: ArrayLike,
    parameters: ArrayLike,
    sojourn_s: ArrayLike,
    *,
    beginning: Beginning | None = None,
    prior: tuple[Floats, Floats] | None = None,
) -> Smoothed:
    """Smooth all tracks of a recording, in any order of plots; see ``smooth``.

    ``track_number`` (K,) says which track each plot belongs to, ``NO_TRACK`` for none. The
    result has the rows of ``plots``.
    """
    kind = np.asarray(kinds, np.int64)
    models = int(kind.size)
    settings = np.ascontiguousarray(parameters, float)
    sojourn = np.asarray(sojourn_s, float)
    number = np.asarray(track_number)
    if models == 0 or kind.shape != (models,) or not np.isin(kind, list(Motion)).all():
        raise ValueError("kinds must be (M,), each a Motion")
    if settings.shape != (models, 4) or sojourn.shape != (models,) or not (sojourn > 0).all():
        raise ValueError(f"parameters must be ({models}, 4), sojourn_s ({models},) and positive")
    if number.shape != (len(plots),):
        raise ValueError(f"track_number must have shape ({len(plots)},), found {number.shape}")
    if len(plots) and not 0 <= plots.sensor.min() <= plots.sensor.max() < len(sensors):
        raise ValueError("a plot names a sensor that is not there")
    order = np.lexsort((plots.time_s, number))
    order = order[number[order] != NO_TRACK]
    first = np.flatnonzero(np.diff(number[order], prepend=NO_TRACK))
    bounds = np.append(first, order.size)
    start = beginning or Beginning()
    open_values = np.array(
        [start.speed_sigma_mps, start.climb_sigma_mps, start.height_m, start.height_sigma_m]
    )
    given = prior is not None
    prior_mean, prior_covariance = prior if prior is not None else (np.zeros(6), np.eye(6))
    result = Smoothed(
        time_s=plots.time_s.copy(),
        mean=np.full((len(plots), 6), np.nan),
        covariance=np.full((len(plots), 6, 6), np.nan),
        model_probability=np.full((len(plots), models), np.nan),
    )
    with threads_for(len(plots)):
        smooth_all(
            order.astype(np.int64),
            bounds.astype(np.int64),
            plots.time_s,
            plots.sensor,
            plots.measurement,
            plots.sigma,
            sensors.origin_enu_m,
            sensors.enu_R_sensor,
            sensors.height_m,
            sensors.other_enu_m,
            sensors.kind,
            kind,
            settings,
            sojourn,
            open_values,
            given,
            np.asarray(prior_mean, float),
            np.asarray(prior_covariance, float),
            result.mean,
            result.covariance,
            result.model_probability,
        )
    return result


def states_at(
    time_s: ArrayLike,
    asked_number: ArrayLike,
    plots: Plots,
    track_number: ArrayLike,
    sensors: SensorModels,
    kinds: ArrayLike,
    parameters: ArrayLike,
    sojourn_s: ArrayLike,
    *,
    beginning: Beginning | None = None,
) -> Smoothed:
    """Return states of tracks at any times, given all plots; see ``smooth_tracks``.

    Parameters
    ----------
    time_s, asked_number : (K,) when, and of which track; ``NO_TRACK`` asks for nothing

    Returns
    -------
    Smoothed
        One row per question. After a track's last plot a prediction; NaN before the first one
        that can start it, and of a track without plots.

    Notes
    -----
    A question is asked as a plot that measured nothing: it moves the filter on and tells no
    news.
    """
    asked = np.asarray(time_s, float)
    silent = Plots.of(asked, 0, np.nan, np.nan)
    found = smooth_tracks(
        Plots.concatenate([plots, silent]),
        np.concatenate([np.asarray(track_number), np.asarray(asked_number)]),
        sensors,
        kinds,
        parameters,
        sojourn_s,
        beginning=beginning,
    )
    rows = slice(len(plots), None)
    return Smoothed(asked, found.mean[rows], found.covariance[rows], found.model_probability[rows])
