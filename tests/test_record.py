"""The run folder: what is written comes back, whatever happened to the run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_scenarios import TEXT, Run, changed, recorded, without_targets, world_of

import sim.record.writer
from sim.core.tables import FALSE_ALARM, Identity, Plots, Snapshot, Tracks, Truth, Visibility
from sim.engine.step import run
from sim.record.recording import Recording, RecordingError
from sim.record.setting import Setting
from sim.record.tables import Columns, Vocabulary, word_column
from sim.record.writer import FLUSH_S, PARTS, RunWriter

TABLES = ("truth", "plots", "tracks", "events")
#: Does as the command does; a shell may have told its children to ignore Ctrl-C.
PROGRAM = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from sim.cli import main; main()"
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded(tmp_path_factory.mktemp("record"))


@pytest.fixture(scope="module")
def recording(done: Run) -> Recording:
    return Recording.open(done.folder)


def assert_same(one: Any, other: Any) -> None:
    """Compare two tables column by column, order of rows and types included."""
    for field in fields(one):
        a, b = np.asarray(getattr(one, field.name)), np.asarray(getattr(other, field.name))
        assert a.dtype == b.dtype, field.name
        np.testing.assert_array_equal(a, b, field.name)


def assert_same_table(one: pa.Table, other: pa.Table) -> None:
    assert one.schema == other.schema
    assert one.num_rows == other.num_rows
    for name in one.column_names:
        for a, b in zip(one[name].to_pylist(), other[name].to_pylist(), strict=True):
            assert a == b or (a != a and b != b), name


def mirrored(tracks: Tracks) -> Tracks:
    """Covariances as they are stored: the upper triangle; the lower may differ by rounding."""
    upper = np.triu(tracks.position_covariance_m2)
    lower = np.triu(tracks.position_covariance_m2, 1).transpose(0, 2, 1)
    np.testing.assert_allclose(upper + lower, tracks.position_covariance_m2, rtol=1e-9, atol=1e-6)
    return replace(tracks, position_covariance_m2=upper + lower)


def assert_same_snapshot(found: Snapshot, written: Snapshot) -> None:
    assert found.time_s == written.time_s
    assert_same(found.truth, written.truth)
    assert_same(found.tracks, mirrored(written.tracks))
    assert_same(found.plots, written.plots)
    present = written.truth.present
    np.testing.assert_array_equal(found.detectability[present], written.detectability[present])
    np.testing.assert_array_equal(found.best_sensor[present], written.best_sensor[present])
    np.testing.assert_array_equal(found.visibility, written.visibility)
    np.testing.assert_array_equal(found.misled[present], written.misled[present])
    np.testing.assert_allclose(found.beam_azimuth_rad, written.beam_azimuth_rad, atol=1e-9)


def test_every_snapshot_comes_back(done: Run, recording: Recording) -> None:
    np.testing.assert_array_equal(recording.times_s, [s.time_s for s in done.snapshots])
    for written in done.snapshots:
        assert_same_snapshot(recording.snapshot(written.time_s), written)


def test_the_last_picture_before_a_time_is_shown(done: Run, recording: Recording) -> None:
    assert_same_snapshot(recording.snapshot(10.99), done.snapshots[9])
    assert_same_snapshot(recording.snapshot(11.0), done.snapshots[10])
    assert_same_snapshot(recording.snapshot(1e9), done.snapshots[-1])
    for early_s in (0.0, 0.99, -5.0):
        empty = recording.snapshot(early_s)
        assert (empty.time_s, len(empty.tracks), len(empty.plots)) == (early_s, 0, 0)
        assert not empty.truth.present.any()
        assert np.isnan(empty.truth.position_enu_m).all()
        assert (empty.visibility == Visibility.ABSENT).all()
        assert (empty.best_sensor == -1).all()


def test_all_plots_come_back(done: Run, recording: Recording) -> None:
    made = Plots.concatenate([s.plots for s in done.snapshots])
    assert_same(recording.plots, made)
    start_s, end_s = float(made.time_s[5]), 33.0
    found = recording.plots_between(start_s, end_s)
    assert_same(found, made.take((made.time_s > start_s) & (made.time_s <= end_s)))
    assert found.time_s.min() > start_s
    assert len(recording.plots_between(20.0, 20.0)) == 0
    assert len(recording.plots_between(-1.0, 1e9)) == len(made)


def test_heights_are_above_the_ellipsoid(done: Run, recording: Recording) -> None:
    truth = recording.columns("truth")
    of_airliner = truth.codes("target", tuple(done.world.targets.ids)) == 0
    np.testing.assert_allclose(truth.numbers("height_m")[of_airliner], 6000.0, atol=0.5)
    tracks = recording.columns("tracks")
    np.testing.assert_array_equal(
        tracks.numbers("height_m"), done.world.frame.height_m_of(tracks.position_enu_m)
    )


def test_columns_hold_what_their_names_say(done: Run, recording: Recording) -> None:
    tables = {name: recording.table(name) for name in ("truth", "plots", "tracks")}

    def check(table: str, names: str, expected: np.ndarray[Any, Any]) -> None:
        for name, column in zip(names.split(), expected.T, strict=True):
            np.testing.assert_array_equal(tables[table][name].to_numpy(), column, name)

    there = [(s.truth, s.truth.present) for s in done.snapshots]
    pictures = [s.tracks for s in done.snapshots]
    plots = Plots.concatenate([s.plots for s in done.snapshots])
    place, motion = "east_m north_m up_m", "velocity_east_mps velocity_north_mps velocity_up_mps"
    check("truth", place, np.concatenate([t.position_enu_m[rows] for t, rows in there]))
    check("truth", motion, np.concatenate([t.velocity_enu_mps[rows] for t, rows in there]))
    check("tracks", place, np.concatenate([t.position_enu_m for t in pictures]))
    check("tracks", motion, np.concatenate([t.velocity_enu_mps for t in pictures]))
    check("tracks", "replies_civil", np.concatenate([t.replies[:, 1:2] for t in pictures]))
    check("tracks", "replies_military", np.concatenate([t.replies[:, 2:] for t in pictures]))
    covariance = np.concatenate([t.position_covariance_m2 for t in pictures])
    for name, row, column in (
        *(("ee", 0, 0), ("en", 0, 1), ("eu", 0, 2)),
        *(("nn", 1, 1), ("nu", 1, 2), ("uu", 2, 2)),
    ):
        check("tracks", f"cov_{name}_m2", covariance[:, row, column, None])
    check("plots", "range_m azimuth_rad elevation_rad range_rate_mps", plots.measurement)
    errors = "sigma_range_m sigma_azimuth_rad sigma_elevation_rad sigma_range_rate_mps"
    check("plots", errors, plots.sigma)


def test_words_stand_for_codes(recording: Recording) -> None:
    rows = recording.table("plots").to_pylist()
    assert {row["sensor"] for row in rows} == {"mobile", "approach-radar"}
    assert {row["reply"] for row in rows} == {"none", "civil", "military"}
    assert {row["truth_target"] for row in rows} >= {None, "airliner", "pair/1", "visitor/2"}
    assert all(
        row["reply"] == "military"
        for row in rows
        if row["truth_target"] == "pair/1" and (row["sensor"] == "approach-radar")
    )
    rows = recording.table("tracks").to_pylist()
    assert {row["status"] for row in rows} == {"tentative", "confirmed", "coasting"}
    assert {row["identity"] for row in rows} == {"pending", "unknown", "friend", "neutral"}
    assert "visible" in {row["visibility"] for row in recording.table("truth").to_pylist()}


def test_every_identity_is_written_as_a_word_and_read_back() -> None:
    now = Vocabulary((), ()).identity
    assert now[4:] == ("assumed-friend", "suspect", "hostile")
    before = ("pending", "unknown", "friend", "neutral")  # of recordings without evidence
    for written in (now, before):
        codes = np.arange(len(written), dtype=np.uint8)
        table = pa.table({"identity": word_column(codes, written)})
        found = Columns(table, Vocabulary((), ())).codes("identity", now)
        np.testing.assert_array_equal(found, codes)


def test_the_setting_comes_back(done: Run, recording: Recording) -> None:
    assert recording.setting == done.world.setting
    assert [thing.kind for thing in recording.setting.protected] == ["corridor", "point"]
    assert recording.state == "complete"


def expected_events(done: Run) -> list[tuple[float, str, object, object]]:
    """What happened, told from the snapshots alone."""
    events: list[tuple[float, str, object, object]] = []
    targets, sensors = done.world.targets.ids, [s.id for s in done.world.sensors]
    plots = Plots.concatenate([s.plots for s in done.snapshots])
    for target, target_id in enumerate(targets):
        for sensor, sensor_id in enumerate(sensors):
            times = plots.time_s[(plots.truth_id == target) & (plots.sensor == sensor)]
            if times.size:
                events.append((float(times.min()), "first-detection", target_id, sensor_id))
    known: dict[int, int] = {}
    for snapshot in done.snapshots:
        tracks = snapshot.tracks
        now = {
            int(tracks.number[k]): int(tracks.identity[k])
            for k in range(len(tracks))
            if tracks.confirmed[k]
        }
        new, gone = now.keys() - known.keys(), known.keys() - now.keys()
        events += [(snapshot.time_s, "track-confirmed", number, None) for number in new]
        events += [(snapshot.time_s, "track-dropped", number, None) for number in gone]
        for number, identity in now.items():
            if known.get(number) != identity:
                word = Identity(identity).name.lower()
                events.append((snapshot.time_s, "track-identified", number, word))
        known = now
    return events


def test_events_tell_what_the_snapshots_show(done: Run, recording: Recording) -> None:
    rows = recording.table("events").to_pylist()
    found = [
        (
            row["time_s"],
            row["event"],
            row["number"] if row["target"] is None else row["target"],
            row["detail"] if row["sensor"] is None else row["sensor"],
        )
        for row in rows
    ]
    assert sorted(found, key=str) == sorted(expected_events(done), key=str)
    assert {row["event"] for row in rows} == {
        "first-detection",
        "track-confirmed",
        "track-identified",
        "track-dropped",
    }
    times = [row["time_s"] for row in rows]
    assert times == sorted(times)


def test_what_is_pending_does_not_grow(tmp_path: Path) -> None:
    world = world_of(tmp_path, changed(("duration_s: 75", "duration_s: 190")))
    writer = RunWriter(tmp_path / "run", world.setting, {}, 1.0)
    for snapshot in run(world):
        writer.add(snapshot)
        since_flush = round(snapshot.time_s % FLUSH_S)
        assert len(writer._pictures) == since_flush
        assert len(writer._plots) <= since_flush
        assert (writer._events.table().num_rows == 0) or since_flush
        parts = sorted(path.name for path in (writer.folder / PARTS).glob("plots-*"))
        assert len(parts) == int(snapshot.time_s / FLUSH_S)
    writer.close(190.0, complete=True)
    assert not (writer.folder / PARTS).exists()
    assert sorted(path.name for path in writer.folder.iterdir()) == [
        "events.parquet",
        "manifest.json",
        "plots.parquet",
        "tracks.parquet",
        "truth.parquet",
    ]


def test_reading_while_the_run_goes_on(tmp_path: Path) -> None:
    world = world_of(tmp_path, changed(("duration_s: 75", "duration_s: 130")))
    writer = RunWriter(tmp_path / "run", world.setting, {}, 1.0)
    written = []
    for snapshot in run(world):
        writer.add(snapshot)
        written.append(snapshot)
        if snapshot.time_s in (59.0, 60.0, 61.0, 119.0, 120.0):
            found = Recording.open(tmp_path / "run")
            flushed = int(snapshot.time_s / 60) * 60
            assert found.state == "running"
            assert found.times_s.tolist() == [k + 1.0 for k in range(flushed)]
            if flushed:
                assert_same_snapshot(found.snapshot(1e9), written[flushed - 1])


@pytest.mark.parametrize("interrupted_at", range(9))
def test_an_interrupted_flush_loses_nothing(
    interrupted_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between any two files of the first flush, before or after one is in place."""
    world = world_of(tmp_path, changed(("duration_s: 75", "duration_s: 60")))
    writer = RunWriter(tmp_path / "run", world.setting, {}, 1.0)
    calls = 0

    def interrupting(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == interrupted_at + 1:
                if function is write_table:
                    Path(given[1]).write_bytes(b"PAR1")  # half a file
                raise KeyboardInterrupt
            return function(*given, **named)

        return call

    snapshots = list(run(world))
    for snapshot in snapshots[:-1]:
        writer.add(snapshot)
    write_table = pq.write_table
    monkeypatch.setattr(sim.record.writer.pq, "write_table", interrupting(write_table))
    monkeypatch.setattr(sim.record.writer.os, "replace", interrupting(os.replace))
    with pytest.raises(KeyboardInterrupt):
        writer.add(snapshots[-1])
    for name in TABLES:
        Recording.open(writer.folder).table(name)
    writer.close(60.0, complete=False)
    whole = recorded(tmp_path / "whole", changed(("duration_s: 75", "duration_s: 60")))
    for name in TABLES:
        assert_same_table(
            Recording.open(writer.folder).table(name), Recording.open(whole.folder).table(name)
        )


def started(folder: Path, duration_s: float) -> subprocess.Popen[bytes]:
    """Run the small scenario by the command line, and wait for its first flush."""
    path = folder / "small.yaml"
    path.write_text(changed(("duration_s: 75", f"duration_s: {duration_s:g}")))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "run", path, "--out", folder / "run", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 400  # kernels may have to be compiled first
    while True:
        try:
            if Recording.open(folder / "run").times_s.size:
                return process
        except RecordingError:
            assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_run_is_readable_up_to_its_last_flush(tmp_path: Path) -> None:
    process = started(tmp_path, 50_000)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    found = Recording.open(tmp_path / "run")
    assert found.state == "running"
    flushed = int(found.times_s[-1])
    assert flushed % 60 == 0
    assert not (tmp_path / "run" / "metrics.json").exists()
    text = changed(("duration_s: 75", f"duration_s: {flushed}"))
    whole = recorded(tmp_path / "whole", text)
    for name in TABLES:
        assert found.table(name).num_rows
        expected = Recording.open(whole.folder).table(name)
        assert_same_table(found.table(name).slice(0, expected.num_rows), expected)
    for written in whole.snapshots[::7]:
        assert_same_snapshot(found.snapshot(written.time_s), written)


def test_a_run_stopped_by_ctrl_c_is_judged(tmp_path: Path) -> None:
    process = started(tmp_path, 50_000)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"Traceback" not in err
    found = Recording.open(tmp_path / "run")
    assert found.state == "stopped"
    answer = json.loads(out)
    assert answer["complete"] is False
    assert answer["simulated_s"] == found.times_s[-1] >= 60.0
    assert sorted(path.name for path in found.folder.iterdir()) == [
        "events.parquet",
        "manifest.json",
        "metrics.json",
        "plots.parquet",
        "scenario.resolved.yaml",
        "tracks.parquet",
        "truth.parquet",
    ]
    metrics = json.loads((found.folder / "metrics.json").read_text())
    assert metrics == answer["metrics"]
    assert metrics["steps"] == found.times_s.size


def test_a_sky_that_empties_is_shown_empty(tmp_path: Path) -> None:
    """Pictures without tracks and truth are pictures too: the last full one must not stay."""
    text = without_targets()
    gone = TEXT[TEXT.index("  - id: leaver") : TEXT.index("  - id: visitor")]
    done = recorded(tmp_path, changed(("targets: []\n", "targets:\n" + gone), text=text))
    assert not done.snapshots[-1].truth.present.any()
    assert len(done.snapshots[-1].tracks) == 0
    found = Recording.open(done.folder)
    assert found.times_s[-1] == 75.0
    for written in (done.snapshots[20], done.snapshots[-1]):
        assert_same_snapshot(found.snapshot(written.time_s), written)
    assert len(found.snapshot(20.0).tracks) == 1


def test_a_run_in_which_nothing_happens_opens(tmp_path: Path) -> None:
    done = recorded(tmp_path, without_targets())
    found = Recording.open(done.folder)
    assert all(found.table(name).num_rows == 0 for name in TABLES)
    assert found.times_s.size == 75
    snapshot = found.snapshot(50.0)
    assert (snapshot.time_s, len(snapshot.truth), len(snapshot.tracks)) == (50.0, 0, 0)
    assert_same_snapshot(snapshot, done.snapshots[49])
    assert json.loads((done.folder / "metrics.json").read_text())["steps"] in (0, 75)


def test_a_run_killed_before_its_first_flush_opens_empty(tmp_path: Path) -> None:
    world = world_of(tmp_path)
    writer = RunWriter(tmp_path / "run", world.setting, {}, 1.0)
    for snapshot in run(world):
        if snapshot.time_s == FLUSH_S:
            break
        writer.add(snapshot)
    found = Recording.open(tmp_path / "run")
    assert found.times_s.size == 0
    assert all(found.table(name).num_rows == 0 for name in TABLES)
    snapshot = found.snapshot(30.0)
    assert len(snapshot.truth) == 6
    assert not snapshot.truth.present.any()
    assert (len(snapshot.plots), len(snapshot.tracks)) == (0, 0)


@pytest.mark.parametrize(("interval_s", "per_picture"), [(3599.9, 2), (0.1, 1), (0.7, 3)])
def test_pictures_stay_on_their_beat(interval_s: float, per_picture: int, tmp_path: Path) -> None:
    setting = Setting("s", "s", "2025-01-01T00:00:00Z", 1e7, 0.9, 0.1, 0.0, (), (), ())
    writer = RunWriter(tmp_path / "run", setting, {}, interval_s)
    step_s = interval_s / per_picture
    nobody = Truth(0.0, np.empty((0, 3)), np.empty((0, 3)), np.empty(0, np.bool_))
    track = Tracks.empty()
    track = Tracks(
        0.0,
        *(
            np.zeros((1, *getattr(track, f.name).shape[1:]), getattr(track, f.name).dtype)
            for f in fields(Tracks)
            if f.name != "time_s"
        ),
    )
    track = replace(track, target_class=np.array([-1], np.int32))
    nothing = np.empty(0)
    for k in range(1, 300 * per_picture + 1):
        time_s = k * step_s
        writer.add(
            Snapshot(
                time_s=time_s,
                truth=replace(nobody, time_s=time_s),
                plots=Plots.empty(),
                tracks=replace(track, time_s=time_s),
                beam_azimuth_rad=nothing,
                detectability=nothing,
                visibility=nothing.astype(np.uint8),
                best_sensor=nothing.astype(np.int32),
                rejected=0,
            )
        )
    writer.close(time_s, complete=True)
    found = Recording.open(tmp_path / "run")
    beat = interval_s * np.arange(1, 301)
    np.testing.assert_allclose(found.table("tracks")["time_s"].to_numpy(), beat, rtol=1e-12)
    np.testing.assert_array_equal(found.times_s, beat)
    for time_s in beat[[0, 1, 2, 149, 298, 299]]:
        assert len(found.snapshot(time_s).tracks) == 1
        assert found.snapshot(time_s).time_s == time_s


def broken(done: Run, folder: Path) -> Path:
    shutil.copytree(done.folder, folder / "broken")
    return folder / "broken"


def without(key: str) -> Callable[[dict[str, Any]], Any]:
    return lambda manifest: {k: v for k, v in manifest.items() if k != key}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("setting"), "'setting' is missing"),
        (without("interval_s"), "'interval_s' is missing"),
        (without("recorded_until_s"), "'recorded_until_s' is missing"),
        (lambda m: m | {"interval_s": 0}, "every 0 s"),
        (lambda m: m | {"interval_s": "often"}, "not a manifest this version can read"),
        (lambda m: m | {"recorded_until_s": -1}, "until -1 s"),
        (lambda m: m | {"recorded_until_s": float("nan")}, "until nan s"),
        (lambda m: [m], "not a manifest this version can read"),
        (lambda m: None, "not a manifest this version can read"),
        (lambda m: m | {"setting": [1]}, "not a manifest this version can read"),
        (lambda m: m | {"setting": without("sensors")(m["setting"])}, "'sensors' is missing"),
        (lambda m: m | {"setting": without("title")(m["setting"])}, "title"),
        (lambda m: m | {"setting": m["setting"] | {"colour": "red"}}, "colour"),
        (lambda m: m | {"setting": m["setting"] | {"targets": "all"}}, "can read"),
        (lambda m: m | {"setting": m["setting"] | {"sensors": [{"id": "a"}]}}, "is missing"),
        (lambda m: m | {"setting": m["setting"] | {"targets": [{"id": "a"}]}}, "can read"),
    ],
)
def test_a_manifest_of_wrong_shape_is_refused(
    change: Callable[[Any], Any], said: str, done: Run, tmp_path: Path
) -> None:
    folder = broken(done, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(change(manifest)))
    with pytest.raises(RecordingError, match=said) as refused:
        Recording.open(folder)
    assert str(folder / "manifest.json") in str(refused.value)


def test_a_damaged_manifest_is_refused(done: Run, tmp_path: Path) -> None:
    path = broken(done, tmp_path) / "manifest.json"
    whole = path.read_bytes()
    for content in (b"", b"{", whole[: len(whole) // 2], b"\xff\xfe" + whole, b"\x00" * 100):
        path.write_bytes(content)
        with pytest.raises(RecordingError, match="not a manifest this version can read") as refused:
            Recording.open(path.parent)
        assert str(path) in str(refused.value)


def test_a_folder_without_recording_is_refused(done: Run, tmp_path: Path) -> None:
    for folder in (tmp_path / "none", tmp_path, done.folder / "truth.parquet"):
        with pytest.raises(RecordingError, match=r"no recording here \(manifest.json is missing\)"):
            Recording.open(folder)


@pytest.mark.parametrize("name", TABLES)
def test_a_damaged_table_is_refused(name: str, done: Run, tmp_path: Path) -> None:
    path = broken(done, tmp_path) / f"{name}.parquet"
    whole = path.read_bytes()
    for content in (b"", b"PAR1", whole[:-20], whole[: len(whole) // 2], b"\x00" * len(whole)):
        path.write_bytes(content)
        with pytest.raises(RecordingError, match="not a readable Parquet file") as refused:
            Recording.open(path.parent).table(name)
        assert str(path) in str(refused.value)


def test_a_foreign_table_is_refused(done: Run, tmp_path: Path) -> None:
    folder = broken(done, tmp_path)
    shutil.copy(folder / "plots.parquet", folder / "tracks.parquet")
    with pytest.raises(RecordingError, match="its columns are not those of tracks"):
        Recording.open(folder).snapshot(30.0)


def test_no_half_written_file_is_read(done: Run, tmp_path: Path) -> None:
    """What a kill in the middle of a flush leaves behind does no harm."""
    world = world_of(tmp_path)
    writer = RunWriter(tmp_path / "run", world.setting, {}, 1.0)
    for snapshot in done.snapshots[:60]:
        writer.add(snapshot)
    (writer.folder / PARTS / "plots-000001.partial").write_bytes(b"PAR1")
    (writer.folder / "truth.parquet.partial").write_bytes(b"PAR1")
    (writer.folder / "manifest.json.partial").write_bytes(b"{")
    # A kill before the manifest is renewed: these plots belong to no complete picture.
    shutil.copy(
        writer.folder / PARTS / "plots-000000.parquet",
        writer.folder / PARTS / "plots-000001.parquet",
    )
    found = Recording.open(writer.folder)
    assert found.times_s.size == 60
    assert_same(found.snapshot(1e9).tracks, mirrored(done.snapshots[59].tracks))


def test_a_run_does_not_write_into_an_existing_folder(done: Run, tmp_path: Path) -> None:
    with pytest.raises(FileExistsError):
        RunWriter(tmp_path, done.world.setting, {}, 1.0)


def test_false_alarms_have_no_target(recording: Recording) -> None:
    rows = recording.table("plots").column("truth_target").null_count
    assert rows == (recording.plots.truth_id == FALSE_ALARM).sum() > 50
