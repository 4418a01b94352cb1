"""The viewer as a whole, on SDL's dummy driver: keys, mouse, pictures, errors."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from viz_fake import NUMBERS, POSITION, SETTING, VELOCITY, FakeRecording, snapshot_at, steps

from sim.core.tables import Identity
from viz import style
from viz.app import ViewerError, run_viewer
from viz.bindings import DIGIT_SPEEDS, Action, presses
from viz.camera import Camera
from viz.render import Painter
from viz.scene import everything
from viz.session import Session, nothing_yet
from viz.sources import Live, Replay
from viz.toolkit import pygame
from viz.view import Layout, View

SIZE = (900, 600)


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    yield
    pygame.quit()


def view_after(
    monkeypatch: pytest.MonkeyPatch, events: list[tuple[int, dict[str, Any]]], **options: Any
) -> View:
    """Run the viewer with events arriving one per frame from the second on."""
    queue = [[], *([pygame.Event(kind, content)] for kind, content in events)]
    monkeypatch.setattr(pygame.event, "get", lambda: queue.pop(0) if queue else [])
    source = options.pop("source", None) or Live(SETTING, steps())
    options.setdefault("frames", len(events) + 2)
    return run_viewer(source, size=SIZE, **options)


def key(name: str, typed: str = "") -> tuple[int, dict[str, Any]]:
    pygame.display.init()
    return pygame.KEYDOWN, {"key": pygame.key.key_code(name), "unicode": typed, "mod": 0}


def test_starts_runs_and_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    view = view_after(monkeypatch, [], frames=10, speed=20.0)
    assert 0.5 < view.time_s < 20.0
    assert not view.paused


def test_events_really_come_through_pygame(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = pygame.display.set_mode

    def open_and_press(*arguments: Any) -> pygame.Surface:
        surface = opened(*arguments)
        pygame.event.post(pygame.Event(*key("t", "t")))
        pygame.event.post(pygame.Event(*key("space", " ")))
        return surface

    monkeypatch.setattr(pygame.display, "set_mode", open_and_press)
    view = run_viewer(Live(SETTING, steps()), size=SIZE, frames=3)
    assert view.truth
    assert view.paused


@pytest.mark.parametrize(
    ("name", "typed", "switch"),
    [
        ("t", "t", "truth"),
        ("v", "V", "leaders"),
        ("l", "l", "labels"),
        ("d", "d", "trails"),
        ("p", "p", "plots"),
        ("r", "r", "rings"),
        ("b", "b", "sweeps"),
        ("tab", "\t", "panel"),
        ("f1", "", "help"),
        ("h", "h", "help"),
    ],
)
def test_switches(monkeypatch: pytest.MonkeyPatch, name: str, typed: str, switch: str) -> None:
    before = getattr(view_after(monkeypatch, []), switch)
    assert getattr(view_after(monkeypatch, [key(name, typed)]), switch) is not before
    assert getattr(view_after(monkeypatch, [key(name, typed)] * 2), switch) is before


def test_pause_step_and_quit(monkeypatch: pytest.MonkeyPatch) -> None:
    events = [key("space", " "), key(".", "."), key(".", ".")]
    view = view_after(monkeypatch, events, frames=30)
    assert view.paused
    assert 2.0 <= view.time_s < 3.0
    assert view_after(monkeypatch, [key("q", "q")], frames=None).time_s < 5.0
    assert view_after(monkeypatch, [key("escape", "\x1b")], frames=None).time_s < 5.0
    assert view_after(monkeypatch, [(pygame.QUIT, {})], frames=None).time_s < 5.0


def test_speeds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert view_after(monkeypatch, [key("]", "]")]).speed == 2.0
    assert view_after(monkeypatch, [key("[", "[")] * 9).speed == 0.25
    assert view_after(monkeypatch, [key("]", "]")] * 20).speed == 1000.0
    for digit, speed in enumerate(DIGIT_SPEEDS, start=1):
        assert view_after(monkeypatch, [key(str(digit), str(digit))]).speed == speed


def test_seeking_a_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    def at(events: list[tuple[int, dict[str, Any]]]) -> float:
        source = Replay(FakeRecording())
        return view_after(monkeypatch, [key("space", " "), *events], source=source).time_s

    assert at([key("page down")]) == 60.0
    assert at([key("page down"), key("page up")]) < 1.0
    assert at([key(".", "."), key("home")]) == 0.0


def test_a_live_run_says_that_it_cannot_jump(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "recording" in view_after(monkeypatch, [key("page up")]).message


def test_seeking_brings_trails_along() -> None:
    session = Session(Replay(FakeRecording()), SIZE, 1.0, None)
    session.seek(57.0)
    assert session.view.time_s == 57.0
    dots = session.memory.trails_of(NUMBERS[:1])[0]
    assert np.isfinite(dots).all(axis=1).sum() >= 10
    session.seek(3.0)
    assert session.snapshot.time_s == 3.0
    assert session.memory.plot_time_s.max() <= 3.0


def test_zoom_pan_and_fit_by_key_and_mouse(monkeypatch: pytest.MonkeyPatch) -> None:
    start = view_after(monkeypatch, []).camera
    closer = view_after(monkeypatch, [key("+", "+"), key("left")]).camera
    assert closer.scale_m_per_px == pytest.approx(start.scale_m_per_px / 1.25)
    assert closer.east_m == pytest.approx(start.east_m - 60 * closer.scale_m_per_px)
    fitted = view_after(monkeypatch, [key("-", "-"), key("up"), key("f", "f")]).camera
    assert fitted == everything(SETTING, nothing_yet(SETTING), start.viewport)

    cursor = (200, 300)
    monkeypatch.setattr(pygame.mouse, "get_pos", lambda: cursor)
    wheel = (pygame.MOUSEWHEEL, {"precise_y": 3.0, "y": 3})
    wheeled = view_after(monkeypatch, [wheel]).camera
    assert wheeled.scale_m_per_px < start.scale_m_per_px
    np.testing.assert_allclose(wheeled.to_world(cursor), start.to_world(cursor), atol=1e-6)

    drag = [
        (pygame.MOUSEBUTTONDOWN, {"button": 1, "pos": (300, 300)}),
        (pygame.MOUSEMOTION, {"buttons": (1, 0, 0), "rel": (40, -25), "pos": (340, 275)}),
        (pygame.MOUSEBUTTONUP, {"button": 1, "pos": (340, 275)}),
    ]
    dragged = view_after(monkeypatch, drag)
    np.testing.assert_allclose(
        dragged.camera.to_world((340, 275)), start.to_world((300, 300)), atol=1e-6
    )
    assert dragged.selected is None


def test_a_click_selects_and_a_click_beside_deselects() -> None:
    session = Session(Live(SETTING, steps()), SIZE, 1.0, None)
    session.run_to(2.0)
    at = session.view.camera.to_screen(POSITION[0] + 2.0 * VELOCITY[0]).tolist()
    session.press((at[0] + 3, at[1] - 2))
    session.release((at[0] + 3, at[1] - 2))
    assert session.view.selected == 1
    session.press((at[0] + 150, at[1] + 60))
    session.release((at[0] + 150, at[1] + 60))
    assert session.view.selected is None
    panel = session.view.layout.panel
    session.select(5)
    session.press(panel.centre)
    session.release(panel.centre)
    assert session.view.selected == 5


def test_the_selected_track_goes_into_the_middle() -> None:
    session = Session(Live(SETTING, steps()), SIZE, 1.0, None)
    session.run_to(2.0)
    before = session.view.camera
    session.do(Action.CENTRE)
    assert session.view.camera == before
    assert "no track is selected" in session.view.message
    session.select(2)
    session.do(Action.CENTRE)
    assert session.view.camera.scale_m_per_px == before.scale_m_per_px
    at = session.view.camera.to_screen(POSITION[1] + 2.0 * VELOCITY[1])
    np.testing.assert_allclose(at, session.view.layout.map.centre)


@pytest.mark.parametrize("seekable", [True, False])
def test_hurries_to_its_time_with_trails_and_fits_the_map(
    monkeypatch: pytest.MonkeyPatch, seekable: bool
) -> None:
    source = Replay(FakeRecording()) if seekable else Live(SETTING, steps())
    session = Session(source, SIZE, 0.25, 40.0, presses("t"))
    for _ in range(10):
        assert not session.view.truth or session.view.time_s == 40.0
        session.tick(1 / 60, 1.0)
    assert (session.view.time_s, session.view.paused, session.view.truth) == (40.0, True, True)
    assert session.view.camera == everything(SETTING, snapshot_at(40.0), session.view.layout.map)
    assert np.isfinite(session.memory.trails_of(NUMBERS[:1])[0]).all(axis=1).sum() >= 7
    session.do(Action.PAUSE)
    session.tick(0.1, 1.0)
    assert session.view.time_s == pytest.approx(40.025)


@pytest.mark.parametrize("size", [(200, 150), (1, 1), (1920, 1080)])
def test_resizing(monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]) -> None:
    events = [(pygame.VIDEORESIZE, {"size": size, "w": size[0], "h": size[1]}), key("h", "h")]
    view = view_after(monkeypatch, events)
    assert view.size_px == size
    assert view.camera.viewport == Layout.of(size, panel=True).map


def test_reaches_until_and_pauses_there(monkeypatch: pytest.MonkeyPatch) -> None:
    view = view_after(monkeypatch, [], frames=20, speed=1000.0, until_s=12.5)
    assert view.paused
    assert view.time_s == 12.5


def test_says_when_the_run_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    view = view_after(monkeypatch, [], frames=30, speed=1000.0)
    assert view.paused
    assert view.time_s == 60.0
    assert "end" in view.message


def test_screenshot_key_writes_into_the_current_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    view = view_after(monkeypatch, [key("s", "s")])
    (picture,) = tmp_path.glob("*.png")
    assert str(picture) in view.message
    assert pygame.image.load(picture).get_size() == SIZE


def test_picture_shows_what_it_should(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    view = run_viewer(
        Live(SETTING, steps()), size=SIZE, until_s=2.0, screenshot=path, presses=presses("b")
    )
    assert view.time_s == 2.0
    image = pygame.image.load(path)
    pixels = pygame.surfarray.array3d(image)
    map_ = view.layout.map
    inside = pixels[int(map_.left) : int(map_.right), int(map_.top) : int(map_.bottom)]
    background = np.all(inside == style.BACKGROUND, axis=-1)
    assert 0.7 < background.mean() < 0.99

    def near(place_m: Any, colour: tuple[int, int, int], reach: int, camera: Camera) -> int:
        x, y = np.floor(camera.to_screen(place_m)).astype(int)
        patch = pixels[x - reach : x + reach + 1, y - reach : y + reach + 1].astype(int)
        return int((np.abs(patch - colour).max(axis=-1) < 12).sum())

    friend = style.IDENTITIES[Identity.FRIEND].colour
    at = POSITION[0] + 2.0 * VELOCITY[0]
    assert near(at, friend, 1, view.camera) >= 3
    assert near(at + np.array([4000.0, 4000.0, 0.0]), friend, 3, view.camera) == 0
    assert near(POSITION[1] + 2.0 * VELOCITY[1], friend, 9, view.camera) == 0
    # The limit of the staring sensor's range, in eight directions.
    angles = math.pi / 8 + np.arange(8) * math.pi / 4
    rim = np.array([-15e3, 0.0]) + 5000.0 * np.stack([np.sin(angles), np.cos(angles)], axis=-1)
    found = 0
    for place in rim:
        x, y = np.floor(view.camera.to_screen(place)).astype(int)
        patch = pixels[x - 1 : x + 2, y - 1 : y + 2].astype(int)
        found += bool((patch.sum(axis=-1) > sum(style.BACKGROUND) + 40).any())
    assert found == 8


def test_picture_is_the_same_every_time(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        run_viewer(Live(SETTING, steps()), size=SIZE, until_s=7.5, screenshot=tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_picture_of_a_recording_equals_that_of_the_run(tmp_path: Path) -> None:
    run_viewer(Live(SETTING, steps()), size=SIZE, until_s=20.0, screenshot=tmp_path / "live.png")
    run_viewer(Replay(FakeRecording()), size=SIZE, until_s=20.0, screenshot=tmp_path / "replay.png")
    assert (tmp_path / "live.png").read_bytes() == (tmp_path / "replay.png").read_bytes()


def test_a_picture_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ViewerError, match="cannot write"):
        run_viewer(
            Live(SETTING, steps()), until_s=1.0, screenshot=tmp_path / "no" / "such" / "a.png"
        )


def test_without_a_screen_there_is_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SDL_VIDEODRIVER", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "offscreen")
    with pytest.raises(ViewerError, match=r"no screen found.*picture"):
        run_viewer(Live(SETTING, steps()), frames=1)


def test_a_driver_that_fails_is_told_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "nonesuch")
    with pytest.raises(ViewerError, match="nonesuch"):
        run_viewer(Live(SETTING, steps()), frames=1)


def test_rendered_texts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    from viz import render
    from viz.primitives import Text

    monkeypatch.setattr(render, "_TEXTS_KEPT", 10)
    painter, surface = Painter(), pygame.Surface((100, 100))
    for k in range(50):
        painter.paint(surface, (), [Text(str(k), 0, 0, 11, (255, 255, 255))])
    assert len(painter._texts) == 10


def test_importing_needs_neither_numba_nor_a_word_on_stdout() -> None:
    code = (
        "import sys, viz.app; "
        "assert not {'numba', 'scipy', 'pyarrow', 'matplotlib'} & set(sys.modules)"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYGAME_HIDE_SUPPORT_PROMPT"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
