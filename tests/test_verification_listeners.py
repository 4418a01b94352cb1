"""Published numbers on sound, radio links and reports are met."""

from __future__ import annotations

import pytest

from sim.verification import radio, sound
from sim.verification.check import Check

CHECKS = (*sound.CHECKS, *radio.CHECKS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_number_is_met(check: Check) -> None:
    assert check.compute() == pytest.approx(check.expected, abs=check.tolerance)


def test_names_are_unique() -> None:
    assert len({check.name for check in CHECKS}) == len(CHECKS)
