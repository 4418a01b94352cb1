"""Obvious twins of two-point starts, triangulation, duplicates and learned clutter."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from reference import numerical_jacobian, polar, white_noise_acceleration

Floats = NDArray[np.float64]


def two_point(
    z1: Floats, R1: Floats, z2: Floats, R2: Floats, dt: float, q: tuple[float, float, float]
) -> tuple[Floats, Floats]:
    """State and covariance of two-point differencing, by propagating the errors.

    The errors are those of z1 and z2, and the white-noise accelerations between them.
    """
    Q = white_noise_acceleration(dt, q)
    errors = np.zeros((12, 12))
    errors[:3, :3], errors[3:6, 3:6], errors[6:, 6:] = R1, R2, Q
    eye, none = np.eye(3), np.zeros((3, 3))
    # z1 = p1 + e1, z2 = p1 + v1 dt + w_p + e2; wanted: p2 and v2 = v1 + w_v.
    position = np.hstack([none, eye, none, none])
    velocity = np.hstack([-eye / dt, eye / dt, eye / dt, -eye])
    G = np.vstack([position, velocity])
    return np.concatenate([z2, (z2 - z1) / dt]), G @ errors @ G.T


def nearest_pairs(seeds: Floats, plots: Floats, limit_m: float) -> list[tuple[int, int]]:
    """Pairs of seed and plot, nearest first, each used once."""
    distance = np.linalg.norm(seeds[:, None] - plots[None], axis=2)
    pairs = []
    while distance.size and distance.min() <= limit_m:
        i, j = np.unravel_index(distance.argmin(), distance.shape)
        pairs.append((int(i), int(j)))
        distance[i, :] = np.inf
        distance[:, j] = np.inf
    return pairs


def fix(
    truth: Floats, sites: list[Floats], sigma: list[Floats], prior: Floats
) -> tuple[Floats, Floats]:
    """Covariance of a position from angles of several sites, by adding information."""
    information = np.linalg.inv(prior)
    for site, s in zip(sites, sigma, strict=True):

        def angles(p: Floats, site: Floats = site) -> Floats:
            return polar(np.append(p, np.zeros(3)), site, np.eye(3))[1:3]

        J = numerical_jacobian(angles, truth, np.full(3, 1.0))
        measured = ~np.isnan(s)
        J, R = J[measured], np.diag(s[measured] ** 2)
        information = information + J.T @ np.linalg.inv(R) @ J
    return truth, np.linalg.inv(information)


def sigmas_apart(x: Floats, P: Floats, y: Floats, Q: Floats) -> float:
    """Root mean square of the six components' difference, in sigmas of both."""
    return float(np.sqrt((x - y) @ np.linalg.solve(P + Q, x - y) / 6))


def clutter_per_look(plots: float, looks: float, prior_plots: float, prior_mean: float) -> float:
    """Mean of the posterior gamma distribution, by integrating prior times likelihood."""
    from scipy.stats import gamma, poisson

    prior = gamma(prior_plots, scale=prior_mean / prior_plots)
    rate = np.linspace(0.0, 20.0 * max(prior_mean, (plots + 1.0) / max(looks, 1.0)), 200_001)
    weight = prior.pdf(rate) * poisson.pmf(round(plots), rate * looks)
    return float((rate * weight).sum() / weight.sum())
