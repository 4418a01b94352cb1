"""What scheduled radars spend their time on: accounts, events, metrics, the summary's line."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from small_scenarios import TEXT, Run, recorded
from test_array_radar import cues_on, radar, straight
from test_array_radar import planned as planned_windows
from viz_fake import snapshot_at

from sensors.account import workload_of
from sensors.scene import Scene
from sim.cli.workload import saturated
from sim.core.tables import Snapshot
from sim.core.workload import TASKS, Workload
from sim.engine.retracking import record_again
from sim.engine.step import run
from sim.record.events import EventLog
from sim.record.recording import Recording
from sim.record.tables import Vocabulary

#: A search of 7.2 s in 10 on three faces; every track asks for a fifth of a face.
BUSY = (
    "{kind: radar, preset: mobile-multi-mission, id: mobile}",
    "{kind: array-radar, preset: multi-function, id: mobile, track_dwell_ms: 100, track_s: 0.5}",
)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded(tmp_path_factory.mktemp("busy"), TEXT.replace(*BUSY))


def test_the_account_is_what_the_plan_says_and_confirmation_beside_it() -> None:
    sensor = radar(pfa=1e-3, track_dwell_ms=50).for_run()
    bearings = np.radians(np.arange(80) * 4.5)
    place = np.stack([40e3 * np.sin(bearings), 40e3 * np.cos(bearings), np.full(80, 6e3)], axis=1)
    targets = straight(place, [0.0, 150.0, 0.0], rcs_m2=1e3)
    rng = np.random.default_rng(0)
    dropped = 0
    for cued in ([], list(range(10)), list(range(80))):
        for start, end in pairwise(targets.truth(float(t)) for t in range(4)):
            scene = Scene(targets, start, end, cues_on(targets, cued, start.time_s))  # type: ignore[arg-type]
            plan = sensor.plan(scene)
            sensor.observe(scene, rng)
            load = workload_of([object(), sensor], end.time_s)
            assert load.sensor.tolist() == [1]
            assert load.budget_s[0] == pytest.approx(3.0)
            assert load.used_s[0, [0, 2]] == pytest.approx(plan.used_s)
            assert load.wanted_s[0, [0, 2]] == pytest.approx(plan.wanted_s)
            # Noise alone makes more than a hundred alerts a second; 16 find time.
            assert load.used_s[0, 1] == pytest.approx(16 * 0.009)
            assert load.wanted_s[0, 1] > load.used_s[0, 1]
            assert load.used_s.sum() <= load.budget_s[0] + 1e-9
            dropped += plan.saturated
    assert dropped == 3
    assert not workload_of([sensor], 99.0).sensor.size, "an account of another window"


def test_a_silent_radar_asks_for_nothing() -> None:
    sensor = radar(emission_control=[[0.0, 2.0]]).for_run()
    targets = straight([[40e3, 30e3, 6e3]], [0.0, 150.0, 0.0])
    for begin, share in ((0.0, 0.0), (1.5, 0.5), (2.0, 1.0)):
        scene = Scene(targets, targets.truth(begin), targets.truth(begin + 1.0))  # type: ignore[arg-type]
        sensor.observe(scene, np.random.default_rng(0))
        load = workload_of([sensor], begin + 1.0)
        assert load.budget_s[0] == pytest.approx(3.0 * share, abs=0.02)
        assert load.used_s[0, 0] == pytest.approx(2.16 * share, abs=0.02)


def test_of_too_much_what_fits_is_done() -> None:
    """Of a demand d over a budget b, b/d is served: 400 cues of 5 ms on 0.7125 s."""
    plan = planned_windows(400, np.arange(0.0, 2.1))[1]
    served = plan.used_s / plan.wanted_s
    assert served[1] == pytest.approx(0.7125 / 2.0, abs=0.0025)
    assert served[0] == pytest.approx(0.2375 / 0.75, abs=0.015)


def test_events_say_when_a_radar_began_and_ceased_to_drop_dwells() -> None:
    log = EventLog(Vocabulary(targets=("t",), sensors=("a", "b")))
    for time_s in np.arange(1.0, 61.0):
        short = 20 <= time_s < 30 or time_s == 35
        used = [[1.0, 0.1, 0.5], [1.0, 0.1, 0.5]]
        wanted = [[1.5 if short else 1.0, 0.1, 2.0 if short else 0.5], [1.0, 0.1, 0.5]]
        sensors = np.array([0, 1], np.int32)
        load = Workload(sensors, np.full(2, 3.0), np.array(wanted), np.array(used))
        log.add(replace(snapshot_at(float(time_s)), workload=load))
    rows = [row for row in log.table().to_pylist() if row["sensor"] is not None]
    assert [(row["time_s"], row["event"], row["sensor"]) for row in rows] == [
        (20.0, "radar-saturated", "a"),
        (45.0, "saturation-ended", "a"),
    ]
    assert rows[1]["detail"] == "search 33 % dropped, track 75 % dropped"


def test_a_run_records_it_and_metrics_sum_it_up(busy: Run) -> None:
    rows = pq.read_table(busy.folder / "workload.parquet").to_pylist()
    assert {row["sensor"] for row in rows} == {"mobile"}
    assert len({row["time_s"] for row in rows}) == len(rows) >= 75
    budget = sum(row["budget_s"] for row in rows)
    assert budget == pytest.approx(3 * 75.0)
    (radar_metrics,) = (s for s in busy.outcome.metrics["sensors"] if s["id"] == "mobile")
    load = radar_metrics["workload"]
    short = [any(row[f"wanted_{t}_s"] - row[f"used_{t}_s"] > 1e-9 for t in TASKS) for row in rows]
    assert load["saturated"] == pytest.approx(np.mean(short))
    assert 0.1 < load["saturated"] < 1.0
    assert load["first_saturated_s"] == rows[short.index(True)]["time_s"]
    for task in TASKS:
        used, wanted = (sum(row[f"{word}_{task}_s"] for row in rows) for word in ("used", "wanted"))
        assert load[task] == pytest.approx(used / budget)
        assert load["dropped"][task] == pytest.approx((wanted - used) / wanted)
    assert load["utilisation"] == pytest.approx(sum(load[task] for task in TASKS))
    assert "workload" not in busy.outcome.metrics["sensors"][1]
    (line,) = saturated(busy.outcome.metrics["sensors"])
    assert line.startswith(f"mobile was saturated {load['saturated']:.1%} of the time, first at")
    events = pq.read_table(busy.folder / "events.parquet").to_pylist()
    first = next(row for row in events if row["event"] == "radar-saturated")
    assert (first["sensor"], first["time_s"]) == ("mobile", load["first_saturated_s"])


def test_tracked_anew_it_is_as_it_was(busy: Run, tmp_path: Path) -> None:
    recording = Recording.open(busy.folder)
    again = record_again(recording, busy.world.spec, tmp_path / "again", lambda _: None)
    for name in ("workload", "events"):
        file = f"{name}.parquet"
        assert (busy.folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes()
    assert again.outcome.metrics["sensors"] == busy.outcome.metrics["sensors"]


def test_runs_of_one_world_have_accounts_of_their_own(busy: Run) -> None:
    states = busy.world.start(), busy.world.start(1)
    one, other = (next(iter(run(busy.world, state))) for state in states)
    assert isinstance(one, Snapshot)
    assert one.workload.sensor.tolist() == other.workload.sensor.tolist() == [0]
    assert states[0].sensors[0].account is not states[1].sensors[0].account  # type: ignore[attr-defined]


def test_without_scheduled_radars_there_is_no_such_table(tmp_path: Path) -> None:
    done = recorded(tmp_path, TEXT.replace("duration_s: 75", "duration_s: 5"))
    assert not (done.folder / "workload.parquet").exists()
    assert saturated(done.outcome.metrics["sensors"]) == []
