"""Filter throughput: the compiled kernels beside filterpy and the machine's own bandwidth.

One update is one predict and one update of a 6-state track by a 3-component measurement:
a measured position for the Kalman filter, range, azimuth and elevation for the extended
one. Every round measures all contestants in turn; ratios are formed within a round and
their median is reported, so a drift of the machine's speed cancels.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable

import numba
import numpy as np
from filterpy.kalman import ExtendedKalmanFilter, KalmanFilter

from sim.core.gaussian import kalman_cycle
from sim.core.jit import threads_for
from sim.tracking.cycle import Cycle
from sim.tracking.kernels import update_tracks
from sim.tracking.store import empty_columns

SIZES = (1_000, 100_000, 1_000_000)
DT_S, Q = 1.0, 0.5
POSITION_SIGMA_M = 25.0
POLAR_SIGMA = np.array([25.0, 0.003, 0.003])
#: Bytes that one linear update must move: mean and covariance in and out, measurement, noise.
BYTES_PER_UPDATE = 8 * (2 * (6 + 21) + 3 + 6)
PEER_UPDATES = 1500
MINIMUM_S = 0.25


def triad_gb_per_s() -> float:
    """Return the bandwidth of a[i] = b[i] + s·c[i] over arrays far larger than any cache."""
    size = 16_000_000
    a, b, c = np.zeros(size), np.ones(size), np.ones(size)
    _triad(a, b, c)
    seconds = _fastest(lambda: _triad(a, b, c), 5)
    return 24 * size / seconds / 1e9


@numba.njit(parallel=True, cache=True)  # type: ignore[untyped-decorator]
def _triad(a, b, c):  # type: ignore[no-untyped-def]
    for i in numba.prange(a.size):
        a[i] = b[i] + 3.0 * c[i]


def _fastest(work: Callable[[], None], repeats: int) -> float:
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def _rate(work: Callable[[], None], updates: int) -> float:
    """Return updates per second of repeated work, over a quarter of a second or more."""
    done, start = 0, time.perf_counter()
    while True:
        work()
        done += updates
        elapsed = time.perf_counter() - start
        if elapsed > MINIMUM_S:
            return done / elapsed


def compiled_linear(n: int) -> Callable[[], None]:
    """Return one predict and update of n tracks by the packed Kalman kernel."""
    rng = np.random.default_rng(0)
    mean = rng.normal(0.0, 100.0, (6, n))
    covariance = np.zeros((21, n))
    covariance[[0, 3, 5]] = POSITION_SIGMA_M**2
    covariance[[15, 18, 20]] = 100.0
    measured = mean[:3] + rng.normal(0.0, POSITION_SIGMA_M, (3, n))
    noise = np.zeros((6, n))
    noise[[0, 3, 5]] = POSITION_SIGMA_M**2

    def work() -> None:
        with threads_for(n):
            kalman_cycle(mean, covariance, measured, noise, DT_S, Q)

    return work


def compiled_extended(n: int) -> Callable[[], None]:
    """Return one predict and polar update of n tracks by the tracker's own kernel."""
    rng = np.random.default_rng(0)
    tracks = empty_columns(n)
    range_m, azimuth = rng.uniform(20e3, 80e3, n), rng.uniform(0, 2 * np.pi, n)
    elevation = rng.uniform(0.02, 0.3, n)
    tracks.mean[0] = range_m * np.cos(elevation) * np.sin(azimuth)
    tracks.mean[1] = range_m * np.cos(elevation) * np.cos(azimuth)
    tracks.mean[2] = range_m * np.sin(elevation)
    tracks.covariance[[0, 3, 5]] = 100.0**2
    tracks.covariance[[15, 18, 20]] = 100.0
    plots = Cycle(
        time_s=np.zeros(n),
        sensor=np.zeros(n, np.int32),
        measurement=np.column_stack([range_m, azimuth, elevation, np.full(n, np.nan)]),
        sigma=np.tile(np.append(POLAR_SIGMA, np.nan), (n, 1)),
        reply=np.zeros(n, np.uint8),
    )
    columns = np.arange(n, dtype=np.int32)
    first = np.arange(n + 1, dtype=np.int32)
    origins, axes = np.zeros((1, 3)), np.eye(3)[None]

    def work() -> None:
        plots.time_s[:] += DT_S
        with threads_for(n):
            update_tracks(tracks, columns, first, columns, plots, origins, axes, Q, Q)

    return work


def _motion() -> tuple[np.ndarray, np.ndarray]:
    F = np.eye(6)
    F[:3, 3:] = DT_S * np.eye(3)
    eye = np.eye(3)
    noise = Q * np.block([[eye * DT_S**3 / 3, eye * DT_S**2 / 2], [eye * DT_S**2 / 2, eye * DT_S]])
    return F, noise


def peer_linear() -> Callable[[], None]:
    """Return many predicts and updates of filterpy's KalmanFilter."""
    kalman = KalmanFilter(dim_x=6, dim_z=3)
    kalman.F, kalman.Q = _motion()
    kalman.H = np.eye(3, 6)
    kalman.R = POSITION_SIGMA_M**2 * np.eye(3)
    kalman.P *= 100.0
    z = np.random.default_rng(0).normal(0.0, POSITION_SIGMA_M, (PEER_UPDATES, 3, 1))

    def work() -> None:
        for measured in z:
            kalman.predict()
            kalman.update(measured)

    return work


def peer_extended() -> Callable[[], None]:
    """Return many predicts and polar updates of filterpy's ExtendedKalmanFilter."""
    kalman = ExtendedKalmanFilter(dim_x=6, dim_z=3)
    kalman.F, kalman.Q = _motion()
    kalman.x = np.array([30e3, 40e3, 5e3, 0.0, 0.0, 0.0])
    kalman.P = np.diag([1e4, 1e4, 1e4, 100.0, 100.0, 100.0])
    kalman.R = np.diag(POLAR_SIGMA**2)

    def polar(x: np.ndarray) -> np.ndarray:
        horizontal = math.hypot(x[0], x[1])
        return np.array(
            [math.hypot(horizontal, x[2]), math.atan2(x[0], x[1]), math.atan2(x[2], horizontal)]
        )

    def jacobian(x: np.ndarray) -> np.ndarray:
        e, n, u = x[0], x[1], x[2]
        flat = e * e + n * n
        r2 = flat + u * u
        horizontal, r = math.sqrt(flat), math.sqrt(r2)
        H = np.zeros((3, 6))
        H[0, :3] = e / r, n / r, u / r
        H[1, :2] = n / flat, -e / flat
        H[2, :3] = -e * u / (r2 * horizontal), -n * u / (r2 * horizontal), horizontal / r2
        return H

    z0 = polar(kalman.x)
    z = z0 + POLAR_SIGMA * np.random.default_rng(0).normal(size=(PEER_UPDATES, 3))

    def work() -> None:
        for measured in z:
            kalman.predict()
            kalman.update(measured, jacobian, polar)

    return work


def measure(rounds: int, threads: int, sizes: tuple[int, ...]) -> dict[str, object]:
    """Return all rates and their ratios, each the median over the rounds."""
    numba.set_num_threads(threads)
    contestants = {
        "linear": (peer_linear(), {n: compiled_linear(n) for n in sizes}),
        "extended": (peer_extended(), {n: compiled_extended(n) for n in sizes}),
    }
    for peer, kernels in contestants.values():
        peer()
        for work in kernels.values():
            work()
    bandwidth: list[float] = []
    peers: dict[str, list[float]] = {kind: [] for kind in contestants}
    rates: dict[tuple[str, int], list[float]] = {
        (kind, n): [] for kind in contestants for n in sizes
    }
    for k in range(rounds):
        print(f"round {k + 1} of {rounds}", file=sys.stderr)
        bandwidth.append(triad_gb_per_s())
        for kind, (peer, kernels) in contestants.items():
            peers[kind].append(_rate(peer, PEER_UPDATES))
            for n, work in kernels.items():
                rates[kind, n].append(_rate(work, n))
    rows = []
    for (kind, n), values in rates.items():
        ratios = [rate / peer for rate, peer in zip(values, peers[kind], strict=True)]
        row: dict[str, object] = {
            "filter": kind,
            "tracks": n,
            "updates_per_s": statistics.median(values),
            "times_filterpy": statistics.median(ratios),
        }
        if kind == "linear":
            shares = [
                rate * BYTES_PER_UPDATE / (gb * 1e9)
                for rate, gb in zip(values, bandwidth, strict=True)
            ]
            row["share_of_triad_bandwidth"] = statistics.median(shares)
        rows.append(row)
    return {
        "threads": threads,
        "rounds": rounds,
        "triad_gb_per_s": statistics.median(bandwidth),
        "filterpy_updates_per_s": {kind: statistics.median(v) for kind, v in peers.items()},
        "rows": rows,
    }


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="airpicture bench filters", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=min(2, numba.config.NUMBA_NUM_THREADS))
    parser.add_argument("--tracks", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    result = measure(options.rounds, options.threads, tuple(options.tracks))
    if options.json:
        print(json.dumps(result, indent=2))
        return
    print(
        f"{result['threads']} threads, median of {result['rounds']} rounds; "
        f"triad {result['triad_gb_per_s']:.1f} GB/s"
    )
    peers = result["filterpy_updates_per_s"]
    print(f"{'filter':<10}{'tracks':>10}{'updates/s':>15}{'× filterpy':>12}{'of bandwidth':>14}")
    for kind, name in (("linear", "KalmanFilter"), ("extended", "ExtendedKalmanFilter")):
        print(f"{kind:<10}{'1':>10}{peers[kind]:>15,.0f}{'1':>12}{'':>14}  filterpy {name}")
        for row in result["rows"]:
            if row["filter"] == kind:
                share = row.get("share_of_triad_bandwidth")
                print(
                    f"{kind:<10}{row['tracks']:>10,}{row['updates_per_s']:>15,.0f}"
                    f"{row['times_filterpy']:>12,.0f}"
                    f"{'' if share is None else f'{share:.0%}':>14}"
                )


if __name__ == "__main__":
    main()
