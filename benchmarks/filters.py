"""Filter kernels beside filterpy and the memory's bandwidth.

One update is one predict and one update of a 6-state track by a 3-component measurement:
a measured position for the Kalman filter and the IMM of two such, range, azimuth and
elevation for the extended one. Every round measures all contestants in turn; ratios are
formed within a round and their median is reported, so a drift of the machine's speed cancels.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numba
import numpy as np
from filterpy.kalman import ExtendedKalmanFilter, IMMEstimator, KalmanFilter

from benchmarks import report
from benchmarks.machine import Triad, seconds_of
from benchmarks.suite import Column, Options, Result, Row, say
from sim.core.gaussian import BLOCK, kalman_cycle, load_state, store_state
from sim.core.imm import imm_cycle
from sim.core.jit import kernel, threads_for
from sim.core.motion import predict_constant_velocity
from sim.core.tables import Floats, Measured
from sim.core.update import extended_update

SIZES, QUICK_SIZES = (1_000, 100_000, 1_000_000), (1_000, 100_000)
ROUNDS, QUICK_ROUNDS = 5, 2
DT_S, Q, Q_MANOEUVRE = 1.0, 0.5, 50.0
POSITION_SIGMA_M = 25.0
POLAR_SIGMA = np.array([25.0, 0.003, 0.003])
TRANSITION = np.array([[0.95, 0.05], [0.1, 0.9]])
PEER_UPDATES = 1000
_POLAR = int(Measured.POLAR)
MINIMUM_S = 0.25

COLUMNS = (
    Column("filter", "filter"),
    Column("tracks", "tracks", ",d"),
    Column("updates_per_s", "updates/s", ",.0f"),
    Column("times_filterpy", "× filterpy", ",.0f"),
    Column("share_of_bandwidth", "of bandwidth bound", ".0%"),
    Column("compile_s", "s to compile", ".1f"),
)

Work = Callable[[], None]


def _columns(n: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Return mean, covariance, measured positions and their noise of n tracks."""
    rng = np.random.default_rng(0)
    mean = rng.normal(0.0, 100.0, (6, n))
    covariance = np.zeros((21, n))
    covariance[[0, 3, 5]] = POSITION_SIGMA_M**2
    covariance[[15, 18, 20]] = 100.0
    measured = mean[:3] + rng.normal(0.0, POSITION_SIGMA_M, (3, n))
    noise = np.zeros((6, n))
    noise[[0, 3, 5]] = POSITION_SIGMA_M**2
    return mean, covariance, measured, noise


def linear(n: int) -> Work:
    """Return one predict and update of n tracks by the Kalman kernel."""
    mean, covariance, measured, noise = _columns(n)

    def work() -> None:
        with threads_for(n):
            kalman_cycle(mean, covariance, measured, noise, DT_S, Q)

    return work


def imm(n: int) -> Work:
    """Return one cycle of n tracks by two interacting models."""
    mean, covariance, measured, noise = _columns(n)
    means, covariances = np.stack([mean, mean]), np.stack([covariance, covariance])
    probability = np.full((2, n), 0.5)
    q = np.array([Q, Q_MANOEUVRE])

    def work() -> None:
        with threads_for(n):
            imm_cycle(means, covariances, probability, measured, noise, DT_S, q, TRANSITION)

    return work


@kernel(parallel=True)
def _extended_cycle(
    mean: Floats, covariance: Floats, measured: Floats, sigma: Floats, dt: float, q: float
) -> None:
    """Predict and update all tracks by polar plots of a sensor at the origin."""
    n = mean.shape[1]
    for block in numba.prange((n + BLOCK - 1) // BLOCK):
        x, P, work = np.empty(9), np.empty((9, 9)), np.empty((40, 9))
        origin, axes = np.zeros(3), np.eye(3)
        for k in range(block * BLOCK, min(n, (block + 1) * BLOCK)):
            load_state(mean, 0, covariance, 0, k, 6, x, P)
            predict_constant_velocity(x, P, dt, q, q)
            extended_update(_POLAR, x, P, 6, measured[k], sigma, origin, axes, origin, work)
            store_state(mean, 0, covariance, 0, k, 6, x, P)


def extended(n: int) -> Work:
    """Return one predict and polar update of n tracks by the kernels that the tracker uses."""
    rng = np.random.default_rng(0)
    mean, covariance, *_ = _columns(n)
    r, azimuth = rng.uniform(20e3, 80e3, n), rng.uniform(0, 2 * np.pi, n)
    elevation = rng.uniform(0.02, 0.3, n)
    mean[0] = r * np.cos(elevation) * np.sin(azimuth)
    mean[1] = r * np.cos(elevation) * np.cos(azimuth)
    mean[2] = r * np.sin(elevation)
    mean[3:] = 0.0
    measured = np.column_stack([r, azimuth, elevation, np.full(n, np.nan)])
    sigma = np.append(POLAR_SIGMA, np.nan)

    def work() -> None:
        with threads_for(n):
            _extended_cycle(mean, covariance, measured, sigma, DT_S, Q)

    return work


def _motion(q: float) -> tuple[Floats, Floats]:
    eye = np.eye(3)
    F = np.block([[eye, DT_S * eye], [0 * eye, eye]])
    noise = q * np.block([[eye * DT_S**3 / 3, eye * DT_S**2 / 2], [eye * DT_S**2 / 2, eye * DT_S]])
    return F, noise


def _kalman(q: float = Q) -> KalmanFilter:
    kalman = KalmanFilter(dim_x=6, dim_z=3)
    kalman.F, kalman.Q = _motion(q)
    kalman.H = np.eye(3, 6)
    kalman.R = POSITION_SIGMA_M**2 * np.eye(3)
    kalman.P *= 100.0
    return kalman


def _positions() -> Floats:
    return np.random.default_rng(0).normal(0.0, POSITION_SIGMA_M, (PEER_UPDATES, 3, 1))


def peer_linear() -> Work:
    """Return many predicts and updates of filterpy's KalmanFilter."""
    kalman, z = _kalman(), _positions()

    def work() -> None:
        for measured in z:
            kalman.predict()
            kalman.update(measured)

    return work


def peer_imm() -> Work:
    """Return many predicts and updates of filterpy's IMMEstimator over two KalmanFilters."""
    estimator = IMMEstimator([_kalman(Q), _kalman(Q_MANOEUVRE)], np.array([0.5, 0.5]), TRANSITION)
    z = _positions()

    def work() -> None:
        for measured in z:
            estimator.predict()
            estimator.update(measured)

    return work


def peer_extended() -> Work:
    """Return many predicts and polar updates of filterpy's ExtendedKalmanFilter."""
    kalman = ExtendedKalmanFilter(dim_x=6, dim_z=3)
    kalman.F, kalman.Q = _motion(Q)
    kalman.x = np.array([30e3, 40e3, 5e3, 0.0, 0.0, 0.0])
    kalman.P = np.diag([1e4, 1e4, 1e4, 100.0, 100.0, 100.0])
    kalman.R = np.diag(POLAR_SIGMA**2)

    def polar(x: Floats) -> Floats:
        horizontal = math.hypot(x[0], x[1])
        return np.array(
            [math.hypot(horizontal, x[2]), math.atan2(x[0], x[1]), math.atan2(x[2], horizontal)]
        )

    def jacobian(x: Floats) -> Floats:
        e, n, u = x[0], x[1], x[2]
        flat = e * e + n * n
        r2 = flat + u * u
        horizontal, r = math.sqrt(flat), math.sqrt(r2)
        H = np.zeros((3, 6))
        H[0, :3] = e / r, n / r, u / r
        H[1, :2] = n / flat, -e / flat
        H[2, :3] = -e * u / (r2 * horizontal), -n * u / (r2 * horizontal), horizontal / r2
        return H

    z = polar(kalman.x) + POLAR_SIGMA * np.random.default_rng(0).normal(size=(PEER_UPDATES, 3))

    def work() -> None:
        for measured in z:
            kalman.predict()
            kalman.update(measured, jacobian, polar)

    return work


@dataclass(frozen=True, slots=True)
class Contest:
    """A kernel, its peer, and the float64 that an update must move at least.

    Those are mean, covariance and model probability in and out, measurement and noise in.
    """

    compiled: Callable[[int], Work]
    peer: Callable[[], Work]
    peer_name: str
    floats: int


CONTESTS = {
    "linear": Contest(linear, peer_linear, "KalmanFilter", 2 * 27 + 3 + 6),
    "IMM(2)": Contest(imm, peer_imm, "IMMEstimator", 2 * 2 * 28 + 3 + 6),
    "extended": Contest(extended, peer_extended, "ExtendedKalmanFilter", 2 * 27 + 4),
}


def _rate(work: Work, updates: int) -> float:
    """Return updates per second of repeated work, over a quarter of a second or more."""
    done, start = 0, time.perf_counter()
    while True:
        work()
        done += updates
        elapsed = time.perf_counter() - start
        if elapsed > MINIMUM_S:
            return done / elapsed


def run(options: Options) -> Result:
    """Measure all rates, round by round."""
    sizes = options.pick_sizes(SIZES, QUICK_SIZES)
    rounds = options.pick_seeds(ROUNDS, QUICK_ROUNDS)
    triad = Triad()
    result = Result(
        settings={"rounds": rounds, "filterpy": "one filter in a Python loop"},
        notes=["of bandwidth bound: of the rate at which a triad in the same round moves bytes"],
    )
    peers = {kind: contest.peer() for kind, contest in CONTESTS.items()}
    kernels: dict[tuple[str, int], Work] = {}
    for kind, contest in CONTESTS.items():
        peers[kind]()
        first_s = sum(seconds_of(contest.compiled(n)) for n in (10, 3_000))
        result.rows.append({"filter": f"{kind}: first call", "compile_s": first_s})
        for n in sizes:
            kernels[kind, n] = contest.compiled(n)
            kernels[kind, n]()
    bandwidth: list[float] = []
    peer_rates: dict[str, list[float]] = {kind: [] for kind in CONTESTS}
    rates: dict[tuple[str, int], list[float]] = {key: [] for key in kernels}
    for k in range(rounds):
        say(f"round {k + 1} of {rounds}")
        bandwidth.append(triad.gb_per_s())
        for kind in CONTESTS:
            peer_rates[kind].append(_rate(peers[kind], PEER_UPDATES))
            for n in sizes:
                rates[kind, n].append(_rate(kernels[kind, n], n))
    result.settings["triad_gb_per_s"] = median(bandwidth)
    for kind, contest in CONTESTS.items():
        result.rows.append(
            {
                "filter": f"{kind}: filterpy {contest.peer_name}",
                "tracks": 1,
                "updates_per_s": median(peer_rates[kind]),
            }
        )
        result.rows += [_row(kind, n, rates[kind, n], peer_rates[kind], bandwidth) for n in sizes]
    _aims(result)
    return result


def _row(
    kind: str, n: int, rates: list[float], peer_rates: list[float], bandwidth: list[float]
) -> Row:
    moved = 8 * CONTESTS[kind].floats
    return {
        "filter": kind,
        "tracks": n,
        "updates_per_s": median(rates),
        "times_filterpy": median(a / b for a, b in zip(rates, peer_rates, strict=True)),
        "share_of_bandwidth": median(
            rate * moved / (gb * 1e9) for rate, gb in zip(rates, bandwidth, strict=True)
        ),
    }


def _aims(result: Result) -> None:
    million = {row["filter"]: row for row in result.rows if row.get("tracks") == 1_000_000}
    for kind, least in (("linear", 800.0), ("IMM(2)", 2000.0)):
        value = million.get(kind, {}).get("times_filterpy")
        result.aim(f"{kind}, a million tracks, × filterpy", value, least=least)
    share = million.get("linear", {}).get("share_of_bandwidth")
    result.aim("linear, a million tracks, share of the bandwidth bound", share, least=0.5)


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw updates per second over the number of tracks."""
    figure, axes = report.new_axes("tracks", "updates per second", "Filter kernels")
    for kind in CONTESTS:
        rows = [row for row in result.rows if row["filter"] == kind]
        line = axes.plot(
            [row["tracks"] for row in rows],
            [row["updates_per_s"] for row in rows],
            "o-",
            label=kind,
        )
        for row in result.rows:
            if row["filter"].startswith(f"{kind}: filterpy"):
                axes.axhline(
                    row["updates_per_s"], ls=":", color=line[0].get_color(), label=row["filter"]
                )
    axes.legend(fontsize=8)
    return [report.save(figure, folder / "filters.png")]
