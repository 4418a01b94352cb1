"""The bundled scenarios, run whole: what their pictures must be worth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_scenarios import TEXT, changed, world_of

from sim.cli import main
from sim.engine.build import build
from sim.engine.session import record_run
from sim.engine.step import run
from sim.metrics import classes
from sim.record.recording import Recording
from sim.scenario.loader import load

FIGHTERS = ("lightning-1/1", "lightning-1/2", "lightning-2-lead", "lightning-2-wing")


def judged(name: str, folder: Path) -> dict[str, Any]:
    with pytest.raises(SystemExit) as stopped:
        main(["run", name, "--quiet", "--out", str(folder)])
    assert not stopped.value.code, "a criterion of the scenario is missed"
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return metrics


Told = list[tuple[np.ndarray, np.ndarray]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Return what will be filled with the classes that a run tells: how surely, and if right."""
    found: Told = []

    def spy(truth: Any, confirmed: Any, matching: Any, facts: Any) -> classes.Classification:
        rows = matching.on_target & (confirmed.target_class >= 0)
        right = classes.class_is_right(truth, confirmed, matching, facts)
        found.append((confirmed.class_probability[rows], right[rows]))
        return classes.classification(truth, confirmed, matching, facts)

    monkeypatch.setattr("sim.metrics.judge.classification", spy)
    return found


def is_honest(told: Told) -> None:
    """Of what is stated p, a share near p is right; a few tracks' luck is allowed for."""
    stated, right = told[0]
    assert abs(stated.mean() - right.mean()) < 0.05
    sure = stated > 0.99
    assert sure.sum() > 500
    assert right[sure].mean() > 0.97
    for low, high in ((0.0, 0.5), (0.5, 0.8), (0.8, 0.99)):
        rows = (stated >= low) & (stated < high)
        assert right[rows].mean() > stated[rows].mean() - 0.2, (low, high)


@pytest.mark.slow
def test_the_arrival_at_florennes(tmp_path: Path, told: Told) -> None:
    metrics = judged("f35-arrival-florennes", tmp_path / "run")
    assert metrics["classification"]["correctness"] > 0.88
    assert metrics["classification"]["stated"] > 0.85
    is_honest(told)
    assert metrics["siap"]["completeness_in_coverage"] >= 0.9
    assert metrics["siap"]["ambiguity"] <= 1.05
    assert metrics["siap"]["spuriousness"] <= 0.05
    targets = {target["id"]: target for target in metrics["targets"]}
    for fighter in FIGHTERS:
        assert targets[fighter]["track_numbers"] == 1
        assert targets[fighter]["continuity"] > 0.95
        assert targets[fighter]["range_at_first_track_m"] > 200e3
    approach = next(thing for thing in metrics["protect"] if thing["id"] == "approach")
    assert approach["under_track_all_the_way"]
    assert {found["intruder"] for found in approach["infringements"]} == {
        "tourer",
        "spotter/1",
        "spotter/2",
        "spotter/3",
    }


@pytest.mark.slow
def test_the_low_flight_is_held_under_one_number(tmp_path: Path) -> None:
    metrics = judged("low-flight-netherlands", tmp_path / "run")
    (flight,) = metrics["targets"]
    assert flight["held_under_one_number"] is True
    assert flight["track_numbers"] == 1
    assert flight["tracked_s"] > 0.98 * flight["present_s"]
    for gap in flight["untracked"]:
        if gap["when"] != "before first track":
            assert gap["reasons"].get("visible", 0.0) < 0.05, "a radar could see it"
    dropped = json.loads((tmp_path / "run" / "manifest.json").read_text())["dropped_rows"]
    assert dropped["low-flight"]["duplicate"] > 0


@pytest.mark.slow
def test_the_electronic_attack(tmp_path: Path) -> None:
    metrics = judged("electronic-attack", tmp_path / "run")
    targets = {target["id"]: target for target in metrics["targets"]}
    # Nothing but strobes tells of the jammer that stands off, 200 km away.
    stand_off = targets["stand-off"]
    assert stand_off["first_detection_by"].endswith(".strobe")
    assert stand_off["position_rms_m"] < 2000.0
    # What screens the raid is named, until it burns through.
    hidden = [gap for k in range(1, 5) for gap in targets[f"raid/{k}"]["untracked"]]
    assert any(gap["reasons"].get("jammed", 0.0) > 0.3 for gap in hidden)
    assert all(targets[f"raid/{k}"]["continuity"] > 0.5 for k in range(1, 5))
    # Nobody of the raid answers as a friend, and no alert is missed for it.
    for hostile in ("escort", "deceiver", *(f"raid/{k}" for k in range(1, 5))):
        assert targets[hostile]["identity_correctness"] > 0.95, hostile
    (base,) = metrics["protect"]
    assert {found["intruder"] for found in base["infringements"]} >= {
        f"raid/{k}" for k in range(1, 5)
    }
    assert base["missed_alerts"] == 0
    # The escort drowns one radar's link as it turns away.
    (link,) = metrics["links"]
    (drowned,) = link["windows"]
    assert (link["id"], drowned["cause"]) == ("east", "jammed")
    assert 400.0 < drowned["begin_s"] < drowned["end_s"] - 60.0 < 700.0
    assert drowned["plots"] > 0
    # The invented airliner is doubted: it says that it is neutral, and nobody is there.
    doubted = metrics["uncorroborated"]
    assert any(one["on"] is None and one["identity"] == "neutral" for one in doubted)
    assert targets["ghost"]["present_s"] == 0.0
    # The noise is known, so that what echoes through it is not taken for small.
    classes_told = metrics["classification"]
    assert classes_told["correctness"] > 0.85
    assert abs(classes_told["stated"] - classes_told["correctness"]) < 0.1
    assert metrics["siap"]["spuriousness"] > 0.2, "false echoes and reports deceive"


@pytest.mark.slow
def test_the_cruise_missile_is_lost_behind_hills_and_seen_in_time(tmp_path: Path) -> None:
    metrics = judged("low-flyer-terrain", tmp_path / "run")
    missile = next(t for t in metrics["targets"] if t["id"] == "cruise-missile")
    first = missile["untracked"][0]
    assert first["when"] == "before first track"
    assert first["reasons"]["masked"] > 0.7
    assert missile["first_track_s"] > 20.0
    assert missile["range_at_first_track_m"] < 25e3
    # In the valley behind the first ridge the gap filler alone holds it: on that the warning rests.
    given = {entry["id"]: entry for entry in metrics["contributions"]}
    (lost,) = given["gap-filler"]["targets"]
    assert (lost["id"], lost["track_later_s"]) == ("cruise-missile", 0.0)
    assert lost["tracked_s_lost"] > 8.0
    (warned,) = given["gap-filler"]["warnings"]
    assert (warned["protected"], warned["intruder"]) == ("plant", "cruise-missile")
    assert warned["warning_later_s"] > 30.0
    assert metrics["protect"][0]["warning_min_s"] > 80.0
    # Interrogated, one's own helicopter is no unknown.
    rescue = next(t for t in metrics["targets"] if t["id"] == "rescue")
    assert rescue["identity_correctness"] > 0.95
    assert metrics["classification"]["correctness"] > 0.9


@pytest.mark.slow
def test_both_engines_agree_over_a_whole_scenario(tmp_path: Path) -> None:
    tables = []
    for engine in ("numba", "filterpy"):
        text = TEXT + f"tracker: {{engine: {engine}, merge_distance: 0}}\n"
        if "\ntracker:" in TEXT:
            text = changed(("tracker: {", f"tracker: {{engine: {engine}, merge_distance: 0, "))
        outcome = record_run(world_of(tmp_path / engine, text), tmp_path / engine / "run", _ignore)
        assert outcome.complete
        tables.append(Recording.open(outcome.folder).table("tracks"))
    one, other = tables
    assert one.num_rows == other.num_rows > 200
    for name in one.column_names:
        if "dictionary" in str(one.schema.field(name).type):
            assert one[name].to_pylist() == other[name].to_pylist(), name
        else:
            np.testing.assert_allclose(
                one[name].to_numpy(), other[name].to_numpy(), rtol=1e-8, atol=1e-8, err_msg=name
            )


def _ignore(_: object) -> None:
    pass


@pytest.mark.slow
def test_drones_over_the_base_are_seen_by_different_sensors_first(
    tmp_path: Path, told: Told
) -> None:
    metrics = judged("base-drone-incursion", tmp_path / "run")
    assert metrics["classification"]["correctness"] > 0.88
    is_honest(told)
    targets = {target["id"]: target for target in metrics["targets"]}
    first = {target["first_detection_by"] for target in targets.values()}
    assert len(first) >= 2
    # Who sends nothing is not found by who listens for a link.
    assert not targets["intruder-silent"]["first_detection_by"].startswith("finder")
    sensors = {sensor["id"]: sensor for sensor in metrics["sensors"]}
    heard = [sensors[f"finder-{where}"] for where in ("tower", "north", "south")]
    assert all("intruder-silent" not in finder["detections_per_target"] for finder in heard)
    assert set(sensors["remote-id"]["detections_per_target"]) == {"hobby"}
    given = {entry["id"]: entry for entry in metrics["contributions"]}
    assert set(given) == set(sensors)
    assert given["drone-radar"]["targets"]


@pytest.mark.slow
def test_the_perimeter_has_something_to_mend(tmp_path: Path) -> None:
    metrics = judged("base-perimeter", tmp_path / "run")
    (base,) = metrics["protect"]
    warned = {found["intruder"]: found["warning_s"] for found in base["infringements"]}
    assert set(warned) == {"from-the-west", "silent", "larger", "low-from-the-east"}
    # One direction finder and a distant radar tell of those in time that send and fly high.
    in_time = {
        name for name, warning_s in warned.items() if warning_s is not None and warning_s > 0
    }
    assert in_time == {"from-the-west", "larger"}
    assert base["missed_alerts"] > 0
    targets = {target["id"]: target for target in metrics["targets"]}
    assert targets["low-from-the-east"]["first_detection_by"] == "finder-tower"
    assert targets["silent"]["first_detection_by"] == "approach-radar"


@pytest.mark.slow
def test_two_neighbours_share_one_picture_and_one_plan(tmp_path: Path) -> None:
    metrics = judged("nl-be-iamd", tmp_path / "run")
    found = metrics["defence"]
    assert found["threats_came"] == 48
    assert found["friends_engaged"] == 0
    assert found["killed"] >= 30
    by_class = {entry["id"]: entry for entry in found["by_class"]}
    assert by_class["cruise-missile"]["killed"] >= 10
    assert sum(found["why_leaked"].values()) == found["leakers"]
    assert found["leakers"] <= metrics["sharing"]["apart"]["leakers"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["eastern-sentry", "drone-raid-capital", "harbour-watch"])
def test_the_other_defences_begin(name: str, tmp_path: Path) -> None:
    world = build(load(name))
    for snapshot, _ in zip(run(world), range(60), strict=False):
        assert snapshot.defence.rounds.shape == (len(world.setting.effectors),)
