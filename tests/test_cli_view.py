"""The command ``view``: windows without a screen, pictures, and what it answers to mistakes."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from small_scenarios import DURATION_S, Run, recorded
from test_viz_coverage import write as write_coverage

from sim.cli import main
from sim.core.tables import Bools, Identity, Snapshot, TrackStatus
from sim.record.recording import Recording
from sim.record.setting import Setting
from sim.record.writer import FLUSH_S, RunWriter
from viz import style
from viz.primitives import Colour
from viz.scene import everything
from viz.toolkit import pygame
from viz.view import Layout, View

SIZE = (1000, 700)
MOMENT_S = 50.0
#: No leaders, no dots, twice closer: symbols stand clear.
PLAIN = "vd++"


class Ran:
    """Exit code and output of a command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


Command = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    pygame.quit()


@pytest.fixture
def view(capsys: pytest.CaptureFixture[str]) -> Command:
    def view_it(*arguments: object) -> Ran:
        size = f"{SIZE[0]}x{SIZE[1]}"
        with pytest.raises(SystemExit) as stopped:
            main(["view", "--size", size, *(str(argument) for argument in arguments)])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return Ran(int(stopped.value.code or 0), out, err)

    return view_it


@pytest.fixture
def last_view(monkeypatch: pytest.MonkeyPatch) -> list[View]:
    """What the viewer was left with, as the command throws it away."""
    import viz.app

    views: list[View] = []
    run_viewer = viz.app.run_viewer
    monkeypatch.setattr(viz.app, "run_viewer", lambda *a, **k: views.append(run_viewer(*a, **k)))
    return views


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded(tmp_path_factory.mktemp("view"))


@pytest.fixture
def copy(done: Run, tmp_path: Path) -> Path:
    return Path(shutil.copytree(done.folder, tmp_path / "copy"))


def scenario(done: Run) -> Path:
    """Return the file that was run."""
    return done.folder.parent / "small.yaml"


class Picture:
    """A picture made with the keys ``PLAIN``, and where things are on it."""

    def __init__(self, path: Path, setting: Setting, snapshot: Snapshot) -> None:
        image = pygame.image.load(path)
        assert image.get_size() == SIZE
        self._pixels = pygame.surfarray.array3d(image).astype(int)
        fitted = everything(setting, snapshot, Layout.of(SIZE, panel=True).map)
        self._camera = fitted.zoomed(1.25).zoomed(1.25)
        self._tracks = snapshot.tracks

    def share(self, row: int, colour: Colour) -> int:
        """Count the pixels of a colour, smoothed edges included, where a track's symbol is."""
        x, y = np.floor(self._camera.to_screen(self._tracks.position_enu_m[row])).astype(int)
        patch = self._pixels[x - 9 : x + 10, y - 9 : y + 10]
        shades = [style.faded(colour, share) for share in np.linspace(0.6, 1.0, 9)]
        near = [np.abs(patch - shade).max(axis=-1) < 14 for shade in shades]
        return int(np.any(near, axis=0).sum())

    def apart(self, rows: Bools) -> list[int]:
        """Return those rows whose symbols stand clear of the others and within the map."""
        pixels = self._camera.to_screen(self._tracks.position_enu_m)
        distance = np.hypot(*np.moveaxis(pixels[:, None] - pixels, -1, 0))
        np.fill_diagonal(distance, np.inf)
        clear = (distance.min(axis=1) > 25) & self._camera.viewport.near(pixels, -10)
        return [int(row) for row in np.flatnonzero(rows & clear)]


def assert_shows(path: Path, setting: Setting, snapshot: Snapshot) -> None:
    """Check that every clear symbol has the colour of its identity and of no other."""
    tracks = snapshot.tracks
    picture = Picture(path, setting, snapshot)
    seen = set()
    for row in picture.apart(tracks.status == TrackStatus.CONFIRMED):
        identity = int(tracks.identity[row])
        for other, look in style.IDENTITIES.items():
            if other == identity:
                assert picture.share(row, look.colour) >= 25, (look.name, row)
                seen.add(identity)
            else:
                assert picture.share(row, look.colour) <= 3, (look.name, row)
    assert {Identity.FRIEND, Identity.NEUTRAL} <= seen


def test_picture_of_a_recording(view: Command, done: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    ran = view(done.folder, "--at", MOMENT_S, "--screenshot", path, "--keys", PLAIN)
    assert (ran.code, ran.out, ran.err) == (0, f"{path}\n", "")
    recording = Recording.open(done.folder)
    assert_shows(path, recording.setting, recording.snapshot(MOMENT_S))


def test_picture_of_a_live_run_equals_that_of_its_recording(
    view: Command, done: Run, tmp_path: Path
) -> None:
    live, replayed = tmp_path / "live.png", tmp_path / "replayed.png"
    assert view(scenario(done), "--at", MOMENT_S, "--screenshot", live).code == 0
    assert view(done.folder, "--at", MOMENT_S, "--screenshot", replayed).code == 0
    assert live.read_bytes() == replayed.read_bytes()


def test_without_at_the_picture_is_of_the_end(
    view: Command, done: Run, tmp_path: Path, last_view: list[View]
) -> None:
    assert view(done.folder, "--screenshot", tmp_path / "a.png").code == 0
    assert last_view[0].time_s == DURATION_S


@pytest.mark.parametrize("live", [True, False])
def test_a_window_goes_to_its_time_and_presses_the_keys_there(
    view: Command, done: Run, last_view: list[View], live: bool
) -> None:
    what = scenario(done) if live else done.folder
    assert view(what, "--at", 20, "--keys", "t++ left 9 q", "--track", 2).code == 0
    (left,) = last_view
    assert left.time_s == 20.0
    assert left.paused
    assert left.truth
    assert left.speed == 1000.0
    assert left.selected == 2
    snapshot = Recording.open(done.folder).snapshot(20.0)
    fitted = everything(done.world.setting, snapshot, left.layout.map).zoomed(1.25).zoomed(1.25)
    assert left.camera.scale_m_per_px == pytest.approx(fitted.scale_m_per_px)
    assert left.camera.east_m == pytest.approx(fitted.east_m - 60 * fitted.scale_m_per_px)


@pytest.mark.parametrize("live", [True, False])
def test_a_window_plays(
    view: Command, done: Run, monkeypatch: pytest.MonkeyPatch, last_view: list[View], live: bool
) -> None:
    frames: Iterator[list[pygame.Event]] = iter([[]] * 12)
    close = [pygame.Event(pygame.QUIT)]
    monkeypatch.setattr(pygame.event, "get", lambda: next(frames, close))
    assert view(scenario(done) if live else done.folder, "--speed", 20).code == 0
    (left,) = last_view
    assert 1.0 < left.time_s < DURATION_S
    assert not left.paused


def test_a_chosen_track_is_framed_and_centred(
    view: Command, done: Run, tmp_path: Path, last_view: list[View]
) -> None:
    recording = Recording.open(done.folder)
    tracks = recording.snapshot(MOMENT_S).tracks
    row = int(np.flatnonzero(tracks.identity == Identity.FRIEND)[0])
    path = tmp_path / "a.png"
    options = ("--at", MOMENT_S, "--track", tracks.number[row], "--screenshot", path)
    assert view(done.folder, *options, "--keys", "c").code == 0
    camera = last_view[0].camera
    np.testing.assert_allclose(
        [camera.east_m, camera.north_m], tracks.position_enu_m[row, :2], atol=1e-6
    )
    pixels = pygame.surfarray.array3d(pygame.image.load(path)).astype(int)
    x, y = (int(side) for side in camera.viewport.centre)
    around = pixels[x - 18 : x + 19, y - 18 : y + 19]
    assert (np.abs(around - style.SELECTED).max(axis=-1) < 16).sum() > 20


def killed_run(done: Run, folder: Path, until_s: float) -> Path:
    """Record as a run that is killed at a time: nothing after the last flush, no end."""
    writer = RunWriter(folder, done.world.setting, {}, 1.0)
    for snapshot in done.snapshots:
        if snapshot.time_s <= until_s:
            writer.add(snapshot)
    return folder


def test_a_killed_run_is_shown_as_far_as_it_got(
    view: Command, done: Run, tmp_path: Path, last_view: list[View]
) -> None:
    folder, path = killed_run(done, tmp_path / "killed", 70.0), tmp_path / "a.png"
    assert json.loads((folder / "manifest.json").read_text())["state"] == "running"
    assert view(folder, "--at", MOMENT_S, "--screenshot", path, "--keys", PLAIN).code == 0
    recording = Recording.open(done.folder)
    assert_shows(path, recording.setting, recording.snapshot(MOMENT_S))
    assert view(folder, "--screenshot", path).code == 0
    assert last_view[1].time_s == FLUSH_S
    ran = view(folder, "--at", FLUSH_S + 1, "--screenshot", path)
    assert ran.code == 2
    assert f"ends at {FLUSH_S:g} s" in ran.err


def test_a_run_killed_at_once_holds_nothing(view: Command, done: Run, tmp_path: Path) -> None:
    ran = view(killed_run(done, tmp_path / "killed", 5.0))
    assert ran.code == 2
    assert "nothing is recorded" in ran.err
    assert "running" in ran.err


@pytest.mark.parametrize("name", ["truth.parquet", "tracks.parquet", "plots.parquet"])
@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_a_truncated_table_is_named(view: Command, copy: Path, name: str, kept: float) -> None:
    path = copy / name
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    ran = view(copy)
    assert ran.code == 2
    assert f"{path}: not a readable Parquet file" in ran.err


def test_a_truncated_manifest_is_named(view: Command, copy: Path) -> None:
    path = copy / "manifest.json"
    path.write_text(path.read_text()[:200])
    ran = view(copy)
    assert ran.code == 2
    assert str(path) in ran.err


def test_a_folder_that_is_no_recording(view: Command, done: Run, tmp_path: Path) -> None:
    ran = view(tmp_path)
    assert ran.code == 2
    assert "no recording here" in ran.err
    assert "hint" not in ran.err
    for run in ("20250101T000000Z-7", "20250601T000000Z-7"):
        shutil.copytree(done.folder, tmp_path / run)
    assert f"hint: its latest run is {tmp_path / run}" in view(tmp_path).err


def test_neither_scenario_nor_folder(view: Command) -> None:
    ran = view("nonesuch")
    assert ran.code == 2
    assert "nonesuch" in ran.err
    assert "f35-arrival-florennes" in ran.err


def test_without_a_screen_there_is_advice(
    view: Command, done: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "offscreen")
    ran = view(done.folder)
    assert ran.code == 2
    assert "no screen found" in ran.err
    assert "--screenshot" in ran.err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--size", "12"), "such as 1600x900, found '12'"),
        (("--size", "0x900"), "--size: expected 1x1"),
        (("--size", "-5x9"), "--size"),
        (("--size", "99999x9"), "--size: expected 1x1 to 16384x16384"),
        (("--keys", "tz"), "'z' in 'tz' does nothing"),
        (("--keys", "t lefty"), "'y' in 'lefty' does nothing"),
        (("--track", "-1"), "--track"),
        (("--track", "five"), "--track"),
        (("--at", "-1"), "--at: expected seconds from 0 on, found -1"),
        (("--at", "nan"), "--at: expected seconds"),
        (("--at", "inf"), "--at: expected seconds"),
        (("--at", "76"), "ends at 75 s, found 76"),
        (("--speed", "0"), "--speed: expected above 0"),
        (("--speed", "nan"), "--speed: expected above 0"),
        (("--screenshot", "a.jpg"), "ends in .png"),
        (("--screenshot", "no/such/a.png"), "there is no folder no/such"),
        (("--seed", "3"), "--seed"),
        (("--duration", "3"), "--duration"),
        (("--coverage", "no/such"), "--coverage: there is no folder no/such"),
        (("--coverage", "."), "no coverage in it"),
    ],
)
def test_bad_values_are_told_apart(
    view: Command, done: Run, options: tuple[str, str], told: str
) -> None:
    ran = view(done.folder, *options)
    assert (ran.code, ran.out) == (2, "")
    assert told in ran.err


def test_coverage_in_a_runs_own_folder_is_found(
    view: Command, copy: Path, tmp_path: Path, last_view: list[View]
) -> None:
    folder = copy / "coverage"
    folder.mkdir()
    write_coverage(folder, "dry", "dry")
    path = tmp_path / "a.png"
    for options in (("--keys", "og"), ("--coverage", folder, "--keys", "g"), ()):
        assert view(copy, "--at", 10, "--screenshot", path, *options).code == 0
    shown = [(left.coverage, left.coverage_height) for left in last_view]
    assert shown == [(True, 1), (True, 1), (False, 0)]


def test_a_track_that_is_not_there(view: Command, done: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    ran = view(done.folder, "--track", 9999, "--at", MOMENT_S, "--screenshot", path)
    assert ran.code == 2
    assert "track 9999 is not in the picture at 50 s" in ran.err
    tracks = Recording.open(done.folder).snapshot(MOMENT_S).tracks
    assert f"{int(tracks.number[tracks.confirmed][0]):04d}" in ran.err
    assert not path.exists()


def test_a_live_run_can_be_shortened(
    view: Command, done: Run, tmp_path: Path, last_view: list[View]
) -> None:
    options = ("--duration", 8, "--seed", 5, "--screenshot", tmp_path / "a.png")
    assert view(scenario(done), *options).code == 0
    assert math.isclose(last_view[0].time_s, 8.0)


def test_help_lists_the_keys(view: Command) -> None:
    text = " ".join(view("--help").out.split())
    for words in ("t truth", "f fit", "c centre", "page-up", "Select this track"):
        assert words in text, words
