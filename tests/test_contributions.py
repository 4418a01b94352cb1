"""What a picture loses without a sensor, against runs in which it never was."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_scenarios import TEXT, Run, changed, recorded

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
