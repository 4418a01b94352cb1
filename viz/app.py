"""The window: events in, frames out; or one frame to a file without any window."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from viz.bindings import Press, bound
from viz.coverage import Coverage
from viz.picture import row_of
from viz.render import Painter, save_png
from viz.session import Session
from viz.sources import Source
from viz.toolkit import pygame
from viz.view import View

FRAMES_PER_S = 60
#: Share of a frame's time that the simulation may use.
_SIMULATION_SHARE = 0.6
#: A stall longer than this is not caught up with.
_LONGEST_FRAME_S = 0.1
_NO_SCREEN = ("dummy", "offscreen", "evdev")


class ViewerError(RuntimeError):
    """The viewer cannot do what was asked; the message says what would help."""


def run_viewer(
    source: Source,
    *,
    size: tuple[int, int] = (1600, 900),
    speed: float = 1.0,
    until_s: float | None = None,
    screenshot: Path | None = None,
    frames: int | None = None,
    presses: Sequence[Press] = (),
    selected: int | None = None,
    coverage: Coverage | None = None,
    covered: bool = False,
) -> View:
    """Show a run or a recording until the operator quits.

    Parameters
    ----------
    source
        ``viz.sources.Live`` or ``Replay``.
    size
        Width and height of the window in pixels.
    speed
        Scenario seconds per second at the start.
    until_s
        Go there at once, fit the map and pause; with ``screenshot``, the time of the
        picture. Default: the start, for a picture the end.
    screenshot
        Write the picture at ``until_s`` to this PNG file and return; needs no screen.
    frames
        Close after so many frames.
    presses
        Keys to press first, once the run has reached its time (see ``bindings.presses``).
    selected
        Number of the track to select.
    coverage
        What may lie under the map (``viz.coverage``).
    covered
        Show it from the start.

    Returns
    -------
    View
        The view state at the end.

    Raises
    ------
    ViewerError
        If there is no screen, the picture cannot be written, or lacks the selected track.
    """
    if screenshot is not None and until_s is None:
        until_s = source.duration_s
    session = Session(source, size, speed, until_s, presses, coverage, covered)
    if selected is not None:
        session.select(selected)
    if screenshot is not None:
        return _picture(session, screenshot)
    surface = _open_window(size, f"{source.setting.title} – airpicture")
    try:
        _loop(session, surface, frames)
    finally:
        pygame.quit()
    return session.view


def _picture(session: Session, path: Path) -> View:
    session.arrive()
    tracks, selected = session.snapshot.tracks, session.view.selected
    if selected is not None and row_of(tracks, selected) is None:
        there = ", ".join(f"{number:04d}" for number in tracks.number[tracks.confirmed].tolist())
        raise ViewerError(
            f"track {selected:04d} is not in the picture at {session.view.time_s:g} s\n"
            f"  hint: confirmed tracks there: {there or 'none'}"
        )
    surface = pygame.Surface(session.view.size_px)
    scene = session.scene()
    Painter().paint(surface, scene.still, scene.moving)
    try:
        save_png(surface, path)
    except OSError as error:
        raise ViewerError(str(error)) from error
    return session.view


def _open_window(size: tuple[int, int], title: str) -> pygame.Surface:
    """Open the window.

    SDL falls back to drawing nowhere where there is no screen; unless that was asked
    for with ``SDL_VIDEODRIVER``, it is an error.
    """
    advice = (
        "airpicture view needs a graphical session. On a machine without one, write a picture "
        "to a file instead (--screenshot), or set SDL_VIDEODRIVER=dummy to run unseen."
    )
    try:
        pygame.display.init()
        driver = pygame.display.get_driver()
        if driver in _NO_SCREEN and os.environ.get("SDL_VIDEODRIVER") != driver:
            pygame.quit()
            raise ViewerError(f"no screen found. {advice}")
        surface = pygame.display.set_mode(size, pygame.RESIZABLE)
    except pygame.error as error:
        pygame.quit()
        raise ViewerError(f"cannot open a window ({error}). {advice}") from error
    pygame.display.set_caption(title)
    pygame.key.set_repeat(300, 40)
    return surface


def _loop(session: Session, surface: pygame.Surface, frames: int | None) -> None:
    painter = Painter()
    clock = pygame.time.Clock()
    shown = 0
    elapsed_s = 0.0
    while not session.done and (frames is None or shown < frames):
        for event in pygame.event.get():
            _handle(session, event)
        session.tick(min(elapsed_s, _LONGEST_FRAME_S), _SIMULATION_SHARE / FRAMES_PER_S)
        surface = pygame.display.get_surface() or surface
        scene = session.scene()
        painter.paint(surface, scene.still, scene.moving)
        if session.screenshot_wanted:
            session.screenshot_wanted = False
            _save(session, surface)
        pygame.display.flip()
        shown += 1
        elapsed_s = clock.tick(FRAMES_PER_S) / 1000.0


def _handle(session: Session, event: pygame.Event) -> None:
    if event.type == pygame.QUIT:
        session.done = True
    elif event.type == pygame.KEYDOWN:
        found = bound(event.unicode, pygame.key.name(event.key))
        if found is not None:
            session.do(*found)
    elif event.type == pygame.MOUSEWHEEL:
        session.zoom(event.precise_y, pygame.mouse.get_pos())
    elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
        session.press(event.pos)
    elif event.type == pygame.MOUSEMOTION and event.buttons[0]:
        session.move(event.rel)
    elif event.type == pygame.MOUSEBUTTONUP and event.button == 1:
        session.release(event.pos)
    elif event.type == pygame.VIDEORESIZE:
        session.resize(event.size)


def _save(session: Session, surface: pygame.Surface) -> None:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    path = Path.cwd() / f"airpicture-{stamp}Z.png"
    try:
        save_png(surface, path)
    except OSError as error:
        session.tell(str(error))
    else:
        session.tell(f"screenshot: {path}")
