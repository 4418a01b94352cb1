"""One comparison of what is computed here with a published number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """A published number, and how it is computed here.

    Attributes
    ----------
    name : what is compared, unique among all checks
    unit : of the numbers; empty for pure ones
    expected : the published number
    compute : returns the number that this program finds
    tolerance : largest difference that still agrees, in the unit
    source : who published or derived the number
    """

    name: str
    unit: str
    expected: float
    compute: Callable[[], float]
    tolerance: float
    source: str
