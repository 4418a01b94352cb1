"""Variants of a scenario, the same chances in each, and differences with their intervals."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from defence_scenes import effector, scene, written

from sim.campaign.compare import Spread, compare, compared, number_at
from sim.cli import main
from sim.scenario.errors import UserError
from sim.scenario.loader import load
from sim.scenario.variants import variants_of


def test_all_combinations_in_order(tmp_path: Path) -> None:
    spec = load(written(scene(effector()), tmp_path)).spec
    found = variants_of(
        spec, ["defence.planner.shots_max=1,2", "defence.effectors.e.channels=3, 4"]
    )
    assert [variant.name for variant in found] == [
        "shots_max=1, channels=3",
        "shots_max=1, channels=4",
        "shots_max=2, channels=3",
        "shots_max=2, channels=4",
    ]
    assert found[2].spec.defence is not None
    assert found[2].spec.defence.planner.shots_max == 2
    assert found[1].spec.defence is not None
    assert found[1].spec.defence.effectors[0].channels == 4
    assert found[0].spec.targets == spec.targets


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("defence.sharing", "expected KEY=VALUE"),
        ("defence.sharing=", "expected KEY=VALUE"),
        ("defence.planner.shots_max=1,1", "twice"),
        ("defense.sharing=none", "has no defense"),
        ("defence.effectors.x.channels=1", "has no defence.effectors.x"),
        ("defence.planner.shots_max=none", "planner.shots_max"),
        ("defence.planner.shotsmax=2", "shotsmax"),
        ("defence.sharing=none", "none has any"),
        ("seed.x.y=1", "single value"),
    ],
)
def test_a_slip_is_told(setting: str, told: str, tmp_path: Path) -> None:
    spec = load(written(scene(effector()), tmp_path)).spec
    with pytest.raises(UserError) as error:
        variants_of(spec, [setting])
    assert told in str(error.value)
    assert "--vary" in str(error.value)


def test_an_interval_is_student_s() -> None:
    # Mean 3, standard deviation 1, n = 4: t(0.975, 3) = 3.182446.
    values = [2.0, 3.0, 3.0, 4.0]
    spread = Spread.of(values)
    assert spread.mean == 3.0
    assert spread.half_width == pytest.approx(3.182446 * np.std(values, ddof=1) / 2.0, rel=1e-6)
    assert math.isnan(Spread.of([1.0]).half_width)
    assert math.isnan(Spread.of([]).mean)
    assert Spread.of([1.0, math.nan, 3.0]).runs == 2


def test_differences_are_taken_run_by_run() -> None:
    runs = [[{"a": 1.0}, {"a": 5.0}, {"a": 9.0}], [{"a": 2.0}, {"a": 6.0}, {"a": 10.0}]]
    found = compared(runs, "a")
    assert found.differences[0] is None
    assert found.differences[1] is not None
    assert found.differences[1].mean == 1.0
    assert found.differences[1].half_width == 0.0
    assert found.values[0].half_width > 5.0


def test_numbers_are_found_by_path() -> None:
    metrics = {
        "targets": [{"id": "x", "continuity": 0.5}],
        "defence": {"value_lost": 3.5},
    }
    assert number_at(metrics, "targets.x.continuity") == 0.5
    assert number_at(metrics, "defence.value_lost") == 3.5
    assert math.isnan(number_at(metrics, "targets.y.continuity"))


@pytest.mark.slow
def test_workers_give_what_one_process_gives(tmp_path: Path) -> None:
    data = scene(
        effector(range_max_km=8.0, channels=1, speed_mps=400.0, assessment_s=2.0),
        count=4,
        spread_m=500.0,
        duration_s=310.0,
    )
    path = written(data, tmp_path)
    loaded = load(path)
    variants = variants_of(loaded.spec, ["defence.effectors.e.channels=1,4"])
    counted: list[int] = []
    two = compare(loaded, variants, 2, 2, lambda done, _: counted.append(done))
    one = compare(loaded, variants, 2, 1, lambda *_: None, keep=tmp_path / "kept")
    assert [[m["defence"] for m in runs] for runs in two] == [
        [m["defence"] for m in runs] for runs in one
    ]
    assert counted == [1, 2, 3, 4]
    assert one[0][0]["defence"] != one[0][1]["defence"]
    assert sorted(p.name for p in (tmp_path / "kept").iterdir()) == ["channels=1", "channels=4"]
    assert (tmp_path / "kept" / "channels=1" / "001" / "metrics.json").exists()


@pytest.mark.slow
def test_the_command_prints_values_and_differences(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = scene(effector(range_max_km=8.0), count=2, spread_m=100.0, duration_s=310.0)
    path = written(data, tmp_path)
    vary = ["--vary", "defence.effectors.e.range_max_km=8,1", "--runs", "2", "--workers", "1"]
    with pytest.raises(SystemExit) as stopped:
        main(["compare", str(path), *vary, "--json"])
    assert stopped.value.code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["variants"] == ["range_max_km=8", "range_max_km=1"]
    metrics = {entry["metric"]: entry for entry in found["metrics"]}
    assert metrics["defence.leakers"]["differences_from_first"][0] is None
    assert metrics["defence.leakers"]["values"][1]["runs"] == 2
    with pytest.raises(SystemExit) as stopped:
        main(["compare", str(path), *vary, "--metric", "no.such"])
    assert stopped.value.code == 2
    assert "no run has such a number" in capsys.readouterr().err
