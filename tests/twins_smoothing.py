"""Obvious twins of the smoother: numpy, dense, one step after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.core.motion import DIMENSION, initial_extra, predict
from tests.reference import numerical_jacobian

Floats = NDArray[np.float64]

#: What a model's extra components are: acceleration, turn rate, drag.
EXTRA = ("", "acceleration", "acceleration", "turn", "drag")


@dataclass
class Look:
    """One measurement: when, and its linear or linearised matrix, value and noise."""

    time_s: float
    H: Floats
    z: Floats
    R: Floats


def moved(kind: int, parameters: Floats, x: Floats, dt: float) -> tuple[Floats, Floats, Floats]:
    """Mean after dt, F there, and Q."""
    kind = int(kind)
    n = DIMENSION[kind]

    def mean(x: Floats) -> Floats:
        y = x.copy()
        predict(kind, parameters, y, np.zeros((n, n)), dt, np.empty((40, 9)))
        return y

    Q = np.zeros((n, n))
    predict(kind, parameters, x.copy(), Q, dt, np.empty((40, 9)))
    step = np.r_[np.full(3, 10.0), np.full(3, 1.0), np.full(n - 6, 1e-3)]
    return mean(x), numerical_jacobian(mean, x, step), Q


def batch_estimate(
    x0: Floats, P0: Floats, looks: list[Look], F: list[Floats], Q: list[Floats]
) -> tuple[Floats, Floats]:
    """All states at once by weighted least squares: (K, n) means and (K, n, n) covariances."""
    K, n = len(looks), x0.size
    information, vector = np.zeros((K * n, K * n)), np.zeros(K * n)

    def add(rows: Floats, value: Floats, covariance: Floats) -> None:
        weight = rows.T @ np.linalg.inv(covariance)
        information[:] += weight @ rows
        vector[:] += weight @ value

    def selector(k: int) -> Floats:
        S = np.zeros((n, K * n))
        S[:, k * n : (k + 1) * n] = np.eye(n)
        return S

    add(selector(0), x0, P0)
    for k, look in enumerate(looks):
        add(look.H @ selector(k), look.z, look.R)
    for k in range(K - 1):
        add(selector(k + 1) - F[k] @ selector(k), np.zeros(n), Q[k])
    P = np.linalg.inv(information)
    x = P @ vector
    blocks = [slice(k * n, (k + 1) * n) for k in range(K)]
    return np.stack([x[b] for b in blocks]), np.stack([P[b, b] for b in blocks])


def expanded(
    kind_from: int, x: Floats, P: Floats, kind_to: int, own_x: Floats, own_P: Floats
) -> tuple[Floats, Floats, Floats]:
    """A state in another model's components; and E, whose rows pick what was kept.

    What the model does not know is taken from the other model's own estimate.
    """
    n, m = DIMENSION[kind_from], DIMENSION[kind_to]
    kept = m if EXTRA[kind_from] == EXTRA[kind_to] else 6
    E = np.zeros((m, n))
    E[:kept, :kept] = np.eye(kept)
    y, Y = E @ x, E @ P @ E.T
    y[kept:] = own_x[kept:]
    Y[kept:, kept:] = own_P[kept:, kept:]
    return y, Y, E


def merged(weight: Floats, means: list[Floats], covariances: list[Floats]) -> tuple[Floats, Floats]:
    """Mean and covariance of a mixture."""
    x = sum(w * m for w, m in zip(weight, means, strict=True))
    P = sum(
        w * (C + np.outer(m - x, m - x)) for w, m, C in zip(weight, means, covariances, strict=True)
    )
    return x, P


def log_normal(d: Floats, S: Floats) -> float:
    """ln N(d; 0, S)."""
    return float(-0.5 * (d @ np.linalg.solve(S, d) + np.linalg.slogdet(2 * np.pi * S)[1]))


def imm_smoother(
    x0: Floats,
    P0: Floats,
    looks: list[Look],
    kinds: list[int],
    parameters: Floats,
    transition: Callable[[float], Floats],
) -> dict[str, Floats]:
    """Forward IMM and backward smoothing by pairs; ``transition(dt)`` gives p[from, to].

    What the later plots say of the next state is the smoothed over the predicted density; it
    is written as information Λ and vector η about the prediction, and joined to each pair's
    state by inverting the joint covariance.
    """
    kinds = [int(kind) for kind in kinds]
    M, K = len(kinds), len(looks)
    predicted: list[list[tuple[Floats, Floats]]] = []
    filtered: list[list[tuple[Floats, Floats]]] = []
    mode = np.zeros((K, M))
    for k, look in enumerate(looks):
        before, states, log = [], [], np.zeros(M)
        for i in range(M):
            if k == 0:
                n = DIMENSION[kinds[i]]
                x, P = np.zeros(n), np.zeros((n, n))
                x[:6], P[:6, :6] = x0, P0
                initial_extra(kinds[i], parameters[i], x, P)
                weight = 1 / M
            else:
                dt = look.time_s - looks[k - 1].time_s
                mixing = mode[k - 1] * transition(dt)[:, i]
                weight = mixing.sum()
                pieces = [
                    expanded(kinds[j], *filtered[k - 1][j], kinds[i], *filtered[k - 1][i])
                    for j in range(M)
                ]
                x, P = merged(mixing / weight, [a[0] for a in pieces], [a[1] for a in pieces])
                x, F, Q = moved(kinds[i], parameters[i], x, dt)
                P = F @ P @ F.T + Q
            before.append((x, P))
            H = np.zeros((look.H.shape[0], x.size))
            H[:, :6] = look.H
            d = look.z - H @ x
            S = H @ P @ H.T + look.R
            G = P @ H.T @ np.linalg.inv(S)
            log[i] = np.log(weight) + log_normal(d, S)
            states.append((x + G @ d, P - G @ S @ G.T))
        mode[k] = np.exp(log - log.max())
        mode[k] /= mode[k].sum()
        predicted.append(before)
        filtered.append(states)

    smoothed, backward = [filtered[-1]], [mode[-1]]
    for k in range(K - 2, -1, -1):
        dt = looks[k + 1].time_s - looks[k].time_s
        weight = np.zeros((M, M))
        pairs: dict[tuple[int, int], tuple[Floats, Floats]] = {}
        for i in range(M):
            xs, Ps = smoothed[0][i]
            xp, Pp = predicted[k + 1][i]
            information = np.linalg.inv(Ps) - np.linalg.inv(Pp)
            vector = np.linalg.solve(Ps, xs - xp)
            if M > 1:  # merging may leave more spread than was predicted: then it says nothing
                L = np.linalg.cholesky(Pp)
                s, U = np.linalg.eigh(np.linalg.solve(L, np.linalg.solve(L, Ps).T))
                W = U.T @ np.linalg.inv(L)
                news = np.where(s < 1, W @ (xs - xp) / s, 0.0)
                information = W.T @ np.diag(np.maximum(1 / s - 1, 0.0)) @ W
                vector = W.T @ news
            log = np.zeros(M)
            for j in range(M):
                x, P = filtered[k][j]
                y, Y, E = expanded(kinds[j], x, P, kinds[i], *filtered[k][i])
                y, F, Q = moved(kinds[i], parameters[i], y, dt)
                Y = F @ Y @ F.T + Q
                A = P @ E.T @ F.T @ np.linalg.inv(Y)
                after = np.linalg.inv(np.linalg.inv(Y) + information)
                shift = np.linalg.solve(Y, y - xp) + vector
                log[j] = (
                    np.log(mode[k, j] * transition(dt)[j, i] + 1e-300)
                    + 0.5 * (shift @ after @ shift - (y - xp) @ np.linalg.solve(Y, y - xp))
                    + 0.5 * (np.linalg.slogdet(after)[1] - np.linalg.slogdet(Y)[1])
                )
                pairs[i, j] = (x + A @ (xp + after @ shift - y), P + A @ (after - Y) @ A.T)
            share = np.exp(log - log.max())
            weight[i] = backward[0][i] * share / share.sum()
        now = weight.sum(axis=0)
        states = [
            merged(
                weight[:, j] / now[j],
                [pairs[i, j][0] for i in range(M)],
                [pairs[i, j][1] for i in range(M)],
            )
            for j in range(M)
        ]
        smoothed.insert(0, states)
        backward.insert(0, now)

    def collapsed(weight: Floats, states: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
        return merged(weight, [x[:6] for x, _ in states], [P[:6, :6] for _, P in states])

    ahead = [collapsed(m, s) for m, s in zip(mode, filtered, strict=True)]
    back = [collapsed(m, s) for m, s in zip(backward, smoothed, strict=True)]
    return {
        "filtered": np.stack([x for x, _ in ahead]),
        "filtered_covariance": np.stack([P for _, P in ahead]),
        "filtered_mode": mode,
        "mean": np.stack([x for x, _ in back]),
        "covariance": np.stack([P for _, P in back]),
        "mode": np.stack(backward),
    }
