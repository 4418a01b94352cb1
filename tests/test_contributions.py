"""What a picture loses without a sensor, against runs in which it never was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from small_scenarios import TEXT, Run, changed, recorded
from test_cues import TEXT as CUED

from sim.cli.summary import _contributions
from sim.engine.contributions import _judged_without, _warned_later
from sim.record.recording import Recording

#: A third sensor too far away to see anything.
BLIND = """\
  - id: elsewhere
    position: {latitude_deg: 53.5, longitude_deg: 7.5, height_agl_m: 15}
    sensors:
      - {kind: radar, preset: drone-radar, id: blind, pfa: 1.0e-12}
targets:
"""
MOBILE = TEXT[TEXT.index("  - id: hill\n") : TEXT.index("  - id: airport\n")]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    text = changed(("targets:\n", BLIND)) + "judge: {contributions: true}\n"
    return recorded(tmp_path_factory.mktemp("all"), text)


def test_a_sensor_that_sees_nothing_gives_nothing(run: Run) -> None:
    found = {entry["id"]: entry for entry in run.outcome.metrics["contributions"]}
    assert list(found) == ["mobile", "approach-radar", "blind"]
    assert found["blind"]["tracked_s_lost"] == 0.0
    assert found["blind"]["targets"] == []
    assert found["blind"]["never_tracked"] == []


def test_what_is_lost_is_what_a_run_without_it_does_not_have(run: Run, tmp_path: Path) -> None:
    """A sensor's draws do not depend on the others: leaving one out changes no other's plots."""
    without = recorded(tmp_path, changed((MOBILE, ""))).outcome.metrics["targets"]
    every = run.outcome.metrics["targets"]
    lost = run.outcome.metrics["contributions"][0]
    expected_s = sum(t["tracked_s"] for t in every) - sum(t["tracked_s"] for t in without)
    assert lost["tracked_s_lost"] == pytest.approx(expected_s, abs=10.0)
    assert expected_s > 20.0
    never = [t["id"] for t, all_ in zip(without, every, strict=True)
             if t["first_track_s"] is None and all_["first_track_s"] is not None]  # fmt: skip
    assert lost["never_tracked"] == never
    told = {entry["id"]: entry for entry in lost["targets"]}
    later = 0
    for one, other in zip(every, without, strict=True):
        if other["first_track_s"] is None or other["first_track_s"] <= one["first_track_s"]:
            continue
        later += 1
        expected = other["first_track_s"] - one["first_track_s"]
        assert told[one["id"]]["track_later_s"] == pytest.approx(expected, abs=4.0)
    assert later


def test_the_first_to_see_a_target_is_named(run: Run) -> None:
    plots = run.snapshots
    for k, target in enumerate(run.outcome.metrics["targets"]):
        first = min(
            (float(time_s), int(sensor))
            for snapshot in plots
            for time_s, sensor, truth in zip(
                snapshot.plots.time_s,
                snapshot.plots.sensor,
                snapshot.plots.truth_id,
                strict=True,
            )
            if truth == k and sensor < 2
        )
        assert target["first_detection_s"] == pytest.approx(first[0])
        assert target["first_detection_by"] == ("mobile", "approach-radar")[first[1]]
        if target["classified_s"] is not None:
            assert target["classified_s"] >= target["first_track_s"]
    assert any(t["classified_s"] is not None for t in run.outcome.metrics["targets"])


def test_a_warning_that_would_come_later_is_told() -> None:
    def base(*warnings_s: tuple[str, float | None]) -> dict[str, Any]:
        inside = [{"intruder": who, "warning_s": warning_s} for who, warning_s in warnings_s]
        return {"id": "base", "kind": "point", "infringements": inside}

    every = base(("a", 101.0), ("b", 30.0), ("c", 9.0), ("a", 5.0), ("d", None))
    without = base(("a", 57.0), ("b", None), ("c", 12.0), ("a", 1.0), ("d", None))
    found = _warned_later([every], [without])
    assert {one["intruder"]: one["warning_later_s"] for one in found} == {"a": 44.0, "b": None}
    assert {one["protected"] for one in found} == {"base"}


# --- sensors that look where the picture points them

RADAR_LINE = (
    "      - {kind: radar, preset: drone-radar, id: radar, update_s: 1, azimuth_deg: 0, "
    "sector_deg: 180}\n"
)


def test_what_its_cues_brought_about_is_missing_too(tmp_path: Path) -> None:
    """Without the radar the camera is told of nothing, as in a run that has no radar."""
    done = recorded(tmp_path / "all", CUED + "judge: {contributions: true}\n")
    without = recorded(tmp_path / "without", changed((RADAR_LINE, ""), text=CUED))
    seen = {
        name: next(s for s in metrics["sensors"] if s["id"] == "camera")["detections_per_target"]
        for name, metrics in (
            ("all", done.outcome.metrics),
            ("without", without.outcome.metrics),
            ("anew", judged(done, anew=True)),
            ("kept", judged(done, anew=False)),
        )
    }
    assert seen["kept"] == seen["all"] != seen["anew"] == seen["without"]
    told = {entry["id"]: entry for entry in done.outcome.metrics["contributions"]}
    assert told["radar"]["observed_anew"] is True
    assert told["camera"]["observed_anew"] is False, "its own plots bring about no others"
    assert {"drone", "gull"} <= set(told["radar"]["never_tracked"])


def judged(done: Run, *, anew: bool) -> dict[str, Any]:
    return _judged_without(Recording.open(done.folder), done.world, 0, lambda _: None, anew=anew)


def test_the_summary_says_that_it_is_one_seed_and_tells_no_nothings() -> None:
    entry = {"id": "a", "tracked_s_lost": 0.4, "never_tracked": [], "targets": [], "warnings": []}
    small = {"id": "t", "tracked_s_lost": 0.5, "track_later_s": 0.0, "classified_later_s": 0.0}
    warned = [
        {"protected": "base", "intruder": who, "warning_later_s": later_s}
        for who, later_s in (("t", 44.2), ("u", None), ("v", 0.5))
    ]
    head, *lines = _contributions(
        [
            entry,
            entry | {"id": "b", "tracked_s_lost": 30.0, "targets": [small]},
            entry | {"id": "c", "warnings": warned},
        ]
    )
    assert "one seed" in head
    assert lines == [
        "  a: nothing lost",
        "  b: 30 s less under track",
        "  c: base warned of t 44 s later; base warned of u no more",
    ]
    assert _contributions([]) == []
