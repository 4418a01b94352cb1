"""The same tracks on any number of threads, in any order of plots, compiled or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from test_tracker import assert_same, pictures
from test_tracker_late import rotating
from tracking_scenes import observed

from sim.core.tables import Plots, Tracks
from sim.tracking import Tracker, TrackerConfig, predicting
from sim.tracking import straight as straight_way

BANK = TrackerConfig(filter="imm", association="jipda")


#: What is not told is as in a default tracker: extended filter, nearest neighbours, 3 of 5.
EACH = {
    "imm, jipda": BANK,
    "kf": TrackerConfig(filter="kf"),
    "ckf": TrackerConfig(filter="ckf"),
    "jpda": TrackerConfig(association="jpda"),
    "score": TrackerConfig(filter="kf", confirmation="score"),
    "two-point": TrackerConfig(start="two-point"),
    "estimated clutter": TrackerConfig(clutter="estimated"),
}


@pytest.mark.parametrize("config", EACH.values(), ids=EACH)
def test_order_of_plots_changes_nothing(config: TrackerConfig) -> None:
    plots = observed(n=10, duration_s=16.0)
    expected = pictures(Tracker(config, rotating()), plots, 16.0)
    assert expected[-1].confirmed.sum() >= 8
    rng = np.random.default_rng(5)
    shuffled = plots.take(rng.permutation(len(plots)))
    assert_same(expected, pictures(Tracker(config, rotating()), shuffled, 16.0))


@pytest.mark.parametrize("config", EACH.values(), ids=EACH)
def test_threads_change_nothing(config: TrackerConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    before = numba.get_num_threads()
    if before < 2:
        pytest.skip("numba has one thread only")
    monkeypatch.setattr("sim.core.jit._THREADED_FROM", 0)
    # Threads share blocks: with a single one the second thread would have nothing to do.
    straight = config.filter == "kf"
    block = straight_way.BLOCK if straight else predicting.BLOCK
    plots = observed(n=4500 if straight else 300, duration_s=4.0 if straight else 10.0)
    rng = np.random.default_rng(6)
    results = []
    try:
        for threads in (1, 2, 2):
            numba.set_num_threads(threads)
            results.append(pictures(Tracker(config, rotating()), plots, 10.0))
            plots = plots.take(rng.permutation(len(plots)))
    finally:
        numba.set_num_threads(before)
    assert max(len(tracks) for tracks in results[0]) > block
    assert_same(results[0], results[1])
    assert_same(results[0], results[2])


CONFIGS = {
    "gnn": TrackerConfig(),
    "jpda": TrackerConfig(association="jpda"),
    "jipda": BANK,
    "mht": TrackerConfig(association="mht"),
}


def small_run(name: str) -> Tracks:
    """Three targets, five looks of each radar."""
    plots = observed(n=3, duration_s=10.0, false_per_turn=3, seed=2)
    five: Plots = plots.take(plots.time_s <= 10.0)
    return pictures(Tracker(CONFIGS[name], rotating()), five, 10.0)[-1]


def as_columns(name: str) -> dict[str, np.ndarray]:
    picture = small_run(name)
    return {
        field: getattr(picture, field)
        for field in ("number", "status", "hits", "position_enu_m", "velocity_enu_mps",
                      "position_covariance_m2", "last_plot_s")
    }  # fmt: skip


@pytest.mark.slow
def test_kernels_give_the_same_when_they_are_not_compiled(tmp_path: Path) -> None:
    """Plain Python runs the same source."""
    tests = Path(__file__).parent
    code = (
        "import numpy as np, test_tracker_repeatable as t\n"
        f"for name in t.CONFIGS: np.savez(r'{tmp_path}/' + name, **t.as_columns(name))\n"
    )
    path = os.pathsep.join([str(tests), str(tests.parent)])
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": path}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=300)
    for name in CONFIGS:
        compiled = as_columns(name)
        assert (compiled["status"] > 0).sum() >= 2
        with np.load(tmp_path / f"{name}.npz") as plain:
            for field, values in compiled.items():
                np.testing.assert_allclose(
                    plain[field], values, rtol=1e-9, atol=1e-9, err_msg=f"{name} {field}"
                )
