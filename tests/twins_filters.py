"""Obvious twins of motion models, measurements, updates and model mixing: numpy, slow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from reference import kalman_update, numerical_jacobian
from reference import polar as polar_twin
from scipy.integrate import solve_ivp

from sim.core.motion import DIMENSION, Motion
from sim.core.tables import Measured

Floats = NDArray[np.float64]
ANGLES = {Measured.POLAR: (1,), Measured.BISTATIC: (1,)}
EARTH_RADIUS_M, EARTH_MU = 6_371_000.0, 3.986004418e14


def drift(kind: Motion, parameters: Floats, x: Floats) -> Floats:
    """dx/dt of a state, without noise."""
    rate = np.zeros(x.size)
    rate[:3] = x[3:6]
    if kind in (Motion.CONSTANT_ACCELERATION, Motion.SINGER):
        rate[3:6] = x[6:9]
    if kind == Motion.SINGER:
        rate[6:9] = -x[6:9] / parameters[2]
    if kind == Motion.COORDINATED_TURN:
        rate[3], rate[4] = x[6] * x[4], -x[6] * x[3]  # clockwise: north turns to east
    if kind == Motion.BALLISTIC:
        place = np.add(x[:3], (0.0, 0.0, EARTH_RADIUS_M))
        r = np.linalg.norm(place)
        density = 1.225 * np.exp(-(r - EARTH_RADIUS_M) / 7200.0)
        rate[3:6] = -EARTH_MU * place / r**3
        rate[3:6] -= 0.5 * density * np.exp(x[6]) * np.linalg.norm(x[3:6]) * x[3:6]
    return rate


def diffusion(kind: Motion, parameters: Floats) -> Floats:
    """Spectral density matrix of the white noise on dx/dt."""
    h, v, third = parameters[:3]
    if kind == Motion.CONSTANT_VELOCITY:
        return np.diag([0, 0, 0, h, h, v])
    if kind == Motion.CONSTANT_ACCELERATION:
        return np.diag([0, 0, 0, 0, 0, 0, h, h, v])
    if kind == Motion.SINGER:
        return np.diag([0, 0, 0, 0, 0, 0, h**2, h**2, v**2]) * 2 / third
    return np.diag([0, 0, 0, h, h, v, third])


def moved(kind: Motion, parameters: Floats, x: Floats, dt: float) -> Floats:
    """The mean after dt, by integrating the motion numerically."""
    solution = solve_ivp(
        lambda _, y: drift(kind, parameters, y), (0, dt), x, "DOP853", rtol=1e-11, atol=1e-9
    )
    end: Floats = solution.y[:, -1]
    return end


def predicted(
    kind: Motion, parameters: Floats, x: Floats, P: Floats, dt: float
) -> tuple[Floats, Floats]:
    """Mean and linearised covariance after dt: dP/dt = A P + P Aᵀ + Q along the mean."""
    n = x.size
    Q = diffusion(kind, parameters)
    step = np.array([1.0, 1.0, 1.0, 1e-3, 1e-3, 1e-3, 1e-5, 1e-5, 1e-5])[:n]

    def rate(_: float, y: Floats) -> Floats:
        A = numerical_jacobian(lambda s: drift(kind, parameters, s), y[:n], step)
        P = y[n:].reshape(n, n)
        return np.concatenate([drift(kind, parameters, y[:n]), (A @ P + P @ A.T + Q).ravel()])

    start = np.concatenate([x, P.ravel()])
    y = solve_ivp(rate, (0, dt), start, "DOP853", rtol=1e-10, atol=1e-9).y[:, -1]
    return y[:n], y[n:].reshape(n, n)


def cubature_points(x: Floats, P: Floats) -> Floats:
    """The 2n points x ± √n · columns of the Cholesky factor, one a row."""
    spread = np.sqrt(x.size) * np.linalg.cholesky(P).T
    return np.concatenate([x + spread, x - spread])


def predicted_by_points(
    kind: Motion, parameters: Floats, x: Floats, P: Floats, dt: float
) -> tuple[Floats, Floats]:
    """Mean and covariance after dt by cubature points."""
    points = np.array([moved(kind, parameters, p, dt) for p in cubature_points(x, P)])
    mean = points.mean(axis=0)
    _, noise = predicted(kind, parameters, x, np.zeros_like(P), dt)
    return mean, (points - mean).T @ (points - mean) / len(points) + noise


def measured_of(
    kind: Measured, x: Floats, origin: Floats, enu_R_sensor: Floats, other: Floats
) -> Floats:
    """The four components of an exact measurement."""
    if kind == Measured.POLAR:
        return polar_twin(x[:6], origin, enu_R_sensor)
    if kind == Measured.POSITION:
        return np.append(enu_R_sensor.T @ (x[:3] - origin), 0.0)
    here, there = np.linalg.norm(x[:3] - origin), np.linalg.norm(x[:3] - other)
    if kind == Measured.TIME_DIFFERENCE:
        return np.array([(here - there) / 299_792_458.0, 0.0, 0.0, 0.0])
    _, azimuth, elevation, rate = polar_twin(x[:6], origin, enu_R_sensor)
    rate += (x[:3] - other) @ x[3:6] / there
    return np.array([here + there - np.linalg.norm(origin - other), azimuth, elevation, rate])


def apart(kind: Measured, a: Floats, b: Floats) -> Floats:
    """a − b with wrapped azimuths, over the last axis."""
    difference = a - b
    for k in ANGLES.get(kind, ()):
        difference[..., k] = (difference[..., k] + np.pi) % (2 * np.pi) - np.pi
    return difference


Sight = tuple[Floats, Floats, Floats]
Outcome = tuple[Floats, Floats, float, float]


def _outcome(x: Floats, P: Floats, innovation: Floats, S: Floats) -> Outcome:
    nis = float(innovation @ np.linalg.solve(S, innovation))
    log_likelihood = -0.5 * (nis + np.linalg.slogdet(2 * np.pi * S)[1])
    return x, P, float(log_likelihood), nis


def extended(
    kind: Measured, x: Floats, P: Floats, z: Floats, sigma: Floats, sight: Sight
) -> Outcome:
    """Joint extended update; returns x, P, log-likelihood and NIS."""
    kept = np.isfinite(z)
    step = np.array([0.5] * 3 + [0.1] * 3 + [1.0] * 3)[: x.size]

    def h(s: Floats) -> Floats:
        return apart(kind, measured_of(kind, s, *sight), measured_of(kind, x, *sight))

    H = numerical_jacobian(h, x, step)[kept]
    R = np.diag(sigma[kept] ** 2)
    innovation = apart(kind, z, measured_of(kind, x, *sight))[kept]
    new_x, new_P, S = kalman_update(x, P, innovation, H, R)
    return _outcome(new_x, new_P, innovation, S)


def cubature(
    kind: Measured, x: Floats, P: Floats, z: Floats, sigma: Floats, sight: Sight
) -> Outcome:
    """Cubature update as printed; returns x, P, log-likelihood and NIS."""
    kept = np.isfinite(z)
    points = cubature_points(x, P)
    centre = measured_of(kind, x, *sight)
    seen = np.array([apart(kind, measured_of(kind, p, *sight), centre) for p in points])[:, kept]
    mean = seen.mean(axis=0)
    S = (seen - mean).T @ (seen - mean) / len(points) + np.diag(sigma[kept] ** 2)
    cross = (points - x).T @ (seen - mean) / len(points)
    K = cross @ np.linalg.inv(S)
    innovation = apart(kind, z, centre)[kept] - mean
    return _outcome(x + K @ innovation, P - K @ S @ K.T, innovation, S)


def by_position(x: Floats, P: Floats, position: Floats, R: Floats) -> Outcome:
    """Joint linear update; returns x, P, log-likelihood and NIS."""
    innovation = position - x[:3]
    new_x, new_P, S = kalman_update(x, P, innovation, np.eye(3, x.size), R)
    return _outcome(new_x, new_P, innovation, S)


def mixed(
    kinds: list[Motion],
    probability: Floats,
    transition: Floats,
    means: list[Floats],
    covariances: list[Floats],
) -> tuple[Floats, list[Floats], list[Floats]]:
    """Interaction of models; a missing component comes from the model mixed into."""
    accelerating = {Motion.CONSTANT_ACCELERATION, Motion.SINGER}
    new_probability = probability @ transition
    new_means, new_covariances = [], []
    for j, target in enumerate(kinds):
        n = DIMENSION[target]
        weights = transition[:, j] * probability / new_probability[j]
        xs, Ps = [], []
        for i, source in enumerate(kinds):
            if source == target or {source, target} == accelerating:
                x, P = means[i], covariances[i]
            else:
                x, P = means[j].copy(), np.zeros((n, n))
                x[:6] = means[i][:6]
                P[:6, :6], P[6:, 6:] = covariances[i][:6, :6], covariances[j][6:, 6:]
            xs.append(x)
            Ps.append(P)
        x, P = matched(weights, xs, Ps)
        new_means.append(x)
        new_covariances.append(P)
    return new_probability, new_means, new_covariances


def matched(weights: Floats, means: list[Floats], Ps: list[Floats]) -> tuple[Floats, Floats]:
    """Mean and covariance of a Gaussian mixture."""
    mean = sum(w * x for w, x in zip(weights, means, strict=True))
    P = sum(
        w * (C + np.outer(x - mean, x - mean)) for w, x, C in zip(weights, means, Ps, strict=True)
    )
    return np.asarray(mean), np.asarray(P)


def random_spread(rng: np.random.Generator, sigma: Floats) -> Floats:
    """A full covariance with about the given standard deviations."""
    A = rng.normal(size=(sigma.size, sigma.size)) + 2 * np.eye(sigma.size)
    P = sigma[:, None] * (A @ A.T) * sigma / (sigma.size + 4)
    return 0.5 * (P + P.T)


def padded(x: Floats, P: Floats) -> tuple[Floats, Floats]:
    """Into arrays of nine components, NaN behind."""
    big_x, big_P = np.full(9, np.nan), np.full((9, 9), np.nan)
    big_x[: x.size], big_P[: x.size, : x.size] = x, P
    return big_x, big_P


def without_height(
    update,  # type: ignore[no-untyped-def]
    kind: Measured,
    x: Floats,
    P: Floats,
    z: Floats,
    sigma: Floats,
    sight: Sight,
    guess: tuple[float, float],
    climb_sigma: float,
) -> tuple[Floats, Floats, float]:
    """Hold height and climb, update, take back what bends more than it slopes, keep the bend."""
    origin, axes, _ = sight
    up, n = axes[:, 2], x.size
    parts = 3 if n == 9 else 2
    vertical = np.zeros((parts, n))
    for k in range(parts):
        vertical[k, 3 * k : 3 * k + 3] = up
    level = np.eye(3) - np.outer(up, up)
    for k, limit in enumerate((guess[1], climb_sigma)):
        h = vertical[k]
        level_climb = -(x[:3] - origin) @ level @ x[3:6] / EARTH_RADIUS_M
        expected = level_climb if k else up @ origin + guess[0]
        variance = h @ P @ h
        if variance > limit**2:
            R = np.array([[1.0 / (1.0 / limit**2 - 1.0 / variance)]])
            x, P, _ = kalman_update(x, P, np.array([expected - h @ x]), h[None], R)
    slope = bend = 0.0
    if not np.isnan(z[0]):
        step = P @ vertical[0] / np.sqrt(vertical[0] @ P @ vertical[0])
        step[3:] = 0.0
        below, here, above = (measured_of(kind, x + k * step, *sight)[0] for k in (-1.0, 0.0, 1.0))
        slope, bend = (above - below) / 2, above - 2 * here + below
        toward = numerical_jacobian(lambda s: measured_of(kind, s, *sight)[:1], x, np.full(n, 0.1))[
            0
        ]
    new_x, new_P, log_likelihood, _ = update(kind, x, P, z, sigma, sight)
    if bend == 0.0:
        return new_x, new_P, log_likelihood
    G = bend**2 / (slope**2 + bend**2) * vertical.T @ vertical
    new_x, new_P = new_x + G @ (x - new_x), new_P + G @ (P - new_P) @ G
    toward[3:] = 0.0
    lacking = max(0.75 * bend**2 - toward @ new_P @ toward, 0.0)
    return (
        new_x,
        new_P + lacking * np.outer(toward, toward) / (toward @ toward) ** 2,
        log_likelihood,
    )
