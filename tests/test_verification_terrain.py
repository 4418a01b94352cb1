"""Line of sight against published horizons."""

from __future__ import annotations

import pytest

from sim.verification.check import Check
from sim.verification.terrain import CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_published_horizons(check: Check) -> None:
    assert check.compute() == pytest.approx(check.expected, abs=check.tolerance)
