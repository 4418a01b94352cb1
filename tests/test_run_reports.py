"""What a run tells of itself, against obvious computations from its recording."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from scipy.stats import chi2
from small_scenarios import THIRD_SITE, Run, changed, recorded
from test_architectures import border

import sim.cli.summary
from sensors.radar import Radar
from sim.core.tables import Plots
from sim.record.recording import Recording
from sim.record.tables import SITE_TRACKS

Rows = list[dict[str, Any]]
CUTOFF_M = 1000.0
UPPER = ("ee", "en", "eu", "nn", "nu", "uu")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("reports")
    three = ("  - id: south\n", THIRD_SITE + "  - id: south\n")
    return {
        "centralised": recorded(folder / "a", border("centralised")),
        "distributed": recorded(folder / "b", border("distributed", three)),
        "stove-piped": recorded(folder / "c", border("stove-piped")),
    }


def rows_of(done: Run, table: str) -> Rows:
    rows: Rows = pq.read_table(done.folder / f"{table}.parquet").to_pylist()
    return rows


def place(row: dict[str, Any]) -> np.ndarray:
    return np.array([row["east_m"], row["north_m"], row["up_m"]])


def has_height(track: dict[str, Any]) -> bool:
    return bool(track["cov_uu_m2"] <= (0.5 * CUTOFF_M) ** 2)


def nearest(target: dict[str, Any], tracks: Rows) -> dict[str, Any] | None:
    """The one track within the cutoff: targets here are far apart from each other."""

    def distance(track: dict[str, Any]) -> float:
        apart = place(track) - place(target)
        return float(np.linalg.norm(apart if has_height(track) else apart[:2]))

    near = sorted(tracks, key=distance)
    return near[0] if near and distance(near[0]) < CUTOFF_M else None


def held(truth: Rows, tracks: Rows) -> list[dict[str, Any] | None]:
    """The confirmed track that holds each target at each time."""
    by_time: dict[float, Rows] = {}
    for track in tracks:
        if track["status"] != "tentative":
            by_time.setdefault(track["time_s"], []).append(track)
    return [nearest(target, by_time.get(target["time_s"], [])) for target in truth]


# --- consistency


def test_nees_of_a_run_is_that_of_its_tables(runs: dict[str, Run]) -> None:
    done = runs["centralised"]
    truth = rows_of(done, "truth")
    values, pairs = [], set()
    for target, track in zip(truth, held(truth, rows_of(done, "tracks")), strict=True):
        if track is None or not has_height(track):
            continue
        error = place(track) - place(target)
        ee, en, eu, nn, nu, uu = (track[f"cov_{k}_m2"] for k in UPPER)
        P = np.array([[ee, en, eu], [en, nn, nu], [eu, nu, uu]])
        values.append(error @ np.linalg.inv(P) @ error)
        pairs.add((target["target"], track["number"]))
    told = done.outcome.metrics["consistency"]
    assert len(pairs) >= 6
    assert told["rows"] == pytest.approx(len(values), rel=0.01)
    assert told["nees_mean"] == pytest.approx(np.mean(values), rel=0.01)
    n = told["pairs"]
    assert n == len(pairs)
    assert [told["nees_low"], told["nees_high"]] == pytest.approx(
        chi2(3 * n).ppf([0.025, 0.975]) / n, rel=1e-6
    )


# --- classification


def test_class_correctness_is_that_of_the_tables(runs: dict[str, Run]) -> None:
    done = runs["centralised"]
    classes = {t.id: t.target_class for t in done.world.setting.targets}
    truth = rows_of(done, "truth")
    right, stated, total = [], [], 0
    by_target: dict[str, list[bool]] = {}
    for target, track in zip(truth, held(truth, rows_of(done, "tracks")), strict=True):
        if track is None:
            continue
        total += 1
        correct = track["class"] == classes[target["target"]]
        right.append(correct)
        by_target.setdefault(target["target"], []).append(correct)
        if track["class"] is None:
            assert np.isnan(track["class_probability"])
        else:
            stated.append(track["class_probability"])
            assert 1.0 / 13.0 <= track["class_probability"] <= 1.0
    metrics = done.outcome.metrics
    assert total > 500
    assert metrics["classification"]["correctness"] == pytest.approx(np.mean(right), abs=0.005)
    assert metrics["classification"]["stated"] == pytest.approx(np.mean(stated), abs=0.005)
    assert metrics["classification"]["correctness"] > 0.7
    for target in metrics["targets"]:
        expected = np.mean(by_target[target["id"]])
        assert target["class_correctness"] == pytest.approx(expected, abs=0.01)


def test_classes_come_back_from_a_recording(runs: dict[str, Run]) -> None:
    done = runs["centralised"]
    recording = Recording.open(done.folder)
    assert recording.setting.classes == done.world.setting.classes
    last = done.snapshots[-1]
    found = recording.snapshot(last.time_s).tracks
    np.testing.assert_array_equal(found.target_class, last.tracks.target_class)
    assert (found.target_class[found.confirmed] >= 0).all()
    field = pq.read_schema(done.folder / "tracks.parquet").field("class")
    assert str(field.type).startswith("dictionary<values=string")
    assert last.class_probabilities.shape == (len(last.tracks), len(recording.setting.classes))


def test_without_classification_nothing_is_judged(tmp_path: Path) -> None:
    short = ("duration_s: 75", "duration_s: 20")
    off = ("tracker:", "picture: {classification: false}\ntracker:")
    done = recorded(tmp_path, changed(short, off))
    assert done.outcome.metrics["classification"] == {"correctness": None, "stated": None}
    assert {t["class_correctness"] for t in done.outcome.metrics["targets"]} == {None}
    assert {row["class"] for row in rows_of(done, "tracks")} == {None}
    assert Recording.open(done.folder).setting.classes == ()
    assert "class correct" not in summary_of(done)


# --- commonality


def shares(numbers: list[list[int | None]]) -> dict[str, float]:
    """The metrics over target steps; one list of the sites' numbers per step."""
    any_, several, whole, same, whole_same, meet, agree = 0, 0, 0, 0, 0, 0, 0
    for held_as in numbers:
        holders = [n for n in held_as if n is not None]
        any_ += bool(holders)
        one = len(set(holders)) == 1
        several += len(holders) > 1
        same += len(holders) > 1 and one
        whole += len(holders) == len(held_as)
        whole_same += len(holders) == len(held_as) and one
        for a, b in combinations(holders, 2):
            meet += 1
            agree += a == b
    return {
        "common_number": same / several,
        "common_pairs": agree / meet,
        "held_by_all": whole / any_,
        "held_by_all_under_one_number": whole_same / any_,
    }


@pytest.mark.parametrize("architecture", ["distributed", "stove-piped"])
def test_commonality_of_a_run_is_that_of_its_tables(
    architecture: str, runs: dict[str, Run]
) -> None:
    done = runs[architecture]
    sites = [site.id for site in done.world.sites]
    if architecture == "distributed":
        tracks = rows_of(done, SITE_TRACKS)
        assert sites == ["north", "shore", "south"]
    else:
        tracks = rows_of(done, "tracks")
        for track in tracks:
            track["site"] = sites[abs(track["number"]) % len(sites)]
        assert not (done.folder / f"{SITE_TRACKS}.parquet").exists()
    truth = rows_of(done, "truth")
    columns = [
        [None if t is None else t["number"] for t in held(truth, of_site)]
        for of_site in ([t for t in tracks if t["site"] == site] for site in sites)
    ]
    told = done.outcome.metrics["commonality"]
    pairs = told.pop("pairs")
    every = list(map(list, zip(*columns, strict=True)))
    assert told == pytest.approx(shares(every), abs=0.003)
    assert [pair["id"] for pair in pairs] == ["+".join(two) for two in combinations(sites, 2)]
    for pair, (i, j) in zip(pairs, combinations(range(len(sites)), 2), strict=True):
        expected = shares([[row[i], row[j]] for row in every])
        assert {k: v for k, v in pair.items() if k != "id"} == pytest.approx(expected, abs=0.003)
    told["pairs"] = pairs
    if architecture == "distributed":
        assert told["common_number"] > 0.9
    else:
        assert told["common_number"] == 0.0, "no two sites share a number"


def test_a_central_picture_has_nothing_to_agree_with(runs: dict[str, Run]) -> None:
    done = runs["centralised"]
    assert "commonality" not in done.outcome.metrics
    assert not (done.folder / f"{SITE_TRACKS}.parquet").exists()
    assert Recording.open(done.folder).table(SITE_TRACKS).num_rows == 0


def test_sites_tracks_are_recorded_by_the_numbers_of_the_picture(runs: dict[str, Run]) -> None:
    done = runs["distributed"]
    fused = {(t["time_s"], t["number"]): t for t in rows_of(done, "tracks")}
    of_sites = rows_of(done, SITE_TRACKS)
    assert len(of_sites) > len(fused)
    for track in of_sites:
        whole = fused[track["time_s"], track["number"]]
        assert track["hits"] <= whole["hits"]
        assert track["sensors"] & ~whole["sensors"] == 0


# --- dropped plots


def breaking(observe: Callable[..., Plots]) -> Callable[..., Plots]:
    """Let every radar add two broken plots to whatever it saw."""

    def with_broken(self: Radar, *given: object) -> Plots:
        plots = observe(self, *given)
        if self.index or not len(plots):
            return plots
        one = plots.take(np.array([0]))
        return Plots.concatenate(
            [
                plots,
                replace(one, measurement=one.measurement * np.nan),
                replace(one, sigma=-one.sigma),
            ]
        )

    return with_broken


@pytest.mark.parametrize("architecture", ["centralised", "distributed"])
def test_dropped_plots_are_told_by_reason_and_sensor(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Radar, "observe", breaking(Radar.observe))
    done = recorded(tmp_path, border(architecture, ("duration_s: 120", "duration_s: 20")))
    plots = Plots.concatenate([snapshot.plots for snapshot in done.snapshots])
    nan = int(np.isnan(plots.measurement[:, 0]).sum())
    negative = int((plots.sigma[:, 0] < 0.0).sum())
    assert nan == negative > 5
    told = done.outcome.metrics["rejected"]
    none = {"out_of_range": 0, "unknown_sensor": 0, "late": 0}
    reasons = {"total": 2 * nan, "not_finite": nan, "bad_sigma": negative} | none
    sensors = told.pop("sensors")
    assert told == reasons
    assert [sensor.pop("id") for sensor in sensors] == ["mobile", "ship", "approach"]
    assert sensors[0] == reasons
    assert all(set(sensor.values()) == {0} for sensor in sensors[1:])
    told["sensors"] = [{"id": "mobile"} | reasons]
    assert done.outcome.rejected == 2 * nan
    manifest = json.loads((done.folder / "manifest.json").read_text())
    assert manifest["rejected_plots"] == 2 * nan
    said = summary_of(done)
    assert f"{2 * nan} broken or late plots dropped: {nan} not finite, {nan} bad sigma" in said
    assert f"mobile: {nan} not finite, {nan} bad sigma" in said
    assert "  ship: " not in said


# --- the summary


def summary_of(done: Run) -> str:
    console = Console(highlight=False, width=110)
    with pytest.MonkeyPatch.context() as patched, console.capture() as captured:
        patched.setattr(sim.cli.summary, "Console", lambda **_: console)
        sim.cli.summary.print_summary(done.world.setting, done.outcome)
    return captured.get()


def percent(share: float) -> str:
    return f"{100.0 * share:.1f} %"


def test_the_summary_tells_classes_consistency_and_commonality(runs: dict[str, Run]) -> None:
    said = {name: summary_of(done) for name, done in runs.items()}
    metrics = {name: done.outcome.metrics for name, done in runs.items()}
    for name in runs:
        (line,) = [row for row in said[name].splitlines() if row.startswith("class correct")]
        assert percent(metrics[name]["classification"]["correctness"]) in line
        assert percent(metrics[name]["classification"]["stated"]) in line
        (line,) = [row for row in said[name].splitlines() if row.startswith("position NEES")]
        assert f"{metrics[name]['consistency']['nees_mean']:.2f}" in line
        assert "dropped" not in said[name]
    assert "at all sites" not in said["centralised"]
    common = metrics["distributed"]["commonality"]
    (line,) = [row for row in said["distributed"].splitlines() if row.startswith("one number at")]
    assert percent(common["common_number"]) in line
    assert percent(common["held_by_all"]) in line
    for pair in common["pairs"]:
        (line,) = [row for row in said["distributed"].splitlines() if row.startswith(pair["id"])]
        assert percent(pair["common_number"]) in line
    assert "north+south" not in said["stove-piped"], "two sites need no line of their own"
