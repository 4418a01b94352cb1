"""Kernel timings for pytest-benchmark: `pytest benchmarks/test_kernels.py`.

To compare two states of the code: `--benchmark-autosave`, then `--benchmark-compare`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.filters import CONTESTS
from sensors.detection import detector
from sensors.dwells import pd_of_dwells

pytest.importorskip("pytest_benchmark")


@pytest.mark.parametrize("tracks", [1_000, 100_000])
@pytest.mark.parametrize("kind", list(CONTESTS))
def test_filter_cycle(benchmark: Any, kind: str, tracks: int) -> None:
    work = CONTESTS[kind].compiled(tracks)
    work()
    benchmark(work)


@pytest.mark.parametrize("pulses", [1, 10, 30])
@pytest.mark.parametrize("swerling", [0, 1, 2, 3, 4])
def test_detection_probability(benchmark: Any, swerling: int, pulses: int) -> None:
    """A million exact values from −10 to 25 dB."""
    prepared = detector(1e-6, pulses)
    snr = 10.0 ** np.linspace(-1.0, 2.5, 1_000_000)
    case = np.full(snr.size, swerling, np.uint8)
    pd_of_dwells(snr[:1], case[:1], pulses, *prepared)
    benchmark(pd_of_dwells, snr, case, pulses, *prepared)
