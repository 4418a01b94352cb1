"""The checks of propagation and detection hold, and would notice a wrong formula."""

from __future__ import annotations

import pytest

from sim.verification import detection, propagation
from sim.verification.check import Check

CHECKS = propagation.CHECKS + detection.CHECKS


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_published_number_is_found(check: Check) -> None:
    assert check.compute() == pytest.approx(check.expected, rel=0.0, abs=check.tolerance)


def test_checks_are_told_apart_and_tight() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS) >= 50
    for check in CHECKS:
        assert 0.0 < check.tolerance <= 0.06 * abs(check.expected), check.name
        assert check.source
