"""Kernel timings for pytest-benchmark: `pytest benchmarks/test_kernels.py`.

To compare two states of the code: `--benchmark-autosave`, then `--benchmark-compare`.
"""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.filters import CONTESTS

pytest.importorskip("pytest_benchmark")


@pytest.mark.parametrize("tracks", [1_000, 100_000])
@pytest.mark.parametrize("kind", list(CONTESTS))
def test_filter_cycle(benchmark: Any, kind: str, tracks: int) -> None:
    work = CONTESTS[kind].compiled(tracks)
    work()
    benchmark(work)
