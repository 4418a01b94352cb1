"""A group as one object: where it is, how it spreads, when it is misled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from metrics_histories import target, together

from sim.engine.judged import JudgedObjects
from sim.record.setting import Setting, TargetFacts


def objects(*judged_as: str) -> JudgedObjects:
    targets = tuple(
        TargetFacts(f"{name}/{k}", name, "bird-flock", "neutral", name)
        for k, name in enumerate(judged_as)
    )
    setting = Setting("s", "s", "2025-01-01T00:00:00Z", 60.0, 0.9, 0.1, 0.0, (), targets, ())
    return JudgedObjects.of(setting)


def test_a_group_is_at_its_mean_with_the_scatter_of_its_members() -> None:
    places = np.array([[0.0, 0, 10], [60, 0, 10], [0, 90, 40]])
    times = np.arange(3.0)
    truth = together(
        target(times, 0, places[0]),
        target(times, 1, (5e3, 0, 0)),
        target(times, 2, places[1]),
        target(times, 3, places[2]),
    )
    truth = replace(truth, misled=(truth.target == 3) & (truth.time_s == 2.0))
    found = objects("geese", "lone", "geese", "geese").truth(truth)
    assert found.target.tolist() == [0, 1] * 3
    np.testing.assert_allclose(found.position_enu_m[::2], np.tile(places.mean(axis=0), (3, 1)))
    np.testing.assert_allclose(
        found.scatter_m2[::2], np.tile(np.cov(places.T, bias=True), (3, 1, 1)), atol=1e-9
    )
    assert (found.scatter_m2[1::2] == 0.0).all()
    assert found.misled.tolist() == [False] * 4 + [True, False]
    assert len(truth) == 12
    assert truth.position_enu_m[0].tolist() == [0.0, 0.0, 10.0]
