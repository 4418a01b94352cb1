"""The whole judgement: stable, plain, deterministic, fast."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from metrics_histories import NO_TARGETS, NO_TRACKS, facts, plots, target, together, track

from sim.core.tables import Affiliation, Identity, Plots, TrackStatus
from sim.metrics.facts import Corridor, Point
from sim.metrics.history import TrackHistory, TruthHistory
from sim.metrics.judge import judge

TIMES = np.arange(20.0)
PROTECTED = (
    Corridor("approach", np.array([[5e3, 0, 0], [0.0, 0, 0]]), 1e3, (0,), 500.0, 300.0),
    Point("base", np.zeros(3), 1e3, 500.0),
)


def small() -> tuple[TruthHistory, TrackHistory]:
    truth = together(
        target(TIMES, 0, np.stack([4000 - 100 * TIMES, 0 * TIMES, 100 + 0 * TIMES], axis=1)),
        target(TIMES, 1, (3000, 100, 100)),
    )
    tracks = together(
        track(TIMES, 1, truth.position_enu_m[truth.target == 0], identity=Identity.FRIEND),
        track(TIMES, 2, (3010, 100, 100), identity=Identity.UNKNOWN),
        track(TIMES, 3, (9000, 0, 0), status=TrackStatus.TENTATIVE),
    )
    return truth, tracks


def numbers_in(value: Any) -> list[Any]:
    """All leaves of nested dicts and lists."""
    if isinstance(value, dict):
        return [leaf for v in value.values() for leaf in numbers_in(v)]
    if isinstance(value, list):
        return [leaf for v in value for leaf in numbers_in(v)]
    return [value]


def test_small_picture() -> None:
    about = facts(Affiliation.FRIEND, Affiliation.UNKNOWN)
    result = judge(*small(), plots([1.0], 0, 1, 9.0), about, PROTECTED, 500.0, 1.0)
    assert list(result) == [
        "steps", "interval_s", "cutoff_m", "ospa", "gospa", "ospa2", "t_gospa",
        "switches", "siap", "consistency", "classification", "targets", "sensors", "protect",
    ]  # fmt: skip
    assert result["steps"] == 20
    assert result["ospa"]["mean_m"] == pytest.approx(np.sqrt(100 / 2))
    assert result["gospa"]["mean_m"] == result["gospa"]["rms_m"] == pytest.approx(10.0)
    assert result["gospa"]["localisation_rms_m"] == pytest.approx(10.0)
    # The tentative track is no false track.
    assert result["gospa"]["false_tracks"] == result["siap"]["spuriousness"] == 0.0
    assert result["siap"]["identity_correctness"] == 1.0
    assert [t["id"] for t in result["targets"]] == ["t0", "t1"]
    assert [(p["id"], p["kind"]) for p in result["protect"]] == [
        ("approach", "corridor"),
        ("base", "point"),
    ]
    assert result["protect"][0]["missed_alerts"] == 0
    assert len(result["protect"][0]["infringements"]) == 1


def test_parts_of_gospa_add_up_in_squares() -> None:
    truth = together(target(TIMES, 0, (0, 0, 0)), target(TIMES[:7], 1, (900, 0, 0)))
    tracks = together(track(TIMES, 1, (30, 0, 0)), track(TIMES[3:9], 2, (-900, 0, 0)))
    about = facts(Affiliation.FRIEND, Affiliation.UNKNOWN)
    gospa = judge(truth, tracks, Plots.empty(), about, (), 100.0, 1.0)["gospa"]
    parts = [gospa[f"{part}_rms_m"] ** 2 for part in ("localisation", "missed", "false")]
    assert parts == pytest.approx([900.0, 7 / 20 * 5000, 6 / 20 * 5000])
    assert gospa["rms_m"] ** 2 == pytest.approx(sum(parts))
    assert (gospa["missed_targets"], gospa["false_tracks"]) == (7 / 20, 6 / 20)


@pytest.mark.parametrize("empty", [True, False])
def test_only_plain_values_and_no_nan(empty: bool) -> None:
    truth, tracks = (NO_TARGETS, NO_TRACKS) if empty else small()
    about = facts(Affiliation.FRIEND, Affiliation.UNKNOWN)
    result = judge(truth, tracks, Plots.empty(), about, PROTECTED, 500.0, 1.0)
    assert {type(leaf) for leaf in numbers_in(result)} <= {float, int, bool, str, type(None)}
    text = json.dumps(result, allow_nan=False)
    again = judge(truth, tracks, Plots.empty(), about, PROTECTED, 500.0, 1.0)
    assert json.dumps(again, allow_nan=False) == text


def test_refuses_an_interval_of_nothing() -> None:
    with pytest.raises(ValueError, match="interval_s"):
        judge(*small(), Plots.empty(), facts(), (), 500.0, 0.0)


def crowd(steps: int, targets: int, others: int) -> tuple[TruthHistory, TrackHistory]:
    """Targets spread over 40 km and tracks near them, spurious ones among them."""
    rng = np.random.default_rng(1)
    times = np.repeat(np.arange(float(steps)), targets)
    homes = rng.uniform(-2e4, 2e4, (max(targets, others), 3)) * [1, 1, 0.05]
    index = np.tile(np.arange(targets), steps)
    truth = target(times, 0, homes[index] + rng.normal(0, 30, (times.size, 3)))
    truth.target[:] = index
    times = np.repeat(np.arange(float(steps)), others)
    index = np.tile(np.arange(others), steps)
    tracks = track(times, 0, homes[index] + rng.normal(0, 30, (times.size, 3)))
    tracks.number[:] = index
    return truth, tracks


@pytest.mark.slow
@pytest.mark.parametrize(("steps", "targets", "others"), [(2400, 40, 60), (18_000, 1, 1)])
def test_long_runs_and_crowds_are_judged(steps: int, targets: int, others: int) -> None:
    about = facts(*[Affiliation.UNKNOWN] * targets)
    truth, tracks = crowd(steps, targets, others)
    result = judge(truth, tracks, Plots.empty(), about, PROTECTED, 1000.0, 1.0)
    assert result["siap"]["completeness"] == 1.0
