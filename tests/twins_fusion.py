"""Obvious twins of track fusion, and sites that track the same straight-flying targets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from reference import transition, white_noise_acceleration
from scipy.optimize import linear_sum_assignment, minimize_scalar

from sim.core.tables import TrackStatus
from sim.tracking.estimates import Estimates

Floats = NDArray[np.float64]


def intersect(x1: Floats, P1: Floats, x2: Floats, P2: Floats) -> tuple[Floats, Floats, float]:
    """Covariance intersection, the weight searched by scipy."""
    A, B = np.linalg.inv(P1), np.linalg.inv(P2)

    def log_det(w: float) -> float:
        return -float(np.linalg.slogdet(w * A + (1 - w) * B)[1])

    inner = minimize_scalar(log_det, bounds=(0, 1), method="bounded", options={"xatol": 1e-12})
    w = min((0.0, 1.0, float(inner.x)), key=log_det)
    P = np.linalg.inv(w * A + (1 - w) * B)
    return P @ (w * A @ x1 + (1 - w) * B @ x2), P, w


def moved(x: Floats, P: Floats, dt: float, q: tuple[float, float]) -> tuple[Floats, Floats]:
    """Extrapolate by dt; backwards by undoing the motion, noise included."""
    noise = white_noise_acceleration(abs(dt), (q[0], q[0], q[1]))
    F = transition(dt)
    if dt < 0:
        return F @ x, F @ (P + noise) @ F.T
    return F @ x, F @ P @ F.T + noise


def fused(members: list[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    """Fold the members by covariance intersection, the one with the best position first."""
    first = min(range(len(members)), key=lambda k: np.trace(members[k][1][:3, :3]))
    x, P = members[first]
    for k, (other_x, other_P) in enumerate(members):
        if k != first:
            x, P, _ = intersect(x, P, other_x, other_P)
    return x, P


def dense_squared(x1: Floats, P1: Floats, x2: Floats, P2: Floats) -> Floats:
    """(N, M) squared Mahalanobis distances of all pairs."""
    d = x1[:, None] - x2[None]
    S = P1[:, None] + P2[None]
    squared: Floats = np.einsum("nmi,nmi->nm", d, np.linalg.solve(S, d[..., None])[..., 0])
    return squared


def dense_pairs(squared: Floats, gate: float) -> dict[int, int]:
    """Optimal pairs inside the gate."""
    gain = np.maximum(gate - squared, 0.0)
    rows, columns = linear_sum_assignment(gain, maximize=True)
    return {
        int(r): int(c) for r, c in zip(rows, columns, strict=True) if squared[r, c] <= gate
    }  # fmt: skip


class Site:
    """A site that measures the positions of known targets, and filters them one by one."""

    def __init__(
        self,
        n: int,
        sigma_m: tuple[float, float, float],
        q: tuple[float, float],
        rng: np.random.Generator,
        first_number: int = 1,
    ) -> None:
        self.R = np.diag(np.square(sigma_m))
        self.q = q
        self.rng = rng
        self.number = np.arange(first_number, first_number + n, dtype=np.int32)
        self.x = np.zeros((n, 6))
        self.P = np.zeros((n, 6, 6))
        self.hits = np.zeros(n, np.int32)
        self.time_s = -np.inf

    def see(self, truth: Floats, time_s: float) -> None:
        """Measure all targets (N, 6) and update."""
        z = truth[:, :3] + self.rng.normal(size=(len(truth), 3)) * np.sqrt(np.diag(self.R))
        if self.time_s == -np.inf:
            self.x[:, :3] = z
            self.P[:] = np.diag([*np.diag(self.R), *[200.0**2] * 3])
        else:
            dt = time_s - self.time_s
            F = transition(dt)
            Q = white_noise_acceleration(dt, (self.q[0], self.q[0], self.q[1]))
            self.x = self.x @ F.T
            self.P = F @ self.P @ F.T + Q
            K = self.P[:, :, :3] @ np.linalg.inv(self.P[:, :3, :3] + self.R)
            self.x = self.x + (K @ (z - self.x[:, :3])[..., None])[..., 0]
            self.P = self.P - K @ self.P[:, :3, :]
            self.P = 0.5 * (self.P + self.P.transpose(0, 2, 1))
        self.time_s = time_s
        self.hits += 1

    def report(self, rows: list[int] | None = None) -> Estimates:
        """Tell about all tracks, or some."""
        n = self.number.size
        replies = np.zeros((n, 3), np.int32)
        replies[:, 1] = self.hits
        whole = Estimates(
            time_s=self.time_s,
            number=self.number.copy(),
            mean=self.x.copy(),
            covariance=self.P.copy(),
            last_plot_s=np.full(n, self.time_s),
            hits=self.hits.copy(),
            sensors=np.ones(n, np.uint64),
            replies=replies,
            status=np.full(n, TrackStatus.CONFIRMED, np.uint8),
        )
        return whole if rows is None else whole.take(np.array(rows, np.intp))


class Sky:
    """Targets under nearly constant velocity: what sites have in common."""

    def __init__(self, n: int, q: tuple[float, float], rng: np.random.Generator) -> None:
        self.q = q
        self.rng = rng
        self.truth = np.column_stack(
            [rng.uniform(-80e3, 80e3, (n, 2)), rng.uniform(1e3, 9e3, n), rng.normal(0, 120, (n, 3))]
        )
        self.truth[:, 5] *= 0.02
        self.time_s = 0.0

    def to(self, time_s: float) -> Floats:
        """Fly on; return the truth (N, 6)."""
        dt = time_s - self.time_s
        if dt > 0:
            Q = white_noise_acceleration(dt, (self.q[0], self.q[0], self.q[1]))
            noise = self.rng.normal(size=self.truth.shape) @ np.linalg.cholesky(Q).T
            self.truth = self.truth @ transition(dt).T + noise
        self.time_s = time_s
        return self.truth
