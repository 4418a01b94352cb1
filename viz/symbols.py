"""Symbols as strokes in a square from -1 to 1, x right and y down.

Track frames follow NATO APP-6 for the air: open below, a round top for friend, a
square one for neutral, a pointed one for hostile, a trefoil for unknown. Assumed friend,
suspect and pending carry a question mark.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.core.tables import Floats


class Shape(NamedTuple):
    """Lines to stroke (each (N, 2)); what they enclose is tinted if ``tinted``, or filled.

    ``core`` lines are never dashed; ``dot`` is the radius of a disc in the middle.
    """

    lines: tuple[Floats, ...] = ()
    tinted: bool = False
    core: tuple[Floats, ...] = ()
    dot: float = 0.0


def _arc(x: float, y: float, radius: float, first_deg: float, last_deg: float) -> Floats:
    angle = np.radians(np.linspace(first_deg, last_deg, 25))
    return np.stack([x + radius * np.cos(angle), y + radius * np.sin(angle)], axis=-1)


def _line(*points: tuple[float, float]) -> Floats:
    return np.array(points, dtype=np.float64)


_TREFOIL = np.concatenate(
    [
        _arc(-0.46, 0.16, 0.46, 80, 271),
        _arc(0.0, -0.38, 0.46, 170, 370),
        _arc(0.46, 0.16, 0.46, -91, 100),
    ]
)
_QUESTION = (
    np.concatenate([_arc(0.0, -0.26, 0.24, 180, 405), _line((0.0, 0.1), (0.0, 0.2))]),
    _line((0.0, 0.42), (0.0, 0.48)),
)

_ROUND = np.concatenate([_line((-0.8, 0.75)), _arc(0, -0.1, 0.8, 180, 360), _line((0.8, 0.75))])
_POINTED = _line((-0.8, 0.75), (-0.8, 0.0), (0.0, -0.95), (0.8, 0.0), (0.8, 0.75))

SHAPES: dict[str, Shape] = {
    "friend": Shape((_ROUND,), tinted=True, dot=0.2),
    "assumed-friend": Shape((_ROUND,), tinted=True, core=_QUESTION),
    "hostile": Shape((_POINTED,), tinted=True, dot=0.2),
    "suspect": Shape((_POINTED,), tinted=True, core=_QUESTION),
    "neutral": Shape(
        (_line((-0.8, 0.75), (-0.8, -0.8), (0.8, -0.8), (0.8, 0.75)),), tinted=True, dot=0.2
    ),
    "unknown": Shape((_TREFOIL,), tinted=True, dot=0.2),
    "pending": Shape((_TREFOIL,), tinted=True, core=_QUESTION),
    "tentative": Shape((_arc(0, 0, 0.8, 0, 360),)),
    "cross": Shape((_line((-1, 0), (1, 0)), _line((0, -1), (0, 1)))),
    "sensor": Shape((_line((0, -0.9), (0.85, 0.7), (-0.85, 0.7), (0, -0.9)),), tinted=True),
    "effector": Shape(
        (_line((0, -0.95), (0.6, -0.1), (0.6, 0.9), (-0.6, 0.9), (-0.6, -0.1), (0, -0.95)),),
        tinted=True,
    ),
    "kill": Shape(
        (_line((-0.9, -0.9), (0.9, 0.9)), _line((-0.9, 0.9), (0.9, -0.9)), _arc(0, 0, 0.55, 0, 360))
    ),
    "miss": Shape((_line((-0.7, -0.7), (0.7, 0.7)), _line((-0.7, 0.7), (0.7, -0.7)))),
    "ear": Shape((_arc(0, 0, 0.85, 0, 360),), tinted=True, dot=0.3),
    "antenna": Shape(
        (
            _line((0, 0.9), (0, -0.1)),
            _line((-0.7, -0.8), (0, -0.1), (0.7, -0.8)),
        )
    ),
    "receiver": Shape(
        (_line((-0.75, -0.75), (0.75, -0.75), (0.75, 0.75), (-0.75, 0.75), (-0.75, -0.75)),),
        tinted=True,
    ),
    "report": Shape((_line((0, -1), (1, 0), (0, 1), (-1, 0), (0, -1)),)),
    "dot": Shape(dot=1.0),
    "selection": Shape(
        tuple(
            _line((sx * 0.95, sy * 0.5), (sx * 0.95, sy * 0.95), (sx * 0.5, sy * 0.95))
            for sx in (-1, 1)
            for sy in (-1, 1)
        )
    ),
}
