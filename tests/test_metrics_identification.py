"""What identities are worth, on hand-made pictures with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from metrics_histories import facts, target, together, track

from sim.core.tables import Affiliation, Floats, Identity
from sim.metrics.identification import identification
from sim.metrics.matching import match

TIMES = np.arange(10.0)
A, B = (0, 0, 0), (9000, 0, 0)


def test_delays_shares_doubt_and_calibration() -> None:
    truth = together(target(TIMES, 0, A), target(TIMES, 1, B))
    words = [Identity.UNKNOWN] * 3 + [Identity.SUSPECT] * 5 + [Identity.HOSTILE] * 2
    tracks = together(
        track(TIMES, 1, A, identity=words),
        track(TIMES, 2, B, identity=[Identity.SUSPECT] * 4 + [Identity.NEUTRAL] * 6),
    )
    probability: Floats = np.tile([0.1, 0.05, 0.85], (len(tracks), 1))
    about = facts(Affiliation.HOSTILE, Affiliation.NEUTRAL)
    found = identification(truth, tracks, match(truth, tracks, 100.0), about, probability, 2.0)
    first, second = found["targets"]
    assert first["threat_after_s"] == 3.0
    assert first["hostile_after_s"] == 8.0
    assert first["friendly_after_s"] is None
    assert first["shares"] == {"unknown": 0.3, "suspect": 0.5, "hostile": 0.2}
    assert second["neutral_after_s"] == 4.0
    assert found["in_doubt"] == {"tracks": 1, "time_s": 8.0}
    assert found["taken_for_hostile"] == {"tracks": 0, "time_s": 0.0}
    assert found["stated"] == pytest.approx(0.85)
    assert found["right"] == 0.5
    assert found["calibration_error"] == pytest.approx(0.35)
    (one,) = found["reliability"]
    assert (one["from"], one["to"], one["share"]) == (0.8, 0.9, 1.0)
    right, wrong = 0.1**2 + 0.05**2 + 0.15**2, 0.1**2 + 0.95**2 + 0.85**2
    assert found["brier"] == pytest.approx((right + wrong) / 2)


def test_nobody_knows_the_side_of_an_unknown_one() -> None:
    truth = target(TIMES, 0, A)
    tracks = track(TIMES, 1, A, identity=Identity.HOSTILE)
    probability: Floats = np.tile([0.1, 0.05, 0.85], (10, 1))
    about = facts(Affiliation.UNKNOWN)
    found = identification(truth, tracks, match(truth, tracks, 100.0), about, probability, 1.0)
    assert found["stated"] is None
    assert found["reliability"] == []
    assert found["in_doubt"]["tracks"] == found["taken_for_hostile"]["tracks"] == 0
    friend = facts(Affiliation.FRIEND)
    found = identification(truth, tracks, match(truth, tracks, 100.0), friend, probability, 1.0)
    assert found["taken_for_hostile"] == {"tracks": 1, "time_s": 10.0}
