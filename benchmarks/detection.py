"""Exact detection probabilities: values a second, beside scipy's noncentral chi-squared.

SNRs per pulse evenly from -10 to 25 dB, Pfa 1e-6. A steady target's probability is that of a
noncentral chi-squared with 2n degrees of freedom, which ``scipy.stats.ncx2.sf`` tells; for
fluctuating ones scipy has nothing. Wall time is the best of the rounds, CPU time that of the
same round: on a busy machine they differ.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks import report
from benchmarks.suite import Column, Options, Result, Row, say
from sensors.detection import SWERLING_CASES, detection_probability, detection_threshold
from sim.core.tables import Bytes, Floats

SIZES, QUICK_SIZES = (1_000_000,), (100_000,)
ROUNDS, QUICK_ROUNDS = 5, 2
PFA = 1e-6
PULSES = (1, 10, 100)
MIXED = "all, mixed"
#: scipy is given so many of the values, which its speed does not depend on.
PEER_SHARE = 20

COLUMNS = (
    Column("row", "method"),
    Column("swerling", "Swerling"),
    Column("pulses", "pulses", ",d"),
    Column("values", "values", ",d"),
    Column("million_per_s", "M values/s", ",.2f"),
    Column("million_per_cpu_s", "M values/CPU s", ",.2f"),
    Column("times_ours", "× ours", ",.1f"),
    Column("difference", "largest difference", ".0e"),
)


def run(options: Options) -> Result:
    """Measure all cases."""
    result = Result()
    rounds = options.pick_seeds(ROUNDS, QUICK_ROUNDS)
    result.settings = {"rounds": rounds, "pfa": PFA, "snr_db": [-10, 25], "threads": 1}
    for size in options.pick_sizes(SIZES, QUICK_SIZES):
        snr = 10.0 ** (0.1 * np.random.default_rng(1).uniform(-10.0, 25.0, size))
        for pulses in PULSES:
            say(f"{size:,} values, {pulses} pulses")
            result.rows += _measure(snr, pulses, rounds)
    mixed = [r for r in result.rows if r["swerling"] == MIXED and r["pulses"] == 10]
    found = mixed[0]["million_per_s"] if mixed else None
    result.aim("exact Pd, 10 pulses, all cases mixed, M values/s", found, least=5.0)
    return result


def _measure(snr: Floats, pulses: int, rounds: int) -> list[Row]:
    """Return the rows of one number of pulses."""
    rows, steady = [], None
    mixed = np.random.default_rng(2).integers(0, len(SWERLING_CASES), snr.size).astype(np.uint8)
    cases = [(str(case), np.full(snr.size, case, np.uint8)) for case in SWERLING_CASES]
    for name, swerling in [*cases, (MIXED, mixed)]:
        rows.append(_ours(name, snr, swerling, pulses, rounds))
        if name == "0":
            steady = rows[-1]
    assert steady is not None
    some = snr[: max(1, snr.size // PEER_SHARE)]
    peer = _timed(lambda: _of_scipy(some, pulses), rounds)
    exact = detection_probability(some, PFA, pulses, 0)
    rows.append(
        {
            "row": "scipy ncx2.sf",
            "swerling": "0",
            "pulses": pulses,
            "values": some.size,
            "million_per_s": 1e-6 * some.size / peer[0],
            "million_per_cpu_s": 1e-6 * some.size / peer[1],
            "times_ours": 1e6 * peer[1] / some.size * steady["million_per_cpu_s"],
            "difference": float(np.abs(exact - _of_scipy(some, pulses)).max()),
        }
    )
    return rows


def _ours(name: str, snr: Floats, swerling: Bytes, pulses: int, rounds: int) -> Row:
    wall_s, cpu_s = _timed(lambda: detection_probability(snr, PFA, pulses, swerling), rounds)
    return {
        "row": "airpicture",
        "swerling": name,
        "pulses": pulses,
        "values": snr.size,
        "million_per_s": 1e-6 * snr.size / wall_s,
        "million_per_cpu_s": 1e-6 * snr.size / cpu_s,
    }


def _of_scipy(snr: Floats, pulses: int) -> Floats:
    from scipy.stats import ncx2

    threshold = 2.0 * detection_threshold(PFA, pulses)
    pd: Floats = ncx2.sf(threshold, 2 * pulses, 2.0 * pulses * snr)
    return pd


def _timed(call: Callable[[], Floats], rounds: int) -> tuple[float, float]:
    """Return wall and CPU seconds of the quickest round; one before it is not counted."""
    call()
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter(), time.process_time()
        call()
        taken.append((time.perf_counter() - begun[0], time.process_time() - begun[1]))
    return min(taken)


def plot(result: Result, folder: Path) -> list[Path]:
    """Draw values a second over pulses."""
    figure, axes = report.new_axes("pulses", "M values a CPU second", "Exact Pd")
    for method, case in (("airpicture", "0"), ("airpicture", MIXED), ("scipy ncx2.sf", "0")):
        rows = [r for r in result.rows if (r["row"], r["swerling"]) == (method, case)]
        axes.plot(
            [r["pulses"] for r in rows],
            [r["million_per_cpu_s"] for r in rows],
            marker="o",
            label=f"{method}, Swerling {case}",
        )
    axes.set_xscale("log")
    axes.legend()
    return [report.save(figure, folder / "detection.png")]
