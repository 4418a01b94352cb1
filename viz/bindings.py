"""Keys: the one table that dispatches them and that the help is made of.

A key is named by the character it types, or as pygame names it where it types none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Action(Enum):
    """What an operator can ask for with a key."""

    PAUSE = "pause"
    STEP = "step"
    SLOWER = "slower"
    FASTER = "faster"
    SPEED = "speed"
    BACK = "back"
    FORWARD = "forward"
    START = "start"
    FIT = "fit"
    CENTRE = "centre"
    ZOOM_IN = "zoom-in"
    ZOOM_OUT = "zoom-out"
    PAN_LEFT = "pan-left"
    PAN_RIGHT = "pan-right"
    PAN_UP = "pan-up"
    PAN_DOWN = "pan-down"
    TRUTH = "truth"
    LEADERS = "leaders"
    LABELS = "labels"
    TRAILS = "trails"
    PLOTS = "plots"
    RINGS = "rings"
    SWEEPS = "sweeps"
    DEFENCE = "defence"
    COVERAGE = "coverage"
    COVERAGE_HEIGHT = "coverage-height"
    COVERAGE_CLASS = "coverage-class"
    PANEL = "panel"
    HELP = "help"
    SCREENSHOT = "screenshot"
    QUIT = "quit"


#: Scenario seconds per second that the speed keys step through.
SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
#: Speeds of the keys 1 to 9.
DIGIT_SPEEDS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 1000.0)


@dataclass(frozen=True, slots=True)
class Binding:
    """Keys that do one thing, how they are shown, and what they do.

    ``hint`` is the short text of the line at the bottom, empty if it is not there.
    """

    keys: tuple[str, ...]
    shown: str
    action: Action
    help: str
    hint: str = ""


BINDINGS: tuple[Binding, ...] = (
    Binding(("space",), "Space", Action.PAUSE, "pause, go on", "pause"),
    Binding((".",), ".", Action.STEP, "one second on, then pause", "step"),
    Binding(("[",), "[", Action.SLOWER, "slower, down to ×0.25", "slower"),
    Binding(("]",), "]", Action.FASTER, "faster, up to ×1000", "faster"),
    Binding(tuple("123456789"), "1 … 9", Action.SPEED, "×1 ×2 ×5 ×10 ×20 ×50 ×100 ×200 ×1000"),
    Binding(("page up",), "Page Up", Action.BACK, "one minute back (replay)"),
    Binding(("page down",), "Page Down", Action.FORWARD, "one minute on (replay)"),
    Binding(("home",), "Home", Action.START, "to the start (replay)"),
    Binding(("f",), "F", Action.FIT, "fit everything into the map", "fit"),
    Binding(("c",), "C", Action.CENTRE, "the selected track into the middle"),
    Binding(("+", "="), "+", Action.ZOOM_IN, "closer (or wheel, at the cursor)"),
    Binding(("-",), "-", Action.ZOOM_OUT, "farther"),
    Binding(("left",), "←", Action.PAN_LEFT, "look left (or drag the map)"),
    Binding(("right",), "→", Action.PAN_RIGHT, "look right"),
    Binding(("up",), "↑", Action.PAN_UP, "look up"),
    Binding(("down",), "↓", Action.PAN_DOWN, "look down"),
    Binding(("t",), "T", Action.TRUTH, "truth: where the targets really are", "truth"),
    Binding(("v",), "V", Action.LEADERS, "velocity leaders: one minute ahead"),
    Binding(("l",), "L", Action.LABELS, "labels", "labels"),
    Binding(("d",), "D", Action.TRAILS, "history dots: the last minute"),
    Binding(("p",), "P", Action.PLOTS, "plots of the last ten seconds"),
    Binding(("r",), "R", Action.RINGS, "range rings"),
    Binding(("b",), "B", Action.SWEEPS, "beams of rotating sensors"),
    Binding(("e",), "E", Action.DEFENCE, "effectors and their shots"),
    Binding(("o",), "O", Action.COVERAGE, "coverage, where one is given"),
    Binding(("g",), "G", Action.COVERAGE_HEIGHT, "coverage at the next height above ground"),
    Binding(("k",), "K", Action.COVERAGE_CLASS, "coverage of the next class, then condition"),
    Binding(("tab",), "Tab", Action.PANEL, "side panel"),
    Binding(("f1", "h"), "F1, H", Action.HELP, "this help", "help"),
    Binding(("s", "f12"), "S, F12", Action.SCREENSHOT, "screenshot into the current folder"),
    Binding(("q", "escape"), "Q, Esc", Action.QUIT, "quit", "quit"),
)

#: A key and the action it asks for.
Press = tuple[Action, str]

_BY_KEY = {key: binding for binding in BINDINGS for key in binding.keys}


def bound(typed: str, name: str) -> Press | None:
    """Return the action of a key press and the key, None if the key does nothing.

    Parameters
    ----------
    typed
        The character that the press types: right on every keyboard layout.
    name
        pygame's name of the key, for those that type nothing.
    """
    for key in (typed.lower(), name.lower()):
        if key in _BY_KEY:
            return _BY_KEY[key].action, key
    return None


def presses(text: str) -> list[Press]:
    """Return what is asked for by keys written one after the other, as in ``++t left left``.

    A word that names a key (``left``, ``page-up``, ``f1``) is that key; any other word is
    a row of characters.

    Raises
    ------
    ValueError
        If a key does nothing; the message names it.
    """
    found: list[Press] = []
    for word in text.split():
        whole = bound("", word.replace("-", " ")) if len(word) > 1 else None
        for key in [] if whole else word:
            press = bound(key, "")
            if press is None:
                raise ValueError(f"{key!r} in {word!r} does nothing")
            found.append(press)
        if whole:
            found.append(whole)
    return found
