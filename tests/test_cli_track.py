"""The command ``track``: a recorded run's plots tracked anew, and smoothed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_scenarios import changed, recorded

import sim.engine.retracking
from sim.cli import main
from sim.core.tables import TrackStatus
from sim.record.recording import Recording
from sim.scenario.loader import load

TABLES = ["truth.parquet", "plots.parquet", "tracks.parquet", "events.parquet"]
#: One site's plots come late and with losses.
LOSSY = ("{id: slow}", "{id: slow, latency_s: 1.5, loss: 0.2}")
SHORT = ("duration_s: 75", "duration_s: 40")
TRACKER = "tracker: {coast_max_s: 12"


class Ran:
    """Exit code and output of a command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Track = Callable[..., Ran]


def alike(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Compare columns; unlike Arrow's own comparison NaN equals NaN."""
    if pa.types.is_floating(one.type):
        return np.array_equal(one.to_numpy(), other.to_numpy(), equal_nan=True)
    return bool(one.equals(other))


@pytest.fixture
def track(capsys: pytest.CaptureFixture[str]) -> Track:
    def run_it(*arguments: str | Path) -> Ran:
        with pytest.raises(SystemExit) as stopped:
            main(["track", *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ran(int(stopped.value.code or 0), out, err)

    return run_it


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded run: one tracker, a late and lossy link."""
    return recorded(tmp_path_factory.mktemp("small"), changed(LOSSY)).folder


def same_tables(a: Path, b: Path, names: list[str] = TABLES) -> None:
    for name in names:
        assert (a / name).read_bytes() == (b / name).read_bytes(), name


def test_tracked_anew_with_the_same_settings_the_same_comes_out(
    track: Track, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert track(folder, "--quiet", "--out", out).code == 0
    same_tables(folder, out, [*TABLES, "metrics.json", "scenario.resolved.yaml"])
    ours, theirs = (json.loads((f / "manifest.json").read_text()) for f in (out, folder))
    assert ours.pop("tracked_from") == {
        "folder": str(folder),
        "started": theirs["started"],
        "settings": [],
        "smoothed": False,
    }
    del ours["started"], theirs["started"]
    assert ours == theirs
    # What was tracked anew is a recording as any other.
    assert track(out, "--quiet", "--out", tmp_path / "again").code == 0
    same_tables(folder, tmp_path / "again")


@pytest.mark.parametrize("architecture", ["distributed", "stove-piped"])
def test_so_it_does_with_a_tracker_at_every_site(
    architecture: str, track: Track, tmp_path: Path
) -> None:
    text = changed(SHORT, LOSSY, (TRACKER, f"{TRACKER}, architecture: {architecture}"))
    run = recorded(tmp_path, text)
    assert track(run.folder, "--quiet", "--out", tmp_path / "out").code == 0
    same_tables(run.folder, tmp_path / "out")


def test_settings_take_the_place_of_the_recorded_ones(
    track: Track, folder: Path, tmp_path: Path
) -> None:
    """The sensors' draws do not depend on the tracker: as if it had run so in the first place."""
    other = f"{TRACKER}, filter: imm, association: jipda, lag_s: 2"
    run = recorded(tmp_path, changed(LOSSY, (TRACKER, other)))
    settings = ("tracker.filter=imm", "tracker.association=jipda", "tracker.lag_s=2")
    arguments = [word for setting in settings for word in ("--set", setting)]
    assert track(folder, *arguments, "--quiet", "--out", tmp_path / "out").code == 0
    same_tables(run.folder, tmp_path / "out", ["tracks.parquet", "events.parquet"])
    assert (tmp_path / "out" / "tracks.parquet").read_bytes() != (
        folder / "tracks.parquet"
    ).read_bytes()
    spec = load(tmp_path / "out" / "scenario.resolved.yaml").spec
    assert (spec.tracker.filter, spec.tracker.lag_s) == ("imm", 2.0)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["tracked_from"]["settings"] == list(settings)


def test_models_can_be_given_as_in_a_file(track: Track, folder: Path, tmp_path: Path) -> None:
    """And shorter cycles: other steps than the run's, the same plots and recorded times."""
    models = "tracker.models=[{kind: singer, noise: 20, time_constant_s: 15}]"
    arguments = ("--set", models, "--set", "tracker.cycle_s=0.4", "--quiet")
    assert track(folder, *arguments, "--out", tmp_path / "out").code == 0
    same_tables(folder, tmp_path / "out", ["truth.parquet"])
    assert len(Recording.open(tmp_path / "out").plots) == len(Recording.open(folder).plots)
    spec = load(tmp_path / "out" / "scenario.resolved.yaml").spec
    assert [model.kind for model in spec.tracker.models] == ["singer"]


def test_the_filterpy_engine_tracks_its_own_recording(track: Track, tmp_path: Path) -> None:
    text = changed(("duration_s: 75", "duration_s: 15"), (TRACKER, f"{TRACKER}, engine: filterpy"))
    run = recorded(tmp_path, text)
    ran = track(run.folder, "--smooth", "--quiet", "--out", tmp_path / "out")
    assert ran.code == 0, ran.err
    same_tables(run.folder, tmp_path / "out", ["events.parquet"])


def test_the_truth_of_the_plots_reaches_no_tracker(
    track: Track, folder: Path, tmp_path: Path
) -> None:
    blind = tmp_path / "blind"
    shutil.copytree(folder, blind)
    plots = pq.read_table(blind / "plots.parquet")
    column = plots.schema.get_field_index("truth_target")
    words = plots.column(column).combine_chunks()
    indices = np.random.default_rng(1).permutation(len(plots))
    plots = plots.set_column(column, plots.schema.field(column), words.take(pa.array(indices)))
    pq.write_table(plots, blind / "plots.parquet")
    known, permuted = (Recording.open(path).plots.truth_id for path in (folder, blind))
    assert (known != permuted).mean() > 0.5
    for name, source in (("one", folder), ("other", blind)):
        assert track(source, "--smooth", "--quiet", "--out", tmp_path / name).code in (0, 3)
    same_tables(tmp_path / "one", tmp_path / "other", ["tracks.parquet"])


@pytest.mark.parametrize("filter_", ["ekf", "imm"])
def test_smoothing_makes_errors_smaller_and_changes_nothing_else(
    filter_: str, track: Track, folder: Path, tmp_path: Path
) -> None:
    setting = f"tracker.filter={filter_}"
    assert track(folder, "--set", setting, "--quiet", "--out", tmp_path / "plain").code == 0
    ran = track(folder, "--set", setting, "--smooth", "--json", "--out", tmp_path / "smooth")
    assert ran.code == 0
    answer = json.loads(ran.out)
    smoothing = answer["smoothing"]
    before, after = smoothing["filtered_metrics"], answer["metrics"]
    assert before == json.loads((tmp_path / "plain" / "metrics.json").read_text())
    assert after == json.loads((tmp_path / "smooth" / "metrics.json").read_text())
    for key in ("position_rms_m", "velocity_rms_mps"):
        errors = [[target[key] for target in metrics["targets"]] for metrics in (before, after)]
        assert len(errors[0]) == 6
        assert np.mean(errors[1]) < 0.6 * np.mean(errors[0]), key
        assert (np.array(errors[1]) < errors[0]).all(), key
    assert after["gospa"]["localisation_rms_m"] < 0.75 * before["gospa"]["localisation_rms_m"]
    assert after["siap"]["position_accuracy_m"] < before["siap"]["position_accuracy_m"]
    assert after["siap"]["completeness"] >= before["siap"]["completeness"]
    for name in ("truth.parquet", "plots.parquet", "events.parquet"):
        same_tables(tmp_path / "plain", tmp_path / "smooth", [name])
    plain, smoothed = (
        Recording.open(tmp_path / name).table("tracks") for name in ("plain", "smooth")
    )
    assert plain.schema == smoothed.schema
    moved = set()
    for name in plain.column_names:
        if not alike(plain.column(name), smoothed.column(name)):
            moved.add(name)
    states = {n for n in plain.column_names if n.startswith(("velocity_", "cov_"))}
    assert moved == states | {"east_m", "north_m", "up_m", "height_m"}
    columns = Recording.open(tmp_path / "smooth").columns("tracks")
    spread = np.linalg.eigvalsh(columns.position_covariance_m2)
    assert spread.min() > 0.0
    confirmed = np.unique(columns.numbers("number"))
    assert smoothing["tracks"] == (confirmed > 0).sum()
    assert smoothing["plots"] > 10 * smoothing["tracks"]
    manifest = json.loads((tmp_path / "smooth" / "manifest.json").read_text())
    assert manifest["tracked_from"]["smoothed"] is True
    assert manifest["state"] == "complete"


def test_a_track_is_smoothed_from_its_first_plot_on(
    track: Track, folder: Path, tmp_path: Path
) -> None:
    assert track(folder, "--smooth", "--quiet", "--out", tmp_path / "out").code == 0
    old, new = (Recording.open(path) for path in (folder, tmp_path / "out"))
    errors: dict[Path, list[float]] = {old.folder: [], new.folder: []}
    for time_s in old.times_s[:6]:
        for recording in (old, new):
            shown = recording.snapshot(time_s)
            place = shown.truth.position_enu_m[shown.truth.present]
            tentative = shown.tracks.position_enu_m[shown.tracks.status == TrackStatus.TENTATIVE]
            apart = np.linalg.norm(tentative[:, None, :2] - place[:, :2], axis=2).min(axis=1)
            errors[recording.folder] += apart[apart < 1e3].tolist()
    assert len(errors[new.folder]) >= len(errors[old.folder]) > 10
    assert np.median(errors[new.folder]) < 0.7 * np.median(errors[old.folder])


def test_the_summary_sets_before_and_after_side_by_side(
    track: Track, folder: Path, tmp_path: Path
) -> None:
    ran = track(folder, "--smooth", "--out", tmp_path / "out")
    assert ran.code == 0
    for words in ("filtered  smoothed", "GOSPA", "75 s tracked in", str(tmp_path / "out")):
        assert words in ran.out
    ran = track(folder, "--out", tmp_path / "plain")
    assert ran.code == 0
    assert "smoothed" not in ran.out
    assert "siap.completeness" in ran.out


def test_json_and_quiet(track: Track, folder: Path, tmp_path: Path) -> None:
    ran = track(folder, "--json", "--out", tmp_path / "a")
    answer = json.loads(ran.out)
    assert list(answer)[:3] == ["recording", "folder", "complete"]
    assert (answer["recording"], answer["smoothing"]) == (str(folder), None)
    assert answer["simulated_s"] == 75.0
    ran = track(folder, "--quiet", "--out", tmp_path / "b")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_by_default_the_new_folder_lies_beside_the_run(
    track: Track, folder: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(folder, run)
    for _ in range(2):
        assert track(run, "--quiet").code == 0
    assert track(run, "--smooth", "--quiet").code == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["run", "run-smoothed", "run-tracked", "run-tracked-2"]


def test_a_missed_criterion_exits_with_3(track: Track, tmp_path: Path) -> None:
    missed = ("siap.completeness, min: 0.1", "siap.completeness, min: 1.0")
    run = recorded(tmp_path, changed(("duration_s: 75", "duration_s: 8"), missed))
    assert track(run.folder, "--quiet", "--out", tmp_path / "out").code == 3
    assert Recording.open(tmp_path / "out").state == "complete"


def test_what_is_there_of_a_broken_off_run_is_tracked(
    track: Track, folder: Path, tmp_path: Path
) -> None:
    killed = tmp_path / "killed"
    shutil.copytree(folder, killed)
    manifest = json.loads((killed / "manifest.json").read_text())
    (killed / "manifest.json").write_text(
        json.dumps(manifest | {"state": "running", "recorded_until_s": 60.0})
    )
    (killed / "parts").mkdir()
    for name in TABLES:
        table = pq.read_table(killed / name)
        (killed / name).unlink()
        part = killed / "parts" / name.replace(".", "-000000.")
        pq.write_table(table.filter(pa.compute.field("time_s") <= 60.0), part)
    assert track(killed, "--quiet", "--out", tmp_path / "out").code == 0
    again = Recording.open(tmp_path / "out")
    assert (again.state, again.times_s[-1]) == ("stopped", 60.0)
    one, other = again.table("tracks"), Recording.open(killed).table("tracks")
    assert one.schema == other.schema
    assert all(alike(one.column(name), other.column(name)) for name in one.column_names)


def test_an_interrupt_exits_with_130(
    track: Track, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sim.engine.retracking.record_again

    def interrupted(recording: object, spec: object, out: object, _: object, **more: object):  # type: ignore[no-untyped-def]
        def note(snapshot: object) -> None:
            if snapshot.time_s == 20.0:  # type: ignore[attr-defined]
                raise KeyboardInterrupt

        return whole(recording, spec, out, note, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(sim.engine.retracking, "record_again", interrupted)
    ran = track(folder, "--smooth", "--json", "--out", tmp_path / "out")
    assert ran.code == 130
    answer = json.loads(ran.out)
    assert (answer["complete"], answer["smoothing"]) == (False, None)
    assert Recording.open(tmp_path / "out").state == "stopped"


def refused(ran: Ran, *words: str) -> None:
    assert ran.code == 2
    assert ran.out == ""
    for word in words:
        assert word in ran.err


def test_a_folder_that_is_no_recording_is_refused(track: Track, folder: Path) -> None:
    refused(track(folder / "none"), "no recording here")
    refused(track(folder / "tracks.parquet"), "no recording here")
    refused(track(folder.parent), "no recording here", f"its latest run is {folder}")
    refused(track(folder, "--out", folder), f"{folder}: exists already")


def test_a_damaged_recording_is_refused(track: Track, folder: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(folder, damaged)
    (damaged / "plots.parquet").write_bytes(b"no plots")
    refused(track(damaged), "plots.parquet: not a readable Parquet file")
    shutil.copy(folder / "plots.parquet", damaged)
    text = (damaged / "scenario.resolved.yaml").read_text()
    (damaged / "scenario.resolved.yaml").write_text(
        text.replace("height_agl_m: 15", "height_agl_m: 25")
    )
    refused(track(damaged), "not the scenario that was recorded")
    (damaged / "scenario.resolved.yaml").unlink()
    refused(track(damaged), "scenario.resolved.yaml: no such file")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["damaged"]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("tracker.filter=im", ["expected `kf`, `ekf`, `ckf` or `imm`", "did you mean `imm`?"]),
        ("tracker.filtr=imm", ["unknown key `filtr`", "did you mean `filter`?"]),
        ("tracker.lag_s=-1", ["expected at least 0, found -1"]),
        ("tracker.cycle_s=fast", ["expected a number"]),
        ("tracker.confirm_hits='3'", ["confirm_hits"]),
        ("tracker.drop_existence=0.99", ["drop_existence must be below confirm_existence"]),
        ("tracker.engine=filterpy", ["merge_distance: 0"]),
        ("tracker.models=[{kind: singr, noise: 3}]", ["models[0].kind", "did you mean `singer`?"]),
        ("tracker.models=[{kind", ["is not closed"]),
        ("tracker.filter=", ["expected a value"]),
        ("tracker.filter", ["expected tracker.KEY=VALUE"]),
        ("filter=imm", ["did you mean `tracker.filter=…`?"]),
        ("seed=3", ["expected tracker.KEY=VALUE", "as in tracker.filter=imm"]),
    ],
)
def test_a_bad_setting_is_named(
    setting: str, words: list[str], track: Track, folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    ran = track(folder, "--set", "tracker.coast_max_s=9", "--set", setting, "--out", out)
    refused(ran, f"--set {setting}: ", *words)
    assert not out.exists()


def test_what_cannot_be_smoothed_is_refused(track: Track, folder: Path, tmp_path: Path) -> None:
    for setting, words in (
        ("tracker.association=mht", "association mht keeps no plots"),
        ("tracker.architecture=distributed", "--set tracker.architecture=centralised"),
    ):
        out = tmp_path / "out"
        refused(track(folder, "--smooth", "--set", setting, "--out", out), words)
        assert not out.exists()
