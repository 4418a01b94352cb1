"""One operator at one source: keeps the view, obeys actions, moves time on. No pygame here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sim.core.tables import Plots, Snapshot, Tracks, Truth, Visibility
from sim.record.setting import Setting
from viz import picture
from viz.backdrop import backdrop
from viz.bindings import DIGIT_SPEEDS, SPEEDS, Action, Press
from viz.coverage import Coverage
from viz.memory import TRAIL_DOTS, TRAIL_INTERVAL_S, Memory
from viz.primitives import Primitive
from viz.scene import Scene, Stage, build, everything
from viz.sources import Source
from viz.view import Layout, View

_PAN_PX = 60.0
_ZOOM = 1.25
_SEEK_S = 60.0
_MESSAGE_S = 6.0
#: A press that moves no further than this is a click.
_CLICK_PX = 4.0

_TOGGLES = {
    Action.TRUTH: "truth",
    Action.LEADERS: "leaders",
    Action.LABELS: "labels",
    Action.TRAILS: "trails",
    Action.PLOTS: "plots",
    Action.RINGS: "rings",
    Action.SWEEPS: "sweeps",
    Action.DEFENCE: "defence",
    Action.PANEL: "panel",
    Action.HELP: "help",
}
_COVERAGE = (Action.COVERAGE, Action.COVERAGE_HEIGHT, Action.COVERAGE_CLASS)
_PANS = {
    Action.PAN_LEFT: (_PAN_PX, 0.0),
    Action.PAN_RIGHT: (-_PAN_PX, 0.0),
    Action.PAN_UP: (0.0, _PAN_PX),
    Action.PAN_DOWN: (0.0, -_PAN_PX),
}


def nothing_yet(setting: Setting) -> Snapshot:
    """Return the snapshot before the first: no tracks, no plots, no target present."""
    targets = len(setting.targets)
    return Snapshot(
        time_s=0.0,
        truth=Truth(
            0.0,
            np.full((targets, 3), np.nan),
            np.full((targets, 3), np.nan),
            np.zeros(targets, np.bool_),
        ),
        plots=Plots.empty(),
        tracks=Tracks.empty(),
        beam_azimuth_rad=np.full(len(setting.sensors), np.nan),
        detectability=np.full(targets, np.nan),
        visibility=np.full(targets, Visibility.ABSENT, np.uint8),
        best_sensor=np.full(targets, -1, np.int32),
        rejected=0,
    )


class Session:
    """The state behind one window.

    Attributes
    ----------
    view, snapshot, memory : what determines the scene
    done : whether the operator asked to quit
    screenshot_wanted : whether the next frame is to be saved
    """

    def __init__(
        self,
        source: Source,
        size_px: tuple[int, int],
        speed: float,
        until_s: float | None,
        presses: Sequence[Press] = (),
        coverage: Coverage | None = None,
        covered: bool = False,
    ) -> None:
        """Start at the beginning of a source.

        Parameters
        ----------
        source, size_px, speed
            What to look at, in a window how large, at how many scenario seconds per second.
        until_s
            Hurry to this time and pause there.
        presses
            What to do on arrival; without ``until_s``, right away.
        coverage
            What may lie under the map.
        covered
            Whether it does from the start.
        """
        self.source = source
        self.coverage = coverage
        self.stage = Stage.of(source.setting)
        self.snapshot = nothing_yet(source.setting)
        self.memory = Memory.empty()
        self.done = False
        self.screenshot_wanted = False
        self._until_s = math.inf if until_s is None else until_s
        self._presses = presses
        self._still: tuple[tuple[object, ...], list[Primitive]] | None = None
        self._message_left_s = 0.0
        self._held_px: tuple[float, float] | None = None
        self._dragged_px = 0.0
        whole_map = Layout.of(size_px, panel=True).map
        camera = everything(source.setting, self.snapshot, whole_map)
        self.view = View(size_px, camera, speed=speed, coverage=covered)
        if until_s is None:
            self._press_all()

    def run_to(self, time_s: float) -> None:
        """Go on to a time without pause, in pieces that let trails grow."""
        while self.view.time_s < time_s:
            before_s = self.view.time_s
            self._advance(min(before_s + TRAIL_INTERVAL_S, time_s), math.inf)
            if self.view.time_s <= before_s:
                break

    def arrive(self) -> None:
        """Go to the time to pause at, however long it takes, and carry out what waits there."""
        self.run_to(min(self._until_s, self.source.duration_s))
        self._until_s = math.inf
        self.do(Action.FIT)
        self._press_all()

    def _press_all(self) -> None:
        presses, self._presses = self._presses, ()
        for action, key in presses:
            self.do(action, key)

    def tick(self, elapsed_s: float, budget_s: float) -> None:
        """Let real time pass: move the scenario on at the chosen speed, or in a hurry."""
        if self._message_left_s > 0.0:
            self._message_left_s -= elapsed_s
            if self._message_left_s <= 0.0:
                self.view = replace(self.view, message="")
        if self.view.paused or elapsed_s <= 0.0:
            return
        before_s = self.view.time_s
        hurrying = self._until_s < math.inf
        end_s = min(self._until_s, self.source.duration_s)
        if hurrying and self.source.seekable:
            self.seek(end_s)
        else:
            step_s = TRAIL_INTERVAL_S if hurrying else self.view.speed * elapsed_s
            self._advance(min(before_s + step_s, end_s), budget_s)
        rate = (self.view.time_s - before_s) / elapsed_s
        achieved = self.view.achieved
        weight = min(elapsed_s, 1.0)
        smooth = rate if math.isnan(achieved) else achieved + weight * (rate - achieved)
        self.view = replace(self.view, achieved=smooth)
        if hurrying and self.view.time_s >= end_s:
            self.view = replace(self.view, paused=True, achieved=math.nan)
            self.arrive()
        elif self.view.time_s >= self.source.duration_s:
            self.view = replace(self.view, paused=True)
            self.tell("the end of the run")

    def _advance(self, to_s: float, budget_s: float) -> None:
        latest = self.source.advance(to_s, budget_s)
        if latest is not None and latest is not self.snapshot:
            self.snapshot = latest
            self.memory = self.memory.after(latest, self.stage.places.at(latest))
        self.view = replace(self.view, time_s=max(self.source.time_s, 0.0))

    def tell(self, message: str) -> None:
        """Show a line to the operator for a while."""
        self.view = replace(self.view, message=message)
        self._message_left_s = _MESSAGE_S

    def seek(self, time_s: float) -> None:
        """Jump to a time, if the source can, and recall the trails that lead there."""
        if not self.source.seekable:
            self.tell("a live run cannot jump in time: view its recording")
            return
        target_s = min(max(time_s, 0.0), self.source.duration_s)
        start_s = max(target_s - TRAIL_DOTS * TRAIL_INTERVAL_S, 0.0)
        self.source.seek(start_s)
        self.memory = Memory.empty()
        self.snapshot = nothing_yet(self.stage.setting)
        self.view = replace(self.view, time_s=start_s)
        self._advance(start_s, math.inf)
        self.run_to(target_s)

    def do(self, action: Action, key: str = "") -> None:
        """Carry out an action; ``key`` tells which of several keys asked for it."""
        view = self.view
        if action in _TOGGLES:
            self._replace_view(view.toggled(_TOGGLES[action]))
        elif action in _PANS:
            self.view = replace(view, camera=view.camera.panned(*_PANS[action]))
        elif action in (Action.ZOOM_IN, Action.ZOOM_OUT):
            self.zoom(1 if action is Action.ZOOM_IN else -1)
        elif action is Action.PAUSE:
            self.view = replace(view, paused=not view.paused, achieved=math.nan)
        elif action is Action.STEP:
            self._advance(min(view.time_s + 1.0, self.source.duration_s), math.inf)
            self.view = replace(self.view, paused=True)
        elif action in (Action.SLOWER, Action.FASTER, Action.SPEED):
            self._set_speed(action, key)
        elif action is Action.FIT:
            fitted = everything(self.stage.setting, self.snapshot, view.layout.map)
            self.view = replace(view, camera=fitted)
        elif action is Action.CENTRE:
            self._centre()
        elif action in (Action.BACK, Action.FORWARD):
            self.seek(view.time_s + (_SEEK_S if action is Action.FORWARD else -_SEEK_S))
        elif action is Action.START:
            self.seek(0.0)
        elif action in _COVERAGE:
            self._change_coverage(action)
        elif action is Action.SCREENSHOT:
            self.screenshot_wanted = True
        elif action is Action.QUIT:
            self.done = True

    def _change_coverage(self, action: Action) -> None:
        view = self.view
        if self.coverage is None:
            self.tell("no coverage is at hand: view with --coverage DIR")
        elif action is Action.COVERAGE:
            self.view = view.toggled("coverage")
        elif action is Action.COVERAGE_HEIGHT:
            step = view.coverage_height + view.coverage
            self.view = replace(view, coverage=True, coverage_height=step)
        else:
            step = view.coverage_class + view.coverage
            self.view = replace(view, coverage=True, coverage_class=step)

    def _centre(self) -> None:
        now = picture.shown(self.snapshot, self.view)
        row = picture.row_of(now.tracks, self.view.selected)
        if row is None:
            self.tell("no track is selected: click one first")
        else:
            east_m, north_m = now.position_enu_m[row, :2].tolist()
            camera = replace(self.view.camera, east_m=east_m, north_m=north_m)
            self.view = replace(self.view, camera=camera)

    def _set_speed(self, action: Action, key: str) -> None:
        speed = self.view.speed
        if action is Action.SPEED:
            speed = DIGIT_SPEEDS[int(key) - 1]
        elif action is Action.FASTER:
            speed = next((s for s in SPEEDS if s > speed), SPEEDS[-1])
        else:
            speed = next((s for s in reversed(SPEEDS) if s < speed), SPEEDS[0])
        self.view = replace(self.view, speed=speed, achieved=math.nan)

    def _replace_view(self, view: View) -> None:
        self.view = replace(view, camera=view.camera.resized(view.layout.map))

    def resize(self, size_px: tuple[int, int]) -> None:
        """Follow a new window size; the middle of the map stays."""
        self._replace_view(replace(self.view, size_px=size_px))

    def zoom(self, notches: float, at_px: tuple[float, float] | None = None) -> None:
        """Go closer (positive) or farther by notches of the wheel, at the cursor if given."""
        if at_px is None or self.view.layout.map.contains(*at_px):
            camera = self.view.camera.zoomed(_ZOOM**notches, at_px)
            self.view = replace(self.view, camera=camera)

    def press(self, at_px: tuple[float, float]) -> None:
        """Take hold of the map: what follows is a click or a drag."""
        self._held_px = at_px if self.view.layout.map.contains(*at_px) else None
        self._dragged_px = 0.0

    def move(self, by_px: tuple[float, float]) -> None:
        """Move the map along with the mouse that holds it."""
        if self._held_px is not None:
            self._dragged_px += math.hypot(*by_px)
            self.view = replace(self.view, camera=self.view.camera.panned(*by_px))

    def release(self, at_px: tuple[float, float]) -> None:
        """Let the map go; if it was hardly moved, select the track there, or none."""
        if self._held_px is not None and self._dragged_px <= _CLICK_PX:
            now = picture.shown(self.snapshot, self.view)
            self.view = replace(self.view, selected=picture.pick(now, *at_px))
        self._held_px = None

    def select(self, number: int) -> None:
        """Select a track by its number."""
        self.view = replace(self.view, selected=number)

    def scene(self) -> Scene:
        """Compose the scene; its still part is kept while the camera rests."""
        view = self.view
        which = (view.coverage, view.coverage_height, view.coverage_class)
        key = (view.camera, view.rings, which)
        if self._still is None or self._still[0] != key:
            self._still = key, self._drawn_still()
        scene = build(self.stage, self.snapshot, self.memory, self.view, self._still[1])
        self.view = replace(self.view, label_sides=scene.label_sides)
        return scene

    def _drawn_still(self) -> list[Primitive]:
        still = backdrop(self.stage.setting, self.view)
        if self.coverage is None or not self.view.coverage:
            return still
        below, legend = self.coverage.shapes(self.view)
        return below + still + legend
