"""How looks that may miss make a confirmed track."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from sim.core.tables import Floats
from sim.coverage.confirmation import ConfirmationTable, Rule, confirmed_after


def confirmed(word: tuple[int, ...], hits: int, looks: int, rule: Rule) -> list[bool]:
    """Tell after each look of one outcome whether a track was confirmed: the rules, in words."""
    out, done, held = [], False, 0
    began: int | None = None
    for now, hit in enumerate(word):
        if rule == Rule.SLIDING:
            done |= bool(hit) and sum(word[max(0, now - looks + 1) : now + 1]) >= hits
        elif not done:
            if began is None and hit:
                began, held = now, 0
            if began is not None:
                held += hit
                done = held >= hits
                left = looks - (now - began + 1)
                if not done and held + left < hits:
                    began = None
        out.append(done)
    return out


@pytest.mark.parametrize("rule", Rule)
@pytest.mark.parametrize(
    ("hits", "looks"), [(1, 1), (1, 3), (2, 2), (2, 3), (3, 5), (3, 3), (4, 6)]
)
def test_all_outcomes_of_a_few_looks(hits: int, looks: int, rule: Rule) -> None:
    pd = np.array([0.3, 0.9, 0.5, 0.0, 0.7, 0.2, 1.0, 0.4, 0.6])
    expected = np.zeros(pd.size)
    for word in product((0, 1), repeat=pd.size):
        share = np.prod(np.where(word, pd, 1.0 - pd))
        expected += share * np.array(confirmed(word, hits, looks, rule))
    np.testing.assert_allclose(confirmed_after(pd, hits, looks, rule), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("hits", "looks", "expected"), [(2, 2, 0.85938), (2, 3, 0.94141), (3, 5, 0.81836)]
)
def test_confirmation_within_ten_scans(hits: int, looks: int, expected: float) -> None:
    found = confirmed_after(np.full(10, 0.5), hits, looks, Rule.SLIDING)[-1]
    assert found == pytest.approx(expected, abs=6e-6)


def test_table_is_the_chain() -> None:
    table = ConfirmationTable(3, 5, 40)
    pd: Floats = np.linspace(0.0, 1.0, 37)
    for count in (0, 3, 11, 40):
        chain = [confirmed_after(np.full(count, p), 3, 5)[-1] if count else 0.0 for p in pd]
        np.testing.assert_allclose(table(pd, np.full(pd.size, count)), chain, atol=2e-4)
    assert table(0.9, 1000.0) == table(0.9, 40.0)


@pytest.mark.parametrize(
    ("hits", "looks", "pd", "says"),
    [
        (4, 3, [0.5], "4 of 3"),
        (0, 3, [0.5], "0 of 3"),
        (2, 3, [1.5], "from 0 to 1"),
        (2, 3, [np.nan], "from 0 to 1"),
    ],
)
def test_mistakes(hits: int, looks: int, pd: list[float], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        confirmed_after(np.array(pd), hits, looks)
