"""What the operator chose to see, and how the screen is divided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from viz.camera import Camera, Rect

STATUS_PX = 38
HINT_PX = 26
PANEL_PX = 312
#: Below these sizes the map needs the room more than the panel and the bars do.
_PANEL_FROM_PX = (760, 360)
_BARS_FROM_PX = 240


@dataclass(frozen=True, slots=True)
class Layout:
    """Parts of the screen; a part without room has no size."""

    status: Rect
    hints: Rect
    panel: Rect
    map: Rect

    @classmethod
    def of(cls, size_px: tuple[int, int], panel: bool) -> Layout:
        """Divide a window of the given size."""
        width, height = max(size_px[0], 1), max(size_px[1], 1)
        status = STATUS_PX if height >= _BARS_FROM_PX else 20 if height >= 80 else 0
        hints = HINT_PX if height >= _BARS_FROM_PX else 0
        roomy = width >= _PANEL_FROM_PX[0] and height >= _PANEL_FROM_PX[1]
        side = PANEL_PX if panel and roomy else 0
        body = height - status - hints
        return cls(
            status=Rect(0, 0, width, status),
            hints=Rect(0, height - hints, width, hints),
            panel=Rect(width - side, status, side, body),
            map=Rect(0, status, width - side, body),
        )


@dataclass(frozen=True, slots=True)
class View:
    """The view state: with a snapshot it determines the scene.

    Attributes
    ----------
    size_px : size of the window
    camera : where the map looks
    time_s : the moment shown; tracks are extrapolated to it from the snapshot's time
    speed, achieved : scenario seconds per second, asked for and reached (NaN: unknown)
    coverage : whether a computed coverage lies under the map
    coverage_height, coverage_class : which of its heights; which class, condition by condition
    selected : number of the selected track
    label_sides : on which side of each track its label was last, so that labels keep still
    message : a line for the operator, empty for none
    """

    size_px: tuple[int, int]
    camera: Camera
    time_s: float = 0.0
    speed: float = 1.0
    achieved: float = float("nan")
    paused: bool = False
    truth: bool = False
    leaders: bool = True
    labels: bool = True
    trails: bool = True
    plots: bool = True
    rings: bool = True
    sweeps: bool = True
    defence: bool = True
    panel: bool = True
    help: bool = False
    coverage: bool = False
    coverage_height: int = 0
    coverage_class: int = 0
    selected: int | None = None
    label_sides: Mapping[int, int] = field(default_factory=dict)
    message: str = ""

    def toggled(self, name: str) -> View:
        """Return the view with one of its switches turned."""
        changed: dict[str, Any] = {name: not getattr(self, name)}
        return replace(self, **changed)

    @property
    def layout(self) -> Layout:
        """The division of the window."""
        return Layout.of(self.size_px, self.panel)
