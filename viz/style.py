"""Colours, sizes and symbols: one look, in one place."""

from __future__ import annotations

from typing import NamedTuple

from sim.core.tables import THREATENING, Identity
from viz.primitives import Colour

BACKGROUND: Colour = (11, 16, 22)
GRATICULE: Colour = (23, 32, 41)
GRATICULE_TEXT: Colour = (84, 102, 118)
RING: Colour = (31, 47, 58)
RING_LIMIT: Colour = (48, 72, 86)
RING_TEXT: Colour = (92, 120, 136)
SENSOR: Colour = (150, 182, 196)
SWEEP: Colour = (8, 30, 28)
SWEEP_EDGE: Colour = (40, 92, 86)
PROTECTED: Colour = (156, 122, 70)
PROTECTED_FILL: Colour = (17, 12, 4)
PLOT: Colour = (150, 196, 160)
STROBE: Colour = (60, 84, 70)
REPORT: Colour = (128, 176, 214)
TENTATIVE: Colour = (84, 94, 102)
EFFECTOR: Colour = (206, 176, 236)
ENVELOPE: Colour = (58, 46, 74)
SHOT: Colour = (255, 236, 170)
SHOT_TRAIL: Colour = (140, 122, 82)
KILL: Colour = (255, 250, 240)
TRUTH: Colour = (214, 112, 214)
SELECTED: Colour = (245, 248, 250)
PANEL: Colour = (17, 24, 32)
PANEL_LINE: Colour = (40, 54, 66)
TEXT: Colour = (205, 216, 224)
TEXT_DIM: Colour = (122, 140, 154)
ACCENT: Colour = (92, 190, 214)
WARNING: Colour = (240, 176, 80)

#: Symbols of sensors by kind; radars and others are triangles.
SENSOR_SHAPES = {
    "acoustic": "ear",
    "rf-direction-finder": "antenna",
    "time-difference": "antenna",
    "ads-b": "receiver",
    "remote-id": "receiver",
}

SMALL, NORMAL, LARGE = 13, 14, 18
#: Side of a track's symbol, smaller where more tracks than the given number are in view.
SYMBOL_PX = ((0, 19), (300, 13), (1000, 9))
TENTATIVE_PX = 7


class Look(NamedTuple):
    """How a track of one identity is shown: shape is the code, colour comes second."""

    name: str
    shape: str
    colour: Colour


#: Frames of air tracks after NATO APP-6: open below, the shape tells the identity.
IDENTITIES: dict[int, Look] = {
    Identity.HOSTILE: Look("Hostile", "hostile", (255, 112, 104)),
    Identity.SUSPECT: Look("Suspect", "suspect", (255, 164, 120)),
    Identity.FRIEND: Look("Friend", "friend", (110, 190, 255)),
    Identity.ASSUMED_FRIEND: Look("Assumed friend", "assumed-friend", (160, 212, 250)),
    Identity.NEUTRAL: Look("Neutral", "neutral", (120, 222, 130)),
    Identity.UNKNOWN: Look("Unknown", "unknown", (250, 226, 96)),
    Identity.PENDING: Look("Pending", "pending", (206, 194, 132)),
}
#: Identities that only weighing of evidence gives: not counted where no track has them.
BY_EVIDENCE = (*THREATENING, Identity.ASSUMED_FRIEND)


def symbol_px(tracks_in_view: int) -> int:
    """Return the size of track symbols for so many tracks in view."""
    return next(size for most, size in reversed(SYMBOL_PX) if tracks_in_view >= most)


def faded(colour: Colour, share: float, towards: Colour = BACKGROUND) -> Colour:
    """Return the colour mixed with the background; ``share`` 1 keeps it."""
    red, green, blue = (
        round(share * a + (1.0 - share) * b) for a, b in zip(colour, towards, strict=True)
    )
    return red, green, blue
