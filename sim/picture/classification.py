"""What a track probably is: Bayesian classification by motion, echo and replies.

Every feature of a track weighs the classes by its likelihood; features are taken as
independent given the class. A class is no affiliation: it says what a thing is, not whose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sim.core.tables import Bools, Floats, Ints
from sim.picture.class_models import (
    CLIMB,
    DOPPLER,
    HEIGHT,
    SPEED,
    TURN,
    ClassModels,
    feature_log_density,
    generic_models,
    reply_log_likelihood,
    seen_log_likelihood,
)
from sim.picture.echoes import Echoes

#: Prior probability of ``OTHER``, unless a prior is given.
_OTHER_PRIOR = 0.05

#: Nepers of power in a decibel.
_NEPERS = math.log(10.0) / 10.0
#: Where a normal law is summed over, in its deviations, and with which weights: so close
#: that even the widest class's law is smooth beside the fading.
_NODES = np.linspace(-4.0, 4.0, 33)
_LOG_WEIGHTS = -0.5 * _NODES**2 - math.log(np.exp(-0.5 * _NODES**2).sum())
#: Exponent beyond which a look is impossible anyway.
_HUGE = 200.0


def rcs_from_snr(snr_db: ArrayLike, range_m: ArrayLike, snr_reference_db: ArrayLike) -> Floats:
    """Return the radar cross-section that explains a plot's signal-to-noise ratio, in dBsm.

    Parameters
    ----------
    snr_db : of the plot (``Plots.snr_db``), the whole dwell's
    range_m : slant range of the plot
    snr_reference_db : SNR of a dwell on 1 m² at 1 km, mid-beam, which calibrates the sensor

    Returns
    -------
    array
        snr − reference + 40 log₁₀(R / 1 km), broadcast; NaN where an input is NaN or the
        range is not positive. Loss in the air and lobing go into the estimate.

    Notes
    -----
    Radar equation, Skolnik, Introduction to Radar Systems, ch. 1: SNR ∝ σ / R⁴.
    """
    distance = np.asarray(range_m, float)
    distance_km = np.where(distance > 0, distance, np.nan) / 1e3
    excess_db: Floats = np.asarray(snr_db, float) - np.asarray(snr_reference_db, float)
    return excess_db + 40.0 * np.log10(distance_km)


@dataclass(frozen=True, slots=True)
class _Belief:
    """What is known of N tracks, sorted by number.

    ``evidence`` (N, C): log-likelihood of all but replies; ``replies`` (N, C): of those;
    ``feature_s`` (N, 5), ``feature_log`` (N, 5, C): time and log-density of each
    feature's last value, NaN and 0 before; ``rcs_s`` (N,): time of the last look;
    ``rcs_mean``, ``rcs_variance`` (N, C): then, of the mean echo under each class;
    ``place_mean``, ``place_variance`` (N, C): of the error of what the sensor expects, in
    standard deviations; ``covariance`` (N, C): of both.
    """

    number: Ints
    evidence: Floats
    replies: Floats
    feature_s: Floats
    feature_log: Floats
    rcs_s: Floats
    rcs_mean: Floats
    rcs_variance: Floats
    place_mean: Floats
    place_variance: Floats
    covariance: Floats

    def of(self, number: Ints, fresh: _Belief) -> _Belief:
        """Return the belief on the given tracks, ``fresh`` for those not known."""
        if np.array_equal(number, self.number):
            return self
        at, known = find_rows(self.number, number)
        columns: dict[str, Any] = {"number": number}
        for field in fields(self)[1:]:
            old, new = getattr(self, field.name), getattr(fresh, field.name)
            values = np.empty((number.size, *new.shape[1:]), new.dtype)
            values[known] = old[at[known]]
            values[~known] = new
            columns[field.name] = values
        return _Belief(**columns)


class Classifier:
    """Recursive Bayesian classifier of the tracks of a picture.

    Memory is that of the last picture: a track that is not in it is forgotten.

    Parameters
    ----------
    models
        The classes, by default the generic ones.
    prior
        (C,) weight of each class before anything is seen, by default equal but for a
        twentieth of probability on ``other``.

    Raises
    ------
    ValueError
        If the prior does not fit the classes, or is not positive.

    Notes
    -----
    A value repeated a second later is no new evidence. Speed, height, Doppler spread,
    climb and turn are each taken as a sequence with correlation a = exp(−Δt/τ) between
    neighbours, and their log-densities ℓ add up with the weights of the best linear
    estimate of such a sequence's mean: a new value adds (ℓ − a ℓ_before) / (1 + a). For
    values far apart that is Bayes' rule; for many within τ it is one value's worth, however
    many they are, and evidence grows by half a value per τ. (Inverse covariance of a
    first-order autoregression: Box, Jenkins, Time Series Analysis, appendix A7.5; as weights
    of a composite likelihood: Varin, Reid, Firth, Statistica Sinica 21, 2011.)

    The echo fades from look to look about a mean that belongs to target and aspect. Under
    each class a Kalman filter estimates that mean, which drifts within the class's spread,
    and each look counts by its innovation: once the mean is known, further looks say no
    more of it. A weak target is seen only when its echo happens to be strong; where it is
    said what a look would have shown at least, each class's law is cut off there.

    An error of a value widens the laws: by itself of climb and turn, by its share of value
    and floor where logarithms count.

    Replies: a target carries a transponder of one kind or none. Each interrogation of it
    may go unanswered or be mistaken, so replies settle what it carries and no more.
    """

    def __init__(self, models: ClassModels | None = None, prior: ArrayLike | None = None) -> None:
        self.models = models or generic_models()
        count = len(self.models)
        if prior is None:
            weight = np.full(count, (1.0 - _OTHER_PRIOR) / (count - 1))
            weight[-1] = _OTHER_PRIOR
        else:
            weight = np.asarray(prior, float)
            if weight.shape != (count,) or not (np.isfinite(weight) & (weight > 0)).all():
                raise ValueError(f"prior must be {count} positive weights, one per class")
        self._log_prior: Floats = np.log(weight / weight.sum())
        self._time_s = -math.inf
        self._fresh = _Belief(
            number=np.zeros(1, np.int32),
            evidence=np.zeros((1, count)),
            replies=np.zeros((1, count)),
            feature_s=np.full((1, 5), np.nan),
            feature_log=np.zeros((1, 5, count)),
            rcs_s=np.full(1, np.nan),
            rcs_mean=self.models.rcs_dbsm[None].copy(),
            rcs_variance=self.models.rcs_spread_db[None] ** 2,
            place_mean=np.zeros((1, count)),
            place_variance=np.ones((1, count)),
            covariance=np.zeros((1, count)),
        )
        self._belief = self._fresh.of(np.empty(0, np.int32), self._fresh)

    def __len__(self) -> int:
        return int(self._belief.number.size)

    def observe(
        self,
        number: ArrayLike,
        time_s: float,
        *,
        speed_mps: ArrayLike | None = None,
        height_m: ArrayLike | None = None,
        climb_mps: ArrayLike | None = None,
        turn_acceleration_mps2: ArrayLike | None = None,
        speed_sigma_mps: ArrayLike | None = None,
        height_sigma_m: ArrayLike | None = None,
        climb_sigma_mps: ArrayLike | None = None,
        rcs_dbsm: ArrayLike | None = None,
        rcs_least_dbsm: ArrayLike | None = None,
        doppler_spread_mps: ArrayLike | None = None,
        reply_counts: ArrayLike | None = None,
    ) -> None:
        """Take in the features of all tracks of the picture; forget every other track.

        Parameters
        ----------
        number : (N,) the tracks
        time_s : when the features hold; never before the last call's
        speed_mps : (N,) over ground, horizontal
        height_m : (N,) above ground if that is known, else above the ellipsoid
        climb_mps : (N,) up
        turn_acceleration_mps2 : (N,) across the path, either sign
        speed_sigma_mps, height_sigma_m, climb_sigma_mps : (N,) standard deviations of those
            values, known exactly if left out
        rcs_dbsm : (N,) of one look, see ``rcs_from_snr``
        rcs_least_dbsm : (N,) the smallest one that this look would have shown, none if left out
        doppler_spread_mps : (N,) deviation of the echo's velocity about the body's
        reply_counts : (N, 3) how many interrogations so far brought each ``Reply``, as in
            ``Tracks.replies``; plots of sensors that do not interrogate count under NONE
            only if their silence is to be held against a transponder

        Raises
        ------
        ValueError
            If a shape does not fit, a number comes twice, or time runs backwards.

        Notes
        -----
        What is not known is left out or NaN (replies: zero), as it must be for a track
        that got no plot since the last call.
        """
        given = np.asarray(number, np.int32)
        order = np.argsort(given, kind="stable")
        numbers = given[order]
        if given.ndim != 1 or (numbers[1:] == numbers[:-1]).any():
            raise ValueError("number must be (N,), every track once")
        if not time_s >= self._time_s:
            raise ValueError(f"time runs backwards: {time_s} s after {self._time_s} s")

        def of_tracks(values: ArrayLike | None, name: str, unknown: float = np.nan) -> Floats:
            if values is None:
                return np.full(given.size, unknown)
            array = np.asarray(values, float)
            if array.shape != given.shape:
                raise ValueError(f"{name} must have shape {given.shape}, found {array.shape}")
            return array[order]

        features, error = np.empty((given.size, 5)), np.zeros((given.size, 5))
        features[:, SPEED] = of_tracks(speed_mps, "speed_mps")
        features[:, HEIGHT] = of_tracks(height_m, "height_m")
        features[:, DOPPLER] = of_tracks(doppler_spread_mps, "doppler_spread_mps")
        features[:, CLIMB] = of_tracks(climb_mps, "climb_mps")
        features[:, TURN] = of_tracks(turn_acceleration_mps2, "turn_acceleration_mps2")
        error[:, SPEED] = of_tracks(speed_sigma_mps, "speed_sigma_mps", 0.0)
        error[:, HEIGHT] = of_tracks(height_sigma_m, "height_sigma_m", 0.0)
        error[:, CLIMB] = of_tracks(climb_sigma_mps, "climb_sigma_mps", 0.0)
        rcs = of_tracks(rcs_dbsm, "rcs_dbsm")
        least = of_tracks(rcs_least_dbsm, "rcs_least_dbsm")
        counts = None
        if reply_counts is not None:
            counts = np.asarray(reply_counts, float)
            if counts.shape != (given.size, 3) or not (counts >= 0).all():
                raise ValueError(f"reply_counts must be ({given.size}, 3), none negative")
            counts = counts[order]
        looked = np.flatnonzero(np.isfinite(rcs))
        echoes = Echoes.plain(rcs[looked], least[looked], len(self.models))
        self.take_in(numbers, time_s, features, error, looked, echoes, counts)

    def take_in(
        self,
        number: Ints,
        time_s: float,
        features: Floats,
        error: Floats,
        looked: NDArray[np.intp],
        echoes: Echoes,
        counts: Floats | None,
    ) -> None:
        """Take in columns without checking them, as ``observe``; any number of looks.

        Parameters
        ----------
        number : (N,) the tracks, sorted, every one once
        time_s : as in ``observe``
        features : (N, 5) values in the order of ``class_models``, NaN where not known
        error : (N, 5) their standard deviations
        looked : (K,) rows of the tracks that were looked at, in order of time for each track
        echoes : (K,) of these looks
        counts : (N, 3) as ``reply_counts``, or None
        """
        belief = self._belief.of(number, self._fresh)
        seen = np.flatnonzero(np.isfinite(features).any(axis=1))
        if seen.size:
            self._observe_features(belief, time_s, seen, features[seen], error[seen])
        for now in _rounds(looked):
            self._observe_rcs(belief, time_s, looked[now], echoes.take(now))
        if counts is not None:
            belief.replies[:] = reply_log_likelihood(counts, self.models.transponder)
        self._belief = belief
        self._time_s = time_s

    def recognise(self, number: Ints, seen_class: Ints, confusion: Floats) -> None:
        """Take in what sensors that see shapes took tracks for.

        Parameters
        ----------
        number : (K,) the tracks; what is said of one not known is lost
        seen_class : (K,) index of ``CLASS_NAMES``
        confusion : (K,) chance that it is wrong

        Notes
        -----
        Every word counts by itself: a sensor errs anew each time.
        """
        at, known = find_rows(self._belief.number, number)
        log = seen_log_likelihood(seen_class[known], confusion[known], self.models.names)
        np.add.at(self._belief.evidence, at[known], log)

    def probabilities(self, number: ArrayLike) -> Floats:
        """Return (N, C) the probability of each class, the prior for a track not known."""
        numbers = np.asarray(number, np.int32)
        at, known = find_rows(self._belief.number, numbers)
        log = np.empty((numbers.size, len(self.models)))
        log[:] = self._log_prior
        rows = at[known]
        log[known] += self._belief.evidence[rows] + self._belief.replies[rows]
        weight = np.exp(log - log.max(axis=1, keepdims=True))
        probability: Floats = weight / weight.sum(axis=1, keepdims=True)
        return probability

    def _observe_features(
        self,
        belief: _Belief,
        time_s: float,
        rows: NDArray[np.intp],
        features: Floats,
        error: Floats,
    ) -> None:
        known = np.isfinite(features)
        log = feature_log_density(np.where(known, features, 0.0), self.models, error)
        before, before_s = belief.feature_log[rows], belief.feature_s[rows]
        correlation = np.exp((before_s - time_s) / self.models.correlation_s)
        correlation[np.isnan(before_s)] = 0.0
        a = correlation[:, :, None]
        step = (log - a * before) / (1.0 + a)
        belief.evidence[rows] += np.where(known[:, :, None], step, 0.0).sum(axis=1)
        belief.feature_log[rows] = np.where(known[:, :, None], log, before)
        belief.feature_s[rows] = np.where(known, time_s, before_s)

    def _observe_rcs(
        self, belief: _Belief, time_s: float, rows: NDArray[np.intp], echoes: Echoes
    ) -> None:
        models, share = self.models, self.models.outlier_share
        rcs, least, sigma = echoes.rcs_dbsm, echoes.least_dbsm, echoes.sigma_db
        before_s = belief.rcs_s[rows]
        age = np.where(np.isnan(before_s), 0.0, time_s - before_s)[:, None]
        a, b = np.exp(-age / models.rcs_correlation_s), np.exp(-age / models.place_correlation_s)
        spread = models.rcs_spread_db**2
        mean = models.rcs_dbsm + a * (belief.rcs_mean[rows] - models.rcs_dbsm)
        variance = spread + a * a * (belief.rcs_variance[rows] - spread)
        place = b * belief.place_mean[rows]
        place_variance = 1.0 + b * b * (belief.place_variance[rows] - 1.0)
        covariance = a * b * belief.covariance[rows]
        # A look is the mean echo and sigma times the error of the place, faded.
        along_rcs = variance + sigma * covariance
        along_place = covariance + sigma * place_variance
        expected = mean + sigma * place
        total = along_rcs + sigma * along_place + models.rcs_error_db**2
        right, found, left = _fading(rcs, least, expected, total)
        right += math.log1p(-share)
        # What says nothing of the class may be of any.
        any_total = np.full((rows.size, 1), spread[-1] + models.rcs_error_db**2)
        any_mean = np.full((rows.size, 1), models.rcs_dbsm[-1])
        stray = _fading(rcs[:, -1:], least[:, -1:], any_mean, any_total)[0] + math.log(share)
        log = np.logaddexp(right, stray)
        belief.evidence[rows] += log
        trust = np.exp(right - log)  # a stray look moves the means little
        shift = trust * (found - expected)
        left = trust * (left + (found - expected) ** 2) + (1.0 - trust) * total - shift**2
        shift, less = shift / total, (total - left) / total**2
        belief.rcs_mean[rows] = mean + shift * along_rcs
        belief.place_mean[rows] = place + shift * along_place
        belief.rcs_variance[rows] = variance - less * along_rcs**2
        belief.place_variance[rows] = place_variance - less * along_place**2
        belief.covariance[rows] = covariance - less * along_rcs * along_place
        belief.rcs_s[rows] = time_s


def _fading(
    look: Floats, least: Floats, mean: Floats, variance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return what looks (K, C) in decibels say of a normal mean, if fading is exponential.

    Of looks that show at least ``least`` (NaN: any), the power x over that is exponential
    again: f(x) = exp(−(x − x₀) / m) / m. The mean's logarithm is summed over ``_NODES``.

    Returns
    -------
    log-density per decibel of the look, and mean and variance of the mean after it
    """
    deviation = np.sqrt(variance)[..., None]
    at = mean[..., None] + deviation * _NODES
    over = _NEPERS * (np.maximum(look, np.fmax(least, -np.inf))[..., None] - at)
    under = _NEPERS * (np.where(np.isnan(least), -np.inf, least)[..., None] - at)
    log = over + math.log(_NEPERS) + _LOG_WEIGHTS
    # e^over − e^under, which loses nothing where both are large.
    log -= -np.exp(np.minimum(over, _HUGE)) * np.expm1(np.minimum(under - over, 0.0))
    top = log.max(axis=-1, keepdims=True)
    weight = np.exp(log - top)
    sum_ = weight.sum(axis=-1, keepdims=True)
    weight /= sum_
    found = (weight * at).sum(axis=-1)
    left = (weight * (at - found[..., None]) ** 2).sum(axis=-1)
    return (top + np.log(sum_))[..., 0], found, left


def _rounds(rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Split places so that in each part no row comes twice, the first of each row first."""
    if not rows.size:
        return []
    order = np.argsort(rows, kind="stable")
    same = rows[order]
    nth = np.arange(rows.size) - np.searchsorted(same, same)
    return [order[nth == k] for k in range(int(nth.max()) + 1)]


def find_rows(ordered: Ints, number: Ints) -> tuple[NDArray[np.intp], Bools]:
    """Return where each number stands in an ordered array, and whether it does."""
    at = np.searchsorted(ordered, number)
    known = at < ordered.size
    known[known] = ordered[at[known]] == number[known]
    return at, known
