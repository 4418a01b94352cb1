"""Registration: the sensors' biases, estimated from targets that several of them see."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.special import gammaincinv

from sim.core.tables import AZIMUTH, Bools, Floats, Ints, Measured, Plots
from sim.tracking.config import TrackerConfig
from sim.tracking.registration_geometry import CLOCK, Comparison, Rows, Sightings, solved
from sim.tracking.sensor_models import SensorModels

_PASSES = 4
_SETTLED_SIGMAS = 0.1


@dataclass(frozen=True, slots=True)
class RegistrationSettings:
    """What is known of biases beforehand, and which pairs of plots tell about them.

    Attributes
    ----------
    range_sigma_m, azimuth_sigma_rad, elevation_sigma_rad, clock_sigma_s : standard
        deviation of each bias, as sensors come
    correlation_time_s : a bias drifts so slowly that after this time e⁻¹ of it is left
    references : rows of sensors without any bias, which the others are compared with
    gap_max_s : two plots of one track further apart in time are not compared
    velocity_sigma_mps : per axis, of the tracks' velocities that bridge the gap
    gate_probability : share of true pairs that the gate lets in
    """

    range_sigma_m: float = 100.0
    azimuth_sigma_rad: float = 0.01
    elevation_sigma_rad: float = 0.01
    clock_sigma_s: float = 0.5
    correlation_time_s: float = 360_000.0
    references: tuple[int, ...] = ()
    gap_max_s: float = 2.0
    velocity_sigma_mps: float = 10.0
    gate_probability: float = 0.999

    def __post_init__(self) -> None:
        sigmas = (self.range_sigma_m, self.azimuth_sigma_rad, self.elevation_sigma_rad)
        if min(*sigmas, self.clock_sigma_s, self.correlation_time_s) <= 0:
            raise ValueError("sigmas of biases and correlation_time_s must be positive")
        if not 0.0 < self.gate_probability < 1.0 or self.gap_max_s < 0:
            raise ValueError("expected a gate_probability in (0, 1) and gap_max_s of 0 or more")


def settings_of(config: TrackerConfig, sensors: SensorModels) -> RegistrationSettings:
    """Return a tracker's settings, with rows in place of the references' ids.

    Raises
    ------
    ValueError
        If no sensor has the id of a reference.
    """
    rows = {name: row for row, name in enumerate(sensors.id.tolist())}
    unknown = [name for name in config.reference_sensors if name not in rows]
    if unknown:
        raise ValueError(f"reference_sensors: no sensor has the id {unknown[0]!r}")
    return RegistrationSettings(
        range_sigma_m=config.range_bias_sigma_m,
        azimuth_sigma_rad=math.radians(config.azimuth_bias_sigma_deg),
        elevation_sigma_rad=math.radians(config.elevation_bias_sigma_deg),
        clock_sigma_s=config.clock_bias_sigma_s,
        references=tuple(rows[name] for name in config.reference_sensors),
    )


@dataclass(frozen=True, slots=True)
class Biases:
    """Estimated biases: measured minus true, and time stamp minus time of measurement.

    Attributes
    ----------
    time_s : of the last pair that was learned from, −inf for none
    value : (S, 4) range (m), azimuth (rad), elevation (rad), clock (s); NaN where the
        sensor has no such bias, 0 for a reference
    sigma : (S, 4) standard deviations, likewise
    covariance : (4 S, 4 S) of ``value.ravel()``, 0 where there is no bias
    pairs : (S,) pairs of plots that a sensor took part in
    rejected : pairs of plots outside the gate
    """

    time_s: float
    value: Floats
    sigma: Floats
    covariance: Floats
    pairs: Ints
    rejected: int


class Registration:
    """Kalman filter over all sensors' biases, fed with pairs of plots of one target.

    Parameters
    ----------
    sensors : one row per sensor; polar and position-reporting ones take part
    settings : prior knowledge and gates

    Notes
    -----
    What one plot says of the other's measurement depends on both sensors' biases alone,
    not on the target, but for its velocity over the gap in time. No plot is used twice, so
    errors of pairs are independent. Biases follow a Gauss–Markov process whose stationary
    spread is the prior: what is not observed stays, or becomes again, as uncertain as it
    was, and its estimate goes to zero. Only differences may be observable, such as of two
    clocks: the single sigmas then stay large, and ``covariance`` holds what is known.
    After Lin, Bar-Shalom, Kirubarajan, Multisensor-multitarget bias estimation for general
    asynchronous sensors, IEEE Trans. Aerospace and Electronic Systems 41(3), 2005.
    """

    def __init__(self, sensors: SensorModels, settings: RegistrationSettings | None = None) -> None:
        self.sensors = sensors
        self.settings = s = RegistrationSettings() if settings is None else settings
        n = len(sensors)
        self._is_position = np.asarray(sensors.kind) == Measured.POSITION
        polar = np.asarray(sensors.kind) == Measured.POLAR
        self._takes_part = polar | self._is_position
        reference = np.zeros(n, np.bool_)
        reference[list(s.references)] = True
        if (reference & ~self._takes_part).any():
            raise ValueError("reference sensors must be polar or report positions")
        has = np.zeros((n, 4), np.bool_)
        has[:, :CLOCK] = polar[:, None] & sensors.measures[:, :CLOCK]
        has[:, CLOCK] = self._takes_part
        self._told = has
        self._biased = np.flatnonzero(has & ~reference[:, None])
        sigma = np.tile(
            [s.range_sigma_m, s.azimuth_sigma_rad, s.elevation_sigma_rad, s.clock_sigma_s], n
        )
        self._prior_variance = np.square(sigma[self._biased])
        self._value = np.zeros(4 * n)
        self._covariance = np.zeros((4 * n, 4 * n))
        self._covariance[self._biased, self._biased] = self._prior_variance
        self._time_s = -math.inf
        self._pairs = np.zeros(n, np.int32)
        self._rejected = 0
        self._gates = np.array(
            [0.0, *(2.0 * gammaincinv(m / 2.0, s.gate_probability) for m in (1, 2, 3))]
        )
        self._waiting = Sightings.none()
        self._compared = Comparison(sensors, s.velocity_sigma_mps)

    def learn(
        self,
        time_s: Floats,
        sensor: Ints,
        measurement: Floats,
        sigma: Floats,
        track: Ints,
        velocity_enu_mps: Floats,
    ) -> None:
        """Take plots that updated confirmed tracks, as they were before ``correct``.

        Parameters
        ----------
        time_s, sensor, measurement, sigma : (K,), (K,), (K, 4), (K, 4) as in ``Plots``
        track : (K,) which track a plot belongs to
        velocity_enu_mps : (K, 3) of that track

        Notes
        -----
        Any order will do. A plot without a partner waits for one for ``gap_max_s``.
        """
        who = sensor.astype(np.int64)
        given = Sightings(
            np.asarray(time_s, float),
            who,
            np.where(self.sensors.measures[who] & (sigma > 0), measurement, np.nan)[:, :3],
            np.asarray(sigma, float)[:, :3],
            np.asarray(track, np.int64),
            np.asarray(velocity_enu_mps, float),
            self.sensors.origin_enu_m[who],
            self.sensors.enu_R_sensor[who],
        )
        sound = self._takes_part[who] & np.isfinite(given.time_s)
        sound &= np.isfinite(given.velocity_enu_mps).all(axis=1)
        sound &= np.isfinite(given.measurement).any(axis=1)
        seen = self._waiting.then(given.take(sound))
        if not (seen.time_s.size and self._biased.size):
            return
        first, second = self._pair(seen)
        left = seen.time_s >= seen.time_s.max() - self.settings.gap_max_s
        left[first] = left[second] = False
        self._waiting = seen.take(left)
        if first.size:
            self._drift(float(seen.time_s[np.append(first, second)].max()))
            self._update(seen.take(first), seen.take(second))

    def correct(self, plots: Plots) -> Plots:
        """Return plots without the estimated biases, time stamps included.

        Every estimate counts, certain or not: it is the expectation, so that it lessens the
        error on average, and where only differences are known, all sensors must move
        for these to vanish. What was never observed is estimated as zero and changes nothing.
        """
        bias = self._value.reshape(-1, 4)[plots.sensor]
        measurement = plots.measurement.copy()
        measurement[:, :CLOCK] -= bias[:, :CLOCK]
        angle = measurement[:, AZIMUTH]
        polar = ~self._is_position[plots.sensor]
        measurement[:, AZIMUTH] = np.where(polar, np.mod(angle, 2.0 * np.pi), angle)
        return replace(plots, time_s=plots.time_s - bias[:, CLOCK], measurement=measurement)

    def biases(self) -> Biases:
        """Return the present estimates and how far they can be trusted."""
        n = len(self.sensors)
        sigma = np.sqrt(np.diag(self._covariance))
        return Biases(
            time_s=self._time_s,
            value=np.where(self._told, self._value.reshape(n, 4), np.nan),
            sigma=np.where(self._told, sigma.reshape(n, 4), np.nan),
            covariance=self._covariance.copy(),
            pairs=self._pairs.copy(),
            rejected=self._rejected,
        )

    def _pair(self, seen: Sightings) -> tuple[Rows, Rows]:
        """Pair plots of one track by two sensors, neighbours in time, each plot once.

        The first of a pair has a full position; rows are returned in order of track and time.
        """
        order = np.lexsort((seen.sensor, seen.time_s, seen.track))
        here, there = order[:-1], order[1:]
        full: Bools = np.logical_and.reduce(np.isfinite(seen.measurement), axis=1)
        fit = (
            (seen.track[here] == seen.track[there])
            & (seen.sensor[here] != seen.sensor[there])
            & (seen.time_s[there] - seen.time_s[here] <= self.settings.gap_max_s)
            & (full[here] | full[there])
        )
        # In a chain of fitting neighbours every other link is taken.
        place = np.arange(fit.size)
        chain_start = np.maximum.accumulate(np.where(fit, -1, place))
        link = np.flatnonzero(fit & ((place - chain_start) % 2 == 1))
        one, two = here[link], there[link]
        return np.where(full[one], one, two), np.where(full[one], two, one)

    def _drift(self, time_s: float) -> None:
        """Let the biases age to the time of the newest pair."""
        if time_s > self._time_s > -math.inf:
            share = math.exp((self._time_s - time_s) / self.settings.correlation_time_s)
            self._value *= share
            self._covariance *= share * share
            self._covariance[self._biased, self._biased] += (
                1.0 - share * share
            ) * self._prior_variance
        self._time_s = max(self._time_s, time_s)

    def _update(self, first: Sightings, second: Sightings) -> None:
        """Kalman update by all pairs at once, iterated since positions are not linear.

        Jazwinski, Stochastic Processes and Filtering Theory, 1970, ch. 8 (iterated extended
        Kalman filter), here with the pairs' information summed up.
        """
        state = np.concatenate(
            [4 * s.sensor[:, None] + np.arange(4) for s in (first, second)], axis=1
        )
        residual, H, N, m = self._compared(first, second, self._value.reshape(-1, 4))
        P = self._covariance[state[:, :, None], state[:, None, :]]
        S = H @ P @ H.transpose(0, 2, 1) + N
        squared = np.einsum("ki,ki->k", residual, solved(S, residual))
        inside = squared <= self._gates[m]
        self._rejected += int((~inside).sum())
        if not inside.any():
            return
        first, second, state = first.take(inside), second.take(inside), state[inside]
        residual, H, N = residual[inside], H[inside], N[inside]
        np.add.at(self._pairs, np.append(first.sensor, second.sensor), 1)

        # P⁺ = L (I + Lᵀ Λ L)⁻¹ Lᵀ: nothing but a matrix not below one is inverted.
        prior, b = self._value.copy(), self._biased
        root = cholesky(self._covariance[np.ix_(b, b)], lower=True)
        sigma = np.sqrt(np.diag(self._covariance)[b])
        for again in range(_PASSES):
            if again:
                residual, H, N, _ = self._compared(first, second, self._value.reshape(-1, 4))
                residual = residual + np.einsum("kij,kj->ki", H, (self._value - prior)[state])
            weighted = H.transpose(0, 2, 1) @ np.linalg.inv(N)
            information = np.zeros_like(self._covariance)
            np.add.at(information, (state[:, :, None], state[:, None, :]), weighted @ H)
            push = np.zeros_like(prior)
            np.add.at(push, state, np.einsum("kij,kj->ki", weighted, residual))
            gained = np.eye(b.size) + root.T @ information[np.ix_(b, b)] @ root
            factor = cholesky(gained, lower=True)
            value = prior[b] + root @ cho_solve((factor, True), root.T @ push[b])
            step = np.abs(value - self._value[b]) / sigma
            self._value[b] = value
            if step.max() < _SETTLED_SIGMAS:
                break
        half = solve_triangular(factor, root.T, lower=True)
        self._covariance[np.ix_(b, b)] = half.T @ half
